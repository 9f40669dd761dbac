"""Files that say when words and phones sound: Praat's TextGrid, and JSON of our own.

::

    {"words": [{"text": "Hello", "start": 0.54, "end": 0.99}, …],
     "phones": [{"phone": "sil", "start": 0, "end": 0.54}, …],
     "score": -1.92}

Times are seconds from the clip's first sample. Phones tile the clip. ``score`` is the mean log probability
of what was found, a frame; 0 is certain, and null is nothing found.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from os import PathLike, fspath
from pathlib import Path

from voxrig.errors import FormatError, OutputError, unknown
from voxrig.speech.align import Transcript
from voxrig_export.atomic import AtomicFile, OpenStream, Target, is_stream
from voxrig_export.textgrid import textgrid


def as_json(transcript: Transcript) -> str:
    """One object, a line each for words, phones and score."""
    words = [{"text": w.text, "start": w.start, "end": w.end} for w in transcript.words]
    phones = [{"phone": p.label, "start": p.start, "end": p.end} for p in transcript.phones]
    score = round(transcript.score, 4) if math.isfinite(transcript.score) else None
    rows = {"words": words, "phones": phones, "score": score}
    told = (f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in rows.items())
    return "{" + ",\n".join(told) + "}\n"


TIMINGS: dict[str, Callable[[Transcript], str]] = {".TextGrid": textgrid, ".json": as_json}
"""What writes a transcript, by suffix."""


def timings_suffix(path: str | PathLike[str]) -> str:
    """The suffix in the table that a path ends with, whatever its case. Raises FormatError for any other."""
    suffix = Path(path).suffix
    for known in TIMINGS:
        if known.lower() == suffix.lower():
            return known
    raise FormatError(unknown("timings file", suffix or fspath(path), TIMINGS))


def write_timings(path: str | PathLike[str], transcript: Transcript) -> None:
    """Write a transcript by its suffix, whole or not at all. Raises FormatError or OutputError."""
    text = TIMINGS[timings_suffix(path)](transcript)
    try:
        target: Target = OpenStream(path) if is_stream(path) else AtomicFile(Path(path))
        try:
            target.file.write(text.encode())
            target.commit()
        except BaseException:
            target.abandon()
            raise
    except OSError as error:
        raise OutputError(f"cannot write {fspath(path)}: {error.strerror or error}") from error
