"""The model's curves over the phones of a labelled sentence, with the labels' own curves beneath.

python -m voxrig_train.picture tests/clips --clip lj-1 --out docs/speech.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from voxrig.performance import animate
from voxrig.speech.phones import SILENCE
from voxrig.types import Frames
from voxrig_train import labels, peers
from voxrig_train.labels import Labelled

_SHOWN = {
    "jawOpen": "#c0392b",
    "mouthClose": "#2c3e50",
    "mouthFunnel": "#8e44ad",
    "mouthPucker": "#2980b9",
    "mouthRollLower": "#16a085",
    "tongueTipUp": "#d35400",
}


def draw(clip: Labelled, rows: dict[str, Frames], out: Path) -> None:
    """Writes a picture with one row of curves for each system over the clip's waveform and phones."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    seconds = clip.phones[-1].end
    figure, axes = pyplot.subplots(
        len(rows) + 1,
        1,
        sharex=True,
        figsize=(13, 1.2 + 2.2 * len(rows)),
        height_ratios=[0.6] + [1] * len(rows),
    )
    samples = clip.sound.samples
    axes[0].plot(np.arange(len(samples)) / clip.sound.rate, samples, lw=0.4, color="#555555")
    axes[0].set_ylabel("sound")
    axes[0].set_yticks([])
    for axis, (name, frames) in zip(axes[1:], rows.items(), strict=True):
        for curve, colour in _SHOWN.items():
            axis.plot(frames.times, frames.curve(curve), color=colour, lw=1.4, label=curve)
        axis.set_ylabel(name)
        axis.set_ylim(-0.02, 1.12)
    for axis in axes:
        for phone in clip.phones:
            axis.axvline(phone.start, color="#cccccc", lw=0.5, zorder=0)
    for phone in clip.phones:
        if phone.label != SILENCE:
            middle = (phone.start + phone.end) / 2
            axes[1].text(middle, 1.03, phone.label, ha="center", fontsize=8, color="#444444")
    axes[0].set_xlim(0, seconds)
    axes[0].set_title(clip.text, fontsize=10)
    axes[-1].set_xlabel("seconds")
    axes[-1].legend(
        ncols=len(_SHOWN), fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.25), frameon=False
    )
    figure.tight_layout()
    figure.savefig(out, dpi=90)
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.picture", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("clips", type=Path, help="as for voxrig evaluate")
    parser.add_argument("--clip", required=True, help="name of one")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    clip = next(c for c in labels.read(args.clips) if c.name == args.clip)
    rows = {
        "live, 70 ms": animate(clip.sound, "native", peers.FPS, pace="live"),
        "file": animate(clip.sound, "native", peers.FPS),
        "oracle": peers.oracle(clip),
    }
    draw(clip, rows, args.out)


if __name__ == "__main__":
    main()
