"""NVIDIA's services on our server: what their clients say, in any grammar, and what they are told."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import math
import os
import wave
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sounds import SAMPLE, babble

import voxrig
from voxrig.audio import open_audio
from voxrig.model import OnnxModel, load
from voxrig.pb.nvidia_ace import a2f_authoring_pb2 as authoring_pb2
from voxrig.pb.nvidia_ace import a2f_pb2, audio_pb2, controller_pb2, emotion_aggregate_pb2
from voxrig.pb.nvidia_ace import a2x_export_config_service_pb2 as configs_pb2
from voxrig.pb.nvidia_ace.a2f_authoring_service_pb2_grpc import A2FAuthoringServiceStub
from voxrig.pb.nvidia_ace.a2f_controller_service_pb2_grpc import A2FControllerServiceStub
from voxrig.pb.nvidia_ace.a2x_export_config_service_pb2_grpc import A2XExportConfigServiceStub
from voxrig.pb.nvidia_ace.emotion_with_timecode_pb2 import EmotionWithTimeCode
from voxrig.pb.nvidia_ace.status_pb2 import Status
from voxrig.resample import Resampler
from voxrig.rigs import get
from voxrig.rpc import a2f_authoring
from voxrig.rpc.a2f_parameters import FACE, NO_EFFECT, POST, TRANSITION, Parameter
from voxrig.rpc.limits import Limits
from voxrig.rpc.server import Server, Setup, start
from voxrig.style import EMOTIONS
from voxrig.types import Array, AudioChunk, Auto, Style

RATE = 16_000
RIG = get("a2f")
NEWER = "type.googleapis.com/com.nvidia.ace.services.audio2face_3d.v1.EmotionAggregate"
Request = controller_pb2.AudioStream


@dataclass
class Heard:
    """What a call told its client."""

    parts: list[str] = field(default_factory=list)
    header: controller_pb2.AnimationDataStreamHeader = field(
        default_factory=controller_pb2.AnimationDataStreamHeader
    )
    frames: list[Any] = field(default_factory=list)
    statuses: list[Any] = field(default_factory=list)
    code: grpc.StatusCode = grpc.StatusCode.UNKNOWN
    details: str = ""

    @property
    def values(self) -> Array:
        """(t, 68)"""
        rows = [frame.skel_animation.blend_shape_weights[0].values for frame in self.frames]
        return np.array([list(row) for row in rows], np.float32).reshape(-1, len(RIG))

    @property
    def echo(self) -> bytes:
        return b"".join(frame.audio.audio_buffer for frame in self.frames)

    def emotion(self, kind: str = "a2f_smoothed_output") -> Array:
        """(t, 10)"""
        out = []
        for frame in self.frames:
            told = emotion_aggregate_pb2.EmotionAggregate()
            assert frame.metadata["emotion_aggregate"].Unpack(told)
            assert not told.a2e_output
            (only,) = getattr(told, kind)
            assert set(only.emotion) == set(EMOTIONS)
            assert only.time_code == frame.audio.time_code
            out.append([only.emotion[name] for name in EMOTIONS])
        return np.array(out, np.float32)


class Service:
    """A server and a client of it on one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, server: Server) -> None:
        self.loop, self.server = loop, server
        self.channel = self.run(self._dial())

    def run(self, work: Any, seconds: float = 60) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(work, seconds))

    def call(self, method: Any, request: Any) -> Any:
        """The reply to one request."""

        async def ask() -> Any:  # grpc wants its loop to run when a call begins
            return await method(request)

        return self.run(ask())

    async def _dial(self) -> Any:
        return grpc.aio.insecure_channel(f"127.0.0.1:{self.server.port}")

    def process(self, requests: Iterable[Request], close: bool = True, read_first: bool = True) -> Heard:
        return self.run(self._process(requests, close, read_first))  # type: ignore[no-any-return]

    async def _process(self, requests: Iterable[Request], close: bool, read_first: bool) -> Heard:
        call = A2FControllerServiceStub(self.channel).ProcessAudioStream()
        heard = Heard()
        reading = asyncio.create_task(_read(call, heard)) if read_first else None
        with suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):  # the server may be done before us
            for request in requests:
                await call.write(request)
            if close:
                await call.done_writing()
        await (reading or _read(call, heard))
        heard.code, heard.details = await call.code(), await call.details()
        return heard


async def _read(call: Any, heard: Heard) -> None:
    with suppress(grpc.aio.AioRpcError):
        async for answer in call:
            part = answer.WhichOneof("stream_part")
            heard.parts.append(part)
            if part == "animation_data_stream_header":
                heard.header = answer.animation_data_stream_header
            elif part == "animation_data":
                heard.frames.append(answer.animation_data)
            elif part == "status":
                heard.statuses.append(answer.status)


@contextmanager
def serving(model: OnnxModel, **setup: Any) -> Iterator[Service]:
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(start(Setup(port=0, **setup), {"live": model}))
    service = Service(loop, server)
    try:
        yield service
    finally:
        loop.run_until_complete(service.channel.close())
        loop.run_until_complete(server.stop(0))
        loop.close()


@pytest.fixture(scope="module")
def tiny_service(tiny: OnnxModel) -> Iterator[Service]:
    with serving(tiny) as service:
        yield service


