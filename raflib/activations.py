"""Gaussian equivalents: how strong the linear and the nonlinear part of an activation or a kernel are."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import erf, gammainc, ndtr

from . import validation
from .gaussian import REACH, SQRT_2PI
from .overlaps import Array

#: Activation functions by name, with the places where they are not smooth.
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], tuple[float, ...]]] = {
    "relu": (lambda z: np.maximum(z, 0.0), (0.0,)),
    "erf": (erf, ()),
    "tanh": (np.tanh, ()),
    "sign": (np.sign, (0.0,)),
    "gelu": (lambda z: z * ndtr(z), ()),
    "sine": (np.sin, ()),
}
_PANEL_ENDS = (-REACH, -12.0, -6.0, -3.0, 0.0, 3.0, 6.0, 12.0, REACH)
_MAX_ERROR = 1e-9
#: Points of the Chebyshev interpolation that gives k'(0), on [-1/2, 1/2] where dot-product kernels are analytic.
_CHEBYSHEV = 40
#: The last coefficients of the interpolation, which are nothing but rounding where the kernel is resolved.
_TAIL = 8
#: Rounding of a difference of squares, over the largest of them: what is left of linear activations is up to 4e-16.
_ROUNDING = 16.0 * float(np.finfo(np.float64).eps)


class Hermite(NamedTuple):
    r"""First Hermite coefficients of an activation, and how accurately they were integrated.

    .. math::

        \mu_0 &= \mathbb E[\sigma(z)], \qquad \mu_1 = \mathbb E[z\,\sigma(z)], \\
        \mu_\star^2 &= \mathbb E[\sigma(z)^2] - \mu_0^2 - \mu_1^2, \qquad z \sim \mathcal N(0,1).

    Attributes
    ----------
    mu0 : float
        Mean, a constant direction of the features.
    mu1 : float
        Strength of the linear part; negative for a falling activation.
    mu_star : float, in [0, inf)
        Strength of all the rest; 0 where mu_star^2 is within rounding, 4e-15 E[sigma^2].
    error : float, in [0, 1e-9]
        Bound on the absolute error of each of the three integrals (times E[sigma^2] where that exceeds 1).

    References
    ----------
    Goldt, Mézard, Krzakala and Zdeborová, Phys. Rev. X 10 (2020) 041044.

    Examples
    --------
    >>> import raflib as rf
    >>> sign = rf.hermite("sign")
    >>> round(sign.mu1**2, 9), round(sign.mu1**2 + sign.mu_star**2, 9), sign.error < 1e-9      # 2 / pi and 1
    (0.636619772, 1.0, True)
    """

    mu0: float
    mu1: float
    mu_star: float
    error: float


def hermite(activation: str | Callable[[Array], Array], kinks: Sequence[float] = ()) -> Hermite:
    r"""Split an activation into its mean, its linear part and the strength of all the rest.

    .. math::

        \sigma(z) = \mu_0 + \mu_1 z + \text{rest}(z), \qquad \mu_\star^2 = \mathbb E[\text{rest}(z)^2],

    three parts that are orthogonal under :math:`\mathcal N(0,1)`.

    Parameters
    ----------
    activation : {"relu", "erf", "tanh", "sign", "gelu", "sine"} or function
        Name, or a vectorised function of an array, finite on the real line.
    kinks : sequence of float, in (-inf, inf)
        Where a function of yours jumps or bends; the integrals are split there. Known for the named ones.

    Returns
    -------
    Hermite
        The coefficients (mu0, mu1, mu_star) and a bound on the error of their integrals.

    Raises
    ------
    ValueError
        If the name is unknown, if the function is not finite, if it does not vary, or if the integrals do not reach
        an accuracy of 1e-9.

    References
    ----------
    Goldt, Mézard, Krzakala and Zdeborová, Phys. Rev. X 10 (2020) 041044, Gaussian equivalence; Mei and Montanari, Comm.
    Pure Appl. Math. 75 (2022) 667.

    Examples
    --------
    >>> import raflib as rf
    >>> relu = rf.hermite("relu")
    >>> round(relu.mu1, 12), round(relu.mu_star, 9)
    (0.5, 0.301405137)
    """
    if isinstance(activation, str):
        validation.choice("activation", activation, tuple(ACTIVATIONS))
        function, where = ACTIVATIONS[activation]
        kinks = (*where, *kinks)
    elif callable(activation):
        function = activation
    else:
        raise ValueError(f"activation = {activation!r} is neither a name nor a function of an array")
    bends = sorted({float(validation.number("kinks", kink)) for kink in kinks})

    def value(z: float) -> float:
        return float(validation.mapped("activation", function, np.array([z]))[0])

    probe = validation.mapped("activation", function, np.linspace(-10.0, 10.0, 41))
    if not np.isfinite(probe).all():
        raise ValueError(f"activation = {activation!r} is not finite on [-10, 10]")
    ends = sorted({*_PANEL_ENDS, *(b for b in bends if abs(b) < REACH)})
    sums, error = np.zeros(3), 0.0
    for i, (power_z, power_s) in enumerate(((0, 1), (1, 1), (0, 2))):

        def integrand(z: float, n: int = power_z, m: int = power_s) -> float:
            return float(z**n * value(z) ** m * np.exp(-0.5 * z * z) / SQRT_2PI)

        for low, high in pairwise(ends):
            part, bound = _integrate(integrand, low, high, activation)
            sums[i] += part
            error += bound
    variance = sums[2] - sums[0] ** 2
    if variance <= 10.0 * error + 1e-14:
        raise ValueError(
            f"activation = {activation!r} does not vary: its variance under N(0, 1) is {variance:.3g}, nothing beyond "
            "rounding, and constant features tell nothing of the input; use an activation that rises or bends, such as "
            "'relu'"
        )
    if error > _MAX_ERROR * max(1.0, sums[2]):
        raise ValueError(
            f"activation = {activation!r}: its integrals are accurate to {error:.1e} only; name its jumps in kinks"
        )
    mu0, mu1, square = (float(x) for x in sums)
    rest = square - mu0**2 - mu1**2
    # Of a linear activation rounding would leave a nonlinear part, and with it features that store without bound.
    return Hermite(mu0, mu1, float(np.sqrt(rest)) if rest > _ROUNDING * square else 0.0, error)


def dot_product_strengths(kernel: Callable[[Array], Array]) -> tuple[float, float]:
    r"""Return mu1 and mu_star of the kernel k(x.x'/d): ``mu1^2 = k'(0)``, ``mu_star^2 = k(1) - k(0) - k'(0)``.

    The slope comes from a Chebyshev interpolation on [-1/2, 1/2], to about 1e-12 where k is analytic there. What is not
    above its numerical error, as the slope of t^2, counts as zero.

    Examples
    --------
    >>> import numpy as np
    >>> mu1, mu_star = dot_product_strengths(lambda t: (1 + t) ** 2)
    >>> round(mu1**2, 9), round(mu_star**2, 9)
    (2.0, 1.0)
    """
    fit = np.polynomial.Chebyshev.interpolate(
        lambda t: validation.mapped("kernel", kernel, t), _CHEBYSHEV, domain=[-0.5, 0.5]
    )
    slope = float(fit.deriv()(0.0))
    # How well the slope is known. T_j has the slope j or -j at zero for odd j, and 0 for even j; the interval doubles
    # it. So coefficients that are each off by r in an independent way move the slope by 2 r (1 + 9 + 25 + ...)^(1/2).
    # A positive definite kernel has no singularity within the unit circle: its coefficients fall like 3.7^-j, and the
    # last ones are what rounding, in numpy's sums and in k itself, left in each. (Of another function they may be what
    # the interpolation misses, and the slope is not known either.) Measured on even and on linear kernels the slope is
    # off by a third to a hundredth of this.
    odd = np.arange(1.0, _CHEBYSHEV + 1, 2)
    rounding = float(np.finfo(np.float64).eps) * float(np.abs(fit.coef).max())
    error = 2.0 * float(np.sqrt(np.sum(odd**2))) * max(float(np.abs(fit.coef[-_TAIL:]).max()), rounding)
    ends = validation.mapped("kernel", kernel, np.array([0.0, 1.0]))
    rest = float(ends[1] - ends[0] - slope)
    if not (np.isfinite(slope) and np.isfinite(rest)):
        raise ValueError("kernel is not finite on [0, 1]")
    if slope <= error or rest < -max(error, 1e-9 * abs(float(ends[1]))):
        raise ValueError(
            f"kernel has k'(0) = {slope:.6g} (to {error:.1g}) and k(1) - k(0) - k'(0) = {rest:.6g}; a positive "
            "definite kernel with a linear part has k'(0) > 0 beyond that error and the other at least 0, as "
            "(1 + t)**2 does and t**2 does not"
        )
    return float(np.sqrt(slope)), float(np.sqrt(rest)) if rest > error else 0.0


def rbf_strengths(eta: float | Array) -> tuple[float | Array, float | Array]:
    r"""Return mu1 and mu_star of the kernel k(t) = exp(-2 eta (1 - t)) on the sphere.

    ``mu1^2 = 2 eta exp(-2 eta)``; ``mu_star^2 = 1 - (1 + 2 eta) exp(-2 eta)``, the regularised gamma P(2, 2 eta).

    Parameters
    ----------
    eta : float or array, in (0, 300]
        Inverse squared width: exp(-eta ||x - x'||^2 / d) for ||x||^2 = d. Above 300 the linear part underflows.

    Examples
    --------
    >>> mu1, mu_star = rbf_strengths(0.5)
    >>> round(float(mu1**2 + mu_star**2), 9), round(1 - float(np.exp(-1)), 9)          # k(1) - k(0)
    (0.632120559, 0.632120559)
    """
    x = 2.0 * np.asarray(validation.number("eta", eta, 0, 300, open_low=True))
    mu1, mu_star = np.sqrt(x * np.exp(-x)), np.sqrt(gammainc(2.0, x))
    return (float(mu1), float(mu_star)) if x.ndim == 0 else (mu1, mu_star)


def rbf_eta(gamma: float) -> float:
    r"""Return the eta at which the RBF kernel has a given angle.

    The inverse of ``rf.Kernel.rbf(eta).angle``, which grows with eta:

    .. math::

        \tan^2\gamma = \frac{\mu_\star^2}{\mu_1^2} = \frac{e^{2\eta} - 1 - 2\eta}{2\eta} .

    Parameters
    ----------
    gamma : float, in (0, pi/2)
        Angle in radians.

    Returns
    -------
    float, in (1e-12, 300)
        Inverse squared width eta, to about 1e-13 relative.

    Raises
    ------
    ValueError
        If gamma is outside its range, or so near an end that eta leaves (1e-12, 300).

    References
    ----------
    El Karoui, Ann. Statist. 38 (2010) 1, dot-product kernels in high dimension.

    Examples
    --------
    >>> import raflib as rf
    >>> round(rf.Kernel.rbf(rf.rbf_eta(1.0)).angle, 12)
    1.0
    """

    def angle(log_eta: float) -> float:
        mu1, mu_star = rbf_strengths(float(np.exp(log_eta)))
        return float(np.arctan2(mu_star, mu1))

    return float(np.exp(_where_angle(angle, gamma, np.log(1e-12), np.log(300.0))))


def activation_bias(
    activation: str | Callable[[Array], Array], gamma: float, low: float = 0.0, high: float = 4.0
) -> float:
    r"""Return a bias at which an activation has a given angle.

    A b in [low, high] with

    .. math::

        \tan\gamma = \frac{\mu_\star}{\lvert\mu_1\rvert} \quad\text{for}\quad z \mapsto \sigma(z + b) .

    Parameters
    ----------
    activation : {"relu", "erf", "tanh", "sign", "gelu", "sine"} or function
        As for `raflib.hermite`.
    gamma : float, in (0, pi/2)
        Angle in radians.
    low, high : float, in (-inf, inf)
        Where the bias is sought; the angle must pass gamma between them.

    Returns
    -------
    float, in [low, high]
        The bias, to about 1e-13.

    Raises
    ------
    ValueError
        If the angle does not pass gamma between low and high; the message gives the angles there. Also what
        `raflib.hermite` raises.

    References
    ----------
    Goldt, Mézard, Krzakala and Zdeborová, Phys. Rev. X 10 (2020) 041044, Gaussian equivalence.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> b = rf.activation_bias("relu", 0.3)
    >>> round(rf.Kernel.from_activation(lambda z: np.maximum(z + b, 0), kinks=[-b]).angle, 9)
    0.3
    """
    if isinstance(activation, str):
        validation.choice("activation", activation, tuple(ACTIVATIONS))
        function, bends = ACTIVATIONS[activation]
    else:
        function, bends = activation, ()
        validation.mapped("activation", function, np.zeros(2))  # here, so that a message names the reader's function

    def angle(bias: float) -> float:
        parts = hermite(lambda z: function(z + bias), kinks=[bend - bias for bend in bends])
        return float(np.arctan2(parts.mu_star, abs(parts.mu1)))

    return _where_angle(angle, gamma, low, high)


def _where_angle(angle: Callable[[float], float], gamma: float, low: float, high: float) -> float:
    """Return where a continuous angle takes the value gamma between low and high."""
    from scipy.optimize import brentq  # heavy to import, and the solver does without

    wanted = float(validation.number("gamma", gamma, 0, np.pi / 2, open_low=True, open_high=True))
    ends = angle(low), angle(high)
    if (ends[0] - wanted) * (ends[1] - wanted) > 0:
        raise ValueError(f"gamma = {wanted!r} is outside the reachable range [{min(ends):.6g}, {max(ends):.6g}]")
    return float(brentq(lambda x: angle(x) - wanted, low, high, xtol=1e-13, rtol=1e-14))


def _integrate(integrand: Callable[[float], float], low: float, high: float, name: object) -> tuple[float, float]:
    """Return an integral by adaptive quadrature and its error bound; a doubtful one is an error."""
    from scipy.integrate import IntegrationWarning, quad  # heavy to import, and the solver does without

    with warnings.catch_warnings():
        warnings.simplefilter("error", IntegrationWarning)
        try:
            value, bound = quad(integrand, low, high, epsabs=1e-13, epsrel=1e-13, limit=200)
        except IntegrationWarning as warning:
            why = str(warning).splitlines()[0].strip()
            raise ValueError(
                f"activation = {name!r} cannot be integrated on [{low:g}, {high:g}]: {why} Name its jumps in kinks"
            ) from None
    return float(value), float(bound)
