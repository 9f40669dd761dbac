"""A synthetic face in FLAME's file format, since the real one may not be shipped.

Another person than our head (stretched, bumpy, scaled, turned, shifted), another set of vertices, its
own jaw weights and joint, and an expression basis that mixes the motions of some of the 52 shapes.
``truth`` says how each shape moves it. Written as FLAME is: protocol 2 with Python 2 strings, chumpy
arrays and a sparse regressor.
"""

from __future__ import annotations

import io
import pickle
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import numpy as np
from scipy.sparse import csc_matrix
from scipy.spatial.transform import Rotation

from voxrig.rigs.head import Head

VERTICES, EYEBALL = 5023, 200
ABSENT = ("cheekPuff", "noseSneerLeft", "noseSneerRight", "tongueOut")
"""Shapes that the expression basis knows nothing of."""
JAW = ("jawOpen", "jawLeft", "jawRight")
"""Shapes that the jaw joint makes, not the basis."""


@dataclass(frozen=True, eq=False)
class Synthetic:
    """The arrays of the file and what the 52 shapes really do to it."""

    arrays: dict[str, np.ndarray]
    truth: np.ndarray  # (52, 5023, 3) metres

    def posed(self, values: np.ndarray) -> np.ndarray:
        """FLAME's forward pass for one frame (12 + e,) of the flame rig, eyes and neck at rest: (5023, 3)."""
        a, expression = self.arrays, values[12:]
        joint = a["J_regressor"] @ a["v_template"]
        turn = Rotation.from_rotvec(values[3:6]).as_matrix()
        feature = np.zeros(36)
        feature[9:18] = (turn - np.eye(3)).ravel()
        rest = a["v_template"] + a["shapedirs"][:, :, 300 : 300 + len(expression)] @ expression
        rest = rest + a["posedirs"] @ feature
        turned = (rest - joint[2]) @ turn.T + joint[2]
        return rest + a["weights"][:, 2:3] * (turned - rest)


def make(head: Head, seed: int = 0) -> Synthetic:
    rng = np.random.default_rng(seed)
    points, motion, triangles = _resample(head, rng)
    eyes = [head.vertices[head.members(f"eye_{side}")].mean(axis=0) for side in ("left", "right")]
    globe = rng.normal(size=(EYEBALL, 3))
    globe *= 0.012 / np.linalg.norm(globe, axis=1, keepdims=True)
    rest = np.concatenate([points, eyes[0] + globe, eyes[1] + globe])
    motion = np.concatenate([motion, np.zeros((52, 2 * EYEBALL, 3))], axis=1)
    warp = _person(rng)
    template = warp(rest)
    truth = np.stack([warp(rest + shape) - template for shape in motion])

    weights = np.zeros((VERTICES, 5))
    hinge = head.jaw()
    share = np.clip(hinge.share(rest, motion[head.curves.index("jawOpen")]), 0, 1)
    weights[:, 2] = share**1.1
    weights[:, 1] = 1 - weights[:, 2]
    weights[-2 * EYEBALL : -EYEBALL] = np.eye(5)[3]
    weights[-EYEBALL:] = np.eye(5)[4]
    jaw = warp((hinge.centre + np.array([0, 0.002, -0.002]))[None])[0]
    neck = warp(np.array([[0, -0.12, -0.09]]))[0]
    joints = np.array([neck - [0, 0.1, 0], neck, jaw, *(warp(np.array(eyes)))])

    held = [i for i, name in enumerate(head.curves) if name not in ABSENT + JAW]
    mix = np.linalg.qr(rng.normal(size=(len(held), len(held))))[0]
    basis = np.einsum("kvx,ke->vxe", truth[held], mix)
    bumps = np.stack([_bump(template, rng) for _ in range(100 - len(held))], axis=2)
    identities = np.zeros((VERTICES, 3, 300))
    posedirs = np.zeros((VERTICES, 3, 36))
    posedirs[:, 2, 13] = 0.003 * weights[:, 2]  # the cosine element of the jaw's turn
    arrays = {
        "v_template": template,
        "f": triangles.astype(np.uint32),
        "shapedirs": np.concatenate([identities, basis, bumps], axis=2),
        "posedirs": posedirs,
        "J_regressor": _regressor(template, joints, rng),
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]]),
        "weights": weights,
    }
    return Synthetic(arrays, truth)


