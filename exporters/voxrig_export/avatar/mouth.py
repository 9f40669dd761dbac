"""Teeth, gums and tongue, and the 16 tongue shapes of Audio2Face-3D.

Teeth are made here: two rows of fourteen rounded crowns along an arch in each jaw. Upper ones stay, lower
ones follow the source's crude lower teeth as one rigid piece. The tongue is the source's.

The picture of this part has three columns: u in 0..0.4 crowns, from the neck of the tooth (v = 0) to its
edge (v = 1); 0.4..0.6 gums; 0.6..1 the tongue, from root (v = 1) to tip (v = 0).
"""

from __future__ import annotations

import numpy as np

from voxrig.rigs.native import TONGUE_CURVES
from voxrig_export.avatar import surface
from voxrig_export.avatar.anny_data import Index, Points
from voxrig_export.avatar.eyes import motion
from voxrig_export.avatar.head import Sculpt
from voxrig_export.avatar.part import JOINTS, SHAPES, Part, joined

# Millimetres of each tooth from the middle outwards: width, height.
_UPPER = ((8.4, 9.6), (6.6, 8.6), (7.4, 9.4), (6.8, 8.0), (6.6, 7.4), (9.4, 6.8), (9.0, 6.4))
_LOWER = ((5.3, 8.2), (5.8, 8.2), (6.6, 8.8), (6.8, 8.0), (6.9, 7.4), (10.2, 6.8), (9.6, 6.4))
_RINGS, _AROUND = 7, 10
_SHOWN = 0.0021
"""Metres that the upper teeth reach below the line where the lips meet."""
_INTO = 0.0028
"""Metres that the arches lie behind the source's teeth, so that lips close before them."""


def mouth(whole: Sculpt) -> Part:
    """Everything in the mouth that is not its lining."""
    line = lip_line(whole)
    upper = _row(whole, "upper", _UPPER, line - _SHOWN)
    lower = _row(whole, "lower", _LOWER, line - 0.0016)
    return joined([upper, lower, _tongue(whole)])


def lip_line(whole: Sculpt) -> float:
    """Height at which the closed lips meet, metres."""
    middle = whole.members("body")
    at = whole.points[middle]
    near = (np.abs(at[:, 0]) < 2e-4) & (at[:, 2] > whole.points[whole.members("helper-upper-teeth"), 2].max())
    middle = middle[near & (at[:, 1] < -0.045) & (at[:, 1] > -0.09)]
    falls = np.linalg.norm(whole.move("jawOpen")[middle], axis=1)
    upper, lower = middle[falls < 0.3 * falls.max()], middle[falls > 0.6 * falls.max()]
    apart = np.linalg.norm(whole.points[upper][:, None] - whole.points[lower][None], axis=2)
    first, second = np.unravel_index(int(np.argmin(apart)), apart.shape)
    return float(whole.points[[upper[first], lower[second]], 1].mean())


