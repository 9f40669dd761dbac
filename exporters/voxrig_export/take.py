"""What every curve file is told about the performance it holds, and what it must offer."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from voxrig.types import Array, Rig
from voxrig_export.options import Options


@dataclass(frozen=True, eq=False)
class Take:
    """One performance, before its first frame."""

    rig: Rig
    fps: Fraction
    """Frames a second, exact."""
    audio: str = ""
    """Path of the sound that belongs to it, as the file shall say it; empty when there is none."""
    folder: Path = Path()
    """Where scratch space may be taken: the folder of the finished file."""
    options: Options = field(default_factory=Options)


class Writer(Protocol):
    """Puts one take into an open binary file. Knows nothing of names or half-written files.

    Made with ``(out, take)``. A format that has no last words and holds nothing keeps the
    methods ``finish`` and ``release`` that stand here, which do nothing.
    """

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``; t is small."""

    def finish(self, count: int) -> None:
        """Put down what follows the last of ``count`` frames."""

    def release(self) -> None:
        """Let go of scratch space, after ``finish`` or instead of it."""
