"""What the listener learns from: emotional clips of EmoDB, people reading, and sounds nobody speaks.

An excerpt is ``SECONDS`` of one or more clips of a speaker with pauses between, made harder by rooms,
filters, noise, clipping and gain, so that neither loudness nor a microphone tells the emotion. What ears
hear of an excerpt is kept in a ``Bank``, since ears do not learn.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from voxrig.types import Array
from voxrig_train.emotion.network import EARS, FRAMES, HEARD, HOP, RATE, Ears
from voxrig_train.nonspeech import nonspeech

SECONDS = 6
STEPS = SECONDS * RATE // HOP
_EMODB = {"Angry": "anger", "Happy": "joy", "Neutral": "neutral", "Sad": "sadness"}
# Calm, neutral, happy, sad, angry of RAVDESS, third number of the file's name; others were not trained.
_RAVDESS = {"01": "neutral", "03": "joy", "04": "sadness", "05": "anger"}
_PAUSE = 1.5  # seconds of silence after which nothing is felt any more
_FRAME = HOP // FRAMES
_SOFT = {"acted": 0.08, "read": 0.25}  # probability given to what a clip is not said to be


@dataclass(frozen=True, eq=False)
class Clip:
    """Somebody's words, said with one emotion."""

    name: str
    speaker: str
    emotion: str
    kind: str
    """acted, or read."""
    samples: np.ndarray  # (n,) int16 at 16 kHz
    licence: str


def _read(path: Path) -> np.ndarray:
    import soundfile

    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    if rate != RATE:
        raise ValueError(f"{path} is at {rate} Hz; give {RATE} Hz")
    return np.asarray(samples[:, 0])


def emodb(folder: Path) -> list[Clip]:
    """EmoDB; the speaker is the first two digits of a name such as ``Angry_03a01Wa.flac``."""
    clips = []
    for path in sorted(folder.glob("*.flac")):
        emotion, _, name = path.stem.partition("_")
        label = _EMODB[emotion]
        clips.append(Clip(path.stem, f"emodb-{name[:2]}", label, "acted", _read(path), "CC0 1.0 (EmoDB)"))
    return clips


def ravdess(folder: Path) -> list[Clip]:
    """Those of RAVDESS whose emotion a listener knows; to evaluate with, never to train with."""
    clips = []
    for path in sorted(folder.glob("*.flac")):
        parts = path.stem.split("-")
        if parts[2] in _RAVDESS:
            label = _RAVDESS[parts[2]]
            clips.append(Clip(path.stem, f"ravdess-{parts[6]}", label, "acted", _read(path), "CC BY-NC-SA"))
    return clips


def readers(folder: Path) -> list[Clip]:
    """People reading, as neutral: a folder with ``index.csv``, or a world with ``clips.jsonl``.

    What is only inferred to be free is left out.
    """
    clips = []
    if (folder / "index.csv").exists():
        with (folder / "index.csv").open(newline="") as f:
            rows = [(r, folder / r["file"]) for r in csv.DictReader(f)]
    else:
        lines = (folder / "clips.jsonl").read_text().splitlines()
        rows = [(r, folder / "clips" / f"{r['id']}.flac") for r in map(json.loads, lines)]
    for row, path in rows:
        if "inferred" not in row["licence"]:
            clips.append(Clip(path.stem, row["speaker"], "neutral", "read", _read(path), row["licence"]))
    return clips


FIELDS = ("ears", "possible", "speech", "aim", "weight", "speaker", "kind")


@dataclass(frozen=True, eq=False)
class Bank:
    """What ears heard of many excerpts, and what was felt there."""

    ears: np.ndarray  # (e, t, EARS) float16
    possible: Array  # (e, m)
    speech: np.ndarray  # (e, t) bool
    aim: Array  # (e, m, 4) likelihood of each of HEARD
    weight: Array  # (e, m) how much a step counts; none right after the emotion changed
    speaker: np.ndarray  # (e,) of str
    kind: np.ndarray  # (e,) of str: acted, read or none

    def without(self, speakers: Sequence[str]) -> Bank:
        """The excerpts of everybody else."""
        kept = ~np.isin(self.speaker, list(speakers))
        return Bank(*(getattr(self, name)[kept] for name in FIELDS))


