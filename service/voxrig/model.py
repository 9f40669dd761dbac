"""Model packs: a folder with ``model.onnx`` and ``card.json``, run by ONNX Runtime.

The graph takes audio (b, m * hop) and state (b, s), and a style (b, k) where the card names styles;
it returns curves (b, t, c) of the card's rig, its state and, where it has them, phone probabilities.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .errors import ModelError, RigError
from .pack import COMMON, Device, check_device, check_graph, first_line, open_session, read_fields
from .retime import frame_count
from .rigs import get as get_rig
from .speech.phones import PHONES
from .types import Array, Rig

State = Array  # (s,) all that a stream remembers

PACKS = ("file", "live", "fast")
"""The packs that ship with voxrig: for whole files, and for streams with 70 or 20 ms of lookahead."""

_FORMAT = "voxrig-pack"


@dataclass(frozen=True)
class ModelCard:
    """What a pack is, can do, was made of, and how well it does."""

    name: str
    rate: int
    """Hertz of the audio that the model hears."""
    hop: int
    """Samples a step; a step gives hop * fps / rate frames."""
    fps: Fraction
    """Frames a second that the model tells."""
    delay: int
    """Frames by which output lags: output i tells frame i - delay."""
    lookahead: int
    """Samples: the most sound after a frame that must be heard before the frame is out."""
    rig: Rig
    styles: tuple[str, ...]
    """Style inputs by name; empty where the model has none."""
    state: int
    """Numbers that a stream remembers."""
    parameters: int
    licence: str
    trained_on: tuple[str, ...]
    quality: dict[str, Any]
    """Measured figures and what they were measured on."""
    sha256: str
    """Of model.onnx."""

    @property
    def frames_per_hop(self) -> int:
        return int(self.hop * self.fps / self.rate)


class Model(Protocol):
    """What an Engine needs of a model."""

    @property
    def card(self) -> ModelCard: ...

    def initial_state(self) -> State: ...

    def step(self, audio: Array, style: Array, states: Sequence[State]) -> tuple[Array, list[State]]:
        """(b, m * hop), (b, k) and b states → (b, t, c) and b states."""
        ...


class OnnxModel:
    """A pack loaded into ONNX Runtime."""

    def __init__(self, card: ModelCard, session: Any) -> None:
        self.card = card
        self._session = session
        self._initial = self._settle()

    @property
    def providers(self) -> tuple[str, ...]:
        """Execution providers in use, as the session reports them."""
        return tuple(self._session.get_providers())

    def initial_state(self) -> State:
        """State of a stream that has heard two seconds of silence."""
        return self._initial

    def step(self, audio: Array, style: Array, states: Sequence[State]) -> tuple[Array, list[State]]:
        feed = {"audio": audio, "state": np.stack(states)}
        if self.card.styles:
            feed["style"] = style
        curves, after = self._session.run(["curves", "state_out"], feed)
        return curves, list(after)

    def hear(self, samples: Array) -> tuple[Array, Array]:
        """Curves (t, c) and phone probabilities (t, 40) of a whole clip (n,) at the card's rate.

        t is ceil(n * fps / rate). Raises ModelError where the model tells no phones.
        """
        curves, phones = self.tell(samples)
        return curves[self.card.delay :], phones

    def tell(self, samples: Array, beyond: int = 0) -> tuple[Array, Array]:
        """``hear``, with the curves of the ``card.delay`` frames before the clip, which a stream tells, too,
        and of so many beyond its end. Raises ModelError."""
        card = self.card
        if "phones" not in [output.name for output in self._session.get_outputs()]:
            raise ModelError(f"pack '{card.name}' tells no phones, so it cannot fit a text to sound")
        frames = frame_count(len(samples), card.rate, card.fps)
        size, told = 50 * card.hop, card.delay + frames + beyond
        padded = np.zeros(-(-told // (50 * card.frames_per_hop)) * size, np.float32)
        padded[: len(samples)] = samples
        feed = {"style": np.zeros((1, len(card.styles)), np.float32)} if card.styles else {}
        curves, phones = [np.zeros((0, len(card.rig)), np.float32)], [np.zeros((0, len(PHONES)), np.float32)]
        state = self._initial[None]
        for block in padded.reshape(-1, 1, size):
            made = self._session.run(
                ["curves", "phones", "state_out"], {"audio": block, "state": state} | feed
            )
            curves.append(made[0][0])
            phones.append(made[1][0])
            state = made[2]
        return np.concatenate(curves)[:told], np.concatenate(phones)[card.delay : card.delay + frames]

    def phones(self, samples: Array) -> Array:
        """Phone probabilities alone, see ``hear``."""
        return self.hear(samples)[1]

    def _settle(self) -> State:
        hops = -(-2 * self.card.rate // self.card.hop)
        silence = np.zeros((1, hops * self.card.hop), np.float32)
        style = np.zeros((1, len(self.card.styles)), np.float32)
        return self.step(silence, style, [np.zeros(self.card.state, np.float32)])[1][0].copy()


def load(pack: str | Path = "file", device: Device = "auto", threads: int = 1) -> OnnxModel:
    """The speech pack in a folder, or one of ``PACKS``.

    ``threads`` are those inside one step. ``device="gpu"`` insists on a GPU; ``"auto"`` takes one
    where the GPU build of ONNX Runtime is installed and finds one. Raises ModelError.
    """
    folder = find(pack)
    card, session = open_pack(folder, device, threads)
    try:
        return OnnxModel(card, session)
    except Exception as error:  # ONNX Runtime raises many types of its own
        raise ModelError(f"{folder / 'model.onnx'} does not run: {first_line(error)}") from error


def open_pack(folder: Path, device: Device = "auto", threads: int = 1) -> tuple[ModelCard, Any]:
    """A pack that tells curves as its card and a session of ONNX Runtime; see ``load``. Raises ModelError."""
    check_device(device)
    card = read_card(folder)
    session = open_session(folder, card.name, device, threads)
    want = {"audio": None, "state": card.state, "state_out": card.state, "curves": len(card.rig)}
    check_graph(card.name, session, want | ({"style": len(card.styles)} if card.styles else {}))
    return card, session


def find(pack: str | Path) -> Path:
    """The folder of a pack, by path or by a name of ``PACKS``. Raises ModelError where there is none."""
    if str(pack) in PACKS:
        return Path(str(resources.files("voxrig") / "packs" / str(pack)))
    folder = Path(pack)
    if not os.path.isdir(folder):  # false, too, for names that no file can have
        raise ModelError(
            f"no model pack at '{pack}'; give a folder with model.onnx and card.json, or {', '.join(PACKS)}"
        )
    return folder


_FIELDS = COMMON | {"fps": list, "delay": int, "lookahead": int, "rig": str, "styles": list}


def read_card(folder: Path) -> ModelCard:
    """The card of a pack, checked against its model.onnx. Raises ModelError."""
    path = folder / "card.json"
    fields = read_fields(folder, _FORMAT, _FIELDS)
    try:
        fields |= {"fps": Fraction(*fields["fps"]), "rig": get_rig(fields["rig"])}
    except (RigError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ModelError(f"{path}: {first_line(error)}") from error
    made = ModelCard(**fields)
    positive, whole = (made.rate, made.hop, made.fps), (made.delay, made.lookahead, made.state)
    if any(x <= 0 for x in positive) or any(x < 0 for x in whole):
        raise ModelError(
            f"{path}: rate, hop and fps must be positive, delay, lookahead and state not negative"
        )
    if (made.hop * made.fps / made.rate).denominator != 1 or made.hop * made.fps < made.rate:
        raise ModelError(f"{path}: a hop of {made.hop} samples is not a whole number of frames")
    return made
