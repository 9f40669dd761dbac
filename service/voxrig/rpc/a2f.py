"""NVIDIA Audio2Face-3D's main service, A2FControllerService: sound in, frames out, over one call.

What NVIDIA's clients need, beyond the messages: the header comes first, even before an error; an error is a
status of ERROR, and the call is ended only when the client has said all, or it would not read the reason; a
client may write all its sound before it reads a frame; it may end with a marker or by closing its side.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import grpc

from ..errors import VoxrigError, one_line
from ..pb.nvidia_ace import a2f_controller_service_pb2_grpc, animation_data_pb2, audio_pb2, controller_pb2
from ..pb.nvidia_ace import emotion_aggregate_pb2 as emotion_pb2
from ..pb.nvidia_ace.status_pb2 import Status
from ..retime import frame_count
from ..style import EMOTIONS
from ..types import Array
from . import status
from .a2f_emotions import FPS, Emotions
from .a2f_parameters import MAX_BUFFER, RIG, Wishes, emotion_weights, pcm_rate, wishes
from .floor import Floor
from .limits import Limits
from .order import Order
from .parts import Block, Notice, Summary
from .status import Refusal
from .voice import Voice

_ROOM = 10.0  # s of frames beyond the longest clip: sound is always heard, read or not
_PATIENCE = 10.0  # s for a client to say all after an error
_QUIET = 2.0  # s without a word after which it has
_MOST = 1 << 26  # bytes that are not listened to
_INTERNAL = "internal error; the server's log tells more"
_RATE = 16_000  # Hz in the header of a call whose own rate is not known

Request = controller_pb2.AudioStream
Response = controller_pb2.AnimationDataStream


class Controller(a2f_controller_service_pb2_grpc.A2FControllerServiceServicer):
    """The service over a floor of voices. ``type_url`` is that of emotion metadata."""

    def __init__(self, floor: Floor, type_url: str) -> None:
        self._floor, self._type_url = floor, type_url

    async def ProcessAudioStream(self, requests: AsyncIterator[Request], context: Any) -> None:  # noqa: N802
        """A conversation: see the proto."""
        ear, reply = _Ear(requests), _Reply(context.write, self._type_url)
        try:
            async with status.told(context):
                try:
                    await self._converse(ear, reply)
                except Exception as error:
                    ear.deafen()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_PATIENCE):
                            await reply.refuse(error)
                            await ear.drained()
                    raise
        finally:
            ear.close()

    async def _converse(self, ear: _Ear, reply: _Reply) -> None:
        limits = self._floor.limits
        header = await ear.first(limits.idle)
        if limits.min_rate <= header.audio_header.samples_per_second <= limits.max_rate:
            reply.rate = header.audio_header.samples_per_second
        pcm_rate(header.audio_header, limits)
        wanted = wishes(
            header.face_params,
            header.emotion_post_processing_params,
            header.blendshape_params,
            header.emotion_params,
        )
        beginning = emotion_weights(
            header.emotion_params.beginning_emotion, "emotion_params.beginning_emotion"
        )
        emotions = Emotions(beginning, wanted, limits.max_clip)
        order = Order(
            rate=reply.rate,
            encoding="s16",
            rigs=(RIG,),
            fps=FPS,
            model=next(iter(self._floor.models)),
            style=emotions.style,
            echo=True,
            name="a2f",
            ahead=limits.max_clip + _ROOM,
            adjust=wanted.adjust,
        )
        with self._floor.admit(order) as voice:
            ear.listen(_Speech(voice, emotions, wanted, limits))
            await reply.begin()
            if wanted.notes:
                await reply.tell(Status.INFO, wanted.notes)
            await reply.frames(voice, emotions)


class _Speech:
    """What a client says, told to a voice."""

    def __init__(self, voice: Voice, emotions: Emotions, wanted: Wishes, limits: Limits) -> None:
        self._voice, self._emotions, self._wanted, self._limits = voice, emotions, wanted, limits
        self._rate = voice.order.rate
        self._heard = 0  # samples

    async def hear(self, request: Request) -> None:
        """The next message, but for the end. Raises VoxrigError."""
        part = request.WhichOneof("stream_part")
        if part == "audio_stream_header":
            raise VoxrigError("a second audio_stream_header; a call has one, at its beginning")
        if part != "audio_with_emotion":
            raise VoxrigError(f"a message with no part that we know; have {_PARTS}")
        said = request.audio_with_emotion
        sound = said.audio_buffer
        first, self._heard = self._heard, self._heard + self._samples(sound)
        self._emotions.hear(said.emotions, frame_count(first, self._rate, FPS))
        for frame, style in self._emotions.due(frame_count(self._heard, self._rate, FPS)):
            self._voice.key(style, frame * self._rate // FPS.numerator, self._wanted.transition)
        await self._voice.say(sound)

    def end(self) -> None:
        self._voice.end()

    def fail(self, error: Exception) -> None:
        self._voice.fail(error)

    def _samples(self, sound: bytes) -> int:
        if len(sound) % 2:
            raise VoxrigError(f"audio_buffer holds {len(sound)} bytes; samples of 16 bits have 2 each")
        count, longest = len(sound) // 2, self._limits.max_clip
        if count > MAX_BUFFER * self._rate:
            seconds = count / self._rate
            raise VoxrigError(f"audio_buffer holds {seconds:.1f} s; have at most {MAX_BUFFER:g} s a message")
        if self._heard + count > longest * self._rate:
            raise VoxrigError(f"the sound is longer than {longest:g} s, the most of one call; open another")
        return count


_PARTS = "audio_stream_header, audio_with_emotion, end_of_audio"


class _Ear:
    """One client's messages. Reading goes on to the end of the call, whether or not anybody listens."""

    def __init__(self, requests: AsyncIterator[Request]) -> None:
        self._requests = requests
        self._speech: _Speech | None = None
        self._task: asyncio.Task[None] | None = None
        self._over = False
        self._ignored = 0  # bytes

    async def first(self, seconds: float) -> controller_pb2.AudioStreamHeader:
        """The header. Raises VoxrigError."""
        try:
            request = await asyncio.wait_for(anext(self._requests, None), seconds)
        except TimeoutError:
            said = f"nothing was sent for {seconds:g} s"
            raise Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, said) from None
        part = "nothing" if request is None else request.WhichOneof("stream_part")
        self._over = part in ("nothing", "end_of_audio")
        if request is None or part != "audio_stream_header":
            raise VoxrigError(f"a call begins with audio_stream_header; got {part or 'an unknown part'}")
        return request.audio_stream_header

    def listen(self, speech: _Speech) -> None:
        """From now on tells ``speech`` what is said."""
        self._speech = speech
        self._task = asyncio.create_task(self._run())

    def deafen(self) -> None:
        """Whatever is said from now on is ignored."""
        self._speech = None

    async def drained(self) -> None:
        """Until the client has said all, has gone quiet, or says too much."""
        if self._over:
            return
        task = self._task = self._task or asyncio.create_task(self._run())
        known = -1
        while not task.done() and self._ignored > known:
            known = self._ignored
            await asyncio.wait({task}, timeout=_QUIET)

    def close(self) -> None:
        """Reads no further."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        with suppress(grpc.aio.UsageError):  # raised once the call is over
            async for request in self._requests:
                if request.WhichOneof("stream_part") == "end_of_audio":
                    break
                if self._speech is not None:
                    try:
                        await self._speech.hear(request)
                    except Exception as error:
                        self._speech.fail(error)
                        self._speech = None
                else:
                    self._ignored += request.ByteSize()
                    if self._ignored > _MOST:
                        break
        if self._speech is not None:
            self._speech.end()


class _Reply:
    """What one client is sent, in NVIDIA's order."""

    def __init__(self, write: Callable[[Response], Awaitable[None]], type_url: str) -> None:
        self._write, self._type_url = write, type_url
        self.rate = _RATE
        self._begun = False

    async def begin(self) -> None:
        """The header."""
        self._begun = True
        header = controller_pb2.AnimationDataStreamHeader(
            audio_header=audio_pb2.AudioHeader(
                audio_format=audio_pb2.AudioHeader.AUDIO_FORMAT_PCM,
                channel_count=1,
                samples_per_second=self.rate,
                bits_per_sample=16,
            ),
            skel_animation_header=animation_data_pb2.SkelAnimationHeader(blend_shapes=RIG.curves),
            start_time_code_since_epoch=time.time(),
        )
        await self._send(Response(animation_data_stream_header=header))

    async def tell(self, code: Status.Code, message: str) -> None:
        """A status."""
        await self._send(Response(status=Status(code=code, message=message)))

    async def frames(self, voice: Voice, emotions: Emotions) -> None:
        """A frame a message, and that all went well."""
        reel = _Reel(self.rate, emotions, self._type_url)
        async for part in voice:
            if isinstance(part, Notice):
                await self.tell(Status.WARNING, part.message)
                continue
            for message in reel.add(part) if isinstance(part, Block) else reel.rest():
                await self._send(message)
                voice.took()
            if isinstance(part, Summary):
                await self._send(Response(event=controller_pb2.Event()))
                await self.tell(Status.SUCCESS, f"sent all data: {part.frames} frames")

    async def refuse(self, error: Exception) -> None:
        """What went wrong, after a header in any case."""
        if not self._begun:
            await self.begin()
        said = str(error) if isinstance(error, VoxrigError) else _INTERNAL
        await self.tell(Status.ERROR, one_line(said))

    async def _send(self, message: Response) -> None:
        try:
            await self._write(message)
        except (grpc.aio.UsageError, grpc.aio.InternalError):
            # The client has left; grpc says so by cancelling, though a write may be the first to notice.
            raise asyncio.CancelledError from None


