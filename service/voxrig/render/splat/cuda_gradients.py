"""Kernels that carry gradients of a picture back to its Gaussians, in Triton. Needs torch and triton.

Letters as in cuda_kernels.py. No two programs add to one number, so that the same input always gives the same
gradients: each pair has a row of its own, in the slot that it had before sorting, where those of one Gaussian
follow one another.
"""

from __future__ import annotations

import triton
import triton.language as tl

from voxrig.render.splat.cuda_kernels import (
    _FLAT,
    _TILE,
    DARKEST,
    FAINTEST,
    HALF_LOG2E,
    NEAREST,
    OPAQUE,
    _slopes,
    _times,
)

ROW = 9
"""What is summed for a pair: gradients of red, green, blue, opacity; with t that of q, t dx, t dy, t dx²,
t dx dy, t dy²."""
_ROW = tl.constexpr(ROW)
_LN2 = tl.constexpr(0.6931471805599453)


@triton.jit
def _read(rows, i):  # type: ignore[no-untyped-def]
    """A Gaussian on the picture: x, y, a, b, c, opacity, red, green, blue."""
    g = rows + i * _FLAT
    return (
        tl.load(g), tl.load(g + 1), tl.load(g + 2), tl.load(g + 3), tl.load(g + 4), tl.load(g + 5),
        tl.load(g + 6), tl.load(g + 7), tl.load(g + 8),
    )  # fmt: skip


