"""Hair: where it grows, and locks that are combed over the skull.

A lock is a strip of the hair's picture. All locks of a head follow one field of directions and lie on one
smooth bed, so that they look cut and combed; small differences between them make the strands. Metres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from voxrig_export.avatar.anny_data import Flags, Points
from voxrig_export.avatar.locks import MIDDLE, Bed, cut, outward, spaced, strips, waved
from voxrig_export.avatar.paint import ramp
from voxrig_export.avatar.part import Part, areas, joined
from voxrig_export.avatar.person import Person

COLUMNS = 4
"""Of the picture: dense, dense with thin tips, loose, single hairs."""
_PARTING = 0.017
"""How far left of the middle hair is parted."""
_STEP = 0.007
# Height of the hairline over the eyes by degrees from the front.
_LINE = ((0, 0.061), (25, 0.059), (45, 0.046), (58, 0.020), (70, -0.006), (84, -0.012), (92, 0.022),
         (106, 0.020), (118, -0.02), (140, -0.065), (180, -0.078))  # fmt: skip


@dataclass(frozen=True)
class _Layer:
    """Locks of one kind."""

    count: int
    wide: float
    lift: float
    """Over the skull."""
    column: int
    knots: int
    long: float = 1.0
    """Share of the way down."""
    rim: bool = False
    """Only at the hairline."""


_LONG = (
    _Layer(130, 0.030, 0.0030, 0, 10),
    _Layer(190, 0.024, 0.0065, 1, 11),
    _Layer(230, 0.018, 0.0100, 1, 12),
    _Layer(200, 0.013, 0.0130, 2, 12),
    _Layer(110, 0.007, 0.0145, 3, 12, 0.98),
    _Layer(120, 0.006, 0.0030, 3, 6, 0.3, True),
)
_SHORT = (
    _Layer(330, 0.015, 0.0025, 0, 5),
    _Layer(420, 0.011, 0.0045, 1, 5),
    _Layer(440, 0.008, 0.0065, 2, 5),
    _Layer(260, 0.005, 0.0080, 3, 5),
    _Layer(160, 0.004, 0.0020, 3, 5, 0.8, True),
)
_ROUND = (
    _Layer(300, 0.020, 0.10, 0, 5),
    _Layer(380, 0.018, 0.45, 1, 5),
    _Layer(420, 0.015, 0.75, 2, 5),
    _Layer(380, 0.012, 1.00, 2, 5),
    _Layer(160, 0.004, 0.05, 3, 4, 0.4, True),
)
"""Of hair that curls tightly; lifts are shares of its length."""


def _angle(points: Points) -> Points:
    """Degrees from the front, 0 … 180: (v,)."""
    off = points - MIDDLE
    return np.asarray(np.degrees(np.arctan2(np.abs(off[:, 0]), off[:, 2])))


def hairy(points: Points, who: Person) -> Points:
    """How much hair grows at points (v, 3) of the skin: (v,) 0..1."""
    angle = _angle(points)
    degrees, height = np.array(_LINE).T
    over = points[:, 1] - np.interp(angle, degrees, height) - _recede(angle, who)
    return np.asarray(np.clip(over / 0.014 + 0.5, 0, 1))


def hairline(who: Person) -> Points:
    """The left half of the hairline on the sheet of ``strokes``: (k, 2), from the middle of the forehead."""
    degrees, height = np.array([entry for entry in _LINE if entry[0] < 75]).T
    return np.stack([np.radians(degrees) * 0.095, height + _recede(degrees, who)], 1)


def _recede(degrees: Points, who: Person) -> Points:
    """How much higher than a young woman's the hairline is."""
    old = np.clip((who.age - 25) / 40, 0, 1)
    temple = np.exp(-(((degrees - 32) / 14) ** 2))
    return np.asarray(who.sex * (0.003 + 0.012 * old + (0.004 + 0.010 * old) * temple) * (degrees < 60))


