"""What is no label, no seed and no dimension is refused wherever it comes in, by name, value and allowed range."""

from __future__ import annotations

import math
import warnings

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
    with pytest.raises(ValueError, match=r"seeds = .* (allowed range \[(1, 1000000\]|0, inf\))|each once)"):
        trainings(seeds=seeds)[name]()


def test_what_was_wrong_about_seeds_is_shown() -> None:
    with pytest.raises(
        ValueError, match=r"seeds = 2\.5 is not an integer in the allowed range \[1, 1000000\] or a sequence"
    ):
        seed_list(2.5)
    images = rf.finite.load_images("digits")
    with pytest.raises(ValueError, match="seeds = None is not an integer"):
        rf.finite.image_study(images, (3, 8), 5, n=20, eps=0.4, eta=1, lam=1, seeds=None, **QUIET)
    for count in (True, 2.5, None, 2**70):
        with pytest.raises(ValueError, match=r"seeds = .* is not an integer in the allowed range \[2, 1000000\]"):
            rf.finite.suite(count)
        with pytest.raises(ValueError, match=r"seeds = .* is not an integer in the allowed range \[2, 1000000\]"):
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


REAL = r" must hold real numbers in the allowed range \(-inf, inf\): "


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.array([["a", "b"], ["c", "d"]]), f"{REAL}its type is <U1"),
        (np.array([[1, "b"], [0, 1]], dtype=object), REAL),
        (np.array([[1.0, 1j], [-1j, 1.0]]), f"{REAL}its type is complex128"),
        ([[1.0], [1.0, 2.0]], " is no array: .*inhomogeneous"),
        (np.array([[1.0, 0.0], [0.0, np.nan]]), r"\[1, 1\] = nan is not finite"),
        (np.array([[1.0, -np.inf], [-np.inf, 1.0]]), r"\[0, 1\] = -inf is not finite"),
        (np.ones((2, 0)), r" has shape \(2, 0\)"),
        (np.ones(2), r" has shape \(2,\)"),
    ],
)
def test_what_is_no_input_and_no_kernel_of_a_training(values, told: str) -> None:
    y = np.array([1.0, -1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as that of a lost imaginary part
        with pytest.raises(ValueError, match=f"^X{told}"):
            rf.finite.train(values, y, rf.Square(), rf.Linear(), lam=1.0)
        with pytest.raises(ValueError, match=f"^K{told}"):
            rf.finite.train_kernel(values, y, rf.Square(), lam=1.0)


def test_a_training_leaves_the_kernel_matrix_as_it_was() -> None:
    K = np.array([[2.0, 0.5], [0.5, 1.0]])
    for loss in (rf.Square(), rf.Hinge()):
        rf.finite.train_kernel(K, [1, -1], loss, lam=0.1)
    np.testing.assert_array_equal(K, [[2.0, 0.5], [0.5, 1.0]])


@pytest.mark.parametrize("seeds", [2**70, -1, 0])
@pytest.mark.parametrize("name", trainings())
def test_what_is_no_number_of_seeds(name: str, seeds: int) -> None:
    with pytest.raises(ValueError, match=rf"seeds = {seeds} is not an integer in the allowed range \[1, 1000000\]"):
        trainings(seeds=seeds)[name]()


def test_the_largest_number_of_seeds() -> None:
    assert len(seed_list(10**6)) == 10**6
    with pytest.raises(ValueError, match=r"seeds = 1000001 is not an integer in the allowed range \[1, 1000000\]"):
        seed_list(10**6 + 1)
    assert seed_list([2**70]) == (2**70,)  # one seed may be any number


@pytest.mark.parametrize("rng", ["q", -1, 2.5, 1j, True])
def test_what_is_no_generator(rng) -> None:
    data, features = TASK.sample(d=10, rng=0), rf.RandomFeatures(0.6, 0.8, 1.0)
    for drawn in (
        lambda: TASK.sample(10, rng),
        lambda: rf.finite.train(data.X, data.y, rf.Square(), features, lam=1.0, rng=rng),
        lambda: rf.finite.gamp(data, RIDGE, start=(0.1, 0.1, 1.0), rng=rng, progress=False),
        lambda: rf.finite.gibbs(TASK.sample(d=20, rng=0), rng=rng, progress=False),
        lambda: rf.finite.Scores([]).chance(10, rng),
        lambda: rf.finite.load_images("digits").sample((3, 8), 5, 20, 0.4, rng),
    ):
        with pytest.raises(
            ValueError, match=r"rng = .* is neither a numpy\.random\.Generator nor .*allowed range \[0, inf\)"
        ):
            drawn()


@pytest.mark.parametrize("task", ["t", None, rf.RulesAndFacts, RIDGE])
def test_what_is_no_task_and_no_sample(task) -> None:
    for taken in (
        lambda: rf.simulate(task, RIDGE, 10, 2, **QUIET),
        lambda: rf.finite.agreement(task, RIDGE, 10, 2, **QUIET),
        lambda: rf.finite.agreement(task, rf.BayesOptimal(), 10, 2, **QUIET),
        lambda: rf.finite.recall(task, RIDGE, 0.5, 10, 2, **QUIET),
        lambda: rf.finite.network_study(task, 2, 0.1, d=10, seeds=2, **QUIET),
        lambda: rf.finite.network_curve(task, 2, 0.1, [1], d=10, seeds=2, **QUIET),
    ):
        with pytest.raises(ValueError, match=r"task = .* is of type \w+; pass an rf\.RulesAndFacts"):
            taken()
    for taken in (
        lambda: rf.finite.gamp(task, RIDGE, progress=False),
        lambda: rf.finite.gibbs(task, rng=0, progress=False),
    ):
        with pytest.raises(ValueError, match=r"data = .* is of type \w+; pass an rf\.Sample"):
            taken()


@pytest.mark.parametrize("cache", [3, b"folder", True])
def test_what_is_no_folder(cache) -> None:
    for kept in (
        lambda: rf.simulate(TASK, RIDGE, 10, 2, cache=cache, **QUIET),
        lambda: rf.finite.agreement(TASK, rf.BayesOptimal(), 10, 2, cache=cache, **QUIET),
        lambda: rf.finite.network_curve(TASK, 2, 0.1, [1], d=10, seeds=2, cache=cache, **QUIET),
    ):
        with pytest.raises(ValueError, match=r"cache = .* is not the path of a folder"):
            kept()


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda t: np.full(np.shape(t), "a"), r"gives no real array .*its type is <U1"),
        (lambda t: t + 1j, r"gives no real array .*its type is complex128"),
        (lambda t: np.array([1j * value for value in t.ravel()], dtype=object), r"gives no real array "),
        (lambda t: float(t), r"gives no real array "),
        (math.exp, r"gives no real array "),
        (lambda t: t if t > 0 else 0 * t, r"gives no real array .*ambiguous"),
        (lambda t: [1.0, [2.0]], r"gives no real array .*inhomogeneous"),
        (lambda t: 1.0, r"gives shape \(\) for an argument of shape"),
        (lambda t: None, r"gives shape \(\) for an argument of shape"),
        (lambda t: t.sum(keepdims=True), r"gives shape \(1,\) for an argument of shape"),
    ],
)
def test_what_is_no_activation_and_no_kernel(function, told: str) -> None:
    told = rf"{told}.*; it must be a vectorised function, which maps a real array to a real array of its shape"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, made in (
            ("activation", lambda: rf.hermite(function)),
            ("activation", lambda: rf.finite.ActivationFeatures(function)),
            ("activation", lambda: rf.RandomFeatures.from_activation(function, 1.0)),
            ("activation", lambda: rf.activation_bias(function, 0.3)),
            ("kernel", lambda: rf.Kernel.from_dot_product(function)),
            ("kernel", lambda: rf.finite.DotProductKernel(function)),
            ("kernel", lambda: rf.nonlinear_overlap(function, 0.5)),
        ):
            with pytest.raises(ValueError, match=told) as raised:
                made()
            assert str(raised.value).startswith(f"{name} = {function!r} ")


def test_functions_that_turn_complex_later_are_refused_too() -> None:
    late = rf.finite.ActivationFeatures(lambda z: z + 1j if z.size == 77 else z**3 + z)
    with pytest.raises(ValueError, match=r"activation = .*complex128"):
        late.values(np.ones(77))
    kernel = rf.finite.DotProductKernel(lambda t: t + 1j if t.size == 9 else t + t**2)
    with pytest.raises(ValueError, match=r"kernel = .*complex128"):
        kernel.matrix(np.ones((3, 2)), np.ones((3, 2)))


def test_real_arrays_of_any_type_are_values() -> None:
    exact = rf.hermite("sign")
    for sign in (np.frompyfunc(lambda z: (z > 0) - (z < 0), 1, 1), lambda z: np.sign(z).astype(np.int8)):
        assert rf.hermite(sign, kinks=[0.0])[:3] == pytest.approx(exact[:3], abs=1e-9)
