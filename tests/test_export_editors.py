"""Laws of files for editors and timelines: keys within their tolerance, scripts that run, cues that tile."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import runpy
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from unreal_stub import (
    Actor,
    AnimSequence,
    ControlRigBlueprint,
    Editor,
    FrameRate,
    LevelSequence,
    MovieSceneKeyInterpolation,
    SkeletalMeshComponent,
    Skeleton,
)

import voxrig
from voxrig import rigs
from voxrig.errors import FormatError, RigError
from voxrig.types import Array, Frames, Rig
from voxrig_export import keys
from voxrig_export.blender_script import BlenderScript
from voxrig_export.cues import SHORTEST, cues
from voxrig_export.keys import errors, reduce, reduce_all
from voxrig_export.maya_anim import MayaAnim, plugs
from voxrig_export.maya_script import MayaScript
from voxrig_export.moho import Moho
from voxrig_export.options import Options
from voxrig_export.phone_srt import PhoneSrt
from voxrig_export.rhubarb import RhubarbJson, RhubarbTsv
from voxrig_export.take import Take, Writer
from voxrig_export.unity_anim import UnityAnim
from voxrig_export.unreal_script import UnrealScript
from voxrig_export.viseme_timeline import VisemeCsv, VisemeJson

HELLO = Path(__file__).parent.parent / "samples" / "hello.wav"
SIXTY, NTSC = Fraction(60), Fraction(30000, 1001)
DIGITS = 1e-6
"""Six significant digits of a weight."""

Kind = Callable[[BinaryIO, Take], Writer]
EVERY: dict[str, tuple[Kind, str]] = {
    "unity-anim": (UnityAnim, "arkit"),
    "maya-anim": (MayaAnim, "arkit"),
    "maya-script": (MayaScript, "metahuman-controls"),
    "blender-script": (BlenderScript, "arkit"),
    "unreal-script": (UnrealScript, "metahuman"),
    "unreal-board": (UnrealScript, "metahuman-controls"),
    "rhubarb-tsv": (RhubarbTsv, "native"),
    "rhubarb-json": (RhubarbJson, "visemes"),
    "moho": (Moho, "native"),
    "visemes-json": (VisemeJson, "visemes"),
    "visemes-csv": (VisemeCsv, "visemes"),
    "phones-srt": (PhoneSrt, "native"),
}
EACH = pytest.mark.parametrize("name", EVERY)


def written(kind: Kind, frames: Frames, options: Options | None = None, step: int = 256) -> bytes:
    """A file of frames that come ``step`` at a time."""
    out = io.BytesIO()
    writer = kind(out, Take(frames.rig, frames.fps, "hello.wav", options=options or Options()))
    for first in range(0, len(frames), step):
        writer.write(frames.values[first : first + step], first)
    writer.finish(len(frames))
    writer.release()
    return out.getvalue()


def wave(rig: str, count: int = 90, fps: Fraction = SIXTY, seed: int = 0) -> Frames:
    """Smooth random curves within the rig's ranges."""
    shape, spread = rigs.get(rig), np.random.default_rng(seed).uniform(1, 9, len(rigs.get(rig)))
    swing = 0.5 + 0.5 * np.sin(np.arange(count)[:, None] / 60 * spread + spread)
    values = shape.low + (shape.high - shape.low) * swing
    return Frames(shape, values.astype(np.float32), fps)


def spoken(rig: str) -> Frames:
    return voxrig.animate(HELLO, rig=rig, fps=60)


@pytest.fixture(scope="module")
def hello() -> dict[str, Frames]:
    return {rig: spoken(rig) for rig in ("arkit", "metahuman", "native", "visemes")}


# Keys


@settings(max_examples=150, deadline=None)
@given(
    values=arrays(np.float32, st.integers(0, 60), elements=st.floats(-100, 100, width=32)),
    tolerance=st.floats(0, 50) | st.sampled_from([0.0, 1e-9, 0.01]),
)
def test_lines_between_keys_never_stray_beyond_the_tolerance(values: Array, tolerance: float) -> None:
    at = reduce(values, tolerance)
    assert at.dtype == np.int64
    assert (np.diff(at) > 0).all()
    if len(values):
        assert (at[0], at[-1]) == (0, len(values) - 1)
        assert errors(values[:, None], [at])[0] <= tolerance


