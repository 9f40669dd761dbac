"""Live protocols: pure codecs, the sockets that they leave by, and playback in real time.

Names are looked up when they are used, so that who wants one codec does not load them all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxrig_bridge.outlets import Outlet, OutletSink
    from voxrig_bridge.playback import Face, Playback
    from voxrig_bridge.receivers import RECEIVERS, Opener, open_sink

_HOMES = {
    **dict.fromkeys(("Outlet", "OutletSink"), "outlets"),
    **dict.fromkeys(("Face", "Playback"), "playback"),
    **dict.fromkeys(("RECEIVERS", "Opener", "open_sink"), "receivers"),
}

__all__ = ["RECEIVERS", "Face", "Opener", "Outlet", "OutletSink", "Playback", "open_sink"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'voxrig_bridge' has no attribute '{name}'")
    return getattr(import_module(f"voxrig_bridge.{_HOMES[name]}"), name)
