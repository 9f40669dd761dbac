"""The table that clients of NVIDIA's Audio2Face-3D service save: row number, seconds, one column a shape.

::

    ,timeCode,blendShapes.EyeBlinkLeft,blendShapes.EyeLookDownLeft
    0,0,0,0.0125
    1,0.0333333333333,0.25,0.0371094

Names begin with a capital. Values keep six significant digits, times twelve.
"""

from __future__ import annotations

from typing import BinaryIO

from voxrig.types import Array
from voxrig_export.csv_curves import header
from voxrig_export.take import Take, Writer


class A2fCsv(Writer):
    """Writes the table row by row."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        self._out, self._fps = out, take.fps
        self._row = "%d,%.12g" + ",%.6g" * len(take.rig) + "\n"
        names = [f"blendShapes.{name[:1].upper()}{name[1:]}" for name in take.rig.curves]
        out.write(header(["", "timeCode", *names]))

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        row, seconds, rate = self._row, self._fps.denominator, self._fps.numerator
        lines = [row % (i, i * seconds / rate, *line) for i, line in enumerate(values.tolist(), start)]
        self._out.write("".join(lines).encode())
