"""Finite-size learners against the theory, and against what they must be by definition."""

from __future__ import annotations

import numpy as np
import pytest

import raflib as rf
from raflib.finite.measure import _error_of_angle, _of_students, _on_new_inputs
from raflib.finite.realisation import LinearReading, actual, equivalent

TASK = rf.RulesAndFacts(1.5, 0.3)
RELU, ERF = rf.finite.ActivationFeatures("relu"), rf.finite.ActivationFeatures("erf")
RBF = rf.finite.RBFKernel(0.5)
CUBIC = rf.finite.DotProductKernel(lambda t: t * (1.0 + t * (0.5 + 0.2 * t)))
KERNEL, RANDOM = rf.Kernel(0.8, 0.6), rf.RandomFeatures(0.8, 0.6, 1.3)
PATH = np.array([0.05, 1.0])
#: Loss, features, lam and what is not Gaussian.
LEARNERS = {
    "ridge, linear": (rf.Square(), rf.Linear(), PATH, {}),
    "ridge, kernel": (rf.Square(), KERNEL, PATH, {}),
    "ridge, random features": (rf.Square(), RANDOM, PATH, {}),
    "ridge, relu": (rf.Square(), RELU.equivalent(1.3), PATH / 4, {"actual": RELU}),
    "ridge, dot-product kernel, binary": (rf.Square(), CUBIC.equivalent, PATH, {"actual": CUBIC, "inputs": "binary"}),
    "hinge, linear": (rf.Hinge(), rf.Linear(), np.array([0.2, 1.0]), {}),
    "hinge, kernel": (rf.Hinge(), KERNEL, PATH, {}),
    "hinge, random features": (rf.Hinge(), RANDOM, PATH, {}),
    "hinge, erf": (rf.Hinge(), ERF.equivalent(1.3), PATH, {"actual": ERF}),
    "hinge, rbf kernel": (rf.Hinge(), RBF.equivalent, PATH, {"actual": RBF, "inputs": "sphere"}),
    "hinge, linear, binary": (rf.Hinge(), rf.Linear(), np.array([0.2, 1.0]), {"inputs": "binary"}),
    "logistic, linear": (rf.Logistic(), rf.Linear(), PATH, {}),
    "logistic, kernel": (rf.Logistic(), KERNEL, PATH, {}),
    "logistic, relu, sphere": (rf.Logistic(), RELU.equivalent(0.7), PATH, {"actual": RELU, "inputs": "sphere"}),
    "logistic, rbf kernel": (rf.Logistic(), RBF.equivalent, PATH, {"actual": RBF}),
    "squared hinge, linear": (rf.SquaredHinge(), rf.Linear(), PATH, {}),
    "squared hinge, kernel, sphere": (rf.SquaredHinge(), KERNEL, PATH, {"inputs": "sphere"}),
    "squared hinge, random features": (rf.SquaredHinge(), RANDOM, PATH, {"inputs": "binary"}),
    "max margin, kernel": (rf.MaxMargin(), rf.Kernel(0.6, 0.8), 1.0, {}),
    "max margin, random features": (rf.MaxMargin(), rf.RandomFeatures(0.8, 0.6, 2.0), 1.0, {}),
    "max margin, rbf kernel": (rf.MaxMargin(), RBF.equivalent, 1.0, {"actual": RBF, "inputs": "sphere"}),
    "max margin, linear": (rf.Hinge(), rf.Linear(), 0.0, {}),
    "logistic at lam = 0, kernel": (rf.Logistic(), KERNEL, 0.0, {}),
    "min norm, kernel": (rf.MinNorm(), rf.Kernel(0.6, 0.8), 1.0, {}),
    "ridge at lam = 0, relu": (rf.Square(), RELU.equivalent(3.0), 0.0, {"actual": RELU}),
    "least squares, linear": (rf.Square(), rf.Linear(), 0.0, {}),
    "hinge, linear, intercept": (rf.Hinge(), rf.Linear(), np.array([0.2, 1.0]), {"intercept": True}),
}


