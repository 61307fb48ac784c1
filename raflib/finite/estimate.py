"""The mean over seeds of one observable."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..overlaps import Array


class Estimate(NamedTuple):
    """One observable of a simulation: mean over seeds, its standard error, and the values.

    Attributes
    ----------
    mean : float or array
        Mean over the seeds that have a value, of the shape that the parameters broadcast to.
    stderr : float or array, in [0, inf)
        Standard error of the mean; nan for one seed.
    values : array, shape (seeds, ...)
        The value of each seed.

    Examples
    --------
    >>> import raflib as rf
    >>> task, learner = rf.RulesAndFacts(alpha=1.0, eps=0.3), rf.Learner(rf.Square(), rf.Linear(), lam=1.0)
    >>> mean, stderr, values = rf.simulate(task, learner, d=50, seeds=3, n_jobs=1, progress=False).q
    >>> values.shape, bool(abs(values.mean() - mean) < 1e-12)
    ((3,), True)
    """

    mean: float | Array
    stderr: float | Array
    values: Array


def estimate(values: Array) -> Estimate:
    """Return mean and standard error over the first axis, of the values that are not nan.

    Parameters
    ----------
    values : array, shape (seeds, ...)
        The value of each seed; nan where a seed has none.

    Returns
    -------
    Estimate
        Floats for a single axis, otherwise arrays of the remaining shape. The mean of no value is nan, and so is the
        standard error of one.

    Examples
    --------
    >>> import numpy as np
    >>> mean, stderr, _ = estimate(np.array([[1.0, 5.0], [3.0, np.nan]]))
    >>> mean.tolist(), stderr.tolist()
    ([2.0, 5.0], [1.0, nan])
    """
    valued = ~np.isnan(values)
    n = valued.sum(axis=0)
    nothing = np.full(n.shape, np.nan)
    mean = np.divide(np.where(valued, values, 0.0).sum(axis=0), n, out=nothing.copy(), where=n > 0)
    squares = np.where(valued, (values - mean) ** 2, 0.0).sum(axis=0)
    stderr = np.sqrt(np.divide(squares, n * (n - 1), out=nothing, where=n > 1))
    return Estimate(mean, stderr, values) if n.shape else Estimate(float(mean), float(stderr), values)
