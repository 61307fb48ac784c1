"""Support vector machines and logistic regression without intercept: scikit-learn's optimisers, and a proof each time.

An optimiser's own stopping rule says little of how far it is from the minimum. So each result is held against a lower
bound of the objective (`raflib.finite.certificate`), another optimiser goes on where that bound is not near, and a run
that does not get there is an error. For the two hinge losses, a few steps on the set of support vectors, which the
optimiser found, solve the remaining linear equations exactly and give the bound. Where scikit-learn's descents, over
one or two samples at a time, would take very many sweeps, an interior point takes their place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg
from scipy.special import expit

from ..losses import Hinge, Logistic, Loss, MaxMargin
from ..overlaps import Array
from .certificate import ACCURACY, LARGEST_SHORTFALL, distance, vanishes
from .designs import Design, FeatureDesign, KernelDesign
from .errors import SimulationError
from .interior import DualPoint, interior_point, largest_margin
from .polish import Mask, polish
from .session import silenced

#: Tolerance of liblinear's dual coordinate descent, and its sweeps over the sample: where these few do not, the
#: interior point is faster than more of them.
_TOLERANCE, _SWEEPS = 1e-3, 60
#: Steps of libsvm's, each over two samples: on a kernel matrix, and for each sample on features, where the interior
#: point costs less.
_KERNEL_STEPS, _STEPS_A_SAMPLE = 200_000, 20
#: The same of the primal descents of the logistic loss; Newton's method where the features are few enough.
_DESCENTS = (("lbfgs", 1e-8, 3000), ("newton-cholesky", 1e-8, 200), ("newton-cholesky", 1e-11, 200))
#: A hard margin is a soft one whose slack price exceeds every dual variable. This one does at small loads.
_PRICE = 1e2
#: Largest margins of weights of norm one, in units of the features' norm, at which margins are said not to be kept.
_HOPELESS = 1e-5


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
    if design.mean_square == 0.0:
        raise SimulationError(
            f"{type(loss).__name__}: every feature is zero, so there is nothing to learn from; check the inputs"
        )
    if isinstance(loss, MaxMargin) or lam == 0.0:
        return _hard_margin(design, y, loss)
    if isinstance(loss, Logistic):
        weights, apart = _logistic(design, y, lam)
    else:
        weights, apart = _vector_machine(design, y, loss, lam)
    if not apart <= ACCURACY:
        name = f"{type(loss).__name__} at lam = {lam:g}"
        raise _not_converged(name, design, apart, "use a larger lam or a smaller d")
    return np.zeros_like(weights) if vanishes(design, lam, weights) else weights


def _hard_margin(design: Design, y: Array, loss: Loss) -> Array:
    """Return the weights of least norm with all margins at least one."""
    name = type(loss).__name__ + ("" if isinstance(loss, MaxMargin) else " at lam = 0")
    nobody = np.zeros(design.n, dtype=bool)
    found = _descent(design, y, Hinge(), 1.0 / _PRICE)
    if found is not None:
        weights, apart = polish(design, y, Hinge(), 1.0 / _PRICE, found[0] | found[1], nobody)
        if apart <= ACCURACY and _shortfall(design, y, weights) <= LARGEST_SHORTFALL:
            return weights
    point = interior_point(design, y, 1.0, 0.0, np.inf)
    lam = 0.5 / float(point.beta.max())  # a hard margin is a soft one whose slack price exceeds every dual variable
    polished = polish(design, y, Hinge(), lam, _wanted(design, point, 1.0, 0.0) > 0.0, nobody)
    plain = (point.weights, distance(design, y, Hinge(), lam, point.weights, lam * point.beta))
    for weights, apart in (polished, plain):
        if apart <= ACCURACY and _shortfall(design, y, weights) <= LARGEST_SHORTFALL:
            return weights
    shortfall = min(_shortfall(design, y, weights) for weights, _ in (polished, plain))
    margin = max(largest_margin(design, y, point.beta), np.finfo(float).tiny)
    advice = "lower alpha, or use a soft loss with a small lam > 0, of which this is the limit"
    if margin < _HOPELESS * np.sqrt(design.mean_square):
        raise SimulationError(
            f"{name}: a margin falls short of 1 by {shortfall:.3g}, and the constraints cannot be met on this sample, "
            f"or only by weights of norm {1.0 / margin:.2g} or more; {advice}"
        )
    raise _not_converged(
        name, design, min(polished[1], plain[1]), f"a margin falls short of 1 by {shortfall:.1g}; {advice}"
    )


def _shortfall(design: Design, y: Array, weights: Array) -> float:
    """Return how much the least margin falls short of one."""
    return float(np.max(1.0 - y * design.fields(weights)))


def _not_converged(name: str, design: Design, apart: float, advice: str) -> SimulationError:
    return SimulationError(
        f"{name} did not converge (n = {design.n}): the weights may be {apart:.1g} of their norm away from the "
        f"minimiser, more than {ACCURACY:g}; {advice}"
    )


def _vector_machine(design: Design, y: Array, loss: Loss, lam: float) -> tuple[Array, float]:
    """Return the weights of the SVM with hinge or squared hinge loss, and a bound on their relative distance."""
    found = _descent(design, y, loss, lam)
    best = (np.zeros(0), np.inf) if found is None else polish(design, y, loss, lam, *found)
    if best[1] <= ACCURACY:
        return best
    slack, most = (0.0, 1.0) if isinstance(loss, Hinge) else (1.0, np.inf)
    point = interior_point(design, y, lam, slack, most)
    wanted = _wanted(design, point, lam, slack)
    polished = polish(design, y, loss, lam, (wanted > 0.0) & (wanted < most), wanted >= most)
    plain = (point.weights, distance(design, y, loss, lam, point.weights, point.beta))
    best = min(best, polished, plain, key=lambda pair: pair[1])  # plain weights where samples repeat each other
    if not best[1] <= ACCURACY and isinstance(design, KernelDesign) and design.matrix.shape[1] < design.n:
        # The kernel matrix is singular, and at a small lam weights of samples lose what weights of features keep.
        weights, apart = _vector_machine(FeatureDesign(design.matrix), y, loss, lam)
        best = (design.from_matrix(weights), apart)
    return best


def _descent(design: Design, y: Array, loss: Loss, lam: float) -> tuple[Mask, Mask] | None:
    """Return the support vectors at and beyond the margin that scikit-learn's descent finds, if it ends soon."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import SVC, LinearSVC

    hinge = isinstance(loss, Hinge)
    with silenced(ConvergenceWarning):  # the bound decides whether the interior point is needed
        if hinge and np.any(y != y[0]) and (K := _kernel_matrix(design)) is not None:
            most = _KERNEL_STEPS if isinstance(design, KernelDesign) else _STEPS_A_SAMPLE * design.n
            # On the matrix itself, without a copy or a factor. Its intercept is small, and gone after the polishing.
            kernel_machine = SVC(kernel="precomputed", C=1.0 / lam, max_iter=most).fit(K, y)
            if not isinstance(design, KernelDesign) and kernel_machine.n_iter_[0] >= most:
                return None
            beta = np.zeros(design.n)
            beta[kernel_machine.support_] = lam * np.abs(kernel_machine.dual_coef_[0])
            return (beta > 0.0) & (beta < 1.0 - 1e-9), beta >= 1.0 - 1e-9
        matrix, labels = _two_classes(design.matrix, y)
        # scikit-learn's squared hinge has no factor 1/2.
        settings = {"loss": "hinge", "C": 1.0 / lam} if hinge else {"loss": "squared_hinge", "C": 0.5 / lam}
        machine = LinearSVC(
            **settings, tol=_TOLERANCE, max_iter=_SWEEPS, dual=True, fit_intercept=False, random_state=0
        ).fit(matrix, labels)
    if np.max(machine.n_iter_) >= _SWEEPS:
        return None
    margins = y * design.fields(design.from_matrix(machine.coef_[0]))
    active = np.abs(margins - 1.0) < 1.5 * _TOLERANCE if hinge else margins < 1.0
    return active, (margins < 1.0) & ~active