class _Reel:
    """Frames as messages, each beside its sound and emotion. A frame waits until its sound is whole."""

    def __init__(self, rate: int, emotions: Emotions, type_url: str) -> None:
        self._rate, self._emotions = rate, emotions
        self._held: deque[list[float]] = deque()
        self._sound = bytearray()
        self.sent = 0
        self._told: tuple[Array, Array] | None = None
        # The same message every time: it is written out before the next one is made, and filling is cheaper
        # than making.
        self._message = Response()
        data = self._message.animation_data
        self._weights = data.skel_animation.blend_shape_weights.add()
        self._echo = data.audio
        self._metadata = data.metadata["emotion_aggregate"]
        self._metadata.type_url = type_url
        self._aggregate = emotion_pb2.EmotionAggregate()
        self._moods = (self._aggregate.input_emotions.add(), self._aggregate.a2f_smoothed_output.add())

    def add(self, block: Block) -> Iterator[Response]:
        """The next frames. Each message is to be written before the next is asked for."""
        self._held += block.tracks[0].tolist()  # lists: protobuf takes four times as long over arrays
        self._sound += block.sound
        while self._held and len(self._sound) >= self._size():
            yield self._next()

    def rest(self) -> Iterator[Response]:
        """The last frames, with silence where their sound ends."""
        while self._held:
            self._sound += bytes(max(0, self._size() - len(self._sound)))
            yield self._next()

    def _size(self) -> int:
        """Bytes of sound of the next frame."""
        k, rate = self.sent, self._rate
        return 2 * ((k + 1) * rate // FPS.numerator - k * rate // FPS.numerator)

    def _next(self) -> Response:
        moment, size = self.sent / FPS.numerator, self._size()
        self._weights.time_code = self._echo.time_code = moment
        del self._weights.values[:]
        self._weights.values.extend(self._held.popleft())
        self._echo.audio_buffer = bytes(self._sound[:size])
        del self._sound[:size]
        told = self._emotions.at(self.sent)
        for mood, weights in zip(self._moods, told, strict=True):
            mood.time_code = moment
            if told is not self._told:
                for name, weight in zip(EMOTIONS, weights.tolist(), strict=True):
                    mood.emotion[name] = weight
        self._told = told
        # The emotion that would be heard, a2e_output, stays empty: NVIDIA's own client crashes over it.
        self._metadata.value = self._aggregate.SerializeToString()
        self.sent += 1
        return self._message
