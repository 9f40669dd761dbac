"""Hears how somebody feels, ten times a second: arousal, valence and a score for each emotion.

Feelings do not depend on how sound is cut, nor on its level. A Feeling comes with the sample that
completes its 100 ms, and later sound never alters it.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import numpy as np

from ..errors import ModelError, unknown
from ..model import Device, State, runtime
from ..style import EMOTIONS
from ..types import Array

SCORES = ("neutral", *EMOTIONS)
"""What ``Feeling.scores`` stand for."""

_FORMAT, _VERSION = "voxrig-emotion", 1
_FEELINGS = ("arousal", "valence", "speech", *SCORES)
_FIELDS: dict[str, type] = {
    "name": str,
    "rate": int,
    "hop": int,
    "feelings": list,
    "heard": list,
    "derived": list,
    "state": int,
    "parameters": int,
    "licence": str,
    "trained_on": list,
    "quality": dict,
    "sha256": str,
}


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
    if device not in get_args(Device):
        raise ModelError(unknown("device", device, get_args(Device)))
    folder = Path(str(resources.files("voxrig") / "packs" / "emotion")) if pack is None else Path(pack)
    card = _read_card(folder)
    ort = runtime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # trouble is told by us, in a sentence
    try:
        session = ort.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        sizes = {i.name: i.shape[-1] for i in (*session.get_inputs(), *session.get_outputs())}
    except Exception as error:  # ONNX Runtime raises many types of its own
        raise ModelError(f"{folder / 'model.onnx'} does not run: {str(error).splitlines()[0]}") from error
    want = {"state": card.state, "state_out": card.state, "feelings": len(_FEELINGS)}
    for name, size in want.items():
        if sizes.get(name) not in (size, None) and not isinstance(sizes.get(name), str):
            raise ModelError(
                f"pack '{card.name}': '{name}' in model.onnx has {sizes[name]} values, not {size}"
            )
    if missing := {"audio", *want} - sizes.keys():
        raise ModelError(f"pack '{card.name}': '{min(missing)}' in model.onnx is missing")
    return Ear(card, session)


def _read_card(folder: Path) -> EarCard:
    """The card of a pack, checked against its model.onnx. Raises ModelError."""
    path = folder / "card.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        graph = (folder / "model.onnx").read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"emotion pack '{folder}' has no {Path(error.filename).name}") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    if not isinstance(card, dict) or (card.get("format"), card.get("version")) != (_FORMAT, _VERSION):
        raise ModelError(f"{path} is not a card of format {_FORMAT} version {_VERSION}")
    fields = {k: v for k, v in card.items() if k not in ("format", "version")}
    for key in fields.keys() ^ _FIELDS.keys():
        raise ModelError(f"{path}: {'unknown' if key in fields else 'missing'} key '{key}'")
    for key, kind in _FIELDS.items():
        if type(fields[key]) is not kind:
            raise ModelError(f"{path}: '{key}' must be {kind.__name__}, got {fields[key]!r}")
    if hashlib.sha256(graph).hexdigest() != fields["sha256"]:
        raise ModelError(f"{path} is the card of another model: sha256 differs from model.onnx")
    lists = ("feelings", "heard", "derived", "trained_on")
    made = EarCard(**(fields | {key: tuple(fields[key]) for key in lists}))
    if made.feelings != _FEELINGS or made.rate <= 0 or made.hop <= 0 or made.state < 0:
        raise ModelError(f"{path}: feelings must be {', '.join(_FEELINGS)}; rate and hop above 0")
    return made
