"""Recall: the label that a learner gives to a corrupted copy of a fact it was trained on, and the fact's basin."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from scipy.special import hyp1f1, ndtr

from . import validation
from .activations import dot_product_strengths
from .features import Kernel, Linear, RandomFeatures
from .gaussian import density, integrate
from .learner import Learner
from .losses import Loss, MinNorm, Square
from .observables import weight_norm
from .overlaps import Array, Conjugates
from .solve import Solution

#: How much of the nonlinear part a copy keeps: numbers, or a function of the correlation.
Overlap: TypeAlias = float | Array | Callable[[Array], Array]

#: Grid on which `basin_radius` looks for the first crossing, and the steps that then halve the interval.
_GRID = 129
_HALVINGS = 40
#: Points that are integrated at once.
_CHUNK = 1024
#: Break points around the step of the integrand, in units of its width.
_STEP = (-8.0, -3.0, -1.0, 0.0, 1.0, 3.0, 8.0)


def _arc_cosine(t: Array) -> Array:
    return np.asarray((np.sqrt(np.maximum(1.0 - t * t, 0.0)) + t * (np.pi - np.arccos(t))) / (2.0 * np.pi))


#: E[sigma(u) sigma(v)] of two standard normal numbers of correlation t, for the activations that have a closed form.
_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": _arc_cosine,
    "erf": lambda t: np.asarray(2.0 / np.pi * np.arcsin(2.0 * t / 3.0)),
    "sign": lambda t: np.asarray(2.0 / np.pi * np.arcsin(t)),
    "sine": lambda t: np.exp(-1.0) * np.sinh(t),
}


class Copy(NamedTuple):
    r"""What a corrupted copy of a training input has in common with it; arrays of one shape.

    Attributes
    ----------
    r : array, in [0, 1]
        Correlation of the two cavity fields, before the sample is learned.
    kept : array, in [0, inf)
        Response V(rho) at the copy to the sample's force.
    lost : array, in [0, inf)
        V - V(rho), without cancellation.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Square(), rf.Kernel(0.8, 0.6), lam=0.1))
    >>> copy = rf.recall.copy_response(sol, 1.0, 1.0)
    >>> bool(abs(copy.kept - sol.V) < 1e-12), float(copy.lost)
    (True, 0.0)
    """

    r: Array
    kept: Array
    lost: Array


def nonlinear_overlap(kernel: str | Callable[[Array], Array], rho: float | Array) -> float | Array:
    r"""Share of a kernel's nonlinear part that survives between an input and its copy of correlation rho.

    .. math::

        h(\rho) = \frac{k(\rho) - k(0) - k'(0)\,\rho}{k(1) - k(0) - k'(0)}

    A power series in rho that begins with its square and has no negative coefficient: 0 at rho = 0, 1 at rho = 1, at
    most :math:`\rho^2` between.

    Parameters
    ----------
    kernel : {"relu", "erf", "sign", "sine"} or function
        An activation, whose kernel is :math:`k(\rho) = \mathbb E[\sigma(u)\,\sigma(v)]`, or the vectorised function k
        of a dot-product kernel k(x.x'/d).
    rho : float or array, in [0, 1]
        Correlation.

    Returns
    -------
    float or array, in [0, 1]
        Of the shape of rho; to about 1e-12 over the nonlinear part's share of k(1).

    Raises
    ------
    ValueError
        If rho is outside its range, if an activation is none of the above, or if a kernel has no linear or no nonlinear
        part.

    References
    ----------
    Chapter "Basins: recalling a fact from a corrupted input", a kernel has two responses.

    Examples
    --------
    >>> import raflib as rf
    >>> round(rf.nonlinear_overlap(lambda t: (1 + t) ** 2, 0.5), 9)        # 1 + 2 t + t^2: the square of rho
    0.25
    >>> round(rf.nonlinear_overlap("relu", 0.5), 4)
    0.2239
    """
    t = np.asarray(validation.number("rho", rho, 0, 1))
    if isinstance(kernel, str):
        validation.choice("kernel", kernel, tuple(_ACTIVATIONS))
        function = _ACTIVATIONS[kernel]
    else:
        function = kernel
    mu1, mu_star = dot_product_strengths(function)
    if mu_star <= 1e-7 * mu1:
        raise ValueError(
            f"kernel = {kernel!r} has no nonlinear part (mu_star = {mu_star:.3g}): there is no overlap of it"
        )
    at_zero = float(np.asarray(function(np.zeros(1)), dtype=np.float64)[0])
    h = (np.asarray(function(t), dtype=np.float64) - at_zero - mu1**2 * t) / mu_star**2
    return _plain(np.clip(h, 0.0, 1.0))


def rbf_overlap(eta: float | Array, rho: float | Array) -> float | Array:
    r"""Share of an RBF kernel's nonlinear part that survives between an input and its copy of correlation rho.

    .. math::

        h(\rho) = \frac{e^{2\eta\rho} - 1 - 2\eta\rho}{e^{2\eta} - 1 - 2\eta},

    `nonlinear_overlap` of :math:`k(t) = e^{-2\eta(1-t)}`: :math:`\rho^2` for a wide kernel,
    :math:`e^{-2\eta(1-\rho)}` for a narrow one.

    Parameters
    ----------
    eta : float or array, in (0, 300]
        Inverse squared width, as for `Kernel.rbf`.
    rho : float or array, in [0, 1]
        Correlation. It broadcasts against eta.

    Returns
    -------
    float or array, in [0, 1]
        To about 1e-13, also where eta is small.

    Raises
    ------
    ValueError
        If an argument is outside its range, or if the shapes do not broadcast.

    References
    ----------
    Chapter "Basins: recalling a fact from a corrupted input", a kernel has two responses.

    Examples
    --------
    >>> import raflib as rf
    >>> [round(rf.rbf_overlap(eta, 0.5), 4) for eta in (1e-6, 1.0, 10.0)]
    [0.25, 0.1637, 0.0]
    """
    eta, rho = validation.broadcast(
        eta=validation.number("eta", eta, 0, 300, open_low=True), rho=validation.number("rho", rho, 0, 1)
    )
    # exp(x) - 1 - x = x^2 / 2 times the confluent function 1F1(1; 3; x), which cancels nothing.
    return _plain(rho**2 * hyp1f1(1.0, 3.0, 2.0 * eta * rho) / hyp1f1(1.0, 3.0, 2.0 * eta))


def recall_error(solution: Solution, rho: float | Array, overlap: Overlap | None = None) -> float | Array:
    r"""Probability that a stored fact, presented as a corrupted copy, gets another label than it was stored with.

    The copy of correlation rho is :math:`x' = \rho\,x + \sqrt{1-\rho^2}\,\zeta` with :math:`\zeta` as an input.
    Its margin is

    .. math::

        y\,\omega(x') &= r\,u + \sqrt{q(1-r^2)}\,\xi + V(\rho)\,g(u), \\
        V(\rho) &= V_1\,\rho + V_\star\,h(\rho), \\
        r &= \rho + \big(h(\rho)-\rho\big)\frac{q_\star}q,

    with the fact's cavity margin :math:`u \sim \mathcal N(0, q)`, the force g of the loss, an independent
    :math:`\xi \sim \mathcal N(0,1)`, and the responses :math:`V_1, V_\star` of the linear and the nonlinear part,
    :math:`V_1 + V_\star = V`; :math:`q_\star` is the nonlinear part's share of q, 0 except for random features. With
    the force :math:`g_U` at the lost response :math:`U = V - V(\rho)` the probability is one Gaussian mean,

    .. math::

        E_\text{rec}(\rho) &= \mathbb E_t\,\Phi\!\left(\frac{t/2 - V(\rho)\,g_U(t)}{\sqrt{q(1+r)/2}}\right), \\
        t &\sim \mathcal N\big(0,\, 2q(1-r)\big) .

    For the square loss, with :math:`b = V(\rho)/(1+V)`, it is :math:`\Phi\big(-b/\sqrt{q(1-2rb+b^2)}\big)`.

    Parameters
    ----------
    solution : Solution
        Of a `Learner` on `Linear`, `Kernel` or `RandomFeatures`.
    rho : float or array, in [0, 1]
        Correlation of the copy with the fact: 1 is the fact itself, 0 a new input.
    overlap : float, array or function, in [0, 1], optional
        :math:`h(\rho)`, what is left of the nonlinear part, as `nonlinear_overlap` or `rbf_overlap` give it: numbers
        that broadcast to ``solution.m.shape + rho.shape``, or a function that is called with rho in that shape. Needed
        where mu_star > 0; no meaning for `Linear`.

    Returns
    -------
    float or array, in [0, 1/2]
        Of shape ``solution.m.shape + rho.shape``. At rho = 1 the `memorization_error`, at rho = 0 one half. In
        closed form for Square and MinNorm, otherwise by quadrature, to about 1e-10.

    Raises
    ------
    ValueError
        If rho or overlap is outside its range or missing, if the features have no known split, or if the learner is
        Bayes-optimal: it minimises no loss. For random features also where `weight_norm` does.

    References
    ----------
    Chapter "Basins: recalling a fact from a corrupted input" derives it.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> kernel = rf.Kernel.rbf(0.5)
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Square(), kernel, lam=0.01))
    >>> rf.recall_error(sol, np.array([1.0, 0.8, 0.5, 0.0]), lambda rho: rf.rbf_overlap(0.5, rho)).round(4).tolist()
    [0.0, 0.0331, 0.2782, 0.5]
    """
    at = np.asarray(validation.number("rho", rho, 0, 1))
    return _plain(_errors(solution, np.broadcast_to(at, (*np.shape(solution.m), *at.shape)), overlap))


def basin_radius(solution: Solution, overlap: Overlap | None = None, error: float = 0.1) -> float | Array:
    r"""Corruption up to which stored facts are recalled with at most this error.

    .. math::

        R &= 1 - \rho_\star, \\
        \rho_\star &= \inf\big\{\rho : E_\text{rec} \le \text{error on } [\rho, 1]\big\}

    Where inputs are binary, a copy of correlation rho has a share :math:`(1-\rho)/2` of its entries flipped.

    Parameters
    ----------
    solution : Solution
        Of a `Learner` on `Linear`, `Kernel` or `RandomFeatures`.
    overlap : function, optional
        :math:`h(\rho)`, as for `recall_error`, a function that is called with arrays of shape
        ``solution.m.shape + (k,)``. Needed where mu_star > 0.
    error : float, in (0, 1/2)
        Largest share of facts that may get another label.

    Returns
    -------
    float or array, in [0, 1]
        Of the solution's shape, to about 1e-10. 0 where the `memorization_error` is larger than the error already.

    Raises
    ------
    ValueError
        If error is outside its range, if overlap is no function of rho where one is needed, or as for `recall_error`.

    Notes
    -----
    For the square loss :math:`E_\text{rec}` falls with rho, and the radius is where it equals the error. For other
    losses that is found to hold and not proved: the crossing next to rho = 1 is bracketed on a grid of steps 1/128.

    References
    ----------
    Chapter "Basins: recalling a fact from a corrupted input", the radius of a basin.

    Examples
    --------
    >>> import raflib as rf
    >>> task = rf.RulesAndFacts(alpha=2.0, eps=0.3)
    >>> wide, narrow = (
    ...     rf.basin_radius(rf.solve(task, rf.Learner(rf.Square(), rf.Kernel.rbf(eta), 0)),
    ...                     lambda rho, eta=eta: rf.rbf_overlap(eta, rho))
    ...     for eta in (0.5, 3.0)
    ... )
    >>> round(wide, 3), round(narrow, 3)
    (0.291, 0.557)
    """
    error = float(validation.number("error", error, 0, 0.5, open_low=True, open_high=True))
    if overlap is not None and not callable(overlap):
        raise ValueError(f"overlap = {overlap!r} is not a function of rho; a radius needs it at every rho")
    grid = np.linspace(1.0, 0.0, _GRID)
    missed = np.asarray(recall_error(solution, grid, overlap)) > error
    first = np.argmax(missed, axis=-1)  # at rho = 0 the error is one half, so there is one
    high, low = grid[np.maximum(first - 1, 0)], grid[first]
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        wrong = _errors(solution, middle[..., None], overlap)[..., 0] > error
        low, high = np.where(wrong, middle, low), np.where(wrong, high, middle)
    # Where the fact itself is lost already, the interval is [1, 1] from the start.
    return _plain(np.where(np.isnan(np.asarray(solution.q)), np.nan, 1.0 - high))


def copy_response(solution: Solution, rho: float | Array, kept: float | Array) -> Copy:
    r"""Correlation of the cavity fields of a sample and of its copy, and the copy's response to the sample's force.

    .. math::

        V_1 = \frac{\mu_1^2}{\lambda + \mu_1^2\hat V}, \quad
        V_\star = \frac{\mu_\star^2}\lambda, \quad q_\star = 0

    for `raflib.Kernel`,

    .. math::

        V_1 &= \mu_1^2\,\langle xR\rangle, \quad V_\star = \mu_\star^2\,\langle R\rangle, \\
        q_\star &= \frac{\mu_\star^2\lVert a\rVert^2}p

    for `raflib.RandomFeatures`, and :math:`V(\rho) = V_1\rho + V_\star h`, :math:`r = \rho + (h - \rho)\,q_\star/q`.
    `raflib.Linear` is the kernel without a nonlinear part.

    Parameters
    ----------
    solution : Solution
        Of a `raflib.Learner` on `raflib.Linear`, `raflib.Kernel` or `raflib.RandomFeatures`.
    rho : float or array, in [0, 1]
        Correlation; its shape begins with that of the solution, or it is a number.
    kept : float or array, in [0, 1]
        Overlap h of the nonlinear part, of the same shape.

    Returns
    -------
    Copy
        Of the shape of rho. Where the learner is constrained, responses are limits of lam times theirs, as V is.

    Raises
    ------
    ValueError
        If the features have no known split, or as `raflib.weight_norm` does for random features.

    References
    ----------
    Chapter "Basins: recalling a fact from a corrupted input", random features: a third number.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Square(), rf.Linear(), lam=0.1))
    >>> copy = rf.recall.copy_response(sol, 0.5, 0.0)
    >>> float(copy.r), bool(abs(copy.kept - sol.V / 2) < 1e-12)
    (0.5, True)
    """
    learner = _learner(solution)
    if not isinstance(learner.features, Linear | Kernel | RandomFeatures):
        raise ValueError(
            f"features = {learner.features!r}: recall needs the responses of the linear and of the nonlinear part, "
            "which are known for Linear, Kernel and RandomFeatures"
        )
    shape = np.shape(solution.m)
    named = {"lam": learner.lam, **learner.features.parameters}
    flat = {name: np.broadcast_to(x, shape).ravel() for name, x in named.items()}
    lam = flat.pop("lam")
    lam = np.where(np.ravel(solution.constrained) & (lam == 0.0), 1.0, lam)
    features = learner.features.at(flat)
    V_hat = np.ravel(np.asarray(solution.V_hat))
    unit = Conjugates(np.ones_like(V_hat), np.zeros_like(V_hat), V_hat)
    # A unit pull along the teacher meets the response of the linear part; the equations count it per weight.
    linear = np.asarray(features.overlaps(unit, lam).m / features.per_input).reshape(shape)
    V = np.asarray(solution.V)
    nonlinear = np.maximum(V - linear, 0.0) if not isinstance(features, Linear) else np.zeros(shape)
    share: Array | float = 0.0
    if isinstance(learner.features, RandomFeatures):
        strength = np.square(learner.features.mu_star) / np.asarray(learner.features.kappa)
        share = strength * np.asarray(weight_norm(solution).total) / np.asarray(solution.q)
    rho, kept = np.broadcast_arrays(np.asarray(rho, dtype=np.float64), np.asarray(kept, dtype=np.float64))
    spread = (*shape, *(1,) * (rho.ndim - len(shape)))
    linear, nonlinear, share = (np.broadcast_to(x, shape).reshape(spread) for x in (linear, nonlinear, share))
    return Copy(
        rho + (kept - rho) * share,
        linear * rho + nonlinear * kept,
        linear * (1.0 - rho) + nonlinear * (1.0 - kept),
    )


def _errors(solution: Solution, rho: Array, overlap: Overlap | None) -> Array:
    """Return the recall errors at rho, whose shape begins with the solution's."""
    copy = copy_response(solution, rho, _kept(solution, overlap, rho))
    spread = (*np.shape(solution.m), *(1,) * (rho.ndim - np.ndim(solution.m)))
    q, V, constrained = (
        np.broadcast_to(np.reshape(np.asarray(x), spread), rho.shape)
        for x in (solution.q, solution.V, solution.constrained)
    )
    loss = _learner(solution).loss
    error = np.full(rho.shape, np.nan)
    for used, chosen in ((loss, ~constrained), (loss.constraint or loss, constrained)):
        known = chosen & np.isfinite(q)
        if known.any():
            error[known] = _missed(used, q[known], V[known], Copy(*(x[known] for x in copy)))
    return error


