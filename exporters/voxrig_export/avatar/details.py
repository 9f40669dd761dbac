"""Pictures of eyes, mouth, hair and lashes, painted by rule and noise."""

from __future__ import annotations

import numpy as np

from voxrig_export.avatar.eyes import IRIS, across
from voxrig_export.avatar.paint import blend, jpeg, noise, png, ramp
from voxrig_export.avatar.person import Person


def eye_picture(who: Person, size: int = 512) -> bytes:
    """Eyeball, iris and pupil as JPEG, seen along the line of sight."""
    row, column = np.mgrid[:size, :size]
    x, y = (column + 0.5) / size - 0.5, 0.5 - (row + 0.5) / size
    far, turn = np.hypot(x, y), np.arctan2(y, x)
    rim = float(across(np.array(np.arcsin(IRIS))))
    share = far / rim  # 1 at the edge of the iris
    flat = np.stack([np.cos(turn) * 3, np.sin(turn) * 3, share * 0.25], -1).reshape(-1, 3)
    fibre = (0.6 * noise(flat, 0.06, who.seed) + 0.4 * noise(flat, 0.025, who.seed + 1)).reshape(size, size)
    iris = who.iris * (1.0 + 0.42 * fibre)[..., None]
    iris = blend(iris, who.iris * [1.25, 1.1, 0.75], 0.55 * np.exp(-(((share - 0.52) / 0.13) ** 2)))
    iris = iris * (0.82 + 0.35 * ramp(-y / rim, -0.6, 0.9))[..., None]  # light gathers below
    iris = blend(iris, who.iris * 0.28, ramp(share, 0.80, 0.98))
    iris = blend(iris, np.array([0.015, 0.012, 0.012]), 1 - ramp(share, 0.36, 0.43))
    veins = np.stack([np.cos(turn) * 3, np.sin(turn) * 3, far * 1.2], -1).reshape(-1, 3)
    vein = ramp(1 - np.abs(noise(veins, 0.11, who.seed + 2)).reshape(size, size), 0.86, 1.0) * ramp(
        share, 1.3, 2.0
    )
    white = np.array([0.90, 0.875, 0.86]) * np.ones((size, size, 1))
    white = blend(white, np.array([0.83, 0.60, 0.57]), 0.30 * vein)
    white = blend(white, np.array([0.62, 0.46, 0.45]), 0.85 * ramp(share, 1.2, 2.0))  # in the lids' shade
    white = white * (1 - 0.25 * ramp(y / rim, 0.3, 1.1))[..., None]
    iris = iris * (1 - 0.35 * ramp(y / rim, 0.3, 1.0))[..., None]
    return jpeg(blend(iris, white, ramp(share, 0.97, 1.06)), 90)


def mouth_picture(who: Person, size: int = 256) -> bytes:
    """The columns that ``mouth`` describes, as JPEG."""
    row, column = np.mgrid[:size, :size]
    u, v = (column + 0.5) / size, (row + 0.5) / size
    grid = np.stack([u, v, np.zeros_like(u)], -1).reshape(-1, 3)
    old = np.clip((who.age - 20) / 70, 0, 1)
    tooth = np.array([0.90, 0.86, 0.78]) - old * np.array([0.05, 0.09, 0.16])
    picture = np.ones((size, size, 3)) * tooth
    picture = blend(picture, tooth * [0.94, 0.86, 0.72], 0.8 * (1 - ramp(v, 0.0, 0.4)))
    picture = blend(picture, tooth * [0.97, 1.0, 1.04], 0.6 * ramp(v, 0.82, 1.0))
    picture = blend(picture, tooth * 0.62, 0.6 * ramp(np.abs(u - 0.2), 0.13, 0.19))  # between two teeth
    gum = np.array([0.70, 0.36, 0.35]) * (1 + 0.05 * noise(grid, 0.03, who.seed).reshape(size, size, 1))
    picture = np.where((u > 0.4)[..., None], gum, picture)
    bumps = noise(grid, 0.012, who.seed + 1).reshape(size, size, 1)
    groove = np.exp(-(((u - 0.8) / 0.012) ** 2)) * ramp(v, 0.1, 0.3)
    tongue = np.array([0.74, 0.40, 0.39]) * (1 + 0.07 * bumps) * (1 - 0.22 * groove)[..., None]
    tongue = blend(tongue, np.array([0.42, 0.16, 0.17]), ramp(v, 0.45, 0.95))
    return jpeg(np.where((u > 0.6)[..., None], tongue, picture), 90)


def hair_picture(who: Person, size: int = 256) -> bytes:
    """A lock, root at the top, with the gaps between its strands, as PNG."""
    random = np.random.default_rng([who.seed, 77])
    row, column = np.mgrid[:size, :size]
    u, v = (column + 0.5) / size, (row + 0.5) / size
    cover, shade = np.zeros((size, size)), np.full((size, size), 0.55)
    for _ in range(190):
        at = random.uniform(0.03, 0.97)
        drift, end = random.normal(0, 0.04), random.uniform(0.7, 1.08) - 0.22 * (2 * at - 1) ** 2
        wide, start = random.uniform(0.005, 0.014), random.uniform(-0.02, 0.07)
        line = at + drift * v**2 + 0.012 * np.sin(v * random.uniform(3, 8) + random.uniform(0, 6))
        body = (
            (1 - ramp(np.abs(u - line) / (wide * (1.15 - 0.75 * v / end)), 0.5, 1.0))
            * (v < end)
            * (v > start)
        )
        tone = random.uniform(0.45, 1.15)
        shade = np.where(body > 0.3, tone, shade)
        cover = np.maximum(cover, body)
    band = 1 + 0.12 * np.sin(v * 5 + 0.5)
    colour = np.clip(who.hair * (shade * band * (0.72 + 0.35 * v))[..., None] * 1.15, 0, 1)
    return png(np.concatenate([colour, cover[..., None]], -1))


def lash_picture(who: Person, size: int = 256) -> bytes:
    """Upper lashes in the upper half, lower ones in the lower, roots down, as PNG."""
    random = np.random.default_rng([who.seed, 78])
    row, column = np.mgrid[:size, :size]
    u, v = (column + 0.5) / size, (row + 0.5) / size
    cover = np.zeros((size, size))
    for top, count, wide in ((0.0, 52, 0.0075), (0.5, 34, 0.005)):
        height = 1 - (v - top) / 0.5  # 0 at the root
        within = (v >= top) & (v < top + 0.5)
        for k in range(count):
            at = (k + random.uniform(0.2, 0.8)) / count
            end = random.uniform(0.6, 0.97)
            line = at + (at - 0.45) * 0.10 * height + random.normal(0, 0.010) * height
            body = 1 - ramp(np.abs(u - line) / np.maximum(wide * (1.1 - height / end), 1e-4), 0.4, 1.0)
            cover = np.maximum(cover, body * within * (height < end))
        cover = np.maximum(cover, within * (height < (0.13 if top == 0 else 0.04)))
    colour = np.ones((size, size, 3)) * np.clip(who.hair * 0.35, 0.02, 0.2)
    return png(np.concatenate([colour, cover[..., None]], -1))
