"""A table of numbers under a line of names, read line by line: what the CSV formats have in common.

UTF-8 with or without a mark at its head, any usual line end, cells quoted or not. Whatever else a file may
hold is refused with the number of the line. Letters: t rows, c curves.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from voxrig.errors import FormatError, one_line
from voxrig.types import Array
from voxrig_export.rates import LARGEST

_LONGEST_LINE = 1 << 20  # bytes; a row of the largest rig has some 3,000
_BLOCK = 256  # rows that become an array together
_BIGGEST = float(np.finfo(np.float32).max)

Lead = Callable[[list[str]], float]
"""The cells that stand before the curves, as one number that says when the row is shown."""


@dataclass(frozen=True, eq=False)
class Table:
    """What stands below the header."""

    places: NDArray[np.float64]  # (t,) what ``Lead`` made of the first cells
    values: Array  # (t, c)


class Lines:
    """The lines of a file, numbered from 1, without their ends. Blank lines may only stand last."""

    def __init__(self, data: BinaryIO) -> None:
        self._data = data
        self.number = 0

    def header(self) -> list[str]:
        """The names in the first line. Raises FormatError for what is no table with commas."""
        line = self._next()
        if line is None:
            raise FormatError("it is empty")
        if line.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise FormatError("it is UTF-16; save it as UTF-8")
        try:
            text = line.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise FormatError(f"it is no text (byte {error.start} is not UTF-8)") from error
        if not text.replace("\t", " ").isprintable():
            raise FormatError("it is no table: its first line holds bytes that nobody writes")
        for mark, name in ((";", "semicolons"), ("\t", "tabs")):
            if text.count(mark) > text.count(","):
                raise FormatError(f"its columns are separated by {name}; save it with commas")
        return [name.strip() for name in _cells(text, 1)]

    def rows(self) -> Iterator[list[str]]:
        """The cells of each line that follows."""
        blank = 0
        while (line := self._next()) is not None:
            if not line.strip():
                blank = blank or self.number
                continue
            if blank:
                raise FormatError(f"line {blank} is empty")
            if not line.isascii() or b"_" in line or b"\0" in line:  # letters that float() would take
                raise FormatError(f"line {self.number} holds something else than numbers")
            yield _cells(line.decode("ascii"), self.number)

    def _next(self) -> bytes | None:
        line = self._data.readline(_LONGEST_LINE + 1)
        if not line:
            return None
        self.number += 1
        if len(line) > _LONGEST_LINE:
            raise FormatError(f"line {self.number} is longer than {_LONGEST_LINE} bytes")
        return line.rstrip(b"\r\n")


def read(lines: Lines, names: list[str], before: int, lead: Lead) -> Table:
    """All rows below a header of ``names``, of which the first ``before`` are no curves.

    Raises FormatError, with the number of the line, for a row of another length, a cell that is no finite
    number, and a row that does not come after the one before it.
    """
    places, blocks, block = array("d"), [np.zeros((0, len(names) - before), np.float32)], array("d")
    for cells in lines.rows():
        if len(cells) != len(names):
            raise FormatError(f"line {lines.number} has {len(cells)} columns, the header {len(names)}")
        try:
            place = lead(cells)
            block.extend(map(float, cells[before:]))
        except ValueError as error:
            raise FormatError(f"line {lines.number}: {_fault(cells, names, before) or error}") from None
        if places and not place > places[-1]:
            raise FormatError(
                f"line {lines.number} is not shown after the line before it ({cells[before - 1]})"
            )
        places.append(place)
        if len(places) % _BLOCK == 0:
            blocks.append(_packed(block, names, before, lines.number))
            block = array("d")
        if len(places) * (len(names) - before) > LARGEST:
            raise FormatError(f"it holds more than {LARGEST} numbers; split it")
    if block:
        blocks.append(_packed(block, names, before, lines.number))
    return Table(np.array(places, np.float64), np.concatenate(blocks))


def number(cell: str) -> float:
    """A finite number. Raises ValueError with a sentence."""
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise ValueError(f"'{one_line(cell[:40])}' is not a finite number")
    return value


def _packed(block: array[float], names: list[str], before: int, last: int) -> Array:
    """Rows as float32 (t, c). ``last`` is the line of the last of them."""
    values = np.array(block, np.float64).reshape(-1, len(names) - before)
    good = np.abs(values) <= _BIGGEST
    if not good.all():
        row, column = np.argwhere(~good)[0].tolist()
        line, name = last - len(values) + 1 + row, one_line(names[before + column][:40])
        raise FormatError(f"line {line}, {name}: {values[row, column]:g} is not a finite number")
    return values.astype(np.float32)


def _fault(cells: list[str], names: list[str], before: int) -> str | None:
    """The first cell that is no number."""
    for cell, name in zip(cells[before:], names[before:], strict=True):
        try:
            float(cell)
        except ValueError:
            return f"{one_line(name[:40])} is '{one_line(cell[:40])}', which is not a number"
    return None


def _cells(line: str, number: int) -> list[str]:
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader([line], strict=True))
    except (csv.Error, StopIteration) as error:
        raise FormatError(f"line {number} has a quote that does not end with its cell") from error
