"""Debian's Asterisk prompts as recordings to measure on: one person, 16 kHz, with their texts.

    apt-get install asterisk-core-sounds-en-g722 ffmpeg
    python -m voxrig_train.prompts data/prompts
    python -m voxrig_train.world data/people --recordings data/prompts --minutes 0

The recordings are CC BY-SA 3.0 (Digium; Allison Smith's voice): for measuring, never for training.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import re
import subprocess
from pathlib import Path

_SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
_TEXTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
_LICENCE = "CC BY-SA 3.0 (Asterisk core sounds)"


def texts() -> dict[str, str]:
    """What each prompt says, for those that are plain speech of at least three words."""
    found = {}
    with gzip.open(_TEXTS, "rt", encoding="utf-8", errors="replace") as f:
        for line in f:
            name, _, said = line.partition(":")
            said = said.strip()
            if (
                said
                and not name.startswith(";")
                and not re.search(r"[\[\]<>(0-9]", said)
                and len(said.split()) > 2
            ):
                found[name.strip()] = said
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.prompts", description=__doc__)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, said in sorted(texts().items()):
        source = _SOUNDS / f"{name}.g722"
        if source.exists():
            file = name.replace("/", "-") + ".wav"
            decode = ["ffmpeg", "-v", "error", "-y", "-f", "g722", "-i", str(source), str(args.out / file)]
            subprocess.run(decode, check=True)
            rows.append((file, "allison", "en", said, "asterisk-core-sounds-en", _LICENCE))
    with (args.out / "index.csv").open("w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(("file", "speaker", "language", "text", "source", "licence"))
        writer.writerows(rows)
    print(f"{len(rows)} prompts in {args.out}")


if __name__ == "__main__":
    main()
