"""Observables: pure functions of a Solution, of its shape (floats when it is scalar)."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from .channel import mean_loss, mean_moreau
from .features import FeatureMap
from .gaussian import truncated_moments
from .learner import BayesOptimal, Learner
from .losses import Loss
from .overlaps import Array, Conjugates, Overlaps
from .solve import Solution


def generalization_error(solution: Solution) -> float | Array:
    r"""Probability that the learner's sign differs from the rule on a new input.

    ``E_gen = arctan2(sqrt(s), m) / pi = arccos(m / sqrt(q)) / pi``: the angle between student and teacher over pi.

    Parameters
    ----------
    solution : Solution

    Returns
    -------
    float or array, in [0, 1/2]
        0.5 is chance. Accurate relative to its size, however small it is.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Square(), rf.Linear(), lam=0.1))
    >>> round(rf.generalization_error(sol), 6)
    0.300412
    """
    if isinstance(solution.learner, BayesOptimal):  # the same angle, which at q = 0 is pi / 2
        return _like(solution, np.arctan2(np.sqrt(solution.V), np.sqrt(solution.q)) / np.pi)
    return _like(solution, np.arctan2(np.sqrt(solution.s), solution.m) / np.pi)


def gibbs_error(solution: Solution) -> float | Array:
    r"""Probability that one sample of the posterior differs from the rule on a new input: ``arccos(q) / pi``.

    Parameters
    ----------
    solution : Solution of `BayesOptimal`

    Returns
    -------
    float or array, in [0, 1/2]
        At most twice the Bayes-optimal `generalization_error`.

    Raises
    ------
    ValueError
        If the solution is not that of the Bayes-optimal learner.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.BayesOptimal())
    >>> rf.generalization_error(sol) < rf.gibbs_error(sol)
    True
    """
    if not isinstance(solution.learner, BayesOptimal):
        raise ValueError(f"learner = {solution.learner!r}: gibbs_error is defined for BayesOptimal() only")
    q = np.asarray(solution.q)
    return _like(solution, np.arctan2(np.sqrt(solution.V * (1.0 + q)), q) / np.pi)


def memorization_error(solution: Solution) -> float | Array:
    r"""Fraction of the training set's facts whose stored label the trained learner gets wrong.

    ``E_mem = Phi(V l'(0) / sqrt(q))``. A fact's label is independent of its test field u ~ N(0, q), its training
    margin is prox_V(u), and the proximal map is increasing with prox_V(V l'(0)) = 0. Zero under hard constraints.

    Parameters
    ----------
    solution : Solution

    Returns
    -------
    float or array, in [0, 1/2]
        0.5 is chance. At eps = 0 there are no facts; the value is the limit eps -> 0+.

    References
    ----------
    arXiv:2603.25579, memorization error.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Hinge(), rf.Linear(), lam=0.1))
    >>> round(rf.memorization_error(sol), 4)
    0.1472
    """
    return _like(solution, ndtr(_forgotten_below(solution, "memorization_error")))


def training_error(solution: Solution) -> float | Array:
    r"""Fraction of all training samples, rules and facts, whose label the trained learner gets wrong.

    ``E[P(x); x < h] = Phi(h) - 2 (1 - eps) T(h, k)``, ``h = V l'(0) / sqrt(q)``, with Owen's T and k = m / sqrt(s).

    Parameters
    ----------
    solution : Solution

    Returns
    -------
    float or array, in [0, 1/2]

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Hinge(), rf.Linear(), lam=0.1))
    >>> rf.training_error(sol) < rf.memorization_error(sol)
    True
    """
    h, k = np.asarray(_forgotten_below(solution, "training_error")), np.asarray(solution.m) / np.sqrt(solution.s)
    return _like(solution, np.maximum(truncated_moments(h, k, _eps(solution))[0], 0.0))


def training_loss(solution: Solution) -> float | Array:
    r"""Mean loss per training sample, without the ridge term: ``E[P(x) l(prox_V(sqrt(q) x))]``.

    Parameters
    ----------
    solution : Solution

    Returns
    -------
    float or array, in [0, inf)
        0 where the learner meets every constraint. By quadrature, relative accuracy about 1e-12.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Square(), rf.Linear(), lam=0.1))
    >>> round(rf.training_loss(sol), 4) == round(sol.q_hat / (2 * 2.0), 4)      # l(prox) = g^2 / 2 for the square loss
    True
    """
    learner = _minimiser(solution, "training_loss")
    m, s, V, eps = (np.atleast_1d(x).ravel() for x in (solution.m, solution.s, solution.V, _eps(solution)))
    soft = ~np.atleast_1d(solution.constrained).ravel()
    loss = np.where(soft, np.nan, 0.0)
    overlaps = Overlaps(m[soft], s[soft], V[soft])
    loss[soft] = mean_loss(learner.loss, overlaps, eps[soft])
    loss = np.where(np.isfinite(m), loss, np.nan)
    return _like(solution, loss.reshape(np.shape(solution.m)))


def free_energy(solution: Solution) -> float | Array:
    r"""Minimum of the training objective per input dimension: replica-symmetric potential at its saddle point.

    ``lim (1/d) min_a [ sum_mu l(y_mu omega_mu) + (lam / 2) ||a||^2 ]``; under hard constraints ``||a||^2 / (2 d)``.

    Parameters
    ----------
    solution : Solution

    Returns
    -------
    float or array, in [0, inf)

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=0.5, eps=0.3), rf.Learner(rf.MinNorm(), rf.Linear(), lam=1))
    >>> round(rf.free_energy(sol) - sol.q / 2, 12)        # for Linear, ||a||^2 / d is q
    0.0
    """
    task, learner = solution.task, _minimiser(solution, "free_energy")
    shape = np.shape(solution.m)
    named = {"alpha": task.alpha, "eps": task.eps, "lam": learner.lam, **learner.features.parameters}
    flat = {name: np.broadcast_to(x, shape).ravel() for name, x in named.items()}
    constrained = np.broadcast_to(solution.constrained, shape).ravel()
    lam = np.where(constrained & (flat["lam"] == 0.0), 1.0, flat["lam"])
    overlaps = Overlaps(*(np.ravel(x) for x in (solution.m, solution.s, solution.V)))
    hats = Conjugates(*(np.ravel(x) for x in (solution.m_hat, solution.q_hat, solution.V_hat)))
    value = np.empty(lam.shape)
    hard = learner.loss.constraint or learner.loss
    for loss, mask in ((learner.loss, ~constrained), (hard, constrained)):
        features = learner.features.at({name: flat[name][mask] for name in learner.features.parameters})
        value[mask] = potential(
            flat["alpha"][mask],
            flat["eps"][mask],
            loss,
            features,
            lam[mask],
            Overlaps(*(x[mask] for x in overlaps)),
            Conjugates(*(x[mask] for x in hats)),
        )
    return _like(solution, value.reshape(shape))


def potential(
    alpha: Array, eps: Array, loss: Loss, features: FeatureMap, lam: Array, overlaps: Overlaps, hats: Conjugates
) -> Array:
    r"""Replica-symmetric potential per input dimension of six independent variables, for arrays of one shape (n,).

    ``alpha E[P M_V(sqrt(q) x)] + m m_hat + (V q_hat - q V_hat) / 2 - Psi(m_hat, q_hat, V_hat)``

    with the Moreau envelope M_V of the loss and Psi of the feature map. It is stationary at the saddle point: its
    derivatives by the overlaps give the channel, those by the conjugates give the feature map's equations. For
    random features it is kappa times the same expression with alpha / kappa in the place of alpha.
    """
    m_hat, q_hat, V_hat = hats
    coupling = overlaps.m * m_hat + 0.5 * (overlaps.V * q_hat - overlaps.q * V_hat)
    per_weight = coupling - features.potential(hats, lam)
    return np.asarray(alpha * mean_moreau(loss, overlaps, eps) + features.per_input * per_weight)


def _minimiser(solution: Solution, observable: str) -> Learner:
    """Return the learner of a solution, or raise ValueError if it minimises no loss."""
    if not isinstance(solution.learner, Learner):
        raise ValueError(f"learner = {solution.learner!r}: {observable} is defined for a Learner that minimises a loss")
    return solution.learner


def _forgotten_below(solution: Solution, observable: str) -> float | Array:
    """Return V l'(0) / sqrt(q): in units of the test field's width, where the training margin changes sign."""
    soft = ~np.asarray(solution.constrained)
    reach = np.asarray(solution.V) / np.sqrt(solution.q)
    slope = _minimiser(solution, observable).loss.slope_at_zero
    # Under constraints no margin is negative; nan (a point that did not converge) stays nan.
    return np.where(soft, np.where(soft, slope, 0.0) * reach, np.where(np.isnan(reach), np.nan, -np.inf))


def _eps(solution: Solution) -> Array:
    return np.broadcast_to(solution.task.eps, np.shape(solution.m))


def _like(solution: Solution, value: float | Array) -> float | Array:
    """Return a float for a scalar Solution, an array for a batch."""
    return float(value) if np.ndim(solution.m) == 0 else np.asarray(value)
