"""Observables: pure functions of a Solution, of its shape (floats when it is scalar)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from .bayes import bayes_potential
from .channel import mean_loss, mean_moreau, mean_pull
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


class TrainingErrors(NamedTuple):
    """Share of wrong labels among the rules and among the facts of the training set."""

    rules: float | Array
    facts: float | Array


def training_errors(solution: Solution) -> TrainingErrors:
    r"""Training error of the rules and of the facts.

    On facts ``Phi(h)``, h = V l'(0) / sqrt(q): the `memorization_error`. On rules ``Phi(h) - 2 T(h, k)`` with Owen's T
    and k = m / sqrt(s): a rule's field leans to the right side before it is learned. The `training_error` is their mean
    with weights eps and 1 - eps.

    Parameters
    ----------
    solution : Solution

    Returns
    -------
    TrainingErrors
        ``rules`` and ``facts``, each in [0, 1/2]. At eps = 0 or 1 the missing kind is one of vanishing share.

    Raises
    ------
    ValueError
        If the learner is Bayes-optimal: it minimises no loss.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Hinge(), rf.Linear(), lam=0.1))
    >>> on = rf.training_errors(sol)
    >>> round(on.rules, 4), round(on.facts, 4), abs(0.7 * on.rules + 0.3 * on.facts - rf.training_error(sol)) < 1e-12
    (0.0415, 0.1472, True)
    """
    h, k = np.asarray(_forgotten_below(solution, "training_errors")), np.asarray(solution.m) / np.sqrt(solution.s)
    on_rules = np.maximum(truncated_moments(h, k, np.zeros_like(h)).i0, 0.0)
    return TrainingErrors(_like(solution, on_rules), _like(solution, ndtr(h)))


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
    _minimiser(solution, "training_loss")

    def loss_or_none(loss: Loss, overlaps: Overlaps, eps: Array) -> Array:
        return mean_loss(loss, overlaps, eps) if loss.constraint else np.zeros_like(eps)

    return _like(solution, _mean(solution, loss_or_none, _eps(solution)))


class WeightNorm(NamedTuple):
    """Squared weight norm per input dimension, and what the training set's rules and facts contribute to it."""

    total: float | Array
    rules: float | Array
    facts: float | Array


def weight_norm(solution: Solution) -> WeightNorm:
    r"""Squared norm ||a||^2 / d of the trained weights, split into the part that rules and the part that facts hold up.

    At the minimum ``lam a = sum_mu g_mu y_mu phi(x_mu) / sqrt(p)`` with the forces g = -l'(training margin), so that

    ``||a||^2 / d = (alpha / lam) { (1 - eps) E[g prox | rule] + eps E[g prox | fact] }``:

    each sample contributes its force times its training margin. A sample that is hard to fit weighs more than its
    share. For `Linear` the sum is q.

    Parameters
    ----------
    solution : Solution

    Returns
    -------
    WeightNorm
        ``total = rules + facts``. A part is negative where its samples are mostly on the wrong side.

    Raises
    ------
    ValueError
        If the learner is Bayes-optimal (it minimises no loss), or if lam = 0 and the constraints cannot be met: the
        formula is 0 / 0 there; take a small lam.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Hinge(), rf.Linear(), lam=0.1))
    >>> norm = rf.weight_norm(sol)
    >>> abs(norm.total - sol.q) < 1e-8, round(norm.facts / norm.total, 3)     # 30 % of the samples
    (True, 0.222)
    """
    learner = _minimiser(solution, "weight_norm")
    shape = np.shape(solution.m)
    lam = np.broadcast_to(learner.lam, shape)
    if np.any((lam == 0.0) & ~np.asarray(solution.constrained)):
        raise ValueError(
            "lam = 0 above the interpolation threshold: the norm's split is 0 / 0 there; take a small lam > 0"
        )
    eps, alpha = _eps(solution), np.broadcast_to(solution.task.alpha, shape)
    scale = alpha / np.where(lam == 0.0, 1.0, lam)
    rules, facts = (
        scale * share * _mean(solution, mean_pull, kind)
        for share, kind in ((1.0 - eps, np.zeros(shape)), (eps, np.ones(shape)))
    )
    return WeightNorm(*(_like(solution, x) for x in (rules + facts, rules, facts)))


def degrees_of_freedom(solution: Solution) -> float | Array:
    r"""Effective degrees of freedom per input dimension: how many of the samples' margins the learner really sets.

    ``(1/d) sum_mu [1 - d prox_V / du] = alpha E[P (1 - prox'_V(u))] = V V_hat`` (times kappa for random features).

    For ridge it is the trace of K (K + lam)^{-1} over d, for the hinge the number of support vectors at margin one over
    d, under hard constraints that of the active constraints.

    Parameters
    ----------
    solution : Solution

    Returns
    -------
    float or array, in [0, alpha]
        At most 1 for `Linear`, kappa for `RandomFeatures`.

    Raises
    ------
    ValueError
        If the learner is Bayes-optimal: it minimises no loss.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=0.5, eps=0.3), rf.Learner(rf.MinNorm(), rf.Linear(), lam=1))
    >>> round(rf.degrees_of_freedom(sol), 9)          # every sample is fitted exactly
    0.5
    """
    learner = _minimiser(solution, "degrees_of_freedom")
    return _like(solution, np.asarray(learner.features.per_input * solution.V * solution.V_hat))


def free_energy(solution: Solution) -> float | Array:
    r"""Minimum of the training objective per input dimension: replica-symmetric potential at its saddle point.

    ``lim (1/d) min_a [ sum_mu l(y_mu omega_mu) + (lam / 2) ||a||^2 ]``; under hard constraints lam ``||a||^2 / (2 d)``
    (without lam where lam = 0). Of the Bayes-optimal learner, ``-lim (1/d) log P(labels | inputs)``: the entropy of
    the labels, in [0, alpha log 2].

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
    task, learner, shape = solution.task, solution.learner, np.shape(solution.m)
    if isinstance(learner, BayesOptimal):
        at = (np.broadcast_to(x, shape).ravel() for x in (task.alpha, task.eps, solution.q_hat))
        return _like(solution, bayes_potential(*at).reshape(shape))
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


def _mean(solution: Solution, mean: Callable[[Loss, Overlaps, Array], Array], share: Array) -> Array:
    """Return a mean over training margins with this share of facts, under the loss or the constraint at work."""
    learner = _minimiser(solution, "a mean over training margins")
    shape = np.shape(solution.m)
    m, s, V, kind, constrained = (
        np.broadcast_to(x, shape).ravel() for x in (solution.m, solution.s, solution.V, share, solution.constrained)
    )
    value = np.full(m.shape, np.nan)
    for loss, mask in ((learner.loss, ~constrained), (learner.loss.constraint or learner.loss, constrained)):
        known = mask & np.isfinite(m)
        value[known] = mean(loss, Overlaps(m[known], s[known], V[known]), kind[known])
    return value.reshape(shape)


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
