"""Trains the network on worlds of speech.

python -m voxrig_train.train live data/world --out runs/live.pt --steps 4000 --seed 1
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

from voxrig.speech.articulators import A
from voxrig_train.corpus import SYNTHETIC, Excerpts, Item, held_out, load
from voxrig_train.network import FPS, HOP, PLANS, RATE, Network

_COLD = 60  # frames at the start of an excerpt that lack their past
_CONTACTS = [A["closure"], A["labiodental"]]
_MOTIONS = [i for i in A.values() if i not in _CONTACTS]


def losses(
    network: Network, articulators: Tensor, phones: Tensor, targets: Tensor, labels: Tensor
) -> dict[str, Tensor]:
    """Parts of the loss; all tensors are (b, t, ...) of the same frames.

    Contacts are learnt as probabilities, so that a doubtful p is not a half-closed mouth, and which of
    p, b and m it was matters less than that lips met; motion as the median, weighted towards the jaw and
    rounding; speed keeps curves calm.
    """
    probable = torch.softmax(phones, -1)
    value = network.tell(articulators, probable)[..., _MOTIONS]
    goal = targets[..., _MOTIONS]
    weight = torch.ones(len(A))
    weight[[A["jaw"], A["funnel"], A["pucker"]]] = 2.5
    meet = network.poses[:, _CONTACTS]  # 1 where a phone's lips meet, else 0
    return {
        "motion": ((value - goal).abs() * weight[_MOTIONS]).mean(),
        "contact": functional.binary_cross_entropy((probable @ meet).clamp(1e-5, 1 - 1e-5), meet[labels]),
        "speed": (value.diff(dim=1) - goal.diff(dim=1)).abs().mean(),
        "phones": functional.cross_entropy(phones.flatten(0, 1), labels.flatten()),
    }


def total(parts: dict[str, Tensor]) -> Tensor:
    return 8 * parts["motion"] + 4 * parts["contact"] + 15 * parts["speed"] + 0.5 * parts["phones"]


def told(
    network: Network, audio: Tensor, state: Tensor, targets: Tensor, labels: Tensor
) -> dict[str, Tensor]:
    """The losses of every head, averaged, over the frames that have their past and their future."""
    outputs, _ = network(audio, state)
    parts: list[dict[str, Tensor]] = []
    cold = 0 if state.any() else _COLD
    for (articulators, phones), delay in zip(outputs, network.plan.delays, strict=True):
        frames = min(targets.shape[1], articulators.shape[1] - delay)
        out, aim = slice(cold + delay, frames + delay), slice(cold, frames)
        part = losses(network, articulators[:, out], phones[:, out], targets[:, aim], labels[:, aim])
        part["right"] = (phones[:, out].argmax(-1) == labels[:, aim]).float().mean()
        parts.append(part)
    return {k: torch.stack([p[k] for p in parts]).mean() for k in parts[0]}


def train(network: Network, items: list[Item], steps: int, seed: int, batch: int, rate: float) -> Network:
    """The averaged network after ``steps`` of AdamW with a cosine schedule that begins at ``rate``."""
    learn = [i for i in items if not held_out(i.clip.speaker)]
    check = [i for i in items if held_out(i.clip.speaker)]
    print(
        f"{_minutes(learn):.0f} min to learn from, {_minutes(check):.0f} min of other speakers to check with"
    )
    # Enough to see where it goes, spread over speakers.
    check = check[:: max(1, len(check) // 120)]
    excerpts = Excerpts(learn, seed)
    if not network.mel.mean.any():
        _scale_features(network, excerpts)
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=0, weight_decay=0.02)
    began = time.time()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = (
                rate * min(1, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * step / steps)) + 1e-5
            )
        network.train()
        audio, targets, labels = (torch.from_numpy(x) for x in excerpts.batch(batch))
        parts = told(network, audio, torch.zeros(batch, network.state_size), targets, labels)
        optimiser.zero_grad()
        total(parts).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        keep = min(0.998, step / (step + 10))
        with torch.no_grad():
            for a, b in zip(average.parameters(), network.parameters(), strict=True):
                a.mul_(keep).add_(b, alpha=1 - keep)
        if step % 500 == 499 or step == steps - 1:
            average.eval()
            row = " ".join(f"{k} {v:.4f}" for k, v in measure(average, check).items())
            print(f"{step + 1} of {steps}, {time.time() - began:.0f} s: {row}", flush=True)
    average.eval()
    return average


def go_on(network: Network, checkpoint: Path) -> None:
    """Begins with the weights of a checkpoint.

    A plan that sees ahead may begin with one that does not: the taps of every block move one place, the
    oldest is forgotten, and the one in the future begins at nothing; blocks that the checkpoint lacks begin
    by changing nothing.
    """
    saved = torch.load(checkpoint, weights_only=True)
    if PLANS[saved["plan"]] == network.plan:
        network.load_state_dict(saved["weights"])
        return
    known = {k: v for k, v in saved["weights"].items() if not k.startswith("heads.1")}
    network.load_state_dict(known, strict=False)
    with torch.no_grad():
        for i, block in enumerate(network.blocks):
            if f"blocks.{i}.mix.weight" not in known:
                block.mix.weight.zero_()
                block.mix.bias.zero_()
            elif network.plan.ahead and not PLANS[saved["plan"]].ahead:
                block.taps.weight.copy_(block.taps.weight.roll(-1, 0))
                block.taps.weight[-1].zero_()


def measure(network: Network, items: list[Item]) -> dict[str, float]:
    """Losses and the share of frames with the right phone, over whole clips."""
    rows = []
    start, delay = network.start(1), max(network.plan.delays)
    with torch.no_grad():
        for item in items:
            # Room to hear the end: the delay, and a whole number of hops.
            hops = math.ceil((len(item.samples) + delay * RATE / FPS) / HOP) + 1
            audio = np.zeros(hops * HOP, np.float32)
            audio[: len(item.samples)] = item.samples / 32768
            whole = [torch.from_numpy(x)[None] for x in (audio, item.targets, item.labels)]
            parts = told(network, whole[0], start, *whole[1:])
            rows.append({k: float(v) for k, v in parts.items()} | {"total": float(total(parts))})
    return {k: float(np.mean([r[k] for r in rows])) for k in rows[0]} if rows else {}


def _scale_features(network: Network, excerpts: Excerpts) -> None:
    with torch.no_grad():
        mel = network.features(torch.from_numpy(excerpts.batch(64)[0])).flatten(0, 1)
    network.mel.mean.copy_(mel.mean(0))
    network.mel.std.copy_(mel.std(0))


def ingredients(items: list[Item]) -> list[str]:
    """What was learnt from, for the card: a line for each source and licence."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        if not held_out(item.clip.speaker):
            synthetic = item.clip.source in SYNTHETIC
            name = f"{item.clip.source}, synthetic" if synthetic else "people reading"
            groups.setdefault(f"{item.clip.licence}: {name}", []).append(item)
    return [
        f"{name}, {len({i.clip.speaker for i in group})} speakers, {_minutes(group):.0f} min"
        for name, group in sorted(groups.items())
    ]


def _minutes(items: list[Item]) -> float:
    return sum(len(i.samples) for i in items) / RATE / 60


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.train", description=__doc__)
    parser.add_argument("plan", choices=tuple(PLANS))
    parser.add_argument("worlds", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="checkpoint to go on from, of this plan or of live")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate at first")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    network = Network(PLANS[args.plan])
    if args.start:
        go_on(network, args.start)
    items = load(args.worlds)
    network = train(network, items, args.steps, args.seed, args.batch, args.rate)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    partial = args.out.with_suffix(".partial")
    saved = {"plan": args.plan, "weights": network.state_dict(), "trained_on": ingredients(items)}
    torch.save(saved | {"arguments": {k: str(v) for k, v in vars(args).items()}}, partial)
    partial.replace(args.out)


if __name__ == "__main__":
    main()
