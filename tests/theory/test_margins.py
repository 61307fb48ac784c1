"""Training margins, the norm's split, degrees of freedom and thresholds, against definitions and finite samples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.stats import norm

import raflib as rf
from raflib.bayes import bayes_map, bayes_potential

LEARNERS = [
    rf.Learner(rf.Square(), rf.Linear(), 0.1),
    rf.Learner(rf.Hinge(), rf.Linear(), 0.1),
    rf.Learner(rf.Logistic(), rf.Kernel(0.8, 0.6), 0.1),
    rf.Learner(rf.SquaredHinge(), rf.RandomFeatures(0.8, 0.6, 0.7), 0.1),
    rf.Learner(rf.Hinge(), rf.RandomFeatures(0.8, 0.6, 2.0), 0.01),
    rf.Learner(rf.MaxMargin(), rf.Kernel(0.8, 0.6), 1.0),
    rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), 0.0),
    rf.Learner(rf.MinNorm(), rf.Kernel(0.8, 0.6), 2.5),
]
TASK = rf.RulesAndFacts(1.6, 0.3)
named = pytest.mark.parametrize("learner", LEARNERS, ids=lambda x: f"{type(x.loss).__name__}-{x.lam}")


@named
def test_margins_are_a_law(learner: rf.Learner) -> None:
    for law in rf.margin_distribution(rf.solve(TASK, learner)):
        margin, mass = law.atoms
        total = quad(law.density, -30, 1, limit=200)[0] + quad(law.density, 1 + 1e-12, 30, limit=200)[0] + mass.sum()
        assert total == pytest.approx(1, abs=1e-7)
        assert law.cdf(-60.0) < 1e-100
        assert law.cdf(60.0) == pytest.approx(1, abs=1e-12)
        for at, share in zip(margin, mass, strict=True):
            assert law.cdf(at) - law.cdf(at - 1e-9) == pytest.approx(share, abs=1e-7)
        # The density is the slope of the distribution function.
        for x in (-0.7, 0.4, 0.9, 1.6):
            assert law.density(x) == pytest.approx((law.cdf(x + 1e-5) - law.cdf(x - 1e-5)) / 2e-5, abs=1e-7)


@named
def test_margins_of_sampled_fields(learner: rf.Learner) -> None:
    """Draw cavity fields from the label law's definition and minimise each sample's own cost by brute force."""
    sol = rf.solve(TASK, learner)
    margins = rf.margin_distribution(sol)
    loss = learner.loss if not sol.constrained else (learner.loss.constraint or learner.loss)
    rng = np.random.default_rng(5)
    z, noise = rng.standard_normal((2, 4000))
    omega = sol.m * z + np.sqrt(sol.s) * noise
    for law, label in ((margins.rules, np.sign(z)), (margins.facts, rng.choice([-1.0, 1.0], 4000))):
        trained = np.array([minimiser(loss, u, sol.V) for u in label * omega])
        for x in (-0.5, 0.0, 0.6, 0.999, 1.3):
            share = np.mean(trained <= x)
            assert law.cdf(x) == pytest.approx(share, abs=4.5 * np.sqrt(0.25 / 4000)), x


def minimiser(loss: rf.losses.Loss, u: float, V: float) -> float:
    if isinstance(loss, rf.MinNorm):
        return 1.0
    low, high = (max(u, 1.0) if isinstance(loss, rf.MaxMargin) else min(u, 1.0) - 1e-9), max(u, 1.0) + V + 1.0
    if isinstance(loss, rf.MaxMargin):
        return low
    found = minimize_scalar(
        lambda x: float(loss.value(np.float64(x))) + (x - u) ** 2 / (2 * V),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-7},
    )
    return float(found.x)


@named
def test_errors_are_the_mass_below_zero(learner: rf.Learner) -> None:
    sol = rf.solve(TASK, learner)
    margins, on = rf.margin_distribution(sol), rf.training_errors(sol)
    assert margins.facts.cdf(0.0) == pytest.approx(rf.memorization_error(sol), abs=1e-12) == on.facts
    assert margins.rules.cdf(0.0) == pytest.approx(on.rules, abs=1e-12)
    assert margins.samples.cdf(0.0) == pytest.approx(rf.training_error(sol), abs=1e-12)
    assert 0.7 * on.rules + 0.3 * on.facts == pytest.approx(rf.training_error(sol), abs=1e-12)
    if not sol.constrained:
        assert 0 < on.rules < on.facts


def test_shapes_of_a_batch() -> None:
    task = rf.RulesAndFacts(np.array([0.8, 1.5, 5.0]), 0.3)
    law = rf.margin_distribution(rf.solve(task, rf.Learner(rf.Hinge(), rf.Linear(), 0))).facts
    assert law.density(np.linspace(0, 2, 4)).shape == (3, 4)
    assert law.cdf(1.0).shape == (3,)
    margin, mass = law.atoms  # constrained and not, at one margin
    assert margin.tolist() == [[1.0]] * 3
    one = rf.margin_distribution(rf.solve(rf.RulesAndFacts(5.0, 0.3), rf.Learner(rf.Hinge(), rf.Linear(), 0))).facts
    assert mass[2, 0] == pytest.approx(one.atoms.mass[0], rel=1e-9)
    np.testing.assert_allclose(law.cdf(np.array([0.2, 1.0]))[2], one.cdf(np.array([0.2, 1.0])), rtol=1e-9)


@named
def test_norm_is_the_slope_of_the_free_energy(learner: rf.Learner) -> None:
    sol, step = rf.solve(TASK, learner, tol=1e-12), 1e-4
    total, rules, facts = rf.weight_norm(sol)
    assert total == pytest.approx(rules + facts, rel=1e-14)
    if sol.constrained:
        assert total * max(learner.lam, 1.0) / 2 == pytest.approx(rf.free_energy(sol), rel=1e-9)
        return
    up, down = (
        rf.free_energy(rf.solve(TASK, rf.Learner(learner.loss, learner.features, learner.lam * (1 + h)), tol=1e-12))
        for h in (step, -step)
    )
    assert total == pytest.approx((up - down) / (learner.lam * step), rel=1e-6)
    assert 1.6 * rf.training_loss(sol) + learner.lam * total / 2 == pytest.approx(rf.free_energy(sol), rel=1e-9)


def test_norm_and_degrees_of_freedom_of_a_real_ridge() -> None:
    """One sample at d = 1500, by linear algebra alone: contributions to the norm, trace of the hat matrix."""
    d, alpha, eps, lam = 1500, 1.6, 0.3, 0.1
    rng = np.random.default_rng(11)
    X, w = rng.standard_normal((int(alpha * d), d)) / np.sqrt(d), rng.standard_normal(d)
    fact = rng.random(len(X)) < eps
    y = np.where(fact, rng.choice([-1.0, 1.0], len(X)), np.sign(X @ w))
    gram = X.T @ X
    a = np.linalg.solve(gram + lam * np.eye(d), X.T @ y)
    margin = y * (X @ a)
    pull = (1 - margin) * margin / lam / d
    sol = rf.solve(rf.RulesAndFacts(alpha, eps), rf.Learner(rf.Square(), rf.Linear(), lam))
    total, rules, facts = rf.weight_norm(sol)
    assert total == pytest.approx(a @ a / d, rel=0.04)
    assert rules == pytest.approx(pull[~fact].sum(), rel=0.06)
    assert facts == pytest.approx(pull[fact].sum(), rel=0.15)
    eigenvalues = np.linalg.eigvalsh(gram)
    assert rf.degrees_of_freedom(sol) == pytest.approx((eigenvalues / (eigenvalues + lam)).sum() / d, rel=5e-3)
    on = rf.training_errors(sol)
    assert on.rules == pytest.approx(np.mean(margin[~fact] < 0), abs=0.012)
    assert on.facts == pytest.approx(np.mean(margin[fact] < 0), abs=0.04)


def test_degrees_of_freedom_of_the_hinge_are_its_support_vectors_on_the_margin() -> None:
    sol = rf.solve(TASK, LEARNERS[4])
    on_margin = rf.margin_distribution(sol).samples.atoms.mass[0]
    assert rf.degrees_of_freedom(sol) == pytest.approx(1.6 * on_margin, rel=1e-9)


def test_degrees_of_freedom_under_constraints() -> None:
    task = rf.RulesAndFacts(np.array([0.2, 0.9]), 0.3)
    fitted = rf.solve(task, rf.Learner(rf.MinNorm(), rf.Kernel(0.8, 0.6), 3.0))
    np.testing.assert_allclose(rf.degrees_of_freedom(fitted), task.alpha, rtol=1e-9)
    many = rf.solve(rf.RulesAndFacts(5.0, 0.3), rf.Learner(rf.Square(), rf.RandomFeatures(0.8, 0.6, 0.4), 0))
    assert rf.degrees_of_freedom(many) == pytest.approx(0.4, rel=1e-9)  # all p = 0.4 d weights are set by the data


class TestThreshold:
    def test_known_capacities(self) -> None:
        for loss in (rf.Hinge(), rf.Logistic(), rf.SquaredHinge(), rf.MaxMargin()):
            learner = rf.Learner(loss, rf.Linear(), 0.1)
            np.testing.assert_allclose(
                rf.interpolation_threshold(learner, np.array([1.0, 0.5, 0.3])), [2, 2.2453, 2.6147], atol=6e-5
            )
        assert rf.interpolation_threshold(rf.Learner(rf.Square(), rf.Linear(), 0), 0.3) == 1.0
        assert rf.interpolation_threshold(rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), 0), 0.3) == np.inf

    def test_margins_shrink_to_nothing_there(self) -> None:
        features = rf.RandomFeatures(0.8, 0.6, np.array([0.5, 1.0, 3.0]))
        learner = rf.Learner(rf.Hinge(), features, 0)
        threshold = rf.interpolation_threshold(learner, 0.4)
        below = rf.solve(rf.RulesAndFacts(0.9999 * threshold, 0.4), learner)
        above = rf.solve(rf.RulesAndFacts(1.0001 * threshold, 0.4), learner)
        assert below.constrained.all()
        assert (rf.weight_norm(below).total > 1e6).all()
        assert (rf.memorization_error(above) > 0).all()
        assert (rf.memorization_error(above) < 1e-3).all()

    def test_bad_input(self) -> None:
        with pytest.raises(ValueError, match=r"eps = 1\.5"):
            rf.interpolation_threshold(LEARNERS[0], 1.5)
        with pytest.raises(ValueError, match="BayesOptimal"):
            rf.interpolation_threshold(rf.BayesOptimal(), 0.5)


class TestBayesFreeEnergy:
    def test_stationary_where_the_equation_holds(self) -> None:
        eps, r = np.array([0.0, 0.3, 0.9]), np.array([0.4, 2.0, 30.0])
        # The load that makes r the fixed point, from the map alone.
        alpha = r / bayes_map(np.ones(3), eps, r)[0]
        step = 1e-4 * r
        slope = (bayes_potential(alpha, eps, r + step) - bayes_potential(alpha, eps, r - step)) / (2 * step)
        scale = 0.5 * r / (1 + r) ** 2
        assert (np.abs(slope) < 1e-6 * scale).all()
        wrong = 1.1 * alpha
        off = (bayes_potential(wrong, eps, r + step) - bayes_potential(wrong, eps, r - step)) / (2 * step)
        assert (np.abs(off) > 1e-2 * scale).all()

    def test_slope_by_the_load_is_the_entropy_of_the_next_label(self) -> None:
        eps, step = 0.3, 1e-4
        sols = [rf.solve(rf.RulesAndFacts(a, eps), rf.BayesOptimal(), tol=1e-12) for a in (2 - step, 2, 2 + step)]
        slope = (rf.free_energy(sols[2]) - rf.free_energy(sols[0])) / (2 * step)
        q = sols[1].q

        def entropy(x: float) -> float:
            p = eps / 2 + (1 - eps) * norm.cdf(np.sqrt(q / (1 - q)) * x)
            return norm.pdf(x) * -(p * np.log(p) + (1 - p) * np.log1p(-p))

        assert slope == pytest.approx(quad(entropy, -12, 12)[0], rel=1e-7)

    def test_coin_flips_cost_one_bit_each(self) -> None:
        sol = rf.solve(rf.RulesAndFacts(np.array([0.5, 40.0]), 1.0), rf.BayesOptimal())
        np.testing.assert_allclose(rf.free_energy(sol), np.array([0.5, 40.0]) * np.log(2), rtol=1e-12)


def test_the_bayes_learner_has_no_margins() -> None:
    sol = rf.solve(TASK, rf.BayesOptimal())
    for observable in (rf.margin_distribution, rf.training_errors, rf.weight_norm, rf.degrees_of_freedom):
        with pytest.raises(ValueError, match="BayesOptimal"):
            observable(sol)
    with pytest.raises(ValueError, match=r"lam = 0 above"):
        rf.weight_norm(rf.solve(rf.RulesAndFacts(5.0, 0.3), rf.Learner(rf.Square(), rf.Linear(), 0)))
