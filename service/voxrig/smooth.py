"""Calmer curves: a stage that averages each over a short window."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from .types import Array, Frames


class Smooth:
    """A symmetric Hann window ``seconds`` wide: no shift in time, at the price of half of it as delay.

    Three frames are the least that smooths; 0 seconds pass frames through. It is a Stage.
    """

    def __init__(self, seconds: float, fps: Fraction) -> None:
        if seconds < 0:
            raise ValueError(f"smoothing must not be negative, got {seconds}")
        self.delay = max(1, math.ceil(seconds / 2 * fps) - 1) if seconds else 0
        window = np.hanning(2 * self.delay + 3)[1:-1]
        self._window = (window / window.sum()).astype(np.float32)
        self._kept: Array | None = None  # the frames before, and those not yet final

    def __call__(self, frames: Frames, last: bool = False) -> Frames:
        if not self.delay:
            return frames
        values = frames.values
        if self._kept is None:
            if not len(values):
                return frames
            self._kept = np.repeat(values[:1], self.delay, 0)
        joined = np.concatenate([self._kept, values])
        if last:
            joined = np.concatenate([joined, np.repeat(joined[-1:], self.delay, 0)])
        count = max(0, len(joined) - 2 * self.delay)
        out = np.zeros((count, joined.shape[1]), np.float32)
        for i, weight in enumerate(self._window):  # the same order of sums for every cut
            out += weight * joined[i : i + count]
        start = frames.start + len(values) - (len(joined) - self.delay) + (self.delay if last else 0)
        self._kept = joined[count:]
        return Frames(frames.rig, out, frames.fps, start)
