"""Where bound Gaussians are once the figure is posed. Needs the extra render."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from voxrig.avatar.figure import Figure
from voxrig.render.splat.gaussians import DELTAS, HISTORY, Gaussians
from voxrig.render.splat.listener import Listener
from voxrig.rigs.native import NATIVE
from voxrig.types import Array

_FLAT = 0.35
"""A Gaussian is a scale of the surface, seen from outside only, if it is this much thinner than wide …"""
_NEAR = 0.05
"""… and no farther off its triangle than this, in sizes of the triangle."""


class Binding:
    """Carries one set of Gaussians with one figure. The arrays hold the last pose.

    ``means`` (n, 3) metres, ``covariances`` (n, 6) xx xy xz yy yz zz in square metres, ``colours`` (n, 3)
    sRGB, ``opacities`` (n,): 0 where the surface that a Gaussian is a scale of turns its back on the eye.
    """

    def __init__(self, figure: Figure, gaussians: Gaussians) -> None:
        n = len(gaussians)
        if n and not 0 <= int(gaussians.triangle.min()) <= int(gaussians.triangle.max()) < len(figure.faces):
            raise ValueError(f"Gaussians hang on triangles beyond the {len(figure.faces)} of the figure")
        self.means = np.zeros((n, 3), np.float32)
        self.covariances = np.zeros((n, 6), np.float32)
        self.colours = np.ascontiguousarray(gaussians.colour, np.float32).copy()
        self.opacities = np.ascontiguousarray(gaussians.opacity, np.float32).copy()
        self._gaussians, self._faces = gaussians, figure.faces
        self._triangle = np.ascontiguousarray(gaussians.triangle, np.int32)
        self._corner = np.ascontiguousarray(gaussians.corner, np.float32)
        self._offset = np.ascontiguousarray(gaussians.offset, np.float32).copy()
        self._axes = axes(gaussians.rotation, gaussians.scale)
        self._opacity, self._colour = self.opacities.copy(), self.colours.copy()
        self._one_sided = one_sided(figure, gaussians)
        bases = gaussians.bases
        self._shaped = np.array([NATIVE.index(name) for name in bases.shapes] if bases else [], np.int64)
        self._moves = (
            np.ascontiguousarray(bases.moves, np.float32) if bases else np.zeros((0, 0, DELTAS), np.float32)
        )
        self._listener = Listener(gaussians.listener, n) if gaussians.listener else None

    @property
    def _alive(self) -> bool:
        """Whether more than the mesh moves them."""
        return self._gaussians.bases is not None or self._listener is not None

    def carry(self, points: Array, motion: Array, eye: Array, head: Array) -> None:
        """Take the pose whose vertices are ``points`` (v, 3).

        motion: (t, c) of the native rig, the newest frame last: bases look at that one alone, a listener at
        HISTORY of them. eye: (3,) whence one looks. head: (3, 4) where the pose takes points of the head, for
        what depends on the side from which one looks.
        """
        gaussians = self._gaussians
        if self._alive:
            how_far, moves = self._told(motion)
            _deform(
                how_far, moves, gaussians.offset, gaussians.rotation,
                gaussians.scale, gaussians.opacity, gaussians.colour,
                self._offset, self._axes, self._opacity, self._colour,
            )  # fmt: skip
        _place(
            points, self._faces, self._triangle, self._corner, self._offset, self._axes, self._opacity,
            self._one_sided, np.asarray(eye, np.float32), self.means, self.covariances, self.opacities,
        )  # fmt: skip
        if gaussians.harmonics.shape[1]:
            _tint(
                self._colour, gaussians.harmonics, self.means, np.asarray(eye, np.float32),
                np.ascontiguousarray(head[:, :3], np.float32), self.colours,
            )  # fmt: skip
        elif self._alive:
            np.maximum(self._colour, 0, out=self.colours)

    def _told(self, motion: Array) -> tuple[Array, Array]:
        """How far each of some moves (k, n, 13) goes, (k,)."""
        if self._listener is not None:
            return np.ones(1, np.float32), self._listener.deltas(motion[-HISTORY:])[None]
        assert self._gaussians.bases is not None
        weights = np.append(motion[-1, self._shaped], np.float32(1)).astype(np.float32)
        return self._gaussians.bases.mix @ weights, self._moves


def axes(rotation: Array, scale: Array) -> Array:
    """Axes of ellipsoids, as columns as long as a standard deviation: (n, 3, 3)."""
    return np.ascontiguousarray(turns(rotation) * scale[:, None], np.float32)


def turns(rotation: Array) -> np.ndarray:
    """Quaternions w x y z (n, 4) of any length but 0 as rotations (n, 3, 3)."""
    w, x, y, z = (rotation / np.maximum(np.linalg.norm(rotation, axis=1, keepdims=True), 1e-12)).T
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, -1) for row in rows], -2)


def quaternions(turn: np.ndarray) -> Array:
    """Rotations (n, 3, 3) as unit quaternions w x y z (n, 4), w not negative."""
    m = turn.astype(np.float64)
    trace = np.trace(m, axis1=1, axis2=2)
    # Twice each component squared, plus a half; the largest is safe to divide by.
    square = np.stack([trace, *(2 * m[:, i, i] - trace for i in range(3))], 1) + 1
    out = np.empty((len(m), 4))
    largest = square.argmax(1)
    whole = np.zeros((len(m), 4, 4))
    whole[:, range(4), range(4)] = square
    for i, (j, k) in enumerate(((1, 2), (2, 0), (0, 1))):
        whole[:, 0, i + 1] = whole[:, i + 1, 0] = m[:, k, j] - m[:, j, k]
        whole[:, j + 1, k + 1] = whole[:, k + 1, j + 1] = m[:, j, k] + m[:, k, j]
    out = whole[np.arange(len(m)), largest]
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    return np.asarray(np.where(out[:, :1] < 0, -out, out), np.float32)


def frames(points: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each triangle its tangent, bitangent and normal as columns, (f, 3, 3), and its size, (f,)."""
    a, b, c = (points[faces[:, i]].astype(np.float64) for i in range(3))
    tangent, normal = b - a, np.cross(b - a, c - a)
    double = np.linalg.norm(normal, axis=1)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12)
    normal /= np.maximum(double, 1e-18)[:, None]
    return np.stack([tangent, np.cross(normal, tangent), normal], -1), np.sqrt(double)


