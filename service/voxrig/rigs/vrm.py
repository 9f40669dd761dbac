"""VRM expressions, version 0 and version 1, from native curves.

Vowels come from the viseme fit, since a VRM mouth is drawn for five vowels and nothing else:
consonants that shut the lips or hide behind them give 0. A wink and a blink are told apart, because
players add them up: blink is what both eyes share, and the one-eyed expressions hold the rest.
Emotions appear only when the face is plainly past what speech does, and never sum to more than 1.
neutral stays 0: in a VRM it is a shape of its own and not the absence of the others, so a weight on it
would be added to them. Head angles are not expressions; they turn the head bone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from voxrig.rigs.curves import rig
from voxrig.rigs.linear import Linear, Row, linear
from voxrig.rigs.native import NATIVE, both
from voxrig.rigs.viseme_poses import VISEMES
from voxrig.rigs.visemes import VisemesFromNative
from voxrig.rigs.visemes import from_native as visemes_from_native
from voxrig.types import Array

_VRM1_NAMES = """
    aa ih ou ee oh blink blinkLeft blinkRight happy angry sad relaxed surprised
    lookUp lookDown lookLeft lookRight neutral
"""

VRM1 = rig("vrm1", _VRM1_NAMES.split())
"""Presets of VRMC_vrm 1.0."""

_VRM0_NAMES = {
    "aa": "A",
    "ih": "I",
    "ou": "U",
    "ee": "E",
    "oh": "O",
    "blink": "Blink",
    "blinkLeft": "Blink_L",
    "blinkRight": "Blink_R",
    "happy": "Joy",
    "angry": "Angry",
    "sad": "Sorrow",
    "relaxed": "Fun",
    "neutral": "Neutral",
    "lookUp": "LookUp",
    "lookDown": "LookDown",
    "lookLeft": "LookLeft",
    "lookRight": "LookRight",
}
"""VRM 1 preset to VRM 0 preset. VRM 0 has no counterpart of surprised."""

VRM0 = rig("vrm0", _VRM0_NAMES.values())
"""Presets of VRM 0.x, spelled as VMC senders spell them."""

_VOWELS: tuple[Row, ...] = (
    ("aa", "aa", 1.0),
    ("ih", "ih", 1.0),
    ("ou", "ou", 1.0),
    ("E", "ee", 1.0),
    ("oh", "oh", 1.0),
    ("kk", "aa", 0.2),
    ("DD", "ih", 0.2),
    ("nn", "ih", 0.2),
    ("SS", "ih", 0.3),
    ("CH", "ou", 0.4),
    ("RR", "ou", 0.4),
)
"""Viseme to vowel. PP, FF and TH have no row: the vowel shapes cannot close the mouth."""

_LOOKS: tuple[Row, ...] = (
    ("eyeLookUpLeft", "lookUp", 0.5),
    ("eyeLookUpRight", "lookUp", 0.5),
    ("eyeLookDownLeft", "lookDown", 0.5),
    ("eyeLookDownRight", "lookDown", 0.5),
    ("eyeLookOutLeft", "lookLeft", 0.5),
    ("eyeLookInRight", "lookLeft", 0.5),
    ("eyeLookInLeft", "lookRight", 0.5),
    ("eyeLookOutRight", "lookRight", 0.5),
)

_ONSET = 0.3
"""Speech alone moves smile, brows and lids by less than this; emotions are counted from here."""

_SIGNS: Mapping[str, tuple[str, ...]] = {
    "smile": ("mouthSmile*",),
    "squint": ("eyeSquint*", "cheekSquint*"),
    "frown": ("mouthFrown*",),
    "brow_down": ("browDown*",),
    "brow_in": ("browInnerUp",),
    "wide": ("eyeWide*", "browOuterUp*"),
}
"""Native curves averaged into each sign of emotion."""


@dataclass(frozen=True, eq=False)
class ExpressionsFromNative:
    """(t, 71) native curves to (t, 18) VRM 1 expressions."""

    visemes: VisemesFromNative
    vowels: Linear
    looks: Linear
    signs: Linear

    def __call__(self, values: Array) -> Array:
        out = self.looks(values) + self.vowels(self.visemes(values))
        left, right = (values[:, NATIVE.index(curve)] for curve in both("eyeBlink*"))
        shared = np.minimum(left, right)
        _put(out, "blink", shared)
        _put(out, "blinkLeft", left - shared)
        _put(out, "blinkRight", right - shared)
        emotions = _emotions(dict(zip(_SIGNS, self.signs(values).T, strict=True)))
        total = np.maximum(np.sum(list(emotions.values()), axis=0), np.float32(1.0))
        for name, weight in emotions.items():
            _put(out, name, weight / total)
        return out


@dataclass(frozen=True, eq=False)
class ToVrm0:
    """The same under VRM 0 names, (t, 17); surprised is dropped."""

    expressions: ExpressionsFromNative
    columns: list[int]

    def __call__(self, values: Array) -> Array:
        return self.expressions(values)[:, self.columns]


def vrm1_from_native() -> ExpressionsFromNative:
    """The rule from native to vrm1."""
    rows = [
        (curve, sign, 1.0 / sum(len(both(pattern)) for pattern in patterns))
        for sign, patterns in _SIGNS.items()
        for pattern in patterns
        for curve in both(pattern)
    ]
    return ExpressionsFromNative(
        visemes_from_native(),
        linear(VISEMES, VRM1.curves, _VOWELS),
        linear(NATIVE.curves, VRM1.curves, _LOOKS),
        linear(NATIVE.curves, tuple(_SIGNS), rows),
    )


def vrm0_from_native() -> ToVrm0:
    """The rule from native to vrm0."""
    return ToVrm0(vrm1_from_native(), [VRM1.index(name) for name in _VRM0_NAMES])


def _emotions(signs: Mapping[str, Array]) -> dict[str, Array]:
    """Weights (t,) of the VRM 1 emotions before they share a sum of 1.

    A smile that reaches the eyes is half happy, half relaxed (Joy and Fun in VRM 0).
    """
    smile = _past_onset(signs["smile"])
    relaxed: Array = np.minimum(smile, _past_onset(signs["squint"])) * np.float32(0.5)
    return {
        "happy": smile - relaxed,
        "relaxed": relaxed,
        "angry": _past_onset(signs["brow_down"]),
        "sad": _past_onset((signs["frown"] + signs["brow_in"]) * np.float32(0.5)),
        "surprised": _past_onset(signs["wide"]),
    }


def _past_onset(sign: Array) -> Array:
    past: Array = np.clip((sign - np.float32(_ONSET)) / np.float32(1.0 - _ONSET), 0.0, 1.0)
    return past


def _put(out: Array, expression: str, weight: Array) -> None:
    out[:, VRM1.index(expression)] = weight
