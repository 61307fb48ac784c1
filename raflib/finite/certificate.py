r"""How far trained weights are from the minimiser, at most: by the duality gap.

The objective is :math:`P(a) = \sum_\mu\ell(x_\mu) + \frac\lambda2\lVert a\rVert^2` with margins
:math:`x_\mu = y_\mu\,\varphi_\mu\cdot a`. Every :math:`\beta` in the domain of the conjugate loss gives a lower bound,

.. math::

    D(\beta) = -\sum_\mu\ell^*(-\beta_\mu) - \frac1{2\lambda}\Big\lVert\sum_\mu y_\mu\beta_\mu\varphi_\mu\Big\rVert^2
    \le \min P,

and as P is strongly convex, the minimiser is within :math:`\sqrt{2(P-D)/\lambda}` of a. Nothing is asked of the
optimiser that found a, or of the :math:`\beta`: a poor one gives a poor bound, never a wrong one.
"""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from ..losses import Hinge, Logistic, Loss, SquaredHinge
from ..overlaps import Array
from .designs import Design

#: Largest relative distance of accepted weights from the minimiser: a direction to 3e-4, an angle over pi to 1e-4.
ACCURACY = 3e-4


def distance(design: Design, y: Array, loss: Loss, lam: float, weights: Array, dual: Array) -> float:
    r"""Return a bound on the relative distance of weights from the minimiser.

    .. math::

        \frac{\lVert a - a_{\min}\rVert}{\lVert a\rVert} \le \sqrt{\frac{2\,(P-D)}{\lambda\lVert a\rVert^2}}

    Parameters
    ----------
    design : Design
        The features.
    y : array, shape (n,)
        Labels.
    loss : Hinge, SquaredHinge or Logistic
        The loss.
    lam : float, in (0, inf)
        Ridge.
    weights : array, shape (k,)
        Trained weights a.
    dual : array, shape (n,)
        Any beta in the domain: [0, 1] for the hinge and logistic losses, [0, inf) for the squared hinge.

    Returns
    -------
    float, in [0, inf]
        The bound. Weights within it point at most its arcsine away from the minimiser's.

    Examples
    --------
    >>> import numpy as np
    >>> from raflib.finite.designs import FeatureDesign
    >>> design, y = FeatureDesign(np.array([[2.0], [-2.0]])), np.array([1.0, -1.0])
    >>> distance(design, y, Hinge(), 1.0, np.array([0.5]), np.array([0.125, 0.125]))          # the minimiser
    0.0
    """
    squared = float(design.squared_norm(weights))
    if squared == 0.0:
        return np.inf
    value = float(loss.value(y * design.fields(weights)).sum()) + 0.5 * lam * squared
    pull = float(design.squared_norm(design.from_dual(y * dual / lam)))
    bound = float(_gains(loss, dual).sum()) - 0.5 * lam * pull
    return float(np.sqrt(2.0 * max(value - bound, 0.0) / (lam * squared)))


def _gains(loss: Loss, dual: Array) -> Array:
    """Return -l*(-beta) of each sample."""
    if isinstance(loss, Hinge):
        return dual
    if isinstance(loss, SquaredHinge):
        return np.asarray(dual - 0.5 * dual**2)
    if isinstance(loss, Logistic):
        return np.asarray(-xlogy(dual, dual) - xlogy(1.0 - dual, 1.0 - dual))
    raise TypeError(f"loss = {loss!r} has no certificate here")
