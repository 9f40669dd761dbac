"""Packs a trained listener: ``model.onnx`` with its state as input and output, and ``card.json``.

    python -m voxrig_train.emotion.export runs/emotion.pt --out service/voxrig/packs/emotion

The graph is compared with the network on silence and noise before anything is written.
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
from voxrig_train.emotion.network import FEELINGS, HEARD, HOP, RATE, SCORES, Network

_TOLERANCE = 1e-3  # of log-likelihoods, which run to -14


class _Step(nn.Module):
    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, audio: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.step(audio, state)


def load(checkpoint: Path) -> tuple[Network, list[str]]:
    """The network of a checkpoint, ready to run, and what it was trained on."""
    saved = torch.load(checkpoint, weights_only=True)
    network = Network()
    network.load_state_dict(saved["weights"])
    return network.eval(), saved["trained_on"]


def to_onnx(network: Network, path: Path) -> float:
    """Writes the graph; returns how far it differs from the network. Raises ValueError if too far."""
    rng = np.random.default_rng(0)

    def given(b: int, m: int) -> dict[str, Tensor]:
        heard = (rng.normal(size=(b, m * HOP)) * rng.choice([0.0, 0.3], (b, 1))).astype(np.float32)
        return {"audio": torch.from_numpy(heard), "state": torch.zeros(b, network.state_size)}

    return packing.to_onnx(_Step(network), path, given, ("feelings", "state_out"), {"audio": HOP}, _TOLERANCE)


def pack(network: Network, out: Path, trained_on: list[str], quality: dict[str, Any]) -> None:
    """Writes the pack. Raises ValueError if graph and network differ."""
    card = {
        "format": "voxrig-emotion",
        "name": "emotion",
        "rate": RATE,
        "hop": HOP,
        "feelings": list(FEELINGS),
        "heard": list(HEARD),
        "derived": [name for name in SCORES if name not in HEARD],
        "state": network.state_size,
        "trained_on": trained_on,
        "quality": quality,
    }
    packing.write(out, network, lambda path: to_onnx(network, path), card)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.emotion.export", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--quality", type=Path, help="from voxrig_train.emotion.evaluate")
    args = parser.parse_args()
    network, trained_on = load(args.checkpoint)
    pack(network, args.out, trained_on, json.loads(args.quality.read_text()) if args.quality else {})


if __name__ == "__main__":
    main()
