"""Runs a studio until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from voxrig_bridge.door import loopback

from .._version import __version__
from ..avatar.load import load
from ..errors import FormatError, VoxrigError
from ..listening import bound
from ..pack import Device
from .app import Studio
from .entrance import Entrance

_LONGEST_LINE = 1 << 17  # bytes of a request's first line: texts come in addresses
_GRACE = 1.0  # s for answers under way when it ends


@dataclass(frozen=True)
class Address:
    """Where to listen."""

    host: str = "127.0.0.1"
    port: int = 8600
    """0 finds a free one."""
    token: str = ""
    """What visitors must show; empty draws one where others than this machine can come."""


def serve(at: Address, device: Device = "auto", avatar: Path | None = None, browse: bool = True) -> int:
    """Prints the address and serves until SIGINT or SIGTERM; 0. Raises VoxrigError."""
    if avatar is not None:
        if avatar.suffix.lower() not in (".glb", ".vrm"):
            raise FormatError(f"cannot show avatar {avatar} on a page: it must be a .glb or .vrm file")
        load(avatar)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="voxrig: %(message)s")
    token = at.token or ("" if loopback(at.host) else secrets.token_urlsafe(16))
    try:
        return asyncio.run(_serve(at, token, device, avatar, browse))
    finally:
        _leave()


async def _serve(at: Address, token: str, device: Device, avatar: Path | None, browse: bool) -> int:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for kind in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(kind, stopped.set)
        except NotImplementedError:  # Windows
            signal.signal(kind, lambda *_: loop.call_soon_threadsafe(stopped.set))
    listening = _listening(at)
    studio = Studio(Entrance(at.host, token), device, avatar)
    runner = web.AppRunner(
        studio.app(),
        access_log=None,
        logger=logging.Logger("aiohttp", logging.CRITICAL + 1),  # what strangers send is no event
        handle_signals=False,
        shutdown_timeout=_GRACE,
        max_line_size=_LONGEST_LINE,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        url = _url(at.host, listening.getsockname()[1], token)
        print(f"voxrig {__version__} studio on {url}", flush=True)
        if browse:
            # Some browsers are programs in the terminal, and nothing comes back before they end.
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
        await stopped.wait()
        for kind in (signal.SIGINT, signal.SIGTERM):  # a second one does not wait
            loop.remove_signal_handler(kind)
    finally:
        await runner.cleanup()
    return 0


def _leave() -> None:
    """Ends the process here and now where a thread still draws or speaks what nobody will have: that can
    take a minute, and Python would wait for it."""
    end = time.monotonic() + _GRACE
    others = [t for t in threading.enumerate() if t is not threading.current_thread() and not t.daemon]
    for thread in others:
        thread.join(max(0.0, end - time.monotonic()))
    if sys.exc_info()[0] is None and any(thread.is_alive() for thread in others):
        sys.stdout.flush()
        os._exit(0)


def _listening(at: Address) -> socket.socket:
    """A bound socket. Raises VoxrigError."""
    try:
        return bound(at.host, at.port)
    except OSError as error:
        said = error.strerror or str(error)
        raise VoxrigError(
            f"cannot listen on {at.host}:{at.port}: {said}; --port 0 finds a free one"
        ) from error


def _url(host: str, port: int, token: str) -> str:
    """What a browser is told."""
    bare = host.strip("[]")
    name = socket.gethostname() if bare in ("0.0.0.0", "::", "") else f"[{bare}]" if ":" in bare else bare
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")
