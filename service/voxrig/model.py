"""Model packs: a folder with ``model.onnx`` and ``card.json``, run by ONNX Runtime.

The graph takes audio (b, m * hop) and state (b, s), and a style (b, k) where the card names styles;
it returns curves (b, t, c) of the card's rig, its state and, where it has them, phone probabilities.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import metadata, resources
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np

from .errors import ModelError, RigError, unknown
from .retime import frame_count
from .rigs import get as get_rig
from .speech.phones import PHONES
from .types import Array, Rig

Device = Literal["auto", "cpu", "gpu"]
State = Array  # (s,) all that a stream remembers

PACKS = ("file", "live", "fast")
"""The packs that ship with voxrig: for whole files, and for streams with 70 or 20 ms of lookahead."""

_FORMAT, _VERSION = "voxrig-pack", 1
_GPU = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"


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
        card = self.card
        if "phones" not in [output.name for output in self._session.get_outputs()]:
            raise ModelError(f"pack '{card.name}' tells no phones, so it cannot fit a text to sound")
        frames = frame_count(len(samples), card.rate, card.fps)
        size = 50 * card.hop
        padded = np.zeros(-(-(frames + card.delay) // (50 * card.frames_per_hop)) * size, np.float32)
        padded[: len(samples)] = samples
        feed = {"style": np.zeros((1, len(card.styles)), np.float32)} if card.styles else {}
        curves, phones, state = [], [], self._initial[None]
        for block in padded.reshape(-1, 1, size):
            told = self._session.run(
                ["curves", "phones", "state_out"], {"audio": block, "state": state} | feed
            )
            curves.append(told[0][0])
            phones.append(told[1][0])
            state = told[2]
        if not curves:
            return np.zeros((0, len(card.rig)), np.float32), np.zeros((0, len(PHONES)), np.float32)
        kept = slice(card.delay, card.delay + frames)
        return np.concatenate(curves)[kept], np.concatenate(phones)[kept]

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
        raise ModelError(f"{folder / 'model.onnx'} does not run: {_first_line(error)}") from error


def open_pack(folder: Path, device: Device = "auto", threads: int = 1) -> tuple[ModelCard, Any]:
    """A pack of any kind as its card and a session of ONNX Runtime; see ``load``. Raises ModelError."""
    if device not in get_args(Device):
        raise ModelError(unknown("device", device, get_args(Device)))
    card = read_card(folder)
    ort = runtime()
    wanted = [_CPU]
    if device != "cpu" and _GPU in ort.get_available_providers():
        wanted = [_GPU, _CPU]
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # provider trouble is told by us, below, in a sentence
    try:
        session = ort.InferenceSession(str(folder / "model.onnx"), options, providers=wanted)
    except Exception as error:
        raise ModelError(f"{folder / 'model.onnx'} does not run: {_first_line(error)}") from error
    if device == "gpu" and _GPU not in session.get_providers():
        have = ", ".join(session.get_providers())
        raise ModelError(f"no GPU for pack '{card.name}': ONNX Runtime offers {have}; use --device cpu")
    _check_graph(card, session)
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


def runtime() -> Any:
    """The onnxruntime module, when exactly one of its two distributions is installed. Raises ModelError."""
    installed = [name for name in ("onnxruntime", "onnxruntime-gpu") if _has(name)]
    if len(installed) == 2:
        # They share one folder: whichever came last has overwritten parts of the other.
        raise ModelError(
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other; "
            "pip uninstall both, then pip install 'voxrig[cpu]' or 'voxrig[gpu]'"
        )
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # or it writes to the home folder and may call home
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError("ONNX Runtime is missing; pip install 'voxrig[cpu]' or 'voxrig[gpu]'") from error
    return onnxruntime


def _has(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


_FIELDS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "rate": int,
    "hop": int,
    "fps": list,
    "delay": int,
    "lookahead": int,
    "rig": str,
    "styles": list,
    "state": int,
    "parameters": int,
    "licence": str,
    "trained_on": list,
    "quality": dict,
    "sha256": str,
}


def read_card(folder: Path) -> ModelCard:
    """The card of a pack, checked against its model.onnx. Raises ModelError."""
    path = folder / "card.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        graph = (folder / "model.onnx").read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"model pack '{folder}' has no {Path(error.filename).name}") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {_first_line(error)}") from error
    if not isinstance(card, dict) or (card.get("format"), card.get("version")) != (_FORMAT, _VERSION):
        raise ModelError(f"{path} is not a card of format {_FORMAT} version {_VERSION}")
    fields = {k: v for k, v in card.items() if k not in ("format", "version")}
    for key in fields.keys() ^ _FIELDS.keys():
        raise ModelError(f"{path}: {'unknown' if key in fields else 'missing'} key '{key}'")
    for key, kind in _FIELDS.items():
        if not isinstance(fields[key], kind) or isinstance(fields[key], bool):
            raise ModelError(f"{path}: '{key}' must be {kind.__name__}, got {fields[key]!r}")  # type: ignore[union-attr]
    if hashlib.sha256(graph).hexdigest() != fields["sha256"]:
        raise ModelError(f"{path} is the card of another model: sha256 differs from model.onnx")
    try:
        fields |= {"fps": Fraction(*fields["fps"]), "rig": get_rig(fields["rig"])}
    except (RigError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ModelError(f"{path}: {_first_line(error)}") from error
    fields |= {"styles": tuple(fields["styles"]), "trained_on": tuple(fields["trained_on"])}
    made = ModelCard(**fields)
    positive, whole = (made.rate, made.hop, made.fps), (made.delay, made.lookahead, made.state)
    if any(x <= 0 for x in positive) or any(x < 0 for x in whole):
        raise ModelError(
            f"{path}: rate, hop and fps must be positive, delay, lookahead and state not negative"
        )
    if (made.hop * made.fps / made.rate).denominator != 1 or made.hop * made.fps < made.rate:
        raise ModelError(f"{path}: a hop of {made.hop} samples is not a whole number of frames")
    return made


def _check_graph(card: ModelCard, session: Any) -> None:
    have = {i.name: i.shape[-1] for i in (*session.get_inputs(), *session.get_outputs())}
    want = {"audio": None, "state": card.state, "state_out": card.state, "curves": len(card.rig)}
    want |= {"style": len(card.styles)} if card.styles else {}
    for name, size in want.items():
        if name not in have or (size is not None and isinstance(have[name], int) and have[name] != size):
            wrong = f"has {have[name]} values, the card says {size}" if name in have else "is missing"
            raise ModelError(f"pack '{card.name}': '{name}' in model.onnx {wrong}")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
