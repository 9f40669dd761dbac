"""``voxrig render``: recordings to pictures of a head that says them."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxrig.cli import arguments as take
from voxrig.cli import seen
from voxrig.errors import AudioError, OutputError, TextError, VoxrigError, one_line

if TYPE_CHECKING:  # they load numpy, and help shall be quick
    from voxrig.cast import Beat
    from voxrig.engine import Engine
    from voxrig.performance import Pace
    from voxrig.render.film import Footage

_ABOUT = """Draws a head that says what recordings say: MP4 and WebM with sound, ProRes for editors, PNG
files, or raw pictures on a pipe. Needs the extra render.

  voxrig render line.wav --out talk.mp4
  voxrig render line.wav --background none --out talk.webm
  voxrig render take.csv --audio line.wav --camera face --out shots/

"""
_CURVES = (".csv", ".json", ".npz", ".glb", ".vrma")
_FPS = 30
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",  # or threads that wait for one another burn the processor that others want
}
"""What libraries read when they load, which is not yet."""


def add(parser: argparse.ArgumentParser) -> None:
    """The words of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = _ABOUT
    parser.add_argument("audio", nargs="+", help="recordings, - for standard input; or curve files")
    parser.add_argument("--audio", dest="sound", metavar="FILE", help="what is heard, for a curve file")
    seen.add(parser)
    take.add_direction(parser, _FPS)
    parser.add_argument("--smooth", type=take.milliseconds, metavar="MS", help="window (50; 0 with --live)")
    parser.add_argument(
        "--live", nargs="?", const="live", choices=("live", "fast"), metavar="fast", dest="pace",
        help="what a live client gets, 70 ms after the sound (fast: 20 ms); raw sound on a pipe is",
    )  # fmt: skip
    text = parser.add_mutually_exclusive_group()
    text.add_argument("--text", help="what is said in the recording; its lips are surer then")
    text.add_argument("--text-file", metavar="FILE", help="the same in UTF-8 (NAME.txt beside NAME.wav)")
    text.add_argument("--no-text", action="store_true", help="leave files beside the recordings alone")
    parser.add_argument("--language", default="en", help="of the text (en)")
    to = parser.add_mutually_exclusive_group(required=True)
    to.add_argument(
        "--out", metavar="PLACE", help=".mp4, .webm, .mov, a folder or talk_%%05d.png, - for a pipe"
    )
    to.add_argument("--out-dir", metavar="DIR", help="for any number of recordings")
    parser.add_argument("--format", help="mp4, webm, mov, png; raw or nut for pipes (by --out; mp4)")
    parser.add_argument("--raw", choices=("s16", "f32"), help="input is little-endian PCM without a header")
    parser.add_argument("--rate", type=int, help="Hz of --raw input")
    parser.add_argument("--channels", type=int, help="of --raw input, interleaved (1)")
    parser.add_argument("--pack", help="folder of a model pack")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto", help="of the model")


def run(args: argparse.Namespace) -> int:
    """Exit code 0, 1 if some of several recordings failed, 2 if all did. Raises VoxrigError."""
    from voxrig.cli.interrupt import noted
    from voxrig.render.look import check_extra

    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    check_extra()
    clips = _clips(args)
    stage = _Stage(args, clips)
    if args.out_dir is not None:
        _make_folder(args.out_dir)
    failures: list[tuple[str, VoxrigError]] = []
    with noted() as check:
        for clip in clips:
            try:
                told = stage.render(clip, check)
            except VoxrigError as error:
                if len(clips) == 1:
                    raise
                failures.append((clip.source, error))
            else:
                if not clip.piped:
                    print(told)
    for name, fault in failures:
        print(one_line(f"voxrig: failed: {name}: {fault}"), file=sys.stderr)
    return 2 if len(failures) == len(clips) else 1 if failures else 0


@dataclass(frozen=True)
class _Clip:
    """A recording or a curve file, and where its pictures go."""

    source: str
    out: str
    format: str

    @property
    def piped(self) -> bool:
        return self.format in ("raw", "nut")

    @property
    def curves(self) -> bool:
        return Path(self.source).suffix.lower() in _CURVES


def _clips(args: argparse.Namespace) -> list[_Clip]:
    """What goes where. Raises VoxrigError."""
    from voxrig.cli.pictures import FILES, format_of

    if args.out is not None:
        if len(args.audio) > 1:
            raise OutputError("--out takes one recording; use --out-dir for several")
        return [_Clip(args.audio[0], args.out, format_of(args.out, args.format))]
    format = args.format or "mp4"
    if format not in (*FILES, "png"):
        raise OutputError(f"--out-dir takes {', '.join(FILES)} or png, not {one_line(format)}")
    clips: dict[str, _Clip] = {}
    for path in args.audio:
        stem = "stdin" if path == "-" else Path(path).stem
        out = str(Path(args.out_dir) / (stem if format == "png" else f"{stem}.{format}"))
        if out in clips:
            raise OutputError(f"'{clips[out].source}' and '{path}' would both become {out}; rename one")
        clips[out] = _Clip(path, out, format)
    return list(clips.values())


