"""What a server can do, as it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import RigError
from ..pb.voxrig.v1 import face_pb2 as pb
from ..rigs import get
from ..types import Rig
from .access import nonsense


@dataclass(frozen=True, eq=False)
class OfferedRig:
    """A rig that frames can be told on."""

    rig: Rig
    about: str


@dataclass(frozen=True)
class OfferedModel:
    """A model of the server."""

    name: str
    lookahead: float
    """Seconds of sound heard beyond a frame before it is told, at worst."""
    parameters: int
    quality: Mapping[str, float]
    quality_on: str
    """Recordings on which quality was measured."""
    licence: str


@dataclass(frozen=True)
class OfferedFormat:
    """A file format that voxrig's exporters write."""

    name: str
    about: str
    suffix: str
    """With the dot."""


@dataclass(frozen=True)
class Limits:
    """What the server takes on at most."""

    streams: int
    streams_open: int
    min_rate: int
    """Hertz."""
    max_rate: int
    max_fps: int
    max_message: int
    """Bytes of one request."""
    max_targets: int
    """Rigs in one stream."""
    max_stream: float
    """Seconds of sound in one stream."""
    idle: float
    """Seconds without a request after which a stream is ended."""
    renders: int
    """Of the streams, those that render; 0 where the server draws no pictures."""
    renders_open: int
    max_side: int
    """Pixels of a picture."""


@dataclass(frozen=True, eq=False)
class Description:
    """What a server can do."""

    version: str
    rigs: tuple[OfferedRig, ...]
    formats: tuple[OfferedFormat, ...]
    models: tuple[OfferedModel, ...]
    """The first is the default."""
    emotions: tuple[str, ...]
    limits: Limits
    avatars: tuple[str, ...] = ()
    """Heads that it renders, the first is the default."""
    renderers: tuple[str, ...] = ()
    """How, the first is the default."""
    speakers: tuple[str, ...] = ()
    """Whose habits a style may have."""


def describe(reply: pb.DescribeResponse) -> Description:
    """A server's description. Raises ServiceError on what is none."""
    told = reply.limits
    return Description(
        version=reply.version,
        rigs=tuple(OfferedRig(_rig(rig), rig.about) for rig in reply.rigs),
        formats=tuple(OfferedFormat(f.name, f.about, f.suffix) for f in reply.formats),
        models=tuple(
            OfferedModel(m.name, m.lookahead, m.parameters, dict(m.quality), m.quality_on, m.licence)
            for m in reply.models
        ),
        emotions=tuple(reply.emotions),
        limits=Limits(
            streams=told.streams,
            streams_open=told.streams_open,
            min_rate=told.min_rate,
            max_rate=told.max_rate,
            max_fps=told.max_fps,
            max_message=told.max_message,
            max_targets=told.max_targets,
            max_stream=told.max_stream,
            idle=told.idle,
            renders=told.renders,
            renders_open=told.renders_open,
            max_side=told.max_side,
        ),
        avatars=tuple(reply.avatars),
        renderers=tuple(reply.renderers),
        speakers=tuple(reply.speakers),
    )


def _rig(told: pb.Rig) -> Rig:
    """Ours, where the server means the same by the name."""
    names = tuple(curve.name for curve in told.curves)
    try:
        ours = get(told.name)
        if ours.curves == names:
            return ours
    except RigError:
        pass  # a newer server may have more
    low, high, rest = (
        np.array([getattr(curve, bound) for curve in told.curves], np.float32)
        for bound in ("low", "high", "rest")
    )
    try:
        return Rig(told.name, names, low, high, rest)
    except ValueError as error:
        raise nonsense(str(error)) from error
