"""Pictures to H.264 as a live stream sends it: one access unit a picture, at once. Needs the extra render."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from voxrig.avatar.figure import Picture
from voxrig.errors import OutputError
from voxrig.render.film import check_size, tag, yuv

_KEYS = 2  # s between pictures that need none before them


@dataclass(frozen=True)
class Unit:
    """One picture of a stream."""

    data: bytes
    """Annex B: start codes, and parameter sets before each key."""
    key: bool
    """Whether it can be decoded without those before it."""


class H264:
    """A stream of pictures of one size. Nothing waits: each picture comes out as it goes in."""

    def __init__(self, size: tuple[int, int], fps: Fraction, bitrate: int = 0) -> None:
        """``size`` is height and width; ``bitrate`` in bits a second, 0 for even quality instead.

        Raises OutputError.
        """
        import av

        check_size(size, even=True)
        try:
            self._encoder = av.CodecContext.create("libx264", "w")
            self._encoder.height, self._encoder.width = size
            self._encoder.pix_fmt = "yuv420p"
            self._encoder.time_base, self._encoder.framerate = 1 / fps, fps
            self._encoder.gop_size = max(1, round(_KEYS * fps))
            tag(self._encoder)
            self._encoder.thread_count = 1
            # What a page's decoder takes in every browser, at the price of a tenth more bytes.
            self._encoder.profile = "Baseline"
            self._encoder.options = {"preset": "veryfast", "tune": "zerolatency", "sc_threshold": "0"}
            if bitrate:
                self._encoder.bit_rate = bitrate
                self._encoder.options |= {"maxrate": str(bitrate), "bufsize": str(bitrate)}
            else:
                self._encoder.options |= {"crf": "23"}
            self._encoder.open()
        except av.codec.codec.UnknownCodecError as error:
            raise OutputError(f"this PyAV has no encoder {error}; have JPEG or raw pictures") from error
        except (av.FFmpegError, OSError) as error:
            raise OutputError(f"cannot encode H.264: {error.strerror or error}") from error
        self._reform = av.video.reformatter.VideoReformatter()
        self._beat, self._count = 1 / fps, 0

    def encode(self, picture: Picture, key: bool = False) -> Unit:
        """The next picture (h, w, 3); a ``key`` if asked."""
        import av

        frame = yuv(picture, "rgb24", "yuv420p", self._reform)
        frame.pts, frame.time_base = self._count, self._beat
        self._count += 1
        if key:
            frame.pict_type = av.video.frame.PictureType.I
        packets = self._encoder.encode(frame)
        return Unit(b"".join(bytes(packet) for packet in packets), any(p.is_keyframe for p in packets))
