"""The inside of a mouth, which a photo does not know: two rows of teeth, a tongue, and the dark behind.

The upper row is fixed to the skull and the lower one to the jaw, so neither sticks to a lip. Sizes of teeth
are those of anatomy books, in millimetres; colours follow the photo's light.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig.render.portrait.fit import Fit
from voxrig.render.portrait.photo import sampled
from voxrig.render.portrait.pyramid import blurred, filled, steps
from voxrig.render.portrait.slit import Slit
from voxrig.rigs.head import Head
from voxrig.rigs.native import NATIVE
from voxrig.types import Array

_UPPER = (
    (8.5, 10.2, 0.0), (6.7, 9.0, 0.6), (7.6, 9.8, 0.1), (7.0, 8.4, 0.7), (6.8, 7.8, 1.1), (9.5, 7.2, 1.4),
)  # fmt: skip
"""Width, height and how much shorter than the first: from the middle to the side."""
_LOWER = (
    (5.3, 8.8, 0.0), (5.9, 8.8, 0.1), (6.8, 9.2, -0.3), (7.0, 8.2, 0.4), (7.0, 7.8, 0.8), (10.0, 7.2, 1.1),
)  # fmt: skip
_ARCH = 27.0
"""Half the width of the arch on which they stand."""
_PIXELS = 6.0
"""Of a row's picture, a millimetre."""
_TALL, _WIDE = 16.0, 60.0
"""Of a row's picture, millimetres."""
_BITE = 2.8
"""Millimetres that the upper row reaches below the line on which lips close."""
_OVERBITE = 2.2
"""Millimetres that it hides of the lower row."""


@dataclass(frozen=True, eq=False)
class Mouth:
    """The inside of one mouth, at rest in the photo."""

    rows: Array  # (2, h, w, 4) upper and lower teeth: colour times alpha, and alpha
    origin: Array  # (2, 3) pixels: the middle of each row's biting edge
    axes: Array  # (2, 2) pixels a millimetre: columns to the right and down
    jaw: Array  # (52, 3) pixels that the jaw goes with each shape
    tints: Array  # (4, 3) of the dark, the tongue, the inner lips and the gums


def cleaned(picture: Array, lips: Slit) -> Array:
    """The photo (h, w, 3) without what shows between its lips: their colour goes on inwards instead."""
    if lips.open == 0:
        return picture
    nodes = _pixels(picture)
    x = np.abs(lips.at(nodes)[..., 0])
    inside = np.minimum(lips.below(nodes, lips.upper), -lips.below(nodes, lips.lower)) / lips.half
    colour = _redness(picture)
    ring = (inside < -0.06) & (inside > -0.2) & (x < 0.9)
    toothy = colour < np.percentile(colour[ring], 25)
    drop = (inside > -0.025) | ((inside > -0.11) & toothy)
    known = 1 - (drop & (x < 1.02)).astype(np.float32)
    known = np.where(x < 1.02, np.minimum(known, 1 - steps(0.3, 0.7, blurred(1 - known, 0.8))), known)
    return filled(picture, np.asarray(known, np.float32), 12)


def made(head: Head, fit: Fit, lips: Slit, closed: Array, picture: Array) -> Mouth:
    """The inside for a photo whose lips close at ``closed`` (2,), the middle of that line in pixels."""
    flip = np.array([[1, -1], [1, -1]]) * [[1, 1], [-1, -1]]
    axes = fit.scale * 1e-3 * fit.turn[:2, :2] * flip  # both y axes now point down
    teeth = head.vertices[head.members("upper_teeth")]
    front = fit.placed(np.array([0, 0, teeth[:, 2].max()]))[2] - fit.shift[2]
    lower = head.members("lower_teeth")
    lower = lower[head.vertices[lower, 2] > np.percentile(head.vertices[lower, 2], 70)]  # the incisors
    jaw = fit.moved(head.deltas[:, lower].mean(1).astype(np.float64)) * [1, -1, 1]
    upper_edge = closed + axes @ [0, _BITE]
    lower_edge = upper_edge - axes @ [0, _OVERBITE]
    white, tints = _tints(picture, lips)
    rows = np.stack([_row(_UPPER, white, tints[3], 1), _row(_LOWER, white * 0.93, tints[3], -1)])
    return Mouth(
        rows,
        np.array([[*upper_edge, front], [*lower_edge, front - 2e-3 * fit.scale]], np.float32),
        axes.astype(np.float32),
        jaw.astype(np.float32),
        tints,
    )


