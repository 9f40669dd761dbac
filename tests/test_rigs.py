"""Rigs by name and the maps between them: names, ranges, rest, mirror images, lossless round trips."""

from __future__ import annotations

import re
import time
from fractions import Fraction

import numpy as np
import pytest

from voxrig import rigs
from voxrig.errors import RigError
from voxrig.rigs import NATIVE, get, map_to
from voxrig.rigs.viseme_poses import VISEMES, poses
from voxrig.types import Array, Frames, Rig

FPS = Fraction(60)
TABLED = tuple(name for name in rigs.names() if name != "flame")  # flame has tests of its own
EMBEDDED = ("arkit", "livelink", "a2f", "a2f-52")
BOARD, RAW = get("metahuman-controls"), get("metahuman")

PAIRS = [(source, target) for source in ("native", *EMBEDDED) for target in TABLED]
PAIRS += [("metahuman", "metahuman-controls"), ("metahuman-controls", "metahuman")]


def frames(rig: Rig, values: Array) -> Frames:
    return Frames(rig, np.asarray(values, np.float32).reshape(-1, len(rig)), FPS)


def pose(rig: Rig, **weights: float) -> Frames:
    values = rig.rest.copy()
    for curve, weight in weights.items():
        values[rig.index(curve)] = weight
    return frames(rig, values)


def mapped(source: str, target: str, values: Array) -> Array:
    return map_to(get(source), get(target))(frames(get(source), values)).values


def noise(rig: Rig, count: int = 64, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(rig.low, rig.high, (count, len(rig))).astype(np.float32)


def native(target: str, **weights: float) -> Frames:
    return map_to(NATIVE, get(target))(pose(NATIVE, **weights))


# names


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("native", 110),
        ("arkit", 52),
        ("livelink", 61),
        ("a2f", 68),
        ("a2f-52", 52),
        ("metahuman", 251),
        ("metahuman-v3", 250),
        ("metahuman-controls", 185),
        ("vrm0", 17),
        ("vrm1", 18),
        ("visemes", 15),
        ("vrchat", 182),
    ],
)
def test_each_rig_has_its_published_number_of_curves(name: str, count: int) -> None:
    assert len(get(name)) == count
    assert rigs.describe(name).startswith(f"{count} curves: ")
    assert get(name).name == name


@pytest.mark.parametrize(
    ("name", "place", "curve"),
    [
        ("arkit", 0, "eyeBlinkLeft"),
        ("arkit", 51, "tongueOut"),
        ("native", 52, "tongueTipUp"),
        ("native", 70, "headRoll"),
        ("livelink", 15, "JawLeft"),
        ("livelink", 16, "JawRight"),
        ("livelink", 21, "MouthLeft"),
        ("livelink", 52, "HeadYaw"),
        ("livelink", 60, "RightEyeRoll"),
        ("a2f", 67, "TongueNarrow"),
        ("metahuman", 0, "CTRL_expressions_browDownL"),
        ("metahuman", 250, "CTRL_expressions_teethFwdD"),
        ("metahuman-controls", 0, "CTRL_C_jaw.X"),
        ("metahuman-controls", 180, "CTRL_L_mouth_thicknessInwardD"),
        ("metahuman-controls", 184, "CTRL_convergenceSwitch"),
        ("visemes", 0, "sil"),
        ("visemes", 14, "ou"),
        ("vrchat", 0, "v2/EyeSquintRight"),
        ("vrchat", 181, "v2/Head/PosZ"),
    ],
)
def test_curves_stand_where_their_owners_put_them(name: str, place: int, curve: str) -> None:
    assert get(name).curves[place] == curve


def test_live_link_csv_swaps_left_and_right_of_jaw_and_mouth() -> None:
    csv = rigs.LIVELINK_CSV_ORDER
    assert csv[14:18] == ("JawForward", "JawRight", "JawLeft", "JawOpen")
    assert csv[21:23] == ("MouthRight", "MouthLeft")
    assert sorted(csv) == sorted(get("livelink").curves)
    assert sum(a != b for a, b in zip(csv, get("livelink").curves, strict=True)) == 4


