"""The int8 twin of a pack: near its original, by the same laws of streams."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the extra train is not installed")

from sounds import TINY, babble, play

from voxrig.engine import Engine
from voxrig.model import OnnxModel, find, load
from voxrig.types import Array, AudioChunk
from voxrig_train import quantize


@pytest.fixture(scope="module")
def live() -> OnnxModel:
    return load("live", "cpu")


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The twin of the pack that ships for streams, calibrated on the sample."""
    out = tmp_path_factory.mktemp("packs") / "live-int8"
    quantize.quantize("live", out, [quantize.sample(16000)] * 3)
    return out


@pytest.fixture(scope="module")
def small(twin: Path) -> OnnxModel:
    return load(twin, "cpu")


def test_a_twin_is_small_and_says_whose_it_is(live: OnnxModel, small: OnnxModel, twin: Path) -> None:
    assert (twin / "model.onnx").stat().st_size < 0.5 * (find("live") / "model.onnx").stat().st_size
    assert small.card.name == "live-int8"
    assert live.card.sha256 in small.card.quality["twin of"]
    assert (small.card.state, small.card.lookahead) == (live.card.state, live.card.lookahead)
    assert small.card.trained_on == live.card.trained_on


@pytest.mark.parametrize("gain", [0.1, 0.5, 1.0])
def test_a_twin_agrees_with_its_original_on_speech(live: OnnxModel, small: OnnxModel, gain: float) -> None:
    found = quantize.difference(live, small, gain * quantize.sample(16000))
    assert found.mean <= quantize.BOUND
    assert found.worst < 0.3
    assert found.phones > 0.97


def test_a_twin_is_still_in_silence(small: OnnxModel) -> None:
    told = play(small, AudioChunk(np.zeros(32000, np.float32), 16000)).values
    assert np.array_equal(told, np.broadcast_to(told[0], told.shape))


def test_every_chunk_size_gives_identical_frames(small: OnnxModel) -> None:
    sound = babble(1.03)
    whole = play(small, sound, len(sound.samples)).values
    for chunk in (17, 441, 800):
        assert np.array_equal(play(small, sound, chunk).values, whole), chunk


def test_a_batch_equals_its_members(small: OnnxModel) -> None:
    """Quiet streams beside loud ones: scales taken from the batch would not pass this."""
    sounds = [AudioChunk(babble(0.5, seed=i).samples * 4.0 ** (1 - i), 16000) for i in range(5)]
    engine = Engine(small)
    streams = [engine.open() for _ in sounds]
    for stream, sound in zip(streams, sounds, strict=True):
        stream.push(sound)
        stream.end()
    while engine.step():
        pass
    for stream, sound in zip(streams, sounds, strict=True):
        frames = stream.pull()
        assert frames is not None
        np.testing.assert_allclose(frames.values, play(small, sound).values, atol=1e-5)


def test_many_hops_at_once_equal_one_by_one(small: OnnxModel) -> None:
    audio = (np.random.default_rng(0).normal(size=(2, 10 * 320)) * 0.1).astype(np.float32)
    style, states = np.zeros((2, 0), np.float32), [small.initial_state()] * 2
    at_once, _ = small.step(audio, style, states)
    steps: list[Array] = []
    for i in range(10):
        values, states = small.step(audio[:, 320 * i : 320 * i + 320], style, states)
        steps.append(values)
    np.testing.assert_allclose(np.concatenate(steps, 1), at_once, atol=1e-5)


def test_a_twin_too_far_away_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantize, "BOUND", 1e-9)
    with pytest.raises(ValueError, match=r"int8 twin of pack '\w+' differs from it by .* at most 1e-09"):
        quantize.quantize("live", tmp_path / "far", [quantize.sample(16000)])
    assert list(tmp_path.iterdir()) == []


def test_a_pack_without_layers_to_quantise_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pack 'tiny' has nothing to quantise: no MatMul with a bias named"):
        quantize.quantize(TINY, tmp_path / "tiny-int8", [quantize.sample(16000)])
