"""Our head laid over a photo: how it stands there, what it does, and how this person's face differs.

The frame of the photo here: pixels, x to the right, y up, z towards the camera; far away, so without
perspective. Letters: v vertices of the head, l landmarks, s the 52 shapes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig.errors import FormatError
from voxrig.render.portrait.atlas import Atlas
from voxrig.render.portrait.landmarks import Landmarks
from voxrig.rigs.head import Head

TURNED = np.radians(35)
"""How far from the camera a face may look."""
_STIFF = 0.5
"""What a shape must explain to be used: metres of error against weight, as a part of its own size."""
_EXPRESSED = (
    "jawOpen", "jawLeft", "jawRight", "mouthSmile", "mouthFrown", "mouthPucker", "mouthFunnel",
    "mouthStretch", "mouthLeft", "mouthRight", "mouthUpperUp", "mouthLowerDown", "cheekSquint", "noseSneer",
)  # fmt: skip
"""Shapes that are read off a photo. Lids and brows are not: how wide somebody's eyes stand is their own."""


@dataclass(frozen=True, eq=False)
class Fit:
    """The head in the photo."""

    scale: float
    """Pixels a metre."""
    turn: np.ndarray  # (3, 3) the head's axes in the photo's
    shift: np.ndarray  # (3,) where the head's origin is
    weights: np.ndarray  # (52,) the expression in the photo
    points: np.ndarray  # (v, 3) the head as the photo shows it
    rest: np.ndarray  # (v, 3) this person with no expression
    turned: float
    """Radians that the face looks past the camera."""

    def moved(self, by: np.ndarray) -> np.ndarray:
        """Ways (…, 3) on the head, metres, as ways in the photo."""
        return np.asarray(self.scale * by @ self.turn.T)

    def placed(self, at: np.ndarray) -> np.ndarray:
        """Places (…, 3) on the head, metres, as places in the photo, regardless of the person."""
        return np.asarray(self.moved(at) + self.shift)


def fitted(head: Head, atlas: Atlas, marks: Landmarks, name: str = "photo") -> Fit:
    """Lays the head on landmarks. Raises FormatError if the face is turned too far away."""
    seen = marks.points.astype(np.float64) * [1, -1, -1]
    rest = atlas.at(head.vertices.astype(np.float64))
    moves = np.stack([atlas.at(delta) for delta in head.deltas.astype(np.float64)], 1)  # (l, s, 3)
    able = np.array([curve.startswith(_EXPRESSED) for curve in head.curves])
    weights = np.zeros(len(head.curves))
    scale, turn, shift = _similar(rest, seen)
    turned = float(np.arccos(np.clip(turn[2, 2], -1, 1)))
    if turned > TURNED:
        raise FormatError(
            f"the face in {name} is turned away by {np.degrees(turned):.0f}°; "
            f"at most {np.degrees(TURNED):.0f}° can be drawn, so take a photo from the front"
        )
    for _ in range(8):
        posed = rest + np.tensordot(weights, moves, (0, 1))
        scale, turn, shift = _similar(posed, seen)
        wanted = (seen - shift) @ turn / scale - rest
        weights[able] = _expression(moves[:, able], _without_person(rest, wanted, posed - rest))
    posed = rest + np.tensordot(weights, moves, (0, 1))
    scale, turn, shift = _similar(posed, seen)
    whole = head.vertices + np.tensordot(weights, head.deltas.astype(np.float64), 1)
    bent = _Bend(posed, (seen - shift) @ turn / scale - posed)
    person = bent.at(whole)
    return Fit(
        scale, turn, shift, weights,
        scale * (whole + person) @ turn.T + shift,
        scale * (head.vertices + person) @ turn.T + shift,
        turned,
    )  # fmt: skip


def _similar(a: np.ndarray, b: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale, turn and shift that best take points a to b (Umeyama 1991). Depth, a guess, counts half."""
    am, bm = a.mean(0), b.mean(0)
    u, d, vt = np.linalg.svd((b - bm).T @ (a - am))
    sign = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    turn = (u * sign) @ vt
    scale = float((d * sign).sum() / ((a - am) ** 2).sum())
    for _ in range(10):  # the landmarks' depth has a scale of its own
        flat = (a - am) @ turn.T
        scale = float((flat[:, :2] * (b - bm)[:, :2]).sum() / (flat[:, :2] ** 2).sum())
    return scale, turn, bm - scale * turn @ am


def _without_person(rest: np.ndarray, wanted: np.ndarray, posed: np.ndarray) -> np.ndarray:
    """The ways that landmarks went, less what a stretched and sheared head explains. (l, 3)"""
    whole = np.column_stack([rest, np.ones(len(rest))])
    person, *_ = np.linalg.lstsq(whole, wanted - posed, rcond=None)
    return np.asarray(wanted - whole @ person)


def _expression(moves: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Weights 0..1 (s,) with which moves (l, s, 3) explain ways (l, 3): least squares, one by one."""
    axis = np.array([1.0, 1.0, 0.5])
    each = (moves * axis).transpose(1, 0, 2).reshape(moves.shape[1], -1)
    square = each @ each.T
    goal = each @ (wanted * axis).ravel()
    square[np.diag_indices(len(square))] += _STIFF * square.diagonal() * 0.2 + 1e-6
    weights = np.zeros(len(goal))
    for _ in range(200):
        for s in range(len(goal)):
            rest = goal[s] - square[s] @ weights + square[s, s] * weights[s]
            weights[s] = min(max(rest / square[s, s], 0.0), 1.0)
    return weights


class _Bend:
    """A smooth bend of space that takes landmarks where they should be: -|r| splines, fading far away."""

    def __init__(self, places: np.ndarray, ways: np.ndarray) -> None:
        self._places = places
        near = np.linalg.norm(places[:, None] - places[None], axis=-1)
        self._far = 0.35 * float(np.ptp(places[:, 0]))
        # points that coincide on the head, as those of shut lips may, share their error
        self._shares = np.linalg.solve(-near - 2e-4 * np.eye(len(places)), ways - ways.mean(0))
        self._mean = ways.mean(0)

    def at(self, points: np.ndarray) -> np.ndarray:
        """Ways (n, 3) of points (n, 3)."""
        away = np.linalg.norm(points[:, None] - self._places[None], axis=-1)
        fade = np.exp(-((away.min(1) / self._far) ** 2))[:, None]
        return np.asarray((-away @ self._shares + self._mean) * fade)
