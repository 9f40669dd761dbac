"""Viseme weights from curves: the mix of viseme poses that comes nearest to the mouth.

For each frame we look for weights w >= 0 such that the sum of w times the poses of
``viseme_poses`` is nearest to the frame (least squares over the curves that poses use, the mean
of left and right counting as one). Weights that sum to more than 1 are scaled down to 1; what is
missing from 1 is silence. Each frame is fitted by itself, always with the same number of steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxrig.rigs.curves import Span, rig
from voxrig.rigs.native import NATIVE
from voxrig.rigs.viseme_poses import VISEMES, poses
from voxrig.types import Array

VISEME_RIG = rig("visemes", VISEMES, {"sil": Span(0.0, 1.0, 1.0)})
"""A face at rest is silent: sil rests at 1."""

_SWEEPS = 12
"""Passes over the 14 poses; the weights are then within 0.03 of the best fit, and mostly within 0.001."""

_OVERSHOOT = 1.3
"""How far beyond the best value of one weight each step goes (successive over-relaxation)."""

_FAINT = ("mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight")
"""Curves that emotion uses as much as speech; they count half."""


@dataclass(frozen=True, eq=False)
class VisemesFromNative:
    """(t, 71) native curves to (t, 15) viseme weights that are >= 0 and sum to 1."""

    features: NDArray[np.float64]  # (71, f) mouth curves, sides averaged
    shapes: NDArray[np.float64]  # (14, f) the poses after sil in those terms

    def __call__(self, values: Array) -> Array:
        weights = np.empty((len(values), len(VISEMES)), np.float32)
        pull = values.astype(np.float64) @ (self.features @ self.shapes.T)  # (t, 14)
        fitted = _fit(np.ascontiguousarray(pull.T), self.shapes @ self.shapes.T)
        weights[:, 1:] = (fitted / np.maximum(fitted.sum(axis=0), 1.0)).T
        weights[:, 0] = np.maximum(1.0 - weights[:, 1:].sum(axis=1), 0.0)
        return weights


def from_native() -> VisemesFromNative:
    """The rule from native to visemes."""
    table = poses().astype(np.float64)
    features = _features(table)
    return VisemesFromNative(features, table[1:] @ features)


def _features(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """(71, f): one column for each curve, or pair of curves, that some pose uses."""
    used = [curve for curve, column in zip(NATIVE.curves, table.T, strict=True) if column.any()]
    columns = []
    for curve in used:
        if curve.endswith("Right"):
            continue
        column = np.zeros(len(NATIVE))
        sides = [curve, curve[: -len("Left")] + "Right"] if curve.endswith("Left") else [curve]
        for side in sides:
            column[NATIVE.index(side)] = (0.5 if curve in _FAINT else 1.0) / len(sides)
        columns.append(column)
    return np.stack(columns, axis=1)


def _fit(pull: NDArray[np.float64], gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """Non-negative least squares by coordinate descent, for all frames at once.

    ``pull`` is (14, t), the product of each pose with each frame; ``gram`` is (14, 14), of each pose
    with each pose. Returns (14, t).
    """
    weights = np.zeros_like(pull)
    scaled = _OVERSHOOT * pull / np.diag(gram)[:, None]
    others = _OVERSHOOT * gram / np.diag(gram)[:, None]
    np.fill_diagonal(others, _OVERSHOOT - 1.0)
    for _ in range(_SWEEPS):
        for pose in range(len(gram)):
            np.maximum(scaled[pose] - others[pose] @ weights, 0.0, out=weights[pose])
    return weights
