"""When each word and phone of a known text sounds: the best path through a model's own phone probabilities.

The text need not be right to the letter: a word that is not said may be skipped, and sound that no
word explains is heard as the phones that it is likeliest to be.

    ─ silence? ─ word 1: phone, phone … ─ silence? or other speech? ─ word 2 … ─ silence? ─

Every phone lasts at least two frames; one may be swallowed inside a word, as
people do, but never one that the lips make.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import TextError
from ..types import Array
from .phones import BILABIAL, LABIODENTAL, PHONES, VOWELS, Phone, tidy
from .pronounce import Word

RATE = 100  # frames a second of phone probabilities
LONGEST = 300  # s: the table of paths grows with time and text together

_SWALLOW = 5.0  # costs, in nats: a phone left out,
_SKIP = 12.0  # a word left out,
_OTHER = 10.0  # speech that is not in the text, once
_OTHER_FRAME = 0.7  # and for each frame
_FASTEST = 40  # phones a second; nobody speaks half as fast, and the table of paths must stay small
_FLOOR = 1e-4  # probability below which all phones are equally wrong
_ACCENT = 0.7  # a frame: any vowel may stand for any other at this price, dictionaries know one accent
_UNLIKELY = 4.0  # a frame: no phone is worse than the likeliest by more
_VOWELS = [PHONES.index(label) for label in VOWELS]


@dataclass(frozen=True)
class Spoken:
    """A word and when it sounds, in seconds from the clip's first sample."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Transcript:
    """Words in order, and phones that tile the clip."""

    words: tuple[Spoken, ...]
    phones: tuple[Phone, ...]
    score: float
    """Mean log probability of the phones of the words, a frame; 0 is certain."""


class _Graph:
    """States in reading order, each with the states that may come before it and what that costs."""

    def __init__(self) -> None:
        self.label: list[int] = []
        self.word: list[int] = []  # index of the word; -1 silence, -2 other speech
        self.before: list[list[tuple[int, float]]] = []
        self.halves: set[int] = set()  # states that go on with the phone of the state before them

    def add(self, label: int, word: int, before: list[tuple[int, float]]) -> int:
        self.label.append(label)
        self.word.append(word)
        self.before.append(before)
        return len(self.label) - 1


def align(probabilities: Array, words: Sequence[Word], exact: bool = False) -> Transcript:
    """The transcript of words in phone probabilities (t, 40) at 100 frames a second.

    ``exact`` text says all that is said: nothing is skipped or added. Raises TextError where the sound is too
    long, or too short for the words.
    """
    frames = len(probabilities)
    if frames > LONGEST * RATE:
        raise TextError(f"text can be fitted to at most {LONGEST} s of sound; this has {frames / RATE:.0f} s")
    if sum(len(word.phones) for word in words) * RATE > _FASTEST * frames:
        raise TextError(f"the text has too many words for {frames / RATE:.2f} s of sound")
    graph, ends = _graph(words, np.inf if exact else 1.0)
    path = _best_path(_emissions(probabilities), graph, ends)
    return _read(path, graph, words, probabilities)


def _graph(words: Sequence[Word], dear: float) -> tuple[_Graph, list[int]]:
    graph = _Graph()
    quiet = graph.add(0, -1, [(-1, 0.0)])
    other = graph.add(-1, -2, [(-1, _OTHER * dear), (quiet, _OTHER * dear)])
    # Where a word may be entered from: (state, cost).
    doors = [(-1, 0.0), (quiet, 0.0), (other, 0.0)]
    last_ends: list[tuple[int, float]] = [(quiet, 0.0), (other, 0.0)]
    for index, word in enumerate(words):
        entries = list(doors)
        ends: list[tuple[int, float]] = []
        skipped: list[tuple[int, float]] = []
        for i, name in enumerate(word.phones):
            before = entries if i == 0 else [ends[-1]]
            first = graph.add(PHONES.index(name), index, before + skipped)
            lips = name in BILABIAL or name in LABIODENTAL  # these are seen: never swallowed
            skipped = [(s, c + _SWALLOW) for s, c in before if len(before) == 1 and not lips]
            ends.append((graph.add(PHONES.index(name), index, [(first, 0.0)]), 0.0))
            graph.halves.add(ends[-1][0])
        end = ends[-1]
        nearly = [(ends[-2][0], _SWALLOW)] if len(ends) > 1 and not lips else []
        over = [(s, c + _SKIP * dear) for s, c in doors if c < _SKIP]  # one word at a time
        quiet = graph.add(0, -1, [end, *nearly, *((s, c) for s, c in over if s >= 0)])
        other = graph.add(-1, -2, [(end[0], _OTHER * dear), (quiet, _OTHER * dear)])
        doors = [end, *nearly, (quiet, 0.0), (other, 0.0), *over]
        last_ends = [end, *nearly, (quiet, 0.0), (other, 0.0)]
    return graph, [state for state, _ in last_ends]


