"""Linear readers: what one can still tell from the content code, and from the curves it is made of.

Softmax regression on scaled numbers, learnt on some clips and read on others; balanced accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from voxrig.speech.phones import PHONES
from voxrig.types import Array
from voxrig_train.expression.moods import MOODS
from voxrig_train.expression.network import Expression
from voxrig_train.expression.world import Item

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Probe:
    """Balanced accuracies of one question asked of the code and of the curves."""

    code: float
    raw: float
    chance: float


def accuracy(learn: tuple[Array, Labels], check: tuple[Array, Labels], decay: float = 1e-3) -> float:
    """Balanced accuracy on ``check`` of softmax regression learnt on ``learn``: (n, c) and classes (n,)."""
    mean, size = learn[0].mean(0), learn[0].std(0) + 1e-3
    x, y = torch.from_numpy((learn[0] - mean) / size).float(), torch.from_numpy(learn[1])
    count = int(max(learn[1].max(), check[1].max())) + 1
    worth = torch.from_numpy(1 / np.maximum(np.bincount(learn[1], minlength=count), 1)).float()
    weights = torch.zeros(x.shape[1] + 1, count, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=80, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        told = x @ weights[:-1] + weights[-1]
        value = functional.cross_entropy(told, y, weight=worth) + decay * (weights[:-1] ** 2).sum()
        value.backward()
        return value

    optimiser.step(loss)
    with torch.no_grad():
        scaled = torch.from_numpy((check[0] - mean) / size).float()
        right = (scaled @ weights[:-1] + weights[-1]).argmax(1).numpy() == check[1]
    return float(np.mean([right[check[1] == c].mean() for c in np.unique(check[1])]))


def codes(network: Expression, curves: Sequence[Array]) -> list[Array]:
    """The content code (m, code) of each clip's curves (t, 110)."""
    none = torch.zeros(1, 1, network.size.code + 1)
    with torch.no_grad():
        told = [
            network.content(
                torch.from_numpy(c.astype(np.float32))[None], none, network.prosody.memory(len(c) // 2)
            )[0]
            for c in curves
        ]
    return [code[0].numpy() for code in told]


def _halved(curves: Array) -> Array:
    return np.asarray(curves.astype(np.float32).reshape(-1, 2, curves.shape[1]).mean(1))


def _side(
    inputs: Sequence[Array], wanted: Sequence[Labels], held: Sequence[bool], side: bool, step: int
) -> tuple[Array, Labels]:
    """Every ``step``-th frame of the clips on one side, and what is wanted of it."""
    kept = [i for i, h in enumerate(held) if h is side]
    return np.concatenate([inputs[i][::step] for i in kept]), np.concatenate(
        [wanted[i][::step] for i in kept]
    )


def probe_world(network: Expression, items: Sequence[Item], source: int = 0) -> dict[str, Probe]:
    """Phones, moods by frame, and moods by clip (of the mean of its frames), on clips held out."""
    raw = [_halved(i.curves[source]) for i in items]
    code = codes(network, [i.curves[source] for i in items])
    moods = [list(MOODS).index(i.row.mood) for i in items]
    phones = [i.labels[::2].astype(np.int64) for i in items]
    held = [i.row.held_out for i in items]
    out: dict[str, list[float]] = {}
    for inputs in (code, raw):
        by_frame: list[Labels] = [np.full(len(x), mood) for x, mood in zip(inputs, moods, strict=True)]
        for name, wanted in (("phones", phones), ("mood by frame", by_frame)):
            learn, check = (_side(inputs, wanted, held, side, 3) for side in (False, True))
            out.setdefault(name, []).append(accuracy(learn, check))
        means = np.stack([x.mean(0) for x in inputs])
        side = np.array(held)
        got = accuracy((means[~side], np.array(moods)[~side]), (means[side], np.array(moods)[side]), 1e-2)
        out.setdefault("mood by clip", []).append(got)
    chance = {"phones": 1 / len(PHONES)}
    return {k: Probe(v[0], v[1], chance.get(k, 1 / len(MOODS))) for k, v in out.items()}


def probe_people(network: Expression, folder: Path) -> dict[str, Probe]:
    """Emotions that people acted (files EMOTION_SPEAKERtext.flac); half of the speakers to learn from."""
    import soundfile

    from voxrig.model import load

    pack = load("live", "cpu", 1)
    names, told, speakers = [], [], []
    for path in sorted(folder.glob("*.flac")):
        emotion, rest = path.stem.split("_", 1)
        samples, _ = soundfile.read(path, dtype="float32")
        curves = pack.hear(samples)[0]
        told.append(curves[: len(curves) // 2 * 2])
        names.append(emotion)
        speakers.append(rest[:2])
    order, people = sorted(set(names)), sorted(set(speakers))
    wanted = np.array([order.index(n) for n in names])
    check = np.array([people.index(s) % 2 == 1 for s in speakers])
    found: dict[str, list[float]] = {}
    for inputs in (codes(network, told), [_halved(c) for c in told]):
        lengths = [len(x[::3]) for x in inputs]
        flat = np.concatenate([x[::3] for x in inputs])
        by_frame, sides = np.repeat(wanted, lengths), np.repeat(check, lengths)
        pairs = (flat, by_frame, sides), (np.stack([x.mean(0) for x in inputs]), wanted, check)
        for name, (x, y, side) in zip(("emotion by frame", "emotion by clip"), pairs, strict=True):
            found.setdefault(name, []).append(accuracy((x[~side], y[~side]), (x[side], y[side]), 1e-2))
    return {k: Probe(v[0], v[1], 1 / len(order)) for k, v in found.items()}
