"""Curves over time in a GLB: one animation, its samplers and channels, written and read.

Frame i stands at i / fps seconds in float32, and between keys values go in straight lines. The animation
keeps the rig's name and the exact rate in its ``extras``, so that ``voxrig`` gets back what it wrote;
files of others tell the rate by their times.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from voxrig import rigs
from voxrig.avatar.glb_file import Document, Draft, Glb, entries, member, numbers, place
from voxrig.avatar.glb_targets import listed, match
from voxrig.errors import FormatError, RigError, one_line
from voxrig.types import Array, Frames, Rig
from voxrig_export.rates import needed
from voxrig_export.take import Take

RATES = (
    *(Fraction(rate) for rate in (24, 25, 30, 48, 50, 60, 72, 90, 100, 120, 240)),
    *(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120)),
)
"""Frames a second that are recognised from the times of keys."""

_OFF_GRID = (3e-4, 0.03)
"""Of a frame that keys may lie beside their grid, on top of what float32 rounds off: 30 and 29.97 differ by
a thousandth at the first frame. The second is for times that were rounded to half a millisecond at 60."""
_MOST_FRAMES = 1 << 23
_MOST_NUMBERS = 1 << 27
_WIDTHS = {"LINEAR": 1, "STEP": 1, "CUBICSPLINE": 3}


class Animation:
    """The animation that is added to a draft, channel by channel."""

    def __init__(self, draft: Draft, take: Take) -> None:
        self._draft, self._take = draft, take
        self._samplers: list[Document] = []
        self._channels: list[Document] = []
        self._inputs: dict[bytes, int] = {}

    def add(self, node: int, path: str, keys: NDArray[np.int64], values: Array) -> None:
        """Move a node's ``path``: at frame ``keys[k]`` it has ``values[k]``, in whatever width it takes."""
        shared = keys.tobytes()  # one accessor of times for all channels with the same keys
        if shared not in self._inputs:
            self._inputs[shared] = self._draft.accessor(times(keys, self._take.fps))
        output = self._draft.accessor(values)
        self._samplers.append({"input": self._inputs[shared], "interpolation": "LINEAR", "output": output})
        target = {"node": node, "path": path}
        self._channels.append({"sampler": len(self._samplers) - 1, "target": target})

    def finish(self) -> None:
        """Put the animation into the draft; one that moves nothing is left out."""
        if self._channels:
            take = self._take
            about = {"rig": take.rig.name, "fps": [take.fps.numerator, take.fps.denominator]}
            animation = {"name": PurePath(take.audio).stem or "voxrig", "channels": self._channels}
            self._draft.append(
                "animations", {**animation, "samplers": self._samplers, "extras": {"voxrig": about}}
            )


@dataclass(frozen=True, eq=False)
class Track:
    """What one channel of an animation does to a node."""

    node: int
    times: NDArray[np.float64]  # (k,) seconds, rising
    values: NDArray[np.float64]  # (k, w); a cubic spline has (k, 3, w): tangent in, value, tangent out
    interpolation: str


def times(keys: NDArray[np.int64], fps: Fraction) -> Array:
    """Seconds of frames by their numbers, as a GLB holds them."""
    return (keys.astype(np.float64) * fps.denominator / fps.numerator).astype(np.float32)


def moving(glb: Glb, path: str) -> tuple[Document, list[Track]]:
    """The animation to read, and its channels of that path: ours if there is one, else the first.

    Raises FormatError if no animation moves anything of that path.
    """
    able = [animation for animation in entries(glb.document, "animations") if _channels(animation, path)]
    if not able:
        raise FormatError(f"GLB holds no animation of {path}")
    ours = [animation for animation in able if "voxrig" in _extras(animation)]
    chosen = (ours or able)[-1 if ours else 0]
    samplers, nodes = entries(chosen, "samplers"), len(entries(glb.document, "nodes"))
    found = []
    for channel in _channels(chosen, path):
        node = place(member(channel, "target")["node"], nodes, "node of a channel")
        sampler = samplers[place(channel.get("sampler"), len(samplers), "sampler")]
        found.append(_track(glb, node, sampler))
    return chosen, found


def best_rig(animation: Document, names: tuple[str, ...]) -> Rig:
    """The rig that the animation says, else the one with most of the names.

    Of equals ``arkit`` goes first, then the one with fewest curves.
    """
    said = member(_extras(animation), "voxrig").get("rig")
    try:
        return rigs.get(str(said)) if said is not None else _likely(names)
    except RigError:  # a rig of the user's own
        return _likely(names)


def frames(
    rig: Rig, curves: dict[str, tuple[Track, int]], animation: Document, fps: Fraction | None
) -> Frames:
    """The curves on a rig at every frame: ``curves`` has the track of each and the column in it.

    Curves that nothing moves stay at rest. ``fps`` None is the rate that the file tells.
    Raises FormatError if it tells none.
    """
    if not curves:
        raise FormatError(f"GLB animates no curve of rig {rig.name}; looked for {listed(rig.curves)}")
    moved = list({id(track): track for track, _ in curves.values()}.values())
    rate = fps or _said(animation) or _grid(moved)
    count = max((round(float(track.times[-1]) * rate) for track in moved), default=0) + 1
    if count > _MOST_FRAMES or count * len(rig) > _MOST_NUMBERS:
        raise FormatError(f"GLB animation of {count} frames is longer than what is read, {_MOST_FRAMES}")
    values = np.repeat(rig.rest[None].astype(np.float32), count, axis=0)
    for name, (track, column) in curves.items():
        values[:, rig.index(name)] = _sampled(track, column, count, rate)
    if not np.isfinite(values).all():
        raise FormatError("GLB animation holds values that are not finite numbers")
    return Frames(rig, values, rate)


