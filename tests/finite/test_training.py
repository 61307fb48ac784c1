"""Training at finite size: against independent optimisers, the bound on the distance, every error."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.kernel_ridge import KernelRidge

import raflib as rf
from raflib.finite import interior, machines, polish
from raflib.finite.certificate import distance
from raflib.finite.designs import FeatureDesign, KernelDesign
from raflib.finite.realisation import equivalent
from raflib.finite.ridge import ridge_path
from raflib.finite.training import train_path

TASK = rf.RulesAndFacts(1.5, 0.3)
SOFT = [rf.Square(), rf.Hinge(), rf.Logistic(), rf.SquaredHinge()]
FEATURES = {"linear": rf.Linear(), "kernel": rf.Kernel(0.8, 0.6), "random features": rf.RandomFeatures(0.8, 0.6, 0.7)}


def explicit(features, X: np.ndarray, intercept: bool = False) -> np.ndarray:
    """The learner's features as one dense array, private directions included."""
    design, _ = equivalent(features, X, np.random.default_rng(0), intercept)
    return np.hstack([design.shared, design.private * np.eye(design.n)]) if design.private else design.shared


def least(loss, phi: np.ndarray, y: np.ndarray, lam: float) -> float:
    """The objective's minimum, by scipy: the dual in its box for the hinge, otherwise the primal."""
    Z = phi * y[:, None]
    options = {"maxiter": 50_000, "maxfun": 500_000, "ftol": 1e-15, "gtol": 1e-11}
    if isinstance(loss, rf.Hinge):
        Q = Z @ Z.T / lam
        found = minimize(
            lambda b: (0.5 * b @ Q @ b - b.sum(), Q @ b - 1.0),
            np.full(y.size, 0.5),
            jac=True,
            bounds=[(0, 1)] * y.size,
            method="L-BFGS-B",
            options=options,
        )
        return -found.fun
    slope = {"Square": lambda x: x - 1, "SquaredHinge": lambda x: -np.maximum(1 - x, 0)}.get(
        type(loss).__name__, lambda x: -1 / (1 + np.exp(x))
    )
    found = minimize(
        lambda a: (loss.value(Z @ a).sum() + 0.5 * lam * a @ a, Z.T @ slope(Z @ a) + lam * a),
        np.zeros(phi.shape[1]),
        jac=True,
        method="L-BFGS-B",
        options=options,
    )
    return found.fun


@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize("loss", SOFT, ids=repr)
@pytest.mark.parametrize("lam", [0.02, 1.0])
@pytest.mark.parametrize("intercept", [False, True], ids=["plain", "intercept"])
def test_trained_weights_minimise_the_objective(loss, features: str, lam: float, intercept: bool) -> None:
    data = TASK.sample(d=20, rng=1)
    phi = explicit(FEATURES[features], data.X, intercept)
    trained = rf.finite.train(data.X, data.y, loss, FEATURES[features], lam, intercept=intercept)
    objective = loss.value(data.y * trained.fields).sum() + lam / 2 * trained.squared_norm
    # The minimum from below to the reference's accuracy, from above to the square of the weights' distance.
    assert objective == pytest.approx(least(loss, phi, data.y, lam), rel=1e-6)
    assert (trained.intercept != 0.0) == intercept


