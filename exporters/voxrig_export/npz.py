"""NumPy's own archive, exact to the last bit: ``numpy.load(path)`` gives

===========  ==============  ==========================================
``values``   (t, c) float32  the curves over time
``curves``   (c,) text       their names
``fps``      (2,) int64      numerator and denominator of the frame rate
``rig``      () text         the rig's name
===========  ==============  ==========================================

An .npy header tells the number of rows before the first row, so rows are kept in a nameless scratch
file until the last is known, then copied block by block. Nothing in the archive needs pickle.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from typing import BinaryIO, cast

import numpy as np
from numpy.lib import format as npy

from voxrig.types import Array
from voxrig_export.take import Take, Writer

_BLOCK = 1 << 18
"""Bytes copied at a time."""


class Npz(Writer):
    """Writes the archive when the take is whole; until then the rows wait beside it."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        self._out, self._take = out, take
        self._spool = tempfile.TemporaryFile(dir=take.folder)  # noqa: SIM115 - released by release()

    def write(self, values: Array, start: int) -> None:
        """Keep rows (t, c), of which the first is frame ``start``."""
        self._spool.write(values.astype("<f4").tobytes())

    def finish(self, count: int) -> None:
        """Write the archive of ``count`` rows."""
        take = self._take
        small = {
            "curves": np.array(take.rig.curves, dtype=np.str_),
            "fps": np.array([take.fps.numerator, take.fps.denominator], dtype="<i8"),
            "rig": np.array(take.rig.name, dtype=np.str_),
        }
        with zipfile.ZipFile(self._out, "w") as archive:
            with archive.open(_member("values", self._spool.tell()), "w") as file:
                member = cast(BinaryIO, file)
                shape = (count, len(take.rig))
                npy.write_array_header_1_0(member, {"descr": "<f4", "fortran_order": False, "shape": shape})
                self._spool.seek(0)
                shutil.copyfileobj(self._spool, member, _BLOCK)
            for name, array in small.items():
                with archive.open(_member(name, array.nbytes), "w") as file:
                    npy.write_array(cast(BinaryIO, file), array, allow_pickle=False)

    def release(self) -> None:
        """Drop the scratch file; it has no name and leaves nothing."""
        self._spool.close()


def _member(name: str, size: int) -> zipfile.ZipInfo:
    """Entry for an array of ``size`` bytes; a fixed date makes equal takes equal files."""
    info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
    info.file_size = size
    return info
