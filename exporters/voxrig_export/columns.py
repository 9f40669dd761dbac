"""Which rig a file's curve names are, and where each of its curves stands.

Files name curves, not rigs, and other tools order and spell them their own way. Names are taken as a
rig's when they are all of its curves and nothing else, in any order. Where spelling with capitals
decides nothing (``JawOpen``, ``jawOpen``) it is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from voxrig import rigs
from voxrig.errors import FormatError, one_line
from voxrig.types import Array, Rig

MOST = 4096
"""Columns that a file may have; the largest rig has some 250."""

_SHOWN = 5  # names in a sentence
_LONGEST = 60  # characters of a name in a sentence


@dataclass(frozen=True, eq=False)
class Columns:
    """A rig and the order in which a file has its curves."""

    rig: Rig
    order: list[int] | None
    """Column of the file for each curve of the rig; None where the file has them in the rig's order."""

    def sort(self, values: Array) -> Array:
        """Rows (t, c) of the file, in the rig's order."""
        return values if self.order is None else values[:, self.order]


def find(names: Sequence[str], rig: str | None = None) -> Columns:
    """The rig of a list of curve names, or their order on the rig that the file tells.

    Raises FormatError for an unknown rig and for names that are not one rig's, with the name to mend.
    """
    if len(names) > MOST:
        raise FormatError(f"it has {len(names)} curves; have at most {MOST}")
    if rig is not None and rig not in rigs.names():
        raise FormatError(
            f"it is on rig '{_shown(rig)}', which voxrig does not know; have {_list(rigs.names())}"
        )
    able = [rigs.get(name) for name in (rigs.names() if rig is None else (rig,))]
    for candidate in able:
        if candidate.curves == tuple(names):
            return Columns(candidate, None)
    _check_repeats(names)
    for candidate in able:
        if set(candidate.curves) == set(names):
            return _ordered(candidate, list(candidate.curves), list(names))
    folded = [name.lower() for name in names]
    for candidate in able:
        curves = [curve.lower() for curve in candidate.curves]
        if set(curves) == set(folded):
            return _ordered(candidate, curves, folded)
    raise FormatError(_fault(names, able))


def _ordered(rig: Rig, curves: list[str], names: list[str]) -> Columns:
    place = {name: column for column, name in enumerate(names)}
    order = [place[curve] for curve in curves]
    return Columns(rig, None if order == sorted(order) else order)


def _check_repeats(names: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() in seen:
            raise FormatError(f"curve '{_shown(name)}' stands twice")
        seen[name.lower()] = name


def _fault(names: Sequence[str], able: Sequence[Rig]) -> str:
    """What keeps the names from being those of the rig that they come nearest to."""
    folded = {name.lower() for name in names}
    shared = [len(folded & {curve.lower() for curve in rig.curves}) for rig in able]
    nearest = max(range(len(able)), key=lambda i: (shared[i], -len(able[i])))
    rig = able[nearest]
    if not names:
        return "it has no curves"
    if not shared[nearest]:
        known = rig.name if len(able) == 1 else "any rig"
        return f"none of its curves is one of {known}: {_list(names)}; see voxrig rigs"
    spelled = {curve.lower(): curve for curve in rig.curves}
    for name in names:
        if name.lower() not in spelled:
            near = get_close_matches(name[:_LONGEST].lower(), spelled, 1, 0)
            return f"unknown {rig.name} curve '{_shown(name)}'; the nearest is {spelled[near[0]]}"
    lacks = [curve for curve in rig.curves if curve.lower() not in folded]
    return f"it lacks {len(lacks)} of the {len(rig)} curves of {rig.name}: {_list(lacks)}"


def _list(names: Sequence[str]) -> str:
    """The first few names."""
    more = ", …" if len(names) > _SHOWN else ""
    return ", ".join(_shown(name) for name in names[:_SHOWN]) + more


def _shown(name: str) -> str:
    return one_line(name[:_LONGEST]) + ("…" if len(name) > _LONGEST else "")
