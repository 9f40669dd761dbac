"""A recording whose words are known: phones fitted to the sound, and a face that says them.

Where the text is known the model need only tell when, not what; every closure is then sure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import AudioError, TextError
from .model import OnnxModel, load
from .post import Chain
from .resample import Resampler
from .retime import Retime, frame_count
from .rigs import NATIVE
from .smooth import Smooth
from .speech import articulators, coarticulation
from .speech.align import LONGEST, RATE, Transcript, align
from .speech.phones import PHONES, Phone
from .speech.pronounce import pronounce
from .types import LOUDEST, Array, AudioChunk, Frames

_SOFT = 0.06  # s: width of the window over which one phone gives way to the next


@dataclass(frozen=True)
class Script:
    """What is said in a recording."""

    text: str
    language: str = "en"


def transcribe(
    sound: AudioChunk,
    text: str,
    language: str = "en",
    *,
    exact: bool = False,
    pack: str | Path = "file",
) -> Transcript:
    """When the words and phones of a text sound in a recording.

    ``exact`` text is what is said to the last word; other text may have words too many or too few.
    Raises TextError where the text has no words, is too long for the sound or the sound for us.
    """
    return fit(load(pack), sound.samples, sound.rate, text, language, exact)


def fit(
    model: OnnxModel, samples: Array, rate: int, text: str, language: str, exact: bool = False
) -> Transcript:
    """``transcribe`` with a model that is already loaded; samples (n,) at ``rate`` Hz."""
    words = pronounce(text, language)
    if len(samples) > LONGEST * rate:
        raise TextError(f"text can be fitted to at most {LONGEST} s of sound; cut it at pauses")
    resampled = Resampler(rate, model.card.rate, "best").push(np.asarray(samples, np.float32), last=True)
    # The network hears every level, but the phones of a whisper are clearer at an ordinary one.
    loud = float(np.sqrt(np.mean(resampled**2))) if len(resampled) else 0.0
    return align(model.phones(resampled * (0.1 / loud if loud > 1e-5 else 1.0)), words, exact)


def say(phones: tuple[Phone, ...], frames: int) -> Frames:
    """Native frames at 100 a second of phones that tile a clip."""
    values = articulators.curves(coarticulation.targets(phones, frames))
    told = np.zeros((frames, len(PHONES)), np.float32)
    for phone in phones:
        told[round(phone.start * RATE) : round(phone.end * RATE), PHONES.index(phone.label)] = 1
    values[:, 1 - len(PHONES) :] = told[:, 1:]
    raw = Frames(NATIVE, values, coarticulation.FPS)
    soft = Smooth(_SOFT, raw.fps)(raw, last=True).values
    values[:, 1 - len(PHONES) :] = soft[:, 1 - len(PHONES) :]
    return raw


class Recital:
    """One recording with its script, on its way to frames: hears all of it, then shows all of it."""

    def __init__(
        self, chunks: Iterator[AudioChunk], rate: int, script: Script, model: OnnxModel, stages: Chain, retime: Retime
    ) -> None:
        self._chunks, self._rate, self._script, self._model = chunks, rate, script, model
        self._stages, self._retime = stages, retime
        self._heard: list[Array] = []
        self._ended = False
        self.done = False
        """Whether all has been heard and shown."""
        self.seconds = 0.0
        """Of sound heard so far."""
        self.transcript: Transcript | None = None
        """Once all has been shown."""

    def hear(self) -> None:
        """The next piece of sound, or the end of it. Raises AudioError and TextError."""
        chunk = None if self._ended else next(self._chunks, None)
        if chunk is None:
            self._ended = True
            return
        if not (np.abs(chunk.samples) <= LOUDEST).all():
            raise AudioError("samples are NaN, infinite or no sound; full scale is [-1, 1]")
        self._heard.append(chunk.samples)
        self.seconds = chunk.end / chunk.rate
        if self.seconds > LONGEST:
            raise TextError(f"text can be fitted to at most {LONGEST} s of sound; cut the recording at pauses")

    def show(self) -> Frames | None:
        """All frames on the rig, once all has been heard. Raises TextError."""
        if not self._ended or self.done:
            return None
        samples = np.concatenate([np.zeros(0, np.float32), *self._heard])
        self.transcript = fit(self._model, samples, self._rate, self._script.text, self._script.language)
        total = frame_count(len(samples), self._rate, self._retime.fps)
        native = say(self.transcript.phones, self._retime.needs(total))
        values = self._retime.push(native.values)[:total]
        self.done = True
        return self._stages(Frames(NATIVE, values, self._retime.fps), last=True)

    def close(self) -> None:
        """Nothing to leave."""
