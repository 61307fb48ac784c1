"""The interior point: against general optimisers, and where coordinate descent takes very many sweeps or gives up."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog, minimize, nnls

import raflib as rf
from raflib.finite import interior, machines, polish
from raflib.finite.certificate import ACCURACY, distance
from raflib.finite.designs import FeatureDesign, KernelDesign
from raflib.finite.interior import interior_point, largest_margin
from raflib.finite.machines import fit

DATA = rf.RulesAndFacts(2.0, 0.3).sample(d=15, rng=4)
X = DATA.X / np.sqrt(15)
#: Fewer features than samples, more than samples, private directions, a kernel matrix.
DESIGNS = {
    "few": FeatureDesign(X),
    "many": FeatureDesign(np.hstack([X, 0.5 * np.eye(30)])),
    "private": FeatureDesign(X, private=0.5),
    "kernel": KernelDesign(X @ X.T + 0.25 * np.eye(30)),
}


def dense(design, y: np.ndarray) -> np.ndarray:
    return y[:, None] * design.gram(np.arange(design.n)) * y


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize(
    ("slack", "most"), [(0.0, 1.0), (1.0, np.inf), (0.0, np.inf)], ids=["hinge", "squared", "hard"]
)
def test_the_dual_against_a_general_optimiser(name: str, slack: float, most: float) -> None:
    design, y = DESIGNS[name], DATA.y
    lam = 1.0 if most > 1.0 and not slack else 0.05
    if name == "few" and most > 1.0 and not slack:
        design, y = FeatureDesign(X[:15]), DATA.y[:15]  # so that margins can be kept
    point = interior_point(design, y, lam, slack, most)
    Q = dense(design, y) / lam + slack * np.eye(y.size)
    found = minimize(
        lambda b: (0.5 * b @ Q @ b - b.sum(), Q @ b - 1.0),
        np.full(y.size, 0.5),
        jac=True,
        bounds=[(0, most)] * y.size,
        method="L-BFGS-B",
        options={"maxiter": 100_000, "maxfun": 1_000_000, "ftol": 1e-15, "gtol": 1e-11},
    )
    assert 0.5 * point.beta @ Q @ point.beta - point.beta.sum() == pytest.approx(found.fun, rel=1e-7)
    assert np.all((point.beta > 0.0) & (point.beta < most))
    np.testing.assert_allclose(point.excess, Q @ point.beta - 1.0, atol=1e-5)
    np.testing.assert_allclose(point.excess, Q @ found.x - 1.0, atol=1e-3)


#: d, alpha, lam at which coordinate descent needs 10^5 sweeps and more, or at which the last digits of beta matter.
SLOW = [
    (200, 4.0, 0.003),
    (150, 4.0, 0.001),
    (100, 6.0, 0.003),
    (200, 3.2, 0.001),
    (200, 4.5, 0.001),
    (100, 8.0, 0.01),
    (80, 6.0, 1e-5),
]


@pytest.mark.parametrize("case", SLOW, ids=str)
@pytest.mark.parametrize("loss", [rf.Hinge(), rf.SquaredHinge()], ids=repr)
def test_small_ridges_at_large_loads(case: tuple[int, float, float], loss) -> None:
    d, alpha, lam = case
    data = rf.RulesAndFacts(alpha, 0.3).sample(d, 0, inputs="sphere")
    trained = rf.finite.train(data.X, data.y, loss, rf.Linear(), lam)
    # Zero is in the objective's subdifferential: the forces of samples with a margin of one, found by least squares
    # from lam a = sum of forces, are between 0 and 1.
    margins, Z = data.y * trained.fields, data.y[:, None] * data.X / np.sqrt(d)
    weights = np.linalg.lstsq(Z, margins)[0]
    if isinstance(loss, rf.SquaredHinge):
        forces = np.maximum(1.0 - margins, 0.0)
    else:
        at, forces = np.abs(margins - 1.0) < 1e-7, (margins < 1.0).astype(float)
        assert d - 5 < at.sum() <= d  # nearly a vertex, as always at a small ridge
        forces[at] = 0.0
        forces[at] = np.linalg.lstsq(Z[at].T, lam * weights - Z.T @ forces)[0]
        assert np.all((forces > -1e-8) & (forces < 1.0 + 1e-8))
    np.testing.assert_allclose(Z.T @ forces, lam * weights, atol=1e-6 * lam * np.abs(weights).max())


def test_a_kernel_matrix_on_which_libsvm_stops() -> None:
    data = rf.RulesAndFacts(4.0, 0.3).sample(150, 0, inputs="sphere")
    features = FeatureDesign(data.X / np.sqrt(150))
    kernel = KernelDesign(features.gram(np.arange(600)))
    by_features, by_kernel = (fit(design, data.y, rf.Hinge(), 1e-3) for design in (features, kernel))
    np.testing.assert_allclose(kernel.fields(by_kernel), features.fields(by_features), atol=1e-2)


def test_singular_kernel_matrices_at_tiny_ridges() -> None:
    # The weights of samples are not unique, and of order 1/lam: nothing is left of margins computed from them.
    rng = np.random.default_rng(3)
    for _ in range(20):
        data = rf.RulesAndFacts(3.0, 0.3).sample(8, rng)
        features = FeatureDesign(data.X / np.sqrt(8))
        kernel = KernelDesign(features.gram(np.arange(24)))
        ours = kernel.fields(fit(kernel, data.y, rf.Hinge(), 1e-6))
        np.testing.assert_allclose(ours, features.fields(fit(features, data.y, rf.Hinge(), 1e-6)), rtol=2e-3, atol=2e-3)


def test_the_hardest_margins_of_separable_samples() -> None:
    # Margins of 1/480 of weights of norm one: a linear programme knows that there are some.
    data = rf.RulesAndFacts(2.0, 0.3).sample(200, 36, inputs="sphere")
    Z = data.y[:, None] * data.X / np.sqrt(200)
    programme = linprog(np.zeros(200), A_ub=-Z, b_ub=-np.ones(400), bounds=(None, None))
    assert programme.status == 0
    design = FeatureDesign(data.X / np.sqrt(200))
    weights = fit(design, data.y, rf.MaxMargin(), 0.0)
    assert np.min(Z @ weights) > 1.0 - 1e-6
    norm = np.linalg.norm(weights)
    assert 400 < norm < np.linalg.norm(programme.x)
    # Nothing shorter keeps the margins: the bound from the dual variables touches.
    beta = interior_point(design, data.y, 1.0, 0.0, np.inf).beta
    assert norm * largest_margin(design, data.y, beta) == pytest.approx(1.0, abs=1e-3)


def test_a_hard_margin_that_cannot_be_kept_says_how_far() -> None:
    data = rf.RulesAndFacts(4.0, 0.3).sample(100, 0)
    with pytest.raises(
        rf.SimulationError, match=r"MaxMargin: a margin falls short of 1 .* norm \d\.?\d*e\+\d\d or more"
    ):
        rf.finite.train(data.X, data.y, rf.MaxMargin(), rf.Linear(), 0.0)


def test_the_bound_on_the_margin_is_one() -> None:
    rng = np.random.default_rng(0)
    design, y = DESIGNS["private"], DATA.y
    for _ in range(50):
        bound = largest_margin(design, y, rng.exponential(size=y.size))
        weights = design.from_dual(y * rng.random(y.size))
        assert np.min(y * design.fields(weights)) <= bound * np.linalg.norm(weights)


def test_samples_that_repeat_each_other() -> None:
    # Twice each sample: the dual has no single minimum, the weights are those of half the ridge.
    design, doubled = FeatureDesign(X), FeatureDesign(np.repeat(X, 2, axis=0))
    twice = np.repeat(DATA.y, 2)
    for loss in (rf.Hinge(), rf.SquaredHinge(), rf.MaxMargin()):
        y, labels = (np.sign(X @ np.arange(15.0)), np.sign(doubled.shared @ np.arange(15.0)))
        if not isinstance(loss, rf.MaxMargin):
            y, labels = DATA.y, twice
        weights, again = fit(design, y, loss, 0.01), fit(doubled, labels, loss, 0.02)
        np.testing.assert_allclose(again, weights, atol=2 * ACCURACY * np.linalg.norm(weights))


def test_tiny_ridges_close_to_capacity() -> None:
    # Close to capacity at a tiny ridge the samples' pulls all but cancel.
    for alpha in (1.9, 2.0, 2.1):
        for seed in range(20, 30):
            data = rf.RulesAndFacts(alpha, 1.0).sample(100, seed)
            rf.finite.train(data.X, data.y, rf.Hinge(), rf.Linear(), 1e-6)
    data = rf.RulesAndFacts(3.0, 0.3).sample(200, np.random.default_rng(890716))
    rf.finite.train(*rf.RulesAndFacts(2.1, 1.0).sample(100, 1008)[:2], rf.Hinge(), rf.Linear(), 1e-5)
    features = rf.RandomFeatures(0.8, 0.6, 0.3)
    rf.finite.train(data.X, data.y, rf.Hinge(), features, 1.37e-6, intercept=True, rng=890717)


def test_the_steps_leave_a_cycle() -> None:
    # Predictor and corrector alone go round in four steps here.
    settings = {"d": 20, "seeds": [336392], "inputs": "sphere", "n_jobs": 1, "progress": False}
    learner = rf.Learner(rf.MaxMargin(), rf.Kernel(1.0, 0.01), 1.0)
    run = rf.simulate(rf.RulesAndFacts(2.5, 0.05), learner, **settings)
    assert run.training_error.mean == 0.0


@pytest.mark.parametrize("inputs", ["gaussian", "sphere", "binary"])
@pytest.mark.parametrize("private", [0.0, 0.01])
def test_maximal_margins_against_the_nearest_point_of_a_hull(inputs: str, private: float) -> None:
    # The largest margin is the distance of the hull of the samples Z from zero: non-negative least squares.
    rng = np.random.default_rng(7)
    kept = 0
    for _ in range(60):
        d = int(rng.integers(2, 25))
        data = rf.RulesAndFacts(rng.uniform(0.5, 2.5), rng.choice([0.0, 0.3, 1.0])).sample(d, rng, inputs=inputs)
        design, y = FeatureDesign(data.X / np.sqrt(d), private), data.y
        Z = y[:, None] * np.hstack([design.shared, private * np.eye(y.size)])
        shares, _ = nnls(np.vstack([Z.T, np.ones(y.size)]), np.append(np.zeros(Z.shape[1]), 1.0), maxiter=10_000)
        if 1.0 - shares.sum() < 1e-9:
            with pytest.raises(rf.SimulationError, match="cannot be met"):
                fit(design, y, rf.MaxMargin(), 0.0)
            continue
        nearest = Z.T @ shares
        weights = fit(design, y, rf.MaxMargin(), 0.0)
        assert np.sqrt(design.squared_norm(weights)) == pytest.approx(
            np.linalg.norm(nearest) / np.min(Z @ nearest), rel=1e-3
        )
        kept += 1
    assert kept == 60 if private else 10 < kept < 60  # private directions separate everything


def test_forces_that_cancel_leave_no_weights() -> None:
    X, y = np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]]), np.array([1.0, 1.0, -1.0, -1.0])
    for loss in (rf.Hinge(), rf.SquaredHinge(), rf.Logistic()):
        assert rf.finite.train(X, y, loss, rf.Linear(), 1.0).squared_norm == 0.0
    with pytest.raises(rf.SimulationError, match=r"MaxMargin: a margin falls short of 1 .* cannot be met"):
        rf.finite.train(X, y, rf.MaxMargin(), rf.Linear(), 1.0)


@pytest.mark.parametrize("loss", [rf.Hinge(), rf.SquaredHinge(), rf.Logistic()], ids=repr)
def test_huge_ridges_are_hebb(loss) -> None:
    weights = fit(DESIGNS["few"], DATA.y, loss, 1e200)
    hebb = X.T @ DATA.y
    np.testing.assert_allclose(weights / np.abs(weights).max(), hebb / np.abs(hebb).max(), rtol=1e-9)


@pytest.mark.parametrize("loss", [rf.Hinge(), rf.SquaredHinge(), rf.Logistic(), rf.MaxMargin()], ids=repr)
def test_one_sample_and_no_features(loss) -> None:
    for y in (1.0, -1.0):
        one = FeatureDesign(np.array([[3.0, 4.0]]))
        weights = fit(one, np.array([y]), loss, 1e-6)
        assert weights[0] / weights[1] == pytest.approx(0.75)
        assert np.sign(weights[0]) == y
    with pytest.raises(rf.SimulationError, match="every feature is zero"):
        fit(FeatureDesign(np.zeros((4, 3))), np.array([1.0, -1.0, 1.0, 1.0]), loss, 0.1)


def test_support_vectors_that_repeat_each_other() -> None:
    # Binary inputs and an intercept in few dimensions: the equations of the support vectors are singular.
    settings = {"d": 10, "seeds": [956501], "inputs": "binary", "intercept": True, "n_jobs": 1, "progress": False}
    run = rf.simulate(rf.RulesAndFacts(5.0, 0.001), rf.Learner(rf.MaxMargin(), rf.Linear(), 1.0), **settings)
    assert run.training_error.mean == 0.0


def test_a_margin_is_called_impossible_only_if_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    data = rf.RulesAndFacts(1.5, 0.3).sample(60, 0)
    monkeypatch.setattr(interior, "_STEPS", 2)
    monkeypatch.setattr(polish, "_STEPS", 1)
    monkeypatch.setattr(machines, "_descent", lambda *_: None)
    with pytest.raises(rf.SimulationError, match=r"MaxMargin did not converge .* a margin falls short of 1"):
        rf.finite.train(data.X, data.y, rf.MaxMargin(), rf.Linear(), 0.0)


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("loss", [rf.Hinge(), rf.SquaredHinge(), rf.Logistic()], ids=repr)
def test_the_bound_is_the_duality_gap(name: str, loss) -> None:
    # Primal and dual written down from their definitions; conjugates as suprema over a fine grid.
    design, y, lam, rng = DESIGNS[name], DATA.y, 0.3, np.random.default_rng(1)
    K = design.gram(np.arange(30))
    x = np.linspace(-60.0, 60.0, 240_001)
    for _ in range(4):
        weights = design.from_dual(rng.standard_normal(30))
        dual = rng.uniform(0.01, 0.99, 30)
        norm = float(design.squared_norm(weights))
        primal = float(loss.value(y * design.fields(weights)).sum()) + 0.5 * lam * norm
        conjugate = sum(float(np.max(-b * x - loss.value(x))) for b in dual)
        bound = -conjugate - (y * dual) @ K @ (y * dual) / (2.0 * lam)
        expected = np.sqrt(2.0 * (primal - bound) / (lam * norm))
        assert distance(design, y, loss, lam, weights, dual) == pytest.approx(expected, rel=1e-5)


def test_the_bound_sees_small_distances_beside_large_objectives() -> None:
    # The objective is about 1e3, the part of the weights 1e-9: a difference of the two values would be rounding.
    design, y = FeatureDesign(np.array([[1.0], [1e-6]])), np.array([1.0, 1.0])
    weights = fit(design, y, rf.SquaredHinge(), 1e12)
    assert weights[0] == pytest.approx(1e-12, rel=1e-3)
    exact = weights * (1.0 + 1e-6)
    dual = np.maximum(1.0 - y * design.fields(exact), 0.0)
    assert distance(design, y, rf.SquaredHinge(), 1e12, exact, dual) < 1e-5
