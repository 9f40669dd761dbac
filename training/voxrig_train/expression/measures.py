"""What is measured of an expression network: faces at full intensity, levels, and what is left of speech.

Speech curves come from the pack ``live``, the teacher's from the phones. Lips are those of our own head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from voxrig.chance import Chance
from voxrig.rigs.head import load as load_head
from voxrig.speech.phones import BILABIAL, LABIODENTAL, PHONES, ROUND
from voxrig.types import Array
from voxrig_train.expression import teacher
from voxrig_train.expression.network import EMOTIONS, INPUTS, STYLES, Expression
from voxrig_train.expression.regions import READ, REGIONS, UPPER
from voxrig_train.expression.world import Item
from voxrig_train.lips import readings
from voxrig_train.network import FPS

Doubles = NDArray[np.float64]
CLASSIC = ("anger", "disgust", "fear", "joy", "sadness")
LEVELS = tuple(step / 10 for step in range(11))

_SHUT = 0.5  # mm
_LIPS = ("mouthPucker", 0.35)  # lips are what this shape moves by this share of its most
_MARKS = (
    *("upper_lip_inner", "lower_lip_inner", "upper_lip_outer", "lower_lip_outer"),
    *("mouth_corner_left", "mouth_corner_right"),
)
_SPOKEN = [PHONES.index(p) for p in sorted(BILABIAL | LABIODENTAL | ROUND)]


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip held out, with what moves its teacher."""

    item: Item
    audio: Array  # (160 t,)
    live: Array  # (t, 110)
    words: Array  # (t, 110)
    voice: teacher.Voice


def style_of(frames: int, emotion: str, intensity: float = 1.0, seed: int = 0) -> Array:
    """A style (t, 24) that stays, and what chance does."""
    style = np.zeros((frames, len(INPUTS)), np.float32)
    style[:, len(STYLES) :] = Chance(seed, Fraction(FPS)).take(0, frames)
    style[:, STYLES.index(emotion)] = intensity
    return style


