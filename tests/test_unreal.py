"""MetaHuman raw controls to Unreal: the datagrams, and what the plugin makes of them."""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import struct
import subprocess
from collections.abc import Callable
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
from voxrig.types import Array
from voxrig_bridge.metahuman import (
    LARGEST,
    QUANTUM,
    End,
    Face,
    Metahuman,
    Names,
    head_bone,
    parse,
    schema_id,
)

PLUGIN = Path(__file__).parent.parent / "engine_bridges" / "unreal" / "VoxRig"
RIG = rigs.get("metahuman")
FPS = Fraction(60)
HEAD = (
    "HeadControlSwitch HeadRoll HeadPitch HeadYaw HeadTranslationX HeadTranslationY HeadTranslationZ "
    "MHFDSVersion DisableFaceOverride"
).split()
PAIR = ["jawOpen", "mouthUp"]  # a small face, for datagrams that are written out here


def noise(count: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(0, 1, (count, len(RIG))).astype(np.float32)


def head(kind: int, flags: int = 0, subject: bytes = b"Ada", schema: int = schema_id(PAIR)) -> bytes:
    return b"VXMH\x01" + bytes([kind, flags, len(subject)]) + struct.pack("<I", schema) + subject


def names(
    curves: list[str] = PAIR, first: int = 0, count: int | None = None, subject: bytes = b"Ada", **more: int
) -> bytes:
    packed = b"".join(bytes([len(name)]) + name.encode() for name in curves)
    count = len(curves) if count is None else count
    schema = more.get("schema", schema_id(curves))
    return (
        head(1, more.get("begins", 0), subject, schema)
        + struct.pack("<HHH", count, first, len(curves))
        + packed
    )


def face(index: int, weights: tuple[int, ...] = (0, 65535), **fields: float) -> bytes:
    """A face of PAIR; ``fields`` are those of _FACE."""
    told = _FACE | fields
    fixed = struct.pack("<IIfIIfff", index, *told.values())
    return head(2) + fixed + struct.pack(f"<H{len(weights)}H", len(weights), *weights)


_FACE = {"day_frame": 0, "subframe": 0.5, "numerator": 60, "denominator": 1, "roll": 0, "pitch": 0, "yaw": 0}


# bytes


def test_a_face_is_these_bytes() -> None:
    values = np.zeros(251, np.float32)
    values[[0, 1, 250]] = 1.0, 0.5, 2.0  # the last is out of range
    codec = Metahuman(Fraction(30000, 1001), "Ada")
    codec.begin()
    codec.turn(-math.radians(10), 0.0, 0.0)
    (message,) = codec.encode(values, 60.06)  # 1800 frames
    assert message == (
        b"VXMH\x01\x02\x01\x03" + struct.pack("<I", schema_id(RIG.curves)) + b"Ada"
        b"\x00\x00\x00\x00" + b"\x08\x07\x00\x00\x00\x00\x00\x00"
        b"\x30\x75\x00\x00\xe9\x03\x00\x00"
        b"\x00\x00\x20\x41"
        + bytes(8)  # 10 degrees to the left are HeadRoll
        + b"\xfb\x00"
        + b"\xff\xff\x00\x80"
        + bytes(248 * 2)
        + b"\xff\xff"
    )


def test_names_and_an_end_are_these_bytes() -> None:
    codec = Metahuman(FPS, "Ada")
    first, *_, last = codec.begin()
    ident = struct.pack("<I", schema_id(RIG.curves))
    assert first.startswith(b"VXMH\x01\x01\x01\x03" + ident + b"Ada\xfb\x00\x00\x00")
    assert first[21:].startswith(b"\x1aCTRL_expressions_browDownL\x1aCTRL_expressions_browDownR")
    assert last.endswith(b"\x1bCTRL_expressions_teethBackD\x1aCTRL_expressions_teethFwdD")
    codec.encode(noise(1)[0], 0.0)
    assert codec.end() == [b"VXMH\x01\x03\x00\x03" + ident + b"Ada\x01\x00\x00\x00"]


def test_the_id_of_names_is_fnv_1a() -> None:
    # "foobar" has the published hash 0xbf9cf968; a line feed goes one step further.
    assert schema_id(["foobar"]) == (0xBF9CF968 ^ 0x0A) * 0x01000193 % 2**32


@pytest.mark.parametrize(
    ("data", "packet"),
    [
        (names(begins=1), Names("Ada", schema_id(PAIR), True, 2, 0, tuple(PAIR))),
        (names(["b"], 1, 2, schema=7), Names("Ada", 7, False, 2, 1, ("b",))),
        (head(3, subject=b"Ada L.") + b"\x09\x00\x00\x00", End("Ada L.", schema_id(PAIR), 9)),
    ],
)
def test_parse_reads(data: bytes, packet: Names | End) -> None:
    assert parse(data) == packet


WRONG = [
    (b"", "shorter than its head"),
    (bytes(1401), "too long"),
    (b"VXMI" + face(0)[4:], "not this protocol"),
    (b"VXMH\x02" + face(0)[5:], "not this protocol"),
    (face(0)[:6] + b"\x02" + face(0)[7:], "unknown flags"),
    (head(3, 1) + bytes(4), "unknown flags"),
    (head(4) + bytes(4), "unknown kind"),
    (head(2)[:-1], "cut short in the subject"),
    (head(3, subject=b"") + bytes(4), "a name that is empty"),
    (head(3, subject=b"a" * 65) + bytes(4), "too long or not printable"),
    (head(3, subject=b"A\xc3\xa4") + bytes(4), "not printable ASCII"),
    (head(3) + bytes(5), "an end of the wrong length"),
    (names(["a b"]), "not printable ASCII"),
    (names() + b"\x01", "bytes after the last name"),
    (names()[:-1], "cut short in a name"),
    (names(["a"], 2, 2), "names out of range"),
    (names(["a"], 0, 601), "names out of range"),
    (head(1) + bytes(6), "names out of range"),
    (head(1) + bytes(5), "cut short before the names"),
    (face(0)[:-1], "weights of the wrong length"),
    (face(0) + b"\x00", "weights of the wrong length"),
    (face(0, ()), "weights of the wrong length"),
    (face(0)[:40], "cut short before the weights"),
    (face(0, denominator=0), "frame rate out of range"),
    (face(0, numerator=2**31), "frame rate out of range"),
    (face(0, numerator=1001), "frame rate out of range"),
    (face(0, day_frame=2**31), "time of day out of range"),
    (face(0, subframe=1.0), "time of day out of range"),
    (face(0, subframe=math.nan), "time of day out of range"),
    (face(0, yaw=math.inf), "not finite"),
]


@pytest.mark.parametrize(("data", "why"), WRONG)
def test_parse_refuses(data: bytes, why: str) -> None:
    with pytest.raises(WireError, match=why):
        parse(data)


@given(st.binary(max_size=1500))
def test_bytes_from_strangers_are_refused_or_read(data: bytes) -> None:
    for body in (data, b"VXMH\x01" + data, head(1) + data, head(2) + data):
        with contextlib.suppress(WireError):
            parse(body)


# laws of the codec


@given(st.floats(0, 1, width=32), st.integers(0, 250))
@settings(max_examples=50)
def test_a_weight_arrives_within_half_a_step(value: float, column: int) -> None:
    values = np.zeros(251, np.float32)
    values[column] = value
    got = parse(Metahuman(FPS).encode(values, 0.0)[-1])
    assert isinstance(got, Face)
    assert abs(float(got.values[column]) - value) <= QUANTUM / 2 + 1e-7  # float32 rounds once more
    assert np.count_nonzero(got.values) == (value >= QUANTUM / 2)


def test_rest_and_full_weights_arrive_exactly_and_those_beyond_as_these() -> None:
    values = np.tile(np.float32([0, 1, -0.5, 1.5]), 63)[:251]
    got = parse(Metahuman(FPS).encode(values, 0.0)[-1])
    assert isinstance(got, Face)
    np.testing.assert_array_equal(got.values, np.clip(values, 0, 1))


@pytest.mark.parametrize("fps", [Fraction(1), Fraction(24000, 1001), Fraction(60), Fraction(240)])
@pytest.mark.parametrize("missed", [0, 1, 100])
def test_whoever_joins_late_knows_all_names_within_a_second(fps: Fraction, missed: int) -> None:
    codec = Metahuman(fps, "s" * 64)
    assert {name for data in codec.begin() for name in parse(data).names} == set(RIG.curves)  # type: ignore[union-attr]
    rows = noise(1).repeat(missed + math.ceil(fps) + 1, 0)
    sent = [codec.encode(row, i / fps) for i, row in enumerate(rows)]
    heard = [parse(data) for messages in sent[missed + 1 :] for data in messages]
    assert {name for packet in heard if isinstance(packet, Names) for name in packet.names} == set(RIG.curves)
    assert not any(packet.begins for packet in heard if isinstance(packet, Names))
    assert all(len(data) <= LARGEST for messages in sent for data in messages)
    assert [parse(messages[-1]).index for messages in sent] == list(range(len(rows)))  # type: ignore[union-attr]


def test_a_codec_begins_anew() -> None:
    codec = Metahuman(FPS)
    takes = [[*codec.begin(), *codec.encode(noise(1)[0], 5.0), *codec.end()] for _ in range(2)]
    assert takes[0] == takes[1]


@given(st.floats(0, 200_000), st.sampled_from([Fraction(24), Fraction(30000, 1001), Fraction(1000)]))
def test_every_moment_of_a_day_has_a_frame_that_can_be_sent(seconds: float, fps: Fraction) -> None:
    got = parse(Metahuman(fps).encode(RIG.rest, seconds)[-1])
    assert isinstance(got, Face)
    told = (got.day_frame + got.subframe) / fps
    assert (seconds - told + 1) % 86400 == pytest.approx(1, abs=1e-4)


def _rotator(roll: float, pitch: float, yaw: float) -> Array:
    """Where Unreal turns the axes X, Y, Z (rows), for angles in degrees."""
    (sr, sp, sy), (cr, cp, cy) = (f(np.radians([roll, pitch, yaw])) for f in (np.sin, np.cos))
    return np.float32(
        [
            [cp * cy, cp * sy, sp],
            [sr * sp * cy - cr * sy, sr * sp * sy + cr * cy, -sr * cp],
            [-(cr * sp * cy + sr * sy), cy * sr - cr * sp * sy, cr * cp],
        ]
    )


@pytest.mark.parametrize(
    ("angles", "moved"),
    [
        ((math.pi / 2, 0, 0), [[1, 0, 0], [0, 0, 1]]),  # to the right: the nose goes where the right was
        ((0, math.pi / 2, 0), [[0, 1, 0], [-1, 0, 0]]),  # down: the crown goes forward, the nose down
        ((0, 0, math.pi / 2), [[0, 0, 1], [0, 1, 0]]),  # to the right shoulder: the crown goes right
    ],
)
def test_head_angles_turn_the_bone_as_our_conventions_say(
    angles: tuple[float, float, float], moved: list[list[float]]
) -> None:
    # The bone's X is the crown, Y the nose, Z the subject's right.
    np.testing.assert_allclose(_rotator(*head_bone(*angles))[:2], moved, atol=1e-6)


@given(st.tuples(*[st.floats(-1.5, 1.5)] * 3))
def test_head_angles_compose_by_roll_then_pitch_then_yaw(angles: tuple[float, float, float]) -> None:
    yaw, pitch, roll = angles
    steps = [
        _rotator(*head_bone(0, 0, roll)),
        _rotator(*head_bone(0, pitch, 0)),
        _rotator(*head_bone(yaw, 0, 0)),
    ]
    np.testing.assert_allclose(_rotator(*head_bone(*angles)), steps[0] @ steps[1] @ steps[2], atol=1e-5)


@pytest.mark.parametrize("subject", ["", "x" * 65, "x" * 10_000, "Zoë", "a\nb", "a\x00"])
def test_a_subject_that_live_link_cannot_show_is_refused_in_a_sentence(subject: str) -> None:
    with pytest.raises(BridgeError, match=r"^the subject ") as told:
        Metahuman(FPS, subject)
    assert len(str(told.value)) < 200
    assert str(told.value).isprintable()


def test_mistakes_of_the_caller_are_refused() -> None:
    codec = Metahuman(FPS)
    with pytest.raises(ValueError, match=r"must be \(251,\) float32, got \(250,\)"):
        codec.encode(noise(1)[0][:250], 0.0)
    for wrong in (math.nan, math.inf):
        with pytest.raises(ValueError, match="must be finite; CTRL_expressions_browDownL is not"):
            codec.encode(np.full(251, wrong, np.float32), 0.0)
        with pytest.raises(ValueError, match="angles must be finite"):
            codec.turn(wrong, 0.0, 0.0)
    for fps in (Fraction(0), Fraction(-1), Fraction(1001), Fraction(1, 2**31)):
        with pytest.raises(ValueError, match="must be above 0 and at most 1000"):
            Metahuman(fps)


# what the plugin makes of it

Reader = Callable[[list[bytes]], list[str]]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """Datagrams → a line for each and one with the counts, by the plugin's own code."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("needs g++ or clang++")
    program = tmp_path_factory.mktemp("unreal") / "read_faces"
    private = PLUGIN / "Source" / "VoxRig" / "Private"
    sources = [PLUGIN / "Tests" / "read_faces.cpp", private / "FacePacket.cpp", private / "FaceTable.cpp"]
    strict = "-std=c++17 -O1 -Wall -Wextra -Wshadow -Werror -fno-exceptions -fno-rtti".split()
    build = [compiler, *strict, f"-I{private}", *map(str, sources), "-o", str(program)]
    careful = [*build, "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    if subprocess.run(careful, capture_output=True, check=False).returncode:  # a compiler without sanitizers
        subprocess.run(build, check=True)

    def run(datagrams: list[bytes], *, quiet: bool = False) -> list[str]:
        told = b"".join(struct.pack("<I", len(data)) + data for data in datagrams)
        command = [str(program), *(["quiet"] if quiet else [])]
        done = subprocess.run(command, input=told, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().splitlines()

    return run


def _faces(lines: list[str]) -> list[list[str]]:
    return [line.split("\t") for line in lines[:-1] if "\t" in line]


def _values(fields: list[str]) -> dict[str, float]:
    return {name: float.fromhex(value) for name, value in (field.split("=") for field in fields[7:])}


def _counts(lines: list[str]) -> dict[str, int]:
    return {name: int(count) for name, count in (field.split("=") for field in lines[-1].split())}


def test_a_spoken_line_reaches_live_link(read: Reader) -> None:
    take = voxrig.animate(SAMPLE, rig="metahuman", fps=60).values[:300]
    codec = Metahuman(FPS, "Ada")
    sent = codec.begin()
    for i, row in enumerate(take):
        sent += codec.encode(row, 43200 + i / 60)
    lines = read([*sent, *codec.end()])
    faces = _faces(lines)
    assert len(faces) == len(take)
    assert _counts(lines) == {
        "datagrams": len(sent) + 1,
        "malformed": 0,
        "refused": 0,
        "waiting": 0,
        "late": 0,
        "lost": 0,
        "faces": 300,
        "subjects": 1,
    }
    got = [_values(fields) for fields in faces]
    assert list(got[0]) == [*RIG.curves, *HEAD]
    assert take.max() > 0.5  # it does speak
    np.testing.assert_allclose(
        [list(row.values())[:251] for row in got], take, rtol=0, atol=QUANTUM / 2 + 1e-7
    )
    assert [list(row.values())[251:] for row in got] == [[0.0] * 7 + [1.0, 1.0]] * 300
    assert [fields[1] for fields in faces] == ["1"] + ["0"] * 299  # names are pushed once
    assert [int(fields[3]) for fields in faces] == [43200 * 60 + i for i in range(300)]
    assert {(fields[0], fields[5], fields[6]) for fields in faces} == {("Ada", "60", "1")}


def test_both_sides_read_the_same_numbers(read: Reader) -> None:
    codec = Metahuman(Fraction(30000, 1001), "Ada")
    sent = codec.begin()
    for i, row in enumerate(noise(40)):
        codec.turn(0.01 * i, -0.02 * i, 0.005 * i)
        sent += codec.encode(row, 3600.01 * i)
    packets = [packet for packet in map(parse, sent) if isinstance(packet, Face)]
    for fields, packet in zip(_faces(read(sent)), packets, strict=True):
        values = list(_values(fields).values())
        assert packet.head is not None
        assert values == [*packet.values.tolist(), 1.0, *packet.head, 0.0, 0.0, 0.0, 1.0, 1.0]
        assert [int(fields[i]) for i in (2, 3, 5, 6)] == [packet.index, packet.day_frame, 30000, 1001]
        assert float.fromhex(fields[4]) == packet.subframe


@pytest.mark.parametrize(
    ("indices", "taken", "counts"),
    [
        ([0, 1, 2], [0, 1, 2], {"late": 0, "lost": 0}),
        ([0, 1, 1, 2], [0, 1, 2], {"late": 1, "lost": 0}),  # sent twice
        ([0, 2, 1, 3], [0, 2, 3], {"late": 1, "lost": 1}),  # overtaken
        ([0, 9], [0, 9], {"late": 0, "lost": 8}),
        ([100, 37, 101], [100, 101], {"late": 1, "lost": 0}),
        ([100, 36, 37], [100, 36, 37], {"late": 0, "lost": 0}),  # started again, unheard
        ([2**32 - 1, 0, 1], [2**32 - 1, 0, 1], {"late": 0, "lost": 0}),  # the counter wraps
        ([5, 5 + 65537], [5, 5 + 65537], {"late": 0, "lost": 0}),  # another take
    ],
)
def test_frames_are_taken_in_order(
    read: Reader, indices: list[int], taken: list[int], counts: dict[str, int]
) -> None:
    lines = read([names(), *map(face, indices)])
    assert [int(fields[2]) for fields in _faces(lines)] == taken
    assert _counts(lines).items() >= counts.items()


def test_a_take_that_begins_again_is_fresh(read: Reader) -> None:
    begin, late = names(begins=1), names()
    lines = read([begin, face(0), face(1), late, face(2), begin, face(0), head(3) + bytes(4), face(0)])
    assert [(fields[2], fields[1]) for fields in _faces(lines)] == [
        ("0", "1"),
        ("1", "0"),
        ("2", "0"),
        ("0", "1"),
        ("0", "1"),
    ]


def test_frames_wait_for_their_names_in_any_order(read: Reader) -> None:
    parts = [names([name], i, 2, schema=schema_id(PAIR)) for i, name in enumerate(PAIR)]
    lines = read([face(0), parts[1], face(1), parts[1], parts[0], face(2)])
    assert lines[:-2] == ["-"] * 5
    assert _values(_faces(lines)[0])["mouthUp"] == 1.0
    assert _counts(lines)["waiting"] == 2


def test_other_names_take_over_and_what_contradicts_them_is_dropped(read: Reader) -> None:
    other = names(["a", "b", "c"])
    mixed = names(["a"], 0, 2, schema=schema_id(PAIR)), names(["mouthUp"], 1, 2, schema=schema_id(PAIR))
    assert read([*mixed, face(0)])[:-1] == ["-", "malformed", "-"]  # their id is of other names
    assert read([names(), other, face(0)])[-2] == "-"  # frames of the names before
    assert read([names(), face(0, (1, 2, 3))])[-2] == "malformed"  # three weights for two names
    assert read([names(["jawOpen", "JAWOPEN"])])[0] == "malformed"  # one name, as Unreal compares them
    assert read([names(["jawOpen", "headyaw"])])[0] == "malformed"


def test_subjects_do_not_mix_and_are_not_too_many(read: Reader) -> None:
    codecs = [Metahuman(FPS, subject) for subject in ("Ada", "Bo")]
    rows = noise(20)
    sent = [data for codec in codecs for data in codec.begin()]
    for i, row in enumerate(rows):
        sent += codecs[i % 2].encode(row, 0.0)
    faces = _faces(read(sent))
    assert [fields[0] for fields in faces] == ["Ada", "Bo"] * 10
    np.testing.assert_allclose([list(_values(fields).values())[:251] for fields in faces], rows, atol=1e-5)
    crowd = [names(subject=f"face {i}".encode()) for i in range(300)]
    assert _counts(read(crowd)).items() >= {"subjects": 256, "refused": 44, "malformed": 0}.items()


def _damaged(count: int, seed: int) -> list[bytes]:
    """Datagrams with a few bytes changed, cut or added."""
    rng = np.random.default_rng(seed)
    codec = Metahuman(FPS, "Ada")
    whole = [
        *codec.begin(),
        *codec.encode(noise(1)[0], 1.0),
        *codec.end(),
        names(),
        face(3),
        names(["x"], 1, 2),
    ]
    out = []
    for pick in rng.integers(0, len(whole), count):
        data = bytearray(whole[pick])
        reach = len(data) if rng.random() < 0.3 else 50
        for _ in range(rng.integers(1, 4)):
            data[rng.integers(0, min(reach, len(data)))] = rng.choice(
                [0, 1, 2, 64, 255, rng.integers(0, 256)]
            )
        cut = rng.integers(0, len(data) + 1) if rng.random() < 0.3 else len(data)
        out.append(bytes(data[:cut]) + rng.bytes(rng.integers(0, 4) if rng.random() < 0.2 else 0))
    return out


def _refused(data: bytes) -> bool:
    try:
        parse(data)
    except WireError:
        return True
    return False


def test_both_sides_refuse_what_is_wrong(read: Reader) -> None:
    assert read([names(), *(data for data, _ in WRONG), face(0)])[1:-2] == ["malformed"] * len(WRONG)


def test_both_sides_refuse_the_same_bytes(read: Reader) -> None:
    data = _damaged(3000, seed=1)
    lines = read(data)
    verdicts = [_refused(each) for each in data]
    assert 500 < sum(verdicts) < 2900
    for each, refused, line in zip(data, verdicts, lines[:-1], strict=True):
        if refused:
            assert line == "malformed", each
        elif line == "malformed":  # readable, but it contradicts names that came before
            assert not isinstance(parse(each), End), each


def test_a_storm_of_damaged_datagrams_is_survived(read: Reader) -> None:
    rng = np.random.default_rng(2)
    codec = Metahuman(FPS, "Ada")
    storm = _damaged(20_000, seed=3) + [rng.bytes(rng.integers(0, 1500)) for _ in range(5_000)]
    good = [*codec.begin(), *codec.encode(noise(1)[0], 0.0)]
    lines = read([*storm, *good])
    assert _counts(lines)["datagrams"] == len(storm) + len(good)
    assert len(_faces(lines)[-1]) == 7 + 251 + 9  # and a face still comes through
    assert _faces(lines)[-1][0] == "Ada"


# the plugin as a folder


def test_the_plugin_names_its_module() -> None:
    told = json.loads((PLUGIN / "VoxRig.uplugin").read_text())
    (module,) = told["Modules"]
    assert (PLUGIN / "Source" / module["Name"] / f"{module['Name']}.Build.cs").is_file()
    assert {"Name": "LiveLink", "Enabled": True} in told["Plugins"]


def test_what_is_tested_here_needs_no_engine() -> None:
    for path in (PLUGIN / "Source" / "VoxRig" / "Private").glob("Face*"):
        included = [line.split()[1] for line in path.read_text().splitlines() if line.startswith("#include")]
        assert all(name.startswith("<") or name.startswith('"Face') for name in included), path
