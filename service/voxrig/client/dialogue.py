"""One stream as messages, no socket in sight: what to send for each wish, and what each answer says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from ..audio import open_audio
from ..pb.voxrig.v1 import face_pb2 as pb
from ..types import AudioChunk, Frames, Rig, Style
from .access import StrPath, nonsense
from .offer import Description
from .wish import View, Wish, key_of

Request = pb.AnimateRequest | pb.RenderRequest
Answer = pb.AnimateResponse | pb.RenderResponse

_SIZES = {"s16": 2, "f32": 4}
_KINDS = {
    pb.Notice.CODE_DROPPED: "dropped",
    pb.Notice.CODE_LATE: "late",
    pb.Notice.CODE_GOING_AWAY: "going_away",
    pb.Notice.CODE_INTERRUPTED: "interrupted",
    pb.Notice.CODE_SILENCE: "silence",
    pb.Notice.CODE_LEFT_OUT: "left_out",
}
_READY = 60.0
_PIECE = 32_768  # bytes of sound in a request

CHUNK = _PIECE // 4
"""Samples of a file to read at a time."""


@dataclass(frozen=True, eq=False)
class Header:
    """How a stream will be told."""

    id: str
    """In the server's logs."""
    rigs: tuple[Rig, ...]
    fps: Fraction
    latency: float
    """Seconds from a sound's arrival to the frame that shows it, at worst, but for computing and network."""
    model: str
    view: View | None = None
    """What pictures show, with the server's choices filled in."""


@dataclass(frozen=True, eq=False)
class Block:
    """Consecutive frames on every rig of the stream."""

    tracks: tuple[Frames, ...]
    sound: bytes = b""
    """The sound of these frames, as it was sent, where an echo was asked for."""

    @property
    def frames(self) -> Frames:
        """On the first rig."""
        return self.tracks[0]


@dataclass(frozen=True)
class Notice:
    """Something to know between frames."""

    kind: str
    """dropped, late, going_away, interrupted, silence or left_out; empty where a newer server has others."""
    message: str
    """One sentence."""
    first: int
    """Frame; with silence, sample."""
    end: int
    """One after the last."""
    seconds: float


@dataclass(frozen=True)
class Summary:
    """What became of a stream; the last that is told."""

    samples: int
    frames: int
    dropped: int
    late: int
    silence: int
    """Samples put in."""
    lateness: float
    """Worst, in seconds, with pacing realtime."""


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture of a stream that is rendered."""

    frame: int
    """Index of its frame."""
    data: bytes
    """As the view's pixels say."""
    key: bool
    """Whether it can be shown without those before it."""
    tracks: tuple[Frames, ...]
    """The frame on every rig of the stream."""
    sound: bytes = b""
    """From this frame to the next, as it was sent, where an echo was asked for."""


Part = Block | Picture | Notice | Summary


