"""A head of Gaussians as a renderer that lives on a GPU. Needs the extra render, torch and triton.

A frame sends some two hundred numbers to the card. All else stays there: shapes, triangles, Gaussians, lists
and the picture. The launches of a frame are recorded once as a graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxrig.avatar.figure import TURNS, Figure, Picture
from voxrig.render.background import Background
from voxrig.render.camera import Camera
from voxrig.render.posing import Posing
from voxrig.render.splat import cuda, cuda_pose
from voxrig.render.splat.binding import one_sided
from voxrig.render.splat.cuda import Cloud, Drawing, Tensor, torch
from voxrig.render.splat.gaussians import Gaussians
from voxrig.rigs.native import NATIVE
from voxrig.types import Array

_LENS, _EYE, _TURNS, _WEIGHTS = 0, 13, 16, 76
"""Where in what a frame sends begin: the camera, its place, turns (5, 3, 4) and weights of shapes. How far
bases go is last."""


@dataclass(frozen=True, eq=False)
class _Body:
    """A figure on the card."""

    points: Tensor  # (v, 3) at rest
    start: Tensor  # (v + 1,) as in Moves
    shape: Tensor
    by: Tensor
    shares: Tensor  # (v, 5)


@dataclass(frozen=True, eq=False)
class _Riders:
    """Gaussians on the card. Numbers of one kind lie together, so that neighbours are read at once."""

    corners: Tensor  # (n, 3) vertices
    still: Tensor  # (16, n): see cuda_pose.bind
    one_sided: Tensor  # (n,) bytes
    moves: Tensor  # (k, 13, n) half floats
    harmonics: Tensor  # (m, 3, n)


class CudaSplat:
    """Draws Gaussians bound to a figure, on a GPU. ``camera`` may be set between frames.

    ``cloud`` holds where they are, ``drawing`` the lists and the picture on black, both of the last frame.
    """

    def __init__(
        self,
        figure: Figure,
        gaussians: Gaussians,
        camera: Camera,
        size: tuple[int, int] = (512, 512),
        background: Background | None = None,
        device: str = "cuda",
    ) -> None:
        """Raises ModelError without a GPU, ValueError for Gaussians with a listener: see Splat for those."""
        if gaussians.listener:
            raise ValueError("a listener moves these Gaussians; Splat draws them")
        ground = background or Background()
        self.camera, self.size, self.transparent = camera, size, ground.transparent
        self._device = place = cuda.on(device)
        self._ground = None if ground.transparent else _on(place, ground.paint(size) / np.float32(255))
        self._posing, self._bases = Posing(figure), gaussians.bases
        self._based = np.array([NATIVE.index(name) for name in _curves(gaussians)], np.int64)
        self._body, self._riders = _body(figure, place), _riders(figure, gaussians, place)
        n, self._shapes = len(gaussians), len(figure.shapes)
        sent = torch.zeros(_WEIGHTS + self._shapes + len(self._riders.moves))
        self._sent = sent.pin_memory() if place.type == "cuda" else sent
        self._got = sent.to(place)
        self._points = torch.zeros((len(figure.points), 3), device=place)
        self.cloud = Cloud(*(torch.zeros(shape, device=place) for shape in ((n, 3), (n, 6), (n, 3), (n,))))
        self.drawing = Drawing(n, size, place)
        self.drawing.make_room(max(256, cuda.FIRST_ROOM * n))
        self._picture = torch.zeros((*size, 4 if ground.transparent else 3), dtype=torch.uint8, device=place)
        self._graph: Any = None

    def draw(self, values: Array) -> Picture:
        """The picture for values (c,) of the native rig, valid until the next call: see Renderer."""
        return np.asarray(self.draw_device(values).cpu().numpy())

    def draw_device(self, values: Array) -> Tensor:
        """The same, left on the card."""
        self._send(values)
        self._run()
        if self.drawing.pairs > self.drawing.room:
            self.drawing.make_room(self.drawing.pairs * 5 // 4)
            self._graph = None
            self._run()
        return self._picture

    def _send(self, values: Array) -> None:
        sent, shapes = self._sent.numpy(), slice(_WEIGHTS, _WEIGHTS + self._shapes)
        sent[_LENS:_EYE] = cuda.lens_of(self.camera.view(), self.camera.focal(self.size[0]))
        sent[_EYE:_TURNS] = self.camera.eye
        sent[_TURNS:_WEIGHTS] = self._posing.turns(values).reshape(-1)
        sent[shapes] = self._posing.weights(values)
        if self._bases is not None:
            sent[shapes.stop :] = self._bases.mix @ np.append(values[self._based], np.float32(1))
        self._got.copy_(self._sent, non_blocking=True)

    def _run(self) -> None:
        if self._device.type != "cuda":
            self._frame()
            return
        if self._graph is None:
            self._graph = _recorded(self._frame)
        self._graph.replay()

    def stages(self) -> dict[str, Callable[[], None]]:
        """All launches of a frame, by name and in order; none waits for the card."""
        return {
            "pose": self._pose,
            "project": lambda: self.drawing.project(self.cloud, self._got[_LENS:]),
            "sort": self.drawing.sort,
            "blend": self.drawing.blend,
            "finish": lambda: self.drawing.finish(self._ground, self._picture),
        }

    def _frame(self) -> None:
        for stage in self.stages().values():
            stage()

    def _pose(self) -> None:
        """Gaussians to where what was sent last takes them."""
        body, riders, cloud, got = self._body, self._riders, self.cloud, self._got
        v, n, bases = len(self._points), len(cloud), len(riders.moves)
        cuda_pose.pose[(-(-v // 64),)](
            body.points, body.start, body.shape, body.by, body.shares, got[_WEIGHTS:], got[_TURNS:],
            self._points, v, block=64, num_warps=2,
        )  # fmt: skip
        cuda_pose.bind[(max(1, -(-n // 128)),)](
            self._points, riders.corners, riders.still, riders.one_sided, riders.moves,
            got[_WEIGHTS + self._shapes :], riders.harmonics,
            got[_EYE:], got[_TURNS + 12 * TURNS.index("head") :],
            cloud.means, cloud.covariances, cloud.colours, cloud.opacities, n, bases,
            moved=bases > 0, lobes=riders.harmonics.shape[0], block=128,
        )  # fmt: skip


def _curves(gaussians: Gaussians) -> tuple[str, ...]:
    return () if gaussians.bases is None else gaussians.bases.shapes


def _body(figure: Figure, device: torch.device) -> _Body:
    moves = figure.moves
    start, shape = (_on(device, np.asarray(each, np.int32)) for each in (moves.start, moves.shape))
    return _Body(_on(device, figure.points), start, shape, _on(device, moves.by), _on(device, figure.shares))


def _riders(figure: Figure, gaussians: Gaussians, device: torch.device) -> _Riders:
    n, bases, last = len(gaussians), gaussians.bases, len(figure.faces) - 1
    if n and not 0 <= int(gaussians.triangle.min()) <= int(gaussians.triangle.max()) <= last:
        raise ValueError(f"Gaussians hang on triangles beyond the {last + 1} of the figure")
    still = (gaussians.corner, gaussians.offset, gaussians.rotation, gaussians.scale,
             gaussians.opacity[:, None], gaussians.colour)  # fmt: skip
    moves = np.zeros((0, 13, n)) if bases is None else bases.moves.transpose(0, 2, 1)
    return _Riders(
        _on(device, np.asarray(figure.faces[gaussians.triangle], np.int32)),
        _on(device, np.concatenate(still, 1).T.astype(np.float32)),
        _on(device, one_sided(figure, gaussians).astype(np.uint8)),
        _on(device, moves.astype(np.float16)),
        _on(device, gaussians.harmonics.transpose(1, 2, 0).astype(np.float32)),
    )


def _on(device: torch.device, values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)


def _recorded(work: Callable[[], None]) -> Any:
    """Launches on the card as a graph that can be run again."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(2):  # compiles kernels and lets torch take the memory that it wants
            work()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph
