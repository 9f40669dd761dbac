"""What a request is answered where it cannot be done: a status and one sentence."""

from __future__ import annotations

from ..errors import BridgeError, ModelError, OutputError, VoxrigError, one_line

INTERNAL = "internal error; the log tells more"


class Refusal(VoxrigError):  # noqa: N818 - no error of ours, an answer
    """A request that is turned away for a reason of its own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        """Of HTTP: 400, 401, 404, 409, 413, 415 or 429."""


def missing(kind: str, name: str) -> Refusal:
    """There is nothing of that name."""
    return Refusal(404, f"no {kind} '{one_line(name[:64])}'; it may have made room for newer ones")


def status_of(error: VoxrigError) -> int:
    """The status for an error: 409 where the server lacks something, 400 where the request is wrong."""
    if isinstance(error, Refusal):
        return error.status
    lacks = isinstance(error, ModelError) or "pip install" in str(error)
    fails = isinstance(error, BridgeError | OutputError) and str(error).startswith(
        ("cannot write", "cannot listen")
    )
    return 409 if lacks or fails else 400
