"""Which triangle is seen at each sample of a picture, and how near it is. Needs numba.

Samples are rows of bands; each band has a list of triangles that touch it, in the order of the mesh, and
is seen by one thread. So the result is the same however many threads there are; and what is seen may be
used while it still lies in the thread's cache.

``see`` is compiled into ``pixels.draw``, and numba's cache on disk watches only that file: whoever edits
this one deletes __pycache__.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from voxrig.avatar.figure import Figure
from voxrig.render.textures import Textures
from voxrig.types import Array

BAND = 64
"""Rows of samples in a band."""
_TALL, _WIDE = 16, 8
"""Samples of a tile whose farthest is kept."""
_CHUNKS = 16
"""Parts in which triangles are listed."""


class Visibility:
    """Sees one mesh at one size of samples (height, width)."""

    def __init__(
        self, figure: Figure, textures: Textures, size: tuple[int, int], antialias: bool = True
    ) -> None:
        """``antialias``: four samples make a pixel, so that edges within pictures may be soft, too."""
        self.size = size
        self._soft, self._faces = antialias, figure.faces
        looks = figure.materials
        self._double = np.array([m.double_sided for m in looks], np.bool_)[figure.material]
        self._cut = np.array([m.cutout > 0 for m in looks], np.bool_)[figure.material]
        self._masks = figure.uvs, figure.material, textures.covers, textures.levels, textures.counts
        self._rows = np.zeros((len(figure.faces), 2), np.int32)
        self._counts = np.zeros((_CHUNKS, -(-size[0] // BAND)), np.int32)
        self._lists = np.zeros(2 * len(figure.faces), np.int32)

    def sight(self, screen: Array) -> tuple[Any, ...]:
        """What ``see`` needs to look at points (v, 3): x and y in samples from the upper left corner, and one
        over the distance, not above 0 for what is behind."""
        height, width = self.size
        _counted(screen, self._faces, self._double, height, width, self._rows, self._counts)
        ends = np.cumsum(self._counts.T).reshape(self._counts.T.shape)
        first = np.ascontiguousarray((ends - self._counts.T).T)
        if ends[-1, -1] > len(self._lists):
            self._lists = np.zeros(2 * int(ends[-1, -1]), np.int32)
        _listed(self._rows, first.copy(), self._lists)
        bounds = np.concatenate([first[0], ends[-1, -1:]])
        return (screen, self._faces, self._cut, *self._masks, self._lists, bounds, height, self._soft)


@njit(parallel=True, cache=True)
def _counted(screen, faces, double, height, width, rows, counts):  # type: ignore[no-untyped-def]
    """Bands that each triangle touches, first and last, or none: rows (f, 2); and how many in each band."""
    for chunk in prange(counts.shape[0]):
        counts[chunk] = 0
        for t in range(chunk * len(faces) // counts.shape[0], (chunk + 1) * len(faces) // counts.shape[0]):
            rows[t, 0], rows[t, 1] = 0, -1
            a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
            if not (screen[a, 2] > 0 and screen[b, 2] > 0 and screen[c, 2] > 0):
                continue
            ax, ay, bx, by = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1]
            cx, cy = screen[c, 0], screen[c, 1]
            twice = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
            if not (twice < 0 or (double[t] and twice > 0)):  # y runs downwards, so the front is negative
                continue
            top = _first(min(ay, min(by, cy)), height)
            low = _first(max(ay, max(by, cy)), height)
            left = _first(min(ax, min(bx, cx)), width)
            right = _first(max(ax, max(bx, cx)), width)
            if top >= low or left >= right:
                continue
            rows[t, 0], rows[t, 1] = top // BAND, (low - 1) // BAND
            for band in range(rows[t, 0], rows[t, 1] + 1):
                counts[chunk, band] += 1


@njit(cache=True)
def _first(edge, size):  # type: ignore[no-untyped-def]
    """The first sample whose middle is not before an edge, within 0..size."""
    return np.int64(np.ceil(min(max(edge - np.float32(0.5), np.float32(0)), np.float32(size))))


@njit(parallel=True, cache=True)
def _listed(rows, place, lists):  # type: ignore[no-untyped-def]
    for chunk in prange(place.shape[0]):
        for t in range(chunk * len(rows) // place.shape[0], (chunk + 1) * len(rows) // place.shape[0]):
            for band in range(rows[t, 0], rows[t, 1] + 1):
                lists[place[chunk, band]] = t
                place[chunk, band] += 1


@njit(cache=True, inline="always")
def see(sight, band, near, triangle):  # type: ignore[no-untyped-def]
    """Fills a band's rows (BAND, width): ``triangle`` int32, -1 where there is none; ``near`` float32, one
    over the distance along the line of sight, 1/m, and 0 there."""
    screen, faces, cut, uvs, material, covers, levels, counts, lists, bounds, height, soft = sight
    rows, width = near.shape
    first = band * rows
    last = min(first + rows, height)
    near[:] = 0
    triangle[:] = -1
    behind = 0
    for e in range(bounds[band], bounds[band + 1]):
        t = lists[e]
        if cut[t]:
            behind += 1
        else:
            _fill(t, screen, faces, first, last, near, triangle)
    if behind:
        sorted_ = _nearest_first(lists, bounds[band], bounds[band + 1], behind, cut, faces, screen)
        # The farthest that is seen in each tile; below 0 where that is not known.
        far = np.full((rows // _TALL, (width + _WIDE - 1) // _WIDE), np.float32(-1), np.float32)
        for e in range(behind):
            t = sorted_[e]
            _sift(
                t, screen, faces, uvs, material[t], covers, levels, counts, first, last, near, triangle,
                far, soft,
            )  # fmt: skip
        if soft:
            _doubled(cut, near, triangle)


@njit(cache=True)
def _nearest_first(lists, start, stop, count, cut, faces, screen):  # type: ignore[no-untyped-def]
    """The masked ones of a band, in 64 steps of distance: what is hidden is then soon known to be."""
    keys = np.empty(count, np.float32)
    which = np.empty(count, np.int32)
    n = 0
    low, high = np.float32(1e30), np.float32(0)
    for e in range(start, stop):
        t = lists[e]
        if cut[t]:
            key = screen[faces[t, 0], 2] + screen[faces[t, 1], 2] + screen[faces[t, 2], 2]
            low, high = min(low, key), max(high, key)
            keys[n], which[n] = key, t
            n += 1
    scale = np.float32(63.9) / max(high - low, np.float32(1e-9))
    place = np.zeros(65, np.int64)
    for i in range(count):
        keys[i] = np.floor((high - keys[i]) * scale)
        place[np.int64(keys[i]) + 1] += 1
    for i in range(64):
        place[i + 1] += place[i]
    out = np.empty(count, np.int32)
    for i in range(count):
        step = np.int64(keys[i])
        out[place[step]] = which[i]
        place[step] += 1
    return out


@njit(cache=True, inline="always")
def _edges(t, screen, faces):  # type: ignore[no-untyped-def]
    """Corners of a triangle from the top down."""
    a, b, c = np.uint64(faces[t, 0]), np.uint64(faces[t, 1]), np.uint64(faces[t, 2])
    if screen[b, 1] < screen[a, 1]:
        a, b = b, a
    if screen[c, 1] < screen[b, 1]:
        b, c = c, b
        if screen[b, 1] < screen[a, 1]:
            a, b = b, a
    return a, b, c


# No fastmath: two triangles that share an edge must find the very same crossings, or holes show.
@njit(cache=True, forceinline=True)
def _fill(t, screen, faces, first, last, near, triangle):  # type: ignore[no-untyped-def]
    """Draws an opaque triangle into rows first..last of the picture, those of the band."""
    half, zero = np.float32(0.5), np.float32(0)
    a, b, c = _edges(np.uint64(t), screen, faces)
    ax, ay, az = screen[a, 0], screen[a, 1], screen[a, 2]
    bx, by, bz = screen[b, 0], screen[b, 1], screen[b, 2]
    cx, cy, cz = screen[c, 0], screen[c, 1], screen[c, 2]
    twice = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    if twice == 0:
        return
    inverse = np.float32(1) / twice
    zx = ((bz - az) * (cy - ay) - (cz - az) * (by - ay)) * inverse
    zy = ((cz - az) * (bx - ax) - (bz - az) * (cx - ax)) * inverse
    whole = (cx - ax) / (cy - ay) if cy > ay else zero
    upper = (bx - ax) / (by - ay) if by > ay else zero
    lower = (cx - bx) / (cy - by) if cy > by else zero
    width = near.shape[1]
    edge = np.float32(width)
    for y in range(max(_first(ay, last), first), _first(cy, last)):
        middle = np.float32(y) + half
        down = middle - ay
        left = ax + down * whole - half
        right = (ax + down * upper if middle < by else bx + (middle - by) * lower) - half
        if right < left:
            left, right = right, left
        x0 = np.int64(np.ceil(min(max(left, zero), edge)))
        x1 = np.int64(np.ceil(min(max(right, zero), edge)))
        row = az + down * zy + (half - ax) * zx
        i = np.uint64(y - first)
        for x in range(x0, x1):
            z = row + np.float32(x) * zx
            j = np.uint64(x)
            if z > near[i, j]:
                near[i, j] = z
                triangle[i, j] = t


@njit(cache=True, forceinline=True)
def _sift(  # type: ignore[no-untyped-def]
    t, screen, faces, uvs, m, covers, levels, counts, first, last, near, triangle, far, soft
):
    """Draws a masked triangle into rows first..last, where its picture covers.

    If edges are soft, its picture is looked up once for four samples, those of every second row, since
    strands are many and fine: half covered, the left one is drawn, and the right one, too, if all is.
    """
    half, zero, one = np.float32(0.5), np.float32(0), np.float32(1)
    step = 2 if soft else 1
    pitch = np.float32(step)
    centre, each = pitch * half, one / pitch
    a, b, c = _edges(np.uint64(t), screen, faces)
    ax, ay, az = screen[a, 0], screen[a, 1], screen[a, 2]
    bx, by, bz = screen[b, 0], screen[b, 1], screen[b, 2]
    cx, cy, cz = screen[c, 0], screen[c, 1], screen[c, 2]
    twice = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    if twice == 0:
        return
    width = near.shape[1]
    top, low = max(_first(ay, last), first), _first(cy, last)
    nearest = max(az, max(bz, cz))
    inverse = one / twice
    zx = ((bz - az) * (cy - ay) - (cz - az) * (by - ay)) * inverse
    zy = ((cz - az) * (bx - ax) - (bz - az) * (cx - ax)) * inverse
    whole = (cx - ax) / (cy - ay) if cy > ay else zero
    upper = (bx - ax) / (by - ay) if by > ay else zero
    lower = (cx - bx) / (cy - by) if cy > by else zero
    # Texture coordinates over distance run straight on the screen.
    ua, va, ub, vb = uvs[a, 0] * az, uvs[a, 1] * az, uvs[b, 0] * bz, uvs[b, 1] * bz
    uc, vc = uvs[c, 0] * cz, uvs[c, 1] * cz
    ux = ((ub - ua) * (cy - ay) - (uc - ua) * (by - ay)) * inverse
    uy = ((uc - ua) * (bx - ax) - (ub - ua) * (cx - ax)) * inverse
    vx = ((vb - va) * (cy - ay) - (vc - va) * (by - ay)) * inverse
    vy = ((vc - va) * (bx - ax) - (vb - va) * (cx - ax)) * inverse
    area = (uvs[b, 0] - uvs[a, 0]) * (uvs[c, 1] - uvs[a, 1])
    area -= (uvs[c, 0] - uvs[a, 0]) * (uvs[b, 1] - uvs[a, 1])
    texels = abs(area * inverse) * np.float32(levels[m, 0, 1] * levels[m, 0, 2])
    level = 0
    while texels > np.float32(2) and level < counts[m] - 1:
        texels *= np.float32(0.25)
        level += 1
    base, across = levels[m, level, 0], levels[m, level, 2]
    high, side = levels[m, level, 1] - 1, across - 1  # sides are powers of two
    tall, wide = np.float32(levels[m, level, 1]), np.float32(across)
    scale = np.float32(65536)
    for part in range((top - first) // _TALL, (low - first + _TALL - 1) // _TALL):
        y0 = first + part * _TALL
        # How far the triangle reaches to both sides within these rows.
        upmost, lowest = np.float32(max(y0, top)) + half, np.float32(min(y0 + _TALL, low)) - half
        l0, l1 = ax + (upmost - ay) * whole, ax + (lowest - ay) * whole
        r0 = ax + (upmost - ay) * upper if upmost < by else bx + (upmost - by) * lower
        r1 = ax + (lowest - ay) * upper if lowest < by else bx + (lowest - by) * lower
        left, right = min(min(l0, l1), min(r0, r1)), max(max(l0, l1), max(r0, r1))
        if upmost < by < lowest:
            left, right = min(left, bx), max(right, bx)
        x0, x1 = _first(left, width), _first(right, width)
        if x0 >= x1:
            continue
        x0, x1 = x0 // _WIDE, (x1 - 1) // _WIDE
        open_, shut = width, 0
        flat = az + (np.float32(y0 + _TALL // 2) - ay) * zy + abs(zy) * np.float32(_TALL // 2)
        for tile in range(x0, x1 + 1):
            if far[part, tile] < 0:
                far[part, tile] = _farthest(near, y0 - first, tile, step)
            z = flat + (np.float32(tile * _WIDE + _WIDE // 2) - ax) * zx + abs(zx) * np.float32(_WIDE // 2)
            if far[part, tile] < min(nearest, z):
                open_ = min(open_, tile * _WIDE)
                shut = tile * _WIDE + _WIDE
        if open_ >= shut:
            continue
        edge_left, edge_right = np.float32(open_ // step), np.float32(min(shut, width) // step)
        written = False
        begin = max(y0, top)
        for y in range(begin + (begin & 1) * (step - 1), min(y0 + _TALL, low), step):
            middle = np.float32(y) + half
            down = middle - ay
            left = (ax + down * whole - centre) * each
            right = ((ax + down * upper if middle < by else bx + (middle - by) * lower) - centre) * each
            if right < left:
                left, right = right, left
            x_first = np.int64(np.ceil(min(max(left, edge_left), edge_right)))
            x_last = np.int64(np.ceil(min(max(right, edge_left), edge_right)))
            if x_first >= x_last:
                continue
            offset = centre - ax
            row, slope = az + down * zy + offset * zx, zx * pitch
            if not _nearer(near, y - first, x_first, x_last, row, slope, step):
                continue
            # Over one row of a strand's triangle the picture may run straight between its ends.
            start, stop = np.float32(x_first), np.float32(x_last - 1)
            z0, z1, steps = row + start * slope, row + stop * slope, max(stop - start, one)
            once = scale / (z0 * z1 * steps)  # the one division for all three
            over, under, apart = z1 * steps * once, z0 * steps * once, z0 * z1 * once / scale
            u_row, v_row = ua + down * uy + offset * ux, va + down * vy + offset * vx
            u0 = (u_row + start * pitch * ux) * over * wide
            v0 = (v_row + start * pitch * vx) * over * tall
            du = np.int64(((u_row + stop * pitch * ux) * under * wide - u0) * apart)
            dv = np.int64(((v_row + stop * pitch * vx) * under * tall - v0) * apart)
            tx, ty = np.int64(u0), np.int64(v0)
            i = np.uint64(y - first)
            for x in range(x_first, x_last):
                z = row + np.float32(x) * slope
                cover = covers[np.uint64(base + ((ty >> 16) & high) * across + ((tx >> 16) & side))]
                tx += du
                ty += dv
                for k in range(step):
                    j = np.uint64(x * step + k)
                    if z > near[i, j] and cover > (64 + 128 * k if soft else 127):
                        near[i, j] = z
                        triangle[i, j] = t
                        written = True
        if written:
            for tile in range(open_ // _WIDE, (shut + _WIDE - 1) // _WIDE):
                far[part, tile] = -1


@njit(cache=True)
def _doubled(cut, near, triangle):  # type: ignore[no-untyped-def]
    """Gives what is masked the rows that were left out."""
    for y in range(0, near.shape[0], 2):
        i, j = np.uint64(y), np.uint64(y + 1)
        for x in range(near.shape[1]):
            k = np.uint64(x)
            if near[i, k] > near[j, k] and cut[np.uint64(triangle[i, k])]:
                near[j, k] = near[i, k]
                triangle[j, k] = triangle[i, k]


@njit(cache=True, fastmath=True, forceinline=True)
def _nearer(near, y, first, last, row, slope, step):  # type: ignore[no-untyped-def]
    """Whether anything of a row is nearer than what is there: most is not, and this is quick."""
    count = np.int32(0)
    i, start, side = np.uint64(y), np.int32(first), np.uint64(step - 1)
    for k in range(np.int32(last - first)):
        x = start + k
        z = row + np.float32(x) * slope
        j = np.uint64(x * np.int32(step))
        count += np.int32(1) if z > min(near[i, j], near[i, j | side]) else np.int32(0)
    return count > 0


@njit(cache=True, fastmath=True, forceinline=True)
def _farthest(near, top, tile, step):  # type: ignore[no-untyped-def]
    """The least of a tile, and 0 for one that the picture's right edge cuts."""
    left = tile * _WIDE
    if left + _WIDE > near.shape[1]:
        return np.float32(0)
    least = np.float32(1e30)
    for y in range(0, _TALL, step):
        for x in range(_WIDE):
            z = near[np.uint64(top + y), np.uint64(left + x)]
            least = z if z < least else least
    return least
