"""Curves that were made before, and their sound, as the beats that a renderer draws."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from fractions import Fraction

import numpy as np

from voxrig.audio import AudioSource
from voxrig.cast import SOUND_RATE, Beat, sound_before
from voxrig.errors import RigError
from voxrig.resample import Resampler
from voxrig.retime import Retime
from voxrig.rigs import NATIVE, map_to, names
from voxrig.types import Array, AudioChunk, Frames


def native(taken: Frames, fps: Fraction) -> Array:
    """(t, c) of the native rig at a rate, from the first frame to the last. Raises RigError."""
    try:
        to_native = map_to(taken.rig, NATIVE)
    except RigError:
        able = [name for name in names() if _drawable(name)]
        told = f"a take on {taken.rig.name} cannot be drawn; have {', '.join(able)}"
        raise RigError(f"{told}, or the recording itself") from None
    values = to_native(taken).values
    return values if taken.fps == fps else Retime(taken.fps, fps, len(NATIVE)).push(values)


def beats(values: Array, fps: Fraction, sound: AudioSource | None) -> Generator[Beat, None, None]:
    """Values (t, c) frame by frame; of the sound as much as they last, and silence where it is shorter."""
    with closing(_heard(sound)) as heard:
        held = np.zeros(0, np.float32)
        for k in range(len(values)):
            start, end = sound_before(k, fps), sound_before(k + 1, fps)
            while sound is not None and len(held) < end - start:
                held = np.concatenate([held, next(heard)])
            now, held = held[: end - start], held[end - start :]
            yield Beat(k, (values[k],), AudioChunk(now, SOUND_RATE, start))


def _heard(sound: AudioSource | None) -> Generator[Array, None, None]:
    """A sound at SOUND_RATE, and silence after it."""
    if sound is not None:
        resampler = Resampler(sound.rate, SOUND_RATE, "best")
        for chunk in sound.chunks():
            yield resampler.push(chunk.samples)
        yield resampler.push(np.zeros(0, np.float32), last=True)
    while True:
        yield np.zeros(SOUND_RATE, np.float32)


def _drawable(name: str) -> bool:
    from voxrig.rigs import get

    try:
        map_to(get(name), NATIVE)
    except RigError:
        return False
    return True
