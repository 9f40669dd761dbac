"""``voxrig plot``: curves over the waveform, as a picture."""

from __future__ import annotations

import argparse
import os
from fractions import Fraction
from pathlib import Path

import numpy as np

from voxrig.audio import read
from voxrig.errors import FormatError, OutputError, RigError, VoxrigError, unknown
from voxrig.performance import animate
from voxrig.types import AudioChunk, Frames

_CURVES = (
    *("jawOpen", "mouthClose", "mouthPressLeft", "mouthRollLower"),
    *("mouthFunnel", "mouthPucker", "mouthStretchLeft", "tongueTipUp"),
)
_FPS = Fraction(100)
_COLUMNS = 4000  # of the waveform


def run(args: argparse.Namespace) -> int:
    suffix = Path(args.out).suffix.lower()
    if suffix not in (".png", ".svg", ".pdf"):
        raise FormatError(unknown("picture format", suffix or args.out, (".png", ".svg", ".pdf")))
    sound = read(args.audio)
    frames = animate(sound, args.rig, _FPS, pack=args.pack)
    curves = list(_CURVES) if args.rig == "native" else _liveliest(frames)
    if args.curves:
        curves = args.curves.split(",")
    for name in curves:
        if name not in frames.rig.curves:
            raise RigError(unknown(f"{args.rig} curve", name, frames.rig.curves))
    _draw(sound, frames, curves, args.out)
    print(f"{args.out}: {len(curves)} curves of {args.rig} over {len(sound.samples) / sound.rate:.1f} s")
    return 0


def _liveliest(frames: Frames, most: int = 8) -> list[str]:
    order = np.argsort(-np.ptp(frames.values, axis=0), kind="stable")[:most]
    return [frames.rig.curves[i] for i in sorted(order)]


def _draw(sound: AudioChunk, frames: Frames, curves: list[str], out: str) -> None:
    try:
        import matplotlib
    except ImportError:
        raise VoxrigError("pictures need matplotlib; pip install 'voxrig[plot]'") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        len(curves) + 1, 1, sharex=True, figsize=(12, 1.2 + 0.75 * len(curves)), gridspec_kw={"hspace": 0.12}
    )
    step = max(1, len(sound.samples) // _COLUMNS)
    pieces = sound.samples[: len(sound.samples) // step * step].reshape(-1, step)
    seconds = (np.arange(len(pieces)) + 0.5) * step / sound.rate
    axes[0].fill_between(seconds, pieces.min(1), pieces.max(1), color="#8a8f98", linewidth=0)
    colours = pyplot.get_cmap("tab10")
    for i, (axis, name) in enumerate(zip(axes[1:], curves, strict=True)):
        axis.fill_between(frames.times, frames.curve(name), color=colours(i % 10), alpha=0.25, linewidth=0)
        axis.plot(frames.times, frames.curve(name), color=colours(i % 10), linewidth=1.2)
        low, high = float(frames.curve(name).min()), float(frames.curve(name).max())
        axis.set_ylim(min(0, low), max(0.2, high * 1.1))
    for axis, name in zip(axes, ["sound", *curves], strict=True):
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0)
    axes[-1].set_xlabel("seconds")
    partial = f"{out}.partial"
    try:
        figure.savefig(partial, dpi=110, bbox_inches="tight", format=Path(out).suffix[1:])
        os.replace(partial, out)
    except OSError as error:
        raise OutputError(f"cannot write '{out}': {error.strerror or error}") from error
    finally:
        if os.path.exists(partial):
            os.remove(partial)
        pyplot.close(figure)
