"""Training a learner of finite size: ridge regression exactly, the other losses with checked optimisers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import validation
from ..features import FeatureMap
from ..losses import Hinge, Logistic, Loss, MaxMargin, MinNorm, Square, SquaredHinge
from ..overlaps import Array
from .certificate import LARGEST_SHORTFALL
from .checks import finite, labelled, labels, reals
from .designs import Design, KernelDesign
from .errors import SimulationError
from .machines import fit
from .realisation import equivalent
from .ridge import Path, ridge_path


class Trained(NamedTuple):
    """A trained learner.

    Attributes
    ----------
    fields : array, shape (n,)
        Training fields omega.
    student : array, shape (d,)
        Weights w of the test field omega = w.x / sqrt(d); for random features, of its linear part.
    squared_norm : float, in [0, inf)
        Squared norm of the weights a, private directions included.
    intercept : float
        Constant part of the fields; 0 unless an intercept was asked for.

    Examples
    --------
    >>> import raflib as rf
    >>> data = rf.RulesAndFacts(alpha=2.0, eps=0.3).sample(d=50, rng=0)
    >>> trained = rf.finite.train(data.X, data.y, rf.Square(), rf.Linear(), lam=0.1)
    >>> trained.fields.shape, trained.student.shape, trained.intercept
    ((100,), (50,), 0.0)
    """

    fields: Array
    student: Array
    squared_norm: float
    intercept: float = 0.0


class TrainedKernel(NamedTuple):
    """A learner trained on a kernel matrix.

    Attributes
    ----------
    fields : array, shape (n,)
        Training fields omega = K c.
    dual : array, shape (n,)
        Weights c of the samples: the field of a new input x is the sum over samples of c_mu k(x_mu, x).
    squared_norm : float, in [0, inf)
        c.K c, which lam weighs.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> fields, dual, squared_norm = rf.finite.train_kernel(np.eye(2), np.array([1.0, -1.0]), rf.Square(), lam=1.0)
    >>> dual.round(9).tolist()
    [0.5, -0.5]
    """

    fields: Array
    dual: Array
    squared_norm: float


def train(
    X: Array,
    y: Array,
    loss: Loss,
    features: FeatureMap,
    lam: float,
    *,
    intercept: bool = False,
    rng: np.random.Generator | int = 0,
) -> Trained:
    r"""Train a learner on Gaussian equivalents of its features.

    .. math::

        \min_a\; \sum_\mu \ell(y_\mu\omega_\mu) + \frac\lambda2\lVert a\rVert^2

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs, one a row.
    y : array, shape (n,)
        Labels, -1 or +1.
    loss : Square, Hinge, Logistic, SquaredHinge, MinNorm or MaxMargin
        The loss. lam has no meaning for the last two.
    features : Linear, Kernel or RandomFeatures
        The feature map. Kernel means the inputs times mu1 and, for every training sample, one private direction of
        strength mu_star, which a new input does not share; RandomFeatures a projection of the inputs and noise.
    lam : float, in [0, inf)
        Ridge. 0 is the limit lam -> 0+; losses other than the square need margins that can be kept then.
    intercept : bool
        Whether to add a constant feature of strength 1, which the ridge weighs like the others.
    rng : numpy.random.Generator or int, at least 0
        Generator of random features and their noise, or the seed of one; nothing else is random.

    Returns
    -------
    Trained
        Exact for the square loss; otherwise within a relative distance of 3e-4 of the minimiser, by the duality gap.

    Raises
    ------
    SimulationError
        If the optimiser did not converge, or if a constraint cannot be met.
    ValueError
        If X holds anything but finite real numbers, if a label is neither -1 nor +1, if shapes do not fit, or if the
        loss or the feature map has no finite-size version.

    References
    ----------
    arXiv:2603.25579, the model section.

    Examples
    --------
    >>> import raflib as rf
    >>> data = rf.RulesAndFacts(alpha=2.0, eps=0.3).sample(d=50, rng=0)
    >>> rf.finite.train(data.X, data.y, rf.Square(), rf.Linear(), lam=0.1).student.shape
    (50,)
    """
    X, y = labelled(X, y)
    design, reading = equivalent(features, X, validation.generator("rng", rng), intercept)
    path = train_path(design, y, loss, _one_lam(lam))
    vectors, _, constants = reading.students(path.weights)
    return Trained(path.fields[:, 0], vectors[:, 0], float(path.squared_norm[0]), float(constants[0]))


def train_kernel(K: Array, y: Array, loss: Loss, lam: float) -> TrainedKernel:
    r"""Train a learner on a kernel matrix.

    .. math::

        \min_c\; \sum_\mu \ell(y_\mu\omega_\mu) + \frac\lambda2\, c\cdot Kc, \qquad \omega = Kc

    Parameters
    ----------
    K : array, shape (n, n)
        Kernel between the training inputs, symmetric and positive semidefinite.
    y : array, shape (n,)
        Labels, -1 or +1.
    loss : Square, Hinge, Logistic, SquaredHinge, MinNorm or MaxMargin
        The loss. lam has no meaning for the last two.
    lam : float, in [0, inf)
        Ridge; 0 as for `train`.

    Returns
    -------
    TrainedKernel
        As accurate as `train`.

    Raises
    ------
    SimulationError
        If the optimiser did not converge, or if a constraint cannot be met.
    ValueError
        If K is not real, symmetric, finite and positive semidefinite, if a label is neither -1 nor +1, if shapes do not
        fit, or if the loss has no finite-size version.

    References
    ----------
    arXiv:2603.25579, kernels.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> data = rf.RulesAndFacts(alpha=1.0, eps=0.3).sample(d=60, rng=0, inputs="sphere")
    >>> K = rf.finite.RBFKernel(0.5).matrix(data.X, data.X)
    >>> svm = rf.finite.train_kernel(K, data.y, rf.Hinge(), lam=0.01)
    >>> bool(np.all(data.y * svm.fields > 0))          # at this lam it has stored every fact
    True
    """
    K = np.array(reals("K", K), order="C")
    if K.ndim != 2 or K.shape[0] != K.shape[1] or K.size == 0:
        raise ValueError(f"K has shape {K.shape}; it must be a square array of finite numbers")
    finite("K", K)
    apart = float(np.max(np.abs(K - K.T)))
    if apart > 1e-9 * float(np.max(np.abs(K))):
        raise ValueError(f"K is not symmetric: entries differ from their mirror image by up to {apart:.3g}")
    path = train_path(KernelDesign(K), labels(y, len(K)), loss, _one_lam(lam))
    return TrainedKernel(path.fields[:, 0], path.weights[:, 0], float(path.squared_norm[0]))


def train_path(design: Design, y: Array, loss: Loss, lam: Array) -> Path:
    """Train a learner on one sample for each lam.

    Parameters
    ----------
    design : Design
        The features.
    y : array, shape (n,)
        Labels, -1 or +1.
    loss : Square, Hinge, Logistic, SquaredHinge, MinNorm or MaxMargin
        The loss.
    lam : array, shape (values,), in [0, inf)
        Ridge.

    Returns
    -------
    Path
        Weights and fields for each lam.

    Raises
    ------
    SimulationError
        If the optimiser did not converge, or if a constraint cannot be met.
    ValueError
        If the loss has no finite-size version, or if a kernel matrix is not positive semidefinite.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> from raflib.finite.designs import FeatureDesign
    >>> X, y = np.array([[2.0], [-2.0]]), np.array([1.0, -1.0])
    >>> train_path(FeatureDesign(X), y, rf.Hinge(), np.array([1.0, 16.0])).weights.round(6).tolist()
    [[0.5, 0.25]]
    """
    if isinstance(loss, Square | MinNorm):
        path = ridge_path(design, y, np.zeros(1) if isinstance(loss, MinNorm) else lam)
        if isinstance(loss, MinNorm):
            shortfall = float(np.max(np.abs(y * path.fields[:, 0] - 1.0)))
            if shortfall > LARGEST_SHORTFALL:
                raise SimulationError(
                    f"MinNorm: a margin falls short of 1, or exceeds it, by {shortfall:.3g}, so the constraints cannot "
                    "be met on this sample; lower alpha, or use Square with lam = 0, which is least squares then"
                )
            path = Path(*(np.repeat(part, lam.size, axis=-1) for part in path))
        return path
    if not isinstance(loss, Hinge | Logistic | SquaredHinge | MaxMargin):
        raise ValueError(
            f"loss = {loss!r} has no finite-size version; use Square, Hinge, Logistic, SquaredHinge, MinNorm or "
            "MaxMargin"
        )
    if isinstance(design, KernelDesign):
        design.check_definite()
    if isinstance(loss, MaxMargin):  # whatever lam: train once
        columns = [fit(design, y, loss, 0.0)] * lam.size
    else:
        columns = [fit(design, y, loss, float(value)) for value in lam]
    weights = np.stack(columns, axis=1)
    return Path(weights, design.fields(weights), design.squared_norm(weights))


def _one_lam(lam: ArrayLike) -> Array:
    checked = np.asarray(validation.number("lam", lam, 0))
    if checked.ndim:
        raise ValueError(f"lam has shape {checked.shape}; a training has one lam (rf.simulate takes a path)")
    return checked[None]
