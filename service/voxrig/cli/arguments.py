"""How command-line words become values, and files of text become the words in them."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxrig.errors import AudioError, StyleError, TextError, one_line, unknown

if TYPE_CHECKING:  # they load numpy, and help shall be quick
    from voxrig.audio import RawFormat
    from voxrig.performance import Direction, Pace
    from voxrig.rigs import RigMap
    from voxrig.types import Auto, Key, Rig, Style

# As in voxrig.style, which loads numpy.
EMOTIONS = "amazement, anger, cheekiness, disgust, fear, grief, joy, outofbreath, pain, sadness"
SPEAKERS = "lively, reserved, stern, warm"
_LEADS = "which side of the face leads, -1 to 1, above 0 the subject's own right (0)"

# Television's rates are exact ratios that people write as decimals (SMPTE ST 12-1: 1000/1001).
_NTSC = {"23.976": 24, "23.98": 24, "29.97": 30, "47.952": 48, "47.95": 48, "59.94": 60, "119.88": 120}
_RATES = {Fraction(text): Fraction(nominal * 1000, 1001) for text, nominal in _NTSC.items()}
_RATE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,6}|/[1-9][0-9]{0,6})?")  # so that years of frames fit 64 bits
_MAX_FPS = 1000
_MAX_NUMBER = 1000
_LABEL = re.compile(r"\s*[\d.]+\s+[\d.]+\s+\S+\s*")  # start, end and phone, as phoneticians write .lab files
_LONGEST_TEXT = 1_000_000  # bytes


def paces(words: Sequence[str]) -> list[str]:
    """The command line with a bare ``--live`` as ``--live=live``, so that it does not take the word after it.

    >>> paces(["animate", "--live", "clip.wav"])
    ['animate', '--live=live', 'clip.wav']
    """
    end = list(words).index("--") if "--" in words else len(words)
    return [f"{word}=live" if word == "--live" else word for word in words[:end]] + list(words[end:])


def fps(text: str) -> Fraction:
    """Frames a second as an exact ratio."""
    if not _RATE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"'{text}' is no frame rate; write 60, 29.97 or 30000/1001")
    rate = Fraction(text)
    if not 1 <= rate <= _MAX_FPS:
        raise argparse.ArgumentTypeError(f"{text} frames a second; have 1 to {_MAX_FPS}")
    return _RATES.get(rate, rate)


def numbers(text: str) -> dict[str, float]:
    """``1.2`` for all curves, or ``jawOpen=1.2,mouthPucker=0.9``."""
    found = {}
    for part in text.split(","):
        name, equals, number = part.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if math.isnan(value) or (equals and not name.strip()):
            raise argparse.ArgumentTypeError(f"'{part}' is not a number or CURVE=NUMBER")
        if abs(value) > _MAX_NUMBER:
            raise argparse.ArgumentTypeError(f"'{part}' is out of range; have ±{_MAX_NUMBER}")
        found[name.strip() or "all"] = value
    return found


def add_direction(parser: argparse.ArgumentParser, rate: int = 60) -> None:
    """Words of every verb by which faces speak: rate, what is done to curves, and how it is said."""
    parser.add_argument("--fps", type=fps, default=str(rate), help=f"24, 29.97, 30000/1001, 60 … ({rate})")
    parser.add_argument(
        "--gain", type=numbers, default={}, help="of curves: 1.2, or jawOpen=1.2,mouthClose=1.2"
    )
    parser.add_argument("--offset", type=numbers, default={}, help="added after the gain: jawOpen=0.02")
    group = parser.add_argument_group("how it is said")
    group.add_argument(
        "--emotion", default="", metavar="MIX",
        help=f"joy=0.8,anger=0.2, of {EMOTIONS}; auto is heard in the voice: auto+joy=0.3; with seconds, and "
        "after ~ those that it takes to get there (0.4): 'joy; 2.5: anger; 4~1: neutral'",
    )  # fmt: skip
    group.add_argument(
        "--intensity", type=float, default=1.0, metavar="N", help="of the emotion, 0 to 1.5 (1)"
    )
    group.add_argument(
        "--auto", default="", metavar="NUMBERS",
        help="of --emotion auto: strength=0.6,contrast=1,most=3,blend=0.7,preferred=0.5, or some of them",
    )  # fmt: skip
    group.add_argument("--asymmetry", type=float, default=0.0, metavar="N", help=_LEADS)
    group.add_argument("--energy", type=float, default=1.0, metavar="N", help="of jaw and lips, 0 to 2 (1)")
    group.add_argument("--speaker", default="", metavar="NAME", help=f"whose habits: {SPEAKERS} (nobody's)")
    group.add_argument(
        "--direct", default="", metavar="WORDS", help='as in "sceptical, then amused; looks down at the end"'
    )
    group.add_argument(
        "--idle", default="off", metavar="PARTS",
        help="what the face does beside speech: on, or some of blink,gaze=0.5,head,brows,breath (off)",
    )  # fmt: skip
    group.add_argument(
        "--seed",
        type=_seed,
        default=0,
        metavar="N",
        help="of --idle and emotions: another one, another motion (0)",
    )


def given(args: argparse.Namespace) -> list[str]:
    """Those of the words of ``add_direction`` but the rate that say anything."""
    plain: dict[str, object] = dict.fromkeys(("emotion", "auto", "speaker", "direct"), "")
    plain |= {"intensity": 1.0, "asymmetry": 0.0, "energy": 1.0, "idle": "off", "seed": 0}
    plain |= {"gain": {}, "offset": {}}
    return [f"--{word}" for word, value in plain.items() if getattr(args, word) != value]


def direction(args: argparse.Namespace, rig: Rig, pace: Pace, to_rig: RigMap | None = None) -> Direction:
    """What the command line wants of a face. Raises StyleError; tells of words that nobody knows."""
    from voxrig.idle import parse as life  # these load numpy
    from voxrig.performance import Direction

    style, keys = styles(args)
    return Direction(
        rig, args.fps, style, args.gain, args.offset, getattr(args, "smooth", None), pace,
        keys=keys, to_rig=to_rig, words=words(args), idle=life(args.idle), seed=args.seed,
    )  # fmt: skip


def styles(args: argparse.Namespace) -> tuple[Style, tuple[Key, ...]]:
    """The style, and those that follow. Raises StyleError."""
    from voxrig.style import check, score

    style, keys = score(args.emotion, check(base_style(args)))
    if args.auto and not (style.auto or any(key.style.auto for key in keys)):
        raise StyleError("--auto goes with --emotion auto")
    return style, keys


def base_style(args: argparse.Namespace) -> Style:
    """A style without its emotion; its numbers are not checked. Raises StyleError."""
    from voxrig.types import Style

    auto = _auto(args.auto) if args.auto else None
    return Style({}, args.intensity, args.asymmetry, args.energy, args.speaker, auto)


def words(args: argparse.Namespace) -> str:
    """The director's words; those that nobody knows are told. Raises StyleError."""
    if args.direct:
        from voxrig.staging import direct

        for sentence in direct(args.direct).unknown:
            print(one_line(f"voxrig: --direct: {sentence}"), file=sys.stderr)
    return str(args.direct)


