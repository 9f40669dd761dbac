"""Points spread over a surface, evenly and nowhere too near each other. Needs the extra render."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from voxrig.avatar.figure import Index
from voxrig.types import Array

_TRIES = 7
"""Points thrown for each that is wanted."""
_PACKED = 1.41
"""Points in a square whose side is the least distance, about: tried."""
_ROUNDS = 3
"""Tries at the distance that gives the count."""
_GAP = 0.03
"""What may shine through."""


@dataclass(frozen=True, eq=False)
class Spots:
    """Where on triangles. n spots."""

    triangle: Index  # (n,)
    corner: Array  # (n, 2) shares of the second and third corner
    apart: Array  # (n,) metres to the next

    @property
    def shares(self) -> Array:
        """(n, 3) shares of the three corners."""
        return np.column_stack([1 - self.corner.sum(1), self.corner]).astype(np.float32)


def thrown(chance: np.ndarray, count: int, rng: np.random.Generator) -> tuple[Index, Array]:
    """Triangles (n,) taken by their ``chance`` (f,) and points evenly within: (n, 2)."""
    # One throw in each of n equal parts of the whole chance: fewer gaps and heaps than free throws.
    at = (np.arange(count) + rng.random(count)) / max(count, 1)
    triangle = np.searchsorted(np.cumsum(chance) / chance.sum(), at).clip(0, len(chance) - 1)
    corner = rng.random((count, 2))
    corner = np.where(corner.sum(1, keepdims=True) > 1, 1 - corner, corner)
    return triangle.astype(np.int32), corner.astype(np.float32)


def spread(
    points: Array, faces: Index, weight: np.ndarray, count: int, wide: float, rng: np.random.Generator
) -> Spots:
    """About ``count`` spots, as dense as ``weight`` (f,) tells; none where it is 0.

    Gaussians that are ``wide`` times ``Spots.apart`` wide leave no gaps.
    """
    a, b, c = (points[faces[:, k]].astype(np.float64) for k in range(3))
    normal = np.cross(b - a, c - a)
    area = np.linalg.norm(normal, axis=1) / 2
    chance = area * weight
    if count < 1 or not chance.sum() > 0:
        return Spots(np.zeros(0, np.int32), np.zeros((0, 2), np.float32), np.zeros(0, np.float32))
    normal = (normal / np.maximum(2 * area, 1e-18)[:, None]).astype(np.float32)
    triangle, corner = thrown(chance, count * _TRIES, rng)
    mixed = rng.permutation(len(triangle))
    triangle, corner = triangle[mixed], corner[mixed]
    u, v = corner[:, :1], corner[:, 1:]
    place = np.ascontiguousarray(a[triangle] * (1 - u - v) + b[triangle] * u + c[triangle] * v, np.float32)
    apart = (np.sqrt(_PACKED * chance.sum() / count / weight[triangle])).astype(np.float32)
    for _ in range(_ROUNDS):
        cell = np.float32(1.5 * np.median(apart))
        kept = _kept(place, normal[triangle], apart, cell, np.float32(wide), np.float32(_GAP))
        off = kept.sum() / count
        if abs(off - 1) < 0.05:
            break
        apart *= np.float32(np.sqrt(off))
    return Spots(triangle[kept], corner[kept], apart[kept])


@njit(cache=True)
def _kept(place, normal, apart, cell, wide, gap):  # type: ignore[no-untyped-def]
    """Which points stay: each in turn that keeps its distance from those that stayed on its side.

    Then those where Gaussians ``wide`` distances wide on all that stayed would let more than ``gap`` through.
    """
    n = len(place)
    size = 1
    while size < n // 3:  # one in seven stays
        size *= 2
    first, following = np.full(size, -1, np.int32), np.full(n, -1, np.int32)
    kept = np.zeros(n, np.bool_)
    for turn in range(2):
        for i in range(n):
            if kept[i]:
                continue
            x, y, z = place[i, 0], place[i, 1], place[i, 2]
            r = apart[i] if turn == 0 else np.float32(2.5) * wide * apart[i]
            through = np.float32(1)
            for cx in range(int(np.floor((x - r) / cell)), int(np.floor((x + r) / cell)) + 1):
                for cy in range(int(np.floor((y - r) / cell)), int(np.floor((y + r) / cell)) + 1):
                    for cz in range(int(np.floor((z - r) / cell)), int(np.floor((z + r) / cell)) + 1):
                        j = first[slot(cx, cy, cz, size)]
                        while j >= 0 and through > gap:
                            dx, dy, dz = place[j, 0] - x, place[j, 1] - y, place[j, 2] - z
                            near = (dx * dx + dy * dy + dz * dz) / (r * r)
                            facing = (
                                normal[i, 0] * normal[j, 0]
                                + normal[i, 1] * normal[j, 1]
                                + normal[i, 2] * normal[j, 2]
                            )
                            if near < 1 and facing > np.float32(0.3):
                                s = wide * apart[j] / r
                                power = np.float32(-0.5) * near / (s * s)
                                through *= np.float32(0) if turn == 0 else np.float32(1) - np.exp(power)
                            j = following[j]
                        if through <= gap:
                            break
                    if through <= gap:
                        break
                if through <= gap:
                    break
            if through > gap:
                kept[i] = True
                own = slot(np.floor(x / cell), np.floor(y / cell), np.floor(z / cell), size)
                following[i] = first[own]
                first[own] = i
    return kept


@njit(cache=True)
def slot(x, y, z, size):  # type: ignore[no-untyped-def]
    """Of ``size`` lists, a power of two, the one that a cell of space is in."""
    return ((int(x) * 73856093) ^ (int(y) * 19349663) ^ (int(z) * 83492791)) & (size - 1)
