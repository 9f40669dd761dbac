"""``voxrig info``: versions, and what a model pack says of itself."""

from __future__ import annotations

import argparse
import platform

from voxrig._version import __version__
from voxrig.model import find, load
from voxrig.pack import runtime


def run(args: argparse.Namespace) -> int:
    ort = runtime()
    model = load(args.pack)
    card = model.card
    rows = {
        "voxrig": f"{__version__} on Python {platform.python_version()}",
        "runtime": f"onnxruntime {ort.__version__}, running on {model.providers[0]}",
        "pack": f"{card.name} at {find(args.pack)}",
        "hears": f"{card.rate} Hz in hops of {1000 * card.hop / card.rate:g} ms",
        "tells": f"{len(card.rig)} curves of {card.rig.name} at {card.fps} fps",
        "lookahead": f"{1000 * card.lookahead / card.rate:g} ms",
        "styles": ", ".join(card.styles) or "none of its own; expressions are added to its curves",
        "size": f"{card.parameters / 1e6:.2f} M parameters, {card.state} numbers of state a stream",
        "licence": card.licence,
        "trained on": "; ".join(card.trained_on),
        "quality": "; ".join(f"{k} {v}" for k, v in card.quality.items()),
    }
    for name, value in rows.items():
        print(f"{name:<12}{value}")
    return 0
