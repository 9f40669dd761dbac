"""Lay our head over a FLAME template and read off how its surface would move: registration.

No vertex index of FLAME is assumed. Five points found by rule on both faces (eyes, nose tip, lips, chin)
give a first similarity; closest points refine it; then the template is bent onto our head in ever finer
steps. The bent copy only says which point is which: motions are turned and scaled by the similarity alone.

Lips that touch are told apart by how far they follow the jaw, which FLAME's weights and our jawOpen both
know. Needs scipy. Letters: p points, i vertices of FLAME.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrig.errors import RigError
from voxrig.rigs.flame_file import FlameModel
from voxrig.rigs.head import Head

Points = NDArray[np.float64]
Index = NDArray[np.int64]

_SIGMAS = (0.030, 0.020, 0.015, 0.010, 0.007)
"""Metres over which the template bends, step by step."""
_FURTHEST = 0.015
"""Metres; a template vertex without a point of our head so close has no counterpart."""
_NORMAL = 0.010
"""Metres that a unit of difference between normals counts for when points are matched."""
_LIP = 0.015
"""Metres that upper against lower lip counts for."""


@dataclass(frozen=True, eq=False)
class Similarity:
    """points -> scale * points @ turn.T + shift."""

    scale: float
    turn: Points  # (3, 3)
    shift: Points  # (3,)

    def __call__(self, points: Points) -> Points:
        return np.asarray(self.scale * points @ self.turn.T + self.shift)

    def back(self, motion: Points) -> Points:
        """Displacements (..., 3) in the frame that this leads to, in the frame that it came from."""
        return np.asarray(motion @ self.turn / self.scale)


@dataclass(frozen=True, eq=False)
class Surface:
    """A face as points with the cues that tell one place from another."""

    points: Points  # (p, 3)
    normals: Points  # (p, 3) unit
    jaw: Points  # (p,) 0 fixed to the skull .. 1 moves with the jaw
    eyes: Points  # (2, 3) centres, left then right


@dataclass(frozen=True, eq=False)
class Registration:
    """How the shapes of our head would move a FLAME template."""

    motion: Points  # (52, 5023, 3) displacement by each shape at 1, in the model's metres and axes
    trust: Points  # (5023,) area of each vertex that has a counterpart, 0 for the others; sums to 1
    similarity: Similarity  # from the model to our head


def register(model: FlameModel, head: Head) -> Registration:
    """Find our head in the template. Raises RigError if its face cannot be told."""
    from scipy.spatial import cKDTree
    from scipy.spatial.distance import cdist

    skin = model.weights[:, 3:].sum(axis=1) < 0.5  # the eyeballs follow the eyes
    kept = np.flatnonzero(skin)
    normals, areas = _normals_and_areas(model.template, model.triangles)
    template = Surface(model.template[kept], normals[kept], model.weights[kept, 2], model.joints[3:5])
    corners, spread, ours = _samples(head)
    place = _refine(template, ours, _similarity(_anchors(template), _anchors(ours)))
    posed = Surface(
        place(template.points), template.normals @ place.turn.T, template.jaw, place(template.eyes)
    )

    mouth = _anchors(ours)[3]
    tree = cKDTree(_features(ours, ours.points, mouth))
    bent = posed.points + _bend_by_anchors(posed, ours)
    apart = cdist(posed.points, posed.points, "sqeuclidean").astype(np.float32)
    for sigma in _SIGMAS:
        nearest = tree.query(_features(posed, bent, mouth))[1]
        gap = ours.points[nearest] - bent
        near = np.linalg.norm(gap, axis=1) < 2 * _FURTHEST
        kernel = np.exp(apart / np.float32(-2 * sigma**2)) * near
        bent = bent + (kernel @ (gap * near[:, None])) / np.maximum(kernel.sum(axis=1, keepdims=True), 1e-6)
    nearest = tree.query(_features(posed, bent, mouth))[1]
    distance = np.linalg.norm(ours.points[nearest] - bent, axis=1)

    motion = np.zeros((len(head.curves), *model.template.shape))
    for corner, part in zip(corners[nearest].T, spread[nearest].T, strict=True):
        motion[:, kept] += head.deltas[:, corner] * part[:, None]
    trust = np.zeros(len(model.template))
    trust[kept] = areas[kept] * (distance < _FURTHEST)
    if trust.sum() < 0.3 * areas[kept].sum():
        raise RigError("less than a third of the FLAME template lies near our head; is it a FLAME head?")
    return Registration(place.back(motion), trust / trust.sum(), place)


def _normals_and_areas(points: Points, triangles: Index) -> tuple[Points, Points]:
    """Unit normal (p, 3) and area (p,) of each vertex."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    normals, areas = np.zeros(points.shape), np.zeros(len(points))
    for k in range(3):
        np.add.at(normals, triangles[:, k], cross)
        np.add.at(areas, triangles[:, k], np.linalg.norm(cross, axis=1) / 6)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12), areas


