"""Expectations under the Gaussian law of a field, weighted by the label law. Every cut-off of the library is here.

The margin field of a rules-and-facts sample is u = sqrt(q) x with density

    p(x) = phi(x) [eps + 2 (1 - eps) Phi(k x)],    k = m / sqrt(s),

a standard normal tilted towards the side where the teacher agrees with the label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, owens_t

from .overlaps import Array

SQRT_2PI = float(np.sqrt(2 * np.pi))
SQRT_2_OVER_PI = float(np.sqrt(2 / np.pi))

#: Beyond this many standard deviations the normal density underflows: phi(38) < 1e-314.
REACH = 38.0
#: Where quadrature panels end inside the reach: phi changes by little more than e^10 within a panel.
GAUSSIAN_BREAKS = (-9.0, -4.5, 4.5, 9.0)
#: Phi(k x) differs from a step by less than 1e-15 beyond |k x| = 8.
_STEP_WIDTH = 8.0
#: Gauss-Legendre nodes of a panel; the error of phi on the widest inner panel is below 1e-14.
_NODES = 24


def density(x: Array) -> Array:
    r"""Return the standard normal density :math:`\phi(x)`.

    Parameters
    ----------
    x : array, in (-inf, inf)
        Where.

    Returns
    -------
    array
        Of the shape of x.

    Examples
    --------
    >>> import numpy as np
    >>> from raflib.gaussian import density
    >>> density(np.array([0.0, 1.0])).round(4)
    array([0.3989, 0.242 ])
    """
    return np.exp(-0.5 * x * x) / SQRT_2PI


@lru_cache(maxsize=8)
def gauss_legendre(n: int) -> tuple[Array, Array]:
    """Return nodes and weights of the n-point Gauss-Legendre rule on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return 0.5 * (nodes + 1.0), 0.5 * weights


def label_weight(x: Array, k: Array, eps: Array) -> Array:
    r"""Return the weight of a margin relative to the normal density.

    .. math::

        P(x) = \varepsilon + 2(1-\varepsilon)\,\Phi(kx)

    Parameters
    ----------
    x : array, in (-inf, inf)
        Margin of a labelled test field in units of its width, u = sqrt(q) x.
    k : array, in [0, inf)
        Cotangent m / sqrt(s) of the angle between student and teacher.
    eps : array, in [0, 1]
        Share of facts.

    Returns
    -------
    array, in [0, 2]
        Of the shape that x, k and eps broadcast to.

    References
    ----------
    Chapter "The model, its two errors, and its limits", the weight of a margin.

    Examples
    --------
    >>> import numpy as np
    >>> from raflib.gaussian import label_weight
    >>> label_weight(np.array([-1.0, 0.0, 1.0]), np.array(1e9), np.array(0.3)).tolist()    # a nearly perfect student
    [0.3, 1.0, 1.7]
    """
    return np.asarray(eps + 2.0 * (1.0 - eps) * ndtr(k * x))


class TruncatedMoments(NamedTuple):
    """Moments of the margin density up to a bound, and what is needed to trust them.

    Attributes
    ----------
    i0, i1, i2 : array
        Integrals of 1, x and x^2 under the density, from -inf to the bound.
    magnitude : array
        Size of the terms that they are differences of.
    above : array
        The mass above the bound, 1 - i0, without cancellation.
    density : array
        The density at the bound.

    Examples
    --------
    >>> import numpy as np
    >>> from raflib.gaussian import truncated_moments
    >>> half = truncated_moments(np.array(0.0), np.array(0.0), np.array(1.0))          # facts: a standard normal
    >>> float(half.i0), float(half.above), float(half.i2)
    (0.5, 0.5, 0.5)
    """

    i0: Array
    i1: Array
    i2: Array
    magnitude: Array
    above: Array
    density: Array


