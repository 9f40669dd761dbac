"""Who may open a WebSocket: keys and origins, as handshakes bring them. Knows no socket."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import SplitResult, unquote, urlsplit

DENIED = "no key, or a wrong one; send a header 'authorization: Bearer KEY' or offer voxrig.key.KEY"
"""What whoever is not known is told."""

_KEY = "voxrig.key."  # a subprotocol that brings a key, percent-encoded where it is no token


def keys_given(headers: Iterable[tuple[str, str]]) -> list[str]:
    """Keys that a handshake brings: in a header of their own, or, from a page, as a subprotocol."""
    given: list[str] = []
    for name, value in headers:
        if name.lower() == "x-api-key":
            given.append(value)
        elif name.lower() == "authorization":
            scheme, _, key = value.partition(" ")
            if scheme.lower() == "bearer":  # schemes know no case (RFC 9110, 11.1)
                given.append(key.strip())
        elif name.lower() == "sec-websocket-protocol":
            offered = (entry.strip() for entry in value.split(","))
            for key in (entry[len(_KEY) :] for entry in offered if entry.startswith(_KEY)):
                given += [key, unquote(key)]
    return given


def check_origin(origin: str) -> str:
    """The origin itself, as browsers write it. Raises ValueError."""
    parts = _split(origin)
    plain = parts and parts.scheme and parts.netloc and f"{parts.scheme}://{parts.netloc}" == origin.lower()
    if not (origin in ("*", "null") or plain):
        raise ValueError(f"'{origin}' is no origin; write https://HOST or https://HOST:PORT, null or *")
    return origin.lower()


def origin_allowed(origin: str | None, host: str, origins: Iterable[str], local: bool) -> bool:
    """Whether a page of ``origin`` may connect to a server that it calls ``host`` (of the Host header).

    Programs send no origin. Pages of this machine may; so may pages of the server's own host, unless the
    server is ``local``: it listens on the loopback only, and a name that leads there can be anybody's.
    """
    if origin is None:
        return True
    listed = set(origins)
    if "*" in listed or origin.lower() in listed:
        return True
    page, own = _split(origin), _split(f"//{host}")
    if page is None or not page.hostname:
        return False
    if loopback(page.hostname):
        return True
    return not local and own is not None and page.hostname == own.hostname


def known(given: Iterable[str], keys: Iterable[str]) -> bool:
    """Whether one of the keys is among ours. The time that it takes tells neither key nor length."""
    theirs = [sha256(key.encode("utf-8", "surrogateescape")).digest() for key in given]
    ours = [sha256(key.encode()).digest() for key in keys]
    return bool(sum(hmac.compare_digest(mine, yours) for mine in ours for yours in theirs))


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url.lower())
        _ = parts.port  # raises where it is none
        return parts
    except ValueError:
        return None


def loopback(host: str) -> bool:
    """Whether a host can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
