"""Paint: noise, soft edges, and pictures as files. Colours are sRGB, 0..1."""

from __future__ import annotations

import io

import numpy as np

from voxrig_export.avatar.anny_data import Points


def noise(points: Points, size: float, seed: int) -> Points:
    """Smooth noise -1..1 at points (n, 3), with features about ``size`` across: (n,)."""
    scaled = points / size
    floor = np.floor(scaled).astype(np.int64)
    part = scaled - floor
    part = part * part * (3 - 2 * part)
    total = np.zeros(len(points))
    for corner in np.ndindex(2, 2, 2):
        x, y, z = (floor + corner).astype(np.uint64).T
        mixed = x * np.uint64(0x9E3779B1) ^ y * np.uint64(0x85EBCA77) ^ z * np.uint64(0xC2B2AE3D)
        mixed = (mixed + np.uint64(seed * 7919)) * np.uint64(0x27D4EB2F165667C5)
        mixed ^= mixed >> np.uint64(29)
        value = ((mixed * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)).astype(np.float64) / 2**23 - 1
        total += value * np.prod(np.where(corner, part, 1 - part), axis=1)
    return total


def blend(under: Points, over: Points, amount: Points) -> Points:
    """``over`` laid on ``under`` (…, 3) as far as amount (…) says."""
    return under + np.clip(amount, 0, 1)[..., None] * (over - under)


def ramp(value: Points, low: float, high: float) -> Points:
    """0 below low, 1 above high, smooth between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def jpeg(picture: Points, quality: int) -> bytes:
    """A picture (h, w, 3) as a file."""
    out = io.BytesIO()
    _bytes(picture).save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def png(picture: Points) -> bytes:
    """A picture (h, w, 4) as a file; the last is how much it covers."""
    out = io.BytesIO()
    _bytes(picture).save(out, "PNG", optimize=True)
    return out.getvalue()


def _bytes(picture: Points):  # type: ignore[no-untyped-def]
    from PIL import Image

    return Image.fromarray(np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8))
