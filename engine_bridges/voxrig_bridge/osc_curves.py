"""Plain OSC: one address for each curve. For Unreal's OSC plugin, Max, TouchDesigner, Pure Data and own code.

    /face/jawOpen      f    a curve, by its name on the rig, in the rig's units
    /face/time         f    seconds since the first frame
    /face/apply             the frame is complete

Bundles of at most 1472 bytes, so 52 curves are two of them; time and apply are the last two messages of the
last. Another template for the addresses, such as ``/avatar/1/{curve}``, moves all three. Nothing but the
types that OSC requires of everyone is sent: some receivers (node-osc) stop at a float64.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from voxrig.errors import BridgeError
from voxrig.types import Array, Rig
from voxrig_bridge import osc

ADDRESS = "/face/{curve}"

_PLACE = "{curve}"
_TIME, _APPLY = "time", "apply"
_DAY = 86_400.0  # s


class OscCurves:
    """A face for OSC receivers of any kind, on any rig. It is a Codec."""

    def __init__(self, rig: Rig, address: str = ADDRESS) -> None:
        self.rig = rig
        around = _around(address)
        for curve in rig.curves:
            if fault := osc.stray(curve):
                raise BridgeError(
                    f"curve '{curve}' of {rig.name} has '{fault}' in it; OSC addresses have {osc.LEGAL}"
                )
            if curve in (_TIME, _APPLY):
                raise BridgeError(f"curve '{curve}' of {rig.name} has the name of our own message")
        curves = [osc.opened(curve.join(around)) for curve in (*rig.curves, _TIME)]
        self._frame = osc.Template([*curves, osc.opened(_APPLY.join(around), count=0)])
        self._first: float | None = None
        self._time = np.zeros(1, np.float32)  # the last frame's

    def begin(self) -> list[bytes]:
        """Nothing."""
        return []

    def encode(self, values: Array, seconds: float) -> list[bytes]:
        """(c,) values → bundles of a frame."""
        self._first = seconds if self._first is None else self._first
        self._time[0] = (seconds - self._first) % _DAY  # on past midnight
        return self._frame(np.concatenate([values, self._time]))

    def end(self) -> list[bytes]:
        """The neutral face."""
        return self._frame(np.concatenate([self.rig.rest, self._time]))


@dataclass(frozen=True)
class Curves:
    """What a datagram holds of a face."""

    values: Mapping[str, float] = field(default_factory=dict)
    time: float | None = None
    """Seconds, on the sender's clock."""
    apply: bool = False


def parse(data: bytes, address: str = ADDRESS) -> Curves:
    """One datagram; other addresses and odd arguments are passed over. Raises WireError if it is no OSC."""
    before, after = _around(address)
    values: dict[str, float] = {}
    time: float | None = None
    apply = False
    for message in osc.parse(data):
        name = message.address
        if len(name) <= len(before) + len(after) or not (name.startswith(before) and name.endswith(after)):
            continue
        name = name[len(before) : len(name) - len(after)]
        match name, message.arguments:
            case "apply", _:
                apply = True
            case "time", (float(said), *_) if math.isfinite(said):
                time = said
            case _, (float(value), *_) if math.isfinite(value):
                values[name] = value
    return Curves(values, time, apply)


def _around(address: str) -> list[str]:
    """What stands before and after a curve's name."""
    around = address.split(_PLACE)
    fits = len(around) == 2 and address.startswith("/") and len(address) <= osc.LONGEST
    if not fits or any(map(osc.stray, around)):
        raise BridgeError(
            f"address '{address[: osc.LONGEST]}' is no template; have a /path with {_PLACE} in it once, "
            f"up to {osc.LONGEST} of {osc.LEGAL}"
        )
    return around
