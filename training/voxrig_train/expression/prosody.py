"""Prosody in the graph: loudness, brightness, voicing and pitch of a voice, 50 times a second, cheaply.

Pitch comes from a Fourier transform of 33 bins, 0 to 1 kHz, and the autocorrelation of its power at the
lags of 28 pitches: about 13 thousand multiply-adds a hop. Loudness and pitch are also told against their
own means of the last seconds, so that neither a distant microphone nor a deep voice is a mood; and all is
told at once and as means of the last 80, 250 and 800 ms, so that what follows needs no long memory.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

HOP = 320  # samples: 20 ms at 16 kHz
FEATURES = 7
HEARD = 4 * FEATURES
"""Numbers a hop: the features now, and three means of them."""

_LESS = 4  # samples that become one: 4 kHz
_PART = HOP // _LESS
_SLOW = 100.0  # hops: 2 s, the memory of the usual loudness and pitch
_MEANS = (4.0, 12.5, 40.0)  # hops
KEPT = ((1, _PART), (1, 4), (len(_MEANS), FEATURES))
"""What is remembered: the last hop at 4 kHz, the usual, the means."""

_BINS = 33
_PITCHES = np.geomspace(70, 420, 28)  # Hz
_FLOOR = 1e-6  # power


def fading(count: int, rates: Tensor) -> tuple[Tensor, Tensor]:
    """Of exponential means of a block of ``count`` hops: what each hop so far weighs (k, m, m), and what is
    left of the past (k, m, 1). A block is one product, so that a hop alone costs next to nothing."""
    at = torch.arange(count, dtype=torch.float32)
    age = at[:, None] - at
    # The future weighs exp(-huge).
    weights = torch.exp(-torch.where(age < 0, 1e4, age) * rates) * (1 - torch.exp(-rates))
    return weights, torch.exp(-(at[:, None] + 1) * rates)


class Prosody(nn.Module):
    """Audio (b, m * 320) and what is remembered -> (b, m, 28) and what is to be remembered."""

    basis: Tensor
    lags: Tensor
    octaves: Tensor
    rates: Tensor

    def __init__(self) -> None:
        super().__init__()
        time = np.arange(2 * _PART) * _LESS / 16000
        hertz = np.arange(_BINS) * 1000 / (_BINS - 1)
        window = np.hanning(2 * _PART + 2)[1:-1, None]
        angle = 2 * np.pi * np.outer(time, hertz)
        basis = np.concatenate([np.cos(angle) * window, np.sin(angle) * window], 1)
        # Bins below 60 Hz are rumble. The last column is the lag 0: the power of all.
        lags = np.concatenate([np.cos(2 * np.pi * np.outer(hertz, 1 / _PITCHES)), np.ones((_BINS, 1))], 1)
        lags = np.tile(lags * (hertz >= 60)[:, None], (2, 1))
        octaves = np.log2(_PITCHES / 160)[:, None]
        for name, value in (("basis", basis), ("lags", lags), ("octaves", octaves)):
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32), persistent=False)
        rates = 1 / torch.tensor((_SLOW, *_MEANS))[:, None, None]
        self.register_buffer("rates", rates, persistent=False)

    def memory(self, count: int) -> tuple[Tensor, Tensor]:
        """``fading`` of a block: over two seconds, then of each mean."""
        return fading(count, self.rates)

    def forward(
        self, audio: Tensor, pasts: list[Tensor], memory: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        last, usual, means = pasts
        weights, fade = memory
        now = audio.reshape(audio.shape[0], -1, HOP)
        energy = (now * now).mean(-1, keepdim=True)
        less = now.reshape(now.shape[0], -1, _PART, _LESS).mean(-1)
        low = (less * less).mean(-1, keepdim=True)
        joined = torch.cat([last, less], 1)
        spectrum = torch.cat([joined[:, :-1], less], 2) @ self.basis
        powers = (spectrum * spectrum) @ self.lags
        # High pitches repeat at the lags of low ones: the higher of two equals is meant.
        alike = powers[..., :-1] / (powers[..., -1:] + 1e-3)
        best = torch.softmax((alike + 0.03 * self.octaves[:, 0]) * 25, -1)
        voiced = torch.clamp(alike.amax(-1, keepdim=True) * 2 - 0.6, 0.0, 1.0)
        high = voiced * (best @ self.octaves)
        slow = weights[0] @ torch.cat([energy, torch.ones_like(energy), voiced, high], -1) + fade[0] * usual
        level = torch.log(slow[..., :1] / slow[..., 1:2] + _FLOOR)
        loud = torch.log(energy + _FLOOR)
        told = [
            torch.clamp(loud - level, -5.0, 2.5) / 2,
            torch.clamp(torch.log((low + _FLOOR) / (energy + _FLOOR)) + 0.5, -4.0, 1.0),
            voiced,
            high,
            (high - voiced * slow[..., 3:] / (slow[..., 2:3] + 0.02)) * 3,
            level / 6 + 1,
            slow[..., 2:3] / slow[..., 1:2],
        ]
        x = torch.cat(told, -1)
        averaged = weights[1:] @ x[:, None] + fade[1:] * means[:, :, None]
        heard = torch.cat([x, *averaged.unbind(1)], -1)
        return heard, [joined[:, -1:], slow[:, -1:], averaged[:, :, -1]]
