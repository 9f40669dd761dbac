"""The laws of the Python client: what a server computes is what the library does, and no failure hangs or
comes without its sentence."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from threading import Thread
from typing import Any

import grpc
import numpy as np
import pytest
import soundfile
from sounds import SAMPLE, TINY, babble

import voxrig
from voxrig.cli import main
from voxrig.client import AsyncClient, Block, Client, Notice, Summary
from voxrig.errors import StyleError
from voxrig.model import OnnxModel
from voxrig.pb.voxrig.v1 import face_pb2 as pb
from voxrig.pb.voxrig.v1.face_pb2_grpc import FaceStub
from voxrig.rigs import get
from voxrig.rpc import server
from voxrig.rpc.limits import Limits
from voxrig.rpc.server import Server, Setup
from voxrig.style import SPEAKERS
from voxrig.types import Array, AudioChunk, Auto, Frames, Key, Style, join

KEY = "a-key-of-some-length"
RATE = 16000


class Place:
    """A server with an event loop of its own, in a thread of this process."""

    def __init__(self, setup: Setup, models: dict[str, OnnxModel]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        starting = asyncio.run_coroutine_threadsafe(server.start(setup, models), self._loop)
        self.server: Server = starting.result(10)
        self.address = f"127.0.0.1:{self.server.port}"

    def stop(self, seconds: float = 0) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(seconds), self._loop).result(20)

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def serving(models: dict[str, OnnxModel], **setup: object) -> Iterator[Place]:
    place = Place(Setup(port=0, **setup), models)  # type: ignore[arg-type]
    try:
        yield place
    finally:
        place.close()


@pytest.fixture(scope="module")
def place(tiny: OnnxModel, speech: OnnxModel) -> Iterator[Place]:
    with serving({"tiny": tiny, "live": speech}) as found:
        yield found


@pytest.fixture
def client(place: Place) -> Iterator[Client]:
    with voxrig.connect(place.address) as made:
        yield made


def cut(sound: AudioChunk, seconds: float = 0.02) -> list[AudioChunk]:
    size = round(seconds * sound.rate)
    return [
        AudioChunk(sound.samples[at : at + size], sound.rate, at) for at in range(0, len(sound.samples), size)
    ]


def locally(
    sound: AudioChunk,
    rig: str = "arkit",
    fps: int | Fraction = 60,
    style: Style | None = None,
    **manner: Any,
) -> Frames:
    return voxrig.animate(sound, rig, fps, style, pace="live", pack=str(TINY), device="cpu", **manner)


def alike(one: Frames, other: Frames) -> None:
    """The same frames, but for what sums in another order."""
    assert (one.rig.name, one.fps, len(one), one.start) == (
        other.rig.name,
        other.fps,
        len(other),
        other.start,
    )
    np.testing.assert_allclose(one.values, other.values, atol=2e-6)


def told(parts: list[Block | Notice | Summary]) -> tuple[list[Block], list[Notice], Summary]:
    last = parts[-1]
    assert isinstance(last, Summary)
    return [p for p in parts if isinstance(p, Block)], [p for p in parts if isinstance(p, Notice)], last


# ── whole recordings ──────────────────────────────────────────────────────────────────────────────────────


def test_a_recording_is_what_the_library_makes_of_it(client: Client) -> None:
    there = client.animate(SAMPLE, "metahuman", 30, Style({"joy": 0.5}, 0.75), model="live")
    here = voxrig.animate(SAMPLE, "metahuman", 30, Style({"joy": 0.5}, 0.75), pace="live", device="cpu")
    alike(there, here)


@pytest.mark.parametrize("rate", [8000, 44100])
@pytest.mark.parametrize("fps", [24, Fraction(30000, 1001)])
def test_samples_at_any_rate_give_any_frames(client: Client, rate: int, fps: int | Fraction) -> None:
    sound = babble(1.3, rate)
    alike(client.animate(sound, fps=fps), locally(sound, fps=fps))


def test_more_than_the_server_hears_ahead_of_its_reader(client: Client) -> None:
    sound = babble(40)
    assert len(client.animate(sound, fps=10)) == 400


@pytest.mark.parametrize("samples", [0, 1])
def test_short_recordings(client: Client, samples: int) -> None:
    assert len(client.animate(AudioChunk(np.zeros(samples, np.float32), RATE))) == samples


def test_a_file_that_breaks_off_is_told_as_such(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    samples = babble(3).samples
    samples[40000] = np.nan
    soundfile.write(path, samples, RATE, "FLOAT")
    with pytest.raises(voxrig.VoxrigError, match=r"cut\.wav holds a NaN or infinite sample at 2\.500 s"):
        client.animate(path)


# ── streams ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stream_tells_several_rigs_and_the_sound_again(client: Client) -> None:
    sound = babble(0.7)
    data = (sound.samples * 32767).astype("<i2").tobytes()
    with client.open(RATE, ["arkit", "visemes"], encoding="s16", echo=True, name="twice") as stream:
        assert [rig.name for rig in stream.header.rigs] == ["arkit", "visemes"]
        assert stream.header.rigs[0] is get("arkit")
        stream.push(data[:6000])
        stream.push(data[6000:])
        stream.end()
        blocks, notices, summary = told(list(stream))
    assert b"".join(block.sound for block in blocks) == data
    heard = AudioChunk(np.frombuffer(data, "<i2").astype(np.float32) / 32768, RATE)
    for i, rig in enumerate(("arkit", "visemes")):
        alike(join([block.tracks[i] for block in blocks]), locally(heard, rig))
    assert (notices, summary.samples, summary.frames) == ([], len(heard.samples), 42)


def test_a_style_holds_from_its_sample_on(client: Client) -> None:
    sound = babble(1)
    with client.open(RATE) as stream:
        stream.set_style(Style({"joy": 1}), at=8000)
        parts = list(stream.play([sound]))
    frames = join([block.frames for block in told(parts)[0]])
    alike(frames, locally(sound, keys=[Key(0.5, Style({"joy": 1}))]))


STYLE = Style({"joy": 0.5}, 0.75, 0.25, 1.5, "lively", Auto(most=2))
MANNERS: list[dict[str, Any]] = [
    {"style": STYLE},
    {"style": STYLE, "keys": [Key(0.3, Style({"anger": 1.0}), 0.2), Key(0.71, Style())]},
    {"idle": voxrig.Life(head=0.5), "seed": 7},
    {"style": STYLE, "direct": "sad, then furious; looks down at the end", "idle": voxrig.Life()},
]


@pytest.mark.parametrize("manner", MANNERS)
def test_it_is_said_as_the_library_says_it(client: Client, place: Place, manner: dict[str, Any]) -> None:
    sound = babble(1.2)
    expected = locally(sound, "livelink", **manner)
    alike(client.animate(sound, "livelink", **manner), expected)

    async def async_client() -> Frames:
        async with await voxrig.connect_async(place.address) as other:
            return await other.animate(sound, "livelink", **manner)

    alike(asyncio.run(async_client()), expected)


def test_eyes_look_where_they_are_told(client: Client, place: Place) -> None:
    sound, aside = babble(1), get("arkit").index("eyeLookOutRight")
    plain = locally(sound)

    def check(frames: Frames) -> None:
        np.testing.assert_allclose(frames.values[:29], plain.values[:29], atol=2e-6)
        assert (frames.values[36:44, aside] > plain.values[36:44, aside] + 0.2).all()
        np.testing.assert_allclose(frames.values[55:], plain.values[55:], atol=2e-6)

    with client.open(RATE) as stream:
        stream.look(0.4, at=8000)
        stream.look(None, at=12000)
        with pytest.raises(ValueError, match="cannot look at yaw nan"):
            stream.look(float("nan"))
        check(join([block.frames for block in told(list(stream.play([sound])))[0]]))

    async def async_client() -> list[Block | Notice | Summary]:
        async with await voxrig.connect_async(place.address) as other, await other.open(RATE) as stream:
            await stream.look(0.4, at=8000)
            await stream.look(None, at=12000)
            return [part async for part in stream.play([sound])]

    check(join([block.frames for block in told(asyncio.run(async_client()))[0]]))


def test_words_that_the_server_does_not_know_are_told(client: Client) -> None:
    with client.open(RATE, direct="blorped, sad", seconds=0.2) as stream:
        _, [notice], _ = told(list(stream.play([babble(0.2)])))
    assert (notice.kind, notice.message.partition(" (")[0]) == ("left_out", "'blorped' is not known")


@pytest.mark.parametrize(
    ("manner", "error", "said"),
    [
        ({"style": Style(energy=3)}, StyleError, "energy is 3; it is 0 to 2"),
        ({"keys": [Key(1, Style()), Key(0, Style())]}, StyleError, "order of time"),
        ({"idle": voxrig.Life(head=2)}, StyleError, "head is 2; amounts are 0 to 1"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"direct": "hello"}, voxrig.ServiceError, "the direction names no feeling or look"),
    ],
)
def test_a_wrong_manner_is_told(client: Client, manner: dict[str, Any], error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        client.animate(babble(0.1), **manner)


def test_an_interrupt_closes_the_mouth_and_what_follows_is_heard_anew(client: Client) -> None:
    sound = babble(1)
    with client.open(RATE, "native") as stream:
        stream.push(sound)
        end = 0
        while end < 10:
            part = next(stream)
            assert isinstance(part, Block)
            end = part.frames.start + len(part.frames)
        stream.interrupt(shown=5)
        notice = next(part for part in stream if isinstance(part, Notice))
        assert (notice.kind, notice.first, notice.end) == ("interrupted", 6, 15)
        stream.push(AudioChunk(sound.samples[:8000], RATE, stream.pushed))
        stream.end()
        blocks, _, summary = told(list(stream))
    frames = join([block.frames for block in blocks])
    closing, anew = frames.values[:9], frames.values[9:]
    assert (frames.start, len(anew)) == (6, 30)
    np.testing.assert_allclose(closing[-1], frames.rig.rest, atol=1e-6)
    np.testing.assert_allclose(anew[:24], locally(sound, "native").values[:24], atol=1e-6)
    assert summary.samples == 24000


def test_a_window_holds_frames_back_until_they_are_acknowledged(client: Client) -> None:
    with client.open(RATE, window=20) as stream:
        stream.push(babble(1))
        stream.end()
        seen = 0
        for part in stream:
            if isinstance(part, Block):
                assert part.frames.start == seen
                seen += len(part.frames)
                stream.ack(seen)
    assert seen == 60


def test_acks_are_heard_behind_much_sound(client: Client) -> None:
    sound = AudioChunk(np.zeros(30 * RATE, np.float32), RATE)
    with client.open(RATE, fps=10, window=50) as stream:
        seen = 0
        for part in stream.play(cut(sound, 1)):
            if isinstance(part, Block):
                seen += len(part.frames)
                stream.ack(seen)
    assert seen == 300


def test_who_can_acknowledge_no_more_gets_the_rest(place: Place) -> None:
    sound = pb.Audio(samples=babble(1).samples.tobytes())
    config = pb.Config(rate=RATE, encoding=pb.ENCODING_F32, window=10)
    with grpc.insecure_channel(place.address) as channel:
        parts = (pb.AnimateRequest(config=config), pb.AnimateRequest(audio=sound))
        answers = list(FaceStub(channel).Animate(iter(parts), timeout=5))
    assert sum(answer.frames.count for answer in answers) == 60


def test_silence_is_put_in_while_nothing_is_said(client: Client) -> None:
    with client.open(RATE, pacing="realtime", idle=0.1, echo=True) as stream:
        stream.push(babble(0.3))
        for part in stream:
            if isinstance(part, Block) and part.frames.start > 30:
                break
        stream.push(AudioChunk(babble(0.2).samples, RATE, stream.pushed))
        stream.end()
        blocks, notices, summary = told(list(stream))
    assert [notice.kind for notice in notices] == ["silence"]
    assert notices[0].end - notices[0].first == summary.silence > 0
    assert summary.samples == 8000
    assert len(blocks) > 1  # one hop at a time


def test_what_the_caller_gets_wrong_is_no_fault_of_the_server(client: Client) -> None:
    with client.open(RATE) as stream:
        with pytest.raises(ValueError, match="16000 Hz, chunk at 8000"):
            stream.push(babble(0.1, 8000))
        with pytest.raises(ValueError, match="expected 0"):
            stream.push(AudioChunk(babble(0.1).samples, RATE, 7))
        with pytest.raises(ValueError, match="no whole number of f32"):
            stream.push(b"123")
        stream.end()
        stream.end()
        with pytest.raises(ValueError, match="sound after the end"):
            stream.push(babble(0.1))
        assert told(list(stream))[2].frames == 0


# ── the twin for event loops ──────────────────────────────────────────────────────────────────────────────


def with_loop(place: Place, act: Callable[[AsyncClient], object]) -> object:
    async def run() -> object:
        async with await voxrig.connect_async(place.address) as client:
            return await act(client)  # type: ignore[misc]

    return asyncio.run(run())


def test_both_clients_get_the_same(place: Place, client: Client) -> None:
    async def act(twin: AsyncClient) -> tuple[Frames, Frames, list[Block | Notice | Summary]]:
        sound, again = await asyncio.gather(twin.animate(babble(2)), twin.animate(SAMPLE))
        async with await twin.open(RATE, ["native"], echo=True, window=30) as stream:
            await stream.push(babble(1))
            await stream.end()
            parts = []
            async for part in stream:
                parts.append(part)
                if isinstance(part, Block):
                    await stream.ack(part.frames.start + len(part.frames))
        return sound, again, parts

    sound, again, parts = with_loop(place, act)  # type: ignore[misc]
    alike(sound, client.animate(babble(2)))
    alike(again, client.animate(SAMPLE))
    blocks = told(parts)[0]
    alike(join([block.frames for block in blocks]), client.animate(babble(1), "native"))
    assert b"".join(block.sound for block in blocks) == babble(1).samples.tobytes()


def test_both_clients_hear_the_same_refusals(place: Place, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    soundfile.write(path, np.full(40000, np.nan, np.float32), RATE, "FLOAT")

    async def act(twin: AsyncClient) -> list[str]:
        said = []
        for source, rig in ((babble(0.1), "face"), (path, "arkit")):
            with pytest.raises(voxrig.VoxrigError) as refused:
                await twin.animate(source, rig)
            said.append(str(refused.value))
        stream = await twin.open(RATE)
        await stream.close()
        for act in (stream.push(babble(1)), anext(aiter(stream))):
            with pytest.raises(voxrig.ServiceError, match="was closed"):
                await act
        return said

    said = []
    for source, rig in ((babble(0.1), "face"), (path, "arkit")):
        with pytest.raises(voxrig.VoxrigError) as refused:
            client.animate(source, rig)
        said.append(str(refused.value))
    assert with_loop(place, act) == said
    assert said[0].startswith("unknown rig 'face'; have native, arkit")


# ── what a server tells of itself ─────────────────────────────────────────────────────────────────────────


def test_description(client: Client) -> None:
    found = client.describe()
    assert [model.name for model in found.models] == ["tiny", "live"]
    assert found.models[1].lookahead == pytest.approx(0.07)
    assert get("metahuman") in [entry.rig for entry in found.rigs]
    assert (found.version, found.limits.streams) == (voxrig.__version__, 200)
    assert "joy" in found.emotions
    assert found.speakers == SPEAKERS


# ── failures ──────────────────────────────────────────────────────────────────────────────────────────────


def failing(act: Callable[[], object]) -> voxrig.ServiceError:
    began = time.monotonic()
    with pytest.raises(voxrig.ServiceError) as failed:
        act()
    assert time.monotonic() - began < 6
    assert "\n" not in str(failed.value)
    return failed.value


@pytest.mark.parametrize(
    "connect", [voxrig.connect, lambda *a, **k: asyncio.run(voxrig.connect_async(*a, **k))]
)
def test_nobody_there(connect: Callable[..., object]) -> None:
    with socket.socket() as mute:  # takes connections, and says nothing
        mute.bind(("127.0.0.1", 0))
        free = mute.getsockname()[1]
        fault = failing(lambda: connect(f"127.0.0.1:{free}"))
        assert (fault.code, str(fault)) == (
            "UNAVAILABLE",
            f"cannot reach 127.0.0.1:{free}: Connection refused",
        )
        mute.listen()
        fault = failing(lambda: connect(f"127.0.0.1:{free}", timeout=0.5))
        assert (fault.code, str(fault)) == (
            "DEADLINE_EXCEEDED",
            f"no answer from 127.0.0.1:{free} within 0.5 s",
        )
    fault = failing(lambda: connect("nowhere.invalid:52000"))
    assert str(fault).startswith("cannot reach nowhere.invalid:52000: ")


@pytest.mark.parametrize(
    "address", ["localhost", "localhost:", ":1", "http://localhost:1", "localhost:99999"]
)
def test_no_address(address: str) -> None:
    with pytest.raises(voxrig.VoxrigError, match="is no address; write HOST:PORT"):
        voxrig.connect(address)


def test_keys(tiny: OnnxModel) -> None:
    with serving({"tiny": tiny}, keys=(KEY,)) as place:
        fault = failing(lambda: voxrig.connect(place.address))
        assert (fault.code, str(fault)) == ("UNAUTHENTICATED", f"{place.address} wants a key")
        fault = failing(lambda: voxrig.connect(place.address, key=KEY + "s"))
        assert (fault.code, str(fault)) == ("UNAUTHENTICATED", f"{place.address} does not know this key")
        with voxrig.connect(place.address, key=KEY) as client:
            assert len(client.animate(babble(0.1))) == 6
    with pytest.raises(voxrig.VoxrigError, match="printable ASCII"):
        voxrig.connect(place.address, key="schlüssel")


def test_a_full_server_says_when_to_come_again(tiny: OnnxModel) -> None:
    one = Limits(streams=1, retry=2.5)
    with serving({"tiny": tiny}, limits=one) as place, voxrig.connect(place.address) as client:
        first = client.open(RATE)
        fault = failing(lambda: client.open(RATE))
        first.close()
    assert (fault.code, fault.retry) == ("RESOURCE_EXHAUSTED", 2.5)
    assert str(fault).endswith("all 1 streams are taken; try again in 2.5 s")


def test_a_server_that_stops_says_so(tiny: OnnxModel) -> None:
    with serving({"tiny": tiny}) as place, voxrig.connect(place.address) as client:
        with client.open(RATE) as stream:
            stream.push(babble(0.1))
            Thread(target=place.stop, args=(0.3,)).start()
            notice = next(part for part in stream if isinstance(part, Notice))
            assert (notice.kind, notice.seconds) == ("going_away", 0.3)
            fault = failing(lambda: list(stream))
            assert fault.code == "UNAVAILABLE"
            assert str(fault) == f"{place.address}: the server has stopped; open the stream elsewhere"
            assert failing(lambda: stream.push(bytes(640))).code == "UNAVAILABLE"
        assert failing(lambda: client.animate(babble(0.1))).code == "UNAVAILABLE"


def test_a_closed_stream_neither_hears_nor_speaks(client: Client) -> None:
    stream = client.open(RATE)
    stream.close()
    assert failing(lambda: list(stream)).code == "CANCELLED"
    assert failing(lambda: stream.push(babble(0.1))).code == "CANCELLED"
    stream.close()


# ── voxrig animate --server ───────────────────────────────────────────────────────────────────────────────


def rows(path: Path) -> Array:
    return np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32)


def test_the_command_line_writes_the_same_files(place: Place, tmp_path: Path) -> None:
    names = [f"talk{i}" for i in range(10)]  # more than are under way at a time
    for i, name in enumerate(names):
        soundfile.write(tmp_path / f"{name}.wav", babble(0.5 + 0.1 * i, seed=i).samples, RATE)
    sounds = [str(tmp_path / f"{name}.wav") for name in names]
    words = [
        "--emotion",
        "joy=0.5",
        "--gain",
        "JawOpen=1.5",
        "--fps",
        "30",
        "--format",
        "a2f-csv",
        "--out-dir",
    ]
    assert main(["animate", *sounds, "--server", place.address, *words, str(tmp_path / "there")]) == 0
    here = ["--live", "--pack", str(TINY), "--device", "cpu", *words, str(tmp_path / "here")]
    assert main(["animate", *sounds, *here]) == 0
    for name in names:
        there, here_ = (rows(tmp_path / folder / f"{name}.csv") for folder in ("there", "here"))
        assert there.shape == here_.shape
        np.testing.assert_allclose(there, here_, atol=2e-6)


def test_the_command_line_says_it_there_as_it_does_here(place: Place, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", babble(1.5).samples, RATE)
    how = ["--emotion", "auto+joy=0.5", "--auto", "most=2", "--energy", "1.5", "--idle", "on", "--seed", "7"]
    how += ["--direct", "sad, then furious; looks down at the end", "--format", "livelink-csv"]
    sound, there, here = (str(tmp_path / name) for name in ("a.wav", "there.csv", "here.csv"))
    assert main(["animate", sound, "--server", place.address, "--pack", "tiny", *how, "--out", there]) == 0
    local = ["--live", "--pack", str(TINY), "--device", "cpu"]
    assert main(["animate", sound, *local, *how, "--out", here]) == 0
    told, wanted = (
        np.genfromtxt(path, delimiter=",", skip_header=1, dtype=np.float64)[:, 2:] for path in (there, here)
    )
    np.testing.assert_allclose(told, wanted, atol=5e-6)


def test_the_command_line_names_a_model_of_the_server(place: Place, tmp_path: Path) -> None:
    out = [str(tmp_path / f"{i}.csv") for i in range(3)]
    for path, words in zip(out, (["--live"], ["--pack", "live"], ["--pack", "tiny"]), strict=True):
        assert main(["animate", str(SAMPLE), "--server", place.address, "--out", path, *words]) == 0
    live, again, tiny = (rows(Path(path)) for path in out)
    assert np.array_equal(live, again)
    assert not np.array_equal(live, tiny)


def test_one_bad_recording_leaves_the_others_alone(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = babble(3).samples
    soundfile.write(tmp_path / "good.wav", samples, RATE)
    samples[40000] = np.nan
    soundfile.write(tmp_path / "bad.wav", samples, RATE, "FLOAT")
    sounds = [str(tmp_path / name) for name in ("bad.wav", "gone.wav", "good.wav")]
    assert main(["animate", *sounds, "--server", place.address, "--out-dir", str(tmp_path / "out")]) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.csv"]
    assert "1 of 3 clips" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--server", "127.0.0.1:1", "--text", "hello"], "--text is for work on this machine"),
        (["--server", "127.0.0.1:1", "--timings", "t.json"], "--timings is for work on this machine"),
        (["--server", "127.0.0.1:1", "--smooth", "30"], "--smooth is for work on this machine"),
        (["--server", "127.0.0.1:1", "--device", "cpu"], "--device is for work on this machine"),
        (["--server", "127.0.0.1:1", "--key-file", "none"], "cannot read none: No such file"),
        (["--server", "127.0.0.1:1", "--ca", "none"], "cannot read none: No such file"),
        (["--server", "127.0.0.1:1"], "cannot reach 127.0.0.1:1: Connection refused"),
        (["--server", "here"], "'here' is no address; write HOST:PORT"),
        (["--key-file", "k"], "--key-file and --ca go with --server"),
    ],
)
def test_what_the_command_line_refuses(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["animate", str(SAMPLE), "--out", str(tmp_path / "out.csv"), *words]) == 2
    assert capsys.readouterr().err.startswith(f"voxrig: {said}")
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_brings_its_key(tiny: OnnxModel, tmp_path: Path) -> None:
    keys, out = tmp_path / "keys", tmp_path / "out.csv"
    keys.write_text(f"# mine\n{KEY}\n")
    with serving({"tiny": tiny}, keys=(KEY,)) as place:
        words = ["--server", place.address, "--out", str(out)]
        assert main(["animate", str(SAMPLE), *words]) == 2
        assert main(["animate", str(SAMPLE), *words, "--key-file", str(keys)]) == 0
    assert len(rows(out)) == 495
