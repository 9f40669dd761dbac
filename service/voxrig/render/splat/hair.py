"""Strands in place of hair cards, of lashes too: thin Gaussians that lie along the strips' own strands.

A strip's picture runs from root to tip along v. Where its alpha is seen, thin Gaussians lie along that way;
some beneath are dark and wide, so that no light comes through. Needs the extra render.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig.avatar.figure import Figure
from voxrig.render.splat.bake import Bake
from voxrig.render.splat.binding import frames, quaternions
from voxrig.render.splat.gaussians import Gaussians
from voxrig.render.splat.scatter import Spots, thrown
from voxrig.types import Array


@dataclass(frozen=True)
class Strands:
    """How a kind of hair is drawn. Lengths in distances between the eyes."""

    length: float
    """Standard deviation along a strand."""
    lift: float
    """How far strands stand off their strip, at most."""
    cover: float
    """How often Gaussians cover what is to be seen of the strips, all together."""
    opacity: float
    thickest: float
    """Standard deviation across, at most."""
    under: float = 0.0
    """Part of the Gaussians that only keep light from coming through."""


HAIR = Strands(length=0.10, lift=0.030, cover=0.62, opacity=0.9, thickest=0.030, under=0.15)
LASHES = Strands(length=0.016, lift=0.0, cover=0.5, opacity=0.22, thickest=0.0015)


def strands(
    figure: Figure, bake: Bake, own: np.ndarray, count: int, how: Strands, rng: np.random.Generator
) -> Gaussians | None:
    """``count`` Gaussians on triangles ``own`` (f,) bool; None if their pictures show nothing."""
    axes, size = frames(figure.points, figure.faces)
    seen = bake.open[figure.faces].mean(1)
    chance = np.where(own & (size > 1e-6), size**2 * np.clip(seen, 0.04, 1) ** 1.5, 0)
    if count < 1 or not chance.sum() > 0:
        return None
    under = int(count * how.under)
    spots = _shown(figure, bake, chance, count - under, rng)
    if spots is None:
        return None
    beneath = _shown(figure, bake, np.where(chance > 0, size**2, 0), under, rng) or _none()
    triangle = np.concatenate([spots.triangle, beneath.triangle])
    spots = Spots(
        triangle, np.concatenate([spots.corner, beneath.corner]), np.zeros(len(triangle), np.float32)
    )
    deep = np.arange(len(triangle)) >= count - under
    n, unit = len(triangle), figure.width
    way = _ways(figure)[figure.faces[triangle]]
    way = (way * spots.shares[:, :, None]).sum(1)
    frame, wide = axes[triangle], size[triangle]
    way += rng.normal(0, 0.07, way.shape) * np.linalg.norm(way, axis=1, keepdims=True)
    way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-12)
    area = (size**2 / 2 * np.clip(seen, 0, 1) ** 1.5)[own].sum()
    long = how.length * unit
    thick = min(how.cover * area / max(n - under, 1) / (2 * np.pi * long), how.thickest * unit)
    scale = np.tile([long, thick, thick * 0.8], (n, 1)) * rng.uniform(0.75, 1.25, (n, 1))
    scale[deep] = [long * 1.2, max(5 * thick, 0.03 * unit), thick]
    local = np.einsum("nji,nj->ni", frame, way)
    aside = np.cross([0.0, 0.0, 1.0], local)
    aside /= np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-9)
    turn = np.stack([local, aside, np.cross(local, aside)], -1)
    lift = rng.uniform(-0.3, 1, n) * how.lift * unit
    lift[deep] = -0.3 * how.lift * unit
    albedo, _ = bake.albedo(spots, np.full(n, thick * 2, np.float32))
    tone = _tone(figure, spots, rng)
    colour = bake.lit(spots, (albedo * np.where(deep, 0.45, tone)[:, None]).astype(np.float32), way)
    return Gaussians(
        spots.triangle,
        spots.corner,
        (np.stack([np.zeros(n), np.zeros(n), lift], 1) / wide[:, None]).astype(np.float32),
        quaternions(turn),
        (scale / wide[:, None]).astype(np.float32),
        np.full(n, how.opacity, np.float32),
        colour,
        np.zeros((n, 0, 3), np.float32),
    )


def _none() -> Spots:
    return Spots(np.zeros(0, np.int32), np.zeros((0, 2), np.float32), np.zeros(0, np.float32))


def _shown(
    figure: Figure, bake: Bake, chance: np.ndarray, count: int, rng: np.random.Generator
) -> Spots | None:
    """Spots where the picture of the strips is seen; None if there are none."""
    triangle, corner = np.zeros(0, np.int32), np.zeros((0, 2), np.float32)
    cutoff = np.array([material.cutout for material in figure.materials])
    for _ in range(12):
        if len(triangle) >= count:
            break
        tried = Spots(*thrown(chance, 2 * count, rng), np.zeros(2 * count, np.float32))
        _, cover = bake.albedo(tried, np.zeros(2 * count, np.float32))
        seen = rng.permutation(
            np.flatnonzero(cover >= np.maximum(cutoff[figure.material[tried.triangle]], 0.05))
        )
        triangle = np.concatenate([triangle, tried.triangle[seen]])
        corner = np.concatenate([corner, tried.corner[seen]])
    if len(triangle) < count:
        return None
    return Spots(triangle[:count], corner[:count], np.zeros(count, np.float32))


def _ways(figure: Figure) -> np.ndarray:
    """Towards where v grows at each vertex, the mean over its triangles: (v, 3) of length 1."""
    a, b, c = (figure.points[figure.faces[:, k]].astype(np.float64) for k in range(3))
    uv = figure.uvs[figure.faces].astype(np.float64)
    du, dv = uv[:, 1:, 0] - uv[:, :1, 0], uv[:, 1:, 1] - uv[:, :1, 1]
    det = du[:, 0] * dv[:, 1] - du[:, 1] * dv[:, 0]
    way = (b - a) * -du[:, 1:] + (c - a) * du[:, :1]
    way *= np.sign(det)[:, None]
    # Where a picture tells nothing of the way, hair hangs.
    way = np.where((np.abs(det) < 1e-12)[:, None], [0.0, -1e-9, 0.0], way)
    out = np.zeros((len(figure.points), 3))
    for k in range(3):
        np.add.at(out, figure.faces[:, k], way)
    return np.asarray(out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-30))


def _tone(figure: Figure, spots: Spots, rng: np.random.Generator) -> Array:
    """How light each strand is: the same all along it, (n,)."""
    u = (figure.uvs[figure.faces[spots.triangle]] * spots.shares[:, :, None]).sum(1)[:, 0]
    place = (u * 97).astype(int) % 97 * 31 + spots.triangle // 16 % 64
    return np.asarray(rng.uniform(0.7, 1.35, 97 * 31 + 64)[place], np.float32)
