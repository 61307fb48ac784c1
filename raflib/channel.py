r"""The channel: from task, loss and overlaps to conjugates.

With margin field u = sqrt(q) x, x of density p(x) (`raflib.gaussian`), and g the force of the loss:

    q_hat = alpha E[g^2],   V_hat = -alpha E[g'(u)],   m_hat = alpha (1 - eps) sqrt(2/pi) E_t[g(sqrt(s) t)],

t ~ N(0, 1): m_hat lives on the teacher's decision boundary, where the student's field has variance s only.
arXiv:2603.25579, replica-symmetric equations; derived in the chapter on the saddle point.

For a piecewise linear force each expectation is a sum of truncated Gaussian moments in closed form. The terms of
that sum can cancel (a narrow piece, or a perfect student). The ratio of the terms' size to the sum measures it;
points where it is too large are integrated by Gauss-Legendre panels instead, whose terms are all positive.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr

from .gaussian import REACH, SQRT_2_OVER_PI, density, integrate, label_weight, step_breaks, truncated_moments
from .losses import Loss
from .overlaps import Array, Conjugates, Overlaps

#: A closed form is trusted while rounding (2e-16 of its largest terms) stays below 2e-12 of its value.
_LARGEST_CANCELLATION = 1e4
#: Points that are worked on at once: bounds the memory of a large batch to some tens of megabytes.
CHUNK = 4096


def conjugates(alpha: Array, eps: Array, loss: Loss, overlaps: Overlaps) -> Conjugates:
    """Return the conjugates of the overlaps for arrays of one shape (n,).

    Closed form where the force is piecewise linear and no cancellation threatens, quadrature elsewhere.
    Relative accuracy about 1e-11 or better.
    """
    force_m, force_q, stiffness, cancelled = _closed_form(eps, loss, overlaps)
    if cancelled.any():
        part = Overlaps(*(x[cancelled] for x in overlaps))
        by_nodes = quadrature(eps[cancelled], loss, part)
        force_m[cancelled], force_q[cancelled], stiffness[cancelled] = by_nodes
    return Conjugates(alpha * (1.0 - eps) * SQRT_2_OVER_PI * force_m, alpha * force_q, alpha * stiffness)


def _closed_form(eps: Array, loss: Loss, overlaps: Overlaps) -> tuple[Array, Array, Array, np.ndarray]:
    """Return E_t[g], E[g^2], -E[g'] and where their terms cancel too much to be trusted."""
    root_q, root_s = np.sqrt(overlaps.q), np.sqrt(overlaps.s)
    k = overlaps.m / root_s
    total = [np.zeros_like(k) for _ in range(3)]
    size = [np.zeros_like(k) for _ in range(3)]
    pieces = loss.pieces(overlaps.V)
    if not pieces:
        return total[0], total[1], total[2], np.ones(k.shape, dtype=bool)

    def add(which: int, coefficient: Array, value: Array, magnitude: Array) -> None:
        total[which] += coefficient * value
        size[which] += np.abs(coefficient) * magnitude

    for piece in pieces:
        intercept = piece.level - piece.slope * piece.origin
        a, b = piece.slope * root_q, piece.slope * root_s
        for end, sign in ((piece.high, 1.0), (piece.low, -1.0)):
            if np.isscalar(end) and end == -np.inf:
                continue  # all moments vanish there
            x, t = end / root_q, end / root_s
            i0, i1, i2, magnitude = truncated_moments(x, k, eps)
            add(0, sign * intercept, ndtr(t), ndtr(t))
            add(0, -sign * b, density(t), density(t))
            add(1, sign * intercept**2, i0, magnitude)
            add(1, sign * 2.0 * intercept * a, i1, magnitude)
            add(1, sign * a**2, i2, magnitude)
            add(2, -sign * piece.slope, i0, magnitude)
    cancelled = np.zeros(k.shape, dtype=bool)
    for value, terms in zip(total, size, strict=True):
        cancelled |= ~(terms <= _LARGEST_CANCELLATION * np.abs(value))
    return total[0], total[1], total[2], cancelled


def quadrature(eps: Array, loss: Loss, overlaps: Overlaps) -> tuple[Array, Array, Array]:
    """Return E_t[g], E[g^2] and -E[g'] by panels that end at every kink and resolve the step of the label law."""
    root_s, V = np.sqrt(overlaps.s), overlaps.V[:, None]
    end = np.full(root_s.shape, REACH)
    force_m = integrate(
        lambda t: density(t) * loss.force(root_s[:, None] * t, V),
        -end,
        end,
        [kink / root_s for kink in loss.kinks(overlaps.V)],
    )
    force_q = _mean_over_margins(lambda u, V: loss.force(u, V) ** 2, loss, overlaps, eps)
    return force_m, force_q, _mean_over_margins(loss.stiffness, loss, overlaps, eps)


def _mean_over_margins(
    function: Callable[[Array, Array], Array], loss: Loss, overlaps: Overlaps, eps: Array
) -> Array:
    """Return E[P(x) function(sqrt(q) x, V)] by quadrature; the function may have kinks where the loss has."""
    if eps.size > CHUNK:
        parts = [slice(first, first + CHUNK) for first in range(0, eps.size, CHUNK)]
        return np.concatenate(
            [_mean_over_margins(function, loss, Overlaps(*(x[at] for x in overlaps)), eps[at]) for at in parts]
        )
    root_q, k = np.sqrt(overlaps.q)[:, None], (overlaps.m / np.sqrt(overlaps.s))[:, None]
    end = np.full(k.shape[0], REACH)
    breaks = [*(kink / root_q[:, 0] for kink in loss.kinks(overlaps.V)), *step_breaks(k[:, 0])]
    return integrate(
        lambda x: density(x) * label_weight(x, k, eps[:, None]) * function(root_q * x, overlaps.V[:, None]),
        -end,
        end,
        breaks,
    )


def mean_loss(loss: Loss, overlaps: Overlaps, eps: Array) -> Array:
    """Return E[P l(prox_V(u))], the mean training loss, for arrays of one shape (n,)."""
    return _mean_over_margins(lambda u, V: loss.value(loss.prox(u, V)), loss, overlaps, eps)


def mean_moreau(loss: Loss, overlaps: Overlaps, eps: Array) -> Array:
    """Return E[P M_V(u)], M_V(u) = min_x l(x) + (x - u)^2 / (2 V), for arrays of one shape (n,)."""
    return _mean_over_margins(
        lambda u, V: loss.value(loss.prox(u, V)) + 0.5 * V * loss.force(u, V) ** 2, loss, overlaps, eps
    )
