"""Kernels of the differentiable rasteriser: Gaussians to pixels, and gradients back. Needs the extra render.

Letters: n Gaussians, t tiles of 16 × 16 pixels, p pairs of a Gaussian and a tile that it touches.

A pixel meets the Gaussians of its tile from the nearest to the farthest. With d the way from a Gaussian's
middle to the pixel's middle and S its spread in square pixels (0.3 is added to its diagonal, as 3D Gaussian
splatting does, so that none falls between pixels):

    power  = -½ dᵀ S⁻¹ d        nothing under -5.5
    alpha  = min(0.99, opacity × exp(power))
    colour += light × alpha × colour of the Gaussian;  light *= 1 - alpha

until less than 0.005 of the light is left. The way back goes through the same list in the same order: what
lies behind a Gaussian is the whole minus what lies before it.

No two threads add to one number, so that gradients are the same however many threads there are: each pair
has a row of its own, and the rows of one Gaussian are added up in order.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

TILE = 16
FLAT = 9
"""What is kept of a Gaussian on the picture: x, y, inverse spread xx xy yy, opacity, red, green, blue."""
BLUR = np.float32(0.3)
FAINTEST = np.float32(-5.5)
DARKEST = np.float32(0.005)
OPAQUE = np.float32(0.99)
NEAREST = np.float32(0.01)
"""Metres before the camera, within which nothing is drawn."""


@njit(inline="always")
def _exp(p):  # type: ignore[no-untyped-def]
    """Within 1e-4 of exp(p) for p from -5.5 to 0, in operations that vectorise."""
    s = p * np.float32(1 / 16)
    e = np.float32(1) + s * (np.float32(1) + s * (np.float32(0.5) + s * np.float32(1 / 6)))
    e *= e
    e *= e
    e *= e
    e *= e
    return e


@njit(parallel=True, fastmath=True, cache=True)
def flatten(means, covariances, colours, opacities, view, focal, h, w, flat, depth, box):  # type: ignore[no-untyped-def]
    """Gaussians on the picture; ``box`` (n, 4) gets the tiles that each touches: x, beyond x, y, beyond y."""
    f = np.float32(focal)
    across, down = (w + TILE - 1) // TILE, (h + TILE - 1) // TILE
    for i in prange(len(means)):
        mx, my, mz = means[i, 0], means[i, 1], means[i, 2]
        x = view[0, 0] * mx + view[0, 1] * my + view[0, 2] * mz + view[0, 3]
        y = view[1, 0] * mx + view[1, 1] * my + view[1, 2] * mz + view[1, 3]
        z = -(view[2, 0] * mx + view[2, 1] * my + view[2, 2] * mz + view[2, 3])
        depth[i] = z
        box[i, 0] = box[i, 1] = box[i, 2] = box[i, 3] = 0
        if z < NEAREST or opacities[i] <= 0:
            continue
        j = f / z
        k = j / z
        # Rows of the projection's slope times the camera's turn.
        a0 = j * view[0, 0] + k * x * view[2, 0]
        a1 = j * view[0, 1] + k * x * view[2, 1]
        a2 = j * view[0, 2] + k * x * view[2, 2]
        b0 = -j * view[1, 0] - k * y * view[2, 0]
        b1 = -j * view[1, 1] - k * y * view[2, 1]
        b2 = -j * view[1, 2] - k * y * view[2, 2]
        xx, xy, xz = covariances[i, 0], covariances[i, 1], covariances[i, 2]
        yy, yz, zz = covariances[i, 3], covariances[i, 4], covariances[i, 5]
        c0, c1, c2 = xx * a0 + xy * a1 + xz * a2, xy * a0 + yy * a1 + yz * a2, xz * a0 + yz * a1 + zz * a2
        d0, d1, d2 = xx * b0 + xy * b1 + xz * b2, xy * b0 + yy * b1 + yz * b2, xz * b0 + yz * b1 + zz * b2
        s00 = a0 * c0 + a1 * c1 + a2 * c2 + BLUR
        s01 = b0 * c0 + b1 * c1 + b2 * c2
        s11 = b0 * d0 + b1 * d1 + b2 * d2 + BLUR
        whole = np.float32(1) / (s00 * s11 - s01 * s01)
        u = np.float32(w) * np.float32(0.5) + j * x
        v = np.float32(h) * np.float32(0.5) - j * y
        flat[i, 0], flat[i, 1] = u, v
        flat[i, 2], flat[i, 3], flat[i, 4] = s11 * whole, -s01 * whole, s00 * whole
        flat[i, 5] = opacities[i]
        flat[i, 6], flat[i, 7], flat[i, 8] = colours[i, 0], colours[i, 1], colours[i, 2]
        wide, tall = np.sqrt(np.float32(-2) * FAINTEST * s00), np.sqrt(np.float32(-2) * FAINTEST * s11)
        if u + wide < 0 or v + tall < 0 or u - wide > w or v - tall > h:
            continue
        box[i, 0] = max(0, int(np.floor((u - wide) / TILE)))
        box[i, 1] = min(across, int(np.floor((u + wide) / TILE)) + 1)
        box[i, 2] = max(0, int(np.floor((v - tall) / TILE)))
        box[i, 3] = min(down, int(np.floor((v + tall) / TILE)) + 1)


@njit(cache=True)
def count(box, order, across, start, first):  # type: ignore[no-untyped-def]
    """Where the list of each tile starts (t + 1,), and the pairs of each Gaussian in ``order`` (n + 1,)."""
    start[:] = 0
    first[0] = 0
    for j in range(len(order)):
        i = order[j]
        for y in range(box[i, 2], box[i, 3]):
            for x in range(box[i, 0], box[i, 1]):
                start[y * across + x + 1] += 1
        first[j + 1] = first[j] + (box[i, 1] - box[i, 0]) * (box[i, 3] - box[i, 2])
    for t in range(len(start) - 1):
        start[t + 1] += start[t]


@njit(cache=True)
def fill(box, order, across, start, lists, slots):  # type: ignore[no-untyped-def]
    """``lists`` (p,) the Gaussians of each tile, nearest first; ``slots`` (p,) where each pair went."""
    at = start.copy()
    p = 0
    for j in range(len(order)):
        i = order[j]
        for y in range(box[i, 2], box[i, 3]):
            for x in range(box[i, 0], box[i, 1]):
                t = y * across + x
                lists[at[t]] = i
                slots[p] = at[t]
                at[t] += 1
                p += 1


@njit(parallel=True, fastmath=True, cache=True, error_model="numpy")
def blend(flat, start, lists, h, w, image, alpha, ends):  # type: ignore[no-untyped-def]
    """The picture on black, how much covers each pixel, and where each tile saw no more light (t,)."""
    across = (w + TILE - 1) // TILE
    for t in prange(len(start) - 1):
        tx, ty = (t % across) * TILE, (t // across) * TILE
        px = np.zeros(1024, np.float32)  # light left, red, green, blue
        for q in range(256):
            px[q] = np.float32(1)
        ends[t] = start[t + 1]
        for j in range(start[t], start[t + 1]):
            i = lists[j]
            a, b, c = np.float32(0.5) * flat[i, 2], flat[i, 3], np.float32(0.5) * flat[i, 4]
            o, red, green, blue = flat[i, 5], flat[i, 6], flat[i, 7], flat[i, 8]
            dx0 = np.float32(tx) + np.float32(0.5) - flat[i, 0]
            dy0 = np.float32(ty) + np.float32(0.5) - flat[i, 1]
            for y in range(TILE):
                dy = dy0 + np.float32(y)
                q0, q1 = -c * dy * dy, -b * dy
                best = min(max(q1 / (a + a), dx0), dx0 + np.float32(15))
                if q0 + (q1 - a * best) * best < FAINTEST:
                    continue
                k = np.uint64(y * TILE)
                for x in range(np.uint64(TILE)):
                    dx = dx0 + np.float32(x)
                    p = q0 + (q1 - a * dx) * dx
                    s = min(o * _exp(p), OPAQUE)
                    left = px[k + x]
                    s = s if (p > FAINTEST) & (left >= DARKEST) else np.float32(0)
                    wt = s * left
                    px[k + x] = left - wt
                    px[k + x + np.uint64(256)] += wt * red
                    px[k + x + np.uint64(512)] += wt * green
                    px[k + x + np.uint64(768)] += wt * blue
            if (j & 7) == 7:
                most = np.float32(0)
                for q in range(256):
                    most = max(most, px[q])
                if most < DARKEST:
                    ends[t] = j + 1
                    break
        for y in range(min(TILE, h - ty)):
            for x in range(min(TILE, w - tx)):
                q = y * TILE + x
                image[ty + y, tx + x, 0] = px[256 + q]
                image[ty + y, tx + x, 1] = px[512 + q]
                image[ty + y, tx + x, 2] = px[768 + q]
                alpha[ty + y, tx + x] = np.float32(1) - px[q]


@njit(parallel=True, fastmath=True, cache=True, error_model="numpy")
def unblend(flat, start, ends, lists, image, alpha, gimage, galpha, rows):  # type: ignore[no-untyped-def]
    """Gradients of each pair into ``rows`` (p, 9), in the order of FLAT."""
    h, w = alpha.shape
    across = (w + TILE - 1) // TILE
    for t in prange(len(start) - 1):
        tx, ty = (t % across) * TILE, (t // across) * TILE
        # Light left; what all, and what those before, add to the loss; its slope in red, green, blue, cover.
        px = np.zeros(7 * 256, np.float32)
        for y in range(min(TILE, h - ty)):
            for x in range(min(TILE, w - tx)):
                q = y * TILE + x
                gr, gg, gb = gimage[ty + y, tx + x, 0], gimage[ty + y, tx + x, 1], gimage[ty + y, tx + x, 2]
                ga = galpha[ty + y, tx + x]
                px[q] = np.float32(1)
                px[256 + q] = (
                    image[ty + y, tx + x, 0] * gr
                    + image[ty + y, tx + x, 1] * gg
                    + image[ty + y, tx + x, 2] * gb
                    + alpha[ty + y, tx + x] * ga
                )
                px[768 + q], px[1024 + q], px[1280 + q], px[1536 + q] = gr, gg, gb, ga
        for j in range(start[t], ends[t]):
            i = lists[j]
            a, b, c = np.float32(0.5) * flat[i, 2], flat[i, 3], np.float32(0.5) * flat[i, 4]
            o, red, green, blue = flat[i, 5], flat[i, 6], flat[i, 7], flat[i, 8]
            dx0 = np.float32(tx) + np.float32(0.5) - flat[i, 0]
            dy0 = np.float32(ty) + np.float32(0.5) - flat[i, 1]
            gx = gy = gxx = gxy = gyy = go = gred = ggreen = gblue = np.float32(0)
            for y in range(TILE):
                dy = dy0 + np.float32(y)
                q0, q1 = -c * dy * dy, -b * dy
                best = min(max(q1 / (a + a), dx0), dx0 + np.float32(15))
                if q0 + (q1 - a * best) * best < FAINTEST:
                    continue
                k = np.uint64(y * TILE)
                s0 = s1 = s2 = np.float32(0)
                for x in range(np.uint64(TILE)):
                    dx = dx0 + np.float32(x)
                    p = q0 + (q1 - a * dx) * dx
                    raw = o * _exp(p)
                    s = min(raw, OPAQUE)
                    left = px[k + x]
                    s = s if (p > FAINTEST) & (left >= DARKEST) else np.float32(0)
                    wt = s * left
                    gr, gg = px[k + x + np.uint64(768)], px[k + x + np.uint64(1024)]
                    gb, ga = px[k + x + np.uint64(1280)], px[k + x + np.uint64(1536)]
                    own = gr * red + gg * green + gb * blue + ga
                    before = px[k + x + np.uint64(512)] + wt * own
                    px[k + x] = left - wt
                    px[k + x + np.uint64(512)] = before
                    slope = left * own - (px[k + x + np.uint64(256)] - before) / (np.float32(1) - s)
                    d = slope * s if raw < OPAQUE else np.float32(0)
                    gred += wt * gr
                    ggreen += wt * gg
                    gblue += wt * gb
                    s0 += d
                    s1 += d * dx
                    s2 += d * dx * dx
                go += s0
                gx += np.float32(2) * a * s1 + b * dy * s0
                gy += b * s1 + np.float32(2) * c * dy * s0
                gxx -= np.float32(0.5) * s2
                gxy -= dy * s1
                gyy -= np.float32(0.5) * dy * dy * s0
            rows[j, 0], rows[j, 1], rows[j, 2], rows[j, 3], rows[j, 4] = gx, gy, gxx, gxy, gyy
            rows[j, 5] = go / max(o, np.float32(1e-8))
            rows[j, 6], rows[j, 7], rows[j, 8] = gred, ggreen, gblue


@njit(parallel=True, fastmath=True, cache=True)
def unflatten(  # type: ignore[no-untyped-def]
    means,
    covariances,
    view,
    focal,
    flat,
    order,
    first,
    slots,
    rows,
    gmeans,
    gcovariances,
    gcolours,
    gopacities,
):
    """From the rows of pairs to gradients of the Gaussians themselves."""
    f = np.float32(focal)
    for n in prange(len(order)):
        i = order[n]
        g = np.zeros(FLAT, np.float32)
        for p in range(first[n], first[n + 1]):
            for q in range(FLAT):
                g[q] += rows[slots[p], q]
        gopacities[i] = g[5]
        gcolours[i, 0], gcolours[i, 1], gcolours[i, 2] = g[6], g[7], g[8]
        if first[n] == first[n + 1]:
            continue
        mx, my, mz = means[i, 0], means[i, 1], means[i, 2]
        x = view[0, 0] * mx + view[0, 1] * my + view[0, 2] * mz + view[0, 3]
        y = view[1, 0] * mx + view[1, 1] * my + view[1, 2] * mz + view[1, 3]
        z = -(view[2, 0] * mx + view[2, 1] * my + view[2, 2] * mz + view[2, 3])
        j = f / z
        k = j / z
        a0 = j * view[0, 0] + k * x * view[2, 0]
        a1 = j * view[0, 1] + k * x * view[2, 1]
        a2 = j * view[0, 2] + k * x * view[2, 2]
        b0 = -j * view[1, 0] - k * y * view[2, 0]
        b1 = -j * view[1, 1] - k * y * view[2, 1]
        b2 = -j * view[1, 2] - k * y * view[2, 2]
        # Inverse K of the spread S: dS = -K dK K.
        kxx, kxy, kyy = flat[i, 2], flat[i, 3], flat[i, 4]
        hxx, hxy, hyy = g[2], np.float32(0.5) * g[3], g[4]
        t00, t01 = kxx * hxx + kxy * hxy, kxx * hxy + kxy * hyy
        t10, t11 = kxy * hxx + kyy * hxy, kxy * hxy + kyy * hyy
        s00, s01, s11 = -(t00 * kxx + t01 * kxy), -(t00 * kxy + t01 * kyy), -(t10 * kxy + t11 * kyy)
        # S = M C Mᵀ with rows a and b of M: dC = Mᵀ dS M, dM = 2 dS M C.
        two = np.float32(2)
        gcovariances[i, 0] = s00 * a0 * a0 + two * s01 * a0 * b0 + s11 * b0 * b0
        gcovariances[i, 3] = s00 * a1 * a1 + two * s01 * a1 * b1 + s11 * b1 * b1
        gcovariances[i, 5] = s00 * a2 * a2 + two * s01 * a2 * b2 + s11 * b2 * b2
        gcovariances[i, 1] = two * (s00 * a0 * a1 + s01 * (a0 * b1 + a1 * b0) + s11 * b0 * b1)
        gcovariances[i, 2] = two * (s00 * a0 * a2 + s01 * (a0 * b2 + a2 * b0) + s11 * b0 * b2)
        gcovariances[i, 4] = two * (s00 * a1 * a2 + s01 * (a1 * b2 + a2 * b1) + s11 * b1 * b2)
        xx, xy, xz = covariances[i, 0], covariances[i, 1], covariances[i, 2]
        yy, yz, zz = covariances[i, 3], covariances[i, 4], covariances[i, 5]
        c0, c1, c2 = xx * a0 + xy * a1 + xz * a2, xy * a0 + yy * a1 + yz * a2, xz * a0 + yz * a1 + zz * a2
        d0, d1, d2 = xx * b0 + xy * b1 + xz * b2, xy * b0 + yy * b1 + yz * b2, xz * b0 + yz * b1 + zz * b2
        e0, e1, e2 = two * (s00 * c0 + s01 * d0), two * (s00 * c1 + s01 * d1), two * (s00 * c2 + s01 * d2)
        f0, f1, f2 = two * (s01 * c0 + s11 * d0), two * (s01 * c1 + s11 * d1), two * (s01 * c2 + s11 * d2)
        # M is the slope of the projection times the turn of the camera: back to the slope's four entries.
        jx = e0 * view[0, 0] + e1 * view[0, 1] + e2 * view[0, 2]
        jxz = e0 * view[2, 0] + e1 * view[2, 1] + e2 * view[2, 2]
        jy = -(f0 * view[1, 0] + f1 * view[1, 1] + f2 * view[1, 2])
        jyz = -(f0 * view[2, 0] + f1 * view[2, 1] + f2 * view[2, 2])
        # du = j x, dv = -j y with j = f / z; the slope holds j and j / z × (x, y).
        px = g[0] * j + jxz * k
        py = -g[1] * j + jyz * k
        pz = -(g[0] * k * x - g[1] * k * y) - k * (jx + jy) - two * k / z * (jxz * x + jyz * y)
        for q in range(3):
            gmeans[i, q] = view[0, q] * px + view[1, q] * py - view[2, q] * pz
