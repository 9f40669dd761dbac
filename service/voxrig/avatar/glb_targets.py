"""Morph targets of an avatar: what they are called, and which curve of a rig moves which.

Makers of avatars spell one shape in many ways. A target and a curve are the same shape if their names are
equal, or equal once case, separators and the spelling of the side are set aside, or if the target's name
ends in the curve's after a separator::

    jawOpen   JawOpen   jaw_open   Head_jawOpen   blendShape1.jawOpen
    mouthSmileLeft   mouthSmile_L   MouthSmile.Left   mouthSmileL

An equal name goes before an alike one, and that before one with a prefix; of several prefixes the shortest
goes first, of equals the first in the file. In a VRM, an expression that is called like a curve comes
before all of them, since it says itself which targets it moves and how far. Facts: glTF 2.0 and VRM 0 and 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from voxrig.avatar.glb_file import Document, Glb, entries, member, place
from voxrig.errors import FormatError, one_line
from voxrig.types import Rig

_PREFIXES = ("CTRL_expressions_", "v2/")
"""What rigs put before the name of every curve, and avatars leave out."""

_TWINS = {
    "a": "aa",
    "i": "ih",
    "u": "ou",
    "e": "ee",
    "o": "oh",
    "joy": "happy",
    "sorrow": "sad",
    "fun": "relaxed",
}
"""VRM 0 presets to those of VRM 1 that are called otherwise."""

_APART = re.compile(r"[^0-9a-z]+", re.IGNORECASE)
_SIDE = re.compile(r"(?<![A-Z])[LR]$|(?<![A-Za-z])[lr]$")
_ALL = 64
"""Names that a message lists at most."""
_LONG = 60
"""Characters of each."""
_MOST = 1 << 16
"""Targets of one mesh."""


@dataclass(frozen=True)
class Face:
    """A node whose mesh has morph targets."""

    node: int
    mesh: int
    names: tuple[str, ...]
    """Of the node and of the mesh, either may be empty."""
    targets: tuple[str, ...]
    """A name for each; empty where the file gives none."""
    rest: tuple[float, ...]
    """Weight of each while nothing moves."""


@dataclass(frozen=True)
class Bind:
    """One target that a curve moves."""

    curve: int
    target: int
    weight: float = 1.0


def faces(glb: Glb, only: str = "") -> list[Face]:
    """Nodes with named targets, in the file's order; ``only`` those whose node or mesh is called that.

    Raises FormatError if the file contradicts itself, or has none of that name.
    """
    meshes = entries(glb.document, "meshes")
    found = []
    for index, node in enumerate(entries(glb.document, "nodes")):
        if "mesh" not in node:
            continue
        number = place(node["mesh"], len(meshes), "mesh of a node")
        mesh = meshes[number]
        targets = _targets(mesh)
        if targets:
            names = tuple(str(holder.get("name", "")) for holder in (node, mesh))
            found.append(Face(index, number, names, targets, _rest(node, mesh, len(targets))))
    chosen = [face for face in found if not only or only in face.names]
    if only and not chosen:
        have = sorted({name for face in found for name in face.names if name})
        raise FormatError(f"no mesh '{only}' with morph targets in the avatar; have {listed(have)}")
    return chosen


def binds(glb: Glb, face: Face, rig: Rig, spelled: Mapping[str, str]) -> list[Bind]:
    """Which curve of the rig moves which target of a face.

    ``spelled`` gives the target's exact name for curves that the user has named; such a curve goes there
    and nowhere else.
    """
    given = {target: curve for curve, target in spelled.items() if curve in rig.curves}
    named = set(given.values())
    found = [Bind(rig.index(given[name]), at) for at, name in enumerate(face.targets) if name in given]
    expressions = {name: moved for name, moved in _expressions(glb, face).items() if moved}
    free = [curve for curve in rig.curves if curve not in named]
    by_expression = {curve: _fold(curve) for curve in free if _fold(curve) in expressions}
    for curve, name in by_expression.items():
        found += [Bind(rig.index(curve), target, weight) for target, weight in expressions[name]]
    taken = {bind.target for bind in found}
    rest = {curve: at for at, curve in enumerate(rig.curves) if curve in free and curve not in by_expression}
    best = match(face.targets, rest)
    return found + [Bind(rest[curve], at) for curve, at in best.items() if at not in taken]


def match(targets: tuple[str, ...], curves: Mapping[str, int] | tuple[str, ...]) -> dict[str, int]:
    """Curve to index of the target that is the same shape: ``match(("Head_jawOpen",), ("jawOpen",))``."""
    exact = {bare: curve for curve in curves for bare in (_bare(curve), curve)}
    folded = {_fold(bare): curve for bare, curve in reversed(exact.items())}
    best: dict[str, tuple[int, int]] = {}
    for at, name in enumerate(targets):
        rank, curve = _same(name, exact, folded)
        if curve and (curve not in best or rank < best[curve][0]):
            best[curve] = (rank, at)
    return {curve: at for curve, (_, at) in best.items()}


def listed(names: list[str] | tuple[str, ...]) -> str:
    """Names for a message, not too many: ``a, b, c and 12 more``."""
    text = ", ".join(one_line(name[:_LONG]) for name in names[:_ALL]) or "none"
    return text if len(names) <= _ALL else f"{text} and {len(names) - _ALL} more"


def _same(name: str, exact: Mapping[str, str], folded: Mapping[str, str]) -> tuple[int, str]:
    """How far a target's name is from the curve it is the same as, and that curve; else an empty name."""
    if name in exact:
        return 0, exact[name]
    for rank, start in enumerate([0, *(found.end() for found in _APART.finditer(name))], 1):
        curve = folded.get(_fold(name[start:]))
        if curve:
            return rank, curve
    return 0, ""


