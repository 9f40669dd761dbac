"""How many live streams one server process holds, and how late their frames come. Prints; asserts nothing.

make bench-service        (or: python tests/bench/bench_service.py --n 1,50,100 --pack runs/live-int8)

Each stream says real speech in chunks of 20 ms as it is spoken, at 16 kHz, and is told 60 frames a second.
The server is a process of its own, and all clients are one other process, over loopback. A frame is late by
what passes from sending the chunk that completes it to its arrival; completes means that the chunk reaches
k / fps + the latency that the server has declared. Times count both processes and their scheduling, so on
two cores the client's share is in them. CPU is of the server alone.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import asyncio
import gc
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import soundfile
import soxr

import voxrig
from voxrig.client.access import OPTIONS
from voxrig.pb.voxrig.v1 import face_pb2 as pb
from voxrig.types import AudioChunk

SAMPLE = Path(__file__).parents[2] / "samples" / "hello.wav"
RATE, FPS, CHUNK = 16000, 60, 320
TICK = CHUNK / RATE  # s
SPREAD = 1.0  # s over which streams begin
LATE = 0.015  # s: a frame of 60 fps may be late by this and nobody sees it
HOPELESS = 0.25  # s of lateness at which more streams are not tried
METHOD = "/voxrig.v1.Face/Animate"


# ── the server ────────────────────────────────────────────────────────────────────────────────────────────


def serve(pack: str, most: int) -> None:
    """Prints its port, and serves until SIGTERM."""
    from voxrig.model import load
    from voxrig.rpc import server
    from voxrig.rpc.limits import Limits

    setup = server.Setup(port=0, limits=Limits(streams=2000, drain=1), most=most)
    models = {"bench": load(pack, "cpu")}
    server.run(server.serve(setup, models, started=lambda started: print(started.port, flush=True)))


@dataclass(frozen=True)
class Place:
    """A server that runs."""

    address: str
    pid: int

    @property
    def cpu(self) -> float:
        """Seconds of CPU that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(pack: str, most: int) -> Iterator[Place]:
    command = [sys.executable, __file__, "--serve", str(most), "--pack", pack]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Place(f"127.0.0.1:{int(process.stdout.readline())}", process.pid)
        finally:
            process.terminate()


# ── the clients ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(eq=False)
class Talk:
    """One stream: when each chunk was sent, and what came when. Bytes are read once all is over."""

    sent: list[float] = field(default_factory=list)
    came: list[tuple[float, bytes]] = field(default_factory=list)
    began: float = 0.0
    """When the first sound was due."""
    header: bytes = b""

    async def open(self, channel: Any, pacing: int) -> None:
        self._call = channel.stream_stream(METHOD)()
        config = pb.Config(rate=RATE, encoding=pb.ENCODING_S16, pacing=pacing)
        await self._call.write(pb.AnimateRequest(config=config).SerializeToString())
        self.header = await self._call.read()

    async def speak(self, requests: Sequence[bytes], first: int, count: int) -> None:
        hearing = asyncio.create_task(self._hear())
        for i in range(count):
            await asyncio.sleep(max(0.0, self.began + (i + 1) * TICK - time.monotonic()))
            self.sent.append(time.monotonic())
            await self._call.write(requests[(first + i) % len(requests)])
        await self._call.write(pb.AnimateRequest(end=pb.End()).SerializeToString())
        await hearing

    async def _hear(self) -> None:
        while (answer := await self._call.read()) is not grpc.aio.EOF:
            self.came.append((time.monotonic(), answer))


@dataclass(frozen=True, eq=False)
class Heard:
    """What all streams of a run were told; times in seconds."""

    late: np.ndarray
    """Of every frame."""
    first: np.ndarray
    """From the chunk that completes the first frame to the frame, for each stream."""
    waited: np.ndarray
    """From the first sound to the first frame."""
    lag: np.ndarray
    """Of the client itself: from when a chunk was due to when it was sent."""
    dropped: int
    server: float
    """CPU in seconds a second."""
    client: float


def heard(talks: Sequence[Talk], server: float, client: float) -> Heard:
    late, first, waited, lag, dropped = [], [], [], [], 0
    for talk in talks:
        latency = pb.AnimateResponse.FromString(talk.header).header.latency
        sent = np.array(talk.sent)
        lag.append(sent - talk.began - TICK * np.arange(1, len(sent) + 1))
        ready = -1.0
        for came, data in talk.came:
            answer = pb.AnimateResponse.FromString(data)
            dropped += answer.summary.dropped
            frames = np.arange(answer.frames.start, answer.frames.start + answer.frames.count)
            completing = np.ceil((frames / FPS + latency) / TICK - 1e-9).astype(int) - 1
            own = came - sent[completing[completing < len(sent)]]  # the rest comes with the end
            late.append(own)
            if ready < 0 and len(own):
                ready = came
                first.append(own[0])
                waited.append(came - talk.began)
    return Heard(*map(np.concatenate, (late, [first], [waited], lag)), dropped, server, client)


