"""Laws of curve files: what goes in comes out, in pieces or at once, whole or not at all."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxrig import rigs
from voxrig.errors import FormatError, OutputError
from voxrig.types import Array, Frames, Rig
from voxrig_export import FORMATS, Format, Options, format_for, formats, open_sink, write
from voxrig_export.livelink_csv import timecode

NTSC = Fraction(30000, 1001)
ROWS = [kind for kind in FORMATS if not kind.whole]
"""Those that write a row for each frame as it comes; the others have laws of their own beside this file."""
EVERY = pytest.mark.parametrize("kind", ROWS, ids=lambda kind: kind.name)


@dataclass(frozen=True, eq=False)
class Read:
    """What a reader that shares no code with the writers finds in a file."""

    curves: list[str]
    values: np.ndarray  # (t, c) float64
    times: np.ndarray | None = None  # (t,) seconds
    fps: Fraction | None = None


def table(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    return head, rows


def numbers(rows: list[list[str]], width: int) -> np.ndarray:
    return np.array([[float(cell) for cell in row] for row in rows], np.float64).reshape(len(rows), width)


def read_csv(path: Path) -> Read:
    head, rows = table(path)
    data = numbers(rows, len(head))
    assert head[0] == "time_s"
    return Read(head[1:], data[:, 1:], times=data[:, 0])


def read_json(path: Path) -> Read:
    whole = json.loads(path.read_text("utf-8"))
    assert (whole["format"], whole["version"], whole["start"]) == ("voxrig-curves", 1, 0)
    assert whole["frame_count"] == len(whole["frames"])
    values = np.array(whole["frames"]).reshape(whole["frame_count"], len(whole["curves"]))
    return Read(whole["curves"], values, fps=Fraction(*whole["fps"]))


def read_npz(path: Path) -> Read:
    with np.load(path, allow_pickle=False) as whole:
        assert whole["values"].dtype == np.float32
        assert str(whole["rig"]) in rigs.names()
        return Read(whole["curves"].tolist(), whole["values"], fps=Fraction(*whole["fps"].tolist()))


def read_a2f_json(path: Path) -> Read:
    whole = json.loads(path.read_text("utf-8"))
    assert whole["numPoses"] == len(whole["facsNames"])
    assert whole["numFrames"] == len(whole["weightMat"])
    values = np.array(whole["weightMat"]).reshape(whole["numFrames"], whole["numPoses"])
    return Read(whole["facsNames"], values, fps=Fraction(whole["exportFps"]).limit_denominator(1001))


def read_a2f_csv(path: Path) -> Read:
    head, rows = table(path)
    data = numbers(rows, len(head))
    assert head[:2] == ["", "timeCode"]
    assert data[:, 0].tolist() == list(range(len(rows)))
    return Read([name.removeprefix("blendShapes.") for name in head[2:]], data[:, 2:], times=data[:, 1])


def read_livelink_csv(path: Path) -> Read:
    head, rows = table(path)
    assert {row[1] for row in rows} <= {"61"}
    return Read(head[2:], numbers([row[2:] for row in rows], 61))


READERS: dict[str, Callable[[Path], Read]] = {
    "csv": read_csv,
    "json": read_json,
    "npz": read_npz,
    "a2f-json": read_a2f_json,
    "a2f-csv": read_a2f_csv,
    "livelink-csv": read_livelink_csv,
}

# Six significant digits: half a unit in the sixth of 1.00000 is 5e-6 of the value.
# npz keeps the bits. The Live Link recording has ten decimals, hence half of 1e-10 whatever the value.
RELATIVE = {"csv": 5e-6, "json": 5e-6, "npz": 0.0, "a2f-json": 5e-6, "a2f-csv": 5e-6, "livelink-csv": 0.0}
ABSOLUTE = {"livelink-csv": 0.51e-10}


def assert_round_trip(kind: Format, frames: Frames, path: Path) -> None:
    """Writes, reads, and compares values by name, times, rate and number of rows."""
    before = frames.values.copy()
    write(path, frames, kind.name)
    back = READERS[kind.name](path)
    np.testing.assert_array_equal(frames.values, before)
    folded = {name.lower(): column for column, name in enumerate(back.curves)}
    columns = [folded[name.lower()] for name in frames.rig.curves]
    assert back.values.shape == frames.values.shape
    wanted = frames.values.astype(np.float64)
    relative, absolute = RELATIVE[kind.name], ABSOLUTE.get(kind.name, 0)
    np.testing.assert_allclose(back.values[:, columns], wanted, rtol=relative, atol=absolute)
    if back.times is not None:
        np.testing.assert_allclose(back.times, frames.times, rtol=1e-9, atol=0)
    if back.fps is not None:
        assert back.fps == frames.fps


def talk(rig: Rig, count: int, fps: Fraction = Fraction(60), seed: int = 0) -> Frames:
    values = np.random.default_rng(seed).uniform(-1, 1, (count, len(rig))).astype(np.float32)
    return Frames(rig, values, fps)


def piece(frames: Frames, first: int, last: int) -> Frames:
    return Frames(frames.rig, frames.values[first:last], frames.fps, first)


def toy(*curves: str) -> Rig:
    zero = np.zeros(len(curves), np.float32)
    return Rig("toy", curves, zero, zero + 1, zero)


# What goes in comes out


@EVERY
@pytest.mark.parametrize("fps", [Fraction(60), Fraction(25), NTSC], ids=str)
def test_round_trip(kind: Format, fps: Fraction, tmp_path: Path) -> None:
    assert_round_trip(kind, talk(rigs.get(kind.default_rig), 40, fps), tmp_path / "talk")


@EVERY
def test_every_rig_it_names_fits(kind: Format, tmp_path: Path) -> None:
    for name in kind.rigs or rigs.names():
        assert_round_trip(kind, talk(rigs.get(name), 3), tmp_path / name)


@EVERY
def test_no_frames_make_a_valid_file(kind: Format, tmp_path: Path) -> None:
    assert_round_trip(kind, talk(rigs.get(kind.default_rig), 0), tmp_path / "nothing")


@EVERY
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_number_round_trips(
    kind: Format, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rig = rigs.get(kind.default_rig)
    few = data.draw(st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=200))
    values = np.resize(np.array(few, np.float32), (4, len(rig)))
    assert_round_trip(kind, Frames(rig, values, NTSC), tmp_path_factory.getbasetemp() / f"any-{kind.name}")


@EVERY
def test_pieces_give_the_same_bytes(kind: Format, tmp_path: Path) -> None:
    frames = talk(rigs.get(kind.default_rig), 600)
    write(tmp_path / "once", frames, kind.name)
    for name, step in (("ones", 1), ("odd", 17), ("large", 441)):
        with open_sink(tmp_path / name, frames.rig, frames.fps, kind.name) as sink:
            for first in range(0, 600, step):
                sink.write(piece(frames, first, first + step))
        assert (tmp_path / name).read_bytes() == (tmp_path / "once").read_bytes()


def test_frame_times_stay_exact_for_hours(tmp_path: Path) -> None:
    count = 3 * 3600 * 30
    still = Frames(toy("jawOpen"), np.zeros((count, 1), np.float32), NTSC)
    write(tmp_path / "long.csv", still)
    times = np.loadtxt(tmp_path / "long.csv", delimiter=",", skiprows=1, usecols=0)
    np.testing.assert_array_equal(np.rint(times * float(NTSC)), np.arange(count))
    np.testing.assert_allclose(times, still.times, rtol=1e-9, atol=0)


def test_names_with_commas_and_quotes_are_quoted(tmp_path: Path) -> None:
    assert_round_trip(format_for("a.csv"), talk(toy("a,b", 'say "o"', "größe"), 2), tmp_path / "a.csv")


@EVERY
@pytest.mark.parametrize("shape", ["F", "strided", "float64"])
def test_memory_layout_does_not_matter(kind: Format, shape: str, tmp_path: Path) -> None:
    frames = talk(rigs.get(kind.default_rig), 10)
    odd = {
        "F": np.asfortranarray(frames.values),
        "strided": np.repeat(frames.values, 2, axis=0)[::2],
        "float64": frames.values.astype(np.float64),
    }[shape]
    write(tmp_path / "plain", frames, kind.name)
    write(tmp_path / "odd", Frames(frames.rig, odd, frames.fps), kind.name)
    assert (tmp_path / "odd").read_bytes() == (tmp_path / "plain").read_bytes()


# The formats of others, literally


def test_livelink_header_and_row(tmp_path: Path) -> None:
    frames = talk(rigs.get("livelink"), 2)
    frames.values[1, 0] = 0.25
    write(tmp_path / "take.csv", frames, "livelink-csv")
    head, zero, one = (tmp_path / "take.csv").read_bytes().decode("ascii").splitlines()
    names = head.split(",")
    assert len(names) == 63
    assert names[:4] == ["Timecode", "BlendShapeCount", "EyeBlinkLeft", "EyeLookDownLeft"]
    assert (
        ",JawForward,JawRight,JawLeft,JawOpen,MouthClose,MouthFunnel,MouthPucker,MouthRight,MouthLeft,"
        in head
    )
    assert head.endswith(",TongueOut,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,LeftEyeRoll"
                         ",RightEyeYaw,RightEyePitch,RightEyeRoll")  # fmt: skip
    assert zero.startswith("00:00:00:00.000,61,")
    assert one.startswith("00:00:00:01.000,61,0.2500000000,")


@pytest.mark.parametrize(
    "name", ["JawLeft", "JawRight", "MouthLeft", "MouthRight", "HeadYaw", "RightEyeRoll"]
)
def test_livelink_values_go_by_name(name: str, tmp_path: Path) -> None:
    rig = rigs.get("livelink")
    values = np.zeros((1, len(rig)), np.float32)
    values[0, rig.index(name)] = 0.5
    write(tmp_path / "take.csv", Frames(rig, values, Fraction(60)), "livelink-csv")
    head, (row,) = table(tmp_path / "take.csv")
    assert [head[column] for column in range(2, 63) if float(row[column])] == [name]


@pytest.mark.parametrize(
    ("frame", "nominal", "text"),
    [
        (0, 60, "00:00:00:00.000"),
        (59, 60, "00:00:00:59.000"),
        (60, 60, "00:00:01:00.000"),
        (1800, 30, "00:01:00:00.000"),
        (3 * 3600 * 60 + 61, 60, "03:00:01:01.000"),
        (119, 120, "00:00:00:119.000"),
    ],
)
def test_timecode(frame: int, nominal: int, text: str) -> None:
    assert timecode(frame, nominal) == text


def test_livelink_counts_nominal_frames_at_fractional_rates(tmp_path: Path) -> None:
    write(tmp_path / "take.csv", talk(rigs.get("livelink"), 31, NTSC), "livelink-csv")
    assert [row[0] for row in table(tmp_path / "take.csv")[1]][-2:] == ["00:00:00:29.000", "00:00:01:00.000"]


def test_a2f_json_says_what_importers_look_for(tmp_path: Path) -> None:
    write(tmp_path / "a.json", talk(rigs.get("a2f-52"), 2), "a2f-json", audio="line.wav")
    whole = json.loads((tmp_path / "a.json").read_text())
    assert (whole["exportFps"], whole["trackPath"], whole["numPoses"], whole["numFrames"]) == (
        60,
        "line.wav",
        52,
        2,
    )
    assert isinstance(whole["exportFps"], int)
    assert whole["facsNames"][0] == "eyeBlinkLeft"


@pytest.mark.parametrize("rig", ["a2f", "a2f-52", "arkit"])
def test_a2f_csv_header(rig: str, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", talk(rigs.get(rig), 1), "a2f-csv")
    assert (
        (tmp_path / "a.csv")
        .read_text()
        .startswith(",timeCode,blendShapes.EyeBlinkLeft,blendShapes.EyeLookDownLeft,")
    )


# Whole or not at all


@EVERY
@pytest.mark.parametrize("accident", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_abandoned_sink_leaves_nothing(kind: Format, accident: type[BaseException], tmp_path: Path) -> None:
    frames = talk(rigs.get(kind.default_rig), 300)

    def interrupted() -> None:
        with open_sink(tmp_path / "talk", frames.rig, frames.fps, kind.name) as sink:
            sink.write(frames)
            raise accident

    with pytest.raises(accident):
        interrupted()
    assert list(tmp_path.iterdir()) == []


@EVERY
def test_old_file_stays_until_the_new_one_is_whole(kind: Format, tmp_path: Path) -> None:
    path, frames = tmp_path / "talk", talk(rigs.get(kind.default_rig), 3)
    path.write_text("old")
    with open_sink(path, frames.rig, frames.fps, kind.name) as sink:
        sink.write(frames)
        assert path.read_text() == "old"
    assert len(READERS[kind.name](path).values) == 3
    assert list(tmp_path.iterdir()) == [path]


FULL_DISK = """
import resource, sys
from fractions import Fraction
import numpy as np
from voxrig import rigs
from voxrig.errors import OutputError
from voxrig.types import Frames
from voxrig_export import FORMATS, write

