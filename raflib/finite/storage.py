"""How much can be stored at finite d: the share of samples that can, and the load at which that is one half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import validation
from ..overlaps import Array
from ..separability import capacity
from ..task import RulesAndFacts
from .checks import is_one, scalar, several
from .estimate import Estimate, estimate
from .separate import is_separable
from .trials import run_trials

#: Trials that a worker gets at once: one takes some milliseconds.
_TOGETHER = 16


def separable_fraction(
    d: int,
    alpha: ArrayLike,
    eps: float = 1.0,
    trials: int = 200,
    seed: int = 0,
    *,
    margin: float = 0.0,
    n_jobs: int | None = None,
    progress: bool = True,
) -> Estimate:
    """Share of rules-and-facts samples of dimension d that some student stores.

    Parameters
    ----------
    d : int, at least 1
        Input dimension.
    alpha : float or array, in (0, inf)
        Samples per input dimension; round(alpha d) samples, at least one.
    eps : float, in [0, 1]
        Share of facts; 1 is Gardner's problem, in which `raflib.finite.cover_fraction` is exact at zero margin.
    trials : int, at least 1
        Samples drawn. Each is one stream of inputs, and a larger load takes more of it: so no curve over alpha rises.
    seed : int, at least 0
        A trial's stream depends on seed, d and the trial's number only, not on n_jobs or trials.
    margin : float, in [0, inf)
        Margin in units of the student's length.
    n_jobs : int, not 0, optional
        Workers, -1 for one a core. By default what joblib.parallel_config says, or one.
    progress : bool
        Show a progress bar over the trials.

    Returns
    -------
    Estimate
        Mean and standard error, of the shape of alpha, and the trials' 0 and 1, shape (trials, ...).

    Raises
    ------
    ValueError
        If an argument is outside its range.
    SimulationError
        If the answer for a sample could not be proved.

    References
    ----------
    Cover, IEEE Trans. Electron. Comput. EC-14 (1965) 326.

    Examples
    --------
    >>> import raflib as rf
    >>> share = rf.finite.separable_fraction(d=10, alpha=2.0, trials=100, progress=False)
    >>> abs(share.mean - rf.finite.cover_fraction(20, 10)) < 4 * share.stderr
    True
    """
    d, margin = validation.integer("d", d, 1), scalar("margin", margin, 0)
    eps = scalar("eps", eps, 0, 1)
    loads = np.asarray(validation.number("alpha", alpha, 0, open_low=True))
    counts = np.maximum(np.rint(loads * d), 1.0).astype(np.int64)
    asked = np.unique(counts)
    calls = [(stream, d, eps, margin, asked) for stream in _streams(seed, d, trials)]
    stored = run_trials(_largest_of, calls, n_jobs, progress, f"separability at d = {d}", together=_TOGETHER)
    fits = (counts[None] <= np.reshape(stored, (-1,) + (1,) * counts.ndim)).astype(np.float64)
    return estimate(fits)


@dataclass(frozen=True)
class FiniteCapacity:
    """Load at which half of the samples can be stored, for several dimensions, and where it tends.

    Attributes
    ----------
    d : array of int, shape (dimensions,)
        Input dimensions.
    load : array, shape (dimensions,)
        Samples per dimension at which half of the trials are separable.
    stderr : array, shape (dimensions,)
        Standard error of load, from the order statistics of the trials.
    width : array, shape (dimensions,)
        Half the distance between the loads at which 84 and 16 per cent are separable: one standard deviation.
    stored : array of int, shape (dimensions, trials)
        Samples that each trial could store, of its stream.
    limit : float
        Where load tends: the intercept of a weighted fit load = limit + shift / d; nan for a single dimension.
    limit_stderr : float
        Its standard error; nan for a single dimension.
    shift : float
        Finite-size shift, the slope of that fit.
    shift_stderr : float
        Its standard error.
    eps : float, in (0, 1]
        Share of facts.
    margin : float, in [0, inf)
        Margin in units of the student's length.

    Examples
    --------
    >>> import raflib as rf
    >>> found = rf.finite.finite_capacity([10, 20], eps=1.0, trials=60, progress=False)
    >>> found.stored.shape, bool(abs(found.limit - rf.capacity(1.0)) < 4 * found.limit_stderr)
    ((2, 60), True)
    """

    d: NDArray[np.int64]
    load: Array
    stderr: Array
    width: Array
    stored: NDArray[np.int64]
    limit: float
    limit_stderr: float
    shift: float
    shift_stderr: float
    eps: float
    margin: float


def finite_capacity(
    d: int | Sequence[int],
    eps: float = 1.0,
    trials: int = 200,
    seed: int = 0,
    *,
    margin: float = 0.0,
    n_jobs: int | None = None,
    progress: bool = True,
) -> FiniteCapacity:
    r"""Measure the load at which half of the samples can be stored, and its shift with the dimension.

    Each trial draws samples of one teacher until they can no longer be stored. As :math:`d \to \infty` the trials
    agree, on `raflib.capacity`; at finite d they spread by :math:`O(1/\sqrt d)` around a load that is shifted by
    :math:`O(1/d)`. For coin flips at zero margin Cover's count puts one half at 2 d exactly, without a shift.

    Parameters
    ----------
    d : int or sequence of distinct int, at least 1
        Input dimensions. Two or more give the limit and the shift.
    eps : float, in (0, 1]
        Share of facts. At eps = 0 and zero margin everything can be stored, and nothing is to be measured.
    trials : int, at least 16
        Streams of samples for each dimension.
    seed : int, at least 0
        A trial's stream depends on seed, d and the trial's number only, not on n_jobs or trials.
    margin : float, in [0, inf)
        Margin in units of the student's length.
    n_jobs : int, not 0, optional
        Workers, -1 for one a core. By default what joblib.parallel_config says, or one.
    progress : bool
        Show a progress bar over the trials.

    Returns
    -------
    FiniteCapacity
        Loads with errors, and their extrapolation.

    Raises
    ------
    ValueError
        If an argument is outside its range.
    SimulationError
        If the answer for a sample could not be proved.

    References
    ----------
    Cover, IEEE Trans. Electron. Comput. EC-14 (1965) 326; Gardner, J. Phys. A 21 (1988) 257.

    Examples
    --------
    >>> import raflib as rf
    >>> found = rf.finite.finite_capacity(15, eps=0.5, trials=60, progress=False)
    >>> bool(abs(found.load[0] - rf.capacity(0.5)) < 0.5)
    True
    """
    wanted = "an integer in the allowed range [1, inf) or a sequence of such integers"
    dimensions = [validation.integer("d", d, 1)] if is_one(d) else several("d", d, 1, wanted)
    if not dimensions or len(set(dimensions)) < len(dimensions):
        raise ValueError(f"d = {d!r} must hold at least one dimension, each once")
    eps, margin = scalar("eps", eps, 0, 1), scalar("margin", margin, 0)
    trials = validation.integer("trials", trials, 16)
    if eps == 0.0 and margin == 0.0:
        raise ValueError("eps = 0 at margin = 0: a rule can always be stored, and there is no capacity; use eps > 0")
    expected = float(capacity(eps, margin))
    calls = [(stream, size, eps, margin, expected) for size in dimensions for stream in _streams(seed, size, trials)]
    found = run_trials(_largest, calls, n_jobs, progress, "capacity", together=_TOGETHER)
    stored = np.reshape(np.array(found, dtype=np.int64), (len(dimensions), trials))
    sizes = np.array(dimensions, dtype=np.float64)
    half = 0.5 / np.sqrt(trials)
    at = {p: np.array([_crossing(row, p) for row in stored]) / sizes for p in (0.5, 0.5 - half, 0.5 + half, 0.16, 0.84)}
    load, stderr = at[0.5], 0.5 * (at[0.5 - half] - at[0.5 + half])
    limit, shift, limit_stderr, shift_stderr = _extrapolated(1.0 / sizes, load, stderr)
    return FiniteCapacity(
        d=np.array(dimensions),
        load=load,
        stderr=stderr,
        width=0.5 * (at[0.16] - at[0.84]),
        stored=stored,
        limit=limit,
        limit_stderr=limit_stderr,
        shift=shift,
        shift_stderr=shift_stderr,
        eps=eps,
        margin=margin,
    )


class _Stream:
    """Samples of one teacher without end, drawn in blocks, so that the first n do not depend on how many follow."""

    def __init__(self, seed: np.random.SeedSequence, d: int, eps: float) -> None:
        self.rng, self.d = np.random.default_rng(seed), d
        self.task = RulesAndFacts(1.0, eps)
        self.teacher = self.rng.standard_normal(d)
        self.X, self.y = np.empty((0, d)), np.empty(0)

    def fits(self, n: int, margin: float) -> bool:
        """Whether the first n samples can be stored."""
        while self.y.size < n:
            X = self.rng.standard_normal((self.d, self.d))
            plus = self.task.label_probability(+1, np.asarray(X @ self.teacher))
            y = np.where(self.rng.random(self.d) < plus, 1.0, -1.0)
            self.X, self.y = np.concatenate([self.X, X]), np.concatenate([self.y, y])
        return n == 0 or is_separable(self.X[:n], self.y[:n], margin)


def _largest_of(seed: np.random.SeedSequence, d: int, eps: float, margin: float, counts: NDArray[np.int64]) -> int:
    """Return the largest of ascending counts that can be stored, 0 if none can."""
    stream = _Stream(seed, d, eps)
    low, high = -1, len(counts)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if stream.fits(int(counts[middle]), margin) else (low, middle)
    return int(counts[low]) if low >= 0 else 0


def _largest(seed: np.random.SeedSequence, d: int, eps: float, margin: float, expected: float) -> int:
    """Return how many samples of a stream can be stored, looking first around the expected load."""
    stream = _Stream(seed, d, eps)
    low, high = 0, max(2, round(expected * d))
    reach = max(2, round(np.sqrt(high)))
    while stream.fits(high, margin):
        low, high, reach = high, high + reach, 2 * reach
    reach = max(2, round(np.sqrt(high)))
    while high - low > reach:  # most often the answer is near: go down in growing steps before halving
        below = max(low, high - reach)
        if below == low or stream.fits(below, margin):
            low = below
            break
        high, reach = below, 2 * reach
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if stream.fits(middle, margin) else (low, middle)
    return low


def _streams(seed: int, d: int, trials: int) -> list[np.random.SeedSequence]:
    seed, trials = validation.integer("seed", seed, 0), validation.integer("trials", trials, 1)
    return np.random.SeedSequence([seed, d]).spawn(trials)


def _crossing(stored: NDArray[np.int64], share: float) -> float:
    """Return the count, between integers, at which this share of the trials can store it."""
    n = np.arange(stored.min(), stored.max() + 2)
    can = (stored[:, None] >= n).mean(axis=0)
    # ``can`` falls from 1 to 0: the last n at which it is still at least the share.
    last = int(np.flatnonzero(can >= share)[-1])
    return float(n[last] + (can[last] - share) / (can[last] - can[last + 1]))


def _extrapolated(x: Array, load: Array, stderr: Array) -> tuple[float, float, float, float]:
    """Return intercept and slope of a weighted straight line, and their standard errors."""
    if x.size < 2:
        return np.nan, np.nan, np.nan, np.nan
    weight = 1.0 / stderr**2
    total, mean = weight.sum(), (weight * x).sum() / weight.sum()
    spread = (weight * (x - mean) ** 2).sum()
    slope = float((weight * (x - mean) * load).sum() / spread)
    intercept = float((weight * load).sum() / total - slope * mean)
    return intercept, slope, float(np.sqrt(1.0 / total + mean**2 / spread)), float(np.sqrt(1.0 / spread))
