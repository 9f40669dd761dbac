"""The same work through Ray Data: actors on this machine or all over a cluster (extra batch).

The output folder and the recordings must have the same paths on every machine, and voxrig must be
installed there. The ledger is written by whoever began the batch, never by an actor. Each actor has one
worker process of its own, so that a clip that kills its process kills no actor: Ray would try it for ever.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
from collections.abc import Callable, Generator, Iterable
from itertools import islice
from typing import Any, Final

from ..errors import ModelError, ServiceError, VoxrigError
from .pool import Pool
from .work import Outcome, Settings, Task, Tools

_PATIENCE: Final = 5.0  # s
_ROUND: Final = 512  # batches that Ray is given at a time, so that it need not hold them all


class _Actor:
    """A pickled batch in, pickled outcomes out."""

    def __init__(self, settings: Settings, tools: Tools) -> None:
        self._pool = Pool(settings, tools, 1)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"told": [pickle.dumps(self._run(pickle.loads(data))) for data in batch["tasks"]]}

    def _run(self, tasks: list[Task]) -> list[Outcome] | VoxrigError:
        try:
            return list(self._pool.run([tasks], lambda: None))
        except VoxrigError as error:  # for the one who began the batch; raised here, Ray would wrap it
            self._pool.close()
            return error


def run(
    batches: Iterable[list[Task]],
    settings: Settings,
    tools: Tools,
    address: str,
    jobs: int | None,
    check: Callable[[], None],
) -> Generator[Outcome, None, None]:
    """Runs batches in ``jobs`` actors, one for each CPU of the cluster by default, and tells of each clip.

    ``address`` is that of a cluster, or ``local`` for one on this machine that ends with the batch. Raises
    ModelError where Ray is missing or no clip can be done, and ServiceError where there is no cluster.
    """
    ray = _connected(address)
    try:
        jobs = jobs or max(1, int(ray.cluster_resources().get("CPU", 1)))
        waiting = iter(batches)
        while some := list(islice(waiting, _ROUND)):
            rows = [{"tasks": pickle.dumps(batch)} for batch in some]
            told = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
                _Actor,
                fn_constructor_args=(settings, tools),
                batch_size=1,
                compute=ray.data.ActorPoolStrategy(size=min(jobs, len(rows))),
                num_cpus=1,
            )
            for row in told.iter_rows():
                outcomes = pickle.loads(row["told"])
                if isinstance(outcomes, VoxrigError):
                    raise outcomes
                check()
                yield from outcomes
    finally:
        ray.shutdown()


def _connected(address: str) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # or it calls home
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or it warns of its own future
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ModelError("Ray Data is missing; pip install 'voxrig[batch]', or leave --ray out") from error
    _knock(address)
    try:
        ray.init(address, logging_level=logging.ERROR, log_to_driver=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        told = (str(error) or type(error).__name__).splitlines()[0]
        raise ServiceError(f"no Ray cluster at '{address}': {told}", "UNAVAILABLE") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    return ray


def _knock(address: str) -> None:
    """Whether somebody is at HOST:PORT at all: Ray itself would go on trying for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
    except (OSError, OverflowError) as error:
        told = getattr(error, "strerror", None) or error
        raise ServiceError(f"no Ray cluster at '{address}': {told}", "UNAVAILABLE") from error
