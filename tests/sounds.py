"""Sounds and packs that tests use."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voxrig.types import AudioChunk

TINY = Path(__file__).parent / "tiny" / "pack"
SAMPLE = Path(__file__).parent.parent / "samples" / "hello.wav"


def babble(seconds: float, rate: int = 16000, seed: int = 0) -> AudioChunk:
    """Noise in bursts of the length of syllables."""
    rng = np.random.default_rng(seed)
    beats = np.arange(0, seconds + 0.3, 0.15)
    loud = np.interp(np.arange(round(seconds * rate)) / rate, beats, rng.random(len(beats)))
    return AudioChunk((rng.normal(size=len(loud)) * 0.1 * loud).astype(np.float32), rate)
