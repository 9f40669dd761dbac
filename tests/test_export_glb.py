"""Laws of GLB and VRMA: what goes in plays in others' players, the avatar stays, and bad files say why."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import subprocess
import tracemalloc
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import voxrig
from voxrig import rigs
from voxrig.avatar import glb_file
from voxrig.avatar.glb_file import Draft, Glb, numbers
from voxrig.avatar.glb_targets import match
from voxrig.errors import FormatError
from voxrig.types import Frames, Rig
from voxrig_export import glb, glb_animation, vrma
from voxrig_export.options import Options
from voxrig_export.take import Take

NODE = Path(__file__).parent / "node"
NTSC = Fraction(30000, 1001)
ARKIT = rigs.get("arkit")
CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)


def built(meshes: dict[str, Sequence[str]], **more: Any) -> Glb:
    """An avatar of one triangle for each mesh, with targets of these names; ``more`` joins the document."""
    document: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [*range(len(meshes))]}],
    }
    draft = Draft(Glb(document | more, b""))
    for index, (name, targets) in enumerate(meshes.items()):
        attributes = {"POSITION": draft.accessor(CORNERS)}
        shapes = [{"POSITION": draft.accessor(CORNERS * np.float32(0.01 * i))} for i in range(len(targets))]
        primitive = {"attributes": attributes, **({"targets": shapes} if targets else {})}
        extras = {"extras": {"targetNames": list(targets)}} if targets else {}
        draft.append("meshes", {"name": f"{name}Mesh", "primitives": [primitive], **extras})
        draft.append("nodes", {"name": name, "mesh": index})
    return again(draft)


def again(draft: Draft) -> Glb:
    out = io.BytesIO()
    draft.write(out)
    return glb_file.read(io.BytesIO(out.getvalue()))


def raw(glb: Glb) -> bytes:
    out = io.BytesIO()
    glb_file.write(out, glb)
    return out.getvalue()


def saved(glb: Glb, path: Path) -> Path:
    path.write_bytes(raw(glb))
    return path


FACE = built({"Face": ARKIT.curves})


@pytest.fixture
def face(tmp_path: Path) -> Path:
    """An avatar with the 52 shapes."""
    return saved(FACE, tmp_path / "face.glb")


def talk(rig: Rig = ARKIT, count: int = 40, fps: Fraction = Fraction(60), seed: int = 0) -> Frames:
    values = np.random.default_rng(seed).uniform(0, 1, (count, len(rig))).astype(np.float32)
    return Frames(rig, values, fps)


def made(
    kind: type[glb.GlbTake | vrma.Vrma], frames: Frames, options: Options, audio: str = "", step: int = 256
) -> bytes:
    """The file of a take, written in pieces of ``step`` frames."""
    out = io.BytesIO()
    writer = kind(out, Take(frames.rig, frames.fps, audio, options=options))
    for at in range(0, len(frames), step):
        writer.write(frames.values[at : at + step], at)
    writer.finish(len(frames))
    writer.release()
    return out.getvalue()


def animated(frames: Frames, avatar: Path, audio: str = "", **options: Any) -> bytes:
    return made(glb.GlbTake, frames, Options(avatar=avatar, **options), audio)


def parsed(data: bytes) -> Glb:
    return glb_file.read(io.BytesIO(data))


def node(script: str, path: Path, stdin: str = "") -> Any:
    """What a script of tests/node prints about a file."""
    if not (shutil.which("node") and (NODE / "node_modules" / "gltf-validator").is_dir()):
        pytest.skip("node, or what npm ci in tests/node installs, is not there")
    done = subprocess.run(
        ["node", str(NODE / script), str(path)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_valid(path: Path) -> None:
    assert node("validate_gltf.mjs", path) == {"errors": 0, "warnings": 0, "messages": []}


# What goes in comes out


@pytest.mark.parametrize("fps", [Fraction(60), Fraction(25), NTSC, Fraction(100)], ids=str)
@pytest.mark.parametrize("count", [1, 2, 777])
def test_glb_round_trip_is_exact(fps: Fraction, count: int, face: Path) -> None:
    frames = talk(count=count, fps=fps)
    back = glb.read(io.BytesIO(animated(frames, face)))
    assert (back.rig.name, back.fps, back.start) == ("arkit", fps, 0)
    np.testing.assert_array_equal(back.values, frames.values)


@pytest.mark.parametrize("name", ["arkit", "a2f-52", "vrm1"])
@pytest.mark.parametrize("fps", [Fraction(60), NTSC], ids=str)
def test_vrma_round_trip_is_exact(name: str, fps: Fraction) -> None:
    frames = talk(rigs.get(name), fps=fps)
    back = vrma.read(io.BytesIO(made(vrma.Vrma, frames, Options())))
    kept = [column for column, curve in enumerate(frames.rig.curves) if not curve.startswith("look")]
    assert (back.rig.name, back.fps) == (name, fps)
    np.testing.assert_array_equal(back.values[:, kept], frames.values[:, kept])


@pytest.mark.parametrize("kind", [glb.GlbTake, vrma.Vrma])
def test_pieces_give_the_same_bytes(kind: type[glb.GlbTake | vrma.Vrma], face: Path) -> None:
    frames, options = talk(count=600), Options(avatar=face)
    once = made(kind, frames, options, step=600)
    assert {made(kind, frames, options, step=step) for step in (1, 17, 441)} == {once}


def test_input_is_unchanged(face: Path) -> None:
    frames, before = talk(), face.read_bytes()
    values = frames.values.copy()
    animated(frames, face)
    np.testing.assert_array_equal(frames.values, values)
    assert face.read_bytes() == before


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize(
    "fps", [Fraction(24), Fraction(30), NTSC, Fraction(60), Fraction(60000, 1001), Fraction(72), Fraction(15)]
)
def test_rate_is_told_by_times_where_no_one_says_it(fps: Fraction, said: bool, face: Path) -> None:
    frames = talk(count=4000, fps=fps)
    file = parsed(animated(frames, face))
    if not said:
        del file.document["animations"][0]["extras"]
    back = glb.read(io.BytesIO(raw(file)))
    assert back.fps == fps
    np.testing.assert_array_equal(back.values, frames.values)


def test_times_are_exact_for_an_hour() -> None:
    keys = np.arange(3600 * 60)
    exact = np.array([float(Fraction(int(k)) / NTSC) for k in keys[::997]])
    np.testing.assert_array_equal(glb_animation.times(keys, NTSC)[::997], exact.astype(np.float32))


@pytest.mark.parametrize("kind", [glb.GlbTake, vrma.Vrma])
@pytest.mark.parametrize("tolerance", [0.002, 0.01, 0.1])
def test_tolerance_bounds_what_missing_keys_change(
    kind: type[glb.GlbTake | vrma.Vrma], tolerance: float, face: Path
) -> None:
    seconds = np.arange(600) / 60
    waves = 0.5 + 0.5 * np.sin(seconds[:, None] * np.linspace(0.2, 3, 52) + np.arange(52))
    frames = Frames(ARKIT, waves.astype(np.float32), Fraction(60))
    exact = made(kind, frames, Options(avatar=face))
    fewer = made(kind, frames, Options(avatar=face, tolerance=tolerance))
    read = glb.read if kind is glb.GlbTake else vrma.read
    assert len(fewer) < len(exact)
    assert np.abs(read(io.BytesIO(fewer)).values - frames.values).max() <= tolerance + 1e-6


def test_a_tolerance_of_zero_keeps_every_frame(face: Path) -> None:
    still = Frames(ARKIT, np.zeros((50, 52), np.float32), Fraction(60))
    assert animated(still, face, tolerance=0.0) == animated(still, face)
    file = parsed(animated(still, face))
    assert len(numbers(file, file.document["animations"][0]["samplers"][0]["input"])) == 50


@pytest.mark.parametrize("kind", [glb.GlbTake, vrma.Vrma])
def test_no_frames_make_a_file_without_animation(
    kind: type[glb.GlbTake | vrma.Vrma], face: Path, tmp_path: Path
) -> None:
    data = made(kind, talk(count=0), Options(avatar=face))
    assert "animations" not in parsed(data).document
    (tmp_path / "still.glb").write_bytes(data)
    assert_valid(tmp_path / "still.glb")


# The avatar stays what it was


def test_all_that_the_avatar_had_is_kept(tmp_path: Path) -> None:
    base = built(
        {"Face": ARKIT.curves}, extensionsUsed=["X_own"], extensions={"X_own": {"größe": [1, 2.5, None]}}
    )
    base.document["animations"] = deepcopy(
        parsed(animated(talk(), saved(base, tmp_path / "a.glb"))).document["animations"]
    )
    base.document["animations"][0] |= {"name": "idle", "channels": [], "samplers": []}
    base = replace(base, others=((0x12345678, b"kept"),))
    file = parsed(animated(talk(), saved(base, tmp_path / "b.glb"), audio="voices/line 1.wav"))
    assert file.others == base.others
    assert file.binary.startswith(base.binary)
    for key, value in base.document.items():
        found = file.document[key]
        if key == "buffers":
            assert found == [{**value[0], "byteLength": len(file.binary)}]
        else:
            assert (found[: len(value)] if isinstance(value, list) else found) == value
    assert [animation["name"] for animation in file.document["animations"]] == ["idle", "line 1"]


def test_an_animation_without_sound_is_called_voxrig(face: Path) -> None:
    assert parsed(animated(talk(), face)).document["animations"][0]["name"] == "voxrig"


def test_targets_that_no_curve_moves_keep_their_rest(tmp_path: Path) -> None:
    base = built({"Face": ["fat", "jawOpen", "old", "thin"]})
    base.document["meshes"][0]["weights"] = [0.25, 0.5, 0, 1]
    frames = talk()
    file = parsed(animated(frames, saved(base, tmp_path / "a.glb")))
    sampler = file.document["animations"][0]["samplers"][0]
    played = numbers(file, sampler["output"]).reshape(-1, 4)
    np.testing.assert_array_equal(played[:, 1], frames.curve("jawOpen"))
    np.testing.assert_array_equal(played[:, [0, 2, 3]], np.tile(np.float32([0.25, 0, 1]), (40, 1)))


def test_every_node_with_shapes_has_a_channel_and_times_are_shared(tmp_path: Path) -> None:
    base = built({"Head": ["jawOpen", "tongueOut"], "Body": [], "Teeth": ["jawOpen"], "Hat": ["brim"]})
    base.document["nodes"].append({"name": "Twin", "mesh": 0, "weights": [0, 0]})
    base.document["scenes"][0]["nodes"].append(4)
    path = saved(base, tmp_path / "a.glb")
    (animation,) = parsed(animated(talk(), path)).document["animations"]
    assert [channel["target"] for channel in animation["channels"]] == [
        {"node": number, "path": "weights"} for number in (0, 2, 4)
    ]
    assert len({sampler["input"] for sampler in animation["samplers"]}) == 1
    (one,) = parsed(animated(talk(), path, mesh="Teeth")).document["animations"]
    assert [channel["target"]["node"] for channel in one["channels"]] == [2]
    (one,) = parsed(animated(talk(), path, mesh="TeethMesh")).document["animations"]
    assert [channel["target"]["node"] for channel in one["channels"]] == [2]
    with pytest.raises(FormatError, match=r"no mesh 'Tail' with morph targets in the avatar; have .*Teeth"):
        animated(talk(), path, mesh="Tail")


def test_the_avatar_that_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Path(voxrig.__file__).parent / "packs" / "avatar.glb"
    if place.is_file():
        path = tmp_path / "talk.glb"
        path.write_bytes(made(glb.GlbTake, talk(), Options()))
        np.testing.assert_array_equal(glb.read(io.BytesIO(path.read_bytes())).values, talk().values)
        assert node("validate_gltf.mjs", path) == node("validate_gltf.mjs", place)
    monkeypatch.setattr(glb.resources, "files", lambda package: tmp_path)
    with pytest.raises(FormatError, match=r"no avatar ships with this copy; name a \.glb or \.vrm"):
        made(glb.GlbTake, talk(), Options())


# Names


@pytest.mark.parametrize(
    ("target", "curve"),
    [
        ("jawOpen", "jawOpen"),
        ("JawOpen", "jawOpen"),
        ("JAWOPEN", "jawOpen"),
        ("jaw_open", "jawOpen"),
        ("Head_jawOpen", "jawOpen"),
        ("blendShape1.jawOpen", "jawOpen"),
        ("ARKit:Face|Jaw-Open", "jawOpen"),
        ("mouthSmile_L", "mouthSmileLeft"),
        ("mouthSmile.R", "mouthSmileRight"),
        ("MouthSmileL", "mouthSmileLeft"),
        ("mouth_smile_left", "mouthSmileLeft"),
        ("head_mouthSmile_r", "mouthSmileRight"),
        ("jawL", "jawLeft"),
        ("browInnerUp", "browInnerUp"),
        ("jawOpener", None),
        ("Open", None),
        ("L", None),
        ("", None),
        ("口", None),
    ],
)
def test_spellings(target: str, curve: str | None) -> None:
    assert match((target,), ARKIT.curves) == ({curve: 0} if curve else {})


@pytest.mark.parametrize(
    ("rig", "target", "curve"),
    [
        ("metahuman", "jawOpen", "CTRL_expressions_jawOpen"),
        ("metahuman", "CTRL_expressions.browDownL", "CTRL_expressions_browDownL"),
        ("metahuman", "browDown_L", "CTRL_expressions_browDownL"),
        ("visemes", "viseme_aa", "aa"),
        ("visemes", "viseme_E", "E"),
        ("vrm0", "Fcl_MTH_A", "A"),
        ("vrm0", "blinkLeft", "Blink_L"),
        ("vrchat", "JawOpen", "v2/JawOpen"),
    ],
)
def test_spellings_of_other_rigs(rig: str, target: str, curve: str) -> None:
    assert match((target,), rigs.get(rig).curves) == {curve: 0}


def test_the_closest_name_goes_first() -> None:
    assert match(("Old_Head_jawOpen", "Head_jawOpen", "JawOpen", "jawOpen"), ARKIT.curves) == {"jawOpen": 3}
    assert match(("Old_Head_jawOpen", "Head_jawOpen", "Teeth_jawOpen"), ARKIT.curves) == {"jawOpen": 1}


@pytest.mark.parametrize("name", rigs.names())
def test_every_curve_of_every_rig_finds_itself(name: str) -> None:
    curves = rigs.get(name).curves
    assert match(curves, curves) == {curve: at for at, curve in enumerate(curves)}


def test_names_of_the_user_go_before_all(tmp_path: Path) -> None:
    path = saved(built({"Face": ["jawOpen", "chin down", "jawLeft"]}), tmp_path / "a.glb")
    frames = talk()
    file = parsed(animated(frames, path, names={"jawOpen": "chin down"}))
    played = numbers(file, file.document["animations"][0]["samplers"][0]["output"]).reshape(-1, 3)
    np.testing.assert_array_equal(played[:, 1], frames.curve("jawOpen"))
    np.testing.assert_array_equal(played[:, 0], 0)
    with pytest.raises(
        FormatError, match=r"is called 'chin', as --names says of jawOpen; found jawOpen, chin"
    ):
        animated(frames, path, names={"jawOpen": "chin"})


@pytest.mark.parametrize("place", ["mesh", "primitive", "target"])
def test_names_are_found_where_exporters_put_them(place: str, tmp_path: Path) -> None:
    base = built({"Face": ["jawOpen", "jawLeft"]})
    mesh = base.document["meshes"][0]
    if place != "mesh":
        extras = mesh.pop("extras")
        primitive = mesh["primitives"][0]
        if place == "primitive":
            primitive["extras"] = extras
        for target, name in zip(primitive["targets"], extras["targetNames"], strict=True):
            target["extras"] = {"name": name}
    back = glb.read(io.BytesIO(animated(talk(), saved(base, tmp_path / "a.glb"))))
    np.testing.assert_array_equal(back.curve("jawLeft"), talk().curve("jawLeft"))


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("rig", ["vrm0", "vrm1"])
def test_expressions_of_a_vrm_say_which_targets_move(version: int, rig: str, tmp_path: Path) -> None:
    targets = ["Fcl_MTH_A", "Fcl_EYE_Close_L", "Fcl_EYE_Close_R", "Fcl_ALL_Joy"]
    zero = [
        {"name": "A", "presetName": "a", "binds": [{"mesh": 0, "index": 0, "weight": 50}]},
        {
            "name": "Blink",
            "presetName": "blink",
            "binds": [{"mesh": 0, "index": i, "weight": 100} for i in (1, 2)],
        },
        {"name": "Blink_L", "presetName": "blink_l", "binds": [{"mesh": 0, "index": 1, "weight": 100}]},
        {"name": "Neutral", "presetName": "neutral", "binds": []},
    ]
    one = {
        "aa": {"morphTargetBinds": [{"node": 0, "index": 0, "weight": 0.5}]},
        "blink": {"morphTargetBinds": [{"node": 0, "index": i, "weight": 1.0} for i in (1, 2)]},
        "blinkLeft": {"morphTargetBinds": [{"node": 0, "index": 1, "weight": 1.0}]},
        "neutral": {},
    }
    extensions = [
        {"VRM": {"blendShapeMaster": {"blendShapeGroups": zero}}},
        {"VRMC_vrm": {"expressions": {"preset": one}}},
    ]
    used = list(extensions[version])
    base = built({"Face": targets}, extensionsUsed=used, extensions=extensions[version])
    frames = talk(rigs.get(rig))
    file = parsed(animated(frames, saved(base, tmp_path / "a.vrm")))
    played = numbers(file, file.document["animations"][0]["samplers"][0]["output"]).reshape(-1, 4)
    mouth, shut, left = (
        frames.curve(name)
        for name in (("A", "Blink", "Blink_L") if rig == "vrm0" else ("aa", "blink", "blinkLeft"))
    )
    np.testing.assert_array_equal(played[:, 0], mouth * np.float32(0.5))
    np.testing.assert_allclose(played[:, 1], np.clip(shut + left, 0, 1), atol=1e-7)
    np.testing.assert_array_equal(played[:, 2], shut)
    assert file.document["extensions"] == extensions[version]
    if rig == f"vrm{version}":  # of VRM 0 the validator says that its very name is against the rules
        before, after = saved(base, tmp_path / "still.vrm"), saved(file, tmp_path / "talk.vrm")
        assert node("validate_gltf.mjs", after) == node("validate_gltf.mjs", before)


# VRMA


def test_vrma_presets_and_custom() -> None:
    for name, kind in (("vrm1", "preset"), ("arkit", "custom")):
        rig = rigs.get(name)
        document = parsed(made(vrma.Vrma, talk(rig), Options())).document
        extension = document["extensions"]["VRMC_vrm_animation"]
        assert extension["specVersion"] == "1.0"
        assert list(extension["expressions"]) == [kind]
        assert set(extension["expressions"][kind]) == {c for c in rig.curves if not c.startswith("look")}


def test_vrma_names() -> None:
    names = {"jawOpen": "aa", "mouthClose": "Shut"}
    document = parsed(made(vrma.Vrma, talk(), Options(names=names))).document
    expressions = document["extensions"]["VRMC_vrm_animation"]["expressions"]
    assert list(expressions["preset"]) == ["aa"]
    assert "Shut" in expressions["custom"]
    assert not {"jawOpen", "mouthClose"} & expressions["custom"].keys()
    with pytest.raises(FormatError, match="called alike"):
        made(vrma.Vrma, talk(), Options(names={"jawOpen": "jawLeft"}))
    with pytest.raises(FormatError, match="lookUp"):
        made(vrma.Vrma, talk(), Options(names={"jawOpen": "lookUp"}))


# Players of others


@pytest.mark.parametrize("tolerance", [None, 0.01])
def test_three_plays_what_was_written(tolerance: float | None, tmp_path: Path) -> None:
    base = built({"Head": ["rest", *ARKIT.curves], "Teeth": ["Teeth_jawOpen", "jawForward", "jaw_L"]})
    frames = talk(count=61, fps=NTSC)
    path = tmp_path / "talk.glb"
    path.write_bytes(animated(frames, saved(base, tmp_path / "a.glb"), "line.wav", tolerance=tolerance))
    assert_valid(path)
    seen = node("read_glb.mjs", path, json.dumps(frames.times.astype(np.float32).tolist()))
    assert (seen["name"], seen["count"], len(seen["tracks"])) == ("line", 1, 2)
    head, teeth = seen["meshes"]["Head"], seen["meshes"]["Teeth"]
    within = 1e-6 if tolerance is None else tolerance + 1e-6
    if tolerance is None:
        for track in seen["tracks"]:
            np.testing.assert_array_equal(np.float32(track["times"]), frames.times.astype(np.float32))
        np.testing.assert_array_equal(
            np.reshape(np.float32(seen["tracks"][0]["values"]), (61, 53))[:, 1:], frames.values
        )
    # Between the float32 times of keys a player goes in straight lines, a frame of noise in 33 ms.
    np.testing.assert_allclose(np.array(head["weights"])[:, 1:], frames.values, rtol=0, atol=within + 2e-6)
    jaw = frames.values[:, [ARKIT.index(name) for name in ("jawOpen", "jawForward", "jawLeft")]]
    np.testing.assert_allclose(teeth["weights"], jaw, rtol=0, atol=within + 2e-6)


@pytest.mark.parametrize("name", ["vrm1", "arkit"])
def test_three_vrm_animation_reads_what_was_written(name: str, tmp_path: Path) -> None:
    frames = talk(rigs.get(name), count=50)
    path = tmp_path / "talk.vrma"
    path.write_bytes(made(vrma.Vrma, frames, Options()))
    assert_valid(path)
    seen = node("read_vrma.mjs", path)
    assert seen["bones"] == 0
    tracks = seen["preset"] | seen["custom"]
    assert set(tracks) == {curve for curve in frames.rig.curves if not curve.startswith("look")}
    for curve, (times, values) in tracks.items():
        np.testing.assert_array_equal(np.float32(times), frames.times.astype(np.float32))
        np.testing.assert_array_equal(np.float32(values), frames.curve(curve))
    assert set(seen["preset"]) == (set(tracks) if name == "vrm1" else set())


GODOT = """
extends SceneTree

