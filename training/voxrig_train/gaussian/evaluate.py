"""How near fitted heads come to pictures of sentences that they have not seen, in one table.

    python -m voxrig_train.gaussian.evaluate captures/ada ada.npz ada-plain.npz --out scores.json

Heads are drawn as voxrig draws them. Beside them stand the mesh that carries them, and the first of them told
the motion of another moment, which shows what the measures say when nothing fits.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from voxrig.avatar import glb_figure
from voxrig.avatar.figure import Figure
from voxrig.errors import FormatError, OutputError, VoxrigError
from voxrig.render.posing import Posing
from voxrig.render.splat import file
from voxrig.render.splat.gaussians import HISTORY
from voxrig.rigs.native import HEAD_CURVES, NATIVE
from voxrig.types import Array
from voxrig_train.gaussian import capture_file, lips, losses, mouths
from voxrig_train.gaussian.album import Album
from voxrig_train.gaussian.capture import Capture
from voxrig_train.gaussian.systems import GREY, Fitted, Meshed, System, upright

BARS = {"psnr": 30.0, "ssim": 0.93, "shift": 1.5, "landmarks": 1.5, "silence": 0.05, "gain": 0.3}
"""What a head should reach: at least, at least, at most four times … and decibels by which bases gain."""
_AT = 256
"""Errors of mouths are told in pixels of pictures this high."""


@dataclass(frozen=True)
class Score:
    """Means over pictures; pixels are those of pictures 256 high."""

    psnr: float
    """Decibels, of the whole picture on grey."""
    psnr_head: float
    """Of the pixels that the person covers."""
    psnr_mouth: float
    """Of the box about the lips."""
    ssim: float
    shift: float
    """Pixels by which patches about the lips seem to have moved."""
    landmarks: float | None
    """Pixels between lips, where the capture knows where they are."""
    silence: float | None = None
    """How much the mouth's pixels move in silence, by how much they do in speech."""


class Truth:
    """Where lips are: what the capture knows, or else what the figure does."""

    def __init__(self, capture: Capture, figure: Figure) -> None:
        self._capture, self._posing, known = capture, Posing(figure), capture.landmarks
        self.vertex = lips.landmarks(figure) if known is None else known.vertex
        """(l,) of the figure."""

    def lips(self, row: int) -> Array:
        """(l, 3) metres at a row of the curves."""
        if self._capture.landmarks is not None:
            return np.asarray(self._capture.landmarks.points[row])
        self._posing.pose(self._capture.values[row])
        return np.asarray(self._posing.points[self.vertex])

    def resting(self) -> Array:
        self._posing.pose(NATIVE.rest)
        return np.asarray(self._posing.points[self.vertex])


def score(system: System, album: Album, told: Mapping[int, Array], truth: Truth) -> Score:
    """Of an album's shots; ``told`` is the motion (t, c) that the system gets for each row."""
    capture, unit = album.capture, album.size[0] / _AT
    grey = torch.full((3,), GREY / 255)
    rows = []
    for shot in album.shots:
        view, focal = album.view(shot)
        goal = album.goal(shot, grey if capture.background is None else torch.tensor(capture.background))
        made = torch.from_numpy(system.draw(told[shot.row], view, focal))
        marks = lips.projected(truth.lips(shot.row), view, focal, album.size)
        own = lips.projected(system.marks(told[shot.row]), view, focal, album.size)
        box = lips.box(marks, album.size)
        person = album.cover(shot) > 0.5
        shift = mouths.shifts(made.mean(2).numpy(), goal.mean(2).numpy(), marks, unit)
        rows.append((
            losses.psnr(made, goal),
            losses.psnr(made[person], goal[person]),
            losses.psnr(made[box], goal[box]),
            float(losses.ssim(made, goal).mean()),
            float(np.nanmean(shift)) / unit if np.isfinite(shift).any() else np.nan,
            float(np.linalg.norm(own - marks, axis=1).mean()) / unit,
        ))  # fmt: skip
    means = [round(float(x), 4) for x in np.nanmean(np.array(rows), 0)]
    known = capture.landmarks is not None
    return Score(means[0], means[1], means[2], means[3], means[4], means[5] if known else None)


