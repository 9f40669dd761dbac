"""Packs a trained expression network: ``model.onnx`` and ``card.json``.

    python -m voxrig_train.expression.export runs/expression.pt --out service/voxrig/packs/expression

The graph takes audio (b, 160 t), curves (b, t, 110), style (b, t, 16) and state (b, s), where t is even,
and gives curves_out (b, t, 110) and state_out (b, s). It is compared with the network before anything is
written. Without a checkpoint the weights are random and small: a pack that keeps every law and feels
nothing, to build with.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from voxrig_train.expression.network import STYLES, Expression, Size
from voxrig_train.network import FPS, HOP, RATE

_TOLERANCE = 1e-4


def load(checkpoint: Path) -> tuple[Expression, dict[str, Any]]:
    """The network of a checkpoint, ready to run, and what else was saved with it."""
    saved = torch.load(checkpoint, weights_only=True)
    network = Expression(Size(**saved["size"]))
    network.load_state_dict(saved["weights"])
    network.eval()
    return network, saved


def to_onnx(network: Expression, path: Path) -> float:
    """Writes the graph; returns how far it differs from the network. Raises ValueError if too far."""
    import onnxruntime

    batch, hops = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("hops", min=1, max=8192)
    torch.onnx.export(
        network.eval(),
        _inputs(2, 3, network, np.random.default_rng(0)),
        str(path),
        dynamo=True,
        input_names=["audio", "curves", "style", "state"],
        output_names=["curves_out", "state_out"],
        dynamic_shapes={
            "audio": {0: batch, 1: HOP * hops},
            "curves": {0: batch, 1: 2 * hops},
            "style": {0: batch, 1: 2 * hops},
            "state": {0: batch},
        },
        external_data=False,
        verbose=False,
    )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rng, worst = np.random.default_rng(1), 0.0
    for b, m in ((1, 1), (1, 50), (5, 2), (64, 1), (1, 600)):
        given = _inputs(b, m, network, rng)
        names = ("audio", "curves", "style", "state")
        told = session.run(None, {n: g.numpy() for n, g in zip(names, given, strict=True)})
        with torch.no_grad():
            want = network(*given)
        worst = max(worst, *(float(np.abs(t - w.numpy()).max()) for t, w in zip(told, want, strict=True)))
    if worst > _TOLERANCE:
        raise ValueError(f"the ONNX graph differs from the network by {worst:.2g}")
    return worst


def _inputs(b: int, m: int, network: Expression, rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    audio = rng.normal(size=(b, m * HOP)) * rng.uniform(0, 0.3, (b, 1))
    curves = rng.uniform(0, 1, (b, 2 * m, 110)) ** 3
    style = rng.uniform(0, 1, (b, 2 * m, len(STYLES)))
    given = (audio, curves, style, np.zeros((b, network.state_size)))
    return tuple(torch.from_numpy(x.astype(np.float32)) for x in given)


def card(
    network: Expression, graph: bytes, name: str, trained_on: list[str], quality: dict[str, Any]
) -> dict[str, Any]:
    """The card of a pack."""
    return {
        "format": "voxrig-pack",
        "version": 1,
        "name": name,
        "rate": RATE,
        "hop": HOP,
        "fps": [FPS, 1],
        "delay": 0,
        "lookahead": HOP,
        "rig": "native",
        "styles": list(STYLES),
        "state": network.state_size,
        "parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
        "licence": "Apache-2.0",
        "trained_on": trained_on,
        "quality": quality,
        "sha256": hashlib.sha256(graph).hexdigest(),
    }


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
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out.parent) as folder:
        graph = Path(folder) / "model.onnx"
        print(f"graph and network differ by {to_onnx(network, graph):.1g}")
        told = card(network, graph.read_bytes(), args.out.name, saved["trained_on"], quality)
        (Path(folder) / "card.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        for name in ("model.onnx", "card.json"):
            os.replace(Path(folder) / name, args.out / name)


if __name__ == "__main__":
    main()
