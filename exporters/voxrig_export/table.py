"""The table of curve formats: what each is called, what it holds, which class writes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import BinaryIO

from voxrig.errors import FormatError, unknown
from voxrig.types import Rig
from voxrig_export.a2f_csv import A2fCsv
from voxrig_export.a2f_json import A2fJson
from voxrig_export.csv_curves import CsvCurves
from voxrig_export.json_curves import JsonCurves
from voxrig_export.livelink_csv import LivelinkCsv
from voxrig_export.npz import Npz
from voxrig_export.take import Take, Writer

_A2F_RIGS = ("arkit", "a2f", "a2f-52")


@dataclass(frozen=True)
class Format:
    """One kind of curve file."""

    name: str
    suffix: str
    """With its dot. Several formats may share one; the first in the table is picked by suffix."""
    description: str
    """One line for a list of formats."""
    rigs: tuple[str, ...] | None
    """Names of the rigs that it can hold; None is any."""
    default_rig: str
    """What to write when the user names no rig."""
    writer: Callable[[BinaryIO, Take], Writer]
    seekable: bool = False
    """Needs a file on disk: it cannot go to a pipe or to standard output."""

    def check(self, rig: Rig) -> None:
        """Raise FormatError if this format cannot hold the rig."""
        if self.rigs is not None and rig.name not in self.rigs:
            kind = "rig" if len(self.rigs) == 1 else "rigs"
            raise FormatError(f"{self.name} holds {kind} {', '.join(self.rigs)}, not {rig.name}")


FORMATS: tuple[Format, ...] = (
    Format("csv", ".csv", "table: time_s, then one column a curve", None, "arkit", CsvCurves),
    Format("json", ".json", "voxrig-curves 1: rig, rate, names and rows", None, "arkit", JsonCurves),
    Format("npz", ".npz", "NumPy archive, exact values", None, "arkit", Npz, seekable=True),
    Format("a2f-json", ".json", "NVIDIA Audio2Face export", _A2F_RIGS, "arkit", A2fJson),
    Format("a2f-csv", ".csv", "NVIDIA Audio2Face-3D client table", _A2F_RIGS, "a2f", A2fCsv),
    Format("livelink-csv", ".csv", "Live Link Face recording", ("livelink",), "livelink", LivelinkCsv),
)


def formats() -> tuple[Format, ...]:
    """Every format, in the order of the table."""
    return FORMATS


def format_for(path: str | PathLike[str], format: str | None = None) -> Format:
    """The format of a name, or without one of a path's suffix. Raises FormatError for neither.

    ``format_for("talk.csv")`` is csv; ``format_for("talk.csv", "a2f-csv")`` is a2f-csv.
    """
    names = [entry.name for entry in FORMATS]
    if format is not None:
        if format not in names:
            raise FormatError(unknown("format", format, names))
        return FORMATS[names.index(format)]
    if fspath(path) == "-":
        raise FormatError(f"standard output has no suffix: name a format; have {', '.join(names)}")
    suffix = Path(path).suffix.lower()
    for entry in FORMATS:
        if entry.suffix == suffix:
            return entry
    raise FormatError(unknown("format", suffix or Path(path).name, names))
