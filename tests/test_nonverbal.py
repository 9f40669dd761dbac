"""A mouth rests while nobody speaks, opens without touching while somebody laughs, and is there for words."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.signal import lfilter
from sounds import SAMPLE

from voxrig import animate
from voxrig.audio import read
from voxrig.performance import Pace
from voxrig.rigs import NATIVE
from voxrig.speech.articulators import ARTICULATORS, curves
from voxrig.types import Array, AudioChunk
from voxrig_train import nonverbal
from voxrig_train.gate import MIDDLE, TAPS, Gate
from voxrig_train.nonverbal import Motion, motion

RATE, SECONDS = 16_000, 5
TIME = np.arange(SECONDS * RATE) / RATE
MODES: tuple[Pace, ...] = ("live", "fast", "file")


def resonance(x: np.ndarray, hertz: float, width: float) -> np.ndarray:
    r = np.exp(-np.pi * width / RATE)
    return np.asarray(lfilter([1 - r], [1, -2 * r * np.cos(2 * np.pi * hertz / RATE), r * r], x))


def pulses(hertz: np.ndarray | float) -> np.ndarray:
    """A voice's source at a pitch."""
    turns = np.floor(np.cumsum(hertz * np.ones(len(TIME))) / RATE)
    return np.asarray(lfilter([1], [1, -0.93], np.diff(turns, prepend=0)))


def hum() -> np.ndarray:
    source = pulses(140 * (1 + 0.01 * np.sin(2 * np.pi * 5 * TIME)))
    return resonance(source, 260, 60) + 0.1 * resonance(source, 1100, 150)


def white() -> np.ndarray:
    return np.random.default_rng(0).normal(size=len(TIME))


def pink() -> np.ndarray:
    spectrum = np.fft.rfft(white())
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 20)), len(TIME))


def chords() -> np.ndarray:
    beat, out = TIME % 0.5, np.zeros(len(TIME))
    for step in (0, 4, 7, 12):
        hertz = 196 * 2 ** ((step + 5 * (TIME % 2 > 1)) / 12)
        out += sum(np.sin(2 * np.pi * np.cumsum(hertz) / RATE * k) / k for k in range(1, 6))
    return np.asarray(out * np.exp(-beat / 0.4) * np.minimum(1, beat / 0.01))


def beeps() -> np.ndarray:
    return np.asarray(np.sin(2 * np.pi * 880 * TIME) * (TIME % 1 < 0.5))


def breath() -> np.ndarray:
    noise = np.random.default_rng(1).normal(size=len(TIME))
    shaped = resonance(noise, 600, 200) + resonance(noise, 1600, 300) + 0.02 * noise
    return np.asarray(shaped * np.maximum(0, np.sin(2 * np.pi * TIME / 2.5)) ** 1.5)


def laugh() -> np.ndarray:
    """Ha ha ha, 4.5 of them a second."""
    beat = (TIME * 4.5) % 1
    source = pulses(210 * (1.1 - 0.2 * beat)) * np.sin(np.pi * np.clip(beat / 0.55, 0, 1)) ** 0.7
    source += 0.03 * np.random.default_rng(2).normal(size=len(TIME))
    vowel = resonance(source, 700, 90) + resonance(source, 1200, 110) + 0.5 * resonance(source, 2600, 160)
    return np.asarray(vowel * (TIME % 2.5 < 2))


def chunk(sound: np.ndarray, decibels: float = -23.0) -> AudioChunk:
    return AudioChunk((sound / np.sqrt(np.mean(sound**2)) * 10 ** (decibels / 20)).astype(np.float32), RATE)


def faces(sound: AudioChunk, mode: Pace) -> Array:
    return animate(sound, "native", 100, pace=mode).values


@cache
def spoken(mode: Pace) -> Motion:
    return motion(faces(read(SAMPLE), mode))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sound", [hum, white, pink, chords, beeps])
@pytest.mark.parametrize("decibels", [-35.0, -23.0])
def test_what_no_open_mouth_makes_leaves_the_face_at_rest(sound: object, mode: Pace, decibels: float) -> None:
    assert callable(sound)
    moved = motion(faces(chunk(sound(), decibels), mode))
    assert moved.jaw < 0.1 * spoken(mode).jaw
    assert moved.lips < 0.1 * spoken(mode).lips
    assert moved.gap < 0.1 * spoken(mode).gap
    assert moved.touches == 0


@pytest.mark.parametrize("mode", MODES)
def test_breath_opens_smoothly_if_at_all_and_touches_nothing(mode: Pace) -> None:
    moved = motion(faces(chunk(breath(), -30), mode))
    assert moved.touches == 0
    assert moved.lips < 0.3 * spoken(mode).lips
    assert moved.jaw < spoken(mode).jaw
    assert moved.turns < 0.5 * spoken(mode).turns


