"""The rig that the model speaks: 52 ARKit shapes, 16 tongue shapes, 3 head angles, 39 phones.

Left and right are the subject's own. Blendshapes are weights 0..1. The head turns in radians,
within a quarter turn, with the signs that Live Link Face recordings show for the eyes:

    headYaw    + turns to the subject's own right
    headPitch  + looks down
    headRoll   + tips the head towards the subject's own right shoulder

The three are applied in the order roll, pitch, yaw about axes fixed to the body (yaw is outermost).

A phone is how sure the model is that it sounds now, 0..1; in silence all are 0. Visemes are read from
them, and a rig that knows what to do with phones may, too.
"""

from __future__ import annotations

from voxrig.rigs.curves import ANGLE, rig
from voxrig.speech.phones import PHONES

_ARKIT = """
    eyeBlinkLeft eyeLookDownLeft eyeLookInLeft eyeLookOutLeft eyeLookUpLeft eyeSquintLeft eyeWideLeft
    eyeBlinkRight eyeLookDownRight eyeLookInRight eyeLookOutRight eyeLookUpRight eyeSquintRight eyeWideRight
    jawForward jawLeft jawRight jawOpen
    mouthClose mouthFunnel mouthPucker mouthLeft mouthRight
    mouthSmileLeft mouthSmileRight mouthFrownLeft mouthFrownRight mouthDimpleLeft mouthDimpleRight
    mouthStretchLeft mouthStretchRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper
    mouthPressLeft mouthPressRight mouthLowerDownLeft mouthLowerDownRight mouthUpperUpLeft mouthUpperUpRight
    browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight
    cheekPuff cheekSquintLeft cheekSquintRight noseSneerLeft noseSneerRight tongueOut
"""

ARKIT_CURVES = tuple(_ARKIT.split())
"""The 52 blendshapes of ARKit in Apple's order, which is also that of Unreal's EARFaceBlendShape."""

_TONGUE = """
    tongueTipUp tongueTipDown tongueTipLeft tongueTipRight
    tongueRollUp tongueRollDown tongueRollLeft tongueRollRight
    tongueUp tongueDown tongueLeft tongueRight
    tongueIn tongueStretch tongueWide tongueNarrow
"""

TONGUE_CURVES = tuple(_TONGUE.split())
"""The 16 tongue shapes of Audio2Face-3D, in its order."""

HEAD_CURVES = ("headYaw", "headPitch", "headRoll")
"""Radians."""

EYE_YAW, EYE_PITCH = 0.61, 0.52
"""Radians that an eyeLook curve at 1 turns an eye: its reach, about 35° to the sides, 30° up and down."""

PHONE_CURVES = tuple(f"phone_{name}" for name in PHONES[1:])
"""ARPAbet without stress, and without silence."""

NATIVE = rig(
    "native",
    ARKIT_CURVES + TONGUE_CURVES + HEAD_CURVES + PHONE_CURVES,
    dict.fromkeys(HEAD_CURVES, ANGLE),
)


def both(curve: str) -> tuple[str, ...]:
    """Native curves of a pattern: a trailing * stands for Left and Right.

    >>> both("mouthSmile*")
    ('mouthSmileLeft', 'mouthSmileRight')
    """
    return (curve[:-1] + "Left", curve[:-1] + "Right") if curve.endswith("*") else (curve,)
