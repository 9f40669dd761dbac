"""What comes in as a file and goes out as one: sounds, curves, exports."""

from __future__ import annotations

import io
import wave
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from voxrig_bridge.fields import Fields
from voxrig_export import Format, Options, read, write

from ..audio import open_bytes
from ..cast import SOUND_RATE
from ..errors import AudioError, FormatError, WireError, one_line
from ..types import AudioChunk, Frames, join
from .refusal import Refusal
from .show import Show
from .take import Curves

LONGEST_TEXT = 10_000
"""Characters of what is said in a sound."""
_MOST_NAMES = 1000
_NAME = 100  # characters


def plain_name(name: str) -> str:
    """A file's name without folders and odd characters, for lists and sentences."""
    return one_line(name.replace("\\", "/").rpartition("/")[2].strip())[:_NAME] or "take"


def sound(data: BinaryIO, name: str, longest: float) -> AudioChunk:
    """A sound file. Raises Refusal for what is none, or lasts longer than so many seconds."""
    try:
        with open_bytes(data, name) as source:
            parts, heard = [np.zeros(0, np.float32)], 0
            for chunk in source.chunks():
                heard += len(chunk.samples)
                if heard > longest * source.rate:
                    raise Refusal(413, f"{name} lasts longer than {longest:g} s; cut it at pauses")
                parts.append(chunk.samples)
            return AudioChunk(np.concatenate(parts), source.rate)
    except AudioError as error:
        raise Refusal(415, str(error)) from error


def curves(data: BinaryIO, name: str, fps: Fraction | None, longest: float) -> Curves:
    """A curve file. Raises Refusal."""
    with TemporaryDirectory(prefix="voxrig-") as folder:
        path = Path(folder) / "curves"
        with path.open("wb") as file:
            while block := data.read(1 << 20):
                file.write(block)
        try:
            frames = read(path, fps=fps)
        except FormatError as error:
            said = str(error).replace(str(path), name).replace("(--from-fps 60)", "(fps=60)")
            raise Refusal(415, said) from error
    if not len(frames):
        raise Refusal(415, f"{name} has no frames")
    if len(frames) > longest * frames.fps:
        raise Refusal(413, f"{name} lasts longer than {longest:g} s; cut it")
    return Curves(name, frames)


def wav(samples: NDArray[np.int16]) -> bytes:
    """Samples (n,) at SOUND_RATE as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SOUND_RATE)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def options_in(told: Fields, kind: Format, avatar: Path | None) -> Options:
    """The field ``options``. Raises FormatError and WireError."""
    given = told.inside("options")
    tolerance = given.number("tolerance") if given.has("tolerance") else None
    if tolerance is not None and not 0 <= tolerance <= 1:
        raise FormatError(f"tolerance is {tolerance:g}; have 0 to 1")
    names = given.value("names", dict, {})
    if len(names) > _MOST_NAMES or not all(type(name) is str for name in names.values()):
        raise WireError(f"names is no object of at most {_MOST_NAMES} names")
    options = Options(
        tolerance,
        given.words("mesh", ""),
        names,
        avatar if "avatar" in kind.options else None,
        given.words("asset", ""),
        given.words("skeleton", ""),
    )
    given.check_known()
    kind.check_options(options)
    return options


def exported(show: Show, kind: Format, options: Options, folder: str) -> Path:
    """A take as a file in a folder. Raises VoxrigError."""
    rig = show.direction.rig
    empty = Frames(rig, np.zeros((0, len(rig)), np.float32), show.direction.fps)
    frames = join([empty, *show.parts()])
    path = Path(folder) / f"take{kind.suffix}"
    write(path, frames, kind.name, audio=show.take.name, options=options)
    return path


def own(values: Any) -> bytes:
    """Values (t, c) as float32, little-endian."""
    return np.ascontiguousarray(values, "<f4").tobytes()
