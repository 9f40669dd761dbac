"""Laws of reading: what was written comes back, and what is no take is refused with a sentence."""

from __future__ import annotations

import io
import json
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voxrig import rigs
from voxrig.errors import FormatError
from voxrig.types import Frames, Rig
from voxrig_export import FORMATS, Format, open_sink, reading, write
from voxrig_export.rates import from_decimal, on_grid, recognise
from voxrig_export.reading import READABLE, read, readable

NTSC = Fraction(30000, 1001)
RATES = [Fraction(60), Fraction(25), NTSC, Fraction(24000, 1001), Fraction(100), Fraction(25, 2)]
PLAIN = ("csv", "json", "npz", "a2f-json", "a2f-csv", "livelink-csv")  # the curves alone, all of them
WRITTEN = [kind for kind in FORMATS if kind.name in PLAIN]
TEXT = ("csv", "json", "a2f-json", "a2f-csv", "livelink-csv")
EVERY = pytest.mark.parametrize("kind", WRITTEN, ids=lambda kind: kind.name)

# Six significant digits: half a unit in the sixth of 1.00000 is 5e-6 of the value, and a little for float32.
# npz keeps the bits. The Live Link recording has ten decimals.
RELATIVE = {"npz": 0.0, "livelink-csv": 1e-7}
ABSOLUTE = {"livelink-csv": 0.51e-10}

# Files that spell their names alike for two rigs come back as the first.
READ_AS = {("a2f-json", "a2f-52"): "arkit", ("a2f-csv", "arkit"): "a2f-52"}


def talk(rig: Rig, count: int, fps: Fraction = Fraction(60), seed: int = 0) -> Frames:
    values = np.random.default_rng(seed).uniform(rig.low, rig.high, (count, len(rig))).astype(np.float32)
    return Frames(rig, values, fps)


def told(kind: str, fps: Fraction) -> Fraction | None:
    """The rate that has to be given: a timecode does not tell 29.97 from 30."""
    return fps if kind == "livelink-csv" else None


def assert_same(kind: str, back: Frames, frames: Frames) -> None:
    assert back.rig.name == READ_AS.get((kind, frames.rig.name), frames.rig.name)
    assert (back.fps, back.start) == (frames.fps, 0)
    assert back.values.dtype == np.float32
    relative, absolute = RELATIVE.get(kind, 5.1e-6), ABSOLUTE.get(kind, 0.0)
    np.testing.assert_allclose(back.values, frames.values, rtol=relative, atol=absolute)


def fault(data: bytes | str, path: Path, **given: object) -> str:
    """What is said about a file that holds these bytes, after its name."""
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    with pytest.raises(FormatError) as caught:
        read(path, **given)  # type: ignore[arg-type]
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said.removeprefix(f"{path}: ")


def livelink(rows: dict[str, float], curve: str = "JawOpen", header: str | None = None) -> str:
    """A recording that shows one curve, by timecode."""
    names = rigs.LIVELINK_CSV_ORDER
    lines = [header or ",".join(("Timecode", "BlendShapeCount", *names))]
    for timecode, value in rows.items():
        lines.append(",".join((timecode, "61", *(str(value if name == curve else 0) for name in names))))
    return "\n".join(lines) + "\n"


def table(*rows: str, first: str = "time_s", rig: str = "visemes") -> str:
    """Our own table; each row is its time and one value for all curves."""
    names = rigs.get(rig).curves
    cells = [row.split() for row in rows]
    return (
        "\n".join([",".join((first, *names)), *(",".join((t, *[v] * len(names))) for t, v in cells)]) + "\n"
    )


# What was written comes back


@EVERY
@pytest.mark.parametrize("fps", RATES, ids=str)
def test_round_trip(kind: Format, fps: Fraction, tmp_path: Path) -> None:
    frames = talk(rigs.get(kind.default_rig), 150, fps)
    name = kind.name
    write(tmp_path / "take", frames, name)
    assert_same(name, read(tmp_path / "take", fps=told(name, fps)), frames)


@EVERY
def test_every_rig_that_is_written_is_read(kind: Format, tmp_path: Path) -> None:
    name = kind.name
    for rig in kind.rigs or rigs.names():
        frames = talk(rigs.get(rig), 70)
        write(tmp_path / rig, frames, name)
        assert_same(name, read(tmp_path / rig, fps=told(name, frames.fps)), frames)


