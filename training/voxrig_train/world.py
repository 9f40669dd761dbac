"""Builds a training set: recordings with texts, of people or voices, become clips with phone times.

    python -m voxrig_train.world data/world data/speech data/kokoro-en data/hibari

Each clip becomes ``clips/ID.flac`` (16 kHz mono) and a line of ``clips.jsonl`` with speaker, text,
source, licence and phones. A clip that exists is kept, so that a stopped run goes on. Recordings
are folders with ``index.csv`` (columns file, speaker, language, text, source, licence), as
``voxrig_train.speak`` writes them. English is aligned by PocketSphinx, or by a voxrig pack where one is
given; other languages always by a pack.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voxrig.errors import TextError
from voxrig.recital import transcribe
from voxrig.speech.phones import Phone
from voxrig.types import Array, AudioChunk
from voxrig_train.align import RATE, align, pronounce


@dataclass(frozen=True)
class Clip:
    """One line of clips.jsonl."""

    id: str
    speaker: str
    text: str
    source: str
    licence: str
    seconds: float
    score: float
    """Mean log score of the alignment a frame; 0 where the voice gave its own times."""
    phones: tuple[Phone, ...]
    language: str = "en"


def read(root: Path) -> list[Clip]:
    """The clips of a world."""
    clips = []
    for line in (root / "clips.jsonl").read_text().splitlines():
        row = json.loads(line)
        row["phones"] = tuple(Phone(*p) for p in row["phones"])
        clips.append(Clip(**row))
    return clips


def samples_of(root: Path, clip: Clip) -> Array:
    """The clip's sound, (n,) at 16 kHz."""
    import soundfile

    samples, _ = soundfile.read(root / "clips" / f"{clip.id}.flac", dtype="float32")
    return np.asarray(samples, np.float32)


class _Writer:
    def __init__(self, root: Path) -> None:
        (root / "clips").mkdir(parents=True, exist_ok=True)
        self._root, self._lines = root, root / "clips.jsonl"
        self.done = {c.id for c in read(root)} if self._lines.exists() else set[str]()
        self._tried = root / "dropped.txt"
        self.done |= set(self._tried.read_text().split()) if self._tried.exists() else set()

    def add(self, folder: Path, row: dict[str, str], pack: str | None) -> float:
        """Aligns and stores one recording; returns its seconds, 0 if it did not align."""
        import soundfile
        import soxr

        name = f"{folder.name}-{Path(row['file']).stem}"
        if name in self.done:
            return 0.0
        sound, rate = soundfile.read(folder / row["file"], dtype="float32", always_2d=True)
        samples = np.asarray(soxr.resample(sound.mean(1), rate, RATE), np.float32)
        samples *= 0.1 / (float(np.sqrt(np.mean(samples**2))) + 1e-9)
        language = row["language"][:2]
        aligned: tuple[Sequence[Phone], float] | None
        if language == "en" and pack is None:
            aligned = align(samples, row["text"], pronounce)
        else:
            aligned = _by_pack(samples, row["text"], language, pack or "file")
        if aligned is None:
            with self._tried.open("a") as f:
                f.write(name + "\n")
            return 0.0
        phones, score = aligned
        seconds = len(samples) / RATE
        soundfile.write(self._root / "clips" / f"{name}.flac", np.clip(samples, -1, 1), RATE)
        told = {"id": name} | {k: row[k] for k in ("speaker", "text", "source", "licence")}
        told |= {"language": language, "seconds": round(seconds, 3), "score": round(score, 2)}  # type: ignore[dict-item]
        times = [(p.label, round(p.start, 4), round(p.end, 4)) for p in phones]
        with self._lines.open("a") as f:
            f.write(json.dumps(told | {"phones": times}, ensure_ascii=False) + "\n")
        return seconds


def _by_pack(samples: Array, text: str, language: str, pack: str) -> tuple[Sequence[Phone], float] | None:
    try:
        found = transcribe(AudioChunk(samples, RATE), text, language, exact=True, pack=pack)
    except TextError:
        return None
    return found.phones, found.score


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.world", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("out", type=Path)
    parser.add_argument("recordings", type=Path, nargs="+")
    parser.add_argument("--pack", help="align with this voxrig pack")
    args = parser.parse_args()
    writer = _Writer(args.out)
    for folder in args.recordings:
        total = 0.0
        with (folder / "index.csv").open(newline="") as f:
            rows = list(csv.DictReader(f))
        for row in rows:
            total += writer.add(folder, row, args.pack)
            print(f"\r{folder.name}: {total / 60:.1f} min", end="", flush=True)
        print()


if __name__ == "__main__":
    main()
