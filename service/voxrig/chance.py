"""Chance: what makes one face feel a thing otherwise than another does.

A few signals that wander within half a second, unit size and independent. An expression model mixes them
into each emotion in its own way, so that what chance moves goes together as the rest of the face does.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np

from .types import Array

CHANNELS = tuple(f"chance_{i}" for i in range(1, 9))
"""Style inputs of a model that leaves room for chance."""

_LOOP = 1 << 15  # frames until it begins anew: five minutes at 100 a second
_SLOW = 0.22  # s, of each of two exponential means of white noise
_MOST = 2.5


class Chance:
    """One face's, at the model's frame rate. A seed gives the same every time."""

    def __init__(self, seed: int, fps: Fraction) -> None:
        self._loop = wandering(fps)
        self._first = int(np.random.default_rng(seed).integers(_LOOP))

    def take(self, start: int, count: int) -> Array:
        """Frames ``start`` and on, (count, 8); not to be written to."""
        at = (start + self._first) % _LOOP
        if at + count <= _LOOP:
            return self._loop[at : at + count]
        return self._loop[np.arange(at, at + count) % _LOOP]


@cache
def wandering(fps: Fraction) -> Array:
    """(32768, 8), made once, in a tenth of a second. It is made of whole waves, so its end goes over into its
    beginning."""
    keep = np.exp(-1 / (_SLOW * float(fps)))
    turn = np.exp(-2j * np.pi * np.arange(_LOOP // 2 + 1) / _LOOP)[:, None]
    rng = np.random.default_rng(1)
    waves = rng.normal(size=(2, *turn.shape[:1], len(CHANNELS)))
    wandering = np.fft.irfft((waves[0] + 1j * waves[1]) / (1 - keep * turn) ** 2, _LOOP, axis=0)
    wandering -= wandering.mean(0)
    return np.asarray(np.clip(wandering / wandering.std(0), -_MOST, _MOST), np.float32)
