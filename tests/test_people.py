"""On people: the pack tells lip shapes apart in recordings, at telephone rate, that nothing was trained on.

The recordings are Debian's Asterisk prompts (8 kHz); ``people.json`` holds the phone times of thirty of
them, found by ``voxrig_train.align`` in their 16 kHz versions.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

import voxrig
from voxrig.speech.phones import Phone
from voxrig.types import Array, AudioChunk
from voxrig_train import measures, peers
from voxrig_train.labels import Labelled

PROMPTS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
TIMES = json.loads((Path(__file__).parent / "people.json").read_text())

pytestmark = pytest.mark.skipif(
    not (PROMPTS / "vm-goodbye.wav").exists(), reason="needs Debian's asterisk-core-sounds-en-wav"
)


@pytest.fixture(scope="module")
def sounds() -> list[AudioChunk]:
    read = [soundfile.read(PROMPTS / f"{name}.wav", dtype="float32") for name in TIMES]
    return [AudioChunk(samples, rate) for samples, rate in read]


@pytest.fixture(scope="module")
def told(sounds: list[AudioChunk]) -> list[Array]:
    return [voxrig.animate(s, "native", Fraction(100), pace="live").values for s in sounds]


def measure(told: list[Array]) -> dict[str, float]:
    phones = [[Phone(*p) for p in times] for times in TIMES.values()]
    return measures.measure(list(zip(phones, told, strict=True)))


def test_lips_follow_the_sounds_and_not_the_loudness(sounds: list[AudioChunk], told: list[Array]) -> None:
    pack = measure(told)
    loud = measure([peers.amplitude(Labelled("", "", (), s)).values for s in sounds])
    wrong = measure([np.resize(told[i - 1], t.shape) for i, t in enumerate(told)])
    assert pack["pbm_f1"] > 0.65 > max(loud["pbm_f1"], wrong["pbm_f1"]) + 0.2
    assert pack["fv_auc"] > 0.7
    assert pack["round_auc"] > 0.85 > max(loud["round_auc"], wrong["round_auc"]) + 0.2
    assert pack["open_rho"] > 0.5 > max(loud["open_rho"], wrong["open_rho"]) + 0.2
    assert pack["rest"] > 0.85


def test_level_does_not_change_the_mouth(sounds: list[AudioChunk], told: list[Array]) -> None:
    quiet = [AudioChunk(s.samples * np.float32(0.25), s.rate) for s in sounds[:8]]
    moved = np.concatenate([voxrig.animate(s, "native", Fraction(100), pace="live").values for s in quiet])
    loud = np.concatenate(told[:8])
    jaw = 17
    assert abs(moved[:, jaw].mean() / loud[:, jaw].mean() - 1) < 0.1
    assert np.corrcoef(moved[:, jaw], loud[:, jaw])[0, 1] > 0.95


def test_the_face_rests_in_the_silence_around(sounds: list[AudioChunk]) -> None:
    for sound in sounds[:4]:
        second = np.zeros(sound.rate, np.float32)
        padded = AudioChunk(np.concatenate([second, sound.samples, second]), sound.rate)
        frames = voxrig.animate(padded, "arkit")
        assert frames.values[:48].max() < 0.05
        assert frames.values[-30:].max() < 0.05
