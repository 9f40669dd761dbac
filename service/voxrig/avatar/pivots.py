"""What turns what, in figures whose file does not say: eyes, head and neck found by how the face moves.

All lengths are in widths, the distance between the eyes; those below were measured on the head that ships.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from voxrig.avatar.figure import Figure
from voxrig.avatar.surface import owners, turned
from voxrig.errors import FormatError
from voxrig.types import Array

_HEAD, _NECK = (0.0, -0.76, -1.45), (0.0, -2.2, -1.7)
"""From the middle of the eyes to where the head and the neck turn."""
_LID = 1.19, -0.12
"""The eyes lie further apart than the middles of what blinks, and behind them."""
_MOUTH = 0.35, (0.0, 1.15, -0.13)
"""How far what the mouth moves spreads to either side, and from its middle to that of the eyes."""
_CHIN = (-1.75, -2.7, -3.2)
"""Heights above which all turns with the head, where neck meets body, and below which all is still."""
_ABOVE = ("eye", "brow", "blink", "look", "cheek", "nose", "happy", "angry", "sad", "relaxed", "surprised")
"""How names of shapes begin that move more than the mouth, or something else."""
_SAME = 1e-6
"""Two eyes that are closer than that, in the file's unit, are no two."""


def completed(figure: Figure, known: Collection[str]) -> Figure:
    """The figure with all its pivots; those of TURNS that are ``known`` stay, and what hangs on them too.

    A figure whose left eye is on its right is turned round. Raises FormatError if no eyes can be found.
    """
    have = set(known)
    pivots = figure.pivots.astype(np.float64)
    if not {"leftEye", "rightEye"} <= have or np.linalg.norm(pivots[3] - pivots[4]) < _SAME:
        pivots[3:] = _eyes(figure)
    leftward = pivots[3] - pivots[4]
    if -leftward[0] > abs(leftward[2]):
        figure, pivots = turned(figure), pivots * [-1, 1, -1]
    width = float(np.linalg.norm(pivots[3] - pivots[4]))
    middle = pivots[3:].mean(0)
    if "head" not in have:
        pivots[2] = pivots[1] if "neck" in have else middle + np.multiply(_HEAD, width)
    if "neck" not in have:
        pivots[1] = pivots[2] if "head" in have else middle + np.multiply(_NECK, width)
    shares = figure.shares
    if not have & {"head", "neck"}:
        shares = _soft(figure, (figure.points[:, 1] - middle[1]) / width)
    elif "head" not in have:
        shares = shares.copy()
        shares[:, 2] += shares[:, 1]
        shares[:, 1] = 0
    return replace(figure, shares=shares.astype(np.float32), pivots=pivots.astype(np.float32))


def _soft(figure: Figure, height: Array) -> Array:
    """Shares by height, for a bust of one piece; what hung on an eye stays there."""
    chin, collar, still = _CHIN
    head = _rise((height - collar) / (chin - collar))
    body = 1 - _rise((height - still) / ((chin + collar) / 2 - still))
    out = np.zeros_like(figure.shares)
    out[:, 2] = head
    out[:, 0] = np.minimum(body, 1 - head)
    out[:, 1] = 1 - out[:, 0] - out[:, 2]
    eyes = figure.shares[:, 3:]
    out *= 1 - eyes.sum(1, keepdims=True)
    out[:, 3:] = eyes
    return out


def _rise(x: Array) -> Array:
    """0 below 0, 1 above 1, and smooth between."""
    t = np.clip(x, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _eyes(figure: Figure) -> np.ndarray:
    """Centres of the left and the right eye (2, 3), from what blinks, else from what the mouth moves."""
    lids = [
        _spread(figure, names) for names in (("eyeBlinkLeft", "blinkLeft"), ("eyeBlinkRight", "blinkRight"))
    ]
    if lids[0] is None or lids[1] is None:
        lids = [_spread(figure, ("blink",), side) for side in (1, -1)]
    if lids[0] is not None and lids[1] is not None:
        left, right = lids[0][0], lids[1][0]
        middle, half = (left + right) / 2, (left - right) / 2 * _LID[0]
        width = 2 * float(np.linalg.norm(half))
        if width > _SAME:
            return np.asarray(np.stack([middle + half, middle - half]) + np.array([0, 0, _LID[1] * width]))
    mouth = _spread(figure, [name for name in figure.shapes if not name.casefold().startswith(_ABOVE)])
    if mouth is None or mouth[1] < _SAME:
        raise FormatError("the face of the avatar was not found: it has no eye joints and no shape moves it")
    width = mouth[1] / _MOUTH[0]
    middle = mouth[0] + np.multiply(_MOUTH[1], width)
    half = np.array([width / 2, 0, 0])
    return np.stack([middle + half, middle - half])


def _spread(figure: Figure, names: Collection[str], side: int = 0) -> tuple[np.ndarray, float] | None:
    """Middle of what shapes move (3,) and how far it spreads along x; of one side of the face if told."""
    shapes = [i for i, name in enumerate(figure.shapes) if name in names]
    some = np.isin(figure.moves.shape, shapes)
    points = figure.points[owners(figure)[some]].astype(np.float64)
    far = np.linalg.norm(figure.moves.by[some].astype(np.float64), axis=1)
    if side and far.sum() > 0:
        own = (points[:, 0] - far @ points[:, 0] / far.sum()) * side > 0
        points, far = points[own], far[own]
    if not far.sum() > 0:
        return None
    middle = far @ points / far.sum()
    return middle, float(np.sqrt(far @ (points[:, 0] - middle[0]) ** 2 / far.sum()))
