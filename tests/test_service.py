"""The service over a real port: the same frames as at home, and nobody harms a neighbour."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sounds import TINY

from voxrig.idle import Idle, Life
from voxrig.model import OnnxModel, load
from voxrig.pb.voxrig.v1 import face_pb2 as pb
from voxrig.pb.voxrig.v1 import face_pb2_grpc
from voxrig.performance import animate
from voxrig.rigs import NATIVE
from voxrig.rpc.limits import Limits
from voxrig.rpc.order import Order, rigs
from voxrig.rpc.parts import Block, Notice, Summary
from voxrig.rpc.server import Server, Setup, start
from voxrig.rpc.voice import Voice
from voxrig.staging import direct
from voxrig.types import Array, AudioChunk, Auto, Frames, Key, Style

RATE = 16000


def speech(seconds: float, seed: int = 0) -> np.ndarray:
    """(n,) int16 that moves the tiny pack's face: noise that comes and goes."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    sound = rng.normal(size=len(t)) * 0.2 * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * t))
    return np.asarray(np.clip(sound, -1, 1) * 32767, np.int16)


def at_home(
    sound: np.ndarray, rig: str = "arkit", fps: int = 60, style: Style | None = None, **manner: Any
) -> Array:
    chunk = AudioChunk(sound.astype(np.float32) / np.float32(32768), RATE)
    return animate(chunk, rig, fps, style, pace="live", pack=str(TINY), **manner).values


@pytest.fixture(scope="module")
def models() -> dict[str, OnnxModel]:
    return {"tiny": load(TINY, "cpu")}


