"""Laws of Live Link Face: bytes as Unreal reads them, exact times, no bad name or number on the wire."""

from __future__ import annotations

import struct
import uuid
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import SAMPLE

import voxrig
from voxrig import audio, rigs
from voxrig.errors import BridgeError, WireError
from voxrig.types import AudioChunk, Frames
from voxrig_bridge.codec import Codec
from voxrig_bridge.livelink import Livelink, frame_time, parse

RIG = rigs.get("livelink")
NTSC = Fraction(30000, 1001)
RATES = [
    Fraction(24),
    Fraction(24000, 1001),
    Fraction(25),
    NTSC,
    Fraction(60),
    Fraction(60000, 1001),
    Fraction(120),
]
REST = np.zeros(61, np.float32)
GOLDEN = (
    b"\x06"
    b"\x00\x00\x00\x04Tron"
    b"\x00\x00\x00\x03Ada"
    b"\x00\x00\x00\x5a"  # frame 90
    b"\x3e\x80\x00\x00"  # and a quarter
    b"\x00\x00\x00\x3c\x00\x00\x00\x01"  # at 60/1
    b"\x3d"  # 61 values
    + bytes(4 * 17)
    + b"\x3f\x00\x00\x00"  # JawOpen 0.5
    + bytes(4 * 34)
    + b"\xbe\x80\x00\x00"  # HeadYaw -0.25
    + bytes(4 * 8)
)


def pose(**curves: float) -> np.ndarray:
    values = REST.copy()
    for name, value in curves.items():
        values[RIG.index(name)] = value
    return values


def packet(
    subject: bytes = b"Ada", tail: tuple[object, ...] = (90, 0.25, 60, 1, 61), count: int = 61
) -> bytes:
    """A datagram with one thing about it that can be wrong."""
    names = struct.pack(">Bi4si", 6, 4, b"Tron", len(subject)) + subject
    return names + struct.pack(">ifiiB", *tail) + struct.pack(f">{count}f", *[0.5] * count)


@pytest.fixture(scope="module")
def take() -> Frames:
    """Five seconds of real speech."""
    whole = audio.read(SAMPLE)
    return voxrig.animate(
        AudioChunk(whole.samples[: 5 * whole.rate], whole.rate), "livelink", 60, device="cpu"
    )


def test_a_frame_is_these_bytes() -> None:
    codec: Codec = Livelink(Fraction(60), "Ada", "Tron")
    assert codec.begin() == codec.end() == []
    assert codec.encode(pose(JawOpen=0.5, HeadYaw=-0.25), 90.25 / 60) == [GOLDEN]
    assert len(GOLDEN) == 270 + 4 + 3


def test_the_rate_is_a_fraction() -> None:
    (sent,) = Livelink(NTSC, "Ada", "Tron").encode(REST, 0.0)
    assert sent[24:32] == b"\x00\x00\x75\x30\x00\x00\x03\xe9"


def test_what_goes_out_is_read_back() -> None:
    values = np.random.default_rng(0).uniform(-1.5, 1.5, 61).astype(np.float32)
    read = parse(Livelink(NTSC, "Ada Lovelace").encode(values, 3600.0)[0])
    assert (read.subject, read.numerator, read.denominator) == ("Ada Lovelace", 30000, 1001)
    assert read.frame + read.subframe == pytest.approx(3600 * 30000 / 1001, abs=1e-3)
    assert np.array_equal(read.values, values)


def test_half_turns_are_angles_over_pi() -> None:
    values = pose(JawOpen=1, HeadYaw=np.pi / 2, HeadPitch=-np.pi / 4, LeftEyeYaw=np.pi)
    read = parse(Livelink(Fraction(60), angles="half-turns").encode(values, 0.0)[0]).values
    assert np.allclose(read, pose(JawOpen=1, HeadYaw=0.5, HeadPitch=-0.25, LeftEyeYaw=1), atol=1e-7)


