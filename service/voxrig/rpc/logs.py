"""Log lines on standard error: one a record, for people or for machines.

Records bring numbers and names as ``extra``; both kinds of line show them. Of a client only the name that
it gave its stream is logged: no address, key, sound or face.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from ..errors import one_line

Kind = Literal["text", "json"]

_OWN = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"}


def begin(kind: Kind, to: TextIO, **always: object) -> None:
    """From now on log there, with these fields in every record."""
    handler = logging.StreamHandler(to)
    handler.setFormatter(_Json(always) if kind == "json" else _Text(always))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("voxrig").setLevel(logging.INFO)


class _Line(logging.Formatter):
    def __init__(self, always: dict[str, object]) -> None:
        super().__init__()
        self._always = always

    def fields(self, record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
        yield from self._always.items()
        yield from (
            (name, value) for name, value in vars(record).items() if name not in _OWN and name[0] != "_"
        )
        if record.exc_info:
            yield "trace", self.formatException(record.exc_info)


class _Text(_Line):
    """``2026-01-31T12:00:00.000Z info voxrig.floor: stream done model=live frames=120``"""

    def format(self, record: logging.LogRecord) -> str:
        said = f"{_time(record)} {record.levelname.lower()} {record.name}: {record.getMessage()}"
        return one_line(" ".join([said, *(f"{name}={_shown(value)}" for name, value in self.fields(record))]))


class _Json(_Line):
    """An object with time, level, logger, message and the record's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(line | dict(self.fields(record)), default=str)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _shown(value: object) -> str:
    """Quoted where a reader could mistake its end."""
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if text and not set(' ="') & set(text) else json.dumps(text, ensure_ascii=False)
