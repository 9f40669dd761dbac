"""A figure out of a GLB or VRM file: its meshes as one, its pictures, and which joints turn what.

Faces with shapes of ARKit move by them. Of the others, those are read that a VRM's expressions move (aa, ih,
blink, happy …), those of VRoid outside of a VRM (Fcl_MTH_A …) and those with visemes (viseme_aa, vrc.v_aa …):
the figure then speaks that rig. Halves of one shape (cheekPuffLeft, cheekPuffRight) move together. Knows
nothing of how a figure is drawn; letters as in ``figure``.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np

from voxrig.avatar import glb_file, glb_joints, glb_look, glb_parts, glb_targets, pivots, surface
from voxrig.avatar.figure import Figure
from voxrig.avatar.glb_file import Document, Glb, entries, member, numbers, place
from voxrig.avatar.glb_parts import Moved, Part
from voxrig.avatar.glb_targets import Bind, Face
from voxrig.errors import FormatError
from voxrig.rigs.native import NATIVE
from voxrig.rigs.visemes import VISEME_RIG
from voxrig.rigs.vrm import VRM1
from voxrig.types import Rig

_POINTS, _CORNERS = 1 << 19, 6 << 19
"""Of the whole scene, and of its triangles."""
_BELOW, _ASIDE = -8.0, 8.0
"""In distances between the eyes: nothing lower or further aside is in any picture of a face."""
_PACKED = (
    "KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression", "KHR_texture_basisu",
)  # fmt: skip
_VROID = {
    "aa": "MTH_A", "ih": "MTH_I", "ou": "MTH_U", "ee": "MTH_E", "oh": "MTH_O", "blink": "EYE_Close",
    "blinkLeft": "EYE_Close_L", "blinkRight": "EYE_Close_R", "happy": "ALL_Joy", "angry": "ALL_Angry",
    "sad": "ALL_Sorrow", "relaxed": "ALL_Fun", "surprised": "ALL_Surprised",
}  # fmt: skip
"""What VRoid calls the targets of VRM 1 expressions, after Fcl_."""


def load(path: Path | None = None) -> Figure:
    """The figure in a .glb or .vrm file, or the one that ships. Raises FormatError."""
    chosen = path or Path(str(resources.files("voxrig") / "packs" / "avatar.glb"))
    try:
        with chosen.open("rb") as file:
            return figure(glb_file.read(file))
    except OSError as error:
        raise FormatError(f"cannot read avatar {chosen}: {error.strerror or error}") from error
    except FormatError as error:
        raise FormatError(f"cannot use avatar {chosen}: {error}") from error


def figure(glb: Glb) -> Figure:
    """All of a face that the scene of a file shows. Raises FormatError if nothing there moves like one."""
    glb = glb_joints.arms_lowered(_readable(glb))
    rig, moved = _moved(glb, glb_targets.faces(glb))
    parts = glb_parts.parts(glb, moved)
    if not any(part.shapes for part in parts):
        raise FormatError("no mesh that the scene shows is moved by its morph targets")
    joints = glb_joints.find(glb)
    whole = surface.used(_joined(glb, rig, parts, joints))
    if "VRM" in member(glb.document, "extensions"):  # VRM 0 looks along -Z
        whole = surface.turned(whole)
    return surface.in_metres(_seen(pivots.completed(whole, joints.known)))


def _readable(glb: Glb) -> Glb:
    """The same with a scene, and without normals that are no numbers. Raises FormatError if it is packed."""
    needs = glb.document.get("extensionsRequired", [])
    packed = [name for name in _PACKED if isinstance(needs, list) and name in needs]
    if packed:
        raise FormatError(f"GLB is packed with {' and '.join(packed)}, which is not read; save it without")
    _check_size(glb.document)
    nodes, meshes = entries(glb.document, "nodes"), entries(glb.document, "meshes")
    document = {**glb.document, "meshes": [_numbered(glb, mesh) for mesh in meshes]}
    if not entries(document, "scenes"):
        lists = [node.get("children", []) for node in nodes]
        below = [child for children in lists if isinstance(children, list) for child in children]
        document |= {"scene": 0, "scenes": [{"nodes": [i for i in range(len(nodes)) if i not in below]}]}
    return replace(glb, document=document)


def _check_size(document: Document) -> None:
    """Raises FormatError for a file that shows more than a face can need, however little it says so with."""
    accessors = entries(document, "accessors")
    counts = [about.get("count", 0) for about in accessors]
    if any(isinstance(count, int) and count > _CORNERS for count in counts):
        raise FormatError(f"GLB has an accessor of more than {_CORNERS} elements; no face needs as many")
    shown = [node.get("mesh") for node in entries(document, "nodes")]
    points = corners = 0
    for index, mesh in enumerate(entries(document, "meshes")):
        for primitive in entries(mesh, "primitives"):
            at = place(member(primitive, "attributes").get("POSITION"), len(accessors), "POSITION")
            points += shown.count(index) * int(place(counts[at], _CORNERS + 1, "accessor count"))
            if "indices" in primitive:
                at = place(primitive["indices"], len(accessors), "indices")
                corners += shown.count(index) * int(place(counts[at], _CORNERS + 1, "accessor count"))
    if points > _POINTS or corners > _CORNERS:
        raise FormatError(
            f"GLB shows {points} points and {corners // 3} triangles; "
            f"at most {_POINTS} and {_CORNERS // 3} are read"
        )


def _numbered(glb: Glb, mesh: Document) -> Document:
    """The mesh without normals, of itself or of its targets, that hold something else than numbers."""

    def bare(holder: Document) -> Document:
        fine = "NORMAL" not in holder or np.isfinite(numbers(glb, holder["NORMAL"])).all()
        return holder if fine else {key: value for key, value in holder.items() if key != "NORMAL"}

    primitives = []
    for primitive in entries(mesh, "primitives"):
        changed = {**primitive, "attributes": bare(member(primitive, "attributes"))}
        if "targets" in primitive:  # the pose of the mesh tells its normals, whatever the file says of them
            changed["targets"] = [
                {key: value for key, value in target.items() if key == "POSITION"}
                for target in entries(primitive, "targets")
            ]
        primitives.append(changed)
    return {**mesh, "primitives": primitives}


def _moved(glb: Glb, faces: list[Face]) -> tuple[Rig, dict[int, Moved]]:
    """The rig that tells most of a face's targets, and which curves of it move them, by node."""
    best: tuple[int, Rig, dict[int, list[Bind]]] = (0, NATIVE, {})
    for rig in (NATIVE, VRM1, VISEME_RIG):
        found = {face.node: _binds(glb, face, rig) for face in faces}
        curves = len({bind.curve for bound in found.values() for bind in bound})
        if curves > best[0]:
            best = curves, rig, found
    if not best[0]:
        have = glb_targets.listed(sorted({name for face in faces for name in face.targets}))
        raise FormatError(
            f"no morph target is called like a shape of ARKit (jawOpen …), an expression of a VRM (aa …) "
            f"or a viseme (viseme_aa …); have {have}"
        )
    return best[1], {face.node: Moved(tuple(best[2][face.node]), face.rest) for face in faces}


