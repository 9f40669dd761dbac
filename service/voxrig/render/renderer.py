"""What every renderer does."""

from __future__ import annotations

from typing import Protocol

from voxrig.avatar.figure import Picture
from voxrig.types import Array


class Renderer(Protocol):
    """Draws one face, frame by frame, always at one size. For one thread at a time."""

    size: tuple[int, int]
    """Height and width, pixels."""
    transparent: bool
    """Whether pictures have an alpha channel."""

    def draw(self, values: Array) -> Picture:
        """The picture for values (c,) of the native rig.

        (h, w, 3) sRGB, or (h, w, 4) with straight alpha if ``transparent``. Valid until the next call.
        """
        ...