@triton.jit  # type: ignore[untyped-decorator]
def unblend(  # type: ignore[no-untyped-def]
    rows, order, starts, blended, gimage, galpha, sums, h, w, room, batch: tl.constexpr
):
    """Sums over the pixels of each pair, (p, 9), from the gradients of image (h, w, 3) and alpha (h, w).

    The list is gone through from the front once more: what lies behind a Gaussian is the whole minus what
    lies before it.
    """
    tile = tl.program_id(0)
    across = (w + _TILE - 1) // _TILE
    p = tl.arange(0, _TILE * _TILE)
    row, column = (tile // across) * _TILE + p // _TILE, (tile % across) * _TILE + p % _TILE
    inside = (row < h) & (column < w)
    px, py = column + 0.5, row + 0.5
    i = row * w + column
    gr = tl.load(gimage + 3 * i, inside, 0.0)
    gg = tl.load(gimage + 3 * i + 1, inside, 0.0)
    gb = tl.load(gimage + 3 * i + 2, inside, 0.0)
    behind = gr * tl.load(blended + 4 * i, inside, 0.0)
    behind += gg * tl.load(blended + 4 * i + 1, inside, 0.0)
    behind += gb * tl.load(blended + 4 * i + 2, inside, 0.0)
    # Coverage is 1 minus the light that is left, which counts as one more thing behind all Gaussians.
    behind -= tl.load(galpha + i, inside, 0.0) * tl.load(blended + 4 * i + 3, inside, 0.0)
    light = tl.where(inside, 1.0, 0.0)
    at, stop = tl.load(starts + tile), tl.load(starts + tile + 1)
    last = room - 1
    x, y, a, b, c, opacity, red, green, blue = _read(rows, tl.minimum(at, last))
    slot = tl.load(order + tl.minimum(at, last))
    while at < stop:
        end = tl.minimum(at + batch, stop)
        for pair in range(at, end):
            # The next one is fetched before this one's sums are stored: the card does not wait for it then.
            x1, y1, a1, b1, c1, opacity1, red1, green1, blue1 = _read(rows, tl.minimum(pair + 1, last))
            slot1 = tl.load(order + tl.minimum(pair + 1, last))
            dx, dy = px - x, py - y
            q = dx * (a * dx + (b + b) * dy) + c * dy * dy
            seen = (q <= FAINTEST) & (light >= DARKEST)
            fall = tl.where(seen, tl.exp2(-q), 0.0)
            alpha = tl.minimum(opacity * fall, OPAQUE)
            weight = alpha * light
            own = gr * red + gg * green + gb * blue
            behind -= weight * own
            pull = light * own - behind / (1.0 - alpha)
            pull = tl.where(seen & (alpha < OPAQUE), pull, 0.0)
            t = alpha * pull * -_LN2
            tx, ty = t * dx, t * dy
            light -= weight
            to = sums + slot * _ROW
            tl.store(to, tl.sum(weight * gr, 0))
            tl.store(to + 1, tl.sum(weight * gg, 0))
            tl.store(to + 2, tl.sum(weight * gb, 0))
            tl.store(to + 3, tl.sum(fall * pull, 0))
            tl.store(to + 4, tl.sum(tx, 0))
            tl.store(to + 5, tl.sum(ty, 0))
            tl.store(to + 6, tl.sum(tx * dx, 0))
            tl.store(to + 7, tl.sum(tx * dy, 0))
            tl.store(to + 8, tl.sum(ty * dy, 0))
            x, y, a, b, c, opacity = x1, y1, a1, b1, c1, opacity1
            red, green, blue, slot = red1, green1, blue1, slot1
        at = tl.where(tl.max(light, 0) >= DARKEST, end, stop)


@triton.jit  # type: ignore[untyped-decorator]
def unproject(  # type: ignore[no-untyped-def]
    means, covariances, lens, flat, count, ends, sums, gmeans, gcovariances, gcolours, gopacities, gshift, n,
    block: tl.constexpr,
):  # fmt: skip
    """Sums of pairs to gradients of means (n, 3), covariances (n, 6), colours (n, 3), opacities (n,) and of
    the place on the picture (n, 2)."""
    i = tl.program_id(0) * block + tl.arange(0, block)
    real = i < n
    pairs = tl.load(count + i, real, 0)
    slot = tl.load(ends + i, real, 0) - pairs
    red, green, blue = (
        tl.zeros([block], tl.float32),
        tl.zeros([block], tl.float32),
        tl.zeros([block], tl.float32),
    )
    glow, tx, ty = tl.zeros([block], tl.float32), tl.zeros([block], tl.float32), tl.zeros([block], tl.float32)
    txx, txy, tyy = (
        tl.zeros([block], tl.float32),
        tl.zeros([block], tl.float32),
        tl.zeros([block], tl.float32),
    )
    for k in range(0, tl.max(pairs, 0)):
        more = k < pairs
        row = sums + (slot + k) * _ROW
        red += tl.load(row, more, 0.0)
        green += tl.load(row + 1, more, 0.0)
        blue += tl.load(row + 2, more, 0.0)
        glow += tl.load(row + 3, more, 0.0)
        tx += tl.load(row + 4, more, 0.0)
        ty += tl.load(row + 5, more, 0.0)
        txx += tl.load(row + 6, more, 0.0)
        txy += tl.load(row + 7, more, 0.0)
        tyy += tl.load(row + 8, more, 0.0)
    tl.store(gcolours + 3 * i, red, real)
    tl.store(gcolours + 3 * i + 1, green, real)
    tl.store(gcolours + 3 * i + 2, blue, real)
    tl.store(gopacities + i, glow, real)

    drawn = pairs > 0
    at = flat + i * _FLAT
    a, b, c = tl.load(at + 2, real, 1.0), tl.load(at + 3, real, 0.0), tl.load(at + 4, real, 1.0)
    gx, gy = -2.0 * (a * tx + b * ty), -2.0 * (b * tx + c * ty)
    tl.store(gshift + 2 * i, gx, real)
    tl.store(gshift + 2 * i + 1, gy, real)

    # S⁻¹ = (a, b, c) / HALF_LOG2E, and the gradient of S is -S⁻¹ (gradient of S⁻¹) S⁻¹.
    u0, u1 = a * txx + b * txy, a * txy + b * tyy
    v0, v1 = b * txx + c * txy, b * txy + c * tyy
    g00 = -(u0 * a + u1 * b) / HALF_LOG2E
    g01 = -(u0 * b + u1 * c) / HALF_LOG2E
    g11 = -(v0 * b + v1 * c) / HALF_LOG2E

    mx, my, mz = (tl.load(means + 3 * i, real, 0.0), tl.load(means + 3 * i + 1, real, 0.0),
                  tl.load(means + 3 * i + 2, real, 0.0))  # fmt: skip
    x, y, depth, j, a0, a1, a2, b0, b1, b2 = _slopes(lens, mx, my, mz)
    to = gcovariances + 6 * i
    tl.store(to, a0 * (g00 * a0 + g01 * b0) + b0 * (g01 * a0 + g11 * b0), real)
    tl.store(to + 1, 2.0 * (a0 * (g00 * a1 + g01 * b1) + b0 * (g01 * a1 + g11 * b1)), real)
    tl.store(to + 2, 2.0 * (a0 * (g00 * a2 + g01 * b2) + b0 * (g01 * a2 + g11 * b2)), real)
    tl.store(to + 3, a1 * (g00 * a1 + g01 * b1) + b1 * (g01 * a1 + g11 * b1), real)
    tl.store(to + 4, 2.0 * (a1 * (g00 * a2 + g01 * b2) + b1 * (g01 * a2 + g11 * b2)), real)
    tl.store(to + 5, a2 * (g00 * a2 + g01 * b2) + b2 * (g01 * a2 + g11 * b2), real)

    # The slopes follow the mean, too: their gradients are 2 g (slopes) (covariance).
    c0, c1, c2 = _times(covariances, i, real, a0, a1, a2)
    d0, d1, d2 = _times(covariances, i, real, b0, b1, b2)
    p0, p1, p2 = 2.0 * (g00 * c0 + g01 * d0), 2.0 * (g00 * c1 + g01 * d1), 2.0 * (g00 * c2 + g01 * d2)
    q0, q1, q2 = 2.0 * (g01 * c0 + g11 * d0), 2.0 * (g01 * c1 + g11 * d1), 2.0 * (g01 * c2 + g11 * d2)
    v00, v01, v02 = tl.load(lens), tl.load(lens + 1), tl.load(lens + 2)
    v10, v11, v12 = tl.load(lens + 4), tl.load(lens + 5), tl.load(lens + 6)
    v20, v21, v22 = tl.load(lens + 8), tl.load(lens + 9), tl.load(lens + 10)
    near = 1.0 / tl.maximum(depth, NEAREST)
    k = j * near
    pv0 = p0 * v00 + p1 * v01 + p2 * v02
    pv2 = p0 * v20 + p1 * v21 + p2 * v22
    qv1 = q0 * v10 + q1 * v11 + q2 * v12
    qv2 = q0 * v20 + q1 * v21 + q2 * v22
    right = j * gx + k * pv2
    up = -j * gy - k * qv2
    deep = k * (y * gy - x * gx - pv0 + qv1 + 2.0 * near * (y * qv2 - x * pv2))
    right, up, deep = tl.where(drawn, right, 0.0), tl.where(drawn, up, 0.0), tl.where(drawn, deep, 0.0)
    tl.store(gmeans + 3 * i, v00 * right + v10 * up - v20 * deep, real)
    tl.store(gmeans + 3 * i + 1, v01 * right + v11 * up - v21 * deep, real)
    tl.store(gmeans + 3 * i + 2, v02 * right + v12 * up - v22 * deep, real)
