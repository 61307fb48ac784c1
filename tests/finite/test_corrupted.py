"""Trained learners recall corrupted facts as often as the theory says."""

from __future__ import annotations

import numpy as np
import pytest

import raflib as rf

TASK = rf.RulesAndFacts(1.5, 0.4)
RHO = np.array([1.0, 0.8, 0.4])
RELU, RBF = rf.finite.ActivationFeatures("relu"), rf.finite.RBFKernel(0.7)
CASES = {
    "linear": (rf.Square(), rf.Linear(), 0.1, None, None, 150),
    "hinge": (rf.Hinge(), rf.Linear(), 0.3, None, None, 100),
    "kernel": (rf.Square(), rf.Kernel(0.8, 0.6), 0.1, np.square, None, 150),
    "features": (rf.Square(), rf.RandomFeatures(0.8, 0.6, 2.0), 0.1, np.square, None, 150),
    "rbf": (rf.Square(), RBF.equivalent, 0.1, lambda rho: rf.rbf_overlap(0.7, rho), RBF, 150),
    "relu": (rf.Square(), RELU.equivalent(2.0), 0.1, lambda rho: rf.nonlinear_overlap("relu", rho), RELU, 150),
}


@pytest.mark.parametrize("case", CASES)
def test_theory_within_four_standard_errors(case: str) -> None:
    loss, features, lam, overlap, actual, d = CASES[case]
    learner = rf.Learner(loss, features, lam)
    given = None if actual else overlap
    run = rf.finite.recall(TASK, learner, RHO, d, 20, overlap=given, actual=actual, n_jobs=1, progress=False)
    theory = rf.recall_error(rf.solve(TASK, learner), RHO, overlap)
    assert (run.stderr < 0.02).all()
    assert np.abs(run.mean - theory).max() < 4 * run.stderr.max() + 0.5 / d


def test_seeds_are_those_of_simulate_and_repeat() -> None:
    learner = rf.Learner(rf.Square(), rf.Linear(), 0.1)
    stored = rf.finite.recall(TASK, learner, 1.0, 60, [3, 5], n_jobs=1, progress=False)
    run = rf.simulate(TASK, learner, 60, [3, 5], n_jobs=1, progress=False)
    np.testing.assert_allclose(stored.values, run.memorization_error.values)
    again = rf.finite.recall(TASK, learner, 1.0, 60, [3, 5], n_jobs=1, progress=False)
    assert (stored.values == again.values).all()


def test_bad_input() -> None:
    kernel = rf.Learner(rf.Square(), rf.Kernel(0.8, 0.6), 0.1)
    with pytest.raises(ValueError, match="overlap is missing"):
        rf.finite.recall(TASK, kernel, 0.5, progress=False)
    with pytest.raises(ValueError, match="no meaning with actual"):
        rf.finite.recall(
            TASK, rf.Learner(rf.Square(), RBF.equivalent, 0.1), 0.5, overlap=0.2, actual=RBF, progress=False
        )
    with pytest.raises(ValueError, match="eps = 0"):
        rf.finite.recall(rf.RulesAndFacts(1.0, 0.0), rf.Learner(rf.Square(), rf.Linear(), 0.1), 0.5, progress=False)
    with pytest.raises(ValueError, match=r"rho = -0\.5"):
        rf.finite.recall(TASK, rf.Learner(rf.Square(), rf.Linear(), 0.1), -0.5, progress=False)
    with pytest.raises(ValueError, match="minimises no loss"):
        rf.finite.recall(TASK, rf.BayesOptimal(), 0.5, progress=False)
