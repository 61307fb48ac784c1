"""Every argument outside its range gives an error that names it, its value and the range."""

from __future__ import annotations

import numpy as np
import pytest

import raflib as rf

OK = rf.Learner(rf.Hinge(), rf.Linear(), 0.1)
TASK = rf.RulesAndFacts(2.0, 0.3)
CASES = {
    "alpha = 0": lambda: rf.RulesAndFacts(0, 0.3),
    "alpha = -1": lambda: rf.RulesAndFacts(-1, 0.3),
    "alpha = inf": lambda: rf.RulesAndFacts(np.inf, 0.3),
    "alpha = nan": lambda: rf.RulesAndFacts(np.nan, 0.3),
    "alpha = -3 .first of 2 such values": lambda: rf.RulesAndFacts(np.array([1.0, -3.0, -5.0]), 0.3),
    "alpha = 'two' is not a number": lambda: rf.RulesAndFacts("two", 0.3),
    "alpha = None is not a number": lambda: rf.RulesAndFacts(None, 0.3),
    "alpha = 1j is not a number": lambda: rf.RulesAndFacts(1j, 0.3),
    r"eps = 1\.0000001.*\[0, 1\]": lambda: rf.RulesAndFacts(1, 1.0000001),
    r"eps = -0\.1.*\[0, 1\]": lambda: rf.RulesAndFacts(1, -0.1),
    r"shapes do not broadcast: alpha \(2,\), eps \(3,\)": lambda: rf.RulesAndFacts(np.ones(2), np.ones(3) / 2),
    r"lam = -1 .*\[0, inf\)": lambda: rf.Learner(rf.Hinge(), rf.Linear(), -1),
    "lam = nan": lambda: rf.Learner(rf.Hinge(), rf.Linear(), np.nan),
    "loss = .*Hinge.*instance": lambda: rf.Learner(rf.Hinge, rf.Linear(), 1),
    "features = .*Linear.*instance": lambda: rf.Learner(rf.Hinge(), rf.Linear, 1),
    r"mu1 = 0 .*\(0, inf\)": lambda: rf.Kernel(0, 1),
    r"mu_star = -1 .*\[0, inf\)": lambda: rf.Kernel(1, -1),
    r"gamma = 1\.570.*\[0, 1\.5708\)": lambda: rf.Kernel.from_angle(np.pi / 2),
    r"shapes do not broadcast: mu1 \(2,\), mu_star \(3,\)": lambda: rf.Kernel(np.ones(2), np.ones(3)),
    r"shapes do not broadcast: alpha \(2,\), lam \(3,\)": lambda: rf.solve(
        rf.RulesAndFacts(np.ones(2), 0.3), rf.Learner(rf.Hinge(), rf.Linear(), np.ones(3))
    ),
    "task = 3": lambda: rf.solve(3, OK),
    "learner = .*Hinge": lambda: rf.solve(TASK, rf.Hinge()),
    r"tol = 1.*\[1e-13, 0.01\]": lambda: rf.solve(TASK, OK, tol=1.0),
    r"max_steps = 0 .*\[1, inf\)": lambda: rf.solve(TASK, OK, max_steps=0),
    "on_failure = 'ignore' is not one of 'raise', 'nan'": lambda: rf.solve(TASK, OK, on_failure="ignore"),
    r"eps = 2 .*\[0, 1\]": lambda: rf.capacity(2),
    r"margin = -0\.5 .*\[0, inf\)": lambda: rf.capacity(1, -0.5),
    r"eps = 1 .*\[0, 1\)": lambda: rf.optimal_ridge(1, rf.Linear()),
    r"d = 0 .*\[1, inf\)": lambda: TASK.sample(0, 0),
    r"d = 2\.5 is not an integer": lambda: TASK.sample(2.5, 0),
    "alpha has shape .2,.": lambda: rf.RulesAndFacts(np.ones(2), 0.3).sample(10, 0),
    "gives no sample": lambda: rf.RulesAndFacts(0.01, 0.3).sample(10, 0),
    r"y = 0 is outside the allowed values -1, \+1": lambda: TASK.label_probability(0, 0.3),
    r"d = 0 .*\[1, inf\)!": lambda: rf.simulate(TASK, OK, d=0),
    r"seeds = 0 .*\[1, 1000000\]": lambda: rf.simulate(TASK, OK, seeds=0),
    r"seeds = \[1, 1\]": lambda: rf.simulate(TASK, OK, seeds=[1, 1]),
    r"seeds = -1 .*\[0, inf\)": lambda: rf.simulate(TASK, OK, seeds=[-1]),
    r"n_jobs = 0 is not a positive integer": lambda: rf.simulate(TASK, OK, d=10, n_jobs=0),
    r"rtol = -1 .*\[0, inf\)": lambda: rf.check(1.0, 1.0, rtol=-1),
    "answer = nan": lambda: rf.check(np.nan, 1.0),
}


@pytest.mark.parametrize("message", CASES)
def test_error_names_argument_value_and_range(message: str) -> None:
    with pytest.raises(ValueError, match=message.rstrip("!")):
        CASES[message]()


def test_arguments_are_kept_as_given_and_cannot_change_afterwards() -> None:
    eps = np.array([0.1, 0.2])
    task = rf.RulesAndFacts(1, eps)
    eps[0] = 7.0
    assert task.eps.tolist() == [0.1, 0.2]
    with pytest.raises(ValueError, match="read-only"):
        task.eps[0] = 0.5
