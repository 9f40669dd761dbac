"""From one rig to another: a map is a value, made once and applied to any frames of its source rig."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from voxrig.errors import RigError
from voxrig.rigs import table
from voxrig.types import Array, Frames, Rig

_BLOCK = 512
"""Frames mapped together, few enough that they stay in the processor's cache."""

Rule = Callable[[Array], Array]
"""(t, c_in) float32 to (t, c_out) float32, each frame by itself."""


@dataclass(frozen=True, eq=False)
class RigMap:
    """Frames of ``source`` to frames of ``target``, frame by frame, within the target's ranges.

    Stateless: frames map alike alone or together, and neither rate nor start changes. With no rule
    it copies, as from a rig to itself.
    """

    source: Rig
    target: Rig
    rules: tuple[Rule, ...] = ()

    def __call__(self, frames: Frames) -> Frames:
        """Raises ValueError if the frames are on another rig than ``source``."""
        if frames.rig.curves != self.source.curves:
            raise ValueError(f"a map from {self.source.name} was given frames on {frames.rig.name}")
        out = np.empty((len(frames), len(self.target)), np.float32)
        for begin in range(0, len(frames), _BLOCK):
            values = frames.values[begin : begin + _BLOCK]
            for rule in self.rules:
                values = rule(values)
            np.clip(values, self.target.low, self.target.high, out=out[begin : begin + _BLOCK])
        return Frames(self.target, out, frames.fps, frames.start)


def map_to(source: Rig, target: Rig) -> RigMap:
    """The map from ``source`` to ``target``: straight if the table has one, else by way of native.

    Raises RigError for a rig that is not in the table and for a pair with no map.
    """
    for rig in (source, target):
        if table.get(rig.name).curves != rig.curves:
            raise RigError(f"the curves of rig '{rig.name}' differ from those that voxrig knows by that name")
    if source.name == target.name:
        return RigMap(source, target)
    straight = table.rules(source.name)
    if target.name in straight:
        return RigMap(source, target, (straight[target.name](),))
    native = table.get("native")
    onward = table.rules(native.name)
    if native.name in straight and target.name in onward:
        return RigMap(source, target, (straight[native.name](), onward[target.name]()))
    reach = sorted({*straight, *(onward if native.name in straight else ())} - {source.name})
    raise RigError(f"no map from {source.name} to {target.name}; have {', '.join(reach) or 'none'}")