for kind in FORMATS:
    if kind.whole:
        continue
    rig = rigs.get(kind.default_rig)
    frames = Frames(rig, np.zeros((4000, len(rig)), np.float32), Fraction(60))
    whole = frames.values.nbytes
    late = whole + 50 if kind.seekable else whole // 4
    for count, limit in ((0, 10), (1, 10), (4000, 3), (4000, 100_000), (4000, late)):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            write(sys.argv[1] + "/talk", Frames(rig, frames.values[:count], frames.fps), kind.name)
        except OutputError as error:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            print(error)
        else:
            sys.exit(f"{kind.name}: {count} frames fit in {limit} bytes")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file size")
def test_full_disk_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-X", "dev", "-c", FULL_DISK, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ResourceWarning" not in done.stderr
    assert set(done.stdout.splitlines()) == {f"cannot write {tmp_path / 'talk'}: File too large"}
    assert list(tmp_path.iterdir()) == []


def test_a_take_shorter_than_announced_leaves_nothing(tmp_path: Path) -> None:
    frames = talk(toy("jawOpen"), 3)

    def cut_short() -> None:
        with open_sink(tmp_path / "a.csv", frames.rig, frames.fps, total=4) as sink:
            sink.write(frames)

    with pytest.raises(ValueError, match="4 frames were announced, 3 came"):
        cut_short()
    assert list(tmp_path.iterdir()) == []


