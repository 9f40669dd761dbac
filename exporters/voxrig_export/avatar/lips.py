"""Lips that close: what brings an upper and a lower lip together wherever a pose leaves them apart.

They are looked at in slices from one corner of the mouth to the other. Metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig_export.avatar import surface
from voxrig_export.avatar.anny_data import Flags, Index, Points
from voxrig_export.avatar.paint import ramp

_SLICES = np.linspace(-1.2, 1.2, 41)
"""Where there is a slice, in halves of the mouth."""
_WIDE = 0.078
"""Half of what a slice takes in, in halves of the mouth."""
_PRESSED = 0.00035
"""How far lips at rest reach into one another: less would show a slit where triangles are coarse."""
_DEEP = 0.0058
"""Behind the front of the lips there is lining, which need not meet."""
_CALM = 3
"""Times that a step is averaged with its neighbourhood, so that corners of the mouth stay smooth."""
_REACH = 0.0055
"""How far from where the lips meet skin follows them."""


@dataclass(frozen=True, eq=False)
class Lips:
    """Which vertices are which lip's, by how far an open jaw takes them along."""

    upper: Flags  # (v,)
    lower: Flags  # (v,)
    skin: Flags  # (v,) all about the mouth that is not its lining
    red: Points  # (v,) 0..1, 1 on the lips themselves
    slices: tuple[Flags, ...]  # (v,) each
    places: Points  # (k,) x of each slice
    faces: Index  # (f, 3) of the skin


def lips(points: Points, falls: Points, red: Points, faces: Index) -> Lips:
    """The lips of a face at rest (v, 3): ``falls`` (v, 3) by jawOpen, ``red`` (v,) is 1 on lips."""
    own = (red > 0.5) & (points[:, 2] > 0)
    half = float(np.abs(points[own, 0]).max())
    low, high = points[own, 1].min() - 0.006, points[own, 1].max() + 0.003
    near = (
        (np.abs(points[:, 0]) < 1.4 * half)
        & (points[:, 1] > low)
        & (points[:, 1] < high)
        & (points[:, 2] > 0)
    )
    down = -falls[:, 1]
    upper, lower, skin = np.zeros((3, len(points)), bool)
    slices = tuple(near & (np.abs(points[:, 0] - x * half) < _WIDE * half) for x in _SLICES)
    for slice_ in slices:
        ahead = points[slice_ & own, 2] if (slice_ & own).any() else points[slice_, 2]
        front = np.flatnonzero(slice_ & (points[:, 2] > ahead.max(initial=0.0) - _DEEP))
        skin[front] = True
        order = np.sort(down[front])
        step = np.diff(order)
        if step.max(initial=0.0) < 0.004:  # the corner, where both are one
            continue
        middle = order[int(np.argmax(step))] + step.max() / 2
        upper[front[down[front] < middle]] = True
        lower[front[down[front] > middle]] = True
    both = upper & lower
    around = faces[near[faces].any(1)]
    return Lips(upper & ~both, lower & ~both, skin, red, slices, _SLICES * half, around)


def closing(them: Lips, points: Points, rest: Points) -> Points:
    """What to add to a pose (v, 3) of a face at ``rest`` (v, 3) so that the lips meet: (v, 3)."""
    gap, line = _between(them, points)
    known = ~np.isnan(gap)
    if not known.any():
        return np.zeros_like(points)
    height = _between(them, rest)[1]
    first, last = np.flatnonzero(known)[[0, -1]]
    for i in (*range(first), *range(last + 1, len(gap))):
        # The corners: where skin went that was as high as the last slice.
        end = first if i < first else last
        near = them.skin & them.slices[i] & (np.abs(rest[:, 1] - height[end]) < 0.0025)
        line[i] = height[end] + (points[near, 1] - rest[near, 1]).mean() if near.any() else line[end]
    line = (line + line[::-1]) / 2
    wide, x = float(them.places[last]), rest[:, 0]
    apart = np.interp(x, them.places[known], gap[known]) + _PRESSED
    off = points[:, 1] - np.interp(x, them.places[~np.isnan(line)], line[~np.isnan(line)])
    share = np.exp(-((off / _REACH) ** 2)) * (1 - ramp(np.abs(x), wide, wide + 0.003))
    pinched = np.exp(-((off / 0.003) ** 2)) * ramp(np.abs(x), wide - 0.004, wide)
    pinched *= them.skin * ramp(them.red, 0.2, 0.6)
    out = np.zeros_like(points)
    out[:, 1] = share * apart / 2 * (1.0 * them.lower - 1.0 * them.upper) - 0.6 * pinched * off
    return surface.smoothed(out, them.faces, _CALM)


def _between(them: Lips, points: Points) -> tuple[Points, Points]:
    """How far apart lips of a pose (v, 3) are in each slice, and the height midway: (k,), NaN if unknown."""
    gap, line = np.full((2, len(them.slices)), np.nan)
    for i, slice_ in enumerate(them.slices):
        above, below = points[slice_ & them.upper, 1], points[slice_ & them.lower, 1]
        if len(above) and len(below):
            gap[i], line[i] = above.min() - below.max(), (above.min() + below.max()) / 2
    return (gap + gap[::-1]) / 2, (line + line[::-1]) / 2  # faces are even