def test_metahuman_generations_differ_in_tongue_lips_and_neck() -> None:
    new, old = set(get("metahuman").curves), set(get("metahuman-v3").curves)
    assert len(new | old) == 265
    assert "CTRL_expressions_tongueRollUp" in old - new
    assert "CTRL_expressions_headBackCor" in old - new
    assert "CTRL_expressions_mouthLipsThinInwardUL" in new - old


def test_unknown_rig_is_named_with_the_choices() -> None:
    with pytest.raises(RigError, match=r"^unknown rig 'arkit2'; have native, arkit, livelink, "):
        get("arkit2")


def test_missing_map_is_named_with_the_choices() -> None:
    with pytest.raises(RigError, match=r"^no map from metahuman to arkit; have metahuman-controls$"):
        map_to(get("metahuman"), get("arkit"))
    with pytest.raises(RigError, match=r"^no map from vrm1 to native; have none$"):
        map_to(get("vrm1"), NATIVE)


def test_a_stranger_under_a_known_name_has_no_map() -> None:
    stranger = Rig("arkit", *(getattr(get("visemes"), part) for part in ("curves", "low", "high", "rest")))
    with pytest.raises(RigError, match="curves of rig 'arkit' differ"):
        map_to(NATIVE, stranger)


def test_a_map_refuses_frames_of_another_rig() -> None:
    with pytest.raises(ValueError, match="a map from arkit was given frames on visemes"):
        map_to(get("arkit"), NATIVE)(pose(get("visemes")))


# laws of every map


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_the_neutral_face_maps_to_the_neutral_face(source: str, target: str) -> None:
    np.testing.assert_allclose(mapped(source, target, get(source).rest)[0], get(target).rest, atol=1e-7)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_output_stays_in_range_and_the_input_unchanged(source: str, target: str) -> None:
    values = noise(get(source))
    kept = values.copy()
    result = map_to(get(source), get(target))(Frames(get(source), values, FPS, start=7))
    assert result.rig is get(target)
    assert (result.fps, result.start, result.values.dtype) == (FPS, 7, np.float32)
    assert (result.values >= get(target).low).all()
    assert (result.values <= get(target).high).all()
    np.testing.assert_array_equal(values, kept)


@pytest.mark.parametrize("target", TABLED)
def test_a_frame_maps_alike_alone_and_among_others(target: str) -> None:
    values = noise(NATIVE, 40)
    together = mapped("native", target, values)
    alone = np.concatenate([mapped("native", target, row) for row in values])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6 if target in _FITTED else 0)


_FITTED = ("visemes", "vrm0", "vrm1")  # the viseme fit uses matrix products, which round by batch


def test_no_frames_map_to_no_frames() -> None:
    for target in TABLED:
        assert map_to(NATIVE, get(target))(frames(NATIVE, NATIVE.rest[:0])).values.shape == (
            0,
            len(get(target)),
        )


def test_ten_minutes_map_quickly() -> None:
    clip = frames(NATIVE, np.tile(noise(NATIVE, 100), (360, 1)))
    to_metahuman = map_to(NATIVE, get("metahuman"))
    begin = time.process_time()
    to_metahuman(clip)
    assert time.process_time() - begin < 2.0  # seconds; a tenth of that is usual, machines differ


# mirror images


def _mirror(rig: Rig) -> tuple[list[int], Array]:
    """Column and sign of each curve's mirror image."""
    names = [_mirror_name(rig.name, curve) for curve in rig.curves]
    signs = np.array([-1.0 if _turns_sideways(rig.name, curve) else 1.0 for curve in rig.curves], np.float32)
    return [rig.index(name) for name in names], signs


