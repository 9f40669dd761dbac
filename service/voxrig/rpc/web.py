"""voxrig's own API over WebSocket, for pages and engines: a conversation as in ``face.py``, one a connection.

The messages are those of ``voxrig_bridge.web``. A client that goes away in the middle has left: unlike a
call of gRPC, a WebSocket cannot be closed on one side alone, so the sound ends with ``end``.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, NegotiationError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from voxrig_bridge import door, web

from ..errors import VoxrigError, one_line
from ..listening import bound
from ..types import Key
from .auth import loopback
from .floor import Floor
from .order import Order, directed, rate_of, rigs
from .parts import Block, Notice, Part
from .status import Refusal, soon
from .voice import Voice

_CODES = {"UNAVAILABLE": 1001, "RESOURCE_EXHAUSTED": 1013, "INTERNAL": 1011}
"""How a connection is closed after an error; 1008 after all others, which are the client's."""
_INTERNAL = "internal error; the server's log tells more"
_BUFFER = 1 << 16  # bytes that the system holds for a client: frames that wait there cannot be dropped
_PING = 20.0  # s between pings, which keep routers from forgetting a connection
_CLOSING = 10.0  # s for a client to take the last of it and close after us
_QUEUED = 8  # messages that wait to be heard
_OTHERS = 100  # connections that are no streams: those that will be turned away
_PATIENCE = 10.0  # s to open a connection

_log = logging.getLogger("voxrig.web")


@dataclass(frozen=True)
class Entrance:
    """Where to listen, and who may come in."""

    host: str
    port: int
    """0 finds a free one."""
    keys: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    """Of pages that may connect, beside those of this machine and of the server's own host."""
    tls: ssl.SSLContext | None = None
    shared: bool = False
    """Whether other processes listen on the same port."""


class Front:
    """The WebSocket side of a floor."""

    def __init__(self, floor: Floor, entrance: Entrance) -> None:
        self._floor, self._entrance = floor, entrance
        self._local = loopback(entrance.host)
        self._server: Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Listens. Raises VoxrigError."""
        at = self._entrance
        listening = _listening(at)
        self.port = int(listening.getsockname()[1])
        self._server = await serve(
            self._served,
            sock=listening,
            ssl=at.tls,
            process_request=self._admitted,
            select_subprotocol=_subprotocol,
            compression=None,  # sound and frames hardly shrink, and it costs more than making them
            max_size=self._floor.limits.max_message,
            max_queue=_QUEUED,
            write_limit=_BUFFER // 2,
            open_timeout=_PATIENCE,
            close_timeout=_CLOSING,
            ping_interval=_PING,
            ping_timeout=None,  # an answer waits behind sound that waits; who vanishes is found by silence
            logger=logging.Logger("websockets", logging.CRITICAL + 1),  # what strangers send is no event
        )

    async def stop(self, grace: float) -> None:
        """Takes nobody in, gives those who are there so long to hear the last, and ends. Twice is fine."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close(close_connections=False)
        try:
            await asyncio.wait_for(asyncio.shield(server.wait_closed()), grace)
        except TimeoutError:
            for connection in list(server.connections):
                connection.transport.abort()
            await server.wait_closed()

    async def _admitted(self, connection: ServerConnection, request: Request) -> Response | None:
        """Nothing, or why a handshake ends here."""
        if request.path.partition("?")[0] != web.PATH:
            return _refused(HTTPStatus.NOT_FOUND, f"have {web.PATH}")
        origin, host = request.headers.get("origin"), request.headers.get("host", "")
        if not door.origin_allowed(origin, host, self._entrance.origins, self._local):
            self._floor.metrics.refused("origin")
            return _refused(HTTPStatus.FORBIDDEN, "pages of this origin may not connect: see --origin")
        assert self._server is not None
        if len(self._server.connections) >= self._floor.limits.streams + _OTHERS:
            self._floor.metrics.refused("full")
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections")
        return None

    async def _served(self, connection: ServerConnection) -> None:
        """A conversation, from the first message to the last."""
        try:
            fault = await self._faults(connection)
            if fault is not None:
                await connection.send(web.text(fault))
            # What it still says is heard, or it would never read the reason, nor we that it closes.
            hearing = asyncio.create_task(_hear_out(connection))
            code, reason = (_CODES.get(fault.code, 1008), fault.code.lower()) if fault else (1000, "")
            await connection.close(code, reason)
            await hearing
        except ConnectionClosed:
            pass
        except asyncio.CancelledError:
            connection.transport.abort()  # the client has left, or reads nothing

    async def _faults(self, connection: ServerConnection) -> web.Fault | None:
        """Converses. What went wrong, if anything did."""
        try:
            if not self._known(connection):
                self._floor.metrics.refused("key")
                return web.Fault("UNAUTHENTICATED", door.DENIED)
            await self._converse(connection)
        except Refusal as error:
            return web.Fault(str(error.code.name), one_line(str(error)), error.retry)
        except VoxrigError as error:
            return web.Fault("INVALID_ARGUMENT", one_line(str(error)))
        except ConnectionClosed:
            raise
        except Exception:
            _log.exception("a conversation failed")
            return web.Fault("INTERNAL", _INTERNAL)
        return None

    def _known(self, connection: ServerConnection) -> bool:
        if not self._entrance.keys:
            return True
        assert connection.request is not None
        headers = connection.request.headers
        given = door.keys_given(headers.raw_items())
        return door.known(given, self._entrance.keys)

    async def _converse(self, connection: ServerConnection) -> None:
        config = await soon(_first(connection), self._floor.limits.idle)
        order = _order(config, next(iter(self._floor.models)))
        with self._floor.admit(await directed(order, config.direction, config.seconds)) as voice:
            task = asyncio.current_task()
            assert task is not None
            listening = asyncio.create_task(_listen(connection, voice, task))
            try:
                await connection.send(web.text(_header(voice)))
                async for part in voice:
                    for message in _messages(part, voice.order.size, config.format):
                        await connection.send(message)
                        voice.took()
            except ConnectionClosed:
                raise asyncio.CancelledError from None  # left, as the floor counts it
            finally:
                listening.cancel()
                # Whoever reads next, the closing handshake, must not find it reading.
                await asyncio.wait({listening})


