"""Text direction: words become styles in order, times are kept, what is not understood is told."""

from __future__ import annotations

import doctest
import importlib
import time
from collections import Counter
from contextlib import closing
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import SAMPLE

from voxrig import animate
from voxrig.audio import open_audio
from voxrig.cast import Part, Take, play
from voxrig.cli.main import main
from voxrig.errors import StyleError
from voxrig.idle import Life
from voxrig.performance import Direction
from voxrig.rigs import NATIVE
from voxrig.rigs.native import EYE_YAW
from voxrig.staging import Key, Staging, direct, known
from voxrig.staging.phrases import steering
from voxrig.staging.tokens import feeling, tokens
from voxrig.staging.vocabulary import entries, strongest
from voxrig.style import EMOTIONS, check
from voxrig.types import AudioChunk, Frames, Style

EXAMPLE = "sceptical, then amused; looks down at the end"


def lead(key: Key) -> str:
    """The strongest emotion of a key."""
    return strongest(key.style.emotion)


def leads(text: str, duration: float | None = 10.0) -> list[str]:
    return [lead(key) for key in direct(text, duration).keys]


def times(text: str, duration: float | None = 10.0) -> list[float]:
    return [round(key.at, 3) for key in direct(text, duration).keys]


def amount(text: str, emotion: str) -> float:
    """How much of an emotion the last key of a text puts on the face."""
    style = direct(text, 10.0).keys[-1].style
    return style.emotion.get(emotion, 0.0) * style.intensity


def amounts(style: Style) -> dict[str, float]:
    return {name: weight * style.intensity for name, weight in style.emotion.items()}


def test_the_example_gives_three_things_in_order() -> None:
    staging = direct(EXAMPLE, 6.0)
    assert [(key.at, lead(key)) for key in staging.keys] == [(0.0, "cheekiness"), (3.0, "joy")]
    (look,) = staging.looks
    assert (look.at, look.until) == (4.5, 6.0)
    assert look.pitch > 0
    assert look.yaw == 0
    assert staging.unknown == ()


def test_the_example_in_the_docstring_holds() -> None:
    failed, tried = doctest.testmod(importlib.import_module("voxrig.staging.staging"))
    assert (failed, tried) == (0, 3)


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("angrily", "anger"),
        ("with anger", "anger"),
        ("furious", "anger"),
        ("she is seething", "anger"),
        ("he seethes", "anger"),
        ("irritably", "anger"),
        ("in a resentful tone", "anger"),
        ("bitterness", "anger"),
        ("fed up", "anger"),
        ("happily", "joy"),
        ("says it warmly", "joy"),
        ("laughs", "joy"),
        ("smiled", "joy"),
        ("proudly", "joy"),
        ("over the moon", "joy"),
        ("gently", "joy"),
        ("bittersweet", "joy"),
        ("excitedly", "joy"),
        ("sadly", "sadness"),
        ("bored", "sadness"),
        ("feeling down", "sadness"),
        ("disappointment", "sadness"),
        ("guiltily", "sadness"),
        ("wistfully", "sadness"),
        ("bursts into tears", "grief"),
        ("sobs", "grief"),
        ("trying not to cry", "grief"),
        ("on the verge of tears", "grief"),
        ("grief-stricken", "grief"),
        ("nervously", "fear"),
        ("scared to death", "fear"),
        ("with mounting dread", "fear"),
        ("full of trepidation", "fear"),
        ("wide-eyed", "amazement"),
        ("taken aback", "amazement"),
        ("in disbelief", "amazement"),
        ("puzzled", "amazement"),
        ("with contempt", "disgust"),
        ("coldly", "disgust"),
        ("grossed out", "disgust"),
        ("sarcastically", "cheekiness"),
        ("tongue in cheek", "cheekiness"),
        ("smugly", "cheekiness"),
        ("out of breath", "outofbreath"),
        ("exhausted", "outofbreath"),
        ("in agony", "pain"),
        ("winces", "pain"),
        ("through gritted teeth", "pain"),
        ("calm", "neutral"),
        ("deadpan", "neutral"),
        ("flatly", "neutral"),
        ("with no emotion", "neutral"),
    ],
)
def test_readings(text: str, emotion: str) -> None:
    assert leads(text) == [emotion]


