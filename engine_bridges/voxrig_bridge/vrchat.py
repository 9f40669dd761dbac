"""VRChat: the face parameters of an avatar made for VRCFaceTracking, OSC to UDP port 9000.

A parameter is an address, ``/avatar/parameters/v2/JawOpen`` or with what the avatar's author put before
``v2``, and one float. VRChat shares a parameter with other players in 8 bits, so only what moved by half a
step of those is sent, and everything once a second. An avatar that is short of memory has a few bools in
place of a float: ``JawOpen1``, ``JawOpen2``, ``JawOpen4`` … are the binary digits of its size, and
``JawXNegative`` its sign. Whether the face is tracked is told by bools without ``v2``.

With ``native``, VRChat moves the eyes and lids itself, for avatars without eye parameters:

    /tracking/eye/LeftRightPitchYaw    4f   degrees: left pitch (+ down), yaw (+ right), then the right eye's
    /tracking/eye/EyesClosedAmount     f    0..1

It goes back to eyes of its own when it has heard neither for 10 s. Sources: the documentation of VRChat and
of VRCFaceTracking, and the latter's code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from voxrig.errors import BridgeError
from voxrig.rigs import get
from voxrig.rigs.arkit import FULL_LOOK
from voxrig.rigs.vrchat import PREFIX
from voxrig.types import Array
from voxrig_bridge import osc

PORT: Final = 9000

_HOME = "/avatar/parameters/"
_QUANTUM = 1 / 127
_FULL = 0.99999  # from here on all digits are ones
_MOST_BITS = 8
_LOOK = "/tracking/eye/LeftRightPitchYaw"
_CLOSED = "/tracking/eye/EyesClosedAmount"


class Vrchat:
    """A face for a VRChat avatar. It is a Codec.

    ``prefix`` is what stands before JawOpen in the avatar's parameters. ``bits`` are the binary digits of
    each, 0 for floats. Say ``eyes`` if the frames blink and look about: an avatar stops its own blinks then.
    """

    def __init__(
        self,
        prefix: str = _HOME + PREFIX,
        bits: int = 0,
        native: bool = False,
        eyes: bool = False,
        fps: Fraction = Fraction(60),
    ) -> None:
        fits = prefix.startswith(_HOME) and prefix.endswith("/") and len(prefix) <= osc.LONGEST
        if not fits or osc.stray(prefix):
            raise BridgeError(
                f"prefix '{prefix[: osc.LONGEST]}' is no place for VRChat parameters; have {_HOME}…/, "
                f"up to {osc.LONGEST} of {osc.LEGAL}"
            )
        if not 0 <= bits <= _MOST_BITS:
            raise BridgeError(f"{bits} bits for a VRChat parameter; have 0 (a float) to {_MOST_BITS}")
        self.rig = get("vrchat")
        addresses = [prefix + curve.removeprefix(PREFIX) for curve in self.rig.curves]
        signed = self.rig.low < 0
        self._parameters = _Digits(addresses, signed, bits, fps) if bits else _Floats(addresses, fps)
        self._native = [osc.opened(_LOOK, count=4), osc.opened(_CLOSED)] if native else []
        gaze = ("EyeLeftY", "EyeLeftX", "EyeRightY", "EyeRightX")
        self._gaze = [self.rig.index(PREFIX + name) for name in gaze]
        self._lids = self.rig.index(PREFIX + "EyeClosed")
        self._eyes = eyes or native
        self._period, self._frame = math.ceil(fps), 0

    def begin(self) -> list[bytes]:
        """That there is a face to follow."""
        return osc.bundles(self._status(True))

    def encode(self, values: Array, seconds: float) -> list[bytes]:
        """(c,) values → bundles of what changed."""
        told = [] if self._frame % self._period else self._status(True)  # once a second, like all else
        self._frame += 1
        return osc.bundles([*self._look(values), *told, *self._parameters(values)])

    def end(self) -> list[bytes]:
        """The neutral face, and that there is none to follow any more."""
        self._parameters.forget()
        laid = [*self._look(self.rig.rest), *self._parameters(self.rig.rest)]
        return osc.bundles([*laid, *self._status(False)])

    def _status(self, active: bool) -> list[bytes]:
        told = {"EyeTrackingActive": active and self._eyes}
        told |= dict.fromkeys(("LipTrackingActive", "ExpressionTrackingActive"), active)
        return [osc.element(osc.message(_HOME + name, value)) for name, value in told.items()]

    def _look(self, values: Array) -> list[bytes]:
        turns = np.degrees(FULL_LOOK) * values[self._gaze] * (-1, 1, -1, 1)  # up is + for the parameters
        return osc.filled(self._native, [*turns, values[self._lids]])


class _Floats:
    """Parameters of one float each."""

    def __init__(self, addresses: list[str], fps: Fraction) -> None:
        self._messages = [osc.opened(address) for address in addresses]
        self._deltas = osc.Deltas(len(addresses), _QUANTUM / 2, math.ceil(fps))

    def forget(self) -> None:
        self._deltas.forget()

    def __call__(self, values: Array) -> list[bytes]:
        picked = self._deltas(values)
        return osc.filled([self._messages[i] for i in picked], values[picked])


class _Digits:
    """Parameters of a few bools each: binary digits of the size, and the sign where there is one."""

    def __init__(self, addresses: list[str], signed: NDArray[np.bool_], bits: int, fps: Fraction) -> None:
        self._steps = 2**bits
        self._weights = 2 ** np.arange(bits)  # 1, 2, 4 …
        self._signed = np.flatnonzero(signed)
        flags = [f"{address}{weight}" for address in addresses for weight in self._weights]
        flags += [f"{addresses[i]}Negative" for i in self._signed]
        self._messages = [[osc.element(osc.message(flag, told)) for told in (False, True)] for flag in flags]
        self._deltas = osc.Deltas(len(flags), 0.5, math.ceil(fps))

    def forget(self) -> None:
        self._deltas.forget()

    def __call__(self, values: Array) -> list[bytes]:
        size = np.abs(values)
        levels = np.where(size > _FULL, self._steps - 1, np.floor(size * self._steps)).astype(np.int64)
        digits = (levels[:, None] & self._weights) > 0  # (c, bits)
        flags = np.concatenate([digits.ravel(), values[self._signed] < 0])
        return [self._messages[i][int(flags[i])] for i in self._deltas(flags.astype(np.float32))]


@dataclass(frozen=True)
class Parameters:
    """What a datagram holds of a face."""

    values: Mapping[str, float | bool] = field(default_factory=dict)
    """By what follows /avatar/parameters/: "v2/JawOpen", "LipTrackingActive"."""
    look: tuple[float, ...] = ()
    """Degrees: left pitch, left yaw, right pitch, right yaw; or nothing."""
    closed: float | None = None
    """How far the lids are shut, 0..1."""


def parse(data: bytes) -> Parameters:
    """One datagram; other messages are passed over. Raises WireError if it is no OSC."""
    values: dict[str, float | bool] = {}
    look: tuple[float, ...] = ()
    closed: float | None = None
    for message in osc.parse(data):
        match message.address, message.arguments:
            case address, (bool(said),) if address.startswith(_HOME):
                values[address.removeprefix(_HOME)] = said
            case address, (float(value),) if address.startswith(_HOME) and math.isfinite(value):
                values[address.removeprefix(_HOME)] = value
            case address, turns if address == _LOOK and osc.numbers(turns, 4):
                look = osc.numbers(turns, 4)
            case address, (float(value),) if address == _CLOSED and math.isfinite(value):
                closed = value
    return Parameters(values, look, closed)
