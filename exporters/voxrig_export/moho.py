"""Switch data for Moho (Anime Studio) and OpenToonz, ``.dat``: which mouth drawing shows from which frame.

::

    MohoSwitch1
    1 rest
    33 etc
    77 rest

Frames count from 1 at the take's own rate, so write it at the rate of the document (24 as a rule). Drawings
have the names of Preston Blair's set: rest, MBP, etc, E, AI, O, U, FV, L, chosen as in ``rhubarb``. The last
line lies on the frame after the take.
"""

from __future__ import annotations

from typing import BinaryIO

from voxrig.types import Array
from voxrig_export.keys import Held
from voxrig_export.rhubarb import SHAPES, check_rig, shape_cues
from voxrig_export.take import Take, Writer

_DRAWINGS = dict(zip("XABCDEFGH", "rest MBP etc E AI O U FV L".split(), strict=True))


class Moho(Writer):
    """Holds the take and writes a line a drawing."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        check_rig(take.rig, "moho")
        self._out, self._take, self._held = out, take, Held(take)

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        self._held.write(values)

    def finish(self, count: int) -> None:
        """Write the drawings, and rest at the end."""
        shown = shape_cues(self._held.values, self._take)
        rows = [(cue.start, _DRAWINGS[SHAPES[cue.choice]]) for cue in shown] + [(count, "rest")]
        lines = [f"{frame + 1} {drawing}\n" for frame, drawing in rows]
        self._out.write("".join(["MohoSwitch1\n", *lines]).encode())

    def release(self) -> None:
        """Let go of the rows."""
        self._held.release()
