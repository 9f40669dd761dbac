"""Files that appear whole or not at all, and the streams for which that cannot be promised."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

STANDARD_OUTPUT = "-"


class Target(Protocol):
    """An open place to write to, whose content is kept or dropped as a whole."""

    file: BinaryIO
    folder: Path
    """Where scratch space for it may be taken."""

    def commit(self) -> None:
        """Keep what was written."""

    def abandon(self) -> None:
        """Drop what was written. Never raises OSError."""


class AtomicFile:
    """Writes under a temporary name in the same folder and takes the final name when whole.

    A file that was there before stays as it is until then. A link is followed. Raises OSError.
    """

    def __init__(self, path: Path) -> None:
        self._path = Path(os.path.realpath(path))
        self.folder = self._path.parent
        self._temporary = self._path.with_name(f".voxrig-{secrets.token_hex(6)}.part")
        try:
            self.file: BinaryIO = open(self._temporary, "xb")  # noqa: SIM115 - closed by commit or abandon
        except KeyboardInterrupt:  # it comes after the call, when the file is there
            self._temporary.unlink(missing_ok=True)
            raise

    def commit(self) -> None:
        """Close and rename."""
        self.file.close()
        os.replace(self._temporary, self._path)

    def abandon(self) -> None:
        """Close and remove."""
        with suppress(OSError):
            self.file.close()
        with suppress(OSError):
            self._temporary.unlink()


class OpenStream:
    """Standard output, a pipe or a device: what is written is gone at once."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.folder = Path()
        self._owned = os.fspath(path) != STANDARD_OUTPUT
        if not self._owned and sys.stdout is None:
            raise OSError(errno.EBADF, "it is closed")
        self.file: BinaryIO = open(path, "wb") if self._owned else sys.stdout.buffer  # noqa: SIM115

    def commit(self) -> None:
        """Push out what is buffered."""
        self.file.flush()
        if self._owned:
            self.file.close()

    def abandon(self) -> None:
        """Only close; nothing can be called back."""
        with suppress(OSError):
            if self._owned:
                self.file.close()


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Whether a path is ``-`` or an existing pipe or device. Raises OSError for a folder or a bad path."""
    if os.fspath(path) == STANDARD_OUTPUT:
        return True
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError("it is a folder")
    return not stat.S_ISREG(mode)
