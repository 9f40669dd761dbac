"""Which emotion a call has at each frame: as asked for, and as shown, which follows a little later.

Emotions come with the sound, for any moment. One for the past holds from the sound that it came with; for the
rest order of arrival does not matter, only the moment. The same straight lines run here over weights as in
``track.Track`` over styles, so that what clients are told is what they see of what they asked for. Where they
ask for none, emotion is heard in the voice, which they are not told.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from fractions import Fraction
from heapq import heappop, heappush
from typing import Any

import numpy as np

from ..errors import VoxrigError
from ..style import EMOTIONS
from ..types import Array, Style
from .a2f_parameters import Wishes, emotion_weights

FPS = Fraction(30)
_EARLY = 1e-4  # frames by which a time code may miss its frame by rounding


class Emotions:
    """Those of one call of at most ``longest`` seconds, from ``beginning`` on."""

    def __init__(self, beginning: Mapping[str, float], wishes: Wishes, longest: float) -> None:
        self._wishes, self._longest = wishes, longest
        self._over = round(wishes.transition * FPS)
        self.style = self._style(beginning)
        """Before any key."""
        self._waiting: dict[int, Style] = {}  # by frame: no more than there can be frames
        self._order: list[int] = []  # heap of those frames
        self._asked: deque[tuple[int, Array]] = deque()
        self._shown: deque[tuple[int, Array]] = deque()
        self._input = _weights(self.style)
        self._from = self._to = self._input * np.float32(wishes.intensity)
        self._since = 0
        self._told = self._input, self._to
        self._fades = not wishes.preferred
        """Whether the beginning is still to fade into what is heard."""

    def hear(self, emotions: Iterable[Any], first: int) -> None:
        """Messages EmotionWithTimeCode, which alter frames from ``first`` on. Raises VoxrigError."""
        for emotion in emotions:
            time = emotion.time_code
            if not math.isfinite(time):
                raise VoxrigError(
                    f"emotions.time_code is {time:g}; write seconds from the start of the sound"
                )
            weights = emotion_weights(emotion.emotion, "emotions.emotion")
            if time <= self._longest:
                frame = max(first, math.ceil(time * FPS - _EARLY))
                if frame not in self._waiting:
                    heappush(self._order, frame)
                self._waiting[frame] = self._style(weights)

    def due(self, end: int) -> list[tuple[int, Style]]:
        """The keys before frame ``end`` that come into force now, in order, as far as they show."""
        keys = [(0, self._style({}))] if self._fades else []
        self._fades = False
        while self._order and self._order[0] < end:
            frame = heappop(self._order)
            style = self._waiting.pop(frame)
            self._asked.append((frame, _weights(style)))
            if self._wishes.preferred:
                keys.append((frame, style))
        self._shown += [(frame, _weights(style) * np.float32(style.intensity)) for frame, style in keys]
        return keys

    def at(self, frame: int) -> tuple[Array, Array]:
        """Weights asked for and shown, (10,) each; frames are asked for in order.

        The very same pair as for the frame before, where nothing has changed.
        """
        changed = frame - self._since <= self._over
        while self._asked and self._asked[0][0] <= frame:
            self._input, changed = self._asked.popleft()[1], True
        while self._shown and self._shown[0][0] <= frame:
            since, goal = self._shown.popleft()
            self._from, self._to, self._since = self._during(since), goal, since
            changed = True
        if changed:
            self._told = self._input, np.clip(self._during(frame), 0, 1)
        return self._told

    def _style(self, weights: Mapping[str, float]) -> Style:
        if any(weights.values()):
            return Style(dict(weights), self._wishes.intensity)
        return Style(auto=self._wishes.auto)

    def _during(self, frame: int) -> Array:
        passed = frame - self._since
        if passed >= self._over:
            return self._to
        return np.asarray(self._from + passed / self._over * (self._to - self._from), np.float32)


def _weights(style: Style) -> Array:
    return np.array([style.emotion.get(name, 0.0) for name in EMOTIONS], np.float32)
