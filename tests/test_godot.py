"""The Godot add-on, run in a game without a picture: what is sent by socket is what the blend shapes get.

The Godot 3 branch runs in ``godot3-server``. The Godot 4 branch is only parsed (``gdtoolkit``).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from sounds import SAMPLE, TINY, VOXRIG

import voxrig
from voxrig.errors import WireError
from voxrig.idle import Life
from voxrig.rigs import get
from voxrig.types import Array, Auto, Style
from voxrig_bridge import livelink, osc, web
from voxrig_bridge.codec import Codec
from voxrig_bridge.livelink import Livelink
from voxrig_bridge.vmc import Vmc

ADDON = Path(__file__).parent.parent / "engine_bridges" / "godot" / "addons" / "voxrig"
PROJECT = Path(__file__).parent / "godot" / "project3"
GODOT = shutil.which("godot3-server")
FPS = Fraction(60)
SECONDS = 5
ARKIT = get("arkit").curves
RATE = 24000
needs_godot = pytest.mark.skipif(GODOT is None, reason="godot3-server is not installed")


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the add-on in it, put there as its README says."""
    folder = tmp_path_factory.mktemp("game")
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
    shutil.copytree(ADDON / "godot3", folder / "addons" / "voxrig")
    return folder


@pytest.fixture(scope="module")
def speech() -> Callable[[str], Array]:
    """Five seconds of a recording on a rig."""
    return lambda rig: voxrig.animate(SAMPLE, rig=rig, fps=FPS, pack=str(TINY)).values[: int(SECONDS * FPS)]


def said(folder: Path, pcm: bytes) -> str:
    """A file of speech for the game."""
    (folder / "speech").write_bytes(pcm)
    return str(folder / "speech")


def sound() -> bytes:
    """The same five seconds as 16-bit samples."""
    samples, rate = soundfile.read(SAMPLE, dtype="int16", frames=SECONDS * RATE)
    assert rate == RATE
    return bytes(samples.tobytes())


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


# -- the game


@dataclass(frozen=True)
class Shown:
    """A frame as the mesh had it."""

    index: int
    time: float
    """Seconds on the game's clock."""
    shapes: Array  # (c,)
    head: tuple[float, float, float]
    """Angles about X, Y and Z."""


@dataclass(frozen=True)
class Run:
    """What a game printed."""

    events: tuple[str, ...]
    frames: tuple[Shown, ...]
    end: dict[str, Any]
    """Counts, matched and unmatched shapes, names of curves."""


