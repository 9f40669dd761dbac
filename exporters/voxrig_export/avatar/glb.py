"""Parts, joints and pictures as one GLB file (glTF 2.0): float values, sparse morph targets."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from voxrig_export.avatar.anny_data import Points
from voxrig_export.avatar.part import JOINTS, Part
from voxrig_export.avatar.skeleton import PARENTS, Rig

_FLOAT, _SHORT, _BYTE, _INT = 5126, 5123, 5121, 5125
_VERTICES, _INDICES = 34962, 34963
_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}


class Buffers:
    """The binary chunk and the tables that say what lies where in it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []
        self._zeros: dict[int, int] = {}

    def view(self, raw: bytes, target: int | None = None) -> int:
        """Index of a buffer view that holds these bytes."""
        self.data += bytes(-len(self.data) % 4)
        entry = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(raw)}
        self.views.append(entry if target is None else {**entry, "target": target})
        self.data += raw
        return len(self.views) - 1

    def accessor(
        self,
        values: Any,
        kind: int,
        target: int | None = _VERTICES,
        bounds: bool = False,
        scaled: bool = False,
    ) -> int:
        """Index of an accessor for values (n, k) or (n,); ``scaled`` integers stand for 0..1."""
        dtype = {_FLOAT: "<f4", _SHORT: "<u2", _BYTE: "u1", _INT: "<u4"}[kind]
        array = np.ascontiguousarray(values, dtype)
        entry = self._entry(kind, len(array), array.size // len(array))
        entry["bufferView"] = self.view(array.tobytes(), target)
        if scaled:
            entry["normalized"] = True
        return self._add(entry, array if bounds else None)

    def sparse(self, values: Points, least: float, bounds: bool) -> int:
        """The same for values (n, 3) of which only rows beyond ``least`` are stored."""
        rows = np.flatnonzero(np.abs(values).max(1) > least)
        if not len(rows):
            return self._zero(len(values), bounds)
        full = np.zeros(values.shape, "<f4")
        full[rows] = values[rows]
        entry = self._entry(_FLOAT, len(values), 3)
        short = len(values) < 65536
        entry["sparse"] = {
            "count": len(rows),
            "indices": {
                "bufferView": self.view(rows.astype("<u2" if short else "<u4").tobytes()),
                "componentType": _SHORT if short else _INT,
            },
            "values": {"bufferView": self.view(full[rows].tobytes())},
        }
        return self._add(entry, full if bounds else None)

    def _zero(self, count: int, bounds: bool) -> int:
        key = 2 * count + bounds
        if key not in self._zeros:
            full = np.zeros((count, 3), "<f4")
            self._zeros[key] = self._add(self._entry(_FLOAT, count, 3), full if bounds else None)
        return self._zeros[key]

    def _entry(self, kind: int, count: int, width: int) -> dict[str, Any]:
        return {"componentType": kind, "count": count, "type": _TYPES[width]}

    def _add(self, entry: dict[str, Any], bounds: Any) -> int:
        if bounds is not None:
            flat = bounds.reshape(len(bounds), -1)
            entry["min"] = [float(value) for value in flat.min(0)]
            entry["max"] = [float(value) for value in flat.max(0)]
        self.accessors.append(entry)
        return len(self.accessors) - 1


def primitive(buffers: Buffers, part: Part, material: int, shaped: bool) -> dict[str, Any]:
    """A part as glTF has it; ``shaped`` with its morph targets, down to 0.2 mm."""
    second = np.round(part.weights[:, 1] * 255).astype(np.int64)
    shares = np.stack([255 - second, second], 1)
    joints = np.where(shares > 0, part.joints, 0)
    entry: dict[str, Any] = {
        "attributes": {
            "POSITION": buffers.accessor(part.points, _FLOAT, bounds=True),
            "NORMAL": buffers.accessor(_unit(part.normals), _FLOAT),
            "JOINTS_0": buffers.accessor(np.pad(joints, ((0, 0), (0, 2))), _BYTE),
            "WEIGHTS_0": buffers.accessor(np.pad(shares, ((0, 0), (0, 2))), _BYTE, scaled=True),
        },
        "indices": buffers.accessor(
            part.faces.ravel(), _SHORT if len(part.points) < 65536 else _INT, _INDICES
        ),
        "material": material,
    }
    if part.uvs.any():
        uvs = np.round(np.clip(part.uvs, 0, 1) * 65535)
        entry["attributes"]["TEXCOORD_0"] = buffers.accessor(uvs, _SHORT, scaled=True)
    if part.material in ("skin", "shirt"):
        entry["attributes"]["TANGENT"] = buffers.accessor(_tangents(part), _FLOAT)
    if shaped:
        entry["targets"] = [
            {"POSITION": buffers.sparse(move, 2e-4, True), "NORMAL": buffers.sparse(turn, 0.1, False)}
            for move, turn in zip(part.moves, part.turns, strict=True)
        ]
    return entry


def _tangents(part: Part) -> Points:
    """Which way u grows along the surface, for normal maps: (v, 4); the last is the side of -v."""
    corners, flat = part.points[part.faces], part.uvs[part.faces]
    (a, b), (s, t) = (np.stack([x[:, 1] - x[:, 0], x[:, 2] - x[:, 0]]) for x in (corners, flat))
    area = s[:, 0] * t[:, 1] - s[:, 1] * t[:, 0]
    turn = np.sign(area)[:, None]
    along_u = (a * t[:, 1:] - b * s[:, 1:]) * turn
    along_v = (b * s[:, :1] - a * t[:, :1]) * turn
    sums = np.zeros((2, len(part.points), 3))
    for total, value in zip(sums, (along_u, along_v), strict=True):
        for k in range(3):
            np.add.at(total, part.faces[:, k], value)
    normal = _unit(part.normals)
    tangent = sums[0] - (sums[0] * normal).sum(1, keepdims=True) * normal
    lost = np.linalg.norm(tangent, axis=1) < 1e-12
    tangent[lost] = np.cross(normal[lost], [0.31, 0.2, 0.93])
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    side = np.where((np.cross(normal, tangent) * -sums[1]).sum(1) < 0, -1.0, 1.0)
    return np.concatenate([_unit(tangent), side[:, None]], 1)


def _unit(values: Points) -> Points:
    short = values.astype(np.float32).astype(np.float64)
    return np.asarray(short / np.linalg.norm(short, axis=1, keepdims=True))


def joint_nodes(rig: Rig, first: int) -> list[dict[str, Any]]:
    """The joints as nodes, of which the root is number ``first``."""
    nodes: list[dict[str, Any]] = []
    for i, (name, at) in enumerate(zip(JOINTS, rig.local(), strict=True)):
        node: dict[str, Any] = {"name": name, "translation": [float(np.float32(value)) for value in at]}
        children = [first + k for k, parent in enumerate(PARENTS) if parent == i]
        nodes.append({**node, "children": children} if children else node)
    return nodes


def inverse_binds(rig: Rig) -> Points:
    """What takes the avatar's space to each joint's, column by column: (j, 16)."""
    whole = np.tile(np.eye(4), (len(JOINTS), 1, 1))
    whole[:, 3, :3] = -rig.points
    return whole.reshape(-1, 16)


def pack(tree: dict[str, Any], buffers: Buffers) -> bytes:
    """The file."""
    raw = bytes(buffers.data + bytes(-len(buffers.data) % 4))
    whole = {
        **tree,
        "buffers": [{"byteLength": len(raw)}],
        "bufferViews": buffers.views,
        "accessors": buffers.accessors,
    }
    text = json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    head = struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + len(raw))
    return (
        head + struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(raw), b"BIN\0") + raw
    )
