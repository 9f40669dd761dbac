"""voxrig's own API: ``voxrig.v1.Face``. What each message means is told in proto/voxrig/v1/face.proto."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from .._version import __version__
from ..errors import VoxrigError
from ..pb.voxrig.v1 import face_pb2 as pb
from ..pb.voxrig.v1 import face_pb2_grpc
from ..rigs import describe, get, names
from ..style import EMOTIONS
from ..types import Style
from . import status
from .floor import Floor
from .order import Encoding, Order, rate_of, rigs
from .parts import Block, Notice, Part, Summary
from .voice import Voice

_ENCODINGS: dict[int, Encoding] = {pb.ENCODING_S16: "s16", pb.ENCODING_F32: "f32"}
_NOTICES = {
    "dropped": pb.Notice.CODE_DROPPED,
    "late": pb.Notice.CODE_LATE,
    "going_away": pb.Notice.CODE_GOING_AWAY,
    "interrupted": pb.Notice.CODE_INTERRUPTED,
    "silence": pb.Notice.CODE_SILENCE,
}
_PATIENCE = 0.5  # s for a client to end after an error
_PARTS = ("config", "audio", "style", "ack", "interrupt", "end")


@dataclass(frozen=True)
class FileFormat:
    """A file that voxrig can write, as clients are told of it."""

    name: str
    about: str
    suffix: str


class Face(face_pb2_grpc.FaceServicer):
    """The service over a floor of voices."""

    def __init__(self, floor: Floor, formats: Sequence[FileFormat] = ()) -> None:
        self._floor = floor
        self._described = _describe(floor, formats)

    async def Describe(self, request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:  # noqa: N802
        """What this server can do."""
        reply = pb.DescribeResponse()
        reply.CopyFrom(self._described)
        reply.limits.streams_open = len(self._floor)
        return reply

    async def Animate(  # noqa: N802
        self, requests: AsyncIterator[pb.AnimateRequest], context: Any
    ) -> AsyncIterator[pb.AnimateResponse]:
        """A conversation: see the proto."""
        async with status.told(context):
            listening: asyncio.Task[None] | None = None
            try:
                config = await status.soon(_first(requests), self._floor.limits.idle)
                with self._floor.admit(_order(config, next(iter(self._floor.models)))) as voice:
                    listening = asyncio.create_task(_listen(requests, voice))
                    yield _header(voice)
                    async for part in voice:
                        yield _response(part)
            except VoxrigError:
                # One whose words are refused never reads the reason: what it still has to say is heard first.
                listening = listening or asyncio.create_task(_hear_out(requests))
                await asyncio.wait({listening}, timeout=_PATIENCE)
                raise
            finally:
                if listening is not None:
                    listening.cancel()


async def _first(requests: AsyncIterator[pb.AnimateRequest]) -> pb.Config:
    async for request in requests:
        if request.WhichOneof("part") != "config":
            break
        return request.config
    raise VoxrigError("a stream begins with a config")


async def _hear_out(requests: AsyncIterator[pb.AnimateRequest]) -> None:
    """Hears what a client still has to say."""
    with suppress(DecodeError, grpc.aio.UsageError, grpc.aio.InternalError):
        async for _ in requests:
            pass


async def _listen(requests: AsyncIterator[pb.AnimateRequest], voice: Voice) -> None:
    """Hears a client to the end; what is wrong with it ends the stream."""
    try:
        async for request in requests:
            match request.WhichOneof("part"):
                case "audio":
                    await voice.say(request.audio.samples)
                case "ack":
                    voice.ack(request.ack.frame)
                case "style":
                    key = request.style
                    voice.key(_style(key.style), key.at, key.transition)
                case "interrupt":
                    cut = request.interrupt
                    voice.interrupt(cut.shown if cut.HasField("shown") else None, cut.closing)
                case "end":
                    voice.end()
                case "config":
                    raise VoxrigError("a second config; a stream has one, at its beginning")
                case _:
                    raise VoxrigError(f"a request with no part that we know; have {', '.join(_PARTS)}")
        voice.end()
        voice.ack_no_more()
    except (VoxrigError, ValueError, DecodeError) as error:
        voice.fail(error)
        await _hear_out(requests)
    except grpc.aio.UsageError:
        voice.end()  # the call is over


def _order(config: pb.Config, default: str) -> Order:
    """Raises VoxrigError."""
    if config.encoding not in _ENCODINGS:
        raise VoxrigError(f"unknown encoding {config.encoding}; have 1 (s16), 2 (f32)")
    if config.pacing not in pb.Pacing.values():
        raise VoxrigError(f"unknown pacing {config.pacing}; have 1 (burst), 2 (realtime)")
    whole = (config.fps_numerator, config.fps_denominator)
    return Order(
        rate=config.rate,
        encoding=_ENCODINGS[config.encoding],
        rigs=rigs(list(config.rigs) or ["arkit"]),
        fps=rate_of(*(whole if any(whole) else (60, 1))),
        model=config.model or default,
        style=_style(config.style),
        pacing="realtime" if config.pacing == pb.PACING_REALTIME else "burst",
        idle=config.idle.after,
        echo=config.echo,
        name=config.name,
        window=config.window,
    )


def _style(style: pb.Style) -> Style:
    return Style(dict(style.emotion), style.intensity if style.HasField("intensity") else 1.0)


def _header(voice: Voice) -> pb.AnimateResponse:
    order = voice.order
    header = pb.Header(
        id=uuid.uuid4().hex[:12],
        targets=[pb.Target(rig=rig.name, curves=rig.curves) for rig in order.rigs],
        fps_numerator=order.fps.numerator,
        fps_denominator=order.fps.denominator,
        latency=voice.latency,
        model=order.model,
    )
    return pb.AnimateResponse(header=header)


def _response(part: Part) -> pb.AnimateResponse:
    if isinstance(part, Block):
        # Lists: protobuf takes four times as long over arrays.
        tracks = [pb.Track(values=track.ravel().tolist()) for track in part.tracks]
        return pb.AnimateResponse(
            frames=pb.FrameBlock(start=part.start, count=len(part), tracks=tracks, sound=part.sound)
        )
    if isinstance(part, Notice):
        code = _NOTICES[part.kind]
        return pb.AnimateResponse(
            notice=pb.Notice(
                code=code, message=part.message, first=part.first, end=part.end, seconds=part.seconds
            )
        )
    return pb.AnimateResponse(summary=_summary(part))


def _summary(told: Summary) -> pb.Summary:
    return pb.Summary(
        samples=told.samples,
        frames=told.frames,
        dropped=told.dropped,
        late=told.late,
        silence=told.silence,
        lateness=told.lateness,
    )


def _describe(floor: Floor, formats: Sequence[FileFormat]) -> pb.DescribeResponse:
    limits = floor.limits
    reply = pb.DescribeResponse(version=__version__, emotions=EMOTIONS)
    for name in names():
        rig = get(name)
        rows = zip(rig.curves, rig.low.tolist(), rig.high.tolist(), rig.rest.tolist(), strict=True)
        curves = [pb.Curve(name=n, low=low, high=high, rest=rest) for n, low, high, rest in rows]
        reply.rigs.append(pb.Rig(name=name, about=describe(name), curves=curves))
    reply.formats.extend(pb.Format(name=f.name, about=f.about, suffix=f.suffix) for f in formats)
    for name, model in floor.models.items():
        card = model.card
        quality = {k: float(v) for k, v in card.quality.items() if isinstance(v, int | float)}
        reply.models.append(
            pb.Model(
                name=name,
                lookahead=card.lookahead / card.rate,
                parameters=card.parameters,
                quality=quality,
                quality_on=str(card.quality.get("on", "")),
                licence=card.licence,
            )
        )
    reply.limits.CopyFrom(
        pb.Limits(
            streams=limits.streams,
            min_rate=limits.min_rate,
            max_rate=limits.max_rate,
            max_fps=limits.max_fps,
            max_message=limits.max_message,
            max_targets=limits.max_targets,
            max_stream=limits.max_stream,
            idle=limits.idle,
        )
    )
    return reply