def _samples(head: Head) -> tuple[Index, Points, Surface]:
    """Points spread over our skin: the corners (p, 3) and weights (p, 3) that make each, and the surface."""
    vertices = head.vertices.astype(np.float64)
    quads = head.quads[np.isin(head.quads[:, 0], head.members("skin"))]
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    triangles = triangles[(triangles[:, 1] != triangles[:, 2]) & (triangles[:, 0] != triangles[:, 2])]
    normals, _ = _normals_and_areas(vertices, triangles)
    grid = np.array([(a, b, 4 - a - b) for a in range(5) for b in range(5 - a)]) / 4
    corners, spread = np.repeat(triangles, len(grid), axis=0), np.tile(grid, (len(triangles), 1))
    share = np.clip(head.jaw().share(vertices, head.delta("jawOpen").astype(np.float64)), 0, 1)

    def blend(values: Points) -> Points:
        return np.asarray(np.einsum("pk,pk...->p...", spread, values[corners]))

    across = blend(normals)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-12)
    eyes = np.array([vertices[head.members(f"eye_{side}")].mean(axis=0) for side in ("left", "right")])
    return corners, spread, Surface(blend(vertices), across, blend(share), eyes)


def _anchors(face: Surface) -> Points:
    """Left eye, right eye, nose tip, middle of the lips, chin: (5, 3). Raises RigError if one is missing."""
    middle = face.eyes.mean(axis=0)
    unit = float(np.linalg.norm(face.eyes[0] - face.eyes[1]))  # some 6 cm, whatever the file's unit
    place = (face.points - middle) / unit
    x, y, z = np.abs(place[:, 0]), place[:, 1], place[:, 2]

    def extreme(where: NDArray[np.bool_], direction: tuple[float, float, float], name: str) -> Points:
        if not where.any():
            raise RigError(f"the face of the FLAME template was not found: no {name} below its eyes")
        found = np.flatnonzero(where)
        return np.asarray(face.points[found[np.argmax(place[found] @ np.array(direction))]])

    nose = extreme((x < 0.2) & (y < -0.1) & (y > -1.2), (0, 0, 1), "nose")
    lips = _lips(face, (x < 0.25) & (place @ np.array([0, 1, 0]) < (nose - middle)[1] / unit) & (z > -0.2))
    below = (lips - middle)[1] / unit - 0.3
    chin = extreme((x < 0.15) & (y < below) & (y > below - 1) & (face.jaw > 0.5), (0, -1, 1), "chin")
    return np.array([*face.eyes, nose, lips, chin])


def _lips(face: Surface, where: NDArray[np.bool_]) -> Points:
    """Where skin of the skull and skin of the jaw come closest at the front: (3,)."""
    from scipy.spatial import cKDTree

    upper, lower = (np.flatnonzero(where & side) for side in (face.jaw < 0.4, face.jaw > 0.6))
    if not len(upper) or not len(lower):
        raise RigError("the jaw weights of the FLAME file show no mouth below the nose")
    gap, partner = cKDTree(face.points[upper]).query(face.points[lower])
    between = (face.points[lower] + face.points[upper[partner]]) / 2
    unit = float(np.linalg.norm(face.eyes[0] - face.eyes[1]))
    touching = between[gap <= max(float(gap.min()) * 1.5, 0.06 * unit)]
    return np.asarray(np.median(touching[touching[:, 2] > touching[:, 2].max() - 0.06 * unit], axis=0))


def _similarity(source: Points, target: Points) -> Similarity:
    """The least squares similarity from points (n, 3) to points (n, 3), as Umeyama gives it."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    left, stretch, right = np.linalg.svd(b.T @ a)
    flip = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    turn = (left * flip) @ right
    scale = float((stretch * flip).sum() / (a**2).sum())
    return Similarity(scale, turn, target.mean(axis=0) - scale * source.mean(axis=0) @ turn.T)


def _refine(template: Surface, ours: Surface, first: Similarity) -> Similarity:
    """Closest points of the front of the face, ten times over, with the worst fifth left out."""
    from scipy.spatial import cKDTree

    tree = cKDTree(np.hstack([ours.points, ours.normals * _NORMAL]))
    place = first
    anchors, goal = _anchors(template), _anchors(ours)
    for _ in range(10):
        points, normals = place(template.points), template.normals @ place.turn.T
        front = np.flatnonzero(
            (points[:, 2] > goal[:2, 2].mean() - 0.06) & (points[:, 1] > goal[4, 1] - 0.01)
        )
        nearest = tree.query(np.hstack([points[front], normals[front] * _NORMAL]))[1]
        gap = np.linalg.norm(ours.points[nearest] - points[front], axis=1)
        best = gap <= np.quantile(gap, 0.8)
        copies = max(1, int(best.sum()) // 50)  # the anchors weigh a tenth, so that nothing slides away
        source = np.concatenate([template.points[front][best], np.repeat(anchors, copies, axis=0)])
        target = np.concatenate([ours.points[nearest][best], np.repeat(goal, copies, axis=0)])
        place = _similarity(source, target)
    return place


def _bend_by_anchors(posed: Surface, ours: Surface) -> Points:
    """A smooth displacement of the template (p, 3) that brings its five anchors onto ours."""
    from scipy.interpolate import RBFInterpolator

    start = _anchors(posed)
    bend: Any = RBFInterpolator(start, _anchors(ours) - start, kernel="linear", degree=0)
    fade = np.exp(-(((posed.points - start.mean(axis=0)) ** 2).sum(axis=1)) / (2 * 0.07**2))
    return np.asarray(bend(posed.points) * fade[:, None])


def _features(face: Surface, points: Points, mouth: Points) -> Points:
    """What is compared to match points (p, 3): place, normal and, near the mouth, which lip: (p, 7)."""
    near = np.exp(-((points - mouth) ** 2).sum(axis=1) / (2 * 0.025**2))
    lower = np.clip((face.jaw - 0.25) / 0.4, 0, 1)
    return np.hstack([points, face.normals * _NORMAL, (_LIP * lower * near)[:, None]])
