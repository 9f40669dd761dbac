"""NVIDIA's A2FAuthoringService: a clip is uploaded once, then poses are asked for at any moment of it.

A clip is animated when its first pose is asked for, as one stream like any other; what is kept are its sound
and frames on the native rig as speech alone makes them, so that other parameters cost no more than a pose,
and another emotion no more than the two seconds before it.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import math
from collections import OrderedDict
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import grpc
import numpy as np

from ..errors import AudioError, VoxrigError, one_line
from ..expression import Acting, Expression
from ..pb.nvidia_ace import a2f_authoring_pb2 as pb
from ..pb.nvidia_ace import a2f_authoring_service_pb2_grpc
from ..resample import Resampler
from ..retime import frame_count
from ..rigs import NATIVE, map_to
from ..style import EMOTIONS, plain
from ..types import Array, Frames, Style
from . import status
from .a2f_emotions import FPS
from .a2f_parameters import RIG, emotion_weights, pcm_rate, wishes
from .batch import adjuster
from .floor import Floor
from .limits import Limits
from .order import Order, samples_of
from .parts import Block
from .status import Refusal

MAX_CLIPS = 64
MAX_BYTES = 64 << 20  # of clips that are kept
_NEAR = 1e-3  # frames by which a float of seconds may miss its frame
_PIECE = 1  # s of sound told at a time
_RATE, _SPEECH_FPS = 16_000, Fraction(100)  # of the sound and the frames that are kept
_BEFORE = 200  # frames before a pose that its expression follows from


class Authoring(a2f_authoring_service_pb2_grpc.A2FAuthoringServiceServicer):
    """The service over a floor of voices."""

    def __init__(self, floor: Floor) -> None:
        self._floor, self._clips = floor, _Clips()
        self._to_rig = map_to(NATIVE, RIG)

    async def UploadAudioClip(self, request: pb.AudioClip, context: Any) -> pb.AudioClipHandle:  # noqa: N802
        """Keeps a clip."""
        async with status.told(context):
            rate, sound = _sound(request, self._floor.limits)
            name = hashlib.sha256(request.content).hexdigest()
            self._clips.keep(name, rate, sound)
            return pb.AudioClipHandle(audio_clip_id=name, blendshape_names=RIG.curves)
        raise AssertionError  # told() has ended the call

    async def GetAvatarFacePose(self, request: pb.FacePoseRequest, context: Any) -> pb.BlendShapeData:  # noqa: N802
        """The face at a moment."""
        async with status.told(context):
            clip = self._clips.find(request.audio_hash)
            moment = request.time_stamp
            if not 0 <= moment < math.inf:
                raise VoxrigError(
                    f"time_stamp is {moment:g}; write seconds from the start of the clip, 0 or more"
                )
            wanted = wishes(request.face_params, request.emotion_pp_params, request.blendshape_params)
            emotion = emotion_weights(request.preferred_emotions, "preferred_emotions")
            style = Style(emotion if wanted.preferred else {}, wanted.intensity)
            place = min(moment * float(FPS), clip.count - 1.0)
            speech = await clip.speech(self._floor)
            native = Frames(NATIVE, speech.pose(place / float(FPS), style, self._floor.expression), FPS)
            shown = adjuster(RIG, wanted.adjust)(self._to_rig(native).values)
            return pb.BlendShapeData(
                blendshapes=shown[0].tolist(),
                time_code=place / float(FPS),
                emotions={e: min(1.0, style.emotion.get(e, 0.0) * style.intensity) for e in EMOTIONS},
            )
        raise AssertionError  # told() has ended the call


@dataclass(frozen=True, eq=False)
class _Speech:
    """A clip as it is spoken without any emotion."""

    sound: Array  # (n,) at 16 kHz
    frames: Array  # (t, c) native

    def pose(self, seconds: float, style: Style, expression: Expression | None) -> Array:
        """The face at a moment of the clip, (1, c)."""
        place = min(seconds * float(_SPEECH_FPS), len(self.frames) - 1.0)
        end = min(math.ceil(place - _NEAR) + 1, len(self.frames))
        first = max(0, end - _BEFORE)
        frames = self.frames[first:end]
        if expression is not None and not plain(style):
            sound = self.sound[first * expression.samples : end * expression.samples]
            frames = Acting(style, expression).over(sound, frames, first)
        return _at(frames, place - first)


class _Clip:
    """Sound, and once a pose was asked for its frames, too."""

    def __init__(self, rate: int, sound: bytes) -> None:
        self.rate = rate
        self.count = frame_count(len(sound) // 2, rate, FPS)
        """Frames."""
        self._sound = sound
        self._speech: _Speech | None = None
        self._making: asyncio.Task[_Speech] | None = None

    @property
    def size(self) -> int:
        """Bytes kept."""
        speech = self._speech
        return len(self._sound) if speech is None else speech.frames.nbytes + speech.sound.nbytes

    async def speech(self, floor: Floor) -> _Speech:
        """What is said, made once for all who ask. Raises what ``Floor.admit`` raises."""
        if self._speech is not None:
            return self._speech
        if self._making is None:
            self._making = asyncio.create_task(self._make(floor))
            self._making.add_done_callback(self._made)
        return await asyncio.shield(self._making)  # who asked first may leave

    def _made(self, making: asyncio.Task[_Speech]) -> None:
        self._making = None
        if not making.cancelled() and making.exception() is None:
            self._speech, self._sound = making.result(), b""

    async def _make(self, floor: Floor) -> _Speech:
        order = Order(
            rate=self.rate,
            encoding="s16",
            rigs=(NATIVE,),
            fps=_SPEECH_FPS,
            model=next(iter(floor.models)),
            name="a2f-authoring",
            ahead=floor.limits.max_clip + 1,
        )
        resampler, heard = Resampler(self.rate, _RATE), list[Array]()
        with floor.admit(order) as voice:
            piece = 2 * self.rate * _PIECE
            for at in range(0, len(self._sound), piece):
                said = self._sound[at : at + piece]
                await voice.say(said)
                heard.append(resampler.push(samples_of(said, "s16")))
                await asyncio.sleep(0)  # others are served, too
            voice.end()
            heard.append(resampler.push(np.zeros(0, np.float32), last=True))
            frames = [part.tracks[0] async for part in voice if isinstance(part, Block)]
        return _Speech(np.concatenate(heard), np.concatenate(frames))


class _Clips:
    """Clips by name; those that nobody asked for longest are forgotten first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Clip] = OrderedDict()

    def keep(self, name: str, rate: int, sound: bytes) -> None:
        """The same bytes at another rate are another clip, and take the place of the first."""
        if name not in self._kept or self._kept[name].rate != rate:
            self._kept[name] = _Clip(rate, sound)
        self._kept.move_to_end(name)
        while len(self._kept) > MAX_CLIPS or sum(clip.size for clip in self._kept.values()) > MAX_BYTES:
            self._kept.popitem(last=False)

    def find(self, name: str) -> _Clip:
        """Raises Refusal."""
        if name not in self._kept:
            said = f"no clip '{one_line(name[:64])}'; upload it (again: a server forgets old clips)"
            raise Refusal(grpc.StatusCode.NOT_FOUND, said)
        self._kept.move_to_end(name)
        return self._kept[name]


