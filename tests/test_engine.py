"""The laws of streams: chunk size, future, batch, length, time."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import TINY, babble, play

from voxrig.engine import Engine
from voxrig.errors import AudioError, StyleError
from voxrig.model import OnnxModel, load
from voxrig.types import Array, AudioChunk, Style

CHUNKS = (1, 17, 441, 800, 44100)
RATES = tuple(map(Fraction, ("24", "25", "30000/1001", "30", "50", "60", "120")))


@pytest.mark.parametrize("rate", [16000, 8000, 48000])
@pytest.mark.parametrize(("block", "smooth"), [(1, 0.0), (1, 0.05), (50, 0.05)])
def test_every_chunk_size_gives_identical_frames(
    speech: OnnxModel, rate: int, block: int, smooth: float
) -> None:
    sound = babble(1.03, rate)
    whole = play(speech, sound, len(sound.samples), 60, block, smooth)
    for chunk in CHUNKS:
        assert np.array_equal(play(speech, sound, chunk, 60, block, smooth).values, whole.values), chunk


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40000), st.sampled_from([8000, 11025, 16000, 22050, 44100]), st.sampled_from(RATES))
def test_n_samples_give_exactly_the_frames_of_their_time(n: int, rate: int, fps: Fraction) -> None:
    frames = play(load(TINY, "cpu"), AudioChunk(np.zeros(n, np.float32), rate), 5000, fps, 7, n % 3 / 20)
    assert len(frames) == -(-n * fps // rate)


def test_later_sound_never_changes_frames_already_pulled(speech: OnnxModel) -> None:
    first, after = babble(1.0, seed=1), babble(1.0, seed=2)
    engine = Engine(speech)
    stream = engine.open()
    stream.push(first)
    while engine.step():
        pass
    early = stream.pull()
    assert early is not None
    joined = AudioChunk(np.concatenate([first.samples, after.samples]), 16000)
    assert np.array_equal(play(speech, joined).values[: len(early)], early.values)


def test_64_interleaved_streams_equal_each_alone(speech: OnnxModel) -> None:
    rng = np.random.default_rng(3)
    sounds = [babble(float(rng.uniform(0.2, 1.0)), seed=i) for i in range(64)]
    engine = Engine(speech, batch=48)
    streams = [engine.open() for _ in sounds]
    at = [0] * 64
    parts: list[list[Array]] = [[] for _ in sounds]
    while not all(s.done for s in streams):
        i = int(rng.integers(64))
        for _ in range(3):
            n = int(rng.integers(1, 4000))
            if at[i] < len(sounds[i].samples):
                streams[i].push(AudioChunk(sounds[i].samples[at[i] : at[i] + n], 16000, at[i]))
                at[i] = min(at[i] + n, len(sounds[i].samples))
            else:
                streams[i].end()
        engine.step()
        for stream, got in zip(streams, parts, strict=True):
            if (frames := stream.pull()) is not None:
                got.append(frames.values)
    for sound, got in zip(sounds, parts, strict=True):
        np.testing.assert_allclose(np.concatenate(got), play(speech, sound).values, atol=1e-5)


def test_rates_agree_where_their_frames_coincide(speech: OnnxModel) -> None:
    sound = babble(4.1)
    told = {fps: play(speech, sound, fps=fps, smooth=0.05) for fps in RATES}
    for a in RATES:
        for b in RATES:
            # Frame i of a and frame i * b / a of b fall on one moment.
            shared = [(i, int(i * b / a)) for i in range(len(told[a])) if (i * b / a).denominator == 1]
            pairs = [(i, j) for i, j in shared if j < len(told[b])]
            assert pairs
            rows, others = map(list, zip(*pairs, strict=True))
            assert np.array_equal(told[a].values[rows], told[b].values[others]), (a, b)


def test_frames_belong_to_their_moment(tiny: OnnxModel) -> None:
    sound = np.zeros(16000, np.float32)
    sound[8000:8160] = 1.0  # piece 50 of 10 ms
    frames = play(tiny, AudioChunk(sound, 16000), fps=100)
    assert list(np.flatnonzero(frames.curve("mouthPucker"))) == [50]  # tells its own piece
    assert list(np.flatnonzero(frames.curve("jawOpen"))) == [48, 50, 52]  # and two pieces either way


@pytest.mark.parametrize("smooth", [0.0, 0.05])
@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_frame_is_out_after_the_declared_latency(speech: OnnxModel, rate: int, smooth: float) -> None:
    engine = Engine(speech)
    stream = engine.open(rate=rate, fps=60, smooth=smooth)
    out = 0
    for at in range(0, rate, 80):
        stream.push(AudioChunk(np.zeros(80, np.float32), rate, at))
        while engine.step():
            pass
        if (frames := stream.pull()) is not None:
            out = frames.start + len(frames)
        heard = (at + 80) / rate
        assert out >= np.floor((heard - stream.latency) * 60), heard
    assert speech.card.lookahead / speech.card.rate <= 0.080


def test_streams_take_turns(tiny: OnnxModel) -> None:
    engine = Engine(tiny, batch=1)
    streams = [engine.open() for _ in range(3)]
    for stream, seconds in zip(streams, (2, 0.5, 0.1), strict=True):
        stream.push(babble(seconds))
    left = [stream.backlog for stream in streams]
    for i in (0, 1, 2, 0, 1, 2):
        assert engine.step() == 1
        left[i] -= 320
        assert [stream.backlog for stream in streams] == left


def test_strides_tell_the_same(speech: OnnxModel) -> None:
    sounds = [babble(4, seed=1), babble(0.3, seed=2), babble(2, seed=3)]
    with Engine(speech, batch=8, block=2, stride=4) as engine:
        streams = [engine.open() for _ in sounds]
        for stream, sound in zip(streams, sounds, strict=True):
            stream.push(sound)
            stream.end()
        steps = 0
        while engine.step():
            steps += 1
        for stream, sound in zip(streams, sounds, strict=True):
            frames = stream.pull()
            assert frames is not None
            assert stream.done
            np.testing.assert_allclose(frames.values, play(speech, sound).values, atol=1e-5)
    assert steps < 40  # a hop at a time would take 204


def test_misuse_is_refused(tiny: OnnxModel) -> None:
    engine = Engine(tiny)
    stream = engine.open(rate=16000)
    with pytest.raises(ValueError, match="runs at 16000 Hz, chunk at 8000"):
        stream.push(AudioChunk(np.zeros(8, np.float32), 8000))
    with pytest.raises(ValueError, match="starts at sample 5, expected 0"):
        stream.push(AudioChunk(np.zeros(8, np.float32), 16000, 5))
    with pytest.raises(AudioError, match="sample 3 is NaN, infinite"):
        stream.push(AudioChunk(np.array([0, 0, 0, np.nan], np.float32), 16000))
    with pytest.raises(AudioError, match="sample 0 is NaN, infinite or no sound"):
        stream.push(AudioChunk(np.full(4, 1e30, np.float32), 16000))
    stream.end()
    with pytest.raises(ValueError, match="after end"):
        stream.push(AudioChunk(np.zeros(8, np.float32), 16000))
    with pytest.raises(ValueError, match="fps must be an int or a ratio"):
        engine.open(fps=0)
    for wrong in (Fraction(29.97), 29.97, "29.97"):
        with pytest.raises(ValueError, match=r"a ratio like Fraction\(30000, 1001\)"):
            engine.open(fps=wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least 1"):
        Engine(tiny, batch=0)
    with pytest.raises(StyleError, match="unknown emotion 'happy'"):
        engine.open(Style({"happy": 1.0}))
    with pytest.raises(StyleError, match="unknown emotion 'happy'"):
        engine.open().set_style(Style({"happy": 1.0}), at=0)


def test_style_keys_reach_a_model_that_names_styles() -> None:
    class Styled:
        """A model whose jaw is its first style, one frame a hop."""

        def __init__(self, card: object) -> None:
            self.card = card

        def initial_state(self) -> Array:
            return np.zeros(1, np.float32)

        def step(self, audio: Array, style: Array, states: list[Array]) -> tuple[Array, list[Array]]:
            hops = audio.shape[1] // 160
            values = np.zeros((len(audio), hops, 110), np.float32)
            values[:, :, 17] = style[:, :1]
            return values, list(states)

    card = replace(load(TINY, "cpu").card, hop=160, delay=0, lookahead=160, styles=("joy",))
    engine = Engine(Styled(card))  # type: ignore[arg-type]
    stream = engine.open(Style({"joy": 0.2}), fps=100)
    stream.set_style(Style({"joy": 0.8}, intensity=0.5), at=8000)
    stream.push(babble(1.0))
    stream.end()
    while engine.step():
        pass
    frames = stream.pull()
    assert frames is not None
    assert set(np.round(frames.values[:50, 17], 6)) == {np.float32(0.2)}
    assert set(np.round(frames.values[50:, 17], 6)) == {np.float32(0.4)}
