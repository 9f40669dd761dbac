"""voxrig: speech to face animation for game engines.

    frames = voxrig.animate("line.wav", rig="arkit", fps=60)

Names load on first use, so that importing voxrig costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .client import connect, connect_async
    from .engine import Engine, Stream
    from .errors import ServiceError, VoxrigError
    from .idle import Life
    from .model import load
    from .performance import Direction, animate, open_engine
    from .recital import transcribe
    from .speech.align import Transcript
    from .speech.pronounce import LANGUAGES
    from .types import AudioChunk, Auto, Frames, Key, Rig, Style

_HOMES = {
    **dict.fromkeys(("AudioChunk", "Auto", "Frames", "Key", "Rig", "Style"), "types"),
    **dict.fromkeys(("Direction", "animate", "open_engine"), "performance"),
    **dict.fromkeys(("Engine", "Stream"), "engine"),
    "Life": "idle",
    "LANGUAGES": "speech.pronounce",
    "Transcript": "speech.align",
    **dict.fromkeys(("ServiceError", "VoxrigError"), "errors"),
    **dict.fromkeys(("connect", "connect_async"), "client"),
    "load": "model",
    "transcribe": "recital",
}

__all__ = [
    "LANGUAGES",
    "AudioChunk",
    "Auto",
    "Direction",
    "Engine",
    "Frames",
    "Key",
    "Life",
    "Rig",
    "ServiceError",
    "Stream",
    "Style",
    "Transcript",
    "VoxrigError",
    "__version__",
    "animate",
    "connect",
    "connect_async",
    "load",
    "open_engine",
    "transcribe",
]


def __getattr__(name: str) -> Any:
    if name in ("rigs", "microphone"):
        return import_module(f"voxrig.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'voxrig' has no attribute '{name}'")
    return getattr(import_module(f"voxrig.{_HOMES[name]}"), name)
