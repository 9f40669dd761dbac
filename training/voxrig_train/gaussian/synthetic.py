"""Makes a capture of a person whom nobody is, drawn by the mesh renderer, for fits that need no studio.

    python -m voxrig_train.gaussian.synthetic samples/hello.wav --out captures/ada --size 192

Sentences are folders of recordings, or recordings; the speech model moves the face, and the person acts and
looks in a way of their own (person.py), so that there is something which the curves do not tell.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from voxrig.avatar import glb_figure
from voxrig.avatar.figure import Figure
from voxrig.errors import AudioError, OutputError, VoxrigError
from voxrig.performance import animate
from voxrig.render.background import Background
from voxrig.render.camera import Camera, framed
from voxrig.render.mesh import Mesh
from voxrig.render.posing import Posing
from voxrig.rigs.native import NATIVE, both
from voxrig.types import Array, AudioChunk
from voxrig_train.gaussian import capture_file, lips, person
from voxrig_train.gaussian.capture import USES, Capture, Clip, Landmarks, Shot, View

FPS = 25
_SOUNDS = (".wav", ".flac", ".ogg", ".mp3")
_SILENCE = 2 * FPS
"""Frames of the clip in which nobody speaks."""
_TURNS = {"headYaw": 0.20, "headPitch": 0.10, "headRoll": 0.06}
"""Radians that a head turns about its rest, one standard deviation."""

ANGLES = (
    *(("front", 0, 0, "learn"), ("left20", 20, 0, "learn"), ("right20", -20, 0, "learn")),
    *(("left40", 40, 0, "learn"), ("right40", -40, 0, "learn"), ("above", 0, 15, "learn")),
    *(("below", 0, -10, "learn"), ("left30", 30, 8, "test"), ("right10", -10, 5, "test")),
)
"""Cameras: name, degrees to the subject's left, degrees above, use."""


@dataclass(frozen=True)
class Order:
    """What a capture shall be."""

    side: int
    """Pixels of a picture, which is square."""
    pictures: int
    """To learn from, and a third as many to test with."""
    held_out: int
    """Sentences kept for the test."""
    seed: int
    framing: str = "head"
    same: bool = False
    """The avatar itself instead of a person: what the mesh alone explains."""


def make(sounds: Sequence[Path], folder: Path, order: Order) -> Capture:
    """Draws and writes the capture. Raises VoxrigError or OSError."""
    if len(sounds) < 2:
        raise AudioError(f"a capture needs two recordings at least, one to test with; got {len(sounds)}")
    if not 0 < order.held_out < len(sounds):
        raise AudioError(f"{order.held_out} of {len(sounds)} recordings cannot be kept for the test")
    rng = np.random.default_rng(order.seed)
    values, clips = _spoken(sounds, order.held_out, rng)
    avatar = folder / "avatar.glb"
    folder.mkdir(parents=True, exist_ok=True)
    # A copy, for triangles of Gaussians are those of one figure, whatever ships later.
    shutil.copyfile(Path(str(resources.files("voxrig") / "packs" / "avatar.glb")), avatar)
    figure = glb_figure.load(avatar)
    manner = person.drawn(order.seed)
    acted = values if order.same else person.acted(manner, values)
    shown = figure if order.same else person.posed(manner, figure, order.seed)
    cameras = [framed(figure, order.framing, np.radians(yaw), np.radians(up)) for _, yaw, up, _ in ANGLES]
    size = order.side, order.side
    views = tuple(
        _view(name, camera, size, use) for camera, (name, _, _, use) in zip(cameras, ANGLES, strict=True)
    )
    shots = _chosen(clips, order.pictures, rng)
    marks = _landmarks(shown, acted)
    whole = Capture(folder, size, FPS, values, views, clips, shots, figure=avatar, landmarks=marks)
    renderer = Mesh(shown, cameras[0], size, Background(transparent=True))
    _draw(whole, renderer, cameras, acted)
    capture_file.write(whole)
    return whole


def recordings(places: Sequence[Path]) -> list[Path]:
    """Recordings among files, and in folders, by name."""
    out: list[Path] = []
    for place in places:
        if place.is_dir():
            out += sorted(path for path in place.iterdir() if path.suffix.lower() in _SOUNDS)
        else:
            out.append(place)
    return out


