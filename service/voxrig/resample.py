"""Change the sample rate of a stream of sound, with the delay as a number.

Two qualities, for two needs:

``live``  a short filter of our own: 1.8 ms between 16 kHz and anything above, 3.6 ms if either is
          8 kHz. Flat to 0.9 of the lower Nyquist frequency, 70 dB down from 1.05 of it.
``best``  the soxr library at its HQ setting: flat to 0.91, far deeper stop band and cheaper for
          long sound, but it works in large blocks and holds back 37 to 117 ms.

Both are exact in time: output sample k is the input at k / rate_out seconds.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final, Literal, Protocol, get_args

import numpy as np

from .errors import unknown
from .types import Array

Quality = Literal["live", "best"]

_STOP_DB: Final = 70.0
_PASS, _STOP = 0.90, 1.05  # band edges as parts of the lower Nyquist frequency
_TABLE: Final = 1 << 18  # most filter taps kept for one pair of rates (1 MiB); odd ratios share phases
_ROWS: Final = 512  # output samples computed at once, which bounds memory


class Resampler:
    """A stream of mono sound at one rate, handed back at another.

    ``push`` any number of samples; it returns the output that is final, which may be none. The last
    push says so, and then n samples in have given exactly ceil(n * rate_out / rate_in) out. The
    output is the same, bit for bit, however the input is cut. Output for times before t is out once
    the input up to ``t + delay`` has been pushed. Equal rates pass through untouched, with no delay.

    >>> r = Resampler(48000, 16000)
    >>> len(r.push(np.zeros(960, np.float32))), len(r.push(np.zeros(0, np.float32), last=True))
    (291, 29)
    """

    def __init__(self, rate_in: int, rate_out: int, quality: Quality = "live") -> None:
        if rate_in < 1 or rate_out < 1:
            raise ValueError(f"sample rates must be positive Hz, got {rate_in} and {rate_out}")
        if quality not in get_args(Quality):
            raise ValueError(unknown("quality", quality, get_args(Quality)))
        self.rate_in = rate_in
        """Hertz."""
        self.rate_out = rate_out
        """Hertz."""
        self.quality = quality
        self._ended = False
        self._filter: _Filter
        if rate_in == rate_out:
            self._filter = _Same()
        elif quality == "live":
            self._filter = _Polyphase(rate_in, rate_out)
        else:
            self._filter = _Soxr(rate_in, rate_out)

    @property
    def delay_samples(self) -> int:
        """Most input samples that must follow a moment before the output up to it is out."""
        return self._filter.delay

    @property
    def delay(self) -> float:
        """The same in seconds."""
        return self._filter.delay / self.rate_in

    def push(self, samples: Array, last: bool = False) -> Array:
        """The next (n,) float32 samples at rate_in → the (m,) float32 now final at rate_out."""
        if self._ended:
            raise ValueError("push after the last push of a Resampler")
        if samples.ndim != 1 or samples.dtype != np.float32:
            raise ValueError(f"samples must be (n,) float32, got {samples.shape} {samples.dtype}")
        self._ended = last
        return self._filter.push(samples, last)


class _Filter(Protocol):
    delay: int  # input samples

    def push(self, samples: Array, last: bool) -> Array: ...


class _Same:
    delay = 0

    def push(self, samples: Array, last: bool) -> Array:
        return samples


class _Polyphase:
    """A windowed sinc, one row of taps for each position of an output between two inputs.

    Output k lies at input position k * down / up = base + phase / up and sums the 2 * half inputs
    around it, from base - half + 1 to base + half::

        half = 3          . . . x x x|x x x . . .      x used   | position of the output
                                  base

    Each output is its own sum in a fixed order, so the cutting of the input cannot show.
    """

    def __init__(self, rate_in: int, rate_out: int) -> None:
        common = math.gcd(rate_in, rate_out)
        self._up, self._down = rate_out // common, rate_in // common
        self._taps = _taps(rate_in, rate_out)
        self.delay = self._taps.shape[1] // 2
        self._held: Array = np.zeros(self.delay - 1, np.float32)  # silence before the start
        self._base = 1 - self.delay  # input index of _held[0]
        self._made = 0  # outputs so far

    def push(self, samples: Array, last: bool) -> Array:
        half, up, down = self.delay, self._up, self._down
        tail = [np.zeros(half, np.float32)] if last else []
        sound = np.concatenate([self._held, samples, *tail])
        known = self._base + len(sound)  # inputs from the start of the stream, silence included
        stop = max(self._made, -(-(known - half) * up // down))
        out = np.empty(stop - self._made, np.float32)
        if len(out):
            windows = np.lib.stride_tricks.sliding_window_view(sound, 2 * half)
            for first in range(self._made, stop, _ROWS):
                position = np.arange(first, min(first + _ROWS, stop), dtype=np.int64) * down
                rows = np.ascontiguousarray(windows[position // up - half + 1 - self._base])
                spread = len(self._taps) - 1
                phase = (position % up * spread + up // 2) // up
                at = first - self._made
                np.einsum("kn,kn->k", rows, self._taps[phase], out=out[at : at + len(rows)])
        self._made = stop
        keep = stop * down // up - half + 1  # first input that the next output needs
        self._held, self._base = sound[keep - self._base :].copy(), keep
        return out


class _Soxr:
    """soxr's stream. It aligns its output by itself but rounds the length; we make that exact."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        self.delay = _soxr_delay(rate_in, rate_out)
        self._rates = rate_in, rate_out
        self._stream = _soxr_stream(rate_in, rate_out)
        self._taken = self._made = 0

    def push(self, samples: Array, last: bool) -> Array:
        rate_in, rate_out = self._rates
        self._taken += len(samples)
        if last:  # silence behind the end, then cut
            silence = np.zeros(2 + 2 * rate_in // rate_out, np.float32)
            samples = np.concatenate([samples, silence])
        out: Array = self._stream.resample_chunk(samples, last=last)
        if last:
            out = out[: -(-self._taken * rate_out // rate_in) - self._made]
        self._made += len(out)
        return out


@lru_cache(maxsize=32)
def _taps(rate_in: int, rate_out: int) -> Array:
    """Filter taps, (phases, 2 * half): row p serves outputs p / (phases - 1) past an input sample."""
    nyquist = min(rate_in, rate_out) / 2
    cutoff = (_PASS + _STOP) / 2 * nyquist
    # Kaiser's formulas: length from the width of the transition, shape from the depth of the stop band
    reach = (_STOP_DB - 7.95) / (2.285 * 2 * np.pi * (_STOP - _PASS) * nyquist) / 2  # seconds each side
    beta = 0.1102 * (_STOP_DB - 8.7)
    half = math.floor(reach * rate_in) + 1
    up = rate_out // math.gcd(rate_in, rate_out)
    phases = min(up, max(1, _TABLE // (2 * half))) + 1
    phase = np.arange(phases)[:, None] / (phases - 1)
    time = (np.arange(1 - half, half + 1) - phase) / rate_in  # (phases, 2 * half) s
    window = np.i0(beta * np.sqrt(np.clip(1 - (time / reach) ** 2, 0, None))) * (np.abs(time) <= reach)
    taps = np.sinc(2 * cutoff * time) * window
    table: Array = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)  # a level stays that level
    table.flags.writeable = False
    return table


def _soxr_stream(rate_in: int, rate_out: int) -> Any:
    import soxr

    return soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32", quality="HQ")


@lru_cache(maxsize=32)
def _soxr_delay(rate_in: int, rate_out: int) -> int:
    """Most input samples that soxr holds back, found by feeding it a second of silence.

    How much is out depends on the count of samples pushed and on nothing else, but it comes in
    steps of soxr's own blocks; we look every millisecond and add that millisecond.
    """
    stream = _soxr_stream(rate_in, rate_out)
    step = -(-rate_in // 1000)
    silence = np.zeros(step, np.float32)
    worst, made = 0, 0
    for pushed in range(step, rate_in + step, step):
        worst = max(worst, pushed - made * rate_in // rate_out)  # held just before soxr's next block
        made += len(stream.resample_chunk(silence))
    return worst + 1 + -(-rate_in // rate_out)
