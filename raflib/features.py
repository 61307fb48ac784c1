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

    m is proportional to m_hat and independent of q_hat, V depends on V_hat alone, for every linear learner.
    """

    m_V_hat: Array
    s_m_hat: Array | float
    s_q_hat: Array | float
    s_V_hat: Array
    V_V_hat: Array


class FeatureMap(Protocol):
    """What the solver asks of a feature map."""

    @property
    def parameters(self) -> dict[str, float | Array]:
        """The map's own parameters by name, for broadcasting and for error messages."""

    def at(self, parameters: dict[str, Array]) -> FeatureMap:
        """The same map with these parameter values."""

    def overlaps(self, conjugates: Conjugates, lam: Array) -> Overlaps:
        """Overlaps of the learner whose effective potential has these conjugates."""

    def slopes(self, conjugates: Conjugates, lam: Array) -> Slopes:
        """How these overlaps change with the conjugates."""

    def potential(self, conjugates: Conjugates, lam: Array) -> Array:
        """Potential Psi with m = dPsi/dm_hat, V = 2 dPsi/dq_hat, q = -2 dPsi/dV_hat."""

    def ridge_response(self, load: Array, lam: Array, hard: bool) -> Array:
        """V of the square loss, or of its hard constraint: exact, or a start for the solver."""

    def constraint_capacity(self, constraint: Loss, eps: Array) -> Array:
        """Load below which the constraint can be met on every sample."""

    @property
    def strengths(self) -> tuple[float | Array, float | Array]:
        """(mu1, mu_star): strength of the linear part and of the part that fits single samples."""

    @property
    def per_input(self) -> float | Array:
        """Weights per input dimension that the equations count: conjugates are per weight."""


@dataclass(frozen=True)
class Linear:
    r"""The inputs themselves: omega = a.x / sqrt(d).

    ``V = 1 / (lam + V_hat)``, ``m = m_hat V``, ``s = q_hat V^2``.

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
    r"""A dot-product kernel, through its Gaussian equivalent K = mu1^2 x.x'/d + mu_star^2 delta.

    ``D = lam + mu1^2 V_hat``, ``m = mu1^2 m_hat / D``, ``s = mu1^4 q_hat / D^2``, ``V = mu1^2 / D + mu_star^2 / lam``.

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
        """Kernel with mu1 = cos(gamma), mu_star = sin(gamma).

        Parameters
        ----------
        gamma : float or array, in [0, pi/2)
            Angle in radians: 0 is linear, towards pi/2 the kernel only stores.

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
        activation, kinks
            As for `raflib.hermite`. The mean mu0 of the features, a constant direction, is left out.

        Raises
        ------
        ValueError
            If the activation has no linear part: an even function.

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
        """Kernel exp(-eta ||x - x'||^2 / d) of inputs on the sphere ||x||^2 = d.

        Parameters
        ----------
        eta : float or array, in (0, 300]
            Towards 0 it is linear, at large eta it only stores.

        Examples
        --------
        >>> import raflib as rf
        >>> rf.Kernel.rbf(0.05).angle < rf.Kernel.rbf(2.0).angle
        True
        """
        return cls(*rbf_strengths(eta))

    @classmethod
    def from_dot_product(cls, kernel: Callable[[Array], Array]) -> Kernel:
        """Kernel k(x.x'/d), a vectorised function of t in [-1, 1], analytic around 0.

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
        """gamma = arctan(mu_star / mu1), in radians."""
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
    r"""p = kappa d random features sigma(F x / sqrt(d)), through their Gaussian equivalent.

    That is mu1 F x / sqrt(d) + mu_star noise. With x the eigenvalues of F F^T / d (p x p, Marchenko-Pastur),
    Omega = mu1^2 x + mu_star^2, R = 1 / (lam + V_hat Omega), <.> the spectral mean, and conjugates with alpha / kappa
    in the place of alpha:

    ``V = <Omega R>``, ``m = kappa m_hat <mu1^2 x R>``,
    ``q = q_hat <Omega^2 R^2> + kappa m_hat^2 <mu1^2 x Omega R^2>``.

    With h = V_hat mu1^2 and D = lam + V_hat mu_star^2, R = 1 / (D + h x) has one pole, and all means follow from

    ``kappa <x R> = 2 kappa / (a + r)``, ``a = D + h (1 + kappa)``,
    ``r^2 = (D + h (1 - sqrt(kappa))^2) (D + h (1 + sqrt(kappa))^2)``

    and its derivatives by D and h, all of whose terms are positive.

    Parameters
    ----------
    mu1 : float or array, in (0, inf)
        Strength of the linear part of the activation.
    mu_star : float or array, in (0, inf)
        Strength of its nonlinear part.
    kappa : float or array, in (0, inf)
        Features per input dimension, p / d. kappa -> infinity is `Kernel` with the same strengths and lam kappa.

    Raises
    ------
    ValueError
        If a value is outside its range, or if the shapes do not broadcast.

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
        """dV/dV_hat = -<Omega^2 R^2>; the others by central differences in V_hat, to 1e-9."""
        m_hat, q_hat, V_hat = conjugates
        V, M, A, B = self._means(V_hat, lam)
        step = 1e-5 * V_hat + 1e-300
        up, down = self._means(V_hat + step, lam), self._means(V_hat - step, lam)
        M_slope, A_slope, B_slope = ((x - y) / (2.0 * step) for x, y in zip(up[1:], down[1:], strict=True))
        from_rule = m_hat * m_hat * B
        s = q_hat * A + from_rule
        s_slope = q_hat * A_slope + m_hat * m_hat * B_slope
        return Slopes(M_slope / M, 2.0 * from_rule / s, q_hat * A / s, s_slope / s, -A / V)

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
    b = lam + alpha - 1.0
    root = np.sqrt(b * b + 4.0 * lam)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(b >= 0, 2.0 / (b + root), (root - b) / (2.0 * lam))
