"""Feature maps: what the learner sees of an input, and how that turns conjugates into overlaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from . import validation
from .losses import Loss, MinNorm
from .overlaps import Array, Conjugates, Overlaps
from .separability import capacity


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

    def constraint_capacity(self, constraint: Loss, eps: Array) -> Array:
        """Load below which the constraint can be met on every sample."""

    @property
    def strengths(self) -> tuple[float | Array, float | Array]:
        """(mu1, mu_star): strength of the linear part and of the part that fits single samples."""


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

    @property
    def parameters(self) -> dict[str, float | Array]:
        """mu1 and mu_star."""
        return {"mu1": self.mu1, "mu_star": self.mu_star}

    def at(self, parameters: dict[str, Array]) -> Kernel:
        """The kernel with these mu1 and mu_star, which were checked before."""
        kernel = object.__new__(Kernel)
        object.__setattr__(kernel, "mu1", parameters["mu1"])
        object.__setattr__(kernel, "mu_star", parameters["mu_star"])
        return kernel

    @property
    def strengths(self) -> tuple[float | Array, float | Array]:
        """(mu1, mu_star)."""
        return self.mu1, self.mu_star

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

    def constraint_capacity(self, constraint: Loss, eps: Array) -> Array:
        """Infinite while mu_star > 0: every sample has a direction of its own."""
        return np.where(np.asarray(self.mu_star) > 0, np.inf, Linear().constraint_capacity(constraint, eps))

    def _nonlinear_response(self, lam: Array) -> Array:
        """Return mu_star^2 / lam, and 0 for mu_star = 0 whatever lam (lam = 0 included)."""
        nonlinear = np.square(np.broadcast_to(self.mu_star, lam.shape))
        return np.asarray(np.divide(nonlinear, lam, out=np.zeros(lam.shape), where=nonlinear > 0))
