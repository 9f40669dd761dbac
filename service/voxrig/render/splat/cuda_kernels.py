"""Kernels that draw Gaussians on a GPU, in Triton. Needs torch and triton.

Letters: n Gaussians, t tiles of 16 × 16 pixels, p pairs of a Gaussian and a tile that it touches.

The rule is that of the other rasterisers: with d the way from a Gaussian's middle to the pixel's middle and S
its spread in square pixels (0.3 more on the diagonal, as 3D Gaussian splatting has it), power = -½ dᵀ S⁻¹ d,
nothing under -5.5, alpha = min(0.99, opacity × exp(power)), from the nearest on until less than 0.005 of the
light is left. The card's own exponential is to base 2: q = -power × log2 e = a dx² + 2 b dx dy + c dy².

``lens`` (13,) is the view's first three rows and the focal length in pixels: in the card's memory, so that a
recorded graph follows the camera. A kernel whose name begins with _ is a part of others.
"""

from __future__ import annotations

import triton
import triton.language as tl

TILE = 16
FLAT = 9
"""What is kept of a Gaussian on the picture: x, y, a, b, c, opacity, red, green, blue."""

_TILE = tl.constexpr(TILE)
_FLAT = tl.constexpr(FLAT)
BLUR = tl.constexpr(0.3)
OPAQUE = tl.constexpr(0.99)
DARKEST = tl.constexpr(0.005)
NEAREST = tl.constexpr(0.01)
"""Metres before the camera, within which nothing is drawn."""
HALF_LOG2E = tl.constexpr(0.7213475204444817)
FAINTEST = tl.constexpr(7.934822724889299)
"""The largest q: 5.5 log2 e."""
_SLACK = tl.constexpr(0.01)
"""Pixels by which an ellipse is taken to be larger when tiles are listed: rounding must not lose one."""


@triton.jit
def _slopes(lens, mx, my, mz):  # type: ignore[no-untyped-def]
    """A point before the camera: x, y, depth; and how its place on the picture follows that in the world."""
    v00, v01, v02 = tl.load(lens), tl.load(lens + 1), tl.load(lens + 2)
    v10, v11, v12 = tl.load(lens + 4), tl.load(lens + 5), tl.load(lens + 6)
    v20, v21, v22 = tl.load(lens + 8), tl.load(lens + 9), tl.load(lens + 10)
    x = v00 * mx + v01 * my + v02 * mz + tl.load(lens + 3)
    y = v10 * mx + v11 * my + v12 * mz + tl.load(lens + 7)
    depth = -(v20 * mx + v21 * my + v22 * mz + tl.load(lens + 11))
    j = tl.load(lens + 12) / tl.where(depth > NEAREST, depth, 1.0)
    kx, ky = j * x / tl.maximum(depth, NEAREST), j * y / tl.maximum(depth, NEAREST)
    a0, a1, a2 = j * v00 + kx * v20, j * v01 + kx * v21, j * v02 + kx * v22
    b0, b1, b2 = -j * v10 - ky * v20, -j * v11 - ky * v21, -j * v12 - ky * v22
    return x, y, depth, j, a0, a1, a2, b0, b1, b2


@triton.jit
def _times(covariances, i, real, x, y, z):  # type: ignore[no-untyped-def]
    """A covariance times a vector."""
    at = covariances + 6 * i
    xx, xy, xz = tl.load(at, real, 0.0), tl.load(at + 1, real, 0.0), tl.load(at + 2, real, 0.0)
    yy, yz, zz = tl.load(at + 3, real, 0.0), tl.load(at + 4, real, 0.0), tl.load(at + 5, real, 0.0)
    return xx * x + xy * y + xz * z, xy * x + yy * y + yz * z, xz * x + yz * y + zz * z


@triton.jit
def _rows(y, a, b, c, down):  # type: ignore[no-untyped-def]
    """The first row of tiles that an ellipse touches, and how many."""
    tall = tl.sqrt(a * FAINTEST / tl.maximum(a * c - b * b, 1e-30)) + _SLACK
    first = tl.ceil((y - tall - (_TILE - 0.5)) / _TILE)
    last = tl.floor((y + tall - 0.5) / _TILE)
    first, last = tl.minimum(tl.maximum(first, 0.0), 1e6), tl.maximum(tl.minimum(last, down - 1.0), -1.0)
    return first.to(tl.int32), tl.maximum(last - first + 1.0, 0.0).to(tl.int32)


@triton.jit
def _span(x, y, a, b, c, row, across):  # type: ignore[no-untyped-def]
    """The first tile of a row of tiles that an ellipse touches, and how many."""
    whole = tl.maximum(a * c - b * b, 1e-30)
    tall, wide = tl.sqrt(a * FAINTEST / whole), tl.sqrt(c * FAINTEST / whole)
    top = tl.maximum(row * _TILE + (0.5 - _SLACK) - y, -tall)
    bottom = tl.minimum(row * _TILE + (_TILE - 0.5 + _SLACK) - y, tall)
    # The ellipse is widest where its slope turns; within the row, as near to that as the row goes.
    turn = b / c * wide
    low = tl.minimum(tl.maximum(turn, top), bottom)
    high = tl.minimum(tl.maximum(-turn, top), bottom)
    left = (-b * low - tl.sqrt(tl.maximum(a * FAINTEST - whole * low * low, 0.0))) / a - _SLACK
    right = (-b * high + tl.sqrt(tl.maximum(a * FAINTEST - whole * high * high, 0.0))) / a + _SLACK
    first = tl.ceil((x + left - (_TILE - 0.5)) / _TILE)
    last = tl.floor((x + right - 0.5) / _TILE)
    first, last = tl.minimum(tl.maximum(first, 0.0), 1e6), tl.maximum(tl.minimum(last, across - 1.0), -1.0)
    return first.to(tl.int32), tl.maximum(last - first + 1.0, 0.0).to(tl.int32)


