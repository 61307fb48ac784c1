"""Feature maps: what the learner sees of an input, and how that turns conjugates into overlaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from . import validation
from .activations import dot_product_strengths, hermite, rbf_strengths
from .losses import Loss, MinNorm
from .overlaps import Array, Conjugates, Overlaps
from .separability import capacity, separable_load

_Map = TypeVar("_Map")


class Slopes(NamedTuple):
    """Logarithmic derivatives of the overlaps: by log m_hat, by log q_hat, or by V_hat itself.

    For every linear learner m is proportional to m_hat and independent of q_hat, and V depends on V_hat alone: so these
    five are all.

    Parameters
    ----------
    m_V_hat : array, in (-inf, 0]
        Slope d log m / d V_hat.
    s_m_hat : array or float, in [0, 2]
        Slope d log s / d log m_hat.
    s_q_hat : array or float, in [0, 1]
        Slope d log s / d log q_hat.
    s_V_hat : array, in (-inf, 0]
        Slope d log s / d V_hat.
    V_V_hat : array, in (-inf, 0]
        Slope d log V / d V_hat.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> hats = rf.Conjugates(*(np.array([x]) for x in (1.0, 2.0, 3.0)))
    >>> slopes = rf.Linear().slopes(hats, lam=np.array([1.0]))           # V = 1 / (lam + V_hat)
    >>> float(slopes.V_V_hat[0]), float(slopes.s_V_hat[0])
    (-0.25, -0.5)
    """

    m_V_hat: Array
    s_m_hat: Array | float
    s_q_hat: Array | float
    s_V_hat: Array
    V_V_hat: Array


class FeatureMap(Protocol):
    r"""What the solver asks of a feature map: how conjugates become overlaps.

    A protocol: a class with these members is a feature map, whatever it inherits from. With its potential :math:`\Psi`

    .. math::

        m = \frac{\partial\Psi}{\partial\hat m}, \qquad
        V = 2\,\frac{\partial\Psi}{\partial\hat q}, \qquad
        q = -2\,\frac{\partial\Psi}{\partial\hat V} .

    In all methods conjugates and lam in (0, inf) are arrays of one shape (n,), as are the results.

    Notes
    -----
    `raflib.simulate` trains the maps it has a finite-size version of; the theory takes any class of this form.

    References
    ----------
    Chapter "The model, its two errors, and its limits", closing the equations; arXiv:2603.25579 for kernels and random
    features.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> features: rf.features.FeatureMap = rf.Kernel(mu1=0.8, mu_star=0.6)
    >>> hats, lam = rf.Conjugates(*(np.array([x]) for x in (1.0, 2.0, 3.0))), np.array([0.5])
    >>> up, down = (features.potential(hats._replace(q_hat=np.array([x])), lam) for x in (2.001, 1.999))
    >>> bool(np.isclose(features.overlaps(hats, lam).V, 2 * (up - down) / 0.002))
    True
    """

    @property
    def parameters(self) -> dict[str, float | Array]:
        """The map's own parameters by name, for broadcasting and for error messages."""

    def at(self, parameters: dict[str, Array]) -> FeatureMap:
        """The same map with these parameter values, which were checked before."""

    def overlaps(self, conjugates: Conjugates, lam: Array) -> Overlaps:
        """Overlaps (m, s, V) of the learner whose effective potential has these conjugates."""

    def slopes(self, conjugates: Conjugates, lam: Array) -> Slopes:
        """How these overlaps change with the conjugates."""

    def potential(self, conjugates: Conjugates, lam: Array) -> Array:
        r"""Potential :math:`\Psi(\hat m, \hat q, \hat V)`, per weight that the equations count."""

    def ridge_response(self, load: Array, lam: Array, hard: bool) -> Array:
        """V of the square loss, or of its hard constraint: exact, or a start for the solver."""

    def constraint_capacity(self, constraint: Loss, eps: Array) -> Array:
        """Samples per input dimension below which the constraint can be met on every sample."""

    @property
    def strengths(self) -> tuple[float | Array, float | Array]:
        """(mu1, mu_star): strength of the linear part and of the part that fits single samples."""

    @property
    def per_input(self) -> float | Array:
        """Weights per input dimension that the equations count: conjugates are per weight."""


