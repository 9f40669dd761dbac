"""FLAME: exact rotations without a file; expressions from a calibration; the file is never trusted."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from voxrig.errors import OutputError, RigError
from voxrig.rigs import flame, flame_file, flame_fit, head
from voxrig.rigs.native import ARKIT_CURVES, NATIVE

sys.path.insert(0, os.path.dirname(__file__))
import flame_model

PACK = Path(head.__file__).parent.parent / "packs" / "head.npz"


@pytest.fixture(scope="module")
def face() -> head.Head:
    return head.load()


@pytest.fixture(scope="module")
def synthetic(face: head.Head) -> flame_model.Synthetic:
    return flame_model.make(face)


@pytest.fixture(scope="module")
def model_path(synthetic: flame_model.Synthetic, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return flame_model.write_pickle(tmp_path_factory.mktemp("flame") / "model.pkl", synthetic)


@pytest.fixture(scope="module")
def command(model_path: Path) -> tuple[Path, list[tuple[str, float]]]:
    """The file that the command wrote for the first 60 expressions, and what it reported."""
    out = model_path.with_name("calibration.npz")
    return out, flame_fit.calibrate_command(model_path, out, 60)


@pytest.fixture(scope="module")
def calibration(command: tuple[Path, list[tuple[str, float]]]) -> flame.Calibration:
    return flame.load_calibration(command[0])


def native(**weights: float) -> np.ndarray:
    """One native frame (1, 110)."""
    frame = NATIVE.rest[None].copy()
    for name, weight in weights.items():
        frame[0, NATIVE.index(name)] = weight
    return frame


def joint(frame: np.ndarray, name: str) -> np.ndarray:
    return np.array([frame[0, flame.RIG.index(f"{name}_{axis}")] for axis in "xyz"])


# --- our head ---


def test_head_has_the_native_shapes_and_is_small(face: head.Head) -> None:
    assert face.curves == ARKIT_CURVES
    assert face.deltas.shape == (52, len(face.vertices), 3)
    assert all(face.delta(curve).any() for curve in face.curves)
    assert PACK.stat().st_size < 600_000


def test_head_landmarks_are_mirror_images_and_in_order(face: head.Head) -> None:
    place = {name: face.vertices[vertex] for name, vertex in face.landmarks.items()}
    for name in [name for name in place if name.endswith("_left")]:
        assert place[name][0] > 0.01
        np.testing.assert_array_equal(place[name] * [-1, 1, 1], place[name.replace("_left", "_right")])
    assert all(place[name][0] == 0 for name in place if not name.endswith(("_left", "_right")))
    down = ["brow_inner_left", "eye_inner_left", "nose_tip", "upper_lip_outer", "upper_lip_inner"]
    heights = [place[name][1] for name in [*down, "lower_lip_inner", "lower_lip_outer", "chin"]]
    assert heights == sorted(heights, reverse=True)
    assert place["nose_tip"][2] == face.vertices[:, 2].max()
    assert place["eye_inner_left"][0] < place["eye_outer_left"][0]


def test_head_jaw_drops_by_centimetres_and_mouth_close_shuts_the_lips(face: head.Head) -> None:
    def gap(posed: np.ndarray) -> float:
        lips = [posed[face.landmarks[f"{lip}_lip_inner"]] for lip in ("upper", "lower")]
        return float(np.linalg.norm(lips[0] - lips[1]))

    weights = np.zeros(52)
    weights[ARKIT_CURVES.index("jawOpen")] = 1
    opened = face.pose(weights)
    chin = face.landmarks["chin"]
    assert 0.015 < face.vertices[chin, 1] - opened[chin, 1] < 0.04
    weights[ARKIT_CURVES.index("mouthClose")] = 1
    assert gap(face.pose(np.zeros(52))) < 0.001
    assert gap(opened) > 0.03
    assert gap(face.pose(weights)) < 0.001


def test_head_left_shapes_move_the_left(face: head.Head) -> None:
    for curve in ("mouthSmile", "eyeBlink", "browDown", "cheekSquint"):
        moved = np.linalg.norm(face.delta(f"{curve}Left"), axis=1)
        assert np.average(face.vertices[:, 0], weights=moved) > 0.01


# --- rotations, no file ---


def test_jaw_constants_are_those_of_our_head(face: head.Head) -> None:
    jaw, chin = face.jaw(), face.landmarks["chin"]
    reach = face.vertices[chin, 2] - jaw.centre[2]
    assert jaw.angle == pytest.approx(flame.JAW_OPEN, abs=1e-4)
    assert np.arctan2(face.delta("jawLeft")[chin, 0], reach) == pytest.approx(flame.JAW_SIDE, abs=1e-4)


def test_neutral_stays_neutral() -> None:
    assert not flame.from_native(native()).any()


@pytest.mark.parametrize(
    ("curve", "name", "turn"),
    [
        ("jawOpen", "jaw", (flame.JAW_OPEN, 0, 0)),
        ("jawLeft", "jaw", (0, flame.JAW_SIDE, 0)),
        ("jawRight", "jaw", (0, -flame.JAW_SIDE, 0)),
        ("headYaw", "neck", (0, -1, 0)),
        ("headPitch", "neck", (1, 0, 0)),
        ("headRoll", "neck", (0, 0, 1)),
        ("eyeLookOutLeft", "left_eye", (0, 0.6, 0)),
        ("eyeLookInLeft", "left_eye", (0, -0.6, 0)),
        ("eyeLookOutRight", "right_eye", (0, -0.6, 0)),
        ("eyeLookInRight", "right_eye", (0, 0.6, 0)),
        ("eyeLookUpLeft", "left_eye", (-0.6, 0, 0)),
        ("eyeLookDownRight", "right_eye", (0.6, 0, 0)),
    ],
)
def test_one_curve_turns_one_joint(curve: str, name: str, turn: tuple[float, float, float]) -> None:
    frame = flame.from_native(native(**{curve: 1.0}))
    np.testing.assert_allclose(joint(frame, name), turn, atol=1e-6)
    assert np.count_nonzero(np.abs(frame) > 1e-7) == 1


def test_head_angles_compose_roll_then_pitch_then_yaw() -> None:
    angles = np.random.default_rng(1).uniform(-1.5, 1.5, (64, 3))
    values = np.repeat(native(), 64, axis=0)
    values[:, [NATIVE.index(name) for name in ("headYaw", "headPitch", "headRoll")]] = angles
    expected = Rotation.from_euler("YXZ", angles * [-1, 1, 1]).as_rotvec()
    np.testing.assert_allclose(flame.from_native(values)[:, :3], expected, atol=1e-6)


def test_a_frame_is_the_same_alone_or_among_many_and_in_range(calibration: flame.Calibration) -> None:
    rng = np.random.default_rng(2)
    values = rng.uniform(NATIVE.low, NATIVE.high, (33, 110)).astype(np.float32)
    for known in (None, calibration):
        rig = flame.rig(known) if known else flame.RIG
        together = flame.from_native(values, known)
        alone = np.concatenate([flame.from_native(values[i : i + 1], known) for i in range(33)])
        np.testing.assert_array_equal(together, alone)
        assert together.shape == (33, len(rig))
        assert together.dtype == np.float32
        assert (together >= rig.low).all()
        assert (together <= rig.high).all()


# --- calibration, on a synthetic model ---


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-12))


def spoken(synthetic: flame_model.Synthetic, made: flame.Calibration, curve: str) -> float:
    """Cosine between what the calibrated face does and what the shape really does to it."""
    posed = synthetic.posed(flame.from_native(native(**{curve: 1.0}), made)[0])
    return cosine(posed - synthetic.arrays["v_template"], synthetic.truth[ARKIT_CURVES.index(curve)])


def test_held_shapes_are_recovered(synthetic: flame_model.Synthetic, calibration: flame.Calibration) -> None:
    scores = {
        curve: spoken(synthetic, calibration, curve)
        for curve in ARKIT_CURVES
        if curve not in flame_model.ABSENT
    }
    assert min(scores.values()) > 0.9, scores
    assert scores["mouthSmileLeft"] > 0.98
    assert scores["jawOpen"] > 0.98


@pytest.mark.parametrize("weight", [0.1, 0.2, 0.3])
def test_mouth_close_shuts_an_open_jaw(
    synthetic: flame_model.Synthetic, calibration: flame.Calibration, weight: float
) -> None:
    """As in p, b, m: less than a tenth is left of the gap that the jaw alone would tear."""
    rest, follows = synthetic.arrays["v_template"], synthetic.arrays["weights"][:, 2]
    lifted = np.linalg.norm(synthetic.truth[ARKIT_CURVES.index("mouthClose")], axis=1)
    lower = np.flatnonzero((follows > 0.6) & (lifted > 0.8 * lifted.max()))
    upper = np.flatnonzero(follows < 0.3)
    distance, partner = cKDTree(rest[upper]).query(rest[lower])
    lower, upper = lower[distance < 0.005], upper[partner[distance < 0.005]]
    assert len(lower) > 10

    def gap(**weights: float) -> float:
        posed = synthetic.posed(flame.from_native(native(**weights), calibration)[0])
        return float(np.median(np.linalg.norm((posed - rest)[lower] - (posed - rest)[upper], axis=1)))

    assert gap(jawOpen=weight, mouthClose=weight) < 0.1 * gap(jawOpen=weight)


def test_residuals_tell_what_flame_cannot_hold(calibration: flame.Calibration) -> None:
    residual = dict(zip(calibration.names, calibration.residual, strict=True))
    apart = (*flame_model.ABSENT, *flame_model.JAW, "mouthClose")  # which also mends the arc of the jaw
    held = [curve for curve in ARKIT_CURVES if curve not in apart]
    assert residual["tongueOut"] == 1
    assert max(residual[curve] for curve in held) < 0.25
    assert min(residual[curve] for curve in flame_model.ABSENT) > max(residual[curve] for curve in held)
    assert residual["jawOpen"] < 0.25
    assert residual["mouthClose"] < 0.5


def test_control_shuffled_coefficients_say_something_else(
    synthetic: flame_model.Synthetic, calibration: flame.Calibration
) -> None:
    order = np.random.default_rng(3).permutation(calibration.e)
    shuffled = replace(calibration, matrix=calibration.matrix[:, order])
    mouth = [curve for curve in ARKIT_CURVES if curve.startswith("mouth")]
    scores = [abs(spoken(synthetic, shuffled, curve)) for curve in mouth]
    assert np.mean(scores) < 0.4


def test_coefficients_stay_within_the_limit(calibration: flame.Calibration) -> None:
    assert np.abs(calibration.matrix).max() <= flame_fit.LIMIT
    assert not flame.from_native(native(), calibration).any()
    rig = flame.rig(calibration)
    assert len(rig) == 12 + 60
    assert rig.curves[12] == "expression_000"
    assert (np.abs(rig.high[12:]) <= flame.LARGEST).all()


def test_jaw_of_a_calibrated_rig_is_the_exact_one(calibration: flame.Calibration) -> None:
    frame = flame.from_native(native(jawOpen=0.5), calibration)
    np.testing.assert_allclose(joint(frame, "jaw"), (flame.JAW_OPEN / 2, 0, 0), atol=1e-6)


def test_command_reports_what_it_writes(
    command: tuple[Path, list[tuple[str, float]]], calibration: flame.Calibration
) -> None:
    out, report = command
    assert report == list(zip(ARKIT_CURVES, calibration.residual.tolist(), strict=True))
    assert calibration.e == 60
    assert len(calibration.source) == 64
    assert sorted(os.listdir(out.parent)) == ["calibration.npz", "model.pkl"]


def test_calibration_cannot_be_written_is_an_output_error(
    calibration: flame.Calibration, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        flame.save_calibration(tmp_path / "no such folder" / "cal.npz", calibration)


def test_more_expressions_than_the_file_has(model_path: Path, face: head.Head) -> None:
    with pytest.raises(RigError, match="1 to 100"):
        flame_fit.calibrate(flame_file.read_model(model_path), face, 101)


# --- files ---


def test_npz_and_pickle_read_alike(
    synthetic: flame_model.Synthetic, model_path: Path, tmp_path: Path
) -> None:
    a = flame_file.read_model(model_path)
    b = flame_file.read_model(flame_model.write_npz(tmp_path / "model.npz", synthetic))
    for name in ("template", "triangles", "expressions", "pose", "joints", "weights"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=0, atol=1e-12)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_pickles_of_python_3_are_read(
    synthetic: flame_model.Synthetic, tmp_path: Path, protocol: int
) -> None:
    path = tmp_path / "model.pkl"
    small = {
        key: value.astype(np.float32 if value.dtype.kind == "f" else value.dtype)
        for key, value in synthetic.arrays.items()
    }
    path.write_bytes(pickle.dumps(small | {"v_template": np.asfortranarray(small["v_template"])}, protocol))
    np.testing.assert_array_equal(flame_file.read_model(path).template, small["v_template"].astype(float))


class _Command:
    """A pickle that would run a shell command."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call  # type: ignore[return-value]


