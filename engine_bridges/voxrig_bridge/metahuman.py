"""MetaHuman raw controls over UDP, for our Unreal plugin: names now and then, a face in every datagram.

Our own protocol; the other side is ``engine_bridges/unreal/VoxRig/Source/VoxRig/Private/FacePacket.h``.
Little-endian, no padding, at most 1400 bytes. Every datagram begins with

    4s  magic "VXMH"
    u8  version, 1
    u8  kind: 1 names, 2 face, 3 end
    u8  flags: bit 0 of names: a take begins; bit 0 of a face: the head's angles count; the rest is 0
    u8  m, bytes of the subject, 1..64
    u32 id of the names: FNV-1a of all of them, each followed by a line feed
    u8[m] subject, printable ASCII

and goes on, by kind, with

    names   u16 curves in all, 1..600; u16 index of the first name here; u16 names here;
            then each: u8 length, 1..64, and printable ASCII without spaces
    face    u32 index of the frame since the take began; u32 frames since midnight, f32 part of a frame
            that has passed, 0 to less than 1; u32 numerator, u32 denominator of the frame rate;
            f32 HeadRoll, f32 HeadPitch, f32 HeadYaw, degrees; u16 curves; u16 of each, 0..65535 for 0..1
    end     u32 frames sent

The names go out in parts: all of them when a take begins, then one part after another, all once a
second, so that a receiver that starts late knows them within a second. A face is one datagram, so a
lost one is one frame. Its weights are rounded to 1/65535.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from voxrig.errors import WireError
from voxrig.rigs import get
from voxrig.types import Array, Rig

from .livelink import frame_time, name_bytes, usable

LARGEST = 1400
"""Bytes of a datagram: what passes every usual network unbroken."""
MOST_CURVES = 600
LONGEST = 64
"""Bytes of a subject or of a curve's name."""
QUANTUM = 1 / 65535
"""The step of a weight on the wire; what arrives is off by half of it at most."""

_HEAD = struct.Struct("<4sBBBBI")
_NAMES = struct.Struct("<HHH")
_FACE = struct.Struct("<IIfIIfffH")
_END = struct.Struct("<I")
_MAGIC, _VERSION = b"VXMH", 1
_KIND_NAMES, _KIND_FACE, _KIND_END = 1, 2, 3
_FASTEST = 1000  # frames a second
_LARGEST_INT = 2**31 - 1  # a frame rate in Unreal is two of these


@dataclass(frozen=True)
class Names:
    """Some of the names of a subject's curves."""

    subject: str
    schema: int
    """Id of all the names, see ``schema_id``."""
    begins: bool
    """Whether a take begins."""
    count: int
    """Curves in all."""
    first: int
    """Index of names[0] among them."""
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Face:
    """One frame of a subject."""

    subject: str
    schema: int
    """Id of the names that the values belong to."""
    index: int
    """Frames since the take began."""
    day_frame: int
    """Whole frames since midnight, at ``fps``."""
    subframe: float
    """The part of a frame that has passed since, 0 to less than 1."""
    fps: Fraction
    head: tuple[float, float, float] | None
    """HeadRoll, HeadPitch, HeadYaw in degrees, or None if the head is not driven."""
    values: Array  # (c,) float32, 0..1


@dataclass(frozen=True)
class End:
    """A take is over."""

    subject: str
    schema: int
    frames: int
    """How many were sent."""


