"""Support vector machines and logistic regression without intercept: scikit-learn's optimisers, and a proof each time.

An optimiser's own stopping rule says little of how far it is from the minimum. So each result is held against a lower
bound of the objective (`raflib.finite.certificate`), the optimiser is run again with a smaller tolerance until that
bound is near, and a run that does not get there is an error. For the two hinge losses, a few steps on the set of
support vectors, which the optimiser found, solve the remaining linear equations exactly and give the bound.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import linalg
from scipy.special import expit

from ..losses import Hinge, Logistic, Loss, MaxMargin
from ..overlaps import Array
from .certificate import distance
from .designs import Design
from .errors import SimulationError

#: Largest relative distance of accepted weights from the minimiser: a direction to 3e-4, an angle over pi to 1e-4.
ACCURACY = 3e-4
#: Tolerances of liblinear's dual coordinate descent that are tried in turn.
_DUAL_TOLERANCES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
_DUAL_SWEEPS = 100_000
#: Enough wherever margins can be kept by weights of moderate size; where they cannot, no number is.
_HARD_SWEEPS = 5_000
#: The same of the primal descents of the logistic loss; Newton's method where the features are few enough.
_DESCENTS = (("lbfgs", 1e-8, 3000), ("newton-cholesky", 1e-8, 200), ("newton-cholesky", 1e-11, 200))
#: A hard margin is a soft one whose slack price exceeds every dual variable; checked by the margins reached.
_PRICES = (1e2, 1e5)
_LARGEST_SHORTFALL = 1e-3
_POLISHING_STEPS = 8


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
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    matrix, labels = _two_classes(design.matrix, y)
    if isinstance(loss, Hinge):
        settings = {"loss": "hinge", "C": 1.0 / lam}
    else:
        settings = {"loss": "squared_hinge", "C": 0.5 / lam}  # scikit-learn's has no factor 1/2
    best: tuple[Array, float] = (np.zeros(0), np.inf)
    for tol in _DUAL_TOLERANCES:
        machine = LinearSVC(**settings, tol=tol, max_iter=sweeps, dual=True, fit_intercept=False, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the bound decides, here and for the next tolerance
            machine.fit(matrix, labels)
        polished = _polish(design, y, loss, lam, design.from_matrix(machine.coef_[0]), tol)
        best = min(best, polished, key=lambda pair: pair[1])
        if best[1] <= ACCURACY or np.max(machine.n_iter_) >= sweeps:
            break
    return best


def _polish(design: Design, y: Array, loss: Loss, lam: float, weights: Array, tol: float) -> tuple[Array, float]:
    """Return the exact weights for the support vectors near those of these weights, and the bound on their distance.

    Support vectors of the hinge loss are either at the margin (to be found: beta in [0, 1]) or within it (beta = 1);
    of the squared hinge all have beta = 1 - margin. Where the linear equations contradict the choice, it is changed:
    the primal-dual active set method (Hintermüller, Ito and Kunisch, SIAM J. Optim. 13 (2003) 865).
    """
    slack, most = (0.0, 1.0) if isinstance(loss, Hinge) else (1.0, np.inf)
    margins = y * design.fields(weights)
    if slack:
        active, beyond = margins < 1.0, np.zeros(margins.shape, dtype=bool)
    else:
        active = np.abs(margins - 1.0) < 1.5 * tol
        beyond = (margins < 1.0) & ~active
    best = (weights, np.inf)
    for _ in range(_POLISHING_STEPS):
        beta = np.where(beyond, 1.0, 0.0)
        rows = np.flatnonzero(active)
        pull = y * design.fields(design.from_dual(y * beta / lam))
        K = design.gram(rows)
        step = lam / (K.diagonal().mean() + slack * lam) if rows.size else lam
        K *= y[rows, None] * y[rows] / lam
        K.flat[:: rows.size + 1] += slack
        beta[rows] = _solve(K, 1.0 - pull[rows])
        inside = np.clip(beta, 0.0, most)
        weights = design.from_dual(y * inside / lam)
        apart = distance(design, y, loss, lam, weights, inside)
        if apart < best[1]:
            best = (weights, apart)
        if apart <= ACCURACY:
            break
        margins = y * design.fields(design.from_dual(y * beta / lam))
        wanted = beta - step * (margins + slack * beta - 1.0)
        active, beyond = (wanted > 0.0) & (wanted < most), wanted >= most
    return best


def _solve(K: Array, b: Array) -> Array:
    """Return a solution of K x = b; where there are more rows than features, and so no solution, nearly the best."""
    for shift in (0.0, 1e-13 * float(K.diagonal().sum())):
        shifted = K.copy()
        shifted.flat[:: len(K) + 1] += shift
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", linalg.LinAlgWarning)  # the bound tells what the solution is worth
            try:
                return np.asarray(linalg.solve(shifted, b, assume_a="pos", overwrite_a=True, check_finite=False))
            except linalg.LinAlgError:
                continue
    return np.zeros_like(b)


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