def _mirror_name(rig: str, curve: str) -> str:
    swap = {"Left": "Right", "Right": "Left", "L": "R", "R": "L"}
    if rig.startswith("metahuman"):
        pattern = r"(?<=CTRL_)[LR](?=_)" if rig == "metahuman-controls" else r"Left|Right|[LR]$|[LR](?=Ph\d)"
    elif rig == "vrm0":
        pattern = r"Left|Right|(?<=_)[LR]$"
    elif rig == "visemes":
        return curve
    else:
        pattern = r"Left|Right"
    return re.sub(pattern, lambda match: swap[match.group()], curve)


def _turns_sideways(rig: str, curve: str) -> bool:
    """Whether the curve's sign, and not its name, tells left from right."""
    if rig == "metahuman-controls":
        middle = curve.startswith("CTRL_C_") and curve.endswith(".X")
        return middle or "lipShift" in curve or curve in ("CTRL_L_eye.X", "CTRL_R_eye.X")
    if rig == "vrchat":
        return bool(re.search(r"(/Yaw|/Roll|X)$", curve))
    return bool(re.search(r"(Yaw|Roll)$", curve)) and "ongue" not in curve


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_mirrored_face_maps_to_the_mirror_image(source: str, target: str) -> None:
    values = noise(get(source))
    columns_in, signs_in = _mirror(get(source))
    columns_out, signs_out = _mirror(get(target))
    straight = mapped(source, target, values)[:, columns_out] * signs_out
    np.testing.assert_allclose(mapped(source, target, values[:, columns_in] * signs_in), straight, atol=1e-5)


# round trips


@pytest.mark.parametrize("name", ["arkit", "a2f", "a2f-52"])
def test_spellings_of_arkit_survive_the_way_to_native_and_back(name: str) -> None:
    values = noise(get(name))
    np.testing.assert_array_equal(mapped("native", name, mapped(name, "native", values)), values)


def test_live_link_survives_but_for_eye_angles_that_follow_from_the_eye_shapes() -> None:
    values = noise(get("livelink"))
    back = mapped("native", "livelink", mapped("livelink", "native", values))
    np.testing.assert_array_equal(back[:, :55], values[:, :55])
    np.testing.assert_array_equal(mapped("native", "livelink", mapped("livelink", "native", back)), back)


def test_native_survives_live_link_but_for_tongue_and_phones() -> None:
    values = noise(NATIVE)
    values[:, 52:68] = values[:, 71:] = 0
    np.testing.assert_array_equal(mapped("livelink", "native", mapped("native", "livelink", values)), values)


def _sliders() -> list[str]:
    fixed = ("CTRL_C_eye.X", "CTRL_C_eye.Y", "CTRL_L_mouth_lipsPressD", "CTRL_R_mouth_lipsPressD")
    return [
        curve
        for curve in BOARD.curves[:181]
        if curve not in fixed and not re.search("follow|Switch", curve, re.I)
    ]


@pytest.mark.parametrize("channel", _sliders())
def test_each_control_comes_back_from_the_raw_controls(channel: str) -> None:
    column = BOARD.index(channel)
    ramp = np.tile(BOARD.rest, (41, 1))
    ramp[:, column] = np.linspace(BOARD.low[column], BOARD.high[column], 41)
    if channel == "CTRL_C_neck_swallow":
        ramp = ramp[:-1]  # a swallow that has ended looks like none
    raw = mapped("metahuman-controls", "metahuman", ramp)
    assert raw.any()
    np.testing.assert_allclose(mapped("metahuman", "metahuman-controls", raw), ramp, atol=1e-6)


def test_raw_controls_come_back_from_the_board_where_no_two_oppose() -> None:
    for column, curve in enumerate(RAW.curves):
        if re.search(r"Ph\d$", curve):
            continue  # phases exist only along their slider, tested above
        ramp = np.zeros((11, len(RAW)), np.float32)
        ramp[:, column] = np.linspace(0, 1, 11)
        board = mapped("metahuman", "metahuman-controls", ramp)
        np.testing.assert_allclose(
            mapped("metahuman-controls", "metahuman", board), ramp, atol=1e-7, err_msg=curve
        )


