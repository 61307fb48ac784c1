"""What every loss has to obey, for each public one and for one that a reader might add.

The losses are found by themselves: a new class of `raflib.losses` is tested here as soon as it is in `raflib.__all__`.
"""

from __future__ import annotations

import dataclasses
import inspect
from dataclasses import dataclass
from typing import cast

import numpy as np
import pytest

import raflib as rf
from raflib import validation
from raflib.channel import channel, conjugates, quadrature
from raflib.losses import LinearForce, Loss, SmoothLoss
from raflib.observables import potential
from raflib.overlaps import Array, Conjugates, Overlaps


@dataclass(frozen=True)
class Huber:
    """A loss outside the library: the hinge, rounded off over a width delta, as CONTRIBUTING adds it."""

    delta: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "delta", validation.number("delta", self.delta, 0, open_low=True))

    @property
    def slope_at_zero(self) -> float:
        return -min(1.0 / self.delta, 1.0)

    @property
    def constraint(self) -> Loss:
        return rf.MaxMargin()

    def value(self, x: Array) -> Array:
        short = np.maximum(0.0, 1.0 - x)
        return np.where(short < self.delta, short**2 / (2.0 * self.delta), short - 0.5 * self.delta)

    def prox(self, u: Array, V: Array) -> Array:
        return u + V * self.force(u, V)

    def dprox(self, u: Array, V: Array) -> Array:
        return 1.0 - V * self.stiffness(u, V)

    def force(self, u: Array, V: Array) -> Array:
        return np.clip((1.0 - u) / (self.delta + V), 0.0, 1.0)

    def stiffness(self, u: Array, V: Array) -> Array:
        bent = (u > 1.0 - self.delta - V) & (u < 1.0)
        return np.where(bent, 1.0 / (self.delta + V), 0.0)

    def kinks(self, V: Array) -> tuple[Array, ...]:
        return 1.0 - self.delta - V, np.ones_like(V)

    def linear_force(self, V: Array) -> LinearForce:
        slope, zero, one = 1.0 / (self.delta + V), 0.0 * V, 1.0 + 0.0 * V
        return LinearForce((1.0 - self.delta - V, one), (one, slope, zero), (zero, -slope, zero))


def public_losses() -> list[Loss]:
    """Return an instance of every public class that has what a loss has."""
    wanted = {name for name in vars(Loss) if not name.startswith("_")}
    found = [getattr(rf, name) for name in rf.__all__]
    return [thing() for thing in found if inspect.isclass(thing) and wanted <= set(dir(thing))]


LOSSES = [*public_losses(), Huber()]
each_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)
FEATURES = [rf.Linear(), rf.Kernel(0.8, 0.6), rf.RandomFeatures(0.8, 0.6, 1.7)]


def is_soft(loss: Loss) -> bool:
    return loss.constraint is not None


def fields(n: int = 400) -> tuple[Array, Array]:
    rng = np.random.default_rng(3)
    return rng.normal(0, 2, n), np.exp(rng.normal(0, 1, n))


def away_from_kinks(loss: Loss, u: Array, V: Array, step: float) -> np.ndarray:
    """Return where a difference of this step does not reach over a kink of the prox; a smooth force has none."""
    away = np.ones(u.shape, dtype=bool)
    if loss.linear_force(V) is not None:
        for kink in loss.kinks(V):
            away &= np.abs(u - kink) > 2 * step
    return away


def test_the_public_losses_are_found() -> None:
    names = {type(loss).__name__ for loss in LOSSES}
    assert {"Square", "Hinge", "SquaredHinge", "Logistic", "MinNorm", "MaxMargin", "Huber"} <= names


# ---------------------------------------------------------------- the class by itself


@each_loss
def test_parameters_out_of_range_are_named(loss: Loss) -> None:
    for field in dataclasses.fields(loss):
        with pytest.raises(ValueError, match=rf"^{field.name} = nan .* allowed range"):
            dataclasses.replace(loss, **{field.name: np.nan})


@each_loss
def test_it_is_convex_with_the_slope_it_says(loss: Loss) -> None:
    x = np.linspace(-6, 6, 2401)
    value = loss.value(x)
    if is_soft(loss):
        assert np.diff(value, 2).min() >= -1e-12
        slope = float(loss.value(np.array(1e-7)) - loss.value(np.array(-1e-7))) / 2e-7
        assert loss.slope_at_zero == pytest.approx(slope, abs=1e-6)
        assert loss.constraint.constraint is None, "the constraint of a loss is one itself"
    else:
        assert set(np.unique(value)) <= {0.0, np.inf}
        assert loss.slope_at_zero == -np.inf


