"""Gaussians to pictures on a GPU, and gradients back. Needs torch and triton.

A frame is: project (n) → running sum of the tiles that each touches → expand (p) → sort by tile and depth →
blend (t tiles). Nothing in it waits for the host, so that it can be recorded as a graph. Letters: n
Gaussians, t tiles, p pairs of a Gaussian and a tile that it touches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from voxrig.avatar.figure import Picture
from voxrig.errors import ModelError
from voxrig.types import Array

try:
    import torch as torch  # cuda_splat.py has it from here, and with it the sentence below
    import triton
    from torch import Tensor as Tensor
except ImportError as error:
    raise ModelError("Gaussians on a GPU need torch and triton; pip install torch triton") from error

from voxrig.render.splat import cuda_gradients, cuda_kernels

FIRST_ROOM = 8
"""Pairs of a Gaussian for which there is room at first."""
_BLOCK = 128
"""Gaussians that one program projects."""
_WARPS, _BACK_WARPS = 2, 2
"""Of 32 threads that blend a tile, and that carry gradients back from it: four pixels a thread."""
_AT_ONCE, _BATCH = 4, 32
"""Gaussians that are loaded together, and after which a tile looks whether any light is left."""
_LARGEST = 4080
"""Pixels of a side: keys keep 16 bits for the tile."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """Gaussians in the world, on the card: n of them, float32. Raises ValueError for other shapes."""

    means: Tensor  # (n, 3) metres
    covariances: Tensor  # (n, 6) xx xy xz yy yz zz, square metres
    colours: Tensor  # (n, 3)
    opacities: Tensor  # (n,)

    def __post_init__(self) -> None:
        n = len(self)
        for name, shape in (
            ("means", (n, 3)),
            ("covariances", (n, 6)),
            ("colours", (n, 3)),
            ("opacities", (n,)),
        ):
            found = tuple(getattr(self, name).shape)
            if found != shape:
                raise ValueError(f"{name} of {n} Gaussians must be {shape}, got {found}")

    def __len__(self) -> int:
        return len(self.means)


def on(device: str) -> torch.device:
    """The device of that name, on which these kernels can run. Raises ModelError where they cannot."""
    found = torch.device(device)
    if found.type == "cuda" and not torch.cuda.is_available():
        have = f"torch {torch.__version__} finds no CUDA device"
        raise ModelError(f"no GPU for Gaussians: {have}; draw them on the cpu")
    if found.type != "cuda" and isinstance(cuda_kernels.project, triton.JITFunction):
        raise ModelError(
            f"these kernels draw on 'cuda', not on '{device}'; take the rasteriser of the cpu there"
        )
    return found


def lens_of(view: Array, focal: float) -> Array:
    """A camera as kernels read it: (13,)."""
    return np.append(np.asarray(view, np.float32)[:3].reshape(-1), np.float32(focal)).astype(np.float32)


class Drawing:
    """Buffers of one size on the card, and the stages of a frame in them. For one thread at a time.

    ``blended`` (h, w, 4) float32 holds red, green and blue on black, and the light that is left.
    """

    def __init__(self, n: int, size: tuple[int, int], device: torch.device) -> None:
        h, w = size
        if not (0 < h <= _LARGEST and 0 < w <= _LARGEST):
            raise ValueError(f"a picture of {h} × {w}; sides from 1 to {_LARGEST} pixels")
        self.n, self.size, self.device = n, size, device
        self.tiles = -(-h // cuda_kernels.TILE) * -(-w // cuda_kernels.TILE)
        self.bits = min(22, 32 - self.tiles.bit_length())  # of a key that tell depth
        self.flat = self._new((max(1, n), cuda_kernels.FLAT))
        self._depths = self._new(n)
        self.count, self.ends = self._new(n, torch.int32), self._new(n, torch.int32)
        self._limits = self._new(2, torch.int32)
        self._no_limits = torch.tensor([1e6, 0.0], device=device).view(torch.int32)
        edges = (np.arange(self.tiles + 1) - (1 << (31 - self.bits))) << self.bits
        self._edges = torch.from_numpy(edges.astype(np.int32)).to(device)
        self.starts = self._new(self.tiles + 1, torch.int32)
        self.blended = self._new((h, w, 4))
        self.room = 0

    def make_room(self, pairs: int) -> None:
        """Take lists of that many pairs."""
        self.room = pairs
        self._keys, self._sorted = self._new(pairs, torch.int32), self._new(pairs, torch.int32)
        self._owner = torch.zeros(pairs, dtype=torch.int32, device=self.device)  # each is always a Gaussian
        self._sorted_owner = self._new(pairs, torch.int32)
        self.order, self.rows = self._new(pairs, torch.int64), self._new((pairs, cuda_kernels.FLAT))

    @property
    def pairs(self) -> int:
        """How many there are of the Gaussians projected last; waits for the card."""
        return int(self.ends[-1]) if self.n else 0

    def project(self, cloud: Cloud, lens: Tensor, shift: Tensor | None = None) -> None:
        """Gaussians to ellipses on the picture; counts the tiles that each touches."""
        h, w = self.size
        self._limits.copy_(self._no_limits)
        cuda_kernels.project[(self._blocks(),)](
            cloud.means, cloud.covariances, cloud.colours, cloud.opacities,
            cloud.means if shift is None else shift, lens,
            self.flat, self._depths, self.count, self._limits, self.n, h, w,
            shifted=shift is not None, block=_BLOCK,
        )  # fmt: skip
        torch.cumsum(self.count, 0, dtype=torch.int32, out=self.ends)

    def sort(self) -> None:
        """Lists of the tiles, the nearest Gaussian first."""
        h, w = self.size
        self._keys.fill_(2**31 - 1)  # what stays so is sorted behind all tiles
        cuda_kernels.expand[(self._blocks(),)](
            self.flat, self._depths, self.count, self.ends, self._limits, self._keys, self._owner,
            self.n, h, w, self.room, bits=self.bits, block=_BLOCK,
        )  # fmt: skip
        torch.sort(self._keys, dim=0, stable=True, out=(self._sorted, self.order))
        torch.searchsorted(self._sorted, self._edges, out_int32=True, out=self.starts)
        # Copies in order cost less than the blending's going after each Gaussian by its number.
        torch.index_select(self._owner, 0, self.order, out=self._sorted_owner)
        torch.index_select(self.flat, 0, self._sorted_owner, out=self.rows)

    def blend(self, warps: int = _WARPS, at_once: int = _AT_ONCE) -> None:
        """The picture on black. What programs are made of changes how long it takes, not what it shows."""
        cuda_kernels.blend[(self.tiles,)](
            self.rows, self.starts, self.blended, *self.size,
            at_once=at_once, batch=_BATCH, num_warps=warps,
        )  # fmt: skip

    def finish(self, background: Tensor | None, picture: Tensor) -> None:
        """Bytes over a background (h, w, 3) of 0..1, or with straight alpha where there is none."""
        h, w = self.size
        ground = self.blended if background is None else background
        cuda_kernels.finish[(-(-h * w // 256),)](
            self.blended, ground, ground.stride(0), ground.stride(1), picture, h, w,
            channels=picture.shape[2], block=256,
        )  # fmt: skip

    def unblend(self, gimage: Tensor, galpha: Tensor, warps: int = _BACK_WARPS) -> Tensor:
        """Gradients of the picture (h, w, 3) and of coverage (h, w) as sums of each pair: (p, 9)."""
        sums = torch.zeros((self.room, cuda_gradients.ROW), device=self.device)
        cuda_gradients.unblend[(self.tiles,)](
            self.rows, self.order, self.starts, self.blended, gimage, galpha, sums, *self.size, self.room,
            batch=_BATCH, num_warps=warps,
        )  # fmt: skip
        return sums

    def unproject(self, cloud: Cloud, lens: Tensor, sums: Tensor) -> tuple[Cloud, Tensor]:
        """Sums of each pair as gradients of Gaussians and of their shift (n, 2)."""
        n = self.n
        out = Cloud(*(self._new(shape) for shape in ((n, 3), (n, 6), (n, 3), (n,))))
        shift = self._new((n, 2))
        cuda_gradients.unproject[(max(1, -(-n // 32)),)](
            cloud.means, cloud.covariances, lens, self.flat, self.count, self.ends, sums,
            out.means, out.covariances, out.colours, out.opacities, shift, n, block=32, num_warps=1,
        )  # fmt: skip
        return out, shift

    def _blocks(self) -> int:
        return max(1, -(-self.n // _BLOCK))

    def _new(self, shape: int | tuple[int, ...], dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.empty(shape, dtype=dtype, device=self.device)


class CudaRaster:
    """Draws Gaussians of the caller; buffers stay from frame to frame. For one thread at a time."""

    def __init__(self, device: str = "cuda") -> None:
        self._device = on(device)
        self._drawing: Drawing | None = None

    def draw(
        self,
        means: Any,
        covariances: Any,
        colours: Any,
        opacities: Any,
        view: Array,
        focal: float,
        size: tuple[int, int],
        background: Any = None,
    ) -> Picture:
        """The picture of n Gaussians, as CpuRaster draws it.

        means: (n, 3) metres. covariances: (n, 6) xx xy xz yy yz zz. colours: (n, 3) sRGB. opacities: (n,)
        0..1; arrays, or tensors, which stay on the card if they are there. view: (4, 4) world to camera.
        focal: pixels. size: height and width. background: (3,) or (h, w, 3) sRGB 0..1, for a picture
        (h, w, 3); without it (h, w, 4) with straight alpha.
        """
        found = self.draw_device(means, covariances, colours, opacities, view, focal, size, background)
        return np.asarray(found.cpu().numpy())

    def draw_device(
        self,
        means: Any,
        covariances: Any,
        colours: Any,
        opacities: Any,
        view: Array,
        focal: float,
        size: tuple[int, int],
        background: Any = None,
    ) -> Tensor:
        """The same, left on the card."""
        cloud = Cloud(*(self._here(values) for values in (means, covariances, colours, opacities)))
        ground = None if background is None else self._under(background, size)
        drawing = self._drawing
        if drawing is None or (drawing.n, drawing.size) != (len(cloud), size):
            drawing = self._drawing = Drawing(len(cloud), size, self._device)
            drawing.make_room(max(256, FIRST_ROOM * len(cloud)))
        drawing.project(cloud, self._here(lens_of(view, focal)))
        if drawing.pairs > drawing.room:
            drawing.make_room(drawing.pairs * 5 // 4)
        drawing.sort()
        drawing.blend()
        picture = torch.empty((*size, 4 if ground is None else 3), dtype=torch.uint8, device=self._device)
        drawing.finish(ground, picture)
        return picture

    def _under(self, background: Any, size: tuple[int, int]) -> Tensor:
        """The background as (h, w, 3)."""
        found = self._here(background)
        if tuple(found.shape) not in ((3,), (*size, 3)):
            raise ValueError(f"background must be (3,) or {(*size, 3)}, got {tuple(found.shape)}")
        return found.expand(*size, 3)

    def _here(self, values: Any) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=self._device).contiguous()


def rasterise(
    means: Tensor,
    covariances: Tensor,
    colours: Tensor,
    opacities: Tensor,
    view: Array,
    focal: float,
    size: tuple[int, int],
    shift: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The picture (h, w, 3) on black and how much of each pixel is covered (h, w), with gradients.

    Tensors as in CudaRaster.draw; gradients go to all of them. ``shift`` (n, 2) moves Gaussians on the
    picture, in pixels: the gradient of zeros given there tells how each is pulled.
    """
    lens = torch.from_numpy(lens_of(view, focal)).to(on(str(means.device)))
    out: tuple[Tensor, Tensor] = _Rasterise.apply(means, covariances, colours, opacities, shift, lens, size)
    return out


