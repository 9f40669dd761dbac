"""How well curves follow speech whose phone times are known, beside controls that must do worse.

    python -m voxrig_train.evaluate data/people --pack service/voxrig/packs/speech --out runs/quality.json

Systems: the pack; ``teacher``, the targets themselves (the ceiling); ``amplitude``, loudness opens
the jaw (what a naive avatar does); ``shuffled``, the pack's motion for another clip.

pbm_f1     lips shut in p b m (gap at most 8 % of the range within 20 ms) against shut elsewhere
fv_auc     lower lip nearer the upper teeth in f v than in other consonants; chance .5
round_auc  lips rounder in rounded sounds than in spread ones; chance .5
open_rho   lip gap against vowel height in three classes, Spearman
rest       share of silent frames with the mouth at rest (gap at most 15 % of the range)
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from voxrig.rigs import NATIVE
from voxrig.types import Array, AudioChunk
from voxrig_train import articulators, teacher, world
from voxrig_train.align import RATE
from voxrig_train.lips import readings
from voxrig_train.phones import BILABIAL, CONSONANTS, LABIODENTAL, ROUND, SILENCE, SPREAD, VOWELS, Phone

FPS = teacher.RATE
_SHUT, _REST, _NEAR, _GUARD = 0.08, 0.15, 0.02, 0.05
_HEIGHT = dict.fromkeys(("iy", "ih", "uw", "uh"), 1) | dict.fromkeys(("eh", "ey", "er", "ah", "ow"), 2)
_HEIGHT |= dict.fromkeys(("aa", "ae", "ao", "ay", "aw"), 3)

Clip = tuple[Sequence[Phone], Array]  # phones that tile the clip, native curves (t, 71) at 100 fps


def measure(clips: Sequence[Clip]) -> dict[str, float]:
    """The measures over all clips together."""
    read = [(phones, readings(values)) for phones, values in clips]
    vowels = [r["gap"][_span(r["gap"], p.start, p.end)] for ph, r in read for p in ph if p.label in VOWELS]
    size = max(float(np.percentile(np.concatenate(vowels), 95)), 0.5)  # mm; less is no movement
    hits: list[bool] = []
    wrong: list[bool] = []
    near: list[float] = []
    other: list[float] = []
    rounded: list[float] = []
    spread: list[float] = []
    heights: list[float] = []
    gaps: list[float] = []
    rest: list[bool] = []
    for phones, r in read:
        for p in phones:
            middle = _span(r["gap"], p.start + (p.end - p.start) / 4, p.end - (p.end - p.start) / 4)
            if p.label in BILABIAL:
                shut = r["gap"][_span(r["gap"], p.start - _NEAR, p.end + _NEAR)].min() <= _SHUT * size
                hits.append(shut and _opens_near(p, phones, r["gap"]) >= 2 * _SHUT * size)
            elif p.label != SILENCE and p.label not in (*LABIODENTAL, "w", "hh") and _apart(p, phones):
                wrong.append(r["gap"][_span(r["gap"], p.start, p.end)].min() <= _SHUT * size)
            if p.label in CONSONANTS and p.label not in (*BILABIAL, "w", "r", "y", "hh"):
                (near if p.label in LABIODENTAL else other).append(-r["drop"][middle].min())
            if p.label in ROUND or p.label in SPREAD:
                (rounded if p.label in ROUND else spread).append(r["rounding"][middle].mean())
            if p.label in _HEIGHT and p.end - p.start >= 0.04:
                heights.append(_HEIGHT[p.label])
                gaps.append(r["gap"][middle].mean())
            if p.label == SILENCE:
                first, last = p is phones[0], p is phones[-1]
                quiet = _span(r["gap"], p.start + (0 if first else 0.08), p.end - (0 if last else 0.05))
                rest.extend(r["gap"][quiet] <= _REST * size)
    found, false = int(np.sum(hits)), int(np.sum(wrong))
    return {
        "pbm_f1": 2 * found / max(found + false + len(hits), 1),
        "pbm_recall": found / max(len(hits), 1),
        "fv_auc": auc(near, other),
        "round_auc": auc(rounded, spread),
        "open_rho": _spearman(heights, gaps),
        "rest": float(np.mean(rest)) if rest else float("nan"),
        "range_mm": size,
    }


def amplitude(samples: Array, rate: int) -> Array:
    """A jaw that opens with loudness, (t, 71): dB from -48 to -18, attack 30 ms, release 80 ms."""
    size = rate // FPS
    pieces = samples[: len(samples) // size * size].reshape(-1, size)
    loud = np.clip((10 * np.log10((pieces**2).mean(1) + 1e-12) + 48) / 30, 0, 1)
    values, jaw = np.zeros((len(loud), len(NATIVE)), np.float32), 0.0
    for i, level in enumerate(loud):
        jaw += (level - jaw) * (1 - np.exp(-1 / FPS / (0.03 if level > jaw else 0.08)))
        values[i, NATIVE.index("jawOpen")] = 0.6 * jaw
    return values


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Probability that a positive exceeds a negative; ties count half."""
    if not len(positive) or not len(negative):
        return float("nan")
    ordered = np.sort(np.asarray(negative))
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.mean() / 2 / len(ordered))


