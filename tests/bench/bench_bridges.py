"""What a face costs on its way out, and how evenly frames go. Prints; asserts nothing.

make bench-bridges

Cost: CPU of one frame of real speech through codec and socket over loopback, somebody listening; and from it
the faces that one core sends at 60 frames a second. python-osc makes the same messages in the same run.
Jitter: 20 faces of Live Link at 60 fps for ten seconds, when datagrams arrive against when they are due.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import selectors
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

import voxrig
from voxrig.audio import open_audio
from voxrig.cast import Cast, Part, Take
from voxrig.performance import Direction
from voxrig.rigs import NATIVE
from voxrig.types import Array, AudioChunk
from voxrig_bridge import livelink
from voxrig_bridge.outlets import Outlet
from voxrig_bridge.playback import Face, Monotonic, Playback
from voxrig_bridge.receivers import Opener

SAMPLE = Path(__file__).parents[2] / "samples" / "hello.wav"
FPS = Fraction(60)
URLS = (
    "livelink://{}?subject=Ada",
    "metahuman://{}?subject=Ada",
    "vmc://{}?names=vrm0",
    "vmc://{}?names=arkit",
    "vmc://{}?names=metahuman",
    "vrchat://{}",
    "vrchat://{}?bits=4",
    "osc://{}?rig=arkit",
    "facecap://{}",
    "ifacialmocap://{}",
    "streamlivelink://{}?sound=0",
    "ws://127.0.0.1:0?sound=0",
)
_LISTENER = """
import selectors, socket
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", 0))
tcp = socket.create_server(udp.getsockname())
print(udp.getsockname()[1], flush=True)
poll = selectors.DefaultSelector()
for sock in (udp, tcp): poll.register(sock, selectors.EVENT_READ)
while True:
    for key, _ in poll.select():
        if key.fileobj is tcp: poll.register(tcp.accept()[0], selectors.EVENT_READ)
        elif not key.fileobj.recv(1 << 20) and key.fileobj is not udp: poll.unregister(key.fileobj)
"""
SILENCE = AudioChunk(np.zeros(0, np.float32), 48_000)


@contextmanager
def listening() -> Iterator[str]:
    """A place where UDP and TCP are read and thrown away, by another process."""
    with subprocess.Popen([sys.executable, "-c", _LISTENER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def per_frame(show: Callable[[int], object], frames: int) -> float:
    """CPU seconds of a frame in this thread, the median of five runs."""
    took = []
    for _ in range(5):
        began = time.thread_time()
        for i in range(frames):
            show(i)
        took.append((time.thread_time() - began) / frames)
    return statistics.median(took)


def outlet_cost(outlet: Outlet, values: Array) -> float:
    rows = list(values)
    return per_frame(lambda i: outlet.show(i, rows[i], SILENCE, 36_000 + i / 60), len(rows))


def baseline(place: str, names: list[str], values: Array, address: str) -> float:
    """python-osc: a bundle of messages with a name and a value, or with the name in the address."""
    from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
    from pythonosc.osc_message_builder import OscMessageBuilder

    host, port = place.split(":")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((host, int(port)))

    def show(i: int) -> None:
        for first in range(0, len(names), 26):  # two datagrams for 52
            bundle = OscBundleBuilder(IMMEDIATELY)  # type: ignore[arg-type]
            for name, value in zip(names[first : first + 26], values[i, first : first + 26], strict=True):
                message = OscMessageBuilder(address.replace("{curve}", name))
                if "{curve}" not in address:
                    message.add_arg(name)
                message.add_arg(float(value))
                bundle.add_content(message.build())  # type: ignore[arg-type]
            sock.send(bundle.build().dgram)

    return per_frame(show, min(60, len(values)))


def costs() -> None:
    print("one frame through codec and socket, CPU; faces a core at 60 fps")
    found: dict[str, float] = {}
    with listening() as place:
        opener = Opener(FPS)
        for url in URLS:
            outlet = opener.open(url.format(place))
            outlet.begin()
            time.sleep(0.2)  # for TCP
            values = voxrig.animate(SAMPLE, outlet.rig.name, device="cpu").values
            found[url] = cost = outlet_cost(outlet, values)
            outlet.end()
            print(f"  {url.replace('{}', 'HOST'):36s}{1e6 * cost:8.1f} µs {1 / 60 / cost:8.0f} faces")
        opener.close()
        frames = voxrig.animate(SAMPLE, "arkit", device="cpu")
        try:
            rows = (
                ("vmc://{}?names=arkit", "/VMC/Ext/Blend/Val"),
                ("osc://{}?rig=arkit", "/face/{curve}"),
            )
            for url, address in rows:
                cost = baseline(place, list(frames.rig.curves), frames.values, address)
                times = cost / found[url]
                name = f"python-osc for {url.replace('{}', 'HOST')}"
                print(f"  {name:36s}{1e6 * cost:8.1f} µs {1 / 60 / cost:8.0f} faces, {times:.0f} × as much")
        except ImportError:
            print("  python-osc is not installed: no baseline")


def jitter(faces: int, seconds: float) -> None:
    """When datagrams arrive, against an even row through them."""
    arrivals: dict[str, list[tuple[int, float]]] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        ear.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS: the kernel writes down when each came
        done = threading.Event()
        packets: list[tuple[bytes, float]] = []

        def read() -> None:
            poll = selectors.DefaultSelector()
            poll.register(ear, selectors.EVENT_READ)
            ear.setblocking(False)
            while not done.is_set():
                for _ in poll.select(0.05):
                    while True:
                        try:
                            data, notes, _, _ = ear.recvmsg(4096, 64)
                        except BlockingIOError:
                            break
                        whole, part = struct.unpack("qq", notes[0][2])
                        packets.append((data, whole + part / 1e9))

        reader = threading.Thread(target=read)
        place = f"127.0.0.1:{ear.getsockname()[1]}"
        opener = Opener(FPS)
        outlets = [opener.open(f"livelink://{place}?subject=face{i}") for i in range(faces)]
        takes = [[Take(partial(open_audio, SAMPLE))] * 9 for _ in outlets]
        direction = Direction(NATIVE, FPS)
        parts = [Part(own, direction, [o.rig]) for own, o in zip(takes, outlets, strict=True)]
        with Cast(parts, direction.engine(None, "cpu")) as cast:
            cast.wait()
            shows = [Face(reel, [o]) for reel, o in zip(cast.reels, outlets, strict=True)]
            clock = Monotonic()
            end = clock.now() + seconds
            sys.setswitchinterval(0.0005)
            reader.start()
            counts = Playback(shows, FPS, clock, 36_000.0).run(clock.now() + 0.1, lambda: clock.now() > end)
        done.set()
        reader.join()
    for data, came in packets:
        packet = livelink.parse(data)
        arrivals.setdefault(packet.subject, []).append((packet.frame, came))
    off = []
    for rows in arrivals.values():
        frame, came = np.array(rows).T
        late = came - frame / float(FPS)
        off.append(late - np.min(late))
    ms = 1000 * np.percentile(np.concatenate(off), (50, 90, 99, 99.9))
    print(f"{faces} faces of Live Link for {seconds:g} s, later than the earliest: "
          f"p50 {ms[0]:.2f}, p90 {ms[1]:.2f}, p99 {ms[2]:.2f}, p99.9 {ms[3]:.2f} ms; "
          f"{counts.late} of {counts.frames} moments late, {counts.skipped} left out")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--faces", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0)
    args = parser.parse_args()
    costs()
    jitter(1, args.seconds / 2)
    jitter(args.faces, args.seconds)


if __name__ == "__main__":
    main()
