"""The service and the broadcaster over real WebSockets: the same frames as at home, and nobody harms a
neighbour."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from calls import KEY
from conftest import Run
from sounds import TINY, VOXRIG
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect as connect_now

from voxrig.errors import BridgeError, VoxrigError
from voxrig.idle import Life
from voxrig.model import OnnxModel
from voxrig.performance import animate
from voxrig.rigs import get
from voxrig.rpc.auth import Tls
from voxrig.rpc.limits import Limits
from voxrig.rpc.server import Server, Setup, start
from voxrig.types import Array, AudioChunk, Auto, Key, Style
from voxrig_bridge import web
from voxrig_bridge.websocket import Broadcast

RATE = 16000
Act = Callable[[Server, str], Awaitable[None]]


def speech(seconds: float, seed: int = 0) -> bytes:
    """PCM that moves the tiny pack's face: noise that comes and goes."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    sound = rng.normal(size=len(t)) * 0.2 * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * t))
    return np.asarray(np.clip(sound, -1, 1) * 32767, np.int16).tobytes()


def at_home(sound: bytes, rig: str = "arkit", style: Style | None = None, **manner: Any) -> Array:
    samples = np.frombuffer(sound, np.int16).astype(np.float32) / np.float32(32768)
    return animate(AudioChunk(samples, RATE), rig, 60, style, pace="live", pack=str(TINY), **manner).values


def serving(tiny: OnnxModel, act: Act, **setup: Any) -> None:
    """Does something with a server in this process."""

    async def both() -> None:
        async with await start(Setup(**({"port": 0, "websocket": 0} | setup)), {"tiny": tiny}) as server:
            await asyncio.wait_for(act(server, f"ws://127.0.0.1:{server.websocket}{web.PATH}"), 30)

    asyncio.run(both())


def calling(url: str, **options: Any) -> connect:
    return connect(url, **({"subprotocols": [web.SUBPROTOCOL], "max_size": None, "proxy": None} | options))


async def say(call: ClientConnection, *said: web.Request, as_json: bool = False) -> None:
    for message in said:
        await call.send(web.request(message, as_json))


async def replies(call: ClientConnection) -> list[web.Reply]:
    """Until the server closes."""
    reader = web.Reader()
    return [reader.read(message) async for message in call]


async def converse(url: str, *said: web.Request, as_json: bool = False, **options: Any) -> list[web.Reply]:
    async with calling(url, **options) as call:
        told = asyncio.create_task(replies(call))
        await say(call, *said, as_json=as_json)
        return await told


async def fault(call: ClientConnection) -> tuple[web.Fault, int]:
    """The error that ends a conversation, and how it is closed."""
    reader, told = web.Reader(), list[web.Reply]()
    with suppress(ConnectionClosed):
        async for message in call:
            told.append(reader.read(message))
    last = told[-1]
    assert isinstance(last, web.Fault), last
    assert call.close_code is not None
    return last, call.close_code


def pieces(sound: bytes, size: int) -> list[web.Sound]:
    return [web.Sound(sound[at : at + size]) for at in range(0, len(sound), size)]


def values_of(told: Iterable[web.Reply], track: int = 0) -> Array:
    """(t, c) of one rig; checks that frames follow one another."""
    parts, at = [], None
    for reply in told:
        if isinstance(reply, web.Block):
            assert at is None or reply.start == at
            at = reply.start + len(reply.tracks[track])
            parts.append(reply.tracks[track])
    return np.concatenate(parts)


async def until(what: Callable[[], bool]) -> None:
    for _ in range(1000):
        if what():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


