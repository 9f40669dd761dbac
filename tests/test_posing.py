"""A figure in motion: rest is rest, shapes add up, heads and eyes turn the way the native rig says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs the extra render")

from voxrig.avatar import Figure, Moves
from voxrig.avatar.glb_figure import load
from voxrig.render.posing import Posing
from voxrig.rigs.native import ARKIT_CURVES, HEAD_CURVES, NATIVE
from voxrig.types import Array


@pytest.fixture(scope="module")
def head() -> Figure:
    return load(None)


def values(**curves: float) -> Array:
    out = np.zeros(len(NATIVE), np.float32)
    for name, value in curves.items():
        out[NATIVE.index(name)] = value
    return out


def posed(figure: Figure, **curves: float) -> tuple[Array, Array]:
    posing = Posing(figure)
    posing.pose(values(**curves))
    return posing.points, posing.normals


def nose(figure: Figure) -> int:
    return int(figure.points[:, 2].argmax())


def test_rest_is_the_figure_itself(head: Figure) -> None:
    points, normals = posed(head)
    np.testing.assert_allclose(points, head.points, atol=1e-6)
    assert np.sum(normals * head.normals, axis=1).min() > 1 - 1e-4


def test_shapes_add_up_as_the_file_says(head: Figure) -> None:
    rng = np.random.default_rng(3)
    weights = {name: float(w) for name, w in zip(ARKIT_CURVES, rng.random(len(ARKIT_CURVES)), strict=True)}
    known = np.array([weights.get(name, 0.0) for name in head.shapes], np.float32)
    owner = np.repeat(np.arange(len(head.points)), np.diff(head.moves.start))
    want = head.points.astype(np.float64)
    np.add.at(want, owner, head.moves.by * known[head.moves.shape, None])
    np.testing.assert_allclose(posed(head, **weights)[0], want, atol=2e-6)


def test_a_pose_leaves_nothing_behind(head: Figure) -> None:
    posing = Posing(head)
    posing.pose(values(jawOpen=1, mouthSmileLeft=0.7, headYaw=0.4))
    posing.pose(values())
    np.testing.assert_array_equal(posing.points, posed(head)[0])
    np.testing.assert_array_equal(posing.normals, posed(head)[1])


def test_normals_stay_unit_and_follow_the_surface(head: Figure) -> None:
    _, normals = posed(head, jawOpen=1, mouthPucker=1, cheekPuff=1, headRoll=0.3)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-4)
    moved = np.unique(np.repeat(np.arange(len(head.points)), np.diff(head.moves.start)))
    assert np.abs(normals - head.normals)[moved].max() > 0.3


@pytest.mark.parametrize(
    ("curve", "axis", "sign"),
    [("headYaw", 0, -1), ("headPitch", 1, -1), ("headRoll", 0, -1)],
    ids=HEAD_CURVES,
)
def test_heads_turn_to_the_right_down_and_to_the_right_shoulder(
    head: Figure, curve: str, axis: int, sign: int
) -> None:
    turned, _ = posed(head, **{curve: 0.3})
    tip = int(head.points[:, 1].argmax()) if curve == "headRoll" else nose(head)
    assert sign * (turned - head.points)[tip, axis] > 0.01


def test_a_turning_head_keeps_its_shape_and_leaves_the_shoulders(head: Figure) -> None:
    turned, _ = posed(head, headYaw=0.4, headPitch=-0.2)
    own = np.flatnonzero(head.shares[:, 2] > 0.999)[::50]
    before, after = (np.linalg.norm(p[own, None] - p[None, own], axis=2) for p in (head.points, turned))
    np.testing.assert_allclose(after, before, atol=1e-5)
    still = head.shares[:, 0] > 0.999
    np.testing.assert_allclose(turned[still], head.points[still], atol=1e-6)


@pytest.mark.parametrize(
    ("way", "axis", "sign"), [("Up", 1, 1), ("Down", 1, -1), ("In", 0, -1), ("Out", 0, 1)]
)
def test_eyes_look_the_same_way_by_shapes_and_by_joints(head: Figure, way: str, axis: int, sign: int) -> None:
    """The pupil of the left eye goes there, whether shapes of the figure move it or a joint alone."""
    eye = np.flatnonzero(head.shares[:, 3] > 0.5)
    pupil = eye[head.points[eye, 2].argmax()]
    bare = _without(head, eye)
    for figure in (head, bare):
        moved = posed(figure, **{f"eyeLook{way}Left": 1.0})[0] - figure.points
        assert sign * moved[pupil, axis] > 0.002
        distance = np.linalg.norm(figure.points[eye] + moved[eye] - figure.pivots[3], axis=1)
        np.testing.assert_allclose(
            distance, np.linalg.norm(figure.points[eye] - figure.pivots[3], axis=1), atol=0.004
        )


def _without(figure: Figure, still: np.ndarray) -> Figure:
    """The same, but no shape moves these vertices."""
    owner = np.repeat(np.arange(len(figure.points)), np.diff(figure.moves.start))
    kept = ~np.isin(owner, still)
    count = np.bincount(owner[kept], minlength=len(figure.points))
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int32)
    return replace(figure, moves=Moves(start, figure.moves.shape[kept], figure.moves.by[kept]))
