"""Frames in real time: each goes when its moment comes, by its index and one clock.

Frame k is due k / fps seconds after the start, whatever happened before, so nothing adds up over hours.
What is late by more than a frame is left out: a receiver is better off with the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from voxrig.types import Array, AudioChunk, Rig

from .outlets import Outlet

_NAP = 0.05  # s: the longest wait in one go, so that a stop is heard
_STALL = 0.25  # s behind at which a clock that we can move is moved instead of leaving frames out
_EASE = 0.02  # of an offset that is taken back with each frame
_HURRY = 0.05  # by how much faster than real time a backlog of sound is shown
_MARGIN = 0.005  # s that live frames are there before they are due, when all is well
_SPREAD = 0.04  # s by which they may be earlier: those of one piece of sound come together


class Beat(Protocol):
    """One frame of a reel."""

    @property
    def index(self) -> int: ...
    @property
    def values(self) -> tuple[Array, ...]:
        """(c,) on each rig."""
        ...

    @property
    def sound(self) -> AudioChunk:
        """From this frame to the next; empty where none is wanted."""
        ...


class Reel(Protocol):
    """Where frames come from; filled by somebody else."""

    @property
    def rigs(self) -> Sequence[Rig]: ...
    @property
    def over(self) -> bool: ...
    def next(self) -> Beat | None:
        """The next frame, or None where it is not there (yet)."""
        ...


class Clock(Protocol):
    """What time it is for the faces. ``loudspeaker.Loudspeaker`` is one, too."""

    def now(self) -> float:
        """Seconds."""
        ...

    def sleep(self, seconds: float) -> None: ...


class Monotonic:
    """The computer's clock."""

    def now(self) -> float:
        return time.perf_counter()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class Face:
    """A reel and everybody who is shown it. Each outlet's rig is one of the reel's."""

    reel: Reel
    outlets: Sequence[Outlet]


@dataclass
class Counts:
    """How it went, over all faces."""

    frames: int = 0
    """Moments that were shown."""
    late: int = 0
    """Moments more than half a frame late."""
    skipped: int = 0
    """Moments left out, because they were more than a frame late."""


class Playback:
    """Faces in step on one clock."""

    def __init__(
        self,
        faces: Sequence[Face],
        fps: Fraction,
        clock: Clock,
        time_of_day: float,
        shown: Callable[[int], None] = lambda index: None,
    ) -> None:
        """``time_of_day`` is that of frame 0, in seconds since midnight; ``shown`` hears each index."""
        self._faces, self._fps, self._clock = faces, fps, clock
        self._day, self._shown = time_of_day, shown
        self._columns = [
            [[rig.name for rig in face.reel.rigs].index(outlet.rig.name) for outlet in face.outlets]
            for face in faces
        ]
        self.counts = Counts()

    def run(self, start: float, stopped: Callable[[], bool] = lambda: False) -> Counts:
        """Shows all frames of recordings, frame 0 at ``start`` on the clock. Begins and ends outlets."""
        index = 0
        self._each(lambda outlet: outlet.begin())
        try:
            while not stopped() and not all(face.reel.over for face in self._faces):
                self._await(start + float(index / self._fps), stopped)
                behind = (self._clock.now() - start) * float(self._fps) - index
                skip = behind >= 1
                self.counts.late += behind > 0.5
                self.counts.skipped += skip
                self.counts.frames += not skip
                for face, columns in zip(self._faces, self._columns, strict=True):
                    beat = face.reel.next()
                    while beat is not None and beat.index < index:  # it was not there when it was due
                        self._show(face, columns, beat, silent=True)
                        beat = face.reel.next()
                    if beat is not None:
                        self._show(face, columns, beat, silent=skip)
                if not skip:
                    self._shown(index)
                index += 1
        finally:
            self._each(lambda outlet: outlet.end())
        return self.counts

    def follow(self, stopped: Callable[[], bool] = lambda: False) -> Counts:
        """Shows the frames of one live face soon after they come, but evenly. Begins and ends outlets.

        The clock of the sound and ours drift: frames that come ever earlier or later move what is due.
        """
        (face,), (columns,) = self._faces, self._columns
        zero: float | None = None
        self._each(lambda outlet: outlet.begin())
        try:
            while not stopped() and not face.reel.over:
                beat = face.reel.next()
                now = self._clock.now()
                if beat is None:
                    self._clock.sleep(0.001)
                    continue
                at = float(beat.index / self._fps)
                zero = now + _MARGIN - at if zero is None else zero
                lead = zero + at - now
                if lead < -_STALL:
                    zero = now + _MARGIN - at  # the sound itself had stopped
                else:
                    early = min(_EASE * max(lead - _SPREAD, 0.0), _HURRY / float(self._fps))
                    zero += _EASE * max(_MARGIN - lead, 0.0) - early
                self.counts.late += lead < -0.5 / float(self._fps)
                self._await(zero + at, stopped)
                self._show(face, columns, beat, silent=False)
                self.counts.frames += 1
                self._shown(beat.index)
        finally:
            self._each(lambda outlet: outlet.end())
        return self.counts

    def _show(self, face: Face, columns: Sequence[int], beat: Beat, silent: bool) -> None:
        """Sends a frame; ``silent`` ones are counted as dropped, but their sound still goes."""
        seconds = self._day + float(beat.index / self._fps)
        for outlet, column in zip(face.outlets, columns, strict=True):
            if silent and not outlet.wants_sound:
                outlet.dropped += 1
            else:
                outlet.show(beat.index, beat.values[column], beat.sound, seconds)

    def _await(self, moment: float, stopped: Callable[[], bool]) -> None:
        while (left := moment - self._clock.now()) > 0 and not stopped():
            self._clock.sleep(min(left, _NAP))

    def _each(self, act: Callable[[Outlet], None]) -> None:
        for face in self._faces:
            for outlet in face.outlets:
                act(outlet)