def silence(system: System, album: Album, truth: Truth) -> float | None:
    """How much pixels of the mouth move in a clip called silence, by how much they do in another; the head is
    held still. None where there is no such clip."""
    capture = album.capture
    quiet = [clip for clip in capture.clips if clip.name == "silence"]
    loud = [clip for clip in capture.clips if clip.use == "test" and clip.name != "silence"]
    if not quiet or not loud:
        return None
    view, focal = album.view(album.shots[0])
    box = lips.box(lips.projected(truth.resting(), view, focal, album.size), album.size)
    moved = []
    for clip in (quiet[0], loud[0]):
        values = capture.values.copy()
        values[:, [NATIVE.index(name) for name in HEAD_CURVES]] = 0
        rows = range(clip.first, clip.first + clip.count, 2)
        pictures = np.stack([system.draw(_before(values, row, clip.first), view, focal)[box] for row in rows])
        moved.append(float(pictures.std(0).mean()))
    return round(moved[0] / max(moved[1], 1e-9), 4)


def evaluate(capture: Capture, heads: Sequence[Path], side: int) -> dict[str, dict[str, Score]]:
    """Scores by system, and by whether the camera was learnt from. Raises VoxrigError."""
    figure = glb_figure.load(capture.figure)
    truth = Truth(capture, figure)
    albums = {}
    for name, views in (("known cameras", "learn"), ("held-out cameras", "test")):
        shots = [s for s in capture.chosen("test", views) if capture.clip(s).name != "silence"]
        if shots:
            albums[name] = Album(capture, shots, side)
    if not albums:
        raise FormatError(f"capture {capture.folder} has no clip of use 'test': nothing to measure by")
    size = next(iter(albums.values())).size
    systems: dict[str, System] = {}
    for path in heads:
        systems[path.stem] = Fitted(figure, file.load(path, figure), size, truth.vertex)
    if _upright(capture, size):
        systems["mesh"] = Meshed(figure, size, truth.vertex)
    rows = sorted({shot.row for album in albums.values() for shot in album.shots})
    first_of = {
        row: clip.first for clip in capture.clips for row in range(clip.first, clip.first + clip.count)
    }
    own = {row: _before(capture.values, row, first_of[row]) for row in rows}
    out = {}
    for name, system in systems.items():
        quiet = silence(system, next(iter(albums.values())), truth)
        out[name] = {
            where: Score(**(asdict(score(system, album, own, truth)) | {"silence": quiet}))
            for where, album in albums.items()
        }
    # Another moment of the same clips: mouths that are right by chance only.
    other = dict(zip(rows, np.random.default_rng(0).permutation(rows), strict=True))
    head = [NATIVE.index(name) for name in HEAD_CURVES]
    told = {}
    for row in rows:
        told[row] = own[other[row]].copy()
        told[row][:, head] = capture.values[row][head]  # the head stays: only the face is wrong
    first = heads[0].stem
    out[f"{first}, shuffled"] = {
        where: score(systems[first], album, told, truth) for where, album in albums.items()
    }
    return out


def _before(values: Array, row: int, first: int) -> Array:
    """Values (HISTORY, c) of the last frames, the row's own last; before ``first`` that one held."""
    out: Array = values[np.maximum(np.arange(row - HISTORY + 1, row + 1), first)]
    return out


def _upright(capture: Capture, size: tuple[int, int]) -> bool:
    try:
        for own in capture.views:
            upright(own.matrix(capture.size), own.focal * size[0] / capture.size[0], size)
    except ValueError:
        return False
    return True


def table(scores: Mapping[str, Mapping[str, Score]]) -> str:
    columns = ("psnr", "psnr_head", "psnr_mouth", "ssim", "shift", "landmarks", "silence")
    lines = [f"{'':30s}" + "".join(f"{c.replace('psnr_', ''):>11s}" for c in columns)]
    for where in next(iter(scores.values())):
        lines.append(where)
        for name, by in scores.items():
            cells = (getattr(by[where], c) for c in columns)
            lines.append(f"  {name:28s}" + "".join(f"{'–' if x is None else f'{x:.3f}':>11s}" for x in cells))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.gaussian.evaluate", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("capture", type=Path)
    parser.add_argument("heads", type=Path, nargs="+", help=".npz as fit writes them")
    parser.add_argument("--side", type=int, default=512, help="pixels that pictures are shrunk to at most")
    parser.add_argument("--out", type=Path, help="write the scores as JSON")
    args = parser.parse_args()
    try:
        scores = evaluate(capture_file.read(args.capture), args.heads, args.side)
        print(table(scores))
        if args.out is not None:
            whole = {name: {where: asdict(s) for where, s in by.items()} for name, by in scores.items()}
            try:
                args.out.write_text(json.dumps({"bars": BARS, "scores": whole}, indent=1) + "\n", "utf-8")
            except OSError as error:
                raise OutputError(f"cannot write {args.out}: {error.strerror or error}") from error
    except VoxrigError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
