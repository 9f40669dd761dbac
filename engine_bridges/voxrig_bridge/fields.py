"""JSON objects from the network, read field by field: each of its kind and within bounds, or a WireError."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from voxrig.errors import WireError, unknown

LONG = 256
"""Characters of a name, or names in a list."""
FAR = 1 << 53
"""Whole numbers in JSON are exact below."""

_KINDS: Mapping[type, str] = {str: "text", list: "list", dict: "object", bool: "true or false"}
_T = TypeVar("_T")


class Fields:
    """One object. ``kind`` is what it is called in sentences. ``null`` is a field that is not there."""

    def __init__(self, told: dict[str, Any], kind: str) -> None:
        self._told, self.kind = told, kind
        self._known = {"type"}

    def has(self, name: str) -> bool:
        """Whether there is such a field."""
        self._known.add(name)
        return self._told.get(name) is not None

    def value(self, name: str, kind: type[_T], default: _T | None = None) -> _T:
        """A field of that very type. Without a default it must be there."""
        if not self.has(name):
            if default is None:
                raise WireError(f"{self.kind} without {name}")
            return default
        if type(self._told[name]) is not kind:
            raise WireError(f"{name} is no {_KINDS[kind]}")
        return cast(_T, self._told[name])

    def words(self, name: str, default: str | None = None, most: int = LONG) -> str:
        """Text of ``most`` characters at most."""
        value = self.value(name, str, default)
        if len(value) > most:
            raise WireError(f"{name} has {len(value)} characters; have at most {most}")
        return value

    def choice(self, name: str, default: str | None, choices: Sequence[str]) -> str:
        """One of a few words."""
        value = self.words(name, default)
        if value not in choices:
            raise WireError(unknown(name, value[:64], choices))
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number."""
        if self.has(name):
            return number(name, self._told[name])
        if default is None:
            raise WireError(f"{self.kind} without {name}")
        return default

    def whole(self, name: str, default: int | None = None, most: int = FAR) -> int:
        """0 to ``most``. JSON has one kind of number: 16000.0 is whole."""
        value = self.number(name, default)
        if not 0 <= value <= most or value != int(value):
            raise WireError(f"{name} is {value:g}; have whole numbers from 0 to {most}")
        return int(value)

    def pair(self, name: str) -> tuple[float, float]:
        """Two numbers; one alone is over 1."""
        told = self._told.get(name)
        high, low = told if isinstance(told, list) and len(told) == 2 else (told, 1)
        return number(name, high), number(name, low)

    def names(self, name: str, default: tuple[str, ...] | None, most: int) -> tuple[str, ...]:
        """A list of 1 to ``most`` names."""
        value = self.value(name, list, None if default is None else list(default))
        if not 1 <= len(value) <= most or not all(type(n) is str and len(n) <= LONG for n in value):
            raise WireError(f"{name} is no list of 1 to {most} names")
        return tuple(value)

    def weights(self, name: str) -> dict[str, float]:
        """Numbers by name; empty if not there."""
        told = self.value(name, dict, {})
        if len(told) > LONG:
            raise WireError(f"{name} has {len(told)} names; have at most {LONG}")
        return {str(key)[:LONG]: number(name, value) for key, value in told.items()}

    def inside(self, name: str) -> Fields:
        """An object in this one; empty if not there."""
        return Fields(self.value(name, dict, {}), name)

    def each(self, name: str, most: int) -> list[Fields]:
        """A list of 1 to ``most`` objects."""
        listed = self.value(name, list)
        if not 1 <= len(listed) <= most or not all(type(entry) is dict for entry in listed):
            raise WireError(f"{name} is no list of 1 to {most} objects")
        return [Fields(entry, name) for entry in listed]

    def check_known(self) -> None:
        """Raises WireError where there are fields that nobody asked for."""
        if odd := set(self._told) - self._known:
            known = ", ".join(sorted(self._known))
            raise WireError(f"{self.kind} has no field '{min(odd)[:64]}'; have {known}")


def fields(text: str) -> Fields:
    """The object that a message is, called by its ``type``. Raises WireError."""
    try:
        told = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise WireError("text that is no JSON") from error
    if type(told) is not dict:
        raise WireError("a message is a JSON object")
    return Fields(told, Fields(told, "a message").words("type"))


def number(name: str, value: Any) -> float:
    """A finite number. Raises WireError."""
    if type(value) not in (int, float) or not abs(value) <= 1e300 or not math.isfinite(value):
        raise WireError(f"{name} is no number")
    return cast(float, value)


def _no_number(name: str) -> float:
    raise ValueError(name)
