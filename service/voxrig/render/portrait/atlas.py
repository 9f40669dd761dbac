"""Where the landmarks of a photo lie on our own head.

The table beside this file was made by running this module: the head is drawn from the front, shut and with
its mouth open, the landmarks are found in the drawings as in any photo, and each is laid on the triangle
under it. Both sides are averaged, since head and landmarks are mirror images of themselves.

    python -m voxrig.render.portrait.atlas      # writes atlas.npz: 468 triangles and their corners' shares
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxrig.avatar.figure import Picture
from voxrig.render.portrait import landmarks
from voxrig.render.portrait.cover import covered
from voxrig.render.portrait.landmarks import COUNT, LIPS_ABOVE, LIPS_BELOW, LIPS_LOWER, LIPS_UPPER
from voxrig.rigs import head as heads
from voxrig.rigs.head import Head
from voxrig.types import Array

_PLACE = Path(__file__).with_name("atlas.npz")
_SIDE = 768
_SCALE = 2000.0
"""Pixels a metre in the drawings."""
_OPEN = 0.35
"""jawOpen of the second drawing, where the edges of the lips are apart."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """Places of the 468 landmarks on the head."""

    corners: NDArray[np.int64]  # (468, 3) vertices of the head
    shares: Array  # (468, 3) of those

    def at(self, vertices: np.ndarray) -> np.ndarray:
        """The landmarks where the head's vertices (v, 3) are: (468, 3)."""
        return np.asarray((vertices[self.corners] * self.shares[..., None]).sum(1))


def load() -> Atlas:
    """The table that ships."""
    with np.load(_PLACE, allow_pickle=False) as data:
        return Atlas(data["corners"].astype(np.int64), (data["shares"] / 255).astype(np.float32))


def triangles(head: Head, *groups: str) -> NDArray[np.int32]:
    """The head's quads of some groups as triangles (f, 3)."""
    own = np.isin(head.group, [head.group_names.index(name) for name in groups])
    quads = head.quads[own[head.quads[:, 0]]]
    both = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    whole = (both[:, 0] != both[:, 1]) & (both[:, 1] != both[:, 2]) & (both[:, 0] != both[:, 2])
    return np.asarray(both[whole], np.int32)


def drawn(head: Head, jaw: float) -> Picture:
    """The head from the front, painted so that a network takes it for a face: (768, 768, 3)."""
    weights = np.zeros(len(head.curves), np.float32)
    weights[head.curves.index("jawOpen")] = jaw
    posed = head.pose(weights)
    faces = triangles(head, *_drawn(head))
    face, share = covered(placed(posed), faces, _SIDE, _SIDE)
    corner = faces[np.maximum(face, 0)]
    cross = np.cross(posed[faces[:, 1]] - posed[faces[:, 0]], posed[faces[:, 2]] - posed[faces[:, 0]])
    normals = np.zeros_like(posed)
    for k in range(3):
        np.add.at(normals, faces[:, k], cross)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    normal = (normals[corner] * share[..., None]).sum(2)
    place = (head.vertices[corner] * share[..., None]).sum(2)
    light = 0.5 + 0.5 * np.clip(normal @ np.array([0.1, 0.5, 0.85]), 0, 1)
    colour = _painted(head, place, head.group[corner[..., 0]])
    return np.where(face[..., None] >= 0, colour * light[..., None], 110).astype(np.uint8)


