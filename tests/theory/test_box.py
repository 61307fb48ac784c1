"""The hard box of benchmarks/box.py: a sample of its points, all its corners, and what the box itself says."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import raflib as rf

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import box


def listed(outcome: box.Outcome) -> str:
    """The failures, a line each, as the message of a failed test."""
    return "\n".join(["", *(f"{f.point} residual={f.residual:.2g}" for f in outcome.failures)])


def test_random_points() -> None:
    # Other points than those of `make bench`, which draws 10,000 from another seed.
    outcome = box.check(box.random_points(2000, seed=2))
    assert outcome.points + outcome.excluded == 2000
    assert not outcome.failures, listed(outcome)
    assert outcome.largest_residual <= 1e-10


def test_corners() -> None:
    outcome = box.check(box.corners())
    assert outcome.excluded == 0
    assert not outcome.failures, listed(outcome)
    assert outcome.largest_residual <= 1e-10


def test_beside_the_thresholds() -> None:
    outcome = box.check(box.beside_thresholds(200, seed=3))
    assert not outcome.failures, listed(outcome)


def test_the_points_fill_the_box() -> None:
    groups = box.random_points()
    assert sum(g.alpha.size for g in groups) == 10_000
    assert len({(type(g.loss), g.kind) for g in groups}) == 18
    for g in groups:
        reach = box.ALPHA[1]
        if g.loss in box.HARD:
            limit = np.minimum(reach, box.constraint_capacity(g))
            assert (g.alpha < limit).all() or (limit == reach).any()
        assert ((g.alpha >= box.ALPHA[0]) & (g.alpha <= reach)).all()
        assert ((g.eps == 0).any(), (g.eps == 1).any(), (g.lam == 0).any(), (g.kappa == 1).any()) == (True,) * 4
        assert ((g.lam == 0) | ((g.lam >= box.LAM[0]) & (g.lam <= box.LAM[1]))).all()
        assert ((g.angle > 0) & (g.angle < np.pi / 2)).all()
        assert ((g.kappa >= box.KAPPA[0]) & (g.kappa <= box.KAPPA[1])).all()
    soft = np.concatenate([g.alpha for g in groups if g.loss not in box.HARD])
    assert soft.min() < 2e-3
    assert soft.max() > 5e5


def test_the_same_seed_draws_the_same_points() -> None:
    for one, other in zip(box.random_points(100, seed=5), box.random_points(100, seed=5), strict=True):
        np.testing.assert_equal(one[2:], other[2:])


@pytest.mark.parametrize(
    ("loss", "alpha", "lam", "out"),
    [
        (rf.Square(), 1.0, 0.0, True),
        (rf.Square(), 1.0 + 1e-10, 0.0, True),
        (rf.Square(), 1.0 + 1e-8, 0.0, False),
        (rf.Square(), 1.0, 1e-8, False),
        (rf.Hinge(), 1.0, 0.0, False),
        (rf.Hinge(), 2.0, 0.0, True),  # eps = 1: Gardner's capacity
    ],
)
def test_only_the_threshold_itself_is_left_out(loss, alpha: float, lam: float, out: bool) -> None:
    one = np.ones(1)
    points = box.Points(loss, "Linear", alpha * one, one, lam * one, np.nan * one, np.nan * one)
    assert box.without_solution(points).tolist() == [out]
    assert box.check([points])[:2] == ((0, 1) if out else (1, 0))


def test_a_wrong_solution_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    # The box does not take the solver's word for the residual: it applies the equations itself.
    solve = rf.solve

    def flattering(*args, **kwargs) -> rf.Solution:
        sol = solve(*args, **kwargs)
        object.__setattr__(sol, "V", sol.V * (1 + 1e-8))
        return sol

    points = [g for g in box.random_points(90, seed=4) if g.kind == "Kernel"]
    assert not box.check(points).failures
    monkeypatch.setattr(rf, "solve", flattering)
    assert len(box.check(points).failures) > 0.5 * sum(g.alpha.size for g in points)
