"""Fine strokes on a head: brows, baby hairs, spots and lines, drawn on a sheet rolled about it.

The sheet is a cylinder about the skull: ``across`` it metres of arc from the middle of the face, + to the
subject's left, and ``up`` metres above the eyes.
"""

from __future__ import annotations

import numpy as np

from voxrig_export.avatar.anny_data import Points
from voxrig_export.avatar.paint import Values

_AXIS = -0.075
_RADIUS = 0.095
_FINE = 0.00009  # metres
_HALF, _LOW, _HIGH = 0.165, -0.15, 0.125


def unrolled(points: Values) -> Points:
    """Where points (…, 3) of a head lie on the sheet: (…, 2) across and up."""
    turn = np.arctan2(points[..., 0], points[..., 2] - _AXIS)
    return np.stack([turn * _RADIUS, points[..., 1]], -1)


class Sheet:
    """How much is drawn where, 0..1."""

    def __init__(self) -> None:
        from PIL import Image, ImageDraw

        wide, high = (round(size / _FINE) for size in (2 * _HALF, _HIGH - _LOW))
        self._picture = Image.new("L", (wide, high))
        self._pen = ImageDraw.Draw(self._picture)

    def hair(self, line: Points, wide: float, dark: float) -> None:
        """A hair along a line (k, 2) from its root, where it is ``wide`` metres."""
        at = self._places(line)
        for k in range(len(at) - 1):
            width = max(1, round(wide * (1 - 0.7 * k / (len(at) - 1)) / _FINE))
            self._pen.line([*at[k], *at[k + 1]], round(255 * dark), width)

    def dot(self, place: Points, radius: float, dark: float) -> None:
        """A spot about a place (2,)."""
        x, y = self._places(place[None])[0]
        size = radius / _FINE
        self._pen.ellipse([x - size, y - size, x + size, y + size], round(255 * dark))

    def seen(self, points: Values, blur: float) -> Points:
        """What is drawn at points (m, 3), each stroke softened by ``blur`` metres: (m,)."""
        from scipy.ndimage import gaussian_filter, map_coordinates

        soft = gaussian_filter(np.asarray(self._picture, np.float32), blur / _FINE)
        column, row = self._places(unrolled(points)).T
        return np.asarray(map_coordinates(soft, [row - 0.5, column - 0.5], order=1), np.float64) / 255

    def _places(self, line: Points) -> Points:
        return np.stack([line[:, 0] + _HALF, _HIGH - line[:, 1]], 1) / _FINE


def brows(inner: Points, outer: Points, full: float, seed: int) -> Sheet:
    """Both brows, between the ends (2,) of the left one; ``full`` is 0 for fine ones, 1 for bushy."""
    sheet, random = Sheet(), np.random.default_rng([seed, 21])
    span = outer - inner
    for side in (1.0, -1.0):
        for dark in (0.4, 0.62, 0.85):
            for _ in range(round(150 + 60 * full)):
                along = random.uniform(0, 1) ** 0.92 * 1.10 - 0.09
                across = random.uniform(-1, 1)
                half = (0.0033 + 0.0017 * full) * np.clip(1.12 - along, 0, 1) ** 0.6
                half *= np.clip(0.5 + along * 3, 0, 1)
                arch = 0.0032 * np.sin(np.clip(along, 0, 1) ** 1.4 * np.pi) + 0.0012
                root = inner + span * along + np.array([0, arch + across * half])
                # Hairs stand at the inner end, lie down outwards, and lean to the ridge between.
                lean = np.radians(
                    78 - 75 * np.clip(along * 1.5, 0, 1) - 22 * across * np.clip(along * 3, 0, 1)
                )
                lean += random.normal(0, 0.13) - 0.35 * np.clip(along - 0.55, 0, 1)
                long = random.uniform(0.0042, 0.0068) * (1 - 0.35 * np.clip(along, 0, 1))
                steps = np.linspace(0, 1, 4)
                angle = lean - 0.45 * steps
                way = np.stack([np.cos(angle), np.sin(angle)], 1) * long / 3
                line = root + np.concatenate([[[0, 0]], np.cumsum(way, 0)[:-1]])
                sheet.hair(line * [side, 1], 0.00024, dark * float(np.clip(0.55 + along * 4, 0, 1)))
    return sheet


