"""What a frame of a portrait costs, and its stages. Prints; asserts nothing.

python tests/bench/bench_portrait.py

The photo is a drawing of our own head, so no network is needed; real photos cost the same. "cpu" is the time
of all threads together; the quickest of three runs counts.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads
os.environ.setdefault("OMP_NUM_THREADS", "2")

import time
from collections.abc import Callable

import numpy as np

import voxrig
from voxrig.render.portrait import Landmarks, Portrait, atlas, mouth
from voxrig.rigs import head as heads
from voxrig.rigs.native import NATIVE

FRAMES = 60


def main() -> None:
    head = heads.load()
    picture = atlas.drawn(head, 0.0)
    points = atlas.placed(atlas.load().at(head.vertices)) * [1, 1, -1]
    mask = (picture != 110).any(-1).astype(np.float32)
    marks = Landmarks(points.astype(np.float32), None, mask)
    print(f"voxrig {voxrig.__version__}, a portrait of our own head, talking and turning")
    for size in (256, 512, 1024):
        Portrait(picture, marks, size)  # compiles
        began = time.perf_counter()
        portrait = Portrait(picture, marks, size)
        ready = time.perf_counter() - began
        frames = values()
        stages: dict[str, Callable[[np.ndarray], object]] = {
            "frame": portrait.draw,
            "where each pixel comes from": portrait.motion.pose,
            "where the teeth are": lambda v: mouth.placed(portrait.mouth, v, portrait.motion.turn),  # noqa: B023
        }
        print(f"{size} × {size}: prepared in {ready:.1f} s")
        for name, stage in stages.items():
            wall, cpu = min(timed(stage, frames) for _ in range(3))
            rate = f"{1 / wall:7.0f} fps" if name == "frame" else ""
            print(f"  {name:30s}{1000 * wall:7.2f} ms {1000 * cpu:7.2f} ms cpu {rate}")


def values() -> np.ndarray:
    """Talking (t, 110): jaw and lips, a slow turn of the head, a blink."""
    out = np.zeros((FRAMES, len(NATIVE)), np.float32)
    t = np.arange(FRAMES) / 30
    for curve, wave in {
        "jawOpen": 0.2 + 0.2 * np.sin(25 * t),
        "mouthFunnel": 0.15 + 0.15 * np.sin(13 * t),
        "mouthSmileLeft": 0.2 + 0 * t,
        "mouthSmileRight": 0.2 + 0 * t,
        "eyeBlinkLeft": np.clip(np.sin(3 * t), 0, 1) ** 8,
        "eyeBlinkRight": np.clip(np.sin(3 * t), 0, 1) ** 8,
        "eyeLookInLeft": 0.2 + 0.1 * np.sin(t),
        "headYaw": 0.1 * np.sin(2 * t),
        "headPitch": 0.05 * np.sin(3 * t),
    }.items():
        out[:, NATIVE.index(curve)] = wave
    return out


def timed(stage: Callable[[np.ndarray], object], frames: np.ndarray) -> tuple[float, float]:
    """Seconds a frame: the clock's and the processors'."""
    stage(frames[0])
    wall, cpu = time.perf_counter(), time.process_time()
    for each in frames:
        stage(each)
    return (time.perf_counter() - wall) / len(frames), (time.process_time() - cpu) / len(frames)


if __name__ == "__main__":
    main()
