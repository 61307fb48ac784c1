"""Where naive numerics break: each case here broke a simpler solver."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

import raflib as rf
from raflib.channel import conjugates
from raflib.features import ridge_response
from raflib.gaussian import density, integrate, label_weight, step_breaks, truncated_moments
from raflib.overlaps import Overlaps


def test_small_error_does_not_cancel() -> None:
    # 1 - m^2 / q keeps no digit of an angle of 1e-9; arctan2(sqrt(s), m) keeps all.
    task = rf.RulesAndFacts(1e5, 0.0)
    sol = rf.solve(task, rf.Learner(rf.Hinge(), rf.Linear(), 0))
    error = rf.generalization_error(sol)
    assert error < 1e-4
    naive = np.arccos(min(1.0, sol.m / np.sqrt(sol.q))) / np.pi
    assert error == pytest.approx(np.arctan(np.sqrt(sol.s) / sol.m) / np.pi, rel=1e-14)
    assert naive == pytest.approx(error, rel=1e-3)
    # Perfect learning is exact to the last digits in s, not a difference: E_gen falls as 1 / alpha.
    tenth = rf.generalization_error(rf.solve(rf.RulesAndFacts(1e4, 0.0), rf.Learner(rf.Hinge(), rf.Linear(), 0)))
    assert tenth / error == pytest.approx(10, rel=1e-2)


def test_hinge_at_small_lam_sees_the_step() -> None:
    # Nodes spread over an interval that grows like 1 / lam miss the step of Phi(k x): here k is 40 and V is 1e6.
    eps, m, s, V = 0.1, 2.0, 0.0025, 1e6
    hats = conjugates(np.ones(1), np.array([eps]), rf.Hinge(), Overlaps(np.array([m]), np.array([s]), np.array([V])))
    fine = np.linspace(-12, 12, 2_000_001)
    weight = np.exp(-(fine**2) / 2) / np.sqrt(2 * np.pi) * (eps + 2 * (1 - eps) * ndtr(m / np.sqrt(s) * fine))
    force = np.clip((1 - np.sqrt(m * m + s) * fine) / V, 0, 1)
    assert hats.q_hat[0] == pytest.approx(np.trapezoid(weight * force**2, fine), rel=1e-8)


def test_newton_near_interpolation() -> None:
    # Plain iteration needs 10^4 steps at alpha = 1, lam = 1e-6.
    sol = rf.solve(rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Square(), rf.Linear(), 1e-6))
    assert sol.steps < 50
    assert pytest.approx(1.0, rel=1e-9) == 1e-6 * sol.V**2 + 1e-6 * sol.V  # the ridge quadratic at alpha = 1
    hinge = rf.solve(rf.RulesAndFacts(1.001 * rf.capacity(0.3), 0.3), rf.Learner(rf.Hinge(), rf.Linear(), 1e-6))
    assert hinge.steps < 100


def test_ridge_response_keeps_its_digits() -> None:
    # The textbook root (-b + sqrt(b^2 + 4 lam)) / (2 lam) cancels at large alpha.
    alpha, lam = 1e5, 1e-6
    b = lam + alpha - 1
    naive = (-b + np.sqrt(b * b + 4 * lam)) / (2 * lam)
    V = float(ridge_response(np.array(alpha), np.array(lam)))
    assert pytest.approx(1e-5, rel=1e-4) == V
    assert abs(lam * V * V + b * V - 1) < 1e-14
    assert abs(naive / V - 1) > 1e-3


def test_truncated_moments_by_panels() -> None:
    rng = np.random.default_rng(0)
    h, k, eps = rng.normal(0, 2, 300), np.exp(rng.normal(0, 3, 300)), rng.uniform(0, 1, 300)
    exact = truncated_moments(h, k, eps)
    for n in range(3):
        by_nodes = integrate(
            lambda x, n=n: density(x) * label_weight(x, k[:, None], eps[:, None]) * x**n,
            np.full(300, -38.0),
            h,
            step_breaks(k),
        )
        np.testing.assert_allclose(exact[n], by_nodes, atol=3e-15 * float(exact.magnitude.max()) + 1e-14)


def test_intervals_beyond_the_reach_are_empty() -> None:
    value = integrate(lambda x: np.exp(-x * x / 2), np.array([50.0]), np.array([60.0]))
    assert value.tolist() == [0.0]


def test_integral_of_an_empty_batch() -> None:
    assert integrate(np.exp, np.empty(0), np.empty(0)).shape == (0,)
