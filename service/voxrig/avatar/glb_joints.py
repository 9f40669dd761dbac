"""The joints of a GLB or VRM that turn a face, found by what their makers call them.

A VRM says which node is which. Elsewhere names tell, in whatever spelling::

    Head   mixamorig:Head   CC_Base_Head   J_Bip_C_Head   DEF-head   head_01
    LeftEye   eye_L   Eye.L   J_Adj_L_FaceEye   CC_Base_L_Eye   FACIAL_L_Eye
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from voxrig.avatar import glb_parts
from voxrig.avatar.figure import TURNS
from voxrig.avatar.glb_file import Document, Glb, entries, member, numbers, place
from voxrig.avatar.glb_parts import Part
from voxrig.types import Array

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SCAFFOLD = frozenset(
    "mixamorig cc base bip biped j adj c m x def org mch rig bone jnt joint facial armature root".split()
)
"""Words that say who made a rig, or that this is one."""
_MEANT = {
    "neck": ({"neck"},),
    "head": ({"head"},),
    "leftEye": (
        {"left", "eye"}, {"l", "eye"}, {"l", "face", "eye"}, {"lefteye"}, {"eyeleft"}, {"l", "eyeball"},
    ),
    "rightEye": (
        {"right", "eye"}, {"r", "eye"}, {"r", "face", "eye"}, {"righteye"}, {"eyeright"}, {"r", "eyeball"},
    ),
    "leftUpperArm": ({"left", "arm"}, {"left", "upper", "arm"}, {"l", "upper", "arm"}, {"upperarm", "l"}),
    "rightUpperArm": ({"right", "arm"}, {"right", "upper", "arm"}, {"r", "upper", "arm"}, {"upperarm", "r"}),
    "leftLowerArm": (
        {"left", "fore", "arm"}, {"left", "lower", "arm"}, {"l", "lower", "arm"}, {"lowerarm", "l"},
        {"l", "forearm"}, {"forearm", "l"},
    ),
    "rightLowerArm": (
        {"right", "fore", "arm"}, {"right", "lower", "arm"}, {"r", "lower", "arm"}, {"lowerarm", "r"},
        {"r", "forearm"}, {"forearm", "r"},
    ),
}  # fmt: skip
"""Words of a name, without scaffold, and the bone of a VRM's humanoid that they mean."""
_HANG = np.radians(16.0)
"""From straight down, where lowered arms hang."""


@dataclass(frozen=True, eq=False)
class Joints:
    """What turns what in one file."""

    pivots: Array  # (5, 3) of TURNS; zero for those that are not known
    known: frozenset[str]
    """Those of TURNS that the file has."""
    turn: Mapping[int, int]
    """Node to the one of TURNS that carries it."""


def find(glb: Glb) -> Joints:
    """The joints of the scene. Raises FormatError for a broken file."""
    nodes, worlds = entries(glb.document, "nodes"), glb_parts.worlds(glb.document)
    found = {bone: node for bone, node in _bones(glb).items() if bone in TURNS}
    pivots = np.zeros((len(TURNS), 3), np.float32)
    for turn, node in found.items():
        own = worlds[node]
        middle = _middle(glb, nodes[node])
        pivots[TURNS.index(turn)] = own[:3, 3] if middle is None else own[:3, :3] @ middle + own[:3, 3]
    above = _parents(nodes)
    own_turn = {node: TURNS.index(turn) for turn, node in found.items()}
    turns = {}
    for node in worlds:
        at: int | None = node
        while at is not None and at not in own_turn:
            at = above.get(at)
        turns[node] = own_turn[at] if at is not None else 0
    return Joints(pivots, frozenset(found), turns)


def shares(glb: Glb, part: Part, joints: Joints) -> Array:
    """How much of each of TURNS carries each point of a part: (v, 5), together 1."""
    node = entries(glb.document, "nodes")[part.node]
    hung = glb_parts.hangs(glb, node, part.primitive)
    out = np.zeros((len(part.points), len(TURNS)), np.float32)
    still = joints.turn.get(part.node, 0)
    if hung is not None:
        turn = np.array([joints.turn.get(joint, 0) for joint in hung.nodes])
        weight = np.maximum(hung.shares, 0).astype(np.float32)
        for k in range(hung.index.shape[1]):
            np.add.at(out, (np.arange(len(out)), turn[hung.index[:, k]]), weight[:, k])
    total = out.sum(1, keepdims=True)
    out[total[:, 0] < 1e-6, still] = 1
    return np.asarray(out / np.maximum(out.sum(1, keepdims=True), 1e-6), np.float32)


