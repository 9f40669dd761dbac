"""A figure out of a folder of ICT-FaceKit: a neutral face and one OBJ for each shape, all of one topology.

``browDown_L.obj`` is the whole face with browDownLeft at 1; ``identity000.obj`` … are the face with one way
of looking different at 1. browInnerUp and cheekPuff come by halves, which move together. cheekRaiser_* and
PupilDilate_* are no shapes of ARKit and stay unread, and there is no tongueOut. The files have no pictures:
colours are ours, by the material that they name, or by the number of the point where they name none.

Facts: the README of ICT-FaceKit (MIT), https://github.com/ICT-VGL/ICT-FaceKit; its unit is the centimetre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxrig.avatar import eyeball, obj_file, pivots, surface
from voxrig.avatar.figure import TURNS, Figure, Material
from voxrig.avatar.obj_file import Obj
from voxrig.errors import FormatError
from voxrig.rigs.native import ARKIT_CURVES
from voxrig.types import Array

NEUTRAL = "generic_neutral_mesh.obj"
_UNIT = np.float32(0.01)
_STILL = 1e-5
"""Metres: what a shape moves less is noise of its decimals."""

_LOOKS = {
    "skin": (0.42, 0.235, 0.165, 0.5),
    "mouth": (0.20, 0.035, 0.035, 0.5),
    "sockets": (0.30, 0.09, 0.07, 0.5),
    "gums": (0.36, 0.07, 0.075, 0.3),
    "teeth": (0.72, 0.66, 0.55, 0.25),
    "lashes": (0.012, 0.009, 0.008, 0.8),
    "left eye": (1.0, 1.0, 1.0, 0.15),
    "right eye": (1.0, 1.0, 1.0, 0.15),
}
"""Linear colour and roughness of each part that is drawn."""
_NAMES = tuple(_LOOKS)
_COUNT = 26719
"""Points of the whole model, whose parts these are: first point and the one after the last."""
_RANGES = {
    "skin": (0, 11248),
    "mouth": (11248, 13294),
    "sockets": (13294, 14062),
    "gums": (14062, 17039),
    "teeth": (17039, 21451),
    "left eye": (21451, 23021),
    "right eye": (23021, 24591),
    "lashes": (25351, 26719),
}
_WORDS = {
    "Lash": "lashes",
    "GumsTongue": "gums",
    "Teeth": "teeth",
    "ScleraLeft": "left eye",
    "IrisLeft": "left eye",
    "ScleraRight": "right eye",
    "IrisRight": "right eye",
    "Lacrimal": "",
    "EyeBlend": "",
    "EyeOcclusion": "",
}
"""What names of materials hold, and the part that wears them; fluids and shades are clear, and left out."""


def load(folder: Path, identity: Sequence[float] = ()) -> Figure:
    """The face of a folder; ``identity`` says how far each identity shape is on, from the first.

    Raises FormatError for a folder that holds no such face, or lacks an identity that is asked for.
    """
    if not (folder / NEUTRAL).is_file():
        raise FormatError(f"cannot use avatar {folder}: no folder of ICT-FaceKit, it has no {NEUTRAL}")
    neutral = obj_file.read(folder / NEUTRAL)
    rest = neutral.points.copy()
    for number, weight in enumerate(identity):
        if weight:
            rest += np.float32(weight) * _change(folder / f"identity{number:03d}.obj", neutral)
    shapes: list[str] = []
    vertex, shape, by = [], [], []
    for curve in ARKIT_CURVES:
        files = [path for name in _names(curve) if (path := folder / f"{name}.obj").is_file()]
        if files:
            move = sum((_change(path, neutral) for path in files), np.zeros_like(rest)) * _UNIT
            moved = np.flatnonzero(np.linalg.norm(move, axis=1) > _STILL).astype(np.int32)
            vertex.append(moved)
            shape.append(np.full(len(moved), len(shapes), np.int32))
            by.append(move[moved])
            shapes.append(curve)
    if not shapes:
        raise FormatError(f"cannot use avatar {folder}: no shape beside {NEUTRAL}, such as jawOpen.obj")
    worn = _worn(neutral)
    points, faces = rest * _UNIT, neutral.corners[worn >= 0].astype(np.int32)
    whole = Figure(
        points=points,
        normals=surface.normals(points, faces),
        uvs=np.zeros((len(points), 2), np.float32),
        faces=faces,
        material=worn[worn >= 0].astype(np.int32),
        materials=_materials(),
        shapes=tuple(shapes),
        moves=surface.moves(len(points), np.concatenate(vertex), np.concatenate(shape), np.concatenate(by)),
        shares=np.tile(np.eye(len(TURNS), dtype=np.float32)[:1], (len(points), 1)),
        pivots=np.zeros((len(TURNS), 3), np.float32),
    )
    return surface.in_metres(surface.used(_eyed(whole)))


def _eyed(figure: Figure) -> Figure:
    """The same with its pivots; its eyeballs painted, and carried by what turns them."""
    uvs, shares, places, known = figure.uvs.copy(), figure.shares.copy(), figure.pivots.copy(), []
    for turn, name in (("leftEye", "left eye"), ("rightEye", "right eye")):
        own = np.unique(figure.faces[figure.material == _NAMES.index(name)])
        if len(own):
            ball, at = figure.points[own], TURNS.index(turn)
            places[at] = (ball.min(0) + ball.max(0)) / 2
            uvs[own] = eyeball.uvs(ball, places[at])
            shares[own] = np.eye(len(TURNS), dtype=np.float32)[at]
            known.append(turn)
    return pivots.completed(replace(figure, uvs=uvs, shares=shares, pivots=places), known)


def _names(curve: str) -> tuple[str, ...]:
    """Files of a curve: eyeBlinkLeft is eyeBlink_L, and those for both sides may come by halves."""
    for side in ("Left", "Right"):
        if curve.endswith(side) and curve not in ("jawLeft", "jawRight", "mouthLeft", "mouthRight"):
            return (f"{curve.removesuffix(side)}_{side[0]}",)
    return curve, f"{curve}_L", f"{curve}_R"


def _change(path: Path, neutral: Obj) -> Array:
    """How far the points of a file are from those of the neutral face, in the file's unit."""
    points = obj_file.points(path)
    if len(points) != len(neutral.points):
        raise FormatError(f"{path}: has {len(points)} points; the neutral face has {len(neutral.points)}")
    return points - neutral.points


def _worn(neutral: Obj) -> NDArray[np.int64]:
    """Which of the parts each triangle belongs to; -1 for those that are not drawn."""
    if len(neutral.points) == _COUNT:
        worn = np.full(len(neutral.corners), -1)
        for name, (first, end) in _RANGES.items():
            worn[(neutral.corners[:, 0] >= first) & (neutral.corners[:, 0] < end)] = _NAMES.index(name)
        return worn
    parts = [
        next((part for word, part in _WORDS.items() if word in name), "skin") for name in neutral.materials
    ]
    return np.array([_NAMES.index(part) if part else -1 for part in parts])[neutral.material]


def _materials() -> tuple[Material, ...]:
    iris = eyeball.picture()
    return tuple(
        Material(
            name,
            np.array([*look[:3], 1], np.float32),
            iris if name.endswith("eye") else None,
            look[3],
            double_sided=name in ("lashes", "mouth"),
        )
        for name, look in _LOOKS.items()
    )
