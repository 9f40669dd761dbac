"""Curve files back to frames: which formats can be read, and how a file tells which one it is.

What a file is stands at its head, not in its name: the columns of a table, the members of an object,
the first bytes of an archive. The suffix is not looked at. The first of the table that fits is taken.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike, fspath
from typing import BinaryIO

from voxrig.errors import FormatError, one_line, unknown
from voxrig.types import Frames
from voxrig_export import glb, vrma
from voxrig_export.read_json import keys, read_a2f_json, read_json
from voxrig_export.read_npz import read_npz
from voxrig_export.read_tables import read_a2f_csv, read_csv, read_livelink_csv

LARGEST = 512 << 20
"""Bytes of a file that is read; more is refused, so that memory stays bounded."""

_HEAD = 1 << 16  # bytes that tell the format
_SOUNDS = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"ID3", b"\xff\xfb")  # WAV, FLAC, Ogg, MP3

Reader = Callable[[BinaryIO, Fraction | None], Frames]
"""Bytes, and the rate where they do not tell it, to frames from index 0. Raises FormatError."""


@dataclass(frozen=True)
class Readable:
    """One kind of curve file that can be read."""

    name: str
    reader: Reader
    begins: Callable[[bytes], bool]
    """Whether a file with these first bytes is one."""
    head: str
    """How such a file begins, for a person."""


READABLE: tuple[Readable, ...] = (
    Readable("csv", read_csv, lambda head: _begins(head, "time_s"), "time_s,<curves>"),
    Readable("json", read_json, lambda head: _has(head, "format", "frames"), '{"format": "voxrig-curves"'),
    Readable("npz", read_npz, lambda head: head.startswith(b"PK"), "PK"),
    Readable("a2f-json", read_a2f_json, lambda head: _has(head, "facsNames", "weightMat"), '{"exportFps":'),
    Readable("a2f-csv", read_a2f_csv, lambda head: _names_shapes(head), ",timeCode,blendShapes.<curves>"),
    Readable(
        "livelink-csv",
        read_livelink_csv,
        lambda head: _begins(head, "timecode"),
        "Timecode,BlendShapeCount,<curves>",
    ),
    Readable("vrma", vrma.read, lambda head: _is_glb(head) and vrma.EXTENSION.encode() in head, "glTF"),
    Readable("glb", glb.read, lambda head: _is_glb(head), "glTF"),
)


def readable() -> tuple[str, ...]:
    """Names of the formats that can be read."""
    return tuple(entry.name for entry in READABLE)


def read(path: str | PathLike[str], format: str | None = None, fps: Fraction | None = None) -> Frames:
    """The take in a file: ``read("talk.csv")``. ``-`` is standard input.

    ``format`` is a name from ``readable``, or None to go by what the file begins with. ``fps`` is
    needed where a file does not tell its rate, and must agree where it does; the keys of glb and vrma are
    read at it. Values are as they were written, even outside the rig's range; the first frame is frame 0.
    Raises FormatError.
    """
    if format is not None and format not in readable():
        raise FormatError(unknown("format to read", format, readable()))
    name = "standard input" if fspath(path) == "-" else fspath(path)
    try:
        with closing(_open(path)) as data:
            kind = format or _told(data)
            entry = next(entry for entry in READABLE if entry.name == kind)
            return entry.reader(data, fps)
    except OSError as error:
        raise FormatError(f"cannot read {name}: {error.strerror or error}") from error
    except FormatError as error:
        raise FormatError(f"{name}: {error}") from error


def _open(path: str | PathLike[str]) -> BinaryIO:
    """The bytes of a file, as something that can go back to its start. Raises FormatError and OSError."""
    if fspath(path) == "-":
        if sys.stdin is None:
            raise FormatError("it is closed")
        return _whole(sys.stdin.buffer)
    file = open(path, "rb")  # noqa: SIM115 - closed by the caller
    try:
        if file.seekable() and os.fstat(file.fileno()).st_size:
            if os.fstat(file.fileno()).st_size > LARGEST:
                raise FormatError(f"it has more than {LARGEST} bytes; split it")
            return file
        with file:
            return _whole(file)
    except BaseException:
        file.close()
        raise


def _whole(stream: BinaryIO) -> BinaryIO:
    held = io.BytesIO(stream.read(LARGEST + 1))
    if len(held.getbuffer()) > LARGEST:
        raise FormatError(f"it has more than {LARGEST} bytes; split it")
    return held


def _told(data: BinaryIO) -> str:
    """The format that a file begins as. Leaves it at its start."""
    head = data.read(_HEAD)
    data.seek(0)
    for entry in READABLE:
        if entry.begins(head):
            return entry.name
    if not head:
        raise FormatError("it is empty")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FormatError("it is UTF-16; save it as UTF-8")
    if head.startswith(_SOUNDS):
        raise FormatError("it is a recording, not curves; voxrig animate makes curves of it")
    expected = " or ".join(f"{entry.head} ({entry.name})" for entry in READABLE)
    raise FormatError(f"it begins with '{one_line(_line(head)[:40])}'; expected {expected}")


def _is_glb(head: bytes) -> bool:
    return head.startswith(b"glTF")


def _line(head: bytes) -> str:
    """The first line, without what stands around it."""
    line = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    return line.decode("utf-8", "replace").strip(' "\r')


def _begins(head: bytes, column: str) -> bool:
    return _line(head).lower().startswith(column)


def _names_shapes(head: bytes) -> bool:
    return "blendshapes." in _line(head).lower()


def _has(head: bytes, *members: str) -> bool:
    """Whether it is an object with one of these members."""
    begun = head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    return begun and not keys(head).isdisjoint(members)
