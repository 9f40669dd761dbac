"""Worker processes on this machine, each with an engine and one core.

A worker that dies, by a fault in a library or because memory ran out, takes only the clips of its batch
with it. Each of them is tried once more, alone; what dies again is reported. Where the process that began
the batch dies, its workers leave at once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Final

from ..errors import ModelError, VoxrigError
from .work import Outcome, Settings, Task, Tools, Worker, failed

_BEAT: Final = 0.2  # s between two calls of check
_STILLBORN: Final = 3  # workers in a row that die before they begin
_LAST_WORDS: Final = 5.0  # s for a process whose pipe is closed to be gone
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Pool:
    """At most ``jobs`` workers, begun as work comes and kept until the pool is closed."""

    def __init__(self, settings: Settings, tools: Tools, jobs: int) -> None:
        if jobs < 1:
            raise ValueError(f"jobs must be at least 1, got {jobs}")
        self._settings, self._tools, self._jobs = settings, tools, jobs
        self._hands: list[_Hand] = []
        self._batches: Iterator[list[Task]] = iter(())
        self._again: deque[Task] = deque()
        self._stillborn = 0

    def run(self, batches: Iterable[list[Task]], check: Callable[[], None]) -> Iterator[Outcome]:
        """Runs batches and tells of each clip when it is settled.

        Batches are taken one at a time, when a worker is free. ``check`` is called several times a second,
        and may raise to stop it all. Raises ModelError where no worker can do anything. Once stopped the
        pool can only be closed.
        """
        self._batches = iter(batches)
        while self._staff():
            check()
            yield from self._listen()

    def close(self) -> None:
        """No worker is left behind."""
        for hand in self._hands:
            hand.end()
        self._hands.clear()

    def _staff(self) -> bool:
        """Gives work to whoever has none; false when there is none left."""
        for hand in self._hands:
            if hand.idle and (work := self._next()) is not None:
                hand.give(work)
        while len(self._hands) < self._jobs and (work := self._next()) is not None:
            self._hands.append(_Hand(work, self._settings, self._tools))
        return any(hand.busy for hand in self._hands)

    def _listen(self) -> Iterator[Outcome]:
        """What workers tell until the next beat. Raises what stops them all."""
        heard = set(wait([hand.pipe for hand in self._hands if hand.busy], _BEAT))
        for hand in [hand for hand in self._hands if hand.pipe in heard]:
            try:
                while hand.pipe.poll():
                    told = hand.pipe.recv()
                    self._stillborn = 0
                    if isinstance(told, VoxrigError):
                        raise told
                    if isinstance(told, Outcome):
                        hand.settle(told)
                        yield told
                    else:
                        hand.free()
            except (EOFError, OSError):
                self._hands.remove(hand)
                yield from self._lost(hand)

    def _next(self) -> _Work | None:
        if self._again:
            return _Work([self._again.popleft()], alone=True)
        batch = next(self._batches, None)
        return None if batch is None else _Work(batch)

    def _lost(self, hand: _Hand) -> Iterator[Outcome]:
        fate = hand.fate()
        if not hand.began:  # no clip of its is to blame
            self._stillborn += 1
            if self._stillborn == _STILLBORN:
                raise ModelError(f"a worker process {fate} before it began, {_STILLBORN} times in a row")
        for task in hand.work.tasks:
            if hand.began and hand.work.alone:
                yield failed(task.clip, f"its worker process {fate}, twice; once alone", "WorkerDied")
            else:
                self._again.append(task)


class _Work:
    """Clips in hand, of which less and less are left."""

    def __init__(self, tasks: list[Task], alone: bool = False) -> None:
        self.tasks, self.alone = tasks, alone


class _Hand:
    """A worker process and our end of the pipe to it."""

    def __init__(self, work: _Work, settings: Settings, tools: Tools) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe: Connection
        self.pipe, theirs = context.Pipe()
        self.work, self.busy, self.began = work, True, False
        self._ready = False
        self._process = context.Process(target=_serve, args=(theirs, settings, tools), daemon=True)
        try:
            with _quiet_start():
                self._process.start()
        finally:
            theirs.close()

    @property
    def idle(self) -> bool:
        return self._ready and not self.busy

    def give(self, work: _Work) -> None:
        """Hands over a batch; a worker that is no more is noticed when we listen."""
        self.work, self.busy = work, True
        self.began = True
        with suppress(OSError):
            self.pipe.send(work.tasks)

    def settle(self, told: Outcome) -> None:
        """A clip less."""
        self.work.tasks = [task for task in self.work.tasks if task.clip.out != told.clip.out]

    def free(self) -> None:
        """It is ready, for the first time or again."""
        if not self._ready:
            self._ready = True
            self.give(self.work)
        else:
            self.busy = False

    def fate(self) -> str:
        """How a worker ended that has closed its pipe."""
        self._process.join(_LAST_WORDS)
        code = self._process.exitcode
        self.end()
        if code is None:
            return "hung"
        return f"was killed by {_signal(-code)}" if code < 0 else f"ended with exit code {code}"

    def end(self) -> None:
        """No more of it, whatever it does."""
        self.pipe.close()
        self._process.kill()
        self._process.join()


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@contextmanager
def _quiet_start() -> Iterator[None]:
    """What starts here has one thread in its numerics and does not hear Ctrl-C, which is ours to tell it."""
    missing = [name for name in _THREADS if name not in os.environ]
    mask: Any = None
    if hasattr(signal, "pthread_sigmask"):
        resource_tracker.ensure_running()  # starting it would let Ctrl-C through again
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.environ.update(dict.fromkeys(missing, "1"))
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _serve(pipe: Connection, settings: Settings, tools: Tools) -> None:
    """The life of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    worker = Worker(settings, tools)
    with suppress(EOFError, BrokenPipeError):  # nobody listens any more
        pipe.send(None)
        while True:
            tasks = pipe.recv()
            try:
                for outcome in worker.run(tasks):
                    pipe.send(outcome)
                pipe.send(None)
            except VoxrigError as error:
                pipe.send(error)
                return


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
