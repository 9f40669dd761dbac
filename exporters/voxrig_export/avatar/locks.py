"""Locks of hair as strips of a picture, and the skull that they lie on. Metres."""

from __future__ import annotations

import numpy as np

from voxrig_export.avatar.anny_data import Index, Points
from voxrig_export.avatar.part import Part, still

MIDDLE = np.array([0.0, 0.02, -0.075])
"""Of the skull, from between the eyes."""


def outward(points: Points) -> Points:
    """Unit vectors away from skull and neck at points (v, 3)."""
    off = points - MIDDLE
    off[:, 1] = np.maximum(off[:, 1], 0)
    return np.asarray(off / np.maximum(np.linalg.norm(off, axis=1, keepdims=True), 1e-9))


class Bed:
    """What locks lie on: the skull, smoothed."""

    def __init__(self, points: Points) -> None:
        from scipy.spatial import cKDTree

        self._points, self._outs = points, outward(points)
        self._tree = cKDTree(points)

    def under(self, places: Points) -> tuple[Points, Points]:
        """Points (n, 3) of the bed below places (n, 3), and which way is out there."""
        far, near = self._tree.query(places, 16)
        share = 1 / (far + 0.002) ** 2
        share /= share.sum(1, keepdims=True)
        out = (self._outs[near] * share[..., None]).sum(1)
        return (self._points[near] * share[..., None]).sum(1), out / np.linalg.norm(
            out, axis=1, keepdims=True
        )


def cut(lines: Points, outs: Points, bottom: Points, reach: Points, knots: int) -> tuple[Points, Points]:
    """Lines (n, k, 3) ended at a height and a length (n,), with that many knots evenly along them."""
    run = np.concatenate(
        [np.zeros((len(lines), 1)), np.linalg.norm(np.diff(lines, axis=1), axis=2).cumsum(1)], 1
    )
    below = lines[..., 1] < bottom[:, None]
    last = np.where(below.any(1), below.argmax(1), lines.shape[1] - 1)
    whole = np.minimum(run[np.arange(len(lines)), last], reach)
    new = np.empty((2, len(lines), knots, 3))
    for i in range(len(lines)):
        at = np.linspace(0, whole[i], knots)
        for axis in range(3):
            new[0, i, :, axis] = np.interp(at, run[i], lines[i, :, axis])
            new[1, i, :, axis] = np.interp(at, run[i], outs[i, :, axis])
    return new[0], new[1] / np.linalg.norm(new[1], axis=2, keepdims=True)


def waved(lines: Points, outs: Points, curl: float, random: np.random.Generator) -> Points:
    """Lines (n, k, 3) that swing to and fro the more hair curls."""
    way = np.gradient(lines, axis=1)
    across = np.cross(way, outs)
    across /= np.maximum(np.linalg.norm(across, axis=2, keepdims=True), 1e-9)
    run = np.linalg.norm(way, axis=2).cumsum(1)
    phase = run / 0.011 + random.uniform(0, 2 * np.pi, (len(lines), 1))
    swing = 0.0045 * curl * np.minimum(1, run / 0.04)
    return np.asarray(
        lines + (np.sin(phase) * swing)[..., None] * across + (np.cos(phase) * swing * 0.6)[..., None] * outs
    )


def strips(lines: Points, outs: Points, wide: Points, sides: Points) -> Part:
    """Strips along lines (n, k, 3) that face outs (n, k, 3), with u (n, 2) at their two sides."""
    count, knots, _ = lines.shape
    way = np.gradient(lines, axis=1)
    across = np.cross(way, outs)
    across /= np.maximum(np.linalg.norm(across, axis=2, keepdims=True), 1e-9)
    taper = np.interp(np.arange(knots) / (knots - 1), [0, 0.2, 0.75, 1], [0.7, 1, 0.95, 0.55])
    half = across * (wide[:, None] * taper / 2)[..., None]
    points = np.stack([lines - half, lines + half], 2).reshape(-1, 3)
    radial = points - MIDDLE
    radial[:, 1] = np.maximum(radial[:, 1], -0.01)
    radial /= np.linalg.norm(radial, axis=1, keepdims=True)
    own = np.cross(across, way)
    own /= np.maximum(np.linalg.norm(own, axis=2, keepdims=True), 1e-9)
    own *= np.sign((own * outs).sum(2, keepdims=True) + 1e-9)
    normal = radial + 0.35 * np.repeat(own, 2, axis=1).reshape(-1, 3)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    u = sides[:, None, :].repeat(knots, 1)
    v = np.tile((np.arange(knots) / (knots - 1))[None, :, None] * 0.98 + 0.01, (count, 1, 2))
    base = (np.arange(count) * knots)[:, None] + np.arange(knots - 1)
    a = (2 * base).ravel()
    faces = np.stack([a, a + 1, a + 3, a, a + 3, a + 2], 1).reshape(-1, 3)
    return still("hair", points, normal, np.stack([u.ravel(), v.ravel()], 1), faces)


def spaced(random: np.random.Generator, places: Points, chance: Points, count: int) -> Index:
    """Picks of places (f, 3) that keep their distance: the best of several throws each."""
    total = np.cumsum(chance)
    throws = np.searchsorted(total, random.uniform(0, total[-1], (count, 12)))
    chosen = [int(throws[0, 0])]
    for row in throws[1:]:
        gap = np.linalg.norm(places[row][:, None] - places[chosen][None], axis=2).min(1)
        chosen.append(int(row[np.argmax(gap)]))
    return np.array(chosen)