def _row(sizes: tuple[tuple[float, float, float], ...], white: Array, gum: Array, way: int) -> Array:
    """A row of teeth (h, w, 4) that bite at the picture's middle and stand upwards, or with -1 downwards."""
    fine = 2
    step = 1 / (_PIXELS * fine)
    x = (np.arange(int(_WIDE * _PIXELS) * fine) + 0.5) * step - _WIDE / 2
    y = (np.arange(int(_TALL * 2 * _PIXELS) * fine) + 0.5) * step - _TALL
    x, y = np.meshgrid(x, -way * y)  # y is now the way from the biting edge to the gum
    along = _ARCH * np.arcsin(np.clip(np.abs(x) / _ARCH, 0, 0.999))
    front = np.sqrt(np.clip(1 - (x / _ARCH) ** 2, 0.02, 1))
    colour = np.zeros((*x.shape, 3))
    alpha = np.zeros(x.shape)
    deep = steps(-0.1, 1.5, y - 1.6) * (along < sum(wide for wide, *_ in sizes))  # behind the gaps
    colour += white * (0.42 * (0.4 + 0.6 * front))[..., None]
    alpha = np.maximum(alpha, deep * steps(0, 2, _TALL * 0.6 - y))
    at = 0.0
    for k, (wide, tall, short) in enumerate(sizes):
        u = (along - at - wide / 2) / (wide / 2)  # -1 … 1 across the tooth
        v = (y - short - tall / 2) / (tall / 2)  # -1 at the biting edge, 1 at the gum
        round_ = 3.2 if k < 2 else 2.5
        narrow = 1 - 0.08 * np.clip(v, 0, 1) ** 2  # narrower towards the gum
        corner = np.abs(u / narrow) ** (2 * round_) + np.abs(v) ** 9
        cover = np.clip((1 - corner) / 0.25, 0, 1)
        bulge = 0.80 + 0.20 * np.sqrt(np.clip(1 - 0.85 * u**2, 0, 1))
        edge = 1 - 0.10 * np.clip(-v - 0.55, 0, 1)  # thinner, so darker, where it bites
        root = 1 - 0.16 * np.clip(v - 0.1, 0, 1)
        shade = bulge * edge * root * (0.55 + 0.45 * front)
        warm = np.array([1.0, 1 - 0.015 * k, 1 - 0.04 * k])
        tooth = white * warm * shade[..., None]
        here = cover * (np.abs(u) < 1.05)
        colour = colour * (1 - here[..., None]) + tooth * here[..., None]
        alpha = np.maximum(alpha, here)
        at += wide
    tall = np.interp(along, np.cumsum([w for w, *_ in sizes]) - sizes[0][0] / 2, [h for _, h, _ in sizes])
    gums = steps(-1.6, -0.6, y - tall) * steps(0, 3, _TALL - y) * (np.abs(x) < _ARCH)
    under = gums * (1 - alpha)
    colour = colour * alpha[..., None] + gum * ((0.5 + 0.5 * front) * under)[..., None]
    alpha = alpha + under
    whole = np.concatenate([colour, alpha[..., None]], 2)
    h, w = x.shape[0] // fine, x.shape[1] // fine
    return np.ascontiguousarray(whole.reshape(h, fine, w, fine, 4).mean((1, 3)), np.float32)


