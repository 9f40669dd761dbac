"""Many streams of speech, one batch a step.

Engine knows nothing about rigs, sockets or files; it has no threads and never sleeps. Push sound
into streams, call ``step`` until it returns 0, pull frames.

Laws: every chunk size gives identical frames; later sound never changes frames already pulled; a
batch equals its members; n samples give exactly ceil(n * fps / rate) frames.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from typing import Self

import numpy as np

from .emotion import Ear
from .errors import AudioError, StyleError
from .expression import Acting, Expression, check_heard
from .model import Model, ModelCard, State
from .resample import Quality, Resampler
from .retime import Retime, frame_count, frame_rate
from .smooth import Smooth
from .style import plain, vector
from .track import Track
from .types import LOUDEST, Array, AudioChunk, Frames, Style

_NO_STYLE = np.zeros(0, np.float32)


class Stream:
    """One voice: push sound, end, pull frames. Made by Engine.open.

    The model hears hops of ``card.hop`` samples in blocks of the engine's size, always cut at the
    same places. Frame k is out once the sound up to k / fps + ``latency`` seconds has been pushed and
    the engine has stepped.
    """

    def __init__(
        self,
        model: Model,
        block: int,
        track: Track,
        acting: Acting | None,
        resampler: Resampler,
        smooth: Smooth,
        retime: Retime,
    ) -> None:
        card = model.card
        self.rate, self.fps = resampler.rate_in, retime.fps
        self._card, self._block, self._state = card, block, model.initial_state()
        self._track, self._acting = track, acting
        self._resampler, self._smooth, self._retime = resampler, smooth, retime
        self._buffer: deque[Array] = deque()
        self._waiting = 0  # model samples in _buffer
        self._taken = 0  # model samples handed to the model
        self._told = -card.delay  # index of the model's next frame; below 0 is before the first sample
        self._pushed = 0  # samples at the stream's own rate
        self._out: deque[Array] = deque()
        self._given = 0  # frames pulled
        self._total: int | None = None

    @property
    def latency(self) -> float:
        """Seconds from a sound to the frame that shows it, at worst."""
        card = self._card
        blocks = (self._block - 1) * card.hop
        between = 0 if (card.fps / self.fps).denominator == 1 else 1 / card.fps
        smoothing = self._smooth.delay / card.fps
        return (card.lookahead + blocks) / card.rate + float(between + smoothing) + self._resampler.delay

    @property
    def done(self) -> bool:
        """Whether the stream has ended and every frame has been pulled."""
        return self._total is not None and self._given >= self._total

    @property
    def backlog(self) -> int:
        """Model samples that wait to be heard."""
        return self._waiting

    @property
    def ready(self) -> bool:
        """Whether a step would move this stream on."""
        return self._waiting >= self._block * self._card.hop

    def push(self, chunk: AudioChunk) -> None:
        """Sound that follows what was pushed before.

        Raises ValueError after end, on another rate or a gap, and AudioError on NaN or infinity.
        """
        if self._total is not None:
            raise ValueError("push after end of a Stream")
        if chunk.rate != self.rate:
            raise ValueError(f"stream runs at {self.rate} Hz, chunk at {chunk.rate} Hz")
        if chunk.start != self._pushed:
            raise ValueError(f"chunk starts at sample {chunk.start}, expected {self._pushed}")
        usable = np.abs(chunk.samples) <= LOUDEST  # false for NaN, too
        if not usable.all():
            bad = chunk.start + int(usable.argmin())
            raise AudioError(f"sample {bad} is NaN, infinite or no sound; full scale is [-1, 1]")
        self._pushed = chunk.end
        self._hear(self._resampler.push(chunk.samples))

    def set_style(self, style: Style, at: int, transition: float = 0.0) -> None:
        """Speak in another style from sample ``at`` of the stream on, reached within ``transition`` seconds.

        Styles come in order, and before the sound that they are for. Raises StyleError.
        """
        frame, over = frame_count(at, self.rate, self._card.fps), round(transition * self._card.fps)
        if self._acting is not None:
            self._acting.key(style, frame, over)
        else:
            self._track.key(_inputs(style, self._card), frame, over)

    def end(self) -> None:
        """No more sound: what was pushed is played out, and then ``done`` becomes true."""
        if self._total is not None:
            return
        self._hear(self._resampler.push(np.zeros(0, np.float32), last=True))
        self._total = frame_count(self._pushed, self.rate, self.fps)
        # Silence follows until the last frame and its delay have been heard, in whole blocks.
        needed = self._retime.needs(self._total)
        frames = needed + self._smooth.delay + self._card.delay if needed else 0
        blocks = -(-frames // (self._block * self._card.frames_per_hop))
        silence = blocks * self._block * self._card.hop - self._taken - self._waiting
        self._hear(np.zeros(max(0, silence), np.float32))

    def pull(self) -> Frames | None:
        """Frames that are final and not yet pulled; None if there are none."""
        if not self._out:
            return None
        values = np.concatenate(self._out)
        self._out.clear()
        if self._total is not None:
            values = values[: self._total - self._given]
        start, self._given = self._given, self._given + len(values)
        return Frames(self._card.rig, values, self.fps, start) if len(values) else None

    def _hear(self, samples: Array) -> None:
        if len(samples):
            self._buffer.append(samples)
            self._waiting += len(samples)
            if self._acting is not None:
                self._acting.hear(samples)

    def _take(self, blocks: int) -> tuple[Array, Array, State]:
        """The next blocks of sound, the model's own style inputs and the state."""
        size = blocks * self._block * self._card.hop
        joined = np.concatenate(self._buffer) if len(self._buffer) > 1 else self._buffer[0]
        self._buffer.clear()
        if len(joined) > size:
            self._buffer.append(joined[size:])
        self._waiting -= size
        self._taken += size
        style = self._track.take(self._told, 1)[0] if self._card.styles else _NO_STYLE
        return joined[:size], style, self._state

    def _act(self, samples: Array, count: int) -> tuple[Array, Array, Acting]:
        """Of the frames that the model tells next: sound (n,) and styles (count, k). It hears ``samples``."""
        assert self._acting is not None
        return self._acting.due(samples), self._acting.style(self._told, count), self._acting

    def _give(self, values: Array, state: State) -> None:
        """The model's answer to what was taken last."""
        self._state = state
        skip = min(max(0, -self._told), len(values))
        told = Frames(self._card.rig, values[skip:], self._card.fps, self._told + skip)
        self._told += len(values)
        made = self._retime.push(self._smooth(told).values)
        if len(made):
            self._out.append(made)


