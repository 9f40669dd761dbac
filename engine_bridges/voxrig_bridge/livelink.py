"""Live Link Face: what an iPhone sends to Unreal's Apple ARKit Face Support, version 6, UDP port 11111.

A datagram is a frame. Numbers are big-endian, texts carry their length in bytes before them and no zero
after, nothing is aligned:

========  ==============  ===============================================================
type      field           meaning
========  ==============  ===============================================================
u8        version         6
i32       length          bytes of the device
chars     device          who sends: an upper-case UUID in the app
i32       length          bytes of the subject
chars     subject         the Live Link subject, the name that is seen in Unreal
i32       frame           frames since midnight at the rate
f32       subframe        part of a frame past it, 0 to 1
i32, i32  rate            frames a second, numerator and denominator
u8        count           61; Unreal drops anything else
f32[61]   values          curves in the order of the rig ``livelink``
========  ==============  ===============================================================

Unreal clears the old subject when a device comes with a new one, so each subject has a device of its own.

Angles go out with the signs of CONVENTIONS.md, which are the rig's:

- ``LeftEyeYaw``, ``RightEyeYaw``: + to the subject's right. ``…EyePitch``: + down. Recordings of the app
  have these signs, and radians.
- ``LeftEyeRoll``, ``RightEyeRoll``: whatever the rig holds, which is 0.
- ``HeadYaw`` + to the subject's right, ``HeadPitch`` + down, ``HeadRoll`` + to the right shoulder. No
  recording with a moving head was at hand, so these signs are ours, not measured on the app.

Radians are what the app sends. Unreal's own sender for iOS, made with its augmented reality plugin, sends
half-turns: an angle over pi, -1 to 1. The datagram does not say which, so the receiver must know.

Layout, order and the rule for devices come from Unreal's reader of such datagrams and from the app.
"""

from __future__ import annotations

import math
import struct
import uuid
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

import numpy as np

from voxrig.errors import BridgeError, WireError, unknown
from voxrig.rigs import get
from voxrig.types import Array, Rig

PORT: Final = 11111
MAX_NAME: Final = 64
"""Bytes of a subject or a device that we send."""

_VERSION: Final = 6
_MAX_READ: Final = 256  # bytes of a name that we take from others
_DAY: Final = 86_400  # seconds
_NEAR: Final = 1e-6  # frames; what floating point may cost a time of day
_BIG: Final = np.dtype(">f4")
_TIME: Final = struct.Struct(">if")
_RATE: Final = struct.Struct(">iiB")
_TAIL: Final = struct.Struct(">ifiiB")
_LENGTH: Final = struct.Struct(">i")
_LARGEST: Final = 2**31 - 1

Angles = Literal["radians", "half-turns"]


class Livelink:
    """One subject. ``begin`` and ``end`` send nothing: the first frame makes it appear in Unreal.

    Raises BridgeError for a subject or device that is empty, longer than 64 bytes or not printable ASCII.
    """

    def __init__(
        self, fps: Fraction, subject: str = "voxrig", device: str = "", angles: Angles = "radians"
    ) -> None:
        """An empty ``device`` becomes a UUID that is always the same for this subject."""
        if fps <= 0 or fps.denominator > _LARGEST or _DAY * fps > _LARGEST:
            raise ValueError(f"fps must be above 0 and below {_LARGEST // _DAY}, got {fps}")
        if angles not in ("radians", "half-turns"):
            raise ValueError(unknown("unit of angles", angles, ("radians", "half-turns")))
        self.rig = get("livelink")
        named = name_bytes("subject", subject)
        sender = name_bytes(
            "device", device or str(uuid.uuid5(uuid.NAMESPACE_URL, f"voxrig:{subject}")).upper()
        )
        self._fps = fps
        self._head = b"".join(
            [bytes([_VERSION]), _LENGTH.pack(len(sender)), sender, _LENGTH.pack(len(named)), named]
        )
        self._rate = _RATE.pack(fps.numerator, fps.denominator, len(self.rig))
        self._scale = _half_turns(self.rig) if angles == "half-turns" else None

    def begin(self) -> list[bytes]:
        """Nothing."""
        return []

    def encode(self, values: Array, seconds: float) -> list[bytes]:
        """(61,) float32 → one datagram. ValueError if the values are of another shape or not finite."""
        usable(values, self.rig)
        if self._scale is not None:
            values = values * self._scale
        time = _TIME.pack(*frame_time(seconds, self._fps))
        return [self._head + time + self._rate + values.astype(_BIG).tobytes()]

    def end(self) -> list[bytes]:
        """Nothing."""
        return []


