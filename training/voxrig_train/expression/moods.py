"""Voices in a mood: a calm recording becomes one that sounds like an emotion, by signal processing alone.

Pitch, its range, tempo, loudness, brightness, breath and tremor move in the directions that studies of
acted and of synthetic emotion agree upon: Cahn, "The generation of affect in synthesized speech", 1990;
Banse and Scherer, "Acoustic profiles in vocal emotion expression", 1996; Burkhardt and Sendlmeier,
"Verification of acoustical correlates of emotional speech using formant-synthesis", 2000. Amounts are ours.
The voice is no actor's; it is there so that content can be told from mood.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxrig.types import Array
from voxrig_train.expression.drivers import pitch
from voxrig_train.network import FPS, RATE

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Mood:
    """How a voice differs from the same voice when calm."""

    semitones: float = 0.0
    range: float = 1.0
    """Of pitch about its median."""
    tempo: float = 1.0
    decibels: float = 0.0
    tilt: float = 0.0
    """dB an octave above 500 Hz."""
    breath: float = 0.0
    """Noise against voice."""
    tremor: float = 0.0
    """Share of loudness that trembles, 7 times a second."""


MOODS: dict[str, Mood] = {
    "neutral": Mood(),
    "amazement": Mood(4, 1.6, 1.0, 3, 0.5),
    "anger": Mood(2.5, 1.4, 1.12, 7, 2.0),
    "cheekiness": Mood(1.5, 1.4, 1.06, 1, 0.5),
    "disgust": Mood(-1.5, 0.9, 0.86, 0, 0.5),
    "fear": Mood(4.5, 0.8, 1.18, -1, 0.0, 0.1, 0.3),
    "grief": Mood(1.0, 0.7, 0.82, -3, -1.5, 0.2, 0.25),
    "joy": Mood(3, 1.6, 1.1, 4, 1.0),
    "outofbreath": Mood(1.5, 1.0, 1.15, 0, -0.5, 0.5),
    "pain": Mood(3.0, 0.7, 0.88, 3, 1.0, 0.15, 0.2),
    "sadness": Mood(-2, 0.55, 0.84, -5, -2.0, 0.15),
}
_FRAME, _SEEK = 480, 160  # samples of a piece, and how far it may move to fit


def spoken_in(mood: Mood, samples: Array, rng: np.random.Generator) -> Array:
    """Audio (n / tempo,) at 16 kHz of audio (n,)."""
    x = samples.astype(np.float64)
    hertz, voiced = pitch(x)
    sure = voiced > 0.5
    octave = np.log2(hertz / np.median(hertz[sure])) if sure.any() else np.zeros(len(hertz))
    bend = np.convolve(
        np.where(sure, np.clip(octave, -0.7, 0.7), 0), np.hanning(15) / np.hanning(15).sum(), "same"
    )
    speed = 2 ** (mood.semitones / 12 + (mood.range - 1) * bend)
    # Read faster where pitch shall be higher, then laid out anew at the wanted pace.
    speed = np.interp(np.arange(len(x)), np.arange(len(speed)) * (RATE / FPS), speed)
    place = np.cumsum(1 / speed)  # where each old sample lies when read so
    faster = np.interp(np.arange(int(place[-1])), place, x)
    count = round(len(x) / mood.tempo)
    source = np.interp(np.arange(count) * mood.tempo, np.arange(len(x)), place)
    y = _laid(faster, source)
    spectrum = np.fft.rfft(y)
    octaves = np.log2(np.maximum(np.linspace(0, RATE / 2, len(spectrum)), 60) / 500)
    y = np.fft.irfft(spectrum * 10 ** (mood.tilt * np.clip(octaves, -1, 4) / 20), len(y))
    if mood.breath:
        loud = np.sqrt(np.convolve(y**2, np.ones(320) / 320, "same"))
        y = y * (1 - 0.3 * mood.breath) + mood.breath * loud * np.diff(rng.normal(size=len(y) + 1)) * 0.6
    if mood.tremor:
        y = y * (1 + mood.tremor * np.sin(2 * np.pi * 7 * np.arange(len(y)) / RATE + rng.uniform(0, 6)))
    level = np.sqrt(np.mean(x**2) / (np.mean(y**2) + 1e-12)) * 10 ** (mood.decibels / 20)
    return np.asarray(y * level, np.float32)


def _laid(x: Doubles, source: Doubles) -> Doubles:
    """Pieces of x around ``source`` (n,), laid over each other where they fit best (WSOLA)."""
    window, half = np.hanning(_FRAME), _FRAME // 2
    padded = np.concatenate([np.zeros(_FRAME + _SEEK), x, np.zeros(2 * _FRAME + _SEEK)])
    out, weight = np.zeros(len(source) + 2 * _FRAME), np.full(len(source) + 2 * _FRAME, 1e-6)
    follows: Doubles | None = None
    for at in range(0, len(source), half):
        first = int(source[at]) + _FRAME + _SEEK - half
        if follows is not None:
            seen = padded[first - _SEEK : first + _SEEK + half]
            alike = np.correlate(seen, follows, "valid")
            first += int(alike.argmax()) - _SEEK
        piece = padded[first : first + _FRAME]
        follows = padded[first + half : first + _FRAME]
        out[at : at + _FRAME] += piece * window
        weight[at : at + _FRAME] += window
    return np.asarray((out / weight)[half : half + len(source)])
