"""Hair: where it grows, and locks that lie over the skull."""

from __future__ import annotations

import numpy as np

from voxrig_export.avatar.anny_data import Index, Points
from voxrig_export.avatar.part import Part, joined, still
from voxrig_export.avatar.person import Person

_MIDDLE = np.array([0.0, 0.02, -0.075])
"""Of the skull, metres from between the eyes."""
_STEPS = 8
# Height of the hairline over the eyes, metres, by degrees from the front.
_LINE = ((0, 0.066), (25, 0.064), (45, 0.050), (58, 0.022), (70, -0.006), (84, -0.012), (92, 0.022),
         (106, 0.020), (118, -0.02), (140, -0.065), (180, -0.078))  # fmt: skip


def outward(points: Points) -> Points:
    """Unit vectors away from skull and neck at points (v, 3)."""
    off = points - _MIDDLE
    off[:, 1] = np.maximum(off[:, 1], 0)
    return np.asarray(off / np.maximum(np.linalg.norm(off, axis=1, keepdims=True), 1e-9))


def hairy(points: Points, who: Person) -> Points:
    """How much hair grows at points (v, 3) of the skin: (v,) 0..1."""
    off = points - _MIDDLE
    angle = np.degrees(np.arctan2(np.abs(off[:, 0]), off[:, 2]))
    degrees, height = np.array(_LINE).T
    recede = 0.012 * who.sex * np.clip((who.age - 25) / 40, 0, 1) * (angle < 50)
    over = points[:, 1] - np.interp(angle, degrees, height) - recede
    return np.asarray(np.clip(over / 0.014 + 0.5, 0, 1))


def _before_face(points: Points) -> Points:
    """How much a point (v, 3) hangs before the face: (v,) 0..1."""
    off = points - _MIDDLE
    angle = np.degrees(np.arctan2(np.abs(off[:, 0]), off[:, 2]))
    return np.asarray(np.clip((66 - angle) / 12, 0, 1) * np.clip((0.06 - points[:, 1]) / 0.02, 0, 1))


def hair(skin: Part, cloth: Part, ears: Points, who: Person) -> Part:
    """Locks as strips of a picture, three layers deep; ``ears`` (v,) is 1 where the skin is an ear's.

    Locks lie on the skin and on the cloth.
    """
    random = np.random.default_rng([who.seed, 5])
    layers = ((150, 0.030, 0.002), (210, 0.022, 0.006), (190, 0.014, 0.010))
    return joined([_layer(skin, cloth, ears, who, random, *layer) for layer in layers])