class _Rasterise(torch.autograd.Function):  # type: ignore[misc]
    """Forward keeps the lists; backward goes through them once more."""

    @staticmethod
    def forward(
        ctx: Any,
        means: Tensor,
        covariances: Tensor,
        colours: Tensor,
        opacities: Tensor,
        shift: Tensor | None,
        lens: Tensor,
        size: tuple[int, int],
    ) -> tuple[Tensor, Tensor]:
        cloud = Cloud(*(_plain(x) for x in (means, covariances, colours, opacities)))
        drawing = Drawing(len(cloud), size, means.device)
        drawing.project(cloud, lens, None if shift is None else _plain(shift))
        drawing.make_room(max(1, drawing.pairs))
        drawing.sort()
        drawing.blend()
        ctx.kept = cloud, lens, drawing
        return drawing.blended[..., :3].clone(), 1 - drawing.blended[..., 3]

    @staticmethod
    def backward(ctx: Any, gimage: Tensor, galpha: Tensor) -> tuple[Tensor | None, ...]:
        cloud, lens, drawing = ctx.kept
        out, shift = drawing.unproject(cloud, lens, drawing.unblend(_plain(gimage), _plain(galpha)))
        moved = shift if ctx.needs_input_grad[4] else None
        return out.means, out.covariances, out.colours, out.opacities, moved, None, None


def _plain(values: Tensor) -> Tensor:
    return values.detach().float().contiguous()