def _spearman(a: Sequence[float], b: Sequence[float]) -> float:
    from scipy.stats import rankdata

    ranks = np.corrcoef(rankdata(a), rankdata(b)) if len(a) > 1 and np.ptp(b) > 0 else np.zeros((2, 2))
    return float(ranks[0, 1])


def _span(x: Array, start: float, end: float) -> slice:
    first = int(np.clip(round(start * FPS), 0, len(x) - 1))
    return slice(first, max(first + 1, min(round(end * FPS), len(x))))


def _opens_near(p: Phone, phones: Sequence[Phone], gap: Array) -> float:
    """The widest gap in the vowels around: a closure shows only against an open mouth."""
    near = [q for q in phones if q.label in VOWELS and q.end > p.start - 0.35 and q.start < p.end + 0.35]
    return max((float(gap[_span(gap, q.start, q.end)].max()) for q in near), default=np.inf)


def _apart(p: Phone, phones: Sequence[Phone]) -> bool:
    lips = (*BILABIAL, *LABIODENTAL, "w", SILENCE)
    return not any(q.label in lips and q.end > p.start - _GUARD and q.start < p.end + _GUARD for q in phones)


def _aim(phones: Sequence[Phone], frames: int) -> Array:
    return articulators.curves(teacher.targets(phones, frames))


def systems(root: Path, pack: str | None) -> dict[str, list[Clip]]:
    """Curves of every system for every clip of a world."""
    from voxrig.performance import animate

    clips = world.read(root)
    sounds = [world.samples_of(root, clip) for clip in clips]
    told = [
        animate(AudioChunk(s, RATE), "native", Fraction(FPS), live=True, pack=pack).values for s in sounds
    ]
    phones = [clip.phones for clip in clips]
    others = [np.resize(told[i - 1], (len(t), t.shape[1])) for i, t in enumerate(told)]
    return {
        "pack": list(zip(phones, told, strict=True)),
        "teacher": [(p, _aim(p, len(t))) for p, t in zip(phones, told, strict=True)],
        "amplitude": [(p, amplitude(s, RATE)) for p, s in zip(phones, sounds, strict=True)],
        "shuffled": list(zip(phones, others, strict=True)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.evaluate", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("world", type=Path)
    parser.add_argument("--pack")
    parser.add_argument("--on", default="", help="what the clips are, for the card")
    parser.add_argument("--out", type=Path, help="the pack's measures as JSON, for voxrig_train.export")
    args = parser.parse_args()
    results = {name: measure(clips) for name, clips in systems(args.world, args.pack).items()}
    print(f"{'':<10}" + "".join(f"{k:>12}" for k in results["pack"]))
    for name, row in results.items():
        print(f"{name:<10}" + "".join(f"{v:12.3f}" for v in row.values()))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        told: dict[str, object] = {"on": args.on} | {k: round(v, 3) for k, v in results["pack"].items()}
        args.out.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
