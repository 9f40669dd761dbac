"""How a rig is written down: names, ranges and the neutral face.

Nearly every curve of every rig is a weight from 0 (rest) to 1 (fully there), so a table lists
only the curves that are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from voxrig.types import Rig


@dataclass(frozen=True)
class Span:
    """The range of one curve and its value on the neutral face."""

    low: float
    high: float
    rest: float = 0.0


SIGNED = Span(-1.0, 1.0)
"""A slider that goes both ways from the middle."""

ANGLE = Span(-np.pi / 2, np.pi / 2)
"""A rotation in radians, a quarter turn each way."""


def rig(name: str, curves: Iterable[str], spans: Mapping[str, Span] | None = None) -> Rig:
    """A rig of weights 0..1 that rest at 0, except the curves named in ``spans``.

    Raises ValueError if ``spans`` names a curve that the rig does not have.
    """
    order = tuple(curves)
    special = dict(spans or {})
    stray = sorted(set(special) - set(order))
    if stray:
        raise ValueError(f"rig {name}: ranges given for {', '.join(stray)}, which it does not have")
    table = [special.get(curve, Span(0.0, 1.0)) for curve in order]
    low = np.array([span.low for span in table], np.float32)
    high = np.array([span.high for span in table], np.float32)
    rest = np.array([span.rest for span in table], np.float32)
    for bound in (low, high, rest):
        bound.flags.writeable = False
    return Rig(name, order, low, high, rest)