@each_loss
def test_prox_is_the_minimum_of_what_it_says(loss: Loss) -> None:
    # By brute force on a fine grid, which holds the kink of the losses at 1 exactly.
    x = np.append(np.linspace(-9, 9, 180_001), 1.0)
    for u, V in ((-2.0, 0.5), (0.7, 0.4), (0.9, 3.0), (1.4, 0.2), (-4.0, 2.0)):
        best = x[np.argmin(loss.value(x) + (x - u) ** 2 / (2 * V))]
        assert float(loss.prox(np.array(u), np.array(V))) == pytest.approx(best, abs=2e-4)


@each_loss
def test_derivative_of_the_prox(loss: Loss) -> None:
    (u, V), step = fields(), 1e-6
    away = away_from_kinks(loss, u, V, step)
    assert away.sum() > 300
    slope = (loss.prox(u + step, V) - loss.prox(u - step, V)) / (2 * step)
    np.testing.assert_allclose(loss.dprox(u, V)[away], slope[away], atol=1e-8)
    assert ((loss.dprox(u, V) >= 0) & (loss.dprox(u, V) <= 1)).all()


@each_loss
def test_force_and_stiffness_are_those_of_the_prox(loss: Loss) -> None:
    u, V = fields()
    np.testing.assert_allclose(loss.force(u, V), (loss.prox(u, V) - u) / V, atol=1e-12)
    np.testing.assert_allclose(loss.stiffness(u, V), (1 - loss.dprox(u, V)) / V, atol=1e-12)


@each_loss
def test_nothing_cancels_at_small_response(loss: Loss) -> None:
    if not is_soft(loss):
        return  # a constraint's force is (1 - u) / V, which grows
    # At V = 1e-12 the prox has forgotten the force; the force is minus the slope of the loss at u.
    u, step = np.linspace(-3, 3, 101) + 0.0123, 1e-5
    slope = (loss.value(u + step) - loss.value(u - step)) / (2 * step)
    np.testing.assert_allclose(loss.force(u, np.full(101, 1e-12)), -slope, atol=1e-8)


@each_loss
def test_the_force_in_pieces_or_by_derivatives(loss: Loss) -> None:
    u, V = fields()
    assert all(kink.shape == V.shape for kink in loss.kinks(V))
    assert all((low <= high).all() for low, high in zip(loss.kinks(V), loss.kinks(V)[1:], strict=False))
    line = loss.linear_force(V)
    if line is not None:
        assert len(line.intercepts) == len(line.slopes) == len(line.knots) + 1
        piece, at = np.zeros(u.size, dtype=int), np.arange(u.size)
        for knot in line.knots:
            piece += u > knot
        value = np.stack(line.intercepts)[piece, at] + np.stack(line.slopes)[piece, at] * u
        np.testing.assert_allclose(loss.force(u, V), value, atol=1e-12)
        return
    smooth = cast(SmoothLoss, loss)
    assert list(smooth.levels) == sorted(smooth.levels)
    x, step = np.linspace(-8, 8, 161) + 0.0123, 1e-5
    first, second, third = smooth.derivatives(x)
    np.testing.assert_allclose(first, (loss.value(x + step) - loss.value(x - step)) / (2 * step), atol=1e-9)
    for order, of in ((second, 0), (third, 1)):
        up, down = smooth.derivatives(x + step)[of], smooth.derivatives(x - step)[of]
        np.testing.assert_allclose(order, (up - down) / (2 * step), atol=1e-9)


@each_loss
def test_margins_and_responses_broadcast(loss: Loss) -> None:
    u, V = np.array([[-1.0], [0.3], [2.0]]), np.array([0.1, 0.5, 1.0, 9.0])
    for method in (loss.prox, loss.dprox, loss.force, loss.stiffness):
        whole = method(u, V)
        assert np.shape(whole) == (3, 4)
        for i, j in np.ndindex(3, 4):
            assert float(method(u[i, 0], V[j])) == pytest.approx(whole[i, j], rel=1e-13, abs=1e-300)


# ---------------------------------------------------------------- the class in the theory