def _bare(curve: str) -> str:
    for prefix in _PREFIXES:
        curve = curve.removeprefix(prefix)
    return curve


def _fold(name: str) -> str:
    """One spelling for all: ``mouthSmile_L`` and ``MouthSmileLeft`` are ``mouthsmileleft``."""
    sided = _SIDE.sub(lambda side: "left" if side[0] in "lL" else "right", name)
    return _APART.sub("", sided).lower() or name.lower()


def _targets(mesh: Document) -> tuple[str, ...]:
    """Names of a mesh's targets, from any of the places where exporters put them."""
    primitives = entries(mesh, "primitives")
    shapes = [entries(primitive, "targets") for primitive in primitives]
    count = len(shapes[0]) if shapes else 0
    if count > _MOST or any(len(shape) != count for shape in shapes):
        name = listed([str(mesh.get("name", ""))])
        raise FormatError(f"GLB: mesh '{name}' has parts with unequal numbers of morph targets")
    if not count:
        return ()
    places = [_names(holder.get("extras")) for holder in (mesh, *primitives)]
    places.append([_name(target.get("extras")) for target in shapes[0]])
    return next((tuple(names) for names in places if len(names) == count), ("",) * count)


def _names(extras: Any) -> list[str]:
    names = extras.get("targetNames") if isinstance(extras, dict) else None
    return [str(name) for name in names] if isinstance(names, list) else []


def _name(extras: Any) -> str:
    return str(extras.get("name", "")) if isinstance(extras, dict) else ""


def _rest(node: Document, mesh: Document, count: int) -> tuple[float, ...]:
    """Weights that a face starts from: the node's, else the mesh's, else 0."""
    for holder in (node, mesh):
        weights = holder.get("weights")
        if weights is not None:
            if not isinstance(weights, list) or len(weights) != count:
                raise FormatError(
                    f"GLB: a mesh of {count} morph targets has weights that are not {count} numbers"
                )
            return tuple(_number(weight) for weight in weights)
    return (0.0,) * count


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e30:
        raise FormatError(f"GLB: a weight must be a number, got {one_line(str(value)[:40])}")
    return float(value)


def _expressions(glb: Glb, face: Face) -> dict[str, list[tuple[int, float]]]:
    """Folded name of each VRM expression to the targets of a face that it moves, and how far."""
    extensions = member(glb.document, "extensions")
    found: dict[str, list[tuple[int, float]]] = {}
    one = member(member(extensions, "VRMC_vrm"), "expressions")
    for name, expression in [*member(one, "custom").items(), *member(one, "preset").items()]:
        binds = entries(expression, "morphTargetBinds") if isinstance(expression, dict) else []
        found[_fold(name)] = _moved(binds, "node", face.node, 1.0, len(face.targets))
    zero = member(member(extensions, "VRM"), "blendShapeMaster")
    for group in entries(zero, "blendShapeGroups"):
        preset = str(group.get("presetName", "unknown")).lower()
        name = str(group.get("name", "")) if preset in ("", "unknown") else preset
        found[_fold(name)] = _moved(entries(group, "binds"), "mesh", face.mesh, 0.01, len(face.targets))
    twins = {**_TWINS, **{new: old for old, new in _TWINS.items()}}
    return {twins[name]: moved for name, moved in found.items() if name in twins} | found


def _moved(binds: list[Document], key: str, number: int, scale: float, count: int) -> list[tuple[int, float]]:
    return [
        (place(bind.get("index"), count, "morph target"), _number(bind.get("weight", 1 / scale)) * scale)
        for bind in binds
        if bind.get(key) == number
    ]
