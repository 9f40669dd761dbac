"""Text direction: a director's words as timed styles and looks."""

from voxrig.types import Key

from .schedule import Look
from .staging import AS_IT_COMES, Staging, direct
from .vocabulary import known

__all__ = ["AS_IT_COMES", "Key", "Look", "Staging", "direct", "known"]
