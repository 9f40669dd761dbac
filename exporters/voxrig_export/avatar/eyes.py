"""Eyeballs with a cornea, and lashes. The eyeballs turn as the source's crude ones do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig_export.avatar import surface
from voxrig_export.avatar.anny_data import Points
from voxrig_export.avatar.head import Sculpt
from voxrig_export.avatar.part import JOINTS, SHAPES, Part, joined, still

IRIS = 0.0057 / 0.0138
"""Radius of the iris as a share of the eyeball's."""
_WIDEST = np.radians(105)  # of what is made of an eyeball, from the line of sight
_BEND = 0.6  # the picture gives more room to what lies near the line of sight
_AROUND = 40
_LINES = np.radians([0, 4, 9, 14, 18, 21, 23.5, 25.3, 27, 29, 33, 39, 47, 57, 69, 83, 105])


@dataclass(frozen=True, eq=False)
class Motion:
    """A rigid motion, as the closest one to some displacements."""

    turn: Points  # (3, 3)
    centre: Points  # (3,)
    shift: Points  # (3,) of the centre

    def of(self, points: Points) -> Points:
        """How far it carries points (n, 3)."""
        return np.asarray((points - self.centre) @ self.turn.T + self.centre + self.shift - points)


def motion(points: Points, moves: Points) -> Motion:
    """The rigid motion that best carries points (n, 3) by moves (n, 3), in the least squares sense."""
    centre, shift = points.mean(0), moves.mean(0)
    u, _, v = np.linalg.svd((points - centre).T @ (points + moves - centre - shift))
    flip = np.diag([1, 1, np.sign(np.linalg.det(v.T @ u.T))])
    return Motion(v.T @ flip @ u.T, centre, shift)


def centre(whole: Sculpt, side: str) -> Points:
    """Of the eyeball l or r, (3,)."""
    points = whole.points[whole.members(f"helper-{side}-eye")]
    low, high = points.min(0), points.max(0)
    return np.array([*(low[:2] + high[:2]) / 2, low[2] + radius(whole, side)])


def radius(whole: Sculpt, side: str) -> float:
    """Of the eyeball l or r, metres; the source's cornea stands out beyond it."""
    points = whole.points[whole.members(f"helper-{side}-eye")]
    return float((points.max(0) - points.min(0))[:2].mean() / 2)


def across(angle: Points) -> Points:
    """Distance from the middle of the eye's picture, 0..0.5, for angles from the line of sight."""
    return np.asarray(0.5 * (angle / _WIDEST) ** _BEND)


def eyes(whole: Sculpt) -> Part:
    """Both eyeballs, and the pink flesh in their inner corners."""
    return joined([piece(whole, side) for side in "lr" for piece in (_eye, _corner)])


def _eye(whole: Sculpt, side: str) -> Part:
    middle, size = centre(whole, side), radius(whole, side) * 0.985
    angle = np.repeat(_LINES, _AROUND)
    round_ = np.tile(np.arange(_AROUND) * 2 * np.pi / _AROUND, len(_LINES))
    ray = np.stack([np.sin(angle) * np.cos(round_), np.sin(angle) * np.sin(round_), np.cos(angle)], 1)
    rim = np.arcsin(IRIS) * 1.1
    bulge = 0.055 * np.clip(1 - (angle / rim) ** 2, 0, 1)
    points = middle + ray * size * (1 + bulge)[:, None]
    ring, step = np.meshgrid(np.arange(len(_LINES) - 1), np.arange(_AROUND), indexing="ij")
    here, next_ = ring * _AROUND + step, ring * _AROUND + (step + 1) % _AROUND
    quads = np.stack([here, here + _AROUND, next_ + _AROUND, next_], 2).reshape(-1, 4)
    faces = surface.triangles(quads)
    normal = surface.normals(points, faces)
    normal[:_AROUND] = [0, 0, 1]
    uvs = 0.5 + across(angle)[:, None] * np.stack([np.cos(round_), -np.sin(round_)], 1)
    members = whole.members(f"helper-{side}-eye")
    moves, turns = np.zeros((2, len(SHAPES), len(points), 3))
    for i, move in enumerate(whole.moves[:, members]):
        if np.abs(move).max() > 1e-5:
            carry = motion(whole.points[members], move)
            moves[i] = carry.of(points)
            turns[i] = normal @ carry.turn.T - normal
    joint = JOINTS.index("leftEye" if side == "l" else "rightEye")
    joints = np.tile([joint, 0], (len(points), 1))
    return Part(
        "eyes", points, normal, uvs, faces, moves, turns, joints, np.tile([1.0, 0.0], (len(points), 1))
    )


def _corner(whole: Sculpt, side: str) -> Part:
    """A small ellipsoid that the lids meet on; its place in the picture is a corner of it."""
    inward = -1.0 if side == "l" else 1.0
    size = radius(whole, side) / 0.014
    middle = centre(whole, side) + np.array([inward * 0.0122, -0.0007, 0.0078]) * size
    height, around = np.meshgrid(
        np.linspace(-np.pi / 2, np.pi / 2, 6), np.arange(8) * np.pi / 4, indexing="ij"
    )
    ray = np.stack([np.cos(height) * np.cos(around), np.sin(height), np.cos(height) * np.sin(around)], -1)
    ray = ray.reshape(-1, 3)
    points = middle + ray * np.array([0.0034, 0.0021, 0.0026]) * size
    row, step = np.meshgrid(np.arange(5), np.arange(8), indexing="ij")
    here, next_ = row * 8 + step, row * 8 + (step + 1) % 8
    faces = surface.triangles(np.stack([here, here + 8, next_ + 8, next_], 2).reshape(-1, 4))
    uvs = 0.03 + 0.02 * ray[:, :2]
    return still("eyes", points, ray, uvs, faces)


def lashes(whole: Sculpt) -> Part:
    """Upper and lower lashes, textured from root (v = 1) to tip (v = 0)."""
    return joined([_lash(whole, side, row) for side in "lr" for row in (1, 2)])


def _lash(whole: Sculpt, side: str, row: int) -> Part:
    quads = whole.faces(f"helper-{side}-eyelashes-{row}")
    members, flat = np.unique(quads, return_inverse=True)
    points = whole.points[members]
    off = points - centre(whole, side)
    along = np.arctan2(off[:, 1] * (1 if row == 2 else -1), off[:, 0])
    far = np.linalg.norm(off, axis=1)
    bins = np.linspace(along.min(), along.max() + 1e-9, 9)
    which = np.digitize(along, bins) - 1
    middle = [(bins[i] + bins[i + 1]) / 2 for i in range(8) if (which == i).any()]
    low = [far[which == i].min() for i in range(8) if (which == i).any()]
    high = [far[which == i].max() for i in range(8) if (which == i).any()]
    near, tip = np.interp(along, middle, low), np.interp(along, middle, high)
    depth = np.clip((far - near) / np.maximum(tip - near, 1e-6), 0, 1)
    share = (along - along.min()) / np.ptp(along)
    uvs = np.stack([share * 0.98 + 0.01, np.where(row == 2, 0.49, 0.98) - depth * 0.46], 1)
    faces = surface.triangles(flat.reshape(-1, 4))
    normal = surface.normals(points, faces)
    joints = np.tile([JOINTS.index("head"), 0], (len(points), 1))
    moves = whole.moves[:, members]
    return Part(
        "lashes",
        points,
        normal,
        uvs,
        faces,
        moves,
        np.zeros_like(moves),
        joints,
        np.tile([1.0, 0.0], (len(points), 1)),
    )