def _emissions(probabilities: Array) -> Array:
    """Log probabilities (t, 41): each phone, and speech of any kind."""
    logs = np.log(np.maximum(probabilities, _FLOOR))
    logs[:, _VOWELS] = np.maximum(logs[:, _VOWELS], logs[:, _VOWELS].max(1, keepdims=True) - _ACCENT)
    logs[:, 1:] = np.maximum(logs[:, 1:], logs.max(1, keepdims=True) - _UNLIKELY)
    speech = logs[:, 1:].max(1, keepdims=True) - _OTHER_FRAME
    return np.asarray(np.concatenate([logs, speech], 1), np.float32)


def _best_path(emission: Array, graph: _Graph, ends: list[int]) -> list[int]:
    frames, states = len(emission), len(graph.label)
    wide = 1 + max(map(len, graph.before))
    # Column 0 is staying; a state before the first frame is the extra last one.
    source = np.full((states, wide), states, np.int32)
    cost = np.full((states, wide), np.inf, np.float32)
    source[:, 0], cost[:, 0] = np.arange(states), 0
    for state, before in enumerate(graph.before):
        for column, (origin, price) in enumerate(before, 1):
            source[state, column] = states if origin < 0 else origin
            cost[state, column] = price
    score = np.full(states + 1, -np.inf, np.float32)
    score[states] = 0
    chosen = np.zeros((frames, states), np.int8)
    rows, label = np.arange(states), np.array(graph.label)
    for t in range(frames):
        options = score[source] - cost
        chosen[t] = options.argmax(1)
        score[:states] = options[rows, chosen[t]] + emission[t, label]
        score[states] = -np.inf
    state = max(ends, key=lambda s: float(score[s]))
    if not np.isfinite(score[state]):
        raise TextError(f"the text has too many words for {frames / RATE:.2f} s of sound")
    path = [state]
    for t in range(frames - 1, 0, -1):
        state = int(source[state, chosen[t, state]])
        path.append(state)
    return path[::-1]


def _read(path: list[int], graph: _Graph, words: Sequence[Word], probabilities: Array) -> Transcript:
    frames, logs = len(path), np.log(np.maximum(probabilities, _FLOOR))
    phones: list[Phone] = []
    spoken: dict[int, Spoken] = {}
    told: list[float] = []
    start = 0
    heard = probabilities[:, 1:].argmax(1) + 1
    for t in range(1, frames + 1):
        same = t < frames and (path[t] == path[t - 1] or path[t] in graph.halves)
        if same and graph.word[path[t]] == -2 and heard[t] != heard[t - 1]:
            same = False  # other speech: a phone for every stretch that sounds alike
        if same:
            continue
        state, begin, end = path[t - 1], start / RATE, t / RATE
        word = graph.word[state]
        label = int(heard[t - 1]) if word == -2 else graph.label[state]
        phones.append(Phone(PHONES[label], begin, end))
        if word >= 0:
            first = spoken[word].start if word in spoken else begin
            spoken[word] = Spoken(words[word].text, first, end)
            told.extend(logs[start:t, label])
        start = t
    return Transcript(
        tuple(spoken[i] for i in sorted(spoken)),
        tuple(tidy(phones, frames / RATE)),
        float(np.mean(told)) if told else float("-inf"),
    )