def test_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", talk(toy("jawOpen"), 1))
    (tmp_path / "b.csv").touch()
    assert (tmp_path / "a.csv").stat().st_mode == (tmp_path / "b.csv").stat().st_mode


def test_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write(tmp_path / "link.csv", talk(toy("jawOpen"), 1))
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("time_s,jawOpen\n")


# Where it cannot go


def refusal(path: Path | str, format: str = "csv") -> str:
    with pytest.raises(OutputError) as caught:
        open_sink(path, toy("jawOpen"), Fraction(60), format)
    return str(caught.value)


@pytest.mark.parametrize("format", ["csv", "npz"])
def test_places_that_take_no_file(format: str, tmp_path: Path) -> None:
    file, missing, long = tmp_path / "file", tmp_path / "no" / "a.csv", tmp_path / ("a" * 300)
    file.touch()
    assert refusal(tmp_path, format) == f"cannot write {tmp_path}: it is a folder"
    assert refusal(missing, format) == f"cannot write {missing}: No such file or directory"
    assert refusal(file / "a.csv", format) == f"cannot write {file / 'a.csv'}: Not a directory"
    assert refusal(long, format) == f"cannot write {long}: File name too long"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert refusal(tmp_path / "a.csv") == f"cannot write {tmp_path / 'a.csv'}: Permission denied"


