"""Filling holes smoothly, from what is known, coarser and coarser, and back; and blurring. Not for frames."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from voxrig.types import Array


def filled(values: Array, known: Array, smooth: int = 0) -> Array:
    """Values (h, w, c) with those of which ``known`` (h, w), 0..1, is 0 made up from those around them.

    ``smooth`` rounds of averaging even out what was made up. At least one value must be known.
    """
    weight = np.clip(known, 0, 1).astype(np.float32)[..., None]
    out = _filled(values.astype(np.float32) * weight, weight)
    for _ in range(smooth):
        out = out * weight + around(out) * (1 - weight)
    return np.asarray(values * weight + out * (1 - weight), np.float32)


def _filled(total: Array, weight: Array) -> Array:
    """Premultiplied values and their weights as values everywhere."""
    h, w = total.shape[:2]
    if min(h, w) <= 2 or weight.min() >= 1:
        mean = total.sum((0, 1)) / max(float(weight.sum()), 1e-12)
        return np.asarray(np.where(weight > 1e-6, total / np.maximum(weight, 1e-6), mean), np.float32)
    coarse_total, coarse_weight = _halved(total), _halved(weight)
    lift = np.maximum(coarse_weight, 1)  # where enough is known, more does not count for more
    below = _doubled(
        _filled(np.asarray(coarse_total / lift, np.float32), np.asarray(coarse_weight / lift, np.float32)),
        h,
        w,
    )
    return np.asarray(total + below * (1 - weight), np.float32)


def _halved(picture: Array) -> Array:
    """Half the size, each the sum of four tents."""
    h, w = picture.shape[:2]
    padded = np.pad(picture, ((1, 2), (1, 2), (0, 0)))
    rows = padded[0:-2] + 2 * padded[1:-1] + padded[2:]
    rows = rows[0 : h + 1 : 2]
    both = rows[:, 0:-2] + 2 * rows[:, 1:-1] + rows[:, 2:]
    return np.asarray(both[:, 0 : w + 1 : 2] / 4, np.float32)


def _doubled(picture: Array, h: int, w: int) -> Array:
    """Back at (h, w), blended."""
    y, x = np.arange(h) / 2, np.arange(w) / 2
    iy, ix = y.astype(int), x.astype(int)
    jy, jx = np.minimum(iy + 1, picture.shape[0] - 1), np.minimum(ix + 1, picture.shape[1] - 1)
    fy, fx = (y - iy)[:, None, None].astype(np.float32), (x - ix)[None, :, None].astype(np.float32)
    rows = picture[iy] * (1 - fy) + picture[jy] * fy
    return np.asarray(rows[:, ix] * (1 - fx) + rows[:, jx] * fx, np.float32)


def around(picture: Array) -> Array:
    """Each value as the mean of its four neighbours."""
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    total = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return np.asarray(total / 4, np.float32)


def blurred(picture: np.ndarray, radius: float) -> Array:
    """A picture (h, w) or (h, w, c) seen out of focus: a Gaussian of that many pixels."""
    reach = max(1, int(np.ceil(2.5 * radius)))
    weight = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(radius, 1e-3)) ** 2)
    weight = (weight / weight.sum()).astype(np.float32)
    flat = np.ascontiguousarray(picture, np.float32).reshape(*picture.shape[:2], -1)
    along, out = np.empty_like(flat), np.empty_like(flat)
    _blur(flat, weight, 1, along)
    _blur(along, weight, 0, out)
    return out.reshape(picture.shape)


@njit(parallel=True, fastmath=True, cache=True)
def _blur(picture, weight, axis, out):  # type: ignore[no-untyped-def]
    """Weighs neighbours down (axis 0) or across; the border goes on beyond itself."""
    h, w, n = picture.shape
    reach = len(weight) // 2
    for y in prange(h):
        for x in range(w):
            for c in range(n):
                out[y, x, c] = 0
            for k in range(len(weight)):
                j = min(max(np.int64(y) + k - reach, 0), h - 1) if axis == 0 else np.int64(y)
                i = min(max(x + k - reach, 0), w - 1) if axis == 1 else x
                for c in range(n):
                    out[y, x, c] += weight[k] * picture[j, i, c]


def steps(low: float, high: float, x: np.ndarray) -> Array:
    """0 up to low, 1 from high on, smooth between."""
    t = np.clip((np.asarray(x, np.float32) - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
