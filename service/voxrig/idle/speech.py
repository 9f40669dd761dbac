"""Hears from the curves whether the face speaks, pauses or listens, and which syllables it stresses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import numpy as np

from voxrig.rigs import NATIVE
from voxrig.rigs.native import PHONE_CURVES
from voxrig.types import Array

from .motion import Values

_PHONE, _JAW = 0.15, 0.25
"""So sure a phone, or so open a jaw, is speech. The jaw of an expression opens less."""
_BRIDGE = 0.12
"""Seconds of silence that end a phrase: longer than a sound between two words is weak."""
_PHRASE = 0.5
"""Seconds of speech that make a phrase."""
_TURN = 1.5
"""Seconds of silence after which the face listens."""
_SETTLE = 0.35
"""Seconds in which liveliness follows speech, twice."""
_REMEMBER = 2.0
"""Seconds of speech that a syllable is held against."""
_SYLLABLE = 0.4
"""Seconds from one stress to the next, at least."""


class Cue(Enum):
    SPEAKS = "begins to speak after it has listened"
    LISTENS = "has been silent for so long that it is another's turn"
    PAUSES = "has ended a phrase"
    STRESSES = "opens wider than of late"


@dataclass(frozen=True, eq=False)
class Heard:
    """What a block of frames tells."""

    cues: list[tuple[float, Cue]]  # seconds since the stream began, in order
    lively: Values  # (t,) 0 silent .. 1 speaking, smooth


class Speech:
    """Hears one stream. A cue is given with the frame that shows it, never earlier.

    Stress is where the jaw opens beyond what it did in the last seconds of speech: stressed vowels are
    opened wider (de Jong, "The supraglottal articulation of prominence in English", 1995).
    """

    def __init__(self, fps: Fraction) -> None:
        first = NATIVE.index(PHONE_CURVES[0])
        self._phones = slice(first, first + len(PHONE_CURVES))
        self._open = NATIVE.index("jawOpen")
        self._settle = 1 - math.exp(-1 / (_SETTLE * fps))
        self._learn = 1 - math.exp(-1 / (_REMEMBER * fps))
        self._began = self._voiced = self._stressed = -math.inf  # seconds
        self._phrase, self._listening = False, True
        self._armed, self._mean, self._spread = True, 0.1, 0.07  # of jawOpen
        self._lively = (0.0, 0.0)

    def __call__(self, values: Array, times: Values) -> Heard:
        jaw = values[:, self._open]
        voiced = (values[:, self._phones].max(1) > _PHONE) | (jaw > _JAW)
        cues: list[tuple[float, Cue]] = []
        lively = []
        slow, fast = self._lively
        for time, sounds, opening in zip(times.tolist(), voiced.tolist(), jaw.tolist(), strict=True):
            if sounds:
                self._sound(time, opening, cues)
            elif time - self._voiced > _BRIDGE:
                self._silence(time, cues)
            fast += (self._phrase - fast) * self._settle
            slow += (fast - slow) * self._settle
            lively.append(slow)
        self._lively = (slow, fast)
        return Heard(cues, np.array(lively))

    def _sound(self, time: float, opening: float, cues: list[tuple[float, Cue]]) -> None:
        if self._listening:
            cues.append((time, Cue.SPEAKS))
            self._listening = False
        if not self._phrase:
            self._phrase, self._began = True, time
        self._voiced = time
        above = opening - self._mean
        if self._armed and above > self._spread and time - self._stressed > _SYLLABLE:
            cues.append((time, Cue.STRESSES))
            self._armed, self._stressed = False, time
        self._armed = self._armed or above < 0
        self._mean += above * self._learn
        self._spread += (max(abs(above), 0.02) - self._spread) * self._learn

    def _silence(self, time: float, cues: list[tuple[float, Cue]]) -> None:
        if self._phrase:
            self._phrase, self._armed = False, True
            if self._voiced - self._began > _PHRASE:
                cues.append((time, Cue.PAUSES))
        if not self._listening and time - self._voiced > _TURN:
            cues.append((time, Cue.LISTENS))
            self._listening = True
