"""A mesh head as pictures, on the processor. Needs the extra render."""

from __future__ import annotations

import numpy as np
from numba import get_num_threads

from voxrig.avatar.figure import Figure, Index, Picture
from voxrig.render import occlusion, pixels, shading
from voxrig.render.background import Background
from voxrig.render.camera import Camera
from voxrig.render.light import STUDIO, Light
from voxrig.render.posing import Posing
from voxrig.render.textures import Textures, density
from voxrig.render.visibility import BAND, Visibility
from voxrig.types import Array

LARGEST = 8192
"""Pixels of a picture's side at most."""


class Mesh:
    """Draws a figure as textured triangles: a Renderer. ``camera`` may be set between frames."""

    def __init__(
        self,
        figure: Figure,
        camera: Camera,
        size: tuple[int, int] = (512, 512),
        background: Background | None = None,
        antialias: bool = True,
        light: Light = STUDIO,
    ) -> None:
        """Takes about a second: it finds what lies in whose shade. Raises ValueError for a bad size."""
        if len(size) != 2 or not all(1 <= side <= LARGEST for side in size):
            raise ValueError(f"size must be a height and a width of 1..{LARGEST} pixels, got {size}")
        background = background or Background()
        self.camera, self.size, self.transparent = (
            camera,
            (int(size[0]), int(size[1])),
            background.transparent,
        )
        self._posing = Posing(figure)
        self._textures = Textures(figure.materials)
        self._each = 2 if antialias else 1
        samples = (self.size[0] * self._each, self.size[1] * self._each)
        self._visibility = Visibility(figure, self._textures, samples, antialias)
        self._nears = np.zeros((get_num_threads(), BAND, samples[1]), np.float32)
        self._triangles = np.zeros(self._nears.shape, np.int32)
        self._behind = background.paint(self.size)
        self._picture: Picture = np.zeros((*self.size, 4 if self.transparent else 3), np.uint8)
        self._lamps, self._looks, self._curve = light.table(), shading.looks(), shading.curves()
        self._kind = shading.kinds(figure.materials)
        self._kinds = occlusion.kind_of_points(figure)
        self._openings = occlusion.Openings(figure, occlusion.ambient(figure))
        self._shadow = occlusion.shadow(figure, self._lamps[0])
        # Levels are for pixels; the screen is in samples.
        self._density = density(figure, self._textures) + np.float32(self._each - 1)
        self._tints = np.ones_like(figure.points) if figure.tints is None else figure.tints
        self._along = _along(figure)
        self._screen = np.zeros_like(figure.points)
        self._lit = np.zeros((len(figure.points), shading.PARTS), np.float32)

    def draw(self, values: Array) -> Picture:
        """The picture for values (c,) of the native rig; see Renderer."""
        self._pose(values)
        self._light()
        self._paint()
        return self._picture

    def _pose(self, values: Array) -> None:
        self._posing.pose(values)
        self._openings.update(self._posing.points, self._posing.normals, self._posing.turns(values)[2])

    def _light(self) -> None:
        posing, camera = self._posing, self.camera
        height, width = self._visibility.size
        self._half = _half(self._lamps[0], camera)
        shading.light_up(
            posing.points, posing.normals, posing.figure.uvs, self._tints, self._along, self._kinds,
            self._openings.share, self._shadow, self._density, camera.view(),
            np.float32(camera.focal(height)), height, width, self._lamps, self._half, self._looks,
            self._screen, self._lit,
        )  # fmt: skip

    def _paint(self) -> None:
        figure, textures = self._posing.figure, self._textures
        pixels.draw(
            self._visibility.sight(self._screen), figure.faces, self._lit, figure.material, self._kind,
            textures.colours, textures.levels, textures.counts, self._half, self._curve, self._behind,
            self._each, self._nears, self._triangles, self._picture,
        )  # fmt: skip


def _half(lamp: Array, camera: Camera) -> Array:
    """The normal of a mirror that shows a lamp to the camera: (3,)."""
    back = camera.eye - camera.target
    half = lamp + back / np.linalg.norm(back)
    return np.asarray(half / np.linalg.norm(half), np.float32)


def _along(figure: Figure) -> Index:
    """For each vertex two between which its strand runs: the edge that goes furthest along v."""
    faces = figure.faces
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    shift = np.abs(figure.uvs[edges[:, 0]] - figure.uvs[edges[:, 1]])
    far = shift[:, 1] / (shift.sum(1) + 1e-9)
    out = np.repeat(np.arange(len(figure.points), dtype=np.int32)[:, None], 2, 1)
    rank = np.argsort(far, kind="stable")
    out[edges[rank, 0]] = edges[rank]
    return out
