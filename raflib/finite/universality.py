"""Universality measured: how fast learners on other inputs and actual features come to the theory of Gaussian ones."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import validation
from ..learner import Learner
from ..observables import generalization_error, memorization_error, training_error
from ..overlaps import Array
from ..solve import Solution, solve
from ..task import RulesAndFacts
from .actual import Actual
from .checks import several
from .seeds import MOST
from .simulate import Simulation, simulate

_OBSERVABLES = {
    "generalization_error": generalization_error,
    "memorization_error": memorization_error,
    "training_error": training_error,
}


class PowerLaw(NamedTuple):
    r"""A fitted power law :math:`c\,d^{\,p}`.

    Attributes
    ----------
    exponent : float or array
        Exponent p; nan where there is nothing to fit.
    stderr : float or array, in (0, inf)
        Its standard error, from the errors of the points.
    prefactor : float or array, in (0, inf)
        Factor c.
    misfit : float or array, in [0, inf)
        Sum of squared deviations in units of the points' errors: about the number of points less 2 where the power
        law holds.

    Examples
    --------
    >>> import raflib as rf
    >>> law = rf.finite.power_law([100, 200, 400], [0.10, 0.05, 0.025], stderr=[0.01, 0.005, 0.0025])
    >>> round(law.exponent, 9), round(law.prefactor, 6), round(law.stderr, 3)
    (-1.0, 10.0, 0.102)
    """

    exponent: float | Array
    stderr: float | Array
    prefactor: float | Array
    misfit: float | Array


@dataclass(frozen=True)
class Convergence:
    """One observable at growing d, next to the theory; arrays have the shape (sizes, ...).

    Attributes
    ----------
    theory : float or array, shape (...)
        What the theory says, which is the limit of large d.
    mean : array
        Mean over seeds at each d.
    stderr : array
        Standard error of the mean.
    rms : array
        Root mean square, over seeds, of the distance from the theory: the error of one sample, its noise and the shift
        of the mean together.
    rms_stderr : array
        Standard error of the root mean square, for fluctuations that are nearly Gaussian: not where E_mem is so small
        that most samples have no wrong fact.
    law : PowerLaw
        Fitted to the root mean square. Noise alone has the exponent -1/2, a shift alone -1.
    limit : float or array, shape (...)
        Distance of the mean from the theory at infinite d, extrapolated in 1 / d. Universality says that it is zero.
    limit_stderr : float or array, shape (...)
        Its standard error.

    Examples
    --------
    >>> import raflib as rf
    >>> task, learner = rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Square(), rf.Linear(), lam=1.0)
    >>> run = rf.finite.universality(task, learner, [25, 50, 100], inputs="binary", seeds=20, n_jobs=1, progress=False)
    >>> found = run.generalization_error
    >>> found.mean.shape, bool(found.rms[0] > found.rms[-1]), bool(abs(found.limit) < 4 * found.limit_stderr)
    ((3,), True, True)
    """

    theory: float | Array
    mean: Array
    stderr: Array
    rms: Array
    rms_stderr: Array
    law: PowerLaw
    limit: float | Array
    limit_stderr: float | Array


@dataclass(frozen=True)
class Universality:
    """Learners of growing d next to the theory of Gaussian inputs.

    Attributes
    ----------
    generalization_error, memorization_error, training_error : Convergence
        The observables.
    d : array of int, shape (sizes,)
        Input dimensions.
    task : RulesAndFacts
        What was sampled.
    learner : Learner
        What was trained, and what the theory solved.
    inputs : {"gaussian", "sphere", "binary"}
        Law of the inputs.
    actual : ActivationFeatures, DotProductKernel, RBFKernel or None
        What was trained on, if not the Gaussian equivalent.
    seeds : int
        Samples at each d.

    Examples
    --------
    >>> import raflib as rf
    >>> task, learner = rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Square(), rf.Linear(), lam=1.0)
    >>> run = rf.finite.universality(task, learner, [25, 50], inputs="sphere", seeds=5, n_jobs=1, progress=False)
    >>> run.d.tolist(), run.memorization_error.mean.shape
    ([25, 50], (2,))
    """

    generalization_error: Convergence
    memorization_error: Convergence
    training_error: Convergence
    d: NDArray[np.int64]
    task: RulesAndFacts
    learner: Learner
    inputs: str
    actual: Actual | None
    seeds: int


def universality(
    task: RulesAndFacts,
    learner: Learner,
    d: Sequence[int] | NDArray[np.int64],
    *,
    inputs: str = "gaussian",
    actual: Actual | None = None,
    seeds: int = 40,
    tests_per_dimension: int = 50,
    n_jobs: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Universality:
    r"""Train learners of growing d on inputs and features of your choice, and fit how their distance from theory falls.

    The theory is that of Gaussian inputs and of the Gaussian equivalent of the features. That others have the same
    limit is proved for ridge regression and other strongly convex problems, and seen far beyond; how large d must be
    is what this measures.

    Parameters
    ----------
    task : RulesAndFacts
        Its alpha and eps, scalars or arrays.
    learner : Learner
        As for `raflib.simulate`; with ``actual``, its features are the equivalent of these.
    d : sequence of int, at least 1, ascending
        Two input dimensions or more. Take them such that alpha d are whole numbers: rounding is another shift.
    inputs : {"gaussian", "sphere", "binary"}
        Law of the inputs.
    actual : ActivationFeatures, DotProductKernel or RBFKernel, optional
        Features or kernel to train on, as they are.
    seeds : int, in [2, 1000000]
        Samples at each d, all different: the i-th of the sizes takes the seeds from i times this number on.
    tests_per_dimension : int, at least 1
        New inputs over d, where E_gen is not a matter of geometry. Their noise then falls as that of the sample does;
        with 50 it adds a few percent to it. Most of the time goes there.
    n_jobs : int, not 0, optional
        Parallel processes, as for `raflib.simulate`.
    cache : str or path, optional
        Folder that keeps each finished seed, as for `raflib.simulate`.
    progress : bool
        Show a progress bar while it runs.

    Returns
    -------
    Universality
        Means, distances from the theory, and their fits, of the shape that the parameters broadcast to.

    Raises
    ------
    ValueError
        If d or seeds are outside their range. Also what `raflib.simulate` and `raflib.solve` raise.
    ConvergenceError
        If the theory has no solution at a point.
    SimulationError
        If an optimiser did not converge, or if a hard constraint cannot be met.

    References
    ----------
    Hu and Lu, IEEE Trans. Inf. Theory 69 (2023) 1932, random features; Montanari and Saeed, COLT 2022, other inputs;
    Goldt et al., Phys. Rev. X 10 (2020) 041044, Gaussian equivalence.

    Examples
    --------
    >>> import raflib as rf
    >>> task, erf = rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.finite.ActivationFeatures("erf")
    >>> learner = rf.Learner(rf.Square(), erf.equivalent(kappa=1.0), lam=0.1)
    >>> run = rf.finite.universality(task, learner, [20, 40, 80], actual=erf, seeds=30, n_jobs=1, progress=False)
    >>> law = run.generalization_error.law
    >>> bool(abs(law.exponent + 0.5) < 0.2)                               # the noise of one sample falls as d^(-1/2)
    True
    """
    sizes = several("d", d, 1)
    if len(sizes) < 2 or any(b <= a for a, b in pairwise(sizes)):
        raise ValueError(f"d = {list(d)} must hold at least two dimensions, in ascending order")
    count = validation.integer("seeds", seeds, 2, MOST)
    tests = validation.integer("tests_per_dimension", tests_per_dimension, 1)
    solution = solve(task, learner)
    runs = [
        simulate(
            task,
            learner,
            size,
            range(i * count, (i + 1) * count),
            inputs=inputs,
            actual=actual,
            test_size=tests * size,
            n_jobs=n_jobs,
            cache=cache,
            progress=progress,
        )
        for i, size in enumerate(sizes)
    ]
    dimensions = np.array(sizes)
    return Universality(
        **{name: _converge(name, solution, runs, dimensions) for name in _OBSERVABLES},
        d=dimensions,
        task=task,
        learner=learner,
        inputs=inputs,
        actual=actual,
        seeds=count,
    )


def power_law(d: ArrayLike, value: ArrayLike, stderr: ArrayLike) -> PowerLaw:
    r"""Fit :math:`c\,d^{\,p}` to points with errors, by weighted least squares of the logarithms.

    .. math::

        \min_{p,\,c}\ \sum_i \Big(\frac{v_i}{\sigma_i}\Big)^2\big(\log v_i - \log c - p\log d_i\big)^2

    Parameters
    ----------
    d : array, shape (sizes,), in (0, inf)
        Sizes, two of them different at least.
    value : array, shape (sizes, ...), in (0, inf)
        Values v.
    stderr : array, shape (sizes, ...), in (0, inf)
        Their standard errors, which should be small beside the values.

    Returns
    -------
    PowerLaw
        Floats for one axis of values, otherwise arrays of the remaining shape; nan where a value or an error is not
        positive.

    Raises
    ------
    ValueError
        If shapes do not fit, or if the sizes are not positive or all the same.

    References
    ----------
    Press, Teukolsky, Vetterling and Flannery, Numerical Recipes, section 15.2, fitting data to a straight line.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> d = np.array([10.0, 20.0, 40.0])
    >>> law = rf.finite.power_law(d, np.stack([2 / d, 3 / np.sqrt(d)], axis=1), np.full((3, 2), 1e-3))
    >>> law.exponent.round(9), law.prefactor.round(9)
    (array([-1. , -0.5]), array([2., 3.]))
    """
    sizes = np.asarray(validation.number("d", d, 0, open_low=True))
    values, errors = np.asarray(value, dtype=np.float64), np.asarray(stderr, dtype=np.float64)
    if sizes.ndim != 1 or values.shape[:1] != sizes.shape or values.shape != errors.shape or np.unique(sizes).size < 2:
        raise ValueError(
            f"shapes do not fit: d {sizes.shape}, value {values.shape}, stderr {errors.shape}; d holds at least two "
            "different sizes, value and stderr the same shape, with the axis of d first"
        )
    good = ((values > 0.0) & (errors > 0.0) & np.isfinite(values) & np.isfinite(errors)).all(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.where(good, (values / errors) ** 2, np.nan)
        slope, at_one, error, misfit = _line(np.log(sizes), np.log(np.where(good, values, 1.0)), weights)
    return PowerLaw(*(_plain(part) for part in (slope, error, np.exp(at_one), misfit)))


def _converge(name: str, solution: Solution, runs: list[Simulation], d: NDArray[np.int64]) -> Convergence:
    """Return an observable of the runs next to the theory."""
    theory = np.asarray(_OBSERVABLES[name](solution))
    estimates = [getattr(run, name) for run in runs]
    off = np.stack([each.values for each in estimates]) - theory  # (sizes, seeds, ...)
    count = off.shape[1]
    shift, spread = off.mean(axis=1), off.var(axis=1, ddof=1)
    rms = np.sqrt((off**2).mean(axis=1))
    # The variance of a squared Gaussian of mean mu and variance v is 2 v^2 + 4 mu^2 v: steadier than the measured one,
    # which would tie the weights to the noise.
    with np.errstate(divide="ignore", invalid="ignore"):
        rms_stderr = np.sqrt((2.0 * spread**2 + 4.0 * shift**2 * spread) / count) / (2.0 * rms)
    stderr = np.sqrt(spread / count)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.where((stderr > 0.0).all(axis=0), 1.0 / stderr**2, np.nan)
        inverse = 1.0 / d
        _, limit, _, _ = _line(inverse, shift, weights)
        limit_stderr = _error_at_zero(inverse, weights)
    return Convergence(
        theory=_plain(theory),
        mean=shift + theory,
        stderr=stderr,
        rms=rms,
        rms_stderr=rms_stderr,
        law=power_law(d, rms, rms_stderr),
        limit=_plain(limit),
        limit_stderr=_plain(limit_stderr),
    )


def _line(x: Array, y: Array, weights: Array) -> tuple[Array, Array, Array, Array]:
    """Return slope, value at 0, the slope's standard error and the misfit of straight lines along the first axis."""
    column = x.reshape(-1, *(1,) * (y.ndim - 1))
    total = weights.sum(axis=0)
    middle_x, middle_y = (weights * column).sum(axis=0) / total, (weights * y).sum(axis=0) / total
    spread = (weights * (column - middle_x) ** 2).sum(axis=0)
    slope = (weights * (column - middle_x) * (y - middle_y)).sum(axis=0) / spread
    at_zero = middle_y - slope * middle_x
    misfit = (weights * (y - at_zero - slope * column) ** 2).sum(axis=0)
    return slope, at_zero, 1.0 / np.sqrt(spread), misfit


def _error_at_zero(x: Array, weights: Array) -> Array:
    """Return the standard error of the value at 0 of such a line."""
    column = x.reshape(-1, *(1,) * (weights.ndim - 1))
    total = weights.sum(axis=0)
    middle = (weights * column).sum(axis=0) / total
    spread = (weights * (column - middle) ** 2).sum(axis=0)
    return np.asarray(np.sqrt(1.0 / total + middle**2 / spread))


def _plain(value: Array) -> float | Array:
    """Return an array without axes as a float."""
    array = np.asarray(value)
    return float(array) if array.ndim == 0 else array
