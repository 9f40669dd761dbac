"""Read the user's own FLAME file without trusting it.

FLAME comes as a Python pickle, and a pickle is a program. This reader runs none of it: every class and
function that the file names is looked up in a short list of stand-ins that only keep what they are given,
so that neither numpy, scipy nor chumpy code is called with the file's data, and any other name ends the
reading. The same keys in an .npz are read too. Facts of the format: 5023 vertices in metres, joints
root, neck, jaw, left eye, right eye; ``shapedirs`` holds 300 identity shapes, then the expressions.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrig.errors import RigError
from voxrig.rigs.flame import read_arrays

Points = NDArray[np.float64]

LARGEST_FILE = 512 << 20  # bytes; FLAME 2020 and 2023 have about 50 MB
VERTICES = 5023
IDENTITIES = 300
PARENTS = (0, 1, 1, 1)
"""Parents of neck, jaw and the eyes. Joint 0, the root, has none."""
_LONGEST = VERTICES * 3 * 1000
"""No array of a FLAME file has more numbers."""
_DEEPEST = 8
"""Wrappers around an array that are opened."""
KEYS = ("v_template", "f", "shapedirs", "posedirs", "J_regressor", "kintree_table", "weights")


@dataclass(frozen=True, eq=False)
class FlameModel:
    """What calibration needs of a FLAME file. Metres; +X subject's left, +Y up, +Z out of the face."""

    template: Points  # (5023, 3)
    triangles: NDArray[np.int64]  # (f, 3)
    expressions: Points  # (5023, 3, e) displacement by one standard deviation of each
    pose: Points  # (5023, 3, 36) displacement by each element of R - I of joints 1..4
    joints: Points  # (5, 3)
    weights: Points  # (5023, 5) how far each vertex follows each joint
    source: str
    """SHA-256 of the file."""


def read_model(path: str | os.PathLike[str]) -> FlameModel:
    """A FLAME .pkl or .npz. Raises RigError that says what is wrong with the file; runs nothing in it."""
    place = Path(path)
    try:
        size = place.stat().st_size
        if size > LARGEST_FILE:
            raise RigError(
                f"{place}: has {size >> 20} MB; a FLAME file of up to {LARGEST_FILE >> 20} MB is read"
            )
        raw = place.read_bytes()
    except OSError as error:
        raise RigError(f"{place}: {error.strerror or error}") from error
    found = read_arrays(place, LARGEST_FILE) if raw[:4] == b"PK\x03\x04" else _unpickle(place, raw)
    missing = [key for key in KEYS if key not in found]
    if missing:
        raise RigError(f"{place}: not a FLAME model, it lacks {', '.join(missing)}")
    try:
        arrays = {key: _array(found[key]) for key in KEYS}
        _check(arrays)
    except _UnfitError as error:
        raise RigError(f"{place}: not a FLAME model, {error}") from error
    template = arrays["v_template"]
    return FlameModel(
        template=template,
        triangles=arrays["f"].astype(np.int64),
        expressions=arrays["shapedirs"][:, :, IDENTITIES:],
        pose=arrays["posedirs"],
        joints=arrays["J_regressor"] @ template,
        weights=arrays["weights"],
        source=hashlib.sha256(raw).hexdigest(),
    )


class _UnfitError(Exception):
    """Why one array is not FLAME's."""


def _check(arrays: dict[str, Points]) -> None:
    shapes = {
        "v_template": (VERTICES, 3),
        "f": (-1, 3),
        "shapedirs": (VERTICES, 3, -1),
        "posedirs": (VERTICES, 3, 36),
        "J_regressor": (5, VERTICES),
        "kintree_table": (2, 5),
        "weights": (VERTICES, 5),
    }
    for key, shape in shapes.items():
        got = arrays[key].shape
        if len(got) != len(shape) or any(
            want not in (-1, have) for want, have in zip(shape, got, strict=True)
        ):
            raise _UnfitError(f"{key} must be {str(shape).replace('-1', 'n')}, got {got}")
        if not np.isfinite(arrays[key]).all():
            raise _UnfitError(f"{key} holds numbers that are not finite")
    if arrays["shapedirs"].shape[2] <= IDENTITIES:
        raise _UnfitError(
            f"shapedirs has {arrays['shapedirs'].shape[2]} shapes; expressions follow the first {IDENTITIES}"
        )
    if tuple(arrays["kintree_table"][0, 1:]) != PARENTS:
        raise _UnfitError(f"kintree_table must give joints 1 to 4 the parents {PARENTS}")
    faces = arrays["f"]
    if len(faces) == 0 or faces.min() < 0 or faces.max() >= VERTICES:
        raise _UnfitError(f"f must index {VERTICES} vertices")


# --- stand-ins: they keep what a pickle gives them and do nothing ---


@dataclass(eq=False)
class _Thing:
    """Any object of chumpy or scipy.sparse, or a numpy array or number format before its state is known."""

    arguments: tuple[Any, ...] = ()
    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        """Entries of a dictionary that we have no use for."""


class _Dtype(_Thing):
    """A number format. Its first argument is a code such as f8, its state has the byte order second."""


class _Buffer(_Thing):
    """An array from pickle protocol 5. Its arguments are bytes, dtype, shape and order."""


class _Sealed(type):
    """A pickle may set attributes of what it names; these refuse."""

    def __setattr__(cls, name: str, value: Any) -> None:
        raise _UnfitError("it tries to change its reader; nothing was run")


