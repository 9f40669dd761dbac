"""Styles in streams: cutting sound never matters, keys come when they should, a plain face stays as it is."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from sounds import SAMPLE
from test_text import SAID

import voxrig
from voxrig.audio import open_audio
from voxrig.emotion import load_ear
from voxrig.engine import Engine
from voxrig.errors import StyleError
from voxrig.expression import load_expression
from voxrig.model import load
from voxrig.performance import Direction
from voxrig.resample import Resampler
from voxrig.rigs import NATIVE, get
from voxrig.types import Array, AudioChunk, Auto, Frames, Key, Style, join

RATE = 16000
JOY = Style({"joy": 1.0})
SMILE, BROW, JAW, CLOSE = (
    NATIVE.index(name) for name in ("mouthSmileLeft", "browDownLeft", "jawOpen", "mouthClose")
)


@pytest.fixture(scope="module")
def sound() -> Array:
    with open_audio(SAMPLE) as source:
        [chunk] = source.chunks(60 * source.rate)
    return Resampler(chunk.rate, RATE).push(chunk.samples, last=True)[: 3 * RATE]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(load("live", "cpu"), expression=load_expression("cpu"), ear=load_ear("cpu"))


def speak(
    engine: Engine, sound: Array, style: Style, *keys: tuple[Style, int, float], cut: int = 320, seed: int = 0
) -> Array:
    """Frames (t, c) at 100 a second, of sound pushed in pieces."""
    stream = engine.open(style, RATE, 100, seed=seed)
    for key in keys:
        stream.set_style(*key)
    parts: list[Frames] = []
    for at in range(0, len(sound), cut):
        stream.push(AudioChunk(sound[at : at + cut], RATE, at))
        parts += _out(engine, stream)
    stream.end()
    parts += _out(engine, stream)
    engine.close(stream)
    return join(parts).values


def _out(engine: Engine, stream: voxrig.Stream) -> list[Frames]:
    while engine.step():
        pass
    frames = stream.pull()
    return [] if frames is None else [frames]


def test_a_plain_style_leaves_speech_exactly_as_it_is(engine: Engine, sound: Array) -> None:
    bare = Engine(engine.model)
    assert np.array_equal(speak(engine, sound, Style()), speak(bare, sound, Style()))
    assert np.array_equal(speak(engine, sound, Style({"joy": 1.0}, 0.0)), speak(bare, sound, Style()))


@pytest.mark.parametrize("cut", [1, 17, 441, 44100])
def test_cuts_do_not_matter(engine: Engine, sound: Array, cut: int) -> None:
    brief = sound[:RATE] if cut == 1 else sound
    style = Style({"joy": 0.5}, auto=Auto())
    key = (Style({"anger": 1.0}, energy=1.4, speaker="lively"), RATE // 2, 0.3)
    whole = speak(engine, brief, style, key)
    assert np.array_equal(speak(engine, brief, style, key, cut=cut), whole)


def test_a_seed_is_another_face_that_says_the_same(engine: Engine, sound: Array) -> None:
    faces = np.stack([speak(engine, sound, JOY, seed=seed) for seed in range(4)])
    assert np.array_equal(speak(engine, sound, JOY, seed=2), faces[2])
    brows = [NATIVE.index(name) for name in ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")]
    assert faces[..., brows].std(0).mean() > 0.2 * faces[..., brows].std(1).mean()
    shut = speak(engine, sound, Style())[:, CLOSE] > 0.05
    assert np.ptp(faces[:, shut, CLOSE] - faces[:, shut, JAW], axis=0).mean() < 0.02
    plain = [speak(engine, sound, Style(), seed=seed) for seed in (0, 3)]
    assert np.array_equal(*plain)


def test_a_batch_equals_its_members(engine: Engine, sound: Array) -> None:
    styles = [Style(), JOY, Style({"fear": 0.4}, asymmetry=-0.5), Style({"sadness": 1.0}, auto=Auto())]
    streams = [engine.open(style, RATE, 100) for style in styles]
    parts: list[list[Frames]] = [[] for _ in styles]
    for at in range(0, len(sound), 320):
        for stream in streams:
            stream.push(AudioChunk(sound[at : at + 320], RATE, at))
        while engine.step():
            pass
        for mine, stream in zip(parts, streams, strict=True):
            frames = stream.pull()
            mine += [] if frames is None else [frames]
    for mine, style, stream in zip(parts, styles, streams, strict=True):
        engine.close(stream)
        together = join(mine).values
        np.testing.assert_allclose(together, speak(engine, sound, style)[: len(together)], atol=1e-5)


def test_keys_come_at_their_sample_and_take_their_time(engine: Engine, sound: Array) -> None:
    plain, joy = speak(engine, sound, Style()), speak(engine, sound, JOY)
    sudden = speak(engine, sound, Style(), (JOY, RATE, 0.0))
    slow = speak(engine, sound, Style(), (JOY, RATE, 1.0))
    assert np.array_equal(sudden[:99], plain[:99])
    assert np.array_equal(slow[:99], plain[:99])
    assert joy[:, SMILE].mean() > plain[:, SMILE].mean() + 0.1
    assert sudden[110:190, SMILE].mean() > slow[110:190, SMILE].mean() + 0.02
    np.testing.assert_allclose(sudden[200:, SMILE].mean(), joy[200:, SMILE].mean(), atol=0.05)


def test_times_are_those_of_any_rate_and_pace(sound: Array) -> None:
    keys = (Key(1.0, JOY, 0.2),)
    for pace in ("file", "live", "fast"):
        shown = voxrig.animate(AudioChunk(sound, RATE), "native", 30, keys=keys, pace=pace, device="cpu")
        plain = voxrig.animate(AudioChunk(sound, RATE), "native", 30, pace=pace, device="cpu")
        apart = np.abs(shown.values - plain.values).max(1)
        assert apart[:28].max() < 1e-6
        assert apart[40:-8].min() > 0.1  # a file ends at rest


def test_a_text_is_said_with_feeling_and_lips_still_close() -> None:
    said = {
        "plain": voxrig.animate(SAMPLE, "native", 100, text=SAID, device="cpu"),
        "joy": voxrig.animate(SAMPLE, "native", 100, JOY, text=SAID, device="cpu"),
    }
    assert said["joy"].values[:, SMILE].mean() > said["plain"].values[:, SMILE].mean() + 0.1
    closed = said["plain"].values[:, CLOSE] > 0.9 * said["plain"].values[:, JAW].clip(0.05)
    gap = (said["joy"].values[:, JAW] - said["joy"].values[:, CLOSE])[closed]
    assert closed.sum() > 3
    assert gap.max() < 0.05


def test_words_go_on_top_of_a_style() -> None:
    base = Style(energy=1.3, speaker="warm", intensity=0.5)
    [first, then] = Direction(get("arkit"), style=base, words="happy, then angry").staged(4.0).keys
    assert replace(first.style, emotion={}, intensity=0.5) == base
    assert set(then.style.emotion) == {"anger"}
    assert (first.at, then.at) == (0.0, 2.0)
    assert Direction(get("arkit"), keys=(Key(1.0, JOY),)).staged(None).keys == (Key(1.0, JOY),)


def test_heard_emotion_counts_as_much_as_it_is_asked_to(engine: Engine, sound: Array) -> None:
    plain = speak(engine, sound, Style())
    assert np.array_equal(speak(engine, sound, Style(auto=Auto(strength=0.0))), plain)
    some, much = (speak(engine, sound, Style(auto=Auto(strength=s, blend=0.0))) for s in (0.5, 1.0))
    apart = [np.abs(shown[:, :52] - plain[:, :52]).sum() for shown in (some, much)]
    assert apart[1] > apart[0]


def test_who_cannot_show_or_hear_says_so(engine: Engine) -> None:
    with pytest.raises(StyleError, match="pack 'live' shows no styles, and no expression goes with it"):
        Engine(engine.model).open(JOY)
    deaf = Engine(engine.model, expression=engine.expression)
    with pytest.raises(StyleError, match="nobody listens; give the engine an ear"):
        deaf.open(Style(auto=Auto()))
    with pytest.raises(StyleError, match="nobody listens; give the engine an ear"):
        deaf.open().set_style(Style(auto=Auto()), 0)
    for wrong in (Style({"bliss": 1.0}), Style(speaker="bob")):
        with pytest.raises(StyleError, match="unknown"):
            engine.open(wrong)


def test_expression_costs_no_latency(engine: Engine) -> None:
    bare = Engine(engine.model)
    for fps in (Fraction(30000, 1001), Fraction(60)):
        assert engine.open(fps=fps).latency == bare.open(fps=fps).latency
