"""A figure in motion: values of the native rig to posed points and normals. Needs the extra render."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numba import njit, prange

from voxrig.avatar.figure import TURNS, Figure
from voxrig.avatar.surface import owners
from voxrig.rigs import maps
from voxrig.rigs.native import EYE_PITCH, EYE_YAW, HEAD_CURVES, NATIVE
from voxrig.types import Array, Frames

_LOOK = {"Up": (-EYE_PITCH, 0.0), "Down": (EYE_PITCH, 0.0), "In": (0.0, EYE_YAW), "Out": (0.0, EYE_YAW)}
"""Radians of pitch and yaw that an eyeLook shape at 1 turns an eye which only a joint moves."""
_NECK = 0.4
"""Part of a turn of the head that the neck makes."""


class Posing:
    """Poses one figure. ``points`` and ``normals`` (v, 3) float32 hold the last pose."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.points = figure.points.copy()
        self.normals = figure.normals.copy()
        self._map = None if figure.rig is NATIVE else maps.map_to(NATIVE, figure.rig)
        self._shaped = np.array([figure.rig.index(name) for name in figure.shapes], np.int64)
        self._angles = np.array([NATIVE.index(name) for name in HEAD_CURVES], np.int64)
        self._looks = [_looks(figure, side) for side in ("Left", "Right")]
        moves = figure.moves
        moved = np.diff(moves.start) > 0
        self._turned = np.flatnonzero(moved[figure.faces].any(1)).astype(np.int32)
        self._bent = np.unique(figure.faces[self._turned]).astype(np.int32)
        self._flat = np.zeros((len(self._turned), 3), np.float32)
        self._rest = np.zeros((len(self._bent), 3), np.float32)
        _crossed(figure.points, figure.faces, self._turned, self._flat)
        self._around = _around(figure, self._turned, self._bent, self._flat)
        _gathered(*self._around, self._flat, self._rest)
        self._shift = np.zeros_like(figure.normals)
        self._placed = np.zeros_like(figure.points)

    def pose(self, values: Array) -> None:
        """Take the pose of values (c,) of the native rig."""
        figure, moves = self.figure, self.figure.moves
        weights = self.weights(values)
        _blend(figure.points, moves.start, moves.shape, moves.by, weights, self._placed)
        _crossed(self._placed, figure.faces, self._turned, self._flat)
        _bend(*self._around, self._flat, self._rest, self._bent, self._shift)
        turns = self.turns(values)
        _carry(self._placed, figure.normals, self._shift, figure.shares, turns, self.points, self.normals)

    def weights(self, values: Array) -> Array:
        """How far each shape of the figure goes: (s,)."""
        own = values
        if self._map is not None:
            own = self._map(Frames(NATIVE, values[None].astype(np.float32), Fraction(1))).values[0]
        return np.ascontiguousarray(own[self._shaped], np.float32)

    def turns(self, values: Array) -> Array:
        """Where each of TURNS takes points: (5, 3, 4)."""
        yaw, pitch, roll = (float(value) for value in values[self._angles])
        pivots = self.figure.pivots.astype(np.float64)
        out = np.tile(np.eye(4), (len(TURNS), 1, 1))
        out[1] = _about(pivots[1], yaw * _NECK, pitch * _NECK, roll * _NECK)
        rest = 1 - _NECK
        out[2] = out[1] @ _about(pivots[2], yaw * rest, pitch * rest, roll * rest)
        for i, look in zip((3, 4), self._looks, strict=True):
            up, aside = (float(angle) for angle in values[look[0]] @ look[1]) if look else (0.0, 0.0)
            out[i] = out[2] @ _about(pivots[i], aside, up, 0.0)
        return np.ascontiguousarray(out[:, :3], np.float32)


def _about(pivot: np.ndarray, yaw: float, pitch: float, roll: float) -> np.ndarray:
    """A turn (4, 4), signs as on the native rig: + to the subject's right, down, to the right shoulder."""
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (-yaw, pitch, roll))
    turn = (
        np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        @ np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    )
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = turn, pivot - turn @ pivot
    return out


