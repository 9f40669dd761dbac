"""How command-line words become values."""

from __future__ import annotations

import argparse
import math
import re
from fractions import Fraction

# Television's rates are exact ratios that people write as decimals (SMPTE ST 12-1: 1000/1001).
_NTSC = {"23.976": 24, "23.98": 24, "29.97": 30, "47.952": 48, "47.95": 48, "59.94": 60, "119.88": 120}
_RATES = {Fraction(text): Fraction(nominal * 1000, 1001) for text, nominal in _NTSC.items()}
_RATE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,6}|/[1-9][0-9]{0,6})?")  # so that years of frames fit 64 bits
_MAX_FPS = 1000
_MAX_NUMBER = 1000


def fps(text: str) -> Fraction:
    """Frames a second as an exact ratio."""
    if not _RATE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"'{text}' is no frame rate; write 60, 29.97 or 30000/1001")
    rate = Fraction(text)
    if not 1 <= rate <= _MAX_FPS:
        raise argparse.ArgumentTypeError(f"{text} frames a second; have 1 to {_MAX_FPS}")
    return _RATES.get(rate, rate)


def numbers(text: str) -> dict[str, float]:
    """``1.2`` for all curves, or ``jawOpen=1.2,mouthPucker=0.9``."""
    found = {}
    for part in text.split(","):
        name, equals, number = part.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if math.isnan(value) or (equals and not name.strip()):
            raise argparse.ArgumentTypeError(f"'{part}' is not a number or CURVE=NUMBER")
        if abs(value) > _MAX_NUMBER:
            raise argparse.ArgumentTypeError(f"'{part}' is out of range; have ±{_MAX_NUMBER}")
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
