"""Life beside speech: lips are left alone, cuts do not matter, and rates and ranges are those of people."""

from __future__ import annotations

import doctest
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from voxrig import animate
from voxrig.cli.main import main
from voxrig.errors import StyleError
from voxrig.idle import OFF, Idle, Life, life, parse
from voxrig.rigs import NATIVE
from voxrig.types import Array, AudioChunk, Frames, join

FPS = Fraction(60)
ALONE = {name: Life(**{**vars(OFF), name: 1.0}) for name in vars(OFF)}
EYES = tuple(name for name in NATIVE.curves if name.startswith("eyeLook"))
OWNED = {
    "blink": ("eyeBlink", "eyeSquint", "cheekSquint"),
    "gaze": ("eyeLook",),
    "head": ("headYaw", "headPitch", "headRoll"),
    "brows": ("brow",),
    "breath": ("noseSneer", "headPitch"),
}


def silent(seconds: float, fps: Fraction = FPS) -> Frames:
    return Frames(NATIVE, np.zeros((round(seconds * fps), len(NATIVE)), np.float32), fps)


def spoken(seconds: float, fps: Fraction = FPS, phrase: float = 3.3, pause: float = 0.7) -> Frames:
    """Phrases and pauses of equal length; five syllables a second, some of them wider than others."""
    frames = silent(seconds, fps)
    at = frames.times % (phrase + pause)
    says = at < phrase
    syllable = np.floor(frames.times * 5)
    wide = 0.12 + 0.1 * np.sin(2.4 * syllable)
    frames.values[:, NATIVE.index("phone_aa")] = 0.9 * says
    frames.values[:, NATIVE.index("jawOpen")] = says * wide * np.sin(np.pi * (frames.times * 5 % 1))
    return frames


@cache
def lived(speaks: bool, seconds: float = 1200, seed: int = 0, blink: float = 1.0) -> Frames:
    return Idle(Life(blink), FPS, seed)(spoken(seconds) if speaks else silent(seconds))


def onsets(frames: Frames) -> np.ndarray:
    """Seconds at which the lids begin to close."""
    shut = frames.curve("eyeBlinkLeft") > 0.05
    return frames.times[1:][shut[1:] & ~shut[:-1]]


def eyes(frames: Frames, side: str = "Left") -> np.ndarray:
    """Degrees that an eye turns in the head, yaw and pitch, (t, 2)."""
    right, left = ("In", "Out") if side == "Left" else ("Out", "In")
    yaw = frames.curve(f"eyeLook{right}{side}") - frames.curve(f"eyeLook{left}{side}")
    pitch = frames.curve(f"eyeLookDown{side}") - frames.curve(f"eyeLookUp{side}")
    return np.degrees(np.stack([0.61 * yaw, 0.52 * pitch], 1, dtype=np.float64))


def head(frames: Frames) -> np.ndarray:
    """Degrees of yaw, pitch and roll, (t, 3)."""
    return np.degrees(np.stack([frames.curve(f"head{name}") for name in ("Yaw", "Pitch", "Roll")], 1))


def part(frames: Frames, *names: str) -> Array:
    return frames.values[:, [c for c, name in enumerate(frames.rig.curves) if name.startswith(names)]]


def pieces(frames: Frames, sizes: list[int]) -> list[Frames]:
    edges = [0, *np.minimum(np.cumsum(sizes), len(frames)).tolist(), len(frames)]
    return [Frames(frames.rig, frames.values[a:b], frames.fps, a) for a, b in pairwise(edges)]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 200), max_size=40), st.integers(0, 5))
def test_cuts_do_not_matter(sizes: list[int], seed: int) -> None:
    frames, stage = spoken(20), Idle(Life(), FPS, seed)
    out = join([stage(piece) for piece in pieces(frames, sizes)])
    assert np.array_equal(out.values, Idle(Life(), FPS, seed)(frames).values)


def test_frame_by_frame_is_the_same_as_all_at_once() -> None:
    frames, stage = spoken(8), Idle(Life(), FPS, 4)
    out = join([stage(piece) for piece in pieces(frames, [1] * len(frames))])
    assert np.array_equal(out.values, Idle(Life(), FPS, 4)(frames).values)
    assert stage.delay == 0


def test_later_speech_never_alters_frames_already_given() -> None:
    speech, other = spoken(12), spoken(12)
    other.values[480:] = 0
    one, two = (Idle(Life(), FPS)(frames).values for frames in (speech, other))
    assert np.array_equal(one[:480], two[:480])
    assert not np.array_equal(one[480:, :68], two[480:, :68])