def _auto(text: str) -> Auto:
    from voxrig.types import Auto

    names, found = [field.name for field in fields(Auto)], dict[str, Any]()
    for part in text.split(","):
        name, _, number = (word.strip() for word in part.partition("="))
        if name not in names:
            raise StyleError(unknown("part of --auto", name, names))
        try:
            found[name] = int(number) if name == "most" else float(number)
        except ValueError:
            kind = "a whole number" if name == "most" else "a number"
            raise StyleError(f"--auto {name} is '{number}'; write {kind}") from None
    return Auto(**found)


def _seed(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or int(text) >= 1 << 32:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 to {(1 << 32) - 1}")
    return int(text)


def raw_format(args: argparse.Namespace) -> RawFormat | None:
    """What --raw, --rate and --channels say of sound without a header. Raises AudioError."""
    from voxrig.audio import RawFormat  # loads numpy

    if args.raw is None:
        if (args.rate, args.channels) != (None, None):
            raise AudioError("--rate and --channels go with --raw; other sound tells them itself")
        return None
    if args.rate is None:
        raise AudioError("--raw needs --rate, in Hz")
    return RawFormat(args.raw, args.rate, 1 if args.channels is None else args.channels)


def milliseconds(text: str) -> float:
    """Milliseconds on the command line, seconds inside."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of milliseconds from 0 to 1000")
    return value / 1000


def text_beside(recording: str) -> str | None:
    """The .txt or .lab file of the recording's name, if there is one."""
    sound = Path(recording)
    if recording == "-" or not sound.name:
        return None
    beside = [sound.with_suffix(suffix) for suffix in (".txt", ".lab")]
    return next((str(path) for path in beside if path != sound and os.path.isfile(path)), None)


def text_in(path: str) -> str:
    """What a file of UTF-8 says. Raises TextError."""
    try:
        with open(path, "rb") as file:
            data = file.read(_LONGEST_TEXT + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise TextError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TextError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    if len(data) > _LONGEST_TEXT or "\0" in text:
        raise TextError(f"{path} is no text that somebody says; give the words alone")
    return said(text, path)


def labels_in(path: str) -> bool:
    """Whether a .lab file tells the times of phones, not what is said."""
    if not path.endswith(".lab"):
        return False
    rows = [line for line in text_in(path).splitlines() if line.strip()]
    return all(_LABEL.fullmatch(row) for row in rows)


def said(text: str, origin: str) -> str:
    """The text, if it says anything. Raises TextError."""
    if not text.strip():
        raise TextError(f"{origin} is empty; write what is said")
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise TextError(f"{origin} is not UTF-8: {one_line(text[:40])}")
    return text