def _spoken(
    sounds: Sequence[Path], held_out: int, rng: np.random.Generator
) -> tuple[Array, tuple[Clip, ...]]:
    """Values (t, c) of the native rig, of sentence after sentence and then of silence."""
    parts, clips, at = [], [], 0
    for i, path in enumerate(sounds):
        own = animate(path, "native", FPS).values.copy()
        _liven(own, rng)
        use = "test" if i >= len(sounds) - held_out else "learn"
        clips.append(Clip(f"{i:02d}-{path.stem}", at, len(own), use))
        parts.append(own)
        at += len(own)
    rate = 16_000
    silent = AudioChunk(np.zeros(_SILENCE * rate // FPS, np.float32), rate)
    parts.append(animate(silent, "native", FPS).values)
    clips.append(Clip("silence", at, len(parts[-1]), "test"))
    return np.concatenate(parts).astype(np.float32), tuple(clips)


def _liven(values: Array, rng: np.random.Generator) -> None:
    """Blinks, turns of the head, glances and moods, in place: what a mouth alone does not do."""
    count = len(values)
    for name, far in _TURNS.items():
        values[:, NATIVE.index(name)] += far * _wander(count, 2.0, rng)
    for pattern in ("mouthSmile*", "browOuterUp*", "browDown*"):
        mood = np.clip(0.35 * _wander(count, 1.5, rng) - 0.1, 0, 0.8)
        for name in both(pattern):
            values[:, NATIVE.index(name)] += mood
    values[:, NATIVE.index("browInnerUp")] += np.clip(0.3 * _wander(count, 1.5, rng), 0, 0.8)
    aside, up = 0.25 * _wander(count, 0.8, rng), 0.2 * _wander(count, 0.8, rng)
    for name, way in (("eyeLookOutLeft", aside), ("eyeLookInRight", aside), ("eyeLookInLeft", -aside),
                      ("eyeLookOutRight", -aside), ("eyeLookUpLeft", up), ("eyeLookUpRight", up),
                      ("eyeLookDownLeft", -up), ("eyeLookDownRight", -up)):  # fmt: skip
        values[:, NATIVE.index(name)] += np.clip(way, 0, 0.6)
    at = rng.integers(5, FPS)
    while at < count:
        lid = np.exp(-0.5 * np.square((np.arange(count) - at) / 1.6))
        for name in both("eyeBlink*"):
            values[:, NATIVE.index(name)] = np.maximum(values[:, NATIVE.index(name)], lid)
        at += rng.integers(FPS, 4 * FPS)
    np.clip(values, NATIVE.low, NATIVE.high, out=values)


def _wander(count: int, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise (t,) of standard deviation 1 that changes in about so many seconds."""
    width = seconds * FPS / 2
    reach = int(3 * width)
    kernel = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / width))
    return np.asarray(
        np.convolve(rng.normal(size=count + 2 * reach), kernel / np.linalg.norm(kernel), "valid")
    )


def _view(name: str, camera: Camera, size: tuple[int, int], use: str) -> View:
    return View(name, camera.view(), camera.focal(size[0]), (size[1] / 2, size[0] / 2), use)


def _chosen(clips: Sequence[Clip], pictures: int, rng: np.random.Generator) -> tuple[Shot, ...]:
    """Rows by chance, each from the next camera; of tests each from a camera of either use."""
    out = []
    for use, count in (("learn", pictures), ("test", pictures // 3)):
        own = [clip for clip in clips if clip.use == use and clip.name != "silence"]
        rows = np.concatenate([np.arange(c.first, c.first + c.count) for c in own])
        rows = np.sort(rng.permutation(np.resize(rows, max(count, len(rows))))[:count])
        cameras = [i for i, angle in enumerate(ANGLES) if use == "test" or angle[3] == "learn"]
        cameras.sort(key=lambda i: ANGLES[i][3] != use)
        out += [(int(row), cameras[i % len(cameras)]) for i, row in enumerate(rows)]
    silence = next(c for c in clips if c.name == "silence")
    out += [(row, 0) for row in range(silence.first, silence.first + silence.count, 5)]
    # Few frames and many pictures give a row twice from one camera: once is enough.
    return tuple(Shot(f"{ANGLES[view][0]}/{row:06d}.png", view, row) for row, view in sorted(set(out)))


def _landmarks(figure: Figure, acted: Array) -> Landmarks:
    posing = Posing(figure)
    vertex = lips.landmarks(figure)
    points = np.empty((len(acted), len(vertex), 3), np.float32)
    for row, values in enumerate(acted):
        posing.pose(values)
        points[row] = posing.points[vertex]
    return Landmarks(vertex, points)


def _draw(whole: Capture, renderer: Mesh, cameras: Sequence[Camera], acted: Array) -> None:
    from PIL import Image

    for name, *_ in ANGLES:
        (whole.folder / name).mkdir(exist_ok=True)
    for shot in whole.shots:
        renderer.camera = cameras[shot.view]
        Image.fromarray(renderer.draw(acted[shot.row])).save(whole.folder / shot.picture, compress_level=1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.gaussian.synthetic", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("sounds", type=Path, nargs="+", help="recordings, and folders of them")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the capture")
    parser.add_argument("--size", type=int, default=192, help="pixels of a side (default 192)")
    parser.add_argument("--pictures", type=int, default=600, help="to learn from (default 600)")
    parser.add_argument("--held-out", type=int, default=2, help="sentences kept for the test (default 2)")
    parser.add_argument("--seed", type=int, default=0, help="who it is, and how they move")
    parser.add_argument("--same", action="store_true", help="the avatar itself, and nobody else")
    args = parser.parse_args()
    order = Order(args.size, args.pictures, args.held_out, args.seed, same=args.same)
    try:
        whole = make(recordings(args.sounds), args.out, order)
    except VoxrigError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {OutputError(f'cannot write {args.out}: {error.strerror or error}')}")
    uses = [len(whole.chosen(use, "learn")) for use in USES]
    print(f"{args.out}: {len(whole.shots)} pictures, {uses[0]} to learn from; {len(whole.clips)} clips")


if __name__ == "__main__":
    main()
