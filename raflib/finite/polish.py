"""The exact minimiser of a hinge loss, from the support vectors that an optimiser found.

Once it is known which samples are support vectors, the rest is linear equations.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ..losses import Hinge, Loss
from ..overlaps import Array
from .certificate import ACCURACY, distance
from .designs import Design

Mask = NDArray[np.bool_]

#: From a good choice one or two steps do; from a bad one, more do not help.
_STEPS = 8


def polish(design: Design, y: Array, loss: Loss, lam: float, active: Mask, beyond: Mask) -> tuple[Array, float]:
    r"""Return the weights for the support vectors at and near those given, and the bound on their distance.

    The minimiser is :math:`a = \frac1\lambda\sum_\mu y_\mu\beta_\mu\varphi_\mu`. Of the hinge loss,
    :math:`\beta = 1` within the margin, 0 beyond it, and between the two where the margin is one; of the squared hinge,
    :math:`\beta = 1 - x` for every margin x below one. So each choice of support vectors is a set of linear equations.
    Where the solution contradicts the choice, the choice is changed: the primal-dual active set method, which ends
    after a few steps if it starts near.

    Parameters
    ----------
    design : Design
        The features.
    y : array, shape (n,)
        Labels.
    loss : Hinge or SquaredHinge
        The loss.
    lam : float, in (0, inf)
        Ridge.
    active : array of bool, shape (n,)
        Support vectors whose beta is to be found.
    beyond : array of bool, shape (n,)
        Support vectors of beta = 1.

    Returns
    -------
    weights : array, shape (k,)
        The best that were met.
    bound : float, in [0, inf]
        As of `raflib.finite.certificate.distance`.

    References
    ----------
    Hintermüller, Ito and Kunisch, SIAM J. Optim. 13 (2003) 865.

    Examples
    --------
    >>> import numpy as np
    >>> from raflib.finite.designs import FeatureDesign
    >>> design, y = FeatureDesign(np.array([[2.0], [-2.0], [0.1]])), np.array([1.0, -1.0, 1.0])
    >>> at, within = np.array([True, False, False]), np.array([False, False, False])
    >>> weights, bound = polish(design, y, Hinge(), 1.0, at, within)          # the third sample is within, in fact
    >>> weights.round(9).tolist(), bound < 1e-5
    ([0.5], True)
    """
    slack, most = (0.0, 1.0) if isinstance(loss, Hinge) else (1.0, np.inf)
    step = lam / (design.mean_square + slack * lam)
    best = (np.zeros(0), np.inf)
    for _ in range(_STEPS):
        beta = np.where(beyond, 1.0, 0.0)
        rows = np.flatnonzero(active)
        pull = y * design.fields(design.from_dual(y * beta / lam))
        solve = _between(design, y, lam, slack, rows)
        beta[rows] = solve(1.0 - pull[rows])
        inside = np.clip(beta, 0.0, most)
        weights = design.from_dual(y * inside / lam)
        if np.array_equal(inside, beta):
            # At a small lam the pulls of the samples all but cancel, so beta's last digit is seen in the margins.
            rest = np.zeros(design.n)
            rest[rows] = solve((1.0 - y * design.fields(weights) - slack * beta)[rows])
            weights = weights + design.from_dual(y * rest / lam)
        del solve  # its factor may be as large as the kernel matrix
        apart = distance(design, y, loss, lam, weights, inside)
        if apart < best[1]:
            best = (weights, apart)
        if apart <= ACCURACY:
            break
        margins = y * design.fields(design.from_dual(y * beta / lam))
        wanted = beta - step * (margins + slack * beta - 1.0)
        active, beyond = (wanted > 0.0) & (wanted < most), wanted >= most
    return best


def _between(design: Design, y: Array, lam: float, slack: float, rows: NDArray[np.intp]) -> Callable[[Array], Array]:
    """Return what solves (y K y / lam + slack) beta = b of these samples; nearly, if more than the features."""
    for jitter in (0.0, 1e-13):
        K = design.gram(rows)
        K *= y[rows, None]
        K *= y[rows] / lam
        K.flat[:: rows.size + 1] += slack + jitter * float(K.diagonal().sum())
        try:
            factor = linalg.cho_factor(K.T, lower=True, overwrite_a=True, check_finite=False)
        except linalg.LinAlgError:
            continue
        return lambda b: np.asarray(linalg.cho_solve(factor, b, check_finite=False))
    return np.zeros_like
