"""Meshes as arrays: smoother by subdivision, with normals, cut along a line.

Quads while a shape is being made, triangles when it is finished. Letters: v vertices, f faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from voxrig_export.avatar.anny_data import Index, Points


@dataclass(frozen=True, eq=False)
class Subdivision:
    """One step of Catmull and Clark, as matrices: whatever moves with the old vertices moves with the new."""

    smooth: Any  # (new v, v) sparse: points, and displacements of points
    plain: Any  # (new v, v) sparse: what is only interpolated, as UVs
    quads: Index  # (4 f, 4); children of face i are 4 i … 4 i + 3


def subdivide(quads: Index, count: int) -> Subdivision:
    """Each quad (f, 4) of ``count`` vertices into four. New vertices: the old, then faces, then edges."""
    from scipy.sparse import coo_array, diags_array

    faces = len(quads)
    ends = np.sort(np.stack([quads, np.roll(quads, -1, 1)], 2).reshape(-1, 2), 1)
    edges, which = np.unique(ends, axis=0, return_inverse=True)
    which = which.reshape(faces, 4)
    sides = np.bincount(which.ravel(), minlength=len(edges))
    edge_row = np.arange(len(edges))

    def matrix(rows: Index, columns: Index, values: Points, shape: tuple[int, int]) -> Any:
        return coo_array((values, (rows, columns)), shape).tocsr()

    centre = matrix(np.repeat(np.arange(faces), 4), quads.ravel(), np.full(4 * faces, 0.25), (faces, count))
    middle = matrix(np.repeat(edge_row, 2), edges.ravel(), np.full(2 * len(edges), 0.5), (len(edges), count))
    of_edge = matrix(which.ravel(), np.repeat(np.arange(faces), 4), np.ones(4 * faces), (len(edges), faces))
    inner = (sides == 2).astype(np.float64)
    edge_rule = (
        diags_array(inner) @ (middle * 0.5 + of_edge @ centre * 0.25) + diags_array(1 - inner) @ middle
    )

    of_corner = matrix(quads.ravel(), np.repeat(np.arange(faces), 4), np.ones(4 * faces), (count, faces))
    touching = matrix(edges.ravel(), np.repeat(edge_row, 2), np.ones(2 * len(edges)), (count, len(edges)))
    n = np.maximum(np.bincount(quads.ravel(), minlength=count), 1).astype(np.float64)
    m = np.maximum(np.bincount(edges.ravel(), minlength=count), 1).astype(np.float64)
    rim = np.zeros(count, bool)
    rim[edges[sides != 2].ravel()] = True
    full = np.where(rim, 0.0, 1.0)
    inside = (
        diags_array(full / n**2) @ of_corner @ centre
        + diags_array(full * 2 / n / m) @ touching @ middle
        + diags_array(full * (n - 3) / n)
    )
    outer = touching @ diags_array(1 - inner)
    share = np.maximum(outer.sum(axis=1), 1)
    along = diags_array((1 - full) * 0.5 / share) @ outer @ middle + diags_array((1 - full) * 0.5)
    from scipy.sparse import eye_array, vstack

    smooth = vstack([inside + along, centre, edge_rule]).tocsr()
    plain = vstack([eye_array(count), centre, middle]).tocsr()
    f, e = count + np.arange(faces), count + faces + which
    children = [np.stack([quads[:, k], e[:, k], f, e[:, k - 1]], 1) for k in range(4)]
    return Subdivision(smooth, plain, np.stack(children, 1).reshape(-1, 4))


def triangles(quads: Index) -> Index:
    """Two triangles for each quad: (2 f, 3)."""
    return np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], 1).reshape(-1, 3)


def mixed(quads: Index, fine: Index) -> Index:
    """Triangles of a mesh that is subdivided only where ``fine`` (f,) says, without a gap.

    Rows are (parent face, slot): slots 0..3 are the corners of the parent, 4..7 the middles of its edges,
    8 its centre; see ``slots``. Where a neighbour is finer, the middle of the edge between is used, too.
    """
    table = slots(quads)
    present = np.zeros(int(quads.max()) + 1, bool)
    present[table[fine, 4:8]] = True
    out = [
        _rows(
            np.flatnonzero(fine),
            [[k, 4 + k, 8] for k in range(4)] + [[k, 8, 4 + (k - 1) % 4] for k in range(4)],
        )
    ]
    bits = (present[table[:, 4:8]] * [1, 2, 4, 8]).sum(1)
    for pattern in range(16):
        rows = np.flatnonzero(~fine & (bits == pattern))
        around = [slot for k in range(4) for slot in ([k, 4 + k] if pattern >> k & 1 else [k])]
        start = next((i for i, slot in enumerate(around) if slot > 3), 0)
        around = around[start:] + around[:start]  # a fan from the middle of an edge has no flat triangle
        out.append(_rows(rows, [[around[0], *pair] for pair in pairwise(around[1:])]))
    return np.concatenate(out)


def slots(quads: Index) -> Index:
    """Nine vertices of each parent of subdivided quads (4 f, 4): (f, 9) corners, middles of edges, centre."""
    children = quads.reshape(-1, 4, 4)
    return np.concatenate([children[:, :, 0], children[:, :, 1], children[:, :1, 2]], 1)


def _rows(parents: Index, triples: list[list[int]]) -> Index:
    each = np.broadcast_to(np.array(triples), (len(parents), len(triples), 3))
    return np.stack([np.broadcast_to(parents[:, None, None], each.shape), each], -1).reshape(-1, 3, 2)


def normals(points: Points, faces: Index) -> Points:
    """Unit normals (v, 3), each the mean of its triangles (f, 3) by area; +Z where there is none."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    total = np.zeros_like(points)
    for axis in range(3):
        total[:, axis] = sum(
            np.bincount(faces[:, k], cross[:, axis], minlength=len(points)) for k in range(3)
        )
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 1e-14, total / np.maximum(length, 1e-14), [0.0, 0.0, 1.0])


