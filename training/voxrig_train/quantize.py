"""An int8 twin of a pack: quicker on CPUs and less than half the size, a hair from its original.

    python -m voxrig_train.quantize service/voxrig/packs/live --out packs/live-int8 --calibration data/world

Stem and blocks, which are most of the work, become int8; the log mel front end, the heads and the rule
that turns articulators into curves stay as they are. Activations have scales fixed beforehand, from
speech and noise: scales taken from each batch, as dynamic quantisation does, would let streams that share
a step change each other. Weights use 7 bits, because CPUs without VNNI add pairs of products in 16 bits,
and two of 8 bits by 8 overflow. The twin is compared with its original before anything is written.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voxrig import audio
from voxrig.model import OnnxModel, find, load
from voxrig.resample import Resampler
from voxrig.types import Array
from voxrig_train import world

SAMPLE = Path(__file__).parents[2] / "samples" / "hello.wav"
BOUND = 0.001
"""Most that curves may differ on the mean; with weights of 8 bits that overflow it is more."""

_LAYERS = ("network.stem.", "network.pair.", "network.blocks.")  # what becomes int8, by its biases
_LEVELS = (0.03, 0.3, 3.0)  # gains, clipped at full scale, at which speech and noise are heard
_CLIPS = 64  # of a world


@dataclass(frozen=True)
class Difference:
    """How far a twin is from its original on one sound."""

    mean: float
    """Of all curves and frames."""
    worst: float
    phones: float
    """Part of the frames whose likeliest phone is the same."""


def quantize(pack: str | Path, out: Path, speech: Sequence[Array]) -> Difference:
    """Writes the twin of a pack, calibrated on speech (n,) at the card's rate, and tells how far it is.

    Raises ValueError where that is more than ``BOUND``.
    """
    import onnx

    folder, original = find(pack), load(pack, "cpu")
    model = onnx.load(folder / "model.onnx")
    _fold(model)
    layers = _layers(model)
    if not layers:
        raise ValueError(
            f"pack '{original.card.name}' has nothing to quantise: "
            f"no MatMul with a bias named {', '.join(_LAYERS)}"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as made:
        graph, card = Path(made) / "model.onnx", Path(made) / "card.json"
        _write_graph(model, layers, graph, _feeds(original, speech))
        told = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        told |= {"name": out.name, "sha256": hashlib.sha256(graph.read_bytes()).hexdigest(), "quality": {}}
        card.write_text(json.dumps(told))
        found = difference(original, load(made, "cpu"), sample(original.card.rate))
        if not found.mean <= BOUND:
            raise ValueError(
                f"the int8 twin of pack '{original.card.name}' differs from it by {found.mean:.2g} on the "
                f"mean of curves; at most {BOUND} is allowed: calibrate it on more speech"
            )
        told["quality"] = {
            "twin of": f"{original.card.name} {original.card.sha256}",
            "mean difference of curves": round(found.mean, 5),
            "largest difference of curves": round(found.worst, 3),
            "same phone": round(found.phones, 4),
            "on": f"{SAMPLE.name} and noise",
        }
        card.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        out.mkdir(exist_ok=True)
        for path in (graph, card):
            os.replace(path, out / path.name)
    return found


def difference(one: OnnxModel, other: OnnxModel, sound: Array) -> Difference:
    """How far two models are apart on a sound (n,) at their rate."""
    whole = sound[None, : len(sound) // one.card.hop * one.card.hop]
    style = np.zeros((1, len(one.card.styles)), np.float32)
    curves, twin = (m.step(whole, style, [m.initial_state()])[0] for m in (one, other))
    phones = [m.phones(sound).argmax(1) for m in (one, other)]
    apart = np.abs(curves - twin)
    return Difference(float(apart.mean()), float(apart.max()), float((phones[0] == phones[1]).mean()))


def sample(rate: int) -> Array:
    """The sample, (n,) at ``rate`` Hz, and bursts of noise after it."""
    spoken = audio.read(SAMPLE)
    samples = Resampler(spoken.rate, rate, "best").push(spoken.samples, last=True)
    return np.concatenate([samples, bursts(np.random.default_rng(1), 2 * rate) * 0.1])


def bursts(rng: np.random.Generator, n: int) -> Array:
    """n samples of noise, dark to bright, in twenty bursts and pauses; its loudest have an RMS of 0.3."""
    spectrum = np.fft.rfft(rng.normal(size=n)) * np.linspace(0.01, 1, n // 2 + 1) ** rng.uniform(-1, 0.5)
    noise = np.fft.irfft(spectrum, n)
    loud = np.repeat(rng.random(20) ** 2, -(-n // 20))[:n]
    return np.asarray(noise / np.sqrt(np.mean(noise**2)) * loud * 0.3, np.float32)


def _feeds(model: OnnxModel, speech: Sequence[Array]) -> Iterator[dict[str, Array]]:
    """Inputs for calibration: speech and as many noises, at several levels."""
    rng, card = np.random.default_rng(0), model.card
    noise = [bursts(rng, 2 * card.rate) for _ in range(4 * len(_LEVELS))]
    styles = {"style": np.zeros((1, len(card.styles)), np.float32)} if card.styles else {}
    for i, sound in enumerate([*speech, *noise]):
        heard = sound[: len(sound) // card.hop * card.hop] * _LEVELS[i % len(_LEVELS)]
        yield {"audio": np.clip(heard, -1, 1)[None], "state": model.initial_state()[None]} | styles


class _Feeds:
    """What the quantiser asks for: the next inputs, then None."""

    def __init__(self, feeds: Iterator[dict[str, Array]]) -> None:
        self._feeds = feeds

    def get_next(self) -> dict[str, Array] | None:
        return next(self._feeds, None)


def _layers(model: Any) -> list[str]:
    """Names of the products that become int8."""
    products = {n.output[0]: n.name for n in model.graph.node if n.op_type == "MatMul"}
    return [
        products[x]
        for node in model.graph.node
        if node.op_type == "Add" and any(b.startswith(_LAYERS) for b in node.input)
        for x in node.input
        if x in products
    ]


def _write_graph(model: Any, layers: list[str], path: Path, feeds: Iterator[dict[str, Array]]) -> None:
    from onnxruntime import quantization

    del model.graph.value_info[:]  # shapes with names that the quantiser cannot join
    quantization.quant_utils.add_pre_process_metadata(model)  # or it advises what _fold has done
    quantization.quantize_static(
        model,
        str(path),
        _Feeds(feeds),
        quant_format=quantization.QuantFormat.QDQ,
        op_types_to_quantize=["MatMul"],
        nodes_to_quantize=layers,
        per_channel=True,
        reduce_range=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul"]},
    )


def _fold(model: Any) -> None:
    """Reshapes of constants become constants, so that every weight is one."""
    from onnx import numpy_helper

    graph = model.graph
    constants = {c.name: c for c in graph.initializer}
    for node in list(graph.node):
        if node.op_type == "Reshape" and all(name in constants for name in node.input):
            value, shape = (numpy_helper.to_array(constants[name]) for name in node.input)
            graph.initializer.append(numpy_helper.from_array(value.reshape(shape), node.output[0]))
            graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    for name, constant in constants.items():
        if name not in used:
            graph.initializer.remove(constant)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.quantize", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("pack", help="a folder, or the name of a pack that ships")
    parser.add_argument("--out", type=Path, required=True, help="a folder; its name is the twin's")
    parser.add_argument("--calibration", type=Path, help=f"a world, else {SAMPLE.name}; hears {_CLIPS} clips")
    args = parser.parse_args()
    rate = load(args.pack, "cpu").card.rate
    speech: list[Array] = [sample(rate)] * len(_LEVELS)
    if args.calibration:
        clips = world.read(args.calibration)
        chosen = np.random.default_rng(0).permutation(len(clips))[:_CLIPS]
        speech = [world.samples_of(args.calibration, clips[i]) for i in chosen]
    found = quantize(args.pack, args.out, speech)
    size = (args.out / "model.onnx").stat().st_size / (find(args.pack) / "model.onnx").stat().st_size
    print(
        f"{args.out}: {size:.0%} of the size; curves differ by {found.mean:.5f} on the mean and "
        f"{found.worst:.3f} at most, {found.phones:.1%} of frames have the same phone"
    )


if __name__ == "__main__":
    main()
