"""What a face does that the motion of its mesh does not tell, learnt together with the head."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from voxrig.render.splat.gaussians import DELTAS, Bases
from voxrig.rigs.native import NATIVE, PHONE_CURVES
from voxrig.types import Array
from voxrig_train.gaussian.head import Weight, Weights

DEFORMERS = ("bases", "attention", "concatenation", "none")


class Deformer(Protocol):
    """Moves Gaussians by what the rig says. Holds no tensors: whoever fits owns them and hands them in."""

    def begin(self, count: int) -> dict[str, Weight]:
        """What it learns, for that many Gaussians."""
        ...

    def deltas(self, weights: Weights, motion: Tensor, rest: Tensor) -> Tensor | None:
        """(n, 13) in the order of Bases.moves, or None where nothing moves.

        motion: (t, c) the last HISTORY frames of the native rig, the newest last. rest: (n, 3) where the
        triangles hold the Gaussians in the figure at rest.
        """
        ...

    def bases(self, weights: Weights) -> Bases | None:
        """What it has learnt, as voxrig draws it."""
        ...

    def graph(self, weights: Weights, rest: Tensor) -> bytes:
        """The same as an ONNX graph, where it is no bases: see Gaussians.listener."""
        ...


class Still:
    """Leaves all to the mesh: what others are compared with."""

    def begin(self, count: int) -> dict[str, Weight]:
        return {}

    def deltas(self, weights: Weights, motion: Tensor, rest: Tensor) -> Tensor | None:
        return None

    def bases(self, weights: Weights) -> Bases | None:
        return None

    def graph(self, weights: Weights, rest: Tensor) -> bytes:
        return b""


class Linear:
    """Linear bases. They begin at nothing, and their mixture with the principal components of the motion.

    ``values`` (t, c) are of the native rig: what will be learnt from.
    """

    def __init__(self, values: Array, count: int = 12) -> None:
        told = [i for i, name in enumerate(NATIVE.curves) if name not in PHONE_CURVES]
        self.shapes = tuple(NATIVE.curves[i] for i in told if np.ptp(values[:, i]) > 1e-3)
        if not self.shapes:
            raise ValueError("nothing moves in these values: there is nothing for bases to learn from")
        self._columns = torch.tensor([NATIVE.index(name) for name in self.shapes])
        weights = values[:, self._columns.numpy()].astype(np.float64)
        mean = weights.mean(0)
        _, strength, ways = np.linalg.svd(weights - mean, full_matrices=False)
        k = min(count, len(ways))
        strength = strength[:k] / np.sqrt(len(weights))
        # Each component goes about ±1, but a weak one is not blown up into noise.
        mix = ways[:k] / np.maximum(strength, strength[0] / 4)[:, None]
        self._mix = np.concatenate([mix, -(mix @ mean)[:, None]], 1).astype(np.float32)
        # How far one unit of what is learnt goes, by the order of Bases.moves: one rate then fits all.
        steps = np.repeat([1.0, 1.0, 1.0, 4.0, 0.5], [3, 3, 3, 1, 3]).astype(np.float32)
        self._steps = torch.from_numpy(steps)

    def begin(self, count: int) -> dict[str, Weight]:
        moves = torch.zeros(len(self._mix), count, DELTAS)
        return {"moves": Weight(moves, 2e-3, 1), "mix": Weight(torch.from_numpy(self._mix), 1e-3, None)}

    def deltas(self, weights: Weights, motion: Tensor, rest: Tensor) -> Tensor | None:
        told = torch.cat([motion[-1, self._columns.to(motion.device)], motion.new_ones(1)])
        moves = weights["moves"]
        out = (weights["mix"] @ told) @ moves.flatten(1)
        return out.view(moves.shape[1:]) * self._steps.to(moves.device)

    def bases(self, weights: Weights) -> Bases | None:
        moves = weights["moves"].detach().cpu() * self._steps
        return Bases(moves.numpy(), weights["mix"].detach().cpu().numpy(), self.shapes)

    def graph(self, weights: Weights, rest: Tensor) -> bytes:
        return b""
