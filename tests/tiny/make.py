"""Makes the tiny pack that tests run: python tests/tiny/make.py (needs onnx).

20 ms hops of 16 kHz become two frames of the native rig; jawOpen tells the mean loudness of the last
three hops, mouthPucker the loudness of each half of the hop before. State: the two hops before.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

HOP, CURVES, JAW, PUCKER = 320, 110, 17, 20


def graph() -> bytes:
    """audio (b, 320 m), state (b, 640) → curves (b, 2 m, 110), state_out (b, 640)."""
    place = np.zeros((2, CURVES), np.float32)
    place[0, JAW] = place[1, PUCKER] = 1.0
    consts = {
        "halves": np.array([0, -1, 160], np.int64),
        "place": place,
        "tail": np.array([-640], np.int64),
        "end": np.array([2**62], np.int64),
        "axis": np.array([1], np.int64),
        "two": np.array([2], np.int64),
        "four": np.array([4], np.int64),
        "zero": np.array([0], np.int64),
        "minus2": np.array([-2], np.int64),
        "minus4": np.array([-4], np.int64),
    }
    node = helper.make_node
    nodes = [
        node("Concat", ["state", "audio"], ["heard"], axis=1),
        node("Slice", ["heard", "tail", "end", "axis"], ["state_out"]),
        node("Abs", ["heard"], ["abs"]),
        node("Reshape", ["abs", "halves"], ["pieces"]),  # (b, 2 m + 4, 160)
        node("ReduceMean", ["pieces", "two"], ["loud"], keepdims=1),  # (b, 2 m + 4, 1)
        node("Slice", ["loud", "four", "end", "axis"], ["now"]),
        node("Slice", ["loud", "two", "minus2", "axis"], ["before"]),
        node("Slice", ["loud", "zero", "minus4", "axis"], ["long"]),
        node("Sum", ["now", "before", "long"], ["sum"]),
        node("Concat", ["sum", "before"], ["both"], axis=2),
        node("MatMul", ["both", "place"], ["curves"]),
    ]
    value = helper.make_tensor_value_info
    made = helper.make_graph(
        nodes,
        "tiny",
        [value("audio", TensorProto.FLOAT, ["b", "n"]), value("state", TensorProto.FLOAT, ["b", 640])],
        [
            value("curves", TensorProto.FLOAT, ["b", "t", CURVES]),
            value("state_out", TensorProto.FLOAT, ["b", 640]),
        ],
        [numpy_helper.from_array(v, k) for k, v in consts.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def main() -> None:
    folder = Path(__file__).parent / "pack"
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(graph())
    card = {
        "format": "voxrig-pack",
        "version": 1,
        "name": "tiny",
        "rate": 16000,
        "hop": HOP,
        "fps": [100, 1],
        "delay": 2,
        "lookahead": 640,
        "rig": "native",
        "styles": [],
        "state": 640,
        "parameters": 0,
        "licence": "Apache-2.0",
        "trained_on": [],
        "quality": {},
        "sha256": hashlib.sha256(graph()).hexdigest(),
    }
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n")


if __name__ == "__main__":
    main()
