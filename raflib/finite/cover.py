"""Cover's count: how many labellings of points in general position a perceptron can store."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, gammaln

from .. import validation
from ..overlaps import Array

#: Below this a probability is summed by its logarithm: betainc loses digits, then underflows.
_SMALL = 1e-280
#: Terms of the sum that are added at once.
_BLOCK = 4096


def cover_count(n: int, d: int) -> int:
    r"""Number of labellings of n points in general position in d dimensions that some student stores, exactly.

    .. math::

        C(n, d) = 2 \sum_{k=0}^{d-1} \binom{n-1}k

    Parameters
    ----------
    n : int, at least 1
        Points; any d of them are independent.
    d : int, at least 1
        Dimension, of a student without intercept.

    Returns
    -------
    int
        Between 2 and 2^n, with all its digits.

    Raises
    ------
    ValueError
        If an argument is no positive integer.

    References
    ----------
    Cover, IEEE Trans. Electron. Comput. EC-14 (1965) 326.

    Examples
    --------
    >>> import raflib as rf
    >>> rf.finite.cover_count(3, 2), rf.finite.cover_count(4, 2)      # of 8 and of 16 labellings in the plane
    (6, 8)
    """
    n, d = validation.integer("n", n, 1), validation.integer("d", d, 1)
    if d >= n:
        return int(2**n)
    total = term = 1
    for k in range(1, d):
        term = term * (n - k) // k
        total += term
    return 2 * total


def cover_fraction(n: ArrayLike, d: ArrayLike, *, log: bool = False) -> float | Array:
    r"""Share of the labellings of n points in general position that can be stored: Cover's count over 2^n.

    .. math::

        P(n, d) = 2^{1-n} \sum_{k=0}^{d-1} \binom{n-1}k = I_{1/2}(n-d, d),

    the chance that n - 1 fair coins show at most d - 1 heads. It is 1 for n <= d, exactly 1/2 at n = 2d, and a step
    there as d grows. :math:`I` is the regularised incomplete beta function.

    Parameters
    ----------
    n : int or array of int, at least 1
        Points.
    d : int or array of int, at least 1
        Dimension.
    log : bool
        Return the natural logarithm, which does not underflow.

    Returns
    -------
    float or array, in [0, 1], or in (-inf, 0] with ``log``
        Of the broadcast shape. Relative accuracy about 1e-12, of the logarithm too.

    Raises
    ------
    ValueError
        If a value is no positive integer, or if the shapes do not broadcast.

    References
    ----------
    Cover, IEEE Trans. Electron. Comput. EC-14 (1965) 326.

    Examples
    --------
    >>> import raflib as rf
    >>> rf.finite.cover_fraction(4, 2), round(rf.finite.cover_fraction(400_000, 100_000, log=True), 3)
    (0.5, -52331.634)
    """
    points, dimension = _integers("n", n), _integers("d", d)
    points, dimension = validation.broadcast(n=points, d=dimension)
    low, high = np.maximum(points - dimension, 1.0), dimension
    share = np.where(points <= dimension, 1.0, betainc(low, high, 0.5))
    if not log:
        return float(share) if share.ndim == 0 else np.asarray(share)
    # Near 1 the logarithm is that of what is missing.
    missing = np.where(points <= dimension, 0.0, betainc(high, low, 0.5))
    with np.errstate(divide="ignore"):
        logarithm = np.where(share > 0.5, np.log1p(-missing) + 0.0, np.log(share))
    for index in np.argwhere(share < _SMALL):
        at = tuple(index)
        logarithm[at] = _log_tail(int(points[at]), int(dimension[at]))
    return float(logarithm) if logarithm.ndim == 0 else np.asarray(logarithm)


def _integers(name: str, value: ArrayLike) -> Array:
    """Return positive integers as floats, or raise ValueError."""
    array = np.asarray(validation.number(name, value, 1))
    if np.asarray(value).dtype == np.bool_:
        raise ValueError(f"{name} = {value!r} is not an integer in the allowed range [1, inf)")
    bad = array[array != np.rint(array)]
    if bad.size:
        raise ValueError(f"{name} = {bad.flat[0]:g} is not an integer in the allowed range [1, inf)")
    return array


def _log_tail(n: int, d: int) -> float:
    """Return log P far below n = 2d: the last term of the sum is its largest, and the others fall off from it."""
    top = d - 1
    last = gammaln(n) - gammaln(d) - gammaln(n - top)
    total, term = 0.0, 1.0
    for first in range(top, -1, -_BLOCK):
        k = np.arange(first, max(first - _BLOCK, -1), -1.0)
        # Each term is k / (n - k) times the one above it.
        falls = np.cumprod(np.concatenate([[1.0], k[:-1] / (n - k[:-1])])) * term
        total += float(falls.sum())
        term = float(falls[-1] * k[-1] / (n - k[-1]))
        if term < 1e-18 * total:
            break
    return float(last + math.log(total) - (n - 1) * math.log(2.0))
