"""Ctrl-C and SIGTERM as one KeyboardInterrupt, raised where it is not lost and leaves no file behind."""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer, main_thread
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_DELICATE: Final = ("soundfile", "voxrig_export", "contextlib")
"""Modules that are not cut short. libsndfile calls back into Python through soundfile, and what is raised
there goes nowhere; voxrig_export makes, names and removes files; contextlib notes what is to be undone."""
_AGAIN: Final = 0.01  # s
_CLEAN_UP: Final = 1.0  # s
_TRIES: Final = 20  # a pipe that nobody reads can hold up voxrig_export for ever


@contextmanager
def caught() -> Iterator[None]:
    """Both signals interrupt what stands in the block, unless they are ignored, as under nohup."""
    interrupt = _Interrupt()
    before = {kind: signal.getsignal(kind) for kind in _SIGNALS}
    for kind, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(kind, interrupt)
    try:
        yield
    finally:
        if not interrupt.raised:  # else a second Ctrl-C would meet Python's own handler on the way out
            for kind, handler in before.items():
                signal.signal(kind, handler)


class _Interrupt:
    """Raises KeyboardInterrupt; the clean-up that follows is not interrupted in turn."""

    def __init__(self) -> None:
        self._tries, self._deaf = _TRIES, -math.inf

    @property
    def raised(self) -> bool:
        """Whether the program has been interrupted."""
        return self._deaf > 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if time.monotonic() < self._deaf:
            return
        if self._tries and _delicate(frame):
            self._tries -= 1
            timer = Timer(_AGAIN, _send, (number,))
            timer.daemon = True
            timer.start()
            return
        self._deaf = time.monotonic() + _CLEAN_UP
        raise KeyboardInterrupt


def _send(number: int) -> None:
    """The signal to the main thread, which it wakes where it waits for sound."""
    if sys.platform == "win32":
        signal.raise_signal(number)
    else:
        signal.pthread_kill(main_thread().ident or 0, number)


def _delicate(frame: FrameType | None) -> bool:
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] in _DELICATE:
            return True
        frame = frame.f_back
    return False
