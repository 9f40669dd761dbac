"""The expression teacher, its world and its training, on a second of made-up speech."""

import argparse

import numpy as np
import pytest
import torch

from voxrig.rigs import NATIVE
from voxrig.speech.phones import Phone, tidy
from voxrig_train.expression import couplings, export, regions, teacher, train, world
from voxrig_train.expression.drivers import DRIVERS, drivers, pitch
from voxrig_train.expression.excerpts import LEVELS, Excerpts
from voxrig_train.expression.law import FACE, SIZE, Law
from voxrig_train.expression.measures import clips_of, measure_faces, style_of, told
from voxrig_train.expression.moods import MOODS, spoken_in
from voxrig_train.expression.network import EMOTIONS, Expression, Size, multiply_adds

RATE = 16000
SMALL = Size(code=8, width=8, dilations=(1, 2), habit_width=8)


def voice(seconds=3.0, hertz=140.0):
    """Syllables of a buzz."""
    time = np.arange(int(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 12))
    return (wave * 0.05 * np.clip(np.sin(2 * np.pi * 2 * time), 0, 1)).astype(np.float32)


def item(name="a", held_out=False, mood="joy"):
    samples = voice()
    phones = tidy([Phone("p", 0.2, 0.3), Phone("aa", 0.3, 0.8), Phone("m", 1.2, 1.3), Phone("iy", 1.3, 2)], 3)
    curves = world.speech_of(phones, 300)
    labels = np.zeros(300, np.uint8)
    labels[30:80] = 1
    row = world.Row(name, name, "text", "none", mood, held_out)
    stored = np.stack([curves] * 3).astype(np.float16)
    return world.Item(row, np.round(samples * 32767).astype(np.int16), labels, stored)


def test_pitch_is_heard():
    hertz, voiced = pitch(voice(hertz=180.0).astype(float))
    sure = voiced > 0.8
    assert sure.mean() > 0.2
    assert np.median(hertz[sure]) == pytest.approx(180, rel=0.03)


def test_drivers_are_causal():
    samples = voice().astype(float)
    whole, cut = drivers(samples), drivers(samples[: RATE * 2])
    assert whole.shape == (300, len(DRIVERS))
    np.testing.assert_allclose(whole[:200], cut)


def test_published_couplings_are_those_that_the_seed_draws():
    matrices, motions = couplings.draw()
    told_motions, mean, _ = couplings.published()
    assert len(mean) == len(DRIVERS)
    for emotion in EMOTIONS:
        np.testing.assert_allclose(np.diag(matrices[emotion]), 1)
        np.testing.assert_allclose(motions[emotion] @ motions[emotion].T, matrices[emotion], atol=1e-9)
        np.testing.assert_allclose(told_motions[emotion], motions[emotion], atol=1e-4)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_teacher_shows_more_with_intensity(emotion):
    clip = item()
    speech = clip.curves[2].astype(np.float32)
    heard = teacher.voice_of(voice(), "a")
    sizes = [np.abs(teacher.express(heard, style_of(300, emotion, w), speech)).mean() for w in (0, *LEVELS)]
    assert sizes[0] == 0
    assert (np.diff(sizes) > 0).all()


def test_law_keeps_speech_without_expression():
    curves = torch.rand(2, 10, len(NATIVE)) ** 2
    assert torch.equal(Law()(curves, torch.zeros(2, 10, SIZE), torch.zeros(2, 10, 1)), curves)


def test_every_curve_of_a_face_but_the_head_has_a_region():
    assert [FACE[i] for i in np.flatnonzero(regions.REGION < 0)] == ["headYaw", "headPitch", "headRoll"]
    assert (np.abs(regions.READ).sum(0) > 0).all()


@pytest.mark.parametrize("mood", MOODS)
def test_moods_keep_the_length_that_their_tempo_says(mood):
    samples = voice()
    spoken = spoken_in(MOODS[mood], samples, np.random.default_rng(0))
    assert len(spoken) == round(len(samples) / MOODS[mood].tempo)
    assert np.isfinite(spoken).all()
    if mood in ("joy", "sadness"):
        hertz, voiced = pitch(spoken.astype(float))
        wanted = 140 * 2 ** (MOODS[mood].semitones / 12)
        assert np.median(hertz[voiced > 0.7]) == pytest.approx(wanted, rel=0.06)


def test_excerpts_are_reproducible_and_ask_for_three_levels_only():
    first, second = (Excerpts([item()], 3).batch(6) for _ in range(2))
    assert torch.equal(first.audio, second.audio)
    assert torch.equal(first.expression, second.expression)
    asked = np.unique(first.style[..., : len(EMOTIONS)])
    assert all(np.isclose(level, (0, *LEVELS)).any() for level in asked)


def test_training_learns_and_goes_into_a_pack(tmp_path):
    torch.manual_seed(0)
    args = argparse.Namespace(seed=1, steps=12, batch=2, rate=3e-3, correlation=1.0, adversary=0.1)
    items = [item(), item("b", held_out=True)]
    network = train.train(Expression(SMALL), items, args)
    assert export.to_onnx(network, tmp_path / "model.onnx") < 1e-4
    clips = clips_of(items, 1)
    style = style_of(300, "joy")
    assert told(network, clips[0].audio, clips[0].live, style).shape == (300, len(NATIVE))
    report = measure_faces(network, clips)
    assert set(report["c_error"]) == set(EMOTIONS)


def test_the_network_is_small():
    assert multiply_adds(Expression()) <= 125_000


def test_what_stays_the_same_is_no_content():
    torch.manual_seed(0)
    network, usual = Expression(SMALL), torch.zeros(1, 1, SMALL.code + 1)
    still = torch.rand(1, 1, len(NATIVE)).expand(1, 400, -1)
    said, _ = network.content(still, usual, network.prosody.memory(200))
    assert said.abs().max() < 1e-5
    moving = torch.rand(1, 400, len(NATIVE))
    whole, _ = network.content(moving, usual, network.prosody.memory(200))
    first, kept = network.content(moving[:, :150], usual, network.prosody.memory(75))
    second, _ = network.content(moving[:, 150:], kept, network.prosody.memory(125))
    torch.testing.assert_close(torch.cat([first, second], 1), whole, atol=1e-5, rtol=0)
    assert whole.abs().mean() > 0.3


def test_chance_moves_a_face_as_it_was_taught_and_nothing_without_emotion():
    torch.manual_seed(0)
    items = [item()]
    network = Expression(SMALL)
    before = network.stirs.clone()
    train.stir(network, Excerpts(items, 1), 10, 4)
    assert (network.stirs - before).abs().max() > 0.005
    clip = clips_of([item("b", held_out=True)], 1)[0]
    faces = [told(network, clip.audio, clip.live, style_of(300, "joy", 1.0, seed)) for seed in (0, 1)]
    plain = [told(network, clip.audio, clip.live, style_of(300, "joy", 0.0, seed)) for seed in (0, 1)]
    assert np.abs(faces[0] - faces[1]).max() > 0.01
    assert np.array_equal(*plain)
