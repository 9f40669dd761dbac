"""Everybody who is being served: who may come in, who has gone quiet, and how all leave."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import grpc

from ..emotion import Ear
from ..errors import VoxrigError
from ..expression import Expression
from ..model import OnnxModel
from .batch import Batch
from .limits import Limits
from .metrics import Metrics
from .order import Order, checked
from .parts import Notice, Summary
from .status import Refusal
from .voice import Voice

_TICK = 1.0  # s between looks at who has gone quiet

_log = logging.getLogger("voxrig.floor")


@dataclass(frozen=True)
class Visit:
    """A stream that is over."""

    order: Order
    summary: Summary
    how: str
    """done; failed, by the client's fault or ours; cut, because it was idle or the server stops; or left, by
    the client."""
    began: float
    """Unix time."""
    seconds: float


class Floor:
    """The voices of one process. Lives on the event loop that it was made on.

    ``ended`` hears of every stream that is over, in the task that served it.
    """

    def __init__(
        self,
        models: Mapping[str, OnnxModel],
        limits: Limits,
        metrics: Metrics,
        most: int = 64,
        ended: Callable[[Visit], None] = lambda visit: None,
        expression: Expression | None = None,
        ear: Ear | None = None,
    ) -> None:
        self.models, self.limits, self.metrics, self._ended = models, limits, metrics, ended
        self.expression = expression
        loop = asyncio.get_running_loop()
        self._batch = Batch(models, loop, metrics.stepped, most, expression, ear)
        self._voices: dict[Voice, asyncio.Task[object] | None] = {}
        self._counted: dict[Voice, tuple[int, int]] = {}  # frames sent and dropped that metrics know of
        self._empty = asyncio.Event()
        self._empty.set()
        self._draining = False
        self._ticker = asyncio.create_task(self._watch())

    def __len__(self) -> int:
        return len(self._voices)

    @contextmanager
    def admit(self, order: Order) -> Iterator[Voice]:
        """A voice for the length of the block. Raises Refusal and VoxrigError."""
        if self._draining:
            self.metrics.refused("stopping")
            raise Refusal(grpc.StatusCode.UNAVAILABLE, "the server is stopping; try another")
        if len(self._voices) >= self.limits.streams:
            self.metrics.refused("full")
            said = f"all {self.limits.streams} streams are taken; try again in {self.limits.retry:g} s"
            raise Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, said, self.limits.retry)
        try:
            order = checked(order, self.limits, tuple(self.models))
        except VoxrigError:
            self.metrics.refused("order")
            raise
        voice = Voice(order, self._batch, self.limits.max_stream, self.metrics.came)
        for sentence in order.left_out:
            voice.warn(Notice("left_out", sentence))
        self._voices[voice] = asyncio.current_task()
        self._empty.clear()
        self.metrics.opened()
        began, clock, outcome = time.time(), time.monotonic(), "failed"
        try:
            yield voice
            outcome = "done"
        except (GeneratorExit, asyncio.CancelledError):
            outcome = "left"
            raise
        except Refusal:
            outcome = "cut"
            raise
        finally:
            voice.close()
            del self._voices[voice]
            if not self._voices:
                self._empty.set()
            self._count(voice)
            del self._counted[voice]
            self._over(Visit(order, voice.summary, outcome, began, time.monotonic() - clock))

    async def drain(self, seconds: float) -> None:
        """Turns newcomers away, tells everybody, and waits until all have left or the time is up."""
        if not self._draining:
            said = f"the server stops; streams are served for {seconds:g} s more"
            for voice in self._voices:
                voice.warn(Notice("going_away", said, seconds=seconds))
        self._draining = True
        try:
            await asyncio.wait_for(self._empty.wait(), seconds)
        except TimeoutError:
            for voice in list(self._voices):
                voice.fail(
                    Refusal(grpc.StatusCode.UNAVAILABLE, "the server has stopped; open the stream elsewhere")
                )

    async def close(self) -> None:
        """Stops the batch and the watch."""
        self._ticker.cancel()
        await asyncio.get_running_loop().run_in_executor(None, self._batch.stop)

    def _over(self, visit: Visit) -> None:
        order, summary = visit.order, visit.summary
        self.metrics.closed(summary, visit.how)
        self._ended(visit)
        _log.info(
            "stream %s",
            visit.how,
            extra={
                "stream": order.name,
                "model": order.model,
                "rigs": [rig.name for rig in order.rigs],
                "seconds": round(visit.seconds, 3),
                "frames": summary.frames,
                "dropped": summary.dropped,
                "late": summary.late,
            },
        )

    def _count(self, voice: Voice) -> None:
        """Tells the metrics what is new."""
        frames, dropped = voice.summary.frames, voice.summary.dropped
        known = self._counted.get(voice, (0, 0))
        self.metrics.sent(frames - known[0], dropped - known[1])
        self._counted[voice] = frames, dropped

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_TICK)
            now, limits = loop.time(), self.limits
            for voice, task in list(self._voices.items()):
                self._count(voice)
                if voice.stalled > limits.stall and task is not None:
                    _log.warning("stream cut: nothing was read for %g s", limits.stall)
                    task.cancel()  # it waits for room to write, and a status would wait, too
                elif not voice.ended and not voice.busy and now - voice.heard_at > limits.idle:
                    said = f"nothing was sent for {limits.idle:g} s"
                    voice.fail(Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, said))
