"""The values that flow through voxrig: audio in, frames out. Needs numpy only.

Shapes use the same letters everywhere: b batch, n samples, t frames, c curves, k style.
Time is an integer index from the start of a stream; seconds are computed at the edge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

LOUDEST = 2.0**32
"""Largest sample taken for sound. Full scale is 1; integers of 32 bits stored unscaled still pass."""


@dataclass(frozen=True, eq=False)
class AudioChunk:
    """A piece of mono sound."""

    samples: Array  # (n,) float32, full scale is [-1, 1]
    rate: int
    """Hertz."""
    start: int = 0
    """Index of samples[0] since the stream began."""

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            raise ValueError(
                f"AudioChunk.samples must be (n,) float32, got {self.samples.shape} {self.samples.dtype}"
            )

    @property
    def end(self) -> int:
        """Index of the sample that follows this chunk."""
        return self.start + len(self.samples)


@dataclass(frozen=True, eq=False)
class Rig:
    """A named, ordered list of curves with the range of each."""

    name: str
    curves: tuple[str, ...]
    low: Array  # (c,)
    high: Array  # (c,)
    rest: Array  # (c,) the neutral face; zero for nearly every curve

    def __post_init__(self) -> None:
        if len(set(self.curves)) != len(self.curves):
            raise ValueError(f"rig {self.name}: curve names repeat")
        for bound in (self.low, self.high, self.rest):
            if bound.shape != (len(self.curves),):
                raise ValueError(f"rig {self.name}: ranges must be ({len(self.curves)},), got {bound.shape}")

    def __len__(self) -> int:
        return len(self.curves)

    def index(self, curve: str) -> int:
        """Column of a curve. Raises ValueError if the rig has no such curve."""
        return self.curves.index(curve)


@dataclass(frozen=True, eq=False)
class Frames:
    """Consecutive frames of animation on one rig."""

    rig: Rig
    values: Array  # (t, c) float32, within rig.low and rig.high
    fps: Fraction
    """Frames a second, exact: Fraction(60), Fraction(30000, 1001)."""
    start: int = 0
    """Index of values[0] since the stream began."""

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.rig):
            raise ValueError(
                f"frames on {self.rig.name} must be (t, {len(self.rig)}), got {self.values.shape}"
            )

    def __len__(self) -> int:
        return len(self.values)

    @property
    def times(self) -> NDArray[np.float64]:
        """Seconds of each frame, shape (t,)."""
        index = np.arange(self.start, self.start + len(self.values), dtype=np.float64)
        return index * self.fps.denominator / self.fps.numerator

    def curve(self, name: str) -> Array:
        """One curve over time, shape (t,)."""
        return self.values[:, self.rig.index(name)]


@dataclass(frozen=True)
class Auto:
    """How much of the emotion is heard in the voice. Names and defaults are those of Audio2Face-3D."""

    strength: float = 0.6
    """Of what is heard and preferred together, 0..1."""
    contrast: float = 1.0
    """Of what is heard: how far the likely is above the unlikely, 0.3..3."""
    most: int = 3
    """Emotions heard at a time, 1..6."""
    blend: float = 0.7
    """Of what was heard before in what is heard now, 0..1."""
    preferred: float = 0.5
    """Share of the style's own emotion, where it has any, 0..1."""


@dataclass(frozen=True)
class Style:
    """How to say it."""

    emotion: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Weights 0..1 by name; what is not named is 0."""
    intensity: float = 1.0
    """Of the emotion, 0..1.5."""
    asymmetry: float = 0.0
    """Which side of the face leads, -1..1: above 0 the subject's own right."""
    energy: float = 1.0
    """Effort of jaw and lips, 0..2: they barely move, or shout."""
    speaker: str = ""
    """Whose habits; one of ``voxrig.style.SPEAKERS``, or nobody's."""
    auto: Auto | None = None
    """Where given, emotion is heard in the voice, too."""


@dataclass(frozen=True)
class Key:
    """From ``at`` on, go to a style."""

    at: float
    """Seconds."""
    style: Style
    transition: float = 0.0
    """Seconds until the style is reached."""


class Sink(Protocol):
    """Where frames go: a file or a live receiver."""

    def write(self, frames: Frames) -> None: ...

    def close(self) -> None: ...


class Stage(Protocol):
    """A processing step on a stream of frames.

    A call takes the next frames and returns those that are final; with ``last`` it returns
    the rest. A stage that looks ahead says by how many frames in ``delay``.
    """

    @property
    def delay(self) -> int: ...

    def __call__(self, frames: Frames, last: bool = False) -> Frames: ...


def join(parts: list[Frames]) -> Frames:
    """Consecutive frames as one. Raises ValueError on a gap or on mixed rigs or rates."""
    if not parts:
        raise ValueError("nothing to join")
    first, expected = parts[0], parts[0].start
    for part in parts:
        if part.rig.name != first.rig.name or part.fps != first.fps or part.start != expected:
            raise ValueError(f"frames do not follow one another at index {expected}")
        expected += len(part)
    return Frames(first.rig, np.concatenate([p.values for p in parts]), first.fps, first.start)
