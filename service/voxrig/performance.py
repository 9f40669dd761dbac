"""Speech to frames on a rig, from start to end: one recording, or many in one batch.

A Direction says what is wanted; a Performance is one recording on its way; ``perform`` runs many of
them through one engine, in bounded memory whatever their length.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from typing import Literal

import numpy as np

from .audio import AudioSource, open_audio
from .emotion import load_ear
from .engine import Engine, Stream
from .errors import ModelError, TextError, VoxrigError
from .expression import load_expression
from .idle import OFF, Idle, Life
from .model import OnnxModel, load
from .pack import Device
from .post import Adjust, Chain, Rest, Retarget
from .recital import Hearing, Recital, Script
from .resample import Quality
from .retime import Retime, frame_rate
from .rigs import NATIVE, RigMap, get, map_to
from .smooth import Smooth
from .speech import coarticulation
from .speech.align import Transcript
from .staging import AS_IT_COMES, Staging, direct
from .style import MAX_INTENSITY, check, check_keys, plain
from .types import AudioChunk, Frames, Key, Rig, Sink, Stage, Style, join

Pace = Literal["file", "live", "fast"]

_FILE_BLOCK = 50  # hops a step: one second, for files
_LIVE_CHUNK = 0.02  # s: what a live client sends at a time
_FILE_CHUNK = 1.0  # s
_FILE_SMOOTH = 0.05  # s: halves the fastest steps of the contacts, and costs no closures
_REST = 0.1  # s: how fast a mouth closes when the sound is cut


@dataclass(frozen=True)
class Direction:
    """What is wanted of a performance."""

    rig: Rig
    fps: Fraction = Fraction(60)
    style: Style = field(default_factory=Style)
    gain: Mapping[str, float] = field(default_factory=dict)
    """Factors by curve of the rig; ``all`` for every curve."""
    offset: Mapping[str, float] = field(default_factory=dict)
    smooth: float | None = None
    """Width of the smoothing window in seconds; None is 50 ms for files and nothing live."""
    pace: Pace = "file"
    """Whole files with all their context, or exactly what a live stream would get: ``live`` looks ahead
    70 ms, ``fast`` 20 ms; both with the short resampling filter and one hop a step."""
    keys: tuple[Key, ...] = ()
    """Styles that follow ``style``, in order of time."""
    to_rig: RigMap | None = None
    """The map from native, where the rig is not one of voxrig's own table."""
    words: str = ""
    """A director's, as ``voxrig.staging`` reads them."""
    idle: Life = OFF
    """What the face does beside speech: it blinks, looks about, moves its head."""
    seed: int = 0
    """Of idle, and of what chance does in an emotion: another one, another motion."""

    def chunk(self, rate: int) -> int:
        """Samples to push at a time."""
        return max(1, int(rate * (_FILE_CHUNK if self.pace == "file" else _LIVE_CHUNK)))

    def staged(self, seconds: float | None) -> Staging:
        """What keys and words ask of a recording of so many seconds, None if nobody knows; where both tell a
        style, words do. Raises StyleError."""
        if not self.words:
            return replace(AS_IT_COMES, keys=self.keys)
        staging = direct(self.words, seconds)
        told = tuple(replace(key, style=self._directed(key.style)) for key in staging.keys)
        return replace(staging, keys=told or self.keys)

    def _directed(self, wanted: Style) -> Style:
        intensity = min(wanted.intensity * self.style.intensity, MAX_INTENSITY)
        return replace(self.style, emotion=wanted.emotion, intensity=intensity)

    @property
    def plain(self) -> bool:
        """Whether nothing is to be added to speech. Raises StyleError."""
        return not self.words and all(plain(style) for style in (self.style, *(k.style for k in self.keys)))

    def stages(self, staging: Staging = AS_IT_COMES) -> Chain:
        """Fresh stages from native frames to this direction's rig."""
        return Chain([self.life(staging), self.fitting()])

    def life(self, staging: Staging = AS_IT_COMES) -> Chain:
        """The first of them, on native: what the face does beside speech."""
        if self.idle == OFF and not staging.looks:
            return Chain([])
        idle = Idle(self.idle, self.fps, self.seed)
        staging.aim(idle, self.fps)
        return Chain([idle])

    def fitting(self) -> Chain:
        """The others, from native to the rig."""
        stages: list[Stage] = [Retarget(self.to_rig or map_to(NATIVE, self.rig))]
        stages += [Adjust(self.rig, self.gain, self.offset)] if self.gain or self.offset else []
        # A live stream shows its frames before anybody knows that it ends.
        stages += [Rest(_REST, self.fps)] if self.pace == "file" else []
        return Chain(stages)

    @property
    def smoothing(self) -> float:
        """Width of the window for speech without a text, in seconds."""
        if self.smooth is None:
            return _FILE_SMOOTH if self.pace == "file" else 0.0
        return self.smooth

    @property
    def quality(self) -> Quality:
        """Of the resampling."""
        return "best" if self.pace == "file" else "live"

    def engine(self, pack: str | None = None, device: Device = "auto", batch: int = 16) -> Engine:
        """An engine that suits this direction, on its own pack or on another."""
        block = _FILE_BLOCK if self.pace == "file" else 1
        model, styles = load(pack or self.pace, device), (self.style, *(key.style for key in self.keys))
        expression = None if self.plain else load_expression(device)
        ear = load_ear(device) if any(style.auto for style in styles) else None
        return Engine(model, batch, block, expression=expression, ear=ear)