class Metahuman:
    """One MetaHuman face: the 251 curves of the rig ``metahuman`` and, once ``turn`` was called, the head.

    Values beyond 0..1 go out as 0 or 1. Raises BridgeError for a subject that Live Link cannot show and
    ValueError for a frame rate beyond 1000 or not above 0.
    """

    def __init__(self, fps: Fraction, subject: str = "voxrig") -> None:
        if not 0 < fps <= _FASTEST or max(fps.numerator, fps.denominator) > _LARGEST_INT:
            raise ValueError(f"frame rate {fps}: must be above 0 and at most {_FASTEST}")
        self.rig: Rig = get("metahuman")
        self._fps, self._subject = fps, name_bytes("subject", subject)
        self._schema = schema_id(self.rig.curves)
        self._parts = [self._names(first, names) for first, names in _split(self.rig.curves, self._subject)]
        self._face = self._head(_KIND_FACE, 0)
        self._angles = (0.0, 0.0, 0.0)
        self._frames = self._parts_sent = 0

    def begin(self) -> list[bytes]:
        """All names, marked as the beginning of a take."""
        self._frames = self._parts_sent = 0
        return [part[:6] + b"\x01" + part[7:] for part in self._parts]

    def turn(self, yaw: float, pitch: float, roll: float) -> None:
        """Turns the head, from the next frame on: radians, as CONVENTIONS.md counts them.

        Raises ValueError if an angle is not finite.
        """
        if not all(map(math.isfinite, (yaw, pitch, roll))):
            raise ValueError(f"the head's angles must be finite, got {yaw}, {pitch}, {roll}")
        self._angles = head_bone(yaw, pitch, roll)
        self._face = self._head(_KIND_FACE, 1)

    def encode(self, values: Array, seconds: float) -> list[bytes]:
        """(251,) float32 → the face, before it a part of the names if one is due.

        ``seconds`` is the frame's time of day, counted from local midnight. Raises ValueError for
        another shape and for what is not finite.
        """
        usable(values, self.rig)
        due = self._frames * len(self._parts) * self._fps.denominator // self._fps.numerator
        messages = [self._parts[i % len(self._parts)] for i in range(self._parts_sent, due)]
        self._parts_sent = due
        weights = np.rint(np.clip(values, 0.0, 1.0) * np.float32(65535)).astype("<u2")
        day_frame, subframe = frame_time(seconds, self._fps)
        fixed = _FACE.pack(
            self._frames % 2**32,
            day_frame,
            subframe,
            self._fps.numerator,
            self._fps.denominator,
            *self._angles,
            len(weights),
        )
        self._frames += 1
        return [*messages, self._face + fixed + weights.tobytes()]

    def end(self) -> list[bytes]:
        """Tells that the take is over."""
        return [self._head(_KIND_END, 0) + _END.pack(self._frames % 2**32)]

    def _head(self, kind: int, flags: int) -> bytes:
        head = _HEAD.pack(_MAGIC, _VERSION, kind, flags, len(self._subject), self._schema)
        return head + self._subject

    def _names(self, first: int, names: list[bytes]) -> bytes:
        packed = b"".join(bytes([len(name)]) + name for name in names)
        return self._head(_KIND_NAMES, 0) + _NAMES.pack(len(self.rig), first, len(names)) + packed


def schema_id(names: Iterable[str]) -> int:
    """FNV-1a, 32 bits, over the names, each followed by a line feed.

    >>> hex(schema_id(["a"]))
    '0x2524c6d2'
    """
    value = 0x811C9DC5
    for byte in "".join(f"{name}\n" for name in names).encode("ascii"):
        value = (value ^ byte) * 0x01000193 % 2**32
    return value


def head_bone(yaw: float, pitch: float, roll: float) -> tuple[float, float, float]:
    """HeadRoll, HeadPitch, HeadYaw in degrees: the turn about the axes of a MetaHuman's head bone.

    That bone's X points up, Y out of the face and Z to the subject's right, so that a nod is a HeadYaw,
    a turn a HeadRoll, and a tip to the shoulder a HeadPitch. Both sides turn about fixed axes, ours by
    roll, pitch, yaw, Unreal by X, Y, Z; hence the way over a matrix.
    """
    cos, sin = math.cos, math.sin
    turn = np.array([[1, 0, 0], [0, cos(yaw), -sin(yaw)], [0, sin(yaw), cos(yaw)]])
    nod = np.array([[cos(pitch), -sin(pitch), 0], [sin(pitch), cos(pitch), 0], [0, 0, 1]])
    tip = np.array([[cos(roll), 0, -sin(roll)], [0, 1, 0], [sin(roll), 0, cos(roll)]])
    whole = turn @ nod @ tip  # a column is where an axis of the bone goes
    about_x = math.atan2(-whole[2, 1], whole[2, 2])
    about_y = math.atan2(whole[2, 0], math.hypot(whole[0, 0], whole[1, 0]))
    about_z = math.atan2(whole[1, 0], whole[0, 0])
    return math.degrees(about_x), math.degrees(about_y), math.degrees(about_z)


