"""The network that hears emotion: sound in, arousal, valence, speech and scores out, ten times a second.

    audio (b, m * 1600) at 16 kHz ─ ears: log mel, pitch and energy relative to the speech level, 50 Hz
      ─ causal blocks ─ leaky means and deviations over about 1 s and 4 s ─ what is felt, 10 Hz

Whatever the gain of a microphone, the ears hear the same: all energy is relative to a running level of
the speech itself. A network hears ``HEARD``; the rest of ``SCORES`` is told from arousal and valence.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from voxrig.style import EMOTIONS
from voxrig.types import Array
from voxrig_train.network import Block, Taps

RATE = 16000  # Hz
HOP = 1600  # samples a step: 100 ms
FRAMES = 5  # frames of the ears a step
SCORES = ("neutral", *EMOTIONS)
HEARD = ("neutral", "anger", "joy", "sadness")
FEELINGS = ("arousal", "valence", "speech", *SCORES)
"""What a step tells, in order."""

# Arousal and valence of each name, after Russell (1980); what lies between those heard was placed by us.
CIRCUMPLEX = {
    "neutral": (0.0, 0.0),
    "amazement": (0.8, 0.15),
    "anger": (0.8, -0.6),
    "cheekiness": (0.3, 0.5),
    "disgust": (0.25, -0.6),
    "fear": (0.75, -0.35),
    "grief": (-0.2, -0.85),
    "joy": (0.7, 0.7),
    "outofbreath": (0.45, -0.2),
    "pain": (0.5, -0.85),
    "sadness": (-0.6, -0.6),
}
_NEAR = 0.25  # distance in the circumplex at which a name that was not trained loses half a nat
_SHY = 1.5  # nats by which such a name stays behind all that was heard together
_NEVER = 1e-6  # likelihood of what is out of the question

_SHIFT, _WINDOW, _FFT, _BANDS = 320, 640, 1024, 32
_LAGS = 48
_PITCH = (70.0, 450.0)  # Hz
_FLOOR = 1e-4  # of the level: what is quieter is not heard
_HUSH = (-68.0, -58.0)  # dBFS of speech below which nobody speaks, and from which someone may
_LEVEL_SECONDS = 2.0
_POOL_SECONDS = (1.0, 4.0)
_SPEECH_SECONDS = 0.8
_ENOUGH = (0.08, 0.35)  # share of speech at which feelings begin, and count in full
EARS = _BANDS + 4
_WIDTH = 64


def _bank() -> Array:
    """Triangular filters (bins, bands) on the mel scale, 80 to 7200 Hz."""
    low, high = (2595 * math.log10(1 + hertz / 700) for hertz in (80.0, 7200.0))
    edges = 700 * (10 ** (np.linspace(low, high, _BANDS + 2) / 2595) - 1)
    bins = np.arange(_FFT // 2 + 1)[:, None] * RATE / _FFT
    up, down = (bins - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - bins) / np.diff(edges)[1:]
    return np.asarray(np.maximum(0, np.minimum(up, down)), np.float32)


def leak(x: Tensor, before: Tensor, seconds: float) -> Tensor:
    """A leaky sum over steps: x (b, m, c) and the sum so far (b, c) -> the sum after each step."""
    steps = torch.arange(x.shape[1], dtype=torch.float32)
    ago = steps[:, None] - steps[None]
    decay = -HOP / RATE / seconds
    weight = torch.exp(torch.clamp(ago, min=0) * decay) * (ago >= 0)
    rest = torch.exp((steps + 1) * decay)[:, None]
    return weight @ x + rest * before[:, None]


class Ears(nn.Module):
    """Sound as a voice: (b, m * 1600) -> (b, 5m, ears), how surely anybody could speak (b, m, 1), state."""

    kept = _WINDOW - _SHIFT + 2

    def __init__(self) -> None:
        super().__init__()
        window = np.hanning(_WINDOW + 2)[1:-1]
        hertz = np.geomspace(*_PITCH, _LAGS)
        bins = np.arange(_FFT // 2 + 1) * RATE / _FFT
        # Correlation at a lag is a sum of cosines over the power spectrum; formants count little.
        soft = np.where(bins < 50, 0, 1 / (1 + (bins / 900) ** 2))[:, None]
        lags = np.cos(2 * np.pi * bins[:, None] / hertz) * soft
        own = np.correlate(window, window, "full")[_WINDOW - 1 :] / (window @ window)
        lags /= np.interp(RATE / hertz, np.arange(_WINDOW), own)
        for name, value in {
            "window": window,
            "bank": _bank(),
            "lags": np.concatenate([lags, soft], 1),
            "hertz": np.log2(hertz / 160),
            "cost": 0.03 * np.log2(hertz / _PITCH[0]),  # of two equal candidates the higher one is meant
        }.items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32), persistent=False)
        self.full = float(window @ window)  # energy of a frame at 0 dBFS

    def forward(self, audio: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        heard = torch.cat([state[:, : _WINDOW - _SHIFT], audio], 1)
        pieces = heard.reshape(audio.shape[0], -1, _SHIFT)
        frames = torch.cat([pieces[:, :-1], pieces[:, 1:]], 2) * self.window
        spectrum = torch.view_as_real(torch.fft.rfft(frames, _FFT))
        power = spectrum.square().sum(-1) / (self.full * _FFT / 2)
        bands = power @ self.bank
        energy = bands.sum(-1)  # (b, 5m), 1 is about 0 dBFS
        steps = energy.reshape(audio.shape[0], -1, FRAMES)
        sums = torch.stack([steps.pow(1.5).sum(-1), steps.sqrt().sum(-1)], 2)
        sums = leak(sums, state[:, _WINDOW - _SHIFT :], _LEVEL_SECONDS)
        # Clamped, not added to: optimisers of graphs take an addend so small for nothing.
        level = torch.clamp(sums[..., :1] / (sums[..., 1:] + 1e-4), min=1e-10)  # (b, m, 1)
        loud = 10 / math.log(10) * torch.log(level)
        possible = torch.clamp((loud - _HUSH[0]) / (_HUSH[1] - _HUSH[0]), 0, 1)
        each = level.expand(-1, -1, FRAMES).reshape(audio.shape[0], -1, 1)
        correlation = power @ self.lags
        ratio = correlation[..., :_LAGS] / (correlation[..., _LAGS:] + 1e-3 * each)
        sharp = torch.softmax(40 * (ratio + self.cost), -1)
        voiced = torch.clamp((sharp * ratio).sum(-1, keepdim=True), 0, 1)
        pitch = (sharp * self.hertz).sum(-1, keepdim=True)
        shape = torch.log(bands * _BANDS / each + _FLOOR) / 3 + 1
        strength = torch.log(energy[..., None] / each + _FLOOR) / 3 + 1
        sure = voiced * voiced
        ears = torch.cat([shape, strength, voiced, sure * pitch * 2, sure], 2)
        after = torch.cat([heard[:, -(_WINDOW - _SHIFT) :], sums[:, -1]], 1)
        return ears, possible, after


class Network(nn.Module):
    """``feel`` trains on what ears heard; ``step`` is what a pack holds."""

    def __init__(self, width: int = _WIDTH, dropout: float = 0.2) -> None:
        super().__init__()
        self.ears = Ears()
        self.stem = Taps(EARS, width, 5)
        self.blocks = nn.ModuleList(Block(width, d, False, dropout) for d in (1, 2, 4))
        self.norm = nn.LayerNorm(width)
        self.gate = nn.Linear(width, 1 + width)  # speech, then how much each channel counts now
        self.felt = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(4 * width, 64),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(64, len(HEARD) + 2),
        )
        self.kept = [self.stem.kept, *(k for b in self.blocks for k in b.kept)]
        self.sums = len(_POOL_SECONDS) * 3 * width + 1
        self.state_size = Ears.kept + sum(n * size for n, size in self.kept) + self.sums
        places = torch.tensor([CIRCUMPLEX[name] for name in SCORES])
        self.register_buffer("places", places, persistent=False)
        known = torch.tensor([[float(a == b) for b in SCORES] for a in HEARD])
        self.register_buffer("known", known, persistent=False)

    def feel(self, ears: Tensor, possible: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Ears (b, 5m, e), possible (b, m, 1), state -> felt (b, m, 4 + 2): logits of ``HEARD``, arousal and
        valence; logits of speech a frame (b, 5m); speech lately (b, m, 1); the next state."""
        batch, at = ears.shape[0], 0
        pasts: list[Tensor] = []
        for frames, size in self.kept:
            pasts.append(state[:, at : at + frames * size].reshape(-1, frames, size))
            at += frames * size
        x, past = self.stem(ears, pasts[0])
        x, after = nn.functional.gelu(x), [past]
        for block, mine in zip(self.blocks, pasts[1:], strict=True):
            x, own = block(x, [mine])
            after += own
        x = self.norm(x)
        gates = self.gate(x)
        can = possible.expand(-1, -1, FRAMES).reshape(batch, -1, 1)
        speech = torch.sigmoid(gates[..., :1]) * can
        weight = torch.sigmoid(gates[..., 1:]) * speech
        parts = torch.cat([weight, weight * x, weight * x * x], 2)
        parts = parts.reshape(batch, -1, FRAMES, parts.shape[-1]).mean(2)
        told = []
        for seconds in _POOL_SECONDS:
            total = leak(parts, state[:, at : at + parts.shape[-1]], seconds)
            at += parts.shape[-1]
            count, first, second = torch.chunk(total, 3, 2)
            mean = first / (count + 1e-3)
            told += [mean, torch.sqrt(torch.relu(second / (count + 1e-3) - mean * mean) + 1e-4)]
            after.append(total[:, -1])
        spoken = speech.reshape(batch, -1, FRAMES).mean(2, keepdim=True)
        spoken = leak(spoken, state[:, at:], _SPEECH_SECONDS)
        after.append(spoken[:, -1])
        lately = spoken * (1 - math.exp(-HOP / RATE / _SPEECH_SECONDS))
        felt = self.felt(torch.cat(told, 2))
        felt = torch.cat([felt[..., : len(HEARD)], torch.tanh(felt[..., len(HEARD) :])], 2)
        return felt, gates[..., 0], lately, torch.cat([a.reshape(batch, -1) for a in after], 1)

    def tell(self, felt: Tensor, lately: Tensor) -> Tensor:
        """FEELINGS (b, m, 14) of what is felt, as far as anybody spoke lately; scores are log-likelihoods."""
        counts = torch.clamp((lately - _ENOUGH[0]) / (_ENOUGH[1] - _ENOUGH[0]), 0, 1)
        place = felt[..., len(HEARD) :]
        heard = torch.softmax(felt[..., : len(HEARD)], -1)
        far = (place[..., None, :] - self.places).square().sum(-1) / (2 * _NEAR * _NEAR)
        told = self.known.sum(0)
        derived = (1 - heard[..., :1]) * torch.exp(-far - _SHY) * (1 - told)
        likely = heard @ self.known + derived
        likely = counts * likely / likely.sum(-1, keepdim=True) + (1 - counts) * self.known[0]
        return torch.cat([place * counts, counts, torch.log(torch.clamp(likely, min=_NEVER))], 2)

    def step(self, audio: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """What a pack runs: feelings (b, m, 14) and the next state."""
        ears, possible, after = self.ears(audio, state[:, : Ears.kept])
        felt, _, lately, rest = self.feel(ears, possible, state[:, Ears.kept :])
        return self.tell(felt, lately), torch.cat([after, rest], 1)
