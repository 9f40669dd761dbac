"""What clients wish, in JSON: directions, and what goes with them. Each is legal once it is a value."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import get_args

from voxrig_bridge.fields import Fields
from voxrig_bridge.web_style import life_in, style_in
from voxrig_export.rates import from_decimal

from ..errors import FormatError, RigError, StyleError, VoxrigError, WireError
from ..idle import check as check_life
from ..performance import Direction, Pace
from ..rehearsal import LONGEST_SMOOTH
from ..staging.staging import LONGEST
from ..style import check, check_keys
from ..types import Key, Rig

MAX_FPS = 240
_MOST_KEYS = 1000
_MAX_NUMBER = 1000
_MOST_SEED = (1 << 32) - 1


def body(data: bytes, kind: str) -> Fields:
    """The JSON object that a request is. Raises WireError."""
    try:
        told = json.loads(data or b"{}", parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise WireError(f"{kind} is no JSON") from error
    if type(told) is not dict:
        raise WireError(f"{kind} is no JSON object")
    return Fields(told, kind)


def rate(value: float) -> Fraction:
    """Frames a second; 29.97 is 30000/1001. Raises FormatError."""
    if not math.isfinite(value) or not 1 <= value <= MAX_FPS:
        raise FormatError(f"fps is {value:g}; have 1 to {MAX_FPS}")
    return from_decimal(value)


def rate_in(text: str) -> Fraction:
    """The same of an address: 60, 29.97 or 30000/1001. Raises FormatError."""
    try:
        above, _, below = text.partition("/")
        return rate(float(above) / float(below or 1))
    except (ValueError, ZeroDivisionError):
        raise FormatError(f"fps is '{text[:40]}'; write 60, 29.97 or 30000/1001") from None


def direction_in(told: Fields, rig: Rig, fps: Fraction) -> Direction:
    """The field ``direction``, all of which may be left out. Raises VoxrigError."""
    wanted = told.inside("direction")
    pace: Pace = wanted.choice("pack", "file", get_args(Pace))  # type: ignore[assignment]
    smooth = wanted.number("smooth") if wanted.has("smooth") else None
    if smooth is not None and not 0 <= smooth <= LONGEST_SMOOTH:
        raise VoxrigError(f"smooth is {smooth:g} s; have 0 to {LONGEST_SMOOTH:g}")
    made = Direction(
        rig,
        fps,
        check(style_in(wanted)),
        _numbers(wanted, "gain"),
        _numbers(wanted, "offset"),
        smooth,
        pace,
        keys=_keys(wanted),
        words=wanted.words("direct", "", LONGEST).strip(),
        idle=check_life(life_in(wanted)),
        seed=wanted.whole("seed", 0, _MOST_SEED),
    )
    wanted.check_known()
    try:
        made.fitting()  # unknown curves are told before any work
    except RigError as error:
        raise RigError(f"gain and offset: {error}") from error
    return made


def _keys(wanted: Fields) -> tuple[Key, ...]:
    if not wanted.value("keys", list, []):
        return ()
    keys = []
    for entry in wanted.each("keys", _MOST_KEYS):
        keys.append(Key(entry.number("at"), style_in(entry), entry.number("transition", 0.0)))
        entry.check_known()
    return check_keys(tuple(keys))


def _numbers(wanted: Fields, name: str) -> dict[str, float]:
    numbers = wanted.weights(name)
    for curve, value in numbers.items():
        if abs(value) > _MAX_NUMBER:
            raise StyleError(f"{name} of {curve} is {value:g}; have ±{_MAX_NUMBER}")
    return numbers


def _no_number(name: str) -> float:
    raise ValueError(name)