def theory(task: rf.RulesAndFacts, learner: rf.Learner) -> dict[str, np.ndarray]:
    sol = rf.solve(task, learner)
    return {
        "generalization_error": rf.generalization_error(sol),
        "memorization_error": rf.memorization_error(sol),
        "training_error": rf.training_error(sol),
        "training_loss": rf.training_loss(sol),
        "m": sol.m,
        "q": sol.q,
    }


def quiet(*args, **settings) -> rf.Simulation:
    return rf.simulate(*args, **{"n_jobs": 1, "progress": False} | settings)


@pytest.mark.parametrize("name", LEARNERS)
def test_theory_within_four_standard_errors(name: str) -> None:
    loss, features, lam, settings = LEARNERS[name]
    learner = rf.Learner(loss, features, lam)
    d = 300 if "actual" in settings else 400
    run = quiet(TASK, learner, d=d, seeds=8, test_size=3000, **settings)
    for observable, value in theory(TASK, learner).items():
        estimate = getattr(run, observable)
        # Finite d shifts a mean by O(1 / d), of its size if that is larger than 1; an observable that is exactly
        # constant over the seeds has no error bar.
        allowed = 4 * np.asarray(estimate.stderr) + np.maximum(1.0, np.abs(value)) / d
        assert np.all(np.abs(np.asarray(estimate.mean) - value) <= allowed), (observable, estimate, value)


# ---------------------------------------------------------------- measuring


def test_geometry_gives_what_new_inputs_give() -> None:
    # The exact formulas, Owen's T for a large intercept included, against a million new inputs.
    rng = np.random.default_rng(0)
    d, size = 20, 200_000
    vectors, noise = rng.standard_normal((d, 3)), np.array([0.0, 0.7, 1.5])
    constants, direction = np.array([0.0, 0.5, -1.5]), np.eye(d)[0]
    vectors[0] = [12.0, 6.0, -6.0]
    m, q = vectors[0] / np.sqrt(d), (vectors**2).sum(axis=0) / d + noise**2
    X = rng.standard_normal((size, d))
    fields = X @ vectors / np.sqrt(d) + noise * rng.standard_normal((size, 1)) + constants
    observed = np.mean(fields * X[:, :1] <= 0, axis=0)
    expected = _error_of_angle(m, q, constants)
    np.testing.assert_array_less(np.abs(observed - expected), 4 * np.sqrt(expected * (1 - expected) / size))

    reading = LinearReading(1.0, d, noise=0.3, intercept=True)
    weights = np.vstack([vectors, constants])
    exact = _of_students(weights, reading, direction, "gaussian", 1, rng)
    tested = _of_students(weights, reading, direction, "sphere", size, rng)
    np.testing.assert_allclose(exact[1:], tested[1:], rtol=1e-12)
    np.testing.assert_allclose(exact[0], tested[0], atol=0.01)  # at d = 20 the sphere is not quite Gaussian


def test_actual_features_are_measured_as_they_are() -> None:
    # A kernel whose nonlinear part is nothing is a linear learner, whose measures are exact.
    rng = np.random.default_rng(1)
    X, c, direction = rng.standard_normal((30, 10)), rng.standard_normal((30, 2)), np.eye(10)[3]
    design, reading = actual(rf.finite.DotProductKernel(lambda t: 2.0 + t), KERNEL, X, rng, intercept=True)
    error, m, q = _on_new_inputs(c, reading, direction, "gaussian", 200_000, rng)
    linear, same = equivalent(rf.Linear(), X, rng, intercept=True)
    np.testing.assert_allclose(design.K, linear.gram(np.arange(30)), rtol=1e-12)
    exact = _of_students(linear.from_dual(c), same, direction, "gaussian", 1, rng)
    for value, reference in zip((error, m, q), exact, strict=True):
        np.testing.assert_allclose(value, reference, atol=0.01 * np.abs(exact[2]).max())


HUGE = np.array([1e100, 1e150, 1e200, 1e300])


