"""A studio on a free port, for as long as a test needs it, and a page that talks to it."""

from __future__ import annotations

import asyncio
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from aiohttp import web
from websockets.sync.client import ClientConnection, connect

from voxrig.studio.app import Limits, Studio
from voxrig.studio.entrance import Entrance


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The sentence, where there is one and nothing else."""
        told = self.json
        assert set(told) == {"error"}
        return str(told["error"])


@dataclass(frozen=True)
class Running:
    """A studio that answers."""

    port: int
    studio: Studio
    routes: list[web.AbstractRoute]

    def ask(
        self, method: str, path: str, body: bytes | dict[str, Any] | None = None, **headers: str
    ) -> Answer:
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def upload(self, data: bytes, name: str = "line.wav", kind: str = "", **words: str) -> Answer:
        return self.ask("POST", f"/api/takes{kind}?{urlencode({'name': name} | words)}", data)

    @contextmanager
    def page(self) -> Iterator[Page]:
        with connect(f"ws://127.0.0.1:{self.port}/api/stage", max_size=None) as socket:
            yield Page(socket)


@dataclass
class Shown:
    """What came of a direction."""

    header: dict[str, Any] = field(default_factory=dict)
    blocks: list[tuple[int, np.ndarray]] = field(default_factory=list)
    done: dict[str, Any] = field(default_factory=dict)

    @property
    def values(self) -> np.ndarray:
        """All frames in their order; each must have come once."""
        blocks = sorted(self.blocks, key=lambda block: block[0])
        at = 0
        for start, values in blocks:
            assert start == at
            at += len(values)
        assert at == self.header["frames"]
        return np.concatenate([values for _, values in blocks])


class Page:
    """The other end of the stage."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.links: list[list[dict[str, Any]]] = []

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def direct(self, serial: int, take: str, **wishes: Any) -> Shown:
        """Directs, and hears all that comes of it."""
        self.say(type="direct", serial=serial, take=take, **wishes)
        return self.shown(serial)

    def next(self) -> dict[str, Any] | bytes:
        """What is said next that is not about links."""
        while True:
            message = self.socket.recv(timeout=60)
            if isinstance(message, bytes):
                return message
            told: dict[str, Any] = json.loads(message)
            if told["type"] != "links":
                return told
            self.links.append(told["links"])

    def shown(self, serial: int) -> Shown:
        made = Shown()
        while not made.done:
            message = self.next()
            if isinstance(message, bytes):
                number, first, count, zero = struct.unpack_from("<4I", message)
                assert zero == 0
                if number == serial:
                    values = np.frombuffer(message, "<f4", offset=16)
                    made.blocks.append((first, values.reshape(count, -1)))
            elif message["serial"] == serial and message["type"] == "stage":
                assert not made.blocks
                made.header = message
            elif message["serial"] == serial:
                made.done = message
        return made


@contextmanager
def running(limits: Limits | None = None, token: str = "", avatar: Path | None = None) -> Iterator[Running]:
    """A studio in a thread of its own, on the loopback."""
    loop, begun, ended = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    found: dict[str, Any] = {}

    async def serve() -> None:
        studio = Studio(Entrance("127.0.0.1", token), "cpu", avatar, limits)
        app = studio.app()
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, max_line_size=1 << 17)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        found.update(port=runner.addresses[0][1], studio=studio, routes=list(app.router.routes()))
        begun.set()
        await ended.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert begun.wait(30)
    try:
        yield Running(**found)
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(30)
        assert not thread.is_alive()
        loop.close()
