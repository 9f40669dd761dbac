"""A finished piece of the avatar: what one draw call shows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from voxrig.rigs.native import ARKIT_CURVES, TONGUE_CURVES
from voxrig_export.avatar.anny_data import Index, Points

SHAPES = ARKIT_CURVES + TONGUE_CURVES
"""The 68 shapes, in the order of the morph targets."""
JOINTS = ("root", "neck", "head", "leftEye", "rightEye")


@dataclass(frozen=True, eq=False)
class Part:
    """One material's worth of triangles. Metres; s is one for each of SHAPES."""

    material: str
    points: Points  # (v, 3)
    normals: Points  # (v, 3)
    uvs: Points  # (v, 2), +v downwards as in glTF
    faces: Index  # (f, 3)
    moves: Points  # (s, v, 3) displacement by each shape at 1
    turns: Points  # (s, v, 3) what that adds to the normals
    joints: Index  # (v, 2) into JOINTS
    weights: Points  # (v, 2) share of each


def still(
    material: str, points: Points, normal: Points, uvs: Points, faces: Index, joint: str = "head"
) -> Part:
    """A part that no shape moves and one joint carries."""
    zero = np.zeros((len(SHAPES), len(points), 3))
    joints = np.tile([JOINTS.index(joint), 0], (len(points), 1))
    return Part(
        material, points, normal, uvs, faces, zero, zero, joints, np.tile([1.0, 0.0], (len(points), 1))
    )


def used(part: Part) -> Part:
    """The same without vertices that no face has."""
    keep, faces = np.unique(part.faces, return_inverse=True)
    return replace(
        part,
        points=part.points[keep], normals=part.normals[keep], uvs=part.uvs[keep],
        faces=faces.reshape(-1, 3), moves=part.moves[:, keep], turns=part.turns[:, keep],
        joints=part.joints[keep], weights=part.weights[keep],
    )  # fmt: skip


def areas(part: Part) -> Points:
    """Of each triangle: (f,) square metres."""
    corners = part.points[part.faces]
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.asarray(np.linalg.norm(crossed, axis=1) / 2)


def joined(parts: list[Part]) -> Part:
    """Parts of one material as one."""
    start = np.cumsum([0, *(len(part.points) for part in parts)])
    return Part(
        parts[0].material,
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.normals for part in parts]),
        np.concatenate([part.uvs for part in parts]),
        np.concatenate([part.faces + at for part, at in zip(parts, start[:-1], strict=True)]),
        np.concatenate([part.moves for part in parts], 1),
        np.concatenate([part.turns for part in parts], 1),
        np.concatenate([part.joints for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )
