"""How each place of a photo moves with each shape and with the head: fields on a grid over the picture.

The face is a sheet that parts along the lips, so there are two fields of everything: one that is right above
the line of the lips and goes on smoothly below it, and one that is right below and goes on above. Beyond the
corners of the mouth both say the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig.render.portrait.atlas import triangles
from voxrig.render.portrait.cover import covered
from voxrig.render.portrait.fit import Fit
from voxrig.render.portrait.landmarks import CHIN, FOREHEAD, OVAL, Landmarks
from voxrig.render.portrait.photo import sampled
from voxrig.render.portrait.pyramid import blurred, filled, steps
from voxrig.render.portrait.slit import STEPS, Slit
from voxrig.rigs.head import Head
from voxrig.types import Array

CELLS = 128
"""Of the grid, in width and in height."""
_LIDS = ("eyeBlink", "eyeLook", "tongue")
"""Shapes that are drawn otherwise."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """Fields at the corners of a grid's cells. k: 52 shapes, and last the closing of the lips."""

    step: float
    """Pixels of a cell."""
    basis: Array  # (2, k, n, n, 3) pixels: of the upper and the lower field; x right, y down, z to the camera
    depth: Array  # (n, n) pixels towards the camera, from the head's origin
    head: Array  # (n, n) how much of the head's turns each place makes
    zipper: Array  # (2, n, n) how much of the lips' closing each place makes; signed, down is +
    photo: Array  # (k,) the expression in the photo


def made(head: Head, fit: Fit, marks: Landmarks, lips: Slit, size: int) -> Sheet:
    """The fields for a picture of size × size pixels."""
    step = size / CELLS
    at = np.arange(CELLS + 1) * step
    nodes = np.stack(np.meshgrid(at, at), -1)  # (n, n, 2)
    points = fit.points * [1 / step, -1 / step, 1] + np.array([0.5, 0.5, 0])
    basis = _fields(head, fit, marks, lips, nodes, points)
    face, share = covered(points, triangles(head, "skin"), CELLS + 1, CELLS + 1)
    seen = (points[triangles(head, "skin")[np.maximum(face, 0)], 2] * share).sum(-1) - fit.shift[2]
    depth = filled(seen[..., None].astype(np.float32), (face >= 0).astype(np.float32), 40)[..., 0]
    zipper = _zipper(nodes, lips)
    closing = _closing(basis, fit.weights, zipper, lips, step)
    return Sheet(
        step,
        np.ascontiguousarray(np.concatenate([basis, closing[:, None]], 1), np.float32),
        blurred(depth, 2.0),
        _turning(nodes, marks),
        zipper,
        np.append(fit.weights, 1).astype(np.float32),
    )


def _fields(
    head: Head, fit: Fit, marks: Landmarks, lips: Slit, nodes: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """How the nodes move with the 52 shapes: (2, 52, n, n, 3). points (v, 3) is the head on the grid."""
    moves = fit.moved(head.deltas.astype(np.float64)) * [1, -1, 1]  # (52, v, 3)
    moves[[curve.startswith(_LIDS) for curve in head.curves]] = 0
    moves = moves.astype(np.float32)
    far = _away(nodes, marks) > 0.48
    neck = _neck(nodes, marks)
    fields = []
    for faces, sign, edge in (
        (triangles(head, "skin"), 0, lips.upper),
        (_faces(head)[0], 1, lips.upper),
        (_faces(head)[1], -1, lips.lower),
    ):
        face, share = covered(points, faces, CELLS + 1, CELLS + 1)
        known = (face >= 0) & (sign * lips.below(nodes, edge) < 0.3 * nodes[0, 1, 0]) & ~neck
        corner = faces[np.maximum(face, 0)]
        values = sum(
            moves[:, corner[..., k]].transpose(1, 2, 0, 3) * share[..., k, None, None] for k in range(3)
        )
        values = np.where(far[..., None, None], 0, values).reshape(CELLS + 1, CELLS + 1, -1)
        fields.append(filled(values, (known | far).astype(np.float32), 15))
    here = lips.at(nodes)
    x = np.abs(here[..., 0])[..., None]
    # beyond the corners of the mouth the face is whole
    part = 1 - steps(0.72, 1.04, x)
    fields = [each * part + fields[0] * (1 - part) for each in fields[1:]]
    # the head's triangles are coarse: only at the mouth do they say more than their surroundings
    near = 1 - steps(1.0, 2.2, np.hypot(x, 2 * (here[..., 1:] - lips.lower.max() / 2) / lips.half))
    fields = [blurred(each, 0.6) * near + blurred(each, 2.2) * (1 - near) for each in fields]
    whole = np.stack(fields).reshape(2, CELLS + 1, CELLS + 1, -1, 3)
    return whole.transpose(0, 3, 1, 2, 4)


def _faces(head: Head) -> tuple[np.ndarray, np.ndarray]:
    """Triangles of the skin for the upper and the lower field: without the other lip and the inner mouth."""
    faces = triangles(head, "skin")
    at = head.landmarks
    corner, low = head.vertices[at["mouth_corner_left"]], head.vertices[at["lower_lip_outer"]]
    high, inner = head.vertices[at["upper_lip_outer"]], head.vertices[at["upper_lip_inner"]]
    v = head.vertices
    mouth = (np.abs(v[:, 0]) < corner[0]) & (v[:, 1] > low[1] - 0.012) & (v[:, 1] < high[1] + 0.004)
    # the mouth's inside lies behind a line from the lips' middle to the corners
    along = np.clip(np.abs(v[:, 0]) / corner[0], 0, 1) ** 2
    inside = mouth & (v[:, 2] < inner[2] + along * (corner[2] - inner[2]) - 0.005)
    share = np.linalg.norm(head.delta("jawOpen"), axis=1) / np.linalg.norm(head.delta("jawOpen")[at["chin"]])
    below = mouth & (share > 0.35)
    above = mouth & ~below
    return faces[~(inside | below)[faces].any(1)], faces[~(inside | above)[faces].any(1)]


def _away(nodes: np.ndarray, marks: Landmarks) -> np.ndarray:
    """How far places are from the face, in widths of it."""
    points = marks.points[:, :2]
    flat = nodes.reshape(-1, 2)
    near = np.full(len(flat), np.inf)
    for point in points[::3]:
        near = np.minimum(near, ((flat - point) ** 2).sum(-1))
    return np.asarray(np.sqrt(near).reshape(nodes.shape[:2]) / marks.width)


def _neck(nodes: np.ndarray, marks: Landmarks) -> np.ndarray:
    """Where the neck is: below the face's outline. It follows the chin like rubber, so that nothing folds."""
    points = marks.points[:, :2]
    side = points[list(OVAL)]
    chin, top = points[CHIN], points[FOREHEAD]
    down = (chin - top) / np.linalg.norm(chin - top)
    right = np.array([-down[1], down[0]])
    x, y = (side - chin) @ right, (side - chin) @ down
    jaw = np.flatnonzero(y > -0.45 * np.linalg.norm(chin - top))
    order = jaw[np.argsort(x[jaw])]
    at, low = (nodes - chin) @ right, (nodes - chin) @ down
    within = (at > x[order[0]]) & (at < x[order[-1]])
    below = low > np.interp(at, x[order], y[order]) - 0.01 * marks.width
    return np.asarray(below & (within | (low > y[order].min())))


def _turning(nodes: np.ndarray, marks: Landmarks) -> Array:
    """1 on the head, less and less down the neck, 0 on the shoulders and far to the sides."""
    chin, top = marks.points[CHIN, :2], marks.points[FOREHEAD, :2]
    tall = float(np.linalg.norm(chin - top))
    down = (chin - top) / tall
    off = nodes - chin
    low = off @ down / tall
    aside = np.abs(off @ np.array([-down[1], down[0]])) / marks.width
    shoulder = steps(0.5, 0.95, aside) * steps(-0.45, 0.05, low)
    out = (1 - steps(-0.25, 0.54, low)) * (1 - steps(1.1, 2.0, aside)) * (1 - shoulder)
    if marks.person is None:  # the background is drawn along: not far
        off = np.hypot(aside / 1.35, (low + 0.6) / 1.25)
        out = out * (1 - steps(0.55, 1.0, off))
    return np.asarray(out, np.float32)


def _zipper(nodes: np.ndarray, lips: Slit) -> Array:
    """The part that each place has in the lips' way to each other: half at the edge, fading over the lips."""
    here = lips.at(nodes)
    along = np.clip(1.15 - np.abs(here[..., 0]), 0, 0.3) / 0.3
    out = []
    for edge, sign in ((lips.upper, 1.0), (lips.lower, -1.0)):
        off = lips.below(nodes, edge) / (1.3 * lips.thick)
        right = off * sign < 0
        out.append(sign * 0.5 * along * np.exp(-(np.where(right, off, 0.0) ** 2)))
    return np.asarray(out, np.float32)


def _closing(basis: np.ndarray, photo: np.ndarray, zipper: Array, lips: Slit, step: float) -> np.ndarray:
    """What remains between the lips when the photo's expression is taken away, as a field that opens them.

    (2, n, n, 3): with weight 1 the photo's own gap, with 0 lips that just touch.
    """
    still = -np.tensordot(photo, basis, (0, 1))  # (2, n, n, 3)
    at = np.arange(CELLS + 1) * step
    x = lips.at(np.stack(np.meshgrid(at, at), -1))[..., 0]
    out = np.zeros_like(still)
    for _ in range(4):  # the grid is coarser than lips are: each round closes most of what is left
        wide = np.interp(x, np.linspace(-1, 1, STEPS + 1), gaps(still - out, lips, step))
        for side in (0, 1):
            out[side, ..., :2] -= (zipper[side] * wide)[..., None] * lips.down
    return out


def gaps(field: np.ndarray, lips: Slit, step: float) -> np.ndarray:
    """Pixels between the lips along the mouth under a displacement (2, n, n, 2 or 3): (STEPS + 1,)."""
    ends = []
    for side, edge in enumerate((lips.upper, lips.lower)):
        line = lips.line(edge)
        moved = sampled(field[side], line[:, 0] / step + 0.5, line[:, 1] / step + 0.5)
        ends.append((line + moved[:, :2]) @ lips.down)
    return np.asarray(ends[1] - ends[0])