@asynccontextmanager
async def serving(models: dict[str, OnnxModel], **limits: float) -> AsyncIterator[tuple[Server, Any]]:
    """A server on a free port, and a stub for it."""
    setup = Setup(port=0, limits=replace(Limits(), **limits))
    async with (
        await start(setup, models) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield server, face_pb2_grpc.FaceStub(channel)


def config(**changes: Any) -> pb.AnimateRequest:
    plain = {"rate": RATE, "encoding": pb.ENCODING_S16, "rigs": ["arkit"]}
    return pb.AnimateRequest(config=pb.Config(**(plain | changes)))


def audio(samples: np.ndarray | bytes) -> pb.AnimateRequest:
    data = samples if isinstance(samples, bytes) else samples.tobytes()
    return pb.AnimateRequest(audio=pb.Audio(samples=data))


END = pb.AnimateRequest(end=pb.End())


def pieces(sound: np.ndarray, size: int) -> list[pb.AnimateRequest]:
    return [audio(sound[at : at + size]) for at in range(0, len(sound), size)]


async def said(stub: Any, requests: Iterable[pb.AnimateRequest], **options: Any) -> list[pb.AnimateResponse]:
    async def send() -> AsyncIterator[pb.AnimateRequest]:
        for request in requests:
            yield request

    return [response async for response in stub.Animate(send(), **options)]


async def rest(call: Any) -> list[pb.AnimateResponse]:
    """What is still to be read."""
    got = []
    while (response := await call.read()) is not grpc.aio.EOF:
        got.append(response)
    return got


def values_of(responses: Iterable[pb.AnimateResponse], track: int = 0) -> Array:
    """(t, c) of one rig; checks that frames follow one another."""
    parts, at = [], None
    for response in responses:
        if response.WhichOneof("part") == "frames":
            block = response.frames
            assert at is None or block.start == at
            at = block.start + block.count
            parts.append(np.array(block.tracks[track].values, np.float32).reshape(block.count, -1))
    return np.concatenate(parts)


def run(main: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(main(), 60))  # type: ignore[arg-type]


async def until(what: Callable[[], bool]) -> None:
    for _ in range(1000):
        if what():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


@pytest.mark.parametrize("pacing", [pb.PACING_BURST, pb.PACING_REALTIME])
@pytest.mark.parametrize("size", [160, 441, 16000])
def test_frames_are_those_made_at_home_however_sound_is_cut(
    models: dict[str, OnnxModel], size: int, pacing: int
) -> None:
    sound = speech(1.03)

    async def main() -> None:
        async with serving(models) as (_, stub):
            got = await said(stub, [config(pacing=pacing, echo=True), *pieces(sound, size), END])
            assert [r.WhichOneof("part") for r in got][:: len(got) - 1] == ["header", "summary"]
            assert got[0].header.targets[0].curves[0] == "eyeBlinkLeft"
            np.testing.assert_allclose(values_of(got), at_home(sound), atol=1e-6)
            assert b"".join(r.frames.sound for r in got) == sound.tobytes()
            assert (got[-1].summary.samples, got[-1].summary.frames) == (len(sound), 62)

    run(main)


def test_one_stream_drives_many_rigs_and_many_streams_share_steps(models: dict[str, OnnxModel]) -> None:
    names = ["metahuman", "arkit", "visemes"]

    async def main() -> None:
        async with serving(models) as (server, stub):
            sounds = [speech(0.5 + 0.01 * i, i) for i in range(24)]
            all_got = await asyncio.gather(
                *(said(stub, [config(rigs=names), *pieces(sound, 320 + i)]) for i, sound in enumerate(sounds))
            )
            for sound, got in zip(sounds, all_got, strict=True):
                for track, name in enumerate(names):
                    np.testing.assert_allclose(values_of(got, track), at_home(sound, name), atol=1e-6)
            await until(lambda: server.streams == 0)

    run(main)


def test_a_style_holds_from_its_sample_on(models: dict[str, OnnxModel]) -> None:
    sound = speech(1.0)
    key = pb.StyleKey(style=pb.Style(emotion={"joy": 1.0}), at=RATE // 2)

    async def main() -> None:
        async with serving(models) as (_, stub):
            got = await said(stub, [config(), pb.AnimateRequest(style=key), *pieces(sound, 320)])
            plain, joyful = at_home(sound), at_home(sound, keys=[Key(0.5, Style({"joy": 1.0}))])
            np.testing.assert_allclose(values_of(got), joyful, atol=2e-6)
            np.testing.assert_allclose(joyful[:30], plain[:30], atol=1e-6)
            assert np.abs(joyful[31:] - plain[31:]).max() > 0.1
            slow = pb.StyleKey(style=pb.Style(emotion={"joy": 1.0}), at=0, transition=0.5)
            got = await said(stub, [config(), pb.AnimateRequest(style=slow), *pieces(sound, 320)])
            slowly = at_home(sound, keys=[Key(0, Style({"joy": 1.0}), 0.5)])
            np.testing.assert_allclose(values_of(got), slowly, atol=2e-6)

    run(main)


_FULL = Style({"anger": 0.5, "fear": 0.25}, 0.75, -0.5, 1.5, "warm", Auto(0.5, 1.25, 2, 0.25, 0.75))
_WORDS = "furious, then slightly amused; looks down at the end"
MANNERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "style": (
        {"style": pb.Style(emotion=_FULL.emotion, intensity=0.75, asymmetry=-0.5, energy=1.5, speaker="warm",
                           auto=pb.Auto(strength=0.5, contrast=1.25, most=2, blend=0.25, preferred=0.75))},
        {"style": _FULL},
    ),
    "auto with its defaults": ({"style": pb.Style(auto=pb.Auto())}, {"style": Style(auto=Auto())}),
    "keys": (
        {"keys": [pb.StyleKey(style=pb.Style(emotion={"joy": 1}), at=4000, transition=0.25),
                  pb.StyleKey(style=pb.Style(speaker="stern"), at=11111)]},
        {"keys": [Key(0.25, Style({"joy": 1.0}), 0.25), Key(11111 / RATE, Style(speaker="stern"))]},
    ),
    "life": ({"life": pb.Life(), "seed": 7}, {"idle": Life(), "seed": 7}),
    "some life": ({"life": pb.Life(head=0.3, blink=0)}, {"idle": Life(head=0.3, blink=0)}),
    "direction": ({"direction": pb.Direction(words=_WORDS, seconds=1.5)}, {"direct": _WORDS}),
    "direction on top": (
        {"style": pb.Style(emotion={"joy": 1}, intensity=0.5, energy=1.5), "life": pb.Life(), "seed": 3,
         "keys": [pb.StyleKey(style=pb.Style(emotion={"joy": 1}), at=8000)],
         "direction": pb.Direction(words=_WORDS, seconds=1.5)},
        {"style": Style({"joy": 1.0}, 0.5, energy=1.5), "idle": Life(), "seed": 3, "direct": _WORDS},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MANNERS)
@pytest.mark.parametrize("pacing", [pb.PACING_BURST, pb.PACING_REALTIME])
def test_what_is_asked_beforehand_is_what_the_library_makes(
    models: dict[str, OnnxModel], name: str, pacing: int
) -> None:
    sound, (asked, manner) = speech(1.5), MANNERS[name]

    async def main() -> None:
        async with serving(models) as (_, stub):
            got = await said(
                stub, [config(rigs=["livelink"], pacing=pacing, **asked), *pieces(sound, 320), END]
            )
            told, plain = values_of(got), at_home(sound, "livelink")
            np.testing.assert_allclose(told, at_home(sound, "livelink", **manner), atol=3e-6)
            assert np.abs(told - plain).max() > 1e-3  # little emotion is heard in noise
            assert not [r for r in got if r.WhichOneof("part") == "notice"]

    run(main)


def test_phases_of_a_direction_last_two_seconds_where_nobody_knows_better(
    models: dict[str, OnnxModel],
) -> None:
    sound, words = speech(3.0), "furious, then amused"

    async def main() -> None:
        async with serving(models) as (_, stub):
            asked = config(direction=pb.Direction(words=words))
            got = values_of(await said(stub, [asked, *pieces(sound, 16000), END]))
            np.testing.assert_allclose(got, at_home(sound, keys=direct(words, 4.0).keys), atol=3e-6)

    run(main)


def test_words_that_nobody_knows_are_told(models: dict[str, OnnxModel]) -> None:
    async def main() -> None:
        async with serving(models) as (_, stub):
            words = "angyr, sad; winks, " + "blorp " * 100
            got = await said(stub, [config(direction=pb.Direction(words=words)), audio(speech(0.2)), END])
            notices = [r.notice for r in got if r.WhichOneof("part") == "notice"]
            assert {notice.code for notice in notices} == {pb.Notice.CODE_LEFT_OUT}
            assert notices[0].message == "'angyr' is not known (nearest is 'angry')"
            assert [notice.message for notice in notices][-1] == "'blorp' is not known"
            assert len(notices) == 3

    run(main)


def test_eyes_look_where_they_are_told_from_a_sample_on(models: dict[str, OnnxModel]) -> None:
    sound, life, fps = speech(2.0), Life(head=0.5), Fraction(60)
    looks = [
        pb.Look(yaw=0.5, pitch=-0.25, at=RATE // 2),
        pb.Look(pitch=0.25, at=RATE),
        pb.Look(at=3 * RATE // 2),
    ]

    async def main() -> None:
        async with serving(models) as (_, stub):
            asked = config(rigs=["native"], life=pb.Life(head=0.5), seed=5)
            said_first = [asked, *(pb.AnimateRequest(look=look) for look in looks)]
            got = values_of(await said(stub, [*said_first, *pieces(sound, 320), END]))
            idle = Idle(life, fps, 5)
            idle.plan(30, 0.5, -0.25)
            idle.plan(60, 0.0, 0.25)
            idle.plan(90, None)
            expected = idle(Frames(NATIVE, at_home(sound, "native"), fps)).values
            np.testing.assert_allclose(got, expected, atol=3e-6)
            lived = at_home(sound, "native", idle=life, seed=5)
            np.testing.assert_allclose(got[:29], lived[:29], atol=3e-6)
            aside = NATIVE.index("eyeLookOutRight")
            assert (got[35:58, aside] > lived[35:58, aside] + 0.2).all()

    run(main)


def test_an_interrupt_closes_the_mouth_and_begins_anew(models: dict[str, OnnxModel]) -> None:
    first, second = speech(2.0), speech(0.6, 7)

    async def main() -> None:
        async with serving(models) as (_, stub):
            call = stub.Animate()
            await call.write(config(rigs=["native"]))
            await call.write(audio(first))
            got = []
            while sum(r.frames.count for r in got) < 60:
                got.append(await call.read())
            await call.write(pb.AnimateRequest(interrupt=pb.Interrupt(shown=49, closing=0.2)))
            while got[-1].WhichOneof("part") != "notice":
                got.append(await call.read())
            notice = got.pop().notice
            assert (notice.code, notice.first, notice.end) == (pb.Notice.CODE_INTERRUPTED, 50, 62)
            for request in (*pieces(second, 320), END):
                await call.write(request)
            after = await rest(call)
            values = values_of(after)
            assert next(r.frames.start for r in after if r.WhichOneof("part") == "frames") == 50
            shown = values_of(got)[49]
            fade = np.concatenate([shown[None], values[:12]])
            assert (np.abs(np.diff(fade, axis=0)) <= np.abs(shown) * 0.15 + 1e-6).all()
            assert np.abs(fade[-1]).max() < 1e-6
            np.testing.assert_allclose(values[12:], at_home(second, "native"), atol=1e-6)

    run(main)


@pytest.mark.parametrize("pacing", [pb.PACING_BURST, pb.PACING_REALTIME])
def test_an_interrupt_after_the_end_of_sound_closes_the_mouth_and_nothing_follows(
    models: dict[str, OnnxModel], pacing: int
) -> None:
    """All of a line was sent at once, and the player cuts in while it is shown."""

    async def main() -> None:
        async with serving(models) as (_, stub):
            call = stub.Animate()
            await call.write(config(rigs=["native"], pacing=pacing, window=40))
            await call.write(audio(speech(2.0)))
            await call.write(END)
            got = []
            while sum(r.frames.count for r in got) < 30:
                got.append(await call.read())
            for _ in range(2):
                await call.write(pb.AnimateRequest(interrupt=pb.Interrupt(shown=19, closing=0.1)))
            after = await rest(call)
            at = [i for i, r in enumerate(after) if r.WhichOneof("part") == "notice"]
            notices = [after[i].notice for i in at]
            assert [(n.code, n.first, n.end) for n in notices] == [(pb.Notice.CODE_INTERRUPTED, 20, 26)] * 2
            values = values_of(after[at[-1] :])
            assert len(values) == 6
            assert np.abs(values[-1]).max() < 1e-6
            assert after[-1].WhichOneof("part") == "summary"

    run(main)


def test_silence_is_put_in_where_no_sound_comes_and_told(models: dict[str, OnnxModel]) -> None:
    async def main() -> None:
        async with serving(models) as (_, stub):
            call = stub.Animate()
            await call.write(config(pacing=pb.PACING_REALTIME, idle=pb.Idle(after=0.1), echo=True))
            await call.write(audio(speech(0.2)))
            got = [await call.read()]
            while sum(r.frames.count for r in got) < 40:  # more than the sound has
                got.append(await call.read())
            await call.write(audio(speech(0.1)))
            await call.write(END)
            got += await rest(call)
            [notice] = [r.notice for r in got if r.WhichOneof("part") == "notice"]
            summary = got[-1].summary
            assert (notice.code, notice.first) == (pb.Notice.CODE_SILENCE, 3200)
            assert notice.end - notice.first == summary.silence >= 6400
            assert summary.samples == 4800
            echoed = np.frombuffer(b"".join(r.frames.sound for r in got), np.int16)
            assert not echoed[notice.first : notice.end].any()
            assert np.array_equal(np.delete(echoed, range(notice.first, notice.end))[:3200], speech(0.2))
            assert len(values_of(got)) == summary.frames

    run(main)


def test_no_more_frames_are_under_way_than_the_window_holds(models: dict[str, OnnxModel]) -> None:
    async def main() -> None:
        async with serving(models) as (_, stub):
            call = stub.Animate()
            for request in (config(window=10), audio(speech(1.0)), END):
                await call.write(request)
            got, acked = [await call.read()], 0
            while got[-1].WhichOneof("part") != "summary":
                got.append(await call.read())
                count = sum(r.frames.count for r in got)
                assert count <= acked + 10
                if count == acked + 10 < 60:
                    acked = count
                    await call.write(pb.AnimateRequest(ack=pb.Ack(frame=acked)))
            assert len(values_of(got)) == 60

    run(main)


@asynccontextmanager
async def voice(models: dict[str, OnnxModel], **wishes: Any) -> AsyncIterator[Voice]:
    async with serving(models) as (server, _):
        order = Order(RATE, "s16", rigs(["arkit"]), Fraction(60), "tiny", **wishes)
        with server._floor.admit(order) as admitted:
            yield admitted


def test_who_does_not_read_is_not_heard_with_burst_pacing(models: dict[str, OnnxModel]) -> None:
    async def main() -> None:
        async with voice(models, ahead=2.0) as speaker:
            sound = speech(1.0).tobytes()

            async def talk() -> None:
                for _ in range(100):
                    await speaker.say(sound)

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(talk(), 1)
            assert 2 * RATE <= speaker.summary.samples <= 4 * RATE
            speaker.end()
            heard = speaker.summary.samples
            blocks = [part async for part in speaker if isinstance(part, Block)]
            assert sum(map(len, blocks)) == heard * 60 // RATE

    run(main)


def test_who_does_not_read_loses_the_oldest_with_realtime_pacing(models: dict[str, OnnxModel]) -> None:
    async def main() -> None:
        async with voice(models, pacing="realtime") as speaker:
            for _ in range(40):
                await speaker.say(speech(0.05).tobytes())
                await asyncio.sleep(0.05)
            assert len(speaker._waiting) < 60
            speaker.end()
            parts = [part async for part in speaker]
            dropped = [part for part in parts if isinstance(part, Notice)]
            summary = parts[-1]
            assert isinstance(summary, Summary)
            assert dropped[-1].kind == "dropped"
            assert summary.dropped > 40
            assert summary.dropped + summary.frames == 120

    run(main)


HUGE = 10**9
WRONG = {
    "no config": [audio(speech(0.1))],
    "nothing": [],
    "empty part": [config(), pb.AnimateRequest()],
    "config twice": [config(), config()],
    "rate 0": [config(rate=0)],
    "rate 10^9": [config(rate=HUGE)],
    "no encoding": [config(encoding=0)],
    "unknown encoding": [config(encoding=9)],
    "unknown pacing": [config(pacing=9)],
    "unknown rig": [config(rigs=["arkit2"])],
    "too many rigs": [config(rigs=["arkit"] * 9)],
    "fps 0": [config(fps_numerator=0, fps_denominator=1)],
    "fps 1/0": [config(fps_numerator=1)],
    "fps huge": [config(fps_numerator=4_000_000_000, fps_denominator=1)],
    "fps odd": [config(fps_numerator=4_000_000_000, fps_denominator=3_999_999_999)],
    "unknown model": [config(model="x" * 100)],
    "unknown emotion": [config(style=pb.Style(emotion={"bliss": 1}))],
    "emotion out of range": [config(style=pb.Style(emotion={"joy": 3}))],
    "emotion NaN": [config(style=pb.Style(emotion={"joy": float("nan")}))],
    "intensity NaN": [config(style=pb.Style(intensity=float("nan")))],
    "asymmetry NaN": [config(style=pb.Style(asymmetry=float("nan")))],
    "asymmetry": [config(style=pb.Style(asymmetry=-1.5))],
    "energy NaN": [config(style=pb.Style(energy=float("nan")))],
    "energy": [config(style=pb.Style(energy=2.5))],
    "speaker": [config(style=pb.Style(speaker="bob\n"))],
    "auto": [config(style=pb.Style(auto=pb.Auto(most=7)))],
    "auto NaN": [config(style=pb.Style(auto=pb.Auto(blend=float("nan"))))],
    "wrong key": [config(keys=[pb.StyleKey(style=pb.Style(emotion={"bliss": 1}))])],
    "keys out of order": [config(keys=[pb.StyleKey(at=5), pb.StyleKey(at=4)])],
    "key at NaN speed": [config(keys=[pb.StyleKey(transition=float("nan"))])],
    "late key": [config(keys=[pb.StyleKey(at=2**63)])],
    "key at no rate": [config(rate=0, keys=[pb.StyleKey(at=4)])],
    "many keys": [config(keys=[pb.StyleKey(at=i) for i in range(1001)])],
    "words": [config(direction=pb.Direction(words="the quick brown fox"))],
    "many words": [config(direction=pb.Direction(words="sad " * 501))],
    "direction NaN": [config(direction=pb.Direction(words="sad", seconds=float("nan")))],
    "direction in the past": [config(direction=pb.Direction(words="sad", seconds=-1))],
    "direction without an end": [config(direction=pb.Direction(words="sad, then angry", seconds=1e300))],
    "life": [config(life=pb.Life(head=1.5))],
    "life NaN": [config(life=pb.Life(gaze=float("nan")))],
    "look NaN": [config(), pb.AnimateRequest(look=pb.Look(yaw=float("nan")))],
    "look at infinity": [config(), pb.AnimateRequest(look=pb.Look(pitch=float("inf")))],
    "look after end": [config(pacing=2), audio(speech(1.0)), END, pb.AnimateRequest(look=pb.Look())],
    "idle NaN": [config(pacing=2, idle=pb.Idle(after=float("nan")))],
    "idle with burst": [config(idle=pb.Idle(after=1))],
    "name": [config(name="a\nb")],
    "odd bytes": [config(), audio(b"abc")],
    "NaN sound": [config(encoding=2), audio(np.full(9, np.nan, "<f4").tobytes())],
    "infinite sound": [config(encoding=2), audio(np.full(9, np.inf, "<f4").tobytes())],
    "sound after end": [config(pacing=2), audio(speech(1.0)), END, audio(speech(0.1))],  # while it plays
    "key NaN": [config(), pb.AnimateRequest(style=pb.StyleKey(transition=float("nan")))],
    "closing NaN": [config(), pb.AnimateRequest(interrupt=pb.Interrupt(closing=float("nan")))],
}


def test_bad_requests_get_a_sentence_and_leave_a_neighbour_alone(models: dict[str, OnnxModel]) -> None:
    sound = speech(2.0)

    async def main() -> None:
        async with serving(models) as (server, stub):
            neighbour = asyncio.create_task(
                said(stub, [config(pacing=pb.PACING_REALTIME), *pieces(sound, 320)])
            )
            for name, requests in WRONG.items():
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await said(stub, requests)
                assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT, name
                assert 10 < len(caught.value.details()) < 400, name
                assert "\n" not in caught.value.details(), name
            np.testing.assert_allclose(values_of(await neighbour), at_home(sound), atol=1e-6)
            await until(lambda: server.streams == 0)

    run(main)


def test_a_message_too_large_and_garbage_are_refused(models: dict[str, OnnxModel]) -> None:
    async def main() -> None:
        async with serving(models, max_message=100_000) as (server, stub):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await said(stub, [config(), audio(bytes(200_000))])
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
                raw = channel.stream_stream("/voxrig.v1.Face/Animate")

                async def garbage() -> AsyncIterator[bytes]:
                    yield b"\xff" * 100

                with pytest.raises(grpc.aio.AioRpcError):
                    [r async for r in raw(garbage())]
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n" + os.urandom(1000))
            await writer.drain()
            await asyncio.wait_for(reader.read(), 10)
            writer.close()
            assert len(values_of(await said(stub, [config(), audio(speech(0.5))]))) == 30
            await until(lambda: server.streams == 0)

    run(main)


def test_a_full_house_turns_away_and_says_when_to_come_back(models: dict[str, OnnxModel]) -> None:
    async def main() -> None:
        async with serving(models, streams=2, retry=0.5) as (server, stub):
            calls = [stub.Animate() for _ in range(2)]
            for call in calls:
                await call.write(config())
                await call.read()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await said(stub, [config()])
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert dict(caught.value.trailing_metadata())["grpc-retry-pushback-ms"] == "500"
            assert (await stub.Describe(pb.DescribeRequest())).limits.streams_open == 2
            calls[0].cancel()
            await until(lambda: server.streams == 1)
            assert len(values_of(await said(stub, [config(), audio(speech(0.2))]))) == 12

    run(main)


def test_who_says_nothing_is_let_go(models: dict[str, OnnxModel]) -> None:
    async def main() -> None:
        async with serving(models, idle=0.5) as (server, stub):
            call = stub.Animate()
            await call.write(config())
            await call.read()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call.read()
            assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            await until(lambda: server.streams == 0)

    run(main)


def test_a_thousand_that_come_and_go_leave_nothing(models: dict[str, OnnxModel]) -> None:
    sound = speech(0.3)

    async def main() -> None:
        async with serving(models) as (server, stub):
            await said(stub, [config(), audio(sound)])
            before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
            for i in range(1000):
                call = stub.Animate()
                await call.write(config(pacing=1 + i % 2))
                if i % 3:
                    await call.write(audio(sound))
                if i % 5 == 0:
                    await call.read()
                call.cancel()
            await until(lambda: server.streams == 0)
            await until(lambda: not any(server._floor._batch._lines.values()))
            if before:
                assert len(os.listdir("/proc/self/fd")) <= before + 8
            assert len(values_of(await said(stub, [config(), audio(sound)]))) == 18

    run(main)


_PARTS = st.one_of(
    st.builds(
        pb.Config,
        rate=st.sampled_from([0, 1, 8000, 16000, 48000, 4_000_000_000]),
        encoding=st.integers(0, 3),
        rigs=st.lists(st.sampled_from(["arkit", "native", "", "x"]), max_size=3),
        fps_numerator=st.sampled_from([0, 1, 30, 60, 30000]),
        fps_denominator=st.sampled_from([0, 1, 1001]),
        pacing=st.integers(0, 3),
        window=st.sampled_from([0, 1, 1000]),
        echo=st.booleans(),
    ),
    st.builds(pb.Audio, samples=st.binary(max_size=5000)),
    st.builds(pb.StyleKey, at=st.integers(0, 2**64 - 1), transition=st.floats()),
    st.builds(pb.Ack, frame=st.integers(0, 2**64 - 1)),
    st.builds(pb.Interrupt, shown=st.none() | st.integers(0, 2**64 - 1), closing=st.floats()),
    st.builds(pb.End),
)
_FIELDS = {pb.Config: "config", pb.Audio: "audio", pb.StyleKey: "style", pb.Ack: "ack"}
_FIELDS |= {pb.Interrupt: "interrupt", pb.End: "end"}
_ENDS = {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT}


def test_any_conversation_ends_in_order(models: dict[str, OnnxModel]) -> None:
    loop = asyncio.new_event_loop()
    try:
        house = serving(models)
        server, stub = loop.run_until_complete(house.__aenter__())

        @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.booleans(), st.lists(_PARTS, max_size=8))
        def converse(polite: bool, parts: list[Any]) -> None:
            requests = [pb.AnimateRequest(**{_FIELDS[type(p)]: p}) for p in parts]

            async def main() -> None:
                code = grpc.StatusCode.OK
                acks = [pb.AnimateRequest(ack=pb.Ack(frame=2**40))] * 3  # for windows that nobody moves
                try:
                    await asyncio.wait_for(
                        said(stub, [*([config()] * polite), *requests, *acks], timeout=3), 20
                    )
                except grpc.aio.AioRpcError as error:
                    code = error.code()
                    windowed = any(isinstance(p, pb.Config) and p.window for p in parts)
                    if code == grpc.StatusCode.DEADLINE_EXCEEDED and windowed:
                        return
                    if "Internal error from Core" in (error.details() or ""):
                        return  # what grpc tells a client that it cut short while that was writing
                assert code in _ENDS

            loop.run_until_complete(main())

        converse()
        loop.run_until_complete(until(lambda: server.streams == 0))
        loop.run_until_complete(house.__aexit__(None, None, None))
    finally:
        loop.close()
