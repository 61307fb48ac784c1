"""From inputs to features: what a learner trains on, and how its trained weights answer a new input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..features import FeatureMap, Kernel, Linear, RandomFeatures
from ..overlaps import Array
from .actual import ActivationFeatures, Actual, DotProductKernel, RBFKernel
from .designs import FeatureDesign, KernelDesign


@dataclass(frozen=True, eq=False)
class LinearReading:
    r"""A learner whose test field is linear in the input, up to noise that no two inputs share.

    .. math::

        \omega(x) = \frac{w\cdot x}{\sqrt d} + \sigma_{\text{noise}}\,g + b, \qquad g \sim \mathcal N(0, 1)

    Parameters
    ----------
    scale : float
        Strength of the inputs, or of their projections, in the features.
    k : int
        Number of weights of these.
    through : array, shape (k, d), optional
        Projection of the inputs over sqrt(d).
    noise : float
        Strength of the noise in each feature.
    intercept : bool
        Whether weight number k is the constant.

    Examples
    --------
    >>> import numpy as np
    >>> vectors, noise, constants = LinearReading(2.0, 3).students(np.ones((3, 1)))
    >>> vectors.ravel().tolist(), noise.tolist(), constants.tolist()
    ([2.0, 2.0, 2.0], [0.0], [0.0])
    """

    scale: float
    k: int
    through: Array | None = None
    noise: float = 0.0
    intercept: bool = False

    def students(self, weights: Array) -> tuple[Array, Array, Array]:
        """Return w (d, columns), the strength of the noise and the constant b of each column of weights."""
        a = weights[: self.k]
        vectors = self.scale * (a if self.through is None else self.through.T @ a)
        noise = self.noise * np.sqrt(np.einsum("ij,ij->j", a, a))
        return np.asarray(vectors), noise, _row(weights, self.k if self.intercept else None)


@dataclass(frozen=True, eq=False)
class ActivationReading:
    """A learner on actual random features.

    Parameters
    ----------
    F : array, shape (p, d)
        First layer.
    activation : ActivationFeatures
        Its activation.
    intercept : bool
        Whether the last weight is the constant.

    Examples
    --------
    >>> import numpy as np
    >>> reading = ActivationReading(np.eye(2), ActivationFeatures("sign"))
    >>> reading.fields(np.array([[1.0, -1.0], [1.0, 1.0]]), np.ones((2, 1))).round(9).tolist()
    [[0.0], [1.414213562]]
    """

    F: Array
    activation: ActivationFeatures
    intercept: bool = False

    @property
    def width(self) -> int:
        """Numbers that each new input needs at once."""
        return int(self.F.shape[0])

    def features(self, X: Array) -> Array:
        """Features of inputs, over sqrt(p)."""
        p, d = self.F.shape
        fields = X @ self.F.T
        fields /= np.sqrt(d)
        features = self.activation.values(fields)
        features /= np.sqrt(p)
        return features

    def fields(self, X: Array, weights: Array) -> Array:
        """Test fields of inputs, without the constant."""
        return np.asarray(self.features(X) @ weights[: len(self.F)])

    def constants(self, weights: Array) -> Array:
        """Constant of each column of weights."""
        return _row(weights, len(self.F) if self.intercept else None)


@dataclass(frozen=True, eq=False)
class KernelReading:
    """A learner on an actual kernel.

    Parameters
    ----------
    X : array, shape (n, d)
        Training inputs.
    kernel : DotProductKernel or RBFKernel
        Its kernel.
    intercept : bool
        Whether 1 was added to the kernel.

    Examples
    --------
    >>> import numpy as np
    >>> reading = KernelReading(np.eye(2), RBFKernel(0.5), intercept=True)
    >>> reading.fields(np.zeros((1, 2)), np.ones((2, 1))).tolist(), reading.constants(np.ones((2, 1))).tolist()
    ([[0.0]], [2.0])
    """

    X: Array
    kernel: DotProductKernel | RBFKernel
    intercept: bool = False

    @property
    def width(self) -> int:
        """Numbers that each new input needs at once."""
        return len(self.X)

    def fields(self, X: Array, weights: Array) -> Array:
        """Test fields of inputs, without the constant."""
        return np.asarray(self.kernel.matrix(X, self.X) @ weights)

    def constants(self, weights: Array) -> Array:
        """Constant of each column of weights."""
        return weights.sum(axis=0) if self.intercept else np.zeros(weights.shape[1])


Reading = LinearReading | ActivationReading | KernelReading


def equivalent(
    features: FeatureMap, X: Array, rng: np.random.Generator, intercept: bool
) -> tuple[FeatureDesign, LinearReading]:
    """Return the Gaussian equivalent of features on inputs.

    Parameters
    ----------
    features : Linear, Kernel or RandomFeatures
        The feature map, with scalar parameters.
    X : array, shape (n, d)
        Training inputs.
    rng : numpy.random.Generator
        Generator of the projection and the noise of RandomFeatures.
    intercept : bool
        Whether to add a constant feature of strength 1.

    Returns
    -------
    design : FeatureDesign
        What the learner trains on.
    reading : LinearReading
        What its weights mean.

    Raises
    ------
    ValueError
        If the feature map has no finite-size version.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> design, reading = equivalent(rf.Linear(), np.ones((3, 4)), np.random.default_rng(0), intercept=True)
    >>> design.shared[0].tolist()
    [0.5, 0.5, 0.5, 0.5, 1.0]
    """
    n, d = X.shape
    if isinstance(features, Linear | Kernel):
        mu1, mu_star = (_scalar(features, name, value) for name, value in _strengths(features))
        shared = (mu1 / np.sqrt(d)) * X
        return FeatureDesign(_constant(shared, intercept), mu_star), LinearReading(mu1, d, intercept=intercept)
    if isinstance(features, RandomFeatures):
        mu1, mu_star = (_scalar(features, name, value) for name, value in _strengths(features))
        p = _features_of(features, d)
        F = rng.standard_normal((p, d))
        shared = X @ F.T
        shared *= mu1 / np.sqrt(d * p)
        shared += (mu_star / np.sqrt(p)) * rng.standard_normal((n, p))
        reading = LinearReading(mu1 / np.sqrt(p), p, F, mu_star / np.sqrt(p), intercept)
        return FeatureDesign(_constant(shared, intercept)), reading
    raise ValueError(f"features = {features!r} have no finite-size version; use Linear, Kernel or RandomFeatures")


def actual(
    kind: Actual, features: FeatureMap, X: Array, rng: np.random.Generator, intercept: bool
) -> tuple[FeatureDesign | KernelDesign, ActivationReading | KernelReading]:
    """Return actual features or an actual kernel on inputs.

    Parameters
    ----------
    kind : ActivationFeatures, DotProductKernel or RBFKernel
        What to train on.
    features : RandomFeatures or Kernel
        Its Gaussian equivalent, with scalar parameters; `check_actual` says whether it is.
    X : array, shape (n, d)
        Training inputs.
    rng : numpy.random.Generator
        Generator of the first layer of ActivationFeatures.
    intercept : bool
        Whether to add a constant feature of strength 1.

    Returns
    -------
    design : FeatureDesign or KernelDesign
        What the learner trains on.
    reading : ActivationReading or KernelReading
        What its weights mean.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> tanh = ActivationFeatures("tanh")
    >>> rng = np.random.default_rng(0)
    >>> design, reading = actual(tanh, tanh.equivalent(0.5), np.ones((3, 4)), rng, intercept=False)
    >>> design.shared.shape
    (3, 2)
    """
    if isinstance(kind, ActivationFeatures):
        assert isinstance(features, RandomFeatures)
        d = X.shape[1]
        F = rng.standard_normal((_features_of(features, d), d))
        F *= np.sqrt(d) / np.linalg.norm(F, axis=1, keepdims=True)
        reading = ActivationReading(F, kind, intercept)
        return FeatureDesign(_constant(reading.features(X), intercept)), reading
    K = kind.matrix(X, X)
    if intercept:
        K += 1.0
    return KernelDesign(K), KernelReading(X, kind, intercept)


def realise(
    features: FeatureMap, kind: Actual | None, X: Array, rng: np.random.Generator, intercept: bool
) -> tuple[FeatureDesign | KernelDesign, Reading]:
    """Return features on inputs: actual ones if there are, otherwise the Gaussian equivalent.

    Parameters
    ----------
    features : FeatureMap
        The learner's features, with scalar parameters.
    kind : ActivationFeatures, DotProductKernel, RBFKernel or None
        What to train on instead.
    X : array, shape (n, d)
        Training inputs.
    rng : numpy.random.Generator
        Generator of what is random in the features.
    intercept : bool
        Whether to add a constant feature of strength 1.

    Returns
    -------
    design : FeatureDesign or KernelDesign
        What the learner trains on.
    reading : LinearReading, ActivationReading or KernelReading
        What its weights mean.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> design, _ = realise(rf.Kernel.rbf(0.5), RBFKernel(0.5), np.eye(3), np.random.default_rng(0), intercept=False)
    >>> design.n
    3
    """
    return equivalent(features, X, rng, intercept) if kind is None else actual(kind, features, X, rng, intercept)


def check_actual(kind: Actual, features: FeatureMap) -> None:
    """Raise ValueError unless the theory's features are the Gaussian equivalent of actual ones.

    Parameters
    ----------
    kind : ActivationFeatures, DotProductKernel or RBFKernel
        What to train on.
    features : FeatureMap
        What the theory solves.

    Raises
    ------
    ValueError
        If they are not of one kind, or if their strengths differ by more than 1e-6.

    Examples
    --------
    >>> import raflib as rf
    >>> rbf = rf.finite.RBFKernel(0.5)
    >>> check_actual(rbf, rbf.equivalent)
    >>> check_actual(rbf, rf.Kernel(0.8, 0.6))
    Traceback (most recent call last):
        ...
    ValueError: actual = RBFKernel(eta=0.5) has mu1 = 0.606531 and mu_star = 0.514044, learner.features = ...
    """
    if not isinstance(kind, Actual):
        raise ValueError(
            f"actual = {kind!r} is none of rf.finite.ActivationFeatures, rf.finite.DotProductKernel, "
            "rf.finite.RBFKernel; leave it out for the Gaussian equivalent"
        )
    wanted, how = (
        (RandomFeatures, "equivalent(kappa)") if isinstance(kind, ActivationFeatures) else (Kernel, "equivalent")
    )
    ours = np.array(kind.strengths)
    theirs = [np.asarray(strength) for strength in features.strengths]
    apart = max(float(np.max(np.abs(theirs[i] - ours[i]))) for i in (0, 1))
    if not isinstance(features, wanted) or apart > 1e-6 * float(ours.max()):
        raise ValueError(
            f"actual = {kind!r} has mu1 = {ours[0]:.6g} and mu_star = {ours[1]:.6g}, learner.features = {features!r}: "
            f"theory and experiment would be of two learners; give the learner the features actual.{how}"
        )


def _strengths(features: FeatureMap) -> list[tuple[str, float | Array]]:
    return list(zip(("mu1", "mu_star"), features.strengths, strict=True))


def _scalar(features: FeatureMap, name: str, value: float | Array) -> float:
    if np.ndim(value):
        raise ValueError(f"{name} of {features!r} has shape {np.shape(value)}; a training has one {name}")
    return float(value)


def _features_of(features: RandomFeatures, d: int) -> int:
    p = round(_scalar(features, "kappa", features.kappa) * d)
    if p < 1:
        raise ValueError(f"kappa = {features.kappa} with d = {d} gives no feature; kappa * d must be at least 0.5")
    return p


def _constant(shared: Array, intercept: bool) -> Array:
    return np.hstack([shared, np.ones((len(shared), 1))]) if intercept else shared


def _row(weights: Array, index: int | None) -> Array:
    return np.zeros(weights.shape[1]) if index is None else np.asarray(weights[index])
