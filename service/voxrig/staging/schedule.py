"""Beats with times: when each begins, how fast it comes, and how long a look lasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from voxrig.types import Key, Style

from .beats import Beat, Part, When
from .blend import blend, style
from .vocabulary import Mix

PHASE = 2.0
"""Seconds of a phase where the duration is not known."""

TRANSITION = 0.4
"""Seconds that a style takes to replace another unless the text says how fast. The first, at 0, is there."""

_TAIL, _TAIL_SHARE = 1.5, 0.25
"""*At the end* is this many seconds, or this part of the whole where that is shorter."""

_FADE_FROM = 0.3
"""Part of its phase after which a feeling begins to fade."""


@dataclass(frozen=True)
class Look:
    """From ``at`` to ``until`` the eyes turn somewhere other than where they would be."""

    at: float
    """Seconds."""
    yaw: float
    """Radians, + to the subject's own right; 0 is straight ahead, into the camera."""
    pitch: float
    """Radians, + down."""
    until: float
    """Seconds."""


def length(beats: Sequence[Beat], asides: Sequence[Beat], duration: float | None) -> float:
    """Seconds of the whole: the duration, or where that is not known, what the text names and a phase for
    each beat that names no length."""
    if duration is not None:
        return duration
    whole, at = PHASE, 0.0
    for beat in beats:
        at = _seconds(beat.time, at, at) if beat.time and beat.time.unit in ("seconds", "later") else at
        lasts = beat.until and beat.until.unit == "seconds"
        at = max(at, beat.until.number) if beat.until and lasts else at + (beat.hold or PHASE)
        whole = max(whole, at)
    return max(whole, *(b.time.number + PHASE for b in asides if b.time and b.time.unit == "seconds"), PHASE)


def starts(beats: Sequence[Beat], whole: float) -> list[float]:
    """Seconds at which each beat begins. Those without a time share evenly what lies between the others."""
    found: list[float] = []
    for i, beat in enumerate(beats):
        before = found[-1] if found else 0.0
        if beat.time:
            at = _seconds(beat.time, before, whole)
        elif i == 0:
            at = 0.0
        elif (end := _end(beats[i - 1], before, whole)) is not None:
            at = end
        else:
            fixed = ((k, b.time) for k, b in enumerate(beats) if k > i and b.time and b.time.unit != "later")
            given, time = next(fixed, (len(beats), When("part", 1.0)))
            goal = _seconds(time, before, whole)
            shares = [b.share for b in beats[i - 1 : given]]
            at = before + max(goal - before, 0.0) * shares[0] / sum(shares)
        found.append(min(max(at, 0.0), whole))
    return found


def keys(
    beats: Sequence[Beat], times: Sequence[float], base: Sequence[Part], whole: float
) -> tuple[Key, ...]:
    """The styles in time, each time once; of two at one time the later in the text holds."""
    found = [Key(0.0, style(blend(base, {})))] if base and (not beats or min(times) > 0) else []
    mix: Mix = {}
    for i, (beat, at) in enumerate(zip(beats, times, strict=True)):
        if not beat.parts:
            continue
        before, mix = mix, blend(beat.parts, mix)
        end = min((t for t in times if t > at), default=whole)
        pace = 0.0 if at == 0 and not found else TRANSITION
        pace = end - at if beat.grow else pace if beat.pace is None else beat.pace
        found.append(Key(at, _over(mix, base), pace))
        last = i + 1 == len(beats)
        back = _end(beat, at, whole)
        if back is not None and at < back < whole and (last or (beats[i + 1].time and back < end)):
            mix = before
            found.append(Key(back, _over(mix, base), TRANSITION))
        elif beat.fade and end > at:
            mix = {}
            begin = at + _FADE_FROM * (end - at)
            found.append(Key(begin, _over(mix, base), end - begin))
    return _fitted(found, whole)


def looks(
    beats: Sequence[Beat], times: Sequence[float], asides: Sequence[Beat], whole: float
) -> tuple[Look, ...]:
    """The looks in time. One lasts as long as it says, or until the next beat or look, or to the end."""
    placed = [(at, beat) for at, beat in zip(times, beats, strict=True) if beat.looks]
    for beat in asides:
        placed.append((min(_seconds(beat.time or When("part"), 0.0, whole), whole), beat))
    marks = sorted({*times, *(at for at, _ in placed)})
    found = {}
    for at, beat in placed:
        for look in beat.looks:
            following = whole if beat.throughout else next((t for t in marks if t > at), whole)
            end = at + look.number if look.number else _end(beat, at, whole) if not beat.parts else None
            end = following if end is None else end
            found[at] = Look(at, look.yaw, look.pitch, max(at, min(end, whole)))
    return tuple(found[at] for at in sorted(found))


def _over(mix: Mix, base: Sequence[Part]) -> Style:
    """A style with what lasts throughout."""
    return style(blend([*base, Part(mix)] if mix or not base else base, {}))


def _fitted(found: Sequence[Key], whole: float) -> tuple[Key, ...]:
    """Keys in order of time, with transitions that end before the next key."""
    by_time = {key.at: key for key in found}
    steps = pairwise([*sorted(by_time), whole])
    return tuple(replace(by_time[at], transition=min(by_time[at].transition, end - at)) for at, end in steps)


def _end(beat: Beat, at: float, whole: float) -> float | None:
    if beat.until:
        return max(_seconds(beat.until, at, whole), at)
    return at + beat.hold if beat.hold else None


def _seconds(when: When, before: float, whole: float) -> float:
    match when.unit:
        case "seconds":
            return when.number
        case "part":
            return when.number * whole
        case "tail":
            return whole - min(_TAIL, _TAIL_SHARE * whole)
        case "later":
            return before + when.number
