"""A dialogue with NPCs that can be interrupted: python samples/npc_dialogue/talk.py --help"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np
from brain import Brain, ChatServer
from director import Director, Player
from graph import Graph, load
from speech import RATE, LocalVoice, Voice
from stage import FPS, Log, Loudspeaker, Stage

import voxrig
from voxrig.errors import BridgeError, VoxrigError, one_line, unknown
from voxrig.tts import VOICES, Speaker
from voxrig.types import Array
from voxrig_bridge import Opener, Outlet

HERE = Path(__file__).parent
EXIT = 2


class Terminal:
    """A player at a keyboard: Enter interrupts, numbers choose."""

    def __init__(self) -> None:
        self._typed: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._offered: tuple[str, ...] | None = None
        threading.Thread(target=self._read, name="keyboard", daemon=True).start()

    def cut_in(self, node: str, seconds: float) -> str | None:
        self._offered = None
        return None if self._typed.empty() else self._typed.get().strip()

    def answer(self, choices: Sequence[str]) -> str | None:
        if self._offered != tuple(choices):
            self._offered = tuple(choices)
            print("".join(f"\n  {i} {choice}" for i, choice in enumerate(choices, 1)), end="\n> ", flush=True)
        if self._typed.empty():
            return None
        self._offered = None
        return self._typed.get().strip()

    def word(self, speaker: str, word: str, first: bool) -> None:
        print(f"\n{speaker}: {word}" if first else word, end=" ", flush=True)

    def tell(self, text: str) -> None:
        print(f"\n{text}", flush=True)

    def _read(self) -> None:
        for line in sys.stdin:
            self._typed.put(line)


@dataclass
class Rehearsal(Terminal):
    """A player whose part is written: after how many seconds of which node to cut in, and what to answer."""

    interrupt: dict[str, float] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)

    def cut_in(self, node: str, seconds: float) -> str | None:
        if seconds < self.interrupt.get(node, float("inf")):
            return None
        del self.interrupt[node]
        return ""

    def answer(self, choices: Sequence[str]) -> str | None:
        return self.answers.pop(0) if self.answers else "1" if choices else ""


def rehearsal(path: str) -> Rehearsal:
    """The part of a player in a file. Raises VoxrigError."""
    try:
        return Rehearsal(**json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise VoxrigError(f"cannot read a rehearsal from {path}: {one_line(str(error))}") from error


class Mute:
    """No loudspeaker."""

    def play(self, samples: Array) -> None:
        pass


class Device:
    """The computer's loudspeaker; needs the extra mic. What it has not played is 50 ms at most."""

    def __init__(self) -> None:
        try:
            import sounddevice
        except (ImportError, OSError) as error:
            raise VoxrigError("no sound here: pip install 'voxrig[mic]', or say --mute") from error
        try:
            self._stream: Any = sounddevice.OutputStream(RATE, channels=1, dtype="float32", latency=0.05)
        except (sounddevice.PortAudioError, ValueError) as error:
            raise VoxrigError(f"no loudspeaker here ({one_line(str(error))}); say --mute") from error
        self._stream.start()

    def play(self, samples: Array) -> None:
        if self._stream.write_available >= len(
            samples
        ):  # never wait; the device drifts by a tick now and then
            self._stream.write(samples)


class Recording:
    """A WAV file of what was heard."""

    def __init__(self, path: str, stack: ExitStack) -> None:
        import soundfile

        self._file: Any = stack.enter_context(soundfile.SoundFile(path, "w", RATE, 1))

    def play(self, samples: Array) -> None:
        self._file.write(samples)


def faces(graph: Graph, urls: Sequence[str], opener: Opener) -> dict[str, list[Outlet]]:
    """Who is shown whose face: ``Mara=vmc://HOST``, or for all ``livelink://HOST?subject={npc}``."""
    shown: dict[str, list[Outlet]] = {name: [] for name in graph.actors}
    for url in urls:
        name, equals, rest = url.partition("=")
        if equals and "://" not in name:
            if name not in shown:
                raise BridgeError(unknown("NPC", name, shown))
            shown[name].append(opener.open(rest))
        elif "{npc}" in url or len(shown) == 1:
            for name in shown:
                shown[name].append(opener.open(url.replace("{npc}", name)))
        else:
            raise BridgeError(
                f"which of {', '.join(shown)} is {url}? Write {next(iter(shown))}={url}, or {{npc}} in it"
            )
    return shown


