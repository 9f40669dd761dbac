"""The faces of ten emotions at full intensity, and what the voice of each does to them.

Action units are those that EMFACS lists for an emotion (Ekman and Friesen, "EMFACS-7", 1983; Ekman,
Friesen and Hager, "Facial Action Coding System", 2002); of pain those of Prkachin ("The consistency of
facial expressions of pain", 1992); of a smile meant with the eyes, Ekman, Davidson and Friesen ("The
Duchenne smile", 1990). Amounts are ours, for a head between drawn and real that is seen as small as a
thumb. A trailing * stands for both sides; left and right are the subject's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Face:
    """An emotion at full intensity."""

    held: dict[str, float]
    """What curves gain; heads in radians."""
    moved: dict[str, float] = field(default_factory=dict)
    """What curves move about it, beside a share of what they hold; signs as the voice rises."""
    gains: dict[str, float] = field(default_factory=dict)
    """How much further speech goes, by group; Lombard and shouted speech open wider (Garnier and others,
    "Speaking in noise: how does the Lombard effect improve acoustic contrasts", 2018), sad speech less."""
    strong: float = 1.0
    """Power of the intensity: below 1 a little shows at once, above 1 late."""
    flash: float = 0.0
    """How much more at the start of a phrase than later."""
    pause: float = 0.0
    """How much more while nothing is said."""


FACES: dict[str, Face] = {
    "amazement": Face(  # 1 2 5 26
        {"browInnerUp": 1.0, "browOuterUp*": 1.0, "eyeWide*": 0.8, "jawOpen": 0.28, "mouthFunnel": 0.12,
         "mouthUpperUp*": 0.06, "headPitch": -0.05},
        strong=1.1, flash=0.25,
    ),
    "anger": Face(  # 4 5 7 10 23 24
        {"browDown*": 1.0, "eyeWide*": 0.3, "eyeSquint*": 0.45, "noseSneer*": 0.5, "mouthPress*": 0.45,
         "mouthFrown*": 0.55, "jawForward": 0.35, "mouthUpperUp*": 0.14, "mouthRollLower": 0.15,
         "mouthStretch*": 0.12, "headPitch": 0.07},
        {"mouthLowerDown*": 0.06},
        gains={"jaw": 0.06, "height": 0.1}, strong=1.2,
    ),
    "cheekiness": Face(  # unilateral 12 14 6, 2 on the other side
        {"mouthSmileRight": 0.85, "mouthSmileLeft": 0.3, "mouthDimpleRight": 0.45, "cheekSquintRight": 0.55,
         "eyeSquintRight": 0.5, "browOuterUpLeft": 0.75, "browInnerUp": 0.15, "browDownRight": 0.35,
         "mouthRight": 0.15, "headRoll": 0.08, "headYaw": -0.05},
        gains={"width": 0.1, "rounding": -0.1}, strong=0.9,
    ),
    "disgust": Face(  # 4 6 9 10 15 17
        {"noseSneer*": 1.0, "mouthUpperUp*": 0.5, "browDown*": 0.6, "cheekSquint*": 0.6, "eyeSquint*": 0.5,
         "mouthFrown*": 0.4, "mouthShrugLower": 0.3, "headPitch": -0.05, "headYaw": 0.07},
        gains={"jaw": -0.1, "rounding": -0.1}, strong=1.1,
    ),
    "fear": Face(  # 1 2 4 5 20 25
        {"browInnerUp": 1.0, "browOuterUp*": 0.2, "browDown*": 0.45, "eyeWide*": 1.0, "mouthStretch*": 0.68,
         "jawOpen": 0.1, "mouthLowerDown*": 0.2, "headPitch": -0.06},
        gains={"jaw": 0.05, "rounding": -0.15, "width": 0.15}, strong=1.15, flash=0.15,
    ),
    "grief": Face(  # 1 4 6 7 15 17
        {"browInnerUp": 1.0, "browDown*": 0.4, "eyeSquint*": 0.6, "cheekSquint*": 0.5, "eyeBlink*": 0.22,
         "mouthFrown*": 0.9, "mouthShrugLower": 0.45, "mouthStretch*": 0.25, "mouthLowerDown*": 0.18,
         "noseSneer*": 0.2, "headPitch": 0.12},
        gains={"jaw": -0.1, "height": 0.05}, strong=1.2, pause=0.15,
    ),
    "joy": Face(  # 6 12 25
        {"mouthSmile*": 0.85, "cheekSquint*": 0.85, "eyeSquint*": 0.4, "mouthDimple*": 0.12,
         "mouthUpperUp*": 0.16, "browOuterUp*": 0.15, "headPitch": -0.03},
        {"browOuterUp*": 0.12, "browInnerUp": 0.06},
        gains={"jaw": 0.05, "height": 0.1, "width": 0.1, "rounding": -0.2}, strong=0.85,
    ),
    "outofbreath": Face(
        {"jawOpen": 0.3, "mouthFunnel": 0.16, "mouthLowerDown*": 0.2, "browInnerUp": 0.5,
         "noseSneer*": 0.22, "eyeBlink*": 0.28, "eyeSquint*": 0.15, "headPitch": -0.09},
        gains={"jaw": -0.1}, pause=0.4,
    ),
    "pain": Face(  # 4 6 7 9 10 20 43
        {"browDown*": 0.9, "browInnerUp": 0.25, "cheekSquint*": 0.95, "eyeSquint*": 1.0, "eyeBlink*": 0.4,
         "noseSneer*": 0.6, "mouthUpperUp*": 0.35, "mouthStretch*": 0.5, "mouthLowerDown*": 0.15,
         "headYaw": 0.08, "headRoll": 0.06, "headPitch": -0.04},
        gains={"jaw": -0.05, "rounding": -0.15}, strong=1.15, flash=0.1,
    ),
    "sadness": Face(  # 1 4 15 17 43
        {"browInnerUp": 0.95, "browDown*": 0.1, "mouthFrown*": 0.85, "mouthShrugLower": 0.35,
         "eyeBlink*": 0.3, "eyeLookDown*": 0.3, "headPitch": 0.11, "headRoll": -0.04},
        gains={"jaw": -0.2, "height": -0.2, "width": -0.15},
    ),
}  # fmt: skip

SHARE = 0.28
"""Standard deviation of a curve's motion, as a share of what it holds."""
STIRS: dict[str, float] = {
    "browInnerUp": 0.05, "browOuterUp*": 0.05, "eyeWide*": 0.05, "cheekSquint*": 0.06, "noseSneer*": 0.05,
    "mouthUpperUp*": 0.02, "mouthLowerDown*": 0.02,
}  # fmt: skip
"""What every feeling stirs, however little of it the face holds."""

