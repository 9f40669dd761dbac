"""VRCFaceTracking parameters, version 2: what a face-tracked VRChat avatar listens to.

Names are the addresses after /avatar/parameters/ (or after the prefix that an avatar's author chose).
First come the 88 Unified Expressions, then what VRCFaceTracking derives from them, so that an avatar
may use either. X is + to the subject's own right and Y is + up. The neutral face is not all zeros:
the eyes are open.
"""

from __future__ import annotations

from voxrig.rigs.curves import SIGNED, Span, rig

PREFIX = "v2/"

_BASE = """
    EyeSquint* EyeWide* BrowPinch* BrowLowerer* BrowInnerUp* BrowOuterUp* NasalDilation* NasalConstrict*
    CheekSquint* CheekPuff* CheekSuck* JawOpen JawRight JawLeft JawForward JawBackward JawClench
    JawMandibleRaise MouthClosed LipSuckUpper* LipSuckLower* LipSuckCorner* LipFunnelUpper* LipFunnelLower*
    LipPuckerUpper* LipPuckerLower* MouthUpperUp* MouthUpperDeepen* NoseSneer* MouthLowerDown* MouthUpper*
    MouthLower* MouthCornerPull* MouthCornerSlant* MouthFrown* MouthStretch* MouthDimple* MouthRaiserUpper
    MouthRaiserLower MouthPress* MouthTightener* TongueOut TongueUp TongueDown TongueRight TongueLeft
    TongueRoll TongueBendDown TongueCurlUp TongueSquish TongueFlat TongueTwist* SoftPalateClose
    ThroatSwallow NeckFlex*
"""

_SIMPLE = "BrowUp* BrowDown* MouthSmile* MouthSad*"

_GAZE = "EyeX EyeY EyeLeftX EyeLeftY EyeRightX EyeRightY"

_COMBINED = """
    PupilDilation PupilDiameterLeft PupilDiameterRight PupilDiameter
    EyeOpenLeft EyeOpenRight EyeOpen EyeClosedLeft EyeClosedRight EyeClosed EyeWide
    EyeLidLeft EyeLidRight EyeLid EyeSquint EyesSquint BrowUp BrowDown BrowInnerUp BrowOuterUp
    BrowExpression* BrowExpression JawX JawZ CheekSquint CheekPuffSuckLeft CheekPuffSuckRight CheekPuffSuck
    CheekSuck MouthUpperX MouthLowerX MouthX LipSuckUpper LipSuckLower LipSuck LipFunnelUpper LipFunnelLower
    LipFunnel LipPuckerUpper LipPuckerLower LipPuckerRight LipPuckerLeft LipPucker LipSuckFunnelUpper
    LipSuckFunnelLower LipSuckFunnelLowerLeft LipSuckFunnelLowerRight LipSuckFunnelUpperLeft
    LipSuckFunnelUpperRight MouthUpperUp MouthLowerDown MouthOpen MouthStretch MouthTightener MouthPress
    MouthDimple NoseSneer MouthTightenerStretch MouthTightenerStretchLeft MouthTightenerStretchRight
    MouthCornerYLeft MouthCornerYRight MouthCornerY SmileFrown* SmileFrown SmileSad* SmileSad
    TongueX TongueY TongueArchY TongueShape
"""

_HEAD = "Head/Yaw Head/Pitch Head/Roll Head/PosX Head/PosY Head/PosZ"
"""Angles: +-1 is a quarter turn, signs as on the native rig. Positions stay 0."""

_SIGNED = """
    BrowExpression* BrowExpression JawX JawZ CheekPuffSuckLeft CheekPuffSuckRight CheekPuffSuck
    MouthUpperX MouthLowerX MouthX LipSuckFunnelUpper LipSuckFunnelLower LipSuckFunnelLowerLeft
    LipSuckFunnelLowerRight LipSuckFunnelUpperLeft LipSuckFunnelUpperRight MouthTightenerStretch
    MouthTightenerStretchLeft MouthTightenerStretchRight MouthCornerYLeft MouthCornerYRight MouthCornerY
    SmileFrown* SmileFrown SmileSad* SmileSad TongueX TongueY TongueArchY TongueShape
"""

_RESTS = {
    **dict.fromkeys(("EyeOpenLeft", "EyeOpenRight", "EyeOpen"), 1.0),
    **dict.fromkeys(("EyeLidLeft", "EyeLidRight", "EyeLid"), 0.75),
    **dict.fromkeys(("PupilDiameterLeft", "PupilDiameterRight", "PupilDiameter"), 0.4),
    "PupilDilation": 0.5,
}
"""Pupils are not animated: they rest at 4 mm (0.1 a millimetre) and half-way."""


def sides(pattern: str) -> tuple[str, ...]:
    """Names of a pattern: a trailing * stands for Right and Left, in VRCFaceTracking's order."""
    return (pattern[:-1] + "Right", pattern[:-1] + "Left") if pattern.endswith("*") else (pattern,)


def _names(patterns: str) -> tuple[str, ...]:
    return tuple(PREFIX + name for pattern in patterns.split() for name in sides(pattern))


BASE = _names(_BASE)
"""The 88 Unified Expressions."""

VRCHAT = rig(
    "vrchat",
    BASE + _names(_SIMPLE + " " + _GAZE + _COMBINED + _HEAD),
    {
        **dict.fromkeys(_names(_SIGNED + _GAZE + " " + _HEAD), SIGNED),
        **{PREFIX + name: Span(0.0, 1.0, value) for name, value in _RESTS.items()},
    },
)
