"""Ctrl-C and SIGTERM while files are being written: noted at once, acted upon between two steps.

Raised anywhere, an interrupt can be lost (what is raised in a callback of libsndfile goes nowhere) or
leave a temporary file that nobody knows of.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_PATIENCE: Final = 0.5  # s; after it we are not between steps but waiting for a pipe


@contextmanager
def noted() -> Iterator[Callable[[], None]]:
    """Within the block, both signals wait for a call of what it yields, which raises KeyboardInterrupt.

    Where none comes in time they interrupt on the spot, on systems that have timers. Signals that
    are ignored, as under nohup, stay so.
    """
    came: list[int] = []

    def note(number: int, frame: object) -> None:
        if not came and hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
        came.append(number)

    def check() -> None:
        if came:
            stop()
            raise KeyboardInterrupt

    def stop() -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)

    before = {kind: signal.getsignal(kind) for kind in _SIGNALS}
    before = {kind: handler for kind, handler in before.items() if handler is not signal.SIG_IGN}
    for kind in before:
        signal.signal(kind, note)
    if hasattr(signal, "SIGALRM"):
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, _now)
    try:
        yield check
    finally:
        stop()
        if not came:  # else the program is on its way out, and a second Ctrl-C has nothing to add
            for kind, handler in before.items():
                signal.signal(kind, handler)


def _now(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt
