"""A broadcaster: faces as ``voxrig.v1`` WebSocket messages to everyone who connects.

It runs on a thread of its own, and whoever sends frames never waits for whoever reads them: each client has
a short queue, in which the newest frames take the place of the oldest. Who joins late gets the headers of
the faces that are on. What clients say is passed over.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from http import HTTPStatus
from threading import Lock, Thread
from typing import Any, cast

import numpy as np
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, NegotiationError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from voxrig.errors import BridgeError
from voxrig.types import Array, Rig
from voxrig_bridge import door, web

_QUEUED = 32  # messages of frames that wait for a client; half a second of one face at 60 fps
_BUFFER = 1 << 15  # bytes that the system holds for a client: what waits there cannot be dropped
_STALL = 30.0  # s for which a client may read nothing
_CLIENTS = 256  # at once
_CLOSING = 2.0  # s for clients to take what is left when the broadcast ends


@dataclass(frozen=True)
class Counts:
    """What became of the messages of frames so far."""

    clients: int
    """Connected now."""
    sent: int
    dropped: int
    """For clients that read too slowly."""


class Broadcast:
    """A server on ``host`` and ``port``; 0 finds a free one, see ``port``. Use it in a ``with`` statement.

    ``keys``, where there are any, is who may listen; ``origins`` are pages that may, beside those of this
    machine and of the server's own host. One thread may call it at a time.
    """

    def __init__(
        self,
        host: str,
        port: int,
        keys: Iterable[str] = (),
        origins: Iterable[str] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Raises BridgeError where it cannot listen."""
        self._keys, self._origins = tuple(keys), tuple(origins)
        self._tls = tls
        self._local = door.loopback(host.strip("[]"))
        self._lock = Lock()
        self._faces: dict[int, web.Header] = {}
        self._clients: set[_Client] = set()
        self._sent = self._dropped = 0  # for clients that have left
        self._closed = False
        self._listening = _listening(host, port)
        self.port = int(self._listening.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        self._server: Server | None = None
        self._thread = Thread(target=self._run, name="voxrig-broadcast", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()

    def __enter__(self) -> Broadcast:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add_face(
        self,
        name: str,
        rig: Rig,
        fps: Fraction,
        latency: float = 0.0,
        sound: web.SoundFormat | None = None,
        model: str = "",
    ) -> int:
        """A face that will be sent; its id. Raises BridgeError where there are too many."""
        with self._lock:
            free = next((face for face in range(web.MAX_FACES) if face not in self._faces), None)
            if free is None:
                raise BridgeError(f"no face '{name}' more; a broadcast has {web.MAX_FACES} at most")
            target = web.Target(rig.name, rig.curves)
            header = web.Header(free, name, fps, latency, model, (target,), sound)
            message = web.text(header)
            self._faces[free] = header
            for client in self._clients:
                client.put(message)
        self._wake()
        return free

    def send(self, face: int, start: int, values: Array, sound: bytes = b"") -> None:
        """(t, c) frames from index ``start`` on, and their sound. Returns at once."""
        width = len(self._header(face).targets[0].curves)
        if values.ndim != 2 or values.shape[1] != width:
            raise ValueError(f"face {face} is told in (t, {width}), got {values.shape}")
        if not np.isfinite(values).all():
            raise ValueError(f"face {face} from frame {start} holds NaN or infinity")
        sample = 4 if (form := self._header(face).sound) and form.encoding == "f32" else 2
        for piece in web.pieces(web.Block(face, start, (values,), sound), sample):
            message = web.pack(piece)
            with self._lock:
                for client in self._clients:
                    client.put(message)
        self._wake()

    def end(self, face: int, samples: int = 0, frames: int = 0) -> None:
        """The face has ended; its id may come again. ``samples`` and ``frames`` are what it was told in."""
        self._header(face)
        message = web.text(web.Summary(face, samples=samples, frames=frames))
        with self._lock:
            del self._faces[face]
            for client in self._clients:
                client.put(message)
        self._wake()

    def counts(self) -> Counts:
        """What became of the messages of frames so far."""
        with self._lock:
            sent = self._sent + sum(client.sent for client in self._clients)
            dropped = self._dropped + sum(client.dropped for client in self._clients)
            return Counts(len(self._clients), sent, dropped)

    def close(self) -> None:
        """Lets clients take what is left, and ends. Takes a few seconds at most; closing twice is fine."""
        if not self._closed:
            self._closed = True
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    # ── on the thread ─────────────────────────────────────────────────────────────────────────────────

    async def _start(self) -> None:
        self._server = await serve(
            self._served,
            sock=self._listening,
            ssl=self._tls,
            process_request=self._admitted,
            select_subprotocol=_subprotocol,
            compression=None,
            max_size=1 << 16,
            max_queue=4,
            write_limit=_BUFFER // 2,
            close_timeout=_CLOSING,
            ping_timeout=None,  # who reads nothing is found by its queue
            logger=logging.Logger("websockets", logging.CRITICAL + 1),  # what strangers send is no event
        )

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close(close_connections=False)
        for client in list(self._clients):
            client.over = True
            client.ready.set()
        try:
            await asyncio.wait_for(asyncio.shield(self._server.wait_closed()), _CLOSING)
        except TimeoutError:
            for client in list(self._clients):
                client.connection.transport.abort()
            await self._server.wait_closed()

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._wake_all)

    def _wake_all(self) -> None:
        for client in self._clients:
            client.ready.set()

    async def _admitted(self, connection: ServerConnection, request: Request) -> Response | None:
        """Nothing, or why a handshake ends here."""
        origin, host = request.headers.get("origin"), request.headers.get("host", "")
        if not door.origin_allowed(origin, host, self._origins, self._local):
            return connection.respond(HTTPStatus.FORBIDDEN, "pages of this origin may not connect\n")
        if len(self._clients) >= _CLIENTS:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many listen\n")
        return None

    async def _served(self, connection: ServerConnection) -> None:
        try:
            if not self._known(connection):
                await connection.send(web.text(web.Fault("UNAUTHENTICATED", door.DENIED)))
                await connection.close(1008, "unauthenticated")
                return
            client = _Client(connection)
            with self._lock:
                for header in self._faces.values():
                    client.put(web.text(header))
                self._clients.add(client)
            passing = asyncio.create_task(_pass_over(client))
            try:
                await client.serve(self._lock)
                await connection.close(1001, "the broadcast has ended")
            finally:
                passing.cancel()
                with self._lock:
                    self._clients.discard(client)
                    self._sent += client.sent
                    self._dropped += client.dropped
        except ConnectionClosed:
            pass
        except TimeoutError:
            connection.transport.abort()

    def _known(self, connection: ServerConnection) -> bool:
        if not self._keys:
            return True
        assert connection.request is not None
        headers = connection.request.headers
        return door.known(door.keys_given(headers.raw_items()), self._keys)

    def _header(self, face: int) -> web.Header:
        if face not in self._faces:
            raise ValueError(f"no face {face}; have {sorted(self._faces)}")
        return self._faces[face]


class _Client:
    """One who listens. Its queue is filled by the sender's thread and emptied by the server's."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.sent = self.dropped = 0
        self.over = False
        self.ready = asyncio.Event()
        self._waiting: deque[str | bytes] = deque()
        self._frames = 0  # of those that wait

    def put(self, message: str | bytes) -> None:
        """Adds a message; drops the oldest frames where too many wait. The lock is held."""
        self._waiting.append(message)
        if isinstance(message, bytes):
            self._frames += 1
            if self._frames > _QUEUED:
                oldest = next(i for i, waiting in enumerate(self._waiting) if isinstance(waiting, bytes))
                del self._waiting[oldest]
                self._frames -= 1
                self.dropped += 1

    async def serve(self, lock: Lock) -> None:
        """Sends what is put, until it is over. Raises ConnectionClosed, and TimeoutError on who stalls."""
        self.ready.set()
        while True:
            await self.ready.wait()
            self.ready.clear()
            while (message := self._take(lock)) is not None:
                async with asyncio.timeout(_STALL):
                    await self.connection.send(message)
            if self.over:
                return

    def _take(self, lock: Lock) -> str | bytes | None:
        with lock:
            if not self._waiting:
                return None
            message = self._waiting.popleft()
            if isinstance(message, bytes):
                self._frames -= 1
                self.sent += 1
            return message


async def _pass_over(client: _Client) -> None:
    """Hears a client, so that its pings and its end are noticed."""
    with suppress(ConnectionClosed):
        async for _ in client.connection:
            pass
    client.over = True
    client.ready.set()


def _listening(host: str, port: int) -> socket.socket:
    """A bound socket. Raises BridgeError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)  # connections inherit it
            listening.bind(address)
        except OSError:
            listening.close()
            raise
    except (OSError, OverflowError) as error:
        raise BridgeError(
            f"cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}"
        ) from error
    return listening


def _subprotocol(connection: Any, offered: Any) -> Subprotocol | None:
    """Ours; none for clients that offer none."""
    if web.SUBPROTOCOL in offered:
        return cast(Subprotocol, web.SUBPROTOCOL)
    if offered:
        raise NegotiationError(f"have {web.SUBPROTOCOL}")
    return None
