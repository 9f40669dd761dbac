"""What lips do in the sounds of speech, measured clip by clip and pooled over any choice of clips.

Readings are millimetres on our own head (``lips.py``), 100 a second, judged against a system's own range,
the 95th percentile of the lip gap in its vowels: a mouth that moves little is not wrong for that.

pbm_f1      lips shut in p b m, within 20 ms and with an open mouth around, against lips shut in other
            sounds; pbm_recall and pbm_precision are its parts. Shut is a gap of at most 3 to 21 % of the
            range, whichever suits the system best: who rigs a face sets a gain once
pbm_auc     the same without a threshold: lowest gap in p b m below that in other consonants; chance .5
open_vowel_closed   share of aa ae ao ay aw in which the lips shut
fv_auc      lower lip nearer the upper teeth in f v than in other consonants; chance .5
fv_contact  share of f v in which it touches
round_auc   lips rounder in uw uh ow ao oy w sh zh ch jh r er than in iy ih ey y s z; chance .5
open_rho    lip gap against vowel height in three classes, Spearman; ties keep the best near .77
rest        share of silent frames with the mouth at rest (the 80 ms after speech and 50 ms before left out)
rest_leak   mean gap in them, in ranges
hf_ratio    energy of the gap above 12 Hz against that below
turns_per_s changes of direction of at least 5 % of the range; a calm mouth makes 5 to 7

Knows nothing of sound, systems or files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from voxrig.speech.phones import BILABIAL, CONSONANTS, LABIODENTAL, ROUND, SILENCE, SPREAD, VOWELS, Phone
from voxrig.types import Array
from voxrig_train.lips import readings

FPS = 100
"""Frames a second of everything measured."""
THRESHOLDS = tuple(percent / 100 for percent in range(3, 22, 3))

_TOUCH, _REST, _TURN = 0.15, 0.15, 0.05  # parts of the range
_STILL = 0.5  # mm; a range below it is no movement
_NEAR, _GUARD = 0.02, 0.05  # s: how far off a closure may be; how near to a labial nothing else is judged
_AROUND = 0.35  # s: vowels this near make a closure visible
_AFTER, _BEFORE, _SHORTEST = 0.08, 0.05, 0.05  # s of silence: time to close, time to open, least that counts
_SCHWA = 0.06  # s: of 31 hand-labelled ah and schwas, no ah was shorter and most schwas were
_RELEASE = 1 / 3  # of a p or b, its end, is the burst and the breath: lips have parted
_FAST = 12  # Hz

_LIPS_BUSY = BILABIAL | LABIODENTAL | {SILENCE, "w"}
_NEUTRAL = frozenset(CONSONANTS) - BILABIAL - LABIODENTAL - {"w", "r", "y", "hh"}
_HEIGHT = {
    **dict.fromkeys(("iy", "ih", "uw", "uh"), 1),
    **dict.fromkeys(("eh", "ey", "er", "ah", "ow"), 2),
    **dict.fromkeys(("aa", "ae", "ao", "ay", "aw"), 3),
}

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Span:
    """A system's own range, in millimetres."""

    gap: float
    drop: float


@dataclass(frozen=True, eq=False)
class Part:
    """What one clip gives to the measures. Gaps are parts of the range, drops and rounding millimetres."""

    closures: Doubles  # (n, 2) lowest gap in each p b m, widest gap in the vowels around
    others: Doubles  # (n, 2) lowest gap in each other sound, whether it is an open vowel
    bilabial: Doubles  # (n,) gap in the middle of p b m
    neutral: Doubles  # (n, 2) gap and drop in the middle of consonants that need no lips
    labiodental: Doubles  # (n,) drop in the middle of f v
    rounded: Doubles  # (n,)
    spread: Doubles  # (n,)
    heights: Doubles  # (n, 2) class, gap
    quiet: Doubles  # frames at rest, frames, sum of gaps
    motion: Doubles  # energy above 12 Hz, energy below, turns, seconds


_LISTS = ("closures", "others", "neutral", "bilabial", "labiodental", "rounded", "spread", "heights")


def span_of(clips: Sequence[tuple[Sequence[Phone], Mapping[str, Array]]]) -> Span:
    """The range of a system from all of its readings."""

    def top(name: str) -> float:
        vowels = [_middle(r[name], p) for phones, r in clips for p in phones if p.label in VOWELS]
        return max(float(np.percentile(np.concatenate(vowels), 95)) if vowels else 0.0, _STILL)

    return Span(top("gap"), top("drop"))


