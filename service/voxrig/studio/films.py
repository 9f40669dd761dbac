"""Videos of takes: jobs that one thread draws after the other, into files of the studio's own folder."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .._version import __version__
from ..cast import SOUND_RATE, sound_before
from ..errors import VoxrigError, unknown
from ..performance import Direction
from ..rigs import NATIVE
from ..types import AudioChunk
from .packs import Packs
from .photos import Sitter
from .refusal import INTERNAL, Refusal, missing
from .show import Show, elsewhere
from .take import Speech, Take

PORTRAIT = "portrait"
SIDES = (64, 1920)
"""Pixels of a picture's side."""
_MOST, _WAITING = 10, 4

if TYPE_CHECKING:  # it needs the extra render
    from ..render.renderer import Renderer

_log = logging.getLogger("voxrig.studio")


class _StoppedError(Exception):
    """Nobody wants it any more."""


@dataclass(eq=False)
class Job:
    """One video."""

    id: str
    name: str
    path: Path
    state: Literal["working", "done", "failed"] = "working"
    progress: float = 0.0
    error: str | None = None
    stopped: Event = field(default_factory=Event)

    def told(self) -> dict[str, Any]:
        """What clients are told."""
        return {"id": self.id, "state": self.state, "progress": round(self.progress, 3), "error": self.error}


@dataclass(frozen=True)
class _Easel:
    """How a video is drawn."""

    renderer: str
    width: int
    sitter: Sitter | None

    def opened(self, avatar: Path | None) -> tuple[Renderer, dict[str, str]]:
        """What draws, and what else a file has to tell. Raises VoxrigError."""
        if self.sitter is not None:
            from ..render.portrait import mark

            return self.sitter.portrait(self.width), mark.texts()
        from ..avatar.load import load
        from ..render.look import Look, open_renderer

        return open_renderer(Look(self.renderer, (self.width, self.width)), load(avatar)), {}


class Films:
    """All videos. Belongs to the event loop; its thread draws."""

    def __init__(self, folder: Path, packs: Packs, avatar: Path | None) -> None:
        self._folder, self._packs, self._avatar = folder, packs, avatar
        self._jobs: dict[str, Job] = {}
        self._numbers = count(1)
        # One thread: the kernels that draw use all cores at once and cannot be entered twice.
        self._thread = ThreadPoolExecutor(1, "voxrig-films")

    def begin(
        self, take: Take, direction: Direction, renderer: str, width: int, sitter: Sitter | None = None
    ) -> Job:
        """A job for a take; a sitter is for the renderer portrait. Raises VoxrigError."""
        from ..render.film import check_size
        from ..render.look import RENDERERS, check_extra

        try:
            check_extra()
        except VoxrigError as error:
            raise Refusal(409, str(error)) from error
        if renderer not in (*RENDERERS, PORTRAIT):
            raise VoxrigError(unknown("renderer", renderer[:64], (*RENDERERS, PORTRAIT)))
        if (sitter is None) == (renderer == PORTRAIT):
            raise VoxrigError(f"photo and renderer {PORTRAIT} go together; see POST /api/photos")
        if not SIDES[0] <= width <= SIDES[1]:
            raise VoxrigError(f"width is {width}; have {SIDES[0]} to {SIDES[1]}")
        check_size((width, width), even=True)
        if sum(job.state == "working" for job in self._jobs.values()) >= _WAITING:
            raise Refusal(429, f"{_WAITING} videos are being made; wait for one, or stop it")
        show = Show(take, elsewhere(direction, NATIVE), self._packs)
        id = f"j{next(self._numbers)}"
        job = Job(id, Path(take.name).stem, self._folder / f"{id}.mp4")
        self._jobs[id] = job
        for old in [job.id for job in self._jobs.values() if job.state != "working"][
            : max(0, len(self._jobs) - _MOST)
        ]:
            self.remove(old)
        self._thread.submit(self._make, job, show, _Easel(renderer, width, sitter))
        return job

    def get(self, id: str) -> Job:
        """Raises Refusal."""
        if id not in self._jobs:
            raise missing("job", id)
        return self._jobs[id]

    def remove(self, id: str) -> None:
        """Stops a job, and forgets its file. Raises Refusal."""
        job = self.get(id)
        del self._jobs[id]
        job.stopped.set()
        job.path.unlink(missing_ok=True)

    def stop(self) -> None:
        """Ends all of them, with the picture that is drawn now."""
        for job in self._jobs.values():
            job.stopped.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _make(self, job: Job, show: Show, easel: _Easel) -> None:
        try:
            self._draw(job, show, easel)
            job.state, job.progress = "done", 1.0
        except _StoppedError:
            job.state, job.error = "failed", "it was stopped"
        except VoxrigError as error:
            job.state, job.error = "failed", str(error)
        except Exception:
            _log.exception("a video failed")
            job.state, job.error = "failed", INTERNAL
        if job.state != "done" or job.stopped.is_set():
            job.path.unlink(missing_ok=True)

    def _draw(self, job: Job, show: Show, easel: _Easel) -> None:
        from ..render.film import Film, Footage, kind_of

        if job.stopped.is_set():
            raise _StoppedError
        drawn, marks = easel.opened(self._avatar)
        fps = show.direction.fps
        heard = show.take.heard() if isinstance(show.take, Speech) else None
        labels = {"title": job.name, "comment": f"Made with voxrig {__version__}"} | marks
        footage = Footage(drawn.size, fps, sound=None if heard is None else SOUND_RATE, labels=labels)
        film = Film(str(job.path), kind_of("mp4"), footage, f"{job.name}.mp4")
        try:
            for part in show.parts():
                for k, values in enumerate(part.values, part.start):
                    if job.stopped.is_set():
                        raise _StoppedError
                    film.write(drawn.draw(values), None if heard is None else _sound(heard, k, fps))
                    job.progress = min(0.99, (k + 1) / show.frames)
            film.close()
        except BaseException:
            film.abandon()
            raise


def _sound(heard: np.ndarray[Any, np.dtype[np.int16]], frame: int, fps: Fraction) -> AudioChunk:
    """What is heard while a frame is shown; silence after the end."""
    start, end = sound_before(frame, fps), sound_before(frame + 1, fps)
    samples = np.zeros(end - start, np.float32)
    part = heard[start:end]
    samples[: len(part)] = part.astype(np.float32) / 32768
    return AudioChunk(samples, SOUND_RATE, start)
