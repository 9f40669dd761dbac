"""Who can be sent to, by URL: ``livelink://127.0.0.1:11111?subject=Ada``.

A URL is scheme, host, port where it differs from the protocol's own, and options. What is unknown in it is
told, with what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import get_args
from urllib.parse import parse_qsl, urlsplit

from voxrig.errors import BridgeError, unknown
from voxrig.rigs import get
from voxrig.types import Rig

from .codec import Codec
from .door import loopback
from .facecap import FaceCap
from .ifacialmocap import IFacialMocap, Version, greeted
from .livelink import Angles, Livelink
from .metahuman import Metahuman
from .network import Callers, Tcp, Udp
from .osc_curves import OscCurves
from .outlets import Blocks, Broadcasted, Datagrams, Outlet, OutletSink, Requested
from .streamlivelink import Mode, StreamLivelink, StreamSound
from .vmc import Vmc
from .vrchat import Vrchat
from .web import SoundFormat
from .websocket import Broadcast


@dataclass(frozen=True)
class Address:
    """A URL taken apart."""

    url: str
    host: str
    port: int
    options: Mapping[str, str]

    def choice(self, name: str, default: str, choices: Sequence[str]) -> str:
        """An option that is one of a few words. Raises BridgeError."""
        value = self.options.get(name, default)
        if value not in choices:
            raise BridgeError(unknown(f"{name} in {self.url}", value, choices))
        return value

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """An option that is a whole number. Raises BridgeError."""
        text = self.options.get(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) < 9 and low <= int(text) <= high):
            raise BridgeError(f"{name} in {self.url} is '{text[:40]}'; have {low} to {high}")
        return int(text)

    def flag(self, name: str, default: bool) -> bool:
        """An option that is 0 or 1. Raises BridgeError."""
        return bool(self.whole(name, int(default), 0, 1))

    def rig(self, name: str, default: str) -> Rig:
        """An option that is the name of a rig. Raises RigError."""
        return get(self.options.get(name, default))


@dataclass(frozen=True)
class Receiver:
    """A protocol as people ask for it."""

    scheme: str
    about: str
    port: int
    open: Callable[[Address, Opener], Outlet]
    options: Mapping[str, str] = field(default_factory=dict)
    """What each is, by name."""


class Opener:
    """Opens outlets that play together: the faces of one broadcast share its server."""

    def __init__(
        self,
        fps: Fraction,
        said: Callable[[str], None] = lambda text: None,
        keys: Sequence[str] = (),
        origins: Sequence[str] = (),
        rate: int = 48_000,
    ) -> None:
        """``said`` hears when a receiver goes away. ``keys`` and ``origins`` say who may hear a broadcast.
        ``rate`` is that of the sound that goes along, in hertz."""
        self.fps, self.said, self.rate = fps, said, rate
        self._keys, self._origins = keys, origins
        self._broadcasts: dict[tuple[str, int], Broadcast] = {}

    def open(self, url: str) -> Outlet:
        """An outlet to the receiver of a URL. Raises BridgeError and RigError."""
        receiver, to = address(url)
        return receiver.open(to, self)

    def broadcast(self, to: Address) -> Broadcast:
        """The server at an address, started if there is none. Raises BridgeError."""
        place = (to.host, to.port)
        if place not in self._broadcasts:
            if not (self._keys or to.flag("public", False) or loopback(to.host)):
                raise BridgeError(f"{to.url} can be heard from other machines: give --keys, or add public=1")
            self._broadcasts[place] = Broadcast(to.host, to.port, self._keys, self._origins)
        return self._broadcasts[place]

    def close(self) -> None:
        """Ends the broadcasts; outlets end by themselves."""
        for broadcast in self._broadcasts.values():
            broadcast.close()
        self._broadcasts.clear()


def _datagrams(codec: Callable[[Address, Fraction], Codec]) -> Callable[[Address, Opener], Outlet]:
    def open_(to: Address, by: Opener) -> Outlet:
        made = codec(to, by.fps)  # first, so that a wrong option is told before a wrong host
        return Datagrams(to.url, made, Udp(to.host, to.port, by.said))

    return open_


def _livelink(to: Address, fps: Fraction) -> Codec:
    angles = to.choice("angles", "radians", get_args(Angles))
    return Livelink(fps, to.options.get("subject", "voxrig"), to.options.get("device", ""), angles)  # type: ignore[arg-type]


def _metahuman(to: Address, fps: Fraction) -> Codec:
    return Metahuman(fps, to.options.get("subject", "voxrig"))


def _vmc(to: Address, fps: Fraction) -> Codec:
    neck = to.whole("neck", 10, 0, 100) / 100
    return Vmc(fps, to.options.get("names", "vrm0"), to.flag("bones", True), neck)


def _vrchat(to: Address, fps: Fraction) -> Codec:
    prefix = to.options.get("prefix", "/avatar/parameters/v2/")
    return Vrchat(prefix, to.whole("bits", 0, 0, 8), to.flag("native", False), to.flag("eyes", False), fps)


def _osc(to: Address, fps: Fraction) -> Codec:
    return OscCurves(to.rig("rig", "arkit"), to.options.get("address", "/face/{curve}"))


def _facecap(to: Address, fps: Fraction) -> Codec:
    return FaceCap()


def _ifacialmocap(to: Address, by: Opener) -> Outlet:
    codecs: dict[int, Codec] = {version: IFacialMocap(version) for version in get_args(Version)}
    if to.flag("wait", False):
        return Requested(to.url, codecs, Callers(to.host, to.port, _asked))
    codec = codecs[to.whole("version", 1, min(codecs), max(codecs))]
    return Datagrams(to.url, codec, Udp(to.host, to.port, by.said))


def _asked(data: bytes) -> int | None:
    answer = greeted(data)
    return 0 if answer == "stop" else answer


def _streamlivelink(to: Address, by: Opener) -> Outlet:
    mode: Mode = to.choice("mode", "streaming", get_args(Mode))  # type: ignore[assignment]
    codec = StreamLivelink(by.fps, to.options.get("subject", "Audio2Face"), mode)
    sound = to.whole("sound", to.port + 1, 0, 65535)
    return Blocks(
        to.url,
        codec,
        lambda begin: Tcp(to.host, to.port, begin, by.said),
        (lambda begin: Tcp(to.host, sound, begin, by.said)) if sound else None,
        StreamSound(by.rate),
    )


def _ws(to: Address, by: Opener) -> Outlet:
    rig = to.rig("rig", "arkit")
    sound = SoundFormat(by.rate, "s16") if to.flag("sound", True) else None
    return Broadcasted(to.url, by.broadcast(to), to.options.get("subject", "voxrig"), rig, by.fps, sound)


_SUBJECT = {"subject": "name of the face (voxrig)"}
RECEIVERS = {
    receiver.scheme: receiver
    for receiver in (
        Receiver(
            "livelink", "Unreal Live Link Face, UDP", 11111, _datagrams(_livelink),
            _SUBJECT | {"device": "device id (made of the subject)", "angles": "radians or half-turns"},
        ),
        Receiver(
            "metahuman", "voxrig's Unreal plugin, raw MetaHuman controls, UDP", 11112,
            _datagrams(_metahuman), _SUBJECT,
        ),
        Receiver(
            "vmc", "VMC protocol, OSC: VSeeFace, Warudo, VNyan, EVMC4U, VMC4UE", 39539, _datagrams(_vmc),
            {"names": "vrm0, vrm1, arkit (Perfect Sync), livelink, metahuman, metahuman-v3 (vrm0)",
             "bones": "0: no head bone (1)", "neck": "height of the head over it in cm (10)"},
        ),
        Receiver(
            "vrchat", "VRChat avatars with VRCFaceTracking v2 parameters, OSC", 9000, _datagrams(_vrchat),
            {"prefix": "of addresses (/avatar/parameters/v2/)", "bits": "1 to 8: binary parameters (0)",
             "native": "1: VRChat's own eye tracking, too (0)", "eyes": "1: blinks and gaze are ours (0)"},
        ),
        Receiver(
            "osc", "any OSC listener, one address a curve", 8000, _datagrams(_osc),
            {"rig": "see voxrig rigs (arkit)", "address": "template (/face/{curve})"},
        ),
        Receiver("facecap", "receivers of the Face Cap app, OSC", 9000, _datagrams(_facecap)),
        Receiver(
            "ifacialmocap", "receivers of iFacialMocap, UDP", 49983, _ifacialmocap,
            {"version": "1 or 2 (1)", "wait": "1: listen here until an app greets (0)"},
        ),
        Receiver(
            "streamlivelink", "NVIDIA's StreamLivelink plugin, TCP, with sound", 12030, _streamlivelink,
            {"subject": "name of the face (Audio2Face)", "mode": "streaming or burst (streaming)",
             "sound": "port of the sound, 0 for none (port + 1)"},
        ),
        Receiver(
            "ws", "browsers and engines that connect to us, WebSocket, with sound", 52001, _ws,
            _SUBJECT | {"rig": "see voxrig rigs (arkit)", "sound": "0: none (1)",
                        "public": "1: without a key from other machines, too (0)"},
        ),
    )
}  # fmt: skip


def address(url: str) -> tuple[Receiver, Address]:
    """A URL taken apart and checked. Raises BridgeError."""
    shown = url if len(url) <= 120 else url[:117] + "…"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise BridgeError(
            f"{shown} is no address: {error}; write livelink://HOST:PORT?subject=NAME"
        ) from error
    if parts.scheme not in RECEIVERS:
        raise BridgeError(unknown("receiver", f"{parts.scheme}://", [f"{name}://" for name in RECEIVERS]))
    receiver = RECEIVERS[parts.scheme]
    if not host:
        raise BridgeError(f"{shown} names no host; write {parts.scheme}://HOST:{receiver.port}")
    if parts.path not in ("", "/") or parts.username or parts.fragment:
        raise BridgeError(f"{shown} has more than host, port and options; write {parts.scheme}://HOST:PORT?…")
    options = dict(pairs)
    for name in options:
        if name not in receiver.options:
            have = ", ".join(receiver.options) or "none"
            raise BridgeError(f"unknown option '{name[:40]}' in {shown}; {parts.scheme} has {have}")
    if len(options) < len(pairs):
        raise BridgeError(f"{shown} gives an option twice")
    return receiver, Address(shown, host, receiver.port if port is None else port, options)


def open_sink(url: str, fps: Fraction | int = 60) -> OutletSink:
    """A Sink that sends each frame as it is written; its ``rig`` tells which frames it takes.

    >>> sink = open_sink("livelink://127.0.0.1:11111?subject=Ada")  # doctest: +SKIP
    >>> sink.write(voxrig.rigs.map_to(NATIVE, sink.rig)(frames))  # doctest: +SKIP

    Raises BridgeError and RigError.
    """
    opener = Opener(Fraction(fps))
    return OutletSink(opener.open(url), opener.fps, time_of_day(), opener.close)


def time_of_day() -> float:
    """Seconds since local midnight."""
    now = datetime.now()
    return (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
