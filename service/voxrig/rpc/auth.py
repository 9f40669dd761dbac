"""Who may call: keys from a file, and certificates."""

from __future__ import annotations

import hmac
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc

from ..errors import VoxrigError

_OPEN = "/grpc.health.v1.Health/Check"  # load balancers have no key; Watch would keep a call open for nothing
_DENIED = "no key, or a wrong one; send metadata 'authorization: Bearer KEY' or 'x-api-key: KEY'"


@dataclass(frozen=True)
class Tls:
    """PEM files of a server."""

    certificate: Path
    """Of the server, and after it those up to, but not with, the root."""
    key: Path
    client_authority: Path | None = None
    """Clients must show a certificate that this one signed."""

    def credentials(self) -> Any:
        """For grpc. Raises VoxrigError where a file cannot be read or holds something else."""
        pair = (_read(self.key), _read(self.certificate))
        authority = _read(self.client_authority) if self.client_authority else None
        self.context()  # grpc takes any bytes and then fails at every call, so Python's TLS reads them first
        return grpc.ssl_server_credentials([pair], authority, require_client_auth=authority is not None)

    def context(self) -> ssl.SSLContext:
        """For sockets of Python. Raises VoxrigError where a file holds something else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(
                self.certificate, self.key, password=lambda: ""
            )  # or it asks the terminal
        except ssl.SSLError as error:
            fault = "are no PEM certificate and key without a password"
            if error.reason == "KEY_VALUES_MISMATCH":
                fault = "do not belong together"
            raise VoxrigError(f"{self.certificate} and {self.key} {fault}") from error
        if self.client_authority:
            try:
                context.load_verify_locations(self.client_authority)
            except ssl.SSLError as error:
                raise VoxrigError(f"{self.client_authority} holds no PEM certificate") from error
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class Keys(grpc.aio.ServerInterceptor):
    """Turns away calls that bring none of the keys; health checks pass."""

    def __init__(self, keys: Iterable[str], refused: Callable[[], None] = lambda: None) -> None:
        self._keys = tuple(_digest(key) for key in keys)
        self._refused = refused

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method == _OPEN:
            return handler
        given = [_digest(key) for key in _given(handler_call_details.invocation_metadata)]
        # Every key is compared, in constant time and by its hash: the time tells neither key nor length.
        if sum(hmac.compare_digest(mine, yours) for mine in self._keys for yours in given):
            return handler
        self._refused()
        return _refusing(handler)


def read_keys(path: Path) -> tuple[str, ...]:
    """A key a line; empty lines and those that begin with # are left out. Raises VoxrigError."""
    lines = enumerate(_read(path).decode("utf-8-sig", "replace").splitlines(), 1)
    keys = {at: line.strip() for at, line in lines if line.strip() and not line.strip().startswith("#")}
    if not keys:
        raise VoxrigError(f"{path} holds no key; write one a line")
    for at, key in keys.items():
        if len(key) < 16 or not key.isascii() or not key.isprintable() or " " in key:
            raise VoxrigError(
                f"{path}, line {at}: a key has 16 or more printable ASCII characters, no spaces"
            )
    return tuple(keys.values())


def loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _given(metadata: Iterable[tuple[str, str | bytes]]) -> Iterator[str]:
    """The keys that a call brings."""
    for name, value in metadata:
        if name == "x-api-key":
            yield str(value)
        elif name == "authorization":
            scheme, _, key = str(value).partition(" ")
            if scheme.lower() == "bearer":  # schemes know no case (RFC 9110, 11.1)
                yield key.strip()


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()


def _refusing(handler: Any) -> Any:
    """A handler of the same kind that denies."""

    async def one(request: Any, context: Any) -> None:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, _DENIED)

    async def many(request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, _DENIED)
        yield  # makes it a generator, as streams are

    if handler.request_streaming:
        make = (
            grpc.stream_stream_rpc_method_handler
            if handler.response_streaming
            else grpc.stream_unary_rpc_method_handler
        )
    else:
        make = (
            grpc.unary_stream_rpc_method_handler
            if handler.response_streaming
            else grpc.unary_unary_rpc_method_handler
        )
    return make(
        many if handler.response_streaming else one, handler.request_deserializer, handler.response_serializer
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise VoxrigError(f"cannot read {path}: {error.strerror}") from error