def random_overlaps(n: int) -> tuple[Array, Overlaps]:
    rng = np.random.default_rng(1)
    return rng.uniform(0, 1, n), Overlaps(*np.exp(rng.normal(0, [[1.0], [1.0], [1.5]], (3, n))))


@each_loss
def test_conjugates_are_the_expectations_they_stand_for(loss: Loss) -> None:
    eps, overlaps = random_overlaps(300)
    hats, by_nodes = conjugates(np.ones(300), eps, loss, overlaps), quadrature(eps, loss, overlaps)
    c = (1 - eps) * np.sqrt(2 / np.pi)
    np.testing.assert_allclose(hats.m_hat, c * by_nodes.boundary, rtol=1e-10)
    np.testing.assert_allclose(hats.q_hat, by_nodes.square, rtol=1e-10)
    np.testing.assert_allclose(hats.V_hat, by_nodes.stiffness, rtol=1e-9)


@each_loss
def test_derivatives_of_the_conjugates(loss: Loss) -> None:
    (eps, overlaps), alpha, step = random_overlaps(100), np.full(100, 1.3), 1e-5
    slopes = channel(alpha, eps, loss, overlaps).slopes
    for j, field in enumerate(("V", "s", "m")):
        value = getattr(overlaps, field)
        up = conjugates(alpha, eps, loss, overlaps._replace(**{field: value * (1 + step)}))
        down = conjugates(alpha, eps, loss, overlaps._replace(**{field: value * (1 - step)}))
        for i in range(3):
            size = np.abs(up[i]) / value  # a derivative can vanish; its natural scale cannot
            difference = (up[i] - down[i]) / (2 * step * value)
            np.testing.assert_allclose(slopes[i, j] / size, difference / size, atol=2e-6)


@each_loss
@pytest.mark.parametrize("features", FEATURES, ids=repr)
def test_solved_where_the_potential_is_stationary(loss: Loss, features: rf.features.FeatureMap) -> None:
    alpha, eps, lam = (1.3 if is_soft(loss) else 0.6), 0.3, (0.1 if is_soft(loss) else 1.0)
    sol = rf.solve(rf.RulesAndFacts(alpha, eps), rf.Learner(loss, features, lam))
    assert sol.residual <= 1e-10
    assert 0 < rf.generalization_error(sol) < 0.5
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


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if is_soft(loss)], ids=repr)
def test_no_failure_from_small_to_large(loss: Loss) -> None:
    rng = np.random.default_rng(2)
    n = 300
    alpha, lam, eps = 10 ** rng.uniform(-3, 5, n), 10 ** rng.uniform(-6, 4, n), rng.uniform(0, 1, n)
    eps[:20], eps[20:40], lam[40:60] = 0.0, 1.0, 0.0
    for features in (rf.Linear(), rf.Kernel.from_angle(rng.uniform(0, np.pi / 2, n))):
        sol = rf.solve(rf.RulesAndFacts(alpha, eps), rf.Learner(loss, features, lam))
        assert sol.residual.max() <= 1e-10


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if is_soft(loss)], ids=repr)
def test_vanishing_ridge_leads_to_its_constraint(loss: Loss) -> None:
    # Directions only: a loss without a minimum, such as the logistic one, sends the norm to infinity, and slowly.
    task = rf.RulesAndFacts(0.6, 0.4)
    limit = rf.solve(task, rf.Learner(loss, rf.Linear(), 0.0))
    near = rf.solve(task, rf.Learner(loss, rf.Linear(), np.array([1e-4, 1e-8])))
    assert limit.constrained
    away = np.abs(rf.generalization_error(near) - rf.generalization_error(limit))
    assert away[1] < 1e-8 or away[1] < 0.6 * away[0]
    assert away[1] < 5e-3


def test_huber_is_the_hinge_where_its_width_vanishes() -> None:
    task = rf.RulesAndFacts(1.5, 0.3)
    hinge = rf.solve(task, rf.Learner(rf.Hinge(), rf.Linear(), 0.1))
    apart = []
    for delta in (1e-2, 1e-3):
        near = rf.solve(task, rf.Learner(Huber(delta), rf.Linear(), 0.1))
        apart.append(abs(near.q / hinge.q - 1))
    assert apart[0] < 1e-2
    assert apart[1] == pytest.approx(apart[0] / 10, rel=0.1)
