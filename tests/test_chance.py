"""Chance wanders evenly, begins anew without a seam, and does not depend on how it is cut."""

from fractions import Fraction

import numpy as np
import pytest

from voxrig.chance import CHANNELS, Chance

LOOP = 1 << 15


@pytest.mark.parametrize("start", [0, 1234, LOOP - 3, 10 * LOOP + 7])
def test_it_does_not_depend_on_how_it_is_cut(start: int) -> None:
    whole = Chance(5, Fraction(100)).take(start, 40)
    other = Chance(5, Fraction(100))
    parts = [other.take(start + at, count) for at, count in ((0, 1), (1, 19), (20, 20))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert whole.shape == (40, len(CHANNELS))


def test_signals_are_of_unit_size_slow_and_independent() -> None:
    told = Chance(0, Fraction(100)).take(0, LOOP)
    np.testing.assert_allclose(told.std(0), 1, atol=0.05)
    np.testing.assert_allclose(told.mean(0), 0, atol=0.05)
    assert np.abs(np.corrcoef(told.T) - np.eye(len(CHANNELS))).max() < 0.3
    assert np.abs(np.diff(told, axis=0)).max() < 0.25


def test_it_ends_where_it_begins() -> None:
    one = Chance(0, Fraction(100))
    around = one.take(LOOP - 500, 1000)
    steps = np.abs(np.diff(around, axis=0)).max(1)
    assert steps.max() < 0.25


def test_seeds_differ_and_frame_rates_are_alike() -> None:
    one, other = (Chance(seed, Fraction(100)).take(0, 500) for seed in (1, 2))
    assert np.abs(one - other).mean() > 0.3
    slow = Chance(1, Fraction(50)).take(0, LOOP)
    quick = Chance(1, Fraction(100)).take(0, LOOP)
    assert np.diff(slow, axis=0).std() == pytest.approx(2 * np.diff(quick, axis=0).std(), rel=0.15)
