"""Voices read sentences into a folder of recordings, as people would have.

    python -m voxrig_train.speak data/kokoro-en --voice kokoro --styles package/voices --minutes 60 --seed 3

The folder has ``index.csv`` (file, speaker, language, text, source, licence) and FLAC files at 16 kHz; a
file that exists is kept, so that a stopped run goes on.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import soundfile
import soxr

from voxrig.speech.pronounce import LANGUAGES
from voxrig_train.align import RATE
from voxrig_train.text import sentences
from voxrig_train.voices import Flite, Hibari, Kokoro

COLUMNS = ("file", "speaker", "language", "text", "source", "licence")
_LICENCE = {"kokoro": "Apache-2.0", "hibari": "Apache-2.0", "flite": "BSD-like (Flite)"}


def _voice(name: str, styles: Path | None, language: str) -> Flite | Hibari | Kokoro:
    if name == "kokoro":
        assert styles is not None
        return Kokoro(styles, language)
    return Hibari() if name == "hibari" else Flite()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.speak", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("out", type=Path)
    parser.add_argument("--voice", choices=tuple(_LICENCE), required=True)
    parser.add_argument("--styles", type=Path, help="Kokoro: folder of .bin files from npm kokoro-js 1.2.1")
    parser.add_argument("--language", choices=LANGUAGES, default="en")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.voice == "kokoro" and not args.styles:
        parser.error("--voice kokoro needs --styles")
    voice = _voice(args.voice, args.styles, args.language)
    args.out.mkdir(parents=True, exist_ok=True)
    index = args.out / "index.csv"
    if not index.exists():
        index.write_text(",".join(COLUMNS) + "\n")
    with index.open(newline="") as f:
        done = {row["file"]: row for row in csv.DictReader(f)}
    rng, total = np.random.default_rng(args.seed), 0.0
    for i, text in enumerate(sentences(args.seed, args.language)):
        if total >= args.minutes * 60:
            break
        name, speed = str(rng.choice(voice.names)), float(rng.uniform(0.75, 1.35))
        file = f"{args.voice}-{args.language}-{name}-{args.seed}-{i:05d}.flac"
        if file in done:
            total += soundfile.info(args.out / file).duration
            continue
        speech = voice.speak(text, name, speed)
        samples = soxr.resample(speech.samples, speech.rate, RATE)
        samples *= 0.1 / (float(np.sqrt(np.mean(samples**2))) + 1e-9)
        soundfile.write(args.out / file, np.clip(samples, -1, 1), RATE)
        with index.open("a", newline="") as f:
            row = (file, f"{args.voice}-{name}", args.language, text, args.voice, _LICENCE[args.voice])
            csv.writer(f).writerow(row)
        total += len(samples) / RATE
        print(f"\r{args.out}: {total / 60:.1f} min", end="", flush=True)
    print()


if __name__ == "__main__":
    main()