# ── the service ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("form", "as_json"), [("binary", False), ("json", True)])
@pytest.mark.parametrize("pacing", ["burst", "realtime"])
def test_frames_are_those_made_at_home(tiny: OnnxModel, form: Any, as_json: bool, pacing: Any) -> None:
    sound = speech(1.03)

    async def act(server: Server, url: str) -> None:
        config = web.Config(RATE, rigs=("metahuman", "arkit"), pacing=pacing, echo=True, format=form)
        told = await converse(url, config, *pieces(sound, 640), web.End(), as_json=as_json)
        header, summary = told[0], told[-1]
        assert isinstance(header, web.Header)
        assert [target.rig for target in header.targets] == ["metahuman", "arkit"]
        assert header.targets[1].curves == get("arkit").curves
        assert (header.fps, header.model, header.sound) == (60, "tiny", web.SoundFormat(RATE, "s16"))
        for track, rig in enumerate(("metahuman", "arkit")):
            np.testing.assert_allclose(values_of(told, track), at_home(sound, rig), atol=1e-6)
        assert b"".join(reply.sound for reply in told if isinstance(reply, web.Block)) == sound
        assert isinstance(summary, web.Summary)
        assert (summary.samples, summary.frames) == (len(sound) // 2, 62)
        assert len(server._floor) == 0

    serving(tiny, act)


def test_style_keys_change_the_face(tiny: OnnxModel) -> None:
    sound, joy = speech(1.0), Style({"joy": 1.0})

    async def act(server: Server, url: str) -> None:
        config = web.Config(RATE, pacing="burst")
        told = await converse(url, config, web.StyleKey(joy, RATE // 2), web.Sound(sound), web.End())
        np.testing.assert_allclose(values_of(told), at_home(sound, keys=[Key(0.5, joy)]), atol=2e-6)

    serving(tiny, act)


def test_a_config_tells_how_it_is_said(tiny: OnnxModel) -> None:
    sound, words = speech(1.5), "slightly blorped, then furious; looks down at the end"
    style = Style({"joy": 0.5}, 0.75, -0.5, 1.5, "warm", Auto(most=2))

    async def act(server: Server, url: str) -> None:
        plain = web.Config(RATE, rigs=("livelink",), pacing="burst", style=style, life=Life(head=0.5), seed=7)
        alive = {"idle": Life(head=0.5), "seed": 7}
        keyed = replace(plain, keys=(web.StyleKey(Style({"anger": 1.0}), 8000, 0.25),))
        told = await converse(url, keyed, web.Sound(sound), web.End())
        keys = [Key(0.5, Style({"anger": 1.0}), 0.25)]
        expected = at_home(sound, "livelink", style, keys=keys, **alive)
        np.testing.assert_allclose(values_of(told), expected, atol=3e-6)
        told = await converse(url, replace(plain, direction=words, seconds=1.5), web.Sound(sound), web.End())
        expected = at_home(sound, "livelink", style, direct=words, **alive)
        np.testing.assert_allclose(values_of(told), expected, atol=3e-6)
        [notice] = [reply for reply in told if isinstance(reply, web.Notice)]
        assert (notice.kind, notice.message.partition(" (")[0]) == ("left_out", "'blorped' is not known")

    serving(tiny, act)


def test_eyes_look_where_they_are_told(tiny: OnnxModel) -> None:
    sound = speech(1.0)

    async def act(server: Server, url: str) -> None:
        config = web.Config(RATE, pacing="burst")
        looks = web.Look(0.4, 0.0, RATE // 2), web.Look(at=3 * RATE // 4)
        told = await converse(url, config, *looks, web.Sound(sound), web.End())
        got, plain = values_of(told), at_home(sound)
        np.testing.assert_allclose(got[:29], plain[:29], atol=1e-6)
        aside = get("arkit").index("eyeLookOutRight")
        assert (got[36:44, aside] > plain[36:44, aside] + 0.2).all()
        np.testing.assert_allclose(got[55:], plain[55:], atol=1e-6)

    serving(tiny, act)


def test_barge_in_closes_the_mouth_and_goes_on(tiny: OnnxModel) -> None:
    first, second = speech(2.0, 1), speech(0.5, 2)

    async def act(server: Server, url: str) -> None:
        async with calling(url) as call:
            reader = web.Reader()
            await say(call, web.Config(RATE, window=30), web.Sound(first))
            shown = 0
            while shown < 30:
                reply = reader.read(await call.recv())
                shown += len(reply.tracks[0]) if isinstance(reply, web.Block) else 0
            # From the client's clock: frames to 19 were shown.
            await say(call, web.Interrupt(19, 0.1), web.Ack(30), web.Sound(second), web.End())
            told: list[web.Reply] = []
            async for message in call:
                told.append(reader.read(message))
                if isinstance(told[-1], web.Block):
                    await say(call, web.Ack(told[-1].start + len(told[-1].tracks[0])))
        notice = next(reply for reply in told if isinstance(reply, web.Notice))
        assert (notice.kind, notice.first, notice.end) == ("interrupted", 20, 26)
        after = values_of(told[told.index(notice) :])
        assert np.abs(after[5]).max() < 1e-6
        np.testing.assert_allclose(after[6:], at_home(second), atol=1e-6)

    serving(tiny, act)


def test_frames_come_before_the_sound_ends(tiny: OnnxModel) -> None:
    async def act(server: Server, url: str) -> None:
        async with calling(url) as call:
            await say(call, web.Config(RATE), web.Sound(speech(0.5)))
            reader = web.Reader()
            assert isinstance(reader.read(await call.recv()), web.Header)
            assert isinstance(reader.read(await call.recv()), web.Block)

    serving(tiny, act)


# ── what clients may do to it ─────────────────────────────────────────────────────────────────────────

CONFIG = web.Config(RATE)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (['{"type":"ack","frame":1}'], "a conversation begins with a config"),
        ([b"\0\0"], "a conversation begins with a config"),
        (["hello"], "text that is no JSON"),
        (['{"type":"config","rate":16000,"colour":"red"}'], "config has no field 'colour'; have "),
        (['{"type":"config","rate":7}'], "sample rate is 7 Hz; have 8000 to 192000"),
        (['{"type":"config","rate":16000,"fps":1000}'], "fps is 1000; have 1 to 240"),
        (['{"type":"config","rate":16000,"rigs":["arkit2"]}'], "unknown rig 'arkit2'; have native"),
        (['{"type":"config","rate":16000,"model":"big\\ud800"}'], "unknown model 'big\\ud800'; have tiny"),
        (['{"type":"config","rate":16000,"style":{"emotion":{"glee":1}}}'], "unknown emotion 'glee'"),
        (['{"type":"config","rate":16000,"style":{"energy":3}}'], "energy is 3; it is 0 to 2"),
        (['{"type":"config","rate":16000,"style":{"speaker":"bob"}}'], "unknown speaker 'bob'; have lively"),
        (['{"type":"config","rate":16000,"life":{"head":2}}'], "head is 2; amounts are 0 to 1"),
        (['{"type":"config","rate":0,"keys":[{"at":4}]}'], "sample rate is 0 Hz"),
        (['{"type":"config","rate":16000,"keys":[{"at":9},{"at":8}]}'], "order of time"),
        (['{"type":"config","rate":16000,"direction":"hello"}'], "the direction names no feeling or look"),
        (['{"type":"config","rate":16000,"direction":"sad","seconds":-1}'], "a direction for -1 s"),
        ([CONFIG, web.End(), web.Look()], "a look after the end of the stream"),
        ([CONFIG, CONFIG], "a second config"),
        ([CONFIG, b"\0\0\0"], "3 bytes are no whole number of s16 samples"),
        ([CONFIG, "{}"], "a message without type"),
        ([CONFIG, '{"type":"sing"}'], "unknown type 'sing'"),
        ([CONFIG, web.End(), b"\0\0"], "sound after the end of the stream"),
        ([web.Config(RATE, "f32"), np.float32([np.nan]).tobytes()], "samples that are NaN"),
        ([CONFIG, *[b"\0"] * 200], "1 bytes are no whole number of s16 samples"),  # goes on after the error
    ],
)
def test_faults_are_told_in_a_sentence(tiny: OnnxModel, said: list[Any], sentence: str) -> None:
    async def act(server: Server, url: str) -> None:
        async with calling(url) as call:
            for message in said:
                await call.send(message if isinstance(message, str | bytes) else web.request(message))
            told, closed = await fault(call)
        assert (told.code, closed) == ("INVALID_ARGUMENT", 1008)
        assert sentence in told.message
        await until(lambda: server.streams == 0)
        assert values_of(await converse(url, CONFIG, web.Sound(speech(0.3)), web.End())).any()

    serving(tiny, act)


def test_who_says_too_much_at_once_is_cut_off(tiny: OnnxModel) -> None:
    async def act(server: Server, url: str) -> None:
        async with calling(url) as call:
            await say(call, CONFIG, web.Sound(bytes(100_001)))
            with pytest.raises(ConnectionClosedError):
                await replies(call)
            assert call.close_code == 1009
        await until(lambda: server.streams == 0)

    serving(tiny, act, limits=Limits(max_message=100_000))


def test_who_goes_away_leaves_no_stream(tiny: OnnxModel) -> None:
    async def act(server: Server, url: str) -> None:
        for rude in (False, True):
            call = await calling(url)
            await say(call, CONFIG, web.Sound(speech(0.4)))
            await call.recv()
            assert server.streams == 1
            if rude:
                call.transport.abort()
            else:
                await call.close()
            await until(lambda: server.streams == 0)

    serving(tiny, act)


def test_who_is_silent_is_told_so(tiny: OnnxModel) -> None:
    async def act(server: Server, url: str) -> None:
        async with calling(url) as call:
            assert (await fault(call))[0] == web.Fault("DEADLINE_EXCEEDED", "nothing was sent for 0.2 s")
        async with calling(url) as call:
            await say(call, CONFIG)
            told, code = await fault(call)
            assert (told.code, code) == ("DEADLINE_EXCEEDED", 1008)

    serving(tiny, act, limits=Limits(idle=0.2))


def test_who_never_reads_is_cut_and_others_are_served(tiny: OnnxModel) -> None:
    async def act(server: Server, url: str) -> None:
        deaf = await calling(url)
        deaf.transport.pause_reading()  # type: ignore[attr-defined]
        await say(deaf, web.Config(RATE, rigs=("metahuman",) * 8, pacing="burst"))

        async def feed() -> None:
            with suppress(ConnectionClosed):
                while True:
                    await say(deaf, web.Sound(speech(1.0)))

        feeding = asyncio.create_task(feed())
        await until(lambda: server.streams == 1)
        sound = speech(0.3)
        told = await converse(url, CONFIG, web.Sound(sound), web.End())
        np.testing.assert_allclose(values_of(told), at_home(sound), atol=1e-6)
        await until(lambda: server.streams == 0)
        deaf.transport.abort()
        await feeding

    serving(tiny, act, limits=Limits(stall=0.5))


def test_a_full_house_says_when_to_come_again(tiny: OnnxModel) -> None:
    async def act(server: Server, url: str) -> None:
        async with calling(url) as call, calling(url) as other:
            await say(call, CONFIG)
            await call.recv()
            await say(other, CONFIG)
            told, code = await fault(other)
            assert (told.code, told.retry, code) == ("RESOURCE_EXHAUSTED", 1.0, 1013)

    serving(tiny, act, limits=Limits(streams=1))


def test_a_drain_tells_all_and_waits(tiny: OnnxModel) -> None:
    sound = speech(0.5)

    async def act(server: Server, url: str) -> None:
        async with calling(url) as call, calling(url) as late, calling(url) as slow:
            await say(call, CONFIG)
            await say(slow, CONFIG)
            await until(lambda: server.streams == 2)
            stopping = asyncio.create_task(server.stop(1.0))
            reader = web.Reader()
            assert isinstance(reader.read(await call.recv()), web.Header)
            notice = reader.read(await call.recv())
            assert isinstance(notice, web.Notice)
            assert (notice.kind, notice.seconds) == ("going_away", 1.0)
            await say(late, CONFIG)
            assert (await fault(late))[1] == 1001
            await say(call, web.Sound(sound), web.End())
            told = [reader.read(message) async for message in call]
            np.testing.assert_allclose(values_of(told), at_home(sound), atol=1e-6)
            assert isinstance(told[-1], web.Summary)
            cut, code = await fault(slow)
            assert (cut.code, code) == ("UNAVAILABLE", 1001)
            await stopping
        with pytest.raises(OSError):  # noqa: PT011
            await calling(url)

    serving(tiny, act)


# ── who may call it ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "welcome"),
    [
        ({}, False),
        ({"additional_headers": {"x-api-key": KEY + "x"}}, False),
        ({"subprotocols": [web.SUBPROTOCOL, "voxrig.key.of-somebody-else"]}, False),
        ({"additional_headers": {"Authorization": f"Bearer {KEY}"}}, True),
        ({"additional_headers": {"x-api-key": KEY}}, True),
        ({"subprotocols": [web.SUBPROTOCOL, f"voxrig.key.{KEY}"]}, True),
    ],
)
def test_keys(tiny: OnnxModel, options: dict[str, Any], welcome: bool) -> None:
    async def act(server: Server, url: str) -> None:
        async with calling(url, **options) as call:
            assert call.subprotocol == web.SUBPROTOCOL
            if welcome:
                await say(call, CONFIG, web.End())
                assert isinstance((await replies(call))[-1], web.Summary)
            else:
                told, code = await fault(call)
                assert (told.code, code) == ("UNAUTHENTICATED", 1008)

    serving(tiny, act, keys=("another-key-of-ours", KEY))


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("", {"origin": "https://evil.example"}, 403),
        ("", {"origin": "null"}, 403),
        ("", {"subprotocols": ["chat"]}, 400),
        ("/other", {}, 404),
        ("", {"origin": "http://localhost:8000"}, 101),
        ("", {"origin": "https://play.example"}, 101),
        ("", {"subprotocols": None}, 101),
        ("?from=here", {}, 101),
    ],
)
def test_doors(tiny: OnnxModel, path: str, options: dict[str, Any], status: int) -> None:
    async def act(server: Server, url: str) -> None:
        try:
            async with calling(url + path, **options):
                got = 101
        except InvalidStatus as refused:
            got = refused.response.status_code
        assert got == status

    serving(tiny, act, origins=("https://play.example",))


