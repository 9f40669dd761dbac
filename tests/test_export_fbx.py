"""Laws of FBX files, and what Blender finds in those that it imports.

Blender is a gigabyte, so it lives in an interpreter of its own, which ``VOXRIG_BPY_PYTHON`` names; without it
only the refusals are tested.
"""

from __future__ import annotations

import importlib.util
import io
import json
import math
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from fbx_records import TICKS, channels
from small_head import PICTURE, POINTS, offsets, write_head

from voxrig import rigs
from voxrig.errors import FormatError, OutputError, VoxrigError
from voxrig.types import Frames
from voxrig_export.fbx import Blender, Fbx
from voxrig_export.glb import GlbTake
from voxrig_export.options import Options
from voxrig_export.take import Take, Writer

NTSC = Fraction(30000, 1001)
BLENDER = os.environ.get("VOXRIG_BPY_PYTHON", sys.executable if importlib.util.find_spec("bpy") else "")
with_blender = pytest.mark.skipif(not BLENDER, reason="needs Blender: VOXRIG_BPY_PYTHON, a Python with bpy")


def talk(count: int, fps: Fraction = NTSC, rig: str = "arkit") -> Frames:
    values = np.random.default_rng(8).uniform(0, 1, (count, len(rigs.get(rig)))).astype(np.float32)
    return Frames(rigs.get(rig), values, fps)


def made(kind: str, frames: Frames, folder: Path, options: Options, blender: str = BLENDER) -> Path:
    path = folder / f"talk.{kind}"
    take = Take(frames.rig, frames.fps, folder=folder, options=options)
    with path.open("wb") as out:
        writer: Writer
        if kind == "fbx":
            writer = Fbx(out, take, Blender(blender))
        elif kind == "glb":
            writer = GlbTake(out, take)
        else:
            usd = pytest.importorskip("voxrig_export.usd")
            writer = usd.Usda(out, take)
        for start in range(0, len(frames), 7):
            writer.write(frames.values[start : start + 7], start)
        writer.finish(len(frames))
        writer.release()
    return path


IMPORT = """
import json, sys
import bpy
how, path = sys.argv[1:3]
count, rate, base, first, stretch = map(float, sys.argv[3:])
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.fps, scene.render.fps_base = int(rate), base
{
    "fbx": lambda: bpy.ops.wm.fbx_import(filepath=path),
    "fbx-python": lambda: bpy.ops.import_scene.fbx(filepath=path),
    "glb": lambda: bpy.ops.import_scene.gltf(filepath=path),
    "usda": lambda: bpy.ops.wm.usd_import(filepath=path),
}[how]()
meshes = [thing for thing in bpy.data.objects if thing.type == "MESH" and thing.data.shape_keys]
keys = meshes[0].data.shape_keys.key_blocks[1:]
rows, points = [], []
for index in range(int(count)):
    whole, part = divmod(first + index * stretch, 1)
    scene.frame_set(int(whole), subframe=part)
    rows.append([key.value for key in keys])
graph = bpy.context.evaluated_depsgraph_get()
for mesh in meshes:
    shown = mesh.evaluated_get(graph)
    points += [list(shown.matrix_world @ vertex.co) for vertex in shown.data.vertices]
print("RESULT" + json.dumps({"names": [key.name for key in keys], "rows": rows, "points": points}))
"""


