"""What every figure is made with: normals, moves, and doing without what nobody sees.

Letters: v vertices, f faces, n entries.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from voxrig.avatar.figure import Figure, Index, Moves
from voxrig.types import Array

_WIDTHS = (0.02, 0.2)
"""Metres between the eyes that a file may really mean; others were made in another unit."""
_EYES = 0.063
"""Metres between the eyes of grown people."""


def normals(points: Array, faces: Index) -> Array:
    """Of each vertex (v, 3), from its triangles by their area; +Z where they have none."""
    a, b, c = (points[faces[:, k]].astype(np.float64) for k in range(3))
    cross = np.cross(b - a, c - a)
    total = np.zeros((len(points), 3))
    for axis in range(3):
        for k in range(3):
            total[:, axis] += np.bincount(faces[:, k], cross[:, axis], len(points))
    length = np.linalg.norm(total, axis=1, keepdims=True)
    flat = length < 1e-20
    return np.where(flat, [0.0, 0.0, 1.0], total / np.where(flat, 1, length)).astype(np.float32)


def mended(given: Array | None, points: Array, faces: Index) -> Array:
    """Normals of a file, and those of the triangles where it has none or none of length 1."""
    if given is None:
        return normals(points, faces)
    wrong = ~(np.abs(np.linalg.norm(given, axis=1) - 1) < 0.1)
    return np.where(wrong[:, None], normals(points, faces), given) if wrong.any() else given


def moves(count: int, owner: Index, shape: Index, by: Array) -> Moves:
    """Entries of ``count`` vertices in any order, without those that move nothing."""
    some = np.flatnonzero(by.any(1))
    order = some[np.argsort(owner[some], kind="stable")]
    start = np.concatenate([[0], np.cumsum(np.bincount(owner[some], minlength=count))])
    return Moves(start.astype(np.int32), shape[order].astype(np.int32), by[order].astype(np.float32))


def owners(figure: Figure) -> Index:
    """The vertex of each entry of the figure's moves: (n,)."""
    count = np.arange(len(figure.points), dtype=np.int32)
    return np.repeat(count, np.diff(figure.moves.start))


def kept(figure: Figure, faces: np.ndarray) -> Figure:
    """The same with only these faces, (f,) bool, and the vertices that they use."""
    stay = np.zeros(len(figure.points), bool)
    stay[figure.faces[faces]] = True
    place = np.cumsum(stay).astype(np.int32) - 1
    owner = owners(figure)
    own, old = stay[owner], figure.moves
    return replace(
        figure,
        points=figure.points[stay],
        normals=figure.normals[stay],
        uvs=figure.uvs[stay],
        faces=place[figure.faces[faces]],
        material=figure.material[faces],
        moves=moves(int(stay.sum()), place[owner[own]], old.shape[own], old.by[own]),
        shares=figure.shares[stay],
        tints=None if figure.tints is None else figure.tints[stay],
    )


def used(figure: Figure) -> Figure:
    """The same without vertices that are no corner of a face."""
    bare = np.bincount(figure.faces.ravel(), minlength=len(figure.points)) == 0
    return kept(figure, np.ones(len(figure.faces), bool)) if bare.any() else figure


def turned(figure: Figure) -> Figure:
    """The same, facing the other way."""
    turn = np.array([-1, 1, -1], np.float32)
    old = figure.moves
    return replace(
        figure,
        points=figure.points * turn,
        normals=figure.normals * turn,
        moves=Moves(old.start, old.shape, old.by * turn),
        pivots=figure.pivots * turn,
    )


def in_metres(figure: Figure) -> Figure:
    """The same at the size of a person, where its eyes lie so far apart that its unit was no metre."""
    if _WIDTHS[0] <= figure.width <= _WIDTHS[1]:
        return figure
    scale = np.float32(_EYES / figure.width)
    old = figure.moves
    return replace(
        figure,
        points=figure.points * scale,
        moves=Moves(old.start, old.shape, old.by * scale),
        pivots=figure.pivots * scale,
    )