@pytest.mark.parametrize(
    ("british", "american"),
    [
        ("sceptical", "skeptical"),
        ("with scepticism", "with skepticism"),
        ("agonised", "agonized"),
        ("patronisingly", "patronizingly"),
        ("good-humoured", "good-humored"),
        ("full of rancour", "full of rancor"),
        ("marvelling", "marveling"),
        ("focussed", "focused"),
        ("sombre", "somber"),
        ("judgemental", "judgmental"),
        ("sad, coloured by anger", "sad, colored by anger"),
    ],
)
def test_both_spellings_are_one(british: str, american: str) -> None:
    assert direct(british, 4.0) == direct(american, 4.0)
    assert direct(british, 4.0).keys[0].style.emotion


# -- how much


@pytest.mark.parametrize("word", ["angry", "furious", "annoyed", "contemptuous", "awestruck", "content"])
def test_intensifiers_are_in_strict_order(word: str) -> None:
    emotion = strongest(entries()[word])
    levels = ("barely", "slightly", "somewhat", "rather", "", "very", "deeply", "extremely", "overwhelmingly")
    found = [amount(f"{level} {word}", emotion) for level in levels]
    assert found == sorted(set(found))


def test_intensity_words_work_from_behind_and_stack() -> None:
    assert amount("angry a little", "anger") == amount("a little angry", "anger")
    assert amount("very angry", "anger") < amount("very very angry", "anger")
    assert amount("extremely extremely extremely furious", "anger") == 1.5


@pytest.mark.parametrize(
    "text",
    [
        "not angry",
        "without anger",
        "no anger",
        "isn't angry",
        "never angry",
        "not at all angry",
        "stops being angry",
    ],
)
def test_negation_leaves_the_neutral_face(text: str) -> None:
    assert leads(text) == ["neutral"]


def test_negation_takes_away_what_was_there() -> None:
    assert set(direct("furious and sad, no longer angry", 4.0).keys[1].style.emotion) == {"sadness"}
    assert leads("not angry but sad") == ["sadness"]
    assert 0 < amount("not very angry", "anger") < amount("angry", "anger")


def test_more_and_less_are_relative_to_the_key_before() -> None:
    plain = amount("angry", "anger")
    for text in ("angry, then more angry", "angry, then angrier", "angry, then more", "angry; less calm"):
        assert amount(text, "anger") > plain, text
    for text in ("angry, then less angry", "angry, then less", "angry; calmer"):
        assert 0 < amount(text, "anger") < plain, text
    assert leads("sad, then angrier") == ["sadness", "anger"]
    assert amount("sadder", "sadness") == amount("sad", "sadness")  # nothing to compare with


def test_mixes() -> None:
    both = amounts(direct("sad and happy", 4.0).keys[0].style)
    assert both["sadness"] == both["joy"]
    assert 0 < both["joy"] < amount("happy", "joy")
    assert lead(direct("sad but happy", 4.0).keys[0]) == "joy"
    assert lead(direct("sad though happy", 4.0).keys[0]) == "sadness"
    assert direct("tired, but happy", 4.0).keys == direct("tired but happy", 4.0).keys
    tinged = amounts(direct("angry, tinged with fear", 4.0).keys[0].style)
    assert tinged["anger"] == amount("angry", "anger")
    assert 0 < tinged["fear"] < amount("afraid", "fear") / 2
    assert set(amounts(direct("bittersweet", 4.0).keys[0].style)) == {"joy", "sadness"}
    assert amount("angry and furious", "anger") < amount("furious", "anger")
    assert amount("angry and furious", "anger") > amount("angry", "anger")


