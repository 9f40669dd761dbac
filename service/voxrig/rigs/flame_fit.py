"""Make a calibration: which FLAME expressions say what each of our 52 shapes says.

Each shape's motion is carried over to the FLAME template (``flame_register``); what the jaw joint does of
it (jawOpen, jawLeft, jawRight) is taken off and turned back to the jaw's rest, because FLAME adds
expressions before it poses; bounded least squares express what is left. Needs scipy (extra ``flame``).
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from voxrig.errors import RigError
from voxrig.rigs import flame, head
from voxrig.rigs.flame import Calibration, save_calibration
from voxrig.rigs.flame_file import FlameModel, read_model
from voxrig.rigs.flame_register import Registration, register
from voxrig.rigs.head import Head
from voxrig.rigs.native import NATIVE

Points = NDArray[np.float64]

LIMIT = 3.0
"""No shape asks an expression for more than +-3 standard deviations."""

RIDGE = 2e-5
"""Metres, as a root mean square over the face: what an expression must move at one deviation to be used."""

CLOSING = 0.3
"""mouthClose is fitted where it meets an opening jaw in speech: both at this weight. The jaw goes round an
arc and the shapes go straight, so that one fitted alone would leave the lips of p, b and m apart."""

STILL = 1e-6
"""Metres, likewise: a shape that moves the skin less (tongueOut) has nothing that FLAME could hold."""


def calibrate_command(
    model: str | os.PathLike[str], out: str | os.PathLike[str], expressions: int = 100
) -> list[tuple[str, float]]:
    """``voxrig flame calibrate MODEL --out CAL.npz --expressions N``: write the calibration.

    Returns each of the 52 shapes, in native order, with the part of its motion that FLAME cannot make:
    0 holds it all, 1 none of it. Raises RigError for an unusable model, OutputError if the file cannot
    be written.
    """
    made = calibrate(read_model(model), head.load(), expressions)
    save_calibration(out, made)
    return list(zip(made.names, made.residual.tolist(), strict=True))


def calibrate(model: FlameModel, face: Head, expressions: int = 100) -> Calibration:
    """Fit the first ``expressions`` of the model to the 52 shapes of our head. Raises RigError."""
    held = model.expressions.shape[2]
    if not 1 <= expressions <= held:
        raise RigError(f"{expressions} expressions were asked for; this FLAME file has 1 to {held}")
    return fit(model, face.curves, register(model, face), expressions)


def fit(model: FlameModel, curves: tuple[str, ...], found: Registration, expressions: int) -> Calibration:
    """Coefficients of every shape whose motion over the template is known."""
    weight = np.sqrt(found.trust)[:, None]  # (5023, 1); squares sum to 1, so norms are root mean squares
    basis = (model.expressions[:, :, :expressions] * weight[:, :, None]).reshape(-1, expressions)
    ridge = RIDGE / found.similarity.scale
    before = [
        before_jaw(model, jaw_turn(curve), motion) for curve, motion in zip(curves, found.motion, strict=True)
    ]
    wanted = (np.stack(before) * weight).reshape(len(curves), -1)
    matrix = _bounded(basis, wanted, ridge)

    jaw, lips = curves.index("jawOpen"), curves.index("mouthClose")
    shut = CLOSING * (found.motion[jaw] + found.motion[lips])
    shut = before_jaw(model, CLOSING * jaw_turn("jawOpen"), shut) / CLOSING
    wanted[lips] = (shut * weight).ravel() - basis @ matrix[jaw]
    matrix[lips] = _bounded(basis, wanted[lips : lips + 1], ridge)[0]

    asked = np.linalg.norm((found.motion * weight).reshape(len(curves), -1), axis=1)
    moving = asked > STILL / found.similarity.scale
    left = np.linalg.norm(wanted - matrix @ basis.T, axis=1)
    residual = np.where(moving, left / np.where(moving, asked, 1), 1)
    matrix[~moving] = 0
    return Calibration(curves, matrix.astype(np.float32), residual.astype(np.float32), model.source)


def _bounded(basis: Points, wanted: Points, ridge: float) -> Points:
    """Coefficients (s, e) within LIMIT of basis (n, e) nearest to each row of wanted (s, n), ridge added."""
    from scipy.optimize import lsq_linear

    count = basis.shape[1]
    base, triangle = np.linalg.qr(basis)
    system = np.vstack([triangle, ridge * np.eye(count)])
    goals = np.vstack([base.T @ wanted.T, np.zeros((count, len(wanted)))])
    free = np.linalg.lstsq(system, goals)[0].T
    for row in np.flatnonzero(np.abs(free).max(axis=1) > LIMIT):
        free[row] = lsq_linear(system, goals[:, row], bounds=(-LIMIT, LIMIT)).x
    return np.asarray(free)


def jaw_turn(curve: str) -> Points:
    """How the rig turns FLAME's jaw when one native curve is 1: (3,) axis-angle, radians."""
    frame = np.zeros((1, len(NATIVE)), np.float32)
    frame[0, NATIVE.index(curve)] = 1
    pose = flame.from_native(frame)[0].astype(np.float64)
    return np.array([pose[flame.RIG.index(f"jaw_{axis}")] for axis in "xyz"])


def turn_matrix(turn: Points) -> Points:
    """An axis-angle rotation (3,) as a matrix (3, 3), by Rodrigues' formula."""
    angle = float(np.linalg.norm(turn))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = turn / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def before_jaw(model: FlameModel, turn: Points, motion: Points) -> Points:
    """The displacement (5023, 3) that gives ``motion`` once the jaw has made ``turn`` (3,), axis-angle.

    FLAME's jaw takes v to v + w (R - I)(v - j), after the pose correctives have been added to v.
    """
    if not turn.any():
        return motion
    change = turn_matrix(turn) - np.eye(3)
    corrected = model.pose[:, :, 9:18] @ change.ravel()  # joint 1 is the neck, joint 2 the jaw
    follow = np.eye(3) + model.weights[:, 2, None, None] * change  # (5023, 3, 3)
    posed = model.joints[2] + np.einsum("iab,ib->ia", follow, model.template + corrected - model.joints[2])
    left = model.template + motion - posed
    return np.asarray(np.linalg.solve(follow, left[:, :, None])[:, :, 0])
