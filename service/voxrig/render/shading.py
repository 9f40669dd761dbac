"""Light on surfaces: what each vertex sends to the camera, by how its material takes light. Needs numba.

Light is reckoned at vertices, pictures and highlights at pixels. All of it is linear until the curve at the
very end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from voxrig.avatar.figure import Material
from voxrig.types import Array

PLAIN, SKIN, EYES, MOUTH, LASHES, HAIR, UNLIT = range(7)


@dataclass(frozen=True)
class Look:
    """How a kind of material takes light."""

    words: tuple[str, ...]
    """Any of these in the material's name."""
    wrap: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """How far red, green and blue reach around into the shade, 0..1."""
    shine: float = 0.0
    """How strong highlights are."""
    sharp: float = 3.0
    """How small: the power is two to this."""
    edge: float = 0.3
    """How much of the room is mirrored at a slant."""


LOOKS = {
    LASHES: Look(("lash", "brow"), (0.5, 0.5, 0.5), edge=0.0),
    EYES: Look(("eye", "iris", "sclera", "cornea", "pupil"), (0.3, 0.2, 0.2), 1.0, 9, 0.25),
    MOUTH: Look(("mouth", "teeth", "tooth", "tongue", "gum"), (0.3, 0.2, 0.2), 0.35, 6, 0.1),
    HAIR: Look(("hair", "bangs", "ponytail"), (0.4, 0.4, 0.4), 0.50, 5, 0.15),
    SKIN: Look(("skin", "face", "head", "body"), (0.42, 0.22, 0.16), 0.21, 4, 0.30),
    PLAIN: Look((), (0.1, 0.1, 0.1), 0.03, 3, 0.15),
    UNLIT: Look((), edge=0.0),
}
"""In the order in which words are looked for: eyelashes are no eyes."""
PARTS = 16
"""Of a vertex: light red, green, blue; shine; normal; level of the picture; u, v; edge; 0; x, y, 1/m on the
screen; 0. One cache line."""
STEPS = 1 << 14
"""Of the curve at the end, which covers light 0..2."""


def kinds(materials: Sequence[Material]) -> NDArray[np.int64]:
    """Which of LOOKS each material has, by its name: (m,)."""
    return np.array([UNLIT if m.unlit else _kind(m.name.casefold()) for m in materials], np.int64)


def _kind(name: str) -> int:
    return next((kind for kind, look in LOOKS.items() if any(word in name for word in look.words)), PLAIN)


def looks() -> Array:
    """LOOKS as numbers: (7, 6) wraps, shine, sharp, edge."""
    rows = [(*LOOKS[k].wrap, LOOKS[k].shine, LOOKS[k].sharp, LOOKS[k].edge) for k in range(len(LOOKS))]
    return np.array(rows, np.float32)


def curves() -> NDArray[np.uint8]:
    """From light to sRGB: (2, STEPS). The first is straight for most, then it bends, so that highlights keep
    their colour; the second is for what takes no light."""
    light = np.linspace(0, 2, STEPS)
    knee = 0.7
    over = np.maximum(light - knee, 0) / (1 - knee)
    light = np.stack([np.where(light > knee, knee + (1 - knee) * (1 - np.exp(-over)), light), light])
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(np.clip(shown, 0, 1) * 255), np.uint8)