def hair(skin: Part, ears: Points, who: Person) -> Part:
    """All locks; ``ears`` (v,) is 1 where the skin is an ear's."""
    random = np.random.default_rng([who.seed, 5])
    ground = _Ground.of(skin, ears, who)
    layers, grow = {"long": (_LONG, _long), "short": (_SHORT, _short), "round": (_ROUND, _round)}[who.style]
    return joined([_locks(ground, who, layer, grow, random) for layer in layers])


@dataclass(frozen=True, eq=False)
class _Ground:
    """Where locks may grow."""

    places: Points  # (f, 3) middles of the triangles of the scalp
    area: Points  # (f,)
    rim: Flags  # (f,) near the hairline in front
    bed: Bed

    @classmethod
    def of(cls, skin: Part, ears: Points, who: Person) -> _Ground:
        points = skin.points
        ear = points[(ears > 0.5) & (points[:, 0] > 0)].mean(0)
        mirrored = points * np.where(points[:, :1] < 0, [-1, 1, 1], [1, 1, 1])
        beside = np.linalg.norm(mirrored - ear, axis=1) < 0.034
        grows = hairy(points, who) * ~beside
        outside = np.linalg.norm(points - MIDDLE, axis=1) > 0.05
        bed = points[outside & ((ears < 0.5) | (who.style == "long"))]
        corners = points[skin.faces]
        kept = grows[skin.faces].min(1) > 0.45
        place = corners[kept].mean(1)
        near = (grows[skin.faces[kept]].min(1) < 0.98) & (_angle(place) < 75)
        return cls(place, areas(skin)[kept], near, Bed(bed))


@dataclass(frozen=True, eq=False)
class _Growth:
    """How locks (n,) of one layer grow."""

    comb: Callable[[Points], Points]
    """The direction (n, 3) in which hair lies at places (n, 3)."""
    lift: Callable[[Points], Points]
    """Its height (n,) over the skull at places (n, 3)."""
    reach: Points  # (n,) how long it is
    bottom: Points  # (n,) the height at which it is cut
    step: Points  # (n,)
    slope: float
    """Steps until it has its height."""
    wide: float = 1.0
    """Share of a layer's width that locks have."""


_Grow = Callable[[Points, Person, _Layer, np.random.Generator], _Growth]


def _locks(ground: _Ground, who: Person, layer: _Layer, grow: _Grow, random: np.random.Generator) -> Part:
    picks = spaced(random, ground.places, ground.area * (ground.rim | (not layer.rim)), layer.count)
    place = ground.places[picks]
    growth = grow(place, who, layer, random)
    wide = (
        layer.wide
        * growth.wide
        * random.uniform(0.8, 1.2, len(place))
        * np.where(ground.rim[picks], 0.5, 1.0)
    )
    out = ground.bed.under(place)[1]
    way = growth.comb(place)
    line, outs = [place], [out]
    for k in range(round(float((growth.reach / growth.step).max())) + 1):
        goal = growth.comb(place)
        way = way * 0.6 + goal / np.linalg.norm(goal, axis=1, keepdims=True) * 0.4
        way -= (way * out).sum(1, keepdims=True) * out * 0.8
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        place = place + way * growth.step[:, None]
        bed, out = ground.bed.under(place)
        depth = ((place - bed) * out).sum(1)
        rise = growth.lift(place) * min(1.0, (k + 1) / growth.slope)
        hold = 0.0015 + 0.03 * ramp(place[:, 1], -0.02, 0.02)  # on the skull; lower down it hangs freely
        place = place + out * np.clip(rise - depth, -hold, 0.004)[:, None]
        line.append(place)
        outs.append(out)
    lines, normals = cut(np.stack(line, 1), np.stack(outs, 1), growth.bottom, growth.reach, layer.knots)
    lines = waved(lines, normals, who.curl, random)
    sides = random.permuted(np.tile([0.01, 0.99], (len(picks), 1)), axis=1) + layer.column
    return strips(lines, normals, wide, sides / COLUMNS)