def clips_of(items: Sequence[Item], count: int) -> list[Clip]:
    """Some of those held out."""
    held = [i for i in items if i.row.held_out]
    out = []
    for item in held[:: max(1, len(held) // count)][:count]:
        audio = item.audio
        live, words = (item.curves[k].astype(np.float32) for k in (0, 2))
        out.append(Clip(item, audio, live, words, teacher.voice_of(audio, item.row.id)))
    return out


def told(network: Expression, audio: Array, curves: Array, style: Array) -> Array:
    """Curves (t, 110) of the network."""
    given = [torch.from_numpy(x)[None] for x in (audio, curves, style)]
    with torch.no_grad():
        return np.asarray(network(*given, network.start(1))[0][0].numpy())


def taught(clip: Clip, speech: Array, style: Array) -> Array:
    """Curves (t, 110) of the teacher over some speech."""
    return teacher.joined(speech, teacher.express(clip.voice, style, speech), style)


@cache
def _lips() -> tuple[Array, Array]:
    """Millimetres that each of the 52 shapes moves lip vertices (52, v, 3), and landmarks (52, 6, 3)."""
    head = load_head()
    skin = head.group == head.group_names.index("skin")
    far = np.linalg.norm(head.delta(_LIPS[0]), axis=1) * skin
    near = np.flatnonzero(far > _LIPS[1] * far.max())
    marks = [head.landmarks[name] for name in _MARKS]
    return head.deltas[:, near] * 1000, head.deltas[:, marks] * 1000


def lip_error(curves: Array, goal: Array) -> float:
    """LVE, mm²."""
    shapes = _lips()[0]
    off = ((curves - goal)[:, :52] @ shapes.reshape(52, -1)).reshape(len(curves), -1, 3)
    return float((off**2).sum(-1).max(1).mean())


def mark_distance(curves: Array, goal: Array, frames: NDArray[np.bool_]) -> float:
    """Mean distance of lip landmarks over chosen frames, mm; NaN for none."""
    shapes = _lips()[1]
    off = ((curves - goal)[frames, :52] @ shapes.reshape(52, -1)).reshape(-1, len(_MARKS), 3)
    return float(np.linalg.norm(off, axis=2).mean()) if len(off) else float("nan")


def matrix(moved: Sequence[Array]) -> tuple[Doubles, Doubles]:
    """Correlation (11, 11) and deviation (11,) of regions over clips (t, 110), each about its own mean."""
    read = np.concatenate([(c @ READ) - (c @ READ).mean(0) for c in moved]).astype(np.float64)
    size = read.std(0)
    read = read / np.maximum(size, 1e-4)
    return read.T @ read / len(read), size


def measure_faces(network: Expression, clips: Sequence[Clip]) -> dict[str, Any]:
    """Correlations, deviations and lips at full intensity, by emotion."""
    ours, wanted, sizes, lips, shuffled, other_sound = {}, {}, [], [], [], []
    for emotion in EMOTIONS:
        shown, goals, whole = [], [], []
        for k, clip in enumerate(clips):
            style = style_of(len(clip.live), emotion, seed=k)
            shown.append(told(network, clip.audio, clip.live, style))
            goals.append(taught(clip, clip.live, style))
            whole.append(taught(clip, clip.words, style))
            lips.append(lip_error(shown[-1], whole[-1]))
            # Another clip says something else; only as long as both.
            other = clips[(k + len(clips) // 2) % len(clips)]
            t = min(len(other.live), len(clip.live)) // 2 * 2
            astray = told(network, other.audio[: 160 * t], other.live[:t], style[:t])
            shuffled.append((lip_error(astray, whole[-1][:t]), lip_error(shown[-1][:t], whole[-1][:t])))
            sound = told(network, other.audio[: 160 * t], clip.live[:t], style[:t])
            other_sound.append((lip_error(sound, goals[-1][:t]), lip_error(shown[-1][:t], goals[-1][:t])))
        (ours[emotion], a), (wanted[emotion], b) = matrix(shown), matrix(goals)
        sizes.append(a[:UPPER] / np.maximum(b[:UPPER], 1e-4))
    errors = {e: float(np.linalg.norm(ours[e] - wanted[e]) / np.linalg.norm(wanted[e])) for e in EMOTIONS}

    def named(among: Sequence[str]) -> int:
        return sum(min(among, key=lambda k: float(np.linalg.norm(ours[e] - wanted[k]))) == e for e in among)

    return {
        "c_error": errors,
        "c_error_mean": float(np.mean(list(errors.values()))),
        "identified_of_5": named(CLASSIC),
        "identified_of_10": named(EMOTIONS),
        "lve": float(np.mean(lips)),
        "lve_shuffled_ratio": float(np.sum(shuffled, 0)[0] / np.sum(shuffled, 0)[1]),
        "lve_own_speech": float(np.mean(other_sound, 0)[1]),
        "lve_other_sound_ratio": float(np.sum(other_sound, 0)[0] / np.sum(other_sound, 0)[1]),
        "upper_std": {e: float(s.mean()) for e, s in zip(EMOTIONS, sizes, strict=True)},
        "upper_std_by_region": {r: float(v) for r, v in zip(REGIONS, np.mean(sizes, 0), strict=False)},
    }


def measure_levels(network: Expression, clips: Sequence[Clip]) -> dict[str, Any]:
    """Intensities asked for against those that show."""
    from scipy.stats import spearmanr

    rho, chance, rising, misses = {}, {}, {}, []
    rng = np.random.default_rng(0)
    for emotion in EMOTIONS:
        full = [(taught(c, c.live, style_of(len(c.live), emotion)) - c.live).mean(0) for c in clips]
        way = np.mean(full, 0)
        way = way / (way @ way)
        rows = []
        for clip in clips:
            row = []
            for level in LEVELS:
                style = style_of(len(clip.live), emotion, level)
                row.append(float((told(network, clip.audio, clip.live, style) - clip.live).mean(0) @ way))
                goal = float((taught(clip, clip.live, style) - clip.live).mean(0) @ way)
                misses.append(abs(row[-1] - goal))
            rows.append(row)
        asked = np.tile(LEVELS, len(rows))
        rho[emotion] = float(spearmanr(asked, np.ravel(rows)).statistic)
        chance[emotion] = float(spearmanr(rng.permutation(asked), np.ravel(rows)).statistic)
        rising[emotion] = float(np.mean([(np.diff(row) > 0).all() for row in rows]))
    return {
        "level_rho": rho,
        "level_rho_shuffled": chance,
        "monotone": rising,
        "level_miss": float(np.mean(misses)),
    }


def measure_speech(network: Expression, clips: Sequence[Clip]) -> dict[str, Any]:
    """What is left of speech at full intensity: closures, and lips where they carry it."""
    kept, all_shut = dict.fromkeys(EMOTIONS, 0), 0
    plain, feeling = [], {e: [] for e in EMOTIONS}  # type: ignore[var-annotated]
    labial = [PHONES.index(p) for p in sorted(BILABIAL)]
    for clip in clips:
        said = np.isin(clip.item.labels, _SPOKEN)
        plain.append(mark_distance(clip.live, clip.words, said))
        shut = _runs(np.isin(clip.item.labels, labial))
        rest = readings(clip.words)["gap"]
        shut = [run for run in shut if rest[run].min() <= _SHUT]
        all_shut += len(shut)
        for emotion in EMOTIONS:
            style = style_of(len(clip.live), emotion)
            gap = readings(told(network, clip.audio, clip.words, style))["gap"]
            kept[emotion] += sum(gap[run].min() <= rest[run].min() + _SHUT for run in shut)
            shown = told(network, clip.audio, clip.live, style)
            feeling[emotion].append(mark_distance(shown, taught(clip, clip.words, style), said))
    before = float(np.nanmean(plain))
    return {
        "closures": {e: k / max(all_shut, 1) for e, k in kept.items()},
        "closures_counted": all_shut,
        "lmd_neutral": before,
        "lmd_change": {e: float(np.nanmean(v)) / before - 1 for e, v in feeling.items()},
    }


def _runs(mask: NDArray[np.bool_]) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return [slice(a, b) for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)]
