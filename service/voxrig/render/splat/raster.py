"""Draws Gaussians on the CPU: nothing is known of faces here. Needs the extra render."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from voxrig.avatar.figure import Index, Picture
from voxrig.render.splat import project, tiles
from voxrig.types import Array

_CHUNKS = 8
"""Parts of the ellipses that are sorted into tiles at a time."""
_STRIPES = 61
"""Parts of the picture that threads take; it has no divisor in common with usual counts of tiles."""
_PAIRS = 8
"""Tiles that a Gaussian touches, at first; the lists grow when they must."""


class CpuRaster:
    """Draws Gaussians; takes memory only when their number or the size changes. For one thread at a time."""

    _depth: Array
    _ellipses: Array
    _ground: Array
    _scratch: Array
    _opaque: Picture
    _clear: Picture
    _index: Index
    _spare: Index
    _lists: Index
    _counts: Index
    _start: Index
    _many: Index
    _touched: Index
    _key: NDArray[np.uint32]
    _spare_key: NDArray[np.uint32]

    def __init__(self) -> None:
        self._count, self._size = 0, (0, 0)
        self.seen = 0
        """Gaussians in the last picture."""
        self.pairs = 0
        """How often they touched a tile."""

    def draw(
        self,
        means: Array,
        covariances: Array,
        colours: Array,
        opacities: Array,
        view: Array,
        focal: float,
        size: tuple[int, int],
        background: Array | None = None,
    ) -> Picture:
        """The picture of n Gaussians, valid until the next call.

        means: (n, 3) metres. covariances: (n, 6) xx xy xz yy yz zz. colours: (n, 3) sRGB. opacities: (n,)
        0..1, all float32. view: (4, 4) world to camera. focal: pixels. size: height and width. background:
        (3,) or (h, w, 3) sRGB 0..1, for a picture (h, w, 3); without it (h, w, 4) with straight alpha.
        """
        height, width = size
        self._hold(len(means), size)
        tall, wide, zoom = np.float32(height), np.float32(width), np.float32(focal)
        where = np.ascontiguousarray(view, np.float32)
        project.depths(means, covariances, opacities, where, zoom, tall, wide, self._depth)
        self.seen = project.order(self._depth, self._index, self._key, self._spare, self._spare_key)
        project.ellipses(
            self._index, self.seen, means, covariances, colours, opacities, where, zoom, tall, wide,
            self._ellipses,
        )  # fmt: skip
        columns, rows = -(-width // tiles.SIDE), -(-height // tiles.SIDE)
        self._count_tiles(columns, rows)
        tiles.fill(self.seen, self._counts, self._many, self._touched, self._lists)
        self._lists[self.pairs : self.pairs + tiles.AHEAD] = 0
        out = self._clear if background is None else self._opaque
        ground = self._ground if background is None else self._under(background)
        tiles.blend(self._ellipses, self._start, self._lists, columns, rows, ground, self._scratch, out)
        return out

    def _count_tiles(self, columns: int, rows: int) -> None:
        """Counts what touches which tile, with as much memory as that takes."""
        while True:
            tiles.count(
                self._ellipses, self.seen, columns, rows, self._counts, self._many, self._touched
            )  # fmt: skip
            longest = int(self._counts.sum(1).max())
            if longest <= self._touched.shape[1]:
                break
            self._touched = np.zeros((_CHUNKS, longest * 5 // 4), np.int32)
        self.pairs = tiles.starts(self._counts, columns * rows, self._start)
        if self.pairs + tiles.AHEAD > len(self._lists):
            self._lists = np.zeros(self.pairs * 5 // 4 + tiles.AHEAD, np.int32)

    def _under(self, background: Array) -> Array:
        """The background as (h, w, 3)."""
        if background.shape == self._ground.shape:
            return np.ascontiguousarray(background, np.float32)
        if background.shape != (3,):
            raise ValueError(f"background must be (3,) or {self._ground.shape}, got {background.shape}")
        self._ground[:] = background
        return self._ground

    def _hold(self, count: int, size: tuple[int, int]) -> None:
        """Memory for that many Gaussians and pixels."""
        if count != self._count or not self._count:
            self._count = count
            self._depth = np.zeros(count, np.float32)
            self._index, self._spare = np.zeros(count, np.int32), np.zeros(count, np.int32)
            self._key, self._spare_key = np.zeros(count, np.uint32), np.zeros(count, np.uint32)
            self._ellipses = _aligned(max(count, 1), project.FIELDS)
            self._many = np.zeros(count, np.int32)
            self._touched = np.zeros((_CHUNKS, count * _PAIRS // _CHUNKS + 1), np.int32)
            self._lists = np.zeros(count * _PAIRS + tiles.AHEAD, np.int32)
        if size != self._size:
            height, width = size
            if height < 1 or width < 1:
                raise ValueError(f"a picture must be 1 by 1 pixel at least, got {height} by {width}")
            self._size = size
            count = -(-width // tiles.SIDE) * -(-height // tiles.SIDE)
            self._counts = np.zeros((_CHUNKS, count), np.int32)
            self._start = np.zeros(count + 1, np.int32)
            self._scratch = _aligned(_STRIPES, 4 * tiles.SIDE**2)
            self._ground = np.zeros((height, width, 3), np.float32)
            self._opaque = np.zeros((height, width, 3), np.uint8)
            self._clear = np.zeros((height, width, 4), np.uint8)


def _aligned(rows: int, columns: int) -> Array:
    """Zeros whose rows of 16 numbers each lie in one line of the cache, 64 bytes."""
    raw = np.zeros(rows * columns + 16, np.float32)
    first = -raw.ctypes.data // 4 % 16
    return raw[first : first + rows * columns].reshape(rows, columns)
