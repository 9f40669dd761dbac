"""A capture: pictures of one face in motion from cameras that are known, with the curves that moved it.

A folder with ``capture.json``, pictures and a table of curves; docs/gaussian.md tells each field. Metres,
+Y up; cameras look along their -Z, as in OpenGL. Nothing here knows how it is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxrig.avatar.figure import Picture
from voxrig.errors import FormatError, one_line
from voxrig.types import Array

USES = ("learn", "test")


@dataclass(frozen=True, eq=False)
class View:
    """A camera of a capture."""

    name: str
    rigid: Array  # (4, 4) world to camera
    focal: float
    """Pixels."""
    centre: tuple[float, float]
    """Where the axis meets the picture: pixels from its left and its upper edge."""
    use: str = "learn"

    def matrix(self, size: tuple[int, int]) -> Array:
        """World to camera (4, 4) for a renderer that has the axis in the middle of the picture.

        Leaning the space before the camera moves the picture as a shifted sensor does, exactly.
        """
        h, w = size
        out = self.rigid.astype(np.float64)
        out[0] -= (self.centre[0] - w / 2) / self.focal * self.rigid[2]
        out[1] += (self.centre[1] - h / 2) / self.focal * self.rigid[2]
        return out.astype(np.float32)


@dataclass(frozen=True)
class Clip:
    """Consecutive rows of the curves: one sentence."""

    name: str
    first: int
    count: int
    use: str = "learn"


@dataclass(frozen=True)
class Shot:
    """One picture."""

    picture: str
    """Its file, from the capture's folder."""
    view: int
    row: int
    """Of the curves."""
    mask: str | None = None
    """A grey picture: white where the person is."""


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Points of the person's lips, where they are known: what mouths are compared by."""

    vertex: NDArray[np.int64]  # (l,) of the figure, to which they correspond
    points: Array  # (t, l, 3) metres, by rows of the curves


@dataclass(frozen=True, eq=False)
class Capture:
    """What ``capture.json`` tells. Pictures stay on the disk until ``picture`` is asked."""

    folder: Path
    size: tuple[int, int]
    """Height and width of all pictures."""
    fps: float
    values: Array  # (t, c) of the native rig
    views: tuple[View, ...]
    clips: tuple[Clip, ...]
    shots: tuple[Shot, ...]
    background: tuple[float, float, float] | None = None
    """sRGB 0..1 behind the person where pictures have neither alpha nor a mask."""
    figure: Path | None = None
    """The avatar that the curves move; None is the one that ships."""
    landmarks: Landmarks | None = None

    def picture(self, shot: Shot) -> Picture:
        """(h, w, 4) sRGB with straight alpha. Raises FormatError."""
        pixels = _opened(self.folder / shot.picture, "RGBA", self.size)
        if shot.mask is not None:
            mask = _opened(self.folder / shot.mask, "L", self.size)
            pixels[..., 3] = (pixels[..., 3].astype(np.uint16) * mask // 255).astype(np.uint8)
        elif self.background is None and pixels[..., 3].min() == 255:
            raise FormatError(
                f"picture {shot.picture} has no alpha; give it alpha or a mask, "
                "or give the capture a background colour"
            )
        return pixels

    def clip(self, shot: Shot) -> Clip:
        return next(clip for clip in self.clips if clip.first <= shot.row < clip.first + clip.count)

    def motion(self, shot: Shot, count: int) -> Array:
        """Values (count, c) of the last frames, the shot's own last; before its clip the first one held."""
        rows = np.arange(shot.row - count + 1, shot.row + 1)
        out: Array = self.values[np.maximum(rows, self.clip(shot).first)]
        return out

    def chosen(self, clips: str | None = None, views: str | None = None) -> tuple[Shot, ...]:
        """Shots of clips and views of that use; None takes any."""
        fits = {clip.name for clip in self.clips if clips in (None, clip.use)}
        return tuple(
            shot
            for shot in self.shots
            if self.clip(shot).name in fits and views in (None, self.views[shot.view].use)
        )


def _opened(path: Path, mode: str, size: tuple[int, int]) -> Picture:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            if picture.size != (size[1], size[0]):
                own, said = f"{picture.width} × {picture.height}", f"{size[1]} × {size[0]}"
                raise FormatError(f"picture {path} is {own}, the capture says {said}")
            return np.array(picture.convert(mode))
    except (UnidentifiedImageError, Image.DecompressionBombError, ValueError, SyntaxError) as error:
        raise FormatError(f"{path} is no picture that can be read: {one_line(str(error))}") from error
    except OSError as error:
        raise FormatError(f"cannot read picture {path}: {error.strerror or one_line(str(error))}") from error
