"""Paint: noise, soft edges, and pictures as files. Colours are sRGB, 0..1."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrig_export.avatar.anny_data import Points

Values = NDArray[Any]
"""Numbers of any precision."""
_CHUNK = 1 << 14
"""Points at a time, so that what is in between stays in the processor's cache."""


def noise(points: Values, size: float, seed: int) -> Points:
    """Smooth noise -1..1 at points (n, 3), with features about ``size`` across: (n,)."""
    out = np.empty(len(points))
    for start in range(0, len(points), _CHUNK):
        out[start : start + _CHUNK] = _noise(points[start : start + _CHUNK] / size, seed)
    return out


def _noise(scaled: Values, seed: int) -> Points:
    floor = np.floor(scaled)
    part = scaled - floor
    part = part * part * (3 - 2 * part)
    cell = floor.astype(np.int64).astype(np.uint64)
    sides = [
        [(key * (cell[:, k] + np.uint64(step)), part[:, k] if step else 1 - part[:, k]) for step in (0, 1)]
        for k, key in enumerate((np.uint64(0x9E3779B1), np.uint64(0x85EBCA77), np.uint64(0xC2B2AE3D)))
    ]
    total = np.zeros(len(scaled))
    for x, share_x in sides[0]:
        for y, share_y in sides[1]:
            both, share = x ^ y, share_x * share_y
            for z, share_z in sides[2]:
                mixed = ((both ^ z) + np.uint64(seed * 7919)) * np.uint64(0x27D4EB2F165667C5)
                mixed ^= mixed >> np.uint64(29)
                value = (mixed * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
                total += (value.astype(np.float64) / 2**23 - 1) * (share * share_z)
    return total


def blend(under: Values, over: Values, amount: Values) -> Values:
    """``over`` laid on ``under`` (…, 3) as far as amount (…) says."""
    return np.asarray(under + np.clip(amount, 0, 1)[..., None] * (over - under))


def ramp(value: Values, low: float, high: float) -> Values:
    """0 below low, 1 above high, smooth between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def jpeg(picture: Values, quality: int) -> bytes:
    """A picture (h, w, 3) as a file."""
    out = io.BytesIO()
    _bytes(picture).save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def png(picture: Values) -> bytes:
    """A picture (h, w, 4) as a file; the last is how much it covers."""
    out = io.BytesIO()
    _bytes(picture).save(out, "PNG", optimize=True)
    return out.getvalue()


def _bytes(picture: Values):  # type: ignore[no-untyped-def]
    from PIL import Image

    return Image.fromarray(np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8))
