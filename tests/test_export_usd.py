"""Laws of USD files: valid to the library's own judges, and every curve comes back as it went in."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pxr", reason="needs usd-core")

from pxr import Gf, Usd, UsdGeom, UsdSkel, UsdValidation
from small_head import POINTS, TRIANGLES, offsets, write_head

from voxrig import rigs
from voxrig.avatar import glb_file
from voxrig.errors import FormatError
from voxrig.types import Frames, Rig
from voxrig_export.options import Options
from voxrig_export.take import Take, Writer
from voxrig_export.usd import Usda, Usdc

NTSC = Fraction(30000, 1001)
KINDS = {"usda": Usda, "usdc": Usdc}
EVERY = pytest.mark.parametrize("kind", KINDS)
BARE = Options(mesh="none")


def talk(rig: Rig, count: int, fps: Fraction = NTSC) -> Frames:
    values = np.random.default_rng(4).uniform(-1, 1, (count, len(rig))).astype(np.float32)
    return Frames(rig, values, fps)


def made(kind: str, frames: Frames, folder: Path, options: Options = BARE, step: int = 1000) -> Path:
    """A file of the frames, given to the writer in pieces."""
    path = folder / f"talk.{kind}"
    with path.open("wb") as out:
        writer: Writer = KINDS[kind](out, Take(frames.rig, frames.fps, folder=folder, options=options))
        for start in range(0, len(frames), step):
            writer.write(frames.values[start : start + step], start)
        writer.finish(len(frames))
        writer.release()
    return path


def faults(path: Path) -> list[str]:
    """What every validator of the library has to say against a file, warnings too."""
    registry = UsdValidation.ValidationRegistry()
    every = registry.GetOrLoadValidatorsByName([about.name for about in registry.GetAllValidatorMetadata()])
    assert len(every) >= 30
    return [
        f"{error.GetName()}: {error.GetMessage()}"
        for error in UsdValidation.ValidationContext(every).Validate(Usd.Stage.Open(str(path)))
    ]


def animation(stage: Any) -> Any:
    (found,) = [UsdSkel.Animation(prim) for prim in stage.Traverse() if prim.IsA(UsdSkel.Animation)]
    return found


def read(path: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, values (t, c) and seconds (t,) of a file."""
    stage = Usd.Stage.Open(str(path))
    found = animation(stage)
    weights = found.GetBlendShapeWeightsAttr()
    codes = weights.GetTimeSamples()
    rows = [np.array(weights.Get(code)) for code in codes]
    return (
        list(found.GetBlendShapesAttr().Get()),
        np.array(rows),
        np.array(codes) / stage.GetTimeCodesPerSecond(),
    )


@EVERY
@pytest.mark.parametrize("fps", [Fraction(60), Fraction(25), NTSC], ids=str)
@pytest.mark.parametrize("rig", ["arkit", "metahuman", "vrchat"])
def test_every_curve_comes_back(kind: str, fps: Fraction, rig: str, tmp_path: Path) -> None:
    frames = talk(rigs.get(rig), 40, fps)
    names, values, times = read(made(kind, frames, tmp_path))
    assert names == list(frames.rig.curves)
    np.testing.assert_array_equal(values, frames.values)
    np.testing.assert_allclose(times, frames.times, rtol=1e-12, atol=0)


@EVERY
@pytest.mark.parametrize("count", [0, 1, 30])
def test_the_judges_find_nothing(kind: str, count: int, tmp_path: Path) -> None:
    avatar = write_head(tmp_path / "head.glb", rigs.get("arkit").curves)
    for options in (BARE, Options(avatar=avatar)):
        assert faults(made(kind, talk(rigs.get("arkit"), count), tmp_path, options)) == []


def test_what_the_stage_says(tmp_path: Path) -> None:
    stage = Usd.Stage.Open(str(made("usda", talk(rigs.get("arkit"), 40), tmp_path)))
    assert stage.GetTimeCodesPerSecond() == stage.GetFramesPerSecond() == 30000 / 1001
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (0, 39)
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1
    assert stage.GetDefaultPrim().IsA(UsdSkel.Animation)


@EVERY
def test_pieces_give_the_same_bytes_and_leave_nothing_beside(kind: str, tmp_path: Path) -> None:
    frames = talk(rigs.get("arkit"), 300)
    wanted = made(kind, frames, tmp_path).read_bytes()
    for step in (1, 17, 256):
        assert made(kind, frames, tmp_path, step=step).read_bytes() == wanted
    assert [path.name for path in tmp_path.iterdir()] == [f"talk.{kind}"]


def test_fewer_keys_stay_within_the_tolerance(tmp_path: Path) -> None:
    """A time sample holds all curves, so those that bend together save most."""
    rig = rigs.get("arkit")
    slow = np.sin(np.arange(300)[:, None] / 40 + np.zeros(len(rig))).astype(np.float32)
    _, values, times = read(
        made("usda", Frames(rig, slow, NTSC), tmp_path, Options(mesh="none", tolerance=0.02))
    )
    assert len(values) < 100
    for column in range(len(rig)):
        line = np.interp(np.arange(300) * 1001 / 30000, times, values[:, column])
        assert np.abs(line - slow[:, column]).max() <= 0.02


def test_names_are_those_of_the_target(tmp_path: Path) -> None:
    options = Options(mesh="none", names={"jawOpen": "Mouth_Open"})
    names, _, _ = read(made("usda", talk(rigs.get("arkit"), 2), tmp_path, options))
    assert "jawOpen" not in names
    assert names[rigs.get("arkit").index("jawOpen")] == "Mouth_Open"


# With an avatar


