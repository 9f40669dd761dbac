"""Sound from files, pipes and raw bytes, as float32 mono. The one place where bytes become samples.

Integer formats are scaled so that full scale is [-1, 1). Floating-point files may go beyond and keep
their values; NaN, infinity and numbers too large for sound are refused. Several channels become one by
their mean, so parts that are equal and opposite in the two channels of a stereo file cancel. Nothing is
resampled here.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, Final, Literal, Self

import numpy as np

from .errors import AudioError, one_line, unknown
from .types import LOUDEST, Array, AudioChunk

MIN_RATE: Final = 8_000  # Hz
MAX_RATE: Final = 192_000  # Hz
MAX_CHANNELS: Final = 64
BLOCK: Final = 16_384  # samples a channel decoded at once
STDIN: Final = "-"

_FORMATS = "wav, flac, ogg, mp3"
_DTYPES: Final[dict[str, np.dtype[Any]]] = {"s16": np.dtype("<i2"), "f32": np.dtype("<f4")}
_MAX_SPOOL: Final = 8 << 30  # bytes kept on disk from a pipe, more than 3 hours of anything usual
_ENDLESS: Final = 1 << 48  # samples; libsndfile gives more for a FLAC stream of unknown length
_MP3_TAIL: Final = 16_384  # bytes of tags that may follow the last frame of an MP3


@dataclass(frozen=True)
class RawFormat:
    """What raw little-endian PCM does not say about itself."""

    encoding: Literal["s16", "f32"]
    rate: int
    """Hertz."""
    channels: int = 1
    """Interleaved."""

    def __post_init__(self) -> None:
        if self.encoding not in _DTYPES:
            raise AudioError(unknown("raw encoding", self.encoding, _DTYPES))
        check_format("raw sound", self.rate, self.channels)

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample in every channel."""
        return _DTYPES[self.encoding].itemsize * self.channels


