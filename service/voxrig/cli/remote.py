"""``voxrig animate --server``: the same files, computed elsewhere, a few recordings at a time."""

from __future__ import annotations

import argparse
from collections.abc import Generator, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from voxrig.client import Block, Client, connect
from voxrig.client.dialogue import CHUNK
from voxrig.errors import ServiceError, VoxrigError
from voxrig.performance import Job, Progress
from voxrig.post import Adjust
from voxrig.rpc.auth import read_keys
from voxrig.types import Sink

_MOST = 8  # recordings at a time


@dataclass(frozen=True)
class Place:
    """Where jobs are run."""

    client: Client
    model: str | None
    """None is the server's first."""


def place(args: argparse.Namespace) -> Place:
    """What the command line asks for. Raises VoxrigError."""
    key = read_keys(Path(args.key_file))[0] if args.key_file else None
    model = args.pack or (None if args.pace == "file" else args.pace)
    return Place(connect(args.server, key=key, ca=args.ca), model)


def perform(jobs: Iterable[Job], place: Place) -> Generator[Progress, None, None]:
    """As ``voxrig.performance.perform``, by a server. Closes the connection."""
    waiting = iter(jobs)
    running: list[_Run] = []
    with place.client:
        try:
            while True:
                for job in islice(waiting, _MOST - len(running)):
                    try:
                        running.append(_Run(job, place))
                    except VoxrigError as error:
                        yield Progress(job.name, 0, 0, error=error)
                if not running:
                    return
                for run in list(running):
                    told = run.step()
                    if told.done or told.error:
                        running.remove(run)
                    yield told
        finally:
            for run in running:
                run.abandon()


class _Run:
    """A job under way: its sound goes to the server while its frames come back."""

    def __init__(self, job: Job, place: Place) -> None:
        self._job, self._frames = job, 0
        direction = job.direction
        with ExitStack() as undo:
            source = undo.enter_context(job.source())
            self._sink = job.sink(source)
            undo.callback(_abandon, self._sink)
            rig, fps, style = direction.rig.name, direction.fps, direction.style
            self._stream = place.client.open(
                source.rate, rig, fps, style, model=place.model, keys=direction.keys, direct=direction.words,
                seconds=source.seconds, life=direction.idle, seed=direction.seed,
            )  # fmt: skip
            undo.callback(self._stream.close)
            if self._stream.header.rigs[0].curves != direction.rig.curves:
                said = f"the server's {direction.rig.name} has other curves; it is of another version"
                raise ServiceError(said, "INTERNAL")
            self._adjust = Adjust(direction.rig, direction.gain, direction.offset)
            self._source = source
            self._parts = self._stream.play(source.chunks(CHUNK))
            undo.pop_all()

    def step(self) -> Progress:
        """Writes the next frames."""
        try:
            part = next(self._parts, None)
            if isinstance(part, Block):
                self._sink.write(self._adjust(part.frames))
                self._frames += len(part.frames)
            if part is None:
                self._sink.close()
                self._source.close()
        except VoxrigError as error:
            self.abandon()
            return self._progress(error=error)
        return self._progress(done=part is None)

    def abandon(self) -> None:
        _abandon(self._sink)
        self._stream.close()
        self._parts.close()  # its thread reads the source
        self._source.close()

    def _progress(self, done: bool = False, error: VoxrigError | None = None) -> Progress:
        return Progress(self._job.name, self._stream.pushed / self._source.rate, self._frames, done, error)


def _abandon(sink: Sink) -> None:
    getattr(sink, "abandon", sink.close)()
