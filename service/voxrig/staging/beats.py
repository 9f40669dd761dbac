"""What a text asks for, before it has times: feelings and looks that begin together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .phrases import Token
from .vocabulary import Mix

Join = Literal["and", "but", "though", "hint"]
Mode = Literal["plain", "not", "more", "less"]
Unit = Literal["seconds", "part", "tail", "later"]


@dataclass(frozen=True)
class Part:
    """One feeling within a beat."""

    mix: Mix | None
    """Amounts by emotion; None is whatever the beat before had."""
    factor: float = 1.0
    mode: Mode = "plain"
    join: Join = "and"
    """How it joins the parts before."""
    share: float = 1.0
    """Its amount, where it only colours the parts before."""


@dataclass(frozen=True)
class When:
    """A time as the text gives it: seconds, a fraction, the last moments, or seconds after another beat."""

    unit: Unit
    number: float = 0.0


@dataclass
class Beat:
    """Feelings and looks that begin together."""

    parts: list[Part] = field(default_factory=list)
    looks: list[Token] = field(default_factory=list)
    time: When | None = None
    until: When | None = None
    hold: float = 0.0
    """Seconds until the next beat or, where that has its own time, until the one before returns; 0: open."""
    pace: float | None = None
    """Seconds of transition; None is the usual."""
    grow: bool = False
    fade: bool = False
    throughout: bool = False
    follows: bool = False
    """Introduced by a word such as *then*."""
    joined: bool = False
    """Continues the beat before after a comma: *tired, but happy*."""
    share: float = 1.0
    """Length in relation to other beats without a time."""