@pytest.mark.parametrize("function", [os.system, eval, exec, subprocess.check_call, np.load, __import__])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_runs_code_is_refused_and_not_run(
    tmp_path: Path, function: object, protocol: int
) -> None:
    marker, path = tmp_path / "marker", tmp_path / "model.pkl"
    code = (
        f"touch {marker}" if function in (os.system, subprocess.check_call) else f"open({str(marker)!r}, 'w')"
    )
    path.write_bytes(pickle.dumps({"v_template": _Command(function, code)}, protocol))
    with pytest.raises(RigError, match="nothing was run"):
        flame_file.read_model(path)
    assert not marker.exists()


SETS_AN_ATTRIBUTE = b"\x80\x02cnumpy\nndarray\n(N}U\x07__new__cnumpy\ndtype\nstb."
REFERS_OUTSIDE = b"Pelsewhere\n."


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (SETS_AN_ATTRIBUTE, "tries to change its reader"),
        (REFERS_OUTSIDE, "objects outside the file"),
        (b"", "not a pickle"),
        (b"a text file\n", "not a pickle"),
        (b"PK\x03\x04 but no zip", "not a readable .npz"),
        (pickle.dumps([1, 2]), "not a FLAME model"),
        (pickle.dumps({"f": 1}), "lacks v_template, shapedirs"),
        (pickle.dumps(dict.fromkeys(flame_file.KEYS, 1)), "not known"),
        (
            pickle.dumps(dict.fromkeys(flame_file.KEYS, np.array(["a"], object))),
            "something else than numbers",
        ),
    ],
)
def test_bad_files_are_one_sentence(tmp_path: Path, raw: bytes, reason: str) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(raw)
    with pytest.raises(RigError, match=reason):
        flame_file.read_model(path)


