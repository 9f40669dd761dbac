"""Builds the expression world: clips spoken in moods, what speech packs tell of them, and what moves a face.

    python -m voxrig_train.expression.world data/expression data/world data/foreign --clips 600

Each clip of a speech world (``voxrig_train.world``) is spoken in one mood (``moods.py``), heard by the
packs ``live`` and ``file``, and stored as ``clips/ID.npz`` with a line of ``index.jsonl``. Speakers that
``voxrig_train.corpus`` keeps from training are the clips to check with; what they say is taken from the
others, so that no sentence is on both sides.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxrig.model import load as load_pack
from voxrig.rigs import NATIVE
from voxrig.speech import articulators, coarticulation
from voxrig.speech.phones import PHONES, Phone
from voxrig.types import Array
from voxrig_train import corpus
from voxrig_train.expression.moods import MOODS, spoken_in
from voxrig_train.network import FPS, RATE
from voxrig_train.train import ingredients

SOURCES = ("live", "file", "words")
"""Where speech curves come from: two packs, and the phones themselves as text mode has them."""
_LONGEST = 9.0  # s


@dataclass(frozen=True)
class Row:
    """One line of index.jsonl."""

    id: str
    speaker: str
    text: str
    licence: str
    mood: str
    held_out: bool


@dataclass(frozen=True, eq=False)
class Item:
    """A clip of the world, at 100 frames a second; t is even."""

    row: Row
    samples: NDArray[np.int16]  # (160 t,)
    labels: NDArray[np.uint8]  # (t,) index into PHONES
    curves: NDArray[np.float16]  # (3, t, 110) by SOURCES

    @property
    def audio(self) -> Array:
        """(160 t,)."""
        return floats(self.samples)


def floats(samples: NDArray[np.int16]) -> Array:
    """Samples within -1..1."""
    return np.asarray(samples, np.float32) / np.float32(32768)


def speech_of(phones: Sequence[Phone], frames: int) -> Array:
    """Native curves (t, 110) of phones, as text mode makes them."""
    curves = articulators.curves(coarticulation.targets(phones, frames))
    column = {label: NATIVE.index(f"phone_{label}") for label in PHONES[1:]}
    for phone in phones:
        if phone.label in column:
            curves[round(phone.start * FPS) : round(phone.end * FPS), column[phone.label]] = 1
    return curves


def read(root: Path) -> list[Item]:
    """All clips."""
    items = []
    for line in (root / "index.jsonl").read_text().splitlines():
        row = Row(**json.loads(line))
        with np.load(root / "clips" / f"{row.id}.npz") as told:
            items.append(Item(row, told["samples"], told["labels"], told["curves"]))
    return items


def trained_on(root: Path) -> list[str]:
    """What was learnt from, for the card: a line for each source and licence."""
    return list(json.loads((root / "trained_on.json").read_text()))


def split(items: Sequence[corpus.Item], clips: int, checks: int, seed: int) -> list[tuple[corpus.Item, bool]]:
    """Clips to learn from, and to check with (True): other speakers who say other sentences."""
    short = [i for i in items if 1.5 * RATE < len(i.samples) < _LONGEST * RATE]
    order = [short[k] for k in np.random.default_rng(seed).permutation(len(short))]
    check = [i for i in order if corpus.held_out(i.clip.speaker)][:checks]
    said = {i.clip.text for i in check}
    learn = [i for i in order if not corpus.held_out(i.clip.speaker) and i.clip.text not in said][:clips]
    return [(i, False) for i in learn] + [(i, True) for i in check]


def made(item: corpus.Item, mood: str, rng: np.random.Generator) -> tuple[Array, list[Phone], int]:
    """Audio (160 t,), phones and t of a clip spoken in a mood, at a random level."""
    samples = spoken_in(MOODS[mood], floats(item.samples), rng)
    frames = len(samples) * FPS // RATE // 2 * 2
    tempo = MOODS[mood].tempo
    phones = [Phone(p.label, p.start / tempo, p.end / tempo) for p in item.clip.phones]
    gain = 10 ** (rng.uniform(-12, 6) / 20)
    return np.clip(samples[: frames * RATE // FPS] * gain, -1, 1), phones, frames


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.expression.world", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("out", type=Path)
    parser.add_argument("worlds", type=Path, nargs="+")
    parser.add_argument("--clips", type=int, default=600, help="to learn from")
    parser.add_argument("--checks", type=int, default=110)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    (args.out / "clips").mkdir(parents=True, exist_ok=True)
    parts = split(corpus.load(args.worlds), args.clips, args.checks, args.seed)
    packs = [load_pack(name, "cpu", 1) for name in SOURCES[:2]]
    rng = np.random.default_rng(args.seed)
    lines = []
    for i, (item, held_out) in enumerate(parts):
        mood = list(MOODS)[i % len(MOODS)]
        audio, phones, frames = made(item, mood, rng)
        samples = np.round(audio * 32767).astype(np.int16)
        heard = [pack.hear(floats(samples))[0][:frames] for pack in packs]
        curves = np.stack([*heard, speech_of(phones, frames)]).astype(np.float16)
        labels = np.zeros(frames, np.uint8)
        for phone in phones:
            labels[round(phone.start * FPS) : round(phone.end * FPS)] = PHONES.index(phone.label)
        row = Row(item.clip.id, item.clip.speaker, item.clip.text, item.clip.licence, mood, held_out)
        np.savez_compressed(
            args.out / "clips" / f"{row.id}.npz", samples=samples, labels=labels, curves=curves
        )
        lines.append(json.dumps(asdict(row), ensure_ascii=False))
        print(f"\r{i + 1} of {len(parts)}", end="", flush=True)
    print()
    told = ingredients([item for item, held_out in parts if not held_out])
    (args.out / "trained_on.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    (args.out / "index.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
