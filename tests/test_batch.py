"""The laws of ``voxrig batch``: what ``animate`` would write, once, whole, whatever happens on the way."""

from __future__ import annotations

import csv
import glob
import io
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sounds import SAMPLE, TINY, VOXRIG, babble
from test_text import SAID

from voxrig.batch import manifest
from voxrig.batch.ledger import NAME, Ledger
from voxrig.batch.plan import Clip, Part
from voxrig.batch.pool import Pool
from voxrig.batch.work import Outcome, Settings, Task, Tools
from voxrig.cli import main
from voxrig.errors import FormatError, OutputError
from voxrig.model import find, read_card
from voxrig.types import Rig, Sink
from voxrig_export import open_sink

PACK = ("--pack", str(TINY))


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a few clips in ``lines``."""
    monkeypatch.chdir(tmp_path)
    for i, name in enumerate(("one", "two", "deep/three", "deep/er/four")):
        save(f"lines/{name}.wav", 0.2 + 0.1 * i, i)
    return tmp_path


def save(name: str, seconds: float, seed: int = 0) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = babble(seconds, 8000, seed)
    soundfile.write(path, sound.samples, sound.rate)


def batch(*args: str, source: tuple[str, ...] = ("lines",)) -> int:
    """``voxrig batch … --out-dir made`` in this process, with one worker and the tiny pack."""
    pack = () if "--pack" in args else PACK
    return main(["batch", *source, "--out-dir", "made", "--jobs", "1", *pack, *args])


def made(folder: str = "made") -> dict[str, bytes]:
    """Every file but the ledger."""
    root = Path(folder)
    files = (path for path in root.rglob("*") if path.is_file() and path.name != NAME)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def ledger() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("made", NAME).read_text().splitlines()]


def report() -> dict[str, dict[str, Any]]:
    rows = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert len({row["clip"] for row in rows}) == len(rows)
    return {row["clip"]: row for row in rows}


def statuses() -> dict[str, str]:
    return {clip: row["status"] for clip, row in report().items()}


def animated(audio: str, suffix: str, *args: str) -> bytes:
    """What ``voxrig animate`` writes."""
    assert main(["animate", audio, "--out", f"want{suffix}", *args]) == 0
    return Path(f"want{suffix}").read_bytes()


# -- what is written


def test_every_file_is_what_animate_writes_and_folders_are_kept(room: Path) -> None:
    options = ("--fps", "29.97", "--emotion", "joy=0.5", "--gain", "1.1", *PACK)
    assert batch("--format", "csv,livelink-csv,a2f-json,npz", *options, "--report", "r.jsonl") == 0
    kinds = {
        ".csv": ("csv", "arkit"),
        ".livelink-csv.csv": ("livelink-csv", "livelink"),
        ".json": ("a2f-json", "arkit"),
        ".npz": ("npz", "arkit"),
    }
    found = made()
    names = ("one", "two", "deep/three", "deep/er/four")
    assert set(found) == {name + suffix for name in names for suffix in kinds}
    for name in names:
        for suffix, (kind, rig) in kinds.items():
            own = ("--format", kind, "--rig", rig, "--seed", str(report()[name]["seed"]))
            want = animated(f"lines/{name}.wav", suffix, *own, *options)
            assert found[name + suffix] == want


def test_clips_that_share_an_engine_and_have_texts_are_what_animate_writes(room: Path) -> None:
    shutil.copy(SAMPLE, "lines/said.wav")
    shutil.copy(SAMPLE, "lines/heard.wav")
    Path("lines/said.txt").write_text(SAID)
    assert batch("--pack", "file", "--rig", "metahuman") == 0
    for name in ("said", "heard", "one", "deep/three"):
        assert made()[f"{name}.csv"] == animated(f"lines/{name}.wav", ".csv", "--rig", "metahuman")
    assert made()["said.csv"] != made()["heard.csv"]
    assert batch("--pack", "file", "--rig", "metahuman", "--no-text", "--report", "r.jsonl") == 0
    assert {clip for clip, status in statuses().items() if status == "done"} == {"said"}
    assert made()["said.csv"] == made()["heard.csv"]


# -- what is done once


def test_work_that_is_done_is_left_alone(room: Path) -> None:
    assert batch() == 0
    before = {path: path.stat() for path in Path("made").rglob("*")}
    assert batch("--report", "r.jsonl") == 0
    assert set(statuses().values()) == {"skipped"}
    after = {path: path.stat() for path in Path("made").rglob("*")}
    assert {path: told.st_ino for path, told in after.items()} == {
        path: told.st_ino for path, told in before.items()
    }
    assert len(ledger()) == 4


@pytest.mark.parametrize(
    "extra",
    [("--emotion", "joy"), ("--fps", "30"), ("--format", "json"), ("--gain", "1.5"), ("--pack", "live")],
    ids=" ".join,
)
def test_another_wish_is_another_work(room: Path, extra: tuple[str, ...]) -> None:
    assert batch() == 0
    before = made()
    assert batch("--report", "r.jsonl", *extra) == 0
    assert set(statuses().values()) == {"done"}
    changed = made()
    assert all(
        before.get(name) != data
        for name, data in changed.items()
        if name not in before or extra[0] != "--format"
    )
    assert batch("--report", "r.jsonl", *extra) == 0
    assert set(statuses().values()) == {"skipped"}


def test_only_what_has_changed_is_done_again(room: Path) -> None:
    assert batch() == 0
    save("lines/one.wav", 0.5, seed=9)  # another sound
    Path("made/two.csv").unlink()
    with open("made/deep/three.csv", "ab") as file:
        file.write(b"0")
    assert batch("--report", "r.jsonl") == 0
    assert statuses() == {"one": "done", "two": "done", "deep/three": "done", "deep/er/four": "skipped"}
    assert made()["one.csv"] == animated("lines/one.wav", ".csv", *PACK)
    assert len(ledger()) == 7


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_torn_ledger_costs_the_clips_of_its_torn_lines(room: Path, cut: int) -> None:
    assert batch() == 0
    path, want = Path("made", NAME), made()
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert batch("--report", "r.jsonl") == 0
    assert sorted(statuses().values()) == ["done", "skipped", "skipped", "skipped"]
    assert len(ledger()) == 4
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + bytes(100) + b"\n" + b'{"out": 3}\n[]\n' + lines[1])
    assert batch("--report", "r.jsonl") == 0
    assert sorted(statuses().values()) == ["done", "done", "skipped", "skipped"]
    assert made() == want


# -- what goes wrong


def test_bad_clips_are_told_and_stop_nobody(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("lines/noise.wav").write_bytes(b"RIFF, or not")
    Path("lines/empty.wav").write_bytes(b"")
    Path("lines/deep/latin.txt").write_bytes("Pâté".encode("latin-1"))
    save("lines/deep/latin.wav", 0.2)
    assert batch("--report", "r.jsonl") == 1
    told = capsys.readouterr()
    assert told.out.startswith("4 of 7 clips in made: ")
    assert told.out.endswith(", 3 failed\n")
    assert len(told.err.splitlines()) == 3
    assert report()["noise"]["kind"] == "AudioError"
    assert "lines/noise.wav" in report()["noise"]["error"]
    assert report()["deep/latin"]["kind"] == "TextError"
    assert len(made()) == len(ledger()) == 4
    save("lines/noise.wav", 0.2)
    assert batch("--report", "r.jsonl") == 1
    assert statuses()["noise"] == "done"
    assert sorted(statuses().values()) == ["done", *["failed"] * 2, *["skipped"] * 4]


def test_all_bad_is_code_2(room: Path) -> None:
    Path("bad").mkdir()
    Path("bad/a.wav").write_bytes(b"nothing")
    assert batch(source=("bad",)) == 2


def test_a_disk_that_will_not_have_a_file_fails_that_clip(room: Path) -> None:
    Path("made/two.csv").mkdir(parents=True)
    assert batch("--report", "r.jsonl") == 1
    assert report()["two"]["kind"] == "OutputError"
    assert sorted(made()) == ["deep/er/four.csv", "deep/three.csv", "one.csv"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "give recordings or folders of them, or --manifest"),
        (("lines", "--manifest", "a.csv"), "give recordings or folders of them, or --manifest"),
        (("none",), "no recording or folder 'none'"),
        (("void",), "no recordings in 'void'; have .wav, .flac, .ogg, .mp3"),
        (("lines", "lines/one.wav"), "'lines/one.wav' and 'lines/one.wav' would both become one.csv"),
        (("lines", "more"), "'lines/one.wav' and 'more/one.wav' would both become one.csv; rename one"),
        (("twins",), "'twins/a.flac' and 'twins/a.wav' would both become a.csv; rename one"),
        (("lines", "--format", "csv,xml"), "unknown format 'xml'; have csv, json, "),
        (("lines", "--format", "csv csv"), "format csv is asked for twice"),
        (("lines", "--format", ","), "--format is empty"),
        (("lines", "--format", "livelink-csv", "--rig", "vrm1"), "livelink-csv holds rig livelink, not vrm1"),
        (("lines", "--rig", "arkit2"), "unknown rig 'arkit2'"),
        (("lines", "--emotion", "bliss"), "unknown emotion 'bliss'"),
        (("lines", "--energy", "9"), "energy is 9; it is 0 to 2"),
        (("lines", "--auto", "most=2"), "--auto goes with --emotion auto"),
        (("lines", "--direct", "hello"), "the direction names no feeling or look"),
        (("lines", "--gain", "jawOpn=2"), "jawOpn"),
        (("lines", "--pack", "none"), "no model pack at 'none'"),
        (("lines", "--tolerance", "0.1"), "csv has no use for --tolerance; "),
        (("lines", "--avatar", "none.glb", "--format", "glb"), "none.glb"),
        (("lines", "--jobs", "0"), "'0' is no number of processes from 1 to 1024"),
        (("lines", "--manifest", "a.xml"), "give recordings"),
        (("--manifest", "a.xml"), "unknown manifest '.xml'; have .csv, .jsonl"),
        (("--manifest", "none.csv"), "cannot read none.csv: No such file or directory"),
        (("lines", "--report", "none/r.jsonl"), "cannot write none/r.jsonl: No such file or directory"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_before_any_work(
    room: Path, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], words: str
) -> None:
    Path("void").mkdir()
    save("more/one.wav", 0.1)
    save("twins/a.wav", 0.1)
    save("twins/a.flac", 0.1)
    pack = () if "--pack" in args else PACK
    try:
        code = main(["batch", *args, "--out-dir", "made", *pack])
    except SystemExit as ended:
        code = ended.code  # type: ignore[assignment]
    told = capsys.readouterr()
    assert (code, told.out) == (2, "")
    assert re.fullmatch(r"voxrig[^\n]*: [^\n]+\n", told.err), told.err
    assert words in told.err
    assert not Path("made").exists() or made() == {}


def test_each_format_gets_the_options_that_it_takes_and_each_clip_its_asset(room: Path) -> None:
    shutil.copy("lines/one.wav", "lines/deep/one.2.wav")
    keys = ("--tolerance", "0.05")
    assert batch("--format", "csv,maya,unreal", "--rig", "metahuman", *keys, "--asset", "/Game/Lines/") == 0
    found, wanted = made(), ("--rig", "metahuman", *PACK)
    assert found["one.csv"] == animated("lines/one.wav", ".csv", *wanted)
    assert found["one.anim"] == animated("lines/one.wav", ".anim", "--format", "maya", *keys, *wanted)
    asset = ("--format", "unreal", "--asset", "/Game/Lines/deep/one_2")
    assert found["deep/one.2.py"] == animated("lines/deep/one.2.wav", ".py", *asset, *keys, *wanted)
    assert batch("--format", "unreal") == 0
    asset = ("--format", "unreal", "--asset", "/Game/voxrig/two")
    assert made()["two.py"] == animated("lines/two.wav", ".py", *asset, *PACK)


# -- manifests

ROWS: list[dict[str, Any]] = [
    {"audio": "lines/one.wav"},
    {"audio": "lines/one.wav", "out": "hero/one", "emotion": "joy=0.5", "intensity": 1.2, "note": "take 2"},
    {"audio": "lines/deep/three.wav", "rig": "vrm1", "formats": "csv json"},
]


def as_csv(rows: list[dict[str, Any]]) -> str:
    head = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO("\ufeff", newline="")
    text.seek(1)
    csv.writer(text).writerows([head, *([row.get(name, "") for name in head] for row in rows), []])
    return text.getvalue()


def as_jsonl(rows: list[dict[str, Any]]) -> str:
    return "\n\n".join(map(json.dumps, rows))


@pytest.mark.parametrize(("suffix", "written"), [("csv", as_csv), ("jsonl", as_jsonl)])
def test_a_manifest_directs_every_clip(
    room: Path, suffix: str, written: Callable[[list[dict[str, Any]]], str]
) -> None:
    Path(f"lines.{suffix}").write_text(written(ROWS))
    assert batch("--manifest", f"lines.{suffix}", "--report", "r.jsonl", source=()) == 0
    found = made()
    assert set(found) == {"lines/one.csv", "hero/one.csv", "lines/deep/three.csv", "lines/deep/three.json"}
    wav, deep = "lines/one.wav", "lines/deep/three.wav"
    assert found["lines/one.csv"] == animated(wav, ".csv", *PACK)
    joy = ("--emotion", "joy=0.5", "--intensity", "1.2", "--seed", str(report()["hero/one"]["seed"]))
    assert found["hero/one.csv"] == animated(wav, ".csv", *joy, *PACK)
    for kind in (".csv", ".json"):
        assert found[f"lines/deep/three{kind}"] == animated(deep, kind, "--rig", "vrm1", *PACK)
    assert report()["hero/one"]["note"] == "take 2"


SAID_SO: list[dict[str, Any]] = [
    {"emotion": "joy=0.5; 0.1: anger; 0.15~0.05: neutral", "asymmetry": -0.5, "energy": 1.5},
    {"emotion": "auto+joy=0.3", "speaker": "warm", "idle": "blink,gaze=0.5", "seed": 12},
    {"direct": "sad, then furious; looks down at the end", "intensity": 0.5},
    {"idle": "on", "seed": 2**32 - 1},
    {"speaker": "stern", "energy": 0.5},
    {},
]


@pytest.mark.parametrize(("suffix", "written"), [("csv", as_csv), ("jsonl", as_jsonl)])
def test_a_manifest_tells_how_clips_are_said(
    room: Path, suffix: str, written: Callable[[list[dict[str, Any]]], str]
) -> None:
    rows = [{"audio": "lines/two.wav", "out": f"clip{i}", **row} for i, row in enumerate(SAID_SO)]
    Path(f"m.{suffix}").write_text(written(rows))
    options = ("--format", "livelink-csv", "--auto", "contrast=1.2,most=2")
    assert batch("--manifest", f"m.{suffix}", *options, "--report", "r.jsonl", source=()) == 0
    for i, row in enumerate(SAID_SO):
        auto = options[2:] if "auto" in row.get("emotion", "") else ()
        told = {"seed": report()[f"clip{i}"].get("seed", 0)} | row
        words = [word for name, value in told.items() for word in (f"--{name}", str(value))]
        want = animated("lines/two.wav", ".csv", *options[:2], *auto, *words, *PACK)
        assert made()[f"clip{i}.csv"] == want, row
        assert report()[f"clip{i}"].items() >= row.items()
    assert len(set(made().values())) == len(SAID_SO)
    changed = {**rows[0], "energy": 1.25}
    Path(f"m.{suffix}").write_text(written([changed, *rows[1:]]))
    assert batch("--manifest", f"m.{suffix}", *options, "--report", "r.jsonl", source=()) == 0
    assert {clip for clip, status in statuses().items() if status == "done"} == {"clip0"}


def test_every_face_moves_in_its_own_way_and_the_same_way_again(room: Path) -> None:
    idle = ("--idle", "on", "--format", "livelink-csv")
    assert batch(*idle, "--report", "r.jsonl") == 0
    found, seeds = made(), {clip: row["seed"] for clip, row in report().items()}
    assert len(set(seeds.values())) == 4
    for clip, seed in seeds.items():
        want = animated(f"lines/{clip}.wav", ".csv", *idle, "--seed", str(seed), *PACK)
        assert found[f"{clip}.csv"] == want
    assert batch(*idle, "--report", "r.jsonl") == 0
    assert set(statuses().values()) == {"skipped"}
    assert batch(*idle, "--seed", "1", "--report", "r.jsonl") == 0
    assert set(statuses().values()) == {"done"}
    assert all(made()[name] != data for name, data in found.items())
    assert not set(seeds.values()) & {row["seed"] for row in report().values()}
    shutil.rmtree("made")
    assert batch(*idle) == 0
    assert made() == found


def test_a_seed_of_faces_that_do_not_move_is_nothing(room: Path) -> None:
    assert batch() == 0
    assert batch("--seed", "7", "--report", "r.jsonl") == 0
    assert set(statuses().values()) == {"skipped"}


def test_words_that_nobody_knows_are_told_once(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("m.csv").write_text(
        "audio,out,direct\n" + "".join(f"lines/one.wav,{i},hapy then sad\n" for i in range(3))
    )
    assert batch("--manifest", "m.csv", "--direct", "angyr; joyful", source=()) == 0
    assert capsys.readouterr().err.splitlines() == [
        "voxrig: --direct: 'angyr' is not known (nearest is 'angry')",
        "voxrig: m.csv line 2: 'hapy' is not known (nearest is 'happy')",
    ]


def test_a_manifest_has_texts(room: Path) -> None:
    shutil.copy(SAMPLE, "said.wav")
    Path("lines.jsonl").write_text(json.dumps({"audio": "said.wav", "text": SAID, "language": "en"}))
    assert batch("--manifest", "lines.jsonl", "--pack", "file", source=()) == 0
    assert made()["said.csv"] == animated("said.wav", ".csv", "--text", SAID)


def test_recordings_are_found_from_the_manifest_and_stay_below_the_output_folder(room: Path) -> None:
    Path("lines/deep/m.csv").write_text(f"audio\n../one.wav\nthree.wav\n{room}/lines/two.wav\n")
    assert batch("--manifest", "lines/deep/m.csv", source=()) == 0
    assert set(made()) == {"one.csv", "three.csv", "two.csv"}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("m.csv", "audio,emotoin\na.wav,joy\n", "m.csv line 1: unknown column 'emotoin'; have audio, out, "),
        ("m.csv", "audio,audio\na,b\n", "m.csv line 1: column 'audio' stands there twice"),
        ("m.csv", "out\na\n", "m.csv line 1: no column 'audio'"),
        ("m.csv", "audio,note\na.wav,\n\nb.wav\n", "m.csv line 4 has 1 cells; the header has 2"),
        ("m.csv", 'audio,note\na.wav,"x\ny"\n,z\n', "m.csv line 4: 'audio' is empty"),
        ("m.csv", 'audio\n"a.wav\n', "m.csv line 2 is no CSV: "),
        ("m.csv", "audio,rig\na.wav,arkit\nb.wav,arkit2\n", "m.csv line 3: unknown rig 'arkit2'"),
        ("m.csv", "audio,emotion\na.wav,bliss\n", "m.csv line 2: unknown emotion 'bliss'"),
        ("m.csv", "audio,intensity\na.wav,much\n", "m.csv line 2: 'intensity' must be a number, got 'much'"),
        ("m.csv", "audio,intensity\na.wav,nan\n", "m.csv line 2: intensity is nan; it is 0 to 1.5"),
        ("m.csv", "audio,emotion\na.wav,joy; anger\n", "m.csv line 2: 'anger' has no time; write "),
        ("m.csv", "audio,emotion\na.wav,3: joy; 2: anger\n", "m.csv line 2: a style at 2 s follows one"),
        ("m.csv", "audio,asymmetry\na.wav,2\n", "m.csv line 2: asymmetry is 2; it is -1 to 1"),
        ("m.csv", "audio,energy\na.wav,wild\n", "m.csv line 2: 'energy' must be a number, got 'wild'"),
        ("m.csv", "audio,speaker\na.wav,bob\n", "m.csv line 2: unknown speaker 'bob'; have lively, "),
        ("m.csv", "audio,direct\na.wav,hello\n", "m.csv line 2: the direction names no feeling or look"),
        ("m.csv", "audio,idle\na.wav,nose\n", "m.csv line 2: unknown part of a life 'nose'; have on, off, "),
        ("m.csv", "audio,seed\na.wav,-1\n", "m.csv line 2: 'seed' must be a whole number from 0 to 42949"),
        ("m.jsonl", '{"audio": "a.wav", "seed": 1.5}', "m.jsonl line 1: 'seed' must be a whole number"),
        ("m.csv", "audio,formats\na.wav,xml\n", "m.csv line 2: unknown format 'xml'"),
        ("m.csv", "audio,language\na.wav,tlh\n", "m.csv line 2: unknown language 'tlh'; have "),
        ("m.csv", "audio,out\na.wav,../a\n", "m.csv line 2: out '../a' must be a name below the output"),
        ("m.csv", "audio,out\na.wav,/a\n", "m.csv line 2: out '/a' must be a name below the output"),
        ("m.csv", "audio,out\na.wav,a.csv\n", "m.csv line 2: out 'a.csv' has a suffix; leave it out"),
        ("m.csv", "audio,out\na.wav,.voxrig-batch\n", "m.csv line 2: out '.voxrig-batch' is no name"),
        ("m.csv", "audio,out\na.wav,x\nb.wav,x\n", "'a.wav' and 'b.wav' would both become x.csv; rename one"),
        ("m.csv", "", "m.csv names no recordings"),
        ("m.jsonl", '{"audio": "a.wav"}\n{"audio"}\n', "m.jsonl line 2 is no JSON: "),
        ("m.jsonl", '["a.wav"]\n', 'm.jsonl line 1 is no JSON object; write {"audio": …}'),
        ("m.jsonl", '{"audio": 3}\n', "m.jsonl line 1: 'audio' must be text, got 3"),
        ("m.jsonl", '{"audio": "a.wav", "intensity": true}', "m.jsonl line 1: 'intensity' must be a number"),
        ("m.jsonl", '{"audio": "a.wav", "mood": "joy"}', "m.jsonl line 1: unknown column 'mood'"),
        ("m.jsonl", '{"audio": "a\\u0000.wav"}', "m.jsonl line 1: 'audio' holds what is no text"),
    ],
)  # fmt: skip
def test_manifests_that_are_wrong(
    room: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, words: str
) -> None:
    Path(name).write_text(text)
    assert batch("--manifest", name, source=()) == 2
    told = capsys.readouterr().err
    assert told.startswith("voxrig: ")
    assert words in told
    assert told.count("\n") == 1
    assert not Path("made").exists()


def test_a_manifest_is_utf8(room: Path) -> None:
    Path("m.csv").write_bytes("audio\nPâté.wav\n".encode("latin-1"))
    with pytest.raises(FormatError, match=r"m\.csv is not UTF-8"):
        list(manifest.read("m.csv"))


# -- interruptions


@pytest.fixture
def crowd(room: Path) -> Path:
    """Sixty clips, and what they become, in ``want``."""
    for i in range(60):
        save(f"crowd/{i % 7}/{i}.wav", 3 + 0.2 * (i % 9), i)
    assert main(["batch", "crowd", "--out-dir", "want", "--jobs", "1", *PACK]) == 0
    return room


@pytest.fixture
def start(room: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts ``voxrig batch crowd``, with two workers, in a process group of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        command = [*VOXRIG, "batch", "crowd", "--out-dir", "made", "--jobs", "2", *PACK]
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        started.append(child)
        return child

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield begin
    signal.signal(signal.SIGINT, before)
    for child in started:
        if child.poll() is None:
            child.kill()
        child.communicate()


def assert_whole() -> None:
    """Whatever has a name is whole, and what the ledger has is there, once."""
    want, found = made("want"), made()
    for name, data in found.items():
        if not name.startswith(manifest.OWN):
            assert data == want[name]
    path = Path("made", NAME)
    if path.exists():
        lines = path.read_bytes().split(b"\n")[:-1]  # the last may be torn
        entries = [json.loads(line) for line in lines]
        assert len({entry["out"] for entry in entries}) == len(entries)
        assert all(name in found for entry in entries for name in entry["files"])


def under_way(before: set[Path]) -> bool:
    """Whether a worker writes now, in a folder that was not there before."""
    # Unlike Path.glob, glob looks away from a folder that goes while it looks.
    return any(Path(path).parent not in before for path in glob.glob(f"made/{manifest.OWN}-*/*"))


def test_kill_9_at_any_moment_leaves_whole_files_and_nothing_is_done_twice(
    crowd: Path, start: Callable[[], subprocess.Popen[bytes]]
) -> None:
    chance = random.Random(3)
    for turn in range(10):
        before = set(Path("made").glob(f"{manifest.OWN}-*"))
        child = start()
        while turn % 4 and child.poll() is None and not under_way(before):
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.04))  # of start-up, or of work
        child.kill()
        child.wait()
        assert_whole()
    out, _ = start().communicate(timeout=120)
    assert b" of 60 clips in made: " in out
    assert made() == made("want")
    assert sorted(entry["out"] for entry in ledger()) == sorted(name[:-4] for name in made())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_whole_files_only(
    crowd: Path, start: Callable[[], subprocess.Popen[bytes]], number: int
) -> None:
    child = start()
    while not made():
        time.sleep(0.005)
        assert child.poll() is None
    os.killpg(child.pid, number) if number == signal.SIGINT else child.send_signal(
        number
    )  # as a terminal does
    out, told = child.communicate(timeout=60)
    if child.returncode == 2:  # else it was done before
        assert out == b""
        assert told == b"voxrig: interrupted; finished files are whole, what was under way was dropped\n"
    assert_whole()
    assert not list(Path("made").glob(f"{manifest.OWN}-*"))


def test_only_one_batch_writes_to_a_folder(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("made").mkdir()
    with Ledger(Path("made")):
        assert batch() == 2
        assert "another voxrig batch writes to 'made'; wait for it or stop it" in capsys.readouterr().err
        with pytest.raises(OutputError):
            Ledger(Path("made"))
    assert batch() == 0


# -- workers that die


def deadly(
    path: str, rig: Rig, fps: Fraction, format: str, *, total: int | None, audio: str, name: str
) -> Sink:
    """Kills its process at a recording called deadly, and once at one called unlucky."""
    if "deadly" in audio:
        os.kill(os.getpid(), signal.SIGKILL)
    if "unlucky" in audio and not Path("struck").exists():
        Path("struck").touch()
        os.kill(os.getpid(), signal.SIGSEGV)
    return open_sink(path, rig, fps, format, total=total, audio=audio)


def no_words(path: str) -> None:
    return None


def by_hand(names: tuple[str, ...]) -> tuple[list[Task], Settings, Tools]:
    import test_batch  # by this name workers find it

    for name in names:
        save(f"{name}.wav", 0.2)
    Path("made/.staging").mkdir(parents=True)
    clips = [Clip(name, f"{name}.wav", (Part("arkit", "csv", f"{name}.csv"),)) for name in names]
    pack = str(TINY)
    settings = Settings(
        str(Path("made").absolute()),
        str(Path("made/.staging").absolute()),
        pack,
        read_card(find(pack)).sha256,
    )
    return [Task(clip) for clip in clips], settings, Tools(test_batch.deadly, test_batch.no_words)


def run_by_hand(names: tuple[str, ...], size: int) -> dict[str, Outcome]:
    tasks, settings, tools = by_hand(names)
    batches = (tasks[at : at + size] for at in range(0, len(tasks), size))
    with closing(Pool(settings, tools, 2)) as pool:
        told = list(pool.run(batches, lambda: None))
    assert sorted(outcome.clip.out for outcome in told) == sorted(names)
    return {outcome.clip.out: outcome for outcome in told}


def test_a_worker_that_dies_takes_only_the_clip_that_kills_it(room: Path) -> None:
    told = run_by_hand(("a", "b", "deadly", "c", "unlucky", "d", "e"), 3)
    assert {name for name, outcome in told.items() if outcome.status == "failed"} == {"deadly"}
    assert told["deadly"].error == "its worker process was killed by SIGKILL, twice; once alone"
    assert {path.name for path in Path("made").glob("*.csv")} == {
        f"{name}.csv" for name in ("a", "b", "c", "d", "e", "unlucky")
    }


def test_workers_that_cannot_begin_are_told(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(TINY, "pack")
    graph = Path("pack/model.onnx").read_bytes()[:-50]
    import hashlib

    card = json.loads(Path("pack/card.json").read_text()) | {"sha256": hashlib.sha256(graph).hexdigest()}
    Path("pack/model.onnx").write_bytes(graph)
    Path("pack/card.json").write_text(json.dumps(card))
    assert batch("--pack", "pack") == 2
    assert re.fullmatch(r"voxrig: \S+/model.onnx does not run: [^\n]+\n", capsys.readouterr().err)
    assert made() == {}


# -- many


def test_memory_is_flat_in_the_number_of_clips(room: Path) -> None:
    sound = np.zeros(80, np.float32)
    for i in range(1000):
        path = Path("few" if i < 50 else "many", f"{i % 10}", f"{i}.wav")
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sound, 8000)
    code = (
        "import sys, resource; from voxrig.cli import main\n"
        "code = main(); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(code)"
    )
    peaks = []
    for folder in ("few", "many"):
        command = [sys.executable, "-c", code, "batch", folder, "--out-dir", f"made-{folder}", "--jobs", "1"]
        done = subprocess.run([*command, *PACK], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.split()[-1]))  # KiB
    assert len(made("made-many")) == 950
    assert peaks[1] < peaks[0] + 4096


def test_a_shorter_batch_is_resource_clean(room: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    assert batch() == 0
    assert (len(os.listdir("/proc/self/fd")) if before else 0) <= before + 2  # the resource tracker's pipe


# -- Ray


def test_ray_that_is_missing_is_told(
    room: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert batch("--ray", "local") == 2
    assert "Ray Data is missing; pip install 'voxrig[batch]'" in capsys.readouterr().err


@pytest.fixture
def ray() -> Any:
    return pytest.importorskip("ray", reason="Ray is not installed: pip install 'voxrig[batch]'")


def test_a_cluster_that_is_not_there_is_told(
    ray: Any, room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    assert batch("--ray", address) == 2
    assert capsys.readouterr().err == f"voxrig: no Ray cluster at '{address}': Connection refused\n"


def test_ray_does_the_same_work(ray: Any, room: Path) -> None:
    Path("lines/noise.wav").write_bytes(b"RIFF, or not")
    assert main(["batch", "lines", "--out-dir", "want", "--jobs", "1", *PACK]) == 1
    assert batch("--ray", "local", "--report", "r.jsonl") == 1
    assert made() == made("want")
    assert statuses()["noise"] == "failed"
    assert batch("--report", "r.jsonl") == 1  # one ledger for both
    assert sorted(statuses().values()) == ["failed", *["skipped"] * 4]


def test_an_actor_that_dies_takes_only_the_clip_that_kills_it(
    ray: Any, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from voxrig.batch import ray_data

    tasks, settings, tools = by_hand(("a", "b", "deadly", "c"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    batches = iter([tasks[:2], tasks[2:]])
    told = list(ray_data.run(batches, replace(settings, home=str(room)), tools, "local", 1, lambda: None))
    assert sorted((outcome.clip.out, outcome.status) for outcome in told) == [
        ("a", "done"),
        ("b", "done"),
        ("c", "done"),
        ("deadly", "failed"),
    ]