# -- when


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("happy, sad, angry, calm", [0, 2.5, 5, 7.5]),
        ("happy then sad", [0, 5]),
        ("happy; sad. Angry\nafraid", [0, 2.5, 5, 7.5]),
        ("happy, and then, after that, sad", [0, 5]),
        ("at first angry, finally sad", [0, 5]),
        ("angry at the start and sad at the end", [0, 8.5]),
        ("at first angry and at the end sad", [0, 8.5]),
        ("happy, halfway sad", [0, 5]),
        ("happy at 2 s, sad at 4.5 seconds", [2, 4.5]),
        ("after 1.5 seconds sad", [1.5]),
        ("happy, at 25% sad, angry", [0, 2.5, 6.25]),
        ("happy, sad, at 8 s angry", [0, 4, 8]),
        ("at 0:04 happy", [4]),
        ("at two seconds happy, two and a half seconds later sad", [2, 4.5]),
        ("at .5s sad", [0.5]),
        ("at 900 ms sad", [0.9]),
        ("at 99 s sad", [10]),
        ("sad at 4 s, happy at 2 s", [2, 4]),
        ("happy for 2 seconds, then sad", [0, 2]),
        ("happy until 3 s, then sad", [0, 3]),
        ("from 2 s to 4 s angry", [2, 4]),
        ("happy, angry for a moment", [0, 5, 5.8]),
        ("amused -> annoyed → furious", [0, 3.333, 6.667]),
    ],
)
def test_times(text: str, starts: list[float]) -> None:
    assert times(text) == starts
    assert direct(text, 10.0).unknown == ()


def test_a_moment_goes_back() -> None:
    assert leads("happy, angry for a moment") == ["joy", "anger", "joy"]
    assert leads("briefly angry") == ["anger", "neutral"]


def test_without_a_duration_a_phase_lasts_two_seconds() -> None:
    assert times("happy, sad, angry", None) == [0, 2, 4]
    assert times("happy, at 30 s sad", None) == [0, 30]
    assert direct(EXAMPLE, None).looks[0].at == 3.0


def test_words_say_how_fast() -> None:
    paces = [
        direct(f"happy, {word} sad", 20.0).keys[1].transition
        for word in ("suddenly", "quickly", "then", "slowly", "gradually", "over 4 s", "increasingly")
    ]
    assert paces == sorted(set(paces))
    assert paces[-1] == 10.0
    assert direct("happy, suddenly, sad", 20.0).keys[1].transition == paces[0]
    assert direct("happy suddenly sad", 20.0).keys[1].transition == paces[0]


def test_ramps() -> None:
    away, there = direct("from sad to happy", 10.0).keys
    assert (lead(away), lead(there)) == ("sadness", "joy")
    assert there.at + there.transition == 10.0
    assert there.transition > 5
    (grown,) = direct("with growing anger", 10.0).keys
    assert (grown.at, grown.transition) == (0.0, 10.0)
    felt, gone = direct("anger, fading", 10.0).keys
    assert (lead(felt), lead(gone)) == ("anger", "neutral")
    assert gone.at + gone.transition == 10.0
    assert leads("cheerful, but slowly grows suspicious") == ["joy", "cheekiness"]
    assert set(direct("happy, with growing fear", 10.0).keys[1].style.emotion) == {"joy", "fear"}
    assert leads("calm, growing more and more furious") == ["neutral", "anger"]


def test_throughout_is_in_every_key() -> None:
    for text in ("tense throughout, happy then sad", "happy then sad, throughout tense"):
        keys = direct(text, 10.0).keys
        assert [lead(key) for key in keys] == ["joy", "sadness"]
        assert all("fear" in key.style.emotion for key in keys)
    assert leads("tense throughout") == ["fear"]


# -- where


@pytest.mark.parametrize(
    ("text", "yaw", "pitch"),
    [
        ("looks down", 0, 1),
        ("looks up", 0, -1),
        ("eyes down", 0, 1),
        ("staring at the floor", 0, 1),
        ("gazes up at the ceiling", 0, -1),
        ("looks left", -1, 0),
        ("glances to the right", 1, 0),
        ("looks camera left", 1, 0),
        ("looks to camera right", -1, 0),
        ("looks down and to the left", -1, 1),
        ("lowers her eyes", 0, 1),
        ("rolls his eyes", 0, -1),
        ("looks at the camera", 0, 0),
        ("makes eye contact", 0, 0),
        ("looks straight ahead", 0, 0),
    ],
)
def test_looks_turn_as_the_native_rig_does(text: str, yaw: int, pitch: int) -> None:
    staging = direct(text, 4.0)
    (look,) = staging.looks
    assert staging.keys == staging.unknown == ()
    for angle, sign in ((look.yaw, yaw), (look.pitch, pitch)):
        assert (angle > 0) - (angle < 0) == sign
        assert abs(angle) < 1


def test_looks_away_and_aside_leave_the_camera() -> None:
    assert all(direct(f"looks {way}", 4.0).looks[0].yaw for way in ("away", "aside"))


