"""What can be said about a file beyond its frames: for every verb that writes some."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from voxrig.errors import FormatError

if TYPE_CHECKING:
    from voxrig_export import Options

_LONGEST = 1_000_000  # bytes of a file of names


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """Words for the formats that editors and engines import."""
    group = parser.add_argument_group("for some formats, see voxrig formats")
    group.add_argument(
        "--tolerance", type=float, metavar="T", help="how far curves may be off between keys; 0 keeps all"
    )
    group.add_argument("--mesh", default="", metavar="NAME", help="the mesh, node or renderer that is driven")
    group.add_argument(
        "--names",
        type=Path,
        metavar="FILE.json",
        help='what the target calls curves: {"jawOpen": "Jaw_Open"}',
    )
    group.add_argument("--avatar", type=Path, metavar="FILE", help="your GLB or VRM (the head that ships)")
    group.add_argument("--asset", default="", metavar="PATH", help="of the asset to make: /Game/Lines/hello")
    group.add_argument("--skeleton", default="", metavar="PATH", help="that the asset belongs to")


def file_options(args: argparse.Namespace) -> Options:
    """What was said. Raises FormatError."""
    from voxrig_export import Options

    tolerance = args.tolerance
    if tolerance is not None and not 0 <= tolerance <= 1:
        raise FormatError(f"--tolerance is {tolerance:g}; have 0 to 1")
    names = _names(args.names) if args.names else {}
    return Options(tolerance, args.mesh, names, args.avatar, args.asset, args.skeleton)


def _names(path: Path) -> dict[str, str]:
    try:
        if path.stat().st_size > _LONGEST:
            raise FormatError(f"{path} is too long for names of curves")
        names = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise FormatError(f"{path} is no JSON: {error}") from error
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise FormatError(f'{path} is no object of names: {{"jawOpen": "Jaw_Open"}}')
    return names
