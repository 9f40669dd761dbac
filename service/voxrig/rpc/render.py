"""What a client wants of pictures, and pictures as messages: ``Face.Render``'s part of the proto."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import VoxrigError, one_line, unknown
from ..pb.voxrig.v1 import face_pb2 as pb
from .limits import Limits
from .parts import Block
from .studio import Commission, Drawn, Pixels

if TYPE_CHECKING:
    from .studio import Studio

_PIXELS: dict[int, Pixels] = {
    pb.PICTURE_ENCODING_UNSPECIFIED: "jpeg",
    pb.PICTURE_ENCODING_JPEG: "jpeg",
    pb.PICTURE_ENCODING_H264: "h264",
    pb.PICTURE_ENCODING_RAW: "raw",
}
_CODES = {"jpeg": pb.PICTURE_ENCODING_JPEG, "h264": pb.PICTURE_ENCODING_H264, "raw": pb.PICTURE_ENCODING_RAW}
_SIDE, _QUALITY, _FASTEST = 512, 85, 200_000_000


def commission(config: pb.RenderConfig, studio: Studio, limits: Limits) -> Commission:
    """Raises VoxrigError."""
    from ..render.film import check_size
    from ..render.look import RENDERERS, Look, backdrop

    if config.encoding not in _PIXELS:
        raise VoxrigError(
            f"unknown encoding of pictures {config.encoding}; have 1 (JPEG), 2 (H.264), 3 (raw)"
        )
    pixels, size = _PIXELS[config.encoding], (config.height or _SIDE, config.width or _SIDE)
    avatar, word = config.avatar or studio.avatars[0], config.background or "studio"
    if avatar not in studio.avatars:
        raise VoxrigError(unknown("avatar", one_line(avatar[:64]), studio.avatars))
    if max(size) > limits.max_side:
        raise VoxrigError(f"pictures of {size[1]}x{size[0]} pixels; have {limits.max_side} a side at most")
    check_size(size, even=pixels == "h264")
    camera = config.camera
    look = Look(
        config.renderer or RENDERERS[0],
        size,
        camera.framing or "head",
        camera.yaw,
        camera.pitch,
        backdrop(word),
    )
    if look.background.transparent and pixels != "raw":
        raise VoxrigError(f"{pixels} holds no transparency; have raw")
    if config.quality > 100:
        raise VoxrigError(f"quality is {config.quality}; have 1 to 100")
    if config.bitrate > _FASTEST:
        raise VoxrigError(f"bitrate is {config.bitrate}; have up to {_FASTEST} bits a second")
    return Commission(avatar, look, word, pixels, config.quality or _QUALITY, config.bitrate)


def header(stream: pb.Header, wanted: Commission) -> pb.RenderResponse:
    """What comes before the first picture."""
    look = wanted.look
    return pb.RenderResponse(
        header=pb.RenderHeader(
            stream=stream,
            avatar=wanted.avatar,
            renderer=look.renderer,
            width=look.size[1],
            height=look.size[0],
            encoding=_CODES[wanted.pixels],
            channels=4 if look.background.transparent else 3,
        )
    )


def picture(block: Block, drawn: Drawn) -> pb.RenderResponse:
    """A block of one frame, whose first track is what was drawn."""
    tracks = [pb.Track(values=track.ravel().tolist()) for track in block.tracks[1:]]
    told = pb.Picture(frame=block.start, data=drawn.data, key=drawn.key, tracks=tracks, sound=block.sound)
    return pb.RenderResponse(picture=told)
