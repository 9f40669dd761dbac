"""The control board of a MetaHuman face (Face_ControlBoard_CtrlRig): what an animator moves.

A control is a slider; some go one way (0..1), some both ways (-1..1), and squares are two sliders,
.X and .Y. The table says which raw control each half of a slider drives, one for one and linear;
mind the signs, which follow the board and not the face: CTRL_C_jaw.X is + to the right, CTRL_C_mouth.X
is + to the left, tongue and jaw come forward on the negative half.

Order of the channels in Unreal's sequencer; drivers after Epic's set-driven keys.
"""

from __future__ import annotations

from dataclasses import dataclass

from voxrig.rigs.curves import SIGNED, Span, rig

_BOARD = """
    CTRL_C_jaw.X                       jawLeft                  jawRight
    CTRL_C_jaw.Y                       -                        jawOpen
    CTRL_R_jaw_clench                  -                        jawClenchR
    CTRL_C_jaw_openExtreme             -                        jawOpenExtreme
    CTRL_C_jaw_fwdBack                 jawFwd                   jawBack
    CTRL_L_jaw_clench                  -                        jawClenchL
    CTRL_L_neck_mastoidContract        -                        neckMastoidContractL
    CTRL_L_neck_stretch                -                        neckStretchL
    CTRL_neck_digastricUpDown          neckDigastricDown        neckDigastricUp
    CTRL_R_neck_stretch                -                        neckStretchR
    CTRL_neck_throatExhaleInhale       neckThroatExhale         neckThroatInhale
    CTRL_R_neck_mastoidContract        -                        neckMastoidContractR
    CTRL_neck_throatUpDown             neckThroatDown           neckThroatUp
    CTRL_L_jaw_chinCompress            -                        jawChinCompressL
    CTRL_R_jaw_ChinRaiseD              -                        jawChinRaiseDR
    CTRL_R_jaw_ChinRaiseU              -                        jawChinRaiseUR
    CTRL_L_jaw_ChinRaiseU              -                        jawChinRaiseUL
    CTRL_R_jaw_chinCompress            -                        jawChinCompressR
    CTRL_L_jaw_ChinRaiseD              -                        jawChinRaiseDL
    CTRL_R_mouth_lipsBlow              -                        mouthLipsBlowR
    CTRL_R_mouth_lipsPressU            -                        mouthLipsPressR
    CTRL_L_mouth_lipsTogetherU         -                        mouthLipsTogetherUL
    CTRL_L_mouth_lipsTogetherD         -                        mouthLipsTogetherDL
    CTRL_R_mouth_lipSticky             -                        -
    CTRL_L_mouth_lipSticky             -                        -
    CTRL_R_mouth_lipsTogetherU         -                        mouthLipsTogetherUR
    CTRL_L_mouth_lipsPressU            -                        mouthLipsPressL
    CTRL_L_mouth_lipsBlow              -                        mouthLipsBlowL
    CTRL_R_mouth_lipsTogetherD         -                        mouthLipsTogetherDR
    CTRL_R_mouth_stretchLipsClose      -                        mouthStretchLipsCloseR
    CTRL_L_mouth_stretchLipsClose      -                        mouthStretchLipsCloseL
    CTRL_C_tongue_press                -                        tonguePress
    CTRL_C_tongue_bendTwist.X          tongueTwistRight         tongueTwistLeft
    CTRL_C_tongue_bendTwist.Y          tongueBendDown           tongueBendUp
    CTRL_C_tongue_tipMove.X            tongueTipRight           tongueTipLeft
    CTRL_C_tongue_tipMove.Y            tongueTipDown            tongueTipUp
    CTRL_C_tongue_move.X               tongueRight              tongueLeft
    CTRL_C_tongue_move.Y               tongueDown               tongueUp
    CTRL_C_tongue_wideNarrow           tongueNarrow             tongueWide
    CTRL_C_tongue_inOut                tongueOut                tongueIn
    CTRL_C_tongue_roll                 -                        tongueRoll
    CTRL_C_mouth.X                     mouthRight               mouthLeft
    CTRL_C_mouth.Y                     mouthDown                mouthUp
    CTRL_L_mouth_upperLipRaise         -                        mouthUpperLipRaiseL
    CTRL_L_mouth_sharpCornerPull       -                        mouthSharpCornerPullL
    CTRL_L_mouth_cornerPull            -                        mouthCornerPullL
    CTRL_L_mouth_dimple                -                        mouthDimpleL
    CTRL_L_mouth_cornerDepress         -                        mouthCornerDepressL
    CTRL_L_mouth_stretch               -                        mouthStretchL
    CTRL_L_mouth_lowerLipDepress       -                        mouthLowerLipDepressL
    CTRL_R_mouth_lowerLipDepress       -                        mouthLowerLipDepressR
    CTRL_R_mouth_stretch               -                        mouthStretchR
    CTRL_L_mouth_towardsD              -                        mouthLipsTowardsDL
    CTRL_R_mouth_stickyInnerU          -                        mouthStickyUINR
    CTRL_R_mouth_funnelU               -                        mouthFunnelUR
    CTRL_C_neck_swallow                -                        -
    CTRL_R_mouth_stickyOuterD          -                        mouthStickyDOUTR
    CTRL_C_mouth_stickyD               -                        mouthStickyDC
    CTRL_L_mouth_towardsU              -                        mouthLipsTowardsUL
    CTRL_R_mouth_stickyInnerD          -                        mouthStickyDINR
    CTRL_R_mouth_lipBiteD              -                        mouthLowerLipBiteR
    CTRL_R_mouth_funnelD               -                        mouthFunnelDR
    CTRL_R_mouth_stickyOuterU          -                        mouthStickyUOUTR
    CTRL_C_mouth_stickyU               -                        mouthStickyUC
    CTRL_L_mouth_tightenD              -                        mouthLipsTightenDL
    CTRL_L_mouth_pressU                -                        mouthPressUL
    CTRL_R_mouth_tightenD              -                        mouthLipsTightenDR
    CTRL_L_mouth_stickyInnerU          -                        mouthStickyUINL
    CTRL_L_mouth_funnelD               -                        mouthFunnelDL
    CTRL_L_mouth_suckBlow              mouthCheekSuckL          mouthCheekBlowL
    CTRL_L_mouth_tightenU              -                        mouthLipsTightenUL
    CTRL_R_mouth_tightenU              -                        mouthLipsTightenUR
    CTRL_L_mouth_pressD                -                        mouthPressDL
    CTRL_L_mouth_funnelU               -                        mouthFunnelUL
    CTRL_R_mouth_towardsU              -                        mouthLipsTowardsUR
    CTRL_L_mouth_stickyOuterD          -                        mouthStickyDOUTL
    CTRL_R_mouth_purseD                -                        mouthLipsPurseDR
    CTRL_L_mouth_lipBiteU              -                        mouthUpperLipBiteL
    CTRL_R_mouth_pressD                -                        mouthPressDR
    CTRL_R_mouth_pressU                -                        mouthPressUR
    CTRL_L_mouth_purseD                -                        mouthLipsPurseDL
    CTRL_R_mouth_lipBiteU              -                        mouthUpperLipBiteR
    CTRL_R_mouth_suckBlow              mouthCheekSuckR          mouthCheekBlowR
    CTRL_L_mouth_purseU                -                        mouthLipsPurseUL
    CTRL_R_mouth_towardsD              -                        mouthLipsTowardsDR
    CTRL_L_mouth_stickyInnerD          -                        mouthStickyDINL
    CTRL_L_mouth_lipBiteD              -                        mouthLowerLipBiteL
    CTRL_R_mouth_purseU                -                        mouthLipsPurseUR
    CTRL_L_mouth_stickyOuterU          -                        mouthStickyUOUTL
    CTRL_R_mouth_cornerDepress         -                        mouthCornerDepressR
    CTRL_R_mouth_upperLipRaise         -                        mouthUpperLipRaiseR
    CTRL_R_mouth_dimple                -                        mouthDimpleR
    CTRL_R_mouth_sharpCornerPull       -                        mouthSharpCornerPullR
    CTRL_R_mouth_cornerPull            -                        mouthCornerPullR
    CTRL_R_ear_up                      -                        earUpR
    CTRL_L_ear_up                      -                        earUpL
    CTRL_R_nose.X                      noseNostrilCompressR     noseNostrilDilateR
    CTRL_R_nose.Y                      noseNostrilDepressR      noseWrinkleR
    CTRL_L_nose.X                      noseNostrilCompressL     noseNostrilDilateL
    CTRL_L_nose.Y                      noseNostrilDepressL      noseWrinkleL
    CTRL_L_eye.X                       eyeLookRightL            eyeLookLeftL
    CTRL_L_eye.Y                       eyeLookDownL             eyeLookUpL
    CTRL_L_eye_blink                   eyeWidenL                eyeBlinkL
    CTRL_R_eye.X                       eyeLookRightR            eyeLookLeftR
    CTRL_R_eye.Y                       eyeLookDownR             eyeLookUpR
    CTRL_R_eye_blink                   eyeWidenR                eyeBlinkR
    CTRL_R_eye_pupil                   eyePupilNarrowR          eyePupilWideR
    CTRL_L_eye_pupil                   eyePupilNarrowL          eyePupilWideL
    CTRL_C_eye.X                       -                        -
    CTRL_C_eye.Y                       -                        -
    CTRL_C_eye_parallelLook            -                        eyeParallelLookDirection
    CTRL_L_eye_cheekRaise              -                        eyeCheekRaiseL
    CTRL_L_eye_squintInner             -                        eyeSquintInnerL
    CTRL_L_eye_lidPress                -                        eyeLidPressL
    CTRL_L_nose_wrinkleUpper           -                        noseWrinkleUpperL
    CTRL_R_nose_wrinkleUpper           -                        noseWrinkleUpperR
    CTRL_R_eye_squintInner             -                        eyeSquintInnerR
    CTRL_R_eye_cheekRaise              -                        eyeCheekRaiseR
    CTRL_R_eye_lidPress                -                        eyeLidPressR
    CTRL_R_brow_lateral                -                        browLateralR
    CTRL_L_brow_lateral                -                        browLateralL
    CTRL_R_brow_down                   -                        browDownR
    CTRL_L_brow_down                   -                        browDownL
    CTRL_L_brow_raiseOut               -                        browRaiseOuterL
    CTRL_L_brow_raiseIn                -                        browRaiseInL
    CTRL_R_brow_raiseIn                -                        browRaiseInR
    CTRL_R_brow_raiseOut               -                        browRaiseOuterR
    CTRL_lookAtSwitch                  -                        -
    CTRL_C_teethD.X                    teethRightD              teethLeftD
    CTRL_C_teethD.Y                    teethDownD               teethUpD
    CTRL_C_teethU.X                    teethRightU              teethLeftU
    CTRL_C_teethU.Y                    teethDownU               teethUpU
    CTRL_C_teeth_fwdBackU              teethFwdU                teethBackU
    CTRL_L_mouth_corner.X              mouthCornerNarrowL       mouthCornerWideL
    CTRL_L_mouth_corner.Y              mouthCornerDownL         mouthCornerUpL
    CTRL_R_mouth_corner.X              mouthCornerNarrowR       mouthCornerWideR
    CTRL_R_mouth_corner.Y              mouthCornerDownR         mouthCornerUpR
    CTRL_C_teeth_fwdBackD              teethFwdD                teethBackD
    CTRL_R_eye_faceScrunch             -                        eyeFaceScrunchR
    CTRL_L_mouth_pushPullU             mouthLipsPullUL          mouthLipsPushUL
    CTRL_R_eyelashes_tweakerOut        eyelashesUpOUTR          eyelashesDownOUTR
    CTRL_R_mouth_thicknessU            mouthLipsThickUR         mouthLipsThinUR
    CTRL_L_mouth_pushPullD             mouthLipsPullDL          mouthLipsPushDL
    CTRL_L_mouth_thicknessU            mouthLipsThickUL         mouthLipsThinUL
    CTRL_R_mouth_cornerSharpnessD      mouthCornerRounderDR     mouthCornerSharpenDR
    CTRL_C_mouth_lipShiftD             mouthLowerLipShiftRight  mouthLowerLipShiftLeft
    CTRL_R_mouth_lipsRollD             mouthLowerLipRollOutR    mouthLowerLipRollInR
    CTRL_L_eyelashes_tweakerOut        eyelashesUpOUTL          eyelashesDownOUTL
    CTRL_L_mouth_thicknessD            mouthLipsThickDL         mouthLipsThinDL
    CTRL_R_mouth_cornerSharpnessU      mouthCornerRounderUR     mouthCornerSharpenUR
    CTRL_C_mouth_lipShiftU             mouthUpperLipShiftRight  mouthUpperLipShiftLeft
    CTRL_R_eyelashes_tweakerIn         eyelashesUpINR           eyelashesDownINR
    CTRL_R_mouth_lipsRollU             mouthUpperLipRollOutR    mouthUpperLipRollInR
    CTRL_L_eye_eyelidU                 eyeUpperLidUpL           eyeRelaxL
    CTRL_L_mouth_lipsRollD             mouthLowerLipRollOutL    mouthLowerLipRollInL
    CTRL_L_mouth_cornerSharpnessD      mouthCornerRounderDL     mouthCornerSharpenDL
    CTRL_R_mouth_thicknessD            mouthLipsThickDR         mouthLipsThinDR
    CTRL_L_eye_eyelidD                 eyeLowerLidDownL         eyeLowerLidUpL
    CTRL_L_mouth_lipsRollU             mouthUpperLipRollOutL    mouthUpperLipRollInL
    CTRL_L_mouth_cornerSharpnessU      mouthCornerRounderUL     mouthCornerSharpenUL
    CTRL_L_nose_nasolabialDeepen       -                        noseNasolabialDeepenL
    CTRL_L_eye_faceScrunch             -                        eyeFaceScrunchL
    CTRL_R_mouth_pushPullU             mouthLipsPullUR          mouthLipsPushUR
    CTRL_R_mouth_lipsTowardsTeethD     -                        mouthLowerLipTowardsTeethR
    CTRL_L_mouth_lipsTowardsTeethD     -                        mouthLowerLipTowardsTeethL
    CTRL_R_eye_eyelidU                 eyeUpperLidUpR           eyeRelaxR
    CTRL_L_eyelashes_tweakerIn         eyelashesUpINL           eyelashesDownINL
    CTRL_R_nose_nasolabialDeepen       -                        noseNasolabialDeepenR
    CTRL_R_mouth_pushPullD             mouthLipsPullDR          mouthLipsPushDR
    CTRL_L_mouth_lipsTowardsTeethU     -                        mouthUpperLipTowardsTeethL
    CTRL_R_eye_eyelidD                 eyeLowerLidDownR         eyeLowerLidUpR
    CTRL_R_mouth_lipsTowardsTeethU     -                        mouthUpperLipTowardsTeethR
    CTRL_R_mouth_lipsPressD            -                        -
    CTRL_L_mouth_lipsPressD            -                        -
    CTRL_faceGUIfollowHead             -                        -
    CTRL_eyesAimFollowHead             -                        -
    CTRL_C_tongue_thickThin            tongueThin               tongueThick
    CTRL_R_mouth_thicknessInwardU      mouthLipsThickInwardUR   mouthLipsThinInwardUR
    CTRL_L_mouth_thicknessInwardU      mouthLipsThickInwardUL   mouthLipsThinInwardUL
    CTRL_R_mouth_thicknessInwardD      mouthLipsThickInwardDR   mouthLipsThinInwardDR
    CTRL_L_mouth_thicknessInwardD      mouthLipsThickInwardDL   mouthLipsThinInwardDL
"""
"""Channel, raw control of its negative half, raw control of its positive half (- for none)."""

