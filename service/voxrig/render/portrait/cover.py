"""Which triangle lies in front at each place of a grid. Slow and plain: for preparing, not for frames."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from voxrig.types import Array


def covered(
    points: np.ndarray, faces: NDArray[np.int32], height: int, width: int
) -> tuple[NDArray[np.int32], Array]:
    """For each cell of a grid the triangle in front, -1 where there is none, and its corners' shares.

    points (v, 3) are in cells, the centre of the first at 0.5, y down; larger z is nearer. (h, w), (h, w, 3).
    """
    face = np.full((height, width), -1, np.int32)
    share = np.zeros((height, width, 3), np.float32)
    depth = np.full((height, width), -np.inf, np.float32)
    flat = np.ascontiguousarray(points, np.float32)
    _cover(flat, np.ascontiguousarray(faces, np.int32), face, share, depth)
    return face, share


@njit(cache=True)
def _cover(points, faces, face, share, depth):  # type: ignore[no-untyped-def]
    height, width = face.shape
    for k in range(len(faces)):
        a, b, c = faces[k, 0], faces[k, 1], faces[k, 2]
        ax, ay, bx, by, cx, cy = (
            points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
        )  # fmt: skip
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area >= 0:  # seen from behind: y is down
            continue
        left, right = max(0, int(np.floor(min(ax, bx, cx) - 0.5))), min(width - 1, int(max(ax, bx, cx)))
        top, low = max(0, int(np.floor(min(ay, by, cy) - 0.5))), min(height - 1, int(max(ay, by, cy)))
        for y in range(top, low + 1):
            for x in range(left, right + 1):
                px, py = x + 0.5 - ax, y + 0.5 - ay
                v = (px * (cy - ay) - (cx - ax) * py) / area
                w = ((bx - ax) * py - px * (by - ay)) / area
                u = 1 - v - w
                if u < -1e-4 or v < -1e-4 or w < -1e-4:
                    continue
                z = u * points[a, 2] + v * points[b, 2] + w * points[c, 2]
                if z > depth[y, x]:
                    depth[y, x] = z
                    face[y, x] = k
                    share[y, x, 0], share[y, x, 1], share[y, x, 2] = u, v, w