class AudioSource:
    """A stream of mono sound, read once, in bounded memory. Use it in a ``with`` statement.

    ``length`` is the number of samples or None where it is not known beforehand (pipes, MP3, a
    microphone). A source that knows its length yields exactly that many samples or raises AudioError.
    """

    def __init__(
        self,
        name: str,
        rate: int,
        length: int | None,
        read: Callable[[int], Array],
        close: Callable[[], None],
    ) -> None:
        """``read(n)`` gives the next (1..n, channels) float32 samples, and an empty array at the end."""
        check_format(name, rate)
        self.name = name
        self.rate = rate
        """Hertz."""
        self.length = length
        """Samples, or None where not known."""
        self.seconds = None if length is None else length / rate
        """How long it is, or None where not known."""
        self._read = read
        self._close = close
        self._used = False

    def chunks(self, size: int = BLOCK) -> Iterator[AudioChunk]:
        """The sound from its start in chunks of ``size`` samples, fewer at the end or from a pipe."""
        if size < 1:
            raise ValueError(f"chunk size must be at least 1 sample, got {size}")
        if self._used:
            raise ValueError(f"{self.name} has been read or closed; open it again")
        self._used = True
        return self._chunks(size)

    def _chunks(self, size: int) -> Iterator[AudioChunk]:
        at, block = 0, size * max(1, BLOCK // size)
        while len(sound := self._read(block)):
            usable = (np.abs(sound) <= LOUDEST).all(axis=1)  # false for NaN too
            if not usable.all():
                first = int(usable.argmin())
                raise self._unusable(sound[first], (at + first) / self.rate)
            mono = _mono(sound)
            for first in range(0, len(mono), size):
                yield AudioChunk(mono[first : first + size], self.rate, at + first)
            at += len(mono)
        if at == 0:
            raise AudioError(f"{self.name} holds no samples; give sound of at least one sample")
        if self.length is not None and at != self.length:
            ends, promised = at / self.rate, self.length / self.rate
            raise AudioError(f"{self.name} is damaged: it ends at {ends:.3f} s of {promised:.3f} s")

    def _unusable(self, sample: Array, second: float) -> AudioError:
        if np.isfinite(sample).all():
            peak = float(np.abs(sample).max())
            return AudioError(
                f"{self.name} holds a sample of {peak:.1e} at {second:.3f} s, where 1 is full scale; "
                "it may be damaged, or raw sound of another encoding"
            )
        return AudioError(
            f"{self.name} holds a NaN or infinite sample at {second:.3f} s; samples must be finite"
        )

    def close(self) -> None:
        """Let go of the file or device. Closing twice is fine."""
        self._used = True
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_audio(path: str | os.PathLike[str], *, raw: RawFormat | None = None) -> AudioSource:
    """A sound file, or standard input for ``-``. ``raw`` tells the format of bytes without a header.

    Without ``raw``, the bytes say by themselves what they are (wav, flac, ogg, mp3, aiff, caf), not
    the file's name. Such sound on a pipe is first kept in a temporary file, since its readers seek;
    raw sound on a pipe flows at once. AudioError if it cannot be read, in one line.
    """
    if os.fspath(path) == STDIN:
        name = "standard input"
        if sys.stdin is None or sys.stdin.isatty():
            raise AudioError(f"cannot read {name}: it is a terminal; pipe sound into it")
        return _source(sys.stdin.buffer, name, raw, size=None, close=lambda: None)
    name = one_line(os.fspath(path))
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise AudioError(f"cannot read {name}: it is a folder; give a sound file ({_FORMATS}) or -")
        handle = open(path, "rb")  # noqa: SIM115  (the source closes it)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AudioError(f"cannot read {name}: {reason}; give a sound file ({_FORMATS}) or -") from error
    size = status.st_size if stat.S_ISREG(status.st_mode) else None
    return _source(handle, name, raw, size, handle.close)


def open_bytes(stream: BinaryIO, name: str) -> AudioSource:
    """Sound in an open file that seeks; ``name`` is for sentences. The caller closes the file.

    Raises AudioError.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    return _source(stream, one_line(name), None, size, close=lambda: None)


def read(path: str | os.PathLike[str], *, raw: RawFormat | None = None) -> AudioChunk:
    """The whole of ``open_audio(path)`` as one chunk."""
    with open_audio(path, raw=raw) as source:
        samples = np.concatenate([chunk.samples for chunk in source.chunks()])
        return AudioChunk(samples, source.rate)


def check_format(name: str, rate: int, channels: int = 1) -> None:
    """AudioError unless the rate (Hz) and the number of channels are ones we take."""
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(f"{name} has a sample rate of {rate} Hz; have {MIN_RATE} to {MAX_RATE} Hz")
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(f"{name} has {channels} channels; have 1 to {MAX_CHANNELS}")


def _source(
    stream: BinaryIO, name: str, raw: RawFormat | None, size: int | None, close: Callable[[], None]
) -> AudioSource:
    """``size`` in bytes, or None for a pipe or device. Calls ``close`` if the sound is not usable."""
    with ExitStack() as stack:
        stack.callback(close)
        if size == 0:
            raise AudioError(f"{name} is empty (0 bytes); give a sound file ({_FORMATS})")
        if raw is not None:
            pcm = _Raw(stream, name, raw)
            if size is not None and size % raw.frame_bytes:
                raise pcm.ragged(size)
            length = None if size is None else size // raw.frame_bytes
            return AudioSource(name, raw.rate, length, pcm.read, stack.pop_all().close)
        if size is None:
            stream = stack.enter_context(_spool(stream, name))
        decoder = _Decoder(stream, name)
        stack.callback(decoder.close)
        return AudioSource(name, decoder.rate, decoder.length, decoder.read, stack.pop_all().close)


class _Raw:
    """Raw PCM bytes → samples."""

    def __init__(self, stream: Any, name: str, raw: RawFormat) -> None:
        self._stream, self._name, self._raw = stream, name, raw
        self._held = b""
        self._taken = 0  # bytes

    def read(self, n: int) -> Array:
        frame = self._raw.frame_bytes
        data = self._held
        while len(data) < frame:
            try:
                more: bytes = self._stream.read1(n * frame - len(data))
            except OSError as error:
                raise AudioError(f"cannot read {self._name}: {error.strerror}") from error
            if not more:
                if data:
                    raise self.ragged(self._taken)
                break
            self._taken += len(more)
            data += more
        whole = len(data) // frame * frame
        self._held = data[whole:]
        samples: Array = np.frombuffer(data[:whole], _DTYPES[self._raw.encoding]).astype(np.float32)
        if self._raw.encoding == "s16":
            samples /= 32_768
        return samples.reshape(-1, self._raw.channels)

    def ragged(self, size: int) -> AudioError:
        """The sentence for bytes that do not divide into samples."""
        raw = self._raw
        return AudioError(
            f"{self._name} holds {size} bytes; raw {raw.encoding} with {raw.channels} channel(s) "
            f"needs a multiple of {raw.frame_bytes}"
        )


class _Decoder:
    """A file that describes itself → samples, by libsndfile."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        import soundfile

        self._stream, self._name, self._fault = stream, name, soundfile.SoundFileError
        try:
            self._file: Any = soundfile.SoundFile(_Bytes(stream))
        except soundfile.SoundFileError as error:
            raise AudioError(
                f"cannot read {name} as sound: {_reason(error)}; have {_FORMATS}, or raw"
            ) from error
        self.rate: int = self._file.samplerate
        self._file.seekable = lambda: False  # else soundfile seeks after each read, and fails at some ends
        self._mp3 = self._file.format in ("MP3", "MPEG")
        guess = self._mp3 or self._file.frames >= _ENDLESS
        self.length: int | None = None if guess else self._file.frames
        try:
            check_format(name, self.rate, self._file.channels)
            if self._file.frames == 0:
                raise AudioError(f"{name} holds no samples; it was cut short or never finished")
        except AudioError:
            self._file.close()
            raise
        self._taken = 0

    def read(self, n: int) -> Array:
        try:
            samples: Array = self._file.read(n, dtype="float32", always_2d=True)
        except self._fault as error:
            second = self._taken / self.rate
            raise AudioError(f"{self._name} is damaged after {second:.3f} s: {_reason(error)}") from error
        self._taken += len(samples)
        if self._mp3 and len(samples) == 0:
            self._check_finished()
        return samples

    def _check_finished(self) -> None:
        # libsndfile stops an MP3 at the length its header gives or that it guessed without one
        at = self._stream.tell()
        size = self._stream.seek(0, os.SEEK_END)
        if size - at > _MP3_TAIL:
            second = self._taken / self.rate
            raise AudioError(
                f"{self._name} goes on after {second:.3f} s, where its MP3 header ends it; convert it to wav"
            )

    def close(self) -> None:
        self._file.close()


class _Bytes:
    """A binary file without its name, so that only its bytes say which format it is."""

    def __init__(self, stream: Any) -> None:
        self.readinto, self.seek, self.tell = stream.readinto, stream.seek, stream.tell


def _mono(sound: Array) -> Array:
    """(n, channels) → (n,), the mean of the channels, added in their order whatever n is."""
    if sound.shape[1] == 1:
        return np.ascontiguousarray(sound[:, 0])
    total = np.zeros(len(sound), np.float64)
    for channel in sound.T:
        total += channel
    mean: Array = (total / sound.shape[1]).astype(np.float32)
    return mean


def _spool(stream: BinaryIO, name: str) -> BinaryIO:
    """All of a pipe in a temporary file, at its start."""
    with ExitStack() as stack:
        file: Any = stack.enter_context(tempfile.TemporaryFile())
        try:
            while data := stream.read(1 << 20):
                file.write(data)
                if file.tell() > _MAX_SPOOL:
                    raise AudioError(
                        f"{name} is longer than {_MAX_SPOOL >> 30} GiB; give a file or raw sound"
                    )
        except OSError as error:
            raise AudioError(f"cannot copy {name} to a temporary file: {error.strerror}") from error
        if file.tell() == 0:
            raise AudioError(f"{name} is empty (0 bytes); give a sound file ({_FORMATS})")
        file.seek(0)
        stack.pop_all()
    spooled: BinaryIO = file
    return spooled


def _reason(error: Exception) -> str:
    """libsndfile's words in one line, without the path that it puts in front."""
    text = " ".join(str(getattr(error, "error_string", error)).split()).rstrip(".")
    return "no frame of sound found" if "possibly a pipe" in text else text
