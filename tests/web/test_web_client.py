"""The browser client in headless Chromium: three.js, three-vrm and sound, from a real broadcast and a real
conversation."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest

from voxrig.audio import read
from voxrig.idle import Life
from voxrig.model import OnnxModel
from voxrig.performance import animate
from voxrig.rigs import get
from voxrig.rpc.server import Server, Setup, start
from voxrig.types import Array, AudioChunk, Auto, Key, Style
from voxrig_bridge import web
from voxrig_bridge.websocket import Broadcast

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MODULES = HERE.parent / "node" / "node_modules"
KEY = "correct-horse/battery="
SECONDS = 3

chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
node = shutil.which("node")
pytestmark = pytest.mark.skipif(
    not (
        chromium
        and node
        and all((MODULES / name).exists() for name in ("puppeteer-core", "three", "typescript"))
    ),
    reason="needs Chromium, Node and the modules of tests/node",
)


@pytest.fixture(scope="module")
def line() -> AudioChunk:
    """A few seconds of speech."""
    whole = read(ROOT / "samples" / "hello.wav")
    samples = np.round(whole.samples[: SECONDS * whole.rate] * 32768).astype(np.float32) / 32768
    return AudioChunk(samples, whole.rate)


@pytest.fixture(scope="module")
def page(line: AudioChunk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The test page with the client that was built for it, on a server of its own."""
    home = tmp_path_factory.mktemp("site")
    tsc = MODULES / ".bin" / "tsc"
    subprocess.run([tsc, "-p", ROOT / "engine_bridges" / "web", "--outDir", home / "client"], check=True)
    for name, folder in (
        ("three", MODULES / "three" / "build"),
        ("vrm", MODULES / "@pixiv" / "three-vrm" / "lib"),
    ):
        (home / name).symlink_to(folder)
    shutil.copy(HERE / "page.html", home)
    (home / "line.pcm").write_bytes((line.samples * 32768).astype("<i2").tobytes())
    with serving_files(home) as port:
        yield f"http://127.0.0.1:{port}/page.html"


@contextmanager
def serving_files(home: Path) -> Iterator[int]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(home)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def in_chromium(page: str, name: str, *given: Any) -> Any:
    """What a function of the page returns."""
    assert node is not None
    assert chromium is not None
    command = [node, HERE / "drive.mjs", page, name, *map(json.dumps, given)]
    env = os.environ | {"CHROMIUM": chromium, "NODE_MODULES": str(MODULES)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def perform(broadcast: Broadcast, face: int, values: Array, fps: int) -> None:
    """Frames in real time, from when somebody listens, a few at a time as networks bring them."""
    while broadcast.counts().clients == 0:
        sleep(0.01)
    began, at, rng = monotonic(), 0, np.random.default_rng(0)
    while at < len(values):
        end = min(len(values), at + int(rng.integers(1, 4)))
        sleep(max(0.0, began + end / fps - monotonic()))
        broadcast.send(face, at, values[at:end])
        at = end
    broadcast.end(face, frames=len(values))


def check_shown(shown: list[tuple[float, list[float]]], values: Array, least: float) -> None:
    """That each picture holds the curves of its moment, in order, and that they reach from end to end."""
    at = np.array([moment for moment, _ in shown])
    got = np.array([influences for _, influences in shown])
    want = np.stack([np.interp(at, np.arange(len(values)), column) for column in values.T], axis=1)
    np.testing.assert_allclose(got, want, atol=1e-5)
    assert (np.diff(at) >= 0).all()
    assert at[0] < 6
    assert at[-1] == len(values) - 1
    assert len(set(np.floor(at))) > least * len(values)


def test_parts_keep_time_and_know_names(page: str) -> None:
    got = in_chromium(page, "parts")
    assert got["line"] == pytest.approx([None, 0, 0.5, 2.5, 3, 3], abs=1e-5)
    assert got["late"] == pytest.approx([0, 1, 1.5, 2], abs=1e-5)
    assert (got["gap"], got["missed"]) == (pytest.approx(2), 3)
    assert (got["jump"], got["jumped"]) == (19, 20)
    assert got["cut"] == pytest.approx([1, 9], abs=1e-5)
    assert got["turned"] == [True, True, True]
    assert got["names"] == [0, 1, 2, 3, -1, 4, 0, -1, -1]
    assert got["pcm"] == [0, 32767, -32768, 16384, 32767]
    assert got["protocols"] == ["voxrig.v1", "voxrig.key.a%2fb%3dc%25"]
    assert got["garbage"] == [None, None, "refused", "refused", "refused", "refused"]


def test_a_broadcast_moves_a_mesh(page: str, speech: OnnxModel, line: AudioChunk) -> None:
    values = animate(line, "arkit", 60, pace="live").values
    with Broadcast("127.0.0.1", 0) as broadcast:
        face = broadcast.add_face("Ada", get("arkit"), Fraction(60))
        sending = threading.Thread(target=perform, args=(broadcast, face, values, 60))
        sending.start()
        got = in_chromium(page, "watch", f"ws://127.0.0.1:{broadcast.port}")
        sending.join()
    assert (got["name"], got["missing"]) == ("Ada", [])
    check_shown(got["shown"], values, 0.3)


def test_a_broadcast_moves_a_vrm(page: str, line: AudioChunk) -> None:
    rig = get("vrm1")
    values = animate(line, rig.name, 30, pace="live").values[:45]
    with Broadcast("127.0.0.1", 0) as broadcast:
        face = broadcast.add_face("Ada", rig, Fraction(30))
        sending = threading.Thread(target=perform, args=(broadcast, face, values, 30))
        sending.start()
        shown = in_chromium(page, "vrm", f"ws://127.0.0.1:{broadcast.port}")["shown"]
        sending.join()
    columns = [rig.index(name) for name in ("aa", "blinkLeft", "happy")]
    check_shown([(at, values) for at, *values in shown], values[:, columns], 0.3)


@pytest.mark.parametrize("burst", [False, True])
def test_a_conversation_moves_a_mesh_and_is_heard(
    page: str, speech: OnnxModel, line: AudioChunk, burst: bool
) -> None:
    manner: dict[str, Any] = {"keys": [Key(1, Style({"anger": 1.0}, speaker="stern"), 0.25)]}
    manner |= {"style": Style({"joy": 0.5}, energy=1.25, auto=Auto()), "idle": Life(head=0.5), "seed": 7}
    values = animate(line, "arkit", 60, pace="live", **(manner if burst else {})).values

    async def both() -> Any:
        async with await start(Setup(port=0, websocket=0, keys=(KEY,)), {"live": speech}) as server:
            got = await asyncio.to_thread(in_chromium, page, "talk", address(server), KEY, line.rate, burst)
            assert server.streams == 0
            return got

    got = asyncio.run(both())
    assert got["missing"] == []
    assert got["summary"]["samples"] == len(line.samples)
    check_shown(got["shown"], values, 0.3)
    began = check_heard(np.array(got["heard"], np.float32), line) + got["heardFrom"]
    in_step = np.array([now - began for now in got["times"]]) - np.array([at for at, _ in got["shown"]]) / 60
    moving = np.array([at for at, _ in got["shown"]]) < len(values) - 1
    assert np.abs(np.median(in_step[moving])) < 0.08  # messages of the ear have no time of their own


def check_heard(heard: Array, said: AudioChunk) -> float:
    """That a sound is in another, whole but for a stutter; the second at which it begins."""
    size = 1 << (len(heard) + len(said.samples)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said.samples, size)))
    assert product.max() > 0.9 * float(said.samples @ said.samples)
    return float(product.argmax() / said.rate)


