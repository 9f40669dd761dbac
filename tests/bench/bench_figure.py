"""What it takes to load whoever is drawn: time from the file to a figure. Prints; asserts nothing.

make bench        (or: python tests/bench/bench_figure.py [FILE_OR_FOLDER ...])

The head that ships, and whatever figures are named; the quickest of five runs.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
import time
from pathlib import Path

from voxrig.avatar.load import load


def main() -> None:
    for path in (None, *map(Path, sys.argv[1:])):
        took = []
        for _ in range(5):
            began = time.perf_counter()
            figure = load(path)
            took.append(time.perf_counter() - began)
        moves = len(figure.moves.by)
        print(
            f"  {path or 'ours'}: {1000 * min(took):.0f} ms, {len(figure.points)} vertices, "
            f"{len(figure.faces)} triangles, {len(figure.shapes)} shapes of {figure.rig.name}, {moves} moves"
        )


if __name__ == "__main__":
    main()
