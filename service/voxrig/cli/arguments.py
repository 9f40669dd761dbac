"""How command-line words become values."""

from __future__ import annotations

import argparse
import math
from fractions import Fraction

# Television's rates are exact ratios that people write as decimals (SMPTE ST 12-1: 1000/1001).
_NTSC = {"23.976": 24, "23.98": 24, "29.97": 30, "47.952": 48, "47.95": 48, "59.94": 60, "119.88": 120}
_MAX_FPS = 1000


def fps(text: str) -> Fraction:
    """Frames a second as an exact ratio."""
    try:
        rate = Fraction(_NTSC[text] * 1000, 1001) if text in _NTSC else Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no frame rate; write 60, 29.97 or 30000/1001"
        ) from None
    if not 1 <= rate <= _MAX_FPS:
        raise argparse.ArgumentTypeError(f"{text} frames a second; have 1 to {_MAX_FPS}")
    return rate


def numbers(text: str) -> dict[str, float]:
    """``1.2`` for all curves, or ``jawOpen=1.2,mouthPucker=0.9``."""
    found = {}
    for part in text.split(","):
        name, equals, number = part.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or (equals and not name):
            raise argparse.ArgumentTypeError(f"'{part}' is not a number or CURVE=NUMBER")
        found[name.strip() or "all"] = value
    return found


def milliseconds(text: str) -> float:
    """Milliseconds on the command line, seconds inside."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of milliseconds from 0 to 1000")
    return value / 1000
