"""How each clip of a batch is said: what the command line says of all, and a manifest of some."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..idle import OFF, Life
from ..idle import parse as parse_life
from ..staging import direct
from ..style import check, plain, score
from ..types import Auto, Key, Style
from .manifest import SEEDS


@dataclass(frozen=True)
class Manner:
    """How a clip is said, as the command line and manifests have it."""

    emotion: str = ""
    """With times, if need be."""
    intensity: float = 1.0
    asymmetry: float = 0.0
    energy: float = 1.0
    speaker: str = ""
    auto: Auto | None = None
    """Of ``auto`` in the emotion."""
    direct: str = ""
    """A director's words."""
    idle: str = "off"
    seed: int = 0
    """Of idle."""

    @property
    def styles(self) -> tuple[Style, tuple[Key, ...]]:
        """The style, and those that follow. Raises StyleError."""
        base = Style({}, self.intensity, self.asymmetry, self.energy, self.speaker, self.auto)
        return score(self.emotion, check(base))

    @property
    def life(self) -> Life:
        """What the face does beside speech. Raises StyleError."""
        return parse_life(self.idle)

    @property
    def needs(self) -> tuple[bool, bool]:
        """Whether anything is added to speech, and whether emotion is heard in the voice."""
        style, keys = self.styles
        styles = (style, *(key.style for key in keys))
        return bool(self.direct) or not all(map(plain, styles)), any(s.auto is not None for s in styles)


def of_clip(wanted: Manner, told: Mapping[str, Any], out: str) -> Manner:
    """The manner of the clip of a name: what is told of it, and else what is wanted of all.

    Its seed, unless told, is drawn from that of all and its name, so that no two faces move alike and a face
    moves alike in every run. Raises StyleError.
    """
    manner = replace(wanted, **told)
    expressive, _ = manner.needs
    if manner.life == OFF and not expressive:
        manner = replace(manner, seed=0)  # which nothing depends on
    elif "seed" not in told:
        drawn = hashlib.sha256(f"{wanted.seed} {out}".encode()).digest()
        manner = replace(manner, seed=int.from_bytes(drawn[:8], "little") % SEEDS)
    return manner


def unknown_words(words: Any) -> tuple[str, ...]:
    """A sentence for each of a director's words that nobody knows. Raises StyleError."""
    return direct(str(words)).unknown if words else ()
