"""What a minute of animation costs in each format: time and bytes. Prints; asserts nothing.

make bench        (or: python tests/bench/bench_formats.py)

A minute of real speech at 60 frames a second, on each format's own rig, with its own options; the quickest of
three runs. The head that ships is in glb, usd and fbx. Formats whose package is missing are passed over.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads
os.environ.setdefault("OMP_NUM_THREADS", "1")

import tempfile
import time
from pathlib import Path

import numpy as np

import voxrig
from voxrig.errors import FormatError
from voxrig.types import Frames
from voxrig_export import FORMATS, write

SAMPLE = Path(__file__).parents[2] / "samples" / "hello.wav"
FRAMES = 3600


def main() -> None:
    takes: dict[str, Frames] = {}
    print("one minute at 60 fps")
    with tempfile.TemporaryDirectory() as folder:
        for kind in FORMATS:
            rig = kind.default_rig
            if rig not in takes:
                once = voxrig.animate(SAMPLE, rig, device="cpu")
                takes[rig] = Frames(once.rig, np.resize(once.values, (FRAMES, len(once.rig))), once.fps)
            path, took = Path(folder) / f"take{kind.suffix}", []
            try:
                for _ in range(3):
                    began = time.perf_counter()
                    write(path, takes[rig], kind.name)
                    took.append(time.perf_counter() - began)
            except FormatError as error:
                print(f"  {kind.name:14s}passed over: {error}")
                continue
            print(
                f"  {kind.name:14s}{rig:12s}{1000 * min(took):8.0f} ms {path.stat().st_size / 1000:9.0f} kB"
            )


if __name__ == "__main__":
    main()
