"""Bounds that hold for every parameter."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import raflib as rf

ALPHA = st.floats(-3, 5).map(lambda x: 10.0**x)
EPS = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))
LAM = st.one_of(st.just(0.0), st.floats(-6, 4).map(lambda x: 10.0**x))
FEATURES = st.one_of(st.just(rf.Linear()), st.floats(1e-6, np.pi / 2 - 1e-6).map(rf.Kernel.from_angle))
LOSS = st.sampled_from([rf.Square(), rf.Hinge()])


def near_threshold(alpha: float, eps: float, learner: rf.Learner) -> bool:
    """Say whether lam = 0 and the load is within 1e-9 of an interpolation threshold, where overlaps diverge."""
    if learner.lam > 0 or isinstance(learner.features, rf.Kernel):
        return False
    threshold = 1.0 if isinstance(learner.loss, rf.Square) else rf.capacity(eps)
    return abs(alpha / threshold - 1) < 1e-9


@given(alpha=ALPHA, eps=EPS, lam=LAM, features=FEATURES, loss=LOSS)
def test_overlaps_and_errors_stay_in_their_ranges(alpha, eps, lam, features, loss) -> None:
    learner = rf.Learner(loss, features, lam)
    if near_threshold(alpha, eps, learner):
        return
    sol = rf.solve(rf.RulesAndFacts(alpha, eps), learner)
    assert sol.s > 0
    assert sol.V > 0
    assert sol.m >= 0
    assert sol.q == sol.m**2 + sol.s
    assert min(sol.q_hat, sol.V_hat, sol.m_hat) >= 0
    assert sol.residual <= 1e-10
    for error in (rf.generalization_error(sol), rf.memorization_error(sol), rf.training_error(sol)):
        assert 0 <= error <= 0.5
    assert rf.training_error(sol) <= rf.memorization_error(sol) + 1e-12  # rules are easier than coin flips
    assert 0 <= rf.training_loss(sol) <= loss.value(np.array(0.0)) + 1e-12  # no worse than the zero learner
    assert rf.free_energy(sol) <= alpha * loss.value(np.array(0.0)) * (1 + 1e-9) or sol.constrained


@given(alpha=ALPHA, eps=st.floats(0, 0.999), features=FEATURES, loss=LOSS)
def test_more_facts_make_the_rule_harder(alpha, eps, features, loss) -> None:
    task = rf.RulesAndFacts(alpha, np.array([eps, 0.5 * (1 + eps)]))
    few, many = rf.generalization_error(rf.solve(task, rf.Learner(loss, features, 0.1)))
    assert few <= many + 1e-12


@given(eps=st.floats(1e-6, 1), margin=st.floats(0, 5), more=st.floats(1e-3, 1))
def test_capacity_falls_with_the_margin_and_with_facts(eps, margin, more) -> None:
    assert rf.capacity(eps, margin + more) < rf.capacity(eps, margin)
    assert rf.capacity(eps) >= 2.0 - 1e-12
    assert rf.capacity(eps, margin) <= rf.capacity(0.5 * eps, margin) * (1 + 1e-9)


@given(lam=st.floats(-4, 3).map(lambda x: 10.0**x), factor=st.floats(-2, 2).map(lambda x: 10.0**x))
def test_a_change_of_units_of_the_kernel(lam, factor) -> None:
    # mu1 -> c mu1, mu_star -> c mu_star and lam -> c^2 lam is the same learner with a / c for a.
    task = rf.RulesAndFacts(1.7, 0.3)
    sol = rf.solve(task, rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), lam))
    scaled = rf.solve(task, rf.Learner(rf.Hinge(), rf.Kernel(0.8 * factor, 0.6 * factor), lam * factor**2))
    np.testing.assert_allclose([scaled.m, scaled.q, scaled.V], [sol.m, sol.q, sol.V], rtol=1e-8)
