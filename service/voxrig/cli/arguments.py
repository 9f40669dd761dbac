"""How command-line words become values, and files of text become the words in them."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from voxrig.errors import AudioError, TextError, one_line

if TYPE_CHECKING:
    from voxrig.audio import RawFormat

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


def add_direction(
    parser: argparse.ArgumentParser, emotions: str = "see voxrig animate --help", rate: int = 60
) -> None:
    """Words of every verb by which faces speak: rate, emotion and what is done to curves."""
    parser.add_argument("--fps", type=fps, default=str(rate), help=f"24, 29.97, 30000/1001, 60 … ({rate})")
    parser.add_argument("--emotion", default="", help=f"joy=0.8,anger=0.2 …; {emotions}")
    parser.add_argument("--intensity", type=float, default=1.0, help="of the emotion, 0 to 1.5 (1)")
    parser.add_argument(
        "--gain", type=numbers, default={}, help="of curves: 1.2, or jawOpen=1.2,mouthClose=1.2"
    )
    parser.add_argument("--offset", type=numbers, default={}, help="added after the gain: jawOpen=0.02")


def add_idle(parser: argparse.ArgumentParser) -> None:
    """Words of verbs by which faces move beside speech."""
    parser.add_argument(
        "--idle", default="off", metavar="PARTS",
        help="what the face does beside speech: on, or some of blink,gaze=0.5,head,brows,breath (off)",
    )  # fmt: skip
    parser.add_argument("--seed", type=_seed, default=0, help="of --idle: another one, another motion (0)")


def add_words(parser: argparse.ArgumentParser) -> None:
    """What a director says of recordings."""
    parser.add_argument(
        "--direct", default="", metavar="WORDS", help='as in "sceptical, then amused; looks down at the end"'
    )


def words(args: argparse.Namespace) -> str:
    """The director's words; those that nobody knows are told. Raises StyleError."""
    if args.direct:
        from voxrig.staging import direct  # loads numpy

        for sentence in direct(args.direct).unknown:
            print(one_line(f"voxrig: --direct: {sentence}"), file=sys.stderr)
    return str(args.direct)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 on")
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
