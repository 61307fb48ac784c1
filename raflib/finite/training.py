"""Training a learner of finite size with kept optimisers; convergence is checked, never assumed."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from scipy import linalg, sparse

from ..features import FeatureMap, Kernel, Linear
from ..losses import Hinge, Loss, MaxMargin, MinNorm, Square
from ..overlaps import Array

_SVM_TOLERANCE = 1e-5  # largest projected gradient of the dual at its end
_SVM_STEPS = 200_000
#: A hard margin is a soft one whose slack price exceeds every dual variable; checked by the margins reached.
_HARD_PRICE = 1e5
_LARGEST_SHORTFALL = 1e-3


class SimulationError(RuntimeError):
    """A finite-size learner could not be trained to the asked accuracy; the message says which and what to do.

    Examples
    --------
    >>> import raflib as rf
    >>> task, learner = rf.RulesAndFacts(alpha=3.0, eps=1.0), rf.Learner(rf.MaxMargin(), rf.Linear(), lam=1.0)
    >>> try:                                                       # above capacity
    ...     rf.simulate(task, learner, d=20, seeds=1, jobs=1, progress=False)
    ... except rf.SimulationError as error:
    ...     print(str(error)[:19])
    MaxMargin at lam =
    """


class Trained(NamedTuple):
    """A learner of finite size after training.

    Attributes
    ----------
    fields : array, shape (n,)
        Training fields omega.
    student : array, shape (d,)
        The w of the test field omega = w.x / sqrt(d).
    squared_norm : float, in [0, inf)
        ||a||^2 of the weights, private directions included.

    Examples
    --------
    >>> import raflib as rf
    >>> from raflib.finite.training import train
    >>> data = rf.RulesAndFacts(alpha=0.5, eps=0.3).sample(d=40, rng=0)
    >>> trained = train(data.X, data.y, rf.MinNorm(), rf.Linear(), lam=0.0)
    >>> bool(abs(data.y * trained.fields - 1).max() < 1e-9)                        # every margin is one
    True
    """

    fields: Array
    student: Array
    squared_norm: float


def train(X: Array, y: Array, loss: Loss, features: FeatureMap, lam: float) -> Trained:
    r"""Minimise the training objective over the weights, without intercept, by a kept optimiser.

    .. math::

        \sum_\mu \ell(y_\mu\omega_\mu) + \frac\lambda2\lVert a\rVert^2

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    y : array, shape (n,), in {-1, +1}
        Labels.
    loss : Square, Hinge, MinNorm or MaxMargin
        Ridge is solved directly, the others by dual coordinate descent.
    features : Linear or Kernel
        Kernel is sampled through its Gaussian equivalent: the inputs times mu1 and, for every training sample,
        one private direction of strength mu_star, which a new input does not share.
    lam : float, in [0, inf)
        Ridge; 0 is the limit lam -> 0+.

    Returns
    -------
    Trained
        Training fields, student and norm.

    Raises
    ------
    SimulationError
        If the optimiser did not converge, or if a constraint cannot be met.
    ValueError
        If the loss or the feature map has no finite-size version.

    References
    ----------
    arXiv:2603.25579, the model section.

    Examples
    --------
    >>> import raflib as rf
    >>> from raflib.finite.training import train
    >>> data = rf.RulesAndFacts(alpha=2.0, eps=0.3).sample(d=50, rng=0)
    >>> train(data.X, data.y, rf.Square(), rf.Linear(), lam=0.1).student.shape
    (50,)
    """
    if not isinstance(features, Linear | Kernel):
        raise ValueError(f"features = {features!r} have no finite-size version; use Linear or Kernel")
    mu1, mu_star = (float(strength) for strength in features.strengths)
    # omega = a.phi with phi = (mu1 x / sqrt(d), mu_star e_mu): the test field has a = (a_linear, a_private) and x only.
    shared = (mu1 / np.sqrt(X.shape[1])) * X
    if isinstance(loss, Square | MinNorm):
        linear, private = _ridge(shared, y, mu_star, 0.0 if isinstance(loss, MinNorm) else lam)
    elif isinstance(loss, Hinge | MaxMargin):
        linear, private = _svm(shared, y, mu_star, 0.0 if isinstance(loss, MaxMargin) else lam)
    else:
        raise ValueError(f"loss = {loss!r} has no finite-size version; use Square, Hinge, MinNorm or MaxMargin")
    fields = shared @ linear + mu_star * private
    if isinstance(loss, MinNorm):
        _check_margins(np.abs(y * fields - 1.0), loss)
    elif isinstance(loss, MaxMargin) or (isinstance(loss, Hinge) and lam == 0.0):
        _check_margins(1.0 - y * fields, loss)
    return Trained(fields, mu1 * linear, float(linear @ linear + private @ private))


def _ridge(shared: Array, y: Array, mu_star: float, lam: float) -> tuple[Array, Array]:
    """Return the linear and private weights of ridge regression, by Cholesky in the smaller of n and d."""
    n, d = shared.shape
    if mu_star == 0.0 and lam == 0.0:
        return np.asarray(linalg.lstsq(shared, y, lapack_driver="gelsy")[0]), np.zeros(n)
    if mu_star == 0.0 and d <= n:
        gram = shared.T @ shared
        gram.flat[:: d + 1] += lam
        return np.asarray(linalg.solve(gram, shared.T @ y, assume_a="pos")), np.zeros(n)
    gram = shared @ shared.T
    gram.flat[:: n + 1] += mu_star**2 + lam
    dual = linalg.solve(gram, y, assume_a="pos")
    return np.asarray(shared.T @ dual), np.asarray(mu_star * dual)


def _svm(shared: Array, y: Array, mu_star: float, lam: float) -> tuple[Array, Array]:
    """Return the linear and private weights of the SVM without intercept (liblinear's dual coordinate descent)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    n, d = shared.shape
    matrix = shared if mu_star == 0.0 else sparse.hstack([sparse.csr_array(shared), mu_star * sparse.eye_array(n)])
    if np.all(y == y[0]):
        # The library wants two classes. Without intercept (x, y) and (-x, -y) are the same sample.
        flip = np.ones(n)
        flip[0] = -1.0
        matrix, y = sparse.diags_array(flip) @ matrix, flip * y
    price = _HARD_PRICE if lam == 0.0 else 1.0 / lam
    machine = LinearSVC(
        loss="hinge", C=price, fit_intercept=False, tol=_SVM_TOLERANCE, max_iter=_SVM_STEPS, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            machine.fit(matrix if mu_star == 0.0 else sparse.csr_matrix(matrix), y)
        except ConvergenceWarning:
            raise SimulationError(
                f"the SVM did not converge in {_SVM_STEPS} sweeps at lam = {lam:g} (n = {n}, d = {d}); "
                "use a larger lam or a smaller d"
            ) from None
    weights = machine.coef_[0]
    return weights[:d], weights[d:] if mu_star else np.zeros(n)


def _check_margins(shortfall: Array, loss: Loss) -> None:
    worst = float(np.max(shortfall))
    if worst > _LARGEST_SHORTFALL:
        raise SimulationError(
            f"{type(loss).__name__} at lam = 0: a margin falls short of 1 by {worst:.3g}, so the constraints cannot "
            "be met on this sample (or were not, to 1e-3); lower alpha or use a soft loss with lam > 0"
        )
