"""The channel's closed forms and derivatives against quadrature and differences."""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp
import numpy as np
import pytest
from references import expectations

import raflib as rf
from raflib.channel import channel, conjugates, quadrature
from raflib.overlaps import Overlaps

LOSSES = {
    "square": rf.Square(),
    "hinge": rf.Hinge(),
    "minnorm": rf.MinNorm(),
    "maxmargin": rf.MaxMargin(),
    "squaredhinge": rf.SquaredHinge(),
}
ALL = {**LOSSES, "logistic": rf.Logistic()}

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


@pytest.mark.parametrize("name", ALL)
def test_closed_form_is_the_quadrature(name: str) -> None:
    eps, overlaps = random_overlaps(500, seed=1)
    one = np.ones(500)
    hats = conjugates(one, eps, ALL[name], overlaps)
    by_nodes = quadrature(eps, ALL[name], overlaps)
    c = (1 - eps) * np.sqrt(2 / np.pi)
    np.testing.assert_allclose(hats.m_hat, c * by_nodes.boundary, rtol=1e-11)
    np.testing.assert_allclose(hats.q_hat, by_nodes.square, rtol=1e-11)
    np.testing.assert_allclose(hats.V_hat, by_nodes.stiffness, rtol=1e-10)


@pytest.mark.parametrize("name", ALL)
def test_derivatives_by_differences(name: str) -> None:
    eps, overlaps = random_overlaps(200, seed=2)
    alpha, step = np.full(200, 1.3), 1e-5
    slopes = channel(alpha, eps, ALL[name], overlaps).slopes
    for j, field in enumerate(("V", "s", "m")):
        value = getattr(overlaps, field)
        up = conjugates(alpha, eps, ALL[name], overlaps._replace(**{field: value * (1 + step)}))
        down = conjugates(alpha, eps, ALL[name], overlaps._replace(**{field: value * (1 - step)}))
        for i in range(3):
            difference = (up[i] - down[i]) / (2 * step * value)
            size = np.abs(up[i]) / value  # a derivative can vanish; its natural scale cannot
            np.testing.assert_allclose(slopes[i, j] / size, difference / size, atol=2e-6)


def test_every_loss_is_its_own_minimiser() -> None:
    # prox by brute force: the minimum of l(x) + (x - u)^2 / (2 V) on a fine grid.
    grid = np.linspace(-6, 6, 240_001)
    for loss in (rf.Square(), rf.Hinge(), rf.SquaredHinge(), rf.Logistic()):
        for u, V in ((-2.0, 0.5), (0.7, 0.4), (0.9, 3.0), (1.4, 0.2)):
            best = grid[np.argmin(loss.value(grid) + (grid - u) ** 2 / (2 * V))]
            assert loss.prox(np.array(u), np.array(V)) == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize("name", ALL)
def test_force_stiffness_and_line_agree_with_the_prox(name: str) -> None:
    loss, rng = ALL[name], np.random.default_rng(3)
    u, V = rng.normal(0, 2, 400), np.exp(rng.normal(0, 1, 400))
    np.testing.assert_allclose(loss.force(u, V), (loss.prox(u, V) - u) / V, atol=1e-12)
    np.testing.assert_allclose(loss.stiffness(u, V), (1 - loss.dprox(u, V)) / V, atol=1e-12)
    step = 1e-6
    away = np.ones(400, dtype=bool)
    for kink in loss.kinks(V):
        away &= (np.abs(u - kink) > 2 * step) | (name == "logistic")
    slope = (loss.prox(u + step, V) - loss.prox(u - step, V)) / (2 * step)
    np.testing.assert_allclose(loss.dprox(u, V)[away], slope[away], atol=1e-8)
    if np.isfinite(loss.slope_at_zero):
        numeric = (loss.value(np.array(1e-7)) - loss.value(np.array(-1e-7))) / 2e-7
        assert loss.slope_at_zero == pytest.approx(float(numeric), abs=1e-6)
    line = loss.linear_force(V)
    if line is None:
        return  # a smooth force has no knots; its derivatives are tested below
    piece = np.zeros(400, dtype=int)
    for knot in line.knots:
        piece += u > knot
    at = np.arange(400)
    value = np.stack(line.intercepts)[piece, at] + np.stack(line.slopes)[piece, at] * u
    np.testing.assert_allclose(loss.force(u, V), value, atol=1e-12)


def test_derivatives_of_the_logistic_loss() -> None:
    loss, x, step = rf.Logistic(), np.linspace(-30, 30, 301), 1e-5
    first, second, third = loss.derivatives(x)
    value = (loss.value(x + step) - loss.value(x - step)) / (2 * step)
    np.testing.assert_allclose(first, value, atol=1e-9)
    for order, of in ((second, 0), (third, 1)):
        up, down = loss.derivatives(x + step)[of], loss.derivatives(x - step)[of]
        np.testing.assert_allclose(order, (up - down) / (2 * step), atol=1e-9)


