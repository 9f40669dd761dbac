"""A renderer that is easy to read: a red bar whose height tells how open the jaw is."""

from __future__ import annotations

import numpy as np

from voxrig.avatar.figure import Picture
from voxrig.rigs import NATIVE
from voxrig.types import Array

_JAW = NATIVE.index("jawOpen")


class Bar:
    """Bars on grey, or on nothing. The grey grows brighter to the right."""

    def __init__(self, size: tuple[int, int] = (64, 96), transparent: bool = False) -> None:
        self.size, self.transparent = size, transparent

    def draw(self, values: Array) -> Picture:
        height, width = self.size
        picture = np.zeros((height, width, 4 if self.transparent else 3), np.uint8)
        picture[..., :3] = (np.arange(width) // 4)[:, None] + 40
        tall = round(height * min(1.0, float(values[_JAW])))
        picture[height - tall :, :, 0] = 200
        if self.transparent:
            picture[height - tall :, :, 3] = 255
            picture[: height - tall, : width // 2, 3] = 64
        return picture


def tall(picture: np.ndarray) -> int:
    """Height of the bar in a picture (h, w, 3 or more)."""
    return int((picture[:, picture.shape[1] // 2, 0] > 150).sum())
