"""Speech with phone times that somebody has labelled, from what phoneticians keep beside their recordings.

    folder/speaker/clip.wav  with  clip.TextGrid  Praat, long or short; tier phones, phone, phonetic or MAU
                             or    clip.phn       TIMIT: first sample, last sample, label a line
                             or    clip.lab       start, end, label a line, in seconds
    world/clips.jsonl        as ``voxrig_train.world`` writes it

The words, where they are wanted, stand in ``clip.txt`` or in the TextGrid's tier words. Labels of one
file are all ARPAbet (stress digits are dropped) and TIMIT, or all IPA. The folder names the speaker.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from voxrig.audio import read as read_sound
from voxrig.errors import AudioError, TextError, one_line, unknown
from voxrig.speech.phones import PHONES, SILENCE, Phone, tidy
from voxrig.speech.pronounce import _IPA
from voxrig.types import AudioChunk
from voxrig_train import textgrid
from voxrig_train.textgrid import Label

_SOUNDS = frozenset((".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff"))
_SUFFIXES = (".textgrid", ".phn", ".lab")
_TIERS = ("phones", "phone", "phonetic", "mau")
_WORDS = ("words", "word", "ort-mau", "ort")
_SLACK = 0.1  # s by which labels may outlast the sound

_QUIET = frozenset(("", "sil", "sp", "pau", "h#", "#h", "#", "-", "_", "<p:>", "<p>", "<sil>", "(.)", "..."))
# Nothing is asked of the lips in an h; so it is in a glottal stop, and in speech that nobody could label.
_UNKNOWN_SPEECH = "hh"
_TIMIT = {
    **{"ax": "ah", "ax-h": "ah", "ix": "ih", "axr": "er", "ux": "uw", "hv": "hh", "q": _UNKNOWN_SPEECH},
    **{"dx": "d", "nx": "n", "en": "n", "em": "m", "el": "l", "eng": "ng", "epi": SILENCE},
    **{"spn": _UNKNOWN_SPEECH, "<unk>": _UNKNOWN_SPEECH},
}
_CLOSURES = {f"{stop}cl": stop for stop in "pbtdkg"}
_RELEASES = {name: (stop, {"t": "ch", "d": "jh"}.get(stop, stop)) for name, stop in _CLOSURES.items()}
# Symbols of corpora that the languages we pronounce have no need of.
_MORE_IPA = {
    **{"ɫ": "l", "ɬ": "l", "ɭ": "l", "ɻ": "r", "ʀ": "hh", "ɣ": "g", "c": "k", "ɟ": "g", "q": "k", "ɦ": "hh"},
    **{"ʍ": "w", "ʋ": "v", "β": "v", "ɸ": "f", "ʂ": "sh", "ʐ": "zh", "ɕ": "sh", "ʑ": "zh", "ʈ": "t"},
    **{"tʃ": "ch", "ʧ": "ch", "dʒ": "jh", "ʤ": "jh", "ɳ": "n", "ɒ": "ao", "ʉ": "uw", "ɨ": "ih", "ɯ": "ih"},
    **{"ɖ": "d", "ɘ": "ah", "ɵ": "uh", "ɤ": "ah", "ɶ": "aa", "aj": "ay", "aw": "aw", "ej": "ey", "ow": "ow"},
    **{"oj": "oy", "ts": "t s", "dz": "d z", "pf": "p f", "kp": "k p", "gb": "g b"},
}
_SYMBOLS = _MORE_IPA | _IPA
_LONGEST = max(map(len, _SYMBOLS))


@dataclass(frozen=True, eq=False)
class Labelled:
    """A clip with its phones, which tile it."""

    name: str
    speaker: str
    phones: tuple[Phone, ...]
    sound: AudioChunk
    text: str = ""
    """The words; empty where nobody wrote them down."""
    language: str = "en"


def read(path: Path, tier: str | None = None, language: str = "en") -> list[Labelled]:
    """The labelled clips of a folder and the folders in it, or of a world, in the order of their names.

    ``tier`` names the TextGrid tier that holds the phones; ``language`` is that of the texts, where a world
    does not tell. Raises TextError for labels that cannot be
    read, with file, line and label, and AudioError for sound, or where nothing is labelled.
    """
    if path.name == "clips.jsonl" or (path / "clips.jsonl").is_file():
        return _world(path.parent if path.is_file() else path)
    if not path.is_dir():
        raise AudioError(f"cannot read {one_line(str(path))}: no such folder; give one with labelled clips")
    found = []
    for folder, inner, names in os.walk(path):
        inner.sort()
        beside = {name.lower(): Path(folder) / name for name in sorted(names)}
        for lower, sound in beside.items():
            stem, suffix = os.path.splitext(lower)
            labels = next((beside[stem + s] for s in _SUFFIXES if stem + s in beside), None)
            if suffix in _SOUNDS and labels is not None:
                clip = _clip(sound, labels, beside.get(stem + ".txt"), tier)
                found.append(replace(clip, language=language))
    if not found:
        raise AudioError(
            f"no labelled clips in {one_line(str(path))}; "
            "put NAME.TextGrid, NAME.phn or NAME.lab beside NAME.wav"
        )
    return found


def _world(root: Path) -> list[Labelled]:
    from voxrig_train import world

    try:
        clips = world.read(root)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TextError(f"cannot read {one_line(str(root / 'clips.jsonl'))}: {error}") from error
    return [
        Labelled(c.id, c.speaker, c.phones, read_sound(root / "clips" / f"{c.id}.flac"), c.text, c.language)
        for c in clips
    ]


def _clip(sound: Path, labels: Path, words: Path | None, tier: str | None) -> Labelled:
    chunk = read_sound(sound)
    seconds = len(chunk.samples) / chunk.rate
    name, written = one_line(str(labels)), _text(labels)
    said = _text(words) if words else ""
    said = re.sub(r"^\s*\d+\s+\d+\s+", "", said).strip()  # TIMIT writes the samples before the words
    if labels.suffix.lower() == ".textgrid":
        tiers = textgrid.parse(written, name)
        found = _tier(tiers, name, tier)
        spoken = next((t for n, t in tiers.items() if n.lower() in _WORDS), ())
        said = said or " ".join(label.text for label in spoken if label.text.lower() not in _QUIET)
    else:
        found = _lines(written, name, chunk.rate if labels.suffix.lower() == ".phn" else 1)
    if found and found[-1].end > seconds + _SLACK:
        raise TextError(f"{name}: labels end at {found[-1].end:.2f} s, the sound at {seconds:.2f} s")
    phones = tuple(tidy(to_phones(found, name), seconds))
    if all(p.label == SILENCE for p in phones):
        raise TextError(f"{name}: no speech is labelled")
    return Labelled(sound.stem, sound.parent.name, phones, chunk, said)


def to_phones(labels: Sequence[Label], name: str) -> list[Phone]:
    """Labels of one file, ARPAbet and TIMIT or else IPA, to phones; a stop and its closure become one.

    A label of several sounds is shared between them evenly. Raises TextError for one that is unknown.
    """
    readers: tuple[Callable[[str], list[str] | None], ...] = (_from_arpabet, _from_ipa)
    wrong: list[Label] = []
    for reader in readers:
        told = [(label, reader(label.text)) for label in _joined(labels)]
        strange = next((label for label, names in told if names is None), None)
        if strange is None:
            return [p for label, names in told for p in _shared(label, names or [])]
        wrong.append(strange)
    furthest = max(wrong, key=lambda label: label.start)  # of the alphabet that reads more of the file
    fault = unknown("phone label", one_line(furthest.text), ("ARPAbet", "TIMIT", "IPA"))
    raise TextError(f"{name}, line {furthest.line}: {fault}")


def _joined(labels: Sequence[Label]) -> list[Label]:
    """Closures as TIMIT writes them (``tcl t``) joined with what follows them."""
    out: list[Label] = []
    for label in labels:
        before = out[-1] if out else label
        releases = _RELEASES.get(before.text.lower(), ())
        if label.text.lower() in releases and abs(label.start - before.end) < 0.01:
            out[-1] = Label(label.text, before.start, label.end, label.line)
        else:
            out.append(label)
    return out


def _shared(label: Label, names: Sequence[str]) -> list[Phone]:
    each = (label.end - label.start) / max(len(names), 1)
    return [Phone(n, label.start + i * each, label.start + (i + 1) * each) for i, n in enumerate(names)]


def _from_arpabet(label: str) -> list[str] | None:
    plain = label.strip().lower()
    if plain in _QUIET:
        return [SILENCE]
    plain = plain.rstrip("012") if plain[:-1].isalpha() else plain
    name = _TIMIT.get(plain, _CLOSURES.get(plain, plain))
    return [name] if name in PHONES else None


def _from_ipa(label: str) -> list[str] | None:
    if label.strip().lower() in _QUIET:
        return [SILENCE]
    if label.strip().lower() in ("spn", "<unk>"):
        return [_UNKNOWN_SPEECH]
    symbols, out, at = re.sub("[ˈˌː\\s]", "", label), list[str](), 0
    if symbols.isascii() and symbols and symbols not in _SYMBOLS:
        return None  # else a slip in ARPAbet would be read letter by letter
    while at < len(symbols):
        size = next((n for n in range(_LONGEST, 0, -1) if symbols[at : at + n] in _SYMBOLS), 0)
        if size:
            out += _SYMBOLS[symbols[at : at + size]].split()
        elif unicodedata.category(symbols[at]) not in ("Mn", "Lm", "Sk"):  # else a diacritic
            return None
        at += size or 1
    return out or [_UNKNOWN_SPEECH]


def _tier(tiers: dict[str, tuple[Label, ...]], name: str, wanted: str | None) -> tuple[Label, ...]:
    choices = (wanted.lower(),) if wanted else _TIERS
    for choice in choices:
        for title, labels in tiers.items():
            if title.lower() == choice:
                return labels
    have = one_line(", ".join(tiers)) or "none"
    raise TextError(f"{name}: no tier {wanted or ', '.join(_TIERS)}; have {have}")


def _lines(text: str, name: str, rate: int) -> tuple[Label, ...]:
    """Lines of start, end and label, in samples at ``rate`` a second."""
    out = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            first, last, label = line.split(maxsplit=2)
            start, end = float(first) / rate, float(last) / rate
        except ValueError:
            said = one_line(line[:60])
            raise TextError(f"{name}, line {number}: '{said}' is not START END LABEL") from None
        out.append(Label(label.strip(), start, end, number))
    return textgrid.ordered(out, name)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")  # Praat writes UTF-16 where a label is not ASCII
        return data.decode("utf-16" if wide else "utf-8-sig")
    except OSError as error:
        raise TextError(f"cannot read {one_line(str(path))}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TextError(f"cannot read {one_line(str(path))}: it is neither UTF-8 nor UTF-16") from error
