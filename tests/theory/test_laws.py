"""Best ridges, thresholds, and laws at large loads, against closed forms worked out here."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

import raflib as rf

RIDGE = rf.Learner(rf.Square(), rf.Linear(), 0.4)


class TestBestLam:
    """The search itself, on an objective whose minimum is known: the distance to a ridge of our choice."""

    @staticmethod
    def found(
        wanted: float | np.ndarray, learner: rf.Learner = RIDGE, alpha: float | np.ndarray = 2.0
    ) -> rf.limits.BestLam:
        def distance(sol: rf.Solution) -> np.ndarray:
            assert np.max(sol.residual) <= 1e-11
            lam = np.broadcast_to(sol.learner.lam, np.shape(sol.m))
            with np.errstate(divide="ignore"):
                return np.abs(np.log(lam) - np.log(wanted))

        return rf.best_lam(rf.RulesAndFacts(alpha, 0.3), learner, objective=distance)

    @pytest.mark.parametrize("lam", [2e-8, 3e-7, 1e-4, 0.123, 1.0, 77.0, 2345.0, 9e3])
    def test_it_finds_any_ridge(self, lam: float) -> None:
        best = self.found(lam)
        assert best.lam == pytest.approx(lam, rel=1e-6)
        assert best.error == pytest.approx(0, abs=1e-6)
        assert best.at_zero is False

    def test_it_stays_inside_its_range(self) -> None:
        assert self.found(1e-12).lam == pytest.approx(1e-8, rel=1e-6)
        assert self.found(1e9).lam == pytest.approx(1e4, rel=1e-6)

    def test_every_point_of_a_batch_has_its_own(self) -> None:
        lam = np.array([[1e-6, 2.0, 5e3], [0.3, 1e-3, 40.0]])
        best = self.found(lam, alpha=np.array([0.4, 2.0, 9.0]) * np.ones((2, 1)))
        np.testing.assert_allclose(best.lam, lam, rtol=1e-6)
        assert best.at_zero.tolist() == [[False] * 3] * 2

    def test_the_limit_wins_where_it_is_best(self) -> None:
        def objective(sol: rf.Solution) -> np.ndarray:
            lam = np.broadcast_to(sol.learner.lam, np.shape(sol.m))
            return np.where(
                lam == 0.0, np.where(sol.task.alpha > 1.0, 0.5, 3.0), 1.0 + np.log(np.where(lam, lam, 1)) ** 2
            )

        best = rf.best_lam(rf.RulesAndFacts(np.array([0.5, 2.0]), 0.3), RIDGE, objective=objective)
        assert best.at_zero.tolist() == [False, True]
        np.testing.assert_allclose(best.lam, [1.0, 0.0], atol=1e-6)
        np.testing.assert_allclose(best.error, [1.0, 0.5], atol=1e-9)

    def test_the_shape_is_that_of_all_parameters(self) -> None:
        learner = rf.Learner(rf.Square(), rf.Kernel(np.array([0.7, 0.9]), 0.1), 1.0)
        best = rf.best_lam(rf.RulesAndFacts(2.0, 0.6), learner)
        np.testing.assert_allclose(best.lam, rf.optimal_ridge(0.6, learner.features), rtol=1e-4)
        one = rf.best_lam(rf.RulesAndFacts(2.0, 0.6), rf.Learner(rf.Square(), rf.Kernel(0.7, 0.1), 1.0))
        assert (type(one.lam), type(one.error), type(one.at_zero)) == (float, float, bool)
        assert best.error[0] == pytest.approx(one.error, rel=1e-9)

    def test_every_point_is_solved_to_eleven_digits(self) -> None:
        # Some of many points would stop between 1e-11 and a looser tolerance.
        alpha = np.geomspace(0.01, 100, 300)
        self.found(1.0, rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), 1.0), alpha)

    def test_it_wants_a_learner_with_a_ridge(self) -> None:
        with pytest.raises(ValueError, match=r"BayesOptimal\(\) has no ridge"):
            rf.best_lam(rf.RulesAndFacts(2.0, 0.3), rf.BayesOptimal())


def test_optimal_ridge_in_numbers() -> None:
    # mu1^2 (pi / (2 (1 - eps)^2) - 1) - mu_star^2, by hand: at eps = 1/2 the bracket is 2 pi - 1.
    assert rf.optimal_ridge(0.5, rf.Linear()) == pytest.approx(2 * np.pi - 1, rel=1e-15)
    assert rf.optimal_ridge(0.5, rf.Kernel(2.0, 3.0)) == pytest.approx(4 * (2 * np.pi - 1) - 9, rel=1e-15)
    batch = rf.optimal_ridge(np.array([0.0, 0.5]), rf.Kernel(2.0, 3.0))
    np.testing.assert_allclose(batch, [2 * np.pi - 13, 8 * np.pi - 13], rtol=1e-14)
    assert type(rf.optimal_ridge(0.5, rf.Linear())) is float


class TestThreshold:
    def test_equal_margins(self) -> None:
        # n equations for as many unknowns as there are weights.
        features = rf.RandomFeatures(0.8, 0.6, np.array([0.3, 2.0]))
        for loss in (rf.Square(), rf.MinNorm()):
            assert rf.interpolation_threshold(rf.Learner(loss, rf.Linear(), 1.0), 0.3) == 1.0
            np.testing.assert_array_equal(rf.interpolation_threshold(rf.Learner(loss, features, 1.0), 0.3), [0.3, 2.0])

    def test_the_ends_of_eps(self) -> None:
        margin = rf.Learner(rf.MaxMargin(), rf.Linear(), 1.0)
        assert rf.interpolation_threshold(margin, 0.0) == np.inf
        assert rf.interpolation_threshold(margin, 1.0) == pytest.approx(2.0, rel=1e-12)
        assert type(rf.interpolation_threshold(margin, 1.0)) is float
        for eps in (-0.1, 1.2):
            with pytest.raises(ValueError, match=r"eps = .*\[0, 1\]"):
                rf.interpolation_threshold(margin, eps)


@pytest.mark.parametrize("eps", [0.0, 1e-3, 0.3, 0.99])
def test_constant_of_the_bayes_learner(eps: float) -> None:
    # E_gen -> 1 / (pi C alpha), C = 4 (1 - eps)^2 / (2 pi)^{3/2} int du exp(-u^2) / (1 + (1 - eps) erf(u / sqrt 2)).
    with mp.workdps(30):
        share = 1 - mp.mpf(eps)
        integral = mp.quad(
            lambda u: mp.exp(-u * u) / (mp.mpf(eps) + share * mp.erfc(-u / mp.sqrt(2))),
            [-30, -12, -8, -4, -2, 0, 2, 4, 8],
        )
        constant = float(mp.mpf(2) ** 1.5 * mp.pi**1.5 / (4 * mp.pi * share**2 * integral))
    law = rf.asymptotics(rf.BayesOptimal(), eps)
    assert law.exponent == -1.0
    assert law.prefactor == pytest.approx(constant, rel=1e-12)


@pytest.mark.parametrize("features", [rf.Linear(), rf.Kernel(0.5, 0.9)], ids=["linear", "kernel"])
def test_constant_of_ridge(features: rf.features.FeatureMap) -> None:
    law = rf.asymptotics(rf.Learner(rf.Square(), features, 0.7), 0.5)
    assert law == (-0.5, pytest.approx(np.sqrt(2 * np.pi - 1) / np.pi, rel=1e-14))


KERNEL = rf.Kernel(0.8, 0.6)


@pytest.mark.parametrize("eps", [1e-4, 0.3, 0.9])
def test_constant_of_the_hinge_on_inputs(eps: float) -> None:
    # E[zeta; m zeta < 1] = 0 is solved by hand for the edge T = 1 / m; the force is one for the share of margins below.
    with mp.workdps(30):
        share = mp.mpf(eps)
        edge = mp.sqrt(2 * mp.log((2 - share) / (2 - 2 * share)))
        below = (2 - share) * mp.ncdf(edge) - (1 - share)
        constant = float(mp.sqrt(below / 2 / mp.pi) / (1 - share))
    for lam in (0.0, 1.0, 50.0):
        law = rf.asymptotics(rf.Learner(rf.Hinge(), rf.Linear(), lam), eps)
        assert law == (-0.5, pytest.approx(constant, rel=1e-10))


@pytest.mark.parametrize("v", [0.3, 4.0])
def test_constant_of_logistic_regression(v: float) -> None:
    # Integrated over the training margin x, of which the test margin u = x - v sigma(-x) is explicit.
    eps = mp.mpf("0.2")

    def mean(function, m: mp.mpf) -> mp.mpf:
        def integrand(x: mp.mpf) -> mp.mpf:
            force = 1 / (1 + mp.exp(x))
            t = (x - v * force) / m
            weight = mp.npdf(t) * (2 - eps if t > 0 else eps)
            return weight * function(t, force) * (1 + v * force * (1 - force)) / m

        zero = mp.findroot(lambda x: x - v / (1 + mp.exp(x)), 0.5)
        return mp.quad(integrand, [zero - 14 * m - v, zero - 4 * m, zero, zero + 4 * m, zero + 14 * m + v])

    with mp.workdps(20):
        m = mp.findroot(lambda m: mean(lambda t, force: t * force, m), (1, 3), solver="anderson")
        start = mp.findroot(lambda x: x - v / (1 + mp.exp(x)), 0.5)
        c = (1 - eps) * mp.sqrt(2 / mp.pi)
        constant = mp.sqrt(mean(lambda t, force: force**2, m)) * (1 + mp.exp(start)) / (mp.pi * c)
    law = rf.asymptotics(rf.Learner(rf.Logistic(), KERNEL, 0.36 / v), float(eps))
    assert law == (-0.5, pytest.approx(float(constant), rel=1e-10))


@pytest.mark.parametrize(
    ("learner", "same"),
    [
        (rf.Learner(rf.Logistic(), KERNEL, 0.0), rf.Learner(rf.MaxMargin(), KERNEL, 1.0)),
        (rf.Learner(rf.Hinge(), KERNEL, 0.36 / 40.0), rf.Learner(rf.MaxMargin(), KERNEL, 3.0)),
        (rf.Learner(rf.SquaredHinge(), KERNEL, 2.0), rf.Learner(rf.MaxMargin(), KERNEL, 1.0)),
        (rf.Learner(rf.MinNorm(), KERNEL, 1.0), rf.Learner(rf.Square(), rf.Linear(), 1.0)),
        (rf.Learner(rf.Logistic(), rf.Linear(), 0.0), rf.Learner(rf.Logistic(), rf.Kernel(3.0, 0.0), 2.0)),
    ],
)
def test_constants_that_are_the_same(learner: rf.Learner, same: rf.Learner) -> None:
    # Two learners whose forces at large load have one shape; the hinge's ramp reaches all margins in its window of 40.
    assert rf.asymptotics(learner, 0.2).prefactor == pytest.approx(rf.asymptotics(same, 0.2).prefactor, rel=1e-9)


@pytest.mark.parametrize("loss", [rf.Hinge(), rf.SquaredHinge(), rf.Logistic(), rf.MinNorm(), rf.MaxMargin()], ids=repr)
@pytest.mark.parametrize("lam", [0.0, 0.1, 1.0])
def test_constants_against_the_solver(loss: rf.losses.Loss, lam: float) -> None:
    for features in (rf.Linear(), KERNEL):
        if features is KERNEL or loss.constraint is not None:
            learner = rf.Learner(loss, features, lam)
            error = rf.generalization_error(rf.solve(rf.RulesAndFacts(1e8, 0.3), learner))
            assert 1e4 * error == pytest.approx(rf.asymptotics(learner, 0.3).prefactor, rel=1e-6)


@pytest.mark.parametrize(
    ("learner", "eps", "message"),
    [
        (rf.Learner(rf.Square(), rf.RandomFeatures(0.8, 0.6, 2.0), 1.0), 0.1, "leave a floor; measure the error with"),
        (rf.Learner(rf.MinNorm(), rf.Linear(), 1.0), 0.1, "facts cannot all be met at large load"),
        (rf.Learner(rf.MaxMargin(), rf.Kernel(0.8, 0.0), 0.0), 0.1, "facts cannot all be met at large load"),
        (rf.Learner(rf.Hinge(), KERNEL, 1.0), 0.0, "^eps = 0: the law of learner = .* measure it with rate"),
        (rf.Learner(rf.Hinge(), KERNEL, np.ones(2)), 0.1, r"lam of shape \(2,\) is not one number"),
        (rf.Learner(rf.Hinge(), rf.Kernel(1.0, np.ones(3)), 1.0), 0.1, r"mu_star of shape \(3,\) is not one number"),
        ("ridge", 0.1, "learner = 'ridge' has no law"),
    ],
    ids=repr,
)
def test_no_law_where_none_is_known(learner, eps: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rf.asymptotics(learner, eps)


def test_a_loss_that_facts_do_not_hold_back() -> None:
    class Endless(rf.Hinge):
        """The loss -x: a force of one on every sample, so that a longer learner is always better."""

        def force(self, u: np.ndarray, V: np.ndarray) -> np.ndarray:
            return np.ones_like(u * V)

    with pytest.raises(ValueError, match="is not held back by facts"):
        rf.asymptotics(rf.Learner(Endless(), rf.Linear(), 1.0), 0.3)


def ridge_error(alpha: float, eps: float, lam: float) -> mp.mpf:
    """Generalization error of linear ridge from its quadratic equation, with 40 digits."""
    a, lam_ = mp.mpf(alpha), mp.mpf(lam)
    c = (1 - mp.mpf(eps)) * mp.sqrt(2 / mp.pi)
    b = lam_ + a - 1
    V = (-b + mp.sqrt(b * b + 4 * lam_)) / (2 * lam_)
    m = a * c / (1 + V) * V
    # q = m^2 + alpha (1 + q - 2 c m) (V / (1 + V))^2 is linear in q.
    gain = a * (V / (1 + V)) ** 2
    q = (m * m + gain * (1 - 2 * c * m)) / (1 - gain)
    return mp.acos(m / mp.sqrt(q)) / mp.pi


@pytest.mark.parametrize("alpha", [0.5, 3.0, 1e4, 1e8])
def test_rate_is_the_slope_over_a_tenth_of_a_decade(alpha: float) -> None:
    with mp.workdps(40):
        up, down = (
            ridge_error(mp.mpf(alpha) * mp.mpf(10) ** step, 0.3, 0.4) for step in (mp.mpf("0.05"), mp.mpf("-0.05"))
        )
        slope = float(mp.log10(up / down) / mp.mpf("0.1"))
    measured = rf.rate(RIDGE, 0.3, alpha)
    assert type(measured) is float
    assert measured == pytest.approx(slope, abs=1e-9)


def test_rates_of_a_batch() -> None:
    eps, alpha = np.array([[0.0], [0.4]]), np.array([1.0, 1e5, 1e7])
    together = rf.rate(rf.BayesOptimal(), eps, alpha)
    assert together.shape == (2, 3)
    assert together[1, 1] == pytest.approx(rf.rate(rf.BayesOptimal(), 0.4, 1e5), rel=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rf.rate(RIDGE, 0.3, 0.0), r"alpha = 0 .*\(0, 1e\+?0?8\]"),
        (lambda: rf.rate(RIDGE, 0.3, 1.1e8), r"alpha = 1.1e\+08 "),
        (lambda: rf.rate(RIDGE, 1.0, 3.0), r"eps = 1 .*\[0, 1\)"),
        (lambda: rf.rate(RIDGE, -0.1, 3.0), r"eps = -0.1 .*\[0, 1\)"),
        (lambda: rf.asymptotics(RIDGE, 1.0), r"eps = 1 .*\[0, 1\)"),
        (lambda: rf.asymptotics(RIDGE, -0.1), r"eps = -0.1 .*\[0, 1\)"),
        (lambda: rf.optimal_ridge(1.0, rf.Linear()), r"eps = 1 .*\[0, 1\)"),
        (lambda: rf.optimal_ridge(-0.1, rf.Linear()), r"eps = -0.1 .*\[0, 1\)"),
    ],
)
def test_ranges(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
