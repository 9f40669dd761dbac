"""``voxrig animate``: recordings to curve files, many in one batch."""

from __future__ import annotations

import argparse
import os
import stat
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from voxrig.audio import AudioSource, open_audio
from voxrig.cli.arguments import direction, labels_in, raw_format, said, text_beside, text_in
from voxrig.cli.file_options import file_options
from voxrig.cli.interrupt import noted
from voxrig.errors import FormatError, OutputError, TextError, VoxrigError, one_line, unknown
from voxrig.performance import Direction, Job, Progress, perform
from voxrig.recital import Script
from voxrig.retime import frame_count
from voxrig.rigs import NATIVE, RigMap, get
from voxrig.types import Sink
from voxrig_export import Format, Options, format_for, open_sink
from voxrig_export.transcript import TIMINGS, timings_suffix, write_timings


@dataclass(frozen=True)
class _Clip:
    """A recording and the files that go with it."""

    audio: str
    out: str
    timings: str | None
    text: str | None
    """The file of its text, if there is one."""


def run(args: argparse.Namespace) -> int:
    """Exit code 0, 1 if some of several recordings failed, 2 if all did. Raises VoxrigError."""
    _check_server(args)
    kind = _format(args)
    wanted = _direction(args, kind)
    wanted.stages()  # wrong curve names are told before any work
    _check_text(args)
    open_sound = partial(open_audio, raw=raw_format(args))
    options = file_options(args)
    kind.check_options(options)
    jobs = [_job(clip, kind, wanted, open_sound, _script(args, clip), options) for clip in _clips(args, kind)]
    start = _performer(args, wanted)
    if args.out_dir is not None:
        _make_folder(args.out_dir)
    began, frames, seconds = time.perf_counter(), 0, 0.0
    failures: list[tuple[str, VoxrigError]] = []
    with noted() as check, _shown(len(jobs)) as show, closing(start(jobs)) as telling:
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
        said = f"{frames} frames of {wanted.rig.name}, {seconds:.1f} s of speech"
        print(f"{one_line(clips)}: {said}, {speed:.0f} × real time{failed}")
    for name, error in failures:
        print(one_line(f"voxrig: failed: {name}: {error}"), file=sys.stderr)
    return 2 if len(failures) == len(jobs) else 1 if failures else 0


def _check_server(args: argparse.Namespace) -> None:
    if args.server is None:
        if args.key_file is not None or args.ca is not None:
            raise VoxrigError("--key-file and --ca go with --server")
        return
    local = {
        "--text": args.text,
        "--text-file": args.text_file,
        "--timings": args.timings,
        "--smooth": args.smooth or None,
        "--flame-calibration": args.flame_calibration,
        "--device": None if args.device == "auto" else args.device,
    }
    for word, value in local.items():
        if value is not None:
            raise VoxrigError(f"{word} is for work on this machine; leave it or --server out")


def _performer(
    args: argparse.Namespace, direction: Direction
) -> Callable[[Iterable[Job]], Generator[Progress, None, None]]:
    """What runs jobs, here or on a server."""
    if args.server is None:
        return partial(perform, engine=direction.engine(args.pack, args.device))
    from voxrig.cli import remote  # loads gRPC

    return partial(remote.perform, place=remote.place(args))


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
    return direction(args, rig, args.pace, to_rig)


def _check_text(args: argparse.Namespace) -> None:
    for word, value in (("--text", args.text), ("--text-file", args.text_file)):
        if value is not None and args.pace != "file":
            raise TextError(f"{word} is fitted to a whole recording; leave it or --live out")
        if value is not None and len(args.audio) > 1:
            raise TextError(f"{word} takes one recording; for several, put NAME.txt beside each")


def _clips(args: argparse.Namespace, kind: Format) -> list[_Clip]:
    """What goes where. Raises OutputError where something would fall on a recording, a text or another."""
    suffix = _timings(args)
    clips = []
    for path in args.audio:
        stem = "stdin" if path == "-" else Path(path).stem
        out, timings = args.out, args.timings
        if args.out is None:
            out = str(Path(args.out_dir) / (stem + kind.suffix))
            timings = str(Path(args.out_dir) / (stem + suffix)) if suffix else None
        beside = args.text is None and not (args.no_text or args.server) and args.pace == "file"
        clips.append(_Clip(path, out, timings, args.text_file or (text_beside(path) if beside else None)))
    _check_places(clips)
    return clips


def _timings(args: argparse.Namespace) -> str | None:
    """The suffix of the timings that are asked for."""
    if args.timings is None:
        return None
    if args.out is not None:
        return timings_suffix(args.timings)
    kinds = {suffix[1:].lower(): suffix for suffix in TIMINGS}
    if args.timings.lower() not in kinds:
        raise FormatError(unknown("kind of timings for --out-dir", args.timings, kinds))
    return kinds[args.timings.lower()]


def _check_places(clips: list[_Clip]) -> None:
    recordings = {_file(clip.audio): clip.audio for clip in clips}
    texts = {_file(clip.text): clip.text for clip in clips if clip.text}
    taken: dict[str, str] = {}
    for clip in clips:
        for place in {os.path.abspath(place): place for place in _outputs(clip)}:
            name = Path(place).name
            if place in taken:
                raise OutputError(f"'{taken[place]}' and '{clip.audio}' would both become {name}; rename one")
            taken[place] = clip.audio
        if len({os.path.realpath(place) for place in _outputs(clip)}) < len(_outputs(clip)):
            raise OutputError(f"curves and timings would both become {clip.timings}; choose another format")
    for place in (place for clip in clips for place in _outputs(clip)):
        if (file := _file(place)) is None:
            continue
        for what, files in (("recording", recordings), ("text", texts)):
            if file in files:
                raise OutputError(f"'{place}' is the {what} '{files[file]}'; write to another name")


def _outputs(clip: _Clip) -> list[str]:
    return [clip.out, clip.timings] if clip.timings else [clip.out]


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


def _script(args: argparse.Namespace, clip: _Clip) -> Callable[[], Script | None]:
    """Reads what is said in a clip, when its turn comes."""

    def script() -> Script | None:
        if args.text is not None:
            return Script(said(args.text, "--text"), args.language)
        if clip.text is None or (args.text_file is None and labels_in(clip.text)):
            return None
        return Script(text_in(clip.text), args.language)

    return script


def _job(
    clip: _Clip,
    kind: Format,
    direction: Direction,
    open_sound: Callable[[str], AudioSource],
    script: Callable[[], Script | None],
    options: Options,
) -> Job:
    def sink(sound: AudioSource) -> Sink:
        total = None
        if sound.length is not None:
            total = frame_count(sound.length, sound.rate, direction.fps)
        return open_sink(
            clip.out, direction.rig, direction.fps, kind.name, total=total, audio=clip.audio, options=options
        )

    transcribed = partial(write_timings, clip.timings) if clip.timings else None
    return Job(clip.audio, partial(open_sound, clip.audio), sink, direction, script, transcribed)


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
