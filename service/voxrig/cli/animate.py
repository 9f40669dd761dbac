"""``voxrig animate``: recordings to curve files, many in one batch."""

from __future__ import annotations

import argparse
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from voxrig.audio import AudioSource, RawFormat, open_audio
from voxrig.cli.interrupt import noted
from voxrig.errors import AudioError, FormatError, OutputError, VoxrigError, one_line
from voxrig.performance import Direction, Job, Progress, perform
from voxrig.retime import frame_count
from voxrig.rigs import NATIVE, RigMap, get
from voxrig.style import parse
from voxrig.types import Sink
from voxrig_export import Format, format_for, open_sink


def run(args: argparse.Namespace) -> int:
    """Exit code 0, 1 if some of several recordings failed, 2 if all did. Raises VoxrigError."""
    kind = _format(args)
    direction = _direction(args, kind)
    direction.stages()  # wrong curve names are told before any work
    raw = _raw(args)
    jobs = [_job(path, out, kind, direction, raw) for path, out in _places(args, kind).items()]
    engine = direction.engine(args.pack, args.device)
    if args.out_dir is not None:
        _make_folder(args.out_dir)
    began, frames, seconds = time.perf_counter(), 0, 0.0
    failures: list[tuple[str, VoxrigError]] = []
    with noted() as check, _shown(len(jobs)) as show, closing(perform(jobs, direction, engine)) as telling:
        for told in telling:
            check()
            show(told)
            if told.error is not None:
                failures.append((told.name, told.error))
            elif told.done:
                frames, seconds = frames + told.frames, seconds + told.seconds
    if failures and len(jobs) == 1:
        raise failures[0][1]
    speed = seconds / max(time.perf_counter() - began, 1e-9)
    if args.out != "-":
        clips = args.out or f"{len(jobs) - len(failures)} of {len(jobs)} clips in {args.out_dir}"
        failed = f", {len(failures)} failed" if args.out_dir else ""
        said = f"{frames} frames of {direction.rig.name}, {seconds:.1f} s of speech"
        print(f"{one_line(clips)}: {said}, {speed:.0f} × real time{failed}")
    for name, error in failures:
        print(one_line(f"voxrig: failed: {name}: {error}"), file=sys.stderr)
    return 2 if len(failures) == len(jobs) else 1 if failures else 0


def _format(args: argparse.Namespace) -> Format:
    if args.out is None:
        return format_for("", args.format or "csv")
    if len(args.audio) > 1:
        raise FormatError("--out takes one recording; use --out-dir for several")
    return format_for(args.out, args.format)


def _direction(args: argparse.Namespace, kind: Format) -> Direction:
    name = args.rig or kind.default_rig
    rig, to_rig = get(name), None
    if args.flame_calibration:
        if name != "flame":
            raise FormatError(f"--flame-calibration goes with --rig flame, not {name}")
        from voxrig.rigs import flame

        calibration = flame.load_calibration(args.flame_calibration)
        rig = flame.rig(calibration)
        to_rig = RigMap(NATIVE, rig, (partial(flame.from_native, calibration=calibration),))
    kind.check(rig)
    style = parse(args.emotion, args.intensity)
    return Direction(rig, args.fps, style, args.gain, args.offset, args.smooth, args.live, to_rig)


def _raw(args: argparse.Namespace) -> RawFormat | None:
    if args.raw is None:
        if (args.rate, args.channels) != (None, None):
            raise AudioError("--rate and --channels go with --raw; other sound tells them itself")
        return None
    if args.rate is None:
        raise AudioError("--raw needs --rate, in Hz")
    return RawFormat(args.raw, args.rate, 1 if args.channels is None else args.channels)


def _places(args: argparse.Namespace, kind: Format) -> dict[str, str]:
    """Outputs by recording. Raises OutputError where one would fall on another or on a recording."""
    places: dict[str, str] = {}
    taken: dict[str, str] = {}
    for path in args.audio:
        name = ("stdin" if path == "-" else Path(path).stem) + kind.suffix
        if name in taken:
            raise OutputError(f"'{taken[name]}' and '{path}' would both become {name}; rename one")
        taken[name] = path
        places[path] = str(Path(args.out_dir) / name) if args.out is None else args.out
    recordings = {_file(path): path for path in places}
    for out in places.values():
        if (file := _file(out)) is not None and file in recordings:
            raise OutputError(f"'{out}' is the recording '{recordings[file]}'; write to another name")
    return places


def _file(path: str) -> tuple[int, int] | None:
    """Which file a path leads to; None for a pipe, a device and what is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if path != "-" and stat.S_ISREG(found.st_mode) else None


def _make_folder(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make folder '{path}': {error.strerror}") from error


def _job(path: str, out: str, kind: Format, direction: Direction, raw: RawFormat | None) -> Job:
    def sink(sound: AudioSource) -> Sink:
        total = None
        if sound.length is not None:
            total = frame_count(sound.length, sound.rate, direction.fps)
        return open_sink(out, direction.rig, direction.fps, kind.name, total=total, audio=path)

    return Job(path, partial(open_audio, path, raw=raw), sink)


@contextmanager
def _shown(jobs: int) -> Iterator[Any]:
    """A bar on a terminal, nothing in a pipe."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda told: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("animate"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    name = TextColumn("{task.description}", markup=False)  # a file may be called [b]
    with Bar(*columns, name, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=jobs)

        def show(told: Progress) -> None:
            ended = told.done or told.error is not None
            said = one_line(f"{told.name} {told.seconds:.0f} s")
            bar.update(task, description=said, advance=1 if ended else 0)

        yield show
