"""Kernels that pose a figure and the Gaussians on it, in Triton. Needs torch and triton.

They do what render/posing.py and binding.py do. Letters: v vertices, n Gaussians, k bases, s shapes. Numbers
of a Gaussian that never change lie as (what, n), so that neighbours are read together.
"""

from __future__ import annotations

import triton
import triton.language as tl

STILL = 16
"""What is read of a Gaussian: corner 2, offset 3, rotation 4, scale 3, opacity, colour 3."""


@triton.jit  # type: ignore[untyped-decorator]
def pose(  # type: ignore[no-untyped-def]
    rest, start, shape, by, shares, weights, turns, points, v, block: tl.constexpr
):
    """Points (v, 3) moved by shapes whose ``weights`` (s,) are given and carried by ``turns`` (5, 3, 4)."""
    i = tl.program_id(0) * block + tl.arange(0, block)
    real = i < v
    x, y, z = (tl.load(rest + 3 * i, real, 0.0), tl.load(rest + 3 * i + 1, real, 0.0),
               tl.load(rest + 3 * i + 2, real, 0.0))  # fmt: skip
    first = tl.load(start + i, real, 0)
    moves = tl.load(start + i + 1, real, 0) - first
    for k in range(0, tl.max(moves, 0)):
        more = k < moves
        e = first + k
        weight = tl.load(weights + tl.load(shape + e, more, 0), more, 0.0)
        x += weight * tl.load(by + 3 * e, more, 0.0)
        y += weight * tl.load(by + 3 * e + 1, more, 0.0)
        z += weight * tl.load(by + 3 * e + 2, more, 0.0)
    for r in tl.static_range(3):
        out = tl.zeros([block], tl.float32)
        for j in tl.static_range(5):
            t = turns + 12 * j + 4 * r
            share = tl.load(shares + 5 * i + j, real, 0.0)
            out += share * (tl.load(t) * x + tl.load(t + 1) * y + tl.load(t + 2) * z + tl.load(t + 3))
        tl.store(points + 3 * i + r, out, real)


@triton.jit  # type: ignore[untyped-decorator]
def _moved(moves, far, bases, which: tl.constexpr, i, real, n, block: tl.constexpr):  # type: ignore[no-untyped-def]
    """How far bases carry one of the 13 numbers of Gaussians."""
    out = tl.zeros([block], tl.float32)
    for k in range(0, bases):
        out += tl.load(far + k) * tl.load(moves + (k * 13 + which) * n + i, real, 0.0).to(tl.float32)
    return out


@triton.jit
def _of(points, vertex, real):  # type: ignore[no-untyped-def]
    at = points + 3 * vertex
    return tl.load(at, real, 0.0), tl.load(at + 1, real, 0.0), tl.load(at + 2, real, 0.0)


