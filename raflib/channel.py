r"""The channel: from task, loss and overlaps to conjugates, and how they change with the overlaps.

With margin field u = sqrt(q) x, x of density p(x) (`raflib.gaussian`), and g the force of the loss:

    q_hat = alpha E[g^2],   V_hat = -alpha E[g'(u)],   m_hat = alpha c E_t[g(sqrt(s) t)],   c = (1 - eps) sqrt(2/pi),

t ~ N(0, 1): m_hat lives on the teacher's decision boundary, where the student's field has variance s only.
arXiv:2603.25579, replica-symmetric equations; derived in the chapter on the saddle point.

For a piecewise linear force each expectation is a sum of truncated Gaussian moments in closed form. The terms of
that sum can cancel (a narrow piece, or a perfect student). The ratio of the terms' size to the sum measures it;
points where it is too large are integrated by Gauss-Legendre panels instead, whose terms are all positive.

The derivatives follow from three identities: the heat equation d/ds E[f] = E[f''] / 2 at fixed m; scaling and
Stein's lemma, d/dm E[f] = (m E[u f'] + s c E_t[f']) / q at fixed s, since the label law jumps at the boundary only;
and d/dV g = g g', because the Moreau envelope solves d/dV M = -(dM/du)^2 / 2 and g = -dM/du. The second is also
m E[f''] + c E_t[f'], whose terms cancel for a perfect student.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from .gaussian import (
    GAUSSIAN_BREAKS,
    REACH,
    SQRT_2_OVER_PI,
    density,
    integrate,
    label_weight,
    ragged_panels,
    step_breaks,
    tilted_mean,
    truncated_moments,
)
from .losses import LinearForce, Loss, SmoothLoss
from .overlaps import Array, Conjugates, Overlaps

#: A closed form is trusted while rounding (2e-16 of its largest terms) stays below 2e-12 of its value.
_LARGEST_CANCELLATION = 1e4
#: Points that are worked on at once: bounds the memory of a large batch to some tens of megabytes.
CHUNK = 4096
#: The same where every point has some hundred nodes.
_SMOOTH_CHUNK = 256
#: A field that moves the prox by less than this is resolved by panels in the field itself.
_NARROW = 0.5


class Moments(NamedTuple):
    """Expectations of the force g: over t on the decision boundary (E_t), and over margins (E)."""

    boundary: Array  # E_t[g]
    boundary_slope: Array  # E_t[g g']
    square: Array  # E[g^2]
    stiffness: Array  # -E[g']
    square_slope: Array  # E[g^2 g']
    stiffness_square: Array  # E[g'^2]
    torque: Array  # E[u g g']


class Kinks(NamedTuple):
    """Expectations of the second derivative g2 of the force; of a piecewise linear one a delta at every knot."""

    boundary: Array  # E_t[g2]
    square: Array  # E[g g2]
    third: Array  # E[dg2/du]
    torque: Array  # E[u g2]


class Channel(NamedTuple):
    """Conjugates, and how they change with the overlaps.

    Attributes
    ----------
    conjugates : Conjugates
        Arrays of shape (n,).
    slopes : array, shape (3, 3, n)
        Derivatives of (m_hat, q_hat, V_hat), the first axis, by (V, s, m), the second.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> from raflib.channel import channel
    >>> one = np.ones(1)
    >>> hats, slopes = channel(2 * one, 0.3 * one, rf.Square(), rf.Overlaps(0.5 * one, 0.5 * one, one))
    >>> slopes.shape, float(slopes[2, 0, 0])                                     # V_hat = 2 / (1 + V)
    ((3, 3, 1), -0.5)
    """

    conjugates: Conjugates
    slopes: Array


def conjugates(alpha: Array, eps: Array, loss: Loss, overlaps: Overlaps) -> Conjugates:
    r"""Return the conjugates of the overlaps: what the training samples do to a learner with these overlaps.

    .. math::

        \hat q &= \alpha\,\mathbb E[g(u)^2], \qquad \hat V = -\alpha\,\mathbb E[g'(u)], \\
        \hat m &= \alpha\,c\ \mathbb E_t[g(\sqrt s\,t)], \qquad c = (1-\varepsilon)\sqrt{2/\pi},

    with g the force of the loss, margin field :math:`u = \sqrt q\,x`, x of density :math:`\phi(x)P(x)`, and t standard
    normal: the pull towards the teacher comes from its decision boundary alone. Closed form where no cancellation
    threatens, quadrature elsewhere.

    Parameters
    ----------
    alpha : array, shape (n,), in (0, inf)
        Samples per weight that the equations count.
    eps : array, shape (n,), in [0, 1]
        Share of facts.
    loss : `raflib.losses.Loss`
        The loss, or the hard constraint.
    overlaps : Overlaps
        Arrays of shape (n,).

    Returns
    -------
    Conjugates
        Arrays of shape (n,), of relative accuracy about 1e-11 or better; V_hat of the hinge 1e-16 / V where that is
        more: the width of the interval between its knots is 1 - (1 - V).

    References
    ----------
    arXiv:2603.25579, replica-symmetric equations. Chapter "The linear trade-off", any convex loss.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> from raflib.channel import conjugates
    >>> one = np.ones(1)
    >>> hats = conjugates(2 * one, 0.3 * one, rf.Square(), rf.Overlaps(0.5 * one, 0.5 * one, one))
    >>> float(hats.V_hat[0])                                                     # alpha / (1 + V)
    1.0
    """
    return channel(alpha, eps, loss, overlaps).conjugates


def channel(alpha: Array, eps: Array, loss: Loss, overlaps: Overlaps) -> Channel:
    r"""Return the conjugates of the overlaps, and their derivatives by them.

    The derivatives follow from three identities, at fixed other overlaps, for a function f of the margin:

    .. math::

        \partial_s\,\mathbb E[f] &= \tfrac12\,\mathbb E[f''], \\
        \partial_m\,\mathbb E[f] &= \tfrac1q\big(m\,\mathbb E[u f'] + s\,c\,\mathbb E_t[f']\big), \\
        \partial_V\,g &= g\,g' .

    Parameters
    ----------
    alpha : array, shape (n,), in (0, inf)
        Samples per weight that the equations count.
    eps : array, shape (n,), in [0, 1]
        Share of facts.
    loss : `raflib.losses.Loss`
        The loss, or the hard constraint.
    overlaps : Overlaps
        Arrays of shape (n,).

    Returns
    -------
    Channel
        As `raflib.channel.conjugates`, with slopes of the same accuracy.

    References
    ----------
    Heat equation, Stein's lemma, and the Hamilton-Jacobi equation of the Moreau envelope; the top of the module says
    how.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> from raflib.channel import channel
    >>> one = np.ones(1)
    >>> found = channel(2 * one, 0.3 * one, rf.Hinge(), rf.Overlaps(0.5 * one, 0.5 * one, one))
    >>> bool(found.slopes[1, 0, 0] < 0)                          # the more a margin gives way, the less random force
    True
    """
    force = loss.linear_force(overlaps.V)
    if force is None:
        moments, kinks = _smooth(eps, cast(SmoothLoss, loss), overlaps)
    else:
        moments, kinks, trusted = _closed_form(eps, force, overlaps)
        if not trusted.all():
            at = ~trusted
            by_nodes = quadrature(eps[at], loss, Overlaps(*(x[at] for x in overlaps)))
            for into, value in zip(moments, by_nodes, strict=True):
                into[at] = value
    c = SQRT_2_OVER_PI * (1.0 - eps)
    heat = moments.stiffness_square + kinks.square
    slopes = np.zeros((3, 3, eps.size))
    slopes[0, 0] = c * moments.boundary_slope
    slopes[0, 1] = 0.5 * c * kinks.boundary
    slopes[1, 0] = 2.0 * moments.square_slope
    slopes[1, 1] = heat
    along, across = overlaps.m / overlaps.q, c * overlaps.s / overlaps.q
    slopes[1, 2] = 2.0 * (along * moments.torque + across * moments.boundary_slope)
    slopes[2, 0] = -heat
    slopes[2, 1] = -0.5 * kinks.third
    slopes[2, 2] = -(along * kinks.torque + across * kinks.boundary)
    slopes *= alpha
    hats = Conjugates(alpha * c * moments.boundary, alpha * moments.square, alpha * moments.stiffness)
    return Channel(hats, slopes)


class _Line(NamedTuple):
    """Intercept c and slope s of a linear piece, with their products."""

    c: Array
    s: Array
    cc: Array
    cs: Array
    ss: Array


def _closed_form(eps: Array, force: LinearForce, overlaps: Overlaps) -> tuple[Moments, Kinks, NDArray[np.bool_]]:
    """Return the expectations of a piecewise linear force and where no cancellation threatens them.

    With I(h) the integral up to h, the sum over intervals of c (I(end) - I(begin)) is a sum over knots of the drop
    of c there times I(knot), plus the last c times I(inf).
    """
    q = overlaps.q
    R, S = np.sqrt(q), np.sqrt(overlaps.s)
    k = overlaps.m / S
    rule = 2.0 * (1.0 - eps)
    lines = [_Line(c, s, c * c, c * s, s * s) for c, s in zip(force.intercepts, force.slopes, strict=True)]
    last = lines[-1]
    mean = 2.0 * R * tilted_mean(k, eps)
    boundary, boundary_slope = last.c.copy(), last.cs.copy()
    square = last.cc + last.cs * mean + last.ss * q
    square_slope = last.s * square
    stiffness, stiffness_square = -last.s, last.ss.copy()
    torque = 0.5 * last.cs * mean + last.ss * q
    size_m, size_q, size_V = np.abs(last.c), last.cc + np.abs(last.cs * mean) + last.ss * q, np.abs(last.s)
    at_boundary, at_square, third, at_torque = (np.zeros_like(q) for _ in range(4))
    # Drops that sum to zero may be weighted by the mass above each knot as well as by the mass below. That is small
    # where all knots lie in the upper tail: a learner whose margins hardly reach its kinks.
    upper = (force.knots[0] > 0.0) & (lines[0].s == last.s) if force.knots else np.zeros(q.shape, dtype=bool)
    for knot, left, right in zip(force.knots, lines, lines[1:], strict=False):
        x, t = knot / R, knot / S
        moments = truncated_moments(x, k, eps)
        below, phi = ndtr(t), density(t)
        c, s, cc, cs, ss = (a - b for a, b in zip(left, right, strict=True))
        i0, i1, i2 = moments.i0, 2.0 * R * moments.i1, q * moments.i2
        boundary += c * below - S * s * phi
        boundary_slope += cs * below - S * ss * phi
        square += cc * i0 + cs * i1 + ss * i2
        square_slope += (
            (left.s * left.cc - right.s * right.cc) * i0
            + (left.s * left.cs - right.s * right.cs) * i1
            + (left.s * left.ss - right.s * right.ss) * i2
        )
        torque += 0.5 * cs * i1 + ss * i2
        mass = np.where(upper, -moments.above, i0)
        stiffness -= s * mass
        stiffness_square += ss * mass
        size_m += np.abs(c) * below + S * np.abs(s) * phi
        size_q += (np.abs(cc) + 2.0 * R * np.abs(cs) + q * np.abs(ss)) * moments.magnitude
        size_V += np.abs(s) * np.where(upper, moments.above, moments.magnitude)
        at_boundary -= s * phi / S
        at_square -= s * (left.c + left.s * knot) * moments.density / R
        at_torque -= s * x * moments.density
        third += s * (rule * k * density(x) * density(k * x) - x * moments.density) / q
    trusted = size_m <= _LARGEST_CANCELLATION * boundary
    trusted &= size_q <= _LARGEST_CANCELLATION * square
    trusted &= size_V <= _LARGEST_CANCELLATION * stiffness
    found = Moments(boundary, boundary_slope, square, stiffness, square_slope, stiffness_square, torque)
    return found, Kinks(at_boundary, at_square, third, at_torque), trusted


def _smooth(eps: Array, loss: SmoothLoss, overlaps: Overlaps) -> tuple[Moments, Kinks]:
    """Return the expectations of a smooth force by quadrature over the prox p itself.

    In p everything is explicit: u = p + V l'(p), du = (1 + V l''(p)) dp, g = -l'(p). No root is sought but at the ends
    of the panels.
    """
    if eps.size > _SMOOTH_CHUNK:
        parts = [
            _smooth(eps[at], loss, Overlaps(*(x[at] for x in overlaps)))
            for at in (slice(first, first + _SMOOTH_CHUNK) for first in range(0, eps.size, _SMOOTH_CHUNK))
        ]
        joined = [[np.concatenate(rows) for rows in zip(*group, strict=True)] for group in zip(*parts, strict=True)]
        return Moments(*joined[0]), Kinks(*joined[1])
    q, V, m = overlaps.q, overlaps.V, overlaps.m
    R, S = np.sqrt(q), np.sqrt(overlaps.s)
    k = m / S
    at = _smooth_nodes(loss, S, V, ())
    weight = at.du * density(at.u / S[at.rows]) / S[at.rows]
    boundary, boundary_slope, at_boundary = at.sums(weight * at.g, -weight * at.g * at.stiff, weight * at.g2)
    at = _smooth_nodes(loss, R, V, step_breaks(k))
    x = at.u / R[at.rows]
    weight = at.du * density(x) * label_weight(x, k[at.rows], eps[at.rows]) / R[at.rows]
    force, stiffness, bend, pull = weight * at.g, weight * at.stiff, weight * at.g2, at.u
    square, stiff, slope, both, torque, at_square, at_torque = at.sums(
        force * at.g,
        stiffness,
        -force * at.g * at.stiff,
        stiffness * at.stiff,
        -pull * force * at.stiff,
        force * at.g2,
        pull * bend,
    )
    moments = Moments(boundary, boundary_slope, square, stiff, slope, both, torque)
    # By scaling and Stein's lemma, as for every f: d/ds E[f] = (E[u f'] - m c E_t[f']) / (2 q).
    third = (at_torque - m * SQRT_2_OVER_PI * (1.0 - eps) * at_boundary) / q
    return moments, Kinks(at_boundary, at_square, third, at_torque)


class _Nodes(NamedTuple):
    """Nodes of all panels, shape (panels, nodes): field, its weight, force, minus its slope, its curvature."""

    points: int
    rows: NDArray[np.intp]  # the point that a panel belongs to, as a column
    u: Array
    du: Array
    g: Array
    stiff: Array
    g2: Array

    def sums(self, *integrands: Array) -> list[Array]:
        """Return for each integrand its sum over the nodes of every point."""
        rows = self.rows[:, 0]
        return [np.bincount(rows, f.sum(axis=1), self.points).astype(np.float64, copy=False) for f in integrands]


def _smooth_nodes(loss: SmoothLoss, width: Array, V: Array, narrow: Sequence[Array]) -> _Nodes:
    """Return panels that resolve a smooth force and a Gaussian field of this width, broken at ``narrow`` widths too.

    Panels are laid in the prox p, where the force is smooth on the scale of the loss. Where the whole field moves the
    prox by little, u = p + V l'(p) would be a difference of large numbers: panels are laid in u there, and p is sought.
    """
    ends = np.stack([np.full(width.shape, x) for x in (-REACH, *GAUSSIAN_BREAKS, REACH)] + list(narrow), axis=-1)
    fields = np.sort(width[:, None] * ends, axis=-1)
    edges = loss.prox(fields, V[:, None])
    # Beyond the bulk phi is below 1e-17: one panel on each side is enough there.
    low, high = (loss.prox(b * width, V) for b in (GAUSSIAN_BREAKS[0], GAUSSIAN_BREAKS[-1]))
    inside = high - low < _NARROW
    levels = np.clip(np.asarray(loss.levels), low[:, None], high[:, None])
    edges = np.where(inside[:, None], fields, edges)
    levels = np.where(inside[:, None], fields[:, :1], levels)
    sought, x, dx = ragged_panels(np.concatenate([edges, levels], axis=1))
    rows = sought[:, None]
    V_row, within = V[rows], inside[sought]
    p = x.copy()
    p[within] = loss.prox(x[within], V_row[within])
    slope, bend, twist = loss.derivatives(p)
    stretch = 1.0 + V_row * bend
    u = np.where(within[:, None], x, p + V_row * slope)
    du = np.where(within[:, None], dx, stretch * dx)
    return _Nodes(width.size, rows, u, du, -slope, bend / stretch, -twist / stretch**3)


def quadrature(eps: Array, loss: Loss, overlaps: Overlaps) -> Moments:
    r"""Average a force and its products with its slope over the margins of new samples, by quadrature.

    .. math::

        \mathbb E[f] &= \int\!dx\,\phi(x)\,P(x)\,f(\sqrt q\,x), \\
        P(x) &= \varepsilon + 2(1-\varepsilon)\,\Phi(kx), \quad k = m/\sqrt s, \\
        \mathbb E_t[f] &= \int\!dt\,\phi(t)\,f(\sqrt s\,t),

    the second average over the teacher's decision boundary. Panels of 24 Gauss-Legendre nodes end at every kink of the
    force, and resolve the step of the label law. The second route to `raflib.channel.conjugates`, which take closed
    forms where they can; and the one for a force that is no convex loss's, as that of the posterior.

    Parameters
    ----------
    eps : array, shape (n,), in [0, 1]
        Share of facts.
    loss : `raflib.losses.Loss`
        The loss, or the hard constraint. Of its members ``force``, ``stiffness`` and ``kinks`` are used, and they may
        be those of any force that is smooth between its kinks.
    overlaps : Overlaps
        Arrays of shape (n,), s and V in (0, inf).

    Returns
    -------
    NamedTuple of seven array, shape (n,)
        In this order, with fields of these names: over the boundary :math:`\mathbb E_t[g]` (boundary) and
        :math:`\mathbb E_t[gg']` (boundary_slope); over the margins :math:`\mathbb E[g^2]` (square),
        :math:`-\mathbb E[g']` (stiffness), :math:`\mathbb E[g^2g']` (square_slope), :math:`\mathbb E[g'^2]`
        (stiffness_square) and :math:`\mathbb E[ugg']` (torque), with :math:`u = \sqrt q\,x`. Accuracy about 1e-11 for
        the losses of this library, relative to the average of the integrand's size; 1e-7 for the force of a posterior
        that believes in one fact in a thousand, which bends within a panel.

    References
    ----------
    Chapter "The linear trade-off", any convex loss; for :math:`\mathbb E[g'^2]` chapter "Message passing on one
    training set", how fast.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> from raflib.channel import quadrature
    >>> one = np.ones(1)
    >>> moments = quadrature(0.3 * one, rf.Square(), rf.Overlaps(0.5 * one, 0.5 * one, one))
    >>> float(moments.stiffness_square[0].round(12))                             # g' = -1 / (1 + V)
    0.25
    """

    def over_boundary(function: Callable[[Array, Array], Array]) -> Array:
        root_s = np.sqrt(overlaps.s)
        end = np.full(root_s.shape, REACH)
        kinks = [kink / root_s for kink in loss.kinks(overlaps.V)]
        return integrate(lambda t: density(t) * function(root_s[:, None] * t, overlaps.V[:, None]), -end, end, kinks)

    def over_margins(function: Callable[[Array, Array], Array]) -> Array:
        return _mean_over_margins(function, loss, overlaps, eps)

    return Moments(
        boundary=over_boundary(loss.force),
        boundary_slope=-over_boundary(lambda u, V: loss.force(u, V) * loss.stiffness(u, V)),
        square=over_margins(lambda u, V: loss.force(u, V) ** 2),
        stiffness=over_margins(loss.stiffness),
        square_slope=-over_margins(lambda u, V: loss.force(u, V) ** 2 * loss.stiffness(u, V)),
        stiffness_square=over_margins(lambda u, V: loss.stiffness(u, V) ** 2),
        torque=-over_margins(lambda u, V: u * loss.force(u, V) * loss.stiffness(u, V)),
    )


def mean_loss(loss: Loss, overlaps: Overlaps, eps: Array) -> Array:
    """Return E[l(prox_V(u))], the mean training loss, for arrays of one shape (n,)."""
    return _mean_over_margins(lambda u, V: loss.value(loss.prox(u, V)), loss, overlaps, eps)


def mean_moreau(loss: Loss, overlaps: Overlaps, eps: Array) -> Array:
    """Return E[M_V(u)], M_V(u) = min_x l(x) + (x - u)^2 / (2 V), for arrays of one shape (n,)."""
    return _mean_over_margins(
        lambda u, V: loss.value(loss.prox(u, V)) + 0.5 * V * loss.force(u, V) ** 2, loss, overlaps, eps
    )


def mean_pull(loss: Loss, overlaps: Overlaps, eps: Array) -> Array:
    """Return E[g(u) prox_V(u)], a sample's force times its training margin, for arrays of one shape (n,)."""
    return _mean_over_margins(lambda u, V: loss.force(u, V) * loss.prox(u, V), loss, overlaps, eps)


def _mean_over_margins(function: Callable[[Array, Array], Array], loss: Loss, overlaps: Overlaps, eps: Array) -> Array:
    """Return E[function(u, V)] by quadrature; the function may have kinks where the loss has."""
    if eps.size > CHUNK:
        parts = [slice(first, first + CHUNK) for first in range(0, eps.size, CHUNK)]
        return np.concatenate(
            [_mean_over_margins(function, loss, Overlaps(*(x[at] for x in overlaps)), eps[at]) for at in parts]
        )
    root_q, k = np.sqrt(overlaps.q)[:, None], (overlaps.m / np.sqrt(overlaps.s))[:, None]
    end = np.full(k.shape[0], REACH)
    breaks = [*(kink / root_q[:, 0] for kink in loss.kinks(overlaps.V)), *step_breaks(k[:, 0])]
    return integrate(
        lambda x: density(x) * label_weight(x, k, eps[:, None]) * function(root_q * x, overlaps.V[:, None]),
        -end,
        end,
        breaks,
    )
