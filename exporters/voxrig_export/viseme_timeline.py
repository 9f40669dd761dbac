"""Visemes as a timeline, for players that show one mouth after another: JSON or CSV.

::

    {"format": "voxrig-visemes", "version": 1, "soundFile": "hello.wav", "duration": 1.27,
    "visemes": [
    {"viseme": "sil", "start": 0, "end": 0.55, "weight": 1},
    {"viseme": "E", "start": 0.55, "end": 0.65, "weight": 0.71}
    ]}

Seconds; the visemes tile the take, and each lasts 60 ms or more. ``weight`` is the most that the viseme has
of the mouth while it is shown, 0..1. The 15 visemes are those of OVRLipSync and OpenXR.
"""

from __future__ import annotations

import json
from typing import BinaryIO

from voxrig.errors import FormatError
from voxrig.types import Array
from voxrig_export.csv_curves import header
from voxrig_export.cues import cues
from voxrig_export.keys import Held
from voxrig_export.take import Take, Writer

VERSION = 1

_Row = tuple[str, float, float, float]
"""Viseme, start, end, weight."""


class VisemeJson(Writer):
    """Holds the take and writes one object, a viseme a line."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        _check(take, "visemes-json")
        self._out, self._take, self._held = out, take, Held(take)

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        self._held.write(values)

    def finish(self, count: int) -> None:
        """Write the object."""
        about = {
            "format": "voxrig-visemes",
            "version": VERSION,
            "soundFile": self._take.audio,
            "duration": round(count / float(self._take.fps), 6),
        }
        rows = [
            f'\n{{"viseme": {json.dumps(viseme)}, "start": {start:.10g}, "end": {end:.10g}, '
            f'"weight": {weight:.4g}}}'
            for viseme, start, end, weight in _rows(self._held, self._take)
        ]
        self._out.write(f'{json.dumps(about)[:-1]},\n"visemes": [{",".join(rows)}\n]}}\n'.encode())

    def release(self) -> None:
        """Let go of the rows."""
        self._held.release()


class VisemeCsv(Writer):
    """Holds the take and writes a row a viseme."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        _check(take, "visemes-csv")
        self._out, self._take, self._held = out, take, Held(take)

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        self._held.write(values)

    def finish(self, count: int) -> None:
        """Write header and rows."""
        self._out.write(header(["viseme", "start", "end", "weight"]))
        for viseme, start, end, weight in _rows(self._held, self._take):
            self._out.write(header([viseme, f"{start:.10g}", f"{end:.10g}", f"{weight:.4g}"]))

    def release(self) -> None:
        """Let go of the rows."""
        self._held.release()


def _check(take: Take, format: str) -> None:
    if take.rig.name != "visemes":
        raise FormatError(f"{format} holds rig visemes, not {take.rig.name}")


def _rows(held: Held, take: Take) -> list[_Row]:
    values, rate = held.values, float(take.fps)
    return [
        (
            held.names[cue.choice],
            round(cue.start / rate, 6),
            round(cue.end / rate, 6),
            float(values[cue.start : cue.end, cue.choice].max()),
        )
        for cue in cues(values.astype(float), take.fps)
    ]
