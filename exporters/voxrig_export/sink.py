"""Curve files as a place where frames go: opened, fed in pieces of any size, whole at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType

import numpy as np

from voxrig.errors import FormatError, OutputError
from voxrig.types import Frames, Rig
from voxrig_export.atomic import AtomicFile, OpenStream, Target, is_stream
from voxrig_export.options import Options
from voxrig_export.table import FORMATS, Format, format_for
from voxrig_export.take import Take

_BLOCK = 256
"""Rows formatted at a time, so that memory stays small whatever comes in one piece."""


def open_sink(
    path: str | PathLike[str],
    rig: Rig,
    fps: Fraction,
    format: str | None = None,
    *,
    total: int | None = None,
    audio: str | PathLike[str] | None = None,
    options: Options | None = None,
) -> FileSink:
    """Begin a curve file. Raises FormatError, or OutputError if it cannot be made.

    ``path`` may be ``-``, a pipe or a device for the text formats. ``format`` is a name from the table,
    or None to go by the suffix. ``total`` is how many frames will come, where that is known; a take
    that ends with another number is a ValueError and leaves no file. ``audio`` is the sound that
    belongs to the curves, for formats that mention it. ``options`` are for the formats that name them.
    """
    kind, options = format_for(path, format), options or Options()
    kind.check(rig)
    kind.check_options(options)
    if fps <= 0:
        raise ValueError(f"fps must be above 0, got {fps}")
    with _sentences(path):
        if is_stream(path):
            _check_stream(kind)
        target: Target = OpenStream(path) if is_stream(path) else AtomicFile(Path(path))
        try:
            take = Take(rig, Fraction(fps), "" if audio is None else fspath(audio), target.folder, options)
            return FileSink(path, target, kind, take, total)
        except BaseException:
            target.abandon()
            raise


def write(
    path: str | PathLike[str],
    frames: Frames,
    format: str | None = None,
    audio: str | PathLike[str] | None = None,
    options: Options | None = None,
) -> None:
    """Write a whole take at once: ``write("talk.csv", frames)``."""
    with open_sink(
        path, frames.rig, frames.fps, format, total=len(frames), audio=audio, options=options
    ) as sink:
        sink.write(frames)


class FileSink:
    """One curve file under way.

    Frames come in order from index 0, in pieces of any size; the bytes do not depend on the pieces.
    The file has its name after ``close``. Leaving a ``with`` block closes it, and an exception that
    leaves the block abandons it: then there is neither a file nor a temporary one.
    """

    def __init__(
        self, path: str | PathLike[str], target: Target, kind: Format, take: Take, total: int | None
    ) -> None:
        self._path, self._target, self._take, self._total = path, target, take, total
        self._writer = kind.writer(target.file, take)
        self._count = 0
        self._open = True

    def write(self, frames: Frames) -> None:
        """Append frames. Raises OutputError when the disk will not have them; the file is abandoned."""
        if not self._open:
            raise ValueError("write to a curve file that is closed")
        self._check(frames)
        try:
            with _sentences(self._path):
                for at in range(0, len(frames), _BLOCK):
                    self._writer.write(frames.values[at : at + _BLOCK], self._count)
                    self._count += len(frames.values[at : at + _BLOCK])
        except BaseException:
            self.abandon()
            raise

    def close(self) -> None:
        """Complete the file and give it its name. Does nothing the second time."""
        if not self._open:
            return
        try:
            if self._total is not None and self._count != self._total:
                raise ValueError(f"{self._total} frames were announced, {self._count} came")
            with _sentences(self._path):
                self._writer.finish(self._count)
                self._writer.release()
                self._target.commit()
            self._open = False
        except BaseException:
            self.abandon()
            raise

    def abandon(self) -> None:
        """Drop everything written so far. Does nothing after ``close``."""
        if self._open:
            self._open = False
            self._target.abandon()
            with suppress(OSError):
                self._writer.release()

    def __enter__(self) -> FileSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _check(self, frames: Frames) -> None:
        rig = self._take.rig
        if frames.rig is not rig and (frames.rig.name, frames.rig.curves) != (rig.name, rig.curves):
            raise ValueError(f"this file holds rig {rig.name}, frames are on {frames.rig.name}")
        if frames.fps != self._take.fps:
            raise ValueError(f"this file runs at {self._take.fps} frames a second, frames at {frames.fps}")
        if frames.start != self._count:
            raise ValueError(f"frames must follow one another: expected {self._count}, got {frames.start}")
        for at in range(0, len(frames), _BLOCK):
            if not np.isfinite(frames.values[at : at + _BLOCK]).all():
                raise ValueError(f"frames from {frames.start + at} hold a value that is not a finite number")


def _check_stream(kind: Format) -> None:
    if kind.seekable:
        able = ", ".join(entry.name for entry in FORMATS if not entry.seekable)
        raise FormatError(f"{kind.name} needs a file on disk; standard output and pipes take {able}")


@contextmanager
def _sentences(path: str | PathLike[str]) -> Iterator[None]:
    """Turn the system's refusals into one sentence that names the file."""
    try:
        yield
    except OSError as error:
        name = "standard output" if fspath(path) == "-" else fspath(path)
        raise OutputError(f"cannot write {name}: {error.strerror or error}") from error
