"""PLY as 3D Gaussian splatting writes it: what viewers, trainers and game engines' plug-ins exchange.

Binary, little-endian, one element ``vertex`` of floats: x y z, normals (zero), f_dc_0..2, f_rest_* (all of
red, then green, then blue), opacity, scale_0..2, rot_0..3. Colour is 0.5 + 0.28209479 f_dc; opacities are
kept as their logit, scales as their logarithm, rotations as w x y z: order, signs and encodings of the
reference implementation (graphdeco-inria/gaussian-splatting, scene/gaussian_model.py).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from voxrig.errors import FormatError, OutputError, one_line
from voxrig.render.splat.cloud import Cloud
from voxrig.render.splat.gaussians import HARMONICS

_CONSTANT = 0.28209479177387814
"""The constant spherical harmonic."""
LARGEST = 4_000_000
"""Gaussians that are read at most."""
_HEADER = 1 << 16
"""Bytes of a header at most."""
_KINDS = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "<i2", "int16": "<i2",
    "ushort": "<u2", "uint16": "<u2", "int": "<i4", "int32": "<i4", "uint": "<u4", "uint32": "<u4",
    "float": "<f4", "float32": "<f4", "double": "<f8", "float64": "<f8",
}  # fmt: skip
_NEEDED = (
    "x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity",
    "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3",
)  # fmt: skip


def write(path: str | os.PathLike[str], cloud: Cloud) -> None:
    """Writes a cloud. Raises OutputError."""
    rest = [f"f_rest_{k}" for k in range(3 * cloud.harmonics.shape[1])]
    names = [*_NEEDED[:3], "nx", "ny", "nz", *_NEEDED[3:6], *rest, *_NEEDED[6:]]
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(cloud)}"]
    lines += [*(f"property float {name}" for name in names), "end_header", ""]
    opacity = np.clip(cloud.opacity.astype(np.float64), 1e-6, 1 - 1e-6)
    columns = (
        cloud.means,
        np.zeros((len(cloud), 3)),
        (cloud.colour - 0.5) / _CONSTANT,
        cloud.harmonics.transpose(0, 2, 1).reshape(len(cloud), -1),
        np.log(opacity / (1 - opacity))[:, None],
        np.log(np.maximum(cloud.scale, 1e-12)),
        cloud.rotation,
    )
    body = np.concatenate(columns, 1).astype("<f4").tobytes()
    try:
        Path(path).write_bytes("\n".join(lines).encode() + body)
    except OSError as error:
        raise OutputError(f"cannot write {one_line(str(path))}: {error.strerror or error}") from error


def read(path: str | os.PathLike[str]) -> Cloud:
    """Reads what ``write`` or another tool wrote. Raises FormatError."""
    try:
        return parse(Path(path).read_bytes())
    except OSError as error:
        raise FormatError(f"cannot read {one_line(str(path))}: {error.strerror or error}") from error
    except FormatError as error:
        raise FormatError(f"cannot use {one_line(str(path))}: {error}") from error


def parse(data: bytes) -> Cloud:
    """A cloud out of the bytes of a file. Raises FormatError."""
    end = re.search(rb"\nend_header\r?\n", data[:_HEADER])
    if not data.startswith((b"ply\n", b"ply\r\n")) or end is None:
        raise FormatError("is no PLY file, or its header does not end")
    count, kind = _row([line.split() for line in data[: end.start()].decode("latin-1").splitlines()])
    if kind.itemsize * count > len(data) - end.end():
        raise FormatError(f"ends before its {count} Gaussians do")
    table = np.frombuffer(data, kind, count, end.end())
    rest = sum(name.startswith("f_rest_") for name in kind.names or ())
    wanted = (*_NEEDED, *(f"f_rest_{k}" for k in range(rest)))
    missing = [name for name in wanted if name not in (kind.names or ())]
    if missing:
        raise FormatError(f"is no PLY of Gaussians: it lacks {', '.join(missing[:4])}")
    if rest % 3 or rest // 3 not in HARMONICS:
        raise FormatError(f"has {rest} numbers f_rest of a Gaussian; have {[3 * m for m in HARMONICS]}")

    def columns(*names: str) -> np.ndarray:
        out = np.zeros((count, len(names)))
        for k, name in enumerate(names):
            out[:, k] = table[name]
        if not np.isfinite(out).all() or np.abs(out).max(initial=0) > 1e6:
            raise FormatError(f"has numbers beyond reason among {', '.join(names[:3])}")
        return out

    rotation = columns("rot_0", "rot_1", "rot_2", "rot_3")
    length = np.linalg.norm(rotation, axis=1, keepdims=True)
    harmonics = columns(*(f"f_rest_{k}" for k in range(rest))).reshape(count, 3, rest // 3)
    return Cloud(
        columns("x", "y", "z").astype(np.float32),
        np.where(length > 1e-9, rotation / np.maximum(length, 1e-9), [1.0, 0, 0, 0]).astype(np.float32),
        np.exp(np.clip(columns("scale_0", "scale_1", "scale_2"), -28, 7)).astype(np.float32),
        (1 / (1 + np.exp(-np.clip(columns("opacity")[:, 0], -50, 50)))).astype(np.float32),
        (0.5 + _CONSTANT * columns("f_dc_0", "f_dc_1", "f_dc_2")).astype(np.float32),
        np.ascontiguousarray(harmonics.transpose(0, 2, 1), np.float32),
    )


def _row(lines: list[list[str]]) -> tuple[int, np.dtype]:
    """How many Gaussians a header tells of, and what each is made of."""
    count, fields, here = -1, [], ""
    for words in lines[1:]:
        if words[:1] == ["format"] and words[1:] != ["binary_little_endian", "1.0"]:
            told = one_line(" ".join(words[1:])[:40])
            raise FormatError(f"is PLY of format '{told}'; have binary_little_endian 1.0")
        elif words[:1] == ["element"]:
            here = words[1] if len(words) == 3 else ""
            if here == "vertex":
                count = int(words[2]) if re.fullmatch(r"[0-9]{1,9}", words[2]) else LARGEST + 1
            elif count < 0:
                raise FormatError("does not begin with its element 'vertex'")
        elif words[:1] == ["property"] and here == "vertex":
            if len(words) != 3 or words[1] not in _KINDS:
                raise FormatError(f"has a property that is no number: '{one_line(' '.join(words)[:40])}'")
            fields.append((words[2], _KINDS[words[1]]))
    if not 0 < count <= LARGEST:
        raise FormatError(f"must have 1 to {LARGEST} Gaussians")
    if len({name for name, _ in fields}) != len(fields) or len(fields) > 200 or not fields:
        raise FormatError("has properties that repeat, or too many, or none")
    return count, np.dtype(fields)