@pytest.mark.parametrize(
    ("channel", "value", "raw"),
    [
        ("CTRL_C_jaw.X", -1, "jawLeft"),
        ("CTRL_C_mouth.X", 1, "mouthLeft"),
        ("CTRL_L_eye_blink", 1, "eyeBlinkL"),
        ("CTRL_R_eye_blink", -1, "eyeWidenR"),
        ("CTRL_C_tongue_inOut", -1, "tongueOut"),
        ("CTRL_C_jaw_fwdBack", -1, "jawFwd"),
        ("CTRL_L_eye_eyelidU", -1, "eyeUpperLidUpL"),
        ("CTRL_R_nose.X", 1, "noseNostrilDilateR"),
        ("CTRL_L_eye.X", 1, "eyeLookLeftL"),
        ("CTRL_R_mouth_corner.X", 1, "mouthCornerWideR"),
    ],
)
def test_signs_of_the_board(channel: str, value: float, raw: str) -> None:
    values = BOARD.rest.copy()
    values[BOARD.index(channel)] = value
    result = mapped("metahuman-controls", "metahuman", values)[0]
    assert [RAW.curves[i] for i in np.flatnonzero(result)] == [f"CTRL_expressions_{raw}"]


def test_both_eyes_follow_the_control_between_them() -> None:
    values = BOARD.rest.copy()
    values[BOARD.index("CTRL_C_eye.Y")] = -0.5
    result = mapped("metahuman-controls", "metahuman", values)[0]
    assert result[RAW.index("CTRL_expressions_eyeLookDownL")] == 0.5
    assert result[RAW.index("CTRL_expressions_eyeLookDownR")] == 0.5


# what single tables promise


@pytest.mark.parametrize(
    ("mouth_close", "jaw_open", "together"),
    [
        (0.2, 0.4, 0.5),
        (0.4, 0.2, 1.0),
        (0.0, 0.5, 0.0),
        (0.3, 0.0, 0.0),
        (0.0, 0.0, 0.0),
        (0.001, 0.001, 0.05),
    ],
)
def test_lips_together_is_mouth_close_over_jaw_open(
    mouth_close: float, jaw_open: float, together: float
) -> None:
    for target in ("metahuman", "metahuman-v3"):
        result = native(target, mouthClose=mouth_close, jawOpen=jaw_open)
        for quarter in ("UL", "UR", "DL", "DR"):
            curve = result.curve(f"CTRL_expressions_mouthLipsTogether{quarter}")
            assert curve[0] == pytest.approx(together, abs=1e-6)


def test_eyes_of_a_metahuman_look_left_and_right_not_in_and_out() -> None:
    result = native("metahuman", eyeLookOutLeft=1.0, eyeLookInRight=0.5)
    assert result.curve("CTRL_expressions_eyeLookLeftL")[0] == 1.0
    assert result.curve("CTRL_expressions_eyeLookLeftR")[0] == 0.5


def test_every_mouth_curve_reaches_the_metahuman() -> None:
    alone = {"mouthClose", "headYaw", "headPitch", "headRoll"}  # needs the jaw; turned by bones
    for target in ("metahuman", "metahuman-v3", "metahuman-controls"):
        moved = mapped("native", target, np.eye(110, dtype=np.float32)) - get(target).rest
        still = {NATIVE.curves[i] for i in np.flatnonzero(~moved.any(axis=1))}
        assert {name for name in still if not name.startswith("phone_")} == alone


def test_live_link_eyes_turn_in_radians() -> None:
    result = native("livelink", eyeLookOutLeft=1.0, eyeLookInRight=1.0, eyeLookDownLeft=0.5, headYaw=0.3)
    assert result.curve("LeftEyeYaw")[0] == pytest.approx(-0.6)
    assert result.curve("RightEyeYaw")[0] == pytest.approx(-0.6)
    assert result.curve("LeftEyePitch")[0] == pytest.approx(0.3)
    assert result.curve("HeadYaw")[0] == pytest.approx(0.3)


