"""``voxrig.v1`` as messages: the bytes themselves, there and back, and what strangers may send."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxrig import rigs
from voxrig.errors import WireError
from voxrig.idle import Life
from voxrig.types import Array, Auto, Style
from voxrig_bridge import door, web

PAIR = web.Target("pair", ("jawOpen", "mouthClose"))
ONE = web.Target("one", ("a",))


def header(*targets: web.Target, face: int = 0) -> web.Header:
    return web.Header(face, "Ada", Fraction(60), 0.08, "live", targets or (PAIR,))


def reader(*targets: web.Target, face: int = 0) -> web.Reader:
    made = web.Reader()
    made.read(web.text(header(*targets, face=face)))
    return made


def frames(*shape: int) -> Array:
    return np.random.default_rng(0).random(shape, np.float32)


# ── bytes ─────────────────────────────────────────────────────────────────────────────────────────────


def test_frames_are_these_bytes() -> None:
    block = web.Block(7, 258, [np.array([[0.5, 1.0]], np.float32), np.array([[-2.0]], np.float32)], b"\1\2")
    packed = bytes.fromhex("01 07 0100 02010000 02000000 0000003f 0000803f 000000c0 0102")
    assert web.pack(block) == packed
    got = reader(PAIR, ONE, face=7).read(packed)
    assert isinstance(got, web.Block)
    assert (got.face, got.start, got.sound) == (7, 258, b"\1\2")
    assert [track.tolist() for track in got.tracks] == [[[0.5, 1.0]], [[-2.0]]]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (web.End(), '{"type":"end"}'),
        (web.Ack(12), '{"type":"ack","frame":12}'),
        (web.Interrupt(), '{"type":"interrupt","closing":0.0}'),
        (web.Interrupt(0, 0.2), '{"type":"interrupt","shown":0,"closing":0.2}'),
        (
            web.StyleKey(Style({"joy": 0.5}), 160, 0.25),
            '{"type":"style","style":{"emotion":{"joy":0.5},"intensity":1.0},"at":160,"transition":0.25}',
        ),
        (
            web.StyleKey(Style({}, 0.5, -0.25, 1.5, "warm", Auto(most=2))),
            '{"type":"style","style":{"emotion":{},"intensity":0.5,"asymmetry":-0.25,"energy":1.5,"speaker":"warm",'
            '"auto":{"strength":0.6,"contrast":1.0,"most":2,"blend":0.7,"preferred":0.5}},"at":0,"transition":0.0}',
        ),
        (web.Look(0.5, -0.25, 160), '{"type":"look","yaw":0.5,"pitch":-0.25,"at":160}'),
        (web.Look(), '{"type":"look","at":0}'),
    ],
)
def test_requests_are_this_text(message: web.Request, text: str) -> None:
    assert web.request(message) == text
    assert web.parse(text) == message


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (web.Notice(0, "late", "slow", 3, 0, 0.5),
         '{"type":"notice","face":0,"kind":"late","message":"slow","first":3,"end":0,"seconds":0.5}'),
        (web.Summary(1, 16000, 60, 1, 2, 3, 0.25),
         '{"type":"summary","face":1,"samples":16000,"frames":60,"dropped":1,"late":2,"silence":3,'
         '"lateness":0.25}'),
        (web.Fault("UNAVAILABLE", "try another"),
         '{"type":"error","code":"UNAVAILABLE","message":"try another"}'),
        (web.Fault("RESOURCE_EXHAUSTED", "full", 1.0),
         '{"type":"error","code":"RESOURCE_EXHAUSTED","message":"full","retry":1.0}'),
        (web.Header(2, "Ada", Fraction(30000, 1001), 0.08, "live", (PAIR,), web.SoundFormat(16000, "s16")),
         '{"type":"header","face":2,"name":"Ada","fps":[30000,1001],"latency":0.08,"model":"live",'
         '"targets":[{"rig":"pair","curves":["jawOpen","mouthClose"]}],'
         '"sound":{"rate":16000,"encoding":"s16"}}'),
    ],
)  # fmt: skip
def test_replies_are_this_text(message: web.Reply, text: str) -> None:
    assert web.text(message) == text
    assert web.Reader().read(text) == message


# ── there and back ────────────────────────────────────────────────────────────────────────────────────


def test_a_config_says_little_or_everything() -> None:
    assert web.parse('{"type":"config","rate":48000}') == web.Config(48000)
    assert web.Config(48000).pacing == "realtime"
    assert web.parse('{"type":"config","rate":16000.0,"fps":24,"model":null}') == web.Config(
        16000, fps=Fraction(24)
    )
    style, fps = Style({"joy": 0.5}, 0.9), Fraction(30000, 1001)
    full = web.Config(
        16000, "f32", ("vrm1", "arkit"), fps, "live", style, "burst", 0.5, True, "Ada", 120, "json"
    )
    assert web.parse(web.request(full)) == full
    key, life = web.StyleKey(replace(style, auto=Auto(blend=0.25)), 8000, 0.5), Life(head=0.25)
    directed = replace(full, keys=(key, key), direction="sad\n", seconds=2.5, life=life, seed=2**32 - 1)
    assert web.parse(web.request(directed)) == directed
    told = '{"type":"config","rate":16000,"life":{},"keys":[{}],"style":{"auto":{}}}'
    plain = web.Config(16000, style=Style(auto=Auto()), keys=(web.StyleKey(Style()),), life=Life())
    assert web.parse(told) == plain
    assert web.parse('{"type":"config","rate":16000,"life":null,"keys":null}') == web.Config(16000)


@pytest.mark.parametrize("name", ["arkit", "livelink", "metahuman"])
def test_frames_survive_both_forms(name: str) -> None:
    rig = rigs.get(name)
    there = reader(web.Target(name, rig.curves), face=255)
    block = web.Block(255, (1 << 32) - 1, [frames(9, len(rig))], b"abcd")
    for message, tolerance in ((web.pack(block), 0), (web.text(block), 6e-8)):  # text has 7 digits
        got = there.read(message)
        assert isinstance(got, web.Block)
        assert (got.face, got.start, got.sound) == (block.face, block.start, block.sound)
        np.testing.assert_allclose(got.tracks[0], block.tracks[0], rtol=0, atol=tolerance)


def test_sound_survives_both_forms() -> None:
    sound = web.Sound(bytes(range(256)))
    assert web.request(sound) == sound.samples
    assert web.parse(web.request(sound)) == web.parse(web.request(sound, as_json=True)) == sound


@pytest.mark.parametrize("sample", [2, 4])
def test_long_blocks_come_in_pieces_that_lack_nothing(sample: int) -> None:
    block = web.Block(3, 100, [frames(6000, 52), frames(6000, 15)], bytes(range(250)) * 4 * 17)
    pieces = list(web.pieces(block, sample))
    assert len(pieces) == 2
    assert all(len(web.pack(piece)) < 1 << 21 for piece in pieces)
    assert all(len(piece.sound) % sample == 0 for piece in pieces)
    assert pieces[1].start == 100 + len(pieces[0].tracks[0])
    for track in range(2):
        joined = np.concatenate([piece.tracks[track] for piece in pieces])
        np.testing.assert_array_equal(joined, block.tracks[track])
    assert b"".join(piece.sound for piece in pieces) == block.sound
    short = web.Block(3, 0, [frames(2, 52)], b"")
    assert list(web.pieces(short)) == [short]


def test_what_does_not_fit_is_the_callers_mistake() -> None:
    for block in (web.Block(256, 0, [frames(1, 2)]), web.Block(0, 1 << 32, [frames(1, 2)])):
        with pytest.raises(ValueError, match="do not fit"):
            web.pack(block)
    with pytest.raises(ValueError, match="JSON"):
        web.text(web.Block(0, 0, [np.array([[np.nan, 0]], np.float32)]))


# ── what strangers may send ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "a message is a JSON object"),
        ("{}", "a message without type"),
        ('{"type":5}', "type is no text"),
        ('{"type":"sing"}', "unknown type 'sing'; have config, audio"),
        ('{"type":"config"}', "config without rate"),
        ('{"type":"config","rate":"16000"}', "rate is no number"),
        ('{"type":"config","rate":true}', "rate is no number"),
        ('{"type":"config","rate":NaN}', "no JSON"),
        ('{"type":"config","rate":1e999}', "rate is no number"),
        ('{"type":"config","rate":' + "9" * 5000 + "}", "no JSON"),
        ('{"type":"config","rate":' + "9" * 400 + "}", "rate is no number"),
        ('{"type":"config","rate":-1}', "rate is -1; have whole numbers"),
        ('{"type":"config","rate":16000.5}', "rate is 16000.5; have whole numbers"),
        (
            '{"type":"config","rate":16000,"fsp":30}',
            "config has no field 'fsp'; have direction, echo",
        ),
        ('{"type":"config","rate":16000,"fps":29.97}', r"write 60 or \[30000, 1001\]"),
        ('{"type":"config","rate":16000,"fps":[60,0]}', "fps is no frame rate"),
        ('{"type":"config","rate":16000,"fps":[60]}', "fps is no number"),
        ('{"type":"config","rate":16000,"encoding":"u8"}', "unknown encoding 'u8'; have s16, f32"),
        ('{"type":"config","rate":16000,"pacing":"slow"}', "unknown pacing 'slow'; have realtime, burst"),
        ('{"type":"config","rate":16000,"rigs":[]}', "rigs is no list of 1 to"),
        ('{"type":"config","rate":16000,"rigs":"arkit"}', "rigs is no list"),
        ('{"type":"config","rate":16000,"rigs":[1]}', "rigs is no list of 1 to"),
        ('{"type":"config","rate":16000,"echo":1}', "echo is no true or false"),
        ('{"type":"config","rate":16000,"name":"' + "a" * 300 + '"}', "name has 300 characters"),
        (
            '{"type":"config","rate":16000,"style":{"joy":1}}',
            "style has no field 'joy'; have asymmetry",
        ),
        ('{"type":"style","style":{"emotion":{"joy":"much"}}}', "emotion is no number"),
        ('{"type":"style","style":{"energy":"much"}}', "energy is no number"),
        ('{"type":"style","style":{"asymmetry":NaN}}', "text that is no JSON"),
        ('{"type":"style","style":{"speaker":7}}', "speaker is no text"),
        ('{"type":"style","style":{"auto":{"most":2.5}}}', "most is 2.5; have whole numbers"),
        ('{"type":"style","style":{"auto":{"loud":1}}}', "auto has no field 'loud'; have blend, contrast"),
        ('{"type":"style","style":{"auto":true}}', "auto is no object"),
        ('{"type":"look","yaw":"left"}', "yaw is no number"),
        ('{"type":"look","roll":1}', "look has no field 'roll'; have at, pitch, type, yaw"),
        ('{"type":"config","rate":16000,"keys":{}}', "keys is no list"),
        ('{"type":"config","rate":16000,"keys":[1]}', "no list of 1 to 1000 objects"),
        (
            '{"type":"config","rate":16000,"keys":[' + "{}," * 1000 + "{}]}",
            "keys is no list of 1 to 1000 objects",
        ),
        ('{"type":"config","rate":16000,"keys":[{"at":-1}]}', "at is -1"),
        ('{"type":"config","rate":16000,"keys":[{"after":1}]}', "keys has no field 'after'"),
        ('{"type":"config","rate":16000,"life":{"nose":1}}', "life has no field 'nose'; have blink, breath"),
        ('{"type":"config","rate":16000,"life":"on"}', "life is no object"),
        ('{"type":"config","rate":16000,"seed":-1}', "seed is -1"),
        ('{"type":"config","rate":16000,"seed":4294967296}', "seed is 4.29497e"),
        (
            '{"type":"config","rate":16000,"direction":"' + "sad " * 1100 + '"}',
            "has 4400 characters",
        ),
        ('{"type":"audio","samples":"a"}', "no base64"),
        ('{"type":"audio","samples":"é==="}', "no base64"),
        ('{"type":"ack"}', "ack without frame"),
        ('{"type":"interrupt","shown":-2}', "shown is -2"),
        (" " * (web.MAX_MESSAGE + 1), "message of 16777217 bytes"),
    ],
)
def test_a_server_says_what_is_wrong(text: str, fault: str) -> None:
    with pytest.raises(WireError, match=fault):
        web.parse(text)


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (b"", "0 bytes are no frames"),
        (bytes(11), "11 bytes are no frames"),
        (struct.pack("<BBHII", 2, 0, 0, 0, 0), "kind 2; have 1"),
        (struct.pack("<BBHII", 1, 9, 0, 0, 0), "face 9 before its header"),
        (struct.pack("<BBHII", 1, 0, 1, 0, 0), "have 12 bytes; their head tells 20"),
        (struct.pack("<BBHII", 1, 0, 0, 0, 0xFFFFFFFF), "have 12 bytes"),
        (struct.pack("<BBHIIff", 1, 0, 1, 0, 0, 1.0, np.nan), "NaN"),
        ('{"type":"frames","face":0,"start":0,"values":[]}', "0 tracks for 1 targets"),
        ('{"type":"frames","face":0,"start":0,"values":[[[1]]]}', "no rows of 2 numbers"),
        ('{"type":"frames","face":0,"start":0,"values":[[[1,"2"]]]}', "no rows of 2 numbers"),
        ('{"type":"frames","face":0,"start":0,"values":[[[1,1e39]]]}', "no number of 32 bits"),
        ('{"type":"frames","face":0,"start":0,"values":[[[1,' + "9" * 400 + "]]]}", "no number of 32 bits"),
        ('{"type":"frames","face":0,"start":4294967296,"values":[[]]}', "start is"),
        ('{"type":"header","face":256}', "face is 256|without"),
        ('{"type":"header","face":0,"fps":60,"targets":[]}', "no list of 1 to"),
        ('{"type":"header","face":0,"fps":60,"targets":[{"rig":"a"}]}', "targets without curves"),
        ('{"type":"sing"}', "unknown type 'sing'; have header"),
    ],
)
def test_a_client_says_what_is_wrong_and_goes_on(message: str | bytes, fault: str) -> None:
    there = reader()
    with pytest.raises(WireError, match=fault):
        there.read(message)
    assert isinstance(there.read(web.pack(web.Block(0, 0, [frames(1, 2)]))), web.Block)


def test_a_client_passes_over_what_newer_servers_tell() -> None:
    assert web.Reader().read('{"type":"error","code":"INTERNAL","message":"","since":3}') == web.Fault(
        "INTERNAL", ""
    )


json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KEYS = """rate rigs fps style pacing idle echo name window format samples at transition frame shown closing
    face start values targets sound latency kind message first end seconds code retry""".split()
TYPES = "config audio style ack interrupt end header notice summary error frames".split()
objects = st.builds(
    lambda kind, told: json.dumps({"type": kind} | told),
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(KEYS), json_values, max_size=6),
)


@settings(max_examples=300, deadline=None)
@given(objects | st.text(max_size=40) | st.binary(max_size=64))
def test_nothing_that_strangers_send_breaks_anything_else(message: str | bytes) -> None:
    for read in (web.parse, reader(PAIR, ONE).read):
        with suppress(WireError):
            read(message)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_frames_are_frames_or_refused(data: st.DataObject) -> None:
    packed = bytearray(web.pack(web.Block(0, 5, [frames(3, 2), frames(3, 1)], b"sound")))
    at = data.draw(st.integers(0, len(packed) - 1))
    packed[at] = data.draw(st.integers(0, 255))
    whole = bytes(packed[: data.draw(st.integers(0, len(packed)))])
    try:
        got = reader(PAIR, ONE).read(whole)
    except WireError:
        return
    assert isinstance(got, web.Block)
    assert web.pack(got) == whole


# ── who may call ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "value", "given"),
    [
        ("Authorization", "bearer correct-horse", ["correct-horse"]),
        ("authorization", "Basic correct-horse", []),
        ("X-Api-Key", "correct-horse", ["correct-horse"]),
        ("sec-websocket-protocol", "voxrig.v1, voxrig.key.correct-horse", ["correct-horse"]),
        ("sec-websocket-protocol", "voxrig.key.a%2Fb%3D", ["a/b="]),
        ("cookie", "voxrig.key.correct-horse", []),
    ],
)
def test_keys_come_in_headers_or_as_a_subprotocol(name: str, value: str, given: list[str]) -> None:
    brought = door.keys_given([(name, value)])
    assert set(given) <= set(brought)
    assert door.known(brought, ["another", *given]) is bool(given)


@pytest.mark.parametrize(
    ("origin", "host", "local", "want"),
    [
        (None, "127.0.0.1:52001", True, True),  # no page
        ("http://localhost:8080", "127.0.0.1:52001", True, True),
        ("http://[::1]:8080", "[::1]:52001", True, True),
        ("https://evil.example", "127.0.0.1:52001", True, False),
        ("https://evil.example", "evil.example:52001", True, False),  # a name made to lead to the loopback
        ("https://faces.example", "faces.example:52001", False, True),
        ("https://evil.example", "faces.example:52001", False, False),
        ("https://faces.example.evil.example", "faces.example", False, False),
        ("https://play.example:444", "faces.example", True, True),  # listed
        ("https://play.example", "faces.example", False, False),  # another port
        ("null", "faces.example", False, False),
        ("http://[", "faces.example", False, False),
        ("", "", False, False),
    ],
)
def test_pages_from_elsewhere_stay_out(origin: str | None, host: str, local: bool, want: bool) -> None:
    assert door.origin_allowed(origin, host, ["https://play.example:444"], local) is want
    assert door.origin_allowed(origin, host, ["*"], local)


@pytest.mark.parametrize("origin", ["play.example", "https://", "https://play.example/", "https://a b:x", ""])
def test_origins_are_written_as_browsers_do(origin: str) -> None:
    with pytest.raises(ValueError, match="is no origin; write https://HOST"):
        door.check_origin(origin)
    assert [*map(door.check_origin, ("https://Play.example", "null", "*"))] == [
        "https://play.example",
        "null",
        "*",
    ]
