"""Sound and picture together: a loudspeaker whose clock the frames follow. Needs the extra ``mic``.

Sound waits in the device for a while before it is heard. So sound is handed over a little before its frame is
due, and the frame waits for it: ``Heard`` is a reel whose sound goes to a loudspeaker on the way.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np

from voxrig.errors import BridgeError
from voxrig.types import Array, AudioChunk, Rig

from .playback import Beat, Reel

_BUFFERED = 0.2  # s of sound in the device; frames wait for it, so it costs nothing but a late start
_HELD = 4.0  # s of sound that can wait
_EARLY = 0.5  # s by which sound is handed over before its frame is due


class Loudspeaker:
    """A sound device, and the clock of what is heard from it. Use it in a ``with`` statement.

    Its time is 0 when the first sample is heard and goes by the samples that were played, so that frames
    on this clock keep in step with the sound for hours. Voices are added to each other.
    """

    def __init__(self, rate: int, device: int | str | None = None) -> None:
        """``device`` is a number or part of a name; None is the system's choice. Raises BridgeError."""
        name = "the loudspeaker" if device is None else f"loudspeaker '{device}'"
        try:
            import sounddevice
        except (ImportError, OSError) as error:
            raise BridgeError(
                f'cannot open {name}: pip install "voxrig[mic]", and on Linux apt install libportaudio2'
            ) from error
        self.rate = rate
        self._ring = np.zeros(int(_HELD * rate), np.float32)
        self._lock = threading.Lock()
        self._played = 0  # samples handed to the device
        self._heard: tuple[float, int] | None = None  # device time at which sample _played was due, and it
        try:
            self._stream: Any = sounddevice.OutputStream(
                samplerate=rate,
                device=device,
                channels=1,
                dtype="float32",
                latency=_BUFFERED,
                callback=self._fill,
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise BridgeError(
                f"cannot open {name} at {rate} Hz: {reason}; see python -m sounddevice"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def start(self) -> None:
        """Begins to play, silence where nothing was added."""
        self._stream.start()

    def add(self, sound: AudioChunk) -> None:
        """Sound by its place since the start. What comes too late for its place is not heard."""
        with self._lock:
            first = max(sound.start, self._played)
            last = min(sound.end, self._played + len(self._ring))
            if first < last:
                places = np.arange(first, last) % len(self._ring)
                self._ring[places] += sound.samples[first - sound.start : last - sound.start]

    def now(self) -> float:
        """Seconds of sound that were heard; negative before the first sample is."""
        if self._heard is None:
            return -float(self._stream.latency)
        moment, sample = self._heard
        heard = sample / self.rate + self._stream.time - moment
        return float(min(heard, self._played / self.rate))  # a device that starves hears nothing more

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def _fill(self, out: Array, count: int, moments: Any, status: Any) -> None:
        with self._lock:
            places = np.arange(self._played, self._played + count) % len(self._ring)
            out[:, 0] = np.clip(self._ring[places], -1, 1)
            self._ring[places] = 0
            # Some systems do not tell when a buffer is heard.
            heard = moments.outputBufferDacTime or moments.currentTime + self._stream.latency
            self._heard = (heard, self._played)
            self._played += count


class Heard:
    """A reel whose sound goes to a loudspeaker before its frames are due."""

    def __init__(self, reel: Reel, speaker: Loudspeaker, fps: float) -> None:
        self._reel, self._speaker = reel, speaker
        self._waiting: deque[Beat] = deque()
        self._ahead = max(1, round(_EARLY * fps))
        self.fetch()

    @property
    def rigs(self) -> Sequence[Rig]:
        return self._reel.rigs

    @property
    def over(self) -> bool:
        return self._reel.over and not self._waiting

    def next(self) -> Beat | None:
        self.fetch()
        return self._waiting.popleft() if self._waiting else None

    def fetch(self) -> None:
        """Hands over the sound of the next frames."""
        while len(self._waiting) <= self._ahead and (beat := self._reel.next()) is not None:
            self._speaker.add(beat.sound)
            self._waiting.append(beat)
