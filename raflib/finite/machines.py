"""Support vector machines and logistic regression without intercept: scikit-learn's optimisers, and a proof each time.

An optimiser's own stopping rule says little of how far it is from the minimum. So each result is held against a lower
bound of the objective (`raflib.finite.certificate`), the optimiser is run again with a smaller tolerance until that
bound is near, and a run that does not get there is an error. For the two hinge losses, a few steps on the set of
support vectors, which the optimiser found, solve the remaining linear equations exactly and give the bound.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import linalg
from scipy.special import expit

from ..losses import Hinge, Logistic, Loss, MaxMargin
from ..overlaps import Array
from .certificate import ACCURACY, distance
from .designs import Design, KernelDesign
from .errors import SimulationError
from .polish import Mask, polish

#: Tolerances of liblinear's dual coordinate descent that are tried in turn, and its sweeps over the sample. Where few
#: sweeps do, as with kernels, a small tolerance saves steps of polishing; where they are many, a large one saves them.
_EASY = (1e-3, 60)
_DUAL_TOLERANCES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
_DUAL_SWEEPS = 100_000
#: Steps of libsvm's, each over two samples.
_KERNEL_STEPS = 200_000
#: Enough wherever margins can be kept by weights of moderate size; where they cannot, no number is.
_HARD_SWEEPS = 5_000
#: The same of the primal descents of the logistic loss; Newton's method where the features are few enough.
_DESCENTS = (("lbfgs", 1e-8, 3000), ("newton-cholesky", 1e-8, 200), ("newton-cholesky", 1e-11, 200))
#: A hard margin is a soft one whose slack price exceeds every dual variable; checked by the margins reached.
_PRICES = (1e2, 1e5)
_LARGEST_SHORTFALL = 1e-3


def fit(design: Design, y: Array, loss: Loss, lam: float) -> Array:
    """Minimise sum_mu loss(y_mu omega_mu) + (lam / 2) ||a||^2 for a loss of margins.

    Parameters
    ----------
    design : Design
        The features.
    y : array, shape (n,)
        Labels.
    loss : Hinge, SquaredHinge, Logistic or MaxMargin
        The loss. For MaxMargin lam has no meaning.
    lam : float, in [0, inf)
        Ridge. 0 is the limit from above where the margins can be kept: the direction of MaxMargin, for every loss.

    Returns
    -------
    array, shape (k,)
        Weights, within a relative distance of `ACCURACY` of the minimiser.

    Raises
    ------
    SimulationError
        If the optimiser did not come that near, or if margins cannot be kept at lam = 0.

    Examples
    --------
    >>> import numpy as np
    >>> from raflib.finite.designs import FeatureDesign
    >>> fit(FeatureDesign(np.array([[2.0], [-2.0]])), np.array([1.0, -1.0]), Hinge(), 1.0).round(6).tolist()
    [0.5]
    """
    if isinstance(loss, MaxMargin) or lam == 0.0:
        return _hard_margin(design, y, loss)
    if isinstance(loss, Logistic):
        weights, apart = _logistic(design, y, lam)
    else:
        weights, apart = _vector_machine(design, y, loss, lam, _DUAL_SWEEPS)
    if apart > ACCURACY:
        raise _not_converged(
            f"{type(loss).__name__} at lam = {lam:g}", design, apart, "use a larger lam or a smaller d"
        )
    return weights


def _hard_margin(design: Design, y: Array, loss: Loss) -> Array:
    """Return the weights of least norm with all margins at least one."""
    name = type(loss).__name__ + ("" if isinstance(loss, MaxMargin) else " at lam = 0")
    for price in _PRICES:
        weights, apart = _vector_machine(design, y, Hinge(), 1.0 / price, _HARD_SWEEPS)
        shortfall = float(np.max(1.0 - y * design.fields(weights)))
        if shortfall <= _LARGEST_SHORTFALL and apart <= ACCURACY:
            return weights
    if shortfall <= _LARGEST_SHORTFALL:
        raise _not_converged(name, design, apart, "lower alpha, or use a soft loss with a small lam > 0")
    raise SimulationError(
        f"{name}: a margin falls short of 1 by {shortfall:.3g}, so the constraints cannot be met on this sample, or "
        "only by very large weights; lower alpha, or use a soft loss with a small lam > 0, of which this is the limit"
    )


def _not_converged(name: str, design: Design, apart: float, advice: str) -> SimulationError:
    return SimulationError(
        f"{name} did not converge (n = {design.n}): the weights may be {apart:.1g} of their norm away from the "
        f"minimiser, more than {ACCURACY:g}; {advice}"
    )


def _vector_machine(design: Design, y: Array, loss: Loss, lam: float, sweeps: int) -> tuple[Array, float]:
    """Return the weights of the SVM with hinge or squared hinge loss, and a bound on their relative distance."""
    best: tuple[Array, float] = (np.zeros(0), np.inf)
    for active, beyond in _choices(design, y, loss, lam, sweeps):
        best = min(best, polish(design, y, loss, lam, active, beyond), key=lambda pair: pair[1])
        if best[1] <= ACCURACY:
            break
    return best


def _choices(design: Design, y: Array, loss: Loss, lam: float, sweeps: int) -> Iterator[tuple[Mask, Mask]]:
    """Yield support vectors at and beyond the margin, from better and better runs of scikit-learn's optimisers."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import SVC, LinearSVC

    hinge = isinstance(loss, Hinge)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the bound decides whether the next run is needed
        if isinstance(design, KernelDesign) and hinge and np.any(y != y[0]):
            # On the matrix itself, without a copy or a factor. Its intercept is small, and gone after the polishing.
            kernel_machine = SVC(kernel="precomputed", C=1.0 / lam, max_iter=_KERNEL_STEPS).fit(design.K, y)
            beta = np.zeros(design.n)
            beta[kernel_machine.support_] = lam * np.abs(kernel_machine.dual_coef_[0])
            yield (beta > 0.0) & (beta < 1.0 - 1e-9), beta >= 1.0 - 1e-9
            del kernel_machine
        matrix, labels = _two_classes(design.matrix, y)
        # scikit-learn's squared hinge has no factor 1/2.
        settings = {"loss": "hinge", "C": 1.0 / lam} if hinge else {"loss": "squared_hinge", "C": 0.5 / lam}
        for tol, most in (_EASY, *((tol, sweeps) for tol in _DUAL_TOLERANCES)):
            machine = LinearSVC(**settings, tol=tol, max_iter=most, dual=True, fit_intercept=False, random_state=0)
            machine.fit(matrix, labels)
            stopped = bool(np.max(machine.n_iter_) >= most)
            if not stopped or most == sweeps:
                margins = labels * (matrix @ machine.coef_[0])
                active = np.abs(margins - 1.0) < 1.5 * tol if hinge else margins < 1.0
                yield active, (margins < 1.0) & ~active
                if stopped:
                    return


