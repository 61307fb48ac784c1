"""A third opinion on a fixed point: one application of the undamped equations with integrals to 30 digits.

Knows neither raflib nor the baselines; mpmath's adaptive quadrature straight from the definitions.
"""

from __future__ import annotations

import mpmath as mp

_ENDS = (-14, -8, -4, 0, 4, 8, 14)


def _mean(function, scale, kinks=(), step=None):
    """E[function(x)] over a standard normal x, cut at kinks of the argument scale x and at the step's width."""
    cuts = [mp.mpf(x) for x in _ENDS] + [mp.mpf(kink) / scale for kink in kinks]
    if step is not None:
        cuts += [x * step for x in (-12, -3, 3, 12)]
    ends = sorted({x for x in cuts if abs(x) <= _ENDS[-1]})
    return mp.quad(lambda x: mp.npdf(x) * function(x), ends)


def _change(new, old) -> float:
    return float(max(abs(a / b - 1) for a, b in zip(new, old, strict=True)))


def hinge(alpha, eps, lam, mu1, mu_star, kappa, m, s, V) -> float:
    """Largest relative change of m, s and V by the hinge equations; kappa = inf is a kernel, mu_star = 0 linear too."""
    with mp.workdps(30):
        alpha, eps, lam, mu1, mu_star, m, s, V = (mp.mpf(x) for x in (alpha, eps, lam, mu1, mu_star, m, s, V))
        load = alpha if kappa == mp.inf else alpha / kappa
        root_q, root_s, k = mp.sqrt(m * m + s), mp.sqrt(s), m / mp.sqrt(s)

        def force(u):
            return min(max((1 - u) / V, mp.mpf(0)), mp.mpf(1))

        def weight(x):
            return eps + 2 * (1 - eps) * mp.ncdf(k * x)

        kinks = (1 - V, 1)
        m_hat = load * (1 - eps) * mp.sqrt(2 / mp.pi) * _mean(lambda t: force(root_s * t), root_s, kinks)
        q_hat = load * _mean(lambda x: weight(x) * force(root_q * x) ** 2, root_q, kinks, 1 / k)
        V_hat = load / V * _mean(lambda x: weight(x) * (1 - V < root_q * x < 1), root_q, kinks, 1 / k)
        u, w = mu1**2, mu_star**2
        if kappa == mp.inf:
            gain = u / (lam + u * V_hat)
            return _change((m_hat * gain, q_hat * gain**2, gain + w / lam), (m, s, V))
        kappa = mp.mpf(kappa)

        def spectral(function):
            """Mean over the Marchenko-Pastur law of F F^T / d."""

            def bulk(theta):
                x = 1 + kappa + 2 * mp.sqrt(kappa) * mp.cos(theta)
                return 2 / mp.pi * mp.sin(theta) ** 2 * function(x) / x

            atom = (1 - 1 / kappa) * function(mp.mpf(0)) if kappa > 1 else 0
            return mp.quad(bulk, [0, mp.pi / 2, mp.pi]) + atom

        def R(x):
            return 1 / (lam + V_hat * (u * x + w))

        mean_m = kappa * m_hat * spectral(lambda x: u * x * R(x))
        mean_q = q_hat * spectral(lambda x: (u * x + w) ** 2 * R(x) ** 2)
        mean_q += kappa * m_hat**2 * spectral(lambda x: u * x * (u * x + w) * R(x) ** 2)
        return _change((mean_m, mean_q - mean_m**2, spectral(lambda x: (u * x + w) * R(x))), (m, s, V))


def bayes(alpha, eps, r) -> float:
    """Relative change of r = q_hat = q / (1 - q) by the Bayes-optimal learner's equation."""
    with mp.workdps(30):
        alpha, eps, r = (mp.mpf(x) for x in (alpha, eps, r))
        width = mp.sqrt(r / (1 + 2 * r))

        def integrand(t):
            return mp.exp(-t * t / (2 * r) - t * t) / (eps / 2 + (1 - eps) * mp.ncdf(t))

        integral = mp.quad(integrand, [x * width for x in (-36, -20, -10, -6, -3, 0, 3, 6, 10, 20)])
        new = alpha * (1 - eps) ** 2 * 2 * (1 + r) / (2 * mp.pi) ** mp.mpf(1.5) / mp.sqrt(r) * integral
        return _change((new,), (r,))
