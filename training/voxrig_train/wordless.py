"""Sounds that mouths make without words, drawn at random: laughs, coughs, sighs, cries, and hums.

Pulses or noise through the resonances of a vowel, as in Klatt's "Software for a cascade/parallel formant
synthesizer" (1980). They teach the gate; no test and no figure uses them.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from voxrig_train.network import RATE

VOICES = ("laugh", "cough", "sigh", "cry")
"""Made with an open mouth. A hum is made with a shut one."""

_VOWELS = ((730, 1090, 2440), (570, 840, 2410), (530, 1840, 2480), (640, 1190, 2390), (300, 870, 2240))
_OPEN, _CLOSED = (80, 110, 160), (60, 150, 200)  # Hz: widths of resonances
_NASAL = (270, 1100, 2300)
_NASAL_GAINS = (1.0, 0.1, 0.04)


def voice(rng: np.random.Generator, n: int) -> np.ndarray:
    """n samples at 16 kHz of one of ``VOICES``, about as loud as speech."""
    makers = (_laugh, _cough, _sigh, _cry)
    return _level(makers[rng.integers(len(makers))](rng, n))


def hum(rng: np.random.Generator, n: int) -> np.ndarray:
    """n samples at 16 kHz of a tone or a tune behind shut lips."""
    steps = np.repeat(rng.choice((0, 2, 4, 5, 7, 9), n // 8000 + 1), 8000)[:n] * rng.integers(0, 2)
    pitch = rng.uniform(85, 330) * 2 ** (_smooth(steps.astype(float), 1600) / 12)
    source = _pulses(rng, pitch * (1 + 0.01 * np.sin(np.arange(n) / RATE * 2 * np.pi * rng.uniform(4, 6))))
    sound = _tract(source, np.array(_NASAL) * rng.uniform(0.8, 1.25), _CLOSED, _NASAL_GAINS)
    swell = np.sin(np.pi * (np.arange(n) / RATE * rng.uniform(0.2, 0.6) + rng.random())) ** 2
    return _level(sound * swell ** rng.uniform(0, 1))


def _laugh(rng: np.random.Generator, n: int) -> np.ndarray:
    rate, length = rng.uniform(3.3, 6.5), rng.uniform(0.8, 3)
    t = np.arange(n) / RATE
    bout, beat = (
        t % (length + rng.uniform(0.2, 1.0)),
        np.cumsum(np.full(n, rate) * _wander(rng, n, 0.1)) / RATE,
    )
    beat %= 1
    voiced = np.sin(np.pi * np.clip(beat / rng.uniform(0.35, 0.75), 0, 1)) ** rng.uniform(0.4, 1.2)
    breath = np.sin(np.pi * np.clip((beat + 0.3) % 1 / 0.6, 0, 1))
    pitch = rng.uniform(95, 420) * (1.3 - rng.uniform(0, 0.3) * bout) * (1.1 - 0.2 * beat)
    source = _pulses(rng, np.maximum(pitch, 60)) * voiced * rng.choice((0.1, 1, 1, 1))
    source += rng.normal(size=n) * breath * rng.uniform(0.02, 0.5)
    return _vowel(rng, source) * (bout < length) * np.exp(-bout * rng.uniform(0, 0.8))


def _cough(rng: np.random.Generator, n: int) -> np.ndarray:
    out, at = np.zeros(n), int(rng.uniform(0, 0.5) * RATE)
    while at < n:
        size = min(n - at, int(rng.uniform(0.2, 0.5) * RATE))
        t = np.arange(size) / RATE
        burst = rng.normal(size=size) * np.exp(-t / rng.uniform(0.03, 0.15)) * np.minimum(1, t / 0.004)
        tail = np.exp(-(((t - rng.uniform(0.1, 0.25)) / 0.06) ** 2)) * rng.uniform(0, 1.5)
        out[at : at + size] += burst + tail * _pulses(rng, np.full(size, rng.uniform(90, 300)))
        at += int(rng.choice((rng.uniform(0.25, 0.5), rng.uniform(0.6, 2))) * RATE)
    return _vowel(rng, out) + 0.2 * out


def _sigh(rng: np.random.Generator, n: int) -> np.ndarray:
    swell = np.maximum(0, np.sin(2 * np.pi * (np.arange(n) / RATE * rng.uniform(0.25, 0.8) + rng.random())))
    swell = swell ** rng.uniform(0.7, 3)
    voiced = _pulses(rng, rng.uniform(80, 280) * (0.7 + 0.5 * swell)) * rng.choice((0, 0.1, 0.5))
    noise = rng.normal(size=n)
    return (_vowel(rng, noise + voiced) + 0.05 * noise) * swell


def _cry(rng: np.random.Generator, n: int) -> np.ndarray:
    out, at = np.zeros(n), int(rng.uniform(0, 0.5) * RATE)
    while at < n:
        size = min(n - at, int(rng.uniform(0.15, 1.6) * RATE))
        part = np.arange(size) / size
        pitch = rng.uniform(90, 600) * 2 ** (rng.uniform(-0.8, 0.5) * part) * _wander(rng, size, 0.05)
        source = _pulses(rng, pitch) + rng.normal(size=size) * rng.uniform(0.01, 0.6)
        shape = np.minimum(1, part / rng.uniform(0.02, 0.3)) * np.minimum(
            1, (1 - part) / rng.uniform(0.1, 0.8)
        )
        out[at : at + size] = _vowel(rng, source) * shape
        at += size + int(rng.uniform(0.05, 1.5) * RATE)
    return out


def _pulses(rng: np.random.Generator, pitch: np.ndarray) -> np.ndarray:
    """A voice's source (n,), RMS 1, of pitch (n,) in hertz that trembles a little."""
    turns = np.floor(np.cumsum(pitch * _wander(rng, len(pitch), 0.02)) / RATE)
    pulses = np.diff(turns, prepend=0.0)
    source = lfilter([1.0], [1.0, -rng.uniform(0.8, 0.97)], lfilter([1.0], [1.0, -0.9], pulses))
    source = source - _smooth(source, 800)
    return np.asarray(source / (np.sqrt(np.mean(source**2)) + 1e-9))


