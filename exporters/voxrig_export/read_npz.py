"""Reads the NumPy archive that voxrig writes, or that a script saves with the same four arrays.

An archive is a zip file that may claim any size, so sizes are looked at before anything is unpacked, and
nothing in it is run: arrays of objects are refused.
"""

from __future__ import annotations

import io
import math
import struct
import sys
import tokenize
import zipfile
import zlib
from fractions import Fraction
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from voxrig.errors import FormatError, one_line
from voxrig.types import Frames
from voxrig_export import columns, rates

_MEMBERS = ("values", "curves", "fps", "rig")
_LARGEST = 8 * rates.LARGEST + (1 << 20)  # bytes of a member: float64 is read, too
_SMALL = 1 << 20  # bytes of those that are not values
_LARGEST_RATE = 10_000_000
_BROKEN = (
    *(ValueError, TypeError, KeyError, EOFError, SyntaxError, OverflowError, RecursionError, MemoryError),
    *(struct.error, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, tokenize.TokenError),
)
"""What zipfile and numpy raise for broken archives."""


def read_npz(data: BinaryIO, fps: Fraction | None = None) -> Frames:
    """Our archive. ``fps`` may only repeat what it tells. Raises FormatError."""
    try:
        with zipfile.ZipFile(data) as archive:
            values, names, told, rig = (_array(archive, name) for name in _MEMBERS)
        return _frames(values, names, told, rig, fps)
    except FormatError:
        raise
    except _BROKEN as error:
        raise FormatError(f"it is no NumPy archive: {one_line(str(error)[:100])}") from error


def _frames(
    values: NDArray[Any], names: NDArray[Any], told: NDArray[Any], rig: NDArray[Any], fps: Fraction | None
) -> Frames:
    if names.dtype.kind != "U" or names.ndim != 1 or rig.dtype.kind != "U" or rig.ndim:
        raise FormatError("curves must be a list of names and rig a name")
    if (
        told.dtype.kind not in "iu"
        or told.shape != (2,)
        or not all(0 < n <= _LARGEST_RATE for n in told.tolist())
    ):
        raise FormatError("fps must be two whole numbers like [30000, 1001]")
    place = columns.find(names.tolist(), str(rig))
    if values.dtype.kind not in "fiu" or values.ndim != 2 or values.shape[1] != len(names):
        raise FormatError(f"values must be numbers (t, {len(names)}), got {values.dtype} {values.shape}")
    if values.size > rates.LARGEST:
        raise FormatError(f"it holds more than {rates.LARGEST} numbers; split it")
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = values.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(narrow).all(axis=1))
    if len(bad):
        raise FormatError(f"frame {bad[0]} holds a value that is not a finite number")
    return Frames(place.rig, place.sort(narrow), rates.agreed(Fraction(*told.tolist()), fps))


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError:
        have = ", ".join(one_line(member[:40]) for member in archive.namelist()[:8])
        raise FormatError(f"it has no array '{name}'; it needs {', '.join(_MEMBERS)}, has {have}") from None
    most = _LARGEST if name == "values" else _SMALL
    if info.file_size > most:
        raise FormatError(f"{name} has {info.file_size} bytes; have at most {most}")
    raw = io.BytesIO(archive.read(info))
    version = npy.read_magic(raw)
    header = npy.read_array_header_1_0(raw) if version == (1, 0) else npy.read_array_header_2_0(raw)
    shape, fortran, dtype = header
    size = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or dtype.kind not in "fiuU":
        raise FormatError(f"{name} holds {dtype}, not numbers or text")
    if min(shape, default=0) < 0:
        raise FormatError(f"{name} has the shape {shape}")
    if size != len(raw.getbuffer()) - raw.tell():
        raise FormatError(f"{name} has {len(raw.getbuffer()) - raw.tell()} bytes for {size}")
    if dtype.kind == "U" and size:  # numpy makes strings of any numbers, and those break Python
        codes = np.frombuffer(raw.getbuffer(), np.dtype("u4").newbyteorder(dtype.byteorder), -1, raw.tell())
        if codes.max() > sys.maxunicode:
            raise FormatError(f"{name} holds what is no text")
    flat = np.frombuffer(raw.getbuffer(), dtype, math.prod(shape), raw.tell())
    return flat.reshape(shape, order="F" if fortran else "C")
