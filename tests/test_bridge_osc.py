"""Laws of OSC: bytes as the specification has them, read alike by every reader, and never trusted."""

from __future__ import annotations

import contextlib
import functools
import json
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import SAMPLE

import voxrig
from voxrig import rigs
from voxrig.errors import BridgeError, WireError
from voxrig.rigs.curves import rig
from voxrig.types import Array
from voxrig_bridge import facecap, osc, osc_curves, vmc, vrchat
from voxrig_bridge.codec import Codec
from voxrig_bridge.facecap import FaceCap
from voxrig_bridge.osc_curves import OscCurves
from voxrig_bridge.vmc import Vmc
from voxrig_bridge.vrchat import Vrchat

NODE = Path(__file__).parent / "node"
NODE_READER = """
const { Server } = require("node-osc");
const print = (m) => console.log(JSON.stringify(m));
const server = new Server(Number(process.argv[1]), "127.0.0.1");
server.on("message", print);
server.on("bundle", (bundle) => bundle.elements.forEach(print));
"""
FPS = Fraction(60)
STAMP = "0000000000000001"  # of a bundle that is meant for now
PARSERS = [osc.parse, vmc.parse, vrchat.parse, osc_curves.parse, facecap.parse]

CODECS: dict[str, Callable[[], Codec]] = {
    "osc": lambda: OscCurves(rigs.get("arkit")),
    "vmc-vrm0": lambda: Vmc(FPS),
    "vmc-livelink": lambda: Vmc(FPS, "livelink"),
    "vmc-metahuman": lambda: Vmc(FPS, "metahuman"),
    "vrchat": lambda: Vrchat(native=True),
    "vrchat-bits": lambda: Vrchat(bits=4),
    "facecap": FaceCap,
}
EVERY = pytest.mark.parametrize("name", CODECS)


def noise(codec: Codec, count: int, seed: int = 0) -> Array:
    """Frames that wander within the rig: (t, c)."""
    low, high, rest = codec.rig.low, codec.rig.high, codec.rig.rest
    walk = np.random.default_rng(seed).normal(0, 0.05, (count, len(codec.rig))).cumsum(axis=0)
    return np.asarray(np.clip(rest + walk, low, high), np.float32)


def test_bytes_are_those_of_the_specification() -> None:
    assert osc.message("/a").hex() == "2f6100002c000000"
    assert osc.message("/face/jawOpen", 0.5).hex() == "2f666163652f6a61774f70656e0000002c6600003f000000"
    assert osc.message("/a", True, False, None).hex() == "2f6100002c54464e00000000"
    assert osc.message("/a", "é").hex() == "2f6100002c730000c3a90000"
    assert osc.message("/a", "four").hex() == "2f6100002c730000666f757200000000"
    assert osc.message("/a", b"\1\2", 7).hex() == "2f6100002c626900000000020102000000000007"
    assert osc.message("/a", -2.5, -1, types="dh").hex() == "2f6100002c646800c004000000000000" + "f" * 16
    whole = osc.bundle([osc.message("/a"), osc.message("/b", 1)])
    assert whole.hex() == "2362756e646c6500" + STAMP + (
        "000000082f6100002c0000000000000c2f6200002c69000000000001"
    )


ADDRESS = st.text("abcXYZ019/_-.", max_size=20).map(lambda path: "/" + path)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
FLOAT = st.floats(width=32, allow_nan=False)
ARGUMENT = st.one_of(
    FLOAT,
    st.integers(-(2**31), 2**31 - 1),
    TEXT,
    st.binary(min_size=1, max_size=20),
    st.booleans(),
    st.none(),
)
MESSAGE = st.tuples(ADDRESS, st.lists(ARGUMENT, max_size=6))


@settings(deadline=None)
@given(st.lists(MESSAGE, min_size=1, max_size=8))
def test_what_is_written_is_read(messages: list[tuple[str, list[osc.Value]]]) -> None:
    found = osc.parse(osc.bundle(osc.message(address, *arguments) for address, arguments in messages))
    assert [(m.address, list(m.arguments)) for m in found] == messages
    for said in found:
        once = osc.message(said.address, *said.arguments, types=said.types)
        assert osc.parse(once) == (said,)


