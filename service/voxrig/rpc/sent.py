"""The frames that a client was sent last, for a mouth that has to close from where it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from ..types import Array, Rig
from .parts import Block

_KEPT = 10.0  # s of frames that an interrupt may go back to


class Sent:
    """Blocks that were sent, a few seconds of them."""

    def __init__(self, rigs: Sequence[Rig], fps: float) -> None:
        self._rigs, self._fps = rigs, fps
        self._blocks: deque[Block] = deque()

    def remember(self, block: Block) -> None:
        """Keeps a block and forgets old ones."""
        self._blocks.append(Block(block.start, block.tracks))
        oldest = block.start + len(block) - _KEPT * self._fps
        while len(self._blocks) > 1 and self._blocks[0].start + len(self._blocks[0]) < oldest:
            self._blocks.popleft()

    def closing(self, first: int, seconds: float) -> list[Array]:
        """(t, c) for each rig: from the frame before ``first`` on its way to rest."""
        count = max(1, round(seconds * self._fps))
        ease = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, count + 1, dtype=np.float32) / count)[:, None]
        shown = [rig.rest for rig in self._rigs]
        for block in self._blocks:
            if block.start < first:
                at = min(first - block.start, len(block)) - 1
                shown = [track[at] for track in block.tracks]
        return [
            np.asarray(rig.rest + (last - rig.rest) * ease, np.float32)
            for rig, last in zip(self._rigs, shown, strict=True)
        ]
