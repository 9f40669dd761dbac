"""A plain table of curves: seconds in the first column, then one column a curve.

::

    time_s,jawOpen,mouthClose
    0,0,0.0125
    0.0166666666667,0.25,0.0371094

Values keep six significant digits, times twelve, so frame i is ``round(time_s * fps)`` at any length.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import BinaryIO

from voxrig.types import Array
from voxrig_export.take import Take, Writer


class CsvCurves(Writer):
    """Writes the table row by row."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        self._out, self._fps = out, take.fps
        self._row = "%.12g" + ",%.6g" * len(take.rig) + "\n"
        out.write(header(["time_s", *take.rig.curves]))

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        row, seconds, rate = self._row, self._fps.denominator, self._fps.numerator
        lines = [row % (i * seconds / rate, *line) for i, line in enumerate(values.tolist(), start)]
        self._out.write("".join(lines).encode())


def header(names: Iterable[str]) -> bytes:
    """The first line of a table; a name with a comma, quote or line break is quoted as in RFC 4180."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(names)
    return line.getvalue().encode()
