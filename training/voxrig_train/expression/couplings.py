"""How regions of a face go together in each emotion: drawn once, published as ``couplings.json``.

    python -m voxrig_train.expression.couplings data/world --out couplings.json

Couplings follow the action units of an emotion: cheeks go with the corners of a smile in joy (Ekman,
Davidson and Friesen, "The Duchenne smile", 1990), nose with upper lip in disgust, brow with lids in fear
and pain (Prkachin, 1992). What no finding tells, a fixed seed does, within a tenth. A matrix of regions is
split by its principal directions: the six strongest are driven by the voice, the rest by chance, which is
what one person does and another does not. The file also holds mean and decorrelation of the drivers.
"""

from __future__ import annotations

import argparse
import json
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxrig_train import world
from voxrig_train.expression.drivers import DRIVERS, drivers
from voxrig_train.expression.network import EMOTIONS
from voxrig_train.expression.regions import REGIONS

Doubles = NDArray[np.float64]
MOVED = len(REGIONS) - 1
"""Regions that emotions move: all but the tongue."""

_SEED = 1992
_CHANCE = 0.1
# Left and right as one word: brow, eye, cheek; the others by their own.
_ALWAYS = {
    "brow brow": 0.85, "eye eye": 0.9, "cheek cheek": 0.85, "brow eye": 0.3, "cheek eye": 0.3,
    "nose cheek": 0.3,
    "upper lower": 0.4, "lower jaw": 0.4,
}  # fmt: skip
_PAIRS: dict[str, dict[str, float]] = {
    "amazement": {"brow eye": 0.85, "brow jaw": 0.6, "eye jaw": 0.5},
    "anger": {"brow eye": 0.6, "brow nose": 0.55, "nose upper": 0.5, "lower jaw": 0.65, "brow jaw": 0.3},
    "cheekiness": {"brow brow": -0.3, "cheek cheek": 0.3, "cheek upper": 0.7, "eye eye": 0.4,
                   "brow upper": 0.2},
    "disgust": {"nose upper": 0.8, "nose cheek": 0.65, "brow nose": 0.5, "brow upper": 0.4, "lower jaw": 0.1},
    "fear": {"brow eye": 0.8, "brow lower": 0.45, "eye lower": 0.4, "lower jaw": 0.6, "cheek eye": -0.1},
    "grief": {"brow lower": 0.65, "cheek eye": 0.65, "brow eye": 0.4, "cheek lower": 0.45,
              "upper lower": 0.2},
    "joy": {"cheek upper": 0.85, "cheek eye": 0.75, "eye upper": 0.6, "brow eye": 0.1, "brow upper": 0.15},
    "outofbreath": {"lower jaw": 0.85, "nose jaw": 0.6, "nose lower": 0.5, "brow jaw": 0.4,
                    "brow eye": -0.1},
    "pain": {"brow eye": 0.75, "cheek eye": 0.85, "brow cheek": 0.65, "nose cheek": 0.7, "nose upper": 0.6,
             "upper lower": 0.6},
    "sadness": {"brow lower": 0.6, "brow eye": -0.3, "brow jaw": -0.2, "eye lower": -0.2, "upper lower": 0.5},
}  # fmt: skip
# The strongest direction of a face goes with these, in the order of DRIVERS; others are drawn.
_FIRST = (0.5, 0.65, 0.3, 0.25, 0.25, -0.3)


def draw() -> tuple[dict[str, Doubles], dict[str, Doubles]]:
    """For each emotion the correlation of ten regions (10, 10), and what moves them (10, 10):
    six drivers, then four that are chance. The second times its transpose is the first."""
    rng = np.random.default_rng(_SEED)
    matrices, motions = {}, {}
    for emotion in EMOTIONS:
        noise = rng.uniform(-_CHANCE, _CHANCE, (MOVED, MOVED))
        goal = np.eye(MOVED)
        for i in range(MOVED):
            for j in range(i):
                a, b = _word(i), _word(j)
                pair = {**_ALWAYS, **_PAIRS[emotion]}
                goal[i, j] = goal[j, i] = pair.get(f"{a} {b}", pair.get(f"{b} {a}", 0.0)) + noise[i, j]
        values, vectors = np.linalg.eigh(goal)
        near = (vectors * np.maximum(values, 0.02)) @ vectors.T
        size = np.sqrt(np.diag(near))
        matrices[emotion] = near / size / size[:, None]
        values, vectors = np.linalg.eigh(matrices[emotion])
        values, vectors = values[::-1], vectors[:, ::-1] * np.sign(vectors[:, ::-1].sum(0))
        first = rng.normal(size=(len(DRIVERS), len(DRIVERS)))
        first[:, 0] = _FIRST
        turn, upper = np.linalg.qr(first)
        turn = (turn * np.sign(np.diag(upper))).T
        mix = np.eye(MOVED)
        mix[: len(DRIVERS), : len(DRIVERS)] = turn
        motions[emotion] = (vectors * np.sqrt(values)) @ mix
    return matrices, motions


def _word(region: int) -> str:
    return {"mouth upper": "upper", "mouth lower": "lower"}.get(REGIONS[region], REGIONS[region].split()[0])


@cache
def published() -> tuple[dict[str, Doubles], Doubles, Doubles]:
    """Of ``couplings.json``: motions by emotion (10, 10), mean (6,) and decorrelation (6, 6) of drivers."""
    text = (resources.files("voxrig_train.expression") / "couplings.json").read_text(encoding="utf-8")
    told = json.loads(text)
    motions = {name: np.array(rows) for name, rows in told["motion"].items()}
    return motions, np.array(told["driver_mean"]), np.array(told["driver_whitening"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.expression.couplings", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("world", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    matrices, motions = draw()
    clips = world.read(args.world)[:: max(1, len(world.read(args.world)) // 150)]
    heard = np.concatenate([drivers(world.samples_of(args.world, c).astype(float)) for c in clips])
    values, vectors = np.linalg.eigh(np.cov(heard.T))
    told = {
        "regions": REGIONS[:MOVED],
        "drivers": DRIVERS,
        "correlation": {name: np.round(m, 4).tolist() for name, m in matrices.items()},
        "motion": {name: np.round(m, 4).tolist() for name, m in motions.items()},
        "driver_mean": np.round(heard.mean(0), 4).tolist(),
        "driver_whitening": np.round((vectors / np.sqrt(values)) @ vectors.T, 4).tolist(),
    }
    rows = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in told.items()]
    args.out.write_text("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main()
