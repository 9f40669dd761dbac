"""Local voices that speak a text, for pages and characters that have no recording. Needs the extra ``tts``.

They are other people's models in packages of their own; speech synthesis is not what voxrig does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from threading import Lock
from typing import Any, Final

import numpy as np

from .errors import VoxrigError, unknown
from .resample import Resampler
from .types import AudioChunk

RATE: Final = 24_000
"""Hertz of all that is spoken."""
LONGEST: Final = 2_000
"""Characters of a text."""
HINT: Final = "pip install 'voxrig[tts]'"


@dataclass(frozen=True)
class Voice:
    """Who speaks."""

    name: str
    language: str
    description: str
    semitones: float = 0.0
    """How far it lies from the voice as it was made. Vocal tract and all: it is somebody else."""


VOICES: Final[Mapping[str, Voice]] = {
    voice.name: voice
    for voice in (
        Voice("heart", "en", "woman, American"),
        Voice("oak", "en", "the same voice four semitones lower: rather a man", -4.0),
        Voice("wren", "en", "the same voice three semitones higher: rather a child", 3.0),
    )
}
"""hibari's (Apache-2.0, its weights come with it), and two that are made of it."""


class Speaker:
    """Says texts in any of ``VOICES``; for any thread. Raises VoxrigError where no voice is installed."""

    def __init__(self) -> None:
        if not installed():
            raise VoxrigError(f"no voice is installed; {HINT}")
        import hibari

        self._model: Any = hibari.Hibari()
        self._lock = Lock()  # its speller learns words as it goes

    def say(self, text: str, voice: str = "heart", speed: float = 1.0) -> AudioChunk:
        """A text as sound, faster or slower by ``speed`` (0.5 to 2). Raises VoxrigError on another voice or
        speed, a text that is too long, or one with nothing to say."""
        if voice not in VOICES:
            raise VoxrigError(unknown("voice", voice, VOICES))
        if not 0.5 <= speed <= 2:
            raise VoxrigError(f"speed is {speed:g}; it is 0.5 to 2")
        if len(text) > LONGEST:
            raise VoxrigError(f"the text has {len(text)} characters; say at most {LONGEST} at once")
        # Played slower it is lower and longer, so it is spoken faster.
        ratio = 2 ** (VOICES[voice].semitones / 12)
        with self._lock:
            samples = np.asarray(self._model(text, speed=speed / ratio), np.float32).ravel()
        if not len(samples):
            raise VoxrigError("the text has no words to say")
        if ratio != 1:
            samples = Resampler(round(RATE * ratio), RATE, "best").push(samples, last=True)
        return AudioChunk(samples, RATE)


def installed() -> bool:
    """Whether there is any voice here."""
    return find_spec("hibari") is not None
