"""Links to engines: what the page plays is sent to them in time, by a thread of its own.

The page's clock says where the sound is. On a pause the last pose is held; when the page is gone, the
mouth closes. Receivers are never waited for.
"""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from threading import Condition, Thread
from typing import Any

import numpy as np

from voxrig_bridge.outlets import Outlet
from voxrig_bridge.receivers import RECEIVERS, Opener, time_of_day

from ..cast import SOUND_RATE, sound_before
from ..errors import VoxrigError
from ..types import Array, AudioChunk, Rig
from .clock import SILENCE, Clock
from .refusal import Refusal, missing
from .show import Whole
from .take import Speech

FPS = Fraction(60)
_HOLD = 6  # ticks from one frame to the next while nothing moves: 10 a second
_CLOSING = 0.2  # s in which the mouth closes when nobody plays any more
_STALL = 0.25  # s behind at which ticks are left out
_RECENT = 0.5  # s within which a frame has gone, if any are sent
_REFUSED = 2.0  # s for which a refusal counts
_SILENT = np.zeros(0, np.float32)
_PROMPT = 0.0005  # s for which another thread may keep this one waiting


class Health:
    """What is wrong with a receiver, and since when nothing was."""

    def __init__(self) -> None:
        self._error, self._at = "", -math.inf

    def refuse(self, sentence: str = "") -> None:
        """A frame could not go; the sentence stays while others cannot either."""
        self._error, self._at = sentence or self._error or "frames cannot go", time.monotonic()

    def error(self, now: float) -> str | None:
        """What is wrong, if anything was lately."""
        return self._error if now - self._at < _REFUSED else None


@dataclass(eq=False)
class Link:
    """One receiver."""

    id: str
    url: str
    note: str
    outlet: Outlet
    opener: Opener
    health: Health
    pose: Array  # (c,) shown last
    sent: deque[float] = field(default_factory=lambda: deque(maxlen=61))
    """When the last frames went, on the monotonic clock."""

    def told(self, now: float) -> dict[str, Any]:
        """What clients are told."""
        error = self.health.error(now)
        sending = bool(self.sent) and now - self.sent[-1] < _RECENT
        times = [moment for moment in list(self.sent) if now - moment < 1.5]
        fps = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 0.0
        return {
            "id": self.id,
            "url": self.url,
            "rig": self.outlet.rig.name,
            "state": "failed" if error else "sending" if sending else "idle",
            "frames": self.outlet.sent,
            "fps": round(fps, 1) if sending else 0.0,
            "age": round(now - self.sent[-1], 3) if self.sent else None,
            "error": error,
            "note": self.note,
        }


