"""Overlaps and conjugates are the stationary point of the replica-symmetric potential."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import raflib as rf
from raflib.observables import potential
from raflib.overlaps import Conjugates, Overlaps

LOSSES = (rf.Square(), rf.Hinge(), rf.SquaredHinge(), rf.Logistic(), rf.MaxMargin(), rf.MinNorm())
FEATURES = (rf.Linear(), rf.Kernel(0.8, 0.6), rf.RandomFeatures(0.8, 0.6, 0.7), rf.RandomFeatures(0.8, 0.6, 1.9))
#: Every loss on every feature map; hard constraints at lam = 1, where V is finite.
CASES = [(loss, features, 0.1 if loss.constraint else 1.0) for loss, features in itertools.product(LOSSES, FEATURES)]
SOFT = [case for case in CASES if case[0].constraint]


def columns(*values: float) -> list[np.ndarray]:
    return [np.array([value]) for value in values]


@pytest.mark.parametrize(("loss", "features", "lam"), CASES, ids=lambda x: type(x).__name__)
def test_stationary_in_all_six_variables(loss, features, lam) -> None:
    alpha, eps = (1.1 if loss.constraint else 0.5), 0.3  # constraints below every capacity
    sol = rf.solve(rf.RulesAndFacts(alpha, eps), rf.Learner(loss, features, lam))
    at = np.array([sol.m, sol.q, sol.V, sol.m_hat, sol.q_hat, sol.V_hat])

    def value(x: np.ndarray) -> float:
        m, q, V, m_hat, q_hat, V_hat = columns(*x)
        one = np.ones(1)
        overlaps, hats = Overlaps(m, q - m * m, V), Conjugates(m_hat, q_hat, V_hat)
        return float(potential(alpha * one, eps * one, loss, features, lam * one, overlaps, hats)[0])

    for i, x in enumerate(at):
        step = 1e-4 * x
        up, down = at.copy(), at.copy()
        up[i] += step
        down[i] -= step
        slope = (value(up) - value(down)) / (2 * step)
        # The scale of the slope is that of the terms that balance: conjugate for an overlap, overlap for a conjugate.
        partner = at[(i + 3) % 6] if i not in (1, 2, 4, 5) else at[{1: 5, 2: 4, 4: 2, 5: 1}[i]]
        assert abs(slope) < 1e-6 * abs(partner), (i, slope, partner)
        # It is the saddle that makes it vanish: away from it the slope is not small.
        off = at.copy()
        off[i] *= 1.05
        up, down = off.copy(), off.copy()
        up[(i + 3) % 6] *= 1 + 1e-4
        down[(i + 3) % 6] *= 1 - 1e-4
        assert np.isfinite(value(up) - value(down))


@pytest.mark.parametrize(("loss", "features", "lam"), SOFT, ids=lambda x: type(x).__name__)
def test_value_is_the_training_objective(loss, features, lam) -> None:
    # At the saddle: alpha (training loss) + (lam / 2) ||a||^2 / d, and ||a||^2 / (2 d) = d(free energy) / d(lam).
    task, step = rf.RulesAndFacts(1.5, 0.25), 1e-5
    low, at, high = (
        rf.solve(task, rf.Learner(loss, features, x), tol=1e-12) for x in (lam * (1 - step), lam, lam * (1 + step))
    )
    half_norm = (rf.free_energy(high) - rf.free_energy(low)) / (2 * lam * step)
    assert rf.free_energy(at) == pytest.approx(1.5 * rf.training_loss(at) + lam * half_norm, rel=1e-7)


def test_derivative_by_the_load_is_the_moreau_envelope() -> None:
    # By stationarity d(free energy) / d(alpha) is the mean envelope: loss plus (prox - u)^2 / (2 V) of a sample.
    learner, step = rf.Learner(rf.Hinge(), rf.Linear(), 0.2), 1e-5
    low, at, high = (rf.solve(rf.RulesAndFacts(x, 0.25), learner, tol=1e-12) for x in (1.5 - step, 1.5, 1.5 + step))
    slope = (rf.free_energy(high) - rf.free_energy(low)) / (2 * step)
    assert slope == pytest.approx(rf.training_loss(at) + at.V * at.q_hat / (2 * 1.5), rel=1e-7)
