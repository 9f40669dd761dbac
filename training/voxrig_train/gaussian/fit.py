"""Fits a head of Gaussians to a capture.

    python -m voxrig_train.gaussian.fit captures/ada --out ada.npz --size cpu

Writes the head, which ``voxrig render --renderer splat`` draws, a card beside it, and until it is done a
checkpoint from which ``--resume`` goes on. The same command gives the same head, however many threads run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from voxrig.avatar import glb_figure
from voxrig.avatar.figure import Figure
from voxrig.errors import FormatError, ModelError, OutputError, VoxrigError
from voxrig.render.splat import file
from voxrig_train.gaussian import capture_file, losses
from voxrig_train.gaussian.album import Album
from voxrig_train.gaussian.attention import NETWORKS, Listening
from voxrig_train.gaussian.capture import Capture
from voxrig_train.gaussian.deformer import DEFORMERS, Deformer, Linear, Still
from voxrig_train.gaussian.fitting import PLANS, Fitting, Plan

_KEPT = 60.0
"""Seconds between checkpoints."""
_CHECKED = 40
"""Pictures of the test that the card tells of."""

Shown = Callable[[int, float], None]
"""Told the number of steps done, and the loss."""


def deformer(name: str, capture: Capture, figure: Figure, bases: int, seed: int) -> Deformer:
    """By its name among DEFORMERS, for the motion of the clips to learn from."""
    if name == "none":
        return Still()
    if name in NETWORKS:
        return Listening(name, figure, seed)
    rows = np.concatenate([np.arange(c.first, c.first + c.count) for c in capture.clips if c.use == "learn"])
    return Linear(capture.values[rows], bases)


def run(fitting: Fitting, checkpoint: Path, mark: dict[str, Any], shown: Shown) -> float:
    """Fits to the end; seconds that it took, without those before a checkpoint. ``mark`` tells fits apart."""
    began = kept = time.monotonic()
    while fitting.step < fitting.plan.steps:
        loss = fitting.advance()
        shown(fitting.step, loss)
        if time.monotonic() - kept > _KEPT:
            save(fitting, checkpoint, mark)
            kept = time.monotonic()
    return time.monotonic() - began


def save(fitting: Fitting, checkpoint: Path, mark: dict[str, Any]) -> None:
    """Writes all that a fit needs to go on, whole or not at all. Raises OutputError."""
    beside = checkpoint.with_name(checkpoint.name + ".part")
    try:
        torch.save({"mark": mark, "state": fitting.state()}, beside)
        os.replace(beside, checkpoint)
    except (OSError, RuntimeError) as error:
        raise OutputError(f"cannot write {checkpoint}: {error}") from error


def resume(fitting: Fitting, checkpoint: Path, mark: dict[str, Any]) -> None:
    """Goes on from a checkpoint. Raises FormatError if it is of another fit or cannot be read."""
    try:
        whole = torch.load(checkpoint, weights_only=True)
    except Exception as error:  # torch raises whatever its parsers do
        raise FormatError(f"cannot read checkpoint {checkpoint}: {error}") from error
    if whole["mark"] != mark:
        apart = [key for key in mark if whole["mark"].get(key) != mark[key]]
        raise FormatError(f"checkpoint {checkpoint} is of a fit with another {', '.join(apart) or 'version'}")
    fitting.restore(whole["state"])


@torch.no_grad()  # type: ignore[untyped-decorator]
def checked(fitting: Fitting, capture: Capture, side: int) -> dict[str, float]:
    """How near the head comes to pictures of sentences that it has not seen; none where there are none."""
    shots = [shot for shot in capture.chosen("test") if capture.clip(shot).name != "silence"]
    if not shots:
        return {}
    album = Album(capture, shots[:: max(1, len(shots) // _CHECKED)], side, str(fitting.album.device))
    grey = torch.full((3,), 0.5, device=album.device)
    pairs = [(fitting.draw(shot, grey).picture.clamp(0, 1), album.goal(shot, grey)) for shot in album.shots]
    return {
        "psnr": round(float(np.mean([losses.psnr(*pair) for pair in pairs])), 3),
        "ssim": round(float(np.mean([float(losses.ssim(*pair).mean()) for pair in pairs])), 4),
        "pictures": len(pairs),
    }


@contextlib.contextmanager
def progress(name: str, steps: int) -> Iterator[Shown]:
    """A bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda step, loss: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("fit"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    said = TextColumn("{task.description}", markup=False)
    with Progress(*columns, said, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=steps)

        def show(step: int, loss: float) -> None:
            bar.update(task, completed=step, description=f"{name} loss {loss:.4f}")

        yield show


def fit(folder: Path, out: Path, plan: Plan, args: argparse.Namespace) -> dict[str, Any]:
    """The whole of it: reads, fits, writes; returns the card. Raises VoxrigError."""
    if args.device == "cuda" and not torch.cuda.is_available():
        raise ModelError("device cuda was asked for, but torch finds no GPU here; use --device cpu")
    capture = capture_file.read(folder)
    figure = glb_figure.load(capture.figure)
    album = Album(capture, capture.chosen("learn", "learn"), plan.side, args.device)
    fitting = Fitting(figure, album, deformer(args.deformer, capture, figure, args.bases, plan.seed), plan)
    mark = {
        "capture": str(folder.resolve()),
        "plan": json.loads(json.dumps(asdict(plan))),
        "deformer": args.deformer,
        "bases": args.bases,
    }
    checkpoint = out.with_suffix(".checkpoint.pt")
    if args.resume and checkpoint.exists():
        resume(fitting, checkpoint, mark)
    with progress(out.stem, plan.steps) as shown:
        seconds = run(fitting, checkpoint, mark, shown)
    gaussians = fitting.gaussians()
    file.save(out, gaussians, figure)
    card = {
        "format": "voxrig-gaussian-card",
        "version": 1,
        "capture": folder.name,
        "pictures": len(album.shots),
        "size": list(album.size),
        "gaussians": len(gaussians),
        "deformer": args.deformer,
        "bases": len(gaussians.bases) if gaussians.bases else 0,
        "plan": mark["plan"],
        "device": args.device,
        "seconds": round(seconds, 1),
        "test": checked(fitting, capture, plan.side),
    }
    try:
        out.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        checkpoint.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {out.with_suffix('.json')}: {error.strerror or error}") from error
    return card


def parser() -> argparse.ArgumentParser:
    out = argparse.ArgumentParser(prog="python -m voxrig_train.gaussian.fit", description=__doc__)
    out.formatter_class = argparse.RawDescriptionHelpFormatter
    out.add_argument("capture", type=Path, help="a folder with a capture.json")
    out.add_argument("--out", type=Path, required=True, help="the head: a .npz; its card lies beside it")
    out.add_argument("--size", choices=PLANS, default="cpu", help="of pictures and head (default cpu)")
    out.add_argument("--device", choices=("cpu", "cuda"), help="default: cuda for --size gpu, else cpu")
    out.add_argument("--deformer", choices=DEFORMERS, default="bases", help="what the mesh does not tell")
    out.add_argument("--bases", type=int, default=12, help="how many (default 12)")
    out.add_argument("--steps", type=int, help="instead of what the size has")
    out.add_argument("--gaussians", type=int, help="instead of what the size has")
    out.add_argument("--side", type=int, help="pixels, instead of what the size has")
    out.add_argument("--seed", type=int, default=0)
    out.add_argument("--resume", action="store_true", help="go on from the checkpoint, if there is one")
    return out


def main() -> None:
    args = parser().parse_args()
    args.device = args.device or ("cuda" if args.size == "gpu" else "cpu")
    plan = replace(PLANS[args.size], seed=args.seed)
    for name in ("steps", "gaussians", "side"):
        if getattr(args, name) is not None:
            plan = replace(plan, **{name: getattr(args, name)})
    try:
        card = fit(args.capture, args.out, plan, args)
    except VoxrigError as error:
        sys.exit(f"error: {error}")
    test = card["test"]
    said = (
        f"{test['psnr']:.2f} dB, SSIM {test['ssim']:.4f} on {test['pictures']} pictures not seen"
        if test
        else ""
    )
    print(f"{args.out}: {card['gaussians']} Gaussians in {card['seconds']:.0f} s. {said}")


if __name__ == "__main__":
    main()
