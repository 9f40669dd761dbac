"""A head of Gaussians grown from a mesh: nothing is trained. Needs the extra render."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from voxrig.avatar.figure import Figure
from voxrig.avatar.surface import owners
from voxrig.render.light import STUDIO, Light
from voxrig.render.shading import EYES, HAIR, LASHES, MOUTH, PLAIN, SKIN, UNLIT
from voxrig.render.splat import hair
from voxrig.render.splat.bake import Bake, sharpened
from voxrig.render.splat.binding import frames
from voxrig.render.splat.cloud import nearest
from voxrig.render.splat.gaussians import Gaussians
from voxrig.render.splat.scatter import Spots, spread

_HAIR, _LASHES = 0.45, 0.012
"""Parts of all Gaussians that are hair and lashes, where a figure has any."""
_WEIGHT = {SKIN: 1.0, EYES: 5.0, MOUTH: 1.6, PLAIN: 1.5, HAIR: 1.0, LASHES: 0.0, UNLIT: 1.0}
"""How dense Gaussians are on each kind of surface."""
_FINE = ("mouthPucker", "mouthFunnel", "mouthRollLower", "mouthRollUpper", "eyeBlinkLeft", "eyeBlinkRight")
"""What these move is looked at: lips and lids."""
_CLOSE = 0.4
"""Distances between the eyes from skin to the clothes that hide it, at most."""
_WIDTH, _DEPTH = 0.64, 0.12
"""Standard deviations along the surface and across it, in distances to the next: what leaves no gaps."""


def sprout(figure: Figure, count: int = 80_000, seed: int = 0, light: Light = STUDIO) -> Gaussians:
    """``count`` Gaussians on a figure, denser where one looks, in the light of a studio.

    The same figure, count and seed give the same. 80,000 show strands of hair, 40,000 are quicker. Raises
    ValueError for a count below 100.
    """
    if count < 100:
        raise ValueError(f"a head takes 100 Gaussians at least, got {count}")
    rng, bake = np.random.default_rng(seed), Bake(figure, light)
    kind = bake.kinds[figure.material]
    lashes = hair.strands(figure, bake, kind == LASHES, int(count * _LASHES), hair.LASHES, rng)
    own = (kind == HAIR) & ~_solid(figure)
    bald = 1 - _HAIR * bool(own.any()) - _LASHES * (lashes is not None)
    parts = [_surface(figure, bake, int(count * bald), rng), *([lashes] if lashes else [])]
    rest = count - sum(len(part) for part in parts)
    tress = hair.strands(figure, bake, own, rest, hair.HAIR, rng)
    return joined([*parts, *([tress] if tress else [])])


def joined(parts: Sequence[Gaussians]) -> Gaussians:
    """Several as one. They must have no bases, and as many harmonics."""
    return Gaussians(
        np.concatenate([part.triangle for part in parts]),
        np.concatenate([part.corner for part in parts]),
        np.concatenate([part.offset for part in parts]),
        np.concatenate([part.rotation for part in parts]),
        np.concatenate([part.scale for part in parts]),
        np.concatenate([part.opacity for part in parts]),
        np.concatenate([part.colour for part in parts]),
        np.concatenate([part.harmonics for part in parts]),
    )


def _surface(figure: Figure, bake: Bake, count: int, rng: np.random.Generator) -> Gaussians:
    spots = spread(figure.points, figure.faces, _weights(figure, bake), count, _WIDTH, rng)
    n = len(spots.triangle)
    size = frames(figure.points, figure.faces)[1][spots.triangle].astype(np.float32)
    wide = _WIDTH * spots.apart
    albedo, _ = bake.albedo(spots, wide)
    place = (figure.points[figure.faces[spots.triangle]] * spots.shares[:, :, None]).sum(1).astype(np.float32)
    return Gaussians(
        spots.triangle,
        spots.corner,
        np.zeros((n, 3), np.float32),
        np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1)),
        (np.stack([wide, wide, wide * (_DEPTH / _WIDTH)], 1) / size[:, None]).astype(np.float32),
        np.full(n, 0.99, np.float32),
        sharpened(bake.lit(spots, albedo), place, wide, bake.normals(spots)),
        np.zeros((n, 0, 3), np.float32),
    )


def _weights(figure: Figure, bake: Bake) -> np.ndarray:
    """How dense Gaussians are to be on each triangle: (f,)."""
    kind = bake.kinds[figure.material]
    weight = np.array([_WEIGHT[k] for k in range(len(_WEIGHT))])[kind]
    weight = np.where((kind == HAIR) & ~_solid(figure), 0, weight)  # strands are in their place
    unit, centre = figure.width, figure.points[figure.faces].mean(1)
    normal = frames(figure.points, figure.faces)[0][:, :, 2]
    seen = bake.open[figure.faces].mean(1)
    # The face is looked at, its sides less, the back of the head and what is hidden hardly.
    ahead = np.clip((centre[:, 2] - figure.eyes[:, 2].mean()) / unit + 1.6, 0, 1.3) / 1.3
    above = np.clip((centre[:, 1] - figure.eyes[:, 1].mean()) / unit + 3.0, 0, 1)
    weight *= (0.12 + 0.88 * ahead**2) * (0.3 + 0.7 * above) * (0.35 + 0.65 * np.clip(2 * seen, 0, 1))
    weight *= np.where(normal[:, 2] < -0.3, 0.4, 1)
    weight[_dressed(figure, kind, centre, normal)] = 0
    weight *= 1 + 3.0 * _drawn(figure, bake) + 2.5 * _moved(figure)[figure.faces].mean(1)
    corners = figure.normals[figure.faces]
    bend = np.linalg.norm(corners - corners.mean(1, keepdims=True), axis=2).max(1)
    size = np.maximum(frames(figure.points, figure.faces)[1], 1e-9)
    weight *= 1 + np.clip(bend / size * unit / 6, 0, 1.5)
    return np.where(size > 1e-6, weight, 0)


def _dressed(figure: Figure, kind: np.ndarray, centre: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Which triangles are skin beneath clothes that nearly touch it: (n,) into faces."""
    cloth = np.flatnonzero((kind == PLAIN) & _solid(figure))
    if not len(cloth):
        return cloth
    close = _CLOSE * figure.width
    corners = np.ascontiguousarray(figure.points[figure.faces[cloth]], np.float32)
    low, high = corners.min((0, 1)) - close, corners.max((0, 1)) + close
    skin = np.flatnonzero((kind == SKIN) & ((centre > low) & (centre < high)).all(1))
    found, corner = nearest(centre[skin], corners)
    a, b, c = (corners[found, k] for k in range(3))
    way = a + corner[:, :1] * (b - a) + corner[:, 1:] * (c - a) - centre[skin]
    far = np.linalg.norm(way, axis=1)
    outward = (way * normal[skin]).sum(1) > 0.85 * far
    return np.asarray(skin[outward & (far < close)])


