r"""Gardner's volume: how many students store all labels with a margin.

Students w on the sphere ||w||^2 = d, uniform; a student counts if y w.x / sqrt(d) >= margin on every sample. The
replica-symmetric entropy per dimension is the extremum over q (overlap of two students) and m (with the teacher) of

    S = log(1 - q) / 2 + (q - m^2) / (2 (1 - q)) + alpha E[log H((margin - sqrt(q) x) / sqrt(1 - q))],

H(h) = Phi(-h), x of the density p of `raflib.gaussian` with k = m / sqrt(q - m^2). Its saddle point has the form of
every other learner's: with V = 1 - q, m = m_hat V and q - m^2 = q_hat V^2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr

from . import validation
from .fixed_point import iterate
from .gaussian import REACH, SQRT_2_OVER_PI, density, integrate, label_weight, step_breaks
from .overlaps import Array, Conjugates, Overlaps
from .separability import capacity
from .solve import ConvergenceError

_DIFFERENCE = 1e-5
_TOLERANCE = 1e-10
_STEPS = 300


class GardnerVolume(NamedTuple):
    """The students that store all labels: how many they are, and what two of them have in common.

    Attributes
    ----------
    entropy : float or array, in (-inf, 0]
        Logarithm of their share of the sphere, per input dimension; towards -inf at capacity.
    q : float or array, in (0, 1)
        Overlap of two random ones of them (q_EA), 1 at capacity.
    m : float or array, in [0, 1)
        Their overlap with the teacher; 0 at eps = 1.

    Examples
    --------
    >>> import raflib as rf
    >>> volume = rf.gardner_volume(alpha=1.0, eps=0.5)
    >>> volume.m > 0, volume.q > volume.m               # nearer to each other than to the teacher
    (True, True)
    """

    entropy: float | Array
    q: float | Array
    m: float | Array


def gardner_volume(alpha: float | Array, eps: float | Array = 1.0, margin: float | Array = 0.0) -> GardnerVolume:
    r"""Entropy of the students that store rules-and-facts labels with a margin, and their typical overlap.

    Students w are uniform on the sphere :math:`\lVert w\rVert^2 = d`; one counts if
    :math:`y\,w\cdot x/\sqrt d \ge \kappa_\mathrm m` on every sample. The entropy per dimension is the extremum over q
    and m of

    .. math::

        S ={}& \tfrac12\log(1-q) + \frac{q-m^2}{2(1-q)} \\
        &+ \alpha\,\mathbb E\Big[\log\Phi\Big(\frac{\sqrt q\,x-\kappa_\mathrm m}{\sqrt{1-q}}\Big)\Big],

    x of density :math:`\phi(x)\,[\varepsilon + 2(1-\varepsilon)\Phi(kx)]` with :math:`k = m/\sqrt{q-m^2}`.

    Parameters
    ----------
    alpha : float or array, in (0, capacity(eps, margin))
        Samples per input dimension.
    eps : float or array, in [0, 1]
        Share of facts; 1 is Gardner's problem.
    margin : float or array, in [0, inf)
        Margin in units of the student's field, y w.x / sqrt(d).

    Returns
    -------
    GardnerVolume
        ``entropy``, ``q`` and ``m``, of the broadcast shape; residual of the equations at most 1e-10.

    Raises
    ------
    ValueError
        If an argument is outside its range, or if the shapes do not broadcast.
    ConvergenceError
        If alpha is not below capacity: no student stores all labels.

    Notes
    -----
    Exact for every margin >= 0: the students that store all labels are a convex part of the sphere, which cannot fall
    apart into clusters. At a negative margin it does: two solutions typically have many different overlaps, replica
    symmetry misses that, and its entropy and capacity are too large (arXiv:2410.06717). Not offered, therefore.

    References
    ----------
    Gardner, J. Phys. A 21 (1988) 257; Shcherbina and Tirozzi, arXiv:math-ph/0112003, for a proof at eps = 1.

    Examples
    --------
    >>> import raflib as rf
    >>> half = rf.gardner_volume(alpha=1.0)          # coin flips at half of capacity
    >>> round(half.entropy, 4), round(half.q, 4), half.m
    (-0.8558, 0.5853, 0.0)
    """
    arrays = validation.broadcast(
        alpha=validation.number("alpha", alpha, 0, open_low=True),
        eps=validation.number("eps", eps, 0, 1),
        margin=validation.number("margin", margin, 0),
    )
    shape = arrays[0].shape
    load, share, kappa = (np.ascontiguousarray(x, dtype=np.float64).ravel() for x in arrays)
    above = load >= capacity(share, kappa)
    if above.any():
        at = int(np.flatnonzero(above)[0])
        raise ConvergenceError(
            f"no student stores all labels at alpha = {load[at].item()!r}, eps = {share[at].item()!r}, margin = "
            f"{kappa[at].item()!r}: capacity is {float(capacity(share[at], kappa[at])):.6g}; lower alpha"
        )

    def image(x: Array, index: NDArray[np.intp]) -> Array:
        hats = _conjugates(load[index], share[index], kappa[index], _overlaps(x, share[index]))
        return np.stack([hats.q_hat, np.where(share[index] < 1.0, hats.m_hat, x[1]), np.ones_like(hats.q_hat)])

    def apply(x: Array, index: NDArray[np.intp]) -> tuple[Array, Array]:
        slopes = np.zeros((3, *x.shape))
        for j in range(2):
            step = np.zeros((3, 1))
            step[j] = _DIFFERENCE
            up, down = image(x * np.exp(step), index), image(x * np.exp(-step), index)
            slopes[:, j] = np.log(up / down) / (2.0 * _DIFFERENCE)
        return image(x, index), slopes

    weak = np.minimum(load, 0.5) + 0.0 * share
    start = np.stack([weak, weak * np.maximum(1.0 - share, 1e-3), np.ones_like(weak)])
    found = iterate(apply, start, tol=_TOLERANCE, max_steps=_STEPS)
    late = found.residual > _TOLERANCE
    if late.any():
        at = int(np.flatnonzero(late)[0])
        raise ConvergenceError(
            f"no convergence at alpha = {load[at].item()!r}, eps = {share[at].item()!r}, margin = "
            f"{kappa[at].item()!r}: residual {found.residual[at]:.3g}; move alpha away from capacity"
        )
    overlaps = _overlaps(found.x, share)
    entropy = entropy_potential(load, share, kappa, overlaps)
    values = (x.reshape(shape) for x in (entropy, overlaps.q, overlaps.m))
    return GardnerVolume(*(float(x) if shape == () else x for x in values))


def entropy_potential(alpha: Array, eps: Array, margin: Array, overlaps: Overlaps) -> Array:
    r"""Return the entropy per dimension of students at trial overlaps, stationary at the saddle point.

    .. math::

        S ={}& \tfrac12\log V + \frac{s}{2V} \\
        &+ \alpha\,\mathbb E\Big[\log\Phi\Big(\frac{u-\kappa_\mathrm m}{\sqrt V}\Big)\Big],

    :math:`V = 1-q`, :math:`s = q-m^2`, and :math:`u = \sqrt q\,x` with x of the density in `raflib.gardner_volume`.

    Parameters
    ----------
    alpha : array, shape (n,), in (0, inf)
        Samples per input dimension.
    eps : array, shape (n,), in [0, 1]
        Share of facts.
    margin : array, shape (n,), in [0, inf)
        Margin in units of the student's field, y w.x / sqrt(d).
    overlaps : Overlaps
        Arrays of shape (n,) with V = 1 - m^2 - s.

    Returns
    -------
    array, shape (n,)
        The entropy; at the saddle point that of `raflib.gardner_volume`.

    References
    ----------
    Gardner, J. Phys. A 21 (1988) 257.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> from raflib.gardner import entropy_potential
    >>> from raflib.overlaps import Overlaps
    >>> entropy, q, m = rf.gardner_volume(alpha=1.0, eps=0.3)
    >>> at = Overlaps(*(np.array([x]) for x in (m, q - m**2, 1 - q)))
    >>> bool(abs(entropy_potential(np.array([1.0]), np.array([0.3]), np.array([0.0]), at)[0] - entropy) < 1e-9)
    True
    """
    V = overlaps.V

    def log_share(u: Array) -> Array:
        return np.asarray(log_ndtr((u - margin[:, None]) / np.sqrt(V)[:, None]))

    mean = _over_margins(log_share, eps, margin, overlaps)
    return np.asarray(0.5 * np.log(V) + overlaps.s / (2.0 * V) + alpha * mean)


def _overlaps(x: Array, eps: Array) -> Overlaps:
    """Return (m, s, V) from (q_hat, m_hat): V = 1 - q solves (q_hat + m_hat^2) V^2 + V - 1 = 0."""
    q_hat, m_hat = x[0], np.where(eps < 1.0, x[1], 0.0)
    V = 2.0 / (1.0 + np.sqrt(1.0 + 4.0 * (q_hat + m_hat * m_hat)))
    return Overlaps(m_hat * V, q_hat * V * V, V)


def _conjugates(alpha: Array, eps: Array, margin: Array, overlaps: Overlaps) -> Conjugates:
    """Return q_hat = alpha E[f^2] and m_hat = alpha (1 - eps) sqrt(2/pi) E_t[f], f(u) = d log H / du."""
    root_V = np.sqrt(overlaps.V)[:, None]

    def force(u: Array) -> Array:
        # phi / H through erfcx, which neither underflows nor cancels far above the field.
        with np.errstate(over="ignore"):
            return np.asarray(SQRT_2_OVER_PI / erfcx((margin[:, None] - u) / (np.sqrt(2.0) * root_V)) / root_V)

    root_s = np.sqrt(overlaps.s)
    end = np.full(root_s.shape, REACH)
    breaks = [(margin + c * root_V[:, 0]) / root_s for c in (-8.0, 0.0, 8.0)]
    boundary = integrate(lambda t: density(t) * force(root_s[:, None] * t), -end, end, breaks)
    square = _over_margins(lambda u: force(u) ** 2, eps, margin, overlaps)
    return Conjugates(alpha * (1.0 - eps) * SQRT_2_OVER_PI * boundary, alpha * square, np.zeros_like(square))


def _over_margins(function: Callable[[Array], Array], eps: Array, margin: Array, overlaps: Overlaps) -> Array:
    """Return E[function(u)] over margins u = sqrt(q) x, resolving the step of width sqrt(V) at the margin."""
    root_q, k = np.sqrt(overlaps.q), overlaps.m / np.sqrt(overlaps.s)
    end = np.full(k.shape, REACH)
    breaks = [(margin + c * np.sqrt(overlaps.V)) / root_q for c in (-8.0, 0.0, 8.0)]
    return integrate(
        lambda x: density(x) * label_weight(x, k[:, None], eps[:, None]) * function(root_q[:, None] * x),
        -end,
        end,
        [*breaks, *step_breaks(k)],
    )
