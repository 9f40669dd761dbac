"""Styles: how they are written, what is wrong with wrong ones, and what a model is told of them over time."""

from __future__ import annotations

import numpy as np
import pytest

from voxrig.errors import StyleError
from voxrig.style import EMOTIONS, HEARD, INPUTS, check, check_keys, parse, plain, score, vector
from voxrig.track import Track
from voxrig.types import Auto, Key, Style


def told(style: Style) -> dict[str, float]:
    return {name: float(x) for name, x in zip(INPUTS, vector(style, INPUTS), strict=True) if x}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("happy=1", "unknown emotion 'happy'; have amazement, anger"),
        ("joy=2", "emotion joy is 2; weights are 0 to 1"),
        ("joy=-0.1", "weights are 0 to 1"),
        ("joy=much", "emotion joy is 'much'; write a number from 0 to 1"),
        ("joy=nan", "emotion joy is 'nan'"),
        ("joy=", "emotion joy is "),
        ("joy=inf", "emotion joy is 'inf'"),
        ("auto=2", "unknown emotion 'auto'"),
    ],
)
def test_wrong_emotions_are_told(text: str, sentence: str) -> None:
    with pytest.raises(StyleError, match=sentence):
        parse(text)


def test_emotions_are_read() -> None:
    assert parse(" joy = 0.8, anger,") == Style({"joy": 0.8, "anger": 1.0})
    assert parse("") == parse("neutral") == Style()
    assert parse("joy+fear=0.5", Style(energy=1.5)) == Style({"joy": 1.0, "fear": 0.5}, energy=1.5)
    assert parse("auto+joy=0.3") == Style({"joy": 0.3}, auto=Auto())
    assert parse("auto", Style(auto=Auto(most=1))).auto == Auto(most=1)
    assert parse("joy", Style(auto=Auto(most=1))).auto is None


def test_times_are_read() -> None:
    style, keys = score("joy=0.8; 2.5: anger,fear=0.3; 4~1: neutral;", Style(speaker="warm"))
    assert style == Style({"joy": 0.8}, speaker="warm")
    assert keys == (
        Key(2.5, Style({"anger": 1.0, "fear": 0.3}, speaker="warm"), 0.4),
        Key(4.0, Style(speaker="warm"), 1.0),
    )
    assert score("1: joy") == (Style(), (Key(1.0, Style({"joy": 1.0}), 0.4),))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("joy; anger", "'anger' has no time; write joy=0.8, or"),
        ("joy; soon: anger", "a style's time is 'soon'; write seconds"),
        ("joy; -1: anger", "a style at -1 s follows one at 0 s"),
        ("joy; 3: anger; 2: fear", "a style at 2 s follows one at 3 s"),
        ("joy; 2~x: fear", "a transition is 'x'"),
        ("joy; 2~-1: fear", "a transition is -1 s; it is 0 to 60"),
        ("joy; nan: fear", "a style's time is 'nan'"),
        ("joy; 2: bliss", "unknown emotion 'bliss'"),
    ],
)
def test_wrong_times_are_told(text: str, sentence: str) -> None:
    with pytest.raises(StyleError, match=sentence):
        score(text)


@pytest.mark.parametrize(
    ("style", "sentence"),
    [
        (Style({}, 2), r"intensity is 2; it is 0 to 1\.5"),
        (Style({}, float("nan")), "intensity is nan"),
        (Style(asymmetry=-2), "asymmetry is -2; it is -1 to 1"),
        (Style(energy=2.5), "energy is 2.5; it is 0 to 2"),
        (Style(speaker="bob"), "unknown speaker 'bob'; have lively, reserved, stern, warm"),
        (Style(auto=Auto(contrast=0)), "auto contrast is 0; it is 0.3 to 3"),
        (Style(auto=Auto(most=0)), "auto most is 0; it is 1 to 6"),
    ],
)
def test_wrong_styles_are_told(style: Style, sentence: str) -> None:
    with pytest.raises(StyleError, match=sentence):
        check(style)
    with pytest.raises(StyleError, match=sentence):
        check_keys((Key(1.0, style),))


def test_a_model_is_told_amounts_that_are_zero_for_a_plain_face() -> None:
    assert told(Style()) == told(Style({"joy": 0.0})) == told(Style({"joy": 1.0}, 0.0)) == {}
    assert told(Style({"joy": 0.5}, 1.5)) == {"joy": 0.75}
    assert told(Style(energy=0.5, asymmetry=-1, speaker="stern")) == {
        "energy": -0.5,
        "asymmetry": -1,
        "speaker_stern": 1,
    }
    assert plain(Style({"joy": 1.0}, 0.0))
    assert not plain(Style(auto=Auto()))
    assert not plain(Style(speaker="warm"))


def test_what_is_heard_and_what_is_preferred_share_a_face() -> None:
    heard = told(Style(auto=Auto(strength=0.5)))
    assert heard == {HEARD: 0.5}
    both = told(Style({"joy": 0.5}, auto=Auto(strength=0.5, preferred=0.75)))
    assert both == {"joy": 0.1875, HEARD: 0.125}


def test_inputs_begin_with_the_emotions_in_their_order() -> None:
    assert INPUTS[: len(EMOTIONS)] == EMOTIONS == tuple(sorted(EMOTIONS))


def ways(cuts: list[int]) -> list[float]:
    track = Track(np.zeros(1, np.float32))
    track.key(np.ones(1, np.float32), 4, 4)
    track.key(np.zeros(1, np.float32), 6, 0)  # on the way
    track.key(np.full(1, 2, np.float32), 5, 2)  # for a moment before the last key
    parts, at = [], 0
    for count in cuts:
        parts.append(track.take(at, count))
        at += count
    return list(np.concatenate(parts)[:, 0])


@pytest.mark.parametrize("cuts", [[12], [1] * 12, [5, 0, 7]])
def test_a_track_goes_along_straight_lines_wherever_it_is_cut(cuts: list[int]) -> None:
    assert ways(cuts) == [0, 0, 0, 0, 0, 0.25, 0, 1, 2, 2, 2, 2]
