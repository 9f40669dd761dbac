"""StreamLivelink: how Audio2Face reaches Unreal through NVIDIA's Omniverse Live Link plugin, over TCP.

Unreal listens on two ports, 12030 for faces and 12031 for sound. All that is said on either is blocks::

    u64 big-endian: bytes that follow | bytes

- A face is ``{"voxrig":{"Body":{},"Facial":{"Names":["EyeBlinkLeft",…],"Weights":[0.0,…]}}}`` in ASCII; the
  first key is the Live Link subject.
- **Streaming**: faces only, each shown when it comes, at the sender's pace.
- **Burst**: ``A2F:30`` (frames a second), all the faces at once, ``EOS``. Unreal plays them at that rate,
  from when both ports have something to play.
- Sound: ``WAVE:16000:1:16:1`` (rate, channels, bits, 1 for integers or 3 for floats), pieces of little-endian
  samples, ``EOS``.

Names and order are those of the rig ``livelink``; head and eye angles are radians with the rig's signs, as in
``livelink.py``. The grammar comes from the notes that ship with the plugin, which give no unit for angles.
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Literal

import numpy as np

from voxrig.errors import BridgeError, WireError, unknown
from voxrig.rigs import get
from voxrig.types import Array, AudioChunk

from .livelink import name_bytes, usable

FACE_PORT: Final = 12030
SOUND_PORT: Final = 12031
MAX_BLOCK: Final = 1 << 20
"""Bytes of a block that a Parser takes; a face of ours has about 1,500."""

_SIZE: Final = struct.Struct(">Q")
_END: Final = b"EOS"
_PIECE: Final = 16_384  # samples of sound in a block
_MAX_NAMES: Final = 1024
_MAX_WEIGHT: Final = 1e6
_RATE: Final = re.compile(r"A2F:([1-9][0-9]{0,3})")
_WAVE: Final = re.compile(r"WAVE:([1-9][0-9]{3,5}):([1-9][0-9]?):(8|16|24|32|64):([13])")

Mode = Literal["streaming", "burst"]


class StreamLivelink:
    """The bytes for the port of faces. Each message is the next block of the stream.

    Raises BridgeError for a subject that is empty, longer than 64 bytes or not printable ASCII, and in burst
    mode for a rate that is no whole number, which the header cannot say.
    """

    def __init__(self, fps: Fraction, subject: str = "voxrig", mode: Mode = "streaming") -> None:
        if fps <= 0:
            raise ValueError(f"fps must be above 0, got {fps}")
        if mode not in ("streaming", "burst"):
            raise ValueError(unknown("mode", mode, ("streaming", "burst")))
        name_bytes("subject", subject)
        if mode == "burst" and (fps.denominator != 1 or fps > 9999):
            raise BridgeError(
                f"burst mode cannot say {fps} frames a second; have whole numbers from 1 to 9999, "
                "or streaming mode"
            )
        self.rig = get("livelink")
        self._fps, self._burst = fps, mode == "burst"
        head = {subject: {"Body": {}, "Facial": {"Names": self.rig.curves, "Weights": []}}}
        start, weights, close = json.dumps(head, separators=(",", ":")).rpartition("[]")
        holes = weights[0] + ",".join(["%.6f"] * len(self.rig)) + weights[1]
        self._frame = start.replace("%", "%%") + holes + close

    def begin(self) -> list[bytes]:
        """In burst mode the rate."""
        return [block(f"A2F:{self._fps}".encode("ascii"))] if self._burst else []

    def encode(self, values: Array, seconds: float) -> list[bytes]:
        """(61,) float32 → one block; the time is not sent. ValueError if not (61,) float32 and finite."""
        usable(values, self.rig)
        return [block((self._frame % tuple(values.tolist())).encode("ascii"))]

    def end(self) -> list[bytes]:
        """In burst mode the mark of the end."""
        return [block(_END)] if self._burst else []


class StreamSound:
    """The bytes for the port of sound: mono, as 16-bit integers or 32-bit floats."""

    def __init__(self, rate: int, encoding: Literal["s16", "f32"] = "s16") -> None:
        if not 1000 <= rate <= 999_999:
            raise ValueError(f"rate must be 1,000 to 999,999 Hz, got {rate}")
        if encoding not in ("s16", "f32"):
            raise ValueError(unknown("encoding", encoding, ("s16", "f32")))
        self._rate, self._floats = rate, encoding == "f32"

    def begin(self) -> list[bytes]:
        """What the sound is."""
        return [block(f"WAVE:{self._rate}:1:{'32:3' if self._floats else '16:1'}".encode("ascii"))]

    def encode(self, sound: AudioChunk) -> list[bytes]:
        """Samples in blocks of at most 16,384; integers are cut to full scale.

        ValueError if the sound has another rate or samples that are not finite.
        """
        if sound.rate != self._rate:
            raise ValueError(f"the sound has {sound.rate} Hz, the stream {self._rate} Hz")
        if not np.isfinite(sound.samples).all():
            raise ValueError("the sound has samples that are not finite")
        if self._floats:
            samples: np.ndarray[Any, Any] = sound.samples.astype("<f4")
        else:
            samples = np.clip(np.rint(sound.samples * 32768), -32768, 32767).astype("<i2")
        return [block(samples[at : at + _PIECE].tobytes()) for at in range(0, len(samples), _PIECE)]

    def end(self) -> list[bytes]:
        """The mark of the end."""
        return [block(_END)]


@dataclass(frozen=True)
class Rate:
    """The start of a burst of faces."""

    fps: int
    """Frames a second."""


@dataclass(frozen=True, eq=False)
class Face:
    """One frame."""

    subject: str
    names: tuple[str, ...]
    weights: Array  # (c,) one for each name


@dataclass(frozen=True)
class Wave:
    """The start of sound. The blocks after it are samples, up to one that is ``EOS``."""

    rate: int
    """Hertz."""
    channels: int
    """Interleaved."""
    bits: int
    """Of a sample."""
    floats: bool
    """Floating point, or else integers."""


@dataclass(frozen=True)
class End:
    """The end of a burst, or of sound."""


def block(payload: bytes) -> bytes:
    """The payload with its size before it."""
    return _SIZE.pack(len(payload)) + payload


class Parser:
    """Takes what a socket gives, in any pieces, and gives the payloads of whole blocks.

    Holds less than ``limit`` bytes between calls. After a WireError the stream has lost its place: every
    further call raises it again.
    """

    def __init__(self, limit: int = MAX_BLOCK) -> None:
        self._limit, self._kept, self._lost = limit, bytearray(), False

    def feed(self, data: bytes) -> list[bytes]:
        """The next bytes of the stream → the blocks that they complete.

        WireError if a block is empty or says that it is larger than the limit.
        """
        if self._lost:
            raise WireError("the stream lost its place")
        self._kept += data
        blocks, at = [], 0
        while len(self._kept) >= at + _SIZE.size:
            (size,) = _SIZE.unpack_from(self._kept, at)
            if not 1 <= size <= self._limit:
                self._lost, self._kept = True, bytearray()
                raise WireError("a block is empty" if size == 0 else f"a block is above {self._limit} bytes")
            start = at + _SIZE.size
            if len(self._kept) < start + size:
                break
            blocks.append(bytes(self._kept[start : start + size]))
            at = start + size
        del self._kept[:at]
        return blocks


def parse(data: bytes) -> Rate | Face | Wave | End:
    """The payload of a block → what it says. Not for samples, which stand between ``Wave`` and ``EOS``."""
    if len(data) > MAX_BLOCK:
        raise WireError("longer than any block")
    if data == _END:
        return End()
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise WireError("not ASCII") from None
    if rate := _RATE.fullmatch(text):
        return Rate(int(rate[1]))
    if wave := _WAVE.fullmatch(text):
        return Wave(int(wave[1]), int(wave[2]), int(wave[3]), wave[4] == "3")
    try:
        return _face(json.loads(text))
    except (ValueError, RecursionError):  # JSONDecodeError is a ValueError, as is a number of 5,000 digits
        raise WireError("neither a header nor JSON") from None


def _face(whole: object) -> Face:
    """The frame in a JSON value."""
    if not isinstance(whole, dict) or len(whole) != 1:
        raise WireError("not one subject")
    ((subject, body),) = whole.items()
    facial = body.get("Facial") if isinstance(body, dict) else None
    if not isinstance(facial, dict):
        raise WireError("no Facial")
    names, weights = facial.get("Names"), facial.get("Weights")
    if not isinstance(names, list) or not isinstance(weights, list):
        raise WireError("no Names or no Weights")
    if len(names) != len(weights) or len(names) > _MAX_NAMES:
        raise WireError("Names and Weights differ, or are too many")
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise WireError("a name is no text, or repeats")
    for weight in weights:
        if type(weight) not in (int, float) or not -_MAX_WEIGHT <= weight <= _MAX_WEIGHT:
            raise WireError("a weight is no number, or out of range")
    return Face(subject, tuple(names), np.array(weights, np.float32))