async def crowd(place: Place, requests: Sequence[bytes], n: int, seconds: float, pacing: int) -> Heard:
    """So many streams at a time."""
    async with grpc.aio.insecure_channel(place.address, options=OPTIONS) as channel:
        talks = [Talk() for _ in range(n)]
        for talk in talks:
            await talk.open(channel, pacing)
        rng, now = np.random.default_rng(n), time.monotonic() + 0.1
        speaking = []
        for i, talk in enumerate(talks):
            talk.began = now + SPREAD * (i + rng.random()) / n
            count = round((SPREAD + seconds) / TICK)
            speaking.append(talk.speak(requests, int(rng.integers(len(requests))), count))
        everybody = asyncio.gather(*speaking)
        await asyncio.sleep(now + SPREAD - time.monotonic())
        began, server, client = time.monotonic(), place.cpu, time.process_time()
        await asyncio.sleep(seconds - 0.2)
        took = time.monotonic() - began
        server, client = (place.cpu - server) / took, (time.process_time() - client) / took
        await everybody
    return heard(talks, server, client)


def speech() -> list[bytes]:
    """The sample in requests of 20 ms."""
    sound, rate = soundfile.read(SAMPLE, dtype="float32")
    data = (soxr.resample(sound, rate, RATE) * 32767).astype("<i2").tobytes()
    size = 2 * CHUNK
    return [
        pb.AnimateRequest(audio=pb.Audio(samples=data[at : at + size])).SerializeToString()
        for at in range(0, len(data) - size + 1, size)
    ]


# ── tables ────────────────────────────────────────────────────────────────────────────────────────────────


def table(title: str, pack: str, args: argparse.Namespace, pacing: int, most: int = 64) -> dict[int, Heard]:
    """Prints a row for each number of streams, until it is hopeless."""
    print(f"\n{title}")
    print(
        "            server CPU, %    first frame late   first sound to it   frames late    frames   client"
    )
    print(
        "  streams   all  a stream   p50     p99, ms     p50     p99, ms    p50   p99, ms  dropped  CPU, lag"
    )
    found = {}
    with serving(pack, most) as place:
        run(crowd(place, speech(), 1, 1, pacing))  # warm
        for n in args.n:
            told = found[n] = run(crowd(place, speech(), n, args.seconds, pacing))
            first, waited, late, lag = (
                1000 * np.percentile(times, (50, 99))
                for times in (told.first, told.waited, told.late, told.lag)
            )
            print(
                f"  {n:7d}{100 * told.server:6.0f}{100 * told.server / n:10.2f}"
                f"{first[0]:6.0f}{first[1]:8.0f}    {waited[0]:8.0f}{waited[1]:8.0f}    "
                f"{late[0]:7.0f}{late[1]:6.0f}    {told.dropped:9d}"
                f"{100 * told.client:5.0f} % {lag[1]:3.0f} ms"
            )
            if late[1] > 1000 * HOPELESS or told.dropped:
                break
    print(f"  most streams with p99 late by {1000 * LATE:g} ms or less: {most_of(found) or 'none'}")
    return found


def most_of(found: dict[int, Heard]) -> int:
    """Streams that were served in time."""
    good = [n for n, told in found.items() if np.percentile(told.late, 99) <= LATE and not told.dropped]
    return max(good, default=0)


def compare(together: dict[int, Heard], alone: dict[int, Heard]) -> None:
    """What batching is worth, within this run."""
    n = max(together.keys() & alone.keys())
    print(
        f"\nbatched against one at a time: {most_of(together) / max(most_of(alone), 1):.1f} × the streams,",
        end="",
    )
    print(f" {alone[n].server / together[n].server:.1f} × the CPU saved at {n} streams")


def whole(pack: str) -> None:
    """One client that sends a long recording as fast as it is taken."""
    sound, rate = soundfile.read(SAMPLE, dtype="float32")
    clip = AudioChunk(np.resize(soxr.resample(sound, rate, RATE), 120 * RATE).astype(np.float32), RATE)
    with serving(pack, 64) as place, voxrig.connect(place.address) as client:
        client.animate(AudioChunk(clip.samples[:RATE], RATE))
        cpu, began = place.cpu, time.monotonic()
        frames = client.animate(clip)
        took = time.monotonic() - began
        print(f"\none client, a recording of 120 s: {120 / took:.0f} × real time, ", end="")
        print(f"{120 / (place.cpu - cpu):.0f} × per CPU second of the server, {len(frames)} frames")


def run(main: Coroutine[Any, Any, Heard]) -> Heard:
    gc.collect()
    gc.freeze()
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


def machine() -> str:
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{os.cpu_count()} cores of {model}, load {os.getloadavg()[0]:.1f} before the start"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seconds", type=float, default=8.0, help="of speech in each row")
    parser.add_argument("--pack", default="live", help="a model pack")
    parser.add_argument(
        "--n", type=lambda t: [int(n) for n in t.split(",")], default=[1, 25, 50, 100, 150, 200]
    )
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.pack, args.serve)
        return
    print(f"voxrig {voxrig.__version__}, pack {args.pack}, {machine()}")
    together = table("realtime pacing", args.pack, args, pb.PACING_REALTIME)
    table("burst pacing, fed as it is spoken", args.pack, args, pb.PACING_BURST)
    alone = table("realtime pacing, one stream a step", args.pack, args, pb.PACING_REALTIME, most=1)
    compare(together, alone)
    whole(args.pack)


if __name__ == "__main__":
    main()
