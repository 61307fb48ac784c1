"""What happens at large load: exponents of the generalization error and their constants."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr

from . import validation
from .features import Kernel, Linear
from .gaussian import REACH, SQRT_2PI, density, integrate
from .learner import BayesOptimal, Learner
from .limits import optimal_ridge
from .losses import Loss, Square
from .observables import generalization_error
from .overlaps import Array
from .solve import solve
from .task import RulesAndFacts

_RATE_STEP = 0.05  # half the decade over which a local exponent is measured, in log10(alpha)
_NO_RESPONSE = 1e-200  # a V whose reach, V times the force, is below the rounding of any margin
_SHORTEST, _LONGEST = 1e-8, 1e12  # lengths of the learner between which that at large load is looked for


class Asymptotics(NamedTuple):
    r"""A power law of the generalization error at large load.

    .. math::

        E_\text{gen} \simeq \text{prefactor}\cdot\alpha^{\text{exponent}}, \qquad \alpha \to \infty .

    Attributes
    ----------
    exponent : float, in (-inf, 0)
        -1/2 for a convex loss, -1 for the Bayes-optimal learner.
    prefactor : float, in (0, inf)
        The constant in front.

    References
    ----------
    arXiv:2603.25579, rates at large load.

    Examples
    --------
    >>> import raflib as rf
    >>> exponent, prefactor = rf.asymptotics(rf.Learner(rf.Square(), rf.Linear(), lam=1.0), eps=0.3)
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=1e6, eps=0.3), rf.Learner(rf.Square(), rf.Linear(), lam=1.0))
    >>> round(rf.generalization_error(sol) / (prefactor * 1e6**exponent), 4)
    1.0
    """

    exponent: float
    prefactor: float


def asymptotics(learner: Learner | BayesOptimal, eps: float) -> Asymptotics:
    r"""Large-load law of the generalization error, where it is known up to one root or one integral.

    A convex loss on inputs or a kernel, at any fixed lam, with facts. In the response :math:`v = \mu_\star^2/\lambda`
    that stays, the force g of the loss there, and the margin :math:`m\zeta` of a learner of length m along the teacher:

    .. math::

        E_\text{gen} &\to \frac{\sqrt{\mathbb E\,g(m\zeta)^2}}{\pi c\,g(0)}\ \alpha^{-1/2}, \\
        0 &= \mathbb E\big[\zeta\,g(m\zeta)\big], \qquad c = (1-\varepsilon)\sqrt{2/\pi},

    over :math:`\zeta` of density :math:`\phi(t)\,[\varepsilon + 2(1-\varepsilon)\mathbf 1(t>0)]`. For the square loss
    it is the same for every ridge and kernel, and holds without facts as well:

    .. math::

        E_\text{gen} \to \frac1\pi\sqrt{\frac{\pi}{2(1-\varepsilon)^2} - 1}\ \alpha^{-1/2} .

    Bayes-optimal:

    .. math::

        E_\text{gen} &\to \frac1{\pi C}\,\alpha^{-1}, \\
        C &= \frac{2(1-\varepsilon)^2}{(2\pi)^{3/2}}
        \int \frac{e^{-t^2}\,dt}{\varepsilon/2 + (1-\varepsilon)\Phi(t)} .

    Parameters
    ----------
    learner : Learner or BayesOptimal
        On `Linear` or `Kernel` features, with one ridge and one kernel, or Bayes-optimal. A constraint (`MinNorm`,
        `MaxMargin`), and any loss at lam = 0, needs a kernel with mu_star > 0 to be met at large load.
    eps : float, in [0, 1)
        Share of facts. A loss other than the square needs some: without them its exponent is another.

    Returns
    -------
    Asymptotics
        ``exponent`` and ``prefactor``, to about 1e-10.

    Raises
    ------
    ValueError
        If eps is outside its range, if a parameter of the learner is an array, or for a learner whose law is not known
        (`rate` measures it).

    Notes
    -----
    Rigour: about the solution of the equations, proved for the square, the hinge and losses like it; for other losses
    the leading order.

    References
    ----------
    arXiv:2603.25579, rates at large load. Chapter "Many samples: how fast the errors fall".

    Examples
    --------
    >>> import raflib as rf
    >>> law = rf.asymptotics(rf.BayesOptimal(), eps=0.0)
    >>> law.exponent, round(law.prefactor, 4)
    (-1.0, 0.4417)
    >>> law = rf.asymptotics(rf.Learner(rf.Hinge(), rf.Linear(), lam=1.0), eps=0.3)
    >>> law.exponent, round(law.prefactor, 4)
    (-0.5, 0.4214)
    """
    share = float(validation.number("eps", eps, 0, 1, open_high=True))
    if isinstance(learner, BayesOptimal):
        return Asymptotics(-1.0, _bayes_constant(share))
    if not isinstance(learner, Learner):
        raise ValueError(f"learner = {learner!r} has no law; pass a Learner or BayesOptimal()")
    if not isinstance(learner.features, Linear | Kernel):
        raise ValueError(
            f"learner = {learner!r}: its law is not known, features of finite width leave a floor; "
            "measure the error with rate(learner, eps, alpha)"
        )
    if isinstance(learner.loss, Square):
        return Asymptotics(-0.5, float(np.sqrt(optimal_ridge(share, Linear())) / np.pi))
    if share == 0.0:
        raise ValueError(
            f"eps = 0: the law of learner = {learner!r} without facts is not known; "
            "measure it with rate(learner, eps, alpha)"
        )
    return Asymptotics(-0.5, _convex_constant(*_loss_at_large_load(learner), share))


def _bayes_constant(eps: float) -> float:
    """Return 1 / (pi C)."""
    end = np.array([REACH])

    def integrand(t: Array) -> Array:
        log_Z = np.logaddexp(np.log(eps / 2.0) if eps else -np.inf, np.log1p(-eps) + log_ndtr(t))
        return np.asarray(np.exp(-t * t - log_Z))

    integral = float(integrate(integrand, -end, end, [np.zeros(1), np.full(1, -2.0), np.full(1, 2.0)])[0])
    return float(SQRT_2PI**3 / (2.0 * np.pi * (1.0 - eps) ** 2 * integral))


def _loss_at_large_load(learner: Learner) -> tuple[Loss, float]:
    """Return the loss, or the constraint that it becomes, and the response of a sample that stays at large load."""
    mu_star = np.asarray(learner.features.strengths[1])
    lam = np.asarray(learner.lam)
    for name, value in (("lam", lam), ("mu_star", mu_star)):
        if value.ndim:
            raise ValueError(f"{name} of shape {value.shape} is not one number: asymptotics takes one learner")
    if mu_star == 0.0:
        if learner.loss.constraint is None:
            raise ValueError(
                f"learner = {learner!r} has no law: without a nonlinear part (mu_star = 0) "
                "facts cannot all be met at large load"
            )
        return learner.loss, _NO_RESPONSE
    if learner.loss.constraint is None:
        return learner.loss, 1.0  # of a constraint V sets a scale only
    if lam == 0.0:
        return learner.loss.constraint, 1.0
    return learner.loss, float(mu_star**2 / lam)


def _convex_constant(loss: Loss, v: float, eps: float) -> float:
    """Return sqrt(E g(m zeta)^2) / (pi c g(0)) at the root m of E[zeta g(m zeta)] = 0."""
    from scipy.optimize import brentq  # heavy to import, and the solver does without

    end, response = np.array([REACH]), np.array([v])
    kinks = loss.kinks(response)

    def mean(m: float, moment: int, power: int) -> float:
        """Return E[zeta^moment g(m zeta)^power]."""

        def integrand(t: Array) -> Array:
            weight = density(t) * np.where(t > 0.0, 2.0 - eps, eps)
            return np.asarray(weight * t**moment * loss.force(m * t, response) ** power)

        return float(integrate(integrand, -end, end, [np.zeros(1), *(kink / m for kink in kinks)])[0])

    def pull(log_m: float) -> float:
        return mean(float(np.exp(log_m)), moment=1, power=1)

    # The pull on the length does not increase with it, as g does not: one root.
    shortest, longest = np.log(_SHORTEST), np.log(_LONGEST)
    if not pull(longest) < 0.0:
        raise ValueError(f"loss = {loss!r} is not held back by facts: E[zeta g] = {pull(longest)} at any length")
    m = float(np.exp(brentq(pull, shortest, longest, xtol=1e-14)))
    at_zero = float(loss.force(np.zeros(1), response)[0])
    return float(np.sqrt(mean(m, moment=0, power=2)) / (SQRT_2PI * (1.0 - eps) * at_zero))


def rate(learner: Learner | BayesOptimal, eps: float | Array, alpha: float | Array) -> float | Array:
    r"""Measure the local exponent of the generalization error in the load.

    .. math::

        \frac{d\log E_\text{gen}}{d\log\alpha}

    by a central difference over a tenth of a decade.

    Parameters
    ----------
    learner : Learner or BayesOptimal
        Its parameters may be arrays that broadcast with eps and alpha.
    eps : float or array, in [0, 1)
        Share of facts.
    alpha : float or array, in (0, 1e8]
        Load at which the exponent is measured.

    Returns
    -------
    float or array
        Mean over that tenth of a decade, of the broadcast shape; rounding adds about 1e-10.

    Raises
    ------
    ValueError
        If eps or alpha is outside its range, if the shapes do not broadcast, or if the learner is none.
    ConvergenceError
        If a point cannot be solved.

    References
    ----------
    arXiv:2603.25579, rates at large load.

    Examples
    --------
    >>> import raflib as rf
    >>> round(rf.rate(rf.BayesOptimal(), 0.2, 1e6), 4)
    -1.0
    """
    load = np.asarray(validation.number("alpha", alpha, 0, 1e8, open_low=True))
    share = validation.number("eps", eps, 0, 1, open_high=True)
    up, down = (
        np.log10(generalization_error(solve(RulesAndFacts(load * 10.0**step, share), learner, tol=1e-12)))
        for step in (_RATE_STEP, -_RATE_STEP)
    )
    slope = (up - down) / (2.0 * _RATE_STEP)
    return float(slope) if np.ndim(slope) == 0 else np.asarray(slope)
