"""Rigs that are the ARKit shapes under another spelling: arkit, livelink, a2f, a2f-52.

All of them embed in the native rig without loss; only Live Link Face adds curves of its own,
the eye angles, which follow from the eyeLook shapes.
"""

from __future__ import annotations

from voxrig.rigs.curves import ANGLE, rig
from voxrig.rigs.linear import Linear, Row, linear
from voxrig.rigs.native import ARKIT_CURVES, HEAD_CURVES, NATIVE, TONGUE_CURVES
from voxrig.types import Rig

FULL_LOOK = 0.6
"""Radians that an eye turns when one eyeLook shape is 1, measured on Live Link Face recordings."""


def _pascal(curve: str) -> str:
    """jawOpen -> JawOpen."""
    return curve[0].upper() + curve[1:]


_EYE_ANGLES = tuple(f"{side}Eye{axis}" for side in ("Left", "Right") for axis in ("Yaw", "Pitch", "Roll"))
_LIVELINK_CURVES = (*map(_pascal, ARKIT_CURVES + HEAD_CURVES), *_EYE_ANGLES)

ARKIT = rig("arkit", ARKIT_CURVES)

LIVELINK = rig("livelink", _LIVELINK_CURVES, dict.fromkeys((*map(_pascal, HEAD_CURVES), *_EYE_ANGLES), ANGLE))
"""Order of the UDP packet (Unreal's EARFaceBlendShape). Signs of the angles as on the native rig."""

A2F = rig("a2f", map(_pascal, ARKIT_CURVES + TONGUE_CURVES))
A2F_52 = rig("a2f-52", map(_pascal, ARKIT_CURVES))


def _csv_order() -> tuple[str, ...]:
    swap = {"JawLeft": "JawRight", "MouthLeft": "MouthRight"}
    swap |= {right: left for left, right in swap.items()}
    return tuple(swap.get(name, name) for name in _LIVELINK_CURVES)


LIVELINK_CSV_ORDER = _csv_order()
"""Columns of the app's CSV, after Timecode and BlendShapeCount: right comes before left for the jaw
and the mouth, unlike in the UDP packet. Look columns up by name, never by place."""


def _shared(target: Rig) -> dict[str, str]:
    """Native curve -> curve of ``target``, for those it has under its own spelling."""
    spelled = {curve[0].lower() + curve[1:]: curve for curve in target.curves}
    return {curve: spelled[curve] for curve in NATIVE.curves if curve in spelled}


def _eye_rows() -> list[Row]:
    """Eye angles in radians: yaw + to the subject's right, pitch + down."""
    inward = {"Left": FULL_LOOK, "Right": -FULL_LOOK}  # inward is rightward for the left eye only
    rows: list[Row] = []
    for side, turn in inward.items():
        rows += [
            (f"eyeLookIn{side}", f"{side}EyeYaw", turn),
            (f"eyeLookOut{side}", f"{side}EyeYaw", -turn),
            (f"eyeLookDown{side}", f"{side}EyePitch", FULL_LOOK),
            (f"eyeLookUp{side}", f"{side}EyePitch", -FULL_LOOK),
        ]
    return rows


def from_native(target: Rig) -> Linear:
    """Native to one of the rigs of this file."""
    rows: list[Row] = [(native, theirs, 1.0) for native, theirs in _shared(target).items()]
    if target is LIVELINK:
        rows += _eye_rows()
    return linear(NATIVE.curves, target.curves, rows)


def to_native(source: Rig) -> Linear:
    """One of the rigs of this file to native; curves that it lacks stay at rest."""
    return linear(
        source.curves, NATIVE.curves, [(theirs, native, 1.0) for native, theirs in _shared(source).items()]
    )
