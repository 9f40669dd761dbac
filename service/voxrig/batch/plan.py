"""The plan of a batch: every clip checked before the first is animated, kept on disk, told in batches.

Clips that can share the steps of an engine stand together. However many
there are, memory holds a few; the rest waits in a temporary database that goes with the process.
"""

from __future__ import annotations

import os
import pickle
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from ..errors import FormatError, OutputError, VoxrigError, unknown
from ..rigs import get
from ..speech.pronounce import LANGUAGES
from ..types import Rig
from .manifest import Line
from .manner import Manner, of_clip, unknown_words


class Kind(Protocol):
    """What a plan needs to know of a file format."""

    @property
    def name(self) -> str: ...

    @property
    def suffix(self) -> str: ...

    @property
    def default_rig(self) -> str: ...

    def check(self, rig: Rig) -> None:
        """Raise FormatError if this format cannot hold the rig."""


@dataclass(frozen=True)
class Wanted:
    """What holds for every clip that does not say otherwise."""

    formats: tuple[str, ...]
    rig: str | None = None
    """None is the own rig of each format."""
    manner: Manner = field(default_factory=Manner)
    """Each clip has a seed of its own, drawn from this one and its name."""
    language: str = "en"


@dataclass(frozen=True)
class Part:
    """One file of a clip."""

    rig: str
    format: str
    file: str
    """Below the output folder."""


@dataclass(frozen=True)
class Clip:
    """One recording and all that is made of it."""

    out: str
    """Its name in the ledger and the report: that of its files, without their suffixes."""
    audio: str
    parts: tuple[Part, ...]
    manner: Manner = field(default_factory=Manner)
    text: str | None = None
    """What is said, as the manifest has it."""
    text_file: str | None = None
    """Where it is written instead."""
    language: str = "en"
    note: str = ""

    @property
    def rigs(self) -> tuple[str, ...]:
        """Each rig once, in the order of the files."""
        return tuple(dict.fromkeys(part.rig for part in self.parts))

    @property
    def company(self) -> tuple[object, ...]:
        """Equal for clips that can share the steps of an engine."""
        return self.rigs, self.manner.needs


class Plan:
    """Clips to come, each checked when it is added."""

    def __init__(
        self,
        wanted: Wanted,
        kind: Callable[[str], Kind],
        text_beside: Callable[[str], str | None],
        warn: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        """``kind`` finds a format by name, ``text_beside`` the file that says what a recording says; ``warn``
        hears of a director's words that nobody knows, each once."""
        self._wanted, self._kind, self._text_beside, self._warn = wanted, kind, text_beside, warn
        self._left_out: set[str] = set()
        self._table = sqlite3.connect("", isolation_level=None)  # a temporary file, once it grows
        self._table.execute("CREATE TABLE clips (id INTEGER PRIMARY KEY, company TEXT, clip BLOB)")
        self._table.execute("CREATE TABLE files (path TEXT PRIMARY KEY, audio TEXT) WITHOUT ROWID")
        self._table.execute("BEGIN")  # never ended: nobody else reads it, and it need not outlive us
        self._count = 0
        self._rigs: dict[str, None] = {}
        self._formats: dict[str, None] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, line: Line) -> None:
        """Another clip. Raises VoxrigError, which names the line, on what cannot be done."""
        try:
            clip = self._clip(line)
        except VoxrigError as error:
            raise type(error)(f"{line.where}: {error}") from error
        for part in clip.parts:
            self._claim(part.file, clip.audio)
            self._rigs[part.rig] = None
            self._formats[part.format] = None
        self._table.execute(
            "INSERT INTO clips (company, clip) VALUES (?, ?)", (repr(clip.company), pickle.dumps(clip))
        )
        self._count += 1

    def batches(self, size: int) -> Iterator[list[Clip]]:
        """All clips, at most ``size`` at a time, each batch of one company."""
        batch: list[Clip] = []
        for (data,) in self._table.execute("SELECT clip FROM clips ORDER BY company, id"):
            clip: Clip = pickle.loads(data)
            if batch and (len(batch) == size or batch[0].company != clip.company):
                yield batch
                batch = []
            batch.append(clip)
        if batch:
            yield batch

    def rigs(self) -> tuple[str, ...]:
        """Every rig that is wanted anywhere."""
        return tuple(self._rigs)

    def formats(self) -> tuple[str, ...]:
        """Every format that is wanted anywhere."""
        return tuple(self._formats)

    def close(self) -> None:
        """Forget all."""
        self._table.close()

    def _clip(self, line: Line) -> Clip:
        wanted = self._wanted
        manner = of_clip(wanted.manner, line.manner, line.out)
        for sentence in unknown_words(line.manner.get("direct")):
            if sentence not in self._left_out:
                self._left_out.add(sentence)
                self._warn(f"{line.where}: {sentence}")
        language = line.language or wanted.language
        if language not in LANGUAGES:
            raise FormatError(unknown("language", language, LANGUAGES))
        parts = self._parts(line)
        beside = self._text_beside(line.audio) if line.text is None else None
        return Clip(line.out, line.audio, parts, manner, line.text, beside, language, line.note)

    def _parts(self, line: Line) -> tuple[Part, ...]:
        parts: list[Part] = []
        suffixes: set[str] = set()
        for name in line.formats or self._wanted.formats:
            kind = self._kind(name)
            if kind.name in (part.format for part in parts):
                raise FormatError(f"format {name} is asked for twice")
            if line.out.lower().endswith(kind.suffix):
                raise FormatError(f"out '{line.out}' has a suffix; leave it out, {name} adds its own")
            rig = get(line.rig or self._wanted.rig or kind.default_rig)
            kind.check(rig)
            own = f".{kind.name}" if kind.suffix in suffixes else ""  # the second .csv of a clip
            suffixes.add(kind.suffix)
            parts.append(Part(rig.name, kind.name, line.out + own + kind.suffix))
        return tuple(parts)

    def _claim(self, file: str, audio: str) -> None:
        path = os.path.normcase(file)
        try:
            self._table.execute("INSERT INTO files VALUES (?, ?)", (path, audio))
        except sqlite3.IntegrityError:
            row = self._table.execute("SELECT audio FROM files WHERE path = ?", (path,)).fetchone()
            raise OutputError(f"'{row[0]}' and '{audio}' would both become {file}; rename one") from None