def test_looks_last() -> None:
    (glance,) = direct("glances left", 4.0).looks
    (gaze,) = direct("gazes left", 4.0).looks
    (held,) = direct("looks left for 2 seconds", 4.0).looks
    assert (glance.until, gaze.until, held.until) == (0.6, 4.0, 2.0)
    left, right, ahead = direct("glances left, then right, then looks at the camera", 6.0).looks
    assert (left.at, right.at, ahead.at) == (0, 2, 4)
    assert left.yaw == -right.yaw
    assert direct("looks slightly left", 4.0).looks[0].yaw == gaze.yaw / 2


def test_a_look_has_the_phase_before_it_or_its_own_time() -> None:
    assert direct("happy, then sad, looks down", 4.0).looks[0].at == 2.0
    assert direct("looks down, sad, then happy", 4.0).looks[0].until == 2.0
    assert direct("happy, then looks down, then sad", 6.0).looks[0].at == 2.0
    assert direct("looks down sadly", 4.0) == direct("sadly looks down", 4.0)
    first, second = direct("happy, looks down at 1 s and up at 3 s", 4.0).looks
    assert (first.at, first.until, second.at, second.until) == (1, 3, 3, 4)


def test_a_verb_of_looking_before_a_feeling_says_seems() -> None:
    assert direct("looks angry", 4.0) == direct("angry", 4.0)
    assert direct("feeling down", 4.0).looks == ()


# -- what is not understood


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("angyr, sad", "'angyr' is not known (nearest is 'angry')"),
        ("sad, scepticall", "'scepticall' is not known (nearest is 'sceptical')"),
        ("sad xylophone", "'xylophone' is not known"),
        ("sad, closes his eyes", "'closes eyes' is neither a feeling nor a look"),
        ("sad at 3", "'3' has no unit, as in 3 s or 3%"),
        ("sad, looks", "'looks' needs a direction: looks down"),
        ("left, sad", "'left' needs a verb: looks left"),
    ],
)
def test_unknown_words_are_told_once(text: str, sentence: str) -> None:
    assert direct(f"{text}; {text}", 4.0).unknown == (sentence,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty.*for example 'angry'"),
        (" \n", "is empty"),
        ("the quick brown fox", "names no feeling or look.*'brown' is not known.*'angry'"),
        ("then, slowly", "names no feeling or look"),
        ("angyr", "nearest is 'angry'"),
        ("sad " * 501, "2004 characters; it may have 2000"),
    ],
)
def test_a_text_without_direction_raises(text: str, words: str) -> None:
    with pytest.raises(StyleError, match=words):
        direct(text, 4.0)


@pytest.mark.parametrize("duration", [-1.0, float("nan"), float("inf")])
def test_a_duration_is_a_number_of_seconds(duration: float) -> None:
    with pytest.raises(ValueError, match="duration is"):
        direct("sad", duration)


# -- the vocabulary


def test_there_are_hundreds_of_words_for_all_ten_emotions() -> None:
    words = known()
    assert set(words) == {"neutral", *EMOTIONS}
    assert all(len(words[name]) >= 25 for name in words)
    assert sum(map(len, words.values())) == len(entries()) >= 350


def test_every_entry_means_what_its_table_says() -> None:
    for emotion, words in known().items():
        for word in words:
            (key,) = direct(
                word if feeling(word) is not None and word != "down" else f"feeling {word}", 4.0
            ).keys
            check(key.style)
            assert lead(key) == emotion, word
            ranked = sorted(key.style.emotion.values())
            assert len(ranked) < 2 or ranked[-1] > ranked[-2], word


def test_words_that_steer_are_read_whole_and_collide_with_none() -> None:
    for phrase, token in steering().items():
        assert tokens(phrase) == [token], phrase
    assert set(steering()) & set(entries()) == {"down"}  # a direction, or a mood


# -- any text


def law(staging: Staging, duration: float) -> None:
    starts = [key.at for key in staging.keys]
    assert starts == sorted(set(starts))
    for key in staging.keys:
        check(key.style)
        assert 0 <= key.at <= duration
        assert 0 <= key.transition <= duration - key.at
    for look in staging.looks:
        assert 0 <= look.at <= look.until <= duration
    assert len(set(staging.unknown)) == len(staging.unknown)


