"""Random excerpts of the expression world with styles and what the teacher does with them.

Emotions are only ever asked for at a third, two thirds and one, so that all else tests what lies between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from voxrig.chance import Chance
from voxrig.types import Array
from voxrig_train.expression import teacher
from voxrig_train.expression.moods import MOODS
from voxrig_train.expression.network import ASYMMETRY, EMOTIONS, ENERGY, INPUTS, SPEAKERS, STYLES
from voxrig_train.expression.world import Item
from voxrig_train.network import FPS

FRAMES = 400  # of an excerpt: 4 s
LEVELS = (1 / 3, 2 / 3, 1.0)
_SOURCES = (0.5, 0.25, 0.25)  # how often live, file, words tell the speech
_SILENT = 0.05  # of excerpts, in which a face feels and says nothing
_SHIFT = 160


@dataclass(frozen=True, eq=False)
class Batch:
    """b excerpts of t frames."""

    audio: Tensor  # (b, 160 t)
    curves: Tensor  # (b, t, 110) of speech
    style: Tensor  # (b, t, 24)
    expression: Tensor  # (b, t, 59) of the teacher
    labels: Tensor  # (b, t)
    mood: Tensor  # (b,) index into MOODS


class Excerpts:
    """Reproducible by seed."""

    def __init__(self, items: Sequence[Item], seed: int) -> None:
        self._items, self._rng = (
            [i for i in items if len(i.labels) > FRAMES // 2],
            np.random.default_rng(seed),
        )
        self._voices = [teacher.voice_of(i.audio, i.row.id) for i in self._items]

        self._silence = teacher.voice_of(np.zeros(FRAMES * _SHIFT, np.float32), "")

    def batch(self, size: int) -> Batch:
        """``size`` excerpts. Two emotions share most: a batch tells how regions go together."""
        pair = self._rng.choice(len(EMOTIONS), 2, replace=False).tolist()
        return self._batch([self._style(pair[i % 2]) for i in range(size)])

    def alone(self, emotion: int, size: int) -> Batch:
        """``size`` excerpts of one emotion at full intensity, and nothing else."""
        wish = np.zeros(len(INPUTS), np.float32)
        wish[emotion] = 1
        return self._batch([self._by_chance(np.tile(wish, (FRAMES, 1))) for _ in range(size)])

    def _batch(self, styles: Sequence[Array]) -> Batch:
        rows = [self._one(style) for style in styles]
        parts = [torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)]
        return Batch(*parts)

    def _one(self, style: Array) -> tuple[np.ndarray, ...]:
        rng = self._rng
        k = int(rng.integers(len(self._items)))
        item = self._items[k]
        frames = len(item.labels)
        first = int(rng.integers(0, max(1, frames - FRAMES + 1)))
        kept = slice(first, min(first + FRAMES, frames))
        short = FRAMES - (kept.stop - kept.start)
        curves = _padded(item.curves[int(rng.choice(3, p=_SOURCES)), kept].astype(np.float32), short)
        audio = item.samples[kept.start * _SHIFT : kept.stop * _SHIFT].astype(np.float32) / 32768
        audio = _padded(audio, short * _SHIFT) * np.float32(10 ** (rng.uniform(-10, 10) / 20))
        labels, voice = _padded(item.labels[kept].astype(np.int64), short), teacher.cut(self._voices[k], kept)
        spoken = kept.stop - kept.start
        if rng.random() < _SILENT:
            audio, curves, labels = audio * 0, curves * 0, labels * 0
            voice, spoken = self._silence, FRAMES
        goal = _padded(teacher.express(voice, style[:spoken], curves[:spoken]), FRAMES - spoken, edge=True)
        mood = np.array(list(MOODS).index(item.row.mood))
        return np.clip(audio, -1, 1), curves, style, goal, labels, mood

    def _style(self, emotion: int) -> Array:
        rng = self._rng
        style = np.zeros((FRAMES, len(INPUTS)), np.float32)
        style[:] = self._wish(emotion)
        if rng.random() < 0.12:
            style[int(rng.integers(100, FRAMES - 100)) :] = self._wish(int(rng.integers(len(EMOTIONS))))
        return self._by_chance(style)

    def _by_chance(self, style: Array) -> Array:
        seed = int(self._rng.integers(1 << 31))
        style[:, len(STYLES) :] = Chance(seed, Fraction(FPS)).take(0, FRAMES)
        return style

    def _wish(self, emotion: int) -> Array:
        rng = self._rng
        wish = np.zeros(len(INPUTS), np.float32)
        others = rng.permutation(len(EMOTIONS))[:1].tolist()
        for k in ([], [emotion], [*others, emotion])[int(rng.choice(3, p=(0.1, 0.75, 0.15)))]:
            wish[k] = rng.choice(LEVELS)
        if rng.random() < 0.35:
            wish[ENERGY] = rng.uniform(-1, 1)
        if rng.random() < 0.35:
            wish[ASYMMETRY + 1 + int(rng.integers(len(SPEAKERS)))] = rng.uniform(0, 1)
        return wish


def _padded(x: np.ndarray, count: int, edge: bool = False) -> np.ndarray:
    width = [(0, count)] + [(0, 0)] * (x.ndim - 1)
    return np.pad(x, width, mode="edge") if edge else np.pad(x, width)
