"""Hears how somebody feels, ten times a second: arousal, valence and a score for each emotion.

Feelings do not depend on how sound is cut, nor on its level. A Feeling comes with the sample that
completes its 100 ms, and later sound never alters it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ModelError
from ..model import State
from ..pack import COMMON, Device, check_device, check_graph, open_session, read_fields
from ..style import EMOTIONS
from ..types import Array

SCORES = ("neutral", *EMOTIONS)
"""What ``Feeling.scores`` stand for."""

_FORMAT = "voxrig-emotion"
_FEELINGS = ("arousal", "valence", "speech", *SCORES)
_FIELDS = COMMON | {"feelings": list, "heard": list, "derived": list}


@dataclass(frozen=True, eq=False)
class Feeling:
    """How somebody seems to feel."""

    at: int
    """Samples of the stream that were heard until now."""
    arousal: float
    """-1 is drowsy, 0 calm speech, 1 beside oneself."""
    valence: float
    """-1 is miserable, 0 neither, 1 delighted. Less sure than arousal."""
    speech: float
    """How much anybody spoke lately, 0..1. Without speech all is neutral."""
    scores: Array  # (11,) log-likelihoods of SCORES


@dataclass(frozen=True)
class EarCard:
    """What an emotion pack is, can do, was made of, and how well it does."""

    name: str
    rate: int
    """Hertz of the sound that it hears."""
    hop: int
    """Samples a step; a step tells one feeling."""
    feelings: tuple[str, ...]
    """What the graph tells, in order."""
    heard: tuple[str, ...]
    """The scores that were learnt from voices."""
    derived: tuple[str, ...]
    """The scores that arousal and valence stand in for."""
    state: int
    """Numbers that a stream remembers."""
    parameters: int
    licence: str
    trained_on: tuple[str, ...]
    quality: dict[str, Any]
    """Measured figures and what they were measured on."""
    sha256: str
    """Of model.onnx."""


class Ear:
    """The emotion pack in ONNX Runtime, for any number of listeners and threads."""

    def __init__(self, card: EarCard, session: Any) -> None:
        self.card = card
        self._session = session

    def listen(self) -> Listener:
        """Begins to hear a stream."""
        return Listener(self)

    def step(self, audio: Array, state: State) -> tuple[Array, State]:
        """Sound (m * hop,) of a stream and its state (s,) → feelings (m, 14) and state (s,)."""
        feed = {"audio": audio[None], "state": state[None]}
        feelings, after = self._session.run(["feelings", "state_out"], feed)
        return feelings[0], after[0]


class Listener:
    """Hears one stream of sound at the card's rate. Belongs to one thread at a time."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self._state: State = np.zeros(ear.card.state, np.float32)
        self._buffer: deque[Array] = deque()
        self._waiting = 0  # samples in _buffer
        self._at = 0

    def push(self, samples: Array) -> list[Feeling]:
        """The feelings that the next samples (n,) complete, one for every hop."""
        if samples.ndim != 1 or samples.dtype != np.float32:
            raise ValueError(f"samples must be (n,) float32, got {samples.shape} {samples.dtype}")
        self._buffer.append(samples)
        self._waiting += len(samples)
        hop = self._ear.card.hop
        if self._waiting < hop:
            return []
        joined = np.concatenate(self._buffer)
        whole = len(joined) // hop * hop
        self._buffer.clear()
        self._buffer.append(joined[whole:].copy())
        self._waiting = len(joined) - whole
        return [self._hear(joined[i : i + hop]) for i in range(0, whole, hop)]

    def _hear(self, samples: Array) -> Feeling:
        # One hop at a time, or the order of sums would depend on how sound was cut.
        [told], self._state = self._ear.step(samples, self._state)
        self._at += len(samples)
        return Feeling(self._at, float(told[0]), float(told[1]), float(told[2]), told[3:].copy())


def load_ear(device: Device = "auto", pack: str | Path | None = None) -> Ear:
    """The emotion pack that ships with voxrig, or the one in a folder. Raises ModelError.

    It runs on the CPU whatever the device: a hop takes less time than its way to a GPU and back.
    """
    check_device(device)
    folder = Path(str(resources.files("voxrig") / "packs" / "emotion")) if pack is None else Path(pack)
    card = _read_card(folder)
    session = open_session(folder, card.name, "cpu")
    want = {"audio": None, "state": card.state, "state_out": card.state, "feelings": len(_FEELINGS)}
    check_graph(card.name, session, want)
    return Ear(card, session)


def _read_card(folder: Path) -> EarCard:
    """The card of a pack, checked against its model.onnx. Raises ModelError."""
    made = EarCard(**read_fields(folder, _FORMAT, _FIELDS))
    if made.feelings != _FEELINGS or made.rate <= 0 or made.hop <= 0 or made.state < 0:
        raise ModelError(
            f"{folder / 'card.json'}: feelings must be {', '.join(_FEELINGS)}; rate and hop above 0"
        )
    return made
