"""The fine relief of skin as a normal map: pores, lines of the lips, wrinkles."""

from __future__ import annotations

import numpy as np

from voxrig.types import Array
from voxrig_export.avatar.paint import Values

PIXEL = 0.0002
"""Metres that a picture element of the skin is wide, about the face."""


_TILE = 512


def grain(size: int, fine: float, seed: int) -> Array:
    """Even noise (size, size), features about ``fine`` picture elements across, mean 0 and spread 1.

    It repeats every 512 elements, where no one looks for it.
    """
    from scipy.ndimage import gaussian_filter

    raw = np.random.default_rng([seed, 31]).standard_normal((_TILE, _TILE), np.float32)
    band = gaussian_filter(raw, fine * 0.45, mode="wrap") - gaussian_filter(raw, fine * 1.0, mode="wrap")
    times = -(-size // _TILE)
    return np.asarray(np.tile(band / band.std(), (times, times))[:size, :size], np.float32)


def normal_map(height: Values, pixel: float) -> Values:
    """Heights (h, w) in metres as a picture (h, w, 3) of normals: green points up the picture."""
    up, right = -np.gradient(height, pixel, axis=0), np.gradient(height, pixel, axis=1)
    normal = np.stack([-right, -up, np.ones_like(height)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.asarray(normal * 0.5 + 0.5)