async def _first(connection: ServerConnection) -> web.Config:
    """The config. Raises VoxrigError and ConnectionClosed."""
    message = await connection.recv()
    said = web.parse(message) if isinstance(message, str) else None
    if not isinstance(said, web.Config):
        raise VoxrigError("a conversation begins with a config")
    return said


async def _listen(connection: ServerConnection, voice: Voice, task: asyncio.Task[Any]) -> None:
    """Hears a client to the end; what is wrong with it ends the stream. Who closes has left ``task``."""
    try:
        async for message in connection:
            await _hear(voice, web.parse(message))
    except (VoxrigError, ValueError) as error:
        voice.fail(error)
        await _hear_out(connection)
    except ConnectionClosed:
        pass
    task.cancel()


async def _hear_out(connection: ServerConnection) -> None:
    """Hears what a client still has to say, until it has closed."""
    with suppress(ConnectionClosed):
        async for _ in connection:
            pass


async def _hear(voice: Voice, said: web.Request) -> None:
    match said:
        case web.Sound():
            await voice.say(said.samples)
        case web.Ack():
            voice.ack(said.frame)
        case web.StyleKey():
            voice.key(said.style, said.at, said.transition)
        case web.Look():
            free = said.yaw is None and said.pitch is None
            voice.look(None if free else (said.yaw or 0.0, said.pitch or 0.0), said.at)
        case web.Interrupt():
            voice.interrupt(said.shown, said.closing)
        case web.End():
            voice.end()
        case web.Config():
            raise VoxrigError("a second config; a conversation has one, at its beginning")


def _order(config: web.Config, default: str) -> Order:
    """Raises VoxrigError."""
    return Order(
        rate=config.rate,
        encoding=config.encoding,
        rigs=rigs(list(config.rigs)),
        fps=rate_of(config.fps.numerator, config.fps.denominator),
        model=config.model or default,
        style=config.style,
        pacing=config.pacing,
        idle=config.idle,
        echo=config.echo,
        name=config.name,
        window=config.window,
        keys=tuple(Key(key.at / max(config.rate, 1), key.style, key.transition) for key in config.keys),
        life=config.life,
        seed=config.seed,
    )


def _header(voice: Voice) -> web.Header:
    order = voice.order
    return web.Header(
        face=0,
        name=order.name,
        fps=order.fps,
        latency=voice.latency,
        model=order.model,
        targets=tuple(web.Target(rig.name, rig.curves) for rig in order.rigs),
        sound=web.SoundFormat(order.rate, order.encoding) if order.echo else None,
    )


def _messages(part: Part, sample: int, form: web.Format) -> Iterator[str | bytes]:
    if isinstance(part, Block):
        for piece in web.pieces(web.Block(0, part.start, part.tracks, part.sound), sample):
            yield web.pack(piece) if form == "binary" else web.text(piece)
    elif isinstance(part, Notice):
        yield web.text(web.Notice(0, part.kind, part.message, part.first, part.end, part.seconds))
    else:
        counts = (part.samples, part.frames, part.dropped, part.late, part.silence)
        yield web.text(web.Summary(0, *counts, part.lateness))


def _listening(at: Entrance) -> socket.socket:
    """A bound socket. Raises VoxrigError."""
    try:
        return bound(at.host, at.port, _BUFFER, at.shared)
    except OSError as error:
        said = error.strerror or str(error)
        raise VoxrigError(f"cannot listen for WebSockets on {at.host}:{at.port}: {said}") from error


def _refused(status: HTTPStatus, said: str) -> Response:
    body = f"{said}\n".encode()
    headers = Headers(
        {
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
    )
    return Response(status.value, status.phrase, headers, body)


def _subprotocol(connection: Any, offered: Any) -> Subprotocol | None:
    """Ours; none for clients that offer none, whose path names the protocol, too."""
    if web.SUBPROTOCOL in offered:
        return cast(Subprotocol, web.SUBPROTOCOL)
    if offered:
        raise NegotiationError(f"have {web.SUBPROTOCOL}")
    return None
