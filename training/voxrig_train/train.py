"""Trains the network on worlds of speech.

python -m voxrig_train.train data/world --out runs/speech.pt --steps 4000 --seed 1
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from voxrig_train.articulators import A
from voxrig_train.corpus import Excerpts, Item, held_out, load
from voxrig_train.network import DELAY, FPS, HOP, RATE, Network

_COLD = 60  # frames at the start of an excerpt that lack their past
_CONTACTS = [A["closure"], A["labiodental"]]
_MOTIONS = [i for i in A.values() if i not in _CONTACTS]


def losses(articulators: Tensor, phones: Tensor, targets: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Parts of the loss; all tensors are (b, t, ...) of the same frames.

    Contacts are learnt as probabilities, so that a doubtful p is not a half-closed mouth; motion as
    the median, weighted towards the jaw and rounding; speed keeps curves calm.
    """
    value = torch.sigmoid(articulators)
    weight = torch.ones(len(A))
    weight[[A["jaw"], A["funnel"], A["pucker"]]] = 2.5
    error = (value - targets).abs() * weight
    speed = (value.diff(dim=1) - targets.diff(dim=1)).abs()
    contact = functional.binary_cross_entropy_with_logits(
        articulators[..., _CONTACTS], targets[..., _CONTACTS]
    )
    return {
        "motion": error[..., _MOTIONS].mean(),
        "contact": contact,
        "speed": speed.mean(),
        "phones": functional.cross_entropy(phones.flatten(0, 1), labels.flatten()),
    }


def total(parts: dict[str, Tensor]) -> Tensor:
    return 8 * parts["motion"] + 2.5 * parts["contact"] + 15 * parts["speed"] + 0.5 * parts["phones"]


def shifted(out: Tensor, frames: int) -> Tensor:
    """Outputs for frames _COLD..frames - DELAY."""
    return out[:, _COLD + DELAY : frames]


def train(items: list[Item], steps: int, seed: int, batch: int, threads: int) -> Network:
    """The averaged network after ``steps`` of AdamW with a cosine schedule."""
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    learn = [i for i in items if not held_out(i.clip.speaker)]
    check = [i for i in items if held_out(i.clip.speaker)]
    print(
        f"{_minutes(learn):.0f} min to learn from, {_minutes(check):.0f} min of other speakers to check with"
    )
    excerpts = Excerpts(learn, seed)
    network = Network()
    _scale_features(network, excerpts)
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=0, weight_decay=0.02)
    began = time.time()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = (
                2e-3 * min(1, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * step / steps)) + 1e-5
            )
        network.train()
        audio, targets, labels = (torch.from_numpy(x) for x in excerpts.batch(batch))
        articulators, phones, _ = network(audio, torch.zeros(batch, network.state_size))
        frames = targets.shape[1]
        aim = slice(_COLD, frames - DELAY)
        parts = losses(
            shifted(articulators, frames), shifted(phones, frames), targets[:, aim], labels[:, aim]
        )
        optimiser.zero_grad()
        total(parts).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        keep = min(0.998, step / (step + 10))
        with torch.no_grad():
            for a, b in zip(average.parameters(), network.parameters(), strict=True):
                a.mul_(keep).add_(b, alpha=1 - keep)
        if step % 200 == 199 or step == steps - 1:
            average.eval()
            told = " ".join(f"{k} {v:.4f}" for k, v in measure(average, check).items())
            print(f"{step + 1} of {steps}, {time.time() - began:.0f} s: {told}", flush=True)
    average.eval()
    return average


def measure(network: Network, items: list[Item]) -> dict[str, float]:
    """Losses and the share of frames with the right phone, over whole clips."""
    rows = []
    with torch.no_grad():
        for item in items:
            frames = len(item.labels)
            # Room to hear the end: the delay, and a whole number of hops.
            audio = np.zeros(
                math.ceil((len(item.samples) + DELAY * RATE / FPS) / HOP) * HOP + HOP, np.float32
            )
            audio[: len(item.samples)] = item.samples / 32768
            articulators, phones, _ = network(torch.from_numpy(audio)[None], network.start(1))
            told, heard = articulators[:, DELAY : DELAY + frames], phones[:, DELAY : DELAY + frames]
            labels = torch.from_numpy(item.labels)[None]
            parts = losses(told, heard, torch.from_numpy(item.targets)[None], labels)
            row = {k: float(v) for k, v in parts.items()}
            row |= {"total": float(total(parts)), "right": float((heard.argmax(-1) == labels).float().mean())}
            rows.append(row)
    return {k: float(np.mean([r[k] for r in rows])) for k in rows[0]} if rows else {}


def _scale_features(network: Network, excerpts: Excerpts) -> None:
    with torch.no_grad():
        mel = network.features(torch.from_numpy(excerpts.batch(64)[0])).flatten(0, 1)
    network.mel.mean.copy_(mel.mean(0))
    network.mel.std.copy_(mel.std(0))


def _minutes(items: list[Item]) -> float:
    return sum(len(i.samples) for i in items) / RATE / 60


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.train", description=__doc__)
    parser.add_argument("worlds", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    network = train(load(args.worlds), args.steps, args.seed, args.batch, args.threads)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    partial = args.out.with_suffix(".partial")
    torch.save(
        {"weights": network.state_dict(), "arguments": {k: str(v) for k, v in vars(args).items()}}, partial
    )
    partial.replace(args.out)


if __name__ == "__main__":
    main()
