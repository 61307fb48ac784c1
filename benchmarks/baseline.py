"""The plain way to solve the hinge equations, as careful research scripts do it: point by point, compiled by numba.

Undamped fixed-point iteration of (m, q, V) until the relative change of every overlap is at most 1e-10. Every integral
takes the 200-node Gauss-Legendre rule, one for each side of the kink at 1 - V: a single rule over all margins jumps as
the kink passes a node, and never converges. It knows nothing of raflib.
"""

from __future__ import annotations

import math

import numba
import numpy as np

NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
REACH = 8.0
TOLERANCE = 1e-10
MAX_STEPS = 100_000


@numba.njit(cache=True)
def solve_hinge(
    alpha: float,
    eps: float,
    lam: float,
    mu1: float,
    mu_star: float,
    x: np.ndarray,
    w: np.ndarray,
) -> tuple[float, float, float, int, bool]:
    """Return m, q, V, the number of iterations and whether the iteration converged."""
    m, q, V = 0.1, 1.0, 1.0
    for step in range(MAX_STEPS):
        s = q - m * m
        if not (s > 0.0 and V > 0.0):
            return m, q, V, step, False
        root_q, root_s, k = math.sqrt(q), math.sqrt(s), m / math.sqrt(s)
        e_m, e_q, e_V = 0.0, 0.0, 0.0
        for side in range(2):
            # Margins below the kink feel a force of one, those between the kinks (1 - u) / V.
            low = -REACH if side == 0 else min(max((1.0 - V) / root_q, -REACH), REACH)
            high = min(max((1.0 - V * (side == 0)) / root_q, -REACH), REACH)
            low_t = -REACH if side == 0 else min(max((1.0 - V) / root_s, -REACH), REACH)
            high_t = min(max((1.0 - V * (side == 0)) / root_s, -REACH), REACH)
            half, half_t = 0.5 * (high - low), 0.5 * (high_t - low_t)
            for i in range(x.size):
                at = low + half * (1.0 + x[i])
                density = w[i] * half * math.exp(-0.5 * at * at) / math.sqrt(2.0 * math.pi)
                weight = density * (eps + (1.0 - eps) * (1.0 + math.erf(k * at / math.sqrt(2.0))))
                at_t = low_t + half_t * (1.0 + x[i])
                density_t = w[i] * half_t * math.exp(-0.5 * at_t * at_t) / math.sqrt(2.0 * math.pi)
                if side == 0:
                    e_q += weight
                    e_m += density_t
                else:
                    e_q += weight * ((1.0 - root_q * at) / V) ** 2
                    e_V += weight / V
                    e_m += density_t * (1.0 - root_s * at_t) / V
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


def solve_grid(alpha, eps, lam, mu1: float, mu_star: float):
    """Solve every point of a broadcast grid by a Python loop over the compiled function."""
    alpha, eps, lam = np.broadcast_arrays(alpha, eps, lam)
    return [
        solve_hinge(a, e, la, mu1, mu_star, NODES, WEIGHTS)
        for a, e, la in zip(alpha.ravel(), eps.ravel(), lam.ravel(), strict=True)
    ]
