"""iFacialMocap: the text that VTuber programs take from an iPhone, UDP port 49983.

A datagram is a frame, in ASCII, each field closed by ``|``::

    eyeBlink_L-37|…|mouthSmile_R-35|=head#-21.4883,-6.0390,-6.6020,0,0,0|rightEye#6.0297,2.4403,0.0000|leftEye#…|

- Shapes are whole percents, 0 to 100; values beyond are cut to that, since the text has no place for a sign.
  Version 1 writes ``name-37``, version 2 ``name&37``. Names are ARKit's with ``_L`` and ``_R`` for Left and
  Right, but ``jawLeft``, ``jawRight``, ``mouthLeft`` and ``mouthRight`` stay.
- ``=head#`` has three angles in degrees and a place in metres, which is 0,0,0 as we know none; the eyes
  have three angles each.
- Some receivers lose the last field unless a ``|`` follows.

The angles turn about ARKit's axes: x to the subject's left, y up, z out of the face, right-handed:

=====  ====================================  =======================
field  positive                              from the rig
=====  ====================================  =======================
x      looks down                            pitch
y      turns to the subject's **left**       yaw, sign turned round
z      tips to the subject's right shoulder  roll
=====  ====================================  =======================

Datagrams of the app show x and y for the eyes: with eyeLookIn_R 54 and eyeLookOut_L 44, a look to the left,
y is 19.1 and 15.6; with eyeLookDown at 16, x is 5.4. The signs of z and of the head follow from the axes.

The PC asks first: it sends one of ``HANDSHAKES`` to port 49983 of the phone, which streams back to port
49983 of the PC. A receiver that listens takes frames without having asked. A receiver may take
datagrams that are equal to the byte for a lost face, so send a face that breathes or blinks.

Grammar, ports and words come from the app's notes for developers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from voxrig.errors import WireError
from voxrig.rigs import get
from voxrig.types import Array

from .livelink import usable

PORT: Final = 49983
Version = Literal[1, 2]

HANDSHAKES: Final[Mapping[Version, bytes]] = MappingProxyType(
    {
        1: b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719",
        2: b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719|sendDataVersion=v2",
    }
)
"""What a PC sends to be sent frames of a version."""
STOP: Final = b"iFacialMocap_UDPTCPSTOP_sahuasouryya9218sauhuiayeta91555dy3719"
"""What a PC sends to be left alone."""

_MARKS: Final[Mapping[Version, str]] = MappingProxyType({1: "-", 2: "&"})
_MAX_BYTES: Final = 8192
_MAX_FIELDS: Final = 256
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,6}(?:\.[0-9]{1,17})?(?:[eE][+-]?[0-9]{1,2})?")
_WHOLE: Final = ("JawLeft", "JawRight", "MouthLeft", "MouthRight")  # sides that are no suffix
_BONES: Final = (("=head", "Head"), ("rightEye", "RightEye"), ("leftEye", "LeftEye"))
_AXES: Final = (("Pitch", 1.0), ("Yaw", -1.0), ("Roll", 1.0))  # x, y, z


class IFacialMocap:
    """One face. ``begin`` and ``end`` send nothing; who wants to be asked first reads with ``greeted``."""

    def __init__(self, version: Version = 1) -> None:
        if version not in _MARKS:
            raise ValueError(f"version must be 1 or 2, got {version}")
        self.rig = get("livelink")
        mark = _MARKS[version]
        self._shapes = [self.rig.index(curve) for curve in _names()]
        self._angles = [place for places in _angles().values() for place in places]
        self._degrees = np.array([math.degrees(sign) for _ in _BONES for _, sign in _AXES])
        fields = [f"{name}{mark}%d" for name in _names().values()]
        fields += [f"{bone}#%.4f,%.4f,%.4f" + (",0,0,0" if bone == "=head" else "") for bone, _ in _BONES]
        self._frame = "".join(f"{field}|" for field in fields)

    def begin(self) -> list[bytes]:
        """Nothing."""
        return []

    def encode(self, values: Array, seconds: float) -> list[bytes]:
        """(61,) float32 → one datagram; the time is not sent. ValueError if not (61,) float32 and finite."""
        usable(values, self.rig)
        percents = np.clip(np.rint(values[self._shapes] * 100), 0, 100)
        degrees = np.round(values[self._angles] * self._degrees, 4) + 0.0  # no minus before a zero
        return [(self._frame % (*percents.tolist(), *degrees.tolist())).encode("ascii")]

    def end(self) -> list[bytes]:
        """Nothing."""
        return []


@dataclass(frozen=True, eq=False)
class Face:
    """A frame as it stands in a datagram."""

    version: Version
    values: Array  # (61,) rig livelink; shapes 0..1, from some senders -1..1; angles in radians, our signs
    place: Array  # (3,) of the head, in the sender's unit and axes
    curves: frozenset[str]
    """Those that were in the datagram; the others are 0."""


def parse(data: bytes) -> Face:
    """A datagram of either version → its frame. Names that we do not know are passed over.

    WireError where a field is malformed or out of range (shapes -100..100, angles a full turn), and where
    there is no field that we know.
    """
    if len(data) > _MAX_BYTES:
        raise WireError("longer than any frame")
    try:
        fields = data.decode("ascii").split("|")
    except UnicodeDecodeError:
        raise WireError("not ASCII") from None
    if len(fields) > _MAX_FIELDS:
        raise WireError("too many fields")
    version: Version = 2 if b"&" in data else 1
    rig, bones = get("livelink"), _angles()
    curves = {name: rig.index(curve) for curve, name in _names().items()}
    values, place = np.zeros(len(rig), np.float32), np.zeros(3, np.float32)
    seen: set[int] = set()
    for field in filter(None, fields):
        bone, hash_mark, rest = field.partition("#")
        if hash_mark:
            size, columns = (6 if bone == "=head" else 3), bones.get(bone, [])
            numbers = _numbers(rest, size)
            if np.abs(numbers[:3]).max() > 360:
                raise WireError("an angle is beyond a full turn")
            if columns:
                values[columns] = np.radians(numbers[:3] * [sign for _, sign in _AXES])
                seen.update(columns)
            if size == 6:
                place = np.asarray(numbers[3:], np.float32)
            continue
        name, mark, rest = field.partition(_MARKS[version])
        if not mark:
            raise WireError("a field without a value")
        (percent,) = _numbers(rest, 1)
        if abs(percent) > 100 and name in curves:
            raise WireError("a shape is beyond 100 percent")
        if name in curves:
            values[curves[name]] = percent / 100
            seen.add(curves[name])
    if not seen:
        raise WireError("no field of a face")
    return Face(version, values, place, frozenset(rig.curves[column] for column in seen))


def greeted(data: bytes) -> Version | Literal["stop"] | None:
    """What a PC asks for: frames of a version, no more frames, or (None) nothing of ours.

    Its wish for a TCP stream is None as well: we send datagrams.
    """
    said = data.rstrip(b"\0\r\n ")
    if said == STOP:
        return "stop"
    return next((version for version, word in HANDSHAKES.items() if said == word), None)


def _names() -> dict[str, str]:
    """Curve of the rig → name in the text, for the shapes: EyeBlinkLeft → eyeBlink_L."""
    rig = get("livelink")
    shapes = [curve for curve, low in zip(rig.curves, rig.low, strict=True) if low == 0]
    return {
        curve: lowered if curve in _WHOLE else re.sub("(Left|Right)$", lambda side: f"_{side[0][0]}", lowered)
        for curve in shapes
        for lowered in [curve[0].lower() + curve[1:]]
    }


def _angles() -> dict[str, list[int]]:
    """Field of the text → columns of the rig for its x, y, z."""
    rig = get("livelink")
    return {field: [rig.index(bone + axis) for axis, _ in _AXES] for field, bone in _BONES}


def _numbers(text: str, count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(count,) numbers between commas."""
    parts = text.split(",")
    if len(parts) != count or not all(map(_NUMBER.fullmatch, parts)):
        raise WireError(f"not {count} numbers")
    numbers = np.array(parts, np.float64)
    if np.abs(numbers).max() > 1e6:
        raise WireError("a number is out of range")
    return numbers
