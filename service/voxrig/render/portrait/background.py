"""What lies behind the head, and how much of each pixel is head."""

from __future__ import annotations

import numpy as np

from voxrig.render.portrait.landmarks import Landmarks
from voxrig.render.portrait.pyramid import blurred, filled, steps
from voxrig.types import Array


def matte(picture: Array, marks: Landmarks) -> Array:
    """How much of each pixel (h, w) is the person, 0..1, with edges that follow the picture's.

    Where nobody said what is a person, all is: then what is near the head moves with it, as rubber would.
    """
    if marks.person is None:
        return np.ones(picture.shape[:2], np.float32)
    rough = np.clip(marks.person, 0, 1)
    radius = max(2.0, 0.035 * marks.width)
    fine = _guided(np.asarray(picture / 255, np.float32), blurred(rough, radius / 3), radius)
    sure_in, sure_out = blurred(rough, radius) > 0.97, blurred(rough, radius) < 0.03
    out = steps(0.08, 0.92, fine)
    return np.asarray(np.where(sure_in, 1, np.where(sure_out, 0, out)), np.float32)


def _guided(picture: Array, mask: Array, radius: float) -> Array:
    """The mask with the picture's edges (the guided filter of He, Sun and Tang 2010, on three colours)."""
    mean = blurred(picture, radius)
    own = blurred(mask, radius)
    pairs = picture[..., :, None] * picture[..., None, :]
    spread = blurred(pairs.reshape(*mask.shape, 9), radius).reshape(*mask.shape, 3, 3)
    spread = spread - mean[..., :, None] * mean[..., None, :] + 4e-4 * np.eye(3, dtype=np.float32)
    cross = blurred(picture * mask[..., None], radius) - mean * own[..., None]
    slope = np.linalg.solve(spread, cross[..., None])[..., 0]
    level = own - (slope * mean).sum(-1)
    return np.asarray((blurred(slope, radius) * picture).sum(-1) + blurred(level, radius), np.float32)


def behind(picture: Array, alpha: Array) -> Array:
    """The picture without the person, made up from what is around: (h, w, 3)."""
    if alpha.min() > 0.5:
        return picture.copy()
    # pixels at the person's edge hold some of its colour: only those well outside are trusted
    clear = (blurred(alpha, 2.0) < 0.02).astype(np.float32)
    return filled(picture, clear, 60)
