"""Eyes of a photo that blink and look about: lids of its skin, lashes, and irises that move a little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from voxrig.render.portrait import slit
from voxrig.render.portrait.landmarks import Iris, Landmarks
from voxrig.render.portrait.pyramid import blurred, filled, steps
from voxrig.render.portrait.slit import Slit
from voxrig.rigs.native import NATIVE
from voxrig.types import Array

_ASIDE, _UP = 0.17, 0.10
"""How far an iris goes when an eyeLook shape is 1, in widths of the eye."""
_WAYS = ("Blink", "LookIn", "LookOut", "LookUp", "LookDown")
_LOWERED = 0.30
"""How much a lid closes as the eye looks down."""


@dataclass(frozen=True, eq=False)
class Eye:
    """One eye; pictures are of its box in the photo."""

    left: int
    top: int
    photo: Array  # (h, w, 3)
    white: Array  # (h, w, 3) without the iris
    iris: Array  # (h, w, 4) colour times alpha, and alpha
    lid: Array  # (h, w, 3) skin instead of the eye
    inside: Array  # (h, w) how much of a pixel is between the lids
    place: Array  # (h, w, 3) across -1..1; pixels below the upper and the lower edge
    lash: Array  # (3,) colour
    frame: Array  # (3,) half width, the lid's height and the lashes' thickness, pixels
    curves: np.ndarray  # (5,) of the native rig: blink, in, out, up, down
    inward: float
    """+1 if in is to the right of the picture."""

    def draw(self, values: Array, photo: Array) -> None:
        """Puts the eye as it is now into the photo (h, w, 3 or more)."""
        blink, inwards, outwards, up, down = (float(v) for v in np.clip(values[self.curves], 0, 1))
        aside = 2 * self.frame[0] * _ASIDE * (inwards - outwards) * self.inward
        rise = 2 * self.frame[0] * _UP * (down - up)
        shut = min(1.0, max(blink, 0.0) + _LOWERED * down)
        h, w = self.inside.shape
        _eye(
            self.photo, self.white, self.iris, self.lid, self.inside, self.place, self.lash, self.frame,
            np.float32(aside), np.float32(rise), np.float32(shut), np.float32(-self.inward),
            photo[self.top : self.top + h, self.left : self.left + w],
        )  # fmt: skip


def made(person: Array, marks: Landmarks) -> tuple[Eye, Eye]:
    """The right and the left eye of a photo (h, w, 3 or more)."""
    irises = marks.irises or (None, None)
    right, left = (
        _eye_of(person[..., :3], slit.eye(marks.points, side), side, iris)
        for side, iris in zip(("Right", "Left"), irises, strict=True)
    )
    return right, left


def _eye_of(picture: Array, edges: Slit, side: str, iris: Iris | None) -> Eye:
    height, width = picture.shape[:2]
    reach = 1.45 * edges.half
    x0, y0 = (int(max(0, v - reach)) for v in edges.middle)
    x1 = int(min(width, edges.middle[0] + reach + 1))
    y1 = int(min(height, edges.middle[1] + reach + 1))
    photo = np.ascontiguousarray(picture[y0:y1, x0:x1])
    nodes = np.stack(np.meshgrid(np.arange(x0, x1) + 0.5, np.arange(y0, y1) + 0.5), -1)
    across = edges.at(nodes)[..., 0]
    below, above = edges.below(nodes, edges.upper), edges.below(nodes, edges.lower)
    lash = max(1.0, 0.075 * edges.half)
    ends = np.clip((1.04 - np.abs(across)) / 0.06, 0, 1)
    inside = np.clip(below / lash - 0.3, 0, 1) * np.clip(-above / lash + 0.2, 0, 1) * ends
    disc = iris or _dark_disc(photo, nodes, inside, edges)
    return Eye(
        x0, y0, photo, *_apart(photo, nodes, inside, disc), _lid(photo, edges, across, below, above),
        inside.astype(np.float32), np.stack([across, below, above], -1).astype(np.float32),
        _lash_colour(photo, across, below, lash),
        np.array([edges.half, edges.thick, lash], np.float32),
        np.array([NATIVE.index(f"eye{way}{side}") for way in _WAYS]),
        1.0 if side == "Right" else -1.0,
    )  # fmt: skip


def _dark_disc(photo: Array, nodes: np.ndarray, inside: np.ndarray, edges: Slit) -> Iris:
    """The darkest disc between the lids, of the size that irises have in most eyes."""
    radius = 0.40 * edges.half
    dark = (255 - photo.mean(-1)) * inside
    best, found = -1.0, (float(edges.middle[0]), float(edges.middle[1]))
    for across in np.linspace(-0.5, 0.5, 21):
        k = round((across + 1) / 2 * slit.STEPS)
        y = (edges.upper[k] * 0.55 + edges.lower[k] * 0.45) * edges.down
        centre = edges.middle + across * edges.half * edges.along + y
        near = ((nodes - centre) ** 2).sum(-1) < radius**2
        value = float(dark[near].sum())
        if value > best:
            best, found = value, (float(centre[0]), float(centre[1]))
    return Iris(*found, radius)


def _apart(photo: Array, nodes: np.ndarray, inside: np.ndarray, disc: Iris) -> tuple[Array, Array]:
    """The eyeball without its iris, and the iris (h, w, 4), also where a lid hides it."""
    off = np.sqrt(((nodes - [disc.x, disc.y]) ** 2).sum(-1)) / disc.radius
    bare = (inside > 0.7) & (off > 1.25)
    if bare.sum() < 6:  # a small or narrow eye: its brightest part
        bare = inside >= 0.7 * inside.max()
    bright = photo.mean(-1)
    bare &= bright >= np.percentile(bright[bare], 20)
    white = blurred(filled(photo, bare.astype(np.float32), 30), 0.3 * disc.radius)
    alpha = (1 - steps(0.92, 1.2, off)).astype(np.float32)
    seen = (inside > 0.8) & (off < 1.0)
    whole = filled(photo, seen.astype(np.float32), 20) if seen.any() else photo
    here = inside[..., None].astype(np.float32)
    exact = photo - (1 - alpha[..., None]) * white  # with this the eye at rest is the photo's
    colour = exact * here + whole * alpha[..., None] * (1 - here)
    colour = np.where(alpha[..., None] > 0, colour, 0)
    return white, np.concatenate([colour, alpha[..., None]], 2).astype(np.float32)


def _lid(photo: Array, edges: Slit, across: np.ndarray, below: np.ndarray, above: np.ndarray) -> Array:
    """The skin about the eye, drawn over it as the lid is when shut."""
    ring = 0.16 * edges.half
    eye = (below > -2.6 * ring) & (above < 1.6 * ring) & (np.abs(across) < 1.18)
    light = photo.mean(-1)
    around = ~eye & (below > -4.5 * ring) & (above < 4.5 * ring) & (np.abs(across) < 1.3)
    dark = light < 0.80 * np.median(light[around])
    known = (~eye & ~(blurred(dark.astype(np.float32), 1.0) > 0.3)).astype(np.float32)
    soft = blurred(photo, 0.05 * edges.half)
    skin = blurred(filled(soft, known, 60), 0.05 * edges.half)
    # shadows about the eye are greyer than its lid
    tone = np.median(photo[around & ~dark], axis=0)
    skin = np.asarray(
        0.45 * skin + 0.55 * tone * 1.04 * (skin.mean(-1, keepdims=True) / tone.mean()), np.float32
    )
    # the skin's grain, of the cheek below, which is skin for certain
    grain = np.roll(photo - soft, -round(0.95 * edges.half), axis=0)
    calm = np.abs(grain).max(-1, keepdims=True) < 0.08 * light.max()
    skin = np.asarray(skin + np.where(calm, grain, 0) * 0.7, np.float32)
    tall = np.maximum(edges.open, 0.3 * edges.half)
    at = np.clip(-above / tall, -1, 2)  # 0 at the lower edge, 1 about where the lid's fold is
    middle = np.clip(1.1 - across**2, 0, 1)
    bulge = 1 + (0.04 * np.exp(-(((at - 0.55) / 0.35) ** 2)) - 0.06 * np.exp(-((at / 0.16) ** 2))) * middle
    bulge -= 0.05 * np.exp(-(((at - 1.25) / 0.12) ** 2)) * middle  # the fold
    return np.asarray(skin * bulge[..., None], np.float32)


def _lash_colour(photo: Array, across: np.ndarray, below: np.ndarray, lash: float) -> Array:
    """The dark of the upper lashes."""
    line = photo[(np.abs(below) < 1.5 * lash) & (np.abs(across) < 0.9)]
    dark = line[line.sum(1) <= np.percentile(line.sum(1), 15)].mean(0)
    return np.asarray(dark * 0.8, np.float32)


@njit(fastmath=True, cache=True)
def _smooth(low, high, x):  # type: ignore[no-untyped-def]
    t = min(max((x - low) / (high - low), np.float32(0)), np.float32(1))
    return t * t * (np.float32(3) - np.float32(2) * t)


@njit(fastmath=True, cache=True)
def _eye(photo, white, iris, lid, inside, place, lash, frame, aside, rise, shut, out_is, out):  # type: ignore[no-untyped-def]
    """The eye with its iris moved by (aside, rise) pixels and its lid shut by 0..1.

    out_is: +1 if the eye's outer corner is on the right.
    """
    height, width = inside.shape
    zero, one = np.float32(0), np.float32(1)
    looks = min(one, np.sqrt(aside * aside + rise * rise))
    thick = frame[2]
    fold = frame[1]
    early = min(one, shut * np.float32(4))
    for y in range(height):
        for x in range(width):
            red, green, blue = photo[y, x, 0], photo[y, x, 1], photo[y, x, 2]
            ball = inside[y, x] * looks
            if looks > 0 and ball > 0:
                px = min(max(x - aside, zero), np.float32(width - 1.001))
                py = min(max(y - rise, zero), np.float32(height - 1.001))
                i, j = int(px), int(py)
                fx, fy = px - i, py - j
                c00, c01, c10, c11 = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
                a = c00 * iris[j, i, 3] + c01 * iris[j, i + 1, 3]
                a += c10 * iris[j + 1, i, 3] + c11 * iris[j + 1, i + 1, 3]
                for c in range(3):
                    v = c00 * iris[j, i, c] + c01 * iris[j, i + 1, c]
                    v += c10 * iris[j + 1, i, c] + c11 * iris[j + 1, i + 1, c]
                    v += (one - a) * white[y, x, c]
                    if c == 0:
                        red += ball * (v - red)
                    elif c == 1:
                        green += ball * (v - green)
                    else:
                        blue += ball * (v - blue)
            if shut > 0:
                across, below, above = place[y, x, 0], place[y, x, 1], place[y, x, 2]
                tall = below - above  # of the eye, here
                edge = shut * (tall + np.float32(1.5) * thick)  # the lid's, below where it is in the photo
                end = one - _smooth(np.float32(0.98), np.float32(1.16), abs(across))
                down = one - _smooth(np.float32(-0.6) * thick, np.float32(0.6) * thick, below - edge)
                # above the eye the photo's own lashes and fold give way as the lid unrolls
                up = _smooth(np.float32(-2.6) * fold, np.float32(-0.4) * fold, below)
                cover = down * up * early * end
                red += cover * (lid[y, x, 0] - red)
                green += cover * (lid[y, x, 1] - green)
                blue += cover * (lid[y, x, 2] - blue)
                off = (below - edge - np.float32(0.2) * thick) / thick
                outer = np.float32(0.65) + np.float32(0.25) * across * out_is
                dark = np.exp(-off * off * np.float32(1.3)) * early * end * outer
                # lashes hang below the edge, longer outside
                hang = np.exp(-max(off, zero) * np.float32(0.75)) * (np.float32(0.35) if off > 0 else zero)
                dark = max(dark, hang * early * end * shut * outer)
                red += dark * (lash[0] - red)
                green += dark * (lash[1] - green)
                blue += dark * (lash[2] - blue)
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = red, green, blue
