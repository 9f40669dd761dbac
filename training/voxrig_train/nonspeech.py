"""Sounds that no mouth makes, for a network that must keep still: chords, drums, tones, breath, hum."""

from __future__ import annotations

import numpy as np

from voxrig_train.network import RATE


def nonspeech(rng: np.random.Generator, n: int) -> np.ndarray:
    """n samples of a random mix at 16 kHz, about as loud as speech."""
    makers = (_chords, _drums, _beeps, _breaths, _hum, _clicks)
    chosen = rng.choice(len(makers), rng.integers(1, 4), replace=False)
    sound = sum((makers[i](rng, n) * rng.uniform(0.3, 1) for i in chosen), np.zeros(n))
    return np.asarray(sound * 0.1 / (np.sqrt(np.mean(sound**2)) + 1e-6))


def _hits(rng: np.random.Generator, n: int, every: float) -> np.ndarray:
    """Sample indices of events about ``every`` seconds apart."""
    return np.arange(rng.uniform(0, every) * RATE, n, every * RATE).astype(int)


def _chords(rng: np.random.Generator, n: int) -> np.ndarray:
    out, beat = np.zeros(n), rng.uniform(0.25, 1.2)
    root, decay = rng.uniform(80, 300), rng.uniform(0.1, 1.5)
    for at in _hits(rng, n, beat):
        t = np.arange(min(n - at, int(2 * RATE))) / RATE
        for step in rng.choice((0, 3, 4, 5, 7, 9, 12, 16), 3, replace=False):
            hertz = root * 2 ** ((step + rng.choice((0, 2, 5, 7))) / 12)
            tone = sum(np.sin(2 * np.pi * hertz * k * t) / k ** rng.uniform(0.8, 2) for k in range(1, 6))
            out[at : at + len(t)] += tone * np.exp(-t / decay) * np.minimum(1, t / 0.01)
    return out


def _drums(rng: np.random.Generator, n: int) -> np.ndarray:
    out, beat = np.zeros(n), rng.uniform(0.12, 0.5)
    for at in _hits(rng, n, beat):
        t = np.arange(min(n - at, RATE // 3)) / RATE
        kick = np.sin(2 * np.pi * rng.uniform(50, 120) * t) * np.exp(-t / 0.08)
        snare = rng.normal(size=len(t)) * np.exp(-t / rng.uniform(0.01, 0.08))
        out[at : at + len(t)] += kick * rng.uniform(0, 3) + snare * rng.uniform(0, 1)
    return out


def _beeps(rng: np.random.Generator, n: int) -> np.ndarray:
    t = np.arange(n) / RATE
    gate = (t * rng.uniform(0.5, 6)) % 1 < rng.uniform(0.1, 0.9)
    sweep = rng.uniform(200, 3000) * t + rng.uniform(-200, 200) * t**2 * rng.integers(0, 2)
    return np.sin(2 * np.pi * sweep) * gate


def _breaths(rng: np.random.Generator, n: int) -> np.ndarray:
    noise = np.fft.rfft(rng.normal(size=n))
    hertz = np.linspace(0, RATE / 2, len(noise))
    shape = np.exp(-(((hertz - rng.uniform(500, 3000)) / rng.uniform(400, 2000)) ** 2)) + 0.1
    swell = np.sin(np.pi * (np.arange(n) / RATE * rng.uniform(0.3, 1) + rng.random())) ** 2
    return np.fft.irfft(noise * shape, n) * swell ** rng.uniform(1, 4)


def _hum(rng: np.random.Generator, n: int) -> np.ndarray:
    t, hertz = np.arange(n) / RATE, rng.uniform(40, 200)
    tone = sum(np.sin(2 * np.pi * hertz * k * t + rng.uniform(0, 6)) / k for k in range(1, 12))
    return tone * (1 + 0.3 * np.sin(2 * np.pi * rng.uniform(0.1, 8) * t))


def _clicks(rng: np.random.Generator, n: int) -> np.ndarray:
    out = np.zeros(n)
    for at in rng.integers(0, n, rng.integers(3, 40)):
        t = np.arange(min(n - at, 800)) / RATE
        ring = np.sin(2 * np.pi * rng.uniform(400, 5000) * t)
        out[at : at + len(t)] += rng.uniform(0.2, 2) * ring * np.exp(-t / rng.uniform(0.001, 0.02))
    return out
