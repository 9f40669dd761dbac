"""A figure: one mesh that has a face, whatever file it came from.

Metres, right-handed: +Y up, +Z out of the face, +X to the subject's left. Letters: v vertices, f faces,
s shapes, n entries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxrig.rigs.native import NATIVE
from voxrig.types import Array, Rig

Index = NDArray[np.int32]
Picture = NDArray[np.uint8]

TURNS = ("still", "neck", "head", "leftEye", "rightEye")
"""What may carry a vertex. The neck turns with the still body, the head with the neck, eyes with the head."""


@dataclass(frozen=True, eq=False)
class Material:
    """How a part of the surface looks."""

    name: str
    colour: Array
    """(4,) linear red, green, blue and alpha, by which the picture is multiplied."""
    picture: Picture | None = None
    """(h, w, 4) sRGB with straight alpha; its first row is v = 0. It repeats beyond 0..1."""
    roughness: float = 0.6
    """0 is a mirror, 1 is chalk."""
    cutout: float = 0.0
    """Alpha below which nothing is drawn; at 0 all is."""
    double_sided: bool = False
    unlit: bool = False
    """Drawn as its colour and picture are, whatever the light: cartoons."""


@dataclass(frozen=True, eq=False)
class Moves:
    """How far each shape at 1 carries each vertex: entries of one vertex follow one another."""

    start: Index  # (v + 1,) the first entry of each vertex
    shape: Index  # (n,) into Figure.shapes
    by: Array  # (n, 3) metres


@dataclass(frozen=True, eq=False)
class Figure:
    """A face at rest and what moves it."""

    points: Array  # (v, 3) metres
    normals: Array  # (v, 3) unit
    uvs: Array  # (v, 2), +v downwards as in glTF
    faces: Index  # (f, 3), seen counter-clockwise from outside
    material: Index  # (f,) into materials
    materials: tuple[Material, ...]
    shapes: tuple[str, ...]
    """Curves of ``rig`` that it knows."""
    moves: Moves
    shares: Array  # (v, 5) of TURNS, together 1
    pivots: Array  # (5, 3) about which each of TURNS turns; the first counts for nothing
    rig: Rig = NATIVE
    """What its shapes are called after. Faces that know less than ARKit are moved by way of a rig map."""
    tints: Array | None = None  # (v, 3) linear, by which materials are multiplied; None leaves them alone

    @property
    def eyes(self) -> Array:
        """Centres of the left and the right eyeball: (2, 3) metres."""
        return self.pivots[3:]

    @property
    def width(self) -> float:
        """Metres between the eyes' centres: how large the face is. About 0.063 for grown people."""
        return float(np.linalg.norm(self.pivots[3] - self.pivots[4]))
