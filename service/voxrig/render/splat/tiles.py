"""Ellipses to pixels, tile by tile, nearest first. Needs the extra render.

An ellipse lays its colour with alpha = min(0.99, opacity · exp(-power)) under those before it, where power =
a dx² + b dx dy + c dy² from its middle; beyond its last power nothing. A pixel through which less than 0.5 %
shines is done. Colours are blended as seen (sRGB), as 3D Gaussian splatting does.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from voxrig.render.splat.ahead import ask
from voxrig.render.splat.project import FIELDS

SIDE = 16
"""Pixels of a tile's sides: two of the CPU's vectors of eight, or one of sixteen."""
DONE = 0.005
"""What shines through a pixel that is done."""
AHEAD = 6
"""Ellipses ahead for which memory is asked."""
_LOOK = 7
"""A tile looks which of its rows are done after each eighth ellipse."""


@njit(fastmath=True, cache=True, inline="always")
def _touched(ellipses, j, row, columns):  # type: ignore[no-untyped-def]
    """First and one after the last tile of a row of tiles that has the middle of a pixel within ellipse j."""
    side, half, zero = np.float32(SIDE), np.float32(0.5), np.float32(0)
    x, y, a, b, c = ellipses[j, 0], ellipses[j, 1], ellipses[j, 2], ellipses[j, 3], ellipses[j, 4]
    power, tall = ellipses[j, 9], ellipses[j, 10]
    # The band from the first to the last line of pixels, seen from the middle of the ellipse.
    low = max(np.float32(row) * side + half - y, -tall)
    high = min(np.float32(row) * side + side - half - y, tall)
    if low > high:
        return 0, 0
    slope, squeeze = -b / (a + a), c - b * b / (np.float32(4) * a)
    # It reaches farthest to the right at dy = turn, to the left at -turn, or where the band ends before that.
    turn = -b * tall / (np.float32(2) * np.sqrt(a * c))
    dy = min(max(turn, low), high)
    last = np.floor(x + slope * dy + np.sqrt(max(power - squeeze * dy * dy, zero) / a) - half)
    dy = min(max(-turn, low), high)
    first = np.ceil(x + slope * dy - np.sqrt(max(power - squeeze * dy * dy, zero) / a) - half)
    first, last = max(first, zero), min(last, np.float32(columns) * side - np.float32(1))
    if last < first:
        return 0, 0
    return int(first) // SIDE, int(last) // SIDE + 1


@njit(parallel=True, fastmath=True, cache=True)
def count(ellipses, number, columns, rows, counts, many, touched):  # type: ignore[no-untyped-def]
    """How many ellipses of each chunk touch each tile: counts (chunks, tiles).

    many: (n,) tiles that each touches. touched: (chunks, room) which these are, one ellipse's after another;
    where there is no room they are left out, but counted.
    """
    chunks, room = touched.shape
    for k in prange(chunks):
        for t in range(columns * rows):
            counts[k, t] = 0
        at = 0
        for j in range(k * number // chunks, (k + 1) * number // chunks):
            up, down = ellipses[j, 1] - ellipses[j, 10], ellipses[j, 1] + ellipses[j, 10]
            first = max(int(np.floor(up)), 0) // SIDE
            last = min(int(np.floor(down)), rows * SIDE - 1) // SIDE
            before = at
            for r in range(first, last + 1):
                left, right = _touched(ellipses, j, r, columns)
                for t in range(r * columns + left, r * columns + right):
                    counts[k, t] += 1
                    if at < room:
                        touched[k, at] = t
                    at += 1
            many[j] = at - before


@njit(cache=True)
def starts(counts, tiles, start):  # type: ignore[no-untyped-def]
    """Where each tile's list starts; the length of all. ``counts`` becomes where each chunk's part does."""
    at = 0
    for t in range(tiles):
        start[t] = at
        for k in range(len(counts)):
            here = counts[k, t]
            counts[k, t] = at
            at += here
    start[tiles] = at
    return at


@njit(parallel=True, fastmath=True, cache=True)
def fill(number, counts, many, touched, lists):  # type: ignore[no-untyped-def]
    """Writes each tile's list, nearest first. ``counts`` is as ``starts`` leaves it, and used up."""
    chunks = len(counts)
    for k in prange(chunks):
        at = 0
        for j in range(k * number // chunks, (k + 1) * number // chunks):
            for _ in range(many[j]):
                t = touched[k, at]
                at += 1
                lists[counts[k, t]] = j
                counts[k, t] += 1


@njit(parallel=True, fastmath=True, cache=True, error_model="numpy")
def blend(ellipses, start, lists, columns, rows, ground, scratch, out):  # type: ignore[no-untyped-def]
    """Draws all tiles over ``ground`` (h, w, 3) 0..1 into out (h, w, 3), or into (h, w, 4), straight alpha.

    scratch: (chunks, 1024), of a tile what still shines through and red, green and blue so far. ``lists``
    goes on for AHEAD numbers after the last list. Chunks take tiles in turn: each has some of the face.
    """
    chunks, tiles = len(scratch), columns * rows
    one, half, zero = np.float32(1), np.float32(0.5), np.float32(0)
    fifteen, full = np.float32(SIDE - 1), np.uint32(2**SIDE - 1)
    for k in prange(chunks):
        light = scratch[k]
        for t in range(k, tiles, chunks):
            top, left = (t // columns) * SIDE, (t % columns) * SIDE
            for q in range(256):
                light[q] = one
            for q in range(256, 1024):
                light[q] = zero
            done = np.uint32(0)
            up, aside = np.float32(top) + half, np.float32(left) + half
            for n in range(start[t], start[t + 1]):
                j = lists[n]
                ask(ellipses, np.int64(lists[n + AHEAD]) * FIELDS)
                x0, y0 = aside - ellipses[j, 0], ellipses[j, 1] - up
                a, b, c, opacity = ellipses[j, 2], ellipses[j, 3], ellipses[j, 4], ellipses[j, 5]
                red, green, blue = ellipses[j, 6], ellipses[j, 7], ellipses[j, 8]
                power, wide, turn = ellipses[j, 9], ellipses[j, 11], ellipses[j, 12]
                cut = -power
                # The rows in which it reaches into the tile, as _touched has it for columns.
                near, far = max(x0, -wide), min(x0 + fifteen, wide)
                tilt, squeeze, flat = -b / (c + c), a - b * b / (np.float32(4) * c), one / c
                dx = min(max(turn, near), far)
                low = y0 + tilt * dx + np.sqrt(max(power - squeeze * dx * dx, zero) * flat)
                dx = min(max(-turn, near), far)
                high = y0 + tilt * dx - np.sqrt(max(power - squeeze * dx * dx, zero) * flat)
                first, last = int(max(np.ceil(high), zero)), int(min(np.floor(low), fifteen))
                for y in range(first, last + 1):
                    if (done >> np.uint32(y)) & np.uint32(1):
                        continue
                    dy = np.float32(y) - y0
                    p0, p1 = -c * dy * dy, -b * dy
                    at = np.uint64(y * SIDE)
                    for x in range(np.uint64(SIDE)):
                        dx = x0 + np.float32(x)
                        p = p0 + (p1 - a * dx) * dx
                        # exp(p) to 5e-5: a cubic of p / 8 to the power of eight
                        g = np.float32(0.00768050649) + p * np.float32(0.00025861901)
                        g = np.float32(0.999994808) + p * (np.float32(0.124927553) + p * g)
                        g *= g
                        g *= g
                        g *= g
                        alpha = min(opacity * g, np.float32(0.99))
                        alpha = alpha if p >= cut else zero
                        w = alpha * light[at + x]
                        light[at + x] -= w
                        light[at + x + np.uint64(256)] += w * red
                        light[at + x + np.uint64(512)] += w * green
                        light[at + x + np.uint64(768)] += w * blue
                if (n & _LOOK) == _LOOK:
                    done = np.uint32(0)
                    for y in range(SIDE):
                        most = zero
                        for x in range(np.uint64(SIDE)):
                            most = max(most, light[np.uint64(y * SIDE) + x])
                        if most < np.float32(DONE):
                            done |= np.uint32(1) << np.uint32(y)
                    if done == full:
                        break
            _paint(light, top, left, ground, out)


@njit(fastmath=True, cache=True)
def _paint(light, top, left, ground, out):  # type: ignore[no-untyped-def]
    """A finished tile as bytes."""
    one, half, most = np.float32(1), np.float32(0.5), np.float32(255)
    for y in range(min(SIDE, out.shape[0] - top)):
        for x in range(min(SIDE, out.shape[1] - left)):
            q = y * SIDE + x
            rest = light[q]
            if out.shape[2] == 4:
                cover = one - rest
                out[top + y, left + x, 3] = np.uint8(cover * most + half)
                scale = most / max(cover, np.float32(1e-6))
                for i in range(3):
                    value = light[q + 256 * (i + 1)] * scale
                    out[top + y, left + x, i] = np.uint8(min(max(value, np.float32(0)), most) + half)
            else:
                for i in range(3):
                    value = (light[q + 256 * (i + 1)] + rest * ground[top + y, left + x, i]) * most
                    out[top + y, left + x, i] = np.uint8(min(max(value, np.float32(0)), most) + half)
