"""From feelings to weights of emotions, in the arithmetic of Audio2Emotion's post-processing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..style import EMOTIONS, HEARD, vector
from ..types import Array, Auto, Style
from .ear import SCORES, Feeling

_NEUTRAL = SCORES.index("neutral")
_KEPT = [i for i in range(len(SCORES)) if i != _NEUTRAL]


def heard(scores: Array, auto: Auto) -> Array:
    """Weights (10,) of ``EMOTIONS`` in scores (11,): softmax with contrast, the strongest few, no neutral."""
    odds = np.exp((scores - scores.max()) * auto.contrast)
    weights = (odds / odds.sum())[_KEPT]
    weak = np.argsort(-weights, kind="stable")[auto.most :]
    weights[weak] = 0
    return np.asarray(weights, np.float32)


def mix(now: Array, preferred: Mapping[str, float], auto: Auto) -> dict[str, float]:
    """Weights by name of what is heard (10,) and what is preferred together; the rest is not named.

    (preferred * auto.preferred + now * (1 - auto.preferred)) * auto.strength, and where nothing is
    preferred, now * auto.strength. Raises StyleError.
    """
    *own, share = vector(Style(preferred, auto=auto), (*EMOTIONS, HEARD)).tolist()
    both = {name: a + share * float(b) for name, a, b in zip(EMOTIONS, own, now, strict=True)}
    return {name: weight for name, weight in both.items() if weight > 0}


class Mixer:
    """What one stream's feelings come to over time."""

    def __init__(self) -> None:
        self.now: Array = np.zeros(len(EMOTIONS), np.float32)
        """Weights of EMOTIONS as heard until now."""

    def hear(self, feeling: Feeling, auto: Auto) -> Array:
        """The weights (10,) after one more feeling: (1 - auto.blend) * heard + auto.blend * before."""
        self.now = (1 - auto.blend) * heard(feeling.scores, auto) + auto.blend * self.now
        return self.now

    def mix(self, feeling: Feeling, preferred: Mapping[str, float], auto: Auto) -> dict[str, float]:
        """As ``hear``, then mixed with what is preferred; weights 0..1 by name. Raises StyleError."""
        return mix(self.hear(feeling, auto), preferred, auto)
