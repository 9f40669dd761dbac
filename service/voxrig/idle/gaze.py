"""Where the eyes look: at a partner straight ahead, away, and where they are told to.

How long the look stays on the partner and away from it, talking and listening, how far and in which
direction it leaves: Lee, Badler and Badler, "Eyes Alive", 2002. How long a saccade takes: 21 ms and 2.2 ms
a degree (Carpenter, "Movements of the Eyes", 1988; Bahill, Clark and Stark, "The main sequence", 1975).
The head takes part in large shifts (Stahl, "Amplitude of human head movements associated with horizontal
saccades", 1999), and the eyes turn against it, so that the look stays where it is. Shifts about the
partner's face and small saccades of fixation keep a look alive (Martinez-Conde et al. 2004).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .motion import Clock, Path, Values, skewed
from .speech import Cue

DEGREE = math.pi / 180
_STAY = {Cue.SPEAKS: (3.13, 0.93), Cue.LISTENS: (7.92, 0.43)}
"""Mean seconds of a look at the partner and of one away."""
_SPREAD = 0.6
_ROUND = np.array([15.54, 6.46, 17.69, 7.44, 16.80, 7.89, 20.38, 7.79])
"""Per cent of saccades in each direction, from the right by eighths of a turn over up."""
_WIDEST = np.array([12.0, 6.0]) * DEGREE
"""The ellipse that the look keeps to by itself, yaw and pitch."""
_FACE = np.array([[-1.4, -0.6], [1.4, -0.6], [0.0, 1.8]]) * DEGREE
"""The partner's eyes and mouth."""
_FACE_CHANCE = (0.4, 0.8)
"""Cumulative: one eye, the other; else the mouth."""
_SHIFT, _SMALL = 1.0, 0.8
"""Mean seconds between shifts about one place, and between the small saccades of fixation."""
_REST = 0.15
"""Seconds between two saccades, at least."""
_REACH = 0.25 * DEGREE
"""How far from its point a small saccade ends, at most."""
_BLINK_FROM, _BLINK_SURE = 5 * DEGREE, 35 * DEGREE
"""Shifts up to the first come without a blink, from the second on always with one."""
_SHARE = 0.12
"""Part of its own looks away that the head follows."""
_EYES_ALONE = np.array([10.0, 8.0]) * DEGREE
_HEAD_REST = np.array([0.72, 0.65])
"""The head makes this part of what a commanded look goes beyond what the eyes do alone."""
FARTHEST = np.array([1.5, 1.1])
"""Radians of yaw and pitch that eyes and head reach together."""


@dataclass(frozen=True, eq=False)
class Look:
    """Where a block of frames looks. Radians, signs of the head: + to the subject's right, + down."""

    idle: Values  # (t, 2) of its own accord, beside what the frames do
    told: Values  # (t, 2) commanded, in place of what the frames do
    held: Values  # (t,) 0 idle .. 1 commanded
    turn: Values  # (t, 2) what the head takes on
    wishes: list[float]  # seconds at which it wants to blink


