"""What the lips do, in millimetres on voxrig's own head, for native curves.

Blend shapes add up, so each reading is a dot product with the motion of a few landmarks; lips do not
pass through each other, so the gap is never negative.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from voxrig.rigs.head import load
from voxrig.types import Array

_READINGS = ("gap", "drop", "rounding")


@cache
def _gains() -> Array:
    """(52, 3): millimetres of each reading for each shape at 1."""
    head = load()
    at = {name: head.deltas[:, vertex] * 1000 for name, vertex in head.landmarks.items()}
    gap = at["upper_lip_inner"][:, 1] - at["lower_lip_inner"][:, 1]
    drop = -at["lower_lip_inner"][:, 1]
    width = at["mouth_corner_left"][:, 0] - at["mouth_corner_right"][:, 0]
    forward = (at["upper_lip_outer"][:, 2] + at["lower_lip_outer"][:, 2]) / 2
    rounding = forward - width
    # The jaw carries the lips along; rounding is what the lips do themselves.
    rounding[[i for i, name in enumerate(head.curves) if name.startswith("jaw") or name == "mouthClose"]] = 0
    return np.stack([gap, drop, rounding], 1).astype(np.float32)


def readings(values: Array) -> dict[str, Array]:
    """Native curves (t, 71) to millimetres (t,): ``gap`` between the lips, ``drop`` of the lower lip
    from where it meets the upper teeth, ``rounding`` (protrusion less the change of width)."""
    read = values[:, :52] @ _gains()
    read[:, :2] = np.maximum(read[:, :2], 0)
    return dict(zip(_READINGS, read.T, strict=True))
