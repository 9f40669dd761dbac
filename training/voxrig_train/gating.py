"""Teaches the gates of a trained network, of which nothing else changes, what is speech and what is not.

    python -m voxrig_train.gating runs/live.pt data/world --sounds data/sounds --out runs/live-gated.pt

``--sounds`` holds a folder for each kind of sound; ``cry``, ``laugh``, ``cough``, ``sigh`` and ``voice`` are
of voices without words, all other kinds are of none. Sounds that nobody recorded are drawn besides.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from voxrig import audio
from voxrig.resample import Resampler
from voxrig.speech.articulators import A
from voxrig_train import corpus, nonspeech, wordless
from voxrig_train.export import load
from voxrig_train.network import FPS, HOP, RATE, Network

_VOICES = frozenset(("cry", "laugh", "cough", "sigh", "voice"))
_OTHER, _VOICE, _SPEECH, _UNKNOWN = 0, 1, 2, -1
_STILL = 0.06  # a jaw that opens less is no matter: quiet frames teach little
_QUIET = 0.03  # of the loudest frame: below it nobody can tell what sounds
_PACE = 5e-3


class Sounds:
    """Excerpts of speech, of other sounds, of one after the other and of one over the other; by seed."""

    def __init__(
        self, speech: corpus.Excerpts, sounds: Mapping[str, Sequence[np.ndarray]], seed: int
    ) -> None:
        self._speech, self._sounds, self._rng = speech, sounds, np.random.default_rng(seed)

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        """Audio (b, n) and what it is, (b, t): 0 other, 1 a voice without words, 2 speech, -1 unknown."""
        audio, _, labels = self._speech.batch(size)
        made = [
            self._mixed(a, np.where(y > 0, _SPEECH, _UNKNOWN)) for a, y in zip(audio, labels, strict=True)
        ]
        heard, classes = zip(*made, strict=True)
        return torch.from_numpy(np.stack(heard).astype(np.float32)), torch.from_numpy(np.stack(classes))

    def _mixed(self, speech: np.ndarray, said: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rng, which = self._rng, self._rng.random()
        level = np.sqrt(np.mean(speech**2)) + 1e-3
        if which < 0.4:
            return speech, said
        sound, heard = self._other(len(speech), len(said), voices=which < 0.88)
        sound = sound * level / 0.1
        if which < 0.76:
            return self._speech.harder(sound), heard
        if which < 0.88:
            first = np.arange(len(said)) < rng.uniform(0.2, 0.8) * len(said)
            first = first if rng.random() < 0.5 else ~first
            return np.where(np.repeat(first, RATE // FPS), speech, sound), np.where(first, said, heard)
        sound = sound * 10 ** (-rng.uniform(3, 20) / 20)
        return speech + sound, np.where(said == _SPEECH, _SPEECH, heard)

    def _other(self, n: int, frames: int, voices: bool) -> tuple[np.ndarray, np.ndarray]:
        rng = self._rng
        kinds = [k for k in self._sounds if voices or k not in _VOICES]
        if kinds and rng.random() < 0.65:
            kind = str(rng.choice(kinds))
            sound, what = self._recorded(n, self._sounds[kind]), _VOICE if kind in _VOICES else _OTHER
        elif voices and rng.random() < 0.6:
            sound, what = wordless.voice(rng, n), _VOICE
        else:
            sound, what = (wordless.hum if rng.random() < 0.4 else nonspeech.nonspeech)(rng, n), _OTHER
        loud = np.abs(sound.reshape(frames, -1)).max(1)
        return sound, np.where(loud > _QUIET * max(loud.max(), 1e-3), what, _UNKNOWN)

    def _recorded(self, n: int, sounds: Sequence[np.ndarray]) -> np.ndarray:
        rng, out, at = self._rng, np.zeros(n), int(self._rng.uniform(0, 10_000))
        while at < n - RATE // 5:
            sound, speed = sounds[int(rng.integers(len(sounds)))], rng.uniform(0.85, 1.18)
            size = min(int(len(sound) / speed), n - at, int(rng.uniform(1, 7) * RATE))
            index = rng.uniform(0, max(0.0, len(sound) - size * speed)) + np.arange(size) * speed
            part = np.interp(index, np.arange(len(sound)), sound)
            edge = np.minimum(np.arange(size), np.arange(size)[::-1]) / (RATE // FPS)
            out[at : at + size] += part * np.minimum(1, edge) * 10 ** (rng.uniform(-6, 3) / 20)
            at += size + int(rng.choice((0.0, rng.uniform(0.05, 1))) * RATE)
        return np.asarray(out * 0.1 / (np.sqrt(np.mean(out**2)) + 1e-6))


def teach(network: Network, sounds: Sounds, batches: int, passes: int, seed: int) -> None:
    """Teaches the gates of a network in place, ``passes`` times over as many batches of 16 excerpts."""
    network.eval()
    heard, classes = [], []
    for _ in range(batches):
        audio, what = sounds.batch(16)
        ahead = torch.zeros(len(audio), (max(network.plan.delays) // 2 + 1) * HOP)
        with torch.no_grad():
            state = network.start(1).expand(len(audio), -1)
            heard.append(network.hear(torch.cat([audio, ahead], 1), state)[0].half())
        classes.append(what)
    x, y = torch.cat(heard), torch.cat(classes)
    for head, delay in enumerate(network.plan.delays):
        torch.manual_seed(seed)
        _teach(network, head, x, y, delay, passes)


def _teach(network: Network, head: int, x: Tensor, y: Tensor, delay: int, passes: int) -> None:
    gate = network.gates[head]
    gate.inner.reset_parameters()
    gate.outer.reset_parameters()
    optimiser = torch.optim.AdamW(gate.parameters(), lr=_PACE, weight_decay=0.02)
    steps = passes * -(-len(x) // 48)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimiser, _PACE, total_steps=steps)
    for _ in range(passes):
        for chosen in torch.randperm(len(x)).split(48):
            told, _ = gate.logits(x[chosen].float(), torch.zeros(len(chosen), *gate.kept))
            with torch.no_grad():
                jaw = torch.sigmoid(network.read(x[chosen].float(), head)[0][..., A["jaw"]])
            out = slice(delay, delay + y.shape[1])
            loss = _loss(told[:, out], jaw[:, out], y[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            pace.step()


def _loss(told: Tensor, jaw: Tensor, what: Tensor) -> Tensor:
    """Cross entropy of both logits; other sounds count for more where they would move the jaw."""
    matters = torch.where(what == _SPEECH, 1.0, 0.3 + 2.0 * (jaw > _STILL)) * (what != _UNKNOWN)
    wordless = matters * (what != _SPEECH)
    entropy = nn.functional.binary_cross_entropy_with_logits
    speech = entropy(told[..., 0], (what == _SPEECH).float(), reduction="none")
    voice = entropy(told[..., 1], (what == _VOICE).float(), reduction="none")
    total = (speech * matters).sum() / matters.sum().clamp(min=1)
    return total + 0.7 * (voice * wordless).sum() / wordless.sum().clamp(min=1)


def read(folder: Path) -> dict[str, list[np.ndarray]]:
    """Recordings (n,) at 16 kHz by kind, of a folder with a folder for each kind."""
    found: dict[str, list[np.ndarray]] = {}
    for path in sorted(p for p in folder.glob("*/*") if p.is_file()):
        sound = audio.read(path)
        samples = Resampler(sound.rate, RATE, "best").push(sound.samples, last=True)
        found.setdefault(path.parent.name, []).append(samples)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.gate", description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("worlds", type=Path, nargs="+")
    parser.add_argument("--sounds", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--source", action="append", default=[], help="of the sounds and its licence, for the card"
    )
    parser.add_argument("--batches", type=int, default=96)
    parser.add_argument("--passes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    network, ingredients = load(args.checkpoint)
    items = [i for i in corpus.load(args.worlds) if not corpus.held_out(i.clip.speaker)]
    sounds = Sounds(corpus.Excerpts(items, args.seed), read(args.sounds), args.seed)
    teach(network, sounds, args.batches, args.passes, args.seed)
    saved = torch.load(args.checkpoint, weights_only=True)
    torch.save(
        saved | {"weights": network.state_dict(), "trained_on": [*ingredients, *args.source]}, args.out
    )


if __name__ == "__main__":
    main()