class _AnyName(metaclass=_Sealed):
    """A class or function named in the file: calling it, in whichever way pickle does, gives a stand-in."""

    def __new__(cls, *arguments: Any) -> Any:
        return _Thing(arguments)


class _DtypeName(metaclass=_Sealed):
    def __new__(cls, *arguments: Any) -> Any:
        return _Dtype(arguments)


class _BufferName(metaclass=_Sealed):
    def __new__(cls, *arguments: Any) -> Any:
        return _Buffer(arguments)


class _EncodeName(metaclass=_Sealed):
    """How protocol 2 spells bytes: the text and latin1."""

    def __new__(cls, *arguments: Any) -> Any:
        match arguments:
            case (str(text), "latin1"):
                return text.encode("latin1")
        raise _UnfitError("it spells bytes in an unknown way; nothing was run")


_NAMES: dict[tuple[str, str], type] = {
    ("numpy._core.multiarray", "_reconstruct"): _AnyName,
    ("numpy._core.multiarray", "scalar"): _AnyName,
    ("numpy._core.numeric", "_frombuffer"): _BufferName,
    ("numpy", "ndarray"): _AnyName,
    ("numpy", "dtype"): _DtypeName,
    ("copyreg", "_reconstructor"): _AnyName,
    ("_codecs", "encode"): _EncodeName,
    ("builtins", "object"): _AnyName,
    ("builtins", "set"): _AnyName,
    ("collections", "OrderedDict"): _AnyName,
}
_OLD_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}


class _Reader(pickle.Unpickler):
    """An unpickler that knows only stand-ins."""

    def find_class(self, module: str, name: str) -> Any:
        module = _OLD_MODULES.get(module, module).replace("numpy.core.", "numpy._core.")
        if module.split(".")[0] == "chumpy" or module.startswith("scipy.sparse"):
            return _AnyName
        if (module, name) in _NAMES:
            return _NAMES[module, name]
        raise _UnfitError(f"it asks for {module}.{name}, which a FLAME model has no use for; nothing was run")

    def persistent_load(self, pid: Any) -> Any:
        raise _UnfitError("it refers to objects outside the file; nothing was run")


def _unpickle(place: Path, raw: bytes) -> dict[str, Any]:
    try:
        found = _Reader(io.BytesIO(raw), encoding="latin1").load()
    except _UnfitError as error:
        raise RigError(f"{place}: refused, {error}") from error
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise RigError(f"{place}: not a pickle, or cut short ({type(error).__name__})") from error
    if not isinstance(found, dict):
        raise RigError(f"{place}: not a FLAME model, which is a table of arrays")
    return {key: value for key, value in found.items() if isinstance(key, str)}


# --- from stand-ins to arrays ---


def _array(value: Any) -> Points:
    """A plain, chumpy or sparse array as float64."""
    for _ in range(_DEEPEST):
        if not (isinstance(value, _Thing) and isinstance(value.state, dict) and "x" in value.state):
            break
        value = value.state["x"]  # chumpy.Ch
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        return value.astype(np.float64)
    if isinstance(value, _Buffer) and len(value.arguments) == 4:
        data, form, shape, order = value.arguments
        return _numbers(data, form, shape, order == "F")
    state = value.state if isinstance(value, _Thing) else None
    if isinstance(state, tuple) and len(state) == 5:  # numpy: version, shape, dtype, Fortran order, bytes
        return _numbers(state[4], state[2], state[1], bool(state[3]))
    if isinstance(state, dict) and "indptr" in state:
        return _dense(state)
    raise _UnfitError("an array is stored in a way that is not known; save it as plain numpy and try again")


def _numbers(data: Any, form: Any, shape: Any, fortran: bool) -> Points:
    """An array from its bytes, number format and shape."""
    code = form.arguments[0] if isinstance(form, _Dtype) and form.arguments else None
    if code not in ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1"):
        raise _UnfitError("an array holds something else than numbers")
    big = isinstance(form.state, tuple) and form.state[1:2] == (">",)
    if isinstance(data, str):  # bytes of Python 2
        data = data.encode("latin1", "replace")
    dtype = np.dtype((">" if big else "<") + code)
    counts = isinstance(shape, tuple) and all(type(n) is int and 0 < n <= _LONGEST for n in shape)
    held = len(data) if isinstance(data, bytes | bytearray) else -1
    if not counts or math.prod(shape) * dtype.itemsize != held:
        raise _UnfitError("an array is damaged: its size and its shape differ")
    if math.prod(shape) > _LONGEST:
        raise _UnfitError(f"an array has more than {_LONGEST} numbers")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C").astype(np.float64)


def _dense(state: dict[str, Any]) -> Points:
    """A compressed sparse (5, 5023) matrix; whether by rows or by columns is seen from its length."""
    shape = state.get("_shape", state.get("shape"))
    if shape != (5, VERTICES):
        raise _UnfitError(f"a sparse array must be (5, {VERTICES}), got {shape}")
    data, indices, start = (_array(state.get(key)) for key in ("data", "indices", "indptr"))
    counts = np.diff(start).astype(np.int64)
    lines, across = len(counts), 5 if len(counts) == VERTICES else VERTICES
    whole = data.ndim == indices.ndim == start.ndim == 1 and len(data) == len(indices) == counts.sum()
    inside = ((indices >= 0) & (indices < across)).all()
    if lines not in shape or not whole or not inside or (counts < 0).any():
        raise _UnfitError("a sparse array is damaged")
    full = np.zeros((lines, across))
    np.add.at(full, (np.repeat(np.arange(lines), counts), indices.astype(np.int64)), data)
    return full if lines == 5 else full.T
