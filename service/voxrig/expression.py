"""Expression: what a style adds to speech.

A small model that hears the voice and sees the curves of speech, whoever made them, moves the rest of the
face with them; docs/expression.md tells how it is made. It looks at no later frame, and a style of zeros
leaves curves as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from .chance import CHANNELS, Chance, wandering
from .emotion import Ear, Feeling, Mixer
from .errors import StyleError
from .model import ModelCard, State, open_pack
from .pack import Device
from .style import EMOTIONS, HEARD, MAX_INTENSITY, vector
from .track import Track
from .types import Array, Style

_BLOCK = 100  # frames at a time of a whole recording
_FEELING = 10  # frames from one feeling to the next


class Expression:
    """The expression model in ONNX Runtime. Its state begins as zeros."""

    def __init__(self, card: ModelCard, session: Any) -> None:
        self.card = card
        self.samples = int(card.rate / card.fps)
        """Of a frame."""
        self._session = session
        self._by_chance = card.styles[-len(CHANNELS) :] == CHANNELS
        if self._by_chance:
            wandering(card.fps)  # now, and not while somebody's first frames wait

    def chance(self, seed: int) -> Chance | None:
        """What chance does to one face; None where the model leaves it no room."""
        return Chance(seed, self.card.fps) if self._by_chance else None

    def step(
        self, audio: Array, curves: Array, style: Array, states: Sequence[State]
    ) -> tuple[Array, list[State]]:
        """Sound (b, t * samples) of the frames, their curves (b, t, c), styles (b, t, k) and b states →
        curves (b, t, c) and b states. t is even."""
        feed = {"audio": audio, "curves": curves, "style": style, "state": np.stack(states)}
        shown, after = self._session.run(["curves_out", "state_out"], feed)
        return shown, list(after)

    def suits(self, card: ModelCard) -> bool:
        """Whether it goes with a speech pack: the same rig and rates, and no styles of the pack's own."""
        own = self.card
        return not card.styles and (card.rig.name, card.fps, card.rate) == (own.rig.name, own.fps, own.rate)


def load_expression(device: Device = "auto") -> Expression:
    """The pack that ships with voxrig. Raises ModelError."""
    return Expression(*open_pack(Path(str(resources.files("voxrig") / "packs" / "expression")), device))


class Acting:
    """One stream's style over time, what of it is heard in the voice, and the model's state.

    Frames are those of the model, counted from the first sample. Keys come before their frames. A seed is
    a face that feels the same otherwise.
    """

    def __init__(
        self, style: Style, expression: Expression, ear: Ear | None = None, delay: int = 0, seed: int = 0
    ) -> None:
        self.expression = expression
        self.state: State = np.zeros(expression.card.state, np.float32)
        card = expression.card
        self._names = (*card.styles, HEARD)
        self._emotions = [card.styles.index(name) for name in EMOTIONS]
        self._track = Track(vector(style, self._names))
        self._chance = expression.chance(seed)
        self._heard = Track(np.zeros(len(EMOTIONS), np.float32))
        check_heard(style, ear)
        self._ear, self._listener, self._mixer = ear, None if ear is None else ear.listen(), Mixer()
        self._auto = style.auto
        self._past = np.zeros(delay * expression.samples, np.float32)

    def key(self, style: Style, at: int, over: int = 0) -> None:
        """From frame ``at`` on go to another style, within ``over`` frames. Raises StyleError."""
        check_heard(style, self._ear)
        self._track.key(vector(style, self._names), at, over)
        self._auto = style.auto or self._auto

    def hear(self, samples: Array) -> None:
        """The stream's next (n,) samples at the model's rate, as they come."""
        if self._auto is None or self._listener is None:
            return
        self.feel(self._listener.push(samples))

    def feel(self, feelings: Iterable[Feeling]) -> None:
        """What was heard in the voice, in order; nothing where no style asks for it."""
        if self._auto is None:
            return
        for feeling in feelings:
            at = feeling.at // self.expression.samples
            self._heard.key(self._mixer.hear(feeling, self._auto), at, _FEELING)

    def due(self, samples: Array) -> Array:
        """Of the next (n,) samples that the speech model hears, those of the frames that it tells, (n,)."""
        if not len(self._past):
            return samples
        joined = np.concatenate([self._past, samples])
        self._past = joined[len(samples) :]
        return joined[: len(samples)]

    def style(self, start: int, count: int) -> Array:
        """Of frames ``start`` and on, (count, k), in order."""
        told = self._track.take(start, count)
        style, share = told[:, :-1].copy(), told[:, -1:]
        if self._chance is not None:
            style[:, -len(CHANNELS) :] = self._chance.take(start, count)
        if self._auto is not None:
            felt = self._heard.take(start, count)  # even where it does not count: a track is taken in order
            if share.any():
                style[:, self._emotions] = np.minimum(style[:, self._emotions] + share * felt, MAX_INTENSITY)
        return style

    def over(self, samples: Array, curves: Array, first: int = 0) -> Array:
        """A whole recording, or what follows frame ``first`` of a longer one: sound (n,) at the model's rate
        and curves (t, c) → curves (t, c)."""
        return np.concatenate([curves[:0], *self.along(samples, curves, first)])

    def along(self, samples: Array, curves: Array, first: int = 0, at_once: int = _BLOCK) -> Iterator[Array]:
        """``over`` by and by: the next (u, c) curves, of which the first is frame ``first``. Frames below 0
        are before the sound. ``at_once`` is an even number of frames."""
        size, frames = self.expression.samples, len(curves)
        whole = -(-frames // 2) * 2
        sound = np.zeros(whole * size, np.float32)
        begun = sound[max(0, -first) * size :]
        begun[: len(samples)] = samples[: len(begun)]
        padded = np.pad(curves, ((0, whole - frames), (0, 0)), mode="edge") if whole > frames else curves
        for at in range(0, whole, at_once):
            block = padded[at : at + at_once]
            heard = sound[at * size : (at + len(block)) * size]
            style = self.style(first + at, len(block))
            [shown], [self.state] = self.expression.step(heard[None], block[None], style[None], [self.state])
            yield shown[: frames - at]


def check_heard(style: Style, ear: Ear | None) -> None:
    """Raises StyleError where emotion is to be heard in the voice, and there is no ear."""
    if style.auto is not None and ear is None:
        raise StyleError("emotion is to be heard in the voice, and nobody listens; give the engine an ear")