def one_sided(figure: Figure, gaussians: Gaussians) -> np.ndarray:
    """Whether each Gaussian is a scale of a closed surface, which one never sees from within: (n,)."""
    closed = np.array([not m.double_sided and m.cutout == 0 for m in figure.materials])
    thin = gaussians.scale[:, 2] < _FLAT * gaussians.scale[:, :2].min(1)
    lies = np.abs(gaussians.rotation[:, 1:3]).max(1, initial=0) < 0.05
    near = np.abs(gaussians.offset).max(1, initial=0) < _NEAR
    return np.asarray(thin & lies & near & closed[figure.material[gaussians.triangle]])


@njit(parallel=True, fastmath=True, cache=True)
def _place(  # type: ignore[no-untyped-def]
    points, faces, triangle, corner, offset, axes, opacity, one_sided, eye, means, covariances, opacities
):
    least = np.float32(1e-18)
    one = np.float32(1)
    for i in prange(len(triangle)):
        t = triangle[i]
        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
        px, py, pz = points[a, 0], points[a, 1], points[a, 2]
        ux, uy, uz = points[b, 0] - px, points[b, 1] - py, points[b, 2] - pz
        vx, vy, vz = points[c, 0] - px, points[c, 1] - py, points[c, 2] - pz
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        double = np.sqrt(nx * nx + ny * ny + nz * nz)
        size = np.sqrt(double)
        inverse = one / max(double, least)
        nx, ny, nz = nx * inverse, ny * inverse, nz * inverse
        inverse = one / max(np.sqrt(ux * ux + uy * uy + uz * uz), np.float32(1e-12))
        tx, ty, tz = ux * inverse, uy * inverse, uz * inverse
        bx, by, bz = ny * tz - nz * ty, nz * tx - nx * tz, nx * ty - ny * tx
        s, r = corner[i, 0], corner[i, 1]
        p, q, o = size * offset[i, 0], size * offset[i, 1], size * offset[i, 2]
        mx = px + s * ux + r * vx + p * tx + q * bx + o * nx
        my = py + s * uy + r * vy + p * ty + q * by + o * ny
        mz = pz + s * uz + r * vz + p * tz + q * bz + o * nz
        means[i, 0], means[i, 1], means[i, 2] = mx, my, mz
        xx = xy = xz = yy = yz = zz = np.float32(0)
        for k in range(3):
            p, q, o = size * axes[i, 0, k], size * axes[i, 1, k], size * axes[i, 2, k]
            x = p * tx + q * bx + o * nx
            y = p * ty + q * by + o * ny
            z = p * tz + q * bz + o * nz
            xx += x * x
            xy += x * y
            xz += x * z
            yy += y * y
            yz += y * z
            zz += z * z
        covariances[i, 0], covariances[i, 1], covariances[i, 2] = xx, xy, xz
        covariances[i, 3], covariances[i, 4], covariances[i, 5] = yy, yz, zz
        dx, dy, dz = eye[0] - mx, eye[1] - my, eye[2] - mz
        facing = dx * nx + dy * ny + dz * nz
        # A margin of some 15° lets the rim of the surface round off.
        away = one_sided[i] and facing < np.float32(-0.25) * np.sqrt(dx * dx + dy * dy + dz * dz)
        opacities[i] = np.float32(0) if away else opacity[i]


