"""What is to be seen: which renderer, how large, from where, before what. Words become a Renderer here."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from math import degrees
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from voxrig.avatar.figure import Figure, Picture
from voxrig.errors import VoxrigError, one_line, unknown
from voxrig.render.background import Background
from voxrig.render.camera import FRAMINGS, Camera, framed
from voxrig.render.film import check_size
from voxrig.render.renderer import Renderer

if TYPE_CHECKING:
    from voxrig.render.splat import Gaussians

RENDERERS = ("mesh", "splat")
"""Those that draw an avatar: as engines show it, and as 3D Gaussians."""
_NEEDED = {"numba": "numba", "PIL": "pillow", "av": "av"}
_TURN, _TILT = 85.0, 60.0
"""Degrees that a camera goes round and up at most: beyond them there is no face to see."""
_LARGEST = 64_000_000  # pixels of a picture that is read


@dataclass(frozen=True)
class Look:
    """How an avatar is seen. Raises VoxrigError."""

    renderer: str = "mesh"
    size: tuple[int, int] = (512, 512)
    """Height and width, pixels."""
    framing: str = "head"
    yaw: float = 0.0
    """Radians that the camera stands to the subject's left."""
    pitch: float = 0.0
    """Radians that it stands above."""
    background: Background = field(default_factory=Background)
    gaussians: Path | None = None
    """Of splat: a file of them, .npz or .ply, that belongs to the avatar; they grow from it otherwise."""
    device: str = "cpu"
    """Where splat draws: cpu or gpu."""

    def __post_init__(self) -> None:
        check_size(self.size)
        if self.renderer not in RENDERERS:
            raise VoxrigError(unknown("renderer", one_line(self.renderer[:64]), RENDERERS))
        if self.framing not in FRAMINGS:
            raise VoxrigError(unknown("camera", one_line(self.framing[:64]), FRAMINGS))
        for name, angle, most in (("yaw", self.yaw, _TURN), ("pitch", self.pitch, _TILT)):
            if not -most <= degrees(angle) <= most:
                told = f"the camera's {name} is {degrees(angle):g} degrees"
                raise VoxrigError(f"{told}; have {-most:g} to {most:g}")

    def camera(self, figure: Figure) -> Camera:
        """Where it stands before a figure."""
        return framed(figure, self.framing, self.yaw, self.pitch)


def drawable() -> bool:
    """Whether all that renderers need is installed."""
    return all(find_spec(module) for module in _NEEDED)


def check_extra() -> None:
    """VoxrigError unless it is."""
    if not drawable():
        raise VoxrigError(f"pictures need {', '.join(_NEEDED.values())}; pip install 'voxrig[render]'")


class Turnable(Renderer, Protocol):
    """A renderer whose camera may move between pictures."""

    camera: Camera


def open_renderer(look: Look, figure: Figure) -> Turnable:
    """A renderer of a figure. Raises VoxrigError."""
    camera = look.camera(figure)
    if look.renderer == "splat":
        from voxrig.render.splat import Splat

        gaussians = _gaussians(look, figure)
        if look.device == "gpu" and not gaussians.listener:
            from voxrig.render.splat.cuda_splat import CudaSplat

            return CudaSplat(figure, gaussians, camera, look.size, look.background)
        return Splat(figure, gaussians, camera, look.size, look.background, look.device)
    from voxrig.render.mesh import Mesh

    return Mesh(figure, camera, look.size, look.background)


def _gaussians(look: Look, figure: Figure) -> Gaussians:
    """Raises FormatError for a file that holds none, or those of another avatar."""
    from voxrig.render.splat import bind, file, ply, sprout

    if look.gaussians is None:
        return sprout(figure)
    if look.gaussians.suffix.lower() == ".ply":
        return bind(figure, ply.read(look.gaussians))
    return file.load(look.gaussians, figure)


def backdrop(word: str) -> Background:
    """A background by its word: studio, none, or a colour as pages write it. Raises VoxrigError.

    >>> backdrop("#203040").top
    (32, 48, 64)
    """
    from PIL import ImageColor

    if word == "studio":
        return Background()
    if word == "none":
        return Background(transparent=True)
    try:
        colour = ImageColor.getrgb(word)[:3]
    except ValueError:
        have = ("studio", "none or a colour (green, #203040)")
        raise VoxrigError(unknown("background", one_line(word[:64]), have)) from None
    red, green, blue = colour
    return Background((red, green, blue), (red, green, blue))


def read_picture(path: str | Path) -> Picture:
    """A picture file as (h, w, 3), upright, alpha over black. Raises VoxrigError."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    name = one_line(str(path))
    try:
        with Image.open(path) as image:
            if image.width * image.height > _LARGEST:
                raise VoxrigError(f"{name} has {image.width}x{image.height} pixels; have {_LARGEST} at most")
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"), np.uint8)
    except UnidentifiedImageError as error:
        raise VoxrigError(f"{name} is no picture; give PNG, JPEG or WebP") from error
    except Image.DecompressionBombError as error:
        raise VoxrigError(f"{name} is too large a picture; have {_LARGEST} pixels at most") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise VoxrigError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}") from error
