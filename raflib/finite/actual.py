"""Features and kernels as they are, not their Gaussian equivalents: activations, dot-product and RBF kernels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .. import validation
from ..activations import ACTIVATIONS, Hermite, dot_product_strengths, hermite, rbf_strengths
from ..features import Kernel, RandomFeatures
from ..overlaps import Array

#: Where the values of a function of the user's are taken, to tell it from others in the cache's key.
_PROBE = np.linspace(-10.0, 10.0, 2001)


@dataclass(frozen=True)
class ActivationFeatures:
    r"""Random features of an activation, trained on as they are.

    .. math::

        \varphi(x) = \sigma\big(Fx/\sqrt d\big) - \mu_0, \qquad \mu_0 = \mathbb E\,\sigma(z),

    with p = kappa d rows of F drawn uniformly from the sphere of radius :math:`\sqrt d`, so that every row's field is
    standard normal where the inputs are. The mean :math:`\mu_0` is taken off because the theory leaves the constant
    direction out.

    Parameters
    ----------
    activation : {"relu", "erf", "tanh", "sign", "gelu", "sine"} or function
        The activation; a function must be vectorised.
    kinks : sequence of float, in (-inf, inf)
        Where a function of yours jumps or bends, as for `raflib.hermite`.

    Raises
    ------
    ValueError
        If the activation is unknown, does not vary, or cannot be integrated.

    References
    ----------
    Gerace, Loureiro, Krzakala, Mézard and Zdeborová, ICML 2020; Goldt et al., PRX 10 (2020) 041044.

    Examples
    --------
    >>> import raflib as rf
    >>> relu = rf.finite.ActivationFeatures("relu")
    >>> task, learner = rf.RulesAndFacts(1.5, 0.3), rf.Learner(rf.Square(), relu.equivalent(kappa=2.0), lam=0.1)
    >>> run = rf.simulate(task, learner, d=100, seeds=4, actual=relu, n_jobs=1, progress=False)
    >>> theory = rf.generalization_error(rf.solve(task, learner))
    >>> abs(run.generalization_error.mean - theory) < 4 * run.generalization_error.stderr + 0.02
    True
    """

    activation: str | Callable[[Array], Array]
    kinks: Sequence[float] = ()
    parts: Hermite = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", hermite(self.activation, self.kinks))

    @property
    def strengths(self) -> tuple[float, float]:
        """Strengths mu1, without its sign, and mu_star of the Gaussian equivalent.

        Examples
        --------
        >>> import raflib as rf
        >>> rf.finite.ActivationFeatures("relu").strengths[0]
        0.5
        """
        return abs(self.parts.mu1), self.parts.mu_star

    def equivalent(self, kappa: float | Array) -> RandomFeatures:
        """Return the Gaussian equivalent, which the theory solves.

        Parameters
        ----------
        kappa : float or array, in (0, inf)
            Features per input dimension.

        Returns
        -------
        RandomFeatures
            With the strengths of this activation.

        Raises
        ------
        ValueError
            If the activation has no linear part, or nothing else.

        Examples
        --------
        >>> import raflib as rf
        >>> rf.finite.ActivationFeatures("relu").equivalent(2.0).kappa
        2.0
        """
        return RandomFeatures.from_activation(self.activation, kappa, self.kinks)

    def values(self, fields: Array) -> Array:
        """Return the activation of an array of fields, less its mean.

        Parameters
        ----------
        fields : array, in (-inf, inf)
            Fields F x / sqrt(d).

        Returns
        -------
        array
            Of the same shape.

        Raises
        ------
        ValueError
            If the activation does not give one finite number per field.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> rf.finite.ActivationFeatures("relu").values(np.array([-1.0, 2.0])).round(4).tolist()
        [-0.3989, 1.6011]
        """
        function = ACTIVATIONS[self.activation][0] if isinstance(self.activation, str) else self.activation
        values = validation.mapped("activation", function, fields)
        _check_finite("activation", self.activation, values, fields)
        return values - self.parts.mu0

    @property
    def identity(self) -> str:
        """Text that tells this activation from others, in any process.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> one, two = rf.finite.ActivationFeatures("tanh"), rf.finite.ActivationFeatures(np.tanh)
        >>> one.identity == two.identity
        True
        """
        return f"activation {_identity(self.values(_PROBE))}"


@dataclass(frozen=True)
class DotProductKernel:
    r"""A dot-product kernel of the inputs, trained on as it is.

    .. math::

        K(x, x') = k\big(x\cdot x'/d\big) - k(0)

    The constant k(0) is taken off because the theory leaves the constant direction out.

    Parameters
    ----------
    function : function
        The vectorised function k, analytic around 0. The squared norm of inputs that are neither on the sphere nor
        binary fluctuates, so that k must be defined somewhat beyond [-1, 1] for them.

    Raises
    ------
    ValueError
        If k has no positive slope at 0, or is smaller at 1 than its linear part.

    References
    ----------
    El Karoui, Annals of Statistics 38 (2010) 1, for the Gaussian equivalent.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> cubic = rf.finite.DotProductKernel(lambda t: t + t**3)
    >>> round(cubic.equivalent.mu1, 9), round(cubic.equivalent.mu_star, 9)
    (1.0, 1.0)
    """

    function: Callable[[Array], Array]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ValueError(f"function = {self.function!r} is not a function of an array; pass k with k(x.x'/d)")
        dot_product_strengths(self.function)

    @property
    def strengths(self) -> tuple[float, float]:
        """Strengths mu1 and mu_star of the Gaussian equivalent.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> np.round(rf.finite.DotProductKernel(np.exp).strengths, 6).tolist()
        [1.0, 0.847515]
        """
        return dot_product_strengths(self.function)

    @property
    def equivalent(self) -> Kernel:
        """The Gaussian equivalent, which the theory solves.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> rf.finite.DotProductKernel(np.exp).equivalent == rf.Kernel.from_dot_product(np.exp)
        True
        """
        return Kernel(*self.strengths)

    def matrix(self, X: Array, Z: Array) -> Array:
        """Return the kernel between two sets of inputs.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs, one a row.
        Z : array, shape (k, d)
            Inputs, one a row.

        Returns
        -------
        array, shape (n, k)
            Their kernel.

        Raises
        ------
        ValueError
            If the function does not give one finite number per pair.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> rf.finite.DotProductKernel(np.exp).matrix(np.eye(2) * 2**0.5, np.eye(2) * 2**0.5).round(4).tolist()
        [[1.7183, 0.0], [0.0, 1.7183]]
        """
        t = X @ Z.T
        t /= X.shape[1]
        values = validation.mapped("kernel", self.function, t)
        _check_finite("kernel", self.function, values, t)
        return values - float(validation.mapped("kernel", self.function, np.zeros(1))[0])

    @property
    def identity(self) -> str:
        """Text that tells this kernel from others, in any process.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> kernels = [rf.finite.DotProductKernel(k) for k in (np.exp, np.expm1, lambda t: np.exp(t))]
        >>> [kernel.identity == kernels[0].identity for kernel in kernels]
        [True, False, True]
        """
        with np.errstate(all="ignore"):  # some kernels are defined on [-1, 1] only
            return f"dot product {_identity(validation.mapped('kernel', self.function, _PROBE / 8.0))}"


@dataclass(frozen=True)
class RBFKernel:
    r"""The kernel of Gaussian shape between inputs, trained on as it is.

    .. math::

        K(x, x') = e^{-\eta\lVert x-x'\rVert^2/d} - e^{-\eta(\lVert x\rVert^2 + \lVert x'\rVert^2)/d}

    On the sphere the second term is the constant :math:`e^{-2\eta}`. It is what the kernel would be without any dot
    product, a direction that tells nothing of the input's and that the theory leaves out.

    Parameters
    ----------
    eta : float, in (0, 300]
        Inverse squared width. scikit-learn calls eta / d gamma.

    Raises
    ------
    ValueError
        If eta is outside its range.

    References
    ----------
    El Karoui, Annals of Statistics 38 (2010) 1, for the Gaussian equivalent.

    Examples
    --------
    >>> import raflib as rf
    >>> rbf = rf.finite.RBFKernel(0.7)
    >>> rbf.equivalent == rf.Kernel.rbf(0.7)
    True
    """

    eta: float

    def __post_init__(self) -> None:
        if np.ndim(self.eta):
            raise ValueError(f"eta has shape {np.shape(self.eta)}; an actual kernel has one width")
        object.__setattr__(self, "eta", validation.number("eta", self.eta, 0, 300, open_low=True))

    @property
    def strengths(self) -> tuple[float, float]:
        """Strengths mu1 and mu_star of the Gaussian equivalent.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> np.round(rf.finite.RBFKernel(0.5).strengths, 6).tolist()
        [0.606531, 0.514044]
        """
        mu1, mu_star = rbf_strengths(self.eta)
        return float(mu1), float(mu_star)

    @property
    def equivalent(self) -> Kernel:
        """The Gaussian equivalent, which the theory solves.

        Examples
        --------
        >>> import raflib as rf
        >>> rf.finite.RBFKernel(0.5).equivalent == rf.Kernel.rbf(0.5)
        True
        """
        return Kernel(*self.strengths)

    def matrix(self, X: Array, Z: Array) -> Array:
        """Return the kernel between two sets of inputs.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs, one a row.
        Z : array, shape (k, d)
            Inputs, one a row.

        Returns
        -------
        array, shape (n, k)
            Their kernel.

        Raises
        ------
        ValueError
            If it overflows: inputs whose squared norm is far above d, at a large eta.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> rf.finite.RBFKernel(0.5).matrix(np.eye(2) * 2**0.5, np.eye(2) * 2**0.5).round(4).tolist()
        [[0.6321, 0.0], [0.0, 0.6321]]
        """
        scale = self.eta / X.shape[1]
        # exp(-eta |x|^2 / d) exp(-eta |x'|^2 / d) (exp(2 eta x.x' / d) - 1), which cancels nothing at small eta.
        K = X @ Z.T
        K *= 2.0 * scale
        with np.errstate(over="ignore", invalid="ignore"):
            np.expm1(K, out=K)
            K *= np.exp(-scale * np.einsum("ij,ij->i", X, X))[:, None]
            K *= np.exp(-scale * np.einsum("ij,ij->i", Z, Z))
        if not np.isfinite(K).all():
            raise ValueError(f"eta = {self.eta:g}: the kernel overflows on these inputs; use a smaller eta")
        return np.asarray(K)

    @property
    def identity(self) -> str:
        """Text that tells this kernel from others, in any process.

        Examples
        --------
        >>> import raflib as rf
        >>> rf.finite.RBFKernel(0.5).identity
        'RBF 0.5'
        """
        return f"RBF {self.eta!r}"


#: What `simulate` takes in the place of a Gaussian equivalent.
Actual = ActivationFeatures | DotProductKernel | RBFKernel


def _check_finite(what: str, function: object, values: Array, at: Array) -> None:
    """Raise ValueError, with the first argument, where a value is not finite."""
    bad = ~np.isfinite(values)
    if bad.any():
        advice = "" if what == "activation" else "; with inputs='sphere' the arguments stay in [-1, 1]"
        raise ValueError(f"{what} = {function!r} is not finite at {float(at[bad][0]):.6g}{advice}")


def _identity(values: Array) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
