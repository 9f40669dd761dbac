"""The network of the expression model: speech curves, their sound and a style in, a whole face out.

    audio (b, 160 t) ─ prosody ─┐
    curves (b, t, 110) ─ content ┴─ dilated blocks at 50 Hz, each bent by the style ─ head ─ law ─ curves

Every law of the pack holds by construction, before any training:

- an expression is an amount times what the blocks say, and the amount of no style is 0: curves pass as
  they are;
- an amount g_k(w) is a sum of ramps with positive slopes, and blocks know only the mixture of emotions,
  not their intensity: more of an emotion is more of its expression;
- what chance does is a product of an emotion and of signals that mean nothing else: their mean is 0, and
  the mouth is not theirs;
- the content code has no mean of its own: what stays the same for seconds is nothing that is said;
- speech keeps its contacts (``law.py``); tongue and phones pass through;
- all is causal, and what is remembered is in ``state``: blocks of any length tell the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxrig.chance import CHANNELS
from voxrig.rigs import NATIVE
from voxrig_train.expression import prosody
from voxrig_train.expression.law import FACE, SIZE, Law
from voxrig_train.expression.prosody import Prosody
from voxrig_train.expression.regions import REGION, UPPER

EMOTIONS = (
    *("amazement", "anger", "cheekiness", "disgust", "fear"),
    *("grief", "joy", "outofbreath", "pain", "sadness"),
)
SPEAKERS = ("speaker_lively", "speaker_reserved", "speaker_stern", "speaker_warm")
STYLES = (*EMOTIONS, "energy", "asymmetry", *SPEAKERS)
"""Emotions 0..1.5, energy and asymmetry -1..1, speakers 0..1."""
INPUTS = (*STYLES, *CHANNELS)
"""Columns of the style."""
ENERGY, ASYMMETRY = STYLES.index("energy"), STYLES.index("asymmetry")
HABITS = 2 + len(SPEAKERS)
"""Energy above and below the ordinary, and the speakers."""
KNOTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
"""Intensities at which the slope of an amount may change; the last ramp ends at 1.5."""

STIRRED = [i for i, region in enumerate(REGION) if 0 <= region < UPPER and FACE[i] != "cheekPuff"]
"""Which of an expression chance moves: the face above the mouth."""

_RAMP = KNOTS[1]


@dataclass(frozen=True)
class Size:
    """The shape of an expression network."""

    code: int = 24
    """Numbers that tell content, a hop."""
    width: int = 64
    dilations: tuple[int, ...] = (1, 3, 8)  # hops
    habit_width: int = 32


class Bent(nn.Module):
    """Residual: norm, bent by the style (scale and shift), two dilated taps, gate, mix."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.now = nn.Linear(width, width, bias=False)
        self.before = nn.Linear(width, width, bias=False)
        self.mix = nn.Linear(width, width, bias=False)
        self.kept = (dilation, width)

    def forward(self, x: Tensor, scale: Tensor, shift: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """x, scale, shift (b, m, w), past (b, dilation, w)."""
        y = self.norm(x) * scale + shift
        joined = torch.cat([past, y], 1)
        y = self.now(y) + self.before(joined[:, : x.shape[1]])
        return x + self.mix(functional.gelu(y)), joined[:, x.shape[1] :]


class Feeling(nn.Module):
    """What an emotion does at full amount, (b, m, w): blocks in a row, all bent by the style."""

    def __init__(self, size_in: int, style: int, width: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.stem = nn.Linear(size_in, width)
        self.bend = nn.Linear(style, 2 * width * len(dilations))
        self.blocks = nn.ModuleList(Bent(width, d) for d in dilations)
        self.norm = nn.LayerNorm(width)
        self.kept = [b.kept for b in self.blocks]
        with torch.no_grad():
            nn.init.normal_(self.bend.weight, std=0.3 / math.sqrt(style))
            self.bend.bias.copy_(torch.tensor([1.0, 0.0]).repeat_interleave(width).repeat(len(dilations)))

    def forward(self, x: Tensor, style: Tensor, pasts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        x, after = self.stem(x), []
        bends = self.bend(style).chunk(2 * len(pasts), -1)
        for i, (block, past) in enumerate(zip(self.blocks, pasts, strict=True)):
            x, past = block(x, bends[2 * i], bends[2 * i + 1], past)
            after.append(past)
        return self.norm(x), after


class Habit(nn.Module):
    """What speakers and their energy do, (b, m, w): of the moment only, for means are heard, too."""

    def __init__(self, size_in: int, width: int) -> None:
        super().__init__()
        self.stem, self.bend = nn.Linear(size_in, width), nn.Linear(HABITS, 2 * width)

    def forward(self, x: Tensor, habits: Tensor) -> Tensor:
        scale, shift = self.bend(habits).chunk(2, -1)
        return torch.tanh((self.stem(x) + shift) * (1 + scale))


class Amounts(nn.Module):
    """Style (b, t, 24) -> g_k(w) of ten emotions and six habits, (b, t, 16).

    g is how much of an emotion an intensity is: 0 at 0, 1 at 1, ever more up to 1.5, a sum of ramps.
    """

    spread: Tensor
    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.slopes = nn.Parameter(torch.full((len(EMOTIONS), len(KNOTS)), 0.54))  # softplus(0.54) is 1
        ramps = len(EMOTIONS) * len(KNOTS)
        spread, shift = torch.zeros(len(INPUTS), ramps + HABITS), torch.zeros(ramps + HABITS)
        for i in range(ramps):
            spread[i // len(KNOTS), i] = 1 / _RAMP
            shift[i] = -KNOTS[i % len(KNOTS)] / _RAMP
        for i, (column, sign) in enumerate(
            [(ENERGY, 1.0), (ENERGY, -1.0), *((ASYMMETRY + 1 + k, 1.0) for k in range(len(SPEAKERS)))]
        ):
            spread[column, ramps + i] = sign
        self.register_buffer("spread", spread, persistent=False)
        self.register_buffer("shift", shift, persistent=False)

    def joins(self) -> Tensor:
        """(66, 16): what each ramp adds to each amount."""
        slopes = functional.softplus(self.slopes)
        slopes = slopes / slopes[:, :4].sum(1, keepdim=True)
        amounts = torch.diag_embed(slopes.T).permute(1, 0, 2).reshape(-1, len(EMOTIONS))
        return torch.block_diag(amounts, torch.eye(HABITS))

    def forward(self, style: Tensor) -> Tensor:
        return torch.clamp(style @ self.spread + self.shift, 0.0, 1.0) @ self.joins()


class Expression(nn.Module):
    """What a pack holds."""

    stirred: Tensor

    def __init__(self, size: Size | None = None) -> None:
        super().__init__()
        self.size = size = size or Size()
        self.prosody, self.law, self.amounts = Prosody(), Law(), Amounts()
        self.encode = nn.Linear(2 * len(NATIVE), size.code)
        self.even = nn.LayerNorm(size.code)
        heard, style = size.code + prosody.HEARD, len(EMOTIONS) + HABITS
        self.feeling = Feeling(heard, style, size.width, size.dilations)
        self.habit = Habit(heard, size.habit_width)
        # What blocks say, then what is held while a style lasts, each times its amount.
        told = size.width + size.habit_width
        self.head = nn.Parameter(torch.randn(told + style + 1 + HABITS + 1, SIZE) * 0.02)
        self.stirs = nn.Parameter(torch.randn(len(EMOTIONS) * len(CHANNELS), len(STIRRED)) * 0.005)
        self.register_buffer("stirred", torch.eye(SIZE)[STIRRED], persistent=False)
        # What prosody and the blocks remember, what they said a hop ago, and the usual content.
        self.kept: list[tuple[int, int]] = [*prosody.KEPT, *self.feeling.kept, (1, told), (1, size.code + 1)]
        self.state_size = sum(frames * width for frames, width in self.kept)

    def content(self, curves: Tensor, usual: Tensor, memory: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """What is being said, (b, m, code), of native curves (b, 2 m, 110), and nothing of how.

        That is: against its own mean of the last two seconds, which is remembered in ``usual``. ``memory`` is
        that of prosody.
        """
        code = self.even(self.encode(curves.reshape(curves.shape[0], -1, 2 * len(NATIVE))))
        weights, fade = memory
        mean = weights[0] @ torch.cat([code, torch.ones_like(code[..., :1])], -1) + fade[0] * usual
        return code - mean[..., :-1] / mean[..., -1:], mean[:, -1:]

    def forward(self, audio: Tensor, curves: Tensor, style: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """audio (b, 160 t), curves (b, t, 110), style (b, t, 24), state (b, s) -> curves, state."""
        moved, stirred, after, _ = self._feel(audio, curves, style, state)
        told = torch.cat([self.head, self.stirs @ self.stirred])
        wide = torch.cat([moved, stirred], -1) @ (told @ self.law.place)
        return self.law.join(curves, wide, style[..., ASYMMETRY : ASYMMETRY + 1]), after

    def express(
        self, audio: Tensor, curves: Tensor, style: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The expression (b, t, 59) without chance, what chance adds, and the content code (b, m, code)."""
        moved, stirred, _, code = self._feel(audio, curves, style, state)
        return moved @ self.head, stirred @ (self.stirs @ self.stirred), code

    def _feel(
        self, audio: Tensor, curves: Tensor, style: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What the head reads (b, t, h), what chance stirs (b, t, 80), the next state, the content code."""
        pasts = [
            p.reshape(-1, *kept)
            for p, kept in zip(state.split([f * w for f, w in self.kept], 1), self.kept, strict=True)
        ]
        sounds = len(prosody.KEPT)
        memory = self.prosody.memory(curves.shape[1] // 2)
        features, remembered = self.prosody(audio, pasts[:sounds], memory)
        code, usual = self.content(curves, pasts[-1], memory)
        x = torch.cat([code, features], -1)

        amounts = self.amounts(style)
        by_hop = amounts.reshape(amounts.shape[0], -1, 2, amounts.shape[2]).mean(2)
        emotions, habits = by_hop.split([len(EMOTIONS), HABITS], -1)
        mixture = emotions / torch.clamp(emotions.sum(-1, keepdim=True), min=1e-6)
        feels, after = self.feeling(x, torch.cat([mixture, habits], -1), pasts[sounds:-2])
        said = torch.cat([feels, self.habit(x, habits)], -1)
        joined = torch.cat([pasts[-2], said], 1)
        # The first frame of a hop is half way from the last hop: motion without steps.
        between = torch.stack([(joined[:, :-1] + said) * 0.5, said], 2).flatten(1, 2)
        now, habits = amounts.split([len(EMOTIONS), HABITS], -1)
        total, most, used = (
            now.sum(-1, keepdim=True),
            now.amax(-1, keepdim=True),
            habits.sum(-1, keepdim=True),
        )
        # One emotion counts whole; of those beside the strongest, half, so that two are not a grimace.
        amount = (total + most) * 0.5
        share = amount / torch.clamp(total, min=1e-6)
        feels, does = between.split([self.size.width, self.size.habit_width], -1)
        now = now * share
        held = [now, amount * habits, amount, habits * used, used]
        moved = torch.cat([feels * amount, does * used, *held], -1)
        chance = style[..., len(STYLES) :]
        stirred = (now[..., None] * chance[..., None, :]).flatten(2)
        state = torch.cat([a.flatten(1) for a in (*remembered, *after, joined[:, -1:], usual)], 1)
        return moved, stirred, state, code

    def start(self, batch: int) -> Tensor:
        """State (b, s) of streams that begin."""
        return torch.zeros(batch, self.state_size)


def multiply_adds(network: Expression) -> int:
    """Multiply-adds of products of matrices in a hop of 20 ms; not what is done to each number alone."""
    parts = [network.encode, network.feeling, network.habit]
    learnt = sum(p.numel() for part in parts for p in part.parameters() if p.dim() > 1)
    sound = network.prosody.basis.numel() + network.prosody.lags.numel()
    law, style = network.law, len(KNOTS) * len(EMOTIONS) + HABITS
    frame = style * 2 * len(INPUTS) + (len(network.head) + len(network.stirs)) * law.place.shape[1]
    frame += law.scaled.numel() + law.side.numel() + law.touches.numel()
    return int(learnt + sound + 2 * frame)
