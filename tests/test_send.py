"""Sending over real sockets: what arrives, who goes and comes back, and what the command line says."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import Run
from sounds import SAMPLE, TINY, VOXRIG, babble

import voxrig
from voxrig.errors import BridgeError
from voxrig.rigs import NATIVE, get, map_to
from voxrig_bridge import livelink, open_sink, osc, streamlivelink
from voxrig_bridge.ifacialmocap import HANDSHAKES, STOP
from voxrig_bridge.network import Tcp, Udp
from voxrig_bridge.receivers import RECEIVERS, Opener

TINY_PACK = ("--pack", str(TINY), "--device", "cpu")


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    """A UDP port that somebody listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sock.settimeout(20)
        yield sock


def heard(ear: socket.socket) -> list[bytes]:
    """All that came."""
    found = []
    ear.setblocking(False)
    while True:
        try:
            found.append(ear.recv(65536))
        except BlockingIOError:
            return found


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """A second of sound."""
    path = tmp_path / "line.wav"
    soundfile.write(path, babble(1.0).samples, 16000)
    return path


def port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


# ── what arrives ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_recording_arrives_as_animate_makes_it(run: Run, ear: socket.socket) -> None:
    began = time.monotonic()
    done = run("send", SAMPLE, f"livelink://127.0.0.1:{port_of(ear)}?subject=Ada", "--device", "cpu")
    took = time.monotonic() - began
    assert (done.returncode, done.stderr) == (0, "")
    packets = [livelink.parse(data) for data in heard(ear)]
    expected = voxrig.animate(SAMPLE, "livelink", device="cpu")
    assert took > len(expected) / 60  # in real time
    assert len(packets) > 0.8 * len(expected)  # a busy machine may leave some out
    first = packets[0].frame
    told = [packet.frame - first for packet in packets]
    assert {packet.subject for packet in packets} == {"Ada"}
    assert told == sorted(set(told))
    np.testing.assert_allclose([p.values for p in packets], expected.values[told], atol=1e-6)
    assert "frames sent" in done.stdout


def test_two_faces_at_once_and_two_takes_in_a_row(run: Run, ear: socket.socket, line: Path) -> None:
    place = f"127.0.0.1:{port_of(ear)}"
    words = [line, line, f"livelink://{place}?subject=Ada", line, f"livelink://{place}?subject=Bob"]
    done = run("send", *words, "--fps", "30", *TINY_PACK)
    assert (done.returncode, done.stderr) == (0, "")
    ada, bob = (
        [p.frame for p in map(livelink.parse, heard_once) if p.subject == name]
        for heard_once in [heard(ear)]
        for name in ("Ada", "Bob")
    )
    assert 50 <= len(ada) <= 60
    assert 25 <= len(bob) <= 30
    assert abs(ada[0] - bob[0]) <= 1
    assert ada[-1] - ada[0] > 40


def test_a_broken_recording_beside_a_good_one(run: Run, ear: socket.socket, line: Path) -> None:
    url = f"livelink://127.0.0.1:{port_of(ear)}"
    done = run("send", line, url, "nothing.wav", url, *TINY_PACK)
    assert done.returncode == 1
    assert "voxrig: cannot read nothing.wav: No such file" in done.stderr
    assert len(heard(ear)) > 40


def test_a_sink_sends_what_is_written(ear: socket.socket) -> None:
    frames = voxrig.animate(babble(0.5), "native", 60, pack=str(TINY), device="cpu")
    sink = open_sink(f"osc://127.0.0.1:{port_of(ear)}?rig=arkit&address=/f/{{curve}}")
    mapped = map_to(NATIVE, get("arkit"))(frames)
    sink.write(mapped)
    with pytest.raises(ValueError, match="takes arkit at 60 frames a second, not native at 60"):
        sink.write(frames)
    sink.close()
    sink.close()
    said = [m for data in heard(ear) for m in osc.parse(data) if m.address == "/f/jawOpen"]
    told = [m.arguments[0] for m in said][: len(mapped)]
    np.testing.assert_allclose(told, mapped.curve("jawOpen"), atol=1e-6)


