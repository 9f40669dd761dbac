"""The phone set: ARPAbet without stress, and the classes that decide what lips must do.

Labels are those of the CMU dictionary in lower case; ``sil`` is any stretch without speech.
"""

from __future__ import annotations

from dataclasses import dataclass

SILENCE = "sil"
VOWELS = ("aa", "ae", "ah", "ao", "aw", "ay", "eh", "er", "ey", "ih", "iy", "ow", "oy", "uh", "uw")
CONSONANTS = (
    *("b", "ch", "d", "dh", "f", "g", "hh", "jh", "k", "l", "m", "n", "ng", "p", "r"),
    *("s", "sh", "t", "th", "v", "w", "y", "z", "zh"),
)
PHONES = (SILENCE, *VOWELS, *CONSONANTS)  # 40 classes; the index is the class

BILABIAL = frozenset(("p", "b", "m"))
LABIODENTAL = frozenset(("f", "v"))
ROUND = frozenset(("uw", "uh", "ow", "ao", "oy", "w", "sh", "zh", "ch", "jh", "r", "er"))
SPREAD = frozenset(("iy", "ih", "ey", "y", "s", "z"))


@dataclass(frozen=True)
class Phone:
    """One phone and when it sounds, in seconds from the clip's first sample."""

    label: str
    start: float
    end: float

    def __post_init__(self) -> None:
        if self.label not in PHONES:
            raise ValueError(f"unknown phone '{self.label}'; have {' '.join(PHONES)}")


def tidy(phones: list[Phone], seconds: float) -> list[Phone]:
    """Fills gaps and edges with silence and joins silences, so that phones tile 0..seconds."""
    out: list[Phone] = []

    def add(label: str, start: float, end: float) -> None:
        if end - start < 1e-6:
            return
        if out and out[-1].label == label == SILENCE:
            out[-1] = Phone(SILENCE, out[-1].start, end)
        else:
            out.append(Phone(label, start, end))

    at = 0.0
    for phone in phones:
        start, end = max(phone.start, at), min(phone.end, seconds)
        if start > at:
            add(SILENCE, at, start)
        add(phone.label, start, end)
        at = max(at, end)
    add(SILENCE, at, seconds)
    return out