def _resample(head: Head, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """4623 skin points, each somewhere inside a triangle of ours, their motion and triangles."""
    vertices = head.vertices.astype(np.float64)
    quads = head.quads[np.isin(head.quads[:, 0], head.members("skin"))]
    centre = vertices[quads].mean(axis=1)
    cavity = (np.abs(centre[:, 0]) < 0.033) & (np.abs(centre[:, 1] + 0.06) < 0.03)
    cavity &= (centre[:, 2] < 0.012) & (centre[:, 2] > -0.08)
    quads = quads[~cavity & (centre[:, 1] > -0.14)]
    triangles = np.concatenate([quads[:, [0, 1, 3]], quads[:, [1, 2, 3]]])  # the other diagonal than ours
    used, triangles = np.unique(triangles, return_inverse=True)
    triangles = triangles.reshape(-1, 3)
    corner = np.zeros((len(used), 3), np.int64)
    for turn in range(3):
        corner[triangles[:, turn]] = used[np.roll(triangles, -turn, axis=1)]
    part = rng.uniform(0, 0.22, size=(len(used), 2))
    spread = np.column_stack([1 - part.sum(axis=1), part])
    more = VERTICES - 2 * EYEBALL - len(used)
    assert 0 <= more <= len(triangles)
    split = rng.choice(len(triangles), more, replace=False)  # a new vertex in the middle of some triangles
    a, b, c = triangles[split].T
    new = len(used) + np.arange(more)
    triangles = np.concatenate(
        [
            np.delete(triangles, split, axis=0),
            *(np.column_stack(t) for t in ((a, b, new), (b, c, new), (c, a, new))),
        ]
    )
    corner = np.concatenate([corner, used[np.column_stack([a, b, c])]])
    spread = np.concatenate([spread, rng.dirichlet([4, 4, 4], more)])
    points = np.einsum("pk,pkx->px", spread, vertices[corner])
    motion = np.einsum("pk,spkx->spx", spread, head.deltas[:, corner])
    return points, motion, triangles


def _person(rng: np.random.Generator):
    """A smooth change of face: proportions, bumps of some millimetres, then a similarity."""
    centres = rng.uniform([-0.06, -0.1, -0.03], [0.06, 0.05, 0.04], (12, 3))
    pushes = rng.normal(0, 0.003, (12, 3))
    angles = np.radians([3.0, -2.0, 2.0])
    turn = np.eye(3)
    for axis, angle in enumerate(angles):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        step = np.eye(3)
        step[[i, j], [i, j]], step[i, j], step[j, i] = np.cos(angle), -np.sin(angle), np.sin(angle)
        turn = step @ turn

    def warp(points: np.ndarray) -> np.ndarray:
        near = np.exp(-((points[:, None] - centres) ** 2).sum(axis=2) / (2 * 0.025**2))
        person = points * [1.05, 0.96, 1.03] + near @ pushes
        return 1.07 * person @ turn.T + [0.01, -0.03, 0.02]

    return warp


def _bump(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A distractor: a smooth motion of a millimetre somewhere on the head."""
    centre = points[rng.integers(len(points))]
    near = np.exp(-((points - centre) ** 2).sum(axis=1) / (2 * 0.02**2))
    return near[:, None] * rng.normal(0, 0.001, 3)


def _regressor(template: np.ndarray, joints: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows that sum to 1 and give the joints from the template."""
    rows = np.zeros((len(joints), len(template)))
    for row, joint in zip(rows, joints, strict=True):
        some = rng.choice(len(template), 60, replace=False)
        row[some] = np.linalg.lstsq(
            np.vstack([template[some].T, np.ones(60)]), np.append(joint, 1), rcond=None
        )[0]
    return rows


def write_npz(path: Path, synthetic: Synthetic) -> Path:
    np.savez(path, **synthetic.arrays)
    return path


def write_pickle(path: Path, synthetic: Synthetic) -> Path:
    """As FLAME's generic_model.pkl: what chumpy held stays wrapped, the regressor is sparse."""
    path.write_bytes(dump(wrapped(synthetic.arrays)))
    return path


class Ch:
    """What a chumpy array leaves in a pickle: its numbers under x."""

    def __init__(self, x: np.ndarray) -> None:
        self.x = x
        self._dirty_vars = {"x"}


Ch.__module__ = "chumpy.ch"


def wrapped(arrays: dict[str, np.ndarray]) -> dict[str, object]:
    chumpy = {key: Ch(arrays[key]) for key in ("v_template", "shapedirs", "posedirs", "weights")}
    return arrays | chumpy | {"J_regressor": csc_matrix(arrays["J_regressor"]), "bs_style": "lbs"}


class _Python2(pickle._Pickler):
    """Bytes as Python 2 wrote them: BINSTRING."""

    dispatch = pickle._Pickler.dispatch.copy()

    def _save_bytes(self, data: bytes) -> None:
        self.write(b"T" + struct.pack("<i", len(data)) + data)
        self.memoize(data)

    dispatch[bytes] = _save_bytes


def dump(value: object) -> bytes:
    package, module = ModuleType("chumpy"), ModuleType("chumpy.ch")
    module.Ch = Ch
    file = io.BytesIO()
    with patch.dict(sys.modules, {"chumpy": package, "chumpy.ch": module}):
        _Python2(file, protocol=2).dump(value)
    return file.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
