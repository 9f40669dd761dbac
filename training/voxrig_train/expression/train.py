"""Trains the expression network on the expression world.

    python -m voxrig_train.expression.train data/expression --out runs/expression.pt
    python -m voxrig_train.expression.train data/expression --out runs/twin.pt --correlation 0

The second is the twin: the same seed, data and steps without correlation losses, to measure them by.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxrig.rigs import NATIVE
from voxrig.speech.phones import PHONES
from voxrig_train.expression import correlation, world
from voxrig_train.expression.correlation import Correlation
from voxrig_train.expression.excerpts import Batch, Excerpts
from voxrig_train.expression.law import FACE, SIZE
from voxrig_train.expression.moods import MOODS
from voxrig_train.expression.network import ASYMMETRY, EMOTIONS, Expression, Size

_COLD = 30  # frames at the start of an excerpt that lack their past
_MOST = 1.0  # gradient of chance
_STIRRING = 2e-3  # learning rate of chance
_FACE = [NATIVE.index(name) for name in FACE]
_CURVE = 0.02  # motion of a curve that counts little
_PRIMING = 800  # steps of the correlation network


class _Reversed(torch.autograd.Function):
    """Passes values on, and gradients with the other sign: what helps the reader hurts the writer."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return -gradient


class Readers(nn.Module):
    """What is read of the content code in training: phones shall be, moods shall not."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.phones = nn.Linear(code, len(PHONES))
        self.mood = nn.Sequential(nn.Linear(code, 64), nn.GELU(), nn.Linear(64, len(MOODS)))
        self.mood_of_clip = nn.Sequential(nn.Linear(2 * code, 64), nn.GELU(), nn.Linear(64, len(MOODS)))

    def forward(self, code: Tensor, labels: Tensor, mood: Tensor) -> tuple[Tensor, Tensor]:
        """Losses of phones and of moods, of code (b, m, c), labels (b, m), mood (b,)."""
        phones = functional.cross_entropy(self.phones(code).flatten(0, 1), labels.flatten())
        code = _Reversed.apply(code)
        frames = functional.cross_entropy(
            self.mood(code).flatten(0, 1), mood[:, None].expand(code.shape[:2]).flatten()
        )
        clip = torch.cat([code.mean(1), code.std(1)], 1)
        return phones, frames + 0.5 * functional.cross_entropy(self.mood_of_clip(clip), mood)


def mixture_of(style: Tensor) -> Tensor:
    """Shares of emotions, (b, 10), of styles (b, t, 16) in the middle."""
    weights = style[:, style.shape[1] // 2, : len(EMOTIONS)]
    return weights / torch.clamp(weights.sum(1, keepdim=True), min=1e-6)


def losses(
    network: Expression, readers: Readers, judge: Correlation, batch: Batch, dice: torch.Generator
) -> dict[str, Tensor]:
    """Parts of the loss."""
    told, _, code = network.express(batch.audio, batch.curves, batch.style, network.start(len(batch.audio)))
    lean = batch.style[..., ASYMMETRY : ASYMMETRY + 1]
    shown, goal = network.law(batch.curves, told, lean), network.law(batch.curves, batch.expression, lean)
    shown, goal, told, aim = (x[:, _COLD:] for x in (shown, goal, told, batch.expression))
    weight = torch.ones(SIZE)
    weight[len(FACE) - 3 : len(FACE)] = 20  # radians are small
    weight[len(FACE) :] = 0.5
    off = shown - goal
    phones, moods = readers(code, batch.labels[:, ::2], batch.mood)
    wanted = correlation.motion(goal)
    size = correlation.size(wanted)
    moved, wanted = correlation.motion(shown) / size, wanted / size
    moments = correlation.courses(moved, dice)
    mixture = mixture_of(batch.style)
    each = mixture.repeat_interleave(len(moments) // len(moved), 0)
    return {
        "curves": (off**2).sum(-1).mean() + (((told - aim) ** 2) * weight).sum(-1).mean(),
        "speed": (off.diff(dim=1) ** 2).sum(-1).mean(),
        "surprise": correlation.surprise(judge, moments, each, dice),
        "regions": ((moved - wanted) ** 2).mean(),
        "phones": phones,
        "moods": moods,
    }


def total(parts: dict[str, Tensor], weight: float, adversary: float) -> Tensor:
    """``weight`` is that of correlation."""
    loss = parts["curves"] + 10 * parts["speed"] + 0.1 * parts["phones"] + adversary * parts["moods"]
    return loss + weight * (0.5 * parts["regions"] + 0.05 * parts["surprise"])


def judge_of(excerpts: Excerpts, steps: int, batch: int) -> Correlation:
    """A correlation network that knows the teacher, frozen."""
    judge, dice = Correlation(), torch.Generator().manual_seed(0)
    optimiser = torch.optim.AdamW(judge.parameters(), lr=2e-3)
    law = Expression().law
    loss = torch.zeros(())
    moments, mixtures = [], []
    for _ in range(max(2, steps // 20)):
        data = excerpts.batch(batch)
        goal = law(data.curves, data.expression, data.style[..., ASYMMETRY : ASYMMETRY + 1])
        moved = correlation.motion(goal)
        part = correlation.courses(moved / correlation.size(moved), dice, 24)
        moments.append(part)
        mixtures.append(mixture_of(data.style).repeat_interleave(24, 0))
    known, mixed = torch.cat(moments), torch.cat(mixtures)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        some = torch.randint(0, len(known), (256,), generator=dice)
        loss = correlation.surprise(judge, known[some], mixed[some], dice)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    print(f"correlation network: {float(loss.detach()):.5f}, of {float((known**2).mean()):.5f}", flush=True)
    judge.requires_grad_(False).eval()
    return judge


def train(network: Expression, items: list[world.Item], args: argparse.Namespace) -> Expression:
    """The averaged network."""
    excerpts = Excerpts([i for i in items if not i.row.held_out], args.seed)
    judge = judge_of(excerpts, _PRIMING if args.steps > 100 else 10, args.batch)
    torch.manual_seed(args.seed)
    readers, dice = Readers(network.size.code), torch.Generator().manual_seed(args.seed)
    average = copy.deepcopy(network)
    parameters = [p for p in (*network.parameters(), *readers.parameters()) if p is not network.stirs]
    optimiser = torch.optim.AdamW(parameters, lr=0, weight_decay=0.01)
    began, seen = time.time(), dict[str, float]()
    for step in range(args.steps):
        rate = (
            args.rate * min(1, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * step / args.steps)) + 1e-5
        )
        for group in optimiser.param_groups:
            group["lr"] = rate
        parts = losses(network, readers, judge, excerpts.batch(args.batch), dice)
        optimiser.zero_grad()
        total(parts, args.correlation, args.adversary).backward()
        nn.utils.clip_grad_norm_(parameters, 2.0)
        optimiser.step()
        keep = min(0.995, step / (step + 10))
        with torch.no_grad():
            for a, b in zip(average.parameters(), network.parameters(), strict=True):
                a.mul_(keep).add_(b, alpha=1 - keep)
        for name, value in parts.items():
            now = float(value.detach())
            seen[name] = 0.98 * seen.get(name, now) + 0.02 * now
        if step % 100 == 99 or step == args.steps - 1:
            row = " ".join(f"{k} {v:.4f}" for k, v in seen.items())
            print(f"{step + 1} of {args.steps}, {time.time() - began:.0f} s: {row}", flush=True)
    average.eval()
    if args.correlation:
        stir(average, excerpts, max(10, args.steps // 3), args.batch)
    return average


def stir(network: Expression, excerpts: Excerpts, steps: int, batch: int) -> None:
    """Teaches chance, and nothing else, what the voice leaves of how regions and curves go together.

    No distance to the teacher's face could: nobody hears chance coming.
    """
    network.requires_grad_(False)
    network.stirs.requires_grad_(True)
    optimiser, seen = torch.optim.Adam([network.stirs]), 0.0
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = _STIRRING * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        data = excerpts.alone(step % len(EMOTIONS), batch)
        told, stirred, _ = network.express(data.audio, data.curves, data.style, network.start(batch))
        lean = data.style[..., ASYMMETRY : ASYMMETRY + 1]
        shown = network.law(data.curves, told + stirred, lean)[:, _COLD:]
        goal = network.law(data.curves, data.expression, lean)[:, _COLD:]
        loss = torch.zeros(())
        for read, floor in ((correlation.motion, 0.0), (_faces, _CURVE)):
            wanted = read(goal)
            size = wanted.std((0, 1), keepdim=True) + floor + 0.01
            loss = loss + correlation.astray(read(shown) / size, wanted / size)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([network.stirs], _MOST)
        optimiser.step()
        seen += (1 / min(step + 1, 50)) * (float(loss.detach()) - seen)
        if step % 100 == 99:
            print(f"chance, {step + 1} of {steps}: {seen:.4f}", flush=True)
    network.requires_grad_(True)


def _faces(curves: Tensor) -> Tensor:
    return correlation.about(curves[..., _FACE])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.expression.train", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("world", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2600)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=4e-3, help="learning rate at first")
    parser.add_argument("--correlation", type=float, default=1.0, help="weight of the correlation losses")
    parser.add_argument("--adversary", type=float, default=0.1, help="weight of the readers of moods")
    parser.add_argument("--width", type=int, default=Size.width, help="of the network")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    size = Size(width=args.width)
    network = train(Expression(size), world.read(args.world), args)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    partial = args.out.with_suffix(".partial")
    saved = {
        "size": asdict(size),
        "weights": network.state_dict(),
        "trained_on": world.trained_on(args.world),
    }
    torch.save(saved | {"arguments": {k: str(v) for k, v in vars(args).items()}}, partial)
    partial.replace(args.out)


if __name__ == "__main__":
    main()