class Dialogue:
    """One stream as messages: what to send for each wish, and what each answer says."""

    def __init__(self, wish: Wish, offered: Description) -> None:
        self.wish = wish
        config, view = wish.config(), wish.view
        self._request = pb.AnimateRequest if view is None else pb.RenderRequest
        self.config: Request = (
            pb.AnimateRequest(config=config) if view is None else pb.RenderRequest(config=view.config(config))
        )
        """The first request."""
        self.pushed = 0
        """Samples said."""
        self.ended = self.summed_up = False
        self._offered = {entry.rig.name: entry.rig for entry in offered.rigs}
        self._header: Header | None = None

    def sound(self, sound: AudioChunk | bytes) -> Iterator[Request]:
        """Sound that follows what was said before: a chunk, or bytes as the stream's encoding has them.

        Raises ValueError after the end, on another rate, a gap, or half a sample.
        """
        self._check_open("sound")
        size = _SIZES[self.wish.encoding]
        if isinstance(sound, AudioChunk):
            if sound.rate != self.wish.rate:
                raise ValueError(f"stream runs at {self.wish.rate} Hz, chunk at {sound.rate} Hz")
            if sound.start != self.pushed:
                raise ValueError(f"chunk starts at sample {sound.start}, expected {self.pushed}")
            data = self._encode(sound)
        else:
            data = bytes(sound)
            if len(data) % size:
                raise ValueError(f"{len(data)} bytes are no whole number of {self.wish.encoding} samples")
        self.pushed += len(data) // size
        for at in range(0, len(data), _PIECE):
            yield self._request(audio=pb.Audio(samples=data[at : at + _PIECE]))

    def style(self, style: Style, at: int | None, transition: float) -> Request:
        """From a sample on, speak so; None is the next to be said."""
        self._check_open("a style")
        return self._request(style=key_of(style, self.pushed if at is None else at, transition))

    def look(self, yaw: float | None, pitch: float, at: int | None) -> Request:
        """From a sample on, look there, with None where the eyes like; None is the next to be said."""
        self._check_open("a look")
        sample = self.pushed if at is None else at
        if yaw is None:
            return self._request(look=pb.Look(at=sample))
        if not (math.isfinite(yaw) and math.isfinite(pitch)):
            raise ValueError(f"cannot look at yaw {yaw}, pitch {pitch}")
        return self._request(look=pb.Look(yaw=yaw, pitch=pitch, at=sample))

    def interrupt(self, shown: int | None, closing: float) -> Request:
        """Forget what is unheard and unsent, and close the mouth."""
        return self._request(interrupt=pb.Interrupt(shown=shown, closing=closing))

    def ack(self, frame: int) -> Request:
        """Frames before this one are shown."""
        return self._request(ack=pb.Ack(frame=frame))

    def end(self) -> Request:
        """No more sound."""
        self.ended = True
        return self._request(end=pb.End())

    def hear_header(self, answer: Answer | None) -> Header:
        """The first answer. Raises ServiceError."""
        if answer is None or answer.WhichOneof("part") != "header":
            raise nonsense("a stream without a header")
        view = self.wish.view
        told = answer.header
        if view is not None:
            chosen, told = told, told.stream
            size = chosen.height, chosen.width
            view = replace(view, avatar=chosen.avatar, renderer=chosen.renderer, size=size)
        if not told.fps_denominator or not (told.targets or view):
            raise nonsense("a stream without a rate or rigs")
        fps = Fraction(told.fps_numerator, told.fps_denominator)
        rigs = tuple(self._rig(target) for target in told.targets)
        self._header = Header(told.id, rigs, fps, told.latency, told.model, view)
        return self._header

    def hear(self, answer: Answer) -> Part | None:
        """Any other answer; None is one that we do not know. Raises ServiceError."""
        match answer.WhichOneof("part"):
            case "frames":
                block = answer.frames
                return Block(self._tracks(block.start, block.count, block.tracks), block.sound)
            case "picture":
                one = answer.picture
                tracks = self._tracks(one.frame, 1, one.tracks)
                return Picture(one.frame, one.data, one.key, tracks, one.sound)
            case "notice":
                told = answer.notice
                kind = _KINDS.get(told.code, "")
                return Notice(kind, told.message, told.first, told.end, told.seconds)
            case "summary":
                last = answer.summary
                self.summed_up = True
                return Summary(
                    last.samples, last.frames, last.dropped, last.late, last.silence, last.lateness
                )
            case _:
                return None

    def method(self, stub: Any) -> Any:
        """Which of a stub's methods holds the stream."""
        return stub.Animate if self.wish.view is None else stub.Render

    @property
    def patience(self) -> float:
        """Seconds that a first answer may take beyond what any answer may: heads are made ready then."""
        return 0.0 if self.wish.view is None else _READY

    def hear_end(self) -> None:
        """The stream is over. Raises ServiceError where something was still to come."""
        if not self.summed_up:
            raise nonsense("a stream without a summary")

    def _tracks(self, start: int, count: int, told: Sequence[pb.Track]) -> tuple[Frames, ...]:
        assert self._header is not None
        header = self._header
        if len(told) != len(header.rigs):
            raise nonsense(f"{len(told)} tracks for {len(header.rigs)} rigs")
        tracks = []
        for rig, track in zip(header.rigs, told, strict=True):
            values = np.array(track.values, np.float32)  # (t * c,)
            if len(values) != count * len(rig):
                raise nonsense(f"{len(values)} values for {count} frames of {len(rig)} curves")
            tracks.append(Frames(rig, values.reshape(count, len(rig)), header.fps, start))
        return tuple(tracks)

    def _rig(self, target: pb.Target) -> Rig:
        rig = self._offered.get(target.rig)
        if rig is None or rig.curves != tuple(target.curves):
            raise nonsense(f"rig '{target.rig}' has other curves than it described")
        return rig

    def _encode(self, sound: AudioChunk) -> bytes:
        if self.wish.encoding == "f32":
            return sound.samples.astype("<f4").tobytes()
        return np.clip(np.rint(sound.samples * 32768), -32768, 32767).astype("<i2").tobytes()

    def _check_open(self, what: str) -> None:
        if self.ended:
            raise ValueError(f"{what} after the end of a stream")


@contextmanager
def opened(audio: StrPath | AudioChunk) -> Iterator[tuple[int, float | None, Iterator[AudioChunk]]]:
    """A recording: its rate, its seconds if anybody knows, and its sound as it is read. Raises AudioError."""
    if isinstance(audio, AudioChunk):
        seconds = len(audio.samples) / audio.rate
        yield audio.rate, seconds, iter((AudioChunk(audio.samples, audio.rate),))
        return
    with open_audio(audio) as source:
        yield source.rate, source.seconds, source.chunks(CHUNK)


def no_frames(header: Header) -> Frames:
    """What comes before the first block."""
    rig = header.rigs[0]
    return Frames(rig, np.zeros((0, len(rig)), np.float32), header.fps)
