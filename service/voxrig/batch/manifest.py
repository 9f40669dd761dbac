"""What is to be animated: folders that are walked, or a manifest with a line for each clip.

A manifest is CSV with a header, or JSON Lines with an object a line, in UTF-8. Columns, of which only
``audio`` must be there; what is left out or empty is what the command line says::

    audio,out,emotion,intensity,speaker,idle,rig,formats,text,language,note
    hero/line1.wav,,joy=0.8; 2: anger,1.2,lively,on,metahuman,csv unreal,"Well, hello!",en,scene 3

``audio`` is relative to the manifest. ``out`` is a name below the output folder, without a suffix; without
it the name of the recording counts. Raises FormatError, which names the line, and AudioError.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import BinaryIO, Final

from ..errors import AudioError, FormatError, unknown

MANNER: Final = ("emotion", "intensity", "asymmetry", "energy", "speaker", "direct", "idle", "seed")
"""Columns that tell how a clip is said."""
COLUMNS: Final = ("audio", "out", *MANNER, "rig", "formats", "text", "language", "note")
SOUNDS: Final = (".wav", ".flac", ".ogg", ".mp3")
"""Suffixes by which recordings are known in folders, whatever their case."""
SEEDS: Final = 1 << 32
OWN: Final = ".voxrig-batch"
"""How the names of our own files in an output folder begin."""


@dataclass(frozen=True)
class Line:
    """One clip as it was asked for; None is whatever holds for all."""

    where: str
    """For errors: line 3 of lines.csv, or the recording."""
    audio: str
    out: str
    """Below the output folder, with / between folders, without a suffix."""
    manner: Mapping[str, str | float | int] = field(default_factory=dict)
    """Those of MANNER that are told."""
    rig: str | None = None
    formats: tuple[str, ...] | None = None
    text: str | None = None
    language: str | None = None
    note: str = ""


def walk(paths: Sequence[str]) -> Iterator[Line]:
    """Recordings in folders and what is below them, in the order of their names, and files as they are.

    Hidden files and folders are passed over, links to folders not followed.
    """
    for path in paths:
        if os.path.isdir(path):
            yield from _folder(path)
        elif os.path.exists(path):
            yield Line(path, path, Path(path).stem)
        else:
            raise AudioError(f"no recording or folder '{path}'")


def _folder(root: str) -> Iterator[Line]:
    found = False
    for folder, folders, files in os.walk(root, onerror=_unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.startswith(".") or Path(name).suffix.lower() not in SOUNDS:
                continue
            found = True
            path = os.path.join(folder, name)
            yield Line(path, path, Path(path).relative_to(root).with_suffix("").as_posix())
    if not found:
        raise AudioError(f"no recordings in '{root}'; have {', '.join(SOUNDS)}")


def _unreadable(error: OSError) -> None:
    raise AudioError(f"cannot read {error.filename}: {error.strerror}") from error


def read(path: str) -> Iterator[Line]:
    """The lines of a manifest, one at a time; its suffix tells which kind it is."""
    readers = {".csv": _csv, ".jsonl": _jsonl}
    suffix = Path(path).suffix.lower()
    if suffix not in readers:
        raise FormatError(unknown("manifest", suffix or path, readers))
    home = os.path.dirname(path)
    try:
        with open(path, "rb") as file:
            for where, fields in readers[suffix](file, path):
                yield _line(where, fields, home)
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is not UTF-8; save it as UTF-8") from error


def _csv(file: BinaryIO, path: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    rows = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""), strict=True)
    header: list[str] | None = None
    while True:
        first = rows.line_num + 1  # of a row that may go over several lines
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise FormatError(f"{path} line {first} is no CSV: {error}") from error
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        where = f"{path} line {first}"
        if header is None:
            header = [name.strip() for name in row]
            _check_columns(header, where)
        elif len(row) != len(header):
            raise FormatError(f"{where} has {len(row)} cells; the header has {len(header)}")
        else:
            yield where, dict(zip(header, row, strict=True))


def _check_columns(names: Sequence[str], where: str) -> None:
    for name in names:
        if name not in COLUMNS:
            raise FormatError(f"{where}: {unknown('column', name, COLUMNS)}")
        if names.count(name) > 1:
            raise FormatError(f"{where}: column '{name}' stands there twice")
    if "audio" not in names:
        raise FormatError(f"{where}: no column 'audio', which names the recordings")


def _jsonl(file: BinaryIO, path: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    for number, data in enumerate(file, 1):
        text = data.decode("utf-8-sig" if number == 1 else "utf-8")
        where = f"{path} line {number}"
        if not text.strip():
            continue
        try:
            fields = json.loads(text)
        except ValueError as error:
            raise FormatError(f"{where} is no JSON: {error}") from error
        if not isinstance(fields, dict):
            raise FormatError(f'{where} is no JSON object; write {{"audio": …}}')
        _check_columns(list(fields), where)
        yield where, fields


def _line(where: str, fields: Mapping[str, object], home: str) -> Line:
    texts = {name: _text(where, name, fields.get(name)) for name in COLUMNS if name not in _NO_TEXT}
    audio = texts["audio"]
    if audio is None:
        raise FormatError(f"{where}: 'audio' is empty; name a recording")
    return Line(
        where,
        os.path.join(home, audio),
        _inside(where, texts["out"]) if texts["out"] else _named_after(audio),
        _manner(where, fields, texts),
        texts["rig"],
        _names(where, fields.get("formats")),
        texts["text"],
        texts["language"],
        texts["note"] or "",
    )


_NUMBERS: Final = ("intensity", "asymmetry", "energy", "seed")
_NO_TEXT: Final = (*_NUMBERS, "formats")


def _manner(
    where: str, fields: Mapping[str, object], texts: Mapping[str, str | None]
) -> dict[str, str | float | int]:
    """How it is said, as far as the line tells."""
    told = {name: texts[name] for name in MANNER if name not in _NUMBERS}
    numbers = {name: _number(where, name, fields.get(name)) for name in _NUMBERS}
    return {name: value for name, value in (told | numbers).items() if value is not None}


def _text(where: str, name: str, value: object) -> str | None:
    """A cell; None where it is empty."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise FormatError(f"{where}: '{name}' must be text, got {value!r}")
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise FormatError(f"{where}: '{name}' holds what is no text")
    return value.strip() or None


