"""The studio: takes come in, and are shown as ``animate`` would write them, in whatever direction."""

from __future__ import annotations

import io
import sys
import wave
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import soundfile
from sounds import SAMPLE, babble

pytest.importorskip("aiohttp", reason="needs the extra studio")

from studio_server import Page, Running, running

from voxrig.audio import read
from voxrig.idle import Life
from voxrig.performance import animate
from voxrig.rigs import NATIVE, get
from voxrig.studio.app import Limits
from voxrig.types import AudioChunk, Auto, Key, Style

TEXT = "Hello! Move your lips with me: five fine vowels, a bold blue moon."


def wav(sound: AudioChunk, format: str = "WAV") -> bytes:
    out = io.BytesIO()
    soundfile.write(
        out, sound.samples, sound.rate, format=format, subtype=None if format != "WAV" else "FLOAT"
    )
    return out.getvalue()


@pytest.fixture(scope="module")
def sound() -> AudioChunk:
    whole = read(SAMPLE)
    return AudioChunk(whole.samples[: 5 * whole.rate], whole.rate)


@pytest.fixture(scope="module")
def studio() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def take(studio: Running, sound: AudioChunk) -> str:
    return str(studio.upload(wav(sound)).json["id"])


@pytest.fixture(scope="module")
def spoken(studio: Running, sound: AudioChunk) -> str:
    """The same with its text."""
    return str(studio.upload(wav(sound), text=TEXT).json["id"])


@pytest.fixture
def page(studio: Running) -> Iterator[Page]:
    with studio.page() as found:
        yield found


def test_a_take_is_told_with_its_phones_and_words(studio: Running, take: str, spoken: str) -> None:
    heard = studio.ask("GET", f"/api/takes/{take}").json
    assert (heard["kind"], heard["name"], heard["seconds"], heard["words"]) == ("speech", "line.wav", 5.0, [])
    assert heard["phones"][0]["start"] == 0
    assert heard["phones"][-1]["end"] == pytest.approx(5.0, abs=0.02)
    known = studio.ask("GET", f"/api/takes/{spoken}").json
    assert known["text"] == TEXT
    assert [word["text"] for word in known["words"][:3]] == ["Hello", "Move", "your"]
    listed = [told["id"] for told in studio.ask("GET", "/api/takes").json["takes"]]
    assert [take, spoken] == [id for id in listed if id in (take, spoken)]