func _init():
    var player = load("res://talk.glb").instance().get_node("AnimationPlayer")
    var animation = player.get_animation("line")
    var tracks = {}
    for track in animation.get_track_count():
        var keys = []
        for key in animation.track_get_key_count(track):
            keys.append([animation.track_get_key_time(track, key), animation.track_get_key_value(track, key)])
        tracks[str(animation.track_get_path(track))] = keys
    print("FOUND " + to_json(tracks))
    quit()
"""


def test_godot_imports_every_key(face: Path, tmp_path: Path) -> None:
    if not all(map(shutil.which, ("godot3", "godot3-server", "xvfb-run"))):
        pytest.skip("godot3, godot3-server or xvfb is not installed")
    project, frames = tmp_path / "project", talk(count=31, fps=Fraction(30))
    project.mkdir()
    (project / "talk.glb").write_bytes(animated(frames, face, "line.wav"))
    (project / "project.godot").write_text('config_version=4\n[application]\nconfig/name="talk"\n')
    (project / "keys.gd").write_text(GODOT.replace("    ", "\t"))
    editor = ["xvfb-run", "-a", "godot3", "--editor", "--quit", "--audio-driver", "Dummy"]
    place = ["--path", str(project)]
    settings = {"capture_output": True, "text": True, "timeout": 120, "check": False}
    environment = {**os.environ, "HOME": str(tmp_path)}
    subprocess.run([*editor, "--video-driver", "GLES2", *place], env=environment, **settings)  # type: ignore[call-overload]
    done = subprocess.run(["godot3-server", *place, "-s", "keys.gd"], env=environment, **settings)  # type: ignore[call-overload]
    (found,) = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    tracks = json.loads(found.removeprefix("FOUND "))
    assert set(tracks) == {f"Face:blend_shapes/{curve}" for curve in ARKIT.curves}
    for path, keys in tracks.items():  # printed with six decimals: half a unit of the last is 5e-7
        wanted = np.stack([frames.times, frames.curve(path.rpartition("/")[2])], axis=1)
        np.testing.assert_allclose(keys, wanted, rtol=0, atol=6e-7)


# Animations of others


def keyed(times: Sequence[float], values: Sequence[float], interpolation: str = "LINEAR") -> bytes:
    """An avatar with jawOpen, animated by someone else."""
    draft = Draft(built({"Face": ["jawOpen"]}))
    sampler = {
        "input": draft.accessor(np.float32(times)),
        "output": draft.accessor(np.float32(values)),
        "interpolation": interpolation,
    }
    channel = {"sampler": 0, "target": {"node": 0, "path": "weights"}}
    draft.append("animations", {"channels": [channel], "samplers": [sampler]})
    return raw(again(draft))


def test_keys_apart_are_joined_by_straight_lines() -> None:
    back = glb.read(io.BytesIO(keyed([0.1, 0.2, 0.5], [0, 1, 0.5])))
    assert back.fps == 30
    np.testing.assert_allclose(
        back.curve("jawOpen"),
        [0, 0, 0, 0, *np.linspace(1 / 3, 1, 3), *np.linspace(1, 0.5, 10)[1:]],
        atol=1e-6,
    )


def test_steps_hold() -> None:
    back = glb.read(io.BytesIO(keyed([0, 0.1, 0.2], [0, 1, 0.5], "STEP")), Fraction(20))
    np.testing.assert_array_equal(back.curve("jawOpen"), np.float32([0, 0, 1, 1, 0.5]))


def test_cubic_splines_are_followed() -> None:
    # x^3 on 0..1 s, whose slopes there are 0 and 3, is what a cubic between two keys holds exactly.
    back = glb.read(io.BytesIO(keyed([0, 1], [0, 0, 0, 3, 1, 0], "CUBICSPLINE")), Fraction(10))
    np.testing.assert_allclose(back.curve("jawOpen"), np.linspace(0, 1, 11) ** 3, atol=1e-6)


def test_keys_without_a_rate_ask_for_one() -> None:
    odd = keyed([0, 0.0123, 0.0391, 0.0777], [0, 1, 0, 1])
    with pytest.raises(FormatError, match="no common frame rate"):
        glb.read(io.BytesIO(odd))
    assert len(glb.read(io.BytesIO(odd), Fraction(60))) == 6


@pytest.mark.parametrize(
    ("times", "values", "message"),
    [
        ([0, 1], [0, float("nan")], "not finite"),
        ([0, float("nan")], [0, 1], "not single finite"),
        ([0, 0], [0, 1], "do not rise"),
        ([-1, 0], [0, 1], "do not rise"),
        ([0, 1], [0, 1, 2], "do not share out"),
        ([0, 1e30], [0, 1], "longer than"),
        ([0, 1e6], [0, 1], "longer than"),
    ],
)
def test_animations_that_are_not_read(times: list[float], values: list[float], message: str) -> None:
    fine = [np.float32(-1) if np.isnan(v) else np.float32(v) for v in (*times, *values)]
    data = keyed(fine[: len(times)], fine[len(times) :])
    if np.isnan([*times, *values]).any():
        data = data.replace(np.float32(-1).tobytes(), np.float32("nan").tobytes())
    with pytest.raises(FormatError, match=message):
        glb.read(io.BytesIO(data), Fraction(60))


def test_files_without_the_right_animation() -> None:
    with pytest.raises(FormatError, match="no animation of weights"):
        glb.read(io.BytesIO(raw(FACE)))
    with pytest.raises(FormatError, match="no VRM Animation"):
        vrma.read(io.BytesIO(raw(FACE)))
    foreign = parsed(keyed([0, 1], [0, 1]))
    foreign.document["meshes"][0]["extras"]["targetNames"] = ["wings"]
    with pytest.raises(FormatError, match="no curve of a rig that is known; it has wings"):
        glb.read(io.BytesIO(raw(foreign)))


def test_the_rig_with_most_names_is_taken(tmp_path: Path) -> None:
    for name in ("arkit", "a2f", "visemes", "metahuman"):
        rig = rigs.get(name)
        file = parsed(animated(talk(rig), saved(built({"Face": rig.curves}), tmp_path / "a.glb")))
        del file.document["animations"][0]["extras"]
        assert glb.read(io.BytesIO(raw(file))).rig.name == name


# What is refused, and how


def test_avatars_that_cannot_be_used(tmp_path: Path) -> None:
    def unusable(glb: Glb | bytes) -> str:
        path = tmp_path / "avatar.glb"
        path.write_bytes(glb if isinstance(glb, bytes) else raw(glb))
        with pytest.raises(FormatError) as caught:
            animated(talk(), path)
        return str(caught.value)

    assert "looked for eyeBlinkLeft, " in unusable(built({"Face": ["smile", "wink"]}))
    assert unusable(built({"Face": ["smile", "wink"]})).endswith("; found smile, wink")
    assert unusable(built({"Face": []})).endswith("; found none")
    assert "begins with b'{\"as'" in unusable(b'{"asset": {"version": "2.0"}}')
    assert "cut short" in unusable(b"")
    outside = built({"Face": ["jawOpen"]})
    outside.document["buffers"][0]["uri"] = "face.bin"
    assert "outside of its own binary chunk" in unusable(outside)
    with pytest.raises(FormatError, match=r"cannot read avatar .*none\.glb: No such file"):
        animated(talk(), tmp_path / "none.glb")
    with pytest.raises(FormatError, match=r"cannot read avatar .*directory"):
        animated(talk(), tmp_path)


def test_a_cut_file_says_so(face: Path) -> None:
    whole = face.read_bytes()
    for end in [*range(0, 64), *range(64, len(whole), 997), len(whole) - 1]:
        with pytest.raises(FormatError, match="cut short"):
            parsed(whole[:end])
    with pytest.raises(FormatError, match="goes on"):
        parsed(whole + b"\0")


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<3I", 0x46546C67, 2, 0xFFFFFFFF),
        struct.pack("<3I", 0x46546C67, 2, 500 << 20) + struct.pack("<2I", 60 << 20, 0x4E4F534A) + b"{}",
        struct.pack("<3I", 0x46546C67, 2, 500 << 20) + struct.pack("<2I", 400 << 20, 0x4E4F534A) + b"{}",
        struct.pack("<3I", 0x46546C67, 2, 20) + struct.pack("<2I", 0xFFFFFFFF, 0x4E4F534A),
    ],
)
def test_lengths_that_lie_cost_no_memory(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(FormatError):
            parsed(data)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b"{",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": -Infinity}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 9000 + b"}",
    ],
)
def test_json_that_is_none(text: bytes) -> None:
    text += b" " * (-len(text) % 4)
    head = struct.pack("<3I", 0x46546C67, 2, 20 + len(text)) + struct.pack("<2I", len(text), 0x4E4F534A)
    with pytest.raises(FormatError, match="GLB holds JSON"):
        parsed(head + text)


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("accessors", {"count": 1 << 40}),
        ("accessors", {"count": -1}),
        ("accessors", {"count": True}),
        ("accessors", {"byteOffset": 1 << 30}),
        ("accessors", {"componentType": [5126]}),
        ("accessors", {"type": "VEC9"}),
        ("accessors", {"bufferView": 99_999}),
        ("bufferViews", {"byteLength": 1 << 31}),
        ("bufferViews", {"byteOffset": -4}),
        ("bufferViews", {"byteStride": 1}),
        ("bufferViews", {"buffer": 1}),
        ("bufferViews", {"extensions": {"EXT_meshopt_compression": {}}}),
    ],
)
def test_accessors_that_do_not_fit(key: str, change: dict[str, Any]) -> None:
    file = built({"Face": ["jawOpen"]})
    assert numbers(file, 0).shape == (3, 3)
    file.document[key][0] |= change
    with pytest.raises(FormatError, match="GLB"):
        numbers(file, 0)


def test_accessors_of_every_kind() -> None:
    draft = Draft(Glb({}, b""))
    short = draft.accessor(np.array([-32768, -1, 0, 32767], np.int16))
    rows = draft.accessor(np.arange(12, dtype=np.uint8).reshape(3, 4))
    where, what = draft.accessor(np.uint8([2])), draft.accessor(np.float32([7]))
    file = again(draft)
    np.testing.assert_array_equal(numbers(file, rows), np.arange(12).reshape(3, 4))
    np.testing.assert_array_equal(numbers(file, short)[:, 0], [-32768, -1, 0, 32767])
    file.document["accessors"][short]["normalized"] = True
    np.testing.assert_allclose(numbers(file, short)[:, 0], [-1, -1 / 32767, 0, 1])
    sparse = {
        "count": 1,
        "indices": {"bufferView": where, "componentType": 5121},
        "values": {"bufferView": what},
    }
    file.document["accessors"].append({"componentType": 5126, "type": "SCALAR", "count": 3, "sparse": sparse})
    np.testing.assert_array_equal(numbers(file, 4)[:, 0], [0, 0, 7])
    file.document["accessors"][4]["count"] = 2
    with pytest.raises(FormatError, match="past its 2"):
        numbers(file, 4)
    file.document["bufferViews"][rows]["byteStride"] = 4
    file.document["accessors"][rows] |= {"type": "SCALAR"}
    np.testing.assert_array_equal(numbers(file, rows)[:, 0], [0, 4, 8])


def refusal(act: Callable[[], object]) -> str:
    """What a FormatError says, or nothing."""
    try:
        act()
    except FormatError as error:
        return str(error)
    return ""


def everything(data: bytes, path: Path) -> None:
    """All that is done with a file from outside; only a FormatError may come of it."""
    path.write_bytes(data)
    for act in (
        lambda: glb.read(io.BytesIO(data)),
        lambda: vrma.read(io.BytesIO(data)),
        lambda: animated(talk(count=2), path),
        lambda: [numbers(parsed(data), index) for index in range(3)],
    ):
        assert refusal(act).isprintable()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 1 << 40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [spot for key, child in inner for spot in spots(child, (*path, key))]


ZERO = [{"name": "JawOpen", "binds": [{"mesh": 0, "index": 1, "weight": 100}]}]
ONE = {"jawOpen": {"morphTargetBinds": [{"node": 0, "index": 0, "weight": 1}]}}
SMALL = {
    "glb": parsed(keyed([0, 0.1, 0.2], [0, 1, 0])),
    "vrm": built(
        {"Face": ["jawOpen", "A"]}, extensions={"VRM": {"blendShapeMaster": {"blendShapeGroups": ZERO}}}
    ),
    "vrm1": built({"Face": ["jawOpen"]}, extensions={"VRMC_vrm": {"expressions": {"custom": ONE}}}),
    "vrma": parsed(made(vrma.Vrma, talk(rigs.get("vrm1"), 2), Options())),
}


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_json_in_any_place(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    base = SMALL[data.draw(st.sampled_from(sorted(SMALL)))]
    document = deepcopy(base.document)
    for _ in range(data.draw(st.integers(1, 2))):
        *way, last = data.draw(st.sampled_from(spots(document)))
        holder = document
        for key in way:
            holder = holder[key]
        if data.draw(st.booleans()):
            holder[last] = data.draw(JSON)
        else:
            del holder[last]
        if not document:
            break
    everything(raw(replace(base, document=document)), tmp_path_factory.getbasetemp() / "any.glb")


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_bytes(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = bytearray(raw(SMALL[data.draw(st.sampled_from(sorted(SMALL)))]))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)) | st.just(len(whole)))
    everything(bytes(whole[:cut]), tmp_path_factory.getbasetemp() / "bytes.glb")


@settings(max_examples=100, deadline=None)
@given(noise=st.binary(max_size=200))
def test_noise(noise: bytes) -> None:
    with pytest.raises(FormatError):
        parsed(noise)