def _number(where: str, name: str, value: object) -> float | int | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            number = float(value)
            if name != "seed":
                return number
            if number.is_integer() and 0 <= number < SEEDS:
                return int(number)
    except (ValueError, OverflowError):
        pass
    kind = f"a whole number from 0 to {SEEDS - 1}" if name == "seed" else "a number"
    raise FormatError(f"{where}: '{name}' must be {kind}, got {value!r}")


def _names(where: str, value: object) -> tuple[str, ...] | None:
    """Names of formats, with commas or spaces between them, or as a JSON list."""
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return tuple(value) or None
    return names(_text(where, "formats", value) or "") or None


def names(text: str) -> tuple[str, ...]:
    """``"csv,unreal"`` or ``"csv unreal"`` as names."""
    return tuple(filter(None, re.split(r"[,;\s]+", text)))


def _inside(where: str, out: str) -> str:
    path = PurePath(out)
    if path.is_absolute() or path.drive or ".." in path.parts or out.endswith(("/", os.sep)):
        raise FormatError(f"{where}: out '{out}' must be a name below the output folder, such as hero/line1")
    if not path.parts or path.parts[0].startswith(OWN):
        raise FormatError(f"{where}: out '{out}' is no name for a clip")
    return path.as_posix()


def _named_after(audio: str) -> str:
    """A recording below the manifest keeps its folders, another only its name."""
    path = PurePath(audio)
    below = not (path.is_absolute() or path.drive or ".." in path.parts)
    return path.with_suffix("").as_posix() if below else path.stem
