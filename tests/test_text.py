"""Text mode below the command line: words become known phones, phones get their times, times become files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from sounds import SAMPLE

import voxrig
from voxrig.audio import read
from voxrig.errors import FormatError, OutputError, TextError
from voxrig.speech import pronounce as tables
from voxrig.speech.align import RATE, Spoken, Transcript, align
from voxrig.speech.decode import decode
from voxrig.speech.phones import PHONES, SILENCE, Phone
from voxrig.speech.pronounce import LANGUAGES, Word, pronounce
from voxrig.types import Array, AudioChunk
from voxrig_export.transcript import write_timings
from voxrig_train import textgrid

SAID = "Hello! Move your lips with me: five fine vowels, a bold blue moon, and maybe a whole chorus of sheep."

# Words of phones that resemble no neighbour, so that every boundary can be found.
WORDS = (
    Word("move", ("m", "uw", "v")),
    Word("lips", ("l", "ih", "p", "s")),
    Word("boat", ("b", "ow", "t")),
    Word("sheep", ("sh", "iy", "p")),
)


def spoken(words: Sequence[Word], pause: int = 30, each: int = 9) -> tuple[Phone, ...]:
    """The words between pauses; ``pause`` and ``each``, about the length of a phone, in frames."""
    phones, at = [], 0
    for word in words:
        for name, length in ((SILENCE, pause), *((p, each + len(p)) for p in word.phones)):
            phones.append(Phone(name, at / RATE, (at + length) / RATE))
            at += length
    return (*phones, Phone(SILENCE, at / RATE, (at + pause) / RATE))


def heard(phones: Sequence[Phone], sure: float = 0.6, seed: int = 0) -> Array:
    """Phone probabilities (t, 40) of a model that is right most of the time and never quite certain."""
    rng = np.random.default_rng(seed)
    told = rng.dirichlet(np.full(40, 0.3), round(phones[-1].end * RATE)) * (1 - sure)
    for phone in phones:
        told[round(phone.start * RATE) : round(phone.end * RATE), PHONES.index(phone.label)] += sure
    return told.astype(np.float32)


# -- pronouncing


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "Bob's 25 pumps — really?", ["Bob's", "twenty", "five", "pumps", "really"]),
        ("de", "Guten Tag, Jürgen.", ["Guten", "Tag", "Jürgen"]),
        ("fr", "Bonjour, j'ai du pain!", ["Bonjour", "j'ai", "du", "pain"]),
        ("es", "¡Buenos días, niño!", ["Buenos", "días", "niño"]),
        ("it", "Buongiorno, gli gnocchi.", ["Buongiorno", "gli", "gnocchi"]),
        ("ja", "こんにちは、世界。", ["こんにちは", "世界"]),
        ("zh", "你好，世界。", list("你好世界")),
    ],
)
def test_every_language_becomes_words_of_known_phones(language: str, text: str, words: list[str]) -> None:
    said = pronounce(text, language)
    assert [word.text for word in said] == words
    for word in said:
        assert word.phones
        assert SILENCE not in word.phones
        assert set(word.phones) <= set(PHONES)


def test_tables_name_no_phone_that_we_do_not_have() -> None:
    named = {phone for symbols in tables._IPA.values() for phone in symbols.split()}
    named |= {phone for symbols in tables._ROMAJI.values() for phone in symbols.split()}
    named |= {phone for final in tables._FINALS_OF.values() for phone in final}
    initials = set("bpmfdtnlgkrs") | {"zh", "ch", "sh", *tables._INITIALS} - {""}
    named |= {phone for name in initials for phone in tables._INITIALS.get(name, name).split()}
    assert named <= set(PHONES) - {SILENCE}
    assert set(LANGUAGES) == {"en", "de", "fr", "es", "it", "ja", "zh"}


@pytest.mark.parametrize(("text", "language"), [("", "en"), ("...!", "fr"), ("。", "ja"), ("Hello", "zh")])
def test_text_without_words_is_told(text: str, language: str) -> None:
    with pytest.raises(TextError, match="no words to say"):
        pronounce(text, language)


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(TextError, match="unknown language 'tlh'; have en, de, fr, es, it, ja, zh"):
        pronounce("nuqneH", "tlh")


# -- fitting


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("pause", [0, 30])
@pytest.mark.parametrize("seed", range(3))
def test_boundaries_are_found_to_the_frame_or_two(exact: bool, pause: int, seed: int) -> None:
    truth = spoken(WORDS, pause)
    found = align(heard(truth, seed=seed), WORDS, exact)
    truth = tuple(phone for phone in truth if phone.end > phone.start)
    assert [p.label for p in found.phones] == [p.label for p in truth]
    assert [p.end for p in found.phones] == pytest.approx([p.end for p in truth], abs=0.021)
    assert [word.text for word in found.words] == [word.text for word in WORDS]
    assert found.score > -1


def test_phones_tile_the_clip_and_words_lie_on_them() -> None:
    found = align(heard(spoken(WORDS)), WORDS)
    assert found.phones[0].start == 0
    assert found.phones[-1].end == len(heard(spoken(WORDS))) / RATE
    assert all(a.end == b.start for a, b in pairwise(found.phones))
    edges = {phone.start for phone in found.phones} | {phone.end for phone in found.phones}
    assert {word.start for word in found.words} | {word.end for word in found.words} <= edges


def test_a_word_that_nobody_says_is_left_out() -> None:
    dragon = Word("dragon", ("d", "r", "ae", "g", "ah", "n"))
    found = align(heard(spoken(WORDS)), (*WORDS[:2], dragon, *WORDS[2:]))
    assert [word.text for word in found.words] == ["move", "lips", "boat", "sheep"]


def test_a_word_that_is_not_written_is_heard_all_the_same() -> None:
    truth = spoken(WORDS)
    found = align(heard(truth, sure=0.8), [word for word in WORDS if word.text != "boat"])
    assert [word.text for word in found.words] == ["move", "lips", "sheep"]
    (boat,) = [p for p in truth if p.label == "ow"]
    assert any(p.label == "ow" and abs(p.start - boat.start) < 0.03 for p in found.phones)
    times = {word.text: word.start for word in found.words}
    assert times["sheep"] == pytest.approx(next(p.start for p in truth if p.label == "sh"), abs=0.021)


def test_exact_text_says_every_phone() -> None:
    truth, more = spoken(WORDS), (*WORDS, Word("so", ("s", "ow")))
    found = align(heard(truth), more, exact=True)
    assert [word.text for word in found.words] == [word.text for word in more]
    assert found.score < align(heard(truth), WORDS, exact=True).score


def test_a_swallowed_phone_costs_no_word() -> None:
    said = (WORDS[0], Word("lips", ("l", "ih", "s")), *WORDS[2:])
    found = align(heard(spoken(said)), WORDS)
    assert [word.text for word in found.words] == [word.text for word in WORDS]


@pytest.mark.parametrize("frames", [0, 1, 8])
def test_sound_that_is_too_short_for_its_words(frames: int) -> None:
    with pytest.raises(TextError, match=f"too many words for {frames / 100:.2f} s of sound"):
        align(np.full((frames, 40), 1 / 40, np.float32), WORDS, exact=True)


def test_sound_that_is_too_long() -> None:
    with pytest.raises(TextError, match="at most 300 s of sound; this has 301 s"):
        align(np.zeros((30100, 40), np.float32), WORDS)


# -- hearing without words


@pytest.mark.parametrize("seed", range(3))
def test_phones_are_decoded_at_their_times(seed: int) -> None:
    truth = spoken(WORDS)
    found = decode(heard(truth, seed=seed))
    assert [p.label for p in found] == [p.label for p in truth]
    assert [p.end for p in found] == pytest.approx([p.end for p in truth], abs=0.011)


def test_no_decoded_phone_is_shorter_than_three_frames() -> None:
    doubtful = np.random.default_rng(0).dirichlet(np.full(40, 0.05), 500).astype(np.float32)
    found = decode(doubtful)
    assert all(round((p.end - p.start) * RATE) >= 3 for p in found)
    assert found[-1].end == 5
    sure = heard(spoken(WORDS), sure=0.9)
    sure[15] = np.eye(40, dtype=np.float32)[PHONES.index("p")]  # one frame in the middle of silence
    assert decode(sure)[0].label == SILENCE
    assert decode(sure)[0].end == pytest.approx(0.3, abs=0.011)


@pytest.mark.parametrize("frames", [0, 1, 2, 3, 4])
def test_the_shortest_clips_are_decoded_whole(frames: int) -> None:
    one = np.tile(np.eye(40, dtype=np.float32)[5], (frames, 1))
    assert decode(one) == ((Phone(PHONES[5], 0, frames / RATE),) if frames else ())


# -- recordings


def test_the_words_of_the_sample_are_found() -> None:
    sound = read(SAMPLE)
    found = voxrig.transcribe(sound, SAID)
    words = [word.text for word in found.words]
    assert len(words) >= 18  # of 20
    assert words[0] == "Hello"
    assert words[-1] == "sheep"
    assert found.words[-1].end == pytest.approx(7.3, abs=0.1)
    assert found.phones[-1].end == pytest.approx(len(sound.samples) / sound.rate, abs=0.01)
    bilabials = [p for p in found.phones if p.label in ("p", "b", "m")]
    assert len(bilabials) >= 8  # move lips me bold blue moon maybe sheep


def test_level_and_rate_do_not_move_words() -> None:
    sound = read(SAMPLE)
    quiet = AudioChunk(sound.samples * np.float32(0.02), sound.rate)
    one, other = voxrig.transcribe(sound, SAID), voxrig.transcribe(quiet, SAID)
    assert [w.text for w in one.words] == [w.text for w in other.words]
    assert [w.start for w in one.words] == pytest.approx([w.start for w in other.words], abs=0.021)


def test_without_text_phones_are_as_they_are_heard() -> None:
    found = voxrig.transcribe(read(SAMPLE))
    assert found.words == ()
    assert found.phones[0].label == SILENCE
    assert len(found.phones) > 40


def test_text_that_is_not_what_is_said_is_told() -> None:
    with pytest.raises(TextError, match=r"the text is not what is said: \d of 7 words heard in "):
        voxrig.transcribe(read(SAMPLE), "Notes: take two, microphone was too close.")
    with pytest.raises(TextError, match="0 of 1 words heard in"):
        voxrig.transcribe(AudioChunk(np.zeros(32000, np.float32), 16000), "Hello")


def test_text_makes_lips_that_close() -> None:
    sound = read(SAMPLE)
    transcript = voxrig.transcribe(sound, SAID)
    shut = voxrig.animate(sound, "native", 100, text=SAID).curve("mouthPressLeft")
    for phone in transcript.phones:
        if phone.label in ("p", "b", "m"):
            assert shut[round((phone.start + phone.end) / 2 * 100)] > 0.3
    assert len(shut) == -(-len(sound.samples) * 100 // sound.rate)


# -- files

TRANSCRIPT = Transcript(
    (Spoken('so "called"', 0.1, 0.25), Spoken("Pâté", 0.3, 0.45)),
    (Phone(SILENCE, 0, 0.1), Phone("s", 0.1, 0.25), Phone(SILENCE, 0.25, 0.3), Phone("p", 0.3, 0.5)),
    -0.25,
)


def test_a_textgrid_reads_back_and_tiles_the_clip(tmp_path: Path) -> None:
    write_timings(tmp_path / "a.TextGrid", TRANSCRIPT)
    tiers = textgrid.parse((tmp_path / "a.TextGrid").read_text(encoding="utf-8"), "a.TextGrid")
    assert list(tiers) == ["words", "phones"]
    for labels in tiers.values():
        assert (labels[0].start, labels[-1].end) == (0, 0.5)
        assert all(a.end == b.start for a, b in pairwise(labels))
    words = [(label.text, label.start, label.end) for label in tiers["words"]]
    assert words == [
        ("", 0, 0.1),
        ('so "called"', 0.1, 0.25),
        ("", 0.25, 0.3),
        ("Pâté", 0.3, 0.45),
        ("", 0.45, 0.5),
    ]
    assert [label.text for label in tiers["phones"]] == ["", "s", "", "p"]


def test_json_of_timings(tmp_path: Path) -> None:
    write_timings(tmp_path / "a.JSON", TRANSCRIPT)
    told = json.loads((tmp_path / "a.JSON").read_text(encoding="utf-8"))
    assert told["words"][1] == {"text": "Pâté", "start": 0.3, "end": 0.45}
    assert told["phones"][0] == {"phone": "sil", "start": 0, "end": 0.1}
    assert told["score"] == -0.25
    write_timings(tmp_path / "b.json", Transcript((), (), float("-inf")))
    assert json.loads((tmp_path / "b.json").read_text()) == {"words": [], "phones": [], "score": None}


def test_timings_that_cannot_be_written_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"unknown timings file '\.srt'; have \.TextGrid, \.json"):
        write_timings(tmp_path / "a.srt", TRANSCRIPT)
    with pytest.raises(OutputError, match="No such file or directory"):
        write_timings(tmp_path / "none" / "a.json", TRANSCRIPT)
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*folder\.json: it is a folder"):
        write_timings(tmp_path / "folder.json", TRANSCRIPT)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.json"]
