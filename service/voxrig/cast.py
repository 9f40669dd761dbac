"""Faces that speak at the same time: recordings become frames and sound a little ahead of when they are due.

A Reel is one face's frames, in step with its sound. A Cast fills the reels of all its faces from one
engine, in a thread of its own; whoever shows them takes one frame of each reel at a time.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from types import TracebackType
from typing import Self

import numpy as np

from .audio import AudioSource
from .engine import Engine
from .errors import VoxrigError
from .idle import OFF, Idle
from .performance import Direction, Performance, begin
from .recital import Recital, Script
from .resample import Resampler
from .rigs import NATIVE
from .types import Array, AudioChunk, Rig

SOUND_RATE = 48_000  # Hz of the sound in reels, which divides by every usual frame rate


@dataclass(frozen=True, eq=False)
class Beat:
    """What belongs to one frame."""

    index: int
    """Of the frame, since the reel began."""
    values: tuple[Array, ...]
    """(c,) on each rig of the reel."""
    sound: AudioChunk
    """At SOUND_RATE, from this frame to the next; empty where nobody wants it."""


class Reel:
    """Frames of one face on each of some rigs, filled by one thread and taken by another."""

    def __init__(self, rigs: Sequence[Rig], fps: Fraction) -> None:
        self.rigs, self.fps = tuple(rigs), fps
        self._blocks: deque[tuple[tuple[Array, ...], Array]] = deque()
        self._at = 0  # frames taken from the first block
        self._taken = self._put = 0
        self._ended = False

    def put(self, tracks: Sequence[Array], sound: Array) -> None:
        """The next frames, (t, c) on each rig, and their sound."""
        if len(tracks[0]):
            self._blocks.append((tuple(tracks), sound))
            self._put += len(tracks[0])

    def end(self) -> None:
        """No more frames come."""
        self._ended = True

    def next(self) -> Beat | None:
        """The next frame; None when it is not there yet, or when the reel is over."""
        if not self._blocks:
            return None
        tracks, sound = self._blocks[0]
        i, index = self._at, self._taken
        since, start, end = (sound_before(k, self.fps) for k in (index - i, index, index + 1))
        heard = AudioChunk(sound[start - since : end - since], SOUND_RATE, start)
        beat = Beat(index, tuple(track[i] for track in tracks), heard)
        self._at, self._taken = i + 1, index + 1
        if self._at == len(tracks[0]):
            self._at = 0
            self._blocks.popleft()
        return beat

    @property
    def ahead(self) -> int:
        """Frames that wait."""
        return self._put - self._taken

    @property
    def over(self) -> bool:
        """Whether every frame was taken and no more come."""
        return self._ended and not self._blocks


def sound_before(frame: int, fps: Fraction) -> int:
    """Samples at SOUND_RATE before a frame begins."""
    return frame * SOUND_RATE * fps.denominator // fps.numerator


@dataclass(frozen=True)
class Take:
    """A recording, or a microphone."""

    open: Callable[[], AudioSource]
    script: Callable[[], Script | None] = lambda: None
    """Looks up what is said; None where that is not known."""


@dataclass(frozen=True)
class Part:
    """What one face says and how, and on which rigs it is wanted."""

    takes: Iterable[Take]
    """One after the other; there may be no end to them."""
    direction: Direction
    """Its rig counts for nothing; gain and offset hold for each of ``rigs``."""
    rigs: Sequence[Rig]
    sound: bool = False
    """Whether the sound is wanted, too."""


class Cast:
    """Parts that play at the same time. Use it in a ``with`` statement.

    ``ahead`` seconds of frames are kept ready. A part that fails ends early; ``errors`` tells why.
    """

    def __init__(self, parts: Sequence[Part], engine: Engine, ahead: float = 3.0) -> None:
        self._engine, self._ahead = engine, ahead
        self._roles = [_Role(part, engine) for part in parts]
        self._stopped, self._hungry = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._fill, name="voxrig-cast", daemon=True)

    @property
    def reels(self) -> list[Reel]:
        """One for each part."""
        return [role.reel for role in self._roles]

    @property
    def errors(self) -> list[VoxrigError]:
        """What went wrong so far."""
        return [role.error for role in self._roles if role.error is not None]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._hungry.set()
        self._thread.join()

    def wait(self, seconds: float = 30.0) -> None:
        """Until every reel has a second of frames or is whole."""
        for role in self._roles:
            with suppress(TimeoutError):
                role.wait(seconds)

    def _fill(self) -> None:
        try:
            while not self._stopped.is_set():
                wanting = [role for role in self._roles if role.wants(self._ahead)]
                for role in wanting:
                    role.hear()
                while self._engine.step():
                    pass
                for role in wanting:
                    role.show()
                if all(role.done for role in self._roles):
                    return
                if not wanting:
                    self._stopped.wait(0.1)
        finally:
            for role in self._roles:
                role.close()


def play(part: Part, engine: Engine) -> Generator[Beat, None, None]:
    """One part's beats as soon as they are final, in the thread of the caller. Raises VoxrigError."""
    role = _Role(part, engine)
    try:
        while not role.reel.over:
            role.hear()
            if role.error is not None:
                raise role.error
            while engine.step():
                pass
            role.show()
            while (beat := role.reel.next()) is not None:
                yield beat
    finally:
        role.close()