@njit(parallel=True, fastmath=True, cache=True)
def _deform(  # type: ignore[no-untyped-def]
    how_far, moves, offset, rotation, scale, opacity, colour, out_offset, out_axes, out_opacity, out_colour
):
    one, two = np.float32(1), np.float32(2)
    for i in prange(len(opacity)):
        d = np.zeros(13, np.float32)
        for k in range(len(how_far)):
            if how_far[k] != 0:
                for j in range(13):
                    d[j] += how_far[k] * moves[k, i, j]
        for j in range(3):
            out_offset[i, j] = offset[i, j] + d[j]
            out_colour[i, j] = colour[i, j] + d[10 + j]
        angle = np.sqrt(d[6] * d[6] + d[7] * d[7] + d[8] * d[8])
        half = np.float32(0.5) * angle
        s = np.sin(half) / angle if angle > np.float32(1e-6) else np.float32(0.5)
        w1, x1, y1, z1 = np.cos(half), s * d[6], s * d[7], s * d[8]
        w0, x0, y0, z0 = rotation[i, 0], rotation[i, 1], rotation[i, 2], rotation[i, 3]
        w = w0 * w1 - x0 * x1 - y0 * y1 - z0 * z1
        x = w0 * x1 + x0 * w1 + y0 * z1 - z0 * y1
        y = w0 * y1 - x0 * z1 + y0 * w1 + z0 * x1
        z = w0 * z1 + x0 * y1 - y0 * x1 + z0 * w1
        n = two / max(w * w + x * x + y * y + z * z, np.float32(1e-24))
        sx, sy, sz = scale[i, 0] * np.exp(d[3]), scale[i, 1] * np.exp(d[4]), scale[i, 2] * np.exp(d[5])
        out_axes[i, 0, 0] = sx * (one - n * (y * y + z * z))
        out_axes[i, 1, 0] = sx * n * (x * y + w * z)
        out_axes[i, 2, 0] = sx * n * (x * z - w * y)
        out_axes[i, 0, 1] = sy * n * (x * y - w * z)
        out_axes[i, 1, 1] = sy * (one - n * (x * x + z * z))
        out_axes[i, 2, 1] = sy * n * (y * z + w * x)
        out_axes[i, 0, 2] = sz * n * (x * z + w * y)
        out_axes[i, 1, 2] = sz * n * (y * z - w * x)
        out_axes[i, 2, 2] = sz * (one - n * (x * x + y * y))
        o = min(max(opacity[i], np.float32(1e-6)), np.float32(1 - 1e-6))
        # logit, moved, and back; a base that says nothing leaves the number as it was
        out_opacity[i] = o / (o + (one - o) * np.exp(-d[9])) if d[9] != 0 else opacity[i]


@njit(parallel=True, fastmath=True, cache=True)
def _tint(colour, harmonics, means, eye, head, out):  # type: ignore[no-untyped-def]
    """Adds the spherical harmonics of the way from the eye, with 3D Gaussian splatting's order and signs."""
    for i in prange(len(means)):
        dx, dy, dz = means[i, 0] - eye[0], means[i, 1] - eye[1], means[i, 2] - eye[2]
        inverse = np.float32(1) / max(np.sqrt(dx * dx + dy * dy + dz * dz), np.float32(1e-12))
        dx, dy, dz = dx * inverse, dy * inverse, dz * inverse
        x = head[0, 0] * dx + head[1, 0] * dy + head[2, 0] * dz
        y = head[0, 1] * dx + head[1, 1] * dy + head[2, 1] * dz
        z = head[0, 2] * dx + head[1, 2] * dy + head[2, 2] * dz
        h = np.zeros(15, np.float32)
        h[0], h[1], h[2] = (
            np.float32(-0.48860252) * y,
            np.float32(0.48860252) * z,
            np.float32(-0.48860252) * x,
        )
        if harmonics.shape[1] > 3:
            xx, yy, zz = x * x, y * y, z * z
            h[3] = np.float32(1.09254843) * x * y
            h[4] = np.float32(-1.09254843) * y * z
            h[5] = np.float32(0.31539157) * (zz + zz - xx - yy)
            h[6] = np.float32(-1.09254843) * x * z
            h[7] = np.float32(0.54627422) * (xx - yy)
            if harmonics.shape[1] > 8:
                h[8] = np.float32(-0.59004359) * y * (np.float32(3) * xx - yy)
                h[9] = np.float32(2.89061144) * x * y * z
                h[10] = np.float32(-0.45704580) * y * (np.float32(4) * zz - xx - yy)
                h[11] = np.float32(0.37317633) * z * (zz + zz - np.float32(3) * (xx + yy))
                h[12] = np.float32(-0.45704580) * x * (np.float32(4) * zz - xx - yy)
                h[13] = np.float32(1.44530572) * z * (xx - yy)
                h[14] = np.float32(-0.59004359) * x * (xx - np.float32(3) * yy)
        for j in range(3):
            total = colour[i, j]
            for k in range(harmonics.shape[1]):
                total += h[k] * harmonics[i, k, j]
            out[i, j] = max(total, np.float32(0))
