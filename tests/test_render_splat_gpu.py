"""Gaussians on a GPU: the same pictures as by hand and as on the CPU, and true gradients.

Where there is no card, Triton's interpreter runs the same kernels. It must be chosen before they are
imported, so that pictures are made in a process of their own (the end of this file) and judged here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs the extra render")
pytest.importorskip("torch", reason="Gaussians on a GPU need torch")
pytest.importorskip("triton", reason="Gaussians on a GPU need triton")

import torch
from torch import Tensor

from voxrig.avatar.figure import Figure, Material, Moves
from voxrig.errors import ModelError
from voxrig.render.background import Background
from voxrig.render.camera import Camera
from voxrig.render.splat import Bases, CpuRaster, Gaussians, Splat
from voxrig.rigs.native import NATIVE
from voxrig.types import Array

CARD = torch.cuda.is_available()
if not CARD:  # older interpreters cannot count loops with numpy 2.4; compiled kernels do not mind
    pytest.importorskip("triton", "3.7", reason="Triton's interpreter is too old")
FOCAL = 120.0
NAMES = ("means", "covariances", "colours", "opacities", "shift")
GREY = np.array([0.2, 0.3, 0.4], np.float32)


@dataclass(frozen=True, eq=False)
class Cloud:
    """Gaussians in the world: n of them."""

    means: Array  # (n, 3)
    covariances: Array  # (n, 6)
    colours: Array  # (n, 3)
    opacities: Array  # (n,)

    def __getitem__(self, which: np.ndarray) -> Cloud:
        return Cloud(*(each[which] for each in self.arrays()))

    def arrays(self) -> tuple[Array, ...]:
        return self.means, self.covariances, self.colours, self.opacities


def cloud(n: int, seed: int = 0, large: float = 0.012) -> Cloud:
    """Gaussians of all kinds: thin and round, faint and, in part, more than opaque."""
    rng = np.random.default_rng(seed)
    axes = rng.normal(size=(n, 3, 3)) * large * np.exp(rng.uniform(-1, 1, (n, 1, 3)))
    whole = axes @ axes.transpose(0, 2, 1)
    numbers = (
        rng.normal(size=(n, 3)) * 0.1,
        whole.reshape(n, 9)[:, [0, 1, 2, 4, 5, 8]],
        rng.random((n, 3)),
        rng.uniform(0.05, 1.2, n),
    )
    return Cloud(*(np.asarray(each, np.float32) for each in numbers))


def view() -> Array:
    return Camera(np.array([0.3, 0.2, 0.7], np.float32), np.zeros(3, np.float32), 0.5).view()


def by_hand(given: list[Tensor], size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The rule, Gaussian by Gaussian over all pixels, in doubles: the picture on black, and coverage."""
    means, spread, colours, opacities, shift = given
    v = torch.from_numpy(view()).double()
    x, y, z = (means @ v[:3, :3].T + v[:3, 3]).T
    depth, none = -z, torch.zeros_like(z)
    slopes = torch.stack(
        [FOCAL / depth, none, FOCAL * x / depth**2, none, -FOCAL / depth, -FOCAL * y / depth**2], 1
    )
    slopes = slopes.reshape(-1, 2, 3) @ v[:3, :3]
    flat = slopes @ spread[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 3, 3) @ slopes.transpose(1, 2)
    inverse = torch.linalg.inv(flat + 0.3 * torch.eye(2, dtype=torch.float64))
    at = torch.stack([size[1] / 2 + FOCAL * x / depth, size[0] / 2 - FOCAL * y / depth], 1) + shift
    rows, columns = torch.meshgrid(*(torch.arange(side).double() + 0.5 for side in size), indexing="ij")
    light, image = torch.ones(size, dtype=torch.float64), torch.zeros((*size, 3), dtype=torch.float64)
    for i in torch.argsort(depth).tolist():
        d = torch.stack([columns - at[i, 0], rows - at[i, 1]], -1)
        power = -0.5 * ((d @ inverse[i]) * d).sum(-1)
        alpha = (opacities[i] * torch.exp(power)).clamp(max=0.99)
        alpha = torch.where((power >= -5.5) & (light >= 0.005), alpha, 0.0)
        image = image + (alpha * light)[..., None] * colours[i]
        light = light * (1 - alpha)
    return image, 1 - light


