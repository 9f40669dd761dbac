"""The twelve articulators that speech moves, and how they become curves of the native rig.

The network and the teacher both speak this language; the curves follow from it by one fixed rule,
so that lips that should touch do touch whatever the jaw is doing: on ARKit-style rigs ``mouthClose``
equal to ``jawOpen`` shuts the lips.
"""

from __future__ import annotations

import numpy as np

from ..rigs import NATIVE
from ..types import Array

ARTICULATORS = (
    "jaw",  # opening of the jaw, as jawOpen
    "closure",  # lips pressed together: p b m
    "labiodental",  # lower lip at the upper teeth: f v
    "funnel",  # lips forward and open: sh ch r ao
    "pucker",  # lips forward and narrow: uw w
    "spread",  # corners back: iy s
    "lower",  # lower lip drawn down
    "upper",  # upper lip raised
    "tip",  # tongue tip at the ridge: t d n l s z
    "dental",  # tongue tip between the teeth: th dh
    "dorsum",  # back of the tongue raised: k g ng
    "flat",  # tongue low: aa ae
)
A = {name: i for i, name in enumerate(ARTICULATORS)}

# Lips give way to one another: what a term is multiplied with besides its own articulator.
# (articulator, factors that join in, factors whose absence joins in)
TERMS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    *((name, (), ()) for name in ARTICULATORS),
    ("jaw", ("closure",), ()),
    ("jaw", ("labiodental",), ("closure",)),
    ("funnel", (), ("closure",)),
    ("lower", (), ("closure", "labiodental")),
    ("upper", (), ("closure", "labiodental")),
    ("spread", (), ("closure",)),
)
_CURVES: tuple[dict[str, float], ...] = (
    {"jawOpen": 1.0},
    {"mouthPress": 0.35, "mouthRollLower": 0.2, "mouthRollUpper": 0.15},
    {"mouthRollLower": 0.45, "mouthUpperUp": 0.25, "mouthShrugUpper": 0.05},
    {},
    {"mouthPucker": 1.0},
    {},
    {},
    {},
    {"tongueTipUp": 1.0},
    {"tongueOut": 0.35, "tongueTipUp": 0.3, "tongueWide": 0.2},
    {"tongueUp": 1.0},
    {"tongueDown": 1.0},
    {"mouthClose": 1.05},
    {"mouthClose": 0.8},
    {"mouthFunnel": 1.0},
    {"mouthLowerDown": 1.0},
    {"mouthUpperUp": 1.0},
    {"mouthStretch": 0.8, "mouthSmile": 0.8, "tongueWide": 0.4},
)

TRACES = (
    ("jaw", "jawOpen", 1.0),
    ("funnel", "mouthFunnel", 1.0),
    ("pucker", "mouthPucker", 1.0),
    ("spread", "mouthStretchLeft", 0.8),
    ("lower", "mouthLowerDownLeft", 1.0),
)
"""Articulators that can be read off a curve while no lips touch: (articulator, curve, its gain)."""


def _matrix() -> Array:
    m = np.zeros((len(TERMS), len(NATIVE)), np.float32)
    for row, gains in zip(m, _CURVES, strict=True):
        for name, gain in gains.items():
            sides = (name,) if name in NATIVE.curves else (name + "Left", name + "Right")
            for side in sides:
                row[NATIVE.index(side)] = gain
    return m


CURVES = _matrix()  # (terms, 110); phones are none of its business


def curves(articulators: Array) -> Array:
    """Native curves (t, 110) of articulators (t, 12) in 0..1."""
    terms = []
    for name, joins, absents in TERMS:
        value = articulators[:, A[name]]
        for other in joins:
            value = value * articulators[:, A[other]]
        for other in absents:
            value = value * (1 - articulators[:, A[other]])
        terms.append(value)
    return np.asarray(np.clip(np.stack(terms, 1) @ CURVES, NATIVE.low, NATIVE.high), np.float32)
