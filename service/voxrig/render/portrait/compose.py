"""Kernels that draw a bent photo: skin, what is behind the head, and the inside of the mouth."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_R, _G, _B, _A = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3)


@njit(fastmath=True, cache=True)
def _rise(low, high, x):  # type: ignore[no-untyped-def]
    """0 below low, 1 above high, smooth between."""
    t = min(max((x - low) / (high - low), np.float32(0)), np.float32(1))
    return t * t * (np.float32(3) - np.float32(2) * t)


@njit(fastmath=True, cache=True)
def _inner(t):  # type: ignore[no-untyped-def]
    """The weight of the nearer two of four samples, ``t`` away."""
    return np.float32(1) + t * t * (np.float32(1.5) * t - np.float32(2.5))


@njit(fastmath=True, cache=True)
def _outer(t):  # type: ignore[no-untyped-def]
    """The weight of the farther two of four samples, 2 - ``t`` away."""
    return np.float32(-0.5) * t * t * (np.float32(1) - t)


@njit(fastmath=True, cache=True)
def _inside(x, y, under, above, across, rows, places, tints):  # type: ignore[no-untyped-def]
    """The colour of the mouth's inside at a pixel.

    under and above: how far it is from the upper and the lower lip's edge, in half mouths; across: -1 … 1.
    """
    zero, one = np.float32(0), np.float32(1)
    height, width = rows.shape[1], rows.shape[2]
    side = one - across * across
    near = min(under, above)
    deep = np.float32(0.35) + np.float32(0.65) * (one - _rise(zero, np.float32(0.5), near))
    red, green, blue = tints[0, 0] * deep, tints[0, 1] * deep, tints[0, 2] * deep
    # light falls in from the front: less of it under the upper lip, near the corners and in narrow gaps
    wide = under + above
    light = np.float32(0.6) + np.float32(0.4) * _rise(np.float32(-0.02), np.float32(0.14), under)
    light *= np.float32(0.35) + np.float32(0.65) * _rise(zero, np.float32(0.65), side)
    light *= np.float32(0.72) + np.float32(0.28) * _rise(zero, np.float32(0.3), wide)
    jx = places[1, 0] * x + places[1, 1] * y + places[1, 2]
    jy = places[1, 3] * x + places[1, 4] * y + places[1, 5]
    out = places[2, 4]
    for layer in range(4):
        if layer == 0 or layer == 2:  # the tongue, behind the lower teeth or, when out, before them
            if (layer == 0) == (out > np.float32(0.15)):
                continue
            u, v = (jx - places[2, 0]) / places[2, 2], (jy - places[2, 1]) / places[2, 3]
            far = u * u + v * v
            cover = one - _rise(np.float32(0.82), np.float32(1.05), far)
            if cover <= zero:
                continue
            round_ = np.sqrt(max(one - np.float32(0.9) * far, np.float32(0.05)))
            groove = one - np.float32(0.14) * np.exp(-u * u * np.float32(60))
            lit = (np.float32(0.35) + np.float32(0.6) * round_) * groove
            lit *= np.float32(0.25) + np.float32(0.75) * light + np.float32(0.2) * out
            lit *= np.float32(0.55) + np.float32(0.45) * _rise(np.float32(-1), np.float32(0.2), v + out)
            red += cover * (tints[1, 0] * lit - red)
            green += cover * (tints[1, 1] * lit - green)
            blue += cover * (tints[1, 2] * lit - blue)
            continue
        row = 1 if layer == 1 else 0
        mx, my = jx, jy
        if row == 0:
            mx = places[0, 0] * x + places[0, 1] * y + places[0, 2]
            my = places[0, 3] * x + places[0, 4] * y + places[0, 5]
        px = mx * places[3, 0] + width * np.float32(0.5) - np.float32(0.5)
        py = my * places[3, 0] + height * np.float32(0.5) - np.float32(0.5)
        if px < zero or py < zero or px >= width - 1 or py >= height - 1:
            continue
        i, j = int(px), int(py)
        fx, fy = px - i, py - j
        c00, c01, c10, c11 = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
        alpha = c00 * rows[row, j, i, 3] + c01 * rows[row, j, i + 1, 3]
        alpha += c10 * rows[row, j + 1, i, 3] + c11 * rows[row, j + 1, i + 1, 3]
        if alpha <= zero:
            continue
        lit = light if row == 0 else light * np.float32(0.85)
        for c in range(3):
            value = c00 * rows[row, j, i, c] + c01 * rows[row, j, i + 1, c]
            value += c10 * rows[row, j + 1, i, c] + c11 * rows[row, j + 1, i + 1, c]
            if c == 0:
                red = red * (one - alpha) + value * lit
            elif c == 1:
                green = green * (one - alpha) + value * lit
            else:
                blue = blue * (one - alpha) + value * lit
    # lips are thick: their wet inner side shows at the edge
    wet = (one - _rise(zero, np.float32(0.085), above)) * np.float32(0.9)
    wet = max(wet, (one - _rise(zero, np.float32(0.045), under)) * np.float32(0.7))
    shade = np.float32(0.45) + np.float32(0.45) * _rise(np.float32(0.02), np.float32(0.5), side)
    red += wet * (tints[2, 0] * shade - red)
    green += wet * (tints[2, 1] * shade - green)
    blue += wet * (tints[2, 2] * shade - blue)
    return red, green, blue


@njit(fastmath=True, cache=True)
def _skin(photo, x, y):  # type: ignore[no-untyped-def]
    """The photo (h, w, 4) at a place, by Catmull and Rom's cubic, which keeps it sharp while it moves."""
    zero, one = np.float32(0), np.float32(1)
    height, width = photo.shape[:2]
    px = min(max(x - np.float32(0.5), zero), np.float32(width - 1.001))
    py = min(max(y - np.float32(0.5), zero), np.float32(height - 1.001))
    i, j = int(px), int(py)
    fx, fy = px - i, py - j
    x0, x1, x2, x3 = _outer(one - fx), _inner(fx), _inner(one - fx), _outer(fx)
    # unsigned indices spare the test for negative ones, and with it half the time
    k0, k1 = np.uint64(max(i - 1, 0)), np.uint64(i)
    k2, k3 = np.uint64(i + 1), np.uint64(min(i + 2, width - 1))
    red = green = blue = alpha = zero
    for t in range(4):
        row = np.uint64(min(max(j + t - 1, 0), height - 1))
        if t == 0:
            w = _outer(one - fy)
        elif t == 1:
            w = _inner(fy)
        elif t == 2:
            w = _inner(one - fy)
        else:
            w = _outer(fy)
        line = photo[row]
        w0, w1, w2, w3 = w * x0, w * x1, w * x2, w * x3
        red += w0 * line[k0, _R] + w1 * line[k1, _R] + w2 * line[k2, _R] + w3 * line[k3, _R]
        green += w0 * line[k0, _G] + w1 * line[k1, _G] + w2 * line[k2, _G] + w3 * line[k3, _G]
        blue += w0 * line[k0, _B] + w1 * line[k1, _B] + w2 * line[k2, _B] + w3 * line[k3, _B]
        alpha += w0 * line[k0, _A] + w1 * line[k1, _A] + w2 * line[k2, _A] + w3 * line[k3, _A]
    return red, green, blue, alpha