def test_barge_in_closes_the_mouth(page: str, speech: OnnxModel, line: AudioChunk) -> None:
    values = animate(line, "arkit", 60, pace="live").values

    async def both() -> Any:
        async with await start(Setup(port=0, websocket=0, keys=(KEY,)), {"live": speech}) as server:
            return await asyncio.to_thread(in_chromium, page, "barge", address(server), KEY, line.rate)

    got = asyncio.run(both())
    first, end = got["notice"]["first"], got["notice"]["end"]
    assert 0 <= first - 1 - got["asked"] <= 2
    assert end - first == 6
    at = np.array([moment for moment, _ in got["shown"]])
    assert (np.diff(at) >= 0).all()
    assert at[-1] == end - 1
    closing = np.concatenate([values[:first], np.zeros((6, values.shape[1]), np.float32)])
    ease = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, 7) / 6)
    closing[first:] = values[first - 1] * ease[:, None]
    check_shown(got["shown"], closing, 0.3)


def test_a_refusal_is_told(page: str, speech: OnnxModel) -> None:
    async def both() -> None:
        async with await start(Setup(port=0, websocket=0, keys=(KEY,)), {"live": speech}) as server:
            got = await asyncio.to_thread(in_chromium, page, "refused", address(server), KEY + "x")
            assert got["code"] == "UNAUTHENTICATED"
            assert got["message"].startswith("no key, or a wrong one")

    asyncio.run(both())


def test_a_server_that_is_not_there_is_told(page: str) -> None:
    with socket.socket() as taken:  # so that nobody listens there
        taken.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{taken.getsockname()[1]}{web.PATH}"
        got = in_chromium(page, "refused", url, KEY)
    assert got["code"] == "UNAVAILABLE"
    assert got["message"].startswith(f"no voxrig answers at {url}: ")


def test_a_microphone_is_heard(page: str) -> None:
    got = in_chromium(page, "microphone")
    assert got["samples"] > 0
    assert got["loudest"] > 0.01


def address(server: Server) -> str:
    return f"ws://127.0.0.1:{server.websocket}{web.PATH}"
