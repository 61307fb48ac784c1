"""The usual way to solve random features and the Bayes-optimal learner: a scalar loop over `scipy.integrate.quad`.

One point at a time, undamped fixed-point iteration until the relative change of every overlap is at most 1e-10, each
expectation by quad on the textbook integrand. Two versions:

- plain: quad as it comes, over each stretch of eight standard deviations between the kinks of the loss; the spectral
  means of random features from the textbook closed form of the Marchenko-Pastur law's Stieltjes transform, which is
  faster than integrating the law, but cancels;
- careful: quad to 1e-13, cut at the step of the label law too; the spectral means by quad over the law itself.

Knows nothing of raflib.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Iterable

import numpy as np
from scipy.integrate import IntegrationWarning, quad

REACH = 8.0
TOLERANCE = 1e-10
#: Ten times fewer than for the compiled baseline: a point that fails costs seconds here.
MAX_STEPS = 1_000

#: m, q, V, the number of iterations and whether the iteration converged.
Found = tuple[float, float, float, int, bool]


def _density(x: float) -> float:
    return math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def _phi(x: float) -> float:
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))


def _mean(
    integrand: Callable[[float], float], low: float, kinks: Iterable[float], high: float, step: float, careful: bool
) -> float:
    """Integrate between the ends, cut to eight standard deviations, in pieces between the kinks.

    ``step`` is the width of the label law's step, which only the careful version resolves.
    """
    low, high = max(low, -REACH), min(high, REACH)
    cuts = (*kinks, -step, 0.0, step) if careful else kinks
    ends = [low, *sorted(x for x in cuts if low < x < high), high]
    accuracy = {"epsabs": 1e-13, "epsrel": 1e-13} if careful else {}
    return float(sum(quad(integrand, a, b, **accuracy)[0] for a, b in itertools.pairwise(ends) if a < b))


def hinge_conjugates(
    alpha: float, eps: float, m: float, q: float, V: float, careful: bool
) -> tuple[float, float, float]:
    """m_hat, q_hat and V_hat of the hinge loss, by three calls of quad."""
    s = q - m * m
    root_q, root_s, k = math.sqrt(q), math.sqrt(s), m / math.sqrt(s)

    def force(u: float) -> float:
        return min(max((1.0 - u) / V, 0.0), 1.0)

    def weight(x: float) -> float:
        return _density(x) * (eps + 2.0 * (1.0 - eps) * _phi(k * x))

    # The force is 0 above a margin of 1, and changes only between the kinks.
    step, kink, end = 4.0 / k if k > 0.0 else REACH, (1.0 - V) / root_q, 1.0 / root_q
    e_m = _mean(lambda t: _density(t) * force(root_s * t), -REACH, [(1.0 - V) / root_s], 1.0 / root_s, REACH, careful)
    e_q = _mean(lambda x: weight(x) * force(root_q * x) ** 2, -REACH, [kink], end, step, careful)
    e_V = _mean(weight, kink, [], end, step, careful) / V
    return alpha * (1.0 - eps) * math.sqrt(2.0 / math.pi) * e_m, alpha * e_q, alpha * e_V


#: <R>, <x R>, <R^2>, <x R^2> and <x^2 R^2> of R = 1 / (D + h x), x a Marchenko-Pastur eigenvalue.
Means = tuple[float, float, float, float, float]


def _means_in_closed_form(D: float, h: float, kappa: float) -> Means:
    """By the Stieltjes transform S = <1 / (x + z)> at z = D / h and its derivative."""
    z = D / h
    b = 1.0 - kappa + z
    S = (-b + math.sqrt(b * b + 4.0 * kappa * z)) / (2.0 * kappa * z)
    S2 = S * (1.0 + kappa * S) / (2.0 * kappa * z * S + b)  # -dS/dz = <1 / (x + z)^2>
    return S / h, (1.0 - z * S) / h, S2 / h**2, (S - z * S2) / h**2, (1.0 - 2.0 * z * S + z * z * S2) / h**2


def _means_by_quad(D: float, h: float, kappa: float) -> Means:
    """Over x = 1 + kappa + 2 sqrt(kappa) cos(theta), which makes the density smooth; a mass at x = 0 if kappa > 1."""
    root = math.sqrt(kappa)

    def mean(power: int, order: int) -> float:
        def integrand(theta: float) -> float:
            x = 1.0 + kappa + 2.0 * root * math.cos(theta)
            return 2.0 / math.pi * math.sin(theta) ** 2 * x ** (power - 1) / (D + h * x) ** order

        return float(quad(integrand, 0.0, math.pi, epsabs=1e-13, epsrel=1e-13)[0])

    mass = max(0.0, 1.0 - 1.0 / kappa)
    return (mean(0, 1) + mass / D, mean(1, 1), mean(0, 2) + mass / D**2, mean(1, 2), mean(2, 2))


def feature_overlaps(
    m_hat: float, q_hat: float, V_hat: float, lam: float, mu1: float, mu_star: float, kappa: float, careful: bool
) -> tuple[float, float, float]:
    """m, q and V of random features."""
    means = _means_by_quad if careful else _means_in_closed_form
    R, xR, RR, xRR, xxRR = means(lam + V_hat * mu_star**2, V_hat * mu1**2, kappa)
    V = mu1**2 * xR + mu_star**2 * R
    m = kappa * m_hat * mu1**2 * xR
    square = mu1**4 * xxRR + 2.0 * mu1**2 * mu_star**2 * xRR + mu_star**4 * RR
    return m, q_hat * square + kappa * m_hat**2 * mu1**2 * (mu1**2 * xxRR + mu_star**2 * xRR), V


def solve_features_hinge(
    alpha: float, eps: float, lam: float, mu1: float, mu_star: float, kappa: float, careful: bool
) -> Found:
    """Iterate the equations of the hinge loss on random features."""
    m, q, V = 0.1, 1.0, 1.0
    for step in range(MAX_STEPS):
        # Outside this no next step exists: the spectral means have lost their digits.
        if not (m > 0.0 and q > m * m and V > 0.0 and math.isfinite(q + V)):
            return m, q, V, step, False
        hats = hinge_conjugates(alpha / kappa, eps, m, q, V, careful)
        try:
            m_new, q_new, V_new = feature_overlaps(*hats, lam, mu1, mu_star, kappa, careful)
        except ZeroDivisionError:  # no margin within the quadrature's reach is on the slope: z is infinite
            return m, q, V, step, False
        change = max(abs(m_new / m - 1.0), abs(q_new / q - 1.0), abs(V_new / V - 1.0))
        m, q, V = m_new, q_new, V_new
        if change <= TOLERANCE:
            return m, q, V, step + 1, True
    return m, q, V, MAX_STEPS, False


def solve_bayes(alpha: float, eps: float, careful: bool) -> Found:
    """Iterate q_hat = alpha E[sum_y Z f^2] with the output function f of the label law, q = q_hat / (1 + q_hat)."""
    q_hat = 1.0
    for step in range(MAX_STEPS):
        q, k = q_hat / (1.0 + q_hat), math.sqrt(q_hat)

        def integrand(x: float, k: float = k, q_hat: float = q_hat) -> float:
            slope = (1.0 - eps) * _density(k * x)
            return _density(x) * 2.0 * slope**2 * (1.0 + q_hat) / (0.5 * eps + (1.0 - eps) * _phi(k * x))

        try:
            new = alpha * _mean(integrand, -REACH, [], REACH, 4.0 / k, careful)
        except ZeroDivisionError:  # 1 + erf is 0 in the tail: at eps = 0 nothing is left in the denominator
            return q, q, 1.0 / (1.0 + q_hat), step, False
        if not new > 0.0:  # quad has missed the peak
            return q, q, 1.0 / (1.0 + q_hat), step, False
        change, q_hat = abs(new / q_hat - 1.0), new
        if change <= TOLERANCE:
            return q_hat / (1.0 + q_hat), q_hat / (1.0 + q_hat), 1.0 / (1.0 + q_hat), step + 1, True
    return q, q, 1.0 / (1.0 + q_hat), MAX_STEPS, False


def solve_grid(solve: Callable[..., Found], careful: bool, *parameters: np.ndarray | float) -> list[Found]:
    """Solve every point of a broadcast grid, one after the other."""
    arrays = np.broadcast_arrays(*parameters)
    with warnings.catch_warnings():
        # quad's complaints about its own accuracy are what the comparison measures.
        warnings.simplefilter("ignore", IntegrationWarning)
        return [solve(*map(float, point), careful) for point in zip(*(a.ravel() for a in arrays), strict=True)]
