"""Learners: a loss, a feature map and a ridge."""

from __future__ import annotations

from dataclasses import dataclass

from . import validation
from .features import FeatureMap
from .losses import Loss
from .overlaps import Array


@dataclass(frozen=True)
class Learner:
    r"""Minimiser of sum_mu loss(y_mu omega_mu) + (lam / 2) ||a||^2 over the weights a of the features.

    Parameters
    ----------
    loss : Square, Hinge, MinNorm, MaxMargin or any class with the methods of `raflib.losses.Loss`
    features : Linear, Kernel or any class with the methods of `raflib.features.FeatureMap`
    lam : float or array, in [0, inf)
        Ridge. 0 means the limit lam -> 0+; where the training constraints can be met the Solution's V is then the
        limit of lam V, and its conjugates those of hat / lam.

    Raises
    ------
    ValueError
        If lam is outside its range.

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
    """The learner that knows the label law and averages over the posterior: no learner generalizes better.

    Its student is the posterior mean; m = q by Nishimori's identity. `raflib.gibbs_error` is the error of a single
    sample of the posterior. Rigour: the replica formula is proved for this class of models (Barbier et al.,
    PNAS 116 (2019) 5451).

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.BayesOptimal())
    >>> round(sol.q, 9), round(rf.generalization_error(sol), 9)
    (0.429234519, 0.272601239)
    """
