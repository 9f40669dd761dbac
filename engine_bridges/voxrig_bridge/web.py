"""The WebSocket protocol ``voxrig.v1`` as messages: what a client says, what a server answers, both ways.

Text messages are JSON objects with a ``type``; binary ones are sound (to the service) or frames (from a
server). Nothing here knows a socket. Servers refuse keys that they do not know, so that a misspelt wish is
no silence; clients pass over them, so that a newer server may tell more.

Frames as bytes, little-endian: the head ``_HEAD``, then count x c float32 for each target of the face's
header, a row a frame, then the sound of these frames.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, Literal, cast

import numpy as np

from voxrig.errors import WireError, unknown
from voxrig.idle import OFF, Life
from voxrig.types import Array, Style
from voxrig_bridge import web_style
from voxrig_bridge.fields import FAR, LONG, Fields, fields
from voxrig_bridge.web_style import StyleKey as StyleKey

SUBPROTOCOL: Final = "voxrig.v1"
PATH: Final = "/v1/face"
"""Of the service; a broadcaster answers on every path."""
MAX_MESSAGE: Final = 1 << 24
"""Bytes or characters of one message, at most."""
MAX_FACES: Final = 256

Encoding = Literal["s16", "f32"]
Pacing = Literal["realtime", "burst"]
Format = Literal["binary", "json"]

_HEAD = struct.Struct("<BBHII")  # kind 1, face, frames, index of the first frame, bytes of sound
_FRAMES = 1  # the only kind
_PIECE = 1 << 20  # bytes of curves in a message, about: a reader is not to wait for more
_FINEST = 10_000_000  # largest denominator of a frame rate
_CURVES = 4096  # of one rig
_TEXT = 4096  # characters of a sentence
_TARGETS = 64
_HIGHEST = 1 << 20  # Hz that a header may tell
_SEEDS = 1 << 32
_ENCODINGS = ("s16", "f32")


# ── what clients say ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Config:
    """The first message: a stream to open."""

    rate: int
    """Hertz."""
    encoding: Encoding = "s16"
    rigs: tuple[str, ...] = ("arkit",)
    fps: Fraction = Fraction(60)
    model: str = ""
    """The server's first if empty."""
    style: Style = field(default_factory=Style)
    pacing: Pacing = "realtime"
    idle: float = 0.0
    """Seconds without sound after which silence is put in; 0 is never."""
    echo: bool = False
    name: str = ""
    window: int = 0
    """Most frames beyond the last ack; 0 is no such bound."""
    format: Format = "binary"
    keys: tuple[StyleKey, ...] = ()
    """As if each were said before any sound, in order of time."""
    direction: str = ""
    """A director's words."""
    seconds: float = 0.0
    """Of the speech that is directed; 0 where nobody knows."""
    life: Life = OFF
    """In messages ``null`` where nothing lives, and a part that is not told is 1."""
    seed: int = 0


@dataclass(frozen=True)
class Sound:
    """The next samples, as the config encodes them."""

    samples: bytes


@dataclass(frozen=True)
class Look:
    """From sample ``at`` on, look there."""

    yaw: float | None = None
    """Radians, above 0 to the subject's own right; without both angles the eyes are free."""
    pitch: float | None = None
    """Radians, above 0 down."""
    at: int = 0


@dataclass(frozen=True)
class Ack:
    """Frames before this one are shown."""

    frame: int


@dataclass(frozen=True)
class Interrupt:
    """Forget what is unheard and unsent, and close the mouth."""

    shown: int | None = None
    """Last frame that is shown; None is the last one sent."""
    closing: float = 0.0
    """Seconds; 0 leaves it to the server."""


@dataclass(frozen=True)
class End:
    """No more sound."""


Request = Config | Sound | StyleKey | Look | Ack | Interrupt | End


# ── what servers answer ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Target:
    """A rig that a face is told on."""

    rig: str
    curves: tuple[str, ...]


@dataclass(frozen=True)
class SoundFormat:
    """Of the sound that comes with frames: PCM, mono, little-endian."""

    rate: int
    """Hertz."""
    encoding: Encoding = "s16"


