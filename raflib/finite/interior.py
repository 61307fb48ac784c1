r"""The dual of a support vector machine by an interior point, for samples on which coordinate descent is slow.

With :math:`Z_\mu = y_\mu\varphi_\mu` the dual of a hinge loss is the quadratic programme

.. math::

    \min_{0\le\beta\le u}\ \frac12\,\beta\cdot\Big(\frac{ZZ^T}\lambda + c\Big)\beta - \sum_\mu\beta_\mu,

with :math:`u = 1, c = 0` for the hinge, :math:`u = \infty, c = 1` for the squared hinge, and :math:`u = \infty, c = 0`
for the hard margin. Coordinate descent on it needs a number of sweeps that grows with the condition number: a small
ridge at a load above two takes hundreds of thousands. Newton's method on the optimality conditions, kept inside by a
barrier that shrinks (Mehrotra's predictor and corrector), takes ten to thirty steps on any sample, and a step is one
Cholesky factorisation, of the smaller of Z^T Z and Z Z^T.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import linalg

from ..overlaps import Array
from .designs import Design, FeatureDesign, KernelDesign

#: Steps; ten to thirty are usual.
_STEPS = 100
#: The duality gap, as a part of the dual's value and of lam ||a||^2, and the largest violation of a margin, at the end:
#: support vectors are told from the others, and weights are near the minimiser by themselves.
_GAP, _NEAR, _VIOLATION = 1e-9, 1e-8, 1e-6
#: A gap that shrinks by less than this factor is stuck; a step then aims at this part of it.
_PROGRESS, _CENTRE = 0.9, 0.5
#: A step ends at this part of the way to the boundary.
_INSIDE = 0.995
#: Margins of weights of norm one, in units of the features' norm, below which a sample is given up as not separable.
_SEPARABLE = 1e-6

Solver = Callable[[Array], tuple[Array, Array]]


@dataclass(frozen=True, eq=False)
class DualPoint:
    r"""A point near the minimum of the dual.

    Parameters
    ----------
    beta : array, shape (n,)
        Dual variables.
    excess : array, shape (n,)
        Margins minus one, plus c beta: positive where beta is zero, negative where beta is at its bound.
    weights : array, shape (k,)
        Weights of the learner.
    """

    beta: Array
    excess: Array
    weights: Array


def interior_point(design: Design, y: Array, lam: float, slack: float, most: float) -> DualPoint:
    """Minimise the dual of a hinge loss.

    Parameters
    ----------
    design : Design
        The features.
    y : array, shape (n,)
        Labels.
    lam : float, in (0, inf)
        Ridge.
    slack : 0 or 1
        c of the formula: 1 for the squared hinge.
    most : float, 1 or inf
        u of the formula: 1 for the hinge.

    Returns
    -------
    DualPoint
        Where the duality gap is 1e-9 of the value. Nothing is promised: the steps may have run out, and a hard margin
        that cannot be kept has no minimum. Whoever uses the point holds it against a bound
        (`raflib.finite.certificate`).

    References
    ----------
    Mehrotra, SIAM J. Optim. 2 (1992) 575; for support vector machines Ferris and Munson, SIAM J. Optim. 13 (2002) 783.

    Examples
    --------
    >>> import numpy as np
    >>> from raflib.finite.designs import FeatureDesign
    >>> design, y = FeatureDesign(np.array([[2.0], [-2.0], [0.1]])), np.array([1.0, -1.0, 1.0])
    >>> point = interior_point(design, y, 1.0, 0.0, 1.0)
    >>> beta = point.beta                        # the third is within the margin, so the weight is 0.1 + 2 (b1 + b2)
    >>> round(float(beta[0] + beta[1]), 6), round(float(beta[2]), 6), point.excess.round(6).tolist()
    (0.2, 1.0, [0.0, 0.0, -0.95])
    """
    system = _system(design, y, lam, slack)
    boxed = bool(np.isfinite(most))
    beta = np.full(design.n, 0.5 if boxed else min(1.0, lam / (design.mean_square + slack * lam)))
    a = system.start(beta)
    room = most - beta if boxed else np.ones(design.n)  # kept apart: the difference would lose its digits
    excess = system.margins(a, beta) - 1.0
    above = np.maximum(excess, 0.0) + 1.0  # multipliers of beta >= 0 and of beta <= u
    below = above - excess if boxed else np.zeros(design.n)
    inseparable = _SEPARABLE * np.sqrt(design.mean_square)
    last = np.inf
    for _ in range(_STEPS):
        margins = system.margins(a, beta)
        violation = margins - 1.0 - above + below
        gap = float(beta @ above + room @ below)
        value = float(beta.sum())
        norm = float(beta @ margins) - slack * float(beta @ beta)  # lam ||a||^2
        if gap <= min(_GAP * value, _NEAR * norm) and float(np.abs(violation).max()) <= _VIOLATION:
            break
        if not boxed and slack == 0.0 and np.sqrt(lam * max(norm, 0.0)) <= inseparable * value:
            break  # no weights of moderate norm keep the margins: `largest_margin`
        solve = system.newton(a, beta, above / beta + below / room)
        if solve is None:
            break
        step = _Step(beta, room, above, below, violation, solve, boxed)
        move = step.towards(-beta * above, -room * below)
        length = step.longest(move)
        predicted = float((beta + length * move.beta) @ (above + length * move.above))
        predicted += float((room - length * move.beta) @ (below + length * move.below))
        centre = (predicted / gap) ** 3
        # The second-order term can lead round in a circle. A step towards the centre without it leads out.
        second = gap < _PROGRESS * last or float(np.abs(violation).max()) > _VIOLATION
        barrier = gap / ((1 + boxed) * design.n) * (centre if second else max(centre, _CENTRE))
        last = gap
        move = step.towards(
            barrier - beta * above - second * move.beta * move.above,
            barrier - room * below + second * move.beta * move.below,
        )
        length = min(1.0, _INSIDE * step.longest(move))
        beta, above, a = beta + length * move.beta, above + length * move.above, a + length * move.a
        if boxed:
            room, below = room - length * move.beta, below + length * move.below
    return DualPoint(beta, above - below, system.weights(a, beta))


def largest_margin(design: Design, y: Array, beta: Array) -> float:
    r"""Return a bound on the least margin of any weights of norm one, from any dual variables.

    .. math::

        \min_\mu Z_\mu\cdot a \le \frac{\beta\cdot Z a}{\sum_\mu\beta_\mu}
        \le \frac{\lVert Z^T\beta\rVert}{\sum_\mu\beta_\mu}

    Parameters
    ----------
    design : Design
        The features.
    y : array, shape (n,)
        Labels.
    beta : array, shape (n,)
        Not negative, not all zero.

    Returns
    -------
    float, in [0, inf)
        The bound. Weights that keep all margins at one have at least the inverse norm.

    Examples
    --------
    >>> import numpy as np
    >>> from raflib.finite.designs import FeatureDesign
    >>> largest_margin(FeatureDesign(np.array([[2.0], [2.0]])), np.array([1.0, -1.0]), np.array([3.0, 3.0]))
    0.0
    """
    shares = beta / beta.sum()
    return float(np.sqrt(max(float(design.squared_norm(design.from_dual(y * shares))), 0.0)))


class _Move(NamedTuple):
    """Changes of beta, of its two multipliers, and of the weights."""

    beta: Array
    above: Array
    below: Array
    a: Array


class _ByFeatures:
    """Newton's equations by the weights of fewer features than samples.

    The weights are iterated beside beta, not computed from it: at a small ridge the samples' pulls all but cancel, and
    the rest would be lost in their rounding.
    """

    def __init__(self, design: FeatureDesign, y: Array, lam: float, slack: float) -> None:
        self.Z, self.y, self.lam, self.private = y[:, None] * design.shared, y, lam, design.private
        self.diagonal = slack + design.private**2 / lam

    def weights(self, a: Array, beta: Array) -> Array:
        """Weights of the learner, private directions included."""
        return np.concatenate([a, self.private * self.y * beta / self.lam]) if self.private else a

    def start(self, beta: Array) -> Array:
        """Weights of beta."""
        return np.asarray(self.Z.T @ beta / self.lam)

    def margins(self, a: Array, beta: Array) -> Array:
        """Margins, plus c beta."""
        return np.asarray(self.Z @ a + self.diagonal * beta)

    def newton(self, a: Array, beta: Array, more: Array) -> Solver | None:
        """Return what solves for the changes of beta and weights; None where rounding forbids it."""
        total = self.diagonal + more
        scaled = self.Z / np.sqrt(total)[:, None]
        inner = linalg.blas.dsyrk(1.0, scaled.T, lower=1)
        inner.flat[:: len(inner) + 1] += self.lam
        try:
            factor = linalg.cho_factor(inner, lower=True, overwrite_a=True, check_finite=False)
        except linalg.LinAlgError:
            return None
        lag = self.Z.T @ beta - self.lam * a

        def solve(b: Array) -> tuple[Array, Array]:
            weights = linalg.cho_solve(factor, lag + self.Z.T @ (b / total), check_finite=False)
            return np.asarray((b - self.Z @ weights) / total), weights

        return solve


class _BySamples:
    """The same by the kernel matrix; the weights are not iterated."""

    def __init__(self, design: Design, y: Array, lam: float, slack: float) -> None:
        self.K = design.K if isinstance(design, KernelDesign) else design.gram(np.arange(design.n))
        self.design, self.y, self.lam, self.diagonal = design, y, lam, slack

    def weights(self, a: Array, beta: Array) -> Array:
        """Weights of the learner."""
        return self.design.from_dual(self.y * beta / self.lam)

    def start(self, beta: Array) -> Array:
        """No weights."""
        return np.zeros(0)

    def margins(self, a: Array, beta: Array) -> Array:
        """Margins, plus c beta."""
        return np.asarray(self.y * (self.K @ (self.y * beta)) / self.lam + self.diagonal * beta)

    def newton(self, a: Array, beta: Array, more: Array) -> Solver | None:
        """Return what solves for the change of beta; None where rounding forbids it."""
        shifted = self.K / self.lam
        shifted.flat[:: len(shifted) + 1] += self.diagonal + more
        try:
            factor = linalg.cho_factor(shifted.T, lower=True, overwrite_a=True, check_finite=False)
        except linalg.LinAlgError:
            return None
        return lambda b: (self.y * linalg.cho_solve(factor, self.y * b, check_finite=False), np.zeros(0))


def _system(design: Design, y: Array, lam: float, slack: float) -> _ByFeatures | _BySamples:
    if isinstance(design, FeatureDesign) and design.shared.shape[1] < design.n:
        return _ByFeatures(design, y, lam, slack)
    return _BySamples(design, y, lam, slack)


@dataclass(frozen=True, eq=False)
class _Step:
    """Newton's equations at one point."""

    beta: Array
    room: Array
    above: Array
    below: Array
    violation: Array
    solve: Solver
    boxed: bool

    def towards(self, above: Array, below: Array) -> _Move:
        """Move that changes beta * above and room * below by these amounts, to first order."""
        rest = -self.violation + above / self.beta
        if self.boxed:
            rest -= below / self.room
        move, weights = self.solve(rest)
        lifted = (above - self.above * move) / self.beta
        sunk = (below + self.below * move) / self.room if self.boxed else np.zeros_like(move)
        return _Move(move, lifted, sunk, weights)

    def longest(self, move: _Move) -> float:
        """Part of the move, at most one, that reaches the boundary."""
        pairs = [(self.beta, move.beta), (self.above, move.above)]
        if self.boxed:
            pairs += [(self.room, -move.beta), (self.below, move.below)]
        parts = [float(np.min(-value[down] / change[down])) for value, change in pairs if (down := change < 0.0).any()]
        return min([1.0, *parts])
