"""The eleven regions of a face, which curves belong to each, and what is read of one as a single number."""

from __future__ import annotations

import numpy as np

from voxrig.rigs import NATIVE
from voxrig.rigs.native import TONGUE_CURVES, both
from voxrig.types import Array
from voxrig_train.expression.law import FACE

REGIONS = (
    *("brow left", "brow right", "eye left", "eye right", "cheek left", "cheek right"),
    *("nose", "mouth upper", "mouth lower", "jaw", "tongue"),
)
UPPER = 7
"""The first seven regions, which speech does not move."""

_UPPER_LIP = ("mouthSmile*", "mouthDimple*", "mouthUpperUp*", "mouthShrugUpper", "mouthRollUpper")
_JAW = ("jawOpen", "jawForward", "jawLeft", "jawRight")


def _of(curve: str) -> int:
    """The region of a curve of a face; heads have none, -1."""
    for i, stem in enumerate(("brow", "eye", "cheek")):
        if curve.startswith(stem):
            return 2 * i + curve.endswith("Right")
    if curve.startswith("nose"):
        return 6
    if curve in [side for name in _UPPER_LIP for side in both(name)]:
        return 7
    if curve in _JAW:
        return 9
    if curve.startswith("tongue"):
        return 10
    return -1 if curve.startswith("head") else 8


REGION = np.array([_of(curve) for curve in FACE])
"""(55,) the region of each curve of a face; browInnerUp and cheekPuff are told left, and belong to both."""

# What opens, rises or spreads counts up; what closes or falls counts down.
_READ: tuple[tuple[str, float, int], ...] = (
    *((f"browInnerUp{side}", 1.0, i) for i, side in enumerate(("", ""))),
    *((f"browOuterUp{side}", 1.0, i) for i, side in enumerate(("Left", "Right"))),
    *((f"browDown{side}", -1.0, i) for i, side in enumerate(("Left", "Right"))),
    *((f"eyeWide{side}", 1.0, 2 + i) for i, side in enumerate(("Left", "Right"))),
    *((f"eyeSquint{side}", -1.0, 2 + i) for i, side in enumerate(("Left", "Right"))),
    *((f"eyeBlink{side}", -1.0, 2 + i) for i, side in enumerate(("Left", "Right"))),
    *((f"cheekSquint{side}", 1.0, 4 + i) for i, side in enumerate(("Left", "Right"))),
    *((f"noseSneer{side}", 0.5, 6) for side in ("Left", "Right")),
    *((side, 0.5, 7) for name in ("mouthSmile*", "mouthUpperUp*", "mouthDimple*") for side in both(name)),
    *((side, 0.5, 8) for name in ("mouthLowerDown*", "mouthStretch*", "mouthFrown*") for side in both(name)),
    *((name, -0.5, 8) for name in ("mouthShrugLower", "mouthPressLeft", "mouthPressRight")),
    *(("jawOpen", 1.0, 9), ("mouthClose", -0.5, 9)),
    *((name, 0.25, 10) for name in TONGUE_CURVES),
)


def _matrix() -> Array:
    out = np.zeros((len(NATIVE), len(REGIONS)), np.float32)
    for name, weight, region in _READ:
        out[NATIVE.index(name), region] += weight
    return out


READ = _matrix()
"""(110, 11): native curves @ READ is how far each region is from rest."""


def correlation(curves: Array) -> np.ndarray:
    """(11, 11) of the regions' motion over frames (t, 110). A region that rests has no relatives."""
    moved = curves @ READ
    moved = moved - moved.mean(0)
    size = np.sqrt((moved**2).mean(0))
    moved = moved / np.maximum(size, 1e-4)
    return np.asarray(moved.T @ moved / len(moved))
