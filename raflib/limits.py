"""Best ridges and the loads at which lam -> 0+ stops meeting every constraint."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from . import validation
from .features import FeatureMap, Kernel, Linear
from .learner import Learner
from .observables import generalization_error
from .overlaps import Array
from .solve import THRESHOLD_WIDTH, Solution, solve
from .task import RulesAndFacts

_GRID = np.geomspace(1e-8, 1e4, 37)
_FINE = np.exp(np.concatenate([-np.geomspace(1e-3, 1.6, 12)[::-1], [0.0], np.geomspace(1e-3, 1.6, 12)]))
_GOLDEN = 0.5 * (np.sqrt(5.0) - 1.0)
_NARROWINGS = 32  # of a bracket of two grid steps: 1.5 log units * 0.618^32 = 3e-7


def optimal_ridge(eps: float | Array, features: FeatureMap) -> float | Array:
    r"""Ridge at which the square loss generalizes best; it does not depend on alpha.

    .. math::

        \lambda_\text{opt} = \mu_1^2\Big[\frac{\pi}{2(1-\varepsilon)^2} - 1\Big] - \mu_\star^2,

    with :math:`\mu_1 = 1` and :math:`\mu_\star = 0` for `Linear`.

    Parameters
    ----------
    eps : float or array, in [0, 1)
        Share of facts. At eps = 1 there is no rule to generalize and no optimum.
    features : Linear or Kernel
        Their strengths may be arrays that broadcast with eps.

    Returns
    -------
    float or array, in (-inf, inf)
        The ridge. A negative value means that lam -> 0+ is the best of all lam >= 0.

    Raises
    ------
    ValueError
        If eps is outside its range, if the shapes do not broadcast, or for features without the formula.

    References
    ----------
    arXiv:2603.25579, kernel ridge regression. Chapter "The linear trade-off", the best ridge.

    Examples
    --------
    >>> import raflib as rf
    >>> round(rf.optimal_ridge(0.0, rf.Linear()), 6)
    0.570796
    >>> rf.optimal_ridge(0.0, rf.Kernel.from_angle(1.0)) < 0
    True
    """
    share = validation.number("eps", eps, 0, 1, open_high=True)
    if not isinstance(features, Linear | Kernel):
        raise ValueError(f"features = {features!r} have no such formula; use best_lam")
    mu1, mu_star = features.strengths
    share, mu1, mu_star = validation.broadcast(eps=share, mu1=mu1, mu_star=mu_star)
    ridge = mu1**2 * (np.pi / (2.0 * (1.0 - share) ** 2) - 1.0) - mu_star**2
    return float(ridge) if ridge.ndim == 0 else np.asarray(ridge)


def interpolation_threshold(learner: Learner, eps: float | Array) -> float | Array:
    r"""Load up to which the learner at lam -> 0+ meets every training constraint.

    Square loss, as many equations as unknowns: 1 for `Linear`, kappa for `RandomFeatures`. Hinge, squared hinge,
    logistic and max-margin, separability: `capacity` for `Linear`, and for random features

    .. math::

        \alpha_c &= 2\kappa\tau, \qquad a = \frac{2(1-\varepsilon)}\pi, \\
        1 &= \tau\Big[\varepsilon + a\arctan\frac1{aJ\tau}\Big],

    with the share :math:`J = \kappa\,\big\langle \mu_1^2 x/(\mu_1^2 x + \mu_\star^2) \big\rangle` of the teacher's
    direction that the features see, a mean over the Marchenko-Pastur law. Infinite for a `Kernel` with mu_star > 0.

    Parameters
    ----------
    learner : Learner
        Its lam is ignored; the feature map's parameters may be arrays.
    eps : float or array, in [0, 1]
        Share of facts.

    Returns
    -------
    float or array, in (0, inf]
        Samples per input dimension, of the broadcast shape. At the threshold itself ridgeless ridge has no finite
        solution.

    Raises
    ------
    ValueError
        If eps is outside its range, if the shapes do not broadcast, or if the learner is not a `Learner`.

    References
    ----------
    Gardner, J. Phys. A 21 (1988) 257; Gerace, Loureiro, Krzakala, Mézard and Zdeborová, ICML 2020, random features.

    Examples
    --------
    >>> import raflib as rf
    >>> rf.interpolation_threshold(rf.Learner(rf.Square(), rf.RandomFeatures(0.8, 0.6, kappa=3.0), lam=0), eps=0.3)
    3.0
    >>> round(rf.interpolation_threshold(rf.Learner(rf.Hinge(), rf.Linear(), lam=0), eps=0.3), 4)
    2.6147
    """
    if not isinstance(learner, Learner):
        raise ValueError(f"learner = {learner!r} has no interpolation threshold; pass a Learner")
    features = learner.features
    arrays = validation.broadcast(eps=validation.number("eps", eps, 0, 1), **features.parameters)
    share, parameters = arrays[0], dict(zip(features.parameters, arrays[1:], strict=True))
    constraint = learner.loss.constraint or learner.loss
    threshold = np.asarray(features.at(parameters).constraint_capacity(constraint, share))
    return float(threshold) if threshold.ndim == 0 else threshold


class BestLam(NamedTuple):
    """The best ridge, the error there, and whether it is the limit lam -> 0+.

    Attributes
    ----------
    lam : float or array, in {0} and [1e-8, 1e4]
        The ridge; 0 where the limit lam -> 0+ is best.
    error : float or array, in [0, 1/2]
        The objective there, `generalization_error` unless another was given.
    at_zero : bool or array of bool
        Whether the limit is best.

    Examples
    --------
    >>> import raflib as rf
    >>> learner = rf.Learner(rf.Square(), rf.Kernel.from_angle(1.0), lam=1.0)
    >>> best = rf.best_lam(rf.RulesAndFacts(alpha=2.0, eps=0.0), learner)
    >>> best.lam, best.at_zero
    (0.0, True)
    """

    lam: float | Array
    error: float | Array
    at_zero: bool | np.ndarray


def best_lam(
    task: RulesAndFacts,
    learner: Learner,
    objective: Callable[[Solution], float | Array] = generalization_error,
) -> BestLam:
    """Find the ridge with the smallest error, over lam = 0+ and [1e-8, 1e4].

    A grid of ridges, fine around lam = mu_star^2, and the limit lam -> 0+ brackets the minimum of every point, a
    golden-section search over batched solves narrows it. The error is assumed to have one minimum within two grid
    steps. The limit is left out at
    the interpolation threshold itself, where it has no finite solution.

    Parameters
    ----------
    task : RulesAndFacts
        May be a batch: the search runs for all points at once.
    learner : Learner
        Its lam is ignored.
    objective : function of a Solution
        What is minimised; `generalization_error` by default.

    Returns
    -------
    BestLam
        With lam to about 1e-5 relative (an error is flat at its minimum), error to about 1e-10.

    Raises
    ------
    ValueError
        If the learner has no ridge, or if the shapes do not broadcast.
    ConvergenceError
        If a point cannot be solved.

    Examples
    --------
    >>> import raflib as rf
    >>> task = rf.RulesAndFacts(alpha=2.0, eps=0.3)
    >>> best = rf.best_lam(task, rf.Learner(rf.Square(), rf.Linear(), lam=1.0))
    >>> round(best.lam, 3) == round(rf.optimal_ridge(0.3, rf.Linear()), 3), best.at_zero
    (True, False)
    """
    if not isinstance(learner, Learner):
        raise ValueError(f"learner = {learner!r} has no ridge; pass a Learner")
    parameters = {"alpha": task.alpha, "eps": task.eps, **learner.features.parameters}
    shape = validation.broadcast(**parameters)[0].shape

    def error(lam: Array) -> Array:
        sol = solve(task, Learner(learner.loss, learner.features, lam), tol=1e-11)
        return np.asarray(objective(sol))

    # Below lam = mu_star^2 the hinge meets every label and the error is flat; a valley next to that point is narrow if
    # the kernel is nearly all private. So the grid becomes finer towards it.
    strength = np.broadcast_to(np.square(np.asarray(learner.features.strengths[1])), shape)
    fine = np.clip(np.multiply.outer(_FINE, strength), _GRID[0], _GRID[-1])
    coarse = np.broadcast_to(_GRID.reshape(-1, *(1,) * len(shape)), (_GRID.size, *shape))
    grid = np.sort(np.concatenate([coarse, fine]), axis=0)
    values = error(grid)
    # At the interpolation threshold the overlaps grow without bound as lam -> 0+: no error is reached there.
    threshold = interpolation_threshold(Learner(learner.loss, learner.features, 1.0), task.eps)
    solved = np.abs(task.alpha / np.asarray(threshold) - 1.0) > 2.0 * THRESHOLD_WIDTH
    at_zero = np.where(solved, error(np.where(solved, 0.0, _GRID[0])), np.inf)
    lowest = values.argmin(axis=0)[None]
    low, high = (
        np.log(np.take_along_axis(grid, np.clip(lowest + step, 0, len(grid) - 1), axis=0)[0]) for step in (-1, 1)
    )
    for _ in range(_NARROWINGS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        both = error(np.exp(np.stack([left, right])))
        go_left = both[0] < both[1]
        low, high = np.where(go_left, low, left), np.where(go_left, right, high)
    lam = np.exp(0.5 * (low + high))
    found = error(lam)
    zero = at_zero <= found
    lam, found = np.where(zero, 0.0, lam), np.where(zero, at_zero, found)
    if shape == ():
        return BestLam(float(lam), float(found), bool(zero))
    return BestLam(lam, found, zero)