_EXTRA = {
    "CTRL_neckCorrectivesMultiplyerU": Span(0.0, 1.0, 0.8),
    "CTRL_neckCorrectivesMultiplyerM": Span(0.0, 1.0, 0.5),
    "CTRL_neckCorrectivesMultiplyerD": Span(0.0, 1.0, 0.2),
    "CTRL_convergenceSwitch": Span(0.0, 1.0),
}
"""Switches beside the board; they rest where the Maya set-up of the head leaves them."""


@dataclass(frozen=True)
class Slider:
    """One channel of the board and the raw controls of its two halves ("" for none)."""

    channel: str
    negative: str
    positive: str


@dataclass(frozen=True)
class Phases:
    """A slider that runs through raw controls one after another.

    Raw control i peaks at ``peaks[i]``, rises from the peak before and falls to the peak after.
    """

    channel: str
    raw: tuple[str, ...]
    peaks: tuple[float, ...]


def _sliders() -> tuple[Slider, ...]:
    rows = [line.split() for line in _BOARD.split("\n") if line]
    return tuple(Slider(channel, low.strip("-"), high.strip("-")) for channel, low, high in rows)


SLIDERS = _sliders()

PHASES = (
    *(
        Phases(
            f"CTRL_{side}_mouth_lipSticky",
            tuple(f"mouthLipsSticky{side}Ph{phase}" for phase in (1, 2, 3)),
            (0.33, 0.66, 1.0),
        )
        for side in "LR"
    ),
    Phases(
        "CTRL_C_neck_swallow", tuple(f"neckSwallowPh{phase}" for phase in (1, 2, 3, 4)), (0.2, 0.4, 0.6, 0.8)
    ),
)

BOTH_EYES = ("CTRL_C_eye.X", "CTRL_C_eye.Y")
"""Channels that move the left and the right eye together, on top of CTRL_L_eye and CTRL_R_eye."""

METAHUMAN_CONTROLS = rig(
    "metahuman-controls",
    (*(slider.channel for slider in SLIDERS), *_EXTRA),
    {
        **{slider.channel: SIGNED for slider in SLIDERS if slider.negative},
        **dict.fromkeys(BOTH_EYES, SIGNED),
        **_EXTRA,
    },
)
