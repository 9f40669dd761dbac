"""What cannot be done is one line on stderr and an exit code, and leaves no file behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import soundfile
from conftest import Run
from sounds import TINY, VOXRIG, babble

from voxrig.cli import main
from voxrig.cli.interrupt import noted
from voxrig.types import AudioChunk

PACK = ("--pack", str(TINY))
TO = ("--out", "made.csv")
BUFFERED = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
LONG = "n" * 300
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")

Fails = Callable[..., None]


def save(path: Path, sound: AudioChunk, subtype: str = "PCM_16") -> None:
    soundfile.write(path, sound.samples, sound.rate, subtype)


def spoilt(value: float) -> AudioChunk:
    """Half a second of sound with one sample replaced in its middle."""
    samples = babble(0.5).samples
    samples[4000] = value
    return AudioChunk(samples, 16000)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, and what is in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a good recording and many bad ones."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "talk.wav", babble(0.5))
    header = (tmp_path / "talk.wav").read_bytes()
    (tmp_path / "header.wav").write_bytes(header[:30])
    (tmp_path / "empty.wav").touch()
    (tmp_path / "letter.wav").write_text("Dear Sir or Madam,\n")
    save(tmp_path / "nothing.wav", babble(0.0))
    for name, value in (("nan", np.nan), ("inf", -np.inf), ("huge", 1e30)):
        save(tmp_path / f"{name}.wav", spoilt(value), "FLOAT")
    save(tmp_path / "slow.wav", babble(0.5, 4000))
    (tmp_path / "folder.csv").mkdir()
    return tmp_path


@pytest.fixture
def fails(room: Path, capsys: pytest.CaptureFixture[str]) -> Fails:
    """Asserts that ``voxrig …`` ends with code 2 and one line that holds ``words``, and writes nothing."""

    def check(*args: str, words: str) -> None:
        before = tree(room)
        try:
            code = main(args)
        except SystemExit as ended:
            code = ended.code  # type: ignore[assignment]
        told = capsys.readouterr()
        assert (code, told.out) == (2, "")
        assert re.fullmatch(r"voxrig[^\n]*: [^\n]+\n", told.err), told.err
        assert words in told.err
        assert tree(room) == before

    return check


# -- sound


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.wav", "cannot read none.wav: No such file or directory"),
        ("folder.csv", "cannot read folder.csv: it is a folder"),
        ("talk.wav/none.wav", "Not a directory"),
        ("empty.wav", "empty.wav is empty (0 bytes)"),
        ("nothing.wav", "nothing.wav holds no samples"),
        ("header.wav", "cannot read header.wav as sound"),
        ("letter.wav", "cannot read letter.wav as sound"),
        ("nan.wav", "nan.wav holds a NaN or infinite sample at 0.250 s"),
        ("inf.wav", "inf.wav holds a NaN or infinite sample at 0.250 s"),
        ("huge.wav", "huge.wav holds a sample of 1.0e+30 at 0.250 s, where 1 is full scale"),
        ("slow.wav", "slow.wav has a sample rate of 4000 Hz; have 8000 to 192000 Hz"),
        (LONG, "File name too long"),
        ("two\nlines.wav", r"cannot read two\nlines.wav: No such file"),
        ("\udcff.wav", r"\udcff.wav: No such file"),
        ("", "cannot read : No such file"),
    ],
)
def test_recordings_that_cannot_be_read(fails: Fails, name: str, words: str) -> None:
    fails("animate", name, *TO, *PACK, words=words)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--raw", "s16"), "--raw needs --rate, in Hz"),
        (("--raw", "s16", "--rate", "7999"), "sample rate of 7999 Hz; have 8000 to 192000 Hz"),
        (("--raw", "s16", "--rate", "192001"), "sample rate of 192001 Hz"),
        (("--raw", "s16", "--rate", "-1"), "sample rate of -1 Hz"),
        (("--raw", "s16", "--rate", "16k"), "argument --rate: invalid int value: '16k'"),
        (("--raw", "s16", "--rate", "16000", "--channels", "0"), "0 channels; have 1 to 64"),
        (("--raw", "s16", "--rate", "16000", "--channels", "65"), "65 channels; have 1 to 64"),
        (("--raw", "s24", "--rate", "16000"), "argument --raw: invalid choice: 's24'"),
        (("--raw", "f32", "--rate", "16000", "--channels", "5"), "needs a multiple of 20"),
        (("--rate", "16000"), "--rate and --channels go with --raw"),
        (("--channels", "2"), "--rate and --channels go with --raw"),
    ],
)
def test_raw_sound_told_wrongly(fails: Fails, args: tuple[str, ...], words: str) -> None:
    fails("animate", "talk.wav", *args, *TO, *PACK, words=words)


# -- words


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--rig", "arkit2"), "unknown rig 'arkit2'; have native, arkit, "),
        (("--rig", "a\nb"), r"unknown rig 'a\nb'; have "),
        (("--format", "blend"), "unknown format 'blend'; have csv, json, "),
        (("--format", "livelink-csv", "--rig", "arkit"), "livelink-csv holds rig livelink, not arkit"),
        (("--emotion", "glee=1"), "unknown emotion 'glee'; have amazement, anger, "),
        (("--emotion", "joy=2"), "emotion joy is 2; weights are 0 to 1"),
        (("--emotion", "joy=-0.1"), "weights are 0 to 1"),
        (("--emotion", "joy=nan"), "emotion joy is 'nan'; write a number"),
        (("--emotion", "joy=inf"), "emotion joy is 'inf'; write a number"),
        (("--emotion", "joy; anger"), "'anger' has no time; write joy=0.8, or "),
        (("--emotion", "joy; soon: anger"), "a style's time is 'soon'; write seconds"),
        (("--emotion", "3: joy; 2: anger"), "a style at 2 s follows one at 3 s"),
        (("--emotion", "joy; 1~99: anger"), "a transition is 99 s; it is 0 to 60"),
        (("--asymmetry", "2"), "asymmetry is 2; it is -1 to 1"),
        (("--energy", "nan"), "energy is nan; it is 0 to 2"),
        (("--speaker", "bob"), "unknown speaker 'bob'; have lively, reserved, stern, warm"),
        (("--auto", "most=2"), "--auto goes with --emotion auto"),
        (("--emotion", "auto", "--auto", "loud=2"), "unknown part of --auto 'loud'; have strength, "),
        (("--emotion", "auto", "--auto", "most=2.5"), "--auto most is '2.5'; write a whole number"),
        (("--emotion", "auto", "--auto", "most=7"), "auto most is 7; it is 1 to 6"),
        (("--emotion", "auto", "--auto", "blend="), "--auto blend is ''; write a number"),
        (("--emotion", "auto", "--auto", "blend=nan"), "auto blend is nan; it is 0 to 1"),
        (("--seed", "4294967296"), "'4294967296' is not a whole number from 0 to 4294967295"),
        (("--emotion", "joy=much"), "emotion joy is 'much'; write a number"),
        (("--emotion", "=1"), "unknown emotion ''"),
        (("--intensity", "1.6"), "intensity is 1.6; it is 0 to 1.5"),
        (("--intensity", "-1"), "intensity is -1; it is 0 to 1.5"),
        (("--intensity", "nan"), "intensity is nan; it is 0 to 1.5"),
        (("--intensity", "inf"), "intensity is inf; it is 0 to 1.5"),
        (("--intensity", "low"), "argument --intensity: invalid float value: 'low'"),
        (("--gain", "jawopen=1"), "unknown arkit curve 'jawopen'; write jawOpen"),
        (("--gain", "nan"), "argument --gain: 'nan' is not a number or CURVE=NUMBER"),
        (("--gain", "inf"), "argument --gain: 'inf' is out of range; have ±1000"),
        (("--gain", "jawOpen=1e300"), "argument --gain: 'jawOpen=1e300' is out of range"),
        (("--gain", "1,"), "argument --gain: '' is not a number"),
        (("--gain", "=1"), "argument --gain: '=1' is not a number"),
        (("--gain", "jawOpen"), "argument --gain: 'jawOpen' is not a number"),
        (("--offset", "tongue=0.1"), "unknown arkit curve 'tongue'; have all, eyeBlinkLeft, "),
        (("--offset", "JawOpen=0.1"), "unknown arkit curve 'JawOpen'; write jawOpen"),
        (("--offset=-inf",), "argument --offset: '-inf' is out of range"),
        (("--smooth", "-1"), "'-1' is not a number of milliseconds from 0 to 1000"),
        (("--smooth", "1001"), "from 0 to 1000"),
        (("--smooth", "nan"), "from 0 to 1000"),
        (("--smooth", "inf"), "from 0 to 1000"),
        (("--smooth", "a lot"), "from 0 to 1000"),
        (("--device", "tpu"), "argument --device: invalid choice: 'tpu'"),
        (("--flame-calibration", "talk.wav"), "--flame-calibration goes with --rig flame, not arkit"),
        (("--flame-calibration", "none.npz", "--rig", "flame"), "none.npz: No such file"),
        (("--flame-calibration", "talk.wav", "--rig", "flame"), "talk.wav: "),
        (("--colour",), "unrecognized arguments: --colour"),
        (("--rig",), "argument --rig: expected one argument"),
    ],
)  # fmt: skip
def test_words_that_mean_nothing(fails: Fails, args: tuple[str, ...], words: str) -> None:
    fails("animate", "talk.wav", *TO, *PACK, *args, words=words)


@pytest.mark.parametrize(
    "word",
    [
        "sixty", "", "nan", "inf", "-30", "30/0", "30000/1001/1", "1e99999999", "1e-99999999",
        "30.00000000001", "1/99999999", "9" * 5000, "٣٠",
    ],
)  # fmt: skip
def test_words_that_are_no_frame_rate(fails: Fails, word: str) -> None:
    said = f"'{word}' is no frame rate; write 60, 29.97 or 30000/1001"
    fails("animate", "talk.wav", f"--fps={word}", *TO, *PACK, words=said)


@pytest.mark.parametrize("word", ["0", "0.5", "1/2", "1000.1", "999999"])
def test_frame_rates_out_of_range(fails: Fails, word: str) -> None:
    fails("animate", "talk.wav", "--fps", word, *TO, *PACK, words="frames a second; have 1 to 1000")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "the following arguments are required: VERB"),
        (("animated",), "argument VERB: invalid choice: 'animated'"),
        (("--quiet", "rigs"), "unrecognized arguments: --quiet"),
        (("rigs", "arkit"), "unrecognized arguments: arkit"),
        (("send", "a.wav", "--loop", "vmc://x"), "arguments: vmc://x (files and URLs stand together, before"),
        (("convert", "a.csv", "--out", "b.csv"), "unrecognized arguments: --out; see voxrig convert --help"),
        (("animate",), "the following arguments are required"),
        (("animate", "talk.wav"), "one of the arguments --out --out-dir is required"),
        (("animate", "talk.wav", *TO, "--out-dir", "made"), "not allowed with argument --out"),
        (("animate", *TO), "the following arguments are required: audio"),
        (("animate", "talk.wav", "nan.wav", *TO), "--out takes one recording; use --out-dir for several"),
        (("flame",), "the following arguments are required: TASK"),
        (("flame", "fit"), "argument TASK: invalid choice: 'fit'"),
        (("flame", "calibrate"), "the following arguments are required: MODEL.pkl"),
        (("flame", "calibrate", "none.pkl"), "none.pkl: No such file or directory"),
        (("flame", "calibrate", "letter.wav"), "letter.wav: not a pickle, or cut short"),
        (("flame", "calibrate", "folder.csv"), "folder.csv: Is a directory"),
        (("flame", "calibrate", LONG), "File name too long"),
        (("flame", "calibrate", "talk.wav", "--expressions", "7"), "invalid choice: 7"),
    ],
)
def test_verbs_and_places(fails: Fails, args: tuple[str, ...], words: str) -> None:
    fails(*args, words=words)


def test_calibration_without_scipy(fails: Fails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    fails("flame", "calibrate", "none.pkl", words="calibration needs scipy; pip install 'voxrig[flame]'")


# -- outputs


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("none/made.csv", "cannot write none/made.csv: No such file or directory"),
        ("talk.wav/made.csv", "cannot write talk.wav/made.csv: Not a directory"),
        ("folder.csv", "cannot write folder.csv: "),
        ("made", "unknown format 'made'; have csv, json, "),
        ("made.blend", "unknown format '.blend'; have csv, json, "),
        ("-", "standard output has no suffix: name a format; have csv, "),
        (f"{LONG}.csv", "File name too long"),
        pytest.param("/proc/made.csv", "cannot write /proc/made.csv: ", marks=posix),
    ],
)
def test_places_that_take_no_file(fails: Fails, out: str, words: str) -> None:
    fails("animate", "talk.wav", "--out", out, *PACK, words=words)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("talk.wav", "--out-dir", "letter.wav"), "cannot make folder 'letter.wav': File exists"),
        (("talk.wav", "--out-dir", ""), "cannot make folder ''"),
        (("talk.wav", "--out-dir", LONG), "File name too long"),
        (("talk.wav", "--out", "", "--format", "csv"), "cannot write : "),
        (("talk.wav", "--out", "-", "--format", "npz"), "npz needs a file on disk"),
        pytest.param(
            ("talk.wav", "--out", "/dev/full", "--format", "csv"),
            "cannot write /dev/full: No space left on device",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full"),
        ),
    ],
)
def test_folders_and_streams_that_take_nothing(fails: Fails, args: tuple[str, ...], words: str) -> None:
    fails("animate", *args, *PACK, words=words)


def test_a_recording_is_never_written_over(fails: Fails, room: Path) -> None:
    shutil.copy("talk.wav", "talk.csv")  # a recording all the same
    fails("animate", "talk.csv", "--out", "talk.csv", *PACK, words="'talk.csv' is the recording 'talk.csv'")
    (room / "link.csv").symlink_to("talk.csv")
    fails("animate", "talk.csv", "--out", "./link.csv", *PACK, words="is the recording 'talk.csv'")
    fails("animate", "talk.csv", "--out-dir", ".", *PACK, words="is the recording 'talk.csv'")
    shutil.copy("talk.wav", "other.wav")
    shutil.copy("talk.wav", "folder.csv/other.csv")
    words = "'folder.csv/other.csv' is the recording 'folder.csv/../folder.csv/other.csv'"
    fails(
        *("animate", "other.wav", "folder.csv/../folder.csv/other.csv", "--out-dir", "folder.csv", *PACK),
        words="would both become other.csv",
    )  # fmt: skip
    os.rename("folder.csv/other.csv", "folder.csv/talk.csv")
    words = "'folder.csv/talk.csv' is the recording './folder.csv/more.sound'"
    os.link("folder.csv/talk.csv", "folder.csv/more.sound")
    fails(*("animate", "talk.wav", "./folder.csv/more.sound", "--out-dir", "folder.csv", *PACK), words=words)


@pytest.mark.parametrize(
    "clash", [("talk.wav", "folder.csv/talk.wav"), ("talk.wav", "talk.wav"), ("talk.wav", "talk.flac")]
)
def test_two_recordings_of_one_name_are_told_before_any_work(fails: Fails, clash: tuple[str, str]) -> None:
    said = f"'{clash[0]}' and '{clash[1]}' would both become talk.csv; rename one"
    fails("animate", "header.wav", *clash, "--out-dir", "made", *PACK, words=said)


def test_a_mistaken_word_makes_no_folder(fails: Fails) -> None:
    fails(
        "animate", "talk.wav", "--out-dir", "made", "--gain", "jawopen=1", *PACK, words="unknown arkit curve"
    )
    fails("animate", "talk.wav", "--out-dir", "made", "--pack", "none", words="no model pack at 'none'")


def test_an_older_file_survives_a_failure(fails: Fails) -> None:
    for name in ("made.csv", "made.json", "made.npz"):
        Path(name).write_text("older")
        fails("animate", "nan.wav", "--out", name, *PACK, words="NaN")


@pytest.mark.parametrize("name", ["ünïcode 声.csv", "two\nlines.csv", "\udcff.csv", "a" * 251 + ".csv"])
def test_strange_names_are_written(room: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["animate", "talk.wav", "--out", name, *PACK]) == 0
    assert len((room / name).read_text().splitlines()) == 31
    assert capsys.readouterr().out.count("\n") == 1


# -- packs


def _no_card(pack: Path) -> None:
    (pack / "card.json").unlink()


def _no_graph(pack: Path) -> None:
    (pack / "model.onnx").unlink()


def _torn_card(pack: Path) -> None:
    (pack / "card.json").write_text('{"format": "voxrig-')


def _binary_card(pack: Path) -> None:
    (pack / "card.json").write_bytes(b"\xff\xfe\x00")


def _other_graph(pack: Path) -> None:
    (pack / "model.onnx").write_bytes((pack / "model.onnx").read_bytes() + b" ")


def _card(**change: object) -> Callable[[Path], None]:
    def spoil(pack: Path) -> None:
        card = json.loads((pack / "card.json").read_text())
        (pack / "card.json").write_text(json.dumps({**card, **change}))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (shutil.rmtree, "no model pack at 'pack'; give a folder"),
        (_no_card, "model pack 'pack' has no card.json"),
        (_no_graph, "model pack 'pack' has no model.onnx"),
        (_torn_card, "cannot be read: "),
        (_binary_card, "cannot be read: "),
        (_other_graph, "is the card of another model"),
        (_card(version=2), "is not a card of format voxrig-pack version 1"),
        (_card(size=1), "unknown key 'size'"),
        (_card(hop="320"), "'hop' must be int, got '320'"),
        (_card(rig="arkit2"), "unknown rig 'arkit2'"),
        (_card(fps=[0, 1]), "must be positive"),
        (_card(fps=[1, 0]), "card.json: "),
        (_card(state=7), "the card says 7"),
    ],
)  # fmt: skip
def test_packs_that_are_not_whole(
    fails: Fails, room: Path, spoil: Callable[[Path], None], words: str
) -> None:
    pack = Path(shutil.copytree(TINY, room / "pack"))
    spoil(pack)
    fails("animate", "talk.wav", *TO, "--pack", "pack", words=words)
    fails("info", "pack", words=words)


def test_a_pack_of_an_impossible_name(fails: Fails) -> None:
    fails("info", LONG, words="no model pack at")


# -- the disk, the pipe and the keyboard


@posix
@pytest.mark.parametrize("name", ["made.csv", "made.json", "made.npz"])
def test_a_full_disk_leaves_nothing(room: Path, run: Run, name: str) -> None:
    import resource

    save(room / "long.wav", babble(20.0))
    before = tree(room)
    limit = (100_000, 100_000)  # bytes a file
    told = run(
        *("animate", "long.wav", "--out", name, *PACK),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == f"voxrig: cannot write {name}: File too large\n"
    assert tree(room) == before


@posix
@pytest.mark.parametrize(
    "environment", [BUFFERED, {**BUFFERED, "PYTHONUNBUFFERED": "1"}], ids=["", "unbuffered"]
)
@pytest.mark.parametrize("args", [("rigs",), ("animate", "talk.wav", "--out", "-", "--format", "csv", *PACK)])
def test_standard_output_that_is_full_or_closed(
    room: Path, environment: dict[str, str], args: tuple[str, ...]
) -> None:
    def told(command: str) -> tuple[int, str]:
        done = subprocess.run(
            ["sh", "-c", f'"$@" {command}', "sh", *VOXRIG, *args],
            env=environment, cwd=room, stderr=subprocess.PIPE, text=True, timeout=120,
        )  # fmt: skip
        return done.returncode, done.stderr

    code, said = told("> /dev/full")
    assert code == 2
    assert re.fullmatch(r"voxrig: (cannot write )?standard output: No space left on device\n", said)
    code, said = told(">&-")
    assert (code, said) in ((0, ""), (2, "voxrig: cannot write standard output: it is closed\n"))


@posix
@pytest.mark.parametrize(
    "environment", [BUFFERED, {**BUFFERED, "PYTHONUNBUFFERED": "1"}], ids=["", "unbuffered"]
)
@pytest.mark.parametrize(
    "args",
    [("rigs",), ("animate", "-", "--raw", "s16", "--rate", "8000", "--out", "-", "--format", "csv", *PACK)],
)
def test_a_reader_that_has_enough_ends_it_without_a_word(
    room: Path, environment: dict[str, str], args: tuple[str, ...]
) -> None:
    child = subprocess.Popen(
        [*VOXRIG, *args], env=environment, cwd=room,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin
    assert child.stdout
    child.stdout.close()
    try:
        child.stdin.write(bytes(1 << 20))
        child.stdin.close()
    except BrokenPipeError:
        pass
    child.stdin = child.stdout = None
    _, said = child.communicate(timeout=120)
    assert (child.returncode, said) == (2, b"")


@pytest.fixture
def listening(room: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts ``voxrig animate …`` on raw silence that does not end, and is sure that it hears it."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*args: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [*VOXRIG, "animate", *args, "--raw", "s16", "--rate", "8000", *PACK], cwd=room,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(child)
        assert child.stdin
        child.stdin.write(bytes(1 << 20))  # more than a pipe holds: most of it has been heard
        child.stdin.flush()
        return child

    # Where the tests run in a shell's background Ctrl-C is ignored, and children inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield start
    signal.signal(signal.SIGINT, before)
    for child in started:
        child.kill()
        child.communicate()


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["made.csv", "made.npz"])
def test_an_interrupted_take_leaves_the_older_file(
    room: Path, listening: Callable[..., subprocess.Popen[bytes]], number: int, name: str
) -> None:
    (room / name).write_text("older")
    before = tree(room)
    child = listening("-", "--out", name)
    assert len(tree(room)) == len(before) + 1  # the take under way
    child.send_signal(number)
    assert child.wait(timeout=60) == 2
    out, said = child.communicate()
    assert out == b""
    assert said == b"voxrig: interrupted; finished files are whole, what was under way was dropped\n"
    assert tree(room) == before


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_batch_keeps_what_is_finished(
    room: Path, listening: Callable[..., subprocess.Popen[bytes]], number: int
) -> None:
    for name in ("one", "two"):
        (room / f"{name}.pcm").write_bytes(bytes(8000))
    child = listening("one.pcm", "-", "two.pcm", "--out-dir", "made")
    child.send_signal(number)
    assert child.wait(timeout=60) == 2
    assert child.communicate()[1].count(b"\n") == 1
    assert {path.name: len(path.read_text().splitlines()) for path in (room / "made").iterdir()} == {
        "one.csv": 31,
        "two.csv": 31,
    }


@posix
def test_an_interrupt_waits_for_a_step_but_not_for_ever() -> None:
    before = [signal.signal(kind, signal.default_int_handler) for kind in (signal.SIGINT, signal.SIGTERM)]
    try:
        with noted() as check:
            check()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with noted() as check:
            for _ in range(3):
                signal.raise_signal(signal.SIGINT)
            with pytest.raises(KeyboardInterrupt):
                check()
        with noted(), pytest.raises(KeyboardInterrupt):  # noqa: PT012
            signal.raise_signal(signal.SIGTERM)
            Event().wait(60)
    finally:
        for kind, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(kind, handler)


@posix
def test_standard_input_that_is_closed_or_empty(room: Path, run: Run) -> None:
    for words, raw in (("closed", False), ("empty", False), ("no samples", True)):
        args = ["animate", "-", *TO, *PACK, *(("--raw", "s16", "--rate", "8000") if raw else ())]
        if words == "closed":
            told = subprocess.run(
                ["sh", "-c", '"$@" <&-', "sh", *VOXRIG, *args], cwd=room, capture_output=True, text=True
            )
        else:
            told = run(*args, stdin=subprocess.DEVNULL)
        assert (told.returncode, told.stdout) == (2, "")
        assert re.fullmatch(r"voxrig: [^\n]+\n", told.stderr)
        assert "standard input" in told.stderr