def test_the_sound_comes_back(studio: Running, sound: AudioChunk, take: str) -> None:
    answer = studio.ask("GET", f"/api/takes/{take}/sound")
    assert answer.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.body)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (48000, 1, 2)
        heard = np.frombuffer(file.readframes(1 << 30), "<i2") / 32768
    assert len(heard) == 5 * 48000
    assert np.corrcoef(heard[:: 48000 // sound.rate], sound.samples)[0, 1] > 0.99


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3"])
def test_sounds_of_all_kinds_are_read(studio: Running, format: str) -> None:
    answer = studio.upload(wav(babble(0.5, 24000), format), f"a.{format.lower()}")
    assert answer.status == 201
    assert answer.json["seconds"] == pytest.approx(0.5, abs=0.1)


CASES: list[tuple[str, float, dict[str, Any], dict[str, Any]]] = [
    ("arkit", 60, {}, {}),
    ("metahuman", 29.97, {"style": {"emotion": {"joy": 0.8}}}, {"style": Style({"joy": 0.8})}),
    (
        "livelink",
        60,
        {"style": {"emotion": {"joy": 0.4}, "auto": {"strength": 0.9}}, "life": {"head": 0.5}, "seed": 7},
        {"style": Style({"joy": 0.4}, auto=Auto(0.9)), "idle": Life(head=0.5), "seed": 7},
    ),
    (
        "arkit",
        24,
        {"keys": [{"at": 1.5, "style": {"emotion": {"anger": 1}, "energy": 1.4}, "transition": 0.5}]},
        {"keys": (Key(1.5, Style({"anger": 1}, energy=1.4), 0.5),)},
    ),
    (
        "vrm1",
        60,
        {"direct": "sceptical, then amused; looks down at the end", "style": {"speaker": "warm"}},
        {"direct": "sceptical, then amused; looks down at the end", "style": Style(speaker="warm")},
    ),
    ("arkit", 60, {"pack": "live", "life": {}}, {"pace": "live", "idle": Life()}),
    (
        "arkit",
        30,
        {"pack": "fast", "style": {"emotion": {"fear": 1}, "intensity": 1.2, "asymmetry": 0.4}},
        {"pace": "fast", "style": Style({"fear": 1}, intensity=1.2, asymmetry=0.4)},
    ),
]


@pytest.mark.parametrize(("rig", "fps", "direction", "wishes"), CASES)
def test_frames_are_those_of_animate(
    page: Page,
    sound: AudioChunk,
    take: str,
    rig: str,
    fps: float,
    direction: dict[str, Any],
    wishes: dict[str, Any],
) -> None:
    shown = page.direct(1, take, rig=rig, fps=fps, direction=direction)
    rate = Fraction(30000, 1001) if fps == 29.97 else Fraction(fps)
    expected = animate(sound, rig, rate, device="cpu", **wishes)
    assert shown.header["curves"] == list(get(rig).curves)
    assert shown.header["fps"] == float(rate)
    assert np.abs(shown.values - expected.values).max() <= 1e-5


def test_frames_of_a_known_text_are_those_of_animate(page: Page, sound: AudioChunk, spoken: str) -> None:
    direction = {"style": {"emotion": {"sadness": 0.7}}, "life": {}, "seed": 3}
    expected = animate(
        sound, "arkit", 60, Style({"sadness": 0.7}), text=TEXT, idle=Life(), seed=3, device="cpu"
    )
    assert np.abs(page.direct(1, spoken, direction=direction).values - expected.values).max() <= 1e-5
    live = animate(sound, "arkit", 60, pace="live", device="cpu")  # which knows no text
    assert np.abs(page.direct(2, spoken, direction={"pack": "live"}).values - live.values).max() <= 1e-5


def test_gain_offset_and_smoothing_are_those_of_a_direction(page: Page, take: str) -> None:
    usual = page.direct(1, take, direction={"smooth": 0}).values
    jaw = get("arkit").index("jawOpen")
    wider = {"smooth": 0, "gain": {"all": 0.5, "jawOpen": 1.5}, "offset": {"jawOpen": 0.1}}
    shown = page.direct(2, take, direction=wider).values
    expected = np.clip(usual[:-7, jaw] * 1.5 + 0.1, 0, 1)
    assert np.abs(shown[:-7, jaw] - expected).max() <= 1e-5
    assert np.abs(shown[:-7, :jaw] - usual[:-7, :jaw] * 0.5).max() <= 1e-5
    calm = page.direct(3, take, direction={"smooth": 0.3}).values
    assert np.abs(np.diff(calm[:, jaw])).max() < np.abs(np.diff(usual[:, jaw])).max()


def test_the_block_with_from_comes_first_and_then_what_follows(page: Page, take: str) -> None:
    shown = page.direct(1, take, **{"from": 3.0})
    starts = [start for start, _ in shown.blocks]
    turn = starts.index(0)
    first, values = shown.blocks[0]
    assert first <= 180 < first + len(values)
    assert starts[:turn] == sorted(starts[:turn])
    assert starts[turn:] == sorted(starts[turn:])
    assert all(0 < len(values) <= 120 for _, values in shown.blocks)
    whole = page.direct(2, take)
    assert whole.blocks[0][0] == 0
    assert np.array_equal(shown.values, whole.values)
    late, values = page.direct(3, take, **{"from": 99.0}).blocks[0]
    assert late + len(values) == 300


def test_a_newer_direction_replaces_the_older(studio: Running) -> None:
    minute = studio.upload(wav(babble(60.0))).json["id"]
    with studio.page() as page:
        for serial in range(1, 30):
            page.say(
                type="direct",
                serial=serial,
                take=minute,
                direction={"style": {"emotion": {"joy": serial / 30}}},
            )
        last = page.direct(30, minute, direction={"style": {"emotion": {"anger": 1}}})
        assert len(last.values) == 3600
        page.say(type="direct", serial=31, take=minute)
        assert len(page.shown(31).values) == 3600  # nothing of those before follows


def test_of_replaced_directions_hardly_anything_is_sent(studio: Running) -> None:
    minute = studio.upload(wav(babble(60.0, seed=1))).json["id"]
    counts: dict[int, int] = {}
    with studio.page() as page:
        page.direct(1, minute)
        for serial in range(2, 42):
            style = {"emotion": {"joy": serial / 50}}
            page.say(type="direct", serial=serial, take=minute, rig="metahuman", direction={"style": style})
        while True:
            message = page.next()
            if isinstance(message, bytes):
                serial = int.from_bytes(message[:4], "little")
                counts[serial] = counts.get(serial, 0) + 1
            elif message == {"type": "done", "serial": 41, "milliseconds": message.get("milliseconds")}:
                break
    whole = counts.pop(41)
    assert sum(counts.values()) < 40 * whole / 4


def test_words_that_nobody_knows_come_back(page: Page, take: str) -> None:
    shown = page.direct(1, take, direction={"direct": "sceptical, then blorf"})
    assert shown.header["warnings"] == ["'blorf' is not known"]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"take": "t999"}, "no take 't999'"),
    ({"rig": "arkit2"}, "unknown rig 'arkit2'; have "),
    ({"fps": 0}, "fps is 0; have 1 to 240"),
    ({"fps": "60"}, "fps is no number"),
    ({"fps": 1e9}, "have 1 to 240"),
    ({"from": "x"}, "from is no number"),
    ({"form": 1}, "direct has no field 'form'"),
    ({"direction": []}, "direction is no object"),
    ({"direction": {"stile": {}}}, "direction has no field 'stile'"),
    ({"direction": {"pack": "slow"}}, "unknown pack 'slow'; have file, live, fast"),
    ({"direction": {"style": {"emotion": {"jay": 1}}}}, "unknown emotion 'jay'; have amazement"),
    ({"direction": {"style": {"emotion": {"joy": 2}}}}, "emotion joy is 2; weights are 0 to 1"),
    ({"direction": {"style": {"intensity": -1}}}, "intensity is -1; it is 0 to 1.5"),
    ({"direction": {"style": {"speaker": "bob"}}}, "unknown speaker 'bob'"),
    ({"direction": {"style": {"auto": {"most": 9}}}}, "auto most is 9; it is 1 to 6"),
    ({"direction": {"keys": [{"style": {}}]}}, "keys without at"),
    ({"direction": {"keys": [{"at": 2}, {"at": 1}]}}, "have them in order of time"),
    ({"direction": {"keys": [{"at": 1, "when": 2}]}}, "keys has no field 'when'"),
    ({"direction": {"direct": "blorf"}}, "the direction names no feeling or look"),
    ({"direction": {"direct": "a" * 3000}}, "have at most 2000"),
    ({"direction": {"life": {"blink": 3}}}, "blink is 3; amounts are 0 to 1"),
    ({"direction": {"seed": -1}}, "seed is -1; have whole numbers from 0 to 4294967295"),
    ({"direction": {"smooth": 5}}, "smooth is 5 s; have 0 to 1"),
    ({"direction": {"gain": {"jawOpn": 1}}}, "unknown arkit curve 'jawOpn'"),
    ({"direction": {"gain": {"jawOpen": 1e9}}}, "gain of jawOpen is 1e+09; have ±1000"),
    ({"serial": 0}, "serial is 0; it grows"),
    ({"serial": -4}, "serial is -4; have whole numbers"),
    ({"serial": None}, "direct without serial"),
]


