"""Where takes are kept: so many, and so many bytes. The one that nobody used for longest goes first."""

from __future__ import annotations

from collections import OrderedDict
from itertools import count

from .refusal import missing
from .take import Curves, Speech


class Shelf:
    """Takes by their id. Belongs to the event loop."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._bytes = most, most_bytes
        self._takes: OrderedDict[str, Speech | Curves] = OrderedDict()
        self._numbers = count(1)

    def add(self, take: Speech | Curves) -> None:
        """Gives it an id, and makes room."""
        take.id = f"{take.kind[0] if take.kind == 'curves' else 't'}{next(self._numbers)}"
        self._takes[take.id] = take
        self.tidy()

    def get(self, id: str) -> Speech | Curves:
        """A take, which is used by that. Raises Refusal."""
        if id not in self._takes:
            raise missing("take", id)
        self._takes.move_to_end(id)
        self.tidy()
        return self._takes[id]

    def remove(self, id: str) -> None:
        """Raises Refusal."""
        if self._takes.pop(id, None) is None:
            raise missing("take", id)

    def all(self) -> list[Speech | Curves]:
        """In the order in which they came."""
        return sorted(self._takes.values(), key=lambda take: int(take.id[1:]))

    def tidy(self) -> None:
        """Makes room: takes grow when other packs hear them. The last that was used always stays."""
        while len(self._takes) > 1 and (
            len(self._takes) > self._most or sum(take.size for take in self._takes.values()) > self._bytes
        ):
            self._takes.popitem(last=False)

    def __len__(self) -> int:
        return len(self._takes)
