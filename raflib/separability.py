"""Which loads can be stored: the capacity of the perceptron for rules-and-facts labels."""

from __future__ import annotations

import numpy as np

from . import validation
from .gaussian import REACH, density, integrate, label_weight, step_breaks
from .overlaps import Array

_GOLDEN = 0.5 * (np.sqrt(5.0) - 1.0)
_HALVINGS = 70  # of a bracket of at most 700 in log units: to rounding
_NARROWINGS = 60  # 275 * 0.618^60 < 1e-10; the value at a minimum is exact to the square of that


def capacity(eps: float | Array, margin: float | Array = 0.0) -> float | Array:
    r"""Largest load at which rules-and-facts labels can be stored with a given margin.

    .. math::

        &\alpha_c(\varepsilon, \kappa_\mathrm m) \\
        &= \max_{0 \le m < 1}\ \frac{1-m^2}{\mathbb E\big[(\kappa_\mathrm m - m\,y z - \sqrt{1-m^2}\,g)_+^2\big]},

    over the alignment m of a unit-norm student with the teacher, :math:`z, g \sim \mathcal N(0,1)`. At zero margin the
    expectation is elementary, and the maximum is

    .. math::

        \alpha_c(\varepsilon) &= 2\tau, \qquad a = \frac{2(1-\varepsilon)}\pi, \\
        1 &= \tau\Big[\varepsilon + a\arctan\frac1{a\tau}\Big] .

    Parameters
    ----------
    eps : float or array, in [0, 1]
        Share of facts. eps = 1 is Gardner's problem.
    margin : float or array, in [0, inf)
        Margin in units of the student's norm, y w.x / ||w||.

    Returns
    -------
    float or array, in (0, inf]
        Samples per input dimension, of the broadcast shape; infinite for eps = 0 at zero margin (a rule can always be
        separated). Relative accuracy about 1e-12.

    Raises
    ------
    ValueError
        If a value is outside its range, or if the shapes do not broadcast.

    Notes
    -----
    Exact for every margin >= 0: the weights that meet the constraints then form a convex set, replica symmetry holds,
    and the formula is proved (arXiv:math-ph/0112003 for coin flips, arXiv:1911.01544 for labels that depend on one
    direction of the input). A negative margin asks for points outside of balls, which is not convex: replica symmetry
    is broken and its value is only an upper bound, so that none is returned (arXiv:2312.16531, arXiv:2410.06717).

    References
    ----------
    Gardner, J. Phys. A 21 (1988) 257, for eps = 1; arXiv:2603.25579 for rules and facts. Chapter "The model, its two
    errors, and its limits" proves the closed form.

    Examples
    --------
    >>> import raflib as rf
    >>> round(rf.capacity(eps=1.0), 12)
    2.0
    >>> round(rf.capacity(eps=0.3), 4)
    2.6147
    """
    eps_array, margin_array = validation.broadcast(
        eps=validation.number("eps", eps, 0, 1), margin=validation.number("margin", margin, 0)
    )
    shape = eps_array.shape
    pairs, back = np.unique(np.stack([eps_array.ravel(), margin_array.ravel()]), axis=1, return_inverse=True)
    e, kappa = pairs
    load = np.empty(e.shape)
    zero = kappa == 0.0
    load[zero] = separable_load(e[zero])
    load[~zero] = _positive_margin(e[~zero], kappa[~zero])
    load = load[back.ravel()]
    return float(load[0]) if shape == () else np.asarray(load.reshape(shape))


def separable_load(eps: Array, seen: Array | float = 1.0) -> Array:
    """Return the capacity at zero margin of features that see the share J of the teacher's direction, per feature.

    2 tau with tau [eps + a arctan(1 / (a J tau))] = 1, a = 2 (1 - eps) / pi; J = 1 for the inputs themselves.
    """
    eps, J = np.broadcast_arrays(eps, seen)
    a = 2.0 * (1.0 - eps) / np.pi

    def excess(tau: Array) -> Array:
        """tau eps + y arctan(1 / y) / J - 1 with y = a J tau; by its series where it would cancel."""
        y = a * J * tau
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            far = -1 / (3 * y**2) + 1 / (5 * y**4) - 1 / (7 * y**6)
            bracket = np.where(y > 30.0, far + (1.0 - J), y * np.arctan(1 / y) - J) / J
        return np.asarray(tau * eps + np.where(y == 0.0, -1.0, bracket))

    # The left side grows with tau from a negative value; tau <= 1 / eps because arctan >= 0.
    low, high = np.zeros(eps.shape), -np.log(np.maximum(eps, 1e-300))
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        beyond = excess(np.exp(middle)) > 0
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return np.where((eps == 0.0) & (J == 1.0), np.inf, 2.0 * np.exp(0.5 * (low + high)))


def _positive_margin(eps: Array, margin: Array) -> Array:
    """Return the capacity by golden-section search over the angle."""
    if eps.size == 0:
        return np.empty(0)
    # k = cot(angle to the teacher); its logarithm resolves both ends, where the capacity is extreme.
    low, high = np.full(eps.shape, -25.0), np.full(eps.shape, 250.0)
    for _ in range(_NARROWINGS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        go_left = _inverse_load(np.exp(left), eps, margin) < _inverse_load(np.exp(right), eps, margin)
        low, high = np.where(go_left, low, left), np.where(go_left, right, high)
    return 1.0 / _inverse_load(np.exp(0.5 * (low + high)), eps, margin)


def _inverse_load(k: Array, eps: Array, margin: Array) -> Array:
    """Return (1 + k^2) E[(margin - x)_+^2] for the margin x of a unit-norm student with cot(angle) = k."""
    shortfall = integrate(
        lambda x: density(x) * label_weight(x, k[:, None], eps[:, None]) * (margin[:, None] - x) ** 2,
        np.full(k.shape, -REACH),
        margin,
        step_breaks(k),
    )
    return np.asarray((1.0 + k * k) * shortfall)
