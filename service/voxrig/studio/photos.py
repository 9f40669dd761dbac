"""Photos of faces that may speak in videos, each given with the consent of whom it shows."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from typing import TYPE_CHECKING, BinaryIO

from .refusal import missing

if TYPE_CHECKING:  # they need the extra portrait
    from ..avatar.figure import Picture
    from ..render.portrait.landmarks import Landmarks
    from ..render.portrait.portrait import Portrait

_MOST = 5


@dataclass(frozen=True, eq=False)
class Sitter:
    """Somebody in a photo."""

    name: str
    picture: Picture
    marks: Landmarks

    def portrait(self, size: int) -> Portrait:
        """What draws the face, with the AI mark in its corner. Raises FormatError."""
        from ..render.portrait.portrait import Portrait

        return Portrait(self.picture, self.marks, size, name=self.name)


class Photos:
    """The last few of them, in memory. Belongs to the event loop."""

    def __init__(self) -> None:
        self._sitters: dict[str, Sitter] = {}
        self._numbers = count(1)

    def add(self, sitter: Sitter) -> str:
        """Keeps one, and tells its id; the oldest makes room."""
        id = f"p{next(self._numbers)}"
        self._sitters[id] = sitter
        for old in list(self._sitters)[:-_MOST]:
            del self._sitters[old]
        return id

    def get(self, id: str) -> Sitter:
        """Raises Refusal."""
        if id not in self._sitters:
            raise missing("photo", id)
        return self._sitters[id]


def sat(data: BinaryIO, name: str) -> Sitter:
    """The face in a photo. Raises FormatError where there is not exactly one to be seen well, and ModelError
    where networks are missing."""
    from ..render.look import check_extra
    from ..render.portrait import landmarks, photo

    check_extra()
    picture = photo.read(data, name)
    return Sitter(name, picture, landmarks.find(picture, None, name))


def possible() -> bool:
    """Whether the networks that find faces are here."""
    return all(find_spec(module) for module in ("ai_edge_litert", "mediapipe"))
