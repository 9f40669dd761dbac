"""The client for programs with threads; ``aio`` is its twin for event loops."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from threading import Condition, Thread, Timer
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
    Part,
    Picture,
    Request,
    no_frames,
    opened,
)
from .offer import Description, describe
from .wish import Encoding, Pacing, View, Wish

_QUEUED = 8  # requests that wait for the network
_PATIENCE = 30.0  # s for which a server may take no sound


def connect(
    address: str,
    *,
    key: str | None = None,
    ca: StrPath | None = None,
    certificate: StrPath | None = None,
    private_key: StrPath | None = None,
    timeout: float = 5.0,
) -> Client:
    """A client of the server at ``"host:port"``; waits at most ``timeout`` seconds for it.

    ``ca`` is a PEM file with the authority that signed the server's certificate, and encrypts; a server
    may ask for a ``certificate`` of ours and its ``private_key``, too. Raises ServiceError where the
    server cannot be reached or wants another key, VoxrigError where a file cannot be read.

    >>> with voxrig.connect("localhost:52000") as client:
    ...     frames = client.animate("line.wav")
    """
    access = Access(address, key, ca, certificate, private_key, timeout)
    client = Client(access)
    try:
        client.describe()
    except BaseException:
        client.close()
        raise
    return client


class Client:
    """A connection to a server; any number of streams and threads may share it. Made by ``connect``."""

    def __init__(self, access: Access) -> None:
        self._access = access
        credentials = access.credentials()
        if credentials is None:
            self._channel = grpc.insecure_channel(access.address, OPTIONS)
        else:
            self._channel = grpc.secure_channel(access.address, credentials, OPTIONS)
        self._stub = face_pb2_grpc.FaceStub(self._channel)
        self._offered: Description | None = None

    def describe(self) -> Description:
        """What the server can do, and how much of it is taken. Raises ServiceError."""
        access = self._access
        try:
            reply = self._stub.Describe(
                pb.DescribeRequest(), timeout=access.timeout, metadata=access.metadata
            )
        except grpc.RpcError as error:
            raise access.fault(error) from error
        self._offered = describe(reply)
        return self._offered

    def animate(
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
        """A recording, by path or as samples, to frames on a rig; as ``voxrig.animate``, but there.

        A file is read as it is sent. Raises AudioError, StyleError or ServiceError.
        """
        with ExitStack() as stack:
            rate, seconds, chunks = stack.enter_context(opened(audio))
            stream = stack.enter_context(
                self.open(
                    rate, rig, fps, style, model=model,
                    keys=keys, direct=direct, seconds=seconds, life=idle, seed=seed,
                )
            )  # fmt: skip
            told = [part.frames for part in stream.play(chunks) if isinstance(part, Block)]
        return join([no_frames(stream.header), *told])

    def render(
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
    ) -> Generator[Picture, None, None]:
        """A recording, by path or as samples, to pictures, which come as they are drawn.

        >>> for picture in client.render("line.wav", View(size=(360, 640))):
        ...     Path(f"{picture.frame:05d}.jpg").write_bytes(picture.data)

        Raises AudioError, StyleError or ServiceError.
        """
        with ExitStack() as stack:
            rate, seconds, chunks = stack.enter_context(opened(audio))
            stream = stack.enter_context(
                self.open(
                    rate, (), fps, style, model=model, view=view or View(),
                    keys=keys, direct=direct, seconds=seconds, life=idle, seed=seed,
                )
            )  # fmt: skip
            for part in stream.play(chunks):
                if isinstance(part, Picture):
                    yield part

    def open(
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
    ) -> LiveStream:
        """A stream of sound at ``rate`` Hz, to frames on each of the rigs.

        With pacing "realtime" frames come when they are due, and who reads slowly loses the oldest; with
        "burst" as soon as they are made. ``encoding`` is how sound travels. ``echo`` sends it back with its
        frames. After ``idle`` seconds without sound, silence is put in (realtime; 0 is never). No more
        than ``window`` frames beyond the last ``ack`` are sent (0 is no bound). ``name`` is for the
        server's logs. With a ``view`` pictures come instead of frames, one at a time. ``keys`` are styles
        that follow ``style``, in seconds from the first sample; ``direct`` takes a director's words for a
        speech of so many ``seconds``, if that is known; ``life`` moves the face beside speech. Raises
        StyleError and ServiceError.
        """
        wanted = (rigs,) if isinstance(rigs, str) else tuple(rigs)
        wish = Wish(
            rate, wanted, fps, style or Style(), pacing, encoding, echo, idle, window, name, model, view,
            tuple(keys), direct, seconds, life, seed,
        )  # fmt: skip
        dialogue = Dialogue(wish, self._offered or self.describe())
        return LiveStream(self._stub, dialogue, self._access)

    def close(self) -> None:
        """Ends every stream and the connection. Closing twice is fine."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class LiveStream:
    """One stream of speech: push sound, end, and iterate over what is told. Made by ``Client.open``.

    Iterating gives a Block of frames, a Picture or a Notice at a time, and a Summary at the end. One thread
    may push while another iterates. With pacing burst the server hears no more than 10 s ahead of what is
    read: who pushes more must read meanwhile. Everything raises ServiceError once the server has ended the
    stream with an error.
    """

    def __init__(self, stub: Any, dialogue: Dialogue, access: Access) -> None:
        self._dialogue, self._access = dialogue, access
        self._outbox = _Outbox()
        self._outbox.put(dialogue.config, 0)
        self._call = dialogue.method(stub)(iter(self._outbox), metadata=access.metadata)
        self._call.add_callback(self._outbox.abandon)
        self.header = dialogue.hear_header(self._first())
        """The rigs, their rate and how late they come."""

    @property
    def pushed(self) -> int:
        """Samples so far."""
        return self._dialogue.pushed

    def push(self, sound: AudioChunk | bytes) -> None:
        """Sound that follows what was pushed before: a chunk, or bytes as ``encoding`` has them.

        Waits while the server does not take it. Raises ServiceError where it takes none for long, and
        ValueError after end, on another rate, a gap, or half a sample.
        """
        for request in self._dialogue.sound(sound):
            self._send(request)

    def set_style(self, style: Style, at: int | None = None, transition: float = 0.0) -> None:
        """From sample ``at`` on (the next one by default) speak so, reached within so many seconds."""
        self._send(self._dialogue.style(style, at, transition))

    def look(self, yaw: float | None, pitch: float = 0.0, at: int | None = None) -> None:
        """From sample ``at`` on (the next one by default) look there, or with None where the eyes like.

        Radians from straight ahead, + to the subject's right and + down.
        """
        self._send(self._dialogue.look(yaw, pitch, at))

    def interrupt(self, shown: int | None = None, closing: float = 0.0) -> None:
        """Forgets sound not yet heard and frames not yet sent, and closes the mouth; the stream goes on.

        ``shown`` is the last frame that was shown or will be, by default the last one sent; ``closing``
        is in seconds, 0.15 by default. After ``end`` nothing follows but the summary.
        """
        self._send(self._dialogue.interrupt(shown, closing))

    def ack(self, frame: int) -> None:
        """Tells that frames before this one have been shown."""
        self._send(self._dialogue.ack(frame))

    def end(self) -> None:
        """No more sound: what was pushed is played out, and then comes the summary. Twice is fine."""
        if not self._dialogue.ended:
            self._send(self._dialogue.end())

    def play(self, chunks: Iterable[AudioChunk]) -> Generator[Part, None, None]:
        """Pushes chunks, in a thread of its own, ends the stream, and tells what comes meanwhile.

        Raises what ``chunks`` raise.
        """
        faults: list[Exception] = []
        thread = Thread(target=self._feed, args=(chunks, faults), name="voxrig-push", daemon=True)
        thread.start()
        try:
            yield from self
        except ServiceError:
            if not faults:
                raise
        finally:
            self.close()
            thread.join(1.0)  # longer only where it waits for a pipe
        if faults:
            raise faults[0]

    def close(self) -> None:
        """Leaves the stream, finished or not. Closing twice is fine."""
        self._call.cancel()
        self._outbox.abandon()

    def __iter__(self) -> Iterator[Part]:
        return self

    def __next__(self) -> Part:
        while True:
            try:
                answer = next(self._call)
            except StopIteration:
                self._dialogue.hear_end()
                raise
            except grpc.RpcError as error:
                raise self._access.fault(error) from error
            part = self._dialogue.hear(answer)
            if part is not None:
                return part

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _first(self) -> Answer | None:
        timer = Timer(self._access.timeout + self._dialogue.patience, self._call.cancel)
        timer.daemon = True
        timer.start()
        try:
            answer: Answer = next(self._call)
            return answer
        except StopIteration:
            return None  # no header, as will be told
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.CANCELLED:  # by the timer
                raise self._access.silent() from error
            raise self._access.fault(error) from error
        finally:
            timer.cancel()

    def _send(self, request: Request) -> None:
        """Sends; or, where all has been told, does nothing."""
        if self._outbox.put(request, _PATIENCE):
            return
        if not self._call.done():
            where = self._access.address
            said = f"{where} has taken no sound for {_PATIENCE:g} s; read frames while you push"
            raise ServiceError(said, "DEADLINE_EXCEEDED")
        if self._call.code() is not grpc.StatusCode.OK:
            raise self._access.fault(self._call)

    def _feed(self, chunks: Iterable[AudioChunk], faults: list[Exception]) -> None:
        try:
            for chunk in chunks:
                self.push(chunk)
            self.end()
        except Exception as error:  # is raised where the parts are read
            faults.append(error)
            self._call.cancel()


class _Outbox:
    """Requests for gRPC's sending thread, which iterates over it; a few wait at most."""

    def __init__(self) -> None:
        self._waiting: deque[Request] = deque()
        self._changed = Condition()
        self._over = False

    def put(self, request: Request, patience: float) -> bool:
        """Adds a request once there is room. False where none came in time, or nobody sends any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or len(self._waiting) < _QUEUED, patience)
            if self._over or len(self._waiting) >= _QUEUED:
                return False
            self._waiting.append(request)
            self._changed.notify_all()
            return True

    def abandon(self) -> None:
        """Nothing more is sent."""
        with self._changed:
            self._waiting.clear()
            self._over = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Request]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._over)
                if not self._waiting:
                    return
                request = self._waiting.popleft()
                self._changed.notify_all()
            yield request