def _kernel_matrix(design: Design) -> Array | None:
    """Return the kernel matrix, if it is no larger than the features."""
    if isinstance(design, KernelDesign):
        return design.K
    if isinstance(design, FeatureDesign) and design.n <= design.shared.shape[1]:
        return design.kernel
    return None


def _wanted(design: Design, point: DualPoint, lam: float, slack: float) -> Array:
    """Dual variables after a step down the gradient: at or beyond a bound for the samples that belong there."""
    return np.asarray(point.beta - lam / (design.mean_square + slack * lam) * point.excess)


def _logistic(design: Design, y: Array, lam: float) -> tuple[Array, float]:
    """Return the weights of logistic regression, and a bound on their relative distance."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    matrix, labels = _two_classes(design.matrix, y)
    best: tuple[Array, float] = (np.zeros(0), np.inf)
    for solver, tol, steps in _DESCENTS:
        machine = LogisticRegression(C=1.0 / lam, fit_intercept=False, solver=solver, tol=tol, max_iter=steps)
        with silenced(ConvergenceWarning, linalg.LinAlgWarning):  # the bound decides, here and for the next descent
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
    dense = isinstance(matrix, np.ndarray)
    if y.size == 1:  # beside a sample of no features, whose margin is zero whatever the weights
        return np.vstack([matrix if dense else matrix.toarray(), np.zeros(matrix.shape[1])]), np.append(y, -y)
    flip = np.ones(y.size)
    flip[0] = -1.0
    return flip[:, None] * matrix if dense else matrix.multiply(flip[:, None]).tocsr(), flip * y
