"""How fast a GPU draws a talking head of Gaussians, and how near that is to the CPU's pictures. Prints.

python tests/bench/bench_gpu_splat.py [--json FILE] [--sweep]

The head that ships, covered with flat Gaussians and, for a fifth of them, thin strands; ten seconds of
motion. A frame stays on the card, a picture comes down; stages are by the card's own clock, launched one by
one; gradients are forward and back. ``--sweep`` tries other shapes of the programs that blend. Needs a GPU,
torch, triton and numba. The script itself can be tried with a small head in Triton's interpreter:
TRITON_INTERPRET=1 … --device cpu --avatar SMALL.glb --counts 99 --sizes 48 --frames 1 --repeats 1
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "service"))  # where nothing is installed

import numpy as np

from voxrig.avatar.figure import Figure
from voxrig.avatar.glb_figure import load
from voxrig.errors import ModelError
from voxrig.render.background import Background
from voxrig.render.camera import framed
from voxrig.render.splat import CpuRaster, Gaussians
from voxrig.rigs.native import NATIVE
from voxrig.types import Array

try:
    from voxrig.render.splat import cuda
    from voxrig.render.splat.cuda_splat import CudaSplat
except ModelError as error:
    raise SystemExit(str(error)) from error

STRANDS = 5
"""One of so many is a strand of hair."""


def covered(figure: Figure, count: int) -> Gaussians:
    """Gaussians all over a figure, as dense as its surface is large."""
    rng = np.random.default_rng(0)
    a, b, c = (figure.points[figure.faces[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    triangle = rng.choice(len(area), count, p=area / area.sum())
    wide = np.sqrt(area.sum() / count) * 0.75 / np.sqrt(2 * area[triangle])
    scale = wide[:, None] * np.array([1, 1, 0.15])
    scale[::STRANDS] = wide[::STRANDS, None] * np.array([0.2, 4, 0.2])
    light = 0.3 + 0.6 * np.clip(figure.normals[figure.faces[triangle, 0]] @ [0.3, 0.5, 0.8], 0, 1)
    colour = light[:, None] * np.array([1.0, 0.8, 0.7]) * rng.uniform(0.8, 1, (count, 1))
    corner, turn = rng.dirichlet([1, 1, 1], count)[:, :2], np.tile([1, 0, 0, 0], (count, 1))
    opacity, none = np.full(count, 0.9), np.zeros((count, 0, 3))
    numbers = corner, np.zeros((count, 3)), turn, scale, opacity, colour, none
    return Gaussians(triangle.astype(np.int32), *(np.asarray(each, np.float32) for each in numbers))


def motion(frames: int) -> Array:
    """A mouth that opens and a head that turns: (frames, c)."""
    out = np.zeros((frames, len(NATIVE)), np.float32)
    t = np.arange(frames) / 30
    out[:, NATIVE.index("jawOpen")] = 0.3 + 0.3 * np.sin(9 * t)
    out[:, NATIVE.index("mouthFunnel")] = 0.2 + 0.2 * np.sin(5 * t)
    out[:, NATIVE.index("headYaw")] = 0.2 * np.sin(2 * t)
    return out


def took(work: Callable[[], Any], repeats: int, device: str) -> float:
    """Milliseconds of a call, the median: on the card by its own clock, else by ours."""
    work()
    found = []
    for _ in range(repeats):
        if device == "cuda":
            first, last = (cuda.torch.cuda.Event(enable_timing=True) for _ in range(2))
            first.record()
            work()
            last.record()
            last.synchronize()
            found.append(first.elapsed_time(last))
        else:
            began = time.perf_counter()
            work()
            found.append(1000 * (time.perf_counter() - began))
    return float(np.median(found))


def fps(draw: Callable[[Array], Any], frames: Array) -> float:
    """Frames a second on the clock at the wall, after a first one."""
    draw(frames[0])
    began = time.perf_counter()
    for values in frames:
        draw(values)
    return len(frames) / (time.perf_counter() - began)


def gradients(splat: CudaSplat, side: int) -> Callable[[], None]:
    """A call that draws the last frame and carries gradients back."""
    cloud, camera = splat.cloud, splat.camera
    given = [
        x.clone().requires_grad_() for x in (cloud.means, cloud.covariances, cloud.colours, cloud.opacities)
    ]

    def both() -> None:
        image, alpha = cuda.rasterise(*given, camera.view(), camera.focal(side), (side, side))
        (image.sum() + alpha.sum()).backward()

    return both


def sweep(splat: CudaSplat, repeats: int, device: str) -> dict[str, float]:
    """Milliseconds of blending, and of its way back, by the shape of the programs."""
    torch, drawing, found = cuda.torch, splat.drawing, {}
    for warps in (1, 2, 4, 8):
        for at_once in (2, 4, 8):
            found[f"blend, {warps} warps, {at_once} at once"] = took(
                lambda w=warps, a=at_once: drawing.blend(w, a), repeats, device
            )
    pull = torch.ones_like(drawing.blended[..., :3]).contiguous(), torch.ones_like(drawing.blended[..., 3])
    for warps in (1, 2, 4, 8):
        found[f"unblend, {warps} warps"] = took(lambda w=warps: drawing.unblend(*pull, w), repeats, device)
    return found


def measured(figure: Figure, count: int, side: int, given: argparse.Namespace) -> dict[str, Any]:
    """All figures of one size."""
    device, frames = given.device, motion(given.frames)
    splat = CudaSplat(figure, covered(figure, count), framed(figure), (side, side), Background(), device)
    picture = splat.draw(frames[-1])
    row: dict[str, Any] = {"gaussians": count, "side": side, "pairs": splat.drawing.pairs}
    row["frame fps"], row["picture fps"] = fps(splat.draw_device, frames), fps(splat.draw, frames)
    row["stages ms"] = {name: took(stage, given.repeats, device) for name, stage in splat.stages().items()}
    row["gradients ms"] = took(gradients(splat, side), given.repeats, device)
    cpu, camera, cloud = CpuRaster(), splat.camera, splat.cloud
    ground = np.asarray(Background().paint((side, side)) / 255, np.float32)
    arrays = cloud.means, cloud.covariances, cloud.colours, cloud.opacities
    shown = [each.cpu().numpy() for each in arrays]
    view, focal = camera.view(), camera.focal(side)

    def plain(_: Array) -> Any:
        return cpu.draw(*shown, view, focal, (side, side), ground)

    row["cpu fps"] = fps(plain, frames[: given.repeats])
    row["apart"] = float(np.abs(plain(frames[0]).astype(np.float64) - picture).mean())
    if given.sweep:
        row["sweep ms"] = sweep(splat, given.repeats, device)
    if given.pictures:
        from PIL import Image

        given.pictures.mkdir(parents=True, exist_ok=True)
        both = np.concatenate([picture, plain(frames[0])], 1)
        Image.fromarray(both).save(given.pictures / f"{count}_{side}.png")
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description="Gaussians on a GPU against the CPU.")
    parser.add_argument("--counts", type=int, nargs="+", default=[20_000, 80_000, 300_000])
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024], help="pixels of a side")
    parser.add_argument("--avatar", type=Path, help="a GLB; the head that ships")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--sweep", action="store_true", help="try other shapes of programs")
    parser.add_argument("--json", type=Path, help="where to keep the figures")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures, the CPU's on the right")
    given = parser.parse_args()
    try:
        cuda.on(given.device)
    except ModelError as error:
        raise SystemExit(str(error)) from error
    torch, figure, rows = cuda.torch, load(given.avatar), []
    card = torch.cuda.get_device_name() if given.device == "cuda" else "Triton's interpreter"
    print(f"{card}; torch {torch.__version__}, triton {cuda.triton.__version__}")
    print("Gaussians  side     pairs  frame fps  picture fps  cpu fps  gradients ms  apart/255  stages")
    for count in given.counts:
        for side in given.sizes:
            row = measured(figure, count, side, given)
            stages = "  ".join(f"{name} {ms:.3f}" for name, ms in row["stages ms"].items())
            speed = f"{row['frame fps']:10.0f} {row['picture fps']:12.0f} {row['cpu fps']:8.1f}"
            rest = f"{row['gradients ms']:13.2f} {row['apart']:10.3f}  {stages}"
            print(f"{count:9d} {side:5d} {row['pairs']:9d} {speed} {rest}", flush=True)
            for name, ms in row.get("sweep ms", {}).items():
                print(f"{'':25s}{name:30s}{ms:8.3f} ms", flush=True)
            rows.append(row)
            if given.json:
                about = {"card": card, "torch": torch.__version__, "triton": cuda.triton.__version__}
                given.json.write_text(json.dumps(about | {"rows": rows}, indent=1))


if __name__ == "__main__":
    main()
