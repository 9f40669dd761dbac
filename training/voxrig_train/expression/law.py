"""How an expression joins speech on the native rig: one rule for the teacher and for the network.

An expression is what each of 55 curves (52 ARKit shapes, 3 head angles) gains, and how much further or
less far four groups of speech motion go. Speech has the last word: lips that touch stay together,
whatever the face feels. Curves that part the lips yield as lips come to touch, an opening jaw takes
``mouthClose`` along, and lips that press do not let go. No expression gives exactly the curves given.

Letters: b streams, t frames at 100 a second.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from voxrig.rigs import NATIVE
from voxrig.rigs.native import ARKIT_CURVES, HEAD_CURVES, both

FACE = (*ARKIT_CURVES, *HEAD_CURVES)
"""The 55 curves that expressions may move."""
F = {name: i for i, name in enumerate(FACE)}
WIDE = len(NATIVE)
GROUPS: dict[str, tuple[str, ...]] = {
    "jaw": ("jawOpen",),
    "height": ("mouthLowerDown*", "mouthUpperUp*"),
    "width": ("mouthStretch*", "mouthSmile*"),
    "rounding": ("mouthFunnel", "mouthPucker"),
}
"""Speech motion whose size an expression scales: it is multiplied by 1 + gain."""
SIZE = len(FACE) + len(GROUPS)
"""Numbers of an expression, a frame."""

_PARTING = {
    **dict.fromkeys(("jawOpen", "jawForward", "mouthFunnel", "mouthUpperUp*", "mouthLowerDown*"), 1.0),
    "mouthShrugUpper": 1.0,
    "mouthStretch*": 0.35,
    "mouthFrown*": 0.3,
}
"""How much of a curve yields where lips touch."""
_PRESSING = ("mouthPress*", "mouthRollLower", "mouthRollUpper", "mouthPucker", "mouthSmile*")
_LEAN = 0.5  # of an expression's motion that asymmetry takes from one side and gives to the other
_LEAN_SPEECH = 0.2  # the same for speech
_MOST, _LEAST = 0.9, -0.7  # gains: beyond them speech is a caricature, or gone


def _mask(names: Iterable[str]) -> Tensor:
    """(110,) 1 at the named curves; a trailing * stands for both sides."""
    out = torch.zeros(len(NATIVE))
    out[[NATIVE.index(side) for name in names for side in both(name)]] = 1
    return out


def sides() -> Tensor:
    """(110,) 1 on the subject's right, -1 on the left, 0 in the middle. A look or a turn is no side."""
    out = torch.zeros(len(NATIVE))
    for name in ARKIT_CURVES:
        if not name.startswith(("eyeLook", "jaw")) and name not in ("mouthLeft", "mouthRight"):
            out[NATIVE.index(name)] = float(name.endswith("Right")) - float(name.endswith("Left"))
    return out


def _touches() -> Tensor:
    """(110, 4): what is read of lips that touch; see ``contact``."""
    out = torch.zeros(len(NATIVE), 4)
    press, roll = NATIVE.index("mouthPressLeft"), NATIVE.index("mouthRollLower")
    out[press, 0] = 1 / 0.35
    out[roll, 1], out[press, 1] = 1 / 0.45, -0.2 / 0.35 / 0.45
    out[NATIVE.index("mouthClose"), 2] = 1
    out[NATIVE.index("jawOpen"), 3] = 1
    return out


_JAW = NATIVE.index("jawOpen")


class Law(nn.Module):
    """Joins speech and expression. Has nothing to learn."""

    low: Tensor
    high: Tensor
    parting: Tensor
    pressing: Tensor
    side: Tensor
    scaled: Tensor
    touches: Tensor
    close: Tensor
    place: Tensor

    def __init__(self) -> None:
        super().__init__()
        kept = [NATIVE.index(name) for name in FACE]
        groups = torch.stack([_mask(names) for names in GROUPS.values()])
        low, high = torch.full((WIDE,), -torch.inf), torch.full((WIDE,), torch.inf)
        low[kept], high[kept] = torch.tensor(NATIVE.low[kept]), torch.tensor(NATIVE.high[kept])
        place = torch.zeros(SIZE, WIDE + len(GROUPS))
        place[torch.arange(SIZE), [*kept, *range(WIDE, WIDE + len(GROUPS))]] = 1
        place[:, NATIVE.index("mouthClose")] = 0  # it follows the jaw
        constants = {
            "low": low,
            "high": high,
            "parting": sum((_mask([name]) * share for name, share in _PARTING.items()), torch.zeros(WIDE)),
            "pressing": _mask(_PRESSING),
            "side": sides()[None] * _LEAN,
            "scaled": torch.cat([groups, (sides() * groups.sum(0) * _LEAN_SPEECH)[None]]),
            "touches": _touches(),
            "close": _mask(("mouthClose",)),
            "place": place,
        }
        for name, value in constants.items():
            self.register_buffer(name, value, persistent=False)

    def forward(self, curves: Tensor, expression: Tensor, asymmetry: Tensor) -> Tensor:
        """curves (b, t, 110), expression (b, t, 59), asymmetry (b, t, 1) -> curves (b, t, 110)."""
        return self.join(curves, expression @ self.place, asymmetry)

    def join(self, curves: Tensor, wide: Tensor, asymmetry: Tensor) -> Tensor:
        """The same of an expression that is laid out as the rig, (b, t, 114): what is added, then gains."""
        touch, close, jaw = self._read(curves)
        add, gain = wide.split([WIDE, len(GROUPS)], -1)
        scale = torch.cat([torch.clamp(gain, _LEAST, _MOST), asymmetry], -1) @ self.scaled
        # Where lips touch, nothing parts them.
        moved = (add * (1 + asymmetry @ self.side) + curves * scale) * (1 - touch * self.parting)
        # The jaw takes mouthClose along in the measure in which it held the lips together before.
        opened = torch.clamp(jaw + moved[..., _JAW : _JAW + 1], 0.0, 1.0) - jaw
        share = torch.clamp(close / torch.clamp(jaw, min=0.02), 0.0, 1.05)
        face = curves + moved + (share * opened) * self.close
        # Nor does anything loosen their press.
        least = torch.maximum(curves * (touch * self.pressing), self.low)
        return torch.minimum(torch.maximum(face, least), self.high)

    def contact(self, curves: Tensor) -> Tensor:
        """How far lips touch each other or the teeth, (b, t, 1) in 0..1, of native curves of speech.

        Read off the jaw that ``mouthClose`` undoes, and off what touching lips do besides: they press (p b
        m) or the lower one rolls in (f v); see ``voxrig.speech.articulators``.
        """
        return self._read(curves)[0]

    def _read(self, curves: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Contact, mouthClose and jawOpen, each (b, t, 1)."""
        press, roll, close, jaw = (curves @ self.touches).split(1, -1)
        undone = close / torch.clamp(jaw, min=0.05)
        felt = torch.maximum(undone, torch.maximum(press, roll))
        return torch.clamp(felt * 1.25, 0.0, 1.0), close, jaw
