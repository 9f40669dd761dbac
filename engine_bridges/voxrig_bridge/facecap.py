"""Face Cap: what the app of that name sends from a phone, OSC over UDP. Receivers choose the port.

    /HT     3f     head position; ours stays at 0
    /HR     3f     head turn about x, y, z in degrees
    /HRQ    4f     the same as a quaternion x y z w
    /ELR    2f     left eye, turn about x and y in degrees
    /ERR    2f     right eye
    /W      i f    shape by its index in the app's own order, 0..1

The space is SceneKit's, right-handed as ours: +X to the subject's left, +Y up, +Z out of the face. So a turn
about x is our pitch, about y our yaw with its sign changed, about z our roll; the app's receiver for
Unity turns by z first and by y last, as we do. Sources: the app's page on its live mode and the receivers'
code. No recording of the app with a moving head was at hand to measure the signs on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from voxrig.rigs import get
from voxrig.types import Array
from voxrig_bridge import osc
from voxrig_bridge.vmc import quaternion

PORT: Final = 9000

_TURNS = {"/HR": 3, "/HRQ": 4, "/ELR": 2, "/ERR": 2}
"""Floats of each message about head and eyes, in the order of Packet's fields."""

_ORDER = """
    BrowInnerUp BrowDown* BrowOuterUp* EyeLookUp* EyeLookDown* EyeLookIn* EyeLookOut* EyeBlink* EyeSquint*
    EyeWide* CheekPuff CheekSquint* NoseSneer* JawOpen JawForward JawLeft JawRight MouthFunnel MouthPucker
    MouthLeft MouthRight MouthRollUpper MouthRollLower MouthShrugUpper MouthShrugLower MouthClose MouthSmile*
    MouthFrown* MouthDimple* MouthUpperUp* MouthLowerDown* MouthPress* MouthStretch* TongueOut
"""


def _sides(pattern: str) -> tuple[str, ...]:
    """Names of a pattern: a trailing * stands for Left and Right, in the app's order."""
    return (pattern[:-1] + "Left", pattern[:-1] + "Right") if pattern.endswith("*") else (pattern,)


SHAPES = tuple(name for pattern in _ORDER.split() for name in _sides(pattern))
"""Curves of the rig ``livelink`` by the app's index, which is the order neither of ARKit nor of Live Link."""


class FaceCap:
    """A face for receivers of Face Cap. It is a Codec."""

    def __init__(self) -> None:
        self.rig = get("livelink")
        self._shapes = [self.rig.index(name) for name in SHAPES]
        self._head = [self.rig.index(name) for name in ("HeadPitch", "HeadYaw", "HeadRoll")]
        eyes = ("LeftEyePitch", "LeftEyeYaw", "RightEyePitch", "RightEyeYaw")
        self._eyes = [self.rig.index(name) for name in eyes]
        self._frame = osc.Template(
            [
                osc.opened("/HT", 0.0, 0.0, 0.0, count=0),
                osc.opened("/HR", count=3),
                osc.opened("/HRQ", count=4),
                osc.opened("/ELR", count=2),
                osc.opened("/ERR", count=2),
                *(osc.opened("/W", index) for index in range(len(SHAPES))),
            ]
        )

    def begin(self) -> list[bytes]:
        """Nothing."""
        return []

    def encode(self, values: Array, seconds: float) -> list[bytes]:
        """(c,) values → the bundle of a frame."""
        head = values[self._head] * np.array((1, -1, 1), np.float32)
        eyes = np.degrees(values[self._eyes]) * np.array((1, -1, 1, -1), np.float32)
        turn = quaternion(*head.tolist())
        return self._frame(np.concatenate([np.degrees(head), turn, eyes, values[self._shapes]]))

    def end(self) -> list[bytes]:
        """The neutral face."""
        return self.encode(self.rig.rest, 0.0)


@dataclass(frozen=True)
class Packet:
    """What a datagram holds of a face. Angles in degrees, signs as on the wire."""

    shapes: Mapping[str, float] = field(default_factory=dict)
    """By their names on the rig ``livelink``."""
    head: tuple[float, ...] = ()
    """Turn about x, y, z, or nothing."""
    turn: tuple[float, ...] = ()
    """The same as x y z w, or nothing."""
    left: tuple[float, ...] = ()
    """The left eye's turn about x and y, or nothing."""
    right: tuple[float, ...] = ()


def parse(data: bytes) -> Packet:
    """One datagram; unknown messages and shapes are passed over. Raises WireError if it is no OSC."""
    shapes: dict[str, float] = {}
    turns: dict[str, tuple[float, ...]] = dict.fromkeys(_TURNS, ())
    for message in osc.parse(data):
        match message.address, message.arguments:
            case "/W", (int(index), float(value), *_) if 0 <= index < len(SHAPES) and math.isfinite(value):
                shapes[SHAPES[index]] = value
            case address, arguments if address in _TURNS:
                turns[address] = osc.numbers(arguments, _TURNS[address])
    return Packet(shapes, *turns.values())