def _missed(loss: Loss, q: Array, V: Array, copy: Copy) -> Array:
    """Return the recall error of points in one row."""
    if isinstance(loss, Square | MinNorm):
        stiff = 1.0 if isinstance(loss, Square) else 0.0
        b = copy.kept / (stiff + V)
        # 1 - 2 r b + b^2 as a sum of two terms that are not negative.
        variance = ((stiff + copy.lost) / (stiff + V)) ** 2 + 2.0 * b * (1.0 - copy.r)
        with np.errstate(divide="ignore"):
            return np.asarray(ndtr(-b / np.sqrt(q * variance)))
    parts = [slice(first, first + _CHUNK) for first in range(0, q.size, _CHUNK)]
    return np.concatenate([_mean(loss, q[i], V[i], Copy(*(x[i] for x in copy))) for i in parts])


def _mean(loss: Loss, q: Array, V: Array, copy: Copy) -> Array:
    """Return the mean of Phi((t / 2 - V(rho) g_U(t)) / sqrt(q (1 + r) / 2)), for points in one row."""
    same = copy.lost <= 0.0
    U = np.where(same, 1.0, copy.lost)
    c, scale = copy.kept, np.sqrt(0.5 * q * (1.0 + copy.r))
    width = np.sqrt(np.maximum(2.0 * q * (1.0 - copy.r), 0.0))
    # The argument rises through zero where t / 2 = c g(t), between 0 and 2 c g(0); around there Phi is a step.
    low, high = np.zeros_like(U), 2.0 * c * loss.force(np.zeros_like(U), U)
    for _ in range(60):
        t = 0.5 * (low + high)
        above = 0.5 * t >= c * loss.force(t, U)
        low, high = np.where(above, low, t), np.where(above, t, high)
    t = 0.5 * (low + high)
    step = scale / (0.5 + c * loss.stiffness(t, U))
    safe = np.maximum(width, 1e-300)
    with np.errstate(over="ignore"):
        breaks = [(t + far * step) / safe for far in _STEP] + [kink / safe for kink in loss.kinks(U)]
    U, c, scale, width = (x[:, None] for x in (U, c, scale, width))

    def weighted(x: Array) -> Array:
        t = width * x
        return np.asarray(density(x) * ndtr((0.5 * t - c * loss.force(t, U)) / scale))

    infinite = np.full(q.shape, np.inf)
    mean = integrate(weighted, -infinite, infinite, [np.clip(b, -1e3, 1e3) for b in breaks])
    slope = loss.slope_at_zero
    exact = ndtr(V * slope / np.sqrt(q)) if np.isfinite(slope) else np.zeros_like(q)
    return np.where(same, exact, mean)


