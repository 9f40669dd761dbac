"""Clips to files: what one worker does, in whichever process or on whichever machine it is.

A clip is whole or not there. Its files are written to a staging folder inside the output folder and take
their names when all of them are complete. Every run has a staging folder of its own and removes those of
runs before it, so that a worker that was forgotten by a killed run can finish nothing any more.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Literal, Protocol

from .._version import __version__
from ..audio import AudioSource, open_audio
from ..engine import Engine
from ..errors import AudioError, ModelError, OutputError, VoxrigError
from ..pack import Device
from ..performance import Direction, Job, Pace, perform
from ..recital import Script
from ..retime import frame_count
from ..rigs import NATIVE, get
from ..types import Frames, Key, Rig, Sink
from .ledger import Known
from .manner import Manner
from .plan import Clip, Part

_BATCH = 16  # clips that share a step of the engine
_BLOCK = 1 << 20  # bytes hashed at a time


class OpenSink(Protocol):
    """Begins a curve file for the clip of a name, as ``voxrig_export.open_sink`` does."""

    def __call__(
        self, path: str, rig: Rig, fps: Fraction, format: str, *, total: int | None, audio: str, name: str
    ) -> Sink: ...


@dataclass(frozen=True)
class Tools:
    """What the batch is handed from outside; all of it can be sent to another process."""

    open_sink: OpenSink
    words: Callable[[str], str | None]
    """What a file of text says; None where it is no text. Raises TextError."""


@dataclass(frozen=True)
class Settings:
    """What is the same for every clip of a run."""

    out_dir: str
    staging: str
    """Where files are while they are written."""
    pack: str
    model: str
    """sha256 of the pack's model."""
    fps: Fraction = Fraction(60)
    gain: Mapping[str, float] = field(default_factory=dict)
    offset: Mapping[str, float] = field(default_factory=dict)
    smooth: float | None = None
    pace: Pace = "file"
    device: Device = "auto"
    facts: Mapping[str, object] = field(default_factory=dict)
    """What else the files depend on, as can be put in JSON."""
    home: str = ""
    """Where paths of recordings begin; empty is the current folder."""

    def direction(self, rig: str, manner: Manner) -> Direction:
        """What is wanted of a performance. Raises RigError or StyleError."""
        style, keys = manner.styles
        return Direction(
            get(rig), self.fps, style, self.gain, self.offset, self.smooth, self.pace,
            keys=keys, words=manner.direct, idle=manner.life, seed=manner.seed,
        )  # fmt: skip


@dataclass(frozen=True)
class Task:
    """A clip, and what is already there of it."""

    clip: Clip
    known: Known | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a clip."""

    clip: Clip
    status: Literal["done", "skipped", "failed"]
    key: str = ""
    files: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """Bytes and sha256 of each, by its name below the output folder."""
    seconds: float = 0.0
    """Of sound."""
    frames: int = 0
    error: str = ""
    """One sentence, where it failed."""
    kind: str = ""
    """Name of the error's class."""

    def entry(self) -> dict[str, object]:
        """Its line in the ledger."""
        return {
            "out": self.clip.out,
            "key": self.key,
            "files": {name: list(told) for name, told in self.files.items()},
            "audio": self.clip.audio,
            "seconds": round(self.seconds, 3),
            "frames": self.frames,
            "voxrig": __version__,
        }


def failed(clip: Clip, error: str, kind: str) -> Outcome:
    """The outcome of a clip that could not be done."""
    return Outcome(clip, "failed", error=error, kind=kind)


