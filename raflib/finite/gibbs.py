"""Samples of Gardner's volume: random students that store one training set, and what two of them have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .. import validation
from ..overlaps import Array
from ..task import Sample
from .billiard import Path, Table, billiard
from .chains import autocorrelation_time, split_r_hat
from .checks import labelled, scalar
from .errors import SimulationError
from .separate import separate
from .trials import run_trials


class ChainMean(NamedTuple):
    """Mean over Markov chains, and how well it is known.

    Attributes
    ----------
    mean : float
        Mean over all steps and chains.
    stderr : float, in [0, inf)
        Its standard error on this sample: the spread over the square root of ``effective``.
    effective : float, at least 1
        Independent values that would tell as much.
    autocorrelation_time : float
        Kept steps that one independent value takes; the longest of the chains.

    Examples
    --------
    >>> import raflib as rf
    >>> data = rf.RulesAndFacts(alpha=0.5, eps=1.0).sample(d=40, rng=0)
    >>> run = rf.finite.gibbs(data, rng=1, samples=200, chains=2, progress=False)
    >>> run.q.mean > 0, run.q.effective > 20
    (True, True)
    """

    mean: float
    stderr: float
    effective: float
    autocorrelation_time: float


@dataclass(frozen=True)
class Gibbs:
    """Students drawn from Gardner's volume of one sample, with diagnostics of the chains.

    Attributes
    ----------
    students : array, shape (chains, samples, d)
        Of squared length d; each stores every label with the margin.
    q : ChainMean
        Overlap w.w' / d of two students from different chains, q_EA.
    m : ChainMean
        Overlap with the teacher, w.w* / (sqrt(d) ||w*||).
    r_hat : float, at least about 1
        Agreement of the chains' halves, the worse one of m and of the overlap with the start.
    walls : float
        Reflections per step.
    given_up : float, in [0, 1]
        Share of the steps whose path met too many walls; such a step stays where it is.
    margin : float, in [0, inf)
        What every student reaches.
    largest_margin : float, in (0, inf)
        The largest margin of any student, that of the start.

    Examples
    --------
    >>> import raflib as rf
    >>> data = rf.RulesAndFacts(alpha=0.5, eps=1.0).sample(d=40, rng=0)
    >>> run = rf.finite.gibbs(data, rng=1, samples=200, chains=2, progress=False)
    >>> bool((data.y * (run.students @ data.X.T) > 0).all()), run.r_hat < 1.1
    (True, True)
    """

    students: Array
    q: ChainMean
    m: ChainMean
    r_hat: float
    walls: float
    given_up: float
    margin: float
    largest_margin: float


def gibbs(
    data: Sample,
    rng: np.random.Generator | int,
    *,
    margin: float = 0.0,
    samples: int = 500,
    chains: int = 4,
    burn_in: int = 100,
    thin: int = 1,
    travel: float = 1.0,
    largest_r_hat: float = 1.1,
    n_jobs: int | None = None,
    progress: bool = True,
) -> Gibbs:
    r"""Draw students uniformly from those that store a sample, by billiards on the sphere.

    The set is that of `raflib.gardner_volume`,

    .. math::

        \lVert w\rVert^2 = d, \qquad \frac{y_\mu\,w\cdot x_\mu}{\sqrt d} \ge \kappa_\mathrm m
        \quad \text{for all } \mu .

    Each chain starts from the student of largest margin. A step follows a great circle in a random direction for a
    random angle and is reflected where it meets a wall of the set, which leaves the uniform measure as it is: no step
    is rejected, and one step crosses the set. At zero margin the same directions belong to the Gaussian prior
    conditioned on the labels.

    Parameters
    ----------
    data : Sample
        From `raflib.RulesAndFacts.sample`, or your own arrays in a `raflib.Sample`.
    rng : numpy.random.Generator or int, at least 0
        Generator, or the seed of one; each chain gets its own stream of it.
    margin : float, in [0, inf)
        Margin that every label must reach, as in `raflib.gardner_volume`.
    samples : int, at least 8
        Students kept of each chain.
    chains : int, at least 2
        Independent chains, since q is an overlap of two of them.
    burn_in : int, at least 0
        Steps before the first student is kept.
    thin : int, at least 1
        Steps from one kept student to the next.
    travel : float, in (0, inf)
        Mean angle of a step in radians. Less is cheaper and more correlated, in proportion, while it is smaller than
        the set; near capacity the set is small and 0.3 does.
    largest_r_hat : float, in (1, inf]
        Chains that agree less are an error.
    n_jobs : int, not 0, optional
        Workers for the chains, -1 for one a core. By default what joblib.parallel_config says, or one. The numbers
        do not depend on it.
    progress : bool
        Show a progress bar over the chains.

    Returns
    -------
    Gibbs
        Students, their overlaps, and diagnostics.

    Raises
    ------
    ValueError
        If an argument is outside its range.
    SimulationError
        If no student stores the sample with this margin, or if the chains disagree.

    Notes
    -----
    A reflection costs O(n + d), about 15 microseconds at n = 100, and a step of one radian meets 0.6 n of them at half
    of capacity. The Gram matrix takes n^2 numbers.

    References
    ----------
    Gryazina and Polyak, Eur. J. Oper. Res. 238 (2014) 497, for billiards in a convex set; here on the sphere.

    Examples
    --------
    >>> import raflib as rf
    >>> data = rf.RulesAndFacts(alpha=1.0, eps=1.0).sample(d=60, rng=0)
    >>> run = rf.finite.gibbs(data, rng=1, samples=150, chains=2, progress=False)
    >>> abs(run.q.mean - rf.gardner_volume(alpha=1.0).q) < 0.2
    True
    """
    validation.instance("data", data, Sample, "an rf.Sample, such as rf.RulesAndFacts(alpha, eps).sample(d, rng)")
    X, y = labelled(data.X, data.y)
    d = X.shape[1]
    if d < 2:
        raise ValueError(f"data.X has d = {d}; the sphere needs d >= 2 to walk on")
    margin = scalar("margin", margin, 0)
    samples, chains = validation.integer("samples", samples, 8), validation.integer("chains", chains, 2)
    burn_in, thin = validation.integer("burn_in", burn_in, 0), validation.integer("thin", thin, 1)
    travel = scalar("travel", travel, 0, open_low=True)
    if not (isinstance(largest_r_hat, float | int) and largest_r_hat > 1.0):
        raise ValueError(f"largest_r_hat = {largest_r_hat!r} is outside the allowed range (1, inf]")
    deepest = separate(X, y, margin)
    if not deepest.reached > margin:
        raise SimulationError(
            f"no student stores this sample (n = {len(y)}, d = {d}) with margin {margin:g}: the largest possible is at "
            f"most {deepest.bound:.6g}; lower the load or the margin"
        )
    streams = validation.generator("rng", rng).spawn(chains)
    calls = [(y[:, None] * X, margin, deepest.student, stream, samples, thin, burn_in, travel) for stream in streams]
    paths: list[Path] = run_trials(_walk, calls, n_jobs, progress, f"Gardner's volume at d = {d}")
    units = np.stack([path.students for path in paths])
    teacher = units @ (data.teacher / np.linalg.norm(data.teacher))
    r_hat = max(split_r_hat(teacher), split_r_hat(units @ deepest.student))
    if not r_hat <= largest_r_hat:
        raise SimulationError(
            f"{chains} chains of {samples} students disagree (n = {len(y)}, d = {d}): r_hat = {r_hat:.3g} is above "
            f"largest_r_hat = {largest_r_hat:g}; raise samples, thin, burn_in or travel"
        )
    return Gibbs(
        students=units * np.sqrt(d),
        q=_average(_pair_overlap(units)[None]),
        m=_average(teacher),
        r_hat=r_hat,
        walls=float(np.mean([path.walls for path in paths])),
        given_up=float(np.mean([path.given_up for path in paths])),
        margin=margin,
        largest_margin=deepest.reached,
    )


def _walk(
    rows: Array,
    margin: float,
    start: Array,
    rng: np.random.Generator,
    samples: int,
    thin: int,
    burn_in: int,
    travel: float,
) -> Path:
    """One chain."""
    return billiard(Table(rows, margin), start, rng, samples, thin, burn_in, travel)


def _pair_overlap(units: Array) -> Array:
    """Return, step by step, the mean overlap of all pairs of different chains: from the length of their sum."""
    chains = len(units)
    total = units.sum(axis=0)
    return np.asarray((np.einsum("td,td->t", total, total) - chains) / (chains * (chains - 1)))


def _average(chains: Array) -> ChainMean:
    """Return the mean of series, shape (chains, n), with what their autocorrelation makes of its error."""
    times = [autocorrelation_time(chain) for chain in chains]
    effective = max(1.0, sum(chains.shape[1] / time for time in times))
    return ChainMean(float(chains.mean()), float(chains.std(ddof=1) / np.sqrt(effective)), effective, max(times))
