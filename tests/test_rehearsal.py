"""A rehearsal plays what ``animate`` makes of the same wishes, from what the pack told once."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from sounds import SAMPLE

from voxrig.audio import read
from voxrig.emotion import load_ear
from voxrig.errors import TextError
from voxrig.expression import load_expression
from voxrig.idle import OFF, Life
from voxrig.model import load
from voxrig.performance import Direction, animate
from voxrig.recital import Script
from voxrig.rehearsal import Rehearsal
from voxrig.rigs import get
from voxrig.types import Array, AudioChunk, Auto, Frames, Key, Style, join

TEXT = "Hello! Move your lips with me: five fine vowels, a bold blue moon."
ANGER = (Key(1.003, Style({"anger": 1.0})), Key(2.2, Style({"sadness": 0.5}, auto=Auto()), 0.7))


@cache
def sound() -> AudioChunk:
    """Four seconds of the sample, at a rate at which keys fall between model frames."""
    whole = read(SAMPLE)
    return AudioChunk(whole.samples[: 4 * whole.rate + 7], 22050)


@cache
def rehearsal(pace: str, text: str | None = None) -> Rehearsal:
    script = None if text is None else Script(text)
    return Rehearsal(load(pace, "cpu"), sound(), "best" if pace == "file" else "live", script)


def played(direction: Direction, text: str | None = None) -> Array:
    chosen = rehearsal(direction.pace, text)
    staging = direction.staged(len(sound().samples) / sound().rate)
    fitting, parts = direction.fitting(), list[Frames]()
    pieces = list(chosen.play(direction, load_expression("cpu"), load_ear("cpu"), staging))
    for piece in pieces:
        parts.append(fitting(piece, last=piece is pieces[-1]))
    return join(parts).values


@pytest.mark.parametrize(
    ("rig", "fps", "wishes", "text"),
    [
        ("arkit", Fraction(60), {}, None),
        ("metahuman", Fraction(30000, 1001), {"style": Style({"joy": 0.8}, auto=Auto())}, None),
        ("native", Fraction(24), {"keys": ANGER, "style": Style(energy=1.5, speaker="warm")}, None),
        ("livelink", Fraction(60), {"direct": "sceptical, then amused; looks down at the end"}, None),
        ("arkit", Fraction(60), {"idle": Life(head=0.5), "seed": 7, "style": Style({"fear": 1.0})}, None),
        ("arkit", Fraction(60), {"pace": "live", "keys": ANGER, "idle": Life()}, None),
        ("arkit", Fraction(25), {"pace": "fast", "style": Style({"grief": 1.0}, asymmetry=-0.5)}, None),
        ("arkit", Fraction(60), {}, TEXT),
        ("vrm1", Fraction(48), {"keys": ANGER, "idle": Life(), "seed": 2}, TEXT),
    ],
)
def test_a_rehearsal_plays_what_animate_makes(
    rig: str, fps: Fraction, wishes: dict[str, Any], text: str | None
) -> None:
    expected = animate(sound(), rig, fps, text=text, device="cpu", **wishes)
    direction = Direction(
        get(rig),
        fps,
        wishes.get("style", Style()),
        pace=wishes.get("pace", "file"),
        keys=wishes.get("keys", ()),
        words=wishes.get("direct", ""),
        idle=wishes.get("idle", OFF),
        seed=wishes.get("seed", 0),
    )
    got = played(direction, text)
    assert got.shape == expected.values.shape
    assert np.abs(got - expected.values).max() <= 1e-5


def test_pieces_come_early_and_follow_one_another() -> None:
    direction = Direction(get("native"), style=Style({"joy": 1.0}), smooth=0.4)
    at = 0
    for piece in rehearsal("file").play(direction, load_expression("cpu"), None):
        assert piece.start == at
        assert 0 < len(piece) <= 240
        at += len(piece)
    assert at == -(-len(sound().samples) * 60 // sound().rate)


def test_the_widest_smoothing_has_all_its_frames() -> None:
    [*_, last] = rehearsal("file").play(Direction(get("native"), smooth=1.0), None, None)
    assert last.start + len(last) == -(-len(sound().samples) * 60 // sound().rate)


def test_one_sample_is_a_frame() -> None:
    short = Rehearsal(load("file", "cpu"), AudioChunk(np.zeros(1, np.float32), 48000))
    [frame] = short.play(Direction(get("native")), None, None)
    assert len(frame) == 1


def test_a_script_is_not_played_live() -> None:
    with pytest.raises(TextError, match="leave it or live out"):
        next(rehearsal("file", TEXT).play(Direction(get("native"), pace="live"), None, None))
