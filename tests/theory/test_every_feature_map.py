"""What every feature map has to obey, for each public one and for one that a reader might add.

The maps are found by themselves: a new class of `raflib.features` is asked for here, by name, as soon as it is in
`raflib.__all__`.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass

import numpy as np
import pytest

import raflib as rf
from raflib import validation
from raflib.features import FeatureMap, Slopes
from raflib.losses import Loss
from raflib.observables import potential
from raflib.overlaps import Array, Conjugates, Overlaps


@dataclass(frozen=True)
class TwoScales:
    """A feature map outside the library: the inputs themselves, half of them multiplied by b.

    In every direction the weight is that of a linear learner with its own w = 1 or b^2; overlaps are means over the
    two halves. With R = 1 / (lam + w V_hat): V = <w R>, m = m_hat <w R>, q = (m_hat^2 + q_hat) <w^2 R^2>.
    """

    b: float | Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "b", validation.number("b", self.b, 0, open_low=True))

    @property
    def parameters(self) -> dict[str, float | Array]:
        return {"b": self.b}

    def at(self, parameters: dict[str, Array]) -> TwoScales:
        return TwoScales(**parameters)

    @property
    def strengths(self) -> tuple[float | Array, float | Array]:
        return np.sqrt(0.5 * (1.0 + np.square(self.b))), 0.0

    @property
    def per_input(self) -> float:
        return 1.0

    def _gains(self, V_hat: Array, lam: Array) -> tuple[Array, Array]:
        """Return w R of the two halves."""
        w = np.square(self.b)
        return 1.0 / (lam + V_hat), w / (lam + w * V_hat)

    def overlaps(self, conjugates: Conjugates, lam: Array) -> Overlaps:
        m_hat, q_hat, V_hat = conjugates
        one, two = self._gains(V_hat, lam)
        V, spread = 0.5 * (one + two), 0.5 * (one - two)  # <g^2> - <g>^2 of two values, without a difference of squares
        return Overlaps(m_hat * V, q_hat * 0.5 * (one * one + two * two) + (m_hat * spread) ** 2, V)

    def slopes(self, conjugates: Conjugates, lam: Array) -> Slopes:
        m_hat, q_hat, V_hat = conjugates
        one, two = self._gains(V_hat, lam)
        V, spread = 0.5 * (one + two), 0.5 * (one - two)
        noise, turned = q_hat * 0.5 * (one * one + two * two), (m_hat * spread) ** 2
        s = noise + turned
        d_V, d_spread = -0.5 * (one * one + two * two), -0.5 * (one * one - two * two)  # dg / dV_hat = -g^2
        d_s = -q_hat * (one**3 + two**3) + 2.0 * m_hat * m_hat * spread * d_spread
        return Slopes(d_V / V, 2.0 * turned / s, noise / s, d_s / s, d_V / V)

    def potential(self, conjugates: Conjugates, lam: Array) -> Array:
        m_hat, q_hat, V_hat = conjugates
        one, two = self._gains(V_hat, lam)
        return 0.25 * (m_hat * m_hat + q_hat) * (one + two)

    def ridge_response(self, load: Array, lam: Array, hard: bool) -> Array:
        return rf.Linear().ridge_response(load, lam, hard)  # a start, not the solution

    def constraint_capacity(self, constraint: Loss, eps: Array) -> Array:
        return rf.Linear().constraint_capacity(constraint, eps)  # the same half-spaces


#: One of each; a new public class needs one here.
EXAMPLES: list[FeatureMap] = [
    rf.Linear(),
    rf.Kernel(0.8, 0.6),
    rf.RandomFeatures(0.8, 0.6, 0.7),
    rf.RandomFeatures(0.8, 0.6, 1.9),
    TwoScales(0.4),
]
each_map = pytest.mark.parametrize("features", EXAMPLES, ids=repr)
N = 200


def random_conjugates() -> tuple[Conjugates, Array]:
    rng = np.random.default_rng(0)
    return Conjugates(*np.exp(rng.normal(0, 1.5, (3, N)))), np.exp(rng.normal(-1, 2, N))


def spread_out(features: FeatureMap) -> FeatureMap:
    """Return the map with its parameters as arrays (N,), as the solver asks for it."""
    return features.at({name: np.full(N, value) for name, value in features.parameters.items()})


def test_every_public_map_has_an_example() -> None:
    wanted = {name for name in vars(FeatureMap) if not name.startswith("_")}
    public = [getattr(rf, name) for name in rf.__all__]
    maps = {thing for thing in public if inspect.isclass(thing) and wanted <= set(dir(thing))}
    assert {rf.Linear, rf.Kernel, rf.RandomFeatures} <= maps
    assert maps <= {type(features) for features in EXAMPLES}, "add one of the new class to EXAMPLES"


# ---------------------------------------------------------------- the class by itself


@each_map
def test_parameters_go_in_and_come_out(features: FeatureMap) -> None:
    again = features.at({name: np.array([value]) for name, value in features.parameters.items()})
    assert type(again) is type(features)
    assert {name: float(x) for name, (x,) in again.parameters.items()} == features.parameters
    assert list(features.parameters) == list(inspect.signature(type(features)).parameters)


@each_map
def test_parameters_out_of_range_are_named(features: FeatureMap) -> None:
    for name in features.parameters:
        for wrong in (-1.0, np.nan):
            with pytest.raises(ValueError, match=rf"^{name} = .* allowed range"):
                type(features)(**{**features.parameters, name: wrong})


@each_map
def test_overlaps_are_the_slopes_of_the_potential(features: FeatureMap) -> None:
    (hats, lam), step = random_conjugates(), 1e-5
    one = spread_out(features)
    overlaps = one.overlaps(hats, lam)

    def slope(name: str) -> Array:
        value = getattr(hats, name)
        up, down = (one.potential(hats._replace(**{name: value * (1 + h)}), lam) for h in (step, -step))
        return (up - down) / (2 * step * value)

    np.testing.assert_allclose(overlaps.m, slope("m_hat"), rtol=1e-7)
    np.testing.assert_allclose(overlaps.V, 2 * slope("q_hat"), rtol=1e-7)
    np.testing.assert_allclose(overlaps.q, -2 * slope("V_hat"), rtol=1e-7)
    assert (overlaps.s > 0).all()


@each_map
def test_slopes_are_those_of_the_overlaps(features: FeatureMap) -> None:
    (hats, lam), step = random_conjugates(), 1e-5
    one = spread_out(features)

    def change(name: str) -> Overlaps:
        """Logarithmic derivatives of (m, s, V) by the logarithm of one conjugate."""
        value = getattr(hats, name)
        up, down = (one.overlaps(hats._replace(**{name: value * (1 + h)}), lam) for h in (step, -step))
        return Overlaps(*(np.log(a / b) / (2 * step) for a, b in zip(up, down, strict=True)))

    slopes, by_m, by_q, by_V = one.slopes(hats, lam), change("m_hat"), change("q_hat"), change("V_hat")
    close = {"rtol": 1e-6, "atol": 1e-8}
    np.testing.assert_allclose(slopes.s_m_hat + 0 * lam, by_m.s, **close)
    np.testing.assert_allclose(slopes.s_q_hat + 0 * lam, by_q.s, **close)
    np.testing.assert_allclose(slopes.m_V_hat * hats.V_hat, by_V.m, **close)
    np.testing.assert_allclose(slopes.s_V_hat * hats.V_hat, by_V.s, **close)
    np.testing.assert_allclose(slopes.V_V_hat * hats.V_hat, by_V.V, **close)
    # What `Slopes` leaves out: m is m_hat times a function of V_hat, V a function of V_hat.
    np.testing.assert_allclose(by_m.m, 1.0, rtol=1e-8)
    for none in (by_q.m, by_m.V, by_q.V):
        np.testing.assert_allclose(none, 0.0, atol=1e-9)


@each_map
def test_a_start_from_ridge(features: FeatureMap) -> None:
    load, lam = np.full(N, 0.5), np.geomspace(1e-8, 1e4, N)
    for hard in (False, True):
        V = spread_out(features).ridge_response(load, lam, hard)
        assert V.shape == (N,)
        assert np.isfinite(V).all()
        assert (V > 0).all()


# ---------------------------------------------------------------- the class in the theory


@each_map
@pytest.mark.parametrize("loss", [rf.MaxMargin(), rf.MinNorm()], ids=repr)
def test_constraints_are_met_below_the_capacity_and_not_above(loss: Loss, features: FeatureMap) -> None:
    eps = 0.3
    capacity = float(features.constraint_capacity(loss, np.array(eps)))
    assert rf.interpolation_threshold(rf.Learner(loss, features, 1.0), eps) == capacity
    below = 0.9 * min(capacity, 10.0)
    sol = rf.solve(rf.RulesAndFacts(below, eps), rf.Learner(loss, features, 1.0))
    assert sol.constrained
    assert rf.memorization_error(sol) == 0.0
    if np.isfinite(capacity):
        with pytest.raises(rf.ConvergenceError, match="above the capacity"):
            rf.solve(rf.RulesAndFacts(1.1 * capacity, eps), rf.Learner(loss, features, 1.0))
        # Towards the capacity the weights grow without bound.
        near = rf.solve(rf.RulesAndFacts(0.99 * capacity, eps), rf.Learner(loss, features, 1.0))
        assert near.q > 3 * sol.q


@each_map
@pytest.mark.parametrize("loss", [rf.Square(), rf.Hinge(), rf.Logistic()], ids=repr)
def test_solved_where_the_potential_is_stationary(loss: Loss, features: FeatureMap) -> None:
    alpha, eps, lam = 1.3, 0.3, 0.1
    sol = rf.solve(rf.RulesAndFacts(alpha, eps), rf.Learner(loss, features, lam))
    assert sol.residual <= 1e-10
    at = np.array([sol.m, sol.q, sol.V, sol.m_hat, sol.q_hat, sol.V_hat])

    def value(x: Array) -> float:
        m, q, V, m_hat, q_hat, V_hat = (np.array([y]) for y in x)
        overlaps, hats = Overlaps(m, q - m * m, V), Conjugates(m_hat, q_hat, V_hat)
        a, e, r = (np.array([y]) for y in (alpha, eps, lam))
        return float(potential(a, e, loss, features, r, overlaps, hats)[0])

    for i, partner in enumerate((3, 5, 4, 0, 2, 1)):  # an overlap balances its conjugate
        up, down, step = at.copy(), at.copy(), 1e-4 * at[i]
        up[i] += step
        down[i] -= step
        assert abs(value(up) - value(down)) / (2 * step) < 1e-6 * abs(at[partner])


@each_map
def test_no_failure_from_small_to_large(features: FeatureMap) -> None:
    rng = np.random.default_rng(2)
    n = 300
    alpha, lam, eps = 10 ** rng.uniform(-3, 5, n), 10 ** rng.uniform(-6, 4, n), rng.uniform(0, 1, n)
    eps[:20], eps[20:40], lam[40:60] = 0.0, 1.0, 0.0
    for loss in (rf.Square(), rf.Hinge()):
        sol = rf.solve(rf.RulesAndFacts(alpha, eps), rf.Learner(loss, features, lam))
        assert sol.residual.max() <= 1e-10


def test_two_scales_are_those_of_a_trained_learner() -> None:
    # Ridge on inputs of which half are multiplied by b, trained by linear algebra on eight samples.
    b, d, lam, task = 0.4, 600, 0.3, rf.RulesAndFacts(1.5, 0.2)
    sol = rf.solve(task, rf.Learner(rf.Square(), TwoScales(b), lam))
    scale = np.where(np.arange(d) < d // 2, 1.0, b)
    runs = []
    for seed in range(8):
        data = task.sample(d, seed)
        phi = data.X * scale / np.sqrt(d)
        a = np.linalg.solve(phi.T @ phi + lam * np.eye(d), phi.T @ data.y)
        student = a * scale
        m = student @ data.teacher / np.sqrt(d) / np.linalg.norm(data.teacher)
        wrong = (data.y * (phi @ a) < 0)[data.is_fact].mean()
        runs.append((m, student @ student / d, wrong))
    mean, error = np.mean(runs, axis=0), np.std(runs, axis=0, ddof=1) / np.sqrt(8)
    theory = (sol.m, sol.q, rf.memorization_error(sol))
    assert (np.abs(mean - theory) < 4 * error + 2e-3).all(), (mean, theory, error)


def test_equal_scales_are_the_inputs() -> None:
    task = rf.RulesAndFacts(1.5, 0.2)
    same, inputs = (rf.solve(task, rf.Learner(rf.Hinge(), f, 0.1)) for f in (TwoScales(1.0), rf.Linear()))
    assert (same.m, same.q, same.V) == pytest.approx((inputs.m, inputs.q, inputs.V), rel=1e-9)
