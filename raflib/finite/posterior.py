r"""The Bayes-optimal student's view of one sample, in the form in which a loss acts.

The posterior's field of a sample is Gaussian, mean omega and variance V, times the label law: with the margin
u = y omega and t = u / sqrt(V)

    Z(t) = eps/2 + (1 - eps) Phi(t),   g(u) = d log Z / du = h / sqrt(V),   h(t) = (1 - eps) phi(t) / Z(t),

and -g'(u) = h (t + h) / V. The posterior mean of the margin is u + V g(u). It increases with u, since its slope is
the posterior variance over V, and it is zero at t = t0, the root of t + h(t) = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from ..gaussian import REACH, SQRT_2PI
from ..overlaps import Array

_HALVINGS = 60  # of an interval of length 38: to rounding


@dataclass(frozen=True)
class PosteriorForce:
    """Force and stiffness of the label law P(y | z) at a Gaussian field; eps is one number or an array (n, 1)."""

    eps: float | Array

    def force(self, u: Array, V: Array) -> Array:
        """h / sqrt(V)."""
        root = np.sqrt(V)
        return np.asarray(self._pull(u / root) / root)

    def stiffness(self, u: Array, V: Array) -> Array:
        """h (t + h) / V: negative where a label is more likely a fact than an error of the field."""
        t = u / np.sqrt(V)
        h = self._pull(t)
        return np.asarray(h * (t + h) / V)

    def prox(self, u: Array, V: Array) -> Array:
        """u + V g(u), the posterior mean of the sample's margin."""
        return np.asarray(u + V * self.force(u, V))

    def kinks(self, V: Array) -> tuple[Array, ...]:
        """Where panels end that resolve the step of Z, of width sqrt(V)."""
        return tuple(width * np.sqrt(V) for width in (-8.0, -3.0, 0.0, 3.0, 8.0))

    def zero(self) -> Array:
        """Return t0: below it the posterior takes a label for a fact that disagrees; -inf at eps = 0, 0 at eps = 1."""
        eps = np.asarray(self.eps, dtype=np.float64)
        low, high = np.full(eps.shape, -REACH), np.zeros(eps.shape)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            above = middle + self._pull(middle) > 0.0
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return np.where(eps == 0.0, -np.inf, np.where(eps == 1.0, 0.0, 0.5 * (low + high)))

    def _pull(self, t: Array) -> Array:
        """Return h(t) through logarithms, which do not underflow where Phi does."""
        with np.errstate(divide="ignore"):
            rule, fact = np.log1p(-np.asarray(self.eps)), np.log(0.5 * np.asarray(self.eps))
            log_Z = np.logaddexp(fact, rule + log_ndtr(t))
            return np.asarray(np.exp(rule - 0.5 * t * t - log_Z) / SQRT_2PI)