@pytest.mark.parametrize("features", [rf.Linear(), KERNEL, RANDOM], ids=["linear", "kernel", "random features"])
@pytest.mark.parametrize("intercept", [False, True])
def test_a_huge_ridge_is_hebbs_rule_whatever_its_size(features, intercept: bool) -> None:
    # Weights that go like 1 / lam point where the labels' sum of inputs does, though their squares underflow.
    run = quiet(TASK, rf.Learner(rf.Square(), features, HUGE), d=60, seeds=3, intercept=intercept)
    for observable in (run.generalization_error, run.memorization_error):
        np.testing.assert_allclose(observable.values, observable.values[:, [0] * HUGE.size], rtol=1e-12)
    np.testing.assert_allclose(run.m.values * HUGE, run.m.values[:, [0] * HUGE.size] * HUGE[0], rtol=1e-12)
    if features == rf.Linear() and not intercept:
        for error, seed in zip(run.generalization_error.values[:, -1], range(3), strict=True):
            X, y, _, teacher = TASK.sample(60, np.random.default_rng(seed))
            hebb = y @ X
            cosine = hebb @ teacher / np.linalg.norm(hebb) / np.linalg.norm(teacher)
            assert error == pytest.approx(np.arccos(cosine) / np.pi, rel=1e-12)


def test_a_tiny_ridge_is_the_limit() -> None:
    # No fewer samples than inputs, where nothing is singular.
    none, tiny = (
        quiet(rf.RulesAndFacts(2.0, 0.3), rf.Learner(rf.Square(), rf.Linear(), lam), d=60) for lam in (0, 1e-200)
    )
    np.testing.assert_allclose(tiny.generalization_error.values, none.generalization_error.values, rtol=1e-9)
    np.testing.assert_allclose(tiny.q.values, none.q.values, rtol=1e-9)


def test_a_student_of_zero_guesses() -> None:
    zero = np.zeros(1)
    for constants in (zero, np.ones(1)):
        assert _error_of_angle(zero, zero, constants) == 0.5


def test_blocks_of_new_inputs_do_not_change_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = rf.Learner(rf.Square(), RBF.equivalent, 0.3)
    whole = quiet(TASK, learner, d=40, seeds=1, actual=RBF, test_size=1000)
    monkeypatch.setattr("raflib.finite.measure._BLOCK", 5000)
    blocks = quiet(TASK, learner, d=40, seeds=1, actual=RBF, test_size=1000)
    assert whole.generalization_error.values == blocks.generalization_error.values
    np.testing.assert_allclose(whole.q.values, blocks.q.values, rtol=1e-12)


def test_universality_of_the_sample() -> None:
    task = rf.RulesAndFacts(20.0, 0.4)
    gaussian, sphere, binary = (task.sample(d=200, rng=7, inputs=inputs) for inputs in rf.task.INPUTS)
    np.testing.assert_allclose((sphere.X**2).sum(axis=1), 200.0, rtol=1e-12)
    np.testing.assert_array_equal(np.abs(binary.X), 1.0)
    np.testing.assert_array_equal(sphere.y, gaussian.y)  # a rescaled input keeps its label
    for data in (gaussian, sphere, binary):
        rule = np.sign(data.X @ data.teacher)
        n = data.y.size
        assert abs(data.is_fact.mean() - 0.4) < 5 * np.sqrt(0.24 / n)
        assert (data.y == rule)[~data.is_fact].all()
        assert abs(np.mean((data.y == rule)[data.is_fact]) - 0.5) < 5 * np.sqrt(0.25 / (0.4 * n))
        assert np.abs(data.X.mean(axis=0)).max() < 5 / np.sqrt(n)
        assert np.abs(data.X.T @ data.X / n - np.eye(200)).max() < 6 / np.sqrt(n)
    again = task.sample(d=200, rng=np.random.default_rng(7))
    np.testing.assert_array_equal(gaussian.X, again.X)