class Gaze:
    """The look of one face. ``amount`` 0..1 is how far it goes of its own accord."""

    def __init__(self, amount: float, random: np.random.Generator, small: np.random.Generator) -> None:
        self._amount, self._random, self._small_random = amount, random, small
        self._idle, self._small, self._told, self._turn = Path(2), Path(2), Path(3), Path(2)
        self._mode, self._away = Cue.LISTENS, False
        self._stay, self._shift, self._fix = Clock(0.0), Clock(1 / _SHIFT), Clock(1 / _SMALL)
        self._fix.wind(0.0, skewed(small, _SPREAD))
        self._rested = 0.0  # seconds: before, only a look that comes or goes moves the eyes
        self._wishes: list[float] = []
        self._commanded = False
        self._settle(0.0)

    def look(self, time: float, target: Values | None) -> None:
        """From a time on look at a target (yaw, pitch), or with None where it likes."""
        self._advance(time)
        self._commanded, self._away = target is not None, False
        told = np.zeros(3) if target is None else np.append(target, 1.0)
        far = float(np.hypot(*(told[:2] - self._told.goal[:2] - self._idle.goal)))
        self._told.go(time, _duration(far), told)
        self._idle.go(time, _duration(far), np.zeros(2))
        follow = np.copysign(np.maximum(np.abs(told[:2]) - _EYES_ALONE, 0.0) * _HEAD_REST, told[:2])
        self._follow(time, follow)
        self._wish(time, far)
        self._settle(time)

    def __call__(self, times: Values, cues: Iterable[tuple[float, Cue]]) -> Look:
        for time, cue in cues:
            self._advance(time)
            if cue in _STAY:
                self._mode = cue
                self._stay.turn(time, 1 / _STAY[cue][self._away])
        self._advance(float(times[-1]))
        told, wishes = self._told(times), self._wishes
        self._wishes = []
        idle = self._idle(times) + self._small(times)
        return Look(idle, told[:, :2], told[:, 2], self._turn(times), wishes)

    def _advance(self, until: float) -> None:
        """Begin the saccades that are due."""
        while self._amount and (due := min(self._stay.due, self._shift.due, self._fix.due)) <= until:
            crowded = due < self._rested or self._stay.due < due + _REST
            if due == self._stay.due:
                self._away = not self._away
                self._saccade(due, self._aside() if self._away else self._face())
                self._settle(due)
            elif due == self._shift.due:
                near = self._idle.goal / self._amount + self._random.normal(0.0, 1.0, 2) * DEGREE
                goal = near if self._away else self._face()
                if not crowded:
                    self._saccade(due, goal)
                self._shift.wind(due, skewed(self._random, _SPREAD))
            else:
                way = self._amount * self._small_random.uniform(-_REACH, _REACH, 2)
                if not crowded and self._shift.due > due + _REST:
                    self._small.go(due, _duration(_REACH), way)
                self._fix.wind(due, skewed(self._small_random, _SPREAD))

    def _settle(self, time: float) -> None:
        """Stay with the partner or away, for a time that depends on who speaks; or for good if told to."""
        forever = math.inf if self._commanded else 1.0
        self._stay.turn(time, 1 / _STAY[self._mode][self._away])
        self._stay.wind(time, forever * skewed(self._random, _SPREAD))
        self._shift.wind(time, forever * skewed(self._random, _SPREAD))

    def _saccade(self, time: float, goal: Values) -> None:
        goal = self._amount * goal / max(1.0, float(np.hypot(*(goal / _WIDEST))))
        far = float(np.hypot(*(goal - self._idle.goal)))
        self._idle.go(time, _duration(far), goal)
        self._rested = time + _REST
        self._follow(time, _SHARE * goal if self._away else np.zeros(2))
        self._wish(time, far)

    def _follow(self, time: float, turn: Values) -> None:
        far = float(np.hypot(*(turn - self._turn.goal)))
        if far > 0:
            self._turn.go(time, 0.35 + 0.4 * far, turn)

    def _wish(self, time: float, far: float) -> None:
        if self._random.random() < (far - _BLINK_FROM) / (_BLINK_SURE - _BLINK_FROM):
            self._wishes.append(time)

    def _face(self) -> Values:
        """A place on the partner's face."""
        part = int(np.searchsorted(_FACE_CHANCE, self._random.random()))
        return np.asarray(_FACE[part] + self._random.normal(0.0, 0.3, 2) * DEGREE)

    def _aside(self) -> Values:
        """A place away from the partner: 4° and more from it."""
        eighth = self._random.choice(8, p=_ROUND / _ROUND.sum()) + self._random.uniform(-0.3, 0.3)
        far = -6.9 * math.log(self._random.uniform(0.5, 8.8) / 15.7) * DEGREE
        return far * np.array([math.cos(eighth * math.pi / 4), -math.sin(eighth * math.pi / 4)])


def _duration(far: float) -> float:
    """Seconds of a saccade over so many radians."""
    return 0.021 + 0.0022 * far / DEGREE
