"""Learners: a loss, a feature map and a ridge."""

from __future__ import annotations

from dataclasses import dataclass

from . import validation
from .features import FeatureMap
from .losses import Loss
from .overlaps import Array


@dataclass(frozen=True)
class Learner:
    r"""A loss, a feature map and a ridge: the minimiser of the training objective.

    .. math::

        \min_a\ \sum_\mu \ell(y_\mu\,\omega_\mu) + \frac\lambda2\,\lVert a\rVert^2, \\
        \omega_\mu = \frac{a\cdot\varphi(x_\mu)}{\sqrt p},

    a sum over samples, not a mean, and no intercept.

    Parameters
    ----------
    loss : Square, Hinge, SquaredHinge, Logistic, MinNorm, MaxMargin or `raflib.losses.Loss`
        An instance, such as rf.Hinge().
    features : Linear, Kernel, RandomFeatures or `raflib.features.FeatureMap`
        An instance, such as rf.Linear().
    lam : float or array, in [0, inf)
        Ridge. 0 means the limit lam -> 0+; where the training constraints can be met the Solution's V is then the
        limit of lam V, and its conjugates those of hat / lam.

    Raises
    ------
    ValueError
        If lam is outside its range, or if a loss or a feature map is none (a class instead of an instance, say).

    References
    ----------
    arXiv:2603.25579, the model section. Chapter "The model, its two errors, and its limits".

    Examples
    --------
    >>> import raflib as rf
    >>> rf.Learner(rf.Hinge(), rf.Linear(), lam=0.1)
    Learner(loss=Hinge(), features=Linear(), lam=0.1)
    """

    loss: Loss
    features: FeatureMap
    lam: float | Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "lam", validation.number("lam", self.lam, 0))
        for name, value, needed in (("loss", self.loss, "prox"), ("features", self.features, "overlaps")):
            if isinstance(value, type) or not hasattr(value, needed):
                raise ValueError(
                    f"{name} = {value!r} has no method {needed}; pass an instance such as rf.Hinge(), rf.Linear()"
                )


@dataclass(frozen=True)
class BayesOptimal:
    r"""The learner that knows the label law and averages over the posterior: no learner generalizes better.

    Its student is the posterior mean; :math:`m = q` by Nishimori's identity, and one equation is left, in
    :math:`r = \hat q = q/(1-q)`:

    .. math::

        r = \frac{2\alpha(1-\varepsilon)^2(1+r)}{(2\pi)^{3/2}\sqrt r}
        \int \frac{e^{-t^2/(2r) - t^2}}{\varepsilon/2 + (1-\varepsilon)\Phi(t)}\,dt .

    `raflib.gibbs_error` is the error of a single sample of the posterior.

    Notes
    -----
    Rigour: the replica formula is proved for this class of models.

    References
    ----------
    Barbier, Krzakala, Macris, Miolane and Zdeborová, PNAS 116 (2019) 5451.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.BayesOptimal())
    >>> round(sol.q, 9), round(rf.generalization_error(sol), 9)
    (0.429234519, 0.272601239)
    """
