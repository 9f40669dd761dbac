"""Native curves to VRCFaceTracking parameters.

Two steps, as in VRCFaceTracking itself: native curves give the Unified Expressions, the openness and
gaze of each eye and the head; those give the simple and combined parameters. Expressions that ARKit
has no shape for (nostrils, cheek suck, clench, tightener, throat, neck) stay at 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig.rigs.linear import Linear, Row, linear
from voxrig.rigs.native import NATIVE
from voxrig.rigs.vrchat import BASE, PREFIX, VRCHAT
from voxrig.types import Array

_SAME = """
    eyeSquint* eyeWide* mouthFrown* mouthDimple* mouthStretch* mouthPress* mouthLowerDown* mouthUpperUp*
    browOuterUp* cheekSquint* noseSneer* jawLeft jawRight jawForward jawOpen
    tongueOut tongueUp tongueDown tongueLeft tongueRight
"""
"""Native curves that have one counterpart of the same name."""

_FIRST = """
    eyeBlink* EyeOpen* -1          mouthSmile* MouthCornerPull* 1    mouthSmile* MouthCornerSlant* 1
    browDown* BrowLowerer* 1       browDown* BrowPinch* 1
    mouthLeft MouthUpperLeft 1     mouthLeft MouthLowerLeft 1
    mouthRight MouthUpperRight 1   mouthRight MouthLowerRight 1
    mouthClose MouthClosed 1       mouthShrugUpper MouthRaiserUpper 1  mouthShrugLower MouthRaiserLower 1
    mouthFunnel LipFunnelUpper* 1  mouthFunnel LipFunnelLower* 1
    mouthPucker LipPuckerUpper* 1  mouthPucker LipPuckerLower* 1
    mouthRollUpper LipSuckUpper* 1 mouthRollLower LipSuckLower* 1
    browInnerUp BrowInnerUp* 1     cheekPuff CheekPuff* 1
    tongueTipUp TongueCurlUp 1     tongueRollUp TongueCurlUp 1
    tongueTipDown TongueBendDown 1 tongueRollDown TongueBendDown 1
    tongueTipLeft TongueLeft 0.5   tongueTipRight TongueRight 0.5
    tongueRollLeft TongueTwistLeft 1  tongueRollRight TongueTwistRight 1
    tongueWide TongueFlat 1        tongueNarrow TongueSquish 1        tongueStretch TongueOut 0.5
    eyeLookInLeft EyeLeftX 1       eyeLookOutLeft EyeLeftX -1
    eyeLookOutRight EyeRightX 1    eyeLookInRight EyeRightX -1
    eyeLookUpLeft EyeLeftY 1       eyeLookDownLeft EyeLeftY -1
    eyeLookUpRight EyeRightY 1     eyeLookDownRight EyeRightY -1
"""
"""Native curve, parameter, weight."""

_SECOND = """
    BrowOuterUp* BrowUp* .6        BrowInnerUp* BrowUp* .4
    BrowLowerer* BrowDown* .75     BrowPinch* BrowDown* .25
    MouthCornerPull* MouthSmile* .8  MouthCornerSlant* MouthSmile* .2
    EyeLeftX EyeX .5   EyeRightX EyeX .5   EyeLeftY EyeY .5   EyeRightY EyeY .5
    EyeOpen* EyeOpen .5            EyeOpen* EyeClosed* -1     EyeOpen* EyeClosed -.5
    EyeOpen* EyeLid* .75           EyeWide* EyeLid* .25
    EyeOpen* EyeLid .375           EyeWide* EyeLid .125
    BrowOuterUp* BrowUp .3         BrowInnerUp* BrowUp .2
    BrowLowerer* BrowDown .375     BrowPinch* BrowDown .125
    BrowInnerUp* BrowInnerUp .5    BrowOuterUp* BrowOuterUp .5
    BrowInnerUp* BrowExpression* .5   BrowOuterUp* BrowExpression* .5
    BrowLowerer* BrowExpression* -.75  BrowPinch* BrowExpression* -.25
    BrowInnerUp* BrowExpression .25   BrowOuterUp* BrowExpression .25
    BrowLowerer* BrowExpression -.375  BrowPinch* BrowExpression -.125
    JawRight JawX 1   JawLeft JawX -1   JawForward JawZ 1   JawBackward JawZ -1
    CheekSquint* CheekSquint .5    CheekSuck* CheekSuck .5
    CheekPuff* CheekPuffSuck* 1    CheekSuck* CheekPuffSuck* -1
    CheekPuff* CheekPuffSuck .5    CheekSuck* CheekPuffSuck -.5
    MouthUpperRight MouthUpperX 1  MouthUpperLeft MouthUpperX -1
    MouthLowerRight MouthLowerX 1  MouthLowerLeft MouthLowerX -1
    MouthUpperRight MouthX .5      MouthUpperLeft MouthX -.5
    MouthLowerRight MouthX .5      MouthLowerLeft MouthX -.5
    LipSuckUpper* LipSuckUpper .5  LipSuckLower* LipSuckLower .5
    LipSuckUpper* LipSuck .25      LipSuckLower* LipSuck .25
    LipFunnelUpper* LipFunnelUpper .5  LipFunnelLower* LipFunnelLower .5
    LipFunnelUpper* LipFunnel .25  LipFunnelLower* LipFunnel .25
    LipPuckerUpper* LipPuckerUpper .5  LipPuckerLower* LipPuckerLower .5
    LipPuckerUpper* LipPucker* .5  LipPuckerLower* LipPucker* .5
    LipPuckerUpper* LipPucker .25  LipPuckerLower* LipPucker .25
    LipSuckUpper* LipSuckFunnelUpper .5   LipFunnelUpper* LipSuckFunnelUpper -.5
    LipSuckLower* LipSuckFunnelLower .5   LipFunnelLower* LipSuckFunnelLower -.5
    LipSuckUpper* LipSuckFunnelUpper* 1   LipFunnelUpper* LipSuckFunnelUpper* -1
    LipSuckLower* LipSuckFunnelLower* 1   LipFunnelLower* LipSuckFunnelLower* -1
    MouthUpperUp* MouthUpperUp .5  MouthLowerDown* MouthLowerDown .5
    MouthUpperUp* MouthOpen .25    MouthLowerDown* MouthOpen .25
    MouthStretch* MouthStretch .5  MouthTightener* MouthTightener .5
    MouthPress* MouthPress .5      MouthDimple* MouthDimple .5   NoseSneer* NoseSneer .5
    MouthTightener* MouthTightenerStretch .5   MouthStretch* MouthTightenerStretch -.5
    MouthTightener* MouthTightenerStretch* 1   MouthStretch* MouthTightenerStretch* -1
    MouthCornerSlant* MouthCornerY* 1     MouthFrown* MouthCornerY* -1
    MouthCornerSlant* MouthCornerY .5     MouthFrown* MouthCornerY -.5
    MouthCornerPull* SmileFrown* .8  MouthCornerSlant* SmileFrown* .2  MouthFrown* SmileFrown* -1
    MouthCornerPull* SmileFrown .4   MouthCornerSlant* SmileFrown .1   MouthFrown* SmileFrown -.5
    TongueRight TongueX 1   TongueLeft TongueX -1   TongueUp TongueY 1   TongueDown TongueY -1
    TongueCurlUp TongueArchY 1   TongueBendDown TongueArchY -1
    TongueFlat TongueShape 1     TongueSquish TongueShape -1
