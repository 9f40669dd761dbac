"""Where a page's sound is now: what it told last, and the time that has passed since."""

from __future__ import annotations

from dataclasses import dataclass, replace

_NEAR = 0.12  # s: what is told may differ by so much from what was expected and still be the same run
_EASE = 0.25  # of such a difference that is taken over at once: pages tell their time unevenly
SILENCE = 5.0
"""Seconds after which a page that plays and says nothing is taken for gone."""


@dataclass(frozen=True)
class Clock:
    """A page's sound. Seconds of the take, and of our own monotonic clock."""

    take: str = ""
    playing: bool = False
    at: float = 0.0
    """Where the sound was …"""
    since: float = 0.0
    """… at that moment of ours."""
    speed: float = 1.0
    heard: float = 0.0
    """When the page spoke last."""

    def now(self, time: float) -> float:
        """Where the sound is."""
        return self.at + (time - self.since) * self.speed if self.playing else self.at

    def told(self, take: str, playing: bool, at: float, speed: float, time: float) -> Clock:
        """The clock after a page has told where it is."""
        fresh = Clock(take, playing, at, time, speed, time)
        if (take, playing, speed) != (self.take, self.playing, self.speed) or not playing:
            return fresh
        expected = self.now(time)
        if abs(at - expected) > _NEAR:
            return fresh
        return replace(fresh, at=expected + _EASE * (at - expected))
