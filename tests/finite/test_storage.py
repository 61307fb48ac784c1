"""Capacity at finite dimension: Cover's share, theory's limit, and the same numbers on any workers."""

from __future__ import annotations

import numpy as np
import pytest

import raflib as rf
from raflib.finite import cover_fraction, finite_capacity, separable_fraction


def test_covers_share_of_coin_flips() -> None:
    loads = np.array([1.4, 1.8, 2.0, 2.2, 2.6])
    share = separable_fraction(25, loads, trials=400, progress=False)
    exact = cover_fraction(np.rint(25 * loads), 25)
    assert share.values.shape == (400, 5)
    # The binomial law of the trials gives the allowed distance: an estimated error is zero where all agree.
    np.testing.assert_array_less(np.abs(share.mean - exact), 4 * np.sqrt(exact * (1 - exact) / 400))
    # Samples of one stream: a trial that stores many stores few.
    assert np.all(np.diff(share.values, axis=1) <= 0)


def test_a_rule_is_always_separable_and_facts_make_it_hard() -> None:
    share = [separable_fraction(15, 4.0, eps, trials=60, progress=False).mean for eps in (0.0, 0.1, 0.3, 1.0)]
    assert share[0] == 1.0
    assert share[-1] < 0.05
    assert np.all(np.diff(share) <= 0)
    assert share[1] > share[2] + 0.2


def test_the_same_trials_whatever_the_workers_loads_and_number() -> None:
    one = separable_fraction(12, [1.5, 2.0, 2.5], 0.7, trials=12, seed=4, progress=False)
    two = separable_fraction(12, [1.5, 2.0, 2.5], 0.7, trials=12, seed=4, n_jobs=2, progress=False)
    np.testing.assert_array_equal(one.values, two.values)
    alone = separable_fraction(12, 2.0, 0.7, trials=7, seed=4, progress=False)
    np.testing.assert_array_equal(one.values[:7, 1], alone.values)
    other = separable_fraction(12, [1.5, 2.0, 2.5], 0.7, trials=12, seed=5, progress=False)
    assert np.any(other.values != one.values)
    # The measured capacity and the share are of the same trials.
    found = finite_capacity(12, 0.7, trials=16, seed=4, progress=False)
    np.testing.assert_array_equal(found.stored[0, :12] >= 24, one.values[:, 1] == 1)
    again = finite_capacity(12, 0.7, trials=16, seed=4, n_jobs=2, progress=False)
    np.testing.assert_array_equal(found.stored, again.stored)


def test_each_trial_stores_what_it_says_and_no_more() -> None:
    # From the smallest dimension, where far more than the capacity's load may fit, to a margin below it.
    from raflib.finite.storage import _Stream, _streams

    for d, eps, margin in ((1, 0.1, 0.0), (2, 0.3, 0.0), (9, 1.0, 0.0), (9, 0.3, 0.4)):
        found = finite_capacity(d, eps, trials=16, seed=1, margin=margin, progress=False)
        for stored, seed in zip(found.stored[0], _streams(1, d, 16), strict=True):
            stream = _Stream(seed, d, eps)
            assert stream.fits(int(stored), margin)
            assert not stream.fits(int(stored) + 1, margin)


def test_coin_flips_are_half_separable_at_two_whatever_the_dimension() -> None:
    found = finite_capacity([4, 8, 16, 32], 1.0, trials=300, progress=False)
    assert np.all(np.abs(found.load - 2.0) < 4 * found.stderr)
    # Of Cover's law: the standard deviation of the stored number is sqrt(2 d), and its mean 2 d.
    np.testing.assert_allclose(found.width * np.sqrt(found.d), np.sqrt(2), rtol=0.15)
    mean = found.stored.mean(axis=1)
    assert np.all(np.abs(mean - 2 * found.d) < 4 * found.stored.std(axis=1) / np.sqrt(300))


@pytest.mark.parametrize(("eps", "margin"), [(0.1, 0.0), (0.3, 0.0), (1.0, 0.5)])
def test_the_limit_is_the_capacity_of_theory(eps: float, margin: float) -> None:
    found = finite_capacity([6, 12, 24, 48], eps, trials=200, margin=margin, progress=False)
    theory = rf.capacity(eps, margin)
    assert abs(found.limit - theory) < 4 * found.limit_stderr
    assert found.limit_stderr < 0.03 * theory
    # Small systems store more, and the shift is seen.
    assert found.shift > 2 * found.shift_stderr
    assert found.load[0] - theory > 2 * abs(found.load[-1] - theory)


def test_one_dimension_gives_no_limit() -> None:
    found = finite_capacity(10, 0.5, trials=16, progress=False)
    assert found.load.shape == (1,)
    assert np.isnan([found.limit, found.limit_stderr, found.shift, found.shift_stderr]).all()


def test_bad_input_is_named() -> None:
    for arguments, settings, message in (
        ((0, 2.0), {}, r"d = 0 is not an integer in the allowed range \[1, inf\)"),
        ((5, 0.0), {}, r"alpha = 0 is outside the allowed range \(0, inf\)"),
        ((5, 2.0, 1.2), {}, r"eps = 1\.2 is outside the allowed range \[0, 1\]"),
        ((5, 2.0, [0.1, 0.2]), {}, r"eps has shape \(2,\); it must be one number"),
        ((5, 2.0), {"trials": 0}, r"trials = 0 is not an integer"),
        ((5, 2.0), {"seed": -1}, r"seed = -1 is not an integer"),
        ((5, 2.0), {"margin": -1.0}, r"margin = -1 is outside"),
        ((5, 2.0), {"n_jobs": 0}, r"n_jobs = 0 is not a positive integer"),
    ):
        with pytest.raises(ValueError, match=message):
            separable_fraction(*arguments, progress=False, **settings)
    for arguments, message in (
        ((5, 0.0), r"eps = 0 at margin = 0: a rule can always be stored"),
        (([5, 5], 0.5), r"d = \[5, 5\] must hold at least one dimension, each once"),
        (([], 0.5), r"d = \[\] must hold"),
        ((5, 0.5, 8), r"trials = 8 is not an integer in the allowed range \[16, inf\)"),
    ):
        with pytest.raises(ValueError, match=message):
            finite_capacity(*arguments, progress=False)
