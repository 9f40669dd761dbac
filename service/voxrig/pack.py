"""Folders of a pack: ``card.json`` tells what ``model.onnx`` is, and ONNX Runtime runs it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, get_args

from .errors import ModelError, unknown

Device = Literal["auto", "cpu", "gpu"]
Fields = dict[str, type]

COMMON: Fields = {
    "name": str,
    "rate": int,
    "hop": int,
    "state": int,
    "parameters": int,
    "licence": str,
    "trained_on": list,
    "quality": dict,
    "sha256": str,
}
"""What the card of every pack tells."""

_VERSION = 1
_GPU = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"


def read_fields(folder: Path, kind: str, wanted: Fields) -> dict[str, Any]:
    """The fields of a card of a kind, by type, checked against model.onnx. Raises ModelError."""
    path = folder / "card.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        graph = (folder / "model.onnx").read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"model pack '{folder}' has no {Path(error.filename).name}") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {first_line(error)}") from error
    if not isinstance(card, dict) or (card.get("format"), card.get("version")) != (kind, _VERSION):
        raise ModelError(f"{path} is not a card of format {kind} version {_VERSION}")
    fields = {key: value for key, value in card.items() if key not in ("format", "version")}
    for key in fields.keys() ^ wanted.keys():
        raise ModelError(f"{path}: {'unknown' if key in fields else 'missing'} key '{key}'")
    for key, form in wanted.items():
        if type(fields[key]) is not form:
            raise ModelError(f"{path}: '{key}' must be {form.__name__}, got {fields[key]!r}")
    if hashlib.sha256(graph).hexdigest() != fields["sha256"]:
        raise ModelError(f"{path} is the card of another model: sha256 differs from model.onnx")
    return {key: tuple(value) if wanted[key] is list else value for key, value in fields.items()}


def open_session(folder: Path, name: str, device: Device = "auto", threads: int = 1) -> Any:
    """A session of ONNX Runtime with the graph of pack ``name``. Raises ModelError."""
    check_device(device)
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
    except Exception as error:  # ONNX Runtime raises many types of its own
        raise ModelError(f"{folder / 'model.onnx'} does not run: {first_line(error)}") from error
    if device == "gpu" and _GPU not in session.get_providers():
        have = ", ".join(session.get_providers())
        raise ModelError(f"no GPU for pack '{name}': ONNX Runtime offers {have}; use --device cpu")
    return session


def check_graph(name: str, session: Any, want: Mapping[str, int | None]) -> None:
    """Raises ModelError unless a graph has these inputs and outputs with so many values; None is any."""
    have = {i.name: i.shape[-1] for i in (*session.get_inputs(), *session.get_outputs())}
    for part, size in want.items():
        if part not in have or (size is not None and isinstance(have[part], int) and have[part] != size):
            wrong = f"has {have[part]} values, the card says {size}" if part in have else "is missing"
            raise ModelError(f"pack '{name}': '{part}' in model.onnx {wrong}")


def check_device(device: str) -> None:
    """Raises ModelError where it is none."""
    if device not in get_args(Device):
        raise ModelError(unknown("device", device, get_args(Device)))


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


def first_line(error: Exception) -> str:
    """What an error says, in one line."""
    return (str(error) or type(error).__name__).splitlines()[0]


def _has(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
