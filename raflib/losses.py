"""Margin losses. A loss is one class; nothing else needs to change to add one.

A loss l(x) of the margin x = y omega enters the theory through the proximal map

    prox_V(u) = argmin_x  l(x) + (x - u)^2 / (2 V)

and the force g(u) = (prox_V(u) - u) / V = -l'(prox_V(u)). A loss that is piecewise quadratic has a force that is
piecewise linear in u, whose Gaussian moments have closed forms (`raflib.channel`); any other convex loss says its
derivatives (`SmoothLoss`) and is integrated by quadrature. CONTRIBUTING goes through adding one step by step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import expit

from .overlaps import Array


class LinearForce(NamedTuple):
    r"""A continuous, piecewise linear force, for arrays of one shape.

    .. math::

        g(u) &= \text{intercepts}_i + \text{slopes}_i\,u \\
        &\text{for}\quad \text{knots}_{i-1} \le u \le \text{knots}_i .

    Parameters
    ----------
    knots : tuple of arrays
        Where the slope changes, in ascending order, in the unit of the margin; n of them.
    intercepts : tuple of arrays
        Value that each of the n + 1 pieces would have at u = 0.
    slopes : tuple of arrays
        Slope of each of the n + 1 pieces.

    References
    ----------
    Chapter "The linear trade-off", the averages are truncated Gaussian moments.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> line = rf.MaxMargin().linear_force(np.array([0.5]))      # (1 - u) / V below 1, nothing above
    >>> [float(x[0]) for x in line.knots], [float(x[0]) for x in line.slopes]
    ([1.0], [-2.0, 0.0])
    """

    knots: tuple[Array, ...]
    intercepts: tuple[Array, ...]
    slopes: tuple[Array, ...]


class Loss(Protocol):
    r"""What the solver asks of a loss: a convex function of the margin, through its proximal map.

    .. math::

        \operatorname{prox}_V(u) &= \operatorname*{argmin}_x\ \ell(x) + \frac{(x-u)^2}{2V}, \\
        g(u) &= \frac{\operatorname{prox}_V(u)-u}{V} = -\ell'\big(\operatorname{prox}_V(u)\big).

    A protocol: a class with these members is a loss, whatever it inherits from. In all methods u (a margin, any real
    number) and V in (0, inf) are arrays that broadcast, and the result has their common shape.

    Notes
    -----
    `raflib.simulate` trains the losses it has an optimiser for; the theory takes any class of this form.

    References
    ----------
    Chapter "The model, its two errors, and its limits", the cavity argument.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> loss: rf.losses.Loss = rf.Square()
    >>> u, V = np.array([-1.0, 3.0]), np.array([0.5, 0.5])
    >>> bool(np.allclose(loss.prox(u, V), u + V * loss.force(u, V)))
    True
    """

    @property
    def slope_at_zero(self) -> float:
        r"""Slope :math:`\ell'(0)`, -inf for a constraint: a fact with a test margin below :math:`V\ell'(0)` is lost."""

    @property
    def constraint(self) -> Loss | None:
        """The hard constraint that lam -> 0+ imposes while it can be met; None if the loss is one itself."""

    def value(self, x: Array) -> Array:
        r"""Loss :math:`\ell(x)` at margin x; 0 or inf for a constraint."""

    def prox(self, u: Array, V: Array) -> Array:
        """Proximal map, the training margin of a sample whose test margin is u."""

    def dprox(self, u: Array, V: Array) -> Array:
        """Derivative of the proximal map by u, in [0, 1]."""

    def force(self, u: Array, V: Array) -> Array:
        """Force g(u), written so that nothing cancels at small V."""

    def stiffness(self, u: Array, V: Array) -> Array:
        r"""Minus the slope of the force, :math:`(1-\operatorname{prox}_V'(u))/V`, without cancellation at small V."""

    def kinks(self, V: Array) -> tuple[Array, ...]:
        """Values of u at which the proximal map is not smooth, in ascending order."""

    def linear_force(self, V: Array) -> LinearForce | None:
        """The force as a piecewise linear function of u, or None if it is a smooth one (see `SmoothLoss`)."""


class SmoothLoss(Loss, Protocol):
    r"""What the solver asks besides of a loss whose force is not piecewise linear.

    Its ``linear_force`` returns None, and the channel integrates over the prox x, in
    terms of which all is explicit:

    .. math::

        u &= x + V\ell'(x), \\
        g(u) &= -\ell'(x), \\
        -g'(u) &= \frac{\ell''(x)}{1 + V\ell''(x)} .

    References
    ----------
    Chapter "The model, its two errors, and its limits", the force of a sample.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> first, second, third = rf.Logistic().derivatives(np.array([0.0]))
    >>> first.tolist(), second.tolist(), third.tolist()
    ([-0.5], [0.25], [0.0])
    """

    def derivatives(self, x: Array) -> tuple[Array, Array, Array]:
        r""":math:`\ell'(x)`, :math:`\ell''(x)` and :math:`\ell'''(x)`."""

    @property
    def levels(self) -> tuple[float, ...]:
        """Margins x, ascending, between which the loss is smooth enough for one panel of 24 Gauss-Legendre nodes."""


@dataclass(frozen=True)
class Square:
    r"""Square loss; with L2 regularisation, ridge regression on the labels.

    .. math::

        \ell(x) &= \tfrac12 (1-x)^2, \\
        \operatorname{prox}_V(u) &= \frac{u+V}{1+V}, \qquad g(u) = \frac{1-u}{1+V} .

    As lam -> 0+ it becomes `MinNorm` while every margin can be one.

    References
    ----------
    Chapter "The linear trade-off", ridge regression solved in full; Krogh and Hertz, J. Phys. A 25 (1992) 1135.

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
    r"""Hinge loss; with L2 regularisation, the support vector machine without intercept.

    .. math::

        \ell(x) &= \max(0, 1-x), \\
        \operatorname{prox}_V(u) &= \operatorname{median}(u,\ u+V,\ 1), \\
        g(u) &= \tfrac1V \min\big(V, \max(0, 1-u)\big).

    A sample is lifted by at most V, never beyond margin one. As lam -> 0+ it becomes `MaxMargin` while every margin can
    be at least one.

    References
    ----------
    Cortes and Vapnik, Machine Learning 20 (1995) 273. Chapter "The linear trade-off", the hinge loss.

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

    .. math::

        \ell(x) &= \begin{cases} 0 & x = 1 \\ \infty & x \ne 1, \end{cases} \\
        \operatorname{prox}_V(u) &= 1, \qquad g(u) = \frac{1-u}{V} .

    lam only sets a scale: V, with lam = 1, is the limit of lam V.

    References
    ----------
    Chapter "The linear trade-off", the two ends of the dial; Hastie, Montanari, Rosset and Tibshirani, Ann. Statist. 50
    (2022) 949.

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

    .. math::

        \ell(x) &= \begin{cases} 0 & x \ge 1 \\ \infty & x < 1, \end{cases} \\
        \operatorname{prox}_V(u) &= \max(u, 1), \\
        g(u) &= \tfrac1V \max(0, 1-u).

    lam only sets a scale: V, with lam = 1, is the limit of lam V.

    References
    ----------
    Chapter "The linear trade-off", the hard-margin machine; Gardner, J. Phys. A 21 (1988) 257.

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
    r"""Squared hinge loss; the support vector machine with quadratic slack.

    .. math::

        \ell(x) &= \tfrac12 \max(0, 1-x)^2, \\
        \operatorname{prox}_V(u) &= \begin{cases} \frac{u+V}{1+V} & u < 1 \\ u & u \ge 1, \end{cases} \\
        g(u) &= \tfrac1{1+V} \max(0, 1-u).

    As lam -> 0+ it becomes `MaxMargin` while every margin can be at least one.

    References
    ----------
    arXiv:2603.25579, replica-symmetric equations of a convex loss.

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
    r"""Logistic loss; with L2 regularisation, logistic regression.

    .. math::

        \ell(x) &= \log(1 + e^{-x}), \\
        p &= \operatorname{prox}_V(u) = u + V\sigma(-p), \\
        g(u) &= \sigma(-p),

    with the logistic function :math:`\sigma`. The root p is found to machine precision for u and V of size up to 1e8.
    As lam -> 0+ the norm of the weights diverges while every label can be met; their direction is then that of
    `MaxMargin`.

    References
    ----------
    Aubin, Krzakala, Lu and Zdeborová, NeurIPS 33 (2020); Sur and Candès, PNAS 116 (2019) 14516.

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
        root = np.array(np.clip(_prox_start(u, V), u, u + V))  # an array of a scalar too: it is written into below
        # The root lies between u and u + V; h(p) = p - u - V sigma(-p) increases, so that a bracket can be kept.
        p, u, V, left = root.ravel(), u.ravel(), V.ravel(), np.arange(root.size)
        low, high = u, u + V
        for _ in range(_PROX_STEPS):
            below = expit(-p)
            pull = V * below
            h = p - u - pull
            low, high = np.where(h < 0, p, low), np.where(h > 0, p, high)
            new = p - h / (1.0 + pull * (1.0 - below))
            new = np.where((new >= low) & (new <= high), new, 0.5 * (low + high))
            # Where h, or the step, is rounding, this step was the last.
            go = (np.abs(h) > 6e-16 * (np.abs(p) + np.abs(u) + pull)) & (np.abs(new - p) > 4e-16 * np.abs(p))
            root.flat[left] = new
            if not go.any():
                break
            p, u, V, low, high = new[go], u[go], V[go], low[go], high[go]
            left = left[go]
        return np.asarray(root)

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
        """Every third unit, to where exp(-|x|) is below rounding even beside V."""
        return _PROX_LEVELS


#: The start makes 4 to 7 Newton steps typical. A step out of the bracket halves it: 60 is a bound for |u|, V <= 1e8.
_PROX_STEPS = 60
#: Values of the prox at which the panels of an integral over margins end; over the prox itself, every other one.
_PROX_LEVELS = tuple(np.arange(-39.0, 40.0, 3.0))


def _prox_start(u: Array, V: Array) -> Array:
    """Return p near the root of p = u + V sigma(-p): to some per cent of its distance from u and u + V.

    Where p > 0, sigma(-p) is about exp(-p) and p = u + W(V exp(-u)) with Lambert's W, here by a formula of its kind;
    where u is far below zero p is small beside u, and sigma(-p) = -u / V; below -V the force is one.
    """
    growth = np.log1p(V * np.exp(-np.clip(u, _FAR_BELOW, 700.0)))
    positive = u + growth * (1.0 - np.log1p(growth) / (2.0 + growth))
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.log((u + V) / -u)
    return np.where(u > _FAR_BELOW, positive, np.where(u > -V, middle, u + V))


#: Where the two starts meet.
_FAR_BELOW = -4.0


def _bend(p: Array) -> Array:
    """Return sigma(p) sigma(-p), the second derivative of the logistic loss."""
    return np.asarray(expit(p) * expit(-p))