def _looks(figure: Figure, side: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Curves that turn an eye, and by how much (4, 2); None where shapes of the figure do it."""
    names = [f"eyeLook{way}{side}" for way in _LOOK]
    own = figure.shares[owners(figure), TURNS.index("leftEye" if side == "Left" else "rightEye")] > 0.5
    both = ("lookUp", "lookDown", "lookLeft", "lookRight")  # as a VRM calls them
    known = [i for i, name in enumerate(figure.shapes) if name in names or name in both]
    if np.isin(figure.moves.shape[own], known).any():
        return None
    angles = np.array(list(_LOOK.values()))
    inward = 1.0 if side == "Left" else -1.0  # the left eye looks in to the subject's right, which is +
    angles[:, 1] *= np.array([0, 0, inward, -inward])
    return np.array([NATIVE.index(name) for name in names]), angles


def _around(
    figure: Figure, turned: np.ndarray, bent: np.ndarray, flat: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of each bent vertex, the turned triangles about its place, also those across a seam: start, index.

    Those that face the other way than the vertex are the back of the same sheet and no part of its bend.
    """
    place, seam = np.unique(np.round(figure.points, 6), axis=0, return_inverse=True)
    corner = seam.reshape(-1)[figure.faces[turned]].ravel()
    order = np.argsort(corner, kind="stable")
    first = np.searchsorted(corner[order], np.arange(len(place) + 1))
    own = seam.reshape(-1)[bent]
    count = first[own + 1] - first[own]
    owner = np.repeat(np.arange(len(bent)), count)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    index = order[first[own][owner] + within] // 3
    same = np.einsum("nk,nk->n", flat[index], figure.normals[bent][owner]) >= 0
    same |= ~np.bincount(owner[same], minlength=len(bent)).astype(bool)[owner]
    start = np.concatenate([[0], np.cumsum(np.bincount(owner[same], minlength=len(bent)))])
    return start.astype(np.int32), index[same].astype(np.int32)


@njit(parallel=True, fastmath=True, cache=True)
def _blend(points, start, shape, by, weights, out):  # type: ignore[no-untyped-def]
    for i in prange(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        for e in range(start[i], start[i + 1]):
            w = weights[shape[e]]
            x += w * by[e, 0]
            y += w * by[e, 1]
            z += w * by[e, 2]
        out[i, 0], out[i, 1], out[i, 2] = x, y, z


@njit(parallel=True, fastmath=True, cache=True)
def _crossed(points, faces, which, out):  # type: ignore[no-untyped-def]
    """Twice the area of each triangle, along its normal."""
    for k in prange(len(which)):
        a, b, c = faces[which[k], 0], faces[which[k], 1], faces[which[k], 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        out[k, 0] = uy * vz - uz * vy
        out[k, 1] = uz * vx - ux * vz
        out[k, 2] = ux * vy - uy * vx


@njit(parallel=True, fastmath=True, cache=True)
def _gathered(start, index, flat, out):  # type: ignore[no-untyped-def]
    for i in prange(len(out)):
        x = y = z = np.float32(0)
        for e in range(start[i], start[i + 1]):
            x += flat[index[e], 0]
            y += flat[index[e], 1]
            z += flat[index[e], 2]
        length = np.float32(1) / np.sqrt(x * x + y * y + z * z + np.float32(1e-24))
        out[i, 0], out[i, 1], out[i, 2] = x * length, y * length, z * length


@njit(parallel=True, fastmath=True, cache=True)
def _bend(start, index, flat, rest, bent, shift):  # type: ignore[no-untyped-def]
    """What the pose adds to the normals of the file: those may know more than the triangles."""
    for i in prange(len(bent)):
        x = y = z = np.float32(0)
        for e in range(start[i], start[i + 1]):
            x += flat[index[e], 0]
            y += flat[index[e], 1]
            z += flat[index[e], 2]
        length = np.float32(1) / np.sqrt(x * x + y * y + z * z + np.float32(1e-24))
        v = bent[i]
        shift[v, 0] = x * length - rest[i, 0]
        shift[v, 1] = y * length - rest[i, 1]
        shift[v, 2] = z * length - rest[i, 2]


@njit(parallel=True, fastmath=True, cache=True)
def _carry(placed, normals, shift, shares, turns, points, out):  # type: ignore[no-untyped-def]
    """Skinning: each vertex by its share of each turn."""
    for i in prange(len(placed)):
        t = np.zeros((3, 4), np.float32)
        for j in range(shares.shape[1]):
            s = shares[i, j]
            if s > 0:
                for r in range(3):
                    for c in range(4):
                        t[r, c] += s * turns[j, r, c]
        x, y, z = placed[i, 0], placed[i, 1], placed[i, 2]
        nx, ny, nz = normals[i, 0] + shift[i, 0], normals[i, 1] + shift[i, 1], normals[i, 2] + shift[i, 2]
        for r in range(3):
            points[i, r] = t[r, 0] * x + t[r, 1] * y + t[r, 2] * z + t[r, 3]
        mx = t[0, 0] * nx + t[0, 1] * ny + t[0, 2] * nz
        my = t[1, 0] * nx + t[1, 1] * ny + t[1, 2] * nz
        mz = t[2, 0] * nx + t[2, 1] * ny + t[2, 2] * nz
        length = np.float32(1) / np.sqrt(mx * mx + my * my + mz * mz + np.float32(1e-24))
        out[i, 0], out[i, 1], out[i, 2] = mx * length, my * length, mz * length