def test_the_input_is_unchanged_and_a_seed_repeats() -> None:
    frames = spoken(10)
    before = frames.values.copy()
    first, again = (Idle(Life(), FPS, 7)(frames).values for _ in range(2))
    assert np.array_equal(frames.values, before)
    assert first.tobytes() == again.tobytes()


@pytest.mark.parametrize("speaks", [False, True])
def test_lips_are_left_to_speech_and_all_stays_in_range(speaks: bool) -> None:
    frames, out = (spoken if speaks else silent)(60), lived(speaks, 60)
    lips = ("jaw", "mouth", "tongue", "phone_", "cheekPuff")
    assert part(out, *lips).tobytes() == part(frames, *lips).tobytes()
    assert (out.values >= NATIVE.low).all()
    assert (out.values <= NATIVE.high).all()


@pytest.mark.parametrize("fps", [24, 25, 30, 50, 120, Fraction(30000, 1001)])
def test_a_rate_only_says_where_motion_is_read(fps: int | Fraction) -> None:
    fps = Fraction(fps)
    ours, theirs = lived(False, 120), Idle(Life(), fps)(silent(120, fps))
    assert len(onsets(ours)) == len(onsets(theirs))
    np.testing.assert_allclose(onsets(ours), onsets(theirs), atol=float(1 / fps + 1 / FPS))
    for name in ("headYaw", "headPitch", "headRoll", "browInnerUp", "noseSneerLeft"):
        same = np.interp(theirs.times, ours.times, ours.curve(name))
        np.testing.assert_allclose(theirs.curve(name), same, atol=1.5e-3)


def test_a_rate_changes_little_of_what_follows_speech() -> None:
    ours, theirs = onsets(lived(True, 300)), onsets(Idle(Life(), Fraction(30))(spoken(300, Fraction(30))))
    near = np.abs(ours[:, None] - theirs).min(1) < 0.1
    assert near.mean() > 0.9


# Blinks


def test_people_at_rest_blink_seventeen_times_a_minute() -> None:
    rates = [len(onsets(lived(False, seed=seed))) / 20 for seed in range(2)]
    assert 15 < np.mean(rates) < 19  # Bentivoglio et al. 1997: 17
    assert all(8 < rate < 21 for rate in rates)  # Doughty 2001: 95 % of the means of people


def test_people_in_conversation_blink_twenty_six_times_a_minute() -> None:
    rates = [len(onsets(lived(True, seed=seed))) / 20 for seed in range(2)]
    assert 23 < np.mean(rates) < 29  # Bentivoglio et al. 1997: 26
    assert all(10.5 < rate < 32.5 for rate in rates)  # Doughty 2001


def test_intervals_are_skewed_as_those_of_people() -> None:
    intervals = np.diff(onsets(lived(False)))
    assert intervals.min() > 0.3
    assert intervals.max() < 25
    assert np.median(intervals) < 0.95 * intervals.mean()
    assert 0.3 < intervals.std() / intervals.mean() < 0.9


def test_lids_close_in_a_tenth_of_a_second_and_open_more_slowly() -> None:
    fps = Fraction(500)
    lid = Idle(ALONE["blink"], fps)(silent(300, fps)).curve("eyeBlinkRight")
    begins = np.flatnonzero((lid[1:] > 0) & (lid[:-1] == 0)) + 1
    ends = np.flatnonzero((lid[1:] == 0) & (lid[:-1] > 0)) + 1
    whole, closing = [], []
    for begin, end in zip(begins, ends, strict=False):
        one = lid[begin:end]
        whole.append(len(one) / 500)
        closing.append(one.argmax() / 500)
        speed = np.diff(one)
        assert speed.max() > -1.1 * speed.min()
    assert 0.2 < min(whole) < max(whole) < 0.5
    assert 0.267 < np.mean(whole) < 0.401  # VanderWerf et al. 2003: 0.334 ± 0.067
    assert 0.08 < np.mean(closing) < 0.12