@pytest.mark.parametrize("noise", [b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n", b"x" * 100_000])
def test_what_is_no_websocket_is_turned_away(tiny: OnnxModel, noise: bytes) -> None:
    async def act(server: Server, url: str) -> None:
        assert server.websocket is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", server.websocket)
        writer.write(noise)
        writer.write_eof()
        with suppress(ConnectionResetError):
            assert b" 101 " not in await reader.read()
        writer.close()
        assert values_of(await converse(url, CONFIG, web.Sound(speech(0.3)), web.End())).any()

    serving(tiny, act)


def test_a_taken_port_is_an_error(tiny: OnnxModel) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(VoxrigError, match=f"cannot listen for WebSockets on 127.0.0.1:{port}: "):
            asyncio.run(start(Setup(port=0, websocket=port), {"tiny": tiny}))  # type: ignore[arg-type]
        with pytest.raises(BridgeError, match=f"cannot listen on 127.0.0.1:{port}: "):
            Broadcast("127.0.0.1", port)


def test_an_origin_needs_a_websocket(run: Run) -> None:
    done = run("serve", "--origin", "https://play.example")
    assert done.returncode == 2
    assert "--origin goes with --websocket" in done.stderr
    done = run("serve", "--websocket", "0", "--origin", "play.example")
    assert "'play.example' is no origin; write https://HOST" in done.stderr


def test_workers_share_the_port() -> None:
    words = ("serve", "--port", "0", "--websocket", "0", "--workers", "2", "--model", str(TINY))
    with subprocess.Popen([*VOXRIG, *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"WebSockets on (\d+)", process.stdout.readline())
            assert found
            url, sound = f"ws://127.0.0.1:{found[1]}{web.PATH}", speech(0.3)
            told = asyncio.run(asyncio.wait_for(converse(url, CONFIG, web.Sound(sound), web.End()), 30))
            np.testing.assert_allclose(values_of(told), at_home(sound), atol=1e-6)
        finally:
            process.terminate()
    assert process.returncode == 0


# ── the broadcaster ───────────────────────────────────────────────────────────────────────────────────


HANDSHAKE = b"""GET / HTTP/1.1\r
Host: a\r
Connection: Upgrade\r
Upgrade: websocket\r
Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r
Sec-WebSocket-Version: 13\r
\r
"""


def test_everybody_sees_the_same_and_who_never_reads_holds_nobody_up() -> None:
    rig, sound = get("arkit"), web.SoundFormat(RATE, "s16")
    values = np.random.default_rng(0).random((3000, len(rig)), np.float32)
    voice = bytes(range(200)) * 8
    with Broadcast("127.0.0.1", 0) as broadcast:
        url = f"ws://127.0.0.1:{broadcast.port}/"
        face = broadcast.add_face("Ada", rig, Fraction(60), 0.08, sound)
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", broadcast.port))
        deaf.sendall(HANDSHAKE)
        with connect_now(url, subprotocols=["voxrig.v1"]) as one, connect_now(url) as two:  # type: ignore[list-item]
            readers = {one: web.Reader(), two: web.Reader()}
            headers = [reader.read(call.recv(10)) for call, reader in readers.items()]
            assert headers[0] == headers[1] == web.Header(
                face, "Ada", Fraction(60), 0.08, "", (web.Target("arkit", rig.curves),), sound
            )  # fmt: skip
            while broadcast.counts().clients < 3:
                pass
            for at in range(0, len(values), 2):
                broadcast.send(face, at, values[at : at + 2], voice)
                for call, reader in readers.items():
                    block = reader.read(call.recv(10))
                    assert isinstance(block, web.Block)
                    assert (block.face, block.start, block.sound) == (face, at, voice)
                    np.testing.assert_array_equal(block.tracks[0], values[at : at + 2])
            broadcast.end(face, frames=3000)
            for call, reader in readers.items():
                assert reader.read(call.recv(10)) == web.Summary(face, frames=3000)
            counts = broadcast.counts()
            assert counts.clients == 3
            assert counts.sent >= 2 * 1500
            assert counts.dropped > 1000
            assert counts.sent + counts.dropped + 32 >= 3 * 1500
        deaf.close()


def test_who_joins_late_gets_the_headers_of_faces_that_are_on() -> None:
    with Broadcast("127.0.0.1", 0) as broadcast:
        gone, ada, bob = (broadcast.add_face(n, get("visemes"), Fraction(30)) for n in ("gone", "Ada", "Bob"))
        broadcast.end(gone)
        with connect_now(f"ws://127.0.0.1:{broadcast.port}/v1/face") as call:
            reader = web.Reader()
            told = [reader.read(call.recv(10)) for _ in range(2)]
            assert [(h.face, h.name) for h in told if isinstance(h, web.Header)] == [
                (ada, "Ada"),
                (bob, "Bob"),
            ]
            again = broadcast.add_face("Eve", get("arkit"), Fraction(60))
            assert again == gone
            broadcast.send(again, 7, np.zeros((1, 52), np.float32))
            header, block = reader.read(call.recv(10)), reader.read(call.recv(10))
            assert isinstance(header, web.Header)
            assert isinstance(block, web.Block)
            assert (header.name, block.start) == ("Eve", 7)


def test_a_broadcast_has_keys_and_origins_and_limits() -> None:
    rig = get("visemes")
    with Broadcast("127.0.0.1", 0, keys=(KEY,), origins=("https://play.example",)) as broadcast:
        url = f"ws://127.0.0.1:{broadcast.port}/"
        with connect_now(url) as call:
            assert json.loads(call.recv(10))["code"] == "UNAUTHENTICATED"
        with pytest.raises(InvalidStatus, match="403"):
            connect_now(url, origin="https://evil.example")  # type: ignore[arg-type]
        for _ in range(256):
            last = broadcast.add_face("one of many", rig, Fraction(60))
        with pytest.raises(BridgeError, match="has 256 at most"):
            broadcast.add_face("one more", rig, Fraction(60))
        with connect_now(url, origin="https://play.example", additional_headers={"x-api-key": KEY}) as call:  # type: ignore[arg-type]
            assert [json.loads(call.recv(10))["face"] for _ in range(256)] == list(range(256))
        for values in (np.zeros(15, np.float32), np.zeros((1, 14), np.float32)):
            with pytest.raises(ValueError, match=r"is told in \(t, 15\)"):
                broadcast.send(last, 0, values)
        with pytest.raises(ValueError, match="NaN"):
            broadcast.send(last, 0, np.full((1, 15), np.nan, np.float32))
        with pytest.raises(ValueError, match="no face 300"):
            broadcast.send(300, 0, np.zeros((1, 15), np.float32))
    broadcast.close()


def test_tls_is_that_of_the_service(tiny: OnnxModel, tmp_path: Any) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip

    async def act(server: Server, url: str) -> None:
        trust = ssl.create_default_context(cafile=str(cert))
        sound = speech(0.3)
        told = await converse(url.replace("ws:", "wss:"), CONFIG, web.Sound(sound), web.End(), ssl=trust)
        np.testing.assert_allclose(values_of(told), at_home(sound), atol=1e-6)

    serving(tiny, act, tls=Tls(cert, key))
