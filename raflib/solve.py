"""One verb: solve(task, learner) -> Solution, for a point, a curve or a phase diagram."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import validation
from .bayes import bayes_map
from .channel import CHUNK, channel, conjugates
from .features import FeatureMap
from .fixed_point import FixedPoint, iterate
from .gaussian import SQRT_2_OVER_PI
from .learner import BayesOptimal, Learner
from .losses import Loss, MaxMargin, MinNorm, Square
from .overlaps import Array, Conjugates, Overlaps
from .task import RulesAndFacts

# glibc gives the memory of a freed array above 128 kB back to the system and pays for every page of the next one: a
# quarter to a third of a solve. It raises that limit to the largest array freed so far, up to 32 MB; this one is never
# touched, so that it costs nothing. Elsewhere the line does nothing.
np.empty(4_000_000)

#: Map evaluations from the start in closed form; points that need more are followed from where it is easy.
_FIRST_TRY = 100
_BAYES_CHUNK = 1024
_LAM_PATH = (*np.geomspace(1.0, 1e-16, 24), 0.0)
_LOAD_PATH = (0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 1.0)
#: Within this relative distance of an interpolation threshold, at lam = 0, overlaps exceed 1e9 of their usual size.
THRESHOLD_WIDTH = 1e-9


class ConvergenceError(RuntimeError):
    """A point of the batch has no solution, or none was found; the message gives its parameters and what to do.

    Examples
    --------
    >>> import raflib as rf
    >>> task, learner = rf.RulesAndFacts(alpha=3.0, eps=1.0), rf.Learner(rf.MaxMargin(), rf.Linear(), lam=1.0)
    >>> try:
    ...     rf.solve(task, learner)
    ... except rf.ConvergenceError as error:
    ...     print(str(error)[:43])
    MaxMargin cannot be met on every sample at
    """


class ConvergenceWarning(UserWarning):
    """Some points of the batch were marked nan and converged=False, as on_failure="nan" asks.

    Examples
    --------
    >>> import warnings, numpy as np, raflib as rf
    >>> task = rf.RulesAndFacts(alpha=np.array([1.0, 3.0]), eps=1.0)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     sol = rf.solve(task, rf.Learner(rf.MaxMargin(), rf.Linear(), lam=1.0), on_failure="nan")
    >>> sol.converged.tolist(), caught[0].category.__name__
    ([True, False], 'ConvergenceWarning')
    """


@dataclass(frozen=True)
class Solution:
    """Overlaps and conjugates of a learner on a task, of the broadcast shape (floats when all inputs are scalars).

    Attributes
    ----------
    m, q, s, V : float or array
        Overlaps; s = q - m^2. Where ``constrained``, V is the limit of lam V.
    m_hat, q_hat, V_hat : float or array
        Conjugates, alpha included. Where ``constrained``, the limits of m_hat / lam, q_hat / lam^2, V_hat / lam.
    residual : float or array, in [0, inf)
        Max-norm relative residual of the undamped map (V, s, m) -> T(V, s, m) at these very overlaps.
    steps : int or array of int, at least 0
        Evaluations of the map.
    converged : bool or array of bool
        False only with ``on_failure="nan"``; the values there are nan.
    constrained : bool or array of bool
        True where the learner meets every training constraint: a hard-constraint loss, or lam = 0 below threshold.
    task : RulesAndFacts
        The task that was solved.
    learner : Learner or BayesOptimal
        The learner that was solved.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Hinge(), rf.Linear(), lam=0.0))
    >>> sol.constrained, abs(sol.q - sol.m**2 - sol.s) < 1e-12                   # below capacity: all labels are stored
    (True, True)
    """

    m: float | Array
    q: float | Array
    s: float | Array
    V: float | Array
    m_hat: float | Array
    q_hat: float | Array
    V_hat: float | Array
    residual: float | Array
    steps: int | NDArray[np.int64]
    converged: bool | NDArray[np.bool_]
    constrained: bool | NDArray[np.bool_]
    task: RulesAndFacts
    learner: Learner | BayesOptimal


def solve(
    task: RulesAndFacts,
    learner: Learner | BayesOptimal,
    *,
    tol: float = 1e-10,
    max_steps: int = 2000,
    on_failure: str = "raise",
) -> Solution:
    r"""Solve the replica-symmetric equations for every point of a batch.

    With margin field :math:`u = \sqrt q\,x`, x of density :math:`\phi(x)\,[\varepsilon + 2(1-\varepsilon)\Phi(kx)]`,
    :math:`k = m/\sqrt s`, the force g of the loss and :math:`t \sim \mathcal N(0,1)`,

    .. math::

        \hat q &= \alpha\,\mathbb E[g(u)^2], \\
        \hat V &= -\alpha\,\mathbb E[g'(u)], \\
        \hat m &= \alpha\,(1-\varepsilon)\sqrt{2/\pi}\ \mathbb E_t[g(\sqrt s\,t)],

    closed by the feature map, which turns these conjugates into the overlaps (m, s, V).

    Parameters
    ----------
    task : RulesAndFacts
        With alpha and eps scalars or arrays.
    learner : Learner or BayesOptimal
        The parameters alpha, eps, lam and those of the feature map may be arrays; they broadcast.
    tol : float, in [1e-13, 1e-2]
        Largest relative residual of the undamped map.
    max_steps : int, at least 1
        Largest number of map evaluations per point.
    on_failure : {"raise", "nan"}
        What a point without a solution does: raise, or be marked nan and ``converged=False`` with one warning.

    Returns
    -------
    Solution
        With residual at most tol at every converged point.

    Raises
    ------
    ValueError
        If an argument is outside its range, or if the shapes do not broadcast.
    ConvergenceError
        If a point does not reach ``tol`` and ``on_failure`` is "raise". The message gives its parameters.

    Warns
    -----
    ConvergenceWarning
        If points are marked nan.

    References
    ----------
    arXiv:2603.25579, replica-symmetric equations. Chapter "The model, its two errors, and its limits" derives them for
    inputs.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> task = rf.RulesAndFacts(alpha=2.0, eps=0.3)
    >>> round(rf.solve(task, rf.Learner(rf.Square(), rf.Linear(), lam=0.1)).m, 8)
    0.51136404
    >>> curve = rf.solve(task, rf.Learner(rf.Hinge(), rf.Linear(), lam=np.geomspace(0.01, 10, 60)))
    >>> curve.q.shape, bool(curve.residual.max() <= 1e-10)
    ((60,), True)
    """
    solution, failure = attempt(task, learner, tol, max_steps, on_failure)
    if failure:
        warnings.warn(failure, ConvergenceWarning, stacklevel=2)
    return solution


def parameters(task: RulesAndFacts, learner: Learner | BayesOptimal) -> dict[str, float | Array]:
    """Return the parameters of a task and a learner by name, or raise ValueError if they are something else."""
    if not isinstance(task, RulesAndFacts):
        raise ValueError(f"task = {task!r} is not a RulesAndFacts task")
    if not isinstance(learner, Learner | BayesOptimal):
        raise ValueError(f"learner = {learner!r} is not a Learner, e.g. rf.Learner(rf.Hinge(), rf.Linear(), lam=0.1)")
    named = {"alpha": task.alpha, "eps": task.eps}
    if isinstance(learner, Learner):
        named |= {"lam": learner.lam, **learner.features.parameters}
    return named


def attempt(
    task: RulesAndFacts, learner: Learner | BayesOptimal, tol: float, max_steps: int, on_failure: str
) -> tuple[Solution, str]:
    """Return what `solve` does, and what it warns of as a text: a sweep of many calls warns once."""
    named = parameters(task, learner)
    tol = float(validation.number("tol", tol, 1e-13, 1e-2))
    max_steps = validation.integer("max_steps", max_steps, 1)
    validation.choice("on_failure", on_failure, ("raise", "nan"))
    arrays = validation.broadcast(**named)
    shape = arrays[0].shape
    flat = {name: np.ascontiguousarray(a, dtype=np.float64).ravel() for name, a in zip(named, arrays, strict=True)}
    batch = _Batch(flat, learner) if isinstance(learner, Learner) else _BayesBatch(flat)
    found = batch.solve(tol, max_steps)
    converged = found.residual <= tol
    failure = "" if converged.all() else _report(flat, batch, found, converged, tol, on_failure)
    values = batch.values(found, converged)

    def shaped(x: NDArray[Any]) -> Any:
        return x.reshape(shape) if shape else x.item()

    solution = Solution(
        **{name: shaped(x) for name, x in values.items()},
        residual=shaped(found.residual),
        steps=shaped(found.steps),
        converged=shaped(converged),
        constrained=shaped(batch.constrained),
        task=task,
        learner=learner,
    )
    return solution, failure


class _Batch:
    """Flat parameters of a batch, with the hard-constraint branch of each point decided."""

    def __init__(self, flat: dict[str, Array], learner: Learner) -> None:
        self.alpha, self.eps, self.lam = flat["alpha"], flat["eps"], flat["lam"].copy()
        self.parameters = {name: flat[name] for name in learner.features.parameters}
        self.features = learner.features.at(self.parameters)
        #: Samples per weight that the equations count: the load that the conjugates include.
        self.load = self.alpha / self.features.per_input
        self.loss = learner.loss
        hard = self.loss if self.loss.constraint is None else self.loss.constraint
        self.hard = hard
        limit = self.lam == 0.0
        if self.loss.constraint is None:
            self.constrained = np.ones(self.alpha.shape, dtype=bool)
        else:
            self.constrained = limit.copy()
        self.feasible = np.ones(self.alpha.shape, dtype=bool)
        self.at_threshold = np.zeros(self.alpha.shape, dtype=bool)
        asked = np.flatnonzero(self.constrained)
        if asked.size:
            capacity = self._features(asked).constraint_capacity(hard, self.eps[asked])
            can = self.alpha[asked] < capacity
            self.at_threshold[asked] = np.abs(self.alpha[asked] / capacity - 1.0) < THRESHOLD_WIDTH
            if self.loss.constraint is None:
                self.feasible[asked] = can
            else:
                self.constrained[asked] = can
        self.feasible &= ~self.at_threshold
        # Under a hard constraint lam only sets the unit of V: lam = 1 makes V the limit of lam V.
        self.lam[self.constrained & limit] = 1.0

    def _features(self, index: NDArray[np.intp]) -> FeatureMap:
        return self.features.at({name: x[index] for name, x in self.parameters.items()})

    def _map(self, loss: Loss, members: NDArray[np.intp], x: Array, index: NDArray[np.intp]) -> tuple[Array, Array]:
        """Return T(V, s, m), shape (3, n), and d log T_i / d log x_j, shape (3, 3, n).

        Where eps = 1 there is no rule, m = 0, and the third slot stays as it is.
        """
        image, slopes = np.empty_like(x), np.empty((3, *x.shape))
        for first in range(0, index.size, CHUNK):
            part = slice(first, first + CHUNK)
            at = members[index[part]]
            eps, lam = self.eps[at], self.lam[at]
            V, s, m = x[:, part]
            no_rule = eps == 1.0
            some = no_rule.any()
            overlaps = Overlaps(np.where(no_rule, 0.0, m) if some else m, s, V)
            hats, d_hats = channel(self.load[at], eps, loss, overlaps)
            features = self._features(at)
            new, slope = features.overlaps(hats, lam), features.slopes(hats, lam)
            d_m, d_q, d_V = d_hats * x[:, part]  # by the logarithm of each overlap
            d_m, d_q = d_m / hats.m_hat, d_q / hats.q_hat
            image[:, part] = new.V, new.s, new.m
            if some:
                image[2, part] = np.where(no_rule, m, image[2, part])
                d_m = np.where(no_rule, 0.0, d_m)
            slopes[0, :, part] = slope.V_V_hat * d_V
            slopes[1, :, part] = slope.s_q_hat * d_q + slope.s_V_hat * d_V + slope.s_m_hat * d_m
            slopes[2, :, part] = d_m + slope.m_V_hat * d_V
            if some:
                slopes[2, :, part] = np.where(no_rule, 0.0, slopes[2, :, part])
        return image, slopes

    def solve(self, tol: float, max_steps: int) -> FixedPoint:
        size = self.alpha.size
        result = FixedPoint(np.full((3, size), np.nan), np.full(size, np.inf), np.zeros(size, dtype=np.int64))
        for loss, mask in (
            (self.loss, ~self.constrained & self.feasible),
            (self.hard, self.constrained & self.feasible),
        ):
            members = np.flatnonzero(mask)
            if members.size == 0:
                continue
            start = self._start(members, loss is self.hard)
            found = iterate(partial(self._map, loss, members), start, tol=tol, max_steps=min(max_steps, _FIRST_TRY))
            if isinstance(loss, MaxMargin):
                self._start_again(loss, members, found, tol, max_steps)
            late = np.flatnonzero(found.residual > tol)
            if late.size and max_steps > _FIRST_TRY:
                spent = found.steps[late]
                again = self._by_continuation(loss, members[late], start[:, late], spent, tol, max_steps)
                for into, value in zip(found, again, strict=True):
                    into[..., late] = value
            for into, value in zip(result, found, strict=True):
                into[..., members] = value
        return result

    def _start_again(
        self, loss: Loss, members: NDArray[np.intp], found: FixedPoint, tol: float, max_steps: int
    ) -> None:
        """Try points that are late from the perfect student's scaling, at any load, and keep what is better."""
        late = np.flatnonzero((found.residual > tol) & (found.steps + _FIRST_TRY <= max_steps))
        if late.size == 0:
            return
        start = self._start(members[late], hard=True, equal=0.0)
        again = iterate(partial(self._map, loss, members[late]), start, tol=tol, max_steps=_FIRST_TRY)
        found.steps[late] += again.steps
        better = again.residual < found.residual[late]
        found.x[:, late[better]] = again.x[:, better]
        found.residual[late[better]] = again.residual[better]

    def _by_continuation(
        self,
        loss: Loss,
        members: NDArray[np.intp],
        start: Array,
        spent: NDArray[np.int64],
        tol: float,
        max_steps: int,
    ) -> FixedPoint:
        """Follow the solution from where it is easy, a large ridge or a small load, to the wanted one."""
        hard = loss is self.hard
        moved = self.load if hard else self.lam
        wanted = moved[members].copy()
        path = [wanted * share for share in _LOAD_PATH] if hard else [np.maximum(wanted, lam) for lam in _LAM_PATH]
        steps = spent.copy()
        apply = partial(self._map, loss, members)
        try:
            for value in path:
                moved[members] = value
                left = max(1, min(_FIRST_TRY, max_steps - int(steps.max())))
                found = iterate(apply, start, tol=tol, max_steps=left)
                steps += found.steps
                start = found.x
        finally:
            moved[members] = wanted
        return FixedPoint(found.x, found.residual, steps)

    def _start(self, members: NDArray[np.intp], hard: bool, equal: Array | float | None = None) -> Array:
        """Return (V, s, m) of the ridge learner, exact for the square loss on inputs and kernels.

        From a response V the conjugates of ridge follow, and from those the overlaps, in which q enters linearly.
        Bounded margins at loads above ``equal``, by default the capacity for equal margins, start from the perfect
        student's scaling.
        """
        with np.errstate(all="ignore"):
            start = self._ridge(members, hard, equal)
        # At an interpolation threshold ridge itself has no finite solution to start from.
        return np.where(np.isfinite(start) & (start > 0.0), start, 1.0)

    def _ridge(self, members: NDArray[np.intp], hard: bool, equal: Array | float | None) -> Array:
        load, eps, lam = self.load[members], self.eps[members], self.lam[members]
        features = self._features(members)
        stiff = 0.0 if hard else 1.0  # the prox of a constraint is 1, that of the square loss (u + V) / (1 + V)
        # Margins can be bounded at loads where they cannot be equal. The perfect student's scaling, V ~ 1, s ~ 1 and
        # m ~ alpha, is near enough there.
        if equal is None:
            equal = features.constraint_capacity(MinNorm(), eps) if hard else np.inf
        beyond = (self.alpha[members] > 0.9 * equal) & isinstance(self.hard, MaxMargin)
        V = np.where(beyond, 0.3, 1.0) * features.ridge_response(np.where(beyond, 0.1, load), lam, hard)
        c = (1.0 - eps) * SQRT_2_OVER_PI
        force = load / (stiff + V)
        silent = Conjugates(c * force, np.zeros_like(V), force)
        quiet = features.overlaps(silent, lam)
        noise = (features.overlaps(silent._replace(q_hat=np.ones_like(V)), lam).s - quiet.s) * force / (stiff + V)
        m = quiet.m
        s = (noise * (1.0 + m * m - 2.0 * c * m) + quiet.s) / np.maximum(1.0 - noise, 1e-3)
        if hard:
            s = np.where(beyond, 1.0, s)
            m = np.where(beyond, load * np.maximum(1.0 - eps, 1e-3), m)
        elif not isinstance(self.loss, Square):
            # Ridge shrinks towards 0 where labels are noisy; a margin loss keeps its field of order one.
            grow = np.where(load > 10.0 * np.maximum(1.0, lam), np.sqrt(np.maximum(1.0, 0.15 / (m * m + s))), 1.0)
            m, s = m * grow, s * grow**2
        return np.stack([V, s, np.where(eps < 1.0, m, 1.0)])

    def values(self, found: FixedPoint, converged: NDArray[np.bool_]) -> dict[str, Array]:
        V, s, m = np.where(converged, found.x, np.nan)
        m = np.where(converged & (self.eps == 1.0), 0.0, m)
        overlaps = Overlaps(m, s, V)
        hats = Conjugates(*(np.full(m.shape, np.nan) for _ in range(3)))
        for loss, mask in ((self.loss, ~self.constrained), (self.hard, self.constrained)):
            index = np.flatnonzero(mask & converged)
            for first in range(0, index.size, CHUNK):
                at = index[first : first + CHUNK]
                part = conjugates(self.load[at], self.eps[at], loss, Overlaps(*(o[at] for o in overlaps)))
                for into, value in zip(hats, part, strict=True):
                    into[at] = value
        return {"m": m, "q": overlaps.q, "s": overlaps.s, "V": overlaps.V, **hats._asdict()}


class _BayesBatch:
    """The Bayes-optimal learner's one equation, with the interface of `_Batch`."""

    def __init__(self, flat: dict[str, Array]) -> None:
        self.alpha, self.eps = flat["alpha"], flat["eps"]
        self.constrained = np.zeros(self.alpha.shape, dtype=bool)
        self.feasible = np.ones(self.alpha.shape, dtype=bool)

    def _map(self, members: NDArray[np.intp], x: Array, index: NDArray[np.intp]) -> tuple[Array, Array]:
        """T(r); the solver's other two variables are idle."""
        image, slopes = x.copy(), np.zeros((3, *x.shape))
        for first in range(0, index.size, _BAYES_CHUNK):
            part = slice(first, first + _BAYES_CHUNK)
            at = members[index[part]]
            image[0, part], slopes[0, 0, part] = bayes_map(self.alpha[at], self.eps[at], x[0, part])
        return image, slopes

    def solve(self, tol: float, max_steps: int) -> FixedPoint:
        # At eps = 1 there is no rule to infer: r = 0 and nothing to iterate.
        size = self.alpha.size
        result = FixedPoint(np.zeros((3, size)), np.zeros(size), np.zeros(size, dtype=np.int64))
        members = np.flatnonzero(self.eps < 1.0)
        weak = 2.0 / np.pi * self.alpha[members] * (1.0 - self.eps[members]) ** 2
        start = np.stack([weak * (1.0 + weak), np.ones_like(weak), np.ones_like(weak)])
        if members.size:
            found = iterate(partial(self._map, members), start, tol=tol, max_steps=max_steps)
            for into, value in zip(result, found, strict=True):
                into[..., members] = value
        return result

    def values(self, found: FixedPoint, converged: NDArray[np.bool_]) -> dict[str, Array]:
        """m = q and V = 1 - q, the posterior's width; s = q (1 - q) without a difference."""
        r = np.where(converged, found.x[0], np.nan)
        q = r / (1.0 + r)
        return {"m": q, "q": q, "s": q / (1.0 + r), "V": 1.0 / (1.0 + r), "m_hat": r, "q_hat": r, "V_hat": r}


def _report(
    flat: dict[str, Array],
    batch: _Batch | _BayesBatch,
    found: FixedPoint,
    converged: NDArray[np.bool_],
    tol: float,
    on_failure: str,
) -> str:
    """Raise, or return a warning, that names the worst point."""
    failed = np.flatnonzero(~converged)
    impossible = failed[~batch.feasible[failed]]
    worst = impossible[0] if impossible.size else failed[np.argmax(found.residual[failed])]
    point = ", ".join(f"{name} = {x[worst].item()!r}" for name, x in flat.items())
    many = f"{failed.size} of {converged.size} points have no solution; " if converged.size > 1 else ""
    if isinstance(batch, _Batch) and impossible.size and batch.at_threshold[worst]:
        why = f"no finite solution at {point}: alpha is at the interpolation threshold"
        advice = "move alpha away from it or use lam > 0"
    elif isinstance(batch, _Batch) and impossible.size:
        why = f"{type(batch.loss).__name__} cannot be met on every sample at {point}: alpha is above the capacity"
        advice = "lower alpha or use a soft loss (Square, Hinge) with lam > 0"
    else:
        residual, steps = found.residual[worst], found.steps[worst]
        why = f"no convergence at {point}: residual {residual:.3g} > tol {tol:.3g} after {steps} steps"
        advice = "move away from an interpolation threshold, raise lam, or raise max_steps or tol"
    if on_failure == "raise":
        raise ConvergenceError(f'{many}{why}; {advice}; on_failure="nan" marks such points instead')
    return f"{many}{why}; marked nan with converged=False"
