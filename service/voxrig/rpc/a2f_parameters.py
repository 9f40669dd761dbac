"""What NVIDIA's parameters do to our face: one table, and what a request makes of it.

NVIDIA's defaults change nothing here; other values count by how far they are from the default. Values out of
range are taken as the nearest legal one, unknown names are left out, and both are told in a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import VoxrigError, one_line
from ..rigs import get
from ..style import EMOTIONS, MAX_INTENSITY
from ..types import Auto
from .limits import Limits
from .order import Adjustment

RIG = get("a2f")
NO_EFFECT = "accepted, no effect"
MAX_BUFFER = 10.0  # s of sound in one message
MAX_TRANSITION = 60.0  # s

_TONGUE = tuple(c for c in RIG.curves if c.startswith("Tongue"))
_LOWER = tuple(c for c in RIG.curves if c.startswith(("Jaw", "Mouth", "CheekPuff")))
_UPPER = tuple(c for c in RIG.curves if c.startswith(("Brow", "EyeSquint", "EyeWide", "CheekSquint", "Nose")))
_BLINK = ("EyeBlinkLeft", "EyeBlinkRight")
_WIDE = ("EyeWideLeft", "EyeWideRight")
_LIPS = ("MouthUpperUpLeft", "MouthUpperUpRight", "MouthLowerDownLeft", "MouthLowerDownRight")
_ALIASES = {"out_of_breath": "outofbreath"}  # as Maya spells it
_PCM = {"audio_format": (0, "0 (PCM)"), "channel_count": (1, "1"), "bits_per_sample": (16, "16")}
_NAMED = 16  # names in a sentence; clients may send thousands


@dataclass(frozen=True)
class Parameter:
    """A number that clients may send."""

    name: str
    default: float
    """NVIDIA's."""
    low: float
    high: float
    effect: str = NO_EFFECT
    scales: tuple[str, ...] = ()
    """Curves that are multiplied by value / default."""
    moves: Mapping[str, float] = field(default_factory=dict)
    """By curve, what a unit above the default adds."""


FACE = (
    Parameter("lowerFaceStrength", 1.3, 0, 2, "gain of jaw, mouth and cheek puff", _LOWER),
    Parameter("upperFaceStrength", 1.0, 0, 2, "gain of brows, nose, cheek and eye squint, wide eyes", _UPPER),
    Parameter("skinStrength", 1.0, 0, 2, "gain of lower and upper face", (*_LOWER, *_UPPER)),
    Parameter("tongueStrength", 1.5, 0, 3, "gain of the tongue", _TONGUE),
    Parameter("blinkStrength", 1.0, 0, 2, "gain of blinks", _BLINK),
    Parameter("blinkOffset", 0.0, 0, 1, "added to blinks", moves=dict.fromkeys(_BLINK, 1.0)),
    Parameter(
        "eyelidOpenOffset", 0.06, -1, 1, "taken from blinks, added to wide eyes",
        moves=dict.fromkeys(_BLINK, -1.0) | dict.fromkeys(_WIDE, 1.0),
    ),
    Parameter(
        "lipOpenOffset", -0.03, -0.2, 0.2, "added to upper lip up and lower lip down",
        moves=dict.fromkeys(_LIPS, 1.0),
    ),
    Parameter(
        "tongueHeightOffset", 0.2, -3, 3, "a third is added to tongue up, taken from tongue down",
        moves={"TongueUp": 1 / 3, "TongueDown": -1 / 3},
    ),
    Parameter("tongueDepthOffset", 0.13, -3, 3),
    Parameter("lowerFaceSmoothing", 0.0023, 0, 0.1),
    Parameter("upperFaceSmoothing", 0.001, 0, 0.1),
    Parameter("faceMaskLevel", 0.6, 0, 1),
    Parameter("faceMaskSoftness", 0.0085, 0.001, 0.5),
)  # fmt: skip
"""face_params.float_params."""

