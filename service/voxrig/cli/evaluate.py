"""``voxrig evaluate``: how well mouths follow speech that somebody has labelled."""

from __future__ import annotations

import argparse
from importlib import import_module
from importlib.util import find_spec

from voxrig.errors import VoxrigError
from voxrig.speech.pronounce import LANGUAGES

_NEEDS = ("voxrig_train", "scipy")
_ABOUT = """Compares curves with phone times: this model's, a ceiling, controls, and other lip-sync tools that
are installed. CLIPS is a folder of recordings, each with a .TextGrid, .phn or .lab beside it (folders in
it name the speakers), or a training set with a clips.jsonl."""


def add(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.description = _ABOUT
    parser.add_argument("clips", help="folder of labelled recordings")
    parser.add_argument("--pack", nargs="+", default=[], help="folders of model packs (the one that ships)")
    parser.add_argument(
        "--mode", action="append", metavar="MODE", help="live, fast, file or text; may repeat (all four)"
    )
    parser.add_argument("--noise", type=float, metavar="DB", help="add pink noise, so far below the speech")
    parser.add_argument("--gain", type=float, metavar="DBFS", help="set the level of the speech, RMS")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the texts (en)")
    parser.add_argument("--tier", help="TextGrid tier of the phones (phones, phone, phonetic or MAU)")
    parser.add_argument("--no-peers", action="store_true", help="without other tools")
    parser.add_argument("--out", metavar="JSON", help="every measure, with intervals and their draws")
    parser.add_argument("--on", default="", help="what the clips are, for --out and --card")
    parser.add_argument("--card", metavar="JSON", help="the first system's measures alone, for a pack's card")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 0. Raises VoxrigError."""
    for name in _NEEDS:
        if find_spec(name) is None:
            raise VoxrigError(f"evaluation needs {name}; pip install 'voxrig[train]'")
    return int(import_module("voxrig_train.evaluate").run(args))
