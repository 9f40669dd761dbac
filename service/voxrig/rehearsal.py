"""A recording that a pack has heard once, to be played in ever other directions.

Speech is the work of the pack and stays what it is; what a direction changes comes after it: expression,
smoothing, rate, life, rig. The frames are those of ``performance.animate`` with the same wishes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .emotion import Ear, Feeling
from .engine import Engine
from .errors import TextError
from .expression import Expression
from .model import OnnxModel
from .performance import Direction
from .recital import Script, fit, heard, say
from .resample import Quality, Resampler
from .retime import Retime, frame_count
from .rigs import NATIVE
from .smooth import Smooth
from .speech import coarticulation
from .speech.align import Transcript
from .staging import AS_IT_COMES, Staging
from .types import Array, AudioChunk, Frames

LONGEST_SMOOTH = 1.0
"""Seconds: the widest window that a rehearsal can be smoothed with."""
_BLOCK = 400  # model frames at a time: soon there, and twice as fast as 100
_BEYOND = 60  # model frames after the end: half of that window and a little


class Rehearsal:
    """One recording on one pack. For any thread, once made."""

    def __init__(
        self, model: OnnxModel, sound: AudioChunk, quality: Quality = "best", script: Script | None = None
    ) -> None:
        """Hears all of it; a script is fitted to it. Raises ModelError and TextError."""
        self._model, self._script = model, script
        self.rate, self.length = sound.rate, len(sound.samples)
        card = model.card
        self._sound = Resampler(sound.rate, card.rate, quality).push(sound.samples, last=True)
        self._feelings: tuple[Feeling, ...] | None = None
        if script is None:
            self._curves, phones = model.tell(self._sound, _BEYOND)
            self.transcript: Transcript = heard(phones)
        else:
            self.transcript, self._curves = fit(model, self._sound, script.text, script.language)

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return self._sound.nbytes + self._curves.nbytes

    def play(
        self,
        direction: Direction,
        expression: Expression | None,
        ear: Ear | None,
        staging: Staging = AS_IT_COMES,
    ) -> Iterator[Frames]:
        """The frames on native with all but what ``direction.fitting`` does, a few seconds at a time.

        Raises StyleError, and TextError where a script is to be played live.
        """
        if self._script is not None and direction.pace != "file":
            raise TextError("a text is fitted to a whole recording; leave it or live out")
        life, total = direction.life(staging), frame_count(self.length, self.rate, direction.fps)
        made = 0
        for values in self._spoken(direction, expression, ear, staging, total):
            part = Frames(NATIVE, values[: total - made], direction.fps, made)
            made += len(part)
            if len(part):
                yield life(part, last=made == total)

    def _spoken(
        self,
        direction: Direction,
        expression: Expression | None,
        ear: Ear | None,
        staging: Staging,
        total: int,
    ) -> Iterator[Array]:
        """Speech in its style at the direction's rate, (u, c) after (u, c), ``total`` frames or more."""
        card = self._model.card
        retime = Retime(card.fps, direction.fps, len(NATIVE))
        if self._script is not None:
            told = say(self.transcript.phones, retime.needs(total), self._curves).values
            calm = Smooth(direction.smooth or 0.0, direction.fps)
            at = 0
            for part in self._acted(direction, expression, ear, staging, told, 0):
                values = retime.push(part)[: total - at]
                frames = Frames(NATIVE, values, direction.fps, at)
                at += len(values)
                yield calm(frames, last=at == total).values if len(values) else values
            return
        smooth = Smooth(direction.smoothing, card.fps)
        needed = card.delay + retime.needs(total) + smooth.delay
        told = self._curves[: needed + needed % 2]  # expression works on pairs
        at = -card.delay
        for part in self._acted(direction, expression, ear, staging, told, at):
            skip = min(max(0, -at), len(part))
            values = smooth(Frames(NATIVE, part[skip:], card.fps, at + skip)).values
            at += len(part)
            yield retime.push(values)

    def _acted(
        self,
        direction: Direction,
        expression: Expression | None,
        ear: Ear | None,
        staging: Staging,
        told: Array,
        first: int,
    ) -> Iterator[Array]:
        """What the pack told, (t, c) from frame ``first`` on, with what the styles add."""
        styles = (direction.style, *(key.style for key in direction.keys))
        auto = any(style.auto for style in styles)
        engine = Engine(
            self._model, expression=None if direction.plain else expression, ear=ear if auto else None
        )
        acting = engine.act(direction.style, seed=direction.seed)
        for key in staging.keys:
            engine.check(key.style)
            if acting is not None:
                acting.key(key.style, self._frame(key.at), round(key.transition * coarticulation.FPS))
        if acting is None:
            yield from (told[at : at + _BLOCK] for at in range(0, len(told), _BLOCK))
            return
        if engine.ear is not None:
            acting.feel(self._felt(engine.ear))
        yield from acting.along(self._sound, told, first, _BLOCK)

    def _frame(self, seconds: float) -> int:
        """Model frame of a key: a script's is the nearest, a stream's the first after its sample."""
        if self._script is not None:
            return round(seconds * coarticulation.FPS)
        return frame_count(round(seconds * self.rate), self.rate, self._model.card.fps)

    def _felt(self, ear: Ear) -> tuple[Feeling, ...]:
        """What is heard in the voice, and in the silence after it."""
        if self._feelings is None:
            card = self._model.card
            silence = np.zeros(_BEYOND * int(card.rate / card.fps), np.float32)
            self._feelings = tuple(ear.listen().push(np.concatenate([self._sound, silence])))
        return self._feelings
