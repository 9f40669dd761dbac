"""Where a face's frames go: a codec and the socket that it leaves by, and how many frames went.

An Outlet never waits and never fails because of a receiver: what cannot go is dropped and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Protocol

import numpy as np

from voxrig.types import Array, AudioChunk, Frames, Rig

from .codec import Codec
from .network import Callers, Tcp, Udp
from .streamlivelink import StreamSound
from .web import SoundFormat
from .websocket import Broadcast


class Outlet(Protocol):
    """One face on its way to one receiver."""

    name: str
    """The URL that it was opened by."""
    sent: int
    """Frames that went."""
    dropped: int
    """Frames that could not go."""

    @property
    def rig(self) -> Rig:
        """Whose curves ``show`` takes."""
        ...

    @property
    def wants_sound(self) -> bool:
        """Whether sound goes along."""
        ...

    def begin(self) -> None:
        """Before the first frame."""
        ...

    def show(self, index: int, values: Array, sound: AudioChunk, seconds: float) -> None:
        """Frame ``index`` of (c,) values, the sound from it to the next, and its time of day."""
        ...

    def end(self) -> None:
        """After the last frame: tells the receiver, and lets go of the socket. Twice is fine."""
        ...


class Datagrams:
    """A codec over UDP."""

    wants_sound = False

    def __init__(self, name: str, codec: Codec, udp: Udp) -> None:
        self.name, self._codec, self._udp = name, codec, udp
        self.sent = self.dropped = 0
        self._open = True

    @property
    def rig(self) -> Rig:
        return self._codec.rig

    def begin(self) -> None:
        self._udp.send(self._codec.begin())

    def show(self, index: int, values: Array, sound: AudioChunk, seconds: float) -> None:
        if self._udp.send(self._codec.encode(values, seconds)):
            self.sent += 1
        else:
            self.dropped += 1

    def end(self) -> None:
        if self._open:
            self._open = False
            self._udp.send(self._codec.end())
            self._udp.close()


class Requested:
    """Codecs of several versions, to whoever asks for one of them."""

    wants_sound = False

    def __init__(self, name: str, codecs: Mapping[int, Codec], callers: Callers) -> None:
        self.name, self._codecs, self._callers = name, codecs, callers
        self.sent = self.dropped = 0
        self._open = True

    @property
    def rig(self) -> Rig:
        return next(iter(self._codecs.values())).rig

    def begin(self) -> None:
        pass

    def show(self, index: int, values: Array, sound: AudioChunk, seconds: float) -> None:
        asked = sorted(self._callers.asked())
        went = [self._callers.send(v, self._codecs[v].encode(values, seconds)) for v in asked]
        self.sent += bool(went) and all(went)
        self.dropped += not all(went)

    def end(self) -> None:
        if self._open:
            self._open = False
            for version in self._callers.asked():
                self._callers.send(version, self._codecs[version].end())
            self._callers.close()


class Blocks:
    """A codec over TCP, and its sound over another connection where that is wanted."""

    def __init__(
        self,
        name: str,
        codec: Codec,
        connect: Callable[[Callable[[], list[bytes]]], Tcp],
        connect_sound: Callable[[Callable[[], list[bytes]]], Tcp] | None,
        sound: StreamSound,
    ) -> None:
        self.name, self._codec, self._sound = name, codec, sound
        self._tcp = connect(codec.begin)
        self._sound_tcp = connect_sound(sound.begin) if connect_sound else None
        self.sent = self.dropped = 0
        self._open = True

    @property
    def rig(self) -> Rig:
        return self._codec.rig

    @property
    def wants_sound(self) -> bool:
        return self._sound_tcp is not None

    def begin(self) -> None:
        pass  # each connection begins by itself

    def show(self, index: int, values: Array, sound: AudioChunk, seconds: float) -> None:
        if self._tcp.send(self._codec.encode(values, seconds)):
            self.sent += 1
        else:
            self.dropped += 1
        if self._sound_tcp is not None and len(sound.samples):
            self._sound_tcp.send(self._sound.encode(sound))

    def end(self) -> None:
        if self._open:
            self._open = False
            self._tcp.send(self._codec.end())
            self._tcp.close()
            if self._sound_tcp is not None:
                self._sound_tcp.send(self._sound.end())
                self._sound_tcp.close()


class Broadcasted:
    """A face of a broadcast, with its sound as 16-bit samples."""

    def __init__(
        self, name: str, to: Broadcast, subject: str, rig: Rig, fps: Fraction, sound: SoundFormat | None
    ) -> None:
        self.name, self.wants_sound, self._sound = name, sound is not None, sound
        self._to, self._subject, self._rig, self._fps = to, subject, rig, fps
        self._face: int | None = None
        self._samples = 0
        self.sent = self.dropped = 0

    @property
    def rig(self) -> Rig:
        return self._rig

    def begin(self) -> None:
        self._face = self._to.add_face(self._subject, self._rig, self._fps, sound=self._sound)

    def show(self, index: int, values: Array, sound: AudioChunk, seconds: float) -> None:
        if self._face is None:
            return
        data = (np.clip(sound.samples, -1, 1) * 32767).astype("<i2").tobytes() if self.wants_sound else b""
        self._to.send(self._face, index, values[None], data)
        self._samples += len(sound.samples)
        self.sent += 1

    def end(self) -> None:
        if self._face is not None:
            self._to.end(self._face, self._samples, self.sent)
            self._face = None


class OutletSink:
    """An outlet as a Sink: frames go as they are written, nothing is paced.

    ``time_of_day`` is that of frame 0, in seconds since local midnight.
    """

    def __init__(
        self,
        outlet: Outlet,
        fps: Fraction,
        time_of_day: float,
        closed: Callable[[], None] = lambda: None,
    ) -> None:
        self._outlet, self._fps, self._midnight, self._closed = outlet, fps, time_of_day, closed
        self._begun = False

    @property
    def rig(self) -> Rig:
        """Whose frames are taken."""
        return self._outlet.rig

    def write(self, frames: Frames) -> None:
        """Sends frames. Raises ValueError on those of another rig or rate."""
        if (frames.rig.name, frames.fps) != (self.rig.name, self._fps):
            raise ValueError(
                f"{self._outlet.name} takes {self.rig.name} at {self._fps} frames a second, "
                f"not {frames.rig.name} at {frames.fps}"
            )
        if not self._begun:
            self._begun = True
            self._outlet.begin()
        silence = AudioChunk(np.zeros(0, np.float32), 1)
        for i, values in enumerate(frames.values, frames.start):
            self._outlet.show(i, values, silence, self._midnight + float(i / self._fps))

    def close(self) -> None:
        """Ends the face and lets go of the socket."""
        self._outlet.end()
        self._closed()
