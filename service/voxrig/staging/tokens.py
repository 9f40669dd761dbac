"""Text as tokens: the longest known phrase at each place, with spellings and inflections by rule."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache

from .phrases import ARTICLES, Kind, Token, steering
from .vocabulary import Mix, entries

_SIGN = re.compile(r"\d+:\d\d(?:\.\d+)?|\d*\.?\d+|->|=>|[^\W\d_]+(?:'[^\W\d_]+)*|[-,;:.\n!?|…–—→&+/%()]")
_CLOCK = re.compile(r"(\d+):(\d+(?:\.\d+)?)")
_LONGEST = 6  # words of a phrase
_FAR = 1e6  # seconds: later than any take
_LONG_WORD = 24  # letters: longer than any word worth comparing

_COUNTS = "one two three four five six seven eight nine ten"
_NUMBERS = {word: i + 1.0 for i, word in enumerate(_COUNTS.split())}
_NUMBERS |= {"half": 0.5, "couple": 2.0, "few": 3.0}

_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
}
"""Seconds in each."""

# British spellings of the words in use; the table and the text go through the same door.
_SPELLING = (
    (re.compile(r"(hum|ranc|ferv|ard|vig|cand|glam|hon)our"), r"\1or"),
    (re.compile(r"(?<=[a-z]{3})is(e[ds]?|edly|ing(?:ly)?|ation)$"), r"iz\1"),
    (re.compile(r"sceptic"), "skeptic"),
    (re.compile(r"vell(ed|ing)$"), r"vel\1"),
)


def tokens(text: str) -> list[Token]:
    """The text as tokens, articles left out. Words that are not known come as ``unknown``."""
    signs = _signs(text)
    found: list[Token] = []
    at = 0
    while at < len(signs):
        taken, token = _time(signs, at) or _mark(signs[at]) or _phrase(signs, at)
        found += token
        at += taken
    return found


def nearest(word: str) -> str | None:
    """The known word or phrase that is spelled most like this one, or None where none is close."""
    if not 3 < len(word) <= _LONG_WORD:
        return None
    close = get_close_matches(word, [*entries(), *(token.text for token in steering().values())], 1, 0.75)
    return close[0] if close else None


def feeling(word: str) -> Mix | None:
    """The mix of a word or phrase, or of the word that it is an inflection of; None if there is none."""
    for form in _forms(_spelled(word)):
        if form in _feelings():
            return _feelings()[form]
    return None


def _signs(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    plain = re.sub(r"(?<=\s)-+(?=\s)|--+(?!>)", "–", plain)  # a dash, not a hyphen
    words = (re.sub(r"'(s|re|ll|d|m|ve)?$", "", sign) for sign in _SIGN.findall(plain))
    return [word for word in words if word and word != "-" and word not in ARTICLES]


def _time(signs: Sequence[str], at: int) -> tuple[int, list[Token]] | None:
    """A number with its unit; a unit after a preposition is one of it: *for a second*."""
    here, end = signs[at], at + 1
    if clock := _CLOCK.fullmatch(here):
        return 1, [Token("seconds", here, min(60 * float(clock[1]) + float(clock[2]), _FAR))]
    digits = here[-1].isdigit()
    if (
        here in _UNITS
        and len(here) > 2
        and at
        and signs[at - 1] in ("for", "after", "within", "over", "until")
    ):
        number, end = 1.0, at
    elif digits or here in _NUMBERS:
        number = min(float(here), _FAR) if digits else _NUMBERS[here]
    else:
        return None
    if signs[end : end + 2] == ["and", "half"]:
        number, end = number + 0.5, end + 2
    end += signs[end : end + 1] == ["of"]
    unit, after = [*signs[end : end + 2], "", ""][:2]
    if unit in _UNITS:
        kind: Kind = "later" if after == "later" else "seconds"
        end += 2 if kind == "later" else 1
        return end - at, [Token(kind, " ".join(signs[at:end]), min(number * _UNITS[unit], _FAR))]
    if unit in ("%", "percent") or (unit, after) == ("per", "cent"):
        end += 2 if unit == "per" else 1
        return end - at, [Token("part", " ".join(signs[at:end]), min(number / 100, 1.0))]
    return (1, [Token("unknown", here)]) if digits else None


def _mark(sign: str) -> tuple[int, list[Token]] | None:
    if sign in ("->", "=>", "→"):
        return 1, [Token("then", sign)]
    if sign in ("&", "+", "/"):
        return 1, [Token("and", sign)]
    if not sign[0].isalnum():
        return 1, [Token("break", "," if sign in ",–—()" else ".")] if sign != "%" else []
    return None


def _phrase(signs: Sequence[str], at: int) -> tuple[int, list[Token]]:
    for count in range(min(_LONGEST, len(signs) - at), 0, -1):
        phrase = " ".join(signs[at : at + count])
        token = steering().get(phrase)
        if token is not None:
            return count, [token]
        mix = _feelings().get(_spelled(phrase)) if count > 1 else feeling(phrase)
        if mix is not None:
            return count, [Token("feeling", phrase, mix=mix)]
    word = signs[at]
    for base in _bases(_spelled(word), ("er", "est")):
        if base in _feelings():
            return 1, [Token("more", word), Token("feeling", word, mix=_feelings()[base])]
    return 1, [Token("unknown", word)]


@cache
def _feelings() -> Mapping[str, Mix]:
    """The vocabulary by words without articles, in one spelling."""
    plain = {
        word: " ".join(w for w in word.replace("-", " ").split() if w not in ARTICLES) for word in entries()
    }
    return {_spelled(plain[word]): mix for word, mix in entries().items()}


def _spelled(phrase: str) -> str:
    for pattern, other in _SPELLING:
        phrase = pattern.sub(other, phrase)
    return phrase


def _forms(word: str) -> Iterator[str]:
    """The word itself, then what it may be an adverb, a noun in -ness or a form of a verb of.

    Forms of verbs lead to the participle in -ing alone: who seethes is seething, but what bores is not
    bored.
    """
    yield word
    if word.endswith("ly"):
        stem = word[:-2]
        yield from (stem, stem + "le", stem + "y", stem + "l")
        if stem.endswith("i"):
            yield stem[:-1] + "y"
        if stem.endswith("al"):
            yield stem[:-2]
    if word.endswith("ness"):
        stem = word[:-4]
        yield from (stem, stem[:-1] + "y" if stem.endswith("i") else stem)
    for base in _bases(word, ("s", "es", "ed")) if word.endswith(("s", "ed")) else ():
        yield from (base.removesuffix("e") + "ing", base + base[-1] + "ing", base + "ing")
    if len(word) > 3:
        yield from (word.removesuffix("e") + "ing", word + word[-1] + "ing")


def _bases(word: str, endings: Sequence[str]) -> Iterator[str]:
    """What is left before an ending, with the letters that it hides: angrier is of angry, sadder of sad."""
    for ending in endings:
        if word.endswith(ending) and len(word) - len(ending) > 2:
            stem = word.removesuffix(ending)
            yield from (stem, stem + "e")
            if stem.endswith("i"):
                yield stem[:-1] + "y"
            if stem[-1] == stem[-2]:
                yield stem[:-1]
