"""Cover's count against labellings counted one by one, exact integers and the law of large numbers."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.special import ndtr

import raflib as rf
from raflib.finite import cover_count, cover_fraction


@pytest.mark.parametrize(("n", "d"), [(1, 1), (4, 1), (5, 2), (7, 3), (6, 5), (4, 6)])
def test_labellings_counted_one_by_one(n: int, d: int) -> None:
    X = np.random.default_rng(n + 10 * d).standard_normal((n, d))
    stored = sum(rf.finite.is_separable(X, np.array(y)) for y in itertools.product([-1.0, 1.0], repeat=n))
    assert stored == cover_count(n, d)


def test_the_recursion_of_the_count() -> None:
    for n in (1, 3, 17, 60):
        for d in (2, 5, 30, 61):
            assert cover_count(n + 1, d) == cover_count(n, d) + cover_count(n, d - 1)


@pytest.mark.parametrize(
    ("n", "d"),
    [(10, 3), (101, 50), (1000, 200), (1000, 501), (2000, 9), (5000, 2300), (5000, 2700), (6000, 1), (9, 9)],
)
def test_the_share_and_its_logarithm_against_exact_integers(n: int, d: int) -> None:
    exact = Fraction(cover_count(n, d), 2**n)
    if float(exact) > 1e-300:
        assert cover_fraction(n, d) == pytest.approx(float(exact), rel=1e-12)
    # The logarithm of a fraction whose digits do not fit a float, and of one close to 1.
    small = exact < Fraction(1, 2)
    logarithm = math.log(exact.numerator) - math.log(exact.denominator) if small else math.log1p(-float(1 - exact))
    assert cover_fraction(n, d, log=True) == pytest.approx(logarithm, rel=1e-12, abs=0)


def test_one_half_at_twice_the_dimension_and_a_step_there() -> None:
    d = np.array([1, 7, 1000, 10**7])
    np.testing.assert_allclose(cover_fraction(2 * d, d), 0.5, rtol=1e-12)
    far = 10**8
    z = np.array([-2.0, -0.5, 1.0])
    n = np.rint(2 * far - z * np.sqrt(2 * far))
    np.testing.assert_allclose(cover_fraction(n, far), ndtr(z), atol=1e-4)
    assert cover_fraction(np.array([5, 6]), 6).tolist() == [1.0, 1.0]
    assert cover_fraction(np.array([5, 6]), 6, log=True).tolist() == [0.0, 0.0]


def test_the_logarithm_is_smooth_where_its_formula_changes() -> None:
    # Around 1e-280 the sum takes over from the incomplete beta function.
    n = np.arange(2100, 2300)
    logarithm = cover_fraction(n, 300, log=True)
    assert logarithm[0] > math.log(1e-280) > logarithm[-1]
    assert np.abs(np.diff(logarithm, 3)).max() < 1e-4


def test_it_broadcasts_and_names_bad_input() -> None:
    table = cover_fraction(np.arange(1, 5)[:, None], np.arange(1, 4))
    assert table.shape == (4, 3)
    assert table[3, 1] == cover_fraction(4, 2) == 0.5
    for arguments, message in (
        ((0, 2), r"n = 0 is outside the allowed range \[1, inf\)"),
        ((4, 2.5), r"d = 2\.5 is not an integer in the allowed range"),
        ((np.ones(2), np.ones(3)), r"shapes do not broadcast"),
    ):
        with pytest.raises(ValueError, match=message):
            cover_fraction(*arguments)
    with pytest.raises(ValueError, match=r"d = 2\.0 is not an integer"):
        cover_count(4, 2.0)
