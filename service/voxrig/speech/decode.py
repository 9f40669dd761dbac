"""Which phones sound when nobody tells the words: the best path through a model's own phone probabilities.

Every phone lasts at least three frames, so that one doubtful frame is no phone:

    first frame ─ second frame ─ third and all further frames ─ first frame of any other phone
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..types import Array
from .align import RATE
from .phones import PHONES, Phone, tidy

_SWITCH = 2.0  # cost of going on to another phone, in nats
_FLOOR = 1e-4  # probability below which all phones are equally wrong


def decode(probabilities: Array) -> tuple[Phone, ...]:
    """The likeliest phones of probabilities (t, 40) at 100 frames a second; they tile the clip."""
    path = _best_path(np.log(np.maximum(probabilities, _FLOOR)))
    edges = [0, *(np.flatnonzero(np.diff(path)) + 1), len(path)]
    told = [Phone(PHONES[path[a]], a / RATE, b / RATE) for a, b in pairwise(edges) if b > a]
    return tuple(tidy(told, len(path) / RATE))


def _best_path(logs: Array) -> np.ndarray:
    """Classes (t,) of the path that costs least in log probabilities (t, 40)."""
    frames = len(logs)
    if not frames:
        return np.zeros(0, np.int8)
    # Scores of each phone (40,) in its first frame, its second and its later ones.
    first, second, later = logs[0], np.full_like(logs[0], -np.inf), np.full_like(logs[0], -np.inf)
    before = np.zeros(frames, np.int8)  # the phone that gave way, if one begins here
    stayed = np.zeros(logs.shape, bool)  # whether a later frame follows another later frame
    for t in range(1, frames):
        before[t] = best = later.argmax()
        stayed[t] = later > second
        first, second, later = (
            np.full_like(first, later[best] - _SWITCH) + logs[t],
            first + logs[t],
            np.maximum(second, later) + logs[t],
        )
    last = (first, second, later)[min(frames, 3) - 1]  # a clip that is shorter ends in the middle
    phone, age = int(last.argmax()), min(frames, 3)
    path = np.zeros(frames, np.int8)
    for t in range(frames - 1, -1, -1):
        path[t] = phone
        if age == 1:
            phone, age = int(before[t]), 3
        elif age == 2 or not stayed[t, phone]:
            age -= 1
    return path
