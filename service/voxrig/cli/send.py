"""``voxrig send``: recordings play in real time on faces in engines, several at once if need be."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxrig.cli import arguments as take
from voxrig.errors import BridgeError, VoxrigError, one_line

if TYPE_CHECKING:
    from voxrig.cast import Take
    from voxrig.performance import Direction
    from voxrig_bridge.outlets import Outlet
    from voxrig_bridge.playback import Counts
    from voxrig_bridge.receivers import Opener

SENDING = """Plays recordings in real time on faces elsewhere: URLs after a recording say where to. Several
recordings before a URL play one after the other; recordings after a URL are another face, at the same time:

  voxrig send line.wav 'livelink://127.0.0.1:11111?subject=Ada'
  voxrig send ada.wav vmc://10.0.0.5 osc://10.0.0.6:9001  bob.wav 'livelink://10.0.0.5?subject=Bob'

"""


def add(parser: argparse.ArgumentParser) -> None:
    """The words of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = SENDING + receivers()
    parser.add_argument("words", nargs="+", metavar="AUDIO… URL…", help="recordings, and who is shown them")
    parser.add_argument("--play", action="store_true", help="play the sound here, and keep the faces with it")
    parser.add_argument("--loudspeaker", metavar="NAME", help="a number or part of a name; needs --play")
    parser.add_argument(
        "--delay", type=float, default=0.0, metavar="MS", help="faces later than the sound played here (0)"
    )
    parser.add_argument("--loop", action="store_true", help="begin again at the end, until Ctrl-C")
    parser.add_argument("--smooth", type=take.milliseconds, metavar="MS", help="window (50)")
    parser.add_argument("--no-text", action="store_true", help="leave .txt files beside the recordings alone")
    parser.add_argument("--language", default="en", help="of those texts (en)")
    add_face(parser)


def add_face(parser: argparse.ArgumentParser) -> None:
    """What live and recorded faces have in common."""
    take.add_direction(parser)
    parser.add_argument("--keys", type=Path, metavar="FILE", help="who may hear ws:// has one of these keys")
    parser.add_argument(
        "--origin", action="append", default=[], metavar="URL", help="pages that may hear ws://"
    )
    parser.add_argument("--pack", help="folder of a model pack")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")


def receivers() -> str:
    """A line or more for each kind of URL. Kept here in words, so that --help is quick."""
    return """receivers (port and options after ? are optional; docs/bridges.md tells all of them):
  livelink://HOST:11111?subject=NAME       Unreal Live Link Face
  metahuman://HOST:11112?subject=NAME      voxrig's Unreal plugin, raw MetaHuman controls
  vmc://HOST:39539?names=vrm0              VMC: VSeeFace, Warudo, VNyan, EVMC4U, VMC4UE
  vrchat://HOST:9000?bits=0                VRChat with VRCFaceTracking parameters
  ifacialmocap://HOST:49983?version=1      receivers of iFacialMocap; wait=1 listens for them
  facecap://HOST:9000                      receivers of Face Cap
  osc://HOST:8000?rig=arkit                any OSC listener, /face/CURVE
  streamlivelink://HOST:12030              NVIDIA's StreamLivelink, with sound
  ws://127.0.0.1:52001?subject=NAME        browsers and engines that connect here, with sound"""


@dataclass(frozen=True)
class Spoken:
    """Recordings, and the URLs that they go to."""

    recordings: Sequence[str]
    urls: Sequence[str]


def faces(words: Sequence[str]) -> list[Spoken]:
    """The words of the command line as faces. Raises BridgeError.

    >>> len(faces(["a.wav", "vmc://x", "b.wav", "c.wav", "vmc://y", "osc://z"]))
    2
    """
    found: list[tuple[list[str], list[str]]] = []
    for word in words:
        if "://" in word:
            if not found:
                raise BridgeError(f"{word[:80]} comes before any recording; write voxrig send AUDIO URL")
            found[-1][1].append(word)
        elif found and not found[-1][1]:
            found[-1][0].append(word)
        else:
            found.append(([word], []))
    if not found[-1][1]:
        name = one_line(found[-1][0][0])
        raise BridgeError(f"no URL after {name}; write who is shown it, as livelink://127.0.0.1:11111")
    return [Spoken(*pair) for pair in found]


