"""A head of a few triangles as a GLB, made here so that no test needs a file of someone else's."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

POINTS = np.array([[-1, 0, 0], [1, 0, 0], [1, 2, 0], [-1, 2, 0], [0, 1, 1]], np.float32) / 10  # (v, 3) metres
TRIANGLES = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]], np.uint16)


def _picture() -> bytes:
    """A PNG of one white pixel."""
    header, pixel = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0), zlib.compress(b"\0\xff\xff\xff")
    chunks = ((b"IHDR", header), (b"IDAT", pixel), (b"IEND", b""))
    packed = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


PICTURE = _picture()


def offsets(target: int) -> np.ndarray:
    """(v, 3) metres that a shape moves each point: all but the first, each shape another way."""
    out = np.random.default_rng(target).uniform(-0.02, 0.02, POINTS.shape).astype(np.float32)
    out[0] = 0
    return out


def write_head(path: Path, targets: Sequence[str], *, bone: bool = False) -> Path:
    """A mesh ``Head`` in a node that stands 1.5 m up; with ``bone`` skinned to one joint there."""
    blob, views, accessors = b"", [], []

    def accessor(array: np.ndarray, kind: str, component: int = 5126) -> int:
        nonlocal blob
        views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": array.nbytes})
        blob += array.tobytes() + bytes(-array.nbytes % 4)
        about = {"bufferView": len(views) - 1, "componentType": component, "count": len(array), "type": kind}
        if kind == "VEC3":
            about |= {"min": array.min(0).tolist(), "max": array.max(0).tolist()}
        accessors.append(about)
        return len(accessors) - 1

    normals = POINTS - POINTS.mean(0)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    attributes = {
        "POSITION": accessor(POINTS, "VEC3"),
        "NORMAL": accessor(normals.astype(np.float32), "VEC3"),
        "TEXCOORD_0": accessor(np.ascontiguousarray(POINTS[:, :2] * 4 + 0.5), "VEC2"),
    }
    node: dict[str, object] = {"name": "Head", "mesh": 0, "translation": [0, 1.5, 0]}
    document: dict[str, object] = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}]}
    nodes = [node]
    if bone:
        joint = np.zeros((len(POINTS), 4), np.uint8)
        weight = np.tile(np.array([1, 0, 0, 0], np.float32), (len(POINTS), 1))
        attributes |= {"JOINTS_0": accessor(joint, "VEC4", 5121), "WEIGHTS_0": accessor(weight, "VEC4")}
        # The node's own place does not count for a skinned mesh: the joint alone carries it up.
        inverse = accessor(np.eye(4, dtype=np.float32).reshape(1, 16), "MAT4")
        nodes = [{"name": "Head", "mesh": 0, "skin": 0}, {"name": "neck", "translation": [0, 1.5, 0]}]
        document |= {
            "skins": [{"joints": [1], "inverseBindMatrices": inverse}],
            "scenes": [{"nodes": [0, 1]}],
        }
    primitive = {
        "attributes": attributes,
        "indices": accessor(TRIANGLES.reshape(-1), "SCALAR", 5123),
        "targets": [{"POSITION": accessor(offsets(i), "VEC3")} for i in range(len(targets))],
        "material": 0,
    }
    views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": len(PICTURE)})
    blob += PICTURE + bytes(-len(PICTURE) % 4)
    look = {"baseColorTexture": {"index": 0}, "roughnessFactor": 0.6, "metallicFactor": 0}
    document |= {
        "nodes": nodes,
        "meshes": [{"name": "Head", "primitives": [primitive], "extras": {"targetNames": list(targets)}}],
        "materials": [{"name": "skin", "pbrMetallicRoughness": look}],
        "textures": [{"source": 0}],
        "images": [{"name": "skin", "mimeType": "image/png", "bufferView": len(views) - 1}],
        "bufferViews": views,
        "accessors": accessors,
        "buffers": [{"byteLength": len(blob)}],
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    size = 12 + 8 + len(text) + 8 + len(blob)
    head = struct.pack("<4sIII4s", b"glTF", 2, size, len(text), b"JSON")
    path.write_bytes(head + text + struct.pack("<I4s", len(blob), b"BIN\0") + blob)
    return path
