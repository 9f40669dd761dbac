"""One client's stream on the event loop: what came in, what is to be sent, and when.

Sound goes to a ``Line`` in the batch thread; its frames come back through ``_hear`` and wait here until
they are due, asked for, and the client has room. An interrupt starts a new line and closes the mouth in
between. Memory is bounded: with burst pacing a client that does not read is not heard either, with
realtime pacing frames that are long due are dropped, and both are counted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import floor, inf

import numpy as np

from ..errors import VoxrigError
from ..style import check
from ..types import Array, Style
from .batch import Batch, Told
from .order import Order, samples_of
from .parts import Block, Notice, Part, Summary
from .sent import Sent

_STALE = 0.5  # s past due at which a frame of realtime pacing is worth nothing
_LATE = 0.1  # s that we may take to answer before the client is told
_SILENCE = 0.04  # s of silence put in at a time
_FAR = 60.0  # s that a client with a window may send ahead of its acks
_EARLY = 0.02  # s before they are due that frames may go, so that those of one hop go as they come
_SOON = 0.001  # s: no clock of an event loop is finer
_CLOSING = 0.15  # s in which an interrupted mouth closes


@dataclass(eq=False)
class _Part:
    """A line and where its frames and samples lie in the stream."""

    frame: int
    """Of the stream, that is the line's frame 0."""
    sample: int
    arrivals: deque[tuple[float, float]] = field(default_factory=deque)
    """(samples of the line, when they had come)"""


