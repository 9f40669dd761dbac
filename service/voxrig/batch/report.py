"""What became of a batch: a line of JSON for each clip while it runs, and the sums at its end.

::

    {"clip": "hero/line1", "audio": "lines/hero/line1.wav", "status": "done", "seconds": 3.1, "frames": 186,
     "files": ["hero/line1.csv"], "emotion": "joy=0.8", "idle": "on", "seed": 1807, "note": "scene 3"}
    {"clip": "hero/line2", "audio": "lines/hero/line2.wav", "status": "failed", "kind": "AudioError",
     "error": "…", "note": ""}

``status`` is done, skipped (it was done before) or failed. How it is said stands there where it is not plain.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, TextIO

from ..errors import OutputError
from .manner import Manner
from .work import Outcome

_REMEMBERED = 20  # failures told at the end; the file has them all


class Report:
    """Counts clips, and writes them down where a path is given. Use it in a ``with`` statement."""

    def __init__(self, path: str | None = None) -> None:
        self._path = path
        self._file: TextIO | None = None
        self.counts = {"done": 0, "skipped": 0, "failed": 0}
        self.kinds: dict[str, int] = {}
        """How often each kind of error came."""
        self.failures: list[Outcome] = []
        """The first few."""
        self.seconds, self.frames = 0.0, 0
        """Of clips that were done now."""
        if path is not None:
            try:
                self._file = open(path, "w", encoding="utf-8", newline="\n")  # noqa: SIM115 - closed by close
            except OSError as error:
                raise OutputError(f"cannot write {path}: {error.strerror}") from error

    def add(self, told: Outcome) -> None:
        """Another clip. Raises OutputError."""
        self.counts[told.status] += 1
        if told.status == "failed":
            self.kinds[told.kind] = self.kinds.get(told.kind, 0) + 1
            if len(self.failures) < _REMEMBERED:
                self.failures.append(told)
        self.seconds, self.frames = self.seconds + told.seconds, self.frames + told.frames
        if self._file is not None:
            try:
                self._file.write(json.dumps(_row(told), ensure_ascii=False) + "\n")
                self._file.flush()
            except OSError as error:
                raise OutputError(f"cannot write {self._path}: {error.strerror}") from error

    @property
    def total(self) -> int:
        """Clips so far."""
        return sum(self.counts.values())

    @property
    def code(self) -> int:
        """Exit code: 0 all is done, 1 some failed, 2 all failed."""
        bad = self.counts["failed"]
        return 0 if not bad else 2 if bad == self.total else 1

    def close(self) -> None:
        """No more clips."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Report:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _row(told: Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {"clip": told.clip.out, "audio": told.clip.audio, "status": told.status}
    if told.status == "done":
        row |= {"seconds": round(told.seconds, 3), "frames": told.frames, "files": list(told.files)}
    elif told.status == "failed":
        row |= {"kind": told.kind, "error": told.error}
    manner, plain = asdict(told.clip.manner), asdict(Manner())
    row |= {word: value for word, value in manner.items() if value != plain[word]}
    return row | {"note": told.clip.note}