def _long(root: Points, who: Person, layer: _Layer, random: np.random.Generator) -> _Growth:
    """Parted, combed back from the face, hanging to one height."""
    count = len(root)
    aside = root[:, 0] - _PARTING
    side = np.where(np.abs(aside) < 0.003, random.choice([-1.0, 1.0], count), np.sign(aside))
    stray = random.normal(0, 0.05 + 0.08 * (layer.column > 1), (count, 3))
    full = layer.lift * random.uniform(0.8, 1.2, count) + 0.006 * np.clip(root[:, 1] / 0.1, 0, 1)
    full += 0.016 * who.curl**2

    def lift(place: Points) -> Points:  # flat at the parting
        return full * (0.35 + 0.65 * ramp(np.abs(place[:, 0] - _PARTING), 0.0, 0.04)) + 0.002

    return _Growth(
        lambda place: _hanging(place, side, outward(place)) + stray, lift, np.full(count, 0.42),
        0.03 - who.length * layer.long + random.normal(0, 0.004, count), np.full(count, _STEP), 6,
    )  # fmt: skip


def _short(root: Points, who: Person, layer: _Layer, random: np.random.Generator) -> _Growth:
    """Longer on top than at the sides."""
    count = len(root)
    top = ramp(root[:, 1], 0.015, 0.085)
    reach = who.length * layer.long * (0.36 + 0.64 * top) * random.uniform(0.8, 1.1, count)
    stray = random.normal(0, 0.08 + 0.10 * (layer.column > 1), (count, 3))
    full = (layer.lift * random.uniform(0.8, 1.2, count) + 0.003) * (0.45 + 0.75 * top)
    return _Growth(
        lambda place: _standing(place) + stray, lambda place: full, reach, np.full(count, -1.0), reach / 8, 4,
    )  # fmt: skip


def _round(root: Points, who: Person, layer: _Layer, random: np.random.Generator) -> _Growth:
    """As tight curls grow: away from the skull on all sides."""
    count = len(root)
    deep = 0.27 * who.length * (0.45 + 0.55 * ramp(root[:, 1], -0.05, 0.06))
    stray = random.normal(0, 0.7, (count, 3))
    full = layer.lift * deep * random.uniform(0.85, 1.1, count) + 0.001
    reach = 0.5 * deep + 0.014 + full
    return _Growth(
        lambda place: outward(place) + stray, lambda place: full, reach, np.full(count, -1.0), reach / 10, 4,
        float(np.clip(who.length / 0.12, 0.4, 1)),
    )  # fmt: skip


def _hanging(place: Points, side: Points, out: Points) -> Points:
    """Which way long hair lies: from the parting sideways, back from the face, then down."""
    high = np.clip((place[:, 1] + 0.005) / 0.115, 0, 1)
    front = np.clip((95 - _angle(place)) / 60, 0, 1)
    face = np.clip((80 - _angle(place)) / 8, 0, 1) * np.clip((0.075 - place[:, 1]) / 0.03, 0, 1)
    behind = np.clip((_angle(place) - 100) / 50, 0, 1)
    flow = np.zeros_like(place)
    flow[:, 0] = side * (1.1 * high * (1 - 0.75 * behind) + 0.2 * front) + 0.6 * face * np.sign(place[:, 0])
    flow[:, 1] = -(0.15 + 1.3 * (1 - high)) + 0.5 * face
    flow[:, 2] = -0.8 * front * (0.35 + high) - 1.5 * face
    low = np.clip(-(place[:, 1] + 0.06) / 0.06, 0, 1)
    flow -= (0.22 * low)[:, None] * out  # the ends turn in
    return flow


def _standing(place: Points) -> Points:
    """Which way short hair lies: to the side and up on top, down at the sides and behind."""
    high = ramp(place[:, 1], 0.03, 0.08)
    back = ramp(-place[:, 2], 0.06, 0.15)
    front = ramp(place[:, 2], -0.05, 0.0)
    flow = np.zeros_like(place)
    flow[:, 0] = -0.8 * high * (1 - back)
    flow[:, 1] = -(1 - high) - 0.8 * back + 0.5 * front * high
    flow[:, 2] = (0.25 - 0.9 * front) * high - 0.5 * (1 - high)
    return np.asarray(flow + (0.35 * high * (1 - back))[:, None] * outward(place))