def part(phones: Sequence[Phone], reading: Mapping[str, Array], span: Span) -> Part:
    """One clip's part, from phones that tile it and its readings at 100 frames a second."""
    gap, drop = reading["gap"] / np.float32(span.gap), reading["drop"]
    closures = [_closure(p) for p in phones if p.label in BILABIAL]
    vowels = [p for p in phones if p.label in VOWELS]
    neutral = [p for p in phones if p.label in _NEUTRAL]
    rounding = {id(p): float(_middle(reading["rounding"], p).mean()) for p in phones if _length(p) >= 0.03}
    return Part(
        _rows((_cut(gap, a - _NEAR, b + _NEAR).min(), _opening(gap, a, b, vowels)) for a, b in closures),
        _rows((_cut(gap, a, b).min(), _HEIGHT.get(p.label) == 3) for p, a, b in _judged(phones)),
        np.array([_centre(gap, a, b).min() for a, b in closures]),
        _rows((_centre(gap, p.start, p.end).min(), _centre(drop, p.start, p.end).min()) for p in neutral),
        np.array([_centre(drop, p.start, p.end).min() for p in phones if p.label in LABIODENTAL]),
        np.array([rounding[id(p)] for p in phones if p.label in ROUND and id(p) in rounding]),
        np.array([rounding[id(p)] for p in phones if p.label in SPREAD and id(p) in rounding]),
        _rows((_HEIGHT[p.label], _openness(gap, p)) for p in vowels if _has_height(p)),
        _quiet(gap, phones),
        _motion(gap, phones),
    )


def pool(parts: Sequence[Part], span: Span, shut: float) -> dict[str, float]:
    """The measures over clips together; NaN where the clips hold no such sound."""
    closures, others, neutral, bilabial, labiodental, rounded, spread, heights = (
        np.concatenate([getattr(p, name) for p in parts]) for name in _LISTS
    )
    quiet, motion = np.sum([p.quiet for p in parts], 0), np.sum([p.motion for p in parts], 0)
    right = int(np.sum((closures[:, 0] <= shut) & (closures[:, 1] >= 2 * shut)))
    wrong = int(np.sum(others[:, 0] <= shut))
    nan = float("nan")
    found = {
        "pbm_f1": 2 * right / (len(closures) + right + wrong) if len(closures) else nan,
        "pbm_recall": right / len(closures) if len(closures) else nan,
        "pbm_precision": right / max(right + wrong, 1),
        "pbm_auc": auc(-bilabial, -neutral[:, 0]),
        "open_vowel_closed": _mean(others[others[:, 1] > 0, 0] <= shut),
        "fv_auc": auc(-labiodental, -neutral[:, 1]),
        "fv_contact": _mean(labiodental <= _TOUCH * span.drop),
        "round_auc": auc(rounded, spread),
        "open_rho": spearman(heights[:, 0], heights[:, 1]),
        "rest": quiet[0] / quiet[1] if quiet[1] else nan,
        "rest_leak": quiet[2] / quiet[1] if quiet[1] else nan,
        "hf_ratio": motion[0] / max(motion[1], 1e-9),
        "turns_per_s": motion[2] / max(motion[3], 1e-9),
    }
    return {name: float(value) for name, value in found.items()}


def best_threshold(parts: Sequence[Part], span: Span) -> float:
    """The gap that counts as shut and suits the system, in ranges; the smallest of equals."""
    return max(THRESHOLDS, key=lambda shut: np.nan_to_num(pool(parts, span, shut)["pbm_f1"]))


def measure(clips: Sequence[tuple[Sequence[Phone], Array]]) -> dict[str, float]:
    """The measures of native curves (t, c) at 100 fps that lie in time as the sound does."""
    read = [(phones, readings(values)) for phones, values in clips]
    span = span_of(read)
    parts = [part(phones, r, span) for phones, r in read]
    return pool(parts, span, best_threshold(parts, span))


def auc(positive: Sequence[float] | Doubles, negative: Sequence[float] | Doubles) -> float:
    """Probability that a positive exceeds a negative; ties count half. NaN with none of either."""
    if not len(positive) or not len(negative):
        return float("nan")
    ordered = np.sort(np.asarray(negative))
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.mean() / 2 / len(ordered))


def spearman(a: Doubles, b: Doubles) -> float:
    """Correlation of ranks; 0 where one of them never changes, NaN for fewer than two."""
    from scipy.stats import rankdata

    if len(a) < 2:
        return float("nan")
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def _closure(p: Phone) -> tuple[float, float]:
    """The time in which the lips of a p b m must touch."""
    return p.start, p.end - (0.0 if p.label == "m" else _RELEASE * _length(p))