@pytest.fixture(scope="module")
def live_service(speech: OnnxModel) -> Iterator[Service]:
    with serving(speech) as service:
        yield service


def header(rate: int = RATE, **fields: Any) -> Request:
    audio = audio_pb2.AudioHeader(channel_count=1, samples_per_second=rate, bits_per_sample=16)
    return Request(audio_stream_header=controller_pb2.AudioStreamHeader(**{"audio_header": audio} | fields))


def sound(data: bytes, *emotions: tuple[float, dict[str, float]]) -> Request:
    keys = [EmotionWithTimeCode(time_code=time, emotion=emotion) for time, emotion in emotions]
    return Request(audio_with_emotion=a2f_pb2.AudioWithEmotion(audio_buffer=data, emotions=keys))


def end() -> Request:
    return Request(end_of_audio=Request.EndOfAudio())


def pcm(seconds: float, rate: int = RATE) -> bytes:
    return (babble(seconds, rate).samples * 32767).astype("<i2").tobytes()


def hello() -> bytes:
    """The sample at 16 kHz."""
    with open_audio(SAMPLE) as source:
        whole = np.concatenate([chunk.samples for chunk in source.chunks()])
        samples = Resampler(source.rate, RATE, "best").push(whole, last=True)
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


HEARD = Style(auto=Auto())


def animated(data: bytes, style: Style = HEARD, fps: int = 30) -> Array:
    samples = np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)
    chunk = AudioChunk(samples, RATE)
    return voxrig.animate(chunk, rig="a2f", fps=fps, pace="live", style=style, device="cpu").values


def pieces(data: bytes, samples: int) -> list[Request]:
    return [sound(data[at : at + 2 * samples]) for at in range(0, len(data), 2 * samples)]


def whole(heard: Heard, frames: int) -> None:
    """A call that went well, in order."""
    assert heard.code is grpc.StatusCode.OK, heard.details
    told = [part for part in heard.parts[1:-2] if part != "status"]
    assert heard.parts[0] == "animation_data_stream_header"
    assert told == ["animation_data"] * frames
    assert heard.parts[-2:] == ["event", "status"]
    assert heard.statuses[-1].code == Status.SUCCESS
    assert all(status.code == Status.INFO for status in heard.statuses[:-1])
    times = [frame.skel_animation.blend_shape_weights[0].time_code for frame in heard.frames]
    assert times == [k / 30 for k in range(frames)]


def failed(heard: Heard, code: grpc.StatusCode, sentence: str) -> None:
    """A call that was refused so that NVIDIA's client can say why."""
    assert heard.parts[0] == "animation_data_stream_header"
    assert heard.header.audio_header.bits_per_sample == 16
    assert heard.parts[-1] == "status"
    assert heard.statuses[-1].code == Status.ERROR
    assert sentence in heard.statuses[-1].message
    assert heard.code is code, heard.details
    assert heard.details == heard.statuses[-1].message


# ── ProcessAudioStream ────────────────────────────────────────────────────────────────────────────────


