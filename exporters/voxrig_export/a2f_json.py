"""The JSON that NVIDIA Audio2Face exports and its Maya, Blender and Unreal importers read.

::

    {"exportFps": 60, "trackPath": "line.wav", "numPoses": 52, "facsNames": ["eyeBlinkLeft", …],
    "weightMat": [
    [0,0.0125,…],
    [0.25,0.0371094,…]
    ],
    "numFrames": 2}

Names begin with a small letter. Values keep six significant digits. ``exportFps`` is a whole number
where the rate is one, else a decimal number.
"""

from __future__ import annotations

import json
from typing import BinaryIO

from voxrig.types import Array
from voxrig_export.json_curves import row_template, rows
from voxrig_export.take import Take, Writer


class A2fJson(Writer):
    """Writes the object frame by frame; the count stands last, since it is known last."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        self._out, self._row = out, row_template(len(take.rig))
        about = {
            "exportFps": int(take.fps) if take.fps.denominator == 1 else float(take.fps),
            "trackPath": take.audio,
            "numPoses": len(take.rig),
            "facsNames": [name[:1].lower() + name[1:] for name in take.rig.curves],
        }
        out.write(f'{json.dumps(about)[:-1]},\n"weightMat": ['.encode())

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        self._out.write(rows(self._row, values, start))

    def finish(self, count: int) -> None:
        """Close the matrix and say how long it is."""
        self._out.write(f'\n],\n"numFrames": {count}}}\n'.encode())
