"""All models of the studio, each loaded when it is first wanted."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from ..emotion import Ear, load_ear
from ..expression import Expression, load_expression
from ..model import OnnxModel, load
from ..pack import Device

if TYPE_CHECKING:
    from ..tts import Speaker


class Packs:
    """For any thread."""

    def __init__(self, device: Device = "auto") -> None:
        self._device: Device = device
        self._lock = Lock()
        self._models: dict[str, OnnxModel] = {}
        self._expression: Expression | None = None
        self._ear: Ear | None = None
        self._speaker: Speaker | None = None

    def ready(self) -> None:
        """Loads what nearly every take needs. Raises ModelError."""
        self.model("file")
        self.expression()

    def model(self, name: str) -> OnnxModel:
        """A speech pack. Raises ModelError."""
        with self._lock:
            if name not in self._models:
                self._models[name] = load(name, self._device)
            return self._models[name]

    def expression(self) -> Expression:
        """Raises ModelError."""
        with self._lock:
            if self._expression is None:
                self._expression = load_expression(self._device)
            return self._expression

    def ear(self) -> Ear:
        """Raises ModelError."""
        with self._lock:
            if self._ear is None:
                self._ear = load_ear(self._device)
            return self._ear

    def speaker(self) -> Speaker:
        """The local voices. Raises VoxrigError where none is installed."""
        from ..tts import Speaker

        with self._lock:
            if self._speaker is None:
                self._speaker = Speaker()
            return self._speaker
