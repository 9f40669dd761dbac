"""The laws of ``voxrig animate``: how many rows come out, when they are, and that every way says the same."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from conftest import Run
from sounds import SAMPLE, TINY, VOXRIG, babble, play

import voxrig
from voxrig.audio import read
from voxrig.cli import main
from voxrig.cli.arguments import direction
from voxrig.cli.main import _parser
from voxrig.model import OnnxModel
from voxrig.performance import Direction
from voxrig.rigs import NATIVE, get, names
from voxrig.types import Array, AudioChunk, Auto, Key, Style
from voxrig_export import Format, formats, write

LIPS = ("jawOpen", "mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft", "mouthLowerDownRight")
"""Curves that part the lips."""
AT_REST = 0.05
ODD = (1, 2, 7, 160, 441, 15999, 16001)
"""Numbers of samples that divide into nothing."""


def animate(*args: str | Path) -> int:
    """``voxrig animate …`` in this process, on the tiny pack unless another is named."""
    words = list(map(str, args))
    return main(["animate", *words, *([] if "--pack" in words else ["--pack", str(TINY)])])


@dataclass(frozen=True, eq=False)
class Table:
    """A csv of curves as it was read back."""

    names: tuple[str, ...]
    times: Array  # (t,) seconds
    values: Array  # (t, c)

    def curve(self, *names: str) -> Array:
        return self.values[:, [self.names.index(name) for name in names]]


def table(source: Path | str) -> Table:
    """A csv file, or its text."""
    text = source.read_text() if isinstance(source, Path) else source
    head, *rows = csv.reader(io.StringIO(text))
    numbers = np.array(rows, float).reshape(-1, len(head))
    assert head[0] == "time_s"
    return Table(tuple(head[1:]), numbers[:, 0], numbers[:, 1:])


def npz(path: Path) -> Array:
    with np.load(path) as file:
        return np.array(file["values"])


def save(path: Path, sound: AudioChunk, channels: int = 1, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, np.repeat(sound.samples[:, None], channels, 1), sound.rate, subtype)
    return path


def rows(samples: int, rate: int, fps: Fraction | int) -> int:
    return -(-samples * Fraction(fps) // rate)


# -- speech


@pytest.fixture(scope="module", params=[8000, 16000, 22050, 44100, 48000])
def hello(request: pytest.FixtureRequest) -> AudioChunk:
    """A second of silence, the sample, a second of silence, at some rate."""
    sound = read(SAMPLE)
    speech = soxr.resample(sound.samples, sound.rate, request.param, "HQ").astype(np.float32)
    silence = np.zeros(request.param, np.float32)
    return AudioChunk(np.concatenate([silence, speech, silence]), request.param)


@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_gives_every_row_in_range_and_a_mouth_that_rests(
    tmp_path: Path, hello: AudioChunk, channels: int
) -> None:
    save(tmp_path / "clip.wav", hello, channels)
    assert animate(
        tmp_path / "clip.wav",
        *("--rig", "arkit", "--fps", "60", "--pack", "file", "--out", tmp_path / "clip.csv"),
    ) == 0  # fmt: skip
    told, rig = table(tmp_path / "clip.csv"), get("arkit")
    assert told.names == rig.curves
    assert len(told.times) == rows(len(hello.samples), hello.rate, 60)
    assert np.allclose(told.times, np.arange(len(told.times)) / 60, rtol=0, atol=1e-9)
    assert (told.values >= rig.low).all()
    assert (told.values <= rig.high).all()
    lips = told.curve(*LIPS)
    assert lips[told.times < 0.9].max() < AT_REST
    assert lips[told.times > told.times[-1] - 0.6].max() < AT_REST
    assert lips[(told.times > 1) & (told.times < told.times[-1] - 1)].max() > 0.2


@pytest.mark.parametrize("level", [0, 1e-4, 1e-3])
def test_mouth_rests_in_silence_and_in_low_noise(level: float) -> None:
    noise = np.random.default_rng(5).normal(size=3 * 16000) * level
    frames = voxrig.animate(AudioChunk(noise.astype(np.float32), 16000))
    assert max(frames.curve(name).max() for name in LIPS) < AT_REST


# -- one take, every way of writing it


@pytest.mark.parametrize("rig", names())
def test_every_rig_has_a_csv_that_says_what_animate_returns(tmp_path: Path, rig: str) -> None:
    wav = save(tmp_path / "a.wav", babble(0.4, 22050))
    assert animate(wav, "--rig", rig, "--out", tmp_path / "a.csv") == 0
    frames = voxrig.animate(wav, rig, pack=str(TINY))
    assert len(frames) == 24
    assert (frames.values >= frames.rig.low).all()
    assert (frames.values <= frames.rig.high).all()
    write(tmp_path / "b.csv", frames)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize("kind", formats(), ids=lambda kind: kind.name)
def test_every_format_holds_what_animate_returns(tmp_path: Path, kind: Format) -> None:
    for name, package in (("usda", "pxr"), ("usdc", "pxr"), ("fbx", "bpy")):
        if kind.name == name:
            pytest.importorskip(package)
    wav = save(tmp_path / "a.wav", babble(0.4))
    one, other = tmp_path / f"a{kind.suffix}", tmp_path / f"b{kind.suffix}"
    assert animate(wav, "--format", kind.name, "--fps", "29.97", "--out", one) == 0
    frames = voxrig.animate(wav, kind.default_rig, Fraction(30000, 1001), pack=str(TINY))
    write(other, frames, kind.name, audio=wav)
    assert one.read_bytes() == other.read_bytes()


def test_lists_name_every_rig_and_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rigs"]) == main(["formats"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == [*names(), *(kind.name for kind in formats())]


@pytest.mark.parametrize("extra", [(), ("--live",), ("--smooth", "120"), ("--emotion", "joy")])
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_n_samples_give_the_rows_of_their_time(tmp_path: Path, rate: int, extra: tuple[str, ...]) -> None:
    sounds = [save(tmp_path / f"{n}.wav", babble(n / rate, rate)) for n in ODD]
    assert animate(*sounds, "--out-dir", tmp_path, "--fps", "50", "--format", "npz", *extra) == 0
    assert [len(npz(tmp_path / f"{n}.npz")) for n in ODD] == [rows(n, rate, 50) for n in ODD]


# -- time


@pytest.mark.parametrize("rate", [16000, 22050, 48000])
def test_live_is_the_engine_fed_20_ms_at_a_time(tmp_path: Path, rate: int, speech: OnnxModel) -> None:
    sound = babble(1.3, rate)
    wav = save(tmp_path / "a.wav", sound, subtype="FLOAT")
    assert animate(wav, "--live", "--pack", "live", "--out", tmp_path / "a.npz") == 0
    stages = Direction(get("arkit")).stages()
    frames = play(speech, sound, rate // 50)
    assert np.array_equal(npz(tmp_path / "a.npz"), stages(frames, last=True).values)


@pytest.mark.parametrize("extra", [(), ("--live",)], ids=["offline", "live"])
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_row_0_is_sample_0(tmp_path: Path, rate: int, extra: tuple[str, ...]) -> None:
    samples = np.zeros(rate, np.float32)
    samples[rate // 2 : rate * 51 // 100] = 0.9  # 10 ms
    save(tmp_path / "click.wav", AudioChunk(samples, rate))
    made = tmp_path / "click.npz"
    assert animate(tmp_path / "click.wav", "--rig", "native", "--fps", "100", "--out", made, *extra) == 0
    pucker = npz(made)[:, get("native").index("mouthPucker")]  # tells the loudness of its own 10 ms
    assert pucker.argmax() == 50
    assert pucker[:48].max() < 0.05


def test_an_onset_of_speech_comes_at_the_same_time_live_and_offline(tmp_path: Path) -> None:
    sound = read(SAMPLE)
    loud = np.flatnonzero(np.abs(sound.samples) > 0.05)[0]
    silence = np.zeros(sound.rate // 2, np.float32)
    save(
        tmp_path / "a.wav",
        AudioChunk(np.concatenate([silence, sound.samples[loud : loud + sound.rate]]), sound.rate),
    )
    onsets = []
    for extra in ((), ("--live",)):
        to = ("--fps", "100", "--pack", "file", "--out", tmp_path / "a.npz")
        assert animate(tmp_path / "a.wav", *to, *extra) == 0
        values = npz(tmp_path / "a.npz")
        moved = np.abs(values - values[:20].mean(0)).sum(1)
        onsets.append(np.flatnonzero(moved > 0.25 * moved.max())[0] / 100)
    assert abs(onsets[0] - onsets[1]) <= 0.02
    assert all(0.4 <= onset <= 0.6 for onset in onsets)


@pytest.mark.parametrize(
    ("word", "fps"),
    [
        *((word, Fraction(word)) for word in ("24", "25", "30", "50", "60", "60.0", "120", "12.5")),
        *((word, Fraction(30000, 1001)) for word in ("29.97", "29.970", "30000/1001")),
    ],
)
def test_rows_of_every_frame_rate_agree_at_their_moments(tmp_path: Path, word: str, fps: Fraction) -> None:
    wav = save(tmp_path / "a.wav", babble(1.1))
    assert animate(wav, "--rig", "native", "--fps", word, "--out", tmp_path / "a.npz") == 0
    told = npz(tmp_path / "a.npz")
    assert len(told) == rows(17600, 16000, fps)
    dense = voxrig.animate(wav, "native", 30000, pack=str(TINY))  # has a frame at each of their moments
    moments = np.arange(int(fps)) * int(30000 / fps)  # of the first second; the last tenth eases to rest
    assert np.array_equal(told[: int(fps)], dense.values[moments])


@pytest.mark.parametrize(("word", "nominal"), [("23.976", 24), ("59.94", 60), ("119.88", 120)])
def test_rates_of_television_are_exact(tmp_path: Path, word: str, nominal: int) -> None:
    wav = save(tmp_path / "a.wav", babble(0.1))
    assert animate(wav, "--fps", word, "--out", tmp_path / "a.npz") == 0
    with np.load(tmp_path / "a.npz") as file:
        assert Fraction(*file["fps"].tolist()) == Fraction(nominal * 1000, 1001)


@pytest.mark.parametrize("fps", [0, -30, 29.97, Fraction(29.97)])
def test_a_frame_rate_that_is_no_plain_ratio_is_a_mistake(fps: Fraction) -> None:
    with pytest.raises(ValueError, match=r"ratio like Fraction\(30000, 1001\)"):
        voxrig.animate(babble(0.1), fps=fps)


# -- the same samples by another way


@pytest.mark.parametrize(("encoding", "subtype"), [("s16", "PCM_16"), ("f32", "FLOAT")])
@pytest.mark.parametrize("channels", [1, 2])
def test_raw_sound_on_a_pipe_equals_the_wav(
    tmp_path: Path, run: Run, encoding: str, subtype: str, channels: int
) -> None:
    wav = save(tmp_path / "a.wav", babble(2.3, 11025), channels, subtype)
    assert animate(wav, "--out", tmp_path / "a.csv") == 0
    pcm, rate = soundfile.read(wav, dtype="int16" if encoding == "s16" else "float32")
    told = run(
        *("animate", "-", "--raw", encoding, "--rate", rate, "--channels", channels, "--pack", TINY),
        *("--out", "-", "--format", "csv"),
        **{"input": pcm.tobytes(), "text": False},
    )  # fmt: skip
    assert (told.returncode, told.stderr) == (0, b"")
    assert told.stdout == (tmp_path / "a.csv").read_bytes()


def test_a_wav_on_a_pipe_equals_the_file(tmp_path: Path, run: Run) -> None:
    wav = save(tmp_path / "a.wav", babble(0.7, 44100))
    assert animate(wav, "--out", tmp_path / "a.csv") == 0
    told = run(
        *("animate", "-", "--pack", TINY, "--out-dir", "made"),
        **{"input": wav.read_bytes(), "text": False},
    )  # fmt: skip
    assert (told.returncode, told.stderr) == (0, b"")
    assert (tmp_path / "made" / "stdin.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()


# -- many at once


def test_a_batch_gives_what_each_alone_gives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lengths = {"a": (1.7, 16000), "b": (0.02, 8000), "c": (2.4, 44100), "d": (1.0, 48000)}
    wavs = [save(tmp_path / f"{name}.wav", babble(*how)) for name, how in lengths.items()]
    to = ("--fps", "50", "--pack", "file", "--format", "npz")
    assert animate(*wavs, *to, "--out-dir", tmp_path / "made") == 0
    assert re.fullmatch(
        rf"4 of 4 clips in {re.escape(str(tmp_path / 'made'))}: "
        r"256 frames of arkit, 5\.1 s of speech, \d+ × real time, 0 failed\n",
        capsys.readouterr().out,
    )
    for wav in wavs:
        assert animate(wav, *to, "--out", tmp_path / "alone.npz") == 0
        many, alone = npz(tmp_path / "made" / f"{wav.stem}.npz"), npz(tmp_path / "alone.npz")
        np.testing.assert_allclose(many, alone, rtol=0, atol=1e-5)


def test_more_clips_than_fit_a_step_and_bad_ones_among_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wavs = [save(tmp_path / f"{i:02}.wav", babble(0.2 + 0.1 * (i % 5), seed=i)) for i in range(40)]
    late = babble(1.5).samples
    late[20000] = np.nan  # found when a part of it has been written
    save(tmp_path / "07.wav", AudioChunk(late, 16000), subtype="FLOAT")
    (tmp_path / "21.wav").write_text("a letter")
    (tmp_path / "33.wav").unlink()
    made = tmp_path / "made"
    assert animate(*wavs, "--out-dir", made) == 1
    told = capsys.readouterr()
    assert f"37 of 40 clips in {made}: " in told.out
    assert told.out.endswith(" × real time, 3 failed\n")
    listed = told.err.splitlines()
    assert len(listed) == 3
    for number, reason in (("07", "NaN"), ("21", "as sound"), ("33", "No such file")):
        (line,) = [line for line in listed if f"{number}.wav" in line]
        assert line.startswith("voxrig: failed: ")
        assert reason in line
    assert sorted(path.name for path in made.iterdir()) == [
        f"{i:02}.csv" for i in range(40) if i not in (7, 21, 33)
    ]
    for i in (0, 20, 39):
        assert animate(wavs[i], "--out", tmp_path / "alone.csv") == 0
        alone, many = table(tmp_path / "alone.csv"), table(made / f"{i:02}.csv")
        np.testing.assert_allclose(many.values, alone.values, rtol=0, atol=1e-5)


def test_when_all_clips_fail_nothing_was_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert animate(tmp_path / "a.wav", tmp_path / "b.wav", "--out-dir", tmp_path / "made") == 2
    assert len(capsys.readouterr().err.splitlines()) == 2
    assert not list((tmp_path / "made").iterdir())


# -- what a run says


def test_a_run_in_a_pipe_is_one_line_and_no_bar(tmp_path: Path, run: Run) -> None:
    save(tmp_path / "clip.wav", babble(1.0))
    told = run("animate", "clip.wav", "--out", "clip.csv", "--pack", TINY)
    assert told.stderr == ""
    assert re.fullmatch(r"clip\.csv: 60 frames of arkit, 1\.0 s of speech, \d+ × real time\n", told.stdout)
    assert {path.name for path in tmp_path.iterdir()} == {"clip.wav", "clip.csv"}


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_run_on_a_terminal_shows_a_bar(tmp_path: Path) -> None:
    import os
    import pty

    save(tmp_path / "[b]clip.wav", babble(1.0))  # a name that is no markup
    ours, theirs = pty.openpty()
    words = ["animate", "[b]clip.wav", "--out", "clip.csv", "--pack", str(TINY)]
    terminal = {"TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run(
        [*VOXRIG, *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=os.environ | terminal,
        timeout=120,
    )
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "animate" in shown
    assert "[b]clip.wav" in shown


# -- what was asked of the curves


def test_gain_and_offset_work_on_the_named_curves(tmp_path: Path) -> None:
    wav = save(tmp_path / "a.wav", babble(0.5))
    plain = voxrig.animate(wav, pack=str(TINY))
    jaw = plain.curve("jawOpen")[:24]  # the last tenth of a second eases to rest
    for words, factor, more in (
        (("--gain", "0.5"), 0.5, 0.0),
        (("--gain", "0.5,jawOpen=2"), 2.0, 0.0),
        (("--gain", "jawOpen=0", "--offset", "jawOpen=0.25"), 0.0, 0.25),
        (("--offset", "-0.02"), 1.0, -0.02),
    ):
        assert animate(wav, "--out", tmp_path / "a.npz", *words) == 0
        got = npz(tmp_path / "a.npz")[:24, plain.rig.index("jawOpen")]
        np.testing.assert_allclose(got, np.clip(jaw * factor + more, 0, 1), atol=1e-6)


@pytest.mark.parametrize("number", ["-1000", "-1", "0", "1000"])
def test_no_gain_leaves_the_range(tmp_path: Path, number: str) -> None:
    wav = save(tmp_path / "a.wav", babble(0.3))
    for rig in ("native", "flame", "visemes"):
        words = ("--gain", number, "--offset", number, "--rig", rig)
        assert animate(wav, *words, "--out", tmp_path / "a.npz") == 0
        told = npz(tmp_path / "a.npz")
        assert (told >= get(rig).low).all()
        assert (told <= get(rig).high).all()


def test_smoothing_calms_and_does_not_shift(tmp_path: Path) -> None:
    wav = save(tmp_path / "a.wav", babble(2.0))
    plain = voxrig.animate(wav, pace="live", pack=str(TINY)).curve("jawOpen")[12:-12]
    assert animate(wav, "--smooth", "200", "--out", tmp_path / "a.npz") == 0
    smooth = npz(tmp_path / "a.npz")[12:-12, get("arkit").index("jawOpen")]
    assert np.abs(np.diff(smooth)).sum() < 0.8 * np.abs(np.diff(plain)).sum()
    shifts = range(-5, 6)
    alike = [np.corrcoef(plain[6:-6], smooth[6 + s : len(smooth) - 6 + s])[0, 1] for s in shifts]
    assert shifts[int(np.argmax(alike))] == 0


def test_emotion_shows_and_grows_with_intensity(tmp_path: Path) -> None:
    wav = save(tmp_path / "a.wav", babble(0.5))
    plain = voxrig.animate(wav, pack=str(TINY)).curve("mouthSmileLeft")[10]
    smiles = []
    for intensity in ("0", "0.5", "1.5"):
        words = ("--emotion", "joy=0.5,sadness=0.1", "--intensity", intensity)
        assert animate(wav, *words, "--out", tmp_path / "a.npz") == 0
        smiles.append(npz(tmp_path / "a.npz")[10, get("arkit").index("mouthSmileLeft")])
    assert smiles[0] == pytest.approx(plain, abs=1e-6)
    assert smiles[0] < smiles[1] < smiles[2]


def test_the_command_line_says_it_as_the_library_does(tmp_path: Path) -> None:
    wav = save(tmp_path / "a.wav", babble(1.5))
    said = ("--emotion", "auto+joy=0.5; 0.5: anger; 1~0.25: neutral", "--auto", "contrast=1.2,most=2")
    how = ("--intensity", "0.75", "--asymmetry", "-0.5", "--energy", "1.5", "--speaker", "warm")
    alive = ("--idle", "on,head=0.5", "--seed", "7", "--rig", "livelink")
    assert animate(wav, *said, *how, *alive, "--out", tmp_path / "a.npz") == 0
    base = Style({}, 0.75, -0.5, 1.5, "warm")
    style = replace(base, emotion={"joy": 0.5}, auto=Auto(contrast=1.2, most=2))
    keys = [Key(0.5, replace(base, emotion={"anger": 1.0}), 0.4), Key(1, base, 0.25)]
    wanted = voxrig.animate(
        wav, "livelink", 60, style, keys=keys, idle=voxrig.Life(head=0.5), seed=7, pack=str(TINY)
    )
    np.testing.assert_array_equal(npz(tmp_path / "a.npz"), wanted.values)


@pytest.mark.parametrize("verb", ["animate", "render", "send", "live"])
def test_every_verb_says_it_alike(verb: str) -> None:
    how = ("--emotion", "auto; 2: anger", "--auto", "most=2", "--energy", "1.5", "--speaker", "warm")
    how += ("--asymmetry", "0.5", "--intensity", "0.5")
    how += ("--direct", "sad, then happy", "--idle", "on", "--seed", "3")
    to = {"animate": ("a.wav", "--out", "a.csv"), "render": ("a.wav", "--out", "a.mp4"), "live": ("vmc://x",)}
    args = _parser().parse_args([verb, *to.get(verb, ("a.wav", "vmc://x")), *how])
    told = direction(args, NATIVE, "live")
    style = Style({}, 0.5, 0.5, 1.5, "warm")
    assert told.style == replace(style, auto=Auto(most=2))
    assert told.keys == (Key(2, replace(style, emotion={"anger": 1.0}), 0.4),)
    assert (told.words, told.idle, told.seed, told.pace) == ("sad, then happy", voxrig.Life(), 3, "live")


# -- long sound


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_twenty_minutes_of_silence_rest_in_bounded_memory(tmp_path: Path) -> None:
    peak = "open('/proc/self/status').read().split('VmHWM:')[1].split()[0]"  # kB
    code = f"import sys; from voxrig.cli import main; print(main(), {peak}, file=sys.stderr)"
    words = ["animate", "-", "--raw", "s16", "--rate", "8000", "--fps", "25", "--pack", str(TINY)]
    with open("/dev/zero", "rb") as zeros:
        silence = subprocess.Popen(
            ["head", "-c", str(20 * 60 * 8000 * 2)], stdin=zeros, stdout=subprocess.PIPE
        )
        done = subprocess.run(
            [sys.executable, "-c", code, *words, "--out", str(tmp_path / "a.npz")],
            stdin=silence.stdout,
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert silence.wait() == 0
    exit_code, memory = map(int, done.stderr.split())
    assert exit_code == 0
    assert memory < 300_000
    told = npz(tmp_path / "a.npz")
    assert len(told) == 20 * 60 * 25
    assert np.abs(told - get("arkit").rest).max() < 1e-3
