"""How a server is told to stop: first to drain, then to end."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Stop:
    """Two wishes; the second holds the first."""

    drain: asyncio.Event = field(default_factory=asyncio.Event)
    """Serve those who are there, and nobody else."""
    end: asyncio.Event = field(default_factory=asyncio.Event)
    """Serve nobody."""

    def next(self) -> None:
        """Drain; or end, if that was wished before."""
        (self.end if self.drain.is_set() else self.drain).set()

    def now(self) -> None:
        """End."""
        self.drain.set()
        self.end.set()


def by_signals() -> Stop:
    """SIGTERM or SIGINT drains, the next one ends."""
    stop, loop = Stop(), asyncio.get_running_loop()
    for kind in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(kind, stop.next)
        except NotImplementedError:  # Windows
            signal.signal(kind, lambda *_: loop.call_soon_threadsafe(stop.next))
    return stop