def _opening(gap: Array, start: float, end: float, vowels: Sequence[Phone]) -> float:
    """The widest gap in the vowels around; endless with none, for then nothing speaks against a closure."""
    near = [v for v in vowels if v.end > start - _AROUND and v.start < end + _AROUND]
    return max((float(_cut(gap, v.start, v.end).max()) for v in near), default=float("inf"))


def _judged(phones: Sequence[Phone]) -> list[tuple[Phone, float, float]]:
    """Sounds in which lips may not shut, each with the seconds of it that no labial is near to."""
    after, before = [-np.inf], [np.inf]  # end of the last labial before each phone, start of the next one
    for p in phones[:-1]:
        after.append(p.end if p.label in _LIPS_BUSY else after[-1])
    for p in phones[:0:-1]:
        before.append(p.start if p.label in _LIPS_BUSY else before[-1])
    found = []
    for p, last, first in zip(phones, after, before[::-1], strict=True):
        start, end = max(p.start, last + _GUARD), min(p.end, first - _GUARD)
        if p.label not in _LIPS_BUSY and p.label != "hh" and end - start >= 0.02:
            found.append((p, float(start), float(end)))
    return found


def is_reduced(p: Phone) -> bool:
    """Whether a vowel is a schwa, which takes its neighbours' shape: labels call it ah, but it is short."""
    return p.label == "ah" and p.end - p.start < _SCHWA


def _has_height(p: Phone) -> bool:
    return p.label in _HEIGHT and _length(p) >= 0.04 and not is_reduced(p)


def _openness(gap: Array, p: Phone) -> float:
    """ay and aw are as open as their first half ever is, other vowels as their middle is."""
    if p.label in ("ay", "aw"):
        return float(_cut(gap, p.start, (p.start + p.end) / 2).max())
    return float(_middle(gap, p).mean())


def _quiet(gap: Array, phones: Sequence[Phone]) -> Doubles:
    pieces = [np.zeros(0, np.float32)]
    for p in phones:
        start = p.start + (0 if p is phones[0] else _AFTER)
        end = p.end - (0 if p is phones[-1] else _BEFORE)
        if p.label == SILENCE and end - start >= _SHORTEST:
            pieces.append(_cut(gap, start, end))
    x = np.concatenate(pieces)
    return np.array([np.sum(x <= _REST), len(x), x.sum()], float)


def _motion(gap: Array, phones: Sequence[Phone]) -> Doubles:
    from scipy.signal import butter, sosfiltfilt

    spoken = [p for p in phones if p.label != SILENCE]
    x = _cut(gap, spoken[0].start, spoken[-1].end).astype(float) if spoken else np.zeros(0)
    if len(x) < 30:
        return np.zeros(4)
    slow = sosfiltfilt(butter(4, _FAST / (FPS / 2), output="sos"), x)
    fast = float(((x - slow) ** 2).sum())
    return np.array([fast, ((slow - slow.mean()) ** 2).sum(), _turns(x), len(x) / FPS])


def _turns(x: Doubles) -> int:
    """How often x turns back by more than 5 % of the range."""
    turns, farthest, way = 0, float(x[0]), 0
    for _, value in pairwise(x.tolist()):
        if way * (value - farthest) > 0:
            farthest = value
        elif abs(value - farthest) > _TURN:
            turns, way, farthest = turns + 1, 1 if value > farthest else -1, value
    return turns


def _length(p: Phone) -> float:
    return p.end - p.start


def _cut(x: Array, start: float, end: float) -> Array:
    """Frames between two moments, in seconds; at least one."""
    first = int(np.clip(round(start * FPS), 0, len(x) - 1))
    return x[first : max(first + 1, min(round(end * FPS), len(x)))]


def _middle(x: Array, p: Phone) -> Array:
    return _cut(x, p.start + _length(p) / 4, p.end - _length(p) / 4)


def _centre(x: Array, start: float, end: float) -> Array:
    """60 ms about the middle."""
    return _cut(x, (start + end) / 2 - 0.03, (start + end) / 2 + 0.03)


def _rows(pairs: Iterable[tuple[float, float]]) -> Doubles:
    return np.array(list(pairs), np.float64).reshape(-1, 2)


def _mean(found: NDArray[np.bool_]) -> float:
    return float(found.mean()) if len(found) else float("nan")
