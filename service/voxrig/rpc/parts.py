"""What a stream tells its client: blocks of frames, notices, and a summary at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..types import Array


@dataclass(frozen=True, eq=False)
class Block:
    """Consecutive frames on every rig of the order."""

    start: int
    tracks: Sequence[Array]  # (t, c) each
    sound: bytes = b""
    """The sound of these frames, as it was encoded, where it is echoed."""

    def __len__(self) -> int:
        return len(self.tracks[0])


@dataclass(frozen=True)
class Notice:
    """Something that the client should know."""

    kind: str
    """dropped, late, going_away, interrupted, silence or left_out."""
    message: str
    first: int = 0
    end: int = 0
    """One after the last."""
    seconds: float = 0.0


@dataclass
class Summary:
    """What became of a stream."""

    samples: int = 0
    frames: int = 0
    """Sent."""
    dropped: int = 0
    late: int = 0
    silence: int = 0
    """Samples put in."""
    lateness: float = 0.0
    """Worst, in seconds."""
    first_frame: float | None = None
    """Seconds from the first sound to the first frame."""


Part = Block | Notice | Summary
