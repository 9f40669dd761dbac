"""What the parts are made of: moves, pulses and drift over time, and a clock whose pace changes.

All are functions of continuous time in seconds, so a frame rate only says where they are read. A value at
a time is the same however the times are cut into calls, to the bit; calls must not go back in time.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_FOREVER = math.inf


def ease(x: Values) -> Values:
    """From 0 to 1 with the least jerk, as eyes and heads go (Flash and Hogan 1985); still outside of 0..1.

    It is fastest in the middle, at 1.875 of its mean speed.
    """
    x = np.minimum(np.maximum(x, 0.0), 1.0)
    return x * x * x * (10.0 + x * (6.0 * x - 15.0))


def within(values: Values, reach: Values) -> Values:
    """Values (t, k) that bend before a reach (k,) and never pass it; they are unchanged up to 0.7 of it."""
    size, free = np.abs(values), 0.7 * reach
    over = np.maximum(size - free, 0.0)
    return np.copysign(np.minimum(size, free) + over / (1.0 + over / (reach - free)), values)


class Path:
    """A point of k numbers that goes from place to place; a move may begin before another has ended."""

    def __init__(self, size: int) -> None:
        self.goal = np.zeros(size)
        self._base = np.zeros(size)
        self._moves: list[tuple[float, float, Values]] = []

    def go(self, start: float, duration: float, goal: Values) -> None:
        self._moves.append((start, duration, goal - self.goal))
        self.goal = goal

    def __call__(self, times: Values) -> Values:
        """Where it is, (t, k)."""
        out = np.repeat(self._base[None], len(times), 0)
        for start, duration, by in self._moves:
            out += ease((times - start) / duration)[:, None] * by
        while self._moves and self._moves[0][0] + self._moves[0][1] <= times[-1]:
            self._base = self._base + self._moves.pop(0)[2]
        return out


class Pulses:
    """Rises that come back: zero, up to a height, zero again. ``early`` < 0.5 rises faster than it falls."""

    def __init__(self, early: float = 0.5) -> None:
        self._early = early
        self._pulses: list[tuple[float, float, float]] = []

    def add(self, start: float, duration: float, height: float) -> None:
        self._pulses.append((start, duration, height))

    def __call__(self, times: Values) -> Values:
        """Their sum, (t,)."""
        out = np.zeros(len(times))
        for start, duration, height in self._pulses:
            x = (times - start) / duration
            rise, fall = x / self._early, (1.0 - x) / (1.0 - self._early)
            out += height * ease(np.minimum(rise, fall))
        self._pulses = [p for p in self._pulses if p[0] + p[1] > times[-1]]
        return out


class Drift:
    """k numbers in -1..1 that wander for ever: cubic B-splines through random knots, ``rate`` a second.

    Hardly anything in them is faster than rate / 2 Hz; their rms is 0.4.
    """

    def __init__(self, rate: float, size: int, random: np.random.Generator) -> None:
        self._rate, self._random = rate, random
        self._first = 0  # index of the first knot kept
        self._knots = np.empty((0, size))

    def __call__(self, times: Values) -> Values:
        """Where they are, (t, k)."""
        at = times * self._rate
        index = np.floor(at).astype(np.int64)
        x = (at - index)[:, None]
        lacking = int(index[-1]) + 4 - self._first - len(self._knots)
        if lacking > 0:
            new = self._random.uniform(-1.0, 1.0, (lacking, self._knots.shape[1]))
            self._knots = np.concatenate([self._knots, new])
        k, knots, rest = index - self._first, self._knots, 1.0 - x
        out = rest * rest * rest * knots[k] + (4.0 + x * x * (3.0 * x - 6.0)) * knots[k + 1]
        out += (4.0 + rest * rest * (3.0 * rest - 6.0)) * knots[k + 2] + x * x * x * knots[k + 3]
        self._knots, self._first = knots[k[-1] :], int(index[-1])
        return out / 6.0


class Clock:
    """Tells when so much of something has passed, where it passes at a pace that changes."""

    def __init__(self, pace: float) -> None:
        self._since, self._left, self._pace = 0.0, _FOREVER, pace

    @property
    def due(self) -> float:
        """Seconds since the stream began; infinite if it never comes."""
        return self._since + self._left / self._pace if self._pace else _FOREVER

    def wind(self, start: float, amount: float) -> None:
        """Count an amount from a time on, which may lie ahead."""
        self._since, self._left = start, amount

    def turn(self, time: float, pace: float) -> None:
        """Go at another pace, an amount a second, from a time on."""
        if time > self._since:
            self._left = max(0.0, self._left - (time - self._since) * self._pace)
            self._since = time
        self._pace = pace


def skewed(random: np.random.Generator, spread: float) -> float:
    """A log-normal number of mean 1, as intervals of behaviour are; ``spread``: sigma of its logarithm."""
    return math.exp(spread * random.standard_normal() - spread * spread / 2)
