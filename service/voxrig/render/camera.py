"""Where a face is seen from. Metres, +Y up; a camera looks along its -Z, as in OpenGL and glTF."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig.avatar.figure import Figure
from voxrig.types import Array

FRAMINGS = {"face": (2.9, -0.25), "head": (4.9, -0.30), "bust": (7.2, -1.15)}
"""Height of the picture and of its middle above the eyes, both in distances between the eyes."""
_DISTANCE = 13.0
"""From the face, in distances between the eyes: about 0.8 m, from where people look at each other."""


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera."""

    eye: Array  # (3,) metres
    target: Array  # (3,) what lies in the middle of the picture
    fov: float
    """Radians, vertically."""

    def view(self) -> Array:
        """World to camera: (4, 4) float32."""
        back = self.eye - self.target
        back = back / np.linalg.norm(back)
        right = np.cross([0.0, 1.0, 0.0], back)
        right /= np.linalg.norm(right)
        whole = np.eye(4)
        whole[:3, :3] = right, np.cross(back, right), back
        whole[:3, 3] = -whole[:3, :3] @ self.eye
        return whole.astype(np.float32)

    def focal(self, height: int) -> float:
        """Focal length in pixels, for pictures of that height."""
        return float(height / 2 / np.tan(self.fov / 2))


def framed(figure: Figure, framing: str = "head", yaw: float = 0.0, pitch: float = 0.0) -> Camera:
    """A camera that shows a figure, from ``yaw`` radians to its left and ``pitch`` above.

    Raises ValueError for a framing that is none of FRAMINGS.
    """
    if framing not in FRAMINGS:
        raise ValueError(f"unknown framing '{framing}'; have {', '.join(FRAMINGS)}")
    tall, rise = FRAMINGS[framing]
    unit = figure.width
    target = figure.eyes.mean(0) + np.array([0, rise * unit, 0], np.float32)
    away = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    eye = target + away.astype(np.float32) * np.float32(_DISTANCE * unit)
    return Camera(eye, target, 2 * float(np.arctan(tall / 2 / _DISTANCE)))
