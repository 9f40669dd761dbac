"""Builds the training set: speech with phone times, from voices in packages and recordings of people.

    python -m voxrig_train.world data/world --kokoro-voices package/voices --minutes 40 --recordings speech

Each clip becomes ``clips/ID.flac`` (16 kHz mono) and a line of ``clips.jsonl`` with speaker, text,
source, licence and phones. A clip that exists is kept, so that a stopped run goes on. Recordings
are a folder with ``index.csv`` (columns file, speaker, language, text, licence).
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voxrig.types import Array
from voxrig_train.align import RATE, align, pronounce
from voxrig_train.phones import Phone, tidy
from voxrig_train.text import sentences
from voxrig_train.voices import Flite, Hibari, Kokoro, Speech

SEED = 7


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

    def add(self, name: str, speech: Speech, speaker: str, text: str, source: str, licence: str) -> float:
        """Aligns and stores one clip; returns its seconds, 0 if it did not align."""
        import soundfile
        import soxr

        samples = np.asarray(soxr.resample(speech.samples, speech.rate, RATE), np.float32)
        seconds = len(samples) / RATE
        if speech.phones is not None:
            phones, score = tidy(speech.phones, seconds), 0.0
        else:
            aligned = align(samples, text, pronounce)
            if aligned is None:
                with self._tried.open("a") as f:
                    f.write(name + "\n")
                return 0.0
            phones, score = aligned
        samples *= 0.1 / (float(np.sqrt(np.mean(samples**2))) + 1e-9)
        soundfile.write(self._root / "clips" / f"{name}.flac", np.clip(samples, -1, 1), RATE)
        row = {"id": name, "speaker": speaker, "text": text, "source": source, "licence": licence}
        row |= {"seconds": round(seconds, 3), "score": round(score, 2)}  # type: ignore[dict-item]
        times = [(p.label, round(p.start, 4), round(p.end, 4)) for p in phones]
        with self._lines.open("a") as f:
            f.write(json.dumps(row | {"phones": times}, ensure_ascii=False) + "\n")
        return seconds


def _recordings(writer: _Writer, root: Path) -> Iterator[float]:
    import soundfile

    with (root / "index.csv").open() as f:
        rows = [r for r in csv.DictReader(f) if r["language"].startswith("en")]
    for row in rows:
        name = "rec-" + Path(row["file"]).stem
        if name not in writer.done:
            samples, rate = soundfile.read(root / row["file"], dtype="float32", always_2d=True)
            speech = Speech(samples.mean(1), rate)
            yield writer.add(name, speech, row["speaker"], row["text"], row["source"], row["licence"])


def _spoken(writer: _Writer, kind: str, kokoro_voices: Path | None, seconds: float) -> Iterator[float]:
    rng = np.random.default_rng(SEED)
    kokoro = Kokoro(kokoro_voices) if kind == "kokoro" and kokoro_voices else None
    engine = kokoro or (Flite() if kind == "flite" else Hibari())
    names = kokoro.names if kokoro else (Flite.NAMES if kind == "flite" else Hibari.NAMES)
    licence = "BSD-like (Flite)" if kind == "flite" else "Apache-2.0"
    have = sum(c.seconds for c in read(writer._root) if c.source == kind) if writer.done else 0.0
    for i, text in enumerate(sentences(SEED + len(kind))):
        if have >= seconds:
            return
        voice = names[i % len(names)]
        speed = float(rng.uniform(0.8, 1.3))
        name = f"{kind}-{voice}-{i:05d}"
        if name not in writer.done:
            made = writer.add(name, engine.speak(text, voice, speed), f"{kind}-{voice}", text, kind, licence)
            have += made
            yield made


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.world", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--minutes", type=float, default=40, help="minutes of Kokoro; half of it of the others"
    )
    parser.add_argument("--kokoro-voices", type=Path, help="folder of .bin files from npm kokoro-js 1.2.1")
    parser.add_argument("--recordings", type=Path, help="folder of recordings with index.csv")
    args = parser.parse_args()
    writer = _Writer(args.out)
    parts = []
    if args.recordings:
        parts.append(("recordings", _recordings(writer, args.recordings)))
    parts.append(("flite", _spoken(writer, "flite", None, args.minutes * 30)))
    parts.append(("hibari", _spoken(writer, "hibari", None, args.minutes * 30)))
    if args.kokoro_voices:
        parts.append(("kokoro", _spoken(writer, "kokoro", args.kokoro_voices, args.minutes * 60)))
    for name, made in parts:
        total = 0.0
        for seconds in made:
            total += seconds
            print(f"\r{name}: {total / 60:.1f} min", end="", flush=True)
        print()


if __name__ == "__main__":
    main()