@settings(deadline=None)
@given(st.lists(MESSAGE, min_size=1, max_size=4))
def test_python_osc_reads_ours_and_writes_what_we_read(messages: list[tuple[str, list[osc.Value]]]) -> None:
    packets = pytest.importorskip("pythonosc.osc_packet")
    builders = pytest.importorskip("pythonosc.osc_message_builder")
    theirs = packets.OscPacket(osc.bundle(osc.message(address, *told) for address, told in messages)).messages
    assert [(m.message.address, m.message.params) for m in theirs] == messages
    for address, told in messages:
        builder = builders.OscMessageBuilder(address)
        for value in told:
            builder.add_arg(value, "i" if type(value) is int else None)  # it would send -2**31 as int64
        assert osc.parse(builder.build().dgram)[0].arguments == tuple(told)
        assert builder.build().dgram == osc.message(address, *told)


@pytest.mark.parametrize("parse", PARSERS)
@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_a_parser_raises_nothing_but_wire_errors(parse: Callable[[bytes], object], data: bytes) -> None:
    for packet in (data, b"#bundle\0" + bytes(8) + data, b"/a\0\0," + data):
        try:
            parse(packet)
        except WireError as error:
            said = str(error)
        else:
            said = "OSC: read"
        assert said.startswith("OSC: ")


@EVERY
@settings(max_examples=30, deadline=None)
@given(at=st.integers(0, 2**16), byte=st.integers(0, 255), cut=st.integers(0, 400))
def test_a_damaged_datagram_raises_nothing_but_wire_errors(name: str, at: int, byte: int, cut: int) -> None:
    codec = CODECS[name]()
    for whole in codec.begin() + codec.encode(noise(codec, 1)[0], 1.0):
        damaged = bytearray(whole)
        damaged[at % len(whole)] = byte
        for parse in PARSERS:
            for packet in (bytes(damaged), whole[: len(whole) - cut]):
                with contextlib.suppress(WireError):
                    parse(packet)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "multiple of 4"),
        (b"/a\0\0,\0\0", "multiple of 4"),
        (b"abcd", "neither message nor bundle"),
        (b"#bundle\0", "neither message nor bundle"),
        (b"/abc", "does not end"),
        (b"/a\0\0", "does not end"),
        (b"/a\0\0b\0\0\0", "no type tags"),
        (b"/a\0\0,q\0\0", "unknown type"),
        (b"/a\0\0,f\0\0", "an argument runs past"),
        (b"/a\0\0,b\0\0\x7f\xff\xff\xff", "a blob runs past"),
        (b"/a\0\0,b\0\0\xff\xff\xff\xff", "a blob runs past"),
        (b"/a\0\0,\0\0\0abcd", "after the last"),
        (b"/\xff\0\0,\0\0\0", "not UTF-8"),
        (osc.message("/a", *[0] * 257), "more than 256"),
        (b"#bundle\0" + bytes(8) + b"\0\0\0\x09", "past the end"),
        (b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xf8" + bytes(8), "past the end"),
        (bytes(65_508), "more than a datagram"),
    ],
)
def test_malformed_bytes_are_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(WireError, match=reason):
        osc.parse(data)