def logging(file: IO[str]) -> Log:
    """Events as lines of JSON: ``kind``, ``seconds`` of the wall clock, and fields."""
    begun = time.perf_counter()

    def log(kind: str, fields: dict[str, Any]) -> None:
        plain = {k: v.round(4).tolist() if isinstance(v, np.ndarray) else v for k, v in fields.items()}
        seconds = round(time.perf_counter() - begun, 4)
        file.write(json.dumps({"kind": kind, "seconds": seconds, **plain}) + "\n")

    return log


async def perform(
    graph: Graph,
    server: str,
    voices: dict[str, Voice],
    player: Player,
    loudspeaker: Loudspeaker,
    *,
    shown: dict[str, list[Outlet]] | None = None,
    log: Log = lambda kind, fields: None,
    brain: Brain | None = None,
    prefetch: bool = True,
    speed: float = 1.0,
) -> None:
    """Plays a dialogue with voices by actor. Raises VoxrigError."""
    async with await voxrig.connect_async(server) as client, Stage(client, loudspeaker, log, speed) as stage:
        for name in graph.actors:
            await stage.add(name, (shown or {}).get(name, ()))
        await Director(graph, stage, voices, player, log, brain, prefetch).play()


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Plays a dialogue. Enter interrupts who speaks, numbers choose."
    )
    parser.add_argument(
        "dialogue", nargs="?", default=HERE / "toll_bridge.json", help="README.md tells the format"
    )
    parser.add_argument("--server", default="127.0.0.1:52000", help="of voxrig serve (127.0.0.1:52000)")
    parser.add_argument(
        "--url",
        action="append",
        default=[],
        help="who is shown: Mara=vmc://HOST, livelink://HOST?subject={npc}, …",
    )
    parser.add_argument(
        "--brain", metavar="URL", help="chat completions for free talk: http://127.0.0.1:8080/v1"
    )
    parser.add_argument("--brain-model", default="default", metavar="NAME")
    parser.add_argument(
        "--mute", action="store_true", help="no loudspeaker here; ws:// receivers get the sound anyway"
    )
    parser.add_argument("--wav", metavar="FILE", help="record what is heard instead of playing it")
    parser.add_argument("--log", metavar="FILE", help="events and curves as lines of JSON")
    parser.add_argument(
        "--rehearse", metavar="FILE", help='who plays: {"interrupt": {"NODE": SECONDS}, "answers": ["1"]}'
    )
    args = parser.parse_args()
    try:
        with ExitStack() as stack:
            graph = load(args.dialogue)
            for actor in graph.actors.values():
                if actor.voice not in VOICES:
                    raise VoxrigError(unknown(f"voice of '{actor.name}'", actor.voice, VOICES))
            brain = ChatServer(args.brain, args.brain_model) if args.brain else None
            opener = Opener(Fraction(FPS), rate=RATE)
            stack.callback(opener.close)
            shown = faces(graph, args.url, opener)
            speaker = Speaker()
            voices: dict[str, Voice] = {a.name: LocalVoice(speaker, a.voice) for a in graph.actors.values()}
            player = rehearsal(args.rehearse) if args.rehearse else Terminal()
            loudspeaker = Recording(args.wav, stack) if args.wav else Mute() if args.mute else Device()
            log = logging(stack.enter_context(open(args.log or os.devnull, "w", encoding="utf-8")))
            asyncio.run(
                perform(graph, args.server, voices, player, loudspeaker, shown=shown, log=log, brain=brain)
            )
    except VoxrigError as error:
        print(f"talk: {error}", file=sys.stderr)
        return EXIT
    except KeyboardInterrupt:
        pass
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
