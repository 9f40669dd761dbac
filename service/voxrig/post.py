"""Stages between a model's curves and a rig's: map, gain, offset, return to rest, clamp.

Each is a Stage: it takes the next frames and returns those that are final; ``delay`` is the number
of frames that it holds back. Results do not depend on how frames are cut.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from .errors import RigError, unknown
from .rigs import RigMap
from .types import Array, Frames, Rig, Stage


class Chain:
    """Stages one after the other, as one."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages = tuple(stages)

    @property
    def delay(self) -> int:
        return sum(s.delay for s in self._stages)

    def __call__(self, frames: Frames, last: bool = False) -> Frames:
        for stage in self._stages:
            frames = stage(frames, last)
        return frames


class Adjust:
    """values * gain + offset, by curve, within the rig's range. Raises RigError on an unknown curve."""

    delay = 0

    def __init__(self, rig: Rig, gain: Mapping[str, float], offset: Mapping[str, float]) -> None:
        self._rig = rig
        self._gain, self._offset = _by_curve(rig, gain, 1.0), _by_curve(rig, offset, 0.0)

    def __call__(self, frames: Frames, last: bool = False) -> Frames:
        values = frames.values * self._gain + self._offset
        return _with(frames, np.clip(values, self._rig.low, self._rig.high))


class Retarget:
    """A rig map as a stage."""

    delay = 0

    def __init__(self, to: RigMap) -> None:
        self._to = to

    def __call__(self, frames: Frames, last: bool = False) -> Frames:
        return self._to(frames)


class Clamp:
    """Keeps every curve within the rig's range."""

    delay = 0

    def __call__(self, frames: Frames, last: bool = False) -> Frames:
        return _with(frames, np.clip(frames.values, frames.rig.low, frames.rig.high))


class Rest:
    """Eases the last ``seconds`` of a stream back to the rig's rest, so that no mouth is left open."""

    def __init__(self, seconds: float, fps: Fraction) -> None:
        self.delay = math.ceil(seconds * fps)
        self._kept: Array | None = None

    def __call__(self, frames: Frames, last: bool = False) -> Frames:
        values = frames.values if self._kept is None else np.concatenate([self._kept, frames.values])
        start = frames.start + len(frames) - len(values)
        if not last:
            count = max(0, len(values) - self.delay)
            self._kept = values[count:]
            return Frames(frames.rig, values[:count], frames.fps, start)
        fade = min(self.delay, len(values))
        ease = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fade + 1) / max(fade, 1))
        kept, fading = np.split(values, [len(values) - fade])
        faded = frames.rig.rest + (fading - frames.rig.rest) * ease[:, None]
        return _with(frames, np.concatenate([kept, faded]), start)


def _by_curve(rig: Rig, numbers: Mapping[str, float], default: float) -> Array:
    out = np.full(len(rig), default, np.float32)
    for name, number in numbers.items():
        if name == "all":
            out[:] = number
        elif name not in rig.curves:
            raise RigError(unknown(f"{rig.name} curve", name, ("all", *rig.curves)))
    for name, number in numbers.items():
        if name != "all":
            out[rig.index(name)] = number
    return out


def _with(frames: Frames, values: np.ndarray, start: int | None = None) -> Frames:
    first = frames.start if start is None else start
    return Frames(frames.rig, np.asarray(values, np.float32), frames.fps, first)
