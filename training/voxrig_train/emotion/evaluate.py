"""Measures how well emotion is heard: other speakers, another language, levels, noise, and over time.

    python -m voxrig_train.emotion.evaluate data/emodb runs/emotion.pt --readers data/speech \\
        --against data/ravdess --calm data/other-readers --out runs/emotion.json

Every figure is of people whom the network never heard: EmoDB in folds of two speakers, RAVDESS by a
network that knows nothing but EmoDB and the readers. RAVDESS is CC BY-NC-SA and never learnt from.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from voxrig_train.emotion import baseline
from voxrig_train.emotion.corpus import Bank, Clip, emodb, ravdess, readers
from voxrig_train.emotion.export import load
from voxrig_train.emotion.network import FEELINGS, HEARD, RATE, Network
from voxrig_train.emotion.scores import Told, listen, recall, summary
from voxrig_train.emotion.train import kept, train
from voxrig_train.nonspeech import nonspeech

_LEVELS = (-45.0, -8.0)
_NOISES = (20.0, 10.0)


def folds(clips: Sequence[Clip]) -> list[tuple[str, ...]]:
    """Speakers in pairs, the first with the last, so that sexes and ages mix."""
    names = sorted({c.speaker for c in clips})
    half = len(names) // 2
    return [(names[i], names[i + half]) for i in range(half)]


@dataclass(frozen=True, eq=False)
class _Fold:
    """What a network said of two speakers whom it never heard."""

    told: list[Told]
    harder: dict[str, list[str]]
    """Verdicts of the same clips by how they were made harder."""


def _fold(acted: Sequence[Clip], learn: Bank, steps: int, seed: int, pair: tuple[str, ...]) -> _Fold:
    torch.set_num_threads(1)
    network = train(learn.without(pair), steps, seed)
    check = [c for c in acted if c.speaker in pair]
    harder = {f"at {x:g} dBFS": [t.verdict for t in listen(network, check, x)] for x in _LEVELS}
    for snr in _NOISES:
        harder[f"at {snr:g} dB of noise"] = [t.verdict for t in listen(network, check, snr=snr)]
    return _Fold(listen(network, check), harder)


def across_speakers(
    acted: Sequence[Clip], learn: Bank, steps: int, seed: int, jobs: int
) -> dict[str, object]:
    """Every clip by a network that did not hear its speaker, and chance."""
    with ProcessPoolExecutor(jobs, get_context("fork")) as pool:
        waiting = [pool.submit(_fold, acted, learn, steps, seed, pair) for pair in folds(acted)]
        chance = pool.submit(_shuffled, acted, learn, steps, seed)
        done = [w.result() for w in waiting]
        told = [t for fold in done for t in fold.told]
        truth = [t.clip.emotion for t in told]
        harder = {key: [v for fold in done for v in fold.harder[key]] for key in done[0].harder}
        result = summary(told) | {key: round(recall(truth, said), 3) for key, said in harder.items()}
        return result | {"labels shuffled": chance.result(), "majority": round(1 / len(HEARD), 3)}


def _shuffled(acted: Sequence[Clip], learn: Bank, steps: int, seed: int) -> float:
    """Recall of a network whose clips were given each other's emotions: what chance comes to."""
    order = np.arange(len(learn.aim))
    mine = np.flatnonzero(learn.kind == "acted")
    order[mine] = np.random.default_rng(seed).permutation(mine)
    pair = folds(acted)[0]
    torch.set_num_threads(1)
    network = train(replace(learn, aim=learn.aim[order]).without(pair), steps, seed)
    told = listen(network, [c for c in acted if c.speaker in pair])
    return round(recall([t.clip.emotion for t in told], [t.verdict for t in told]), 3)


def compared(acted: Sequence[Clip], other: Sequence[Clip]) -> dict[str, float] | str:
    """eGeMAPS and a linear classifier in the same folds, and on the other corpus."""
    own = baseline.features(acted)
    if own is None:
        return "openSMILE and scikit-learn are not both installed"
    speakers = np.array([c.speaker for c in acted])
    truth, said = list[str](), list[str]()
    for pair in folds(acted):
        out = np.isin(speakers, pair)
        known = [c.emotion for c in acted if c.speaker not in pair]
        truth += [c.emotion for c in acted if c.speaker in pair]
        said += baseline.said(own[~out], known, own[out])
    result = {"across speakers": round(recall(truth, said), 3)}
    if other:
        theirs = baseline.features(other)
        assert theirs is not None
        away = baseline.said(own, [c.emotion for c in acted], theirs)
        result["other corpus"] = round(recall([c.emotion for c in other], away), 3)
    return result


def calm(network: Network, clips: Sequence[Clip]) -> dict[str, float]:
    """What is heard in people who read without being told to feel anything."""
    told = [t.likely[len(t.likely) // 2 :].mean(0) for t in listen(network, clips)]
    likely = np.array(told)
    return {f"likelihood of {n}": round(float(x), 3) for n, x in zip(HEARD, likely.mean(0), strict=True)} | {
        f"likeliest {n}": round(float(np.mean(likely.argmax(1) == i)), 3) for i, n in enumerate(HEARD)
    }


def nobody(network: Network, seed: int, clips: int = 100) -> dict[str, float]:
    """What is heard in sounds that nobody speaks: chords, drums, tones, breath, hum and clicks."""
    rng = np.random.default_rng(seed)
    sounds = [np.asarray(nonspeech(rng, 4 * RATE) * 32767 * 0.5, np.int16) for _ in range(clips)]
    told = listen(network, [Clip("", "nobody", "neutral", "none", sound, "") for sound in sounds])
    steps = np.concatenate([t.feelings for t in told])
    speech, likely = steps[:, FEELINGS.index("speech")], np.concatenate([t.likely for t in told])
    return {
        "taken for speech": round(float(speech.mean()), 3),
        "likelihood of neutral": round(float(likely[:, 0].mean()), 3),
        "time that neutral is not likeliest": round(float((likely.argmax(1) != 0).mean()), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.emotion.evaluate", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("emodb", type=Path)
    parser.add_argument("checkpoint", type=Path, help="learnt from all of it, for other corpora")
    parser.add_argument("--readers", type=Path, nargs="*", default=[], help="as for training")
    parser.add_argument("--against", type=Path, help="RAVDESS")
    parser.add_argument("--calm", type=Path, nargs="*", default=[], help="people reading, not learnt from")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bank", type=Path, help="excerpts as train keeps them; made where missing")
    parser.add_argument("--takes", type=int, default=16)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="folds at a time")
    args = parser.parse_args()
    torch.set_num_threads(1)
    acted, calms = emodb(args.emodb), [c for folder in args.readers for c in readers(folder)]
    other = ravdess(args.against) if args.against else []
    learn = kept(args.bank, acted, calms, args.takes, args.seed)
    result = dict[str, object]()
    result["EmoDB, speakers never heard"] = across_speakers(acted, learn, args.steps, args.seed, args.jobs)
    result["eGeMAPS and a linear classifier"] = compared(acted, other)
    whole, _ = load(args.checkpoint)
    if other:
        result["RAVDESS, corpus and language never heard"] = summary(listen(whole, other))
    for folder in args.calm:
        result[f"people reading, {folder.name}"] = calm(whole, readers(folder))
    result["nobody speaks"] = nobody(whole, args.seed + 1000)
    args.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
