"""Trains the listener.

python -m voxrig_train.emotion.train data/emodb --readers data/speech --out runs/emotion.pt --seed 1
"""

from __future__ import annotations

import argparse
import copy
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from voxrig_train.emotion.corpus import FIELDS, STEPS, Bank, Clip, bank, emodb, readers
from voxrig_train.emotion.network import CIRCUMPLEX, FRAMES, HEARD, RATE, Ears, Network

_SHARES = {"acted": 1.0, "read": 0.6, "none": 1.0}


def losses(
    network: Network, ears: Tensor, possible: Tensor, speech: Tensor, aim: Tensor, weight: Tensor
) -> Tensor:
    """What was felt against what was meant, over the steps that count, and who spoke when."""
    state = torch.zeros(ears.shape[0], network.state_size - Ears.kept)
    felt, spoken, _, _ = network.feel(ears, possible, state)
    heard, place = felt[..., : len(HEARD)], felt[..., len(HEARD) :]
    likely = torch.log_softmax(heard, -1)
    wrong = -(aim * likely).sum(-1)
    goal = aim @ torch.tensor([CIRCUMPLEX[name] for name in HEARD])
    far = (place - goal).square().sum(-1)
    silent = functional.binary_cross_entropy_with_logits(spoken, speech)
    return ((wrong + 1.5 * far) * weight).sum() / weight.sum() + 0.5 * silent


def train(learn: Bank, steps: int, seed: int, batch: int = 24, rate: float = 3e-3) -> Network:
    """The averaged network after ``steps`` of AdamW with a cosine schedule that begins at ``rate``."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Network()
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=0, weight_decay=0.05)
    odds = _odds(learn)
    network.train()
    for step in range(steps):
        for group in optimiser.param_groups:
            down = 0.5 + 0.5 * math.cos(math.pi * step / steps)
            group["lr"] = rate * min(1, (step + 1) / 60) * down + 1e-5
        chosen = rng.choice(len(odds), batch, p=odds)
        seen = int(rng.integers(STEPS // 2, STEPS))  # of an excerpt
        ears = learn.ears[chosen, : seen * FRAMES].astype(np.float32)
        # A microphone that colours, and bands that are missing, must not tell.
        ears[..., :-4] += rng.normal(0, 0.08, (batch, 1, ears.shape[-1] - 4))
        low = rng.integers(0, ears.shape[-1] - 8, batch)
        for row, begin in zip(ears, low, strict=True):
            row[:, begin : begin + rng.integers(0, 5)] = 0
        fields = (
            ears,
            learn.possible[chosen, :seen, None],
            learn.speech[chosen, : seen * FRAMES],
            learn.aim[chosen, :seen],
            learn.weight[chosen, :seen],
        )
        loss = losses(network, *(torch.from_numpy(np.asarray(f, np.float32)) for f in fields))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        keep = min(0.995, step / (step + 10))
        with torch.no_grad():
            for a, b in zip(average.parameters(), network.parameters(), strict=True):
                a.mul_(keep).add_(b, alpha=1 - keep)
        if step % 200 == 199 or step == steps - 1:
            print(f"{step + 1} of {steps}: {loss.item():.3f}", flush=True)
    average.eval()
    return average


def _odds(learn: Bank) -> np.ndarray:
    """Every emotion of actors as often as the others; of those who feel nothing, fewer."""
    felt = (learn.aim * learn.weight[..., None]).sum(1).argmax(1)
    groups = np.array([f"{k} {f}" for k, f in zip(learn.kind, felt, strict=True)])
    odds = np.zeros(len(groups))
    for group in set(groups):
        mine = groups == group
        odds[mine] = _SHARES[group.split()[0]] / mine.sum()
    return np.asarray(odds / odds.sum())


def ingredients(clips: Sequence[Clip]) -> list[str]:
    """What was learnt from, for the card: a line for each kind and licence."""
    groups: dict[str, list[Clip]] = {}
    for clip in clips:
        name = "actors, German" if clip.kind == "acted" else "people reading, as neutral"
        groups.setdefault(f"{clip.licence}: {name}", []).append(clip)
    return [
        f"{name}, {len({c.speaker for c in group})} speakers, "
        f"{sum(len(c.samples) for c in group) / RATE / 60:.0f} min"
        for name, group in sorted(groups.items())
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.emotion.train", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("emodb", type=Path)
    parser.add_argument("--readers", type=Path, nargs="*", default=[])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bank", type=Path, help="keeps the excerpts here, for another run and evaluate")
    parser.add_argument("--takes", type=int, default=16, help="excerpts of each acted clip")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    acted, calm = emodb(args.emodb), [c for folder in args.readers for c in readers(folder)]
    learn = kept(args.bank, acted, calm, args.takes, args.seed)
    network = train(learn, args.steps, args.seed)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"weights": network.state_dict(), "trained_on": ingredients([*acted, *calm])}, args.out)


def joined(banks: Sequence[Bank]) -> Bank:
    """Several banks as one."""
    return Bank(*(np.concatenate([getattr(b, name) for b in banks]) for name in FIELDS))


def gather(acted: Sequence[Clip], calm: Sequence[Clip], takes: int, seed: int) -> Bank:
    """The bank of both, people reading with a quarter of the takes."""
    return joined(
        [bank(clips, n, seed) for clips, n in ((acted, takes), (calm, max(1, takes // 4))) if clips]
    )


def kept(path: Path | None, acted: Sequence[Clip], calm: Sequence[Clip], takes: int, seed: int) -> Bank:
    """``gather``, or what it made before of the same, where a path is given."""
    if path is not None and path.exists():
        with np.load(path) as saved:
            return Bank(*(saved[name] for name in FIELDS))
    made = gather(acted, calm, takes, seed)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **{name: getattr(made, name) for name in FIELDS})
    return made


if __name__ == "__main__":
    main()