@dataclass(frozen=True, eq=False)
class Packet:
    """A frame as it stands in a datagram."""

    device: str
    subject: str
    frame: int
    """Frames since midnight."""
    subframe: float
    numerator: int
    """Frames a second, over ``denominator``."""
    denominator: int
    values: Array  # (61,) order of the rig livelink; angles in the unit of the sender


def parse(data: bytes) -> Packet:
    """A datagram → its frame. Takes version 6 with 61 finite values; all else is a WireError."""
    if len(data) > 1 + 2 * (_LENGTH.size + _MAX_READ) + _TAIL.size + 255 * _BIG.itemsize:
        raise WireError("longer than any frame")
    if not data or data[0] != _VERSION:
        raise WireError("not a Live Link Face datagram of version 6")
    device, at = _text(data, 1)
    subject, at = _text(data, at)
    if len(data) < at + _TAIL.size:
        raise WireError("no frame after the names")
    frame, subframe, numerator, denominator, count = _TAIL.unpack_from(data, at)
    at += _TAIL.size
    rig = get("livelink")
    if count != len(rig) or len(data) != at + count * _BIG.itemsize:
        raise WireError(f"not {len(rig)} values")
    if numerator <= 0 or denominator <= 0:
        raise WireError("the frame rate is not above 0")
    if frame < 0 or not 0 <= subframe <= 1:
        raise WireError("the frame time is out of range")
    values = np.frombuffer(data, _BIG, count, at).astype(np.float32)
    if not np.isfinite(values).all():
        raise WireError("a value is not finite")
    return Packet(device, subject, frame, subframe, numerator, denominator, values)


def frame_time(seconds: float, fps: Fraction) -> tuple[int, float]:
    """Time of day → frames since midnight and the part of a frame past them, 0 up to but not 1.

    The time k / fps gives exactly (k, 0.0) for every frame of a day, also at 30000/1001; a day later is the
    same time of day. ``frame_time(1.5, Fraction(1))`` is ``(1, 0.5)``. ValueError if it is not finite.
    """
    if not math.isfinite(seconds):
        raise ValueError(f"the time of day must be finite, got {seconds}")
    numerator, denominator = fps.numerator, fps.denominator
    position = seconds % _DAY * numerator / denominator
    frame = round(position)
    part = position - frame
    if abs(part) < _NEAR:
        part = 0.0
    elif part < 0:
        frame, part = frame - 1, part + 1
    if frame * denominator >= _DAY * numerator:  # a hair before midnight
        return 0, 0.0
    return frame, part


def name_bytes(what: str, name: str) -> bytes:
    """A name as it goes over the wire. BridgeError unless it has 1 to 64 bytes of printable ASCII."""
    if not name:
        raise BridgeError(f"the {what} is empty; give 1 to {MAX_NAME} printable ASCII characters")
    for place, letter in enumerate(name):
        if not " " <= letter <= "~":
            raise BridgeError(f"the {what} has {letter!a} as character {place + 1}; use printable ASCII only")
    if len(name) > MAX_NAME:
        raise BridgeError(f"the {what} is {len(name)} bytes long; {MAX_NAME} are allowed")
    return name.encode("ascii")


def usable(values: Array, rig: Rig) -> None:
    """ValueError unless ``values`` is one frame of the rig: (c,) float32, all finite."""
    if values.shape != rig.rest.shape or values.dtype != np.float32:
        raise ValueError(
            f"a frame on {rig.name} must be ({len(rig)},) float32, got {values.shape} {values.dtype}"
        )
    if not math.isfinite(sum(values.tolist())):  # for a frame, a third of the time that numpy takes
        curve = rig.curves[int(np.isfinite(values).argmin())]
        raise ValueError(f"a frame on {rig.name} must be finite; {curve} is not")


def _text(data: bytes, at: int) -> tuple[str, int]:
    """The text whose length stands at ``at``, and where it ends."""
    if len(data) < at + _LENGTH.size:
        raise WireError("ends within a name")
    (length,) = _LENGTH.unpack_from(data, at)
    at += _LENGTH.size
    if not 0 <= length <= _MAX_READ:
        raise WireError("the length of a name is out of range")
    if len(data) < at + length:
        raise WireError("ends within a name")
    try:
        return data[at : at + length].decode("utf-8"), at + length
    except UnicodeDecodeError:
        raise WireError("a name is not UTF-8") from None


def _half_turns(rig: Rig) -> Array:
    """(61,) factors: 1 for shapes, 1 / pi for angles, which are the curves that go below 0."""
    return np.where(rig.low < 0, 1 / math.pi, 1).astype(np.float32)
