"""How the photo of one face moves: values of the native rig to where each pixel comes from."""

from __future__ import annotations

import numpy as np

from voxrig.render.portrait import bend
from voxrig.render.portrait.fit import Fit
from voxrig.render.portrait.photo import sampled
from voxrig.render.portrait.sheet import CELLS, Sheet
from voxrig.render.portrait.slit import STEPS, Slit
from voxrig.rigs.native import ARKIT_CURVES, HEAD_CURVES, NATIVE
from voxrig.types import Array

_LIMITS = np.radians([12.0, 12.0, 10.0])
"""How far yaw, pitch and roll turn the head at most: beyond, the photo knows too little."""
_PIVOT = np.array([0.0, -0.13, -0.09])
"""Where the neck turns, metres from between the eyes."""


class Motion:
    """Moves one sheet. ``sources`` (2, n, n, 2) holds where the last pose finds its pixels."""

    def __init__(self, sheet: Sheet, fit: Fit, lips: Slit) -> None:
        n = CELLS + 1
        self.sources = np.zeros((2, n, n, 2), np.float32)
        self.turn = np.zeros((3, 4), np.float32)
        """The head's turn in the picture, of the last pose: x to the right, y down, z to the camera."""
        self._sheet, self._fit, self._lips = sheet, fit, lips
        self._step = np.float32(sheet.step)
        self._field = np.zeros((2, n, n, 3), np.float32)
        self._shift = np.zeros((2, n, n, 2), np.float32)
        self._gaps = np.zeros(STEPS + 1, np.float32)
        self._ends = np.stack([lips.line(lips.upper), lips.line(lips.lower)])
        at = np.arange(n) * sheet.step
        self._across = lips.at(np.stack(np.meshgrid(at, at), -1))[..., 0].astype(np.float32)
        mouthed = np.array([curve.startswith(("jaw", "mouth")) for curve in ARKIT_CURVES])
        self._mouth = (sheet.photo[:-1] * mouthed).astype(np.float32)

    def pose(self, values: Array) -> None:
        """Take the pose of values (110,)."""
        sheet = self._sheet
        self._bend(values)
        self.turn = self._turned(values)
        bend.turned(self._field, sheet.depth, sheet.head, self.turn, self._step, self._shift)
        bend.sources(self._shift, self._step, self.sources)

    def gap(self, values: Array) -> float:
        """Pixels between the lips where they are widest apart."""
        self._bend(values)
        bend.line_gaps(self._field, self._ends, self._step, self._lips.down, self._gaps)
        return float(self._gaps.max())

    def edge(self, values: Array) -> Array:
        """Where the middle of the upper lip's edge is before the head turns: (2,) pixels."""
        self._bend(values)
        at = self._ends[0, STEPS // 2]
        x, y = at[:, None] / self._step + 0.5
        return np.asarray(at + sampled(self._field[0], x, y)[0, :2], np.float32)

    def _bend(self, values: Array) -> None:
        """Displacements by the face alone; lips that would cross just meet."""
        sheet, down = self._sheet, self._lips.down
        weights = np.zeros(len(sheet.photo), np.float32)
        weights[:-1] = values[: len(ARKIT_CURVES)]
        # as much as the photo's own mouth is asked for, so much do its lips keep their distance
        weights[-1] = np.clip(weights[:-1] @ self._mouth / max(float(self._mouth @ self._mouth), 1e-6), 0, 1)
        by = weights - sheet.photo
        which = np.flatnonzero(np.abs(by) > 1e-5)
        bend.mixed(sheet.basis, which, by[which], self._field)
        bend.line_gaps(self._field, self._ends, self._step, down, self._gaps)
        if self._gaps.min() < 0:
            bend.zipped(self._field, sheet.zipper, self._across, np.minimum(self._gaps, 0), down)

    def _turned(self, values: Array) -> Array:
        asked = values[[NATIVE.index(name) for name in HEAD_CURVES]]
        yaw, pitch, roll = _LIMITS * np.tanh(asked / _LIMITS)
        (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (-yaw, pitch, roll))
        own = (
            np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
            @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
            @ np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        )
        fit, flip = self._fit, np.diag([1.0, -1.0, 1.0])
        turn = flip @ fit.turn @ own @ fit.turn.T @ flip
        pivot = flip @ fit.placed(_PIVOT) - [0, 0, fit.shift[2]]
        return np.column_stack([turn, pivot - turn @ pivot]).astype(np.float32)
