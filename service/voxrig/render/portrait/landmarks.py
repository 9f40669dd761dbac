"""Points of a face in a photo: the 468 of MediaPipe's face mesh, and the irises."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voxrig.avatar.figure import Picture
from voxrig.errors import FormatError
from voxrig.render.portrait import models
from voxrig.render.portrait.detect import Face, faces
from voxrig.render.portrait.models import Models, Network, squashed
from voxrig.render.portrait.photo import resized, sampled
from voxrig.types import Array

COUNT = 468
SMALLEST = 96
"""Pixels that a face must have from chin to hair."""
_ENOUGH = 800
"""Pixels of a photo's longer side in which faces are looked for."""

# Lines of points; right and left are the subject's own, and each line runs from the right of the picture's
# left-hand side to the other, so x grows along it.
LIPS_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
"""Inner edge of the upper lip, corner to corner."""
LIPS_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
LIPS_ABOVE = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
"""Outer edge of the upper lip."""
LIPS_BELOW = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
LIDS_UPPER = {
    "Right": (33, 246, 161, 160, 159, 158, 157, 173, 133),
    "Left": (362, 398, 384, 385, 386, 387, 388, 466, 263),
}
LIDS_LOWER = {
    "Right": (33, 7, 163, 144, 145, 153, 154, 155, 133),
    "Left": (362, 382, 381, 380, 374, 373, 390, 249, 263),
}
BROWS = {
    "Right": (46, 53, 52, 65, 55),
    "Left": (285, 295, 282, 283, 276),
}
"""Lower edges."""
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""Outline of the face, round and round."""
CHIN, FOREHEAD = 152, 10


@dataclass(frozen=True, eq=False)
class Iris:
    """Where an eye looks: a disc in the photo."""

    x: float
    y: float
    radius: float
    """Pixels, as all of it."""


@dataclass(frozen=True, eq=False)
class Landmarks:
    """A face in a photo."""

    points: Array  # (468, 3) pixels: x to the right, y down, z away from the camera
    irises: tuple[Iris, Iris] | None = None
    """Of the right and the left eye, if known."""
    person: Array | None = None
    """(h, w) how much each pixel of the photo is a person, 0..1, if known."""

    def __post_init__(self) -> None:
        if self.points.shape != (COUNT, 3) or not np.isfinite(self.points).all():
            raise ValueError(f"landmarks must be ({COUNT}, 3) finite numbers, got {self.points.shape}")

    @property
    def width(self) -> float:
        """Pixels from one side of the face to the other."""
        return float(np.linalg.norm(self.points[454] - self.points[234]))

    def moved(self, left: float, top: float, scale: float, person: Array | None) -> Landmarks:
        """The same in a part of the photo that begins at left, top and is enlarged by scale."""
        shift = np.array([left, top, 0], np.float32)
        irises = None
        if self.irises:
            a, b = ((Iris((i.x - left) * scale, (i.y - top) * scale, i.radius * scale)) for i in self.irises)
            irises = (a, b)
        return Landmarks(((self.points - shift) * scale).astype(np.float32), irises, person)


def find(photo: Picture, landmarker: Path | None = None, name: str = "photo") -> Landmarks:
    """The one face in a photo.

    Raises FormatError if there is none, more than one or too small a one, ModelError without networks.
    """
    have = models.load(landmarker)
    seen = _faces(photo, have.faces)
    if not seen:
        raise FormatError(f"no face was found in {name}; give a photo of one face that looks at the camera")
    largest = max(face.width for face in seen)
    clear = [face for face in seen if face.width > 0.35 * largest and (face.sure > 0.75 or len(seen) == 1)]
    if len(clear) > 1:
        raise FormatError(f"{len(clear)} faces were found in {name}; crop it so that one is left")
    face = max(seen, key=lambda each: each.width)
    points, sure = _points(photo, face, have.landmarks)
    if sure < 0.5:
        raise FormatError(f"no face was found in {name}; give a photo of one face that looks at the camera")
    tall = int(np.linalg.norm(points[CHIN, :2] - points[FOREHEAD, :2]))
    if tall < SMALLEST:
        raise FormatError(
            f"the face in {name} is {tall} pixels from chin to hair; at least {SMALLEST} are needed"
        )
    irises = _irises(photo, points, have)
    return Landmarks(points[:COUNT], irises, _person(photo, points, have.person))


def _faces(photo: Picture, network: Network) -> list[Face]:
    """All faces. Large photos are made smaller for it: a face that would be lost is too small anyway."""
    longer = max(photo.shape[:2])
    if longer <= _ENOUGH:
        return faces(photo, network)
    scale = longer / _ENOUGH
    small = resized(photo, *(max(1, round(side / scale)) for side in photo.shape[:2]))
    return [
        Face(face.box * np.float32(scale), face.keys * np.float32(scale), face.sure)
        for face in faces(small, network)
    ]


def _points(photo: Picture, face: Face, network: Network) -> tuple[Array, float]:
    """Points (468 or 478, 3) and how sure the network is of a face.

    The first pass stands on the rough find, the second on the first; of the second, five crops that differ a
    little are averaged, which steadies each point by half.
    """
    right, left = face.keys[0], face.keys[1]
    centre = (face.box[:2] + face.box[2:]) / 2
    turn = float(np.arctan2(left[1] - right[1], left[0] - right[0]))
    points, sure = _crop(photo, centre, 1.5 * float((face.box[2:] - face.box[:2]).max()), turn, network)
    for _ in range(2):
        across = points[263, :2] - points[33, :2]
        turn = float(np.arctan2(across[1], across[0]))
        c, s = np.cos(turn), np.sin(turn)
        flat = points[:, :2] @ np.array([[c, -s], [s, c]])
        low, high = flat.min(0), flat.max(0)
        centre = np.array([[c, -s], [s, c]]) @ ((low + high) / 2)
        side = 1.5 * float((high - low).max())
        each = [
            _crop(photo, centre, side * size, turn + twist, network)
            for size, twist in ((1, 0), (0.95, 0.03), (1.05, -0.03), (0.97, -0.05), (1.04, 0.05))
        ]
        points = np.mean([found for found, _ in each], axis=0, dtype=np.float32)
        sure = float(np.mean([value for _, value in each]))
    return points, sure


def _crop(
    photo: Picture, centre: np.ndarray, side: float, turn: float, network: Network
) -> tuple[Array, float]:
    n = network.side
    small = _cut(photo, centre, side, turn, n)
    answers = network(small)
    raw = answers[0].reshape(-1, 3)
    c, s = np.cos(turn), np.sin(turn)
    scale = side / n
    off = (raw[:, :2] - n / 2) * scale
    out = np.empty_like(raw)
    out[:, 0] = centre[0] + c * off[:, 0] - s * off[:, 1]
    out[:, 1] = centre[1] + s * off[:, 0] + c * off[:, 1]
    out[:, 2] = raw[:, 2] * scale
    return out.astype(np.float32), float(squashed(answers[1][0]))


def _cut(photo: Picture, centre: np.ndarray, side: float, turn: float, n: int) -> Array:
    """A turned square of the photo: (n, n, 3) float32 of 0..1."""
    at = ((np.arange(n) + 0.5) / n - 0.5) * side
    fine = max(1, int(np.ceil(side / n / 1.5)))
    offset = ((np.arange(fine) + 0.5) / fine - 0.5) * side / n
    line = (at[:, None] + offset).ravel()
    gx, gy = np.meshgrid(line, line)
    c, s = np.cos(turn), np.sin(turn)
    out = sampled(photo, centre[0] + c * gx - s * gy, centre[1] + s * gx + c * gy)
    return np.asarray(out.reshape(n, fine, n, fine, 3).mean((1, 3)) / 255, np.float32)


def _irises(photo: Picture, points: Array, have: Models) -> tuple[Iris, Iris] | None:
    if len(points) >= COUNT + 10:
        a, b = (points[first : first + 5, :2] for first in (468, 473))
        return _disc(a), _disc(b)
    if have.iris is None:
        return None
    found = []
    for side in ("Right", "Left"):
        ends = points[[LIDS_UPPER[side][0], LIDS_UPPER[side][-1]], :2]
        across = ends[1] - ends[0]
        turn = float(np.arctan2(across[1], across[0]))
        length = 2.3 * float(np.linalg.norm(across))
        centre, n = ends.mean(0), have.iris.side
        eye = _cut(photo, centre, length, turn, n)
        mirrored = side == "Right"  # the network knows left eyes only
        raw = have.iris(eye[:, ::-1] if mirrored else eye)[1].reshape(5, 3)[:, :2].copy()
        if mirrored:
            raw[:, 0] = n - raw[:, 0]
        off = (raw - n / 2) * length / n
        c, s = np.cos(turn), np.sin(turn)
        found.append(_disc(centre + off @ np.array([[c, s], [-s, c]])))
    return found[0], found[1]


def _disc(points: np.ndarray) -> Iris:
    """Of an iris: its middle, then four points of its rim."""
    radius = np.linalg.norm(points[1:] - points[0], axis=1).mean()
    return Iris(float(points[0, 0]), float(points[0, 1]), float(radius))


def _person(photo: Picture, points: Array, network: Network | None) -> Array | None:
    """How much each pixel is a person: seen in a square about head and shoulders, 0 beyond."""
    if network is None:
        return None
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    centre = (low + high) / 2
    side = 3.2 * float((high - low).max())
    mask = network(_cut(photo, centre, side, 0.0, network.side))[0].reshape(network.side, network.side)
    h, w = photo.shape[:2]
    at = network.side / side
    x = (np.arange(w) + 0.5 - centre[0] + side / 2) * at
    y = (np.arange(h) + 0.5 - centre[1] + side / 2) * at
    gx, gy = np.meshgrid(x, y)
    return sampled(mask, gx, gy)
