"""Laws of StreamLivelink: blocks as a reader made from the grammar alone finds them, in any pieces."""

from __future__ import annotations

import json
import struct
import tracemalloc
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxrig import rigs
from voxrig.errors import BridgeError, WireError
from voxrig.types import AudioChunk
from voxrig_bridge.codec import Codec
from voxrig_bridge.streamlivelink import (
    MAX_BLOCK,
    End,
    Face,
    Parser,
    Rate,
    StreamLivelink,
    StreamSound,
    Wave,
    block,
    parse,
)

RIG = rigs.get("livelink")
REST = np.zeros(61, np.float32)
JUNK = [  # what parse must refuse, and why
    (b"", "neither"),
    (b"EOT", "neither"),
    (b"A2F:0", "neither"),
    (b"A2F:29.97", "neither"),
    (b"A2F:30:1", "neither"),
    (b"WAVE:16000:1:16", "neither"),
    (b"WAVE:16000:1:12:1", "neither"),
    (b"WAVE:16000:0:16:1", "neither"),
    (b"WAVE:16000:1:16:2", "neither"),
    (b"WAVE:9999999:1:16:1", "neither"),
    (b"\xff\xfe", "not ASCII"),
    (b'{"a":', "neither"),
    (b"[" * 100_000, "neither"),
    (b"9" * 10_000, "neither"),
    (b"[]", "not one subject"),
    (b"{}", "not one subject"),
    (b'{"a":{},"b":{}}', "not one subject"),
    (b'{"a":3}', "no Facial"),
    (b'{"a":{"Facial":[]}}', "no Facial"),
    (b'{"a":{"Facial":{"Names":[]}}}', "no Names or no Weights"),
    (b'{"a":{"Facial":{"Names":["x"],"Weights":[]}}}', "differ"),
    (b'{"a":{"Facial":{"Names":[1],"Weights":[1]}}}', "no text"),
    (b'{"a":{"Facial":{"Names":["x","x"],"Weights":[1,1]}}}', "repeats"),
    (b'{"a":{"Facial":{"Names":["x"],"Weights":[NaN]}}}', "no number"),
    (b'{"a":{"Facial":{"Names":["x"],"Weights":[1e999]}}}', "out of range"),
    (b'{"a":{"Facial":{"Names":["x"],"Weights":[' + b"9" * 400 + b"]}}}", "out of range"),
    (b'{"a":{"Facial":{"Names":["x"],"Weights":[true]}}}', "no number"),
    (b'{"a":{"Facial":{"Names":["x"],"Weights":["1"]}}}', "no number"),
    (bytes(MAX_BLOCK + 1), "longer than any"),
]


def pose(**curves: float) -> np.ndarray:
    values = REST.copy()
    for name, value in curves.items():
        values[RIG.index(name)] = value
    return values


def blocks(stream: bytes) -> list[bytes]:
    """A size, that many bytes, and again: written from the grammar, sharing nothing with the codec."""
    found = []
    while stream:
        size = int.from_bytes(stream[:8], "big")
        assert len(stream) >= 8 + size
        found.append(stream[8 : 8 + size])
        stream = stream[8 + size :]
    return found


def said(codec: Codec, *frames: np.ndarray) -> bytes:
    """The whole stream of some frames."""
    middle = [part for i, values in enumerate(frames) for part in codec.encode(values, i / 30)]
    return b"".join([*codec.begin(), *middle, *codec.end()])


def read_face(payload: bytes, subject: str) -> dict[str, float]:
    whole: dict[str, Any] = json.loads(payload.decode("ascii"))
    assert list(whole) == [subject]
    assert whole[subject]["Body"] == {}
    facial = whole[subject]["Facial"]
    assert set(facial) == {"Names", "Weights"}
    return dict(zip(facial["Names"], facial["Weights"], strict=True))


