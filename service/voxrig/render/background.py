"""What is behind a head: a colour, a gradient, a picture or nothing. Needs numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig.avatar.figure import Picture
from voxrig.types import Array

Colour = tuple[int, int, int]
"""sRGB red, green and blue, 0..255."""


@dataclass(frozen=True, eq=False)
class Background:
    """A vertical gradient, unless there is a picture or nothing at all.

    ``Background()`` is a calm studio, ``Background(red, red)`` a plain colour. Raises ValueError.
    """

    top: Colour = (72, 82, 98)
    bottom: Colour = (33, 38, 47)
    picture: Picture | None = None  # (h, w, 3) sRGB, scaled to cover, its middle in the middle
    transparent: bool = False
    """Nothing: pictures have an alpha channel."""

    def __post_init__(self) -> None:
        for name in ("top", "bottom"):
            colour = getattr(self, name)
            if len(colour) != 3 or any(not 0 <= part <= 255 for part in colour):
                raise ValueError(f"Background.{name} must be red, green and blue of 0..255, got {colour}")
        if self.picture is None:
            return
        shape, kind = self.picture.shape, self.picture.dtype
        if len(shape) != 3 or shape[2] != 3 or min(shape) < 1 or kind != np.uint8:
            raise ValueError(f"Background.picture must be (h, w, 3) uint8, got {shape} {kind}")
        if self.transparent:
            raise ValueError("Background is transparent and has a picture; choose one")

    def paint(self, size: tuple[int, int]) -> Picture:
        """The background alone, for pictures of that height and width: (h, w, 3)."""
        height, width = size
        if self.picture is not None:
            return _covering(self.picture, height, width)
        down = (np.arange(height, dtype=np.float32) + 0.5) / height
        across = np.array(self.top) + (np.array(self.bottom) - self.top) * down[:, None, None]
        # The same grain in every picture: it hides the steps between neighbouring shades.
        grain = np.random.default_rng(0).random((height, width, 1), np.float32)
        return np.asarray(np.floor(across + (self.top != self.bottom) * grain), np.uint8)


def _covering(picture: Picture, height: int, width: int) -> Picture:
    """The picture's middle, as large as covers (height, width)."""
    scale = min(picture.shape[0] / height, picture.shape[1] / width)
    rows = (np.arange(height) + 0.5 - height / 2) * scale + picture.shape[0] / 2
    columns = (np.arange(width) + 0.5 - width / 2) * scale + picture.shape[1] / 2
    tall = _stretched(picture.astype(np.float32), rows, scale)
    wide = _stretched(tall.swapaxes(0, 1), columns, scale).swapaxes(0, 1)
    return np.asarray(np.round(wide), np.uint8)


def _stretched(picture: Array, at: np.ndarray, scale: float) -> Array:
    """Rows (n, w, 3) at places ``at``, each the mean over ``scale`` rows, straight between them."""
    wide = max(1.0, scale)
    summed = np.concatenate([np.zeros_like(picture[:1]), np.cumsum(picture, 0, dtype=np.float64)])
    if wide == 1.0:  # enlarged: straight lines between the middles of rows
        at = np.clip(at - 0.5, 0, len(picture) - 1)
        low = np.minimum(at.astype(int), len(picture) - 1)
        high = np.minimum(low + 1, len(picture) - 1)
        part = (at - low)[:, None, None]
        return np.asarray(picture[low] * (1 - part) + picture[high] * part, np.float32)
    ends = []
    for edge in (at - wide / 2, at + wide / 2):
        edge = np.clip(edge, 0, len(picture))
        low = np.minimum(edge.astype(int), len(picture) - 1)
        ends.append(summed[low] + picture[low] * (edge - low)[:, None, None])
    return np.asarray((ends[1] - ends[0]) / wide, np.float32)
