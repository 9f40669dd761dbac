"""Laws of the ear: how sound is cut and how loud it is change nothing, and nobody feels in silence."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("onnxruntime", reason="neither extra cpu nor gpu is installed")

from voxrig.emotion import SCORES, Ear, Feeling, Mixer, heard, load_ear, mix
from voxrig.errors import ModelError, StyleError
from voxrig.style import EMOTIONS
from voxrig.types import Array, Auto

CLIPS = sorted((Path(__file__).parent / "clips").glob("*/*.flac"))


@pytest.fixture(scope="module")
def ear() -> Ear:
    return load_ear("cpu")


@pytest.fixture(scope="module")
def speech() -> Array:
    """Four seconds of a person reading, after half a second of silence."""
    samples, rate = soundfile.read(CLIPS[0], dtype="float32")
    assert rate == 16000
    return np.concatenate([np.zeros(8000, np.float32), np.resize(samples, 64000)]).astype(np.float32)


def told(ear: Ear, samples: Array, chunk: int = 1600) -> list[Feeling]:
    listener = ear.listen()
    return [f for i in range(0, len(samples), chunk) for f in listener.push(samples[i : i + chunk])]


def numbers(feelings: list[Feeling]) -> Array:
    return np.array([(f.at, f.arousal, f.valence, f.speech, *f.scores) for f in feelings], np.float32)


@pytest.mark.parametrize("chunk", [17, 441, 800, 1601, 44100, 10**6])
def test_feelings_do_not_depend_on_how_sound_is_cut(ear: Ear, speech: Array, chunk: int) -> None:
    assert np.array_equal(numbers(told(ear, speech, chunk)), numbers(told(ear, speech)))


def test_a_feeling_for_every_hop_and_none_altered_later(ear: Ear, speech: Array) -> None:
    feelings = told(ear, speech)
    assert [f.at for f in feelings] == [ear.card.hop * (i + 1) for i in range(len(speech) // ear.card.hop)]
    early = numbers(told(ear, speech[: 20 * ear.card.hop]))
    assert np.array_equal(early, numbers(feelings)[:20])


@pytest.mark.parametrize("gain", [-20.0, 12.0])
def test_loudness_is_no_feeling(ear: Ear, speech: Array, gain: float) -> None:
    speech = speech * 0.05 / np.sqrt(np.mean(speech[8000:] ** 2))
    plain, other = told(ear, speech), told(ear, (speech * 10 ** (gain / 20)).astype(np.float32))
    likely, changed = (np.exp(numbers(f)[15:, 4:]) for f in (plain, other))
    # What is left is the threshold below which nobody speaks, at the edges of words.
    assert np.abs(likely - changed).max() < 0.15
    assert np.abs(likely - changed).mean() < 0.01
    assert np.abs(numbers(plain)[15:, 1:3] - numbers(other)[15:, 1:3]).max() < 0.15


def test_silence_is_neutral(ear: Ear) -> None:
    rng = np.random.default_rng(0)
    for loud in (0.0, 1e-4):  # nothing, and the hiss of a microphone
        feelings = told(ear, (rng.normal(size=48000) * loud).astype(np.float32))
        assert all(f.scores[0] > -1e-3 and f.arousal == 0 and f.speech == 0 for f in feelings)


def test_what_is_not_speech_is_rather_neutral(ear: Ear) -> None:
    rng = np.random.default_rng(0)
    t = np.arange(64000) / 16000
    for sound in (rng.normal(size=64000) * 0.05, np.sin(2 * np.pi * 50 * t) * 0.2):
        assert min(f.scores[0] for f in told(ear, sound.astype(np.float32))) > np.log(0.5)


def test_a_feeling_ends_with_the_speech(ear: Ear, speech: Array) -> None:
    feelings = told(ear, np.concatenate([speech, np.zeros(48000, np.float32)]))
    assert max(f.speech for f in feelings[:45]) == 1
    assert feelings[-1].scores[0] > -0.05
    assert abs(feelings[-1].arousal) < 0.05


def test_scores_are_log_likelihoods(ear: Ear, speech: Array) -> None:
    for feeling in told(ear, speech):
        assert feeling.scores.shape == (11,)
        assert np.exp(feeling.scores).sum() == pytest.approx(1, abs=1e-4)
        assert -1 <= feeling.arousal <= 1
        assert -1 <= feeling.valence <= 1
        assert 0 <= feeling.speech <= 1


def test_any_loudness_gives_finite_feelings(ear: Ear) -> None:
    rng = np.random.default_rng(1)
    for size in (1e-30, 1.0, 2.0**32):
        assert np.isfinite(numbers(told(ear, (rng.normal(size=16000) * size).astype(np.float32)))).all()


def test_listeners_share_an_ear_and_not_their_past(ear: Ear, speech: Array) -> None:
    sounds = [speech, speech[::-1].copy(), speech * 0.5, speech[12000:]]
    alone = [numbers(told(ear, s)) for s in sounds]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(alone, pool.map(lambda s: numbers(told(ear, s)), sounds), strict=True):
            assert np.array_equal(one, other)


def test_a_listener_takes_samples_only(ear: Ear) -> None:
    for wrong in (np.zeros((2, 100), np.float32), np.zeros(100)):
        with pytest.raises(ValueError, match=r"must be \(n,\) float32"):
            ear.listen().push(wrong)
    assert ear.listen().push(np.zeros(0, np.float32)) == []


def _scores(**likely: float) -> Array:
    rest = (1 - sum(likely.values())) / (len(SCORES) - len(likely))
    return np.log([likely.get(name, rest) for name in SCORES]).astype(np.float32)


def _feeling(**likely: float) -> Feeling:
    return Feeling(1600, 0.0, 0.0, 1.0, _scores(**likely))


def test_heard_is_a_softmax_without_neutral_and_the_weak() -> None:
    scores = np.random.default_rng(3).normal(size=11).astype(np.float32)
    for contrast, most in ((0.3, 1), (1.0, 3), (3.0, 6)):
        weights = heard(scores, Auto(contrast=contrast, most=most))
        odds = np.exp(scores.astype(float) * contrast)
        want = (odds / odds.sum())[1:]
        want[want < np.sort(want)[-most]] = 0
        np.testing.assert_allclose(weights, want, atol=1e-6)
        assert np.count_nonzero(weights) == most


def test_blend_preference_and_strength_as_in_the_formula() -> None:
    auto = Auto(strength=0.6, contrast=1.0, most=1, blend=0.7, preferred=0.5)
    mixer = Mixer()
    first = mixer.mix(_feeling(joy=0.8), {}, auto)
    assert first == pytest.approx({"joy": 0.3 * 0.8 * 0.6})
    second = mixer.mix(_feeling(joy=0.8), {"joy": 0.2, "fear": 1.0}, auto)
    e = 0.3 * 0.8 + 0.7 * 0.3 * 0.8
    assert second == pytest.approx({"joy": (0.5 * 0.2 + 0.5 * e) * 0.6, "fear": 0.5 * 0.6})
    assert mixer.now[EMOTIONS.index("joy")] == pytest.approx(e)


def test_all_of_it_is_preferred_or_heard_or_nothing() -> None:
    now = heard(_scores(anger=0.9), Auto(most=1))
    assert mix(now, {"pain": 0.4}, Auto(preferred=1.0, strength=1.0)) == pytest.approx({"pain": 0.4})
    assert mix(now, {"pain": 0.4}, Auto(preferred=0.0, strength=1.0)) == pytest.approx({"anger": 0.9})
    assert mix(now, {"pain": 0.4}, Auto(strength=0.0)) == {}
    assert mix(now, {}, Auto(preferred=1.0, strength=1.0)) == pytest.approx({"anger": 0.9})


@pytest.mark.parametrize(
    ("preferred", "auto", "message"),
    [
        ({"hapiness": 1.0}, Auto(), "unknown emotion 'hapiness'.*joy"),
        ({"joy": 1.2}, Auto(), "weights are 0 to 1"),
        ({}, Auto(strength=1.5), "auto strength is 1.5; it is 0 to 1"),
        ({}, Auto(contrast=0.1), "auto contrast is 0.1; it is 0.3 to 3"),
        ({}, Auto(most=7), "auto most is 7; it is 1 to 6"),
        ({}, Auto(blend=-1), "auto blend is -1; it is 0 to 1"),
        ({}, Auto(preferred=2), "auto preferred is 2; it is 0 to 1"),
    ],
)
def test_bad_values_are_refused_with_the_choices(
    preferred: dict[str, float], auto: Auto, message: str
) -> None:
    with pytest.raises(StyleError, match=message):
        mix(np.zeros(10, np.float32), preferred, auto)


def test_a_pack_that_is_wrong_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"unknown device 'tpu'.*auto"):
        load_ear("tpu")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=r"has no card\.json"):
        load_ear(pack=tmp_path)
    shutil.copytree(Path(str(resources.files("voxrig") / "packs" / "emotion")), tmp_path, dirs_exist_ok=True)
    card = json.loads((tmp_path / "card.json").read_text())
    for change, message in (
        ({"format": "voxrig-pack"}, "not a card of format voxrig-emotion"),
        ({"rate": "16000"}, "'rate' must be int"),
        ({"colour": 1}, "unknown key 'colour'"),
        ({"sha256": "0"}, "card of another model"),
        ({"state": card["state"] + 1}, "in model.onnx has"),
        ({"feelings": ["arousal"]}, "feelings must be arousal, valence"),
    ):
        (tmp_path / "card.json").write_text(json.dumps(card | change))
        with pytest.raises(ModelError, match=message):
            load_ear(pack=tmp_path)