class Worker:
    """Runs clips in batches through engines of its own, each loaded when the first clip needs it."""

    def __init__(self, settings: Settings, tools: Tools) -> None:
        self._settings, self._tools = settings, tools
        self._engines: dict[tuple[bool, bool], Engine] = {}

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Tells of each clip as soon as it is settled. Raises ModelError where no clip can be done."""
        for _, alike in groupby(tasks, lambda task: task.clip.company):
            attempts: dict[str, _Attempt] = {}
            for task in alike:
                try:
                    attempt = _Attempt(task.clip, self._settings, self._tools)
                    if attempt.is_done(task.known):
                        yield Outcome(task.clip, "skipped", attempt.key)
                    else:
                        attempts[task.clip.out] = attempt
                except VoxrigError as error:
                    yield failed(task.clip, str(error), type(error).__name__)
            if attempts:
                yield from self._perform(attempts)

    def _perform(self, attempts: dict[str, _Attempt]) -> Iterator[Outcome]:
        """One performance a rig; files take their names after the last."""
        clip = next(iter(attempts.values())).clip
        try:
            for rig in clip.rigs:
                jobs = [
                    attempt.job(self._settings.direction(rig, attempt.clip.manner))
                    for attempt in attempts.values()
                ]
                with closing(perform(jobs, self._ready(clip.manner))) as telling:
                    for told in telling:
                        attempt = attempts[told.name]
                        error: VoxrigError | None = told.error
                        if told.done and rig == clip.rigs[-1]:
                            try:
                                yield attempt.publish(told.seconds, told.frames)
                                del attempts[told.name]
                            except OutputError as refused:
                                error = refused
                        if error is not None:
                            attempts.pop(told.name).drop()
                            yield failed(attempt.clip, str(error), type(error).__name__)
        finally:
            for attempt in attempts.values():
                attempt.drop()

    def _ready(self, manner: Manner) -> Engine:
        """The engine for what such clips need."""
        if manner.needs not in self._engines:
            direction = self._settings.direction(NATIVE.name, manner)
            engine = direction.engine(self._settings.pack, self._settings.device, _BATCH)
            if engine.model.card.sha256 != self._settings.model:
                raise ModelError(f"pack '{self._settings.pack}' is another here than where the batch began")
            self._engines[manner.needs] = engine
        return self._engines[manner.needs]


class _Attempt:
    """A clip on its way: its key, and its files while they have no names."""

    def __init__(self, clip: Clip, settings: Settings, tools: Tools) -> None:
        self.clip, self._settings, self._tools = clip, settings, tools
        self._path = os.path.join(settings.home, clip.audio)
        text = clip.text
        if text is None and clip.text_file is not None and settings.pace == "file":
            text = tools.words(os.path.join(settings.home, clip.text_file))
        self._script = None if text is None else Script(text, clip.language)
        self.key = self._key()  # before the sound is read: what changes after is done again next time
        self._name = secrets.token_hex(8)

    def is_done(self, known: Known | None) -> bool:
        """Whether the files that are there were made of all this."""
        if known is None or known.key != self.key:
            return False
        files = {part.file: _size(self._place(part)) for part in self.clip.parts}
        return files == dict(known.sizes)

    def job(self, direction: Direction) -> Job:
        """What is left to do for one rig."""
        return Job(
            self.clip.out,
            partial(open_audio, self._path),
            partial(self._sink, direction=direction),
            direction,
            lambda: self._script,
        )

    def publish(self, seconds: float, frames: int) -> Outcome:
        """Give the files their names. Raises OutputError."""
        files: dict[str, tuple[int, str]] = {}
        for part in self.clip.parts:
            place = self._place(part)
            try:
                size, told = _hash(self._staged(part))
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(self._staged(part), place)
            except OSError as error:
                raise OutputError(f"cannot write {place}: {error.strerror}") from error
            files[part.file] = (size, told)
        return Outcome(self.clip, "done", self.key, files, seconds, frames)

    def drop(self) -> None:
        """Remove what has no name yet."""
        for part in self.clip.parts:
            with suppress(OSError):
                self._staged(part).unlink()

    def _sink(self, sound: AudioSource, direction: Direction) -> Sink:
        total = None
        if sound.length is not None:
            total = frame_count(sound.length, sound.rate, direction.fps)
        fan = _Fan()
        try:
            for part in self.clip.parts:
                if part.rig == direction.rig.name:
                    fan.sinks.append(self._open(part, direction, total))
        except BaseException:
            fan.abandon()
            raise
        return fan

    def _open(self, part: Part, direction: Direction, total: int | None) -> Sink:
        staged, clip = str(self._staged(part)), self.clip
        return self._tools.open_sink(
            staged, direction.rig, direction.fps, part.format, total=total, audio=clip.audio, name=clip.out
        )

    def _place(self, part: Part) -> Path:
        return Path(self._settings.out_dir, part.file)

    def _staged(self, part: Part) -> Path:
        return Path(self._settings.staging, f"{self._name}.{part.format}")

    def _key(self) -> str:
        """Hash of all that the files depend on."""
        clip, settings = self.clip, self._settings
        try:
            sound = _hash(self._path)[1]
        except OSError as error:
            raise AudioError(f"cannot read {clip.audio}: {error.strerror}") from error
        style, keys = clip.manner.styles
        facts = {
            "voxrig": __version__,
            "model": settings.model,
            "sound": sound,
            "audio": clip.audio,  # some formats name it
            "script": None if self._script is None else asdict(self._script),
            "parts": [asdict(part) for part in clip.parts],
            "styles": [asdict(Key(0, style)), *map(asdict, keys)],
            "direct": clip.manner.direct,
            "idle": asdict(clip.manner.life),
            "seed": clip.manner.seed,
            "fps": str(settings.fps),
            "gain": dict(settings.gain),
            "offset": dict(settings.offset),
            "smooth": settings.smooth,
            "pace": settings.pace,
            "facts": settings.facts,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class _Fan:
    """Several files of the same frames."""

    def __init__(self) -> None:
        self.sinks: list[Sink] = []

    def write(self, frames: Frames) -> None:
        for sink in self.sinks:
            sink.write(frames)

    def close(self) -> None:
        for sink in self.sinks:
            sink.close()

    def abandon(self) -> None:
        for sink in self.sinks:
            getattr(sink, "abandon", sink.close)()


def _hash(path: str | Path) -> tuple[int, str]:
    """Bytes of a file, and their sha256. Raises OSError."""
    total, told = 0, hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            total += len(block)
            told.update(block)
    return total, told.hexdigest()


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
