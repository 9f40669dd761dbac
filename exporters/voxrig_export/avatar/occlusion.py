"""How much of the sky each place sees: what lies in a hollow or below the chin is darker."""

from __future__ import annotations

import numpy as np

from voxrig_export.avatar import surface
from voxrig_export.avatar.anny_data import Index, Points

_VIEWS = 44
_GRID = 0.0022
"""Metres: how fine shadows are."""
_NEAR = 0.0035
"""Metres that may lie before a place and not shade it."""


def openness(points: Points, normals: Points, faces: Index) -> Points:
    """0 for a place that sees nothing, 1 for one that sees all it faces: (v,). More counts what is above."""
    turn = np.arange(_VIEWS) * np.pi * (3 - np.sqrt(5))
    height = 1 - 2 * (np.arange(_VIEWS) + 0.5) / _VIEWS
    flat = np.sqrt(1 - height**2)
    ways = np.stack([flat * np.cos(turn), height, flat * np.sin(turn)], 1)
    corners = points[faces]
    shares = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [2, 1, 0], [0, 2, 1], [1, 0, 2.0]])
    shares /= shares.sum(1, keepdims=True)
    solid = np.einsum("kc,fcx->fkx", shares, corners).reshape(-1, 3)
    seen, total = np.zeros((2, len(points)))
    for way in ways:
        facing = normals @ way
        worth = np.clip(facing, 0, None) * (0.55 + 0.45 * way[1])
        right = np.cross(way, [0.0, 1.0, 0.02])
        right /= np.linalg.norm(right)
        axes = np.stack([right, np.cross(way, right)], 1) / _GRID
        low = (solid @ axes).min(0) - 1
        wide = int(((solid @ axes)[:, 0] - low[0]).max()) + 3

        def cell(places: Points, axes: Points = axes, low: Points = low, wide: int = wide) -> Index:
            column, row = (places @ axes - low + 0.5).astype(np.int64).T
            return np.asarray(row * wide + column)

        where, depth = cell(solid), solid @ way
        front = np.full(int(where.max()) + wide + 2, -1.0)
        np.maximum.at(front, where, depth)
        seen += worth * (front[cell(points)] < points @ way + _NEAR)
        total += worth
    return surface.smoothed(seen / np.maximum(total, 1e-9), faces, 2)
