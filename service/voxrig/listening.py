"""Sockets that wait for connections."""

from __future__ import annotations

import socket


def bound(host: str, port: int, send_buffer: int | None = None, shared: bool = False) -> socket.socket:
    """A bound TCP socket; port 0 finds a free one. Raises OSError.

    Connections inherit ``send_buffer``, in bytes. A ``shared`` port may be bound by other processes, too.
    """
    family, _, _, _, address = socket.getaddrinfo(
        host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if send_buffer is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(address)
    except OSError:
        listening.close()
        raise
    return listening