def test_a_subject_has_one_device_of_its_own() -> None:
    def device(subject: str) -> str:
        return parse(Livelink(Fraction(60), subject).encode(REST, 0.0)[0]).device

    assert device("Ada") == device("Ada") != device("Bob")
    assert str(uuid.UUID(device("Ada"))).upper() == device("Ada")


def test_another_reader_finds_the_take(take: Frames) -> None:
    theirs = pytest.importorskip("pylivelinkface", reason="pip install pylivelinkface==0.1").PyLiveLinkFace
    assert len(take) == 300
    assert take.curve("JawOpen").max() > 0.1
    codec = Livelink(take.fps, "Ada")
    for index, values in enumerate(take.values):
        found, face = theirs.decode(codec.encode(values, 43_200 + index / 60)[0])
        assert found
        assert (face.name, face.fps, face._denominator) == ("Ada", 60, 1)
        assert (face._frames, face._sub_frame) == (43_200 * 60 + index, 0.0)
        assert np.allclose(face._blend_shapes, values, rtol=0, atol=1e-6)


@settings(max_examples=300, deadline=None)
@given(fps=st.sampled_from(RATES), at=st.floats(0, 1, exclude_max=True), days=st.integers(0, 3))
def test_every_frame_of_a_day_has_its_number(fps: Fraction, at: float, days: int) -> None:
    index = int(at * 86_400 * fps)
    assert frame_time(float(index / fps) + days * 86_400, fps) == (index, 0.0)


@settings(max_examples=300, deadline=None)
@given(fps=st.sampled_from(RATES), seconds=st.floats(0, 86_400, exclude_max=True))
def test_a_time_between_frames_keeps_its_part(fps: Fraction, seconds: float) -> None:
    frame, part = frame_time(seconds, fps)
    apart = abs(frame + Fraction(part) - Fraction(seconds) * fps)
    assert min(apart, 86_400 * fps - apart) < Fraction(2, 10**6)
    assert 0 <= struct.unpack(">f", struct.pack(">f", part))[0] < 1
    assert 0 <= frame < 86_400 * fps


@pytest.mark.parametrize("fps", RATES)
def test_midnight_is_frame_zero(fps: Fraction) -> None:
    assert frame_time(86_400.0, fps) == (0, 0.0)
    if fps.denominator == 1:  # the others have a part of a frame before midnight
        assert frame_time(float(np.nextafter(86_400.0, 0)), fps) == (0, 0.0)
    last, part = frame_time(86_400 - 1e-3, fps)
    assert last == int(86_400 * fps - Fraction(1, 1000) * fps)
    assert part < 1


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), float("-inf")])
def test_no_time_no_frame(seconds: float) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        Livelink(Fraction(60)).encode(REST, seconds)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "is empty"),
        ("x" * 65, "is 65 bytes long; 64 are allowed"),
        ("x" * 10_000, "is 10000 bytes long; 64 are allowed"),
        ("Adä", r"has '\\xe4' as character 3; use printable ASCII"),
        ("Ada\n", r"has '\\n' as character 4"),
        ("\x7f", r"has '\\x7f' as character 1"),
        ("エイダ", r"has '\\u30a8' as character 1"),
    ],
)
def test_bad_names_are_told(name: str, fault: str) -> None:
    with pytest.raises(BridgeError, match=f"^the subject {fault}"):
        Livelink(Fraction(60), name)
    if name:  # an empty device is made from the subject
        with pytest.raises(BridgeError, match=f"^the device {fault}"):
            Livelink(Fraction(60), "Ada", name)


def test_names_up_to_the_limit_pass() -> None:
    for name in ("a", " ", "~" * 64):
        assert parse(Livelink(Fraction(60), name, name).encode(REST, 0.0)[0]).subject == name


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_the_callers_mistake(value: float) -> None:
    codec = Livelink(Fraction(60), "Ada", "Tron")
    with pytest.raises(ValueError, match="JawOpen is not"):
        codec.encode(pose(JawOpen=value), 0.0)
    assert codec.encode(pose(JawOpen=0.5, HeadYaw=-0.25), 90.25 / 60) == [GOLDEN]


