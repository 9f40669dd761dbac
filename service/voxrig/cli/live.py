"""``voxrig live``: a microphone moves faces in engines."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from functools import partial

from voxrig.cli.send import add_face, facing, opened, prompt, receivers, report, rigs, shown, stopping
from voxrig.errors import AudioError, BridgeError, one_line

_LIVE = """Shows what a microphone hears on faces elsewhere, until Ctrl-C. Needs the extra mic; or pipe raw
sound into --raw s16 --rate 16000.

"""
_CHUNK = 0.02  # s


def add(parser: argparse.ArgumentParser) -> None:
    """The words of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = _LIVE + receivers()
    parser.add_argument("urls", nargs="+", metavar="URL", help="who is shown the face")
    parser.add_argument("--microphone", metavar="NAME", help="a number or part of a name (the system's own)")
    parser.add_argument("--fast", action="store_true", help="20 ms after the sound instead of 70, less sure")
    parser.add_argument("--raw", choices=("s16", "f32"), help="hear standard input, little-endian mono PCM")
    parser.add_argument("--rate", type=int, help="Hz of --raw (16000)")
    add_face(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, also after Ctrl-C. Raises VoxrigError."""
    from voxrig.audio import RawFormat, open_audio
    from voxrig.cast import Cast, Part, Take
    from voxrig.cli.interrupt import noted
    from voxrig.microphone import open_microphone
    from voxrig_bridge.playback import Face, Monotonic, Playback
    from voxrig_bridge.receivers import time_of_day

    for url in args.urls:
        if "://" not in url:
            raise BridgeError(f"{one_line(url)} is no URL; voxrig send plays recordings")
    if args.raw is None and args.rate is not None:
        raise AudioError("--rate goes with --raw; microphones are heard at 16000 Hz")
    rate = args.rate or 16_000
    if args.raw is not None:
        hear = partial(open_audio, "-", raw=RawFormat(args.raw, rate))
    else:
        device = args.microphone
        name = int(device) if device is not None and device.isdigit() else device
        hear = partial(open_microphone, name, rate, int(_CHUNK * rate))
    direction = facing(args, "fast" if args.fast else "live")
    with ExitStack() as stack:
        opener = opened(args, stack)
        outlets = [opener.open(url) for url in args.urls]
        check = stack.enter_context(noted())
        sound = any(outlet.wants_sound for outlet in outlets)
        part = Part([Take(hear)], direction, rigs(outlets), sound)
        cast = stack.enter_context(Cast([part], direction.engine(args.pack, args.device)))
        stack.enter_context(prompt())
        show = stack.enter_context(shown("live", args.fps))
        playback = Playback([Face(cast.reels[0], outlets)], args.fps, Monotonic(), time_of_day(), show)
        try:
            playback.follow(stopping(check))
        except KeyboardInterrupt:  # which is how it ends
            pass
        finally:
            report(playback.counts, outlets)
        for error in cast.errors:
            raise error
    return 0
