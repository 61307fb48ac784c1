"""The solver over its whole box, its batches, its branches and its failures."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

import raflib as rf
from raflib.channel import conjugates
from raflib.fixed_point import iterate
from raflib.overlaps import Overlaps

SOFT = [rf.Square(), rf.Hinge(), rf.SquaredHinge()]
HARD = [rf.MinNorm(), rf.MaxMargin()]


def true_residual(sol: rf.Solution, loss: rf.losses.Loss, lam: np.ndarray) -> np.ndarray:
    """Apply the equations once more, undamped, and return the largest relative change."""
    alpha = np.broadcast_to(sol.task.alpha, np.shape(sol.m))
    eps = np.broadcast_to(sol.task.eps, np.shape(sol.m))
    hats = conjugates(alpha, eps, loss, Overlaps(sol.m, sol.s, sol.V))
    features = sol.learner.features
    new = features.overlaps(hats, np.broadcast_to(lam, np.shape(sol.m)))
    changes = [np.abs(a - b) / np.maximum(np.abs(b), 1e-300) for a, b in ((new.V, sol.V), (new.s, sol.s))]
    changes.append(np.where(sol.m == 0, np.abs(new.m), np.abs(new.m - sol.m) / np.maximum(np.abs(sol.m), 1e-300)))
    return np.max(changes, axis=0)


def box(n: int, seed: int) -> dict[str, np.ndarray]:
    """Random points of the box, its faces eps = 0, eps = 1 and lam = 0 included."""
    rng = np.random.default_rng(seed)
    eps, lam = rng.uniform(0, 1, n), 10 ** rng.uniform(-6, 4, n)
    face = rng.integers(0, 8, n)
    eps = np.select([face == 0, face == 1, face == 2], [0.0, 1.0, 10 ** rng.uniform(-9, -2, n)], eps)
    lam[rng.random(n) < 0.2] = 0.0
    return {
        "alpha": 10 ** rng.uniform(-3, 5, n),
        "eps": eps,
        "lam": lam,
        "angle": np.pi / 2 * rng.uniform(1e-6, 1 - 1e-6, n),
    }


@pytest.mark.parametrize("loss", SOFT, ids=repr)
@pytest.mark.parametrize("kernel", [False, True], ids=["linear", "kernel"])
def test_no_failure_in_the_box(loss: rf.losses.Loss, kernel: bool) -> None:
    at = box(3000, seed=10)
    features = rf.Kernel.from_angle(at["angle"]) if kernel else rf.Linear()
    sol = rf.solve(rf.RulesAndFacts(at["alpha"], at["eps"]), rf.Learner(loss, features, at["lam"]))
    assert sol.converged.all()
    assert sol.residual.max() <= 1e-10
    soft = ~sol.constrained
    lam = np.where(at["lam"] == 0, 1.0, at["lam"])
    # The reported residual is that of the map at the returned overlaps.
    for branch, mask in ((loss, soft), (loss.constraint, sol.constrained)):
        task = rf.RulesAndFacts(at["alpha"][mask], at["eps"][mask])
        chosen = rf.Kernel.from_angle(at["angle"][mask]) if kernel else rf.Linear()
        part = rf.solve(task, rf.Learner(loss, chosen, at["lam"][mask]))
        unit = np.where((at["lam"][mask] == 0) & ~part.constrained, 0.0, lam[mask])
        assert true_residual(part, branch, unit).max() <= 2e-10


@pytest.mark.parametrize("loss", HARD, ids=repr)
def test_no_failure_under_hard_constraints(loss: rf.losses.Loss) -> None:
    at = box(3000, seed=11)
    kernel = rf.Kernel.from_angle(at["angle"])
    sol = rf.solve(rf.RulesAndFacts(at["alpha"], at["eps"]), rf.Learner(loss, kernel, at["lam"]))
    assert sol.residual.max() <= 1e-10
    assert sol.constrained.all()
    limit = 1.0 if isinstance(loss, rf.MinNorm) else rf.capacity(at["eps"])
    load = np.minimum(at["alpha"], 0.999 * np.minimum(limit, 1e5))
    linear = rf.solve(rf.RulesAndFacts(load, at["eps"]), rf.Learner(loss, rf.Linear(), at["lam"]))
    assert linear.residual.max() <= 1e-10


@pytest.mark.parametrize("loss", [*SOFT, rf.Logistic()], ids=repr)
def test_no_failure_with_random_features(loss: rf.losses.Loss) -> None:
    at = box(300 if isinstance(loss, rf.Logistic) else 2000, seed=13)
    kappa = 10 ** np.random.default_rng(14).uniform(-2, 3, at["eps"].size)
    kappa[::9] = 1.0
    features = rf.RandomFeatures(np.cos(at["angle"]), np.sin(at["angle"]), kappa)
    sol = rf.solve(rf.RulesAndFacts(at["alpha"], at["eps"]), rf.Learner(loss, features, at["lam"]))
    assert sol.residual.max() <= 1e-10
    assert (sol.s > 0).all()
    assert (sol.V > 0).all()


def test_no_failure_of_the_logistic_loss() -> None:
    at = box(300, seed=15)
    for features in (rf.Linear(), rf.Kernel.from_angle(at["angle"])):
        sol = rf.solve(rf.RulesAndFacts(at["alpha"], at["eps"]), rf.Learner(rf.Logistic(), features, at["lam"]))
        assert sol.residual.max() <= 1e-10


def test_corners() -> None:
    corners = itertools.product(
        [1e-3, 1e5], [0.0, 1e-12, 0.5, 1.0], [0.0, 1e-6, 1e4], [1e-4, np.pi / 4, np.pi / 2 - 1e-4]
    )
    alpha, eps, lam, angle = np.array(list(corners)).T
    for loss, features in itertools.product(SOFT, (rf.Linear(), rf.Kernel.from_angle(angle))):
        sol = rf.solve(rf.RulesAndFacts(alpha, eps), rf.Learner(loss, features, lam))
        assert sol.residual.max() <= 1e-10


@pytest.mark.parametrize("loss", SOFT + HARD, ids=repr)
def test_scalars_give_the_numbers_of_the_batch(loss: rf.losses.Loss) -> None:
    alpha, lam = np.array([0.2, 0.7, 0.9]), np.array([0.0, 1e-3, 1.0, 100.0])[:, None]
    kernel = rf.Kernel(0.8, np.array([0.1, 0.6, 2.0]))
    batch = rf.solve(rf.RulesAndFacts(alpha, 0.4), rf.Learner(loss, kernel, lam))
    assert batch.m.shape == (4, 3)
    for i, j in np.ndindex(4, 3):
        one = rf.solve(
            rf.RulesAndFacts(float(alpha[j]), 0.4),
            rf.Learner(loss, rf.Kernel(0.8, float(kernel.mu_star[j])), float(lam[i, 0])),
        )
        assert type(one.m) is float
        assert type(one.converged) is bool
        for name in ("m", "q", "s", "V", "m_hat", "q_hat", "V_hat"):
            assert getattr(one, name) == pytest.approx(getattr(batch, name)[i, j], rel=1e-9)
        for observable in (rf.generalization_error, rf.memorization_error, rf.training_error, rf.training_loss):
            assert observable(one) == pytest.approx(observable(batch)[i, j], rel=1e-9, abs=1e-14)
        assert rf.free_energy(one) == pytest.approx(rf.free_energy(batch)[i, j], rel=1e-9)


def test_a_large_batch_is_cut_into_pieces_that_fit() -> None:
    lam = np.geomspace(1e-2, 10, 9000)
    task = rf.RulesAndFacts(2.0, 0.3)
    whole = rf.solve(task, rf.Learner(rf.Hinge(), rf.Linear(), lam))
    part = rf.solve(task, rf.Learner(rf.Hinge(), rf.Linear(), lam[::1000]))
    np.testing.assert_allclose(whole.m[::1000], part.m, rtol=1e-9)
    np.testing.assert_allclose(rf.training_loss(whole)[::1000], rf.training_loss(part), rtol=1e-9)


def test_the_order_of_axes_is_the_readers() -> None:
    sol = rf.solve(
        rf.RulesAndFacts(np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.9])[:, None]),
        rf.Learner(rf.Hinge(), rf.Linear(), 0.5),
    )
    assert sol.m.shape == (2, 3)
    assert np.all(np.diff(rf.generalization_error(sol), axis=1) < 0)  # more samples, smaller error
    assert np.all(sol.m[0] > sol.m[1])  # more facts, less rule


class TestLambdaToZero:
    def test_branch_of_the_linear_square(self) -> None:
        sol = rf.solve(rf.RulesAndFacts(np.array([0.5, 0.99, 1.01, 2.0]), 0.3), rf.Learner(rf.Square(), rf.Linear(), 0))
        assert sol.constrained.tolist() == [True, True, False, False]
        np.testing.assert_allclose(sol.V, [0.5, 0.01, 100.0, 1.0], rtol=1e-9)  # 1 - alpha and 1 / (alpha - 1)

    def test_branch_of_the_linear_hinge(self) -> None:
        threshold = rf.capacity(0.3)
        task = rf.RulesAndFacts(np.array([0.98, 1.02]) * threshold, 0.3)
        sol = rf.solve(task, rf.Learner(rf.Hinge(), rf.Linear(), 0))
        assert sol.constrained.tolist() == [True, False]
        assert rf.memorization_error(sol)[0] == 0.0
        assert rf.memorization_error(sol)[1] > 0.0

    @pytest.mark.parametrize("loss", SOFT, ids=repr)
    @pytest.mark.parametrize("alpha", [0.6, 5.0])
    @pytest.mark.parametrize("features", [rf.Linear(), rf.Kernel(0.8, 0.6)], ids=["linear", "kernel"])
    def test_it_is_the_limit(self, loss: rf.losses.Loss, alpha: float, features: rf.features.FeatureMap) -> None:
        task, tiny = rf.RulesAndFacts(alpha, 0.4), 1e-7
        limit = rf.solve(task, rf.Learner(loss, features, 0))
        near = rf.solve(task, rf.Learner(loss, features, tiny))
        scale = tiny if limit.constrained else 1.0
        assert near.m == pytest.approx(limit.m, rel=1e-5)
        assert near.q == pytest.approx(limit.q, rel=1e-5)
        assert near.V * scale == pytest.approx(limit.V, rel=1e-5)
        assert near.m_hat / scale == pytest.approx(limit.m_hat, rel=1e-5)
        assert near.q_hat / scale**2 == pytest.approx(limit.q_hat, rel=1e-4)
        assert rf.generalization_error(near) == pytest.approx(rf.generalization_error(limit), rel=1e-5)
        assert rf.memorization_error(near) == pytest.approx(rf.memorization_error(limit), rel=1e-4, abs=1e-12)

    def test_a_constraint_ignores_lam_up_to_the_unit_of_V(self) -> None:
        task = rf.RulesAndFacts(0.7, 0.2)
        one = rf.solve(task, rf.Learner(rf.MaxMargin(), rf.Linear(), 1))
        ten = rf.solve(task, rf.Learner(rf.MaxMargin(), rf.Linear(), 10))
        assert (one.m, one.q) == pytest.approx((ten.m, ten.q), rel=1e-9)
        assert pytest.approx(10 * ten.V, rel=1e-9) == one.V


class TestFailure:
    def test_an_infeasible_constraint_is_named(self) -> None:
        task, learner = rf.RulesAndFacts(np.array([0.5, 1.5]), 0.25), rf.Learner(rf.MinNorm(), rf.Linear(), 1)
        with pytest.raises(rf.ConvergenceError, match=r"1 of 2 points .*MinNorm.*alpha = 1\.5, eps = 0\.25.*capacity"):
            rf.solve(task, learner)

    def test_nan_on_request_with_one_warning(self) -> None:
        task, learner = rf.RulesAndFacts(np.array([0.5, 1.5, 3.0]), 0.25), rf.Learner(rf.MinNorm(), rf.Linear(), 1)
        with pytest.warns(rf.ConvergenceWarning, match="2 of 3 points") as caught:
            sol = rf.solve(task, learner, on_failure="nan")
        assert len(caught) == 1
        assert sol.converged.tolist() == [True, False, False]
        for name in ("m", "q", "s", "V", "m_hat", "q_hat", "V_hat"):
            assert np.isnan(getattr(sol, name)).tolist() == [False, True, True]
        for observable in (
            rf.generalization_error, rf.memorization_error, rf.training_error, rf.training_loss, rf.free_energy,
        ):  # fmt: skip
            assert np.isnan(observable(sol)).tolist() == [False, True, True], observable
        # The point beside it is untouched.
        assert sol.m[0] == rf.solve(rf.RulesAndFacts(0.5, 0.25), learner).m

    def test_too_few_steps(self) -> None:
        task, learner = rf.RulesAndFacts(2.0, 0.3), rf.Learner(rf.Hinge(), rf.Linear(), 0.1)
        with pytest.raises(rf.ConvergenceError, match=r"alpha = 2\.0, eps = 0\.3, lam = 0\.1.*residual.*max_steps"):
            rf.solve(task, learner, max_steps=1)

    def test_the_interpolation_threshold_itself(self) -> None:
        # Ridge at alpha = 1 and lam -> 0+ has no finite limit.
        with pytest.raises(rf.ConvergenceError, match="interpolation threshold"):
            rf.solve(rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Square(), rf.Linear(), 0))

    def test_no_numpy_warning_escapes(self) -> None:
        at = box(500, seed=12)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            rf.solve(rf.RulesAndFacts(at["alpha"], at["eps"]), rf.Learner(rf.Hinge(), rf.Linear(), at["lam"]))


class TestFixedPoint:
    def test_reported_residual_is_that_of_the_returned_point(self) -> None:
        def cosine(x: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return np.cos(x), np.eye(3)[:, :, None] * (-x * np.tan(x))[:, None, :]

        found = iterate(cosine, np.array([[0.3, 1.2], [0.5, 0.9], [0.7, 0.1]]))
        np.testing.assert_allclose(found.x, 0.7390851332151607, rtol=1e-9)
        again = np.abs(np.cos(found.x) - found.x).max(axis=0) / 0.7390851332151607
        np.testing.assert_allclose(found.residual, again, atol=1e-13)

    def test_wrong_derivatives_do_not_give_a_wrong_answer(self) -> None:
        def misled(x: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return 1 + 1 / x, np.full((3, 3, x.shape[1]), 0.9)

        found = iterate(misled, np.full((3, 1), 5.0), max_steps=500)
        assert found.residual[0] <= 1e-10
        np.testing.assert_allclose(found.x, (1 + np.sqrt(5)) / 2, rtol=1e-9)

    def test_a_map_that_leaves_the_positive_axis_is_reported_not_returned(self) -> None:
        def hopeless(x: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return np.full_like(x, np.nan), np.zeros((3, 3, x.shape[1]))

        assert iterate(hopeless, np.ones((3, 2)), max_steps=50).residual.tolist() == [np.inf, np.inf]