class Links:
    """All receivers, and the thread that serves them. For any thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._links: dict[str, Link] = {}
        self._numbers = count(1)
        self._lock = Condition()
        self._thread: Thread | None = None
        self._stopped = False
        self._page: object | None = None  # whose sound is followed
        self._clock = Clock()
        self._wholes: dict[object, Whole] = {}  # of each page the newest
        self._closing: float | None = None  # since when the mouth closes
        self._left: dict[str, Array] = {}  # poses from which it does

    def open(self, url: str) -> dict[str, Any]:
        """A new link; names are looked up, which may take a moment. Raises VoxrigError."""
        self._check_room()
        health = Health()
        opener = Opener(FPS, health.refuse, rate=SOUND_RATE)
        try:
            outlet = opener.open(url)
            outlet.begin()
        except BaseException:
            opener.close()
            raise
        scheme = url.partition(":")[0]
        link = Link("", url, RECEIVERS[scheme].about, outlet, opener, health, outlet.rig.rest)
        with self._lock:
            try:
                self._check_room()
            except Refusal:
                _end(link)
                raise
            link.id = f"l{next(self._numbers)}"
            self._links[link.id] = link
            if self._thread is None:
                self._thread = Thread(target=self._run, name="voxrig-links", daemon=True)
                self._thread.start()
            self._lock.notify()
            return link.told(time.monotonic())

    def close(self, id: str) -> None:
        """Ends a link. Raises Refusal."""
        with self._lock:
            link = self._links.pop(id, None)
        if link is None:
            raise missing("link", id)
        _end(link)

    def told(self) -> list[dict[str, Any]]:
        """What clients are told of all of them."""
        now = time.monotonic()
        with self._lock:
            return [link.told(now) for link in self._links.values()]

    def rigs(self) -> list[Rig]:
        """Those that are wanted."""
        with self._lock:
            return [link.outlet.rig for link in self._links.values()]

    def show(self, page: object, whole: Whole) -> None:
        """The newest direction of a page is whole."""
        with self._lock:
            self._wholes[page] = whole

    def hear(self, page: object, take: str, playing: bool, at: float, speed: float) -> None:
        """A page tells where its sound is. The one that began to play last is followed."""
        with self._lock:
            now = time.monotonic()
            if page is not self._page and not playing and self._page is not None:
                return
            before = self._clock if page is self._page else Clock()
            self._clock = before.told(take, playing, at, speed, now)
            self._page, self._closing = page, None
            self._lock.notify()

    def leave(self, page: object) -> None:
        """A page is gone."""
        with self._lock:
            self._wholes.pop(page, None)
            if page is self._page:
                self._page = None
                self._close_mouths(time.monotonic())

    def stop(self) -> None:
        """Closes all mouths at once and ends."""
        with self._lock:
            self._stopped = True
            links, self._links = list(self._links.values()), {}
            self._lock.notify()
        if self._thread is not None:
            self._thread.join()
        for link in links:
            link.outlet.show(0, link.outlet.rig.rest, AudioChunk(_SILENT, SOUND_RATE), time_of_day())
            _end(link)

    def _check_room(self) -> None:
        if len(self._links) >= self._most:
            raise Refusal(429, f"{self._most} links are open, as many as there may be; close one")

    def _close_mouths(self, now: float) -> None:
        self._closing = now
        self._left = {id: link.pose for id, link in self._links.items()}

    def _run(self) -> None:
        sys.setswitchinterval(_PROMPT)
        start, tick, midnight = time.monotonic(), 0, time_of_day()
        while True:
            with self._lock:
                if self._stopped:
                    return
                now = time.monotonic()
                if now - start - float(tick / FPS) > _STALL:
                    tick = int((now - start) * FPS)
                if not self._links or not self._active(now):
                    self._lock.wait(1.0)
                    continue
                self._tick(tick, now, midnight + float(tick / FPS))
                tick += 1
            time.sleep(max(0.0, start + float(tick / FPS) - time.monotonic()))

    def _active(self, now: float) -> bool:
        """Whether anything is to be sent."""
        if self._page is not None and self._clock.playing and now - self._clock.heard > SILENCE:
            self._page = None
            self._close_mouths(now)
        if self._closing is not None and now - self._closing > _CLOSING + 0.05:
            self._closing = None
        return self._page is not None or self._closing is not None

    def _tick(self, tick: int, now: float, day: float) -> None:
        if self._closing is None and not self._clock.playing and tick % _HOLD:
            return
        whole = None if self._page is None else self._wholes.get(self._page)
        if whole is not None and whole.take.id != self._clock.take:
            whole = None
        for id, link in list(self._links.items()):
            rig = link.outlet.rig
            if self._closing is not None:
                part = min(1.0, (now - self._closing) / _CLOSING)
                begun = self._left.get(id, rig.rest)
                link.pose = np.asarray(begun + part * (rig.rest - begun), np.float32)
            elif whole is not None:
                try:
                    values = whole.onto(rig)
                except VoxrigError as error:
                    link.health.refuse(str(error))
                    continue
                link.pose = _pose(values, self._clock.now(now) * float(whole.fps), link.pose)
            sound = _sound(whole, self._clock, now) if link.outlet.wants_sound else _SILENT
            sent, dropped = link.outlet.sent, link.outlet.dropped
            link.outlet.show(tick, link.pose, AudioChunk(sound, SOUND_RATE), day)
            if link.outlet.sent > sent:
                link.sent.append(now)
            if link.outlet.dropped > dropped:
                link.health.refuse()


def _pose(values: Array, at: float, otherwise: Array) -> Array:
    """Values (t, c) at a frame and a part of one, (c,); those of the first or last beyond them."""
    if not len(values):
        return otherwise
    at = min(max(at, 0.0), len(values) - 1)
    low = int(at)
    part = np.float32(at - low)
    pose: Array = values[low] if not part else values[low] * (1 - part) + values[low + 1] * part
    return pose


def _sound(whole: Whole | None, clock: Clock, now: float) -> Array:
    """What is heard during a tick; silence where the sound does not run at its own speed."""
    size = sound_before(1, FPS)
    if whole is None or not clock.playing or clock.speed != 1 or not isinstance(whole.take, Speech):
        return np.zeros(size, np.float32)
    at = max(0, round(clock.now(now) * SOUND_RATE))
    part = whole.take.heard()[at : at + size].astype(np.float32) / 32768
    return np.pad(part, (0, size - len(part)))


def _end(link: Link) -> None:
    link.outlet.end()
    link.opener.close()
