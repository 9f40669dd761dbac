"""The correlation network: which motion of a region goes with that of the others, in each emotion.

After the correlation supervision of CSTalk (Chu and others, "CSTalk: Correlation Supervised Speech-driven
3D Emotional Facial Animation Generation", 2024): two transformer layers over region tokens learn from the
teacher to tell regions that are hidden from those that are seen; frozen, they then judge what the
expression network does. It uses the regions of ``regions.py``, each as a moment's course of 8 values.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from voxrig_train.expression.network import EMOTIONS
from voxrig_train.expression.regions import READ, REGIONS

_WIDTH, _LAYERS, _HEADS = 64, 2, 4
_COURSE, _EVERY = 8, 4  # values of a token, and frames between them: 0.3 s
_HIDDEN = 0.3  # share of regions
_LITTLE = 0.01  # motion of a region that counts as none


class Correlation(nn.Module):
    """Courses (n, 11, 8), which are hidden (n, 11), mixture of emotions (n, 10) -> courses (n, 11, 8)."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = nn.Linear(_COURSE, _WIDTH)
        self.place = nn.Parameter(torch.randn(len(REGIONS), _WIDTH) * 0.1)
        self.hidden = nn.Parameter(torch.randn(_WIDTH) * 0.1)
        self.emotion = nn.Linear(len(EMOTIONS), _WIDTH)
        layer = nn.TransformerEncoderLayer(
            _WIDTH, _HEADS, 2 * _WIDTH, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)
        self.outside = nn.Linear(_WIDTH, _COURSE)

    def forward(self, courses: Tensor, hidden: Tensor, mixture: Tensor) -> Tensor:
        tokens = torch.where(hidden[..., None], self.hidden, self.inside(courses))
        tokens = tokens + self.place + self.emotion(mixture)[:, None]
        return torch.as_tensor(self.outside(self.layers(tokens)))


def motion(curves: Tensor) -> Tensor:
    """Regions (b, t, 11) of curves (b, t, 110), about their mean in the excerpt."""
    return about(curves @ torch.from_numpy(READ))


def about(x: Tensor) -> Tensor:
    """(b, t, k) about their mean in the excerpt."""
    return x - x.mean(1, keepdim=True)


def size(wanted: Tensor) -> Tensor:
    """(b, 1, k): how much the teacher's motion (b, t, k) moves, the unit of all that follows."""
    return wanted.std(1, keepdim=True) + _LITTLE


def courses(moved: Tensor, generator: torch.Generator, count: int = 6) -> Tensor:
    """Moments (b * count, 11, 8) of regions' motion (b, t, 11), at random times."""
    span = (_COURSE - 1) * _EVERY + 1
    first = torch.randint(0, moved.shape[1] - span, (moved.shape[0], count), generator=generator)
    at = first[..., None] + torch.arange(0, span, _EVERY)
    rows = torch.arange(moved.shape[0])[:, None, None]
    return moved[rows, at].transpose(2, 3).flatten(0, 1)


def hidden(count: int, generator: torch.Generator) -> Tensor:
    """Which regions are hidden, (n, 11), some in every row."""
    draw = torch.rand(count, len(REGIONS), generator=generator)
    return draw <= torch.maximum(draw.amin(1, keepdim=True), torch.tensor(_HIDDEN))


def surprise(network: Correlation, moments: Tensor, mixture: Tensor, generator: torch.Generator) -> Tensor:
    """Mean squared error of what is hidden; mixture (n, 10)."""
    which = hidden(len(moments), generator)
    told = network(moments, which, mixture)
    return ((told - moments) ** 2)[which].mean()


def astray(moved: Tensor, wanted: Tensor) -> Tensor:
    """How far numbers (b, t, k) go together otherwise than those wanted: the mean square over what each has
    to do with each, times k.

    The first and the second half of the batch are told by themselves and multiplied, so that what happened
    in a few excerpts only does not count.
    """
    one, other = (
        _together(part) - _together(goal) for part, goal in zip(moved.chunk(2), wanted.chunk(2), strict=True)
    )
    return (one * other).sum() / len(one)


def _together(x: Tensor) -> Tensor:
    return (x.transpose(1, 2) @ x).mean(0) / x.shape[1]
