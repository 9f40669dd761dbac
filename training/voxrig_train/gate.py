"""The gate of a network: is it speech, a voice without words or neither that sounds, and what may it move?

what the blocks hear ─ 32 numbers a step ─ their last 0.48 s ─ speech, voice: two logits a frame
  speech  moves everything
  voice   moves jaw and open lips and sounds its vowels; nothing touches and nothing rounds
  neither moves nothing
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from voxrig.speech.articulators import ARTICULATORS
from voxrig.speech.phones import PHONES, VOWELS

MIDDLE, TAPS = 32, 24
_SHUT, _OPEN = (-3.2, -1.5), (-2.0, 1.0)
"""Logits of speech and voice that count as 0, and as 1. Of three pairs for speech, shut at -2.2, -2.6, -3.2,
the last alone left the closures of 24 clips of voices kept from training as they were at 20 ms."""
_FREE = dict.fromkeys(("jaw", "lower", "upper", "flat"), 0.7)
"""What a voice without words may move, and how far: whole, a breath opened the lips as wide as speech."""


class Gate(nn.Module):
    """What may move, 0..1, of what a network heard. One that was taught nothing lets all pass."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(width, MIDDLE), nn.Conv1d(MIDDLE, 4, TAPS)
        nn.init.zeros_(self.outer.weight)
        nn.init.constant_(self.outer.bias, 9.0)
        self.kept = (TAPS - 1, MIDDLE)
        shut, opened = torch.tensor(_SHUT), torch.tensor(_OPEN)
        moves = [_FREE.get(name, 0.0) for name in ARTICULATORS]
        sounds = [_FREE["jaw"] * (name in VOWELS) for name in PHONES[1:]]
        for name, value in (
            ("shut", shut),
            ("scale", 1 / (opened - shut)),
            ("moves", torch.tensor(moves)),
            ("sounds", torch.tensor(sounds)),
        ):
            self.register_buffer(name, value, persistent=False)

    def logits(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """(b, m, width) and the (b, 23, 32) before it -> speech and voice (b, 2m, 2), the next past."""
        joined = torch.cat([past, nn.functional.gelu(self.inner(x))], 1)
        told = self.outer(joined.transpose(1, 2)).transpose(1, 2)
        return told.reshape(x.shape[0], -1, 2), joined[:, 1 - TAPS :]

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Shares of articulators (b, 2m, 12) and phones but silence (b, 2m, 39); the next past."""
        told, past = self.logits(x, past)
        share = torch.clamp((told - self.shut) * self.scale, 0, 1)
        speech, voice = share[..., :1], share[..., 1:]
        free = (1 - speech) * voice
        return speech + free * self.moves, speech + free * self.sounds, past
