"""When the eyes blink, and how the lid moves.

Rate: 17 a minute at rest and 26 in conversation (Bentivoglio et al., "Analysis of blink rate patterns in
normal subjects", 1997); intervals are skewed, many short and few long ones (Garcia et al., "Spontaneous
interblink time distributions", 2011), here log-normal. Speakers blink at the ends of phrases (Nakano and
Kitazawa, "Eyeblink entrainment at breakpoints of speech", 2010), and with large shifts of gaze (Evinger et
al., "Not looking while leaping", 1994). A blink lasts about a third of a second (VanderWerf et al., "Eyelid
movements", 2003); the lid closes in about 0.1 s and opens more slowly, with a tail (Trutoiu et al.,
"Modeling and animating eye blinks", 2011). The chances and spreads are chosen by us.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import numpy as np

from .motion import Clock, Values, skewed
from .speech import Cue

_AT_REST, _SPEAKING = 17.0, 19.0
"""Blinks a minute of the clock alone; those at the ends of phrases bring speech to about 26."""
_SPREAD = 0.6
_PAUSE_CHANCE = 0.6
_PAUSE_WAIT = 0.25
"""Seconds after a pause is heard within which its blink comes."""
_APART = 0.1
"""Seconds from the end of a blink to the next, at least."""
_MEAN = 0.35
"""Seconds that a blink lasts on average."""


class Blinks:
    """The lids of one face. ``amount`` 0..1 is how often it blinks."""

    def __init__(self, amount: float, random: np.random.Generator, chance: np.random.Generator) -> None:
        self._amount, self._random = amount, random
        self._pauses, self._granted = chance.spawn(2)
        self._clock = Clock(amount * _pace(_AT_REST))
        self._clock.wind(0.0, skewed(random, _SPREAD))
        self._wishes: list[float] = []  # seconds, a heap
        self._blinks: list[tuple[float, float, float, float, float]] = []  # start, close, hold, open, depth
        self._free = 0.0  # seconds: no blink before

    def __call__(self, times: Values, cues: Iterable[tuple[float, Cue]], wishes: Iterable[float]) -> Values:
        """How far the lids are closed, (t,) 0..1. ``wishes`` are times at which gaze asks for a blink."""
        for wish in wishes:
            if self._granted.random() < self._amount:
                heapq.heappush(self._wishes, wish)
        for time, cue in cues:
            self._advance(time)
            if cue is Cue.PAUSES:
                chance, wait = self._pauses.random(2)
                if chance < self._amount * _PAUSE_CHANCE:
                    heapq.heappush(self._wishes, time + wait * _PAUSE_WAIT)
            elif cue is not Cue.STRESSES:
                self._clock.turn(time, self._amount * _pace(_SPEAKING if cue is Cue.SPEAKS else _AT_REST))
        self._advance(float(times[-1]))
        out = np.zeros(len(times))
        for blink in self._blinks:
            out = np.maximum(out, _lid(times, *blink))
        self._blinks = [b for b in self._blinks if sum(b[:4]) > times[-1]]
        return out

    def _advance(self, until: float) -> None:
        """Begin the blinks that are due."""
        while True:
            wish = self._wishes[0] if self._wishes else np.inf
            due = min(self._clock.due, wish)
            if due > until:
                return
            if wish == due:
                heapq.heappop(self._wishes)
            if due >= self._free:
                self._begin(due)

    def _begin(self, start: float) -> None:
        close, hold, depth = self._random.uniform((0.08, 0.01, 0.0), (0.12, 0.05, 1.0)).tolist()
        reopen = min(max(0.22 * skewed(self._random, 0.2), 0.17), 0.33)
        # One in seven stays short of closed.
        self._blinks.append((start, close, hold, reopen, min(1.0, 0.7 + 2.1 * depth)))
        self._free = start + close + hold + reopen + _APART
        self._clock.wind(self._free, skewed(self._random, _SPREAD))


def _pace(rate: float) -> float:
    """Intervals a second between blinks that come at a rate a minute, without the blinks themselves."""
    return 1 / (60 / rate - _MEAN - _APART)


def _lid(times: Values, start: float, close: float, hold: float, reopen: float, depth: float) -> Values:
    x = np.minimum(np.maximum((times - start) / close, 0.0), 1.0)
    y = np.minimum(np.maximum((times - start - close - hold) / reopen, 0.0), 1.0)
    y = y * (1.5 - 0.5 * y)  # the tail
    return depth * x * x * (3.0 - 2.0 * x) * (1.0 - y * y * (3.0 - 2.0 * y))
