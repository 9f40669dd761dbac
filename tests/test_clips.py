"""A floor under the packs' quality, on people that nothing was trained on: see clips/README.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voxrig.performance import animate
from voxrig.types import AudioChunk
from voxrig_train import labels, measures, peers
from voxrig_train.labels import Labelled

CLIPS = Path(__file__).parent / "clips"

# Lips shut in p b m (F1), f v, rounding, openness, rest: some way under what was measured.
FLOORS = {
    "live": (0.66, 0.75, 0.93, 0.60, 0.93),
    "fast": (0.58, 0.62, 0.92, 0.58, 0.93),
    "file": (0.70, 0.80, 0.94, 0.60, 0.93),
    "text": (0.88, 0.85, 0.95, 0.60, 0.90),
}


@pytest.fixture(scope="module")
def clips() -> list[Labelled]:
    return labels.read(CLIPS)


def how(mode: str, clip: Labelled) -> dict[str, Any]:
    return {"text": clip.text} if mode == "text" else {"pace": mode}


@pytest.mark.parametrize("mode", FLOORS)
def test_lips_follow_people(clips: list[Labelled], mode: str) -> None:
    told = [animate(c.sound, "native", peers.FPS, **how(mode, c)).values for c in clips]
    found = measures.measure([(c.phones, t) for c, t in zip(clips, told, strict=True)])
    names = ("pbm_f1", "fv_auc", "round_auc", "open_rho", "rest")
    assert {n: found[n] for n, floor in zip(names, FLOORS[mode], strict=True) if found[n] < floor} == {}
    wrong = [np.resize(told[i - 1], t.shape) for i, t in enumerate(told)]
    control = measures.measure([(c.phones, t) for c, t in zip(clips, wrong, strict=True)])
    assert control["pbm_f1"] < found["pbm_f1"] - 0.25
    assert control["round_auc"] < 0.7


@pytest.mark.parametrize("mode", ["live", "fast", "file"])
def test_a_whisper_moves_the_mouth_as_much(clips: list[Labelled], mode: str) -> None:
    def mean_jaw(gain: float) -> float:
        quieter = [AudioChunk(c.sound.samples * np.float32(gain), c.sound.rate) for c in clips[:4]]
        frames = [animate(s, "native", peers.FPS, **how(mode, clips[0])) for s in quieter]
        return float(np.concatenate([f.curve("jawOpen") for f in frames]).mean())

    assert abs(mean_jaw(0.1) / mean_jaw(1.0) - 1) < 0.1  # 20 dB
