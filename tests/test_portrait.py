"""Laws of a photo that speaks: it stays itself, it moves where it should, and poor photos are refused."""

from __future__ import annotations

import functools
import io
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba", reason="portraits need numba")
Image = pytest.importorskip("PIL.Image", reason="portraits need pillow")

from voxrig.errors import FormatError, ModelError  # noqa: E402
from voxrig.render.portrait import Landmarks, Portrait, atlas, load, mark, models, photo, slit  # noqa: E402
from voxrig.render.portrait.cover import covered  # noqa: E402
from voxrig.render.portrait.fit import fitted  # noqa: E402
from voxrig.render.portrait.mouth import biting  # noqa: E402
from voxrig.render.portrait.pyramid import filled  # noqa: E402
from voxrig.rigs import head as heads  # noqa: E402
from voxrig.rigs.native import NATIVE, both  # noqa: E402

SIZE = 128


def pose(**weights: float) -> np.ndarray:
    """Values of the native rig; a trailing _ stands for Left and Right."""
    values = np.zeros(len(NATIVE), np.float32)
    for name, weight in weights.items():
        for curve in both(name.replace("_", "*")):
            values[NATIVE.index(curve)] = weight
    return values


def marks(jaw: float = 0.0, yaw: float = 0.0, person: bool = True) -> Landmarks:
    """Where the landmarks of the drawn head are, exactly."""
    head = heads.load()
    weights = np.zeros(len(head.curves), np.float32)
    weights[head.curves.index("jawOpen")] = jaw
    c, s = np.cos(yaw), np.sin(yaw)
    points = atlas.load().at(head.pose(weights)) @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    placed = atlas.placed(points) * [1, 1, -1]
    mask = (drawn(jaw) != 110).any(-1).astype(np.float32) if person else None
    return Landmarks(placed.astype(np.float32), None, mask)


@functools.cache
def drawn(jaw: float = 0.0) -> np.ndarray:
    """A photo of our own head on a background with a pattern."""
    picture = atlas.drawn(heads.load(), jaw).copy()
    return picture


@functools.cache
def portrait(jaw: float = 0.0, person: bool = True) -> Portrait:
    return Portrait(drawn(jaw), marks(jaw, person=person), SIZE, mark=False)


def expression(of: Portrait) -> np.ndarray:
    """The values with which a photo shows its own expression."""
    return np.pad(of.expression, (0, len(NATIVE) - len(of.expression)))


