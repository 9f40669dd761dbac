"""What a user may set about a file beyond its frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """Each format takes what it has a use for; see ``Format.options``."""

    tolerance: float | None = None
    """Most that a curve may be off between the keys that are kept, in units of the curve. 0 keeps every
    frame; None is the format's own choice."""
    mesh: str = ""
    """Which mesh, node or renderer the curves drive, as the target program names it."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What the target calls a curve, where it is not the rig's own name."""
    avatar: Path | None = None
    """A GLB or VRM file whose morph targets are animated; None is the avatar that ships."""
    asset: str = ""
    """Path of the asset that is made, as the target program writes it."""
    skeleton: str = ""
    """Path of the skeleton that an asset belongs to."""

    def given(self) -> list[str]:
        """Names of those that were set."""
        plain = Options()
        return [part.name for part in fields(self) if getattr(self, part.name) != getattr(plain, part.name)]
