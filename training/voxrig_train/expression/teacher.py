"""The teacher: what a whole face does with a voice, its words and a style. Designed by us, not recorded.

An emotion is held (``faces.py``), comes with a phrase and goes after it, and moves: ten regions follow six
drivers of the voice (``drivers.py``), each emotion with its own couplings (``couplings.py``), and a little
chance of their own. How much of an emotion shows at an intensity is a power of it. Corners of a smile give
way to rounded lips. The result is an expression (t, 59), which ``law.py`` joins with speech.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import lfilter

from voxrig.rigs import NATIVE
from voxrig.rigs.native import both
from voxrig.types import Array
from voxrig_train.expression.couplings import MOVED, published
from voxrig_train.expression.drivers import DRIVERS, drivers
from voxrig_train.expression.faces import FACES, SHARE, SPEAKING, STIRS, Face
from voxrig_train.expression.law import FACE, GROUPS, SIZE, F, Law
from voxrig_train.expression.network import ASYMMETRY, EMOTIONS, ENERGY, SPEAKERS
from voxrig_train.expression.regions import REGION
from voxrig_train.network import FPS

Doubles = NDArray[np.float64]

_SPEECH_SHARE = 0.4  # of the moving part, around the mouth: lips have words to say
_LOUDER = {"jaw": 0.10, "height": 0.07, "width": 0.03, "rounding": 0.02}  # gain a unit of loudness
_NODS = ("headPitch", -0.018), ("headYaw", 0.008), ("headRoll", 0.006)  # rad a unit of accent, rhythm, chance
_ROUND = (NATIVE.index("mouthPucker"), NATIVE.index("mouthFunnel"))
_PARTED = [F[s] for n in ("jawOpen", "mouthFunnel", "mouthLowerDown*", "mouthUpperUp*") for s in both(n)]
_BUSY = 0.98  # of what parts the lips that a phrase takes: a jaw that drops in awe speaks all the same
_OPPONENTS = ("browOuterUp*", "browDown*"), ("eyeWide*", "eyeSquint*")
_SMILES = [F[side] for name in ("mouthSmile*", "mouthDimple*", "mouthStretch*") for side in both(name)]


@dataclass(frozen=True, eq=False)
class Voice:
    """What of a clip moves a face, at 100 frames a second."""

    regions: dict[str, Doubles]
    """For each emotion (t, 10): how far regions move, about one in size."""
    drive: Doubles  # (t, 6), decorrelated
    chance: Doubles  # (t, 4)
    phrase: Doubles  # (t,) 0..1: something is being said
    onset: Doubles  # (t,) 0..1: a phrase has just begun


def voice_of(samples: Array, name: str) -> Voice:
    """Of audio (n,) at 16 kHz; ``name`` decides what chance does."""
    heard = drivers(samples.astype(np.float64))
    motions, mean, whitening = published()
    drive = np.tanh((heard - mean) @ whitening / 2) * 2
    seed = int(hashlib.sha256(name.encode()).hexdigest()[:12], 16)
    chance = _wander(len(drive), MOVED - len(DRIVERS), np.random.default_rng(seed))
    both_kinds = np.concatenate([drive, chance], 1)
    phrase = np.clip(1 - heard[:, DRIVERS.index("pause")], 0, 1)
    keep = np.exp(-1 / (0.2 * FPS))
    # Words have quiet moments, too: a phrase counts whole as soon as it has begun, and while most of the
    # last quarter second sounds.
    phrase = np.clip(2.5 * np.maximum(phrase, lfilter([1 - keep], [1, -keep], phrase)), 0, 1)
    onset = np.clip(heard[:, DRIVERS.index("onset")] * 1.6, 0, 1)
    return Voice({e: both_kinds @ motions[e].T for e in EMOTIONS}, drive, chance, phrase, onset)


def express(voice: Voice, style: Array, speech: Array) -> Array:
    """The expression (t, 59) for a style (t, 16) while speech curves (t, 110) are said."""
    out = np.zeros((len(style), SIZE))
    amounts = np.stack([style[:, i] ** FACES[e].strong for i, e in enumerate(EMOTIONS)], 1)
    total, most = amounts.sum(1), amounts.max(1)
    scale = 0.5 * (total + most) / np.maximum(total, 1e-6)
    for i, emotion in enumerate(EMOTIONS):
        if style[:, i].any():
            out += (amounts[:, i] * scale)[:, None] * feeling(voice, emotion)
    energy = style[:, ENERGY]
    levels = [
        np.maximum(energy, 0),
        np.maximum(-energy, 0),
        *style[:, ASYMMETRY + 1 : ASYMMETRY + 1 + len(SPEAKERS)].T,
    ]
    for level, face in zip(levels, SPEAKING.values(), strict=True):
        if level.any():
            out += level[:, None] * _habit(voice, face)
    rounding = np.clip(speech[:, _ROUND[0]] + speech[:, _ROUND[1]], 0, 1)
    out[:, _SMILES] *= 1 - 0.35 * rounding[:, None]
    return np.asarray(out, np.float32)


def feeling(voice: Voice, emotion: str) -> Doubles:
    """An emotion at full intensity, (t, 59)."""
    face = FACES[emotion]
    moves = voice.regions[emotion]
    rise = 0.85 + 0.15 * voice.phrase + face.flash * (voice.onset - 0.3) + face.pause * (0.5 - voice.phrase)
    held, moved = _vector(face.held), _vector(face.moved)
    lips = np.array([SHARE * (_SPEECH_SHARE if r >= 7 else 1.0) for r in REGION])
    head = REGION < 0
    # A feeling stirs what it holds in the way it holds it: anger lowers brows that amazement raises, and
    # of two that pull against each other the weaker is still.
    opposed = _opposed(held)
    stirs = np.where(opposed > 0.2, 0, _vector(STIRS))
    amount = np.where(head, 0, np.where(opposed > held, 0, lips * held) + stirs) + moved
    region = np.where(head | (REGION == MOVED), 0, REGION)
    out = np.zeros((len(moves), SIZE))
    # What is only stirred needs something to sink from.
    base = held + np.where(held == 0, np.maximum(stirs, 0), 0)
    out[:, : len(FACE)] = base * rise[:, None] + amount * moves[:, region]
    out[:, _PARTED] *= 1 - _BUSY * voice.phrase[:, None]
    both_brows = (moves[:, 0] + moves[:, 1]) / 2
    out[:, F["browInnerUp"]] += amount[F["browInnerUp"]] * (both_brows - moves[:, 0])
    _nod(out, voice, 1.0)
    _gain(out, face, voice)
    return out


def _habit(voice: Voice, face: Face) -> Doubles:
    held, moved = _vector(face.held), _vector(face.moved)
    out = np.zeros((len(voice.drive), SIZE))
    pulse = voice.drive @ np.array([0.45, 0.75, 0.3, 0.1, 0.2, -0.2])
    out[:, : len(FACE)] = held * (0.85 + 0.15 * voice.phrase)[:, None] + moved * pulse[:, None]
    out[:, F["headYaw"]] += moved[F["headYaw"]] * (voice.chance[:, 0] - pulse)
    _gain(out, face, voice)
    return out


def _nod(out: Doubles, voice: Voice, size: float) -> None:
    signals = voice.drive[:, 1], voice.drive[:, 4], voice.chance[:, 1]
    for (name, radians), signal in zip(_NODS, signals, strict=True):
        out[:, F[name]] += size * radians * signal


def _gain(out: Doubles, face: Face, voice: Voice) -> None:
    for i, group in enumerate(GROUPS):
        base = face.gains.get(group, 0.0)
        out[:, len(FACE) + i] = base + _LOUDER[group] * (1 + 2 * base) * voice.drive[:, 0]


def _opposed(held: Doubles) -> Doubles:
    """(55,) how far each curve's opponent is held: a lowered brow for a raised one, and so on."""
    out = np.zeros(len(FACE))
    for up, down in (("browInnerUp", "browDownLeft"), *_OPPONENTS):
        for one, other in zip(both(up), both(down), strict=True):
            out[F[one]], out[F[other]] = held[F[other]], max(out[F[other]], held[F[one]])
    return out