def test_a_burst_is_a_rate_faces_and_an_end() -> None:
    values = np.random.default_rng(0).uniform(-1.5, 1.5, (5, 61)).astype(np.float32)
    rate, *faces, end = blocks(said(StreamLivelink(Fraction(30), "Audio2Face", "burst"), *values))
    assert (rate, end, len(faces)) == (b"A2F:30", b"EOS", 5)
    for payload, row in zip(faces, values, strict=True):
        face = read_face(payload, "Audio2Face")
        assert tuple(face) == RIG.curves
        assert np.allclose(list(face.values()), row, rtol=0, atol=6e-7)  # six places


def test_streaming_is_faces_alone() -> None:
    (payload,) = blocks(said(StreamLivelink(Fraction(30000, 1001)), pose(JawOpen=0.25)))
    assert read_face(payload, "voxrig")["JawOpen"] == 0.25


def test_headers_are_these_bytes() -> None:
    burst, sound = StreamLivelink(Fraction(60), mode="burst"), StreamSound(16000)
    assert burst.begin() == [b"\x00\x00\x00\x00\x00\x00\x00\x06A2F:60"]
    assert burst.end() == sound.end() == [b"\x00\x00\x00\x00\x00\x00\x00\x03EOS"]
    assert sound.begin() == [b"\x00\x00\x00\x00\x00\x00\x00\x11WAVE:16000:1:16:1"]
    assert StreamSound(48000, "f32").begin() == [b"\x00\x00\x00\x00\x00\x00\x00\x11WAVE:48000:1:32:3"]


def test_a_face_starts_and_ends_with_these_bytes() -> None:
    (sent,) = StreamLivelink(Fraction(60), "Ada").encode(pose(EyeBlinkLeft=0.5, RightEyeRoll=-0.25), 0.0)
    assert sent[8:].startswith(b'{"Ada":{"Body":{},"Facial":{"Names":["EyeBlinkLeft","EyeLookDownLeft",')
    assert b'"RightEyeRoll"],"Weights":[0.500000,0.000000,' in sent
    assert sent.endswith(b",0.000000,-0.250000]}}}")
    assert sent[:8] == struct.pack("!Q", len(sent) - 8)


@pytest.mark.parametrize("subject", ['say "hi"', "50%s", "a\\b", "{}[]"])
def test_any_printable_subject_is_json(subject: str) -> None:
    (payload,) = blocks(said(StreamLivelink(Fraction(60), subject), REST))
    assert tuple(read_face(payload, subject)) == RIG.curves


@pytest.mark.parametrize(("encoding", "kind"), [("s16", "<i2"), ("f32", "<f4")])
def test_sound_arrives_in_pieces(encoding: Literal["s16", "f32"], kind: str) -> None:
    samples = np.random.default_rng(0).uniform(-1.2, 1.2, 40_001).astype(np.float32)
    codec = StreamSound(16000, encoding)
    _, *pieces, end = blocks(
        b"".join([*codec.begin(), *codec.encode(AudioChunk(samples, 16000)), *codec.end()])
    )
    heard = np.frombuffer(b"".join(pieces), kind)
    assert end == b"EOS"
    assert max(map(len, pieces)) <= MAX_BLOCK
    assert all(len(piece) % np.dtype(kind).itemsize == 0 for piece in pieces)
    if encoding == "f32":
        assert np.array_equal(heard, samples)
    else:
        assert np.abs(heard / 32768 - np.clip(samples, -1, 32767 / 32768)).max() <= 0.5 / 32768 + 1e-7


def test_sound_of_another_kind_is_the_callers_mistake() -> None:
    codec = StreamSound(16000)
    with pytest.raises(ValueError, match="8000 Hz, the stream 16000 Hz"):
        codec.encode(AudioChunk(REST, 8000))
    with pytest.raises(ValueError, match="not finite"):
        codec.encode(AudioChunk(np.full(9, np.nan, np.float32), 16000))
    with pytest.raises(ValueError, match="unknown encoding 'u8'; have s16, f32"):
        StreamSound(16000, "u8")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rate must be"):
        StreamSound(0)


