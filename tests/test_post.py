"""Stages: cutting frames never matters, delay is a number, ranges hold."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from voxrig.errors import RigError
from voxrig.post import Adjust, Chain, Clamp, Rest, Retarget
from voxrig.rigs import NATIVE, get, map_to
from voxrig.smooth import Smooth
from voxrig.types import Frames, Stage, join

FPS = Fraction(60)
STAGES: dict[str, Callable[[], Stage]] = {
    "adjust": lambda: Adjust(NATIVE, {"all": 1.1, "jawOpen": 0.5}, {"mouthPucker": 0.1}),
    "clamp": Clamp,
    "smooth": lambda: Smooth(0.1, FPS),
    "no smoothing": lambda: Smooth(0.0, FPS),
    "rest": lambda: Rest(0.1, FPS),
    "chain": lambda: Chain([Smooth(0.05, FPS), Retarget(map_to(NATIVE, get("vrchat"))), Rest(0.2, FPS)]),
}


def take(frames: int = 90, seed: int = 0) -> Frames:
    values = np.random.default_rng(seed).random((frames, len(NATIVE)), np.float32)
    return Frames(NATIVE, values, FPS)


def cut(frames: Frames, *sizes: int) -> list[Frames]:
    parts, at = [], 0
    for size in (*sizes, len(frames) - sum(sizes)):
        parts.append(Frames(frames.rig, frames.values[at : at + size], FPS, at))
        at += size
    return parts


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("sizes", [(), (1,), (0, 17, 3), (1,) * 89, (45, 44)])
def test_cuts_do_not_matter(name: str, sizes: tuple[int, ...]) -> None:
    frames, whole, stage = take(), STAGES[name](), STAGES[name]()
    parts = cut(frames, *sizes)
    out = join([stage(p, last=p is parts[-1]) for p in parts])
    assert out.start == 0
    assert len(out) == len(frames)
    assert np.array_equal(out.values, whole(frames, last=True).values)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_holds_back_what_it_declares(name: str) -> None:
    stage, frames = STAGES[name](), take(60)
    got = stage(frames)
    assert len(got) == 60 - stage.delay


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("frames", [0, 1, 2])
def test_short_takes_come_through_whole(name: str, frames: int) -> None:
    assert len(STAGES[name]()(take(frames), last=True)) == frames


def test_smoothing_keeps_time_and_a_steady_face() -> None:
    steady = Frames(NATIVE, np.full((50, 110), 0.4, np.float32), FPS)
    np.testing.assert_allclose(Smooth(0.2, FPS)(steady, last=True).values, 0.4, atol=1e-6)
    click = Frames(NATIVE, np.zeros((51, 110), np.float32), FPS)
    click.values[25] = 1
    smooth = Smooth(0.2, FPS)(click, last=True).values[:, 0]
    assert smooth.argmax() == 25
    np.testing.assert_allclose(smooth, smooth[::-1], atol=1e-7)


def test_rest_ends_at_the_rigs_rest() -> None:
    rig = get("vrchat")
    frames = map_to(NATIVE, rig)(take())
    out = Rest(0.2, FPS)(frames, last=True)
    np.testing.assert_allclose(out.values[-1], rig.rest, atol=1e-6)
    assert np.array_equal(out.values[:-12], frames.values[:-12])


def test_adjust_names_the_curves_it_knows() -> None:
    with pytest.raises(RigError, match="unknown native curve 'jawopen'; write jawOpen"):
        Adjust(NATIVE, {"jawopen": 1.0}, {})
