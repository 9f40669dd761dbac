"""How long a page of the studio waits: from an upload to its take, and from a direction to frames.

    python tests/bench/bench_studio.py

Prints milliseconds, the best of several, over real sockets on this machine.
"""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1]))

from sounds import SAMPLE
from studio_server import Running, running

from voxrig.audio import read

TRIES = 10
DIRECTIONS = {
    "plain": {},
    "joy": {"style": {"emotion": {"joy": 0.8}}},
    "joy, life": {"style": {"emotion": {"joy": 0.8}}, "life": {}},
}


def wav(seconds: int) -> bytes:
    """The sample over and over."""
    sound = read(SAMPLE)
    count = seconds * sound.rate
    out = io.BytesIO()
    samples = np.tile(sound.samples, -(-count // len(sound.samples)))[:count]
    soundfile.write(out, samples, sound.rate, format="WAV")
    return out.getvalue()


def frames(studio: Running, take: str, serial: int, direction: object, since: float) -> tuple[float, float]:
    """Milliseconds to the first block, and to all of them, on a page that was just opened."""
    with studio.page() as page:
        began, first = time.perf_counter(), 0.0
        page.say(
            type="direct", serial=serial, take=take, rig="livelink", direction=direction, **{"from": since}
        )
        while True:
            message = page.next()
            now = 1000 * (time.perf_counter() - began)
            if isinstance(message, bytes):
                first = first or now
            elif message["type"] == "done":
                return first, now


def main() -> None:
    with running() as studio:
        studio.upload(wav(1))
        for seconds in (10, 60, 600):
            data, uploads = wav(seconds), []
            for _ in range(3):
                began = time.perf_counter()
                take = studio.upload(data).json["id"]
                uploads.append(1000 * (time.perf_counter() - began))
            print(f"{seconds} s: upload to take {min(uploads):.0f} ms")
            for name, direction in DIRECTIONS.items():
                for since in (0.0, seconds - 1.0):
                    made = [frames(studio, take, i + 1, direction, since) for i in range(TRIES)]
                    first, whole = (min(times) for times in zip(*made, strict=True))
                    print(f"  {name}, from {since:g} s: first frames {first:.0f} ms, all {whole:.0f} ms")


if __name__ == "__main__":
    main()
