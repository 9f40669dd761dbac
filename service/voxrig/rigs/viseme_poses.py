"""What the mouth does for each of the 15 visemes of Oculus and OpenXR lip sync, on the native rig.

Our own values, for clear but unhurried speech. A trailing * stands for Left and Right. Curves that a
viseme does not name are at rest; sil names none. The lips of PP meet because mouthClose takes back
what jawOpen gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from voxrig.rigs.native import NATIVE, both
from voxrig.types import Array

VISEMES = ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou")
"""Order of the OVRLipSync and OpenXR enumerations."""

_POSES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "sil": {},
        "PP": {
            "jawOpen": 0.10,
            "mouthClose": 0.10,
            "mouthPress*": 0.50,
            "mouthRollLower": 0.35,
            "mouthRollUpper": 0.30,
        },
        "FF": {
            "jawOpen": 0.08,
            "mouthRollLower": 0.60,
            "mouthUpperUp*": 0.30,
            "mouthShrugUpper": 0.20,
            "mouthStretch*": 0.10,
        },
        "TH": {
            "jawOpen": 0.16,
            "tongueOut": 0.50,
            "tongueWide": 0.20,
            "mouthLowerDown*": 0.20,
            "mouthUpperUp*": 0.10,
        },
        "DD": {
            "jawOpen": 0.12,
            "tongueTipUp": 0.70,
            "tongueUp": 0.35,
            "mouthLowerDown*": 0.20,
            "mouthStretch*": 0.10,
        },
        "kk": {
            "jawOpen": 0.20,
            "tongueUp": 0.60,
            "tongueIn": 0.50,
            "mouthLowerDown*": 0.15,
            "mouthStretch*": 0.10,
        },
        "CH": {
            "jawOpen": 0.08,
            "mouthFunnel": 0.65,
            "mouthPucker": 0.15,
            "mouthUpperUp*": 0.15,
            "mouthLowerDown*": 0.20,
            "tongueTipUp": 0.25,
        },
        "SS": {
            "jawOpen": 0.04,
            "mouthStretch*": 0.40,
            "mouthSmile*": 0.20,
            "mouthLowerDown*": 0.30,
            "tongueNarrow": 0.30,
        },
        "nn": {
            "jawOpen": 0.16,
            "tongueTipUp": 0.55,
            "tongueWide": 0.50,
            "mouthUpperUp*": 0.10,
        },
        "RR": {
            "jawOpen": 0.14,
            "mouthPucker": 0.35,
            "mouthFunnel": 0.25,
            "tongueRollUp": 0.45,
            "tongueIn": 0.25,
        },
        "aa": {
            "jawOpen": 0.65,
            "mouthLowerDown*": 0.25,
            "mouthUpperUp*": 0.10,
            "tongueDown": 0.20,
        },
        "E": {
            "jawOpen": 0.32,
            "mouthStretch*": 0.35,
            "mouthSmile*": 0.15,
            "mouthLowerDown*": 0.35,
            "mouthUpperUp*": 0.20,
        },
        "ih": {
            "jawOpen": 0.16,
            "mouthSmile*": 0.50,
            "mouthStretch*": 0.10,
            "mouthLowerDown*": 0.15,
            "mouthUpperUp*": 0.15,
        },
        "oh": {
            "jawOpen": 0.42,
            "mouthFunnel": 0.50,
            "mouthPucker": 0.20,
        },
        "ou": {
            "jawOpen": 0.14,
            "mouthPucker": 0.85,
            "mouthFunnel": 0.20,
        },
    }
)


def poses() -> Array:
    """The 15 poses as rows on the native rig, (15, 71) float32, in the order of ``VISEMES``."""
    table = np.zeros((len(VISEMES), len(NATIVE)), np.float32)
    for row, viseme in enumerate(VISEMES):
        for pattern, weight in _POSES[viseme].items():
            for curve in both(pattern):
                table[row, NATIVE.index(curve)] = weight
    return table