def _logistic(design: Design, y: Array, lam: float) -> tuple[Array, float]:
    """Return the weights of logistic regression, and a bound on their relative distance."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    matrix, labels = _two_classes(design.matrix, y)
    best: tuple[Array, float] = (np.zeros(0), np.inf)
    for solver, tol, steps in _DESCENTS:
        machine = LogisticRegression(C=1.0 / lam, fit_intercept=False, solver=solver, tol=tol, max_iter=steps)
        with warnings.catch_warnings():
            # The bound decides, here and for the next descent.
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", linalg.LinAlgWarning)
            machine.fit(matrix, labels)
        weights = design.from_matrix(machine.coef_[0])
        dual = expit(-y * design.fields(weights))
        best = min(best, (weights, distance(design, y, Logistic(), lam, weights, dual)), key=lambda pair: pair[1])
        if best[1] <= ACCURACY:
            break
    return best


def _two_classes(matrix: Any, y: Array) -> tuple[Any, Array]:
    """Return features and labels of both classes: without intercept (x, y) and (-x, -y) are the same sample."""
    if np.any(y != y[0]):
        return matrix, y
    flip = np.ones(y.size)
    flip[0] = -1.0
    turned = flip[:, None] * matrix if isinstance(matrix, np.ndarray) else matrix.multiply(flip[:, None]).tocsr()
    return turned, flip * y