def test_logistic_prox_everywhere() -> None:
    # |u| and V up to 1e8: the root of p - u - V sigma(-p) by bisection with 40 digits.
    rng = np.random.default_rng(4)
    u = np.concatenate([rng.normal(0, 3, 20), np.sign(rng.normal(size=20)) * 10 ** rng.uniform(-8, 8, 20)])
    V = 10 ** rng.uniform(-8, 8, 40)
    p = rf.Logistic().prox(u, V)
    with mp.workdps(40):
        for i in range(40):
            low, high = mp.mpf(u[i]), mp.mpf(u[i]) + mp.mpf(V[i])
            for _ in range(170):
                middle = (low + high) / 2
                if middle - u[i] - V[i] / (1 + mp.exp(middle)) < 0:
                    low = middle
                else:
                    high = middle
            # Near p = 0 the root is a difference of u and V sigma: relative to those.
            assert abs(p[i] - low) <= 4e-15 * max(abs(low), min(abs(u[i]), V[i]) / (1 + V[i] / 4) * 4, 1e-300)


def test_logistic_prox_of_a_number_is_that_of_an_array() -> None:
    for u, V in ((0.0, 1.0), (-10.0, 100.0), (1e3, 1.0)):
        many = rf.Logistic().prox(np.array([u]), np.array([V]))
        assert rf.Logistic().prox(u, V) == many[0]
        assert rf.Logistic().prox(np.array(u), np.array(V)) == many[0]


def test_logistic_against_mpmath_at_30_digits() -> None:
    eps, m, s, V = 0.3, 0.9, 1.7, 2.5
    hats = conjugates(np.ones(1), np.array([eps]), rf.Logistic(), Overlaps(*(np.array([x]) for x in (m, s, V))))
    with mp.workdps(30):
        root_q, root_s = mp.sqrt(mp.mpf(m) ** 2 + s), mp.sqrt(mp.mpf(s))

        def prox(u: mp.mpf) -> mp.mpf:
            return mp.findroot(lambda p: p - u - V / (1 + mp.exp(p)), u + V / 2)

        def weight(x: mp.mpf) -> mp.mpf:
            return mp.npdf(x) * (eps + 2 * (1 - mp.mpf(eps)) * mp.ncdf(m / root_s * x))

        ends = [-12, -6, -3, 0, 3, 6, 12]
        boundary = mp.quad(lambda t: mp.npdf(t) / (1 + mp.exp(prox(root_s * t))), ends)
        square = mp.quad(lambda x: weight(x) / (1 + mp.exp(prox(root_q * x))) ** 2, ends)
    assert hats.m_hat[0] == pytest.approx(float((1 - eps) * mp.sqrt(2 / mp.pi) * boundary), rel=1e-11)
    assert hats.q_hat[0] == pytest.approx(float(square), rel=1e-11)


@pytest.mark.parametrize(
    "point",
    [(0.56, 250.0, 7e5, 2900.0), (0.3, 4e-7, 1e-13, 1e8), (0.02, 3e5, 6e9, 3e6), (0.4, 0.3, 0.2, 1e-6)],
    ids=str,
)
def test_logistic_at_extreme_fields(point: tuple[float, ...]) -> None:
    """Wide fields, where the response is step-like, and narrow ones: the integral over p = prox(u) with 30 digits."""
    eps, m, s, V = point
    hats = conjugates(np.ones(1), np.array([eps]), rf.Logistic(), Overlaps(*(np.array([x]) for x in (m, s, V))))
    with mp.workdps(30):
        eps_, m_, s_, V_ = (mp.mpf(x) for x in point)

        def force(p: mp.mpf) -> mp.mpf:
            return 1 / (1 + mp.exp(p))

        def integral(function: Callable[[mp.mpf, mp.mpf], mp.mpf], width: mp.mpf, points: list[mp.mpf]) -> mp.mpf:
            ends = []
            for u in points:
                low, high = u, u + V_
                for _ in range(200):
                    middle = (low + high) / 2
                    low, high = (middle, high) if middle - u - V_ * force(middle) < 0 else (low, middle)
                ends.append(low)
            inner = [mp.mpf(x) for x in range(-70, 71, 5) if ends[0] < x < ends[-1]]

            def integrand(p: mp.mpf) -> mp.mpf:
                g, u = force(p), p - V_ * force(p)
                return function(u / width, g) * mp.npdf(u / width) / width * (1 + V_ * g * (1 - g))

            return mp.quad(integrand, sorted({*ends, *inner}))

        root_q, root_s = mp.sqrt(m_**2 + s_), mp.sqrt(s_)
        k = m_ / root_s
        points = [mp.mpf(x) for x in (-14, -7, -3, 0, 3, 7, 14)]
        steps = sorted({*points, *(x / k for x in (-10, -4, 4, 10) if abs(x) < 14 * k)})

        def weight(x: mp.mpf) -> mp.mpf:
            return eps_ + 2 * (1 - eps_) * mp.ncdf(k * x)

        boundary = integral(lambda x, g: g, root_s, [x * root_s for x in points])
        square = integral(lambda x, g: weight(x) * g**2, root_q, [x * root_q for x in steps])
        bend = integral(
            lambda x, g: weight(x) * g * (1 - g) / (1 + V_ * g * (1 - g)), root_q, [x * root_q for x in steps]
        )
    assert hats.m_hat[0] == pytest.approx(float((1 - eps_) * mp.sqrt(2 / mp.pi) * boundary), rel=1e-11)
    assert hats.q_hat[0] == pytest.approx(float(square), rel=1e-11)
    assert hats.V_hat[0] == pytest.approx(float(bend), rel=1e-11)
