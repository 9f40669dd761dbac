"""The recording of the Live Link Face app, as Unreal's Live Link Face Importer reads it.

::

    Timecode,BlendShapeCount,EyeBlinkLeft,…,JawForward,JawRight,JawLeft,JawOpen,…
    00:00:00:00.000,61,0.0125000000,…
    00:00:00:01.000,61,0.2500000000,…

Columns stand in the app's own order, in which right comes before left for jaw and mouth, unlike its
UDP packets; each value is placed by name. Head and eye angles are radians, as the rig has them.

The timecode ``HH:MM:SS:FF.mmm`` starts at zero. FF counts frames from 00 to one less than the nominal
rate, which is the rate rounded up: 24 for 23.976, 30 for 29.97. No numbers are dropped, so at those
rates a timecode second lasts 1.001 seconds of sound, as with any non-drop timecode. The thousandths of
a frame are always ``000``, since every frame lies on the rate. Above 100 frames a second FF takes three
digits where it needs them, and HH goes on counting past a day.
"""

from __future__ import annotations

from math import ceil
from typing import BinaryIO

from voxrig.rigs import LIVELINK_CSV_ORDER
from voxrig.types import Array
from voxrig_export.csv_curves import header
from voxrig_export.take import Take, Writer


class LivelinkCsv(Writer):
    """Writes the recording row by row."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        self._out, self._nominal = out, ceil(take.fps)
        self._columns = [take.rig.index(name) for name in LIVELINK_CSV_ORDER]
        self._row = f"%s,{len(self._columns)}" + ",%.10f" * len(self._columns) + "\n"
        out.write(header(["Timecode", "BlendShapeCount", *LIVELINK_CSV_ORDER]))

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        row, nominal, ordered = self._row, self._nominal, values[:, self._columns].tolist()
        lines = [row % (timecode(i, nominal), *line) for i, line in enumerate(ordered, start)]
        self._out.write("".join(lines).encode())


def timecode(frame: int, nominal: int) -> str:
    """Frame number as HH:MM:SS:FF.mmm, non-drop: ``timecode(61, 60)`` is ``00:00:01:01.000``."""
    seconds, frames = divmod(frame, nominal)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}:{frames:02d}.000"
