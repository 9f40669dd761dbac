"""From phone times to articulator targets: dominance functions, one per phone and articulator.

Each phone pulls every articulator towards its target with a strength that is full while the phone
sounds and falls off as exp(-(d / spread)^1.5) before and after (after Cohen and Massaro, "Modeling
coarticulation in synthetic visual speech", 1993). Strength and spread differ by articulator: the
lips of a p hold against any neighbour but let the tongue go where the vowels want it, and rounding
starts early. What must touch then does touch: see ``_contacts``.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..types import Array
from .articulators import ARTICULATORS, A
from .phones import BILABIAL, LABIODENTAL, PHONES, SILENCE, Phone

RATE = 100  # frames a second of the targets
FPS = Fraction(RATE)

# Jaw by vowel height; lips and tongue by place and rounding. Unnamed articulators rest at 0.
_TARGETS: dict[str, dict[str, float]] = {
    SILENCE: {},
    "aa": {"jaw": 0.55, "lower": 0.2, "upper": 0.1, "flat": 0.6},
    "ae": {"jaw": 0.50, "lower": 0.22, "upper": 0.12, "spread": 0.25, "flat": 0.5},
    "ah": {"jaw": 0.36, "lower": 0.18, "upper": 0.08, "flat": 0.3},
    "ao": {"jaw": 0.46, "funnel": 0.38, "pucker": 0.18, "flat": 0.4},
    "eh": {"jaw": 0.34, "lower": 0.22, "upper": 0.1, "spread": 0.3},
    "er": {"jaw": 0.22, "funnel": 0.26, "pucker": 0.28, "dorsum": 0.3},
    "ih": {"jaw": 0.20, "lower": 0.2, "upper": 0.06, "spread": 0.3},
    "iy": {"jaw": 0.15, "lower": 0.2, "upper": 0.04, "spread": 0.5, "dorsum": 0.25},
    "uh": {"jaw": 0.18, "funnel": 0.24, "pucker": 0.36, "dorsum": 0.3},
    "uw": {"jaw": 0.12, "funnel": 0.22, "pucker": 0.62, "dorsum": 0.4},
    "w": {"jaw": 0.08, "funnel": 0.15, "pucker": 0.7, "dorsum": 0.4},
    "r": {"jaw": 0.13, "funnel": 0.26, "pucker": 0.3, "dorsum": 0.2},
    "l": {"jaw": 0.18, "lower": 0.14, "upper": 0.05, "tip": 0.9},
    "y": {"jaw": 0.12, "lower": 0.16, "spread": 0.4, "dorsum": 0.5},
    "hh": {"jaw": 0.2, "lower": 0.1},
    "m": {"jaw": 0.05, "closure": 1.0},
    "p": {"jaw": 0.05, "closure": 1.0},
    "b": {"jaw": 0.05, "closure": 1.0},
    "f": {"jaw": 0.07, "labiodental": 1.0},
    "v": {"jaw": 0.07, "labiodental": 1.0},
    "th": {"jaw": 0.15, "lower": 0.16, "upper": 0.05, "dental": 1.0},
    "dh": {"jaw": 0.15, "lower": 0.16, "upper": 0.05, "dental": 0.9},
    "t": {"jaw": 0.11, "lower": 0.2, "upper": 0.1, "tip": 1.0},
    "d": {"jaw": 0.12, "lower": 0.2, "upper": 0.1, "tip": 1.0},
    "n": {"jaw": 0.12, "lower": 0.16, "upper": 0.06, "tip": 1.0},
    "s": {"jaw": 0.06, "lower": 0.22, "upper": 0.1, "spread": 0.32, "tip": 0.7},
    "z": {"jaw": 0.06, "lower": 0.22, "upper": 0.1, "spread": 0.32, "tip": 0.7},
    "sh": {"jaw": 0.08, "funnel": 0.4, "pucker": 0.2, "lower": 0.12, "upper": 0.08, "tip": 0.5},
    "k": {"jaw": 0.16, "lower": 0.13, "upper": 0.08, "dorsum": 1.0},
    "g": {"jaw": 0.16, "lower": 0.13, "upper": 0.08, "dorsum": 1.0},
    "ng": {"jaw": 0.16, "lower": 0.12, "upper": 0.05, "dorsum": 1.0},
}
_TARGETS["zh"] = _TARGETS["ch"] = _TARGETS["jh"] = _TARGETS["sh"]
# A diphthong moves: (first, second, where the second takes over).
_DIPHTHONGS = {
    "ay": ("aa", "ih", 0.6),
    "aw": ("aa", "uh", 0.55),
    "ey": ("eh", "iy", 0.5),
    "ow": ("ao", "uw", 0.45),
    "oy": ("ao", "ih", 0.6),
}

_SPREAD = dict.fromkeys(ARTICULATORS, 0.030)  # s: how far a phone reaches into its neighbours
_SPREAD |= {
    "jaw": 0.034,
    "funnel": 0.042,
    "pucker": 0.042,
    "spread": 0.036,
    "closure": 0.020,
    "labiodental": 0.024,
}
_RAMP = 0.035  # s: time that lips take to come together or part


def _strength(label: str, articulator: str) -> float:
    """How much a phone cares where an articulator is; 1 is ordinary."""
    if label in BILABIAL:
        return {"jaw": 2.5, "closure": 4.0, "lower": 3.0, "upper": 3.0}.get(articulator, 0.25)
    if label in LABIODENTAL:
        return {"jaw": 2.5, "labiodental": 4.0, "lower": 3.0, "upper": 3.0, "funnel": 1.5}.get(
            articulator, 0.3
        )
    if label in ("t", "d", "n", "l", "k", "g", "ng", "th", "dh"):
        if articulator in ("tip", "dental", "dorsum"):
            return 2.0
        return 0.35 if articulator in ("funnel", "pucker", "spread") else 0.8
    if label == "hh":
        return 0.15  # h takes the shape of the vowel that follows
    if label in ("s", "z", "sh", "zh", "ch", "jh"):
        return 2.0 if articulator == "jaw" else 1.2
    if label in ("w", "uw", "r"):
        return 1.6 if articulator in ("pucker", "funnel") else 1.0
    return 1.0


_REACH = 0.25  # s: beyond this no phone is felt


def targets(phones: Sequence[Phone], frames: int) -> Array:
    """Articulators (t, 12) in 0..1 at 100 frames a second for phones that tile the clip."""
    t = np.arange(frames) / RATE
    spread = np.array([_SPREAD[name] for name in ARTICULATORS])
    goals = np.zeros((frames, len(ARTICULATORS)))
    pulls = np.full((frames, len(ARTICULATORS)), 1e-9)
    for part in (part for phone in phones for part in _parts(phone)):
        near = slice(max(0, round((part.start - _REACH) * RATE)), max(0, round((part.end + _REACH) * RATE)))
        distance = np.maximum(np.maximum(part.start - t[near], t[near] - part.end), 0)
        pull = np.exp(-((distance[:, None] / spread) ** 1.5))
        pull *= [_strength(part.label, name) for name in ARTICULATORS]
        goals[near] += pull * [_TARGETS[part.label].get(name, 0.0) for name in ARTICULATORS]
        pulls[near] += pull
    return _contacts((goals / pulls).astype(np.float32), phones, t)


def poses() -> Array:
    """Where each phone alone would have each articulator, (40, 12); of a diphthong the mean on its way."""
    out = np.zeros((len(PHONES), len(ARTICULATORS)), np.float32)
    for row, label in zip(out, PHONES, strict=True):
        for part in _parts(Phone(label, 0, 1)):
            for name, goal in _TARGETS[part.label].items():
                row[A[name]] += goal * (part.end - part.start)
    return out


def _parts(phone: Phone) -> list[Phone]:
    if phone.label not in _DIPHTHONGS:
        return [phone]
    first, second, share = _DIPHTHONGS[phone.label]
    middle = phone.start + share * (phone.end - phone.start)
    return [Phone(first, phone.start, middle), Phone(second, middle, phone.end)]


def _contacts(out: Array, phones: Sequence[Phone], t: np.ndarray) -> Array:
    """Full contact for the length of every closure, however short, with a ramp on either side."""
    for labels, name in ((BILABIAL, "closure"), (LABIODENTAL, "labiodental")):
        for phone in phones:
            if phone.label in labels:
                # A short closure is still seen: at least 40 ms around its middle.
                half = max((phone.end - phone.start) / 2, 0.02)
                middle, reach = (phone.start + phone.end) / 2, half + _RAMP
                near = slice(max(0, round((middle - reach) * RATE)), round((middle + reach) * RATE) + 1)
                away = np.abs(t[near] - middle) - half
                ramp = 0.5 + 0.5 * np.cos(np.pi * np.clip(away / _RAMP, 0, 1))
                out[near, A[name]] = np.maximum(out[near, A[name]], ramp)
    return out
