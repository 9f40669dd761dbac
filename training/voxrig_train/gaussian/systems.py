"""What draws a head in an evaluation: fitted Gaussians as voxrig draws them, and the mesh."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from voxrig.avatar.figure import TURNS, Figure
from voxrig.render.background import Background
from voxrig.render.camera import Camera
from voxrig.render.mesh import Mesh
from voxrig.render.posing import Posing
from voxrig.render.splat.binding import Binding
from voxrig.render.splat.gaussians import HISTORY, Gaussians
from voxrig.render.splat.listener import Listener
from voxrig.render.splat.raster import CpuRaster
from voxrig.rigs.native import NATIVE
from voxrig.types import Array

GREY = 128
"""sRGB behind all heads."""
_NEIGHBOURS = 8
"""Gaussians that say where a landmark is."""


class System(Protocol):
    """Draws one head."""

    def draw(self, motion: Array, view: Array, focal: float) -> Array:
        """The picture (h, w, 3), 0..1, on grey, for motion (t, c) of the native rig, newest frame last."""
        ...

    def marks(self, motion: Array) -> Array:
        """Where the landmarks of the lips are: (l, 3) metres."""
        ...


class Fitted:
    """A head of Gaussians. ``vertex`` (l,) are the landmarks among the figure's vertices."""

    def __init__(
        self, figure: Figure, gaussians: Gaussians, size: tuple[int, int], vertex: np.ndarray
    ) -> None:
        self._posing, self._size, self._vertex = Posing(figure), size, vertex
        self._binding = Binding(figure, gaussians)
        self._still = Binding(figure, _stilled(gaussians))
        self._raster = CpuRaster()
        self._ground = np.full((*size, 3), GREY / 255, np.float32)
        self._near, self._share = _nearest(figure, gaussians, vertex)

    def draw(self, motion: Array, view: Array, focal: float) -> Array:
        self._posing.pose(motion[-1])
        head = self._posing.turns(motion[-1])[TURNS.index("head")]
        eye = (-np.linalg.inv(view[:3, :3]) @ view[:3, 3]).astype(np.float32)
        self._binding.carry(self._posing.points, motion, eye, head)
        bound = self._binding
        out = self._raster.draw(
            bound.means,
            bound.covariances,
            bound.colours,
            bound.opacities,
            view,
            focal,
            self._size,
            self._ground,
        )
        return np.asarray(out[..., :3] / 255, np.float32)

    def marks(self, motion: Array) -> Array:
        """The mesh's, and what bases move the Gaussians about them beyond it, from where these rest."""
        self._posing.pose(motion[-1])
        head = self._posing.turns(motion[-1])[TURNS.index("head")]
        eye = np.zeros(3, np.float32)
        for binding in (self._binding, self._still):
            binding.carry(self._posing.points, motion, eye, head)
        beyond = self._binding.means - self._still.means
        out: Array = self._posing.points[self._vertex] + (beyond[self._near] * self._share[..., None]).sum(1)
        return out


class Meshed:
    """The figure itself. For cameras that stand upright with their axis in the middle of the picture."""

    def __init__(self, figure: Figure, size: tuple[int, int], vertex: np.ndarray) -> None:
        self._posing, self._vertex = Posing(figure), vertex
        grey = (GREY, GREY, GREY)
        self._mesh = Mesh(
            figure, Camera(np.ones(3, np.float32), np.zeros(3, np.float32), 0.5), size, Background(grey, grey)
        )

    def draw(self, motion: Array, view: Array, focal: float) -> Array:
        self._mesh.camera = upright(view, focal, self._mesh.size)
        return np.asarray(self._mesh.draw(motion[-1])[..., :3] / 255, np.float32)

    def marks(self, motion: Array) -> Array:
        self._posing.pose(motion[-1])
        return np.asarray(self._posing.points[self._vertex])


def upright(view: Array, focal: float, size: tuple[int, int]) -> Camera:
    """The camera of a view. Raises ValueError if it is tilted to a side or leans."""
    eye = -view[:3, :3].T @ view[:3, 3]
    camera = Camera(eye, eye - view[2, :3], 2 * float(np.arctan(size[0] / 2 / focal)))
    if np.abs(camera.view() - view).max() > 1e-3:
        raise ValueError("only an upright camera with its axis in the middle of the picture shows a mesh")
    return camera


def _stilled(gaussians: Gaussians) -> Gaussians:
    """As they lie at rest, with nothing that moves them: bases may rest elsewhere than at nothing."""
    bases = gaussians.bases
    if bases is not None:
        rest = np.tensordot(bases.mix[:, -1], bases.moves[..., :3], 1)
    elif gaussians.listener:
        still = np.repeat(NATIVE.rest[None], HISTORY, 0)
        rest = Listener(gaussians.listener, len(gaussians)).deltas(still)[:, :3]
    else:
        return gaussians
    return replace(gaussians, offset=(gaussians.offset + rest).astype(np.float32), bases=None, listener=b"")


def _nearest(figure: Figure, gaussians: Gaussians, vertex: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The Gaussians about each landmark at rest (l, 8), and the share of each."""
    corner = figure.points[figure.faces[gaussians.triangle]]
    share = np.stack([1 - gaussians.corner.sum(1), *gaussians.corner.T], 1)
    place = (corner * share[..., None]).sum(1)
    far = np.linalg.norm(place[None] - figure.points[vertex][:, None], axis=2)
    near = np.argsort(far, axis=1, kind="stable")[:, :_NEIGHBOURS]
    weight = gaussians.opacity[near] + 1e-3
    return near, (weight / weight.sum(1, keepdims=True)).astype(np.float32)
