"""Takes: a sound with what voxrig told of it, or the curves of a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from threading import Lock
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..cast import SOUND_RATE
from ..performance import Direction, Pace
from ..recital import Script
from ..rehearsal import Rehearsal
from ..resample import Resampler
from ..retime import Retime, frame_count
from ..rigs import NATIVE, map_to
from ..staging import AS_IT_COMES, Staging
from ..types import AudioChunk, Frames, Rig
from .packs import Packs

_BLOCK = 120  # frames of curves at a time


class Take(Protocol):
    """What can be played."""

    id: str
    name: str
    seconds: float

    @property
    def rig(self) -> Rig:
        """Whose frames ``play`` gives."""
        ...

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        ...

    def told(self) -> dict[str, Any]:
        """What clients are told."""
        ...

    def aimed(self, direction: Direction) -> Direction:
        """The direction with its map from the take's own rig. Raises RigError."""
        ...

    def staged(self, direction: Direction) -> Staging:
        """Its words and keys, for this take. Raises StyleError."""
        ...

    def count(self, fps: Fraction) -> int:
        """Frames at a rate."""
        ...

    def play(self, direction: Direction, staging: Staging, packs: Packs) -> Iterator[Frames]:
        """Frames on the take's own rig, a few seconds at a time. Raises VoxrigError."""
        ...


class Speech:
    """A sound, and who knows the text, what is said in it. For any thread."""

    kind: Literal["speech"] = "speech"

    def __init__(self, name: str, sound: AudioChunk, script: Script | None = None) -> None:
        self.id, self.name, self.sound, self._script = "", name, sound, script
        self.seconds = len(sound.samples) / sound.rate
        self._lock = Lock()
        self._rehearsals: dict[Pace, Rehearsal] = {}
        self._played: NDArray[np.int16] | None = None

    @property
    def rig(self) -> Rig:
        return NATIVE

    @property
    def size(self) -> int:
        played = 0 if self._played is None else self._played.nbytes
        return self.sound.samples.nbytes + played + sum(r.size for r in list(self._rehearsals.values()))

    def rehearsal(self, pace: Pace, packs: Packs) -> Rehearsal:
        """What a pack told, heard when it is first asked for. A text is for whole files.

        Raises ModelError and TextError.
        """
        with self._lock:
            if pace not in self._rehearsals:
                script = self._script if pace == "file" else None
                quality = Direction(NATIVE, pace=pace).quality
                self._rehearsals[pace] = Rehearsal(packs.model(pace), self.sound, quality, script)
            return self._rehearsals[pace]

    def heard(self) -> NDArray[np.int16]:
        """The sound at SOUND_RATE, (n,)."""
        with self._lock:
            if self._played is None:
                samples = Resampler(self.sound.rate, SOUND_RATE, "best").push(self.sound.samples, last=True)
                self._played = np.clip(np.rint(samples * 32767), -32768, 32767).astype("<i2")
            return self._played

    def told(self) -> dict[str, Any]:
        found = self._rehearsals["file"].transcript
        return {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "seconds": self.seconds,
            "text": self._script.text if self._script else "",
            "words": [{"text": w.text, "start": w.start, "end": w.end} for w in found.words],
            "phones": [{"label": p.label, "start": p.start, "end": p.end} for p in found.phones],
        }

    def aimed(self, direction: Direction) -> Direction:
        return direction

    def staged(self, direction: Direction) -> Staging:
        return direction.staged(self.seconds)

    def count(self, fps: Fraction) -> int:
        return frame_count(len(self.sound.samples), self.sound.rate, fps)

    def play(self, direction: Direction, staging: Staging, packs: Packs) -> Iterator[Frames]:
        heard = self.rehearsal(direction.pace, packs)
        styles = (direction.style, *(key.style for key in direction.keys))
        expression = None if direction.plain else packs.expression()
        ear = packs.ear() if any(style.auto for style in styles) else None
        return heard.play(direction, expression, ear, staging)


class Curves:
    """Curves of a file. They are shown as they are: a direction's rig, gain and offset count, no more."""

    kind: Literal["curves"] = "curves"

    def __init__(self, name: str, frames: Frames) -> None:
        self.id, self.name, self.frames = "", name, frames
        self.seconds = float(len(frames) / frames.fps)

    @property
    def rig(self) -> Rig:
        return self.frames.rig

    @property
    def size(self) -> int:
        return self.frames.values.nbytes

    def told(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "seconds": self.seconds,
            "rig": self.rig.name,
            "curves": list(self.rig.curves),
            "fps": float(self.frames.fps),
            "frames": len(self.frames),
        }

    def aimed(self, direction: Direction) -> Direction:
        # Curves end as the file does: no mouth is closed that was left open.
        return replace(direction, to_rig=map_to(self.rig, direction.rig), pace="live")

    def staged(self, direction: Direction) -> Staging:
        return AS_IT_COMES

    def count(self, fps: Fraction) -> int:
        if fps == self.frames.fps or not len(self.frames):
            return len(self.frames)
        return (len(self.frames) - 1) * fps // self.frames.fps + 1

    def play(self, direction: Direction, staging: Staging, packs: Packs) -> Iterator[Frames]:
        values = self.frames.values
        if direction.fps != self.frames.fps and len(values):
            values = Retime(self.frames.fps, direction.fps, len(self.rig)).push(values)
        for at in range(0, len(values), _BLOCK):
            yield Frames(self.rig, values[at : at + _BLOCK], direction.fps, at)
