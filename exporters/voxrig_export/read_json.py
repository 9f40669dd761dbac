"""Reads the JSON that voxrig writes: its own, and Audio2Face's as that writes it, too.

Rows become numbers one by one, so that a long take costs its text and its float32. Members of the object may
stand in any order; those that say nothing about the curves (joints, rotations) are passed over.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Any, BinaryIO, NoReturn, cast

import numpy as np

from voxrig.errors import FormatError, one_line
from voxrig.types import Array, Frames
from voxrig_export import columns, rates
from voxrig_export.json_curves import VERSION

_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = rb'"(?:[^"\\]|\\.)*+(?:"|\Z)'
_BRACKET = re.compile(_STRING + rb"|[\[\]{}]", re.DOTALL)
_SCALAR = re.compile(_STRING + rb"|[^\s,\[\]{}\":]++", re.DOTALL)
_LONGEST = 1 << 20  # bytes of one row, or of one member that is not the rows
_LARGEST_RATE = 10_000_000  # of either part of a ratio
_BIGGEST = float(np.finfo(np.float32).max)
_BLOCK = 256  # rows that become an array together


@dataclass(frozen=True, eq=False)
class _Object:
    """The members of a file that were asked for, and its rows."""

    members: dict[str, Any]
    rows: Array  # (t, c)


def read_json(data: BinaryIO, fps: Fraction | None = None) -> Frames:
    """Our own JSON. ``fps`` may only repeat what it tells. Raises FormatError."""
    known = ("format", "version", "rig", "fps", "curves", "start", "frame_count")
    found = _object(data.read(), "frames", known)
    about = found.members
    if about.get("format") != "voxrig-curves":
        raise FormatError("it does not say that its format is voxrig-curves")
    if about.get("version") != VERSION or about.get("start", 0) != 0:
        raise FormatError(f"it is not of version {VERSION} of voxrig-curves, which starts at frame 0")
    if "frame_count" not in about:
        raise FormatError("it has no frame_count at its end: it was cut")
    _check_count("frame_count", about["frame_count"], len(found.rows))
    told = about.get("fps")
    if not isinstance(told, list) or len(told) != 2 or not all(_is_part(part) for part in told):
        raise FormatError(f"fps must be two whole numbers like [30000, 1001], got {_shown(told)}")
    rate = rates.agreed(Fraction(*told), fps)
    if not isinstance(about.get("rig"), str):
        raise FormatError(f"rig must be a name, got {_shown(about.get('rig'))}")
    place = columns.find(_names("curves", about), about["rig"])
    return Frames(place.rig, place.sort(_wide(found.rows, place.rig.curves)), rate)


def read_a2f_json(data: BinaryIO, fps: Fraction | None = None) -> Frames:
    """Audio2Face's export. ``fps`` may repeat what it tells, or tell what it lacks. Raises FormatError."""
    found = _object(data.read(), "weightMat", ("exportFps", "facsNames", "numPoses", "numFrames"))
    about = found.members
    names = _names("facsNames", about)
    _check_count("numFrames", about.get("numFrames", len(found.rows)), len(found.rows))
    _check_count("numPoses", about.get("numPoses", len(names)), len(names))
    if "exportFps" not in about and fps is None:
        raise rates.needed("it has no exportFps")
    told = about.get("exportFps", fps)
    if isinstance(told, bool) or not isinstance(told, int | float | Fraction):
        raise FormatError(f"exportFps must be a number, got {_shown(told)}")
    rate = rates.agreed(told if isinstance(told, Fraction) else rates.from_decimal(told), fps)
    place = columns.find(names)
    return Frames(place.rig, place.sort(_wide(found.rows, place.rig.curves)), rate)


def keys(head: bytes) -> set[str]:
    """The names of members that begin in the first bytes of an object."""
    return {match[1].decode() for match in re.finditer(rb'"(\w+)"\s*:', head)}


def _object(text: bytes, matrix: str, known: tuple[str, ...]) -> _Object:
    """The object that is the file. ``matrix`` names the member whose items are rows."""
    text = text.removeprefix(b"\xef\xbb\xbf")
    members: dict[str, Any] = {}
    rows: Array | None = None
    if not text.strip():
        raise FormatError("it is empty")
    at = _after(text, 0, b"{", "it is not a JSON object")
    while not text.startswith(b"}", at):
        end = _end(text, at)
        name = _value(text, at, end, "a name")
        if not isinstance(name, str):
            raise FormatError(f"byte {at} is no name of a member")
        at = _after(text, end, b":", f"'{one_line(name[:40])}' has no value")
        if name in members or (name == matrix and rows is not None):
            raise FormatError(f"'{name}' stands twice")
        if name == matrix:
            rows, at = _matrix(text, at, matrix)
        else:
            end = _end(text, at)
            if name in known:
                members[name] = _value(text, at, end, f"'{name}'")
            at = end
        at = _next(text, at, b"}")
    if text[at + 1 :].strip():
        raise FormatError(f"something follows the object, at byte {at + 1}")
    if rows is None:
        raise FormatError(f"it has no '{matrix}'")
    return _Object(members, rows)


