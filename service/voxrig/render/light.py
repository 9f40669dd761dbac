"""Lamps around a head. Colours are linear; directions are fixed to the world and lead to the lamp.

+Y up, +Z to where the face looks, +X to the subject's left. Needs numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig.types import Array

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Lamp:
    """Light from far away."""

    towards: Vector
    colour: Vector


@dataclass(frozen=True)
class Light:
    """A lamp that casts shadows, one that lightens them, one from behind, and a room."""

    key: Lamp
    fill: Lamp
    rim: Lamp
    sky: Vector
    """What comes from above."""
    ground: Vector

    def table(self) -> Array:
        """(8, 3) float32: directions of key, fill and rim, their colours, sky and ground."""
        lamps = (self.key, self.fill, self.rim)
        ways = [np.array(lamp.towards) / np.linalg.norm(lamp.towards) for lamp in lamps]
        colours = [lamp.colour for lamp in lamps]
        return np.array([*ways, *colours, self.sky, self.ground], np.float32)


STUDIO = Light(
    key=Lamp((0.50, 0.55, 0.75), (1.18, 1.10, 1.00)),
    fill=Lamp((-0.85, 0.10, 0.60), (0.20, 0.24, 0.30)),
    rim=Lamp((-0.55, 0.45, -0.75), (0.75, 0.85, 1.00)),
    sky=(0.30, 0.33, 0.38),
    ground=(0.13, 0.11, 0.10),
)
"""Three lamps as in a portrait studio, the key a little warm, from the subject's upper left."""
