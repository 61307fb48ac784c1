"""Whether a sample can be stored with a margin, with a proof of either answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..overlaps import Array
from .checks import labelled, scalar
from .errors import SimulationError

#: Rounding of a margin, in units of the longest input.
_ROUNDING = 1e-12
#: A margin that is missed by no more than this share of it counts as met.
_TIE = 1e-9
#: Steps of the active-set method per row or column; a handful is typical.
_STEPS = 50


@dataclass(frozen=True)
class Separation:
    r"""Whether a sample can be stored with a margin, and the proof.

    Attributes
    ----------
    separable : bool
        Whether a student of unit length has every margin :math:`y\,w\cdot x` at least as large as asked (above zero
        for a margin of zero).
    student : array, shape (d,)
        The student of unit length with the largest smallest margin; zero if no student has them all positive.
    reached : float, in [0, inf)
        Its smallest margin: proof that this much is possible.
    weights : array, shape (n,), in [0, 1], of sum 1
        Farkas's weights c of the samples. The smallest margin of *any* unit student is at most the mean of its
        margins with these weights, so at most :math:`\lVert\sum_\mu c_\mu y_\mu x_\mu\rVert`.
    bound : float, in [0, inf)
        That length: proof that no more is possible.
    margin : float, in [0, inf)
        What was asked.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> X, y = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([1.0, -1.0])
    >>> found = rf.finite.separate(X, y)
    >>> found.separable, round(found.reached, 6), round(found.bound, 6), found.weights.round(6).tolist()
    (True, 0.707107, 0.707107, [0.5, 0.5])
    """

    separable: bool
    student: Array
    reached: float
    weights: Array
    bound: float
    margin: float


def is_separable(X: Array, y: Array, margin: float = 0.0) -> bool:
    r"""Whether some student stores every label with a margin: y w.x >= margin ||w||, y w.x > 0 for margin zero.

    The answer is proved either way; `raflib.finite.separate` returns the proof.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    y : array, shape (n,), in {-1, +1}
        Labels.
    margin : float, in [0, inf)
        Margin in units of the student's length, as in `raflib.capacity` and `raflib.gardner_volume`.

    Returns
    -------
    bool
        Of a student without intercept.

    Raises
    ------
    ValueError
        If an argument is outside its range, or if the shapes do not fit.
    SimulationError
        If neither answer could be proved, which wants entries of very different size.

    References
    ----------
    As `raflib.finite.separate`.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> rf.finite.is_separable(X, np.array([1, 1, 1])), rf.finite.is_separable(X, np.array([1, 1, -1]))
    (True, False)
    """
    return separate(X, y, margin).separable


def separate(X: Array, y: Array, margin: float = 0.0) -> Separation:
    r"""Find the largest margin with which a sample can be stored, and prove it.

    Largest margin and shortest mean are dual,

    .. math::

        \max_{\lVert w\rVert = 1} \min_\mu\ y_\mu\,w\cdot x_\mu
        = \min_{c \ge 0,\ \sum_\mu c_\mu = 1} \Big\lVert \sum_\mu c_\mu\,y_\mu x_\mu \Big\rVert ,

    wherever the left side is positive, and the right side is zero where it is not (Gordan, Farkas). Both sides come
    from one non-negative least squares problem, and each is then computed afresh from the data.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    y : array, shape (n,), in {-1, +1}
        Labels.
    margin : float, in [0, inf)
        Margin in units of the student's length. Asked and possible margins that agree to 1e-9 count as met.

    Returns
    -------
    Separation
        The answer, the best student, and Farkas's weights.

    Raises
    ------
    ValueError
        If an argument is outside its range, or if the shapes do not fit.
    SimulationError
        If neither answer could be proved, which wants entries of very different size.

    Notes
    -----
    scipy's active-set method, 7 to 16 times faster than its linear programs for n = 2 d and d = 20 to 200; and it knows
    the length of the student, which a linear program does not.

    References
    ----------
    Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23, least distance programming.

    Examples
    --------
    >>> import raflib as rf
    >>> data = rf.RulesAndFacts(alpha=1.0, eps=1.0).sample(d=50, rng=0)
    >>> found = rf.finite.separate(data.X, data.y)
    >>> found.separable, bool((data.y * (data.X @ found.student)).min() > 0)
    (True, True)
    """
    from scipy.optimize import nnls

    X, y = labelled(X, y)
    margin = scalar("margin", margin, 0)
    rows = y[:, None] * X
    n, d = rows.shape
    scale = float(np.sqrt(np.max(np.einsum("ij,ij->i", rows, rows))))
    if scale == 0.0:
        return Separation(False, np.zeros(d), 0.0, np.full(n, 1.0 / n), 0.0, margin)
    # min || sum_mu c_mu (y x, 1) - (0, 1) ||^2 over c >= 0: its residual, where there is one, is the best student.
    system = np.vstack([rows.T / scale, np.ones(n)])
    target = np.zeros(d + 1)
    target[-1] = 1.0
    try:
        weights, _ = nnls(system, target, maxiter=_STEPS * (n + d))
    except RuntimeError as stopped:
        raise SimulationError(
            f"separability of n = {n} samples in d = {d} dimensions: non-negative least squares stopped ({stopped}); "
            "scale the inputs to similar size, or drop samples that are there twice"
        ) from stopped
    weights = weights / weights.sum()
    mean = rows.T @ weights
    bound = float(np.linalg.norm(mean))
    if bound <= _ROUNDING * scale:
        return Separation(False, np.zeros(d), 0.0, weights, bound, margin)
    student = mean / bound
    reached = float((rows @ student).min())
    if reached < (1.0 - _TIE) * bound:
        # Where the margin is tiny the mean is a difference with few digits left; equal margins on its samples have all.
        again = np.linalg.lstsq(rows[weights > 0.0], np.ones(np.count_nonzero(weights)), rcond=None)[0]
        again /= np.linalg.norm(again)
        if (better := float((rows @ again).min())) > reached:
            student, reached = again, better
    if reached > _ROUNDING * scale and (reached >= margin * (1.0 - _TIE) or bound < margin):
        return Separation(reached >= margin * (1.0 - _TIE), student, reached, weights, bound, margin)
    raise SimulationError(
        f"separability of n = {n} samples in d = {d} dimensions with margin {margin:g} is not decided: {reached:.3g} "
        f"was reached, and {bound:.3g} is the least bound; scale the inputs to similar size"
    )
