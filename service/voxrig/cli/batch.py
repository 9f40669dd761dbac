"""``voxrig batch``: folders or a manifest of recordings to curve files, on all cores or on a Ray cluster."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from voxrig.cli import arguments as take
from voxrig.cli import tally
from voxrig.cli.file_options import add_file_options, file_options
from voxrig.cli.interrupt import noted
from voxrig.errors import FormatError, OutputError, one_line
from voxrig.speech.pronounce import LANGUAGES

if TYPE_CHECKING:
    from voxrig.batch.ledger import Ledger
    from voxrig.batch.manner import Manner
    from voxrig.batch.plan import Plan
    from voxrig.batch.work import Outcome, Settings, Task, Tools
    from voxrig.types import Rig, Sink
    from voxrig_export import Options

    _Runner = Callable[[Iterable[list[Task]]], Generator[Outcome, None, None]]

BATCHING = """Animates all recordings in folders, or those that a manifest names. What was done before and
has not changed since is passed over, so an interrupted batch is simply started again."""
_MOST = 32  # clips that a worker is given at a time, and may lose

_ASSETS = "/Game/voxrig"
_NO_NAME = re.compile(r"[^\w/-]")  # what an asset cannot be called everywhere
_SYNC = 0.5  # s between two times that the ledger goes to the disk


def add(parser: argparse.ArgumentParser) -> None:
    """The words of the verb."""
    parser.description = BATCHING
    parser.add_argument("paths", nargs="*", help="folders, or wav, flac, ogg and mp3 files")
    parser.add_argument("--manifest", metavar="FILE", help=".csv or .jsonl, a line for each clip")
    parser.add_argument("--out-dir", metavar="DIR", required=True, help="keeps the folders of the recordings")
    parser.add_argument("--format", default="csv", help="one or more with commas, see voxrig formats (csv)")
    parser.add_argument("--rig", help="see voxrig rigs (each format's own)")
    take.add_direction(parser)
    parser.add_argument("--smooth", type=take.milliseconds, metavar="MS", help="window (50; 0 with --live)")
    parser.add_argument(
        "--live", nargs="?", const="live", choices=("live", "fast"), metavar="fast", dest="pace",
        default="file", help="exactly what a live client would get, 70 ms after the sound (fast: 20 ms)",
    )  # fmt: skip
    parser.add_argument("--no-text", action="store_true", help="leave .txt files beside the recordings alone")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of texts (en)")
    parser.add_argument("--pack", help="folder of a model pack")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
    parser.add_argument("--jobs", type=_jobs, metavar="N", help="worker processes (one for each core)")
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="work on a Ray cluster, or local for Ray on this machine (extra batch)",
    )
    parser.add_argument("--report", metavar="FILE", help="a line of JSON for each clip")
    add_file_options(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, 1 if some clips failed, 2 if all did. Raises VoxrigError."""
    from voxrig.batch.ledger import Ledger
    from voxrig.batch.report import Report
    from voxrig.batch.work import Tools

    if bool(args.paths) == (args.manifest is not None):
        raise FormatError("give recordings or folders of them, or --manifest with a file that names them")
    with closing(_plan(args)) as plan:
        options = _file_options(args, plan)
        settings, tools = _settings(args, options), Tools(_Opener(options), words)
        _check_curves(plan, settings)
        _make_folder(args.out_dir)
        began = time.perf_counter()
        with Ledger(Path(args.out_dir)) as ledger, Report(args.report) as report:
            with _staging(settings), noted() as check, tally.shown(len(plan)) as show:

                def beat() -> None:
                    check()
                    ledger.sync(_SYNC)

                start = _runner(args, settings, tools, beat)
                size = _size(len(plan), _workers(args))
                with closing(start(_tasks(plan, ledger, size))) as telling:
                    for told in telling:
                        if told.status == "done":
                            ledger.add(told.entry())
                        report.add(told)
                        show(told)
                        beat()
            tally.tell(args, report, time.perf_counter() - began)
            return report.code


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of processes from 1 to 1024")
    return int(text)


def _plan(args: argparse.Namespace) -> Plan:
    from voxrig.batch import manifest
    from voxrig.batch.plan import Plan, Wanted
    from voxrig_export import format_for

    formats = manifest.names(args.format)
    if not formats:
        raise FormatError("--format is empty; see voxrig formats")
    wanted = Wanted(formats, args.rig, _manner(args), args.language)
    beside = take.text_beside if not args.no_text and args.pace == "file" else _no_text
    plan = Plan(wanted, lambda name: format_for("", name), beside, _warn)
    for line in manifest.read(args.manifest) if args.manifest else manifest.walk(args.paths):
        plan.add(line)
    if not plan:
        raise FormatError(f"{args.manifest} names no recordings")
    return plan


def _manner(args: argparse.Namespace) -> Manner:
    """How clips are said that do not say otherwise. Raises StyleError."""
    from voxrig.batch.manner import Manner

    if args.auto and not args.manifest:
        take.styles(args)  # goes with --emotion auto; a manifest may have it for some
    base = take.base_style(args)
    told = take.words(args), args.idle, args.seed
    return Manner(args.emotion, base.intensity, base.asymmetry, base.energy, base.speaker, base.auto, *told)


