"""What a stream is to be, and how to speak in it, as messages."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Literal

from ..idle import OFF, Life
from ..idle import check as check_life
from ..pb.voxrig.v1 import face_pb2 as pb
from ..retime import frame_rate
from ..style import check, check_keys
from ..types import Key, Style

Pacing = Literal["burst", "realtime"]
Encoding = Literal["s16", "f32"]
Pixels = Literal["jpeg", "h264", "raw"]

_PACINGS = {"burst": pb.PACING_BURST, "realtime": pb.PACING_REALTIME}
_ENCODINGS = {"s16": pb.ENCODING_S16, "f32": pb.ENCODING_F32}
_PIXELS = {
    "jpeg": pb.PICTURE_ENCODING_JPEG,
    "h264": pb.PICTURE_ENCODING_H264,
    "raw": pb.PICTURE_ENCODING_RAW,
}


@dataclass(frozen=True)
class View:
    """How a head is to be rendered."""

    avatar: str = ""
    """Of the server's; its first if empty."""
    renderer: str = ""
    """Of the server's; its first if empty."""
    size: tuple[int, int] = (512, 512)
    """Height and width, pixels."""
    framing: str = "head"
    """face, head or bust."""
    yaw: float = 0.0
    """Radians that the camera stands to the subject's left."""
    pitch: float = 0.0
    """Radians that it stands above."""
    background: str = "studio"
    """studio, none (with raw pixels) or a colour as pages write it."""
    pixels: Pixels = "jpeg"
    """jpeg; h264, one access unit a picture (Annex B); or raw, RGB rows from the top, RGBA over nothing."""
    quality: int = 85
    """Of jpeg, 1 to 100."""
    bitrate: int = 0
    """Of h264, bits a second; 0 is even quality."""

    def config(self, stream: pb.Config) -> pb.RenderConfig:
        """Raises ValueError on what no server could understand."""
        if self.pixels not in _PIXELS:
            raise ValueError(f"have pixels {', '.join(_PIXELS)}, got {self.pixels!r}")
        return pb.RenderConfig(
            stream=stream,
            avatar=self.avatar,
            renderer=self.renderer,
            height=self.size[0],
            width=self.size[1],
            camera=pb.Camera(framing=self.framing, yaw=self.yaw, pitch=self.pitch),
            background=self.background,
            encoding=_PIXELS[self.pixels],
            quality=self.quality,
            bitrate=self.bitrate,
        )


@dataclass(frozen=True)
class Wish:
    """A stream to open."""

    rate: int
    """Hertz."""
    rigs: tuple[str, ...] = ("arkit",)
    fps: Fraction | int = 60
    style: Style = field(default_factory=Style)
    pacing: Pacing = "burst"
    encoding: Encoding = "f32"
    echo: bool = False
    idle: float = 0.0
    """Seconds without sound after which silence is put in; 0 is never."""
    window: int = 0
    """Most frames beyond the last ack; 0 is no such bound."""
    name: str = ""
    """In the server's logs."""
    model: str | None = None
    """None is the server's first."""
    view: View | None = None
    """None is frames instead of pictures."""
    keys: tuple[Key, ...] = ()
    """Styles that follow ``style``."""
    direct: str = ""
    """A director's words."""
    seconds: float | None = None
    """Of the speech that is directed; None where nobody knows."""
    life: Life = OFF
    seed: int = 0
    """Of life, 0 to 2^32 - 1."""

    def config(self) -> pb.Config:
        """Raises StyleError, and ValueError on what no server could understand."""
        life, keys = check_life(self.life), check_keys(self.keys)
        if not 0 <= self.seed < 1 << 32:
            raise ValueError(f"seed is {self.seed}; have 0 to {(1 << 32) - 1}")
        fps = frame_rate(self.fps)
        if self.pacing not in _PACINGS or self.encoding not in _ENCODINGS:
            raise ValueError(f"have pacing {', '.join(_PACINGS)} and encoding {', '.join(_ENCODINGS)}")
        return pb.Config(
            rate=self.rate,
            encoding=_ENCODINGS[self.encoding],
            rigs=self.rigs,
            fps_numerator=fps.numerator,
            fps_denominator=fps.denominator,
            style=key_of(self.style, 0, 0).style,
            pacing=_PACINGS[self.pacing],
            idle=pb.Idle(after=self.idle),
            echo=self.echo,
            name=self.name,
            model=self.model or "",
            window=self.window,
            keys=[key_of(key.style, round(key.at * self.rate), key.transition) for key in keys],
            direction=pb.Direction(words=self.direct, seconds=self.seconds or 0.0),
            life=None if life == OFF else pb.Life(**asdict(life)),
            seed=self.seed,
        )


def key_of(style: Style, at: int, transition: float) -> pb.StyleKey:
    """From a sample on, speak so, reached within so many seconds. Raises StyleError."""
    style = check(style)
    told = pb.Style(
        emotion=dict(style.emotion),
        intensity=style.intensity,
        asymmetry=style.asymmetry,
        energy=style.energy,
        speaker=style.speaker,
        auto=None if style.auto is None else pb.Auto(**asdict(style.auto)),
    )
    return pb.StyleKey(style=told, at=at, transition=transition)