def truncated_moments(h: Array, k: Array, eps: Array) -> TruncatedMoments:
    r"""Return the truncated moments of the margin density in closed form.

    .. math::

        I_n(h) &= \int_{-\infty}^h x^n\,\phi(x)\,P(x)\,dx, \\
        I_0 &= \Phi(h) - 2(1-\varepsilon)\,T(h, k), \\
        I_1 &= -\phi(h)P(h) \\
        &\quad + \frac{2(1-\varepsilon)\,k}{\sqrt{2\pi(1+k^2)}}\ \Phi\big(h\sqrt{1+k^2}\big), \\
        I_2 &= I_0 - h\,\phi(h)P(h) \\
        &\quad - \frac{2(1-\varepsilon)\,k}{1+k^2}\ \phi(h)\,\phi(kh),

    with P of `label_weight <raflib.gaussian.label_weight>` and Owen's function
    :math:`T(h,k) = \frac1{2\pi}\int_0^k e^{-h^2(1+x^2)/2}\,\frac{dx}{1+x^2}`. The last two follow by parts from
    :math:`\phi' = -x\phi`.

    Parameters
    ----------
    h : array, in [-inf, inf]
        Bound, in units of the width of the test field.
    k : array, in [0, inf]
        Cotangent m / sqrt(s) of the angle between student and teacher.
    eps : array, in [0, 1]
        Share of facts.

    Returns
    -------
    TruncatedMoments
        Each value is a difference of terms as large as the returned magnitude, so its error is about 2e-16 of that;
        `raflib.channel.conjugates` watches what is left of it.

    References
    ----------
    Owen, Ann. Math. Statist. 27 (1956) 1075. Chapter "The linear trade-off", truncated Gaussian moments.

    Examples
    --------
    >>> import numpy as np
    >>> from raflib.gaussian import truncated_moments
    >>> half_line = truncated_moments(np.array(np.inf), np.array(1.0), np.array(0.3))
    >>> [round(float(i), 12) for i in half_line[:3]]     # normalised, mean 0.7 / sqrt(pi), second moment 1
    [1.0, 0.394932708483, 1.0]
    """
    finite = np.minimum(np.maximum(h, -REACH), REACH)
    rule, root = 2.0 * (1.0 - eps), np.sqrt(1.0 + k * k)
    # sine = k / sqrt(1 + k^2) of the angle whose cotangent is k: stays finite for a perfect student, k = inf.
    sine = rule / SQRT_2PI * (k / root)
    phi, below, above = density(finite), ndtr(finite), ndtr(-finite)
    tilted = phi * (eps + rule * ndtr(k * finite))
    owen = rule * owens_t(finite, k)
    rotated = root * finite
    i0 = below - owen
    i1 = sine * ndtr(rotated) - tilted
    i2 = i0 - finite * tilted - sine / root * density(rotated)
    return TruncatedMoments(i0, i1, i2, below + (1.0 + np.abs(finite)) * phi, above + owen, tilted)


def tilted_mean(k: Array, eps: Array) -> Array:
    """Return E[x] = 2 (1 - eps) k / sqrt(2 pi (1 + k^2)) under p; E[1] = E[x^2] = 1."""
    return np.asarray(2.0 * (1.0 - eps) / SQRT_2PI * (k / np.sqrt(1.0 + k * k)))


def integrate(function: Callable[[Array], Array], low: Array, high: Array, breaks: Sequence[Array] = ()) -> Array:
    """Integrate a batched function by Gauss-Legendre panels.

    Parameters
    ----------
    function : function
        Called with nodes of shape ``low.shape + (k,)``, it returns values of the same shape.
    low, high : array, in [-inf, inf]
        Ends, of one shape; clipped to +-38, where the normal density underflows.
    breaks : sequence of array, in (-inf, inf)
        Points where the integrand has a kink or a narrow feature; those outside [low, high] have no effect.

    Returns
    -------
    array
        Of the shape of the ends. With 24 nodes a panel the error is below 1e-14 for a normal density times a function
        that is smooth on its scale.

    Examples
    --------
    >>> import numpy as np
    >>> from raflib.gaussian import density, integrate
    >>> end = np.array([np.inf])
    >>> mean = integrate(lambda x: density(x) * np.abs(x), -end, end, [np.zeros(1)])           # a kink at 0
    >>> float((mean[0] * np.sqrt(np.pi / 2)).round(12))
    1.0
    """
    low, high = np.clip(low, -REACH, REACH), np.clip(high, -REACH, REACH)
    fixed = [np.full(low.shape, b) for b in GAUSSIAN_BREAKS]
    x, weights = panels(low, high, (*fixed, *breaks))
    return np.asarray((function(x) * weights).sum(axis=-1))


def panels(low: Array, high: Array, breaks: Sequence[Array]) -> tuple[Array, Array]:
    """Return Gauss-Legendre nodes and weights, shape low.shape + (nodes,), of panels between the sorted breaks."""
    inner = [np.minimum(np.maximum(b, low), high) for b in breaks]
    edges = np.sort(np.stack([low, *inner, high], axis=-1), axis=-1)
    nodes, weights = gauss_legendre(_NODES)
    width = np.diff(edges, axis=-1)[..., None]
    # The last axis is written out: -1 cannot be inferred for an empty batch.
    shape = (*low.shape, width.shape[-2] * nodes.size)
    return (edges[..., :-1, None] + width * nodes).reshape(shape), (width * weights).reshape(shape)


def ragged_panels(edges: Array) -> tuple[NDArray[np.intp], Array, Array]:
    """Return the panels between neighbours of edges (n, breaks), empty ones left out.

    That is the row that each belongs to, ascending, and nodes and weights of shape (panels, nodes).
    """
    edges = np.sort(edges, axis=-1)
    rows, first = np.nonzero(edges[:, 1:] > edges[:, :-1])
    low = edges[rows, first]
    width = edges[rows, first + 1] - low
    nodes, weights = gauss_legendre(_NODES)
    return rows, low[:, None] + width[:, None] * nodes, width[:, None] * weights


def step_breaks(k: Array) -> tuple[Array, Array, Array]:
    """Return the break points that resolve the step of Phi(k x) at x = 0 for every k."""
    with np.errstate(divide="ignore"):
        reach = np.minimum(_STEP_WIDTH / np.abs(k), REACH)
    return -reach, np.zeros_like(reach), reach