def _warn(sentence: str) -> None:
    print(one_line(f"voxrig: {sentence}"), file=sys.stderr)


def _no_text(recording: str) -> None:
    return None


def _settings(args: argparse.Namespace, options: Options) -> Settings:
    from voxrig.batch.manifest import OWN
    from voxrig.batch.work import Settings
    from voxrig.model import PACKS, find, read_card

    pack = args.pack or args.pace
    out_dir = os.path.abspath(args.out_dir)
    return Settings(
        out_dir=out_dir,
        staging=os.path.join(out_dir, f"{OWN}-{secrets.token_hex(6)}"),
        pack=pack if pack in PACKS else os.path.abspath(pack),
        model=read_card(find(pack)).sha256,
        fps=args.fps,
        gain=args.gain,
        offset=args.offset,
        smooth=args.smooth,
        pace=args.pace,
        device=args.device,
        facts=_facts(options),
        home="" if args.ray is None else os.getcwd(),
    )


@dataclass(frozen=True)
class _Opener:
    """Opens a curve file with those of the options that its format takes."""

    options: Options

    def __call__(
        self, path: str, rig: Rig, fps: Fraction, format: str, *, total: int | None, audio: str, name: str
    ) -> Sink:
        from voxrig_export import format_for, open_sink

        takes = format_for(path, format).options
        plain = type(self.options)()
        dropped = set(self.options.given()) - set(takes)
        options = replace(self.options, **{word: getattr(plain, word) for word in dropped})
        if "asset" in takes:  # or all clips would be one asset
            folder = (options.asset or _ASSETS).rstrip("/")
            options = replace(options, asset=f"{folder}/{_NO_NAME.sub('_', name)}")
        return open_sink(path, rig, fps, format, total=total, audio=audio, options=options)


def _file_options(args: argparse.Namespace, plan: Plan) -> Options:
    """Options that one of the wanted formats takes, at least; ``asset`` is the folder of all assets."""
    from voxrig_export import format_for

    options = file_options(args)
    kinds = [format_for("", name) for name in plan.formats()]
    for word in options.given():
        if not any(word in kind.options for kind in kinds):
            kinds[0].check_options(options)
    return options if options.avatar is None else replace(options, avatar=options.avatar.absolute())


def _facts(options: Options) -> dict[str, object]:
    """What the options add to the hash of a clip: values, and of the avatar what is in it."""
    facts = {word: getattr(options, word) for word in options.given()}
    if options.avatar is not None:
        try:
            facts["avatar"] = hashlib.sha256(options.avatar.read_bytes()).hexdigest()
        except OSError as error:
            raise FormatError(f"cannot read {options.avatar}: {error.strerror}") from error
    return facts


def words(path: str) -> str | None:
    """What a file beside a recording says; None where it tells the times of phones. Raises TextError."""
    return None if take.labels_in(path) else take.text_in(path)


def _check_curves(plan: Plan, settings: Settings) -> None:
    """Wrong names of curves are told before any work."""
    from voxrig.batch.manner import Manner

    for rig in plan.rigs():
        settings.direction(rig, Manner()).stages()


def _make_folder(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make folder '{path}': {error.strerror}") from error


@contextmanager
def _staging(settings: Settings) -> Iterator[None]:
    """The folder for files under way, and no other: those of earlier runs are removed."""
    from voxrig.batch.manifest import OWN

    out_dir = Path(settings.out_dir)
    for old in out_dir.glob(f"{OWN}-*"):
        shutil.rmtree(old, ignore_errors=True)
    _make_folder(settings.staging)
    try:
        yield
    finally:
        shutil.rmtree(settings.staging, ignore_errors=True)


def _workers(args: argparse.Namespace) -> int:
    if args.jobs is not None:
        return int(args.jobs)
    with suppress(AttributeError):  # not everywhere; it knows of the limits of containers
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _size(clips: int, workers: int) -> int:
    """Clips a batch: many share an engine, but every worker gets a few batches, so that all end together."""
    return max(1, min(_MOST, clips // (4 * workers)))


def _tasks(plan: Plan, ledger: Ledger, size: int) -> Iterator[list[Task]]:
    from voxrig.batch.work import Task

    for batch in plan.batches(size):
        yield [Task(clip, ledger.known(clip.out)) for clip in batch]


def _runner(args: argparse.Namespace, settings: Settings, tools: Tools, check: Callable[[], None]) -> _Runner:
    if args.ray is None:
        return _pooled(settings, tools, _workers(args), check)
    from voxrig.batch import ray_data

    return lambda batches: ray_data.run(batches, settings, tools, args.ray, args.jobs, check)


def _pooled(settings: Settings, tools: Tools, jobs: int, check: Callable[[], None]) -> _Runner:
    from voxrig.batch.pool import Pool

    def run(batches: Iterable[list[Task]]) -> Generator[Outcome, None, None]:
        with closing(Pool(settings, tools, jobs)) as pool:
            yield from pool.run(batches, check)

    return run
