"""``voxrig formats``: what can be written."""

from __future__ import annotations

import argparse

from voxrig_export import formats


def run(args: argparse.Namespace) -> int:
    for entry in formats():
        rigs = "any rig" if entry.rigs is None else "rig " + ", ".join(entry.rigs)
        print(f"{entry.name:<14}{entry.suffix:<7}{entry.description} ({rigs})")
    return 0
