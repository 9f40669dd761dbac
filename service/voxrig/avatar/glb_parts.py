"""The meshes of an avatar, taken out of its GLB and stood up in one space.

Each primitive of each mesh that a node of the scene shows becomes a ``Part``. Points are those of the rest
pose in metres, +Y up, with the place of the node or the joints of the skin worked in; so are the offsets of
shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrig.avatar.glb_file import Document, Glb, entries, member, numbers, place
from voxrig.avatar.glb_targets import Bind
from voxrig.errors import FormatError
from voxrig.types import Array

_TRIANGLES = 4
_FAR = 1e6
"""Metres, or whatever a matrix holds: no face reaches so far, and products of such numbers stay finite."""


@dataclass(frozen=True, eq=False)
class Shape:
    """Where a curve at 1 takes the points that it moves; k of them."""

    curve: int
    """Column of the take."""
    vertices: NDArray[np.int32]  # (k,)
    offsets: Array  # (k, 3) metres
    normals: Array  # (k, 3) what is added to the normals; zero where the file tells nothing


@dataclass(frozen=True)
class Moved:
    """What a take does to the shapes of a node."""

    binds: tuple[Bind, ...]
    rest: tuple[float, ...]
    """How far each shape is on while nothing moves it."""


STILL = Moved((), ())


@dataclass(frozen=True)
class Material:
    """How a part looks, without its pictures."""

    index: int
    """Number within the file; -1 for parts that name none."""
    colour: tuple[float, float, float]
    """Linear RGB, 0..1."""
    opacity: float
    roughness: float
    metallic: float
    double_sided: bool


@dataclass(frozen=True, eq=False)
class Part:
    """One mesh of triangles with one material."""

    name: str
    points: Array  # (v, 3) metres
    triangles: NDArray[np.uint32]  # (f, 3)
    normals: Array | None  # (v, 3) of length 1
    uv: Array | None  # (v, 2), v counted from below as USD does
    material: Material
    shapes: tuple[Shape, ...]
    node: int
    """That shows it."""
    primitive: Document

    @property
    def reach(self) -> Array:
        """Lowest and highest corner of the rest pose, (2, 3)."""
        return np.stack([self.points.min(0), self.points.max(0)])


def parts(glb: Glb, moved: Mapping[int, Moved]) -> list[Part]:
    """Every triangle mesh of the scene; ``moved`` tells by node what the take does to it.

    Raises FormatError for a file that is broken.
    """
    places = worlds(glb.document)
    nodes, meshes = entries(glb.document, "nodes"), entries(glb.document, "meshes")
    found = []
    for index, world in places.items():
        if "mesh" not in nodes[index]:
            continue
        mesh = meshes[place(nodes[index]["mesh"], len(meshes), "mesh of a node")]
        name = str(nodes[index].get("name") or mesh.get("name") or "Mesh")
        for primitive in entries(mesh, "primitives"):
            if primitive.get("mode", _TRIANGLES) == _TRIANGLES:
                skinned = _skinned(glb, nodes[index], primitive, places)
                frame = world[None] if skinned is None else skinned
                part = _part(glb, name, index, primitive, frame, moved.get(index, STILL))
                found += [part] if len(part.points) and len(part.triangles) else []
    return found


def _part(
    glb: Glb, name: str, node: int, primitive: Document, frame: NDArray[np.float64], moved: Moved
) -> Part:
    """One primitive in the space of the scene; ``frame`` (1 or v, 4, 4) takes it there."""
    attributes = member(primitive, "attributes")
    points = _vectors(glb, attributes, "POSITION", None)
    count = len(points)
    bent = _vectors(glb, attributes, "NORMAL", count) if "NORMAL" in attributes else None
    targets = entries(primitive, "targets")
    driven = {bind.target for bind in moved.binds}
    for target, (at, weight) in zip(targets, enumerate(moved.rest), strict=False):
        if weight and at not in driven:  # a shape that no curve moves stays as the file has it
            points = points + np.float32(weight) * _vectors(glb, target, "POSITION", count)
            bent = (
                None if bent is None else bent + np.float32(weight) * _vectors(glb, target, "NORMAL", count)
            )
    linear, shift = frame[:, :3, :3], frame[:, :3, 3]
    # Normals stay across a surface that is stretched.
    across: NDArray[np.float64] = np.asarray(np.linalg.pinv(linear).transpose(0, 2, 1), np.float64)
    normals = None if bent is None else _unit(_turned(across, bent))
    curves: dict[int, tuple[Array, Array]] = {}
    for bind in moved.binds:
        target, still = targets[place(bind.target, len(targets), "morph target")], np.zeros_like(points)
        offset, turn = curves.get(bind.curve, (still, still))
        offset = offset + np.float32(bind.weight) * _vectors(glb, target, "POSITION", count)
        turn = turn + np.float32(bind.weight) * _vectors(glb, target, "NORMAL", count)
        curves[bind.curve] = offset, turn
    shapes = []
    for curve, (offset, turn) in curves.items():
        where = np.flatnonzero(np.any(offset != 0, axis=1) | np.any(turn != 0, axis=1)).astype(np.int32)
        after = np.zeros_like(points)
        if bent is not None and normals is not None and turn.any():
            after = _unit(_turned(across, bent + turn)) - normals
        if len(where):
            shapes.append(Shape(curve, where, _turned(linear, offset)[where], after[where]))
    return Part(
        name,
        (_turned(linear, points) + shift).astype(np.float32),
        _triangles(glb, primitive, count),
        normals,
        _uv(glb, attributes, count),
        _material(glb.document, primitive),
        tuple(shapes),
        node,
        primitive,
    )


def _vectors(glb: Glb, holder: Document, key: str, count: int | None) -> Array:
    """(v, 3) float32 of an attribute; zeros where the holder has none and ``count`` tells how many."""
    if key not in holder and count is not None:
        return np.zeros((count, 3), np.float32)
    values = numbers(glb, holder.get(key))
    if values.shape[1] != 3 or (count is not None and len(values) != count):
        raise FormatError(f"GLB: {key} must be ({'v' if count is None else count}, 3), got {values.shape}")
    if not (np.abs(values) < _FAR).all():
        raise FormatError(f"GLB: {key} holds a value that is no finite number, or far too large")
    return values.astype(np.float32)


def _triangles(glb: Glb, primitive: Document, count: int) -> NDArray[np.uint32]:
    if "indices" in primitive:
        corners = numbers(glb, primitive["indices"])[:, 0].astype(np.int64)
    else:
        corners = np.arange(count)
    if len(corners) and not 0 <= corners.min() <= corners.max() < count:
        raise FormatError(f"GLB: a triangle has a corner past its {count} points")
    return corners[: len(corners) // 3 * 3].reshape(-1, 3).astype(np.uint32)


def _uv(glb: Glb, attributes: Document, count: int) -> Array | None:
    if "TEXCOORD_0" not in attributes:
        return None
    values = numbers(glb, attributes["TEXCOORD_0"])
    if values.shape != (count, 2):
        raise FormatError(f"GLB: TEXCOORD_0 must be ({count}, 2), got {values.shape}")
    return np.stack([values[:, 0], 1 - values[:, 1]], axis=1).astype(np.float32)


def _material(document: Document, primitive: Document) -> Material:
    materials = entries(document, "materials")
    if "material" not in primitive:
        return Material(-1, (0.8, 0.8, 0.8), 1.0, 1.0, 0.0, False)
    index = place(primitive["material"], len(materials), "material")
    surface = member(materials[index], "pbrMetallicRoughness")
    colour = _floats(surface.get("baseColorFactor", [1, 1, 1, 1]), 4, "baseColorFactor")
    rough, metal = (_floats([surface.get(f"{key}Factor", 1)], 1, key)[0] for key in ("roughness", "metallic"))
    shown = float(colour[3]) if materials[index].get("alphaMode", "OPAQUE") == "BLEND" else 1.0
    rgb = (float(colour[0]), float(colour[1]), float(colour[2]))
    return Material(
        index, rgb, shown, float(rough), float(metal), materials[index].get("doubleSided") is True
    )


def _skinned(
    glb: Glb, node: Document, primitive: Document, places: dict[int, NDArray[np.float64]]
) -> NDArray[np.float64] | None:
    """(v, 4, 4): where the joints of a skin take each point in the rest pose; None for a mesh without one."""
    hung = hangs(glb, node, primitive)
    if hung is None:
        return None
    skins = entries(glb.document, "skins")
    skin, joints = skins[place(node["skin"], len(skins), "skin")], hung.nodes
    carried = np.stack([places.get(joint, np.eye(4)) for joint in joints])
    if "inverseBindMatrices" in skin:
        back = numbers(glb, skin["inverseBindMatrices"])
        if back.shape != (len(joints), 16) or not (np.abs(back) < _FAR).all():
            raise FormatError(
                f"GLB: inverseBindMatrices must be ({len(joints)}, 16) numbers, got {back.shape}"
            )
        carried = carried @ back.reshape(-1, 4, 4).transpose(0, 2, 1)  # stored by columns
    return np.asarray(np.einsum("vj,vjab->vab", hung.shares, carried[hung.index]), np.float64)


@dataclass(frozen=True, eq=False)
class Hung:
    """What carries each point of a skinned mesh."""

    nodes: tuple[int, ...]
    """The joints of the skin."""
    index: NDArray[np.int64]  # (v, k) into nodes
    shares: NDArray[np.float64]  # (v, k), together 1


def hangs(glb: Glb, node: Document, primitive: Document) -> Hung | None:
    """The joints that carry the points of a primitive; None where it has no skin. Raises FormatError."""
    attributes = member(primitive, "attributes")
    if "skin" not in node or "JOINTS_0" not in attributes:
        return None
    skins = entries(glb.document, "skins")
    joints = skins[place(node["skin"], len(skins), "skin")].get("joints")
    if not isinstance(joints, list) or not joints:
        raise FormatError("GLB: a skin has no joints")
    size = len(entries(glb.document, "nodes"))
    count = len(numbers(glb, attributes.get("POSITION")))
    indices, weights = [], []
    for group in range(8):
        if f"JOINTS_{group}" not in attributes or f"WEIGHTS_{group}" not in attributes:
            break
        index = numbers(glb, attributes[f"JOINTS_{group}"]).astype(np.int64)
        weight = numbers(glb, attributes[f"WEIGHTS_{group}"]).astype(np.float64)
        if index.shape != weight.shape or len(index) != count or not (np.abs(weight) < _FAR).all():
            raise FormatError("GLB: the joints and weights of a skin do not fit its points")
        if count and not 0 <= index.min() <= index.max() < len(joints):
            raise FormatError(f"GLB: a point hangs on a joint past the {len(joints)} of its skin")
        indices.append(index)
        weights.append(weight)
    if not indices:
        raise FormatError("GLB: a skinned mesh has JOINTS_0 without WEIGHTS_0")
    total = np.concatenate(weights, 1)
    shares = total / np.maximum(total.sum(1, keepdims=True), 1e-9)
    return Hung(tuple(place(joint, size, "joint") for joint in joints), np.concatenate(indices, 1), shares)


def worlds(document: Document) -> dict[int, NDArray[np.float64]]:
    """The matrix of each node that the scene shows, by index, in the order of the scene."""
    nodes, scenes = entries(document, "nodes"), entries(document, "scenes")
    if not scenes:
        return {}
    scene = scenes[place(document.get("scene", 0), len(scenes), "scene")]
    found: dict[int, NDArray[np.float64]] = {}
    waiting = [(root, np.eye(4)) for root in reversed(_indices(scene.get("nodes", [])))]
    while waiting:
        index, above = waiting.pop()
        place(index, len(nodes), "node")
        if index in found:
            raise FormatError(f"GLB: node {index} has two parents")
        found[index] = above @ _local(nodes[index])
        if not (np.abs(found[index]) < _FAR).all():
            raise FormatError(f"GLB: node {index} is far too large or too far away")
        below = _indices(nodes[index].get("children", []))
        waiting += [(child, found[index]) for child in reversed(below)]
    return found


def _local(node: Document) -> NDArray[np.float64]:
    """A node's own matrix, from the matrix or from translation, rotation (x, y, z, w) and scale."""
    if "matrix" in node:
        return _floats(node["matrix"], 16, "matrix").reshape(4, 4).T
    x, y, z, w = _floats(node.get("rotation", [0, 0, 0, 1]), 4, "rotation")
    out = np.eye(4)
    out[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    out[:3, :3] *= _floats(node.get("scale", [1, 1, 1]), 3, "scale")
    out[:3, 3] = _floats(node.get("translation", [0, 0, 0]), 3, "translation")
    return out


def _floats(value: Any, count: int, what: str) -> NDArray[np.float64]:
    fits = isinstance(value, list) and len(value) == count
    if not fits or not all(isinstance(number, (int, float)) and abs(number) < _FAR for number in value):
        raise FormatError(f"GLB: {what} must be {count} numbers, got {str(value)[:40]}")
    return np.array(value, np.float64)


def _indices(value: Any) -> list[int]:
    if not isinstance(value, list):
        raise FormatError(f"GLB: a list of nodes is {str(value)[:40]}")
    return value


def _turned(frame: NDArray[np.float64], vectors: Array) -> Array:
    """(v, 3) vectors by a (1 or v, 3, 3) matrix."""
    return np.asarray(
        np.einsum("vab,vb->va", np.broadcast_to(frame, (len(vectors), 3, 3)), vectors), np.float32
    )


def _unit(vectors: Array) -> Array:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), np.float32)
