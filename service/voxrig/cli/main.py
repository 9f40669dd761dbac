"""``voxrig VERB``: the parser, and the edge at which every error becomes one line and an exit code.

Exit codes: 0 all is done; 1 some clips of a batch failed; 2 nothing could be done, or Ctrl-C.
Each verb imports what it needs when it runs, so that ``voxrig --help`` is quick.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import NoReturn

from voxrig._version import __version__
from voxrig.cli import arguments as take
from voxrig.cli import avatar, batch, convert, evaluate, health, live, render, send, serve, studio
from voxrig.cli.file_options import add_file_options
from voxrig.errors import VoxrigError, one_line
from voxrig.speech.pronounce import LANGUAGES

_SEVERAL = ("animate", "send", "live", "batch", "render")
_TOGETHER = "files and URLs stand together, before the options or after them"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {one_line(message)}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line and returns its exit code; --help and unknown words raise SystemExit."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without × or … still gets its line
    try:
        try:
            words = take.paces(sys.argv[1:] if argv is None else argv)
            args, left = _parser().parse_known_args(words)
            if left:  # told by the verb, whose help is the one to see
                several = args.verb in _SEVERAL and not any(word.startswith("-") for word in left)
                why = f" ({_TOGETHER})" if several else ""
                _Parser(prog=f"voxrig {args.verb}").error(f"unrecognized arguments: {' '.join(left)}{why}")
            return int(args.run(args) or 0)
        finally:
            if sys.stdout is not None:  # closed by the shell
                sys.stdout.flush()
    except VoxrigError as error:
        if not isinstance(error.__cause__, BrokenPipeError):  # a reader that has enough is no fault
            _say(str(error))
    except OSError as error:  # of what is printed; the library's are VoxrigErrors
        if error.filename is None and sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left to flush
        if not isinstance(error, BrokenPipeError):
            _say(f"{error.filename or 'standard output'}: {error.strerror or error}")
    except KeyboardInterrupt:
        _say("interrupted; finished files are whole, what was under way was dropped")
    return 2


def _say(message: str) -> None:
    print(f"voxrig: {one_line(message)}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="voxrig", description="Speech to face animation, live and offline.")
    parser.add_argument("--version", action="version", version=f"voxrig {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    _animate(verbs.add_parser("animate", help="recordings to curve files", description=_ANIMATE))
    for verb, told in (
        (send, "recordings to faces in engines, in real time"),
        (live, "a microphone to faces in engines"),
        (batch, "folders of recordings to files of many formats, resumable, on all cores or on Ray"),
        (convert, "a curve file to another format, rig or rate"),
        (render, "recordings to pictures of a talking head: video, PNG files, a pipe (extra render)"),
        (avatar, "a head with all shapes as a GLB file (extra avatar)"),
        (serve, "the service, over gRPC and WebSocket"),
        (studio, "a page on which a face speaks while you tune it (extra studio)"),
        (health, "whether a service is well"),
    ):
        name = verb.__name__.rpartition(".")[2]
        words = verbs.add_parser(name, help=told)
        verb.add(words)
        words.set_defaults(run=verb.run)
    for name, told in (("rigs", "the rigs that can be driven"), ("formats", "the files that can be written")):
        verbs.add_parser(name, help=told).set_defaults(run=_lazy(name))
    plot = verbs.add_parser("plot", help="curves over the waveform, as a picture (extra plot)")
    plot.add_argument("audio")
    plot.add_argument("--out", required=True, metavar="FILE", help=".png, .svg or .pdf")
    plot.add_argument("--rig", default="native", help="see voxrig rigs (native)")
    plot.add_argument("--curves", help="names with commas; the liveliest by default")
    plot.add_argument("--pack", help="folder of a model pack")
    plot.set_defaults(run=_lazy("plot"))
    info = verbs.add_parser("info", help="the installed runtime and a model pack")
    info.add_argument("pack", nargs="?", default="file", help="a folder, or file (default), live or fast")
    info.set_defaults(run=_lazy("info"))
    evaluate.add(verbs.add_parser("evaluate", help="how well mouths follow labelled speech (extra train)"))
    flame = verbs.add_parser("flame", help="prepare the FLAME rig").add_subparsers(
        dest="task", required=True, metavar="TASK", parser_class=_Parser
    )
    calibrate = flame.add_parser("calibrate", help="fit the expression part to your own FLAME file")
    calibrate.add_argument("model", metavar="MODEL.pkl", help="your FLAME model (.pkl or .npz)")
    calibrate.add_argument("--out", default="flame_calibration.npz", metavar="CAL.npz")
    calibrate.add_argument("--expressions", type=int, choices=(50, 100), default=100)
    calibrate.set_defaults(run=_lazy("flame"))
    return parser


_ANIMATE = """Turns recordings of speech into curves of a rig. The suffix of --out picks the format;
row 0 belongs to the first sample."""


def _animate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("audio", nargs="+", help="wav, flac, ogg or mp3 files; - is standard input")
    parser.add_argument("--rig", help="see voxrig rigs (the format's own, or arkit)")
    take.add_direction(parser)
    parser.add_argument("--smooth", type=take.milliseconds, metavar="MS", help="window (50; 0 with --live)")
    parser.add_argument(
        "--live", nargs="?", const="live", choices=("live", "fast"), metavar="fast", dest="pace",
        default="file", help="exactly what a live client would get, 70 ms after the sound (fast: 20 ms)",
    )  # fmt: skip
    text = parser.add_mutually_exclusive_group()
    text.add_argument("--text", help="what is said in the recording; its lips are surer then")
    text.add_argument("--text-file", metavar="FILE", help="the same in UTF-8 (NAME.txt beside NAME.wav)")
    text.add_argument("--no-text", action="store_true", help="leave files beside the recordings alone")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the text (en)")
    parser.add_argument(
        "--timings", metavar="FILE", help="times of words and phones, .TextGrid or .json; "
        "with --out-dir textgrid or json",
    )  # fmt: skip
    to = parser.add_mutually_exclusive_group(required=True)
    to.add_argument("--out", metavar="FILE", help="for one recording; - is standard output")
    to.add_argument("--out-dir", metavar="DIR", help="for any number of recordings")
    parser.add_argument("--format", help="see voxrig formats (csv with --out-dir)")
    parser.add_argument("--raw", choices=("s16", "f32"), help="input is little-endian PCM without a header")
    parser.add_argument("--rate", type=int, help="Hz of --raw input")
    parser.add_argument("--channels", type=int, help="of --raw input, interleaved (1)")
    parser.add_argument("--flame-calibration", metavar="CAL.npz", help="from voxrig flame calibrate")
    parser.add_argument("--pack", help="folder of a model pack; with --server, a model of its own")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
    parser.add_argument("--server", metavar="HOST:PORT", help="of voxrig serve, which does the work")
    parser.add_argument("--key-file", metavar="FILE", help="the key to the server")
    parser.add_argument("--ca", metavar="PEM", help="authority of the server's certificate; encrypts")
    add_file_options(parser)
    parser.set_defaults(run=_lazy("animate"))


def _lazy(verb: str):  # type: ignore[no-untyped-def]
    def run(args: argparse.Namespace) -> int:
        from importlib import import_module

        return int(import_module(f"voxrig.cli.{verb}").run(args))

    return run
