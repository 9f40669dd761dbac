"""Frames at one rate to frames at another, by straight lines between neighbours.

A value depends on its time alone, so that takes at 24, 30 and 60 fps agree wherever their frames
coincide. A frame is final once the source frame after it is known.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from .types import Array


class Retime:
    """A stream of (t, c) values at ``fps_in``, handed back at ``fps_out``, from index 0 on."""

    def __init__(self, fps_in: Fraction, fps_out: Fraction, curves: int) -> None:
        self._step = fps_in / fps_out  # source frames an output frame
        self._kept = np.zeros((0, curves), np.float32)
        self._first = 0  # source index of _kept[0]
        self._next = 0  # output index

    def needs(self, count: int) -> int:
        """Source frames that the first ``count`` output frames rest on."""
        if count == 0:
            return 0
        return _ceil((count - 1) * self._step) + 1

    def push(self, values: Array) -> Array:
        """The next (t, c) source values → (u, c) output values that are now final."""
        self._kept = np.concatenate([self._kept, values])
        have = self._first + len(self._kept)
        if have == 0:
            return self._kept
        # The last output whose upper neighbour, ceil(k * step), is at most have - 1.
        end = int((have - 1) / self._step) + 1
        k = np.arange(self._next, max(end, self._next), dtype=np.int64)
        a, b = self._step.numerator, self._step.denominator
        low, part = k * a // b, ((k * a % b) / b).astype(np.float32)[:, None]
        low -= self._first
        high = np.minimum(low + 1, len(self._kept) - 1)
        out = self._kept[low] * (1 - part) + self._kept[high] * part
        self._next += len(k)
        drop = min(int(self._next * self._step) - self._first, len(self._kept))
        self._kept, self._first = self._kept[drop:], self._first + drop
        return np.asarray(out, np.float32)


def _ceil(x: Fraction) -> int:
    return -(-x.numerator // x.denominator)
