"""Between the control board of a MetaHuman and its raw controls, both ways.

Raw from board is exact. Board from raw is its inverse wherever the board can hold the pose: it cannot
hold two opposite raw controls at once (mouthLeft with mouthRight gives their difference), nor two
phases of lipSticky or swallow that do not follow one another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxrig.rigs.linear import Linear, Row, linear
from voxrig.rigs.metahuman import METAHUMAN, PREFIX
from voxrig.rigs.metahuman_controls import BOTH_EYES, METAHUMAN_CONTROLS, PHASES, SLIDERS, Phases
from voxrig.types import Array


@dataclass(frozen=True, eq=False)
class RawFromBoard:
    """(t, 185) board channels to (t, 251) raw controls."""

    sliders: Linear

    def __call__(self, values: Array) -> Array:
        raw = np.clip(self.sliders(values), 0.0, 1.0)
        for phases in PHASES:
            slider = values[:, METAHUMAN_CONTROLS.index(phases.channel)]
            knots = (0.0, *phases.peaks) if phases.peaks[-1] == 1.0 else (0.0, *phases.peaks, 1.0)
            for phase, column in enumerate(_columns(phases), start=1):
                raw[:, column] = np.interp(slider, knots, np.eye(len(knots))[phase])
        return raw


@dataclass(frozen=True, eq=False)
class BoardFromRaw:
    """(t, 251) raw controls to (t, 185) board channels; switches keep their rest value."""

    sliders: Linear

    def __call__(self, values: Array) -> Array:
        board = self.sliders(values)
        for phases in PHASES:
            board[:, METAHUMAN_CONTROLS.index(phases.channel)] = _position(
                phases, values[:, _columns(phases)]
            )
        return board


def raw_from_board() -> RawFromBoard:
    """The rule from metahuman-controls to metahuman."""
    rows = [(channel, raw, sign) for raw, channel, sign in _pairs()]
    for both, axis in zip(BOTH_EYES, "XY", strict=True):
        rows += [(both, raw, sign) for raw, channel, sign in _pairs() if channel in _each_eye(axis)]
    return RawFromBoard(linear(METAHUMAN_CONTROLS.curves, METAHUMAN.curves, rows))


def board_from_raw() -> BoardFromRaw:
    """The rule from metahuman to metahuman-controls."""
    rest = dict(zip(METAHUMAN_CONTROLS.curves, METAHUMAN_CONTROLS.rest.tolist(), strict=True))
    return BoardFromRaw(linear(METAHUMAN.curves, METAHUMAN_CONTROLS.curves, _pairs(), rest))


def _pairs() -> list[Row]:
    """Raw control, board channel, +1 or -1 for the half of the slider that drives it."""
    halves = [(slider.channel, slider.negative, -1.0) for slider in SLIDERS]
    halves += [(slider.channel, slider.positive, 1.0) for slider in SLIDERS]
    return [(PREFIX + raw, channel, sign) for channel, raw, sign in halves if raw]


def _each_eye(axis: str) -> tuple[str, str]:
    return (f"CTRL_L_eye.{axis}", f"CTRL_R_eye.{axis}")


def _columns(phases: Phases) -> list[int]:
    return [METAHUMAN.index(PREFIX + name) for name in phases.raw]


def _position(phases: Phases, weights: Array) -> NDArray[np.float64]:
    """Slider position from the weights (t, phases) of its phases.

    Between two peaks the weights sum to 1 and average the peaks. What is missing from 1 lies before
    the first peak, at 0, or after the last one, at 1, whichever end the strongest phase is nearer.
    """
    exact = weights.astype(np.float64)
    missing = np.clip(1.0 - exact.sum(axis=1), 0.0, 1.0)
    past_last = exact[:, -1] > exact[:, :-1].max(axis=1)
    position: NDArray[np.float64] = exact @ np.array(phases.peaks) + missing * past_last
    return position