@njit(parallel=True, fastmath=True, cache=True)
def light_up(  # type: ignore[no-untyped-def]
    points, normals, uvs, tints, along, kind, occlusion, shade, density, view, focal, height, width, lamps,
    half, looks, screen, out
):  # fmt: skip
    """Fills screen (v, 3) and out (v, PARTS).

    ``lamps`` is Light.table(), ``half`` (3,) the normal that mirrors the first of them to the camera;
    ``along`` (v, 2) two vertices between which a strand runs.
    """
    one, zero = np.float32(1), np.float32(0)
    ex = -(view[0, 0] * view[0, 3] + view[1, 0] * view[1, 3] + view[2, 0] * view[2, 3])
    ey = -(view[0, 1] * view[0, 3] + view[1, 1] * view[1, 3] + view[2, 1] * view[2, 3])
    ez = -(view[0, 2] * view[0, 3] + view[1, 2] * view[1, 3] + view[2, 2] * view[2, 3])
    middle_x, middle_y = np.float32(width) * np.float32(0.5), np.float32(height) * np.float32(0.5)
    for i in prange(len(points)):
        px, py, pz = points[i, 0], points[i, 1], points[i, 2]
        sx = view[0, 0] * px + view[0, 1] * py + view[0, 2] * pz + view[0, 3]
        sy = view[1, 0] * px + view[1, 1] * py + view[1, 2] * pz + view[1, 3]
        away = -(view[2, 0] * px + view[2, 1] * py + view[2, 2] * pz + view[2, 3])
        if away > np.float32(0.01):
            near = one / away
            screen[i, 0] = middle_x + focal * sx * near
            screen[i, 1] = middle_y - focal * sy * near
            screen[i, 2] = near
        else:
            screen[i, 2] = zero
            continue
        k = kind[i]
        nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
        vx, vy, vz = ex - px, ey - py, ez - pz
        length = one / np.sqrt(vx * vx + vy * vy + vz * vz)
        vx, vy, vz = vx * length, vy * length, vz * length
        facing = nx * vx + ny * vy + nz * vz
        if k == HAIR and facing < 0:  # both sides of a strip are the same
            nx, ny, nz, facing = -nx, -ny, -nz, -facing
        key = nx * lamps[0, 0] + ny * lamps[0, 1] + nz * lamps[0, 2]
        fill = nx * lamps[1, 0] + ny * lamps[1, 1] + nz * lamps[1, 2]
        rim = nx * lamps[2, 0] + ny * lamps[2, 1] + nz * lamps[2, 2]
        slant = one - min(max(facing, zero), one)
        fresnel = slant * slant * slant * slant
        o, s = occlusion[i], shade[i]
        if k == MOUTH:  # teeth and gums throw light at one another
            o = one - (one - o) * (one - o) * (one - o)
        sky = np.float32(0.5) + np.float32(0.5) * ny
        rim = max((rim + np.float32(0.3)) * np.float32(1 / 1.3), zero)
        fill = max((fill + np.float32(0.4)) * np.float32(1 / 1.4), zero)
        for c in range(3):
            w = looks[k, c]
            lit = max((key + w) / (one + w), zero)
            # Light that went through skin is red, so shadows have red rims and folds glow a little.
            deep, shadow = o, s
            if k in (SKIN, MOUTH):
                if c == 0:
                    shadow = np.sqrt(s) * np.float32(0.4) + s * np.float32(0.6)
                    deep = np.sqrt(o) * np.float32(0.5) + o * np.float32(0.5)
                else:
                    deep = o * (np.float32(0.75) + np.float32(0.25) * o)
            out[i, c] = (
                lamps[3, c] * lit * shadow
                + lamps[4, c] * fill * deep
                + lamps[5, c] * rim * deep
                + (lamps[6, c] * sky + lamps[7, c] * (one - sky)) * deep
            )
        if k == MOUTH:  # nothing reaches it but through the lips
            for c in range(3):
                out[i, c] *= o
        turned = min(max(one + np.float32(4) * facing, zero), one)  # seen though its normal looks away
        edge = looks[k, 5] * fresnel * turned * o * (sky * np.float32(0.5) + rim)
        shine = looks[k, 3] * s * o
        if k == EYES:
            out[i, 3] = shine  # too sharp for vertices
        elif k != HAIR:
            out[i, 3] = zero
            glint = max(nx * half[0] + ny * half[1] + nz * half[2], zero)
            glint *= glint
            glint *= glint
            glint *= glint
            wide = glint
            for _ in range(np.int64(looks[k, 4]) - 3):
                glint *= glint
            edge += shine * (glint + np.float32(0.4) * wide)
        if k == HAIR:
            a, b = along[i, 0], along[i, 1]
            tx, ty, tz = points[a, 0] - points[b, 0], points[a, 1] - points[b, 1], points[a, 2] - points[b, 2]
            length = one / np.sqrt(tx * tx + ty * ty + tz * tz + np.float32(1e-12))
            tx, ty, tz = tx * length, ty * length, tz * length
            bright = zero
            for lamp in range(0, 3, 2):
                hx, hy, hz = lamps[lamp, 0] + vx, lamps[lamp, 1] + vy, lamps[lamp, 2] + vz
                length = one / np.sqrt(hx * hx + hy * hy + hz * hz)
                across = (tx * hx + ty * hy + tz * hz) * length
                # A narrow white band and a wide one that has the hair's colour.
                glint = max(one - across * across, zero)
                glint = glint * glint * glint
                glint *= glint
                glint *= glint
                bright += glint * (max(key, zero) * s if lamp == 0 else rim * o)
            out[i, 3] = looks[k, 3] * bright * o
        if k == UNLIT:
            out[i, 0], out[i, 1], out[i, 2], out[i, 3] = one, one, one, zero
        for c in range(3):
            out[i, c] *= tints[i, c]
        out[i, 4], out[i, 5], out[i, 6] = nx, ny, nz
        out[i, 7] = (
            density[i] - np.log2(focal * near) - np.float32(0.5) * np.log2(max(facing, np.float32(0.15)))
        )
        out[i, 8], out[i, 9], out[i, 10] = uvs[i, 0], uvs[i, 1], edge
        out[i, 12], out[i, 13], out[i, 14] = screen[i, 0], screen[i, 1], screen[i, 2]
