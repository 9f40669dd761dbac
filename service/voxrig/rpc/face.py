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
from ..render.look import RENDERERS
from ..rigs import describe, get, names
from ..style import EMOTIONS, SPEAKERS
from ..types import Rig
from . import asked, status
from .floor import Floor
from .order import Order, checked, directed
from .parts import Block, Notice, Part, Summary
from .render import commission, header, picture
from .status import Refusal
from .studio import Studio
from .voice import Voice

_NOTICES = {
    "dropped": pb.Notice.CODE_DROPPED,
    "late": pb.Notice.CODE_LATE,
    "going_away": pb.Notice.CODE_GOING_AWAY,
    "interrupted": pb.Notice.CODE_INTERRUPTED,
    "silence": pb.Notice.CODE_SILENCE,
    "left_out": pb.Notice.CODE_LEFT_OUT,
}
_PATIENCE = 0.5  # s for a client to end after an error
_PARTS = ("config", "audio", "style", "ack", "interrupt", "end", "look")


@dataclass(frozen=True)
class FileFormat:
    """A file that voxrig can write, as clients are told of it."""

    name: str
    about: str
    suffix: str


class Face(face_pb2_grpc.FaceServicer):
    """The service over a floor of voices."""

    def __init__(
        self, floor: Floor, formats: Sequence[FileFormat] = (), studio: Studio | None = None
    ) -> None:
        self._floor, self._studio = floor, studio
        self._described = _describe(floor, formats, studio)
        self._default = next(iter(floor.models))

    async def Describe(self, request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:  # noqa: N802
        """What this server can do."""
        reply = pb.DescribeResponse()
        reply.CopyFrom(self._described)
        reply.limits.streams_open = len(self._floor)
        reply.limits.renders_open = self._studio.open if self._studio is not None else 0
        return reply

    async def Animate(  # noqa: N802
        self, requests: AsyncIterator[pb.AnimateRequest], context: Any
    ) -> AsyncIterator[pb.AnimateResponse]:
        """A conversation: see the proto."""
        async with status.told(context), _Ear(requests) as ear:
            config = await status.soon(_first(requests), self._floor.limits.idle)
            order = await _directed(asked.order(config, self._default), config)
            with self._floor.admit(order) as voice:
                ear.listen(voice)
                yield pb.AnimateResponse(header=_header(voice, voice.order.rigs))
                async for part in voice:
                    yield _response(part)

    async def Render(  # noqa: N802
        self, requests: AsyncIterator[pb.RenderRequest], context: Any
    ) -> AsyncIterator[pb.RenderResponse]:
        """The same, answered in pictures."""
        async with status.told(context), _Ear(requests) as ear:
            floor, studio = self._floor, self._studio
            config = await status.soon(_first(requests), floor.limits.idle)
            if studio is None:
                said = "this server draws no pictures; it needs voxrig[render] and --max-renders"
                raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, said)
            wanted = commission(config, studio, floor.limits)
            order = await _directed(asked.drawn(config.stream, self._default), config.stream)
            checked(order, floor.limits, tuple(floor.models))  # before work that takes seconds
            async with studio.admit(wanted, order.fps) as easel:
                with floor.admit(order) as voice:
                    ear.listen(voice)
                    yield header(_header(voice, order.rigs[1:]), wanted)
                    async for part in voice:
                        if isinstance(part, Block):
                            drawn = await easel.draw(part.start, part.tracks[0][0])
                            yield picture(part, drawn)
                        elif isinstance(part, Notice):
                            yield pb.RenderResponse(notice=_notice(part))
                        else:
                            yield pb.RenderResponse(summary=_summary(part))


class _Ear:
    """Hears a client for as long as it is served. One whose words are refused never reads the reason: in an
    ``async with`` statement, what it still has to say is heard before the refusal goes out."""

    def __init__(self, requests: AsyncIterator[Any]) -> None:
        self._requests = requests
        self._listening: asyncio.Task[None] | None = None

    def listen(self, voice: Voice) -> None:
        """Hears it to the end."""
        self._listening = asyncio.create_task(_listen(self._requests, voice))

    async def __aenter__(self) -> _Ear:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, VoxrigError):
            self._listening = self._listening or asyncio.create_task(_hear_out(self._requests))
            await asyncio.wait({self._listening}, timeout=_PATIENCE)
        if self._listening is not None:
            self._listening.cancel()


async def _first(requests: AsyncIterator[Any]) -> Any:
    async for request in requests:
        if request.WhichOneof("part") != "config":
            break
        return request.config
    raise VoxrigError("a stream begins with a config")


async def _hear_out(requests: AsyncIterator[Any]) -> None:
    """Hears what a client still has to say."""
    with suppress(DecodeError, grpc.aio.UsageError, grpc.aio.InternalError):
        async for _ in requests:
            pass


async def _listen(requests: AsyncIterator[Any], voice: Voice) -> None:
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
                    voice.key(asked.style(key.style), key.at, key.transition)
                case "look":
                    voice.look(asked.angles(request.look), request.look.at)
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


async def _directed(order: Order, config: pb.Config) -> Order:
    return await directed(order, config.direction.words, config.direction.seconds)


def _header(voice: Voice, told: Sequence[Rig]) -> pb.Header:
    order = voice.order
    return pb.Header(
        id=uuid.uuid4().hex[:12],
        targets=[pb.Target(rig=rig.name, curves=rig.curves) for rig in told],
        fps_numerator=order.fps.numerator,
        fps_denominator=order.fps.denominator,
        latency=voice.latency,
        model=order.model,
    )


def _response(part: Part) -> pb.AnimateResponse:
    if isinstance(part, Block):
        # Lists: protobuf takes four times as long over arrays.
        tracks = [pb.Track(values=track.ravel().tolist()) for track in part.tracks]
        return pb.AnimateResponse(
            frames=pb.FrameBlock(start=part.start, count=len(part), tracks=tracks, sound=part.sound)
        )
    if isinstance(part, Notice):
        return pb.AnimateResponse(notice=_notice(part))
    return pb.AnimateResponse(summary=_summary(part))


def _notice(told: Notice) -> pb.Notice:
    return pb.Notice(
        code=_NOTICES[told.kind],
        message=told.message,
        first=told.first,
        end=told.end,
        seconds=told.seconds,
    )


def _summary(told: Summary) -> pb.Summary:
    return pb.Summary(
        samples=told.samples,
        frames=told.frames,
        dropped=told.dropped,
        late=told.late,
        silence=told.silence,
        lateness=told.lateness,
    )


def _describe(floor: Floor, formats: Sequence[FileFormat], studio: Studio | None) -> pb.DescribeResponse:
    limits = floor.limits
    reply = pb.DescribeResponse(version=__version__, emotions=EMOTIONS, speakers=SPEAKERS)
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
            renders=limits.renders if studio is not None else 0,
            max_side=limits.max_side,
        )
    )
    if studio is not None:
        reply.avatars.extend(studio.avatars)
        reply.renderers.extend(RENDERERS)
    return reply