def test_a_clip_is_what_animate_makes_of_it(live_service: Service) -> None:
    data = hello()
    heard = live_service.process([header(), *pieces(data, RATE), end()], close=False)
    expected = animated(data)
    whole(heard, len(expected))
    assert tuple(heard.header.skel_animation_header.blend_shapes) == RIG.curves
    audio = heard.header.audio_header
    assert (audio.audio_format, audio.channel_count, audio.samples_per_second) == (0, 1, RATE)
    assert abs(heard.values - expected).max() < 1e-5
    assert heard.echo == data.ljust(2 * (len(expected) * RATE // 30), b"\0")
    assert live_service.server.streams == 0


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 144_000])
def test_echo_and_frames_fit_any_rate(tiny_service: Service, rate: int) -> None:
    data = pcm(1.01, rate)
    heard = tiny_service.process([header(rate), *pieces(data, rate // 7), end()])
    frames = math.ceil(len(data) // 2 * 30 / rate)
    whole(heard, frames)
    assert heard.header.audio_header.samples_per_second == rate
    assert heard.echo == data.ljust(2 * (frames * rate // 30), b"\0")


def test_a_frame_waits_for_its_sound() -> None:
    """``fast`` tells a frame before all of the sound that goes with it was heard."""
    with serving(load("fast", "cpu")) as service:
        data = pcm(1.7)
        heard = service.process([header(), *pieces(data, 100), end()])
    whole(heard, 51)
    sizes = [len(frame.audio.audio_buffer) // 2 for frame in heard.frames]
    assert sizes == [(k + 1) * RATE // 30 - k * RATE // 30 for k in range(51)]
    assert heard.echo == data


@pytest.mark.parametrize("cut", [1, 17, 441, 800, 40_000])
def test_every_cut_gives_the_same_frames(tiny_service: Service, cut: int) -> None:
    data = pcm(0.3 if cut == 1 else 2.5)
    once = tiny_service.process([header(), sound(data), end()])
    cut_up = tiny_service.process([header(), *pieces(data, cut), end()])
    np.testing.assert_allclose(cut_up.values, once.values, atol=1e-5)
    assert cut_up.echo == once.echo


@pytest.mark.parametrize(
    ("requests", "close"),
    [
        ([end()], False),
        ([end()], True),
        ([], True),
        ([sound(b""), end()], False),
        ([sound(b""), sound(b"")], True),
    ],
    ids=["marker", "both", "half-close", "empty buffer", "empty buffers"],
)
def test_a_clip_ends_by_marker_or_by_closing(
    tiny_service: Service, requests: list[Request], close: bool
) -> None:
    whole(tiny_service.process([header(), sound(pcm(1)), *requests], close), 30)
    whole(tiny_service.process([header(), *requests], close), 0)


def test_all_may_be_written_before_a_frame_is_read(tiny_service: Service) -> None:
    data = pcm(90)
    heard = tiny_service.process([header(), *pieces(data, RATE // 2), end()], read_first=False)
    whole(heard, 2700)


def test_a_client_that_leaves_is_forgotten(tiny_service: Service) -> None:
    async def leave() -> None:
        call = A2FControllerServiceStub(tiny_service.channel).ProcessAudioStream()
        for request in (header(), sound(pcm(3))):
            await call.write(request)
        assert (await call.read()).WhichOneof("stream_part") == "animation_data_stream_header"
        assert tiny_service.server.streams == 1
        call.cancel()
        while tiny_service.server.streams:
            await asyncio.sleep(0.01)

    tiny_service.run(leave(), 5)


def test_clients_that_read_or_say_nothing_are_cut(tiny: OnnxModel) -> None:
    async def idle(service: Service) -> Heard:
        return await service._process([header(), sound(pcm(0.1))], close=False, read_first=True)

    async def unread(service: Service) -> None:
        call = A2FControllerServiceStub(service.channel).ProcessAudioStream()
        for request in (header(), *pieces(pcm(60), 10 * RATE), end()):
            await call.write(request)
        while service.server.streams > 1:
            await asyncio.sleep(0.05)
        call.cancel()

    async def silent(service: Service) -> Heard:
        return await service._process([], close=False, read_first=True)

    async def all_three(service: Service) -> tuple[Heard, None, Heard]:
        return await asyncio.gather(idle(service), unread(service), silent(service))

    with serving(tiny, limits=Limits(idle=0.5, stall=0.5)) as service:
        one, _, other = service.run(all_three(service))
        failed(one, grpc.StatusCode.DEADLINE_EXCEEDED, "nothing was sent for 0.5 s")
        failed(other, grpc.StatusCode.DEADLINE_EXCEEDED, "nothing was sent for 0.5 s")
        assert service.server.streams == 0


def test_a_full_server_says_so(tiny: OnnxModel) -> None:
    async def two(service: Service) -> Heard:
        first = A2FControllerServiceStub(service.channel).ProcessAudioStream()
        await first.write(header())
        await first.read()
        second = await service._process([header(), *pieces(pcm(5), RATE), end()], False, True)
        await first.done_writing()
        return second

    with serving(tiny, limits=Limits(streams=1)) as service:
        heard = service.run(two(service))
        failed(heard, grpc.StatusCode.RESOURCE_EXHAUSTED, "all 1 streams are taken")


NAN = float("nan")
BAD = grpc.StatusCode.INVALID_ARGUMENT


def audio(**fields: int) -> dict[str, Any]:
    good: dict[str, Any] = {"channel_count": 1, "samples_per_second": RATE, "bits_per_sample": 16}
    return {"audio_header": audio_pb2.AudioHeader(**good | fields)}


@pytest.mark.parametrize(
    ("requests", "sentence"),
    [
        ([], "begins with audio_stream_header; got nothing"),
        ([sound(b"\0\0")], "begins with audio_stream_header; got audio_with_emotion"),
        ([end()], "begins with audio_stream_header; got end_of_audio"),
        ([Request()], "begins with audio_stream_header; got an unknown part"),
        ([Request(audio_stream_header={})], "audio_header.channel_count is 0; have 1"),
        ([header(**audio(audio_format=7))], "audio_header.audio_format is 7; have 0 (PCM)"),
        ([header(**audio(channel_count=2))], "audio_header.channel_count is 2; have 1"),
        ([header(**audio(bits_per_sample=24))], "audio_header.bits_per_sample is 24; have 16"),
        ([header(7999)], "audio_header.samples_per_second is 7999; have 8000 to 192000"),
        ([header(), header()], "a second audio_stream_header"),
        ([header(), Request()], "no part that we know; have audio_stream_header"),
        ([header(), sound(b"\0\0\0")], "audio_buffer holds 3 bytes"),
        ([header(), sound(bytes(20 * RATE + 2))], "audio_buffer holds 10.0 s; have at most 10 s"),
        ([header(), *[sound(bytes(20 * RATE))] * 31], "longer than 300 s"),
        ([header(), sound(b"", (NAN, {}))], "emotions.time_code is nan"),
        ([header(), sound(b"", (0, {"joy": NAN}))], "emotions.emotion['joy'] is nan"),
        (
            [header(emotion_params={"beginning_emotion": {"joy": NAN}})],
            "emotion_params.beginning_emotion['joy'] is nan",
        ),
        ([header(emotion_params={"live_transition_time": NAN})], "live_transition_time is nan; have 0 to 60"),
        (
            [header(face_params={"float_params": {"lowerFaceStrength": NAN}})],
            "face_params: lowerFaceStrength is nan; have 0 to 2",
        ),
        ([header(face_params={"float_params": {"x": NAN}})], "face_params.float_params['x'] is nan"),
        (
            [header(blendshape_params={"bs_weight_offsets": {"JawOpen": math.inf}})],
            "blendshape_params.bs_weight_offsets['JawOpen'] is inf",
        ),
        (
            [header(emotion_post_processing_params={"emotion_strength": NAN})],
            "emotion_post_processing_params: emotion_strength is nan; have 0 to 1",
        ),
    ],
)
def test_what_is_wrong_is_told(tiny_service: Service, requests: list[Request], sentence: str) -> None:
    more = [sound(bytes(2 * RATE)), end()]  # as clients go on; they would not read the reason otherwise
    heard = tiny_service.process([*requests, *(more if requests else [])], close=not requests)
    failed(heard, BAD, sentence)
    assert tiny_service.server.streams == 0


# ── emotions ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_beginning_emotion_is_the_style(live_service: Service) -> None:
    data = hello()[: 4 * RATE]
    begun = header(emotion_params={"beginning_emotion": {"joy": 0.7, "bliss": 1}})
    heard = live_service.process([begun, sound(data), end()])
    expected = animated(data, Style({"joy": 0.7}))
    assert abs(heard.values - expected).max() < 1e-5
    assert heard.statuses[0].code == Status.INFO
    assert heard.statuses[0].message == "unknown, left out: bliss"
    joy = EMOTIONS.index("joy")
    assert np.allclose(heard.emotion()[:, joy], 0.7)


def test_emotions_follow_their_time_codes(tiny_service: Service) -> None:
    data, joy, breath = pcm(3), EMOTIONS.index("joy"), EMOTIONS.index("outofbreath")
    keys = [
        (2.0, {"out_of_breath": 2.0, "joy": -1.0, "zest": 1.0}),
        (1.0, {"joy": 1.0}),
        (99.0, {"fear": 1.0}),
    ]
    fast = header(emotion_params={"live_transition_time": 0.1})
    heard = tiny_service.process([fast, sound(data, *keys), end()])
    asked, shown = heard.emotion("input_emotions"), heard.emotion()
    assert (asked[:, joy] == np.repeat([0, 1, 0], 30)).all()
    assert (asked[:, breath] == np.repeat([0, 0, 1], 30)).all()
    assert np.allclose(shown[29:35, joy], [0, 0, 1 / 3, 2 / 3, 1, 1])
    assert np.allclose(shown[60:64, joy], [1, 2 / 3, 1 / 3, 0], atol=1e-6)
    plain = tiny_service.process([header(), sound(data), end()])
    smile = RIG.index("MouthSmileLeft")
    more = heard.values[:, smile] - plain.values[:, smile]
    assert abs(more[:31]).max() < 1e-5
    assert (more[33:60] > 0).any()
    assert heard.frames[0].metadata["emotion_aggregate"].type_url == (
        "type.googleapis.com/nvidia_ace.emotion_aggregate.v1.EmotionAggregate"
    )


def test_it_does_not_matter_with_which_sound_an_emotion_comes(tiny_service: Service) -> None:
    data = pcm(2)
    keys = [(k / 10, {"joy": k / 20, "fear": 1 - k / 20}) for k in range(20)]
    chunks = [data[at : at + 3200] for at in range(0, len(data), 3200)]
    at_once = tiny_service.process([header(), sound(data, *keys), end()])
    backwards = tiny_service.process([header(), sound(b"", *keys[::-1]), sound(data), end()])
    each = [sound(chunk, key) for chunk, key in zip(chunks, keys, strict=True)]
    in_turn = tiny_service.process([header(), *each, end()])
    for other in (backwards, in_turn):
        np.testing.assert_allclose(other.values, at_once.values, atol=1e-5)
    assert at_once.emotion().tobytes() == backwards.emotion().tobytes() == in_turn.emotion().tobytes()


def test_an_emotion_for_the_past_holds_from_its_sound_on(tiny_service: Service) -> None:
    late = tiny_service.process([header(), sound(pcm(1)), sound(pcm(1), (0.2, {"joy": 1.0})), end()])
    timely = tiny_service.process([header(), sound(pcm(1)), sound(pcm(1), (1.0, {"joy": 1.0})), end()])
    assert late.values.tobytes() == timely.values.tobytes()
    assert late.emotion().tobytes() == timely.emotion().tobytes()


@pytest.mark.parametrize(
    ("post", "first", "later"),
    [
        ({}, 0.4, 0.6),
        ({"preferred_emotion_strength": 0.5, "emotion_strength": 0.6}, 0.4, 0.6),
        ({"preferred_emotion_strength": 0.25}, 0.2, 0.3),
        ({"emotion_strength": 0.3}, 0.2, 0.3),
        ({"emotion_strength": 1.0}, 0.6, 0.9),  # ours has 1.5 at most
        ({"emotion_strength": 0.0}, 0.0, 0.0),
        ({"enable_preferred_emotion": False}, 0.4, 0.0),
    ],
)
def test_strength_of_emotions(
    tiny_service: Service, post: dict[str, Any], first: float, later: float
) -> None:
    begun = header(
        emotion_post_processing_params=post,
        emotion_params={"beginning_emotion": {"joy": 0.4}, "live_transition_time": 0.2},
    )
    heard = tiny_service.process([begun, sound(pcm(2), (1.0, {"joy": 0.6})), end()])
    joy = heard.emotion()[:, EMOTIONS.index("joy")]
    assert joy[0] == pytest.approx(first, abs=1e-6)
    assert joy[-1] == pytest.approx(later, abs=1e-6)


# ── parameters ────────────────────────────────────────────────────────────────────────────────────────


def test_multipliers_and_offsets(live_service: Service) -> None:
    data = hello()[: 4 * RATE]
    shapes = {
        "bs_weight_multipliers": {"JawOpen": 3.0, "HeadRoll": 2.0},
        "bs_weight_offsets": {"MouthFunnel": -0.5},
    }
    plain = live_service.process([header(), sound(data), end()]).values
    free = live_service.process([header(blendshape_params=shapes), sound(data), end()])
    clamped = shapes | {"enable_clamping_bs_weight": True}
    kept = live_service.process([header(blendshape_params=clamped), sound(data), end()]).values
    expected = plain.copy()
    expected[:, RIG.index("JawOpen")] *= 3
    expected[:, RIG.index("MouthFunnel")] -= 0.5
    assert np.allclose(free.values, expected, atol=1e-6)
    assert free.values.min() < 0
    assert np.allclose(kept, np.clip(expected, 0, 1), atol=1e-6)
    assert free.statuses[0].message == "unknown, left out: HeadRoll"


def test_nvidias_defaults_change_nothing(live_service: Service) -> None:
    data = hello()[: 4 * RATE]
    defaults = header(
        face_params={"float_params": {p.name: p.default for p in FACE}},
        emotion_post_processing_params={"enable_preferred_emotion": True}
        | {p.name: int(p.default) if p.name == "max_emotions" else p.default for p in POST},
        blendshape_params={
            "bs_weight_multipliers": dict.fromkeys(RIG.curves, 1.0),
            "bs_weight_offsets": dict.fromkeys(RIG.curves, 0.0),
            "enable_clamping_bs_weight": True,
        },
        emotion_params={"live_transition_time": TRANSITION.default},
    )
    requests = [sound(data, (0.5, {"joy": 0.5})), end()]
    plain = live_service.process([header(), *requests])
    same = live_service.process([defaults, *requests])
    assert same.values.tobytes() == plain.values.tobytes()
    assert same.emotion().tobytes() == plain.emotion().tobytes()
    idle = [p.name for p in (*FACE, *POST) if p.effect == NO_EFFECT]
    (told,) = (status for status in same.statuses if status.code == Status.INFO)
    assert told.message.startswith(f"{NO_EFFECT}: ")
    assert set(told.message.removeprefix(f"{NO_EFFECT}: ").split(", ")) == set(idle)


@pytest.mark.parametrize("parameter", FACE, ids=lambda p: p.name)
def test_face_parameters_do_what_the_table_says(live_service: Service, parameter: Parameter) -> None:
    data = hello()[: 4 * RATE]
    joyful = {"beginning_emotion": {"joy": 0.5, "sadness": 0.5}}
    plain = live_service.process([header(emotion_params=joyful), sound(data), end()]).values
    value = float(np.float32(0.5 * (parameter.default + parameter.low)))
    wanted = {"float_params": {parameter.name: value}}
    changed = live_service.process([header(emotion_params=joyful, face_params=wanted), sound(data), end()])
    expected = plain.copy()
    for curve in parameter.scales:
        expected[:, RIG.index(curve)] *= value / parameter.default
    for curve, slope in parameter.moves.items():
        expected[:, RIG.index(curve)] += slope * (value - parameter.default)
    assert np.allclose(changed.values, np.clip(expected, 0, 1), atol=1e-6)
    assert (changed.statuses[0].message == f"{NO_EFFECT}: {parameter.name}") == (
        parameter.effect == NO_EFFECT
    )


def test_values_out_of_range_are_the_nearest_legal(tiny_service: Service) -> None:
    wild = header(
        face_params={
            "float_params": {"lowerFaceStrength": 3.0, "blinkOffset": -math.inf, "wit": 1.0},
            "integer_params": {"saccadeSeed": 4},
        },
        emotion_params={"live_transition_time": math.inf},
    )
    heard = tiny_service.process([wild, sound(pcm(1)), end()])
    whole(heard, 30)
    told = heard.statuses[0].message
    assert "unknown, left out: wit, saccadeSeed" in told
    assert "lowerFaceStrength 3 is taken as 2" in told
    assert "blinkOffset -inf is taken as 0" in told
    assert "live_transition_time inf is taken as 60" in told


def test_a_thousand_unknown_names_are_a_short_sentence(tiny_service: Service) -> None:
    many = header(face_params={"float_params": {f"name\n{i:04}" * 40: 1.0 for i in range(1000)}})
    heard = tiny_service.process([many, end()])
    assert len(heard.statuses[0].message) < 2000
    assert heard.statuses[0].message.endswith("and 984 more")


def test_the_document_has_the_table() -> None:
    text = (Path(__file__).parent.parent / "docs" / "a2f.md").read_text(encoding="utf-8")
    for parameter in (*FACE, *POST, TRANSITION):
        (row,) = (line for line in text.splitlines() if line.startswith(f"| `{parameter.name}` |"))
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert float(cells[1].replace("−", "-")) == parameter.default, parameter.name
        assert cells[3] == parameter.effect, parameter.name


# ── any grammar ───────────────────────────────────────────────────────────────────────────────────────

_floats = st.floats(width=32)
_names = st.sampled_from(["joy", "out_of_breath", "JawOpen", "blinkOffset", "max_emotions", "", "\n☂"])
_maps = st.dictionaries(_names, _floats, max_size=3)
_numbers = st.sampled_from([0, 1, 2, 7, 16, 8000, RATE, 192_000, 2**32 - 1])
_keys = st.lists(st.builds(EmotionWithTimeCode, time_code=st.floats(), emotion=_maps), max_size=2)
_bytes = st.one_of(st.binary(max_size=9), st.integers(0, 2 * RATE).map(lambda n: bytes(2 * n)))
_post = st.builds(
    a2f_pb2.EmotionPostProcessingParameters,
    emotion_contrast=_floats,
    enable_preferred_emotion=st.booleans(),
    emotion_strength=_floats,
    max_emotions=st.integers(-(2**31), 2**31 - 1),
)
_audio_headers = st.one_of(
    st.just(audio()["audio_header"]),
    st.builds(
        audio_pb2.AudioHeader,
        audio_format=st.integers(0, 3),
        channel_count=_numbers,
        samples_per_second=_numbers,
        bits_per_sample=_numbers,
    ),
)
_headers = st.builds(
    controller_pb2.AudioStreamHeader,
    audio_header=_audio_headers,
    face_params=st.builds(a2f_pb2.FaceParameters, float_params=_maps),
    emotion_post_processing_params=_post,
    blendshape_params=st.builds(
        a2f_pb2.BlendShapeParameters,
        bs_weight_multipliers=_maps,
        bs_weight_offsets=_maps,
        enable_clamping_bs_weight=st.booleans(),
    ),
    emotion_params=st.builds(
        a2f_pb2.EmotionParameters, live_transition_time=_floats, beginning_emotion=_maps
    ),
)
_sounds = st.builds(a2f_pb2.AudioWithEmotion, audio_buffer=_bytes, emotions=_keys)
_parts = st.one_of(
    st.builds(Request, audio_with_emotion=_sounds),
    st.builds(Request, audio_with_emotion=st.builds(a2f_pb2.AudioWithEmotion, audio_buffer=_bytes)),
    st.builds(Request, audio_stream_header=_headers),
    st.just(end()),
    st.just(Request()),
)
_grammars = st.one_of(
    st.lists(_parts, max_size=6),
    st.builds(lambda first, rest: [first, *rest], st.just(header()), st.lists(_parts, max_size=6)),
    st.builds(
        lambda h, rest: [Request(audio_stream_header=h), *rest], _headers, st.lists(_parts, max_size=4)
    ),
)


@settings(
    max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
@given(requests=_grammars)
def test_any_grammar_ends_in_a_proper_status(tiny_service: Service, requests: list[Request]) -> None:
    # grpc's client calls it an internal error where it is answered while it still writes, so nobody does.
    said = requests[: requests.index(end()) + 1] if end() in requests else requests
    heard = tiny_service.process(said)
    frames = heard.parts.count("animation_data")
    if heard.code is grpc.StatusCode.OK:
        whole(heard, frames)
    else:
        failed(heard, BAD, "")
        assert len(heard.details) > 10
    assert tiny_service.server.streams == 0


# ── authoring ─────────────────────────────────────────────────────────────────────────────────────────


def upload(service: Service, content: bytes, rate: int = RATE) -> authoring_pb2.AudioClipHandle:
    clip = authoring_pb2.AudioClip(content=content, **audio(samples_per_second=rate))
    return service.call(A2FAuthoringServiceStub(service.channel).UploadAudioClip, clip)  # type: ignore[no-any-return]


def pose(service: Service, name: str, time: float, **fields: Any) -> authoring_pb2.BlendShapeData:
    request = authoring_pb2.FacePoseRequest(audio_hash=name, time_stamp=time, **fields)
    return service.call(A2FAuthoringServiceStub(service.channel).GetAvatarFacePose, request)  # type: ignore[no-any-return]


def wav(data: bytes, rate: int, channels: int = 1) -> bytes:
    with io.BytesIO() as file:
        with wave.open(file, "wb") as writer:
            writer.setparams((channels, 2, rate, 0, "NONE", ""))
            writer.writeframes(data)
        return file.getvalue()


def test_poses_are_the_frames_of_the_clip(live_service: Service) -> None:
    data = hello()
    expected = animated(data, Style())
    handle = upload(live_service, data)
    assert handle.audio_clip_id == hashlib.sha256(data).hexdigest()
    assert tuple(handle.blendshape_names) == RIG.curves
    for frame in (0, 7, 100, 31, 243):
        shown = pose(live_service, handle.audio_clip_id, frame / 30)
        assert abs(np.array(shown.blendshapes) - expected[frame]).max() < 1e-5
        assert shown.time_code == pytest.approx(frame / 30)
        assert set(shown.emotions) == set(EMOTIONS)
    between = pose(live_service, handle.audio_clip_id, 100.5 / 30).blendshapes
    assert abs(np.array(between) - animated(data, Style(), 60)[201]).max() < 1e-2
    last = pose(live_service, handle.audio_clip_id, 1e9)
    assert last.time_code == pytest.approx((len(expected) - 1) / 30)


def test_poses_take_the_same_parameters_as_streams(live_service: Service) -> None:
    data = hello()[: 4 * RATE]
    name = upload(live_service, data).audio_clip_id
    face = {"float_params": {"lowerFaceStrength": 0.65}}
    shapes = {"bs_weight_offsets": {"JawOpen": -0.5}}
    post = {"emotion_strength": 0.3}
    begun = header(
        face_params=face,
        blendshape_params=shapes,
        emotion_post_processing_params=post,
        emotion_params={"beginning_emotion": {"joy": 0.8}},
    )
    stream = live_service.process([begun, sound(data), end()])
    same = {"face_params": face, "blendshape_params": shapes, "emotion_pp_params": post}
    shown = pose(live_service, name, 1.0, preferred_emotions={"joy": 0.8, "zest": 1.0}, **same)
    assert np.allclose(shown.blendshapes, stream.values[30], atol=0.02)  # which has heard the silence before
    assert shown.emotions["joy"] == pytest.approx(0.4)


def test_a_wav_file_says_itself_what_it_is(tiny_service: Service) -> None:
    data = pcm(1, 22_050)
    raw = upload(tiny_service, data, 22_050).audio_clip_id
    file = upload(tiny_service, wav(data, 22_050), 1).audio_clip_id
    assert file != raw
    assert pose(tiny_service, file, 0.5) == pose(tiny_service, raw, 0.5)


@pytest.mark.parametrize(
    ("content", "rate", "sentence"),
    [
        (b"", RATE, "content holds 0 bytes"),
        (b"\0\0\0", RATE, "content holds 3 bytes"),
        (b"\0\0", 100, "audio_header.samples_per_second is 100"),
        (bytes(8000 * 2 * 230), 8000, "content is 230.0 s long; have at most 100 s"),
        (wav(bytes(8), RATE, channels=2), RATE, "2 channels of PCM_16; have 1 of PCM_16"),
        (wav(bytes(8), 4000), RATE, "content is at 4000 Hz; have 8000 to 192000"),
        (b"RIFF\0\0\0\0WAVEjunk", RATE, "content is a damaged WAV file"),
    ],
)
def test_clips_that_are_refused(tiny: OnnxModel, content: bytes, rate: int, sentence: str) -> None:
    with serving(tiny, limits=Limits(max_clip=100)) as service, pytest.raises(grpc.aio.AioRpcError) as caught:
        upload(service, content, rate)
    assert caught.value.code() is BAD
    assert sentence in caught.value.details()


@pytest.mark.parametrize("time", [NAN, math.inf, -0.1])
def test_moments_that_are_refused(tiny_service: Service, time: float) -> None:
    name = upload(tiny_service, pcm(1)).audio_clip_id
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        pose(tiny_service, name, time)
    assert caught.value.code() is BAD
    assert f"time_stamp is {time:g}; write seconds" in caught.value.details()


def test_an_unknown_clip_is_not_found(tiny_service: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        pose(tiny_service, "0" * 64, 0)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert "upload it" in caught.value.details()


def test_a_clip_is_animated_once_for_all_who_ask(tiny: OnnxModel) -> None:
    async def ask(service: Service, name: str) -> list[Any]:
        stub = A2FAuthoringServiceStub(service.channel)
        requests = [authoring_pb2.FacePoseRequest(audio_hash=name, time_stamp=i / 30) for i in range(50)]
        gone = stub.GetAvatarFacePose(requests[0])
        poses = asyncio.gather(*(stub.GetAvatarFacePose(request) for request in requests))
        await asyncio.sleep(0)
        gone.cancel()
        return await poses

    with serving(tiny, limits=Limits(streams=1)) as service:
        name = upload(service, pcm(20)).audio_clip_id
        assert len(service.run(ask(service, name))) == 50
        assert service.server.streams == 0


def test_old_clips_are_forgotten(tiny: OnnxModel) -> None:
    with serving(tiny) as service:
        first = upload(service, b"\1\0").audio_clip_id
        second = upload(service, b"\2\0").audio_clip_id
        for i in range(a2f_authoring.MAX_CLIPS - 2):
            upload(service, bytes([3 + i, 0]))
        pose(service, first, 0)
        upload(service, b"\0\1")
        pose(service, first, 0)
        with pytest.raises(grpc.aio.AioRpcError, match="NOT_FOUND"):
            pose(service, second, 0)


def test_memory_of_clips_is_bounded(tiny: OnnxModel) -> None:
    with serving(tiny) as service:
        names = [upload(service, bytes([i, 0]) * 2_200_000).audio_clip_id for i in range(17)]
        pose(service, names[-1], 0)
        with pytest.raises(grpc.aio.AioRpcError, match="NOT_FOUND"):
            pose(service, names[0], 0)


# ── the rest ──────────────────────────────────────────────────────────────────────────────────────────


def fetch(service: Service, kind: int) -> dict[str, str]:
    async def files() -> dict[str, str]:
        stub = A2XExportConfigServiceStub(service.channel)
        request = configs_pb2.ConfigsTypeRequest(config_type=kind)  # type: ignore[arg-type]
        return {file.name: file.content async for file in stub.GetConfigs(request)}

    return service.run(files())  # type: ignore[no-any-return]


def leaves(settings: dict[str, Any], indent: str = "") -> Iterator[str]:
    for key, value in settings.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from leaves(value, indent + "  ")
        else:
            yield f"{indent}{key}: {json.dumps(value)}"


def test_configs_are_true_of_the_server(tiny: OnnxModel) -> None:
    limits = Limits(streams=7, max_clip=20, idle=3)
    with serving(tiny, limits=limits) as service:
        told, yaml = fetch(service, 1), fetch(service, 0)
        with pytest.raises(grpc.aio.AioRpcError, match=r"config_type is 2; have 0 \(YAML\), 1 \(JSON\)"):
            fetch(service, 2)
    names = ["stylization_config.yaml", "deployment_config.yaml", "advanced_config.yaml"]
    assert list(told) == list(yaml) == names
    read = {name: json.loads(text) for name, text in told.items()}
    for name, text in yaml.items():
        assert text.splitlines() == list(leaves(read[name]))
    assert read[names[1]]["common"]["stream_number"] == 7
    assert read[names[2]]["input_sanitization"]["max_audio_clip_size_second"] == 20
    assert read[names[2]]["input_sanitization"]["max_wait_time_idle_ms"] == 3000
    told_parameters = read[names[0]]["request_parameters"]
    assert list(told_parameters) == [p.name for p in (*FACE, *POST, TRANSITION)]
    assert list(read[names[0]]["default_beginning_emotions"]) == list(EMOTIONS)


SERVICES = (
    "",
    "nvidia_ace.services.a2f_controller.v1.A2FControllerService",
    "nvidia_ace.services.a2x_export_config.v1.A2XExportConfigService",
    "nvidia_ace.services.a2f_authoring.v1.A2FAuthoringService",
)


@pytest.mark.parametrize("name", SERVICES)
def test_all_services_are_well(tiny_service: Service, name: str) -> None:
    stub = health_pb2_grpc.HealthStub(tiny_service.channel)
    told = tiny_service.call(stub.Check, health_pb2.HealthCheckRequest(service=name))
    assert told.status == health_pb2.HealthCheckResponse.SERVING


def test_nvidias_own_client(speech: OnnxModel, tmp_path: Path) -> None:
    python = os.environ.get("VOXRIG_NVIDIA_PYTHON")
    if not python:
        pytest.skip("VOXRIG_NVIDIA_PYTHON names no Python that has nvidia-audio2face-3d and its authoring")
    data = hello()
    (tmp_path / "hello.raw").write_bytes(data)

    async def ask(service: Service) -> Any:
        script = Path(__file__).parent / "nvidia_client.py"
        place = (f"127.0.0.1:{service.server.port}", str(tmp_path / "hello.raw"), str(RATE))
        process = await asyncio.create_subprocess_exec(python, "-I", str(script), *place, stdout=PIPE)
        return json.loads((await process.communicate())[0])

    with serving(speech, type_url=NEWER) as service:
        told = service.run(ask(service))
        assert service.server.streams == 0
    expected, clip = animated(data), told["clip"]
    assert told["health"] == "SERVING"
    assert list(told["configs"]["yaml"]) == list(told["configs"]["json"])
    assert clip["names"] == told["authoring"]["names"] == list(RIG.curves)
    assert clip["parts"] == [
        "animation_data_stream_header",
        *["animation_data"] * len(expected),
        "event",
        "status",
    ]
    assert clip["format"] == [0, 1, RATE, 16]
    assert clip["status"][0][0] == Status.SUCCESS
    assert clip["times"] == [k / 30 for k in range(len(expected))]
    assert bytes.fromhex(clip["echo"]) == data.ljust(2 * (len(expected) * RATE // 30), b"\0")
    assert abs(np.array(clip["weights"]) - expected).max() < 1e-5
    joyful = told["joyful"]
    assert [row["joy"] for row in joyful["asked"]] == [0.0] * 30 + [1.0] * (len(expected) - 30)
    assert [row["joy"] for row in joyful["shown"]][45:] == [1.0] * (len(expected) - 45)
    assert joyful["weights"][:31] == clip["weights"][:31]
    assert joyful["weights"][45] != clip["weights"][45]
    sentence = "audio_header.samples_per_second is 1; have 8000 to 192000"
    assert told["refused"] == {
        "status": [[Status.ERROR, sentence]],
        "code": "INVALID_ARGUMENT",
        "details": sentence,
    }
    assert told["authoring"]["id"] == hashlib.sha256(data).hexdigest()
    assert abs(np.array(told["authoring"]["poses"]) - animated(data, Style())[:30]).max() < 1e-5
    assert told["authoring"]["emotions"] == dict.fromkeys(EMOTIONS, 0.0)
