"""Limits with closed forms."""

from __future__ import annotations

import numpy as np

from . import validation
from .features import FeatureMap
from .overlaps import Array


def optimal_ridge(eps: float | Array, features: FeatureMap) -> float | Array:
    r"""Ridge at which the square loss generalizes best; it does not depend on alpha.

    ``lam_opt = mu1^2 [pi / (2 (1 - eps)^2) - 1] - mu_star^2``, with mu1 = 1 and mu_star = 0 for `Linear`.

    Parameters
    ----------
    eps : float or array, in [0, 1)
        Share of facts. At eps = 1 there is no rule to generalize and no optimum.
    features : Linear or Kernel

    Returns
    -------
    float or array
        The ridge. A negative value means that lam -> 0+ is the best of all lam >= 0.

    Raises
    ------
    ValueError
        If eps is outside its range.

    References
    ----------
    arXiv:2603.25579, kernel ridge regression.

    Examples
    --------
    >>> import raflib as rf
    >>> round(rf.optimal_ridge(0.0, rf.Linear()), 6)
    0.570796
    >>> rf.optimal_ridge(0.0, rf.Kernel.from_angle(1.0)) < 0
    True
    """
    share = validation.number("eps", eps, 0, 1, open_high=True)
    mu1, mu_star = features.strengths
    share, mu1, mu_star = validation.broadcast(eps=share, mu1=mu1, mu_star=mu_star)
    ridge = mu1**2 * (np.pi / (2.0 * (1.0 - share) ** 2) - 1.0) - mu_star**2
    return float(ridge) if ridge.ndim == 0 else np.asarray(ridge)
