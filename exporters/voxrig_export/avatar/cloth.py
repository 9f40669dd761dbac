"""The shirt: what covers the shoulders, with a ribbed collar and soft folds.

Its picture is laid out by how far from the collar's edge a place is (v) and how far round from the front (u),
the same to the left and to the right.
"""

from __future__ import annotations

import numpy as np

from voxrig_export.avatar import surface
from voxrig_export.avatar.anny_data import Index, Points
from voxrig_export.avatar.head import Sculpt, neckline
from voxrig_export.avatar.paint import blend, jpeg, noise, ramp
from voxrig_export.avatar.part import SHAPES, Part, used
from voxrig_export.avatar.person import Person
from voxrig_export.avatar.relief import grain, normal_map
from voxrig_export.avatar.skeleton import Rig, carried

_DEEP = 0.20
"""Metres from the collar to the lower edge of the picture."""
_COLLAR = 0.019
_AROUND = 0.40
"""Metres from the front to the back, about the shoulders."""


def edge(points: Points) -> Points:
    """Above 0 within the bust, for points (v, 3)."""
    return np.asarray(1 - (np.abs(points[:, 0]) / 0.18) ** 4 - (np.minimum(points[:, 1], 0) / 0.245) ** 4)


def shirt(whole: Sculpt, rig: Rig, who: Person) -> Part:
    """Skin below the neckline, a little further out, to the bust's edge."""
    faces = surface.triangles(whole.faces("body"))
    below = surface.cut(faces, -neckline(whole.points / whole.size))
    points = below.mix @ whole.points
    within = surface.cut(below.faces, edge(points / whole.size))
    points = within.mix @ points
    out = surface.smoothed(surface.normals(points, within.faces), within.faces, 3)
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    down = _below(points, within.faces, -neckline(points / whole.size))
    rim = np.clip(down / 0.012, 0, 1)
    thick = 0.0026 + 0.0036 * np.sin(rim * np.pi * 0.75) - 0.0014 * np.exp(-(((down - _COLLAR) / 0.004) ** 2))
    folds = 0.0028 * _fold(points, who) * ramp(down, 0.02, 0.06)
    points = points + out * (thick + folds)[:, None]
    joints, weights = carried(rig, points)
    zero = np.zeros((len(SHAPES), len(points), 3))
    turn = np.abs(np.arctan2(points[:, 0], points[:, 2] + 0.07)) / np.pi
    uvs = np.stack([turn * 0.98 + 0.01, np.clip(down / _DEEP, 0, 1) * 0.98 + 0.01], 1)
    normal = surface.normals(points, within.faces)
    return used(Part("shirt", points, normal, uvs, within.faces, zero, zero, joints, weights))


def _below(points: Points, faces: Index, height: Points) -> Points:
    """Metres from the collar's edge, which is where ``height`` (v,) is 0: (v,)."""
    from scipy.spatial import cKDTree

    worn = np.unique(faces)
    rim = worn[np.abs(height[worn]) < 1e-6]
    return np.asarray(cKDTree(points[rim]).query(points)[0])


def _fold(points: Points, who: Person) -> Points:
    """Folds that run from the shoulders to the chest, -1..1: (v,)."""
    lean = np.stack(
        [
            points[:, 0] + 0.5 * np.abs(points[:, 1]) * np.sign(points[:, 0]),
            points[:, 1] * 0.35,
            points[:, 2],
        ],
        1,
    )
    return np.asarray(noise(lean, 0.03, who.seed + 40))


def shirt_pictures(who: Person, size: int = 512) -> tuple[bytes, bytes]:
    """Colour and normal map as JPEG."""
    row, column = np.mgrid[:size, :size]
    down, turn = (row + 0.5) / size * _DEEP, (column + 0.5) / size * _AROUND
    flat = np.stack([turn, down, np.zeros_like(turn)], -1).reshape(-1, 3)
    collar = 1 - ramp(down, _COLLAR - 0.0006, _COLLAR + 0.0006)
    rib = 0.5 + 0.5 * np.sin(turn * 2 * np.pi / 0.0034)
    knit = grain(size, 2.0, who.seed + 41)
    worn = noise(flat, 0.03, who.seed + 42).reshape(size, size)
    folds = noise(flat * [1, 0.25, 1], 0.022, who.seed + 43).reshape(size, size) * ramp(down, 0.03, 0.07)
    seam = np.exp(-(((down - _COLLAR - 0.0006) / 0.0009) ** 2))
    stitch = np.exp(-(((down - _COLLAR - 0.0045) / 0.00055) ** 2)) * ramp(
        np.sin(turn * 2 * np.pi / 0.0048), -0.2, 0.2
    )
    shade = 1 + 0.045 * knit * (1 - collar) + 0.05 * worn + 0.10 * folds - 0.16 * (1 - rib) * collar
    shade -= 0.45 * seam + 0.18 * np.exp(-(((down - 0.001) / 0.0016) ** 2))
    colour = who.shirt * shade[..., None]
    colour = blend(colour, who.shirt * 1.35 + 0.02, 0.55 * stitch)
    height = 0.00025 * rib * collar - 0.0005 * seam + 0.00004 * knit * (1 - collar) + 0.0009 * folds
    return jpeg(colour, 86), jpeg(normal_map(height, _DEEP / size), 82)
