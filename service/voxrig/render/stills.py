"""Pictures as files: one as PNG or JPEG bytes, a take as a numbered row of them. Needs the extra render."""

from __future__ import annotations

import io
import os
import re
import secrets
import shutil
import wave
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from voxrig.avatar.figure import Picture
from voxrig.errors import OutputError, one_line
from voxrig.types import AudioChunk

_NUMBER = re.compile(r"%0?([1-9]?)d")
_FOLDER = "%05d.png"
_SOUND = "sound.wav"


def png(picture: Picture, labels: Mapping[str, str] | None = None) -> bytes:
    """A picture (h, w, 3) or (h, w, 4), with texts beside it; PNG writes Title and Comment with capitals."""
    from PIL import Image, PngImagePlugin

    texts = PngImagePlugin.PngInfo()
    for name, text in (labels or {}).items():
        texts.add_itxt(name.capitalize() if name.islower() else name, text)
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG", compress_level=1, pnginfo=texts)
    return out.getvalue()


def jpeg(picture: Picture, quality: int = 85) -> bytes:
    """A picture (h, w, 3); ``quality`` 1 to 100."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=quality)
    return out.getvalue()


class Row:
    """Numbered PNG files of a take, from 0 on, and its sound; all of them appear when it is whole.

    ``place`` is a folder, or a name with a number in it such as shots/talk_%05d.png. Sound goes into a
    folder's sound.wav, 16 bits; beside numbered names it is left out.
    """

    def __init__(self, place: str, labels: Mapping[str, str] | None = None, xmp: str = "") -> None:
        """Raises OutputError, also where pictures of another take are there."""
        self._labels = dict(labels or {}) | ({"XML:com.adobe.xmp": xmp} if xmp else {})
        self._whole = not _NUMBER.search(os.path.basename(place))
        self._folder = Path(place) if self._whole else Path(place).parent
        self._name = _FOLDER if self._whole else _pattern(place)
        self._written = 0
        self._wave: wave.Wave_write | None = None
        self._part = self._folder.absolute()
        self._part = self._part.with_name(f".voxrig-{secrets.token_hex(6)}.part")
        try:
            self._check_free()
            self._part.mkdir(parents=True)
        except OSError as error:
            raise self._fault(error) from error

    def write(self, picture: Picture, sound: AudioChunk | None = None) -> None:
        """The next picture and what is heard while it is shown. Raises OutputError."""
        try:
            (self._part / (self._name % self._written)).write_bytes(png(picture, self._labels))
            self._written += 1
            if self._whole and sound is not None and len(sound.samples):
                self._hear(sound)
        except OSError as error:
            raise self._fault(error) from error

    def close(self) -> None:
        """Gives the files their names. Raises OutputError."""
        try:
            if self._wave is not None:
                self._wave.close()
            if self._whole and not self._folder.exists():
                os.replace(self._part, self._folder)
                return
            self._folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(self._part.iterdir()):
                os.replace(path, self._folder / path.name)
            self._part.rmdir()
        except OSError as error:
            raise self._fault(error) from error

    def abandon(self) -> None:
        """Removes what was written."""
        if self._wave is not None:
            with suppress(OSError):
                self._wave.close()
        shutil.rmtree(self._part, ignore_errors=True)

    def _hear(self, sound: AudioChunk) -> None:
        if self._wave is None:
            self._wave = wave.open(str(self._part / _SOUND), "wb")  # noqa: SIM115 - closed with the row
            self._wave.setnchannels(1)
            self._wave.setsampwidth(2)
            self._wave.setframerate(sound.rate)
        whole = np.clip(np.rint(sound.samples * 32768), -32768, 32767).astype("<i2")
        self._wave.writeframesraw(whole.tobytes())

    def _check_free(self) -> None:
        """Frames of a longer take that was there before would be taken for the end of this one."""
        if not self._folder.exists():
            return
        before, after = _NUMBER.split(self._name, maxsplit=1)[::2]
        taken = re.compile(re.escape(before) + r"\d+" + re.escape(after))
        for path in self._folder.iterdir():
            if taken.fullmatch(path.name) or (self._whole and path.name == _SOUND):
                told = f"{one_line(str(path))} is there, of another take"
                raise OutputError(f"{told}; remove its pictures, or name another place")

    def _fault(self, error: OSError) -> OutputError:
        where = one_line(error.filename if isinstance(error.filename, str) else str(self._folder))
        return OutputError(f"cannot write {where}: {error.strerror or error}")


def is_row(place: str) -> bool:
    """Whether a place is a folder or a numbered name, and no single file."""
    name = os.path.basename(place)
    return not name or os.path.isdir(place) or "%" in name or not os.path.splitext(name)[1]


def _pattern(place: str) -> str:
    name = os.path.basename(place)
    if name.count("%") != 1 or not name.lower().endswith(".png"):
        raise OutputError(f"'{one_line(name)}' is no name for pictures; write talk_%05d.png or a folder")
    return name
