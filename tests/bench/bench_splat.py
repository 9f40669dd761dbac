"""How quick heads of Gaussians are on the CPU, stage by stage. Prints; asserts nothing.

python tests/bench/bench_splat.py [--frames 60] [--threads 2]

The head that ships, talking and turning, at 256² and 512². A frame is: pose the mesh, carry the Gaussians,
look for those to be seen (depths), sort, make ellipses of them, count and fill the tiles' lists, blend. Given
are the median of all frames, the quickest tenth, and milliseconds of CPU summed over threads, which tell more
than the clock on a machine that has other things to do.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads
os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from voxrig.avatar import load as avatars
from voxrig.render.camera import framed
from voxrig.render.posing import Posing
from voxrig.render.splat import Splat, project, sprout, tiles
from voxrig.render.splat.binding import Binding
from voxrig.rigs.native import NATIVE

STAGES: tuple[tuple[Any, str], ...] = (
    (Posing, "pose"), (Binding, "carry"), (project, "depths"), (project, "order"), (project, "ellipses"),
    (tiles, "count"), (tiles, "fill"), (tiles, "blend"),
)  # fmt: skip
COUNTS = (20_000, 40_000, 80_000)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--threads", type=int, default=numba.config.NUMBA_NUM_THREADS)
    arguments = parser.parse_args()
    numba.set_num_threads(arguments.threads)
    took: dict[str, list[float]] = {}
    for home, name in STAGES:
        setattr(home, name, _timed(getattr(home, name), name, took))
    figure = avatars.load()
    values = _talk(arguments.frames)
    print(f"{arguments.threads} threads, {arguments.frames} frames, load {os.getloadavg()[0]:.1f}")
    for count in COUNTS:
        began = time.process_time()
        gaussians = sprout(figure, count)
        print(f"\n{count} Gaussians, sprouted in {time.process_time() - began:.1f} s of CPU")
        for side in (256, 512):
            splat = Splat(figure, gaussians, framed(figure), (side, side))
            for row in values[:3]:
                splat.draw(row)
            took.clear()
            wall, cpu = np.zeros(len(values)), np.zeros(len(values))
            for i, row in enumerate(values):
                splat.camera = framed(figure, "head", 0.4 * np.sin(i * 0.1))
                wall[i], cpu[i] = -time.perf_counter(), -time.process_time()
                splat.draw(row)
                wall[i] += time.perf_counter()
                cpu[i] += time.process_time()
            middle, quick = 1000 * np.median(wall), 1000 * np.percentile(wall, 10)
            print(
                f"  {side}²: {1000 / middle:5.0f} fps ({middle:.1f} ms, quickest tenth {quick:.1f}), "
                f"CPU {1000 * np.median(cpu):.1f} ms"
            )
            print(
                "       " + ", ".join(f"{name} {1000 * np.median(each):.2f}" for name, each in took.items())
            )


def _talk(frames: int) -> np.ndarray:
    """Values (t, c) of a face that moves its jaw, lips and head."""
    at = np.arange(frames) / 30
    values = np.zeros((frames, len(NATIVE)), np.float32)
    values[:, NATIVE.index("jawOpen")] = 0.3 + 0.3 * np.sin(9 * at)
    values[:, NATIVE.index("mouthFunnel")] = 0.3 + 0.3 * np.sin(5 * at)
    values[:, NATIVE.index("headYaw")] = 0.2 * np.sin(2 * at)
    return values


def _timed(stage: Callable[..., Any], name: str, took: dict[str, list[float]]) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        began = time.perf_counter()
        out = stage(*arguments)
        took.setdefault(name, []).append(time.perf_counter() - began)
        return out

    return timed


if __name__ == "__main__":
    main()
