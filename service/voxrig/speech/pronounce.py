"""From text to phones, in several languages, by well-kept dictionaries.

gruut (MIT) for English, German, French, Spanish and Italian; pyopenjtalk (MIT, Modified BSD) for
Japanese; pypinyin (MIT) for Mandarin.

Every language is written in the 40 phones of ``phones.py``: what counts here is what lips, jaw and
tongue do, so that German ü is the rounded uw and French r an hh that the ear tells apart, not the eye.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from ..errors import TextError, unknown

LANGUAGES = ("en", "de", "fr", "es", "it", "ja", "zh")


@dataclass(frozen=True)
class Word:
    """A word as written and the phones that say it; none for what is not spoken."""

    text: str
    phones: tuple[str, ...]


def pronounce(text: str, language: str = "en") -> list[Word]:
    """The words of a text. Raises TextError for an unknown language, a missing library or no words."""
    if language not in LANGUAGES:
        raise TextError(unknown("language", language, LANGUAGES))
    try:
        words = {"ja": _japanese, "zh": _mandarin}.get(language, lambda t: _european(t, language))(text)
    except ImportError as error:
        raise TextError(f"pronouncing text needs {error.name}; pip install 'voxrig[text]'") from error
    words = [word for word in words if word.phones]
    if not words:
        raise TextError(f"no words to say in {text[:60]!r} (language {language})")
    return words


# Symbols of the International Phonetic Alphabet as gruut writes them, to phones. Longest match first.
_IPA = {
    **{c: c for c in "bdfklmnpstvwz"},
    **{"ɡ": "g", "g": "g", "h": "hh", "j": "y", "ŋ": "ng", "θ": "th", "ð": "dh", "ʃ": "sh", "ʒ": "zh"},
    **{"ɹ": "r", "r": "d", "ɾ": "d", "ʁ": "hh", "x": "hh", "χ": "hh", "ç": "hh", "ʔ": "", "ɱ": "m"},
    **{"ɲ": "n y", "ʎ": "l y", "ʝ": "y", "ɥ": "w", "t͡ʃ": "ch", "d͡ʒ": "jh", "t͡s": "t s", "d͡z": "d z"},
    **{"p͡f": "p f", "ɑ": "aa", "a": "aa", "æ": "ae", "ɐ": "ah", "ʌ": "ah", "ə": "ah", "ɚ": "er", "ɝ": "er"},
    **{"ɜ": "er", "ɛ": "eh", "e": "eh", "ɪ": "ih", "i": "iy", "ɔ": "ao", "o": "ow", "ʊ": "uh", "u": "uw"},
    **{"y": "uw", "ʏ": "uh", "ø": "uh", "œ": "er", "aɪ": "ay", "aʊ": "aw", "eɪ": "ey", "oʊ": "ow"},
    **{"ɔɪ": "oy", "aɪ̯": "ay", "aʊ̯": "aw", "ɔʏ̯": "oy", "ai": "ay", "au": "aw", "ei": "ey", "oi": "oy"},
    **{"ɔ̃": "ao", "ɛ̃": "ae", "ɑ̃": "aa", "œ̃": "er", "õː": "ao", "ãː": "aa", "ɛ̃ː": "ae"},
}
_LONGEST = max(map(len, _IPA))


def _from_ipa(symbols: str) -> list[str]:
    symbols, out, at = re.sub("[ˈˌː|‖]", "", symbols), [], 0
    while at < len(symbols):
        for size in range(_LONGEST, 0, -1):
            if symbols[at : at + size] in _IPA:
                out += _IPA[symbols[at : at + size]].split()
                break
        else:
            size = 1  # a diacritic that lips do not show
        at += size
    return out


def _european(text: str, language: str) -> list[Word]:
    import gruut

    region = {"en": "en-us", "de": "de-de", "fr": "fr-fr", "es": "es-es", "it": "it-it"}[language]
    # Dictionaries write accents as letters of their own in English, and as parts of letters elsewhere.
    text = unicodedata.normalize("NFD" if language == "en" else "NFC", text)
    text = re.sub("[„“”»«‹›]", " ", text)
    return [
        Word(word.text, tuple(_from_ipa("".join(word.phonemes or ()))))
        for sentence in gruut.sentences(text, lang=region)
        for word in sentence
        if word.is_spoken and any(c.isalnum() for c in word.text)
    ]


_ROMAJI = {
    **{"a": "aa", "i": "iy", "u": "uh", "e": "eh", "o": "ow", "A": "aa", "I": "ih", "U": "uh", "E": "eh"},
    **{"O": "ow", "N": "n", "cl": "", "pau": "", "sh": "sh", "ch": "ch", "ts": "t s", "j": "jh", "f": "hh"},
    **{"h": "hh", "r": "d", **{c: c for c in "kgsztdnbpmyw"}, "v": "b"},
    **{c + "y": _c + " y" for c, _c in zip("kgnbpmhr", "k g n b p m hh d".split(), strict=True)},
}


def _japanese(text: str) -> list[Word]:
    import pyopenjtalk

    words = []
    for node in pyopenjtalk.run_frontend(text):
        said = pyopenjtalk.g2p(node["pron"].replace("’", "")) if node["mora_size"] else ""
        phones = [p for symbol in said.split() for p in _ROMAJI.get(symbol, "").split()]
        words.append(Word(node["string"], tuple(phones)))
    return words


_INITIALS = {"q": "ch", "x": "sh", "zh": "jh", "z": "d z", "c": "t s", "j": "jh", "h": "hh"}
_FINALS = """a aa|ai ay|an aa n|ang aa ng|ao aw|e ah|ei ey|en ah n|eng ah ng|er er|i iy|ia y aa|ian y eh
 n|iang y aa ng|iao y aw|ie y eh|in iy n|ing iy ng|iong y uh ng|iu y ow|iou y ow|o ao|ong uh
 ng|ou ow|u uw|ua w aa|uai w ay|uan w aa n|uang w aa ng|ui w ey|uei w ey|un w ah n|uen w ah
 n|ueng w ah ng|uo w ao|v uw|van uw eh n|ve uw eh|vn uw n|io y ao""".replace("\n", "").split("|")
_FINALS_OF = {row.split()[0]: row.split()[1:] for row in _FINALS}


def syllables(text: str) -> list[tuple[str, str, str]]:
    """Mandarin as (initial, final, tone), one a character that is spoken; ('', '', '') for the rest."""
    import pypinyin

    rows = zip(
        *(
            pypinyin.lazy_pinyin(text, style=style, strict=False, errors=lambda x: ["" for _ in x])
            for style in (pypinyin.Style.INITIALS, pypinyin.Style.FINALS_TONE3)
        ),
        strict=True,
    )
    return [(a, re.sub(r"\d", "", b), (re.findall(r"\d", b) or ["5" if b else ""])[0]) for a, b in rows]


def _mandarin(text: str) -> list[Word]:
    words = []
    for character, (initial, final, _) in zip(text, syllables(text), strict=True):
        hissed = final == "i" and initial in ("z", "c", "s", "zh", "ch", "sh", "r")
        phones = _INITIALS.get(initial, initial).split() + (["ih"] if hissed else _FINALS_OF.get(final, []))
        words.append(Word(character, tuple(phones)))
    return words
