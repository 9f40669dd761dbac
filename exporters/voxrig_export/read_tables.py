"""Reads the tables that voxrig writes, also as other tools write them.

=============  ==================================  ==========================================
format         its header                          when a row is shown
=============  ==================================  ==========================================
csv            time_s, then curves                 seconds
a2f-csv        (nameless), timeCode, blendShapes.  seconds
livelink-csv   Timecode, BlendShapeCount, curves   HH:MM:SS:FF, FF frames and .mmm of a frame
=============  ==================================  ==========================================

The first row is frame 0 whatever its time. The rate is recognised from the times where they tell one.
Curves go by name. Values stay as they are written, also where they leave the rig's range.

Recordings of the Live Link Face app skip frames, begin at the time of day and may run past midnight. Rows
that lie between frames, and frames that have no row, are put on the rate by straight lines. A timecode
counts whole frames, so 29.97 and 30 look alike in it: without a given rate it is taken as written, 30.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from voxrig.errors import FormatError, one_line
from voxrig.types import Array, Frames
from voxrig_export import columns, rates, table_file
from voxrig_export.columns import Columns
from voxrig_export.table_file import Lines

_TIMECODE = re.compile(r"([0-9]{1,4}):([0-5][0-9]):([0-5][0-9]):([0-9]{1,4})(?:\.([0-9]{1,6}))?")
_SECOND = 10_000
"""How far apart seconds stand while the rate is not known: FF has four digits at most."""
_DAY = 24 * 3600
_USUAL = (24, 25, 30, 48, 50, 60, 100, 120, 240)  # nominal rates of cameras
_ALIKE = 3  # seconds that tell a rate that is not usual
_SKIPPED = 4  # frames that the app skips at most, on takes that we have seen
_SHAPE = "blendShapes."


def read_csv(data: BinaryIO, fps: Fraction | None = None) -> Frames:
    """Our own table. ``fps`` is its rate, where the times do not tell it. Raises FormatError."""
    lines = Lines(data)
    names = lines.header()
    _check(names, ["time_s"])
    found = columns.find(names[1:])
    table = table_file.read(lines, names, 1, lambda cells: table_file.number(cells[0]))
    return _by_seconds(found, table.places, table.values, fps)


def read_a2f_csv(data: BinaryIO, fps: Fraction | None = None) -> Frames:
    """The table of an Audio2Face-3D client; the first column may lack. Raises FormatError."""
    lines = Lines(data)
    names = lines.header()
    before = 1 if names[0].lower() == "timecode" else 2
    _check(names[before - 1 :], ["timeCode"])
    curves = []
    for name in names[before:]:
        if not name.lower().startswith(_SHAPE.lower()):
            raise FormatError(f"column '{one_line(name[:40])}' is not one of the shapes, {_SHAPE}<Name>")
        curves.append(name[len(_SHAPE) :])
    found = columns.find(curves)
    table = table_file.read(lines, names, before, lambda cells: table_file.number(cells[before - 1]))
    return _by_seconds(found, table.places, table.values, fps)


def read_livelink_csv(data: BinaryIO, fps: Fraction | None = None) -> Frames:
    """A recording of the Live Link Face app. ``fps`` is its rate, for takes under a second and for 29.97
    and its kin. Raises FormatError."""
    lines = Lines(data)
    names = lines.header()
    _check(names, ["Timecode", "BlendShapeCount"])
    found = columns.find(names[2:], "livelink")
    days, last = 0, 0.0

    def place(cells: list[str]) -> float:
        nonlocal days, last
        now = _marks(cells[0])
        if now < last - _DAY // 2 * _SECOND:  # the clock begins anew
            days += 1
        last = now
        table_file.number(cells[1])
        return now + days * _DAY * _SECOND

    table = table_file.read(lines, names, 2, place)
    seconds, frames = np.divmod(table.places, _SECOND)
    nominal = _nominal(seconds, frames)
    if fps is not None and nominal not in (None, ceil(fps)):
        raise FormatError(f"its timecode counts {nominal} frames a second, not {ceil(fps)}")
    if fps is None and nominal is None:
        raise rates.needed("its timecode does not show how many frames a second has")
    rate = Fraction(nominal or 0) if fps is None else fps
    if len(frames) and frames.max() >= ceil(rate):
        raise FormatError(f"its timecode counts to frame {int(frames.max())}, beyond {rate} a second")
    places = seconds * ceil(rate) + frames
    values = found.sort(table.values)
    return Frames(found.rig, rates.on_grid(places - places[:1], values), rate)


def _by_seconds(found: Columns, times: NDArray[np.float64], values: Array, fps: Fraction | None) -> Frames:
    """Rows shown at ``times`` (t,), in seconds."""
    able = rates.recognise(times)
    if fps is None and len(able) != 1:
        few = f"has {len(times)} row{'' if len(times) == 1 else 's'}, which tell no rate"
        uneven = f"has times that fit {rates.listed(able)} frames a second" if able else "is unevenly timed"
        raise rates.needed(f"it {few if len(times) < 2 else uneven}")
    if len(able) == 1:
        return Frames(found.rig, found.sort(values), rates.agreed(able[0], fps))
    rate = fps or able[0]
    if rate not in able:
        values = rates.on_grid((times - times[:1]) * float(rate), values)
    return Frames(found.rig, found.sort(values), rate)


def _nominal(seconds: NDArray[np.float64], frames: NDArray[np.float64]) -> int | None:
    """Frames that a timecode counts in a second; None where it does not show.

    It shows where a second ends in the take. The highest FF is the last of a second, or a few before it where
    the app skipped frames. A rate that no camera has must end its seconds alike several times.
    """
    turns = np.flatnonzero(np.diff(seconds))
    if not len(turns):
        return None
    most = int(frames.max()) + 1
    if most in _USUAL:
        return most
    if len(turns) >= _ALIKE and (np.floor(frames[turns]) == most - 1).all() and (frames[turns + 1] < 1).all():
        return most
    return next((rate for rate in _USUAL if 0 < rate - most <= _SKIPPED), None)


def _marks(text: str) -> float:
    """A timecode as seconds * _SECOND + frames. Raises ValueError."""
    found = _TIMECODE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"'{one_line(text[:40])}' is no timecode, HH:MM:SS:FF.mmm")
    hours, minutes, seconds, frames = (int(part) for part in found.groups()[:4])
    part = float(f"0.{found[5] or 0}")
    return float((hours * 3600 + minutes * 60 + seconds) * _SECOND + frames) + part


def _check(names: list[str], expected: list[str]) -> None:
    """Raises FormatError where the columns before the curves are not the expected ones."""
    if [name.lower() for name in names[: len(expected)]] != [name.lower() for name in expected]:
        found = ", ".join(one_line(name[:40]) or "(nameless)" for name in names[: len(expected) + 1])
        wanted = ", ".join(name or "(nameless)" for name in expected)
        raise FormatError(f"expected the columns {wanted} and then curves, found {found} …")
