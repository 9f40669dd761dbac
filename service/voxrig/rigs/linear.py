"""Weighted sums from one list of curves to another: most of every rig map.

A table row reads "this source curve adds so much to that target curve". The rows become a matrix
once; applying it picks columns instead of multiplying by its many zeros, so that copies are exact
to the last bit and a frame gives the same numbers alone or among ten thousand others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxrig.types import Array

Row = tuple[str, str, float]
"""Source curve, target curve, weight."""


@dataclass(frozen=True, eq=False)
class _Layer:
    """At most one source for each target; a target with three sources lives in three layers."""

    sources: NDArray[np.intp]  # (m,)
    targets: NDArray[np.intp]  # (m,)
    weights: Array  # (m,)


@dataclass(frozen=True, eq=False)
class Linear:
    """``values @ weights + bias``, for (t, c_in) float32 giving (t, c_out) float32."""

    weights: Array  # (c_in, c_out)
    bias: Array  # (c_out,)
    layers: tuple[_Layer, ...]

    def __call__(self, values: Array) -> Array:
        out = np.empty((len(values), len(self.bias)), np.float32)
        out[:] = self.bias
        for layer in self.layers:
            out[:, layer.targets] += np.take(values, layer.sources, axis=1) * layer.weights
        return out


def linear(
    source: Sequence[str], target: Sequence[str], rows: Iterable[Row], bias: Mapping[str, float] | None = None
) -> Linear:
    """The rule of a table. Rows for the same pair of curves add up.

    Raises ValueError if a row or a bias names a curve that is not in its list.
    """
    columns_in = {name: i for i, name in enumerate(source)}
    columns_out = {name: i for i, name in enumerate(target)}
    weights = np.zeros((len(source), len(target)), np.float32)
    for curve_in, curve_out, weight in rows:
        if curve_in not in columns_in or curve_out not in columns_out:
            raise ValueError(f"row {curve_in} -> {curve_out}: no such curve on one of the two rigs")
        weights[columns_in[curve_in], columns_out[curve_out]] += weight
    offset = np.zeros(len(target), np.float32)
    for curve_out, value in (bias or {}).items():
        if curve_out not in columns_out:
            raise ValueError(f"bias for {curve_out}: no such curve on the target rig")
        offset[columns_out[curve_out]] = value
    return Linear(weights, offset, _layers(weights))


def _layers(weights: Array) -> tuple[_Layer, ...]:
    targets, sources = np.nonzero(weights.T)  # sorted by target, then by source
    depth = np.arange(len(targets)) - np.searchsorted(targets, targets)
    return tuple(
        _Layer(sources[depth == d], targets[depth == d], weights[sources[depth == d], targets[depth == d]])
        for d in range(int(depth.max(initial=-1)) + 1)
    )
