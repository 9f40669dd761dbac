"""Laws of the expression pack that ships: what any style does to any speech."""

from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from voxrig.chance import CHANNELS
from voxrig.model import read_card
from voxrig.rigs import NATIVE
from voxrig.speech import articulators
from voxrig.speech.articulators import ARTICULATORS, A
from voxrig.style import EMOTIONS
from voxrig_train.lips import readings

PACK = Path(str(resources.files("voxrig") / "packs" / "expression"))
CARD = read_card(PACK)
SIDED = [(NATIVE.index(n), NATIVE.index(n[:-4] + "Right")) for n in NATIVE.curves if n.endswith("Left")]


@cache
def session():
    return onnxruntime.InferenceSession(str(PACK / "model.onnx"), providers=["CPUExecutionProvider"])


def run(audio, curves, style, state=None):
    state = np.zeros((len(audio), CARD.state), np.float32) if state is None else state
    feed = {"audio": audio, "curves": curves, "style": style, "state": state}
    return session().run(["curves_out", "state_out"], feed)


def styled(frames, batch=1, **values):
    style = np.zeros((batch, frames, len(CARD.styles)), np.float32)
    for name, value in values.items():
        style[..., CARD.styles.index(name)] = value
    return style


def speech(frames=200, batch=1, seed=0):
    """Noise in bursts, and articulators that wander; lips touch fully now and then."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames) / 100
    audio = rng.normal(size=(batch, 160 * frames)) * 0.1
    audio *= np.repeat(np.sin(2 * np.pi * 2 * time) > 0, 160)
    moves = 0.5 + 0.5 * np.sin(
        2 * np.pi * (time[:, None] * rng.uniform(1, 4, 12) + rng.uniform(0, 1, (batch, 1, 12)))
    )
    moves[..., A["closure"]] = np.clip(3 * moves[..., A["closure"]] - 1.5, 0, 1)
    moves[..., A["labiodental"]] = np.clip(3 * moves[..., A["labiodental"]] - 1.8, 0, 1)
    curves = np.stack([articulators.curves(m.astype(np.float32)) for m in moves])
    return audio.astype(np.float32), curves, moves


def any_style(frames, batch=1, seed=1):
    rng = np.random.default_rng(seed)
    style = rng.uniform(0, 1, (batch, frames // 20 + 1, len(CARD.styles))) * (
        rng.random((batch, 1, len(CARD.styles))) < 0.3
    )
    return np.repeat(style, 20, 1)[:, :frames].astype(np.float32)


def test_card_names_every_emotion_first():
    assert CARD.styles[: len(EMOTIONS)] == EMOTIONS
    assert CARD.styles[len(EMOTIONS) :][:2] == ("energy", "asymmetry")
    assert CARD.styles[16:] == CHANNELS
    assert (PACK / "model.onnx").stat().st_size < 1_000_000


def test_no_style_changes_nothing():
    audio, curves, _ = speech(batch=2)
    assert np.array_equal(run(audio, curves, styled(200, 2))[0], curves)


def test_a_style_that_ends_leaves_nothing():
    audio, curves, _ = speech()
    style = styled(200, joy=1)
    style[:, 100:] = 0
    assert np.array_equal(run(audio, curves, style)[0][:, 100:], curves[:, 100:])


@pytest.mark.parametrize("size", [2, 10, 50, 400])
def test_blocks_of_any_size_tell_the_same(size):
    audio, curves, _ = speech(400)
    style = any_style(400)
    whole, state, parts = run(audio, curves, style)[0], None, []
    for at in range(0, 400, size):
        now = slice(at, at + size)
        told, state = run(audio[:, at * 160 : (at + size) * 160], curves[:, now], style[:, now], state)
        parts.append(told)
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, atol=2e-5)


def test_a_batch_equals_its_members():
    audio, curves, _ = speech(100, batch=5)
    style = any_style(100, batch=5)
    together = run(audio, curves, style)[0]
    for i in range(5):
        alone = run(audio[i : i + 1], curves[i : i + 1], style[i : i + 1])[0]
        np.testing.assert_allclose(together[i : i + 1], alone, atol=2e-5)


def test_later_sound_and_speech_alter_nothing():
    audio, curves, _ = speech(100)
    style = any_style(100)
    whole = run(audio, curves, style)[0]
    cut = run(audio[:, : 160 * 60], curves[:, :60], style[:, :60])[0]
    np.testing.assert_allclose(cut, whole[:, :60], atol=2e-5)


def test_the_same_input_gives_the_same_bytes():
    audio, curves, _ = speech(100)
    style = any_style(100)
    assert np.array_equal(run(audio, curves, style)[0], run(audio, curves, style)[0])


def test_tongue_and_phones_pass_and_all_stays_in_range():
    audio, curves, _ = speech(batch=4)
    told = run(audio, curves, any_style(200, 4) * 1.5)[0]
    passing = [
        i for i, n in enumerate(NATIVE.curves) if n.startswith(("tongue", "phone")) and n != "tongueOut"
    ]
    assert np.array_equal(told[..., passing], curves[..., passing])
    assert (told >= NATIVE.low).all()
    assert (told <= NATIVE.high).all()


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_more_of_an_emotion_is_more_of_its_expression(emotion):
    audio, curves, _ = speech(300)
    levels = np.linspace(0, 1.5, 16)
    shown = [(run(audio, curves, styled(300, **{emotion: w}))[0] - curves)[0] for w in levels]
    way = shown[10].mean(0)
    along = [s.mean(0) @ way for s in shown]
    assert (np.diff(along) > 0).all()


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_lips_that_touch_stay_together(emotion):
    audio, curves, moves = speech(400)
    shut = moves[0, :, A["closure"]] > 0.99
    assert shut.sum() > 20
    before = readings(curves[0])["gap"][shut]
    for style in (
        styled(400, **{emotion: 1.5}),
        styled(400, **{emotion: 1, "energy": 1, "speaker_lively": 1}),
    ):
        after = readings(run(audio, curves, style)[0][0])["gap"][shut]
        assert (after <= before + 0.3).all()


@pytest.mark.parametrize("emotion", [e for e in EMOTIONS if e != "cheekiness"])
def test_asymmetry_leans_to_its_side(emotion):
    audio, curves, _ = speech()

    def lean(amount):
        moved = run(audio, curves, styled(200, **{emotion: 0.7, "asymmetry": amount}))[0] - curves
        return sum(
            np.abs(moved[..., right]).mean() - np.abs(moved[..., left]).mean() for left, right in SIDED
        )

    assert lean(1.0) > lean(0.5) > lean(0.0) > lean(-0.5) > lean(-1.0)
    assert lean(1.0) > 0 > lean(-1.0)


def test_energy_opens_the_mouth():
    audio, curves, _ = speech()
    jaw = NATIVE.index("jawOpen")
    opened = [run(audio, curves, styled(200, energy=e))[0][..., jaw].mean() for e in (-1, -0.5, 0, 0.5, 1)]
    assert (np.diff(opened) > 0).all()


def test_mixtures_change_without_jumps():
    audio, curves, _ = speech(100)
    shares = np.linspace(0, 1, 41)
    shown = [run(audio, curves, styled(100, joy=1 - s, sadness=s))[0] for s in shares]
    steps = [np.abs(b - a).max() for a, b in pairwise(shown)]
    assert max(steps) < 0.12


def test_articulators_are_those_that_contacts_are_read_from():
    """The pack reads contact off what ``articulators`` does with touching lips."""
    moves = np.zeros((1, len(ARTICULATORS)), np.float32)
    moves[0, A["closure"]] = 1
    assert articulators.curves(moves)[0, NATIVE.index("mouthPressLeft")] == pytest.approx(0.35)
    moves[0, A["closure"]], moves[0, A["labiodental"]] = 0, 1
    assert articulators.curves(moves)[0, NATIVE.index("mouthRollLower")] == pytest.approx(0.45)
