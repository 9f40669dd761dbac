"""How much a mouth moves when nobody says a word: music, noise, humming, laughter, in one table by kind.

    python -m voxrig_train.nonverbal sounds --mode live --json moved.json

``sounds`` holds a folder for each kind (``music``, ``laugh``, ``speech`` to compare with), and each of them
recordings, which are played at one loudness, at most ten seconds of each. The columns, means over sounds:

jaw        root mean square of jawOpen, in percent
lips       that of funnel, pucker and smile together
gap mm     the widest gap between the lips but for a twentieth of the frames
turns/s    changes of direction of the gap by at least half a millimetre
touches/s  how often lips or lip and teeth come together, as in p or f
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from voxrig.audio import read
from voxrig.errors import AudioError, OutputError, VoxrigError, one_line
from voxrig.performance import Pace, animate
from voxrig.rigs import NATIVE
from voxrig.speech.articulators import CURVES, A
from voxrig.types import Array, AudioChunk
from voxrig_train.lips import readings

FPS = 100
MODES: tuple[Pace, ...] = ("live", "fast", "file")
_LOUD, _ACTIVE = -23.0, 30.0  # dBFS of what is within so many dB of a sound's loud moments
_LONGEST, _AROUND = 10.0, 0.3  # s: of a sound, and of silence before and after it
_TURN = 0.5  # mm
_SHAPES = ("mouthFunnel", "mouthPucker", "mouthSmileLeft")


@dataclass(frozen=True)
class Motion:
    """What a mouth did in one sound, or in several on average; see above."""

    jaw: float
    lips: float
    gap: float
    turns: float
    touches: float


def motion(values: Array) -> Motion:
    """Of native curves (t, 110) at 100 frames a second."""
    gap = readings(values)["gap"]
    shapes = values[:, [NATIVE.index(name) for name in _SHAPES]]
    seconds = len(values) / FPS
    return Motion(
        100 * float(np.sqrt(np.mean(values[:, NATIVE.index("jawOpen")] ** 2))),
        100 * float(np.sqrt(np.mean(np.sum(shapes**2, 1)))),
        float(np.percentile(gap, 95)),
        _turns(gap) / seconds,
        sum(_onsets(_contact(values, name)) for name in ("closure", "labiodental")) / seconds,
    )


def at_one_loudness(sound: AudioChunk) -> AudioChunk:
    """At most ten seconds of a sound, its active parts at -23 dBFS, between two short silences."""
    samples = sound.samples[: int(_LONGEST * sound.rate)]
    size = max(1, min(sound.rate // 50, len(samples)))
    power = np.mean(samples[: len(samples) // size * size].reshape(-1, size).astype(float) ** 2, 1)
    if not power.any():
        return AudioChunk(samples, sound.rate)
    loud = power[power >= np.percentile(power, 95) * 10 ** (-_ACTIVE / 10)].mean()
    silence = np.zeros(int(_AROUND * sound.rate), np.float32)
    louder = np.clip(samples * 10 ** (_LOUD / 20) / np.sqrt(loud), -1, 1).astype(np.float32)
    return AudioChunk(np.concatenate([silence, louder, silence]), sound.rate)


def measure(
    sounds: Mapping[str, Sequence[AudioChunk]],
    modes: Sequence[Pace] = MODES,
    pack: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[Pace, dict[str, Motion]]:
    """Mean motion by mode and kind of sound; ``tell`` hears what is under way."""
    found: dict[Pace, dict[str, Motion]] = {}
    for mode in modes:
        found[mode] = {}
        for kind, some in sounds.items():
            tell(f"{mode}: {kind}")
            moved = [
                motion(animate(at_one_loudness(s), "native", FPS, pace=mode, pack=pack).values) for s in some
            ]
            rows = np.array([list(asdict(m).values()) for m in moved])
            found[mode][kind] = Motion(*rows.mean(0).tolist())
    return found


def gather(folder: Path) -> dict[str, list[AudioChunk]]:
    """Recordings by kind, of a folder with a folder for each. Raises AudioError where there are none."""
    files = sorted(p for p in folder.glob("*/*") if p.is_file() and not p.name.startswith("."))
    if not files:
        raise AudioError(f"no sounds in '{one_line(str(folder))}': it needs a folder for each kind")
    found: dict[str, list[AudioChunk]] = {}
    for path in files:
        sound = read(path)
        if len(sound.samples):
            found.setdefault(path.parent.name, []).append(sound)
    return found


def show(found: Mapping[Pace, Mapping[str, Motion]], counts: Mapping[str, int]) -> None:
    """Prints one row a mode and kind."""
    print(f"{'':6}{'':14}{'sounds':>7}{'jaw':>7}{'lips':>7}{'gap mm':>8}{'turns/s':>9}{'touches/s':>11}")
    for mode, kinds in found.items():
        for kind, m in kinds.items():
            print(
                f"{mode:6}{kind:14}{counts[kind]:7}{m.jaw:7.1f}{m.lips:7.1f}{m.gap:8.1f}{m.turns:9.1f}{m.touches:11.2f}"
            )


def _contact(values: Array, name: str) -> Array:
    """How far an articulator that alone moves some curve is on, 0..1, read off that curve."""
    row = CURVES[A[name]]
    others = CURVES[[i for i in range(len(CURVES)) if i != A[name]]]
    own = int(np.argmax(row * (others == 0).all(0)))
    return np.asarray(values[:, own] / row[own])


def _onsets(contact: Array) -> int:
    return int(np.sum((contact[1:] > 0.5) & (contact[:-1] <= 0.5)))


def _turns(x: Array) -> int:
    """How often x turns back by more than half a millimetre."""
    turns, farthest, way = 0, float(x[0]), 0
    for _, value in pairwise(x.tolist()):
        if way * (value - farthest) > 0:
            farthest = value
        elif abs(value - farthest) > _TURN:
            turns, way, farthest = turns + 1, 1 if value > farthest else -1, value
    return turns


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m voxrig_train.nonverbal",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sounds", type=Path)
    parser.add_argument(
        "--mode", choices=MODES, action="append", help="may come again; all of them otherwise"
    )
    parser.add_argument("--pack", help="a pack other than the one that ships for the mode")
    parser.add_argument("--json", type=Path, help="where the figures go, too")
    args = parser.parse_args()
    try:
        sounds = gather(args.sounds)
        found = measure(sounds, args.mode or MODES, args.pack)
        show(found, {kind: len(some) for kind, some in sounds.items()})
        if args.json:
            figures = {mode: {k: asdict(m) for k, m in kinds.items()} for mode, kinds in found.items()}
            try:
                args.json.write_text(json.dumps(figures) + "\n")
            except OSError as error:
                raise OutputError(f"cannot write '{one_line(str(args.json))}': {error.strerror}") from error
    except VoxrigError as error:
        print(f"voxrig: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
