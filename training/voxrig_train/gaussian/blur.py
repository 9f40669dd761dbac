"""The Gaussian window of SSIM over maps, with its gradient: a kernel on the CPU, matrices elsewhere."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numba import njit, prange
from torch import Tensor

from voxrig.types import Array

SIGMA, REACH = 1.5, 5
"""Of the window, pixels: 11 × 11, as Wang et al. (2004) have it."""


def blurred(maps: Tensor) -> Tensor:
    """Means of maps (c, h, w) about each pixel. At the rim the window is cut off, and what is left counts."""
    if maps.is_cuda:
        down, across = (_matrix(size).to(maps.device) for size in maps.shape[1:])
        return down @ maps @ across.T
    out: Tensor = _Blurred.apply(maps)
    return out


class _Blurred(torch.autograd.Function):
    """The window is symmetric: back is the same, but what the rim lacks is made up for before."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor) -> Tensor:
        h, w = maps.shape[1:]
        return torch.from_numpy(_swept(maps.detach().numpy())) / _whole(h, w)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        h, w = gradient.shape[1:]
        return torch.from_numpy(_swept((gradient / _whole(h, w)).numpy()))


@lru_cache(maxsize=8)
def _whole(h: int, w: int) -> Tensor:
    """How much of the window lies inside the picture (h, w)."""
    return torch.from_numpy(_swept(np.ones((1, h, w), np.float32)))[0]


@lru_cache(maxsize=8)
def _matrix(size: int) -> Tensor:
    at = torch.arange(size, dtype=torch.float32)
    apart = at[:, None] - at
    out = torch.exp(-apart.square() / (2 * SIGMA**2)) * (apart.abs() <= REACH)
    return out / out.sum(1, keepdim=True)


def _taps() -> Array:
    out = np.exp(-0.5 * np.square(np.arange(-REACH, REACH + 1) / SIGMA))
    return np.asarray(out / out.sum(), np.float32)


def _swept(maps: Array) -> Array:
    maps = np.ascontiguousarray(maps, np.float32)
    out = np.empty_like(maps)
    _sweep(maps, _taps(), out)
    return out


@njit(parallel=True, fastmath=True, cache=True)
def _sweep(maps, taps, out):  # type: ignore[no-untyped-def]
    """Weighted sums over rows, then over columns; nothing lies beyond the rim."""
    c, h, w = maps.shape
    reach = len(taps) // 2
    for r in prange(c * h):
        m, y = r // h, r % h
        row = np.zeros(w + 2 * reach, np.float32)
        for k in range(len(taps)):
            v = y + k - reach
            if 0 <= v < h:
                t = taps[k]
                for x in range(w):
                    row[x + reach] += t * maps[m, v, x]
        for x in range(w):
            out[m, y, x] = np.float32(0)
        for k in range(np.uint64(len(taps))):
            t = taps[k]
            for x in range(np.uint64(w)):
                out[m, y, x] += t * row[x + k]
