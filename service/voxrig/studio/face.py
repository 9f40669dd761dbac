"""``/v1/face``: the conversation of the service, for the page's microphone, passed on to a floor inside."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType, web

from voxrig_bridge.web import PATH, SUBPROTOCOL

from ..rpc.floor import Floor
from ..rpc.limits import Limits
from ..rpc.metrics import Metrics
from ..rpc.web import Entrance, Front
from .packs import Packs
from .refusal import Refusal

_HOME = "127.0.0.1"
_PACKS = ("live", "fast")
_STREAMS = 4
_GRACE = 0.2  # s for conversations to end when the studio does


class Faces:
    """The service inside the studio, begun with the first conversation. Belongs to the event loop."""

    def __init__(self, packs: Packs) -> None:
        self._packs = packs
        self._key = secrets.token_urlsafe(16)  # of the floor, so that all come through the studio's own door
        self._begun = asyncio.Lock()
        self._floor: Floor | None = None
        self._front: Front | None = None
        self._session: ClientSession | None = None

    async def serve(self, request: web.Request, sockets: set[web.WebSocketResponse]) -> web.WebSocketResponse:
        """One conversation, in both directions; meanwhile it is one of ``sockets``. Raises Refusal."""
        offered = [word.strip() for word in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        ours = (SUBPROTOCOL,) if SUBPROTOCOL in offered else ()
        session, port = await self._begin()
        try:
            inner = await session.ws_connect(
                f"ws://{_HOME}:{port}{PATH}",
                protocols=ours,
                headers={"Authorization": f"Bearer {self._key}"},
                max_msg_size=0,
                autoclose=False,
            )
        except ClientError as error:
            raise Refusal(429, f"no room for another conversation: {error}") from error
        async with inner:
            outer = web.WebSocketResponse(
                protocols=ours, max_msg_size=Limits().max_message, compress=False, autoclose=False
            )
            await outer.prepare(request)
            sockets.add(outer)
            tasks = [asyncio.create_task(_pass(outer, inner)), asyncio.create_task(_pass(inner, outer))]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                sockets.discard(outer)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                code = inner.close_code or outer.close_code or 1000
                with suppress(ConnectionError, asyncio.TimeoutError):
                    await outer.close(code=code if code != 1006 else 1001)
        return outer

    async def stop(self) -> None:
        """Ends all conversations."""
        if self._session is not None:
            await self._session.close()
        if self._floor is not None:
            await self._floor.drain(_GRACE)
        if self._front is not None:
            await self._front.stop(_GRACE)
        if self._floor is not None:
            await self._floor.close()

    async def _begin(self) -> tuple[ClientSession, int]:
        async with self._begun:
            if self._front is None or self._session is None:
                packs = self._packs
                models = {name: await asyncio.to_thread(packs.model, name) for name in _PACKS}
                expression, ear = (
                    await asyncio.to_thread(packs.expression),
                    await asyncio.to_thread(packs.ear),
                )
                limits = Limits(streams=_STREAMS, renders=0)
                self._floor = Floor(models, limits, Metrics(_STREAMS), expression=expression, ear=ear)
                front = Front(self._floor, Entrance(_HOME, 0, keys=(self._key,)))
                await front.start()
                self._session, self._front = ClientSession(), front
            return self._session, self._front.port


async def _pass(
    source: web.WebSocketResponse | ClientWebSocketResponse,
    to: web.WebSocketResponse | ClientWebSocketResponse,
) -> None:
    """Hands messages on until one side closes, and then closes the other as that did."""
    with suppress(ConnectionError):
        while True:
            message = await source.receive()
            if message.type == WSMsgType.TEXT:
                await to.send_str(message.data)
            elif message.type == WSMsgType.BINARY:
                await to.send_bytes(message.data)
            elif message.type == WSMsgType.CLOSE:
                await to.close(code=message.data or 1000, message=(message.extra or "").encode())
                return
            else:
                return
