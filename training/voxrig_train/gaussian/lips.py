"""Where the lips are: points of the figure by which mouths are compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from voxrig.avatar.figure import Figure
from voxrig.avatar.surface import owners
from voxrig.errors import FormatError
from voxrig.types import Array

_ROLLS = ("mouthRollUpper", "mouthRollLower", "mouthPressLeft", "mouthPressRight")
"""Shapes that move lips, and little else."""


def landmarks(figure: Figure, count: int = 24) -> NDArray[np.int64]:
    """Vertices of the lips, spread evenly, that face forward at rest.

    Raises FormatError for a figure without one of the shapes that tell lips from cheeks.
    """
    known = [figure.shapes.index(name) for name in _ROLLS if name in figure.shapes]
    if not known:
        raise FormatError(f"avatar has no shape that tells where lips are; have one of {', '.join(_ROLLS)}")
    moves = figure.moves
    owner = owners(figure)
    motion = np.zeros(len(figure.points))
    for shape in known:
        own = np.flatnonzero(moves.shape == shape)
        far = np.linalg.norm(moves.by[own], axis=1)
        motion[owner[own]] += far / max(far.max(initial=0), 1e-9)
    # The inside of a mouth looks back or sideways; lips that one sees look forward.
    lips = np.flatnonzero((motion > 0.6 * motion.max()) & (figure.normals[:, 2] > 0.3))
    lips = lips[figure.points[lips, 2] > np.quantile(figure.points[lips, 2], 0.3)]
    return _spread(figure.points, lips, count)


def projected(points: Array, view: Array, focal: float, size: tuple[int, int]) -> Array:
    """Points (n, 3) on the picture: (n, 2) pixels from its left and its upper edge."""
    seen = points @ view[:3, :3].T + view[:3, 3]
    depth = np.maximum(-seen[:, 2], 1e-6)
    across, down = size[1] / 2 + focal * seen[:, 0] / depth, size[0] / 2 - focal * seen[:, 1] / depth
    return np.stack([across, down], 1).astype(np.float32)


def box(marks: Array, size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the picture about landmarks (n, 2) of lips, with room for what the jaw does."""
    low, high = marks.min(0), marks.max(0)
    room = 0.2 * (high[0] - low[0]) + 1
    middle = (low + high) / 2
    half = (high - low) / 2 + room
    half[1] = max(half[1], 0.6 * half[0])
    first, last = np.floor(middle - half), np.ceil(middle + half) + 1
    (left, right), (top, bottom) = (np.clip([first[i], last[i]], 0, size[1 - i]).astype(int) for i in (0, 1))
    return slice(top, bottom), slice(left, right)


def _spread(points: Array, among: np.ndarray, count: int) -> NDArray[np.int64]:
    """``count`` of them, each as far as can be from those before."""
    first = int(among[points[among, 0].argmax()])  # the corner on the subject's left
    chosen = [first]
    far = np.linalg.norm(points[among] - points[first], axis=1)
    for _ in range(min(count, len(among)) - 1):
        chosen.append(int(among[far.argmax()]))
        far = np.minimum(far, np.linalg.norm(points[among] - points[chosen[-1]], axis=1))
    return np.array(chosen)