def _kept(solution: Solution, overlap: Overlap | None, rho: Array) -> Array:
    """Return h(rho) in the shape of rho, or raise ValueError."""
    learner = _learner(solution)
    if overlap is None:
        if np.any(np.asarray(learner.features.strengths[1]) > 0.0):
            raise ValueError(
                "overlap is missing: with mu_star > 0 recall depends on how the kernel's nonlinear part decays; pass "
                "h(rho), e.g. overlap=lambda rho: rf.rbf_overlap(eta, rho) or rho**2"
            )
        return np.zeros_like(rho)
    given = overlap(rho) if callable(overlap) else overlap
    kept = np.asarray(validation.number("overlap", given, -1e-12, 1 + 1e-12))
    try:
        return np.asarray(np.clip(np.broadcast_to(kept, rho.shape), 0.0, 1.0))
    except ValueError:
        raise ValueError(f"overlap has shape {kept.shape}, which does not broadcast to {rho.shape}") from None


def _learner(solution: Solution) -> Learner:
    """Return the learner of a solution, or raise ValueError if it minimises no loss."""
    if not isinstance(solution.learner, Learner):
        raise ValueError(f"learner = {solution.learner!r} minimises no loss: it stores no facts to recall")
    return solution.learner


def _plain(value: Array) -> float | Array:
    """Return a float for a single number."""
    return float(value) if np.ndim(value) == 0 else np.asarray(value)