def _binds(glb: Glb, face: Face, rig: Rig) -> list[Bind]:
    """Which curve of a rig moves which target of a face."""
    found = glb_targets.binds(glb, face, rig, {})
    have = {bind.curve for bind in found}
    if rig is VRM1:
        ends = {name.partition("Fcl_")[2]: at for at, name in enumerate(face.targets)}
        more = [(rig.index(curve), ends[end]) for curve, end in _VROID.items() if end in ends]
        return found + [Bind(curve, at) for curve, at in more if curve not in have]
    if rig is NATIVE:
        halves = {f"{curve}{side}": curve for curve in _WHOLE for side in ("Left", "Right")}
        matched = glb_targets.match(face.targets, tuple(halves))
        more = [(rig.index(halves[half]), at) for half, at in matched.items()]
        return found + [Bind(curve, at) for curve, at in more if curve not in have]
    return found


_WHOLE = ("browInnerUp", "cheekPuff")
"""Shapes of ARKit for both sides, which some files have by halves."""


def _joined(glb: Glb, rig: Rig, parts: list[Part], joints: glb_joints.Joints) -> Figure:
    """All parts as one figure, whose pivots may lack."""
    first = np.cumsum([0, *(len(part.points) for part in parts)])
    shapes = sorted({shape.curve for part in parts for shape in part.shapes})
    at = {curve: i for i, curve in enumerate(shapes)}
    faces = [
        part.triangles.astype(np.int32)[:, [0, 2, 1] if _inside_out(glb, part) else [0, 1, 2]]
        for part in parts
    ]
    looks = glb_look.materials(glb, parts)
    place_ = {index: i for i, index in enumerate(looks)}
    moving = [(shape, start) for part, start in zip(parts, first, strict=False) for shape in part.shapes]
    tints = [glb_look.tints(glb, part) for part in parts]
    white = [
        tint if tint is not None else np.ones_like(part.points)
        for tint, part in zip(tints, parts, strict=True)
    ]
    return Figure(
        points=np.concatenate([part.points for part in parts]),
        normals=np.concatenate(
            [surface.mended(part.normals, part.points, face) for part, face in zip(parts, faces, strict=True)]
        ),
        uvs=np.concatenate([glb_look.uvs(glb, part) for part in parts]),
        faces=np.concatenate([face + start for face, start in zip(faces, first, strict=False)]).astype(
            np.int32
        ),
        material=np.repeat(
            [place_[part.material.index] for part in parts], [len(part.triangles) for part in parts]
        ).astype(np.int32),
        materials=tuple(looks.values()),
        shapes=tuple(rig.curves[curve] for curve in shapes),
        moves=surface.moves(
            int(first[-1]),
            np.concatenate([shape.vertices + np.int32(start) for shape, start in moving]),
            np.concatenate([np.full(len(shape.vertices), at[shape.curve], np.int32) for shape, _ in moving]),
            np.concatenate([shape.offsets for shape, _ in moving]),
        ),
        shares=np.concatenate([glb_joints.shares(glb, part, joints) for part in parts]),
        pivots=joints.pivots,
        rig=rig,
        tints=None if all(tint is None for tint in tints) else np.concatenate(white),
    )


def _inside_out(glb: Glb, part: Part) -> bool:
    """Whether its node mirrors it, so that triangles show their backs."""
    node = entries(glb.document, "nodes")[part.node]
    if "skin" in node:
        return False
    return bool(np.linalg.det(glb_parts.worlds(glb.document)[part.node][:3, :3]) < 0)


def _seen(figure: Figure) -> Figure:
    """The same without what no picture of a face shows. Raises FormatError if that is all."""
    away = (figure.points - figure.eyes.mean(0)) / max(figure.width, 1e-9)
    near = ((away[:, 1] > _BELOW) & (np.abs(away[:, 0]) < _ASIDE))[figure.faces].any(1)
    if not near.any():
        raise FormatError("the face of the avatar was not found: there is nothing about its eyes")
    return figure if near.all() else surface.kept(figure, near)
