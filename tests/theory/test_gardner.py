"""Gardner's volume against a direct extremum, its two ends, and the Bayes-optimal learner."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.special import log_ndtr, ndtr

import raflib as rf
from raflib.gardner import entropy_potential
from raflib.overlaps import Overlaps


@pytest.mark.parametrize(("alpha", "margin"), [(0.1, 0.0), (1.0, 0.0), (1.95, 0.0), (0.6, 0.5)])
def test_coin_flips_by_direct_extremum(alpha: float, margin: float) -> None:
    def entropy(q: float) -> float:
        def integrand(x: float) -> float:
            return np.exp(-x * x / 2) / np.sqrt(2 * np.pi) * log_ndtr((np.sqrt(q) * x - margin) / np.sqrt(1 - q))

        return 0.5 * np.log(1 - q) + q / (2 * (1 - q)) + alpha * quad(integrand, -12, 12, epsabs=1e-11)[0]

    best = minimize_scalar(entropy, bounds=(1e-6, 1 - 1e-6), method="bounded", options={"xatol": 1e-10})
    volume = rf.gardner_volume(alpha, 1.0, margin)
    assert volume.entropy == pytest.approx(best.fun, abs=1e-8)
    assert volume.q == pytest.approx(best.x, abs=1e-5)
    assert volume.m == 0.0


def test_a_rule_without_facts_is_the_bayes_problem() -> None:
    # A uniform student of the version space is a posterior sample: q and m are those of Nishimori.
    alpha = np.array([0.3, 1.0, 10.0, 1000.0])
    volume = rf.gardner_volume(alpha, 0.0)
    bayes = rf.solve(rf.RulesAndFacts(alpha, 0.0), rf.BayesOptimal())
    np.testing.assert_allclose(1 - volume.q, bayes.V, rtol=1e-7)
    np.testing.assert_allclose(volume.m, volume.q, rtol=1e-8)


def test_stationary_in_both_overlaps() -> None:
    alpha, eps, margin = (np.array([x]) for x in (1.2, 0.3, 0.1))
    volume = rf.gardner_volume(1.2, 0.3, 0.1)

    def entropy(q: float, m: float) -> float:
        overlaps = Overlaps(np.array([m]), np.array([q - m * m]), np.array([1 - q]))
        return float(entropy_potential(alpha, eps, margin, overlaps)[0])

    assert entropy(volume.q, volume.m) == pytest.approx(volume.entropy, abs=1e-12)
    step = 1e-5
    for dq, dm in ((step, 0.0), (0.0, step)):
        slope = (entropy(volume.q + dq, volume.m + dm) - entropy(volume.q - dq, volume.m - dm)) / (2 * step)
        assert abs(slope) < 1e-6
    assert abs(entropy(volume.q + 0.05, volume.m) - volume.entropy) > 1e-4


def test_few_samples_each_halve_the_volume() -> None:
    volume = rf.gardner_volume(1e-4, 0.4)
    assert volume.entropy == pytest.approx(-1e-4 * np.log(2), rel=1e-3)
    with_margin = rf.gardner_volume(1e-4, 1.0, 0.7)
    assert with_margin.entropy == pytest.approx(1e-4 * np.log(ndtr(-0.7)), rel=1e-3)


@pytest.mark.parametrize(("eps", "margin"), [(1.0, 0.0), (0.3, 0.0), (0.5, 0.4)])
def test_solutions_meet_at_capacity(eps: float, margin: float) -> None:
    near = rf.gardner_volume(np.array([0.99, 0.999]) * rf.capacity(eps, margin), eps, margin)
    assert np.all(np.diff(near.q) > 0)
    assert (1 - near.q)[1] < 0.2 * (1 - near.q)[0]
    with pytest.raises(rf.ConvergenceError, match=r"no student stores all labels at alpha = .*capacity is"):
        rf.gardner_volume(1.001 * rf.capacity(eps, margin), eps, margin)


def test_entropy_falls_with_load_margin_and_facts() -> None:
    alpha = np.linspace(0.1, 1.9, 12)
    assert np.all(np.diff(rf.gardner_volume(alpha).entropy) < 0)
    assert np.all(np.diff(rf.gardner_volume(0.5, 1.0, np.linspace(0, 0.8, 6)).entropy) < 0)
    assert np.all(np.diff(rf.gardner_volume(1.0, np.linspace(0, 1, 6)).entropy) < 0)


def test_negative_margins_are_refused() -> None:
    with pytest.raises(ValueError, match=r"margin = -0\.1 is outside the allowed range \[0, inf\)"):
        rf.gardner_volume(0.5, 1.0, -0.1)