@dataclass(frozen=True)
class Linear:
    r"""The inputs themselves.

    .. math::

        \omega &= \frac{a\cdot x}{\sqrt d}, \\
        V &= \frac1{\lambda+\hat V}, \qquad m = \hat m\,V, \qquad s = \hat q\,V^2 .

    References
    ----------
    Chapter "The model, its two errors, and its limits", closing the equations.

    Examples
    --------
    >>> import raflib as rf
    >>> rf.Linear()
    Linear()
    """

    @property
    def parameters(self) -> dict[str, float | Array]:
        """None."""
        return {}

    def at(self, parameters: dict[str, Array]) -> Linear:
        """Itself: there is nothing to set."""
        return self

    @property
    def strengths(self) -> tuple[float, float]:
        """(1, 0)."""
        return 1.0, 0.0

    @property
    def per_input(self) -> float:
        """1."""
        return 1.0

    def overlaps(self, conjugates: Conjugates, lam: Array) -> Overlaps:
        """V = 1 / (lam + V_hat), m = m_hat V, s = q_hat V^2."""
        V = 1.0 / (lam + conjugates.V_hat)
        return Overlaps(conjugates.m_hat * V, conjugates.q_hat * V * V, V)

    def slopes(self, conjugates: Conjugates, lam: Array) -> Slopes:
        """dV/dV_hat = -V^2."""
        V = 1.0 / (lam + conjugates.V_hat)
        return Slopes(-V, 0.0, 1.0, -2.0 * V, -V)

    def potential(self, conjugates: Conjugates, lam: Array) -> Array:
        """(m_hat^2 + q_hat) / (2 (lam + V_hat))."""
        m_hat, q_hat, V_hat = conjugates
        return np.asarray(0.5 * (m_hat**2 + q_hat) / (lam + V_hat))

    def ridge_response(self, load: Array, lam: Array, hard: bool) -> Array:
        """Root of lam V^2 + (lam + load - 1) V = 1; (1 - load) / lam under the constraint."""
        return np.asarray((1.0 - load) / lam) if hard else ridge_response(load, lam)

    def constraint_capacity(self, constraint: Loss, eps: Array) -> Array:
        """1 for equal margins (n unknowns, n equations), the perceptron's capacity for bounded ones."""
        if isinstance(constraint, MinNorm):
            return np.ones_like(eps)
        return np.asarray(capacity(eps))


