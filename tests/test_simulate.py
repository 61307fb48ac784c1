"""Finite-size learners against the theory, and against what they must be by definition."""

from __future__ import annotations

import numpy as np
import pytest

import raflib as rf
from raflib.finite.training import train

TASK = rf.RulesAndFacts(1.5, 0.3)
LEARNERS = {
    "ridge, linear": rf.Learner(rf.Square(), rf.Linear(), np.array([0.05, 1.0])),
    "ridge, kernel": rf.Learner(rf.Square(), rf.Kernel(0.8, 0.6), np.array([0.05, 2.0])),
    "hinge, linear": rf.Learner(rf.Hinge(), rf.Linear(), np.array([0.2, 1.0])),
    "hinge, kernel": rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), np.array([0.05, 1.0])),
    "max margin, kernel": rf.Learner(rf.MaxMargin(), rf.Kernel(0.6, 0.8), 1.0),
    "max margin, linear": rf.Learner(rf.Hinge(), rf.Linear(), 0.0),
    "min norm, kernel": rf.Learner(rf.Square(), rf.Kernel(0.6, 0.8), 0.0),
    "least squares, linear": rf.Learner(rf.Square(), rf.Linear(), 0.0),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_theory_within_four_standard_errors(name: str) -> None:
    learner = LEARNERS[name]
    run = rf.simulate(TASK, learner, d=500, seeds=12, jobs=1, progress=False)
    sol = rf.solve(TASK, learner)
    theory = {
        "generalization_error": rf.generalization_error(sol),
        "memorization_error": rf.memorization_error(sol),
        "training_error": rf.training_error(sol),
        "training_loss": rf.training_loss(sol),
        "m": sol.m,
        "q": sol.q,
    }
    for observable, value in theory.items():
        estimate = getattr(run, observable)
        # Finite d shifts a mean by O(1 / d); an observable that is exactly constant over the seeds has no error bar.
        allowed = 4 * np.asarray(estimate.stderr) + 1.0 / run.d
        assert np.all(np.abs(np.asarray(estimate.mean) - value) <= allowed), (observable, estimate, value)


def test_same_seeds_same_numbers_whatever_the_jobs() -> None:
    learner = rf.Learner(rf.Square(), rf.Linear(), np.array([0.1, 1.0]))
    one = rf.simulate(TASK, learner, d=60, seeds=[3, 5, 9], jobs=1, progress=False)
    two = rf.simulate(TASK, learner, d=60, seeds=[3, 5, 9], jobs=2, progress=False)
    alone = rf.simulate(TASK, learner, d=60, seeds=[5], jobs=1, progress=False)
    for name in ("generalization_error", "memorization_error", "m", "q"):
        np.testing.assert_array_equal(getattr(one, name).values, getattr(two, name).values)
        np.testing.assert_array_equal(getattr(one, name).values[1], getattr(alone, name).values[0])
        assert np.isnan(getattr(alone, name).stderr).all()
    assert one.generalization_error.values.shape == (3, 2)
    assert one.seconds.shape == (3,)


@pytest.mark.parametrize("features", [rf.Linear(), rf.Kernel(0.8, 0.6)], ids=["linear", "kernel"])
@pytest.mark.parametrize("loss", [rf.Square(), rf.Hinge()], ids=repr)
def test_trained_weights_minimise_the_objective(loss, features) -> None:
    # Against a general-purpose optimiser on the explicit features, smoothing the hinge's kink away.
    from scipy.optimize import minimize

    data, lam = TASK.sample(d=20, rng=1), 0.5
    mu1, mu_star = features.strengths
    n = data.y.size
    phi = np.hstack([mu1 * data.X / np.sqrt(20), mu_star * np.eye(n)])
    trained = train(data.X, data.y, loss, features, lam)
    objective = loss.value(data.y * trained.fields).sum() + lam / 2 * trained.squared_norm

    def smooth(a: np.ndarray, width: float = 1e-4) -> float:
        x = data.y * (phi @ a)
        value = loss.value(x) if isinstance(loss, rf.Square) else width * np.logaddexp(0, (1 - x) / width)
        return float(value.sum() + lam / 2 * a @ a)

    best = minimize(smooth, np.zeros(phi.shape[1]), method="BFGS", options={"gtol": 1e-7, "maxiter": 5000})
    assert objective <= best.fun + 2e-3
    if isinstance(loss, rf.Square):
        assert objective == pytest.approx(best.fun, rel=1e-9)


def test_there_is_no_intercept() -> None:
    # With all labels equal an intercept would explain everything; this learner cannot have one.
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 400))
    trained = train(X, np.ones(40), rf.Hinge(), rf.Linear(), 1e-2)
    assert trained.squared_norm > 1.0
    np.testing.assert_allclose(trained.fields, X @ trained.student / 20.0, atol=1e-9)


def test_a_constraint_that_cannot_be_met_is_an_error() -> None:
    learner = rf.Learner(rf.Square(), rf.Linear(), 0.0)
    # Least squares beyond alpha = 1 is a legitimate limit of ridge; the explicit constraint is not.
    rf.simulate(rf.RulesAndFacts(2.0, 0.5), learner, d=30, seeds=1, jobs=1, progress=False)
    with pytest.raises(rf.SimulationError, match=r"MinNorm.*falls short.*lower alpha"):
        rf.simulate(
            rf.RulesAndFacts(2.0, 0.5), rf.Learner(rf.MinNorm(), rf.Linear(), 1), d=30, seeds=1, jobs=1, progress=False
        )


def test_an_optimiser_that_stops_early_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raflib.finite.training._SVM_STEPS", 3)
    learner = rf.Learner(rf.Hinge(), rf.Linear(), 1e-3)
    with pytest.raises(rf.SimulationError, match=r"did not converge in 3 sweeps at lam = 0\.001"):
        rf.simulate(TASK, learner, d=100, seeds=1, jobs=1, progress=False)


def test_a_loss_without_finite_version_is_named() -> None:
    class Mine:
        prox = None

    with pytest.raises(ValueError, match=r"loss = .*no finite-size version"):
        train(np.ones((2, 2)), np.ones(2), Mine(), rf.Linear(), 1.0)
    with pytest.raises(ValueError, match=r"features = .*no finite-size version"):
        train(np.ones((2, 2)), np.ones(2), rf.Hinge(), Mine(), 1.0)


def test_sampling_follows_the_label_law() -> None:
    data = rf.RulesAndFacts(100.0, 0.4).sample(d=200, rng=7)
    z = data.X @ data.teacher
    agree = data.y == np.sign(z)
    n = agree.size
    assert abs(data.is_fact.mean() - 0.4) < 5 * np.sqrt(0.24 / n)
    assert agree[~data.is_fact].all()
    assert abs(agree[data.is_fact].mean() - 0.5) < 5 * np.sqrt(0.25 / (0.4 * n))
    again = rf.RulesAndFacts(100.0, 0.4).sample(d=200, rng=np.random.default_rng(7))
    np.testing.assert_array_equal(data.X, again.X)


def test_no_facts_gives_no_memorization_error() -> None:
    run = rf.simulate(
        rf.RulesAndFacts(1.0, 0.0), rf.Learner(rf.Square(), rf.Linear(), 1), d=40, seeds=2, jobs=1, progress=False
    )
    assert np.isnan(run.memorization_error.mean)