def _painted(head: Head, place: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Colours (h, w, 3) of places (h, w, 3) on the resting head."""
    at = {name: head.vertices[vertex] for name, vertex in head.landmarks.items()}
    x, y = np.abs(place[..., 0]), place[..., 1]
    out = np.full_like(place, (214, 164, 138))
    corner, above, below = at["mouth_corner_left"], at["upper_lip_outer"], at["lower_lip_outer"]
    along = np.clip(x / corner[0], 0, 1) ** 2
    red = (y < above[1] + along * (corner[1] - above[1])) & (y > below[1] + along * (corner[1] - below[1]))
    out[red & (x < corner[0]) & (place[..., 2] > 0)] = 168, 84, 84
    inner, outer = at["brow_inner_left"], at["brow_outer_left"]
    along = np.clip((x - inner[0]) / (outer[0] - inner[0]), 0, 1)
    arch = inner[1] + along * (outer[1] - inner[1]) + 0.006 * np.sin(np.pi * along)
    out[(np.abs(y - arch) < 0.003) & (x > inner[0]) & (x < outer[0]) & (place[..., 2] > 0)] = 74, 50, 40
    for name, colour in (("teeth", (225, 220, 210)), ("tongue", (170, 90, 90)), ("eye", (232, 228, 224))):
        out[np.isin(group, [g for g, own in enumerate(head.group_names) if name in own])] = colour
    for side in ("left", "right"):
        own = head.group_names.index(f"eye_{side}")
        ball = head.vertices[head.group == own]
        middle = (ball.min(0) + ball.max(0)) / 2
        off = np.hypot(place[..., 0] - middle[0], place[..., 1] - middle[1])
        out[(group == own) & (off < 0.006)] = 96, 66, 44
        out[(group == own) & (off < 0.0026)] = 16, 12, 12
    return out


def _drawn(head: Head) -> list[str]:
    return [name for name in head.group_names if not name.startswith("lashes")]


def placed(points: np.ndarray) -> Array:
    """Points of the head in the drawings: pixels, y down, z to the camera."""
    out = points * np.float32(_SCALE)
    return np.stack([out[:, 0] + _SIDE / 2, _SIDE * 0.45 - out[:, 1], out[:, 2]], 1).astype(np.float32)


def made(head: Head) -> Atlas:
    """Finds the landmarks on the head."""
    faces = triangles(head, *_drawn(head))
    skin = head.group[faces[:, 0]] == head.group_names.index("skin")
    lips = [i for line in (LIPS_UPPER, LIPS_LOWER, LIPS_ABOVE, LIPS_BELOW) for i in line]
    open_ = np.zeros(len(head.curves), np.float32)
    open_[head.curves.index("jawOpen")] = _OPEN
    found = [_mirrored(landmarks.find(drawn(head, jaw)).points) for jaw in (0.0, _OPEN)]
    posed = [head.vertices, head.pose(open_)]
    which = np.zeros(COUNT, np.int64)
    which[lips] = 1
    corners, shares = np.zeros((COUNT, 3), np.int64), np.zeros((COUNT, 3))
    for state in (0, 1):
        flat = placed(posed[state])
        face, share = covered(flat, faces, _SIDE, _SIDE)
        y, x = np.nonzero((face >= 0) & skin[face])
        for i in np.flatnonzero(which == state):
            near = np.argmin((x + 0.5 - found[state][i, 0]) ** 2 + (y + 0.5 - found[state][i, 1]) ** 2)
            corners[i], shares[i] = faces[face[y[near], x[near]]], share[y[near], x[near]]
    return Atlas(corners, shares.astype(np.float32))


def _mirrored(points: Array) -> Array:
    """The mean of landmarks and their mirror image about the drawing's middle."""
    flat = points[:, :2].astype(np.float64)
    other = flat * [-1, 1] + [_SIDE, 0]
    pair = np.argmin(((flat[:, None] - other[None]) ** 2).sum(-1), 1)
    sound = pair[pair] == np.arange(COUNT)
    flat[sound] = (flat[sound] + other[pair[sound]]) / 2
    return flat.astype(np.float32)


def main() -> None:
    found = made(heads.load())
    shares = np.round(found.shares * 255).astype(np.int64)
    shares[:, 0] = 255 - shares[:, 1:].sum(1)  # together 1, exactly
    np.savez_compressed(_PLACE, corners=found.corners.astype(np.int16), shares=shares.astype(np.int16))
    print(f"wrote {_PLACE}: {len(np.unique(found.corners))} vertices bear {COUNT} landmarks")


if __name__ == "__main__":
    main()
