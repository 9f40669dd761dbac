"""Gaussians that hang on nothing: as files of other tools have them. Between them and those of a figure.

Metres and +Y up, as in Figure. Needs the extra render.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, prange

from voxrig.avatar.figure import Figure, Index
from voxrig.render.splat.binding import frames, quaternions, turns
from voxrig.render.splat.gaussians import Gaussians
from voxrig.types import Array

_CELLS = 64
"""Cells of the longest side of the grid in which the nearest triangle is looked for."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """n Gaussians in the world."""

    means: Array  # (n, 3) metres
    rotation: Array  # (n, 4) unit quaternion w x y z
    scale: Array  # (n, 3) standard deviations, metres
    opacity: Array  # (n,) 0..1
    colour: Array  # (n, 3) sRGB 0..1 as seen
    harmonics: Array  # (n, m, 3) as in Gaussians

    def __len__(self) -> int:
        return len(self.means)


def rest(figure: Figure, gaussians: Gaussians) -> Cloud:
    """Bound Gaussians where they are while the figure rests. What bases add is left out."""
    axes, size = frames(figure.points, figure.faces)
    axes, size = axes[gaussians.triangle], size[gaussians.triangle, None]
    a, b, c = (figure.points[figure.faces[gaussians.triangle, k]].astype(np.float64) for k in range(3))
    u, v = gaussians.corner[:, :1], gaussians.corner[:, 1:]
    aside = np.einsum("nij,nj->ni", axes, gaussians.offset.astype(np.float64))
    return Cloud(
        np.asarray(a + u * (b - a) + v * (c - a) + size * aside, np.float32),
        quaternions(axes @ turns(gaussians.rotation)),
        np.asarray(gaussians.scale * size, np.float32),
        gaussians.opacity,
        gaussians.colour,
        gaussians.harmonics,
    )


def bind(figure: Figure, cloud: Cloud) -> Gaussians:
    """A cloud hung on the nearest triangles of a figure at rest, in whose place it must stand.

    Raises ValueError for a figure none of whose triangles has an area.
    """
    axes, size = frames(figure.points, figure.faces)
    real = np.flatnonzero(size > 1e-6)
    if not len(real):
        raise ValueError("the figure has no triangle with an area; there is nothing to bind Gaussians to")
    corners = np.ascontiguousarray(figure.points[figure.faces[real]], np.float32)
    found, corner = nearest(cloud.means, corners)
    triangle = real[found].astype(np.int32)
    frame, wide = axes[triangle], size[triangle, None]
    a, b, c = (corners[found, k].astype(np.float64) for k in range(3))
    place = a + corner[:, :1] * (b - a) + corner[:, 1:] * (c - a)
    local = frame.transpose(0, 2, 1)
    return Gaussians(
        triangle,
        corner,
        np.asarray(np.einsum("nij,nj->ni", local, cloud.means - place) / wide, np.float32),
        quaternions(local @ turns(cloud.rotation)),
        np.asarray(cloud.scale / wide, np.float32),
        cloud.opacity,
        cloud.colour,
        cloud.harmonics,
    )


def nearest(points: Array, corners: Array) -> tuple[Index, Array]:
    """Of triangles, corners (f, 3, 3), the nearest to each point, (n,), and where on it: (n, 2) shares."""
    low, high = corners.min((0, 1)), corners.max((0, 1))
    cell = np.float32(max(float((high - low).max()) / _CELLS, 1e-6))
    shape = np.floor((high - low) / cell).astype(np.int64) + 1
    start, index = _gridded(corners, low, cell, shape)
    found, corner = np.zeros(len(points), np.int32), np.zeros((len(points), 2), np.float32)
    _nearest(np.ascontiguousarray(points, np.float32), corners, low, cell, shape, start, index, found, corner)
    return found, corner


def _gridded(corners: Array, low: Array, cell: np.float32, shape: np.ndarray) -> tuple[Index, Index]:
    """Of each cell, the triangles whose box reaches into it: first entry (cells + 1,), index."""
    first = np.floor((corners.min(1) - low) / cell).astype(np.int64).clip(0, shape - 1)
    last = np.floor((corners.max(1) - low) / cell).astype(np.int64).clip(0, shape - 1)
    count = np.zeros(int(shape.prod()) + 1, np.int64)
    _entered(first, last, shape, count[1:])
    start = np.cumsum(count)
    index = np.zeros(int(start[-1]), np.int32)
    _written(first, last, shape, start[:-1].copy(), index)
    return start.astype(np.int32), index


@njit(cache=True)
def _entered(first, last, shape, count):  # type: ignore[no-untyped-def]
    for t in range(len(first)):
        for x in range(first[t, 0], last[t, 0] + 1):
            for y in range(first[t, 1], last[t, 1] + 1):
                for z in range(first[t, 2], last[t, 2] + 1):
                    count[(x * shape[1] + y) * shape[2] + z] += 1


@njit(cache=True)
def _written(first, last, shape, at, index):  # type: ignore[no-untyped-def]
    for t in range(len(first)):
        for x in range(first[t, 0], last[t, 0] + 1):
            for y in range(first[t, 1], last[t, 1] + 1):
                for z in range(first[t, 2], last[t, 2] + 1):
                    k = (x * shape[1] + y) * shape[2] + z
                    index[at[k]] = t
                    at[k] += 1


@njit(parallel=True, cache=True)
def _nearest(means, corners, low, cell, shape, start, index, found, corner):  # type: ignore[no-untyped-def]
    """Shell after shell of cells about each point, until none farther out can hold a nearer triangle."""
    for i in prange(len(means)):
        px, py, pz = means[i, 0], means[i, 1], means[i, 2]
        # From the grid's own cell that is nearest, as far outside as the point may be.
        cx = min(max(int(np.floor((px - low[0]) / cell)), 0), shape[0] - 1)
        cy = min(max(int(np.floor((py - low[1]) / cell)), 0), shape[1] - 1)
        cz = min(max(int(np.floor((pz - low[2]) / cell)), 0), shape[2] - 1)
        best = np.float32(np.inf)
        reach = max(shape[0], max(shape[1], shape[2]))
        for shell in range(reach):
            out = np.float32(shell - 1) * cell
            if out > 0 and out * out > best:
                break
            for x in range(max(cx - shell, 0), min(cx + shell, shape[0] - 1) + 1):
                for y in range(max(cy - shell, 0), min(cy + shell, shape[1] - 1) + 1):
                    rim = abs(x - cx) == shell or abs(y - cy) == shell
                    step = 1 if rim or shell == 0 else 2 * shell
                    for z in range(cz - shell, cz + shell + 1, step):
                        if not 0 <= z < shape[2]:
                            continue
                        k = (x * shape[1] + y) * shape[2] + z
                        for e in range(start[k], start[k + 1]):
                            t = index[e]
                            u, v, far = _closest(px, py, pz, corners, t)
                            if far < best or (far == best and t < found[i]):
                                best = far
                                found[i], corner[i, 0], corner[i, 1] = t, u, v


@njit(cache=True)
def _closest(px, py, pz, corners, t):  # type: ignore[no-untyped-def]
    """The point of a triangle that is nearest: shares of its second and third corner, squared distance."""
    one, zero = np.float32(1), np.float32(0)
    ax, ay, az = corners[t, 0, 0], corners[t, 0, 1], corners[t, 0, 2]
    ux, uy, uz = corners[t, 1, 0] - ax, corners[t, 1, 1] - ay, corners[t, 1, 2] - az
    vx, vy, vz = corners[t, 2, 0] - ax, corners[t, 2, 1] - ay, corners[t, 2, 2] - az
    wx, wy, wz = px - ax, py - ay, pz - az
    uu, uv, vv = ux * ux + uy * uy + uz * uz, ux * vx + uy * vy + uz * vz, vx * vx + vy * vy + vz * vz
    uw, vw = ux * wx + uy * wy + uz * wz, vx * wx + vy * wy + vz * wz
    det = uu * vv - uv * uv
    u = (vv * uw - uv * vw) / det if det > zero else zero
    v = (uu * vw - uv * uw) / det if det > zero else zero
    if u < zero or v < zero or u + v > one:  # the nearest of the three sides
        best = np.float32(np.inf)
        for side in range(3):
            if side == 0:
                s, r = min(max(uw / uu, zero), one) if uu > zero else zero, zero
            elif side == 1:
                s, r = zero, min(max(vw / vv, zero), one) if vv > zero else zero
            else:
                along = uu - uv - uv + vv
                r = min(max((uu - uv - uw + vw) / along, zero), one) if along > zero else zero
                s = one - r
            dx, dy, dz = wx - s * ux - r * vx, wy - s * uy - r * vy, wz - s * uz - r * vz
            far = dx * dx + dy * dy + dz * dz
            if far < best:
                best, u, v = far, s, r
    dx, dy, dz = wx - u * ux - v * vx, wy - u * uy - v * vy, wz - u * uz - v * vz
    return u, v, dx * dx + dy * dy + dz * dz
