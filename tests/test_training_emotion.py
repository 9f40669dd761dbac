"""The listener's training in small: a corpus, a few steps that learn, a graph that equals the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra train is not installed")

import soundfile
import torch

from voxrig.emotion import SCORES, load_ear
from voxrig_train.emotion import corpus, evaluate, export, network, scores, train
from voxrig_train.emotion.network import HEARD, HOP, Network

_NAMES = {"anger": "Angry", "joy": "Happy", "neutral": "Neutral", "sadness": "Sad"}
_HUMS = {"anger": (300, 1.0), "joy": (260, 0.5), "neutral": (150, 0.3), "sadness": (100, 0.1)}


@pytest.fixture
def emodb(tmp_path: Path) -> Path:
    """Four speakers whose emotions are hums: angry is high and buzzes, sad is low and dull."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "emodb"
    folder.mkdir()
    t = np.arange(24000) / 16000
    for speaker in ("03", "08", "09", "10"):
        for take in range(2):
            for name, (hertz, bright) in _HUMS.items():
                pitch = hertz * (1 + 0.05 * rng.normal()) * (1 + 0.1 * np.sin(2 * np.pi * 4 * t))
                phase = np.cumsum(2 * np.pi * pitch / 16000)
                hum = sum(np.sin(k * phase) * bright ** np.log2(k) for k in range(1, 12))
                sound = hum * (np.sin(2 * np.pi * 3 * t) > -0.7) * 0.05 + rng.normal(size=len(t)) * 1e-4
                soundfile.write(folder / f"{_NAMES[name]}_{speaker}a0{take}Xa.flac", sound, 16000)
    return folder


def test_clips_are_read_by_their_names(emodb: Path) -> None:
    clips = corpus.emodb(emodb)
    assert len(clips) == 32
    assert {c.speaker for c in clips} == {"emodb-03", "emodb-08", "emodb-09", "emodb-10"}
    assert {c.emotion for c in clips} == set(HEARD)
    assert train.ingredients(clips) == ["CC0 1.0 (EmoDB): actors, German, 4 speakers, 1 min"]
    assert evaluate.folds(clips) == [("emodb-03", "emodb-09"), ("emodb-08", "emodb-10")]


def test_a_bank_is_reproducible_and_leaves_speakers_out(emodb: Path) -> None:
    clips = corpus.emodb(emodb)
    one, two = corpus.bank(clips, 1, 5), corpus.bank(clips, 1, 5)
    assert np.array_equal(one.ears, two.ears)
    assert np.array_equal(one.aim, two.aim)
    assert one.ears.shape == (34, corpus.STEPS * network.FRAMES, network.EARS)
    assert np.isfinite(one.ears).all()
    np.testing.assert_allclose(one.aim.sum(-1), 1, atol=1e-5)
    rest = one.without(["emodb-03", "emodb-09"])
    assert set(rest.speaker) == {"emodb-08", "emodb-10", "nobody"}


def test_scores_are_those_of_the_runtime() -> None:
    assert network.SCORES == SCORES
    assert set(network.CIRCUMPLEX) == set(SCORES)


def test_a_few_steps_learn_and_the_pack_equals_the_network(emodb: Path, tmp_path: Path) -> None:
    clips = corpus.emodb(emodb)
    made = train.train(corpus.bank(clips, 1, 1), 40, 1, batch=8)
    told = scores.listen(made, clips)
    assert scores.recall([t.clip.emotion for t in told], [t.verdict for t in told]) > 0.5
    assert scores.arousal_order(told) > 0.8
    checkpoint, pack = tmp_path / "net.pt", tmp_path / "pack"
    torch.save({"weights": made.state_dict(), "trained_on": train.ingredients(clips)}, checkpoint)
    same, trained_on = export.load(checkpoint)
    export.pack(same, pack, trained_on, {})
    audio = (np.random.default_rng(1).normal(size=20 * HOP) * 0.1).astype(np.float32)
    heard = load_ear(pack=pack).listen().push(audio)
    with torch.no_grad():
        want, _ = same.step(torch.from_numpy(audio)[None], torch.zeros(1, same.state_size))
    np.testing.assert_allclose([f.scores for f in heard], want[0, :, 3:].numpy(), atol=1e-3)
    np.testing.assert_allclose([f.arousal for f in heard], want[0, :, 0].numpy(), atol=1e-3)


def test_the_network_is_causal_and_keeps_its_state() -> None:
    torch.manual_seed(0)
    fresh = Network().eval()
    audio, state = torch.randn(2, 12 * HOP) * 0.1, torch.zeros(2, fresh.state_size)
    with torch.no_grad():
        whole, end = fresh.step(audio, state)
        other = audio.clone()
        other[:, 6 * HOP :] = 0
        torch.testing.assert_close(fresh.step(other, state)[0][:, :6], whole[:, :6], atol=1e-5, rtol=0)
        parts = []
        for i in range(12):
            told, state = fresh.step(audio[:, i * HOP : (i + 1) * HOP], state)
            parts.append(told)
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-3, rtol=0)
    torch.testing.assert_close(state, end, atol=1e-3, rtol=0)


def test_recall_counts_every_emotion_alike() -> None:
    truth = ["anger"] * 8 + ["joy"] * 2
    assert scores.recall(truth, ["anger"] * 10) == 0.5
    assert scores.confusion(truth, ["anger"] * 10)[HEARD.index("joy")][HEARD.index("anger")] == 1.0
