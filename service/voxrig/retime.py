"""Frames at one rate to frames at another, by straight lines between neighbours.

A value depends on its time alone, so that takes at 24, 30 and 60 fps agree wherever their frames
coincide. A frame is final once the source frame after it is known.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np

from .types import Array

_FINEST = 10_000_000  # largest denominator of a frame rate, so that years of frames fit 64 bits
_FEW = 128  # output frames of a push whose places are remembered, which bounds memory


def frame_rate(fps: Fraction | int) -> Fraction:
    """Frames a second as an exact ratio. Raises ValueError on floats, words and what is not positive."""
    if not isinstance(fps, Fraction | int) or fps <= 0 or fps.denominator > _FINEST:
        raise ValueError(f"fps must be an int or a ratio like Fraction(30000, 1001), got {fps!r}")
    return Fraction(fps)


def frame_count(samples: int, rate: int, fps: Fraction) -> int:
    """Frames that begin within so many samples at ``rate`` Hz: exactly ceil(samples * fps / rate)."""
    return -(-samples * fps.numerator // (rate * fps.denominator))


class Retime:
    """A stream of (t, c) values at ``fps_in``, handed back at ``fps_out``, from index 0 on."""

    def __init__(self, fps_in: Fraction, fps_out: Fraction, curves: int) -> None:
        self.fps = fps_out
        step = fps_in / fps_out  # source frames an output frame, a / b
        self._a, self._b = step.numerator, step.denominator
        self._kept = np.zeros((0, curves), np.float32)
        self._first = 0  # source index of _kept[0]
        self._next = 0  # output index

    def needs(self, count: int) -> int:
        """Source frames that the first ``count`` output frames rest on."""
        return -(-(count - 1) * self._a // self._b) + 1 if count else 0

    def push(self, values: Array) -> Array:
        """The next (t, c) source values → (u, c) output values that are now final."""
        kept = np.concatenate([self._kept, values]) if len(self._kept) else values
        # The last output whose upper neighbour, ceil(k * a / b), is here.
        end = (self._first + len(kept) - 1) * self._b // self._a + 1
        if end <= self._next:
            self._kept = kept
            return kept[:0]
        whole, rest = divmod(self._next * self._a, self._b)
        count = end - self._next
        places = _few_places if count <= _FEW else _places
        low, high, part, lack = places(self._a, self._b, rest, count)
        near = kept[whole - self._first :]
        out: Array = near[low] if self._b == 1 else near[low] * lack + near[high] * part
        self._next = end
        drop = min(end * self._a // self._b - self._first, len(kept))
        self._kept, self._first = kept[drop:], self._first + drop
        return out


def _places(a: int, b: int, rest: int, count: int) -> tuple[np.ndarray, np.ndarray, Array, Array]:
    """Where outputs fall whose first is rest / b after a source frame, a / b apart: the frames below and
    above (count,), how far on the way up (count, 1), and what that lacks of 1."""
    at = rest + np.arange(count, dtype=np.int64) * a
    part = ((at % b) / b).astype(np.float32)[:, None]
    return at // b, -(-at // b), part, 1 - part


_few_places = lru_cache(1024)(_places)  # small pushes ask for the same ones over and over
