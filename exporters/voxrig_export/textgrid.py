"""Praat's TextGrid, long form: the tiers ``words`` and ``phones``, each tiling the clip; silence is empty.

::

    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 1.27
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.31
            text = ""
"""

from __future__ import annotations

from collections.abc import Iterable

from voxrig.speech.align import Transcript
from voxrig.speech.phones import SILENCE

_HEAD = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = {end}
tiers? <exists>
size = 2
item []:
"""
_TIER = """    item [{number}]:
        class = "IntervalTier"
        name = "{name}"
        xmin = 0
        xmax = {end}
        intervals: size = {size}
"""
_INTERVAL = """        intervals [{number}]:
            xmin = {start}
            xmax = {end}
            text = "{text}"
"""


def textgrid(transcript: Transcript) -> str:
    """The text of the file."""
    end = transcript.phones[-1].end if transcript.phones else 0.0
    words = [(word.text, word.start, word.end) for word in transcript.words]
    phones = [("" if p.label == SILENCE else p.label, p.start, p.end) for p in transcript.phones]
    tiers = (_tier(1, "words", words, end), _tier(2, "phones", phones, end))
    return _HEAD.format(end=_seconds(end)) + "".join(tiers)


def _tier(number: int, name: str, labels: Iterable[tuple[str, float, float]], end: float) -> str:
    rows: list[tuple[str, float, float]] = []
    at = 0.0
    for text, start, stop in labels:
        if start > at:
            rows.append(("", at, start))
        rows.append((text, start, stop))
        at = stop
    if end > at:
        rows.append(("", at, end))
    head = _TIER.format(number=number, name=name, end=_seconds(end), size=len(rows))
    return head + "".join(
        _INTERVAL.format(number=i, start=_seconds(a), end=_seconds(b), text=text.replace('"', '""'))
        for i, (text, a, b) in enumerate(rows, 1)
    )


def _seconds(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