def test_missing_truncated_and_large_files(
    model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RigError, match="No such file"):
        flame_file.read_model(tmp_path / "absent.pkl")
    cut = tmp_path / "cut.pkl"
    cut.write_bytes(model_path.read_bytes()[:100_000])
    with pytest.raises(RigError, match="cut short"):
        flame_file.read_model(cut)
    monkeypatch.setattr(flame_file, "LARGEST_FILE", 1 << 20)
    with pytest.raises(RigError, match="up to 1 MB"):
        flame_file.read_model(model_path)


def test_a_wrapper_that_holds_itself(tmp_path: Path) -> None:
    loop = flame_model.Ch(np.zeros(1))
    loop.x = loop  # type: ignore[assignment]
    path = tmp_path / "model.pkl"
    path.write_bytes(flame_model.dump(dict.fromkeys(flame_file.KEYS, loop)))
    with pytest.raises(RigError, match="not known"):
        flame_file.read_model(path)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("v_template", np.zeros((6890, 3)), r"v_template must be \(5023, 3\), got \(6890, 3\)"),
        ("shapedirs", np.zeros((5023, 3, 300)), "expressions follow the first 300"),
        ("weights", np.full((5023, 5), np.nan), "not finite"),
        ("f", np.full((4, 3), 5023), "f must index"),
        ("kintree_table", np.zeros((2, 5)), "parents"),
    ],
)
def test_arrays_that_are_not_flames(
    synthetic: flame_model.Synthetic, tmp_path: Path, key: str, value: np.ndarray, reason: str
) -> None:
    wrong = replace(synthetic, arrays=synthetic.arrays | {key: value})
    with pytest.raises(RigError, match=reason):
        flame_file.read_model(flame_model.write_npz(tmp_path / "model.npz", wrong))


