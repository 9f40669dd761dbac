"""Gaussians as the camera sees them: who is seen, in order of depth, as ellipses on the picture.

Camera space is OpenGL's (the camera looks along -Z); pixels count from the upper left corner, and the middle
of the first is at 0.5, 0.5. An ellipse is J W Σ Wᵀ Jᵀ + 0.3 · 1 pixels²: the projection to first order,
widened so that nothing is thinner than a pixel, as 3D Gaussian splatting has it, its guard for what lies
outside of the picture included. Needs the extra render.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from voxrig.render.splat.ahead import ask

NEAR = 0.01
"""Metres before the camera from which on Gaussians are drawn."""
BLUR = 0.3
"""Pixels² by which each ellipse is widened."""
POWER = 5.5
"""Where exp(-power) is too little to be drawn: 0.4 %."""
FAINT = 0.001
"""Opacity too little to be drawn, however near the middle of a faint Gaussian."""
_WIDEST = 1e5
"""Pixels from its middle that a Gaussian may reach; what is larger comes of broken numbers."""
FIELDS = 16
"""What is kept of an ellipse: x, y, then a, b, c of power = a dx² + b dx dy + c dy², opacity, red, green,
blue, the power up to which it is drawn, half its height and width, and how far right of its middle its lowest
point is; the rest fills a line of the cache."""
_AHEAD = 12
"""Gaussians ahead for which memory is asked."""


@njit(parallel=True, fastmath={"contract", "reassoc", "arcp"}, cache=True)  # numbers that are none count
def depths(means, covariances, opacities, view, focal, height, width, out):  # type: ignore[no-untyped-def]
    """How far before the camera each Gaussian is; 0 for those that no pixel shows."""
    zero, half = np.float32(0), np.float32(0.5)
    least = np.float32(np.exp(-POWER))
    reach = np.float32(np.sqrt(2 * POWER))
    for i in prange(len(means)):
        out[i] = zero
        if not opacities[i] >= least:
            continue
        x, y, z = means[i, 0], means[i, 1], means[i, 2]
        depth = -(view[2, 0] * x + view[2, 1] * y + view[2, 2] * z + view[2, 3])
        if not depth > np.float32(NEAR):
            continue
        zoom = focal / depth
        px = zoom * (view[0, 0] * x + view[0, 1] * y + view[0, 2] * z + view[0, 3])
        py = zoom * (view[1, 0] * x + view[1, 1] * y + view[1, 2] * z + view[1, 3])
        # No axis is longer than the root of the trace; seen aslant it grows by 1 + tan² at most.
        spread = covariances[i, 0] + covariances[i, 3] + covariances[i, 5]
        aslant = np.float32(1) + (px * px + py * py) / (focal * focal)
        room = reach * np.sqrt(zoom * zoom * spread * aslant + np.float32(BLUR))
        near_by = abs(px) < half * width + room and abs(py) < half * height + room
        if near_by and room < np.float32(_WIDEST):
            out[i] = depth


@njit(fastmath=True, cache=True)
def order(depth, index, key, spare, spare_key):  # type: ignore[no-untyped-def]
    """Fills ``index`` with those whose depth is above 0, nearest first; how many there are.

    A radix sort of the bits of the depth, which for floats above 0 are in the order of their values, so that
    the order is exact however dense Gaussians are; those of one depth stay in their order in memory.
    """
    bits = depth.view(np.uint32)
    count = 0
    low, high = np.uint32(0xFFFFFFFF), np.uint32(0)
    for i in range(len(depth)):
        if depth[i] > np.float32(0):
            index[count] = i
            key[count] = bits[i]
            low, high = min(low, bits[i]), max(high, bits[i])
            count += 1
    span = np.uint32(0) if count == 0 else high - low
    start = np.zeros(4097, np.int32)
    shift = np.uint32(0)
    passes = 0
    while (span >> shift) > np.uint32(0):
        start[:] = 0
        for j in range(count):
            start[(((key[j] - low) >> shift) & np.uint32(4095)) + 1] += 1
        for b in range(4096):
            start[b + 1] += start[b]
        for j in range(count):
            b = ((key[j] - low) >> shift) & np.uint32(4095)
            at = start[b]
            start[b] = at + 1
            spare[at] = index[j]
            spare_key[at] = key[j]
        index, spare = spare, index
        key, spare_key = spare_key, key
        passes += 1
        shift += np.uint32(12)
        if shift > np.uint32(24):
            break
    if passes % 2:
        for j in range(count):
            spare[j] = index[j]
    return count


@njit(parallel=True, fastmath=True, cache=True)
def ellipses(  # type: ignore[no-untyped-def]
    index, count, means, covariances, colours, opacities, view, focal, height, width, out
):
    """The seen Gaussians as ellipses (count, FIELDS), in the order of ``index``."""
    one, half = np.float32(1), np.float32(0.5)
    wide, tall = np.float32(1.3) * half * width / focal, np.float32(1.3) * half * height / focal
    for j in prange(count):
        i = index[j]
        soon = np.int64(index[min(j + _AHEAD, count - 1)])
        ask(means, 3 * soon)
        ask(covariances, 6 * soon)
        ask(covariances, 6 * soon + 5)
        ask(colours, 3 * soon)
        ask(opacities, soon)
        x, y, z = means[i, 0], means[i, 1], means[i, 2]
        depth = -(view[2, 0] * x + view[2, 1] * y + view[2, 2] * z + view[2, 3])
        inverse = one / depth
        u = inverse * (view[0, 0] * x + view[0, 1] * y + view[0, 2] * z + view[0, 3])
        v = inverse * (view[1, 0] * x + view[1, 1] * y + view[1, 2] * z + view[1, 3])
        zoom = focal * inverse
        cu, cv = min(max(u, -wide), wide), min(max(v, -tall), tall)
        # Rows of J W: how a step in the world moves the picture, right and down.
        r0, r1, r2 = (
            zoom * (view[0, 0] + cu * view[2, 0]),
            zoom * (view[0, 1] + cu * view[2, 1]),
            zoom * (view[0, 2] + cu * view[2, 2]),
        )
        d0, d1, d2 = (
            -zoom * (view[1, 0] + cv * view[2, 0]),
            -zoom * (view[1, 1] + cv * view[2, 1]),
            -zoom * (view[1, 2] + cv * view[2, 2]),
        )
        xx, xy, xz = covariances[i, 0], covariances[i, 1], covariances[i, 2]
        yy, yz, zz = covariances[i, 3], covariances[i, 4], covariances[i, 5]
        s0, s1, s2 = (
            xx * r0 + xy * r1 + xz * r2,
            xy * r0 + yy * r1 + yz * r2,
            xz * r0 + yz * r1 + zz * r2,
        )
        least = np.float32(BLUR)
        across = max(r0 * s0 + r1 * s1 + r2 * s2, np.float32(0)) + least
        skew = d0 * s0 + d1 * s1 + d2 * s2
        down = (
            d0 * (xx * d0 + xy * d1 + xz * d2)
            + d1 * (xy * d0 + yy * d1 + yz * d2)
            + d2 * (xz * d0 + yz * d1 + zz * d2)
        )
        down = max(down, np.float32(0)) + least
        det = max(across * down - skew * skew, least * least)
        power = min(np.float32(POWER), np.log(opacities[i] / np.float32(FAINT)))
        out[j, 0] = half * width + focal * u
        out[j, 1] = half * height - focal * v
        out[j, 2] = half * down / det
        out[j, 3] = -skew / det
        out[j, 4] = half * across / det
        out[j, 5] = opacities[i]
        out[j, 6], out[j, 7], out[j, 8] = colours[i, 0], colours[i, 1], colours[i, 2]
        out[j, 9] = power
        out[j, 10] = np.sqrt(np.float32(2) * power * down)
        out[j, 11] = np.sqrt(np.float32(2) * power * across)
        out[j, 12] = skew / down * out[j, 10]