def parse(data: bytes) -> Names | Face | End:
    """What a datagram says. Raises WireError if it is none of this protocol."""
    if len(data) > LARGEST:
        raise WireError("too long")
    if len(data) < _HEAD.size:
        raise WireError("shorter than its head")
    magic, version, kind, flags, length, schema = _HEAD.unpack_from(data)
    if magic != _MAGIC or version != _VERSION:
        raise WireError("not this protocol")
    if flags > (kind != _KIND_END):
        raise WireError("unknown flags")
    body = memoryview(data)[_HEAD.size + length :]
    if len(data) < _HEAD.size + length:
        raise WireError("cut short in the subject")
    subject = _text(data[_HEAD.size : _HEAD.size + length], " ")
    if kind == _KIND_NAMES:
        return _parse_names(body, subject, schema, bool(flags))
    if kind == _KIND_FACE:
        return _parse_face(body, subject, schema, bool(flags))
    if kind == _KIND_END:
        if len(body) != _END.size:
            raise WireError("an end of the wrong length")
        return End(subject, schema, _END.unpack(body)[0])
    raise WireError("unknown kind")


def _parse_names(body: memoryview, subject: str, schema: int, begins: bool) -> Names:
    if len(body) < _NAMES.size:
        raise WireError("cut short before the names")
    count, first, here = _NAMES.unpack_from(body)
    if not 1 <= count <= MOST_CURVES or not here or first + here > count:
        raise WireError("names out of range")
    names, at = [], _NAMES.size
    for _ in range(here):
        if at >= len(body) or len(body) - at - 1 < body[at]:
            raise WireError("cut short in a name")
        names.append(_text(bytes(body[at + 1 : at + 1 + body[at]]), "!"))
        at += 1 + body[at]
    if at != len(body):
        raise WireError("bytes after the last name")
    return Names(subject, schema, begins, count, first, tuple(names))


def _parse_face(body: memoryview, subject: str, schema: int, turned: bool) -> Face:
    if len(body) < _FACE.size:
        raise WireError("cut short before the weights")
    index, day_frame, subframe, numerator, denominator, *angles, count = _FACE.unpack_from(body)
    if not 1 <= count <= MOST_CURVES or len(body) != _FACE.size + 2 * count:
        raise WireError("weights of the wrong length")
    if not (0 < numerator <= _LARGEST_INT and 0 < denominator <= _LARGEST_INT):
        raise WireError("frame rate out of range")
    if numerator > _FASTEST * denominator:
        raise WireError("frame rate out of range")
    if day_frame > _LARGEST_INT or not 0 <= subframe < 1:
        raise WireError("time of day out of range")
    if not all(map(math.isfinite, angles)):
        raise WireError("head angles that are not finite")
    weights = np.frombuffer(body, "<u2", count, _FACE.size).astype(np.float32) / np.float32(65535)
    head = (angles[0], angles[1], angles[2]) if turned else None
    fps = Fraction(numerator, denominator)
    return Face(subject, schema, index, day_frame, subframe, fps, head, weights)


def _text(data: bytes, lowest: str) -> str:
    """1..64 printable ASCII characters, none below ``lowest``."""
    if not 1 <= len(data) <= LONGEST or not all(ord(lowest) <= byte <= ord("~") for byte in data):
        raise WireError("a name that is empty, too long or not printable ASCII")
    return data.decode("ascii")


def _split(curves: tuple[str, ...], subject: bytes) -> list[tuple[int, list[bytes]]]:
    """The names in as few datagrams as hold them, each with the index of its first."""
    room = LARGEST - _HEAD.size - len(subject) - _NAMES.size
    parts: list[tuple[int, list[bytes]]] = [(0, [])]
    left = room
    for i, name in enumerate(curve.encode("ascii") for curve in curves):
        if len(name) + 1 > left:
            parts.append((i, []))
            left = room
        parts[-1][1].append(name)
        left -= len(name) + 1
    return parts