POST = (
    Parameter("preferred_emotion_strength", 0.5, 0, 1, "gain of emotions asked for, by value / default"),
    Parameter("emotion_strength", 0.6, 0, 1, "gain of those asked for, by value / default; of those heard"),
    Parameter("emotion_contrast", 1.0, 0.3, 3, "how far likely emotions are above others, of those heard"),
    Parameter("live_blend_coef", 0.7, 0, 1, "share of what was heard before in what is heard now"),
    Parameter("max_emotions", 3, 1, 6, "emotions heard at a time"),
)
"""emotion_post_processing_params, but for enable_preferred_emotion."""

TRANSITION = Parameter("live_transition_time", 0.5, 0, MAX_TRANSITION, "seconds from one emotion to the next")


@dataclass(frozen=True)
class Wishes:
    """What a request asks of the face, in our terms."""

    adjust: tuple[Adjustment, ...]
    intensity: float
    """Of emotions; 1 is our own measure."""
    preferred: bool
    """Whether the emotions that are asked for show."""
    auto: Auto
    """How emotions are heard in the voice, where none is asked for."""
    transition: float
    """Seconds from one emotion to the next."""
    notes: str
    """What was not taken as it was sent, as a sentence; empty where all was."""


class _Notes:
    """What was not taken as it was sent."""

    def __init__(self) -> None:
        self.idle: list[str] = []
        self.strange: list[str] = []
        self.moved: list[str] = []

    def sentence(self, *more: str) -> str:
        parts = [f"{NO_EFFECT}: {_some(self.idle)}"] if self.idle else []
        parts += [f"unknown, left out: {_some(self.strange)}"] if self.strange else []
        parts += [f"out of range: {_some(self.moved)}"] if self.moved else []
        return "; ".join((*parts, *more))


def wishes(face: Any, post: Any, shapes: Any, emotion: Any = None) -> Wishes:
    """Of the messages FaceParameters, EmotionPostProcessingParameters, BlendShapeParameters and
    EmotionParameters. Raises VoxrigError on NaN."""
    notes, more = _Notes(), []
    strength = _strength(post, notes)
    preferred = post.enable_preferred_emotion if post.HasField("enable_preferred_emotion") else True
    if not preferred:
        strength = _ratio("emotion_strength", post)
        more.append("enable_preferred_emotion is false: emotions that are asked for do not show")
    transition = TRANSITION.default
    if emotion is not None:
        if emotion.HasField("live_transition_time"):
            transition = _within(TRANSITION, emotion.live_transition_time, "emotion_params", notes)
        notes.strange += [name for name in emotion.beginning_emotion if not _emotion(name)]
    adjust = (*_face(face, notes), *_shapes(shapes, notes))
    said = notes.sentence(*more)
    return Wishes(adjust, min(strength, MAX_INTENSITY), preferred, _auto(post), transition, said)


def emotion_weights(emotion: Mapping[str, float], place: str) -> dict[str, float]:
    """Weights by our names, within 0..1; unknown names are left out. Raises VoxrigError on NaN."""
    weights = {}
    for name, value in emotion.items():
        if math.isnan(value):
            raise VoxrigError(f"{place}['{_short(name)}'] is nan; write a number from 0 to 1")
        if _emotion(name):
            weights[_emotion(name)] = min(1.0, max(0.0, value))
    return weights


def pcm_rate(header: Any, limits: Limits) -> int:
    """Hertz of an AudioHeader. Raises VoxrigError where it is not 16-bit mono PCM."""
    for name, (number, said) in _PCM.items():
        if getattr(header, name) != number:
            raise VoxrigError(f"audio_header.{name} is {getattr(header, name)}; have {said}")
    rate = int(header.samples_per_second)
    if not limits.min_rate <= rate <= limits.max_rate:
        legal = f"{limits.min_rate} to {limits.max_rate}"
        raise VoxrigError(f"audio_header.samples_per_second is {rate}; have {legal}")
    return rate


