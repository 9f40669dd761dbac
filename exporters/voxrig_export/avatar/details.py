"""Pictures of eyes, mouth, hair and lashes, painted by rule and noise."""

from __future__ import annotations

import numpy as np

from voxrig_export.avatar.anny_data import Points
from voxrig_export.avatar.eyes import IRIS, across
from voxrig_export.avatar.hair import COLUMNS
from voxrig_export.avatar.paint import blend, jpeg, noise, png, ramp
from voxrig_export.avatar.person import Person


def eye_picture(who: Person, size: int = 1024) -> bytes:
    """Eyeball, iris and pupil as JPEG, seen along the line of sight."""
    row, column = np.mgrid[:size, :size]
    x, y = (column + 0.5) / size - 0.5, 0.5 - (row + 0.5) / size
    far, turn = np.hypot(x, y), np.arctan2(y, x)
    rim = float(across(np.array(np.arcsin(IRIS))))
    share = far / rim  # 1 at the edge of the iris

    def around(wide: float, fine: float, seed: int, long: float = 0.25) -> Points:
        flat = np.stack([np.cos(turn) * wide, np.sin(turn) * wide, share * long], -1).reshape(-1, 3)
        return noise(flat, fine, who.seed + seed).reshape(size, size)

    fibre = 0.55 * around(3, 0.10, 0) + 0.45 * around(3, 0.035, 1) + 0.25 * around(3, 0.018, 3, 0.1)
    pit = ramp(around(1.1, 0.16, 4, 0.9), 0.45, 0.8) * ramp(share, 0.5, 0.6) * (1 - ramp(share, 0.75, 0.9))
    iris = who.iris * (1.08 + 0.50 * fibre)[..., None]
    frill = 0.53 + 0.035 * around(2, 0.3, 5, 0.0)
    inner = np.clip(who.iris * [1.45, 1.15, 0.75] + [0.05, 0.02, 0], 0, 1)
    iris = blend(iris, inner * (1 + 0.35 * fibre)[..., None], 0.75 * (1 - ramp(share - frill, -0.06, 0.06)))
    iris = blend(iris, inner * 1.15, 0.35 * np.exp(-(((share - frill) / 0.035) ** 2)))
    iris = blend(iris, who.iris * 0.45, 0.6 * pit)
    # The cornea gathers light on the side that lies away from it, which makes the iris look deep.
    iris = iris * (0.70 + 0.55 * ramp(-y / rim, -0.8, 0.9))[..., None]
    iris = blend(iris, who.iris * 0.22, 0.9 * ramp(share + 0.03 * around(2, 0.12, 6, 0.0), 0.80, 1.0))
    iris = blend(iris, np.array([0.012, 0.010, 0.010]), 1 - ramp(share, 0.36, 0.41))
    iris = iris * (1 - 0.4 * ramp(y / rim, 0.25, 1.0))[..., None]  # the upper lid's shade
    veins = np.stack([np.cos(turn) * 3 + 0.25 * around(2, 0.5, 7, 2.0), np.sin(turn) * 3, far * 1.6], -1)
    vein = 1 - np.abs(noise(veins.reshape(-1, 3), 0.16, who.seed + 2)).reshape(size, size)
    vein = ramp(vein, 0.90, 1.0) * ramp(share, 1.35, 2.1)
    white = np.array([0.845, 0.815, 0.80]) * np.ones((size, size, 1))
    white = blend(
        white, np.array([0.84, 0.76, 0.68]), 0.35 * ramp(share, 1.3, 2.2) * (0.5 + 0.5 * around(1, 0.5, 8))
    )
    white = blend(white, np.array([0.80, 0.50, 0.47]), 0.28 * vein)
    white = blend(white, np.array([0.70, 0.47, 0.44]), 0.8 * ramp(share, 1.35, 2.2))  # toward the corners
    white = white * (1 - 0.22 * ramp(y / rim, 0.25, 1.1))[..., None]
    whole = blend(iris, white, ramp(share, 0.94, 1.07))
    flesh = np.array([0.80, 0.50, 0.46]) * (0.55 + 0.45 * np.clip(who.skin.mean() / 0.7, 0, 1))
    return jpeg(blend(whole, flesh, 1.0 * ((x < -0.42) & (y > 0.42))), 90)  # of the inner corner


def mouth_picture(who: Person, size: int = 256) -> bytes:
    """The columns that ``mouth`` describes, as JPEG."""
    row, column = np.mgrid[:size, :size]
    u, v = (column + 0.5) / size, (row + 0.5) / size
    grid = np.stack([u, v, np.zeros_like(u)], -1).reshape(-1, 3)
    old = np.clip((who.age - 20) / 70, 0, 1)
    tooth = np.array([0.95, 0.915, 0.845]) - old * np.array([0.06, 0.10, 0.17])
    picture = np.ones((size, size, 3)) * tooth
    picture = blend(picture, tooth * [0.96, 0.88, 0.76], 0.8 * (1 - ramp(v, 0.0, 0.45)))
    picture = blend(picture, tooth * [0.97, 0.99, 1.01], 0.5 * ramp(v, 0.82, 1.0))
    picture = blend(picture, tooth * [0.72, 0.64, 0.58], 0.55 * ramp(np.abs(u - 0.2), 0.14, 0.19))
    gum = np.array([0.70, 0.36, 0.35]) * (1 + 0.05 * noise(grid, 0.03, who.seed).reshape(size, size, 1))
    picture = np.where((u > 0.4)[..., None], gum, picture)
    bumps = noise(grid, 0.012, who.seed + 1).reshape(size, size, 1)
    groove = np.exp(-(((u - 0.8) / 0.012) ** 2)) * ramp(v, 0.1, 0.3)
    tongue = np.array([0.74, 0.40, 0.39]) * (1 + 0.07 * bumps) * (1 - 0.22 * groove)[..., None]
    tongue = blend(tongue, np.array([0.42, 0.16, 0.17]), ramp(v, 0.45, 0.95))
    return jpeg(np.where((u > 0.6)[..., None], tongue, picture), 90)