@triton.jit  # type: ignore[untyped-decorator]
def bind(  # type: ignore[no-untyped-def]
    points, corners, still, one_sided, moves, far, harmonics, eye, head,
    means, covariances, colours, opacities, n, bases,
    moved: tl.constexpr, lobes: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """Gaussians where their triangles have gone. ``far`` (k,) is how far each base goes, ``moves``
    (k, 13, n); ``eye`` (3,) whence one looks; ``head`` (3, 4) where points of the head have gone."""
    i = tl.program_id(0) * block + tl.arange(0, block)
    real = i < n
    s = still + i
    e0, e1, e2 = tl.load(s + 2 * n, real, 0.0), tl.load(s + 3 * n, real, 0.0), tl.load(s + 4 * n, real, 0.0)
    qw, qx = tl.load(s + 5 * n, real, 1.0), tl.load(s + 6 * n, real, 0.0)
    qy, qz = tl.load(s + 7 * n, real, 0.0), tl.load(s + 8 * n, real, 0.0)
    s0, s1, s2 = tl.load(s + 9 * n, real, 0.0), tl.load(s + 10 * n, real, 0.0), tl.load(s + 11 * n, real, 0.0)
    opacity = tl.load(s + 12 * n, real, 0.0)
    red, green, blue = (tl.load(s + 13 * n, real, 0.0), tl.load(s + 14 * n, real, 0.0),
                        tl.load(s + 15 * n, real, 0.0))  # fmt: skip
    if moved:
        e0 += _moved(moves, far, bases, 0, i, real, n, block)
        e1 += _moved(moves, far, bases, 1, i, real, n, block)
        e2 += _moved(moves, far, bases, 2, i, real, n, block)
        s0 *= tl.exp(_moved(moves, far, bases, 3, i, real, n, block))
        s1 *= tl.exp(_moved(moves, far, bases, 4, i, real, n, block))
        s2 *= tl.exp(_moved(moves, far, bases, 5, i, real, n, block))
        rx = _moved(moves, far, bases, 6, i, real, n, block)
        ry = _moved(moves, far, bases, 7, i, real, n, block)
        rz = _moved(moves, far, bases, 8, i, real, n, block)
        angle = tl.sqrt(rx * rx + ry * ry + rz * rz)
        half = tl.where(angle > 1e-6, tl.sin(0.5 * angle) / tl.maximum(angle, 1e-6), 0.5)
        w1, x1, y1, z1 = tl.cos(0.5 * angle), half * rx, half * ry, half * rz
        w0, x0, y0, z0 = qw, qx, qy, qz
        qw = w0 * w1 - x0 * x1 - y0 * y1 - z0 * z1
        qx = w0 * x1 + x0 * w1 + y0 * z1 - z0 * y1
        qy = w0 * y1 - x0 * z1 + y0 * w1 + z0 * x1
        qz = w0 * z1 + x0 * y1 - y0 * x1 + z0 * w1
        logit = _moved(moves, far, bases, 9, i, real, n, block)
        o = tl.minimum(tl.maximum(opacity, 1e-6), 1.0 - 1e-6)
        opacity = tl.where(logit == 0.0, opacity, o / (o + (1.0 - o) * tl.exp(-logit)))
        red += _moved(moves, far, bases, 10, i, real, n, block)
        green += _moved(moves, far, bases, 11, i, real, n, block)
        blue += _moved(moves, far, bases, 12, i, real, n, block)

    # The frame of the triangle.
    ax, ay, az = _of(points, tl.load(corners + 3 * i, real, 0), real)
    bx, by, bz = _of(points, tl.load(corners + 3 * i + 1, real, 0), real)
    cx, cy, cz = _of(points, tl.load(corners + 3 * i + 2, real, 0), real)
    ux, uy, uz = bx - ax, by - ay, bz - az
    vx, vy, vz = cx - ax, cy - ay, cz - az
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    double = tl.sqrt(nx * nx + ny * ny + nz * nz)
    size = tl.sqrt(double)
    inverse = 1.0 / tl.maximum(double, 1e-18)
    nx, ny, nz = nx * inverse, ny * inverse, nz * inverse
    inverse = 1.0 / tl.maximum(tl.sqrt(ux * ux + uy * uy + uz * uz), 1e-12)
    tx, ty, tz = ux * inverse, uy * inverse, uz * inverse
    bx, by, bz = ny * tz - nz * ty, nz * tx - nx * tz, nx * ty - ny * tx
    beta, gamma = tl.load(s, real, 0.0), tl.load(s + n, real, 0.0)
    e0, e1, e2 = size * e0, size * e1, size * e2
    mx = ax + beta * ux + gamma * vx + e0 * tx + e1 * bx + e2 * nx
    my = ay + beta * uy + gamma * vy + e0 * ty + e1 * by + e2 * ny
    mz = az + beta * uz + gamma * vz + e0 * tz + e1 * bz + e2 * nz
    tl.store(means + 3 * i, mx, real)
    tl.store(means + 3 * i + 1, my, real)
    tl.store(means + 3 * i + 2, mz, real)

    # Axes of the ellipsoid in the world, each as long as a standard deviation.
    two = 2.0 / tl.maximum(qw * qw + qx * qx + qy * qy + qz * qz, 1e-24)
    s0, s1, s2 = size * s0, size * s1, size * s2
    p, q, r = (s0 * (1.0 - two * (qy * qy + qz * qz)), s0 * two * (qx * qy + qw * qz),
               s0 * two * (qx * qz - qw * qy))  # fmt: skip
    x0, y0, z0 = p * tx + q * bx + r * nx, p * ty + q * by + r * ny, p * tz + q * bz + r * nz
    p, q, r = (s1 * two * (qx * qy - qw * qz), s1 * (1.0 - two * (qx * qx + qz * qz)),
               s1 * two * (qy * qz + qw * qx))  # fmt: skip
    x1, y1, z1 = p * tx + q * bx + r * nx, p * ty + q * by + r * ny, p * tz + q * bz + r * nz
    p, q, r = (s2 * two * (qx * qz + qw * qy), s2 * two * (qy * qz - qw * qx),
               s2 * (1.0 - two * (qx * qx + qy * qy)))  # fmt: skip
    x2, y2, z2 = p * tx + q * bx + r * nx, p * ty + q * by + r * ny, p * tz + q * bz + r * nz
    to = covariances + 6 * i
    tl.store(to, x0 * x0 + x1 * x1 + x2 * x2, real)
    tl.store(to + 1, x0 * y0 + x1 * y1 + x2 * y2, real)
    tl.store(to + 2, x0 * z0 + x1 * z1 + x2 * z2, real)
    tl.store(to + 3, y0 * y0 + y1 * y1 + y2 * y2, real)
    tl.store(to + 4, y0 * z0 + y1 * z1 + y2 * z2, real)
    tl.store(to + 5, z0 * z0 + z1 * z1 + z2 * z2, real)

    # From the Gaussian to the eye; a scale of a closed surface is not seen from within, with 15° to spare.
    dx, dy, dz = tl.load(eye) - mx, tl.load(eye + 1) - my, tl.load(eye + 2) - mz
    far_off = tl.sqrt(dx * dx + dy * dy + dz * dz)
    away = (dx * nx + dy * ny + dz * nz) < -0.25 * far_off
    away &= tl.load(one_sided + i, real, 0) != 0
    tl.store(opacities + i, tl.where(away, 0.0, opacity), real)

    if lobes > 0:
        inverse = -1.0 / tl.maximum(far_off, 1e-12)
        dx, dy, dz = dx * inverse, dy * inverse, dz * inverse
        x = tl.load(head) * dx + tl.load(head + 4) * dy + tl.load(head + 8) * dz
        y = tl.load(head + 1) * dx + tl.load(head + 5) * dy + tl.load(head + 9) * dz
        z = tl.load(head + 2) * dx + tl.load(head + 6) * dy + tl.load(head + 10) * dz
        xx, yy, zz = x * x, y * y, z * z
        for k in tl.static_range(lobes):
            h = _harmonic(x, y, z, xx, yy, zz, k)
            f = harmonics + 3 * k * n + i
            red += h * tl.load(f, real, 0.0)
            green += h * tl.load(f + n, real, 0.0)
            blue += h * tl.load(f + 2 * n, real, 0.0)
    tl.store(colours + 3 * i, tl.maximum(red, 0.0), real)
    tl.store(colours + 3 * i + 1, tl.maximum(green, 0.0), real)
    tl.store(colours + 3 * i + 2, tl.maximum(blue, 0.0), real)


@triton.jit  # type: ignore[untyped-decorator]
def _harmonic(x, y, z, xx, yy, zz, k: tl.constexpr):  # type: ignore[no-untyped-def]
    """One spherical harmonic from degree 1 on, as 3D Gaussian splatting orders and signs them."""
    if k == 0:
        out = -0.48860252 * y
    elif k == 1:
        out = 0.48860252 * z
    elif k == 2:
        out = -0.48860252 * x
    elif k == 3:
        out = 1.09254843 * x * y
    elif k == 4:
        out = -1.09254843 * y * z
    elif k == 5:
        out = 0.31539157 * (zz + zz - xx - yy)
    elif k == 6:
        out = -1.09254843 * x * z
    elif k == 7:
        out = 0.54627422 * (xx - yy)
    elif k == 8:
        out = -0.59004359 * y * (3.0 * xx - yy)
    elif k == 9:
        out = 2.89061144 * x * y * z
    elif k == 10:
        out = -0.45704580 * y * (4.0 * zz - xx - yy)
    elif k == 11:
        out = 0.37317633 * z * (zz + zz - 3.0 * (xx + yy))
    elif k == 12:
        out = -0.45704580 * x * (4.0 * zz - xx - yy)
    elif k == 13:
        out = 1.44530572 * z * (xx - yy)
    else:
        out = -0.59004359 * x * (xx - 3.0 * yy)
    return out
