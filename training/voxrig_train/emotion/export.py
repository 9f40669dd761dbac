"""Packs a trained listener: ``model.onnx`` with its state as input and output, and ``card.json``.

    python -m voxrig_train.emotion.export runs/emotion.pt --out service/voxrig/packs/emotion

The graph is compared with the network on silence and noise before anything is written.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

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
    import onnxruntime

    batch, hops = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("hops", min=1, max=4096)
    torch.onnx.export(
        _Step(network).eval(),
        (torch.zeros(2, 3 * HOP), torch.zeros(2, network.state_size)),
        str(path),
        dynamo=True,
        input_names=["audio", "state"],
        output_names=["feelings", "state_out"],
        dynamic_shapes={"audio": {0: batch, 1: HOP * hops}, "state": {0: batch}},
        external_data=False,
        verbose=False,
    )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rng, worst = np.random.default_rng(0), 0.0
    for b, m, loud in ((1, 1, 0.0), (1, 1, 0.3), (1, 50, 0.3), (5, 2, 0.3), (64, 1, 0.3)):
        heard = (rng.normal(size=(b, m * HOP)) * rng.uniform(0, loud, (b, 1))).astype(np.float32)
        before = np.zeros((b, network.state_size), np.float32)
        told = session.run(None, {"audio": heard, "state": before})
        with torch.no_grad():
            want = network.step(torch.from_numpy(heard), torch.from_numpy(before))
        apart = [float(np.abs(t - w.numpy()).max()) for t, w in zip(told, want, strict=True)]
        worst = float(np.max([worst, *apart]))
    if not worst < _TOLERANCE:  # nor if it is not a number
        raise ValueError(f"the ONNX graph differs from the network by {worst:.2g}")
    return worst


def card(
    network: Network, graph: bytes, trained_on: list[str], quality: dict[str, object]
) -> dict[str, object]:
    """The card of a pack."""
    return {
        "format": "voxrig-emotion",
        "version": 1,
        "name": "emotion",
        "rate": RATE,
        "hop": HOP,
        "feelings": list(FEELINGS),
        "heard": list(HEARD),
        "derived": [name for name in SCORES if name not in HEARD],
        "state": network.state_size,
        "parameters": sum(p.numel() for p in network.parameters()),
        "licence": "Apache-2.0",
        "trained_on": trained_on,
        "quality": quality,
        "sha256": hashlib.sha256(graph).hexdigest(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.emotion.export", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--quality", type=Path, help="from voxrig_train.emotion.evaluate")
    args = parser.parse_args()
    network, trained_on = load(args.checkpoint)
    quality = json.loads(args.quality.read_text()) if args.quality else {}
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out.parent) as folder:
        graph = Path(folder) / "model.onnx"
        print(f"graph and network differ by {to_onnx(network, graph):.1g}")
        told = card(network, graph.read_bytes(), trained_on, quality)
        (Path(folder) / "card.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        for name in ("model.onnx", "card.json"):
            os.replace(Path(folder) / name, args.out / name)


if __name__ == "__main__":
    main()
