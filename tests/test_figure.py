"""Laws of figures: one face is one figure, whatever file it comes from and however that spells it."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from wild_glb import Piece, Wild, piece

pytest.importorskip("PIL", reason="needs the extra render")

from voxrig.avatar import Figure, glb_figure, glb_file, glb_joints, glb_parts, ict, surface
from voxrig.avatar.glb_file import Glb
from voxrig.avatar.load import load
from voxrig.errors import FormatError
from voxrig.rigs import head
from voxrig.rigs.native import NATIVE

SHIPPED = Path(__file__).parent.parent / "service" / "voxrig" / "packs" / "avatar.glb"
SHAPES = ("jawOpen", "mouthFunnel", "mouthSmileLeft", "mouthSmileRight", "eyeBlinkLeft", "eyeBlinkRight")
EXPRESSIONS = {
    "jawOpen": "aa",
    "mouthFunnel": "ou",
    "eyeBlinkLeft": "blinkLeft",
    "eyeBlinkRight": "blinkRight",
}


@pytest.fixture(scope="module")
def ours() -> Figure:
    return load()


@pytest.fixture(scope="module")
def skin() -> Piece:
    return piece(["skin"], SHAPES)


@pytest.fixture(scope="module")
def plain(skin: Piece) -> Figure:
    return glb_figure.figure(bust(skin).glb())


def bust(skin: Piece, names: dict[str, str] | None = None, **about: Any) -> Wild:
    """One mesh in one node without joints."""
    wild = Wild()
    wild.node(name="Face", mesh=wild.mesh(skin, names), **about)
    return wild


def jointed(skin: Piece, lift: float = 0.0, turn: int = 1) -> Wild:
    """A mesh hung on a head and two eyes, in a body ``lift`` metres up that looks along ``turn`` Z."""
    wild = Wild()
    flip = np.array([turn, 1, turn], np.float32)
    joints = {
        "neck": [0, -0.13, -0.1],
        "head": [0, -0.045, -0.086],
        "leftEye": [0.029, 0, 0],
        "rightEye": [-0.029, 0, 0],
    }
    at = {name: np.array(place) * flip + [0, lift, 0] for name, place in joints.items()}
    body = wild.node(name="Hips")
    neck = wild.node(body, name="Neck", translation=at["neck"].tolist())
    bone = wild.node(neck, name="Head", translation=(at["head"] - at["neck"]).tolist())
    nodes = [body, neck, bone]
    for name in ("leftEye", "rightEye"):
        nodes.append(wild.node(bone, name=name, translation=(at[name] - at["head"]).tolist()))
    moved = Piece(
        skin.points * flip + np.array([0, lift, 0]), skin.faces, {k: v * flip for k, v in skin.moves.items()}
    )
    index = np.zeros((len(skin.points), 4), np.uint8)
    index[:, 0] = np.where(skin.points[:, 1] > -0.12, 2, 0)
    weight = np.tile(np.array([1, 0, 0, 0], np.float32), (len(index), 1))
    back = np.tile(np.eye(4, dtype=np.float32), (5, 1, 1))
    back[1:, :3, 3] = [-at[name] for name in joints]
    wild.document["skins"] = [
        {"joints": nodes, "inverseBindMatrices": wild.accessor(back.transpose(0, 2, 1).reshape(5, 16))}
    ]
    mesh = wild.mesh(moved, EXPRESSIONS, JOINTS_0=wild.accessor(index), WEIGHTS_0=wild.accessor(weight))
    wild.node(name="Body", mesh=mesh, skin=0)
    return wild


def vrm(skin: Piece, version: int) -> Wild:
    """A VRM whose expressions move targets that are called like nothing."""
    wild = jointed(skin, 1.5, 1 if version else -1)
    mesh = len(wild.document["meshes"]) - 1
    node = len(wild.document["nodes"]) - 1
    names = list(skin.moves)
    wild.document["meshes"][mesh]["extras"]["targetNames"] = [f"morph{i}" for i in range(len(names))]
    bones = {"hips": 0, "neck": 1, "head": 2, "leftEye": 3, "rightEye": 4}
    if version:
        preset = {
            word: {"morphTargetBinds": [{"node": node, "index": names.index(name), "weight": 1.0}]}
            for name, word in EXPRESSIONS.items()
        }
        wild.document["extensions"] = {
            "VRMC_vrm": {
                "specVersion": "1.0", "expressions": {"preset": preset},
                "humanoid": {"humanBones": {bone: {"node": at} for bone, at in bones.items()}},
            }
        }  # fmt: skip
        return wild
    old = {"aa": "a", "ou": "u", "blinkLeft": "blink_l", "blinkRight": "blink_r"}
    groups = [
        {
            "name": word,
            "presetName": old[word],
            "binds": [{"mesh": mesh, "index": names.index(name), "weight": 100}],
        }
        for name, word in EXPRESSIONS.items()
    ]
    wild.document["extensions"] = {
        "VRM": {
            "blendShapeMaster": {"blendShapeGroups": groups},
            "humanoid": {"humanBones": [{"bone": bone, "node": at} for bone, at in bones.items()]},
        }
    }
    return wild


def deltas(figure: Figure, shape: str) -> np.ndarray:
    """How far a shape at 1 moves each vertex: (v, 3)."""
    out = np.zeros_like(figure.points)
    own = figure.moves.shape == figure.shapes.index(shape)
    out[surface.owners(figure)[own]] = figure.moves.by[own]
    return out


def is_sound(figure: Figure) -> None:
    """What every figure must be, and what those who draw it build upon."""
    count = len(figure.points)
    for array in (figure.points, figure.normals, figure.uvs, figure.moves.by, figure.shares, figure.pivots):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()
    np.testing.assert_allclose(figure.shares.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(figure.normals, axis=1), 1, atol=1e-3)
    assert figure.shares.min() >= 0
    assert (np.bincount(figure.faces.ravel(), minlength=count) > 0).all()
    assert (len(figure.normals), len(figure.uvs), len(figure.shares)) == (count,) * 3
    assert (len(figure.moves.start), figure.moves.start[-1]) == (count + 1, len(figure.moves.by))
    assert figure.moves.by.any(1).all()
    assert figure.moves.shape.max() < len(figure.shapes)
    assert len(figure.faces) == len(figure.material)
    assert figure.material.max() < len(figure.materials)
    assert set(figure.shapes) <= set(figure.rig.curves)
    assert 0.02 <= figure.width <= 0.2
    assert figure.pivots[3, 0] > figure.pivots[4, 0]


def are_equal(one: Figure, two: Figure, atol: float = 0.0) -> None:
    assert one.shapes == two.shapes
    assert one.rig.name == two.rig.name
    np.testing.assert_array_equal(one.faces, two.faces)
    for name in ("points", "normals", "uvs", "shares", "pivots"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), atol=atol, err_msg=name)
    np.testing.assert_array_equal(one.moves.start, two.moves.start)
    np.testing.assert_allclose(one.moves.by, two.moves.by, atol=atol)


# --- the head that ships ---


def test_shapes_are_those_of_the_file(ours: Figure) -> None:
    """A sum over the morph targets as the file stores them, by code that shares nothing with the loader."""
    raw = SHIPPED.read_bytes()
    (size,) = struct.unpack_from("<I", raw, 12)
    tree, rest = json.loads(raw[20 : 20 + size]), raw[28 + size :]

    def read(about: dict[str, Any], dtype: str, count: int, width: int) -> np.ndarray:
        at = tree["bufferViews"][about["bufferView"]].get("byteOffset", 0) + about.get("byteOffset", 0)
        return np.frombuffer(rest, dtype, count * width, at).reshape(count, width)

    def accessor(index: int) -> np.ndarray:
        about = tree["accessors"][index]
        out = np.zeros((about["count"], 3), np.float32)
        if "bufferView" in about:
            out[:] = read(about, "<f4", about["count"], 3)
        if "sparse" in about:
            few = about["sparse"]
            kind = {5123: "<u2", 5125: "<u4"}[few["indices"]["componentType"]]
            where = read(few["indices"], kind, few["count"], 1)[:, 0]
            out[where] = read(few["values"], "<f4", few["count"], 3)
        return out

    weights = np.random.default_rng(5).random(len(ours.shapes)).astype(np.float32)
    by_name = dict(zip(ours.shapes, weights, strict=True))
    names = next(mesh["extras"]["targetNames"] for mesh in tree["meshes"] if "extras" in mesh)
    want = []
    for mesh in tree["meshes"]:
        for part in mesh["primitives"]:
            points = accessor(part["attributes"]["POSITION"]).astype(np.float64)
            for name, target in zip(names, part.get("targets", []), strict=False):
                points += by_name[name] * accessor(target["POSITION"])
            want.append(points)
    got = ours.points.astype(np.float64)
    np.add.at(got, surface.owners(ours), ours.moves.by * weights[ours.moves.shape, None])
    np.testing.assert_allclose(got, np.concatenate(want), atol=1e-5)


def test_ours_is_sound_and_loads_alike_twice(ours: Figure) -> None:
    is_sound(ours)
    assert len(ours.shapes) == 68
    are_equal(ours, glb_figure.load(SHIPPED))
    assert ours.materials[0].picture is not None


# --- files of the wild ---


def test_a_bust_without_joints_has_eyes_where_it_blinks(plain: Figure, ours: Figure) -> None:
    is_sound(plain)
    np.testing.assert_allclose(plain.eyes, ours.eyes, atol=0.004)
    np.testing.assert_allclose(plain.pivots[1:3], ours.pivots[1:3], atol=0.01)
    top, bottom = (plain.points[:, 1] > -0.08), (plain.points[:, 1] < -0.19)
    assert plain.shares[top, 2].min() > 0.95
    assert plain.shares[bottom, 0].min() > 0.95


def test_without_blinking_the_mouth_tells(skin: Piece, ours: Figure) -> None:
    mute = Piece(skin.points, skin.faces, {"jawOpen": skin.moves["jawOpen"]})
    figure = glb_figure.figure(bust(mute).glb())
    is_sound(figure)
    np.testing.assert_allclose(figure.eyes, ours.eyes, atol=0.02)


def test_spelling_does_not_matter(plain: Figure, skin: Piece) -> None:
    spelled = {name: f"Head_{name.replace('Left', '_L').replace('Right', '_R')}" for name in SHAPES}
    are_equal(glb_figure.figure(bust(skin, spelled).glb()), plain)


def test_scale_and_place_of_the_node_do_not_matter(plain: Figure, skin: Piece) -> None:
    turned = bust(skin, scale=[1, 1, 1], rotation=[0, 0, 0, 1], translation=[0.5, 1.5, -2])
    figure = glb_figure.figure(turned.glb())
    np.testing.assert_allclose(
        figure.points - figure.eyes.mean(0), plain.points - plain.eyes.mean(0), atol=1e-6
    )
    large = glb_figure.figure(bust(skin, scale=[100, 100, 100]).glb())
    is_sound(large)
    np.testing.assert_allclose(large.points / large.width, plain.points / plain.width, atol=1e-4)


def test_a_mirrored_node_shows_no_backs(plain: Figure, skin: Piece) -> None:
    """The mirror image of a face looks ahead, too, and its triangles face outwards."""
    figure = glb_figure.figure(bust(skin, scale=[-1, 1, 1]).glb())
    flat = np.cross(
        figure.points[figure.faces[:, 1]] - figure.points[figure.faces[:, 0]],
        figure.points[figure.faces[:, 2]] - figure.points[figure.faces[:, 0]],
    )
    assert (flat * figure.normals[figure.faces[:, 0]]).sum(1).mean() > 0
    assert figure.normals[figure.points[:, 2].argmax(), 2] > 0


@pytest.mark.parametrize("version", [0, 1])
def test_a_vrm_without_arkit_speaks_by_its_expressions(skin: Piece, version: int) -> None:
    figure = glb_figure.figure(vrm(skin, version).glb())
    is_sound(figure)
    assert figure.rig.name == "vrm1"
    assert figure.shapes == ("aa", "ou", "blinkLeft", "blinkRight")
    np.testing.assert_allclose(figure.eyes[:, 1], 1.5, atol=1e-6)
    assert figure.points[figure.points[:, 2].argmax(), 2] > 0.02  # the nose is ahead
    assert deltas(figure, "aa")[:, 1].min() < -0.02


def test_vrm_0_and_1_are_twins(skin: Piece) -> None:
    are_equal(glb_figure.figure(vrm(skin, 0).glb()), glb_figure.figure(vrm(skin, 1).glb()), atol=1e-6)


def test_a_figure_that_looks_away_is_turned_round(skin: Piece) -> None:
    ahead, away = (glb_figure.figure(jointed(skin, 0, turn).glb()) for turn in (1, -1))
    are_equal(ahead, away, atol=1e-6)


def test_joints_carry_what_hangs_on_them(skin: Piece) -> None:
    figure = glb_figure.figure(jointed(skin, 1.5).glb())
    np.testing.assert_allclose(figure.pivots[2], [0, 1.455, -0.086], atol=1e-6)
    high = figure.points[:, 1] > 1.5 - 0.11
    assert (figure.shares[high, 2] == 1).all()
    assert (figure.shares[~high, 2] < 1).any()


def test_vroid_and_visemes_are_known_by_their_names(skin: Piece) -> None:
    vroid = {
        "jawOpen": "Face.M_F00_Fcl_MTH_A",
        "mouthFunnel": "Face.M_F00_Fcl_MTH_U",
        "eyeBlinkLeft": "Fcl_EYE_Close_L",
    }
    some = Piece(skin.points, skin.faces, {name: skin.moves[name] for name in vroid})
    assert glb_figure.figure(bust(some, vroid).glb()).shapes == ("aa", "ou", "blinkLeft")
    visemes = {
        name: f"viseme_{word}" for name, word in zip(SHAPES, ("aa", "E", "PP", "FF", "kk", "nn"), strict=True)
    }
    figure = glb_figure.figure(bust(skin, visemes).glb())
    assert figure.rig.name == "visemes"
    assert set(figure.shapes) == {"aa", "E", "PP", "FF", "kk", "nn"}
    is_sound(figure)


def test_halves_of_a_shape_move_together(skin: Piece) -> None:
    halves = {"eyeBlinkLeft": "cheekPuffLeft", "eyeBlinkRight": "cheekPuff_R"}
    figure = glb_figure.figure(bust(skin, halves).glb())
    want = skin.moves["eyeBlinkLeft"] + skin.moves["eyeBlinkRight"]
    used = np.isin(np.arange(len(skin.points)), skin.faces)
    np.testing.assert_allclose(deltas(figure, "cheekPuff"), want[used], atol=1e-7)


def test_teeth_and_lashes_of_their_own_move_along(skin: Piece) -> None:
    wild, teeth = bust(skin), piece(["lower_teeth"], ["jawOpen"])
    picture = wild.picture(np.full((8, 8, 3), 200, np.uint8))
    look = {"pbrMetallicRoughness": {"baseColorTexture": {"index": picture}}}
    materials = [wild.material(name=name, **look) for name in ("teeth", "gums")]
    for material in materials:
        wild.node(name="Wolf3D_Teeth", mesh=wild.mesh(teeth, material=material))
    wild.node(name="Hat", mesh=wild.mesh(Piece(teeth.points + np.array([0, 0.2, 0]), teeth.faces, {})))
    far = Piece(teeth.points - [0, 2, 0], teeth.faces, {})
    wild.node(name="Shoes", mesh=wild.mesh(far))
    figure = glb_figure.figure(wild.glb())
    is_sound(figure)
    assert {material.name for material in figure.materials} == {"", "teeth", "gums"}
    one, two = (m.picture for m in figure.materials if m.name)
    assert one is two  # shared
    assert figure.points[:, 1].min() > -0.6  # shoes are in no picture of a face
    assert figure.points[:, 1].max() > 0.1
    moved = np.linalg.norm(deltas(figure, "jawOpen"), axis=1) > 0.005
    worn = np.unique(figure.faces[figure.material == 1])
    assert moved[worn].all()


def test_what_a_file_leaves_out_is_made(plain: Figure, skin: Piece) -> None:
    """Without scenes and with normals that are no numbers it is the same file."""
    wild = Wild()
    bad = np.full(skin.points.shape, np.nan, np.float32)
    wild.node(name="Face", mesh=wild.mesh(skin, NORMAL=wild.accessor(bad)))
    del wild.document["scenes"], wild.document["scene"]
    are_equal(glb_figure.figure(wild.glb()), plain)
    zero = Wild()
    zero.node(mesh=zero.mesh(skin, NORMAL=zero.accessor(np.zeros_like(bad))))
    are_equal(glb_figure.figure(zero.glb()), plain)


def test_flat_triangles_and_lone_points_do_no_harm(plain: Figure, skin: Piece) -> None:
    more = Piece(
        np.concatenate([skin.points, np.ones((7, 3), np.float32)]),
        np.concatenate([skin.faces, [[0, 0, 1], [5, 5, 5]]]),
        {name: np.concatenate([move, np.ones((7, 3))]) for name, move in skin.moves.items()},
    )
    figure = glb_figure.figure(bust(more).glb())
    is_sound(figure)
    np.testing.assert_allclose(figure.eyes, plain.eyes, atol=0.1)
    assert len(figure.faces) == len(plain.faces) + 2


def test_quantized_points(plain: Figure, skin: Piece) -> None:
    """KHR_mesh_quantization: whole numbers, scaled by the node."""
    wild, step = Wild(), 1e-4
    whole = Piece(skin.points, skin.faces, {})
    mesh = wild.mesh(whole)
    padded = np.zeros((len(skin.points), 4), np.int16)  # each element starts at a multiple of 4
    primitive = wild.document["meshes"][mesh]["primitives"][0]

    def packed(values: np.ndarray) -> int:
        padded[:, :3] = np.round(values / step)
        at = wild.accessor(padded)
        wild.document["accessors"][at]["type"] = "VEC3"
        wild.document["bufferViews"][wild.document["accessors"][at]["bufferView"]]["byteStride"] = 8
        return at

    primitive["attributes"]["POSITION"] = packed(skin.points)
    primitive["targets"] = [{"POSITION": packed(move)} for move in skin.moves.values()]
    wild.document["meshes"][mesh]["extras"] = {"targetNames": list(skin.moves)}
    wild.document["extensionsRequired"] = ["KHR_mesh_quantization"]
    wild.node(mesh=mesh, scale=[step] * 3)
    figure = glb_figure.figure(wild.glb())
    is_sound(figure)
    assert figure.shapes == plain.shapes
    np.testing.assert_allclose(figure.points, plain.points, atol=step)


@pytest.mark.parametrize(
    "packer", ["KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_texture_basisu"]
)
def test_packed_files_are_refused_in_a_sentence(skin: Piece, packer: str) -> None:
    wild = bust(skin)
    wild.document["extensionsRequired"] = [packer]
    with pytest.raises(FormatError, match=packer):
        glb_figure.figure(wild.glb())


@pytest.mark.parametrize("turn", [1, -1])
def test_spread_arms_are_lowered(skin: Piece, turn: int) -> None:
    wild = jointed(skin, 1.5, turn)
    for side, way in (("Left", 1), ("Right", -1)):
        upper = wild.node(0, name=f"mixamorig:{side}Arm", translation=[0.15 * way * turn, 1.3, 0])
        wild.node(upper, name=f"mixamorig:{side}ForeArm", translation=[0.25 * way * turn, 0, 0])
    lowered = glb_joints.arms_lowered(wild.glb())
    for elbow in (len(wild.document["nodes"]) - 1, len(wild.document["nodes"]) - 3):
        x, y, z = glb_parts.worlds(lowered.document)[elbow][:3, 3]
        assert 0.15 < abs(x) < 0.3
        assert y < 1.3 - 0.23
        assert abs(z) < 1e-6
    again = glb_joints.arms_lowered(lowered)
    np.testing.assert_allclose(
        glb_parts.worlds(again.document)[elbow], glb_parts.worlds(lowered.document)[elbow]
    )
    is_sound(glb_figure.figure(wild.glb()))


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("Head", "Neck", "LeftEye", "RightEye"), 4),
        (("mixamorig:Head", "mixamorig:Neck", "mixamorig:LeftEye", "mixamorig:RightEye"), 4),
        (("CC_Base_Head", "CC_Base_NeckTwist01", "CC_Base_L_Eye", "CC_Base_R_Eye"), 3),
        (("J_Bip_C_Head", "J_Bip_C_Neck", "J_Adj_L_FaceEye", "J_Adj_R_FaceEye"), 4),
        (("head", "neck_01", "FACIAL_L_Eye", "FACIAL_R_Eye"), 4),
        (("DEF-head", "DEF-neck", "eye.L", "eye.R"), 4),
        (("forehead", "necklace", "eyelid_L", "LeftEyeBrow"), 0),
        (("HeadTop_End", "Head_end", "L_Eye_target", "eyes"), 0),
    ],
)
def test_joints_by_the_names_of_their_makers(names: tuple[str, ...], found: int) -> None:
    wild = Wild()
    for name in names:
        wild.node(name=name)
    assert len(glb_joints.find(wild.glb()).known) == found


# --- looks ---


def dressed(skin: Piece, material: dict[str, Any], **attributes: np.ndarray) -> Figure:
    wild = Wild()
    index = wild.material(name="skin", **material)
    more = {name: wild.accessor(array) for name, array in attributes.items()}
    wild.picture(np.arange(4 * 4 * 4, dtype=np.uint8).reshape(4, 4, 4))
    wild.node(mesh=wild.mesh(skin, material=index, **more))
    return glb_figure.figure(wild.glb())


@pytest.mark.parametrize(
    ("about", "cutout"),
    [
        ({}, 0.0),
        ({"alphaMode": "OPAQUE", "alphaCutoff": 0.3}, 0.0),
        ({"alphaMode": "MASK"}, 0.5),
        ({"alphaMode": "MASK", "alphaCutoff": 0.25}, 0.25),
        ({"alphaMode": "BLEND"}, 0.5),
    ],
)
def test_alpha(skin: Piece, about: dict[str, Any], cutout: float) -> None:
    (material,) = dressed(skin, about).materials
    assert material.cutout == cutout
    assert not material.unlit


def test_cartoons_are_unlit(skin: Piece) -> None:
    for extension in ("KHR_materials_unlit", "VRMC_materials_mtoon"):
        assert dressed(skin, {"extensions": {extension: {}}}).materials[0].unlit


def test_pictures_colours_and_where_they_lie(skin: Piece) -> None:
    flat = np.random.default_rng(1).random((len(skin.points), 2)).astype(np.float32)
    used = np.isin(np.arange(len(skin.points)), skin.faces)
    colour = [0.5, 0.25, 1.0, 1.0]
    surface_ = {"baseColorTexture": {"index": 0}, "baseColorFactor": colour, "roughnessFactor": 0.25}
    figure = dressed(skin, {"pbrMetallicRoughness": surface_}, TEXCOORD_0=flat)
    (material,) = figure.materials
    np.testing.assert_allclose(figure.uvs, flat[used], atol=1e-6)
    np.testing.assert_allclose(material.colour, colour)
    assert material.roughness == 0.25
    assert material.picture is not None
    np.testing.assert_array_equal(material.picture.ravel(), np.arange(64))
    moved = {"offset": [0.5, 0.25], "scale": [2, 0.5], "texCoord": 1}
    texture = {"index": 0, "extensions": {"KHR_texture_transform": moved}}
    figure = dressed(
        skin, {"pbrMetallicRoughness": {"baseColorTexture": texture}}, TEXCOORD_0=flat * 0, TEXCOORD_1=flat
    )
    np.testing.assert_allclose(figure.uvs, flat[used] * [2, 0.5] + [0.5, 0.25], atol=1e-6)
    turned = {"index": 0, "extensions": {"KHR_texture_transform": {"rotation": np.pi / 2}}}
    figure = dressed(skin, {"pbrMetallicRoughness": {"baseColorTexture": turned}}, TEXCOORD_0=flat)
    np.testing.assert_allclose(figure.uvs, flat[used] @ [[0, -1], [1, 0]], atol=1e-6)


def test_colours_of_points(skin: Piece, plain: Figure) -> None:
    assert plain.tints is None
    colours = np.random.default_rng(2).integers(0, 255, (len(skin.points), 4)).astype(np.uint8)
    wild = Wild()
    wild.node(mesh=wild.mesh(skin, COLOR_0=wild.accessor(colours, normalized=True)))
    figure = glb_figure.figure(wild.glb())
    assert figure.tints is not None
    used = np.isin(np.arange(len(skin.points)), skin.faces)
    np.testing.assert_allclose(figure.tints, colours[used, :3] / 255, atol=1e-6)


def test_giant_pictures_are_refused(skin: Piece) -> None:
    wild = Wild()
    texture = wild.picture(np.zeros((2, 2, 3), np.uint8))
    view = wild.document["bufferViews"][wild.document["images"][0]["bufferView"]]
    header = slice(view["byteOffset"] + 16, view["byteOffset"] + 24)
    wild.blob[header] = struct.pack(">II", 30_000, 30_000)
    at = wild.material(pbrMetallicRoughness={"baseColorTexture": {"index": texture}})
    wild.node(mesh=wild.mesh(skin, material=at))
    with pytest.raises(FormatError, match="picture"):
        glb_figure.figure(wild.glb())


# --- whatever comes ---


def test_broken_files_give_a_sentence_or_a_face(skin: Piece) -> None:
    """Bytes flipped, cut and doubled anywhere, from a file with all that the loader reads."""
    small = Piece(
        skin.points[:400], skin.faces[(skin.faces < 400).all(1)], {k: v[:400] for k, v in skin.moves.items()}
    )
    wild = vrm(small, 1)
    texture = wild.picture(np.zeros((2, 2, 3), np.uint8))
    looks = {
        "pbrMetallicRoughness": {
            "baseColorTexture": {
                "index": texture,
                "extensions": {"KHR_texture_transform": {"offset": [0, 1]}},
            }
        }
    }
    at = wild.material(**looks)
    primitive = wild.document["meshes"][0]["primitives"][0]
    primitive["material"] = at
    primitive["attributes"]["TEXCOORD_0"] = wild.accessor(small.points[:, :2])
    primitive["attributes"]["COLOR_0"] = wild.accessor(small.points)
    good = wild.bytes()
    assert glb_figure.figure(glb_file.read(io.BytesIO(good)))
    text = struct.unpack_from("<I", good, 12)[0]
    rng = np.random.default_rng(11)
    for _ in range(300):
        raw = bytearray(good)
        for _ in range(rng.integers(1, 4)):
            where = int(rng.integers(20, 20 + text) if rng.random() < 0.8 else rng.integers(len(raw)))
            raw[where] = int(rng.choice(list(b'0123456789-e.,{}[]":\x00\xff')))
        if rng.random() < 0.1:
            del raw[int(rng.integers(len(raw))) :]
        sound_or_sentence(lambda raw=bytes(raw): glb_file.read(io.BytesIO(raw)))


def test_broken_documents_give_a_sentence_or_a_face(skin: Piece) -> None:
    """Values of the JSON swapped for others of any kind."""
    small = Piece(
        skin.points[:400], skin.faces[(skin.faces < 400).all(1)], {k: v[:400] for k, v in skin.moves.items()}
    )
    wild = vrm(small, 0)
    blob, text = bytes(wild.blob), json.dumps({**wild.document, "buffers": [{"byteLength": len(wild.blob)}]})
    rng = np.random.default_rng(12)
    other = [
        None,
        True,
        -1,
        0,
        1,
        3.5,
        1e30,
        1 << 40,
        "",
        "x",
        [],
        {},
        [1],
        [None],
        {"a": 1},
        [[0]],
        [0.5] * 16,
        [1e9] * 3,
    ]
    for _ in range(400):
        document = json.loads(text)
        for _ in range(rng.integers(1, 3)):
            holder: Any = document
            while True:
                keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
                if not keys:
                    break
                key = keys[int(rng.integers(len(keys)))]
                if isinstance(holder[key], dict | list) and holder[key] and rng.random() < 0.85:
                    holder = holder[key]
                    continue
                holder[key] = other[int(rng.integers(len(other)))]
                break
        sound_or_sentence(lambda document=document: Glb(document, blob))


def sound_or_sentence(read: Callable[[], Glb]) -> None:
    said = None
    try:
        figure = glb_figure.figure(read())
    except FormatError as error:
        said = str(error)
    if said is not None:
        assert "\n" not in said
        assert len(said) < 5000
        return
    for array in (figure.points, figure.normals, figure.uvs, figure.moves.by, figure.shares, figure.pivots):
        assert np.isfinite(array).all()
    np.testing.assert_allclose(figure.shares.sum(1), 1, atol=1e-5)
    assert figure.width > 0


def test_a_file_of_nothing_costs_nothing(skin: Piece) -> None:
    """An accessor without bytes may claim any length."""
    wild = bust(skin)
    wild.document["accessors"].append({"componentType": 5126, "count": 1 << 27, "type": "SCALAR"})
    with pytest.raises(FormatError, match="accessor"):
        glb_figure.figure(wild.glb())


# --- other kinds of files ---


def ict_folder(folder: Path, decimals: int = 9) -> Path:
    """Our head as ICT-FaceKit spells it: centimetres, quads, halves, one OBJ for each shape."""
    face = head.load()
    worn = {
        "eye_left": "M_ScleraLeft",
        "eye_right": "M_ScleraRight",
        "upper_teeth": "M_Teeth",
        "tongue": "M_GumsTongue",
    }

    def write(name: str, points: np.ndarray, polygons: bool = False) -> None:
        lines = ["mtllib ICTFaceModelMaterial.mtl"]
        lines += [f"v {x:.{decimals}f} {y:.{decimals}f} {z:.{decimals}f}" for x, y, z in points * 100.0]
        lines += ["vt 0.25 0.75"] * polygons
        for group in face.group_names if polygons else ():
            lines.append(f"usemtl {worn.get(group, 'M_Face')}")
            for quad in face.quads[np.isin(face.quads[:, 0], face.members(group))] + 1:
                corners = quad[:3] if quad[2] == quad[3] else quad
                lines.append("f " + " ".join(f"{corner}/1" for corner in corners))
        (folder / f"{name}.obj").write_text("\n".join(lines) + "\n")

    folder.mkdir(exist_ok=True)
    rest = face.vertices.astype(np.float64)
    write("generic_neutral_mesh", rest, polygons=True)
    write("identity000", rest * 1.1)
    for name in (*SHAPES, "jawLeft", "browInnerUp"):
        move = face.delta(name)
        left = (rest[:, :1] > 0) * move
        if name == "browInnerUp":
            write("browInnerUp_L", rest + left)
            write("browInnerUp_R", rest + move - left)
        else:
            write(name.replace("eyeBlinkLeft", "eyeBlink_L").replace("eyeBlinkRight", "eyeBlink_R")
                  .replace("SmileLeft", "Smile_L").replace("SmileRight", "Smile_R"), rest + move)  # fmt: skip
    write("PupilDilate_L", rest)
    return folder


@pytest.fixture(scope="module")
def facekit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ict_folder(tmp_path_factory.mktemp("ict") / "FaceXModel")


def test_ict_facekit_is_the_same_face(facekit: Path) -> None:
    figure, face = load(facekit), head.load()
    is_sound(figure)
    assert set(figure.shapes) == {*SHAPES, "jawLeft", "browInnerUp"}
    assert len(figure.points) == len(face.vertices)
    np.testing.assert_allclose(figure.points, face.vertices, atol=1e-6)
    for name in figure.shapes:
        np.testing.assert_allclose(deltas(figure, name), face.delta(name), atol=2e-5)
    eyes = [face.vertices[face.members(f"eye_{side}")] for side in ("left", "right")]
    np.testing.assert_allclose(figure.eyes, [(eye.min(0) + eye.max(0)) / 2 for eye in eyes], atol=1e-6)
    assert (figure.shares[face.members("eye_left"), 3] == 1).all()
    quads = face.quads
    assert len(figure.faces) == len(quads) + (quads[:, 2] != quads[:, 3]).sum()
    worn = {figure.materials[m].name for m in np.unique(figure.material)}
    assert worn == {"skin", "left eye", "right eye", "teeth", "gums"}


def test_identities_of_ict_facekit(facekit: Path) -> None:
    np.testing.assert_allclose(ict.load(facekit, [0.5]).points, 1.05 * load(facekit).points, atol=1e-6)
    with pytest.raises(FormatError, match="identity001"):
        ict.load(facekit, [0, 1])


@pytest.mark.parametrize(
    "text",
    [
        "", "v 1 2\nf 1 1 1", "v 1 2 x\nf 1 1 1", "v 1 2 nan\nf 1 1 1", "v 1 2 3\nf 1 2 3",
        "v 1 2 3\nf 0 1 1", "v 1 2 3\nf a b c", "v 1 2 3\nf 1 1", "v 1 2 3\nf 1/7 1/7 1/7",
        "v 1 2 3\nf 1 1 99999999999999999999",
    ],
)  # fmt: skip
def test_an_obj_that_is_none_gives_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "generic_neutral_mesh.obj").write_text(text)
    with pytest.raises(FormatError, match="generic_neutral_mesh"):
        load(tmp_path)


@pytest.fixture(scope="module")
def flames(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Any]:
    """A FLAME file, its calibration and the model that it was made from."""
    pytest.importorskip("scipy", reason="needs the extra flame")
    import flame_model

    from voxrig.rigs import flame_fit

    folder = tmp_path_factory.mktemp("flame")
    synthetic = flame_model.make(head.load())
    model = flame_model.write_pickle(folder / "model.pkl", synthetic)
    flame_fit.calibrate_command(model, folder / "calibration.npz")
    return model, folder / "calibration.npz", synthetic


def test_flame_moves_as_flame_does(flames: tuple[Path, Path, Any]) -> None:
    """Each shape at 1 is FLAME's own forward pass for the values that the house's map gives it."""
    from voxrig.rigs import flame

    path, calibration, synthetic = flames
    figure = load(path, calibration)
    is_sound(figure)
    assert {"jawOpen", "mouthFunnel", "eyeBlinkLeft"} <= set(figure.shapes)
    rest = synthetic.arrays["v_template"]
    used = np.unique(synthetic.arrays["f"])
    np.testing.assert_allclose(figure.points[: len(used)], rest[used], atol=1e-6)
    for name in ("jawOpen", "jawLeft", "mouthSmileLeft", "mouthClose"):
        frame = np.zeros((1, len(NATIVE)), np.float32)
        frame[0, NATIVE.index(name)] = 1
        values = flame.from_native(frame, flame.load_calibration(calibration))[0]
        want = synthetic.posed(values.astype(np.float64)) - rest
        np.testing.assert_allclose(deltas(figure, name)[: len(used)], want[used], atol=2e-5)


def test_a_flame_calibration_is_made_or_must_fit(flames: tuple[Path, Path, Any], tmp_path: Path) -> None:
    path, calibration, _ = flames
    are_equal(load(path), load(path, calibration))
    other = tmp_path / "model.pkl"
    other.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(FormatError, match="another FLAME file"):
        load(other, calibration)
    with pytest.raises(FormatError, match="FLAME model"):
        load(SHIPPED, calibration)


@pytest.mark.parametrize("name", ["face.fbx", "face", "face.obj", "gone.glb", "gone.pkl", "gone"])
def test_what_is_no_figure_gets_a_sentence(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if not name.startswith("gone"):
        path.write_bytes(b"nothing")
    with pytest.raises(FormatError, match=name) as told:
        load(path)
    if "." not in name or path.exists():
        for word in (".glb", ".vrm", "FLAME", "ICT-FaceKit"):
            assert word in str(told.value)
    with pytest.raises(FormatError, match="generic_neutral_mesh"):
        load(tmp_path)
