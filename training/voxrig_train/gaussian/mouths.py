"""How far the mouth of one picture is from that of another, seen by the pictures alone."""

from __future__ import annotations

import numpy as np

from voxrig.types import Array

_FLAT = 0.01
"""Standard deviation of brightness under which a patch shows nothing that could be found again."""


def shifts(made: Array, goal: Array, marks: Array, unit: float) -> Array:
    """How far patches of ``goal`` about landmarks have moved in ``made``: (l,) pixels, nan where none tells.

    Pictures are (h, w) of 0..1, ``marks`` (l, 2) pixels from the left and the upper edge. ``unit`` is how
    many pixels count as one: patches are 17 of them wide and looked for up to 5 away, to a fraction of a
    pixel. The best place is that of the highest correlation.
    """
    half, reach = max(2, round(8 * unit)), max(1, round(5 * unit))
    out = np.full(len(marks), np.nan, np.float32)
    room = half + reach
    h, w = goal.shape
    for i, (x, y) in enumerate(np.floor(marks).astype(int)):
        if not (room <= x < w - room and room <= y < h - room):
            continue
        patch = goal[y - half : y + half + 1, x - half : x + half + 1]
        if patch.std() < _FLAT:
            continue
        field = made[y - room : y + room + 1, x - room : x + room + 1]
        windows = np.lib.stride_tricks.sliding_window_view(field, patch.shape)
        centred = windows - windows.mean((2, 3), keepdims=True)
        own = patch - patch.mean()
        length = np.sqrt(np.square(centred).sum((2, 3)) * np.square(own).sum()) + 1e-9
        likeness = (centred * own).sum((2, 3)) / length
        out[i] = np.hypot(*(_peak(likeness) - reach))
    return out


def _peak(likeness: Array) -> np.ndarray:
    """Row and column of the highest place, between the cells by a parabola along each side."""
    best = np.array(np.unravel_index(likeness.argmax(), likeness.shape))
    out = best.astype(np.float64)
    for axis in (0, 1):
        if 0 < best[axis] < likeness.shape[axis] - 1:
            step = np.eye(2, dtype=int)[axis]
            before, here, after = (float(likeness[tuple(best + s * step)]) for s in (-1, 0, 1))
            bend = before - 2 * here + after
            if bend < 0:
                out[axis] += np.clip(0.5 * (before - after) / bend, -0.5, 0.5)
    return out
