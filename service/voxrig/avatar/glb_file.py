"""The GLB container: glTF 2.0 in one file, taken apart, put together and grown. Trusts nobody.

::

    0   4   magic, "glTF"
    4   4   version, 2
    8   4   length of the whole file, bytes
    12  ..  chunks: length of the payload, kind, payload padded to 4 bytes

All numbers are little-endian uint32. The first chunk is kind ``JSON``; the second, if there is one of kind
``BIN``, is buffer 0. Chunks of other kinds are kept as they are. Knows nothing of curves or faces::

    glb = glb_file.read(file)
    mesh = glb_file.entries(glb.document, "meshes")[0]
    points = glb_file.numbers(glb, mesh["primitives"][0]["attributes"]["POSITION"])  # (v, 3)

Every fault of a file is a FormatError; memory stays within a small multiple of the file's real size.
Facts: the glTF 2.0 specification.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from voxrig.errors import FormatError, one_line

Document = dict[str, Any]
"""A JSON object as the file has it. Read it through ``entries``, ``member`` and ``place``."""

LARGEST = 512 << 20
"""Bytes of a file that is read."""
LARGEST_JSON = 64 << 20
"""Bytes of its JSON."""
MOST_NUMBERS = 1 << 27
"""Of one accessor."""

_MAGIC, _JSON, _BIN = 0x46546C67, 0x4E4F534A, 0x004E4942
_HEADER, _CHUNK = struct.Struct("<3I"), struct.Struct("<2I")
_BLOCK = 1 << 20
_TYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_CODES = {np.dtype(name): code for code, name in _TYPES.items()}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_KINDS = {width: name for name, width in _WIDTHS.items()}


@dataclass(frozen=True, eq=False)
class Glb:
    """One file, taken apart."""

    document: Document
    binary: bytes = b""
    """Buffer 0, as long as its chunk."""
    others: tuple[tuple[int, bytes], ...] = ()
    """Chunks of kinds that glTF does not define: kind and payload."""


def read(data: BinaryIO) -> Glb:
    """Take a file apart. Raises FormatError for what is no GLB, or a broken one."""
    head = _exactly(data, _HEADER.size, "header")
    magic, version, length = _HEADER.unpack(head)
    if magic != _MAGIC:
        raise FormatError(f"no GLB file: it begins with {head[:4]!r}, not b'glTF'; save a .gltf as one .glb")
    if version != 2:
        raise FormatError(f"GLB version {version} is not read; only 2 is")
    if length > LARGEST:
        raise FormatError(f"GLB file of {length >> 20} MB; at most {LARGEST >> 20} MB are read")
    left = length - _HEADER.size
    chunks: list[tuple[int, bytes]] = []
    while left > 0:
        size, kind = _CHUNK.unpack(_exactly(data, _CHUNK.size, "chunk header"))
        left -= _CHUNK.size + size
        if left < 0:
            raise FormatError(f"GLB chunk of {size} bytes runs past the file's {length}")
        if not chunks and (kind != _JSON or size > LARGEST_JSON):
            raise FormatError(f"GLB does not begin with a JSON chunk of at most {LARGEST_JSON >> 20} MB")
        chunks.append((kind, _exactly(data, size, "chunk")))
    if not chunks:
        raise FormatError("GLB holds no JSON")
    if data.read(1):
        raise FormatError(f"GLB goes on after the {length} bytes that it says it has")
    binary = chunks[1][1] if len(chunks) > 1 and chunks[1][0] == _BIN else None
    others = chunks[1:] if binary is None else chunks[2:]
    return Glb(_parse(chunks[0][1]), binary or b"", tuple(others))


def write(out: BinaryIO, glb: Glb, more: Iterable[bytes] = ()) -> None:
    """Put a file together; ``more`` is appended to the binary chunk piece by piece.

    The document must already say how long buffer 0 is then. Raises FormatError if it passes 4 GB.
    """
    pieces = [glb.binary, *more]
    try:
        text = _text(glb.document, escaped=False)
    except UnicodeEncodeError:  # half a surrogate pair: JSON can say it, UTF-8 cannot
        text = _text(glb.document, escaped=True)
    except RecursionError as error:
        raise FormatError("GLB holds JSON that is nested too deep") from error
    chunks = [(_JSON, [text + b" " * (-len(text) % 4)])]
    size = sum(map(len, pieces))
    if size:
        chunks.append((_BIN, [*pieces, bytes(-size % 4)]))
    chunks += [(kind, [payload]) for kind, payload in glb.others]
    sizes = [sum(map(len, parts)) for _, parts in chunks]
    total = _HEADER.size + sum(sizes) + _CHUNK.size * len(sizes)
    if total >= 1 << 32:
        raise FormatError(f"a GLB of {total >> 20} MB cannot be; the format ends at 4096 MB")
    out.write(_HEADER.pack(_MAGIC, 2, total))
    for (kind, parts), length in zip(chunks, sizes, strict=True):
        out.write(_CHUNK.pack(length, kind))
        for part in parts:
            out.write(part)


def entries(holder: Document, key: str) -> list[Document]:
    """A list of objects, empty when it is not there. Raises FormatError if it is something else."""
    found = holder.get(key, [])
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise FormatError(f"GLB: '{key}' is no list of objects")
    return found


def member(holder: Document, key: str) -> Document:
    """An object within an object, empty when it is not there. Raises FormatError if it is something else."""
    found = holder.get(key, {})
    if not isinstance(found, dict):
        raise FormatError(f"GLB: '{key}' is no object")
    return found


def place(value: object, below: int, what: str) -> int:
    """A whole number from 0 up to ``below``, not counting it. Raises FormatError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < below:
        choices = f"a whole number from 0 to {below - 1}" if below > 0 else "absent, since there is none"
        raise FormatError(f"GLB: {what} must be {choices}, got {one_line(str(value)[:40])}")
    return value


