"""Laws of ``voxrig convert``: every format that can be read to every one that can be written."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from voxrig import rigs
from voxrig.cli import main
from voxrig.types import Frames
from voxrig_export import FORMATS, write
from voxrig_export.reading import read

EMBEDDED = ("arkit", "livelink", "a2f", "a2f-52")
PLAIN = ("csv", "json", "npz", "a2f-json", "a2f-csv", "livelink-csv")
SIX_DIGITS = 5.1e-6  # of a value, each time that it is written

Fails = Callable[..., None]


def smooth(rig: str, count: int = 150, fps: Fraction = Fraction(60)) -> Frames:
    """Curves within range that differ from one another and have no corners."""
    face = rigs.get(rig)
    turns = 0.5 + 0.5 * np.sin(np.arange(count)[:, None] / 9 + np.arange(len(face)))
    values = (face.low + (face.high - face.low) * turns * 0.9).astype(np.float32)
    return Frames(face, values, fps)


def convert(*args: str | Path) -> None:
    assert main(["convert", *map(str, args)]) == 0


@pytest.fixture
def fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fails:
    """Asserts that ``voxrig convert …`` ends with code 2 and one line with ``words``, and writes nothing."""
    monkeypatch.chdir(tmp_path)
    write("take.csv", smooth("arkit"))
    write("short.csv", smooth("arkit", 1))
    (tmp_path / "bad.csv").write_text("time_s,jawOpn\n0,1\n")
    (tmp_path / "nothing.csv").touch()
    write("vrm.csv", smooth("vrm1"))

    def check(*args: str, words: str) -> None:
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        try:
            code = main(["convert", *args])
        except SystemExit as ended:
            code = ended.code  # type: ignore[assignment]
        told = capsys.readouterr()
        assert (code, told.out) == (2, "")
        assert re.fullmatch(r"voxrig[^\n]*: [^\n]+\n", told.err), told.err
        assert words in told.err
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

    return check


# What comes out


@pytest.mark.parametrize("source", PLAIN)
@pytest.mark.parametrize("target", PLAIN)
def test_every_pair_of_formats_keeps_the_52_shapes(source: str, target: str, tmp_path: Path) -> None:
    kinds = {kind.name: kind for kind in FORMATS}
    frames = smooth(kinds[source].default_rig)
    write(tmp_path / "in", frames, source)
    convert(tmp_path / "in", tmp_path / "out", "--format", target)
    back = read(tmp_path / "out")
    assert (back.fps, len(back)) == (frames.fps, len(frames))
    for curve in rigs.get("arkit").curves:
        spelled = [{name.lower(): name for name in each.rig.curves}[curve.lower()] for each in (frames, back)]
        np.testing.assert_allclose(
            back.curve(spelled[1]), frames.curve(spelled[0]), rtol=2 * SIX_DIGITS, atol=1e-9
        )


def test_a_chain_of_formats_ends_where_it_began(tmp_path: Path) -> None:
    frames = smooth("livelink")
    write(tmp_path / "a.csv", frames, "livelink-csv")
    convert(tmp_path / "a.csv", tmp_path / "b.json")
    convert(tmp_path / "b.json", tmp_path / "c.npz")
    convert(tmp_path / "c.npz", tmp_path / "d.csv", "--format", "livelink-csv")
    for name, tolerance in (("b.json", SIX_DIGITS), ("c.npz", SIX_DIGITS), ("d.csv", SIX_DIGITS)):
        back = read(tmp_path / name)
        assert (back.rig.name, back.fps) == ("livelink", 60)
        np.testing.assert_allclose(back.values, frames.values, rtol=tolerance, atol=1e-9)


@pytest.mark.parametrize("source", EMBEDDED)
@pytest.mark.parametrize("target", rigs.names())
def test_captures_of_other_tools_reach_every_rig(source: str, target: str, tmp_path: Path) -> None:
    frames = smooth(source, 5)
    write(tmp_path / "in.npz", frames)
    convert(tmp_path / "in.npz", tmp_path / "out.npz", "--rig", target)
    back = read(tmp_path / "out.npz")
    assert back.rig.name == target
    np.testing.assert_array_equal(back.values, rigs.map_to(frames.rig, back.rig)(frames).values)
    if target in ("native", *EMBEDDED):
        spelled = {name.lower(): name for name in back.rig.curves}
        for curve in rigs.get("arkit").curves:
            there = {name.lower(): name for name in frames.rig.curves}[curve.lower()]
            np.testing.assert_array_equal(back.curve(spelled[curve.lower()]), frames.curve(there))


@pytest.mark.parametrize(("fps", "count"), [("24", 60), ("30", 75), ("29.97", 75), ("60", 150), ("120", 299)])
def test_rates_change_by_straight_lines(fps: str, count: int, tmp_path: Path) -> None:
    frames = smooth("arkit")
    write(tmp_path / "in.npz", frames)
    convert(tmp_path / "in.npz", tmp_path / "out.npz", "--fps", fps)
    back = read(tmp_path / "out.npz")
    assert len(back) == count
    for curve in ("jawOpen", "tongueOut"):
        wanted = np.interp(back.times, frames.times, frames.curve(curve))
        np.testing.assert_allclose(back.curve(curve), wanted, atol=1e-6)


def test_a_long_take_is_the_same_in_pieces(tmp_path: Path) -> None:
    frames = smooth("arkit", 3000)
    write(tmp_path / "in.npz", frames)
    convert(tmp_path / "in.npz", tmp_path / "out.npz", "--rig", "metahuman", "--fps", "25")
    back = read(tmp_path / "out.npz")
    assert len(back) == 1250
    wanted = np.interp(back.times, frames.times, frames.curve("jawOpen"))
    np.testing.assert_allclose(back.curve("CTRL_expressions_jawOpen"), wanted, atol=1e-6)


def test_the_rig_is_the_formats_own_where_it_cannot_hold_the_takes(tmp_path: Path) -> None:
    write(tmp_path / "in.csv", smooth("livelink"))
    convert(tmp_path / "in.csv", tmp_path / "a.json", "--format", "a2f-json")
    convert(tmp_path / "in.csv", tmp_path / "b.json")
    assert read(tmp_path / "a.json").rig.name == "arkit"
    assert read(tmp_path / "b.json").rig.name == "livelink"


def test_mouths_that_nobody_heard_become_cues_by_their_shapes(tmp_path: Path) -> None:
    write(tmp_path / "in.csv", smooth("arkit"))
    convert(tmp_path / "in.csv", tmp_path / "cues.tsv", "--format", "rhubarb")
    assert len({line.split("\t")[1] for line in (tmp_path / "cues.tsv").read_text().splitlines()}) > 2


def test_a_given_rate_is_taken_for_takes_that_tell_none(tmp_path: Path) -> None:
    write(tmp_path / "in.csv", smooth("livelink", fps=Fraction(30000, 1001)), "livelink-csv")
    convert(tmp_path / "in.csv", tmp_path / "out.json", "--from-fps", "29.97")
    assert read(tmp_path / "out.json").fps == Fraction(30000, 1001)
    convert(tmp_path / "in.csv", tmp_path / "out.json")
    assert read(tmp_path / "out.json").fps == 30


def test_values_out_of_range_are_held_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = smooth("arkit")
    frames.values[3, :2] = (-0.5, 1.5)
    write(tmp_path / "in.csv", frames)
    convert(tmp_path / "in.csv", tmp_path / "out.json")
    assert read(tmp_path / "out.json").values[3, :2].tolist() == [0, 1]
    told = capsys.readouterr()
    assert told.out.endswith("out.json: 150 frames of arkit at 60, from 150 frames of arkit at 60\n")
    assert told.err == f"voxrig: {tmp_path / 'in.csv'}: 2 values of arkit out of range, held to it\n"


def test_streams_in_and_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    frames = smooth("arkit", 70)
    write(tmp_path / "in.npz", frames)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((tmp_path / "in.npz").read_bytes())))
    convert("-", "-", "--format", "json")
    whole = json.loads(capsysbinary.readouterr().out)
    assert (whole["frame_count"], whole["rig"]) == (70, "arkit")


def test_no_frames_are_converted_to_none(tmp_path: Path) -> None:
    write(tmp_path / "in.npz", smooth("arkit", 0))
    convert(tmp_path / "in.npz", tmp_path / "out.csv", "--rig", "visemes", "--fps", "30")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 1


# What is refused


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("none.csv", "out.json"), "cannot read none.csv: No such file or directory"),
        (("nothing.csv", "out.json"), "nothing.csv: it is empty"),
        (("bad.csv", "out.json"), "bad.csv: none of its curves is one of any rig: jawOpn"),
        (("short.csv", "out.json"), "short.csv: it has 1 row, which tell no rate; give its frame rate"),
        (("take.csv", "out.json", "--from", "json"), "take.csv: it is not a JSON object"),
        (("take.csv", "out.json", "--from", "fbx"), "unknown format to read 'fbx'; have csv, json, npz"),
        (("take.csv", "out.json", "--from-fps", "30"), "take.csv: it runs at 60 frames a second, not 30"),
        (("take.csv", "out.xyz"), "unknown format '.xyz'; have csv, json, npz"),
        (("take.csv", "-"), "standard output has no suffix: name a format"),
        (("take.csv", "-", "--format", "npz"), "npz needs a file on disk"),
        (("take.csv", "out.json", "--format", "livelink-csv", "--rig", "arkit"), "holds rig livelink"),
        (("take.csv", "out.json", "--rig", "arkit2"), "unknown rig 'arkit2'; have native, arkit"),
        (("vrm.csv", "out.json", "--rig", "arkit"), "no map from vrm1 to arkit; have none"),
        (("take.csv", "out.srt"), "a take on arkit has none; animate the recording"),
        (("take.csv", "out.tsv", "--rig", "native"), "rhubarb takes phones from rig native, and a take on"),
        (("take.csv", "out.json", "--fps", "0"), "0 frames a second; have 1 to 1000"),
        (("take.csv", "out.json", "--tolerance", "0.1"), "json has no use for --tolerance"),
        (("take.csv", "out.json", "--tolerance", "nan"), "--tolerance is nan; have 0 to 1"),
        (("take.csv", "out.json", "--mesh", "Head"), "json has no use for --mesh"),
        (("take.csv", "take.csv"), "'take.csv' is the file 'take.csv' that is read"),
        (("take.csv", "./take.csv"), "is the file 'take.csv' that is read"),
        (("take.csv", "none/out.json"), "cannot write none/out.json: No such file or directory"),
        (("take.csv",), "the following arguments are required: OUT"),
        (("two\nlines", "out.json"), r"cannot read two\nlines: No such file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_what_cannot_be_converted(fails: Fails, args: tuple[str, ...], words: str) -> None:
    fails(*args, words=words)
