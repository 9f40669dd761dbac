"""Numbers that change over time by keys, along straight lines."""

from __future__ import annotations

from collections import deque

import numpy as np

from .types import Array


class Track:
    """Vectors (k,) over frames. What is taken does not depend on how it is cut, so long as a key comes
    before its frames."""

    def __init__(self, first: Array) -> None:
        self._from = self._to = first
        self._since, self._over = 0, 0  # frames: the way from _from to _to
        self._keys: deque[tuple[int, int, Array]] = deque()
        self._still, self._still_at = first[None], first  # frames of a vector that stays, made once

    def key(self, goal: Array, at: int, over: int = 0) -> None:
        """From frame ``at`` on go to another vector, within ``over`` frames.

        A key before the last one takes its time; one for frames that are gone begins with the next.
        """
        at = max(at, self._keys[-1][0]) if self._keys else at
        self._keys.append((at, over, goal))

    @property
    def rests(self) -> bool:
        """Whether all is 0 and no key is to come."""
        return not self._keys and not self._from.any() and not self._to.any()

    def take(self, start: int, count: int) -> Array:
        """Frames ``start`` and on, (count, k), in order; not to be written to."""
        if not self._keys and start >= self._since + self._over:  # mostly
            if len(self._still) != count or self._still_at is not self._to:
                self._still, self._still_at = np.tile(self._to, (count, 1)), self._to
            return self._still
        parts, at, end = [], start, start + count
        while at < end:
            while self._keys and self._keys[0][0] <= at:
                _, over, goal = self._keys.popleft()
                self._from, self._to = self._during(np.array([at]))[0], goal
                self._since, self._over = at, over
            until = min(end, self._keys[0][0]) if self._keys else end
            parts.append(self._during(np.arange(at, until)))
            at = until
        return np.concatenate(parts) if parts else np.zeros((0, len(self._to)), np.float32)

    def _during(self, frames: np.ndarray) -> Array:
        past = np.clip((frames - self._since) / self._over, 0, 1) if self._over else np.ones(len(frames))
        return np.asarray(self._from + past[:, None] * (self._to - self._from), np.float32)