@triton.jit  # type: ignore[untyped-decorator]
def project(  # type: ignore[no-untyped-def]
    means, covariances, colours, opacities, shift, lens, flat, depths, count, limits, n, h, w,
    shifted: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """Gaussians on the picture, and how many tiles each touches. ``limits`` gets the bits of the least depth
    and of the greatest; bits of positive numbers are ordered as they are."""
    i = tl.program_id(0) * block + tl.arange(0, block)
    real = i < n
    mx, my, mz = (tl.load(means + 3 * i, real, 0.0), tl.load(means + 3 * i + 1, real, 0.0),
                  tl.load(means + 3 * i + 2, real, 0.0))  # fmt: skip
    x, y, depth, j, a0, a1, a2, b0, b1, b2 = _slopes(lens, mx, my, mz)
    c0, c1, c2 = _times(covariances, i, real, a0, a1, a2)
    d0, d1, d2 = _times(covariances, i, real, b0, b1, b2)
    s00 = a0 * c0 + a1 * c1 + a2 * c2 + BLUR
    s01 = b0 * c0 + b1 * c1 + b2 * c2
    s11 = b0 * d0 + b1 * d1 + b2 * d2 + BLUR
    whole = s00 * s11 - s01 * s01
    scale = 1.0 / whole * HALF_LOG2E
    a, b, c = s11 * scale, -s01 * scale, s00 * scale
    px, py = w * 0.5 + j * x, h * 0.5 - j * y
    if shifted:
        px += tl.load(shift + 2 * i, real, 0.0)
        py += tl.load(shift + 2 * i + 1, real, 0.0)
    opacity = tl.load(opacities + i, real, 0.0)
    # Comparisons are false for what is no number, so that such a Gaussian is not drawn either.
    seen = real & (depth > NEAREST) & (depth < 1e6) & (opacity > 0.0) & (whole > 1e-12) & (whole < 1e24)
    seen &= (tl.abs(px) < 1e6) & (tl.abs(py) < 1e6)
    a, b, c = tl.where(seen, a, 1.0), tl.where(seen, b, 0.0), tl.where(seen, c, 1.0)
    px, py = tl.where(seen, px, 0.0), tl.where(seen, py, 0.0)
    down, across = (h + _TILE - 1) // _TILE, (w + _TILE - 1) // _TILE
    first, rows = _rows(py, a, b, c, down)
    rows = tl.where(seen, rows, 0)
    tiles = tl.zeros([block], tl.int32)
    for k in range(0, tl.max(rows, 0)):
        _, wide = _span(px, py, a, b, c, first + k, across)
        tiles += tl.where(k < rows, wide, 0)
    tl.store(count + i, tiles, real)
    at = flat + i * _FLAT
    tl.store(at, px, real)
    tl.store(at + 1, py, real)
    tl.store(at + 2, a, real)
    tl.store(at + 3, b, real)
    tl.store(at + 4, c, real)
    tl.store(at + 5, opacity, real)
    tl.store(at + 6, tl.load(colours + 3 * i, real, 0.0), real)
    tl.store(at + 7, tl.load(colours + 3 * i + 1, real, 0.0), real)
    tl.store(at + 8, tl.load(colours + 3 * i + 2, real, 0.0), real)
    tl.store(depths + i, depth, real)
    drawn = tiles > 0
    tl.atomic_min(limits, tl.min(tl.where(drawn, depth, 1e6), 0).to(tl.int32, bitcast=True))
    tl.atomic_max(limits + 1, tl.max(tl.where(drawn, depth, 0.0), 0).to(tl.int32, bitcast=True))


@triton.jit  # type: ignore[untyped-decorator]
def expand(  # type: ignore[no-untyped-def]
    flat, depths, count, ends, limits, keys, owner, n, h, w, room, bits: tl.constexpr, block: tl.constexpr
):
    """Each pair's key, tile above depth, and its Gaussian, into slots that follow those of the one before.

    Depth is told in bits bits between the nearest and the farthest. Keys are signed because torch sorts such:
    the first tile has the lowest. What finds no room is left out; ``ends`` tells.
    """
    i = tl.program_id(0) * block + tl.arange(0, block)
    real = i < n
    tiles = tl.load(count + i, real, 0)
    end = tl.minimum(tl.load(ends + i, real, 0), room)
    slot = tl.load(ends + i, real, 0) - tiles
    at = flat + i * _FLAT
    x, y = tl.load(at, real, 0.0), tl.load(at + 1, real, 0.0)
    a, b, c = tl.load(at + 2, real, 1.0), tl.load(at + 3, real, 0.0), tl.load(at + 4, real, 1.0)
    near = tl.load(limits).to(tl.float32, bitcast=True)
    far = tl.load(limits + 1).to(tl.float32, bitcast=True)
    steps = (1 << bits) - 1
    deep = (tl.load(depths + i, real, 0.0) - near) * (steps / tl.maximum(far - near, 1e-9))
    deep = tl.minimum(tl.maximum(deep, 0.0), 1.0 * steps).to(tl.int32)
    deep = tl.minimum(deep, steps)
    down, across = (h + _TILE - 1) // _TILE, (w + _TILE - 1) // _TILE
    first, rows = _rows(y, a, b, c, down)
    rows = tl.where(tiles > 0, rows, 0)
    for k in range(0, tl.max(rows, 0)):
        left, wide = _span(x, y, a, b, c, first + k, across)
        wide = tl.where(k < rows, wide, 0)
        for s in range(0, tl.max(wide, 0)):
            tile = (first + k) * across + left + s
            fits = (s < wide) & (slot + s < end)
            tl.store(keys + slot + s, ((tile - (1 << (31 - bits))) << bits) + deep, fits)
            tl.store(owner + slot + s, i, fits)
        slot += wide


@triton.jit  # type: ignore[untyped-decorator]
def blend(  # type: ignore[no-untyped-def]
    rows, starts, out, h, w, at_once: tl.constexpr, batch: tl.constexpr
):
    """The picture (h, w, 4) of Gaussians in order, ``rows`` (p, 9): colour on black, and the light left."""
    tile = tl.program_id(0)
    across = (w + _TILE - 1) // _TILE
    p = tl.arange(0, _TILE * _TILE)
    row, column = (tile // across) * _TILE + p // _TILE, (tile % across) * _TILE + p % _TILE
    inside = (row < h) & (column < w)
    px, py = column + 0.5, row + 0.5
    light = tl.where(inside, 1.0, 0.0)
    red = tl.zeros([_TILE * _TILE], tl.float32)
    green = tl.zeros([_TILE * _TILE], tl.float32)
    blue = tl.zeros([_TILE * _TILE], tl.float32)
    at, stop = tl.load(starts + tile), tl.load(starts + tile + 1)
    while at < stop:
        end = tl.minimum(at + batch, stop)
        for first in range(at, end, at_once):
            for k in tl.static_range(at_once):  # loads of several Gaussians are on their way together
                g = rows + tl.minimum(first + k, end - 1) * _FLAT
                dx, dy = px - tl.load(g), py - tl.load(g + 1)
                a, b, c = tl.load(g + 2), tl.load(g + 3), tl.load(g + 4)
                opacity = tl.where(first + k < end, tl.load(g + 5), 0.0)
                q = dx * (a * dx + (b + b) * dy) + c * dy * dy
                alpha = tl.minimum(opacity * tl.exp2(-q), OPAQUE)
                alpha = tl.where((q <= FAINTEST) & (light >= DARKEST), alpha, 0.0)
                weight = alpha * light
                red += weight * tl.load(g + 6)
                green += weight * tl.load(g + 7)
                blue += weight * tl.load(g + 8)
                light -= weight
        at = tl.where(tl.max(light, 0) >= DARKEST, end, stop)
    pixel = out + 4 * (row * w + column)
    tl.store(pixel, red, inside)
    tl.store(pixel + 1, green, inside)
    tl.store(pixel + 2, blue, inside)
    tl.store(pixel + 3, light, inside)


@triton.jit  # type: ignore[untyped-decorator]
def finish(  # type: ignore[no-untyped-def]
    blended, background, by_row, by_column, picture, h, w, channels: tl.constexpr, block: tl.constexpr
):
    """Bytes: over a background (h, w, 3) of 0..1 whose steps are given, or with straight alpha."""
    i = tl.program_id(0) * block + tl.arange(0, block)
    real = i < h * w
    light = tl.load(blended + 4 * i + 3, real, 1.0)
    for k in tl.static_range(3):
        value = tl.load(blended + 4 * i + k, real, 0.0)
        if channels == 3:
            value += light * tl.load(background + (i // w) * by_row + (i % w) * by_column + k, real, 0.0)
        else:
            value /= tl.maximum(1.0 - light, 1e-6)
        value = tl.minimum(tl.maximum(value, 0.0), 1.0)
        tl.store(picture + channels * i + k, (value * 255.0 + 0.5).to(tl.uint8), real)
    if channels == 4:
        tl.store(picture + 4 * i + 3, ((1.0 - light) * 255.0 + 0.5).to(tl.uint8), real)
