"""Universality: other inputs and actual features come to the theory of Gaussian ones, at the rate of their noise."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import numpy as np
import pytest

import raflib as rf
from raflib.finite import power_law, universality
from raflib.finite.estimate import estimate

TASK = rf.RulesAndFacts(2.0, 0.3)
RELU, ERF, RBF = rf.finite.ActivationFeatures("relu"), rf.finite.ActivationFeatures("erf"), rf.finite.RBFKernel(0.5)
CASES = {
    "gaussian": (rf.Learner(rf.Square(), rf.Linear(), 0.1), {}),
    "binary": (rf.Learner(rf.Square(), rf.Linear(), 0.1), {"inputs": "binary"}),
    "binary, SVM": (rf.Learner(rf.Hinge(), rf.Linear(), 0.5), {"inputs": "binary"}),
    "relu": (rf.Learner(rf.Square(), RELU.equivalent(1.0), 0.1), {"actual": RELU}),
    "erf": (rf.Learner(rf.Square(), ERF.equivalent(1.0), 0.1), {"actual": ERF}),
    "erf on binary, logistic": (
        rf.Learner(rf.Logistic(), ERF.equivalent(1.0), 0.2),
        {"actual": ERF, "inputs": "binary"},
    ),
    "RBF": (rf.Learner(rf.Square(), RBF.equivalent, 2.0), {"actual": RBF, "inputs": "sphere"}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_distance_from_theory_falls_as_its_noise_and_vanishes(name: str) -> None:
    learner, settings = CASES[name]
    run = universality(TASK, learner, [15, 30, 60, 120], seeds=24, n_jobs=1, progress=False, **settings)
    sol = rf.solve(TASK, learner)
    assert run.generalization_error.theory == rf.generalization_error(sol)
    assert run.memorization_error.theory == rf.memorization_error(sol)
    for found in (run.generalization_error, run.memorization_error, run.training_error):
        assert found.rms.shape == (4,)
        assert found.law.stderr < 0.13
        # Samples of size d fluctuate by d^(-1/2); a shift of the mean of order 1 / d makes it a little steeper.
        assert abs(found.law.exponent + 0.5) < 4 * found.law.stderr
        assert found.law.misfit < 20
        assert abs(found.limit) < 4 * found.limit_stderr < 0.1


def test_another_limit_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    learner, _ = CASES["binary"]
    elsewhere = rf.solve(rf.RulesAndFacts(2.0, 0.6), learner)
    module = importlib.import_module("raflib.finite.universality")  # whose name in the package is the function's
    monkeypatch.setattr(module, "solve", lambda *_: elsewhere)
    run = universality(TASK, learner, [15, 30, 60, 120], inputs="binary", seeds=30, n_jobs=1, progress=False)
    found = run.generalization_error
    assert found.limit < -4 * found.limit_stderr
    assert found.law.exponent > -0.4  # it stops falling


def test_what_is_fitted_is_what_was_simulated() -> None:
    learner = rf.Learner(rf.Square(), rf.Linear(), np.array([0.1, 1.0]))
    settings = {"inputs": "binary", "n_jobs": 1, "progress": False}
    run = universality(TASK, learner, [20, 30], seeds=5, tests_per_dimension=20, **settings)
    theory = rf.generalization_error(rf.solve(TASK, learner))
    for i, d in enumerate((20, 30)):
        found = rf.simulate(TASK, learner, d, range(5 * i, 5 * i + 5), test_size=20 * d, **settings)
        values = found.generalization_error.values
        np.testing.assert_allclose(run.generalization_error.mean[i], values.mean(axis=0))
        np.testing.assert_allclose(run.generalization_error.stderr[i], values.std(axis=0, ddof=1) / np.sqrt(5))
        np.testing.assert_allclose(run.generalization_error.rms[i], np.sqrt(((values - theory) ** 2).mean(axis=0)))
    # Through two points a line goes exactly: the limit is Richardson's extrapolation.
    mean = run.generalization_error.mean
    np.testing.assert_allclose(run.generalization_error.limit, (30 * mean[1] - 20 * mean[0]) / 10 - theory)
    expected = np.sqrt((30 * run.generalization_error.stderr[1]) ** 2 + (20 * run.generalization_error.stderr[0]) ** 2)
    np.testing.assert_allclose(run.generalization_error.limit_stderr, expected / 10)
    assert run.generalization_error.law.exponent.shape == (2,)


def test_an_exact_learner_has_no_law() -> None:
    learner = rf.Learner(rf.MinNorm(), rf.Kernel(0.8, 0.6), 1.0)
    run = universality(TASK, learner, [20, 30], seeds=4, n_jobs=1, progress=False)
    assert np.all(run.memorization_error.rms == 0.0)
    assert np.isnan(run.memorization_error.law.exponent)
    assert np.isnan(run.memorization_error.limit)
    assert np.isfinite(run.generalization_error.law.exponent)


def test_fitted_exponents_have_the_errors_they_say() -> None:
    # Many experiments with a known law: the spread of the fitted exponents, and the share within one error.
    rng = np.random.default_rng(0)
    d, trials = np.array([50.0, 100.0, 200.0, 400.0]), 4000
    exact = 3.0 * d[:, None] ** -0.7
    errors = exact * np.array([0.02, 0.05, 0.03, 0.1])[:, None]
    law = power_law(d, exact + errors * rng.standard_normal((4, trials)), np.repeat(errors, trials, axis=1))
    assert law.exponent.mean() == pytest.approx(-0.7, abs=4 * law.exponent.std() / np.sqrt(trials) + 2e-3)
    assert law.exponent.std() == pytest.approx(law.stderr.mean(), rel=0.05)
    assert law.misfit.mean() == pytest.approx(2.0, rel=0.1)
    np.testing.assert_allclose(np.exp(np.log(law.prefactor).mean()), 3.0, rtol=0.02)
    # Against numpy's fit with the same weights.
    value, error = exact[:, 0] * [1.01, 0.97, 1.02, 1.0], errors[:, 0]
    (slope, constant), covariance = np.polyfit(np.log(d), np.log(value), 1, w=value / error, cov="unscaled")
    one = power_law(d, value, error)
    assert one.exponent == pytest.approx(slope)
    assert one.stderr == pytest.approx(np.sqrt(covariance[0, 0]))
    assert one.prefactor == pytest.approx(np.exp(constant))


@pytest.mark.parametrize("shift", [0.0, 0.01, 0.05])
def test_the_error_of_a_root_mean_square_is_its_spread(shift: float) -> None:
    # Over many groups of seeds: the reported error is the spread from group to group, with and without a shift.
    module = importlib.import_module("raflib.finite.universality")
    solution = rf.solve(TASK, CASES["gaussian"][0])
    theory, rng = rf.generalization_error(solution), np.random.default_rng(0)
    runs = [
        SimpleNamespace(generalization_error=estimate(theory + shift + 0.02 * rng.standard_normal((30, 3000))))
        for _ in range(2)
    ]
    found = module._converge("generalization_error", solution, runs, np.array([10, 20]))
    np.testing.assert_allclose(found.rms_stderr.mean(axis=1), found.rms.std(axis=1), rtol=0.05)
    np.testing.assert_allclose(found.limit.std(), found.limit_stderr.mean(), rtol=0.1)
    np.testing.assert_allclose(found.limit.mean(), shift, atol=4 * found.limit.std() / np.sqrt(3000))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"d": [100]}, r"d = \[100\] must hold at least two dimensions, in ascending order"),
        ({"d": [100, 50]}, "in ascending order"),
        ({"d": [50, 50]}, "in ascending order"),
        ({"d": [0, 50]}, "d = 0 is not an integer in the allowed range"),
        ({"seeds": 1}, "seeds = 1 is not an integer in the allowed range"),
        ({"tests_per_dimension": 0}, "tests_per_dimension = 0 is not an integer"),
        ({"inputs": "uniform"}, "inputs = 'uniform' is not one of 'gaussian', 'sphere', 'binary'"),
        ({"actual": RELU}, "actual"),
    ],
)
def test_experiments_that_cannot_be_made(change, message) -> None:
    settings = {"d": [10, 20], "seeds": 2, "n_jobs": 1, "progress": False} | change
    with pytest.raises(ValueError, match=message):
        universality(TASK, rf.Learner(rf.Square(), rf.Linear(), 1.0), **settings)


@pytest.mark.parametrize(
    ("d", "value", "stderr", "message"),
    [
        ([10, 20], [1.0], [0.1], r"shapes do not fit: d \(2,\), value \(1,\), stderr \(1,\)"),
        ([10, 20], [1.0, 2.0], 0.1, "shapes do not fit"),
        ([10, 10], [1.0, 2.0], [0.1, 0.1], "at least two different sizes"),
        ([0, 10], [1.0, 2.0], [0.1, 0.1], "d = 0"),
    ],
)
def test_laws_that_cannot_be_fitted(d, value, stderr, message) -> None:
    with pytest.raises(ValueError, match=message):
        power_law(d, value, stderr)
    assert np.isnan(power_law([10, 20], [1.0, -1.0], [0.1, 0.1]).exponent)