def baby_hairs(hairline: Points, seed: int) -> Sheet:
    """Hairs at the rim of the scalp: ``hairline`` (k, 2) from the middle of the face to the left ear."""
    sheet, random = Sheet(), np.random.default_rng([seed, 22])
    for _ in range(2600):
        side = random.choice([-1.0, 1.0])
        across = random.uniform(0, hairline[-1, 0])
        rise = float(np.interp(across, hairline[:, 0], hairline[:, 1]))
        up = rise + random.normal(0.004, 0.005)
        lean = np.radians(random.normal(95, 30)) if up < rise else np.radians(random.normal(100, 20))
        long = random.uniform(0.005, 0.013)
        angle = lean + np.linspace(0, random.normal(0, 0.5), 4)
        way = np.stack([np.cos(angle), np.sin(angle)], 1) * long / 3
        line = np.array([across, up]) + np.concatenate([[[0, 0]], np.cumsum(way, 0)])
        sheet.hair(line * [side, 1], 0.0002, random.uniform(0.25, 0.8))
    return sheet


def spots(middle: Points, amount: float, seed: int) -> Sheet:
    """Freckles over nose and cheeks, and a few moles; ``middle`` (2,) is the tip of the nose."""
    sheet, random = Sheet(), np.random.default_rng([seed, 23])
    for _ in range(round(520 * amount)):
        place = middle + np.array([random.normal(0, 0.030), 0.014 + random.normal(0, 0.013)])
        sheet.dot(place, random.uniform(0.00025, 0.0007), random.uniform(0.25, 0.8))
    for _ in range(int(random.integers(3, 7))):
        place = middle + np.array(
            [random.choice([-1, 1]) * random.uniform(0.02, 0.065), random.uniform(-0.06, 0.03)]
        )
        sheet.dot(place, random.uniform(0.0004, 0.0009), random.uniform(0.5, 0.8))
    return sheet


def wrinkles(eye: Points, nose: Points, mouth: Points, seed: int) -> Sheet:
    """Lines that age draws: forehead, corners of the eyes, between the brows, from nose to mouth.

    ``eye`` (2,) is the left eye's outer corner, ``nose`` (2,) the end of the left wing, ``mouth`` (2,) its
    left corner.
    """
    sheet, random = Sheet(), np.random.default_rng([seed, 24])

    def both(line: Points, wide: float, dark: float) -> None:
        for side in (1.0, -1.0):
            sheet.hair((line + random.normal(0, 0.0004, line.shape)) * [side, 1], wide, dark)

    steps = np.linspace(0, 1, 9)
    for k in range(4):  # forehead, across the middle
        high = 0.031 + 0.0072 * k
        reach = random.uniform(0.03, 0.042)
        wave = 0.0016 * np.sin(steps * random.uniform(2, 4) + random.uniform(0, 6))
        both(np.stack([steps * reach, high + wave - 0.004 * steps**2], 1), 0.0007, random.uniform(0.5, 0.9))
    for angle in (0.42, 0.12, -0.2, -0.5):  # crow's feet
        long = random.uniform(0.010, 0.016)
        away = np.stack([np.cos(angle) * steps, np.sin(angle) * steps - 0.25 * steps**2], 1) * long
        both(eye + np.array([0.005, -0.001 + angle * 0.006]) + away, 0.0005, random.uniform(0.5, 0.9))
    bend = np.stack([np.sin(steps * np.pi) * 0.004, np.zeros(9)], 1)
    both(nose + (mouth + np.array([0.007, -0.002]) - nose) * steps[:, None] + bend, 0.0013, 1.0)
    both(mouth + np.array([0.004, -0.003]) + np.stack([0.004 * steps, -0.018 * steps], 1), 0.0009, 0.6)
    both(np.stack([0.0045 + 0.001 * steps, 0.006 + 0.016 * steps], 1), 0.0007, 0.8)  # between the brows
    for k in range(2):  # under the eyes
        line = np.stack(
            [eye[0] * (0.4 + 0.62 * steps), -0.012 - 0.004 * k - 0.005 * np.sin(steps * np.pi)], 1
        )
        both(line, 0.0007, 0.7)
    return sheet
