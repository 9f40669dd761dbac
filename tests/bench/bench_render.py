"""What pictures cost, from sound to bytes: live and offline, stage by stage. Prints; asserts nothing.

make bench-render        (or: python tests/bench/bench_render.py [--renderer splat] [--seconds 20])

Live: a server in a process of its own, a client in this one, sound in chunks of 20 ms as it would be spoken,
pictures of 512 pixels as H.264 at 30 a second; the first picture counts from the moment when the first chunk
was sent. Offline: the recording of samples/, to every kind of file, all cores at work.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as voxrig render and voxrig serve have it

import argparse
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

import voxrig
from voxrig.audio import open_audio, read
from voxrig.avatar.load import load
from voxrig.cast import Beat, Part, Take, play
from voxrig.client import Picture, Summary, View
from voxrig.performance import Direction
from voxrig.render.film import KINDS, Film, Footage
from voxrig.render.h264 import H264
from voxrig.render.look import Look, open_renderer
from voxrig.render.renderer import Renderer
from voxrig.render.stills import jpeg, png
from voxrig.rigs import NATIVE
from voxrig.types import AudioChunk

SAMPLE = Path(__file__).parents[2] / "samples" / "hello.wav"
FPS = Fraction(30)
SIDE = 512
CHUNK = 0.02  # s
SERVE = [sys.executable, "-c", "import sys; from voxrig.cli import main; sys.exit(main())", "serve", "--port"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renderer", choices=("mesh", "splat"), default="mesh")
    parser.add_argument("--seconds", type=float, default=20.0, help="of live speech (20)")
    args = parser.parse_args()
    print(f"{args.renderer}, {SIDE} x {SIDE}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    began = time.perf_counter()
    renderer = open_renderer(Look(args.renderer, (SIDE, SIDE)), load())
    ready = time.perf_counter()
    renderer.draw(NATIVE.rest)
    first = time.perf_counter() - ready
    print(f"a renderer stands after {ready - began:.1f} s, its first picture {first:.1f} s later")
    offline(renderer)
    streamed(renderer)
    live(args.renderer, args.seconds)


def spoken(pace: str) -> tuple[Iterator[Beat], float]:
    """The sample's beats, and the seconds that an engine takes to load."""
    direction = Direction(NATIVE, FPS, pace=pace)  # type: ignore[arg-type]
    began = time.perf_counter()
    engine = direction.engine(device="cpu")
    part = Part([Take(lambda: open_audio(SAMPLE))], direction, [NATIVE], sound=True)
    return play(part, engine), time.perf_counter() - began


class Stages:
    """Where the time goes."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._cpu = resource.getrusage(resource.RUSAGE_SELF)
        self._began = time.perf_counter()
        self.frames = 0

    def beats(self, made: Iterator[Beat]) -> Iterator[Beat]:
        while (beat := self.timed("model", lambda: next(made, None))) is not None:
            self.frames += 1
            yield beat

    def timed(self, stage: str, work: Callable[[], object]) -> object:
        began = time.perf_counter()
        out = work()
        self.spent[stage] += time.perf_counter() - began  # type: ignore[assignment]
        return out

    def line(self, size: int) -> str:
        took, cpu = time.perf_counter() - self._began, resource.getrusage(resource.RUSAGE_SELF)
        busy = cpu.ru_utime + cpu.ru_stime - self._cpu.ru_utime - self._cpu.ru_stime
        shares = ", ".join(f"{name} {1000 * s / self.frames:.1f} ms" for name, s in self.spent.items())
        bits = 8 * size * float(FPS) / self.frames / 1e6
        speed = self.frames / took
        return (
            f"{speed:6.1f} fps   {shares}; CPU {1000 * busy / self.frames:.1f} ms a frame; {bits:.2f} Mbit/s"
        )


def offline(renderer: Renderer) -> None:
    """Recordings to files."""
    print("offline, from a recording to a file")
    footage = Footage(renderer.size, FPS)
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            path = Path(folder) / f"talk.{kind.name}"
            made, _ = spoken("file")
            stages, film = Stages(), Film(str(path), kind, footage)
            for beat in stages.beats(made):
                picture = stages.timed("draw", lambda: renderer.draw(beat.values[0]))  # noqa: B023
                stages.timed("encode", lambda: film.write(picture, beat.sound))  # type: ignore[arg-type]  # noqa: B023
            stages.timed("encode", film.close)
            print(f"  {kind.name:10s}{stages.line(path.stat().st_size)}")


def streamed(renderer: Renderer) -> None:
    """One live stream, as fast as it goes: what this machine could sustain."""
    print("one live stream, as fast as it goes")
    encoder = H264(renderer.size, FPS)
    ways: dict[str, Callable[[np.ndarray], bytes]] = {
        "h264": lambda picture: encoder.encode(picture).data,
        "jpeg": jpeg,
        "png": png,
        "raw": lambda picture: picture.tobytes(),
    }
    for name, encode in ways.items():
        made, _ = spoken("live")
        stages, size = Stages(), 0
        for beat in stages.beats(made):
            picture = stages.timed("draw", lambda: renderer.draw(beat.values[0]))  # noqa: B023
            size += len(stages.timed("encode", lambda: encode(picture)))  # type: ignore[arg-type]  # noqa: B023
        print(f"  {name:10s}{stages.line(size)}")


def live(renderer: str, seconds: float) -> None:
    """Through a server, in real time."""
    print(f"through a server, in real time, {seconds:g} s of speech")
    with subprocess.Popen([*SERVE, "0"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        port = server.stdout.readline().split(":")[1]  # voxrig 0.1.0 on 127.0.0.1:PORT: live, …
        try:
            for turn in ("first", "second"):
                _conversation(f"127.0.0.1:{port}", renderer, seconds, turn)
        finally:
            server.terminate()


def _conversation(address: str, renderer: str, seconds: float, turn: str) -> None:
    sound = read(SAMPLE)
    samples = np.resize(sound.samples, int(seconds * sound.rate))
    size = round(CHUNK * sound.rate)
    sent: list[float] = []
    with voxrig.connect(address) as client:
        began = time.perf_counter()
        view = View(renderer=renderer, size=(SIDE, SIDE), pixels="h264")
        with client.open(sound.rate, (), FPS, pacing="realtime", encoding="s16", view=view) as stream:
            opened = time.perf_counter() - began

            def speak() -> None:
                zero = time.perf_counter()
                for at in range(0, len(samples), size):
                    due = zero + (at + size) / sound.rate  # spoken, then sent
                    time.sleep(max(0.0, due - time.perf_counter()))
                    sent.append(time.perf_counter())
                    stream.push(AudioChunk(samples[at : at + size], sound.rate, at))
                stream.end()

            thread = threading.Thread(target=speak)
            thread.start()
            came: list[float] = []
            late: list[float] = []
            for part in stream:
                if isinstance(part, Picture):
                    came.append(time.perf_counter())
                    # When the sound of its time was spoken.
                    late.append(came[-1] - (sent[0] - CHUNK + part.frame / float(FPS)))
                elif isinstance(part, Summary):
                    told = part
            thread.join()
            lag = np.array(late) * 1000
            first, ahead = 1000 * (came[0] - sent[0]), 1000 * stream.header.latency
            print(
                f"  {turn} stream: header after {opened:.2f} s; first picture {first:.0f} ms after the first "
                f"chunk, looking {ahead:.0f} ms ahead;\n    pictures {np.median(lag):.0f} ms after "
                f"their sound, p99 {np.quantile(lag, 0.99):.0f} ms; {told.frames} drawn, "
                f"{told.dropped} dropped"
            )


if __name__ == "__main__":
    main()
