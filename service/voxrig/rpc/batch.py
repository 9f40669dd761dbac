"""The one thread that runs models: many lines of speech, few large steps.

Event loop and thread meet in two places only: orders go in through a queue, and what was made comes out
as one callback on the loop for each step. A ``Line`` belongs to the thread once it was opened.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..emotion import Ear
from ..engine import Engine, Stream
from ..expression import Expression
from ..idle import Idle
from ..model import Model
from ..retime import frame_count
from ..rigs import NATIVE, RigMap, get, map_to
from ..staging import Staging
from ..types import Array, AudioChunk, Frames, Rig, Style
from .order import Adjustment, Order

_WINDOW = 0.002  # s: how long sound waits for that of others to share its step
_STEADY = 64  # lines of realtime pacing a step
_BULK = 32  # of burst pacing: fewer and longer steps, so that steady ones never wait long
_BULK_BLOCK = 2  # hops
_BULK_STRIDE = 16  # blocks of a line that has as many: synthesised speech comes a sentence at a time
_SETTLE = 0.5  # s in which a face that was interrupted finds back to what it does beside speech

_log = logging.getLogger("voxrig.batch")


@dataclass(frozen=True, eq=False)
class Told:
    """What a step made for one line."""

    line: Line
    start: int
    """Index of the first frame since the line began."""
    tracks: Sequence[Array]
    """(t, c) for each rig of the order."""
    last: bool
    """Whether the line has ended and this is the rest."""
    error: Exception | None = None


class Line:
    """One stretch of speech. Its methods may be called from the loop; they take effect in the thread."""

    def __init__(self, batch: Batch, order: Order, hear: Callable[[Told], None], rest: bool) -> None:
        self.order, self.hear = order, hear
        self._batch, self._settle = batch, _SETTLE if rest else 0.0
        self.pushed = 0
        """Samples said so far; known to the loop."""
        self.stream: Stream
        self.adjust = _adjust(order)
        self._idle = Idle(order.life, order.fps, order.seed)
        Staging((), order.looks, ()).aim(self._idle, order.fps)
        self.done = False

    def say(self, samples: Array) -> None:
        """The next (n,) samples."""
        chunk = AudioChunk(samples, self.order.rate, self.pushed)
        self.pushed = chunk.end
        self._batch.do(partial(self._push, chunk))

    def key(self, style: Style, at: int, transition: float) -> None:
        """From sample ``at`` on speak in another style, reached within ``transition`` seconds."""
        self._batch.do(lambda: self.stream.set_style(style, at, transition))

    def look(self, angles: tuple[float, float] | None, at: int) -> None:
        """From sample ``at`` on look there, in radians of yaw and pitch, or with None where it likes."""
        frame = frame_count(at, self.order.rate, self.order.fps)
        self._batch.do(partial(self._idle.plan, frame, *(angles or (None,))))

    def end(self) -> None:
        """No more sound."""
        self._batch.do(lambda: self.stream.end())

    def close(self) -> None:
        """Forget the line; nothing more is told of it."""
        self._batch.do(partial(self._batch.leave, self))

    def live(self, frames: Frames) -> Frames:
        """The stream's next frames with what the face does beside speech."""
        lived = self._idle(frames)
        first = self._settle * float(frames.fps)
        if frames.start >= first or lived is frames:
            return lived
        part = np.clip(np.arange(frames.start, frames.start + len(frames)) / first, 0, 1)[:, None]
        values = frames.values + part * (lived.values - frames.values)
        return replace(lived, values=np.asarray(values, np.float32))

    def _push(self, chunk: AudioChunk) -> None:
        if not self.done:
            self.stream.push(chunk)