@dataclass(frozen=True)
class Header:
    """How a face will be told; once, before its frames."""

    face: int
    """0 … 255."""
    name: str
    fps: Fraction
    latency: float
    """Seconds from a sound to the frame that shows it, at worst, but for computing and network."""
    model: str
    targets: tuple[Target, ...]
    sound: SoundFormat | None = None


@dataclass(frozen=True, eq=False)
class Block:
    """Consecutive frames of a face."""

    face: int
    start: int
    """Index of the first."""
    tracks: Sequence[Array]  # (t, c) for each target
    sound: bytes = b""


@dataclass(frozen=True)
class Notice:
    """Something to know between frames."""

    face: int
    kind: str
    """late, dropped, going_away, interrupted, silence or left_out."""
    message: str
    first: int = 0
    end: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Summary:
    """A face has ended; what became of it."""

    face: int
    samples: int = 0
    frames: int = 0
    dropped: int = 0
    late: int = 0
    silence: int = 0
    lateness: float = 0.0
    """Worst, in seconds."""


@dataclass(frozen=True)
class Fault:
    """Why the connection ends."""

    code: str
    """The name of a gRPC status."""
    message: str
    retry: float | None = None
    """Seconds after which to try again, where that may help."""


Reply = Header | Block | Notice | Summary | Fault


# ── messages → text and bytes ─────────────────────────────────────────────────────────────────────────


def request(said: Request, as_json: bool = False) -> str | bytes:
    """A client's message; ``as_json`` tells sound as text, too. Raises ValueError on NaN."""
    match said:
        case Config():
            told = {**vars(said), "fps": _ratio(said.fps), "style": web_style.plain_style(said.style)}
            told |= {"keys": [*map(web_style.plain, said.keys)], "life": web_style.plain_life(said.life)}
            return _json(
                "config", {name: value for name, value in told.items() if value or name not in _SELDOM}
            )
        case Sound():
            return _json("audio", {"samples": _base64(said.samples)}) if as_json else said.samples
        case StyleKey():
            return _json("style", web_style.plain(said))
        case Look():
            return _json("look", {name: value for name, value in vars(said).items() if value is not None})
        case Ack():
            return _json("ack", {"frame": said.frame})
        case Interrupt():
            shown = {} if said.shown is None else {"shown": said.shown}
            return _json("interrupt", {**shown, "closing": said.closing})
        case End():
            return _json("end", {})


def text(reply: Reply) -> str:
    """A server's message as JSON; values of frames to 7 digits. Raises ValueError on NaN."""
    match reply:
        case Header():
            targets = [{"rig": target.rig, "curves": target.curves} for target in reply.targets]
            return _json("header", {**vars(reply), "fps": _ratio(reply.fps), "targets": targets,
                                    "sound": vars(reply.sound) if reply.sound else None})  # fmt: skip
        case Block():
            values = [np.round(track.astype(np.float64), 7).tolist() for track in reply.tracks]
            sound = {"sound": _base64(reply.sound)} if reply.sound else {}
            return _json("frames", {"face": reply.face, "start": reply.start, "values": values, **sound})
        case Notice():
            return _json("notice", vars(reply))
        case Summary():
            return _json("summary", vars(reply))
        case Fault():
            retry = {} if reply.retry is None else {"retry": reply.retry}
            return _json("error", {"code": reply.code, "message": reply.message, **retry})


def pack(block: Block) -> bytes:
    """Frames as a binary message. Raises ValueError where a number does not fit its field."""
    try:
        head = _HEAD.pack(_FRAMES, block.face, len(block.tracks[0]), block.start, len(block.sound))
    except struct.error as error:
        raise ValueError(f"frames of face {block.face} from {block.start} do not fit a message") from error
    return b"".join(
        (head, *(track.astype("<f4", copy=False).tobytes() for track in block.tracks), block.sound)
    )


