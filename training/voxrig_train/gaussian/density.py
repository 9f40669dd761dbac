"""Where Gaussians are too few or too many: which divide, and which go."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_SHRINK = 1.6
"""By which a Gaussian that splits gets smaller, as in 3D Gaussian splatting."""


@dataclass(frozen=True)
class Growth:
    """When the number of Gaussians changes, in parts of the whole fit."""

    begin: float = 0.08
    end: float = 0.55
    rounds: int = 8
    faintest: float = 0.02
    """Opacity under which a Gaussian goes."""
    large: float = 1.6
    """Pixels of standard deviation from which a Gaussian splits; smaller ones are doubled."""

    def due(self, step: int, steps: int) -> bool:
        """Whether a round follows this step."""
        return step in self._at(steps)

    def left(self, step: int, steps: int) -> int:
        """Rounds that are left, this one among them; 1 at least."""
        return max(1, sum(at >= step for at in self._at(steps)))

    def _at(self, steps: int) -> list[int]:
        return [round((self.begin + (self.end - self.begin) * i / max(1, self.rounds - 1)) * steps)
                for i in range(self.rounds)]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Regrown:
    """Who there is now."""

    parents: Tensor  # (m,) whence each comes
    split: Tensor  # (m,) bool: this one is a part of its parent


def regrown(urge: Tensor, opacity: Tensor, seen: Tensor, large: Tensor, room: int, growth: Growth) -> Regrown:
    """Gaussians after a round of growth.

    ``urge`` (n,) is how much the pictures pull at each, ``seen`` (n,) whether any picture has shown it: what
    no picture shows is left as it is. ``large`` (n,) tells which split rather than double. At most ``room``
    are added.
    """
    keep = (opacity >= growth.faintest) | ~seen
    wish = urge * (keep & seen)
    room += int((~keep).sum())
    count = min(max(room, 0), int((wish > 0).sum()), len(urge) // 5)
    pulled = torch.zeros_like(keep)
    pulled[wish.topk(count).indices] = True
    parts = pulled & large
    old, doubled, halved = (torch.nonzero(x)[:, 0] for x in (keep & ~parts, pulled & ~large, parts))
    split = torch.zeros(len(old) + len(doubled) + 2 * len(halved), dtype=torch.bool, device=urge.device)
    split[len(old) + len(doubled) :] = True
    return Regrown(torch.cat([old, doubled, halved, halved]), split)


def divided(weights: dict[str, Tensor], axes: Tensor, now: Regrown, noise: Tensor) -> None:
    """Sets the parts of split Gaussians apart, in place: each a draw from its parent, and smaller.

    ``weights`` are those of Regrown already, ``axes`` (m, 3, 3) their rotations, ``noise`` (m, 3) normal.
    """
    own = now.split
    step = axes[own] @ (noise[own] * weights["scale"][own].exp())[..., None]
    weights["offset"][own] += step[..., 0]
    weights["scale"][own] -= torch.log(torch.tensor(_SHRINK))