@EVERY
def test_pieces_are_read_as_one(kind: Format, tmp_path: Path) -> None:
    name = kind.name
    frames = talk(rigs.get(kind.default_rig), 600)
    with open_sink(tmp_path / "take", frames.rig, frames.fps, name) as sink:
        for at in range(0, 600, 17):
            sink.write(Frames(frames.rig, frames.values[at : at + 17], frames.fps, at))
    assert_same(name, read(tmp_path / "take"), frames)


@pytest.mark.parametrize("name", PLAIN)
def test_no_frames_come_back_as_none(name: str, tmp_path: Path) -> None:
    kind = next(kind for kind in WRITTEN if kind.name == name)
    write(tmp_path / "take", talk(rigs.get(kind.default_rig), 0), name)
    back = read(tmp_path / "take", fps=Fraction(60))
    assert back.values.shape == (0, len(back.rig))


def test_what_can_be_read_can_be_written() -> None:
    assert set(PLAIN) <= set(readable()) <= {kind.name for kind in FORMATS}
    assert len(set(readable())) == len(READABLE)


def test_a_vrm_animation_tells_itself_from_other_binary_gltf(tmp_path: Path) -> None:
    frames = talk(rigs.get("arkit"), 70)
    write(tmp_path / "take", frames, "vrma")
    assert_same("npz", read(tmp_path / "take"), frames)


