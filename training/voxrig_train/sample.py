"""Speaks samples/hello.wav with Kokoro (Apache-2.0): python -m voxrig_train.sample VOICES samples/hello.wav

p b m, f v, rounded and spread sounds, and a pause in the middle.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from voxrig_train.voices import Kokoro

_PARTS = (
    "Hello! Move your lips with me: five fine vowels, a bold blue moon,",
    "and maybe a whole chorus of sheep.",
)
_PAUSE = 0.5  # s


def main() -> None:
    import soundfile

    parser = argparse.ArgumentParser(prog="python -m voxrig_train.sample", description=__doc__)
    parser.add_argument("voices", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--voice", default="af_heart")
    args = parser.parse_args()
    kokoro = Kokoro(args.voices)
    silence = np.zeros(int(_PAUSE * Kokoro.RATE), np.float32)
    spoken = [kokoro.speak(part, args.voice, 0.95).samples for part in _PARTS]
    sound = np.concatenate([silence[: len(silence) // 2], spoken[0], silence, spoken[1], silence])
    sound *= 0.7 / np.abs(sound).max()
    soundfile.write(args.out, sound, Kokoro.RATE, subtype="PCM_16")
    print(f"{args.out}: {len(sound) / Kokoro.RATE:.1f} s at {Kokoro.RATE} Hz")


if __name__ == "__main__":
    main()
