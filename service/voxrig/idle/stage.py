"""Life as a stage: reads the curves of speech, adds to those of eyes, brows, nose and head."""

from __future__ import annotations

from fractions import Fraction
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from voxrig.rigs import NATIVE
from voxrig.rigs.native import EYE_PITCH, EYE_YAW, HEAD_CURVES, both
from voxrig.types import Array, Frames

from .blinks import Blinks
from .gaze import DEGREE, FARTHEST, Gaze, Look
from .head import Breath, Brows, Head
from .life import OFF, Life, check
from .motion import Values, within
from .speech import Speech

_EYE = np.array([EYE_YAW, EYE_PITCH])
_EYE_IDLE = np.array([12.0, 6.0]) * DEGREE
"""How far the eyes turn in the head if they are not told to."""
_BLINK_DOWN = 1.5 * DEGREE
"""The eyes dip in a blink (Collewijn, van der Steen and Steinman 1985)."""
_BREATH_UP, _NOSTRIL = 0.3 * DEGREE, 0.02
_BLOCK = 256
"""Frames at a time: each meets only what moves then."""


def _columns(*patterns: str) -> NDArray[np.intp]:
    return np.array([NATIVE.index(name) for pattern in patterns for name in both(pattern)])


_LIDS = _columns("eyeBlink*", "eyeSquint*", "cheekSquint*")
_LID_PARTS = np.array([1.0, 1.0, 0.12, 0.12, 0.05, 0.05])
"""What a blink takes along."""
_BROWS = _columns("browOuterUp*", "browDown*", "browInnerUp")
_NOSE = _columns("noseSneer*")
_HEAD = _columns(*HEAD_CURVES)
# Yaw and pitch of either eye are signed numbers, a curve each way: + to the subject's right, + down.
_MORE = _columns("eyeLookInLeft", "eyeLookDownLeft", "eyeLookOutRight", "eyeLookDownRight")
_LESS = _columns("eyeLookOutLeft", "eyeLookUpLeft", "eyeLookInRight", "eyeLookUpRight")


class Idle:
    """A stage on the native rig that blinks, looks about, moves the head and the brows, and breathes.

    It hears from the frames when the face speaks, and leaves the curves of speech (jaw, mouth, tongue and
    phones) alone. It looks at no later frame. A seed gives the same motion every time, however frames are
    cut, and at any rate nearly the same. It takes one stream, from its first frame on.
    """

    delay = 0

    def __init__(self, life: Life, fps: Fraction, seed: int = 0) -> None:
        self.life, self.fps = check(life), fps
        random = np.random.default_rng(seed).spawn(9)
        self._speech = Speech(fps)
        self._blinks = Blinks(life.blink, random[0], random[1])
        self._gaze = Gaze(life.gaze, random[2], random[3])
        self._head, self._brows = Head(random[4], random[5]), Brows(random[6], random[7])
        self._breath = Breath(random[8])
        self._next = 0  # frame
        self._told = False
        self._plans: list[tuple[int, Values | None]] = []  # from which frame, where to

    def look(self, yaw: float | None, pitch: float = 0.0) -> None:
        """Look at a target from the next frame on, or with None where it likes again.

        Radians from straight ahead of the body, + to the subject's right and + down, as the head turns. The
        eyes go there at once, and the head follows by its amount in Life where the target is far aside; both
        go as far as they reach. The eyes then make up for whatever the head does.
        """
        self.plan(self._next, yaw, pitch)

    def plan(self, frame: int, yaw: float | None, pitch: float = 0.0) -> None:
        """As ``look``, from a frame on; one that is gone counts as the next."""
        target = None if yaw is None else np.clip([yaw, pitch], -FARTHEST, FARTHEST)
        if target is not None and not np.isfinite(target).all():
            raise ValueError(f"cannot look at yaw {yaw}, pitch {pitch}")
        self._plans.append((max(frame, self._next), target))
        self._plans.sort(key=itemgetter(0))

    def __call__(self, frames: Frames, last: bool = False) -> Frames:
        if frames.rig.name != NATIVE.name or frames.fps != self.fps:
            raise ValueError(f"Idle works on native at {self.fps}, not {frames.rig.name} at {frames.fps}")
        if frames.start != self._next:
            raise ValueError(f"frame {frames.start} does not follow; next is {self._next}")
        self._next += len(frames)
        if not len(frames) or (self.life == OFF and not self._told and not self._plans):
            return frames
        values, times, at = frames.values.copy(), frames.times, 0
        while at < len(times):
            while self._plans and self._plans[0][0] <= frames.start + at:
                target = self._plans.pop(0)[1]
                self._told = self._told or target is not None
                self._gaze.look(float(Fraction(frames.start + at - 1) / self.fps), target)
            until = self._plans[0][0] - frames.start if self._plans else len(times)
            until = min(until, at + _BLOCK, len(times))
            self._enliven(values[at:until], times[at:until])
            at = until
        return Frames(frames.rig, values, frames.fps, frames.start)

    def _enliven(self, values: Array, times: Values) -> None:
        """Write the motion of a few frames into values."""
        life = self.life
        heard = self._speech(values, times)
        look = self._gaze(times, heard.cues)
        lid = self._blinks(times, heard.cues, look.wishes) if life.blink else np.zeros(len(times))
        if life.blink:
            values[:, _LIDS] = np.maximum(values[:, _LIDS], lid[:, None] * _LID_PARTS)
        own = np.zeros((len(times), 3))
        if life.head:
            own = life.head * self._head(times, heard, look.turn)
        if life.breath:
            full = life.breath * self._breath(times)
            own[:, 1] -= _BREATH_UP * full
            _add(values, _NOSE, _NOSTRIL * full[:, None])
        if life.head:
            _add(values, _HEAD, own)
        elif life.breath:
            _add(values, _HEAD[1:2], own[:, 1:2])
        if life.gaze or self._told:
            self._turn_eyes(values, look, own, lid)
        if life.brows:
            up = life.brows * self._brows(times, heard)
            rises = np.maximum(np.concatenate([up[:, :2], -up[:, :2], up[:, 2:]], 1), 0.0)
            _add(values, _BROWS, rises)

    def _turn_eyes(self, values: Array, look: Look, own: Values, lid: Values) -> None:
        """``own`` (t, 3) is what of the head's turn is ours, ``lid`` (t,) how far the lids are closed."""
        held = look.held[:, None]
        idle = self.life.gaze * (1.0 - held)
        free = look.idle - idle * own[:, :2]
        free[:, 1] += idle[:, 0] * _BLINK_DOWN * lid
        turn = (within(free, _EYE_IDLE) + look.told - held * values[:, _HEAD[:2]]) / _EYE
        signed = (1.0 - held) * (values[:, _MORE] - values[:, _LESS]) + np.concatenate([turn, turn], 1)
        values[:, _MORE] = np.minimum(np.maximum(signed, 0.0), 1.0)
        values[:, _LESS] = np.minimum(np.maximum(-signed, 0.0), 1.0)


def _add(values: Array, columns: NDArray[np.intp], by: Values) -> None:
    low, high = NATIVE.low[columns], NATIVE.high[columns]
    values[:, columns] = np.minimum(np.maximum(values[:, columns] + by, low), high)
