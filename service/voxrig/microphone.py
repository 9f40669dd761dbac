"""Sound from a microphone, as the same stream that a file gives. Needs the extra ``mic``."""

from __future__ import annotations

from typing import Any

from .audio import AudioSource, check_format
from .errors import AudioError
from .types import Array


def open_microphone(device: int | str | None = None, rate: int = 16_000, block: int = 320) -> AudioSource:
    """A microphone at ``rate`` Hz that hands over ``block`` samples at a time.

    ``device`` is a number or a part of its name; None is the system's own choice. The stream has no
    end: leave the ``with`` to stop it. Sound that arrives while nobody reads for long is lost.

    >>> with open_microphone() as mic:  # doctest: +SKIP
    ...     for chunk in mic.chunks(320):
    ...         stream.push(chunk)
    """
    if block < 1:
        raise ValueError(f"block must be at least 1 sample, got {block}")
    name = "the microphone" if device is None else f"microphone '{device}'"
    check_format(name, rate)
    try:
        import sounddevice
    except ImportError as error:
        raise AudioError(
            f'cannot open {name}: the package sounddevice is missing; pip install "voxrig[mic]"'
        ) from error
    except OSError as error:  # the package is there, the system library it loads is not
        raise AudioError(
            f"cannot open {name}: the PortAudio library is missing; "
            f'apt install libportaudio2, or on Windows and macOS pip install "voxrig[mic]"'
        ) from error
    try:
        stream: Any = sounddevice.InputStream(
            samplerate=rate, blocksize=block, device=device, channels=1, dtype="float32"
        )
        stream.start()
    except (sounddevice.PortAudioError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise AudioError(f"cannot open {name} at {rate} Hz: {reason}; see python -m sounddevice") from error

    def read(_: int) -> Array:
        try:
            samples: Array = stream.read(block)[0]  # (block, 1)
        except sounddevice.PortAudioError as error:
            raise AudioError(f"{name} stopped: {' '.join(str(error).split())}") from error
        return samples

    return AudioSource(name, rate, None, read, stream.close)
