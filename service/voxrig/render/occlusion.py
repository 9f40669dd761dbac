"""How much of what is around reaches each point of a figure: what lies between is in its shade. Needs numba.

Seen from a direction, the nearest surface takes the light. A small depth picture for each direction tells
which points are behind it. What moves little is found once, at rest; eyes and the inside of the mouth
anew for every pose, since lids and lips open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from voxrig.avatar.figure import Figure, Index
from voxrig.render.posing import Posing
from voxrig.render.shading import EYES, HAIR, LASHES, MOUTH, kinds
from voxrig.rigs.native import NATIVE, both
from voxrig.types import Array

_AJAR = {"jawOpen": 0.12, "eyeWide*": 0.3}
"""The pose at rest whose shade is kept: lids and lips a little open, or their rims would stay dark."""
_EYES = 0.063
"""Metres between the eyes of the face that other lengths are meant for."""
_FINE = 40
"""Texels of a side of the depth pictures before eyes and mouth."""


def ambient(figure: Figure, directions: int = 64) -> Array:
    """Of the light from all around, how much reaches each vertex at rest: (v,) 0..1."""
    ways = _around(directions)
    kind = kind_of_points(figure)
    points, normals = _ajar(figure)
    seen = _lit(points, normals, _casters(figure), ways, 192, 0.02 * figure.width / _EYES)
    toward = np.maximum(normals @ ways[:, 2].T, 0).T
    share = (seen * toward).sum(0) / np.maximum(toward.sum(0), 1e-3)
    return np.asarray(np.where((kind == EYES) | (kind == MOUTH), 1, share), np.float32)


def shadow(figure: Figure, towards: Array, spread: float = 0.10, directions: int = 24) -> Array:
    """How much of a lamp reaches each vertex at rest, (v,) 0..1. The lamp is ``spread`` radians wide."""
    kind = kind_of_points(figure)
    ways = _about(towards, spread, directions)
    points, normals = _ajar(figure)
    seen = _lit(points, normals, _casters(figure), ways, 384, 0.004 * figure.width / _EYES)
    share = seen.mean(0)
    return np.asarray(np.where((kind == EYES) | (kind == MOUTH), 1, share), np.float32)


class Openings:
    """What reaches eyes and the inside of the mouth in each pose: ``share`` (v,), as given elsewhere."""

    def __init__(self, figure: Figure, share: Array) -> None:
        self.share = share.copy()
        self._ways = _about(np.array([0, 0.15, 1.0], np.float32), 0.75, 8)
        self._unit = figure.width / _EYES
        kind = kind_of_points(figure)
        left = figure.points[:, 0] > figure.pivots[3:, 0].mean()
        front = figure.points[:, 2] > figure.pivots[3:, 2].mean()
        insides = (kind == MOUTH, (kind == EYES) & front & left, (kind == EYES) & front & ~left)
        skin = _casters(figure, hair=False)
        self._places = [
            _place(figure, np.flatnonzero(each), skin, self._unit) for each in insides if each.any()
        ]
        if self._places:
            # One after the other, so that all places and directions are done at once.
            self._points, self._casters, self._inside = (
                np.concatenate([getattr(place, name) for place in self._places])
                for name in ("points", "casters", "inside")
            )
            self._within = np.concatenate([place.points[place.inside] for place in self._places])
            sizes = [(len(p.points), len(p.casters), len(p.inside)) for p in self._places]
            self._starts = np.concatenate([np.zeros((1, 3), np.int64), np.cumsum(sizes, 0)])

    def update(self, points: Array, normals: Array, turn: Array) -> None:
        """Take the pose of points and normals (v, 3), and where the head is taken (3, 4)."""
        if not self._places:
            return
        ways = np.ascontiguousarray(self._ways @ turn[:, :3].T)
        centres = np.array([turn[:, :3] @ place.centre + turn[:, 3] for place in self._places], np.float32)
        scales = np.array([place.scale for place in self._places], np.float32)
        lit = np.zeros((len(ways), len(self._inside)), np.float32)
        # What is inside casts no shade here, so that hardly any slack is needed against its own.
        _opened(
            points, normals, self._points, self._casters, self._inside, self._starts, ways, centres, scales,
            np.float32(1 / (0.0015 * self._unit)), np.float32(0.0002 * self._unit), lit,
        )  # fmt: skip
        self.share[self._within] = lit.mean(0)


@dataclass(frozen=True, eq=False)
class _Place:
    """An opening: what is inside and the skin about it."""

    points: Index  # (n,) into the figure's
    casters: Index  # (f, 3) into points
    inside: Index  # (i,) into points
    centre: Array  # (3,) metres, at rest
    scale: float
    """Texels per metre."""


def _place(figure: Figure, inside: NDArray[np.intp], skin: Index, unit: float) -> _Place:
    low = figure.points[inside].min(0) - 0.008 * unit
    high = figure.points[inside].max(0) + 0.014 * unit
    corners = figure.points[skin]
    casters = skin[((corners > low) & (corners < high)).all((1, 2))]
    points = np.unique(np.concatenate([casters.ravel(), inside]))
    return _Place(
        points.astype(np.int32),
        np.searchsorted(points, casters).astype(np.int32),
        np.searchsorted(points, inside).astype(np.int32),
        np.asarray((low + high) / 2, np.float32),
        _FINE / float(np.linalg.norm(high - low)),
    )


def kind_of_points(figure: Figure) -> NDArray[np.int64]:
    out = np.zeros(len(figure.points), np.int64)
    out[figure.faces.ravel()] = np.repeat(kinds(figure.materials)[figure.material], 3)
    return out


def _casters(figure: Figure, hair: bool = True) -> Index:
    """Triangles that throw shade."""
    kind = kinds(figure.materials)[figure.material]
    no = [EYES, MOUTH, LASHES, *([] if hair else [HAIR])]
    return np.ascontiguousarray(figure.faces[~np.isin(kind, no)])


def _ajar(figure: Figure) -> tuple[Array, Array]:
    values = np.zeros(len(NATIVE), np.float32)
    for name, value in _AJAR.items():
        for curve in both(name) if name.endswith("*") else (name,):
            values[NATIVE.index(curve)] = value
    posing = Posing(figure)
    posing.pose(values)
    return posing.points, posing.normals


def _around(count: int) -> Array:
    """Frames (count, 3, 3) that look at the middle from evenly around: right, up, towards."""
    k = np.arange(count) + 0.5
    up, turn = 1 - 2 * k / count, k * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - up * up)
    return _frames(np.stack([flat * np.cos(turn), up, flat * np.sin(turn)], 1))


def _about(towards: Array, spread: float, count: int) -> Array:
    """Frames (count, 3, 3) within ``spread`` radians of one direction."""
    axis = _frames(np.asarray(towards, np.float64)[None] / np.linalg.norm(towards))[0]
    k = np.arange(count) + 0.5
    out, turn = np.tan(spread) * np.sqrt(k / count), k * np.pi * (3 - np.sqrt(5))
    return _frames(
        axis[2] + out[:, None] * (np.cos(turn)[:, None] * axis[0] + np.sin(turn)[:, None] * axis[1])
    )


def _frames(towards: np.ndarray) -> Array:
    towards = towards / np.linalg.norm(towards, axis=1, keepdims=True)
    up = np.where(np.abs(towards[:, 1:2]) < 0.9, [[0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]])
    right = np.cross(up, towards)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return np.stack([right, np.cross(towards, right), towards], 1).astype(np.float32)


def _lit(points: Array, normals: Array, casters: Index, ways: Array, side: int, soft: float) -> Array:
    """What reaches all points from each direction: (d, v). ``soft`` metres behind a surface is dark."""
    used = np.unique(casters)
    low, high = (points[used].min(0), points[used].max(0)) if len(used) else (points[0], points[0])
    centre = ((low + high) / 2).astype(np.float32)
    scale = np.float32(side / (np.linalg.norm(high - low) + 1e-6))
    out = np.zeros((len(ways), len(points)), np.float32)
    every = np.arange(len(points), dtype=np.int32)
    _reached(points, normals, every, casters, ways, centre, scale, side, np.float32(1 / soft), out)
    return out


@njit(parallel=True, fastmath=True, cache=True)
def _reached(  # type: ignore[no-untyped-def]
    points, normals, every, casters, ways, centre, scale, side, sharp, out
):
    for k in prange(len(ways)):
        slack = np.float32(1.5) / scale
        _reach(points, normals, every, casters, every, ways[k], centre, scale, side, sharp, slack, out[k])


@njit(parallel=True, fastmath=True, cache=True)
def _opened(  # type: ignore[no-untyped-def]
    points, normals, near, casters, inside, starts, ways, centres, scales, sharp, slack, out
):
    for task in prange(len(ways) * len(centres)):
        k, j = task // len(centres), task % len(centres)
        _reach(
            points, normals, near[starts[j, 0] : starts[j + 1, 0]], casters[starts[j, 1] : starts[j + 1, 1]],
            inside[starts[j, 2] : starts[j + 1, 2]], ways[k], centres[j], scales[j], _FINE, sharp, slack,
            out[k, starts[j, 2] : starts[j + 1, 2]],
        )  # fmt: skip


@njit(fastmath=True, cache=True)
def _reach(  # type: ignore[no-untyped-def]
    points, normals, near, casters, inside, way, centre, scale, side, sharp, slack, out
):
    """What reaches points ``near[inside]`` from one direction, past triangles ``near[casters]``."""
    half, one, zero = np.float32(side / 2), np.float32(1), np.float32(0)
    depth = np.full((side, side), np.float32(-1e9), np.float32)
    place = np.empty((len(near), 3), np.float32)
    for n in range(len(near)):
        i, j = np.uint64(near[n]), np.uint64(n)
        x, y, z = points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2] - centre[2]
        place[j, 0] = (way[0, 0] * x + way[0, 1] * y + way[0, 2] * z) * scale + half
        place[j, 1] = (way[1, 0] * x + way[1, 1] * y + way[1, 2] * z) * scale + half
        place[j, 2] = way[2, 0] * x + way[2, 1] * y + way[2, 2] * z
    for t in range(len(casters)):
        _deepen(place, np.uint64(casters[t, 0]), np.uint64(casters[t, 1]), np.uint64(casters[t, 2]), depth)
    for n in range(len(inside)):
        j = np.uint64(inside[n])
        i = np.uint64(near[j])
        facing = normals[i, 0] * way[2, 0] + normals[i, 1] * way[2, 1] + normals[i, 2] * way[2, 2]
        x, y = place[j, 0] - np.float32(0.5), place[j, 1] - np.float32(0.5)
        fx, fy = np.floor(x), np.floor(y)
        ix, iy = np.int64(fx), np.int64(fy)
        x -= fx
        y -= fy
        # What is seen at a slant spans more depth within a texel.
        behind = place[j, 2] + slack * (np.float32(3) - np.float32(2) * min(abs(facing), one))
        total = zero
        for k in range(4):
            dx, dy = k & 1, k >> 1
            px, py = min(max(ix + dx, 0), side - 1), min(max(iy + dy, 0), side - 1)
            part = one - min(max((depth[np.uint64(py), np.uint64(px)] - behind) * sharp, zero), one)
            total += part * (x if dx else one - x) * (y if dy else one - y)
        out[n] = total


@njit(fastmath=True, cache=True, forceinline=True)
def _deepen(place, a, b, c, depth):  # type: ignore[no-untyped-def]
    """Draws a triangle into a depth picture; the nearest to the viewer stays."""
    side = depth.shape[0]
    ax, ay, bx, by, cx, cy = place[a, 0], place[a, 1], place[b, 0], place[b, 1], place[c, 0], place[c, 1]
    twice = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    if abs(twice) < np.float32(1e-9):
        return
    inverse = np.float32(1) / twice
    half = np.float32(0.5)
    x0 = np.int64(max(np.ceil(min(ax, min(bx, cx)) - half), np.float32(0)))
    x1 = np.int64(min(np.ceil(max(ax, max(bx, cx)) - half), np.float32(side)))
    y0 = np.int64(max(np.ceil(min(ay, min(by, cy)) - half), np.float32(0)))
    y1 = np.int64(min(np.ceil(max(ay, max(by, cy)) - half), np.float32(side)))
    for y in range(y0, y1):  # they are small: every texel of the box is tried
        for x in range(x0, x1):
            px, py = np.float32(x) + half - ax, np.float32(y) + half - ay
            u = (px * (cy - ay) - (cx - ax) * py) * inverse
            v = ((bx - ax) * py - px * (by - ay)) * inverse
            if u >= 0 and v >= 0 and u + v <= 1:
                z = place[a, 2] + u * (place[b, 2] - place[a, 2]) + v * (place[c, 2] - place[a, 2])
                if z > depth[y, x]:
                    depth[y, x] = z
