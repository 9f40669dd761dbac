"""What colour Gaussians have: the figure's pictures in the light of a studio, as seen from before the face.

The light is that of the mesh renderer (light.py, occlusion.py, shading.py), reckoned once at rest. Needs the
extra render.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from voxrig.avatar.figure import Figure, Material
from voxrig.render import occlusion, shading
from voxrig.render.light import STUDIO, Light
from voxrig.render.posing import Posing
from voxrig.render.shading import EYES, HAIR, LASHES, MOUTH, SKIN, UNLIT
from voxrig.render.splat.scatter import Spots, slot
from voxrig.render.textures import linear
from voxrig.rigs.native import NATIVE
from voxrig.types import Array

_MOUTHS = ((0.3, 0.0, 0.4), (0.6, 0.0, 0.5), (0.45, 1.0, 0.1))
"""jawOpen and tongueOut at which light falls into the mouth, and what part each has in it."""
_FRONT = np.array([0.0, 0.05, 1.0])
"""Towards who looks."""
_FEWEST = 7
"""Versions of a picture that are made."""
_ROUNDS = 4
"""Of sharpening."""


class Bake:
    """The light on one figure at rest."""

    def __init__(self, figure: Figure, light: Light = STUDIO) -> None:
        self.figure = figure
        self.kinds = shading.kinds(figure.materials)
        self.open = _ambient(figure)
        """(v,) how much of what is around reaches each vertex."""
        self._lamps = light.table().astype(np.float64)
        self._shadow = occlusion.shadow(figure, light.table()[0])
        self._pictures = [_levels(material) for material in figure.materials]
        self._texels = _texels_per_metre(figure)
        self._looks, self._curves = shading.looks(), shading.curves()

    def albedo(self, spots: Spots, wide: Array) -> tuple[Array, Array]:
        """Linear colour (n, 3) and cover (n,) of spots that are ``wide`` (n,) metres."""
        figure = self.figure
        corners = figure.faces[spots.triangle]
        uv = (figure.uvs[corners] * spots.shares[:, :, None]).sum(1)
        colour, cover = np.ones((len(uv), 3), np.float32), np.ones(len(uv), np.float32)
        texels = self._texels[spots.triangle] * wide
        for m in range(len(figure.materials)):
            own = figure.material[spots.triangle] == m
            whole = _sampled(self._pictures[m], uv[own], texels[own])
            colour[own], cover[own] = whole[:, :3], whole[:, 3]
        if figure.tints is not None:
            colour *= (figure.tints[corners] * spots.shares[:, :, None]).sum(1)
        return colour, cover

    def normals(self, spots: Spots) -> Array:
        """Of the surface at spots: (n, 3)."""
        normal = (self.figure.normals[self.figure.faces[spots.triangle]] * spots.shares[:, :, None]).sum(1)
        length = np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        return np.asarray(normal / length, np.float32)

    def lit(self, spots: Spots, albedo: Array, strand: Array | None = None) -> Array:
        """Colours as seen, (n, 3) sRGB 0..1. ``strand``: (n, 3) the way each strand of hair runs."""
        figure, lamps = self.figure, self._lamps
        corners = figure.faces[spots.triangle]
        normal = self.normals(spots).astype(np.float64)
        kind = self.kinds[figure.material[spots.triangle]]
        open_, shadow = ((each[corners] * spots.shares).sum(1) for each in (self.open, self._shadow))
        open_ = np.where(
            kind == MOUTH, 1 - (1 - open_) ** 3, open_
        )  # teeth and gums throw light at one another
        front = _FRONT / np.linalg.norm(_FRONT)
        hairy = (kind == HAIR) | (kind == LASHES)
        normal = np.where((hairy & (normal @ front < 0))[:, None], -normal, normal)
        key, fill, rim = (normal @ lamps[:3].T).T
        wrap, shine = self._looks[kind, :3], self._looks[kind, 3]
        flesh = ((kind == SKIN) | (kind == MOUTH))[:, None]
        sky = (0.5 + 0.5 * normal[:, 1])[:, None]
        o, s = open_[:, None], shadow[:, None]
        deep, shade = np.repeat(o, 3, 1), np.repeat(s, 3, 1)
        deep = np.where(flesh, o * (0.75 + 0.25 * o), deep)
        deep[:, :1] = np.where(flesh, (np.sqrt(o) + o) / 2, o)
        shade[:, :1] = np.where(flesh, 0.4 * np.sqrt(s) + 0.6 * s, s)
        light = lamps[3] * np.maximum((key[:, None] + wrap) / (1 + wrap), 0) * shade + deep * (
            lamps[4] * np.maximum((fill[:, None] + 0.4) / 1.4, 0)
            + lamps[5] * np.maximum((rim[:, None] + 0.3) / 1.3, 0)
            + lamps[6] * sky
            + lamps[7] * (1 - sky)
        )
        light = np.where((kind == MOUTH)[:, None], light * o, light)
        half = lamps[0] + front
        across = normal @ (half / np.linalg.norm(half))
        across16 = np.maximum(across, 0) ** 16
        glint = (
            (across16 + 0.4 * np.sqrt(across16)) * shine * shadow * open_ * np.where(kind == MOUTH, 0.25, 1)
        )
        glint *= np.minimum(albedo.mean(1) / 0.15, 1)  # brows do not shine
        wet = np.clip((across - 0.990) * 250, 0, 1) * shine
        glint = np.where(kind == EYES, wet, np.where(hairy, 0, glint))
        out = albedo * light + glint[:, None]
        if strand is not None:
            hair = (kind == HAIR)[:, None]
            out = np.where(hair, self._strands(albedo, light, strand, shadow, open_), out)
        out = np.where((kind == UNLIT)[:, None], albedo, out)
        at = np.clip(out * (shading.STEPS / 2), 0, shading.STEPS - 1).astype(int)
        return np.asarray(self._curves[(kind == UNLIT).astype(int)[:, None], at] / 255, np.float32)

    def _strands(
        self, albedo: Array, light: np.ndarray, strand: Array, shadow: np.ndarray, open_: np.ndarray
    ) -> np.ndarray:
        """Hair by Kajiya and Kay: a strand shines where it lies across the half way between lamp and eye."""
        front = _FRONT / np.linalg.norm(_FRONT)
        out = albedo * light
        for lamp, reach in ((0, shadow * open_), (2, open_ * 0.6)):
            half = self._lamps[lamp] + front
            along = strand @ (half / np.linalg.norm(half))
            across = np.maximum(1 - along * along, 0)
            colour = self._lamps[3 + lamp]
            band = 0.10 * across**24 + 0.9 * np.minimum(albedo.mean(1) * 6, 1) * across**6 * 0.12
            out = out + (reach * band)[:, None] * colour * (0.4 + albedo / np.maximum(albedo.max(), 1e-3))
        return np.asarray(out)


def sharpened(colour: Array, place: Array, wide: Array, normal: Array) -> Array:
    """Colours (n, 3) of Gaussians that together look as ``colour``, though each runs into those beside it.

    Only into those that face as it does: lips and teeth that touch at rest part when the mouth opens.
    """
    out = colour.copy()
    cell = np.float32(max(2 * float(np.median(wide)), 1e-6)) if len(wide) else np.float32(1)
    for _ in range(_ROUNDS):
        out = np.clip(
            out + 0.7 * (colour - _run(out, place, wide, normal, cell)), 0.4 * colour, 0.5 + 0.5 * colour
        )
    return np.asarray(out, np.float32)


def _ambient(figure: Figure) -> Array:
    """What reaches vertices at rest; teeth and tongue as they are mostly seen."""
    posing, openings = Posing(figure), occlusion.Openings(figure, occlusion.ambient(figure))
    out = np.zeros(len(figure.points), np.float32)
    for jaw, tongue, share in _MOUTHS:
        values = np.zeros(len(NATIVE), np.float32)
        values[NATIVE.index("jawOpen")], values[NATIVE.index("tongueOut")] = jaw, tongue
        posing.pose(values)
        openings.update(posing.points, posing.normals, posing.turns(values)[2])
        out += share * openings.share
    return out


def _texels_per_metre(figure: Figure) -> Array:
    """Of the picture on each triangle: (f,)."""
    a, b, c = (figure.points[figure.faces[:, k]].astype(np.float64) for k in range(3))
    metres = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    sides = np.array([(1, 1) if m.picture is None else m.picture.shape[1::-1] for m in figure.materials])
    uv = figure.uvs[figure.faces].astype(np.float64) * sides[figure.material][:, None]
    p, q = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    return np.asarray(
        np.sqrt(np.abs(p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]) / np.maximum(metres, 1e-12)), np.float32
    )


def _levels(material: Material) -> list[Array]:
    """The picture (h, w, 4) times the colour, linear, with its smaller versions: each half the one before."""
    if material.picture is None:
        return [np.asarray(material.colour, np.float32).reshape(1, 1, 4)]
    level = np.concatenate(
        [linear(material.picture[..., :3]), material.picture[..., 3:] / np.float32(255)], 2
    )
    out = [level * material.colour]
    while min(out[-1].shape[:2]) > 1 and len(out) < _FEWEST:
        tall, across = (side // 2 for side in out[-1].shape[:2])
        out.append(out[-1][: tall * 2, : across * 2].reshape(tall, 2, across, 2, 4).mean((1, 3)))
    return out


def _sampled(levels: list[Array], uv: Array, wide: Array) -> Array:
    """A picture at ``uv`` (n, 2), over ``wide`` (n,) texels: (n, 4)."""
    out = np.zeros((len(uv), 4), np.float32)
    level = np.clip(np.floor(np.log2(np.maximum(wide, 1))), 0, len(levels) - 1).astype(int)
    for k, picture in enumerate(levels):
        here = level == k
        if here.any():
            out[here] = _between(picture, uv[here])
    return out


def _between(picture: Array, uv: Array) -> Array:
    """A picture (h, w, 4) that repeats, at ``uv``, straight between its texels."""
    tall, across = picture.shape[:2]
    x, y = uv[:, 0] * across - 0.5, uv[:, 1] * tall - 0.5
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    p, q = (x - left)[:, None], (y - top)[:, None]
    rows, columns = (top % tall, (top + 1) % tall), (left % across, (left + 1) % across)
    upper = picture[rows[0], columns[0]] * (1 - p) + picture[rows[0], columns[1]] * p
    lower = picture[rows[1], columns[0]] * (1 - p) + picture[rows[1], columns[1]] * p
    return np.asarray(upper * (1 - q) + lower * q, np.float32)


@njit(parallel=True, fastmath=True, cache=True)
def _run(colour, place, wide, normal, cell):  # type: ignore[no-untyped-def]
    """The mean of colours about each place, weighted as Gaussians that wide blend."""
    n = len(place)
    size = 1
    while size < 2 * n:
        size *= 2
    first, following = np.full(size, -1, np.int32), np.full(n, -1, np.int32)
    for i in range(n):
        s = slot(
            np.floor(place[i, 0] / cell), np.floor(place[i, 1] / cell), np.floor(place[i, 2] / cell), size
        )
        following[i] = first[s]
        first[s] = i
    out = np.empty_like(colour)
    for i in prange(n):
        total = red = green = blue = np.float32(0)
        middle = np.floor(place[i] / cell)
        for c in range(27):
            s = slot(middle[0] + c % 3 - 1, middle[1] + c // 3 % 3 - 1, middle[2] + c // 9 - 1, size)
            j = first[s]
            while j >= 0:
                dx, dy, dz = place[j, 0] - place[i, 0], place[j, 1] - place[i, 1], place[j, 2] - place[i, 2]
                power = (dx * dx + dy * dy + dz * dz) / (wide[j] * wide[j])
                alike = (
                    normal[i, 0] * normal[j, 0] + normal[i, 1] * normal[j, 1] + normal[i, 2] * normal[j, 2]
                )
                if power < np.float32(9) and alike > 0:
                    w = alike * np.exp(np.float32(-0.5) * power)
                    total += w
                    red += w * colour[j, 0]
                    green += w * colour[j, 1]
                    blue += w * colour[j, 2]
                j = following[j]
        out[i, 0], out[i, 1], out[i, 2] = red / total, green / total, blue / total
    return out