def _vowel(rng: np.random.Generator, source: np.ndarray) -> np.ndarray:
    hertz = np.array(_VOWELS[rng.integers(len(_VOWELS))]) * rng.uniform(0.8, 1.3) * rng.uniform(0.9, 1.1, 3)
    return _tract(source, hertz, _OPEN, rng.uniform((0.7, 0.4, 0.1), (1.0, 1.0, 0.6)))


def _tract(
    source: np.ndarray, hertz: np.ndarray, widths: tuple[int, ...], gains: np.ndarray | tuple[float, ...]
) -> np.ndarray:
    out = np.zeros(len(source))
    for centre, width, gain in zip(hertz, widths, gains, strict=True):
        radius = np.exp(-np.pi * width / RATE)
        poles = [1.0, -2 * radius * np.cos(2 * np.pi * centre / RATE), radius**2]
        out += gain * lfilter([1 - radius], poles, source)
    return out


def _wander(rng: np.random.Generator, n: int, by: float) -> np.ndarray:
    """Factors (n,) about 1 that drift."""
    knots = rng.normal(1, by, n // 1600 + 3)
    return np.interp(np.arange(n) / 1600, np.arange(len(knots)), np.maximum(knots, 0.2))


def _smooth(x: np.ndarray, size: int) -> np.ndarray:
    sums = np.cumsum(np.concatenate([np.full(size, x[0]), x]))
    return np.asarray((sums[size:] - sums[:-size]) / size)


def _level(sound: np.ndarray) -> np.ndarray:
    return np.asarray(sound * 0.1 / (np.sqrt(np.mean(sound**2)) + 1e-6))
