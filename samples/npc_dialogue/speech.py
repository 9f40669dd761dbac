"""Texts as sound with the times of their words, made before they are wanted.

``Voice`` is the whole interface to a text-to-speech engine; bring your own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

import voxrig
from voxrig.errors import TextError
from voxrig.resample import Resampler
from voxrig.speech.align import Spoken
from voxrig.tts import Speaker
from voxrig.types import Array

RATE = 24_000
"""Hertz of all lines."""


class Voice(Protocol):
    """Who can speak a text."""

    def say(self, text: str) -> voxrig.AudioChunk:
        """A text as sound at any rate. May take its time; runs in a thread of its own."""
        ...


class LocalVoice:
    """One of the voices that need no network: ``voxrig.tts``."""

    def __init__(self, speaker: Speaker, name: str) -> None:
        self._speaker, self._name = speaker, name

    def say(self, text: str) -> voxrig.AudioChunk:
        return self._speaker.say(text, self._name)


@dataclass(frozen=True, eq=False)
class Line:
    """A text that can be played."""

    text: str
    samples: Array  # (n,) at RATE
    words: tuple[Spoken, ...]
    """Seconds of each word, in order."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE

    def rest(self, heard: float) -> Line:
        """What is left after so many seconds, from the beginning of the word that was cut."""
        left = tuple(word for word in self.words if word.end > heard)
        if not left:
            return self
        cut = left[0].start
        words = tuple(Spoken(word.text, word.start - cut, word.end - cut) for word in left)
        text = " ".join(word.text for word in left)
        return Line(text, self.samples[round(cut * RATE) :], words)


def speak(voice: Voice, text: str) -> Line:
    """A text as a line. Raises VoxrigError."""
    sound = voice.say(text)
    samples = sound.samples
    if sound.rate != RATE:
        samples = Resampler(sound.rate, RATE, "best").push(samples, last=True)
    try:
        words = voxrig.transcribe(voxrig.AudioChunk(samples, RATE), text, exact=True).words
    except TextError:  # a language that is not known here: words share the time by their letters
        words = _spread(text, len(samples) / RATE)
    written = text.split()
    if len(written) == len(words):  # with their commas
        words = tuple(Spoken(w, word.start, word.end) for w, word in zip(written, words, strict=True))
    return Line(text, samples, words)


def _spread(text: str, seconds: float) -> tuple[Spoken, ...]:
    words = text.split()
    ends = np.cumsum([len(word) + 1 for word in words]) * seconds / (len(text) + 1)
    return tuple(Spoken(w, float(a), float(b)) for w, a, b in zip(words, [0.0, *ends], ends, strict=False))


class Studio:
    """Lines by (actor, text); what was asked for before is ready."""

    def __init__(self, voices: Mapping[str, Voice]) -> None:
        self._voices = voices
        self._pool = ThreadPoolExecutor(1, "studio")
        self._lines: dict[tuple[str, str], Future[Line]] = {}

    def line(self, actor: str, text: str) -> Future[Line]:
        """A line that is being made, or has been."""
        key = (actor, text)
        if key not in self._lines:
            self._lines[key] = self._pool.submit(speak, self._voices[actor], text)
        return self._lines[key]

    def close(self) -> None:
        """What was not begun is left."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def sentences(pieces: Iterable[str]) -> Iterator[str]:
    """Sentences of a text that comes in pieces, each as soon as it is whole.

    >>> list(sentences(["Hal", "t! Who go", "es there? I s", "ee you"]))
    ['Halt!', 'Who goes there?', 'I see you']
    """
    text = ""
    for piece in pieces:
        text += piece
        while found := re.search(r"[.!?…]+[\"'”’)]*\s", text):
            if whole := text[: found.end()].strip():
                yield whole
            text = text[found.end() :]
    if text.strip():
        yield text.strip()
