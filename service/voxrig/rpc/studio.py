"""Where a server's pictures are drawn: the heads, and the one thread that draws them.

One thread, since the kernels that draw use all cores at once and cannot be entered twice. Renderers whose
stream is over are kept for the next: it takes a second to make one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import grpc

from ..rigs import NATIVE
from ..types import Array
from .limits import Limits
from .metrics import Metrics
from .status import Refusal

if TYPE_CHECKING:  # they need the extra render
    from ..avatar.figure import Figure, Picture
    from ..render.look import Look, Turnable

T = TypeVar("T")
Pixels = Literal["jpeg", "h264", "raw"]

SHIPS = "default"
"""The head that ships."""


@dataclass(frozen=True)
class Commission:
    """Pictures that a client wants, checked."""

    avatar: str
    look: Look
    background: str
    """The word for it."""
    pixels: Pixels
    quality: int
    """Of JPEG, 1 to 100."""
    bitrate: int
    """Of H.264, bits a second; 0 is even quality."""

    @property
    def renderer(self) -> tuple[object, ...]:
        """What cannot be changed between the pictures of a renderer."""
        return self.avatar, self.look.renderer, self.look.size, self.background


@dataclass(frozen=True)
class Drawn:
    """A picture as a client gets it."""

    data: bytes
    key: bool
    """Whether it can be shown without those before it."""


Encode = Callable[["Picture", bool], Drawn]
"""A picture to bytes; a key picture if asked."""


class Studio:
    """The heads that a server draws. Lives on an event loop."""

    def __init__(self, avatars: Mapping[str, Path], limits: Limits, metrics: Metrics) -> None:
        """Files of avatars by name, beside the one that ships. Raises VoxrigError for one that is none."""
        from ..avatar.load import load
        from ..render.look import check_extra

        check_extra()
        self._figures: dict[str, Figure] = {name: load(path) for name, path in avatars.items()}
        self.avatars = tuple({SHIPS: None} | dict(avatars))
        """Their names, the first of which is the default."""
        self._limits, self._metrics = limits, metrics
        self._open = 0
        self._shelf: list[tuple[Commission, Turnable]] = []
        self._thread = ThreadPoolExecutor(1, "voxrig-render")

    @property
    def open(self) -> int:
        """Streams that are drawn now."""
        return self._open

    @asynccontextmanager
    async def admit(self, wanted: Commission, fps: Fraction) -> AsyncIterator[Easel]:
        """What draws them, for the length of the block; seconds pass where it is the first of its kind.

        Raises Refusal and VoxrigError.
        """
        most, retry = self._limits.renders, self._limits.retry
        if self._open >= most:
            self._metrics.refused("renders")
            said = f"all {most} streams that draw pictures are taken; try again in {retry:g} s"
            raise Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, said, retry)
        self._open += 1
        self._metrics.rendering(self._open)
        try:
            encode = encoder(wanted, fps)
            renderer = await self.do(lambda: self._renderer(wanted))
            try:
                yield Easel(self, renderer, encode)
            finally:
                with suppress(RuntimeError):  # the studio is closed
                    self._thread.submit(self._keep, wanted, renderer)
        finally:
            self._open -= 1
            self._metrics.rendering(self._open)

    async def do(self, work: Callable[[], T]) -> T:
        """What the thread makes of some work."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def draw(self, renderer: Turnable, values: Array, encode: Encode, key: bool) -> Drawn:
        """A picture; called in the thread."""
        began = time.perf_counter()
        drawn = encode(renderer.draw(values), key)
        self._metrics.drew(time.perf_counter() - began)
        return drawn

    def close(self) -> None:
        """Ends the thread once its picture is drawn. Closing twice is fine."""
        self._thread.shutdown(cancel_futures=True)

    def _keep(self, wanted: Commission, renderer: Turnable) -> None:
        self._shelf.append((wanted, renderer))
        del self._shelf[: -self._limits.renders]

    def _renderer(self, wanted: Commission) -> Turnable:
        from ..avatar.load import load
        from ..render.look import open_renderer

        if wanted.avatar not in self._figures:
            self._figures[wanted.avatar] = load()
        figure = self._figures[wanted.avatar]
        for i, (of, renderer) in enumerate(self._shelf):
            if of.renderer == wanted.renderer:
                del self._shelf[i]
                renderer.camera = wanted.look.camera(figure)
                return renderer
        renderer = open_renderer(wanted.look, figure)
        renderer.draw(NATIVE.rest)  # the first takes the longest
        return renderer


class Easel:
    """One stream's pictures. Made by ``Studio.admit``."""

    def __init__(self, studio: Studio, renderer: Turnable, encode: Encode) -> None:
        self._studio, self._renderer, self._encode = studio, renderer, encode
        self._next = 0

    async def draw(self, frame: int, values: Array) -> Drawn:
        """The picture of a frame: values (c,) of the native rig."""
        key = frame != self._next  # what comes between was dropped, or is told anew
        self._next = frame + 1
        studio, renderer, encode = self._studio, self._renderer, self._encode
        return await studio.do(lambda: studio.draw(renderer, values, encode, key))


def encoder(wanted: Commission, fps: Fraction) -> Encode:
    """Pictures to bytes. Raises OutputError."""
    if wanted.pixels == "h264":
        from ..render.h264 import H264

        stream = H264(wanted.look.size, fps, wanted.bitrate)

        def unit(picture: Picture, key: bool) -> Drawn:
            made = stream.encode(picture, key)
            return Drawn(made.data, made.key)

        return unit
    if wanted.pixels == "jpeg":
        from ..render.stills import jpeg

        return lambda picture, key: Drawn(jpeg(picture, wanted.quality), True)
    return lambda picture, key: Drawn(picture.tobytes(), True)
