"""The client for programs with an event loop: ``blocking``'s twin, with the same names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from typing import Any, Self

import grpc

from ..errors import ServiceError
from ..idle import OFF, Life
from ..pb.voxrig.v1 import face_pb2 as pb
from ..pb.voxrig.v1 import face_pb2_grpc
from ..types import AudioChunk, Frames, Key, Style, join
from .access import OPTIONS, Access, StrPath
from .dialogue import (
    Answer,
    Block,
    Dialogue,
    Header,
    Part,
    Picture,
    Request,
    no_frames,
    opened,
)
from .offer import Description, describe
from .wish import Encoding, Pacing, View, Wish

_UNKNOWN = "Internal error from Core"  # grpc.aio's status where a request came to nothing, until the true one
_TRIES, _TRY = 50, 0.01  # s to wait for that


async def connect_async(
    address: str,
    *,
    key: str | None = None,
    ca: StrPath | None = None,
    certificate: StrPath | None = None,
    private_key: StrPath | None = None,
    timeout: float = 5.0,
) -> AsyncClient:
    """As ``voxrig.connect``, on the running event loop.

    >>> async with await voxrig.connect_async("localhost:52000") as client:
    ...     frames = await client.animate("line.wav")
    """
    client = AsyncClient(Access(address, key, ca, certificate, private_key, timeout))
    try:
        await client.describe()
    except BaseException:
        await client.close()
        raise
    return client


class AsyncClient:
    """A connection to a server; any number of streams may share it. Made by ``connect_async``."""

    def __init__(self, access: Access) -> None:
        self._access = access
        credentials = access.credentials()
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(access.address, options=OPTIONS)
        else:
            self._channel = grpc.aio.secure_channel(access.address, credentials, options=OPTIONS)
        self._stub = face_pb2_grpc.FaceStub(self._channel)
        self._offered: Description | None = None

    async def describe(self) -> Description:
        """As ``Client.describe``."""
        access = self._access
        try:
            reply = await self._stub.Describe(
                pb.DescribeRequest(), timeout=access.timeout, metadata=access.metadata
            )
        except grpc.RpcError as error:
            raise access.fault(error) from error
        self._offered = describe(reply)
        return self._offered

    async def animate(
        self,
        audio: StrPath | AudioChunk,
        rig: str = "arkit",
        fps: Fraction | int = 60,
        style: Style | None = None,
        *,
        keys: Sequence[Key] = (),
        direct: str = "",
        idle: Life = OFF,
        seed: int = 0,
        model: str | None = None,
    ) -> Frames:
        """As ``Client.animate``."""
        with ExitStack() as stack:
            rate, seconds, chunks = stack.enter_context(opened(audio))
            async with await self.open(
                rate, rig, fps, style, model=model,
                keys=keys, direct=direct, seconds=seconds, life=idle, seed=seed,
            ) as stream:  # fmt: skip
                told = [part.frames async for part in stream.play(chunks) if isinstance(part, Block)]
        return join([no_frames(stream.header), *told])

    async def render(
        self,
        audio: StrPath | AudioChunk,
        view: View | None = None,
        fps: Fraction | int = 30,
        style: Style | None = None,
        *,
        keys: Sequence[Key] = (),
        direct: str = "",
        idle: Life = OFF,
        seed: int = 0,
        model: str | None = None,
    ) -> AsyncGenerator[Picture, None]:
        """As ``Client.render``."""
        with ExitStack() as stack:
            rate, seconds, chunks = stack.enter_context(opened(audio))
            async with await self.open(
                rate, (), fps, style, model=model, view=view or View(),
                keys=keys, direct=direct, seconds=seconds, life=idle, seed=seed,
            ) as stream:  # fmt: skip
                async for part in stream.play(chunks):
                    if isinstance(part, Picture):
                        yield part

    async def open(
        self,
        rate: int,
        rigs: str | Sequence[str] = "arkit",
        fps: Fraction | int = 60,
        style: Style | None = None,
        *,
        pacing: Pacing = "burst",
        encoding: Encoding = "f32",
        echo: bool = False,
        idle: float = 0.0,
        window: int = 0,
        name: str = "",
        model: str | None = None,
        view: View | None = None,
        keys: Sequence[Key] = (),
        direct: str = "",
        seconds: float | None = None,
        life: Life = OFF,
        seed: int = 0,
    ) -> AsyncLiveStream:
        """As ``Client.open``."""
        wanted = (rigs,) if isinstance(rigs, str) else tuple(rigs)
        wish = Wish(
            rate, wanted, fps, style or Style(), pacing, encoding, echo, idle, window, name, model, view,
            tuple(keys), direct, seconds, life, seed,
        )  # fmt: skip
        dialogue = Dialogue(wish, self._offered or await self.describe())
        call = dialogue.method(self._stub)(metadata=self._access.metadata)
        stream = AsyncLiveStream(call, dialogue, self._access)
        try:
            stream.header = await stream._begin()
        except BaseException:
            await stream.close()
            raise
        return stream

    async def close(self) -> None:
        """Ends every stream and the connection. Closing twice is fine."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class AsyncLiveStream:
    """As ``LiveStream``: one task may push while another iterates. Made by ``AsyncClient.open``.

    gRPC ends a stream when a task that waits for it is cancelled.
    """

    header: Header
    """The rigs, their rate and how late they come."""

    def __init__(self, call: Any, dialogue: Dialogue, access: Access) -> None:
        self._call, self._dialogue, self._access = call, dialogue, access
        self._answers: AsyncIterator[Answer] = aiter(call)
        self._sending = asyncio.Lock()  # gRPC takes one request at a time
        self._closed = False

    @property
    def pushed(self) -> int:
        """Samples so far."""
        return self._dialogue.pushed

    async def push(self, sound: AudioChunk | bytes) -> None:
        """As ``LiveStream.push``, but waits for as long as the server takes no sound."""
        for request in self._dialogue.sound(sound):
            await self._send(request)

    async def set_style(self, style: Style, at: int | None = None, transition: float = 0.0) -> None:
        """As ``LiveStream.set_style``."""
        await self._send(self._dialogue.style(style, at, transition))

    async def look(self, yaw: float | None, pitch: float = 0.0, at: int | None = None) -> None:
        """As ``LiveStream.look``."""
        await self._send(self._dialogue.look(yaw, pitch, at))

    async def interrupt(self, shown: int | None = None, closing: float = 0.0) -> None:
        """As ``LiveStream.interrupt``."""
        await self._send(self._dialogue.interrupt(shown, closing))

    async def ack(self, frame: int) -> None:
        """As ``LiveStream.ack``."""
        await self._send(self._dialogue.ack(frame))

    async def end(self) -> None:
        """As ``LiveStream.end``."""
        if not self._dialogue.ended:
            await self._send(self._dialogue.end())

    async def play(self, chunks: Iterable[AudioChunk]) -> AsyncIterator[Part]:
        """Pushes chunks, in a task of its own, ends the stream, and tells what comes meanwhile.

        Raises what ``chunks`` raise.
        """
        feeding = asyncio.create_task(self._feed(chunks))
        try:
            async for part in self:
                yield part
            await feeding
        except ServiceError:
            if feeding.done() and (fault := feeding.exception()):
                raise fault from None
            raise
        finally:
            feeding.cancel()
            await self.close()
            await asyncio.wait({feeding})

    async def close(self) -> None:
        """Leaves the stream, finished or not. Closing twice is fine."""
        self._closed = True
        self._call.cancel()

    def __aiter__(self) -> AsyncIterator[Part]:
        return self

    async def __anext__(self) -> Part:
        while (answer := await self._read()) is not None:
            part = self._dialogue.hear(answer)
            if part is not None:
                return part
        self._dialogue.hear_end()
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _begin(self) -> Header:
        try:
            async with asyncio.timeout(self._access.timeout + self._dialogue.patience):
                await self._send(self._dialogue.config)
                answer = await self._read()
        except TimeoutError:
            raise self._access.silent() from None
        return self._dialogue.hear_header(answer)

    async def _read(self) -> Answer | None:
        """The next answer; None after the last."""
        try:
            with self._leaving():
                answer: Answer | None = await anext(self._answers, None)
        except grpc.RpcError:
            answer = None
        if answer is None:
            await self._check_well()
        return answer

    async def _send(self, request: Request) -> None:
        """Sends; or, where the stream is over and what is still to be read tells why, does nothing."""
        async with self._sending:
            try:
                with self._leaving():
                    await self._call.write(request)
            except (grpc.RpcError, asyncio.InvalidStateError):
                if await self._call.details() != _UNKNOWN:
                    await self._check_well()

    async def _check_well(self) -> None:
        """The call is over. Raises ServiceError unless it ended well."""
        if self._closed:
            raise self._access.closed()
        for _ in range(_TRIES):
            code, details = await self._call.code(), await self._call.details()
            if details != _UNKNOWN:
                break
            await asyncio.sleep(_TRY)
        if code is not grpc.StatusCode.OK:
            heads = await self._call.initial_metadata(), await self._call.trailing_metadata()
            raise self._access.fault(grpc.aio.AioRpcError(code, *heads, details))

    @contextmanager
    def _leaving(self) -> Iterator[None]:
        """gRPC cancels who waits inside when the stream is closed, which is a fault of the stream's."""
        try:
            yield
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and not (task and task.cancelling()):
                raise self._access.closed() from None
            raise

    async def _feed(self, chunks: Iterable[AudioChunk]) -> None:
        try:
            for chunk in chunks:
                await self.push(chunk)
            await self.end()
        except BaseException:
            await self.close()  # wakes who reads
            raise
