"""Frame rates from the times that files write, and rows at any times as frames of one rate.

Tools round their times, so a rate is not computed but recognised: it is the one for which every row
lies where it should, as near as the digits tell. Whole rates, television's (30000/1001 and its
kin, SMPTE ST 12-1) and other plain ratios are tried. Letters: t rows, u frames, c curves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from voxrig.errors import FormatError
from voxrig.types import Array

LARGEST = 1 << 27
"""Values that a take may have, so that it fits in memory: ten hours of 61 curves at 60 frames a second."""

_TELEVISION = (24, 30, 48, 60, 120)
_PLAIN = 1001  # largest denominator of other ratios
_DRIFT = 1e-5  # of a time: what six digits or sums in float32 leave, far less than rates differ by
_TINY = 1e-9  # s
_MOST_DECIMALS = 9
_FEW = 50  # whole rates that times may allow before they tell nothing
_NEAR = 2e-3  # frames: a timecode is rounded to thousandths, once at each end


def recognise(times: NDArray[np.float64]) -> list[Fraction]:
    """The rates that seconds (t,), which increase, can be written at: one, none, or several that tie.

    >>> recognise(np.array([0.0, 0.0166667, 0.0333333, 0.05]))
    [Fraction(60, 1)]
    """
    if len(times) < 2:
        return []
    since = times - times[0]
    estimate = (len(times) - 1) / since[-1]
    if not 1e-3 < estimate < 1e6:
        return []
    close = Fraction(estimate).limit_denominator(_PLAIN)
    whole = [Fraction(round(estimate)), Fraction(round(estimate * 1.001) * 1000, 1001)]
    for rate in (*whole, close, 1 / Fraction(1 / estimate).limit_denominator(_PLAIN)):
        if rate > 0 and _fits(rate, times, _TINY):
            return [rate]
    rounding = 0.5 * 10.0 ** -_decimals(times)
    low, high = ((len(times) - 1) / max(since[-1] + sign * 2 * rounding, _TINY) for sign in (1, -1))
    if high - low > _FEW:
        return []
    able = [Fraction(rate) for rate in range(max(1, math.floor(low)), math.ceil(high) + 1)]
    able += [Fraction(nominal * 1000, 1001) for nominal in _TELEVISION]
    return sorted(rate for rate in able if _fits(rate, times, 2 * rounding + _TINY))


def from_decimal(value: float) -> Fraction:
    """A rate that was written as a decimal number: 29.97 means 30000/1001. Raises FormatError."""
    if not 1e-3 < value < 1e6:
        raise FormatError(f"{value:g} frames a second is no frame rate")
    for nominal in _TELEVISION:
        if abs(value - nominal / 1.001) < 0.005:  # 23.98 is the coarsest that people write
            return Fraction(nominal * 1000, 1001)
    close = Fraction(value).limit_denominator(_PLAIN)
    return close if abs(float(close) - value) < 1e-9 * value else Fraction(f"{value:.6f}")


def agreed(told: Fraction, fps: Fraction | None) -> Fraction:
    """The rate that a file tells. Raises FormatError if the caller thinks otherwise."""
    if fps is not None and fps != told:
        raise FormatError(f"it runs at {told} frames a second, not {fps}")
    return told


def needed(why: str) -> FormatError:
    """The error of a file that does not tell its rate."""
    return FormatError(f"{why}; give its frame rate (--from-fps 60)")


def listed(rates: Iterable[Fraction]) -> str:
    """Rates for a sentence: ``30000/1001 and 30``."""
    return " and ".join(str(rate) for rate in rates)


def on_grid(places: NDArray[np.float64], values: Array) -> Array:
    """Rows (t, c) at ``places`` (t,), in frames since the first and increasing, as frames (u, c).

    Rows that lie on frames are copied; the others give way to straight lines between them.
    """
    if not len(values):
        return values
    whole = np.rint(places)
    if (np.abs(places - whole) <= _NEAR).all():
        places = whole
    count = math.floor(places[-1]) + 1
    if count * values.shape[1] > LARGEST:
        raise FormatError(f"its times span {count} frames; have at most {LARGEST // values.shape[1]}")
    if count == len(values) and places is whole:
        return values
    at = np.arange(count)
    high = np.searchsorted(places, at)
    low = np.maximum(high - (places[high] > at), 0)
    gap = places[high] - places[low]
    part = ((at - places[low]) / np.where(gap > 0, gap, 1)).astype(np.float32)[:, None]
    out: Array = values[low] * (1 - part) + values[high] * part
    return out


def _fits(rate: Fraction, times: NDArray[np.float64], slack: float) -> bool:
    due = np.arange(len(times)) * (rate.denominator / rate.numerator)
    off = np.abs(times - times[0] - due)
    return bool((off <= slack + _DRIFT * due).all())


def _decimals(times: NDArray[np.float64]) -> int:
    """Digits after the point that the times were written with, as far as they show."""
    for digits in range(1, _MOST_DECIMALS):
        scaled = times * 10.0**digits
        if (np.abs(scaled - np.rint(scaled)) < 1e-6 + 1e-15 * np.abs(scaled)).all():
            return digits
    return _MOST_DECIMALS
