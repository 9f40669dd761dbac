"""How far a picture is from the one it should be."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from voxrig_train.gaussian.blur import blurred
from voxrig_train.gaussian.head import World

_C1, _C2 = 0.01**2, 0.03**2


@dataclass(frozen=True)
class Terms:
    """How much each part of the loss counts. The first two are those of 3D Gaussian splatting."""

    absolute: float = 0.8
    structure: float = 0.2
    mouth: float = 0.4
    """The absolute difference once more, in the box about the lips."""
    spread: float = 0.05
    """For every millimetre that a Gaussian is wider than ``widest``, on average."""
    widest: float = 8e-3
    """Metres."""
    drift: float = 0.05
    """For every millimetre that it lies off the surface, beyond ``leash``, on average."""
    leash: float = 3e-3
    """Metres."""


def loss(terms: Terms, made: Tensor, goal: Tensor, mouth: tuple[slice, slice]) -> Tensor:
    """Of pictures (h, w, 3), with rows and columns of the mouth's box."""
    apart = (made - goal).abs()
    out = terms.absolute * apart.mean() + terms.structure * (1 - ssim(made, goal).mean())
    inside = apart[mouth]
    return out + terms.mouth * inside.mean() if inside.numel() else out


def restraint(terms: Terms, world: World, place: Tensor) -> Tensor:
    """Keeps Gaussians small and near the triangles that carry them, at ``place`` (n, 3)."""
    wide = (world.spread.amax(1) - terms.widest).clamp_min(0).mean()
    off = ((world.means - place).square().sum(1).add(1e-12).sqrt() - terms.leash).clamp_min(0).mean()
    return 1e3 * (terms.spread * wide + terms.drift * off)


def ssim(one: Tensor, two: Tensor) -> Tensor:
    """Structural similarity of pictures (h, w, 3) of 0..1, about each pixel: (h, w, 3)."""
    maps = torch.cat([one, two, one * one, two * two, one * two], 2).permute(2, 0, 1)
    a, b, aa, bb, ab = blurred(maps).split(3)
    spread = aa - a * a + bb - b * b
    together = ab - a * b
    out = (2 * a * b + _C1) * (2 * together + _C2) / ((a * a + b * b + _C1) * (spread + _C2))
    return out.permute(1, 2, 0)


def psnr(one: Tensor, two: Tensor) -> float:
    """Decibels; pictures of 0..1."""
    return float(-10 * torch.log10((one - two).square().mean().clamp_min(1e-10)))
