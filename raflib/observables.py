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

    .. math::

        E_\text{gen} = \frac1\pi\operatorname{arctan2}\big(\sqrt s,\, m\big) = \frac1\pi\arccos\frac m{\sqrt q},

    the angle between student and teacher over pi.

    Parameters
    ----------
    solution : Solution
        Of any learner.

    Returns
    -------
    float or array, in [0, 1/2]
        0.5 is chance. Accurate relative to its size, however small it is.

    References
    ----------
    Chapter "The model, its two errors, and its limits" proves it; Watkin, Rau and Biehl, Rev. Mod. Phys. 65 (1993) 499.

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
    r"""Probability that one sample of the posterior differs from the rule on a new input.

    .. math::

        E_\text{Gibbs} = \frac1\pi\arccos q

    Parameters
    ----------
    solution : Solution
        Of `BayesOptimal`.

    Returns
    -------
    float or array, in [0, 1/2]
        At most twice the Bayes-optimal `generalization_error`.

    Raises
    ------
    ValueError
        If the solution is not that of the Bayes-optimal learner.

    References
    ----------
    Seung, Sompolinsky and Tishby, Phys. Rev. A 45 (1992) 6056.

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

    .. math::

        E_\text{mem} = \Phi\Big(\frac{V\,\ell'(0)}{\sqrt q}\Big)

    A fact's label is independent of its test margin :math:`u \sim \mathcal N(0, q)`, its training margin is
    :math:`\operatorname{prox}_V(u)`, and the proximal map is increasing and zero at :math:`V\ell'(0)`. Zero under hard
    constraints.

    Parameters
    ----------
    solution : Solution
        Of a `Learner`, which minimises a loss.

    Returns
    -------
    float or array, in [0, 1/2]
        0.5 is chance. At eps = 0 there are no facts; the value is the limit eps -> 0+.

    Raises
    ------
    ValueError
        If the learner is Bayes-optimal: it minimises no loss.

    References
    ----------
    arXiv:2603.25579, memorization error. Chapter "The model, its two errors, and its limits" derives it.

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

    .. math::

        E_\text{train} &= \Phi(h) - 2(1-\varepsilon)\,T(h, k), \\
        h &= \frac{V\ell'(0)}{\sqrt q}, \qquad k = \frac m{\sqrt s},

    with Owen's function T.

    Parameters
    ----------
    solution : Solution
        Of a `Learner`, which minimises a loss.

    Returns
    -------
    float or array, in [0, 1/2]
        0 under hard constraints.

    Raises
    ------
    ValueError
        If the learner is Bayes-optimal: it minimises no loss.

    References
    ----------
    Owen, Ann. Math. Statist. 27 (1956) 1075. Chapter "The linear trade-off", truncated moments.

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
    """Share of wrong labels among the rules and among the facts of the training set.

    Attributes
    ----------
    rules : float or array, in [0, 1/2]
        Of the samples that follow the rule.
    facts : float or array, in [0, 1/2]
        Of the facts: the `memorization_error`.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.MaxMargin(), rf.Linear(), lam=1))
    >>> rf.training_errors(sol)
    TrainingErrors(rules=0.0, facts=0.0)
    """

    rules: float | Array
    facts: float | Array


def training_errors(solution: Solution) -> TrainingErrors:
    r"""Training error of the rules and of the facts.

    .. math::

        E_\text{rules} &= \Phi(h) - 2\,T(h, k), \\
        E_\text{facts} &= \Phi(h), \\
        h &= \frac{V\ell'(0)}{\sqrt q}, \qquad k = \frac m{\sqrt s},

    with Owen's function T: a rule's field leans to the right side before it is learned. The `training_error` is their
    mean with weights 1 - eps and eps.

    Parameters
    ----------
    solution : Solution
        Of a `Learner`, which minimises a loss.

    Returns
    -------
    TrainingErrors
        ``rules`` and ``facts``. At eps = 0 or 1 the missing kind's value is that of a vanishing share.

    Raises
    ------
    ValueError
        If the learner is Bayes-optimal: it minimises no loss.

    References
    ----------
    Owen, Ann. Math. Statist. 27 (1956) 1075. Chapter "The linear trade-off", truncated moments.

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
    r"""Mean loss per training sample, without the ridge term.

    .. math::

        \mathbb E\big[\ell(\operatorname{prox}_V(u))\big], \qquad u = \sqrt q\,x,

    x of density :math:`\phi(x)\,[\varepsilon + 2(1-\varepsilon)\Phi(kx)]`, :math:`k = m/\sqrt s`.

    Parameters
    ----------
    solution : Solution
        Of a `Learner`, which minimises a loss.

    Returns
    -------
    float or array, in [0, inf)
        0 where the learner meets every constraint. By quadrature, relative accuracy about 1e-12.

    Raises
    ------
    ValueError
        If the learner is Bayes-optimal: it minimises no loss.

    References
    ----------
    Chapter "The model, its two errors, and its limits", the value of the free energy.

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
    """Squared weight norm per input dimension, and what rules and facts contribute to it.

    Attributes
    ----------
    total : float or array, in [0, inf)
        The norm, in weights squared.
    rules : float or array, in (-inf, inf)
        What the rules hold up; negative where they are mostly on the wrong side.
    facts : float or array, in (-inf, inf)
        What the facts hold up.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=0.5, eps=1.0), rf.Learner(rf.MinNorm(), rf.Linear(), lam=1))
    >>> norm = rf.weight_norm(sol)
    >>> norm.rules, abs(norm.facts - norm.total) < 1e-12                                # there is no rule
    (0.0, True)
    """

    total: float | Array
    rules: float | Array
    facts: float | Array


def weight_norm(solution: Solution) -> WeightNorm:
    r"""Squared norm of the trained weights, split into what the rules and what the facts hold up.

    At the minimum :math:`\lambda a = \sum_\mu g_\mu\,y_\mu\,\varphi(x_\mu)/\sqrt p` with the forces
    :math:`g_\mu = -\ell'(y_\mu\omega_\mu)`, so that

    .. math::

        \frac{\lVert a\rVert^2}d = \frac\alpha\lambda\big\{
        & (1-\varepsilon)\,\mathbb E[g\operatorname{prox}_V \mid \text{rule}] \\
        & + \varepsilon\,\mathbb E[g\operatorname{prox}_V \mid \text{fact}]\big\} :

    each sample contributes its force times its training margin. A sample that is hard to fit weighs more than its
    share. For `Linear` the sum is q.

    Parameters
    ----------
    solution : Solution
        Of a `Learner`, which minimises a loss.

    Returns
    -------
    WeightNorm
        ``total`` = ``rules`` + ``facts``, in weights squared.

    Raises
    ------
    ValueError
        If the learner is Bayes-optimal (it minimises no loss), or if lam = 0 and the constraints cannot be met: the
        formula is 0 / 0 there; take a small lam.

    References
    ----------
    Chapter "The linear trade-off", any convex loss: stationarity of the training objective.

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

    .. math::

        & \frac1d\sum_\mu\big[1 - \operatorname{prox}_V'(u_\mu)\big] \\
        &= \alpha\,\mathbb E\big[1 - \operatorname{prox}_V'(u)\big] = V\hat V

    (times kappa for random features). For ridge it is the trace of :math:`K(K+\lambda)^{-1}` over d, for the hinge the
    number of support vectors at margin one over d, under hard constraints that of the active constraints.

    Parameters
    ----------
    solution : Solution
        Of a `Learner`, which minimises a loss.

    Returns
    -------
    float or array, in [0, alpha]
        At most 1 for `Linear`, kappa for `RandomFeatures`.

    Raises
    ------
    ValueError
        If the learner is Bayes-optimal: it minimises no loss.

    References
    ----------
    Chapter "The linear trade-off", the share of the weights that the data determine.

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

    .. math::

        f = \lim_{d\to\infty}\frac1d\,\min_a\Big[\sum_\mu \ell(y_\mu\omega_\mu) + \frac\lambda2\lVert a\rVert^2\Big];

    under hard constraints :math:`\lambda\lVert a\rVert^2/(2d)` (without lam where lam = 0). Of the Bayes-optimal
    learner

    .. math::

        f = -\lim_{d\to\infty}\frac1d\log P(\text{labels} \mid \text{inputs}),

    the entropy of the labels, in [0, alpha log 2].

    Parameters
    ----------
    solution : Solution
        Of any learner.

    Returns
    -------
    float or array, in [0, inf)
        Of the solution's shape, to about 1e-12 relative.

    References
    ----------
    Chapter "The model, its two errors, and its limits", one function, stationary.

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
    r"""Replica-symmetric potential per input dimension of six independent variables.

    .. math::

        f ={}& \alpha\,\mathbb E[\mathcal M_V(u)] + m\hat m \\
        &+ \tfrac12(V\hat q - q\hat V) - \Psi(\hat m, \hat q, \hat V)

    with the Moreau envelope :math:`\mathcal M_V(u) = \min_x \ell(x) + (x-u)^2/(2V)` of the loss and the potential
    :math:`\Psi` of the feature map. It is stationary at the saddle point: its derivatives by the overlaps give the
    channel, those by the conjugates give the feature map's equations. For random features it is kappa times the same
    expression with alpha / kappa in the place of alpha.

    Parameters
    ----------
    alpha : array, shape (n,), in (0, inf)
        Samples per input dimension.
    eps : array, shape (n,), in [0, 1]
        Share of facts.
    loss : `raflib.losses.Loss`
        The loss, or the hard constraint.
    features : `raflib.features.FeatureMap`
        With parameters of shape (n,) or scalars.
    lam : array, shape (n,), in (0, inf)
        Ridge.
    overlaps : Overlaps
        Arrays of shape (n,).
    hats : Conjugates
        Arrays of shape (n,).

    Returns
    -------
    array, shape (n,)
        The potential; at the saddle point the `raflib.free_energy`.

    References
    ----------
    arXiv:2603.25579. Chapter "The model, its two errors, and its limits", one function, stationary.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> from raflib.observables import potential
    >>> task, learner = rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Hinge(), rf.Linear(), lam=0.1)
    >>> sol = rf.solve(task, learner)
    >>> at = [np.array([x]) for x in (sol.m, sol.s, sol.V, sol.m_hat, sol.q_hat, sol.V_hat)]
    >>> f = potential(np.array([2.0]), np.array([0.3]), learner.loss, learner.features, np.array([0.1]),
    ...               rf.Overlaps(*at[:3]), rf.Conjugates(*at[3:]))
    >>> bool(abs(f[0] - rf.free_energy(sol)) < 1e-12)
    True
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
    slope = _minimiser(solution, observable).loss.slope_at_zero
    soft = ~np.asarray(solution.constrained)
    reach = np.asarray(solution.V) / np.sqrt(solution.q)
    # Under constraints no margin is negative; nan (a point that did not converge) stays nan.
    return np.where(soft, np.where(soft, slope, 0.0) * reach, np.where(np.isnan(reach), np.nan, -np.inf))


def _eps(solution: Solution) -> Array:
    return np.broadcast_to(solution.task.eps, np.shape(solution.m))


def _like(solution: Solution, value: float | Array) -> float | Array:
    """Return a float for a scalar Solution, an array for a batch."""
    return float(value) if np.ndim(solution.m) == 0 else np.asarray(value)