class Batch:
    """Lines of all clients, stepped together; ``steps`` hears the size and seconds of every step."""

    def __init__(
        self,
        models: Mapping[str, Model],
        loop: asyncio.AbstractEventLoop,
        steps: Callable[[int, float], None] = lambda size, seconds: None,
        most: int = _STEADY,
        expression: Expression | None = None,
        ear: Ear | None = None,
    ) -> None:
        self._loop, self._steps = loop, steps
        few = min(_BULK, most)
        self._steady = {name: Engine(m, most, 1, 1, expression, ear) for name, m in models.items()}
        self._bulk = {
            name: Engine(m, few, _BULK_BLOCK, _BULK_STRIDE, expression, ear) for name, m in models.items()
        }
        self._lines: dict[Engine, list[Line]] = {
            engine: [] for engine in (*self._steady.values(), *self._bulk.values())
        }
        self._maps: dict[str, RigMap] = {}
        self._orders: deque[Callable[[], None]] = deque()
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="voxrig-batch", daemon=True)
        self._thread.start()

    def open(self, order: Order, hear: Callable[[Told], None], rest: bool = False) -> Line:
        """A new line; ``hear`` is called on the loop with what is made of it.

        With ``rest`` it begins with a face at rest in all its parts. Raises StyleError where the model cannot
        show the styles of the order.
        """
        for style in (order.style, *(key.style for key in order.keys)):
            self.check(order, style)
        line = Line(self, order, hear, rest)
        self.do(partial(self._open, line))
        return line

    def check(self, order: Order, style: Style) -> None:
        """Raises StyleError where the order's model cannot show a style."""
        self._engine(order).check(style)

    def latency(self, order: Order) -> float:
        """Seconds from a sound to the frame that shows it, at worst."""
        with Engine(self._engine(order).model, 1, self._engine(order).block) as engine:
            return engine.open(rate=order.rate, fps=order.fps).latency

    def do(self, order: Callable[[], None]) -> None:
        """Has the thread do something before its next step."""
        self._orders.append(order)
        if not self._wake.is_set():  # which costs a tenth of setting it again
            self._wake.set()

    def leave(self, line: Line) -> None:
        """Takes a line out; called in the thread."""
        if not line.done:
            line.done = True
            engine = self._engine(line.order)
            engine.close(line.stream)
            self._lines[engine].remove(line)

    def stop(self) -> None:
        """Ends the thread once its step is done."""
        self._stopped = True
        self._wake.set()
        self._thread.join()

    def _engine(self, order: Order) -> Engine:
        return (self._steady if order.steady else self._bulk)[order.model]

    def _open(self, line: Line) -> None:
        engine, order = self._engine(line.order), line.order
        line.stream = engine.open(order.style, order.rate, order.fps, seed=order.seed)
        for key in order.keys:
            line.stream.set_style(key.style, round(key.at * order.rate), key.transition)
        self._lines[engine].append(line)

    def _run(self) -> None:
        behind = False
        while not self._stopped:
            if not behind:
                self._wake.wait()
                time.sleep(_WINDOW)
            self._wake.clear()
            while self._orders:
                self._do(self._orders.popleft())
            for engine in self._lines:
                self._step(engine)
            behind = any(engine.behind for engine in self._lines)

    def _do(self, order: Callable[[], None]) -> None:
        try:
            order()
        except Exception:
            # What clients send was checked before: this is our own fault, and no reason to stop the others.
            _log.exception("an order failed")

    def _step(self, engine: Engine) -> None:
        lines = self._lines[engine]
        began = time.perf_counter()
        try:
            moved = engine.step()
            told = self._collect(lines)
        except Exception as error:
            _log.exception("a step failed; %d lines end", len(lines))
            told = [Told(line, 0, (), True, error) for line in lines]
            moved = 0
        if moved:
            self._steps(moved, time.perf_counter() - began)
        for made in told:
            if made.last:
                self.leave(made.line)
        if told:
            self._loop.call_soon_threadsafe(_hand_out, told)

    def _collect(self, lines: Sequence[Line]) -> list[Told]:
        """Frames that are final, each on the rigs of its line."""
        made: list[tuple[Line, Frames, bool]] = []
        for line in lines:
            frames = line.stream.pull()
            if frames is not None:
                made.append((line, line.live(frames), line.stream.done))
            elif line.stream.done:
                made.append(
                    (line, Frames(NATIVE, np.zeros((0, len(NATIVE)), np.float32), line.order.fps), True)
                )
        told = []
        for (line, frames, last), own in zip(made, self._retarget(made), strict=True):
            tracks = tuple(adjust(track) for adjust, track in zip(line.adjust, own, strict=True))
            told.append(Told(line, frames.start, tracks, last))
        return told

    def _retarget(self, made: Sequence[tuple[Line, Frames, bool]]) -> list[list[Array]]:
        """Every line's frames on each of its rigs; lines that want the same rig are mapped as one."""
        wanted: dict[str, list[int]] = {}
        for i, (line, _, _) in enumerate(made):
            for rig in line.order.rigs:
                wanted.setdefault(rig.name, []).append(i)
        shown: dict[tuple[str, int], Array] = {}
        for name, members in wanted.items():
            parts = [made[i][1].values for i in members]
            mapped = self._map(name)(Frames(NATIVE, np.concatenate(parts), made[members[0]][1].fps)).values
            cuts = np.cumsum([len(part) for part in parts])[:-1]
            shown |= {(name, i): own for i, own in zip(members, np.split(mapped, cuts), strict=True)}
        return [[shown[rig.name, i] for rig in line.order.rigs] for i, (line, _, _) in enumerate(made)]

    def _map(self, name: str) -> RigMap:
        if name not in self._maps:
            self._maps[name] = map_to(NATIVE, get(name))
        return self._maps[name]


def _hand_out(told: Sequence[Told]) -> None:
    for made in told:
        made.line.hear(made)


def _adjust(order: Order) -> tuple[Callable[[Array], Array], ...]:
    """For each rig, what is done to its values; only the first is adjusted."""
    first, *others = order.rigs
    return adjuster(first, order.adjust), *(_same for _ in others)


def adjuster(rig: Rig, adjustments: Sequence[Adjustment]) -> Callable[[Array], Array]:
    """Adjustments of a rig's (t, c) values as one function."""
    if not adjustments:
        return _same
    steps = [(_by_curve(rig, a.gain, 1.0), _by_curve(rig, a.offset, 0.0), a.clamp) for a in adjustments]

    def adjust(values: Array) -> Array:
        for gain, offset, clamp in steps:
            values = values * gain + offset
            if clamp:
                values = np.clip(values, rig.low, rig.high)
        return values

    return adjust


def _by_curve(rig: Rig, numbers: Mapping[str, float], default: float) -> Array:
    others = numbers.get("all", default)
    return np.array([numbers.get(curve, others) for curve in rig.curves], np.float32)


def _same(values: Array) -> Array:
    return values