SPEAKING: dict[str, Face] = {
    "energy up": Face(
        {"browInnerUp": 0.08, "eyeWide*": 0.06},
        {"browInnerUp": 0.05, "browOuterUp*": 0.05, "headPitch": -0.015},
        gains={"jaw": 0.6, "height": 0.5, "width": 0.35, "rounding": 0.3},
    ),
    "energy down": Face(
        {"eyeBlink*": 0.08}, gains={"jaw": -0.5, "height": -0.45, "width": -0.45, "rounding": -0.35}
    ),
    "speaker_lively": Face(
        {"browInnerUp": 0.12, "browOuterUp*": 0.1, "eyeWide*": 0.08, "mouthSmile*": 0.06},
        {"browInnerUp": 0.13, "browOuterUp*": 0.13, "eyeWide*": 0.05, "headPitch": -0.035, "headYaw": 0.02},
        gains={"jaw": 0.2, "height": 0.15, "width": 0.1},
    ),
    "speaker_reserved": Face(
        {"eyeBlink*": 0.06, "mouthPress*": 0.06}, {"browInnerUp": 0.01},
        gains={"jaw": -0.3, "height": -0.3, "width": -0.3, "rounding": -0.2},
    ),
    "speaker_stern": Face(
        {"browDown*": 0.35, "eyeSquint*": 0.15, "mouthPress*": 0.1, "mouthFrown*": 0.08, "headPitch": 0.03},
        {"browDown*": 0.08, "headPitch": 0.015},
        gains={"jaw": -0.1, "width": -0.15},
    ),
    "speaker_warm": Face(
        {"mouthSmile*": 0.25, "cheekSquint*": 0.2, "browInnerUp": 0.15, "eyeSquint*": 0.08, "headRoll": 0.05},
        {"browInnerUp": 0.08, "cheekSquint*": 0.06, "headRoll": 0.02, "headPitch": -0.015},
        gains={"rounding": -0.05},
    ),
}  # fmt: skip
"""How energy and speakers show, at 1, in the order of the network's habits."""