def test_blinks_come_with_the_ends_of_phrases() -> None:
    blinks = onsets(lived(True))
    after = (blinks % 4.0 - 3.3) % 4.0  # since the end of the phrase before
    chance = 0.5 / 4.0
    assert (after < 0.5).mean() > 2 * chance
    followed = len(np.unique((blinks[after < 0.5] // 4).astype(int))) / 300
    assert 0.5 < followed < 0.8


def test_a_blink_shuts_what_is_open_and_opens_nothing() -> None:
    frames = silent(30)
    frames.values[:, NATIVE.index("eyeBlinkLeft")] = 0.4
    lid = Idle(Life(), FPS)(frames).curve("eyeBlinkLeft")
    assert lid.min() == np.float32(0.4)
    assert lid.max() <= 1.0
    assert lid.max() > 0.95


# Gaze


@pytest.mark.parametrize("speaks", [False, True])
def test_eyes_keep_near_the_partner_and_move_together(speaks: bool) -> None:
    frames = lived(speaks)
    turned = np.abs(eyes(frames)).max(0)
    assert (turned > [6, 4]).all()
    assert (turned < [12, 6]).all()
    np.testing.assert_allclose(eyes(frames), eyes(frames, "Right"), atol=1e-4)
    for side in ("Left", "Right"):
        for one, other in (("In", "Out"), ("Up", "Down")):
            both = frames.curve(f"eyeLook{one}{side}") * frames.curve(f"eyeLook{other}{side}")
            assert not both.any()


def test_listeners_look_at_the_partner_more_than_speakers() -> None:
    def attention(speaks: bool) -> float:
        frames = lived(speaks)
        return float((np.hypot(*(eyes(frames) + head(frames)[:, :2]).T) < 3.6).mean())

    assert 0.88 < attention(False) < 0.99  # Lee et al. 2002: 7.9 s of 8.3 s
    assert 0.65 < attention(True) < 0.87  # 3.1 s of 4.1 s
    assert attention(False) > attention(True) + 0.1


def test_saccades_keep_the_main_sequence() -> None:
    fps = Fraction(1000)
    turned = eyes(Idle(ALONE["gaze"], fps)(spoken(200, fps)))
    speed = np.hypot(*np.diff(turned, axis=0).T) * 1000
    edges = np.flatnonzero(np.diff(np.concatenate([[0], speed > 1, [0]]).astype(int)))
    begins, ends = edges[::2], edges[1::2]
    far = np.hypot(*(turned[ends] - turned[begins]).T)
    large = (far > 3) & (ends - begins < 70)
    assert large.sum() > 40
    lasts = (ends - begins)[large]
    assert (np.abs(lasts - 21 - 2.2 * far[large]) < 4).mean() > 0.97  # ms, Carpenter 1988
    fastest = np.array([speed[a:b].max() for a, b in zip(begins[large], ends[large], strict=True)])
    ratio = fastest / (far[large] / lasts * 1000)
    assert 1.5 < np.median(ratio) < 2  # peak over mean: 1.6 and more (Becker 1989)
    ten = (far[large] > 8) & (far[large] < 12)
    assert 250 < np.median(fastest[ten]) < 550  # degrees a second: about 400 at 10°


@pytest.mark.parametrize(("yaw", "pitch"), [(0.5, 0.0), (-0.5, 0.3), (0.1, -0.4), (-1.0, 0.2), (1.2, 0.0)])
@pytest.mark.parametrize("amount", [0.5, 1.0])
def test_a_commanded_look_arrives_and_stays(yaw: float, pitch: float, amount: float) -> None:
    stage, frames = Idle(Life(gaze=amount), FPS, 2), spoken(12)
    frames.values[:, NATIVE.index("headYaw")] = 0.05
    frames.values[:, NATIVE.index("eyeLookInLeft")] = 0.2
    first, second, third = pieces(frames, [240, 240])
    stage(first)
    stage.look(yaw, pitch)
    out = stage(second)
    look = eyes(out) + head(out)[:, :2]
    # Beyond what eyes reach alone, the look waits for the head.
    since = 24 if abs(yaw) < 0.6 else 36
    goal = np.degrees([yaw, pitch])
    np.testing.assert_allclose(look[since:], np.broadcast_to(goal, look[since:].shape), atol=0.6)
    if abs(yaw) > 0.3:
        assert abs(head(out)[-60:, 0].mean()) > 5  # the head has come along
    stage.look(None)
    back = stage(third)
    own = eyes(back) + head(back)[:, :2] - np.degrees([0.05 + 0.2 * 0.61, 0])
    assert np.median(np.hypot(*own[60:].T)) < 3.6


def test_eyes_make_up_for_the_head() -> None:
    stage, frames = Idle(Life(gaze=0), FPS, 2), spoken(20)
    stage.look(0.2, 0.05)
    out = stage(frames)
    look = (eyes(out) + head(out)[:, :2])[10:]
    assert head(out)[10:, 0].std() > 0.5
    assert look.std() < 7
    np.testing.assert_allclose(look, np.broadcast_to(np.degrees([0.2, 0.05]), look.shape), atol=0.01)


def test_large_looks_come_with_a_blink() -> None:
    blinked = 0
    for seed in range(20):
        stage = Idle(Life(), FPS, seed)
        first, second = pieces(silent(0.8), [18])
        stage(first)
        stage.look(0.6)
        blinked += stage(second).curve("eyeBlinkLeft")[:12].max() > 0.5
    assert blinked > 12


def test_a_look_must_be_somewhere() -> None:
    with pytest.raises(ValueError, match="cannot look at yaw nan"):
        Idle(Life(), FPS).look(float("nan"))


# Head, brows, breath


def test_a_head_keeps_to_its_range_and_moves_more_in_speech() -> None:
    still, lively = head(lived(False)), head(lived(True))
    for angles in (still, lively):
        assert (np.abs(angles[:, [0, 2]]).max(0) < [6, 3]).all()
        assert angles[:, 1].min() > -4.6
        assert angles[:, 1].max() < 4 + 6  # a nod on top
    assert (still[:, [0, 2]].std(0) > 0.3).all()
    assert (lively[:, [0, 2]].std(0) > 1.5 * still[:, [0, 2]].std(0)).all()
    assert (lively[:, [0, 2]].std(0) < 3).all()


def test_a_head_moves_smoothly() -> None:
    angles = head(lived(True))
    spectrum = np.abs(np.fft.rfft(angles[:, [0, 2]] * np.hanning(len(angles))[:, None], axis=0)) ** 2
    hertz = np.fft.rfftfreq(len(angles), 1 / 60)
    assert (spectrum[hertz > 1.2].sum(0) < 0.02 * spectrum[hertz > 0.01].sum(0)).all()
    assert np.abs(np.diff(angles, axis=0)).max() * 60 < 60  # degrees a second, in a nod


def test_speakers_nod_with_stress_and_listeners_now_and_then() -> None:
    def nods(frames: Frames, least: float) -> float:
        """Falls and rises of pitch within a second, a minute."""
        pitch = head(frames)[:, 1]
        bump = pitch[30:-30] - np.maximum(pitch[:-60], pitch[60:])
        high = bump > least
        return float((high[1:] & ~high[:-1]).sum() / (len(pitch) / 3600))

    assert 10 < nods(lived(True), 0.8) < 60
    assert 3 < nods(lived(False), 2.0) < 12


def test_brows_rise_a_little_and_not_alike() -> None:
    still, lively = lived(False), lived(True)
    assert 0.02 < part(still, "brow").max() < 0.1
    assert 0.12 < part(lively, "brow").max() <= 0.25
    sides = lively.curve("browOuterUpLeft") - lively.curve("browOuterUpRight")
    assert 0.005 < sides.std() < 0.05


def test_breath_comes_fourteen_times_a_minute() -> None:
    frames = Idle(ALONE["breath"], FPS)(silent(1200))
    pitch = head(frames)[:, 1]
    breaths = ((pitch[1:-1] < pitch[:-2]) & (pitch[1:-1] <= pitch[2:])).sum() / 20
    assert 13 < breaths < 15
    assert -0.31 < pitch.min() < -0.2
    assert 0 < frames.curve("noseSneerLeft").max() < 0.03


# Seeds and amounts


def test_ten_seeds_are_ten_people() -> None:
    people = [lived(True, 30, seed) for seed in range(10)]
    for name in ("eyeBlinkLeft", "headYaw", "headPitch", "headRoll", "browOuterUpLeft"):
        curves = np.stack([frames.curve(name) for frames in people])
        assert curves.std(0).mean() > 0.5 * curves.std(1).mean(), name
    assert np.stack([eyes(frames) for frames in people]).std(0).mean() > 0.5


@pytest.mark.parametrize("name", OWNED)
def test_a_part_without_an_amount_leaves_its_curves_alone(name: str) -> None:
    random = np.random.default_rng(0)
    frames = Frames(NATIVE, random.random((600, len(NATIVE)), np.float32), FPS)
    others = {curve for other in OWNED if other != name for curve in OWNED[other]}
    curves = set(OWNED[name]) - others
    without = Idle(Life(**{**vars(Life()), name: 0.0}), FPS)(frames)
    assert part(without, *curves).tobytes() == part(frames, *curves).tobytes()
    alone = Idle(ALONE[name], FPS)(frames)
    still = others - set(OWNED[name])
    assert part(alone, *still).tobytes() == part(frames, *still).tobytes()
    assert not np.array_equal(part(alone, *curves), part(frames, *curves))


def test_no_life_gives_the_frames_themselves() -> None:
    frames = spoken(2)
    assert Idle(OFF, FPS)(frames) is frames


@pytest.mark.parametrize("name", ["gaze", "head", "brows", "breath"])
def test_half_an_amount_goes_half_as_far(name: str) -> None:
    whole, half = (
        part(Idle(Life(**{**vars(OFF), name: amount}), FPS)(spoken(60)), *OWNED[name])
        for amount in (1.0, 0.5)
    )
    assert half.std() == pytest.approx(0.5 * whole.std(), rel=0.1)


def test_half_the_blinks_are_half_as_many_and_as_deep() -> None:
    half = lived(False, blink=0.5)
    assert len(onsets(half)) == pytest.approx(len(onsets(lived(False))) / 2, rel=0.15)
    assert half.curve("eyeBlinkLeft").max() == 1


# Words and mistakes


def test_lives_are_read() -> None:
    assert parse("") == parse(" on ") == Life()
    assert parse("off") == OFF
    assert parse("blink=1, gaze=0.5") == Life(1, 0.5, 0, 0, 0)
    assert parse("on, brows=0") == Life(brows=0)
    assert doctest.testmod(life).failed == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("blinks", "unknown part of a life 'blinks'; have on, off, blink, gaze, head, brows, breath"),
        ("gaze=2", "gaze is 2; amounts are 0 to 1"),
        ("head=-1", "head is -1; amounts are 0 to 1"),
        ("head=nan", "head is nan; amounts are 0 to 1"),
        ("brows=some", "brows is 'some'; write a number from 0 to 1"),
        ("on=0.5", "unknown part of a life 'on'"),
    ],
)
def test_wrong_lives_are_told(text: str, sentence: str) -> None:
    with pytest.raises(StyleError, match=sentence):
        parse(text)


def test_an_amount_out_of_range_is_told() -> None:
    with pytest.raises(StyleError, match=r"breath is 1\.5; amounts are 0 to 1"):
        Idle(Life(breath=1.5), FPS)


def test_frames_of_another_rig_rate_or_place_are_refused() -> None:
    with pytest.raises(ValueError, match="works on native at 60"):
        Idle(Life(), FPS)(silent(1, Fraction(30)))
    stage = Idle(Life(), FPS)
    stage(silent(1))
    with pytest.raises(ValueError, match="frame 0 does not follow; next is 60"):
        stage(silent(1))


def test_a_take_lives_and_its_lips_do_not_mind() -> None:
    sound = np.sin(np.arange(80_000) / 20).astype(np.float32) * 0.2
    chunk = AudioChunk(sound, 16_000)
    still, alive, again, other = (
        animate(chunk, "livelink", 30, idle=idle, seed=seed)
        for idle, seed in ((OFF, 0), (Life(), 0), (Life(), 0), (Life(), 1))
    )
    lips = [name.startswith(("Mouth", "Jaw", "Tongue")) for name in still.rig.curves]
    assert sum(lips) == 28
    np.testing.assert_array_equal(still.values[:, lips], alive.values[:, lips])
    np.testing.assert_array_equal(alive.values, again.values)
    assert np.ptp(alive.curve("HeadYaw")) > np.ptp(still.curve("HeadYaw")) == 0
    assert np.abs(alive.values - other.values).max() > 0.05


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--idle", "wink"), "unknown part of a life 'wink'; have on, off, blink, gaze, head, brows, breath"),
        (("--idle", "gaze=2"), "gaze is 2; amounts are 0 to 1"),
        (("--idle", "on", "--seed", "-1"), "'-1' is not a whole number from 0 to 4294967295"),
    ],
)
def test_wrong_words_are_told(
    words: tuple[str, ...], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(tmp_path / "line.wav", np.zeros(1600, np.float32), 16_000)
    out = tmp_path / "line.csv"
    try:
        code = main(["animate", str(tmp_path / "line.wav"), *words, "--out", str(out)])
    except SystemExit as stop:
        code = int(str(stop.code))
    assert code == 2
    assert told in capsys.readouterr().err
    assert not out.exists()
