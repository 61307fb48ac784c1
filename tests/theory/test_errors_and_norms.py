"""Observables at the ends of their ranges, and by formulas that are worked out here."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr

import raflib as rf

SOFT = [rf.Square(), rf.Hinge(), rf.SquaredHinge(), rf.Logistic()]
MAPS = [rf.Linear(), rf.Kernel(0.8, 0.6), rf.RandomFeatures(0.8, 0.6, 1.7)]
TASK = rf.RulesAndFacts(np.array([0.3, 1.1, 30.0]), np.array([[0.05], [0.6]]))


def phi(x: float) -> float:
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


@pytest.mark.parametrize("loss", SOFT, ids=repr)
@pytest.mark.parametrize("features", MAPS, ids=lambda x: type(x).__name__)
def test_errors_from_the_overlaps(loss: rf.losses.Loss, features: rf.features.FeatureMap) -> None:
    """A sample is forgotten where its field is below V l'(0): integrate the field's law up to there."""
    sol = rf.solve(TASK, rf.Learner(loss, features, 0.2))
    slope = {"Logistic": -0.5}.get(type(loss).__name__, -1.0)
    general, memory, training = rf.generalization_error(sol), rf.memorization_error(sol), rf.training_error(sol)
    on = rf.training_errors(sol)
    for i, j in np.ndindex(2, 3):
        m, q, V = sol.m[i, j], sol.q[i, j], sol.V[i, j]
        k, h = m / np.sqrt(q - m * m), slope * V / np.sqrt(q)
        assert general[i, j] == pytest.approx(np.arccos(m / np.sqrt(q)) / np.pi, rel=1e-9)
        fact = quad(phi, -12, h, epsabs=1e-13)[0]
        rule = quad(lambda x, k=k: 2 * phi(x) * ndtr(k * x), -12, h, epsabs=1e-13)[0]
        assert memory[i, j] == pytest.approx(fact, abs=1e-11)
        assert on.facts[i, j] == pytest.approx(fact, abs=1e-11)
        assert on.rules[i, j] == pytest.approx(rule, abs=1e-11)
        eps = sol.task.eps[i, 0]
        assert training[i, j] == pytest.approx((1 - eps) * rule + eps * fact, abs=1e-11)


def test_bayes_and_gibbs_errors() -> None:
    sol = rf.solve(rf.RulesAndFacts(np.array([1e-3, 2.0, 500.0]), 0.2), rf.BayesOptimal())
    np.testing.assert_allclose(rf.generalization_error(sol), np.arccos(np.sqrt(sol.q)) / np.pi, rtol=1e-9)
    np.testing.assert_allclose(rf.gibbs_error(sol), np.arccos(sol.q) / np.pi, rtol=1e-9)
    assert np.all(rf.gibbs_error(sol) <= 2 * rf.generalization_error(sol))
    nothing = rf.solve(rf.RulesAndFacts(2.0, 1.0), rf.BayesOptimal())
    assert rf.generalization_error(nothing) == rf.gibbs_error(nothing) == 0.5
    assert type(rf.gibbs_error(nothing)) is float
    with pytest.raises(ValueError, match=r"gibbs_error is defined for BayesOptimal\(\) only"):
        rf.gibbs_error(rf.solve(rf.RulesAndFacts(2.0, 0.3), rf.Learner(rf.Hinge(), rf.Linear(), 1)))


@pytest.mark.parametrize("loss", [*SOFT, rf.MaxMargin(), rf.MinNorm()], ids=repr)
def test_shares_are_shares(loss: rf.losses.Loss) -> None:
    """No rounding below 0 or above 1: a rule far on the wrong side has the probability of two tails that cancel."""
    rng = np.random.default_rng(31)
    alpha, eps, lam = 10 ** rng.uniform(-2, 4, 300), rng.uniform(0, 1, 300), 10 ** rng.uniform(-6, 3, 300)
    eps[:60] = 0.0
    sol = rf.solve(rf.RulesAndFacts(alpha, eps), rf.Learner(loss, rf.Kernel(0.8, 0.6), lam))
    on = rf.training_errors(sol)
    for error in (rf.generalization_error(sol), rf.memorization_error(sol), rf.training_error(sol), *on):
        assert np.all((error >= 0) & (error <= 0.5))
    margin = np.concatenate([-np.geomspace(1e-3, 1e3, 60), np.geomspace(1e-3, 1e3, 60)])
    for law in rf.margin_distribution(sol):
        below = law.cdf(margin)
        assert np.all((below >= 0) & (below <= 1))
        assert np.all(np.diff(law.cdf(np.sort(margin)), axis=1) >= -1e-15)
        assert np.all(law.density(margin) >= 0)
        assert np.all((law.atoms.mass >= 0) & (law.atoms.mass <= 1))


@pytest.mark.parametrize("loss", [*SOFT, rf.MaxMargin()], ids=repr)
def test_the_law_of_margins_by_its_definition(loss: rf.losses.Loss) -> None:
    """P(prox_V(u) <= x) for a fine grid of fields u: the prox and the law of the field are all it takes."""
    sol = rf.solve(rf.RulesAndFacts(1.3, 0.35), rf.Learner(loss, rf.Kernel(0.8, 0.6), 0.3))
    q, k, V = sol.q, sol.m / np.sqrt(sol.s), np.array(sol.V)
    edges = np.linspace(-10, 10, 400_001)
    x = 0.5 * (edges[1:] + edges[:-1])
    trained = loss.prox(np.sqrt(q) * x, V)
    for law, eps in zip(rf.margin_distribution(sol), (0.0, 1.0, 0.35), strict=True):
        weight = np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi) * (eps + 2 * (1 - eps) * ndtr(k * x)) * np.diff(edges)
        assert weight.sum() == pytest.approx(1, abs=1e-9)
        for margin in (-2.0, -0.3, 0.0, 0.8, 0.99, 1.0, 1.01, 2.5):
            assert law.cdf(margin) == pytest.approx(weight[trained <= margin + 1e-12].sum(), abs=3e-5), margin
        for at, mass in zip(*law.atoms, strict=True):
            assert mass == pytest.approx(weight[np.abs(trained - at) < 1e-12].sum(), abs=3e-5)
        with_atoms = type(loss).__name__ in ("Hinge", "MaxMargin")
        assert law.atoms.margin.tolist() == ([1.0] if with_atoms else [])


def test_margins_of_points_that_failed_stay_unknown() -> None:
    learner = rf.Learner(rf.MaxMargin(), rf.Linear(), 1.0)
    with pytest.warns(rf.ConvergenceWarning):
        sol = rf.solve(rf.RulesAndFacts(np.array([0.5, 9.0]), 0.5), learner, on_failure="nan")
    law = rf.margin_distribution(sol).samples
    for table in (law.density(np.array([0.3, 1.7])), law.cdf(np.array([0.3, 1.7])), law.atoms.mass):
        assert np.isfinite(table[0]).all()
        assert np.isnan(table[1]).all()
    for observable in (rf.memorization_error, rf.training_error, rf.training_loss, rf.degrees_of_freedom):
        assert np.isnan(observable(sol)).tolist() == [False, True]
    assert np.isnan(rf.weight_norm(sol).total).tolist() == [False, True]


def test_norm_in_three_ways() -> None:
    # For inputs ||a||^2 / d = q; the parts add up; without facts, or without rules, a part is nothing.
    for eps in (0.0, 0.4, 1.0):
        sol = rf.solve(rf.RulesAndFacts(1.7, eps), rf.Learner(rf.Hinge(), rf.Linear(), 0.3))
        total, rules, facts = rf.weight_norm(sol)
        assert total == pytest.approx(sol.q, rel=1e-9)
        assert rules + facts == pytest.approx(total, rel=1e-14)
        assert (facts == 0.0) is (eps == 0.0)
        assert (rules == 0.0) is (eps == 1.0)
    # Equal margins: the multipliers scale with lam, the norm does not.
    task = rf.RulesAndFacts(0.6, 0.4)
    norms = [rf.weight_norm(rf.solve(task, rf.Learner(rf.MinNorm(), rf.Linear(), lam))) for lam in (0.0, 1.0, 5.0)]
    for norm in norms:
        assert norm == pytest.approx(norms[1], rel=1e-9)
    limit = rf.weight_norm(rf.solve(task, rf.Learner(rf.Square(), rf.Linear(), 0.0)))
    assert limit == pytest.approx(norms[1], rel=1e-9)


def test_where_the_norm_has_no_split() -> None:
    both = rf.solve(rf.RulesAndFacts(np.array([0.5, 3.0]), 0.3), rf.Learner(rf.Square(), rf.Linear(), 0))
    with pytest.raises(ValueError, match=r"lam = 0 above the interpolation threshold"):
        rf.weight_norm(both)
    below = rf.solve(rf.RulesAndFacts(np.array([0.5, 0.7]), 0.3), rf.Learner(rf.Square(), rf.Linear(), 0))
    np.testing.assert_allclose(rf.weight_norm(below).total, below.q, rtol=1e-9)


def test_free_energy_of_constraints_is_half_the_norm_times_lam() -> None:
    for lam, factor in ((0.0, 1.0), (1.0, 1.0), (3.0, 3.0)):
        for features in MAPS:
            sol = rf.solve(rf.RulesAndFacts(0.7, 0.3), rf.Learner(rf.MaxMargin(), features, lam))
            assert rf.free_energy(sol) == pytest.approx(factor * rf.weight_norm(sol).total / 2, rel=1e-9)
            assert rf.training_loss(sol) == 0.0


def test_degrees_of_freedom_are_what_the_prox_leaves() -> None:
    """alpha E[1 - prox'(u)] over sampled fields, V V_hat kappa from the solution."""
    rng = np.random.default_rng(41)
    z, noise = rng.standard_normal((2, 200_000))
    for features in MAPS:
        for loss in SOFT:
            sol = rf.solve(rf.RulesAndFacts(1.4, 0.3), rf.Learner(loss, features, 0.2))
            field = (sol.m * z + np.sqrt(sol.s) * noise) * np.where(
                rng.random(z.size) < 0.3, rng.choice([-1, 1], z.size), np.sign(z)
            )
            share = 1 - loss.dprox(field, np.array(sol.V))
            expected = 1.4 * share.mean()
            error = 1.4 * share.std() / np.sqrt(z.size)
            assert rf.degrees_of_freedom(sol) == pytest.approx(expected, abs=5 * error + 1e-9)
