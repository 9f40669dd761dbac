"""The network: audio in, articulators and phones out, all state in one vector.

One module trains, runs and exports. Convolutions are taps and matrix products, so that a batch of
streams, or many hops of one stream, becomes one large product.

    audio (b, m * 320) at 16 kHz ─ log mel, 100 Hz ─ two frames make a step, 50 Hz
      ─ dilated blocks ─ heads: two frames a step: articulators (2m, 12), phones (2m, 40)

Two plans share it. ``LIVE`` never looks ahead except through its heads' delays: output i of a head
tells frame i - delay; one training gives a head for 20 ms and one for 70. ``FILE`` has blocks that see
as far ahead as behind, which as a stream is a delay of 0.65 s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from voxrig.speech.articulators import ARTICULATORS, CURVES, TERMS, A
from voxrig.speech.coarticulation import poses
from voxrig.speech.phones import PHONES
from voxrig.types import Array
from voxrig_train.gate import MIDDLE, TAPS, Gate

RATE = 16000  # Hz
HOP = 320  # samples a step: 20 ms
FPS = 100  # output frames a second


@dataclass(frozen=True)
class Plan:
    """The shape of a network."""

    width: int
    dilations: tuple[int, ...]  # steps of 20 ms, one for each block
    ahead: bool
    """Whether blocks see ahead as far as behind."""
    delays: tuple[int, ...]
    """Frames by which each head's output lags: output i tells frame i - delay."""
    calm: tuple[tuple[float, ...], ...]
    """For each head, how much of this frame and the three before makes the articulators of this one."""
    contact: tuple[float, float]
    """Probability of contact at which lips begin to close, and are shut."""

    def lookahead(self, head: int) -> int:
        """Samples heard beyond a frame before it is told: the worst one has waited for a whole hop."""
        return self.delays[head] * RATE // FPS + HOP


LIVE = Plan(
    192, (1, 2, 4, 8, 1, 2, 4), False, (5, 0), ((0.7, 0.21, 0.09, 0.0), (0.25, 0.25, 0.25, 0.25)), (0.3, 0.7)
)
FILE = Plan(192, (1, 2, 4, 8, 1, 2, 4, 8), True, (65,), ((1.0, 0.0, 0.0, 0.0),), (0.35, 0.8))
PLANS = {"live": LIVE, "file": FILE}

_CALM = 3  # frames kept for calming
_GATED = (TAPS - 1) * MIDDLE  # numbers kept for the gate
_SHIFT, _WINDOW, _FFT, _MELS = 160, 400, 512, 48
_FLOOR = 1e-5  # power; digital silence, and all that is quieter than about -75 dBFS, looks the same
_STILL = 0.03  # an articulator that moves less than this rests, so that silence is exactly still
_POSED = (
    0.35  # how much the poses of the phones heard count beside the articulators; contacts are theirs alone
)