def test_bundles_nest_four_deep_and_no_deeper() -> None:
    nest = osc.message("/a")
    for _ in range(4):
        nest = osc.bundle([nest])
    assert osc.parse(nest) == (osc.Message("/a", "", ()),)
    with pytest.raises(WireError, match="more than 4 deep"):
        osc.parse(osc.bundle([nest]))


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: osc.message("a"),
        lambda: osc.message("/a b"),
        lambda: osc.message("/a*"),
        lambda: osc.message("/é"),
        lambda: osc.message("/a", "b\0c"),
        lambda: osc.message("/a", 2**31),
        lambda: osc.message("/a", 1e300),
        lambda: osc.message("/a", 1, types=""),
        lambda: osc.message("/a", 1, types="s"),
        lambda: osc.message("/a", True, types="F"),
        lambda: osc.message("/a", 1, types="q"),
        lambda: osc.bundles([bytes(1460)]),
        lambda: osc.Template([osc.opened("/a")])(np.zeros(2, np.float32)),
        lambda: osc.Deltas(1, 0.1, 0),
    ],
)
def test_mistakes_of_the_caller_are_value_errors(mistake: Callable[[], object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any sentence will do
        mistake()


@settings(deadline=None)
@given(sizes=st.lists(st.integers(0, 30), max_size=60), most=st.integers(200, 600), seed=st.integers(0, 9))
def test_a_template_writes_what_messages_would(sizes: list[int], most: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [rng.random(size % 4).astype(np.float32) for size in sizes]
    names = [f"/{'x' * size}" for size in sizes]
    template = osc.Template(
        [osc.opened(n, "t", count=len(r)) for n, r in zip(names, rows, strict=True)], most
    )
    for _ in range(2):  # it may be used again
        numbers = np.concatenate([*rows, np.zeros(0, np.float32)])
        plain = [osc.element(osc.message(n, "t", *r.tolist())) for n, r in zip(names, rows, strict=True)]
        assert template(numbers) == osc.bundles(plain, most)
        assert all(len(datagram) <= most for datagram in template(numbers))
        rows = [row + 1 for row in rows]


@settings(deadline=None)
@given(period=st.integers(1, 20), step=st.floats(0, 0.5), seed=st.integers(0, 99))
def test_deltas_keep_a_listener_close_and_tell_a_late_one_all(period: int, step: float, seed: int) -> None:
    frames = np.random.default_rng(seed).random((50, 7)).astype(np.float32)
    deltas = osc.Deltas(7, step, period)
    picked = [deltas(frame) for frame in frames]
    assert picked[0] == list(range(7))
    held = np.zeros(7, np.float32)
    for frame, columns in zip(frames, picked, strict=True):
        held[columns] = frame[columns]
        assert np.abs(held - frame).max() <= np.float32(step)
    for start in range(len(frames) - period):
        assert set().union(*picked[start : start + period]) == set(range(7))


def test_plain_osc_is_written_as_its_docstring_says() -> None:
    face = OscCurves(rig("tiny", ["a", "b/c"]))
    face.encode(np.zeros(2, np.float32), 86_399.5)
    (datagram,) = face.encode(np.array([0.25, 1], np.float32), 1.0)  # the day after
    assert datagram == osc.bundle(
        [
            osc.message("/face/a", 0.25),
            osc.message("/face/b/c", 1.0),
            osc.message("/face/time", 1.5),
            osc.message("/face/apply"),
        ]
    )
    assert osc_curves.parse(datagram) == osc_curves.Curves({"a": 0.25, "b/c": 1.0}, 1.5, apply=True)
    assert face.begin() == []
    assert osc_curves.parse(face.end()[0]) == osc_curves.Curves({"a": 0.0, "b/c": 0.0}, 1.5, apply=True)


def test_plain_osc_goes_where_the_template_says() -> None:
    face = OscCurves(rig("tiny", ["a"]), "/x/{curve}/y")
    (datagram,) = face.encode(np.ones(1, np.float32), 0.0)
    assert [m.address for m in osc.parse(datagram)] == ["/x/a/y", "/x/time/y", "/x/apply/y"]
    assert osc_curves.parse(datagram, "/x/{curve}/y").values == {"a": 1.0}
    assert osc_curves.parse(datagram) == osc_curves.Curves()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/face",
        "face/{curve}",
        "/{curve}/{curve}",
        "/a b/{curve}",
        "/{x}/{curve}",
        "/" + 200 * "x" + "{curve}",
    ],
)
def test_a_template_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BridgeError, match=r"is no template; have a /path with \{curve\} in it once"):
        OscCurves(rigs.get("arkit"), address)


@pytest.mark.parametrize("curve", ["jaw open", "jaw[0]", "jaw#", "jawÖ", "time"])
def test_a_curve_that_osc_cannot_name_is_named(curve: str) -> None:
    with pytest.raises(BridgeError, match="^curve 'j?" + curve[:3].replace("[", r"\[").removeprefix("j")):
        OscCurves(rig("odd", ["fine", curve]))


