"""The small networks that find faces, and where they come from. Knows nothing about pictures.

They are TFLite files: those that the wheel of mediapipe 0.10.21 carries (Apache-2.0), of which nothing else
is used, or those in a ``face_landmarker.task``, a zip that MediaPipe offers for download.
"""

from __future__ import annotations

import importlib.util
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxrig.errors import ModelError
from voxrig.types import Array

_HOW = (
    "run: pip install ai-edge-litert && pip install --no-deps mediapipe==0.10.21 "
    "(or give a face_landmarker.task with --landmarker)"
)
_LARGEST = 64 * 1024 * 1024
"""Bytes that a network may have."""


class Network:
    """One TFLite network with one input picture."""

    def __init__(self, content: bytes, name: str) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ModelError(f"a face can be found with the package ai-edge-litert only; {_HOW}") from error
        try:
            self._run = Interpreter(model_content=content, num_threads=1)
            self._run.allocate_tensors()
            self._in = self._run.get_input_details()[0]
            self._out = self._run.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{name} is no network that can be run: {str(error)[:80]}") from error
        self.side = int(self._in["shape"][1])
        """Pixels of a side of the picture it wants."""

    def __call__(self, picture: Array) -> list[Array]:
        """Its answers, each flat, to a picture (side, side, 3) float32; largest answer first."""
        self._run.set_tensor(self._in["index"], np.ascontiguousarray(picture[None], np.float32))
        self._run.invoke()
        answers = [self._run.get_tensor(about["index"]).ravel() for about in self._out]
        return sorted(answers, key=len, reverse=True)


@dataclass(frozen=True, eq=False)
class Models:
    """What is needed to find a face's landmarks."""

    faces: Network
    """Finds faces in a square, roughly."""
    landmarks: Network
    """468 or 478 points of one face."""
    iris: Network | None
    """An iris in the picture of one eye, where ``landmarks`` knows 468 points only."""
    person: Network | None
    """Which pixels are a person."""


def load(landmarker: Path | None = None) -> Models:
    """The networks of a .task file, else of the installed mediapipe. Raises ModelError."""
    parts = _folder()
    if landmarker is None and parts is None:
        raise ModelError(f"the networks that find a face are not installed; {_HOW}")
    own = {name: part for name, path in _PARTS.items() if (part := _part(parts, path)) is not None}
    if landmarker is not None:
        own.update(_task(landmarker))
    missing = [name for name in ("faces", "landmarks") if name not in own]
    if missing:
        raise ModelError(f"this installation of mediapipe has no {_PARTS[missing[0]]}; {_HOW}")
    made = {name: Network(content, name) for name, content in own.items()}
    iris = None if made["landmarks"].side != 192 else made.get("iris")
    return Models(made["faces"], made["landmarks"], iris, made.get("person"))


_PARTS = {
    "faces": "face_detection/face_detection_short_range.tflite",
    "landmarks": "face_landmark/face_landmark.tflite",
    "iris": "iris_landmark/iris_landmark.tflite",
    "person": "selfie_segmentation/selfie_segmentation.tflite",
}
"""Below modules/ in the wheel of mediapipe 0.10.21."""
_TASK = {"faces": "face_detector.tflite", "landmarks": "face_landmarks_detector.tflite"}
"""Members of a face_landmarker.task."""


def _folder() -> Path | None:
    """Where mediapipe is installed. It is not imported: only its data are read."""
    found = importlib.util.find_spec("mediapipe")
    places = list(found.submodule_search_locations or []) if found else []
    return Path(places[0]) / "modules" if places else None


def _part(folder: Path | None, path: str) -> bytes | None:
    return (folder / path).read_bytes() if folder is not None and (folder / path).is_file() else None


def _task(path: Path) -> dict[str, bytes]:
    out = {}
    try:
        with zipfile.ZipFile(path) as whole:
            for name, member in _TASK.items():
                if whole.getinfo(member).file_size > _LARGEST:
                    raise ModelError(f"landmarker {path}: {member} is larger than {_LARGEST >> 20} MiB")
                out[name] = whole.read(member)
    except OSError as error:
        raise ModelError(f"cannot read landmarker {path}: {error.strerror or error}") from error
    except (KeyError, zipfile.BadZipFile) as error:
        have = ", ".join(_TASK.values())
        raise ModelError(
            f"landmarker {path} is no face_landmarker.task: it must be a zip with {have}"
        ) from error
    return out


def squashed(logit: NDArray[np.float32] | float) -> NDArray[np.float32]:
    """How sure a network is, 0..1."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -80, 80))), np.float32)
