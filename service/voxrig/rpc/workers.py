"""Several processes on one port: a parent that starts them, replaces the dead, and brings all home."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import NoReturn

from ..errors import VoxrigError
from .stop import Stop, by_signals

Work = Callable[[int, Callable[[], None]], int]
"""What a worker does: takes its index and what to call once it serves; returns its exit code."""

_QUICK = 10.0  # s: who dies sooner than this after its start died at once
_TRIES = 5  # such deaths in a row
_PAUSE = 0.25  # s before a restart; doubled with every quick death
_LAST = 5.0  # s after which a worker that was told to end at once is killed
_SPAWN = multiprocessing.get_context("spawn")  # gRPC and ONNX Runtime do not survive a fork

_log = logging.getLogger("voxrig.workers")


class Crew:
    """The workers of one parent.

    SIGTERM or SIGINT is passed on: workers drain. At the second they end at once. A worker that dies is
    replaced; one that dies at once again and again, or says that it cannot start, brings all of them home.
    """

    def __init__(self, count: int, work: Work, up: Callable[[], None], patience: float) -> None:
        """``up`` is called when all serve; ``patience`` is how many seconds a drain may take."""
        self._count, self._work, self._up, self._patience = count, work, up, patience
        self._processes: dict[int, SpawnProcess] = {}
        self._serving: set[int] = set()
        self._fault, self._whole = "", True
        self._stop: Stop

    async def run(self) -> bool:
        """Until all have ended. Whether none was hurried. Raises VoxrigError where they could not go on."""
        self._stop = by_signals()
        passing = asyncio.create_task(self._pass_on())
        await asyncio.gather(*(self._keep(i) for i in range(self._count)))
        passing.cancel()
        if self._fault:
            raise VoxrigError(self._fault)
        return self._whole

    async def _keep(self, index: int) -> None:
        """One place, whoever fills it."""
        quick = 0
        while not self._stop.drain.is_set():
            began = time.monotonic()
            code = await self._live(index)
            if self._stop.drain.is_set():
                self._whole &= code in (0, -signal.SIGTERM)  # that is how they end who do not serve yet
                break
            quick = quick + 1 if time.monotonic() - began < _QUICK else 0
            if code == 2 and index not in self._serving:  # it said why
                self._give_up(f"worker {index} cannot start")
            elif quick >= _TRIES:
                self._give_up(f"worker {index} died {quick} times in a row within {_QUICK:g} s of its start")
            else:
                pause = _PAUSE * 2**quick
                _log.error("worker died", extra={"worker": index, "code": code, "restart_in": pause})
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.drain.wait(), pause)

    async def _live(self, index: int) -> int:
        """One worker, from start to end. Its exit code."""
        loop, gone = asyncio.get_running_loop(), asyncio.Event()
        ours, theirs = _SPAWN.Pipe(duplex=False)
        process = _SPAWN.Process(
            target=_enter, args=(self._work, index, theirs), name=f"voxrig-{index}", daemon=True
        )
        process.start()
        theirs.close()
        self._processes[index] = process
        loop.add_reader(ours.fileno(), self._note, index, ours)
        loop.add_reader(process.sentinel, gone.set)
        await gone.wait()
        loop.remove_reader(process.sentinel)
        loop.remove_reader(ours.fileno())
        ours.close()
        process.join()
        del self._processes[index]
        return process.exitcode or 0

    def _note(self, index: int, line: Connection) -> None:
        """A worker serves, or its end of the line is closed."""
        try:
            line.recv_bytes()
        except EOFError:
            asyncio.get_running_loop().remove_reader(line.fileno())
            return
        self._serving.add(index)
        _log.info("worker serves", extra={"worker": index})
        if len(self._serving) == self._count:
            up, self._up = self._up, lambda: None
            up()

    def _give_up(self, fault: str) -> None:
        self._fault = self._fault or fault
        self._stop.drain.set()

    async def _pass_on(self) -> None:
        """Drain, end at once, kill: as we are told, or as patience runs out."""
        await self._stop.drain.wait()
        self._signal(signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.end.wait(), self._patience)
        self._signal(signal.SIGINT)
        await asyncio.sleep(_LAST)
        self._signal(signal.SIGKILL)

    def _signal(self, kind: signal.Signals) -> None:
        for process in self._processes.values():
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, kind)


def supervise(count: int, work: Work, up: Callable[[], None], patience: float) -> bool:
    """Runs a crew; see there."""
    return asyncio.run(Crew(count, work, up, patience).run())


def by_parent() -> Stop:
    """A worker drains when it gets SIGTERM, however often, or its parent is gone; at SIGINT it ends at once.

    So it does no harm where a service manager signals both the parent and its workers.
    """
    stop, loop, parent = Stop(), asyncio.get_running_loop(), multiprocessing.parent_process()
    loop.add_signal_handler(signal.SIGTERM, stop.drain.set)
    loop.add_signal_handler(signal.SIGINT, stop.now)
    assert parent is not None

    def orphaned() -> None:
        loop.remove_reader(parent.sentinel)
        stop.drain.set()

    loop.add_reader(parent.sentinel, orphaned)
    return stop


@contextmanager
def reserved(host: str, port: int) -> Iterator[int]:
    """A port, or for 0 a free one, that workers of ours may share and nobody else has. Raises VoxrigError."""
    if not hasattr(socket, "SO_REUSEPORT"):
        raise VoxrigError("this system cannot share a port among workers; start servers on several ports")
    try:
        family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        with socket.socket(
            family
        ) as alone:  # without SO_REUSEPORT, which would share with any server of ours
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind(address)
        held = socket.socket(family)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(address)
    except OSError as error:
        raise VoxrigError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    with held:  # it never listens, so it takes no calls from the workers
        yield int(held.getsockname()[1])


def _enter(work: Work, index: int, line: Connection) -> NoReturn:
    os.setpgid(0, 0)  # Ctrl-C is for the parent, who passes it on
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(work(index, lambda: line.send_bytes(b"up")))
