"""What in a voice drives a face: six signals, 100 a second, each causal and about one in size.

loud     loudness against the last two seconds
accent   pitch above its own mean: brows go along with pitch accents (Cavé et al., "About the
         relationship between eyebrow movements and F0 variations", 1996; Flecha-García, "Eyebrow
         raises in dialogue and their relation to discourse structure, utterance function and pitch
         accents in English", 2010)
onset    a phrase has begun, and fades within a second
effort   a bright voice: loud, tense speech has more of its energy up high (Traunmüller and Eriksson,
         "Acoustic effects of variation in vocal effort", 2000)
beat     loudness that rises: syllables
pause    nothing is said
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from voxrig_train.network import FPS, RATE

DRIVERS = ("loud", "accent", "onset", "effort", "beat", "pause")
Doubles = NDArray[np.float64]

_SHIFT, _WINDOW = RATE // FPS, 640
_FLOOR = 1e-6  # power
_QUIET = 3e-6  # power that is no speech, however quiet all has been


def pitch(samples: Doubles) -> tuple[Doubles, Doubles]:
    """Hertz, held where there is no voice, and how voiced it is, 0..1: each (t,), t = n // 160.

    The highest peak of the normalised autocorrelation of the last 40 ms between 70 and 420 Hz; of peaks
    nearly alike, that of the highest pitch.
    """
    frames = _frames(samples) * np.hanning(_WINDOW + 2)[1:-1]
    power = np.abs(np.fft.rfft(frames, 2 * _WINDOW)) ** 2
    power[:, int(1200 * 2 * _WINDOW / RATE) :] = 0
    correlation = np.fft.irfft(power)
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(_WINDOW + 2)[1:-1], 2 * _WINDOW)) ** 2)
    lags = np.arange(RATE // 420, RATE // 70)
    alike = correlation[:, lags] / (correlation[:, :1] + 1e-4) * (window[0] / window[lags])
    alike = alike - 0.05 * np.log2(lags / lags[0])
    best = alike.argmax(1)
    voiced = np.clip(alike[np.arange(len(best)), best] * 2.5 - 0.9, 0, 1)
    hertz = RATE / lags[best]
    held = np.maximum.accumulate(np.where(voiced > 0.3, np.arange(len(best)), 0))
    return hertz[held], voiced


def drivers(samples: Doubles) -> Doubles:
    """(t, 6) of audio (n,) at 16 kHz, t = n // 160."""
    frames = _frames(samples)
    energy = (frames[:, -2 * _SHIFT :] ** 2).mean(1)
    high = (np.diff(frames[:, -2 * _SHIFT :], axis=1) ** 2).mean(1)
    age = np.arange(1, len(energy) + 1)
    usual = _slow(energy, 2.0) / (1 - np.exp(-age / (2.0 * FPS)))
    loud = np.clip(np.log((energy + _FLOOR) / (usual + _FLOOR)), -5, 2.5)
    spoken = _slow(((loud > -2.5) & (energy > _QUIET)) * 1.0, 0.06)
    hertz, voiced = pitch(samples)
    octave = np.log2(hertz / 160)
    weight = _slow(voiced, 2.0)
    mean = _slow(voiced * octave, 2.0) / (weight + 1e-2)
    accent = _slow(np.clip((octave - mean) * 12, -6, 9) * voiced, 0.1)
    phrase = _slow(spoken, 0.08) - _slow(spoken, 0.7)
    tilt = np.clip(np.log((high + _FLOOR) / (energy + _FLOOR)), -5, 1)
    bright = _slow(np.where(loud > -2, tilt, -2.5), 0.2)
    envelope = _slow(np.maximum(loud, -3), 0.06)
    beat = envelope - _slow(envelope, 0.12)
    told = (_slow(np.maximum(loud, -3), 0.12), accent, phrase, bright, beat, 1 - _slow(spoken, 0.15))
    return np.stack(told, 1)


def _frames(samples: Doubles) -> Doubles:
    """(t, 640): for each frame the sound up to its end."""
    count = len(samples) // _SHIFT
    padded = np.concatenate([np.zeros(_WINDOW - _SHIFT), samples[: count * _SHIFT]])
    return np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_SHIFT]


def _slow(x: Doubles, seconds: float) -> Doubles:
    """An exponential mean."""
    keep = np.exp(-1 / (seconds * FPS))
    return np.asarray(lfilter([1 - keep], [1, -keep], x))