def test_large_values_are_numbers_still() -> None:
    values = pose(JawOpen=3e38, HeadYaw=-3e38)
    assert np.array_equal(parse(Livelink(Fraction(60)).encode(values, 0.0)[0]).values, values)


@pytest.mark.parametrize(
    "values", [REST[:52], np.zeros((1, 61), np.float32), np.zeros(61), np.zeros(61, ">f4"), np.float32(0)]
)
def test_a_frame_has_one_shape(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"a frame on livelink must be \(61,\) float32"):
        Livelink(Fraction(60)).encode(values, 0.0)


@pytest.mark.parametrize("fps", [Fraction(0), Fraction(-60), Fraction(30_000), Fraction(1, 2**31)])
def test_rates_that_do_not_fit_are_refused(fps: Fraction) -> None:
    with pytest.raises(ValueError, match="fps must be"):
        Livelink(fps)


def test_angles_have_two_units() -> None:
    with pytest.raises(ValueError, match="unknown unit of angles 'degrees'; have radians, half-turns"):
        Livelink(Fraction(60), angles="degrees")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "not a Live Link Face datagram"),
        (b"\x05" + GOLDEN[1:], "version 6"),
        (b"\x06", "ends within a name"),
        (b"\x06\x00\x00\x00\x05Tron", "ends within a name"),
        (b"\x06\xff\xff\xff\xff", "length of a name"),
        (b"\x06\x7f\xff\xff\xff", "length of a name"),
        (packet(b"\xff\xfe"), "not UTF-8"),
        (packet(b"x" * 257), "length of a name"),
        (GOLDEN[:16], "no frame"),
        (GOLDEN[:-1], "not 61 values"),
        (GOLDEN + b"\x00", "not 61 values"),
        (packet(tail=(90, 0.25, 60, 1, 52), count=52), "not 61 values"),
        (packet(tail=(90, 0.25, 0, 1, 61)), "rate"),
        (packet(tail=(90, 0.25, 60, 0, 61)), "rate"),
        (packet(tail=(90, 0.25, 60, -1, 61)), "rate"),
        (packet(tail=(-1, 0.25, 60, 1, 61)), "time"),
        (packet(tail=(90, float("nan"), 60, 1, 61)), "time"),
        (packet(tail=(90, 1.5, 60, 1, 61)), "time"),
        (GOLDEN[:-4] + b"\x7f\xc0\x00\x00", "not finite"),
        (GOLDEN[:-4] + b"\xff\x80\x00\x00", "not finite"),
        (bytes([6]) * 100_000, "longer than any"),
    ],
)
def test_malformed_datagrams_are_refused(data: bytes, fault: str) -> None:
    with pytest.raises(WireError, match=fault):
        parse(data)


@settings(max_examples=500, deadline=None)
@given(data=st.binary(max_size=700))
def test_any_bytes_are_a_frame_or_a_wire_error(data: bytes) -> None:
    survives(data)


@settings(max_examples=500, deadline=None)
@given(
    flips=st.lists(st.tuples(st.integers(0, len(GOLDEN) - 1), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, len(GOLDEN)),
)
def test_a_damaged_frame_is_a_frame_or_a_wire_error(flips: list[tuple[int, int]], cut: int) -> None:
    damaged = bytearray(GOLDEN)
    for at, byte in flips:
        damaged[at] = byte
    survives(bytes(damaged))
    survives(bytes(damaged[:cut]))


def survives(data: bytes) -> None:
    try:
        read = parse(data)
    except WireError:
        return
    assert read.values.shape == (61,)
    assert np.isfinite(read.values).all()
    assert min(read.numerator, read.denominator) > 0
