"""An opening of the face in a picture, the mouth or an eye: two curves from one corner to the other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from voxrig.render.portrait.landmarks import (
    LIDS_LOWER,
    LIDS_UPPER,
    LIPS_ABOVE,
    LIPS_BELOW,
    LIPS_LOWER,
    LIPS_UPPER,
)
from voxrig.types import Array

STEPS = 64
"""Places along an opening at which its curves are told."""
_SHUT = 0.05
"""Half mouths between lips that count as shut: landmarks are no more exact."""


@dataclass(frozen=True, eq=False)
class Slit:
    """A frame on an opening: x from corner to corner is -1..1, y points down in pixels; and its two edges."""

    middle: Array  # (2,) pixels
    along: Array  # (2,) unit, towards the corner on the right of the picture
    half: float
    """Pixels from the middle to a corner."""
    upper: Array  # (STEPS + 1,) y of the upper edge, at x = -1 … 1
    lower: Array  # (STEPS + 1,)
    thick: float
    """Pixels of the lower lip in its middle, or of the upper lid."""

    @property
    def down(self) -> Array:
        """(2,) unit, towards the chin."""
        return np.array([-self.along[1], self.along[0]], np.float32)

    @property
    def open(self) -> float:
        """Pixels between the edges where they are widest apart."""
        return float((self.lower - self.upper).max())

    def at(self, points: np.ndarray) -> np.ndarray:
        """Places (…, 2) in the picture in this frame (…, 2)."""
        off = points - self.middle
        return np.stack([off @ self.along / self.half, off @ self.down], -1)

    def line(self, edge: Array) -> Array:
        """A curve as places in the picture: (STEPS + 1, 2)."""
        x = np.linspace(-self.half, self.half, STEPS + 1)[:, None]
        return np.asarray(self.middle + x * self.along + edge[:, None] * self.down, np.float32)

    def below(self, points: np.ndarray, edge: Array) -> np.ndarray:
        """How many pixels places (…, 2) are below a curve, which goes on straight beyond the corners."""
        here = self.at(points)
        return np.asarray(here[..., 1] - np.interp(here[..., 0], np.linspace(-1, 1, STEPS + 1), edge))


def lips(points: np.ndarray) -> Slit:
    """The mouth of landmarks (468, 2 or 3): between the inner edges of the lips."""
    flat = points[:, :2].astype(np.float64)
    below = np.linalg.norm(flat[LIPS_BELOW[5]] - flat[LIPS_LOWER[5]])
    above = np.linalg.norm(flat[LIPS_ABOVE[5]] - flat[LIPS_UPPER[5]])
    half = np.linalg.norm(flat[LIPS_UPPER[0]] - flat[LIPS_UPPER[-1]]) / 2
    found = _slit(flat[list(LIPS_UPPER)], flat[list(LIPS_LOWER)], float(max(below, above, 0.1 * half)))
    if found.open > _SHUT * found.half:
        return found
    line = np.asarray((found.upper + found.lower) / 2, np.float32)
    return replace(found, upper=line, lower=line)


def eye(points: np.ndarray, side: str) -> Slit:
    """An eye of landmarks, ``side`` Right or Left: between the lids."""
    flat = points[:, :2].astype(np.float64)
    upper, lower = flat[list(LIDS_UPPER[side])], flat[list(LIDS_LOWER[side])]
    return _slit(upper, lower, 0.13 * float(np.linalg.norm(upper[-1] - upper[0])))


def _slit(upper: np.ndarray, lower: np.ndarray, thick: float) -> Slit:
    left, right = upper[0], upper[-1]
    half = float(np.linalg.norm(right - left)) / 2
    along = ((right - left) / (2 * half)).astype(np.float32)
    flat = np.zeros(STEPS + 1, np.float32)
    bare = Slit(((left + right) / 2).astype(np.float32), along, half, flat, flat, thick)
    above, below = _curve(bare.at(upper)), _curve(bare.at(lower))
    middle = (above + below) / 2
    return Slit(bare.middle, along, half, np.minimum(above, middle), np.maximum(below, middle), thick)


def _curve(points: np.ndarray) -> Array:
    """Points in the frame as a smooth y of x."""
    order = np.argsort(points[:, 0])
    x = np.linspace(-1, 1, STEPS + 1)
    line = np.interp(x, points[order, 0], points[order, 1])
    for _ in range(6):
        line[1:-1] = (line[:-2] + 2 * line[1:-1] + line[2:]) / 4
    return np.asarray(line, np.float32)