def _matrix(text: bytes, at: int, name: str) -> tuple[Array, int]:
    """A list of lists of as many numbers each, as (t, c), and the byte that follows it."""
    at = _after(text, at, b"[", f"'{name}' is not a list of rows")
    blocks: list[Array] = []
    block: list[list[float]] = []
    count = width = 0
    while not text.startswith(b"]", at):
        end = _end(text, at)
        row = _value(text, at, end, f"row {count} of {name}")
        if not isinstance(row, list) or not set(map(type, row)) <= {int, float}:
            raise FormatError(f"row {count} of {name} is not a list of numbers")
        width = width if count else len(row)
        if len(row) != width:
            raise FormatError(f"row {count} of {name} has {len(row)} numbers, the first has {width}")
        if not all(-_BIGGEST <= value <= _BIGGEST for value in row):
            raise FormatError(f"row {count} of {name} holds a number that is not finite")
        block.append(row)
        count += 1
        if count * width > rates.LARGEST:
            raise FormatError(f"it holds more than {rates.LARGEST} numbers; split it")
        if len(block) == _BLOCK:
            blocks.append(np.array(block, np.float32))
            block = []
        at = _next(text, end, b"]")
    if block:
        blocks.append(np.array(block, np.float32))
    return (np.concatenate(blocks) if blocks else np.zeros((0, 0), np.float32)), at + 1


def _wide(rows: Array, names: tuple[str, ...]) -> Array:
    """Rows of as many numbers as there are names."""
    if not len(rows):
        return np.zeros((0, len(names)), np.float32)
    if rows.shape[1] != len(names):
        raise FormatError(f"its rows have {rows.shape[1]} numbers for {len(names)} curves")
    return rows


def _names(member: str, about: dict[str, Any]) -> list[str]:
    names = about.get(member)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FormatError(f"{member} must be a list of names, got {_shown(names)}")
    return cast(list[str], names)


def _check_count(member: str, told: object, found: int) -> None:
    if isinstance(told, bool) or told != found:
        raise FormatError(f"{member} is {_shown(told)}, but it holds {found}")


def _is_part(part: object) -> bool:
    return isinstance(part, int) and not isinstance(part, bool) and 0 < part <= _LARGEST_RATE


def _shown(value: object) -> str:
    return "nothing" if value is None else one_line(repr(value)[:40])


# Walking the text


def _after(text: bytes, at: int, mark: bytes, otherwise: str) -> int:
    """The byte of what follows a mark. Raises FormatError ``otherwise``."""
    at = _skip(text, at)
    if not text.startswith(mark, at):
        raise FormatError(otherwise)
    return _skip(text, at + 1)


def _next(text: bytes, at: int, closing: bytes) -> int:
    """Past the comma after an item, or at the mark that closes."""
    at = _skip(text, at)
    if text.startswith(closing, at):
        return at
    at = _after(
        text, at, b",", f"byte {at} is neither a comma nor {closing.decode()}: it was cut or is no JSON"
    )
    if text.startswith(closing, at):
        raise FormatError(f"nothing follows the comma before byte {at}")
    return at


def _skip(text: bytes, at: int) -> int:
    return cast("re.Match[bytes]", _SPACE.match(text, at)).end()


def _end(text: bytes, at: int) -> int:
    """The byte that follows the value that begins at ``at``."""
    if not text.startswith((b"[", b"{"), at):
        scalar = _SCALAR.match(text, at)
        if scalar is None:
            raise FormatError(f"byte {at} is no JSON value: it was cut or is no JSON")
        return scalar.end()
    depth = 0
    for found in _BRACKET.finditer(text, at):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    raise FormatError(f"what begins at byte {at} does not end: it was cut")


def _value(text: bytes, at: int, end: int, what: str) -> Any:
    if end - at > _LONGEST:
        raise FormatError(f"{what} is longer than {_LONGEST} bytes")
    try:
        return json.loads(text[at:end], parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{what}, at byte {at}, is no JSON: {one_line(str(error))}") from None


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text[:40]} is not a finite number")
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a finite number")
