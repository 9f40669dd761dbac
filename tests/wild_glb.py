"""GLB files as people have them: our head's cage under other names, in other places, with other extensions.

No file of anybody else is needed: a ``Wild`` is put together mesh by mesh and node by node, and packed.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxrig.avatar import glb_file
from voxrig.avatar.glb_file import Glb
from voxrig.rigs import head

_CODES = {"f4": 5126, "u1": 5121, "u2": 5123, "u4": 5125, "i1": 5120, "i2": 5122}
_KINDS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}


@dataclass(frozen=True, eq=False)
class Piece:
    """A mesh: points (v, 3) metres, triangles (f, 3), and moves by shape (v, 3)."""

    points: np.ndarray
    faces: np.ndarray
    moves: Mapping[str, np.ndarray]


def piece(groups: Sequence[str], shapes: Sequence[str]) -> Piece:
    """Parts of our head with some of its shapes."""
    face = head.load()
    inside = np.zeros(len(face.vertices), bool)
    inside[face.members(*groups)] = True
    place = np.cumsum(inside) - 1
    quads = face.quads[inside[face.quads].all(1)]
    corners = np.concatenate([quads[:, [0, 1, 2]], quads[quads[:, 3] != quads[:, 2]][:, [0, 2, 3]]])
    moves = {name: face.delta(name)[inside] for name in shapes}
    return Piece(face.vertices[inside], place[corners], moves)


class Wild:
    """A file under way. ``document`` may be changed before it is packed."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {
            "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": []}], "nodes": [], "meshes": [],
            "materials": [], "textures": [], "images": [], "accessors": [], "bufferViews": [],
        }  # fmt: skip
        self.blob = bytearray()

    def view(self, data: bytes) -> int:
        self.document["bufferViews"].append(
            {"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data)}
        )
        self.blob += data + bytes(-len(data) % 4)
        return len(self.document["bufferViews"]) - 1

    def accessor(self, array: np.ndarray, normalized: bool = False) -> int:
        array = np.ascontiguousarray(array)
        table = array.reshape(len(array), -1)
        about = {
            "bufferView": self.view(table.tobytes()), "componentType": _CODES[array.dtype.str[1:]],
            "count": len(table), "type": _KINDS[table.shape[1]],
        }  # fmt: skip
        if normalized:
            about["normalized"] = True
        self.document["accessors"].append(about)
        return len(self.document["accessors"]) - 1

    def places(self, points: np.ndarray) -> int:
        """Points (v, 3), with the bounds that positions have to tell."""
        index = self.accessor(points.astype(np.float32))
        bounds = {"min": points.min(0).tolist(), "max": points.max(0).tolist()}
        self.document["accessors"][index] |= bounds
        return index

    def node(self, parent: int | None = None, **about: Any) -> int:
        self.document["nodes"].append(about)
        index = len(self.document["nodes"]) - 1
        if parent is None:
            self.document["scenes"][0]["nodes"].append(index)
        else:
            self.document["nodes"][parent].setdefault("children", []).append(index)
        return index

    def mesh(self, piece: Piece, names: Mapping[str, str] | None = None, **more: Any) -> int:
        """``names`` spells shapes otherwise; ``more`` are entries of the primitive, or attributes."""
        spelled = {name: (names or {}).get(name, name) for name in piece.moves}
        attributes = {"POSITION": self.places(piece.points)}
        attributes |= {key: more.pop(key) for key in list(more) if key.isupper()}
        primitive = {
            "attributes": attributes,
            "indices": self.accessor(piece.faces.astype(np.uint32).reshape(-1)),
            **more,
        }
        if piece.moves:
            primitive["targets"] = [{"POSITION": self.places(move)} for move in piece.moves.values()]
        mesh = {"primitives": [primitive], "extras": {"targetNames": list(spelled.values())}}
        self.document["meshes"].append(mesh)
        return len(self.document["meshes"]) - 1

    def material(self, **about: Any) -> int:
        self.document["materials"].append(about)
        return len(self.document["materials"]) - 1

    def picture(self, pixels: np.ndarray) -> int:
        """A texture of (h, w, 3 or 4) pixels."""
        from PIL import Image

        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        self.document["images"].append({"bufferView": self.view(file.getvalue()), "mimeType": "image/png"})
        self.document["textures"].append({"source": len(self.document["images"]) - 1})
        return len(self.document["textures"]) - 1

    def bytes(self) -> bytes:
        text = json.dumps({**self.document, "buffers": [{"byteLength": len(self.blob)}]}).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text
        chunks += struct.pack("<I4s", len(self.blob), b"BIN\0") + bytes(self.blob)
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks

    def glb(self) -> Glb:
        return glb_file.read(io.BytesIO(self.bytes()))
