"""A recording whose words are known: phones fitted to the sound, and a face that says them.

Where the text is known the model need only tell when, not what; every closure is then sure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import AudioError, TextError
from .expression import Acting
from .model import OnnxModel, load
from .post import Chain
from .resample import Resampler
from .retime import Retime, frame_count
from .rigs import NATIVE
from .smooth import Smooth
from .speech import articulators, coarticulation
from .speech.align import LONGEST, RATE, Transcript, align
from .speech.articulators import A
from .speech.decode import decode
from .speech.phones import PHONES, SILENCE, Phone
from .speech.pronounce import pronounce
from .types import LOUDEST, Array, AudioChunk, Frames

_HEARD = 0.5  # how much the model's own motion counts where no lips touch
_SOFT = 0.06  # s: width of the window over which one phone gives way to the next
_FITS = 0.25  # of the time in which somebody speaks: what the words found must cover


@dataclass(frozen=True)
class Script:
    """What is said in a recording."""

    text: str
    language: str = "en"


def transcribe(
    sound: AudioChunk,
    text: str | None = None,
    language: str = "en",
    *,
    exact: bool = False,
    pack: str | Path = "file",
) -> Transcript:
    """When the words and phones of a text sound in a recording; without text, the phones it hears.

    ``exact`` text is what is said to the last word; other text may have words too many or too few.
    Raises TextError where the text has no words, is not what is said, or is too long for the sound or the
    sound for us.
    """
    model = load(pack)
    if text is not None:
        return fit(model, _resampled(sound.samples, sound.rate, model), text, language, exact)[0]
    hearing = Hearing(model, sound.rate)
    hearing.push(sound.samples)
    return hearing.transcript()


def fit(
    model: OnnxModel, resampled: Array, text: str, language: str, exact: bool = False
) -> tuple[Transcript, Array]:
    """``transcribe`` with a model that is already loaded, of sound (n,) at its rate, and the curves (t, 110)
    that it tells alone."""
    words = pronounce(text, language)
    if len(resampled) > LONGEST * model.card.rate:
        raise TextError(f"text can be fitted to at most {LONGEST} s of sound; cut it at pauses")
    # The network hears every level, but the phones of a whisper are clearer at an ordinary one.
    loud = float(np.sqrt(np.mean(resampled**2))) if len(resampled) else 0.0
    curves, phones = model.hear(resampled * (0.1 / loud if loud > 1e-5 else 1.0))
    found = align(phones, words, exact)
    covered = sum(word.end - word.start for word in found.words)
    spoken = sum(phone.end - phone.start for phone in found.phones if phone.label != SILENCE)
    if not found.words or (not exact and covered < _FITS * spoken):
        count = f"{len(found.words)} of {len(words)} words heard in {spoken:.1f} s of speech"
        raise TextError(f"the text is not what is said: {count} ({language}: {text.strip()[:40]!r})")
    return found, curves


def _resampled(samples: Array, rate: int, model: OnnxModel) -> Array:
    return Resampler(rate, model.card.rate, "best").push(np.asarray(samples, np.float32), last=True)


class Hearing:
    """The phones of a recording as a model hears them: keeps the sound as it goes by, 64 kB a second."""

    def __init__(self, model: OnnxModel, rate: int) -> None:
        self._model = model
        self._resampler = Resampler(rate, model.card.rate, "best")
        self._heard: list[Array] = []

    def push(self, samples: Array) -> None:
        """The next (n,) samples."""
        self._heard.append(self._resampler.push(samples))

    def transcript(self) -> Transcript:
        """Phones and no words, once all has been pushed."""
        self._heard.append(self._resampler.push(np.zeros(0, np.float32), last=True))
        return heard(self._model.phones(np.concatenate(self._heard)))


def heard(told: Array) -> Transcript:
    """Phones and no words of phone probabilities (t, 40), 100 a second."""
    phones = decode(told)
    logs = [
        np.log(told[round(p.start * RATE) : round(p.end * RATE), PHONES.index(p.label)].clip(1e-4))
        for p in phones
        if p.label != SILENCE
    ]
    return Transcript((), phones, float(np.concatenate(logs).mean()) if logs else float("-inf"))


def say(phones: tuple[Phone, ...], frames: int, told: Array) -> Frames:
    """Native frames at 100 a second of phones that tile a clip.

    The phones decide every contact. How far jaw and lips go otherwise is half theirs and half what the
    model told, (t, 110): dictionaries know neither accent nor effort.
    """
    aims = coarticulation.targets(phones, frames)
    told = np.pad(
        told[:frames], ((0, max(0, frames - len(told))), (0, 0)), mode="edge" if len(told) else "constant"
    )
    free = 1 - np.maximum(aims[:, A["closure"]], aims[:, A["labiodental"]])
    for name, curve, gain in articulators.TRACES:
        aims[:, A[name]] += _HEARD * free * (told[:, NATIVE.index(curve)] / gain - aims[:, A[name]])
    values = articulators.curves(np.clip(aims, 0, 1))
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
        self,
        chunks: Iterator[AudioChunk],
        rate: int,
        script: Script,
        model: OnnxModel,
        acting: Acting | None,
        stages: Chain,
        retime: Retime,
    ) -> None:
        self._chunks, self._rate, self._script, self._model = chunks, rate, script, model
        self._acting, self._stages, self._retime = acting, stages, retime
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
            raise TextError(
                f"text can be fitted to at most {LONGEST} s of sound; cut the recording at pauses"
            )

    def show(self) -> Frames | None:
        """All frames on the rig, once all has been heard. Raises TextError."""
        if not self._ended or self.done:
            return None
        samples = np.concatenate([np.zeros(0, np.float32), *self._heard])
        script = self._script
        resampled = _resampled(samples, self._rate, self._model)
        self.transcript, told = fit(self._model, resampled, script.text, script.language)
        total = frame_count(len(samples), self._rate, self._retime.fps)
        native = say(self.transcript.phones, self._retime.needs(total), told).values
        if self._acting is not None:
            self._acting.hear(resampled)
            native = self._acting.over(resampled, native)
        values = self._retime.push(native)[:total]
        self.done = True
        return self._stages(Frames(NATIVE, values, self._retime.fps), last=True)

    def close(self) -> None:
        """Nothing to leave."""