def test_what_goes_out_is_read_back() -> None:
    stream = said(StreamLivelink(Fraction(30), "Ada", "burst"), pose(JawOpen=0.5))
    rate, face, end = map(parse, Parser().feed(stream))
    assert rate == Rate(30)
    assert end == End()
    assert isinstance(face, Face)
    assert (face.subject, face.names) == ("Ada", RIG.curves)
    assert np.array_equal(face.weights, pose(JawOpen=0.5))
    assert parse(b"WAVE:44100:2:32:3") == Wave(44100, 2, 32, True)


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=20))
def test_every_cut_of_the_stream_gives_the_same_blocks(sizes: list[int]) -> None:
    stream = said(StreamLivelink(Fraction(60), mode="burst"), REST, pose(JawOpen=1)) * 3
    parser, found, at = Parser(), [], 0
    while at < len(stream):
        size = sizes[at % len(sizes)]
        found += parser.feed(stream[at : at + size])
        at += size
    assert found == blocks(stream)


def test_a_byte_at_a_time_gives_the_same_blocks() -> None:
    stream = said(StreamLivelink(Fraction(60), mode="burst"), REST)
    parser = Parser()
    assert [part for byte in stream for part in parser.feed(bytes([byte]))] == blocks(stream)


@pytest.mark.parametrize("size", [0, 4097, 2**63, 2**64 - 1])
def test_a_block_without_measure_ends_the_stream(size: int) -> None:
    parser = Parser(limit=4096)
    assert parser.feed(block(bytes(4096))) == [bytes(4096)]
    with pytest.raises(WireError, match="a block is"):
        parser.feed(struct.pack(">Q", size))
    with pytest.raises(WireError, match="lost its place"):
        parser.feed(block(b"EOS"))


def test_a_parser_holds_less_than_a_block() -> None:
    parser, piece = Parser(limit=4096), block(bytes(4096))[:-1]
    tracemalloc.start()
    try:
        for _ in range(2000):
            parser.feed(piece)
            parser.feed(b"\x00")
        assert tracemalloc.get_traced_memory()[1] < 16 * 4096
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("data", "fault"), JUNK, ids=range(len(JUNK)))
def test_malformed_blocks_are_refused(data: bytes, fault: str) -> None:
    with pytest.raises(WireError, match=fault):
        parse(data)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["x", "Facial", "Names"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Facial", "Names", "Weights", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(data=st.binary(max_size=100) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_message_or_a_wire_error(data: bytes) -> None:
    try:
        message = parse(data)
    except WireError:
        return
    assert isinstance(message, Rate | Face | Wave | End)


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(st.binary(max_size=40), max_size=10))
def test_any_stream_is_blocks_or_a_wire_error(pieces: list[bytes]) -> None:
    parser = Parser(limit=64)
    try:
        found = [part for piece in pieces for part in parser.feed(piece)]
    except WireError:
        return
    assert b"".join(pieces).startswith(b"".join(map(block, found)))


@pytest.mark.parametrize(
    ("subject", "fault"), [("", "is empty"), ("x" * 10_000, "is 10000 bytes long"), ("Adä", "character 3")]
)
def test_bad_subjects_are_told(subject: str, fault: str) -> None:
    with pytest.raises(BridgeError, match=fault):
        StreamLivelink(Fraction(60), subject)


def test_a_burst_has_a_whole_rate() -> None:
    with pytest.raises(BridgeError, match="burst mode cannot say 30000/1001 frames a second; have whole"):
        StreamLivelink(Fraction(30000, 1001), mode="burst")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_the_callers_mistake(value: float) -> None:
    with pytest.raises(ValueError, match="JawOpen is not"):
        StreamLivelink(Fraction(60)).encode(pose(JawOpen=value), 0.0)


def test_the_callers_other_mistakes() -> None:
    with pytest.raises(ValueError, match=r"must be \(61,\) float32, got \(52,\)"):
        StreamLivelink(Fraction(60)).encode(REST[:52], 0.0)
    with pytest.raises(ValueError, match="unknown mode 'slow'; have streaming, burst"):
        StreamLivelink(Fraction(60), mode="slow")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="fps must be above 0"):
        StreamLivelink(Fraction(0))
