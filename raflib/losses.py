"""Margin losses. A loss is one class; nothing else needs to change to add one.

A loss l(x) of the margin x = y omega enters the theory through the proximal map

    prox_V(u) = argmin_x  l(x) + (x - u)^2 / (2 V)

and the force g(u) = (prox_V(u) - u) / V = -l'(prox_V(u)). Each loss here is piecewise quadratic, so its force is
piecewise linear in u and its Gaussian moments have closed forms (`raflib.channel`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import expit

from .overlaps import Array


class LinearForce(NamedTuple):
    """A continuous, piecewise linear force: g(u) = intercepts[i] + slopes[i] u between knots[i - 1] and knots[i]."""

    knots: tuple[Array, ...]
    intercepts: tuple[Array, ...]
    slopes: tuple[Array, ...]


class Loss(Protocol):
    """What the solver asks of a loss; V > 0 and u are arrays that broadcast."""

    @property
    def slope_at_zero(self) -> float:
        """Slope l'(0): a fact is forgotten where its test field is below V l'(0)."""

    @property
    def constraint(self) -> Loss | None:
        """The hard constraint that lam -> 0+ imposes while it can be met; None if the loss is one itself."""

    def value(self, x: Array) -> Array:
        """Loss l(x) at margin x."""

    def prox(self, u: Array, V: Array) -> Array:
        """Proximal map argmin_x l(x) + (x - u)^2 / (2 V)."""

    def dprox(self, u: Array, V: Array) -> Array:
        """Derivative of the proximal map with respect to u."""

    def force(self, u: Array, V: Array) -> Array:
        """Force g(u) = (prox_V(u) - u) / V, written so that nothing cancels at small V."""

    def stiffness(self, u: Array, V: Array) -> Array:
        """Minus the slope of the force, (1 - prox'_V(u)) / V, written so that nothing cancels at small V."""

    def kinks(self, V: Array) -> tuple[Array, ...]:
        """Values of u at which the proximal map is not smooth."""

    def linear_force(self, V: Array) -> LinearForce | None:
        """The force as a piecewise linear function of u, or None if it is a smooth one."""


class SmoothLoss(Loss, Protocol):
    """What the solver asks of a loss whose force is not piecewise linear, instead of `linear_force`."""

    def derivatives(self, x: Array) -> tuple[Array, Array, Array]:
        """l'(x), l''(x) and l'''(x)."""

    @property
    def levels(self) -> tuple[float, ...]:
        """Margins x between which the loss is smooth enough for one Gauss-Legendre panel."""


@dataclass(frozen=True)
class Square:
    r"""Square loss l(x) = (1 - x)^2 / 2; with L2 regularisation, ridge regression on the labels.

    ``prox_V(u) = (u + V) / (1 + V)``, force ``g(u) = (1 - u) / (1 + V)``.

    Examples
    --------
    >>> import raflib as rf
    >>> rf.Square().prox(0.0, V=1.0)
    0.5
    """

    @property
    def slope_at_zero(self) -> float:
        """l'(0) = -1."""
        return -1.0

    @property
    def constraint(self) -> Loss:
        """Every margin equal to one."""
        return MinNorm()

    def value(self, x: Array) -> Array:
        """(1 - x)^2 / 2."""
        return 0.5 * (1.0 - x) ** 2

    def prox(self, u: Array, V: Array) -> Array:
        """(u + V) / (1 + V)."""
        return (u + V) / (1.0 + V)

    def dprox(self, u: Array, V: Array) -> Array:
        """1 / (1 + V)."""
        return 1.0 / (1.0 + V) + 0.0 * u

    def force(self, u: Array, V: Array) -> Array:
        """(1 - u) / (1 + V)."""
        return np.asarray((1.0 - u) / (1.0 + V))

    def stiffness(self, u: Array, V: Array) -> Array:
        """1 / (1 + V)."""
        return np.asarray(1.0 / (1.0 + V) + 0.0 * u)

    def kinks(self, V: Array) -> tuple[Array, ...]:
        """None: the proximal map is linear."""
        return ()

    def linear_force(self, V: Array) -> LinearForce:
        """No knot: (1 - u) / (1 + V) everywhere."""
        slope = 1.0 / (1.0 + V)
        return LinearForce((), (slope,), (-slope,))


@dataclass(frozen=True)
class Hinge:
    r"""Hinge loss l(x) = max(0, 1 - x); with L2 regularisation, the support vector machine without intercept.

    ``prox_V(u)`` is u + V below 1 - V, 1 between 1 - V and 1, and u above 1.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> rf.Hinge().prox(np.array([-1.0, 0.8, 2.0]), V=0.5).tolist()
    [-0.5, 1.0, 2.0]
    """

    @property
    def slope_at_zero(self) -> float:
        """l'(0) = -1."""
        return -1.0

    @property
    def constraint(self) -> Loss:
        """Every margin at least one."""
        return MaxMargin()

    def value(self, x: Array) -> Array:
        """max(0, 1 - x)."""
        return np.maximum(0.0, 1.0 - x)

    def prox(self, u: Array, V: Array) -> Array:
        """Median of u + V, 1 and u."""
        return np.maximum(u, np.minimum(u + V, 1.0))

    def dprox(self, u: Array, V: Array) -> Array:
        """0 between the kinks, 1 outside."""
        return np.where((u > 1.0 - V) & (u < 1.0), 0.0, 1.0)

    def force(self, u: Array, V: Array) -> Array:
        """(1 - u) / V, clipped to [0, 1]."""
        return np.asarray(np.clip((1.0 - u) / V, 0.0, 1.0))

    def stiffness(self, u: Array, V: Array) -> Array:
        """1 / V between the kinks, 0 outside."""
        return np.asarray(np.where((u > 1.0 - V) & (u < 1.0), 1.0 / V, 0.0))

    def kinks(self, V: Array) -> tuple[Array, ...]:
        """1 - V and 1."""
        return (1.0 - V, np.ones_like(V))

    def linear_force(self, V: Array) -> LinearForce:
        """1 below 1 - V, then (1 - u) / V, then 0 above 1."""
        slope, zero, one = 1.0 / V, 0.0 * V, 1.0 + 0.0 * V
        return LinearForce((1.0 - V, one), (one, slope, zero), (zero, -slope, zero))


@dataclass(frozen=True)
class MinNorm:
    r"""The constraint that every margin equals one: the smallest-norm interpolator, ridge at lam -> 0+.

    ``prox_V(u) = 1``. lam only sets a scale: V, with lam = 1, is the limit of lam V.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> rf.MinNorm().value(np.array([1.0, 0.9])).tolist()
    [0.0, inf]
    """

    @property
    def slope_at_zero(self) -> float:
        """-inf: no margin is ever on the wrong side."""
        return -np.inf

    @property
    def constraint(self) -> None:
        """It is a constraint itself."""
        return None

    def value(self, x: Array) -> Array:
        """0 where the margin is one, infinite elsewhere."""
        return np.where(x == 1.0, 0.0, np.inf)

    def prox(self, u: Array, V: Array) -> Array:
        """1."""
        return np.ones_like(u * V)

    def dprox(self, u: Array, V: Array) -> Array:
        """0."""
        return np.zeros_like(u * V)

    def force(self, u: Array, V: Array) -> Array:
        """(1 - u) / V."""
        return np.asarray((1.0 - u) / V)

    def stiffness(self, u: Array, V: Array) -> Array:
        """1 / V."""
        return np.asarray(1.0 / V + 0.0 * u)

    def kinks(self, V: Array) -> tuple[Array, ...]:
        """None: the proximal map is constant."""
        return ()

    def linear_force(self, V: Array) -> LinearForce:
        """No knot: (1 - u) / V everywhere."""
        slope = 1.0 / V
        return LinearForce((), (slope,), (-slope,))


@dataclass(frozen=True)
class MaxMargin:
    r"""The constraint that every margin is at least one: the hard-margin SVM, hinge at lam -> 0+.

    ``prox_V(u) = max(u, 1)``. lam only sets a scale: V, with lam = 1, is the limit of lam V.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> rf.MaxMargin().prox(np.array([0.3, 1.7]), V=1.0).tolist()
    [1.0, 1.7]
    """

    @property
    def slope_at_zero(self) -> float:
        """-inf: no margin is ever on the wrong side."""
        return -np.inf

    @property
    def constraint(self) -> None:
        """It is a constraint itself."""
        return None

    def value(self, x: Array) -> Array:
        """0 where the margin is at least one, infinite elsewhere."""
        return np.where(x >= 1.0, 0.0, np.inf)

    def prox(self, u: Array, V: Array) -> Array:
        """max(u, 1)."""
        return np.maximum(u, 1.0) + 0.0 * V

    def dprox(self, u: Array, V: Array) -> Array:
        """1 above one, 0 below."""
        return np.where(u > 1.0, 1.0, 0.0) + 0.0 * V

    def force(self, u: Array, V: Array) -> Array:
        """(1 - u) / V below one, 0 above."""
        return np.asarray(np.maximum(1.0 - u, 0.0) / V)

    def stiffness(self, u: Array, V: Array) -> Array:
        """1 / V below one, 0 above."""
        return np.asarray(np.where(u < 1.0, 1.0 / V, 0.0))

    def kinks(self, V: Array) -> tuple[Array, ...]:
        """u = 1."""
        return (np.ones_like(V),)

    def linear_force(self, V: Array) -> LinearForce:
        """(1 - u) / V below 1, then 0."""
        slope, zero = 1.0 / V, 0.0 * V
        return LinearForce((1.0 + zero,), (slope, zero), (-slope, zero))


@dataclass(frozen=True)
class SquaredHinge:
    r"""Squared hinge loss l(x) = max(0, 1 - x)^2 / 2; the support vector machine with quadratic slack.

    ``prox_V(u)`` is (u + V) / (1 + V) below 1 and u above.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> rf.SquaredHinge().prox(np.array([0.0, 2.0]), V=1.0).tolist()
    [0.5, 2.0]
    """

    @property
    def slope_at_zero(self) -> float:
        """l'(0) = -1."""
        return -1.0

    @property
    def constraint(self) -> Loss:
        """Every margin at least one."""
        return MaxMargin()

    def value(self, x: Array) -> Array:
        """max(0, 1 - x)^2 / 2."""
        return np.asarray(0.5 * np.maximum(0.0, 1.0 - x) ** 2)

    def prox(self, u: Array, V: Array) -> Array:
        """(u + V) / (1 + V) below 1, u above."""
        return np.where(u < 1.0, (u + V) / (1.0 + V), u)

    def dprox(self, u: Array, V: Array) -> Array:
        """1 / (1 + V) below 1, 1 above."""
        return np.where(u < 1.0, 1.0 / (1.0 + V), 1.0)

    def force(self, u: Array, V: Array) -> Array:
        """(1 - u) / (1 + V) below one, 0 above."""
        return np.asarray(np.maximum(1.0 - u, 0.0) / (1.0 + V))

    def stiffness(self, u: Array, V: Array) -> Array:
        """1 / (1 + V) below one, 0 above."""
        return np.where(u < 1.0, 1.0 / (1.0 + V), 0.0)

    def kinks(self, V: Array) -> tuple[Array, ...]:
        """u = 1."""
        return (np.ones_like(V),)

    def linear_force(self, V: Array) -> LinearForce:
        """(1 - u) / (1 + V) below 1, then 0."""
        slope, zero = 1.0 / (1.0 + V), 0.0 * V
        return LinearForce((1.0 + zero,), (slope, zero), (-slope, zero))


@dataclass(frozen=True)
class Logistic:
    r"""Logistic loss l(x) = log(1 + exp(-x)); with L2 regularisation, logistic regression.

    ``prox_V(u)`` is the root p of p = u + V sigma(-p), sigma the logistic function; force g = sigma(-p).

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> u, V = np.array([-1e8, 0.0, 1e8]), np.array([1.0, 2.0, 1e8])
    >>> p = rf.Logistic().prox(u, V)
    >>> bool(np.all(np.abs(p - u - V / (1 + np.exp(p.clip(-700, 700)))) < 1e-6))
    True
    """

    @property
    def slope_at_zero(self) -> float:
        """l'(0) = -1/2."""
        return -0.5

    @property
    def constraint(self) -> Loss:
        """Every margin at least one: at lam -> 0+ the norm diverges, its direction is that of the hard-margin SVM."""
        return MaxMargin()

    def value(self, x: Array) -> Array:
        """log(1 + exp(-x))."""
        return np.asarray(np.logaddexp(0.0, -x))

    def prox(self, u: Array, V: Array) -> Array:
        """Root p of p - u = V sigma(-p), to machine precision by a safeguarded Newton iteration."""
        u, V = np.broadcast_arrays(np.asarray(u, dtype=np.float64), np.asarray(V, dtype=np.float64))
        # The root lies between u and u + V; h(p) = p - u - V sigma(-p) increases, so that a bracket can be kept.
        low, high = u.copy(), u + V
        # For a large V the root is near -log(-1 - u / V) in the middle; a start there saves most of the iterations.
        share = np.clip(-u / V, 1e-300, 1.0 - 1e-16)
        p = np.clip(np.where((u < 0) & (u > -V), np.log(1.0 / share - 1.0), 0.5 * (low + high)), low, high)
        for _ in range(_PROX_STEPS):
            below = expit(-p)
            h = p - u - V * below
            low, high = np.where(h < 0, p, low), np.where(h > 0, p, high)
            new = p - h / (1.0 + V * below * (1.0 - below))
            new = np.where((new > low) & (new < high), new, 0.5 * (low + high))
            done = np.abs(new - p) <= 4e-16 * np.maximum(np.abs(p), 1e-300)
            p = new
            if done.all():
                break
        return np.asarray(p)

    def dprox(self, u: Array, V: Array) -> Array:
        """1 / (1 + V w), w = sigma(p) sigma(-p)."""
        return np.asarray(1.0 / (1.0 + V * _bend(self.prox(u, V))))

    def force(self, u: Array, V: Array) -> Array:
        """sigma(-p)."""
        return np.asarray(expit(-self.prox(u, V)))

    def stiffness(self, u: Array, V: Array) -> Array:
        """w / (1 + V w)."""
        w = _bend(self.prox(u, V))
        return np.asarray(w / (1.0 + V * w))

    def kinks(self, V: Array) -> tuple[Array, ...]:
        """None, but the margins u at which p passes multiples of 3: between them the prox is as smooth as exp."""
        return tuple(p - V * expit(-p) for p in _PROX_LEVELS)

    def linear_force(self, V: Array) -> None:
        """The force is smooth."""
        return

    def derivatives(self, x: Array) -> tuple[Array, Array, Array]:
        """-sigma(-x), w = sigma(x) sigma(-x) and w (1 - 2 sigma(x))."""
        above, below = expit(x), expit(-x)
        w = above * below
        return -below, w, w * (below - above)

    @property
    def levels(self) -> tuple[float, ...]:
        """Every third unit, to where exp(-x) is below rounding."""
        return _PROX_LEVELS


#: A bracketed Newton step at least halves the bracket; the start makes 10 typical and 60 a bound for |u|, V <= 1e8.
_PROX_STEPS = 100
#: Values of the prox at which the panels of an integral over margins end.
_PROX_LEVELS = tuple(np.arange(-12.0, 40.0, 3.0))


def _bend(p: Array) -> Array:
    """Return sigma(p) sigma(-p), the second derivative of the logistic loss."""
    return np.asarray(expit(p) * expit(-p))
