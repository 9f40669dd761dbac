"""Styles: their names, how to write them, and the numbers that a model is told.

The ten emotions are those of NVIDIA Audio2Face-3D. Speakers are habits that we made up, see
docs/expression.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .errors import StyleError, unknown
from .types import Array, Auto, Key, Style

EMOTIONS = (
    "amazement",
    "anger",
    "cheekiness",
    "disgust",
    "fear",
    "grief",
    "joy",
    "outofbreath",
    "pain",
    "sadness",
)
SPEAKERS = ("lively", "reserved", "stern", "warm")
MAX_INTENSITY = 1.5
MAX_TRANSITION = 60.0
TRANSITION = 0.4
"""Seconds from one timed style to the next unless told otherwise."""
HEARD = "heard"
"""The input that tells how much the emotion in the voice counts."""
INPUTS = (*EMOTIONS, "energy", "asymmetry", *(f"speaker_{name}" for name in SPEAKERS), HEARD)
"""All that a style can tell a model."""

_RANGES = {"intensity": (0.0, MAX_INTENSITY), "asymmetry": (-1.0, 1.0), "energy": (0.0, 2.0)}
_AUTO = {
    "strength": (0.0, 1.0),
    "contrast": (0.3, 3.0),
    "most": (1, 6),
    "blend": (0.0, 1.0),
    "preferred": (0.0, 1.0),
}
_TIMED = re.compile(r"\s*(?P<at>[^:~]+)(~(?P<over>[^:]+))?:(?P<mixture>.*)", re.DOTALL)
_EXAMPLE = "joy=0.8, or joy=0.8; 2.5: anger; 4~1: neutral"


def check(style: Style) -> Style:
    """The style itself. Raises StyleError on an unknown name or a number out of range."""
    for name, weight in style.emotion.items():
        if name not in EMOTIONS:
            raise StyleError(unknown("emotion", name, EMOTIONS))
        if not 0 <= weight <= 1:
            raise StyleError(f"emotion {name} is {weight:g}; weights are 0 to 1")
    for name, (low, high) in _RANGES.items():
        if not low <= getattr(style, name) <= high:
            raise StyleError(f"{name} is {getattr(style, name):g}; it is {low:g} to {high:g}")
    if style.speaker and style.speaker not in SPEAKERS:
        raise StyleError(unknown("speaker", style.speaker, SPEAKERS))
    for name, (low, high) in _AUTO.items() if style.auto else ():
        if not low <= getattr(style.auto, name) <= high:
            raise StyleError(f"auto {name} is {getattr(style.auto, name):g}; it is {low:g} to {high:g}")
    return style


def parse(text: str, base: Style | None = None) -> Style:
    """A style of a mixture of emotions, otherwise as ``base``. A bare name means 1. Raises StyleError.

    ``auto`` hears the emotion in the voice; others are mixed in.

    >>> parse("joy=0.8,sadness").emotion
    {'joy': 0.8, 'sadness': 1.0}
    >>> parse("auto+joy=0.3").auto
    Auto(strength=0.6, contrast=1.0, most=3, blend=0.7, preferred=0.5)
    """
    base, emotion, auto = base or Style(), dict[str, float](), None
    for part in filter(None, (p.strip() for p in re.split("[,+]", text))):
        name, equals, weight = (p.strip() for p in part.partition("="))
        if name in ("auto", "neutral") and not equals:
            auto = (base.auto or Auto()) if name == "auto" else auto
            continue
        emotion[name] = _number(weight, f"emotion {name}", "a number from 0 to 1") if equals else 1.0
    return check(replace(base, emotion=emotion, auto=auto))


def score(text: str, base: Style | None = None) -> tuple[Style, tuple[Key, ...]]:
    """Mixtures with times: the first style, and keys for those that follow. Raises StyleError.

    ``;`` separates them; each but the first begins with its seconds, and ``~`` the seconds that it takes
    to get there.

    >>> style, [anger, rest] = score("joy=0.8; 2.5: anger; 4~1: neutral")
    >>> (anger.at, anger.transition, anger.style.emotion, rest.at, rest.transition, rest.style.emotion)
    (2.5, 0.4, {'anger': 1.0}, 4.0, 1.0, {})
    """
    first, *others = text.split(";")
    if ":" in first:
        others, first = [first, *others], ""
    style, keys = parse(first, base), list[Key]()
    for part in filter(str.strip, others):
        found = _TIMED.fullmatch(part)
        if not found:
            raise StyleError(f"'{part.strip()[:40]}' has no time; write {_EXAMPLE}")
        at = _number(found["at"], "a style's time", "seconds")
        over = TRANSITION if found["over"] is None else _number(found["over"], "a transition", "seconds")
        keys.append(Key(at, parse(found["mixture"], base), over))
    return style, check_keys(tuple(keys))


def check_keys(keys: tuple[Key, ...]) -> tuple[Key, ...]:
    """The keys themselves. Raises StyleError on a wrong style, time or order."""
    before = 0.0
    for key in keys:
        check(key.style)
        if not before <= key.at < math.inf:
            raise StyleError(
                f"a style at {key.at:g} s follows one at {before:g} s; have them in order of time"
            )
        if not 0 <= key.transition <= MAX_TRANSITION:
            raise StyleError(f"a transition is {key.transition:g} s; it is 0 to {MAX_TRANSITION:g}")
        before = key.at
    return keys


def vector(style: Style, names: Sequence[str]) -> Array:
    """The style inputs (k,) of a model that names them; 0 is a neutral face with nobody's habits.

    Where emotion is heard in the voice, the style's own has its share of ``Auto.preferred``, and ``heard``
    is the factor of the other. Raises StyleError on what nobody knows.
    """
    style, own, heard = check(style), style.intensity, 0.0
    if style.auto is not None:
        share = style.auto.preferred if any(style.emotion.values()) else 0.0
        whole = style.intensity * style.auto.strength
        own, heard = whole * share, whole * (1 - share)
    inputs = {name: weight * own for name, weight in style.emotion.items()}
    inputs |= {"energy": style.energy - 1, "asymmetry": style.asymmetry, HEARD: heard}
    inputs |= {f"speaker_{style.speaker}": 1.0} if style.speaker else {}
    return np.array([inputs.get(name, 0.0) for name in names], np.float32)


def plain(style: Style) -> bool:
    """Whether a style adds nothing to speech. Raises StyleError."""
    return not vector(style, INPUTS).any()


def _number(text: str, what: str, want: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise StyleError(f"{what} is '{text.strip()}'; write {want}")
    return value
