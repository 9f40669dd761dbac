"""Parts of a beat as one style.

Amounts are those of the vocabulary times the factors of *slightly* to *overwhelmingly*, 0 to 1.5. Feelings
mix by the root of the sum of squares, so that two that have nothing in common look as strong together as
one alone, and two kinds of anger stay between the two:

    sad and happy           0.71 of each (of n equals, 1/√n)
    sad but happy           0.6 of sad, 0.8 of happy: the second prevails
    sad though happy        0.8 of sad, 0.6 of happy
    sad with a hint of joy  all of sad, 0.35 of happy; a trace is 0.2

An amount above 1 becomes intensity: the largest weight is then 1, and the intensity is that amount.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from voxrig.style import EMOTIONS, MAX_INTENSITY, check
from voxrig.types import Style

from .beats import Part
from .phrases import LESS, MORE
from .vocabulary import Mix, strongest

_PREVAILS, _YIELDS = 0.8, 0.6


def blend(parts: Sequence[Part], before: Mix) -> Mix:
    """Amounts by emotion of a beat that follows another.

    *Not* takes the leading emotion of its word out of the mix before, unless other feelings are named.
    """
    named = [part for part in parts if part.mode != "not"]
    if not named:
        gone = {strongest(part.mix or {}) for part in parts}
        return {} if "neutral" in gone else {k: v for k, v in before.items() if k not in gone}
    mix, equals = _amounts(named[0], before), 1
    if named[0].join == "hint":
        mix = _scaled(mix, named[0].share)
    for part in named[1:]:
        other = _amounts(part, before)
        match part.join:
            case "hint":
                mix = _sum(mix, other, 1.0, part.share)
            case "but":
                mix = _sum(mix, other, _YIELDS, _PREVAILS)
            case "though":
                mix = _sum(mix, other, _PREVAILS, _YIELDS)
            case "and":
                equals += 1
                mix = _sum(mix, other, math.sqrt(1 - 1 / equals), math.sqrt(1 / equals))
    return _scaled(mix, 1.0)


def style(mix: Mix) -> Style:
    """The style of a mix of amounts, in the order of the ten emotions."""
    intensity = round(max(1.0, *mix.values()), 3) if mix else 1.0
    weights = {name: round(min(1.0, mix.get(name, 0.0) / intensity), 3) for name in EMOTIONS}
    return check(Style({name: weight for name, weight in weights.items() if weight}, intensity))


def _amounts(part: Part, before: Mix) -> Mix:
    """What a part asks for. *More* and *less* change the mix before where its word is in it."""
    if part.mode == "plain":
        return _scaled(before if part.mix is None else part.mix, part.factor)
    factor = MORE if part.mode == "more" else LESS
    if part.mix is None:
        return _scaled(before, factor)
    if not part.mix:  # more calm is less of everything
        return _scaled(before, LESS if part.mode == "more" else MORE)
    if strongest(part.mix) in before:
        return _scaled({k: v * (factor if k in part.mix else 1) for k, v in before.items()}, 1.0)
    return part.mix if part.mode == "more" else _scaled(part.mix, LESS)


def _sum(a: Mix, b: Mix, of_a: float, of_b: float) -> Mapping[str, float]:
    return {k: math.hypot(of_a * a.get(k, 0.0), of_b * b.get(k, 0.0)) for k in {**a, **b}}


def _scaled(mix: Mix, factor: float) -> Mapping[str, float]:
    return {k: min(v * factor, MAX_INTENSITY) for k, v in mix.items()}
