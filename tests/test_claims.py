"""Two claims that the book's table names and that no test of a single function says: both errors small at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

import raflib as rf

TASK = rf.RulesAndFacts(alpha=3.0, eps=0.2)


def _angle(student: np.ndarray, teacher: np.ndarray) -> float:
    return float(np.arccos(student @ teacher / np.linalg.norm(student) / np.linalg.norm(teacher)) / np.pi)


def test_width_lets_both_errors_be_small() -> None:
    # A linear learner at the ridge that is best for the rule forgets a third of its facts. At theirs, wide ones do not.
    lam = rf.optimal_ridge(TASK.eps, rf.Linear())
    linear = rf.Learner(rf.Square(), rf.Linear(), lam)
    plain = rf.solve(TASK, linear)
    assert rf.memorization_error(plain) > 0.3
    widths = np.array([0.5, 2.0, 8.0, 32.0, 128.0, 512.0])
    features = rf.RandomFeatures(np.sqrt(0.6), np.sqrt(0.4), widths)
    best = rf.best_lam(TASK, rf.Learner(rf.Square(), features, 1.0))
    forgotten = rf.memorization_error(rf.solve(TASK, rf.Learner(rf.Square(), features, best.lam)))
    assert np.all(np.diff(best.error) < 0)
    assert np.all(np.diff(forgotten) < 0)
    assert best.error[-1] - rf.generalization_error(plain) < 2e-3
    assert forgotten[-1] < 0.01
    # Trained learners of 32 features per dimension, on the samples of the linear ones.
    wide = rf.Learner(rf.Square(), rf.RandomFeatures(np.sqrt(0.6), np.sqrt(0.4), 32.0), best.lam[3])
    runs = [rf.simulate(TASK, learner, d=50, seeds=12, progress=False) for learner in (linear, wide)]
    for run, gen, mem in zip(
        runs, (rf.generalization_error(plain), best.error[3]), (rf.memorization_error(plain), forgotten[3]), strict=True
    ):
        assert abs(run.generalization_error.mean - gen) < 4 * run.generalization_error.stderr
        assert abs(run.memorization_error.mean - mem) < 4 * run.memorization_error.stderr
    assert runs[1].memorization_error.mean < 0.5 * runs[0].memorization_error.mean


@pytest.mark.parametrize("eps", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("alpha", [0.5, 3.0, 10.0])
def test_one_angle_stores_every_fact_at_the_best_error(alpha: float, eps: float) -> None:
    # Against kernel ridge regression by hand: tan^2(pi E) = (1 / c^2 - 1 + (1 - rho)^2) / (alpha - rho^2), and rho is
    # a root of (1 - rho) (alpha - rho) = L rho. The best effective ridge L by a scan.
    c = (1 - eps) * np.sqrt(2 / np.pi)

    def error(log_L: float) -> float:
        rho = brentq(lambda x: (1 - x) * (alpha - x) - np.exp(log_L) * x, 0.0, min(1.0, alpha), xtol=1e-15)
        return float(np.arctan(np.sqrt((1 / c**2 - 1 + (1 - rho) ** 2) / (alpha - rho**2))) / np.pi)

    least = minimize_scalar(error, bounds=(-8, 8), method="bounded", options={"xatol": 1e-10}).fun
    task, corner = rf.RulesAndFacts(alpha, eps), np.arccos(c)
    at = rf.solve(task, rf.Learner(rf.Square(), rf.Kernel.from_angle(corner), 0.0))
    assert rf.generalization_error(at) == pytest.approx(least, abs=1e-9)
    assert rf.memorization_error(at) == 0.0
    # No other angle has both: a smaller one needs a ridge, and loses facts; a larger one has a larger error.
    smaller = rf.Kernel.from_angle(0.5 * corner)
    before = rf.solve(task, rf.Learner(rf.Square(), smaller, rf.optimal_ridge(eps, smaller)))
    assert rf.generalization_error(before) == pytest.approx(least, abs=1e-9)
    assert rf.memorization_error(before) > 1e-5
    ridgeless = rf.solve(task, rf.Learner(rf.Square(), rf.Kernel.from_angle(corner + np.array([-0.1, 0.1])), 0.0))
    assert np.all(rf.generalization_error(ridgeless) > least + 1e-5)
    assert np.all(rf.memorization_error(ridgeless) == 0.0)


def test_one_angle_on_one_training_set() -> None:
    # Linear algebra on one sample: the ridgeless kernel of that angle has the direction of linear ridge regression at
    # its best ridge, and meets every label.
    data, d = TASK.sample(d=100, rng=0), 100
    c = (1 - TASK.eps) * np.sqrt(2 / np.pi)
    shared, own = c**2, 1 - c**2
    fields, dual, _ = rf.finite.train_kernel(
        shared * data.X @ data.X.T / d + own * np.eye(len(data.y)), data.y, rf.Square(), lam=0.0
    )
    np.testing.assert_allclose(fields, data.y, atol=1e-10)
    ridge = np.linalg.solve(
        data.X.T @ data.X / d + rf.optimal_ridge(TASK.eps, rf.Linear()) * np.eye(d), data.X.T @ data.y
    )
    assert _angle(data.X.T @ dual, data.teacher) == pytest.approx(_angle(ridge, data.teacher), abs=1e-12)