def mel_bank(mels: int = _MELS, low: float = 60.0, high: float = 7600.0) -> Array:
    """Triangular filters (bins, mels) on O'Shaughnessy's mel scale, 2595 log10(1 + f / 700)."""
    first, last = (float(2595 * np.log10(1 + hertz / 700)) for hertz in (low, high))
    edges = 700 * (10 ** (np.linspace(first, last, mels + 2) / 2595) - 1)
    bins = np.arange(_FFT // 2 + 1)[:, None] * RATE / _FFT
    up, down = (bins - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - bins) / np.diff(edges)[1:]
    return np.asarray(np.maximum(0, np.minimum(up, down)), np.float32)


def _rule(contact: tuple[float, float]) -> tuple[Tensor, Tensor, Tensor]:
    """How articulators (12,) become terms: a scale and a shift first, then products of three columns of
    (articulators, what each lacks of 1, the number 1): indices (3, terms)."""
    size = len(ARTICULATORS)
    low, high = torch.full((size,), _STILL), torch.ones(size)
    low[[A["closure"], A["labiodental"]]], high[[A["closure"], A["labiodental"]]] = contact
    scale, shift = 1 / (high - low), -low / (high - low)
    rows = []
    for name, joins, absents in TERMS:
        columns = [A[name], *(A[j] for j in joins), *(size + A[a] for a in absents)]
        rows.append(columns + [2 * size] * (3 - len(columns)))
    return scale, shift, torch.tensor(rows).T


class LogMel(nn.Module):
    """Log mel energies of audio (b, n) whose first 240 samples are the past: (b, n // 160 - 1, mels)."""

    def __init__(self) -> None:
        super().__init__()
        angle = 2 * np.pi * np.outer(np.arange(_WINDOW), np.arange(_FFT // 2 + 1)) / _FFT
        window = np.hanning(_WINDOW + 2)[1:-1, None]
        basis = np.concatenate([np.cos(angle) * window, np.sin(angle) * window], 1)
        self.register_buffer("basis", torch.tensor(basis, dtype=torch.float32), persistent=False)
        self.register_buffer("bank", torch.tensor(mel_bank()), persistent=False)
        self.register_buffer("mean", torch.zeros(_MELS))
        self.register_buffer("std", torch.ones(_MELS))

    def forward(self, audio: Tensor) -> Tensor:
        # A window of 400 with a shift of 160 is five half-shifts of 80 side by side.
        pieces = audio.reshape(audio.shape[0], -1, 80)  # (b, 2t + 3, 80)
        steps = (pieces.shape[1] - 3) // 2
        frames = torch.cat([pieces[:, i : i + 2 * steps : 2] for i in range(5)], 2)  # (b, t, 400)
        spectrum = frames @ self.basis
        real, imaginary = spectrum[..., : _FFT // 2 + 1], spectrum[..., _FFT // 2 + 1 :]
        power = (real * real + imaginary * imaginary) @ self.bank
        return (torch.log(power + _FLOOR) - self.mean) / self.std


class Taps(nn.Module):
    """A causal convolution over time as ``taps`` matrix products; keeps (taps - 1) * dilation frames."""

    def __init__(self, size_in: int, size_out: int, taps: int, dilation: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(taps, size_in, size_out) / math.sqrt(taps * size_in))
        self.bias = nn.Parameter(torch.zeros(size_out))
        self.taps, self.dilation = taps, dilation
        self.kept = ((taps - 1) * dilation, size_in)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        steps = x.shape[1]
        x = torch.cat([past, x], 1)
        # Taps side by side make one large product instead of several small ones.
        heard = torch.cat([x[:, i * self.dilation : i * self.dilation + steps] for i in range(self.taps)], 2)
        return heard @ self.weight.flatten(0, 1) + self.bias, x[:, steps:]


class Block(nn.Module):
    """Residual: norm, dilated taps, gate, mix. One that sees ahead tells of ``dilation`` steps ago."""

    def __init__(self, width: int, dilation: int, ahead: bool, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.taps = Taps(width, width, 3, dilation)
        self.mix = nn.Linear(width, width)
        self.drop = nn.Dropout(dropout)
        self.kept = [self.taps.kept] + [(dilation, width)] * ahead

    def forward(self, x: Tensor, pasts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        y, past = self.taps(self.norm(x), pasts[0])
        y, after = self.drop(self.mix(nn.functional.gelu(y))), [past]
        if len(pasts) > 1:
            x, past = torch.split(torch.cat([pasts[1], x], 1), [x.shape[1], pasts[1].shape[1]], 1)
            after.append(past)
        return x + y, after


class Network(nn.Module):
    """``forward`` trains; ``step`` is what a pack holds."""

    def __init__(self, plan: Plan, dropout: float = 0.1) -> None:
        super().__init__()
        self.plan, width = plan, plan.width
        self.mel = LogMel()
        self.stem = Taps(_MELS, 96, 5)
        self.pair = Taps(2 * 96, width, 2)
        self.blocks = nn.ModuleList(Block(width, d, plan.ahead, dropout) for d in plan.dilations)
        self.norm = nn.LayerNorm(width)
        self.heads = nn.ModuleList(
            nn.Linear(width, 2 * (len(ARTICULATORS) + len(PHONES))) for _ in plan.delays
        )
        self.register_buffer("curves", torch.tensor(CURVES[:, : 1 - len(PHONES)]), persistent=False)
        for name, tensor in zip(("scale", "shift", "factors"), _rule(plan.contact), strict=True):
            self.register_buffer(name, tensor, persistent=False)
        self.gates = nn.ModuleList(Gate(width) for _ in plan.delays)
        posed = torch.full((len(ARTICULATORS),), _POSED)
        posed[[A["closure"], A["labiodental"]]] = 1.0
        self.register_buffer("posed", posed, persistent=False)
        self.register_buffer("poses", torch.tensor(poses()), persistent=False)
        kept = [(1, _WINDOW - _SHIFT), self.stem.kept, self.pair.kept]
        self.kept: list[tuple[int, int]] = kept + [k for b in self.blocks for k in b.kept]
        self.trunk_size = sum(frames * size for frames, size in self.kept)
        self.state_size = self.trunk_size + _GATED + _CALM * len(ARTICULATORS)

    def forward(
        self, audio: Tensor, state: Tensor, heads: Sequence[int] | None = None
    ) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
        """audio (b, m * 320), state (b, s) -> logits (b, 2m, 12), (b, 2m, 40) a head; next state."""
        x, after = self.hear(audio, state)
        told = [self.read(x, head) for head in (range(len(self.heads)) if heads is None else heads)]
        return told, torch.cat([after, state[:, self.trunk_size :]], 1)

    def hear(self, audio: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """audio (b, m * 320), state (b, s) -> what the blocks make of it, (b, m, width); their next state."""
        pasts, at = [], 0
        for frames, size in self.kept:
            pasts.append(state[:, at : at + frames * size].reshape(-1, frames, size))
            at += frames * size
        heard = torch.cat([pasts[0][:, 0], audio], 1)
        after = [heard[:, -(_WINDOW - _SHIFT) :]]
        x = self.mel(heard)
        x, past = self.stem(x, pasts[1])
        after.append(past)
        x = nn.functional.gelu(x)
        x, past = self.pair(x.reshape(x.shape[0], -1, 2 * 96), pasts[2])
        after.append(past)
        x, at = nn.functional.gelu(x), 3
        for block in self.blocks:
            x, own = block(x, pasts[at : at + len(block.kept)])
            after += own
            at += len(block.kept)
        return self.norm(x), torch.cat([p.reshape(audio.shape[0], -1) for p in after], 1)

    def read(self, x: Tensor, head: int) -> tuple[Tensor, Tensor]:
        """Logits (b, 2m, 12) and (b, 2m, 40) of a head, of what was heard (b, m, width)."""
        y = self.heads[head](x).reshape(x.shape[0], -1, len(ARTICULATORS) + len(PHONES))
        return y[..., : len(ARTICULATORS)], y[..., len(ARTICULATORS) :]

    def features(self, audio: Tensor) -> Tensor:
        """Log mel energies before scaling, of audio (b, n): for the statistics of a training set."""
        return self.mel(audio) * self.mel.std + self.mel.mean

    def to_curves(self, articulators: Tensor) -> Tensor:
        """Native curves but phones, (b, t, 71), of articulators (b, t, 12)."""
        value = torch.clamp(articulators * self.scale + self.shift, 0, 1)
        either = torch.cat([value, 1 - value, torch.ones_like(value[..., :1])], -1)
        terms = either[..., self.factors[0]]
        for factor in self.factors[1:]:
            terms = terms * either[..., factor]
        return torch.clamp(terms @ self.curves, 0, 1)

    def tell(self, articulators: Tensor, probable: Tensor) -> Tensor:
        """Articulators (b, t, 12) in 0..1 of a head's logits and its phones' probabilities (b, t, 40)."""
        return torch.sigmoid(articulators) * (1 - self.posed) + (probable @ self.poses) * self.posed

    def step(self, audio: Tensor, state: Tensor, head: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """What a pack runs: curves (b, 2m, 110), phone probabilities (b, 2m, 40), next state."""
        x, after = self.hear(audio, state)
        articulators, phones = self.read(x, head)
        past, calmed = state[:, self.trunk_size :].split([_GATED, _CALM * len(ARTICULATORS)], 1)
        moving, sounding, past = self.gates[head](x, past.reshape(-1, TAPS - 1, MIDDLE))
        probable = torch.softmax(phones, -1)
        told = self.tell(articulators, probable) * moving
        joined = torch.cat([calmed.reshape(-1, _CALM, len(ARTICULATORS)), told], 1)
        frames = told.shape[1]
        calm = sum(
            weight * joined[:, _CALM - i : _CALM - i + frames]
            for i, weight in enumerate(self.plan.calm[head])
            if weight
        )
        clear = torch.clamp((probable[..., 1:] - _STILL) / (1 - _STILL), 0, 1) * sounding
        after = torch.cat([after, past.flatten(1), joined[:, -_CALM:].flatten(1)], 1)
        return torch.cat([self.to_curves(calm), clear], -1), probable, after

    def start(self, batch: int, head: int = 0) -> Tensor:
        """State (b, s) after two seconds of silence."""
        with torch.no_grad():
            return self.step(torch.zeros(batch, 2 * RATE), torch.zeros(batch, self.state_size), head)[2]