def _row(whole: Sculpt, jaw: str, sizes: tuple[tuple[float, float], ...], biting: float) -> Part:
    members = whole.members(f"helper-{jaw}-teeth")
    source = whole.points[members]
    front, back = source[:, 2].max() - _INTO, source[:, 2].min()
    half = np.abs(source[:, 0]).max() * 0.9
    up = 1.0 if jaw == "upper" else -1.0
    if jaw == "lower":
        front -= 0.0012  # lower teeth bite behind the upper
    scale = half / 0.029
    line = np.linspace(0, half, 400)
    arch = np.stack([line, front - (line / half) ** 2.4 * (front - back) * 0.9], 1)  # (400, 2) x and z
    run = np.r_[0, np.cumsum(np.linalg.norm(np.diff(arch, axis=0), axis=1))]
    pieces: list[tuple[Points, Points, Index]] = []
    at = 0.0
    fit = run[-1] / (sum(width for width, _ in sizes) * scale / 1000) * 0.98
    for k, (width, height) in enumerate(sizes):
        wide, tall = width * scale / 1000 * min(fit, 1.05), height * scale / 1000
        middle = at + wide / 2
        at += wide
        x, z = (np.interp(middle, run, arch[:, i]) for i in (0, 1))
        ahead = [
            np.interp(middle + 1e-4, run, arch[:, i]) - np.interp(middle - 1e-4, run, arch[:, i])
            for i in (0, 1)
        ]
        turn = float(np.arctan2(-ahead[1], ahead[0]))
        thick = 0.0062 * scale if k < 3 else 0.0098 * scale
        for side in (1.0, -1.0):
            crown, uvs, faces = _crown(wide * 1.02, tall, thick, sharp=k < 3)
            crown[:, 0] *= side
            crown[:, 1] *= up
            if side * up < 0:
                faces = faces[:, ::-1]
            cos, sin = np.cos(side * turn), np.sin(side * turn)
            placed = np.stack(
                [crown[:, 0] * cos + crown[:, 2] * sin, crown[:, 1], crown[:, 2] * cos - crown[:, 0] * sin], 1
            )
            lower = 0.0008 * up if k in (1,) else 0.0
            pieces.append((placed + np.array([side * x, biting + lower, z - thick / 2]), uvs, faces))
    pieces.append(_gum(arch, biting, up, scale))
    start = np.cumsum([0, *(len(points) for points, _, _ in pieces)])
    points = np.concatenate([points for points, _, _ in pieces])
    uvs = np.concatenate([uv for _, uv, _ in pieces])
    faces = np.concatenate([faces + s for (_, _, faces), s in zip(pieces, start[:-1], strict=True)])
    normal = surface.normals(points, faces)
    moves, turns = np.zeros((2, len(SHAPES), len(points), 3))
    if jaw == "lower":
        for i, move in enumerate(whole.moves[:, members]):
            if np.abs(move).max() > 2e-4:
                carry = motion(source, move)
                moves[i], turns[i] = carry.of(points), normal @ carry.turn.T - normal
    joints = np.tile([JOINTS.index("head"), 0], (len(points), 1))
    return Part(
        "mouth", points, normal, uvs, faces, moves, turns, joints, np.tile([1.0, 0.0], (len(points), 1))
    )


def _crown(wide: float, tall: float, thick: float, sharp: bool) -> tuple[Points, Points, Index]:
    """One upper tooth about its biting edge, which is at y = 0: points, UVs, faces."""
    ring = np.linspace(-np.pi / 2, np.pi / 2, _RINGS)
    around = np.arange(_AROUND) * 2 * np.pi / _AROUND
    height, angle = (grid.ravel() for grid in np.meshgrid(ring, around, indexing="ij"))

    def box(value: Points, power: float) -> Points:
        return np.asarray(np.sign(value) * np.abs(value) ** power)

    flat, level = box(np.cos(height), 0.45), box(np.sin(height), 0.7)
    x, z = flat * box(np.cos(angle), 0.5), flat * box(np.sin(angle), 0.6)
    share = (level + 1) / 2  # 0 at the edge, 1 at the neck
    narrow = 1 - 0.22 * share**2
    depth = (0.45 + 0.55 * share) if sharp else np.ones_like(share)
    points = np.stack([x * wide / 2 * narrow, share * tall, z * thick / 2 * depth], 1)
    if sharp:
        points[:, 2] += thick * 0.16 * (1 - share)
    row, step = np.meshgrid(np.arange(_RINGS - 1), np.arange(_AROUND), indexing="ij")
    here, next_ = row * _AROUND + step, row * _AROUND + (step + 1) % _AROUND
    quads = np.stack([here, here + _AROUND, next_ + _AROUND, next_], 2).reshape(-1, 4)
    uvs = np.stack([0.2 + 0.18 * x, 1 - share * 0.98 - 0.01], 1)
    return points, uvs, surface.triangles(quads)


def _gum(arch: Points, biting: float, up: float, scale: float) -> tuple[Points, Points, Index]:
    """A band over the necks of the teeth, thick in front and behind."""
    line = np.concatenate([arch[::-25] * [-1, 1], arch[25::25]])
    section = (
        np.array([[6.6, 0.3], [7.6, 1.3], [10.5, 1.8], [15, 1.0], [15, -9], [9, -10.5], [6.6, -9]])
        * scale
        / 1000
    )
    points = np.array([[x, biting + up * tall, z + out] for x, z in line for tall, out in section])
    n = len(section)
    row, step = np.meshgrid(np.arange(len(line) - 1), np.arange(n - 1), indexing="ij")
    here = row * n + step
    quads = np.stack([here, here + n, here + n + 1, here + 1], 2).reshape(-1, 4)
    if up < 0:
        quads = quads[:, ::-1]
    uvs = np.stack([np.full(len(points), 0.5), np.tile(np.linspace(0, 1, n), len(line))], 1)
    return points, uvs, surface.triangles(quads)


