"""What the expression model costs: a hop of the speech pack alone and with it, by turns, on one thread."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from voxrig.rigs import NATIVE
from voxrig_train.expression.network import INPUTS
from voxrig_train.network import HOP


@dataclass(frozen=True)
class Cost:
    """Medians over rounds; seconds a hop of the whole batch."""

    batch: int
    speech: float
    expression: float

    @property
    def kept(self) -> float:
        """Share of streams that a core still serves."""
        return self.speech / (self.speech + self.expression)


def cost(pack: Path, batch: int, rounds: int = 300) -> Cost:
    """Of the pack ``live`` and an expression pack, on hops of 20 ms."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    speech = Path(str(resources.files("voxrig") / "packs" / "live"))
    sessions = [
        onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        for folder in (speech, pack)
    ]
    rng = np.random.default_rng(0)
    sizes = [next(i.shape[1] for i in s.get_inputs() if i.name == "state") for s in sessions]
    states = [np.zeros((batch, size), np.float32) for size in sizes]
    style = np.zeros((batch, 2, len(INPUTS)), np.float32)
    style[..., INPUTS.index("joy")] = 1
    curves = np.zeros((batch, 2, len(NATIVE)), np.float32)
    spent: list[list[float]] = [[], []]
    for _ in range(rounds):
        audio = (rng.normal(size=(batch, HOP)) * 0.05).astype(np.float32)
        began = time.perf_counter()
        curves, states[0] = sessions[0].run(["curves", "state_out"], {"audio": audio, "state": states[0]})
        between = time.perf_counter()
        feed = {"audio": audio, "curves": curves, "style": style, "state": states[1]}
        _, states[1] = sessions[1].run(["curves_out", "state_out"], feed)
        spent[0].append(between - began)
        spent[1].append(time.perf_counter() - between)
    return Cost(batch, *(float(np.median(s[rounds // 10 :])) for s in spent))