def smoothed(values: Points, faces: Index, rounds: int) -> Points:
    """Values (v,) or (v, n) averaged with their neighbours, ``rounds`` times."""
    from scipy.sparse import coo_array, diags_array

    rows, columns, count = faces.T.ravel(), np.roll(faces, -1, 1).T.ravel(), len(values)
    near = coo_array((np.ones(2 * len(rows)), (np.r_[rows, columns], np.r_[columns, rows])), (count, count))
    mean = diags_array(1 / np.maximum(near.sum(axis=1), 1)) @ near.tocsr()
    for _ in range(rounds):
        values = 0.5 * values + 0.5 * (mean @ values)
    return values


@dataclass(frozen=True, eq=False)
class Cut:
    """The part of a mesh on one side of a line, its rim drawn exactly onto the line."""

    faces: Index  # (f, 3) into the old vertices
    mix: Any  # (v, v) sparse: old vertices to those of the part; only rows of the rim differ from 1


def cut(faces: Index, height: Points) -> Cut:
    """Keep triangles (f, 3) that have a corner where height (v,) is above 0."""
    from scipy.sparse import coo_array

    above = height > 0
    kept = faces[above[faces].any(axis=1)]
    count = len(height)
    partner, reach = np.arange(count), np.zeros(count)
    for a, b in ((0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (0, 2)):
        low, high = kept[:, a], kept[:, b]
        pick = ~above[low] & above[high]
        low, high = low[pick], high[pick]
        step = height[low] / (height[low] - height[high])  # how far along the edge the line is
        better = step > reach[low]
        partner[low[better]], reach[low[better]] = high[better], step[better]
    rows = np.arange(count)
    mix = coo_array(
        (np.r_[1 - reach, reach], (np.r_[rows, rows], np.r_[rows, partner])), (count, count)
    ).tocsr()
    return Cut(kept, mix)