@pytest.mark.parametrize(("wrong", "sentence"), BAD)
def test_wrong_directions_get_a_sentence(page: Page, take: str, wrong: dict[str, Any], sentence: str) -> None:
    page.say(**({"type": "direct", "serial": 1, "take": take} | wrong))
    told = page.next()
    assert isinstance(told, dict)
    assert told["type"] == "error"
    assert sentence in told["error"]
    assert page.direct(2, take).header["frames"] == 300  # and the conversation goes on


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "text that is no JSON"),
        ("[]", "a message is a JSON object"),
        ('{"type": "dance"}', "unknown message 'dance'; have direct, clock"),
        ('{"type": "clock"}', "clock without playing"),
        ('{"type": "clock", "playing": true, "speed": 0}', "a clock at 0 s of speed 0"),
        ('{"type": "direct", "serial": 1, "take": "t1", "fps": NaN}', "text that is no JSON"),
    ],
)
def test_wrong_messages_get_a_sentence(page: Page, text: str, sentence: str) -> None:
    page.socket.send(text)
    told = page.next()
    assert isinstance(told, dict)
    assert sentence in told["error"]


def test_bytes_of_a_page_get_a_sentence(page: Page) -> None:
    page.socket.send(b"\0")
    told = page.next()
    assert isinstance(told, dict)
    assert told["error"] == "a page says text, no bytes"


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("/api/takes?name=a.wav", b"", 400, "the request has no file: its body is empty"),
        ("/api/takes?name=../../a.wav", b"abc", 415, "cannot read a.wav as sound"),
        ("/api/takes?name=a.wav&text=hi&language=xx", wav(babble(1.0)), 400, "language"),
        ("/api/takes?name=a.wav&text=" + "a" * 11000, wav(babble(1.0)), 413, "the text has 11000 characters"),
        ("/api/takes?name=a.wav&text=Something+else+entirely", wav(babble(0.2)), 400, "text"),
        ("/api/takes?name=a.wav", wav(AudioChunk(np.full(9, np.nan, np.float32), 16000)), 415, "NaN"),
        ("/api/takes?name=a.wav", wav(AudioChunk(np.zeros(9, np.float32), 4000)), 415, "4000 Hz"),
        ("/api/takes?name=a.wav", half(wav(babble(1.0), "FLAC")), 415, "a.wav is damaged"),
        ("/api/takes/curves?name=a.csv", b"abc", 415, "a.csv: it begins with 'abc'"),
        ("/api/takes/curves?name=a.csv&fps=x", b"abc", 400, "fps is 'x'; write 60, 29.97"),
        ("/api/takes/curves?name=a.csv&fps=1/0", b"abc", 400, "fps is '1/0'"),
        ("/api/takes/curves?name=a.csv", b"time_s,jawOpen\n0,0.5\n", 415, "a.csv"),
        ("/api/takes/speak", b"{}", 400, "the request without text"),
        ("/api/takes/speak", b"\xff", 400, "the request is no JSON"),
        ("/api/takes/speak", b"[1]", 400, "the request is no JSON object"),
        ("/api/takes/speak", b'{"text": "a", "pitch": 1}', 400, "has no field 'pitch'"),
        ("/api/takes/speak", b" " * (2 << 20), 413, "the request has more than 1048576 bytes"),
        ("/api/takes/t999/export", b"{}", 404, "no take 't999'"),
        ("/api/links", b'{"url": "x://y"}', 400, "unknown receiver 'x://'"),
        ("/api/links", b"{}", 400, "the request without url"),
        ("/api/nothing", b"", 404, "there is nothing at this address"),
        ("/api/about", b"", 405, "this address is asked in another way"),
    ],
)  # fmt: skip
def test_wrong_requests_get_a_status_and_a_sentence(
    studio: Running, path: str, body: bytes, status: int, sentence: str
) -> None:
    answer = studio.ask("POST", path, body)
    assert answer.status == status
    assert sentence in answer.error


