"""The Unity package: compiled against stubs of Unity, fed with what the bridges and the service really send.

Mono stands in for Unity's runtime. ``tests/unity/stubs`` has what the package uses of the engine's types, and
``tests/unity/Probe.cs`` runs codec and components; Unity itself is not needed, and is not tested.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from calls import KEY
from sounds import SAMPLE, TINY

import voxrig
from voxrig import audio, rigs
from voxrig.errors import WireError
from voxrig.idle import Life
from voxrig.model import OnnxModel
from voxrig.rpc.server import Server, Setup, start
from voxrig.types import Array, AudioChunk, Auto, Frames, Style
from voxrig_bridge import livelink, vmc, web
from voxrig_bridge.livelink import Livelink
from voxrig_bridge.vmc import Vmc
from voxrig_bridge.websocket import Broadcast

HERE = Path(__file__).parent / "unity"
PACKAGE = Path(__file__).parent.parent / "engine_bridges" / "unity" / "com.voxrig.face"
PROTO = Path(__file__).parent.parent / "proto"
FPS = Fraction(60)
NOON = 12 * 3600.0
LIVELINK = rigs.get("livelink")
SHAPES = ["Face_jawOpen", "mouthSmile_L", "mouthSmile_R", "EyeBlinkLeft", "A", "nothing"]  # Probe.cs
CURVES = [LIVELINK.index(name) for name in ("JawOpen", "MouthSmileLeft", "MouthSmileRight", "EyeBlinkLeft")]

OUTPUT = 0.02  # s between reading and hearing: two buffers of 480 at 48 kHz, in stubs/UnityEngine.cs

needs_mono = pytest.mark.skipif(
    not (shutil.which("mcs") and shutil.which("mono")), reason="mono-mcs is not installed"
)
Probe = Callable[..., list[str]]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every assembly of the package, compiled without a warning, and the probe."""
    to = tmp_path_factory.mktemp("unity")
    runtime = PACKAGE / "Runtime"

    def library(name: str, sources: Iterable[Path], *words: str, kind: str = "library") -> None:
        target = to / f"{name}.{'exe' if kind == 'exe' else 'dll'}"
        command = [
            "mcs",
            "-langversion:latest",
            "-warn:4",
            "-warnaserror",
            f"-target:{kind}",
            f"-out:{target}",
        ]
        done = subprocess.run(
            [*command, *words, *map(str, sources)], cwd=to, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr

    # The other form of protoc's output, for runtimes with spans, is more than this compiler can read.
    old = "-d:GOOGLE_PROTOBUF_REFSTRUCT_COMPATIBILITY_MODE"
    all_of_it = ["-r:codec.dll", "-r:engine.dll", "-r:face.dll"]
    library("engine", [HERE / "stubs" / "UnityEngine.cs"])
    library("editor_stub", [HERE / "stubs" / "UnityEditor.cs"], "-r:engine.dll")
    library("grpc_stub", [HERE / "stubs" / "Protobuf.cs", HERE / "stubs" / "Grpc.cs"])
    library("codec", sorted((runtime / "Codec").glob("*.cs")))
    library("face", sorted(runtime.glob("*.cs")), *all_of_it[:2])
    library("editor", sorted((PACKAGE / "Editor").glob("*.cs")), "-r:editor_stub.dll", *all_of_it)
    library(
        "grpc",
        sorted((runtime / "Grpc").rglob("*.cs")),
        old, "-d:VOXRIG_GRPC;VOXRIG_HTTP2_HANDLER", "-r:grpc_stub.dll", *all_of_it,
    )  # fmt: skip
    library("samples", sorted((PACKAGE / "Samples~").rglob("*.cs")), *all_of_it)
    library("nunit_stub", [HERE / "stubs" / "NUnit.cs"])
    library("own", sorted((PACKAGE / "Tests").rglob("*.cs")), "-r:nunit_stub.dll", "-r:codec.dll")
    library("probe", [HERE / "Probe.cs"], *all_of_it, kind="exe")
    return to


@pytest.fixture
def probe(built: Path, tmp_path: Path) -> Probe:
    """Runs a verb of the probe, messages given as bytes or text in files; its lines."""

    def run(verb: str, *arguments: Iterable[bytes | str] | str) -> list[str]:
        words = []
        for i, argument in enumerate(arguments):
            if isinstance(argument, str):
                words.append(argument)
                continue
            path = tmp_path / f"{verb}{i}"
            path.write_bytes(b"".join(map(framed, argument)))
            words.append(str(path))
        done = subprocess.run(
            ["mono", str(built / "probe.exe"), verb, *words], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


@pytest.fixture(scope="session")
def take() -> Frames:
    """Five seconds of real speech."""
    whole = audio.read(SAMPLE)
    sound = AudioChunk(whole.samples[: 5 * whole.rate], whole.rate)
    return voxrig.animate(sound, "livelink", FPS, device="cpu")


def framed(message: bytes | str) -> bytes:
    data = message.encode() if isinstance(message, str) else message
    return (b"t" if isinstance(message, str) else b"b") + struct.pack("<i", len(data)) + data


def row(text: str) -> Array:
    return np.array(text.split(), np.float32)


def spoilt(packets: list[bytes], count: int, seed: int) -> list[bytes]:
    """Packets with something wrong about most of them: a byte, the length, or everything."""
    rng = np.random.default_rng(seed)
    bad = []
    for i in range(count):
        data = bytearray(packets[i % len(packets)])
        match i % 4:
            case 0:
                del data[rng.integers(len(data) + 1) :]
            case 1:
                data[rng.integers(min(len(data), 120))] = rng.integers(256)
            case 2:
                data += rng.bytes(int(rng.integers(1, 9)))
            case 3:
                data = bytearray(rng.bytes(int(rng.integers(400))))
        bad.append(bytes(data))
    return bad


# ── the package ───────────────────────────────────────────────────────────────────────────────────────


def test_every_file_has_an_identity_of_its_own() -> None:
    seen: dict[str, Path] = {}
    for path in sorted(PACKAGE.rglob("*")):
        hidden = any(part.endswith("~") for part in path.relative_to(PACKAGE).parts)
        if hidden or path.suffix == ".meta":
            assert not hidden or path.suffix != ".meta"
            continue
        meta = path.with_name(path.name + ".meta").read_text()
        guid = re.search(r"^guid: ([0-9a-f]{32})$", meta, re.MULTILINE)
        assert guid, path
        assert seen.setdefault(guid[1], path) == path
        assert ("folderAsset: yes" in meta) == path.is_dir()
    for path in PACKAGE.rglob("*.meta"):
        assert path.with_suffix("").exists(), path


def test_the_manifest_tells_what_is_there() -> None:
    manifest = json.loads((PACKAGE / "package.json").read_text())
    assert manifest["name"] == PACKAGE.name
    assert f"## [{manifest['version']}]" in (PACKAGE / "CHANGELOG.md").read_text()
    assert not manifest.get("dependencies")
    for sample in manifest["samples"]:
        assert (PACKAGE / sample["path"]).is_dir()
    for path in PACKAGE.rglob("*.asmdef"):
        assembly = json.loads(path.read_text())
        assert assembly["name"] == path.stem
        assert assembly.get("noEngineReferences", False) == (path.stem == "Voxrig.Face.Codec")


def test_the_codec_knows_no_engine() -> None:
    for path in (PACKAGE / "Runtime" / "Codec").glob("*.cs"):
        assert "UnityEngine" not in path.read_text(), path


def test_the_stubs_come_from_the_proto(tmp_path: Path) -> None:
    protoc = shutil.which("protoc")
    told = subprocess.run([protoc, "--version"], capture_output=True, text=True).stdout if protoc else ""
    if told.strip() != "libprotoc 3.21.12":
        pytest.skip("protoc 3.21.12 is not installed")
    command = [protoc, f"-I{PROTO}", f"--csharp_out={tmp_path}", str(PROTO / "voxrig" / "v1" / "face.proto")]
    subprocess.run([str(word) for word in command], check=True)
    stub = PACKAGE / "Runtime" / "Grpc" / "pb" / "Face.cs"
    assert stub.read_text() == (tmp_path / "Face.cs").read_text()


@needs_mono
def test_curve_names_are_the_rigs(probe: Probe) -> None:
    assert probe("requests")[-1].split() == list(LIVELINK.curves)


@needs_mono
def test_the_tests_that_it_brings_hold(built: Path, probe: Probe) -> None:
    assert len(probe("own", str(built / "own.dll"))) == 4


# ── packets ───────────────────────────────────────────────────────────────────────────────────────────


@needs_mono
def test_a_take_by_live_link(probe: Probe, take: Frames) -> None:
    codec = Livelink(FPS, "Ada")
    packets = [codec.encode(values, NOON + i / 60)[0] for i, values in enumerate(take.values)]
    lines = probe("livelink", packets)
    assert len(lines) == len(take.values) == 300
    for i, (line, packet) in enumerate(zip(lines, packets, strict=True)):
        device, subject, frame, subframe, numerator, denominator, values = line.split("|")
        told = livelink.parse(packet)
        assert (json.loads(device), json.loads(subject)) == (told.device, "Ada")
        assert (int(frame), float(subframe)) == (12 * 3600 * 60 + i, told.subframe)
        assert (int(numerator), int(denominator)) == (60, 1)
        np.testing.assert_array_equal(row(values), take.values[i])


@needs_mono
def test_live_link_takes_what_python_takes(probe: Probe, take: Frames) -> None:
    good = [
        Livelink(Fraction(30000, 1001), name, device).encode(take.values[60 + i], NOON)[0]
        for i, (name, device) in enumerate([("Ada", ""), ("B" * 64, "x"), ("c", "D" * 64)])
    ]
    tail = struct.pack(">ifii", 90, 0.25, 60, 1)
    names = b"\x06" + struct.pack(">i", 2) + b"Ad" + struct.pack(">i", 2) + b"Ad"
    values = struct.pack(">61f", *[0.5] * 61)
    wrong = [
        b"",
        b"\x06",
        b"\x05" + good[0][1:],
        names + tail + b"\x34" + values[: 4 * 52],  # 52 values
        names + tail + b"\x3d" + values[:-1],
        names + tail + b"\x3d" + values + b"\x00",
        names + tail + b"\x3d" + values[:-4] + struct.pack(">f", math.nan),
        names + tail + b"\x3d" + values[:-4] + struct.pack(">f", math.inf),
        names + struct.pack(">ifii", 90, 0.25, 60, 0) + b"\x3d" + values,
        names + struct.pack(">ifii", 90, math.nan, 60, 1) + b"\x3d" + values,
        b"\x06" + struct.pack(">i", -1) + good[0][5:],
        b"\x06" + struct.pack(">i", 2**31 - 1) + good[0][5:],
    ]
    assert all(line.startswith("bad") for line in probe("livelink", wrong))
    mixed = good + spoilt(good, 4000, 1)
    for line, packet in zip(probe("livelink", mixed), mixed, strict=True):
        try:
            told = livelink.parse(packet)
        except WireError:
            assert line.startswith("bad"), packet
            continue
        assert not line.startswith("bad"), (line, packet)
        np.testing.assert_array_equal(row(line.split("|")[-1]), told.values)


@needs_mono
def test_a_take_by_vmc(probe: Probe, take: Frames) -> None:
    codec = Vmc(FPS, "livelink")
    lines = probe(
        "vmc", [d for i, frame in enumerate(take.values) for d in codec.encode(frame, NOON + i / 60)]
    )
    assert len(lines) == 300
    for line, frame in zip(lines, take.values, strict=True):
        names, _, head, told = line.split("|")
        assert names.split() == list(LIVELINK.curves[:52])
        np.testing.assert_array_equal(row(told), frame[:52])
        turn = vmc.unity(*(float(angle) for angle in frame[52:55]))
        np.testing.assert_allclose(row(head), turn, atol=1e-6)


@needs_mono
def test_garbage_is_no_vmc(probe: Probe, take: Frames) -> None:
    packets = [d for frame in take.values[:3] for d in Vmc(FPS, "livelink").encode(frame, NOON)]
    assert len(probe("vmc", spoilt(packets, 4000, 2))) > 1000
    deep = packets[0]
    for _ in range(12):
        deep = b"#bundle\0" + bytes(8) + struct.pack(">i", len(deep)) + deep
    zero = b"#bundle\0" + bytes(8) + struct.pack(">i", 0)
    huge = b"#bundle\0" + bytes(8) + struct.pack(">i", 2**31 - 4) + b"/a\0\0"
    assert all(line.startswith("bad") for line in probe("vmc", [deep, zero, huge, b"/a", b"", b"/abc"]))


@needs_mono
def test_the_websocket_protocol(probe: Probe, take: Frames) -> None:
    rng = np.random.default_rng(3)
    targets = (web.Target("livelink", LIVELINK.curves), web.Target("two", ("é", "b/c")))
    header = web.Header(7, "Ada", Fraction(30000, 1001), 0.08, "live", targets, web.SoundFormat(48000, "s16"))
    sound = rng.integers(-32768, 32768, 800, dtype="<i2")
    other = rng.normal(size=(300, 2)).astype(np.float32)
    block = web.Block(7, 2**32 - 301, [take.values, other], sound.tobytes())
    notice = web.Notice(7, "dropped", 'a "word" \u20ac', 3, 9, 0.25)
    summary = web.Summary(7, 80000, 300, 1, 2, 3, 0.5)
    fault = web.Fault("UNAVAILABLE", "it stops")
    lines = probe(
        "web",
        [
            *[web.text(told) for told in (header, notice, summary, fault)],
            web.pack(block),
            web.pack(replace(block, sound=b"")),
        ],
    )
    assert lines[0] == "header|7|Ada|30000/1001|0.08|live|48000|s16|" + "|".join(
        f"{target.rig} {' '.join(target.curves)}" for target in targets
    )
    assert lines[1] == 'notice|7|dropped|a "word" \u20ac|3|9|0.25'
    assert lines[2] == "summary|7|80000|300|1|2|3|0.5"
    assert lines[3] == "error|UNAVAILABLE|it stops"
    kind, face, begin, count, first, second, heard = lines[4].split("|")
    assert (kind, face, int(begin), int(count)) == ("frames", "7", 2**32 - 301, 300)
    np.testing.assert_array_equal(row(first).reshape(300, 61), take.values)
    np.testing.assert_array_equal(row(second).reshape(300, 2), other)
    np.testing.assert_array_equal(row(heard), sound.astype(np.float32) / 32768)
    assert lines[5].endswith("|")


@needs_mono
def test_garbage_is_no_websocket_protocol(probe: Probe, take: Frames) -> None:
    header = web.text(web.Header(0, "", FPS, 0, "", (web.Target("livelink", LIVELINK.curves),)))
    frames = web.pack(web.Block(0, 0, [take.values[:2]]))
    nan = bytearray(frames)
    nan[12:16] = struct.pack("<f", math.nan)
    wrong: list[bytes | str] = [
        frames,  # before its header
        "", "{", "[]", "1", "nope", '{"type":"header"}', '{"type":"dance"}', '{"type":3}', "[" * 10_000,
        '{"type":"error","code":' + "9" * 400 + "}", '"\\ud"', header[:-1], header + "x",
        header.replace('"face":0', '"face":256'), header.replace("[60,1]", "[60,0]"),
    ]  # fmt: skip
    assert all(line.startswith("bad") for line in probe("web", wrong))
    late = [
        header,
        bytes(nan),
        frames[:-1],
        frames + b"\0",
        b"\2" + frames[1:],
        frames[:1] + b"\1" + frames[2:],
    ]
    assert all(line.startswith("bad") for line in probe("web", late)[1:])
    assert len(probe("web", [header, *spoilt([frames], 3000, 4)])) == 3001
    texts = [data.decode("latin1") for data in spoilt([header.encode()], 3000, 5)]
    assert len([line for line in probe("web", texts) if line.startswith(("bad", "header"))]) >= 3000


@needs_mono
def test_what_the_client_says_is_understood(probe: Probe) -> None:
    config, style, directed, look, free, shown, unshown, end, _ = probe("requests")
    said = Style({"joy": 0.25}, 1.1)
    expected = web.Config(
        44100,
        "s16",
        ("livelink", "vrm1"),
        Fraction(30000, 1001),
        "",
        said,
        "realtime",
        0.5,
        True,
        'Ada "é"\n',
    )
    assert web.parse(config) == expected
    assert web.parse(style) == web.StyleKey(said, 123, 0.3)
    assert web.parse(directed) == replace(
        expected,
        style=Style({"joy": 0.25}, 1.1, -0.5, 1.5, "warm", Auto(contrast=1.25, most=2)),
        direction='sad, then "angry"',
        seconds=2.5,
        life=Life(head=0.25),
        seed=4_000_000_000,
    )
    assert (web.parse(look), web.parse(free)) == (web.Look(0.5, -0.25, 16000), web.Look())
    assert web.parse(shown) == web.Interrupt(7, 0.15)
    assert web.parse(unshown) == web.Interrupt(None, 0.0)
    assert web.parse(end) == web.End()


# ── between packets and the face ──────────────────────────────────────────────────────────────────────


@needs_mono
@pytest.mark.parametrize(
    ("curves", "shapes", "moved"),
    [
        ("jawOpen mouthLeft", "MOUTHLEFT JawOpen jaw_open", "1 0 0"),
        ("mouthSmileLeft mouthSmileRight", "mouthSmile_L MouthSmile_R mouthSmileR", "0 1 1"),
        ("mouthSmileLeft jawOpen", "blendShape1.mouthSmile_L Face:jawOpen Rig|jawOpen", "0 1 1"),
        ("jawOpen", "corrective_jawOpen jawOpen", "-1 0"),  # a whole name wins
        ("jawOpen", "a_b_jawOpen a_jawOpen", "-1 0"),  # then the shorter prefix
        ("jawOpen mouthOpen", "Open jaw nothing", "-1 -1 -1"),
        ("A I Blink_L", "Fcl_MTH_A Fcl_MTH_I blinkLeft L", "0 1 2 -1"),
        ("CTRL_expressions_jawOpen CTRL_expressions_eyeBlinkL", "jawOpen eyeBlinkLeft eyeBlink_L", "0 1 1"),
        ("jawOpen", "_ . __", "-1 -1 -1"),
    ],
)
def test_names_find_each_other(probe: Probe, curves: str, shapes: str, moved: str) -> None:
    lists = ["\n".join(curves.split()), "\n".join(shapes.split())]
    assert probe("match", lists) == [moved]


@needs_mono
def test_arkit_names_find_themselves_in_every_spelling(probe: Probe) -> None:
    curves = rigs.get("arkit").curves
    dressed = [
        "Head_blendShape." + name.replace("Left", "_L").replace("Right", "_R") if name[:3] != "jaw" else name
        for name in curves
        if name not in ("mouthLeft", "mouthRight")
    ]
    moved = [str(i) for i, name in enumerate(curves) if name not in ("mouthLeft", "mouthRight")]
    assert probe("match", ["\n".join(curves), "\n".join(dressed)]) == [" ".join(moved)]


@needs_mono
def test_the_buffer_runs_in_straight_lines(probe: Probe, take: Frames) -> None:
    values = take.values[:, :4]
    order = np.random.default_rng(6).permutation(300).tolist()  # frames come in any order
    adds = [f"add {i} {i / 60!r} {' '.join(repr(float(v)) for v in values[i])}" for i in order]
    moments = np.random.default_rng(7).uniform(0, 299 / 60, 200)
    script = ["new 4 300", *adds, *(f"at {moment!r}" for moment in moments.tolist()), "counts"]
    *lines, counts = probe("buffer", ["\n".join(script)])
    for moment, line in zip(moments, lines, strict=True):
        expected = [np.interp(moment * 60, np.arange(300), values[:, c]) for c in range(4)]
        np.testing.assert_allclose(row(line), expected, atol=1e-6)
    assert counts == "300 0 0 False"


@needs_mono
def test_the_buffer_counts_what_it_loses(probe: Probe) -> None:
    script = """new 1 4
at 0
add 10 10 1
add 11 11 2
at 9.5
at 10.5
add 8 8 9
at 12
counts
add 12 12 3
add 13 13 4
add 14 14 5
add 15 15 6
counts
at 12.5
cut 14
at 20
counts
add 13 13 7
at 13
clear
at 13
counts"""
    assert probe("buffer", [script]) == [
        "nothing", "nothing", "1.5", "2", "3 1 0 True",  # 8 came late
        "4 1 0 True",  # 8, 10 and 11 had been shown
        "3.5", "4", "2 1 0 True",
        "7", "nothing", "0 2 0 False",
    ]  # fmt: skip
    crowd = (
        "new 1 2\nadd 0 0 0\nat 0\n" + "\n".join(f"add {i} {i} {i}" for i in range(1, 6)) + "\ncounts\nat 4.5"
    )
    assert probe("buffer", [crowd]) == ["0", "2 0 3 False", "4.5"]  # 1, 2 and 3 were never shown


@needs_mono
def test_the_clock_follows_the_quickest_frame(probe: Probe) -> None:
    rng = np.random.default_rng(8)
    moments = NOON + np.arange(600) / 60
    arrivals = 5 + np.arange(600) / 60 + rng.exponential(0.01, 600)
    lines = probe(
        "clock", ["\n".join(f"{m!r} {a!r}" for m, a in zip(moments.tolist(), arrivals.tolist(), strict=True))]
    )
    shown = np.array([float(line.split()[1]) for line in lines])
    ideal = arrivals - 5 + NOON - 0.05
    assert np.abs(shown - ideal)[60:].max() < 0.003  # a hiccup of the network moves it hardly
    assert not any(line.startswith("True") for line in lines)
    leap = probe("clock", ["86399.99 5\n0.01 5.02\n0.02 5.03"])  # midnight
    assert [line.split()[0] for line in leap] == ["False", "True", "False"]


@needs_mono
def test_sound_tells_where_it_is(probe: Probe) -> None:
    ramp, flat = " ".join(str(i / 64) for i in range(16)), " ".join(["0.5"] * 32)
    script = f"new 8 10 4\nadd 16 {ramp}\nread 4 8\nadd 32 {flat}\nread 8 16"
    waiting, running = probe("sound", [script])
    assert waiting == "0 2 0 0 0 0"  # four seconds are to be there first
    heard, position, *samples = running.split()
    assert (heard, position) == ("8", "2.5")  # eight at 16 Hz are four at 8 Hz
    np.testing.assert_allclose([float(s) for s in samples], np.arange(8) / 128)
    script = "new 8 10 0\nadd 0 1 1 1 1\nread 2 8\nadd 8 2 2\nread 8 8\nread 2 8\ncut 0\nadd 10 3\nread 1 8"
    assert [line.split() for line in probe("sound", [script])] == [
        ["2", "0.25", "1", "1"],
        ["8", "1.25", "1", "1", "0", "0", "0", "0", "2", "2"],  # a gap is silence
        ["0", "1.25", "0", "0"],
        ["1", "1.375", "3"],
    ]
    cut = "new 8 10 1\nadd 0 1 1 1 1 1 1 1 1\nread 2 8\ncut 4\nread 4 8\nadd 4 0.5\nread 1 8\nhurry\nread 1 8"
    assert [line.split()[0] for line in probe("sound", [cut])] == ["2", "2", "0", "1"]


@needs_mono
def test_frames_cost_no_memory(probe: Probe, take: Frames) -> None:
    link, osc = Livelink(FPS, "Ada"), Vmc(FPS, "livelink")
    moments = [NOON + i / 60 for i in range(300)]
    header = web.Header(0, "", FPS, 0, "", (web.Target("livelink", LIVELINK.curves),), web.SoundFormat(16000))
    lines = probe(
        "allocations",
        [link.encode(frame, moment)[0] for frame, moment in zip(take.values, moments, strict=True)],
        [d for f, m in zip(take.values, moments, strict=True) for d in osc.encode(f, m)],
        [
            web.text(header),
            *(web.pack(web.Block(0, i, [take.values[i : i + 1]], bytes(534))) for i in range(300)),
        ],
    )
    assert [line.split()[0] for line in lines] == ["livelink", "vmc", "web"]
    for line in lines:  # of 15,000 frames; a byte for each would be seen
        assert int(line.split()[1]) < 15_000, line
        assert int(line.split()[2]) == 0, line


@needs_mono
@pytest.mark.parametrize("angles", [(0.3, 0.0, 0.0), (0.0, 0.4, 0.0), (0.0, 0.0, -0.2), (-0.5, 0.3, 0.2)])
def test_the_head_turns_about_the_body(probe: Probe, angles: tuple[float, float, float]) -> None:
    turn, done, back = (row(line) for line in probe("turn", *map(str, angles)))
    np.testing.assert_allclose(turn, vmc.unity(*angles), atol=1e-6)
    np.testing.assert_allclose(done, turn, atol=1e-5)  # whichever way the bone's own axes point
    np.testing.assert_allclose(back, 0, atol=1e-6)


# ── components ────────────────────────────────────────────────────────────────────────────────────────


def received(built: Path, protocol: str, packets: list[bytes], jitter: int = 0) -> list[str]:
    """What a FaceReceiver does with datagrams sent to it in real time."""
    command = ["mono", str(built / "probe.exe"), "receiver", protocol, "Ada", str(jitter)]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        assert process.stdin
        assert process.stdout
        port = int(process.stdout.readline())
        for packet in packets:
            sender.sendto(packet, ("127.0.0.1", port))
            time.sleep(0.005)
        time.sleep(0.3)
        lines, _ = process.communicate("end\n", timeout=30)
        assert process.returncode == 0
    return lines.splitlines()


@needs_mono
@pytest.mark.parametrize("protocol", ["livelink", "vmc"])
def test_a_receiver_moves_shapes_and_lets_go(built: Path, take: Frames, protocol: str) -> None:
    codec = Livelink(FPS, "Ada") if protocol == "livelink" else Vmc(FPS, "livelink")
    loud = int(np.argmax(take.values[:, CURVES[0]]))
    packets = [
        packet
        for i, frame in enumerate(take.values[loud - 30 : loud + 1])
        for packet in codec.encode(frame, NOON + i / 60)
    ]
    if protocol == "livelink":  # another subject is none of ours
        packets.insert(9, Livelink(FPS, "Bob").encode(np.ones(61, np.float32), NOON)[0])
    garbage = spoilt(packets[:2], 12, 9)[3::4]  # nothing but random bytes
    *lines, counts, after = received(built, protocol, [*garbage, *packets])
    expected = take.values[loud, CURVES] * 100
    assert expected[0] > 5
    np.testing.assert_allclose(row(lines[-1])[:4], expected, rtol=1e-5, atol=1e-4)
    assert row(lines[-1])[4:].tolist() == [0, 0]
    assert counts == f"counts 31 {len(garbage)}"
    assert after == "after 12 0 0 0 0 0 0"  # weights of before, and no port


def streamed(built: Path, source: str, address: str, sound: Path, key: str = "") -> list[str]:
    command = ["mono", str(built / "probe.exe"), "streamer", source, address, key, str(sound)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def with_service(tiny: OnnxModel, act: Callable[[str], None], **setup: object) -> None:
    """Does something that blocks beside a server in this process."""

    async def both() -> None:
        settings = {"port": 0, "websocket": 0} | setup
        async with await start(Setup(**settings), {"tiny": tiny}) as server:  # type: ignore[arg-type]
            await asyncio.wait_for(asyncio.to_thread(act, address(server)), 60)

    asyncio.run(both())


def address(server: Server) -> str:
    return f"ws://127.0.0.1:{server.websocket}{web.PATH}"


@pytest.fixture(scope="session")
def pcm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second and a half of speech, 16 kHz, signed 16-bit."""
    whole = audio.read(SAMPLE)
    at = (0.5 + np.arange(24000) / 16000) * whole.rate  # it begins with a breath
    samples = np.interp(at, np.arange(len(whole.samples)), whole.samples)
    path = tmp_path_factory.mktemp("pcm") / "line.pcm"
    path.write_bytes(np.round(samples * 32767).astype("<i2").tobytes())
    return path


def told_at_home(pcm: Path) -> tuple[Array, Array]:
    """Samples, and the frames that the service makes of them."""
    samples = np.frombuffer(pcm.read_bytes(), "<i2").astype(np.float32) / np.float32(32768)
    frames = voxrig.animate(AudioChunk(samples, 16000), "livelink", 60, pace="live", pack=str(TINY))
    return samples, frames.values


@needs_mono
def test_a_clip_is_shown_at_its_play_head(built: Path, tiny: OnnxModel, pcm: Path) -> None:
    lines: list[str] = []
    with_service(tiny, lambda url: lines.extend(streamed(built, "Clip", url, pcm)))
    _, frames = told_at_home(pcm)
    assert lines[0] == "ended 90 24000"
    shown = [line.split(maxsplit=2) for line in lines if line.startswith("shown")]
    assert len(shown) == 90
    for _, sample, weights in shown:
        at = (int(sample) / 16000 - OUTPUT) * 60  # what is played now is heard that much later
        if at < 0:
            continue
        expected = [100 * np.interp(at, np.arange(90), frames[:, c]) for c in CURVES]
        np.testing.assert_allclose(row(weights)[:4], expected, atol=1e-4)
    assert lines[-1] == "after 0 0 0 0 0 0 False"


@needs_mono
def test_pushed_sound_is_heard_with_its_face(built: Path, tiny: OnnxModel, pcm: Path) -> None:
    lines: list[str] = []
    with_service(tiny, lambda url: lines.extend(streamed(built, "Pushed", url, pcm)))
    assert "ended 90 24000" in lines
    samples, frames = told_at_home(pcm)
    heard = [line.split(maxsplit=3)[1:] for line in lines if line.startswith("heard")]
    running = [
        (float(power), float(moment) + OUTPUT, row(weights))
        for power, moment, weights in heard
        if moment != "-Infinity"
    ]
    running = [entry for entry in running if 0 < entry[1] < 1.45]
    assert len(running) >= 130
    pieces = [samples[round(m * 16000) : round((m + 0.01) * 16000)] for _, m, _ in running]
    loud = [math.sqrt(float(np.mean(piece**2))) for piece in pieces]
    assert np.corrcoef(loud, [power for power, _, _ in running])[0, 1] > 0.95
    # What is read now is heard, and shown, that much later; and a moment passes between the two.
    shown = [(moment - OUTPUT, weights) for _, moment, weights in running if moment > OUTPUT]
    expected = [[100 * np.interp(m * 60, np.arange(90), frames[:, c]) for c in CURVES] for m, _ in shown]
    off = np.abs(np.array([weights[:4] for _, weights in shown]) - expected).max(1)
    assert np.quantile(off, 0.9) < 2
    assert lines[-1] == "after 0 0 0 0 0 0 False"


@needs_mono
def test_barge_in_is_silence_and_a_shut_mouth(built: Path, tiny: OnnxModel, pcm: Path) -> None:
    lines: list[str] = []

    def act(url: str) -> None:
        command = ["mono", str(built / "probe.exe"), "interrupted", url, str(pcm)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        lines.extend(done.stdout.splitlines())

    with_service(tiny, act)
    cut, again = lines.index("interrupted"), lines.index("again")
    assert any(line.startswith("noticed interrupted") for line in lines[cut:again])

    def heard(part: list[str]) -> tuple[Array, Array]:
        words = [line.split(maxsplit=2) for line in part if line.startswith("heard")]
        return np.array([float(w[1]) for w in words]), np.array([row(w[2]) for w in words])

    power, weights = heard(lines[:cut])
    assert power.max() > 0.01
    assert weights.max() > 1
    power, weights = heard(lines[cut + 1 : again])
    assert power[3:].max() == 0  # at once, but for the piece in which it is said
    assert weights[-1].max() < 0.01
    power, weights = heard(lines[again:])
    samples, _ = told_at_home(pcm)
    assert power.max() == pytest.approx(
        max(math.sqrt(float(np.mean(s**2))) for s in samples.reshape(-1, 160)), rel=0.2
    )
    assert weights.max() > 1


@needs_mono
def test_a_wrong_key_and_a_wrong_address_are_told(built: Path, tiny: OnnxModel, pcm: Path) -> None:
    lines: list[str] = []
    with_service(tiny, lambda url: lines.extend(streamed(built, "Clip", url, pcm, "wrong")), keys=(KEY,))
    assert any(line.startswith("failed ") for line in lines)
    lines.clear()
    with_service(tiny, lambda url: lines.extend(streamed(built, "Clip", url, pcm, KEY)), keys=(KEY,))
    assert lines[0] == "ended 90 24000"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # and nobody listens
        nowhere = f"ws://127.0.0.1:{free.getsockname()[1]}/v1/face"
        assert any(line.startswith("failed UNAVAILABLE") for line in streamed(built, "Clip", nowhere, pcm))


@needs_mono
def test_a_broadcast_is_shown(built: Path, take: Frames, pcm: Path) -> None:
    command = ["mono", str(built / "probe.exe"), "streamer", "Broadcast"]
    with Broadcast("127.0.0.1", 0) as broadcast:
        face = broadcast.add_face("Ada", LIVELINK, FPS)
        url = f"ws://127.0.0.1:{broadcast.port}/"
        with subprocess.Popen([*command, url, "", str(pcm)], stdout=subprocess.PIPE, text=True) as process:
            until = time.monotonic() + 10
            while not broadcast.counts().clients and time.monotonic() < until:
                time.sleep(0.01)
            loud = int(np.argmax(take.values[:, CURVES[0]]))
            for i in range(30):
                broadcast.send(face, i, take.values[loud - 29 + i : loud - 28 + i])
                time.sleep(1 / 60)
            time.sleep(0.2)  # the last frame waits for its moment
            broadcast.end(face)
            lines = process.communicate(timeout=30)[0].splitlines()
    *moved, ended, after = lines
    assert len(moved) >= 20
    np.testing.assert_allclose(row(moved[-1][6:])[:4], take.values[loud, CURVES] * 100, atol=1e-3)
    assert (ended, after) == ("ended 0 0", "after 0 0 0 0 0 0 False")
