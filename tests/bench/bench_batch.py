"""How fast a batch is: one process, worker processes, Ray Data, and a run with nothing left to do. Prints.

python tests/bench/bench_batch.py                        100 clips of the speech in tests/clips and samples
python tests/bench/bench_batch.py --clips 1000 --lines /usr/share/asterisk/sounds/en_US_f_Allison

Clips are real speech: all recordings of a folder, again and again until there are enough of them. Every way
writes ARKit CSV at 60 frames a second with the pack that ships, each into a folder of its own. Times are
those of the whole command, start included, and count no clip twice; CPU is of all its processes.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import importlib.util
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import soundfile

from voxrig.batch.manifest import SOUNDS

ROOT = Path(__file__).parents[2]
CLI = [sys.executable, "-c", "import sys; from voxrig.cli import main; sys.exit(main())"]
LEAST = 0.3  # s: shorter recordings are beeps


def gather(sources: Sequence[Path], count: int, folder: Path) -> float:
    """Links to so many clips in a folder; returns their seconds."""
    found = sorted(path for source in sources for path in source.rglob("*") if path.suffix in SOUNDS)
    spoken = [(path, soundfile.info(path).duration) for path in found]
    spoken = [(path, seconds) for path, seconds in spoken if seconds >= LEAST]
    if not spoken:
        sys.exit(f"no recordings in {', '.join(map(str, sources))}")
    total = 0.0
    for i, (path, seconds) in enumerate(islice(cycle(spoken), count)):
        place = folder / f"{i % 20:02}" / f"{i:05}{path.suffix}"
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(path.resolve())
        total += seconds
    return total


def timed(name: str, seconds: float, command: Sequence[str]) -> None:
    before, began = os.times(), time.perf_counter()
    done = subprocess.run([*CLI, *command], capture_output=True, text=True)
    wall, after = time.perf_counter() - began, os.times()
    if done.returncode:
        sys.exit(f"{name}: {done.stderr}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    used = f"{cpu:6.1f} s CPU" if "ray" not in name.lower() else "  (CPU is Ray's)"
    print(f"  {name:<34}{wall:7.1f} s{seconds / wall:7.0f} × real time {used}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--lines", type=Path, action="append", help="folder of recordings; repeatable")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--no-ray", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        lines = Path(temporary, "lines")
        lines.mkdir()
        seconds = gather(args.lines or [ROOT / "tests" / "clips", ROOT / "samples"], args.clips, lines)
        machine = f"{platform.machine()}, {os.cpu_count()} cores"
        print(f"voxrig, {machine}: {args.clips} clips, {seconds:.0f} s of speech")
        every = sorted(str(path) for path in lines.rglob("*.*"))
        options = ("--device", "cpu", "--no-text")
        timed(
            "voxrig animate, one process",
            seconds,
            ["animate", *every, "--out-dir", f"{temporary}/0", *options],
        )
        for jobs in args.jobs:
            to = ["batch", str(lines), "--out-dir", f"{temporary}/{jobs}", "--jobs", str(jobs), *options]
            timed(f"voxrig batch --jobs {jobs}", seconds, to)
        timed("the same again, all done", seconds, to)
        if args.no_ray or importlib.util.find_spec("ray") is None:
            print("  no Ray here: pip install 'voxrig[batch]'")
            return
        to = ["batch", str(lines), "--out-dir", f"{temporary}/ray", "--ray", "local", *options]
        timed("voxrig batch --ray local", seconds, to)


if __name__ == "__main__":
    main()
