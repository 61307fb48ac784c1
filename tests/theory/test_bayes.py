"""The Bayes-optimal learner against recorded values, adaptive quadrature and its known limits."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

import raflib as rf
from raflib.bayes import bayes_map


def test_recorded_values() -> None:
    sol = rf.solve(rf.RulesAndFacts(2.0, 0.3), rf.BayesOptimal())
    assert sol.q == pytest.approx(0.42923451901, abs=6e-12)
    assert rf.generalization_error(sol) == pytest.approx(0.27260123919, abs=6e-12)
    noiseless = rf.solve(rf.RulesAndFacts(1.0, 0.0), rf.BayesOptimal())
    assert rf.generalization_error(noiseless) == pytest.approx(0.25437297, abs=6e-9)
    many = rf.solve(rf.RulesAndFacts(1e5, np.array([0.0, 0.1, 0.3])), rf.BayesOptimal())
    np.testing.assert_allclose(1e5 * rf.generalization_error(many), [0.44170, 0.66597, 1.26648], atol=6e-6)


def test_one_over_alpha_with_its_constant() -> None:
    # E_gen -> 1 / (pi C alpha), C = 4 (1 - eps)^2 / (2 pi)^{3/2} int du exp(-u^2) / (1 + (1 - eps) erf(u / sqrt 2)).
    for eps in (0.0, 0.1, 0.6):
        with mp.workdps(25):
            integral = mp.quad(
                lambda u, e=eps: mp.exp(-u * u) / (e + (1 - mp.mpf(e)) * mp.erfc(-u / mp.sqrt(2))),
                [-30, -8, -4, 0, 4, 8],
            )
            constant = float(1 / (mp.pi * 4 * (1 - mp.mpf(eps)) ** 2 / (2 * mp.pi) ** 1.5 * integral))
        sol = rf.solve(rf.RulesAndFacts(1e8, eps), rf.BayesOptimal())
        assert 1e8 * rf.generalization_error(sol) == pytest.approx(constant, rel=1e-6)


@pytest.mark.parametrize("eps", [0.0, 1e-12, 0.3, 0.999])
@pytest.mark.parametrize("r", [1e-4, 0.7, 1e6])
def test_map_against_mpmath(eps: float, r: float) -> None:
    image, slope = bayes_map(np.array([1.3]), np.array([eps]), np.array([r]))

    def reference(r: mp.mpf) -> mp.mpf:
        width = mp.sqrt(r / (1 + 2 * r))
        integral = mp.quad(
            lambda t: mp.exp(-t * t / (2 * r) - t * t) / (mp.mpf(eps) / 2 + (1 - mp.mpf(eps)) * mp.ncdf(t)),
            [x * width for x in (-36, -20, -10, -6, -3, 0, 3, 6, 10, 20)],
        )
        return mp.mpf(1.3) * (1 - mp.mpf(eps)) ** 2 * 2 * (1 + r) / (2 * mp.pi) ** 1.5 / mp.sqrt(r) * integral

    with mp.workdps(30):
        assert image[0] == pytest.approx(float(reference(mp.mpf(r))), rel=1e-12)
        step = mp.mpf(r) * mp.mpf("1e-8")
        numeric = mp.log(reference(mp.mpf(r) + step) / reference(mp.mpf(r) - step)) / mp.mpf("2e-8")
        assert slope[0] == pytest.approx(float(numeric), abs=1e-9)


def test_the_whole_range() -> None:
    rng = np.random.default_rng(0)
    alpha, eps = 10 ** rng.uniform(-3, 8, 600), rng.uniform(0, 1, 600)
    eps[:100], eps[100:130], eps[130:200] = 0.0, 1.0, 10 ** rng.uniform(-12, 0, 70)
    sol = rf.solve(rf.RulesAndFacts(alpha, eps), rf.BayesOptimal())
    assert sol.residual.max() <= 1e-10
    error = rf.generalization_error(sol)
    assert ((error > 0) & (error <= 0.5)).all()
    assert (error[eps == 1.0] == 0.5).all()
    np.testing.assert_array_equal(sol.m, sol.q)  # Nishimori
    gibbs = rf.gibbs_error(sol)
    assert ((gibbs >= error) & (gibbs <= 2 * error * (1 + 1e-12))).all()


def test_nobody_generalizes_better() -> None:
    task = rf.RulesAndFacts(np.array([0.5, 2.0, 20.0]), np.array([[0.0], [0.2], [0.7]]))
    best = rf.generalization_error(rf.solve(task, rf.BayesOptimal()))
    for loss in (rf.Square(), rf.Hinge(), rf.Logistic()):
        for lam in (1e-3, 0.3, 3.0):
            sol = rf.solve(task, rf.Learner(loss, rf.Linear(), lam))
            assert (rf.generalization_error(sol) > best).all()


def test_bayes_equation_is_nishimori_of_the_replicas() -> None:
    # m_hat = q_hat, from two different integrals: over the label law's derivative and over its square.
    eps, q = 0.25, 0.6
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    weights = weights / np.sqrt(2 * np.pi)
    from scipy.special import ndtr

    t = np.sqrt(q / (1 - q)) * nodes
    Z = eps / 2 + (1 - eps) * ndtr(t)
    slope = (1 - eps) * np.exp(-t * t / 2) / np.sqrt(2 * np.pi) / np.sqrt(1 - q)
    square = 2 * 1.3 * weights @ (slope**2 / Z)
    image, _ = bayes_map(np.array([1.3]), np.array([eps]), np.array([q / (1 - q)]))
    assert image[0] == pytest.approx(square, rel=1e-9)


def test_what_it_cannot_answer() -> None:
    sol = rf.solve(rf.RulesAndFacts(2.0, np.array([0.3, 1.0])), rf.BayesOptimal())
    for observable in (rf.memorization_error, rf.training_error, rf.training_loss):
        with pytest.raises(ValueError, match=r"BayesOptimal\(\).*Learner that minimises"):
            observable(sol)
    with pytest.raises(ValueError, match="gibbs_error is defined for BayesOptimal"):
        rf.gibbs_error(rf.solve(rf.RulesAndFacts(2.0, 0.3), rf.Learner(rf.Square(), rf.Linear(), 1.0)))
