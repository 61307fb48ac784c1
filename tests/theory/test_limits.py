"""Limits and equivalences that must come out of the one solver."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import raflib as rf

LOSSES = [rf.Square(), rf.Hinge()]


@pytest.mark.parametrize("loss", [*LOSSES, rf.MinNorm(), rf.MaxMargin()], ids=repr)
def test_linear_is_the_kernel_without_nonlinear_part(loss: rf.losses.Loss) -> None:
    task = rf.RulesAndFacts(np.array([0.3, 0.8]), np.array([[0.0], [0.3], [1.0]]))
    linear = rf.solve(task, rf.Learner(loss, rf.Linear(), 0.2))
    kernel = rf.solve(task, rf.Learner(loss, rf.Kernel(1.0, 0.0), 0.2))
    near = rf.solve(task, rf.Learner(loss, rf.Kernel(1.0, 1e-6), 0.2))
    for name in ("m", "q", "V"):
        np.testing.assert_allclose(getattr(kernel, name), getattr(linear, name), rtol=1e-12)
        np.testing.assert_allclose(getattr(near, name), getattr(linear, name), rtol=1e-8)


@pytest.mark.parametrize("features", [rf.Linear(), rf.Kernel(0.8, 0.6)], ids=["linear", "kernel"])
def test_max_margin_is_the_hinge_at_vanishing_lam(features: rf.features.FeatureMap) -> None:
    task, lam = rf.RulesAndFacts(1.2, 0.3), 1e-6
    margin = rf.solve(task, rf.Learner(rf.MaxMargin(), features, 1))
    hinge = rf.solve(task, rf.Learner(rf.Hinge(), features, lam))
    assert hinge.m == pytest.approx(margin.m, rel=1e-7)
    assert hinge.q == pytest.approx(margin.q, rel=1e-7)
    assert hinge.V * lam == pytest.approx(margin.V, rel=1e-7)


def test_max_margin_reaches_gardners_margin() -> None:
    # The largest margin kappa at load alpha solves alpha = alpha_c(eps, kappa), and kappa = 1 / sqrt(q).
    for eps, alpha in ((1.0, 1.0), (0.3, 1.7), (0.0, 4.0), (0.05, 3.0)):
        sol = rf.solve(rf.RulesAndFacts(alpha, eps), rf.Learner(rf.MaxMargin(), rf.Linear(), 1))
        assert rf.capacity(eps, 1 / np.sqrt(sol.q)) == pytest.approx(alpha, rel=1e-8)


def test_kernel_ridge_generalizes_as_linear_ridge() -> None:
    mu1, mu_star, lam = 0.7, 0.9, np.geomspace(1e-4, 10, 7)
    task = rf.RulesAndFacts(np.array([[0.4], [3.0]]), 0.25)
    kernel = rf.solve(task, rf.Learner(rf.Square(), rf.Kernel(mu1, mu_star), lam))
    linear = rf.solve(task, rf.Learner(rf.Square(), rf.Linear(), (lam + mu_star**2) / mu1**2))
    np.testing.assert_allclose(kernel.m, linear.m, rtol=1e-9)
    np.testing.assert_allclose(kernel.q, linear.q, rtol=1e-9)
    assert np.all(rf.memorization_error(kernel) < rf.memorization_error(linear))


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_few_facts_are_like_none_and_few_rules_like_none(loss: rf.losses.Loss) -> None:
    learner = rf.Learner(loss, rf.Kernel(0.8, 0.6), 0.1)
    for end, near in ((0.0, 1e-9), (1.0, 1 - 1e-9)):
        at, beside = (rf.solve(rf.RulesAndFacts(1.5, eps), learner) for eps in (end, near))
        assert beside.m == pytest.approx(at.m, abs=1e-8)
        assert beside.q == pytest.approx(at.q, rel=1e-8)
        assert pytest.approx(at.V, rel=1e-8) == beside.V
        assert rf.generalization_error(beside) == pytest.approx(rf.generalization_error(at), abs=1e-8)


def test_without_a_rule_generalization_is_chance() -> None:
    sol = rf.solve(rf.RulesAndFacts(np.array([0.1, 1.0, 10.0]), 1.0), rf.Learner(rf.Hinge(), rf.Linear(), 0.1))
    assert sol.m.tolist() == [0.0, 0.0, 0.0]
    assert rf.generalization_error(sol).tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("features", [rf.Linear(), rf.Kernel(0.9, 0.4)], ids=["linear", "kernel"])
def test_optimal_ridge_is_the_numerical_minimum(features: rf.features.FeatureMap) -> None:
    for alpha, eps in ((0.5, 0.2), (2.0, 0.3), (8.0, 0.6)):
        task = rf.RulesAndFacts(alpha, eps)

        def error(log_lam: float, task: rf.RulesAndFacts = task) -> float:
            return rf.generalization_error(
                rf.solve(task, rf.Learner(rf.Square(), features, np.exp(log_lam)), tol=1e-12)
            )

        best = minimize_scalar(error, bounds=(-4, 5), method="bounded", options={"xatol": 1e-9})
        assert np.exp(best.x) == pytest.approx(rf.optimal_ridge(eps, features), rel=1e-5)


def test_a_negative_optimal_ridge_means_no_ridge() -> None:
    features = rf.Kernel.from_angle(1.2)
    assert rf.optimal_ridge(0.1, features) < 0
    lam = np.array([0.0, 1e-3, 0.1, 1.0])
    error = rf.generalization_error(rf.solve(rf.RulesAndFacts(2.0, 0.1), rf.Learner(rf.Square(), features, lam)))
    assert np.all(np.diff(error) > 0)


def test_ridge_against_its_quadratic_equation() -> None:
    alpha, lam, eps = np.array([0.3, 1.0, 4.0]), np.array([[0.01], [1.0]]), 0.35
    sol = rf.solve(rf.RulesAndFacts(alpha, eps), rf.Learner(rf.Square(), rf.Linear(), lam))
    np.testing.assert_allclose(lam * sol.V**2 + (lam + alpha - 1) * sol.V, 1.0, rtol=1e-9)
    c = (1 - eps) * np.sqrt(2 / np.pi)
    np.testing.assert_allclose(sol.m, alpha * c * sol.V / (1 + sol.V), rtol=1e-9)


def test_large_load_of_ridge_has_its_known_constant() -> None:
    # E_gen -> sqrt(lam_opt) / (pi sqrt(alpha)) for the linear square loss at any fixed ridge.
    for eps in (0.0, 0.4):
        sol = rf.solve(rf.RulesAndFacts(1e8, eps), rf.Learner(rf.Square(), rf.Linear(), 0.3))
        constant = rf.generalization_error(sol) * np.pi * np.sqrt(1e8)
        assert constant == pytest.approx(np.sqrt(rf.optimal_ridge(eps, rf.Linear())), rel=1e-4)


def test_hinge_rate_measured_once_by_another_solver() -> None:
    # Local exponents between alpha = 1e4 and 1e5, linear, lam = 1.
    for eps, exponent in ((0.1, -0.5005), (0.5, -0.4999)):
        sol = rf.solve(rf.RulesAndFacts(np.array([1e4, 1e5]), eps), rf.Learner(rf.Hinge(), rf.Linear(), 1.0))
        e = rf.generalization_error(sol)
        assert np.log10(e[1] / e[0]) == pytest.approx(exponent, abs=6e-5)


@pytest.mark.parametrize("loss", [rf.Square(), rf.Hinge(), rf.SquaredHinge(), rf.Logistic()], ids=repr)
def test_kernel_is_the_limit_of_wide_random_features(loss: rf.losses.Loss) -> None:
    task, lam = rf.RulesAndFacts(1.4, 0.3), 0.2
    kernel = rf.solve(task, rf.Learner(loss, rf.Kernel(0.8, 0.6), lam))
    apart = []
    for kappa in (1e3, 1e5):
        wide = rf.solve(task, rf.Learner(loss, rf.RandomFeatures(0.8, 0.6, kappa), lam))
        apart.append(max(abs(getattr(wide, name) / getattr(kernel, name) - 1) for name in ("m", "q", "V")))
    assert apart[0] < 1e-2
    assert apart[1] == pytest.approx(apart[0] / 100, rel=0.1)  # corrections of order 1 / kappa


def test_spectral_means_against_a_sampled_matrix() -> None:
    from raflib.features import _pole

    rng, d = np.random.default_rng(0), 1200
    for kappa in (0.3, 1.0, 2.5):
        F = rng.standard_normal((round(kappa * d), d))
        x = np.linalg.eigvalsh(F @ F.T / d)
        for h, D in ((0.7, 0.05), (0.1, 2.0)):
            R = 1 / (D + h * x)
            moments = [kappa * np.mean(v) for v in (x * R, x * R**2, x**2 * R**2)]
            exact = [float(v) for v in _pole(np.array(h), np.array(D), np.array(kappa))]
            np.testing.assert_allclose(exact[:3], moments, rtol=5e-3)
            assert exact[3] == pytest.approx(exact[2] - exact[0] ** 2, rel=1e-9)


def test_spectral_means_against_the_marchenko_pastur_integral() -> None:
    from raflib.features import _pole

    # x = 1 + kappa + 2 sqrt(kappa) cos(theta) makes the density smooth: a plain sum converges.
    theta = (np.arange(200_000) + 0.5) * np.pi / 200_000
    for kappa, h, D in ((0.02, 3.0, 1e-3), (1.0, 1.0, 1e-6), (300.0, 1e-3, 10.0), (1.5, 5.0, 1e-4)):
        x = 1 + kappa + 2 * np.sqrt(kappa) * np.cos(theta)
        weight = 2 * kappa * np.sin(theta) ** 2 / 200_000  # of kappa <x f>
        R = 1 / (D + h * x)
        sums = [float(np.sum(weight * f)) for f in (R, R**2, x * R**2)]
        exact = [float(v) for v in _pole(np.array(h), np.array(D), np.array(kappa))]
        np.testing.assert_allclose(exact[:3], sums, rtol=1e-9)


def test_hard_margin_kernel_svm_is_a_linear_svm_with_quadratic_slack() -> None:
    # Private directions of strength mu_star^2 / mu1^2 are slack variables with a quadratic price.
    mu1, mu_star = 0.7, 0.9
    task = rf.RulesAndFacts(1.8, 0.3)
    kernel = rf.solve(task, rf.Learner(rf.MaxMargin(), rf.Kernel(mu1, mu_star), 1.0))
    linear = rf.solve(task, rf.Learner(rf.SquaredHinge(), rf.Linear(), (mu_star / mu1) ** 2))
    assert (kernel.m, kernel.q) == pytest.approx((linear.m, linear.q), rel=1e-9)


def test_separability_of_random_features() -> None:
    # At eps = 1 the features are as good as inputs: Cover's two per weight. The margin vanishes at the threshold.
    features = rf.RandomFeatures(0.8, 0.6, 1.7)
    assert features.constraint_capacity(rf.MaxMargin(), np.array(1.0)) == pytest.approx(2 * 1.7, rel=1e-12)
    for eps in (0.0, 0.3):
        threshold = float(features.constraint_capacity(rf.MaxMargin(), np.array(eps)))
        below, near = (
            rf.solve(rf.RulesAndFacts(share * threshold, eps), rf.Learner(rf.MaxMargin(), features, 1.0))
            for share in (0.99, 0.999)
        )
        # 1 / sqrt(q) is proportional to the margin, which vanishes linearly.
        assert np.sqrt(below.q / near.q) == pytest.approx(0.1, rel=0.05)


class TestBestLam:
    def test_square_has_its_closed_form(self) -> None:
        task = rf.RulesAndFacts(np.array([0.5, 2.0, 9.0]), np.array([[0.1], [0.5]]))
        for features in (rf.Linear(), rf.Kernel(0.9, 0.2)):
            best = rf.best_lam(task, rf.Learner(rf.Square(), features, 1.0))
            np.testing.assert_allclose(best.lam, rf.optimal_ridge(task.eps, features) + 0 * best.lam, rtol=1e-4)
            assert not best.at_zero.any()

    def test_it_says_when_no_ridge_is_best(self) -> None:
        best = rf.best_lam(rf.RulesAndFacts(2.0, 0.1), rf.Learner(rf.Square(), rf.Kernel.from_angle(1.2), 1.0))
        assert best.at_zero is True
        assert best.lam == 0.0

    @pytest.mark.parametrize("loss", [rf.Hinge(), rf.Logistic()], ids=repr)
    def test_no_neighbour_is_better(self, loss: rf.losses.Loss) -> None:
        task = rf.RulesAndFacts(2.0, 0.3)
        best = rf.best_lam(task, rf.Learner(loss, rf.Linear(), 1.0))
        for factor in (0.9, 1.1):
            beside = rf.solve(task, rf.Learner(loss, rf.Linear(), factor * best.lam))
            assert rf.generalization_error(beside) > best.error

    @pytest.mark.parametrize(("alpha", "eps", "degrees"), [(2.0, 0.5, 75.0), (4.0, 0.5, 87.0), (1.0, 0.3, 81.0)])
    def test_narrow_valley_of_the_hinge(self, alpha: float, eps: float, degrees: float) -> None:
        task, kernel = rf.RulesAndFacts(alpha, eps), rf.Kernel.from_angle(np.radians(degrees))
        scan = np.geomspace(0.1, 2.0, 3001) * kernel.mu_star**2
        errors = rf.generalization_error(rf.solve(task, rf.Learner(rf.Hinge(), kernel, scan)))
        best = rf.best_lam(task, rf.Learner(rf.Hinge(), kernel, 1.0))
        assert best.error < np.min(errors) + 1e-10
        assert not best.at_zero

    @pytest.mark.parametrize("loss", [rf.Square(), rf.Hinge()], ids=repr)
    def test_at_the_interpolation_threshold(self, loss: rf.losses.Loss) -> None:
        # Ridgeless it has no finite solution; the best ridge is as near the one just beside it as the load is.
        at = float(rf.interpolation_threshold(rf.Learner(loss, rf.Linear(), 1.0), 0.3))
        best = rf.best_lam(rf.RulesAndFacts(np.array([at, at * (1 + 1e-6)]), 0.3), rf.Learner(loss, rf.Linear(), 1.0))
        assert best.at_zero.tolist() == [False, False]
        assert best.lam[0] == pytest.approx(best.lam[1], rel=1e-4)
        if isinstance(loss, rf.Square):
            assert best.lam[0] == pytest.approx(rf.optimal_ridge(0.3, rf.Linear()), rel=1e-4)

    def test_another_objective(self) -> None:
        best = rf.best_lam(
            rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Hinge(), rf.Linear(), 1.0), objective=rf.memorization_error
        )
        assert best.at_zero is True
        assert best.error == 0.0


@pytest.mark.parametrize(
    "learner",
    [
        rf.BayesOptimal(),
        rf.Learner(rf.Square(), rf.Linear(), 0.4),
        rf.Learner(rf.Square(), rf.Kernel(0.5, 0.9), 0.01),
    ],
    ids=["bayes", "linear", "kernel"],
)
def test_large_load_laws(learner) -> None:
    for eps in (0.0, 0.3):
        law = rf.asymptotics(learner, eps)
        error = rf.generalization_error(rf.solve(rf.RulesAndFacts(1e8, eps), learner))
        assert error == pytest.approx(law.prefactor * 1e8**law.exponent, rel=2e-4)
        assert rf.rate(learner, eps, 1e7) == pytest.approx(law.exponent, abs=1e-3)


def test_no_best_ridge_where_there_is_no_formula() -> None:
    with pytest.raises(ValueError, match="have no such formula; use best_lam"):
        rf.optimal_ridge(0.1, rf.RandomFeatures(0.8, 0.6, 2.0))