def _solid(figure: Figure) -> np.ndarray:
    """Which triangles are drawn whole, (f,): no strips of hair."""
    return np.asarray([material.cutout == 0 for material in figure.materials])[figure.material]


def _drawn(figure: Figure, bake: Bake) -> np.ndarray:
    """How much there is to be seen on each triangle's picture, brows or rims of lips: (f,) 0..1."""
    n, tries = len(figure.faces), 6
    corner = np.random.default_rng(0).dirichlet((1, 1, 1), n * tries)[:, 1:].astype(np.float32)
    spots = Spots(np.repeat(np.arange(n, dtype=np.int32), tries), corner, np.zeros(n * tries, np.float32))
    shown = np.cbrt(bake.albedo(spots, np.zeros(n * tries, np.float32))[0].mean(1)).reshape(n, tries)
    return np.asarray(np.clip(shown.std(1) / 0.12, 0, 1))


def _moved(figure: Figure) -> np.ndarray:
    """Which vertices lips and lids are, by what moves them: (v,) 0..1."""
    fine = [figure.shapes.index(name) for name in _FINE if name in figure.shapes]
    out = np.zeros(len(figure.points))
    far = np.linalg.norm(figure.moves.by, axis=1) * np.isin(figure.moves.shape, fine)
    np.maximum.at(out, owners(figure), far)
    return np.asarray(np.clip(out / (0.09 * figure.width), 0, 1) ** 2)
