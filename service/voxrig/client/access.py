"""Where a server is, what to show it, and what its refusals mean."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from ..errors import ServiceError, VoxrigError, one_line

StrPath = str | os.PathLike[str]

OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.http2.bdp_probe", 0),  # or the network buffers a minute of frames for a client that does not read
    ("grpc.http2.lookahead_bytes", 16_384),
    ("grpc.use_local_subchannel_pool", 1),  # or a refusal of a moment ago is told again
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.keepalive_time_ms", 20_000),  # finds servers that have vanished
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
)
"""Of every channel."""


@dataclass(frozen=True)
class Access:
    """Where a server is, and what to show it."""

    address: str
    """HOST:PORT."""
    key: str | None = None
    ca: StrPath | None = None
    """PEM of the authority that signed the server's certificate."""
    certificate: StrPath | None = None
    """PEM of our own, where the server asks for one."""
    private_key: StrPath | None = None
    timeout: float = 5.0
    """Seconds to wait for a first answer."""

    def __post_init__(self) -> None:
        host, _, port = self.address.rpartition(":")
        if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise VoxrigError(f"'{one_line(self.address)}' is no address; write HOST:PORT")
        if self.key is not None and (not self.key.isascii() or not self.key.isprintable() or " " in self.key):
            raise VoxrigError("a key has printable ASCII characters and no spaces")
        if (self.certificate is None) != (self.private_key is None):
            raise VoxrigError("a certificate and its private key go together")

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Of every call."""
        return () if self.key is None else (("authorization", f"Bearer {self.key}"),)

    def credentials(self) -> Any:
        """For grpc; None is a connection without encryption. Raises VoxrigError."""
        if self.ca is None and self.certificate is None:
            return None
        return grpc.ssl_channel_credentials(_read(self.ca), _read(self.private_key), _read(self.certificate))

    def fault(self, call: Any) -> ServiceError:
        """How a call ended, or grpc's error, as one sentence."""
        code, told = call.code(), one_line(call.details() or "")
        pushback = dict(call.trailing_metadata() or ()).get("grpc-retry-pushback-ms", "")
        retry = int(pushback) / 1000 if str(pushback).isdecimal() else None
        return ServiceError(self._sentence(code, told), code.name, retry)

    def silent(self) -> ServiceError:
        """There was no answer in time."""
        return self._ours(grpc.StatusCode.DEADLINE_EXCEEDED)

    def closed(self) -> ServiceError:
        """We have left."""
        return self._ours(grpc.StatusCode.CANCELLED)

    def _ours(self, code: Any) -> ServiceError:
        return ServiceError(self._sentence(code, ""), code.name)

    def _sentence(self, code: Any, told: str) -> str:
        where = self.address
        match code:
            case grpc.StatusCode.INVALID_ARGUMENT:
                return told
            case grpc.StatusCode.UNAVAILABLE if "failed to connect" in told or "resol" in told:
                return f"cannot reach {where}: {told.rpartition(': ')[2].rstrip(']')}"
            case grpc.StatusCode.UNAVAILABLE if not told.startswith("the server"):
                return f"the connection to {where} was lost: {told}"
            case grpc.StatusCode.UNAUTHENTICATED:
                return f"{where} wants a key" if self.key is None else f"{where} does not know this key"
            case grpc.StatusCode.DEADLINE_EXCEEDED if told in ("", "Deadline Exceeded"):
                return f"no answer from {where} within {self.timeout:g} s"
            case grpc.StatusCode.UNIMPLEMENTED:
                return f"{where} is no voxrig server, or one of another version"
            case grpc.StatusCode.CANCELLED:
                return f"the stream from {where} was closed"
        return f"{where}: {told or code.name}"


def nonsense(what: str) -> ServiceError:
    """An answer that no server of ours gives."""
    return ServiceError(f"the server sent what makes no sense: {what}", "INTERNAL")


def _read(path: StrPath | None) -> bytes | None:
    try:
        return None if path is None else Path(path).read_bytes()
    except OSError as error:
        raise VoxrigError(f"cannot read {os.fspath(path or '')}: {error.strerror}") from error