def test_face_cap_has_an_order_of_its_own() -> None:
    assert [facecap.SHAPES.index(name) for name in ("BrowInnerUp", "JawOpen", "MouthClose", "TongueOut")] == [
        0,
        24,
        36,
        51,
    ]
    assert sorted(facecap.SHAPES) == sorted(c for c in rigs.get("livelink").curves[:52])


def test_face_cap_turns_as_the_head_does() -> None:
    face = FaceCap()
    values = face.rig.rest.copy()
    angles = {"HeadYaw": 10, "HeadPitch": 20, "HeadRoll": 30, "LeftEyeYaw": 4, "RightEyePitch": 5}
    for name, degrees in angles.items():
        values[face.rig.index(name)] = np.radians(degrees)
    values[face.rig.index("JawOpen")] = 0.5
    (datagram,) = face.encode(values, 0.0)
    seen = facecap.parse(datagram)
    assert seen.head == pytest.approx((20, -10, 30), abs=1e-5)
    assert seen.left == pytest.approx((0, -4), abs=1e-5)
    assert seen.right == pytest.approx((5, 0), abs=1e-5)
    assert {name: value for name, value in seen.shapes.items() if value} == {"JawOpen": 0.5}
    assert osc.parse(datagram)[0] == osc.Message("/HT", "fff", (0.0, 0.0, 0.0))
    rotation = pytest.importorskip("scipy.spatial.transform").Rotation
    nose = rotation.from_quat(seen.turn).apply([0, 0, 1])
    assert nose[0] < 0  # to the subject's right: +X is to the left
    assert nose[1] < 0
    assert rotation.from_euler("YXZ", [-10, 20, 30], degrees=True).as_quat() == pytest.approx(
        seen.turn, abs=1e-6
    )
    values[face._head] = np.radians((0, 0, 30))
    seen = facecap.parse(face.encode(values, 0.0)[0])
    assert rotation.from_quat(seen.turn).apply([0, 1, 0])[0] < 0  # the crown goes to the right shoulder


@EVERY
def test_every_datagram_fits_an_ethernet_frame_and_is_osc(name: str) -> None:
    codec = CODECS[name]()
    for datagrams in (codec.begin(), *(codec.encode(v, 0.1) for v in noise(codec, 3)), codec.end()):
        for datagram in datagrams:
            assert len(datagram) <= 1472
            assert osc.parse(datagram)


@EVERY
def test_no_frame_changes_its_values(name: str) -> None:
    codec = CODECS[name]()
    values = noise(codec, 1)[0]
    before = values.copy()
    codec.encode(values, 0.0)
    np.testing.assert_array_equal(values, before)


class Reader:
    """A program of others that prints the OSC it receives, one message a line."""

    def __init__(self, tool: str, out: Path) -> None:
        if tool == "oscdump" and not shutil.which("oscdump"):
            pytest.skip("oscdump (liblo-tools) is not installed")
        if tool == "node-osc" and not (
            shutil.which("node") and (NODE / "node_modules" / "node-osc").is_dir()
        ):
            pytest.skip("node or node-osc is not installed: npm ci in tests/node")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self._to = free.getsockname()
        port = str(self._to[1])
        command = (
            ["stdbuf", "-oL", "oscdump", port] if tool == "oscdump" else ["node", "-e", NODE_READER, port]
        )
        self._read = _oscdump_line if tool == "oscdump" else _node_line
        self._out = out
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with out.open("w") as printed:
            self._process = subprocess.Popen(
                command, stdout=printed, cwd=NODE if tool == "node-osc" else None
            )
        self._ask("/ready")

    def send(self, datagrams: list[bytes]) -> None:
        for datagram in datagrams:
            self._socket.sendto(datagram, self._to)

    def messages(self) -> Iterator[tuple[str, list[float | str | bool]]]:
        """Everything that was sent so far."""
        self._ask("/done")
        self.close()
        return map(self._read, self._out.read_text().splitlines())

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(5)
        self._socket.close()

    def wait(self, text: str, seconds: float = 10) -> None:
        """Until the text is printed."""
        late = time.monotonic() + seconds
        while text not in self._out.read_text():
            if time.monotonic() > late:
                raise TimeoutError(f"{text} was not printed")
            time.sleep(0.005)

    def _ask(self, address: str) -> None:
        """Says a word until it is printed."""
        for _ in range(50):
            self.send([osc.message(address)])
            with contextlib.suppress(TimeoutError):
                return self.wait(address, 0.2)
        raise TimeoutError(f"{self._process.args!r} does not print what it is sent")


