"""Video files with sound: pictures and samples go in frame by frame and stay in step. Needs extra render."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, BinaryIO

import numpy as np

from voxrig.avatar.figure import Picture
from voxrig.errors import OutputError, one_line, unknown
from voxrig.types import Array, AudioChunk

SIDES = (16, 4096)
"""Pixels that a side of a picture has at least and at most."""
_BT709, _SRGB = 1, 13
"""Codes of ITU-T H.273: the matrix and primaries of HDTV, and the transfer curve of sRGB."""
_LIMITED, _FULL = 1, 2
"""FFmpeg's codes of the ranges 16..235 and 0..255."""


@dataclass(frozen=True)
class Kind:
    """A kind of video file."""

    name: str
    about: str
    video: str
    """The encoder's name in FFmpeg, as also below."""
    pixels: str
    sound: str
    transparent: tuple[str, str] | None = None
    """Encoder and pixels that keep alpha."""
    even: bool = False
    """Whether sides are even numbers of pixels."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Of the encoder."""
    file_options: Mapping[str, str] = field(default_factory=dict)


# "good" instead of "realtime" would take five times as long and save a quarter of the bytes.
_VP9 = {"crf": "20", "b": "0", "deadline": "realtime", "cpu-used": "5", "row-mt": "1", "auto-alt-ref": "0"}
KINDS = (
    Kind(
        "mp4", "H.264 and AAC, plays everywhere", "libx264", "yuv420p", "aac", even=True,
        options={"preset": "medium", "crf": "18"}, file_options={"movflags": "+faststart"},
    ),
    Kind("webm", "VP9 and Opus, for pages, keeps alpha", "libvpx-vp9", "yuv420p", "libopus",
         ("libvpx-vp9", "yuva420p"), options=_VP9),
    Kind("mov", "ProRes and PCM, for editors, keeps alpha", "prores_ks", "yuv422p10le", "pcm_s16le",
         ("prores_ks", "yuva444p10le")),
    Kind("nut", "raw pictures and PCM, for pipes to ffmpeg", "rawvideo", "rgb24", "pcm_s16le",
         ("rawvideo", "rgba"), file_options={"flush_packets": "1"}),
)  # fmt: skip


def kind_of(name: str) -> Kind:
    """A kind by its name. Raises OutputError."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    raise OutputError(unknown("kind of video", name, [kind.name for kind in KINDS]))


def check_size(size: tuple[int, int], even: bool = False) -> None:
    """OutputError unless pictures of that height and width can be made; ``even`` is for H.264."""
    height, width = size
    least, most = SIDES
    if not (least <= height <= most and least <= width <= most):
        raise OutputError(f"pictures of {width}x{height} pixels; have {least} to {most} a side")
    if even and (height % 2 or width % 2):
        smaller, larger = (f"{width + by & -2}x{height + by & -2}" for by in (0, 1))
        raise OutputError(f"H.264 takes even sides, not {width}x{height}; write {smaller} or {larger}")


def check_transparent(format: str) -> None:
    """OutputError where a format's pictures cannot be transparent."""
    able = [kind.name for kind in KINDS if kind.transparent]
    if format in {kind.name for kind in KINDS} - set(able):
        raise OutputError(f"{format} holds no transparency; have {', '.join(able)}, or PNG pictures")


@dataclass(frozen=True)
class Footage:
    """What a film is made of."""

    size: tuple[int, int]
    """Height and width, pixels."""
    fps: Fraction
    transparent: bool = False
    sound: int | None = 48_000
    """Hertz; None is a silent film."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Metadata: title, comment …"""
    xmp: str = ""
    """A packet of XMP, for PNG."""


class Film:
    """A video under way. Ends with ``close``, or with ``abandon`` where it is to be thrown away."""

    def __init__(self, target: str | BinaryIO, kind: Kind, footage: Footage, name: str = "the video") -> None:
        """``target`` is a path, or a stream that can only be written; ``name`` is for errors.

        Raises OutputError.
        """
        import av

        check_size(footage.size, kind.even)
        encoder, self._pixels = kind.video, kind.pixels
        if footage.transparent:
            check_transparent(kind.name)
        if footage.transparent and kind.transparent is not None:
            encoder, self._pixels = kind.transparent
        self._form = "rgba" if footage.transparent else "rgb24"
        self._beat, self._frames, self._heard, self._name = 1 / footage.fps, 0, 0, one_line(name)
        self._audio = None
        with self._told():
            self._file: Any = av.open(
                target if isinstance(target, str) else _Only(target),
                "w", format=kind.name, options=dict(kind.file_options),
            )  # fmt: skip
            self._file.metadata.update(footage.labels)
            self._video = self._file.add_stream(encoder, rate=footage.fps, options=dict(kind.options))
            self._video.height, self._video.width = footage.size
            self._video.pix_fmt = self._pixels
            self._video.time_base = self._video.codec_context.time_base = self._beat
            if self._pixels.startswith("yuv"):
                tag(self._video.codec_context)
            if footage.sound is not None:
                self._audio = self._file.add_stream(kind.sound, rate=footage.sound, layout="mono")
                self._as = "s16" if kind.sound == "pcm_s16le" else "fltp" if kind.sound == "aac" else "flt"
        self._reform = av.video.reformatter.VideoReformatter()

    def write(self, picture: Picture, sound: AudioChunk | None = None) -> None:
        """The next picture and what is heard while it is shown. Raises OutputError."""
        with self._told():
            frame = yuv(picture, self._form, self._pixels, self._reform)
            frame.pts, frame.time_base = self._frames, self._beat
            self._frames += 1
            self._file.mux(self._video.encode(frame))
            if self._audio is not None and sound is not None and len(sound.samples):
                self._file.mux(self._audio.encode(self._samples(sound.samples, sound.rate)))

    def close(self) -> None:
        """Writes what is left. Raises OutputError."""
        with self._told():
            for stream in (self._video, self._audio):
                if stream is not None:
                    self._file.mux(stream.encode(None))
            self._file.close()

    def abandon(self) -> None:
        """Only lets go of the file."""
        import av

        with suppress(av.FFmpegError, OSError):
            self._file.close()

    def _samples(self, sound: Array, rate: int) -> Any:
        import av

        told: Any = sound
        if self._as == "s16":
            told = np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(told)[None], self._as, "mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, self._heard, Fraction(1, rate)
        self._heard += len(sound)
        return frame

    @contextmanager
    def _told(self) -> Iterator[None]:
        """FFmpeg's errors as ours."""
        import av

        try:
            yield
        except av.codec.codec.UnknownCodecError as error:
            raise OutputError(f"this PyAV has no encoder {error}; have others with pip install av") from error
        except (av.FFmpegError, OSError) as error:
            raise OutputError(f"cannot write {self._name}: {error.strerror or error}") from error


class _Only:
    """A stream that can be written and nothing else, so that FFmpeg does not try to go back in it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> int:
        count = self._stream.write(data)
        self._stream.flush()
        return count


def tag(context: Any) -> None:
    """Notes in an encoder which colours it is given; players would guess otherwise."""
    context.colorspace = context.color_primaries = _BT709
    context.color_trc, context.color_range = _SRGB, _LIMITED


def yuv(picture: Picture, form: str, pixels: str, reform: Any) -> Any:
    """A picture in the colours of an encoder, as a frame of PyAV's. ``form`` is rgb24 or rgba."""
    import av

    frame = av.VideoFrame.from_ndarray(picture, format=form)
    if pixels == form:
        return frame
    return reform.reformat(
        frame, format=pixels, dst_colorspace=_BT709, src_color_range=_FULL, dst_color_range=_LIMITED
    )