def test_each_viseme_pose_is_read_as_itself() -> None:
    weights = mapped("native", "visemes", poses())
    assert np.diag(weights).min() >= 0.8
    assert weights[0, 0] == 1.0


def test_viseme_weights_sum_to_one() -> None:
    np.testing.assert_allclose(mapped("native", "visemes", noise(NATIVE)).sum(axis=1), 1.0, atol=1e-6)


def test_half_a_viseme_is_half_silence() -> None:
    weights = mapped("native", "visemes", poses() / 2)[VISEMES.index("aa")]
    assert weights[VISEMES.index("aa")] == pytest.approx(0.5, abs=0.05)
    assert weights[VISEMES.index("sil")] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("viseme", "vowel"), [("aa", "A"), ("ih", "I"), ("ou", "U"), ("E", "E"), ("oh", "O")]
)
def test_vowels_reach_a_vrm(viseme: str, vowel: str) -> None:
    values = mapped("native", "vrm0", poses()[VISEMES.index(viseme)])[0]
    assert get("vrm0").curves[int(values.argmax())] == vowel
    assert values.max() >= 0.8


def test_consonants_that_shut_the_mouth_leave_a_vrm_alone() -> None:
    closed = [VISEMES.index(viseme) for viseme in ("sil", "PP", "FF", "TH")]
    assert mapped("native", "vrm1", poses()[closed]).max() < 0.1


def test_a_blink_is_shared_and_a_wink_is_not() -> None:
    blink = native("vrm1", eyeBlinkLeft=1.0, eyeBlinkRight=0.25)
    assert [blink.curve(name)[0] for name in ("blink", "blinkLeft", "blinkRight")] == [0.25, 0.75, 0.0]


def test_vrm_emotions_need_more_than_speech_and_share_one() -> None:
    smile = native("vrm1", mouthSmileLeft=1.0, mouthSmileRight=1.0)
    assert smile.curve("happy")[0] == pytest.approx(1.0)
    assert native("vrm1", mouthSmileLeft=0.3, mouthSmileRight=0.3).curve("happy")[0] == 0.0
    emotions = mapped("native", "vrm1", np.ones(110, np.float32))[0, 8:13]
    assert emotions.sum() == pytest.approx(1.0)
    assert native("vrm1", browDownLeft=1.0, browDownRight=1.0).curve("neutral")[0] == 0.0


def test_vrchat_eyes_are_open_at_rest_and_close() -> None:
    rest, shut = native("vrchat"), native("vrchat", eyeBlinkLeft=1.0)
    assert [rest.curve(f"v2/{name}")[0] for name in ("EyeOpen", "EyeLid", "EyeClosed")] == [1.0, 0.75, 0.0]
    assert [shut.curve(f"v2/{name}Left")[0] for name in ("EyeOpen", "EyeLid", "EyeClosed")] == [0.0, 0.0, 1.0]
    assert shut.curve("v2/EyeOpen")[0] == 0.5


@pytest.mark.parametrize(
    ("curve", "parameter", "value"),
    [
        ("jawRight", "JawX", 1.0),
        ("jawLeft", "JawX", -1.0),
        ("mouthSmileLeft", "SmileFrownLeft", 1.0),
        ("mouthSmileLeft", "SmileFrown", 0.5),
        ("mouthFrownRight", "SmileSadRight", -1.0),
        ("browDownLeft", "BrowExpressionLeft", -1.0),
        ("mouthFunnel", "LipSuckFunnelUpper", -1.0),
        ("mouthPucker", "LipPuckerLeft", 1.0),
        ("eyeLookOutRight", "EyeRightX", 1.0),
        ("eyeLookUpLeft", "EyeY", 0.5),
        ("eyeWideRight", "EyeWide", 1.0),
        ("tongueUp", "TongueY", 1.0),
        ("headYaw", "Head/Yaw", 2 / np.pi),
    ],
)
def test_vrchat_combined_parameters(curve: str, parameter: str, value: float) -> None:
    assert native("vrchat", **{curve: 1.0}).curve(f"v2/{parameter}")[0] == pytest.approx(value)