@pytest.mark.parametrize("mode", MODES)
def test_laughter_opens_the_jaw_and_touches_nothing(mode: Pace) -> None:
    moved = motion(faces(chunk(laugh()), mode))
    assert moved.touches <= 0.2
    assert 0.25 * spoken(mode).jaw < moved.jaw < 1.5 * spoken(mode).jaw
    assert moved.lips < 0.4 * spoken(mode).lips


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("before", [white, chords, hum, laugh])
def test_the_first_word_after_other_sound_is_not_swallowed(before: object, mode: Pace) -> None:
    assert callable(before)
    speech = read(SAMPLE)
    other = chunk(before())
    first = np.interp(np.arange(SECONDS * speech.rate) / speech.rate, TIME, other.samples).astype(np.float32)
    both = AudioChunk(np.concatenate([first, speech.samples]), speech.rate)
    begun = slice(0, 120)  # the first word, with the silence before it
    alone, after = faces(speech, mode)[begun], faces(both, mode)[SECONDS * 100 :][begun]
    jaw = NATIVE.index("jawOpen")
    assert after[:, jaw].max() > 0.8 * alone[:, jaw].max()
    opens = [int(np.argmax(v[:, jaw] > 0.5 * alone[:, jaw].max())) for v in (alone, after)]
    assert opens[1] <= opens[0] + 3


def test_a_gate_that_was_taught_nothing_lets_all_pass() -> None:
    moves, sounds, _ = Gate(8)(torch.randn(2, 5, 8), torch.zeros(2, TAPS - 1, MIDDLE))
    assert moves.shape == (2, 10, len(ARTICULATORS))
    assert sounds.shape == (2, 10, 39)
    assert bool((moves == 1).all() and (sounds == 1).all())


def test_a_gate_tells_the_same_however_its_steps_are_cut() -> None:
    torch.manual_seed(0)
    gate = Gate(8)
    torch.nn.init.normal_(gate.outer.weight)
    torch.nn.init.zeros_(gate.outer.bias)
    x, past = torch.randn(1, 60, 8), torch.zeros(1, TAPS - 1, MIDDLE)
    whole = gate(x, past)
    parts = []
    for piece in x.split([1, 7, 30, 2, 20], 1):
        moves, _, past = gate(piece, past)
        parts.append(moves)
    torch.testing.assert_close(torch.cat(parts, 1), whole[0])
    torch.testing.assert_close(past, whole[2])
    assert float(whole[0].detach().min()) == 0
    assert float(whole[0].detach().max()) == 1


def test_a_voice_without_words_touches_nothing() -> None:
    gate = Gate(8)
    torch.nn.init.constant_(gate.outer.bias, -9.0)
    with torch.no_grad():
        gate.outer.bias[1::2] = 9.0  # no speech, but a voice
    moves, _, _ = gate(torch.zeros(1, 3, 8), torch.zeros(1, TAPS - 1, MIDDLE))
    share = dict(zip(ARTICULATORS, moves[0, 0].tolist(), strict=True))
    assert 0.5 < share["jaw"] < 1
    assert share["closure"] == share["labiodental"] == share["funnel"] == share["pucker"] == 0


def test_touches_and_turns_are_counted() -> None:
    still = motion(np.zeros((300, len(NATIVE)), np.float32))
    assert still == Motion(0, 0, 0, 0, 0)
    said = np.zeros((300, len(ARTICULATORS)), np.float32)
    said[:, ARTICULATORS.index("jaw")] = 0.4
    said[100:110, ARTICULATORS.index("closure")] = 1
    said[200:210, ARTICULATORS.index("labiodental")] = 1
    moved = motion(np.pad(curves(said), ((0, 0), (0, len(NATIVE) - curves(said).shape[1]))))
    assert moved.touches == pytest.approx(2 / 3)
    assert moved.turns >= 2 / 3
    assert moved.jaw == pytest.approx(40, abs=1)


def test_sounds_are_measured_at_one_loudness_by_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import soundfile

    quiet, loud = chunk(chords(), -45), chunk(chords(), -15)
    same = [nonverbal.at_one_loudness(sound).samples for sound in (quiet, loud)]
    np.testing.assert_allclose(same[0], same[1], atol=1e-3)
    for kind, sound in (("music", chords()), ("hum", hum())):
        (tmp_path / "in" / kind).mkdir(parents=True)
        soundfile.write(tmp_path / "in" / kind / "a.wav", chunk(sound).samples, RATE)
    out = tmp_path / "out.json"
    monkeypatch.setattr("sys.argv", ["nonverbal", str(tmp_path / "in"), "--mode", "live", "--json", str(out)])
    assert nonverbal.main() == 0
    assert set(json.loads(out.read_text())["live"]) == {"music", "hum"}
    assert capsys.readouterr().out.count("live") == 2
    monkeypatch.setattr("sys.argv", ["nonverbal", str(tmp_path / "nothing")])
    assert nonverbal.main() == 1
    assert "no sounds in" in capsys.readouterr().err