class Engine:
    """Steps all its streams together; where they are too many, in turn.

    ``batch`` streams at most share a step; each hears ``block`` hops in it. Live callers leave block
    at 1 for the least delay; files go several times faster with 50 or so. With ``stride`` above 1,
    streams that have as many blocks waiting hear them all in one step, fewer streams at a time: sound
    that comes at once is done sooner, and no step grows longer.
    """

    def __init__(
        self,
        model: Model,
        batch: int = 64,
        block: int = 1,
        stride: int = 1,
        expression: Expression | None = None,
        ear: Ear | None = None,
    ) -> None:
        if batch < 1 or block < 1 or stride < 1:
            raise ValueError(f"batch, block and stride must be at least 1, got {batch}, {block} and {stride}")
        self.model, self.batch, self.block, self.stride = model, batch, block, stride
        suits = expression is not None and expression.suits(model.card)
        self.expression, self.ear = expression if suits else None, ear
        self._streams: list[Stream] = []

    def open(
        self,
        style: Style | None = None,
        rate: int | None = None,
        fps: Fraction | int = 60,
        quality: Quality = "live",
        smooth: float = 0.0,
        seed: int = 0,
    ) -> Stream:
        """A new stream of sound at ``rate`` Hz (the model's own by default) to frames at ``fps``.

        ``smooth`` is the width in seconds of a smoothing window; half of it adds to the latency. With
        another ``seed`` a face feels the same otherwise.
        """
        card = self.model.card
        resampler = Resampler(rate or card.rate, card.rate, quality)
        retime = Retime(card.fps, frame_rate(fps), len(card.rig))
        acting = self.act(style or Style(), card.delay, seed)
        track = Track(_inputs(Style() if acting else style or Style(), card))
        steady = Smooth(smooth, card.fps)
        stream = Stream(self.model, self.block, track, acting, resampler, steady, retime)
        self._streams.append(stream)
        return stream

    def check(self, style: Style) -> None:
        """Raises StyleError where nobody here can show a style, or hear what it is to follow."""
        if self.expression is None:
            _inputs(style, self.model.card)
        else:
            check_heard(style, self.ear)

    def act(self, style: Style, delay: int = 0, seed: int = 0) -> Acting | None:
        """A style over time, of curves that come ``delay`` frames after their sound; None where nobody can
        show it. Raises StyleError."""
        self.check(style)
        return Acting(style, self.expression, self.ear, delay, seed) if self.expression else None

    def close(self, stream: Stream) -> None:
        """Forget a stream, finished or not."""
        self._streams.remove(stream)

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def behind(self) -> bool:
        """Whether a step would move any stream on."""
        return any(stream.ready for stream in self._streams)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._streams.clear()

    def step(self) -> int:
        """Runs one batch and returns how many streams moved on; 0 when all wait for sound.

        Where some streams take strides, they have a batch of their own after that of the others.
        """
        ready = [s for s in self._streams if s.ready]
        if self.stride == 1:
            return self._run(ready, 1)
        enough = self.stride * self.block * self.model.card.hop
        far = [s for s in ready if s.backlog >= enough]
        return self._run([s for s in ready if s.backlog < enough], 1) + self._run(far, self.stride)

    def _run(self, streams: list[Stream], blocks: int) -> int:
        if not streams:
            return 0
        most = max(1, self.batch // blocks)
        if len(streams) > most:
            streams = streams[:most]
            served = set(streams)
            self._streams = [s for s in self._streams if s not in served] + streams
        audio, styles, states = zip(*(s._take(blocks) for s in streams), strict=True)
        heard = np.stack(audio)
        values, after = self.model.step(heard, np.stack(styles), states)
        if self.expression is not None:
            values = self._express(streams, heard, values)
        for stream, told, state in zip(streams, values, after, strict=True):
            stream._give(told, state)
        return len(streams)

    def _express(self, streams: Sequence[Stream], heard: Array, values: Array) -> Array:
        """The model's curves (b, t, c) of sound (b, n) with what each stream's style adds."""
        assert self.expression is not None
        parts = [s._act(samples, values.shape[1]) for s, samples in zip(streams, heard, strict=True)]
        audio, styles, actings = zip(*parts, strict=True)
        states = [acting.state for acting in actings]
        shown, after = self.expression.step(np.stack(audio), values, np.stack(styles), states)
        for acting, state in zip(actings, after, strict=True):
            acting.state = state
        return shown


def _inputs(style: Style, card: ModelCard) -> Array:
    """The model's own style inputs, (k,). Raises StyleError where it has none and they are asked for."""
    if not card.styles and not plain(style):
        raise StyleError(f"pack '{card.name}' shows no styles, and no expression goes with it")
    return vector(style, card.styles)