def _tints(picture: Array, lips: Slit) -> tuple[Array, Array]:
    """The white of teeth in the photo's light, and the tints of Mouth."""
    side = np.linspace(-0.8, 0.8, 17)
    below = lips.middle + lips.half * side[:, None] * lips.along
    lower = below + (lips.lower.max() + 0.5 * lips.thick) * lips.down
    chin = below + (lips.lower.max() + 1.9 * lips.thick) * lips.down
    red = np.median(sampled(picture, lower[4:13, 0], lower[4:13, 1]), 0)
    skin = np.percentile(sampled(picture, chin[4:13, 0], chin[4:13, 1]), 60, axis=0)
    bright = float(np.clip(1.12 * skin @ [0.3, 0.59, 0.11], 40, 222))
    # between neutral and the light's own tint, of which skin tells a little
    tint = (skin / max(float(skin.mean()), 1.0)) ** 0.22 * [1.0, 1.0, 0.985]
    white = bright * tint / float(tint @ [0.3, 0.59, 0.11])
    nodes = _pixels(picture)
    inside = np.minimum(lips.below(nodes, lips.upper), -lips.below(nodes, lips.lower))
    seen = picture[(inside > 0.05 * lips.half) & (np.abs(lips.at(nodes)[..., 0]) < 0.6)]
    if len(seen) > 40:  # the photo shows teeth: theirs are the right colours
        best = seen[seen.sum(1) >= np.percentile(seen.sum(1), 70)].mean(0)
        if best.sum() > 1.5 * white.sum() * 0.5 and np.ptp(best) < 0.35 * best.max():
            white = best
    dark = red * np.array([0.24, 0.13, 0.12])
    tongue = red * np.array([0.95, 0.72, 0.72])
    wet = red * np.array([0.72, 0.58, 0.58])
    gums = red * np.array([0.9, 0.78, 0.78])
    return np.asarray(white, np.float32), np.asarray([dark, tongue, wet, gums], np.float32)


def _redness(picture: Array) -> Array:
    """How much redder than grey: lips stand out from teeth by it."""
    return np.asarray((picture[..., 0] - picture[..., 1:].mean(-1)) / (picture.mean(-1) + 8), np.float32)


def _pixels(picture: Array) -> np.ndarray:
    h, w = picture.shape[:2]
    return np.stack(np.meshgrid(np.arange(w) + 0.5, np.arange(h) + 0.5), -1)


_TONGUE = {
    "tongueUp": (0.0, -2.5), "tongueTipUp": (0.0, -4.5), "tongueDown": (0.0, 2.0),
    "tongueTipDown": (0.0, 2.5), "tongueLeft": (3.0, 0.0), "tongueRight": (-3.0, 0.0),
    "tongueTipLeft": (2.0, 0.0), "tongueTipRight": (-2.0, 0.0), "tongueRollUp": (0.0, -1.5),
    "tongueOut": (0.0, -0.5),
}  # fmt: skip
"""Millimetres that each shape moves the tongue that one sees: to the subject's left, which is x, and down."""


def biting(mouth: Mouth, values: Array, turn: Array) -> Array:
    """Where the middles of the upper and of the lower row's biting edge are: (2, 2) pixels."""
    at = mouth.origin + np.array([[0], [1]]) * (values[: len(mouth.jaw)] @ mouth.jaw)
    return np.asarray(at @ turn[:2, :3].T + turn[:2, 3], np.float32)


def placed(mouth: Mouth, values: Array, turn: Array) -> Array:
    """Where the inside is now: (4, 6) float32.

    The first two rows take pixels of the picture to millimetres in the rows of teeth (a, b, c, d, e, f:
    x = a·px + b·py + c, y = d·px + e·py + f); the third is the tongue: x, y in millimetres of the lower row,
    its half width and half height, and how far out it is; the fourth begins with pixels a millimetre of the
    rows' pictures.
    """
    out = np.zeros((4, 6), np.float32)
    out[3, 0] = _PIXELS
    bites = biting(mouth, values, turn)
    for row in (0, 1):
        start = bites[row]
        back = np.linalg.inv(turn[:2, :2] @ mouth.axes)
        out[row] = [back[0, 0], back[0, 1], -(back[0] @ start), back[1, 0], back[1, 1], -(back[1] @ start)]
    x, y = 0.0, -4.0
    for curve, (aside, down) in _TONGUE.items():
        weight = float(values[NATIVE.index(curve)])
        x, y = x + weight * aside, y + weight * down
    beyond = float(values[NATIVE.index("tongueOut")])
    out[2] = [x, y + 7.0, 17.0, 8.5 + 2 * beyond, beyond, 0]
    return out