def test_a_model_without_a_face_is_told(
    synthetic: flame_model.Synthetic, face: head.Head, tmp_path: Path
) -> None:
    wrong = replace(synthetic, arrays=synthetic.arrays | {"weights": np.zeros((5023, 5))})
    model = flame_file.read_model(flame_model.write_npz(tmp_path / "model.npz", wrong))
    with pytest.raises(RigError, match="no mouth"):
        flame_fit.calibrate(model, face)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"matrix": np.zeros((51, 100), np.float32)}, r"matrix must be \(52, e\)"),
        ({"matrix": np.full((52, 3), np.inf, np.float32)}, "not finite"),
        ({"names": np.array(["a"])}, "other shapes"),
        ({"residual": np.zeros(5, np.float32)}, "residual must be"),
    ],
)
def test_bad_calibrations(tmp_path: Path, change: dict[str, np.ndarray], reason: str) -> None:
    good = {
        "names": np.array(ARKIT_CURVES),
        "matrix": np.zeros((52, 2), np.float32),
        "residual": np.zeros(52, np.float32),
        "source": np.array("0" * 64),
    }
    path = tmp_path / "cal.npz"
    np.savez(path, **(good | change))
    with pytest.raises(RigError, match=reason):
        flame.load_calibration(path)


def test_calibration_from_something_else(model_path: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(RigError, match="lacks names, matrix, residual, source"):
        flame.load_calibration(tmp_path / "other.npz")
    with pytest.raises(RigError, match="not a readable"):
        flame.load_calibration(model_path)
    with pytest.raises(RigError, match="No such file"):
        flame.load_calibration(tmp_path / "absent.npz")
