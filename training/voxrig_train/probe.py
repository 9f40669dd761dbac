"""A linear reader of visemes: how much of what is said shows in one frame, whatever a system's curves mean.

Softmax regression from all curves of a frame to 14 classes of sounds that look alike, learnt from some
speakers and read from others (from other clips, with one speaker), so that systems with other habits
compare fairly. Balanced accuracy; chance is 1 / 14.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from voxrig.speech.phones import Phone
from voxrig.types import Array
from voxrig_train.measures import FPS, Doubles, is_reduced

# h takes the shape of its neighbours and belongs to no class, nor does a schwa.
VISEMES = (
    *(("sil",), ("p", "b", "m"), ("f", "v"), ("th", "dh"), ("t", "d", "n", "l"), ("k", "g", "ng")),
    *(("sh", "zh", "ch", "jh"), ("s", "z"), ("r", "er"), ("aa", "ae", "ah", "ay", "aw"), ("eh", "ey")),
    *(("ih", "iy", "y"), ("ao", "ow", "oy"), ("uw", "uh", "w")),
)
CHANCE = 1 / len(VISEMES)
_CLASS = {label: i for i, labels in enumerate(VISEMES) for label in labels}

_STEP = 2  # every second frame will do
_FOLDS = 8
_DECAY, _STEPS = 1e-3, 80  # weight decay and iterations of L-BFGS

Counts = NDArray[np.int64]


def confusions(
    speakers: Sequence[str], phones: Sequence[Sequence[Phone]], curves: Sequence[Array]
) -> list[Counts]:
    """For each clip (14, 14) frames by class said and class read; zeros where nobody was to learn from."""
    said = [_said(p, len(c))[::_STEP] for p, c in zip(phones, curves, strict=True)]
    seen = [np.asarray(c[::_STEP], float) for c in curves]
    names = sorted(set(speakers))
    groups = [names.index(s) for s in speakers] if len(names) > 1 else list(range(len(speakers)))
    out = [np.zeros((len(VISEMES),) * 2, np.int64) for _ in said]
    for fold in range(_FOLDS):
        test = [i for i, group in enumerate(groups) if group % _FOLDS == fold]
        train = [i for i, group in enumerate(groups) if group % _FOLDS != fold]
        if not test or not train:
            continue
        reader = _Reader(np.concatenate([seen[i] for i in train]), np.concatenate([said[i] for i in train]))
        for i in test:
            known = said[i] >= 0
            np.add.at(out[i], (said[i][known], reader(seen[i][known])), 1)
    return out


def accuracy(parts: Sequence[Counts]) -> float:
    """Balanced accuracy over clips together: the mean over classes that occur. NaN if none does."""
    counts = np.sum(parts, 0)
    each = counts.sum(1)
    return float((np.diag(counts)[each > 0] / each[each > 0]).mean()) if each.any() else float("nan")


def _said(phones: Sequence[Phone], frames: int) -> Counts:
    """The class of each frame, -1 for none."""
    said = np.full(frames, -1)
    for p in phones:
        said[int(p.start * FPS) : int(p.end * FPS)] = -1 if is_reduced(p) else _CLASS.get(p.label, -1)
    return said


class _Reader:
    """Softmax regression on curves scaled to unit variance, every class counting the same."""

    def __init__(self, curves: Doubles, said: Counts) -> None:
        curves, said = curves[said >= 0], said[said >= 0]
        self._moves = curves.std(0) > 1e-6
        self._mean, self._size = curves.mean(0), np.where(self._moves, curves.std(0), 1)
        self._weights = _fit(self._scaled(curves), said)

    def __call__(self, curves: Doubles) -> Counts:
        """(t, c) curves to (t,) classes."""
        return np.asarray(np.argmax(self._scaled(curves) @ self._weights, 1), np.int64)

    def _scaled(self, curves: Doubles) -> Doubles:
        scaled = ((curves - self._mean) / self._size)[:, self._moves]
        return np.concatenate([scaled, np.ones((len(scaled), 1))], 1)


def _fit(inputs: Doubles, said: Counts) -> Doubles:
    """Weights (inputs, 14) of least class-balanced cross entropy with a little decay."""
    from scipy.optimize import minimize

    shape = inputs.shape[1], len(VISEMES)
    worth = 1 / np.maximum(np.bincount(said, minlength=len(VISEMES)), 1)[said]
    worth /= worth.sum()
    wanted = np.eye(len(VISEMES))[said]

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        weights = flat.reshape(shape)
        scores = inputs @ weights
        odds = np.exp(scores - scores.max(1, keepdims=True))
        odds /= odds.sum(1, keepdims=True)
        right = odds[np.arange(len(said)), said]
        slope = inputs.T @ (worth[:, None] * (odds - wanted)) + _DECAY * weights
        return float(-worth @ np.log(right + 1e-12) + _DECAY / 2 * flat @ flat), slope.ravel()

    start = np.zeros(shape[0] * shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x
    return np.asarray(found, float).reshape(shape)
