"""``voxrig animate`` with text: given, beside the recording, in a batch; and the times of its words."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sounds import SAMPLE, TINY, babble
from test_text import SAID

import voxrig
from voxrig.audio import read
from voxrig.cli import main
from voxrig.cli.arguments import paces
from voxrig.types import Array
from voxrig_export import write
from voxrig_train import textgrid

Fails = Callable[..., None]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the sample in it."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(SAMPLE, "clip.wav")
    return tmp_path


@pytest.fixture
def fails(room: Path, capsys: pytest.CaptureFixture[str]) -> Fails:
    """Asserts that ``voxrig animate …`` ends with code 2 and one line with ``words``, and writes nothing."""

    def check(*args: str, words: str) -> None:
        before = sorted(room.rglob("*"))
        try:
            code = main(["animate", *args])
        except SystemExit as ended:
            code = ended.code  # type: ignore[assignment]
        told = capsys.readouterr()
        assert (code, told.out) == (2, "")
        assert re.fullmatch(r"voxrig[^\n]*: [^\n]+\n", told.err), told.err
        assert words in told.err
        assert sorted(room.rglob("*")) == before

    return check


def npz(name: str) -> Array:
    with np.load(name) as file:
        return np.array(file["values"])


# -- live


@pytest.mark.parametrize(
    "words", [("--live", "clip.wav"), ("clip.wav", "--live"), ("--live=live", "clip.wav")]
)
def test_a_bare_live_takes_no_word_after_it(room: Path, words: tuple[str, ...]) -> None:
    assert main(["animate", *words, "--out", "a.npz"]) == 0
    assert np.array_equal(npz("a.npz"), voxrig.animate("clip.wav", pace="live").values)


def test_fast_is_the_fast_pace(room: Path) -> None:
    assert main(["animate", "--live=fast", "clip.wav", "--out", "a.npz"]) == 0
    assert np.array_equal(npz("a.npz"), voxrig.animate("clip.wav", pace="fast").values)


def test_only_a_bare_live_is_rewritten() -> None:
    assert paces(["--live", "a.wav", "--live=fast", "--", "--live"]) == [
        "--live=live",
        "a.wav",
        "--live=fast",
        "--",
        "--live",
    ]


def test_there_is_no_other_pace(fails: Fails) -> None:
    fails(
        "clip.wav",
        "--live=slow",
        "--out",
        "a.csv",
        words="invalid choice: 'slow' (choose from 'live', 'fast')",
    )


# -- text


def test_every_way_to_give_a_text_says_the_same(room: Path) -> None:
    write("want.csv", voxrig.animate("clip.wav", text=SAID))
    want = Path("want.csv").read_bytes()
    assert main(["animate", "clip.wav", "--text", SAID, "--out", "a.csv"]) == 0
    assert Path("a.csv").read_bytes() == want
    Path("words").write_text(SAID, encoding="utf-8-sig")
    assert main(["animate", "clip.wav", "--text-file", "words", "--out", "b.csv"]) == 0
    assert Path("b.csv").read_bytes() == want
    for name in ("clip.txt", "clip.lab"):
        shutil.copy("words", name)
        assert main(["animate", "clip.wav", "--out", "c.csv"]) == 0
        assert Path("c.csv").read_bytes() == want
        Path(name).unlink()


def test_text_beside_is_left_alone_when_asked_and_live(room: Path) -> None:
    Path("clip.txt").write_text(SAID)
    assert main(["animate", "clip.wav", "--no-text", "--out", "a.npz"]) == 0
    assert np.array_equal(npz("a.npz"), voxrig.animate("clip.wav").values)
    assert main(["animate", "clip.wav", "--live", "--out", "a.npz"]) == 0
    assert np.array_equal(npz("a.npz"), voxrig.animate("clip.wav", pace="live").values)


def test_times_of_phones_beside_are_no_text(room: Path) -> None:
    Path("clip.lab").write_text("0.00 0.54 sil\n0.54 0.65 hh\n")
    assert main(["animate", "clip.wav", "--out", "a.npz"]) == 0
    assert np.array_equal(npz("a.npz"), voxrig.animate("clip.wav").values)


def test_smoothing_is_for_text_too(room: Path) -> None:
    said = ("clip.wav", "--text", SAID, "--out", "a.npz")
    assert main(["animate", *said]) == 0
    plain = npz("a.npz")
    assert main(["animate", *said, "--smooth", "300"]) == 0
    assert np.abs(np.diff(npz("a.npz"), axis=0)).sum() < 0.8 * np.abs(np.diff(plain, axis=0)).sum()


def test_a_batch_with_and_without_texts_and_with_bad_ones(
    room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("plain", "empty", "latin", "other"):
        shutil.copy("clip.wav", f"{name}.wav")
    Path("clip.txt").write_text(SAID)
    Path("empty.txt").write_text("  \n")
    Path("latin.txt").write_bytes("Pâté".encode("latin-1"))
    Path("other.txt").write_text("Notes: take two, microphone was too close.")
    names = ("clip", "plain", "empty", "latin", "other")
    wavs = [f"{name}.wav" for name in names]
    assert main(["animate", *wavs, "--out-dir", "made", "--timings", "textgrid"]) == 1
    told = capsys.readouterr()
    assert told.out.startswith("2 of 5 clips in made: ")
    assert sorted(told.err.splitlines())[0].startswith("voxrig: failed: empty.wav: empty.txt is empty; ")
    assert "latin.wav: latin.txt is not UTF-8 (byte 1); save it as UTF-8\n" in told.err
    assert "other.wav: the text is not what is said: " in told.err
    made = sorted(path.name for path in Path("made").iterdir())
    assert made == ["clip.TextGrid", "clip.csv", "plain.TextGrid", "plain.csv"]
    for name, words in (("clip", True), ("plain", False)):
        tiers = textgrid.parse(Path("made", f"{name}.TextGrid").read_text(encoding="utf-8"), name)
        assert any(label.text == "sheep" for label in tiers["words"]) == words
        assert len(tiers["phones"]) > 40
    assert Path("made/clip.csv").read_bytes() != Path("made/plain.csv").read_bytes()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--live", "--text", "Hello"), "--text is fitted to a whole recording; leave it or --live out"),
        (("--live=fast", "--text-file", "none"), "--text-file is fitted to a whole recording"),
        (("--text", "Hello", "--text-file", "none"), "--text-file: not allowed with argument --text"),
        (("--text", "Hello", "--no-text"), "not allowed with argument --text"),
        (("--text", ""), "--text is empty; write what is said"),
        (("--text", "..."), "no words to say in '...' (language en)"),
        (("--text", "\udcff"), "--text is not UTF-8"),
        (("--text", "Hello", "--language", "tlh"), "argument --language: invalid choice: 'tlh'"),
        (("--text", "Hello " * 2000), "the text has too many words for "),
        (("--text", "Notes: take two, microphone was too close."), "the text is not what is said: "),
        (("--text-file", "none"), "cannot read none: No such file or directory"),
        (("--text-file", "clip.wav"), "clip.wav is not UTF-8"),
        (("--text-file", "."), "cannot read .: Is a directory"),
        (("--text", "Hello", "--pack", str(TINY)), "tells no phones"),
        (("--timings", "a.srt"), "unknown timings file '.srt'; have .TextGrid, .json"),
        (("--timings", "json"), "unknown timings file 'json'"),
        (("--timings", "made.csv"), "unknown timings file '.csv'"),
        (("--timings", "none/a.json"), "cannot write none/a.json: No such file or directory"),
        (("--timings", "a.json", "--pack", str(TINY)), "tells no phones"),
    ],
)  # fmt: skip
def test_texts_that_cannot_be_said(fails: Fails, args: tuple[str, ...], words: str) -> None:
    fails("clip.wav", *args, "--out", "made.csv", words=words)


def test_one_text_is_of_one_recording(fails: Fails) -> None:
    shutil.copy("clip.wav", "more.wav")
    fails(
        *("clip.wav", "more.wav", "--text", "Hello", "--out-dir", "made"),
        words="--text takes one recording; for several, put NAME.txt beside each",
    )


def test_more_than_five_minutes_are_told(fails: Fails, room: Path) -> None:
    import soundfile

    soundfile.write(room / "long.wav", babble(301, 8000).samples, 8000)
    fails(
        "long.wav", "--text", "Hello", "--out", "a.csv", words="text can be fitted to at most 300 s of sound"
    )


# -- timings


@pytest.mark.parametrize("name", ["a.TextGrid", "a.textgrid", "a.json"])
@pytest.mark.parametrize("text", [("--text", SAID), (), ("--live",)], ids=["text", "file", "live"])
def test_timings_hold_what_transcribe_returns(room: Path, name: str, text: tuple[str, ...]) -> None:
    assert main(["animate", "clip.wav", *text, "--out", "a.csv", "--timings", name]) == 0
    told = Path(name).read_text(encoding="utf-8")
    if name == "a.json":
        words = [word["text"] for word in json.loads(told)["words"]]
        phones = [phone["phone"] for phone in json.loads(told)["phones"]]
    else:
        tiers = textgrid.parse(told, name)
        words = [label.text for label in tiers["words"] if label.text]
        phones = [label.text or "sil" for label in tiers["phones"]]
    pack = "live" if text == ("--live",) else "file"
    want = voxrig.transcribe(read("clip.wav"), SAID if "--text" in text else None, pack=pack)
    assert words == [word.text for word in want.words]
    assert phones == [phone.label for phone in want.phones]


def test_no_output_falls_on_another_or_on_what_is_read(fails: Fails) -> None:
    Path("clip.txt").write_text(SAID)
    same = "would both become a.json; choose another format"
    fails("clip.wav", "--out", "a.json", "--timings", "a.json", words=same)
    same = "would both become made/clip.json; choose another format"
    fails("clip.wav", "--out-dir", "made", "--format", "json", "--timings", "json", words=same)
    fails("clip.wav", "--out", "clip.txt", "--format", "csv", words="'clip.txt' is the text 'clip.txt'")
    shutil.copy("clip.txt", "words.json")
    args = ("clip.wav", "--text-file", "words.json", "--out", "a.csv", "--timings", "words.json")
    fails(*args, words="'words.json' is the text 'words.json'; write to another name")
    words = "unknown kind of timings for --out-dir 'praat'; have textgrid, json"
    fails("clip.wav", "--out-dir", "made", "--timings", "praat", words=words)


def test_a_failure_leaves_older_timings(fails: Fails) -> None:
    Path("a.json").write_text("older")
    fails("clip.wav", "--text", "...", "--out", "a.csv", "--timings", "a.json", words="no words to say")
    assert Path("a.json").read_text() == "older"
