"""Binary FBX read without Blender: its records, and the keys of its blend shapes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

TICKS = 46_186_158_000
"""FBX's units of time in a second."""

ARRAYS = {"f": "<f4", "d": "<f8", "l": "<i8", "i": "<i4", "b": "<i1"}
SCALARS = {"Y": "h", "C": "?", "I": "i", "F": "f", "D": "d", "L": "q", "B": "b"}


def nodes(data: bytes) -> list[tuple[str, list[Any], list[Any]]]:
    """The top records of a binary FBX: name, properties, records within."""
    assert data[:18] == b"Kaydara FBX Binary"
    head = struct.Struct("<QQQB" if struct.unpack_from("<I", data, 23)[0] >= 7500 else "<IIIB")

    def record(at: int) -> tuple[tuple[str, list[Any], list[Any]] | None, int]:
        end, _, length, size = head.unpack_from(data, at)
        if not end:
            return None, at + head.size
        at += head.size
        name, at = data[at : at + size].decode(), at + size
        stop, values = at + length, []
        while at < stop:
            kind, at = chr(data[at]), at + 1
            if kind in "SR":
                (size,) = struct.unpack_from("<I", data, at)
                values.append(data[at + 4 : at + 4 + size])
                at += 4 + size
            elif kind in "fdlib":
                _, packed, size = struct.unpack_from("<III", data, at)
                raw = data[at + 12 : at + 12 + size]
                values.append(np.frombuffer(zlib.decompress(raw) if packed else raw, ARRAYS[kind]))
                at += 12 + size
            else:
                values += struct.unpack_from("<" + SCALARS[kind], data, at)
                at += struct.calcsize("<" + SCALARS[kind])
        return (name, values, list(records(at, end))), end

    def records(at: int, end: int) -> Iterator[tuple[str, list[Any], list[Any]]]:
        while at < end:
            found, at = record(at)
            if found is None:
                return
            yield found

    return list(records(27, len(data)))


def channels(data: bytes) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Ticks and percent of every blend shape channel that is animated, by name."""
    within = {name: inner for name, _, inner in nodes(data)}
    things = {values[0]: (name, values, inner) for name, values, inner in within["Objects"]}
    links = [values for _, values, _ in within["Connections"]]
    driven = {values[1]: values[2] for values in links if values[0] == b"OP"}
    found = {}
    for key, (name, _, inner) in things.items():
        if name == "AnimationCurve":
            kind, values, _ = things[driven[driven[key]]]
            if kind == "Deformer":
                curve = {entry: value[0] for entry, value, _ in inner}
                label = values[1].split(b"\0")[0].decode()
                found[label] = (curve["KeyTime"], curve["KeyValueFloat"])
    return found
