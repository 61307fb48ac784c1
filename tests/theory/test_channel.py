"""The channel's closed forms and derivatives against quadrature and differences."""

from __future__ import annotations

import numpy as np
import pytest
from references import expectations

import raflib as rf
from raflib.channel import channel, conjugates, quadrature
from raflib.overlaps import Overlaps

LOSSES = {"square": rf.Square(), "hinge": rf.Hinge(), "minnorm": rf.MinNorm(), "maxmargin": rf.MaxMargin()}

# eps, m, s, V: ordinary, small V, large V, almost a perfect student, no rule, tiny and huge fields.
POINTS = [
    (0.3, 1.119, 2.41, 2.007),
    (0.5, 0.2, 0.3, 1e-6),
    (0.1, 0.7, 0.1, 1e5),
    (0.0, 101.44, 0.0225304, 0.0228786),
    (9e-5, 104.58, 0.25787, 0.29912),
    (1.0, 0.0, 3.0, 0.7),
    (0.9, 1e-3, 1e-4, 0.05),
    (0.2, 300.0, 1e4, 40.0),
]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("point", POINTS, ids=str)
def test_against_mpmath_at_30_digits(name: str, point: tuple[float, ...]) -> None:
    eps, m, s, V = point
    boundary, square, stiffness = expectations(name, eps, m, s, V)
    alpha = 1.7
    hats = conjugates(
        np.array([alpha]), np.array([eps]), LOSSES[name], Overlaps(np.array([m]), np.array([s]), np.array([V]))
    )
    scale = alpha * (1 - eps) * np.sqrt(2 / np.pi)
    assert hats.m_hat[0] == pytest.approx(float(scale * boundary), rel=1e-10)
    assert hats.q_hat[0] == pytest.approx(float(alpha * square), rel=1e-10)
    # Where hardly any margin reaches the hinge V_hat is of the order of exp(-1 / q): absolute accuracy there.
    assert hats.V_hat[0] == pytest.approx(float(alpha * stiffness), rel=1e-10, abs=1e-14)


def random_overlaps(n: int, seed: int) -> tuple[np.ndarray, Overlaps]:
    rng = np.random.default_rng(seed)
    eps = rng.uniform(0, 1, n)
    return eps, Overlaps(*np.exp(rng.normal(0, [[1.0], [1.0], [1.5]], (3, n))))


@pytest.mark.parametrize("name", LOSSES)
def test_closed_form_is_the_quadrature(name: str) -> None:
    eps, overlaps = random_overlaps(500, seed=1)
    one = np.ones(500)
    hats = conjugates(one, eps, LOSSES[name], overlaps)
    by_nodes = quadrature(eps, LOSSES[name], overlaps)
    c = (1 - eps) * np.sqrt(2 / np.pi)
    np.testing.assert_allclose(hats.m_hat, c * by_nodes.boundary, rtol=1e-11)
    np.testing.assert_allclose(hats.q_hat, by_nodes.square, rtol=1e-11)
    np.testing.assert_allclose(hats.V_hat, by_nodes.stiffness, rtol=1e-10)


@pytest.mark.parametrize("name", LOSSES)
def test_derivatives_by_differences(name: str) -> None:
    eps, overlaps = random_overlaps(200, seed=2)
    alpha, step = np.full(200, 1.3), 1e-5
    slopes = channel(alpha, eps, LOSSES[name], overlaps).slopes
    for j, field in enumerate(("V", "s", "m")):
        value = getattr(overlaps, field)
        up = conjugates(alpha, eps, LOSSES[name], overlaps._replace(**{field: value * (1 + step)}))
        down = conjugates(alpha, eps, LOSSES[name], overlaps._replace(**{field: value * (1 - step)}))
        for i in range(3):
            difference = (up[i] - down[i]) / (2 * step * value)
            size = np.abs(up[i]) / value  # a derivative can vanish; its natural scale cannot
            np.testing.assert_allclose(slopes[i, j] / size, difference / size, atol=2e-6)


def test_every_loss_is_its_own_minimiser() -> None:
    # prox by brute force: the minimum of l(x) + (x - u)^2 / (2 V) on a fine grid.
    grid = np.linspace(-6, 6, 240_001)
    for loss in (rf.Square(), rf.Hinge()):
        for u, V in ((-2.0, 0.5), (0.7, 0.4), (0.9, 3.0), (1.4, 0.2)):
            best = grid[np.argmin(loss.value(grid) + (grid - u) ** 2 / (2 * V))]
            assert loss.prox(np.array(u), np.array(V)) == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_force_stiffness_and_line_agree_with_the_prox(name: str) -> None:
    loss, rng = LOSSES[name], np.random.default_rng(3)
    u, V = rng.normal(0, 2, 400), np.exp(rng.normal(0, 1, 400))
    np.testing.assert_allclose(loss.force(u, V), (loss.prox(u, V) - u) / V, atol=1e-12)
    np.testing.assert_allclose(loss.stiffness(u, V), (1 - loss.dprox(u, V)) / V, atol=1e-12)
    step = 1e-6
    away = np.ones(400, dtype=bool)
    for kink in loss.kinks(V):
        away &= np.abs(u - kink) > 2 * step
    slope = (loss.prox(u + step, V) - loss.prox(u - step, V)) / (2 * step)
    np.testing.assert_allclose(loss.dprox(u, V)[away], slope[away], atol=1e-8)
    line = loss.linear_force(V)
    piece = np.zeros(400, dtype=int)
    for knot in line.knots:
        piece += u > knot
    at = np.arange(400)
    value = np.stack(line.intercepts)[piece, at] + np.stack(line.slopes)[piece, at] * u
    np.testing.assert_allclose(loss.force(u, V), value, atol=1e-12)
    if np.isfinite(loss.slope_at_zero):
        numeric = (loss.value(np.array(1e-7)) - loss.value(np.array(-1e-7))) / 2e-7
        assert loss.slope_at_zero == pytest.approx(float(numeric), abs=1e-6)
