"""Sockets that live frames leave by: datagrams, datagrams to whoever asks, and a stream.

None of them ever waits. What cannot go now is worth nothing a frame later: it is dropped, and counted by
the caller. A receiver that goes away and comes back is served again without being asked.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from voxrig.errors import BridgeError

_QUIET = 2.0  # s without a refusal after which a receiver counts as there again
_AGAIN = 1.0  # s between attempts to connect
_MOST_CALLERS = 16
_LARGEST = 2048  # bytes of a greeting


class Udp:
    """Datagrams to one address."""

    def __init__(self, host: str, port: int, said: Callable[[str], None] = lambda text: None) -> None:
        """``said`` hears when the receiver goes. Raises BridgeError where there can be none."""
        self.place, self._said = _name(host, port), said
        family, address = _look_up(host, port, socket.SOCK_DGRAM)
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        try:
            self._socket.connect(address)  # so that refusals come back
        except OSError as error:
            self._socket.close()
            raise BridgeError(f"cannot send to {self.place}: {error.strerror}") from error
        self._refused = -_QUIET

    def send(self, messages: Sequence[bytes]) -> bool:
        """The datagrams of one frame. Whether all went."""
        try:
            for message in messages:
                self._socket.send(message)
        except ConnectionRefusedError:  # of an earlier datagram: this one has not gone
            self._tell("nobody listens")
            return False
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self._tell(error.strerror or str(error))
            return False
        return True

    def close(self) -> None:
        self._socket.close()

    def _tell(self, why: str) -> None:
        now = time.monotonic()
        if now - self._refused >= _QUIET:
            self._said(f"{self.place}: {why}; sending goes on")
        self._refused = now


class Callers:
    """Datagrams to everybody who greets a port of ours, until they say stop."""

    def __init__(self, host: str, port: int, greeted: Callable[[bytes], int | None]) -> None:
        """``greeted`` tells what a datagram asks for: a version, 0 to stop, or None for neither.

        Raises BridgeError where the port is taken.
        """
        family, address = _look_up(host, port, socket.SOCK_DGRAM)
        self._socket, self._greeted = socket.socket(family, socket.SOCK_DGRAM), greeted
        self._socket.setblocking(False)
        try:
            self._socket.bind(address)
        except OSError as error:
            self._socket.close()
            raise BridgeError(f"cannot listen on {_name(host, port)}: {error.strerror}") from error
        self._callers: dict[Any, int] = {}

    @property
    def port(self) -> int:
        """Where greetings are heard."""
        return int(self._socket.getsockname()[1])

    def asked(self) -> set[int]:
        """Hears greetings; the versions that are wanted now."""
        for _ in range(_MOST_CALLERS):
            try:
                data, caller = self._socket.recvfrom(_LARGEST)
            except OSError:  # nothing there, or a caller that is gone
                break
            version = self._greeted(data)
            if version == 0:
                self._callers.pop(caller, None)
            elif version is not None and (caller in self._callers or len(self._callers) < _MOST_CALLERS):
                self._callers[caller] = version
        return set(self._callers.values())

    def send(self, version: int, messages: Sequence[bytes]) -> bool:
        """One frame to everybody who wants this version. Whether all went."""
        whole = True
        for caller, wanted in self._callers.items():
            if wanted == version:
                try:
                    for message in messages:
                        self._socket.sendto(message, caller)
                except OSError:
                    whole = False
        return whole

    def close(self) -> None:
        self._socket.close()


class Tcp:
    """A stream to one address, connected again whenever it breaks. What was cut is never sent by half."""

    def __init__(
        self,
        host: str,
        port: int,
        begin: Callable[[], Sequence[bytes]] = tuple,
        said: Callable[[str], None] = lambda text: None,
    ) -> None:
        """``begin`` gives what goes first on each connection. Raises BridgeError on an unknown host."""
        self.place, self._begin, self._said = _name(host, port), begin, said
        self._family, self._address = _look_up(host, port, socket.SOCK_STREAM)
        self._socket: socket.socket | None = None
        self._up = self._missed = False
        self._tried = -_AGAIN
        self._rest = b""  # of a message that went in part
        self._connect()

    def send(self, messages: Sequence[bytes]) -> bool:
        """One frame, whole or not at all. Whether it went, or is on its way."""
        if not self._connected():
            return False
        if self._rest:
            self._push(b"")
        if self._rest or self._socket is None:
            return False
        return self._push(b"".join(messages))

    def close(self, seconds: float = 1.0) -> None:
        """Sends what is left of the last message, for so long at most."""
        end = time.monotonic() + seconds
        while self._rest and self._socket is not None and (left := end - time.monotonic()) > 0:
            select.select([], [self._socket], [], left)
            self._push(b"")
        self._drop()

    def _connect(self) -> None:
        self._tried = time.monotonic()
        self._socket = socket.socket(self._family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.connect_ex(self._address)

    def _connected(self) -> bool:
        if self._socket is None:
            if time.monotonic() - self._tried < _AGAIN:
                return False
            self._connect()
        assert self._socket is not None
        if not self._up and select.select([], [self._socket], [], 0)[1]:
            fault = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if fault:
                self._lose(fault)
                return False
            self._up, self._missed = True, False
            self._push(b"".join(self._begin()))
        return self._up

    def _push(self, data: bytes) -> bool:
        assert self._socket is not None
        data = self._rest + data
        try:
            self._rest = data[self._socket.send(data) :]
        except (BlockingIOError, InterruptedError):
            self._rest = data
        except OSError as error:
            self._lose(error.errno or 0)
            return False
        return True

    def _lose(self, fault: int) -> None:
        if not self._missed:
            self._said(f"{self.place}: {os.strerror(fault)}; trying again")
        self._missed = True
        self._drop()

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._up, self._rest = None, False, b""


def _look_up(host: str, port: int, kind: int) -> tuple[int, Any]:
    """Raises BridgeError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SocketKind(kind))[0]
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no name of a machine"
        raise BridgeError(f"cannot find '{host[:80]}': {reason}") from error
    return family, address


def _name(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
