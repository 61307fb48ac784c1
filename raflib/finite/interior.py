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

import numpy as np
from scipy import linalg

from ..overlaps import Array
from .designs import Design, FeatureDesign, KernelDesign

#: Steps; ten to thirty are usual.
_STEPS = 100
#: The duality gap, as a part of the dual's value and of lam ||a||^2, and the largest violation of a margin, at the end:
#: support vectors are told from the others, and weights are near the minimiser by themselves.
_GAP, _NEAR, _VIOLATION = 1e-9, 1e-8, 1e-6
#: A step ends at this part of the way to the boundary.
_INSIDE = 0.995
#: Margins of weights of norm one, in units of the features' norm, below which a sample is given up as not separable.
_SEPARABLE = 1e-6

Solver = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class DualPoint:
    r"""A point near the minimum of the dual.

    Parameters
    ----------
    beta : array, shape (n,)
        Dual variables.
    excess : array, shape (n,)
        Margins minus one, plus c beta: positive where beta is zero, negative where beta is at its bound.
    """

    beta: Array
    excess: Array


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
    system = _System(design, y, lam, slack)
    boxed = bool(np.isfinite(most))
    beta = np.full(design.n, 0.5 if boxed else min(1.0, lam / (design.mean_square + slack * lam)))
    room = most - beta if boxed else np.ones(design.n)  # kept apart: the difference would lose its digits
    above = np.maximum(system.times(beta) - 1.0, 0.0) + 1.0  # multipliers of beta >= 0 and of beta <= u
    below = above - system.times(beta) + 1.0 if boxed else np.zeros(design.n)
    for _ in range(_STEPS):
        pull = system.times(beta)
        violation = pull - 1.0 - above + below
        gap = float(beta @ above + room @ below)
        value = float(beta.sum())
        norm = float(beta @ pull) - slack * float(beta @ beta)  # lam ||a||^2
        if gap <= min(_GAP * value, _NEAR * norm) and float(np.abs(violation).max()) <= _VIOLATION:
            break
        if not boxed and slack == 0.0 and lam * norm <= (_SEPARABLE * value) ** 2 * design.mean_square:
            break  # no weights of moderate norm keep the margins, see `largest_margin`
        solve = system.factor(above / beta + below / room)
        if solve is None:
            break
        step = _Step(beta, room, above, below, violation, solve, boxed)
        move = step.towards(-beta * above, -room * below)
        length = step.longest(*move)
        predicted = float((beta + length * move[0]) @ (above + length * move[1]))
        predicted += float((room - length * move[0]) @ (below + length * move[2]))
        barrier = gap / ((1 + boxed) * design.n) * (predicted / gap) ** 3
        move = step.towards(barrier - beta * above - move[0] * move[1], barrier - room * below + move[0] * move[2])
        length = min(1.0, _INSIDE * step.longest(*move))
        beta, above = beta + length * move[0], above + length * move[1]
        if boxed:
            room, below = room - length * move[0], below + length * move[2]
    return DualPoint(beta, above - below)


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


class _System:
    """The matrix of the quadratic programme, with a diagonal that changes."""

    def __init__(self, design: Design, y: Array, lam: float, slack: float) -> None:
        self.y, self.lam, self.diagonal = y, lam, slack
        self.few: Array | None = None
        if isinstance(design, FeatureDesign) and design.shared.shape[1] < design.n:
            self.few = y[:, None] * design.shared
            self.diagonal += design.private**2 / lam
        else:
            self.gram = design.K if isinstance(design, KernelDesign) else design.gram(np.arange(design.n))

    def times(self, x: Array) -> Array:
        """Matrix times a vector."""
        product = self.few @ (self.few.T @ x) if self.few is not None else self.y * (self.gram @ (self.y * x))
        return np.asarray(product / self.lam + self.diagonal * x)

    def factor(self, more: Array) -> Solver | None:
        """Return what solves the equations with this added to the diagonal; None where rounding forbids it."""
        total = self.diagonal + more
        try:
            return self._by_features(self.few, total) if self.few is not None else self._by_samples(total)
        except linalg.LinAlgError:
            return None

    def _by_features(self, Z: Array, total: Array) -> Solver:
        scaled = Z / np.sqrt(total)[:, None]
        inner = linalg.blas.dsyrk(1.0, scaled.T, lower=1)
        inner.flat[:: len(inner) + 1] += self.lam
        factor = linalg.cho_factor(inner, lower=True, overwrite_a=True, check_finite=False)

        def solve(b: Array) -> Array:
            """Woodbury's identity."""
            shared = linalg.cho_solve(factor, Z.T @ (b / total), check_finite=False)
            return np.asarray((b - Z @ shared) / total)

        return solve

    def _by_samples(self, total: Array) -> Solver:
        K = self.gram / self.lam
        K.flat[:: len(K) + 1] += total
        factor = linalg.cho_factor(K.T, lower=True, overwrite_a=True, check_finite=False)
        return lambda b: np.asarray(self.y * linalg.cho_solve(factor, self.y * b, check_finite=False))


@dataclass(frozen=True, eq=False)
class _Step:
    """Newton's equations at one point: moves of beta and of both multipliers."""

    beta: Array
    room: Array
    above: Array
    below: Array
    violation: Array
    solve: Solver
    boxed: bool

    def towards(self, above: Array, below: Array) -> tuple[Array, Array, Array]:
        """Move that changes beta * above and room * below by these amounts, to first order."""
        rest = -self.violation + above / self.beta
        if self.boxed:
            rest -= below / self.room
        move = self.solve(rest)
        lifted = (above - self.above * move) / self.beta
        return move, lifted, (below + self.below * move) / self.room if self.boxed else np.zeros_like(move)

    def longest(self, move: Array, above: Array, below: Array) -> float:
        """Part of the move, at most one, that reaches the boundary."""
        pairs = [(self.beta, move), (self.above, above)]
        if self.boxed:
            pairs += [(self.room, -move), (self.below, below)]
        parts = [float(np.min(-value[down] / change[down])) for value, change in pairs if (down := change < 0.0).any()]
        return min([1.0, *parts])
