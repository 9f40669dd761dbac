"""Pictures of a figure's materials as a renderer reads them: linear, each with all its smaller versions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from voxrig.avatar.figure import Figure, Material, Picture
from voxrig.types import Array

LEVELS = 12
"""Sizes that a picture has at most, each half the one before."""
_SIDE = 2048
"""Texels of a side that are kept: no picture of ours shows more of a face."""


class Textures:
    """All levels of all pictures in one row of texels."""

    def __init__(self, materials: Sequence[Material]) -> None:
        levels = np.zeros((len(materials), LEVELS, 3), np.int64)
        counts = np.zeros(len(materials), np.int32)
        texels: list[Array] = []
        at = 0
        for i, material in enumerate(materials):
            for k, level in enumerate(_levels(material)):
                levels[i, k] = at, level.shape[0], level.shape[1]
                counts[i] = k + 1
                texels.append(level.reshape(-1, 4))
                at += len(texels[-1])
        whole = np.concatenate(texels)
        self.colours: NDArray[np.uint16] = _whole(
            whole * 65535, np.uint16
        )  # (n, 4) linear; the last is unused
        self.covers: NDArray[np.uint8] = _whole(whole[:, 3] * 255, np.uint8)  # (n,) more than half is seen
        self.levels = levels  # (m, LEVELS, 3) first texel, height, width: powers of two
        self.counts = counts  # (m,) levels that there are


def density(figure: Figure, textures: Textures) -> Array:
    """Texels per metre at each vertex, as a power of two: (v,)."""
    corners = figure.points[figure.faces].astype(np.float64)
    flat = figure.uvs[figure.faces] * textures.levels[figure.material, 0, :0:-1][:, None]
    u, v = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    texels = np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
    metres = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    sums = np.zeros((2, len(figure.points)))
    for k in range(3):
        for total, area in zip(sums, (texels, metres), strict=True):
            np.add.at(total, figure.faces[:, k], area)
    return np.asarray(0.5 * np.log2((sums[0] + 1e-6) / (sums[1] + 1e-12)), np.float32)


def linear(picture: Picture) -> Array:
    """sRGB bytes as light, 0..1."""
    value = np.arange(256) / 255
    table = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return np.asarray(table.astype(np.float32)[picture])


def _whole(values: Array, kind: type) -> NDArray:  # type: ignore[type-arg]
    return np.round(np.clip(values, 0, np.iinfo(kind).max)).astype(kind)


def _levels(material: Material) -> list[Array]:
    """(h, w, 4) from full size down to one texel, the material's colour in them."""
    if material.picture is None:
        return [np.minimum(material.colour, 1).reshape(1, 1, 4).astype(np.float32)]
    first = np.empty(material.picture.shape, np.float32)
    first[..., :3] = linear(material.picture[..., :3]) * material.colour[:3]
    alpha = material.picture[..., 3].astype(np.float32) / 255 * material.colour[3]
    cut = float(np.clip(material.cutout, 1e-3, 1 - 1e-3))
    bent = np.where(alpha < cut, alpha / cut, 1 + (alpha - cut) / (1 - cut)) / 2
    first[..., 3] = bent if material.cutout > 0 else 1
    first = _fitted(_fitted(first).swapaxes(0, 1)).swapaxes(0, 1)
    out = [np.ascontiguousarray(first)]
    while max(out[-1].shape[:2]) > 1 and len(out) < LEVELS:
        out.append(_halved(out[-1]))
    for small, large in zip(out[:0:-1], out[-2::-1], strict=True):
        # What is not covered has the colour around it, or the edges of strands would show it.
        wide = small.repeat(large.shape[0] // len(small), 0).repeat(large.shape[1] // small.shape[1], 1)
        large[..., :3] = np.where(large[..., 3:] > 0, large[..., :3], wide[..., :3])
    return out


def _fitted(picture: Array) -> Array:
    """With a power of two of rows, up to _SIDE: then a place wraps around by its lower bits."""
    tall = len(picture)
    rows = min(1 << (tall - 1).bit_length(), _SIDE)
    while tall >= 2 * rows:
        picture = (picture[: tall // 2 * 2 : 2] + picture[1::2]) * np.float32(0.5)
        tall = len(picture)
    if tall == rows:
        return picture
    at = np.clip((np.arange(rows, dtype=np.float32) + 0.5) * tall / rows - 0.5, 0, tall - 1)
    low = np.minimum(at.astype(int), max(tall - 2, 0))
    part = (at - low)[:, None, None].astype(np.float32)
    return np.asarray(picture[low] * (1 - part) + picture[np.minimum(low + 1, tall - 1)] * part, np.float32)


def _halved(picture: Array) -> Array:
    """Each texel the mean of four, colours weighed by what they cover."""
    height, width = picture.shape[:2]
    tall, wide = max(height // 2, 1), max(width // 2, 1)
    fours = picture.reshape(tall, height // tall, wide, width // wide, 4)
    cover = fours[..., 3:].sum((1, 3))
    colours = (fours[..., :3] * fours[..., 3:]).sum((1, 3)) / np.maximum(cover, 1e-6)
    share = cover * (tall * wide / (height * width))
    return np.asarray(np.concatenate([colours, share], 2), np.float32)