def hair_picture(who: Person, size: int = 512) -> Points:
    """Locks in COLUMNS columns, root at the top, with the gaps between their strands: (size, size, 4) 0..1.

    From left to right they have fewer strands and thinner tips.
    """
    kinds = ((105, 1.0, 0.78), (92, 0.80, 1.0), (46, 0.62, 1.1), (11, 0.9, 1.15))
    return np.concatenate([_lock(who, size, k, *kind) for k, kind in enumerate(kinds)], 1)


def _lock(who: Person, size: int, column: int, count: int, full: float, light: float) -> Points:
    """(size, size / COLUMNS, 4) with ``count`` strands; ``full`` is how wide the lock still is at its tip."""
    random = np.random.default_rng([who.seed, 77, column])
    wide = size // COLUMNS
    v = (np.arange(size) + 0.5) / size
    u = (np.arange(wide) + 0.5) / wide
    cover, colour = np.zeros((size, wide)), np.ones((size, wide, 3)) * who.hair * 0.5
    clumps, tones = np.linspace(0.12, 0.88, 6) + random.uniform(-0.05, 0.05, 6), random.uniform(0.66, 1.12, 6)
    for _ in range(count):
        at = float(np.clip(random.normal(0.5, 0.23), 0.04, 0.96))
        which = int(np.argmin(np.abs(clumps - at) + random.uniform(0, 0.05, 6)))
        clump = clumps[which]
        gather = (0.25 + 0.45 * (1 - full)) * v**2
        middle = at + (0.5 + (clump - 0.5) * full - at) * gather
        pitch = random.uniform(9, 13) * (1 + 3 * who.curl**2)
        wave = (0.010 + 0.05 * who.curl**1.5) * np.sin(v * pitch + random.uniform(0, 6))
        middle = middle + wave * np.minimum(v * 3, 1) + random.normal(0, 0.03) * v
        end = random.uniform(0.72, 1.0) - 0.25 * full * (2 * at - 1) ** 2
        start = random.uniform(0.0, 0.10 if column == 0 else 0.2)
        half = random.uniform(0.014, 0.030) * (1.05 - 0.6 * np.clip(v / end, 0, 1) ** 2)
        body = 1 - ramp(np.abs(u[None] - middle[:, None]) / half[:, None], 0.55, 1.0)
        body *= ((v < end) & (v > start))[:, None]
        tone = light * tones[which] * random.uniform(0.82, 1.1) * (0.74 + 0.36 * v)
        strand = who.hair if random.uniform() > who.grey else np.array([0.68, 0.67, 0.655])
        hue = strand * (1 + random.normal(0, 0.03, 3))
        shade = (hue * tone[:, None])[:, None, :] * (0.8 + 0.2 * body[..., None])
        colour = np.where(body[..., None] > 0.25, shade, colour)
        cover = np.maximum(cover, body)
    return np.asarray(np.clip(np.concatenate([colour, cover[..., None]], -1), 0, 1))


def lash_picture(who: Person, size: int = 512) -> bytes:
    """Upper lashes in the upper half, lower ones in the lower, roots down, as PNG."""
    random = np.random.default_rng([who.seed, 78])
    row, column = np.mgrid[: size // 2, :size]
    u, height = (column + 0.5) / size, 1 - (row + 0.5) / (size / 2)  # 0 at the root
    halves = []
    for count, wide, long, rim in ((74, 0.0068, (0.55, 0.97), 0.10), (40, 0.0042, (0.30, 0.62), 0.0)):
        cover = np.zeros(u.shape)
        for k in range(count):
            at = (k + random.uniform(0.1, 0.9)) / count
            end = random.uniform(*long) * (0.72 + 0.28 * np.sin(np.clip(at * 1.1, 0, 1) * np.pi) ** 0.5)
            bend = (at - 0.40) * 0.16 + random.normal(0, 0.012)
            line = at + bend * height**1.4
            body = 1 - ramp(np.abs(u - line) / np.maximum(wide * (1.1 - height / end), 1e-4), 0.4, 1.0)
            cover = np.maximum(cover, body * (height < end))
        halves.append(np.maximum(cover, 1.0 * (height < rim)))
    cover = np.concatenate(halves)
    colour = np.ones((size, size, 3)) * np.clip(who.hair * 0.3 * (1 - 0.6 * who.grey), 0.02, 0.16)
    return png(np.concatenate([colour, cover[..., None]], -1))