@dataclass(frozen=True)
class Kernel:
    r"""A dot-product kernel, through its Gaussian equivalent.

    .. math::

        K &= \frac{\mu_1^2}d\,x\cdot x' + \mu_\star^2\,\delta_{xx'}, \qquad D = \lambda + \mu_1^2\hat V, \\
        m &= \frac{\mu_1^2\hat m}D, \qquad s = \frac{\mu_1^4\hat q}{D^2}, \qquad
        V = \frac{\mu_1^2}D + \frac{\mu_\star^2}\lambda .

    Parameters
    ----------
    mu1 : float or array, in (0, inf)
        Strength of the linear part, E[z sigma(z)] or sqrt(k'(0)).
    mu_star : float or array, in [0, inf)
        Strength of the nonlinear part, which fits single samples. 0 is a linear learner.

    Raises
    ------
    ValueError
        If a value is outside its range, or if the shapes do not broadcast.

    References
    ----------
    arXiv:2603.25579, kernels; El Karoui, Ann. Statist. 38 (2010) 1, for the equivalence.

    Examples
    --------
    >>> import raflib as rf
    >>> rf.Kernel(mu1=0.8, mu_star=0.6)
    Kernel(mu1=0.8, mu_star=0.6)
    """

    mu1: float | Array
    mu_star: float | Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "mu1", validation.number("mu1", self.mu1, 0, open_low=True))
        object.__setattr__(self, "mu_star", validation.number("mu_star", self.mu_star, 0))
        validation.broadcast(mu1=self.mu1, mu_star=self.mu_star)

    @classmethod
    def from_angle(cls, gamma: float | Array) -> Kernel:
        r"""Kernel of unit total strength: :math:`\mu_1 = \cos\gamma`, :math:`\mu_\star = \sin\gamma`.

        Parameters
        ----------
        gamma : float or array, in [0, pi/2)
            Angle in radians: 0 is linear, towards pi/2 the kernel only stores.

        Returns
        -------
        Kernel
            A factor b in both strengths and b^2 in lam would change no field: one angle is enough.

        Raises
        ------
        ValueError
            If gamma is outside its range.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> round(rf.Kernel.from_angle(np.pi / 4).mu_star, 6)
        0.707107
        """
        angle = validation.number("gamma", gamma, 0, np.pi / 2, open_high=True)
        return cls(mu1=np.cos(angle), mu_star=np.sin(angle))

    @classmethod
    def from_activation(cls, activation: str | Callable[[Array], Array], kinks: Sequence[float] = ()) -> Kernel:
        """Kernel of infinitely many random features sigma(f.x / sqrt(d)), through `raflib.hermite`.

        Parameters
        ----------
        activation : {"relu", "erf", "tanh", "sign", "gelu", "sine"} or function
            As for `raflib.hermite`.
        kinks : sequence of float, in (-inf, inf)
            Where a function of yours jumps or bends.

        Returns
        -------
        Kernel
            With mu1 positive. The mean mu0 of the features, a constant direction, is left out.

        Raises
        ------
        ValueError
            If the activation has no linear part: an even function. Also what `raflib.hermite` raises.

        Examples
        --------
        >>> import raflib as rf
        >>> round(rf.Kernel.from_activation("erf").angle, 6)
        0.298376
        """
        parts = hermite(activation, kinks)
        if abs(parts.mu1) <= max(1e-9, parts.error):
            raise ValueError(f"activation = {activation!r} has no linear part: mu1 = {parts.mu1:.3g}; add a bias")
        return cls(mu1=abs(parts.mu1), mu_star=parts.mu_star)

    @classmethod
    def rbf(cls, eta: float | Array) -> Kernel:
        r"""Kernel of Gaussian shape between inputs on the sphere.

        .. math::

            k(x, x') &= e^{-\eta\lVert x-x'\rVert^2/d}, \qquad \lVert x\rVert^2 = d, \\
            \mu_1^2 &= 2\eta\,e^{-2\eta}, \\
            \mu_\star^2 &= 1 - (1+2\eta)\,e^{-2\eta} .

        Parameters
        ----------
        eta : float or array, in (0, 300]
            Inverse squared width. Towards 0 the kernel is linear, at large eta it only stores; above 300 its linear
            part underflows.

        Returns
        -------
        Kernel
            Its Gaussian equivalent.

        Raises
        ------
        ValueError
            If eta is outside its range.

        References
        ----------
        El Karoui, Ann. Statist. 38 (2010) 1.

        Examples
        --------
        >>> import raflib as rf
        >>> rf.Kernel.rbf(0.05).angle < rf.Kernel.rbf(2.0).angle
        True
        """
        return cls(*rbf_strengths(eta))

    @classmethod
    def from_dot_product(cls, kernel: Callable[[Array], Array]) -> Kernel:
        r"""Kernel k(x.x'/d) of any function that is analytic around 0.

        .. math::

            \mu_1^2 = k'(0), \qquad \mu_\star^2 = k(1) - k(0) - k'(0)

        Parameters
        ----------
        kernel : function
            Vectorised, of t in [-1, 1].

        Returns
        -------
        Kernel
            Its Gaussian equivalent; mu1 to about 1e-12 where k is analytic on [-1/2, 1/2].

        Raises
        ------
        ValueError
            If the kernel is not finite on [0, 1], or if its strengths are not those of a positive definite kernel with
            a linear part beyond rounding.

        References
        ----------
        El Karoui, Ann. Statist. 38 (2010) 1.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> one = rf.Kernel.from_dot_product(lambda t: np.exp(-1.4 * (1 - t)))
        >>> bool(abs(one.angle - rf.Kernel.rbf(0.7).angle) < 1e-9)
        True
        """
        return cls(*dot_product_strengths(kernel))

    @property
    def angle(self) -> float | Array:
        r"""Angle :math:`\gamma = \arctan(\mu_\star/\mu_1)` in radians: 0 is linear, towards pi/2 it only stores."""
        angle = np.arctan2(self.mu_star, self.mu1)
        return float(angle) if np.ndim(angle) == 0 else np.asarray(angle)

    @property
    def parameters(self) -> dict[str, float | Array]:
        """mu1 and mu_star."""
        return {"mu1": self.mu1, "mu_star": self.mu_star}

    def at(self, parameters: dict[str, Array]) -> Kernel:
        """The kernel with these mu1 and mu_star, which were checked before."""
        return _unchecked(Kernel, parameters)

    @property
    def strengths(self) -> tuple[float | Array, float | Array]:
        """(mu1, mu_star)."""
        return self.mu1, self.mu_star

    @property
    def per_input(self) -> float:
        """1: a kernel has infinitely many weights, of which the d along the inputs are counted."""
        return 1.0

    def overlaps(self, conjugates: Conjugates, lam: Array) -> Overlaps:
        """D = lam + mu1^2 V_hat, m = mu1^2 m_hat / D, s = mu1^4 q_hat / D^2, V = mu1^2 / D + mu_star^2 / lam."""
        m_hat, q_hat, V_hat = conjugates
        linear = np.square(self.mu1)
        gain = linear / (lam + linear * V_hat)
        return Overlaps(m_hat * gain, q_hat * gain * gain, gain + self._nonlinear_response(lam))

    def slopes(self, conjugates: Conjugates, lam: Array) -> Slopes:
        """With G = mu1^2 / D: dG/dV_hat = -G^2."""
        linear = np.square(self.mu1)
        gain = linear / (lam + linear * conjugates.V_hat)
        return Slopes(-gain, 0.0, 1.0, -2.0 * gain, -gain * gain / (gain + self._nonlinear_response(lam)))

    def potential(self, conjugates: Conjugates, lam: Array) -> Array:
        """mu1^2 (m_hat^2 + q_hat) / (2 D) + mu_star^2 q_hat / (2 lam)."""
        m_hat, q_hat, V_hat = conjugates
        linear = np.square(self.mu1)
        gain = linear / (lam + linear * V_hat)
        return np.asarray(0.5 * (m_hat**2 * gain + q_hat * (gain + self._nonlinear_response(lam))))

    def ridge_response(self, load: Array, lam: Array, hard: bool) -> Array:
        """With W of linear ridge at (lam + mu_star^2) / mu1^2: W + (1 + W) mu_star^2 / lam; (1 + W) mu_star^2 / lam."""
        linear, nonlinear = np.square(self.mu1), np.square(self.mu_star)
        none = np.broadcast_to(nonlinear == 0.0, load.shape)
        W = ridge_response(load, (nonlinear + (none if hard else lam)) / linear)
        private = np.where(none, 0.0, self._nonlinear_response(lam) * (1.0 + W))
        return np.where(none, (1.0 - load) / lam * linear, private) if hard else W + private

    def constraint_capacity(self, constraint: Loss, eps: Array) -> Array:
        """Infinite while mu_star > 0: every sample has a direction of its own."""
        return np.where(np.asarray(self.mu_star) > 0, np.inf, Linear().constraint_capacity(constraint, eps))

    def _nonlinear_response(self, lam: Array) -> Array:
        """Return mu_star^2 / lam, and 0 for mu_star = 0 whatever lam (lam = 0 included)."""
        nonlinear = np.square(np.broadcast_to(self.mu_star, lam.shape))
        return np.asarray(np.divide(nonlinear, lam, out=np.zeros(lam.shape), where=nonlinear > 0))


