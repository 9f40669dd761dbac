"""The WebSocket by which a page directs a take and gets its frames: docs/studio.md tells the messages."""

from __future__ import annotations

import asyncio
import json
import logging
import struct
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web

from voxrig_bridge.fields import Fields, fields

from ..errors import VoxrigError, WireError, one_line
from ..performance import Direction
from ..rigs import get
from ..types import Array, Frames
from .links import Links
from .outbox import Outbox
from .packs import Packs
from .refusal import INTERNAL
from .shelf import Shelf
from .show import Show
from .take import Take
from .wishes import direction_in, rate

BLOCK = 120
"""Frames in a message at most."""
_HEAD = struct.Struct("<4I")  # serial, first frame, frames, 0
_MOST_SERIAL = (1 << 32) - 1
_LONGEST = 1 << 20  # bytes of a message of the page
_HEARTBEAT = 20.0  # s after which a page that does not answer is gone
_FASTEST = 16.0  # speed of the sound

_log = logging.getLogger("voxrig.studio")


class Stage:
    """One page's conversation. Lives on the event loop; frames are made in ``hands``."""

    def __init__(self, shelf: Shelf, packs: Packs, links: Links, hands: Executor) -> None:
        self._shelf, self._packs, self._links, self._hands = shelf, packs, links, hands
        self._out = Outbox()
        self._loop = asyncio.get_running_loop()
        self._gone = False

    async def serve(self, request: web.Request, sockets: set[web.WebSocketResponse]) -> web.WebSocketResponse:
        """From the handshake to the end; meanwhile it is one of ``sockets``."""
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT, max_msg_size=_LONGEST, compress=False)
        await socket.prepare(request)
        sockets.add(socket)
        sending = asyncio.create_task(self._send(socket))
        self.tell_links()
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    self._hear(message.data)
                elif message.type == WSMsgType.BINARY:
                    self._out.tell("error", _error(0, "a page says text, no bytes"))
        finally:
            sockets.discard(socket)
            self._gone = True
            self._out.begin(0)
            self._links.leave(self)
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
        return socket

    def tell_links(self, always: bool = False) -> None:
        """How the links are now; where there are none, nothing but ``always``."""
        told = self._links.told()
        if told or always:
            self._out.tell("links", json.dumps({"type": "links", "links": told}))

    async def _send(self, socket: web.WebSocketResponse) -> None:
        with suppress(ConnectionError):
            while True:
                message = await self._out.next()
                if isinstance(message, str):
                    await socket.send_str(message)
                else:
                    await socket.send_bytes(message)

    def _hear(self, text: str) -> None:
        serial = self._out.serial
        try:
            told = fields(text)
            if told.kind == "direct":
                serial = told.whole("serial", None, _MOST_SERIAL)
                if serial <= self._out.serial:
                    raise WireError(f"serial is {serial}; it grows: have more than {self._out.serial}")
                self._out.begin(serial)
                self._direct(serial, told)
            elif told.kind == "clock":
                self._clock(told)
            else:
                raise WireError(f"unknown message '{one_line(told.kind[:64])}'; have direct, clock")
        except VoxrigError as error:
            self._out.tell("error", _error(serial, str(error)))

    def _direct(self, serial: int, told: Fields) -> None:
        began = time.perf_counter()
        take = self._shelf.get(told.words("take"))
        direction = direction_in(told, get(told.words("rig", "arkit")), rate(told.number("fps", 60.0)))
        since = max(0.0, min(told.number("from", 0.0), take.seconds))
        told.check_known()
        self._hands.submit(self._play, serial, take, direction, since, began)

    def _clock(self, told: Fields) -> None:
        take, playing = told.words("take", ""), told.value("playing", bool)
        at, speed = told.number("at", 0.0), told.number("speed", 1.0)
        told.whole("serial", 0, _MOST_SERIAL)
        told.check_known()
        if not 0 < speed <= _FASTEST or not 0 <= at <= 1e6:
            raise WireError(
                f"a clock at {at:g} s of speed {speed:g}; have 0 s and on, and up to {_FASTEST:g}"
            )
        self._links.hear(self, take, playing, at, speed)

    def _play(self, serial: int, take: Take, direction: Direction, since: float, began: float) -> None:
        """Makes frames, until there is a newer direction; called in another thread."""
        try:
            if self._stale(serial):
                return
            show = Show(take, direction, self._packs)
            self._put(serial, _header(serial, show))
            for made in _ordered(show, since):
                if self._stale(serial):
                    return
                self._put(serial, partial(_block, serial, made))
            took = round(1000 * (time.perf_counter() - began))
            self._put(serial, json.dumps({"type": "done", "serial": serial, "milliseconds": took}))
            self._link(show)
        except VoxrigError as error:
            self._put(serial, _error(serial, str(error)))
        except Exception:
            _log.exception("a direction failed")
            self._put(serial, _error(serial, INTERNAL))

    def _link(self, show: Show) -> None:
        whole = show.whole()
        for rig in self._links.rigs():  # here, so that the links' own thread need not wait for it
            with suppress(VoxrigError):
                whole.onto(rig)
        if not self._gone:
            self._links.show(self, whole)

    def _stale(self, serial: int) -> bool:
        return self._gone or serial != self._out.serial

    def _put(self, serial: int, message: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._out.put, serial, message)


def _ordered(show: Show, since: float) -> Iterator[Frames]:
    """Blocks of a show: that with the moment ``since`` and those after it, then those before."""
    first = min(int(since * float(show.direction.fps)), show.frames - 1)
    before: list[Array] = []
    for part in show.parts():
        early = min(max(0, first - part.start), len(part))
        if early:
            before.append(part.values[:early])
        yield from _cut(part, part.values[early:], part.start + early)
    if before:
        yield from _cut(part, np.concatenate(before), 0)


def _cut(of: Frames, values: Array, start: int) -> Iterator[Frames]:
    for at in range(0, len(values), BLOCK):
        yield Frames(of.rig, values[at : at + BLOCK], of.fps, start + at)


def _header(serial: int, show: Show) -> str:
    rig = show.direction.rig
    return json.dumps(
        {
            "type": "stage",
            "serial": serial,
            "rig": rig.name,
            "curves": list(rig.curves),
            "fps": float(show.direction.fps),
            "frames": show.frames,
            "warnings": list(show.staging.unknown),
        }
    )


def _block(serial: int, made: Frames) -> bytes:
    head = _HEAD.pack(serial, made.start, len(made), 0)
    return head + np.ascontiguousarray(made.values, "<f4").tobytes()


def _error(serial: int, sentence: str) -> str:
    return json.dumps({"type": "error", "serial": serial, "error": one_line(sentence)})
