"""The plain way to solve the hinge equations, as research scripts do it: point by point, compiled by numba.

Undamped fixed-point iteration of (m, q, V) until the relative change of every overlap is at most 1e-10, the
expectations by the 200-node Gauss-Legendre rule. Two versions:

- plain: one rule over eight standard deviations. The nodes that fall between the hinge's kinks change as V moves, so
  the sums jump and at many points the iteration ends in a cycle; it stops after `MAX_STEPS`.
- careful: one rule on each side of the kink, which converges almost everywhere and is exact to nine digits.

Neither knows anything of raflib.
"""

from __future__ import annotations

import math

import numba
import numpy as np

NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
REACH = 8.0
TOLERANCE = 1e-10
MAX_STEPS = 10_000


@numba.njit(cache=True)
def _clip(x: float) -> float:
    return min(max(x, -REACH), REACH)


@numba.njit(cache=True)
def solve_hinge(
    alpha: float,
    eps: float,
    lam: float,
    mu1: float,
    mu_star: float,
    x: np.ndarray,
    w: np.ndarray,
    careful: bool,
) -> tuple[float, float, float, int, bool]:
    """Return m, q, V, the number of iterations and whether the iteration converged."""
    m, q, V = 0.1, 1.0, 1.0
    for step in range(MAX_STEPS):
        s = q - m * m
        if not (s > 0.0 and V > 0.0):
            return m, q, V, step, False
        root_q, root_s, k = math.sqrt(q), math.sqrt(s), m / math.sqrt(s)
        e_m, e_q, e_V = 0.0, 0.0, 0.0
        for side in range(2 if careful else 1):
            low, high, low_t, high_t = -REACH, REACH, -REACH, REACH
            if careful:  # below the kink at 1 - V, then from there to the kink at 1
                kink, kink_t = _clip((1.0 - V) / root_q), _clip((1.0 - V) / root_s)
                if side == 0:
                    high, high_t = kink, kink_t
                else:
                    low, low_t, high, high_t = kink, kink_t, _clip(1.0 / root_q), _clip(1.0 / root_s)
            half, half_t = 0.5 * (high - low), 0.5 * (high_t - low_t)
            for i in range(x.size):
                at = low + half * (1.0 + x[i])
                density = w[i] * half * math.exp(-0.5 * at * at) / math.sqrt(2.0 * math.pi)
                weight = density * (eps + (1.0 - eps) * (1.0 + math.erf(k * at / math.sqrt(2.0))))
                u = root_q * at
                e_q += weight * min(max((1.0 - u) / V, 0.0), 1.0) ** 2
                if 1.0 - V < u < 1.0:
                    e_V += weight / V
                at = low_t + half_t * (1.0 + x[i])
                density = w[i] * half_t * math.exp(-0.5 * at * at) / math.sqrt(2.0 * math.pi)
                e_m += density * min(max((1.0 - root_s * at) / V, 0.0), 1.0)
        m_hat = alpha * (1.0 - eps) * math.sqrt(2.0 / math.pi) * e_m
        q_hat, V_hat = alpha * e_q, alpha * e_V
        d = lam + mu1**2 * V_hat
        m_new = mu1**2 * m_hat / d
        q_new = mu1**4 * (m_hat**2 + q_hat) / d**2
        V_new = mu1**2 / d + mu_star**2 / lam
        change = max(abs(m_new - m) / abs(m_new), abs(q_new - q) / q_new, abs(V_new - V) / V_new)
        m, q, V = m_new, q_new, V_new
        if change <= TOLERANCE:
            return m, q, V, step + 1, True
    return m, q, V, MAX_STEPS, False


def solve_grid(alpha, eps, lam, mu1: float, mu_star: float, careful: bool):
    """Solve every point of a broadcast grid by a Python loop over the compiled function."""
    alpha, eps, lam = np.broadcast_arrays(alpha, eps, lam)
    return [
        solve_hinge(a, e, la, mu1, mu_star, NODES, WEIGHTS, careful)
        for a, e, la in zip(alpha.ravel(), eps.ravel(), lam.ravel(), strict=True)
    ]