def arms_lowered(glb: Glb) -> Glb:
    """The same with arms that hang at its sides: files stand with them spread. Others stay as they are."""
    nodes, worlds = entries(glb.document, "nodes"), glb_parts.worlds(glb.document)
    bones, above = _bones(glb), _parents(nodes)
    changed = list(nodes)
    for side in ("left", "right"):
        upper, lower = bones.get(f"{side}UpperArm"), bones.get(f"{side}LowerArm")
        if upper is None or lower is None:
            continue
        shoulder, elbow = worlds[upper][:3, 3], worlds[lower][:3, 3]
        out, down = elbow[:2] - shoulder[:2]
        angle = float(np.arctan2(abs(out), -down)) - _HANG
        if angle < 0.2 or np.linalg.norm(elbow - shoulder) < 1e-6:
            continue
        turn = np.eye(4)
        cos, sin = np.cos(angle), -np.sign(out) * np.sin(angle)
        turn[:2, :2] = [[cos, -sin], [sin, cos]]
        turn[:3, 3] = shoulder - turn[:3, :3] @ shoulder
        parent = worlds.get(above.get(upper, -1), np.eye(4))
        local = np.linalg.pinv(parent) @ turn @ worlds[upper]
        rest = {key: changed[upper][key] for key in changed[upper] if key not in _PLACED}
        changed[upper] = {**rest, "matrix": local.T.ravel().tolist()}
    return replace(glb, document={**glb.document, "nodes": changed})


_PLACED = ("translation", "rotation", "scale", "matrix")


def _bones(glb: Glb) -> dict[str, int]:
    """Bone, as a VRM calls it, to the node of the scene that is it."""
    nodes, worlds = entries(glb.document, "nodes"), glb_parts.worlds(glb.document)
    found = {bone: node for bone, node in _humanoid(glb).items() if node in worlds}
    jointed = _jointed(glb.document)
    # Joints of a skin go before nodes that only stand there, and what is nearer to the root before the rest.
    for index in sorted(worlds, key=lambda node: node not in jointed):
        bone = _meaning(str(nodes[index].get("name", "")))
        if bone is not None and (index in jointed or "mesh" not in nodes[index] or bone.endswith("Eye")):
            found.setdefault(bone, index)
    return found


def _meaning(name: str) -> str | None:
    """The bone that a name means, if any."""
    words = {word.casefold() for word in _WORDS.findall(name) if not word.isdigit()} - _SCAFFOLD
    return next((bone for bone, spelled in _MEANT.items() if words in spelled), None)


def _humanoid(glb: Glb) -> dict[str, int]:
    """The bones that a VRM names."""
    extensions = member(glb.document, "extensions")
    size = len(entries(glb.document, "nodes"))
    one = member(member(member(extensions, "VRMC_vrm"), "humanoid"), "humanBones")
    found = {name: bone.get("node") for name, bone in one.items() if isinstance(bone, dict)}
    for bone in entries(member(member(extensions, "VRM"), "humanoid"), "humanBones"):
        found[str(bone.get("bone", ""))] = bone.get("node")
    return {bone: place(node, size, "bone of a humanoid") for bone, node in found.items() if bone in _MEANT}


def _jointed(document: Document) -> set[int]:
    """Nodes that carry points of some skin."""
    lists = [skin.get("joints") for skin in entries(document, "skins")]
    return {
        joint for joints in lists if isinstance(joints, list) for joint in joints if isinstance(joint, int)
    }


def _parents(nodes: list[Document]) -> dict[int, int]:
    """Node to its parent; ``glb_parts.worlds`` has seen that nobody has two."""
    below = [(i, node.get("children")) for i, node in enumerate(nodes)]
    return {
        child: i
        for i, children in below
        if isinstance(children, list)
        for child in children
        if isinstance(child, int)
    }


def _middle(glb: Glb, node: Document) -> Array | None:
    """The middle of what a node shows, in its own space: an eye that is a mesh turns about it."""
    if "mesh" not in node:
        return None
    meshes = entries(glb.document, "meshes")
    mesh = meshes[place(node["mesh"], len(meshes), "mesh of a node")]
    spots = [
        numbers(glb, member(primitive, "attributes").get("POSITION"))
        for primitive in entries(mesh, "primitives")
    ]
    points = np.concatenate([spot for spot in spots if spot.shape[1] == 3] or [np.zeros((0, 3))])
    if not len(points):
        return None
    middle: Array = ((points.min(0).astype(np.float64) + points.max(0)) / 2).astype(np.float32)
    return middle
