"""A head of Gaussians as tensors that can be learnt: where it begins, and what it is in one pose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from voxrig.avatar.figure import Figure
from voxrig.avatar.surface import owners
from voxrig.render.splat.gaussians import HARMONICS, Bases, Gaussians
from voxrig.types import Array
from voxrig_train.gaussian.frames import Carried

Weights = Mapping[str, Tensor]
"""What is learnt, by name. Of a head: offset, rotation, scale (its logarithm), opacity (its logit), colour,
harmonics, as in Gaussians; a deformer adds its own."""


@dataclass(frozen=True, eq=False)
class Weight:
    """Something to learn."""

    start: Tensor
    rate: float
    """Of Adam, at the beginning."""
    along: int | None = 0
    """The axis that counts Gaussians: what must grow and shrink with them. None: no such axis."""


@dataclass(frozen=True, eq=False)
class Bound:
    """Which triangle carries each Gaussian. Tensors."""

    triangle: Tensor  # (n,)
    corner: Tensor  # (n, 2)


@dataclass(frozen=True, eq=False)
class World:
    """Gaussians in one pose, as the rasteriser takes them."""

    means: Tensor  # (n, 3) metres
    covariances: Tensor  # (n, 6) xx xy xz yy yz zz
    colours: Tensor  # (n, 3)
    opacities: Tensor  # (n,)
    spread: Tensor  # (n, 3) standard deviations, metres


def begin(figure: Figure, count: int, degree: int, seed: int) -> tuple[Bound, dict[str, Weight]]:
    """``count`` Gaussians all over the figure, denser where it moves, in the colours of its pictures."""
    rng = np.random.default_rng(seed)
    a, b, c = (figure.points[figure.faces[:, i]] for i in range(3))
    doubled = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    share = doubled * _liveliness(figure)
    share /= share.sum()
    triangle = rng.choice(len(figure.faces), count, p=share).astype(np.int32)
    corner = rng.random((count, 2)).astype(np.float32)
    corner = np.where(corner.sum(1, keepdims=True) > 1, 1 - corner, corner)
    around = np.sqrt(doubled / 2 / np.maximum(share * count, 1e-12))[triangle]  # metres to the next one
    size = np.sqrt(np.maximum(doubled[triangle], 1e-12))
    sigma = np.log(np.clip(0.6 * around / size, 0.02, 3.0)).astype(np.float32)
    colour, cover = _painted(figure, triangle, corner)
    near = np.clip(0.9 * cover, 0.05, 0.9)
    start = {
        "offset": (np.zeros((count, 3), np.float32), 4e-3),
        "rotation": (np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)), 2e-3),
        "scale": (np.stack([sigma, sigma, sigma + np.log(0.4)], 1), 8e-3),
        "opacity": (np.log(near / (1 - near)), 3e-2),
        "colour": (colour, 4e-3),
        "harmonics": (np.zeros((count, HARMONICS[degree], 3), np.float32), 5e-4),
    }
    weights = {
        name: Weight(torch.from_numpy(x.astype(np.float32)), rate) for name, (x, rate) in start.items()
    }
    return Bound(torch.from_numpy(triangle).long(), torch.from_numpy(corner)), weights


def world(weights: Weights, carried: Carried, deltas: Tensor | None, turn: Tensor, eye: Tensor) -> World:
    """The head in a pose.

    deltas: (n, 13) in the order of Bases.moves. turn: (3, 3) of the head. eye: (3,) whence one looks, metres.
    """
    offset, scale, opacity = weights["offset"], weights["scale"], weights["opacity"]
    colour, axes = weights["colour"], carried.axes @ turned(weights["rotation"])
    if deltas is not None:
        offset, scale = offset + deltas[:, :3], scale + deltas[:, 3:6]
        axes = axes @ _spun(deltas[:, 6:9])
        opacity, colour = opacity + deltas[:, 9], colour + deltas[:, 10:]
    means = carried.place + carried.size[:, None] * (carried.axes @ offset[..., None])[..., 0]
    spread = carried.size[:, None] * scale.exp()
    root = axes * spread[:, None]
    covariances = (root[:, [0, 0, 0, 1, 1, 2]] * root[:, [0, 1, 2, 1, 2, 2]]).sum(-1)
    harmonics = weights["harmonics"]
    if harmonics.shape[1]:
        way = torch.nn.functional.normalize(means.detach() - eye, dim=1) @ turn  # into the head's frame
        colour = colour + (_harmonic(way, harmonics.shape[1])[..., None] * harmonics).sum(1)
    return World(means, covariances, colour.clamp_min(0), opacity.sigmoid(), spread)


def packed(bound: Bound, weights: Weights, bases: Bases | None = None, listener: bytes = b"") -> Gaussians:
    """The head as voxrig draws it."""
    plain = {
        name: weights[name].detach().cpu() for name in ("offset", "scale", "opacity", "colour", "harmonics")
    }
    rotation = torch.nn.functional.normalize(weights["rotation"].detach().cpu(), dim=1)
    return Gaussians(
        triangle=bound.triangle.cpu().numpy().astype(np.int32),
        corner=bound.corner.cpu().numpy(),
        offset=plain["offset"].numpy(),
        rotation=rotation.numpy(),
        scale=plain["scale"].exp().numpy(),
        opacity=plain["opacity"].sigmoid().numpy(),
        colour=plain["colour"].numpy(),
        harmonics=plain["harmonics"].numpy(),
        bases=bases,
        listener=listener,
    )


def unpacked(gaussians: Gaussians) -> tuple[Bound, dict[str, Tensor]]:
    """The tensors of a head that voxrig draws: the way back of ``packed``."""
    g = gaussians
    opacity = np.clip(g.opacity, 1e-6, 1 - 1e-6)
    arrays = {
        "offset": g.offset,
        "rotation": g.rotation,
        "scale": np.log(np.maximum(g.scale, 1e-9)),
        "opacity": np.log(opacity / (1 - opacity)),
        "colour": g.colour,
        "harmonics": g.harmonics,
    }
    weights = {name: torch.from_numpy(np.ascontiguousarray(x, np.float32)) for name, x in arrays.items()}
    return Bound(
        torch.from_numpy(g.triangle).long(), torch.from_numpy(np.ascontiguousarray(g.corner))
    ), weights


def _liveliness(figure: Figure) -> Array:
    """How dense Gaussians should lie, by triangle: 1 where nothing moves, 4 where lips and eyelids do."""
    motion = np.zeros(len(figure.points))
    np.add.at(motion, owners(figure), np.linalg.norm(figure.moves.by, axis=1))
    # Eyeballs turn by a joint and show detail that matters.
    motion = np.maximum(motion, figure.shares[:, 3:].max(1) * motion.max())
    relative = np.sqrt(motion / max(motion.max(), 1e-9))
    front = 0.4 + 0.6 * np.clip(figure.normals[:, 2] + 0.5, 0, 1)
    out: Array = ((1 + 3 * relative) * front)[figure.faces].mean(1)
    return out


def _painted(figure: Figure, triangle: np.ndarray, corner: Array) -> tuple[Array, Array]:
    """Colour (n, 3) and alpha (n,) of the materials' pictures at points of the surface."""
    colour, cover = np.empty((len(triangle), 3), np.float32), np.ones(len(triangle), np.float32)
    share = np.stack([1 - corner.sum(1), corner[:, 0], corner[:, 1]], 1)
    uv = (figure.uvs[figure.faces[triangle]] * share[..., None]).sum(1) % 1
    for i, material in enumerate(figure.materials):
        here = figure.material[triangle] == i
        tint = material.colour[:3] ** (1 / 2.2)  # near enough to sRGB for a beginning
        if material.picture is None:
            colour[here] = tint
            continue
        h, w = material.picture.shape[:2]
        texel = material.picture[
            np.minimum((uv[here, 1] * h).astype(int), h - 1), np.minimum((uv[here, 0] * w).astype(int), w - 1)
        ]
        colour[here], cover[here] = texel[:, :3] / 255 * tint, texel[:, 3] / 255
    return colour * np.float32(0.8), cover


def turned(quaternion: Tensor) -> Tensor:
    """Rotations (n, 3, 3) of quaternions (n, 4) w x y z of any length."""
    w, x, y, z = torch.nn.functional.normalize(quaternion, dim=1).unbind(1)
    entries = [
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ]
    return torch.stack(entries, 1).view(-1, 3, 3)


def _spun(turns: Tensor) -> Tensor:
    """(n, 3) axis times radians to (n, 3, 3)."""
    angle = (turns * turns).sum(1, keepdim=True).add(1e-12).sqrt()
    half = torch.sin(angle / 2) / angle
    return turned(torch.cat([torch.cos(angle / 2), turns * half], 1))


def _harmonic(way: Tensor, count: int) -> Tensor:
    """Spherical harmonics (n, count) from degree 1 on, with the signs of 3D Gaussian splatting."""
    x, y, z = way.unbind(1)
    out = [-0.48860251 * y, 0.48860251 * z, -0.48860251 * x]
    if count > 3:
        out += [
            *(1.09254843 * x * y, -1.09254843 * y * z, 0.31539157 * (2 * z * z - x * x - y * y)),
            *(-1.09254843 * x * z, 0.54627422 * (x * x - y * y)),
        ]
    return torch.stack(out, 1)