@settings(max_examples=30, deadline=None)
@given(
    arrays(np.float32, st.tuples(st.integers(0, 30), st.integers(0, 4)), elements=st.floats(0, 1, width=32))
)
def test_curves_are_reduced_as_if_alone(values: Array) -> None:
    for column, at in enumerate(reduce_all(values, 0.1)):
        np.testing.assert_array_equal(at, reduce(values[:, column], 0.1))


def test_what_needs_few_keys_gets_few() -> None:
    assert reduce(np.zeros(0, np.float32), 0.1).tolist() == []
    assert reduce(np.full(1, 0.3, np.float32), 0.1).tolist() == [0]
    assert reduce(np.full(500, 0.3, np.float32), 0.001).tolist() == [0, 499]
    assert reduce(np.linspace(0, 1, 500, dtype=np.float32), 0.001).tolist() == [0, 499]
    assert reduce(np.float32([0, 0.1, 0.2, 0.2, 0.2]), 0.001).tolist() == [0, 2, 4]


def test_no_tolerance_keeps_every_frame() -> None:
    assert reduce(np.zeros(9, np.float32), 0.0).tolist() == list(range(9))


@pytest.mark.parametrize("tolerance", [-0.1, float("nan"), float("inf")])
def test_what_is_no_tolerance_is_a_mistake(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerance must be"):
        reduce(np.zeros(3, np.float32), tolerance)


@pytest.mark.parametrize("rig", ["arkit", "metahuman"])
def test_a_quarter_of_the_keys_of_speech_is_enough(hello: dict[str, Frames], rig: str) -> None:
    """Of the curves that move at all, too."""
    values = hello[rig].values
    at = reduce_all(values, 0.01)
    moving = np.flatnonzero(np.ptp(values, axis=0) > 0)
    assert errors(values, at).max() <= 0.01
    assert sum(len(at[i]) for i in moving) <= 0.25 * len(values) * len(moving)


# Every file


@EACH
def test_pieces_give_the_same_bytes_and_leave_the_frames_alone(name: str) -> None:
    kind, rig = EVERY[name]
    frames = wave(rig)
    before = frames.values.copy()
    assert written(kind, frames, step=1) == written(kind, frames, step=17) == written(kind, frames)
    np.testing.assert_array_equal(frames.values, before)


@EACH
def test_memory_that_the_caller_uses_again_does_not_matter(name: str) -> None:
    kind, rig = EVERY[name]
    frames, out = wave(rig, 20), io.BytesIO()
    writer, buffer = kind(out, Take(frames.rig, frames.fps, "hello.wav")), np.empty((1, len(frames.rig)))
    for i, row in enumerate(frames.values):
        buffer[:] = row
        writer.write(buffer, i)
    writer.finish(20)
    assert out.getvalue() == written(kind, frames)


@EACH
@pytest.mark.parametrize("count", [0, 1, 2])
def test_short_takes_make_files(name: str, count: int) -> None:
    kind, rig = EVERY[name]
    written(kind, wave(rig, count))


def test_names_are_checked() -> None:
    unknown, double = {"jawOpne": "Open"}, {"jawOpen": "mouthClose"}
    with pytest.raises(RigError, match=r"^unknown curve 'jawOpne'; have eyeBlinkLeft, "):
        written(UnityAnim, wave("arkit"), Options(names=MappingProxyType(unknown)))
    with pytest.raises(FormatError, match=r"^jawOpen and mouthClose would both be called mouthClose; give"):
        written(UnityAnim, wave("arkit"), Options(names=MappingProxyType(double)))


def lines(at: Sequence[float], values: Sequence[float], frames: Frames) -> np.ndarray:
    """Straight lines through keys at seconds, at each frame."""
    return np.interp(frames.times, at, values)


# Unity

_UNITY_KEY = re.compile(
    r"time: (\S+)\n +value: (\S+)\n +inSlope: (\S+)\n +outSlope: (\S+)\n +tangentMode: 69\n"
)


def hermite(key: np.ndarray, times: np.ndarray) -> np.ndarray:
    """A Unity curve as the engine evaluates it, from keys (k, 4) of time, value, slope in, slope out."""
    if len(key) == 1:
        return np.full(len(times), key[0, 1])
    i = np.clip(np.searchsorted(key[:, 0], times, side="right") - 1, 0, len(key) - 2)
    span = key[i + 1, 0] - key[i, 0]
    u = (times - key[i, 0]) / span
    return (
        (2 * u**3 - 3 * u**2 + 1) * key[i, 1]
        + (u**3 - 2 * u**2 + u) * span * key[i, 3]
        + (3 * u**2 - 2 * u**3) * key[i + 1, 1]
        + (u**3 - u**2) * span * key[i + 1, 2]
    )


@pytest.mark.parametrize("fps", [SIXTY, NTSC], ids=str)
def test_unity_shows_the_curves(fps: Fraction) -> None:
    frames = wave("arkit", fps=fps)
    text = written(UnityAnim, frames, Options(tolerance=0.01, mesh="Body/Head")).decode()
    parts = text.split("\n  - curve:\n")[1:]
    assert [re.search("attribute: (.*)", part)[1] for part in parts] == [
        f"blendShape.{curve}" for curve in frames.rig.curves
    ]
    for part, values in zip(parts, frames.values.T, strict=True):
        found = np.array(_UNITY_KEY.findall(part), float)
        assert len(found) < len(values)
        assert abs(hermite(found, frames.times) / 100 - values).max() <= 0.01 + DIGITS
    stop = float(re.search("m_StopTime: (.*)", text)[1])
    assert stop == pytest.approx(frames.times[-1], rel=1e-8)


def test_unity_parser_reads_the_clip(tmp_path: Path) -> None:
    unityparser = pytest.importorskip("unityparser", reason="reads Unity's YAML; pip install unityparser")
    frames = wave("arkit")
    path = tmp_path / "talk.anim"
    path.write_bytes(written(UnityAnim, frames, Options(mesh="Body/Head", asset="Assets/Talk.anim")))
    (clip,) = unityparser.UnityDocument.load_yaml(path).entries
    assert (clip.__class__.__name__, clip.m_Name, float(clip.m_SampleRate)) == ("AnimationClip", "Talk", 60)
    assert len(clip.m_FloatCurves) == 52
    for item, curve, values in zip(clip.m_FloatCurves, frames.rig.curves, frames.values.T, strict=True):
        assert (item["attribute"], item["path"], int(item["classID"])) == (
            f"blendShape.{curve}",
            "Body/Head",
            137,
        )
        found = item["curve"]["m_Curve"]
        at, shown = [float(key["time"]) for key in found], [float(key["value"]) for key in found]
        assert abs(lines(at, shown, frames) / 100 - values).max() <= keys.TOLERANCE + DIGITS
    for item, curve in zip(clip.m_ClipBindingConstant["genericBindings"], frames.rig.curves, strict=True):
        assert int(item["path"]) == zlib.crc32(b"Body/Head")
        assert int(item["attribute"]) == zlib.crc32(f"blendShape.{curve}".encode())
        assert (int(item["typeID"]), int(item["customType"])) == (137, 20)


def test_unity_parser_reads_any_name(tmp_path: Path) -> None:
    unityparser = pytest.importorskip("unityparser", reason="reads Unity's YAML; pip install unityparser")
    odd = {"jawOpen": 'a: "b" \\ {c} #d', "mouthClose": "größe\t🙂", "tongueOut": "face.M_Tongue Out"}
    options = Options(names=MappingProxyType(odd), mesh="yes")
    path = tmp_path / "talk.anim"
    path.write_bytes(written(UnityAnim, wave("arkit", 3), options))
    (clip,) = unityparser.UnityDocument.load_yaml(path).entries
    assert {f"blendShape.{name}" for name in odd.values()} <= {i["attribute"] for i in clip.m_FloatCurves}
    assert {item["path"] for item in clip.m_FloatCurves} == {"yes"}


def test_unity_takes_no_angles() -> None:
    with pytest.raises(
        FormatError, match=r"^unity-anim holds weights of 0 to 1, but HeadYaw of rig livelink"
    ):
        written(UnityAnim, wave("livelink"))


# Maya


@dataclass
class MayaCurve:
    """What a reader of ``.anim`` finds for one attribute."""

    output: str
    keys: list[tuple[float, float]]


def read_maya(text: str) -> tuple[dict[str, str], dict[str, MayaCurve]]:
    """Settings and curves by node.attribute; every statement ends as the format's description has it."""
    head, curves, words = {}, {}, iter(re.sub(r"[;{}]", r" \g<0> ", text).split())
    for word in words:
        if word == "anim":
            path, leaf, node, *numbers, end = itertools.islice(words, 7)
            assert end == ";"
            assert path.endswith(leaf)
            assert numbers == ["0", "0", str(len(curves))]
            assert list(itertools.islice(words, 2)) == ["animData", "{"]
            said = {}
            while (setting := next(words)) != "keys":
                said[setting], end = next(words), next(words)
                assert end == ";"
            assert said.pop("input") == "time"
            output = said.pop("output")
            assert said == {"weighted": "0", "preInfinity": "constant", "postInfinity": "constant"}
            assert next(words) == "{"
            found = []
            while (time := next(words)) != "}":
                value, *rest = itertools.islice(words, 7)
                assert rest == ["linear", "linear", "1", "1", "0", ";"]
                found.append((float(time), float(value)))
            assert next(words) == "}"
            curves[f"{node}.{leaf}"] = MayaCurve(output, found)
        else:
            head[word], end = next(words), next(words)
            assert end == ";"
    return head, curves


@pytest.mark.parametrize(
    ("fps", "unit"), [(SIXTY, "ntscf"), (Fraction(24), "film"), (NTSC, "sec"), (Fraction(100), "sec")]
)
def test_maya_anim_reads_back(fps: Fraction, unit: str) -> None:
    frames = wave("arkit", fps=fps)
    head, curves = read_maya(written(MayaAnim, frames, Options(mesh="faceBS", tolerance=0.01)).decode())
    assert (head["animVersion"], head["timeUnit"], head["startTime"]) == ("1.1", unit, "0")
    scale = 1 if unit == "sec" else float(fps)
    assert float(head["endTime"]) == pytest.approx(frames.times[-1] * scale)
    assert list(curves) == [f"faceBS.{curve}" for curve in frames.rig.curves]
    for curve, values in zip(curves.values(), frames.values.T, strict=True):
        at, shown = zip(*curve.keys, strict=True)
        assert curve.output == "unitless"
        assert abs(lines(np.array(at) / scale, shown, frames) - values).max() <= 0.01 + DIGITS


def test_maya_moves_the_controls_of_a_metahuman() -> None:
    _, board = read_maya(written(MayaAnim, wave("metahuman-controls", 3)).decode())
    assert board["CTRL_C_jaw.translateX"].output == "linear"
    assert {"CTRL_C_jaw.translateY", "CTRL_L_eye_blink.translateY"} <= set(board)
    _, raw = read_maya(written(MayaAnim, wave("metahuman", 3)).decode())
    assert raw["CTRL_expressions.jawOpen"].output == "unitless"


def test_maya_names() -> None:
    arkit = rigs.get("arkit")
    given = Options(names=MappingProxyType({"jawOpen": "Jaw_Open", "tongueOut": "tongue.out"}), mesh="a:bs")
    found = {
        curve: f"{p.node}.{p.attribute}"
        for curve, p in zip(arkit.curves, plugs(Take(arkit, SIXTY, options=given)), strict=True)
    }
    assert [found[c] for c in ("jawOpen", "tongueOut", "mouthClose")] == [
        "a:bs.Jaw_Open",
        "tongue.out",
        "a:bs.mouthClose",
    ]
    with pytest.raises(FormatError, match=r"^Maya has no node or attribute 'v2/EyeSquintRight' for v2/EyeSq"):
        plugs(Take(rigs.get("vrchat"), SIXTY))


@dataclass
class Cmds:
    """A little of ``maya.cmds``."""

    attributes: set[str]
    keys: dict[str, dict[float, float]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    suspended: bool = False
    undo: bool = True

    def objExists(self, name: str) -> bool:  # noqa: N802 - Maya's
        return name in self.attributes

    def cutKey(self, plug: str, *, time: tuple[str, str], clear: bool) -> int:  # noqa: N802
        start, end = map(seconds, time)
        found = self.keys.get(plug, {})
        self.keys[plug] = {at: value for at, value in found.items() if not start <= at <= end}
        return len(found) - len(self.keys[plug])

    def setKeyframe(  # noqa: N802
        self,
        plug: str,
        *,
        time: str,
        value: float,
        inTangentType: str,  # noqa: N803
        outTangentType: str,  # noqa: N803
    ) -> int:
        assert self.suspended
        assert not self.undo
        assert (inTangentType, outTangentType) == ("linear", "linear")
        self.keys[plug][seconds(time)] = value
        return 1

    def refresh(self, *, suspend: bool) -> None:
        self.suspended = suspend

    def undoInfo(  # noqa: N802
        self,
        *,
        query: bool = False,
        state: bool = False,
        stateWithoutFlush: bool | None = None,  # noqa: N803
    ) -> bool:
        if stateWithoutFlush is not None:
            self.undo = stateWithoutFlush
        return self.undo

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def seconds(time: str) -> float:
    assert time.endswith("sec")
    return float(time.removesuffix("sec"))


def run_script(path: Path, text: bytes, monkeypatch: pytest.MonkeyPatch, **modules: Any) -> None:
    """Runs a script as an editor would, with these modules to import."""
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    path.write_bytes(text)
    text.decode("ascii")
    runpy.run_path(str(path), run_name="__main__")


def test_maya_script_keys_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = wave("arkit", fps=NTSC)
    there = {f"blendShape1.{curve}" for curve in frames.rig.curves[1:]}
    cmds = Cmds(there, {"blendShape1.jawOpen": {0.5: 9.0, 99.0: 7.0}})
    maya: Any = ModuleType("maya")
    maya.cmds = cmds
    for _ in range(2):
        run_script(tmp_path / "talk.py", written(MayaScript, frames), monkeypatch, maya=maya)
    assert cmds.keys["blendShape1.jawOpen"].pop(99.0) == 7.0
    assert set(cmds.keys) == there
    for curve in frames.rig.curves[1:]:
        at, shown = zip(*sorted(cmds.keys[f"blendShape1.{curve}"].items()), strict=True)
        assert abs(lines(at, shown, frames) - frames.curve(curve)).max() <= keys.TOLERANCE + DIGITS
    assert cmds.warnings[0].endswith("1 of 52 attributes are not in the scene: blendShape1.eyeBlinkLeft")
    assert (cmds.undo, cmds.suspended) == (True, False)


# Blender


def test_blender_script_is_python_with_the_keys() -> None:
    frames = wave("arkit")
    odd = MappingProxyType({"jawOpen": "\"\"\"'''\\ größe @RATE@"})
    text = written(BlenderScript, frames, Options(names=odd, mesh="He said 'Face' @CURVES@")).decode("ascii")
    compile(text, "talk.py", "exec")
    found = json.loads(re.search(r'CURVES = json.loads\(r"""(.*?)"""\)', text, re.S)[1])
    assert found[frames.rig.index("jawOpen")]["name"] == odd["jawOpen"]
    assert "OBJECT = \"He said 'Face' @CURVES@\"" in text
    for curve, values in zip(found, frames.values.T, strict=True):
        line = np.interp(np.arange(len(values)), curve["frames"], curve["values"])
        assert abs(line - values).max() <= keys.TOLERANCE + DIGITS


def test_blender_shows_the_curves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bpy = pytest.importorskip("bpy", reason="Blender as a Python module is not installed")
    frames = wave("arkit", fps=NTSC)
    mesh = bpy.data.meshes.new("face")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    face = bpy.data.objects.new("Face", mesh)
    bpy.context.scene.collection.objects.link(face)
    face.shape_key_add(name="Basis")
    for curve in frames.rig.curves[1:]:
        face.shape_key_add(name='say "a"' if curve == "jawOpen" else curve)
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = 24, 1.0
    named = MappingProxyType({"jawOpen": 'say "a"'})
    text = written(BlenderScript, frames, Options(mesh="Face", names=named, asset="Talk"))
    run_script(tmp_path / "talk.py", text, monkeypatch)
    shapes = mesh.shape_keys
    assert shapes.animation_data.action.name.startswith("Talk")
    for i in range(0, len(frames), 7):
        frame = 1 + frames.times[i] * 24
        bpy.context.scene.frame_set(int(frame), subframe=frame % 1)
        evaluated = face.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.shape_keys
        for curve in frames.rig.curves[1:]:
            value = evaluated.key_blocks['say "a"' if curve == "jawOpen" else curve].value
            assert value == pytest.approx(frames.curve(curve)[i], abs=keys.TOLERANCE + 1e-5)


# Unreal

SKELETON = "/Game/MetaHumans/Common/Face/Face_Archetype_Skeleton"
BOARD = "/Game/MetaHumans/Common/Face/Face_ControlBoard_CtrlRig"


def test_unreal_makes_an_animation_of_curves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = wave("metahuman", fps=NTSC)
    editor = Editor({SKELETON: Skeleton(SKELETON)})
    text = written(UnrealScript, frames, Options(asset="/Game/Talk/Line1.Line1"))
    for _ in range(2):  # the second time into what is there
        run_script(tmp_path / "talk.py", text, monkeypatch, unreal=editor.module())
    made = editor.assets["/Game/Talk/Line1"]
    assert editor.calls == ["create AnimSequence /Game/Talk/Line1"]
    assert editor.saved == ["/Game/Talk/Line1"] * 2
    assert made.skeleton is editor.assets[SKELETON]
    assert not made.skeleton.morphs
    assert (made.controller.rate, made.controller.frames) == (FrameRate(30000, 1001), len(frames) - 1)
    assert made.controller.depth == 0
    assert list(made.curves) == list(frames.rig.curves)
    for curve, found in made.curves.items():
        shown = lines(list(found), list(found.values()), frames)
        assert abs(shown - frames.curve(curve)).max() <= keys.TOLERANCE + DIGITS


def test_unreal_says_which_curves_are_morph_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = Editor({"/Game/Hero/Skel": Skeleton("/Game/Hero/Skel")})
    text = written(UnrealScript, wave("arkit"), Options(asset="/Game/A/B", skeleton="/Game/Hero/Skel"))
    run_script(tmp_path / "talk.py", text, monkeypatch, unreal=editor.module())
    assert editor.assets["/Game/Hero/Skel"].morphs == set(rigs.get("arkit").curves)
    assert editor.saved == ["/Game/Hero/Skel", "/Game/A/B"]


def test_unreal_keys_the_control_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = wave("metahuman-controls")
    there = frames.rig.curves[:-4]
    face, other = SkeletalMeshComponent("Face"), SkeletalMeshComponent("Body")
    actors = [Actor("Ada", [SkeletalMeshComponent("Face")]), Actor("Bob", [other, face])]
    editor = Editor({BOARD: ControlRigBlueprint(BOARD)}, actors, there)
    text = written(UnrealScript, frames, Options(asset="/Game/Talk/Line1", mesh="Bob"))
    for _ in range(2):
        run_script(tmp_path / "talk.py", text, monkeypatch, unreal=editor.module())
    made = editor.assets["/Game/Talk/Line1"]
    tracks = [call for call in editor.calls if call != "refresh"]
    assert tracks == ["create LevelSequence /Game/Talk/Line1", "track Face_ControlBoard_CtrlRig"]
    assert made.bound == [face]
    assert (made.rate, made.start, made.end) == (FrameRate(60, 1), 0, len(frames))
    switch, *rest = "CTRL_lookAtSwitch", *frames.rig.curves[-4:]
    for channel in made.rigs[0].track.sections[0].channels:
        if channel.channel_name == switch:
            assert not channel.keys
            continue
        shown = [(key.frame / 60, key.value) for key in channel.keys]
        assert {key.interpolation for key in channel.keys} == {MovieSceneKeyInterpolation.LINEAR}
        line = lines(*zip(*shown, strict=True), frames)
        assert abs(line - frames.curve(channel.channel_name)).max() <= keys.TOLERANCE + DIGITS
    assert editor.log[0] == f"voxrig: the control board has no slider {', '.join([switch, *rest])}"


def test_unreal_keeps_the_rate_of_a_sequence_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = wave("metahuman-controls", fps=NTSC)
    shot = LevelSequence("/Game/Shot")
    shot.rate = FrameRate(24, 1)
    board = ControlRigBlueprint(BOARD)
    editor = Editor(
        {BOARD: board, "/Game/Shot": shot}, [Actor("Ada", [SkeletalMeshComponent("Face")])], frames.rig.curves
    )
    text = written(UnrealScript, frames, Options(asset="/Game/Shot", tolerance=0.0))
    run_script(tmp_path / "talk.py", text, monkeypatch, unreal=editor.module())
    assert shot.rate == FrameRate(24, 1)
    for channel in shot.rigs[0].track.sections[0].channels:
        if channel.channel_name != "CTRL_lookAtSwitch":
            np.testing.assert_allclose([key.frame / 24 for key in channel.keys], frames.times, atol=1e-9)


@pytest.mark.parametrize(
    ("rig", "assets", "message"),
    [
        ("metahuman", {}, "voxrig: no skeleton at /MetaHumanCharacter/Face/Face_Archetype_Skeleton or /Game"),
        (
            "metahuman",
            {SKELETON: Skeleton(SKELETON), "/Game/voxrig/Talk": Skeleton("")},
            "exists and is no A",
        ),
        ("metahuman-controls", {}, "voxrig: no control board at /MetaHumanCharacter/Face/Face_ControlBoard"),
        ("metahuman-controls", {BOARD: ControlRigBlueprint(BOARD)}, "the level has no actor '' with a comp"),
        ("metahuman-controls", {"/Game/voxrig/Talk": AnimSequence("")}, "exists and is no LevelSequence"),
    ],
)
def test_unreal_script_says_what_is_missing(
    rig: str, assets: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RuntimeError, match=message):
        run_script(
            tmp_path / "a.py",
            written(UnrealScript, wave(rig, 3)),
            monkeypatch,
            unreal=Editor(assets).module(),
        )


@pytest.mark.parametrize("path", ["Talk", "Game/Talk", "/Talk", "/Game//Talk", "/Game/Talk/"])
def test_unreal_asset_paths(path: str) -> None:
    with pytest.raises(FormatError, match=f"^'{path}' is no path of an Unreal asset; it looks like /Game/F"):
        written(UnrealScript, wave("metahuman", 2), Options(asset=path))


# Cues


@settings(max_examples=60, deadline=None)
@given(
    evidence=arrays(np.float64, st.tuples(st.integers(0, 40), st.integers(1, 4)), elements=st.floats(0, 1)),
    fps=st.sampled_from([Fraction(10), Fraction(24), NTSC, SIXTY, Fraction(100)]),
)
def test_cues_tile_the_take_and_none_is_too_short(evidence: np.ndarray, fps: Fraction) -> None:
    found = cues(evidence, fps)
    edges = [cue.start for cue in found] + [len(evidence)]
    assert edges[0] == 0
    assert [cue.end for cue in found] == edges[1:]
    assert all(one.choice != two.choice for one, two in itertools.pairwise(found))
    for cue in found:
        assert (cue.end - cue.start) / fps >= SHORTEST or len(found) == 1


def test_cues_find_the_most_evidence() -> None:
    """Against every way to cut 9 frames in stretches of 3 or more."""
    evidence = np.random.default_rng(1).uniform(size=(9, 3))
    fps = Fraction(50)

    def worth(cuts: tuple[int, ...]) -> float:
        parts = itertools.pairwise((0, *cuts, 9))
        return sum(evidence[a:b].sum(axis=0).max() for a, b in parts) - 0.01 * 50 * len(cuts)

    ways = [cuts for n in range(3) for cuts in itertools.combinations(range(1, 9), n)]
    whole = [cuts for cuts in ways if min(np.diff((0, *cuts, 9))) >= 3]
    found = cues(evidence, fps)
    assert tuple(cue.start for cue in found[1:]) == max(whole, key=worth)


_TSV = re.compile(r"(\d+\.\d\d)\t([A-HX])")


def read_tsv(text: str) -> tuple[list[tuple[float, float, str]], float]:
    """Start, end and shape of each cue, and the duration: every line in the grammar, the last one the end."""
    assert text.endswith("\n")
    rows = [(float(at), shape) for at, shape in (_TSV.fullmatch(line).groups() for line in text.splitlines())]
    assert rows[-1][1] == "X"
    return [(a, b, shape) for (a, shape), (b, _) in itertools.pairwise(rows)], rows[-1][0]


def say(*phones: str, each: int = 6) -> Frames:
    """Phones in turn on the native rig, sure of each; ``sil`` is silence."""
    native = rigs.get("native")
    values = np.zeros((len(phones) * each, len(native)), np.float32)
    for i, phone in enumerate(phones):
        if phone != "sil":
            values[i * each : (i + 1) * each, native.index(f"phone_{phone}")] = 0.9
    return Frames(native, values, SIXTY)


def test_rhubarb_shapes() -> None:
    frames = say(*"sil m ay f uw l eh ao t b sil".split())
    found, end = read_tsv(written(RhubarbTsv, frames).decode())
    assert "".join(shape for _, _, shape in found) == "XADGFHCEBAX"
    assert [start for start, _, _ in found] == pytest.approx([i / 10 for i in range(11)])
    assert end == 1.1


def test_rhubarb_shapes_of_visemes() -> None:
    shape = rigs.get("visemes")
    order = "sil PP aa FF ou nn E oh DD".split()
    values = np.repeat(np.eye(15, dtype=np.float32)[[shape.index(viseme) for viseme in order]], 6, axis=0)
    found, _ = read_tsv(written(RhubarbTsv, Frames(shape, values, SIXTY)).decode())
    assert "".join(shape for _, _, shape in found) == "XADGFHCEB"


def test_every_phone_and_viseme_has_one_shape() -> None:
    from voxrig.speech.phones import PHONES
    from voxrig_export.rhubarb import _PHONES, _VISEMES

    assert sorted(" ".join(_PHONES.values()).split()) == sorted(PHONES[1:])
    assert sorted(" ".join(_VISEMES.values()).split()) == sorted(rigs.get("visemes").curves)


@pytest.mark.parametrize("rig", ["native", "visemes"])
def test_rhubarb_hears_hello(hello: dict[str, Frames], rig: str) -> None:
    """Cues tile the clip; lips are shut or at rest where m, b or p is beyond doubt, and rest in silence."""
    frames, native = hello[rig], hello["native"]
    found, end = read_tsv(written(RhubarbTsv, frames).decode())
    assert found[0][0] == 0.0
    assert end == pytest.approx(len(frames) / 60, abs=0.005)
    assert min(b - a for a, b, _ in found) >= SHORTEST - 0.01
    shown = [next((s for a, b, s in found if a - 0.005 <= t < b - 0.005), "X") for t in frames.times]
    lips = sum(native.curve(f"phone_{phone}") for phone in "mbp")
    sure = np.flatnonzero(lips > 0.75)
    assert len(sure) > 10
    assert {shown[i] for i in sure} <= {"A", "X"}
    quiet = np.flatnonzero((native.times > 4.8) & (native.times < 5.5))
    assert {shown[i] for i in quiet} == {"X"}
    assert {"A", "B", "C" if rig == "native" else "D", "F", "G"} <= set(shown)


def test_rhubarb_json_says_the_same(hello: dict[str, Frames]) -> None:
    whole = json.loads(written(RhubarbJson, hello["native"]))
    found, end = read_tsv(written(RhubarbTsv, hello["native"]).decode())
    assert whole["metadata"] == {"soundFile": "hello.wav", "duration": end}
    assert [(cue["start"], cue["end"], cue["value"]) for cue in whole["mouthCues"]] == found


def test_moho_counts_frames_from_one() -> None:
    frames = say(*"sil m ay f uw sil".split())
    text = written(Moho, frames).decode()
    assert text == "MohoSwitch1\n1 rest\n7 MBP\n13 AI\n19 FV\n25 U\n31 rest\n37 rest\n"


def test_viseme_timelines(hello: dict[str, Frames]) -> None:
    frames = hello["visemes"]
    whole = json.loads(written(VisemeJson, frames))
    rows = whole["visemes"]
    assert (whole["format"], whole["version"], whole["soundFile"]) == ("voxrig-visemes", 1, "hello.wav")
    assert whole["duration"] == len(frames) / 60 == rows[-1]["end"]
    assert rows[0]["start"] == 0
    assert all(one["end"] == two["start"] for one, two in itertools.pairwise(rows))
    for row in rows:
        inside = (frames.times >= row["start"] - 1e-6) & (frames.times < row["end"] - 1e-6)
        assert row["weight"] == pytest.approx(frames.curve(row["viseme"])[inside].max(), abs=1e-3)
    table = list(csv.DictReader(io.StringIO(written(VisemeCsv, frames).decode())))
    numbers = [{k: v if k == "viseme" else float(v) for k, v in row.items()} for row in table]
    assert numbers == rows


def test_phones_as_subtitles() -> None:
    text = written(PhoneSrt, say("sil", "hh", "ow", "sil")).decode()
    assert text == "1\n00:00:00,100 --> 00:00:00,200\nhh\n\n2\n00:00:00,200 --> 00:00:00,300\now\n\n"


@pytest.mark.parametrize(
    "name", ["rhubarb-tsv", "rhubarb-json", "moho", "visemes-json", "visemes-csv", "phones-srt"]
)
def test_timelines_refuse_other_rigs(name: str) -> None:
    with pytest.raises(FormatError, match=rf"^{name} holds rigs? (native|visemes).*, not arkit$"):
        written(EVERY[name][0], wave("arkit", 2))


def test_toy_rigs_are_held() -> None:
    zero = np.zeros(1, np.float32)
    toy = Rig("toy", ("open",), zero, zero + 1, zero)
    frames = Frames(toy, np.full((3, 1), 0.5, np.float32), SIXTY)
    _, curves = read_maya(written(MayaAnim, frames).decode())
    assert curves["blendShape1.open"].keys == [(0, 0.5), (2, 0.5)]
