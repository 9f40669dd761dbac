"""Faces that speak at once: what reels hold, and how playback keeps them in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sounds import SAMPLE, TINY, babble

import voxrig
from voxrig.audio import RawFormat, open_audio
from voxrig.cast import SOUND_RATE, Beat, Cast, Part, Reel, Take, sound_before
from voxrig.errors import VoxrigError
from voxrig.performance import Direction
from voxrig.recital import Script
from voxrig.rigs import NATIVE, get
from voxrig.types import Array, AudioChunk, Rig, Style
from voxrig_bridge.playback import Face, Playback


def direction(fps: Fraction | int = 60, **more: object) -> Direction:
    return Direction(NATIVE, Fraction(fps), **more)  # type: ignore[arg-type]


def played(part: Part, pack: str | None = None) -> tuple[list[Beat], list[VoxrigError]]:
    """All of a part."""
    with Cast([part], part.direction.engine(pack, "cpu")) as cast:
        beats: list[Beat] = []
        while not cast.reels[0].over:
            beat = cast.reels[0].next()
            if beat is None:
                time.sleep(0.002)
            else:
                beats.append(beat)
        return beats, cast.errors


def test_a_reel_is_what_animate_makes() -> None:
    take = Take(partial(open_audio, SAMPLE))
    style = Style({"joy": 0.5})
    part = Part([take, take], direction(style=style, gain={"all": 1.2}), [get("arkit"), get("vrm0")])
    beats, errors = played(part)
    assert not errors
    assert [beat.index for beat in beats] == list(range(len(beats)))
    for i, rig in enumerate(("arkit", "vrm0")):
        once = voxrig.animate(SAMPLE, rig, 60, style, device="cpu").values
        own = np.clip(once * np.float32(1.2), get(rig).low, get(rig).high)
        shown = np.array([beat.values[i] for beat in beats]).reshape(2, *own.shape)
        # A reel comes to rest before it is mapped, a file after: the same where a map is a straight line.
        np.testing.assert_allclose(shown[:, :-6], np.stack([own, own])[:, :-6], atol=1e-6)
        np.testing.assert_allclose(shown[:, -1], np.stack([own, own])[:, -1], atol=1e-6)


def test_a_face_lives_on_from_take_to_take() -> None:
    take = Take(partial(open_audio, SAMPLE))
    beats, errors = played(Part([take, take], direction(idle=voxrig.Life(), seed=3), [get("livelink")]))
    assert not errors
    values = np.array([beat.values[0] for beat in beats])
    once = voxrig.animate(SAMPLE, "livelink", 60, idle=voxrig.Life(), seed=3, device="cpu").values
    rig, half = get("livelink"), len(values) // 2
    lids = [rig.index(name) for name in ("EyeBlinkLeft", "EyeBlinkRight")]
    np.testing.assert_allclose(values[: half - 60, lids], once[:-60, lids], atol=1e-5)
    assert np.abs(values[half:, lids] - values[:half, lids]).max() > 0.5  # not the same again
    head = values[:, [rig.index("HeadYaw"), rig.index("HeadPitch"), rig.index("HeadRoll")]]
    assert np.abs(np.diff(head, axis=0)).max() < 0.02


def test_a_text_is_fitted() -> None:
    text = "Hello! Move your lips with me: five fine vowels, a bold blue moon, and maybe a whole chorus."
    part = Part([Take(partial(open_audio, SAMPLE), lambda: Script(text, "en"))], direction(), [get("arkit")])
    beats, errors = played(part)
    assert not errors
    expected = voxrig.animate(SAMPLE, "arkit", text=text, device="cpu").values
    np.testing.assert_allclose([beat.values[0] for beat in beats], expected, atol=1e-6)


@pytest.mark.parametrize("fps", [Fraction(60), Fraction(30000, 1001), Fraction(24)])
def test_sound_and_frames_stay_together(tmp_path: Path, fps: Fraction) -> None:
    sound = babble(1.7, 48000)
    soundfile.write(tmp_path / "a.wav", sound.samples, 48000, "FLOAT")
    take = Take(partial(open_audio, tmp_path / "a.wav"))
    part = Part([take, take], direction(fps), [get("arkit")], sound=True)
    beats, _ = played(part, str(TINY))
    starts = [beat.sound.start for beat in beats]
    assert starts == [sound_before(i, fps) for i in range(len(beats))]
    heard = np.concatenate([beat.sound.samples for beat in beats])
    second = sound_before(len(beats) // 2, fps)
    assert len(heard) == sound_before(len(beats), fps)
    for first in (0, second):
        np.testing.assert_array_equal(heard[first : first + len(sound.samples)], sound.samples)


def test_a_part_that_fails_leaves_the_others_alone() -> None:
    good = Part([Take(partial(open_audio, SAMPLE))], direction(), [get("arkit")])
    bad = Part([Take(partial(open_audio, "nothing.wav"))], direction(), [get("arkit")])
    with Cast([bad, good], good.direction.engine(str(TINY), "cpu")) as cast:
        cast.wait()
        assert cast.reels[0].over
        assert [str(error).partition(":")[0] for error in cast.errors] == ["cannot read nothing.wav"]
        assert cast.reels[1].ahead >= 60


def test_memory_is_bounded_for_endless_parts() -> None:
    def endless() -> Iterator[Take]:
        while True:
            yield Take(partial(open_audio, SAMPLE))

    part = Part(endless(), direction(), [get("arkit")])
    with Cast([part], part.direction.engine(str(TINY), "cpu"), ahead=2) as cast:
        cast.wait()
        reel = cast.reels[0]
        for _ in range(3000):
            while reel.next() is None:
                time.sleep(0.001)
            assert reel.ahead <= 60 * (2 + 1.5)  # and what one more piece of sound gives


def test_live_frames_are_those_of_a_live_stream(tmp_path: Path) -> None:
    sound = (babble(2.0).samples * 32767).astype("<i2")
    (tmp_path / "s.pcm").write_bytes(sound.tobytes())
    open_raw = partial(open_audio, tmp_path / "s.pcm", raw=RawFormat("s16", 16000))
    beats, _ = played(Part([Take(open_raw)], direction(pace="live"), [get("arkit")]), str(TINY))
    chunk = AudioChunk(sound.astype(np.float32) / 32768, 16000)
    expected = voxrig.animate(chunk, "arkit", pace="live", pack=str(TINY), device="cpu")
    np.testing.assert_array_equal([beat.values[0] for beat in beats], expected.values)


# ── in time ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Hours:
    """A clock that costs no time: sleeping moves it, a little too far each time."""

    rate: float = 1.0
    """Of this clock against true time."""
    true: float = 0.0

    def now(self) -> float:
        return self.true * self.rate

    def sleep(self, seconds: float) -> None:
        self.true += seconds / self.rate + 0.0001


@dataclass
class Screen:
    """An outlet that writes down when it was shown what."""

    clock: Hours
    rig: Rig = field(default_factory=lambda: get("arkit"))
    wants_sound: bool = False
    name: str = "screen"
    sent: int = 0
    dropped: int = 0
    seen: list[tuple[float, int, float]] = field(default_factory=list)
    """(when, index, time of day)"""
    marks: list[str] = field(default_factory=list)
    cost: float = 0.0
    """Seconds that showing takes."""

    def begin(self) -> None:
        self.marks.append("begin")

    def show(self, index: int, values: Array, sound: AudioChunk, seconds: float) -> None:
        self.seen.append((self.clock.now(), index, seconds))
        self.clock.true += self.cost
        self.sent += 1

    def end(self) -> None:
        self.marks.append("end")


def whole(count: int, fps: Fraction = Fraction(60)) -> Reel:
    reel = Reel([get("arkit")], fps)
    reel.put([np.zeros((count, 52), np.float32)], np.zeros(0, np.float32))
    reel.end()
    return reel


@pytest.mark.parametrize("fps", [Fraction(60), Fraction(30000, 1001)])
def test_ten_minutes_without_drift(fps: Fraction) -> None:
    clock = Hours(rate=1.0002)  # a sound card 200 millionths fast
    screen = Screen(clock)
    count = int(600 * fps)
    counts = Playback([Face(whole(count, fps), [screen])], fps, clock, 3600.0).run(1.0)
    assert (counts.frames, counts.late, counts.skipped) == (count, 0, 0)
    assert screen.marks == ["begin", "end"]
    when, index, day = np.array(screen.seen).T
    late = when - 1.0 - index / float(fps)
    assert late.min() >= 0
    assert late.max() < 0.001  # far below a frame, at the end as at the start
    np.testing.assert_allclose(day, 3600 + index / float(fps), atol=1e-6)


def test_what_is_late_is_left_out_and_counted() -> None:
    clock = Hours()
    screen = Screen(clock, cost=0.02)  # slower than 60 frames a second
    counts = Playback([Face(whole(600), [screen])], Fraction(60), clock, 0.0).run(0.0)
    assert counts.frames + counts.skipped == 600
    assert counts.skipped == screen.dropped > 50
    when, index, _ = np.array(screen.seen).T
    assert (when - index / 60).max() < 2 / 60 + 0.02  # never far behind


def test_outlets_end_when_playback_is_stopped() -> None:
    clock = Hours()
    screen = Screen(clock)
    playback = Playback([Face(whole(600), [screen])], Fraction(60), clock, 0.0)
    playback.run(0.0, lambda: clock.now() > 2)
    assert 110 < screen.sent < 130
    assert screen.marks == ["begin", "end"]


def test_a_face_that_was_not_ready_catches_up() -> None:
    clock = Hours()
    early, late = Screen(clock), Screen(clock)
    slow = Reel([get("arkit")], Fraction(60))
    faces = [Face(whole(120), [early]), Face(slow, [late])]

    def shown(index: int) -> None:
        if index == 30:
            slow.put([np.zeros((120, 52), np.float32)], np.zeros(0, np.float32))
            slow.end()

    Playback(faces, Fraction(60), clock, 0.0, shown).run(0.0)
    assert early.sent == 120
    assert late.dropped == 31
    assert [index for _, index, _ in late.seen] == list(range(31, 120))


def test_live_frames_go_evenly_and_follow_the_sound_clock() -> None:
    clock = Hours()
    screen = Screen(clock)
    reel = Reel([get("arkit")], Fraction(60))
    rng = np.random.default_rng(0)
    drift = 1.001  # the microphone's second is shorter than ours
    made = 0

    class Live:
        """A reel that fills as time passes, 20 ms at a time, now and then late."""

        rigs, over = reel.rigs, False
        due = heard = 0.0

        def next(self) -> Beat | None:
            nonlocal made
            while clock.true >= self.due:
                self.due = max(self.due, clock.true - 0.02) + 0.02 / drift + rng.uniform(-0.002, 0.002)
                self.heard += 0.02
                count = int(self.heard * 60) - made
                reel.put([np.zeros((count, 52), np.float32)], np.zeros(0, np.float32))
                made += count
            return reel.next()

    Playback([Face(Live(), [screen])], Fraction(60), clock, 0.0).follow(lambda: clock.true > 120)
    when, index, _ = np.array(screen.seen).T
    gaps = np.diff(when)
    assert (np.diff(index) == 1).all()
    assert np.percentile(np.abs(gaps - 1 / 60), 99) < 0.006
    assert len(when) == pytest.approx(120 * 60 * drift, abs=30)  # nothing piles up


def test_sound_rate_suits_usual_frame_rates() -> None:
    assert all(SOUND_RATE % fps == 0 for fps in (24, 25, 30, 48, 50, 60, 100, 120))
