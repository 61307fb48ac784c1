r"""How far trained weights are from the minimiser, at most: by the duality gap.

The objective is :math:`P(a) = \sum_\mu\ell(x_\mu) + \frac\lambda2\lVert a\rVert^2` with margins
:math:`x_\mu = y_\mu\,\varphi_\mu\cdot a`. Every :math:`\beta` in the domain of the conjugate loss gives a lower bound,

.. math::

    D(\beta) = -\sum_\mu\ell^*(-\beta_\mu) - \frac1{2\lambda}\Big\lVert\sum_\mu y_\mu\beta_\mu\varphi_\mu\Big\rVert^2
    \le \min P,

and as P is strongly convex, the minimiser is within :math:`\sqrt{2(P-D)/\lambda}` of a. The difference is written as a
sum of terms of which none is negative (Fenchel and Young), so that none is lost beside large ones:

.. math::

    P(a) - D(\beta) = \sum_\mu\big[\ell(x_\mu) + \ell^*(-\beta_\mu) + \beta_\mu x_\mu\big]
    + \frac\lambda2\Big\lVert a - \frac1\lambda\sum_\mu y_\mu\beta_\mu\varphi_\mu\Big\rVert^2.

Nothing is asked of the optimiser that found a, or of the :math:`\beta`: a poor one gives a poor bound, never a wrong
one.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, kl_div

from ..losses import Hinge, Logistic, Loss, SquaredHinge
from ..overlaps import Array
from .designs import Design

#: Largest relative distance of accepted weights from the minimiser: a direction to 3e-4, an angle over pi to 1e-4.
ACCURACY = 3e-4
#: Largest part of a hard margin that may be missing.
LARGEST_SHORTFALL = 1e-3
#: A sum of forces that cancel is off by about this, in units of what it would be if they did not.
_ROUNDING = 1e-12


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
        The bound. Weights within it point at most its arcsine away from the minimiser's. Of weights that vanish
        (`vanishes`) it is relative to the rounding of the forces.

    Examples
    --------
    >>> import numpy as np
    >>> from raflib.finite.designs import FeatureDesign
    >>> design, y = FeatureDesign(np.array([[2.0], [-2.0]])), np.array([1.0, -1.0])
    >>> distance(design, y, Hinge(), 1.0, np.array([0.5]), np.array([0.125, 0.125]))          # the minimiser
    0.0
    """
    pull = lam * weights  # of the size of the forces, so no square underflows at a large ridge
    squared = max(float(design.squared_norm(pull)), _smallest(design))
    missing = float(_missing(loss, y * design.fields(weights), dual).sum())
    apart = float(design.squared_norm(pull - design.from_dual(y * dual)))
    return float(np.sqrt((2.0 * lam * max(missing, 0.0) + max(apart, 0.0)) / squared))


def vanishes(design: Design, lam: float, weights: Array) -> bool:
    """Whether weights are zero but for rounding: where the forces of the samples cancel, as in XOR.

    Examples
    --------
    >>> import numpy as np
    >>> from raflib.finite.designs import FeatureDesign
    >>> vanishes(FeatureDesign(np.array([[1.0], [1.0]])), 0.1, np.array([1e-16]))
    True
    """
    return float(design.squared_norm(lam * weights)) <= _smallest(design)


def _smallest(design: Design) -> float:
    """Return the square of the length below which lam a counts as rounding of a sum of forces of order one."""
    return _ROUNDING**2 * design.n * design.mean_square


def _missing(loss: Loss, margins: Array, dual: Array) -> Array:
    """Return l(x) + l*(-beta) + beta x of each sample."""
    short = np.maximum(1.0 - margins, 0.0)
    over = np.maximum(margins - 1.0, 0.0)
    if isinstance(loss, Hinge):
        return np.asarray((1.0 - dual) * short + dual * over)
    if isinstance(loss, SquaredHinge):
        return np.asarray(0.5 * (short - dual) ** 2 + dual * over)
    if isinstance(loss, Logistic):
        return np.asarray(kl_div(dual, expit(-margins)) + kl_div(1.0 - dual, expit(margins)))
    raise TypeError(f"loss = {loss!r} has no certificate here")
