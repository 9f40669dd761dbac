"""Writes packs: a graph that was compared with its network, and the card that tells what it is."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Given = Mapping[str, Tensor]
_SIZES = ((1, 1), (1, 50), (5, 2), (64, 1))


def to_onnx(
    network: nn.Module,
    path: Path,
    given: Callable[[int, int], Given],
    outputs: Sequence[str],
    per_hop: Mapping[str, int],
    tolerance: float = 1e-4,
    sizes: Sequence[tuple[int, int]] = _SIZES,
) -> float:
    """Writes the graph; returns how far it differs from the network. Raises ValueError if too far.

    ``given`` makes inputs of b streams and m hops; ``per_hop`` tells which of them have how many values a
    hop along their second dimension. ``sizes`` of them are compared.
    """
    import onnxruntime

    batch, hops = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("hops", min=1, max=4096)
    example = given(2, 3)
    shapes: dict[str, dict[int, Any]] = {name: {0: batch} for name in example}
    for name, values in per_hop.items():
        shapes[name][1] = values * hops
    torch.onnx.export(
        network.eval(),
        tuple(example.values()),
        str(path),
        dynamo=True,
        input_names=list(example),
        output_names=list(outputs),
        dynamic_shapes=shapes,
        external_data=False,
        verbose=False,
    )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    apart = [0.0]
    for b, m in sizes:
        inputs = given(b, m)
        told = session.run(list(outputs), {name: value.numpy() for name, value in inputs.items()})
        with torch.no_grad():
            want = network(*inputs.values())
        apart += [float(np.abs(t - w.numpy()).max()) for t, w in zip(told, want, strict=True)]
    worst = float(np.max(apart))
    if not worst <= tolerance:  # nor if it is not a number
        raise ValueError(f"the ONNX graph differs from the network by {worst:.2g}")
    return worst


def write(out: Path, network: nn.Module, convert: Callable[[Path], float], card: Mapping[str, Any]) -> None:
    """A folder with what ``convert`` writes and its card, each put in place when whole."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        graph = Path(folder) / "model.onnx"
        print(f"graph and network differ by {convert(graph):.1g}")
        told = {
            **card,
            "version": 1,
            "parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
            "licence": "Apache-2.0",
            "sha256": hashlib.sha256(graph.read_bytes()).hexdigest(),
        }
        (Path(folder) / "card.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        for name in ("model.onnx", "card.json"):
            os.replace(Path(folder) / name, out / name)
