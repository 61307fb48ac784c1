"""State evolution: what message passing does at d -> infinity, step by step."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from .. import validation
from ..channel import conjugates, quadrature
from ..features import FeatureMap, Linear
from ..gaussian import SQRT_2_OVER_PI, truncated_moments
from ..learner import BayesOptimal, Learner
from ..losses import Loss
from ..overlaps import Array, Conjugates, Overlaps
from ..solve import ConvergenceError, parameters
from ..task import RulesAndFacts
from .posterior import PosteriorForce
from .trajectory import Trajectory, angle


class Branch(NamedTuple):
    """What acts on the margins of some points of a batch: a loss, or the label law itself, and the ridge it has."""

    loss: Loss | PosteriorForce
    lam: Array
    at: NDArray[np.bool_]


def state_evolution(
    task: RulesAndFacts,
    learner: Learner | BayesOptimal,
    steps: int = 50,
    start: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
) -> Trajectory:
    r"""Alternate conjugates and overlaps: the path whose end is the fixed point of `raflib.solve`.

    .. math::

        \hat m_t &= \alpha\,(1-\varepsilon)\sqrt{2/\pi}\ \mathbb E_\tau[g(\sqrt{s_t}\,\tau)], \\
        \hat q_t &= \alpha\,\mathbb E[g(u_t)^2], \qquad u_t = \sqrt{q_t}\,x, \\
        \hat V_t &= -\alpha\,\mathbb E[g'(u_t)],

    with the force g of the loss at response :math:`V_t`, x of density
    :math:`\phi(x)\,[\varepsilon + 2(1-\varepsilon)\Phi(kx)]`, :math:`k = m_t/\sqrt{s_t}`, and
    :math:`\tau \sim \mathcal N(0,1)`; the feature map turns these conjugates into :math:`m_{t+1}, s_{t+1}, V_{t+1}`.
    The Bayes-optimal student's force is that of the label law, its ridge 1. Nothing is damped or accelerated.

    Parameters
    ----------
    task : RulesAndFacts
        With alpha and eps scalars or arrays.
    learner : Learner or BayesOptimal
        Of any loss and feature map. Its parameters broadcast with those of the task. lam = 0 is the limit lam -> 0+,
        and V then the limit of lam V where every constraint can be met, as in `raflib.solve`.
    steps : int, at least 0
        How many times the map is applied.
    start : tuple of m in (-inf, inf), s in [0, inf) and V in (0, inf), optional
        Overlaps at step 0, such as `raflib.Overlaps`; s = 0 for m = 0 only. By default a student of zero and the V
        of a learner without samples; 1 where lam = 0.

    Returns
    -------
    Trajectory
        Arrays of shape (steps + 1, ...), the dots being the broadcast shape of the parameters. Relative accuracy of
        a step about 1e-11.

    Raises
    ------
    ValueError
        If an argument is outside its range, or if shapes do not broadcast.
    ConvergenceError
        If a hard constraint cannot be met at some point: the overlaps would grow without bound.

    References
    ----------
    Javanmard and Montanari, Information and Inference 2 (2013) 115, for message passing. Chapter "The model, its two
    errors, and its limits" derives the map.

    Examples
    --------
    >>> import raflib as rf
    >>> task, learner = rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Hinge(), rf.Linear(), lam=0.1)
    >>> path = rf.finite.state_evolution(task, learner, steps=200)
    >>> bool(abs(path.m[-1] - rf.solve(task, learner).m) < 1e-9)
    True
    """
    steps = validation.integer("steps", steps, 0)
    evolution = Evolution(task, learner)
    path = [evolution.first(start)]
    for _ in range(steps):
        path.append(evolution.after(path[-1]))
    return evolution.trajectory(path)


class Evolution:
    """The map of a task and a learner, on overlaps that are arrays with one entry for each point of the batch."""

    def __init__(self, task: RulesAndFacts, learner: Learner | BayesOptimal) -> None:
        named = parameters(task, learner)
        arrays = validation.broadcast(**named)
        self.shape = arrays[0].shape
        self.flat = {
            name: np.ascontiguousarray(a, dtype=np.float64).ravel() for name, a in zip(named, arrays, strict=True)
        }
        self.learner = learner
        self.branches = _branches(learner, self.flat)

    def first(self, start: tuple[ArrayLike, ArrayLike, ArrayLike] | None) -> Overlaps:
        """Return the overlaps to start from, or raise ValueError."""
        if start is not None:
            return _checked(start, self.shape)
        V = np.ones(self.flat["alpha"].shape)  # also where there is no ridge
        for branch in self.branches:
            at = branch.at & (branch.lam > 0.0)
            if at.any():
                none = np.zeros(int(at.sum()))
                V[at] = _features(self.learner, self.flat, at).overlaps(Conjugates(none, none, none), branch.lam[at]).V
        return Overlaps(np.zeros_like(V), np.zeros_like(V), V)

    def after(self, here: Overlaps) -> Overlaps:
        """Return the overlaps one step later."""
        new = Overlaps(*(np.empty_like(x) for x in here))
        for branch in self.branches:
            at = branch.at
            features = _features(self.learner, self.flat, at)
            load, eps = self.flat["alpha"][at] / features.per_input, self.flat["eps"][at]
            hats = _conjugates(load, eps, branch.loss, Overlaps(*(x[at] for x in here)))
            for into, value in zip(new, features.overlaps(hats, branch.lam[at]), strict=True):
                into[at] = value
        return new

    def trajectory(self, path: list[Overlaps]) -> Trajectory:
        """Return a path with its errors."""
        m, s, V = (np.stack([getattr(here, name) for here in path]) for name in ("m", "s", "V"))
        wrong = [self._errors(here) for here in path]
        memorization, training = (np.stack([pair[i] for pair in wrong]) for i in range(2))
        columns = (m, m * m + s, s, V, angle(m, s), memorization, training)
        return Trajectory(*(x.reshape(len(path), *self.shape) for x in columns))

    def _errors(self, here: Overlaps) -> tuple[Array, Array]:
        """Return the share of wrong labels among facts and among all samples."""
        facts, everything = np.empty_like(here.m), np.empty_like(here.m)
        for branch in self.branches:
            at = branch.at
            m, s, V = (x[at] for x in here)
            if isinstance(branch.loss, PosteriorForce):
                edge = np.sqrt(V) * branch.loss.zero()[:, 0]
            else:
                edge = V * branch.loss.slope_at_zero
            with np.errstate(divide="ignore", invalid="ignore"):
                h = np.where(edge == 0.0, 0.0, edge / np.sqrt(m * m + s))
                k = np.where(s == 0.0, 0.0, m / np.sqrt(s))
            facts[at] = ndtr(h)
            everything[at] = np.maximum(truncated_moments(h, k, self.flat["eps"][at]).i0, 0.0)
        return facts, everything


def _branches(learner: Learner | BayesOptimal, flat: dict[str, Array]) -> list[Branch]:
    """Return which loss acts at which point: at lam = 0, and for a constraint, the hard one with lam = 1.

    Raises
    ------
    ConvergenceError
        If a loss that is a constraint cannot be met.
    """
    alpha, eps = flat["alpha"], flat["eps"]
    if isinstance(learner, BayesOptimal):
        return [Branch(PosteriorForce(eps[:, None]), np.ones_like(alpha), np.ones(alpha.shape, dtype=bool))]
    lam, loss = flat["lam"], learner.loss
    hard = loss if loss.constraint is None else loss.constraint
    asked = np.ones(lam.shape, dtype=bool) if loss.constraint is None else lam == 0.0
    if not asked.any():
        return [Branch(loss, lam, ~asked)]
    capacity = np.asarray(_features(learner, flat, slice(None)).constraint_capacity(hard, eps))
    met = asked & (alpha < capacity)
    if loss.constraint is None and not met.all():
        worst = int(np.flatnonzero(~met)[0])
        point = ", ".join(f"{name} = {x[worst].item()!r}" for name, x in flat.items())
        raise ConvergenceError(
            f"{type(loss).__name__} cannot be met on every sample at {point}: alpha is not below the capacity "
            f"{float(capacity[worst]):.6g}; lower alpha or use a soft loss with lam > 0"
        )
    # Under a hard constraint lam only sets the unit of V: lam = 1 makes V the limit of lam V.
    both = [Branch(hard, np.where(lam == 0.0, 1.0, lam), met), Branch(loss, lam, ~met)]
    return [part for part in both if part.at.any()]


def _conjugates(load: Array, eps: Array, loss: Loss | PosteriorForce, overlaps: Overlaps) -> Conjugates:
    """Return the conjugates; where the student is zero, every margin is zero."""
    rest = overlaps.s == 0.0
    c = SQRT_2_OVER_PI * (1.0 - eps)
    safe = overlaps._replace(s=np.where(rest, 1.0, overlaps.s))
    if isinstance(loss, PosteriorForce):
        # It has the members of a loss that the quadrature calls.
        moments = quadrature(eps, cast(Loss, loss), safe)
        hats = Conjugates(load * c * moments.boundary, load * moments.square, load * moments.stiffness)
    else:
        hats = conjugates(load, eps, loss, safe)
    zero, V = np.zeros((eps.size, 1)), overlaps.V[:, None]
    force, stiff = loss.force(zero, V)[:, 0], loss.stiffness(zero, V)[:, 0]
    silent = Conjugates(load * c * force, load * force * force, load * stiff)
    return Conjugates(*(np.where(rest, a, b) for a, b in zip(silent, hats, strict=True)))


def _features(learner: Learner | BayesOptimal, flat: dict[str, Array], at: NDArray[np.bool_] | slice) -> FeatureMap:
    if isinstance(learner, BayesOptimal):
        return Linear()
    return learner.features.at({name: flat[name][at] for name in learner.features.parameters})


def _checked(start: tuple[ArrayLike, ArrayLike, ArrayLike], shape: tuple[int, ...]) -> Overlaps:
    """Return the overlaps to start from, one per point, or raise ValueError."""
    if len(start) != 3:
        raise ValueError(f"start = {start!r} is not three numbers or arrays (m, s, V)")
    m = validation.number("start m", start[0])
    s = validation.number("start s", start[1], 0)
    V = validation.number("start V", start[2], 0, open_low=True)
    spread = []
    for name, value in (("m", m), ("s", s), ("V", V)):
        try:
            spread.append(np.broadcast_to(value, shape).astype(np.float64).ravel())
        except ValueError:
            raise ValueError(
                f"start {name} has shape {np.shape(value)}, which does not broadcast to that of the points, {shape}"
            ) from None
    here = Overlaps(*spread)
    if np.any((here.s == 0.0) & (here.m != 0.0)):
        raise ValueError(
            "start s = 0 with m not 0 is a perfect student, at which the equations are singular; use s > 0"
        )
    return here
