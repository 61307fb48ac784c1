"""Trained two-layer networks: where training ends, what is measured there and on the way, and what a failure says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.neural_network import MLPRegressor

import raflib as rf
from raflib.finite import network_curve, network_study
from raflib.finite.networks import Network, _weights, train_network, training_path

TASK = rf.RulesAndFacts(5.0, 0.3)
LOSSES = [rf.Logistic(), rf.Square()]


def objective(network: Network, X: np.ndarray, y: np.ndarray, loss: rf.Logistic | rf.Square, lam: float) -> float:
    """Return the objective per sample, written out."""
    sigma = {"tanh": np.tanh, "relu": lambda h: h * (h > 0)}[network.activation]
    x = y * np.array([network.v @ sigma(network.W.T @ one + network.b) + network.c for one in X])
    losses = np.log1p(np.exp(-x)) if isinstance(loss, rf.Logistic) else (1 - x) ** 2 / 2
    return float((losses.sum() + lam / 2 * ((network.W**2).sum() + (network.v**2).sum())) / y.size)


def packed(network: Network) -> np.ndarray:
    return np.concatenate([network.W.ravel(), network.b, network.v, [network.c]])


def unpacked(weights: np.ndarray, like: Network) -> Network:
    d, width = like.W.shape
    W, b, v, c = np.split(weights, [d * width, (d + 1) * width, (d + 2) * width])
    return Network(W.reshape(d, width), b, v, float(c[0]), like.activation)


# ---------------------------------------------------------------- one network


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_gradient_is_that_of_the_objective(loss, activation) -> None:
    rng = np.random.default_rng(0)
    X, y, lam = rng.standard_normal((12, 4)), rng.choice([-1.0, 1.0], 12), 0.7
    network = Network(rng.standard_normal((4, 3)), rng.standard_normal(3), rng.standard_normal(3), 0.3, activation)
    at, step = packed(network), 1e-6
    slopes = [
        (objective(unpacked(at + e, network), X, y, loss, lam) - objective(unpacked(at - e, network), X, y, loss, lam))
        / (2 * step)
        for e in step * np.eye(at.size)
    ]
    np.testing.assert_allclose(network.gradient(X, y, loss, lam), slopes, atol=1e-8)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_training_ends_at_a_minimum_of_the_objective(loss) -> None:
    data, lam = TASK.sample(d=10, rng=2), 0.3
    trained = train_network(data.X, data.y, 6, lam, seed=0, loss=loss, tol=1e-5)
    gradient = trained.network.gradient(data.X, data.y, loss, lam)
    assert trained.gradient == np.abs(gradient).max() <= 1e-5
    assert trained.steps > 10
    # Another optimiser, on the objective written out, finds nothing better nearby, and nothing below on the way up.
    reached = objective(trained.network, data.X, data.y, loss, lam)
    best = minimize(
        lambda w: objective(unpacked(w, trained.network), data.X, data.y, loss, lam),
        packed(trained.network),
        jac=lambda w: unpacked(w, trained.network).gradient(data.X, data.y, loss, lam),
        method="BFGS",
        options={"gtol": 1e-9},
    )
    assert reached - 1e-6 < best.fun <= reached
    rng = np.random.default_rng(1)
    for scale in (1e-2, 1e-1):
        away = packed(trained.network) + scale * rng.standard_normal(gradient.size)
        assert objective(unpacked(away, trained.network), data.X, data.y, loss, lam) > reached


def test_a_loss_that_hardly_falls_is_not_taken_for_the_end() -> None:
    # Here the optimiser stops by its own rule, and says that it converged: the gradient tells that it did not.
    data, lam, tol = rf.RulesAndFacts(6.0, 0.3).sample(40, 0), 0.1, 1e-5
    settings = {"hidden_layer_sizes": (10,), "activation": "tanh", "alpha": lam, "solver": "lbfgs", "random_state": 0}
    once = MLPRegressor(**settings, tol=tol / 2, max_iter=20_000).fit(data.X, data.y)  # a warning would be an error
    assert np.abs(_weights(once, "tanh").gradient(data.X, data.y, rf.Square(), lam)).max() > 2 * tol
    assert train_network(data.X, data.y, 10, lam, seed=0, loss=rf.Square(), tol=tol).gradient <= tol


def test_weights_follow_the_seed() -> None:
    data = TASK.sample(d=10, rng=2)
    one, two, other = (train_network(data.X, data.y, 5, 0.1, seed=s).network for s in (3, 3, 4))
    np.testing.assert_array_equal(one.W, two.W)
    assert np.any(one.W != other.W)


def test_a_training_that_stops_early_is_an_error() -> None:
    data = TASK.sample(d=10, rng=2)
    with pytest.raises(
        rf.SimulationError, match=r"width = 5, lam = 0\.1 .*after 3 steps, above tol = 0\.0001; raise max"
    ):
        train_network(data.X, data.y, 5, 0.1, seed=0, max_steps=3)
    with pytest.raises(
        rf.SimulationError, match="relu has kinks at which the gradient does not vanish: use activation="
    ):
        train_network(data.X, data.y, 5, 1.0, seed=0, activation="relu", tol=1e-8, max_steps=2000)


def test_batches_change_from_epoch_to_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    # An integer seed would give scikit-learn's networks the same batches in every call of partial_fit.
    import sklearn.neural_network._multilayer_perceptron as perceptron

    orders: list[list[int]] = []
    shuffle = perceptron.shuffle

    def spy(indices: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        result = shuffle(indices, random_state=random_state)
        orders.append(result.tolist())
        return result

    monkeypatch.setattr(perceptron, "shuffle", spy)
    data = TASK.sample(d=6, rng=0)
    path = list(training_path(data.X, data.y, 3, 0.0, 0, [1, 4], batch=5))
    assert len(path) == 2
    assert len(orders) == 4
    assert len({tuple(order) for order in orders}) == 4
    first = orders.copy()
    list(training_path(data.X, data.y, 3, 0.0, 0, [4], batch=5))
    assert orders[4:] == first


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_path_is_adams(loss) -> None:
    # Full batches, against Adam as its paper states it.
    data, lam, rate = TASK.sample(d=6, rng=0), 0.4, 2e-2
    path = list(training_path(data.X, data.y, 3, lam, 1, [1, 2, 9], loss=loss, learning_rate=rate, batch=None))
    # The start is not shown: after one step of next to no length it is.
    start = next(training_path(data.X, data.y, 3, lam, 1, [1], loss=loss, learning_rate=1e-14, batch=None))
    at, m, v = packed(start), 0.0, 0.0
    for t in range(1, 10):
        g = unpacked(at, start).gradient(data.X, data.y, loss, lam)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        at = at - rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)
        if t in (1, 2, 9):
            np.testing.assert_allclose(packed(path[(1, 2, 9).index(t)]), at, atol=1e-9)


# ---------------------------------------------------------------- many networks


@pytest.fixture(scope="module")
def study() -> rf.finite.NetworkStudy:
    return network_study(TASK, [[1], [4], [40]], [1e-2, 1.0, 10.0], d=30, seeds=8, progress=False)


def test_wide_networks_store_facts_and_still_learn_the_rule(study: rf.finite.NetworkStudy) -> None:
    gen, mem = study.generalization_error, study.memorization_error
    assert gen.mean.shape == (3, 3)
    assert study.gradient.shape == study.seconds.shape == (8, 3, 3)
    assert study.converged.all()
    assert study.gradient.max() <= 1e-4
    # Width stores: forty units at little decay keep every fact of every sample, one unit cannot.
    assert np.all(np.diff(mem.mean[:, 0]) < 0)
    assert np.all(mem.values[:, 2, 0] == 0)
    assert mem.mean[0, 0] > 4 * mem.stderr[0, 0] + 0.05
    # And they know the rule: better than chance, not better than the best that is possible.
    bayes = rf.generalization_error(rf.solve(TASK, rf.BayesOptimal()))
    assert np.all(gen.mean + 4 * gen.stderr < 0.5)
    assert np.all(gen.mean + 4 * gen.stderr > bayes)


def test_weight_decay_trades_facts_for_the_rule(study: rf.finite.NetworkStudy) -> None:
    gen, mem = study.generalization_error, study.memorization_error
    wide = 2
    assert mem.mean[wide, 2] > 0.2
    gain = gen.values[:, wide, 0] - gen.values[:, wide, 2]  # sample by sample
    assert gain.mean() > 3 * gain.std(ddof=1) / np.sqrt(gain.size)


def test_more_samples_teach_the_rule() -> None:
    run = network_study(rf.RulesAndFacts([1.0, 10.0], 0.3), 20, 0.1, d=30, seeds=6, progress=False)
    few, many = run.generalization_error.mean
    assert few > many + 4 * np.hypot(*run.generalization_error.stderr)


def test_the_rule_comes_early_and_the_facts_late() -> None:
    task, epochs = rf.RulesAndFacts(6.0, 0.4), [1, 8, 80]
    curve = network_curve(task, 30, 0.0, epochs, d=30, seeds=8, loss=rf.Square(), learning_rate=5e-3, progress=False)
    gen, mem = curve.generalization_error, curve.memorization_error
    assert gen.mean.shape == (3,)
    assert mem.mean[1] > 0.1
    assert np.all(mem.values[:, 2] == 0.0)
    better = gen.values[:, 2] - gen.values[:, 1]  # the rule was known best before the facts were stored
    assert better.mean() > 3 * better.std(ddof=1) / np.sqrt(8) > 0
    assert gen.mean[0] > gen.mean[1] + 0.05
    assert np.all(np.diff(curve.training_loss.mean) < 0)
    assert curve.gradient.mean[2] < curve.gradient.mean[0]


def test_errors_are_measured_as_defined() -> None:
    # One network, measured from the outside with the same streams.
    run = network_study(TASK, 5, 8.0, d=12, seeds=[3], n_new=5000, progress=False)
    sample, start, new = np.random.SeedSequence(3).spawn(3)
    data = TASK.sample(12, np.random.default_rng(sample))
    fields = train_network(data.X, data.y, 5, 8.0, start).network.fields
    X_new = np.random.default_rng(new).standard_normal((5000, 12))
    assert run.generalization_error.mean == np.mean(np.sign(fields(X_new)) != np.sign(X_new @ data.teacher))
    wrong = np.sign(fields(data.X)) != data.y
    assert run.training_error.mean == wrong.mean() > 0
    assert run.memorization_error.mean == wrong[data.is_fact].mean() != wrong.mean()
    assert run.training_loss.mean == pytest.approx(np.log1p(np.exp(-data.y * fields(data.X))).mean())
    nothing = network_study(rf.RulesAndFacts(3.0, 0.0), 3, 0.5, d=12, seeds=2, progress=False)
    assert np.isnan(nothing.memorization_error.mean)


def test_the_same_numbers_whatever_the_workers() -> None:
    settings = {"d": 15, "loss": rf.Square(), "progress": False}
    one = network_study(TASK, [2, 6], 0.5, seeds=[4, 7, 8], n_jobs=1, **settings)
    two = network_study(TASK, [2, 6], 0.5, seeds=[4, 7, 8], n_jobs=2, **settings)
    alone = network_study(TASK, 6, 0.5, seeds=[7], **settings)
    for name in ("generalization_error", "memorization_error", "training_loss"):
        np.testing.assert_array_equal(getattr(one, name).values, getattr(two, name).values)
        assert getattr(one, name).values[1, 1] == getattr(alone, name).values[0]
    np.testing.assert_array_equal(one.gradient, two.gradient)
    np.testing.assert_array_equal(one.steps, two.steps)
    curves = [network_curve(TASK, 4, 0.1, [1, 5], d=15, seeds=[4, 7], n_jobs=jobs, progress=False) for jobs in (1, 2)]
    np.testing.assert_array_equal(curves[0].training_loss.values, curves[1].training_loss.values)


def test_a_failed_training_is_an_error_or_is_marked() -> None:
    settings = {"d": 15, "seeds": 2, "max_steps": 40, "progress": False}
    with pytest.raises(rf.SimulationError, match=r"did not converge at width = .* after 40 steps"):
        network_study(TASK, [1, 10], [[10.0], [0.1]], **settings)
    marked = network_study(TASK, [1, 10], [[10.0], [0.1]], on_failure="nan", **settings)
    assert not marked.converged[:, 1, 1].any()
    assert marked.converged[:, 0, 0].all()
    assert np.isnan(marked.generalization_error.values[~marked.converged]).all()
    assert np.isnan(marked.gradient[~marked.converged]).all()
    assert np.isfinite(marked.generalization_error.mean[0, 0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, r"width = 0 is not an integer in the allowed range \[1, inf\)"),
        ({"width": [3, 2.5]}, "must be whole numbers in the allowed range"),
        ({"width": [3, 0]}, "must be whole numbers in the allowed range"),
        ({"width": [3, 4, 5], "lam": [0.1, 0.2]}, "shapes do not broadcast"),
        ({"lam": -1}, "lam = -1 is outside the allowed range"),
        ({"d": 1}, "d = 1 is not an integer in the allowed range"),
        ({"seeds": [0, 0]}, "each once"),
        ({"loss": rf.Hinge()}, r"loss = Hinge\(\) has no trainer for networks; use rf\.Logistic\(\) or rf\.Square\(\)"),
        ({"activation": "sign"}, "activation = 'sign' is not one of 'tanh', 'relu'"),
        ({"tol": 0}, r"tol = 0 is outside the allowed range \(0, 1\]"),
        ({"max_steps": 0}, "max_steps = 0 is not an integer"),
        ({"n_new": 10}, "n_new = 10 is not an integer in the allowed range"),
        ({"on_failure": "skip"}, "on_failure = 'skip' is not one of"),
        ({"task": rf.RulesAndFacts(0.5, 0.3), "d": 2}, r"y holds 1 labels that are all -?1; a network is trained on"),
    ],
)
def test_studies_that_cannot_be_made(change, message) -> None:
    settings = {"task": TASK, "width": 3, "lam": 1.0, "d": 10, "seeds": 1, "progress": False}
    with pytest.raises(ValueError, match=message):
        network_study(**settings | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": []}, "must hold at least one number, in ascending order"),
        ({"epochs": [3, 3]}, "must hold at least one number, in ascending order"),
        ({"epochs": [0, 3]}, "epochs = 0 is not an integer in the allowed range"),
        ({"width": [3]}, r"width = \[3\] is not an integer"),
        ({"lam": [0.1]}, r"lam has shape \(1,\); a training curve takes a scalar lam"),
        ({"task": rf.RulesAndFacts([1.0, 2.0], 0.3)}, r"alpha has shape \(2,\)"),
        ({"learning_rate": 0.0}, r"learning_rate = 0 is outside the allowed range \(0, 1\]"),
        ({"batch": 0}, "batch = 0 is not an integer"),
        ({"loss": rf.MaxMargin()}, "has no trainer for networks"),
    ],
)
def test_curves_that_cannot_be_drawn(change, message) -> None:
    settings = {"task": TASK, "width": 3, "lam": 1.0, "epochs": [1], "d": 10, "seeds": 1, "progress": False}
    with pytest.raises(ValueError, match=message):
        network_curve(**settings | change)