@dataclass(frozen=True)
class RandomFeatures:
    r"""Random features sigma(F x / sqrt(d)), kappa d of them, through their Gaussian equivalent.

    That is :math:`\mu_1 F x/\sqrt d + \mu_\star\,\text{noise}`. With x the eigenvalues of :math:`FF^\top/d` (p x p,
    Marchenko-Pastur), :math:`\langle\cdot\rangle` the spectral mean, and conjugates with alpha / kappa in the place of
    alpha:

    .. math::

        \Omega &= \mu_1^2 x + \mu_\star^2, \qquad R = \frac1{\lambda + \hat V\Omega}, \\
        V &= \langle\Omega R\rangle, \\
        m &= \kappa\,\hat m\,\langle\mu_1^2 x R\rangle, \\
        q &= \hat q\,\langle\Omega^2R^2\rangle + \kappa\,\hat m^2\,\langle\mu_1^2 x\,\Omega R^2\rangle .

    With :math:`h = \hat V\mu_1^2` and :math:`D = \lambda + \hat V\mu_\star^2`, :math:`R = 1/(D + hx)` has one pole, and
    all means follow from

    .. math::

        \kappa\,\langle xR\rangle &= \frac{2\kappa}{a+r}, \qquad a = D + h(1+\kappa), \\
        r^2 &= \big(D + h(1-\sqrt\kappa)^2\big)\big(D + h(1+\sqrt\kappa)^2\big)

    and its derivatives by D and h, all of whose terms are positive.

    Parameters
    ----------
    mu1 : float or array, in (0, inf)
        Strength of the linear part of the activation.
    mu_star : float or array, in (0, inf)
        Strength of its nonlinear part.
    kappa : float or array, in (0, inf)
        Features per input dimension, p / d. kappa -> infinity is `Kernel` with the same strengths and lam.

    Raises
    ------
    ValueError
        If a value is outside its range, or if the shapes do not broadcast.

    References
    ----------
    arXiv:2603.25579, random features; Gerace, Loureiro, Krzakala, Mézard and Zdeborová, ICML 2020; Mei and Montanari,
    Comm. Pure Appl. Math. 75 (2022) 667.

    Examples
    --------
    >>> import raflib as rf
    >>> features = rf.RandomFeatures(mu1=0.8, mu_star=0.6, kappa=1.0)
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=1.5, eps=0.2), rf.Learner(rf.Square(), features, lam=0.1))
    >>> round(sol.m, 6), round(sol.q, 6), round(sol.V, 6)
    (0.268795, 0.849706, 1.239758)
    """

    mu1: float | Array
    mu_star: float | Array
    kappa: float | Array

    def __post_init__(self) -> None:
        for name, value in self.parameters.items():
            object.__setattr__(self, name, validation.number(name, value, 0, open_low=True))
        validation.broadcast(**self.parameters)

    @classmethod
    def from_activation(
        cls, activation: str | Callable[[Array], Array], kappa: float | Array, kinks: Sequence[float] = ()
    ) -> RandomFeatures:
        """Random features sigma(F x / sqrt(d)) of an activation sigma, through `raflib.hermite`.

        Parameters
        ----------
        activation : {"relu", "erf", "tanh", "sign", "gelu", "sine"} or function
            As for `raflib.hermite`.
        kappa : float or array, in (0, inf)
            Features per input dimension.
        kinks : sequence of float, in (-inf, inf)
            Where a function of yours jumps or bends.

        Returns
        -------
        RandomFeatures
            With mu1 positive. The mean mu0 of the features, a constant direction, is left out.

        Raises
        ------
        ValueError
            If the activation has no linear part, or nothing else. Also what `raflib.hermite` raises.

        Examples
        --------
        >>> import raflib as rf
        >>> relu = rf.RandomFeatures.from_activation("relu", kappa=2.0)
        >>> round(relu.mu1, 9), round(relu.mu_star, 9)
        (0.5, 0.301405137)
        """
        kernel = Kernel.from_activation(activation, kinks)
        if kernel.mu_star == 0.0:
            raise ValueError(
                f"activation = {activation!r} is linear: mu_star = 0, its features are projections of the inputs and "
                "nothing else; use rf.Linear(), or an activation that bends, such as 'relu'"
            )
        return cls(kernel.mu1, kernel.mu_star, kappa)

    @property
    def parameters(self) -> dict[str, float | Array]:
        """mu1, mu_star and kappa."""
        return {"mu1": self.mu1, "mu_star": self.mu_star, "kappa": self.kappa}

    def at(self, parameters: dict[str, Array]) -> RandomFeatures:
        """The features with these parameters, which were checked before."""
        return _unchecked(RandomFeatures, parameters)

    @property
    def strengths(self) -> tuple[float | Array, float | Array]:
        """(mu1, mu_star)."""
        return self.mu1, self.mu_star

    @property
    def per_input(self) -> float | Array:
        """kappa."""
        return self.kappa

    def overlaps(self, conjugates: Conjugates, lam: Array) -> Overlaps:
        """V = <Omega R>, m = kappa m_hat <mu1^2 x R>, s = q - m^2 as a sum of positive terms."""
        m_hat, q_hat, V_hat = conjugates
        V, M, A, B = self._means(V_hat, lam)
        return Overlaps(m_hat * M, q_hat * A + m_hat * m_hat * B, V)

    def slopes(self, conjugates: Conjugates, lam: Array) -> Slopes:
        """dV/dV_hat = -<Omega^2 R^2>, d log m / dV_hat = -<x Omega R^2> / <x R>; s through the pole."""
        m_hat, q_hat, V_hat = conjugates
        u, w, kappa = np.square(self.mu1), np.square(self.mu_star), np.asarray(self.kappa)
        h, D = V_hat * u, lam + V_hat * w
        x1, x2, xx2, variance = _pole(h, D, kappa)
        dx1, dx2, dxx2, dvariance = _pole_slopes(h, D, kappa, u, w)
        bare, rest = w / D, lam * u / (D * kappa)
        inner = u * xx2 + w * x2 + bare * x1
        A, B = bare * bare + rest * inner, u * u * variance + u * w * x2
        A_slope = -2.0 * bare**3 - bare * rest * inner + rest * (u * dxx2 + w * dx2 + bare * (dx1 - bare * x1))
        B_slope = u * u * dvariance + u * w * dx2
        from_rule = m_hat * m_hat * B
        s = q_hat * A + from_rule
        s_slope = q_hat * A_slope + m_hat * m_hat * B_slope
        return Slopes(dx1 / x1, 2.0 * from_rule / s, q_hat * A / s, s_slope / s, -A / (bare + rest * x1))

    def potential(self, conjugates: Conjugates, lam: Array) -> Array:
        """(kappa m_hat^2 <mu1^2 x R> + q_hat <Omega R>) / 2, per feature."""
        m_hat, q_hat, V_hat = conjugates
        V, M, _, _ = self._means(V_hat, lam)
        return np.asarray(0.5 * (m_hat * m_hat * M + q_hat * V))

    def ridge_response(self, load: Array, lam: Array, hard: bool) -> Array:
        """As if all features had the mean strength mu1^2 + mu_star^2: a start."""
        mean = np.square(self.mu1) + np.square(self.mu_star)
        return np.asarray(mean * (1.0 - load) / lam) if hard else ridge_response(load, lam / mean)

    def constraint_capacity(self, constraint: Loss, eps: Array) -> Array:
        """kappa for equal margins; 2 kappa tau for bounded ones, where the features see the share J of the teacher."""
        if isinstance(constraint, MinNorm):
            return np.asarray(self.kappa + 0.0 * eps)
        linear, nonlinear = np.square(self.mu1), np.square(self.mu_star)
        seen = linear * _pole(linear, nonlinear, np.asarray(self.kappa))[0]
        return np.asarray(self.kappa * separable_load(eps, seen))

    def _means(self, V_hat: Array, lam: Array) -> tuple[Array, Array, Array, Array]:
        """Return V, M = m / m_hat, A = <Omega^2 R^2> and B with s = q_hat A + m_hat^2 B."""
        u, w, kappa = np.square(self.mu1), np.square(self.mu_star), np.asarray(self.kappa)
        D = lam + V_hat * w
        x1, x2, xx2, variance = _pole(V_hat * u, D, kappa)
        # Omega R = w / D + (lam u / D) x R: the first term is what directions without signal (x = 0) do.
        bare, rest = w / D, lam * u / (D * kappa)
        V = bare + rest * x1
        A = bare * bare + rest * (u * xx2 + w * x2 + bare * x1)
        return V, u * x1, A, u * u * variance + u * w * x2


