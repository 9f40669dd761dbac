"""How to speak, in the messages of ``voxrig_bridge.web``: styles, when they begin, and a face's own life.

Which emotions and speakers there are, and what numbers are legal, is for others to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeVar

from voxrig.idle import OFF, Life
from voxrig.types import Auto, Style
from voxrig_bridge.fields import Fields

_T = TypeVar("_T", Auto, Life)
_MOST = 1000  # keys in a message


@dataclass(frozen=True)
class StyleKey:
    """From sample ``at`` on, speak so."""

    style: Style
    at: int = 0
    transition: float = 0.0
    """Seconds."""


def plain(key: StyleKey) -> dict[str, Any]:
    """A key as JSON has it."""
    return {"style": plain_style(key.style), "at": key.at, "transition": key.transition}


def plain_style(style: Style) -> dict[str, Any]:
    """A style as JSON has it; but for emotion and intensity, what is plain is not told."""
    usual = vars(Style())
    told = {name: value for name, value in vars(style).items() if value != usual[name]}
    told |= {} if style.auto is None else {"auto": asdict(style.auto)}
    return {"emotion": dict(style.emotion), "intensity": style.intensity} | told


def plain_life(life: Life) -> Mapping[str, float] | None:
    """A life as JSON has it; null where nothing lives."""
    return None if life == OFF else asdict(life)


def style_in(told: Fields) -> Style:
    """The field ``style``; plain if not there. Raises WireError."""
    entry = told.inside("style")
    style = Style(
        entry.weights("emotion"),
        entry.number("intensity", 1.0),
        entry.number("asymmetry", 0.0),
        entry.number("energy", 1.0),
        entry.words("speaker", ""),
        _amounts(entry.inside("auto"), Auto()) if entry.has("auto") else None,
    )
    entry.check_known()
    return style


def key_in(told: Fields) -> StyleKey:
    """The fields of a key. Raises WireError."""
    return StyleKey(style_in(told), told.whole("at", 0), told.number("transition", 0.0))


def keys_in(told: Fields) -> tuple[StyleKey, ...]:
    """The field ``keys``; none if not there. Raises WireError."""
    entries = told.each("keys", _MOST) if told.value("keys", list, []) else []
    keys = tuple(map(key_in, entries))
    for entry in entries:
        entry.check_known()
    return keys


def life_in(told: Fields) -> Life:
    """The field ``life``: what is not told of it is 1, and without it nothing lives. Raises WireError."""
    return _amounts(told.inside("life"), Life()) if told.has("life") else OFF


def _amounts(told: Fields, default: _T) -> _T:
    """The default with what is told of it; its whole numbers stay whole."""
    values = {field.name: getattr(default, field.name) for field in fields(default)}
    numbers: dict[str, Any] = {
        name: told.whole(name, value) if type(value) is int else told.number(name, value)
        for name, value in values.items()
    }
    told.check_known()
    return replace(default, **numbers)
