"""Somebody else: the face that ships with another way to move and another skin, for captures of nobody.

What the rig's curves tell is not all that a face does. A person made here opens the jaw and pulls the
corners of the mouth in a way of their own, folds and bulges where the avatar stays smooth, and looks
different. A head fitted to pictures of them can learn that; the avatar's mesh cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from voxrig.avatar import surface
from voxrig.avatar.figure import Figure, Material, Moves
from voxrig.rigs.native import NATIVE, both
from voxrig.types import Array
from voxrig_train.gaussian import lips

_FOLDS = (("mouthSmile*", 1.0), ("jawOpen", 0.6), ("mouthUpperUp*", 0.7), ("mouthStretch*", 0.6))
"""What folds the cheek, and how deep; * is the side."""


@dataclass(frozen=True)
class Manner:
    """How a person differs from the avatar."""

    jaw: float
    """By which small openings of the jaw are larger; wide ones saturate."""
    pull: tuple[float, float]
    """How far an open, unrounded jaw pulls the left and the right corner of the mouth into a smile."""
    lower: tuple[float, float]
    """Factors by which the lower lip goes down on the left and on the right."""
    fold: float
    """Metres that the cheek bulges above the fold from nose to mouth, where it smiles or opens."""
    chin: float
    """Metres that the chin bulges where the lips press or purse."""
    corner: tuple[float, float]
    """Metres outwards that the left and the right corner go as the jaw opens."""
    evert: float
    """Metres that the lips turn out in a funnel or a pucker."""
    brow: float
    """Metres of furrows on the forehead where the brows go up."""


def drawn(seed: int) -> Manner:
    """A person by chance."""
    rng = np.random.default_rng(seed)

    def pair(low: float, high: float) -> tuple[float, float]:
        return float(rng.uniform(low, high)), float(rng.uniform(low, high))

    return Manner(
        jaw=float(rng.uniform(1.3, 1.8)),
        pull=pair(0.1, 0.8),
        lower=pair(0.7, 2.0),
        fold=float(rng.uniform(4e-3, 8e-3)),
        chin=float(rng.uniform(3e-3, 6e-3)),
        corner=pair(2e-3, 10e-3),
        evert=float(rng.uniform(3e-3, 6e-3)),
        brow=float(rng.uniform(0.3e-3, 0.6e-3)),
    )


def acted(manner: Manner, values: Array) -> Array:
    """What the person does where the curves say ``values`` (t, c) of the native rig."""
    out = values.copy()

    def column(name: str) -> int:
        return NATIVE.index(name)

    jaw = values[:, column("jawOpen")]
    wide = jaw * (1 - np.clip(values[:, column("mouthFunnel")] + values[:, column("mouthPucker")], 0, 1))
    out[:, column("jawOpen")] = manner.jaw * jaw * (1 - 0.2 * jaw)
    for side, pull, lower in zip(("Left", "Right"), manner.pull, manner.lower, strict=True):
        out[:, column(f"mouthSmile{side}")] += pull * wide
        out[:, column(f"cheekSquint{side}")] += 0.5 * pull * wide
        out[:, column(f"mouthLowerDown{side}")] *= lower
    return np.clip(out, NATIVE.low, NATIVE.high).astype(np.float32)


def posed(manner: Manner, figure: Figure, seed: int) -> Figure:
    """The figure with the person's folds on its shapes, and in the person's colours."""
    points, normals = figure.points.astype(np.float64), figure.normals.astype(np.float64)
    skin = _skin(figure)
    unit = figure.width
    eye, nose, mouth = _features(figure)
    extra: list[tuple[str, np.ndarray, np.ndarray]] = []  # shapes, weight (v,), way (v, 3)
    for side, sign, corner in zip(("Left", "Right"), (1, -1), manner.corner, strict=True):
        wing = nose + np.array([sign * 0.30 * unit, -0.05 * unit, -0.1 * unit])
        end = mouth + np.array([sign * 0.52 * unit, -0.05 * unit, -0.15 * unit])
        off, along = _beside(points, wing, end, sign)
        # A bulge on the side of the cheek and a crease on that of the mouth.
        fold = _bell(off - 0.12 * unit, 0.10 * unit) - 0.6 * _bell(off + 0.02 * unit, 0.05 * unit)
        fold *= along * skin
        for shape, much in _FOLDS:
            extra.append((shape.replace("*", side), manner.fold * much * fold, normals))
        near = _bell(np.linalg.norm(points - end, axis=1), 0.18 * unit) * skin
        outwards = np.broadcast_to([sign * 1.0, -0.3, -0.3], points.shape)
        extra.append(("jawOpen", corner * near, outwards))
        eyebrow = eye + np.array([sign * 0.35 * unit, 0.75 * unit, 0])
        furrow = np.sin((points[:, 1] - eyebrow[1]) / (0.11 * unit) * np.pi)
        high = _bell(np.linalg.norm((points - eyebrow) * [1, 1.3, 0.3], axis=1), 0.35 * unit) * skin
        for shape in (*both("browOuterUp*"), "browInnerUp"):
            extra.append((shape, manner.brow * furrow * high, normals))
    below = mouth + np.array([0, -0.42 * unit, 0])
    chin = _bell(np.linalg.norm((points - below) * [1, 1, 0.5], axis=1), 0.16 * unit) * skin
    for shape in ("mouthShrugLower", "mouthPucker", "mouthRollLower", *both("mouthPress*")):
        extra.append((shape, manner.chin * chin, normals))
    lip = _bell(np.linalg.norm((points - mouth) * [0.6, 1, 0.5], axis=1), 0.14 * unit) * skin
    for shape in ("mouthFunnel", "mouthPucker"):
        extra.append((shape, manner.evert * lip, np.broadcast_to([0.0, 0.0, 1.0], points.shape)))
    return replace(figure, moves=_with(figure, extra), materials=_coloured(figure.materials, seed))


def _features(figure: Figure) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Between the eyes, the tip of the nose and the middle of the lips: metres."""
    eye = figure.eyes.mean(0).astype(np.float64)
    mouth = figure.points[lips.landmarks(figure)].astype(np.float64)
    middle = np.array([0.0, np.median(mouth[:, 1]), mouth[:, 2].max()])
    x, y, _ = figure.points.T
    between = (np.abs(x) < 0.1 * figure.width) & (y > middle[1]) & (y < eye[1])
    nose = figure.points[between][figure.points[between, 2].argmax()].astype(np.float64)
    return eye, nose, middle