WORDS = [
    *entries(),
    *steering(),
    *",;.\n%()-&",
    "2",
    "1.5",
    "s",
    "seconds",
    "50%",
    "0:03",
    "angrier",
    "zzz",
    "…",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=40), st.floats(0, 1e5))
def test_word_salads_keep_the_laws(words: list[str], duration: float) -> None:
    text = " ".join(words)[:2000]
    try:
        staging = direct(text, duration)
    except StyleError:
        return
    law(staging, duration)
    assert direct(text, duration) == staging
    assert all(0 <= key.at < 1e8 for key in direct(text).keys)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_characters_do_no_harm(text: str) -> None:
    try:
        staging = direct(f"sad {text}", 5.0)
    except StyleError:
        return
    law(staging, 5.0)


def test_a_long_text_of_nonsense_is_read_in_little_time() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    text = " ".join(f"qz{a}{b}" for a in letters for b in letters)[:1990] + " sad"
    since = time.perf_counter()
    staging = direct(text, 5.0)
    assert time.perf_counter() - since < 10
    assert Counter(staging.unknown).most_common(1)[0][1] == 1


def spoken(words: str, rig: str = "arkit", **more: Any) -> Frames:
    sound = np.sin(np.arange(96_000) / 20).astype(np.float32) * 0.2
    return animate(AudioChunk(sound, 16_000), rig, 30, direct=words, **more)  # 6 s


def test_a_face_does_as_it_is_told() -> None:
    frames = spoken("furious, then delighted; looks down at the end")
    brow, smile, down = (frames.curve(name) for name in ("browDownLeft", "mouthSmileLeft", "eyeLookDownLeft"))
    assert brow[30] > 0.7 > 0.2 > brow[120]
    assert smile[120] > 0.4 > 0.1 > smile[30]
    assert down[160] > 0.5 > 0.1 > np.abs(down[:130]).max()
    plain = animate(AudioChunk(np.zeros(16_000, np.float32), 16_000), "arkit", 30)
    assert plain.curve("browDownLeft").max() == 0


def test_intensity_goes_on_top_and_looks_win_over_idle() -> None:
    strong, weak = (spoken("angry", style=Style({}, by)).curve("browDownLeft").mean() for by in (1.0, 0.5))
    assert 0.3 * strong < weak < 0.7 * strong
    alive = spoken("calm; looks to the right at the end", "native", idle=Life(), seed=2)
    aside = alive.curve("eyeLookOutRight") - alive.curve("eyeLookInRight")
    told = aside * EYE_YAW + alive.curve("headYaw")
    look = direct("calm; looks to the right at the end", 6.0).looks[0]
    assert told[165:178].mean() == pytest.approx(look.yaw, abs=0.03)
    assert np.abs(told[:120]).max() < 0.3


def test_a_film_has_the_same_looks_as_its_curves() -> None:
    part = Part(
        [Take(partial(open_audio, SAMPLE))],
        Direction(NATIVE, Fraction(30), words="sad; looks left at the end", idle=Life(), seed=1),
        [NATIVE],
    )
    with closing(play(part, part.direction.engine(None, "cpu"))) as beats:
        shown = np.array([beat.values[0] for beat in beats])
    once = animate(
        SAMPLE, "native", 30, direct="sad; looks left at the end", idle=Life(), seed=1, device="cpu"
    )
    eyes = [
        NATIVE.index(name) for name in ("eyeLookOutLeft", "eyeLookDownLeft", "browInnerUp", "eyeBlinkLeft")
    ]
    np.testing.assert_allclose(shown[:-10, eyes], once.values[:-10, eyes], atol=1e-5)
    assert shown[-20, NATIVE.index("eyeLookOutLeft")] > 0.3


def test_unknown_words_are_told_and_known_ones_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--rig", "arkit", "--out", str(tmp_path / "line.csv"), "--direct"]
    assert main(["animate", str(SAMPLE), *words, "hapy and sad"]) == 0
    assert "voxrig: --direct: 'hapy' is not known (nearest is 'happy')" in capsys.readouterr().err
    for wrong in ("qwertz", "happy " * 400):
        (tmp_path / "line.csv").unlink(missing_ok=True)
        assert main(["animate", str(SAMPLE), *words, wrong]) == 2
        assert "direction" in capsys.readouterr().err
        assert not (tmp_path / "line.csv").exists()
