"""Packs a trained network: ``model.onnx`` with its state as input and output, and ``card.json``.

    python -m voxrig_train.export runs/live.pt --name fast --head 1 --out service/voxrig/packs/fast

The graph is compared with the network on noise and speech-like bursts before anything is written.
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

from voxrig_train.network import FPS, HOP, PLANS, RATE, Network

_TOLERANCE = 1e-4


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
    import onnxruntime

    batch, hops = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("hops", min=1, max=4096)
    audio, state = torch.zeros(2, 3 * HOP), torch.zeros(2, network.state_size)
    torch.onnx.export(
        _Step(network, head).eval(),
        (audio, state),
        str(path),
        dynamo=True,
        input_names=["audio", "state"],
        output_names=["curves", "phones", "state_out"],
        dynamic_shapes={"audio": {0: batch, 1: HOP * hops}, "state": {0: batch}},
        external_data=False,
        verbose=False,
    )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rng, worst = np.random.default_rng(0), 0.0
    for b, m in ((1, 1), (1, 50), (5, 2), (64, 1)):
        heard = (rng.normal(size=(b, m * HOP)) * rng.uniform(0, 0.3, (b, 1))).astype(np.float32)
        before = network.start(b).numpy()
        told = session.run(None, {"audio": heard, "state": before})
        with torch.no_grad():
            want = network.step(torch.from_numpy(heard), torch.from_numpy(before), head)
        worst = max(worst, *(float(np.abs(t - w.numpy()).max()) for t, w in zip(told, want, strict=True)))
    if worst > _TOLERANCE:
        raise ValueError(f"the ONNX graph differs from the network by {worst:.2g}")
    return worst


def card(
    network: Network, head: int, graph: bytes, name: str, trained_on: list[str], quality: dict[str, object]
) -> dict[str, object]:
    """The card of a pack."""
    return {
        "format": "voxrig-pack",
        "version": 1,
        "name": name,
        "rate": RATE,
        "hop": HOP,
        "fps": [FPS, 1],
        "delay": network.plan.delays[head],
        "lookahead": network.plan.lookahead(head),
        "rig": "native",
        "styles": [],
        "state": network.state_size,
        "parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
        "licence": "Apache-2.0",
        "trained_on": trained_on,
        "quality": quality,
        "sha256": hashlib.sha256(graph).hexdigest(),
    }


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
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out.parent) as folder:
        graph = Path(folder) / "model.onnx"
        print(f"graph and network differ by {to_onnx(network, graph, args.head):.1g}")
        told = card(network, args.head, graph.read_bytes(), args.name or args.out.name, ingredients, quality)
        (Path(folder) / "card.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        for name in ("model.onnx", "card.json"):
            os.replace(Path(folder) / name, args.out / name)


if __name__ == "__main__":
    main()
