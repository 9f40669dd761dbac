"""Pictures of Gaussians through which gradients flow: on the CPU by kernels of ours, on CUDA by voxrig's."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from voxrig.types import Array
from voxrig_train.gaussian import raster_kernels as kernels


def rasterise(
    means: Tensor,
    covariances: Tensor,
    colours: Tensor,
    opacities: Tensor,
    view: Array,
    focal: float,
    size: tuple[int, int],
) -> tuple[Tensor, Tensor]:
    """The picture (h, w, 3) on black, and how much of each pixel is covered (h, w).

    ``means`` (n, 3) metres, ``covariances`` (n, 6) xx xy xz yy yz zz, ``colours`` (n, 3), ``opacities`` (n,)
    0..1, ``view`` (4, 4) world to camera as in OpenGL, ``focal`` in pixels. The rule by which they blend is
    in raster_kernels.py.
    """
    if means.is_cuda:
        from voxrig.render.splat import cuda

        return cuda.rasterise(means, covariances, colours, opacities, view, focal, size)
    out: tuple[Tensor, Tensor] = _Rasterise.apply(means, covariances, colours, opacities, view, focal, size)
    return out


class _Rasterise(torch.autograd.Function):
    """Forward keeps the list of each tile and the picture; backward goes through the lists once more."""

    @staticmethod
    def forward(
        ctx: Any,
        means: Tensor,
        covariances: Tensor,
        colours: Tensor,
        opacities: Tensor,
        view: Array,
        focal: float,
        size: tuple[int, int],
    ) -> tuple[Tensor, Tensor]:
        m, c, k, o = (_array(x) for x in (means, covariances, colours, opacities))
        n, (h, w) = len(m), size
        across, down = -(-w // kernels.TILE), -(-h // kernels.TILE)
        flat, depth = np.zeros((n, kernels.FLAT), np.float32), np.empty(n, np.float32)
        box = np.empty((n, 4), np.int32)
        kernels.flatten(m, c, k, o, view, focal, h, w, flat, depth, box)
        order = np.argsort(depth, kind="stable")
        start, first = np.empty(across * down + 1, np.int64), np.empty(n + 1, np.int64)
        kernels.count(box, order, across, start, first)
        lists, slots = np.empty(first[-1], np.int32), np.empty(first[-1], np.int64)
        kernels.fill(box, order, across, start, lists, slots)
        image, alpha = np.empty((h, w, 3), np.float32), np.empty((h, w), np.float32)
        ends = np.empty(across * down, np.int64)
        kernels.blend(flat, start, lists, h, w, image, alpha, ends)
        ctx.kept = m, c, view, focal, flat, order, first, slots, start, ends, lists, image, alpha
        return torch.from_numpy(image), torch.from_numpy(alpha)

    @staticmethod
    def backward(ctx: Any, gimage: Tensor, galpha: Tensor) -> tuple[Tensor | None, ...]:
        m, c, view, focal, flat, order, first, slots, start, ends, lists, image, alpha = ctx.kept
        n = len(m)
        rows = np.zeros((len(lists), kernels.FLAT), np.float32)
        kernels.unblend(flat, start, ends, lists, image, alpha, _array(gimage), _array(galpha), rows)
        out = [np.zeros(shape, np.float32) for shape in ((n, 3), (n, 6), (n, 3), (n,))]
        kernels.unflatten(m, c, view, focal, flat, order, first, slots, rows, *out)
        return *(torch.from_numpy(x) for x in out), None, None, None


def _array(values: Tensor) -> Array:
    out: Array = np.ascontiguousarray(values.detach().numpy(), np.float32)
    return out
