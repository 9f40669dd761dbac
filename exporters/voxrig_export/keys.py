"""Fewer keys for the same curve: straight lines between the keys that stay never stray beyond a tolerance.

From each key a cone of slopes is carried forward, as wide as the tolerance allows at every frame passed.
A frame whose slope lies in the cone can be joined to the key by a straight line; at the first that does
not, the frame before becomes the next key. All curves are walked at once, so the cost is one pass over the
frames::

    frame     0    1    2    3    4
    value     0.0  0.1  0.2  0.2  0.2
    keys      *         *         *

Time runs in frames, which lie evenly, so the bound holds at whatever rate they are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxrig.errors import FormatError, RigError, unknown
from voxrig.types import Array
from voxrig_export.take import Take

TOLERANCE = 0.002
"""What formats with keys allow when the user says nothing: a fifth of a percent of a shape, 0.1 degrees."""

_ROUNDING = 16 * np.finfo(np.float64).eps
"""What computing slopes and lines may lose, in parts of the largest number; taken off the tolerance."""


def reduce(values: Array, tolerance: float) -> NDArray[np.int64]:
    """The frames of one curve (t,) that stay as keys, in order; the first and the last always do.

    ``tolerance`` is in the curve's own unit; 0 keeps every frame. Raises ValueError if it is below 0.
    """
    return reduce_all(values[:, None], tolerance)[0]


def reduce_all(values: Array, tolerance: float) -> list[NDArray[np.int64]]:
    """The keys of every curve of (t, c), each as ``reduce`` has them."""
    if not 0 <= tolerance < np.inf:
        raise ValueError(f"tolerance must be a number of at least 0, got {tolerance}")
    exact = values.astype(np.float64)
    usable = tolerance - _ROUNDING * (np.abs(exact).max(initial=0.0) + tolerance)
    kept = np.ones(exact.shape, bool) if usable <= 0 else _walk(exact, usable)
    return [np.flatnonzero(column).astype(np.int64) for column in kept.T]


def errors(values: Array, keys: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """The most that straight lines between the keys stray from each curve of (t, c), shape (c,)."""
    exact, frames = values.astype(np.float64), np.arange(len(values))
    worst = np.zeros(exact.shape[1])
    for column, at in enumerate(keys):
        if len(at):
            line = np.interp(frames, at, exact[at, column])
            worst[column] = np.abs(line - exact[:, column]).max()
    return worst


def _walk(values: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
    """Which frames of (t, c) are keys."""
    count, curves = values.shape
    kept = np.zeros((count, curves), bool)
    kept[:1] = kept[-1:] = True
    origin, start = np.zeros(curves), values[:1].ravel().copy()
    low, high = np.full(curves, -np.inf), np.full(curves, np.inf)
    for frame in range(1, count):
        rise, run = values[frame] - start, frame - origin
        slope = rise / run
        missed = (slope < low) | (slope > high)
        if missed.any():
            kept[frame - 1, missed] = True
            origin[missed], start[missed] = frame - 1, values[frame - 1, missed]
            low[missed], high[missed] = -np.inf, np.inf
            rise, run = values[frame] - start, frame - origin
        np.maximum(low, (rise - tolerance) / run, out=low)
        np.minimum(high, (rise + tolerance) / run, out=high)
    return kept


@dataclass(frozen=True, eq=False)
class Keyed:
    """One curve as keys, joined by straight lines."""

    curve: str
    """The rig's name for it."""
    name: str
    """What the target program calls it."""
    frames: NDArray[np.int64]  # (k,) strictly rising
    values: Array  # (k,) in the rig's unit


class Held:
    """The rows of a take, held until it is whole: four bytes a value."""

    def __init__(self, take: Take) -> None:
        self._take, self._blocks = take, list[Array]()
        self.names = target_names(take)

    def write(self, values: Array) -> None:
        """Append rows (t, c)."""
        self._blocks.append(np.array(values, np.float32))

    @property
    def values(self) -> Array:
        """All rows so far, (t, c)."""
        empty = np.zeros((0, len(self._take.rig)), np.float32)
        return np.concatenate([empty, *self._blocks])

    def keyed(self) -> list[Keyed]:
        """Every curve in keys, within the tolerance of the take's options."""
        asked, values = self._take.options.tolerance, self.values
        keys = reduce_all(values, TOLERANCE if asked is None else asked)
        names = zip(self._take.rig.curves, self.names, keys, strict=True)
        return [Keyed(curve, name, at, values[at, i]) for i, (curve, name, at) in enumerate(names)]

    def release(self) -> None:
        """Let go of the rows."""
        self._blocks.clear()


def target_names(take: Take) -> tuple[str, ...]:
    """What the target calls each curve: the user's name for it, or the rig's.

    Raises RigError for a name given to a curve that the rig has not, FormatError for a name given twice.
    """
    given, curves = take.options.names, take.rig.curves
    for curve in given:
        if curve not in curves:
            raise RigError(unknown("curve", curve, curves))
    names = tuple(given.get(curve, curve) for curve in curves)
    if len(set(names)) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        both = " and ".join(curve for curve, name in zip(curves, names, strict=True) if name == double)
        raise FormatError(f"{both} would both be called {double}; give each curve a name of its own")
    return names
