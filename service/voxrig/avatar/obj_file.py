"""Wavefront OBJ, as far as faces need it: points, polygons with their materials, and where pictures lie.

Only ``v``, ``vt``, ``f`` and ``usemtl`` are read; they may come in any order. Polygons of more than three
corners are cut into triangles from their first. Every fault of a file is a FormatError.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxrig.errors import FormatError, one_line
from voxrig.types import Array

LARGEST = 64 << 20
"""Bytes of a file that is read."""
_FAR = 1e6
_CORNERS = 64


@dataclass(frozen=True, eq=False)
class Obj:
    """One file."""

    points: Array  # (v, 3) in the file's unit
    uvs: Array  # (u, 2), +v upwards as OBJ has it
    corners: NDArray[np.int64]  # (f, 3) into points
    uv_corners: NDArray[np.int64]  # (f, 3) into uvs; -1 where the file gives none
    material: NDArray[np.int64]  # (f,) into materials
    materials: tuple[str, ...]
    """Names that usemtl gives; the first is empty, for polygons before any."""


def points(path: Path) -> Array:
    """Only the points of a file: (v, 3). Raises FormatError."""
    raw = _bytes(path)
    last = raw.find(b"\n", raw.rfind(b"\nv ") + 1)  # polygons follow, and are most of a file
    lines = raw[: last if last > 0 else len(raw)].splitlines()
    return _table(path, [line for line in lines if line[:2] == b"v "], 3, "v")


def read(path: Path) -> Obj:
    """All of a file. Raises FormatError."""
    lines = _bytes(path).splitlines()
    where = _table(path, [line for line in lines if line[:2] == b"v "], 3, "v")
    uvs = _table(path, [line for line in lines if line[:3] == b"vt "], 2, "vt")
    rest = (line for line in lines if line[:2] == b"f " or line[:7] == b"usemtl ")
    names, current, groups = [""], 0, []
    for line in rest:
        if line.startswith(b"usemtl"):
            name = one_line(line[6:].strip().decode("utf-8", "replace"))[:80]
            current = names.index(name) if name in names else len(names)
            names += [name] if current == len(names) else []
        else:
            groups.append((current, line[1:].split()))
    sizes = {len(words) for _, words in groups}
    if sizes and not 3 <= min(sizes) <= max(sizes) <= _CORNERS:
        raise FormatError(f"{path}: a polygon must have 3 to {_CORNERS} corners")
    parts = [
        _polygons(path, [group for group in groups if len(group[1]) == size], size) for size in sorted(sizes)
    ]
    if not parts or not len(where):
        raise FormatError(f"{path}: no OBJ of a face, it has {len(where)} points and {len(groups)} polygons")
    corners, flat, worn = (np.concatenate([part[k] for part in parts]) for k in range(3))
    corners = np.where(corners < 0, corners + len(where) + 1, corners) - 1
    flat = np.where(flat < 0, flat + len(uvs) + 1, flat) - 1
    if corners.min() < 0 or corners.max() >= len(where) or flat.min() < -1 or flat.max() >= len(uvs):
        raise FormatError(f"{path}: a polygon has a corner past its {len(where)} points or {len(uvs)} vt")
    return Obj(where, uvs, corners, flat, worn, tuple(names))


def _bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise FormatError(f"{path}: has {size >> 20} MB; an OBJ of up to {LARGEST >> 20} MB is read")
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error


def _table(path: Path, lines: list[bytes], width: int, key: str) -> Array:
    """The numbers after the key of each line, (n, width); a line may have more, such as colours."""
    try:
        flat = np.array(b" ".join(line[len(key) :] for line in lines).split(), np.float64)
        table = flat.reshape(len(lines), -1)[:, :width] if lines else np.zeros((0, width))
    except ValueError as error:
        raise FormatError(
            f"{path}: a line '{key}' does not hold numbers, or not as many as the others"
        ) from error
    if table.shape[1] != width or not (np.abs(table) < _FAR).all():
        raise FormatError(f"{path}: lines '{key}' must hold {width} finite numbers each")
    return table.astype(np.float32)


def _polygons(
    path: Path, groups: list[tuple[int, list[bytes]]], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Triangles of all polygons of one size: corners and places on pictures as the file counts, material."""
    words = [word.split(b"/") for _, corner in groups for word in corner]
    try:
        flat = np.array(
            [(int(word[0]), int(word[1]) if word[1:2] and word[1] else 0) for word in words], np.int64
        )
    except (ValueError, OverflowError) as error:
        raise FormatError(f"{path}: a polygon is not made of whole numbers") from error
    if (flat[:, 0] == 0).any() or np.abs(flat).max() > 1 << 30:
        raise FormatError(f"{path}: corners of a polygon are counted from 1, or back from -1")
    cuts = np.array([(0, k, k + 1) for k in range(1, size - 1)])
    table = flat.reshape(len(groups), size, 2)[:, cuts]  # (polygons, size - 2, 3, 2)
    worn = np.repeat([material for material, _ in groups], size - 2)
    return table[..., 0].reshape(-1, 3), table[..., 1].reshape(-1, 3), worn