class Voice:
    """A stream as its call sees it: ``say`` … ``end`` on one side, ``async for part in`` it on the other."""

    def __init__(
        self,
        order: Order,
        batch: Batch,
        longest: float,
        lateness: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self.order, self.summary = order, Summary()
        self._batch, self._longest, self._lateness = batch, longest, lateness
        self._clock = asyncio.get_running_loop().time
        self.latency = batch.latency(order)
        self._fps = float(order.fps)  # for the clock; exact numbers take many times as long
        self.heard_at = self.sent_at = self._clock()
        """When the client last said something; when it was last handed something, or took a part of it."""
        self._handing = False
        self._line = batch.open(order, self._hear)
        self._part = _Part(0, 0)
        self._style, self._seed = order.style, order.seed
        self._waiting: deque[Block] = deque()
        self._sent = Sent(order.rigs, self._fps)
        self._notices: deque[Notice] = deque()
        self._next = 0  # frame to send next
        self._made = 0  # frames made, or to be sent anyway
        self._shown = 0  # frames that the client has shown
        self._window = order.window
        self._echo = bytearray()
        self._echoed = 0  # samples of the stream that _echo begins with
        self._ended = self._all_made = False
        self._error: Exception | None = None
        self._zero: float | None = None  # when frame 0 is due, but for latency
        self._silent: asyncio.TimerHandle | None = None
        self._silent_from: tuple[int, int] | None = None  # samples of silence not yet told
        self._ready, self._room = asyncio.Event(), asyncio.Event()

    # ── what clients say ──────────────────────────────────────────────────────────────────────────────

    async def say(self, data: bytes) -> None:
        """The next sound. Waits where too much is unheard. Raises AudioError and VoxrigError."""
        samples = samples_of(data, self.order.encoding)
        self._check_open("sound")
        self.heard_at = self._clock()
        if len(samples):
            if self.order.idle:
                self._watch_silence()
            self._push(samples, data)
        if self._window:  # an ack would wait behind sound that waits
            if self._ahead > _FAR:
                raise VoxrigError(f"sound is {_FAR:g} s ahead of the frames that were acknowledged")
            return
        while self._ahead > self.order.ahead and not self._all_made:
            self._room.clear()
            await self._room.wait()

    def key(self, style: Style, at: int, transition: float = 0.0) -> None:
        """From sample ``at`` of the client's on, speak so. Raises StyleError and VoxrigError."""
        self._check_open("a style")
        if not 0 <= transition <= 60:
            raise VoxrigError(f"transition is {transition:g} s; have 0 to 60")
        self.heard_at = self._clock()
        self._batch.check(self.order, check(style))
        self._style = style
        self._line.key(style, self._inside(at), transition)

    def look(self, angles: tuple[float, float] | None, at: int) -> None:
        """From sample ``at`` of the client's on, look there: radians to the subject's right and down, as far
        as eyes reach; with None where it likes. Raises VoxrigError."""
        self._check_open("a look")
        if angles is not None and not np.isfinite(angles).all():
            raise VoxrigError(f"a look has yaw {angles[0]:g} and pitch {angles[1]:g}; write radians")
        self.heard_at = self._clock()
        self._line.look(angles, self._inside(at))

    def ack(self, frame: int) -> None:
        """Frames before this one are shown."""
        self.heard_at = self._clock()
        self._shown = max(self._shown, min(frame, self._next))
        self._ready.set()

    def ack_no_more(self) -> None:
        """The client can tell no more what it shows: the rest is sent without a bound."""
        self._window = 0
        self._ready.set()

    def interrupt(self, shown: int | None = None, closing: float = 0.0) -> None:
        """Forgets what is unheard and unsent and closes the mouth, from after frame ``shown``.

        Where the sound has ended, nothing follows.
        """
        if not 0 <= closing <= 5:
            raise VoxrigError(f"closing is {closing:g} s; have 0 to 5")
        self.heard_at = self._clock()
        first = self._next if shown is None else min(shown + 1, self._next)
        tracks = self._sent.closing(first, closing or _CLOSING)
        self._line.close()
        # The rest of what was planned from the beginning was meant for the speech that is cut.
        self._seed += 1
        order = replace(self.order, style=self._style, keys=(), looks=(), seed=self._seed)
        self._line = self._batch.open(order, self._hear, rest=True)
        base = first + len(tracks[0])
        self._part = _Part(base, self.summary.samples + self.summary.silence)
        self._echo.clear()
        self._echoed = self._part.sample
        self._waiting.clear()
        self._waiting.append(Block(first, tracks))
        self._next, self._made, self._zero = first, base, None
        self._shown = min(self._shown, first)
        said = f"new sound begins with frame {base}; the mouth closes from frame {first}"
        self._notices.append(Notice("interrupted", said, first, base))
        self._all_made = False
        if self._ended:
            self._line.end()
        self._ready.set()
        self._room.set()

    def end(self) -> None:
        """No more sound. Ending twice is fine."""
        self.heard_at = self._clock()
        if not self._ended:
            self._ended = True
            self._stop_watching()
            self._part.arrivals.append((inf, self.heard_at))  # it completes every frame
            self._ready.set()
            self._line.end()

    def fail(self, error: Exception) -> None:
        """Ends the other side with an error, once what is made is sent."""
        self._error = self._error or error
        self._ready.set()

    def warn(self, notice: Notice) -> None:
        """Tells the client something between frames."""
        self._notices.append(notice)
        self._ready.set()

    def close(self) -> None:
        """Leaves the batch. Closing twice is fine."""
        self._stop_watching()
        self._line.close()

    # ── what clients get ──────────────────────────────────────────────────────────────────────────────

    async def __aiter__(self) -> AsyncIterator[Part]:
        """Blocks, notices, and at the end the summary. Raises what ``fail`` was given."""
        last = False
        while not last:
            if self.order.most and self.order.pacing == "realtime" and self._zero is not None:
                self._drop(self._clock())  # who takes few frames at a time is slow with them
            part: Part | None = self._notices.popleft() if self._notices else self._take()
            if part is None and self._error is not None:
                raise self._error
            if part is None and self._all_made and not self._waiting:
                part, last = self.summary, True
            if part is None:
                self._ready.clear()
                await self._wait()
                continue
            self.took()
            self._handing = True
            yield part
            self._handing = False

    def took(self) -> None:
        """The client took a part of what it was handed last."""
        self.sent_at = self._clock()

    @property
    def ended(self) -> bool:
        """Whether no more sound comes."""
        return self._ended

    @property
    def busy(self) -> bool:
        """Whether frames are still to be sent."""
        return self._handing or bool(self._waiting)

    @property
    def stalled(self) -> float:
        """Seconds for which the client has taken nothing of what it is handed."""
        return self._clock() - self.sent_at if self._handing else 0.0

    def _take(self) -> Block | None:
        """All that may be sent now, as one block."""
        now, count = self._clock(), self._allowed
        if self.order.most:
            count = min(count, self.order.most)
        if self.order.pacing == "realtime" and self._waiting and self._zero is not None:
            due = (now + _EARLY - self._zero - self.latency) * self._fps
            count = min(count, floor(due) + 1 - self._next)
        if self.order.echo and not self._ended:
            heard = self._part.frame + floor(self._line.pushed * self.order.fps / self.order.rate)
            count = min(count, heard - self._next)  # a frame waits for all of its sound
        taken: list[Block] = []
        while self._waiting and count > 0:
            block = self._waiting.popleft()
            if len(block) > count:
                rest = Block(block.start + count, [track[count:] for track in block.tracks])
                self._waiting.appendleft(rest)
                block = Block(block.start, [track[:count] for track in block.tracks])
            count -= len(block)
            taken.append(block)
        if not taken:
            return None
        whole = taken[0]
        if len(taken) > 1:
            own = zip(*(block.tracks for block in taken), strict=True)
            whole = Block(whole.start, [np.concatenate(tracks) for tracks in own])
        end = whole.start + len(whole)
        if self.order.echo:
            whole = replace(whole, sound=self._sound_until(end))
        self._next = end
        self.summary.frames += len(whole)
        if self.summary.first_frame is None and self._zero is not None:
            self.summary.first_frame = now - self._zero
        self._sent.remember(whole)
        self._room.set()
        return whole

    @property
    def _allowed(self) -> int:
        return max(0, self._shown + self._window - self._next) if self._window else self._made

    async def _wait(self) -> None:
        """Until something changed, or the next frame is due."""
        if self.order.pacing != "realtime" or not self._waiting or not self._allowed:
            await self._ready.wait()
            return
        seconds = max(_SOON, self._due(self._next) - _EARLY - self._clock())
        timer = asyncio.get_running_loop().call_later(seconds, self._ready.set)
        await self._ready.wait()
        timer.cancel()

    def _due(self, frame: int) -> float:
        if self.order.pacing == "burst" or self._zero is None:
            return 0.0
        return self._zero + self.latency + frame / self._fps

    # ── what comes from the batch ─────────────────────────────────────────────────────────────────────

    def _hear(self, told: Told) -> None:
        if told.line is not self._line:
            return  # from before an interrupt
        now = self._clock()
        if told.error is not None:
            self._all_made = True
            self.fail(told.error)
            return
        count = len(told.tracks[0])
        start = self._part.frame + told.start
        if count:
            self._note_lateness(told.start + count, now)
            self._waiting.append(Block(start, told.tracks))
            self._made = start + count
        self._all_made = told.last
        if self.order.pacing == "realtime" and self._zero is not None:
            self._drop(now)
        self._ready.set()
        if told.last:
            self._room.set()

    def _note_lateness(self, frames: int, now: float) -> None:
        """How long after its sound, but for the lookahead, the newest frame came.

        Sound that came before it could have been spoken counts from when it would have been.
        """
        arrivals = self._part.arrivals
        needed = ((frames - 1) / self._fps + self.latency) * self.order.rate
        while len(arrivals) > 1 and arrivals[0][0] < needed - 1:  # rounding
            arrivals.popleft()
        due = arrivals[0][1]
        if self._zero is not None:
            due = max(due, self._zero + self._part.frame / self._fps + needed / self.order.rate)
        late = max(0.0, now - due)
        self._lateness(late)
        self.summary.lateness = max(self.summary.lateness, late)
        if late > _LATE:
            self.summary.late += 1

    def _drop(self, now: float) -> None:
        """Forgets frames that are long due."""
        first, dropped = self._next, 0
        while self._waiting and self._due(self._waiting[0].start + len(self._waiting[0])) < now - _STALE:
            dropped += len(self._waiting.popleft())
        if dropped:
            self._next = first + dropped
            self.summary.dropped += dropped
            if self.order.echo:
                self._sound_until(self._next)
            said = f"frames {first} to {self._next - 1} were dropped: they were due {_STALE:g} s ago"
            if self._notices and self._notices[-1].kind == "dropped":
                first = self._notices.pop().first
            self._notices.append(Notice("dropped", said, first, self._next))

    # ── sound ─────────────────────────────────────────────────────────────────────────────────────────

    def _push(self, samples: Array, data: bytes, silence: bool = False) -> None:
        now, rate = self._clock(), self.order.rate
        if (self.summary.samples + self.summary.silence + len(samples)) > self._longest * rate:
            raise VoxrigError(f"a stream holds at most {self._longest:g} s of sound; open another")
        if self._zero is None:
            # Sound that is spoken now was begun a chunk ago; sound that was made beforehand begins now.
            self._zero = now - min(len(samples) / rate, 0.02) - self._part.frame / self._fps
        if silence:
            self.summary.silence += len(samples)
        else:
            self.summary.samples += len(samples)
        if self.order.echo:
            self._echo += data
            self._ready.set()
        self._line.say(samples)
        self._part.arrivals.append((self._line.pushed, now))
        self._catch_up(now)

    def _catch_up(self, now: float) -> None:
        """Moves what is due later where the client paused: never earlier."""
        if self.order.pacing != "realtime" or self._zero is None:
            return
        spoken = self._part.frame / self._fps + self._line.pushed / self.order.rate
        behind = now - self._zero - spoken
        if behind > 0.1:
            self._zero += behind

    def _watch_silence(self) -> None:
        """After sound: tells of silence that was put in before it, and waits for the next."""
        self._stop_watching()
        if self._silent_from is not None:
            first, last = self._silent_from
            said = f"no sound came: samples {first} to {last - 1} are silence"
            self._notices.append(Notice("silence", said, first, last))
            self._silent_from = None
        self._silent = asyncio.get_running_loop().call_later(self.order.idle, self._put_silence)

    def _put_silence(self) -> None:
        """Silence in the place of sound that does not come, a little at a time."""
        if self._ahead < self.order.ahead:
            count = int(self.order.rate * _SILENCE)
            first = self.summary.samples + self.summary.silence
            self._push(np.zeros(count, np.float32), bytes(count * self.order.size), silence=True)
            self._silent_from = ((self._silent_from or (first,))[0], first + count)
        self._silent = asyncio.get_running_loop().call_later(_SILENCE, self._put_silence)

    def _stop_watching(self) -> None:
        if self._silent is not None:
            self._silent.cancel()
            self._silent = None

    def _sound_until(self, frame: int) -> bytes:
        """The echo of what comes before a frame and was not echoed yet; all of it after the last."""
        inside = max(0, frame - self._part.frame)
        until = self._part.sample + int(Fraction(inside * self.order.rate) / self.order.fps)
        size = max(0, until - self._echoed) * self.order.size
        data = bytes(self._echo[:size])
        del self._echo[:size]
        self._echoed += len(data) // self.order.size
        return data

    @property
    def _ahead(self) -> float:
        """Seconds of sound that came and whose frames are still to be sent."""
        return (self._part.frame - self._next) / self._fps + self._line.pushed / self.order.rate

    def _inside(self, at: int) -> int:
        """Sample of the line of a sample of the client's."""
        return max(0, at + self.summary.silence - self._part.sample)

    def _check_open(self, what: str) -> None:
        if self._ended:
            raise VoxrigError(f"{what} after the end of the stream")
