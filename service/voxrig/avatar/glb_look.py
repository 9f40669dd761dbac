"""How the parts of a GLB look: materials, pictures, where on them each point lies, and its own colour.

Colours of cartoons (KHR_materials_unlit, MToon) are drawn without light; their outlines and shades are not
read. A material that blends is cut at half its alpha, since figures are drawn without sorting.
Facts: glTF 2.0, KHR_texture_transform, KHR_materials_unlit, EXT_texture_webp, VRM 0 and 1.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import numpy as np

from voxrig.avatar.figure import Material, Picture
from voxrig.avatar.glb_file import Document, Glb, entries, member, numbers, place
from voxrig.avatar.glb_parts import Part
from voxrig.errors import FormatError, one_line
from voxrig.types import Array

_SIDES = 2048
"""Pixels of a picture's longer side that are kept at most."""
_PIXELS = 1 << 26
"""Of a picture that is opened at all: 8192 x 8192."""
_PICTURES = 64
"""Of one figure."""
_SOURCES = ("EXT_texture_webp", "EXT_texture_avif")
"""Extensions of a texture that name another picture than its plain one."""


def materials(glb: Glb, parts: Iterable[Part]) -> dict[int, Material]:
    """What the parts wear, by number within the file; -1 is what parts wear that name none."""
    about = entries(glb.document, "materials")
    pictures: dict[int, Picture] = {}
    found: dict[int, Material] = {}
    for part in parts:
        plain = part.material
        if plain.index in found:
            continue
        entry = about[plain.index] if plain.index >= 0 else {}
        found[plain.index] = Material(
            str(entry.get("name", "")),
            np.clip([*plain.colour, plain.opacity], 0, 1).astype(np.float32),
            _picture(glb, _texture(entry), pictures),
            float(np.clip(plain.roughness, 0, 1)),
            _cutout(entry),
            plain.double_sided,
            bool(_CARTOONS & set(member(entry, "extensions"))) or _mtoon(glb, plain.index),
        )
    return found


_CARTOONS = {"KHR_materials_unlit", "VRMC_materials_mtoon"}


def uvs(glb: Glb, part: Part) -> Array:
    """Where on its picture each point lies: (v, 2), +v downwards."""
    about = entries(glb.document, "materials")
    texture = _texture(about[part.material.index]) if part.material.index >= 0 else {}
    moved = member(member(texture, "extensions"), "KHR_texture_transform")
    layer = moved.get("texCoord", texture.get("texCoord", 0))
    attributes = member(part.primitive, "attributes")
    key = f"TEXCOORD_{place(layer, 16, 'texCoord')}"
    if key not in attributes:
        return np.zeros((len(part.points), 2), np.float32)
    flat = _finite(numbers(glb, attributes[key]), (len(part.points), 2), key)
    if not moved:
        return flat
    offset, scale = (np.array(_pair(moved, name, fill)) for name, fill in (("offset", 0.0), ("scale", 1.0)))
    turn = _number(moved.get("rotation", 0.0), "rotation")
    cos, sin = np.cos(turn), np.sin(turn)
    x, y = (flat * scale).T
    return np.stack([cos * x + sin * y + offset[0], cos * y - sin * x + offset[1]], 1).astype(np.float32)


def tints(glb: Glb, part: Part) -> Array | None:
    """The colour of each point, (v, 3) linear 0..1; None where the file gives none."""
    attributes = member(part.primitive, "attributes")
    if "COLOR_0" not in attributes:
        return None
    values = numbers(glb, attributes["COLOR_0"])
    if values.shape not in ((len(part.points), 3), (len(part.points), 4)):
        raise FormatError(f"GLB: COLOR_0 must be ({len(part.points)}, 3 or 4), got {values.shape}")
    return np.clip(_finite(values, values.shape, "COLOR_0")[:, :3], 0, 1)


def _cutout(entry: Document) -> float:
    mode = entry.get("alphaMode", "OPAQUE")
    if mode == "MASK":
        return float(np.clip(_number(entry.get("alphaCutoff", 0.5), "alphaCutoff"), 1e-3, 1))
    return 0.5 if mode == "BLEND" else 0.0


def _mtoon(glb: Glb, index: int) -> bool:
    """Whether a VRM 0 draws the material as a cartoon."""
    about = entries(member(member(glb.document, "extensions"), "VRM"), "materialProperties")
    return 0 <= index < len(about) and str(about[index].get("shader", "")).startswith(
        ("VRM/MToon", "VRM/Unlit")
    )


def _texture(entry: Document) -> Document:
    return member(member(entry, "pbrMetallicRoughness"), "baseColorTexture")


def _picture(glb: Glb, about: Document, opened: dict[int, Picture]) -> Picture | None:
    """The picture of a texture; those that are ``opened`` already are not read again."""
    if "index" not in about:
        return None
    textures, images = entries(glb.document, "textures"), entries(glb.document, "images")
    texture = textures[place(about["index"], len(textures), "texture")]
    packed = member(texture, "extensions")
    source = next((member(packed, name).get("source") for name in _SOURCES if name in packed), None)
    source = texture.get("source", source)
    if source is None and packed:
        raise FormatError(f"GLB: a picture packed as {_named(packed)} is not read; save it as PNG or JPEG")
    if source is None:
        return None
    index = place(source, len(images), "image")
    if index not in opened:
        if len(opened) == _PICTURES:
            raise FormatError(f"GLB: the face wears more than {_PICTURES} pictures")
        opened[index] = _opened(_bytes(glb, images[index]))
    return opened[index]


def _bytes(glb: Glb, image: Document) -> bytes:
    """The file of a picture, as the GLB holds it."""
    views = entries(glb.document, "bufferViews")
    if "bufferView" not in image:
        raise FormatError("GLB keeps a picture outside of its own binary chunk; save it as one .glb")
    view = views[place(image["bufferView"], len(views), "bufferView")]
    if view.get("buffer", 0) != 0:
        raise FormatError("GLB keeps a picture outside of its own binary chunk; save it as one .glb")
    at = place(view.get("byteOffset", 0), len(glb.binary) + 1, "byteOffset")
    size = place(view.get("byteLength"), len(glb.binary) - at + 1, "byteLength")
    return glb.binary[at : at + size]


def _opened(data: bytes) -> Picture:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            wide, high = picture.size
            if wide * high > _PIXELS:
                raise FormatError(
                    f"GLB holds a picture of {wide} x {high}; at most {_PIXELS >> 20} megapixels are read"
                )
            picture.thumbnail((_SIDES, _SIDES))
            return np.asarray(picture.convert("RGBA"))
    except FormatError:
        raise
    except Exception as error:  # a damaged picture can raise nearly anything
        raise FormatError(f"GLB holds a picture that cannot be read: {one_line(str(error)[:80])}") from error


def _pair(holder: Document, key: str, fill: float) -> list[float]:
    value = holder.get(key, [fill, fill])
    if not isinstance(value, list) or len(value) != 2:
        raise FormatError(f"GLB: {key} of a texture must be 2 numbers, got {one_line(str(value)[:40])}")
    return [_number(each, key) for each in value]


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e6:
        raise FormatError(f"GLB: {what} must be a number, got {one_line(str(value)[:40])}")
    return float(value)


def _finite(values: Any, shape: tuple[int, ...], what: str) -> Array:
    if values.shape != shape or not (np.abs(values) < 1e6).all():
        raise FormatError(f"GLB: {what} must be {shape} finite numbers, got {values.shape}")
    return np.asarray(values, np.float32)


def _named(holder: Document) -> str:
    return one_line(", ".join(holder)[:80])
