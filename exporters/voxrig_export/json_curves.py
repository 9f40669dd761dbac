"""Our own JSON: everything that ``Frames`` knows, in one object, one line a frame.

::

    {"format": "voxrig-curves", "version": 1, "rig": "arkit", "fps": [60, 1], "curves": ["jawOpen", …],
    "start": 0,
    "frames": [
    [0,0.0125,…],
    [0.25,0.0371094,…]
    ],
    "frame_count": 2}

Frame i is shown at ``(start + i) * fps[1] / fps[0]`` seconds. ``frame_count`` stands last, because the
rows are written as they come; it tells a whole file from a cut one. Values keep six significant digits.
"""

from __future__ import annotations

import json
from typing import BinaryIO

from voxrig.types import Array
from voxrig_export.take import Take, Writer

VERSION = 1


class JsonCurves(Writer):
    """Writes the object frame by frame."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        self._out, self._row = out, row_template(len(take.rig))
        about = {
            "format": "voxrig-curves",
            "version": VERSION,
            "rig": take.rig.name,
            "fps": [take.fps.numerator, take.fps.denominator],
            "curves": list(take.rig.curves),
            "start": 0,
        }
        out.write(f'{json.dumps(about)[:-1]},\n"frames": ['.encode())

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        self._out.write(rows(self._row, values, start))

    def finish(self, count: int) -> None:
        """Close the list and say how long it is."""
        self._out.write(f'\n],\n"frame_count": {count}}}\n'.encode())


def row_template(curves: int) -> str:
    """One frame as a JSON list, to be filled with ``%``."""
    return "\n[" + ",".join(["%.6g"] * curves) + "]"


def rows(template: str, values: Array, start: int) -> bytes:
    """Frames (t, c) as items of a JSON list that already holds ``start`` items."""
    text = ",".join([template % tuple(line) for line in values.tolist()])
    return f",{text}".encode() if start and text else text.encode()
