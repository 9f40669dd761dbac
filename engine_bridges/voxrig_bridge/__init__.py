"""Live protocols: pure codecs, the sockets that they leave by, and playback in real time."""

from voxrig_bridge.outlets import Outlet, OutletSink
from voxrig_bridge.playback import Face, Playback
from voxrig_bridge.receivers import RECEIVERS, Opener, open_sink

__all__ = ["RECEIVERS", "Face", "Opener", "Outlet", "OutletSink", "Playback", "open_sink"]