def _face(face: Any, notes: _Notes) -> tuple[Adjustment, ...]:
    """face_params as gains and offsets within the rig's range."""
    known = {parameter.name: parameter for parameter in FACE}
    gain: dict[str, float] = {}
    offset: dict[str, float] = {}
    for name, value in face.float_params.items():
        parameter = known.get(name)
        if parameter is None:
            _finite(value, f"face_params.float_params['{_short(name)}']")
            notes.strange.append(name)
            continue
        value, default = _within(parameter, value, "face_params", notes), _wire(parameter.default)
        if value == default:
            continue
        for curve in parameter.scales:
            gain[curve] = gain.get(curve, 1.0) * value / default
        for curve, slope in parameter.moves.items():
            offset[curve] = offset.get(curve, 0.0) + (value - default) * slope
    notes.strange += [*face.integer_params, *face.float_array_params]
    return (Adjustment(gain, offset),) if gain or offset else ()


def _shapes(shapes: Any, notes: _Notes) -> tuple[Adjustment, ...]:
    """blendshape_params, which may leave the rig's range."""
    taken: list[dict[str, float]] = []
    for place in ("bs_weight_multipliers", "bs_weight_offsets"):
        numbers = dict(getattr(shapes, place))
        for name, value in numbers.items():
            _finite(value, f"blendshape_params.{place}['{_short(name)}']")
        taken.append({name: value for name, value in numbers.items() if name in RIG.curves})
        notes.strange += [name for name in numbers if name not in RIG.curves and name not in notes.strange]
    gain, offset = taken
    if all(v == 1 for v in gain.values()) and not any(offset.values()):
        return ()
    return (Adjustment(gain, offset, clamp=shapes.enable_clamping_bs_weight),)


def _strength(post: Any, notes: _Notes) -> float:
    """How strong emotions are beside NVIDIA's defaults."""
    for parameter in POST:
        if post.HasField(parameter.name):
            _within(parameter, getattr(post, parameter.name), "emotion_post_processing_params", notes)
    return _ratio("preferred_emotion_strength", post) * _ratio("emotion_strength", post)


def _auto(post: Any) -> Auto:
    values = {p.name: _clip(p, getattr(post, p.name)) if post.HasField(p.name) else p.default for p in POST}
    return Auto(
        strength=values["emotion_strength"],
        contrast=values["emotion_contrast"],
        most=int(values["max_emotions"]),
        blend=values["live_blend_coef"],
        preferred=values["preferred_emotion_strength"],
    )


def _ratio(name: str, post: Any) -> float:
    parameter = next(p for p in POST if p.name == name)
    if not post.HasField(name):
        return 1.0
    return _clip(parameter, getattr(post, name)) / _wire(parameter.default)


def _within(parameter: Parameter, value: float, place: str, notes: _Notes) -> float:
    """The value, or the nearest legal one. Raises VoxrigError on NaN."""
    if math.isnan(value):
        raise VoxrigError(f"{place}: {parameter.name} is nan; have {parameter.low:g} to {parameter.high:g}")
    if parameter.effect == NO_EFFECT:
        notes.idle.append(parameter.name)
        return value
    legal = _clip(parameter, value)
    if legal != value:
        notes.moved.append(f"{parameter.name} {value:g} is taken as {legal:g}")
    return legal


def _clip(parameter: Parameter, value: float) -> float:
    return min(_wire(parameter.high), max(_wire(parameter.low), value))


def _finite(value: float, place: str) -> None:
    if not math.isfinite(value):
        raise VoxrigError(f"{place} is {value:g}; write a finite number")


def _wire(value: float) -> float:
    """The number as it comes out of a protobuf float, so that defaults are exactly themselves."""
    return float(np.float32(value))


def _emotion(name: str) -> str:
    """Our name of an emotion; empty where we have none."""
    name = _ALIASES.get(name, name)
    return name if name in EMOTIONS else ""


def _some(names: Iterable[str]) -> str:
    names = [_short(name) for name in names]
    more = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return ", ".join([*names[:_NAMED], *more])


def _short(name: str) -> str:
    return one_line(name if len(name) <= 64 else name[:61] + "...")
