"""The raw controls of a MetaHuman face: CTRL_expressions_*, weights 0..1.

Two generations are in use. The names are those of Epic's DNA files; the order is that of version 4,
and version 3 keeps it, with the curves that only it has at the end.
"""

from __future__ import annotations

from voxrig.rigs.curves import rig

PREFIX = "CTRL_expressions_"

_V4 = """
    browDown* browLateral* browRaiseIn* browRaiseOuter* earUp* eyeBlink* eyeWiden* eyeLidPress*
    eyeSquintInner* eyeCheekRaise* eyeFaceScrunch* eyeUpperLidUp* eyeRelax* eyeLowerLidDown*
    eyeLowerLidUp* eyeLookUp* eyeLookDown* eyeLookLeft* eyeLookRight* eyePupilWide* eyePupilNarrow*
    eyeParallelLookDirection eyelashesDownIN* eyelashesDownOUT* eyelashesUpIN* eyelashesUpOUT*
    noseWrinkle* noseNostrilDepress* noseNostrilDilate* noseNostrilCompress* noseWrinkleUpper*
    noseNasolabialDeepen* mouthCheekBlow* mouthCheekSuck* mouthLipsBlow* mouthUp mouthDown mouthLeft
    mouthRight mouthUpperLipRaise* mouthLowerLipDepress* mouthCornerPull* mouthStretch*
    mouthStretchLipsClose* mouthDimple* mouthCornerDepress* mouthPress** mouthLipsPurse**
    mouthLipsTowards** mouthFunnel** mouthLipsTogether** mouthUpperLipBite* mouthLowerLipBite*
    mouthLipsTighten** mouthLipsPress* mouthSharpCornerPull* mouthStickyUC mouthStickyUIN*
    mouthStickyUOUT* mouthStickyDC mouthStickyDIN* mouthStickyDOUT* mouthLipsStickyLPh1
    mouthLipsStickyLPh2 mouthLipsStickyLPh3 mouthLipsStickyRPh1 mouthLipsStickyRPh2 mouthLipsStickyRPh3
    mouthLipsPush** mouthLipsPull** mouthLipsThin** mouthLipsThick** mouthLipsThinInward**
    mouthLipsThickInward** mouthCornerSharpen** mouthCornerRounder** mouthUpperLipTowardsTeeth*
    mouthLowerLipTowardsTeeth* mouthUpperLipShiftLeft mouthUpperLipShiftRight mouthLowerLipShiftLeft
    mouthLowerLipShiftRight mouthUpperLipRollIn* mouthLowerLipRollIn* mouthUpperLipRollOut*
    mouthLowerLipRollOut* mouthCornerUpL mouthCornerDownL mouthCornerWideL mouthCornerNarrowL
    mouthCornerUpR mouthCornerDownR mouthCornerWideR mouthCornerNarrowR tongueUp tongueDown tongueLeft
    tongueRight tongueIn tongueOut tongueBendUp tongueBendDown tongueTwistLeft tongueTwistRight
    tongueTipUp tongueTipDown tongueTipLeft tongueTipRight tongueWide tongueNarrow tonguePress
    tongueRoll tongueThick tongueThin jawOpen jawLeft jawRight jawFwd jawBack jawClench* jawChinRaise**
    jawChinCompress* jawOpenExtreme neckStretch* neckSwallowPh1 neckSwallowPh2 neckSwallowPh3
    neckSwallowPh4 neckMastoidContract* neckThroatDown neckThroatUp neckDigastricDown neckDigastricUp
    neckThroatExhale neckThroatInhale teethUpU teethDownU teethLeftU teethRightU teethBackU teethFwdU
    teethUpD teethDownD teethLeftD teethRightD teethBackD teethFwdD
"""

_V4_ONLY = """
    mouthLipsThinInward** mouthLipsThickInward** tongueBendUp tongueBendDown tongueTwistLeft tongueTwistRight
    tongueRoll tongueThick tongueThin
"""

_V3_ONLY = """
    tongueRollUp tongueRollDown tongueRollLeft tongueRollRight
    headTurnUpCor headTurnDownCor headTurnLeftCor headTurnRightCor headTiltLeftCor headTiltRightCor
    headFwdCor headBackCor headSideLeftCor headSideRightCor
"""
"""The head*Cor curves correct the neck; the engine drives them from its neck joints."""


def expand(pattern: str) -> tuple[str, ...]:
    """Raw control names of a pattern: * stands for L and R, ** for the four quarters of the lips.

    >>> expand("mouthPress**")[0]
    'CTRL_expressions_mouthPressUL'
    """
    if pattern.endswith("**"):
        return tuple(f"{PREFIX}{pattern[:-2]}{quarter}" for quarter in ("UL", "UR", "DL", "DR"))
    if pattern.endswith("*"):
        return tuple(f"{PREFIX}{pattern[:-1]}{side}" for side in "LR")
    return (PREFIX + pattern,)


def _names(patterns: str) -> tuple[str, ...]:
    return tuple(name for pattern in patterns.split() for name in expand(pattern))


METAHUMAN = rig("metahuman", _names(_V4))
"""DNA version 4, 251 curves."""

METAHUMAN_V3 = rig(
    "metahuman-v3",
    (*(name for name in METAHUMAN.curves if name not in _names(_V4_ONLY)), *_names(_V3_ONLY)),
)
"""DNA version 3 (2021 and 2022), 250 curves."""