class Performance:
    """One recording on its way through an engine, onto a rig: hear, step the engine, show."""

    def __init__(
        self,
        chunks: Iterator[AudioChunk],
        rate: int,
        direction: Direction,
        engine: Engine,
        staging: Staging = AS_IT_COMES,
    ) -> None:
        self._chunks, self._engine = chunks, engine
        self._stream: Stream = engine.open(
            direction.style, rate, direction.fps, direction.quality, direction.smoothing, direction.seed
        )
        for key in staging.keys:
            self._stream.set_style(key.style, round(key.at * rate), key.transition)
        self._stages = direction.stages(staging)
        self._ended = self._flushed = self._left = False
        self._shown = 0  # native frames
        self.seconds = 0.0
        """Of sound heard so far."""

    @property
    def done(self) -> bool:
        """Whether all has been heard and shown."""
        return self._flushed

    def hear(self) -> None:
        """Pushes the next piece of sound, or ends the stream. Raises AudioError."""
        if self._ended:
            return
        chunk = next(self._chunks, None)
        if chunk is None:
            self._stream.end()
            self._ended = True
        else:
            self._stream.push(chunk)
            self.seconds = chunk.end / chunk.rate

    def show(self) -> Frames | None:
        """Frames on the rig that are final, if any."""
        frames = self._stream.pull()
        self._flushed = self._ended and self._stream.done
        if frames is None:
            if not self._flushed:
                return None
            frames = Frames(NATIVE, np.zeros((0, len(NATIVE)), np.float32), self._stream.fps, self._shown)
        self._shown += len(frames)
        shown = self._stages(frames, last=self._flushed)
        return shown if len(shown) else None

    def close(self) -> None:
        """Leaves the engine. Closing twice is fine."""
        if not self._left:
            self._left = True
            self._engine.close(self._stream)


@dataclass(frozen=True)
class Job:
    """A performance to come: how to open its sound and its place to go."""

    name: str
    source: Callable[[], AudioSource]
    sink: Callable[[AudioSource], Sink]
    """Closed when whole; abandoned, where it can be, when not."""
    direction: Direction
    script: Callable[[], Script | None] | None = None
    """Looks up what is said; None where that is not known."""
    transcribed: Callable[[Transcript], None] | None = None
    """Told when each word and phone of the script sounds, or without one the phones as they are heard."""


@dataclass(frozen=True)
class Progress:
    """How far one job is: seconds heard, frames written, and at the end done or an error."""

    name: str
    seconds: float
    frames: int
    done: bool = False
    error: VoxrigError | None = None


def perform(jobs: Iterable[Job], engine: Engine) -> Generator[Progress, None, None]:
    """Runs jobs, ``engine.batch`` at a time, and yields their progress.

    A job that fails yields its error and leaves the others alone. When the caller stops, or on
    Ctrl-C, what is under way is abandoned and what is finished stays.
    """
    waiting = iter(jobs)
    running: list[_Run] = []
    try:
        while True:
            for job in islice(waiting, engine.batch - len(running)):
                try:
                    running.append(_Run(job, engine))
                except VoxrigError as error:
                    yield Progress(job.name, 0, 0, error=error)
            if not running:
                return
            for run in list(running):
                yield from _attempt(run, run.hear, running)
            while engine.step():
                pass
            for run in list(running):
                yield from _attempt(run, run.write, running)
    finally:
        for run in running:
            run.abandon()


def _attempt(run: _Run, act: Callable[[], Progress | None], running: list[_Run]) -> Iterator[Progress]:
    try:
        told = act()
    except VoxrigError as error:
        run.abandon()
        running.remove(run)
        yield Progress(run.job.name, run.performance.seconds, run.frames, error=error)
        return
    if told is not None:
        if told.done:
            running.remove(run)
        yield told


class _Run:
    """A job under way."""

    def __init__(self, job: Job, engine: Engine) -> None:
        self.job, self.frames = job, 0
        direction = job.direction
        with ExitStack() as undo:
            self._source = undo.enter_context(job.source())
            self._sink = job.sink(self._source)
            undo.callback(_abandon, self._sink)
            script = job.script() if job.script else None
            self._hearing: Hearing | None = None
            chunks = self._source.chunks(direction.chunk(self._source.rate))
            if job.transcribed and script is None:
                self._hearing = Hearing(_phonetic(engine), self._source.rate)
                chunks = _overheard(chunks, self._hearing)
            staging = direction.staged(self._source.seconds)
            self.performance = begin(chunks, self._source.rate, direction, engine, script, staging)
            undo.pop_all()

    def hear(self) -> None:
        self.performance.hear()

    def write(self) -> Progress | None:
        frames = self.performance.show()
        if frames is not None:
            self._sink.write(frames)
            self.frames += len(frames)
        done = self.performance.done
        if done:
            if self.job.transcribed:
                self.job.transcribed(self._transcript())
            self._sink.close()
            self._leave()
        if frames is None and not done:
            return None
        return Progress(self.job.name, self.performance.seconds, self.frames, done)

    def _transcript(self) -> Transcript:
        if self._hearing is not None:
            return self._hearing.transcript()
        assert isinstance(self.performance, Recital)
        assert self.performance.transcript is not None
        return self.performance.transcript

    def abandon(self) -> None:
        _abandon(self._sink)
        self._leave()

    def _leave(self) -> None:
        self.performance.close()
        self._source.close()


