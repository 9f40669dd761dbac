"""Hair without what nobody sees: most of a lock lies under other locks, and is drawn for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from voxrig_export.avatar.anny_data import Flags, Index, Points
from voxrig_export.avatar.paint import Values
from voxrig_export.avatar.part import Part, areas, used

_APART = 0.00085
"""Metres between the places that are tried."""
_CELL = 0.001
"""Metres: the grain in which nearness is compared."""
_SHARE = 0.03
"""A triangle stays if this much of it is seen from somewhere."""
_HEIGHTS = (-20, 5, 30, 60)
"""Degrees over the horizon from which a head is looked at, all around it."""
_AROUND = 12


def thinned(hair: Part, over: Sequence[Part], cover: Points, cutoff: float) -> Part:
    """The triangles of ``hair`` that show, from outside, among the parts ``over``.

    ``cover`` (h, w) is how much of the hair's picture is hair, and it counts from ``cutoff`` on.
    """
    owner, place, uv = _scattered(hair)
    rows = np.minimum((uv * cover.shape[::-1]).astype(np.int64), np.array(cover.shape[::-1]) - 1)
    there = cover[rows[:, 1], rows[:, 0]] >= cutoff
    owner, place = owner[there], place[there]
    solid = np.concatenate([_scattered(part)[1] for part in over])
    everything = np.concatenate([place, solid]).astype(np.float32)
    most = np.zeros(len(hair.faces), np.int64)
    for way in _ways():
        first = _first(everything, way)[: len(place)]
        most = np.maximum(most, np.bincount(owner[first], minlength=len(most)))
    return used(replace(hair, faces=hair.faces[most * _CELL**2 > _SHARE * areas(hair)]))


def _ways() -> Points:
    """Directions from which a head is seen: (n, 3)."""
    grid = np.meshgrid(np.radians(_HEIGHTS), np.arange(_AROUND) * 2 * np.pi / _AROUND)
    up, around = grid[0].ravel(), grid[1].ravel()
    ways = np.stack([np.sin(around) * np.cos(up), np.sin(up), np.cos(around) * np.cos(up)], 1)
    return np.concatenate([ways, [[0.0, 1.0, 0.0]]])


def _scattered(part: Part) -> tuple[Index, Points, Points]:
    """Places spread evenly over triangles: whose each is (n,), where (n, 3), and its u and v (n, 2)."""
    count = np.ceil(areas(part) / _APART**2).astype(np.int64)
    owner = np.repeat(np.arange(len(part.faces)), count)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    # The R2 sequence fills a square evenly; folded, it fills a triangle.
    share = np.modf(0.5 + (rank[:, None] + 1) * np.array([0.7548776662466927, 0.5698402909980532]))[0]
    share = np.where(share.sum(1, keepdims=True) > 1, 1 - share, share)
    share = np.concatenate([1 - share.sum(1, keepdims=True), share], 1)[..., None]
    corners = part.faces[owner]
    return owner, (part.points[corners] * share).sum(1), (part.uvs[corners] * share).sum(1)


def _first(places: Values, way: Points) -> Flags:
    """Which of places (n, 3) are the first in their cell for who looks from a direction."""
    aside = np.cross([0.0, 1.0, 0.0] if abs(way[1]) < 0.9 else [0.0, 0.0, 1.0], way)
    aside /= np.linalg.norm(aside)
    flat = np.floor(places @ np.stack([aside, np.cross(way, aside)], 1) / _CELL).astype(np.int64)
    flat -= flat.min(0)
    cell = flat[:, 0] * (flat[:, 1].max() + 1) + flat[:, 1]
    near = places @ way
    best = np.full(int(cell.max()) + 1, -np.inf, near.dtype)
    np.maximum.at(best, cell, near)
    return np.asarray(near >= best[cell])
