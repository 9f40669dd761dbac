"""What can go wrong in the world, as a tree.

VoxrigError
├── AudioError     the sound cannot be read or is not usable
├── ModelError     a pack or the inference runtime is missing, wrong or refused
├── RigError       unknown rig or curve, or no map between two rigs
├── StyleError     unknown emotion or a weight out of range
├── TextError      words that cannot be pronounced, or do not fit the sound
├── FormatError    unknown file format, or one that cannot hold this rig
├── OutputError    the result cannot be written
├── ServiceError   a server cannot be reached, or refuses
├── BridgeError    a receiver cannot be named or reached
└── WireError      bytes from the network are no message of their protocol

Each is caught at an edge (command line, service) and turned into one sentence or a status.
Mistakes of the calling program raise ValueError and are never caught by us.
"""

from __future__ import annotations

from collections.abc import Iterable


class VoxrigError(Exception):
    """Base of every error that a user can cause or mend."""


class AudioError(VoxrigError):
    """The sound cannot be read or is not usable."""


class ModelError(VoxrigError):
    """A model pack or the inference runtime is missing, wrong or refused."""


class RigError(VoxrigError):
    """Unknown rig or curve, or no map between two rigs."""


class StyleError(VoxrigError):
    """Unknown emotion, or a weight out of range."""


class TextError(VoxrigError):
    """Words that cannot be pronounced, or do not fit the sound."""


class FormatError(VoxrigError):
    """Unknown file format, or one that cannot hold this rig."""


class OutputError(VoxrigError):
    """The result cannot be written."""


class ServiceError(VoxrigError):
    """A server cannot be reached, or refuses."""

    def __init__(self, message: str, code: str, retry: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        """The name of a gRPC status: UNAVAILABLE, UNAUTHENTICATED, RESOURCE_EXHAUSTED …"""
        self.retry = retry
        """Seconds after which to try again, where the server tells them."""


class BridgeError(VoxrigError):
    """A receiver cannot be named or reached."""


class WireError(VoxrigError):
    """Bytes from the network are no message of their protocol."""


def unknown(kind: str, name: str, choices: Iterable[str]) -> str:
    """The sentence for a name that we do not know: thing, fault, and legal choices, or the one that is
    meant where only capitals differ."""
    choices = list(choices)
    near = [choice for choice in choices if choice.lower() == name.lower() and choice != name]
    return f"unknown {kind} '{name}'; " + (f"write {near[0]}" if near else f"have {', '.join(choices)}")


def one_line(text: str) -> str:
    """The text with line breaks and whatever else cannot be printed written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