def _pole(h: Array, D: Array, kappa: Array) -> tuple[Array, Array, Array, Array]:
    """Return kappa <x R>, kappa <x R^2>, kappa <x^2 R^2> and kappa <x^2 R^2> - (kappa <x R>)^2 for R = 1 / (D + h x).

    x follows the Marchenko-Pastur law of F F^T / d, F of shape (kappa d, d); no term cancels.
    """
    root = np.sqrt(kappa)
    near, far = (1.0 - root) ** 2, (1.0 + root) ** 2
    a, r = D + h * (1.0 + kappa), np.sqrt((D + h * near) * (D + h * far))
    total = a + r
    x1, x2 = 2.0 * kappa / total, 2.0 * kappa / (r * total)
    X = h * (1.0 - kappa) ** 2 + D * (1.0 + kappa)
    scale = 2.0 * kappa / (r * total * total)
    xx2 = scale * ((1.0 + kappa) * r + X)
    # (1 - kappa) r + X, rationalised where kappa > 1 would make it a difference.
    variance = scale * np.where(
        kappa <= 1.0, (1.0 - kappa) * r + X, 4.0 * kappa * D * D / (X + np.abs(kappa - 1.0) * r)
    )
    return x1, x2, xx2, variance


def _pole_slopes(
    h: Array, D: Array, kappa: Array, h_slope: Array | float, D_slope: Array | float
) -> tuple[Array, Array, Array, Array]:
    """Return how the four means of `_pole` change when h and D do, by the logarithmic derivatives of their factors."""
    root = np.sqrt(kappa)
    square = (1.0 - kappa) ** 2
    a, r = D + h * (1.0 + kappa), np.sqrt((D + h * (1.0 - root) ** 2) * (D + h * (1.0 + root) ** 2))
    X = h * square + D * (1.0 + kappa)
    X_slope = h_slope * square + D_slope * (1.0 + kappa)
    r_slope = (a * D_slope + X * h_slope) / r
    total = a + r
    total_slope = D_slope + h_slope * (1.0 + kappa) + r_slope
    by_r, by_total = r_slope / r, total_slope / total
    x1, x2, xx2, variance = _pole(h, D, kappa)
    xx2_by = ((1.0 + kappa) * r_slope + X_slope) / ((1.0 + kappa) * r + X)
    gap = np.abs(kappa - 1.0)
    narrow = (gap * r_slope + X_slope) / (gap * r + X)
    variance_by = np.where(kappa <= 1.0, narrow, 2.0 * D_slope / D - narrow)
    return (
        -x1 * by_total,
        -x2 * (by_r + by_total),
        xx2 * (xx2_by - by_r - 2.0 * by_total),
        variance * (variance_by - by_r - 2.0 * by_total),
    )


def _unchecked(kind: type[_Map], parameters: dict[str, Array]) -> _Map:
    """Return a feature map with parameters that were checked before: the solver makes many."""
    features = object.__new__(kind)
    for name, value in parameters.items():
        object.__setattr__(features, name, value)
    return features


def ridge_response(alpha: Array, lam: Array) -> Array:
    """Return the positive root V of lam V^2 + (lam + alpha - 1) V - 1 = 0, without cancellation, lam = 0 included.

    Examples
    --------
    >>> import numpy as np
    >>> ridge_response(np.array([2.0, 2.0]), np.array([0.0, 0.1])).round(8).tolist()
    [1.0, 0.84428877]
    """
    b = lam + (alpha - 1.0)  # the difference is exact around alpha = 1
    root = np.sqrt(b * b + 4.0 * lam)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(b >= 0, 2.0 / (b + root), (root - b) / (2.0 * lam))
