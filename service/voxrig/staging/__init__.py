"""Text direction: a director's words as timed styles and looks."""

from .schedule import Key, Look
from .staging import AS_IT_COMES, Staging, direct
from .vocabulary import known

__all__ = ["AS_IT_COMES", "Key", "Look", "Staging", "direct", "known"]
