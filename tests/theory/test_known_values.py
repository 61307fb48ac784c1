"""Values that were checked before this library existed."""

from __future__ import annotations

import numpy as np
import pytest
from references import CAPACITY, CAPACITY_HALF_MARGIN, KNOWN, Known

import raflib as rf


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_overlaps_and_errors(known: Known) -> None:
    sol = rf.solve(rf.RulesAndFacts(known.alpha, known.eps), known.learner)
    # The recorded digits are rounded to 8 decimals (7 for the linear hinge).
    assert sol.m == pytest.approx(known.m, abs=6e-8, rel=0)
    assert sol.q == pytest.approx(known.q, abs=6e-8, rel=2e-8)
    assert pytest.approx(known.V, abs=6e-8, rel=2e-8) == sol.V
    assert sol.s == pytest.approx(known.q - known.m**2, abs=2e-7)
    assert sol.residual <= 1e-10
    if known.E_gen is not None:
        assert rf.generalization_error(sol) == pytest.approx(known.E_gen, abs=6e-7)
    if known.E_mem is not None:
        assert rf.memorization_error(sol) == pytest.approx(known.E_mem, abs=6e-6)


def test_capacity_at_zero_margin() -> None:
    eps = np.array(list(CAPACITY))
    np.testing.assert_allclose(rf.capacity(eps), list(CAPACITY.values()), atol=6e-5)


def test_capacity_at_half_margin() -> None:
    assert rf.capacity(eps=1.0, margin=0.5) == pytest.approx(CAPACITY_HALF_MARGIN, abs=6e-7)


def test_gardner_capacity_has_the_known_integral() -> None:
    # Gardner (1988): 1 / alpha_c = int_{-kappa}^inf Dt (t + kappa)^2, at eps = 1.
    from scipy.integrate import quad

    for margin in (0.0, 0.1, 1.0, 3.0):
        integral = quad(lambda t, k=margin: np.exp(-t * t / 2) / np.sqrt(2 * np.pi) * (t + k) ** 2, -margin, 40)[0]
        assert rf.capacity(1.0, margin) == pytest.approx(1 / integral, rel=1e-9)


def test_no_facts_no_limit() -> None:
    assert rf.capacity(0.0) == np.inf
    # A rule can be separated at any load, but not with a fixed margin.
    assert np.isfinite(rf.capacity(0.0, 0.2))


def test_capacity_from_the_gordon_minimum() -> None:
    # 1 / alpha_c = min_t E[(g - t y z)_+^2], by brute force: Gauss-Hermite over g and z.
    from scipy.optimize import minimize_scalar

    nodes, weights = np.polynomial.legendre.leggauss(400)
    x, w = 9 * nodes, 9 * weights * np.exp(-0.5 * (9 * nodes) ** 2) / np.sqrt(2 * np.pi)
    half, half_w = 4.5 * (nodes + 1), 4.5 * weights * np.exp(-0.5 * (4.5 * (nodes + 1)) ** 2) * np.sqrt(2 / np.pi)
    for eps in (0.9, 0.35, 0.05):

        def inverse_load(t: float, eps: float = eps) -> float:
            rule = w @ (np.maximum(x[:, None] - t * half[None, :], 0) ** 2) @ half_w
            fact = 0.5 * (1 + t * t)  # g - t y z is symmetric with variance 1 + t^2
            return float((1 - eps) * rule + eps * fact)

        best = minimize_scalar(inverse_load, bounds=(0, 20), method="bounded", options={"xatol": 1e-10})
        assert rf.capacity(eps) == pytest.approx(1 / best.fun, rel=1e-5)
