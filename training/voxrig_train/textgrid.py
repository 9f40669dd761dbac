"""Praat's TextGrid: text to labels, tier by tier. Knows nothing of what the labels mean.

Praat itself looks only at numbers, quoted strings and flags that stand free; whatever else a file says
(``xmin =``, ``intervals [1]:``) is for people. So long and short files read alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from voxrig.errors import TextError, unknown

_TOKEN = re.compile(r'"((?:[^"]|"")*)"|(?<!\S)(-?\d[\d.]*(?:[eE][-+]?\d+)?)(?!\S)|(?<!\S)(<\w+>)(?!\S)')


@dataclass(frozen=True)
class Label:
    """What was written, when, and on which line of its file."""

    text: str
    start: float
    """Seconds from the clip's first sample."""
    end: float
    line: int


class _Tokens:
    """Strings, numbers and flags of a file, in order."""

    def __init__(self, text: str, name: str) -> None:
        self._found, self._text, self._name = _TOKEN.finditer(text), text, name
        self._at, self.line = 0, 1

    def _next(self, group: int, what: str) -> str:
        match = next(self._found, None)
        if match is None:
            raise TextError(f"{self._name}: the file ends where a {what} should stand; it may be cut short")
        self.line += self._text.count("\n", self._at, match.start())
        self._at = match.start()
        if match.group(group) is None:
            raise TextError(f"{self._name}, line {self.line}: '{match.group()[:40]}' is not a {what}")
        return match.group(group)

    def string(self) -> str:
        return self._next(1, "string").replace('""', '"')

    def number(self) -> float:
        text = self._next(2, "number")
        try:
            return float(text)
        except ValueError:
            raise TextError(f"{self._name}, line {self.line}: '{text}' is not a number") from None

    def flag(self) -> str:
        return self._next(3, "flag")


def parse(text: str, name: str) -> dict[str, tuple[Label, ...]]:
    """Interval tiers by their name; of two tiers alike, the first. Points are left out.

    Raises TextError, with the line, for what is not a TextGrid.
    """
    tokens = _Tokens(text, name)
    if (tokens.string(), tokens.string()) != ("ooTextFile", "TextGrid"):
        raise TextError(f"{name} is not a TextGrid in text form; save it from Praat as a text file")
    tokens.number(), tokens.number()
    tiers: dict[str, tuple[Label, ...]] = {}
    if tokens.flag() == "<exists>":
        for _ in range(int(tokens.number())):
            title, labels = _tier(tokens, name)
            tiers.setdefault(title, labels)
    return tiers


def _tier(tokens: _Tokens, name: str) -> tuple[str, tuple[Label, ...]]:
    kind, title = tokens.string(), tokens.string()
    tokens.number(), tokens.number()
    count = range(int(tokens.number()))
    if kind == "TextTier":
        for _ in count:
            tokens.number(), tokens.string()
        return title, ()
    if kind != "IntervalTier":
        raise TextError(
            f"{name}, line {tokens.line}: {unknown('tier class', kind, ('IntervalTier', 'TextTier'))}"
        )
    return title, ordered(list(_intervals(tokens, len(count))), name)


def _intervals(tokens: _Tokens, count: int) -> Iterator[Label]:
    for _ in range(count):
        start, end = tokens.number(), tokens.number()
        text = tokens.string()
        yield Label(text.strip(), start, end, tokens.line)


def ordered(labels: Sequence[Label], name: str) -> tuple[Label, ...]:
    """The labels, if each ends after its start and begins where none before it still sounds, to 10 ms."""
    at = 0.0
    for label in labels:
        if not at - 0.01 <= label.start <= label.end:
            told = f"'{label.text}' from {label.start:g} to {label.end:g} s"
            raise TextError(f"{name}, line {label.line}: {told} ends early, or overlaps the one before")
        at = label.end
    return tuple(labels)
