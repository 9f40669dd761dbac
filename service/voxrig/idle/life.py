"""How much of each movement a face has of its own, and how to write it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from voxrig.errors import StyleError, unknown


@dataclass(frozen=True)
class Life:
    """Amounts 0..1: of blinks how often, of the rest how far. 0 leaves the curves of a part as they come."""

    blink: float = 1.0
    gaze: float = 1.0
    head: float = 1.0
    brows: float = 1.0
    breath: float = 1.0


OFF = Life(0.0, 0.0, 0.0, 0.0, 0.0)
"""A face that does nothing but speak."""
_NAMES = tuple(field.name for field in fields(Life))


def check(life: Life) -> Life:
    """The life itself. Raises StyleError on an amount out of range."""
    for name, amount in asdict(life).items():
        if not 0 <= amount <= 1:
            raise StyleError(f"{name} is {amount:g}; amounts are 0 to 1")
    return life


def parse(text: str) -> Life:
    """A life from text. Raises StyleError.

    Parts that are not named are still; begin with ``on`` to keep them. A bare name means 1.

    >>> parse("on") == parse("") == Life()
    True
    >>> parse("blink,gaze=0.5")
    Life(blink=1.0, gaze=0.5, head=0.0, brows=0.0, breath=0.0)
    >>> parse("on,head=0.3")
    Life(blink=1.0, gaze=1.0, head=0.3, brows=1.0, breath=1.0)
    >>> parse("off") == OFF
    True
    """
    first, *rest = parts = [part.strip() for part in text.split(",") if part.strip()] or ["on"]
    amounts = asdict(Life() if first == "on" else OFF)
    for part in rest if first in ("on", "off") else parts:
        name, _, amount = (p.strip() for p in part.partition("="))
        if name not in amounts:
            raise StyleError(unknown("part of a life", name, ("on", "off", *_NAMES)))
        try:
            amounts[name] = float(amount) if amount else 1.0
        except ValueError:
            raise StyleError(f"{name} is '{amount}'; write a number from 0 to 1") from None
    return check(Life(**amounts))
