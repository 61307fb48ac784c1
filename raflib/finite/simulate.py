"""Many learners of finite size, trained and measured: mean and standard error of the theory's observables."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .. import validation
from ..learner import Learner
from ..overlaps import Array
from ..task import RulesAndFacts
from .training import SimulationError, train

__all__ = ["Estimate", "Simulation", "SimulationError", "simulate"]

_OBSERVABLES = ("generalization_error", "memorization_error", "training_error", "training_loss", "m", "q")


class Estimate(NamedTuple):
    """One observable of a simulation: mean over seeds, its standard error, and the values.

    Attributes
    ----------
    mean : float or array
        Mean over seeds, of the shape of lam.
    stderr : float or array, in [0, inf)
        Standard error of the mean; nan for one seed.
    values : array, shape (seeds, ...)
        The value of each seed.

    Examples
    --------
    >>> import raflib as rf
    >>> task, learner = rf.RulesAndFacts(alpha=1.0, eps=0.3), rf.Learner(rf.Square(), rf.Linear(), lam=1.0)
    >>> mean, stderr, values = rf.simulate(task, learner, d=50, seeds=3, jobs=1, progress=False).q
    >>> values.shape, bool(abs(values.mean() - mean) < 1e-12)
    ((3,), True)
    """

    mean: float | Array
    stderr: float | Array
    values: Array


@dataclass(frozen=True)
class Simulation:
    """Observables of trained learners of dimension d, each estimated over the seeds.

    Attributes
    ----------
    generalization_error : Estimate
        Exact angle between the trained student and its teacher over pi: no test set, so no sampling noise of one.
    memorization_error : Estimate
        Share of the facts that are wrong; nan where a sample holds no fact.
    training_error : Estimate
        Share of all samples that are wrong.
    training_loss : Estimate
        Mean loss per sample.
    m : Estimate
        w.w* / (sqrt(d) ||w*||).
    q : Estimate
        ||w||^2 / d.
    seconds : array, shape (seeds,)
        Wall time of each seed.
    task : RulesAndFacts
        What was sampled.
    learner : Learner
        What was trained.
    d : int, at least 1
        Input dimension.
    seeds : tuple of int
        The seeds.

    Examples
    --------
    >>> import raflib as rf
    >>> task, learner = rf.RulesAndFacts(alpha=1.0, eps=0.3), rf.Learner(rf.Square(), rf.Linear(), lam=1.0)
    >>> run = rf.simulate(task, learner, d=50, seeds=3, jobs=1, progress=False)
    >>> run.d, run.seeds, run.seconds.shape
    (50, (0, 1, 2), (3,))
    """

    generalization_error: Estimate
    memorization_error: Estimate
    training_error: Estimate
    training_loss: Estimate
    m: Estimate
    q: Estimate
    seconds: Array
    task: RulesAndFacts
    learner: Learner
    d: int
    seeds: tuple[int, ...]


def simulate(
    task: RulesAndFacts,
    learner: Learner,
    d: int = 1000,
    seeds: int | Sequence[int] = 8,
    *,
    jobs: int | None = None,
    progress: bool = True,
) -> Simulation:
    """Sample the task, train the learner and measure it, for several seeds in parallel.

    Parameters
    ----------
    task : RulesAndFacts
        With scalar alpha and eps.
    learner : Learner
        Square, Hinge, MinNorm or MaxMargin on Linear or Kernel features (the Gaussian equivalent). ``lam`` may be an
        array: every seed then trains the whole path on the same sample, and estimates have the shape of lam.
    d : int, at least 1
        Input dimension; round(alpha d) samples.
    seeds : int, at least 1, or sequence of distinct non-negative int
        A number n stands for the seeds 0 to n - 1. The same seed gives the same numbers whatever the number of jobs.
    jobs : int, at least 1, optional
        Parallel processes; by default as many as there are cores, at most one a seed.
    progress : bool
        Show a progress bar while it runs.

    Returns
    -------
    Simulation
        Mean, standard error and single values of every observable.

    Raises
    ------
    ValueError
        If an argument is outside its range, or if a loss or a feature map has no finite-size version.
    SimulationError
        If an optimiser did not converge, or if a hard constraint cannot be met. A failed run is never a point.

    Examples
    --------
    >>> import raflib as rf
    >>> task = rf.RulesAndFacts(alpha=2.0, eps=0.3)
    >>> learner = rf.Learner(rf.Square(), rf.Linear(), lam=0.1)
    >>> run = rf.simulate(task, learner, d=200, seeds=4, jobs=1, progress=False)
    >>> theory = rf.generalization_error(rf.solve(task, learner))
    >>> abs(run.generalization_error.mean - theory) < 4 * run.generalization_error.stderr + 0.01
    True
    """
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    d = validation.integer("d", d, 1)
    if isinstance(seeds, int | np.integer):
        chosen = tuple(range(validation.integer("seeds", seeds, 1)))
    else:
        chosen = tuple(validation.integer("seeds", int(seed), 0) for seed in seeds)
        if not chosen or len(set(chosen)) < len(chosen):
            raise ValueError(f"seeds = {seeds!r} must hold at least one seed, each once")
    for name, value in {"alpha": task.alpha, "eps": task.eps, **learner.features.parameters}.items():
        if np.ndim(value):
            raise ValueError(f"{name} has shape {np.shape(value)}; simulate takes a scalar {name} (only lam may vary)")
    workers = min(os.cpu_count() or 1, len(chosen)) if jobs is None else validation.integer("jobs", jobs, 1)

    runs = Parallel(n_jobs=workers, return_as="generator")(delayed(_one_seed)(task, learner, d, s) for s in chosen)
    if progress:  # named only when wanted, so that the environment's TQDM_DISABLE keeps its say
        runs = tqdm(runs, total=len(chosen), desc=f"training at d = {d}", leave=False)
    results = list(runs)
    values = np.array([values for values, _ in results])  # (seeds, observables, lam path)
    shape = np.shape(learner.lam)
    estimates = {
        name: _estimate(values[:, i].reshape(len(chosen), *shape), shape) for i, name in enumerate(_OBSERVABLES)
    }
    return Simulation(
        **estimates,
        seconds=np.array([seconds for _, seconds in results]),
        task=task,
        learner=learner,
        d=d,
        seeds=chosen,
    )


def _one_seed(task: RulesAndFacts, learner: Learner, d: int, seed: int) -> tuple[Array, float]:
    """Return the observables (observable, lam) of one sample and the seconds it took."""
    began = time.perf_counter()
    data = task.sample(d, np.random.default_rng(seed))
    direction = data.teacher / np.linalg.norm(data.teacher)
    path = np.atleast_1d(learner.lam).ravel()
    values = np.empty((len(_OBSERVABLES), path.size))
    for i, lam in enumerate(path):
        trained = train(data.X, data.y, learner.loss, learner.features, float(lam))
        margins = data.y * trained.fields
        m = trained.student @ direction / np.sqrt(d)
        q = trained.student @ trained.student / d
        wrong = margins <= 0
        values[:, i] = (
            np.arctan2(np.sqrt(max(q - m * m, 0.0)), m) / np.pi,
            wrong[data.is_fact].mean() if data.is_fact.any() else np.nan,
            wrong.mean(),
            learner.loss.value(margins).mean() if learner.loss.constraint is not None else 0.0,
            m,
            q,
        )
    return values, time.perf_counter() - began


def _estimate(values: Array, shape: tuple[int, ...]) -> Estimate:
    """Return mean and standard error over the first axis; the standard error of one seed is nan."""
    n = values.shape[0]
    mean = values.mean(axis=0)
    stderr = values.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(shape, np.nan)
    if shape == ():
        return Estimate(float(mean), float(stderr), values)
    return Estimate(mean, stderr, values)