"""
"""Parameter of the first step, parameter, weight."""

_EYES_AND_HEAD = (
    "EyeOpenLeft EyeOpenRight EyeLeftX EyeLeftY EyeRightX EyeRightY Head/Yaw Head/Pitch Head/Roll"
)
_MEASURED = BASE + tuple(PREFIX + name for name in _EYES_AND_HEAD.split())
"""Parameters of the first step; the rest follow from them."""


@dataclass(frozen=True, eq=False)
class ParametersFromNative:
    """(t, 71) native curves to (t, 182) parameters."""

    measure: Linear
    low: Array  # (m,) range of the measured parameters
    high: Array  # (m,)
    combine: Linear

    def __call__(self, values: Array) -> Array:
        out = self.combine(np.clip(self.measure(values), self.low, self.high))
        for side in ("Left", "Right"):
            _larger(out, f"MouthSad{side}", f"MouthFrown{side}", f"MouthStretch{side}")
            column = VRCHAT.index(f"{PREFIX}SmileSad{side}")
            out[:, column] = _column(out, f"MouthSmile{side}") - _column(out, f"MouthSad{side}")
        out[:, VRCHAT.index(PREFIX + "SmileSad")] = (
            _column(out, "SmileSadLeft") + _column(out, "SmileSadRight")
        ) / 2
        _larger(out, "EyeWide", "EyeWideLeft", "EyeWideRight")
        _larger(out, "EyeSquint", "EyeSquintLeft", "EyeSquintRight")
        _larger(out, "EyesSquint", "EyeSquintLeft", "EyeSquintRight")
        return out


def from_native() -> ParametersFromNative:
    """The rule from native to vrchat."""
    same = " ".join(f"{pattern} {pattern[0].upper()}{pattern[1:]} 1" for pattern in _SAME.split())
    first = [(curve, PREFIX + name, weight) for curve, name, weight in _rows(same + _FIRST)]
    first += [(f"head{axis}", f"{PREFIX}Head/{axis}", 2 / np.pi) for axis in ("Yaw", "Pitch", "Roll")]
    second = [(PREFIX + name, PREFIX + derived, weight) for name, derived, weight in _rows(_SECOND)]
    second += [(name, name, 1.0) for name in _MEASURED]
    constant = dict.fromkeys(_prefixed("EyeClosedLeft EyeClosedRight EyeClosed"), 1.0)
    constant |= dict.fromkeys(_prefixed("PupilDiameterLeft PupilDiameterRight PupilDiameter"), 0.4)
    constant |= {PREFIX + "PupilDilation": 0.5}
    columns = [VRCHAT.index(name) for name in _MEASURED]
    return ParametersFromNative(
        linear(NATIVE.curves, _MEASURED, first, dict.fromkeys(_prefixed("EyeOpenLeft EyeOpenRight"), 1.0)),
        VRCHAT.low[columns],
        VRCHAT.high[columns],
        linear(_MEASURED, VRCHAT.curves, second, constant),
    )


def _prefixed(names: str) -> list[str]:
    return [PREFIX + name for name in names.split()]


def _rows(table: str) -> list[Row]:
    """Rows of a table; a row with * is two rows, one for each side."""
    words = table.split()
    rows: list[Row] = []
    for source, target, weight in zip(words[::3], words[1::3], words[2::3], strict=True):
        for side in ("Right", "Left") if "*" in source + target else ("",):
            rows.append((source.replace("*", side), target.replace("*", side), float(weight)))
    return rows


def _column(out: Array, name: str) -> Array:
    return out[:, VRCHAT.index(PREFIX + name)]


def _larger(out: Array, name: str, first: str, second: str) -> None:
    out[:, VRCHAT.index(PREFIX + name)] = np.maximum(_column(out, first), _column(out, second))
