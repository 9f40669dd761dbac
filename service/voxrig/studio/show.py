"""A take in one direction: its frames as they are made, and whole, on whatever rig."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from ..performance import Direction
from ..staging import Staging
from ..types import Array, Frames, Rig
from .packs import Packs
from .refusal import Refusal
from .take import Take

MOST = 1 << 25
"""Values of all frames of a take: 128 MB."""


@dataclass(frozen=True, eq=False)
class Whole:
    """All frames of a take, for whoever wants them on a rig of their own."""

    take: Take
    direction: Direction
    values: Array  # (t, c) on the take's own rig
    _made: dict[str, Array] = field(default_factory=dict)

    @property
    def fps(self) -> Fraction:
        return self.direction.fps

    def onto(self, rig: Rig) -> Array:
        """(t, c) on a rig, remembered. Gain and offset count for the curves that it has.

        Raises RigError where there is no map.
        """
        if rig.name not in self._made:
            chosen = elsewhere(self.direction, rig)
            fitting = self.take.aimed(chosen).fitting()
            frames = Frames(self.take.rig, self.values, self.fps)
            self._made[rig.name] = fitting(frames, last=True).values
        return self._made[rig.name]


class Show:
    """A take on its way: ``parts`` one after the other, then ``whole``. Belongs to one thread."""

    def __init__(self, take: Take, direction: Direction, packs: Packs) -> None:
        """Raises VoxrigError."""
        self.take, self.direction, self._packs = take, take.aimed(direction), packs
        self.frames = take.count(direction.fps)
        if self.frames * max(len(direction.rig), len(take.rig)) > MOST:
            most = MOST // max(len(direction.rig), len(take.rig))
            raise Refusal(413, f"{self.frames} frames of {direction.rig.name}; have at most {most}")
        self.staging: Staging = take.staged(direction)
        self._own: list[Array] = [np.zeros((0, len(take.rig)), np.float32)]

    def parts(self) -> Iterator[Frames]:
        """Frames on the direction's rig. Raises VoxrigError."""
        fitting = self.direction.fitting()
        for own in self.take.play(self.direction, self.staging, self._packs):
            self._own.append(own.values)
            made = fitting(own, last=own.start + len(own) == self.frames)
            if len(made):
                yield made

    def whole(self) -> Whole:
        """All of them, once all parts are made."""
        return Whole(self.take, self.direction, np.concatenate(self._own))


def elsewhere(direction: Direction, rig: Rig) -> Direction:
    """A direction on another rig, with what gain and offset say of its curves."""
    return replace(
        direction,
        rig=rig,
        to_rig=None,
        gain=_of(direction.gain, rig),
        offset=_of(direction.offset, rig),
    )


def _of(numbers: Mapping[str, float], rig: Rig) -> dict[str, float]:
    return {name: value for name, value in numbers.items() if name == "all" or name in rig.curves}