def bank(clips: Sequence[Clip], takes: int, seed: int) -> Bank:
    """``takes`` excerpts that begin with each clip, and one in twelve more that no mouth makes."""
    rng = np.random.default_rng(seed)
    ears = Ears()
    silent = np.zeros(0, np.int16)
    work = [clip for clip in clips for _ in range(takes)]
    nobody = Clip("nobody", "nobody", "neutral", "none", silent, "")
    work += [nobody] * (len(work) // 12)
    by_speaker: dict[str, list[Clip]] = {}
    for clip in clips:
        by_speaker.setdefault(clip.speaker, []).append(clip)
    rows = []
    for first in range(0, len(work), 64):
        batch = [_excerpt(rng, clip, by_speaker.get(clip.speaker, [])) for clip in work[first : first + 64]]
        audio, speech, aim, weight = (np.stack(x) for x in zip(*batch, strict=True))
        with torch.no_grad():
            heard, possible, _ = ears(torch.from_numpy(audio), torch.zeros(len(batch), Ears.kept))
        rows.append((heard.numpy().astype(np.float16), possible.numpy()[..., 0], speech, aim, weight))
    ears_of, possible_of, speech_of, aims, weights = (np.concatenate(x) for x in zip(*rows, strict=True))
    assert ears_of.shape[-1] == EARS
    return Bank(ears_of, possible_of, speech_of, aims, weights, *_names(work))


def _names(clips: Sequence[Clip]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([c.speaker for c in clips]), np.array([c.kind for c in clips])


def _aim(clip: Clip) -> Array:
    """Likelihoods of HEARD: mostly what a clip is said to be, a little of the rest, most of it neutral."""
    soft = _SOFT.get(clip.kind, 0.02)
    out = np.full(len(HEARD), soft / (len(HEARD) + 1), np.float32)
    out[0] += soft / (len(HEARD) + 1)
    out[HEARD.index(clip.emotion)] += 1 - soft
    return out


def _excerpt(
    rng: np.random.Generator, clip: Clip, others: Sequence[Clip]
) -> tuple[Array, np.ndarray, Array, Array]:
    n = SECONDS * RATE
    audio = np.zeros(n)
    aim = np.zeros((STEPS, len(HEARD)), np.float32)
    aim[:, 0] = 1
    weight = np.zeros(STEPS, np.float32)
    if clip.kind == "none":
        if rng.random() < 0.7:
            audio = nonspeech(rng, n)
        return harder(rng, audio), np.zeros(STEPS * FRAMES, bool), aim, weight + 0.5
    at = int(rng.uniform(0, 0.8) * RATE)
    while at < n - RATE // 2:
        sound = _sped(clip.samples / 32768, rng.uniform(0.95, 1.06))
        if len(sound) > 4 * RATE:
            begin = int(rng.integers(len(sound) - 3 * RATE))
            sound = sound[begin : begin + int(rng.uniform(2.5, 6) * RATE)]
        sound = sound[: n - at]
        sound = sound * 0.1 / (np.sqrt(np.mean(sound**2)) + 1e-6)
        audio[at : at + len(sound)] += sound
        first, last = -(-at // HOP), (at + len(sound)) // HOP
        aim[first:] = _aim(clip)
        weight[first:] = 1
        weight[first : first + 6] = np.linspace(0, 1, 7)[1:][: STEPS - first]
        gone = last + int(_PAUSE * RATE) // HOP
        weight[last:gone] *= 0.5
        weight[last + 5 : gone] = 0
        aim[gone:] = np.eye(len(HEARD), dtype=np.float32)[0]
        at += len(sound) + int(rng.choice((rng.uniform(0.1, 0.6), rng.uniform(0.5, 3))) * RATE)
        alike = [c for c in others if c.emotion == clip.emotion]
        next_ones = alike if rng.random() < 0.7 else others
        clip = next_ones[int(rng.integers(len(next_ones)))]
    energy = np.sqrt(np.mean(audio.reshape(-1, _FRAME) ** 2, 1))
    return harder(rng, audio), energy > 0.1 * 10 ** (-22 / 20), aim, weight


def _sped(sound: np.ndarray, speed: float) -> np.ndarray:
    at = np.arange(0, len(sound) - 1, speed)
    return np.asarray(np.interp(at, np.arange(len(sound)), sound))


def harder(rng: np.random.Generator, audio: np.ndarray) -> Array:
    """The same words in another place, through another microphone, louder or quieter."""
    n = len(audio)
    spectrum = np.fft.rfft(audio, n + RATE // 2)
    hertz = np.linspace(1, RATE / 2, len(spectrum))
    octaves = np.log2(hertz / 1000)
    wave = np.cos(octaves * rng.uniform(1, 2.5) + rng.uniform(0, 6))
    curve = rng.normal(0, 1.5) * octaves + rng.normal(0, 2.5) * wave
    spectrum *= 10 ** (np.clip(curve, -15, 15) / 20)
    if rng.random() < 0.15:
        spectrum *= hertz < rng.choice((3400, 3900, 5400))
    if rng.random() < 0.15:
        spectrum *= hertz > rng.uniform(100, 300)
    if rng.random() < 0.35:
        decay = np.exp(-np.arange(RATE // 2) / RATE * 6.9 / rng.uniform(0.15, 0.6))
        room = rng.normal(size=RATE // 2) * decay * rng.uniform(0.02, 0.1)
        room[0] = 1.0
        spectrum *= np.fft.rfft(room, n + RATE // 2)
    audio = np.fft.irfft(spectrum, n + RATE // 2)[:n]
    rms = float(np.sqrt(np.mean(audio**2)))
    speech = rms if rms > 1e-6 else 0.1
    if rng.random() < 0.8:
        colour = np.linspace(1, RATE / 2, n // 2 + 1) ** -rng.uniform(0, 1.2)
        noise = np.fft.irfft(np.fft.rfft(rng.normal(size=n)) * colour, n)
        snr = rng.uniform(5, 50)
        audio = audio + noise * speech / np.sqrt(np.mean(noise**2)) * 10 ** (-snr / 20)
    if rng.random() < 0.1:
        audio = np.clip(audio, -4 * speech, 4 * speech)
    gain = 10 ** (rng.uniform(-45, -8) / 20) / speech
    return np.asarray(np.clip(audio * gain, -1, 1), np.float32)
