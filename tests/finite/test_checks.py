"""What is no label, no seed and no dimension is refused wherever it comes in, by name, value and allowed range."""

from __future__ import annotations

import numpy as np
import pytest

import raflib as rf
from raflib.finite.checks import labelled, labels
from raflib.finite.seeds import seed_list

TASK, RIDGE = rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Square(), rf.Linear(), 1.0)
QUIET = {"n_jobs": 1, "progress": False}


@pytest.mark.parametrize(
    ("y", "told"),
    [
        (
            np.array(["a", "b"]),
            r"y\[0\] = 'a' is neither -1 nor \+1 \(2 such labels\); np\.where\(y == 'a', 1\.0, -1\.0\)",
        ),
        (np.array([1, "b"], dtype=object), r"y\[1\] = 'b' is neither -1 nor \+1 \(1 such label\)"),
        (np.array(["1", "-1"]), r"y\[0\] = '1' is neither -1 nor \+1 \(2 such labels\)"),
        (np.array([1, None], dtype=object), r"y\[1\] = None is neither -1 nor \+1"),
        (np.array([1j, 1]), r"y\[0\] = 1j is neither -1 nor \+1"),
        (np.array([1.0, np.nan]), r"y\[1\] = nan is neither -1 nor \+1"),
        ([[1], [1, 2]], r"y is no array: .*inhomogeneous"),
    ],
)
def test_what_is_no_label(y, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        labels(y, 2)
    data = TASK.sample(d=2, rng=0)
    for trained in (
        lambda: rf.finite.train(data.X, y, rf.Square(), rf.Linear(), lam=1.0),
        lambda: rf.finite.is_separable(data.X, y),
        lambda: rf.finite.gamp(data._replace(y=y), RIDGE, progress=False),
        lambda: rf.finite.train_network(data.X, y, 2, 0.1, 0),
    ):
        with pytest.raises(ValueError, match=told):
            trained()


def test_labels_of_any_numeric_type_are_labels() -> None:
    for y in (np.array([1, -1], dtype=np.int8), np.array([1, -1.0], dtype=object), [1, -1], (1.0, np.float32(-1))):
        np.testing.assert_array_equal(labels(y, 2), [1.0, -1.0])
        assert labels(y, 2).dtype == np.float64


def test_inputs_that_are_no_numbers() -> None:
    for X in (np.array([["a", "b"]]), np.array([[1, "b"]], dtype=object), np.array([[1j, 1]])):
        with pytest.raises(ValueError, match=r"X must hold real numbers in the allowed range \(-inf, inf\): "):
            labelled(X, np.ones(1))
    with pytest.raises(ValueError, match="X is no array"):
        labelled([[1.0], [1.0, 2.0]], np.ones(2))


def trainings(d=10, seeds=2):
    """Return every experiment that takes a dimension and seeds."""
    return {
        "simulate": lambda: rf.simulate(TASK, RIDGE, d, seeds, **QUIET),
        "agreement": lambda: rf.finite.agreement(TASK, RIDGE, d, seeds, **QUIET),
        "recall": lambda: rf.finite.recall(TASK, RIDGE, 0.5, d, seeds, **QUIET),
        "network_study": lambda: rf.finite.network_study(TASK, 2, 0.1, d=d, seeds=seeds, **QUIET),
        "network_curve": lambda: rf.finite.network_curve(TASK, 2, 0.1, [1], d=d, seeds=seeds, **QUIET),
    }


@pytest.mark.parametrize("name", trainings())
@pytest.mark.parametrize("seeds", [2.5, None, np.float64(3.0), "ab", np.array(2.5), True, np.True_, [True, 2], [1, 1]])
def test_what_is_no_seed(name: str, seeds) -> None:
    with pytest.raises(ValueError, match=r"seeds = .* (allowed range \[[01], inf\)|each once)"):
        trainings(seeds=seeds)[name]()


def test_what_was_wrong_about_seeds_is_shown() -> None:
    with pytest.raises(
        ValueError, match=r"seeds = 2\.5 is not an integer in the allowed range \[1, inf\) or a sequence"
    ):
        seed_list(2.5)
    images = rf.finite.load_images("digits")
    with pytest.raises(ValueError, match="seeds = None is not an integer"):
        rf.finite.image_study(images, (3, 8), 5, n=20, eps=0.4, eta=1, lam=1, seeds=None, **QUIET)
    for count in (True, 2.5, None):
        with pytest.raises(ValueError, match=r"seeds = .* is not an integer in the allowed range \[2, inf\)"):
            rf.finite.suite(count)
        with pytest.raises(ValueError, match=r"seeds = .* is not an integer in the allowed range \[2, inf\)"):
            rf.finite.universality(TASK, RIDGE, [10, 20], seeds=count, **QUIET)


@pytest.mark.parametrize("name", trainings())
@pytest.mark.parametrize("d", [2.5, None, "a", True, np.True_, np.array(2.5), [10]])
def test_what_is_no_dimension(name: str, d) -> None:
    with pytest.raises(ValueError, match=r"d = .* is not an integer in the allowed range \[[12], inf\)"):
        trainings(d=d)[name]()


@pytest.mark.parametrize("d", [2.5, None, True, "ab", [10, 2.5], [10, True]])
def test_what_is_no_line_of_dimensions(d) -> None:
    with pytest.raises(
        ValueError, match=r"d = .* is not (an integer|a sequence of integers) in the allowed range \[1, inf\)"
    ):
        rf.finite.universality(TASK, RIDGE, d, seeds=2, **QUIET)
    with pytest.raises(ValueError, match=r"d = .* is not an integer in the allowed range \[1, inf\)"):
        rf.finite.finite_capacity(d, trials=16, **QUIET)
    if d != [10, True]:  # of which numpy makes two integers
        with pytest.raises(ValueError, match=r"d = "):
            rf.finite.cover_fraction(30, d)
    with pytest.raises(ValueError, match=r"epochs = "):
        rf.finite.network_curve(TASK, 2, 0.1, d, d=10, seeds=2, **QUIET)


def test_an_array_without_axes_is_a_number() -> None:
    assert seed_list(np.array(3)) == (0, 1, 2)
    assert TASK.sample(np.array(5), 0).X.shape == (5, 5)
    assert rf.simulate(TASK, RIDGE, np.array(10), np.array(2), **QUIET).seeds == (0, 1)
    assert rf.finite.finite_capacity(np.array(5), trials=16, **QUIET).d.tolist() == [5]
