"""How well mouths follow labelled speech: ours, controls and other tools on the same clips, in one table.

    voxrig evaluate timit/test --noise 10 --out noisy.json

What clips may look like is told in ``labels.py``, what is measured in ``measures.py`` and ``scores.py``,
and what it is compared with in ``peers.py``. Only clips that no training and no tuning has seen tell
anything.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from voxrig.errors import OutputError, VoxrigError, one_line, unknown
from voxrig.performance import Pace, animate, open_engine
from voxrig.types import Array, AudioChunk, Frames
from voxrig_train import labels, peers
from voxrig_train.labels import Labelled
from voxrig_train.peers import FPS, System
from voxrig_train.scores import Scores, Told, score

COLUMNS = (
    *(("score", "score", 0), ("live", "score_live", 0), ("pbm F1", "pbm_f1", 2), ("fv AUC", "fv_auc", 2)),
    *(("round AUC", "round_auc", 2), ("open rho", "open_rho", 2), ("rest", "rest", 2), ("probe", "probe", 2)),
    *(("turns/s", "turns_per_s", 1), ("lag ms", "lag_ms", 0)),
)
"""What the table shows: title, measure, digits."""

_ACTIVE = 30.0  # dB under its loud frames at which sound still counts as speech


@dataclass(frozen=True, eq=False)
class Report:
    """Scores by system, and what could not be run."""

    scores: Mapping[str, Scores]
    missing: Sequence[str]


def _streamed(pace: Pace) -> Callable[[str | None, int], System]:
    """Exactly what a live client gets, in time with the sound; shown its declared latency later."""

    def make(pack: str | None, rate: int) -> System:
        latency = open_engine(pack or pace).open(rate=rate, fps=FPS).latency
        return System(pace, lambda clip: animate(clip.sound, "native", FPS, pace=pace, pack=pack), latency)

    return make


def _whole(pack: str | None, rate: int) -> System:
    """Files, by sound alone."""
    return System("file", lambda clip: animate(clip.sound, "native", FPS, pack=pack))


def _worded(pack: str | None, rate: int) -> System:
    """Files with their text; by sound alone where a clip has none."""

    def tell(clip: Labelled) -> Frames:
        return animate(clip.sound, "native", FPS, text=clip.text or None, language=clip.language, pack=pack)

    return System("text", tell)


MODES: Mapping[str, Callable[[str | None, int], System]] = {
    "live": _streamed("live"),
    "fast": _streamed("fast"),
    "file": _whole,
    "text": _worded,
}
"""Ways to run a pack (None is the one that ships for each) on sound at a rate in hertz."""


def ours(packs: Sequence[str], modes: Sequence[str], rate: int) -> list[System]:
    """Every pack in every mode. Raises VoxrigError for an unknown mode, ModelError for a bad pack."""
    for mode in modes:
        if mode not in MODES:
            raise VoxrigError(unknown("mode", mode, MODES))
    named: list[tuple[str, str | None]] = [(f" {Path(p).resolve().name}", p) for p in packs] or [("", None)]
    return [replace(MODES[mode](pack, rate), name=mode + name) for mode in modes for name, pack in named]


def evaluate(
    clips: Sequence[Labelled], systems: Sequence[System], tell: Callable[[str], None] = lambda _: None
) -> dict[str, Scores]:
    """Scores of each system over all clips; ``tell`` hears what is under way."""
    found = {}
    for system in systems:
        told = []
        for i, clip in enumerate(clips, 1):
            tell(f"{system.name}: clip {i} of {len(clips)}")
            told.append(Told(clip.speaker, clip.phones, system.tell(clip)))
        found[system.name] = score(told, system.latency)
    return found


def altered(clips: Sequence[Labelled], noise: float | None, gain: float | None) -> list[Labelled]:
    """Clips with speech at ``gain`` dBFS RMS and pink noise ``noise`` dB below it; None leaves it be."""
    out = []
    for i, clip in enumerate(clips):
        samples = clip.sound.samples.astype(float)
        if gain is not None:
            samples = samples * 10 ** ((gain - _level(samples, clip.sound.rate)) / 20)
        if noise is not None:
            level = 10 ** ((_level(samples, clip.sound.rate) - noise) / 20)
            samples = samples + level * _pink(len(samples), np.random.default_rng(i))
        sound = np.clip(samples, -1, 1) if (noise, gain) != (None, None) else samples
        out.append(replace(clip, sound=AudioChunk(sound.astype(np.float32), clip.sound.rate)))
    return out


def run(args: argparse.Namespace) -> int:
    """The verb ``evaluate``: reads, measures, prints and writes."""
    clips = altered(labels.read(Path(args.clips), args.tier, args.language), args.noise, args.gain)
    rate = max((clip.sound.rate for clip in clips), key=lambda r: (r != 16_000, r))
    others, missing = peers.tools(clips) if not args.no_peers else ([], [])
    systems = [*ours(args.pack, args.mode or list(MODES), rate), *peers.controls(clips), *others]
    report = Report(_watched(clips, systems), missing)
    seconds = sum(clip.phones[-1].end for clip in clips)
    speakers = len({clip.speaker for clip in clips})
    print(f"{len(clips)} clips, {speakers} speaker{'s' * (speakers > 1)}, {seconds / 60:.1f} min")
    show(report)
    about = {"clips": len(clips), "speakers": speakers, "seconds": round(seconds, 1), "on": args.on}
    if args.out:
        _write(args.out, about | {"noise_db": args.noise, "gain_dbfs": args.gain} | _everything(report))
    if args.card:
        first = next(iter(report.scores.values())).values
        told = {key: round(first[key], 3) for _, key, _ in COLUMNS if not math.isnan(first[key])}
        _write(args.card, {"on": args.on or one_line(str(args.clips))} | told)
    return 0


def show(report: Report) -> None:
    """Prints one row a system, with half the width of each 95 % interval: a table, or plain in a pipe."""
    head = ["", *(title for title, _, _ in COLUMNS)]
    rows = [[name, *(_cell(s, *column) for column in COLUMNS)] for name, s in report.scores.items()]
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table(*head, box=None, header_style="bold")
        for column in table.columns[1:]:
            column.justify, column.no_wrap = "right", True
        for row in rows:
            table.add_row(*row)
        Console(markup=False).print(table)
    else:
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        for row in (head, *rows):
            cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            print("  ".join([row[0].ljust(widths[0]), *cells]).rstrip())
    if report.missing:
        print("not installed: " + ", ".join(report.missing))


def _cell(scores: Scores, title: str, key: str, digits: int) -> str:
    value, width = scores.values[key], scores.half_width(key)
    if math.isnan(value):
        return "–"
    return f"{value:.{digits}f}" + ("" if math.isnan(width) else f" ±{width:.{digits}f}")


def _watched(clips: Sequence[Labelled], systems: Sequence[System]) -> dict[str, Scores]:
    if not (sys.stderr and sys.stderr.isatty()):
        return evaluate(clips, systems)
    from rich.console import Console

    with Console(stderr=True, markup=False).status("") as status:
        return evaluate(clips, systems, lambda said: status.update(one_line(said)))


def _everything(report: Report) -> dict[str, object]:
    systems = {
        name: {
            "measures": _plain(s.values),
            "intervals": _plain(s.intervals),
            "draws": _plain({key: s.draws[key] for _, key, _ in COLUMNS if key in s.draws}),
        }
        for name, s in report.scores.items()
    }
    return {"systems": systems, "not_installed": list(report.missing)}


def _plain(value: object) -> object:
    """Numbers to five digits, as JSON knows them: NaN is null."""
    if isinstance(value, Mapping):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, Sequence):
        return [_plain(v) for v in value]
    number = float(value)  # type: ignore[arg-type]
    return None if math.isnan(number) else round(number, 5)


def _write(path: str, content: Mapping[str, object]) -> None:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps(content, ensure_ascii=False) + "\n")
    except OSError as error:
        raise OutputError(f"cannot write '{one_line(path)}': {error.strerror}") from error


def _level(samples: Array | np.ndarray, rate: int) -> float:
    """dBFS RMS of speech: of the 20 ms that are within 30 dB of the loud ones."""
    size = rate // 50
    power = (samples[: max(len(samples) // size, 1) * size].reshape(-1, min(size, len(samples))) ** 2).mean(1)
    loud = power[power >= np.percentile(power, 95) * 10 ** (-_ACTIVE / 10)]
    return float(10 * np.log10(loud.mean() + 1e-12))


def _pink(count: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) noise of equal power in every octave, RMS 1."""
    bins = count // 2 + 1
    spectrum = rng.normal(size=(2, bins)) / np.sqrt(np.maximum(np.arange(bins), max(1.0, count / 1000)))
    noise = np.fft.irfft(spectrum[0] + 1j * spectrum[1], count)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))


if __name__ == "__main__":
    from voxrig.cli import main

    sys.exit(main(["evaluate", *sys.argv[1:]]))