@pytest.mark.parametrize("name", TEXT)
def test_marks_and_line_ends_do_not_matter(name: str, tmp_path: Path) -> None:
    kind = next(kind for kind in WRITTEN if kind.name == name)
    frames = talk(rigs.get(kind.default_rig), 70)
    write(tmp_path / "take", frames, name)
    plain = (tmp_path / "take").read_bytes()
    (tmp_path / "take").write_bytes(b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n") + b"\r\n\r\n")
    assert_same(name, read(tmp_path / "take"), frames)
    (tmp_path / "take").write_bytes(plain.rstrip(b"\n"))
    assert_same(name, read(tmp_path / "take"), frames)


def test_columns_go_by_name_in_any_order_and_spelling(tmp_path: Path) -> None:
    frames = talk(rigs.get("arkit"), 5)
    names = [name.upper() for name in frames.rig.curves]
    turned = np.random.default_rng(1).permutation(52)
    lines = ["time_s," + ",".join(f'"{names[i]}"' for i in turned)]
    lines += [
        f"{i / 50}," + ",".join(f'"{row[k]:.9g}"' for k in turned) for i, row in enumerate(frames.values)
    ]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    back = read(tmp_path / "a.csv")
    assert (back.rig.name, back.fps) == ("arkit", 50)
    np.testing.assert_array_equal(back.values, frames.values)


def test_values_out_of_range_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(table("0 -0.5", "0.04 1.5"))
    assert read(tmp_path / "a.csv").values[:, 0].tolist() == [-0.5, 1.5]


def test_members_of_an_object_stand_in_any_order(tmp_path: Path) -> None:
    frames = talk(rigs.get("arkit"), 3)
    write(tmp_path / "a.json", frames, "a2f-json")
    whole = json.loads((tmp_path / "a.json").read_text())
    whole |= {"joints": [{"}": '"]'}], "rotations": [[["\\", None]]]}
    (tmp_path / "a.json").write_text(json.dumps(dict(reversed(whole.items())), indent=3))
    assert_same("a2f-json", read(tmp_path / "a.json"), frames)


def test_a_script_may_save_other_numbers(tmp_path: Path) -> None:
    rig = rigs.get("arkit")
    values = np.asfortranarray(np.linspace(0, 1, 3 * 52).reshape(3, 52))
    np.savez_compressed(tmp_path / "a.npz", values=values, curves=list(rig.curves), fps=[60, 1], rig="arkit")
    np.testing.assert_array_equal(read(tmp_path / "a.npz").values, values.astype(np.float32))


# Rates


@pytest.mark.parametrize("digits", [3, 4, 6, 9])
@pytest.mark.parametrize(
    "fps", [*RATES, Fraction(24), Fraction(30), Fraction(48), Fraction(60000, 1001)], ids=str
)
def test_rates_are_recognised_in_rounded_times(fps: Fraction, digits: int) -> None:
    assert recognise(np.round(np.arange(600) / float(fps), digits)) == [fps]


@pytest.mark.parametrize("fps", [Fraction(30), NTSC, Fraction(60)], ids=str)
def test_rates_are_recognised_in_sums_of_float32(fps: Fraction) -> None:
    step = np.full(300, 1 / float(fps), np.float32)
    assert recognise(np.concatenate([[0], np.cumsum(step)]).astype(np.float64)) == [fps]


def test_short_takes_in_milliseconds_may_tie() -> None:
    assert recognise(np.array([0, 0.033, 0.067, 0.1])) == [NTSC, 30]


@settings(max_examples=60, deadline=None)
@given(
    nominal=st.integers(1, 1000), count=st.integers(2, 300), television=st.booleans(), begin=st.floats(0, 50)
)
def test_any_rate_is_recognised_in_full_times(
    nominal: int, count: int, television: bool, begin: float
) -> None:
    fps = Fraction(nominal % 240 * 1000 + 1000, 1001) if television else Fraction(nominal)
    assert recognise(np.arange(count) / float(fps)) == [fps]
    assert recognise(begin + np.arange(count) / float(fps)) in ([fps], [])


@pytest.mark.parametrize(
    ("text", "fps"),
    [("29.97", NTSC), ("29.97002997002997", NTSC), ("23.98", Fraction(24000, 1001)),
     ("12.5", Fraction(25, 2)), ("59.94", Fraction(60000, 1001)), ("60", Fraction(60)),
     ("33.3", Fraction(333, 10))],
)  # fmt: skip
def test_decimals_mean_exact_rates(text: str, fps: Fraction) -> None:
    assert from_decimal(float(text)) == fps


def test_a_rate_that_the_file_tells_must_agree(tmp_path: Path) -> None:
    for name in ("csv", "json", "npz", "a2f-json", "a2f-csv"):
        kind = next(kind for kind in WRITTEN if kind.name == name)
        write(tmp_path / "a", talk(rigs.get(kind.default_rig), 70), name)
        assert len(read(tmp_path / "a", fps=Fraction(60))) == 70
        with pytest.raises(FormatError, match="it runs at 60 frames a second, not 30"):
            read(tmp_path / "a", fps=Fraction(30))


def test_rows_that_tell_no_rate_need_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert "it has 1 row, which tell no rate; give its frame rate (--from-fps 60)" in fault(
        table("0 1"), path
    )
    assert "fit 30000/1001 and 30 frames a second; give" in fault(table("0 0", "0.033 0", "0.067 1"), path)
    assert "it is unevenly timed; give" in fault(table("0 0", "0.1 0", "0.3 1", "0.31 1"), path)
    assert read(path, fps=Fraction(10)).values[:, 0].tolist() == pytest.approx([0, 0, 0.5, 1])


# Recordings of the app


def test_a_recording_without_gaps_keeps_its_values(tmp_path: Path) -> None:
    rows = {f"14:03:{52 + i // 60}:{i % 60:02}.417": i / 200 for i in range(120)}
    (tmp_path / "a.csv").write_text(livelink(rows))
    back = read(tmp_path / "a.csv")
    assert back.fps == 60
    np.testing.assert_array_equal(back.curve("JawOpen"), np.float32(list(rows.values())))


def test_skipped_frames_lie_on_straight_lines(tmp_path: Path) -> None:
    kept = [i for i in range(130) if i % 7 not in (2, 5) and i not in (58, 59)]
    (tmp_path / "a.csv").write_text(livelink({f"00:00:{i // 60:02}:{i % 60:02}.000": i / 200 for i in kept}))
    back = read(tmp_path / "a.csv")
    assert (back.fps, len(back)) == (60, 130)
    np.testing.assert_allclose(back.curve("JawOpen"), np.arange(130) / 200, atol=1e-7)


def test_rows_between_frames_are_put_on_frames(tmp_path: Path) -> None:
    places = np.cumsum(np.random.default_rng(0).choice([0.96, 1.0, 1.05], 200))
    rows = {f"00:00:{int(p // 60):02}:{int(p % 60):02}.{int(p % 1 * 1000):03}": p / 300 for p in places}
    (tmp_path / "a.csv").write_text(livelink(rows))
    back = read(tmp_path / "a.csv", fps=Fraction(60))
    np.testing.assert_allclose(
        back.curve("JawOpen"), (places[0] + np.arange(len(back))) / 300, atol=2e-3 / 300 * 2
    )


def test_a_take_may_run_past_midnight(tmp_path: Path) -> None:
    before = {f"23:59:59:{i:02}.000": i / 100 for i in range(30)}
    after = {f"00:00:00:{i:02}.000": (30 + i) / 100 for i in range(30)}
    (tmp_path / "a.csv").write_text(livelink({**before, **after}))
    back = read(tmp_path / "a.csv")
    assert (back.fps, len(back)) == (30, 60)
    np.testing.assert_allclose(back.curve("JawOpen"), np.arange(60) / 100, atol=1e-7)


@pytest.mark.parametrize("spelling", ["BlendShapeCount", "BlendshapeCount", "blendshapecount"])
def test_both_spellings_of_the_count(spelling: str, tmp_path: Path) -> None:
    header = ",".join(("Timecode", spelling, *rigs.LIVELINK_CSV_ORDER))
    (tmp_path / "a.csv").write_text(livelink({"00:00:00:59.0": 0, "00:00:01:00": 1}, header=header))
    assert read(tmp_path / "a.csv").curve("JawOpen").tolist() == [0, 1]


def test_left_and_right_of_a_recording_go_by_name(tmp_path: Path) -> None:
    for curve in ("JawLeft", "JawRight", "MouthLeft", "MouthRight", "HeadYaw"):
        (tmp_path / "a.csv").write_text(livelink({"00:00:00:59.0": 0, "00:00:01:00": 0.5}, curve))
        values = read(tmp_path / "a.csv").values[1]
        assert [rigs.get("livelink").curves[i] for i in np.flatnonzero(values)] == [curve]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (("00:00:00:00.000", "00:00:00:01.000"), "its timecode does not show how many frames a second has"),
        (("00:00:00:36.000", "00:00:01:00.000"), "its timecode does not show how many frames a second has"),
        (("00:00:00:00.000", "0:0:0:1"), "line 3: '0:0:0:1' is no timecode, HH:MM:SS:FF.mmm"),
        (("00:00:00:02.000", "00:00:00:01.000"), "line 3 is not shown after the line before it"),
        (("00:00:61:02.000",), "line 2: '00:00:61:02.000' is no timecode"),
        (("00:00:00:59.000", "00:00:01:00.000", "9999:00:00:00.000"), "its times span 2159"),
    ],
)
def test_timecodes_that_tell_no_take(rows: tuple[str, ...], words: str, tmp_path: Path) -> None:
    assert words in fault(livelink(dict.fromkeys(rows, 0)), tmp_path / "a.csv")


