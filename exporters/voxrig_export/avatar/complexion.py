"""The skin's colour and its fine relief, as two pictures.

Broad things are painted coarsely, hairs and pores twice as finely on top.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig.types import Array
from voxrig_export.avatar import strokes
from voxrig_export.avatar.anny_data import Flags, Index, Points
from voxrig_export.avatar.hair import hairline
from voxrig_export.avatar.occlusion import openness
from voxrig_export.avatar.paint import Values, blend, jpeg, noise, ramp
from voxrig_export.avatar.part import Part
from voxrig_export.avatar.person import Person
from voxrig_export.avatar.relief import PIXEL, grain, normal_map
from voxrig_export.avatar.texture import Marks, Regions, cavity, spread

SIZE = 2048
"""Of the colour, picture elements a side; the relief has half as many."""
_COARSE = SIZE // 2


@dataclass(frozen=True, eq=False)
class _Ground:
    """What is known of picture elements (m,)."""

    points: Points  # (m, 3)
    hollow: Points
    open: Points
    scalp: Points
    lips: Points
    inside: Points
    lids: Points
    ears: Points


def skin_pictures(part: Part, where: Regions, who: Person) -> tuple[bytes, bytes]:
    """Colour and normal map as JPEG."""
    told = np.stack(
        [
            *part.points.T,
            cavity(part, part.points),
            openness(part.points, part.normals, part.faces),
            where.scalp,
            where.lips,
            where.inside,
            where.lids,
            where.ears,
        ],
        1,
    )
    values, places = spread(part, told, _COARSE)
    ground = _Ground(values[:, :3], *values[:, 3:].T)
    whole = np.zeros((_COARSE * _COARSE, 12), np.float32)
    whole[:, :3] = who.skin
    marked = [ground.lips, ground.inside, ground.scalp, _beard(ground, who), _oily(ground, where.marks)]
    whole[places, :11] = np.c_[_broad(ground, where.marks, who), ground.points, np.stack(marked, 1)]
    whole[places, 11] = 1
    fine = _doubled(whole.reshape(_COARSE, _COARSE, -1)).reshape(SIZE * SIZE, -1)
    covered = np.flatnonzero(fine[:, 11] > 0.99)
    colour, height = fine[:, :3].copy(), np.zeros(SIZE * SIZE, np.float32)
    colour[covered], height[covered] = _detail(fine[covered, :11], covered, where.marks, who)
    bumps = height.reshape(_COARSE, 2, _COARSE, 2).mean((1, 3))
    return jpeg(colour.reshape(SIZE, SIZE, 3), 84), jpeg(normal_map(bumps, 2 * PIXEL), 82)


def _broad(g: _Ground, marks: Marks, who: Person) -> Points:
    """Colours (m, 3) of all that is larger than a hair."""
    p, seed, tone = g.points, who.seed, who.skin
    x, y, z = np.abs(p[:, 0]), p[:, 1], p[:, 2]
    nose = marks.nose
    fair = float(np.clip(tone.mean() / 0.65, 0, 1))
    flush = tone * [1.02, 0.72, 0.68] if fair > 0.6 else tone * [1.04, 0.82, 0.78]

    def spot(at: Points, wide: float, tall: float = 1.0) -> Points:
        off = np.stack([x - at[0], (y - at[1]) / tall, z - at[2]], 1)
        return np.asarray(np.exp(-(off**2).sum(1) / wide**2))

    blotch = noise(p, 0.016, seed)
    red = 0.75 * spot(np.array([0.043, nose[1] + 0.002, nose[2] - 0.047]), 0.022, 0.8) * (1 + 0.35 * blotch)
    red += (
        0.65 * spot(nose, 0.013)
        + 0.5 * spot(marks.wing, 0.008)
        + 0.35 * spot(nose - np.array([0, 0.066, 0.03]), 0.017)
    )
    red += 0.7 * g.ears + 0.10 * blotch + 0.25 * spot(np.array([0.0, 0.012, nose[2] - 0.03]), 0.018)
    colour = np.tile(tone, (len(p), 1))
    colour = blend(colour, flush, 0.5 * red)
    colour = blend(colour, tone * [1.03, 1.01, 0.93], 0.5 * ramp(y, 0.03, 0.06))
    under = spot(np.array([marks.eye[0] - 0.004, -0.017, marks.eye[2] + 0.013]), 0.011, 0.6)
    tired = 0.12 + 0.5 * np.clip((who.age - 30) / 40, 0, 1)
    colour = blend(colour, tone * [0.80, 0.70, 0.73], 0.45 * g.lids + tired * under)
    jaw = ramp(-y, 0.07, 0.11) * ramp(y, -0.20, -0.15)
    colour = blend(colour, tone * [0.97, 0.965, 0.95], jaw)
    mottle = 0.022 * noise(p, 0.011, seed + 1) + 0.020 * noise(p, 0.004, seed + 2)
    colour *= 1 + mottle[:, None] * [0.8, 1.0, 1.1]
    if who.age > 40:
        aged = ramp(noise(p, 0.006, seed + 5), 0.5, 0.8) * (who.age - 40) / 50
        colour = blend(colour, tone * [0.80, 0.68, 0.58], 0.4 * aged)
    deep = 1 - g.open
    colour *= 1 - (0.28 * ramp(deep, 0.12, 1.0) * (1 - 0.6 * g.lips) * (1 - g.inside))[:, None] * [
        0.82,
        1.0,
        1.06,
    ]
    crease = np.clip(g.hollow, 0, 1) * (1 - 0.6 * g.lips)
    colour *= 1 - (0.40 * crease)[:, None] * [0.8, 1.0, 1.05]
    colour *= 1 + 0.05 * np.clip(-g.hollow, 0, 1)[:, None]
    colour = _lips(colour, g, marks, who)
    mouth = np.array([0.22, 0.06, 0.06]) + ramp(z, nose[2] - 0.075, nose[2] - 0.03)[:, None] * [
        0.32,
        0.13,
        0.12,
    ]
    colour = blend(colour, mouth, ramp(g.inside, 0.2, 0.6))
    return _eye_rims(colour, g, marks, who)


def _lips(colour: Points, g: _Ground, marks: Marks, who: Person) -> Points:
    """Lips with a soft edge, darker where they meet."""
    p, tone = g.points, who.skin
    red = np.array([0.80, 0.46, 0.45]) + who.sex * np.array([0.0, 0.07, 0.06])
    lip = tone * 0.30 + red * (0.30 + 0.70 * tone.mean() / 0.7) * 0.70
    lip = lip - np.clip((who.age - 40) / 50, 0, 1) * (lip - lip.mean()) * 0.35
    edge = ramp(g.lips + 0.10 * noise(p, 0.0022, who.seed + 7), 0.12, 0.85)
    meet = np.exp(-(((p[:, 1] - marks.corner[1]) / 0.0022) ** 2))
    shade = lip * (1 - 0.22 * meet)[:, None] * (1 + 0.05 * noise(p, 0.005, who.seed + 8))[:, None]
    return blend(colour, shade, 0.92 * edge)


def _eye_rims(colour: Points, g: _Ground, marks: Marks, who: Person) -> Points:
    """The wet rim below, the roots of lashes above, and the pink inner corner."""
    p = g.points
    off = np.abs(p * [1, 0, 0]) + p * [0, 1, 1] - marks.eye[:3]
    rim = 1 - ramp(np.linalg.norm(off, axis=1), *(marks.eye[3] + np.array([0.0006, 0.0024])))
    near = 1 - ramp(np.linalg.norm(off, axis=1), *(marks.eye[3] + np.array([0.0018, 0.0042])))
    upper = ramp(off[:, 1], -0.001, 0.0015)
    colour = blend(colour, colour * [0.86, 0.66, 0.64], 0.55 * near * (1 - upper))
    colour = blend(colour, colour * [0.62, 0.48, 0.46], 0.6 * near * upper)
    colour = blend(colour, who.skin * [0.98, 0.74, 0.71] * 1.04, 0.6 * rim * (1 - upper))
    colour = blend(colour, who.hair * 0.25 + 0.02, 0.85 * rim * upper)
    inner = np.exp(-((off[:, 0] + 0.0135) ** 2 + off[:, 1] ** 2) / 0.0032**2) * (off[:, 2] > 0)
    return blend(colour, np.array([0.78, 0.47, 0.44]) * (0.5 + 0.5 * who.skin.mean() / 0.7), 0.7 * inner)


def _beard(g: _Ground, who: Person) -> Points:
    """Where a shaven beard shows: (m,)."""
    p = g.points
    x, y, z = np.abs(p[:, 0]), p[:, 1], p[:, 2]
    if who.sex <= 0.5 or who.age <= 16:
        return np.zeros(len(p))
    grown = ramp(-y, 0.043, 0.058) * ramp(z, -0.085, -0.03) * ramp(y, -0.165, -0.125)
    cheek = ramp(x, 0.030, 0.052) * ramp(y, -0.085, -0.055)
    return np.asarray(
        grown * (1 - cheek) * (1 - ramp(g.lips, 0.02, 0.3)) * (1 - g.inside) * (who.sex - 0.5) * 2
    )


def _oily(g: _Ground, marks: Marks) -> Points:
    """Where pores are large: nose and the cheeks beside it most, (m,) 0..1."""
    x, y, z = np.abs(g.points[:, 0]), g.points[:, 1], g.points[:, 2]
    off = np.stack([x * 0.55, y - marks.nose[1] - 0.006, (z - marks.nose[2]) * 0.35], 1)
    return np.asarray(0.30 + 0.70 * np.exp(-(off**2).sum(1) / 0.02**2))


def _doubled(picture: Array) -> Array:
    """The same (h, w, n) at twice the size, smooth."""
    from PIL import Image

    high, wide, count = picture.shape
    out = np.empty((2 * high, 2 * wide, count), np.float32)
    for k in range(count):
        layer = Image.fromarray(np.ascontiguousarray(picture[..., k]))
        out[..., k] = layer.resize((2 * wide, 2 * high), Image.Resampling.BILINEAR)
    return out


class _Detail:
    """Hairs, pores and lines at all picture elements (m,) where there is skin, laid on one after another."""

    def __init__(self, fine: Array, marks: Marks, who: Person) -> None:
        self.colour = fine[:, :3]  # (m, 3)
        self.points = fine[:, 3:6]  # (m, 3)
        self.lips, self.inside, self.scalp, self.beard, self.oily = fine[:, 6:].T
        self.height = np.zeros(len(fine), np.float32)  # metres
        self.bare = (1 - self.lips) * (1 - self.inside) * (1 - self.scalp)
        self.who = who
        self.flat = strokes.unrolled(
            np.stack(
                [*marks.brow, marks.nose, marks.corner, marks.wing, marks.eye[:3] + np.array([0.0165, 0, 0])]
            )
        )

    def lay(self, at: Index, over: Values, amount: Values) -> None:
        """Colours over those at some elements (k,)."""
        self.colour[at] = blend(self.colour[at], over, amount)

    def pores(self, places: Index) -> None:
        one, two = (grain(SIZE, size, self.who.seed + k).ravel()[places] for k, size in enumerate((2.2, 4.5)))
        deep = np.clip(one - 0.9, 0, 2) * self.oily * self.bare
        self.height += np.float32(0.00002) * two * self.bare - np.float32(0.00011) * deep
        self.colour *= 1 - (np.float32(0.055) * deep)[:, None] * np.array([0.8, 1, 1], np.float32)
        self.colour *= 1 + (np.float32(0.012) * two * self.bare)[:, None]

    def furrows(self) -> None:
        """Of the lips."""
        at = np.flatnonzero((self.lips > 0.25) & (self.inside < 0.9))
        flat = strokes.unrolled(self.points[at])
        lines = noise(np.stack([flat[:, 0], flat[:, 1] * 0.12, flat[:, 1] * 0], 1), 0.0008, self.who.seed + 9)
        deep = np.clip(-lines - 0.2, 0, 1) * ramp(self.lips[at], 0.3, 0.9) * (1 - self.inside[at])
        self.colour[at] *= 1 - (0.13 * deep)[:, None] * [0.75, 1.0, 1.0]
        self.height[at] -= 0.00028 * deep

    def spots(self) -> None:
        who = self.who
        at = self._front(self.lips < 0.5)
        seen = strokes.spots(self.flat[2], who.freckles, who.seed).seen(self.points[at], 0.00022)
        fair = np.clip(who.skin.mean() / 0.65, 0, 1)
        self.lay(at, self.colour[at] * [0.74, 0.60, 0.52], 0.75 * fair * seen * (1 - self.lips[at]))

    def wrinkles(self) -> None:
        who, flat = self.who, self.flat
        aged = np.clip((who.age - 28) / 45, 0, 1)
        at = self._front(self.bare > 0.01)
        seen = strokes.wrinkles(flat[5], flat[4], flat[3], who.seed).seen(self.points[at], 0.00055)
        seen = seen * aged * self.bare[at]
        self.lay(at, self.colour[at] * [0.72, 0.62, 0.58], 0.75 * seen)
        self.height[at] -= 0.0004 * seen

    def stubble(self, places: Index) -> None:
        at = np.flatnonzero(self.beard > 0.01)
        dots = np.clip(grain(SIZE, 1.6, self.who.seed + 3).ravel()[places[at]] - 1, 0, 1.2) * self.beard[at]
        self.lay(at, self.colour[at] * [0.84, 0.86, 0.88], 0.55 * self.beard[at])
        self.lay(at, self.who.faded(1.0) * 0.55, 0.55 * dots)
        self.height[at] += 0.00006 * dots

    def brows(self) -> None:
        who = self.who
        at = self._front(np.abs(self.points[:, 1] - self.flat[0, 1]) < 0.02)
        drawn = strokes.brows(self.flat[0], self.flat[1], who.sex, who.seed)
        hairs, haze = (drawn.seen(self.points[at], blur) for blur in (0.00008, 0.0011))
        hair = who.faded(0.4)
        dark = hair * (0.62 - 0.2 * hair.mean()) + [0.02, 0.008, 0.0]
        self.lay(at, self.colour[at] * 0.6 + dark * 0.4, 0.55 * ramp(haze, 0.05, 0.6))
        self.lay(at, dark, hairs)
        self.height[at] += 0.00003 * hairs

    def scalp_hair(self) -> None:
        who = self.who
        at = np.flatnonzero((self.points[:, 2] > -0.1) & (self.points[:, 1] > -0.03))
        baby = strokes.baby_hairs(hairline(who), who.seed).seen(self.points[at], 0.00008)
        self.lay(at, who.hair * 0.6, 0.8 * baby)
        at = np.flatnonzero(self.scalp > 0.02)
        p = self.points[at].astype(np.float64)
        edge = self.scalp[at] + 0.30 * noise(p * [1, 0.3, 0.3], 0.0015, who.seed + 10)
        hair = who.faded(0.75)
        root = hair * (0.42 + 0.16 * noise(p * [1, 0.2, 0.2], 0.0011, who.seed + 11))[:, None]
        self.lay(at, root, 0.96 * ramp(edge, 0.25, 0.95))

    def _front(self, condition: Flags) -> Index:
        return np.flatnonzero(condition & (self.points[:, 2] > -0.03))


def _detail(fine: Array, places: Index, marks: Marks, who: Person) -> tuple[Array, Array]:
    """Colours (m, 3) of picture elements at places (m,), and their heights (m,) in metres."""
    laid = _Detail(fine, marks, who)
    laid.pores(places)
    laid.furrows()
    laid.spots()
    if who.age > 28:
        laid.wrinkles()
    laid.stubble(places)
    laid.brows()
    laid.scalp_hair()
    return laid.colour, laid.height
