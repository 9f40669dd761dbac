"""Native curves to MetaHuman raw controls, our own table.

Most shapes have one counterpart. Where ARKit sculpted several muscles into one shape (pucker, roll,
inner brows, puffed cheeks, tongue out), the weights are ours: round numbers set by eye.

mouthClose has no counterpart: on ARKit it cancels jawOpen at the lips, while a MetaHuman has
LipsTogether, which is relative to how far the jaw is open. Hence LipsTogether = mouthClose / jawOpen.
Head angles are not on this rig; a MetaHuman turns its head with bones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig.rigs.linear import Linear, Row, linear
from voxrig.rigs.metahuman import METAHUMAN_V3, expand
from voxrig.rigs.native import NATIVE
from voxrig.types import Array, Rig

SMALLEST_GAP = 0.02
"""Below this jawOpen the lips' ratio fades to nothing instead of dividing noise by noise."""

_SIDED = """
    eyeBlink eyeBlink        eyeSquint eyeSquintInner    eyeWide eyeWiden
    eyeLookUp eyeLookUp      eyeLookDown eyeLookDown
    mouthSmile mouthCornerPull      mouthFrown mouthCornerDepress
    mouthDimple mouthDimple         mouthStretch mouthStretch
    mouthLowerDown mouthLowerLipDepress    mouthUpperUp mouthUpperLipRaise
    browDown browDown        cheekSquint eyeCheekRaise   noseSneer noseWrinkle
"""
"""Native shape and raw control, each of which has a left and a right: one for one."""

_SAME = """
    jawLeft jawRight jawOpen mouthLeft mouthRight
    tongueTipUp tongueTipDown tongueTipLeft tongueTipRight tongueUp tongueDown tongueLeft tongueRight
    tongueIn tongueWide tongueNarrow
"""
"""Native curves whose raw control has the same name."""

_SHARED: tuple[Row, ...] = (
    ("eyeLookInLeft", "eyeLookRightL", 1.0),
    ("eyeLookOutLeft", "eyeLookLeftL", 1.0),
    ("eyeLookInRight", "eyeLookLeftR", 1.0),
    ("eyeLookOutRight", "eyeLookRightR", 1.0),
    ("jawForward", "jawFwd", 1.0),
    ("mouthFunnel", "mouthFunnel**", 1.0),
    ("mouthPucker", "mouthLipsPurse**", 1.0),
    ("mouthPucker", "mouthLipsTowards**", 0.4),
    ("mouthPucker", "mouthFunnel**", 0.75),
    ("mouthRollLower", "mouthLowerLipRollIn*", 1.0),
    ("mouthRollLower", "mouthUpperLipRollIn*", 0.5),
    ("mouthRollUpper", "mouthUpperLipRollIn*", 1.0),
    ("mouthShrugLower", "jawChinRaiseDL", 1.0),
    ("mouthShrugLower", "jawChinRaiseDR", 1.0),
    ("mouthShrugUpper", "jawChinRaiseUL", 1.0),
    ("mouthShrugUpper", "jawChinRaiseUR", 1.0),
    ("mouthPressLeft", "mouthPressUL", 1.0),
    ("mouthPressLeft", "mouthPressDL", 1.0),
    ("mouthPressRight", "mouthPressUR", 1.0),
    ("mouthPressRight", "mouthPressDR", 1.0),
    ("browInnerUp", "browRaiseIn*", 1.0),
    ("browInnerUp", "browLateral*", 1.0),
    ("browOuterUpLeft", "browRaiseOuterL", 1.0),
    ("browOuterUpLeft", "browRaiseInL", 1.0),
    ("browOuterUpRight", "browRaiseOuterR", 1.0),
    ("browOuterUpRight", "browRaiseInR", 1.0),
    ("cheekPuff", "mouthCheekBlow*", 1.0),
    ("cheekPuff", "mouthLipsBlow*", 1.0),
    ("tongueOut", "tongueOut", 0.8),
    ("tongueOut", "tongueDown", 0.8),
    ("tongueOut", "tongueWide", 0.6),
    ("tongueStretch", "tongueOut", 0.5),
)

_TONGUE_V4: tuple[Row, ...] = (
    ("tongueRollUp", "tongueBendUp", 1.0),
    ("tongueRollDown", "tongueBendDown", 1.0),
    ("tongueRollLeft", "tongueTwistLeft", 1.0),
    ("tongueRollRight", "tongueTwistRight", 1.0),
    ("tongueStretch", "tongueThin", 0.5),
    ("tongueOut", "tongueBendDown", 0.25),
)
"""Version 4 renamed the four tongue rolls to bend and twist, and added thick and thin."""

_TONGUE_V3: tuple[Row, ...] = (
    ("tongueRollUp", "tongueRollUp", 1.0),
    ("tongueRollDown", "tongueRollDown", 1.0),
    ("tongueRollLeft", "tongueRollLeft", 1.0),
    ("tongueRollRight", "tongueRollRight", 1.0),
    ("tongueOut", "tongueRollDown", 0.25),
)


@dataclass(frozen=True, eq=False)
class RawFromNative:
    """(t, 71) native curves to (t, c) raw controls."""

    shapes: Linear
    lips_together: list[int]

    def __call__(self, values: Array) -> Array:
        raw = self.shapes(values)
        ratio = lips_together(values[:, NATIVE.index("mouthClose")], values[:, NATIVE.index("jawOpen")])
        raw[:, self.lips_together] = ratio[:, None]
        return raw


def lips_together(mouth_close: Array, jaw_open: Array) -> Array:
    """How far the lips are kept together over an open jaw, 0..1: ``mouth_close / jaw_open`` within 0..1.

    Exactly 0 at a closed jaw, and continuous: for a jaw less open than ``SMALLEST_GAP`` the smaller of
    the two is divided by that gap, so a tremor of 0.001 there moves the lips by 0.05 at most.

    >>> lips_together(np.float32([0.2, 0.2, 0.2]), np.float32([0.4, 0.1, 0.0])).tolist()
    [0.5, 1.0, 0.0]
    """
    return np.clip(
        np.minimum(mouth_close, jaw_open) / np.maximum(jaw_open, np.float32(SMALLEST_GAP)), 0.0, 1.0
    )


def from_native(target: Rig) -> RawFromNative:
    """Native to metahuman or to metahuman-v3."""
    words = _SIDED.split()
    sided = [
        (native + long, raw + short, 1.0)
        for native, raw in zip(words[::2], words[1::2], strict=True)
        for long, short in (("Left", "L"), ("Right", "R"))
    ]
    same = [(name, name, 1.0) for name in _SAME.split()]
    rows = [*sided, *same, *_SHARED, *(_TONGUE_V3 if target is METAHUMAN_V3 else _TONGUE_V4)]
    expanded = [(native, raw, weight) for native, pattern, weight in rows for raw in expand(pattern)]
    lips = [target.index(raw) for raw in expand("mouthLipsTogether**")]
    return RawFromNative(linear(NATIVE.curves, target.curves, expanded), lips)