def doubles(given: Cloud) -> list[Tensor]:
    arrays = [*given.arrays(), np.zeros((len(given.means), 2))]
    return [torch.from_numpy(each).double().requires_grad_() for each in arrays]


def wishes(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Gradients that come from a picture and its coverage."""
    rng = np.random.default_rng(9)
    return rng.normal(size=(*size, 3)).astype(np.float32), rng.normal(size=size).astype(np.float32)


def ball() -> Figure:
    """A bumpy ball of 24 points that two shapes bend, whose upper half turns with the head."""
    rng = np.random.default_rng(3)
    ring, tall = np.meshgrid(np.arange(6) * np.pi / 3, np.linspace(-0.08, 0.08, 4))
    wide = np.sqrt(0.0101 - tall**2) * rng.uniform(0.9, 1.1, tall.shape)
    points = np.stack([wide * np.sin(ring), tall, wide * np.cos(ring)], -1).reshape(-1, 3).astype(np.float32)
    quads = [
        (6 * r + c, 6 * r + (c + 1) % 6, 6 * r + 6 + (c + 1) % 6, 6 * r + 6 + c)
        for r in range(3)
        for c in range(6)
    ]
    faces = np.array([f for a, b, c, d in quads for f in ((a, b, c), (a, c, d))], np.int32)
    moves = Moves(np.arange(0, 50, 2, dtype=np.int32), np.tile([0, 1], 24).astype(np.int32),
                  rng.normal(size=(48, 3)).astype(np.float32) * 0.01)  # fmt: skip
    shares = np.zeros((24, 5), np.float32)
    shares[:, 0], shares[:, 2] = points[:, 1] < 0, points[:, 1] >= 0
    pivots = np.array(
        [[0, 0, 0], [0, -0.1, 0], [0, 0, 0], [0.03, 0.05, 0.08], [-0.03, 0.05, 0.08]], np.float32
    )
    normals = points / np.linalg.norm(points, axis=1, keepdims=True)
    skin = Material("skin", np.ones(4, np.float32))
    return Figure(points, normals, points[:, :2], faces, np.zeros(len(faces), np.int32), (skin,),
                  ("jawOpen", "mouthSmileLeft"), moves, shares, pivots)  # fmt: skip


def bound(figure: Figure, n: int = 30) -> Gaussians:
    """Half of them scales of the surface, half of any kind; all with bases and harmonics."""
    rng = np.random.default_rng(4)
    turn = rng.normal(size=(n, 4))
    turn[::2] = 1, 0, 0, 0
    scale, offset = np.exp(rng.normal(size=(n, 3)) * 0.4) * 0.3, rng.normal(size=(n, 3)) * 0.2
    scale[::2, 2] *= 0.1
    offset[::2] = 0
    numbers = (
        rng.dirichlet([1, 1, 1], n)[:, :2], offset, turn / np.linalg.norm(turn, axis=1, keepdims=True), scale,
        rng.uniform(0.3, 1, n), rng.random((n, 3)), rng.normal(size=(n, 15, 3)) * 0.1,
    )  # fmt: skip
    moves, mix = rng.normal(size=(3, n, 13)) * 0.3, rng.normal(size=(3, 3))
    bases = Bases(moves.astype(np.float32), mix.astype(np.float32), ("jawOpen", "browInnerUp"))
    triangle = rng.integers(0, len(figure.faces), n).astype(np.int32)
    return Gaussians(triangle, *(np.asarray(each, np.float32) for each in numbers), bases)


def pose() -> Array:
    values = np.zeros(len(NATIVE), np.float32)
    for name, value in {"jawOpen": 0.7, "mouthSmileLeft": 0.4, "browInnerUp": 0.5, "headYaw": 0.4}.items():
        values[NATIVE.index(name)] = value
    return values


def watcher() -> Camera:
    return Camera(np.array([0.2, 0.1, 0.6], np.float32), np.zeros(3, np.float32), 0.5)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What the process at the end of this file has drawn."""
    out = tmp_path_factory.mktemp("gpu") / "drawn.npz"
    given = dict(os.environ) | ({} if CARD else {"TRITON_INTERPRET": "1"})
    done = subprocess.run([sys.executable, __file__, str(out)], env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(out) as arrays:
        return dict(arrays)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """How far two pictures of bytes are apart on average, in 1/255."""
    assert one.shape == other.shape
    return float(np.abs(one.astype(np.float64) - other).mean())


def test_pictures_are_those_made_by_hand(drawn: dict[str, np.ndarray]) -> None:
    image, alpha = by_hand(doubles(cloud(200)), (48, 48))
    assert apart(drawn["image"] * 255, image.detach().numpy() * 255) < 0.01
    assert apart(drawn["alpha"] * 255, alpha.detach().numpy() * 255) < 0.01
    assert 0.2 < drawn["alpha"].mean() < 0.98


def test_pictures_have_any_size(drawn: dict[str, np.ndarray]) -> None:
    image, _ = by_hand(doubles(cloud(25, 1)), (21, 37))
    assert apart(drawn["odd"] * 255, image.detach().numpy() * 255) < 0.01


def test_the_order_in_memory_does_not_matter(drawn: dict[str, np.ndarray]) -> None:
    assert np.abs(drawn["odd"] - drawn["shuffled"]).max() < 1e-6


def test_what_is_no_number_behind_the_camera_or_invisible_is_not_drawn(drawn: dict[str, np.ndarray]) -> None:
    assert np.array_equal(drawn["odd"], drawn["spoiled"])


def test_no_gaussians_leave_the_background(drawn: dict[str, np.ndarray]) -> None:
    assert (drawn["empty"] == np.floor(GREY * 255 + 0.5)).all()


def test_lists_grow_when_gaussians_do(drawn: dict[str, np.ndarray]) -> None:
    image, alpha = by_hand(doubles(cloud(20, 2, large=0.2)), (64, 64))
    whole = torch.cat([image / alpha[..., None].clamp(min=1e-6), alpha[..., None]], -1).detach().numpy()
    assert apart(drawn["large"], whole * 255) < 0.5


def test_transparent_over_a_colour_is_opaque(drawn: dict[str, np.ndarray]) -> None:
    alpha = drawn["clear"][..., 3:] / 255
    assert apart(drawn["clear"][..., :3] * alpha + GREY * 255 * (1 - alpha), drawn["opaque"]) < 1


def test_the_cpu_draws_the_same(drawn: dict[str, np.ndarray]) -> None:
    for name, ground in (("opaque", GREY), ("clear", None)):
        picture = CpuRaster().draw(*cloud(60, 5).arrays(), view(), FOCAL, (32, 48), ground)
        assert apart(drawn[name], picture) < 1


def test_gradients_are_true(drawn: dict[str, np.ndarray]) -> None:
    given, (pull, cover) = doubles(cloud(16, 6)), (torch.from_numpy(each) for each in wishes((32, 32)))
    image, alpha = by_hand(given, (32, 32))
    ((image * pull).sum() + (alpha * cover).sum()).backward()
    for name, each in zip(NAMES, given, strict=True):
        assert each.grad is not None
        true = each.grad.numpy()
        assert np.linalg.norm(drawn[f"to_{name}"] - true) < 1e-4 * np.linalg.norm(true), name


def test_gradients_are_the_same_every_time(drawn: dict[str, np.ndarray]) -> None:
    for name in NAMES:
        assert np.array_equal(drawn[f"to_{name}"], drawn[f"again_to_{name}"])


@pytest.mark.parametrize("ground", ["studio", "none"])
def test_a_face_on_the_card_is_the_face_on_the_cpu(drawn: dict[str, np.ndarray], ground: str) -> None:
    figure = ball()
    cpu = Splat(figure, bound(figure), watcher(), (40, 48), Background(transparent=ground == "none"))
    assert apart(drawn[f"face_{ground}"], cpu.draw(pose())) < 1


def test_a_face_moves(drawn: dict[str, np.ndarray]) -> None:
    cpu = Splat(ball(), bound(ball()), watcher(), (40, 48))
    assert apart(drawn["rest"], cpu.draw(np.zeros(len(NATIVE), np.float32))) < 1
    assert apart(drawn["rest"], drawn["face_studio"]) > 2


@pytest.mark.skipif(CARD, reason="there is a GPU")
def test_a_machine_without_a_card_is_told_so() -> None:
    from voxrig.render.splat.cuda import CudaRaster

    with pytest.raises(ModelError, match=r"no GPU for Gaussians: torch .* draw them on the cpu"):
        CudaRaster()


def test_wrong_shapes_are_named(drawn: dict[str, np.ndarray]) -> None:
    assert str(drawn["wrong"]) == "covariances of 60 Gaussians must be (60, 6), got (60, 3)"
    assert str(drawn["huge"]) == "a picture of 0 × 9; sides from 1 to 4080 pixels"
    assert str(drawn["under"]) == "background must be (3,) or (9, 9, 3), got (9, 8, 3)"


def _draw(out: Path) -> None:
    """Everything that the tests judge; runs on the card, or in Triton's interpreter."""
    from voxrig.render.splat.cuda import CudaRaster, rasterise
    from voxrig.render.splat.cuda_splat import CudaSplat

    device, found = "cuda" if CARD else "cpu", {}

    def picture(given: Cloud, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        tensors = [torch.from_numpy(each).to(device) for each in given.arrays()]
        image, alpha = rasterise(*tensors, view(), FOCAL, size)
        return image.cpu().numpy(), alpha.cpu().numpy()

    found["image"], found["alpha"] = picture(cloud(200), (48, 48))
    few = cloud(25, 1)
    found["odd"], _ = picture(few, (21, 37))
    found["shuffled"], _ = picture(few[np.random.default_rng(0).permutation(25)], (21, 37))
    bad = cloud(6, 7)
    bad.means[0], bad.covariances[1], bad.opacities[2], bad.opacities[3] = np.nan, np.nan, np.nan, 0
    bad.means[4], bad.means[5] = 3 * watcher().eye, np.inf
    both = Cloud(*(np.concatenate(each) for each in zip(few.arrays(), bad.arrays(), strict=True)))
    found["spoiled"], _ = picture(both, (21, 37))

    raster = CudaRaster(device)
    found["empty"] = raster.draw(*cloud(1)[np.zeros(0, int)].arrays(), view(), FOCAL, (9, 20), GREY)
    found["large"] = raster.draw(*cloud(20, 2, large=0.2).arrays(), view(), FOCAL, (64, 64))
    some = cloud(60, 5)
    found["opaque"] = raster.draw(*some.arrays(), view(), FOCAL, (32, 48), GREY)
    found["clear"] = raster.draw(*some.arrays(), view(), FOCAL, (32, 48))
    for name, spread, size, ground in (
        ("wrong", some.covariances[:, :3], (9, 9), None),
        ("huge", some.covariances, (0, 9), None),
        ("under", some.covariances, (9, 9), np.zeros((9, 8, 3))),
    ):
        try:
            raster.draw(some.means, spread, some.colours, some.opacities, view(), FOCAL, size, ground)
        except ValueError as error:
            found[name] = np.array(str(error))

    for prefix in ("to", "again_to"):
        arrays = [*cloud(16, 6).arrays(), np.zeros((16, 2), np.float32)]
        given = [torch.from_numpy(each).to(device).requires_grad_() for each in arrays]
        image, alpha = rasterise(*given[:4], view(), FOCAL, (32, 32), given[4])
        pull, cover = (torch.from_numpy(each).to(device) for each in wishes((32, 32)))
        ((image * pull).sum() + (alpha * cover).sum()).backward()
        found |= {
            f"{prefix}_{name}": each.grad.cpu().numpy() for name, each in zip(NAMES, given, strict=True)
        }

    figure = ball()
    for name, clear in (("studio", False), ("none", True)):
        face = CudaSplat(figure, bound(figure), watcher(), (40, 48), Background(transparent=clear), device)
        found[f"face_{name}"] = face.draw(pose()).copy()
        if not clear:
            found["rest"] = face.draw(np.zeros(len(NATIVE), np.float32)).copy()
    np.savez(out, **found)


if __name__ == "__main__":
    _draw(Path(sys.argv[1]))
