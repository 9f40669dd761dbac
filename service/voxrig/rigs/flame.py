"""FLAME: neck, jaw and eyes as axis-angle rotations; with a calibration also expression coefficients.

The twelve rotations need no model file. They are in radians about FLAME's axes, which are those of its
template: +X to the subject's left, +Y up, +Z out of the face, right-handed. So with the head upright

    x  + looks down; for the jaw, opens         y  + turns to the subject's own left
    z  + tips towards the subject's own right shoulder

and the three numbers of one joint are one axis times one angle, ready for ``neck_pose``, ``jaw_pose``
and ``eye_pose`` (left eye, then right). Eyes turn relative to the head, the head relative to the body.

Expression coefficients depend on the user's own FLAME file; ``flame_fit`` makes the calibration.
Letters: t frames, e expressions.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxrig.errors import OutputError, RigError
from voxrig.rigs import curves
from voxrig.rigs.arkit import FULL_LOOK
from voxrig.rigs.curves import Span
from voxrig.rigs.native import ARKIT_CURVES, NATIVE
from voxrig.types import Array, Rig

JAW_OPEN = 0.4255
"""Radians at jawOpen = 1: the turn of the lower teeth of our own head about the hinge that it implies."""

JAW_SIDE = 0.0941
"""Radians at jawLeft or jawRight = 1: sideways travel of our head's chin over its reach from that hinge."""

LARGEST = 6.0
"""No expression coefficient leaves +-6 standard deviations, however many shapes add up."""

POSE_CURVES = tuple(f"{joint}_{axis}" for joint in ("neck", "jaw", "left_eye", "right_eye") for axis in "xyz")

_TURN = Span(-np.pi, np.pi)
_LOOK = Span(-FULL_LOOK, FULL_LOOK)
_SIDE = Span(-JAW_SIDE, JAW_SIDE)
_SPANS = {
    name: _TURN if name.startswith("neck") else _LOOK if "eye" in name else _SIDE for name in POSE_CURVES
}
_SPANS["jaw_x"] = Span(0.0, JAW_OPEN)

RIG = curves.rig("flame", POSE_CURVES, _SPANS)

_LARGEST_FILE = 64 << 20  # bytes once unpacked; a calibration has some 40 kB


@dataclass(frozen=True, eq=False)
class Calibration:
    """How the 52 shapes become expression coefficients of one FLAME file."""

    names: tuple[str, ...]  # the 52 shapes, native order
    matrix: Array  # (52, e) coefficients, in standard deviations, of each shape at 1
    residual: Array  # (52,) what remains of each shape's motion that FLAME cannot make: 0 none, 1 all
    source: str
    """SHA-256 of the FLAME file, 64 hex digits."""

    @property
    def e(self) -> int:
        """How many expressions."""
        return int(self.matrix.shape[1])

    @property
    def low(self) -> Array:
        """The least that weights 0..1 can reach, at most LARGEST below zero: (e,)."""
        least: Array = np.minimum(self.matrix, 0).sum(axis=0)
        return np.clip(least, -LARGEST, 0.0)

    @property
    def high(self) -> Array:
        """The most that weights 0..1 can reach, at most LARGEST: (e,)."""
        most: Array = np.maximum(self.matrix, 0).sum(axis=0)
        return np.clip(most, 0.0, LARGEST)


def rig(calibration: Calibration) -> Rig:
    """The rig with the expressions of one FLAME file: 12 + e curves."""
    names = [f"expression_{index:03d}" for index in range(calibration.e)]
    ranges = zip(calibration.low.tolist(), calibration.high.tolist(), strict=True)
    spans = {name: Span(low, high) for name, (low, high) in zip(names, ranges, strict=True)}
    return curves.rig("flame", (*POSE_CURVES, *names), _SPANS | spans)


def from_native(values: Array, calibration: Calibration | None = None) -> Array:
    """Native frames (t, 71) as FLAME's: (t, 12), or (t, 12 + e) with a calibration."""
    column = {name: values[:, NATIVE.index(name)].astype(np.float64) for name in NATIVE.curves}
    zero = np.zeros(len(values))
    joints = [
        _axis_angle(-column["headYaw"], column["headPitch"], column["headRoll"]),
        _axis_angle(JAW_SIDE * (column["jawLeft"] - column["jawRight"]), JAW_OPEN * column["jawOpen"], zero),
    ]
    for side, inward in (("Left", -1.0), ("Right", 1.0)):  # inward is rightward, -y, for the left eye
        turn = FULL_LOOK * inward * (column[f"eyeLookIn{side}"] - column[f"eyeLookOut{side}"])
        down = FULL_LOOK * (column[f"eyeLookDown{side}"] - column[f"eyeLookUp{side}"])
        joints.append(_axis_angle(turn, down, zero))
    pose = np.concatenate(joints, axis=1) + 0.0  # no negative zeros
    if calibration is None:
        return np.clip(pose, RIG.low, RIG.high).astype(np.float32)
    full = np.concatenate([pose, _expressions(values, calibration)], axis=1)
    target = rig(calibration)
    return np.clip(full.astype(np.float32), target.low, target.high)


def _expressions(values: Array, calibration: Calibration) -> Array:
    """Coefficients (t, e). Summed shape by shape, so that a frame gives the same alone or among many."""
    total = np.zeros((len(values), calibration.e), np.float32)
    for name, coefficients in zip(calibration.names, calibration.matrix, strict=True):
        total += values[:, NATIVE.index(name), None] * coefficients
    return total


def _axis_angle(
    y: NDArray[np.float64], x: NDArray[np.float64], z: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Rotation by z, then x, then y about fixed axes, each (t,) radians, as axis times angle: (t, 3)."""
    cy, cx, cz = np.cos(y / 2), np.cos(x / 2), np.cos(z / 2)
    sy, sx, sz = np.sin(y / 2), np.sin(x / 2), np.sin(z / 2)
    w = cy * cx * cz + sy * sx * sz
    axis = np.stack(
        [cy * sx * cz + sy * cx * sz, sy * cx * cz - cy * sx * sz, cy * cx * sz - sy * sx * cz], axis=1
    )
    sine = np.sqrt((axis**2).sum(axis=1))
    angle = 2 * np.arctan2(sine, np.abs(w)) * np.where(w < 0, -1, 1)
    return np.asarray(
        axis * (angle / np.where(sine > 1e-9, sine, 1.0) + np.where(sine > 1e-9, 0.0, 2.0))[:, None]
    )


def read_arrays(path: Path, limit: int) -> dict[str, NDArray[np.generic]]:
    """Every array of an .npz. Raises RigError if it is none or unpacks to more than ``limit`` bytes."""
    try:
        with zipfile.ZipFile(path) as parts:
            size = sum(part.file_size for part in parts.infolist())
        if size > limit:
            raise RigError(f"{path}: unpacks to {size >> 20} MB; at most {limit >> 20} MB are read")
        with np.load(path, allow_pickle=False) as data:
            return {name: data[name] for name in data.files}
    except (
        OSError,
        ValueError,
        EOFError,
        KeyError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
    ) as error:
        reason = (
            error.strerror if isinstance(error, OSError) and error.strerror else "not a readable .npz file"
        )
        raise RigError(f"{path}: {reason}") from error


def load_calibration(path: str | os.PathLike[str]) -> Calibration:
    """What ``save_calibration`` wrote. Raises RigError that says what is wrong with the file."""
    place = Path(path)
    data = read_arrays(place, _LARGEST_FILE)
    missing = [key for key in ("names", "matrix", "residual", "source") if key not in data]
    if missing:
        raise RigError(f"{place}: not a FLAME calibration, it lacks {', '.join(missing)}")
    names, matrix, residual = tuple(map(str, data["names"].ravel())), data["matrix"], data["residual"]
    if names != ARKIT_CURVES:
        raise RigError(f"{place}: is for other shapes than the 52 of the native rig; calibrate again")
    if matrix.dtype != np.float32 or matrix.ndim != 2 or len(matrix) != 52 or not 1 <= matrix.shape[1] <= 999:
        raise RigError(f"{place}: matrix must be (52, e) float32, got {matrix.shape} {matrix.dtype}")
    if residual.dtype != np.float32 or residual.shape != (52,):
        raise RigError(f"{place}: residual must be (52,) float32, got {residual.shape} {residual.dtype}")
    if not (np.isfinite(matrix).all() and np.isfinite(residual).all()):
        raise RigError(f"{place}: holds numbers that are not finite; calibrate again")
    return Calibration(names, matrix.astype(np.float32), residual.astype(np.float32), str(data["source"]))


def save_calibration(path: str | os.PathLike[str], calibration: Calibration) -> None:
    """Write one, whole or not at all. Raises OutputError."""
    place = Path(path)
    partial = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as file:
            np.savez_compressed(
                file,
                names=np.array(calibration.names),
                matrix=calibration.matrix,
                residual=calibration.residual,
                source=np.array(calibration.source),
            )
        os.replace(partial, place)
    except OSError as error:
        raise OutputError(f"{place}: cannot be written, {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            partial.unlink()
