"""Virtual Motion Capture protocol, 3.1: OSC to VRM avatars and whoever else listens for them.

A performer (we) sends to a marionette, UDP port 39539. A frame is, in bundles of at most 1472 bytes:

    /VMC/Ext/OK          i        1: a model is loaded
    /VMC/Ext/T           f        seconds since the first frame
    /VMC/Ext/Root/Pos    s 7f     "root", position in metres, turn as a quaternion x y z w
    /VMC/Ext/Bone/Pos    s 7f     bone of Unity's HumanBodyBones, the same within its parent
    /VMC/Ext/Blend/Val   s f      expression, 0..1; receivers hold it until
    /VMC/Ext/Blend/Apply          which is the last message of the last bundle

Expressions are named as VRM 0 presets, as VRM 1 presets, as the 52 of "Perfect Sync" (ARKit's, each with a
capital first) or as MetaHuman's CTRL_expressions. Receivers in Unreal want a bone before they show a
face, hence Head, which also turns where the rig has head angles (``livelink``: Perfect Sync and a head).
Source: the protocol's public specification, and the code of its receivers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

import numpy as np

from voxrig.errors import BridgeError, unknown
from voxrig.rigs import get
from voxrig.types import Array
from voxrig_bridge import osc

PORT: Final = 39539

_NAMES = ("vrm0", "vrm1", "arkit", "livelink", "metahuman", "metahuman-v3")
_HEAD = ("HeadYaw", "HeadPitch", "HeadRoll")
_EYES = tuple(f"{side}Eye{axis}" for side in ("Left", "Right") for axis in ("Yaw", "Pitch", "Roll"))
_STILL = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)  # no move, no turn
_STEP = 1 / 1024
_WHOLE = 100  # expressions that a few datagrams hold; of more than these only what changed is sent
_DAY = 86_400.0  # s


class Vmc:
    """A face for VMC receivers. It is a Codec.

    With ``bones`` it sends the root and the head. ``neck`` is how far above the neck's bone the head's lies,
    in metres: some receivers (EVMC4U unless told otherwise) take a bone's place from here, too.
    """

    def __init__(self, fps: Fraction, names: str = "vrm0", bones: bool = True, neck: float = 0.1) -> None:
        if names not in _NAMES:
            raise BridgeError(unknown("names for VMC", names, _NAMES))
        self.rig = get(names)
        self._angles = [self.rig.index(name) for name in _HEAD if name in self.rig.curves]
        self._curves = [i for i, name in enumerate(self.rig.curves) if name not in _HEAD + _EYES]
        self._turns = bones
        self._before = [osc.opened("/VMC/Ext/OK", 1, count=0), osc.opened("/VMC/Ext/T")]
        if bones:
            self._before += [
                osc.opened("/VMC/Ext/Root/Pos", "root", *_STILL, count=0),
                osc.opened("/VMC/Ext/Bone/Pos", "Head", 0.0, neck, 0.0, count=4),
            ]
        labels = [
            _label(self.rig.curves[i]) if names == "arkit" else self.rig.curves[i] for i in self._curves
        ]
        self._values = [osc.opened("/VMC/Ext/Blend/Val", label) for label in labels]
        self._after = [osc.opened("/VMC/Ext/Blend/Apply", count=0)]
        self._whole = osc.Template(self._messages(range(len(labels))))
        few = len(labels) <= _WHOLE
        self._deltas = None if few else osc.Deltas(len(labels), _STEP, math.ceil(fps))
        self._first: float | None = None
        self._time = 0.0

    def begin(self) -> list[bytes]:
        """Nothing: each frame says all that a receiver has to know."""
        return []

    def encode(self, values: Array, seconds: float) -> list[bytes]:
        """(c,) values → bundles of a frame."""
        self._first = seconds if self._first is None else self._first
        self._time = (seconds - self._first) % _DAY  # on past midnight
        if self._deltas is None:
            return self._whole(self._numbers(values, self._curves))
        picked = self._deltas(values[self._curves])
        numbers = self._numbers(values, [self._curves[i] for i in picked])
        return osc.bundles(osc.filled(self._messages(picked), numbers))

    def end(self) -> list[bytes]:
        """The neutral face, all of it."""
        return self._whole(self._numbers(self.rig.rest, self._curves))

    def _messages(self, picked: Iterable[int]) -> list[osc.Open]:
        return [*self._before, *(self._values[i] for i in picked), *self._after]

    def _numbers(self, values: Array, curves: list[int]) -> Array:
        """What the messages of these curves leave open: the time, the head's turn and the values."""
        start = [self._time]
        if self._turns:
            yaw, pitch, roll = values[self._angles].tolist() if self._angles else (0.0, 0.0, 0.0)
            start += unity(yaw, pitch, roll)
        return np.concatenate([np.array(start, np.float32), values[curves]])


def unity(yaw: float, pitch: float, roll: float) -> tuple[float, float, float, float]:
    """Head angles in radians as the quaternion x y z w of a Unity avatar.

    Unity is left-handed: +X to the avatar's right, +Y up, +Z out of the face. A turn about +X moves the nose
    down (pitch), one about +Y moves it to the right (yaw), and one about +Z lifts the right side, which is
    a roll to the left shoulder; so roll changes its sign. Both apply roll first and yaw last.
    """
    return quaternion(pitch, yaw, -roll)


def quaternion(x: float, y: float, z: float) -> tuple[float, float, float, float]:
    """Turns in radians about fixed axes, first Z, then X, then Y, as one: x y z w."""
    (sx, cx), (sy, cy), (sz, cz) = ((math.sin(angle / 2), math.cos(angle / 2)) for angle in (x, y, z))
    return (
        cy * sx * cz + sy * cx * sz,
        sy * cx * cz - cy * sx * sz,
        cy * cx * sz - sy * sx * cz,
        cy * cx * cz + sy * sx * sz,
    )


@dataclass(frozen=True)
class Packet:
    """What a datagram holds of a face. Unknown messages and odd arguments are passed over, as VMC asks."""

    loaded: int | None = None
    time: float | None = None
    """Seconds, on the sender's clock."""
    bones: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Position x y z in metres and turn x y z w; the root is "root"."""
    values: Mapping[str, float] = field(default_factory=dict)
    apply: bool = False


def parse(data: bytes) -> Packet:
    """One datagram. Raises WireError if it is no OSC."""
    loaded: int | None = None
    time: float | None = None
    bones: dict[str, tuple[float, ...]] = {}
    values: dict[str, float] = {}
    apply = False
    for message in osc.parse(data):
        match message.address, message.arguments:
            case "/VMC/Ext/OK", (int(said), *_):
                loaded = said
            case "/VMC/Ext/T", (float(said), *_) if math.isfinite(said):
                time = said
            case "/VMC/Ext/Root/Pos" | "/VMC/Ext/Bone/Pos", (str(name), *place) if osc.numbers(place, 7):
                bones[name] = osc.numbers(place, 7)
            case "/VMC/Ext/Blend/Val", (str(name), float(value), *_) if math.isfinite(value):
                values[name] = value
            case "/VMC/Ext/Blend/Apply", _:
                apply = True
    return Packet(loaded, time, bones, values, apply)


def _label(curve: str) -> str:
    """jawOpen -> JawOpen, as Unity's list of ARKit shapes spells it."""
    return curve[0].upper() + curve[1:]
