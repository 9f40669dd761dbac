"""Where the pictures of a take go: a file that appears whole, a folder, a pipe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from voxrig.avatar.figure import Picture
from voxrig.errors import OutputError, one_line, unknown
from voxrig.render.film import KINDS, Film, Footage, kind_of
from voxrig.render.raw import Raw
from voxrig.render.stills import Row, is_row
from voxrig.types import AudioChunk
from voxrig_export.atomic import AtomicFile, OpenStream, Target, is_stream

FILES = [kind.name for kind in KINDS if kind.name != "nut"]
FORMATS = (*FILES, "png", "raw", "nut")


class Screen(Protocol):
    """Takes pictures and their sound, frame by frame."""

    def write(self, picture: Picture, sound: AudioChunk) -> None:
        """Raises OutputError."""

    def close(self) -> None:
        """All is written. Raises OutputError."""

    def abandon(self) -> None:
        """Nothing of it shall stay, where that is possible."""


def format_of(out: str, named: str | None) -> str:
    """The format of a place, one of FORMATS. Raises OutputError."""
    if named is not None and named not in FORMATS:
        raise OutputError(unknown("format of pictures", named, FORMATS))
    try:
        piped = is_stream(out)
    except IsADirectoryError:
        piped = False
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot write {one_line(out)}: {error}") from error
    if piped:
        if named not in (None, "raw", "nut"):
            raise OutputError(f"{named} needs a file; have raw, nut for pipes")
        return named or "raw"
    if named is not None:
        return named
    suffix = os.path.splitext(out)[1].lower()
    if is_row(out):
        return "png"
    if suffix[1:] not in FILES:
        hint = "; single pictures are numbered, as talk_%05d.png" if suffix == ".png" else ""
        kinds = ", ".join(f".{name}" for name in FILES)
        raise OutputError(f"no pictures can be written to '{one_line(out)}'; have {kinds}, a folder, -{hint}")
    return suffix[1:]


def open_screen(out: str, format: str, footage: Footage) -> Screen:
    """A place of that format. Raises OutputError."""
    if format == "png":
        return Row(out, footage.labels, footage.xmp)
    try:
        piped = is_stream(out)
        target: Target = OpenStream(out) if piped else AtomicFile(Path(out))
    except OSError as error:
        raise OutputError(f"cannot write {one_line(out)}: {error.strerror or error}") from error
    if format == "raw":
        return Raw(target.file)
    try:
        place = target.file if piped else target.file.name
        return _Filmed(target, Film(place, kind_of(format), footage, out))
    except BaseException:
        target.abandon()
        raise


class _Filmed:
    """A video that takes its name when it is whole."""

    def __init__(self, target: Target, film: Film) -> None:
        self._target, self._film = target, film
        self.write = film.write

    def close(self) -> None:
        self._film.close()
        try:
            self._target.commit()
        except OSError as error:
            raise OutputError(f"cannot keep the video: {error.strerror or error}") from error

    def abandon(self) -> None:
        self._film.abandon()
        self._target.abandon()
