"""Training margins: how far on the right side of the boundary rules and facts end up."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, cast

import numpy as np

from . import validation
from .gaussian import density, label_weight, truncated_moments
from .learner import Learner
from .losses import Loss, SmoothLoss
from .overlaps import Array
from .solve import Solution


class Atoms(NamedTuple):
    """Margins at which a finite share of the samples sits exactly, and these shares.

    Attributes
    ----------
    margin : array, shape (..., atoms)
        The margins, one entry each on the last axis.
    mass : array, shape (..., atoms), in [0, 1]
        The shares of the samples.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=0.5, eps=0.3), rf.Learner(rf.MinNorm(), rf.Linear(), lam=1))
    >>> atoms = rf.margin_distribution(sol).samples.atoms
    >>> atoms.margin.tolist(), atoms.mass.tolist()                                   # every margin is one
    ([1.0], [1.0])
    """

    margin: Array
    mass: Array


@dataclass(frozen=True)
class MarginLaw:
    r"""Law of the training margin y omega of one kind of sample: a density and, at kinks of the loss, atoms.

    The training margin is :math:`\operatorname{prox}_V(u)` of the cavity field :math:`u = \sqrt q\,x`, with x of the
    density

    .. math::

        p(x) = \phi(x)\,\big[\varepsilon + 2(1-\varepsilon)\,\Phi(kx)\big], \qquad k = \frac m{\sqrt s},

    and eps = 0 for rules, 1 for facts, the task's own for all samples.

    Attributes
    ----------
    solution : Solution
        The solution whose samples these are.
    share : float or array, in [0, 1]
        Share of facts among the samples that the law is of: 0, 1 or the task's eps.

    References
    ----------
    Chapter "The model, its two errors, and its limits", the weight of a margin and the cavity argument.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Square(), rf.Linear(), lam=0.1))
    >>> law = rf.margin_distribution(sol).facts
    >>> round(law.cdf(0.0), 4), law.atoms.margin.size
    (0.1663, 0)
    """

    solution: Solution
    share: float | Array

    def density(self, margin: float | Array) -> float | Array:
        """Return the density of the law's continuous part.

        Parameters
        ----------
        margin : float or array, in (-inf, inf)
            Where; any shape.

        Returns
        -------
        float or array, in [0, inf)
            Per unit of margin, shape ``solution.m.shape + margin.shape``.

        Raises
        ------
        ValueError
            If a margin is not finite, or if the learner minimises no loss.

        Examples
        --------
        >>> import raflib as rf
        >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Hinge(), rf.Linear(), lam=0.1))
        >>> round(rf.margin_distribution(sol).facts.density(0.0), 4)
        0.1203
        """
        at, q, k, share = self._around(margin)
        field, stretch = self._cavity(at)
        x = field / np.sqrt(q)
        with np.errstate(invalid="ignore"):
            weight = density(x) * label_weight(x, k, share) / np.sqrt(q)
        return _plain(np.where(stretch > 0.0, weight * stretch, np.where(np.isnan(q), np.nan, 0.0)))

    def cdf(self, margin: float | Array) -> float | Array:
        """Return the share of samples with a margin at most this large, atoms included.

        Parameters
        ----------
        margin : float or array, in (-inf, inf)
            Where; any shape.

        Returns
        -------
        float or array, in [0, 1]
            Of shape ``solution.m.shape + margin.shape``.

        Raises
        ------
        ValueError
            If a margin is not finite, or if the learner minimises no loss.

        Examples
        --------
        >>> import raflib as rf
        >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Hinge(), rf.Linear(), lam=0.1))
        >>> abs(rf.margin_distribution(sol).facts.cdf(0.0) - rf.memorization_error(sol)) < 1e-12
        True
        """
        at, q, k, share = self._around(margin)
        field, _ = self._cavity(at)
        return _plain(_share_below(field, q, k, share))

    @property
    def atoms(self) -> Atoms:
        """Margins that a finite share of samples has exactly, of shape ``solution.m.shape + (atoms,)``.

        Hinge and MaxMargin: the support vectors at 1. MinNorm: every sample at 1. Square, Logistic, SquaredHinge: none.

        Raises
        ------
        ValueError
            If the learner minimises no loss.

        Examples
        --------
        >>> import raflib as rf
        >>> sol = rf.solve(rf.RulesAndFacts(alpha=1.0, eps=0.3), rf.Learner(rf.MaxMargin(), rf.Linear(), lam=1))
        >>> margin, mass = rf.margin_distribution(sol).facts.atoms
        >>> margin.tolist(), mass.round(4).tolist()
        ([1.0], [0.7237])
        """
        _, q, k, share = self._around(0.0)
        V = np.asarray(self.solution.V)
        margins: list[Array] = []
        masses: list[Array] = []
        for loss, chosen in self._laws():
            for left, right, inside in _pieces(loss, V):
                flat = (loss.dprox(inside, V) == 0.0) & chosen
                if not flat.any():
                    continue
                margin = np.broadcast_to(loss.prox(inside, V), V.shape)
                mass = _share_below(right, q, k, share) - _share_below(left, q, k, share)
                mass = np.where(flat | np.isnan(q), mass, 0.0)
                same = [i for i, other in enumerate(margins) if np.array_equal(other, margin, equal_nan=True)]
                if same:  # the loss and its hard constraint have the kink in common
                    masses[same[0]] = masses[same[0]] + mass
                else:
                    margins.append(margin)
                    masses.append(mass)
        empty = np.empty((*V.shape, 0))
        return Atoms(*(np.stack(x, axis=-1) if x else empty for x in (margins, masses)))

    def _laws(self) -> tuple[tuple[Loss, Array], ...]:
        """Return the proximal maps at work, each with the points where it is."""
        loss, constrained = _learner(self.solution).loss, np.asarray(self.solution.constrained)
        hard = loss if loss.constraint is None else loss.constraint
        return (hard, constrained), (loss, ~constrained)

    def _around(self, margin: float | Array) -> tuple[Array, Array, Array, Array]:
        """Return margins, q, k and the share of facts with axes that broadcast to solution.m.shape + margin.shape."""
        at = np.asarray(validation.number("margin", margin))
        shape = np.shape(self.solution.m)
        q, m, s = (np.asarray(x) for x in (self.solution.q, self.solution.m, self.solution.s))
        spread = (*shape, *(1,) * at.ndim)
        q, k, share = (np.broadcast_to(x, shape).reshape(spread) for x in (q, m / np.sqrt(s), self.share))
        return at, q, k, share

    def _cavity(self, at: Array) -> tuple[Array, Array]:
        """Return the largest field u with prox_V(u) <= margin, and du / d(margin)."""
        spread = (*np.shape(self.solution.m), *(1,) * at.ndim)
        V = np.asarray(self.solution.V).reshape(spread)
        field = stretch = np.full(np.broadcast_shapes(spread, at.shape), np.nan)
        for loss, chosen in self._laws():
            chosen = chosen.reshape(spread)
            if chosen.any():
                found = cavity_field(loss, at, V)
                field, stretch = np.where(chosen, found[0], field), np.where(chosen, found[1], stretch)
        return field, stretch


class MarginDistribution(NamedTuple):
    """Laws of the training margin of the rules, of the facts, and of all samples together.

    Attributes
    ----------
    rules : MarginLaw
        Of the samples that follow the rule.
    facts : MarginLaw
        Of the coin flips.
    samples : MarginLaw
        Of both, in the task's proportion.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Hinge(), rf.Linear(), lam=0.1))
    >>> rules, facts, samples = rf.margin_distribution(sol)
    >>> abs(0.7 * rules.cdf(0.5) + 0.3 * facts.cdf(0.5) - samples.cdf(0.5)) < 1e-12
    True
    """

    rules: MarginLaw
    facts: MarginLaw
    samples: MarginLaw


def margin_distribution(solution: Solution) -> MarginDistribution:
    r"""Law of the training margins y omega, on rules and on facts separately.

    A sample's training margin is :math:`\operatorname{prox}_V(u)`, with :math:`u = \sqrt q\,x` its margin before it was
    learned, where x has the density

    .. math::

        &2\,\phi(x)\,\Phi(kx) \ \text{for a rule}, \quad k = \frac m{\sqrt s}, \\
        &\phi(x) \ \text{for a fact} .

    Where the proximal map is flat, at a kink of the loss, a finite share of samples ends at one margin.

    Parameters
    ----------
    solution : Solution
        Of a `Learner`, which minimises a loss.

    Returns
    -------
    MarginDistribution
        ``rules``, ``facts`` and ``samples``, each with ``density(margin)``, ``cdf(margin)`` and ``atoms``. At eps = 0
        the facts, at eps = 1 the rules, are those of a vanishing share.

    Raises
    ------
    ValueError
        If the learner is Bayes-optimal: it minimises no loss.

    References
    ----------
    arXiv:2603.25579. Chapter "The model, its two errors, and its limits", the cavity argument.

    Examples
    --------
    >>> import raflib as rf
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Hinge(), rf.Linear(), lam=0.1))
    >>> margins = rf.margin_distribution(sol)
    >>> bool(margins.rules.cdf(0.0) < margins.facts.cdf(0.0))       # rules help each other
    True
    """
    _learner(solution)
    return MarginDistribution(
        MarginLaw(solution, 0.0), MarginLaw(solution, 1.0), MarginLaw(solution, solution.task.eps)
    )


def cavity_field(loss: Loss, margin: Array, V: Array) -> tuple[Array, Array]:
    """Return the largest u with prox_V(u) <= margin, and du / d(margin): 0 where no field leads to the margin."""
    if loss.linear_force(V) is None:
        slope, bend, _ = cast(SmoothLoss, loss).derivatives(margin)
        return margin + V * slope, 1.0 + V * bend
    field, stretch = -np.inf + 0.0 * V, 0.0 * V
    for left, right, inside in _pieces(loss, V):
        slope, value = loss.dprox(inside, V), loss.prox(inside, V)
        rising = slope > 0.0
        lowest = np.where(np.isfinite(left), loss.prox(np.where(np.isfinite(left), left, inside), V), -np.inf)
        reached = margin >= np.where(rising, lowest, value)
        with np.errstate(divide="ignore", invalid="ignore"):
            along = np.where(rising, inside + (margin - value) / slope, right)
            field = np.where(reached, along, field)
            stretch = np.where(reached, np.where(rising, 1.0 / slope, 0.0), stretch)
    return field, stretch


def _pieces(loss: Loss, V: Array) -> list[tuple[Array, Array, Array]]:
    """Return ends and an inner point of the intervals of u in which the proximal map has no kink."""
    knots = loss.kinks(V)
    if not knots:
        return [(np.full(V.shape, -np.inf), np.full(V.shape, np.inf), np.zeros(V.shape))]
    first, last = np.full(V.shape, -np.inf), np.full(V.shape, np.inf)
    lefts, rights = (first, *knots), (*knots, last)
    inner = (knots[0] - 1.0, *((a + b) / 2.0 for a, b in pairwise(knots)), knots[-1] + 1.0)
    return list(zip(lefts, rights, inner, strict=True))


def _share_below(field: Array, q: Array, k: Array, share: Array) -> Array:
    """Return P(u <= field)."""
    return np.clip(truncated_moments(field / np.sqrt(q), k, share).i0, 0.0, 1.0)


def _learner(solution: Solution) -> Learner:
    """Return the learner of a solution, or raise ValueError if it minimises no loss."""
    if not isinstance(solution.learner, Learner):
        raise ValueError(f"learner = {solution.learner!r} minimises no loss: it has no training margins")
    return solution.learner


def _plain(value: Array) -> float | Array:
    """Return a float for a single number."""
    return float(value) if value.ndim == 0 else value
