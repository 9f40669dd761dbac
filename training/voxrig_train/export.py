"""Packs a trained network: ``model.onnx`` with its state as input and output, and ``card.json``.

    python -m voxrig_train.export runs/live.pt --name fast --head 1 --out service/voxrig/packs/fast

The graph is compared with the network on noise and speech-like bursts before anything is written.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from voxrig_train import packing
from voxrig_train.network import FPS, HOP, PLANS, RATE, Network


class _Step(nn.Module):
    def __init__(self, network: Network, head: int) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, audio: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.network.step(audio, state, self.head)


def load(checkpoint: Path) -> tuple[Network, list[str]]:
    """The network of a checkpoint, ready to run, and what it was trained on."""
    saved = torch.load(checkpoint, weights_only=True)
    network = Network(PLANS[saved["plan"]])
    # One from before its gate lets all pass.
    gates = {k: v for k, v in network.state_dict().items() if k.startswith("gates.")}
    network.load_state_dict(gates | saved["weights"])
    network.eval()
    return network, saved["trained_on"]


def to_onnx(network: Network, path: Path, head: int = 0) -> float:
    """Writes the graph; returns how far it differs from the network. Raises ValueError if too far."""
    rng = np.random.default_rng(0)

    def given(b: int, m: int) -> dict[str, Tensor]:
        heard = (rng.normal(size=(b, m * HOP)) * rng.uniform(0, 0.3, (b, 1))).astype(np.float32)
        return {"audio": torch.from_numpy(heard), "state": network.start(b)}

    return packing.to_onnx(
        _Step(network, head), path, given, ("curves", "phones", "state_out"), {"audio": HOP}
    )


def pack(
    network: Network, out: Path, trained_on: list[str], quality: dict[str, Any], head: int = 0, name: str = ""
) -> None:
    """Writes the pack. Raises ValueError if graph and network differ."""
    card = {
        "format": "voxrig-pack",
        "name": name or out.name,
        "rate": RATE,
        "hop": HOP,
        "fps": [FPS, 1],
        "delay": network.plan.delays[head],
        "lookahead": network.plan.lookahead(head),
        "rig": "native",
        "styles": [],
        "state": network.state_size,
        "trained_on": trained_on,
        "quality": quality,
    }
    packing.write(out, network, lambda path: to_onnx(network, path, head), card)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.export", description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", help="in the card; the folder's name unless given")
    parser.add_argument("--head", type=int, default=0, help="0 is the first of the plan's delays")
    parser.add_argument("--quality", type=Path, help="from voxrig_train.evaluate")
    args = parser.parse_args()
    network, ingredients = load(args.checkpoint)
    quality = json.loads(args.quality.read_text()) if args.quality else {}
    pack(network, args.out, ingredients, quality, args.head, args.name)


if __name__ == "__main__":
    main()
