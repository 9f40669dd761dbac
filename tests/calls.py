"""What tests of the service share: a server in this process, and short calls to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import grpc

from voxrig.model import OnnxModel
from voxrig.pb.voxrig.v1 import face_pb2 as pb
from voxrig.rpc.server import Server, Setup, start
from voxrig.rpc.server import run as run_loop

KEY = "correct-horse-battery"


def config(**fields: Any) -> pb.AnimateRequest:
    asked = {"rate": 16000, "encoding": pb.ENCODING_S16, "pacing": pb.PACING_REALTIME, "name": "test"}
    return pb.AnimateRequest(config=pb.Config(**(asked | fields)))


async def talk(stub: Any, seconds: float = 0.4, **options: Any) -> pb.Summary:
    """A short stream, to its end."""
    call = stub.Animate(**options)
    await call.write(config(pacing=pb.PACING_BURST))
    await call.write(pb.AnimateRequest(audio=pb.Audio(samples=bytes(2 * round(16000 * seconds)))))
    await call.done_writing()
    last = [part async for part in call][-1]
    return last.summary


async def code(call: Any) -> str:
    """How a call ends."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return str(error.code().name)
    return "OK"


def serving(tiny: OnnxModel, act: Callable[[Server], Coroutine[Any, Any, None]], **setup: Any) -> None:
    """Does something with a server in this process."""

    async def both() -> bool:
        async with await start(Setup(**({"port": 0} | setup)), {"tiny": tiny}) as server:
            await asyncio.wait_for(act(server), 30)
        return True

    run_loop(both())


def open_channel(server: Server, **options: Any) -> Any:
    return grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", **options)


async def collect(call: Any) -> list[Any]:
    return [part async for part in call]