def imported(path: Path, how: str, frames: Frames, first: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """What Blender shows at each frame: names, values (t, c), and the points (v, 3) of the last frame."""
    rate = math.ceil(frames.fps)
    base = float(rate / frames.fps)
    stretch = base ** {"fbx-python": 1, "glb": 2}.get(how, 0)  # one leaves the base out, one multiplies by it
    about = map(str, (len(frames), rate, base, first, stretch))
    done = subprocess.run(
        [BLENDER, "-c", IMPORT, how, str(path), *about],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    found = json.loads(line.removeprefix("RESULT"))
    return found["names"], np.array(found["rows"]), np.array(found["points"])


# The frame of a Blender scene on which frame 0 of a file lands: its importers count differently.
IMPORTERS = pytest.mark.parametrize(
    ("kind", "how", "first"),
    [("fbx", "fbx", 1), ("fbx", "fbx-python", 1), ("glb", "glb", 0), ("usda", "usda", 0)],
)


@with_blender
@pytest.mark.parametrize("fps", [Fraction(60), NTSC], ids=str)
@IMPORTERS
def test_blender_reads_every_curve(kind: str, how: str, first: int, fps: Fraction, tmp_path: Path) -> None:
    frames = talk(int(2 * fps), fps)
    path = made(kind, frames, tmp_path, Options(avatar=write_head(tmp_path / "head.glb", frames.rig.curves)))
    names, values, _ = imported(path, how, frames, first)
    assert sorted(names) == sorted(frames.rig.curves)
    wanted = frames.values[:, [frames.rig.index(name) for name in names]]
    assert values.shape == wanted.shape
    error = np.abs(values - wanted).max()
    print(f"{how} at {fps}: {error:.1e}")
    assert error <= 1e-4


@with_blender
@pytest.mark.parametrize("bone", [False, True], ids=["still", "skinned"])
def test_blender_shows_the_same_face_whatever_the_file(bone: bool, tmp_path: Path) -> None:
    frames = talk(3)
    avatar = write_head(tmp_path / "head.glb", frames.rig.curves, bone=bone)
    moved = POINTS + np.array([0, 1.5, 0]) + sum(w * offsets(i) for i, w in enumerate(frames.values[-1]))
    wanted = np.stack([moved[:, 0], -moved[:, 2], moved[:, 1]], axis=1)  # Blender has +Z up
    for kind, how, first in (("fbx", "fbx", 1), ("glb", "glb", 0), ("usda", "usda", 0)):
        path = made(kind, Frames(frames.rig, frames.values, frames.fps), tmp_path, Options(avatar=avatar))
        points = imported(path, how, frames, first)[2]
        error = np.abs(points - wanted).max()
        print(f"{how}: {error:.1e} m")
        assert error <= 1e-5


# What stands in the file, read without Blender


@with_blender
@pytest.mark.parametrize("fps", [Fraction(60), Fraction(25), NTSC], ids=str)
def test_keys_stand_on_the_exact_moment(fps: Fraction, tmp_path: Path) -> None:
    frames = talk(50, fps)
    avatar = write_head(tmp_path / "head.glb", frames.rig.curves)
    found = channels(made("fbx", frames, tmp_path, Options(avatar=avatar)).read_bytes())
    assert sorted(found) == sorted(frames.rig.curves)
    for name, (ticks, percent) in found.items():
        wanted = [index * TICKS * fps.denominator / fps.numerator for index in range(50)]
        np.testing.assert_allclose(ticks, wanted, rtol=0, atol=1)
        np.testing.assert_allclose(percent / 100, frames.curve(name), rtol=0, atol=1e-6)


@with_blender
@pytest.mark.parametrize("count", [0, 1])
def test_short_takes(count: int, tmp_path: Path) -> None:
    frames = talk(count)
    avatar = write_head(tmp_path / "head.glb", frames.rig.curves)
    found = channels(made("fbx", frames, tmp_path, Options(avatar=avatar)).read_bytes())
    for name, (_, percent) in found.items():
        np.testing.assert_allclose(percent / 100, np.resize(frames.curve(name), len(percent)), atol=1e-6)
    assert len(found) == (52 if count else 0)


@with_blender
def test_equal_takes_make_equal_files(tmp_path: Path) -> None:
    frames = talk(20)
    avatar = write_head(tmp_path / "head.glb", frames.rig.curves)
    (tmp_path / "other").mkdir()
    first, second = (
        made("fbx", frames, place, Options(avatar=avatar)) for place in (tmp_path, tmp_path / "other")
    )
    data = first.read_bytes()
    assert data == second.read_bytes()
    assert str(tmp_path).encode() not in data
    assert PICTURE in data


@with_blender
def test_the_take_goes_before_the_animation_of_the_avatar(tmp_path: Path) -> None:
    before, after = talk(9), Frames(rigs.get("arkit"), talk(15).values[6:] ** 2, NTSC)
    avatar = write_head(tmp_path / "head.glb", before.rig.curves)
    made("glb", before, tmp_path, Options(avatar=avatar)).rename(tmp_path / "moving.glb")
    found = channels(made("fbx", after, tmp_path, Options(avatar=tmp_path / "moving.glb")).read_bytes())
    np.testing.assert_allclose(found["jawOpen"][1] / 100, after.curve("jawOpen"), atol=1e-6)


# Refusals


def stand_in(folder: Path, *lines: str) -> str:
    """A program in Blender's place."""
    path = folder / "python"
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return str(path)


def refusal(folder: Path, blender: Blender, kind: type[VoxrigError]) -> str:
    frames = talk(2)
    avatar = write_head(folder / "head.glb", frames.rig.curves)
    before, out = sorted(folder.iterdir()), io.BytesIO()
    take = Take(frames.rig, frames.fps, folder=folder, options=Options(avatar=avatar))

    def attempt() -> None:
        writer = Fbx(out, take, blender)
        writer.write(frames.values, 0)
        writer.finish(2)

    with pytest.raises(kind) as caught:
        attempt()
    assert sorted(folder.iterdir()) == before
    assert out.getvalue() == b""
    return str(caught.value)


unix = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell script")


@pytest.mark.skipif(importlib.util.find_spec("bpy") is not None, reason="bpy is here")
def test_without_bpy_the_way_to_it_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"^fbx needs the package bpy.*pip install 'voxrig\[fbx\]'$"):
        Fbx(io.BytesIO(), Take(rigs.get("arkit"), NTSC))
    assert refusal(tmp_path, Blender(), FormatError).startswith("fbx needs the package bpy")


@pytest.mark.skipif(importlib.util.find_spec("bpy") is not None, reason="bpy is here")
def test_another_interpreter_without_bpy(tmp_path: Path) -> None:
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    assert refusal(tmp_path, Blender(str(link)), FormatError).startswith("fbx needs the package bpy")


@unix
def test_what_blender_said_last_is_told(tmp_path: Path) -> None:
    script = stand_in(tmp_path, "echo Blender 5", "printf 'Error: out of \\033[1mmemory' >&2", "exit 1")
    wanted = "cannot write fbx: Blender failed with status 1: Error: out of \\x1b[1mmemory"
    assert refusal(tmp_path, Blender(script), OutputError) == wanted


@unix
def test_blender_that_writes_nothing_has_failed(tmp_path: Path) -> None:
    wanted = "cannot write fbx: Blender failed with status 0: it said nothing"
    assert refusal(tmp_path, Blender(stand_in(tmp_path, "exit 0")), OutputError) == wanted


@unix
def test_blender_that_does_not_end_is_ended(tmp_path: Path) -> None:
    blender = Blender(stand_in(tmp_path, "exec sleep 60"), patience=0.2, patience_a_frame=0.05)
    assert refusal(tmp_path, blender, OutputError) == "cannot write fbx: Blender was not done after 0.3 s"


def test_an_avatar_with_other_shapes_is_refused_at_once(tmp_path: Path) -> None:
    avatar = write_head(tmp_path / "head.glb", ["left", "right"])
    with pytest.raises(FormatError, match="left, right"):
        Fbx(io.BytesIO(), Take(rigs.get("arkit"), NTSC, options=Options(avatar=avatar)), Blender("python"))