class _Role:
    """A part under way."""

    def __init__(self, part: Part, engine: Engine) -> None:
        self._part, self._engine = part, engine
        own = part.direction
        self.reel = Reel(part.rigs, own.fps)
        self.error: VoxrigError | None = None
        self.done = False
        self._takes = iter(part.takes)
        self._spoken = replace(own, rig=NATIVE, gain={}, offset={}, to_rig=None, idle=OFF)
        self._idle = Idle(own.idle, own.fps, own.seed)  # one for all takes: heads do not jump between them
        # Expressions and the end of a take are dealt with on the native rig already.
        self._onto = [
            Direction(rig, own.fps, gain=own.gain, offset=own.offset, pace="live") for rig in part.rigs
        ]
        self._chains = [direction.stages() for direction in self._onto]
        self._frames = 0
        self._ready = threading.Event()
        self._open = ExitStack()
        self._performance: Performance | Recital | None = None

    def wants(self, ahead: float) -> bool:
        return not self.done and self.reel.ahead < ahead * self.reel.fps

    def wait(self, seconds: float) -> None:
        self._ready.wait(seconds)

    def hear(self) -> None:
        """The next piece of sound, or the next take."""
        try:
            if self._performance is not None:
                self._performance.hear()
            elif (take := next(self._takes, None)) is not None:
                self._begin(take)
            else:
                self.close()
        except VoxrigError as error:
            self.error = error
            self.close()

    def show(self) -> None:
        """What is final of what was heard."""
        if self._performance is None:
            return
        frames = self._performance.show()
        if frames is not None:
            before, self._frames = self._frames, self._frames + len(frames)
            count = sound_before(self._frames, self.reel.fps) - sound_before(before, self.reel.fps)
            frames = self._idle(replace(frames, start=before))
            self.reel.put([chain(frames).values for chain in self._chains], self._sound.take(count))
        if self._performance.done:
            self._open.close()
            self._performance = None
        if self.reel.ahead >= self.reel.fps:
            self._ready.set()

    def close(self) -> None:
        self.done = True
        self._performance = None
        self._open.close()
        self.reel.end()
        self._ready.set()

    def _begin(self, take: Take) -> None:
        source = self._open.enter_context(take.open())
        self._sound = _Sound(source.rate, self._part.sound)
        chunks = self._sound.heard(source.chunks(self._spoken.chunk(source.rate)))
        staging = self._spoken.staged(source.seconds)
        staging.aim(self._idle, self._spoken.fps, self._frames)
        told = replace(staging, looks=())
        self._performance = begin(chunks, source.rate, self._spoken, self._engine, take.script(), told)
        self._open.callback(self._performance.close)


class _Sound:
    """A take's sound on its way past the model, to be handed out with the frames."""

    def __init__(self, rate: int, wanted: bool) -> None:
        self._resampler = Resampler(rate, SOUND_RATE) if wanted else None
        self._held: deque[Array] = deque()

    def heard(self, chunks: Iterator[AudioChunk]) -> Iterator[AudioChunk]:
        """The chunks themselves, noted on the way."""
        for chunk in chunks:
            if self._resampler is not None:
                self._held.append(self._resampler.push(chunk.samples))
            yield chunk
        if self._resampler is not None:
            self._held.append(self._resampler.push(np.zeros(0, np.float32), last=True))

    def take(self, count: int) -> Array:
        """The next (count,) samples at SOUND_RATE, with silence for what is not there; none if not wanted."""
        if self._resampler is None:
            return np.zeros(0, np.float32)
        joined = np.concatenate([*self._held, np.zeros(0, np.float32)])
        self._held.clear()
        self._held.append(joined[count:])
        out = np.zeros(count, np.float32)
        out[: len(joined[:count])] = joined[:count]
        return out
