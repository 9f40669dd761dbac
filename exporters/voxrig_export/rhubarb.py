"""The cue files of Rhubarb Lip Sync, which cut-out and sprite animation reads: nine mouths, one at a time.

TSV has a line a cue, its start in seconds and its shape, and a last line where the sound ends::

    0.00	X
    0.55	B
    1.27	X

JSON has the ends as well: ``{"metadata": {"soundFile": …, "duration": 1.27}, "mouthCues": [{"start": 0.00,
"end": 0.55, "value": "X"}, …]}``. Times have two decimals, cues follow one another without a gap, and each
lasts 60 ms or more.

==  ==============================  =================================================  ================
 .  mouth                           phones (rig native)                                visemes
==  ==============================  =================================================  ================
A   closed, lips pressed            m b p                                              PP
B   slightly open, teeth together   most consonants; iy ih y                           TH DD kk CH SS ih
C   open                            eh ae ah ey hh                                     E
D   wide open                       aa ay aw                                           aa
E   slightly rounded                ao er r oy uh                                      RR oh
F   puckered                        uw ow w                                            ou
G   lower lip under upper teeth     f v                                                FF
H   tongue behind upper teeth       l                                                  nn
X   at rest                         none                                               sil
==  ==============================  =================================================  ================

The native rig tells l from n, which visemes cannot; there H stands for both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from voxrig.errors import FormatError
from voxrig.types import Array, Rig
from voxrig_export.cues import Cue, cues, phone_evidence
from voxrig_export.keys import Held
from voxrig_export.take import Take, Writer

SHAPES = "XABCDEFGH"
RIGS = ("native", "visemes")

_PHONES: Mapping[str, str] = MappingProxyType(
    {
        "A": "m b p",
        "B": "iy ih y d t n k g ng s z sh zh ch jh th dh",
        "C": "eh ae ah ey hh",
        "D": "aa ay aw",
        "E": "ao er r oy uh",
        "F": "uw ow w",
        "G": "f v",
        "H": "l",
    }
)
_VISEMES: Mapping[str, str] = MappingProxyType(
    {
        "X": "sil",
        "A": "PP",
        "B": "TH DD kk CH SS ih",
        "C": "E",
        "D": "aa",
        "E": "RR oh",
        "F": "ou",
        "G": "FF",
        "H": "nn",
    }
)

_CONTACT = 1.5
"""How much more lips that touch count than others: they are short, and the eye misses them most."""


class RhubarbTsv(Writer):
    """Holds the take and writes a line a cue."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        check_rig(take.rig, "rhubarb-tsv")
        self._out, self._take, self._held = out, take, Held(take)

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        self._held.write(values)

    def finish(self, count: int) -> None:
        """Write the cues, and the end of the sound."""
        rate = float(self._take.fps)
        for cue in shape_cues(self._held.values, self._take):
            self._out.write(f"{cue.start / rate:.2f}\t{SHAPES[cue.choice]}\n".encode())
        self._out.write(f"{count / rate:.2f}\tX\n".encode())

    def release(self) -> None:
        """Let go of the rows."""
        self._held.release()


class RhubarbJson(Writer):
    """Holds the take and writes one object."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        check_rig(take.rig, "rhubarb-json")
        self._out, self._take, self._held = out, take, Held(take)

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        self._held.write(values)

    def finish(self, count: int) -> None:
        """Write the object, a cue a line."""
        rate = float(self._take.fps)
        rows = [
            f'{{ "start": {cue.start / rate:.2f}, "end": {cue.end / rate:.2f}, '
            f'"value": "{SHAPES[cue.choice]}" }}'
            for cue in shape_cues(self._held.values, self._take)
        ]
        text = (
            '{\n  "metadata": {\n'
            f'    "soundFile": {json.dumps(self._take.audio)},\n'
            f'    "duration": {count / rate:.2f}\n'
            '  },\n  "mouthCues": [' + ",".join(f"\n    {row}" for row in rows) + "\n  ]\n}\n"
        )
        self._out.write(text.encode())

    def release(self) -> None:
        """Let go of the rows."""
        self._held.release()


def check_rig(rig: Rig, format: str) -> None:
    """Raise FormatError for a rig from which mouths cannot be told."""
    if rig.name not in RIGS:
        raise FormatError(f"{format} holds rigs {', '.join(RIGS)}, not {rig.name}")


def shape_cues(values: Array, take: Take) -> list[Cue]:
    """The mouths of a whole take (t, c), as columns of SHAPES."""
    if take.rig.name == "native":
        evidence = phone_evidence(values, take.rig, [_PHONES[shape].split() for shape in SHAPES[1:]])
    else:
        evidence = _viseme_evidence(values, take.rig)
    evidence[:, [SHAPES.index("A"), SHAPES.index("G")]] *= _CONTACT
    return cues(evidence, take.fps)


def _viseme_evidence(values: Array, rig: Rig) -> NDArray[np.float64]:
    groups = [[rig.index(viseme) for viseme in _VISEMES[shape].split()] for shape in SHAPES]
    return np.stack([values[:, group].sum(axis=1, dtype=float) for group in groups], axis=1)
