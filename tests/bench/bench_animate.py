"""How fast: files, live steps, start-up. Prints; asserts nothing. Baselines are in the same run.

make bench        (or: python tests/bench/bench_animate.py --pack live --pack runs/live-int8)

Live steps are timed in turn on every pack given: on the one that ships, and on its int8 twin where onnx
is there to make it. They count CPU time, which neighbours on the machine disturb less than the clock.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from voxrig.engine import Engine
from voxrig.model import OnnxModel, load
from voxrig.types import AudioChunk

SAMPLE = Path(__file__).parents[2] / "samples" / "hello.wav"
CLI = [sys.executable, "-c", "import sys; from voxrig.cli import main; sys.exit(main())"]


def best(act: Callable[[], object], times: int = 5) -> float:
    """Wall seconds of the quickest of several runs: the least disturbed by neighbours."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        took.append(time.perf_counter() - began)
    return min(took)


def files() -> None:
    sound, rate = soundfile.read(SAMPLE, dtype="float32")
    ten_minutes = np.resize(sound, 600 * rate)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ten_minutes.wav"
        soundfile.write(path, ten_minutes, rate, subtype="PCM_16")
        rows = {}
        for name, extra in (("file (blocks of 50 hops)", []), ("--live (one hop a step)", ["--live"])):
            out = str(Path(folder) / "out.csv")
            command = [*CLI, "animate", str(path), "--device", "cpu", *extra, "--out", out]
            before = os.times()
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            wall, after = time.perf_counter() - began, os.times()
            cpu = after.children_user + after.children_system - before.children_user - before.children_system
            rows[name] = cpu
            print(f"  {name:<28}{600 / wall:7.0f} × real time, {600 / cpu:7.0f} × per CPU second")
        slow, fast = rows["--live (one hop a step)"], rows["file (blocks of 50 hops)"]
        print(f"  blocks against single hops   {slow / fast:7.1f} ×")


class Crowd:
    """As many live streams of one pack as one batch holds, in step."""

    def __init__(self, model: OnnxModel, batch: int) -> None:
        self._engine, self._card = Engine(model, batch=batch), model.card
        self._streams = [self._engine.open() for _ in range(batch)]
        self._noise = (np.random.default_rng(0).normal(size=model.card.hop) * 0.1).astype(np.float32)
        self._heard = 0
        self.took: list[float] = []
        """CPU seconds of every step."""

    def step(self) -> None:
        for stream in self._streams:
            stream.push(AudioChunk(self._noise, self._card.rate, self._heard))
        self._heard += self._card.hop
        began = time.thread_time()
        self._engine.step()
        self.took.append(time.thread_time() - began)
        for stream in self._streams:
            stream.pull()


def steps(models: Sequence[OnnxModel]) -> None:
    hop = models[0].card.hop / models[0].card.rate
    alone: list[float] = []
    for batch in (1, 16, 64):
        crowds = [Crowd(model, batch) for model in models]
        for _ in range(200):
            for crowd in crowds:
                crowd.step()
        medians = [statistics.median(crowd.took[20:]) for crowd in crowds]
        alone = alone or medians
        for model, step, single in zip(models, medians, alone, strict=True):
            print(
                f"  {model.card.name:<16} B = {batch:<3}{1000 * step:6.2f} ms a step,"
                f"{hop / step * batch:5.0f} streams a core ({single * batch / step:.1f} × unbatched,"
                f" {medians[0] / step:.2f} × {models[0].card.name})"
            )


def twin(folder: Path) -> list[OnnxModel]:
    """The int8 twin of the pack that ships, if onnx is there to make it."""
    try:
        import onnx  # noqa: F401
    except ImportError:
        print("  no int8 twin: pip install onnx")
        return []
    from voxrig_train import quantize

    quantize.quantize("live", folder / "live-int8", [quantize.sample(16000)])
    return [load(folder / "live-int8", "cpu")]


def start() -> None:
    asked = best(lambda: subprocess.run([*CLI, "--help"], check=True, capture_output=True))
    print(f"  voxrig --help        {1000 * asked:6.0f} ms")
    first = (
        "import voxrig, numpy as np\n"
        "e = voxrig.open_engine(device='cpu'); s = e.open(rate=16000)\n"
        "s.push(voxrig.AudioChunk(np.zeros(1600, np.float32), 16000))\n"
        "while e.step(): pass\n"
        "assert s.pull() is not None"
    )
    took = best(lambda: subprocess.run([sys.executable, "-c", first], check=True))
    print(f"  process to first frame {1000 * took:4.0f} ms")
    print(f"  load the pack        {1000 * best(lambda: load('live', 'cpu')):6.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--pack", action="append", help="time live steps of these alone")
    args = parser.parse_args()
    print(f"voxrig, {platform.machine()}, {os.cpu_count()} cores, one thread")
    if args.pack:
        steps([load(pack, "cpu") for pack in args.pack])
        return
    print("ten-minute file to ARKit CSV at 60 fps")
    files()
    print("live step, one hop of 20 ms of each stream")
    with tempfile.TemporaryDirectory() as folder:
        steps([load("live", "cpu"), *twin(Path(folder))])
    print("start-up, best of five")
    start()


if __name__ == "__main__":
    main()