def test_what_is_not_there(studio: Running, take: str) -> None:
    for path in ("/api/takes/t999", "/api/takes/t999/sound", "/api/jobs/j9", "/nothing.js", "/assets/x.js"):
        assert studio.ask("GET", path).status == 404
    assert studio.ask("DELETE", "/api/links/l9").status == 404
    assert studio.ask("DELETE", "/api/takes/t999").status == 404
    assert studio.ask("GET", f"/api/takes/{take}/frames").status == 409
    assert studio.ask("GET", "/api/stage").error.startswith("/api/stage is a WebSocket")


def test_a_take_that_is_deleted_is_gone(studio: Running) -> None:
    id = studio.upload(wav(babble(0.3))).json["id"]
    assert studio.ask("DELETE", f"/api/takes/{id}").status == 204
    assert studio.ask("GET", f"/api/takes/{id}").status == 404


def test_the_sample_needs_no_dictionary(studio: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gruut", None)
    answer = studio.ask("POST", "/api/takes/sample")
    assert answer.status == 201
    assert not answer.json["words"]
    assert len(answer.json["phones"]) > 30


def test_the_sample_is_a_take_with_its_words(studio: Running) -> None:
    assert studio.ask("GET", "/api/about").json["sample"] is True
    answer = studio.ask("POST", "/api/takes/sample")
    assert answer.status == 201
    assert [word["text"] for word in answer.json["words"]][-1] == "sheep"


def test_a_text_is_spoken_by_a_voice(studio: Running) -> None:
    pytest.importorskip("hibari", reason="needs the extra tts")
    answer = studio.ask("POST", "/api/takes/speak", {"text": "Who goes there?", "voice": "oak"})
    assert answer.status == 201
    assert answer.json["text"] == "Who goes there?"
    assert [word["text"] for word in answer.json["words"]] == ["Who", "goes", "there"]
    assert studio.ask("POST", "/api/takes/speak", {"text": "Hi", "voice": "bob"}).status == 400


def test_limits_hold() -> None:
    small = Limits(upload=200_000, seconds=2.0, takes=3, sockets=2, links=1)
    with running(small) as studio:
        told = studio.ask("GET", "/api/about").json["limits"]
        assert told == {"upload": 200_000, "seconds": 2.0, "takes": 3}
        assert studio.upload(bytes(200_001)).status == 413
        chunks = (bytes(100_000) for _ in range(30))
        assert studio.ask("POST", "/api/takes", chunks).status == 413  # type: ignore[arg-type]
        long = studio.upload(wav(babble(2.1)))
        assert (long.status, long.error) == (413, "line.wav lasts longer than 2 s; cut it at pauses")
        ids = [studio.upload(wav(babble(0.2, seed=i))).json["id"] for i in range(3)]
        studio.ask("GET", f"/api/takes/{ids[0]}")  # used, so that another is the oldest
        ids.append(studio.upload(wav(babble(0.2))).json["id"])
        left = [take["id"] for take in studio.ask("GET", "/api/takes").json["takes"]]
        assert left == [ids[0], ids[2], ids[3]]
        with studio.page(), studio.page():
            answer = studio.ask("GET", "/api/stage", Upgrade="websocket", Connection="Upgrade")
            assert (answer.status, answer.error[:24]) == (429, "2 connections are open, ")


def test_memory_of_takes_is_bounded() -> None:
    with running(Limits(takes_bytes=3_000_000)) as studio:
        for seed in range(8):
            studio.upload(wav(babble(4.0, seed=seed)))
        kept = studio.studio._shelf.all()
        assert 1 <= len(kept) < 8
        assert sum(take.size for take in kept) <= 3_000_000
        assert kept[-1].id == "t8"


def test_curves_of_a_file_are_shown_as_they_are(studio: Running, page: Page, sound: AudioChunk) -> None:
    made = animate(sound, "arkit", 30, device="cpu")
    rows = [",".join(["time_s", *made.rig.curves])]
    rows += [
        ",".join([f"{k / 30:.6f}", *(f"{v:.6f}" for v in values)]) for k, values in enumerate(made.values)
    ]
    answer = studio.upload("\n".join(rows).encode(), "a.csv", "/curves")
    assert answer.status == 201
    told = answer.json
    assert (told["kind"], told["rig"], told["fps"], told["frames"]) == ("curves", "arkit", 30.0, len(made))
    assert told["curves"] == list(made.rig.curves)
    raw = studio.ask("GET", f"/api/takes/{told['id']}/frames").body
    values = np.frombuffer(raw, "<f4").reshape(len(made), -1)
    assert np.abs(values - made.values).max() <= 1e-5
    shown = page.direct(1, told["id"], rig="arkit", fps=30)
    assert np.array_equal(shown.values, values)
    twice = page.direct(2, told["id"], rig="arkit", fps=60)
    assert np.abs(twice.values[::2] - values).max() <= 1e-6
    assert twice.header["frames"] == 2 * len(made) - 1
    assert page.direct(3, told["id"], rig="native").values.shape[1] == len(NATIVE)
