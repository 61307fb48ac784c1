"""Separability: both answers proved from the data, and the same as a linear program's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

import raflib as rf
from raflib.finite import is_separable, separate


def check_proof(X: np.ndarray, y: np.ndarray, found) -> None:
    """Verify both halves of the proof with nothing but the data."""
    rows = y[:, None] * X
    assert found.weights.min() >= 0
    assert found.weights.sum() == pytest.approx(1, abs=1e-12)
    assert np.linalg.norm(rows.T @ found.weights) == pytest.approx(found.bound, rel=1e-12)
    longest = np.linalg.norm(rows, axis=1).max()
    if found.reached > 0:
        assert np.linalg.norm(found.student) == pytest.approx(1, rel=1e-12)
        assert (rows @ found.student).min() == pytest.approx(found.reached, rel=1e-12)
        assert found.reached <= found.bound * (1 + 1e-12)
        assert found.bound - found.reached < 1e-10 * longest
    else:
        assert not found.student.any()
        assert found.bound < 1e-12 * longest


def by_linear_program(X: np.ndarray, y: np.ndarray) -> bool:
    """Largest t with y w.x >= t for w in a box."""
    n, d = X.shape
    system = np.hstack([-y[:, None] * X, np.ones((n, 1))])
    best = linprog(np.r_[np.zeros(d), -1.0], A_ub=system, b_ub=np.zeros(n), bounds=[(-1, 1)] * d + [(None, 1)])
    assert best.status == 0
    return -best.fun > 1e-9


@pytest.mark.parametrize("kind", ["Gaussian", "rules and facts", "binary", "binary, repeated"])
@pytest.mark.parametrize("d", [2, 5, 12, 30])
def test_the_answer_of_a_linear_program(kind: str, d: int) -> None:
    rng = np.random.default_rng(d)
    answers = []
    for load in (1.2, 1.8, 2.0, 2.2, 3.0):
        for _ in range(4):
            n = round(load * d)
            if kind == "rules and facts":
                data = rf.RulesAndFacts(load, 0.5).sample(d, rng)
                X, y = data.X, data.y
            else:
                X = rng.standard_normal((n, d)) if kind == "Gaussian" else rng.choice([-1.0, 1.0], (n, d))
                y = rng.choice([-1.0, 1.0], n)
            if kind == "binary, repeated":
                X, y = np.concatenate([X, X[:3]]), np.concatenate([y, y[:3]])
            found = separate(X, y)
            check_proof(X, y, found)
            assert found.separable == by_linear_program(X, y) == is_separable(X, y)
            answers.append(found.separable)
    assert 0 < sum(answers) < len(answers)


def test_margins_around_the_largest_one() -> None:
    data = rf.RulesAndFacts(0.8, 0.5).sample(d=60, rng=0)
    largest = separate(data.X, data.y).reached
    assert largest > 0.1
    assert is_separable(data.X, data.y, largest)
    assert is_separable(data.X, data.y, 0.999 * largest)
    for margin in (1.001 * largest, 2 * largest):
        refused = separate(data.X, data.y, margin)
        assert not refused.separable
        assert refused.bound < margin  # the proof
        check_proof(data.X, data.y, refused)
    # Of the margin's unit: twice the inputs, twice the margin.
    assert separate(2 * data.X, data.y).reached == pytest.approx(2 * largest, rel=1e-9)


def test_cases_by_hand() -> None:
    one = np.array([[3.0, 4.0]])
    found = separate(one, np.array([-1.0]))
    np.testing.assert_allclose(found.student, [-0.6, -0.8], atol=1e-14)
    assert found.reached == pytest.approx(5.0)
    assert is_separable(one, np.array([1]), 5.0)
    assert not is_separable(one, np.array([1]), 5.0001)
    # The same input with both labels, on the line through zero: margin zero exactly, which is not above zero.
    twice = np.array([[3.0, 4.0], [3.0, 4.0]])
    check_proof(twice, np.array([1.0, -1.0]), separate(twice, np.array([1.0, -1.0])))
    assert not is_separable(twice, np.array([1, -1]))
    assert not is_separable(np.array([[1.0], [-2.0]]), np.array([1, 1]))
    assert is_separable(np.array([[1.0], [-2.0]]), np.array([1, -1]))
    # An input of zero has margin zero whatever the student.
    assert not is_separable(np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([1, 1]))
    assert not is_separable(np.zeros((2, 2)), np.array([1, 1]))


def test_a_narrow_gap_is_decided() -> None:
    # Two inputs that all but oppose each other: margins of 1e-3 to 1e-9 of their length.
    for gap in (1e-3, 1e-6, 1e-9):
        X = np.array([[1.0, gap], [-1.0, gap]])
        found = separate(X, np.array([1, 1]))
        assert found.separable
        assert found.reached == pytest.approx(gap, rel=1e-6)
        assert not separate(X * [1.0, -1.0], np.array([1, 1]), 1.1 * gap).separable
    # Beyond rounding it is not told from zero.
    assert not is_separable(np.array([[1.0, 1e-14], [-1.0, 1e-14]]), np.array([1, 1]))


def test_an_answer_without_proof_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 10)), rng.choice([-1.0, 1.0], 20)
    monkeypatch.setattr("scipy.optimize.nnls", lambda A, b, maxiter: (np.ones(A.shape[1]), 0.0))
    with pytest.raises(rf.SimulationError, match=r"n = 20 samples in d = 10 dimensions .* is not decided"):
        separate(X, y)

    # A margin between what was reached, sqrt(1/2), and a bound that is not the least, sqrt(5/9).
    monkeypatch.setattr("scipy.optimize.nnls", lambda A, b, maxiter: (np.array([1.0, 0.5]), 0.0))
    assert is_separable(np.eye(2), np.ones(2), 0.70)
    assert not is_separable(np.eye(2), np.ones(2), 0.75)
    with pytest.raises(rf.SimulationError, match=r"with margin 0\.72 is not decided: 0\.707 was reached, and 0\.745"):
        is_separable(np.eye(2), np.ones(2), 0.72)

    def stops(A: np.ndarray, b: np.ndarray, maxiter: int) -> None:
        raise RuntimeError("too many iterations")

    monkeypatch.setattr("scipy.optimize.nnls", stops)
    with pytest.raises(rf.SimulationError, match=r"stopped \(too many iterations\); scale the inputs"):
        separate(X, y)


def test_bad_input_is_named() -> None:
    X = np.ones((2, 3))
    for arguments, message in (
        ((X, np.array([1, 0])), r"y\[1\] = 0 is neither -1 nor \+1"),
        ((X, np.ones(3)), r"y has shape \(3,\); it must hold one label for each of the 2 samples"),
        ((np.ones(3), np.ones(3)), r"X has shape \(3,\); it must be \(n, d\)"),
        ((np.ones((0, 3)), np.ones(0)), r"X has shape \(0, 3\)"),
        ((X * np.nan, np.ones(2)), r"X\[0, 0\] = nan is not finite"),
        ((X, np.ones(2), -0.1), r"margin = -0\.1 is outside the allowed range \[0, inf\)"),
        ((X, np.ones(2), [0.1, 0.2]), r"margin has shape \(2,\); it must be one number"),
    ):
        with pytest.raises(ValueError, match=message):
            is_separable(*arguments)
