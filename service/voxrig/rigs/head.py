"""Our own head: a bust that knows the 52 ARKit shapes. What other faces are measured against.

Metres, right-handed: +Y up, +Z out of the face, +X to the subject's left; the origin lies midway
between the eyeballs. The file and its public-domain sources are described in ``voxrig_train.head``.
Letters: v vertices, f faces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxrig.errors import ModelError
from voxrig.types import Array

Index = NDArray[np.int64]
Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Hinge:
    """A turn about an axis parallel to X, as the jaw's."""

    centre: Points  # (3,) metres; x is 0
    angle: float
    """Radians; positive moves +Z towards -Y, which opens a jaw."""

    def travel(self, points: Points) -> Points:
        """How far the turn carries points (n, 3): (n, 3)."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        turn = np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])
        return np.asarray((points - self.centre) @ turn.T + self.centre - points)

    def share(self, points: Points, moved: Points) -> Points:
        """The part of the turn that points (n, 3) make when they move by ``moved`` (n, 3): (n,), 1 is all.

        Within 5 mm of the axis, where the turn moves nothing, it fades to 0.
        """
        whole = self.travel(points)
        length = np.maximum((whole**2).sum(axis=1), (0.005 * self.angle) ** 2)
        return np.asarray((whole * moved).sum(axis=1) / length)


def hinge(points: Points, moved: Points) -> Hinge:
    """The turn about X that best carries points (n, 3) by ``moved`` (n, 3), in the least squares sense."""
    start, end = points[:, 1:], (points + moved)[:, 1:]
    a, b = start - start.mean(axis=0), end - end.mean(axis=0)
    angle = float(np.arctan2((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum(), (a * b).sum()))
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    shift = end.mean(axis=0) - turn @ start.mean(axis=0)
    return Hinge(np.array([0.0, *np.linalg.solve(np.eye(2) - turn, shift)]), angle)


@dataclass(frozen=True, eq=False)
class Head:
    """A face at rest and how each of the 52 shapes moves it."""

    vertices: Array  # (v, 3) float32 metres
    quads: Index  # (f, 4); a triangle repeats its last corner
    group: Index  # (v,) index into group_names
    group_names: tuple[str, ...]
    curves: tuple[str, ...]  # the 52 shapes, in native order
    landmarks: Mapping[str, int]
    """Vertex of each named point; *_left and *_right are mirror images."""
    credit: str
    _start: Index  # (53,) rows of _vertex and _delta for each shape
    _vertex: Index  # (n,)
    _delta: Array  # (n, 3) metres

    @cached_property
    def deltas(self) -> Array:
        """Displacement of every vertex by every shape at 1: (52, v, 3) float32 metres."""
        full = np.zeros((len(self.curves), *self.vertices.shape), np.float32)
        shape = np.repeat(np.arange(len(self.curves)), np.diff(self._start))
        full[shape, self._vertex] = self._delta
        return full

    def delta(self, curve: str) -> Array:
        """Displacement by one shape: (v, 3) metres."""
        return np.asarray(self.deltas[self.curves.index(curve)])

    def pose(self, weights: ArrayLike) -> Array:
        """The face with the 52 shapes at these weights (52,): (v, 3) metres."""
        each = np.asarray(weights, np.float32)
        if each.shape != (len(self.curves),):
            raise ValueError(f"weights must be ({len(self.curves)},), got {each.shape}")
        rows = self._delta * np.repeat(each, np.diff(self._start))[:, None]
        posed = self.vertices.copy()
        np.add.at(posed, self._vertex, rows)
        return posed

    def members(self, *groups: str) -> Index:
        """Vertices of the named groups, in order: (n,)."""
        return np.flatnonzero(np.isin(self.group, [self.group_names.index(name) for name in groups]))

    def jaw(self) -> Hinge:
        """The turn of the lower teeth, which are rigid, when jawOpen is 1."""
        teeth = self.members("lower_teeth")
        return hinge(self.vertices[teeth].astype(np.float64), self.delta("jawOpen")[teeth].astype(np.float64))


def load() -> Head:
    """The head that ships with voxrig. Raises ModelError if the installation lacks it."""
    path = files("voxrig") / "packs" / "head.npz"
    if not path.is_file():
        raise ModelError("packs/head.npz is missing from this installation of voxrig; install it again")
    with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
        landmarks = zip(data["landmark_names"].tolist(), data["landmark_vertices"].tolist(), strict=True)
        return Head(
            vertices=(data["vertices"] * data["vertex_unit"]).astype(np.float32),
            quads=data["quads"].astype(np.int64),
            group=data["group"].astype(np.int64),
            group_names=tuple(data["group_names"].tolist()),
            curves=tuple(data["curves"].tolist()),
            landmarks=MappingProxyType(dict(landmarks)),
            credit=str(data["credit"]),
            _start=data["delta_start"].astype(np.int64),
            _vertex=data["delta_vertex"].astype(np.int64),
            _delta=(data["deltas"] * data["delta_unit"]).astype(np.float32),
        )
