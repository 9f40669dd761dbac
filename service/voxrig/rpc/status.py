"""Errors as gRPC statuses: what was wrong, in a sentence, under the code that clients can act upon."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError

from ..errors import VoxrigError, one_line

T = TypeVar("T")

_log = logging.getLogger("voxrig.rpc")


class Refusal(VoxrigError):  # noqa: N818
    """A request that is legal but not served: with the code to say so."""

    def __init__(self, code: grpc.StatusCode, message: str, retry: float | None = None) -> None:
        super().__init__(message)
        self.code, self.retry = code, retry


@asynccontextmanager
async def told(context: Any) -> AsyncIterator[None]:
    """Turns what goes wrong inside into the status of the call."""
    try:
        yield
    except Refusal as error:
        if error.retry is not None:
            context.set_trailing_metadata((("grpc-retry-pushback-ms", str(round(error.retry * 1000))),))
        await context.abort(error.code, one_line(str(error)))
    except VoxrigError as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, one_line(str(error)))
    except DecodeError:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a request that is no message of this method")
    except (grpc.aio.AbortError, grpc.RpcError):
        raise
    except Exception:
        _log.exception("a call failed")
        await context.abort(grpc.StatusCode.INTERNAL, "internal error; the server's log tells more")


async def soon(first: Awaitable[T], seconds: float) -> T:
    """What a client says first. Raises Refusal where it does not come in time."""
    try:
        return await asyncio.wait_for(first, seconds)
    except TimeoutError:
        raise Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, f"nothing was sent for {seconds:g} s") from None
