"""Faces in a picture, roughly: where each is and how it is turned in the plane.

The network looks at squares of 128 pixels and knows faces that fill a good part of one, so it is shown the
whole picture and overlapping parts of it. Its 896 anchors: two at each of 16 × 16 places, six at each of
8 × 8 (options of MediaPipe's face_detection_short_range).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig.avatar.figure import Picture
from voxrig.render.portrait.models import Network, squashed
from voxrig.render.portrait.photo import sampled
from voxrig.types import Array

SURE = 0.6
"""From which on a face counts."""
_PARTS = ((1.0, 1), (0.6, 3), (0.34, 5))
"""Size of the squares in parts of the longer side, and how many stand side by side."""


@dataclass(frozen=True, eq=False)
class Face:
    """A face that was found."""

    box: Array  # (4,) left, top, right, bottom in pixels
    keys: Array  # (6, 2) right eye, left eye, nose, mouth, right ear, left ear: the subject's own sides
    sure: float

    @property
    def width(self) -> float:
        """Pixels."""
        return float(self.box[2] - self.box[0])


def faces(photo: Picture, network: Network) -> list[Face]:
    """All faces, the surest first."""
    h, w = photo.shape[:2]
    longer = max(h, w)
    found: list[Face] = []
    for part, count in _PARTS:
        side = part * longer
        if side < 64:
            continue
        for y in _starts(h, side, count):
            for x in _starts(w, side, count):
                found += _seen(photo, x, y, side, network)
    return _apart(found)


def _starts(length: float, side: float, count: int) -> list[float]:
    """Where squares begin that cover a length; one is laid in the middle of what is shorter than it."""
    if side >= length:
        return [(length - side) / 2]
    return [float(start) for start in np.linspace(0, length - side, max(2, count))]


def _seen(photo: Picture, left: float, top: float, side: float, network: Network) -> list[Face]:
    n = network.side
    step = side / n
    at = (np.arange(n) + 0.5) * step
    # shrinking by more than two needs more than one sample a pixel
    fine = max(1, int(np.ceil(step / 1.5)))
    offset = ((np.arange(fine) + 0.5) / fine - 0.5) * step
    x, y = (left + at[:, None] + offset).ravel(), (top + at[:, None] + offset).ravel()
    gx, gy = np.meshgrid(x, y)
    small = sampled(photo, gx, gy).reshape(n, fine, n, fine, 3).mean((1, 3))
    inside = (
        (left + at >= 0)
        & (left + at < photo.shape[1])
        & ((top + at >= 0) & (top + at < photo.shape[0]))[:, None]
    )
    small = np.where(inside[..., None], small, 0.0)
    places, scores = network((small / 127.5 - 1).astype(np.float32))[:2]
    sure = squashed(scores)
    anchors = _anchors()
    raw = places.reshape(len(anchors), 16) / n
    out = []
    for k in np.flatnonzero(sure >= SURE):
        centre, size = raw[k, :2] + anchors[k], raw[k, 2:4]
        box = np.concatenate([centre - size / 2, centre + size / 2]) * side + [left, top, left, top]
        keys = (raw[k, 4:].reshape(6, 2) + anchors[k]) * side + [left, top]
        out.append(Face(box.astype(np.float32), keys.astype(np.float32), float(sure[k])))
    return out


def _anchors() -> Array:
    """Centres of the anchors in parts of the square: (896, 2)."""
    rows = []
    for cells, each in ((16, 2), (8, 6)):
        at = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(at, at), -1).reshape(-1, 2)
        rows.append(np.repeat(grid, each, axis=0))
    return np.concatenate(rows).astype(np.float32)


def _apart(found: list[Face]) -> list[Face]:
    """One face for those that overlap: their mean, the surer the weightier."""
    left = sorted(found, key=lambda face: -face.sure)
    out = []
    while left:
        best = left[0]
        same = [face for face in left if _overlap(best.box, face.box) > 0.3]
        weight = np.array([face.sure for face in same])
        weight /= weight.sum()
        out.append(
            Face(
                np.tensordot(weight, np.stack([face.box for face in same]), 1).astype(np.float32),
                np.tensordot(weight, np.stack([face.keys for face in same]), 1).astype(np.float32),
                best.sure,
            )
        )
        left = [face for face in left if face not in same]
    return out


def _overlap(a: Array, b: Array) -> float:
    """What two boxes share, in parts of the smaller one."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    tall = min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or tall <= 0:
        return 0.0
    area = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return float(wide * tall / max(area, 1e-6))
