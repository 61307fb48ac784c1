"""Recall of corrupted facts: against a second quadrature, sampled matrices, closed forms and limits."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import raflib as rf
from raflib.recall import Copy, _mean, _missed, copy_response

TASK = rf.RulesAndFacts(1.6, 0.3)
RHO = np.array([1.0, 0.97, 0.8, 0.5, 0.2, 0.0])
LEARNERS = [
    rf.Learner(rf.Square(), rf.Linear(), 0.1),
    rf.Learner(rf.Hinge(), rf.Linear(), 0.1),
    rf.Learner(rf.Logistic(), rf.Kernel(0.8, 0.6), 0.1),
    rf.Learner(rf.Square(), rf.Kernel(0.8, 0.6), 0.02),
    rf.Learner(rf.SquaredHinge(), rf.RandomFeatures(0.8, 0.6, 0.7), 0.1),
    rf.Learner(rf.Hinge(), rf.RandomFeatures(0.8, 0.6, 2.0), 0.01),
    rf.Learner(rf.MaxMargin(), rf.Kernel(0.8, 0.6), 1.0),
    rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), 0.0),
    rf.Learner(rf.MinNorm(), rf.Kernel(0.8, 0.6), 2.5),
    rf.Learner(rf.Square(), rf.RandomFeatures(0.8, 0.6, 3.0), 0.0),
]
named = pytest.mark.parametrize("learner", LEARNERS, ids=lambda x: f"{type(x.loss).__name__}-{x.features}-{x.lam}")


def cube(rho: np.ndarray) -> np.ndarray:
    return rho**3


def responses(sol: rf.Solution) -> tuple[float, float, float]:
    """V_1, V_star and q_star from their definitions, with the Marchenko-Pastur law for random features."""
    features, lam = sol.learner.features, sol.learner.lam or 1.0
    if isinstance(features, rf.Linear):
        return 1 / (lam + sol.V_hat), 0.0, 0.0
    u, w = features.mu1**2, features.mu_star**2
    if isinstance(features, rf.Kernel):
        return u / (lam + u * sol.V_hat), w / lam, 0.0
    kappa = features.kappa

    def spectral(function) -> float:
        def continuous(theta: float) -> float:
            x = 1 + kappa + 2 * np.sqrt(kappa) * np.cos(theta)
            return function(x) * 2 * np.sin(theta) ** 2 / (np.pi * x)

        # F F^T / d is p x p: the Marchenko-Pastur density over kappa, and a mass at 0 where p > d.
        return quad(continuous, 0, np.pi)[0] + max(0.0, 1 - 1 / kappa) * function(0.0)

    def R(x: float) -> float:
        return 1 / (lam + sol.V_hat * (u * x + w))

    norm_squared = spectral(lambda x: (sol.q_hat * (u * x + w) + kappa * sol.m_hat**2 * u * x) * R(x) ** 2)
    return u * spectral(lambda x: x * R(x)), w * spectral(R), w * norm_squared


@named
def test_split_of_response_and_variance(learner: rf.Learner) -> None:
    sol = rf.solve(TASK, learner, tol=1e-12)
    V_1, V_star, q_star = responses(sol)
    assert V_1 + V_star == pytest.approx(sol.V, rel=1e-8)
    copy = copy_response(sol, RHO, cube(RHO))
    np.testing.assert_allclose(copy.kept, V_1 * RHO + V_star * RHO**3, rtol=1e-7)
    np.testing.assert_allclose(copy.lost, V_1 * (1 - RHO) + V_star * (1 - RHO**3), rtol=1e-7, atol=1e-15)
    np.testing.assert_allclose(copy.r, RHO + (RHO**3 - RHO) * q_star / sol.q, rtol=1e-7)


@named
def test_against_a_mean_over_the_cavity_margin(learner: rf.Learner) -> None:
    """The margin as it is defined, averaged over its noise in closed form and over u by adaptive quadrature."""
    sol = rf.solve(TASK, learner, tol=1e-12)
    loss = (learner.loss.constraint or learner.loss) if sol.constrained else learner.loss
    V_1, V_star, q_star = responses(sol)
    for rho in (0.97, 0.8, 0.5, 0.2):
        r = rho + (rho**3 - rho) * q_star / sol.q
        kept, noise = V_1 * rho + V_star * rho**3, np.sqrt(sol.q * (1 - r * r))

        def wrong(x: float, r: float = r, kept: float = kept, noise: float = noise) -> float:
            u = np.sqrt(sol.q) * x
            return norm.pdf(x) * norm.cdf(-(r * u + kept * float(loss.force(np.float64(u), np.float64(sol.V)))) / noise)

        kinks = sorted({float(k / np.sqrt(sol.q)) for k in loss.kinks(np.float64(sol.V))})
        edges = [-12.0, *(k for k in kinks if -12 < k < 12), 12.0]
        expected = sum(quad(wrong, a, b, limit=200, epsabs=1e-11)[0] for a, b in pairwise(edges))
        assert rf.recall_error(sol, rho, cube) == pytest.approx(expected, abs=1e-8)


@named
def test_ends_and_order(learner: rf.Learner) -> None:
    sol = rf.solve(TASK, learner)
    error = rf.recall_error(sol, np.linspace(0, 1, 60), cube)
    assert error[0] == pytest.approx(0.5, abs=1e-12)
    assert error[-1] == pytest.approx(rf.memorization_error(sol), abs=1e-9)
    assert (np.diff(error) <= 1e-12).all()


def test_square_by_quadrature_is_its_closed_form() -> None:
    rng = np.random.default_rng(3)
    q, V, r = rng.uniform(0.1, 4, 50), rng.uniform(0.1, 60, 50), rng.uniform(0, 0.999, 50)
    kept = V * rng.uniform(0, 1, 50) * r
    for loss in (rf.Square(), rf.MinNorm()):
        copy = Copy(r, kept, V - kept)
        np.testing.assert_allclose(_mean(loss, q, V, copy), _missed(loss, q, V, copy), atol=1e-11)


def test_a_step_that_is_narrow_beside_the_noise() -> None:
    # Large fields and little lost response: the integrand rises within 1e-4 of the width of t, at a place of its own.
    q, V = np.array([30.0, 1e3, 1e5, 1e7]), np.array([40.0, 3.0, 200.0, 9.0])
    r, lost = 1 - np.array([1e-2, 1e-3, 1e-4, 1e-5]), V * np.array([1e-2, 1e-4, 1e-3, 1e-5])
    copy = Copy(r, V - lost, lost)
    for loss in (rf.Square(), rf.MinNorm()):
        np.testing.assert_allclose(_mean(loss, q, V, copy), _missed(loss, q, V, copy), rtol=1e-9)


def test_kernel_ridge_is_linear_ridge_and_a_share() -> None:
    """b(rho) = (W rho + tau h) / (1 + W) with W and q of linear ridge at (lam + mu_star^2) / mu1^2."""
    lam, features = 0.3, rf.Kernel(0.7, 0.9)
    linear = rf.solve(TASK, rf.Learner(rf.Square(), rf.Linear(), (lam + 0.81) / 0.49))
    tau = 0.81 / (lam + 0.81)
    b = (linear.V * RHO + tau * RHO**2) / (1 + linear.V)
    expected = norm.cdf(-b / np.sqrt(linear.q * (1 - 2 * RHO * b + b * b)))
    sol = rf.solve(TASK, rf.Learner(rf.Square(), features, lam))
    np.testing.assert_allclose(rf.recall_error(sol, RHO, RHO**2), expected, rtol=1e-8)


def test_wide_random_features_are_a_kernel() -> None:
    kernel = rf.solve(TASK, rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), 0.1))
    gaps = []
    for kappa in (100.0, 1000.0):
        wide = rf.solve(TASK, rf.Learner(rf.Hinge(), rf.RandomFeatures(0.8, 0.6, kappa), 0.1))
        gaps.append(np.abs(rf.recall_error(wide, RHO, cube) - rf.recall_error(kernel, RHO, cube)).max())
    assert gaps[0] < 0.02
    assert gaps[1] == pytest.approx(gaps[0] / 10, rel=0.2)


def test_response_at_a_copy_of_an_actual_kernel() -> None:
    """d omega(x') / d y_mu of a ridge regression is V(rho) / (1 + V): linear algebra alone."""
    d, alpha, lam, eta = 300, 1.5, 0.2, 0.7
    rng = np.random.default_rng(8)
    X = rng.standard_normal((int(alpha * d), d))
    X *= np.sqrt(d) / np.linalg.norm(X, axis=1, keepdims=True)
    rbf = rf.finite.RBFKernel(eta)
    inverse = np.linalg.inv(rbf.matrix(X, X) + lam * np.eye(len(X)))
    sol = rf.solve(rf.RulesAndFacts(alpha, 0.3), rf.Learner(rf.Square(), rf.Kernel.rbf(eta), lam))
    for rho in (1.0, 0.8, 0.4):
        noise = rng.standard_normal(X.shape)
        noise -= (np.einsum("ij,ij->i", noise, X) / d)[:, None] * X
        noise *= np.sqrt(d) / np.linalg.norm(noise, axis=1, keepdims=True)
        copies = rho * X + np.sqrt(1 - rho**2) * noise
        measured = np.einsum("ij,ji->i", rbf.matrix(copies, X), inverse)
        kept = copy_response(sol, rho, rf.rbf_overlap(eta, rho)).kept
        assert measured.mean() == pytest.approx(kept / (1 + sol.V), abs=0.01)


class TestOverlap:
    def test_rbf_is_its_formula(self) -> None:
        rho = np.linspace(0, 1, 11)
        for eta in (0.3, 2.0, 20.0):
            plain = (np.exp(2 * eta * rho) - 1 - 2 * eta * rho) / (np.exp(2 * eta) - 1 - 2 * eta)
            np.testing.assert_allclose(rf.rbf_overlap(eta, rho), plain, atol=1e-12)
            kernel = rf.nonlinear_overlap(lambda t, eta=eta: np.exp(-2 * eta * (1 - t)), rho)
            np.testing.assert_allclose(kernel, plain, atol=1e-9)
        assert rf.rbf_overlap(np.array([1e-9, 300.0]), 0.5) == pytest.approx([0.25, 0.0], abs=1e-9)

    @pytest.mark.parametrize("name", ["relu", "erf", "sign", "sine"])
    def test_activations_by_integrating_over_two_fields(self, name: str) -> None:
        parts = rf.hermite(name)
        function = rf.activations.ACTIVATIONS[name][0]
        rng = np.random.default_rng(1)
        u, v = rng.standard_normal((2, 400_000))
        for rho in (0.4, 0.8):
            w = rho * u + np.sqrt(1 - rho**2) * v
            product = (function(u) - parts.mu0 - parts.mu1 * u) * (function(w) - parts.mu0 - parts.mu1 * w)
            h = product.mean() / parts.mu_star**2
            spread = product.std() / parts.mu_star**2 / np.sqrt(u.size)
            assert rf.nonlinear_overlap(name, rho) == pytest.approx(h, abs=4 * spread)

    def test_never_above_the_square(self) -> None:
        rho = np.linspace(0, 1, 101)
        kernels = ("relu", "sign", "sine", np.exp, lambda t: (1 + t) ** 3)
        for kernel in kernels:
            h = rf.nonlinear_overlap(kernel, rho)
            assert h[0] == pytest.approx(0, abs=1e-12)
            assert h[-1] == pytest.approx(1, abs=1e-12)
            assert (h <= rho**2 + 1e-10).all()


class TestRadius:
    def test_is_where_the_error_is_reached(self) -> None:
        eta = np.array([0.1, 1.0, 5.0])

        def overlap(rho: np.ndarray) -> np.ndarray:
            return rf.rbf_overlap(eta[:, None], rho)

        for loss in (rf.Square(), rf.Hinge()):
            sol = rf.solve(TASK, rf.Learner(loss, rf.Kernel.rbf(eta), 0.01))
            radius = rf.basin_radius(sol, overlap, error=0.2)
            assert radius.shape == (3,)
            at = np.diagonal(rf.recall_error(sol, 1 - radius, overlap))
            np.testing.assert_allclose(at, 0.2, atol=1e-8)

    def test_nothing_is_recalled_where_too_much_is_forgotten(self) -> None:
        sol = rf.solve(rf.RulesAndFacts(np.array([0.3, 4.0]), 0.3), rf.Learner(rf.Square(), rf.Linear(), 1e-3))
        radius = rf.basin_radius(sol, error=0.1)
        assert rf.memorization_error(sol)[1] > 0.1
        assert radius[0] > 0.1
        assert radius[1] == 0.0


class TestBadInput:
    sol = rf.solve(TASK, LEARNERS[2])

    def test_range(self) -> None:
        with pytest.raises(ValueError, match=r"rho = 1\.2 .*\[0, 1\]"):
            rf.recall_error(self.sol, 1.2, cube)
        with pytest.raises(ValueError, match=r"overlap = 2"):
            rf.recall_error(self.sol, 0.5, 2.0)
        with pytest.raises(ValueError, match=r"error = 0\.5 .*\(0, 0\.5\)"):
            rf.basin_radius(self.sol, cube, error=0.5)
        with pytest.raises(ValueError, match=r"eta = 0 "):
            rf.rbf_overlap(0.0, 0.5)
        with pytest.raises(ValueError, match="no nonlinear part"):
            rf.nonlinear_overlap(lambda t: 1 + t, 0.5)
        with pytest.raises(ValueError, match="kernel = 'gelu'"):
            rf.nonlinear_overlap("gelu", 0.5)

    def test_missing_overlap(self) -> None:
        with pytest.raises(ValueError, match="overlap is missing"):
            rf.recall_error(self.sol, 0.5)
        with pytest.raises(ValueError, match="not a function of rho"):
            rf.basin_radius(self.sol, 0.5)
        with pytest.raises(ValueError, match=r"overlap has shape \(3,\)"):
            rf.recall_error(self.sol, RHO, np.ones(3))

    def test_learner(self) -> None:
        with pytest.raises(ValueError, match="minimises no loss"):
            rf.recall_error(rf.solve(TASK, rf.BayesOptimal()), 0.5)