def away(of: Portrait, reach: float) -> np.ndarray:
    """Pixels (h, w) farther from the mouth's opening than ``reach``, in half mouths."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    lips = of.lips
    here = lips.at(np.stack([x, y], -1))
    inside = (here[..., 1] > lips.upper.min() - reach * lips.half) & (
        here[..., 1] < lips.lower.max() + reach * lips.half
    )
    return ~(inside & (np.abs(here[..., 0]) < 1 + reach))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(((a.astype(float) - b) ** 2).mean(), 1e-9)))


@pytest.mark.parametrize("jaw", [0.0, 0.35])
@pytest.mark.parametrize("person", [True, False])
def test_with_its_own_expression_a_photo_is_itself(jaw: float, person: bool) -> None:
    speaking = portrait(jaw, person)
    out = speaking.draw(expression(speaking))
    outside = away(speaking, 0.12)
    assert psnr(out[outside], speaking.photo[outside]) > 45
    assert psnr(out, speaking.photo) > 20  # the mouth's inside too is something like a mouth


def test_still_values_give_a_still_picture() -> None:
    values = pose(jawOpen=0.3, mouthSmile_=0.2, headYaw=0.1, eyeLookInLeft=0.3, eyeBlink_=0.4)
    first = portrait().draw(values).copy()
    portrait().draw(pose(jawOpen=0.8, headRoll=-0.2, eyeBlink_=1))
    np.testing.assert_array_equal(portrait().draw(values), first)


def test_lips_are_shut_at_rest_also_if_the_photo_smiles() -> None:
    for jaw in (0.0, 0.35):
        assert portrait(jaw).motion.gap(pose()) < 0.35


@pytest.mark.parametrize("jaw", [0.0, 0.35])
def test_the_wider_the_jaw_the_wider_the_mouth(jaw: float) -> None:
    gaps = [portrait(jaw).motion.gap(pose(jawOpen=float(w))) for w in np.linspace(0, 1, 11)]
    assert (np.diff(gaps) > 0).all()
    assert gaps[-1] > 0.12 * SIZE / 2.3


def test_pressed_lips_never_cross() -> None:
    for values in (pose(mouthClose=1), pose(mouthPress_=1, mouthRollLower=1), pose(mouthShrugLower=1)):
        assert portrait().motion.gap(values) > -0.25


@pytest.mark.parametrize("person", [True, False])
def test_what_is_far_from_the_head_never_changes(person: bool) -> None:
    speaking = portrait(0.0, person)
    rest = speaking.photo
    for values in (
        pose(headYaw=0.4, jawOpen=1),
        pose(headPitch=-0.4, headRoll=0.4),
        pose(headYaw=-9, headPitch=9, headRoll=9, mouthPucker=1),
    ):
        out = speaking.draw(values)
        np.testing.assert_array_equal(out[:, :6], rest[:, :6])
        np.testing.assert_array_equal(out[:, -6:], rest[:, -6:])
        np.testing.assert_array_equal(out[-3:], rest[-3:])


def test_a_turned_head_moves_and_a_mouth_stays_below_the_eyes() -> None:
    rest = portrait().draw(pose()).astype(int)
    changed = np.abs(portrait().draw(pose(headYaw=0.2)).astype(int) - rest).max(-1) > 8
    assert changed.mean() > 0.02
    changed = np.abs(portrait().draw(pose(jawOpen=0.5)).astype(int) - rest).max(-1) > 3
    top = np.flatnonzero(changed.any(1))[0]
    assert top > portrait().marks.points[[159, 386], 1].max()


def test_a_blink_covers_the_eye() -> None:
    white = drawn().copy()
    found = marks()
    y, x = np.mgrid[: white.shape[0], : white.shape[1]] + 0.5
    for side in ("Right", "Left"):
        eye = slit.eye(found.points, side)
        places = np.stack([x, y], -1)
        inside = (eye.below(places, eye.upper) > 0.12 * eye.half) & (eye.below(places, eye.lower) < 0)
        white[inside & (np.abs(eye.at(places)[..., 0]) < 1)] = 255
    speaking = Portrait(white, found, 256, mark=False)

    def seen(values: np.ndarray) -> int:
        out = speaking.draw(values).astype(int)
        return int((out.min(-1) > 230).sum())

    open_, half, shut = (seen(pose(eyeBlink_=w)) for w in (0.0, 0.5, 1.0))
    assert shut <= 0.05 * open_
    assert shut < half < open_
    one = seen(pose(eyeBlinkLeft=1))
    assert 0.3 * open_ < one < 0.7 * open_


def test_an_eye_that_looks_aside_stays_within_its_lids() -> None:
    rest = portrait().draw(pose()).astype(int)
    looks = portrait().draw(pose(eyeLookInLeft=1, eyeLookOutRight=1)).astype(int)
    changed = np.argwhere(np.abs(looks - rest).max(-1) > 4)
    points = portrait().marks.points
    low, high = points[[33, 263], 0].min(), points[[33, 263], 0].max()
    assert len(changed) > 5
    assert changed[:, 1].min() > low - 2
    assert changed[:, 1].max() < high + 2
    assert np.ptp(changed[:, 0]) < 0.25 * SIZE


def test_teeth_stay_with_the_skull_and_not_with_the_lips() -> None:
    turn = np.eye(3, 4, dtype=np.float32)
    poses = (pose(), pose(mouthUpperUp_=1), pose(jawOpen=1))
    shut, lifted, wide = (biting(portrait().mouth, values, turn) for values in poses)
    np.testing.assert_allclose(lifted, shut, atol=1e-4)
    np.testing.assert_allclose(wide[0], shut[0], atol=1e-4)
    assert wide[1, 1] > shut[1, 1] + 0.05 * SIZE


def test_the_mark_is_small_and_may_be_left_out() -> None:
    marked = Portrait(drawn(), marks(), SIZE).draw(pose()).astype(int)
    plain = portrait().draw(pose()).astype(int)
    changed = np.argwhere(np.abs(marked - plain).max(-1) > 0)
    assert 20 < len(changed) < 0.03 * SIZE**2
    assert (changed > 0.7 * SIZE).all()


def test_files_can_say_that_they_are_made() -> None:
    assert "AI-generated" in mark.texts()["comment"]
    assert mark.texts()["DigitalSourceType"].endswith("/compositeSynthetic")
    assert mark.SOURCE_TYPE in mark.xmp()


def test_the_atlas_is_symmetric_and_lies_on_the_head() -> None:
    table = atlas.load()
    assert table.corners.max() < len(heads.load().vertices)
    np.testing.assert_allclose(table.shares.sum(1), 1, atol=1e-6)
    points = table.at(heads.load().vertices)
    pairs = [(33, 263), (133, 362), (61, 291), (172, 397), (159, 386)]
    for right, left in pairs:
        np.testing.assert_allclose(points[right] * [-1, 1, 1], points[left], atol=3e-3)


def test_the_head_is_laid_on_the_landmarks() -> None:
    head, table = heads.load(), atlas.load()
    found = marks(0.35)
    fit = fitted(head, table, found)
    assert abs(fit.weights[head.curves.index("jawOpen")] - 0.35) < 0.2
    off = table.at(fit.points)[:, :2] * [1, -1] - found.points[:, :2]
    assert np.abs(off).max() < 2.5
    assert fit.turned < np.radians(3)


def test_a_face_turned_away_is_refused() -> None:
    fitted(heads.load(), atlas.load(), marks(yaw=0.4))
    with pytest.raises(FormatError, match=r"turned away by 4[0-9]°; at most 35°"):
        fitted(heads.load(), atlas.load(), marks(yaw=0.8), "me.jpg")


def test_odd_calls_are_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="even number"):
        Portrait(drawn(), marks(), 129)
    with pytest.raises(ValueError, match="uint8"):
        Portrait(drawn().astype(np.float32), marks(), SIZE)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="landmarks must be"):
        Landmarks(np.zeros((467, 3), np.float32))


def test_filling_keeps_what_is_known_and_stays_within_it() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((37, 51, 2), dtype=np.float32)
    known = (rng.random((37, 51)) < 0.2).astype(np.float32)
    out = filled(values, known, 5)
    np.testing.assert_array_equal(out[known > 0], values[known > 0])
    assert out.min() >= 0
    assert out.max() <= 1


def test_covering_finds_the_nearer_triangle() -> None:
    points = np.array([[0, 0, 0], [0, 9, 0], [9, 0, 0], [0, 0, 1], [0, 5, 1], [5, 0, 1]], np.float32)
    face, share = covered(points, np.array([[0, 1, 2], [3, 4, 5]], np.int32), 10, 10)
    assert face[0, 0] == 1
    assert face[0, 7] == 0
    assert face[9, 9] == -1
    np.testing.assert_allclose(share[face >= 0].sum(-1), 1, atol=1e-5)


# Photos and networks.


def saved(path: Path, picture: np.ndarray, mode: str = "RGB") -> Path:
    Image.fromarray(picture).convert(mode).save(path)
    return path


@pytest.mark.parametrize("mode", ["L", "RGBA", "LA", "P", "CMYK", "1", "I;16"])
def test_photos_of_every_kind_are_read(tmp_path: Path, mode: str) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / ("a.tiff" if mode in ("CMYK", "I;16") else "a.png")
    if mode == "I;16":
        Image.fromarray(rng.integers(0, 65535, (20, 30)).astype(np.uint16)).save(path)
    else:
        saved(path, rng.integers(0, 255, (20, 30, 3)).astype(np.uint8), mode)
    out = photo.read(path)
    assert out.shape == (20, 30, 3)
    assert out.dtype == np.uint8


def test_what_is_no_photo_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    content = io.BytesIO()
    Image.fromarray(drawn()).save(content, "PNG")
    broken.write_bytes(content.getvalue()[:4000])
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    for path in (broken, text, tmp_path / "missing.png", tmp_path):
        with pytest.raises(FormatError, match=r"cannot read photo .*give a PNG, JPEG or WebP file"):
            photo.read(path)


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (30000, 20000)).save(path)
    with pytest.raises(FormatError, match="at most 50 million"):
        photo.read(path)


def test_a_landmarker_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "a.task").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"no face_landmarker\.task"):
        models.load(tmp_path / "a.task")
    with pytest.raises(ModelError, match="cannot read landmarker"):
        models.load(tmp_path / "b.task")


@pytest.mark.usefixtures("networks")
def test_a_face_is_found_in_a_drawing(tmp_path: Path) -> None:
    from voxrig.render.portrait.landmarks import find

    found = find(drawn())
    assert np.abs(found.points[:, :2] - marks().points[:, :2]).mean() < 4
    assert found.person is not None
    assert found.irises is not None
    out = load(saved(tmp_path / "a.png", drawn()), 64).draw(pose(jawOpen=0.4))
    assert out.shape == (64, 64, 3)


@pytest.mark.usefixtures("networks")
def test_photos_without_one_clear_face_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    none = saved(tmp_path / "none.png", rng.integers(90, 120, (300, 300, 3)).astype(np.uint8))
    with pytest.raises(FormatError, match="no face was found"):
        load(none)
    two = saved(tmp_path / "two.png", np.concatenate([drawn(), drawn()], 1))
    with pytest.raises(FormatError, match="2 faces were found"):
        load(two)
    Image.fromarray(drawn()).resize((140, 140)).save(tmp_path / "small.png")
    with pytest.raises(FormatError, match="at least 96 are needed"):
        load(tmp_path / "small.png")


@pytest.mark.usefixtures("networks")
def test_an_astronaut_speaks() -> None:
    data = pytest.importorskip("skimage.data", reason="the one real photo comes with scikit-image")
    from voxrig.render.portrait.landmarks import find

    picture = data.astronaut()
    speaking = Portrait(picture, find(picture), SIZE, mark=False)
    outside = away(speaking, 0.25)
    assert psnr(speaking.draw(expression(speaking))[outside], speaking.photo[outside]) > 35
    assert speaking.motion.gap(pose()) < 0.35
    gaps = [speaking.motion.gap(pose(jawOpen=float(w))) for w in np.linspace(0, 1, 6)]
    assert (np.diff(gaps) > 0).all()