def test_live_sound_from_a_pipe(ear: socket.socket) -> None:
    words = ["live", f"livelink://127.0.0.1:{port_of(ear)}", "--raw", "s16", *TINY_PACK]
    with subprocess.Popen([*VOXRIG, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin
        sound = (babble(2.0).samples * 32767).astype("<i2").tobytes()
        began = time.monotonic()
        for i in range(100):
            child.stdin.write(sound[640 * i : 640 * (i + 1)])
            child.stdin.flush()
            time.sleep(max(0.0, began + 0.02 * (i + 1) - time.monotonic()))
        child.stdin.close()
        assert child.wait(20) == 0
    frames = [livelink.parse(data).frame for data in heard(ear)]
    assert frames == list(range(frames[0], frames[0] + 120))


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_brings_the_face_to_rest(ear: socket.socket, number: int) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # not ignored in the child
    words = ["send", str(SAMPLE), f"vmc://127.0.0.1:{port_of(ear)}?names=arkit", "--loop"]
    with subprocess.Popen([*VOXRIG, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        signal.signal(signal.SIGINT, before)
        for _ in range(200):  # more than the opening
            ear.recv(65536)
        child.send_signal(number)
        assert child.wait(20) == 2
    last = [
        m.arguments for data in heard(ear)[-8:] for m in osc.parse(data) if m.address.endswith("Blend/Val")
    ]
    assert last[-1][1] == 0
    assert {value for _, value in last[-52:]} == {0.0}


# ── who goes and comes back ───────────────────────────────────────────────────────────────────────────────


def test_a_udp_receiver_that_goes_and_comes_back() -> None:
    said: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first:
        first.bind(("127.0.0.1", 0))
        port = port_of(first)
        udp = Udp("127.0.0.1", port, said.append)
        assert udp.send([b"a", b"b"])
        assert [first.recv(9), first.recv(9)] == [b"a", b"b"]
    results = [udp.send([b"c"]) for _ in range(20)]
    assert not all(results)
    assert said == [f"127.0.0.1:{port}: nobody listens; sending goes on"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second:
        second.bind(("127.0.0.1", port))
        second.settimeout(5)
        while not udp.send([b"d"]):
            pass
        assert second.recv(9) in (b"c", b"d")
    udp.close()


def test_a_tcp_receiver_that_goes_and_comes_back() -> None:
    said: list[str] = []
    server = socket.create_server(("127.0.0.1", 0))
    port = port_of(server)
    tcp = Tcp("127.0.0.1", port, lambda: [b"hello "], said.append)
    caller, _ = server.accept()
    until(lambda: tcp.send([b"one"]))
    assert caller.recv(99).startswith(b"hello one")
    caller.close()
    server.close()
    until(lambda: not tcp.send([b"lost"]) and bool(said))
    server = socket.create_server(("127.0.0.1", port))
    until(lambda: tcp.send([b"two"]))
    caller, _ = server.accept()
    assert caller.recv(99).startswith(b"hello two")
    assert len(said) == 1
    tcp.close()
    caller.close()
    server.close()


def test_a_tcp_receiver_that_never_reads_gets_whole_blocks() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        tcp = Tcp("127.0.0.1", port_of(server), list)
        caller, _ = server.accept()
        block = streamlivelink.block(bytes(50_000))
        until(lambda: tcp.send([block]))
        went = 1 + sum(tcp.send([block]) for _ in range(2000))
        assert went < 1000  # the system's buffers, not ours
        parser, whole = streamlivelink.Parser(), 0
        caller.settimeout(5)
        while whole < went:
            whole += len(parser.feed(caller.recv(1 << 20)))
            tcp.send([])
        assert whole == went
        tcp.close()
        caller.close()


def test_who_asks_for_ifacialmocap_is_served(ear: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        free = port_of(taken)
        with pytest.raises(BridgeError, match=f"cannot listen on 127.0.0.1:{free}: Address already in use"):
            Opener(Fraction(60)).open(f"ifacialmocap://127.0.0.1:{free}?wait=1")
    outlet = Opener(Fraction(60)).open(f"ifacialmocap://127.0.0.1:{free}?wait=1")
    values, silence = np.zeros(61, np.float32), voxrig.AudioChunk(np.zeros(0, np.float32), 16000)
    outlet.show(0, values, silence, 0.0)
    assert (outlet.sent, outlet.dropped) == (0, 0)
    ear.sendto(HANDSHAKES[1], ("127.0.0.1", free))
    until(lambda: outlet.show(1, values, silence, 0.0) or outlet.sent > 0)
    assert b"jawOpen" in ear.recv(9999)
    ear.sendto(b"nonsense \xff", ("127.0.0.1", free))
    ear.sendto(STOP, ("127.0.0.1", free))
    sent = -1

    def quiet() -> bool:
        nonlocal sent
        before, sent = sent, outlet.sent
        outlet.show(2, values, silence, 0.0)
        return before == outlet.sent

    until(quiet)
    outlet.end()
    outlet.end()


def until(law: object, seconds: float = 10.0) -> None:
    """Asks again and again until it holds."""
    end = time.monotonic() + seconds
    while not law():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.005)


# ── what the command line says ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([SAMPLE], "no URL after"),
        (["vmc://x", SAMPLE], "vmc://x comes before any recording"),
        ([SAMPLE, "foo://x"], "unknown receiver 'foo://'; have livelink://, "),
        ([SAMPLE, "vmc:/x"], "no URL after"),
        ([SAMPLE, "vmc://"], "vmc:// names no host; write vmc://HOST:39539"),
        ([SAMPLE, "vmc://nowhere.invalid"], "cannot find 'nowhere.invalid': "),
        ([SAMPLE, "vmc://x:99999"], "vmc://x:99999 is no address: Port out of range"),
        ([SAMPLE, "vmc://x:y"], "vmc://x:y is no address: Port could not be cast"),
        ([SAMPLE, "vmc://[x"], "vmc://[x is no address"),
        ([SAMPLE, "vmc://x/y"], "has more than host, port and options"),
        ([SAMPLE, "vmc://127.0.0.1?colour=red"], "unknown option 'colour' in vmc://127.0.0.1?colour=red"),
        ([SAMPLE, "vmc://127.0.0.1?names=vrm9"], "'vrm9'; have vrm0, vrm1"),
        ([SAMPLE, "vmc://127.0.0.1?bones=2"], "bones in vmc://127.0.0.1?bones=2 is '2'; have 0 to 1"),
        ([SAMPLE, "vmc://127.0.0.1?bones=1&bones=0"], "gives an option twice"),
        ([SAMPLE, "vmc://127.0.0.1?bones"], "is no address: bad query field"),
        ([SAMPLE, "osc://127.0.0.1?rig=arkit2"], "unknown rig 'arkit2'; have native"),
        ([SAMPLE, "osc://127.0.0.1?address=/face"], "address '/face' is no template"),
        ([SAMPLE, f"livelink://127.0.0.1?subject={'a' * 10_000}"], "is 10000 bytes long; 64 are allowed"),
        ([SAMPLE, "livelink://127.0.0.1?subject=%C3%84da"], "subject"),
        ([SAMPLE, "livelink://127.0.0.1?angles=degrees"], "'degrees'; have radians, half-turns"),
        ([SAMPLE, "ws://0.0.0.0:0"], "can be heard from other machines: give --keys, or add public=1"),
        ([SAMPLE, "vmc://127.0.0.1", "--emotion", "joyous"], "unknown emotion 'joyous'"),
        ([SAMPLE, "vmc://127.0.0.1", "--delay", "5"], "--loudspeaker and --delay go with --play"),
        ([SAMPLE, "vmc://127.0.0.1", "--gain", "nose=2"], "unknown vrm0 curve 'nose'"),
        (["-", "vmc://127.0.0.1", "--loop"], "--loop cannot begin standard input again"),
        (["nothing.wav", "vmc://127.0.0.1"], "cannot read nothing.wav: No such file"),
    ],
)  # fmt: skip
def test_bad_words_are_told_in_a_line(run: Run, words: list[object], said: str) -> None:
    done = run("send", *words, *TINY_PACK)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("voxrig: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 500


def test_live_words(run: Run) -> None:
    done = run("live", "line.wav", *TINY_PACK)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "voxrig: line.wav is no URL; voxrig send plays recordings\n"
    done = run("live", "vmc://127.0.0.1", "--rate", "8000")
    assert "--rate goes with --raw" in done.stderr


def test_help_names_every_receiver(run: Run) -> None:
    for verb in ("send", "live"):
        told = run(verb, "--help").stdout
        for name, receiver in RECEIVERS.items():
            assert f"{name}://" in told
            assert f":{receiver.port}" in told
