"""``voxrig convert``: a curve file to another format, rig or rate."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from fractions import Fraction
from typing import TYPE_CHECKING

from voxrig.cli import arguments as take
from voxrig.cli.file_options import add_file_options, file_options
from voxrig.errors import FormatError, OutputError, one_line

if TYPE_CHECKING:  # they load numpy, and help shall be quick
    from voxrig.rigs import RigMap
    from voxrig.types import Frames, Rig
    from voxrig_export import Format, Options

_ABOUT = """Reads a curve file, of voxrig or of another tool, and writes it in another format, on another rig
or at another rate. What the file is stands at its head; the suffix of OUT picks what is written."""

_BLOCK = 1024  # frames mapped and written together


def add(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.description = _ABOUT
    parser.add_argument("source", metavar="IN", help="a curve file; - is standard input")
    parser.add_argument("out", metavar="OUT", help="- is standard output")
    parser.add_argument("--from", dest="source_format", metavar="FORMAT", help="of IN (as it begins)")
    parser.add_argument(
        "--from-fps",
        type=take.fps,
        metavar="FPS",
        help="rate of IN, where it tells none, or is 29.97 or its kin",
    )
    parser.add_argument("--format", help="of OUT; see voxrig formats (by its suffix)")
    parser.add_argument("--rig", help="of OUT; see voxrig rigs (that of IN, or the format's own)")
    parser.add_argument("--fps", type=take.fps, help="rate of OUT, by straight lines (that of IN)")
    parser.add_argument("--audio", metavar="FILE", help="the sound, for formats that mention it")
    add_file_options(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0. Raises VoxrigError."""
    from voxrig.rigs import get, map_to
    from voxrig_export import format_for
    from voxrig_export.reading import read

    kind = format_for(args.out, args.format)
    options = file_options(args)
    kind.check_options(options)
    wanted = None if args.rig is None else get(args.rig)
    if wanted is not None:
        kind.check(wanted)
    _check_places(args.source, args.out)
    taken = read(args.source, args.source_format, args.from_fps)
    rig = wanted or _rig(taken.rig, kind)
    if rig.name == "native" != taken.rig.name and kind.rigs is not None:
        raise FormatError(_unheard(taken.rig, kind.name, kind.rigs))
    to_rig = map_to(taken.rig, rig)
    beyond = _beyond(taken)
    told = f"{_several(len(taken), 'frame')} of {taken.rig.name} at {taken.fps}"
    made = taken if args.fps in (None, taken.fps) else _retimed(taken, args.fps)
    _write(args, kind, made, to_rig, options)
    if args.out != "-":
        print(
            f"{one_line(args.out)}: {_several(len(made), 'frame')} of {rig.name} at {made.fps}, from {told}"
        )
        if beyond:
            told = f"{_several(beyond, 'value')} of {taken.rig.name} out of range, held to it"
            print(one_line(f"voxrig: {args.source}: {told}"), file=sys.stderr)
    return 0


def _rig(source: Rig, kind: Format) -> Rig:
    """The rig to write where none is named: the source's, if the format can hold it, else the format's own,
    but visemes before native: formats that ask for native want its phones, and a capture has none."""
    from voxrig.rigs import get

    if kind.rigs is None or source.name in kind.rigs:
        return source
    return get("visemes" if kind.default_rig == "native" and "visemes" in kind.rigs else kind.default_rig)


def _unheard(source: Rig, format: str, able: tuple[str, ...]) -> str:
    others = " or ".join(name for name in able if name != "native")
    way = f"name --rig {others}" if others else "animate the recording"
    return f"{format} takes phones from rig native, and a take on {source.name} has none; {way}"


def _beyond(taken: Frames) -> int:
    """How many values leave their curve's range, by more than the last digit of a table."""
    rig, count = taken.rig, 0
    for at in range(0, len(taken), _BLOCK):
        values = taken.values[at : at + _BLOCK]
        count += int(((values < rig.low - 1e-5) | (values > rig.high + 1e-5)).sum())
    return count


def _retimed(taken: Frames, fps: Fraction) -> Frames:
    """The take at another rate, from its first frame to its last."""
    import numpy as np

    from voxrig.retime import Retime
    from voxrig.types import Frames

    retime = Retime(taken.fps, fps, len(taken.rig))
    parts = [retime.push(taken.values[at : at + _BLOCK]) for at in range(0, len(taken), _BLOCK)]
    return Frames(taken.rig, np.concatenate(parts) if parts else taken.values, fps)


def _write(args: argparse.Namespace, kind: Format, made: Frames, to_rig: RigMap, options: Options) -> None:
    from voxrig.cli.interrupt import noted
    from voxrig.types import Frames
    from voxrig_export import open_sink

    with (
        noted() as check,
        open_sink(
            args.out, to_rig.target, made.fps, kind.name, total=len(made), audio=args.audio, options=options
        ) as sink,
    ):
        for at in range(0, len(made), _BLOCK):
            check()
            sink.write(to_rig(Frames(made.rig, made.values[at : at + _BLOCK], made.fps, at)))


def _check_places(source: str, out: str) -> None:
    """Raises OutputError where the file that is read would be written over."""
    try:
        found, there = os.stat(source), os.stat(out)
    except OSError:
        return
    if stat.S_ISREG(there.st_mode) and os.path.samestat(found, there):
        raise OutputError(f"'{out}' is the file '{source}' that is read; write to another name")


def _several(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
