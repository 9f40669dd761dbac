"""Raw pictures on a pipe, for programs that take nothing else: ffmpeg, virtual cameras."""

from __future__ import annotations

from typing import BinaryIO

from voxrig.avatar.figure import Picture
from voxrig.errors import OutputError
from voxrig.types import AudioChunk


class Raw:
    """Rows of pixels from the top, RGB or RGBA with a byte each; no sound, and nothing in between."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, picture: Picture, sound: AudioChunk | None = None) -> None:
        """The next picture, at once. Raises OutputError."""
        try:
            self._stream.write(picture.tobytes())
            self._stream.flush()
        except OSError as error:
            raise OutputError(f"cannot write standard output: {error.strerror or error}") from error

    def close(self) -> None:
        """Nothing is left to be written."""

    def abandon(self) -> None:
        """What was written is gone."""
