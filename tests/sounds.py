"""What tests share by name: sounds, packs, the command line, a stream played from start to end."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

from voxrig.engine import Engine
from voxrig.model import OnnxModel
from voxrig.types import AudioChunk, Frames, join

TINY = Path(__file__).parent / "tiny" / "pack"
VOXRIG = [sys.executable, "-c", "import sys; from voxrig.cli import main; sys.exit(main())"]
"""The command line, as a process of its own."""
SAMPLE = Path(__file__).parent.parent / "samples" / "hello.wav"


def babble(seconds: float, rate: int = 16000, seed: int = 0) -> AudioChunk:
    """Noise in bursts of the length of syllables."""
    rng = np.random.default_rng(seed)
    beats = np.arange(0, seconds + 0.3, 0.15)
    loud = np.interp(np.arange(round(seconds * rate)) / rate, beats, rng.random(len(beats)))
    return AudioChunk((rng.normal(size=len(loud)) * 0.1 * loud).astype(np.float32), rate)


def play(
    model: OnnxModel,
    sound: AudioChunk,
    chunk: int = 800,
    fps: Fraction | int = 60,
    block: int = 1,
    smooth: float = 0.0,
) -> Frames:
    """Frames of a sound pushed in chunks."""
    engine = Engine(model, block=block)
    stream = engine.open(rate=sound.rate, fps=fps, smooth=smooth)
    parts = [Frames(model.card.rig, np.zeros((0, len(model.card.rig)), np.float32), Fraction(fps))]
    for at in range(0, len(sound.samples), chunk):
        stream.push(AudioChunk(sound.samples[at : at + chunk], sound.rate, at))
        while engine.step():
            pass
        if (frames := stream.pull()) is not None:
            parts.append(frames)
    stream.end()
    while engine.step():
        pass
    while (frames := stream.pull()) is not None:
        parts.append(frames)
    assert stream.done
    return join(parts)
