"""Phones as subtitles, ``.srt``: lay it over the video to see what the model hears when.

::

    1
    00:00:00,550 --> 00:00:00,617
    hh

Labels are ARPAbet in lower case; silence has none. Each phone lasts 30 ms or more.
"""

from __future__ import annotations

from typing import BinaryIO

from voxrig.errors import FormatError
from voxrig.rigs.native import PHONE_CURVES
from voxrig.types import Array
from voxrig_export.cues import cues, phone_evidence
from voxrig_export.keys import Held
from voxrig_export.take import Take, Writer

_SHORTEST = 0.03  # s


class PhoneSrt(Writer):
    """Holds the take and writes a subtitle a phone."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        if take.rig.name != "native":
            raise FormatError(f"phones-srt holds rig native, not {take.rig.name}")
        self._out, self._take, self._held = out, take, Held(take)

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        self._held.write(values)

    def finish(self, count: int) -> None:
        """Write the subtitles."""
        phones, fps = [curve.removeprefix("phone_") for curve in PHONE_CURVES], self._take.fps
        evidence = phone_evidence(self._held.values, self._take.rig, [[phone] for phone in phones])
        spoken = [cue for cue in cues(evidence, fps, _SHORTEST) if cue.choice]
        for number, cue in enumerate(spoken, 1):
            start, end = _time(float(cue.start / fps)), _time(float(cue.end / fps))
            self._out.write(f"{number}\n{start} --> {end}\n{phones[cue.choice - 1]}\n\n".encode())

    def release(self) -> None:
        """Let go of the rows."""
        self._held.release()


def _time(seconds: float) -> str:
    minutes, thousandths = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{thousandths // 1000:02d},{thousandths % 1000:03d}"
