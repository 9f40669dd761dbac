"""What head, brows and breath do by themselves.

A speaker's head is hardly ever still and moves more than a listener's; it nods with stress (Hadar et al.,
"Head movement correlates of juncture and stress at sentence level", 1983), and listeners nod slowly and now
and then (Hadar, Steiner and Rose, "Head movement during listening turns in conversation", 1985). Brows
rise with accents, on some of them (Flecha-García, "Eyebrow raises in dialogue", 2010). Breath comes about
17 ± 3 times a minute, four tenths of it drawing in (Tobin et al., "Breathing patterns", 1983); we take the
slow side. The sizes are chosen by us.
"""

from __future__ import annotations

import numpy as np

from .gaze import DEGREE
from .motion import Clock, Drift, Pulses, Values, skewed, within
from .speech import Cue, Heard

WIDEST = np.array([4.5, 3.2, 3.0]) * DEGREE
"""Yaw, pitch and roll that the head keeps to; nods, breath and turns that follow the eyes come on top."""
_SILENT = 0.4
"""How much of its motion a silent head keeps."""
_SLOW, _FAST = 0.55, 1.9
"""Knots a second of its posture and of its motion: nothing is faster than about 1 Hz."""
_STRESS_NOD, _STRESS_BROW = 0.55, 0.3
"""How many stressed syllables come with them."""
_NOD_EVERY = 9.0
"""Mean seconds between the nods of a listener."""
_BREATH = 60 / 14
"""Mean seconds of a breath."""


class Head:
    """The turns of one head."""

    def __init__(self, random: np.random.Generator, wander: np.random.Generator) -> None:
        self._random = random
        self._posture, self._motion = Drift(_SLOW, 3, wander), Drift(_FAST, 3, wander.spawn(1)[0])
        self._nods = Pulses(early=0.42)
        self._clock = Clock(1 / _NOD_EVERY)
        self._clock.wind(0.0, skewed(random, 0.5))

    def __call__(self, times: Values, heard: Heard, turn: Values) -> Values:
        """Yaw, pitch and roll (t, 3) in radians; ``turn`` (t, 2) is what it does to follow the eyes."""
        for time, cue in heard.cues:
            self._advance(time)
            if cue is Cue.STRESSES:
                chance, size, length = self._random.random(3).tolist()
                if chance < _STRESS_NOD:
                    self._nods.add(time, 0.3 + 0.15 * length, (1 + 2 * size) * DEGREE)
            elif cue is not Cue.PAUSES:
                self._clock.turn(time, 1 / _NOD_EVERY if cue is Cue.LISTENS else 0.0)
        self._advance(float(times[-1]))
        wander = (0.8 * self._posture(times) + self._motion(times)) * WIDEST
        out = wander * (_SILENT + (1 - _SILENT) * heard.lively)[:, None]
        out = within(out, WIDEST)
        out[:, :2] += turn
        out[:, 1] += self._nods(times)
        return out

    def _advance(self, until: float) -> None:
        """Begin the nods of a listener that are due."""
        while (due := self._clock.due) <= until:
            size, length, again = self._random.random(3).tolist()
            height, lasts = (3 + 3 * size) * DEGREE, 0.5 + 0.3 * length
            self._nods.add(due, lasts, height)
            if again < 0.3:
                self._nods.add(due + lasts, lasts, height / 2)
            self._clock.wind(due + 2 * lasts, skewed(self._random, 0.5))


class Brows:
    """The brows of one face."""

    def __init__(self, random: np.random.Generator, wander: np.random.Generator) -> None:
        self._random, self._drift, self._raises = random, Drift(0.5, 3, wander), Pulses(early=0.35)

    def __call__(self, times: Values, heard: Heard) -> Values:
        """How far they are up, -0.03 .. 0.25: left, right and between, (t, 3)."""
        for time, cue in heard.cues:
            if cue is Cue.STRESSES:
                chance, size, length = self._random.random(3).tolist()
                if chance < _STRESS_BROW:
                    self._raises.add(time, 0.4 + 0.4 * length, 0.07 + 0.11 * size)
        raised = np.minimum(self._raises(times), 0.18)[:, None]
        own = self._drift(times)
        return np.asarray(raised + np.where(own > 0, 0.07, 0.03) * own)


class Breath:
    """The breath of one body."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random, self._breaths, self._next = random, Pulses(early=0.4), 0.0

    def __call__(self, times: Values) -> Values:
        """How full it is, (t,) 0 .. about 1."""
        while self._next <= times[-1]:
            lasts = _BREATH * skewed(self._random, 0.12)
            self._breaths.add(self._next, lasts, self._random.uniform(0.75, 1.0))
            self._next += lasts
        return self._breaths(times)
