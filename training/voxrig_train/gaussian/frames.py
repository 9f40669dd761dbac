"""Where posed triangles carry Gaussians, as tensors. The same rule as voxrig.render.splat.gaussians."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_FLAT = 1e-12
"""Square metres times two under which a triangle has no direction."""


@dataclass(frozen=True, eq=False)
class Carried:
    """The triangle of each Gaussian in one pose."""

    place: Tensor  # (n, 3) the point that each hangs on, metres
    axes: Tensor  # (n, 3, 3) tangent, bitangent and normal as columns
    size: Tensor  # (n,) metres


def carried(points: Tensor, faces: Tensor, corner: Tensor) -> Carried:
    """``points`` (v, 3) posed, ``faces`` (n, 3) corners of each Gaussian's triangle, ``corner`` (n, 2)."""
    a, b, c = points[faces[:, 0]], points[faces[:, 1]], points[faces[:, 2]]
    one, two = b - a, c - a
    across = torch.linalg.cross(one, two)
    doubled = across.norm(dim=1).clamp_min(_FLAT)
    normal = across / doubled[:, None]
    tangent = one / one.norm(dim=1).clamp_min(_FLAT)[:, None]
    axes = torch.stack([tangent, torch.linalg.cross(normal, tangent), normal], 2)
    return Carried(a + corner[:, :1] * one + corner[:, 1:] * two, axes, doubled.sqrt())