@njit(fastmath=True, cache=True)
def _below(x, y, edge, mouth):  # type: ignore[no-untyped-def]
    """How far a place is below a lip's edge (m,), pixels, and across the mouth, -1 … 1 within it."""
    m = len(edge)
    across = ((x - mouth[0]) * mouth[2] + (y - mouth[1]) * mouth[3]) / mouth[4]
    at = (across + np.float32(1)) * np.float32((m - 1) * 0.5)
    at = min(max(at, np.float32(0)), np.float32(m - 1.001))
    k = int(at)
    line = edge[k] + (edge[k + 1] - edge[k]) * (at - k)
    return (y - mouth[1]) * mouth[2] - (x - mouth[0]) * mouth[3] - line, across


@njit(fastmath=True, cache=True)
def _kind(source, j, i, step, upper, lower, mouth):  # type: ignore[no-untyped-def]
    """Of a cell: 0 nothing moves there, 1 it is of the upper field alone, 2 of the lower, 3 at the mouth."""
    still = above = below = True
    near = mouth[4] * np.float32(0.3) + 3
    for corner in range(4):
        b, a = j + corner // 2, i + corner % 2
        ux, uy = source[0, b, a, 0], source[0, b, a, 1]
        lx, ly = source[1, b, a, 0], source[1, b, a, 1]
        if max(abs(ux - a * step), abs(uy - b * step)) > np.float32(2e-3):
            still = False
        if max(abs(lx - a * step), abs(ly - b * step)) > np.float32(2e-3):
            still = False
        high, _ = _below(ux, uy, upper, mouth)
        low, _ = _below(lx, ly, lower, mouth)
        if high > -near:
            above = False
        if low < near or high < near:
            below = False
    if still and (above or below):
        return 0
    return 1 if above else 2 if below else 3


