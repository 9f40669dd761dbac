"""A figure out of the user's own FLAME model: its neutral face, and how each of the 52 shapes moves it.

Each shape is what FLAME does when the curve is 1, by the house's own map: expressions of the calibration,
the turn of the jaw with its pose correctives, and skinning. Between 0 and 1 points go straight where the jaw
goes round an arc: half way open the chin is 2 mm off. Eyes and neck turn as joints. FLAME has no teeth, no
tongue and no picture: skin and eyes are painted plainly, and a mouth that opens is dark.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxrig.avatar import eyeball, pivots, surface
from voxrig.avatar.figure import Figure, Material
from voxrig.errors import FormatError, RigError
from voxrig.rigs import flame, flame_file, flame_fit, head
from voxrig.rigs.flame import Calibration
from voxrig.rigs.flame_file import FlameModel
from voxrig.rigs.native import ARKIT_CURVES, NATIVE
from voxrig.types import Array

Points = NDArray[np.float64]

_NECK, _JAW, _LEFT, _RIGHT = 1, 2, 3, 4
"""Joints of FLAME; 0 is the root."""
_STILL = 1e-5
"""Metres: what a shape moves less is left out."""
_LINING = np.float32(0.001)
"""Metres that the inner side of the skin lies below the outer."""
_SKIN, _MOUTH, _EYES = range(3)


def load(path: Path, calibration: Path | None = None) -> Figure:
    """The face of a .pkl or .npz; a calibration that is not given is made, with scipy. Raises FormatError."""
    try:
        model = flame_file.read_model(path)
        if calibration is None:
            return figure(model, flame_fit.calibrate(model, head.load()))
        given = flame.load_calibration(calibration)
    except ImportError as error:
        raise FormatError(
            f"cannot use avatar {path}: its calibration is made with scipy; pip install 'voxrig[flame]'"
        ) from error
    except RigError as error:
        raise FormatError(f"cannot use avatar {error}") from error
    if given.source != model.source:
        raise FormatError(
            f"the calibration {calibration} was made for another FLAME file than {path}; calibrate again"
        )
    return figure(model, given)


def figure(model: FlameModel, calibration: Calibration) -> Figure:
    """The face of a model, with the expressions that a calibration names."""
    weights = model.weights
    vertex, shape, by = [], [], []
    for k, curve in enumerate(ARKIT_CURVES):
        move = moved(model, calibration, curve)
        if curve.startswith("eyeLook"):
            move *= 1 - weights[:, _LEFT:].sum(1, keepdims=True)  # joints turn the balls
        some = np.flatnonzero(np.linalg.norm(move, axis=1) > _STILL).astype(np.int32)
        vertex.append(some)
        shape.append(np.full(len(some), k, np.int32))
        by.append(move[some].astype(np.float32))
    shapes = tuple(curve for curve, some in zip(ARKIT_CURVES, vertex, strict=True) if len(some))
    place = np.array([shapes.index(curve) if curve in shapes else -1 for curve in ARKIT_CURVES])
    points, faces = model.template.astype(np.float32), model.triangles.astype(np.int32)
    ball = (weights[faces, _LEFT:].sum(2) > 0.5).all(1)
    shares = np.zeros((len(points), 5), np.float32)
    shares[:, 0], shares[:, 2] = weights[:, 0], weights[:, _NECK] + weights[:, _JAW]
    shares[:, 3:] = weights[:, _LEFT:]
    whole = Figure(
        points=points,
        normals=surface.normals(points, faces),
        uvs=_uvs(model, points),
        faces=faces,
        material=np.where(ball, _EYES, _SKIN).astype(np.int32),
        materials=(
            Material("skin", np.array([0.42, 0.235, 0.165, 1], np.float32), roughness=0.5),
            Material("mouth", np.array([0.035, 0.008, 0.008, 1], np.float32), roughness=1.0),
            Material("eyes", np.ones(4, np.float32), eyeball.picture(), roughness=0.15),
        ),
        shapes=shapes,
        moves=surface.moves(
            len(points), np.concatenate(vertex), place[np.concatenate(shape)], np.concatenate(by)
        ),
        shares=shares / np.maximum(shares.sum(1, keepdims=True), 1e-6),
        pivots=model.joints[[0, _NECK, _NECK, _LEFT, _RIGHT]].astype(np.float32),
    )
    whole = surface.in_metres(pivots.completed(whole, ("neck", "head", "leftEye", "rightEye")))
    return surface.used(_lined(whole))


def _lined(figure: Figure) -> Figure:
    """The same with a dark inner side to its skin, seen through the lips: FLAME has nothing there."""
    count, owner, old = len(figure.points), surface.owners(figure), figure.moves
    inner = figure.faces[figure.material == _SKIN][:, ::-1] + np.int32(count)
    return replace(
        figure,
        points=np.concatenate([figure.points, figure.points - _LINING * figure.normals]),
        normals=np.concatenate([figure.normals, -figure.normals]),
        uvs=np.concatenate([figure.uvs, figure.uvs]),
        faces=np.concatenate([figure.faces, inner]),
        material=np.concatenate([figure.material, np.full(len(inner), _MOUTH, np.int32)]),
        moves=surface.moves(
            2 * count,
            np.concatenate([owner, owner + np.int32(count)]),
            np.concatenate([old.shape, old.shape]),
            np.concatenate([old.by, old.by]),
        ),
        shares=np.concatenate([figure.shares, figure.shares]),
    )


def moved(model: FlameModel, calibration: Calibration, curve: str) -> Points:
    """How far FLAME moves its vertices when one native curve is 1, eyes and neck at rest: (5023, 3)."""
    frame = np.zeros((1, len(NATIVE)), np.float32)
    frame[0, NATIVE.index(curve)] = 1
    values = flame.from_native(frame, calibration)[0].astype(np.float64)
    jaw = slice(flame.RIG.index("jaw_x"), flame.RIG.index("jaw_z") + 1)
    change = flame_fit.turn_matrix(values[jaw]) - np.eye(3)
    count = calibration.e
    shaped = model.template + model.expressions[:, :, :count] @ values[len(flame.POSE_CURVES) :]
    shaped += model.pose[:, :, 9:18] @ change.ravel()  # correctives of joint 2
    posed = shaped + model.weights[:, _JAW, None] * ((shaped - model.joints[_JAW]) @ change.T)
    return np.asarray(posed - model.template)


def _uvs(model: FlameModel, points: Array) -> Array:
    out = np.zeros((len(points), 2), np.float32)
    for joint in (_LEFT, _RIGHT):
        own = model.weights[:, joint] > 0.5
        out[own] = eyeball.uvs(points[own], model.joints[joint].astype(np.float32))
    return out
