"""What clients of ``voxrig.v1.Face`` ask for, as values: ``face.py``'s half of the proto's requests."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

from ..errors import VoxrigError
from ..idle import OFF, Life
from ..pb.voxrig.v1 import face_pb2 as pb
from ..rigs import NATIVE
from ..types import Auto, Key, Style
from .order import Encoding, Order, rate_of, rigs

_T = TypeVar("_T", Auto, Life)
_ENCODINGS: dict[int, Encoding] = {pb.ENCODING_S16: "s16", pb.ENCODING_F32: "f32"}


def order(config: pb.Config, default: str) -> Order:
    """A stream of frames, not directed yet; ``default`` is the model of those that name none.

    Raises VoxrigError.
    """
    if config.encoding not in _ENCODINGS:
        raise VoxrigError(f"unknown encoding {config.encoding}; have 1 (s16), 2 (f32)")
    if config.pacing not in pb.Pacing.values():
        raise VoxrigError(f"unknown pacing {config.pacing}; have 1 (burst), 2 (realtime)")
    whole = (config.fps_numerator, config.fps_denominator)
    return Order(
        rate=config.rate,
        encoding=_ENCODINGS[config.encoding],
        rigs=rigs(list(config.rigs) or ["arkit"]),
        fps=rate_of(*(whole if any(whole) else (60, 1))),
        model=config.model or default,
        style=style(config.style),
        pacing="realtime" if config.pacing == pb.PACING_REALTIME else "burst",
        idle=config.idle.after,
        echo=config.echo,
        name=config.name,
        window=config.window,
        keys=tuple(Key(k.at / max(config.rate, 1), style(k.style), k.transition) for k in config.keys),
        life=_told(config.life, Life()) if config.HasField("life") else OFF,
        seed=config.seed,
    )


def drawn(config: pb.Config, default: str) -> Order:
    """A stream that is drawn: its first rig is what renderers take. Raises VoxrigError."""
    asked = pb.Config()
    asked.CopyFrom(config)
    if not (config.fps_numerator or config.fps_denominator):
        asked.fps_numerator, asked.fps_denominator = 30, 1
    return replace(order(asked, default), rigs=(NATIVE, *rigs(list(config.rigs))), most=1)


def style(asked: pb.Style) -> Style:
    """How to speak; not checked yet."""
    return Style(
        dict(asked.emotion),
        asked.intensity if asked.HasField("intensity") else 1.0,
        asked.asymmetry,
        asked.energy if asked.HasField("energy") else 1.0,
        asked.speaker,
        _told(asked.auto, Auto()) if asked.HasField("auto") else None,
    )


def angles(asked: pb.Look) -> tuple[float, float] | None:
    """Yaw and pitch of a look; None is where the eyes like."""
    free = not (asked.HasField("yaw") or asked.HasField("pitch"))
    return None if free else (asked.yaw, asked.pitch)


def _told(message: Any, default: _T) -> _T:
    """The default with the fields that a message of the same names tells."""
    told = {f.name: getattr(message, f.name) for f in fields(default) if message.HasField(f.name)}
    return replace(default, **told)
