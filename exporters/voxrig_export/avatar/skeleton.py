"""Five joints that carry a bust: root, neck, head and both eyes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig_export.avatar.anny_data import Index, Points
from voxrig_export.avatar.part import JOINTS

PARENTS = (-1, 0, 1, 2, 2)
"""Of each of JOINTS, an index into them; -1 for the root."""


@dataclass(frozen=True, eq=False)
class Rig:
    """Where the joints rest. None is turned, so their own axes are the avatar's."""

    points: Points  # (j, 3) metres, in the avatar's space
    size: float
    """Of the shoulders; 1 is a grown woman's."""

    def local(self) -> Points:
        """Each joint as seen from its parent: (j, 3)."""
        parents = np.array(PARENTS)
        return self.points - np.where(parents[:, None] < 0, 0.0, self.points[parents])


def skeleton(left_eye: Points, right_eye: Points, size: float) -> Rig:
    """The joints of a bust whose eyeballs have these centres (3,)."""
    behind = float(left_eye[2])
    points = [[0, -0.24 * size, behind - 0.09], [0, -0.13 * size, behind - 0.1], [0, -0.045, behind - 0.085]]
    return Rig(np.array([*points, left_eye, right_eye]), size)


def carried(rig: Rig, points: Points) -> tuple[Index, Points]:
    """Joints (v, 2) and their shares (v, 2) for points (v, 3) of skin.

    The head takes all above the jaw and the shoulders stay; in the neck one passes into the other,
    further down in front than behind.
    """
    height = points[:, 1] + 0.9 * np.maximum(points[:, 2] - rig.points[2, 2], 0)
    low, middle, top = -0.215 * rig.size, -0.135 * rig.size, -0.06
    up = np.clip((height - middle) / (top - middle), 0, 1)
    down = np.clip((middle - height) / (middle - low), 0, 1)
    up, down = up * up * (3 - 2 * up), down * down * (3 - 2 * down)
    above = height >= middle
    neck, head, root = (JOINTS.index(name) for name in ("neck", "head", "root"))
    joints = np.stack([np.full(len(points), neck), np.where(above, head, root)], 1)
    share = np.where(above, up, down)
    return joints, np.stack([1 - share, share], 1)
