"""What others make of the same clips: controls, and the lip-sync tools that are installed.

Controls: ``oracle``, the labels themselves through our coarticulation (the ceiling); ``amplitude``,
loudness opens the jaw (what a simple avatar does); ``shuffled``, the oracle of another clip (the floor
of right motion for wrong words); ``still``, a mouth that never moves.

Tools: Rhubarb (the program ``rhubarb``, by sound alone), pylipsync (a Python uLipSync) and PocketSphinx,
which is told the words and aligns them. Visemes become curves by our own viseme poses, for all alike,
so that only hearing differs.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import numpy as np

from voxrig.errors import VoxrigError, one_line
from voxrig.retime import frame_count
from voxrig.rigs import NATIVE
from voxrig.rigs.viseme_poses import VISEMES, poses
from voxrig.speech import articulators, coarticulation
from voxrig.speech.phones import Phone
from voxrig.types import Array, Frames
from voxrig_train.labels import Labelled

FPS = Fraction(coarticulation.RATE)

_FADE = 7  # frames in which one mouth shape turns into the next
_WINDOW = 0.064  # s of sound that pylipsync looks at, centred
_LOUD, _SILENT = -18.0, -48.0  # dBFS at which a jaw that follows loudness is open, and shut
_ATTACK, _DECAY, _WIDE = 0.03, 0.08, 0.6  # s, s, jawOpen

# Shapes of other tools as mixes of the 15 visemes: Rhubarb's A to H and X, and uLipSync's vowels.
_SHAPES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        **{"A": {"PP": 1}, "B": {"ih": 0.5, "SS": 0.3, "kk": 0.2}, "C": {"E": 1}, "D": {"aa": 1}},
        **{"E": {"oh": 0.6, "RR": 0.4}, "F": {"ou": 1}, "G": {"FF": 1}, "H": {"nn": 0.5, "E": 0.5}},
        **{"X": {"sil": 1}, "silence": {"sil": 1}},
        **{"aa": {"aa": 1}, "ee": {"E": 1}, "ih": {"ih": 1}, "oh": {"oh": 1}, "ou": {"ou": 1}},
    }
)


@dataclass(frozen=True, eq=False)
class System:
    """Something that animates speech."""

    name: str
    tell: Callable[[Labelled], Frames]
    """On the native rig; frame 0 belongs to the first sample."""
    latency: float = 0.0
    """Seconds from a moment of sound to when its frame can be shown; 0 for what works on files."""


def controls(clips: Sequence[Labelled]) -> list[System]:
    """Systems to compare with that need nothing but labels and sound."""
    after = {id(clip): clips[(i + 1) % len(clips)] for i, clip in enumerate(clips)}

    def shuffled(clip: Labelled) -> Frames:
        return _stretched(oracle(after[id(clip)]), _frames(clip))

    found = [System("oracle", oracle), System("amplitude", amplitude, 1 / coarticulation.RATE)]
    return [*found, *([System("shuffled", shuffled)] if len(clips) > 1 else []), System("still", still)]


def tools(clips: Sequence[Labelled]) -> tuple[list[System], list[str]]:
    """The tools that can run here, and a word about each that cannot."""
    found, missing = [], []
    if program := shutil.which("rhubarb"):
        found.append(System("rhubarb", lambda clip: rhubarb(clip, program)))
    else:
        missing.append("rhubarb (program)")
    if find_spec("pylipsync"):
        found.append(System("pylipsync", pylipsync, _WINDOW / 2 + 1 / (2 * coarticulation.RATE)))
    else:
        missing.append("pylipsync (pip)")
    if find_spec("pocketsphinx") is None:
        missing.append("pocketsphinx (pip)")
    elif not all(clip.text for clip in clips):
        missing.append("pocketsphinx (has no words to align for some clips)")
    else:
        found.append(System("pocketsphinx", pocketsphinx))
    return found, missing


def oracle(clip: Labelled) -> Frames:
    """What our own coarticulation makes of the labels."""
    return _spoken(clip.phones, _frames(clip))


def still(clip: Labelled) -> Frames:
    """A face at rest."""
    return Frames(NATIVE, np.zeros((_frames(clip), len(NATIVE)), np.float32), FPS)


def amplitude(clip: Labelled) -> Frames:
    """A jaw that opens with the loudness of 10 ms of sound, quickly, and closes slowly."""
    samples, rate, count = clip.sound.samples, clip.sound.rate, _frames(clip)
    starts = np.arange(count) * rate // coarticulation.RATE
    power = np.add.reduceat(samples.astype(float) ** 2, starts) / np.diff(starts, append=len(samples))
    wanted = np.clip((10 * np.log10(power + 1e-12) - _SILENT) / (_LOUD - _SILENT), 0, 1)
    values, jaw = np.zeros((count, len(NATIVE)), np.float32), 0.0
    column = values[:, NATIVE.index("jawOpen")]
    for i, level in enumerate(wanted.tolist()):
        jaw += (level - jaw) * (1 - np.exp(-1 / coarticulation.RATE / (_ATTACK if level > jaw else _DECAY)))
        column[i] = _WIDE * jaw
    return Frames(NATIVE, values, FPS)


def rhubarb(clip: Labelled, program: str) -> Frames:
    """Rhubarb's mouth shapes, each faded into the next. Raises VoxrigError where it fails."""
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        sound, told = Path(folder) / "clip.wav", Path(folder) / "clip.tsv"
        soundfile.write(sound, np.clip(clip.sound.samples, -1, 1), clip.sound.rate, subtype="PCM_16")
        command = [program, "--quiet", "-f", "tsv", "--extendedShapes", "GHX", "-o", str(told), str(sound)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode or not told.exists():
            raise VoxrigError(f"rhubarb failed on {clip.name}: {one_line(done.stderr.strip()[-200:])}")
        cues = [line.split() for line in told.read_text().splitlines() if line.strip()]
    values = np.zeros((_frames(clip), len(VISEMES)), np.float32)
    for start, shape in cues:
        values[round(float(start) * coarticulation.RATE) :] = _mix(shape)
    padded = np.pad(values, ((_FADE // 2, _FADE // 2), (0, 0)), "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _FADE, 0)
    return _posed(windows.mean(-1))


def pylipsync(clip: Labelled) -> Frames:
    """The vowels of pylipsync with the templates that it brings, louder ones wider."""
    heard = (
        import_module("pylipsync")
        .PhonemeAnalyzer()
        .extract_phoneme_segments(
            clip.sound.samples, clip.sound.rate, window_size_ms=1000 * _WINDOW, fps=coarticulation.RATE
        )
    )
    values = [sum((p.target * _mix(p.name) for p in s.phonemes), np.zeros(len(VISEMES))) for s in heard]
    return _posed(np.asarray(values, np.float32))


def pocketsphinx(clip: Labelled) -> Frames:
    """The clip's words, aligned, through our coarticulation; a face at rest where they fit nowhere."""
    import soxr

    from voxrig_train.align import RATE, align, pronounce

    sound = clip.sound.samples
    if clip.sound.rate != RATE:
        sound = soxr.resample(sound, clip.sound.rate, RATE)
    aligned = align(np.asarray(sound, np.float32), clip.text, pronounce)
    return still(clip) if aligned is None else _spoken(aligned[0], _frames(clip))


def _mix(shape: str) -> Array:
    """Viseme weights, (15,)."""
    weights = np.zeros(len(VISEMES), np.float32)
    for viseme, weight in _SHAPES[shape].items():
        weights[VISEMES.index(viseme)] = weight
    return weights


def _posed(weights: Array) -> Frames:
    """Viseme weights (t, 15) to native frames."""
    return Frames(NATIVE, np.clip(weights @ poses(), NATIVE.low, NATIVE.high), FPS)


def _spoken(phones: Sequence[Phone], count: int) -> Frames:
    return Frames(NATIVE, articulators.curves(coarticulation.targets(phones, count)), FPS)


def _stretched(frames: Frames, count: int) -> Frames:
    at = np.linspace(0, len(frames) - 1, count)
    return Frames(frames.rig, frames.values[np.round(at).astype(int)], frames.fps)


def _frames(clip: Labelled) -> int:
    return frame_count(len(clip.sound.samples), clip.sound.rate, FPS)