def _skin(figure: Figure) -> np.ndarray:
    """1 at vertices of the largest material, which is the skin, that look out of the face; else 0."""
    material = int(np.bincount(figure.material).argmax())
    out = np.zeros(len(figure.points))
    out[figure.faces[figure.material == material]] = 1
    return np.asarray(out * np.clip(2 * figure.normals[:, 2] + 0.6, 0, 1))


def _bell(far: np.ndarray, width: float) -> np.ndarray:
    return np.asarray(np.exp(-0.5 * np.square(far / width)))


def _beside(
    points: np.ndarray, start: np.ndarray, end: np.ndarray, sign: int
) -> tuple[np.ndarray, np.ndarray]:
    """How far points are off a line seen from before the face, + towards the ear; 1 along it, 0 beyond."""
    way = (end - start)[:2]
    length = np.linalg.norm(way)
    way /= length
    to = points[:, :2] - start[:2]
    along = to @ way / length
    off = (to[:, 0] * way[1] - to[:, 1] * way[0]) * -sign
    return off, np.asarray(np.clip(4 * along + 1, 0, 1) * np.clip(5 - 4 * along, 0, 1))


def _with(figure: Figure, extra: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> Moves:
    """The moves of a figure and more of them; shapes that it lacks are passed over."""
    owner, shape, by = [surface.owners(figure)], [figure.moves.shape], [figure.moves.by]
    for name, weight, way in extra:
        here = np.flatnonzero(np.abs(weight) > 2e-5).astype(np.int32)  # metres
        if name not in figure.shapes or not len(here):
            continue
        owner.append(here)
        shape.append(np.full(len(here), figure.shapes.index(name), np.int32))
        by.append((weight[here, None] * way[here]).astype(np.float32))
    return surface.moves(len(figure.points), np.concatenate(owner), np.concatenate(shape), np.concatenate(by))


def _coloured(materials: tuple[Material, ...], seed: int) -> tuple[Material, ...]:
    """Other tints by chance; moles on what is called skin."""
    rng = np.random.default_rng(seed + 1)
    out = []
    for material in materials:
        tint = rng.uniform([0.7, 0.65, 0.6, 1], [1.0, 0.9, 0.85, 1]).astype(np.float32)
        picture = material.picture
        if picture is not None and "skin" in material.name:
            picture = picture.copy()
            h, w = picture.shape[:2]
            down, across = np.mgrid[:h, :w]
            dark = np.ones((h, w), np.float32)
            for x, y, r in zip(
                rng.random(60) * w, rng.random(60) * h, rng.uniform(2, 5, 60) * w / 1024, strict=True
            ):
                dark -= (0.55 * np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * r * r))).astype(
                    np.float32
                )
            picture[..., :3] = (picture[..., :3] * dark.clip(0.3, 1)[..., None]).astype(np.uint8)
        colour = (material.colour * tint).astype(np.float32)
        out.append(replace(material, colour=colour, picture=picture))
    return tuple(out)
