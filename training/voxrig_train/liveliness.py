"""How much a face lives beside speech, against what has been counted of people.

    python -m voxrig_train.liveliness data/speech --minutes 20

Recordings become frames by the live pack, one after the other with 0.7 s between them, and as many minutes
of silence; ``voxrig.idle`` adds its part with ten seeds. Ranges are those of the papers named beside them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import voxrig
from voxrig.idle import Idle, Life
from voxrig.rigs import NATIVE
from voxrig.rigs.native import EYE_PITCH, EYE_YAW
from voxrig.types import Array, Frames

FPS = Fraction(60)
SEEDS = 10
_PAUSE = 0.7  # s
_NEAR = 5.0  # degrees from the camera that still are the partner's face
_SOUNDS = (".wav", ".flac", ".ogg", ".mp3")
_LIPS = [i for i, name in enumerate(NATIVE.curves) if name.startswith(("jaw", "mouth", "tongue", "phone_"))]

# (what, low, high, source)
CITED: dict[str, tuple[float, float, str]] = {
    "blinks a minute, silence": (11.3, 22.7, "Bentivoglio 1997: mean 17 at rest; a third each way"),
    "blinks a minute, speech": (17.3, 34.7, "Bentivoglio 1997: mean 26 in conversation; a third each way"),
    "seconds of a blink": (0.2, 0.45, "VanderWerf 2003; Trutoiu 2011"),
    "at the partner, silence": (0.75, 1.0, "Argyle and Cook 1976: 0.75 listening"),
    "at the partner, speech": (0.4, 0.8, "Argyle and Cook 1976: 0.4 speaking; Lee 2002: 0.7 and more"),
    "head rms in speech over silence": (1.3, 5.0, "Hadar 1983: heads move nearly always in speech"),
    "degrees of head yaw, rms in speech": (1.0, 6.0, "Hadar 1983"),
    "spread of ten seeds, head": (0.5, 2.0, "against one seed's own motion over time"),
    "spread of ten seeds, brows": (0.5, 2.0, "against one seed's own motion over time"),
    "lips, farthest from speech alone": (0.0, 0.1, "part of their own motion"),
}


def speech(paths: Sequence[Path], minutes: float) -> Frames:
    """Recordings as frames (t, 110), again from the first where there are too few."""
    files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    files = [file for file in files if file.suffix.lower() in _SOUNDS]
    if not files:
        raise SystemExit(f"no recordings in {', '.join(map(str, paths))}; have {', '.join(_SOUNDS)}")
    wanted, parts, count = round(minutes * 60 * FPS), list[Array](), 0
    while count < wanted:
        for file in files:
            said = voxrig.animate(str(file), "native", FPS, pace="live").values
            parts += [said, np.zeros((round(_PAUSE * FPS), len(NATIVE)), np.float32)]
            count += len(parts[-1]) + len(said)
            if count >= wanted:
                break
    return Frames(NATIVE, np.concatenate(parts)[:wanted], FPS)


def blinks(frames: Frames) -> tuple[float, float]:
    """Blinks a minute, and the median of their seconds from the first motion of the lid to the last."""
    shut = np.r_[False, frames.curve("eyeBlinkLeft") > 0.05, False]
    begin, end = np.flatnonzero(shut[1:] & ~shut[:-1]), np.flatnonzero(~shut[1:] & shut[:-1])
    return len(begin) / float(len(frames) / FPS / 60), float(np.median((end - begin) / float(FPS)))


def head(frames: Frames) -> Array:
    """Degrees of yaw, pitch and roll, (t, 3)."""
    angles = np.stack([frames.curve(f"head{name}") for name in ("Yaw", "Pitch", "Roll")], 1)
    return np.asarray(np.degrees(angles), np.float32)


def attention(frames: Frames) -> float:
    """Part of the time that the eyes are at the partner, who is where the camera is."""
    yaw = EYE_YAW * (frames.curve("eyeLookInLeft") - frames.curve("eyeLookOutLeft"))
    pitch = EYE_PITCH * (frames.curve("eyeLookDownLeft") - frames.curve("eyeLookUpLeft"))
    look = np.degrees(np.stack([yaw, pitch], 1)) + head(frames)[:, :2]
    return float((np.hypot(*look.T) < _NEAR).mean())


def spread(takes: Sequence[Array]) -> float:
    """How far seeds are apart at a moment, over how far one moves in time: both rms over curves."""
    stacked = np.stack(takes)
    return float(np.sqrt(stacked.var(0).mean() / stacked.var(1).mean()))


def measure(spoken: Frames) -> dict[str, float]:
    """The numbers of ``CITED``."""
    silent = Frames(NATIVE, np.zeros_like(spoken.values), FPS)
    lives = [Idle(Life(), FPS, seed)(spoken) for seed in range(SEEDS)]
    rest = Idle(Life(), FPS)(silent)
    brows = [i for i, name in enumerate(NATIVE.curves) if name.startswith("brow")]
    lips = np.stack([life.values[:, _LIPS] for life in lives]) - spoken.values[:, _LIPS]
    rms = [float(np.sqrt(np.square(head(frames)).mean())) for frames in (lives[0], rest)]
    return {
        "blinks a minute, silence": blinks(rest)[0],
        "blinks a minute, speech": blinks(lives[0])[0],
        "seconds of a blink": blinks(lives[0])[1],
        "at the partner, silence": attention(rest),
        "at the partner, speech": attention(lives[0]),
        "head rms in speech over silence": rms[0] / rms[1],
        "degrees of head yaw, rms in speech": float(np.sqrt(np.square(head(lives[0])[:, 0]).mean())),
        "spread of ten seeds, head": spread([head(life) for life in lives]),
        "spread of ten seeds, brows": spread([life.values[:, brows] for life in lives]),
        "lips, farthest from speech alone": float(np.abs(lips).max() / spoken.values[:, _LIPS].std()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.liveliness", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("recordings", type=Path, nargs="+", help="files, or folders of them")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    told = measure(speech(args.recordings, args.minutes))
    if args.json:
        print(json.dumps(told, indent=2))
        return
    table = Table("measure", "here", "people", "after")
    for name, value in told.items():
        low, high, source = CITED[name]
        mark = "" if low <= value <= high else " (outside)"
        table.add_row(name, f"{value:.2f}{mark}", f"{low:g} to {high:g}", source)
    Console().print(table)


if __name__ == "__main__":
    main()