def test_no_facts_give_no_memorization_error() -> None:
    learner = rf.Learner(rf.Square(), rf.Linear(), 1)
    run = quiet(rf.RulesAndFacts(1.0, 0.0), learner, d=40, seeds=2)
    assert np.isnan(run.memorization_error.mean)
    # A seed without facts has no part in the mean of the others.
    run = quiet(rf.RulesAndFacts(1.0, 0.05), learner, d=20, seeds=12)
    valued = run.memorization_error.values[~np.isnan(run.memorization_error.values)]
    assert 1 < valued.size < 12
    assert run.memorization_error.mean == pytest.approx(valued.mean(), abs=1e-14)
    assert run.memorization_error.stderr == pytest.approx(valued.std(ddof=1) / np.sqrt(valued.size), abs=1e-14)


# ---------------------------------------------------------------- paths


def test_arrays_of_parameters_give_their_separate_runs() -> None:
    alpha, lam = np.array([0.5, 2.0])[:, None], np.geomspace(1e-3, 10, 9)
    for features, settings in ((rf.Linear(), {}), (RBF.equivalent, {"actual": RBF})):
        whole = quiet(
            rf.RulesAndFacts(alpha, 0.3), rf.Learner(rf.Square(), features, lam), d=50, seeds=[2, 5], **settings
        )
        assert whole.generalization_error.values.shape == (2, 2, 9)
        assert whole.generalization_error.mean.shape == (2, 9)
        assert whole.seconds.shape == (2,)
        for i, j in ((0, 0), (1, 8), (1, 4)):
            one = quiet(
                rf.RulesAndFacts(float(alpha[i, 0]), 0.3),
                rf.Learner(rf.Square(), features, lam[j]),
                d=50,
                seeds=[5],
                **settings,
            )
            for name in ("generalization_error", "memorization_error", "training_loss", "m", "q"):
                alone, along = getattr(one, name).values[0], getattr(whole, name).values[1, i, j]
                np.testing.assert_allclose(alone, along, rtol=1e-8, err_msg=name)


def test_parameters_of_features_and_the_share_of_facts_may_be_arrays() -> None:
    task = rf.RulesAndFacts(1.0, np.array([0.1, 0.9]))
    kappa = np.array([0.5, 2.0, 4.0])[:, None]
    learner = rf.Learner(rf.Square(), RELU.equivalent(kappa), 0.1)
    run = quiet(task, learner, d=40, seeds=2, actual=RELU, test_size=100)
    assert run.q.mean.shape == (3, 2)
    one = rf.Learner(rf.Square(), RELU.equivalent(4.0), 0.1)
    alone = quiet(rf.RulesAndFacts(1.0, 0.9), one, d=40, seeds=2, actual=RELU, test_size=100)
    np.testing.assert_array_equal(run.q.values[:, 2, 1], alone.q.values)
    mixed = rf.Learner(rf.Hinge(), rf.Kernel(np.array([0.8, 0.6]), np.array([0.6, 0.8])), np.array([0.1, 1.0]))
    assert quiet(TASK, mixed, d=30, seeds=1).q.mean.shape == (2,)


# ---------------------------------------------------------------- bad input

OK = rf.Learner(rf.Square(), rf.Linear(), 1.0)


class Mine(rf.Square):
    pass


