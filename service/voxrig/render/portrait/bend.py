"""Kernels that bend a sheet: its fields to displacements, these to where each pixel comes from."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_NEWTON = 5
"""Rounds in which a pixel's source is found; each squares the error."""


@njit(parallel=True, fastmath=True, cache=True)
def mixed(basis, which, weights, out):  # type: ignore[no-untyped-def]
    """Adds up fields: of basis (2, k, n, n, 3) those ``which`` (a,) by weights (a,) into out (2, n, n, 3)."""
    n = out.shape[1]
    for row in prange(2 * n):
        side, j = row // n, row % n
        for i in range(n):
            x = y = z = np.float32(0)
            for a in range(len(which)):
                k, w = which[a], weights[a]
                x += w * basis[side, k, j, i, 0]
                y += w * basis[side, k, j, i, 1]
                z += w * basis[side, k, j, i, 2]
            out[side, j, i, 0], out[side, j, i, 1], out[side, j, i, 2] = x, y, z


@njit(fastmath=True, cache=True)
def line_gaps(field, ends, step, down, out):  # type: ignore[no-untyped-def]
    """Pixels between the lips: field (2, n, n, 3), ends (2, m, 2) of their edges in the photo, out (m,)."""
    n = field.shape[1]
    for p in range(len(out)):
        out[p] = 0
        for side in range(2):
            x, y = ends[side, p, 0], ends[side, p, 1]
            gx, gy = x / step, y / step
            i, j = min(max(int(gx), 0), n - 2), min(max(int(gy), 0), n - 2)
            fx, fy = gx - i, gy - j
            for c in range(2):
                top = field[side, j, i, c] * (1 - fx) + field[side, j, i + 1, c] * fx
                low = field[side, j + 1, i, c] * (1 - fx) + field[side, j + 1, i + 1, c] * fx
                moved = ends[side, p, c] + top * (1 - fy) + low * fy
                out[p] += (1 if side == 1 else -1) * moved * down[c]


@njit(fastmath=True, cache=True)
def zipped(field, zipper, across, gaps, down):  # type: ignore[no-untyped-def]
    """Moves lips by gaps (m,) along the mouth, the upper one down by half of it: field (2, n, n, 3) in place.

    across (n, n) tells where along the mouth a place is: -1 … 1.
    """
    n, m = field.shape[1], len(gaps)
    for j in range(n):
        for i in range(n):
            if zipper[0, j, i] == 0 and zipper[1, j, i] == 0:
                continue
            at = (across[j, i] + 1) * np.float32(0.5) * (m - 1)
            at = min(max(at, np.float32(0)), np.float32(m - 1.001))
            k = int(at)
            f = at - k
            gap = gaps[k] * (1 - f) + gaps[k + 1] * f
            for side in range(2):
                field[side, j, i, 0] += zipper[side, j, i] * gap * down[0]
                field[side, j, i, 1] += zipper[side, j, i] * gap * down[1]


@njit(fastmath=True, cache=True)
def turned(field, depth, share, turn, step, out):  # type: ignore[no-untyped-def]
    """Lets the head's turn (3, 4) carry the sheet: field (2, n, n, 3) and depth to out (2, n, n, 2)."""
    n = depth.shape[0]
    for row in range(2 * n):
        side, j = row // n, row % n
        for i in range(n):
            x, y = i * step + field[side, j, i, 0], j * step + field[side, j, i, 1]
            z = depth[j, i] + field[side, j, i, 2]
            s = share[j, i]
            tx = turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z + turn[0, 3]
            ty = turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z + turn[1, 3]
            out[side, j, i, 0] = field[side, j, i, 0] + s * (tx - x)
            out[side, j, i, 1] = field[side, j, i, 1] + s * (ty - y)


@njit(parallel=True, fastmath=True, cache=True)
def sources(shift, step, out):  # type: ignore[no-untyped-def]
    """Where pixels come from: displacements (2, n, n, 2) of the photo to places (2, n, n, 2) in it.

    At each corner of the grid, as a place in the picture, the place in the photo that is carried there, found
    by Newton's method in the cells of the grid.
    """
    n = shift.shape[1]
    most = np.float32(n - 1)
    inverse = np.float32(1) / step
    for row in prange(2 * n):
        side, j = row // n, row % n
        for i in range(n):
            goal_x, goal_y = np.float32(i), np.float32(j)
            u = goal_x - shift[side, j, i, 0] * inverse
            v = goal_y - shift[side, j, i, 1] * inverse
            for _ in range(_NEWTON):
                cu, cv = min(max(u, np.float32(0)), most), min(max(v, np.float32(0)), most)
                a, b = min(int(cu), n - 2), min(int(cv), n - 2)
                fu, fv = cu - a, cv - b
                x00, x01 = shift[side, b, a, 0], shift[side, b, a + 1, 0]
                x10, x11 = shift[side, b + 1, a, 0], shift[side, b + 1, a + 1, 0]
                y00, y01 = shift[side, b, a, 1], shift[side, b, a + 1, 1]
                y10, y11 = shift[side, b + 1, a, 1], shift[side, b + 1, a + 1, 1]
                gu, gv = 1 - fu, 1 - fv
                ex = u + (gv * (gu * x00 + fu * x01) + fv * (gu * x10 + fu * x11)) * inverse - goal_x
                ey = v + (gv * (gu * y00 + fu * y01) + fv * (gu * y10 + fu * y11)) * inverse - goal_y
                if abs(ex) + abs(ey) < np.float32(2e-4):
                    break
                xx = 1 + (gv * (x01 - x00) + fv * (x11 - x10)) * inverse
                xy = (gu * (x10 - x00) + fu * (x11 - x01)) * inverse
                yx = (gv * (y01 - y00) + fv * (y11 - y10)) * inverse
                yy = 1 + (gu * (y10 - y00) + fu * (y11 - y01)) * inverse
                det = xx * yy - xy * yx
                if det < np.float32(0.15):  # the sheet folds here: go slowly
                    du, dv = ex * np.float32(0.5), ey * np.float32(0.5)
                else:
                    du, dv = (yy * ex - xy * ey) / det, (xx * ey - yx * ex) / det
                u -= min(max(du, np.float32(-6)), np.float32(6))
                v -= min(max(dv, np.float32(-6)), np.float32(6))
            out[side, j, i, 0], out[side, j, i, 1] = u * step, v * step