def test_standard_output_takes_text(capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    frames = talk(toy("jawOpen"), 3)
    write(tmp_path / "a.csv", frames)
    write("-", frames, "csv")
    assert capsysbinary.readouterr().out == (tmp_path / "a.csv").read_bytes()


def test_standard_output_takes_no_archive() -> None:
    with pytest.raises(
        FormatError, match=r"^npz needs a file on disk; standard output and pipes take csv, json, a2f"
    ):
        open_sink("-", toy("jawOpen"), Fraction(60), "npz")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.mark.skipif(sys.platform == "win32", reason="needs /dev/fd")
def test_pipe_is_written_through(pipe: tuple[int, int]) -> None:
    read, given = pipe
    write(f"/dev/fd/{given}", talk(toy("jawOpen"), 0), "csv")
    assert os.read(read, 100) == b"time_s,jawOpen\n"


# What it will not hold


def test_wrong_rig_names_the_right_ones() -> None:
    with pytest.raises(FormatError, match=r"^livelink-csv holds rig livelink, not arkit$"):
        format_for("a", "livelink-csv").check(rigs.get("arkit"))
    with pytest.raises(FormatError, match=r"^a2f-json holds rigs arkit, a2f, a2f-52, not livelink$"):
        open_sink("a", rigs.get("livelink"), Fraction(60), "a2f-json")


@pytest.mark.parametrize(
    ("path", "format", "named"), [("a.xyz", None, ".xyz"), ("a", None, "a"), ("a.csv", "cvs", "cvs")]
)
def test_unknown_format_lists_all(path: str, format: str | None, named: str) -> None:
    with pytest.raises(FormatError) as caught:
        format_for(path, format)
    have = ", ".join(kind.name for kind in FORMATS)
    assert str(caught.value) == f"unknown format '{named}'; have {have}"


def test_standard_output_wants_a_format() -> None:
    with pytest.raises(
        FormatError, match="standard output has no suffix: name a format; have csv, json, npz"
    ):
        format_for("-")


@pytest.mark.parametrize(("path", "name"), [("a.csv", "csv"), ("a.JSON", "json"), ("a.b.npz", "npz")])
def test_suffix_picks(path: str, name: str) -> None:
    assert format_for(path).name == name
    assert format_for("a.txt", name).name == name


def test_table_is_sound() -> None:
    assert formats() is FORMATS
    assert len({kind.name for kind in FORMATS}) == len(FORMATS)
    for kind in FORMATS:
        kind.check(rigs.get(kind.default_rig))
        assert set(kind.options) <= {part.name for part in fields(Options)}
        assert set(kind.rigs or ()) <= set(rigs.names())


def test_options_go_to_formats_that_know_them(tmp_path: Path) -> None:
    frames = talk(rigs.get("arkit"), 3)
    with pytest.raises(FormatError, match="csv has no use for --mesh; unity, unreal, maya"):
        write(tmp_path / "a.csv", frames, options=Options(mesh="Head"))
    assert list(tmp_path.iterdir()) == []
    still = Frames(frames.rig, np.abs(frames.values), frames.fps)
    write(tmp_path / "a.anim", still, options=Options(mesh="Body/Head", tolerance=0.01))
    assert "Body/Head" in (tmp_path / "a.anim").read_text()


def misuses(frames: Frames) -> dict[str, Frames]:
    odd = frames.values.copy()
    odd[2, 0] = np.nan
    return {
        "expected 0, got 1": Frames(frames.rig, frames.values, frames.fps, 1),
        "holds rig toy, frames are on other": Frames(_renamed(frames.rig), frames.values, frames.fps),
        "runs at 60 frames a second, frames at 30": Frames(frames.rig, frames.values, Fraction(30)),
        "frames from 0 hold a value that is not a finite number": Frames(frames.rig, odd, frames.fps),
    }


def _renamed(rig: Rig) -> Rig:
    return Rig("other", rig.curves, rig.low, rig.high, rig.rest)


@pytest.mark.parametrize("message", list(misuses(talk(toy("jawOpen"), 3))))
def test_misuse_is_a_value_error_and_leaves_nothing(message: str, tmp_path: Path) -> None:
    frames = talk(toy("jawOpen"), 3)

    def misuse() -> None:
        with open_sink(tmp_path / "a.csv", frames.rig, frames.fps) as sink:
            sink.write(misuses(frames)[message])

    with pytest.raises(ValueError, match=message):
        misuse()
    assert list(tmp_path.iterdir()) == []


def test_closed_sink_takes_no_more(tmp_path: Path) -> None:
    frames = talk(toy("jawOpen"), 3)
    sink = open_sink(tmp_path / "a.csv", frames.rig, frames.fps)
    sink.close()
    sink.close()
    with pytest.raises(ValueError, match="closed"):
        sink.write(frames)
    assert (tmp_path / "a.csv").read_text() == "time_s,jawOpen\n"


# Size


@EVERY
def test_memory_does_not_grow_with_length(kind: Format, tmp_path: Path) -> None:
    """8,000 rows are 2 MB of float32 and 12 MB as Python numbers; a writer may hold a small part of that."""
    rig = rigs.get(kind.default_rig)
    values: Array = np.zeros((8000, len(rig)), np.float32)
    tracemalloc.start()
    try:
        write(tmp_path / "long", Frames(rig, values, Fraction(60)), kind.name)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_500_000
    (tmp_path / "long").unlink()


def test_a_hundred_thousand_rows_stay_small(tmp_path: Path) -> None:
    rig, block = toy("jawOpen", "mouthClose"), np.zeros((1000, 2), np.float32)
    for name in ("csv", "json", "npz"):
        tracemalloc.start()
        with open_sink(tmp_path / "long", rig, Fraction(60), name, total=100_000) as sink:
            for start in range(0, 100_000, 1000):
                sink.write(Frames(rig, block, Fraction(60), start))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1_500_000
