"""A painted eyeball for figures that have eyes but no picture of them."""

from __future__ import annotations

import numpy as np

from voxrig.avatar.figure import Picture
from voxrig.types import Array

_IRIS, _PUPIL = 0.49, 0.20
"""Radii as parts of the eyeball's: 5.9 and 2.4 mm of 12."""
_WHITE, _VEINS, _EDGE = (226, 220, 214), (205, 168, 160), (38, 30, 26)
_INNER, _OUTER = (134, 104, 62), (82, 94, 86)
"""sRGB of the iris about the pupil, and at its edge."""


def picture(size: int = 256) -> Picture:
    """An eyeball seen from ahead, (size, size, 4): the picture is as wide as the ball."""
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(axis, axis)
    far, angle = np.hypot(x, y), np.arctan2(y, x)
    rays = 0.5 + 0.25 * np.sin(23 * angle) + 0.25 * np.sin(41 * angle + 3 * far)
    across = np.clip((far - _PUPIL) / (_IRIS - _PUPIL), 0, 1)
    iris = _mix(_INNER, _OUTER, np.clip(across * 1.3 - 0.3 * rays, 0, 1)) * (0.72 + 0.4 * rays)[..., None]
    iris = _blend(iris, _EDGE, _step(far, _IRIS * 0.86, _IRIS))
    iris = _blend(iris, (8, 7, 7), 1 - _step(far, _PUPIL * 0.92, _PUPIL * 1.08))
    ball = _mix(_WHITE, _VEINS, np.clip(far - 0.55, 0, 1) ** 2 * 1.6)
    whole = _blend(iris, ball, _step(far, _IRIS * 0.97, _IRIS * 1.03))
    return np.concatenate([np.clip(whole, 0, 255), np.full((size, size, 1), 255)], 2).astype(np.uint8)


def uvs(points: Array, centre: Array) -> Array:
    """Where points (v, 3) of one eyeball lie in that picture, from ahead: (v, 2)."""
    out = points[:, :2] - centre[:2]
    radius = max(float(np.linalg.norm(points - centre, axis=1).max(initial=0)), 1e-9)
    flat = np.stack([out[:, 0], -out[:, 1]], 1) / radius
    # Behind the middle the picture ends; the white of its rim goes on.
    behind = points[:, 2] < centre[2]
    rim = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6) * 0.97
    return np.asarray(np.where(behind[:, None], rim, flat) * 0.49 + 0.5, np.float32)


def _step(x: np.ndarray, low: float, high: float) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _mix(a: tuple[int, int, int], b: tuple[int, int, int], share: np.ndarray) -> np.ndarray:
    return np.asarray(np.multiply(1 - share[..., None], a) + np.multiply(share[..., None], b))


def _blend(under: np.ndarray, over: np.ndarray | tuple[int, int, int], share: np.ndarray) -> np.ndarray:
    return np.asarray(under * (1 - share[..., None]) + np.asarray(over) * share[..., None])
