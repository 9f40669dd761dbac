"""What every live protocol has in common: frames in, messages out.

A codec knows nothing about sockets, clocks or threads. One codec is one face: what it must remember
between frames (what was sent last, for protocols that send changes) is its own.
"""

from __future__ import annotations

from typing import Protocol

from voxrig.types import Array, Rig


class Codec(Protocol):
    """One face in one protocol."""

    @property
    def rig(self) -> Rig:
        """Whose curves ``encode`` takes, in that order."""
        ...

    def begin(self) -> list[bytes]:
        """What goes out once, before the first frame."""
        ...

    def encode(self, values: Array, seconds: float) -> list[bytes]:
        """(c,) values → the messages of one frame: datagrams, or for TCP the next bytes of the stream.

        ``seconds`` is the frame's time of day, counted from local midnight.
        """
        ...

    def end(self) -> list[bytes]:
        """What goes out once, after the last frame."""
        ...