def _layer(
    skin: Part,
    cloth: Part,
    ears: Points,
    who: Person,
    random: np.random.Generator,
    count: int,
    wide: float,
    lift: float,
) -> Part:
    from scipy.spatial import cKDTree

    points = skin.points
    ear = points[(ears > 0.5) & (points[:, 0] > 0)].mean(0)
    beside = np.linalg.norm(points * np.where(points[:, :1] < 0, [-1, 1, 1], [1, 1, 1]) - ear, axis=1) < 0.034
    grows = hairy(points, who) * ~beside
    rigid = np.flatnonzero(~beside & (np.linalg.norm(points - _MIDDLE, axis=1) > 0.05))
    bed = np.concatenate([points[rigid], cloth.points])
    bed_out = np.concatenate([outward(points[rigid]), cloth.normals])
    tree = cKDTree(bed)
    corners = points[skin.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    chance = area * (grows[skin.faces].min(1) > 0.45)
    picks = _spaced(random, corners.mean(1), chance, count)
    root = corners[picks].mean(1)
    out = outward(root)
    long = who.length * random.uniform(0.8, 1.05, count)
    down = who.length > 0.08
    parting = np.array([0.018, 0.11, -0.03])
    if down:
        away = root - parting
        behind = np.clip(-(root[:, 2] + 0.01) / 0.06, 0, 1)
        side_ = np.where(np.abs(away[:, 0]) < 0.004, random.choice([-1.0, 1.0], count), np.sign(away[:, 0]))
        flow = np.stack(
            [side_ * (0.5 + 12 * np.abs(away[:, 0])), -0.2 - 0.5 * behind, np.full(count, -0.5)], 1
        )
    else:
        flow = np.stack([0.9 + 0 * root[:, 0], np.zeros(count), 0.8 * np.sign(root[:, 2] + 0.03)], 1)
        side = np.abs(root[:, 0]) > 0.045
        flow[side] = np.stack([np.zeros(count), np.full(count, -1.0), np.full(count, -0.5)], 1)[side]
        back = root[:, 2] < -0.11
        flow[back] = [0, -1, -0.2]
    flow += random.normal(0, 0.22, flow.shape)
    flow -= (flow * out).sum(1, keepdims=True) * out
    way = flow / np.linalg.norm(flow, axis=1, keepdims=True) + out * (0.25 if not down else 0.05)
    place = root + out * 0.001
    line, faces_out = [place], [out]
    step = long / _STEPS
    for k in range(_STEPS):
        way = way / np.linalg.norm(way, axis=1, keepdims=True)
        place = place + way * step[:, None]
        height = lift * min(1.0, (k + 1) / 3) + (0.010 if down else 0.006) * np.clip(
            (place[:, 1]) / 0.1, 0, 1
        )
        _, near = tree.query(place)
        skin_at, skin_out = bed[near], bed_out[near]
        depth = ((place - skin_at) * skin_out).sum(1)
        place = place + skin_out * np.clip(height - depth, 0, 0.02)[:, None]
        along = way - (way * skin_out).sum(1, keepdims=True) * skin_out * (depth < 0.03)[:, None]
        way = along + (np.array([0, -0.55, 0]) if down else np.array([0, -0.06, 0]))
        way += _before_face(place)[:, None] * np.stack(
            [0.5 * np.sign(place[:, 0]), np.zeros(count), np.full(count, -0.9)], 1
        )
        line.append(place)
        faces_out.append(skin_out)
    lines, outs = np.stack(line, 1), np.stack(faces_out, 1)  # (n, k, 3)
    return _strips(lines, outs, wide * random.uniform(0.8, 1.2, count), random)


def _strips(lines: Points, outs: Points, wide: Points, random: np.random.Generator) -> Part:
    """Strips along lines (n, k, 3) that face outs (n, k, 3)."""
    count, knots, _ = lines.shape
    way = np.gradient(lines, axis=1)
    across = np.cross(way, outs)
    across /= np.maximum(np.linalg.norm(across, axis=2, keepdims=True), 1e-9)
    taper = np.interp(np.arange(knots) / (knots - 1), [0, 0.25, 0.8, 1], [0.75, 1, 0.9, 0.6])
    half = across * (wide[:, None] * taper / 2)[..., None]
    points = np.stack([lines - half, lines + half], 2).reshape(-1, 3)
    radial = points - _MIDDLE
    radial /= np.linalg.norm(radial, axis=1, keepdims=True)
    own = np.cross(across, way)
    own /= np.maximum(np.linalg.norm(own, axis=2, keepdims=True), 1e-9)
    own *= np.sign((own * outs).sum(2, keepdims=True) + 1e-9)
    normal = radial + 0.6 * np.repeat(own, 2, axis=1).reshape(-1, 3)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    width = random.uniform(0.35, 0.6, count)
    left = random.uniform(0, 1 - width)
    u = np.stack([left, left + width], 1)[:, None, :].repeat(knots, 1)
    v = np.tile((np.arange(knots) / (knots - 1))[None, :, None] * 0.98 + 0.01, (count, 1, 2))
    base = (np.arange(count) * knots)[:, None] + np.arange(knots - 1)
    a = (2 * base).ravel()
    faces = np.stack([a, a + 1, a + 3, a, a + 3, a + 2], 1).reshape(-1, 3)
    return still("hair", points, normal, np.stack([u.ravel(), v.ravel()], 1), faces)


def _spaced(random: np.random.Generator, places: Points, chance: Points, count: int) -> Index:
    """Picks of places (f, 3) that keep their distance: the best of several throws each."""
    total = np.cumsum(chance)
    throws = np.searchsorted(total, random.uniform(0, total[-1], (count, 12)))
    chosen = [int(throws[0, 0])]
    for row in throws[1:]:
        gap = np.linalg.norm(places[row][:, None] - places[chosen][None], axis=2).min(1)
        chosen.append(int(row[np.argmax(gap)]))
    return np.array(chosen)
