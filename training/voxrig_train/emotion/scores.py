"""How well a listener hears: figures over clips whose emotion is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from voxrig.types import Array
from voxrig_train.emotion.corpus import Clip
from voxrig_train.emotion.network import FEELINGS, HEARD, HOP, RATE, SCORES, Network

_COLUMNS = [FEELINGS.index("speech") + 1 + SCORES.index(name) for name in HEARD]
_AROUSED = ("anger", "joy")


@dataclass(frozen=True, eq=False)
class Told:
    """What was said of a clip, step by step."""

    clip: Clip
    feelings: Array  # (m, 14)

    @property
    def likely(self) -> Array:
        """Of HEARD, (m, 4)."""
        return np.asarray(np.exp(self.feelings[:, _COLUMNS]), np.float32)

    @property
    def verdict(self) -> str:
        """The emotion that was likeliest over the second half of the clip."""
        return HEARD[int(self.likely[len(self.feelings) // 2 :].mean(0).argmax())]


def listen(
    network: Network, clips: Sequence[Clip], level: float = -25.0, snr: float | None = None, seed: int = 0
) -> list[Told]:
    """Feelings of every clip at a level in dBFS, after 0.3 s of what is around, with noise if asked for."""
    rng, out = np.random.default_rng(seed), []
    for clip in clips:
        sound = clip.samples / 32768
        sound = np.concatenate([np.zeros(3 * HOP), sound, np.zeros(-len(sound) % HOP)])
        rms = np.sqrt(np.mean((clip.samples / 32768) ** 2)) + 1e-9
        if snr is not None:
            sound = sound + pink(rng, len(sound)) * rms * 10 ** (-snr / 20)
        audio = np.clip(sound * 10 ** (level / 20) / rms, -1, 1).astype(np.float32)
        with torch.no_grad():
            told, _ = network.step(torch.from_numpy(audio)[None], torch.zeros(1, network.state_size))
        out.append(Told(clip, told[0, 3:].numpy()))
    return out


def pink(rng: np.random.Generator, n: int) -> np.ndarray:
    """Noise whose power falls with the frequency, of RMS 1."""
    spectrum = np.fft.rfft(rng.normal(size=n))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    noise = np.fft.irfft(spectrum, n)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))


def recall(truth: Sequence[str], said: Sequence[str]) -> float:
    """Unweighted average recall: the mean over emotions of the share that was heard as such."""
    right = {name: [s == t for s, t in zip(said, truth, strict=True) if t == name] for name in HEARD}
    return float(np.mean([np.mean(r) for r in right.values() if r]))


def confusion(truth: Sequence[str], said: Sequence[str]) -> list[list[float]]:
    """Rows: what was meant; columns: the share heard as each of HEARD."""
    rows = []
    for name in HEARD:
        heard = [s for s, t in zip(said, truth, strict=True) if t == name]
        rows.append([round(heard.count(s) / max(1, len(heard)), 3) for s in HEARD])
    return rows


def arousal_order(told: Sequence[Told]) -> float:
    """How often of an aroused clip and a calm one the aroused has more arousal (area under the ROC)."""
    value = [float(t.feelings[len(t.feelings) // 2 :, 0].mean()) for t in told]
    high = np.array([v for v, t in zip(value, told, strict=True) if t.clip.emotion in _AROUSED])
    low = np.array([v for v, t in zip(value, told, strict=True) if t.clip.emotion not in _AROUSED])
    return float((high[:, None] > low).mean())


def valence_order(told: Sequence[Told]) -> float:
    """The same for valence, of joy and anger, which are equally loud."""
    value = [float(t.feelings[len(t.feelings) // 2 :, 1].mean()) for t in told]
    high = np.array([v for v, t in zip(value, told, strict=True) if t.clip.emotion == "joy"])
    low = np.array([v for v, t in zip(value, told, strict=True) if t.clip.emotion == "anger"])
    return float((high[:, None] > low).mean())


def by_time(told: Sequence[Told], seconds: Sequence[float] = (0.5, 1.0, 1.5, 2.0)) -> dict[str, float]:
    """Average recall of what is likeliest at a time after the clip began."""
    out = {}
    for second in seconds:
        step = round(second * RATE / HOP) - 1
        there = [t for t in told if len(t.feelings) > step]
        said = [HEARD[int(t.likely[step].argmax())] for t in there]
        out[f"{second:g}"] = round(recall([t.clip.emotion for t in there], said), 3)
    return out


def changes(told: Sequence[Told]) -> float:
    """Changes of the likeliest emotion a second, after the first second of speech."""
    rest = [t.likely[10:].argmax(1) for t in told if len(t.feelings) > 11]
    return float(sum((r[1:] != r[:-1]).sum() for r in rest) / (sum(len(r) - 1 for r in rest) * HOP / RATE))


def summary(told: Sequence[Told]) -> dict[str, object]:
    """The figures of clips in which somebody felt something."""
    truth, said = [t.clip.emotion for t in told], [t.verdict for t in told]
    return {
        "clips": len(told),
        "recall": round(recall(truth, said), 3),
        "arousal_order": round(arousal_order(told), 3),
        "joy_above_anger": round(valence_order(told), 3),
        "by_seconds": by_time(told),
        "changes_a_second": round(changes(told), 2),
        "confusion": confusion(truth, said),
    }