def _oscdump_line(line: str) -> tuple[str, list[float | str | bool]]:
    _, address, types, *words = [*shlex.split(line), ""]
    kinds: dict[str, Callable[[str], float | str | bool]] = {
        "s": str,
        "i": int,
        "f": float,
        "d": float,
        "T": "#T".__eq__,
        "F": "#T".__eq__,
    }
    return address, [kinds[t](w) for t, w in zip(types, words, strict=False)]


def _node_line(line: str) -> tuple[str, list[float | str | bool]]:
    address, *arguments = json.loads(line)
    return address, arguments


@pytest.fixture(scope="module")
def takes() -> Callable[[str], Array]:
    """Five seconds of the sample on a rig: (300, c)."""

    @functools.cache
    def take(name: str) -> Array:
        return voxrig.animate(SAMPLE, rig=name, fps=60).values[:300]

    return take


def label(address: str, arguments: list[float | str | bool]) -> str:
    """What is set: an address, or for protocols that put names or numbers first, those too."""
    named = address.startswith("/VMC/") or address == "/W"
    return f"{address} {arguments[0]}" if named and len(arguments) > 1 else address


@dataclass(frozen=True)
class Sending:
    """How a curve travels."""

    codec: Callable[[], Codec]
    place: Callable[[str], str]
    """What sets a curve, as ``label`` has it."""
    tolerance: float = 1e-6
    """How far off a listener may be. oscdump prints six decimals: half a unit of the last is 5e-7."""


SENT = {
    "osc": Sending(CODECS["osc"], lambda curve: f"/face/{curve}"),
    "vmc-arkit": Sending(
        lambda: Vmc(FPS, "arkit"), lambda curve: f"/VMC/Ext/Blend/Val {curve[0].upper()}{curve[1:]}"
    ),
    "vmc-metahuman": Sending(
        CODECS["vmc-metahuman"], lambda curve: f"/VMC/Ext/Blend/Val {curve}", 1 / 1024 + 1e-6
    ),
    "vrchat": Sending(Vrchat, lambda curve: f"/avatar/parameters/{curve}", 0.5 / 127 + 1e-6),
    "facecap": Sending(FaceCap, lambda curve: f"/W {facecap.SHAPES.index(curve)}"),
}


@pytest.mark.parametrize("tool", ["oscdump", "node-osc"])
@pytest.mark.parametrize("name", SENT)
def test_a_take_arrives_in_the_programs_of_others(
    name: str, tool: str, takes: Callable[[str], Array], tmp_path: Path
) -> None:
    sending = SENT[name]
    codec = sending.codec()
    take = takes(codec.rig.name)
    reader = Reader(tool, tmp_path / "printed")
    try:
        reader.send(codec.begin())
        for i, values in enumerate(take):
            reader.send([*codec.encode(values, i / 60), osc.message(f"/frame/{i}/shown")])
            if i % 20 == 19:  # more frames at a time than a socket holds would be lost
                reader.wait(f"/frame/{i}/shown")
        messages = reader.messages()
    finally:
        reader.close()
    curves = [c for c in codec.rig.curves if name != "facecap" or c in facecap.SHAPES]
    columns = [codec.rig.index(c) for c in curves]
    held: dict[str, float | str | bool] = {}
    seen = []
    for address, arguments in messages:
        if address.startswith("/frame/"):
            seen.append([held[sending.place(curve)] for curve in curves])
        elif arguments:
            held[label(address, arguments)] = arguments[-1]
    np.testing.assert_allclose(np.array(seen, np.float64), take[:, columns], rtol=0, atol=sending.tolerance)
