"""``voxrig flame calibrate``: fit the expression part of the FLAME rig to the user's own model."""

from __future__ import annotations

import argparse
from importlib.util import find_spec

from voxrig.errors import VoxrigError
from voxrig.rigs.flame_fit import calibrate_command


def run(args: argparse.Namespace) -> int:
    if find_spec("scipy") is None:
        raise VoxrigError("calibration needs scipy; pip install 'voxrig[flame]'")
    residuals = calibrate_command(args.model, args.out, args.expressions)
    print(f"{args.out}: {args.expressions} expression coefficients; use --flame-calibration {args.out}")
    for name, left in sorted(residuals, key=lambda r: r[1]):
        print(f"  {name:<20}{100 * (1 - left):5.0f} % of its motion held")
    return 0
