"""From lit vertices to the pixels of a picture, band by band: what is seen, then its colours. Needs numba."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from voxrig.render.shading import EYES, HAIR, SKIN, STEPS, UNLIT
from voxrig.render.visibility import see


@njit(fastmath=True, cache=True, inline="always")
def _texel(colours, base, tall, wide, u, v):  # type: ignore[no-untyped-def]
    """A picture between four texels, at u and v of its size: red, green, blue 0..65535."""
    real = np.float32
    x, y = u * np.float32(wide) - np.float32(0.5), v * np.float32(tall) - np.float32(0.5)
    fx, fy = np.floor(x), np.floor(y)
    x0, y0 = np.int64(fx), np.int64(fy)
    x -= fx
    y -= fy
    right, low = wide - 1, tall - 1  # sides are powers of two, so these wrap around
    x1, y1 = (x0 + 1) & right, (y0 + 1) & low
    x0, y0 = x0 & right, y0 & low
    upper, under = base + y0 * wide, base + y1 * wide
    a, b = np.uint64(upper + x0), np.uint64(upper + x1)
    c, d = np.uint64(under + x0), np.uint64(under + x1)
    one = np.float32(1)
    wd = x * y
    wb, wc = x - wd, y - wd
    wa = one - x - wc
    red = wa * real(colours[a, 0]) + wb * real(colours[b, 0])
    red += wc * real(colours[c, 0]) + wd * real(colours[d, 0])
    green = wa * real(colours[a, 1]) + wb * real(colours[b, 1])
    green += wc * real(colours[c, 1]) + wd * real(colours[d, 1])
    blue = wa * real(colours[a, 2]) + wb * real(colours[b, 2])
    blue += wc * real(colours[c, 2]) + wd * real(colours[d, 2])
    return red, green, blue


@njit(fastmath=True, cache=True, inline="always")
def _pixel(  # type: ignore[no-untyped-def]
    t, x, y, faces, lit, material, kind, colours, levels, counts, rays, shown
):
    """Colour of triangle t at a place of the screen: sRGB."""
    one, zero = np.float32(1), np.float32(0)
    t = np.uint64(t)
    a, b, c = np.uint64(faces[t, 0]), np.uint64(faces[t, 1]), np.uint64(faces[t, 2])
    ax, ay = lit[a, 12], lit[a, 13]
    bx, by, cx, cy = lit[b, 12] - ax, lit[b, 13] - ay, lit[c, 12] - ax, lit[c, 13] - ay
    x, y = x - ax, y - ay
    inverse = one / (bx * cy - by * cx)
    q = min(max((x * cy - y * cx) * inverse, zero), one)
    r = min(max((y * bx - x * by) * inverse, zero), one - q)
    # From shares on the screen to shares on the surface.
    p = (one - q - r) * lit[a, 14]
    q *= lit[b, 14]
    r *= lit[c, 14]
    whole = one / (p + q + r)
    p *= whole
    q *= whole
    r *= whole
    m = np.uint64(material[t])
    k = kind[m]
    u = p * lit[a, 8] + q * lit[b, 8] + r * lit[c, 8]
    v = p * lit[a, 9] + q * lit[b, 9] + r * lit[c, 9]
    level = min(max(p * lit[a, 7] + q * lit[b, 7] + r * lit[c, 7], zero), np.float32(counts[m] - 1))
    whole = np.floor(level)
    part = level - whole
    low = np.uint64(np.int64(whole))
    red, green, blue = _texel(colours, levels[m, low, 0], levels[m, low, 1], levels[m, low, 2], u, v)
    if part > np.float32(0.03) and k != HAIR:  # strands are too fine for the difference to show
        low += np.uint64(1)
        r1, g1, b1 = _texel(colours, levels[m, low, 0], levels[m, low, 1], levels[m, low, 2], u, v)
        red += (r1 - red) * part
        green += (g1 - green) * part
        blue += (b1 - blue) * part
    whole = np.float32(1 / 65535)
    red *= whole
    green *= whole
    blue *= whole
    shine = p * lit[a, 3] + q * lit[b, 3] + r * lit[c, 3]
    bright = p * lit[a, 10] + q * lit[b, 10] + r * lit[c, 10]
    tint_r = tint_g = tint_b = one
    if k == HAIR:  # a highlight has half of the hair's own colour
        bright += shine
        whole = np.float32(0.5) / (red + green + blue + np.float32(0.01))
        tint_r, tint_g, tint_b = (
            np.float32(0.15) + np.float32(3) * red + red * whole,
            np.float32(0.15) + np.float32(3) * green + green * whole,
            np.float32(0.15) + np.float32(3) * blue + blue * whole,
        )
    elif k == EYES:
        nx = p * lit[a, 4] + q * lit[b, 4] + r * lit[c, 4]
        ny = p * lit[a, 5] + q * lit[b, 5] + r * lit[c, 5]
        nz = p * lit[a, 6] + q * lit[b, 6] + r * lit[c, 6]
        h = (nx * rays[0] + ny * rays[1] + nz * rays[2]) / np.sqrt(nx * nx + ny * ny + nz * nz)
        # A round lamp mirrored in the wet: a small disc with a soft rim.
        glint = min(max((h - np.float32(0.990)) * np.float32(250), zero), one)
        bright += shine * glint * np.float32(0.9)
    if k == SKIN:  # brows and stubble shine less
        bright *= min(np.float32(0.3) + np.float32(4) * green, one)
    red = red * (p * lit[a, 0] + q * lit[b, 0] + r * lit[c, 0]) + bright * tint_r
    green = green * (p * lit[a, 1] + q * lit[b, 1] + r * lit[c, 1]) + bright * tint_g
    blue = blue * (p * lit[a, 2] + q * lit[b, 2] + r * lit[c, 2]) + bright * tint_b
    way = np.uint64(1 if k == UNLIT else 0)
    steps = np.float32(STEPS / 2)
    last = np.float32(STEPS - 1)
    return (
        np.int64(shown[way, np.uint64(np.int64(min(max(red * steps, zero), last)))]),
        np.int64(shown[way, np.uint64(np.int64(min(max(green * steps, zero), last)))]),
        np.int64(shown[way, np.uint64(np.int64(min(max(blue * steps, zero), last)))]),
    )


# What is called for each pixel is inlined before types are known: that halves the time of a frame.
@njit(parallel=True, fastmath=True, cache=True)
def draw(  # type: ignore[no-untyped-def]
    sight,
    faces,
    lit,
    material,
    kind,
    colours,
    levels,
    counts,
    rays,
    shown,
    behind,
    each,
    nears,
    triangles,
    out,
):
    """Fills the picture (h, w, 3 or 4); ``each`` × ``each`` samples make a pixel. Each thread has one of
    ``nears`` and ``triangles`` (threads, BAND, w * each), and draws bands all over the picture."""
    threads, rows = nears.shape[:2]
    count = (len(out) * each + rows - 1) // rows
    for thread in prange(threads):
        near, triangle = nears[thread], triangles[thread]
        for band in range(thread, count, threads):
            see(sight, band, near, triangle)
            _shade(
                band * (rows // each), each, near, triangle, faces, lit, material, kind, colours, levels,
                counts, rays, shown, behind, out,
            )  # fmt: skip


@njit(fastmath=True, cache=True, inline="always")
def _shade(  # type: ignore[no-untyped-def]
    first, each, near, triangle, faces, lit, material, kind, colours, levels, counts, rays, shown, behind, out
):
    """Fills the rows of a band, which begins at row ``first`` of the picture."""
    height, width, parts = out.shape
    half = np.float32(0.5)
    which, weight = np.zeros(4, np.int32), np.zeros(4, np.int32)
    xs, ys = np.zeros(4, np.float32), np.zeros(4, np.float32)
    down = np.float32(first * each)
    for y in range(first, min(first + len(near) // each, height)):
        for x in range(width):
            if each == 1:
                which[0], weight[0] = triangle[y - first, x], 4
                xs[0], ys[0] = np.float32(x) + half, np.float32(y) + half
                count = 0 if which[0] < 0 else 1
            else:
                count = _groups(triangle, near, material, y - first, x, down, which, weight, xs, ys)
            if count == 0:
                for c in range(parts):
                    out[y, x, c] = 0 if parts == 4 else behind[y, x, c]
                continue
            red = green = blue = total = 0
            for k in range(count):
                r, g, b = _pixel(
                    which[k], xs[k], ys[k], faces, lit, material, kind, colours, levels, counts, rays, shown
                )
                red += r * weight[k]
                green += g * weight[k]
                blue += b * weight[k]
                total += weight[k]
            if parts == 4:
                out[y, x, 0], out[y, x, 1] = red // total, green // total
                out[y, x, 2], out[y, x, 3] = blue // total, total * 255 // 4
            else:
                left = 4 - total
                out[y, x, 0] = (red + left * behind[y, x, 0] + 2) // 4
                out[y, x, 1] = (green + left * behind[y, x, 1] + 2) // 4
                out[y, x, 2] = (blue + left * behind[y, x, 2] + 2) // 4


@njit(fastmath=True, cache=True, inline="always")
def _groups(triangle, near, material, y, x, down, which, weight, xs, ys):  # type: ignore[no-untyped-def]
    """What to shade for the four samples of a pixel of a band that begins ``down`` rows below the top:
    triangles, where and for how many; how many of these."""
    half = np.float32(0.5)
    y2, x2 = np.uint64(2 * y), np.uint64(2 * x)
    y3, x3 = y2 + np.uint64(1), x2 + np.uint64(1)
    left, top = np.float32(2 * x) + half, np.float32(2 * y) + down + half
    a, b, c, d = triangle[y2, x2], triangle[y2, x3], triangle[y3, x2], triangle[y3, x3]
    if (a & b & c & d) == -1:
        return 0
    if a == b and a == c and a == d:
        which[0], weight[0] = a, 4
        xs[0], ys[0] = left + half, top + half
        return 1
    if (a | b | c | d) >= 0:
        m = material[a]
        if material[b] == m and material[c] == m and material[d] == m:
            za, zb, zc, zd = near[y2, x2], near[y2, x3], near[y3, x2], near[y3, x3]
            high, low = max(max(za, zb), max(zc, zd)), min(min(za, zb), min(zc, zd))
            if high - low < np.float32(0.01) * high:
                which[0], weight[0] = a, 4
                xs[0], ys[0] = left + half, top + half
                return 1
    count = 0
    for k in range(4):
        t = a if k == 0 else c if k == 1 else b if k == 2 else d  # strands fill columns
        if t < 0:
            continue
        px, py = left + np.float32(k >> 1), top + np.float32(k & 1)
        if count > 0 and which[count - 1] == t:  # in their middle
            w = np.float32(weight[count - 1])
            xs[count - 1] = (xs[count - 1] * w + px) / (w + np.float32(1))
            ys[count - 1] = (ys[count - 1] * w + py) / (w + np.float32(1))
            weight[count - 1] += 1
            continue
        which[count], weight[count], xs[count], ys[count] = t, 1, px, py
        count += 1
    return count
