"""A system's scores over labelled clips: its delay found and taken out, one number, and how sure it is.

lag_ms      how late the mouth is against what the labels would have it open, as it is seen when the
            sound is not delayed; lag_corr is the correlation there
sync_ms     what of that the system's declared latency leaves over
probe       what a linear reader makes of single frames, see ``probe.py``
score       100 × the mean of pbm_f1, 2 (fv_auc - ½), 2 (round_auc - ½), open_rho, rest, lag_corr and the
            probe above chance, less 1.5 for each turn a second over 7.5, at most 15

These are of a mouth moved earlier by its lag, as a player does who delays the sound as much. With
``_live`` at the end they are of the mouth as it is. Intervals are 95 %, from 300 draws of clips with
replacement; they are the same draws for every system, so that differences may be taken draw by draw.
Labels tell sounds: a real mouth moves 50 to 100 ms ahead of them, so a lag of 0 to -60 ms is no fault,
and one above 45 ms is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from voxrig.speech.phones import Phone
from voxrig.types import Array, Frames
from voxrig_train import measures, probe
from voxrig_train.lips import readings
from voxrig_train.measures import FPS, Doubles

SEED = 7
DRAWS = 300
_LAGS = np.arange(-25, 36)  # frames of 10 ms
_ZERO = int(np.flatnonzero(_LAGS == 0)[0])

# How far a mouth opens in each sound, of 1; h as the sound before it.
_LEVELS = {
    0.0: "sil m",
    0.1: "p b f v",
    0.15: "s z",
    0.2: "sh zh ch jh w t d",
    0.25: "n th dh",
    0.3: "r y k g ng uw",
    0.35: "l iy",
    0.4: "er uh",
    0.45: "ih",
    0.5: "ey",
    0.6: "ow",
    0.65: "eh ah oy",
    0.8: "ao",
    0.9: "ay",
    0.95: "ae aw",
    1.0: "aa",
}
_OPEN = {label: level for level, labels in _LEVELS.items() for label in labels.split()}


@dataclass(frozen=True, eq=False)
class Told:
    """What a system made of one clip."""

    speaker: str
    phones: Sequence[Phone]
    """They tile the clip."""
    frames: Frames
    """On the native rig, at any rate; frame 0 belongs to the first sample."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Measures by name, the 95 % interval of each, and the draws that it comes from."""

    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    draws: Mapping[str, Sequence[float]]

    def half_width(self, name: str) -> float:
        """Half of the interval; NaN where a measure has none."""
        low, high = self.intervals.get(name, (float("nan"),) * 2)
        return (high - low) / 2


def score(told: Sequence[Told], latency: float = 0.0, draws: int = DRAWS) -> Scores:
    """Scores of one system whose frames can be shown ``latency`` seconds after their moment."""
    shown = [_on_grid(t, latency) for t in told]
    lags = np.stack([_lags(t.phones, readings(v)["gap"]) for t, v in zip(told, shown, strict=True)])
    lag = _peak(lags.mean(0))[0]
    synced = _Sheet(told, [_on_grid(t, latency - lag) for t in told])
    live = _Sheet(told, shown)

    def row(chosen: Sequence[int]) -> dict[str, float]:
        mean = lags[chosen].mean(0)
        at, correlation = _peak(mean)
        found = synced.pool(chosen) | {"lag_ms": 1000 * at, "lag_corr": correlation}
        undelayed = live.pool(chosen, synced.shut) | {"lag_corr": float(mean[_ZERO])}
        return {
            **found,
            "sync_ms": found["lag_ms"] - 1000 * latency,
            "score": composite(found),
            "score_live": composite(undelayed),
            **{f"{name}_live": undelayed[name] for name in ("pbm_f1", "probe", "lag_corr")},
        }

    values = row(range(len(told)))
    rng = np.random.default_rng(SEED)
    drawn = [row(rng.integers(0, len(told), len(told)).tolist()) for _ in range(draws)]
    by_name = {name: [d[name] for d in drawn] for name in values} if drawn else {}
    constants = {"shut_at": synced.shut, "range_mm": synced.span.gap, "latency_ms": 1000 * latency}
    return Scores(values | constants, {name: _interval(v) for name, v in by_name.items()}, by_name)