def _tongue(whole: Sculpt) -> Part:
    quads = whole.faces("helper-tongue")
    members, flat = np.unique(quads, return_inverse=True)
    points, faces = whole.points[members], surface.triangles(flat.reshape(-1, 4))
    moves = whole.moves[:, members].copy()
    for curve in TONGUE_CURVES:
        moves[SHAPES.index(curve)] = tongue_shape(curve, points) - points
    normal = surface.normals(points, faces)
    turns = np.zeros_like(moves)
    for i, move in enumerate(moves):
        if move.any():
            turns[i] = surface.normals(points + move, faces) - normal
    along = _along(points)
    side = np.clip((points[:, 0] / np.abs(points[:, 0]).max() + 1) / 2, 0, 1)
    uvs = np.stack([0.61 + 0.38 * side, 0.99 - 0.98 * along], 1)
    joints = np.tile([JOINTS.index("head"), 0], (len(points), 1))
    return Part(
        "mouth", points, normal, uvs, faces, moves, turns, joints, np.tile([1.0, 0.0], (len(points), 1))
    )


def _along(points: Points) -> Points:
    """0 at the root of the tongue, 1 at its tip: (v,)."""
    z = points[:, 2]
    return np.asarray((z - z.min()) / np.ptp(z))


def tongue_shape(curve: str, points: Points) -> Points:
    """The tongue's points (v, 3) with one of the 16 shapes at 1, all of which hold the root still."""
    way = curve.removeprefix("tongue")
    along = _along(points)
    long = float(np.ptp(points[:, 2]))
    free = np.clip((along - 0.25) / 0.75, 0, 1)
    free = free * free * (3 - 2 * free)
    tip = np.clip((along - 0.55) / 0.45, 0, 1) ** 2
    x, y, z = points.T
    side = 1.0 if way.endswith("Left") else -1.0
    rise = 1.0 if way.endswith("Up") else -1.0
    match way:
        case "TipUp" | "TipDown":
            return np.stack([x, y + rise * tip * 0.3 * long, z - tip * 0.1 * long], 1)
        case "TipLeft" | "TipRight":
            return np.stack([x + side * tip * 0.28 * long, y, z - tip * 0.08 * long], 1)
        case "RollUp" | "RollDown":  # the front curls over
            bend = np.clip((along - 0.4) / 0.6, 0, 1) * rise * 1.7
            start = z.min() + 0.4 * long
            ahead = np.maximum(z - start, 0)
            # An arc of the same length, with the tongue's thickness turning along.
            angle = np.where(np.abs(bend) > 1e-6, bend, 1e-6)
            middle = np.interp(z, *_midline(y, z))
            off = y - middle
            arc_z, arc_y = ahead * np.sin(angle) / angle, ahead * (1 - np.cos(angle)) / angle
            bent_z = np.where(ahead > 0, start + arc_z - off * np.sin(angle), z)
            bent_y = np.where(ahead > 0, middle + arc_y + off * np.cos(angle), y)
            return np.stack([x, bent_y, bent_z], 1)
        case "RollLeft" | "RollRight":  # a twist about its length; Left turns the upper side to the left
            angle = -side * free * 0.7
            middle = np.interp(z, *_midline(y, z))
            cos, sin, off = np.cos(angle), np.sin(angle), y - middle
            return np.stack([x * cos - off * sin, middle + x * sin + off * cos, z], 1)
        case "Up" | "Down":
            return np.stack([x, y + rise * free * 0.18 * long, z], 1)
        case "Left" | "Right":
            return np.stack([x + side * free * 0.2 * long, y, z], 1)
        case "In":
            return np.stack([x, y, z - free * 0.25 * long], 1)
        case "Stretch":
            thin = 1 - 0.2 * free
            middle = np.interp(z, *_midline(y, z))
            return np.stack([x * thin, middle + (y - middle) * thin, z + free * 0.22 * long], 1)
        case "Wide" | "Narrow":
            factor = 1 + (0.28 if way == "Wide" else -0.28) * np.clip(free * 1.5, 0, 1)
            return np.stack([x * factor, y, z], 1)
        case _:
            raise ValueError(f"{curve} is no shape of the tongue")


def _midline(y: Points, z: Points) -> tuple[Points, Points]:
    """z and the mean of y there, from back to front."""
    ends = np.linspace(z.min(), z.max() + 1e-9, 13)
    which = np.digitize(z, ends) - 1
    return (ends[:-1] + ends[1:]) / 2, np.array([y[which == i].mean() for i in range(12)])
