"""How fast: files, live steps, start-up. Prints; asserts nothing. Baselines are in the same run.

make bench        (or: python tests/bench/bench_animate.py)
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads
os.environ.setdefault("OMP_NUM_THREADS", "1")

import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
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


def steps(model: OnnxModel) -> None:
    hop = model.card.hop / model.card.rate
    alone = 0.0
    for batch in (1, 16, 64):
        engine = Engine(model, batch=batch)
        streams = [engine.open() for _ in range(batch)]
        noise = (np.random.default_rng(0).normal(size=model.card.hop) * 0.1).astype(np.float32)
        took = []
        for i in range(150):
            for stream in streams:
                stream.push(AudioChunk(noise, model.card.rate, i * model.card.hop))
            began = time.perf_counter()
            engine.step()
            took.append(time.perf_counter() - began)
            for stream in streams:
                stream.pull()
        step = statistics.median(took[20:])
        alone = alone or step
        gain = alone * batch / step
        print(
            f"  B = {batch:<3} {1000 * step:6.2f} ms a step, {hop / step * batch:6.0f} streams a core"
            f" ({gain:.1f} × unbatched)"
        )


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
    print(f"  load the pack        {1000 * best(lambda: load(None, 'cpu')):6.0f} ms")


def main() -> None:
    model = load(None, "cpu")
    print(f"voxrig, pack {model.card.name}, {platform.machine()}, {os.cpu_count()} cores, one thread")
    print("ten-minute file to ARKit CSV at 60 fps")
    files()
    print("live step, one hop of 20 ms of each stream")
    steps(model)
    print("start-up, best of five")
    start()


if __name__ == "__main__":
    main()
