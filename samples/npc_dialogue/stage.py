"""Faces on one clock, as a game has it: at each of 60 ticks a second every NPC says 1/60 s and shows a frame.

Sound goes to the service as it is spoken, silence where nobody speaks, so a face lives on between its lines
and frame k always belongs to piece k of the sound. A frame is shown DELAY ticks after its sound was said,
together with it. An interruption forgets what was said and not yet shown; the mouth closes in CLOSING frames.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from speech import RATE, Line

from voxrig import AudioChunk, Style
from voxrig.client import AsyncClient, AsyncLiveStream, Block, Notice
from voxrig.errors import ServiceError
from voxrig.idle import Life
from voxrig.staging import direct
from voxrig.types import Array
from voxrig_bridge import Outlet

FPS = 60
PIECE = RATE // FPS
"""Samples of a tick."""
DELAY = 8
"""Ticks from a sound to the frame that shows it: 80 ms of the service, and some for the way."""
CLOSING = 6
"""Frames in which an interrupted mouth closes."""
SILENCE = np.zeros(PIECE, np.float32)

Log = Callable[[str, dict[str, Any]], None]
"""Hears what happens: the kind of an event and its fields."""


class Loudspeaker(Protocol):
    """Where sound goes, a tick at a time."""

    def play(self, samples: Array) -> None: ...


@dataclass(eq=False)
class Npc:
    """One face. Made by ``Stage.add``."""

    name: str
    stream: AsyncLiveStream
    outlets: Sequence[Outlet]
    columns: Sequence[int]
    """Of the stream's rigs, which each outlet takes."""
    log: Log
    shown: int = -1
    """Index of the frame that is shown."""
    holds: int = 0
    """Ticks at which the next frame was not there yet."""
    _said: int = 0  # index of the next piece of sound
    _first: int = 0  # frame of the line's first piece
    _end: int = 0  # frame after its last
    _deaf: int = 0  # interrupts whose answer is to come
    _speech: deque[Array] = field(default_factory=deque)  # pieces of the line that are to be said
    _sound: dict[int, Array] = field(default_factory=dict)  # pieces by frame, said and not yet shown
    _came: dict[int, list[Array]] = field(default_factory=dict)  # frames, not yet shown: (c,) for each rig
    _reader: asyncio.Task[None] | None = None

    @property
    def speaking(self) -> bool:
        """Whether some of a line is still to be heard."""
        return self.shown + 1 < self._end

    @property
    def heard(self) -> float:
        """Seconds of the line that were heard."""
        return max(0, self.shown + 1 - self._first) / FPS

    async def say(self, line: Line, direction: str) -> None:
        """Begins a line with the next tick, and to look and feel as a director's words tell."""
        padded = np.pad(line.samples, (0, -len(line.samples) % PIECE))
        self._speech.extend(padded.reshape(-1, PIECE))
        self._first, self._end = self._said, self._said + len(self._speech)
        begin = self.stream.pushed
        staging = direct(direction or "neutral", line.seconds)
        for key in staging.keys:
            await self.stream.set_style(key.style, begin + round(key.at * RATE), max(key.transition, 0.2))
        for look in staging.looks:
            await self.stream.look(look.yaw, look.pitch, begin + round(look.at * RATE))
            await self.stream.look(None, at=begin + round(look.until * RATE))

    async def listen(self) -> None:
        """Nothing more to say: a calm face."""
        await self.stream.set_style(Style(), transition=0.6)

    async def look(self, yaw: float | None) -> None:
        """Turns its eyes to so many radians to its own right; with None to the player, more or less."""
        await self.stream.look(yaw)

    async def interrupt(self) -> None:
        """Breaks off after the frame that is shown: nothing that was said and not yet heard will be."""
        fading = self._sound.get(self.shown + 1, SILENCE) * np.linspace(1, 0, PIECE, dtype=np.float32)
        self._speech.clear()
        self._came.clear()
        self._sound = {self.shown + 1: fading}  # a sound that stops at once would click
        self._said = self.shown + 1 + CLOSING  # the service numbers the next sound so
        self._first = self._end = self._said
        self._deaf += 1
        await self.stream.interrupt(shown=self.shown, closing=CLOSING / FPS)

    async def tick(self, now: int) -> Array:
        """Says a piece, shows the frame that is due, and gives its sound (n,)."""
        if self._reader is None:
            self._reader = asyncio.create_task(self._read())
        if self._reader.done():
            self._reader.result()  # raises what ended it
            raise ServiceError(f"the service has ended the face of {self.name}", "ABORTED")
        piece = self._speech.popleft() if self._speech else SILENCE
        await self.stream.push(AudioChunk(piece, RATE, self.stream.pushed))
        self._sound[self._said] = piece
        self._said += 1
        heard = [SILENCE]
        while self._said - self.shown > DELAY and self.shown + 1 in self._came:
            self.shown += 1
            heard.append(self._sound.pop(self.shown, SILENCE))
            self._show(now, self._came.pop(self.shown), heard[-1])
        self.holds += len(heard) == 1 and self._said > 60
        return np.concatenate(heard[1:] or heard)

    async def close(self) -> None:
        """Lets go of the stream and of who is shown the face."""
        if self._reader is not None:
            self._reader.cancel()
        await self.stream.close()
        for outlet in self.outlets:
            outlet.end()

    def _show(self, now: int, rows: Sequence[Array], sound: Array) -> None:
        for outlet, column in zip(self.outlets, self.columns, strict=True):
            chunk = AudioChunk(sound, RATE, self.shown * PIECE)
            outlet.show(self.shown, rows[column], chunk, self.shown / FPS)
        self.log("frame", {"npc": self.name, "tick": now, "frame": self.shown, "values": rows[0]})

    async def _read(self) -> None:
        async for part in self.stream:
            if isinstance(part, Notice) and part.kind == "interrupted":
                self._deaf -= 1
            elif isinstance(part, Block) and not self._deaf:  # or it is of the line that was cut
                for i in range(len(part.frames)):
                    self._came[part.frames.start + i] = [track.values[i] for track in part.tracks]


