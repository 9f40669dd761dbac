"""Who comes into the studio, what its page is, the microphone's conversation, and the process as a whole."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from socket import create_connection
from urllib.request import Request, urlopen

import numpy as np
import pytest
from sounds import SAMPLE, VOXRIG
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

pytest.importorskip("aiohttp", reason="needs the extra studio")

from studio_server import Running, running

from voxrig.audio import read
from voxrig.engine import Engine
from voxrig.expression import load_expression
from voxrig.model import load
from voxrig.rigs import NATIVE, get, map_to
from voxrig.studio import about, page
from voxrig.studio.entrance import Entrance
from voxrig.studio.refusal import Refusal
from voxrig.types import AudioChunk
from voxrig_bridge import web

RUBBISH = (
    b"POST /api/takes?name=a.wav HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + bytes(1000),
    b"POST /api/links HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
    b"\0\1\2\r\n\r\n",
)
"""What strangers send, and go."""
TOKEN = "a-token-of-the-tests"


@pytest.fixture(scope="module")
def studio() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def guarded() -> Iterator[Running]:
    with running(token=TOKEN) as found:
        yield found


def test_only_names_of_this_machine_lead_here(studio: Running) -> None:
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1", "x:y"):
        answer = studio.ask("GET", "/api/about", Host=host)
        assert answer.status == 400
    for host in (f"localhost:{studio.port}", "127.0.0.1", "[::1]:8600"):
        assert studio.ask("GET", "/api/about", Host=host).status == 200


def test_only_our_own_pages_may_ask(studio: Running) -> None:
    own = f"http://127.0.0.1:{studio.port}"
    assert studio.ask("GET", "/api/about", Origin=own).status == 200
    for origin in (
        "http://evil.example",
        "http://127.0.0.1:1",
        "null",
        f"{own}.evil.example",
        "http://[",
        "",
    ):
        answer = studio.ask("POST", "/api/takes/sample", b"", Origin=origin)
        assert (answer.status, answer.error) == (400, "pages of other origins may not ask this server")
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{studio.port}/api/stage", additional_headers={"Origin": origin})
        assert refused.value.response.status_code == 400


def test_a_token_opens_the_door(guarded: Running) -> None:
    for path in ("/api/about", "/api/takes", "/api/stage", "/v1/face", "/avatar.glb", "/api/nothing"):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "voxrig_token=wrong"}):
            answer = guarded.ask("GET", path, **headers)
            assert answer.status == 401
            assert "no token, or a wrong one" in answer.error
    assert guarded.ask("GET", "/").status == 200  # the page tells nothing
    assert guarded.ask("GET", "/?token=wrong").status == 401
    assert guarded.ask("GET", "/api/about", Authorization=f"Bearer {TOKEN}").status == 200
    opened = guarded.ask("GET", f"/?token={TOKEN}")
    assert (opened.status, opened.headers["location"]) == (302, "/")
    cookie = opened.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    pair = cookie.partition(";")[0]
    assert guarded.ask("GET", "/api/about", Cookie=pair).status == 200
    with connect(f"ws://127.0.0.1:{guarded.port}/api/stage", additional_headers={"Cookie": pair}):
        pass


def test_where_others_can_come_names_are_free_but_origins_are_not() -> None:
    there = Entrance("192.0.2.7", TOKEN)
    right = {"Authorization": f"Bearer {TOKEN}"}
    there.check("/api/about", "studio.example", right | {"Origin": "https://studio.example"}, {})
    for headers in ({}, {"Origin": "https://evil.example"} | right):
        with pytest.raises(Refusal):
            there.check("/api/about", "studio.example", headers, {})


def test_every_answer_says_what_a_page_may_do(studio: Running) -> None:
    for path in ("/", "/api/about", "/api/takes/t9", "/nothing"):
        headers = studio.ask("GET", path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "connect-src 'self' blob: ws: wss:" in policy
        assert "http:" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"


def test_without_a_page_it_is_told_how_to_build_it(
    studio: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "FOLDER", tmp_path)
    answer = studio.ask("GET", "/")
    assert answer.status == 200
    assert b"make studio-build" in answer.body


def test_files_of_the_page_and_no_others(
    studio: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<p>the page")
    (folder / "assets" / "main-1234.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret.txt")
    monkeypatch.setattr(page, "FOLDER", folder)
    assert studio.ask("GET", "/").body == b"<p>the page"
    asset = studio.ask("GET", "/assets/main-1234.js")
    assert (asset.status, asset.body) == (200, b"1")
    assert "javascript" in asset.headers["content-type"]
    assert "immutable" in asset.headers["cache-control"]
    for path in (
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/link",
        "/assets",
        "/%00",
    ):
        assert studio.ask("GET", path).status == 404, path


def test_the_avatar_comes_with_its_length(studio: Running) -> None:
    answer = studio.ask("GET", "/avatar.glb")
    assert answer.body[:4] == b"glTF"
    assert answer.headers["content-type"] == "model/gltf-binary"
    assert int(answer.headers["content-length"]) == about.AVATAR.stat().st_size
    again = studio.ask("GET", "/avatar.glb", **{"If-None-Match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


def test_what_there_is_is_told(studio: Running) -> None:
    told = studio.ask("GET", "/api/about").json
    assert told["limits"] == {"upload": 104857600, "seconds": 600, "takes": 50}
    assert [pack["name"] for pack in told["packs"]] == ["file", "live", "fast"]
    assert [pack["lookahead"] for pack in told["packs"]][1:] == [0.07, 0.02]
    rigs = {rig["name"]: rig["curves"] for rig in told["rigs"]}
    assert rigs["livelink"] == list(get("livelink").curves)
    formats = {kind["name"]: kind for kind in told["formats"]}
    assert formats["glb"]["suffix"] == ".glb"
    assert formats["unity"]["options"] == ["tolerance", "mesh", "names", "asset"]
    assert {"scheme", "example", "note"} == set(told["receivers"][0])
    assert len(told["emotions"]) == 10
    assert len(told["speakers"]) == 4


def test_every_address_is_documented(studio: Running) -> None:
    told = (Path(__file__).parents[1] / "docs" / "studio.md").read_text()
    addresses = {route.resource.canonical for route in studio.routes if route.resource}
    wanted = {address for address in addresses if address.startswith(("/api/", "/v1/", "/avatar"))}
    assert len(wanted) > 10
    for address in wanted:
        assert address.replace("{id}", "ID") in told, address


def test_a_microphone_converses_with_the_service(studio: Running) -> None:
    whole = read(SAMPLE)
    sound = AudioChunk(whole.samples[: 2 * whole.rate], whole.rate)
    config = {"type": "config", "rate": sound.rate, "encoding": "f32", "rigs": ["arkit"], "fps": 60}
    parts = []
    with connect(
        f"ws://127.0.0.1:{studio.port}/v1/face",
        subprotocols=[Subprotocol(web.SUBPROTOCOL)],
        max_size=None,
        open_timeout=60,
    ) as socket:
        assert socket.subprotocol == web.SUBPROTOCOL
        socket.send(json.dumps(config | {"model": "live", "format": "binary"}))
        reader = web.Reader()
        assert isinstance(reader.read(socket.recv(timeout=60)), web.Header)
        socket.send(sound.samples.astype("<f4").tobytes())
        socket.send(json.dumps({"type": "end"}))
        for message in socket:
            reply = reader.read(message)
            parts += [reply.tracks[0]] if isinstance(reply, web.Block) else []
        assert socket.close_code == 1000
    engine = Engine(load("live", "cpu"), expression=load_expression("cpu"))
    stream = engine.open(rate=sound.rate, fps=60)
    stream.push(sound)
    stream.end()
    while engine.step():
        pass
    frames = stream.pull()
    assert frames is not None
    expected = map_to(NATIVE, get("arkit"))(frames).values
    assert np.abs(np.concatenate(parts) - expected).max() < 1e-4


def test_a_conversation_that_begins_wrongly_ends_with_a_reason(studio: Running) -> None:
    with connect(f"ws://127.0.0.1:{studio.port}/v1/face", open_timeout=60) as socket:
        socket.send("{}")
        assert json.loads(socket.recv(timeout=60))["type"] == "error"
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=60)
        assert socket.close_code == 1008


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_process_serves_until_it_is_told_to_stop(how: signal.Signals, tmp_path: Path) -> None:
    command, told = [*VOXRIG, "studio", "--no-browser", "--port", "0"], subprocess.PIPE
    own = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=told, stderr=told, text=True, env=own) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.fullmatch(r"voxrig \S+ studio on (http://127\.0\.0\.1:(\d+)/)\n", line)
            assert found, line
            for rubbish in RUBBISH:
                with create_connection(("127.0.0.1", int(found[2]))) as stranger:
                    stranger.sendall(rubbish)
            request = Request(f"{found[1]}api/takes?name=hello.wav", SAMPLE.read_bytes(), method="POST")
            with urlopen(request, timeout=60) as answer:
                assert answer.status == 201
                take = json.load(answer)["id"]
            with connect(f"ws://127.0.0.1:{found[2]}/api/stage", max_size=None) as socket:
                socket.send(json.dumps({"type": "direct", "serial": 1, "take": take}))
                assert json.loads(socket.recv(timeout=60))["frames"] == 495
                process.send_signal(how)
                for _ in socket:
                    pass
                assert socket.close_code == 1001
            assert process.wait(30) == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""  # strangers are no event
            assert list(tmp_path.iterdir()) == []
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--port", "x"], "'x' is no port; have 0 to 65535"),
        (["--token", "short"], "a token has 8 to 200 letters, digits, - and _"),
        (["--avatar", "no-such.glb"], "no-such.glb"),
        (["--avatar", "face.obj"], "must be a .glb or .vrm file"),
        (["--host", "no.such.host.invalid"], "cannot listen on no.such.host.invalid:8600"),
    ],
)
def test_wrong_words_end_with_a_sentence(words: list[str], sentence: str) -> None:
    done = subprocess.run(
        [*VOXRIG, "studio", "--no-browser", *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken_is_told(studio: Running) -> None:
    done = subprocess.run(
        [*VOXRIG, "studio", "--no-browser", "--port", str(studio.port)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{studio.port}" in done.stderr


def test_without_aiohttp_it_is_told_how_to_get_it() -> None:
    code = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "from voxrig.cli.main import main; sys.exit(main(['studio', '--no-browser']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'voxrig[studio]'" in done.stderr