@EVERY
@pytest.mark.parametrize("bone", [False, True], ids=["still", "skinned"])
def test_the_face_moves_as_the_avatar_says(kind: str, bone: bool, tmp_path: Path) -> None:
    """The library's own skinning, at every frame, against rest pose and offsets of the GLB."""
    frames = talk(rigs.get("arkit"), 5)
    avatar = write_head(tmp_path / "head.glb", frames.rig.curves, bone=bone)
    stage = Usd.Stage.Open(str(made(kind, frames, tmp_path, Options(avatar=avatar))))
    assert stage.GetDefaultPrim().IsA(UsdSkel.Root)
    assert UsdSkel.BakeSkinning(UsdSkel.Root(stage.GetDefaultPrim()), Gf.Interval(0, 4))
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/Face/Head"))
    corners = np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3)
    np.testing.assert_array_equal(corners, TRIANGLES)
    place = np.array(mesh.ComputeLocalToWorldTransform(0))
    for index in range(5):
        moved = sum(weight * offsets(i) for i, weight in enumerate(frames.values[index]))
        shown = np.array(mesh.GetPointsAttr().Get(index)) @ place[:3, :3] + place[3, :3]
        np.testing.assert_allclose(shown, POINTS + np.array([0, 1.5, 0]) + moved, rtol=0, atol=1e-6)


def test_shapes_hold_only_the_points_that_move(tmp_path: Path) -> None:
    avatar = write_head(tmp_path / "head.glb", ["Head_jawOpen", "something else", "mouthSmile_L"])
    stage = Usd.Stage.Open(str(made("usda", talk(rigs.get("arkit"), 2), tmp_path, Options(avatar=avatar))))
    binding = UsdSkel.BindingAPI(stage.GetPrimAtPath("/Face/Head"))
    assert list(binding.GetBlendShapesAttr().Get()) == ["jawOpen", "mouthSmileLeft"]
    shape = UsdSkel.BlendShape(stage.GetPrimAtPath("/Face/Head/jawOpen"))
    assert list(shape.GetPointIndicesAttr().Get()) == [1, 2, 3, 4]
    np.testing.assert_allclose(np.array(shape.GetOffsetsAttr().Get()), offsets(0)[1:], atol=1e-7)


def test_names_that_are_no_identifiers(tmp_path: Path) -> None:
    names = {"v2/JawOpen": "jaw open", "v2/JawForward": "jaw/open"}
    avatar = write_head(tmp_path / "head.glb", list(names.values()))
    path = made("usda", talk(rigs.get("vrchat"), 2), tmp_path, Options(avatar=avatar, names=names))
    assert faults(path) == []
    stage = Usd.Stage.Open(str(path))
    assert [child.GetName() for child in stage.GetPrimAtPath("/Face/Head").GetChildren()] == [
        "jaw_open",
        "jaw_open_2",
    ]


# Where it cannot go


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_package_the_way_to_it_is_told(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pxr", None)
    with pytest.raises(FormatError, match=r"^usd needs the package usd-core; pip install 'voxrig\[usd\]'$"):
        KINDS[kind](io.BytesIO(), Take(rigs.get("arkit"), NTSC))


def test_an_avatar_that_does_not_fit(tmp_path: Path) -> None:
    def refusal(path: Path, mesh: str = "") -> str:
        with pytest.raises(FormatError) as caught:
            Usda(io.BytesIO(), Take(rigs.get("vrm1"), NTSC, options=Options(avatar=path, mesh=mesh)))
        return str(caught.value)

    head = write_head(tmp_path / "head.glb", ["wink", "nod"])
    assert "looked for aa, ih, ou, ee, oh" in refusal(head)
    assert refusal(head).endswith("found wink, nod")
    assert "'Tail'" in refusal(head, "Tail")
    (tmp_path / "text.glb").write_text("no head at all")
    assert str(tmp_path / "text.glb") in refusal(tmp_path / "text.glb")
    assert "No such file" in refusal(tmp_path / "none.glb")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value within a JSON document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [way for key, below in inner for way in places(below, (*path, key))]


ODD = st.sampled_from(
    [None, -1, 0, 1, 2, 7, 10**6, 1e300, True, "", "x", [], {}, [0], [[]], {"a": 1}, [1e30] * 16]
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_broken_avatar_is_a_format_error(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    whole = write_head(folder / "whole.glb", ["jawOpen", "mouthClose"], bone=data.draw(st.booleans()))
    with whole.open("rb") as file:
        glb = glb_file.read(file)
    ways = places(glb.document)
    for _ in range(data.draw(st.integers(1, 2))):
        *above, key = data.draw(st.sampled_from(ways))
        holder = glb.document
        try:
            for step in above:
                holder = holder[step]
            holder[key] = data.draw(ODD)
        except (LookupError, TypeError):  # the first change took away what the second was for
            continue
    with (folder / "broken.glb").open("wb") as out:
        glb_file.write(out, glb)
    take = Take(rigs.get("arkit"), NTSC, options=Options(avatar=folder / "broken.glb"))
    with suppress(FormatError):
        Usda(io.BytesIO(), take).finish(0)


FULL_DISK = """
import resource, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from voxrig import rigs
from voxrig.avatar import glb_file
from voxrig_export.options import Options
from voxrig_export.take import Take
from voxrig_export.usd import Usda, Usdc

rig = rigs.get("arkit")
for kind in (Usda, Usdc):
    with open(sys.argv[1] + "/talk", "wb", buffering=0) as out:
        writer = kind(out, Take(rig, Fraction(60), folder=Path(sys.argv[1]), options=Options(mesh="none")))
        writer.write(np.random.default_rng(0).random((4000, len(rig)), np.float32), 0)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
        try:
            while True:
                writer.finish(4000)
        except OSError as error:
            print(error.strerror)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file size")
def test_a_full_disk_is_an_error_of_the_system(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["File too large", "File too large"], done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["talk"]