def run(args: argparse.Namespace) -> int:
    """Exit code 0; 1 where some recordings failed, 2 where all. Raises VoxrigError and KeyboardInterrupt."""
    from voxrig.cast import SOUND_RATE, Cast, Part
    from voxrig.cli.interrupt import noted
    from voxrig_bridge.loudspeaker import Heard, Loudspeaker
    from voxrig_bridge.playback import Clock, Face, Monotonic, Playback, Reel
    from voxrig_bridge.receivers import time_of_day

    if not args.play and (args.loudspeaker is not None or args.delay):
        raise BridgeError("--loudspeaker and --delay go with --play")
    if not -1000 <= args.delay <= 1000:
        raise BridgeError(f"--delay is {args.delay:g} ms; have -1000 to 1000")
    spoken, direction = faces(args.words), facing(args, "file")
    with ExitStack() as stack:
        opener = opened(args, stack)
        outlets = [[opener.open(url) for url in face.urls] for face in spoken]
        speaker = None
        if args.play:
            speaker = stack.enter_context(Loudspeaker(SOUND_RATE, _device(args.loudspeaker)))
        check = stack.enter_context(noted())
        parts = [
            Part(
                _takes(face.recordings, args),
                direction,
                rigs(own),
                args.play or any(o.wants_sound for o in own),
            )
            for face, own in zip(spoken, outlets, strict=True)
        ]
        cast = stack.enter_context(Cast(parts, direction.engine(args.pack, args.device)))
        cast.wait()
        check()
        if len(cast.errors) == len(spoken):
            raise cast.errors[0]
        reels: Sequence[Reel] = cast.reels
        clock: Clock = Monotonic()
        if speaker is not None:
            reels = [Heard(reel, speaker, float(args.fps)) for reel in reels]
            clock = speaker
            speaker.start()
        stack.enter_context(prompt())
        show = stack.enter_context(shown("send", args.fps))
        shows = [Face(reel, own) for reel, own in zip(reels, outlets, strict=True)]
        start = clock.now() + 0.05 if speaker is None else args.delay / 1000
        playback = Playback(shows, args.fps, clock, time_of_day(), show)
        try:
            counts = playback.run(start, stopping(check))
        finally:
            report(playback.counts, list(chain(*outlets)))
        for error in cast.errors:
            print(one_line(f"voxrig: {error}"), file=sys.stderr)
        return 1 if cast.errors and counts.frames else 2 if cast.errors else 0


def facing(args: argparse.Namespace, pace: Any) -> Direction:
    """How faces speak. Raises StyleError."""
    from voxrig.rigs import NATIVE

    return take.direction(args, NATIVE, pace)


def opened(args: argparse.Namespace, stack: ExitStack) -> Opener:
    """What opens outlets; its broadcasts end with the stack. Raises VoxrigError."""
    from voxrig.cast import SOUND_RATE
    from voxrig.rpc.auth import read_keys
    from voxrig_bridge.receivers import Opener

    keys = read_keys(args.keys) if args.keys else ()
    opener = Opener(args.fps, tell, keys, args.origin, SOUND_RATE)
    stack.callback(opener.close)
    return opener


def rigs(outlets: Sequence[Outlet]) -> list[Any]:
    """Every rig that is wanted, once."""
    return list({outlet.rig.name: outlet.rig for outlet in outlets}.values())


def stopping(check: Callable[[], None]) -> Callable[[], bool]:
    """Whether to stop: never, but an interrupt comes out of it."""

    def stopped() -> bool:
        check()
        return False

    return stopped


def tell(text: str) -> None:
    """A line about a receiver."""
    print(one_line(f"voxrig: {text}"), file=sys.stderr)


def report(counts: Counts, outlets: Sequence[Outlet]) -> None:
    """What went where."""
    for outlet in outlets:
        print(one_line(f"{outlet.name}: {outlet.sent} frames sent, {outlet.dropped} dropped"))
    if counts.late or counts.skipped:
        print(
            f"of {counts.frames + counts.skipped} moments {counts.late} were late, {counts.skipped} left out"
        )


@contextmanager
def prompt() -> Iterator[None]:
    """While frames are shown no other thread keeps this one waiting for long."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def shown(verb: str, fps: Fraction) -> Iterator[Callable[[int], None]]:
    """The time that has passed, on a terminal; nothing in a pipe."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda index: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn(verb), TextColumn("{task.completed:.0f} s"))
    second = round(fps)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(verb, total=None)

        def show(index: int) -> None:
            if index % second == 0:
                bar.update(task, completed=float(index / fps))

        yield show


def _takes(recordings: Sequence[str], args: argparse.Namespace) -> Iterator[Take]:
    from voxrig.audio import open_audio
    from voxrig.cast import Take

    if args.loop and "-" in recordings:
        raise VoxrigError("--loop cannot begin standard input again; give a file")
    takes = [Take(partial(open_audio, path), partial(_script, path, args)) for path in recordings]
    return chain.from_iterable(repeat(takes)) if args.loop else iter(takes)


def _script(path: str, args: argparse.Namespace) -> Any:
    from voxrig.recital import Script

    beside = None if args.no_text else take.text_beside(path)
    if beside is None or take.labels_in(beside):
        return None
    return Script(take.text_in(beside), args.language)


def _device(name: str | None) -> int | str | None:
    return int(name) if name is not None and name.isdigit() else name
