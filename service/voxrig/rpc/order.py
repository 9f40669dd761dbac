"""What a client wants of a stream, checked: every field is legal once an Order exists."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain
from typing import Any, Literal

import numpy as np

from ..errors import AudioError, RigError, StyleError, VoxrigError
from ..idle import OFF, Life
from ..idle import check as check_life
from ..performance import Direction
from ..retime import frame_rate
from ..rigs import NATIVE, get
from ..staging import Look
from ..style import check, check_keys
from ..types import LOUDEST, Array, Key, Rig, Style
from .limits import Limits

Encoding = Literal["s16", "f32"]
Pacing = Literal["burst", "realtime"]

_MOST_KEYS = 1000  # though a director's words may add some
_DTYPES: dict[str, np.dtype[Any]] = {"s16": np.dtype("<i2"), "f32": np.dtype("<f4")}


@dataclass(frozen=True)
class Adjustment:
    """values * gain + offset, by curve; ``all`` is for those that are not named."""

    gain: Mapping[str, float] = field(default_factory=dict)
    offset: Mapping[str, float] = field(default_factory=dict)
    clamp: bool = True
    """Whether the result keeps to the rig's range."""


@dataclass(frozen=True)
class Order:
    """A stream to open."""

    rate: int
    """Hertz."""
    encoding: Encoding
    rigs: tuple[Rig, ...]
    fps: Fraction
    model: str
    style: Style = field(default_factory=Style)
    pacing: Pacing = "burst"
    idle: float = 0.0
    """Seconds without sound after which silence is put in; 0 is never."""
    echo: bool = False
    name: str = ""
    window: int = 0
    """Most frames beyond the last play-head that was told; 0 is no such bound."""
    ahead: float = 10.0
    """Seconds of frames that may wait to be read before sound is no longer heard."""
    adjust: tuple[Adjustment, ...] = ()
    """Of the first rig, one after the other."""
    most: int = 0
    """Frames in a block; 0 is as many as may be sent."""
    keys: tuple[Key, ...] = ()
    """After ``style``, from the first sample on."""
    looks: tuple[Look, ...] = ()
    life: Life = OFF
    seed: int = 0
    """Of life."""
    left_out: tuple[str, ...] = ()
    """A sentence for each word of a direction that nobody knows; the client is told."""

    @property
    def steady(self) -> bool:
        """Whether frames are to come one hop at a time; else a few at a time, which costs less."""
        return self.pacing == "realtime"

    @property
    def size(self) -> int:
        """Bytes of a sample."""
        return _DTYPES[self.encoding].itemsize


def checked(order: Order, limits: Limits, models: tuple[str, ...]) -> Order:
    """The order itself. Raises VoxrigError on what is out of range."""
    if not limits.min_rate <= order.rate <= limits.max_rate:
        raise AudioError(f"sample rate is {order.rate} Hz; have {limits.min_rate} to {limits.max_rate}")
    if not 1 <= order.fps <= limits.max_fps:
        raise VoxrigError(f"fps is {float(order.fps):g}; have 1 to {limits.max_fps}")
    if order.model not in models:
        raise VoxrigError(f"unknown model '{order.model[:64]}'; have {', '.join(models)}")
    if not 1 <= len(order.rigs) <= limits.max_targets:
        raise RigError(f"{len(order.rigs)} rigs; have 1 to {limits.max_targets} a stream")
    if not 0 <= order.idle <= 3600:
        raise VoxrigError(f"idle.after is {order.idle:g} s; have 0 to 3600")
    if order.idle and order.pacing != "realtime":
        raise VoxrigError("idle.after needs pacing realtime")
    if len(order.name) > 64 or not order.name.isprintable():
        raise VoxrigError("a stream's name has at most 64 printable characters")
    if len(order.keys) > _MOST_KEYS:
        raise StyleError(f"{len(order.keys)} styles with times; have up to {_MOST_KEYS}")
    if not 0 <= order.seed < 1 << 32:
        raise VoxrigError(f"seed is {order.seed}; have 0 to {(1 << 32) - 1}")
    check(order.style)
    check_keys(order.keys)
    latest = max(chain((key.at for key in order.keys), (look.until for look in order.looks)), default=0.0)
    if latest > limits.max_stream:
        raise StyleError(f"a style or look at {latest:g} s; a stream has {limits.max_stream:g} s at most")
    check_life(order.life)
    return order


async def directed(order: Order, words: str, seconds: float) -> Order:
    """The order with what a director says on top, of a speech of so many seconds, 0 if nobody knows.

    A long text takes a tenth of a second, so a thread reads it. Raises VoxrigError.
    """
    if not 0 <= seconds < math.inf:
        raise VoxrigError(f"a direction for {seconds:g} s; write seconds, or 0 where nobody knows")
    if not words.strip():
        return order
    director = Direction(NATIVE, order.fps, order.style, keys=order.keys, words=words)
    staging = await asyncio.to_thread(director.staged, seconds or None)
    return replace(order, keys=staging.keys, looks=staging.looks, left_out=staging.unknown)


def rigs(names: list[str]) -> tuple[Rig, ...]:
    """Rigs by name. Raises RigError."""
    return tuple(get(name) for name in names)


def rate_of(numerator: int, denominator: int) -> Fraction:
    """Frames a second as an exact ratio. Raises VoxrigError."""
    try:
        return frame_rate(Fraction(numerator, denominator))
    except (ValueError, ZeroDivisionError):
        raise VoxrigError(f"fps is {numerator}/{denominator}; write 60/1 or 30000/1001") from None


def samples_of(data: bytes, encoding: Encoding) -> Array:
    """(n,) float32 of PCM bytes. Raises AudioError on half a sample and on what is no sound."""
    kind = _DTYPES[encoding]
    if len(data) % kind.itemsize:
        raise AudioError(f"{len(data)} bytes are no whole number of {encoding} samples")
    samples = np.frombuffer(data, kind)
    if encoding == "s16":
        return samples.astype(np.float32) / np.float32(32768)
    if not (np.abs(samples) <= LOUDEST).all():
        raise AudioError("sound has samples that are NaN, infinite or no sound; full scale is [-1, 1]")
    return samples.astype(np.float32)
