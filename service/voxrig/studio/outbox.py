"""What waits to be sent to one page. Only the newest direction counts: what is left of others is dropped."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

Message = str | Callable[[], bytes]
"""Text, or bytes that are put together when their turn comes."""


class Outbox:
    """Belongs to the event loop."""

    def __init__(self) -> None:
        self.serial = 0
        """Of the newest direction."""
        self._waiting: deque[Message] = deque()
        self._aside: dict[str, str] = {}
        self._news = asyncio.Event()

    def begin(self, serial: int) -> None:
        """A newer direction: what waits of the one before is dropped."""
        self.serial = serial
        self._waiting.clear()

    def put(self, serial: int, message: Message) -> None:
        """The next message of a direction, unless there is a newer one."""
        if serial == self.serial:
            self._waiting.append(message)
            self._news.set()

    def tell(self, kind: str, text: str) -> None:
        """Something beside; one of each kind waits at most."""
        self._aside[kind] = text
        self._news.set()

    async def next(self) -> str | bytes:
        """What is to be sent next."""
        while not (self._aside or self._waiting):
            self._news.clear()
            await self._news.wait()
        if self._aside:
            return self._aside.pop(next(iter(self._aside)))
        message = self._waiting.popleft()
        return message if isinstance(message, str) else message()
