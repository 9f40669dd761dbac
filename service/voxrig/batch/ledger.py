"""The ledger of an output folder: which clips are done, made of what.

``.voxrig-batch.jsonl`` gets a line for each clip once all its files have their names; nothing in it is ever
changed. It is brought to the disk every half second, so a power cut costs the clips of half a second::

    {"out": "hero/line1", "key": "5f0c…", "files": {"hero/line1.csv": [20481, "9b1d…"]}, …}

``key`` is the hash of all that the files depend on, each file has its bytes and their sha256. The last line
of a clip counts. A line that was torn by a power cut is dropped, and its clip done again.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputError
from .manifest import OWN

NAME = f"{OWN}.jsonl"
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)  # some network file systems


@dataclass(frozen=True)
class Known:
    """What the ledger says of a clip that is done."""

    key: str
    sizes: Mapping[str, int]
    """Bytes of each file, by its name below the output folder."""


class Ledger:
    """The ledger of one folder, which nobody else may write meanwhile. Use it in a ``with`` statement."""

    def __init__(self, folder: Path) -> None:
        """Raises OutputError where it cannot be written or another batch writes it."""
        path = folder / NAME
        try:
            self._file: BinaryIO = open(path, "a+b")  # noqa: SIM115 - closed by close
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from error
        self._dirty, self._synced = False, 0.0  # s of the monotonic clock
        self._table = sqlite3.connect("", isolation_level=None)
        self._table.execute("CREATE TABLE done (out TEXT PRIMARY KEY, key TEXT, sizes TEXT) WITHOUT ROWID")
        self._table.execute("BEGIN")  # a temporary table; the ledger is the file
        try:
            _lock(self._file, folder)
            self._load()
        except BaseException:
            self.close()
            raise

    def known(self, out: str) -> Known | None:
        """What is done of a clip, if anything."""
        row = self._table.execute("SELECT key, sizes FROM done WHERE out = ?", (out,)).fetchone()
        return None if row is None else Known(row[0], json.loads(row[1]))

    def add(self, entry: Mapping[str, object]) -> None:
        """A clip that is done now; it outlives this process. Raises OutputError when the disk is full."""
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n"
        with _told():
            self._file.write(line.encode())
            self._file.flush()
        self._dirty = True

    def sync(self, apart: float = 0.0) -> None:
        """Makes it outlive a power cut, too, if that was not done within the last ``apart`` seconds."""
        now = time.monotonic()
        if self._dirty and now - self._synced >= apart:
            with _told():
                os.fsync(self._file.fileno())
            self._dirty, self._synced = False, now

    def close(self) -> None:
        """Let others have it."""
        try:
            self.sync()
        finally:
            self._file.close()
            self._table.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _load(self) -> None:
        self._file.seek(0)
        whole = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                self._file.truncate(whole)  # else the next line would be appended to half of one
                break
            whole += len(line)
            try:
                entry = json.loads(line)
                sizes = {str(name): int(size) for name, (size, _) in entry["files"].items()}
                row = (str(entry["out"]), str(entry["key"]), json.dumps(sizes))
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # what a power cut left in the middle of a block
            self._table.execute("INSERT OR REPLACE INTO done VALUES (?, ?, ?)", row)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {NAME}: {error.strerror}") from error


def _lock(file: BinaryIO, folder: Path) -> None:
    """Holds the file until it is closed, or until the process dies."""
    try:
        try:
            import fcntl
        except ImportError:  # Windows
            import msvcrt

            file.seek(1 << 40)  # a byte that nobody writes
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise OutputError(f"another voxrig batch writes to '{folder}'; wait for it or stop it") from error