def begin(
    chunks: Iterator[AudioChunk],
    rate: int,
    direction: Direction,
    engine: Engine,
    script: Script | None,
    staging: Staging = AS_IT_COMES,
) -> Performance | Recital:
    """A recording on its way; a script is fitted to it. Raises TextError where it is live, and ModelError."""
    if script is None:
        return Performance(chunks, rate, direction, engine, staging)
    if direction.pace != "file":
        raise TextError("a text is fitted to a whole recording; leave it or live out")
    retime = Retime(coarticulation.FPS, direction.fps, len(NATIVE))
    stages = direction.stages(staging)
    if direction.smooth:
        stages = Chain([Smooth(direction.smooth, direction.fps), stages])
    acting = engine.act(direction.style, seed=direction.seed)
    for key in staging.keys:
        engine.check(key.style)
        if acting is not None:
            at, over = (round(seconds * coarticulation.FPS) for seconds in (key.at, key.transition))
            acting.key(key.style, at, over)
    return Recital(chunks, rate, script, _phonetic(engine), acting, stages, retime)


def _phonetic(engine: Engine) -> OnnxModel:
    if not isinstance(engine.model, OnnxModel):
        raise ModelError("phones are told by a pack; this engine has a model of another kind")
    return engine.model


def _overheard(chunks: Iterator[AudioChunk], hearing: Hearing) -> Iterator[AudioChunk]:
    for chunk in chunks:
        hearing.push(chunk.samples)
        yield chunk


def _abandon(sink: Sink) -> None:
    getattr(sink, "abandon", sink.close)()


def animate(
    audio: str | os.PathLike[str] | AudioChunk,
    rig: str = "arkit",
    fps: Fraction | int = 60,
    style: Style | None = None,
    *,
    keys: Sequence[Key] = (),
    pace: Pace = "file",
    text: str | None = None,
    language: str = "en",
    direct: str = "",
    idle: Life = OFF,
    seed: int = 0,
    pack: str | None = None,
    device: Device = "auto",
) -> Frames:
    """A recording, by path or as samples, to frames on a rig.

    n samples give exactly ceil(n * fps / rate) frames; frame 0 belongs to sample 0. With the ``text`` that
    is said (about; in one of ``voxrig.LANGUAGES``) the lips are surer still. ``pace`` "live" and "fast" give
    what a live stream would. ``keys`` are styles that follow ``style``. ``direct`` takes a director's words
    ("sceptical, then amused"). ``idle`` adds blinks, gaze and motion of the head: ``Life()`` all of them.
    Another ``seed`` feels and lives the same otherwise.

    >>> frames = animate("line.wav", rig="metahuman", fps=30, style=Style({"joy": 0.6}))

    Raises AudioError, ModelError, RigError, StyleError or TextError.
    """
    direction = Direction(
        get(rig),
        frame_rate(fps),
        check(style or Style()),
        pace=pace,
        keys=check_keys(tuple(keys)),
        words=direct,
        idle=idle,
        seed=seed,
    )
    script = None if text is None else Script(text, language)
    engine = direction.engine(pack, device)
    parts: list[Frames] = [
        Frames(direction.rig, np.zeros((0, len(direction.rig)), np.float32), direction.fps)
    ]
    with ExitStack() as stack:
        if isinstance(audio, AudioChunk):
            rate, chunks = audio.rate, _pieces(audio, direction.chunk(audio.rate))
            seconds: float | None = len(audio.samples) / rate
        else:
            source = stack.enter_context(open_audio(audio))
            rate, chunks = source.rate, source.chunks(direction.chunk(source.rate))
            seconds = source.seconds
        performance = begin(chunks, rate, direction, engine, script, direction.staged(seconds))
        while not performance.done:
            performance.hear()
            while engine.step():
                pass
            shown = performance.show()
            if shown is not None:
                parts.append(shown)
    return join(parts)


def _pieces(sound: AudioChunk, size: int) -> Iterator[AudioChunk]:
    for at in range(0, len(sound.samples), size):
        yield AudioChunk(sound.samples[at : at + size], sound.rate, at)


def open_engine(pack: str = "live", device: Device = "auto", batch: int = 64, block: int = 1) -> Engine:
    """An engine for live streams, on the pack that ships with voxrig or on another."""
    return Engine(load(pack, device), batch, block, expression=load_expression(device), ear=load_ear(device))
