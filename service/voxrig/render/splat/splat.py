"""A head of Gaussians as a renderer. Needs the extra render."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from voxrig.avatar.figure import TURNS, Figure, Picture
from voxrig.errors import unknown
from voxrig.render.background import Background
from voxrig.render.camera import Camera
from voxrig.render.posing import Posing
from voxrig.render.splat.binding import Binding
from voxrig.render.splat.gaussians import HISTORY, Gaussians
from voxrig.render.splat.raster import CpuRaster
from voxrig.types import Array

DEVICES = ("cpu", "gpu")


class Raster(Protocol):
    """What draws Gaussians, wherever."""

    def draw(
        self,
        means: Array,
        covariances: Array,
        colours: Array,
        opacities: Array,
        view: Array,
        focal: float,
        size: tuple[int, int],
        background: Array | None = None,
    ) -> Picture:
        """See CpuRaster."""
        ...


class Splat:
    """Draws Gaussians bound to a figure: a Renderer. ``camera`` may be set between frames.

    Gaussians that listen hear the frames that were drawn before this one.
    """

    def __init__(
        self,
        figure: Figure,
        gaussians: Gaussians,
        camera: Camera,
        size: tuple[int, int] = (512, 512),
        background: Background | None = None,
        device: str = "cpu",
    ) -> None:
        """Raises ValueError for a device that is none of DEVICES, ModelError for a GPU that is not there."""
        if device not in DEVICES:
            raise ValueError(unknown("device", device, DEVICES))
        ground = background or Background()
        self.camera, self.size, self.transparent = camera, size, ground.transparent
        self._ground = None if ground.transparent else np.asarray(ground.paint(size) / 255, np.float32)
        self._posing, self._binding = Posing(figure), Binding(figure, gaussians)
        self._raster = _raster(device)
        self._motion: Array | None = None

    def draw(self, values: Array) -> Picture:
        """The picture for values (c,) of the native rig, valid until the next call: see Renderer."""
        self._posing.pose(values)
        head = self._posing.turns(values)[TURNS.index("head")]
        before = np.repeat(values[None], HISTORY, 0) if self._motion is None else self._motion
        self._motion = np.concatenate([before[1:], values[None]])
        self._binding.carry(self._posing.points, self._motion, self.camera.eye, head)
        bound, camera = self._binding, self.camera
        return self._raster.draw(
            bound.means, bound.covariances, bound.colours, bound.opacities,
            camera.view(), camera.focal(self.size[0]), self.size, self._ground,
        )  # fmt: skip


def _raster(device: str) -> Raster:
    if device == "cpu":
        return CpuRaster()
    from voxrig.render.splat.cuda import CudaRaster

    return CudaRaster()