def test_a_given_rate_must_fit_the_timecode(tmp_path: Path) -> None:
    take = livelink({"00:00:00:59.0": 0, "00:00:01:00": 1})
    assert "its timecode counts 60 frames a second, not 30" in fault(take, tmp_path / "a", fps=NTSC)
    assert "counts to frame 45, beyond 30" in fault(livelink({"00:00:00:45": 0}), tmp_path / "a", fps=NTSC)


def test_rows_on_a_grid_are_copied_and_others_interpolated() -> None:
    values = np.float32([[0], [1], [4]])
    assert on_grid(np.array([0.0, 1.0, 2.0]), values) is values
    assert on_grid(np.array([0.0, 1.0, 4.0]), values)[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert on_grid(np.array([0.0, 0.5, 2.5]), values)[:, 0].tolist() == [0, 1.75, 3.25]


# What is no take


VISEMES = ",".join(rigs.get("visemes").curves)
ROW = ",".join("0" * 15)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ("frame,jawOpen\n0,1\n", "it begins with 'frame,jawOpen'; expected time_s,"),
        (b"\x89PNG\r\n\x1a\n", "it begins with '"),
        (b"RIFF$\0\0\0WAVEfmt ", "it is a recording, not curves; voxrig animate makes curves of it"),
        (b"\xff\xfet\0i\0m\0e\0", "it is UTF-16; save it as UTF-8"),
        (b"time_s,\xff\n", "it is no text (byte 7 is not UTF-8)"),
        (b"time_s,\0\n", "it is no table"),
        ("time_s;jawOpen\n0;0,5\n", "its columns are separated by semicolons; save it with commas"),
        ("time_s\tjawOpen\n", "its columns are separated by tabs"),
        ("time_s\n0\n", "it has no curves"),
        ("time_s,frame\n", "none of its curves is one of any rig: frame; see voxrig rigs"),
        (f"time_s,{VISEMES.replace('kk', 'kx')}\n", "unknown visemes curve 'kx'; the nearest is kk"),
        (f"time_s,{VISEMES.replace(',ou', '')}\n", "it lacks 1 of the 15 curves of visemes: ou"),
        (f"time_s,{VISEMES},PP\n", "curve 'PP' stands twice"),
        ("time_s," + ",".join(f"c{i}" for i in range(5000)), "it has 5000 curves; have at most 4096"),
        (f"time_s,{VISEMES}\n0,{ROW}\n0.1,1,2\n", "line 3 has 3 columns, the header 16"),
        (f"time_s,{VISEMES}\n0,{ROW}\n\n0.1,{ROW}\n", "line 3 is empty"),
        (table("0 0", "0.1 nan"), "line 3, sil: nan is not a finite number"),
        (table("0 0", "0.1 -inf"), "line 3, sil: -inf is not a finite number"),
        (table("0 0", "0.1 1e39"), "line 3, sil: 1e+39 is not a finite number"),
        (table("0 0", "0.1 x"), "line 3: sil is 'x', which is not a number"),
        (table("0 0", "0.1 1_0"), "line 3 holds something else than numbers"),
        (table("0 0", "0.1 ٣"), "line 3 holds something else than numbers"),
        (table("0 0", "nan 0"), "line 3: 'nan' is not a finite number"),
        (table("0 0", "0 0"), "line 3 is not shown after the line before it (0)"),
        (table("0 0", '0.1 "0'), "line 3 has a quote that does not end with its cell"),
        (table("0 " + "0" * (1 << 20)), "line 2 is longer than 1048576 bytes"),
        (f",timeCode,blendShapes.{VISEMES}\n", "column 'PP' is not one of the shapes, blendShapes.<Name>"),
        (",time,blendShapes.JawOpen\n", "expected the columns timeCode and then curves, found time"),
        ("Timecode,Count,JawOpen\n", "expected the columns Timecode, BlendShapeCount and then curves, found"),
        ("Timecode,BlendShapeCount,JawOpen\n", "it lacks 60 of the 61 curves of livelink: EyeBlinkLeft, "),
        ("{", "it begins with '{'"),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_tables_that_are_refused(text: str | bytes, words: str, tmp_path: Path) -> None:
    assert words in fault(text, tmp_path / "a.csv")


def ours(**change: object) -> str:
    """Our JSON of one frame of visemes, with members changed; None leaves one out."""
    whole = {
        "format": "voxrig-curves",
        "version": 1,
        "rig": "visemes",
        "fps": [60, 1],
        "curves": list(rigs.get("visemes").curves),
        "start": 0,
        "frames": [[0] * 15],
        "frame_count": 1,
    }
    return json.dumps({name: value for name, value in {**whole, **change}.items() if value is not None})


def theirs(members: str) -> str:
    """A2F's JSON of one frame of one shape, with these members."""
    return f'{{"facsNames": ["jawOpen"], "weightMat": [[0]], {members}}}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ours(version=2), "it is not of version 1 of voxrig-curves"),
        (ours(start=3), "which starts at frame 0"),
        (ours(format="other"), "it does not say that its format is voxrig-curves"),
        (ours(frame_count=None), "it has no frame_count at its end: it was cut"),
        (ours(frame_count=2), "frame_count is 2, but it holds 1"),
        (ours(frame_count=True), "frame_count is True"),
        (ours(fps=[60, 0]), "fps must be two whole numbers like [30000, 1001], got [60, 0]"),
        (ours(fps=60), "fps must be two whole numbers"),
        (ours(rig="arkit2"), "it is on rig 'arkit2', which voxrig does not know; have native, arkit"),
        (ours(rig=["a"]), "rig must be a name, got ['a']"),
        (ours(rig="arkit"), "none of its curves is one of arkit: sil, PP"),
        (ours(curves="sil"), "curves must be a list of names, got 'sil'"),
        (ours(frames=None), "it has no 'frames'"),
        (ours(frames=5), "'frames' is not a list of rows"),
        (ours(frames=[[0] * 15, [0] * 14], frame_count=2), "row 1 of frames has 14 numbers, the first"),
        (ours(frames=[[0] * 14]), "its rows have 14 numbers for 15 curves"),
        (ours(frames=[["0"] * 15]), "row 0 of frames is not a list of numbers"),
        (ours(frames=[[True] * 15]), "row 0 of frames is not a list of numbers"),
        (ours(frames=[[float("nan")] * 15]), "NaN is not a finite number"),
        (ours(frames=[[10**400] * 15]), "row 0 of frames holds a number that is not finite"),
        (ours().replace("[0,", "[1e999,"), "1e999 is not a finite number"),
        (ours()[:-30], "it was cut"),
        (ours() + "x", "something follows the object"),
        (ours().replace('"start"', '"fps"'), "'fps' stands twice"),
        (ours().replace("[[0", "[[[0").replace("0]]", "0]]]"), "row 0 of frames is not a list of numbers"),
        ('{"format": "voxrig-curves", "curves": ' + "[" * 100_000 + "]" * 100_000 + "}", "is no JSON"),
        ('{"format": "' + "x" * (1 << 20) + '"}', "'format' is longer than 1048576 bytes"),
        (theirs('"exportFps": 60').replace("weightMat", "matrix"), "it has no 'weightMat'"),
        (theirs('"joints": []'), "it has no exportFps; give its frame rate"),
        (theirs('"exportFps": "60"'), "exportFps must be a number"),
        (theirs('"exportFps": 0'), "0 frames a second is no frame rate"),
        (theirs('"exportFps": 60, "numFrames": 2'), "numFrames is 2, but"),
        (theirs('"exportFps": 60').replace("jawOpen", "jaw"), "none of its curves is one of any rig: jaw"),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_objects_that_are_refused(text: str, words: str, tmp_path: Path) -> None:
    assert words in fault(text, tmp_path / "a.json")


def archive(**change: object) -> bytes:
    whole: dict[str, object] = {
        "values": np.zeros((1, 15), np.float32),
        "curves": list(rigs.get("visemes").curves),
        "fps": np.array([60, 1]),
        "rig": "visemes",
    }
    out = io.BytesIO()
    np.savez(out, **{name: value for name, value in {**whole, **change}.items() if value is not None})  # type: ignore[arg-type]
    return out.getvalue()


def claim(shape: str) -> bytes:
    """An archive whose values say that they have another shape than they have."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive())) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "values.npy":
                data = data.replace(b"(1, 15)", shape.encode())  # as long, so that the header stays whole
            target.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (archive(rig=None), "it has no array 'rig'; it needs values, curves, fps, rig, has values.npy"),
        (archive(values=np.zeros((1, 14))), "values must be numbers (t, 15), got float64 (1, 14)"),
        (archive(values=np.full((1, 15), np.nan)), "frame 0 holds a value that is not a finite number"),
        (archive(values=np.full((1, 15), 1e300)), "frame 0 holds a value that is not a finite number"),
        (archive(values=np.zeros((1, 15), complex)), "values holds complex128, not numbers or text"),
        (archive(rig=np.array(None)), "rig holds object, not numbers or text"),
        (archive(rig="vrm2"), "it is on rig 'vrm2', which voxrig does not know"),
        (archive(fps=np.array([60, 0])), "fps must be two whole numbers"),
        (archive(fps=60), "fps must be two whole numbers"),
        (archive(curves=5), "curves must be a list of names and rig a name"),
        (archive()[:200], "it is no NumPy archive"),
        (archive(rig=np.frombuffer(b"\xff" * 4, "<U1")[0:1].reshape(())), "rig holds what is no text"),
        (claim("(9**9,)"), "it is no NumPy archive"),
        (claim("(9999,)"), "values has 60 bytes for 39996"),
        (claim("(-1,15)"), "values has the shape (-1, 15)"),
        (b"PK\x03\x04", "it is no NumPy archive"),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_archives_that_are_refused(data: bytes, words: str, tmp_path: Path) -> None:
    assert words in fault(data, tmp_path / "a.npz")


def test_an_archive_that_unpacks_to_much_is_refused_before_it_does(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in ("values", "fps", "rig"):
            bomb.writestr(f"{name}.npy", archive()[:0])
        bomb.writestr("curves.npy", bytes(50_000_000))
    with zipfile.ZipFile(tmp_path / "bomb.npz", "a") as bomb, pytest.warns(UserWarning, match="Duplicate"):
        bomb.writestr("values.npy", zipfile.ZipFile(io.BytesIO(archive())).read("values.npy"))
    tracemalloc.start()
    with pytest.raises(FormatError, match="curves has 50000000 bytes; have at most 1048576"):
        read(tmp_path / "bomb.npz")
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"^cannot read .*none: No such file or directory$"):
        read(tmp_path / "none")
    with pytest.raises(FormatError, match=r"^cannot read .*: Is a directory$"):
        read(tmp_path)
    with pytest.raises(FormatError, match=r"^unknown format to read 'fbx'; have csv, json, npz, "):
        read(tmp_path, "fbx")


def test_a_file_of_five_gigabytes_is_refused_at_once(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as file:
        file.write(b"time_s,jawOpen\n")
        file.truncate(5 << 30)
    with pytest.raises(FormatError, match=f"it has more than {reading.LARGEST} bytes; split it"):
        read(tmp_path / "a.csv")


def test_a_pipe_is_read_up_to_the_same_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST", 1000)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(bytes(1001))))
    with pytest.raises(FormatError, match=r"^standard input: it has more than 1000 bytes; split it$"):
        read("-")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(table("0 0", "0.04 1").encode())))
    assert read("-").fps == 25


@pytest.mark.parametrize("name", ["csv", "json"])
def test_a_long_take_costs_its_text_and_its_numbers(name: str, tmp_path: Path) -> None:
    rig = rigs.get("arkit")
    frames = Frames(rig, np.full((6000, 52), 0.123456, np.float32), Fraction(60))
    write(tmp_path / "long", frames, name)
    tracemalloc.start()
    read(tmp_path / "long")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = (tmp_path / "long").stat().st_size
    assert most < size + 3 * frames.values.nbytes + 1_000_000


# Anything at all


def seeds() -> list[bytes]:
    """Small good files of every kind, to be spoilt."""
    return [
        table("0 0", "0.04 0.5", "0.08 1").encode(),
        table("0 0", "0.04 1", first=",timeCode").replace(VISEMES, "blendShapes.JawOpen").encode(),
        livelink({"00:00:00:59.000": 0.5, "00:00:01:00.000": 1}).encode(),
        ours().encode(),
        b'{"exportFps": 30, "facsNames": ["jawOpen"], "weightMat": [[0.5]], "numFrames": 1}',
        archive(),
    ]


@pytest.mark.parametrize("entry", READABLE, ids=lambda entry: entry.name)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_do_more_than_raise_format_error(entry: reading.Readable, data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from(seeds()) | st.binary(max_size=200)))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, max(0, len(whole) - 1)))
        gone = data.draw(st.integers(0, 8) | st.integers(0, len(whole)))
        whole[at : at + gone] = data.draw(st.binary(max_size=6) | st.sampled_from(SPOILERS))
    assert_only_format_errors(lambda: entry.reader(io.BytesIO(bytes(whole)), data.draw(st.sampled_from(FPS))))


SPOILERS = [
    b"nan",
    b"1e999",
    b"[",
    b"]",
    b"{",
    b'"',
    b"\\",
    b",",
    b"\n",
    b"null",
    b"-1",
    b"9" * 30,
    b"\xef\xbb\xbf",
]
FPS = [None, Fraction(60), NTSC]


def assert_only_format_errors(act: Callable[[], Frames]) -> None:
    try:
        back = act()
    except FormatError as error:
        said = str(error)
    else:
        said = "read"
        assert np.isfinite(back.values).all()
        assert back.fps > 0
    assert re.fullmatch(r"[^\n]+", said)
