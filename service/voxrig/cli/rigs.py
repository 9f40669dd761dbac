"""``voxrig rigs``: what can be driven."""

from __future__ import annotations

import argparse

from voxrig.rigs import describe, names


def run(args: argparse.Namespace) -> int:
    for name in names():
        print(f"{name:<20}{describe(name)}")
    return 0
