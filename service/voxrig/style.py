"""Emotion on the face: names, how to write them, and the expression that each adds to speech.

The ten names are those of NVIDIA Audio2Face-3D. The expressions are built from the action units that
EMFACS lists for the emotion (Ekman and Friesen, "EMFACS-7", 1983; pain after Prkachin, "The
consistency of facial expressions of pain", 1992), with amounts chosen by us.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from .errors import StyleError, unknown
from .rigs import NATIVE
from .types import Array, Frames, Style

MAX_INTENSITY = 1.5

# Without a side: both sides. The action units are named on the right.
_EXPRESSIONS: dict[str, dict[str, float]] = {
    "amazement": {"browInnerUp": 0.8, "browOuterUp": 0.7, "eyeWide": 0.6, "jawOpen": 0.12},  # 1 2 5 26
    "anger": {
        "browDown": 0.9,
        "eyeWide": 0.25,
        "eyeSquint": 0.4,
        "mouthPress": 0.25,
        "noseSneer": 0.3,
    },  # 4 5 7 23
    "cheekiness": {
        "mouthSmileRight": 0.55,
        "mouthSmileLeft": 0.15,
        "mouthDimpleRight": 0.3,
        "eyeSquintRight": 0.35,
        "browOuterUpLeft": 0.45,
    },  # unilateral 12 14, 2
    "disgust": {
        "noseSneer": 0.8,
        "mouthUpperUp": 0.25,
        "mouthFrown": 0.3,
        "browDown": 0.4,
        "cheekSquint": 0.3,
    },
    "fear": {
        "browInnerUp": 0.8,
        "browOuterUp": 0.4,
        "browDown": 0.25,
        "eyeWide": 0.7,
        "mouthStretch": 0.3,
    },  # 1 2 4 5 20
    "grief": {
        "browInnerUp": 1.0,
        "browDown": 0.35,
        "mouthFrown": 0.6,
        "mouthShrugLower": 0.35,
        "eyeSquint": 0.4,
    },
    "joy": {"mouthSmile": 0.6, "cheekSquint": 0.6, "eyeSquint": 0.25, "mouthDimple": 0.1},  # 6 12
    "outofbreath": {
        "browInnerUp": 0.3,
        "jawOpen": 0.1,
        "mouthLowerDown": 0.1,
        "noseSneer": 0.15,
        "eyeSquint": 0.15,
    },
    "pain": {
        "browDown": 0.7,
        "cheekSquint": 0.6,
        "eyeSquint": 0.7,
        "noseSneer": 0.4,
        "mouthStretch": 0.25,
    },  # 4 6 7 9 20
    "sadness": {"browInnerUp": 0.7, "browDown": 0.15, "mouthFrown": 0.45, "eyeBlink": 0.12},  # 1 4 15
}
EMOTIONS = tuple(_EXPRESSIONS)

# Curves that part the lips: they yield while speech presses the lips together.
_PARTING = ("jawOpen", "mouthUpperUp", "mouthLowerDown", "mouthStretch", "mouthFrown", "mouthShrugLower")


def check(style: Style) -> Style:
    """The style itself. Raises StyleError on an unknown emotion or a number out of range."""
    for name, weight in style.emotion.items():
        if name not in _EXPRESSIONS:
            raise StyleError(unknown("emotion", name, EMOTIONS))
        if not 0 <= weight <= 1:
            raise StyleError(f"emotion {name} is {weight:g}; weights are 0 to 1")
    if not 0 <= style.intensity <= MAX_INTENSITY:
        raise StyleError(f"intensity is {style.intensity:g}; it is 0 to {MAX_INTENSITY:g}")
    return style


def parse(text: str, intensity: float = 1.0) -> Style:
    """A style from ``"joy=0.8,sadness=0.2"``; a bare name means 1. Raises StyleError."""
    emotion: dict[str, float] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, weight = (p.strip() for p in part.partition("="))
        try:
            emotion[name] = float(weight) if weight else 1.0
        except ValueError:
            raise StyleError(f"emotion {name} is '{weight}'; write a number from 0 to 1") from None
        if math.isnan(emotion[name]):
            raise StyleError(f"emotion {name} is '{weight}'; write a number from 0 to 1")
    return check(Style(emotion, intensity))


def vector(style: Style, names: Sequence[str]) -> Array:
    """The style inputs (k,) of a model that names them; emotions that it does not name are left out.

    Raises StyleError on an emotion that nobody knows.
    """
    style = check(style)
    return np.array([style.emotion.get(n, 0.0) * style.intensity for n in names], np.float32)


def expression(style: Style) -> Array:
    """What a style adds to every native frame, (c,)."""
    out = np.zeros(len(NATIVE), np.float32)
    for emotion, weight in check(style).emotion.items():
        for name, amount in _EXPRESSIONS[emotion].items():
            out[_columns(name)] += amount * weight * style.intensity
    return out


class Express:
    """A stage on the native rig that adds the expression of a style and lets closed lips stay closed.

    ``key`` changes the style from a frame on. Results do not depend on how frames are cut, so long as a
    key comes before its frames.
    """

    delay = 0

    def __init__(self, style: Style) -> None:
        self._from = self._to = expression(style)
        self._since, self._over = 0, 0  # frames: the change from _from to _to
        self._keys: deque[tuple[int, int, Array]] = deque()
        self._parting = np.zeros(len(NATIVE), bool)
        self._parting[[c for name in _PARTING for c in _columns(name)]] = True
        self._open, self._close = NATIVE.index("jawOpen"), NATIVE.index("mouthClose")

    def key(self, style: Style, at: int, over: int = 0) -> None:
        """From frame ``at`` on go to another style, within ``over`` frames. Raises StyleError.

        A key before the last one takes its time; one for frames that are gone begins with the next.
        """
        at = max(at, self._keys[-1][0]) if self._keys else at
        self._keys.append((at, over, expression(style)))

    def __call__(self, frames: Frames, last: bool = False) -> Frames:
        if frames.rig.name != NATIVE.name:
            raise ValueError(f"Express works on {NATIVE.name}, not {frames.rig.name}")
        values = frames.values
        add = self._adds(frames.start, len(frames))
        if not add.any():
            return frames
        closed = np.clip(values[:, self._close] / np.maximum(values[:, self._open], 0.02), 0, 1)
        yielding = np.where(self._parting, 1 - closed[:, None], 1)
        values = np.clip(values + add * yielding, NATIVE.low, NATIVE.high)
        return Frames(frames.rig, np.asarray(values, np.float32), frames.fps, frames.start)

    def _adds(self, start: int, count: int) -> Array:
        """What is added to each of the next frames, (t, c), or to all of them alike, (1, c)."""
        parts, at, end = [], start, start + count
        while at < end:
            while self._keys and self._keys[0][0] <= at:
                _, over, goal = self._keys.popleft()
                self._from, self._to = self._during(np.array([at]))[0], goal
                self._since, self._over = at, over
            until = min(end, self._keys[0][0]) if self._keys else end
            if at == start and until == end and at >= self._since + self._over:
                return self._to[None]
            parts.append(self._during(np.arange(at, until)))
            at = until
        return np.concatenate(parts) if parts else self._to[None]

    def _during(self, frames: np.ndarray) -> Array:
        part = np.clip((frames - self._since) / self._over, 0, 1) if self._over else np.ones(len(frames))
        return np.asarray(self._from + part[:, None] * (self._to - self._from), np.float32)


def _columns(name: str) -> list[int]:
    sides = (name,) if name in NATIVE.curves else (name + "Left", name + "Right")
    return [NATIVE.index(side) for side in sides]
