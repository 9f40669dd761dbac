"""Open Sound Control 1.0: messages with an address and a few values, alone or many in a bundle.

Everything is big-endian and counted in steps of 4 bytes: a text is UTF-8, ends with a NUL and is filled up
with NULs; a blob has its length in front. A message is its address, a comma with one letter for each
argument, and the arguments. A bundle is ``#bundle``, a time tag (ours say "now") and its elements, each
with its length in front; elements are messages or bundles. Source: the OSC 1.0 specification.

    i int32   h int64   f float32   d float64   s text   b blob   T true   F false   N nothing
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from voxrig.errors import WireError
from voxrig.types import Array

Value = float | int | str | bytes | bool | None

MOST = 1472
"""Bytes of a datagram that an Ethernet carries in one piece: 1500 less the heads of IP (20) and UDP (8)."""

_LARGEST = 65_507  # bytes that UDP can carry at all
_DEEPEST = 4  # bundles within bundles
_WIDEST = 256  # arguments of a message
_HEAD = b"#bundle\0" + struct.pack(">Q", 1)  # the time tag 1 is "now"
_NUMBERS = {"i": ">i", "h": ">q", "f": ">f", "d": ">d"}
_CONSTANTS: dict[str, Value] = {"T": True, "F": False, "N": None}
_RESERVED = " #*,?[]{}"

LEGAL = "printable ASCII without spaces and #*,?[]{}"
"""What an address may hold, for sentences to people."""

LONGEST = 200
"""Characters that people may give for a part of an address, so that the whole fits into a datagram."""


@dataclass(frozen=True)
class Message:
    """One message as it was read."""

    address: str
    types: str
    """One letter for each argument."""
    arguments: tuple[Value, ...]


def stray(address: str) -> str:
    """The first character that OSC does not allow in an address, or nothing."""
    return next((c for c in address if c in _RESERVED or not " " < c < "\x7f"), "")


def message(address: str, *arguments: Value, types: str | None = None) -> bytes:
    """A message. ``types`` are the letters of its arguments, if not those that Python's types suggest.

    Floats go as f, integers as i. Raises ValueError if an address, a text or a number is not one for OSC.
    """
    if not address.startswith("/") or stray(address):
        raise ValueError(f"'{address}' is no OSC address")
    letters = "".join(map(_letter, arguments)) if types is None else types
    try:
        body = b"".join(_packed(*pair) for pair in zip(letters, arguments, strict=True))
    except (struct.error, OverflowError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{address}: {arguments} are not of the OSC types '{letters}': {error}") from None
    return _text(address) + _text("," + letters) + body


def element(content: bytes) -> bytes:
    """A message or bundle with its length in front, as it stands in a bundle."""
    return struct.pack(">i", len(content)) + content


def bundle(messages: Iterable[bytes]) -> bytes:
    """One bundle of all messages, whatever its size."""
    return _HEAD + b"".join(map(element, messages))


def bundles(elements: Iterable[bytes], most: int = MOST) -> list[bytes]:
    """Elements in their order, in as few bundles of at most ``most`` bytes as that takes.

    Raises ValueError if an element fits into none.
    """
    out: list[bytes] = []
    parts, size = [_HEAD], len(_HEAD)
    for part in elements:
        if len(_HEAD) + len(part) > most:
            raise ValueError(f"a message of {len(part)} bytes does not fit into a bundle of {most}")
        if size + len(part) > most:
            out.append(b"".join(parts))
            parts, size = [_HEAD], len(_HEAD)
        parts.append(part)
        size += len(part)
    return [*out, b"".join(parts)] if len(parts) > 1 else out


@dataclass(frozen=True)
class Open:
    """An element that ends in ``count`` float32 which change from frame to frame: all that is before them."""

    stem: bytes
    count: int


def opened(address: str, *arguments: Value, count: int = 1) -> Open:
    """The message with these arguments and ``count`` floats after them, as an element."""
    whole = element(message(address, *arguments, *[0.0] * count))
    return Open(whole[: len(whole) - 4 * count], count)


def filled(messages: Iterable[Open], numbers: ArrayLike) -> list[bytes]:
    """The elements with their floats, which are given in one row."""
    row = np.asarray(numbers, ">f4").tobytes()
    out, at = [], 0
    for part in messages:
        out.append(part.stem + row[at : at + 4 * part.count])
        at += 4 * part.count
    return out


class Template:
    """The bundles of a frame, laid out once; a frame writes its floats into them, all at a time."""

    def __init__(self, messages: Iterable[Open], most: int = MOST) -> None:
        parts = list(messages)
        datagrams = bundles(filled(parts, np.zeros(sum(part.count for part in parts))), most)
        self._bytes = bytearray(b"".join(datagrams))
        self._ends = np.cumsum([0, *map(len, datagrams)]).tolist()
        self._numbers = np.frombuffer(self._bytes, ">f4")  # everything lies at steps of 4 bytes
        self._places = np.array(_places(parts, datagrams), np.intp)

    def __call__(self, numbers: Array) -> list[bytes]:
        """(n,) floats in the order of the messages → datagrams."""
        if numbers.shape != self._places.shape:
            raise ValueError(f"the template takes {self._places.shape} numbers, got {numbers.shape}")
        self._numbers[self._places] = numbers
        view = memoryview(self._bytes)
        return [bytes(view[start:end]) for start, end in pairwise(self._ends)]


class Deltas:
    """Which of many values a frame has to send: those that moved, and in turn a share of the others.

    A value has moved when it is more than ``step`` away from what was sent last. Whatever moves, each value
    goes out once in ``period`` frames, so that a late listener, or one that missed a datagram, soon has all.
    """

    def __init__(self, count: int, step: float, period: int) -> None:
        if period < 1:
            raise ValueError(f"a period is at least one frame, got {period}")
        self._sent = np.empty(count, np.float32)
        self._step, self._period, self._turn = step, period, 0
        self.forget()

    def forget(self) -> None:
        """From here on nothing was sent: the next frame sends everything."""
        self._sent[:] = np.nan  # which no value is near

    def __call__(self, values: Array) -> list[int]:
        """(c,) values → the columns to send, in order."""
        moved = ~(np.abs(values - self._sent) <= self._step)
        moved[self._turn :: self._period] = True
        self._turn = (self._turn + 1) % self._period
        np.copyto(self._sent, values, where=moved)
        return np.flatnonzero(moved).tolist()


def parse(data: bytes) -> tuple[Message, ...]:
    """The messages of a datagram in their order, those of bundles too. Raises WireError and nothing else."""
    if len(data) > _LARGEST:
        raise WireError(f"OSC: {len(data)} bytes, more than a datagram")
    found: list[Message] = []
    _parse(data, 0, found)
    return tuple(found)


def numbers(arguments: Sequence[Value], count: int) -> tuple[float, ...]:
    """The first ``count`` arguments if they are floats that a face can be set to, or nothing."""
    first = tuple(x for x in arguments[:count] if isinstance(x, float) and math.isfinite(x))
    return first if len(first) == count else ()


def _letter(value: Value) -> str:
    for letter, constant in _CONSTANTS.items():
        if value is constant:
            return letter
    kinds = {int: "i", float: "f", str: "s"}
    return next((letter for kind, letter in kinds.items() if isinstance(value, kind)), "b")


def _packed(letter: str, value: Value) -> bytes:
    if letter in _NUMBERS:
        return struct.pack(_NUMBERS[letter], value)
    if letter == "s":
        return _text(value)  # type: ignore[arg-type]  # _text's own error says so
    if letter == "b":
        return _padded(struct.pack(">i", len(value)) + bytes(value))  # type: ignore[arg-type]
    if letter not in _CONSTANTS or _CONSTANTS[letter] is not value:
        raise TypeError(f"{value!r} as '{letter}'")
    return b""


def _text(text: str) -> bytes:
    if "\0" in text:
        raise ValueError(f"OSC text ends at a NUL: {text!r}")
    return _padded(text.encode() + b"\0")


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _places(messages: Sequence[Open], datagrams: Sequence[bytes]) -> list[int]:
    """Which words of the joined datagrams are the open ones."""
    places: list[int] = []
    at = end = 0
    sizes = map(len, datagrams)
    for part in messages:
        if at == end:
            end += next(sizes)
            at += len(_HEAD)
        at += len(part.stem) + 4 * part.count
        places += range(at // 4 - part.count, at // 4)
    return places


def _parse(data: bytes, depth: int, found: list[Message]) -> None:
    if not data or len(data) % 4:
        raise WireError(f"OSC: {len(data)} bytes, not a multiple of 4")
    if data[:1] == b"/":
        found.append(_message(data))
        return
    if data[:8] != _HEAD[:8] or len(data) < len(_HEAD):
        raise WireError("OSC: neither message nor bundle")
    if depth == _DEEPEST:
        raise WireError(f"OSC: bundles more than {_DEEPEST} deep")
    at = len(_HEAD)
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size > len(data) - at - 4:
            raise WireError("OSC: an element runs past the end")
        _parse(data[at + 4 : at + 4 + size], depth + 1, found)
        at += 4 + size


def _message(data: bytes) -> Message:
    address, at = _read_text(data, 0)
    types, at = _read_text(data, at)
    if not types.startswith(","):
        raise WireError("OSC: no type tags")
    if len(types) > 1 + _WIDEST:
        raise WireError(f"OSC: more than {_WIDEST} arguments")
    arguments: list[Value] = []
    for letter in types[1:]:
        value, at = _read(letter, data, at)
        arguments.append(value)
    if at != len(data):
        raise WireError("OSC: bytes after the last argument")
    return Message(address, types[1:], tuple(arguments))


def _read(letter: str, data: bytes, at: int) -> tuple[Value, int]:
    """The argument at this place and where the next one begins."""
    if letter in _CONSTANTS:
        return _CONSTANTS[letter], at
    if letter == "s":
        return _read_text(data, at)
    if letter == "b":
        size = int.from_bytes(data[at : at + 4], "big")
        end = at + 4 + size
        if at + 4 > len(data) or end > len(data):
            raise WireError("OSC: a blob runs past the end")
        return data[at + 4 : end], end + -end % 4
    if letter not in _NUMBERS:
        raise WireError("OSC: an argument of unknown type")
    size = struct.calcsize(_NUMBERS[letter])
    if at + size > len(data):
        raise WireError("OSC: an argument runs past the end")
    value: Value = struct.unpack_from(_NUMBERS[letter], data, at)[0]
    return value, at + size


def _read_text(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    if end < 0:
        raise WireError("OSC: a text does not end")
    try:
        return data[at:end].decode(), end + 4 - end % 4
    except UnicodeDecodeError:
        raise WireError("OSC: a text is not UTF-8") from None