def composite(found: Mapping[str, float]) -> float:
    """One number, 0 at chance and 100 for all that was asked; what clips cannot show is left out of it."""
    twice: Callable[[float], float] = lambda chance: 2 * (chance - 0.5)  # noqa: E731
    parts = [found["pbm_f1"], twice(found["fv_auc"]), twice(found["round_auc"]), found["open_rho"]]
    parts += [found["rest"], found["lag_corr"], (found["probe"] - probe.CHANCE) / (1 - probe.CHANCE)]
    known = [max(p, 0.0) for p in parts if not np.isnan(p)]
    restless = min(15.0, 1.5 * max(0.0, found["turns_per_s"] - 7.5))
    return 100 * float(np.mean(known)) - restless if known else float("nan")


class _Sheet:
    """The clips of one system, measured once and pooled in any choice."""

    def __init__(self, told: Sequence[Told], values: Sequence[Array]) -> None:
        read = [(t.phones, readings(v)) for t, v in zip(told, values, strict=True)]
        self.span = measures.span_of(read)
        self._parts = [measures.part(phones, reading, self.span) for phones, reading in read]
        self._read = probe.confusions([t.speaker for t in told], [t.phones for t in told], values)
        self.shut = measures.best_threshold(self._parts, self.span)

    def pool(self, chosen: Sequence[int], shut: float | None = None) -> dict[str, float]:
        parts = [self._parts[i] for i in chosen]
        found = measures.pool(parts, self.span, self.shut if shut is None else shut)
        return found | {"probe": probe.accuracy([self._read[i] for i in chosen])}


def _on_grid(told: Told, late: float) -> Array:
    """Native curves (t, c) at 100 fps over the labelled time, shown ``late`` seconds after their moment."""
    frames = told.frames
    at = np.arange(max(1, int(np.ceil(told.phones[-1].end * FPS - 1e-6)))) / FPS - late
    index = np.clip(at * float(frames.fps) - frames.start, 0, len(frames) - 1)
    low = np.floor(index).astype(int)
    share = (index - low).astype(np.float32)[:, None]
    values = frames.values
    return np.asarray(values[low] * (1 - share) + values[np.minimum(low + 1, len(values) - 1)] * share)


def _lags(phones: Sequence[Phone], gap: Array) -> Doubles:
    """Correlation of the lip gap, moved earlier by each lag, with the opening that the labels expect."""
    from scipy.ndimage import gaussian_filter1d

    wanted, level = np.zeros(len(gap)), 0.0
    for p in phones:
        level = _OPEN.get(p.label, level)
        wanted[int(p.start * FPS) : int(np.ceil(p.end * FPS))] = level
    wanted = gaussian_filter1d(wanted, 0.03 * FPS)
    out = []
    for lag in _LAGS.tolist():
        late = gap[max(lag, 0) : len(gap) + min(lag, 0)]
        due = wanted[max(-lag, 0) : len(gap) - max(lag, 0)]
        moves = len(gap) > abs(lag) + 2 and late.std() > 1e-6 and due.std() > 1e-6
        out.append(float(np.corrcoef(late, due)[0, 1]) if moves else 0.0)
    return np.array(out)


def _peak(correlations: Doubles) -> tuple[float, float]:
    """The lag in seconds at which a curve over lags is highest, and how high it is. No peak is no lag."""
    best = int(np.argmax(correlations))
    if np.ptp(correlations) == 0:
        best = _ZERO
    lag = float(_LAGS[best])
    if 0 < best < len(_LAGS) - 1:  # the top of a parabola through three points
        before, top, after = correlations[best - 1 : best + 2]
        bend = before - 2 * top + after
        lag += float((before - after) / (2 * bend)) if bend < 0 else 0.0
    return lag / FPS, float(correlations[best])


def _interval(drawn: Sequence[float]) -> tuple[float, float]:
    known = [d for d in drawn if not np.isnan(d)]
    low, high = np.percentile(known, (2.5, 97.5)) if known else (float("nan"),) * 2
    return float(low), float(high)
