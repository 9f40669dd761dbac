"""Laws of iFacialMocap: the text as receivers split it, signs as the app's own datagrams have them."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxrig import rigs
from voxrig.errors import WireError
from voxrig.rigs.arkit import FULL_LOOK
from voxrig_bridge.codec import Codec
from voxrig_bridge.ifacialmocap import HANDSHAKES, STOP, IFacialMocap, greeted, parse

RIG = rigs.get("livelink")
REST = np.zeros(61, np.float32)
GOLDEN = (
    b"eyeBlink_L-100|eyeLookDown_L-0|eyeLookIn_L-0|eyeLookOut_L-0|eyeLookUp_L-0|eyeSquint_L-0|eyeWide_L-0|"
    b"eyeBlink_R-0|eyeLookDown_R-0|eyeLookIn_R-0|eyeLookOut_R-0|eyeLookUp_R-0|eyeSquint_R-0|eyeWide_R-0|"
    b"jawForward-0|jawLeft-7|jawRight-0|jawOpen-50|mouthClose-0|mouthFunnel-0|mouthPucker-0|"
    b"mouthLeft-0|mouthRight-12|mouthSmile_L-0|mouthSmile_R-35|mouthFrown_L-0|mouthFrown_R-0|"
    b"mouthDimple_L-0|mouthDimple_R-0|mouthStretch_L-0|mouthStretch_R-0|mouthRollLower-0|mouthRollUpper-0|"
    b"mouthShrugLower-0|mouthShrugUpper-0|mouthPress_L-0|mouthPress_R-0|mouthLowerDown_L-0|"
    b"mouthLowerDown_R-0|mouthUpperUp_L-0|mouthUpperUp_R-0|browDown_L-0|browDown_R-0|browInnerUp-0|"
    b"browOuterUp_L-0|browOuterUp_R-0|cheekPuff-0|cheekSquint_L-0|cheekSquint_R-0|noseSneer_L-0|"
    b"noseSneer_R-0|tongueOut-1|"
    b"=head#10.0000,-20.0000,5.0000,0,0,0|rightEye#0.0000,0.0000,0.0000|leftEye#0.0000,15.0000,0.0000|"
)


def pose(**curves: float) -> np.ndarray:
    values = REST.copy()
    for name, value in curves.items():
        values[RIG.index(name)] = value
    return values


SMILE = pose(
    EyeBlinkLeft=1,
    JawLeft=0.07,
    JawOpen=0.5,
    MouthRight=0.12,
    MouthSmileRight=0.35,
    TongueOut=0.01,
    HeadPitch=math.radians(10),  # down
    HeadYaw=math.radians(20),  # to the subject's right
    HeadRoll=math.radians(5),  # to the right shoulder
    LeftEyeYaw=math.radians(-15),  # to the subject's left
)


def test_a_frame_is_this_text() -> None:
    codec: Codec = IFacialMocap()
    assert codec.begin() == codec.end() == []
    assert codec.encode(SMILE, 0.0) == [GOLDEN]


def test_version_2_differs_by_its_mark() -> None:
    shapes, bones = GOLDEN.split(b"=")
    assert IFacialMocap(2).encode(SMILE, 0.0) == [shapes.replace(b"-", b"&") + b"=" + bones]


@pytest.mark.parametrize("version", [1, 2])
def test_what_goes_out_is_read_back(version: Literal[1, 2]) -> None:
    rng = np.random.default_rng(version)
    values = np.where(RIG.low < 0, rng.uniform(-1.5, 1.5, 61), rng.random(61)).astype(np.float32)
    face = parse(IFacialMocap(version).encode(values, 0.0)[0])
    assert face.version == version
    assert face.curves == set(RIG.curves)
    tolerance = np.where(RIG.low < 0, math.radians(1e-4), 0.00501)  # 4 places of a degree, whole percents
    assert (np.abs(face.values - values) <= tolerance).all()


def test_shapes_beyond_their_range_are_cut_to_it() -> None:
    face = parse(IFacialMocap().encode(pose(JawOpen=1.7, JawLeft=-0.3), 0.0)[0])
    assert np.array_equal(face.values, pose(JawOpen=1))


def test_rest_has_no_minus_zero() -> None:
    assert b"-0.0" not in IFacialMocap().encode(pose(HeadYaw=1e-9, HeadRoll=-1e-9), 0.0)[0]


@pytest.mark.parametrize(
    "captured",
    [  # from two datagrams of the app: what bears on the eyes, and the head
        b"eyeLookIn_R-54|eyeLookOut_L-44|eyeLookDown_L-16|eyeLookDown_R-16|hapihapi-0|"
        b"=head#-1.6704091,-7.3032465,2.886358,0.084120944,0.03458406,-0.4721467|"
        b"rightEye#5.3555145,19.067966,1.8478252|leftEye#5.5607924,15.616646,1.5515244|",
        b"trackingStatus-1|eyeLookIn_L-25|eyeLookOut_R-13|eyeLookDown_L-25|eyeLookDown_R-25|"
        b"=head#-16.512114,4.3503346,0.26299524,0.032684557,-0.08100321,-0.39741653|"
        b"rightEye#8.96733,-4.780719,-0.74686855|leftEye#8.807489,-9.080697,-1.4018708|",
    ],
)
def test_eyes_turn_where_the_shapes_of_the_app_look(captured: bytes) -> None:
    face = parse(captured)

    def at(curve: str) -> float:
        return float(face.values[RIG.index(curve)])

    for side, right in (("Left", 1), ("Right", -1)):  # inward is rightward for the left eye only
        look = right * (at(f"EyeLookIn{side}") - at(f"EyeLookOut{side}"))
        assert at(f"{side}EyeYaw") == pytest.approx(FULL_LOOK * look, abs=0.02)
        assert at(f"{side}EyePitch") == pytest.approx(FULL_LOOK * at(f"EyeLookDown{side}"), abs=0.02)
    assert "JawOpen" not in face.curves
    assert face.place[2] == pytest.approx(-0.43, abs=0.05)


def test_version_2_may_be_negative() -> None:
    face = parse(b"jawLeft&-40|jawOpen&12.5|")
    assert face.version == 2
    assert np.allclose(face.values, pose(JawLeft=-0.4, JawOpen=0.125))


def test_a_pc_asks_for_a_version_or_for_silence() -> None:
    assert [greeted(word) for word in HANDSHAKES.values()] == list(HANDSHAKES) == [1, 2]
    assert greeted(b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719") == 1
    assert greeted(HANDSHAKES[2] + b"\r\n\0") == 2
    assert greeted(STOP) == "stop"
    for other in (
        b"",
        b"iFacialMocap",
        HANDSHAKES[1] + b"0",
        HANDSHAKES[1].replace(b"_", b"_UDPTCP_"),
        GOLDEN,
    ):
        assert greeted(other) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_the_callers_mistake(value: float) -> None:
    codec = IFacialMocap()
    with pytest.raises(ValueError, match="HeadYaw is not"):
        codec.encode(pose(HeadYaw=value), 0.0)
    assert codec.encode(SMILE, 0.0) == [GOLDEN]


def test_a_frame_has_one_shape() -> None:
    with pytest.raises(ValueError, match=r"must be \(61,\) float32, got \(52,\)"):
        IFacialMocap().encode(REST[:52], 0.0)


def test_there_are_two_versions() -> None:
    with pytest.raises(ValueError, match="version must be 1 or 2, got 3"):
        IFacialMocap(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "no field"),
        (b"|||", "no field"),
        (b"hapihapi-0|", "no field"),
        (b"jawOpen|", "without a value"),
        (b"jawOpen-|", "not 1 numbers"),
        (b"jawOpen-1,2|", "not 1 numbers"),
        (b"jawOpen-nan|", "not 1 numbers"),
        (b"jawOpen-1e99|", "out of range"),
        (b"jawOpen-101|", "beyond 100 percent"),
        (b"jawOpen&-101|", "beyond 100 percent"),
        (b"jawOpen-1|jawLeft&1|", "without a value"),
        (b"=head#1,2,3|", "not 6 numbers"),
        (b"leftEye#1,2|", "not 3 numbers"),
        (b"leftEye#1,2,inf|", "not 3 numbers"),
        (b"leftEye#1,361,0|", "full turn"),
        ("jawOpen-1|mündung-1|".encode(), "not ASCII"),
        (b"x-0|" * 300, "too many fields"),
        (b"x" * 8193, "longer than any"),
        (b"jawOpen-" + b"9" * 5000, "not 1 numbers"),
    ],
)
def test_malformed_text_is_refused(data: bytes, fault: str) -> None:
    with pytest.raises(WireError, match=fault):
        parse(data)


TOKENS = st.sampled_from(
    [
        *GOLDEN.decode().split("|"),
        *"|-&#=,.e+",
        "jawOpen",
        "=head#",
        "leftEye#",
        "1",
        "-1e5",
        "9" * 400,
        "nan",
    ]
)


@settings(max_examples=500, deadline=None)
@given(
    data=st.binary(max_size=200) | st.lists(TOKENS, max_size=30).map(lambda parts: "".join(parts).encode())
)
def test_any_bytes_are_a_frame_or_a_wire_error(data: bytes) -> None:
    survives(data)


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(GOLDEN) - 1), byte=st.integers(0, 255), cut=st.integers(0, len(GOLDEN)))
def test_a_damaged_frame_is_a_frame_or_a_wire_error(at: int, byte: int, cut: int) -> None:
    damaged = GOLDEN[:at] + bytes([byte]) + GOLDEN[at + 1 :]
    survives(damaged)
    survives(damaged[:cut])


def survives(data: bytes) -> None:
    assert greeted(data) is None
    try:
        face = parse(data)
    except WireError:
        return
    assert face.curves
    assert np.isfinite(face.values).all()
    assert np.abs(face.values).max() <= max(1, 2 * math.pi + 1e-6)
