"""How much one server takes on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds on what clients may ask for; beyond them a request is refused with a sentence."""

    streams: int = 200
    """Open at once in one process."""
    renders: int = 2
    """Of those, that draw pictures; 0 is none."""
    max_side: int = 1920
    """Pixels of a picture."""
    min_rate: int = 8000
    """Hertz."""
    max_rate: int = 192_000
    max_fps: int = 240
    max_targets: int = 8
    """Rigs in one stream."""
    max_message: int = 4_500_000
    """Bytes of one request; ten seconds at 192 kHz in 16 bits, and an uploaded clip, are less."""
    max_stream: float = 4 * 3600.0
    """Seconds of sound in one stream."""
    max_clip: float = 300.0
    """Seconds of sound in one Audio2Face-3D call."""
    idle: float = 60.0
    """Seconds without a request after which a stream is ended."""
    stall: float = 30.0
    """Seconds for which a client may read nothing while frames wait."""
    drain: float = 30.0
    """Seconds that open streams are served for once the server was told to stop."""
    retry: float = 1.0
    """Seconds after which who was turned away may try again."""
