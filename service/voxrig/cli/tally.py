"""What ``voxrig batch`` shows on the terminal while it runs, and at its end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from voxrig.errors import one_line

if TYPE_CHECKING:
    from voxrig.batch.report import Report
    from voxrig.batch.work import Outcome


def tell(args: argparse.Namespace, report: Report, took: float) -> None:
    """The sums, and the first failures."""
    counts, speed = report.counts, report.seconds / max(took, 1e-9)
    _table(report, speed)
    said = f"{report.frames} frames, {report.seconds:.1f} s of speech, {speed:.0f} × real time"
    told = f"{counts['done']} of {report.total} clips in {args.out_dir}: {said}"
    told += f", {counts['skipped']} were done before" if counts["skipped"] else ""
    print(one_line(told + f", {counts['failed']} failed"))
    for lost in report.failures:
        print(one_line(f"voxrig: failed: {lost.clip.audio}: {lost.error}"), file=sys.stderr)
    more = counts["failed"] - len(report.failures)
    if more:
        where = f"see {args.report}" if args.report else "--report FILE tells all"
        print(one_line(f"voxrig: failed: {more} more; {where}"), file=sys.stderr)


def _table(report: Report, speed: float) -> None:
    """On a terminal: what became of the clips, at a glance."""
    if sys.stdout is None or not sys.stdout.isatty():
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("clips", "", show_edge=False)
    table.add_row("done", str(report.counts["done"]))
    table.add_row("done before", str(report.counts["skipped"]))
    for kind, count in sorted(report.kinds.items()):
        table.add_row(f"failed: {kind}", str(count))
    table.add_row("speech", f"{report.seconds:.1f} s")
    table.add_row("× real time", f"{speed:.0f}")
    Console().print(table)


@contextmanager
def shown(clips: int) -> Iterator[Callable[[Outcome], None]]:
    """A bar with the time that is left on a terminal, nothing in a pipe."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda told: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("batch"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    name = TextColumn("{task.description}", markup=False)  # a file may be called [b]
    with Progress(*columns, name, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=clips)
        yield lambda told: bar.update(task, description=one_line(told.clip.out), advance=1)
