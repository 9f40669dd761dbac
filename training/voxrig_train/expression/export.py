"""Packs a trained expression network: ``model.onnx`` and ``card.json``.

    python -m voxrig_train.expression.export runs/expression.pt --out service/voxrig/packs/expression

The graph takes audio (b, 160 t), curves (b, t, 110), style (b, t, 24) and state (b, s), where t is even,
and gives curves_out (b, t, 110) and state_out (b, s). It is compared with the network before anything is
written. Without a checkpoint the weights are random and small: a pack that keeps every law and feels
nothing, to build with.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from voxrig.rigs import NATIVE
from voxrig_train import packing
from voxrig_train.expression.network import INPUTS, Expression, Size
from voxrig_train.network import FPS, HOP, RATE


def load(checkpoint: Path) -> tuple[Expression, dict[str, Any]]:
    """The network of a checkpoint, ready to run, and what else was saved with it."""
    saved = torch.load(checkpoint, weights_only=True)
    network = Expression(Size(**saved["size"]))
    network.load_state_dict(saved["weights"])
    network.eval()
    return network, saved


def to_onnx(network: Expression, path: Path) -> float:
    """Writes the graph; returns how far it differs from the network. Raises ValueError if too far."""
    rng = np.random.default_rng(0)

    def given(b: int, m: int) -> dict[str, Tensor]:
        inputs = {
            "audio": rng.normal(size=(b, m * HOP)) * rng.uniform(0, 0.3, (b, 1)),
            "curves": rng.uniform(0, 1, (b, 2 * m, len(NATIVE))) ** 3,
            "style": rng.uniform(0, 1, (b, 2 * m, len(INPUTS))),
            "state": np.zeros((b, network.state_size)),
        }
        return {name: torch.from_numpy(value.astype(np.float32)) for name, value in inputs.items()}

    sizes = ((1, 1), (1, 50), (5, 2), (64, 1), (1, 600))
    per_hop = {"audio": HOP, "curves": 2, "style": 2}
    return packing.to_onnx(network, path, given, ("curves_out", "state_out"), per_hop, sizes=sizes)


def pack(network: Expression, out: Path, trained_on: list[str], quality: dict[str, Any]) -> None:
    """Writes the pack. Raises ValueError if graph and network differ."""
    card = {
        "format": "voxrig-pack",
        "name": out.name,
        "rate": RATE,
        "hop": HOP,
        "fps": [FPS, 1],
        "delay": 0,
        "lookahead": HOP,
        "rig": "native",
        "styles": list(INPUTS),
        "state": network.state_size,
        "trained_on": trained_on,
        "quality": quality,
    }
    packing.write(out, network, lambda path: to_onnx(network, path), card)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.expression.export", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("checkpoint", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--quality", type=Path, help="from voxrig_train.expression.evaluate --json")
    args = parser.parse_args()
    torch.manual_seed(0)
    network, saved = load(args.checkpoint) if args.checkpoint else (Expression(), {"trained_on": []})
    quality = json.loads(args.quality.read_text())["quality"] if args.quality else {}
    pack(network, args.out, saved["trained_on"], quality)


if __name__ == "__main__":
    main()