class Stage:
    """All NPCs, and the clock. Use it in an ``async with`` statement."""

    def __init__(self, client: AsyncClient, loudspeaker: Loudspeaker, log: Log, speed: float = 1.0) -> None:
        """``speed`` is ticks in the time of one, for rehearsals."""
        self.npcs: dict[str, Npc] = {}
        self.now = 0
        """Ticks since the beginning."""
        self._client, self._loudspeaker, self._log = client, loudspeaker, log
        self._rate = FPS * speed
        self._zero = asyncio.get_running_loop().time()

    async def add(self, name: str, outlets: Sequence[Outlet]) -> None:
        """An NPC, and who is shown its face. Raises ServiceError."""
        rigs = list(dict.fromkeys(["arkit", *(outlet.rig.name for outlet in outlets)]))
        stream = await self._client.open(
            RATE, rigs, FPS, encoding="s16", life=Life(), seed=len(self.npcs), name=name
        )
        for outlet in outlets:
            outlet.begin()
        columns = [rigs.index(outlet.rig.name) for outlet in outlets]
        self.npcs[name] = Npc(name, stream, outlets, columns, self._log)
        self._log("rig", {"npc": name, "curves": stream.header.rigs[0].curves})

    async def tick(self) -> None:
        """Waits for the next tick and does it. Raises ServiceError."""
        clock = asyncio.get_running_loop().time
        due = self._zero + self.now / self._rate
        late = clock() - due
        if late > 0.5:  # the machine slept; do not hurry after it
            self._zero += late
        await asyncio.sleep(max(0.0, -late))
        heard = [await npc.tick(self.now) for npc in self.npcs.values()]
        mixed = np.zeros(max(map(len, heard), default=0), np.float32)
        for sound in heard:
            mixed[: len(sound)] += sound
        self._loudspeaker.play(mixed)
        self.now += 1

    async def __aenter__(self) -> Stage:
        return self

    async def __aexit__(self, *_: object) -> None:
        for npc in self.npcs.values():
            await npc.close()