def _make_folder(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make folder '{path}': {error.strerror}") from error


class _Stage:
    """All that takes have in common: the head and how it speaks."""

    def __init__(self, args: argparse.Namespace, clips: list[_Clip]) -> None:
        """Raises VoxrigError."""
        from voxrig.render.film import check_size, check_transparent
        from voxrig.rigs import NATIVE

        self._args, self._raw = args, take.raw_format(args)
        pace: Pace = args.pace or ("live" if self._raw and args.audio == ["-"] else "file")
        self._direction = take.direction(args, NATIVE, pace)
        self._direction.stages()  # wrong curve names are told before any work
        self._check_words(clips)
        check_size(args.size, even=any(clip.format == "mp4" for clip in clips))
        self._engine: Engine | None = None
        for clip in clips:
            if args.background == "none":
                check_transparent(clip.format)
        self._renderer, self._labels, self._xmp = seen.renderer(args)
        self._renderer.draw(NATIVE.rest)  # the first takes the longest, and no sound shall wait for it

    def render(self, clip: _Clip, check: Callable[[], None]) -> str:
        """Draws a take from start to end and says what was made. Raises VoxrigError."""
        from voxrig.cli.pictures import open_screen

        began, frames = time.perf_counter(), 0
        with ExitStack() as stack:
            take = _curves(self._args, clip, stack) if clip.curves else self._spoken(clip, stack)
            screen = open_screen(clip.out, clip.format, self._footage(clip, take.heard))
            show = stack.enter_context(_shown(clip, take.count))
            try:
                for beat in stack.enter_context(closing(take.beats)):
                    check()
                    screen.write(self._renderer.draw(beat.values[0]), beat.sound)
                    frames += 1
                    show(frames)
                check()
                screen.close()
            except BaseException:
                screen.abandon()
                raise
        took = max(time.perf_counter() - began, 1e-9)
        height, width = self._renderer.size
        made = f"{frames} frames of {width}x{height}, {float(frames / self._args.fps):.1f} s"
        return one_line(f"{clip.out}: {made}, {frames / took:.0f} drawn a second")

    def _spoken(self, clip: _Clip, stack: ExitStack) -> _Take:
        """What is said, on its way through the model."""
        from voxrig.audio import open_audio
        from voxrig.cast import Part, Take, play
        from voxrig.retime import frame_count
        from voxrig.rigs import NATIVE

        args = self._args
        if self._engine is None:
            self._engine = self._direction.engine(args.pack, args.device)
        source = stack.enter_context(open_audio(clip.source, raw=self._raw))
        count = None if source.length is None else frame_count(source.length, source.rate, args.fps)
        script = _script(args, clip.source, self._direction.pace)
        part = Part([Take(lambda: source, lambda: script)], self._direction, [NATIVE], sound=True)
        return _Take(play(part, self._engine), count)

    def _footage(self, clip: _Clip, heard: bool) -> Footage:
        from voxrig._version import __version__
        from voxrig.cast import SOUND_RATE
        from voxrig.render.film import Footage

        title = "talk" if clip.source == "-" else Path(clip.source).stem
        labels = {"title": title, "comment": f"Made with voxrig {__version__}"} | self._labels
        rate, renderer = SOUND_RATE if heard else None, self._renderer
        return Footage(renderer.size, self._args.fps, renderer.transparent, rate, labels, self._xmp)

    def _check_words(self, clips: list[_Clip]) -> None:
        args = self._args
        for clip in clips:
            if clip.curves and (word := next(iter(_of_speech(args)), None)):
                raise VoxrigError(f"{word} is for recordings; {one_line(clip.source)} has its curves already")
        for word, value in (("--text", args.text), ("--text-file", args.text_file)):
            if value is not None and self._direction.pace != "file":
                raise TextError(f"{word} is fitted to a whole recording; leave it or --live out")
            if value is not None and len(clips) > 1:
                raise TextError(f"{word} takes one recording; for several, put NAME.txt beside each")
        if args.sound is not None and (len(clips) > 1 or not clips[0].curves):
            raise AudioError(f"--audio goes with one curve file ({', '.join(_CURVES)})")


@dataclass(frozen=True, eq=False)
class _Take:
    """A recording on its way to pictures."""

    beats: Generator[Beat, None, None]
    count: int | None
    """Frames, where that is known."""
    heard: bool = True
    """Whether there is sound."""


def _curves(args: argparse.Namespace, clip: _Clip, stack: ExitStack) -> _Take:
    """Curves that were made before. Raises FormatError, RigError and AudioError."""
    from voxrig.audio import open_audio
    from voxrig.render.curves import beats, native
    from voxrig_export.reading import read

    values = native(read(clip.source), args.fps)
    sound = None if args.sound is None else stack.enter_context(open_audio(args.sound))
    return _Take(beats(values, args.fps, sound), len(values), sound is not None)


def _of_speech(args: argparse.Namespace) -> list[str]:
    """Words that were given and make curves, or change them."""
    others = {"smooth": args.smooth, "live": args.pace, "text": args.text, "text-file": args.text_file}
    return take.given(args) + [f"--{word}" for word, value in others.items() if value is not None]


def _script(args: argparse.Namespace, recording: str, pace: str) -> Any:
    from voxrig.recital import Script

    if args.text is not None:
        return Script(take.said(args.text, "--text"), args.language)
    beside = None if args.no_text or pace != "file" else take.text_beside(recording)
    path = args.text_file or beside
    if path is None or (args.text_file is None and take.labels_in(path)):
        return None
    return Script(take.text_in(path), args.language)


@contextmanager
def _shown(clip: _Clip, count: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing in a pipe."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda frames: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    speed = TextColumn("{task.fields[speed]:.0f} fps")
    name = TextColumn("{task.description}", markup=False)  # a file may be called [b]
    columns = (TextColumn("render"), BarColumn(), MofNCompleteColumn(), speed, TimeRemainingColumn(), name)
    began = time.perf_counter()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(one_line(clip.source), total=count, speed=0.0)

        def show(frames: int) -> None:
            bar.update(task, completed=frames, speed=frames / (time.perf_counter() - began))

        yield show