def pieces(block: Block, sample: int = 2) -> Iterator[Block]:
    """The same frames, in messages of about a megabyte. ``sample`` is bytes of sound that stay together."""
    count = len(block.tracks[0])
    most = min(65_535, max(1, _PIECE // (4 * sum(track.shape[1] for track in block.tracks))))
    if count <= most:
        yield block
        return
    samples = len(block.sound) // sample
    for at in range(0, count, most):
        end = min(at + most, count)
        sound = block.sound[samples * at // count * sample : samples * end // count * sample]
        yield Block(block.face, block.start + at, [track[at:end] for track in block.tracks], sound)


# ── text and bytes → messages ─────────────────────────────────────────────────────────────────────────


def parse(message: str | bytes) -> Request:
    """What a client says. Raises WireError."""
    _check_size(message)
    if isinstance(message, bytes):
        return Sound(message)
    told = fields(message)
    said = _request(told)
    told.check_known()
    return said


class Reader:
    """What a server answers. Remembers the headers, by which frames are read."""

    def __init__(self) -> None:
        self._faces: dict[int, Header] = {}

    def read(self, message: str | bytes) -> Reply:
        """The next message. Raises WireError, and stays usable."""
        _check_size(message)
        if isinstance(message, bytes):
            return self._unpack(message)
        told = fields(message)
        match told.kind:
            case "header":
                header = _header(told)
                self._faces[header.face] = header
                return header
            case "frames":
                return self._frames(told)
            case "notice":
                first, end = told.whole("first", 0), told.whole("end", 0)
                kind, said = told.words("kind"), told.words("message", "", _TEXT)
                return Notice(_face(told), kind, said, first, end, told.number("seconds", 0.0))
            case "summary":
                counts = {name: told.whole(name, 0) for name in _COUNTS}
                return Summary(face=_face(told), **counts, lateness=told.number("lateness", 0.0))
            case "error":
                retry = told.number("retry") if told.has("retry") else None
                return Fault(told.words("code"), told.words("message", "", _TEXT), retry)
        raise WireError(unknown("type", told.kind[:64], ("header", "frames", "notice", "summary", "error")))

    def _unpack(self, data: bytes) -> Block:
        if len(data) < _HEAD.size:
            raise WireError(f"{len(data)} bytes are no frames; their head has {_HEAD.size}")
        kind, face, count, start, sound = _HEAD.unpack_from(data)
        if kind != _FRAMES:
            raise WireError(f"binary message of kind {kind}; have 1")
        widths = self._widths(face)
        size = _HEAD.size + 4 * count * sum(widths) + sound
        if len(data) != size:
            raise WireError(f"frames of face {face} have {len(data)} bytes; their head tells {size}")
        tracks, at = [], _HEAD.size
        for width in widths:
            values = np.frombuffer(data, "<f4", count * width, at)
            if not np.isfinite(values).all():
                raise WireError(f"frames of face {face} hold NaN or infinity")
            tracks.append(values.astype(np.float32).reshape(count, width))
            at += values.nbytes
        return Block(face, start, tracks, data[at:])

    def _frames(self, told: Fields) -> Block:
        face = _face(told)
        rows = told.value("values", list)
        widths = self._widths(face)
        tracks = []
        if len(rows) != len(widths):
            raise WireError(f"{len(rows)} tracks for {len(widths)} targets")
        for track, width in zip(rows, widths, strict=True):
            tracks.append(_matrix(track, width))
        if len({len(track) for track in tracks}) > 1 or len(tracks[0]) > 65_535:
            raise WireError(f"tracks of face {face} differ in length, or are too long")
        sound = _bytes(told.words("sound", "", MAX_MESSAGE))
        return Block(face, told.whole("start", most=(1 << 32) - 1), tracks, sound)

    def _widths(self, face: int) -> list[int]:
        if face not in self._faces:
            raise WireError(f"frames of face {face} before its header")
        return [len(target.curves) for target in self._faces[face].targets]


# ── inside ────────────────────────────────────────────────────────────────────────────────────────────

_SELDOM = ("keys", "direction", "seconds", "life", "seed")
_COUNTS = ("samples", "frames", "dropped", "late", "silence")
_REQUESTS = ("config", "audio", "style", "look", "ack", "interrupt", "end")


def _request(told: Fields) -> Request:
    match told.kind:
        case "config":
            return Config(
                rate=told.whole("rate"),
                encoding=cast(Encoding, told.choice("encoding", "s16", _ENCODINGS)),
                rigs=told.names("rigs", ("arkit",), LONG),
                fps=_fps(told) if told.has("fps") else Fraction(60),
                model=told.words("model", ""),
                style=web_style.style_in(told),
                pacing=cast(Pacing, told.choice("pacing", "realtime", ("realtime", "burst"))),
                idle=told.number("idle", 0.0),
                echo=told.value("echo", bool, False),
                name=told.words("name", ""),
                window=told.whole("window", 0),
                format=cast(Format, told.choice("format", "binary", ("binary", "json"))),
                keys=web_style.keys_in(told),
                direction=told.words("direction", "", _TEXT),
                seconds=told.number("seconds", 0.0),
                life=web_style.life_in(told),
                seed=told.whole("seed", 0, _SEEDS - 1),
            )
        case "audio":
            return Sound(_bytes(told.words("samples", most=MAX_MESSAGE)))
        case "style":
            return web_style.key_in(told)
        case "look":
            yaw, pitch = (told.number(name) if told.has(name) else None for name in ("yaw", "pitch"))
            return Look(yaw, pitch, told.whole("at", 0))
        case "ack":
            return Ack(told.whole("frame"))
        case "interrupt":
            shown = told.whole("shown") if told.has("shown") else None
            return Interrupt(shown, told.number("closing", 0.0))
        case "end":
            return End()
    raise WireError(unknown("type", told.kind[:64], _REQUESTS))


def _header(told: Fields) -> Header:
    targets = [
        Target(entry.words("rig"), entry.names("curves", None, _CURVES))
        for entry in told.each("targets", _TARGETS)
    ]
    sound = None
    if told.has("sound"):
        entry = told.inside("sound")
        rate, encoding = entry.whole("rate", most=_HIGHEST), entry.choice("encoding", None, _ENCODINGS)
        if rate == 0:
            raise WireError("sound of 0 Hz")
        sound = SoundFormat(rate, cast(Encoding, encoding))
    return Header(
        face=_face(told),
        name=told.words("name", ""),
        fps=_fps(told),
        latency=told.number("latency", 0.0),
        model=told.words("model", ""),
        targets=tuple(targets),
        sound=sound,
    )


def _face(told: Fields) -> int:
    return told.whole("face", most=MAX_FACES - 1)


def _fps(told: Fields) -> Fraction:
    """A number, or a numerator and a denominator."""
    high, low = told.pair("fps")
    if high != int(high) or low != int(low) or not (0 < high <= FAR and 0 < low <= _FINEST):
        raise WireError("fps is no frame rate; write 60 or [30000, 1001]")
    return Fraction(int(high), int(low))


def _matrix(track: Any, width: int) -> Array:
    """(t, c) of rows of numbers. Raises WireError."""
    if not isinstance(track, list) or not all(type(row) is list and len(row) == width for row in track):
        raise WireError(f"values are no rows of {width} numbers")
    if not all(type(value) in (int, float) for row in track for value in row):
        raise WireError(f"values are no rows of {width} numbers")
    with np.errstate(over="ignore"):
        try:
            values = np.array(track, np.float64).astype(np.float32).reshape(len(track), width)
        except OverflowError:
            raise WireError("a value is no number of 32 bits") from None
    if not np.isfinite(values).all():
        raise WireError("a value is no number of 32 bits")
    return values


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise WireError("sound is no base64") from None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _json(kind: str, fields: Mapping[str, Any]) -> str:
    return json.dumps({"type": kind, **fields}, separators=(",", ":"), allow_nan=False)


def _ratio(fps: Fraction) -> list[int]:
    return [fps.numerator, fps.denominator]


def _check_size(message: str | bytes) -> None:
    if len(message) > MAX_MESSAGE:
        raise WireError(f"message of {len(message)} bytes; have at most {MAX_MESSAGE}")