def _at(frames: Array, place: float) -> Array:
    """The frame at a place between 0 and the last, (1, c)."""
    near = round(place)
    if abs(place - near) <= _NEAR:
        return frames[near : near + 1]
    low = math.floor(place)
    part = np.float32(place - low)
    return np.asarray(frames[low : low + 1] * (1 - part) + frames[low + 1 : low + 2] * part, np.float32)


def _sound(clip: pb.AudioClip, limits: Limits) -> tuple[int, bytes]:
    """Hertz and 16-bit samples. Raises VoxrigError."""
    content = clip.content
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        rate, content = _wav(content)
        if not limits.min_rate <= rate <= limits.max_rate:
            raise VoxrigError(f"content is at {rate} Hz; have {limits.min_rate} to {limits.max_rate}")
    else:
        rate = pcm_rate(clip.audio_header, limits)
    if not content or len(content) % 2:
        raise VoxrigError(f"content holds {len(content)} bytes; write 16-bit samples, one at least")
    if len(content) // 2 > limits.max_clip * rate:
        seconds = len(content) // 2 / rate
        raise VoxrigError(f"content is {seconds:.1f} s long; have at most {limits.max_clip:g} s")
    return rate, content


def _wav(content: bytes) -> tuple[int, bytes]:
    """Hertz and samples of a WAV file, which says itself what it is. Raises AudioError."""
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(content)) as wav:
            if wav.channels != 1 or wav.subtype != "PCM_16":
                said = f"{wav.channels} channels of {wav.subtype}; have 1 of PCM_16"
                raise AudioError(f"content is a WAV file with {said}")
            return wav.samplerate, wav.read(dtype="int16").astype("<i2").tobytes()
    except soundfile.LibsndfileError as error:
        raise AudioError(f"content is a damaged WAV file: {error}") from error
