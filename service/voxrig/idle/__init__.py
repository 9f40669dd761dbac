"""Life beside speech: blinks, gaze, head, brows and breath, as one stage on the native rig."""

from .life import OFF, Life, check, parse
from .stage import Idle

__all__ = ["OFF", "Idle", "Life", "check", "parse"]
