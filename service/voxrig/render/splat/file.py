"""A head of Gaussians as one file, .npz: small numbers, and of which figure it is. Needs numpy only."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxrig.avatar.figure import Figure
from voxrig.errors import FormatError, OutputError, RigError, one_line
from voxrig.render.splat.gaussians import DELTAS, HARMONICS, Bases, Gaussians
from voxrig.rigs.flame import read_arrays
from voxrig.rigs.native import NATIVE

VERSION = 1
LARGEST = 4_000_000
"""Gaussians that are read at most."""
_BYTES = 2 << 30
"""That a file unpacks to at most."""
_LISTENER = 64 << 20
"""Bytes of a listener's graph at most."""
_FINE = 1e-4
"""Metres to which two figures' points agree if they are the same."""


def fingerprint(figure: Figure) -> str:
    """The same for figures of the same triangles in the same places."""
    whole = hashlib.sha256(np.ascontiguousarray(figure.faces, "<i4").tobytes())
    whole.update(np.round(figure.points / _FINE).astype("<i4").tobytes())
    return whole.hexdigest()[:32]


def save(path: str | os.PathLike[str], gaussians: Gaussians, figure: Figure) -> None:
    """Writes Gaussians that hang on a figure. Raises OutputError, ValueError for numbers beyond 16 bits."""
    parts: dict[str, np.ndarray] = {
        "version": np.array(VERSION, np.int32),
        "figure": np.array(fingerprint(figure)),
        "triangle": gaussians.triangle.astype(np.int32),
        "log_scale": np.log(np.maximum(gaussians.scale, 1e-12)).astype(np.float16),
    }
    for name in ("corner", "offset", "rotation", "opacity", "colour", "harmonics"):
        parts[name] = getattr(gaussians, name).astype(np.float16)
    if gaussians.bases is not None:
        parts["moves"] = gaussians.bases.moves.astype(np.float16)
        parts["mix"] = gaussians.bases.mix.astype(np.float32)
        parts["shapes"] = np.array(gaussians.bases.shapes, dtype="U")
    if gaussians.listener:
        parts["listener"] = np.frombuffer(gaussians.listener, np.uint8)
    for name, part in parts.items():
        if part.dtype.kind == "f" and not np.isfinite(part).all():
            raise ValueError(f"Gaussians.{name} has numbers that do not fit into 16 bits")
    place = Path(path)
    part_way = place.with_name(place.name + ".part")
    try:
        with part_way.open("wb") as out:
            np.savez_compressed(out, **parts)  # type: ignore[arg-type]
        part_way.replace(place)
    except OSError as error:
        part_way.unlink(missing_ok=True)
        raise OutputError(f"cannot write {one_line(str(path))}: {error.strerror or error}") from error


def load(path: str | os.PathLike[str], figure: Figure) -> Gaussians:
    """Reads Gaussians of a figure. Raises FormatError, also if they are of another."""
    name = one_line(str(path))
    try:
        parts = read_arrays(Path(path), _BYTES)
    except RigError as error:
        raise FormatError(f"cannot read Gaussians: {error}") from error
    try:
        return _gaussians(parts, figure)
    except FormatError as error:
        raise FormatError(f"{name}: {error}") from error


def _gaussians(parts: dict[str, NDArray[np.generic]], figure: Figure) -> Gaussians:
    if "version" not in parts or "figure" not in parts or parts["version"].shape != ():
        raise FormatError("no file of Gaussians; voxrig_train.gaussian.fit writes such files")
    if parts["version"].dtype.kind != "i" or int(parts["version"]) != VERSION:
        raise FormatError(
            f"file of Gaussians of version {one_line(str(parts['version'])[:20])}; have {VERSION}"
        )
    if str(parts["figure"]) != fingerprint(figure):
        raise FormatError("these Gaussians are of another avatar; give the avatar that they were fitted to")
    triangle = parts.get("triangle", np.zeros(0))
    n = len(triangle) if triangle.ndim == 1 else 0
    if triangle.dtype != np.int32 or not 0 < n <= LARGEST:
        raise FormatError(f"must have 1 to {LARGEST} Gaussians, each on one triangle")
    if not 0 <= int(triangle.min()) <= int(triangle.max()) < len(figure.faces):
        raise FormatError(f"Gaussians hang on triangles beyond the {len(figure.faces)} of the avatar")
    harmonics = _floats(parts, "harmonics", (n, None, 3))
    if harmonics.shape[1] not in HARMONICS:
        raise FormatError(f"has {harmonics.shape[1]} spherical harmonics; have {HARMONICS}")
    rotation = _floats(parts, "rotation", (n, 4))
    length = np.linalg.norm(rotation, axis=1, keepdims=True)
    if not (length > 0.1).all():
        raise FormatError("has rotations that are none")
    return Gaussians(
        triangle.astype(np.int32),
        _floats(parts, "corner", (n, 2)),
        _floats(parts, "offset", (n, 3)),
        (rotation / length).astype(np.float32),
        np.exp(np.clip(_floats(parts, "log_scale", (n, 3)), -28, 12)).astype(np.float32),
        _floats(parts, "opacity", (n,)).clip(0, 1),
        _floats(parts, "colour", (n, 3)),
        harmonics,
        _bases(parts, n),
        _listener(parts),
    )


def _listener(parts: dict[str, NDArray[np.generic]]) -> bytes:
    graph = parts.get("listener", np.zeros(0, np.uint8))
    if graph.dtype != np.uint8 or graph.ndim != 1 or len(graph) > _LISTENER:
        raise FormatError(f"has a listener that is no graph of at most {_LISTENER >> 20} MB")
    if len(graph) and "moves" in parts:
        raise FormatError("has bases and a listener; only one of them may move Gaussians")
    return graph.tobytes()


def _bases(parts: dict[str, NDArray[np.generic]], n: int) -> Bases | None:
    if "moves" not in parts:
        return None
    shapes = parts.get("shapes", np.zeros(0))
    if shapes.dtype.kind != "U" or shapes.ndim != 1:
        raise FormatError("has bases without the shapes that move them")
    names = tuple(str(name) for name in shapes)
    strange = [name for name in names if name not in NATIVE.curves]
    if strange or len(set(names)) != len(names):
        raise FormatError(
            f"has bases for shapes that are none of the native rig: {one_line(str(strange[:3]))}"
        )
    mix = _floats(parts, "mix", (None, len(names) + 1))
    return Bases(_floats(parts, "moves", (len(mix), n, DELTAS)), mix, names)


def _floats(
    parts: dict[str, NDArray[np.generic]], name: str, shape: tuple[int | None, ...]
) -> NDArray[np.float32]:
    """An array of finite numbers of that shape, None standing for any length."""
    part = parts.get(name, np.zeros(0))
    fits = part.ndim == len(shape) and all(
        w is None or w == g for w, g in zip(shape, part.shape, strict=True)
    )
    if not fits or part.dtype.kind != "f" or not np.isfinite(part).all():
        raise FormatError(f"has no finite {name} of shape {shape}, as Gaussians need it")
    return np.ascontiguousarray(part, np.float32)