def _channels(animation: Document, path: str) -> list[Document]:
    channels = entries(animation, "channels")
    targets = [member(channel, "target") for channel in channels]
    return [
        c
        for c, target in zip(channels, targets, strict=True)
        if target.get("path") == path and "node" in target
    ]


def _extras(animation: Document) -> Document:
    extras = animation.get("extras")
    return extras if isinstance(extras, dict) else {}


def _track(glb: Glb, node: int, sampler: Document) -> Track:
    interpolation = sampler.get("interpolation", "LINEAR")
    if not isinstance(interpolation, str) or interpolation not in _WIDTHS:
        raise FormatError(
            f"GLB: unknown interpolation '{one_line(str(interpolation)[:20])}'; have {', '.join(_WIDTHS)}"
        )
    seconds = numbers(glb, sampler.get("input")).astype(np.float64)
    values = numbers(glb, sampler.get("output")).astype(np.float64)
    if seconds.shape[1] != 1 or not len(seconds) or not np.isfinite(seconds).all():
        raise FormatError("GLB: times of an animation are not single finite numbers")
    seconds = seconds[:, 0]
    if seconds[0] < 0 or (np.diff(seconds) <= 0).any():
        raise FormatError("GLB: times of an animation do not rise from 0")
    rows = len(seconds) * _WIDTHS[interpolation]
    if values.size % rows or not values.size:
        raise FormatError(f"GLB: {values.size} animated values do not share out among {rows} keys")
    shape = (len(seconds), 3, -1) if interpolation == "CUBICSPLINE" else (len(seconds), -1)
    return Track(node, seconds, values.reshape(shape), interpolation)


def _likely(names: tuple[str, ...]) -> Rig:
    candidates = sorted(map(rigs.get, rigs.names()), key=lambda rig: (rig.name != "arkit", len(rig)))
    found = [len(match(names, rig.curves)) for rig in candidates]
    if not max(found):
        known = listed(tuple(name for name in names if name))
        raise FormatError(f"GLB animates no curve of a rig that is known; it has {known}")
    return candidates[found.index(max(found))]


def _said(animation: Document) -> Fraction | None:
    """The rate that our own animation tells."""
    said = member(_extras(animation), "voxrig").get("fps")
    if not isinstance(said, list) or len(said) != 2:
        return None
    numerator, denominator = (place(part, 1 << 40, "fps") for part in said)
    if not numerator or not denominator:
        raise FormatError("GLB: fps must be two numbers above 0")
    return Fraction(numerator, denominator)


def _grid(tracks: list[Track]) -> Fraction:
    """The slowest rate at which every key lies on a frame."""
    seconds = np.unique(np.concatenate([track.times for track in tracks])) if tracks else np.zeros(1)
    if len(seconds) == 1 and not seconds[0]:
        return Fraction(60)  # one frame has no rate; any says the same
    even = Fraction((len(seconds) - 1) / (seconds[-1] - seconds[0])) if len(seconds) > 1 else Fraction(0)
    whole = Fraction(round(even))
    rates = sorted({*RATES, *([whole] if 1 <= whole <= 1000 else [])})
    for allowed in _OFF_GRID:
        for rate in rates:
            at = seconds * float(rate)
            off = np.abs(at - np.rint(at)) - np.spacing(seconds.astype(np.float32)) * float(rate)
            if (off <= allowed).all() and (np.diff(np.rint(at)) > 0).all():
                return rate
    raise needed("GLB: keys lie on no common frame rate")


def _sampled(track: Track, column: int, count: int, rate: Fraction) -> NDArray[np.float64]:
    """One column of a track at frames 0 to ``count``, held before its first and after its last key."""
    at = track.times * float(rate)
    near = np.rint(at)
    slack = np.spacing(track.times.astype(np.float32)) * float(rate) + 1e-6
    at = np.where(np.abs(at - near) <= slack, near, at)  # so that a key on a frame gives exactly its value
    frame = np.arange(count, dtype=np.float64)
    if track.interpolation == "LINEAR":
        return np.interp(frame, at, track.values[:, column])
    left = np.clip(np.searchsorted(at, frame, "right") - 1, 0, len(at) - 1)
    if track.interpolation == "STEP":
        return np.asarray(track.values[left, column], np.float64)
    right = np.minimum(left + 1, len(at) - 1)
    width = np.where(right > left, at[right] - at[left], 1.0)
    x = np.clip((frame - at[left]) / width, 0.0, 1.0)
    tangent = width / float(rate)  # tangents are per second
    (_, p, out), (into, q, _) = (np.moveaxis(track.values[side, :, column], 1, 0) for side in (left, right))
    out, into = out * tangent, into * tangent
    cubic: NDArray[np.float64] = p + x * (
        out + x * (3 * (q - p) - 2 * out - into + x * (2 * (p - q) + out + into))
    )
    return np.asarray(np.where(right > left, cubic, p), np.float64)