def _vector(amounts: dict[str, float]) -> Doubles:
    out = np.zeros(len(FACE))
    for name, amount in amounts.items():
        out[[F[side] for side in both(name)]] = amount
    return out


def _wander(frames: int, count: int, rng: np.random.Generator) -> Doubles:
    """(t, count): noise of unit size that changes within half a second."""
    noise = rng.normal(size=(frames + 300, count))
    keep = np.exp(-1 / (0.22 * FPS))
    for _ in range(2):
        noise = lfilter([1 - keep], [1, -keep], noise, axis=0)
    noise = noise[300:]
    return np.asarray(np.clip(noise / 0.107, -2.5, 2.5))


_LAW = Law()


def joined(speech: Array, expression: Array, style: Array) -> Array:
    """Curves (t, 110): speech (t, 110) with an expression (t, 59)."""
    given = [torch.from_numpy(np.asarray(x, np.float32))[None] for x in (speech, expression, style)]
    with torch.no_grad():
        out = _LAW(given[0], given[1], given[2][..., ASYMMETRY : ASYMMETRY + 1])[0].numpy()
    return np.asarray(out)


def cut(voice: Voice, kept: slice) -> Voice:
    """Some frames of a voice."""
    regions = {emotion: moves[kept] for emotion, moves in voice.regions.items()}
    return Voice(regions, voice.drive[kept], voice.chance[kept], voice.phrase[kept], voice.onset[kept])