def numbers(glb: Glb, accessor: object) -> NDArray[Any]:
    """What an accessor holds, (count, width): float32, or its own integers unless they are normalised.

    Sparse accessors are filled in. Raises FormatError for one that does not fit the file.
    """
    accessors = entries(glb.document, "accessors")
    about = accessors[place(accessor, len(accessors), "accessor")]
    kind, width = _TYPES.get(_key(about, "componentType")), _WIDTHS.get(_key(about, "type"))
    if kind is None or width is None:
        raise FormatError(f"GLB: accessor {accessor} has a component or element type that is not read")
    count = place(about.get("count"), MOST_NUMBERS // width + 1, "accessor count")
    if "bufferView" in about:
        values = _viewed(glb, about, kind, count, width).copy()
    else:
        values = np.zeros((count, width), kind)
    if "sparse" in about:
        sparse = member(about, "sparse")
        some = place(sparse.get("count"), count + 1, "count of a sparse accessor")
        where, what = member(sparse, "indices"), member(sparse, "values")
        index_kind = _TYPES.get(_key(where, "componentType"))
        if index_kind not in ("<u1", "<u2", "<u4"):
            raise FormatError(f"GLB: sparse accessor {accessor} has indices of an unknown type")
        index = _viewed(glb, where, index_kind, some, 1)[:, 0]
        if some and int(index.max()) >= count:
            raise FormatError(f"GLB: sparse accessor {accessor} changes an element past its {count}")
        values[index] = _viewed(glb, what, kind, some, width)
    if about.get("normalized") is True and kind != "<f4":
        top = np.float32(np.iinfo(kind).max)
        scaled: NDArray[np.float32] = np.maximum(values.astype(np.float32) / top, np.float32(-1))
        return scaled
    return values.astype(np.dtype(kind).newbyteorder("="), copy=False)


class Draft:
    """A GLB under way: a copy to which accessors and whole entries are added.

    Everything that the file had keeps its index, and the bytes of buffer 0 stay where they are.
    """

    def __init__(self, glb: Glb) -> None:
        self._glb = glb
        self.document: Document = dict(glb.document)
        self._pieces: list[bytes] = []
        self._at = len(glb.binary)
        buffers = entries(self.document, "buffers")
        if buffers and ("uri" in buffers[0] or not glb.binary):
            raise FormatError(
                "GLB keeps its buffer 0 outside of its own binary chunk; save it as one .glb that holds all"
            )

    def append(self, key: str, entry: Document) -> int:
        """Add an entry to one of the document's lists, and tell its index."""
        self.document[key] = [*entries(self.document, key), entry]
        return len(self.document[key]) - 1

    def accessor(self, values: NDArray[Any]) -> int:
        """Add finite numbers, (n,) or (n, width), n at least 1, and tell the index of their accessor."""
        kind = np.dtype(values.dtype).newbyteorder("<")
        table = values.reshape(len(values), -1)
        raw = np.ascontiguousarray(table, kind).tobytes()
        padded = raw + bytes(-len(raw) % 4)
        self._pad()
        view = {"buffer": 0, "byteOffset": self._at, "byteLength": len(raw)}
        self._pieces.append(padded)
        self._at += len(padded)
        return self.append(
            "accessors",
            {
                "bufferView": self.append("bufferViews", view),
                "componentType": _CODES[kind],
                "count": len(table),
                "type": _KINDS[table.shape[1]],
                "min": table.min(axis=0).tolist(),
                "max": table.max(axis=0).tolist(),
            },
        )

    def write(self, out: BinaryIO) -> None:
        """Put the grown file together."""
        document = dict(self.document)
        if self._pieces:
            old = entries(document, "buffers")
            first = {**(old[0] if old else {}), "byteLength": self._at}
            document["buffers"] = [first, *old[1:]]
        write(out, Glb(document, self._glb.binary, self._glb.others), self._pieces)

    def _pad(self) -> None:
        if self._at % 4:
            self._pieces.append(bytes(-self._at % 4))
            self._at += len(self._pieces[-1])


def _viewed(glb: Glb, about: Document, kind: str, count: int, width: int) -> NDArray[Any]:
    """``count`` elements (count, width) of the buffer view that ``about`` names, not copied."""
    views = entries(glb.document, "bufferViews")
    view = views[place(about.get("bufferView"), len(views), "bufferView")]
    if "extensions" in view:
        raise FormatError(
            f"GLB: data packed with {one_line(', '.join(member(view, 'extensions'))[:80])} is not read"
        )
    buffers = entries(glb.document, "buffers")
    buffer = buffers[place(view.get("buffer"), len(buffers), "buffer")]
    if buffer is not buffers[0] or "uri" in buffer:
        raise FormatError("GLB keeps numbers outside of its own binary chunk; save it as one .glb")
    size = len(glb.binary)
    start = place(view.get("byteOffset", 0), size + 1, "byteOffset")
    length = place(view.get("byteLength"), size - start + 1, "byteLength")
    offset = place(about.get("byteOffset", 0), length + 1, "byteOffset")
    element = np.dtype(kind).itemsize * width
    stride = place(view.get("byteStride", element), 253, "byteStride") if count else element
    if stride < element or (count and offset + stride * (count - 1) + element > length):
        raise FormatError(f"GLB: {count} elements of {stride} bytes do not fit a view of {length}")
    step = (stride, np.dtype(kind).itemsize)
    return np.ndarray((count, width), kind, glb.binary, start + offset if count else 0, step)


def _key(holder: Document, key: str) -> Any:
    """A value that can be looked up in a table; None if it is a list or an object."""
    value = holder.get(key)
    return value if isinstance(value, (int, str)) else None


def _exactly(data: BinaryIO, size: int, what: str) -> bytes:
    """``size`` bytes, taken in blocks, so that a length that lies costs no memory."""
    parts, left = [], size
    while left:
        part = data.read(min(left, _BLOCK))
        if not part:
            raise FormatError(f"GLB is cut short: {left} bytes of a {what} are missing")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _parse(text: bytes) -> Document:
    try:
        document = json.loads(text.decode("utf-8-sig"), parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise FormatError(f"GLB holds JSON that cannot be read: {one_line(str(error)[:80])}") from error
    if not isinstance(document, dict):
        raise FormatError("GLB holds JSON that is no object")
    return document


def _text(document: Document, escaped: bool) -> bytes:
    return json.dumps(document, ensure_ascii=escaped, separators=(",", ":"), allow_nan=False).encode()


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is no finite number")
    return value
