"""State evolution ends where the solver ends, and the Bayes-optimal force is that of the label law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr

import raflib as rf
from raflib.bayes import bayes_map
from raflib.finite.posterior import PosteriorForce

TASK = rf.RulesAndFacts(np.array([0.6, 2.0])[:, None], np.array([0.0, 0.3, 1.0]))
LEARNERS = {
    "ridge, linear": rf.Learner(rf.Square(), rf.Linear(), 0.3),
    "hinge, linear": rf.Learner(rf.Hinge(), rf.Linear(), 0.5),
    "squared hinge, kernel": rf.Learner(rf.SquaredHinge(), rf.Kernel(0.8, 0.6), 0.4),
    "logistic, linear": rf.Learner(rf.Logistic(), rf.Linear(), 0.5),
    "max margin, kernel": rf.Learner(rf.MaxMargin(), rf.Kernel(0.7, 0.7), 1.0),
    "min norm, kernel": rf.Learner(rf.Square(), rf.Kernel(0.7, 0.7), 0.0),
    "ridge, random features": rf.Learner(rf.Square(), rf.RandomFeatures(0.8, 0.6, 2.0), 0.3),
    "hinge, random features": rf.Learner(rf.Hinge(), rf.RandomFeatures(0.8, 0.6, 0.7), 0.5),
    "Bayes": rf.BayesOptimal(),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_it_ends_at_the_fixed_point_of_the_solver(name: str) -> None:
    learner = LEARNERS[name]
    path = rf.finite.state_evolution(TASK, learner, steps=250)
    sol = rf.solve(TASK, learner)
    assert path.m.shape == (251, 2, 3)
    for overlap in ("m", "q", "s", "V"):
        np.testing.assert_allclose(getattr(path, overlap)[-1], getattr(sol, overlap), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(path.generalization_error[-1], rf.generalization_error(sol), rtol=1e-7)
    if isinstance(learner, rf.Learner):
        np.testing.assert_allclose(path.memorization_error[-1], rf.memorization_error(sol), rtol=1e-7, atol=1e-14)
        np.testing.assert_allclose(path.training_error[-1], rf.training_error(sol), rtol=1e-7, atol=1e-14)
    # Every step is on the way: the first is not the last.
    assert np.all(np.abs(path.V[1] - path.V[-1]) > 1e-3 * path.V[-1]) or isinstance(learner, rf.BayesOptimal)


def test_the_solution_stands_still() -> None:
    task, learner = rf.RulesAndFacts(1.4, 0.2), rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), 0.05)
    sol = rf.solve(task, learner, tol=1e-13)
    path = rf.finite.state_evolution(task, learner, steps=1, start=(sol.m, sol.s, sol.V))
    np.testing.assert_allclose([path.m[1], path.s[1], path.V[1]], [sol.m, sol.s, sol.V], rtol=1e-11)


def test_both_branches_at_lam_zero_in_one_batch() -> None:
    # Below capacity the labels are stored and V is the limit of lam V; above, the limit of the soft loss.
    task, learner = rf.RulesAndFacts(np.array([0.5, 3.0]), 0.5), rf.Learner(rf.Square(), rf.Linear(), 0.0)
    path = rf.finite.state_evolution(task, learner, steps=400)
    sol = rf.solve(task, learner)
    assert sol.constrained.tolist() == [True, False]
    np.testing.assert_allclose(path.V[-1], sol.V, rtol=1e-9)
    np.testing.assert_allclose(path.q[-1], sol.q, rtol=1e-9)


def test_the_first_step_of_ridge_by_hand() -> None:
    # From zero every margin is zero: g = 1 / (1 + V), and the weights are V' g times the sum of y x.
    alpha, eps, lam = 1.7, 0.4, 0.8
    path = rf.finite.state_evolution(rf.RulesAndFacts(alpha, eps), rf.Learner(rf.Square(), rf.Linear(), lam), steps=1)
    V0 = 1 / lam
    g = 1 / (1 + V0)
    V1 = 1 / (lam + alpha * g)
    assert path.V.tolist() == pytest.approx([V0, V1], rel=1e-14)
    assert path.m[1] == pytest.approx(V1 * alpha * (1 - eps) * np.sqrt(2 / np.pi) * g, rel=1e-14)
    assert path.s[1] == pytest.approx(V1**2 * alpha * g**2, rel=1e-14)
    assert path.generalization_error[0] == 0.5
    # A field of zero is lifted to the side of its label.
    assert path.memorization_error[0] == path.training_error[0] == 0.0


@pytest.mark.parametrize("eps", [0.0, 0.05, 0.6])
def test_bayes_keeps_to_the_line_of_nishimori_and_follows_the_one_equation(eps: float) -> None:
    path = rf.finite.state_evolution(rf.RulesAndFacts(3.0, eps), rf.BayesOptimal(), steps=12)
    np.testing.assert_allclose(path.m, path.q, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(path.V, 1 - path.q, rtol=1e-9)
    r = path.q / (1 - path.q)
    expected = bayes_map(np.full(11, 3.0), np.full(11, eps), r[1:-1])[0]
    np.testing.assert_allclose(r[2:], expected, rtol=1e-9)


def test_bayes_from_anywhere_comes_to_the_line() -> None:
    task = rf.RulesAndFacts(2.0, 0.3)
    path = rf.finite.state_evolution(task, rf.BayesOptimal(), steps=120, start=(-0.1, 0.5, 0.8))
    assert path.m[0] != pytest.approx(path.q[0])
    assert path.generalization_error[0] > 0.5
    assert path.q[-1] == pytest.approx(rf.solve(task, rf.BayesOptimal()).q, rel=1e-8)


@pytest.mark.parametrize("eps", [0.0, 1e-3, 0.4, 1.0])
def test_the_posterior_of_one_field_by_quadrature(eps: float) -> None:
    law, V = PosteriorForce(eps), np.array([0.7])
    for u in (-2.5, -0.4, 0.0, 1.3):

        def moment(power: int, u: float = u) -> float:
            def integrand(z: float) -> float:
                label = eps / 2 + (1 - eps) * (z > 0)
                return z**power * label * np.exp(-((z - u) ** 2) / (2 * V[0])) / np.sqrt(2 * np.pi * V[0])

            return quad(integrand, -12, 0, epsabs=1e-13)[0] + quad(integrand, 0, 12, epsabs=1e-13)[0]

        mass, mean = moment(0), moment(1) / moment(0)
        at = np.array([u])
        assert law.prox(at, V)[0] == pytest.approx(mean, abs=1e-9)
        variance = moment(2) / mass - mean**2
        assert law.stiffness(at, V)[0] == pytest.approx((1 - variance / V[0]) / V[0], abs=1e-8)


@pytest.mark.parametrize("eps", [1e-4, 0.3, 0.9])
def test_where_the_posterior_gives_a_label_up(eps: float) -> None:
    law, V = PosteriorForce(eps), np.array([0.3])
    zero = np.sqrt(V) * law.zero()
    assert abs(law.prox(zero, V)[0]) < 1e-12
    assert law.prox(zero - 1e-3, V)[0] < 0 < law.prox(zero + 1e-3, V)[0]
    path = rf.finite.state_evolution(rf.RulesAndFacts(2.0, eps), rf.BayesOptimal(), steps=60)
    q = path.q[-1]
    assert path.memorization_error[-1] == pytest.approx(ndtr(float(law.zero()) * np.sqrt((1 - q) / q)), rel=1e-7)


def test_the_ends_of_the_share_of_facts() -> None:
    assert PosteriorForce(0.0).zero() == -np.inf  # without facts every label is believed
    path = rf.finite.state_evolution(rf.RulesAndFacts(2.0, np.array([0.0, 1.0])), rf.BayesOptimal(), steps=5)
    assert path.memorization_error[-1].tolist() == [0.0, 0.5]
    assert path.q[-1, 1] == 0.0
    assert path.training_error[-1, 1] == 0.5


def test_bad_input_is_named() -> None:
    task, learner = rf.RulesAndFacts(2.0, 0.3), rf.Learner(rf.Square(), rf.Linear(), 0.1)
    for start, message in (
        ((0.5, 0.0, 1.0), r"s = 0 with m not 0 is a perfect student"),
        ((0.5, -0.1, 1.0), r"start s = -0\.1 is outside the allowed range \[0, inf\)"),
        ((0.5, 0.1, 0.0), r"start V = 0 is outside the allowed range \(0, inf\)"),
        ((0.5, 0.1), r"is not three numbers"),
        ((np.ones(3), 1.0, 1.0), r"start m has shape \(3,\), which does not broadcast to that of the points, \(\)"),
    ):
        with pytest.raises(ValueError, match=message):
            rf.finite.state_evolution(task, learner, 3, start)
    with pytest.raises(ValueError, match=r"steps = -1 is not an integer"):
        rf.finite.state_evolution(task, learner, -1)
    with pytest.raises(rf.ConvergenceError, match=r"MinNorm cannot be met.*alpha = 2\.0.*capacity 1; lower alpha"):
        rf.finite.state_evolution(task, rf.Learner(rf.MinNorm(), rf.Linear(), 1.0))
