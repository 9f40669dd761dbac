"""Gaussians that ride on the triangles of a figure. Needs numpy only.

Letters: n Gaussians, k bases, s shapes, m harmonics.

The frame of a triangle (a, b, c) is tangent (b − a) / |b − a|, normal cross(b − a, c − a) of length 1 and
bitangent normal × tangent; its size is sqrt(|cross(b − a, c − a)|) metres, the root of twice its area. A
triangle without area gives finite numbers that say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig.avatar.figure import Index
from voxrig.types import Array

DELTAS = 13
"""What a base moves of a Gaussian: offset 3, log scale 3, rotation 3, logit of opacity 1, colour 3."""
HISTORY = 8
"""Frames of motion that a listener is told at once."""
HARMONICS = (0, 3, 8, 15)
"""How many spherical harmonics above the constant one there are at degrees 0 to 3."""


@dataclass(frozen=True, eq=False)
class Bases:
    """What a face does that the motion of its mesh does not tell: linear blendshapes of Gaussians."""

    moves: Array
    """(k, n, 13): offset 3, log scale 3, rotation 3 (axis times radians; turned before the Gaussian's
    own: R(rotation) @ R(moves)), logit of opacity 1, colour 3."""
    mix: Array
    """(k, s + 1): how far each base goes is mix @ [weights of ``shapes``, 1]."""
    shapes: tuple[str, ...]
    """Curves of the native rig."""

    def __post_init__(self) -> None:
        _shaped("Bases.moves", self.moves, (None, None, DELTAS))
        _shaped("Bases.mix", self.mix, (len(self.moves), len(self.shapes) + 1))

    def __len__(self) -> int:
        return len(self.moves)


@dataclass(frozen=True, eq=False)
class Gaussians:
    """Gaussians at rest, each bound to one triangle of a figure."""

    triangle: Index
    """(n,) int32 into Figure.faces."""
    corner: Array
    """(n, 2) share of the triangle's second and third corner in the point that it hangs on."""
    offset: Array
    """(n, 3) from that point along tangent, bitangent and normal, in sizes of the triangle."""
    rotation: Array
    """(n, 4) unit quaternion w x y z, in the frame tangent, bitangent, normal."""
    scale: Array
    """(n, 3) standard deviations, in sizes of the triangle."""
    opacity: Array
    """(n,) 0..1."""
    colour: Array
    """(n, 3) sRGB 0..1 as seen."""
    harmonics: Array
    """(n, m, 3) what is added by the side from which one looks: spherical harmonics from degree 1 on, as 3D
    Gaussian splatting has them, in the frame of the head; m is 0, 3, 8 or 15."""
    bases: Bases | None = None
    listener: bytes = b""
    """An ONNX graph that does the work of bases, from the last HISTORY frames of the native rig: ``motion``
    (8, 110), the newest last, to ``deltas`` (n, 13), as in Bases.moves. Empty where there is none."""

    def __post_init__(self) -> None:
        n = len(self.triangle)
        for name, rest in (("corner", (2,)), ("offset", (3,)), ("rotation", (4,)), ("scale", (3,)),
                           ("opacity", ()), ("colour", (3,)), ("harmonics", (None, 3))):  # fmt: skip
            _shaped(f"Gaussians.{name}", getattr(self, name), (n, *rest))
        if self.harmonics.shape[1] not in HARMONICS:
            raise ValueError(
                f"Gaussians.harmonics must be {HARMONICS} a Gaussian, got {self.harmonics.shape[1]}"
            )
        if self.bases is not None and self.bases.moves.shape[1] != n:
            raise ValueError(f"bases move {self.bases.moves.shape[1]} Gaussians, there are {n}")
        if self.bases is not None and self.listener:
            raise ValueError("Gaussians are moved by bases or by a listener, not by both")

    def __len__(self) -> int:
        return len(self.triangle)


def _shaped(name: str, values: np.ndarray, shape: tuple[int | None, ...]) -> None:
    fits = values.ndim == len(shape) and all(
        w is None or w == g for w, g in zip(shape, values.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"{name} must be ({wanted}), got {values.shape}")