@njit(parallel=True, fastmath=True, cache=True)
def composed(source, step, photo, behind, upper, lower, mouth, rows, places, tints, out):  # type: ignore[no-untyped-def]
    """The picture (h, w, 3).

    photo (h, w, 4): colour times alpha, and alpha; behind (h, w, 3); upper and lower (m,): the lips' inner
    edges; mouth (6,): their middle, direction, half width and sharpness; rows, places and tints are of Mouth.
    """
    height, width = out.shape[:2]
    n = source.shape[1]
    zero, one, half, top = np.float32(0), np.float32(1), np.float32(0.5), np.float32(255)
    inverse = one / step
    for row in prange(n - 1):
        b = np.int64(row)
        for a in range(n - 1):
            kind = _kind(source, b, a, step, upper, lower, mouth)
            side = 1 if kind == 2 else 0
            for y in range(int(np.ceil(b * step - half)), min(int(np.ceil((b + 1) * step - half)), height)):
                fv = (y + half) * inverse - b
                for x in range(
                    int(np.ceil(a * step - half)), min(int(np.ceil((a + 1) * step - half)), width)
                ):
                    total = one
                    if kind == 0:
                        red, green, blue, alpha = (
                            photo[y, x, 0],
                            photo[y, x, 1],
                            photo[y, x, 2],
                            photo[y, x, 3],
                        )
                    else:
                        fu = (x + half) * inverse - a
                        w00, w01, w10, w11 = (
                            (one - fu) * (one - fv),
                            fu * (one - fv),
                            (one - fu) * fv,
                            fu * fv,
                        )
                        sx = w00 * source[side, b, a, 0] + w01 * source[side, b, a + 1, 0]
                        sx += w10 * source[side, b + 1, a, 0] + w11 * source[side, b + 1, a + 1, 0]
                        sy = w00 * source[side, b, a, 1] + w01 * source[side, b, a + 1, 1]
                        sy += w10 * source[side, b + 1, a, 1] + w11 * source[side, b + 1, a + 1, 1]
                        if kind < 3:
                            red, green, blue, alpha = _skin(photo, sx, sy)
                        else:
                            lx = w00 * source[1, b, a, 0] + w01 * source[1, b, a + 1, 0]
                            lx += w10 * source[1, b + 1, a, 0] + w11 * source[1, b + 1, a + 1, 0]
                            ly = w00 * source[1, b, a, 1] + w01 * source[1, b, a + 1, 1]
                            ly += w10 * source[1, b + 1, a, 1] + w11 * source[1, b + 1, a + 1, 1]
                            under, across = _below(sx, sy, upper, mouth)
                            over, _ = _below(lx, ly, lower, mouth)
                            u = min(max(half - under * mouth[5], zero), one)
                            v = min(max(half + over * mouth[5], zero), one)
                            total = u + v
                            if total < np.float32(1e-3) and abs(across) > one:
                                u = total = one
                            if total > one or abs(across) > one:
                                u, v = u / total, v / total
                                total = one
                            red = green = blue = alpha = zero
                            if u > zero:
                                r, g, t, o = _skin(photo, sx, sy)
                                red, green, blue, alpha = u * r, u * g, u * t, u * o
                            if v > zero:
                                r, g, t, o = _skin(photo, lx, ly)
                                red, green, blue, alpha = (
                                    red + v * r,
                                    green + v * g,
                                    blue + v * t,
                                    alpha + v * o,
                                )
                            if total < one:
                                px, py = x + half, y + half
                                high, low = under / mouth[4], -over / mouth[4]
                                r, g, t = _inside(px, py, high, low, across, rows, places, tints)
                                rest = one - total
                                red, green, blue = red + rest * r, green + rest * g, blue + rest * t
                    rest = total - alpha
                    red += rest * behind[y, x, 0]
                    green += rest * behind[y, x, 1]
                    blue += rest * behind[y, x, 2]
                    out[y, x, 0] = np.uint8(min(max(red + half, zero), top))
                    out[y, x, 1] = np.uint8(min(max(green + half, zero), top))
                    out[y, x, 2] = np.uint8(min(max(blue + half, zero), top))