class Game:
    """A running game; ``ready`` returns when its receiver listens."""

    def __init__(self, folder: Path, tmp: Path, told: dict[str, Any]) -> None:
        self._log = tmp / "game.log"
        told = {"seconds": 30, "shapes": ARKIT, **told}
        environment = os.environ | {"VOXRIG_TEST": json.dumps(told), "HOME": str(tmp)}
        with self._log.open("w") as log:
            assert GODOT is not None
            self.process = subprocess.Popen(
                [GODOT, "--path", str(folder)], env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def ready(self) -> None:
        ends = time.monotonic() + 20
        while '"ready"' not in self._log.read_text():
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < ends, "the game did not start"
            time.sleep(0.02)

    def result(self) -> Run:
        """Waits for the game to end, which it does when its sender is lost."""
        assert self.process.wait(60) == 0, self._log.read_text()[-2000:]
        text = self._log.read_text()
        assert "SCRIPT ERROR" not in text, text[-4000:]
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        frames = [
            Shown(line["shown"], line["time"], _floats(line["shapes"]), tuple(line["head"]))
            for line in lines
            if line["event"] == "frame"
        ]
        events = [line["event"] for line in lines if line["event"] != "frame"]
        return Run(tuple(events), tuple(frames), lines[-1])


def _floats(text: str) -> Array:
    return np.frombuffer(base64.b64decode(text), "<f4")


@contextmanager
def playing(folder: Path, tmp: Path, **told: Any) -> Iterator[Game]:
    game = Game(folder, tmp, told)
    try:
        game.ready()
        yield game
    finally:
        game.process.kill()
        game.process.wait()


def send(
    codec: Codec, values: Array, port: int, spoil: Callable[[int], Sequence[bytes]] | None = None
) -> None:
    """A take in its own time, by UDP; ``spoil`` gives packets to go before frame i."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        start = time.monotonic()
        for i, row in enumerate(values):
            time.sleep(max(0.0, start + i / 60 - time.monotonic()))
            for data in spoil(i) if spoil else ():
                out.sendto(data, ("127.0.0.1", port))
            for data in codec.encode(row, 80000 + i / 60):
                out.sendto(data, ("127.0.0.1", port))


def check(run: Run, want: Array, first: int, least: float = 0.8, pace: float = 0.02) -> None:
    """Each frame that was shown is the one sent, in order and at its pace, to ``pace`` seconds.

    Frames like the one before are not told. A busy machine may skip some: ``least`` of them is enough.
    """
    rows = [frame.index - first for frame in run.frames]
    assert rows == sorted(set(rows))
    news = 1 + np.count_nonzero(np.abs(np.diff(want, axis=0)).max(axis=1))
    assert len(rows) >= least * news
    got = np.array([frame.shapes for frame in run.frames])
    assert np.abs(got - want[rows]).max() <= 1e-6
    drift = np.array([frame.time for frame in run.frames]) - np.array(rows) / 60
    assert np.median(np.abs(drift - np.median(drift))) < pace


# -- by socket


@needs_godot
def test_live_link_moves_the_shapes(game: Path, tmp_path: Path, speech: Callable[[str], Array]) -> None:
    values = speech("livelink").copy()
    values[:, 52:55] = np.random.default_rng(3).uniform(-0.5, 0.5, (len(values), 3))
    port = free_port(socket.SOCK_DGRAM)
    receiver = {"source": 0, "port": port, "subject": "Ada", "blended": False, "delay": 0.15}
    shapes = [name.replace("Left", "_L").replace("Right", "_R") if name[0] == "e" else name for name in ARKIT]
    with playing(game, tmp_path, receiver=receiver, shapes=["head." + name for name in shapes]) as play:
        stranger = Livelink(FPS, "Bob").encode(values[0] + 1, 80000)
        send(Livelink(FPS, "Ada"), values, port, lambda i: stranger)
        run = play.result()
    check(run, values[:, :52], 80000 * 60)
    assert run.events == ("ready", "connected", "lost", "end")
    assert run.end["counts"] == {"received": len(values), "dropped": 0, "late": 0, "malformed": 0}
    assert run.end["shapes"]["unmatched"] == []
    assert tuple(run.end["curves"]) == get("livelink").curves
    for frame in run.frames:
        yaw, pitch, roll = values[frame.index - 80000 * 60, 52:55]
        assert np.allclose(frame.head, (pitch, -yaw, roll), atol=1e-5)


@needs_godot
def test_vmc_moves_the_shapes_and_the_head(
    game: Path, tmp_path: Path, speech: Callable[[str], Array]
) -> None:
    values = speech("livelink").copy()
    values[:, 52:55] = np.random.default_rng(4).uniform(-0.5, 0.5, (len(values), 3))
    port = free_port(socket.SOCK_DGRAM)
    receiver = {"source": 1, "port": port, "blended": False, "delay": 0.15}
    with playing(game, tmp_path, receiver=receiver) as play:
        send(Vmc(FPS, "livelink"), values, port)
        run = play.result()
    check(run, values[:, :52], 0)
    assert run.end["counts"] == {"received": len(values), "dropped": 0, "late": 0, "malformed": 0}
    for frame in run.frames:
        yaw, pitch, roll = values[frame.index, 52:55]
        assert np.allclose(frame.head, (pitch, -yaw, roll), atol=1e-5)


@needs_godot
def test_lost_and_late_packets_and_garbage_are_counted(game: Path, tmp_path: Path) -> None:
    values = np.zeros((120, 61), np.float32)
    values[:, 17] = np.linspace(0.1, 0.9, 120)
    rng = np.random.default_rng(5)
    port = free_port(socket.SOCK_DGRAM)
    codec = Livelink(FPS, "Ada")
    good = codec.encode(values[0], 0)[0]
    bad = [
        good[:-1],
        good + b"\0",
        good[:-245] + b"\x3d" * 244,
        b"\x06" + b"\xff" * 300,
        b"",
        bytes([5]) + good[1:],
    ]
    bad += [rng.bytes(n) for n in (1, 5, 60, 318, 1400)]

    class Lossy:
        """Frames 30 to 39 are lost but for 35, which comes a third of a second late."""

        rig = codec.rig

        def __init__(self) -> None:
            self.frame = -1

        def begin(self) -> list[bytes]:
            return []

        def end(self) -> list[bytes]:
            return []

        def encode(self, row: Array, seconds: float) -> list[bytes]:
            self.frame += 1
            if self.frame == 55:
                return codec.encode(values[35], 80000 + 35 / 60) + codec.encode(row, seconds)
            return [] if 30 <= self.frame < 40 else codec.encode(row, seconds)

    receiver = {"source": 0, "port": port, "blended": False, "delay": 0.1}
    with playing(game, tmp_path, receiver=receiver) as play:
        send(Lossy(), values, port, lambda i: [bad[i % len(bad)]])
        run = play.result()
    check(run, values[:, :52], 80000 * 60, least=0.7)
    assert run.end["counts"] == {"received": 111, "dropped": 9, "late": 1, "malformed": 120}


def serve(talk: Callable[[Any], Any]) -> tuple[int, Callable[[], None]]:
    """A WebSocket server in a thread of its own: its port, and how to end it."""
    websockets = pytest.importorskip("websockets")
    loop, stop, port = asyncio.new_event_loop(), asyncio.Event(), free_port(socket.SOCK_STREAM)
    up = threading.Event()

    async def main() -> None:
        async with websockets.serve(talk, "127.0.0.1", port, subprotocols=[web.SUBPROTOCOL]):
            up.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    assert up.wait(10)

    def end() -> None:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)

    return port, end


async def perform(
    socket: Any,
    header: web.Header,
    values: Array,
    pcm: bytes,
    spoil: Sequence[str | bytes] = (),
    first: int = 0,
) -> None:
    """A take in its own time, from frame ``first`` on: five frames and their sound a message.

    Before each goes something else, ``spoil`` in turn.
    """
    await socket.send(web.text(header))
    each, a_frame = 5, len(pcm) // 2 / len(values) * 2
    start = time.monotonic() - first / 60
    other = np.ones((each, 3), np.float32)
    for at in range(first, len(values), each):
        await asyncio.sleep(max(0.0, start + at / 60 - time.monotonic()))
        if spoil:
            await socket.send(spoil[(at - first) // each % len(spoil)])
        piece = pcm[2 * round(at * a_frame / 2) : 2 * round((at + each) * a_frame / 2)]
        await socket.send(web.pack(web.Block(header.face, at, (other, values[at : at + each]), piece)))
    await socket.send(web.text(web.Summary(header.face, frames=len(values))))


def header(face: int, name: str, with_sound: bool) -> web.Header:
    targets = (web.Target("tiny", ("x", "y", "z")), web.Target("arkit", ARKIT))
    return web.Header(face, name, FPS, 0.08, "live", targets, web.SoundFormat(RATE) if with_sound else None)


@needs_godot
@pytest.mark.parametrize("with_sound", [False, True], ids=["mute", "sound"])
def test_a_broadcast_moves_the_shapes(
    game: Path, tmp_path: Path, speech: Callable[[str], Array], with_sound: bool
) -> None:
    values, pcm = speech("arkit"), sound() if with_sound else b""
    first = 20 if with_sound else 0  # who connects late hears the rest
    good = web.pack(web.Block(7, 0, (np.zeros((2, 3), np.float32), values[:2]), b""))
    nan = good[:-4] + np.float32(np.nan).tobytes()
    bad: list[str | bytes] = [
        good[:-1],
        good + b"\0",
        nan,
        b"",
        b"\1",
        good[:1] + b"\x63" + good[2:],
        b"\x01\x07" + b"\xff" * 10,
    ]
    bad += [
        "",
        "{",
        "[" * 50000,
        '{"type":"header","face":7,"fps":[0,0]}',
        '{"type":"header","face":7}',
        '{"type":5}',
    ]
    bad += [
        "null",
        '{"type":"header","face":999}',
        '{"type":"header","face":7,"fps":[60,1],"targets":[{"rig":"x"}]}',
    ]

    async def talk(connection: Any) -> None:
        assert connection.request.headers["authorization"] == "Bearer secret"
        await connection.send(web.text(header(3, "Bob", False)))
        await perform(connection, header(7, "Ada", with_sound), values, pcm, bad, first)

    port, end = serve(talk)
    record = tmp_path / "heard.wav"
    receiver = {"source": 2, "url": f"ws://127.0.0.1:{port}", "key": "secret", "subject": "Ada",
                "blended": False, "delay": 0.15}  # fmt: skip
    try:
        with playing(game, tmp_path, receiver=receiver, record=str(record)) as play:
            run = play.result()
    finally:
        end()
    # Without a sound card Godot takes sound some per cent too slowly, and the face keeps step with it.
    check(run, values, 0, least=0.75, pace=0.5 if with_sound else 0.02)
    assert run.events == ("ready", "connected", "ended", "lost", "end")
    counts = {"received": 300 - first, "dropped": 0, "late": 0, "malformed": (300 - first) // 5}
    assert run.end["counts"] == counts
    if with_sound:
        check_heard(record, pcm[2 * first * RATE // 60 :])


def check_heard(record: Path, pcm: bytes) -> None:
    """The recording of what the game played holds the sound, whole and once."""
    heard, rate = soundfile.read(record, dtype="float32", always_2d=True)
    speech = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
    mine = soxr.resample(heard[:, 0], rate, RATE)
    size = len(mine) + len(speech)
    likeness = np.fft.irfft(np.fft.rfft(mine, size) * np.conj(np.fft.rfft(speech, size)), size)
    at = int(likeness.argmax())
    part = mine[at : at + len(speech)]
    assert len(part) > 0.95 * len(speech)
    assert np.corrcoef(part, speech[: len(part)])[0, 1] > 0.8


@needs_godot
def test_the_service_hears_and_answers(game: Path, tmp_path: Path, speech: Callable[[str], Array]) -> None:
    values, pcm = speech("arkit")[:120], sound()[: 2 * RATE * 2]
    heard: list[web.Request] = []

    async def talk(connection: Any) -> None:
        async for message in connection:
            heard.append(web.parse(message))
            if isinstance(heard[-1], web.End):
                break
        await perform(connection, header(0, "", True), values, pcm)

    port, end = serve(talk)
    receiver = {"source": 3, "url": f"ws://127.0.0.1:{port}/v1/face", "rate": RATE, "model": "live",
                "style": {"emotion": {"joy": 0.5}, "energy": 1.5, "speaker": "warm", "auto": {}},
                "direction": "sad, then angry", "life": 0.5, "random_seed": 7,
                "blended": False, "delay": 0.15}  # fmt: skip
    try:
        with playing(game, tmp_path, receiver=receiver, say=said(tmp_path, pcm)) as play:
            run = play.result()
    finally:
        end()
    first, *pieces, last = heard
    assert isinstance(first, web.Config)
    assert (first.rate, first.encoding, first.rigs, first.fps) == (RATE, "s16", ("arkit",), FPS)
    assert (first.echo, first.pacing) == (True, "realtime")
    assert first.style == Style({"joy": 0.5}, energy=1.5, speaker="warm", auto=Auto())
    assert (first.direction, first.life, first.seed) == ("sad, then angry", Life(*[0.5] * 5), 7)
    assert isinstance(last, web.End)
    assert b"".join(piece.samples for piece in pieces if isinstance(piece, web.Sound)) == pcm
    check(run, values, 0, pace=0.5)
    assert run.events == ("ready", "connected", "ended", "lost", "end")


@needs_godot
def test_after_an_interrupt_the_old_line_is_not_shown(game: Path, tmp_path: Path) -> None:
    """Three seconds were sent ahead; the face breaks off where it is, and the new line goes on from there."""
    old, new = np.full((180, 52), 0.25, np.float32), np.full((30, 52), 0.75, np.float32)
    old[:, 0], new[:, 0] = np.arange(180) / 180, np.arange(30) / 30
    shown: list[int] = []

    async def talk(connection: Any) -> None:
        async for message in connection:
            match web.parse(message):
                case web.End():
                    await connection.send(web.text(header(0, "", False)))
                    await connection.send(web.pack(web.Block(0, 0, (np.zeros((180, 3), np.float32), old))))
                case web.Interrupt(shown=int(last)):
                    shown.append(last)
                    block = web.Block(0, last + 1, (np.zeros((30, 3), np.float32), new))
                    await connection.send(web.text(web.Notice(0, "interrupted", "", last + 1, last + 1)))
                    await connection.send(web.pack(block))
                    await connection.send(web.text(web.Summary(0)))
                    return

    port, end = serve(talk)
    receiver = {"source": 3, "url": f"ws://127.0.0.1:{port}/v1/face", "blended": False}
    try:
        told = {"say": said(tmp_path, b"\0\0"), "interrupt": 0.8}
        with playing(game, tmp_path, receiver=receiver, **told) as play:
            run = play.result()
    finally:
        end()
    (last,) = shown
    assert 5 < last < 100
    assert run.frames[-1].index == last + 30
    for frame in run.frames:
        assert frame.shapes[1] == (0.25 if frame.index <= last else 0.75)


@needs_godot
@pytest.mark.parametrize("rate", [8000, 16000, RATE])
def test_an_interrupt_after_all_was_said_shuts_the_mouth(game: Path, tmp_path: Path, rate: int) -> None:
    """With the service itself: the whole line was sent, its sound is cut, and the face goes on to rest."""
    port = free_port(socket.SOCK_STREAM)
    command = [*VOXRIG, "serve", "--port", "0", "--websocket", str(port), "--model", "live"]
    service = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert service.stdout is not None
        assert service.stdout.readline()
        receiver = {"source": 3, "url": f"ws://127.0.0.1:{port}/v1/face", "rate": rate, "blended": False}
        pcm = soxr.resample(np.frombuffer(sound(), "<i2"), RATE, rate).tobytes()
        with playing(
            game, tmp_path, receiver=receiver, say=said(tmp_path, pcm), interrupt=2.0, seconds=15
        ) as play:
            run = play.result()
    finally:
        service.terminate()
        service.wait(20)
    assert run.events == ("ready", "connected", "ended", "lost", "end")
    jaw = np.array([frame.shapes[ARKIT.index("jawOpen")] for frame in run.frames])
    frames = [frame.index for frame in run.frames]
    assert jaw.max() > 0.2
    assert frames[-1] < 2.5 * 60  # of five seconds
    assert np.abs(run.frames[-1].shapes).max() < 1e-3


@needs_godot
def test_a_service_that_is_not_there_is_told(game: Path, tmp_path: Path) -> None:
    url = f"ws://127.0.0.1:{free_port(socket.SOCK_STREAM)}/v1/face"
    with playing(
        game, tmp_path, receiver={"source": 3, "url": url}, say=base64.b64encode(b"\0\0").decode()
    ) as play:
        run = play.result()
    assert run.events == ("ready", "refused", "end")


# -- codecs


def script(game: Path, tmp: Path, name: str, told: str = "") -> list[str]:
    """What a script without a scene prints."""
    assert GODOT is not None
    environment = os.environ | {"VOXRIG_TEST": told, "HOME": str(tmp)}
    done = subprocess.run(
        [GODOT, "--path", str(game), "-s", name],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "SCRIPT ERROR" not in done.stdout + done.stderr, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout.splitlines()


@needs_godot
def test_laws_of_order_time_names_and_sound(game: Path, tmp_path: Path) -> None:
    lines = script(game, tmp_path, "laws.gd")
    assert [line for line in lines if line.startswith("broken")] == []
    assert int(lines[-1].removeprefix("tried: ")) >= 40


def spoilt(data: bytes, rng: np.random.Generator, count: int) -> Iterator[bytes]:
    """The packet cut short everywhere (or at some places), and with bytes changed."""
    for cut in range(0, len(data), max(1, len(data) // count)):
        yield data[:cut]
    for _ in range(count):
        changed = bytearray(data)
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            changed[place] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, int(rng.integers(256))])
        yield bytes(changed)
    yield data + b"\0"
    yield rng.bytes(len(data))


def accepted(parse: Callable[[bytes], object], data: bytes) -> bool | None:
    """Whether our parser takes it. None where the two may differ.

    These are texts that are not UTF-8, which Godot mends, and NaN in a target that it passes over.
    """
    try:
        parse(data)
    except WireError as error:
        return None if "UTF-8" in str(error) or "NaN" in str(error) else False
    return True


@needs_godot
def test_codecs_take_what_ours_takes_and_nothing_else(game: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    values = rng.uniform(0, 1, 61).astype(np.float32)
    head = web.text(header(7, "Ada", True))
    packets = {
        "livelink": list(Livelink(FPS, "Ada").encode(values, 80000)),
        "osc": [
            *Vmc(FPS, "vrm0").encode(values[:17], 1),
            osc.message("/a", 1, "x", 2.5, True, None),
            osc.message("/b"),
        ],
        "frames": [web.pack(web.Block(7, 9, (values[None, :3], values[None, :52]), b"ab"))],
        "web": [head.encode()],
    }
    reader = web.Reader()
    reader.read(head)
    ours: dict[str, Callable[[bytes], object]] = {
        "livelink": livelink.parse,
        "osc": osc.parse,
        "frames": reader.read,
    }
    asked: list[tuple[str, bytes]] = []
    for codec, whole in packets.items():
        for data in whole:
            asked += [(codec, data), *((codec, bad) for bad in spoilt(data, rng, 300))]
    lines = [
        {"codec": codec, "data": base64.b64encode(data).decode(), "face": 7, "widths": [3, 52], "target": 1}
        for codec, data in asked
    ]
    (tmp_path / "packets").write_text("\n".join(map(json.dumps, lines)))
    said = script(game, tmp_path, "codecs.gd", str(tmp_path / "packets"))
    answers = [json.loads(line) for line in said if line.startswith("{")]
    assert len(answers) == len(asked)
    for (codec, data), answer in zip(asked, answers, strict=True):
        if data in packets[codec]:
            assert answer["error"] == ""
        if codec in ours and (taken := accepted(ours[codec], data)) is not None:
            assert (answer["error"] == "") == taken, (codec, data, answer)
        if codec == "livelink" and accepted(livelink.parse, data):
            assert np.array_equal(_floats(answer["values"]), livelink.parse(data).values)
    frames = next(answer for (codec, _), answer in zip(asked, answers, strict=True) if codec == "frames")
    assert np.array_equal(_floats(frames["rows"][0]), values[:52])
    assert (frames["start"], frames["sound"]) == (9, 2)


@pytest.mark.parametrize("branch", ["godot3", "godot4"])
def test_curve_names_are_those_of_the_rig(branch: str) -> None:
    text = (ADDON / branch / "curves.gd").read_text()
    listed = re.search(r"const LIVE_LINK.*?\[(.*?)\]", text, re.DOTALL)
    assert listed is not None
    assert tuple(re.findall(r'"(\w+)"', listed[1])) == get("livelink").curves


@pytest.mark.parametrize("path", sorted((ADDON / "godot4").rglob("*.gd")), ids=lambda path: path.name)
def test_the_branch_for_godot_4_parses(path: Path) -> None:
    parser = pytest.importorskip("gdtoolkit.parser", reason="gdtoolkit is not installed").parser
    parser.parse(path.read_text())


@pytest.mark.parametrize("branch", ["godot3", "godot4"])
def test_an_add_on_is_whole(branch: str) -> None:
    folder = ADDON / branch
    config = (folder / "plugin.cfg").read_text()
    assert 'script="plugin.gd"' in config
    for path in folder.glob("*.gd"):
        for name in re.findall(r'preload\("(.*?)"\)', path.read_text()):
            assert (folder / name).is_file(), f"{path.name} wants {name}"


def test_both_branches_have_the_same_parts() -> None:
    """What runs in one can be trusted of the other only as far as they are one design."""
    three, four = (
        {path.name: path.read_text() for path in (ADDON / b).glob("*.gd")} for b in ("godot3", "godot4")
    )
    assert three.keys() == four.keys()
    for name in three.keys() - {"web_client.gd"}:
        functions, signals = (
            tuple(re.findall(pattern, text, re.MULTILINE) for text in (three[name], four[name]))
            for pattern in (r"^(?:static )?func (\w+)", r"^signal (\w+)")
        )
        assert functions[0] == functions[1]
        assert signals[0] == signals[1]
