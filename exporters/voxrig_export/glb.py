"""GLB: the avatar with the take as its animation, for the web, Godot, Blender, Unity, Unreal and viewers.

The avatar is the user's own .glb or .vrm, else the one that ships. One animation is added, with a
``weights`` channel for every node whose morph targets are called like curves of the rig (see
``glb_targets``); each channel carries all targets of its mesh, those that no curve moves at their rest.
All else stays: indices, extensions and the bytes of the binary chunk, to which the curves are appended.

Values are exact float32. With a tolerance, keys are left out where straight lines do as well; they are
shared by all curves, since a ``weights`` channel sets all targets at once. ``Options.mesh`` picks a node or
mesh by name; ``Options.names`` says which target a curve moves where the names do not tell.
"""

from __future__ import annotations

from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from voxrig.avatar import glb_file
from voxrig.avatar.glb_targets import Bind, Face, binds, faces, listed, match
from voxrig.errors import FormatError, one_line
from voxrig.types import Array, Frames
from voxrig_export import glb_animation
from voxrig_export.keys import reduce_all
from voxrig_export.take import Take, Writer


class GlbTake(Writer):
    """Keeps the take and writes the animated avatar when it is whole."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        self._out, self._take = out, take
        self._avatar = avatar(take.options.avatar)
        self._moved = _moved(self._avatar, take)
        self._rows: list[Array] = []

    def write(self, values: Array, start: int) -> None:
        """Keep rows (t, c), of which the first is frame ``start``."""
        self._rows.append(np.array(values, np.float32))

    def finish(self, count: int) -> None:
        """Write the avatar with its animation; without a frame there is none."""
        draft = glb_file.Draft(self._avatar)
        animation = glb_animation.Animation(draft, self._take)
        if count:
            values = np.concatenate(self._rows)
            curves = sorted({bind.curve for _, bound in self._moved for bind in bound})
            keys = shared_keys(values[:, curves], self._take.options.tolerance)
            for face, bound in self._moved:
                animation.add(face.node, "weights", keys, weights(values[keys], face, bound).reshape(-1))
        animation.finish()
        draft.write(self._out)

    def release(self) -> None:
        """Forget the take."""
        self._rows.clear()


def avatar(path: Path | None) -> glb_file.Glb:
    """The user's avatar, or the one that ships. Raises FormatError if it cannot be read."""
    place = path or Path(str(resources.files("voxrig") / "packs" / "avatar.glb"))
    if path is None and not place.is_file():
        raise FormatError("no avatar ships with this copy; name a .glb or .vrm file as avatar")
    try:
        with place.open("rb") as file:
            return glb_file.read(file)
    except OSError as error:
        raise FormatError(f"cannot read avatar {place}: {error.strerror or error}") from error
    except FormatError as error:
        raise FormatError(f"cannot use avatar {place}: {error}") from error


def read(data: BinaryIO, fps: Fraction | None = None) -> Frames:
    """The morph animation of a GLB or VRM, on the rig that it says or that has most of its targets.

    ``fps`` is the rate to read it at; None is its own. Raises FormatError.
    """
    glb = glb_file.read(data)
    animation, tracks = glb_animation.moving(glb, "weights")
    by_node = {face.node: face.targets for face in faces(glb)}
    moved = [(track, by_node.get(track.node, ())) for track in tracks]
    for track, targets in moved:
        if targets and track.values.shape[-1] != len(targets):
            raise FormatError(
                f"GLB animates {track.values.shape[-1]} of {len(targets)} morph targets of a mesh"
            )
    rig = glb_animation.best_rig(animation, tuple(name for _, targets in moved for name in targets))
    curves: dict[str, tuple[glb_animation.Track, int]] = {}
    for track, targets in moved:
        for curve, column in match(targets, rig.curves).items():
            curves.setdefault(curve, (track, column))
    return glb_animation.frames(rig, curves, animation, fps)


def weights(values: Array, face: Face, bound: list[Bind]) -> Array:
    """What the targets of a face do, (t, targets), while the curves do ``values`` (t, c)."""
    out = np.repeat(np.array([face.rest], np.float32), len(values), axis=0)
    driven: dict[int, int] = {}
    for bind in bound:
        driven[bind.target] = driven.get(bind.target, 0) + 1
    out[:, list(driven)] = 0
    for bind in bound:
        out[:, bind.target] += values[:, bind.curve] * np.float32(bind.weight)
    shared = [target for target, count in driven.items() if count > 1]
    # Expressions that share a target add up to no more than all of it.
    out[:, shared] = np.clip(out[:, shared], 0, 1)
    return out


def shared_keys(values: Array, tolerance: float | None) -> NDArray[np.int64]:
    """Numbers of the frames at which all of the curves (t, c) have a key."""
    if not tolerance:
        return np.arange(len(values))
    # A key that another curve asks for bends this one by what it is off: each gets half.
    return np.unique(np.concatenate(reduce_all(values, tolerance / 2)))


def _moved(glb: glb_file.Glb, take: Take) -> list[tuple[Face, list[Bind]]]:
    """The faces of an avatar and what moves them. Raises FormatError if nothing does or a name is missing."""
    rig, options = take.rig, take.options
    have = faces(glb, options.mesh)
    moved = [(face, bound) for face in have if (bound := binds(glb, face, rig, options.names))]
    found = tuple(dict.fromkeys(name for face in have for name in face.targets if name))
    for curve, name in options.names.items():
        if curve in rig.curves and name not in found:
            raise FormatError(
                f"no morph target of the avatar is called '{one_line(name)}', as --names says of {curve};"
                f" found {listed(found)}"
            )
    if not moved:
        raise FormatError(
            f"no morph target of the avatar is a curve of rig {rig.name};"
            f" looked for {listed(rig.curves)}; found {listed(found)}"
        )
    return moved