@pytest.mark.parametrize("loss", SOFT, ids=repr)
@pytest.mark.parametrize("shape", [(30, 12), (30, 50)], ids=["full rank", "more features than samples"])
def test_a_kernel_matrix_trains_as_its_features_do(loss, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    phi, y = rng.standard_normal(shape) / 5, rng.choice([-1.0, 1.0], 30)
    by_features = train_path(FeatureDesign(phi), y, loss, np.array([0.3]))
    by_kernel = rf.finite.train_kernel(phi @ phi.T, y, loss, 0.3)
    np.testing.assert_allclose(by_kernel.fields, by_features.fields[:, 0], atol=2e-3)
    np.testing.assert_allclose(phi.T @ by_kernel.dual, by_features.weights[:, 0], atol=2e-3)
    assert by_kernel.squared_norm == pytest.approx(float(by_features.squared_norm[0]), rel=2e-3)


DESIGNS = {
    "fewer features": FeatureDesign(np.random.default_rng(0).standard_normal((40, 15))),
    "more features": FeatureDesign(np.random.default_rng(0).standard_normal((15, 40))),
    "private directions": FeatureDesign(np.random.default_rng(0).standard_normal((40, 15)), private=0.5),
    "private, more features": FeatureDesign(np.random.default_rng(0).standard_normal((15, 40)), private=0.5),
    "kernel": KernelDesign(np.exp(-(np.subtract.outer(np.arange(30), np.arange(30)) ** 2) / 4.0)),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_a_ridge_path_is_its_separate_runs(name: str) -> None:
    design = DESIGNS[name]
    y = np.random.default_rng(1).choice([-1.0, 1.0], design.n)
    lam = np.geomspace(1e-4, 1e2, 30)
    path = ridge_path(design, y, lam)
    assert path.fields.shape == (design.n, 30)
    K = design.gram(np.arange(design.n))
    for i in (0, 7, 29):
        alone = ridge_path(design, y, lam[i : i + 1])
        for one, many in zip(alone, path, strict=True):
            np.testing.assert_allclose(one[..., 0], many[..., i], rtol=1e-8, atol=1e-10)
        # An independent solver of the same equations.
        reference = KernelRidge(alpha=lam[i], kernel="precomputed").fit(K, y)
        np.testing.assert_allclose(path.fields[:, i], reference.predict(K), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", DESIGNS)
def test_ridge_at_zero_is_its_limit(name: str) -> None:
    design = DESIGNS[name]
    y = np.random.default_rng(1).choice([-1.0, 1.0], design.n)
    lam = np.array([0.0, 1e-7])
    path = ridge_path(design, y, lam)
    np.testing.assert_allclose(path.fields[:, 0], path.fields[:, 1], atol=2e-4)
    np.testing.assert_allclose(path.weights[:, 0], path.weights[:, 1], atol=1e-3 * np.abs(path.weights).max())


def test_the_bound_holds_and_is_near() -> None:
    # Weights at known distances from the minimiser; a dual variable that is anything keeps it a bound.
    data, lam = TASK.sample(d=30, rng=2), 0.5
    design, _ = equivalent(rf.Linear(), data.X, np.random.default_rng(0), False)
    rng = np.random.default_rng(5)
    for loss in SOFT[1:]:
        best = machines.fit(design, data.y, loss, lam)
        for size in (1e-2, 1e-1, 1.0):
            weights = best + size * np.linalg.norm(best) * rng.standard_normal(best.size) / np.sqrt(best.size)
            true = np.linalg.norm(weights - best) / np.linalg.norm(weights)
            margins = data.y * design.fields(best)
            dual = np.maximum((loss.value(margins - 1e-6) - loss.value(margins + 1e-6)) / 2e-6, 0.0)
            for guess in (dual, rng.random(dual.size)):
                assert distance(design, data.y, loss, lam, weights, guess) > true - machines.ACCURACY
            if not isinstance(loss, rf.Hinge):  # whose dual at a margin of one is not a slope
                assert distance(design, data.y, loss, lam, weights, dual) < 10 * true
    assert distance(design, data.y, rf.Hinge(), lam, np.zeros(30), np.zeros(45)) > 1e9


@pytest.mark.parametrize("features", [rf.Linear(), rf.Kernel(0.8, 0.6)], ids=["linear", "kernel"])
def test_hard_margin_against_a_constrained_optimiser(features) -> None:
    data = rf.RulesAndFacts(0.8, 0.3).sample(d=20, rng=1)
    phi = explicit(features, data.X) * data.y[:, None]
    found = minimize(
        lambda a: (0.5 * a @ a, a),
        np.linalg.lstsq(phi, np.ones(len(phi)), rcond=None)[0],
        jac=True,
        method="SLSQP",
        constraints={"type": "ineq", "fun": lambda a: phi @ a - 1.0, "jac": lambda a: phi},
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    for loss, lam in ((rf.MaxMargin(), 1.0), (rf.Hinge(), 0.0), (rf.Logistic(), 0.0), (rf.SquaredHinge(), 0.0)):
        trained = rf.finite.train(data.X, data.y, loss, features, lam)
        assert trained.squared_norm == pytest.approx(2 * found.fun, rel=1e-3)
        assert np.min(data.y * trained.fields) > 1 - 1e-3


@pytest.mark.parametrize("loss", SOFT[1:], ids=repr)
@pytest.mark.parametrize("features", [rf.Linear(), rf.Kernel(0.8, 0.6)], ids=["linear", "kernel"])
def test_there_is_no_intercept(loss, features) -> None:
    # With all labels equal an intercept would explain everything; this learner cannot have one, unless asked.
    X = np.random.default_rng(0).standard_normal((40, 100))
    trained = rf.finite.train(X, np.ones(40), loss, features, 1e-2)
    assert trained.intercept == 0.0
    assert trained.squared_norm > 1.0
    turned = rf.finite.train(-X, -np.ones(40), loss, features, 1e-2)
    np.testing.assert_allclose(turned.fields, -trained.fields, atol=1e-2)
    assert rf.finite.train(X, np.ones(40), loss, features, 1e-2, intercept=True).intercept > 0.5


@pytest.mark.parametrize("loss", [rf.Hinge(), rf.SquaredHinge()], ids=repr)
def test_machines_that_stop_early_are_an_error(loss, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interior, "_STEPS", 3)
    monkeypatch.setattr(polish, "_STEPS", 1)
    data = rf.RulesAndFacts(4.0, 0.3).sample(d=60, rng=0)
    name = type(loss).__name__
    with pytest.raises(rf.SimulationError, match=rf"{name} at lam = 0\.001 did not converge .*use a larger lam"):
        rf.finite.train(data.X, data.y, loss, rf.Linear(), 1e-3)


def test_a_descent_that_stops_early_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "_DESCENTS", (("lbfgs", 1e-8, 3),))
    data = TASK.sample(d=60, rng=0)
    with pytest.raises(rf.SimulationError, match=r"Logistic at lam = 0\.001 did not converge .*use a larger lam"):
        rf.finite.train(data.X, data.y, rf.Logistic(), rf.Linear(), 1e-3)


def test_constraints_that_cannot_be_met_are_an_error() -> None:
    data = rf.RulesAndFacts(5.0, 1.0).sample(d=20, rng=0)
    with pytest.raises(rf.SimulationError, match=r"MinNorm: a margin falls short of 1.*lower alpha"):
        rf.finite.train(data.X, data.y, rf.MinNorm(), rf.Linear(), 1.0)
    for loss, name in ((rf.MaxMargin(), "MaxMargin"), (rf.Logistic(), "Logistic at lam = 0")):
        with pytest.raises(rf.SimulationError, match=rf"{name}: a margin falls short of 1 .*use a soft loss"):
            rf.finite.train(data.X, data.y, loss, rf.Linear(), 0.0)
    # Least squares beyond alpha = 1 is a legitimate limit of ridge.
    rf.finite.train(data.X, data.y, rf.Square(), rf.Linear(), 0.0)


X, Y = np.random.default_rng(0).standard_normal((6, 3)), np.array([1.0, -1.0, 1.0, 1.0, -1.0, -1.0])


class Mine:
    prox = overlaps = None


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (
            lambda: rf.finite.train(X, np.r_[Y[:5], 0.0], rf.Hinge(), rf.Linear(), 1.0),
            r"y\[5\] = 0 is neither -1 nor \+1",
        ),
        (lambda: rf.finite.train(X, Y > 0, rf.Square(), rf.Linear(), 1.0), r"y\[1\] = 0 .*\(3 such labels\)"),
        (lambda: rf.finite.train(X, Y[:5], rf.Hinge(), rf.Linear(), 1.0), r"y has shape \(5,\).* 6 samples"),
        (lambda: rf.finite.train(X[0], Y, rf.Hinge(), rf.Linear(), 1.0), r"X has shape \(3,\)"),
        (lambda: rf.finite.train(X * np.nan, Y, rf.Hinge(), rf.Linear(), 1.0), r"X\[0, 0\] = nan is not finite"),
        (lambda: rf.finite.train(X, Y, rf.Hinge(), rf.Linear(), -1.0), r"lam = -1 .*\[0, inf\)"),
        (lambda: rf.finite.train(X, Y, rf.Hinge(), rf.Linear(), np.ones(2)), r"lam has shape \(2,\)"),
        (lambda: rf.finite.train(X, Y, rf.Hinge(), rf.Kernel(np.ones(2), 1), 1.0), r"mu1 of .* has shape \(2,\)"),
        (lambda: rf.finite.train(X, Y, Mine(), rf.Linear(), 1.0), r"loss = .*no finite-size version; use Square"),
        (lambda: rf.finite.train(X, Y, rf.Hinge(), Mine(), 1.0), r"features = .*no finite-size version; use Linear"),
        (lambda: rf.finite.train(X, Y, rf.Hinge(), rf.RandomFeatures(1, 1, 0.1), 1.0), r"kappa = 0\.1 with d = 3"),
        (lambda: rf.finite.train_kernel(X, Y, rf.Hinge(), 1.0), r"K has shape \(6, 3\)"),
        (lambda: rf.finite.train_kernel(np.tri(6), Y, rf.Hinge(), 1.0), r"K is not symmetric.* 1$"),
        (lambda: rf.finite.train_kernel(np.eye(6), 2 * Y, rf.Hinge(), 1.0), r"y\[0\] = 2"),
    ],
)
def test_bad_input_is_named(call, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        call()


@pytest.mark.parametrize("loss", SOFT, ids=repr)
def test_a_kernel_matrix_that_is_not_positive_semidefinite_is_an_error(loss) -> None:
    K = X @ X.T - 0.5 * np.eye(6)
    with pytest.raises(
        ValueError, match=r"not positive semidefinite: its eigenvalues go from -0\.5 to .*use a positive"
    ):
        rf.finite.train_kernel(K, Y, loss, 2.0)
    with pytest.raises(ValueError, match="not positive semidefinite"):
        train_path(KernelDesign(K), Y, loss, np.geomspace(1, 10, 9))
    # Zero eigenvalues, of either sign by rounding, are none.
    rf.finite.train_kernel(X @ X.T, Y, loss, 2.0)


def test_ridge_beyond_machine_precision_is_an_error() -> None:
    flat = FeatureDesign(np.ones((5, 3)))
    # Singular, nearly so, and along a path.
    for lam in (np.array([1e-18]), np.array([1e-15]), np.geomspace(1e-18, 1, 9)):
        with pytest.raises(rf.SimulationError, match=rf"lam \+ mu_star\^2 = {lam[0]} is singular to machine precision"):
            ridge_path(flat, np.ones(5), lam)


def test_the_check_of_a_kernel_matrix_leaves_it_as_it_was() -> None:
    for K in (X @ X.T + np.eye(6), X @ X.T):
        design = KernelDesign(K.copy())
        design.check_definite()
        np.testing.assert_array_equal(design.K, K)
    readonly = X @ X.T
    readonly.flags.writeable = False
    rf.finite.train_kernel(np.asfortranarray(readonly), Y, rf.Hinge(), 1.0)
    np.testing.assert_array_equal(readonly, X @ X.T)
