"""Clips in memory with their targets, split by speaker, and random excerpts of them made harder.

An excerpt is ``SECONDS`` long and may be faster or slower (pitch and formants move along), filtered,
reverberant, noisy, band-limited as on the telephone, loud or quiet; some hold no speech at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voxrig.speech import coarticulation
from voxrig.speech.phones import PHONES, Phone
from voxrig.types import Array
from voxrig_train import world
from voxrig_train.network import FPS, RATE
from voxrig_train.nonspeech import nonspeech

SECONDS = 6
SYNTHETIC = ("flite", "hibari", "kokoro")
_LONG = 0.35  # s: more than a few phones of this length mean that the text was wrong


@dataclass(frozen=True, eq=False)
class Item:
    """A clip ready to learn from."""

    clip: world.Clip
    samples: np.ndarray  # (n,) int16 at 16 kHz
    targets: Array  # (t, 12)
    labels: np.ndarray  # (t,) index into PHONES


def load(roots: Sequence[Path]) -> list[Item]:
    """All clips that align well; the worst twentieth of every world is left out, aligners differ in scale."""
    items = []
    for root in roots:
        clips = world.read(root)
        scores = [c.score for c in clips if c.score]
        worst = float(np.percentile(scores, 5)) if scores else 0.0
        for clip in clips:
            speech = [p for p in clip.phones if p.label != "sil"]
            long = sum(p.end - p.start > _LONG for p in speech) / max(len(speech), 1)
            if speech and (not clip.score or (clip.score >= worst and long < 0.06)):
                pcm = np.round(world.samples_of(root, clip) * 32767).astype(np.int16)
                frames = len(pcm) * FPS // RATE
                aims = coarticulation.targets(clip.phones, frames)
                items.append(Item(clip, pcm, aims, _labels(clip.phones, frames)))
    return items


# Native voices kept back so that other languages are measured on voices never heard.
_KEPT = frozenset(f"kokoro-{name}" for name in ("ff_siwis", "ef_dora", "im_nicola", "jf_alpha"))


def held_out(speaker: str) -> bool:
    """Whether a speaker is kept from training: one in ten, by a hash of the name."""
    return speaker in _KEPT or int(hashlib.sha256(speaker.encode()).hexdigest(), 16) % 10 == 0


def _labels(phones: Sequence[Phone], frames: int) -> np.ndarray:
    labels = np.zeros(frames, np.int64)
    for phone in phones:
        labels[round(phone.start * FPS) : round(phone.end * FPS)] = PHONES.index(phone.label)
    return labels


class Excerpts:
    """Random excerpts, reproducible by seed."""

    def __init__(self, items: Sequence[Item], seed: int) -> None:
        self._items, self._rng = items, np.random.default_rng(seed)
        size = np.array([len(i.samples) for i in items], float)
        # A person is worth more than a synthetic voice: there are many of them with little of each.
        size *= np.array([1.0 if i.clip.source in SYNTHETIC else 3.0 for i in items])
        self._odds = size / size.sum()

    def batch(self, size: int) -> tuple[Array, Array, np.ndarray]:
        """Audio (b, n), targets (b, t, 12), labels (b, t)."""
        made = [self._one() for _ in range(size)]
        audio, targets, labels = zip(*made, strict=True)
        return np.stack(audio), np.stack(targets), np.stack(labels)

    def _one(self) -> tuple[Array, Array, np.ndarray]:
        rng, n, t = self._rng, SECONDS * RATE, SECONDS * FPS
        item = self._items[int(rng.choice(len(self._items), p=self._odds))]
        speed = rng.uniform(0.86, 1.16)
        need = int(n * speed) + 2
        first = int(rng.integers(-RATE // 2, max(1, len(item.samples) - need + RATE // 2)))
        audio = _pick(item.samples, first + np.arange(n) * speed) / 32768
        frames = (first / RATE + np.arange(t) / FPS * speed) * FPS
        inside = (frames >= 0) & (frames < len(item.labels) - 1)
        index = np.clip(frames, 0, len(item.labels) - 2)
        low, part = index.astype(int), (index % 1)[:, None].astype(np.float32)
        targets = item.targets[low] * (1 - part) + item.targets[low + 1] * part
        targets, labels = targets * inside[:, None], item.labels[np.round(index).astype(int)] * inside
        if rng.random() < 0.08:
            audio = nonspeech(rng, n) if rng.random() < 0.6 else audio * 0
            targets, labels = targets * 0, labels * 0
        return self.harder(audio), targets.astype(np.float32), labels

    def harder(self, audio: np.ndarray) -> Array:
        """Audio (n,) filtered, in a room, in noise, on a telephone, at some other loudness."""
        rng = self._rng
        spectrum = np.fft.rfft(audio)
        hertz = np.linspace(1, RATE / 2, len(spectrum))
        octaves = np.log2(hertz / 1000)
        tilt = rng.normal(0, 2.0) * octaves + rng.normal(0, 3) * np.cos(
            octaves * rng.uniform(1, 2.5) + rng.uniform(0, 6)
        )
        spectrum *= 10 ** (np.clip(tilt, -18, 18) / 20)
        if rng.random() < 0.2:
            spectrum *= hertz < rng.choice((3400, 3900, 5400))
        if rng.random() < 0.1:
            spectrum *= hertz > rng.uniform(150, 350)
        if rng.random() < 0.25:
            decay = np.exp(-np.arange(RATE // 2) / RATE * 6.9 / rng.uniform(0.15, 0.6))
            room = rng.normal(size=RATE // 2) * decay * rng.uniform(0.02, 0.12)
            room[0] = 1.0
            spectrum *= np.fft.rfft(room, len(audio))
        audio = np.fft.irfft(spectrum, len(audio))
        level = np.sqrt(np.mean(audio**2)) + 1e-9
        speech = level if level > 1e-6 else 0.1
        if rng.random() < 0.75:
            colour = np.exp(
                -rng.uniform(0, 1.2) * np.log(hertz)
                + 0.5 * rng.normal() * np.cos(octaves + rng.uniform(0, 6))
            )
            noise = np.fft.irfft(np.fft.rfft(rng.normal(size=len(audio))) * colour, len(audio))
            noise *= 1 + 0.5 * rng.random() * np.sin(np.arange(len(audio)) / RATE * rng.uniform(1, 30))
            if rng.random() < 0.12:
                other = self._items[int(rng.integers(len(self._items)))].samples
                noise = _pick(other, np.arange(len(audio)) % len(other)) / 32768
            snr = rng.uniform(2, 45)
            audio = audio + noise * speech / (np.sqrt(np.mean(noise**2)) + 1e-9) * 10 ** (-snr / 20)
        gain = 10 ** (rng.uniform(-45, -8) / 20) / speech
        return np.clip(audio * gain, -1, 1).astype(np.float32)


def _pick(samples: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Samples at fractional positions, zero outside."""
    low = np.floor(at).astype(int)
    part = at - low
    padded = np.concatenate([[0], samples.astype(np.float32), [0, 0]])
    low = np.clip(low + 1, 0, len(samples) + 1)
    high = np.minimum(low + 1, len(samples) + 1)
    return np.asarray(padded[low] * (1 - part) + padded[high] * part)
