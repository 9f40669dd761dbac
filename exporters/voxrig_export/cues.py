"""Which of a few mouths is shown when: stretches of frames with one choice each, none too short to see.

Of all ways to cut the take into stretches of at least the shortest length, the one is taken whose choices
have the most evidence in sum, where each cut costs as much as _CUT seconds of full evidence. It is found
exactly, by dynamic programming over the frames.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from voxrig.rigs.native import PHONE_CURVES
from voxrig.types import Array, Rig

SHORTEST = 0.06
"""Seconds that a mouth is shown at least: the lips of an m or b are closed for about as long."""

_CUT = 0.01  # s


@dataclass(frozen=True)
class Cue:
    """One choice and the frames that it is shown."""

    choice: int
    """Column of the evidence."""
    start: int
    end: int
    """The frame after the last; the next cue starts there."""


def cues(evidence: NDArray[np.float64], fps: Fraction, shortest: float = SHORTEST) -> list[Cue]:
    """Cut (t, k) evidence, 0..1, into cues that tile the frames; what is shorter than ``shortest`` is one."""
    count = len(evidence)
    if not count:
        return []
    least = min(count, max(1, math.ceil(shortest * fps)))
    cost = _CUT * float(fps)
    sums = np.concatenate([np.zeros((1, evidence.shape[1])), np.cumsum(evidence, axis=0)])
    best = np.full((count + 1, evidence.shape[1]), -np.inf)  # of the frames before i, if this choice is shown
    begun = np.zeros(best.shape, bool)  # whether that choice has then lasted just ``least`` frames
    for i in range(least, count + 1):
        before = best[i - least].max() - cost if i > least else 0.0
        begin = before + sums[i] - sums[i - least]
        stay = best[i - 1] + evidence[i - 1]
        begun[i] = begin > stay
        best[i] = np.maximum(begin, stay)
    return _trace(best, begun, least)


def _trace(best: NDArray[np.float64], begun: NDArray[np.bool_], least: int) -> list[Cue]:
    found: list[Cue] = []
    end = len(best) - 1
    while end:
        choice, at = int(best[end].argmax()), end
        while not begun[at, choice]:
            at -= 1
        start = at - least
        if found and found[-1].choice == choice:
            found[-1] = Cue(choice, start, found[-1].end)
        else:
            found.append(Cue(choice, start, end))
        end = start
    return found[::-1]


def phone_evidence(values: Array, rig: Rig, groups: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """(t, 1 + g) from frames on the native rig, by how sure the model is: silence, then groups of phones."""
    columns = {curve: rig.index(curve) for curve in PHONE_CURVES}
    said = [values[:, [columns[f"phone_{p}"] for p in group]].sum(axis=1, dtype=float) for group in groups]
    told = np.stack(said, axis=1)
    silence = np.maximum(0.0, 1.0 - values[:, list(columns.values())].sum(axis=1, dtype=float))
    return np.concatenate([silence[:, None], told], axis=1)