class Unknown:
    prox = None


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: quiet(TASK, OK, d=0), r"d = 0 .*\[1, inf\)"),
        (lambda: quiet(TASK, OK, seeds=0), r"seeds = 0 .*\[1, 1000000\]"),
        (lambda: quiet(TASK, OK, seeds=[]), r"seeds = \[\] must hold"),
        (lambda: quiet(TASK, OK, seeds=[1.5]), r"seeds = 1\.5 "),
        (lambda: quiet(TASK, OK, inputs="uniform"), r"inputs = 'uniform' is not one of 'gaussian', 'sphere', 'binary'"),
        (lambda: quiet(TASK, OK, test_size=0), r"test_size = 0 "),
        (lambda: quiet(TASK, rf.BayesOptimal(), d=10), r"learner = BayesOptimal\(\) minimises no loss"),
        (lambda: quiet(TASK, rf.Learner(Unknown(), rf.Linear(), 1.0), d=10), r"loss = .*no finite-size version"),
        (lambda: quiet(rf.RulesAndFacts(0.1, 0.3), OK, d=3), r"alpha = 0\.1 with d = 3 gives no sample"),
        (
            lambda: quiet(rf.RulesAndFacts(np.ones(3), 0.3), rf.Learner(rf.Square(), rf.Linear(), np.ones(2)), d=10),
            r"shapes do not broadcast: alpha \(3,\), lam \(2,\)",
        ),
        (
            lambda: quiet(rf.RulesAndFacts(np.ones(0), 0.3), OK, d=10),
            r"no point to simulate: the parameters broadcast to the shape \(0,\)",
        ),
        (lambda: quiet(TASK, OK, actual="relu"), r"actual = 'relu' is none of rf\.finite\.ActivationFeatures"),
        (
            lambda: quiet(TASK, OK, actual=RBF),
            r"actual = RBFKernel.* learner\.features = Linear\(\).*actual\.equivalent",
        ),
        (
            lambda: quiet(TASK, rf.Learner(rf.Square(), rf.Kernel(0.8, 0.6), 1.0), actual=RBF),
            r"mu1 = 0\.606531 and mu_star = 0\.514044.*of two learners",
        ),
        (
            lambda: quiet(TASK, rf.Learner(rf.Square(), ERF.equivalent(1.0), 1.0), actual=RELU),
            r"mu1 = 0\.5 .*equivalent\(kappa\)",
        ),
        (lambda: rf.finite.ActivationFeatures("swish"), r"activation = 'swish' is not one of"),
        (lambda: rf.finite.ActivationFeatures(np.ones_like), r"does not vary"),
        (lambda: rf.finite.ActivationFeatures(np.abs, [0.0]).equivalent(1.0), r"no linear part.*add a bias"),
        (lambda: rf.finite.ActivationFeatures(lambda z: z[:1]).values(np.ones(3)), r"gives shape \(1,\).*vectorised"),
        (
            lambda: rf.finite.ActivationFeatures(lambda z: np.where(z > 90, np.nan, z)).values(np.array([1.0, 99.0])),
            r"activation = .* is not finite at 99$",
        ),
        (lambda: rf.finite.RBFKernel(-1.0), r"eta = -1 .*\(0, 300\]"),
        (lambda: rf.finite.RBFKernel(np.ones(2)), r"eta has shape \(2,\)"),
        (
            lambda: rf.finite.RBFKernel(300.0).matrix(np.full((1, 4), 2.0), np.full((1, 4), 2.0)),
            r"overflows.*smaller eta",
        ),
        (lambda: rf.finite.DotProductKernel("exp"), r"function = 'exp' is not a function"),
        (lambda: rf.finite.DotProductKernel(lambda t: t - t**2), r"k\(1\) - k\(0\) - k'\(0\) = -1"),
    ],
)
def test_bad_input_is_named(call, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        call()


def test_a_kernel_that_is_not_defined_beyond_one_names_the_sphere() -> None:
    kernel = rf.finite.DotProductKernel(
        lambda t: np.emath.arcsin(t).real + np.where(np.abs(t) > 1.0 + 1e-9, np.nan, 0.0)
    )
    learner = rf.Learner(rf.Square(), kernel.equivalent, 0.1)
    with pytest.raises(ValueError, match=r"kernel = .* is not finite at 1\..*inputs='sphere'"):
        quiet(TASK, learner, d=30, seeds=1, actual=kernel)
    quiet(TASK, learner, d=30, seeds=1, actual=kernel, inputs="sphere", test_size=10)


@pytest.mark.parametrize("loss", [rf.Square(), rf.Hinge()], ids=repr)
def test_a_kernel_that_is_not_positive_semidefinite_is_an_error(loss) -> None:
    # It passes the theory's check, which sees k at 0 and 1 only; the constant direction has a negative eigenvalue.
    kernel = rf.finite.DotProductKernel(lambda t: t - t**2 + 1.1 * t**3)
    with pytest.raises(
        ValueError, match=r"not positive semidefinite: its eigenvalues go from -.*positive definite kernel"
    ):
        quiet(rf.RulesAndFacts(3.0, 0.3), rf.Learner(loss, kernel.equivalent, 1.0), d=60, seeds=1, actual=kernel)
